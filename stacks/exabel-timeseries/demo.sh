# What `make demo PROJECT=exabel-timeseries` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Time series: crawl, extract, map client ids to Exabel's entities, load"
demo_workflow=exabel-timeseries

# A stand-in of Exabel's Data API on this machine answers instead of data.api.exabel.com; all data is made up.
demo_folder=$PWD/build/demo/exabel
demo_key_file=$demo_folder/api-key

demo_prepare() {
	mkdir -p "$demo_folder"
	rm -f "$demo_folder/url"
	python3 scripts/make-exabel-sample.py --out "$demo_folder" --entities-out "$demo_folder/entities.json" || return
	echo "Sample: made-up tickers, venues and visits in ${demo_folder#"$PWD"/}"
	(umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$demo_key_file") || return
	python3 tests/exabel/standin.py --port 0 --key-file "$demo_key_file" --entities "$demo_folder/entities.json" \
		--signal exabelsample.dwell --ready-file "$demo_folder/url" </dev/null >"$demo_folder/standin.log" 2>&1 &
	demo_standin=$!
	await_ready "the stand-in of Exabel's API" "$demo_standin" "$demo_folder/url" "$demo_folder/standin.log" || return
	demo_url=$(cat "$demo_folder/url")
	demo_setup_options=(--set "ApiKey=@$demo_key_file" --set "ApiHost=$demo_url" --set "DataFolder=$demo_folder")
	echo "Stand-in of Exabel's Data API: $demo_url (process $demo_standin)"
}

demo_show() {
	heading "What the stand-in has been given"
	python3 - "$demo_url" <<'PYTHON'
import json
import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1] + "/_standin/series", timeout=30) as reply:
    series = json.load(reply)["series"]
for name, points in list(series.items())[:5]:
    print(f"{name}  {len(points)} points, {points[0][0]} {points[0][1]} … {points[-1][0]} {points[-1][1]}")
print(f"{len(series)} series, {sum(map(len, series.values()))} points in all")
sys.exit(0 if series else 1)
PYTHON
}

demo_clean() {
	[ -z "${demo_standin:-}" ] || kill "$demo_standin" 2>/dev/null
	rm -f "$demo_key_file"
}

demo_how_to_clean() {
	echo "\$ kill $demo_standin   # the stand-in"
}
