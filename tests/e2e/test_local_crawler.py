"""Crawlers of the local Glue: what Glue's crawler makes of a lake, through boto3."""
import gzip
import io
import json
import time
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from lake import COMBINE, HEADER, ROWS, crawl, make_role, zipped

SALES = pa.schema([
    ("region", pa.string()), ("item_type", pa.string()), ("sales_channel", pa.string()), ("order_priority", pa.string()),
    ("order_date", pa.date32()), ("order_id", pa.string()), ("ship_date", pa.date32()), ("units_sold", pa.int32()),
    *((n, pa.decimal128(10, 2)) for n in ("unit_price", "unit_cost", "total_revenue", "total_cost", "total_profit")),
])
MONEY = [(n, "decimal(10,2)") for n in ("unit_price", "unit_cost", "total_revenue", "total_cost", "total_profit")]
GOLD = [("region", "string"), ("item_type", "string"), ("sales_channel", "string"), ("order_priority", "string"), ("order_date", "date"),
        ("order_id", "string"), ("ship_date", "date"), ("units_sold", "int"), *MONEY]


def parquet(table):
    out = io.BytesIO()
    pq.write_table(table, out, compression="snappy")
    return out.getvalue()


def sales(country_column=None, rows=2):
    columns = {f.name: [None] * rows for f in SALES}
    columns["region"] = ["Asia"] * rows
    columns["total_profit"] = [Decimal("1.25")] * rows
    columns["order_date"] = [date(2014, 1, 31)] * rows
    table = pa.table(columns, schema=SALES)
    return parquet(table.add_column(1, "country", pa.array([country_column] * rows)) if country_column else table)


@pytest.fixture
def lake(cloud):
    class Lake:
        s3, glue, logs = cloud.client("s3"), cloud.client("glue"), cloud.client("logs")
        role = make_role(cloud)

        def bucket(self, name, **objects):
            self.s3.create_bucket(Bucket=name)
            for key, body in objects.items():
                self.put(name, key, body)

        def put(self, bucket, key, body):
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)

        def crawler(self, name, *paths, exclusions=(), **more):
            self.glue.create_crawler(
                Name=name, Role=more.pop("Role", self.role), DatabaseName="db",
                Targets={"S3Targets": [{"Path": p, "Exclusions": list(exclusions)} for p in paths]}, **more)

        def tables(self):
            return {t["Name"]: t for t in self.glue.get_tables(DatabaseName="db")["TableList"]}

        def partitions(self, table):
            pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName="db", TableName=table)
            return [p for page in pages for p in page["Partitions"]]

    lake = Lake()
    lake.cloud = cloud
    lake.glue.create_database(DatabaseInput={"Name": "db"})
    return lake


def columns(table):
    return [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]


def keys(table):
    return [(c["Name"], c["Type"]) for c in table["PartitionKeys"]]


def test_the_sales_lake_as_glue_shows_it(lake):
    lake.bucket("etl-poc-data-raw")
    lake.put("etl-poc-data-raw", "2m-Sales-Records.csv", HEADER + ROWS)
    lake.put("etl-poc-data-raw", "2m-Sales-Records.zip", zipped("2m Sales Records.csv", HEADER + ROWS))
    lake.bucket("etl-poc-data-silver")
    lake.put("etl-poc-data-silver", "2m-Sales-Records/part-00000-x.snappy.parquet", sales("Chad"))
    lake.bucket("etl-poc-data-gold")
    for country in ("Chad", "Cote d%27Ivoire", "Japan"):
        lake.put("etl-poc-data-gold", f"2m-Sales-Records/country={country}/part-00000-x.snappy.parquet", sales(rows=3))
    for stage in ("raw", "silver", "gold"):
        lake.crawler(f"crawler_{stage}", f"s3://etl-poc-data-{stage}", Configuration=COMBINE,
                     SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"})
        assert crawl(lake.glue, f"crawler_{stage}")["Status"] == "SUCCEEDED"
    tables = lake.tables()
    assert sorted(tables) == ["2m_sales_records_csv", "2m_sales_records_zip", "etl_poc_data_gold", "etl_poc_data_silver"]
    raw = tables["2m_sales_records_csv"]
    assert raw["StorageDescriptor"]["Location"] == "s3://etl-poc-data-raw/2m-Sales-Records.csv"
    assert raw["Parameters"]["classification"] == "csv" and raw["Parameters"]["compressionType"] == "none"
    assert raw["Parameters"]["skip.header.line.count"] == "1" and raw["Parameters"]["delimiter"] == ","
    assert raw["PartitionKeys"] == [] and raw["TableType"] == "EXTERNAL_TABLE"
    assert columns(raw) == [
        ("region", "string"), ("country", "string"), ("item type", "string"), ("sales channel", "string"), ("order priority", "string"),
        ("order date", "string"), ("order id", "bigint"), ("ship date", "string"), ("units sold", "bigint"), ("unit price", "double"),
        ("unit cost", "double"), ("total revenue", "double"), ("total cost", "double"), ("total profit", "double")]
    assert tables["2m_sales_records_zip"]["Parameters"]["compressionType"] == "zip"
    assert columns(tables["2m_sales_records_zip"]) == columns(raw)
    silver, gold = tables["etl_poc_data_silver"], tables["etl_poc_data_gold"]
    assert silver["StorageDescriptor"]["Location"] == "s3://etl-poc-data-silver/" and ("country", "string") in columns(silver)
    assert gold["StorageDescriptor"]["Location"] == "s3://etl-poc-data-gold/"
    assert columns(gold) == GOLD and keys(gold) == [("partition_0", "string"), ("country", "string")]
    serde = gold["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"].endswith("ParquetHiveSerDe") and serde["Parameters"] == {"serialization.format": "1"}
    size = sum(o["Size"] for o in lake.s3.list_objects_v2(Bucket="etl-poc-data-gold")["Contents"])
    expected = {
        "sizeKey": str(size), "objectCount": "3", "recordCount": "9", "compressionType": "none", "classification": "parquet",
        "typeOfData": "file", "UPDATED_BY_CRAWLER": "crawler_gold", "partition_filtering.enabled": "true",
        "CrawlerSchemaSerializerVersion": "1.0", "CrawlerSchemaDeserializerVersion": "1.0"}
    assert {k: gold["Parameters"].get(k) for k in expected} == expected and int(gold["Parameters"]["averageRecordSize"]) > 0
    assert sorted(p["Values"] for p in lake.partitions("etl_poc_data_gold")) == [
        ["2m-Sales-Records", "Chad"], ["2m-Sales-Records", "Cote d'Ivoire"], ["2m-Sales-Records", "Japan"]]
    one = lake.partitions("etl_poc_data_gold")[1]["StorageDescriptor"]
    assert one["Location"] == "s3://etl-poc-data-gold/2m-Sales-Records/country=Cote d%27Ivoire/" and len(one["Columns"]) == len(GOLD)


def test_folders_of_different_shape_are_tables_of_their_own(lake):
    lake.bucket("key-bucket")
    base = "data/sample-input"
    lake.put("key-bucket", f"{base}/chain-tickers/a.csv", "last_updated_dt;chainid;chainname;ticker;data\n2020-06-23;x1;Citi;C;1\n")
    lake.put("key-bucket", f"{base}/chain-venues/b.csv", "venueid;chainid;chainname;data\nv1;x1;Citi;1\n")
    lake.put("key-bucket", f"{base}/data-set/c.csv", "venueid;utc_date;gender;age;score;dwell\nv1;2020-06-02;Male;Age_40;163.4;326\n")
    lake.put("key-bucket", f"{base}/data-set/_SUCCESS", "")
    lake.crawler("c", f"s3://key-bucket/{base}", TablePrefix="sample_")
    assert crawl(lake.glue, "c")["Status"] == "SUCCEEDED"
    tables = lake.tables()
    assert sorted(tables) == ["sample_chain_tickers", "sample_chain_venues", "sample_data_set"]
    assert columns(tables["sample_data_set"]) == [
        ("venueid", "string"), ("utc_date", "string"), ("gender", "string"), ("age", "string"), ("score", "double"), ("dwell", "bigint")]
    assert tables["sample_chain_tickers"]["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ";"}
    assert tables["sample_chain_tickers"]["StorageDescriptor"]["Location"] == f"s3://key-bucket/{base}/chain-tickers/"


def test_parquet_types_partitions_and_gzip(lake):
    lake.bucket("types")
    table = pa.table({
        "B": pa.array([True]), "i8": pa.array([1], pa.int8()), "i64": pa.array([1], pa.int64()), "f": pa.array([1.0], pa.float32()),
        "d": pa.array([1.0]), "dec": pa.array([Decimal("1.234")], pa.decimal128(20, 3)), "ts": pa.array([datetime(2020, 1, 2)], pa.timestamp("us")),
        "bin": pa.array([b"x"]), "tags": pa.array([["a"]], pa.list_(pa.string())),
        "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())), "st": pa.array([{"x": 1, "y": "z"}]),
    })
    for year in (2020, 2021):
        lake.put("types", f"events/year={year}/eu/a.parquet", parquet(table))
    lake.put("types", "logs/a.csv.gz", gzip.compress(b"id|name\n1|a\n2|b\n"))
    lake.crawler("c", "s3://types/events/", "s3://types/logs/")
    assert crawl(lake.glue, "c")["Status"] == "SUCCEEDED"
    events, logs = lake.tables()["events"], lake.tables()["logs"]
    assert columns(events) == [
        ("b", "boolean"), ("i8", "tinyint"), ("i64", "bigint"), ("f", "float"), ("d", "double"), ("dec", "decimal(20,3)"), ("ts", "timestamp"),
        ("bin", "binary"), ("tags", "array<string>"), ("m", "map<string,int>"), ("st", "struct<x:bigint,y:string>")]
    assert keys(events) == [("year", "string"), ("partition_1", "string")]
    assert sorted(p["Values"] for p in lake.partitions("events")) == [["2020", "eu"], ["2021", "eu"]]
    assert logs["Parameters"]["compressionType"] == "gzip" and logs["Parameters"]["delimiter"] == "|"
    assert logs["StorageDescriptor"]["Compressed"] is True and columns(logs) == [("id", "bigint"), ("name", "string")]


def test_exclusions_and_empty_targets(lake):
    lake.bucket("bkt")
    lake.put("bkt", "in/a.csv", "x,y\n1,2\n")
    lake.put("bkt", "in/tmp/b.csv", "p;q;r\n1;2;3\n")
    lake.put("bkt", "in/a.log", "x,y\n1,2\n")
    lake.crawler("c", "s3://bkt/in", exclusions=["tmp/**", "*.{log,bak}"])
    lake.crawler("none", "s3://bkt/nothing-here")
    assert crawl(lake.glue, "c")["Status"] == "SUCCEEDED" and crawl(lake.glue, "none")["Status"] == "SUCCEEDED"
    assert sorted(lake.tables()) == ["in"] and lake.tables()["in"]["Parameters"]["objectCount"] == "1"
    assert json.loads(lake.tables()["in"]["Parameters"]["exclusions"]) == ["tmp/**", "*.{log,bak}"]


@pytest.mark.parametrize("behavior", ["LOG", "DEPRECATE_IN_DATABASE", "DELETE_FROM_DATABASE"])
def test_what_is_gone(lake, behavior):
    lake.bucket("bkt")
    lake.put("bkt", "t/k=1/a.csv", "x,y\n1,2\n")
    lake.put("bkt", "t/k=2/a.csv", "x,y\n1,2\n")
    lake.put("bkt", "other/a.csv", "p,q,r\n1,2,3\n")
    lake.crawler("c", "s3://bkt/", SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": behavior})
    crawl(lake.glue, "c")
    assert sorted(lake.tables()) == ["other", "t"]
    lake.s3.delete_object(Bucket="bkt", Key="other/a.csv")
    lake.s3.delete_object(Bucket="bkt", Key="t/k=2/a.csv")
    lake.put("bkt", "t/k=3/a.csv", "x,y,z\n1,2,w\n")
    crawl(lake.glue, "c")
    names = [n for n in lake.tables() if n.startswith("other")]
    assert names == ([] if behavior == "DELETE_FROM_DATABASE" else ["other"])
    if names:
        assert ("DEPRECATED_BY_CRAWLER" in lake.tables()["other"]["Parameters"]) == (behavior == "DEPRECATE_IN_DATABASE")


def test_updates_keep_or_change_columns(lake):
    lake.bucket("bkt")
    lake.put("bkt", "t/a.csv", "x,y\n1,2\n")
    lake.crawler("log", "s3://bkt/t", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}, TablePrefix="l_")
    lake.crawler("update", "s3://bkt/t", TablePrefix="u_")
    for name in ("log", "update"):
        crawl(lake.glue, name)
    lake.put("bkt", "t/a.csv", "x,z\n1.5,2\n")
    for name in ("log", "update"):
        crawl(lake.glue, name)
    assert columns(lake.tables()["l_t"]) == [("x", "bigint"), ("y", "bigint")]
    assert columns(lake.tables()["u_t"]) == [("x", "double"), ("z", "bigint")]


def test_a_name_taken_by_another_place_gets_a_hash(lake):
    lake.bucket("bkt")
    lake.put("bkt", "one/t/a.csv", "x,y\n1,2\n")
    lake.put("bkt", "one/u/a.csv", "k|l|m\n1|2|3\n")
    lake.put("bkt", "two/t/a.csv", "p;q;r;s\n1;2;3;4\n")
    lake.put("bkt", "two/v/a.csv", "e\tf\n1\t2\n")
    lake.crawler("c", "s3://bkt/")
    crawl(lake.glue, "c")
    names = sorted(lake.tables())
    assert [n[:2] for n in names] == ["t", "t_", "u", "v"] and len(names[1]) == len("t_") + 32
    crawl(lake.glue, "c")
    assert sorted(lake.tables()) == names


def test_a_role_that_may_not_read_fails_the_crawl(lake):
    lake.bucket("bkt")
    lake.put("bkt", "t/a.csv", "x,y\n1,2\n")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]})
    lake.crawler("c", "s3://bkt/t", Role=make_role(lake.cloud, "NoRead", policy))
    last = crawl(lake.glue, "c")
    assert last["Status"] == "FAILED" and "Access Denied" in last["ErrorMessage"]
    assert lake.tables() == {}
    events = lake.logs.get_log_events(logGroupName="/aws-glue/crawlers", logStreamName="c", startFromHead=True)["events"]
    messages = [e["message"] for e in events]
    assert any("BENCHMARK : Running Start Crawl for Crawler c" in m for m in messages) and any("ERROR : " in m for m in messages)
    crawls = lake.glue.list_crawls(CrawlerName="c")["Crawls"]
    assert [c["State"] for c in crawls] == ["FAILED"] and crawls[0]["LogGroup"] == "/aws-glue/crawlers"


def test_crawler_life(lake, proxy):
    glue = lake.cloud.client("glue", endpoint=proxy.endpoint)
    lake.bucket("bkt")

    def fails(code, call, **arguments):
        with pytest.raises(ClientError) as e:
            call(**arguments)
        assert e.value.response["Error"]["Code"] == code, e.value
        return e.value.response["Error"]["Message"]

    good = {"Name": "c", "Role": lake.role, "DatabaseName": "db", "Targets": {"S3Targets": [{"Path": "s3://bkt/"}]}}
    assert "bucket nope does not exist" in fails("InvalidInputException", glue.create_crawler, **{
        **good, "Targets": {"S3Targets": [{"Path": "s3://nope/x"}]}})
    assert "unable to assume provided role" in fails("InvalidInputException", glue.create_crawler, **{**good, "Role": "Nobody"})
    fails("InvalidInputException", glue.create_crawler, **good, Schedule="every day")
    fails("InvalidInputException", glue.create_crawler, **good, Configuration="{not json")
    glue.create_crawler(**good, Tags={"team": "x"}, Schedule="cron(0 12 * * ? *)", Configuration=COMBINE)
    fails("AlreadyExistsException", glue.create_crawler, **good)
    got = glue.get_crawler(Name="c")["Crawler"]
    assert got["Role"] == "CrawlerRole" and got["State"] == "READY" and got["Version"] == 1 and got["Configuration"] == COMBINE
    assert got["Schedule"] == {"ScheduleExpression": "cron(0 12 * * ? *)", "State": "SCHEDULED"}
    assert got["SchemaChangePolicy"] == {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
    assert got["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"} and "LastCrawl" not in got
    glue.update_crawler(Name="c", Description="d", Schedule="")
    got = glue.get_crawler(Name="c")["Crawler"]
    assert got["Description"] == "d" and "Schedule" not in got and got["Version"] == 2 and got["TablePrefix" if "TablePrefix" in got else "Name"]
    fails("CrawlerNotRunningException", glue.stop_crawler, Name="c")
    assert glue.list_crawlers(Tags={"team": "x"})["CrawlerNames"] == ["c"] and glue.list_crawlers(Tags={"team": "y"})["CrawlerNames"] == []
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:{lake.cloud.region}:{lake.cloud.account}:crawler/c")["Tags"] == {"team": "x"}
    assert crawl(glue, "c")["Status"] == "SUCCEEDED"
    assert glue.get_crawler_metrics(CrawlerNameList=["c"])["CrawlerMetricsList"][0]["TablesCreated"] == 0
    found = glue.batch_get_crawlers(CrawlerNames=["c", "nope"])
    assert [c["Name"] for c in found["Crawlers"]] == ["c"] and found["CrawlersNotFound"] == ["nope"]
    glue.delete_crawler(Name="c")
    for call in (glue.get_crawler, glue.delete_crawler, glue.start_crawler):
        fails("EntityNotFoundException", call, Name="c")


def test_running_stopping_and_many_objects(lake):
    lake.bucket("many")
    body = sales(rows=1)
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: lake.put("many", f"t/day={i:04}/part.parquet", body), range(1500)))
    lake.crawler("c", "s3://many/t")
    lake.glue.start_crawler(Name="c")
    with pytest.raises(ClientError) as e:
        lake.glue.start_crawler(Name="c")
    assert e.value.response["Error"]["Code"] == "CrawlerRunningException"
    try:
        lake.glue.stop_crawler(Name="c")
        stopped = True
    except ClientError as e:
        assert e.response["Error"]["Code"] in ("CrawlerNotRunningException", "CrawlerStoppingException")
        stopped = False
    while lake.glue.get_crawler(Name="c")["Crawler"]["State"] != "READY":
        time.sleep(0.05)
    if stopped:
        assert lake.glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] in ("CANCELLED", "SUCCEEDED")
    begin = time.monotonic()
    assert crawl(lake.glue, "c")["Status"] == "SUCCEEDED"
    assert time.monotonic() - begin < 10
    assert len(lake.partitions("t")) == 1500


def test_a_crawl_that_kill_9_cut_short_has_failed(lake):
    lake.bucket("bkt")
    for i in range(300):
        lake.put("bkt", f"t/a{i}.csv", "x,y\n" + "1,2\n" * 20000)
    lake.crawler("c", "s3://bkt/t")
    lake.glue.start_crawler(Name="c")
    lake.cloud.kill()
    lake.cloud.start()
    glue = lake.cloud.client("glue")
    crawler = glue.get_crawler(Name="c")["Crawler"]
    assert crawler["State"] == "READY" and crawler["LastCrawl"]["Status"] in ("FAILED", "SUCCEEDED")
    assert crawl(glue, "c")["Status"] == "SUCCEEDED"
    assert [c["State"] for c in glue.list_crawls(CrawlerName="c")["Crawls"]][0] == "COMPLETED"
