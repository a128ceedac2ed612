"""The ingestion of one big file as bare DuckDB SQL, in pandas and in PySpark: python ingest_other.py duckdb|pandas|spark SOURCE TARGET

SOURCE is a CSV file with a header, gzip; TARGET a folder that gets Parquet, Snappy. Values are taken to be good; times lose
the digit that is too many.
"""
import os
import sys

COLUMNS = [
    ("sample_id", "bigint"), ("sample_name", "string"), ("amount", "double"), ("day", "date"), ("inserted", "timestamp"), ("updated", "timestamp")]


def duckdb_ingest(source, target):
    import duckdb

    types = ", ".join(f"'{n}': '{'VARCHAR' if t == 'string' else t}'" for n, t in COLUMNS)
    duckdb.sql("SET preserve_insertion_order = false")
    duckdb.sql(f"""COPY (FROM read_csv('{source}', header = true, delim = ',', quote = '"', escape = '"', columns = {{{types}}}))
        TO '{target}/x.parquet' (FORMAT parquet, COMPRESSION snappy)""")


def pandas_ingest(source, target):
    import pandas

    kinds, times = {"sample_id": "int64", "sample_name": "string", "amount": "float64"}, ["inserted", "updated"]
    frame = pandas.read_csv(source, dtype=kinds, parse_dates=["day", *times])
    frame["day"] = frame["day"].astype("date32[day][pyarrow]")
    for name in times:
        frame[name] = frame[name].dt.floor("us").astype("datetime64[us]")
    frame.to_parquet(os.path.join(target, "x.parquet"), compression="snappy", index=False)


def spark_ingest(source, target):
    from spark_session import session

    spark = session({"spark.driver.memory": "3g"})
    schema = ", ".join(f"{n} {'timestamp_ntz' if t == 'timestamp' else t}" for n, t in COLUMNS)
    spark.read.csv(source, header=True, quote='"', escape='"', schema=schema).write.mode("overwrite").parquet(target, compression="snappy")
    spark.stop()


if __name__ == "__main__":
    {"duckdb": duckdb_ingest, "pandas": pandas_ingest, "spark": spark_ingest}[sys.argv[1]](*sys.argv[2:])
