"""The format conversion of weather readings beside bare DuckDB and pandas: CSV to CSV, to Parquet and to JSON lines, a file a file; results
must be equal."""
import os
import shutil
import subprocess
import sys

import duckdb
from bench_jobs import measure
from helpers import ROOT, Cloud, Runner
from jobs import jobs_dir

HERE = os.path.dirname(os.path.abspath(__file__))
OTHER = os.path.join(HERE, "convert_other.py")
DATABASE, MEMORY_MB, PARTS, SAMPLE_ROWS = "bench", 3000, 4, 100000
TYPES = {"VARCHAR": "string", "BIGINT": "bigint", "DOUBLE": "double"}


def make_source(folder, rows):
    """PARTS files of rows in all: a sample, over and over."""
    sample, source = os.path.join(folder, "sample"), os.path.join(folder, "source")
    script = os.path.join(ROOT, "scripts", "make-weather-sample.py")
    options = ["--parts", str(PARTS), "--rows", str(min(rows, SAMPLE_ROWS)), "--incidents", "1"]
    subprocess.run([sys.executable, script, "--out", sample, *options], check=True)
    os.makedirs(source)
    times = max(rows // SAMPLE_ROWS, 1)
    for n in range(PARTS):
        with open(os.path.join(sample, f"weather-sample.csv-part{n}"), encoding="ascii") as f:
            header, data = f.readline(), f.read()
        with open(os.path.join(source, f"part{n}.csv"), "w", encoding="ascii") as f:
            f.write(header)
            for _ in range(times):
                f.write(data)
    shutil.rmtree(sample)
    return source, header.strip().split(","), times * min(rows, SAMPLE_ROWS)


def make_table(cloud, source, header):
    from convert_other import types

    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    glue.create_table(DatabaseName=DATABASE, TableInput={
        "Name": "weather", "Parameters": {"classification": "csv", "skip.header.line.count": "1"}, "StorageDescriptor": {
            "Columns": [{"Name": n.lower(), "Type": TYPES[t]} for n, t in types(header).items()], "Location": source,
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})
    words = {n.lower(): {"BIGINT": "long", "VARCHAR": "string"}.get(t, "double") for n, t in types(header).items()}
    return ",".join(f"{n}:{word}:{n}:{'short' if n == 'arcint' else word}" for n, word in words.items())


def relation(form, folder):
    if form == "csv":
        return f"read_csv('{folder}/*', header = true)"
    return f"read_json('{folder}/*', format = 'newline_delimited')" if form == "json" else f"read_parquet('{folder}/*')"


def same(form, one, other):
    """Equal rows, as sums over hashes: the two need not fit into memory."""
    sums = [duckdb.sql(f"SELECT count(*), sum(hash(t)::HUGEINT) FROM {relation(form, folder)} t").fetchone() for folder in (one, other)]
    assert sums[0] == sums[1], f"{form}: {one} and {other} differ: {sums}"


def run(table, folder, arguments):
    source, header, rows = make_source(folder, arguments.convert_rows)
    scratch = os.path.join(folder, "scratch")
    os.makedirs(scratch)
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        mapping = make_table(cloud, source, header)
        environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"}
        environment |= {"GLUEPROJ_MEMORY_MB": str(MEMORY_MB), **cloud.env()}
        for form in ("csv", "parquet", "json"):
            base, targets = None, {by: os.path.join(folder, by) for by in ("glueproj", "duckdb", "pandas")}
            for by, target in targets.items():
                os.makedirs(target)
                if by == "glueproj":
                    words = ["--database", DATABASE, "--table", "weather", "--output", target, "--format", form, "--mapping", mapping]
                    seconds, peak = measure([os.path.join(jobs_dir(), "convert"), *words], environment)
                else:
                    seconds, peak = measure([sys.executable, OTHER, by, form, source, target])
                base = base or seconds
                shown = {"glueproj": "glueproj job", "duckdb": "bare DuckDB"}.get(by, by)
                cells = {"seconds": f"{seconds:.2f}", "rate": f"{rows / seconds:.0f}", "peak": peak, "ratio": seconds / base}
                table.add(f"convert {rows} rows to {form}", shown, **cells)
                if by != "glueproj":
                    same(form, targets["glueproj"], target)
                    shutil.rmtree(target)
            shutil.rmtree(targets["glueproj"])
    finally:
        cloud.stop()
