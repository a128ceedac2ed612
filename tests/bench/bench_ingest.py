"""The transit platform's ingestion of one big file, typed, beside bare DuckDB and pandas; results must be equal. glueproj asks the catalog of a local
cloud for its tables, reads and writes folders; the others are told the types."""
import json
import os
import shutil
import sys

import duckdb
from bench_jobs import measure
from helpers import Cloud, Runner
from jobs import jobs_dir

RUNS = 3
COLUMNS = [("sample_id", "bigint"), ("sample_name", "string"), ("amount", "double"), ("day", "date"), ("inserted", "timestamp"), ("updated", "timestamp")]
# Seven digits behind the second, as the source has them; one row in ten lacks its amount.
MAKE = """COPY (SELECT i AS sample_id, 'Sample ' || (i * 7919 % 100003) || CASE WHEN i % 9 = 0 THEN ', "quoted"' ELSE '' END AS sample_name,
  CASE WHEN i % 10 = 0 THEN NULL ELSE (i * 31 % 1000007) / 100 END AS amount, DATE '2020-01-01' + (i % 1500)::INTEGER AS "day",
  strftime(TIMESTAMP '2021-12-01' + to_seconds(i), '%Y-%m-%d %H:%M:%S') || '.' || lpad((i * 13 % 1000000)::VARCHAR, 6, '0') || '0' AS inserted,
  strftime(TIMESTAMP '2021-12-02' + to_seconds(i), '%Y-%m-%d %H:%M:%S') || '.' || lpad((i * 17 % 1000000)::VARCHAR, 6, '0') || '0' AS updated
  FROM range({rows}) t(i)) TO '{path}' (HEADER, COMPRESSION gzip)"""
TYPES = {"string": "VARCHAR"}
DUCKDB = """import duckdb, sys
duckdb.sql("SET preserve_insertion_order = false")
duckdb.sql("COPY (FROM read_csv('%s', header = true, delim = ',', quote = '\\"', escape = '\\"', columns = {%s})) TO '%s' (FORMAT parquet, COMPRESSION snappy)")
"""
PANDAS = """import pandas
frame = pandas.read_csv('%s', dtype={'sample_id': 'int64', 'sample_name': 'string', 'amount': 'float64'}, parse_dates=['day', 'inserted', 'updated'])
frame['day'] = frame['day'].dt.date
for name in ('inserted', 'updated'):
    frame[name] = frame[name].dt.floor('us').astype('datetime64[us]')
frame.to_parquet('%s', compression='snappy', index=False)
"""


def make_catalog(cloud, source):
    glue = cloud.client("glue")
    for database, formats, keys in (("incoming", {"classification": "csv", "skip.header.line.count": "1"}, []), ("springboard", {"classification": "parquet"}, ["identifier"])):
        glue.create_database(DatabaseInput={"Name": database})
        glue.create_table(DatabaseName=database, TableInput={
            "Name": "sample", "Parameters": formats, "PartitionKeys": [{"Name": k, "Type": "string"} for k in keys],
            "StorageDescriptor": {"Columns": [{"Name": n, "Type": t if keys else "string"} for n, t in COLUMNS], "Location": f"file://{os.path.dirname(source)}/",
                                  "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})


def glueproj(source, target):
    env = {"GLUE_DATABASE_INCOMING": "incoming", "GLUE_DATABASE_SPRINGBOARD": "springboard"}
    load = {"id": 1, "source_table_name": "sample", "destination_table_name": "sample", "source_s3_key": source, "destination_path": target,
            "partition_columns": [{"name": "identifier", "value": os.path.basename(source)}]}
    return [os.path.join(jobs_dir(), "ingest"), "--ENV", json.dumps(env), "--INPUT", json.dumps({"loads": [load]})]


def middle(words, target, environment=None):
    measured = []
    for _ in range(RUNS):
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        measured.append(measure(words, environment))
    return sorted(measured)[RUNS // 2]


def same(one, other):
    select = "SELECT sample_id, sample_name, amount, CAST(\"day\" AS DATE), CAST(inserted AS TIMESTAMP), CAST(updated AS TIMESTAMP) FROM read_parquet('%s/**/*.parquet', hive_partitioning = false)"
    for a, b in ((one, other), (other, one)):
        more = duckdb.sql(f"SELECT count(*) FROM ({select % a} EXCEPT ALL {select % b})").fetchone()[0]
        assert more == 0, f"{more} rows of {a} are not in {b}"


def run(table, folder, arguments):
    rows, source = arguments.ingest_rows, os.path.join(folder, "in", "sample.csv.gz")
    place = {by: os.path.join(folder, by) for by in ("glueproj", "duckdb", "pandas", "scratch")}
    os.makedirs(os.path.dirname(source))
    os.makedirs(place["scratch"])
    duckdb.sql(MAKE.format(rows=rows, path=source))
    what, base = f"ingest, {rows:,} rows", None
    types = ", ".join(f"'{n}': '{TYPES.get(t, t.upper())}'" for n, t in COLUMNS)
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        make_catalog(cloud, source)
        environment = {"PATH": "/usr/bin:/bin", "HOME": place["scratch"], "TMPDIR": place["scratch"], "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true", **cloud.env()}
        others = (("glueproj job", "glueproj", glueproj(source, place["glueproj"]), environment),
                  ("bare DuckDB", "duckdb", [sys.executable, "-c", DUCKDB % (source, types, place["duckdb"] + "/x.parquet")], None),
                  ("pandas", "pandas", [sys.executable, "-c", PANDAS % (source, place["pandas"] + "/x.parquet")], None))
        for by, name, words, env in others:
            seconds, peak = middle(words, place[name], env)
            base = base or seconds
            table.add(what, by, seconds=f"{seconds:.2f}", peak=peak, rate=f"{rows / seconds:,.0f}", ratio=seconds / base)
            if name != "glueproj":
                same(place["glueproj"], place[name])
    finally:
        cloud.stop()
