"""The transit platform's ingestion of one big file, typed, beside bare DuckDB, pandas and PySpark's local mode; results must be equal.
glueproj asks the catalog of a local cloud for its tables, reads and writes folders; the others are told the types."""
import json
import os
import subprocess
import sys

import duckdb
from contest import Contender, Contest
from helpers import Cloud, Runner
from ingest_other import COLUMNS
from jobs import jobs_dir

HERE = os.path.dirname(os.path.abspath(__file__))
OTHER = os.path.join(HERE, "ingest_other.py")
# Seven digits behind the second, as the source has them; one row in ten lacks its amount.
MAKE = """COPY (SELECT i AS sample_id, 'Sample ' || (i * 7919 % 100003) || CASE WHEN i % 9 = 0 THEN ', "quoted"' ELSE '' END AS sample_name,
  CASE WHEN i % 10 = 0 THEN NULL ELSE (i * 31 % 1000007) / 100 END AS amount, DATE '2020-01-01' + (i % 1500)::INTEGER AS "day",
  strftime(TIMESTAMP '2021-12-01' + to_seconds(i), '%Y-%m-%d %H:%M:%S') || '.' || lpad((i * 13 % 1000000)::VARCHAR, 6, '0') || '0' AS inserted,
  strftime(TIMESTAMP '2021-12-02' + to_seconds(i), '%Y-%m-%d %H:%M:%S') || '.' || lpad((i * 17 % 1000000)::VARCHAR, 6, '0') || '0' AS updated
  FROM range({rows}) t(i)) TO '{path}' (FORMAT csv, HEADER)"""


def make_catalog(cloud, source):
    glue = cloud.client("glue")
    csv, parquet = {"classification": "csv", "skip.header.line.count": "1"}, {"classification": "parquet"}
    for database, formats, keys in (("incoming", csv, []), ("springboard", parquet, ["identifier"])):
        glue.create_database(DatabaseInput={"Name": database})
        glue.create_table(DatabaseName=database, TableInput={
            "Name": "sample", "Parameters": formats, "PartitionKeys": [{"Name": k, "Type": "string"} for k in keys], "StorageDescriptor": {
                "Columns": [{"Name": n, "Type": t if keys else "string"} for n, t in COLUMNS], "Location": f"file://{os.path.dirname(source)}/",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})


def glueproj(source, target):
    env = {"GLUE_DATABASE_INCOMING": "incoming", "GLUE_DATABASE_SPRINGBOARD": "springboard"}
    load = {"id": 1, "source_table_name": "sample", "destination_table_name": "sample", "source_s3_key": source, "destination_path": target,
            "partition_columns": [{"name": "identifier", "value": os.path.basename(source)}]}
    return [os.path.join(jobs_dir(), "ingest"), "--ENV", json.dumps(env), "--INPUT", json.dumps({"loads": [load]})]


def run(table, folder, arguments):
    rows, source = arguments.ingest_rows, os.path.join(folder, "in", "sample.csv.gz")
    place = {by: os.path.join(folder, by) for by in ("glueproj", "duckdb", "pandas", "spark", "scratch")}
    os.makedirs(os.path.dirname(source))
    os.makedirs(place["scratch"])
    duckdb.sql(MAKE.format(rows=rows, path=source.removesuffix(".gz")))
    subprocess.run(["gzip", "-3", source.removesuffix(".gz")], check=True)
    contest = Contest(table, f"ingest {rows} rows", rows, "read_parquet('{}/**/*.parquet', hive_partitioning = false)".format, arguments.turns)
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        make_catalog(cloud, source)
        environment = {"PATH": "/usr/bin:/bin", "HOME": place["scratch"], "TMPDIR": place["scratch"], "LANG": "C.UTF-8", **cloud.env()}

        def other(by, shown):
            return Contender(shown, [sys.executable, OTHER, by, source, place[by]], place[by])

        contest.run(Contender("glueproj job", glueproj(source, place["glueproj"]), place["glueproj"], environment), other)
    finally:
        cloud.stop()
