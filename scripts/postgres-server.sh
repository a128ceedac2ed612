#!/bin/bash
# A PostgreSQL server for this machine alone, in a folder of its own: for trying out what wants a database.
#
#   scripts/postgres-server.sh start DIR [DATABASE]   starts it, on a free port of 127.0.0.1; the database and its user
#                                                     are made, with a password made up; prints DIR/connection, a file
#                                                     that has all of it as libpq takes it
#   scripts/postgres-server.sh psql DIR [WORD...]     psql on that database, the password kept off the command line
#   scripts/postgres-server.sh stop DIR               ends it; what it kept stays in DIR
#
# The server refuses to run as root: as root it is the user postgres (or nobody), who must be able to reach DIR.
set -euo pipefail

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1 >&2
	exit 2
}

die() {
	echo "postgres-server.sh: $*" >&2
	exit 1
}

[ $# -ge 2 ] || usage
action=$1 dir=$2
shift 2
bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || bin=$(dirname "$(command -v initdb)") ||
	die "PostgreSQL is not installed: apt-get install postgresql"

# Words as whoever may run the server, with an environment of its own.
as_server() {
	local user=()
	if [ "$(id -u)" = 0 ]; then
		user=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups)
	fi
	env -i PATH=/usr/bin:/bin HOME="$dir" LC_ALL=C "${user[@]}" "$@"
}

server_owner() {
	[ "$(id -u)" = 0 ] || { id -un && return; }
	id -un postgres 2>/dev/null || id -un nobody
}

start() {
	local database=${1:-data_platform} password port try
	mkdir -p "$dir"
	owner=$(server_owner)
	# As root: what somebody else has put there could lead the files below to wherever they like.
	[ ! -L "${dir%/}" ] || die "'$dir' is a link"
	[ -O "$dir" ] || [ "$(stat -c %U "$dir")" = "$owner" ] || die "'$dir' belongs to somebody else"
	dir=$(cd "$dir" && pwd)
	[ "$(id -u)" != 0 ] || chown "$owner" "$dir"
	as_server test -w "$dir" || die "the user $owner cannot reach '$dir'; take a folder below /tmp"
	[ ! -e "$dir/data/postmaster.pid" ] || ! as_server "$bin/pg_ctl" status -D "$dir/data" >/dev/null 2>&1 || die "'$dir' has a running server"
	if [ ! -e "$dir/data/PG_VERSION" ]; then
		password=$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')
		(umask 077 && printf '%s\n' "$password" >"$dir/password")
		chown "$owner" "$dir/password"
		as_server "$bin/initdb" -D "$dir/data" -U "$database" -A scram-sha-256 --pwfile="$dir/password" -E UTF8 --locale=C >"$dir/log" 2>&1 ||
			die "initdb failed: $(cat "$dir/log")"
	fi
	password=$(cat "$dir/password")
	# Another program may take the port between the look and the start.
	for try in 1 2 3 4 5; do
		port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		as_server "$bin/pg_ctl" start -w -s -D "$dir/data" -l "$dir/data/server.log" \
			-o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='$dir'" >>"$dir/log" 2>&1 </dev/null && break
		[ "$try" != 5 ] || die "the server does not start: $(cat "$dir/data/server.log")"
	done
	if [ "$(psql_as_owner -c "SELECT count(*) FROM pg_database WHERE datname = '$database'")" = 0 ]; then
		psql_as_owner -c "CREATE DATABASE \"$database\"" >/dev/null
	fi
	(umask 077 && printf 'host=127.0.0.1 port=%s dbname=%s user=%s password=%s\n' "$port" "$database" "$database" "$password" >"$dir/connection")
	echo "$dir/connection"
}

psql_as_owner() {
	PGPASSWORD=$password psql -X -q -A -t -h 127.0.0.1 -p "$port" -U "$database" -d postgres "$@"
}

# What `start` has written, as libpq's environment.
ask() {
	local host port dbname user password pair
	for pair in $(cat "$dir/connection"); do
		declare "$pair"
	done
	PGHOST=$host PGPORT=$port PGDATABASE=$dbname PGUSER=$user PGPASSWORD=$password PGCONNECT_TIMEOUT=10 exec psql -X "$@"
}

stop() {
	[ -e "$dir/data/postmaster.pid" ] || return 0
	dir=$(cd "$dir" && pwd)
	owner=$(server_owner)
	as_server "$bin/pg_ctl" stop -w -s -m fast -D "$dir/data"
}

case $action in
start | stop) $action "$@" ;;
psql) ask "$@" ;;
*) usage ;;
esac
