"""The crypto pipeline's steps as bare DuckDB SQL, in pandas and in PySpark: python crypto_other.py BY STEP LIST SOURCE TARGET

LIST is what make-crypto-sample.py --list writes; all of its currencies go through in one process, which is the friendliest form for each.
The SQL is also what DuckDB's own shell gets, a process a file (bench_crypto.py).
"""
import json
import os
import sys


def silver_sql(source, target, c):
    """Without any of the job's checks; the file is taken to be good."""
    for kind in ("hist", "trend"):
        os.makedirs(f"{target}/{c['ticker']}_{kind}", exist_ok=True)
    return f"""COPY (WITH h AS (SELECT strptime("Date", '%m/%d/%Y')::DATE AS day, try_cast(replace(Price, ',', '') AS FLOAT) AS p
            FROM read_csv('{source}/{c['hist_file']}', header = true, all_varchar = true, delim = ',', quote = '"'))
        SELECT day AS "Date", CASE WHEN p <> -1 THEN p ELSE last_value(CASE WHEN p <> -1 THEN p END IGNORE NULLS) OVER (
            ORDER BY day ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING) END AS "Price" FROM h ORDER BY day)
        TO '{target}/{c['ticker']}_hist/x.parquet' (FORMAT parquet);
    COPY (SELECT date::DATE AS date, try_cast(g AS INTEGER) AS g_trend
        FROM read_csv('{source}/{c['trend_file']}', skip = 1, header = false, columns = {{'date': 'VARCHAR', 'g': 'VARCHAR'}}, delim = ',', quote = '"')
        ORDER BY 1)
        TO '{target}/{c['ticker']}_trend/x.parquet' (FORMAT parquet);"""


def gold_sql(source, target, c):
    os.makedirs(f"{target}/{c['ticker']}", exist_ok=True)
    hist, trend = f"read_parquet('{source}/{c['ticker']}_hist/*')", f"read_parquet('{source}/{c['ticker']}_trend/*')"

    def over(frame):
        return f"OVER (ORDER BY day ROWS BETWEEN {frame})"

    return f"""COPY (WITH j AS (SELECT d.day, h."Price" AS price, t.g_trend AS g FROM (SELECT "Date" AS day FROM {hist} UNION SELECT date FROM {trend}) d
            LEFT JOIN {hist} h ON h."Date" = d.day LEFT JOIN {trend} t ON t.date = d.day),
        filled AS (SELECT day, g, coalesce(price, last_value(price IGNORE NULLS) {over("2 PRECEDING AND 1 PRECEDING")}) AS price,
            coalesce(g, first_value(g IGNORE NULLS) {over("1 FOLLOWING AND 6 FOLLOWING")}) AS g_cont FROM j)
        SELECT day AS "Date", price AS "Price", g AS g_trend, avg(price) {over("13 PRECEDING AND CURRENT ROW")} AS "PriceMA",
            avg(g_cont) {over("6 PRECEDING AND CURRENT ROW")} AS "TrendMA" FROM filled ORDER BY day)
        TO '{target}/{c['ticker']}/x.parquet' (FORMAT parquet);"""


SQL = {"silver": silver_sql, "gold": gold_sql}


def in_duckdb(step, listed, source, target):
    import duckdb

    for c in listed:
        duckdb.sql(SQL[step](source, target, c))


def in_pandas(step, listed, source, target):
    import pandas
    import pyarrow

    hist_type = pyarrow.schema([("Date", pyarrow.date32()), ("Price", pyarrow.float32())])
    trend_type = pyarrow.schema([("date", pyarrow.date32()), ("g_trend", pyarrow.int32())])
    gold_type = pyarrow.schema([
        ("Date", pyarrow.date32()), ("Price", pyarrow.float32()), ("g_trend", pyarrow.int32()), ("PriceMA", pyarrow.float64()), ("TrendMA", pyarrow.float64())])

    def write(frame, schema, *folders):
        folder = os.path.join(target, *folders)
        os.makedirs(folder, exist_ok=True)
        frame.to_parquet(os.path.join(folder, "x.parquet"), schema=schema, index=False)

    def silver(c):
        h = pandas.read_csv(f"{source}/{c['hist_file']}", usecols=[0, 1], names=["Date", "Price"], header=0, dtype=str)
        h["Date"] = pandas.to_datetime(h["Date"], format="%m/%d/%Y")
        h["Price"] = pandas.to_numeric(h["Price"].str.replace(",", ""), errors="coerce").astype("float32")
        h = h.sort_values("Date")
        h["Price"] = h["Price"].mask(h["Price"] == -1).ffill(limit=10)
        write(h, hist_type, f"{c['ticker']}_hist")
        t = pandas.read_csv(f"{source}/{c['trend_file']}", names=["date", "g_trend"], header=0, dtype=str)
        t["date"] = pandas.to_datetime(t["date"], format="%Y-%m-%d")
        t["g_trend"] = pandas.to_numeric(t["g_trend"], errors="coerce").astype("Int32")
        write(t.sort_values("date"), trend_type, f"{c['ticker']}_trend")

    def gold(c):
        h, t = pandas.read_parquet(f"{source}/{c['ticker']}_hist"), pandas.read_parquet(f"{source}/{c['ticker']}_trend", dtype_backend="numpy_nullable")
        j = h.merge(t.rename(columns={"date": "Date"}), on="Date", how="outer").sort_values("Date")
        j["Price"] = j["Price"].ffill(limit=2)
        j["PriceMA"] = j["Price"].astype("float64").rolling(14, min_periods=1).mean()
        j["TrendMA"] = j["g_trend"].bfill(limit=6).astype("float64").rolling(7, min_periods=1).mean()
        write(j[["Date", "Price", "g_trend", "PriceMA", "TrendMA"]], gold_type, c["ticker"])

    for c in listed:
        (silver if step == "silver" else gold)(c)


def in_spark(step, listed, source, target):
    """As the original's two scripts have it."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f
    from spark_session import session

    spark = session({"spark.sql.shuffle.partitions": "2", "spark.sql.legacy.timeParserPolicy": "CORRECTED"})

    def silver(c):
        names = "Date string, Price string, Open string, High string, Low string, Vol string, Change string"
        h = spark.read.csv(f"{source}/{c['hist_file']}", header=True, schema=names)
        h = h.select(f.to_date("Date", "MM/dd/yyyy").alias("Date"), f.regexp_replace("Price", ",", "").cast("float").alias("Price"))
        known = f.when(f.col("Price") != -1, f.col("Price"))
        last = f.last(known, ignorenulls=True).over(Window.orderBy("Date").rowsBetween(-10, -1))
        h.withColumn("Price", f.coalesce(known, last)).write.parquet(f"{target}/{c['ticker']}_hist")
        spark.read.csv(f"{source}/{c['trend_file']}", header=True, schema="date date, g_trend int").write.parquet(f"{target}/{c['ticker']}_trend")

    def gold(c):
        h, t = spark.read.parquet(f"{source}/{c['ticker']}_hist"), spark.read.parquet(f"{source}/{c['ticker']}_trend")
        t = t.withColumnRenamed("date", "Date")
        j = h.select("Date").union(t.select("Date")).distinct().join(h, "Date", "left").join(t, "Date", "left")

        def over(begin, end):
            return Window.orderBy("Date").rowsBetween(begin, end)

        j = j.withColumn("Price", f.coalesce("Price", f.last("Price", True).over(over(-2, -1))))
        j = j.withColumn("g_cont", f.coalesce("g_trend", f.first("g_trend", True).over(over(1, 6))))
        j = j.withColumn("PriceMA", f.avg("Price").over(over(-13, 0))).withColumn("TrendMA", f.avg("g_cont").over(over(-6, 0)))
        j.drop("g_cont").write.parquet(f"{target}/{c['ticker']}")

    for c in listed:
        (silver if step == "silver" else gold)(c)
    spark.stop()


if __name__ == "__main__":
    by, step, listed, source, target = sys.argv[1:]
    with open(listed, encoding="utf-8") as file:
        {"duckdb": in_duckdb, "pandas": in_pandas, "spark": in_spark}[by](step, json.load(file), source, target)
