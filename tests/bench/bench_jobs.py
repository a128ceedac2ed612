"""The sales lake's jobs on made-up records, from folder to folder, beside bare DuckDB and pandas; results must be equal."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

import duckdb
from helpers import ROOT
from jobs import jobs_dir, peak_mb

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "2m-Sales-Records"
RUNS = 3


def family(pid):
    """The process and what it has started, as PySpark its Java."""
    found = [pid]
    for p in found:
        try:
            with open(f"/proc/{p}/task/{p}/children", encoding="ascii") as f:
                found += map(int, f.read().split())
        except OSError:
            pass
    return found


def cpu_seconds(pid):
    """What it has used, with the children that have ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return sum(map(int, f.read().rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def measure_all(words, environment=None):
    """(seconds, peak MB, seconds of CPU) of a process and what it starts. It is asked all along: the kernel's peak for children counts this process
    too, and a child that is not waited for counts nowhere."""
    begin, peak, cpu, seconds, before = time.monotonic(), 0, 0, 0, os.times()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        try:
            while process.returncode is None:
                try:
                    process.wait(min(max(0.005, seconds / 100), 0.05))
                except subprocess.TimeoutExpired:
                    pids = family(process.pid)
                    peak, cpu = max(peak, sum(map(peak_mb, pids))), max(cpu, sum(map(cpu_seconds, pids)))
                seconds = time.monotonic() - begin
        finally:
            process.kill()  # where we are interrupted
        after = os.times()
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    assert process.returncode == 0, f"{' '.join(words)}: exit {process.returncode}\n{text}"
    waited = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, peak, max(cpu, waited)


def measure(words, environment=None):
    return measure_all(words, environment)[:2]


def median(words, target, environment=None):
    """The middle of the runs by time; each starts with an empty target."""
    measured = []
    for _ in range(RUNS):
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        measured.append(measure(words, environment))
    return sorted(measured)[RUNS // 2]


def parquet(folder):
    """Every Parquet file below a folder as a table of SQL, with the country from the folder's name where there is one."""
    files = sorted(glob.glob(os.path.join(folder, "**", "*.parquet"), recursive=True))
    assert files, f"no Parquet in {folder}"
    hive = "country=" in files[0]
    return f"read_parquet({files}, hive_partitioning = {hive}, union_by_name = true" + (", hive_types = {'country': VARCHAR})" if hive else ")")


def check_same(a, b):
    """The same records; an empty text counts as none, as pandas cannot tell them apart."""
    nulls = ", ".join(f"nullif({c}, '') AS {c}" for c in ("sales_channel", "order_priority"))
    records = f"SELECT {columns(a)} FROM (SELECT * REPLACE ({nulls}) FROM %s)"
    for one, other in ((a, b), (b, a)):
        more = duckdb.sql(f"SELECT count(*) FROM ({records % parquet(one)} EXCEPT ALL {records % parquet(other)})").fetchone()[0]
        assert more == 0, f"{more} records of {one} are not in {other}"


def columns(folder):
    return ", ".join(sorted(r[0] for r in duckdb.sql(f"DESCRIBE FROM {parquet(folder)}").fetchall()))


class Step:
    def __init__(self, table, folder, name, rows):
        self.table, self.folder, self.name, self.rows, self.base = table, os.path.join(folder, name), name, rows, None

    def target(self, by):
        return os.path.join(self.folder, by)

    def run(self, by, shown, words, environment=None):
        seconds, peak = median(words, self.target(by), environment)
        self.base = self.base or seconds
        self.table.add(
            f"{self.name} {self.rows} rows", shown, seconds=f"{seconds:.2f}", rate=f"{self.rows / seconds:.0f}", peak=peak, ratio=seconds / self.base,
        )

    def glueproj(self, scratch, *words):
        os.makedirs(scratch, exist_ok=True)
        environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"}
        self.run("glueproj", "glueproj job", [os.path.join(jobs_dir(), self.name), *words], environment)

    def other(self, by, source, *, shown=None, target=""):
        script = os.path.join(HERE, f"sales_{by}.py")
        self.run(by, shown or by, [sys.executable, script, self.name, source, os.path.join(self.target(by), target)])


def run(table, folder, arguments):
    source, scratch, rows = os.path.join(folder, f"{NAME}.zip"), os.path.join(folder, "scratch"), arguments.rows
    make = [sys.executable, os.path.join(ROOT, "scripts", "make-sales-sample.py"), "--rows", str(rows), "--out", source]
    subprocess.run(make, check=True)

    extract = Step(table, folder, "extract", rows)
    extract.glueproj(scratch, "--url", source, "--s3_destination_bucket", extract.target("glueproj"))
    extract.other("pandas", source, shown="Python's zipfile")
    raw = os.path.join(extract.target("glueproj"), f"{NAME}.csv")
    with open(raw, "rb") as a, open(glob.glob(os.path.join(extract.target("pandas"), "*.csv"))[0], "rb") as b:
        assert a.read() == b.read(), "extract: the CSV differs"

    clean = Step(table, folder, "clean", rows)
    names = ["--raw_object_name", f"{NAME}.csv"]
    clean.glueproj(scratch, *names, "--source_bucket", os.path.dirname(raw), "--target_bucket", clean.target("glueproj"))
    silver = glob.glob(os.path.join(clean.target("glueproj"), NAME, "*.parquet"))[0]
    repartition = Step(table, folder, "repartition", duckdb.sql(f"SELECT count(*) FROM '{silver}'").fetchone()[0])

    clean.other("duckdb", raw, shown="bare DuckDB", target="part.parquet")
    clean.other("pandas", raw, target="part.parquet")
    repartition.glueproj(
        scratch, *names, "--source_bucket", clean.target("glueproj"), "--target_bucket", repartition.target("glueproj"),
    )
    repartition.other("duckdb", silver, shown="bare DuckDB", target="out")
    repartition.other("pandas", silver, target="out")
    for step in (clean, repartition):
        for by in ("duckdb", "pandas"):
            check_same(step.target("glueproj"), step.target(by))
