"""Measures glueproj beside other ways of doing the same, and prints one table; `make bench` runs it.

Inputs are made here and always the same. "ratio" is the row's time (for the local cloud: the time of one request) in
glueproj's: above 1, glueproj is faster. It fails only when something breaks or when results differ, never because of a number.
"""
import argparse
import os
import platform
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tests", "conformance")]

import bench_cloud  # noqa: E402
import bench_convert  # noqa: E402
import bench_crawl  # noqa: E402
import bench_crypto  # noqa: E402
import bench_ingest  # noqa: E402
import bench_jobs  # noqa: E402
import bench_series  # noqa: E402
import bench_setup  # noqa: E402
import bench_states  # noqa: E402

PARTS = {
    "setup": bench_setup.run, "jobs": bench_jobs.run, "series": bench_series.run, "crypto": bench_crypto.run, "ingest": bench_ingest.run,
    "convert": bench_convert.run, "cloud": bench_cloud.run, "crawl": bench_crawl.run, "states": bench_states.run}
# For a quick try of it; ratios of so little mean nothing.
SMALL = {
    "turns": 1, "rows": 20000, "series_rows": 200000, "series": 2000, "currencies": 3, "convert_rows": 200000, "ingest_rows": 200000,
    "crawl_objects": 200, "crawl_partitions": 20, "resources": 10, "seconds": 0.2}
COLUMNS = {"seconds": "s", "requests": "requests", "path": "x path", "cpu": "CPU s", "rate": "per s", "peak": "peak MB", "ratio": "ratio"}


class Table:
    """Rows of text, printed when all are there; each is shown on stderr as soon as it is known."""

    def __init__(self):
        self.rows = []

    def add(self, what, by, note="", **cells):
        if "ratio" in cells:
            cells["ratio"] = "%.2f" % cells["ratio"]
        self.rows.append([what, by, *(str(cells.get(c, "")) for c in COLUMNS), note])
        print("bench:", *[c for c in self.rows[-1] if c], sep="  ", file=sys.stderr, flush=True)

    def print(self):
        rows = [["what", "by", *COLUMNS.values(), ""], *self.rows]
        widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
        rule = "-" * (sum(widths) + 2 * len(widths))
        last = None
        for row in rows:
            if row[0] != last:
                print(rule)
            shown = [row[0] if row[0] != last else "", *row[1:]]
            last = row[0]
            print("  ".join(c.rjust(w) if 2 <= i < 2 + len(COLUMNS) else c.ljust(w) for i, (c, w) in enumerate(zip(shown, widths))).rstrip())
        print(rule)


def main():
    parser = argparse.ArgumentParser(description="Measures glueproj beside other ways of doing the same.")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given several times")
    parser.add_argument("--small", action="store_true", help="little of everything, to see that it works; other options may still say how much")
    parser.add_argument("--turns", type=int, default=3, help="how often ingest and convert, and bare DuckDB beside them, run")
    parser.add_argument("--rows", type=int, default=1000000, help="sales records for the jobs")
    parser.add_argument("--series-rows", type=int, default=20000000, help="visits and series' points for the Exabel pipeline")
    parser.add_argument("--series", type=int, default=200000, help="series to load, of ten points each")
    parser.add_argument("--currencies", type=int, default=300, help="of the crypto pipeline, ten years each")
    parser.add_argument("--convert-rows", type=int, default=10000000, help="weather readings to convert")
    parser.add_argument("--ingest-rows", type=int, default=10000000, help="of the file that the transit platform ingests")
    parser.add_argument("--crawl-objects", type=int, default=20000, help="objects that a crawler reads")
    parser.add_argument("--crawl-partitions", type=int, default=500, help="partitions that they lie in")
    parser.add_argument("--resources", type=int, default=100, help="resources of the generated project")
    parser.add_argument("--seconds", type=float, default=2, help="how long each request is repeated")
    if parser.parse_known_args()[0].small:
        parser.set_defaults(**SMALL)
    arguments = parser.parse_args()
    begin, table = time.monotonic(), Table()
    folder = tempfile.mkdtemp(prefix="glueproj-bench-")
    try:
        for name in arguments.only or PARTS:
            os.makedirs(os.path.join(folder, name))
            PARTS[name](table, os.path.join(folder, name), arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    latency, seconds = bench_setup.LATENCY * 1000, time.monotonic() - begin
    print(f"{os.cpu_count()} CPUs, {platform.machine()}; {latency:.0f} ms for each request in the set-ups; {seconds:.0f} s in all")
    table.print()


if __name__ == "__main__":
    main()
