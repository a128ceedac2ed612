# What `make demo PROJECT=transit-platform` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Transit platform: files come into a bucket, are registered in PostgreSQL, and show in SQL with nobody calling anything"
demo_workflow=transit-platform
demo_tables=no

# A PostgreSQL server and a stand-in of the DMAP API on this machine; stacks/transit-platform/sample-data is made up
# (scripts/make-transit-sample.py).
demo_folder=$PWD/build/demo/transit
demo_sample=stacks/transit-platform/sample-data
demo_bucket=yourprefix-transit-incoming

demo_prepare() {
	scripts/install-deps.sh database || return
	# The server may be another user, whom this clone is closed to.
	demo_database=$(mktemp -d "${TMPDIR:-/tmp}/glueproj-demo.XXXXXX") && chmod 755 "$demo_database" || return
	scripts/postgres-server.sh start "$demo_database/postgres" >/dev/null || return
	TRANSIT_POSTGRES=$(cat "$demo_database/postgres/connection") && export TRANSIT_POSTGRES
	echo "PostgreSQL: ${TRANSIT_POSTGRES% password=*}"

	mkdir -p "$demo_folder" && rm -f "$demo_folder/url"
	DMAP_STANDIN_CONTROLLED_KEY=$(head -c 9 /dev/urandom | base64 | tr '+/' '-_')
	DMAP_STANDIN_PUBLIC_KEY=$(head -c 9 /dev/urandom | base64 | tr '+/' '-_')
	export DMAP_STANDIN_CONTROLLED_KEY DMAP_STANDIN_PUBLIC_KEY
	(umask 077 && printf '{"controlled": "%s", "public": "%s"}\n' "$DMAP_STANDIN_CONTROLLED_KEY" "$DMAP_STANDIN_PUBLIC_KEY" >"$demo_folder/keys.json")
	python3 tests/transit/dmap_standin.py --port 0 --feeds $demo_sample/dmap/feeds.json --ready-file "$demo_folder/url" \
		</dev/null >"$demo_folder/standin.log" 2>&1 &
	demo_standin=$!
	await_ready "the stand-in of the DMAP API" "$demo_standin" "$demo_folder/url" "$demo_folder/standin.log" || return
	echo "Stand-in of the DMAP API: $(cat "$demo_folder/url") (process $demo_standin)"
	demo_setup_options=(--set BatchWindow=1 --set "DmapUrl=$(cat "$demo_folder/url")" --set "DmapKeys=@$demo_folder/keys.json")
}

demo_sql() {
	scripts/postgres-server.sh psql "$demo_database/postgres" -q "$@"
}

# Until as many loads are archived; nobody but events starts anything meanwhile.
demo_wait() {
	local waited=0
	until [ "$(demo_sql -A -t -c "SELECT count(*) FROM cubic_loads WHERE status = 'archived'")" -ge "$1" ]; do
		sleep 0.2
		if [ $((waited += 1)) -gt 600 ]; then
			echo "the files are not archived after two minutes" >&2
			./glueproj -p stacks/transit-platform --local logs transit-events >&2
			return 1
		fi
	done
}

demo_show() {
	local current=$demo_folder/current.sql
	heading "A snapshot comes, and is a table with nobody calling anything"
	step upload $demo_sample/snapshot --to s3://$demo_bucket/ && demo_wait 1 || return
	step query "SELECT sample_id, sample_name, snapshot FROM transit_springboard.raw_cubic_ods_qlik__edw_sample ORDER BY 1" || return

	heading "Its changes come, and records of taps"
	step upload $demo_sample/later --to s3://$demo_bucket/ && demo_wait 4 || return
	step query "SELECT stopid, count(*) AS taps FROM transit_springboard.raw_kafka__taps GROUP BY 1 ORDER BY 2 DESC, 1" || return

	heading "The API is asked, and its files are ingested alike"
	step run transit-fetch-dmap --follow && demo_wait 6 || return
	step query "SELECT identifier, count(*) AS rows FROM transit_springboard.raw_cubic_dmap__agg_sample GROUP BY 1 ORDER BY 1" || return

	heading "The rows as they are now: ingest writes the view, the snapshot with the last change of each key"
	step local run transit-ingest --arg VIEW_FILE="$current" --arg TABLE=raw_cubic_ods_qlik__edw_sample || return
	typed ./glueproj -p stacks/transit-platform --local query "\$(cat $current)" | tr "'" '"'
	./glueproj -p stacks/transit-platform --local query "$(cat "$current")" || return
	step query "SELECT sample_id, sample_name FROM transit_springboard.raw_cubic_ods_qlik__edw_sample__current ORDER BY 1" || return

	heading "The loads in PostgreSQL"
	demo_sql -c "SELECT l.id, t.name, l.status, regexp_replace(l.s3_key, '.*/', '') AS file FROM cubic_loads l JOIN cubic_tables t ON t.id = l.table_id ORDER BY 1"
}

demo_clean() {
	[ -z "${demo_standin:-}" ] || kill "$demo_standin" 2>/dev/null
	rm -f "$demo_folder/keys.json"
	if [ -n "${demo_database:-}" ]; then
		scripts/postgres-server.sh stop "$demo_database/postgres" && rm -rf "$demo_database"
	fi
}

demo_how_to_clean() {
	echo "\$ kill $demo_standin; scripts/postgres-server.sh stop $demo_database/postgres   # the stand-in, the database"
}
