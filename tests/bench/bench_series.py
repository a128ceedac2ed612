"""The Exabel pipeline's jobs beside bare DuckDB and pandas: extraction from tables of the local cloud, preparation from folder to folder,
and the load into the stand-in of Exabel's API; results must be equal."""
import datetime
import gzip
import os
import shutil
import subprocess
import sys

import duckdb
from bench_jobs import measure
from exabel_standin import KEY, Standin
from helpers import ROOT, Cloud, Runner
from jobs import jobs_dir

HERE = os.path.dirname(os.path.abspath(__file__))
OTHER = os.path.join(HERE, "series_other.py")
BUCKET, DATABASE, SIGNAL, MEMORY_MB = "bench-series", "bench", "ns.dwell", 1500
TABLES = {
    "chain_tickers": ["last_updated_dt", "chainid", "chainname", "ticker", "data"], "chain_venues": ["venueid", "chainid", "chainname", "data"],
    "data_set": ["venueid", "utc_date", "gender", "age", "score double", "dwell bigint"],
}
FILES = {"chain_tickers": "chain_tickers.csv", "chain_venues": "chain_venues.csv", "data_set": "rvf_sample.csv"}
EXTRACTED, PREPARED, MAPPING = (
    "data/etl-output/time-series/extracted", "data/etl-output/time-series/prepared/", "data/etl-output/mapping/entity-mapping/")
TICKERS, CHAINS, VENUES = 2000, 5000, 50000
POINTS_EACH = 10


class Step:
    def __init__(self, table, folder, name, rows):
        self.table, self.folder, self.name, self.rows, self.base = table, os.path.join(folder, name), name, rows, None
        os.makedirs(self.folder)

    def target(self, by):
        return os.path.join(self.folder, by)

    def run(self, by, words, environment=None):
        seconds, peak = measure(words, environment)
        self.base = self.base or seconds
        shown = {"glueproj": "glueproj job", "duckdb": "bare DuckDB"}.get(by, by)
        self.table.add(
            f"{self.name} {self.rows} rows", shown, seconds=f"{seconds:.2f}", rate=f"{self.rows / seconds:.0f}", peak=peak, ratio=seconds / self.base)
        return peak

    def job(self, *words, environment=None):
        scratch = os.path.join(self.folder, "scratch")
        os.makedirs(scratch, exist_ok=True)
        return self.run("glueproj", [os.path.join(jobs_dir(), self.name), *map(str, words)], {
            "PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8", "GLUEPROJ_MEMORY_MB": str(MEMORY_MB), **(environment or {})})

    def other(self, by, *words):
        os.makedirs(self.target(by))
        self.run(by, [sys.executable, OTHER, by, self.name, *map(str, words)])


def make_tables(cloud, source):
    s3, glue = cloud.client("s3"), cloud.client("glue")
    s3.create_bucket(Bucket=BUCKET, **({} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}))
    glue.create_database(DatabaseInput={"Name": DATABASE})
    for name, names in TABLES.items():
        s3.upload_file(os.path.join(source, FILES[name]), BUCKET, f"in/{name}/{FILES[name]}")
        glue.create_table(DatabaseName=DATABASE, TableInput={
            "Name": f"sample_{name}", "Parameters": {"classification": "csv", "skip.header.line.count": "1"}, "StorageDescriptor": {
                "Columns": [{"Name": n.split()[0], "Type": (n.split() + ["string"])[1]} for n in names], "Location": f"s3://{BUCKET}/in/{name}/",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ";"}}}})


def same(one, other):
    """The same rows, whatever their order."""
    for a, b in ((one, other), (other, one)):
        more = duckdb.sql(f"SELECT count(*) FROM (({a}) EXCEPT ALL ({b}))").fetchone()[0]
        assert more == 0, f"{more} rows of {a} are not in {b}"


def extracted(folder):
    return f"""SELECT ticker, date::DATE AS date, signal1::BIGINT AS signal1, market
        FROM read_csv('{folder}/*/*', hive_partitioning = true, hive_types = {{'ticker': VARCHAR}}, compression = 'gzip')"""


def extraction(table, folder, rows):
    step, source = Step(table, folder, "extraction", rows), os.path.join(folder, "source")
    make = [sys.executable, os.path.join(ROOT, "scripts", "make-exabel-sample.py"), "--out", source, "--big", str(rows)]
    subprocess.run([*make, "--tickers", str(TICKERS), "--chains", str(CHAINS), "--venues", str(VENUES)], check=True)
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        make_tables(cloud, source)
        step.job("--bucket", BUCKET, "--database-name", DATABASE, "--database-table-prefix", "sample_", environment=cloud.env())
        s3 = cloud.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=EXTRACTED + "/"):
            for key in (o["Key"] for o in page.get("Contents", [])):
                path = os.path.join(step.target("glueproj"), key[len(EXTRACTED) + 1 :])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                s3.download_file(BUCKET, key, path)
    finally:
        cloud.stop()
    for by in ("duckdb", "pandas"):
        step.other(by, source, step.target(by))
        same(extracted(step.target("glueproj")), extracted(f"{step.target(by)}/extracted"))


def make_extracted(place, rows):
    """TICKERS series of equal length, and a mapping for nine of ten."""
    days = max(rows // TICKERS, 1)
    dates = [datetime.date(1990, 1, 1) + datetime.timedelta(n) for n in range(days)]
    texts = [gzip.compress(("date,signal1,market\n" + "".join(f"{d},{n * 7919 % 100003 + k},US\n" for n, d in enumerate(dates))).encode(), 1)
             for k in range(16)]
    for n in range(TICKERS):
        os.makedirs(f"{place}/{EXTRACTED}/ticker=T{n}")
        with open(f"{place}/{EXTRACTED}/ticker=T{n}/run-1600000000000-part-r-00000.gz", "wb") as f:
            f.write(texts[n % 16])
    mapping = f"{place}/{MAPPING}2026-01-01_00:00:00/entity_mapping.csv"
    os.makedirs(os.path.dirname(mapping))
    with open(mapping, "w", encoding="ascii") as f:
        f.write("ticker;market;entity\n" + "".join(f"T{n};US;entityTypes/company/entities/E{n * 7 % TICKERS}\n" for n in range(TICKERS) if n % 10))
    return days * TICKERS, mapping


def preparation(table, folder, rows):
    place = os.path.join(folder, "place")
    rows, mapping = make_extracted(place, rows)
    step = Step(table, folder, "timeseries-prepare", rows)
    step.job("--bucket", place, "--data-key", EXTRACTED, "--mapping-key", MAPPING, "--mapping-filename", "entity_mapping.csv",
             "--output-key", PREPARED, "--output-filename", "timeseries.csv.gz")
    (run,) = os.listdir(os.path.join(place, PREPARED))
    shutil.move(os.path.join(place, PREPARED, run), step.target("glueproj"))
    for by in ("duckdb", "pandas"):
        step.other(by, os.path.join(place, EXTRACTED), mapping, step.target(by))
        same(*(f"FROM read_csv('{step.target(b)}/timeseries.csv.gz', delim = ';')" for b in ("glueproj", by)))


def load_once(table, folder, series):
    step = Step(table, folder, "load-timeseries", series * POINTS_EACH)
    run = os.path.join(step.folder, "place", PREPARED, "2026-01-01_00:00:00")
    make = [sys.executable, os.path.join(ROOT, "scripts", "make-exabel-sample.py"), "--out", run, "--series", str(series), "--days", str(POINTS_EACH)]
    subprocess.run(make, check=True)
    key_file = os.path.join(step.folder, "key")
    with open(key_file, "w", encoding="ascii") as f:
        f.write(KEY)
    with Standin(step.folder, "--any-entity", "--signal", SIGNAL, record=False) as standin:
        step.job("--exabel-api-key", KEY, "--exabel-api-host", standin.url, "--bucket", os.path.join(step.folder, "place"), "--input-key", PREPARED,
                 "--input-filename", "timeseries.csv", "--signals", SIGNAL)
        mine = standin.loaded()
        assert len(mine) == series
        standin.reset()
        step.other("pandas", os.path.join(run, "timeseries.csv"), standin.url, key_file, SIGNAL)
        assert standin.loaded() == mine, "the load differs from that of pandas"


def run(table, folder, arguments):
    extraction(table, os.path.join(folder, "extraction-of-big"), arguments.series_rows)
    preparation(table, os.path.join(folder, "preparation-of-big"), arguments.series_rows)
    for part, series in enumerate((arguments.series // 10, arguments.series)):
        load_once(table, os.path.join(folder, f"load-{part}"), series)
