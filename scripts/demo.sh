#!/bin/bash
# Shows a project of stacks/ on the local cloud: set up, run, query, tear down. Each glueproj command is printed
# before it runs, as a user would type it.
#
#   make demo [PROJECT=sales-lake] [KEEP=1]
#
# KEEP=1 leaves all of it standing. The exit code is the pipeline's: that of the first command that failed, else 0.
# stacks/PROJECT/demo.sh says what there is to run: demo_about, demo_workflow, demo_setup_options, demo_tables, demo_queries (with
# demo_query_options) and demo_titles; demo_prepare goes before all, demo_show after the queries, and demo_clean stops what
# demo_prepare started.
set -uo pipefail
cd "$(dirname "$0")/.."

project=${PROJECT:-sales-lake}
folder=stacks/$project
code=0

if [ ! -f "$folder/glueproj.yaml" ] || [ ! -f "$folder/demo.sh" ]; then
	echo "demo.sh: '$project' is not a project of stacks/ with a demo.sh; there are:" stacks/*/demo.sh >&2
	exit 2
fi

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
