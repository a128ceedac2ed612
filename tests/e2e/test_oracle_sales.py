"""The oracle and the sample generator, checked by cases worked out by hand."""
import datetime
import hashlib
import os
import subprocess
import sys
import zipfile
from decimal import Decimal

import pytest

import oracle_sales as oracle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATOR = os.path.join(ROOT, "scripts", "make-sales-sample.py")


def generate(path, *options):
    subprocess.run([sys.executable, GENERATOR, "--out", str(path), *options], check=True)
    return path


@pytest.mark.parametrize(
    "text, expected",
    [("12", 12), ("12.7", 12), ("-12.7", -12), (" 12 ", 12), ("+5", 5), ("12.", 12), ("", None), ("n/a", None), ("1e3", None),
     ("2147483647", 2147483647), ("2147483648", None), ("-2147483648", -2147483648), ("12.x", None), ("1 2", None)],
)
def test_int(text, expected):
    assert oracle.to_int(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [("9.33", "9.33"), ("9.335", "9.34"), ("9.3349", "9.33"), ("-9.335", "-9.34"), ("-0.004", "0.00"), ("\t9.3", "9.30"),
     ("1.5e2", "150.00"), ("99999999.99", "99999999.99"), ("99999999.995", None), ("100000000", None), ("$5", None),
     (" ", None), (".5", "0.50"), ("5.", "5.00"), ("1,000", None)],
)
def test_decimal(text, expected):
    assert oracle.to_decimal(text) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    "text, expected",
    [("1/31/2014", (2014, 1, 31)), ("01/05/2014", (2014, 1, 5)), ("2/29/2012", (2012, 2, 29)), ("2/29/2015", None),
     ("13/1/2014", None), ("2014-01-31", None), ("1/31/14", None), (" 1/31/2014", None), ("1/31/2014 00:00", None)],
)
def test_date(text, expected):
    assert oracle.to_date(text) == (None if expected is None else datetime.date(*expected))


def test_csv_tells_empty_from_quoted_empty():
    assert list(oracle.parse_csv('a,,"",\r\n"x, ""y""\nz",b,c,d\n\nlast,1,2,3')) == [
        ["a", None, "", None], ['x, "y"\nz', "b", "c", "d"], ["last", "1", "2", "3"]]


def test_hive_escape():
    assert oracle.hive_escape("Cote d'Ivoire") == "Cote d%27Ivoire"
    assert oracle.hive_escape("A/B: 100%=?") == "A%2FB%3A 100%25%3D%3F"
    assert oracle.hive_escape("\u00c5land") == "\u00c5land"
    assert oracle.hive_escape(None) == oracle.hive_escape("") == "__HIVE_DEFAULT_PARTITION__"


def test_rows_equal_only_after_conversion_are_one():
    lake = oracle.Lake("Country,Order Date,Units Sold,Unit Price\nX,1/5/2014,12,9.335\nX,01/05/2014,12.7, 9.34\nX,1/5/2014,12,9.33\n")
    assert lake.raw_rows == 3 and lake.columns == ["country", "order_date", "units_sold", "unit_price"]
    assert lake.rows == [("X", datetime.date(2014, 1, 5), 12, Decimal("9.34")), ("X", datetime.date(2014, 1, 5), 12, Decimal("9.33"))]


def test_queries():
    text = "Region,Country,Total Profit\n" + "".join(
        f"{r},{c},{p}\n" for r, c, p in [("A", "a1", "10000000.00"), ("A", "a2", "30500000.00"), ("A", "a3", "2499999.99"),
                                         ("A", "a4", ""), ("B", "b1", "-600000.00")])
    lake = oracle.Lake(text)
    assert lake.top_countries() == [("A", "a2", 31, 1), ("A", "a1", 10, 2), ("A", "a3", 3, 3), ("B", "b1", -1, 1)]
    assert lake.profit_by_region() == [("A", 0), ("B", 0)]


def test_generator_is_reproducible_and_has_all_cases(tmp_path):
    one = generate(tmp_path / "one.zip", "--rows", "4000")
    two = generate(tmp_path / "two.zip", "--rows", "4000")
    other = generate(tmp_path / "other.zip", "--rows", "4000", "--seed", "2")
    assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(two.read_bytes()).digest()
    assert one.read_bytes() != other.read_bytes()
    assert zipfile.ZipFile(one).namelist() == ["2m Sales Records.csv"]
    text, name = oracle.read_zip(one)
    assert name == "2m-Sales-Records.csv"
    lake = oracle.Lake(text)
    assert lake.raw_rows == 4000 and len(lake.rows) < len({tuple(r) for r in oracle.parse_csv(text)}) - 1 < 4000
    assert len(lake.partitions()) == 185 and "country=Cote d%27Ivoire" in lake.partitions() and "country=Samoa " in lake.partitions()
    assert [r for r, _ in lake.profit_by_region()].__len__() == 7 and len(lake.top_countries()) == 21
    for name in ("units_sold", "unit_price", "total_revenue", "order_date", "ship_date", "sales_channel"):
        assert any(row[lake.column(name)] is None for row in lake.rows), name
    assert any(row[lake.column("order_priority")] == "" for row in lake.rows)


def test_generator_writes_csv_as_in_the_zip(tmp_path):
    plain = generate(tmp_path / "s.csv", "--rows", "500", "--csv")
    crlf = generate(tmp_path / "c.csv", "--rows", "500", "--csv", "--crlf")
    assert oracle.read_zip(generate(tmp_path / "s.zip", "--rows", "500"))[0] == plain.read_text(encoding="utf-8")
    assert oracle.Lake.of_csv(crlf).rows == oracle.Lake.of_csv(plain).rows


def test_generator_with_odd_countries(tmp_path):
    folders = oracle.Lake.of_zip(generate(tmp_path / "o.zip", "--rows", "1000", "--odd-countries")).partitions()
    assert len(folders) == 190
    assert {"country=A%2FB%3A 100%25%3D%3F", "country=\u00c5land %231", "country=__HIVE_DEFAULT_PARTITION__",
            "country=Two, with a comma", "country=%5Bx%5D%7By}%5Ez%2A"} <= set(folders)
