"""clear-buckets, bronze2silver and silver2gold by hand, on folders and on the local S3, judged by the oracle and by golden figures."""
import datetime
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import oracle_crypto
import pyarrow.parquet
import pytest
from helpers import ROOT
from jobs import run_job, start_job

REAL = os.path.join(ROOT, "..", "shared", "data", "crypto")
DATE = datetime.date.fromisoformat


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Two folders of generated currencies, plain and odd, each with its list."""

    def make(name, *options):
        folder = tmp_path_factory.mktemp(name)
        script = os.path.join(ROOT, "scripts", "make-crypto-sample.py")
        subprocess.run([sys.executable, script, "--out", str(folder), "--list", str(folder / "list.json"), *options], check=True)
        return folder, json.loads((folder / "list.json").read_text())

    return {"plain": make("plain", "--currencies", "3", "--years", "2"), "odd": make("odd", "--currencies", "2", "--years", "1", "--odd", "--seed", "3")}


class Places:
    """raw, silver and gold as folders."""

    def __init__(self, tmp_path):
        self.tmp = tmp_path
        for name in ("raw", "silver", "gold"):
            (tmp_path / name).mkdir()
        self.raw, self.silver, self.gold = (tmp_path / n for n in ("raw", "silver", "gold"))

    def to_silver(self, hist, trend, ticker="BTC", drop="N", **more):
        options = {"RAW": self.raw, "SILVER": self.silver, "HIST_FILE": hist, "TREND_FILE": trend, "TICKER": ticker, "DROP": drop, **more}
        return run_job(self.tmp, "bronze2silver", *(w for k, v in options.items() for w in (f"--{k}", v)))

    def to_gold(self, ticker="BTC", **more):
        options = {"SILVER": self.silver, "GOLD": self.gold, "TICKER": ticker, **more}
        return run_job(self.tmp, "silver2gold", *(w for k, v in options.items() for w in (f"--{k}", v)))

    def write(self, name, text):
        (self.raw / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path)


def read(folder):
    """Rows of a data set's one file, and its columns' types."""
    files = list(folder.iterdir())
    assert len(files) == 1 and files[0].name.startswith("part-00000-") and files[0].name.endswith(".snappy.parquet"), files
    assert pyarrow.parquet.ParquetFile(files[0]).metadata.row_group(0).column(0).compression == "SNAPPY"
    table = pyarrow.parquet.read_table(files[0], partitioning=None)
    return [tuple(r.values()) for r in table.to_pylist()], [(f.name, str(f.type)) for f in table.schema]


SILVER_HIST = [("Date", "date32[day]"), ("Price", "float")]
SILVER_TREND = [("date", "date32[day]"), ("g_trend", "int32")]
GOLD = [("Date", "date32[day]"), ("Price", "float"), ("g_trend", "int32"), ("PriceMA", "double"), ("TrendMA", "double")]


def check(places, raw, currency, drop):
    ticker, hist, trend = currency["ticker"], currency["hist_file"], currency["trend_file"]
    result = places.to_silver(hist, trend, ticker, drop, RAW=raw).ok()
    want_hist, want_trend = oracle_crypto.history(raw / hist, drop == "Y"), oracle_crypto.trend(raw / trend)
    assert read(places.silver / f"{ticker}_hist") == (want_hist, SILVER_HIST)
    assert read(places.silver / f"{ticker}_trend") == (want_trend, SILVER_TREND)
    places.to_gold(ticker).ok()
    rows, types = read(places.gold / ticker)
    assert types == GOLD and rows == oracle_crypto.gold(want_hist, want_trend)
    return result


# --- good input ---
@pytest.mark.parametrize("drop", ["Y", "N"])
def test_generated_currencies_are_as_the_oracle_says(places, samples, drop):
    folder, listed = samples["plain"]
    for currency in listed:
        check(places, folder, currency, drop)
    assert sorted(os.listdir(places.gold)) == sorted(c["ticker"] for c in listed)


@pytest.mark.parametrize("drop", ["Y", "N"])
def test_odd_files(places, samples, drop):
    """A byte order mark, CRLF, blank lines, unquoted cells, '<1', dates twice and out of order: rows multiply, with a warning."""
    folder, listed = samples["odd"]
    for currency in listed:
        result = check(places, folder, currency, drop)
        for event in ("repeated", "unordered", "null"):
            assert f" WARN bronze2silver: {event} " in result.stderr, result
        assert 'value="<1"' in result.stderr, result


@pytest.mark.skipif(not os.path.isdir(REAL), reason="no real files beside the checkout")
def test_golden_figures(places):
    for name in os.listdir(REAL):
        shutil.copy(os.path.join(REAL, name), places.raw)
    places.to_silver("BTC_EUR_Historical_Data.csv", "google_trend_bitcoin.csv").ok()
    assert read(places.silver / "BTC_hist")[0] == [(DATE("2024-02-23"), None), (DATE("2024-03-11"), 65859.8984375), (DATE("2024-03-12"), 65619.5)]
    log = places.to_gold().ok().stdout
    assert "joined date=2024-03-11 price=65859.9 g_trend=null" in log and log.count(" joined ") == 6
    days = [DATE(d) for d in ("2019-03-17", "2019-03-24", "2019-03-31", "2024-02-23", "2024-03-11", "2024-03-12")]
    price = [None] * 4 + [65859.8984375, 65619.5]
    average = [None] * 4 + [65859.8984375, 65739.69921875]
    assert read(places.gold / "BTC")[0] == list(zip(days, price, [9, 9, 15, None, None, None], average, [9.0, 9.0, 11.0, 11.0, 11.0, 11.0]))
    # The file's name is what counts, not a name in the program.
    places.to_silver("XMR_EUR Kraken Historical Data.csv", "google_trend_monero.csv", "XMR").ok()
    assert read(places.silver / "XMR_hist")[0] == [
        (DATE("2024-03-10"), oracle_crypto.float32("133.760")), (DATE("2024-03-11"), oracle_crypto.float32("132.690")),
        (DATE("2024-03-12"), oracle_crypto.float32("133.290")),
    ]
    places.to_silver("BTC_EUR_Historical_Data.csv", "google_trend_bitcoin.csv", "DROPPED", "Y").ok()
    assert [r[0] for r in read(places.silver / "DROPPED_hist")[0]] == [DATE("2024-03-11"), DATE("2024-03-12")]


TREND = "Week,interest\n2024-01-07,5\n2024-01-14,6\n"
HEADER = '"Date","Price","Open","High","Low","Vol.","Change %"\n'


def test_frames_at_their_edges(places):
    """Ten rows back and no further; nothing of what was filled counts again; the two rows of gold; weeks of seven rows."""
    prices = ["7.5"] + ["-1"] * 12 + ["8", "x", ""] + ["-1"]
    lines = "".join(f'"01/{i + 1:02}/2024","{p}","","","","",""\n' for i, p in enumerate(prices))
    places.write("h.csv", HEADER + lines)
    places.write("t.csv", TREND)
    places.to_silver("h.csv", "t.csv").ok()
    hist = read(places.silver / "BTC_hist")[0]
    assert [p for _, p in hist] == [7.5] * 11 + [None] * 2 + [8.0] * 4
    places.to_gold().ok()
    rows = read(places.gold / "BTC")[0]
    assert rows == oracle_crypto.gold(hist, oracle_crypto.trend(places.raw / "t.csv"))
    assert [r[1] for r in rows] == [7.5] * 13 + [8.0] * 4


def test_dates_that_come_twice_multiply_rows(places):
    places.write("h.csv", HEADER + '"01/07/2024","1","","","","",""\n"01/07/2024","2","","","","",""\n')
    places.write("t.csv", "w,i\n2024-01-07,5\n2024-01-07,6\n2024-01-07,7\n")
    places.to_silver("h.csv", "t.csv").ok()
    result = places.to_gold().ok()
    assert "WARN silver2gold: repeated dates=1 rows=6" in result.stderr
    assert [r[1:3] for r in read(places.gold / "BTC")[0]] == [(1.0, 5), (1.0, 6), (1.0, 7), (2.0, 5), (2.0, 6), (2.0, 7)]


def test_names_in_utf8_and_gzip(places):
    places.write("Prix du \u20bf (1).csv.gz", gzip.compress((HEADER + '"01/07/2024","1,234.5","","","","",""\n').encode()))
    places.write("t.csv", "Semaine,intérêt ₿\n2024-01-07,5\n")
    places.to_silver("Prix du \u20bf (1).csv.gz", "t.csv", "a_1").ok()
    assert read(places.silver / "a_1_hist")[0] == [(DATE("2024-01-07"), 1234.5)]


def test_gold_takes_silver_of_others(places):
    """Several files, other columns, names in other cases, wider types: by name, not by position."""
    day = datetime.date(2024, 1, 1)
    for stem, columns in {
        "BTC_hist": {"volume": ["1K"], "PRICE": pyarrow.array([1.5], pyarrow.float64()), "date": [day]},
        "BTC_trend": {"Date": [day], "G_Trend": pyarrow.array([3], pyarrow.int64())},
    }.items():
        (places.silver / stem).mkdir()
        pyarrow.parquet.write_table(pyarrow.table(columns), places.silver / stem / "x.parquet")
    (places.silver / "BTC_hist" / "_SUCCESS").touch()
    places.to_gold().ok()
    assert read(places.gold / "BTC") == ([(day, 1.5, 3, 1.5, 3.0)], GOLD)


# --- bad input ---
BAD_HISTORY = {
    "european": (HEADER + '"01/07/2024","1.234,5","","","","",""\n', "line 2: the price '1.234,5' cannot be told"),
    "decimal comma": (HEADER + '"01/07/2024","5","","","","",""\n\n"01/06/2024","12,5","","","","",""\n', "line 4: the price '12,5'"),
    "all -1": (HEADER + '"01/07/2024","-1","","","","",""\n"01/06/2024","-1.0","","","","",""\n', "has no price: of its 2 rows 2 have -1"),
    "no number": (HEADER + '"01/07/2024","n/a","","","","",""\n', "has no price: of its 1 rows 0 have -1, and 1 no number"),
    "empty": ("", "is empty: not even a header"),
    "blank": ("\n\r\n\n", "is empty: not even a header"),
    "no rows": (HEADER + "\n\n", "has no rows below its header"),
    "one column": ("Date\n01/07/2024\n", "line 1: the header has one column"),
    "semicolons": ("Date;Price\n01/07/2024;5\n", "line 1: the header has one column"),
    "too few columns": (HEADER + '"01/07/2024","5"\n', "line 2 has 2 columns, its header 7"),
    "unquoted thousands": ("Date,Price\n01/07/2024,65,619.5\n", "line 2 has 3 columns, its header 2: is a number with ',' not quoted?"),
    "open quote": (HEADER + '"01/07/2024","5,"","","","",""\n"01/06/2024","5","","","","",""\n', "line 2 has"),
    "day first": (HEADER + '"31/12/2024","5","","","","",""\n', "line 2: '31/12/2024' is no date (MM/dd/yyyy)"),
    "no such day": (HEADER + '"02/30/2024","5","","","","",""\n', "line 2: '02/30/2024' is no date"),
    "no date": (HEADER + '"","5","","","","",""\n', "line 2: '' is no date"),
    "not utf-8": (HEADER.encode() + b'"\xff\xfe","5","","","","",""\n', "line 2: '\ufffd\ufffd' is no date"),
}
BAD_TREND = {
    "empty": ("", "t.csv' is empty"),
    "no rows": ("Week,interest\n\n", "t.csv' has no rows below its header"),
    "preamble": ("Category: all,\n\nWeek,bitcoin\n2024-01-07,5\n", "t.csv' line 3: 'Week' is no date (yyyy-MM-dd)"),
    "one column": ("Week\n2024-01-07\n", "t.csv' line 1: the header has one column"),
    "american": ("Week,interest\n01/07/2024,5\n", "line 2: '01/07/2024' is no date (yyyy-MM-dd)"),
}


@pytest.mark.parametrize("case", BAD_HISTORY)
@pytest.mark.parametrize("drop", ["Y", "N"])
def test_bad_history(places, case, drop):
    text, message = BAD_HISTORY[case]
    places.write("h.csv", text)
    places.write("t.csv", TREND)
    result = places.to_silver("h.csv", "t.csv", drop=drop).fails(1, message, str(places.raw / "h.csv"))
    assert os.listdir(places.silver) == [], result


@pytest.mark.parametrize("case", BAD_TREND)
def test_bad_trend(places, case):
    text, message = BAD_TREND[case]
    places.write("h.csv", HEADER + '"01/07/2024","5","","","","",""\n')
    places.write("t.csv", text)
    places.to_silver("h.csv", "t.csv").fails(1, message)
    assert os.listdir(places.silver) == []


def test_arguments(places):
    places.write("h.csv", HEADER + '"01/07/2024","5","","","","",""\n')
    places.write("t.csv", TREND)
    for ticker in ("", "1BTC", "BTC-EUR", 'x"; DROP TABLE y; --', "a/b", "..", "B" * 31, "ü"):
        places.to_silver("h.csv", "t.csv", ticker).fails(2, "--TICKER")
        places.to_gold(ticker).fails(2, "--TICKER")
    for drop in ("y", "yes", "", "true"):
        places.to_silver("h.csv", "t.csv", drop=drop).fails(2, "--DROP")
    places.to_silver("../h.csv", "t.csv").fails(2, "--HIST_FILE")
    places.to_silver("h.csv", "").fails(2, "--TREND_FILE")
    places.to_silver("h.csv", "t.csv", RAW="x").fails(2, "--RAW")
    places.to_silver("no.csv", "t.csv").fails(1, "no.csv", "No such file")
    places.to_silver("h.csv", "no.csv").fails(1, "no.csv", "No such file")
    run_job(places.tmp, "bronze2silver", "--RAW", places.raw).fails(2, "HIST_FILE")
    assert os.listdir(places.silver) == []


def test_what_is_there_stays(places, samples):
    folder, listed = samples["plain"]
    words = [listed[0]["hist_file"], listed[0]["trend_file"]]
    places.to_silver(*words, RAW=folder).ok()
    places.to_gold().ok()
    before = {p: p.stat() for p in places.tmp.rglob("*.parquet")}
    places.to_silver(*words, RAW=folder).fails(1, "BTC_hist' is there already", "clear-buckets")
    places.to_gold().fails(1, "gold/BTC' is there already")
    shutil.rmtree(places.silver / "BTC_hist")
    places.to_silver(*words, RAW=folder).fails(1, "BTC_trend' is there already")
    assert os.listdir(places.silver) == ["BTC_trend"]
    assert all(p.stat() == s for p, s in before.items() if "BTC_hist" not in str(p))


def test_silver_that_gold_cannot_take(places):
    places.to_gold().fails(1, "no Parquet files below", "BTC_hist", "bronze2silver writes them")
    day = datetime.date(2024, 1, 1)
    good = {"BTC_hist": {"Date": [day], "Price": pyarrow.array([1.5], pyarrow.float32())}, "BTC_trend": {"date": [day], "g_trend": [1]}}

    def put(**columns):
        for stem, table in {**good, **columns}.items():
            (places.silver / stem).mkdir(exist_ok=True)
            pyarrow.parquet.write_table(pyarrow.table(table), places.silver / stem / "x.parquet")

    put(BTC_hist={"Date": [day], "Close": [1.0]})
    places.to_gold().fails(1, "BTC_hist/' has no column 'Price'")
    put(BTC_hist={"Date": ["2024-01-01"], "Price": [1.0]})
    places.to_gold().fails(1, "its column 'Date' is VARCHAR, not DATE")
    put(BTC_trend={"date": [day], "g_trend": ["many"]})
    places.to_gold().fails(1, "its column 'g_trend' is VARCHAR, not INTEGER")
    put(BTC_trend={"date": [day], "g_trend": [2**40]})
    places.to_gold().fails(1, "BTC_trend")
    put()
    (places.silver / "BTC_hist" / "x.parquet").write_bytes(b"PAR1 no more")
    places.to_gold().fails(1, "BTC_hist")
    assert os.listdir(places.gold) == []


# --- a bucket ---
class Buckets:
    def __init__(self, cloud):
        self.s3, self.env = cloud.client("s3"), {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}
        where = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        for name in ("raw", "silver", "gold"):
            self.s3.create_bucket(Bucket=name, **where)

    def keys(self, bucket):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [o["Key"] for p in pages for o in p.get("Contents", [])]


@pytest.fixture
def buckets(cloud):
    return Buckets(cloud)


def silver_words(currency):
    names = ["--HIST_FILE", currency["hist_file"], "--TREND_FILE", currency["trend_file"], "--TICKER", currency["ticker"], "--DROP", "N"]
    return ["--RAW", "s3://raw/", "--SILVER", "s3://silver/x/", *names]


def test_buckets(tmp_path, buckets, samples):
    """All three steps on S3; of two runs of one currency at the same time one wins, whole; what is there is an error."""
    folder, listed = samples["plain"]
    for name in (listed[0]["hist_file"], listed[0]["trend_file"]):
        buckets.s3.upload_file(str(folder / name), "raw", name)
    run_job(tmp_path, "bronze2silver", *silver_words({**listed[0], "hist_file": "no.csv"}), env=buckets.env).fails(1, "s3://raw/no.csv")
    assert buckets.keys("silver") == []
    results = []
    both = [threading.Thread(target=lambda i=i: results.append(run_job(tmp_path / str(i), "bronze2silver", *silver_words(listed[0]), env=buckets.env))) for i in (0, 1)]
    for t in both:
        t.start()
    for t in both:
        t.join()
    assert sorted(r.code for r in results) == [0, 1], results
    next(r for r in results if r.code).fails(1, "is there already")
    assert len(buckets.keys("silver")) == 2
    run_job(tmp_path, "silver2gold", "--SILVER", "s3://silver/x", "--GOLD", "s3://gold", "--TICKER", "BTC", env=buckets.env).ok()
    (key,) = buckets.keys("gold")
    buckets.s3.download_file("gold", key, str(tmp_path / "gold.parquet"))
    want = oracle_crypto.gold(oracle_crypto.history(folder / listed[0]["hist_file"], False), oracle_crypto.trend(folder / listed[0]["trend_file"]))
    assert [tuple(r.values()) for r in pyarrow.parquet.read_table(tmp_path / "gold.parquet").to_pylist()] == want
    run_job(tmp_path, "silver2gold", "--SILVER", "s3://silver/x", "--GOLD", "s3://gold", "--TICKER", "BTC", env=buckets.env).fails(1, "s3://gold/BTC/' is there already")


# --- clear-buckets ---
def test_clear_buckets(tmp_path, buckets):
    """Many pages; a prefix alone; empty ones; nothing is touched when one of them is missing."""
    folder = tmp_path / "out"
    (folder / "a" / "b").mkdir(parents=True)
    for name in ("a/b/c", "d", ".hidden"):
        (folder / name).write_text("x")
    (tmp_path / "kept").write_text("x")
    (folder / "link").symlink_to(tmp_path / "kept")
    names = [f"{'keep' if i % 4 == 0 else 'drop'}/{i:05} ü&<" for i in range(1300)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: buckets.s3.put_object(Bucket="silver", Key=n, Body=b""), names))
    clear = lambda text, *more: run_job(tmp_path, "clear-buckets", "--BUCKETS", text, *more, env=buckets.env)  # noqa: E731
    clear(f"s3://silver/,s3://missing/,{folder}").fails(1, "missing")
    assert len(buckets.keys("silver")) == 1300 and (folder / "d").exists()
    clear("s3://silver/drop/").ok()
    assert sorted(buckets.keys("silver")) == sorted(n for n in names if n.startswith("keep/"))
    result = clear(f"s3://silver/, s3://gold/,{folder}").ok()
    assert 'place="s3://silver/" objects=325' in result.stdout and "per_second=" in result.stdout and 'place="s3://gold/" objects=0' in result.stdout
    assert buckets.keys("silver") == [] and os.listdir(folder) == [] and (tmp_path / "kept").exists()
    clear("s3://silver/,s3://gold/").ok()
    clear("").fails(2, "--BUCKETS")
    clear("s3://silver/,").fails(2, "has an empty name")
    clear("/").fails(2, "root")
    clear(str(tmp_path / "no")).fails(1, "there is no folder")


def test_clear_buckets_with_versions(tmp_path, buckets):
    """As by hand, objects of a versioned bucket get markers; all that ever was goes only when that is asked for."""
    s3 = buckets.s3
    s3.put_bucket_versioning(Bucket="gold", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="gold", Key="k", Body=body)
    run_job(tmp_path, "clear-buckets", "--BUCKETS", "s3://gold", env=buckets.env).ok()
    found = s3.list_object_versions(Bucket="gold")
    assert buckets.keys("gold") == [] and len(found["Versions"]) == 2 and len(found["DeleteMarkers"]) == 1
    run_job(tmp_path, "clear-buckets", "--BUCKETS", "s3://gold", "--VERSIONS", "maybe", env=buckets.env).fails(2, "--VERSIONS")
    run_job(tmp_path, "clear-buckets", "--BUCKETS", "s3://gold", "--VERSIONS", "Y", env=buckets.env).ok()
    found = s3.list_object_versions(Bucket="gold")
    assert "Versions" not in found and "DeleteMarkers" not in found


def test_a_signal_leaves_nothing(places):
    """A history that never ends (a pipe): the job stops, and what it began is gone."""
    os.mkfifo(places.raw / "h.csv")
    places.write("t.csv", TREND)
    words = ["--RAW", places.raw, "--SILVER", places.silver, "--HIST_FILE", "h.csv", "--TREND_FILE", "t.csv", "--TICKER", "BTC", "--DROP", "N"]
    process = start_job(places.tmp, "bronze2silver", *words)
    with open(places.raw / "h.csv", "w", encoding="ascii") as f:
        f.write(HEADER + '"01/07/2024","5","","","","",""\n' * 20000)
        f.flush()
        process.terminate()
        f.write('"01/07/2024","5","","","","",""\n' * 20)
        f.flush()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and "stopped by a signal" in stderr, stderr
    assert os.listdir(places.silver) == [] and os.listdir(places.tmp / "scratch") == []
