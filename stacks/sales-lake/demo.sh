# What `make demo PROJECT=sales-lake` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Sales records: download, clean, repartition by country, catalog, query"
demo_workflow=etl_workflow

# The source is a zip made here, instead of the one on the network.
demo_sample=$PWD/build/demo/2m-Sales-Records.zip
demo_setup_options=(--set "SourceUrl=file://$demo_sample")

demo_prepare() {
	mkdir -p build/demo
	python3 scripts/make-sales-sample.py --rows 40000 --out "$demo_sample"
	echo "Sample: 40000 made-up sales records in ${demo_sample#"$PWD"/}"
}

demo_titles=(
	"Profit per region, in billions"
	"The three countries with the most profit in each region, in millions"
)
demo_queries=(
	"SELECT region, CAST(sum(total_profit) / 1000000000 AS int) AS profit
FROM etl_poc_database.etl_poc_data_gold
GROUP BY region
ORDER BY profit DESC, region"
	"SELECT region, country, profit FROM (
  SELECT region, country, CAST(sum(total_profit) / 1000000 AS int) AS profit,
         row_number() OVER (PARTITION BY region ORDER BY sum(total_profit) DESC) AS n
  FROM etl_poc_database.etl_poc_data_gold
  GROUP BY region, country)
WHERE n <= 3
ORDER BY region, profit DESC, country"
)
