"""The three jobs of the sales lake, run by hand on folders and on the local S3, judged by the oracle."""
import collections
import io
import os
import re
import shutil
import signal
import time
import zipfile

import pyarrow.parquet
import pytest
from conftest import make_sample
from jobs import Web, body, run_job, start_job
from oracle_sales import Lake

NAME = "2m-Sales-Records"
RAW = ["--raw_object_name", f"{NAME}.csv"]


@pytest.fixture(scope="module")
def odd_zip(tmp_path_factory):
    """Records with all odd values, countries whose names need escaping, and CRLF."""
    return make_sample(tmp_path_factory.mktemp("odd") / f"{NAME}.zip", "--rows", "7000", "--odd-countries", "--crlf", "--seed", "7")


@pytest.fixture
def web():
    web = Web({})
    yield web
    web.close()


@pytest.fixture
def bucket(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="jobs-test", **location(cloud))
    return Bucket(cloud, s3, "jobs-test")


def location(cloud):
    return {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}


class Bucket:
    def __init__(self, cloud, s3, name):
        self.cloud, self.s3, self.name, self.env = cloud, s3, name, {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return sorted(o["Key"] for p in pages for o in p.get("Contents", []))

    def uploads(self):
        return self.s3.list_multipart_uploads(Bucket=self.name).get("Uploads", [])

    def read(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key, data):
        self.s3.put_object(Bucket=self.name, Key=key, Body=data)


def rows_of(files):
    """Rows of Parquet files as a multiset."""
    found = collections.Counter()
    for f in files:
        table = pyarrow.parquet.read_table(f, partitioning=None)
        found.update(zip(*(table.column(i).to_pylist() for i in range(table.num_columns))) if table.num_columns else [])
    return found


def parquet_type(field):
    return {"int32": "int", "decimal128(10, 2)": "decimal(10,2)", "date32[day]": "date", "string": "string"}[str(field.type)]


def check_silver(files, lake):
    assert len(files) == 1
    schema = pyarrow.parquet.read_schema(files[0])
    assert schema.names == lake.columns
    assert [parquet_type(f) for f in schema] == lake.types
    column = pyarrow.parquet.ParquetFile(files[0]).metadata.row_group(0).column(0)
    assert column.compression == "SNAPPY"
    assert rows_of(files) == collections.Counter(lake.rows)


def check_gold(partitions, lake):
    """partitions: {folder name: file}"""
    want = lake.partitions()
    assert set(partitions) == set(want)
    for folder, rows in want.items():
        assert rows_of([partitions[folder]]) == collections.Counter(rows), folder
    names = pyarrow.parquet.read_schema(next(iter(partitions.values()))).names
    assert names == [c for c in lake.columns if c != "country"]


# --- good input ---
@pytest.mark.parametrize("form", ["path", "file"])
def test_folders(tmp_path, odd_zip, form):
    places = {}
    for name in ("raw", "silver", "gold"):
        (tmp_path / name).mkdir()
        places[name] = str(tmp_path / name) if form == "path" else f"file://{tmp_path / name}"
    url = str(odd_zip) if form == "path" else f"file://{odd_zip}"
    run_job(tmp_path, "extract", "--url", url, "--s3_destination_bucket", places["raw"]).ok()
    assert sorted(os.listdir(tmp_path / "raw")) == [f"{NAME}.csv", f"{NAME}.zip"]
    assert (tmp_path / "raw" / f"{NAME}.zip").read_bytes() == odd_zip.read_bytes()
    with zipfile.ZipFile(odd_zip) as z:
        assert (tmp_path / "raw" / f"{NAME}.csv").read_bytes() == z.read("2m Sales Records.csv")
    lake = Lake.of_zip(odd_zip)
    for _ in range(2):  # the second time over the first
        run_job(tmp_path, "clean", *RAW, "--source-bucket", places["raw"], f"--target-bucket={places['silver']}").ok()
        assert os.listdir(tmp_path / "silver") == [NAME]
        check_silver([str(f) for f in (tmp_path / "silver" / NAME).iterdir()], lake)
        run_job(tmp_path, "repartition", *RAW, "--source_bucket", places["silver"], "--target_bucket", places["gold"]).ok()
        assert os.listdir(tmp_path / "gold") == [NAME]
        folders = {f.name: [str(p) for p in f.iterdir()] for f in (tmp_path / "gold" / NAME).iterdir()}
        assert all(len(files) == 1 for files in folders.values())
        check_gold({name: files[0] for name, files in folders.items()}, lake)


def test_buckets(tmp_path, bucket, odd_zip):
    place = ["--source_bucket", f"s3://{bucket.name}/silver", "--target_bucket", f"s3://{bucket.name}/gold/"]
    run_job(tmp_path, "extract", "--url", f"file://{odd_zip}", "--s3_destination_bucket", bucket.name, env=bucket.env).ok()
    assert bucket.keys() == [f"{NAME}.csv", f"{NAME}.zip"]
    assert bucket.read(f"{NAME}.zip") == odd_zip.read_bytes()
    lake, seen = Lake.of_zip(odd_zip), set()
    bucket.put(f"gold/{NAME}/country=Nowhere/old.parquet", b"old")
    bucket.put(f"gold/{NAME}-other/keep", b"keep")
    for _ in range(2):
        clean = ["--source_bucket", bucket.name, "--target_bucket", f"s3://{bucket.name}/silver"]
        log = run_job(tmp_path, "clean", *RAW, *clean, env=bucket.env).ok().stdout
        assert re.search(rf"rows_in={lake.raw_rows} rows_out={len(lake.rows)}\b", log)
        keys = bucket.keys("silver/")
        assert len(keys) == 1 and re.fullmatch(rf"silver/{NAME}/part-00000-[0-9a-f]+\.snappy\.parquet", keys[0])
        assert keys[0] not in seen
        seen.update(keys)
        check_silver([io.BytesIO(bucket.read(keys[0]))], lake)
        run_job(tmp_path, "repartition", *RAW, *place, env=bucket.env).ok()
        keys = bucket.keys(f"gold/{NAME}/")
        check_gold({k.split("/")[2]: io.BytesIO(bucket.read(k)) for k in keys}, lake)
        assert len(keys) == len(lake.partitions())
    assert bucket.read(f"gold/{NAME}-other/keep") == b"keep"
    assert bucket.uploads() == []


def test_log_lines(tmp_path, odd_zip):
    (tmp_path / "raw").mkdir()
    result = run_job(tmp_path, "extract", "--url", odd_zip, "--s3_destination_bucket", tmp_path / "raw", "--job-bookmark-option", "off", "--own", "x").ok()
    for line in result.stdout.splitlines():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO extract: \w+( \w+=(\"[^\"]*\"|\S+))*", line), line
    ignored = [line for line in result.stdout.splitlines() if "ignored" in line]
    assert len(ignored) == 1 and "--own" in ignored[0] and "bookmark" not in ignored[0]
    assert result.stderr == ""


def test_http_follows_redirects_and_names_a_browser(tmp_path, web, odd_zip):
    (tmp_path / "raw").mkdir()
    web.routes["/here/a.zip"] = body(b"", 302, headers=[("Location", "/there/b")])
    web.routes["/there/b"] = body(odd_zip.read_bytes())
    result = run_job(tmp_path, "extract", "--url", f"{web.url}/here/a.zip?sig=hidden", "--s3_destination_bucket", tmp_path / "raw").ok()
    assert sorted(os.listdir(tmp_path / "raw")) == [f"{NAME}.csv", "a.zip"]
    assert "Firefox" in web.seen[0][1]["User-Agent"]
    assert "hidden" not in result.stdout


def test_s3_as_source(tmp_path, bucket, odd_zip):
    bucket.put("in/a b.zip", odd_zip.read_bytes())
    target = ["--s3_destination_bucket", f"s3://{bucket.name}/out"]
    run_job(tmp_path, "extract", "--url", f"s3://{bucket.name}/in/a b.zip", *target, env=bucket.env).ok()
    assert bucket.keys("out/") == [f"out/{NAME}.csv", "out/a b.zip"]


# --- bad input: exit 1, a clear message, and nothing is left ---
def zip_of(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in files.items():
            z.writestr(name, text)
    return out.getvalue()


GOOD = zip_of(**{"a.csv": "x" * 5000, "b.txt": "y"})
BZIP2 = io.BytesIO()
with zipfile.ZipFile(BZIP2, "w") as _z:
    _z.writestr("ok.csv", "a,b\n1,2\n", zipfile.ZIP_DEFLATED)
    _z.writestr(zipfile.ZipInfo("z.csv"), "x" * 1000, zipfile.ZIP_STORED)
# The last entry claims a way of packing that nobody has.
ODD_METHOD = BZIP2.getvalue()
_at = ODD_METHOD.rindex(b"PK\x03\x04")
_dir = ODD_METHOD.rindex(b"PK\x01\x02")
ODD_METHOD = ODD_METHOD[: _at + 8] + b"\x61\0" + ODD_METHOD[_at + 10 : _dir + 10] + b"\x61\0" + ODD_METHOD[_dir + 12 :]

BAD_BODIES = {
    "not-found": (body(b"<html>no</html>", 404), "HTTP status 404"),
    "no-content": (body(b"", 204), "HTTP status 204"),
    "forbidden-zip": (body(GOOD, 403), "HTTP status 403"),
    "html": (body(b"<!DOCTYPE html><p>Please log in"), "is no zip: it begins with '<!DOCTYPE html>"),
    "empty": (body(b""), "is no zip: it is empty"),
    "cut": (body(GOOD[:-30], length=len(GOOD)), "127.0.0.1"),
    "cut-quietly": (body(GOOD[:-30]), "its end is missing"),
    "no-csv": (body(zip_of(**{"a.txt": "x", "dir/b.csv": "y", "c.CSV": "z"})), "has no CSV"),
    "escapes": (body(zip_of(**{"a.csv": "x", "../b.csv": "y"})), "'../b.csv', which would leave the folder"),
    "absolute": (body(zip_of(**{"a.csv": "x", "/tmp/b.csv": "y"})), "would leave the folder"),
    "method": (body(ODD_METHOD), "damaged archive"),
    "redirect-loop": (body(b"", 302, headers=[("Location", "/redirect-loop")]), "redirects"),
}


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_bad_downloads(tmp_path, web, where, request):
    if where == "bucket":
        bucket = request.getfixturevalue("bucket")
        target, env = bucket.name, bucket.env
    else:
        (tmp_path / "raw").mkdir()
        target, env = tmp_path / "raw", None
    for name, (route, text) in BAD_BODIES.items():
        web.routes[f"/{name}"] = route
        run_job(tmp_path, "extract", "--url", f"{web.url}/{name}", "--s3_destination_bucket", target, env=env).fails(1, text)
        if where == "bucket":
            assert bucket.keys() == [] and bucket.uploads() == [], name
        else:
            assert os.listdir(target) == [], name


def test_an_earlier_download_survives_a_bad_one(tmp_path, web, bucket):
    web.routes["/a.zip"] = body(GOOD)
    words = ["extract", "--url", f"{web.url}/a.zip", "--s3_destination_bucket", bucket.name]
    run_job(tmp_path, *words, env=bucket.env).ok()
    before = {k: bucket.read(k) for k in bucket.keys()}
    web.routes["/a.zip"] = body(zip_of(**{"a.csv": "other", "b.csv": "z" * 100})[:-10])
    run_job(tmp_path, *words, env=bucket.env).fails(1)
    assert {k: bucket.read(k) for k in bucket.keys()} == before


def test_a_server_that_recovers_is_asked_again(tmp_path, web):
    (tmp_path / "raw").mkdir()
    answers = [body(b"busy", 503), body(GOOD)]
    web.routes["/a.zip"] = lambda handler: answers.pop(0)(handler)
    run_job(tmp_path, "extract", "--url", f"{web.url}/a.zip", "--s3_destination_bucket", tmp_path / "raw").ok()
    assert sorted(os.listdir(tmp_path / "raw")) == ["a.csv", "a.zip"]


def test_missing_things(tmp_path, bucket):
    (tmp_path / "empty").mkdir()
    env = bucket.env
    run_job(tmp_path, "extract", "--url", "/no/such.zip", "--s3_destination_bucket", tmp_path / "empty").fails(1, "/no/such.zip")
    run_job(tmp_path, "extract", "--url", "http://127.0.0.1:9/a.zip", "--s3_destination_bucket", tmp_path / "empty").fails(1, "127.0.0.1:9")
    run_job(tmp_path, "extract", "--url", f"s3://{bucket.name}/no.zip", "--s3_destination_bucket", bucket.name, env=env).fails(1, "NoSuchKey")
    places = ["--source_bucket", bucket.name, "--target_bucket", bucket.name]
    run_job(tmp_path, "clean", *RAW, *places, env=env).fails(1, "NoSuchKey", f"{NAME}.csv")
    run_job(tmp_path, "repartition", *RAW, *places, env=env).fails(1, "no Parquet files", NAME)
    run_job(tmp_path, "clean", *RAW, "--source_bucket", "no-such-bucket-here", *places[2:], env=env).fails(1, "NoSuchBucket")
    run_job(tmp_path, "clean", *RAW, "--source_bucket", tmp_path / "empty", "--target_bucket", tmp_path / "nowhere").fails(1, "nowhere")
    assert bucket.keys() == [] and os.listdir(tmp_path / "empty") == []


def test_clean_keeps_the_old_data_when_the_new_cannot_be_read(tmp_path, bucket):
    bucket.put(f"{NAME}.csv", b"Country\nA\n")
    words = ["clean", *RAW, "--source_bucket", bucket.name, "--target_bucket", bucket.name]
    run_job(tmp_path, *words, env=bucket.env).ok()
    before = bucket.keys()
    bucket.put(f"{NAME}.csv", b"Country,country\nA,B\n")
    run_job(tmp_path, *words, env=bucket.env).fails(1, "two columns with the name 'country'")
    assert bucket.keys() == before


def test_bad_arguments(tmp_path):
    run_job(tmp_path, "extract").fails(2, "missing arguments: --url, --s3_destination_bucket")
    run_job(tmp_path, "clean", "--raw-object-name", "x.csv").fails(2, "--source_bucket, --target_bucket")
    run_job(tmp_path, "clean", "--raw-object-name", ".csv", "--source_bucket", "/tmp", "--target_bucket", "/tmp").fails(2, "--raw_object_name")
    run_job(tmp_path, "extract", "--url", "ftp://x/y.zip", "--s3_destination_bucket", tmp_path).fails(2, "ftp://x/y.zip")
    run_job(tmp_path, "extract", "--url", "https://example.com/", "--s3_destination_bucket", tmp_path).fails(2, "names no file")
    run_job(tmp_path, "extract", "--url", "https://example.com", "--s3_destination_bucket", tmp_path).fails(2, "names no file")
    run_job(tmp_path, "extract", "--url", "a.zip", "--s3_destination_bucket", "x").fails(2, "--s3_destination_bucket")


def test_a_stopped_extract_takes_its_uploads_back(tmp_path, web, bucket):
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_STORED) as z:
        z.writestr("a.csv", os.urandom(1 << 20) * 40)
    data = big.getvalue()

    def slowly(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: 36 << 20])
        handler.wfile.flush()
        for at in range(36 << 20, len(data), 1000):
            handler.wfile.write(data[at : at + 1000])
            time.sleep(0.05)

    web.routes["/slow.zip"] = slowly
    process = start_job(tmp_path, "extract", "--url", f"{web.url}/slow.zip", "--s3_destination_bucket", bucket.name, env=bucket.env)
    deadline = time.monotonic() + 30
    while not bucket.uploads() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert bucket.uploads(), "no part was sent"
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1 and "stopped by a signal" in stderr
    assert bucket.keys() == [] and bucket.uploads() == []
    assert os.listdir(tmp_path / "scratch") == []


# --- big input ---
@pytest.fixture(scope="module")
def big_zip(tmp_path_factory):
    """300 MB of CSV."""
    path = tmp_path_factory.mktemp("big") / "big.zip"
    line = b"Asia,Laos,%d,1/31/2014," + b"y" * 200 + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        with z.open("big file.csv", "w") as f:
            f.write(b"Region,Country,Order ID,Order Date,Text\n")
            for block in range(270):
                f.write(b"".join(line % (block * 5000 + i) for i in range(5000)))
    return path


def test_memory_does_not_grow_with_the_zip(tmp_path, bucket, big_zip):
    (tmp_path / "raw").mkdir()
    with zipfile.ZipFile(big_zip) as z:
        size = z.getinfo("big file.csv").file_size
    assert size > 300_000_000
    folder = run_job(tmp_path, "extract", "--url", big_zip, "--s3_destination_bucket", tmp_path / "raw").ok()
    assert os.path.getsize(tmp_path / "raw" / "big-file.csv") == size
    store = run_job(tmp_path, "extract", "--url", big_zip, "--s3_destination_bucket", bucket.name, env=bucket.env).ok()
    assert bucket.s3.head_object(Bucket=bucket.name, Key="big-file.csv")["ContentLength"] == size
    assert bucket.uploads() == []
    assert folder.max_rss_mb < 60 and store.max_rss_mb < 160, (folder, store)


@pytest.mark.parametrize("memory_mb", [512, 320])
def test_jobs_spill_when_memory_ends(tmp_path, big_zip, memory_mb):
    """At 320 MB not even the spilling DISTINCT finds room: the job reads its input in passes."""
    for name in ("raw", "silver", "gold"):
        (tmp_path / name).mkdir()
    with zipfile.ZipFile(big_zip) as z, z.open("big file.csv") as source, open(tmp_path / "raw" / "big.csv", "wb") as target:
        shutil.copyfileobj(source, target)
    env = {"GLUEPROJ_MEMORY_MB": str(memory_mb), "GLUEPROJ_CPUS": "2"}
    words = ["--raw_object_name", "big.csv"]
    clean = run_job(tmp_path, "clean", *words, "--source_bucket", tmp_path / "raw", "--target_bucket", tmp_path / "silver", env=env).ok()
    assert clean.max_rss_mb < memory_mb, clean
    files = list((tmp_path / "silver" / "big").iterdir())
    assert pyarrow.parquet.ParquetFile(files[0]).metadata.num_rows == 1350000
    part = run_job(tmp_path, "repartition", *words, "--source_bucket", tmp_path / "silver", "--target_bucket", tmp_path / "gold", env=env).ok()
    assert part.max_rss_mb < memory_mb, part
    files = list((tmp_path / "gold" / "big" / "country=Laos").iterdir())
    assert len(files) == 1 and pyarrow.parquet.ParquetFile(files[0]).metadata.num_rows == 1350000
