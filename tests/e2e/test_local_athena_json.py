"""Tables of JSON lines in the local Athena, read as the OpenX and the Hive JSON SerDe read them."""
import gzip
import json

import pytest

from lake import COMBINE, crawl, execute, make_role, query, refusal

OPENX = "org.openx.data.jsonserde.JsonSerDe"
HIVE = "org.apache.hive.hcatalog.data.JsonSerDe"


class Lake:
    def __init__(self, cloud):
        self.cloud, self.s3, self.glue, self.athena = cloud, cloud.client("s3"), cloud.client("glue"), cloud.client("athena")
        for bucket in ("lake-data", "results"):
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": "lake"})

    def table(self, name, columns, lines=(), serde=OPENX, keys=(), more=None, **parameters):
        if lines:
            self.put(f"{name}/part-0.json", lines)
        self.glue.create_table(DatabaseName="lake", TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": k, "Type": t} for k, t in keys], "Parameters": more or {},
            "StorageDescriptor": {
                "Columns": [{"Name": n, "Type": t} for n, t in columns.items()], "Location": f"s3://lake-data/{name}/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
            },
        })

    def put(self, key, lines, pack=bytes):
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.s3.put_object(Bucket="lake-data", Key=key, Body=pack(text.encode()))

    def query(self, sql):
        return query(self.athena, sql)

    def refusal(self, sql):
        return refusal(self.athena, sql)


@pytest.fixture
def lake(cloud):
    return Lake(cloud)


ORDER = {
    "Id": 1, "Name": "Ann \"A\" Lee\u00e9", "Big": 9007199254740993, "Price": 12.5, "Ratio": 0.1, "Cost": 10.255, "Paid": True, "Day": "2024-02-29",
    "At": "2024-02-29 10:11:12.345", "Tags": ["a", None, "b,c"], "Attrs": {"Color": "red", "size": None},
    "Customer": {"Name": "Bo", "Address": {"City": "Oslo", "Zip": 150}, "Phones": [{"kind": "home", "no": "1"}, {"kind": "cell", "no": "2"}]},
    "Items": [{"sku": "x", "qty": 2}, {"sku": "y", "qty": 3}], "unknown": {"deep": [1]},
}
COLUMNS = {
    "id": "int", "name": "string", "big": "bigint", "price": "double", "ratio": "float", "cost": "decimal(10,2)", "paid": "boolean", "day": "date",
    "at": "timestamp", "tags": "array<string>", "attrs": "map<string,string>",
    "customer": "struct<name:string,address:struct<city:string,zip:int>,phones:array<struct<kind:string,no:string>>>",
    "items": "array<struct<sku:string,qty:int>>", "missing": "string",
}


@pytest.mark.parametrize("serde", [OPENX, HIVE])
def test_every_type_and_the_forms_of_nested_values(lake, serde):
    lake.table("orders", COLUMNS, [ORDER, {"id": 2, "items": [], "customer": {"address": None}}, {}], serde=serde)
    color = "color" if serde == OPENX else "Color"
    assert lake.query("SELECT * FROM orders ORDER BY id") == [
        ["1", "Ann \"A\" Lee\u00e9", "9007199254740993", "12.5", "0.1", "10.26", "true", "2024-02-29", "2024-02-29 10:11:12.345", "[a, null, b,c]",
         f"{{{color}=red, size=null}}", "{name=Bo, address={city=Oslo, zip=150}, phones=[{kind=home, no=1}, {kind=cell, no=2}]}",
         "[{sku=x, qty=2}, {sku=y, qty=3}]", None],
        ["2"] + [None] * 10 + ["{name=null, address=null, phones=null}", "[]", None],
        [None] * 14]
    execution = execute(lake.athena, "SELECT customer, items, attrs, tags FROM orders")
    info = lake.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(c["Name"], c["Type"]) for c in info] == [("customer", "row"), ("items", "array"), ("attrs", "map"), ("tags", "array")]
    size = len(lake.s3.get_object(Bucket="lake-data", Key="orders/part-0.json")["Body"].read())
    assert execution["Statistics"]["DataScannedInBytes"] == size


def test_fields_elements_and_unnest(lake):
    lake.table("orders", COLUMNS, [ORDER, {"id": 2, "items": None}, {"id": 3, "items": [{"qty": 7}, None]}])
    assert lake.query("""SELECT customer.address.city, o.customer.address.zip + 1, lake.orders.customer.name, customer.phones[2].no,
                         (customer).phones[1].kind AS k, attrs['color'], element_at(attrs, 'none'), map_keys(attrs), typeof(customer.address)
                         FROM lake.orders AS o WHERE customer.address.city = 'Oslo'""".replace("lake.orders.customer", "customer")) == [
        ["Oslo", "151", "Bo", "2", "home", "red", None, "[color, size]", "row(city varchar, zip integer)"]]
    assert lake.query("SELECT id, sku, qty FROM orders CROSS JOIN UNNEST(items) AS t(sku, qty) ORDER BY id, qty NULLS LAST") == [
        ["1", "x", "2"], ["1", "y", "3"], ["3", None, "7"], ["3", None, None]]
    assert lake.query("SELECT o.id, i.qty FROM orders o, UNNEST(o.items) AS i WHERE i.qty > 2 ORDER BY 1") == [["1", "3"], ["3", "7"]]
    assert lake.query("SELECT id, qty FROM orders LEFT JOIN UNNEST(items) AS t(sku, qty) ON true WHERE id < 3 ORDER BY id, qty") == [
        ["1", "2"], ["1", "3"], ["2", None]]
    assert lake.query("SELECT k, v FROM orders CROSS JOIN UNNEST(attrs) AS t(k, v) ORDER BY k") == [["color", "red"], ["size", None]]
    assert lake.query("""SELECT id, sku, tag, n FROM orders CROSS JOIN UNNEST(items, tags) WITH ORDINALITY AS t(sku, qty, tag, n)
                         WHERE id = 1 ORDER BY n""") == [["1", "x", "a", "1"], ["1", "y", None, "2"], ["1", None, "b,c", "3"]]
    assert lake.query("SELECT p.kind FROM orders CROSS JOIN UNNEST(customer.phones) AS p ORDER BY kind") == [["cell"], ["home"]]
    assert lake.query("SELECT customer.address.city AS city, sum(customer.address.zip) FROM orders GROUP BY customer.address.city ORDER BY 1") == [
        ["Oslo", "150"], [None, None]]
    header = execute(lake.athena, "SELECT customer.address.city, customer.phones[1].no FROM orders")
    rows = lake.athena.get_query_results(QueryExecutionId=header["QueryExecutionId"])["ResultSet"]["Rows"]
    assert [c["VarCharValue"] for c in rows[0]["Data"]] == ["city", "no"]
    assert "Column 'customer.nosuch' cannot be resolved" in lake.refusal("SELECT customer.nosuch FROM orders")
    assert "Column 'customer.address.city.x' cannot be resolved" in lake.refusal("SELECT customer.address.city.x FROM orders")
    assert "Cannot unnest type: integer" in lake.refusal("SELECT 1 FROM orders CROSS JOIN UNNEST(id) AS t(x)")
    assert "Array subscript" in lake.refusal("SELECT customer.phones[3].no FROM orders WHERE id = 1")


def test_openx_takes_values_of_other_forms(lake):
    columns = {"s": "string", "i": "bigint", "d": "double", "dec": "decimal(12,3)", "b": "boolean", "ts": "timestamp", "day": "date", "l": "array<int>",
               "o": "struct<a:int,b:string>", "m": "map<int,double>"}
    lake.table("t", columns, [
        {"s": 12, "i": "7", "d": "1e3", "dec": 1.5e3, "b": "TRUE", "ts": 1700000000, "l": 5, "o": [1, "x"], "m": {"3": 4}},
        {"s": 1.50, "i": -7, "d": 3, "dec": "-0.0005", "b": "no", "ts": 1700000000123, "day": "2024-01-02 03:04:05", "l": "", "o": "", "m": {}},
        {"s": {"A": [1, "q", None]}, "d": "NaN", "dec": 25e-1, "ts": "2024-01-02T03:04:05.678Z", "l": [None, 2]},
        {"s": True, "ts": "2024-01-02T03:04:05+0130"}, {"s": [], "ts": 1700000000.5}, {"s": "", "ts": "2024-01-02 03:04:05"},
    ])
    assert lake.query("SELECT * FROM t") == [
        ["12", "7", "1000.0", "1500.000", "true", "2023-11-14 22:13:20.000", None, "[5]", "{a=1, b=x}", "{3=4.0}"],
        ["1.5", "-7", "3.0", "-0.001", "false", "2023-11-14 22:13:20.123", "2024-01-02", None, None, "{}"],
        ['{"a":[1,"q",null]}', None, "NaN", "2.500", None, "2024-01-02 03:04:05.678", None, "[null, 2]", None, None],
        ["true"] + [None] * 4 + ["2024-01-02 01:34:05.000"] + [None] * 4, ["[]"] + [None] * 4 + ["2023-11-14 22:13:20.500"] + [None] * 4,
        [""] + [None] * 4 + ["2024-01-02 03:04:05.000"] + [None] * 4]


BAD = [
    (OPENX, "int", "abc", 'HIVE_BAD_DATA: Error parsing field value \'abc\' for field 1: For input string: "abc"'),
    (OPENX, "int", 12312845691, 'HIVE_BAD_DATA: Error parsing field value \'12312845691\' for field 1: For input string: "12312845691"'),
    (OPENX, "int", 1.5, "HIVE_BAD_DATA"), (OPENX, "int", "", "HIVE_BAD_DATA: Error parsing field value '' for field 1"),
    (OPENX, "date", "2023-02-29", "HIVE_BAD_DATA"), (OPENX, "timestamp", "yesterday", "HIVE_BAD_DATA"), (OPENX, "decimal(3,1)", 123.4, "HIVE_BAD_DATA"),
    (OPENX, "struct<a:int>", "x", "java.lang.String cannot be cast to org.openx.data.jsonserde.json.JSONObject"),
    (OPENX, "map<string,int>", [1], "JSONArray cannot be cast"), (OPENX, "array<int>", ["x"], "for field 1: For input string: \"x\""),
    (OPENX, "boolean", 1, "HIVE_BAD_DATA"), (OPENX, "double", {"a": 1}, "HIVE_BAD_DATA"),
    (HIVE, "int", "7", "HIVE_CURSOR_ERROR: Current token (VALUE_STRING) not numeric, can not use numeric value accessors"),
    (HIVE, "array<int>", 5, "HIVE_BAD_DATA"), (HIVE, "string", {"a": 1}, "HIVE_BAD_DATA"), (HIVE, "timestamp", "2024-01-02T03:04:05Z", "HIVE_BAD_DATA"),
]


def test_values_that_are_none_of_their_type_fail_the_query(lake):
    for i, (serde, kind, value, reason) in enumerate(BAD):
        lake.table(f"t{i}", {"a": "int", "b": kind}, [{"a": 1, "b": value}], serde=serde)
        assert reason in lake.refusal(f"SELECT b FROM t{i}"), (serde, kind, value)
    assert lake.query("SELECT a, count(*) FROM t0 GROUP BY a") == [["1", "1"]]


NOT_VALID = "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: "


def test_lines_that_are_no_json(lake):
    bad = {"{": NOT_VALID + "A JSONObject text must end with '}' at 2 [character 3 line 1]", '{"a": 1,, "b": 2}': NOT_VALID, '{"a": 1, "a": 2}':
           NOT_VALID + 'Duplicate key "a"', '{"a": 1, "A": 2}': NOT_VALID + 'Duplicate key "A"', '{"a": 1, "o": {"x": 1, "x": 2}}': 'Duplicate key "x"',
           "[1, 2": NOT_VALID + "Expected a ',' or ']'"}
    for i, (line, reason) in enumerate(bad.items()):
        lake.table(f"t{i}", {"a": "int"}, [{"a": 1}, line])
        assert reason in lake.refusal(f"SELECT a FROM t{i}"), line
        assert reason in lake.refusal(f"SELECT count(*) FROM t{i}"), line
    lake.table("skipped", {"a": "int", "b": "string"}, [{"a": 1}, *bad, {"a": 2}], **{"ignore.malformed.json": "TRUE"})
    assert lake.query("SELECT a FROM skipped") == [["1"]] + [[None]] * len(bad) + [["2"]]
    lake.table("odd", {"a": "int", "b": "string"}, ["", "  ", "no json", '{"a": 1}, ', "  [3, \"x\"]", '{"a": 4} {"a": 5}'])
    assert lake.query("SELECT a, b FROM odd") == [[None, None]] * 3 + [["1", None], ["3", "x"], ["4", None]]
    hive = {'{"a": 1': "HIVE_CURSOR_ERROR: JsonParseException: Unexpected end-of-input: expected close marker for OBJECT",
            "": "HIVE_CURSOR_ERROR: JsonParseException: Start token not found where expected", '{"a": 1, "a": 2}': 'Duplicate key "a"'}
    for i, (line, reason) in enumerate(hive.items()):
        lake.table(f"h{i}", {"a": "int"}, [{"a": 1}, line], serde=HIVE, **{"ignore.malformed.json": "TRUE"})
        assert reason in lake.refusal(f"SELECT a FROM h{i}"), line


def test_keys_and_columns(lake):
    columns = {"id": "int", "time_": "string", "a_b": "struct<c_d:int>", "m": "map<string,int>"}
    line = {"ID": 1, "Time": "t", "time": "u", "a.b": {"c.d": 2}, "M": {"K": 1}}
    lake.table("exact", columns, [line], **{"case.insensitive": "FALSE", "mapping.id": "ID", "mapping.time_": "Time", "mapping.m": "M"})
    assert lake.query("SELECT * FROM exact") == [["1", "t", None, "{K=1}"]]
    del line["Time"]
    lake.table("folded", columns, [line], **{"dots.in.keys": "true", "mapping.time_": "TIME"})
    assert lake.query("SELECT * FROM folded") == [["1", "u", "{c_d=2}", "{k=1}"]]
    lake.table("plain", {"time": "string", "ID": "int", "a_b": "string"}, [line])
    assert lake.query('SELECT id, "time", a_b FROM plain') == [["1", "u", None]]


def test_files_partitions_and_headers(lake):
    lake.table("t", {"n": "int"}, keys=[("day", "date"), ("shop", "string")])
    lake.put("t/day=2024-01-01/shop=a/x.json.gz", [{"n": i} for i in range(5000)], gzip.compress)
    lake.put("t/day=2024-01-02/shop=b/x.json", [{"n": 1, "day": "x"}])
    lake.put("t/day=2024-01-02/shop=b/_hidden.json", ["{"])
    lake.put("t/day=2024-01-03/shop=c/x.json", ["{"])
    for day, shop in (("2024-01-01", "a"), ("2024-01-02", "b"), ("2024-01-03", "c")):
        lake.glue.create_partition(DatabaseName="lake", TableName="t", PartitionInput={"Values": [day, shop], "StorageDescriptor": {
            "Columns": [{"Name": "n", "Type": "int"}], "Location": f"s3://lake-data/t/day={day}/shop={shop}/",
            "SerdeInfo": {"SerializationLibrary": OPENX, "Parameters": {}}}})
    assert lake.query("SELECT day, shop, count(*), sum(n) FROM t WHERE shop < 'c' GROUP BY day, shop ORDER BY day") == [
        ["2024-01-01", "a", "5000", "12497500"], ["2024-01-02", "b", "1", "1"]]
    assert NOT_VALID in lake.refusal("SELECT sum(n) FROM t")
    lake.table("wide", {f"c{i}": "array<array<int>>" for i in range(20)},
               [{f"C{k}": [[k], [], None, list(range(i % 7))] for k in reversed(range(20))} for i in range(3000)], more={"skip.header.line.count": "1"})
    assert lake.query("SELECT count(*), sum(c0[1][1]), sum(c19[1][1]), sum(cardinality(c7[4])) FROM wide") == [["2999", "0", "56981", "8994"]]
    assert lake.query("SELECT c3[4] FROM wide ORDER BY cardinality(c3[4]) DESC LIMIT 1") == [["[0, 1, 2, 3, 4, 5]"]]


def test_what_is_not_built_is_refused_by_name(lake):
    lake.table("t", {"a": "int", "raw": "binary", "o": "struct<x:binary>"}, [{"a": 1, "raw": "AA==", "o": {"x": "AA=="}}])
    assert lake.query("SELECT a FROM t") == [["1"]]
    assert "NOT_SUPPORTED: column 'raw' of type BLOB in JSON files" in lake.refusal("SELECT raw FROM t")
    assert "NOT_SUPPORTED: column 'o'" in lake.refusal("SELECT o.x FROM t")
    for i, line in enumerate(('{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": ' + 200 * "[" + 200 * "]" + "}")):
        lake.table(f"odd{i}", {"a": "string"}, [line], **{"ignore.malformed.json": "true"})
        assert "NOT_SUPPORTED: a row of JSON" in lake.refusal(f"SELECT a FROM odd{i}")
    lake.table("formats", {"a": "timestamp"}, [{"a": "1.2.2024"}], **{"timestamp.formats": "d.M.yyyy"})
    assert "NOT_SUPPORTED: table 'lake.formats' has 'timestamp.formats'" in lake.refusal("SELECT a FROM formats")
    lake.table("ion", {"a": "int"}, [{"a": 1}], serde="com.amazon.ionhiveserde.IonHiveSerDe")
    assert "NOT_SUPPORTED: table 'lake.ion' has the serde" in lake.refusal("SELECT a FROM ion")


def test_a_crawled_table(lake):
    lake.put("jobs/year=2024/part-0.json", [{"JobId": 1, "spec": {"script": "a.py", "args": ["--x", "1"]}, "cost": 1.5},
                                            {"JobId": 2, "spec": {"script": "b.py", "args": []}, "cost": 2}])
    lake.put("jobs/year=2025/part-0.json", [{"JobId": 3, "spec": {"script": "c.py", "args": ["y"]}, "state": "FAILED"}])
    lake.glue.create_crawler(Name="c", Role=make_role(lake.cloud), DatabaseName="lake", Configuration=COMBINE,
                             Targets={"S3Targets": [{"Path": "s3://lake-data/jobs/"}]})
    assert crawl(lake.glue, "c")["Status"] == "SUCCEEDED"
    assert lake.query("SELECT jobid, spec.script, spec, cost, state, year FROM jobs ORDER BY jobid") == [
        ["1", "a.py", "{script=a.py, args=[--x, 1]}", "1.5", None, "2024"], ["2", "b.py", "{script=b.py, args=[]}", "2.0", None, "2024"],
        ["3", "c.py", "{script=c.py, args=[y]}", None, "FAILED", "2025"]]
    assert lake.query("SELECT arg, count(*) FROM jobs CROSS JOIN UNNEST(spec.args) AS t(arg) WHERE year = '2024' GROUP BY arg ORDER BY arg") == [
        ["--x", "1"], ["1", "1"]]
