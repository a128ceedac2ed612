# What `make demo PROJECT=crypto-prices` shows; read by scripts/demo.sh, in the root of the clone.

demo_about="Crypto prices: a state machine with a branch a currency, a table a currency in the warehouse"
demo_workflow=crypto-prices
demo_tables=no
# stacks/crypto-prices/sample-data is made up (scripts/make-crypto-sample.py).
demo_query_options=(--warehouse)
demo_titles=("Bitcoin in the warehouse: price, search trend, and their moving averages" "Both currencies")
demo_queries=(
	"SELECT date, price, trend, pricema, trend_i FROM market_data.btc WHERE price IS NOT NULL ORDER BY date DESC LIMIT 5"
	"SELECT 'BTC' AS currency, count(*) AS days, min(date) AS first, max(date) AS last FROM market_data.btc UNION ALL SELECT 'XMR', count(*), min(date), max(date) FROM market_data.xmr ORDER BY 1"
)
