"""What the sales lake's jobs and queries wrote, read by others: PyArrow's own S3 client over HTTP, DuckDB, pandas; against the oracle's figures."""
import datetime
import decimal
import io
import os
import subprocess
import sys
import urllib.parse

import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from s3_cloud import cloud  # noqa: F401
import oracle_sales
from helpers import ROOT, Project
from lake import await_query

STEM = "2m-Sales-Records"
GOLD, RESULTS = "etl-poc-data-gold", "etl-poc-athena-queries"


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / f"{STEM}.zip"
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make-sales-sample.py"), "--out", str(path), "--rows", "4000"], check=True)
    return path


@pytest.fixture
def lake(cloud, sample):  # noqa: F811
    """The sales lake, set up and run once; the oracle of its source."""
    project = Project(cloud.runner, cloud, "sales-lake", SourceUrl=f"file://{sample}")
    project("setup", timeout=300).ok()
    assert project("run", "etl_workflow", "--follow", timeout=300).ok().json["run"]["state"] == "COMPLETED"
    return oracle_sales.Lake.of_zip(sample)


def arrow_fs(cloud, **more):  # noqa: F811
    return pyarrow.fs.S3FileSystem(
        access_key=cloud.access_key_id, secret_key=cloud.secret_access_key, region=cloud.region, scheme="http",
        endpoint_override=urllib.parse.urlsplit(cloud.endpoint).netloc, **more,
    )


def check_pyarrow(fs, lake):
    dataset = pyarrow.dataset.dataset(f"{GOLD}/{STEM}", filesystem=fs, format="parquet", partitioning="hive")
    assert dataset.count_rows() == len(lake.rows)
    country, profit = lake.column("country"), lake.column("total_profit")
    total = sum((r[profit] for r in lake.rows if r[profit] is not None), decimal.Decimal(0))
    table = dataset.to_table(columns=["country", "total_profit"])
    assert sum(v.as_py() for v in table["total_profit"] if v.is_valid) == total
    some = sorted({r[country] for r in lake.rows if r[country]})[3]
    found = dataset.to_table(filter=pyarrow.dataset.field("country") == some)
    assert found.num_rows == sum(r[country] == some for r in lake.rows)
    # a few columns of a file are read as ranges of it
    file = next(f for f in dataset.files if f.endswith(".parquet"))
    assert pyarrow.parquet.read_table(file, columns=["order_id"], filesystem=fs).num_columns == 1


def check_pyarrow_writes(fs):
    """Its own writer: multipart in the background, folders as empty keys, copies, moves, deletes."""
    table = pyarrow.table({"n": range(1_500_000), "t": [str(i % 977) for i in range(1_500_000)]})
    fs.create_dir("etl-poc-data-raw/arrow/deep")
    pyarrow.dataset.write_dataset(table, "etl-poc-data-raw/arrow/out", filesystem=fs, format="parquet", max_rows_per_file=500_000, max_rows_per_group=500_000)
    back = pyarrow.dataset.dataset("etl-poc-data-raw/arrow/out", filesystem=fs, format="parquet")
    # threads write and read it in any order
    numbers = back.to_table(columns=["n"]).sort_by("n")["n"]
    assert back.count_rows() == 1_500_000 and numbers.combine_chunks().equals(table["n"].combine_chunks())
    with fs.open_output_stream("etl-poc-data-raw/arrow/big.bin") as f:
        for _ in range(24):
            f.write(b"x" * (1 << 20))
    assert fs.get_file_info("etl-poc-data-raw/arrow/big.bin").size == 24 << 20
    with fs.open_input_file("etl-poc-data-raw/arrow/big.bin") as f:
        assert f.read_at(10, 23 << 20) == b"x" * 10
    fs.copy_file("etl-poc-data-raw/arrow/big.bin", "etl-poc-data-raw/arrow/copy.bin")
    fs.move("etl-poc-data-raw/arrow/copy.bin", "etl-poc-data-raw/arrow/moved.bin")
    kinds = {os.path.basename(i.path): i.type.name for i in fs.get_file_info(pyarrow.fs.FileSelector("etl-poc-data-raw/arrow"))}
    assert kinds == {"big.bin": "File", "deep": "Directory", "moved.bin": "File", "out": "Directory"}
    fs.delete_dir("etl-poc-data-raw/arrow")
    assert fs.get_file_info("etl-poc-data-raw/arrow/big.bin").type.name == "NotFound"


def check_duckdb(fs, lake, folder):
    """DuckDB's extension for S3 would have to be downloaded: it reads the files as PyArrow fetched them."""
    try:
        import duckdb
    except ImportError:
        print("duckdb is not installed: its reader is not tried")
        return
    pyarrow.fs.copy_files(f"{GOLD}/{STEM}", str(folder), source_filesystem=fs)
    profit = lake.column("total_profit")
    total = sum((r[profit] for r in lake.rows if r[profit] is not None), decimal.Decimal(0))
    query = f"SELECT count(*), sum(total_profit), count(DISTINCT country) FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    rows, found, countries = duckdb.sql(query).fetchall()[0]
    assert (rows, found) == (len(lake.rows), total) and countries == len({r[lake.column("country")] for r in lake.rows})


def check_pandas(cloud, lake):  # noqa: F811
    """Athena's CSV: NULL is nothing, the empty string is quoted, quotes are doubled; dates, decimals and large numbers keep their digits."""
    import pandas

    athena, s3 = cloud.client("athena"), cloud.client("s3")

    def frame(sql, **options):
        query_id = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": "etl_poc_database"}, ResultConfiguration={"OutputLocation": f"s3://{RESULTS}/pandas/"}
        )["QueryExecutionId"]
        execution = await_query(athena, query_id)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        bucket, _, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return pandas.read_csv(io.BytesIO(text), **options), text

    odd, text = frame(
        """SELECT * FROM (VALUES (1, 'a,b', DATE '2024-02-29', CAST('12345678901234567.89' AS decimal(19,2)), true, 1.5e300),
        (2, 'say "no"', NULL, NULL, NULL, NULL), (3, '', DATE '1970-01-01', CAST('-0.01' AS decimal(19,2)), false, 0.1),
        (4, NULL, DATE '2024-12-31', CAST('0.00' AS decimal(19,2)), true, -2.0), (5, 'line' || chr(10) || 'end ü', NULL, NULL, NULL, NULL))
        AS t(id, s, d, m, b, f) ORDER BY id""",
        parse_dates=["d"], converters={"m": lambda v: decimal.Decimal(v) if v else None},
    )
    assert list(odd.columns) == ["id", "s", "d", "m", "b", "f"] and list(odd["id"]) == [1, 2, 3, 4, 5]
    assert list(odd["s"][[0, 1, 4]]) == ["a,b", 'say "no"', "line\nend ü"]
    assert b'"3","","1970-01-01"' in text and b'"4",,"2024-12-31"' in text  # pandas takes both for missing
    assert odd["d"][0].date() == datetime.date(2024, 2, 29) and pandas.isna(odd["d"][1])
    assert list(odd["m"]) == [decimal.Decimal("12345678901234567.89"), None, decimal.Decimal("-0.01"), decimal.Decimal("0.00"), None]
    assert list(odd["f"][[0, 2, 3]]) == [1.5e300, 0.1, -2.0] and [str(b).lower() for b in odd["b"][[0, 2]]] == ["true", "false"]
    by_country, _ = frame("SELECT country, count(*) AS n, sum(total_profit) AS profit FROM etl_poc_data_gold GROUP BY country", converters={"profit": decimal.Decimal})
    profit = lake.column("total_profit")
    assert by_country["n"].sum() == len(lake.rows)
    assert sum(by_country["profit"], decimal.Decimal(0)) == sum((r[profit] for r in lake.rows if r[profit] is not None), decimal.Decimal(0))


def test_what_the_lake_wrote_is_read_by_others(cloud, lake, tmp_path):  # noqa: F811
    fs = arrow_fs(cloud)
    check_pyarrow(fs, lake)
    check_duckdb(fs, lake, tmp_path / "gold")
    check_pandas(cloud, lake)
    check_pyarrow_writes(fs)
