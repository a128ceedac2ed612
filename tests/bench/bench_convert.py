"""The format conversion of weather readings beside bare DuckDB, pandas and PySpark's local mode: CSV to CSV, to Parquet and to JSON lines, a file a
file; results must be equal."""
import functools
import os
import shutil
import subprocess
import sys

from contest import Contender, Contest
from convert_other import types
from helpers import ROOT, Cloud, Runner
from jobs import jobs_dir

HERE = os.path.dirname(os.path.abspath(__file__))
OTHER = os.path.join(HERE, "convert_other.py")
DATABASE, MEMORY_MB, PARTS, SAMPLE_ROWS = "bench", 3000, 4, 100000
CATALOG = {"VARCHAR": "string", "BIGINT": "bigint", "DOUBLE": "double"}


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
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    glue.create_table(DatabaseName=DATABASE, TableInput={
        "Name": "weather", "Parameters": {"classification": "csv", "skip.header.line.count": "1"}, "StorageDescriptor": {
            "Columns": [{"Name": n.lower(), "Type": CATALOG[t]} for n, t in types(header).items()], "Location": source,
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})
    words = {n.lower(): {"BIGINT": "long", "VARCHAR": "string"}.get(t, "double") for n, t in types(header).items()}
    return ",".join(f"{n}:{word}:{n}:{'short' if n == 'arcint' else word}" for n, word in words.items())


def relation(form, header, folder):
    """What lies there, without guesses at its types."""
    columns = ", ".join(f"'{n.lower()}': '{t}'" for n, t in types(header).items())
    if form == "csv":
        return f"read_csv('{folder}/part-*', header = true, columns = {{{columns}}})"
    if form == "json":
        return f"read_json('{folder}/part-*', format = 'newline_delimited', columns = {{{columns}}})"
    return f"read_parquet('{folder}/part-*')"


def convert(folder, form, contest, source, words, environment):
    place = {by: os.path.join(folder, by) for by in ("glueproj", "duckdb", "pandas", "spark")}

    def other(by, shown):
        return Contender(shown, [sys.executable, OTHER, by, form, source, place[by]], place[by])

    words = [os.path.join(jobs_dir(), "convert"), *words, "--output", place["glueproj"], "--format", form]
    contest.run(Contender("glueproj job", words, place["glueproj"], environment), other)


def run(table, folder, arguments):
    source, header, rows = make_source(folder, arguments.convert_rows)
    scratch = os.path.join(folder, "scratch")
    os.makedirs(scratch)
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        words = ["--database", DATABASE, "--table", "weather", "--mapping", make_table(cloud, source, header)]
        environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"}
        environment |= {"GLUEPROJ_MEMORY_MB": str(MEMORY_MB), **cloud.env()}
        for form in ("csv", "parquet", "json"):
            written = functools.partial(relation, form, header)
            contest = Contest(table, f"convert {rows} rows to {form}", rows, written, arguments.turns)
            convert(folder, form, contest, source, words, environment)
    finally:
        cloud.stop()
