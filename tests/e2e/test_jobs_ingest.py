"""ingest by hand on the local cloud: sample files and odd ones into typed and raw tables, judged by the oracle in plain Python."""
import datetime
import gzip
import io
import json
import math
import os
import signal
import subprocess
import sys

import oracle_ingest as oracle
import pyarrow.parquet
import pytest
from helpers import ROOT
from jobs import run_job, start_job
from lake import execute

pytestmark = pytest.mark.long

INCOMING, SPRINGBOARD = "transit-incoming", "transit-springboard"
SAMPLE = [("sample_id", "bigint"), ("sample_name", "string"), ("edw_inserted_dtm", "timestamp"), ("edw_updated_dtm", "timestamp")]
HEADERS = [("header__change_seq", "string"), ("header__change_oper", "string"), ("header__timestamp", "timestamp")]
AGG = [("sample_id", "bigint"), ("sample_name", "string"), ("sample_count", "bigint")]
ARROW = {"string": "string", "bigint": "int64", "double": "double", "date": "date32[day]", "timestamp": "timestamp[us]"}
SNAPSHOT = "20211201T112030Z"


def sample(folder, *options):
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make-transit-sample.py"), "--out", str(folder), *options], check=True)
    return folder


class Platform:
    def __init__(self, cloud, tmp_path):
        self.cloud, self.tmp, self.s3, self.glue = cloud, tmp_path, cloud.client("s3"), cloud.client("glue")
        self.env = {**cloud.checked_env(), "AWS_EC2_METADATA_DISABLED": "true"}
        place = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        for bucket in (INCOMING, SPRINGBOARD):
            self.s3.create_bucket(Bucket=bucket, **place)
        for database in ("incoming", "springboard"):
            self.glue.create_database(DatabaseInput={"Name": database})

    def put(self, key, data):
        self.s3.put_object(Bucket=INCOMING, Key=key, Body=data if isinstance(data, bytes) else gzip.compress(data.encode()))
        return key

    def upload(self, folder):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put(str(path.relative_to(folder)), path.read_bytes())

    def table(self, name, columns, database="incoming", location=None, partitions=(), parameters=None, serde=None):
        """As a crawler makes it of CSV; as one makes it by hand of Parquet for the springboard."""
        incoming = database == "incoming"
        self.glue.create_table(DatabaseName=database, TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters or ({"classification": "csv", "skip.header.line.count": "1"} if incoming else {"classification": "parquet"}),
            "PartitionKeys": [{"Name": n, "Type": "string"} for n in partitions],
            "StorageDescriptor": {
                "Columns": [{"Name": n, "Type": t} for n, t in columns], "Location": location or f"s3://{INCOMING if incoming else SPRINGBOARD}/{name}/",
                "SerdeInfo": {"SerializationLibrary": serde or "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})

    def load(self, number, key, source, destination, raw=False, snapshot=None, partitions=None, **more):
        if partitions is None:
            partitions = ([("snapshot", snapshot)] if snapshot else []) + [("identifier", os.path.basename(key))]
        return {"id": number, "s3_key": key, "source_table_name": source, "destination_table_name": ("raw_" if raw else "") + destination,
                "source_s3_key": f"s3://{INCOMING}/{key}", "destination_path": f"s3a://{SPRINGBOARD}/{'raw/' if raw else ''}{os.path.dirname(key)}",
                "partition_columns": [{"name": n, "value": v} for n, v in partitions], **more}

    def words(self, loads):
        return ["--ENV", json.dumps({"GLUE_DATABASE_INCOMING": "incoming", "GLUE_DATABASE_SPRINGBOARD": "springboard"}), "--INPUT", json.dumps({"loads": loads})]

    def ingest(self, *loads, options=()):
        return run_job(self.tmp, "ingest", *self.words(loads), *options, env=self.env)

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=SPRINGBOARD, Prefix=prefix)
        return sorted(o["Key"] for p in pages for o in p.get("Contents", []))

    def read(self, prefix):
        """Rows, columns and types of the one file that lies there."""
        keys = self.keys(prefix)
        assert len(keys) == 1 and keys[0].endswith(".snappy.parquet"), keys
        table = pyarrow.parquet.read_table(io.BytesIO(self.s3.get_object(Bucket=SPRINGBOARD, Key=keys[0])["Body"].read()))
        return [tuple(r.values()) for r in table.to_pylist()], [(f.name, str(f.type)) for f in table.schema]

    def partitions(self, table):
        return sorted(tuple(p["Values"]) for p in self.glue.get_partitions(DatabaseName="springboard", TableName=table)["Partitions"])


@pytest.fixture
def platform(cloud, tmp_path):
    return Platform(cloud, tmp_path)


def types(columns):
    return [(n, ARROW.get(t, "string")) for n, t in columns]


ODS, CT, DMAP = "cubic/ods_qlik/EDW.SAMPLE", "cubic/ods_qlik/EDW.SAMPLE__ct", "cubic/dmap/agg_sample"


def prepare(platform, folder, raw=False):
    """All sample files, the incoming tables, and the loads for them."""
    platform.upload(folder)
    platform.table("ods_sample", [(n, "string") for n, _ in SAMPLE])
    platform.table("ods_sample__ct", [(n, "string") for n, _ in HEADERS + SAMPLE])
    platform.table("agg_sample", [(n, "string") for n, _ in AGG])
    loads = []
    for path in sorted((folder / "cubic").rglob("*.csv.gz")):
        key = str(path.relative_to(folder))
        table = "agg_sample" if key.startswith(DMAP) else "ods_sample__ct" if key.startswith(CT) else "ods_sample"
        loads.append(platform.load(len(loads) + 1, key, table, table, raw, None if table == "agg_sample" else SNAPSHOT))
    return loads


@pytest.mark.parametrize("options", [(), ("--rows", "40", "--odd", "--seed", "5")], ids=["plain", "odd"])
def test_sample_files_into_tables_that_are_made(platform, tmp_path, options):
    """Typed as the .dfm says; without one as the incoming table, which is text; the oracle's rows; partitions known to the catalog."""
    folder = sample(tmp_path / "sample", *options)
    loads = prepare(platform, folder)
    platform.ingest(*loads).ok()
    wanted = {"ods_sample": SAMPLE, "ods_sample__ct": HEADERS + SAMPLE, "agg_sample": [(n, "string") for n, _ in AGG]}
    for load in loads:
        columns = wanted[load["source_table_name"]]
        parts = "".join(f"/{p['name']}={p['value']}" for p in load["partition_columns"])
        rows, got = platform.read(f"{os.path.dirname(load['s3_key'])}{parts}/")
        assert got == types(columns)
        assert rows == oracle.rows(folder / load["s3_key"], columns)
    assert platform.partitions("ods_sample") == [(SNAPSHOT, "LOAD1.csv.gz"), (SNAPSHOT, "LOAD2.csv.gz")]
    made = platform.glue.get_table(DatabaseName="springboard", Name="ods_sample__ct")["Table"]
    assert made["StorageDescriptor"]["Location"] == f"s3://{SPRINGBOARD}/{CT}/" and [k["Name"] for k in made["PartitionKeys"]] == ["snapshot", "identifier"]
    # Again: the same files, nothing twice.
    before = platform.keys()
    platform.ingest(*loads).ok()
    assert platform.keys() == before


def test_raw_tables_hold_text_alone(platform, tmp_path):
    folder = sample(tmp_path / "sample", "--rows", "30", "--odd")
    loads = prepare(platform, folder, raw=True)
    platform.ingest(*loads).ok()
    text = [(n, "string") for n, _ in SAMPLE]
    rows, got = platform.read(f"raw/{ODS}/snapshot={SNAPSHOT}/identifier=LOAD1.csv.gz/")
    assert got == types(text) and rows == oracle.rows(folder / ODS / "LOAD1.csv.gz", text)
    columns = platform.glue.get_table(DatabaseName="springboard", Name="raw_ods_sample")["Table"]["StorageDescriptor"]["Columns"]
    assert {c["Type"] for c in columns} == {"string"}


def same(a, b):
    return a == b and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)


def test_thousands_of_values_as_python_reads_them(platform):
    """All that int(), float() and isoparse() take; what they refuse is not in the file."""
    kinds = [("bigint", "bigint"), ("double", "double"), ("date", "date"), ("timestamp", "timestamp"), ("decimal", "decimal(10,2)"), ("name", "string")]
    texts = [t for t in oracle.texts(14000) if "\r" not in t and "\0" not in t]
    good = {}
    for _, kind in kinds:
        good[kind] = []
        for t in texts:
            try:
                oracle.value(kind, t)
                good[kind].append(t)
            except ValueError:
                pass
    count = max(map(len, good.values()))
    # Threads write rows as they come.
    lines = [[good[k][i % len(good[k])] for _, k in kinds] + [str(i)] for i in range(count)]
    kinds.append(("at", "bigint"))
    quote = lambda t: '"' + t.replace('"', '""') + '"'  # noqa: E731
    key = platform.put("v/values.csv.gz", "".join(",".join(map(quote, line)) + "\n" for line in [[n for n, _ in kinds], *lines]))
    platform.table("values", [(n, "string") for n, _ in kinds])
    platform.table("values", list(reversed(kinds)), "springboard", partitions=["identifier"])
    platform.ingest(platform.load(1, key, "values", "values")).ok()
    rows, got = platform.read("v/identifier=values.csv.gz/")
    assert got == types(reversed(kinds))  # the destination's order
    assert len(rows) == count > 3000 and got[0] == ("at", "int64")
    for row, line in zip(sorted(rows, key=lambda r: r[0]), lines):
        want = [oracle.value(k, t) for (_, k), t in reversed(list(zip(kinds, line)))]
        assert all(map(same, row, want)), (line, row, want)


BAD = [
    ("bigint", "five", "'five', no integer"), ("bigint", "9223372036854775808", "'9223372036854775808', out of the range of 64 bits"),
    ("double", "1,5x", "'1,5x', no number"), ("date", "2021-02-29", "'2021-02-29', no day of the calendar"), ("date", "01/02/2022", "'01/02/2022', no date of ISO 8601"),
    ("timestamp", "2022-01-01 25:00", "'2022-01-01 25:00', no time of the clock"), ("timestamp", "2022-01-01 12:00+25:00", "its offset is none"),
]


def test_a_bad_value_fails_its_load_alone(platform):
    platform.table("good", [("a", "string"), ("b", "string")])
    platform.table("good", [("a", "string"), ("b", "bigint")], "springboard", partitions=["identifier"])
    loads, wanted = [], []
    for i, (kind, value, text) in enumerate(BAD):
        platform.table(f"bad{i}", [("a", "string"), ("b", "string")])
        platform.table(f"bad{i}", [("a", "string"), ("b", kind)], "springboard", partitions=["identifier"])
        key = platform.put(f"bad{i}/x.csv.gz", f'a,b\nx,\n"two\nlines",\ny,"{value}"\nz,\n')
        loads.append(platform.load(i, key, f"bad{i}", f"bad{i}"))
        wanted.append((i, f"s3://{INCOMING}/{key}' row 4: column 'b': ", text))
    loads.insert(3, platform.load("the good one", platform.put("good/x.csv.gz", "a,b\nx,1\n"), "good", "good"))
    result = platform.ingest(*loads).fails(1, f"{len(BAD)} of {len(BAD) + 1} loads failed")
    for number, where, text in wanted:
        assert any(f"id={number} status=failed" in line and where in line and text in line for line in result.stderr.splitlines()), result
    assert platform.read("good/")[0] == [("x", 1)] and len(platform.keys()) == 1
    assert "id=the good one status=ingested" in result.stdout and platform.partitions("bad0") == []


def test_only_the_written_partition_is_replaced(platform):
    platform.table("t", [("a", "string")])
    platform.table("t", [("a", "bigint")], "springboard", partitions=["snapshot", "identifier"])

    def load(name, text, snapshot, **more):
        return platform.load(1, platform.put(f"t/{name}", text), "t", "t", snapshot=snapshot, **more)

    # A value that a path cannot hold as it is, and one that is none.
    odd = "a:b/c=d%é"
    platform.ingest(load("1.csv.gz", "a\n1\n", "S1")).ok()
    platform.ingest(load("2.csv.gz", "a\n2\n", "S1"), load("1.csv.gz", "a\n3\n", "S2"), load("3.csv.gz", "a\n4\n", odd), load("4.csv.gz", "a\n5\n", None, partitions=[
        ("snapshot", None), ("identifier", "")])).ok()
    # What another writer left in the partition goes with it; what lies in others stays.
    for key in ("t/snapshot=S1/identifier=1.csv.gz/old.parquet", "t/snapshot=S1/identifier=1.csv.gz2/other.parquet", "t/_SUCCESS"):
        platform.s3.put_object(Bucket=SPRINGBOARD, Key=key, Body=b"old")
    platform.ingest(load("1.csv.gz", "a\n10\n11\n", "S1")).ok()
    assert platform.read("t/snapshot=S1/identifier=1.csv.gz/")[0] == [(10,), (11,)]
    assert platform.read("t/snapshot=S1/identifier=2.csv.gz/")[0] == [(2,)] and platform.read("t/snapshot=S2/")[0] == [(3,)]
    assert platform.read("t/snapshot=a%3Ab%2Fc%3Dd%25é/")[0] == [(4,)]
    assert platform.read("t/snapshot=__HIVE_DEFAULT_PARTITION__/identifier=__HIVE_DEFAULT_PARTITION__/")[0] == [(5,)]
    assert {"t/_SUCCESS", "t/snapshot=S1/identifier=1.csv.gz2/other.parquet"} < set(platform.keys())
    assert (odd, "3.csv.gz") in platform.partitions("t")
    # A load that fails leaves what there was.
    platform.ingest(load("1.csv.gz", "a\nno\n", "S1")).fails(1)
    assert platform.read("t/snapshot=S1/identifier=1.csv.gz/")[0] == [(10,), (11,)]
    # An empty file and one with a header alone: a partition without rows.
    platform.ingest(load("1.csv.gz", "a\n", "S1"), load("2.csv.gz", "", "S1")).ok()
    assert platform.read("t/snapshot=S1/identifier=1.csv.gz/") == ([], [("a", "int64")]) and platform.read("t/snapshot=S1/identifier=2.csv.gz/")[0] == []
    # Without partition columns the path is replaced; never a whole bucket.
    platform.ingest(load("9.csv.gz", "a\n9\n", None, partitions=[])).ok()
    assert platform.keys() == [k for k in platform.keys("t/part-00000-")] and platform.read("t/")[0] == [(9,)]
    whole = platform.load(1, "t/9.csv.gz", "t", "t", partitions=[])
    platform.ingest({**whole, "destination_path": f"s3a://{SPRINGBOARD}/"}).fails(1, "would be replaced as a whole")
    assert platform.read("t/")[0] == [(9,)]


def test_what_is_missing_or_wrong_is_named(platform):
    platform.table("t", [("a", "string")])
    platform.table("t", [("a", "string"), ("b", "string")], "springboard", partitions=["identifier"])
    platform.table("less", [("a", "string")], "springboard", partitions=["identifier"])
    platform.table("other", [("a", "string")], "springboard", partitions=["day"])
    platform.table("avro", [("a", "string")], parameters={"classification": "avro"}, serde="org.apache.hadoop.hive.serde2.avro.AvroSerDe")
    good, header = platform.put("t/1.csv.gz", "a\n1\n"), platform.put("t/2.csv.gz", "z\n1\n")
    cut, mixed = platform.put("t/3.csv.gz", gzip.compress(os.urandom(3000))[:-100]), platform.put("t/4.csv.gz", b"a\n1\n")
    cases = [
        (platform.load(1, good, "t", "t"), "table 'incoming.t' has no column 'b'"), (platform.load(2, header, "t", "less"), "has no column 'a' in its header"),
        (platform.load(3, "t/gone.csv.gz", "t", "less"), f"s3://{INCOMING}/t/gone.csv.gz"), (platform.load(4, good, "nowhere", "less"), "there is no table 'incoming.nowhere'"),
        (platform.load(5, cut, "t", "less"), f"s3://{INCOMING}/t/3.csv.gz"), (platform.load(6, mixed, "t", "less"), f"s3://{INCOMING}/t/4.csv.gz"),
        (platform.load(7, good, "avro", "less"), "'avro' cannot be read"), (platform.load(8, good, "t", "other"), "is not partitioned by the load's columns"),
    ]
    result = platform.ingest(*(c[0] for c in cases)).fails(1, f"{len(cases)} of {len(cases)} loads failed: 1, 2, 3, 4, 5, 6, 7, 8")
    for load, text in cases:
        assert any(f" ERROR ingest: load id={load['id']} status=failed" in line and text in line for line in result.stderr.splitlines()), (text, result)
    platform.glue.delete_database(Name="springboard")
    platform.ingest(platform.load(1, good, "t", "t")).fails(1, "there is no database 'springboard'")


def test_payloads_that_cannot_be_read(tmp_path):
    env = json.dumps({"GLUE_DATABASE_INCOMING": "i", "GLUE_DATABASE_SPRINGBOARD": "s"})
    load = {"id": 1, "source_table_name": "a", "destination_table_name": "b", "source_s3_key": "s3://abc/k", "destination_path": "s3a://abc/d"}
    cases = [
        ((), "--ENV and --INPUT are wanted"), (("--ENV", "{", "--INPUT", "{}"), "--ENV"), (("--ENV", env, "--INPUT", '{"loads": ['), "--INPUT"),
        (("--ENV", "[]", "--INPUT", "{}"), "--ENV is no JSON object"), (("--ENV", "{}", "--INPUT", "{}"), "--ENV has no GLUE_DATABASE_INCOMING"),
        (("--ENV", env, "--INPUT", "{}"), "--INPUT has no list 'loads'"),
        (("--ENV", env, "--INPUT", json.dumps({"loads": [load, {**load, "source_s3_key": ""}]})), "--INPUT: load 2 has no source_s3_key"),
        (("--ENV", env, "--INPUT", json.dumps({"loads": [{**load, "partition_columns": [{"name": "x"}]}]})), "the partition column 'x' has no value"),
        (("--ENV", env, "--INPUT", json.dumps({"loads": [{**load, "partition_columns": {}}]})), "partition_columns is no list"),
        (("--PRINT_VIEW", "true"), "--TABLE and --SPRINGBOARD_DATABASE"),
    ]
    for words, text in cases:
        run_job(tmp_path, "ingest", *words).fails(2, text)
    run_job(tmp_path, "ingest", "--ENV", env, "--INPUT", '{"loads": []}').ok()


def test_records_of_json_by_the_same_route(platform):
    """A table with a schema by hand over JSON lines, as the stream of taps is."""
    names = ["tapId", "tokenId", "stopId", "deviceId"]
    platform.table("taps", [(n.lower(), "string") for n in names], parameters={"classification": "json"}, serde="org.openx.data.jsonserde.JsonSerDe")
    platform.table("taps", [("tapid", "bigint"), ("stopid", "string")], "springboard", partitions=["identifier"])
    lines = [{"tapId": 1, "tokenId": "t", "stopId": "s", "deviceId": "d"}, {"tapId": "2", "stopId": " "}]
    key = platform.put("taps/1.json", "\n".join(map(json.dumps, lines)).encode())
    update = platform.glue.get_table(DatabaseName="incoming", Name="taps")["Table"]
    table = {k: update[k] for k in ("Name", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys")}
    table["StorageDescriptor"]["SerdeInfo"]["Parameters"] = {"paths": ",".join(names)}
    platform.glue.update_table(DatabaseName="incoming", TableInput=table)
    platform.ingest(platform.load(1, key, "taps", "taps")).ok()
    assert platform.read("taps/")[0] == [(1, "s"), (2, None)]
    bad = platform.put("taps/2.json", b'{"tapId": 1}\n{"tapId": "x"}\n')
    platform.ingest(platform.load(2, bad, "taps", "taps")).fails(1, "row 2: column 'tapid': 'x', no integer")


def test_the_view_of_current_rows(platform, tmp_path):
    """Snapshot and changes: what the sample says is left, also by Athena; a new snapshot makes the old changes old."""
    folder = sample(tmp_path / "sample", "--rows", "60", "--changes", "3", "--current", str(tmp_path / "current.json"))
    loads = [load for load in prepare(platform, folder) if load["source_table_name"] != "agg_sample"]
    platform.ingest(*loads).ok()
    words = ["--TABLE", "ods_sample", "--SPRINGBOARD_DATABASE", "springboard"]
    printed = run_job(tmp_path, "ingest", "--PRINT_VIEW", "true", *words, env=platform.env).ok().stdout
    sql = printed[printed.index("CREATE OR REPLACE VIEW"):]
    sql = sql[:sql.index("\"change oper\" <> 'D'") + len("\"change oper\" <> 'D'")]
    run_job(tmp_path, "ingest", *words, "--VIEW_FILE", f"s3://{SPRINGBOARD}/views/current.sql", env=platform.env).ok()
    assert platform.s3.get_object(Bucket=SPRINGBOARD, Key="views/current.sql")["Body"].read().decode().strip() == sql.strip()
    plain = [[t[1:-1].replace('""', '"') if t.startswith('"') else t for t in row] for row in json.loads((tmp_path / "current.json").read_text())]
    # Athena shows milliseconds.
    current = [tuple(oracle.value(k, t[:23] if k == "timestamp" else t) for (_, k), t in zip(SAMPLE, row)) for row in plain]
    run_job(tmp_path, "ingest", *words, "--QUERY_ONLY", "true", "--VIEW_FILE", str(tmp_path / "query.sql"), env=platform.env).ok()
    query = (tmp_path / "query.sql").read_text()
    assert query.strip() == sql[sql.index("SELECT"):]
    assert ask(platform, query) == current
    # Another snapshot: its rows alone count, until there are changes of it.
    key = platform.put(f"{ODS}/LOAD9.csv.gz", "SAMPLE_ID,SAMPLE_NAME,EDW_INSERTED_DTM,EDW_UPDATED_DTM\n7,seven,,\n")
    platform.ingest(platform.load(1, key, "ods_sample", "ods_sample", snapshot="20220101T000000Z")).ok()
    assert ask(platform, query) == [(7, "seven", None, None)]
    run_job(tmp_path, "ingest", "--PRINT_VIEW", *words, "--KEY", "nothing", env=platform.env).fails(1, "has no column 'nothing'")


def ask(platform, query):
    athena = platform.cloud.client("athena")
    done = execute(athena, f"SELECT * FROM ({query}) ORDER BY sample_id", "springboard", ResultConfiguration={"OutputLocation": f"s3://{SPRINGBOARD}/results/"})
    assert done["Status"]["State"] == "SUCCEEDED", done
    rows = athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])["ResultSet"]["Rows"][1:]
    cells = [[c.get("VarCharValue") for c in r["Data"]] for r in rows]
    moment = lambda t: None if t is None else datetime.datetime.fromisoformat(t)  # noqa: E731
    return [(int(a), b or None, moment(c), moment(d)) for a, b, c, d in cells]



def test_killed_at_any_moment_a_partition_is_old_or_new(platform):
    platform.table("t", [("a", "string")])
    platform.table("t", [("a", "bigint")], "springboard", partitions=["identifier"])
    key = platform.put("t/1.csv.gz", "a\n1\n")
    load = platform.load(1, key, "t", "t")
    platform.ingest(load).ok()
    platform.put("t/1.csv.gz", "a\n" + "2\n" * 1000)
    for wait in (0.01, 0.03, 0.06, 0.1, 0.15):
        process = start_job(platform.tmp / f"kill{wait}", "ingest", *platform.words([load]), env=platform.env)
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert platform.read("t/identifier=1.csv.gz/")[0] in ([(1,)], [(2,)] * 1000)
    platform.ingest(load).ok()
    assert platform.read("t/identifier=1.csv.gz/")[0] == [(2,)] * 1000
