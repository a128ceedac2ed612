# What `make demo PROJECT=format-conversion` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Format conversion: crawl a bucket, describe what is there, write it with other types and in another format"
demo_workflow=format-conversion
# stacks/format-conversion/sample-data is made up (scripts/make-weather-sample.py).
demo_titles=("What the crawler found, to SQL" "Mean temperature and strongest gust by the wind's direction")
demo_queries=(
	"SELECT datetime, tempout, winddir, arcint FROM demo.demo_weather ORDER BY rowid LIMIT 5"
	"SELECT winddir, count(*) AS readings, round(avg(tempout), 1) AS tempout, max(hispeed) AS gust FROM demo.demo_weather GROUP BY winddir ORDER BY gust DESC, winddir"
)
