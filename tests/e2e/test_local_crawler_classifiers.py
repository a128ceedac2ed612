"""Crawlers of the local Glue: custom classifiers, JSON and CSV of every shape, what is crawled again, and what a crawl would change."""
import json

import pytest
from botocore.exceptions import ClientError

import contract
from conftest import assert_sound
from helpers import Cloud, Runner
from lake import COMBINE, crawl, make_role
from model_proxy import ModelProxy
from shop import Shop

LOG_ONLY = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}


@pytest.fixture(scope="module")
def module_cloud(tmp_path_factory):
    """One cloud for all: no test here looks at what another made."""
    cloud = Cloud(Runner(tmp_path_factory.mktemp("crawls")), tmp_path_factory.mktemp("cloud") / "cloud")
    with ModelProxy(cloud.endpoint, requests=False) as cloud.judge:
        yield cloud
    cloud.stop().ok()
    assert_sound(cloud.judge)


@pytest.fixture(scope="module")
def shared(module_cloud):
    return make_role(module_cloud)


class Lake:
    """A database and a bucket of its own for each test; calls go through the checking proxy."""

    def __init__(self, cloud, role, name):
        self.cloud, self.role, self.name = cloud, role, name.replace("_", "-")[:50].strip("-")
        self.s3, self.glue, self.logs = cloud.client("s3"), cloud.client("glue"), cloud.client("logs")
        self.database = name[:200]
        self.s3.create_bucket(Bucket=self.name)
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def put(self, **objects):
        for key, body in objects.items():
            self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def crawler(self, *paths, exclusions=(), sample=None, **more):
        target = {"Exclusions": list(exclusions), **({"SampleSize": sample} if sample else {})}
        self.glue.create_crawler(Name=self.name, Role=self.role, DatabaseName=self.database, **more, Targets={
            "S3Targets": [{"Path": f"s3://{self.name}/{p}", **target} for p in paths]})

    def crawl(self, want="SUCCEEDED"):
        last = crawl(self.glue, self.name)
        assert last["Status"] == want, last
        return last

    def log(self):
        events = self.logs.get_log_events(logGroupName="/aws-glue/crawlers", logStreamName=self.name, startFromHead=True)["events"]
        return [e["message"] for e in events]

    def tables(self):
        return {t["Name"]: t for t in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def columns(self, table):
        return {c["Name"]: c["Type"] for c in self.tables()[table]["StorageDescriptor"]["Columns"]}

    def values(self, table):
        return sorted(p["Values"] for p in self.glue.get_partitions(DatabaseName=self.database, TableName=table)["Partitions"])


@pytest.fixture
def lake(module_cloud, shared, request):
    return Lake(module_cloud, shared, "".join(c if c.isalnum() else "_" for c in request.node.name.removeprefix("test_")))


def fails(code, call, **args):
    with pytest.raises(ClientError) as e:
        call(**args)
    assert e.value.response["Error"]["Code"] == code
    return e.value.response["Error"]["Message"]


def test_life_of_classifiers(lake):
    glue = lake.glue
    kinds = {
        "CsvClassifier": {"Name": "a-csv", "Delimiter": "#", "QuoteSymbol": "'", "ContainsHeader": "PRESENT", "Header": ["a", "b"], "DisableValueTrimming": False,
                          "AllowSingleColumn": True, "CustomDatatypeConfigured": True, "CustomDatatypes": ["INT", "STRING"], "Serde": "OpenCSVSerDe"},
        "JsonClassifier": {"Name": "b-json", "JsonPath": "$.items[*]"},
        "GrokClassifier": {"Name": "c-grok", "Classification": "lines", "GrokPattern": "%{GREEDYDATA:line}", "CustomPatterns": "A a\nB b"},
        "XMLClassifier": {"Name": "d-xml", "Classification": "xml", "RowTag": "row"},
    }
    for kind, given in kinds.items():
        glue.create_classifier(**{kind: given})
        fails("AlreadyExistsException", glue.create_classifier, **{kind: given})
        got = glue.get_classifier(Name=given["Name"])["Classifier"][kind]
        assert {k: got[k] for k in given} == given and got["Version"] == 1 and got["CreationTime"] == got["LastUpdated"]
    pages = glue.get_paginator("get_classifiers").paginate(PaginationConfig={"PageSize": 3})
    assert [next(iter(c.values()))["Name"] for p in pages for c in p["Classifiers"]] == ["a-csv", "b-json", "c-grok", "d-xml"]
    glue.update_classifier(CsvClassifier={"Name": "a-csv", "ContainsHeader": "ABSENT", "Header": []})
    got = glue.get_classifier(Name="a-csv")["Classifier"]["CsvClassifier"]
    assert got["ContainsHeader"] == "ABSENT" and got["Delimiter"] == "#" and got.get("Header", []) == [] and got["Version"] == 2
    fails("InvalidInputException", glue.update_classifier, JsonClassifier={"Name": "a-csv", "JsonPath": "$"})
    fails("InvalidInputException", glue.update_classifier, CsvClassifier={"Name": "a-csv", "QuoteSymbol": "#"})
    fails("EntityNotFoundException", glue.update_classifier, XMLClassifier={"Name": "nothing"})
    for bad in ({}, {"JsonClassifier": {"Name": "x", "JsonPath": "items"}}, {"CsvClassifier": {"Name": "x", "CustomDatatypes": ["NUMBER"]}},
                {"JsonClassifier": {"Name": "x", "JsonPath": "$"}, "XMLClassifier": {"Name": "x", "Classification": "x"}}):
        fails("InvalidInputException", glue.create_classifier, **bad)
    for given in kinds.values():
        glue.delete_classifier(Name=given["Name"])
        for call in (glue.get_classifier, glue.delete_classifier):
            fails("EntityNotFoundException", call, Name=given["Name"])


def test_json_of_every_shape(lake):
    lake.put(**{
        "in/lines/part-0.json": '{"Id": 1, "a": null, "s": {"x": 1}, "l": []}\n{"Id": 2.5, "s": {"y": [true]}, "l": [1]}',
        "in/lines/part-1.json": '{"Id": 7, "a": 12345678901, "s": {"x": "one"}, "l": [2], "never": null}\n',
        "in/array/all.json": json.dumps([{"id": 1, "tags": ["x"]}, {"id": "two"}], indent=2),
        "in/pretty/one.json": json.dumps({"type": "f", "features": [{"p": {"v": 1}}, {"p": {"v": 2, "w": None}}]}, indent=4),
        "in/big/array.json": json.dumps([{"n": i, "text": "x" * 100} for i in range(20000)]),
    })
    lake.crawler("in")
    lake.crawl()
    assert lake.columns("lines") == {"id": "double", "a": "bigint", "s": "struct<x:string,y:array<boolean>>", "l": "array<int>", "never": "string"}
    assert lake.columns("array") == {"array": "array<struct<id:string,tags:array<string>>>"}
    assert lake.columns("pretty") == {"type": "string", "features": "array<struct<p:struct<v:int,w:string>>>"}
    assert lake.columns("big") == {"array": "array<struct<n:int,text:string>>"}
    lines = lake.tables()["lines"]
    assert lines["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {"paths": "Id,a,s,l,never"}}
    assert lines["Parameters"]["objectCount"] == "2" and lines["Parameters"]["recordCount"] == "3"


def test_json_paths(lake):
    lake.glue.create_classifier(JsonClassifier={"Name": "records", "JsonPath": "$[*]"})
    lake.glue.create_classifier(JsonClassifier={"Name": "deep", "JsonPath": "$.data.rows[*]"})
    lake.put(**{
        "in/areas/a.json": json.dumps([{"id": i, "name": f"n{i}"} for i in range(12)], indent=1),
        "in/rows/r.json": json.dumps({"data": {"rows": [{"v": 1.5}, {"v": 2}]}}),
        "in/plain/p.csv": "a,b\n1,2\n",
    })
    lake.crawler("in", Classifiers=["deep", "records"])
    lake.crawl()
    assert lake.columns("areas") == {"id": "int", "name": "string"} and lake.columns("rows") == {"v": "double"} and lake.columns("plain") == {"a": "bigint", "b": "bigint"}
    areas = lake.tables()["areas"]["Parameters"]
    assert areas["jsonPath"] == "$[*]" and areas["recordCount"] == "12" and lake.tables()["rows"]["Parameters"]["jsonPath"] == "$.data.rows[*]"


def test_broken_json_is_named_and_left_out(lake):
    lake.put(**{
        "in/t/good.json": '{"a": 1}\n', "in/t/cut.json": '{"a": 1}\n{"a": 2}\n{"a"', "in/only/cut.json": '[{"a": 1},\n {"b": [',
        "in/other/o.csv": "a,b\n1,2\n",
    })
    lake.crawler("in")
    lake.crawl()
    tables = lake.tables()
    assert lake.columns("t") == {"a": "int"} and tables["t"]["Parameters"]["objectCount"] == "1"
    assert tables["only"]["Parameters"]["classification"] == "UNKNOWN"
    errors = [m for m in lake.log() if "ERROR" in m]
    assert len(errors) == 2
    assert any(f"s3://{lake.name}/in/t/cut.json is left out: the file ends in the middle of the JSON value that begins in line 3" in m for m in errors)
    assert any("only/cut.json" in m and "begins in line 1" in m for m in errors)


def test_parts_with_equal_first_rows_are_one_table(lake):
    head = "RowID,DateTime,TempOut,WindDir,Rain\n"
    lake.put(**{
        "in/weather/w.csv-part0": head + "r1,07/28/2017 03:00:00 AM,56.4,---,0\n", "in/weather/w.csv-part1": head + "r2,07/28/2017 04:00:00 AM,57,NE,1\n",
        "in/excel/x.csv": "\ufeffName;Count\r\nx;1\r\n".encode(), "in/nohead/n.csv": "a|b\nc|d\n", "in/differs/1.csv": "a,b,c\n1,2,3\n", "in/differs/2.csv": "x,y,z\n1,2,3\n",
        "in/empty/": "",
    })
    lake.crawler("in")
    lake.crawl()
    assert lake.columns("weather") == {"rowid": "string", "datetime": "string", "tempout": "double", "winddir": "string", "rain": "bigint"}
    weather = lake.tables()["weather"]["Parameters"]
    assert (weather["skip.header.line.count"], weather["objectCount"]) == ("1", "2")
    assert lake.columns("excel") == {"name": "string", "count": "bigint"} and lake.columns("nohead") == {"col0": "string", "col1": "string"}
    assert "skip.header.line.count" not in lake.tables()["nohead"]["Parameters"]
    assert sorted(lake.tables()) == ["1_csv", "2_csv", "excel", "nohead", "weather"]


def test_csv_classifiers(lake):
    def classifier(name, **how):
        lake.glue.create_classifier(CsvClassifier={"Name": name, **how})

    classifier("strict", Delimiter="#", QuoteSymbol="'", ContainsHeader="PRESENT", Serde="OpenCSVSerDe")
    classifier("typed", Delimiter="^", ContainsHeader="ABSENT", Header=["Day", "n"], CustomDatatypeConfigured=True, CustomDatatypes=["DATE", "SHORT"])
    lake.put(**{"in/strict/s": "A#B\n'x#y'#z\n", "in/typed/t": "2020-01-01^1\n2020-01-02^2\n", "in/other/o": "a,b\n1,2\n"})
    lake.crawler("in", Classifiers=["strict", "typed"])
    lake.crawl()
    strict = lake.tables()["strict"]
    assert lake.columns("strict") == {"a": "string", "b": "string"} and strict["Parameters"]["skip.header.line.count"] == "1"
    assert strict["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde", "Parameters": {
        "separatorChar": "#", "quoteChar": "'", "escapeChar": "\\"}}
    assert lake.columns("typed") == {"day": "date", "n": "smallint"} and lake.columns("other") == {"a": "bigint", "b": "bigint"}
    lake.glue.delete_classifier(Name="typed")
    assert "Classifier with name typed does not exist" in lake.crawl("FAILED")["ErrorMessage"]


def test_grok_and_xml_classifiers(lake):
    """Columns of a pattern, of built-in ones and of the classifier's own; XML by its row tag. What cannot be applied fails the crawl and says why."""
    def grok(name, pattern, **more):
        lake.glue.create_classifier(GrokClassifier={"Name": name, "Classification": name, "GrokPattern": pattern, **more})

    own = "%{TIMESTAMP_ISO8601:when} \\[%{LOGLEVEL:Level}\\] %{APP:app} %{NUMBER:ms:double} (?<rest>.*)"
    custom = "APP [a-z]+-\\d{2}\nUNUSED x"
    grok("app", own, CustomPatterns=custom)
    grok("apache", "%{COMMONAPACHELOG_DATATYPED}")
    grok("behind", "(?<!a)%{WORD:w}")
    grok("unknown", "%{WROD:w}")
    lake.glue.create_classifier(XMLClassifier={"Name": "items", "Classification": "xml", "RowTag": "item"})
    lake.put(**{
        "in/app/a.log": "2020-01-02T03:04:05Z [INFO] web-01 12.5 hello, world\n2020-01-02 03:04:05,123 [ERROR] db-02 7 x\n",
        "in/web/a.log": '10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326\n::1 - - [10/Oct/2000:13:55:36 -0700] "-" 404 -\r\n',
        "in/xml/a.xml": '<?xml version="1.0"?><!-- <item>no</item> --><l><item id="1"><Name>a &amp; b</Name><tag>x</tag><tag>y</tag><dim w="2">5</dim></item>\n'
                        '<item id="2.5"><Name>c</Name><none/></item><item id="never"/></l>',
        "in/plain/p.csv": "a,b\n1,2\n"})
    lake.crawler("in", Classifiers=["items", "apache", "app"])
    lake.crawl()
    assert lake.columns("app") == {"when": "string", "level": "string", "app": "string", "ms": "double", "rest": "string"}
    assert lake.columns("web") == {"clientip": "string", "ident": "string", "auth": "string", "timestamp": "string", "verb": "string", "request": "string",
                                   "httpversion": "float", "rawrequest": "string", "response": "int", "bytes": "bigint"}
    assert lake.columns("xml") == {"_id": "double", "name": "string", "tag": "array<string>", "dim": "struct<_w:int,_VALUE:int>", "none": "string"}
    assert lake.columns("plain") == {"a": "bigint", "b": "bigint"}
    tables = lake.tables()
    assert tables["app"]["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "com.amazonaws.glue.serde.GrokSerDe", "Parameters": {"input.format": own, "input.grokCustomPatterns": custom}}
    assert [tables[t]["Parameters"][k] for t, k in (("app", "classification"), ("app", "recordCount"), ("xml", "recordCount"), ("xml", "rowTag"))] == ["app", "2", "2", "item"]
    for name, why in (("behind", "more than the local cloud knows"), ("unknown", "there is no pattern 'WROD'")):
        lake.glue.update_crawler(Name=lake.name, Classifiers=[name])
        assert f"Classifier {name} cannot be applied" in lake.crawl("FAILED")["ErrorMessage"] and any(why in m for m in lake.log())
    assert lake.tables() == tables, "nothing is guessed"


def test_only_new_folders(lake):
    glue = lake.glue
    policy = {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}
    assert 'for "Crawl new folders only" Amazon S3 target can have only LOG' in fails(
        "InvalidInputException", glue.create_crawler, Name="x", Role=lake.role, Targets={"S3Targets": [{"Path": f"s3://{lake.name}/in"}]}, **policy)
    lake.put(**{"in/t/d=1/a.csv": "a,b,c\n1,2,3\n", "in/t/d=2/a.csv": "a,b,c\n1,2,3\n"})
    lake.crawler("in/t", **policy, SchemaChangePolicy=LOG_ONLY)
    lake.crawl()
    assert lake.values("t") == [["1"], ["2"]]
    glue.delete_partition(DatabaseName=lake.database, TableName="t", PartitionValues=["1"])
    lake.put(**{"in/t/d=1/more.csv": "a,b,c,d\n1,2,3,4\n", "in/t/d=3/a.csv": "a,b,c,d\n1,2,3,x\n"})
    lake.crawl()
    # The old folder is not looked at again; the new one is a partition; the table stays as it was.
    assert lake.values("t") == [["2"], ["3"]] and lake.columns("t") == {"a": "bigint", "b": "bigint", "c": "bigint"}
    fails("InvalidInputException", glue.update_crawler, Name=lake.name, SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE"})
    glue.update_crawler(Name=lake.name, RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"})
    assert "CRAWL_EVENT_MODE" in lake.crawl("FAILED")["ErrorMessage"]
    glue.update_crawler(Name=lake.name, RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVERYTHING"}, SchemaChangePolicy={
        "UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}, Configuration=COMBINE)
    lake.crawl()
    assert lake.values("t") == [["1"], ["2"], ["3"]] and lake.columns("t") == {"a": "bigint", "b": "bigint", "c": "bigint", "d": "string"}


def test_samples_levels_and_thresholds(lake):
    lake.put(**{"in/s/0.csv": "a,b\n1,2\n", "in/s/1.csv": "a,b\nx,2.5\nx,1\n", "in/s/2.csv": "a,b\nx,2\n"})
    lake.crawler("in/s", sample=1)
    lake.crawl()
    assert lake.columns("s") == {"a": "bigint", "b": "bigint"} and lake.tables()["s"]["Parameters"]["objectCount"] == "3"
    lake.glue.update_crawler(Name=lake.name, Targets={"S3Targets": [{"Path": f"s3://{lake.name}/in"}]})
    lake.put(**{"in/u/0.csv": "p;q\n1;2\n"})
    for wrong, why in (({"Grouping": {"TableGroupingPolicy": "Combine"}}, "can only be CombineCompatibleSchemas"),
                       ({"Grouping": {"TableLevelConfiguration": 0}}, "is a number from 1"),
                       ({"CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "InheritFromTable"}}}, "can only be MergeNewColumns")):
        assert why in fails("InvalidInputException", lake.glue.update_crawler, Name=lake.name, Configuration=json.dumps({"Version": 1.0, **wrong}))
    config = {"Version": "1.0", "CrawlerOutput": {"Tables": {"TableThreshold": 1}}}
    lake.glue.update_crawler(Name=lake.name, Configuration=json.dumps(config))
    assert "The number of tables detected by crawler: 2 is greater than the table threshold value: 1" in lake.crawl("FAILED")["ErrorMessage"]
    assert sorted(lake.tables()) == ["s"]
    lake.glue.update_crawler(Name=lake.name, Configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}}))
    lake.crawl()
    assert sorted(lake.tables()) == ["s", "u"] and lake.columns("s") == {"a": "string", "b": "double"}


def test_several_targets_have_exclusions_of_their_own(lake):
    lake.put(**{"in/a/x.csv": "a,b\n1,2\n", "in/a/x.tmp": "no", "in/b/x.csv": "a,b\n1,2\n", "in/b/x.bak": "no"})
    lake.glue.create_crawler(Name=lake.name, Role=lake.role, DatabaseName=lake.database, Targets={"S3Targets": [
        {"Path": f"s3://{lake.name}/in/a", "Exclusions": ["**.tmp"]}, {"Path": f"s3://{lake.name}/in/b/", "Exclusions": ["*.bak", "z"]}]})
    lake.crawl()
    assert {n: json.loads(t["Parameters"]["exclusions"]) for n, t in lake.tables().items()} == {"a": ["**.tmp"], "b": ["*.bak", "z"]}


def test_names_that_only_hive_refuses(lake):
    lake.put(**{"in/u/x.json": '{"Id": 1, "n": 1}\n{"id": 2, "ID": 3}\n', "in/t/x.json": json.dumps({"a,b": 1, "c d": 2, "e\nf": 3, "x" * 300: 4, "struct": {"g:h": 1}})})
    lake.crawler("in")
    lake.crawl()
    assert lake.columns("u") == {"id": "int", "n": "int"}
    assert lake.columns("t") == {"a,b": "int", "c d": "int", "struct": "struct<g:h:int>"}
    log = lake.log()
    assert any("WARN" in m and "'a,b'" in m for m in log) and sum("a column is left out" in m for m in log) == 2
    assert sum("in/u/x.json has objects where 'ID' and another member are one column" in m for m in log) == 1


def test_what_a_crawl_would_change(lake):
    lake.put(**{"in/t/d=1/a.csv": "a,b\n1,2\n", "in/gone/g.csv": "a;b\n1;2\n", "in/kept/k": "a|b\n1|2\n"})
    lake.crawler("in", SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"})

    def diff():
        run = lake.cloud.runner("crawl", lake.name, "--diff", "--output", "json", env=lake.cloud.env()).ok()
        contract.check(run)
        assert run.json["crawl"]["database"] == lake.database
        return {c["table"]: c for c in run.json["crawl"]["changes"]}

    first = diff()
    assert {n: c["action"] for n, c in first.items()} == {"t": "create", "gone": "create", "kept": "create"} and lake.tables() == {}
    assert first["t"]["columns"] == [{"action": "add", "name": n, "after": "bigint"} for n in "ab"]
    assert first["t"]["partitions"]["added"] == {"count": 1, "values": [["1"]]}
    lake.crawl()
    assert diff() == {}
    lake.s3.delete_object(Bucket=lake.name, Key="in/gone/g.csv")
    lake.s3.delete_object(Bucket=lake.name, Key="in/t/d=1/a.csv")
    lake.put(**{"in/t/d=2/a.csv": "a,c\nx,2\n"})
    before = lake.tables()
    second = diff()
    assert sorted(second) == ["gone", "t"] and second["gone"]["action"] == "delete" and second["t"]["action"] == "update"
    assert second["t"]["columns"] == [{"action": "change", "name": "a", "before": "bigint", "after": "string"}, {"action": "add", "name": "c", "after": "bigint"},
                                      {"action": "remove", "name": "b", "before": "bigint"}]
    assert second["t"]["partitions"]["added"]["values"] == [["2"]] and second["t"]["partitions"]["removed"]["values"] == [["1"]]
    assert lake.tables() == before and lake.glue.get_crawler(Name=lake.name)["Crawler"]["State"] == "READY"
    lake.crawl()
    assert sorted(lake.tables()) == ["kept", "t"] and lake.values("t") == [["2"]] and lake.columns("t") == {"a": "string", "c": "bigint"}


def test_the_crawl_command(lake):
    lake.put(**{"in/t.csv": "a,b\n1,2\n", "in/u.json": '{"a": '})
    lake.crawler("in")

    def program(*more, endpoint=None):
        return lake.cloud.runner("crawl", *more, env=lake.cloud.env(endpoint))

    text = program(lake.name, "--diff").ok()
    assert text.stdout.splitlines()[:2] == [f"+ create table in  csv  s3://{lake.name}/in/", "    + column a bigint"] and "u.json is left out" in text.stderr
    run = program(lake.name, "--output", "json").ok().json["run"]
    assert (run["type"], run["name"], run["state"]) == ("crawler", lake.name, "SUCCEEDED") and sorted(lake.tables()) == ["in"]
    assert program(lake.name, "--diff").ok().stdout == f"nothing would change in database {lake.database}\n"
    program("nothing", "--diff").fails(1, "nothing")
    lake.glue.update_crawler(Name=lake.name, Targets={"S3Targets": [{"Path": f"s3://{lake.name}/in"}], "JdbcTargets": [{"ConnectionName": "c", "Path": "db/%"}]})
    program(lake.name, "--diff").fails(1, "JdbcTargets are not crawled by the local cloud")
    program(lake.name).fails(1, "JdbcTargets are not crawled by the local cloud")
    program(lake.name, "--diff", endpoint=lake.cloud.endpoint.replace("127.0.0.1", "0.0.0.0")).fails(2, "--diff needs the local cloud")


def test_a_classifier_lives_with_its_crawler(lake):
    """Made before the crawler that names it, changed in place, made anew where no update can, and gone at the end."""
    def template(*kinds):
        crawler = {"Name": lake.name, "Role": lake.role, "DatabaseName": lake.database, "Classifiers": [f"{lake.name}-{i}" for i in range(len(kinds))],
                   "Targets": {"S3Targets": [{"Path": f"s3://{lake.name}/in"}]}}
        # The crawler stands first: what it names makes it wait.
        return json.dumps({"Resources": {"Crawler": {"Type": "AWS::Glue::Crawler", "Properties": crawler}, **{
            f"K{i}": {"Type": "AWS::Glue::Classifier", "Properties": {kind: {"Name": f"{lake.name}-{i}", **more}}} for i, (kind, more) in enumerate(kinds)}}})

    shop = Shop(lake.cloud.runner, lake.cloud, **{"glueproj.yaml": "Project: classify\nStacks: [all]\n", "all.yaml": template(
        ("CsvClassifier", {"Delimiter": "#", "QuoteSymbol": "'", "ContainsHeader": "PRESENT"}), ("JsonClassifier", {"JsonPath": "$[*]"}))})
    lake.put(**{"in/x.csv": "A#B\n'p#q'#r\n"})
    dot = shop("graph").ok().json["dot"]
    assert '"all/Crawler" -> "all/K0"' in dot and '"all/Crawler" -> "all/K1"' in dot
    assert set(shop("setup").ok().actions().values()) == {"create"}
    lake.crawl()
    assert lake.columns("in") == {"a": "string", "b": "string"}
    assert set(shop("setup").ok().actions().values()) == {"none"}

    def changed(*kinds):
        shop.write("all.yaml", template(*kinds))
        plan = {c["logical_id"]: c["action"] for c in shop("plan").ok().json["changes"]}
        shop("setup").ok()
        assert set(shop("setup").ok().actions().values()) == {"none"}
        return plan, [lake.glue.get_classifier(Name=f"{lake.name}-{i}")["Classifier"] for i in range(len(kinds))]

    plan, (csv, path) = changed(("CsvClassifier", {"Delimiter": "#", "QuoteSymbol": "'", "ContainsHeader": "ABSENT"}), ("JsonClassifier", {"JsonPath": "$.a"}))
    assert plan == {"K0": "update", "K1": "update"} and csv["CsvClassifier"]["ContainsHeader"] == "ABSENT" and csv["CsvClassifier"]["Version"] == 2
    assert path["JsonClassifier"]["JsonPath"] == "$.a"
    # A row that is gone, and another kind under the same name: no update takes these away.
    plan, (csv, grok) = changed(("CsvClassifier", {"Delimiter": "#"}), ("GrokClassifier", {"Classification": "g", "GrokPattern": "%{WORD:w}"}))
    assert plan == {"K0": "update", "K1": "update"} and "QuoteSymbol" not in csv["CsvClassifier"] and list(grok) == ["GrokClassifier"]
    plan, (csv,) = changed(("CsvClassifier", {"Delimiter": "#"}))
    assert plan == {"K1": "delete", "Crawler": "update"}
    assert shop("teardown", "--yes", "--keep-data").ok().json["left"] == []
    assert not [n for c in lake.glue.get_classifiers()["Classifiers"] for n in (next(iter(c.values()))["Name"],) if n.startswith(lake.name)]


def test_wrong_classifiers_are_named(lake):
    shop = Shop(lake.cloud.runner, lake.cloud, **{"glueproj.yaml": "Project: wrong\nStacks: [all]\n", "all.yaml": json.dumps({"Resources": {
        "None": {"Type": "AWS::Glue::Classifier", "Properties": {}},
        "Two": {"Type": "AWS::Glue::Classifier", "Properties": {"JsonClassifier": {"JsonPath": "$"}, "CsvClassifier": {}}},
        "Same": {"Type": "AWS::Glue::Classifier", "Properties": {"CsvClassifier": {"Delimiter": "#", "QuoteSymbol": "#"}}},
        "Path": {"Type": "AWS::Glue::Classifier", "Properties": {"JsonClassifier": {"JsonPath": "items"}}}}})})
    errors = {(e["logical_id"], e["message"]) for e in shop("validate").fails(2).json["errors"]}
    one = "a classifier has exactly one of CsvClassifier, GrokClassifier, JsonClassifier and XMLClassifier"
    assert errors == {("None", one), ("Two", one), ("Same", "the delimiter cannot be the quote symbol too"), ("Path", "a JSON path begins with $")}


def test_partitions_inherit_and_new_columns_are_added(lake):
    lake.put(**{"in/t/d=1/a.csv": "a,b,c\n1,2,3\n", "in/t/d=2/a.csv": "a,b,c,e\n1.5,2,3,x\n"})
    lake.crawler("in/t")

    def partitions():
        found = lake.glue.get_partitions(DatabaseName=lake.database, TableName="t")["Partitions"]
        return {p["Values"][0]: "".join(f"{c['Name']}:{c['Type'][0]} " for c in p["StorageDescriptor"]["Columns"]).split() for p in found}

    lake.crawl()
    assert lake.columns("t") == {"a": "double", "b": "bigint", "c": "bigint", "e": "string"}
    assert partitions() == {"1": ["a:b", "b:b", "c:b"], "2": ["a:d", "b:b", "c:b", "e:s"]}
    output = {"Version": 1.0, "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}, "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}
    lake.glue.update_crawler(Name=lake.name, Configuration=json.dumps(output))
    lake.put(**{"in/t/d=1/a.csv": "a,b,c,f\nx,2,3,4\n"})
    lake.crawl()
    # Of the table that is there, columns keep their types; what is new is added; partitions are as the table.
    assert lake.columns("t") == {"a": "double", "b": "bigint", "c": "bigint", "e": "string", "f": "bigint"}
    assert partitions()["1"] == partitions()["2"] == ["a:d", "b:b", "c:b", "e:s", "f:b"]
