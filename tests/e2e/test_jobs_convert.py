"""convert by hand: tables of the local catalog over files and objects, judged by Python's csv and json and by pyarrow."""
import csv
import datetime
import decimal
import gzip
import io
import json
import os
import subprocess
import sys

import oracle_convert
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
import yaml
from helpers import ROOT
from jobs import run_job
from lake import crawl, make_role, query, refusal

pytestmark = pytest.mark.long

SERDES = {
    "csv": ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": ","}),
    "json": ("org.openx.data.jsonserde.JsonSerDe", {}),
    "parquet": ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {"serialization.format": "1"}),
}


class Lake:
    """A database of the local catalog whose tables lie in folders of the test."""

    def __init__(self, cloud, tmp):
        self.cloud, self.tmp, self.glue = cloud, tmp, cloud.client("glue")
        self.glue.create_database(DatabaseInput={"Name": "db"})

    def table(self, name, columns, form="csv", keys=(), partitions=(), location=None, parameters=None, serde=None):
        place = str(location or self.tmp / name)
        library, own = SERDES[form]
        descriptor = {
            "Columns": [dict(zip(("Name", "Type"), c.split(":", 1))) for c in columns], "Location": place,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": {**own, **(serde or {})}}}
        header = {"skip.header.line.count": "1"} if form == "csv" else {}
        self.glue.create_table(DatabaseName="db", TableInput={
            "Name": name, "Parameters": {"classification": form, **header, **(parameters or {})}, "StorageDescriptor": descriptor,
            "PartitionKeys": [dict(zip(("Name", "Type"), k.split(":", 1))) for k in keys]})
        for values in partitions:
            folder = "/".join(f"{k.split(':')[0]}={v}" for k, v in zip(keys, values))
            self.glue.create_partition(DatabaseName="db", TableName=name, PartitionInput={
                "Values": list(values), "StorageDescriptor": {**descriptor, "Location": f"{place}/{folder}/"}})

    def write(self, name, data):
        path = self.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def convert(self, table, output=None, **options):
        words = [w for k, v in options.items() for w in ((f"--{k}",) if v is True else (f"--{k}", v))]
        place = output or self.tmp / "out"
        return run_job(self.tmp, "convert", "--database", "db", "--table", table, "--output", place, *words, env=self.cloud.env())

    def files(self, folder="out"):
        root = self.tmp / folder
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

    def text(self, name):
        return (self.tmp / "out" / name).read_text(encoding="utf-8")

    def rows(self):
        return [oracle_convert.read_csv(self.text(f)) for f in self.files()]


@pytest.fixture
def lake(cloud, tmp_path):
    return Lake(cloud, tmp_path)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weather")
    script = os.path.join(ROOT, "scripts", "make-weather-sample.py")
    subprocess.run([sys.executable, script, "--out", str(folder), "--parts", "3", "--rows", "700", "--incidents", "300", "--seed", "5"], check=True)
    return folder


def config(name):
    with open(os.path.join(ROOT, "config", "format-conversion.yaml"), encoding="utf-8") as f:
        return ",".join(yaml.safe_load(f)[name])


def test_the_two_conversions_of_the_demo(lake, sample):
    """As many outputs as inputs, equal to the oracle to the letter and in order."""
    parts = sorted(p for p in sample.iterdir() if "part" in p.name)
    for part in parts:
        lake.write(f"weather/{part.name}", part.read_bytes())
    mapping = config("WeatherMapping")
    lake.table("weather", [":".join((m.split(":")[0], {"long": "bigint"}.get(m.split(":")[1], m.split(":")[1]))) for m in mapping.split(",")])
    lake.convert("weather", mapping=mapping).ok()
    assert lake.rows() == [oracle_convert.weather(p) for p in parts]

    lake.write("incidents/a.json", (sample / "crash-incidents-sample.json").read_bytes())
    first = json.loads((sample / "crash-incidents-sample.json").read_text().splitlines()[0])
    types = {m.split(":")[0].split(".")[0]: m.split(":")[1] for m in config("IncidentsMapping").split(",")}
    hive = {"array": "array<string>"}
    columns = [f"{n}:struct<lat:double,lon:double>" if n == "geo_location" else f"{n}:{hive.get(types[n], types[n])}" for n in first]
    lake.table("incidents", columns, "json")
    want = oracle_convert.incidents(sample / "crash-incidents-sample.json")
    for more in ({"mapping": config("IncidentsMapping")}, {}):
        lake.convert("incidents", mode="overwrite", **more).ok()
        assert lake.rows() == [want]
    assert want[0][16:18] == ["geo_location.lat", "geo_location.lon"] and len(want[0]) == 48


def test_single_append_overwrite(lake):
    for n in range(4):
        lake.write(f"t/f{n}.csv", f"a,b\n{n},x{n}\n{n + 10},\"y,{n}\"\n")
    lake.table("t", ["a:int", "b:string"])
    lake.convert("t").ok()
    assert [r[1:] for r in lake.rows()] == [[[str(n), f"x{n}"], [str(n + 10), f"y,{n}"]] for n in range(4)]
    first = lake.files()
    lake.convert("t", single=True).ok()
    assert len(lake.files()) == 5 and set(first) < set(lake.files()), "what was there stays"
    lake.convert("t", single="true", mode="overwrite", delimiter=";").ok()
    (only,) = lake.files()
    want = "".join(f"{n};x{n}\n{n + 10};y,{n}\n" for n in range(4))
    assert lake.text(only) == "a;b\n" + want


def test_every_format_and_compression(lake):
    lake.write("t/f.csv", 'n,f,d,when,ok,price,s\n1,0.5,2020-02-29,2020-01-01 10:11:12.5,true,12.30,é\n,,,,,,""\n'
               '-7,1e3,1999-12-31,2021-05-06 00:00:00,FALSE,-0.01,"q""q"\n')
    lake.table("t", ["n:smallint", "f:double", "d:date", "when:timestamp", "ok:boolean", "price:decimal(10,2)", "s:string"])
    want = [
        {"n": 1, "f": 0.5, "d": datetime.date(2020, 2, 29), "when": datetime.datetime(2020, 1, 1, 10, 11, 12, 500000), "ok": True,
         "price": decimal.Decimal("12.30"), "s": "é"},
        dict.fromkeys(("n", "f", "d", "when", "ok", "price"), None) | {"s": ""},
        {"n": -7, "f": 1000.0, "d": datetime.date(1999, 12, 31), "when": datetime.datetime(2021, 5, 6), "ok": False,
         "price": decimal.Decimal("-0.01"), "s": 'q"q'},
    ]
    for compression in ("snappy", "gzip", "zstd", "lz4", "none"):
        lake.convert("t", format="parquet", compression=compression, mode="overwrite").ok()
        (name,) = lake.files()
        got = pq.read_table(lake.tmp / "out" / name)
        assert got.to_pylist() == want
        codec = pq.ParquetFile(lake.tmp / "out" / name).metadata.row_group(0).column(0).compression
        assert codec == {"none": "UNCOMPRESSED", "lz4": "LZ4_RAW"}.get(compression, compression.upper()) or codec == "LZ4"
    assert [str(t) for t in got.schema.types] == ["int16", "double", "date32[day]", "timestamp[us]", "bool", "decimal128(10, 2)", "string"]
    # Parquet as a source, with its own types
    lake.write("p/f.parquet", (lake.tmp / "out" / name).read_bytes())
    lake.table("p", ["n:smallint", "f:double", "d:date", "when:timestamp", "ok:boolean", "price:decimal(10,2)", "s:string"], "parquet")
    for source in ("t", "p"):
        for compression, opened in (("none", lambda b: b), ("gzip", gzip.decompress)):
            lake.convert(source, format="json", compression=compression, mode="overwrite").ok()
            (name,) = lake.files()
            got = [json.loads(line) for line in opened((lake.tmp / "out" / name).read_bytes()).decode().splitlines()]
            assert [g["n"] for g in got] == [1, None, -7] and got[1]["s"] == "" and got[2]["price"] == -0.01 and got[0]["d"] == "2020-02-29"
            lake.convert(source, format="csv", compression=compression, mode="overwrite").ok()
            (name,) = lake.files()
            text = opened((lake.tmp / "out" / name).read_bytes()).decode()
            assert text.splitlines()[1:] == [
                "1,0.5,2020-02-29,2020-01-01 10:11:12.5,true,12.30,é", ',,,,,,""', '-7,1000.0,1999-12-31,2021-05-06 00:00:00,false,-0.01,"q""q"']


def test_types_by_mapping(lake):
    """Fractions are cut off as in Spark; names of targets may hold anything; a JSON list is as good as text."""
    lake.write("t/f.csv", "a,b,c\n1,2.9,2020-01-02\n-2,-2.9,2020-01-03\n")
    lake.table("t", ["a:bigint", "b:double", "c:string"])
    mapping = [["b", "double", "whole", "int"], ["a", "long", "`x.y, z`", "double"], ["C", "string", "day", "date"], ["a", "long", "text", "string"],
               ["b", "double", "money", "decimal(6,1)"], ["c", "string", "at", "timestamp"]]
    lake.convert("t", format="parquet", mapping=json.dumps(mapping)).ok()
    got = pq.read_table(lake.tmp / "out" / lake.files()[0])
    assert got.schema.names == ["whole", "x.y, z", "day", "text", "money", "at"]
    assert [str(t) for t in got.schema.types] == ["int32", "double", "date32[day]", "string", "decimal128(6, 1)", "timestamp[us]"]
    assert got.to_pylist()[1] == {"whole": -2, "x.y, z": -2.0, "day": datetime.date(2020, 1, 3), "text": "-2", "money": decimal.Decimal("-2.9"),
                                  "at": datetime.datetime(2020, 1, 3)}
    text = ", ".join(":".join(m) for m in mapping)
    lake.convert("t", format="parquet", mode="overwrite", mapping=text).ok()
    assert pq.read_table(lake.tmp / "out" / lake.files()[0]).equals(got)


def test_partitions_are_kept(lake):
    for day in ("2020-01-01", "a b%2Fc"):
        for n in range(2):
            lake.write(f"t/day={day}/hour={n}/f{n}.csv", f"v\n{day[0]}{n}\n")
            lake.write(f"t/day={day}/hour={n}/g{n}.csv", "v\nq\n")
    lake.table("t", ["v:string"], keys=["day:string", "hour:int"], partitions=[("2020-01-01", "0"), ("2020-01-01", "1"), ("a b%2Fc", "0")])
    lake.convert("t").ok()
    assert [f.rsplit("/", 1)[0] for f in lake.files()] == ["day=2020-01-01/hour=0"] * 2 + ["day=2020-01-01/hour=1"] * 2 + ["day=a b%252Fc/hour=0"] * 2
    lake.convert("t", single=True, mode="overwrite", mapping="v:string:w:string,day:string:d:string").ok()
    assert [f.rsplit("/", 1)[0] for f in lake.files()] == ["d=2020-01-01/hour=0", "d=2020-01-01/hour=1", "d=a b%252Fc/hour=0"]
    assert lake.rows()[0] == [["w"], ["20"], ["q"]]
    lake.convert("t", single=True, mode="overwrite", partitions="columns").ok()
    (rows,) = lake.rows()
    assert rows[0] == ["v", "day", "hour"] and ["20", "2020-01-01", "0"] in rows and ["a0", "a b%2Fc", "0"] in rows and len(rows) == 7
    lake.convert("t", mapping="day:string:d:string").fails(1, "nothing is left to write")


def test_nested_values(lake):
    lines = [{"id": 1, "Deep": {"a": {"B": 7, "c": [1, {"x": None}]}, "t": "x\"y"}, "tags": ["ü", 'a"b'], "any": {"k": 1}},
             {"id": 2, "Deep": None, "tags": None}, {"id": 3, "Deep": {"a": None, "t": 5}, "tags": []}]
    lake.write("t/f.json", "\n".join(json.dumps(v, ensure_ascii=False) for v in lines))
    columns = ["id:int", "deep:struct<a:struct<B:int,c:array<string>>,t:string>", "tags:array<string>", "any:map<string,int>"]
    lake.table("t", columns, "json", serde={"paths": "id,Deep,tags,any"})
    lake.convert("t").ok()
    assert lake.rows()[0] == [
        ["id", "deep.a.B", "deep.a.c", "deep.t", "tags", "any"], ["1", "7", '[1,{"x":null}]', 'x"y', '["ü","a\\"b"]', '{"k":1}'],
        ["2", "", "", "", "", ""], ["3", "", "", "5", "[]", ""]]
    lake.convert("t", format="parquet", mapping="deep.a.b:int:n:long,DEEP.t:string:`deep.t`:string,deep:struct:all:string", mode="overwrite").ok()
    got = pq.read_table(lake.tmp / "out" / lake.files()[0])
    assert got.schema.names == ["n", "deep.t", "all"] and got["n"].to_pylist() == [7, None, None]
    assert json.loads(got["all"][0].as_py()) == lines[0]["Deep"]
    # the same from Parquet, whose lists and structs are no text
    table = pa.table({"id": [1, 2], "deep": [{"a": {"b": 7}, "t": "x"}, None], "tags": [["p", None], []]})
    (lake.tmp / "p").mkdir()
    pq.write_table(table, lake.tmp / "p" / "f.parquet")
    lake.table("p", ["id:bigint", "deep:struct<a:struct<b:bigint>,t:string>", "tags:array<string>"], "parquet")
    lake.convert("p", mode="overwrite").ok()
    assert lake.rows() == [[["id", "deep.a.b", "deep.t", "tags"], ["1", "7", "x", '["p",null]'], ["2", "", "", "[]"]]]


def test_objects_of_a_bucket(lake):
    s3 = lake.cloud.client("s3")
    s3.create_bucket(Bucket="lake-data")
    for n in range(3):
        s3.put_object(Bucket="lake-data", Key=f"in/f{n}.csv.gz", Body=gzip.compress(f"a;b\n{n};x\n".encode()))
    s3.put_object(Bucket="lake-data", Key="in/", Body=b"")
    s3.put_object(Bucket="lake-data", Key="out/t/older.csv", Body=b"a,b\n")
    lake.table("t", ["a:bigint", "b:string"], location="s3://lake-data/in/", serde={"field.delim": ";"})

    def listed():
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket="lake-data", Prefix="out/")["Contents"]]
        return {k: s3.get_object(Bucket="lake-data", Key=k)["Body"].read() for k in keys}

    lake.convert("t", "s3://lake-data/out/t/", compression="gzip").ok()
    got = listed()
    assert got.pop("out/t/older.csv") == b"a,b\n" and sorted(gzip.decompress(b) for b in got.values()) == [f"a,b\n{n},x\n".encode() for n in range(3)]
    lake.convert("t", "s3://lake-data/out/t", mode="overwrite", format="parquet", single=True).ok()
    ((key, data),) = listed().items()
    assert key.endswith(".snappy.parquet") and sorted(pq.read_table(io.BytesIO(data))["a"].to_pylist()) == [0, 1, 2]
    lake.convert("t", "s3://lake-data/in", mode="overwrite").fails(1, "holds data of table 'db.t' itself")
    lake.convert("t", "s3://lake-data/").fails(2, "no folder below a bucket or")
    lake.convert("t", "s3://no-such-bucket-here/x/").fails(1, "no-such-bucket-here")


BAD = {
    "no integer": ("a,b\n1,x\n1.5,y\n", ["a:int", "b:string"], {}, ("f.csv' row 3", "column 'a'", "'1.5'")),
    "too large for its type": ("a\n1\n\n99999\n", ["a:bigint"], {"mapping": "a:long:a:short"},
                               ("row 3", "column 'a': '99999' cannot become", "short")),
    "no number": ("a\n1\n---\n", ["a:double"], {}, ("row 3", "column 'a': '---'")),
    "no date": ("a\n2020-02-30\n", ["a:string"], {"mapping": "a:string:b:date"}, ("row 2", "column 'a': '2020-02-30' cannot become", "date")),
    "no boolean": ("a\nmaybe\n", ["a:boolean"], {}, ("row 2", "column 'a': 'maybe' cannot become boolean")),
    "beyond a decimal": ("a\n1.5\n123456\n", ["a:decimal(5,2)"], {}, ("row 3", "column 'a': '123456' cannot become decimal")),
    "a missing column": ("a,b\n1,2\n", ["a:int"], {"mapping": "zz:int:zz:int"}, ("table 'db.t' has no column 'zz'",)),
    "a missing member": ("a\n1\n", ["a:struct<b:int>"], {"mapping": "a.c:int:c:int"}, ("has no 'a.c'",)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_named(lake, case):
    text, columns, options, texts = BAD[case]
    lake.write("t/f.csv", text)
    lake.write("out/old.csv", "kept\n")
    lake.table("t", columns)
    lake.convert("t", mode="overwrite", **options).fails(1, *texts)
    assert lake.files() == ["old.csv"] and lake.text("old.csv") == "kept\n", "nothing shows, nothing goes"


def test_bad_files(lake):
    good = json.dumps({"a": 1, "b": "x"})
    lake.write("cut/f0.json", good + "\n")
    lake.write("cut/f1.json", good + "\n" + good + "\n" + good[:9])
    lake.write("mixed/f.json", "\n".join(json.dumps({"a": v}) for v in (1, 2, "three", [4])))
    lake.write("parts/p0.csv", "a,b\n1,2\n")
    lake.write("parts/p1.csv", "b,a\n20,10\n")
    lake.write("parts/p2.csv", "a,c\n1,2\n")
    (lake.tmp / "empty").mkdir()
    lake.write("gz/f.csv.gz", gzip.compress(b"a\n" + b"1\n" * 100000)[:60])
    for name, columns, form in (("cut", ["a:int", "b:string"], "json"), ("mixed", ["a:int"], "json"), ("parts", ["a:int", "b:int"], "csv"),
                                ("empty", ["a:int"], "csv"), ("gz", ["a:int"], "csv")):
        lake.table(name, columns, form)
    lake.convert("cut").fails(1, "f1.json' row 3", "no JSON object")
    lake.convert("mixed").fails(1, "f.json' row 3", "column 'a': 'three'")
    lake.convert("parts").fails(1, "p2.csv' has no column 'b' in its header")
    lake.convert("empty").fails(1, "table 'db.empty' has no data")
    lake.convert("gz").fails(1, "f.csv.gz")
    lake.convert("nothing").fails(1, "there is no table 'db.nothing' in the catalog")
    assert lake.files() == []
    # By name, whatever their order; and as text, whatever they are.
    (lake.tmp / "parts" / "p2.csv").unlink()
    lake.convert("parts").ok()
    assert sorted(r[1] for r in lake.rows()) == [["1", "2"], ["10", "20"]]
    lake.convert("mixed", mode="overwrite", mapping="a:string:a:string").ok()
    assert lake.rows() == [[["a"], ["1"], ["2"], ["three"], ["[4]"]]]


@pytest.fixture
def found(lake):
    """found(name, {key: body}, path=None): what a crawl makes of these objects, as a folder of a bucket of its own."""
    s3 = lake.cloud.client("s3")
    role = make_role(lake.cloud)
    s3.create_bucket(Bucket="results")

    def make(name, objects, path=None, want="SUCCEEDED"):
        bucket = f"bucket-{name}".replace("_", "-")
        s3.create_bucket(Bucket=bucket)
        for key, body in objects.items():
            s3.put_object(Bucket=bucket, Key=f"{name}/{key}", Body=body)
        if path:
            lake.glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": path})
        lake.glue.create_crawler(Name=name, Role=role, DatabaseName="db", Classifiers=[name] if path else [],
                                 Targets={"S3Targets": [{"Path": f"s3://{bucket}/{name}/"}]})
        assert crawl(lake.glue, name)["Status"] == want

    return make


PEOPLE = [{"Id": 1, "Name": "a,b", "S": {"X": 1.5}, "l": [1, "x"]}, {"Id": 2, "Name": 'q"]}', "S": None}, {"Name": None, "S": {"X": 2}, "l": []}]
AS_ROWS = [["id", "name", "s.X", "l"], ["1", "a,b", "1.5", '[1,"x"]'], ["2", 'q"]}', "", ""], ["", "", "2.0", "[]"]]
LAYOUTS = {
    "lines": ("\n".join(map(json.dumps, PEOPLE)), None),
    "pretty": ("\n".join(json.dumps(p, indent=2) for p in PEOPLE) + "\n", None),
    "side_by_side": (" ".join(map(json.dumps, PEOPLE)), None),
    "array": (json.dumps(PEOPLE, indent=1), "$[*]"),
    "mark": (b"\xef\xbb\xbf" + json.dumps(PEOPLE).encode(), "$[*]"),
    "deep": (json.dumps({"meta": {"rows": 7}, "data": {"rows": PEOPLE}}, indent=1), "$.data.rows[*]"),
    "gz": (gzip.compress(json.dumps(PEOPLE, indent=1).encode()), "$[*]"),
}


def test_every_layout_that_a_crawler_knows(lake, found):
    """Names keep their values whatever their case: the crawler's columns are in lower case, the files' members are not."""
    for name, (body, path) in LAYOUTS.items():
        found(name, {"f.json" + (".gz" if name == "gz" else ""): body}, path)
        lake.convert(name, mode="overwrite").ok()
        assert lake.rows() == [AS_ROWS], name
    found("whole", {"f.json": json.dumps(PEOPLE)})
    lake.convert("whole", mode="overwrite").ok()
    ((header, (value,)),) = lake.rows()
    assert header == ["array"] and json.loads(value) == PEOPLE, "the catalog has one column; so does what is written"
    # what one finds in a table that was made by hand: columns in lower case, no paths
    lake.write("hand/f.json", json.dumps(PEOPLE, indent=1))
    lake.table("hand", ["id:int", "name:string", "s:struct<X:double>", "l:string"], "json")
    lake.convert("hand", mode="overwrite").ok()
    assert lake.rows() == [AS_ROWS]


def test_a_large_array_in_little_memory(lake):
    body = json.dumps([{"n": i, "text": f"{i:0200}"} for i in range(300000)], indent=1)
    lake.write("big/f.json", body)
    lake.table("big", ["n:int", "text:string"], "json", parameters={"jsonPath": "$[*]"})
    run = lake.convert("big", format="parquet").ok()
    got = pq.read_table(lake.tmp / "out" / lake.files()[0])
    assert sorted(got["n"].to_pylist()) == list(range(300000)) and run.max_rss_mb < 400


def test_broken_json_is_placed(lake):
    for name, body, why in (("cut", json.dumps(PEOPLE, indent=1)[:-9], "the file ends in the middle of the value that begins in line 1, character 1"),
                            ("comma", '{"id": 1}\n{"id": 2 "b": 3}\n', "f.json' line 2, character 10: no JSON object"),
                            ("twice", '{"id": 1}\n{"id": 2, "ID": 3}\n', "f.json' line 2, character 14: 'ID' stands twice"),
                            ("kind", '[{"id": 1}, 2]', "line 1, character 13: no JSON object: an object is to stand here"),
                            ("path", "{}", "JSON path 'id' does not begin with $")):
        lake.write(f"{name}/f.json", body)
        lake.table(name, ["id:int"], "json", parameters={"jsonPath": "id"} if name == "path" else None)
        lake.convert(name).fails(1, why)
    assert lake.files() == []


def test_columns_that_one_part_has_more(lake):
    lake.write("t/p0.csv", "a,b\n1,2\n")
    lake.write("t/p1.csv", "Extra,b,a,x y\nno,20,10,no\n")
    lake.table("t", ["a:int", "b:int"])
    run = lake.convert("t").ok()
    assert [r[1:] for r in lake.rows()] == [[["1", "2"]], [["10", "20"]]]
    assert run.stderr.count("extra-columns") == 1 and 'columns="extra,x y"' in run.stderr and "p1.csv" in run.stderr


def test_names_that_only_hive_would_refuse(lake, found):
    """Through crawl, query and convert: reserved words, upper case, blanks, signs, letters of any kind, one name twice."""
    athena = lake.cloud.client("athena")
    found("select", {"f.csv": 'Order,ORDER,x y,"a.b",é,"q""u",1st,\n1,2,3,4,5,6,7,8\n'})
    assert query(athena, 'SELECT "order", order_1, "x y", "a.b", "é", "q""u", "1st", col7 FROM "select"', "db") == [list("12345678")]
    lake.convert("select").ok()
    assert lake.rows() == [[["order", "order_1", "x y", "a.b", "é", 'q"u', "1st", "col7"], list("12345678")]]
    found("odd", {"f.json": json.dumps({"Table": 1, "a b": {"C d": 2}, "a.b": 3, "x/y~z": 4, "$": 5, "": 6})})
    assert query(athena, 'SELECT "table", "a.b", "x/y~z", "$" FROM odd', "db") == [["1", "3", "4", "5"]]
    lake.convert("odd", mode="overwrite", mapping='[["table","int","t","string"],["`a.b`","int","n","int"],["x/y~z","int","x/y~z","int"]]').ok()
    assert lake.rows() == [[["t", "n", "x/y~z"], ["1", "3", "4"]]]
    # A colon inside a struct is no type for Hive; the other columns can be had all the same.
    found("colon", {"f.json": json.dumps({"id": 1, "s": {"C:d": 2}})})
    assert "HIVE_INVALID_METADATA" in refusal(athena, "SELECT id FROM colon", "db")
    lake.convert("colon").fails(1, "column 's.C'")
    lake.convert("colon", mode="overwrite", mapping="id:int:id:int").ok()
    assert lake.rows() == [[["id"], ["1"]]]


def test_mixed_types_and_cut_files_through_crawl_and_convert(lake, found):
    athena = lake.cloud.client("athena")
    found("mixed", {"f.json": '{"v": 1, "w": 1}\n{"v": "x", "w": 2.5}\n{"v": {"k": [1]}, "w": null}\n'})
    assert query(athena, "SELECT v, w FROM mixed", "db") == [["1", "1.0"], ["x", "2.5"], ['{"k":[1]}', None]]
    lake.convert("mixed").ok()
    assert lake.rows() == [[["v", "w"], ["1", "1.0"], ["x", "2.5"], ['{"k":[1]}', ""]]]
    # Beside a good file a cut one is left out of the schema, but it lies where the table lies.
    found("cut", {"good.json": '{"a": 1}\n', "later.json": '{"a": 2}\n{"a"'})
    lake.convert("cut").fails(1, "later.json' row 2: ", "is no JSON object")
    assert "JSON" in refusal(athena, "SELECT * FROM cut", "db")
    found("nothing", {"": b"", "_SUCCESS": b"x"})
    lake.convert("nothing").fails(1, "there is no table 'db.nothing'")


def test_bad_arguments(lake):
    lake.write("t/f.csv", "a\n1\n")
    lake.table("t", ["a:int"])
    for options, texts in (
        ({"format": "orc"}, ("--format 'orc' is none of csv, json, parquet",)), ({"compression": "bzip2"}, ("'bzip2' is none of none, gzip, zstd",)),
        ({"format": "parquet", "compression": "lzo"}, ("snappy",)), ({"mode": "replace"}, ("--mode",)), ({"partitions": "x"}, ("--partitions",)),
        ({"delimiter": "::"}, ("--delimiter",)), ({"delimiter": '"'}, ("--delimiter",)),
        ({"mapping": "a:int:b"}, ("'a:int:b' is not from:fromType:toName:toType",)),
        ({"mapping": "a:int:b:int,a:int:B:int"}, ("two columns would be named",)), ({"mapping": "a:int:b:uuid"}, ("the type 'uuid'",)),
        ({"mapping": "a:int:b:date"}, ("cannot become date",)), ({"mapping": "a:int:b:array<int>"}, ("give the type string",)),
        ({"mapping": "a:int:b:decimal(5,9)"}, ("decimal",)), ({"mapping": "[["}, ("--mapping",)), ({"single": "maybe"}, ("single",)),
    ):
        lake.convert("t", **options).fails(2, *texts)
    lake.convert("t", "/").fails(2, "--output")


def test_many_files_and_wide_rows(lake):
    """A thousand small files, and a file larger than a chunk in several columns: nothing is lost, order is kept within a file."""
    for n in range(300):
        lake.write(f"t/f{n:03}.csv", "a,b\n" + "".join(f"{n * 10 + k},{'z' * k}\n" for k in range(10)))
    lake.table("t", ["a:bigint", "b:string"])
    lake.convert("t").ok()
    rows = lake.rows()
    assert [[int(r[0]) for r in f[1:]] for f in rows] == [[n * 10 + k for k in range(10)] for n in range(300)]
    count = 200000
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f"c{k}" for k in range(8)])
    writer.writerows([i, i * 3 % 1001, f"text {i}", "a,\"b", i / 4, -i, "", "x\ny"] for i in range(count))
    lake.write("big/f.csv", out.getvalue())
    lake.table("big", ["c0:bigint", "c1:int", "c2:string", "c3:string", "c4:double", "c5:int", "c6:string", "c7:string"])
    result = lake.convert("big", mode="overwrite", format="parquet").ok()
    assert f"rows={count}" in result.stderr + result.stdout
    got = pq.read_table(lake.tmp / "out" / lake.files()[0])
    assert got["c0"].to_pylist() == list(range(count)) and set(got["c7"].to_pylist()) == {"x\ny"}
    assert pa.compute.sum(got["c4"]).as_py() == count * (count - 1) / 8
