# What `make demo PROJECT=format-conversion` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Format conversion: crawl a bucket, describe what is there, write it with other types and in another format"
demo_workflow=format-conversion
# stacks/format-conversion/sample-data is made up (scripts/make-weather-sample.py).
demo_titles=("What the weather readings look like to SQL" "Incidents by their struct's members")
demo_queries=(
	"SELECT datetime, tempout, winddir, arcint FROM demo_weather ORDER BY rowid LIMIT 5"
	"SELECT city, count(*) AS incidents, round(avg(geo_location.lat), 3) AS lat FROM demo_incidents GROUP BY city ORDER BY city"
)
