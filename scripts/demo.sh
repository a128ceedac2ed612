#!/bin/bash
# Shows a project of stacks/ on the local cloud: set up, run, query, tear down. Each glueproj command is printed
# before it runs, as a user would type it.
#
#   make demo [PROJECT=sales-lake] [KEEP=1]
#   make demo PROJECT=all              # every project, one after another; or PROJECT="a b"
#
# KEEP=1 leaves all of it standing. The exit code is the pipeline's: that of the first command that failed, else 0; of several
# pipelines, that of the first that failed. The others run all the same, unless it was interrupted.
# stacks/PROJECT/demo.sh says what there is to run: demo_about, demo_workflow, demo_setup_options, demo_tables, demo_queries (with
# demo_query_options) and demo_titles; demo_prepare goes before all, demo_show after the queries, and demo_clean stops what
# demo_prepare started.
set -uo pipefail
cd "$(dirname "$0")/.."

project=${PROJECT:-sales-lake}
folder=stacks/$project
code=0

# What PROJECT=all is: in this order, then what else there is.
every_project() {
	local file name known=' sales-lake exabel-timeseries crypto-prices format-conversion transit-platform '
	for name in $known; do
		[ ! -f "stacks/$name/demo.sh" ] || echo "$name"
	done
	for file in stacks/*/demo.sh; do
		name=$(basename "$(dirname "$file")")
		[[ $known == *" $name "* ]] || echo "$name"
	done
}

check_project() {
	[ ! -f "stacks/$1/glueproj.yaml" ] || [ ! -f "stacks/$1/demo.sh" ] || return 0
	echo "demo.sh: '$1' is not a project of stacks/ with a demo.sh; there are:" $(every_project) "(or all)" >&2
	exit 2
}

# A process for each, so that nothing of one's demo.sh reaches the next; a line for each at the end.
several() {
	local name begin result=0 all_begin=$SECONDS good=0 lines=()
	for name in "$@"; do
		if [ $result = 130 ] || [ $result = 143 ]; then
			lines+=("$(printf '%-20s not run' "$name")")
			continue
		fi
		begin=$SECONDS
		printf '\n######## %s\n\n' "$name"
		PROJECT=$name scripts/demo.sh
		result=$?
		[ $code != 0 ] || code=$result
		[ $result != 0 ] || good=$((good + 1))
		lines+=("$(printf '%-20s %-7s %4d s%s' "$name" "$([ $result = 0 ] && echo done || echo failed)" $((SECONDS - begin)) \
			"$([ $result = 0 ] || echo "  exit code $result")")")
	done
	printf '\n######## %d of %d pipelines done after %d s\n\n' $good $# $((SECONDS - all_begin))
	printf '%s\n' "${lines[@]}"
	exit $code
}

if [ "$project" = all ]; then
	several $(every_project)
elif [[ $project == *' '* ]]; then
	for name in $project; do
		check_project "$name"
	done
	several $project
fi
check_project "$project"

demo_about=$project demo_workflow='' demo_setup_options=() demo_titles=() demo_queries=() demo_query_options=()
demo_tables=yes
demo_prepare() {
	:
}
demo_show() {
	:
}
demo_clean() {
	:
}
demo_how_to_clean() {
	:
}
. "$folder/demo.sh"

# await_ready WHAT PROCESS FILE LOG: until FILE has what the process in the background writes into it when it is ready.
await_ready() {
	local waited=0
	while [ ! -s "$3" ]; do
		sleep 0.1
		if ! kill -0 "$2" 2>/dev/null || [ $((waited += 1)) -gt 300 ]; then
			echo "$1 does not start:" >&2
			cat "$4" >&2
			return 1
		fi
	done
}

heading() {
	printf '\n== %s\n' "$1"
}

# Words as they must be typed: in quotes where the shell would read something into them.
typed() {
	local word line='$'
	for word in "$@"; do
		case $word in
		'' | *[!A-Za-z0-9_./:=@,+-]*)
			line="$line '${word//\'/\'\\\'\'}'"
			;;
		*) line="$line $word" ;;
		esac
	done
	printf '%s\n' "$line"
}

# Prints a command of glueproj and runs it; the first failure is the demo's exit code.
step() {
	local result
	typed ./glueproj -p "$folder" --local "$@"
	./glueproj -p "$folder" --local "$@"
	result=$?
	[ $code != 0 ] || code=$result
	return $result
}

pipeline() {
	heading "Set up"
	step setup "${demo_setup_options[@]}" || return
	if [ -n "$demo_workflow" ]; then
		heading "Run it and follow it"
		step run "$demo_workflow" --follow || return
	fi
	if [ $demo_tables = yes ]; then
		heading "Tables of the catalog"
		step tables || return
	fi
	local i
	for i in "${!demo_queries[@]}"; do
		heading "${demo_titles[$i]:-Query}"
		step query "${demo_query_options[@]}" "${demo_queries[$i]}" || return
	done
	demo_show || code=1
}

teardown() {
	heading "Tear down"
	step teardown --yes || return
	typed ./glueproj local stop --dir "$folder/.glueproj/local"
	./glueproj local stop --dir "$folder/.glueproj/local" || [ $code != 0 ] || code=1
}

how_to_go_on() {
	heading "All of it is left standing. Go on with"
	typed ./glueproj -p "$folder" --local status
	[ -z "$demo_workflow" ] || typed ./glueproj -p "$folder" --local run "$demo_workflow" --follow
	[ $demo_tables != yes ] || typed ./glueproj -p "$folder" --local tables
	echo 'or, for other clients:'
	echo "\$ eval \"\$(./glueproj local start --dir $folder/.glueproj/local)\""
	echo 'and at the end:'
	typed ./glueproj -p "$folder" --local teardown --yes
	demo_how_to_clean
}

printf '%s: %s\n' "$project" "$demo_about"
[ -n "${KEEP:-}" ] && [ "$KEEP" != 0 ] || trap demo_clean EXIT
demo_prepare || exit 1
begin=$SECONDS
pipeline
if [ -n "${KEEP:-}" ] && [ "$KEEP" != 0 ]; then
	how_to_go_on
else
	teardown
fi
printf '\n%s: %s after %d s\n' "$project" "$([ $code = 0 ] && echo done || echo "failed, exit code $code,")" $((SECONDS - begin))
exit $code
