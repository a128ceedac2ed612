"""The local Athena: Trino's SQL over the catalog, work groups, executions and results, through boto3."""
import gzip
import io
import json
import time
from decimal import Decimal

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from lake import COMBINE, HEADER, ROWS, await_query, crawl, csv_table, execute, make_role, query, refusal, values, zipped

COUNTRIES = {
    "Asia": [("Japan", "3478111222.10"), ("Myanmar", "3469000000.00"), ("Tajikistan", "3488999999.99"), ("Nepal", "12.00")],
    "Europe": [("France", "1700000000.50"), ("Malta", "1600000000.00")],
}


def parquet(table):
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@pytest.fixture
def athena(cloud):
    s3, glue = cloud.client("s3"), cloud.client("glue")
    for bucket in ("lake-data", "results"):
        s3.create_bucket(Bucket=bucket)
    glue.create_database(DatabaseInput={"Name": "lake"})
    return cloud.client("athena")


@pytest.fixture
def gold(cloud, athena):
    """The gold table as the crawler makes it, with a few countries."""
    s3, glue = cloud.client("s3"), cloud.client("glue")
    for region, countries in COUNTRIES.items():
        for country, profit in countries:
            table = pa.table({
                "region": [region], "units_sold": pa.array([7], pa.int32()),
                "total_profit": pa.array([Decimal(profit)], pa.decimal128(12, 2)),
            })
            s3.put_object(Bucket="lake-data", Key=f"2m-Sales-Records/country={country}/part-0.parquet", Body=parquet(table))
    glue.create_crawler(Name="c", Role=make_role(cloud), DatabaseName="lake", Configuration=COMBINE,
                        Targets={"S3Targets": [{"Path": "s3://lake-data"}]})
    assert crawl(glue, "c")["Status"] == "SUCCEEDED"
    return athena


def test_the_two_queries_of_the_sales_lake(gold):
    assert query(gold, """
        SELECT region, CAST(SUM(total_profit) / 1000000000 AS int) AS profit_billions
        FROM lake_data GROUP BY region ORDER BY profit_billions DESC""") == [["Asia", "10"], ["Europe", "3"]]
    assert query(gold, """
        WITH profits AS (
          SELECT region, country, CAST(SUM(total_profit) / 1000000 AS integer) AS profit FROM "lake"."lake_data" GROUP BY region, country
        ), ranked AS (
          SELECT region, country, profit, row_number() OVER (PARTITION BY region ORDER BY profit DESC) AS n FROM profits
        )
        SELECT region, country, profit FROM ranked WHERE n <= 3 ORDER BY region, profit DESC;""") == [
            ["Asia", "Tajikistan", "3489"], ["Asia", "Japan", "3478"], ["Asia", "Myanmar", "3469"],
            ["Europe", "France", "1700"], ["Europe", "Malta", "1600"]]


def test_partitions_prune_what_is_read(gold):
    every = execute(gold, "SELECT region, total_profit FROM lake_data")
    one = execute(gold, "SELECT region, total_profit FROM lake_data WHERE country = 'Japan'")
    nothing = execute(gold, "SELECT count(*) FROM lake_data WHERE country = 'Atlantis'")
    scanned = [e["Statistics"]["DataScannedInBytes"] for e in (every, one, nothing)]
    assert scanned[0] == 6 * scanned[1] > 0 or scanned[0] > 4 * scanned[1] > 0
    assert scanned[2] == 0
    assert query(gold, "SELECT partition_0, country FROM lake_data WHERE country LIKE 'Ja%'") == [["2m-Sales-Records", "Japan"]]


# Trino's answers, each where DuckDB by itself would give another.
ANSWERS = {
    "7 / 2": "3", "-7 / 2": "-3", "7.0 / 2": "3.5", "7 % 4": "3", "1e0 / 0": "Infinity", "cast(1 as double)": "1.0",
    "cast(12.5 as int)": "13", "cast(12.5e0 as int)": "13", "cast(-12.5e0 as bigint)": "-13", "cast('42' as bigint)": "42",
    "try_cast('4.2' as integer)": None, "try(1 / 0)": None, "1e7": "1.0E7", "123456.789e0": "123456.789", "1e-4": "1.0E-4",
    "cast(1e10 as varchar)": "1.0E10", "cast('abcdef' as varchar(3))": "abc", "cast(1.50 as varchar)": "1.50",
    "concat('a', null)": None, "'a' || 'b'": "ab", "greatest(1, null)": None, "substr('hello', 0)": "", "substr('hello', -3, 2)": "ll",
    "split_part('a,b', ',', 3)": None, "regexp_replace('a1b2', '[0-9]', '<$0>')": "a<1>b<2>", "regexp_extract('abc', 'x')": None,
    "date_format(date '2020-02-03', '%d.%c.%y %W')": "03.2.20 Monday", "date_parse('3/2/2020', '%e/%c/%Y')": "2020-02-03 00:00:00.000",
    "date_trunc('month', date '2020-02-03')": "2020-02-01", "date '2020-01-31' + interval '1' month": "2020-02-29",
    "date_add('day', -1, date '2020-03-01')": "2020-02-29", "date_diff('day', date '2020-02-28', date '2020-03-01')": "2",
    "day_of_week(date '2020-02-02')": "7", "cast(timestamp '2020-01-01 10:00:00' as varchar)": "2020-01-01 10:00:00.000",
    "round(2.5e0)": "3.0", "round(1.255, 2)": "1.260", "element_at(array[1,2], 3)": None, "cardinality(array[1,2,3])": "3",
    "json_extract_scalar('{\"a\": {\"b\": 7}}', '$.a.b')": "7", "json_extract_scalar('{\"a\": {}}', '$.a')": None,
    "json_extract_scalar('not json', '$.a')": None, "if(1 > 2, 'y', 'n')": "n", "coalesce(null, 'x')": "x", "nullif(1, 1)": None,
    "1 is distinct from null": "true", "array[1, null]": "[1, null]", "from_unixtime(0)": "1970-01-01 00:00:00.000 UTC",
    "typeof(1.5 * 2)": "decimal(12,1)", "decimal '1.50'": "1.50", "true": "true", "null": None, "''": "", "'it''s \"q\"'": "it's \"q\"",
}


def test_answers_are_trinos(athena):
    sql = "SELECT " + ", ".join(ANSWERS)
    (row,) = query(athena, sql)
    assert dict(zip(ANSWERS, row)) == ANSWERS


@pytest.mark.parametrize("sql, reason", [
    ("SELECT nosuch FROM t", "SYNTAX_ERROR: line 1:8: Column 'nosuch' cannot be resolved"),
    ("SELECT *\nFROM missing", "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.lake.missing' does not exist"),
    ("SELECT a FRM t", "SYNTAX_ERROR: line 1:14: mismatched input 't'"),
    ("SELECT a FROM t WHERE", "SYNTAX_ERROR: line 1:22: mismatched input '<EOF>'"),
    ("SELECT a::int FROM t", "SYNTAX_ERROR: line 1:9: mismatched input ':'"),
    ("SELECT `a` FROM t", "SYNTAX_ERROR: line 1:8: backquoted identifiers are not supported"),
    ("SELECT 1; SELECT 2", "SYNTAX_ERROR: line 1:9: mismatched input ';'"),
    ("SELECT a FROM t WHERE a = 'x'", "TYPE_MISMATCH: line 1:25: Cannot apply operator: bigint = varchar"),
    ("SELECT a x FROM t GROUP BY x", "SYNTAX_ERROR: line 1:28: Column 'x' cannot be resolved"),
    ("SELECT a, b FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE"),
    ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT cast('1.5' as int)", "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT"),
    ("SELECT list_sort(array[2,1])", "NOT_SUPPORTED: line 1:8: function 'list_sort'"),
    ("SELECT transform(array[1], x -> x)", "NOT_SUPPORTED: line 1:30: lambda expressions"),
    ("SELECT * FROM read_csv('/etc/passwd')", "NOT_SUPPORTED"),
    ("SELECT * FROM '/etc/passwd'", "does not exist"),
    ("SELECT a FROM t UNION SELECT b FROM t", "TYPE_MISMATCH"),
    ("SELECT lower(a) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (bigint) for function lower"),
    ("CREATE TABLE x AS SELECT 1", "NOT_SUPPORTED: line 1:1: CREATE TABLE"),
    ("CREATE DATABASE lake", "AlreadyExistsException"),
    ("DROP DATABASE lake", "is not empty"),
    ("DROP DATABASE none", "EntityNotFoundException"),
    ("CREATE DATABASE", "mismatched input"),
    ("DROP TABLE IF t", "mismatched input"),
    ("INSERT INTO t VALUES (1)", "NOT_SUPPORTED: line 1:1: INSERT"),
    ("MSCK REPAIR TABLE t", "NOT_SUPPORTED: line 1:1: MSCK"),
    ("COPY t TO '/tmp/x'", "NOT_SUPPORTED"),
    ("ATTACH '/tmp/x'", "NOT_SUPPORTED"),
    ("PRAGMA version", "NOT_SUPPORTED"),
    ("SET memory_limit='1TB'", "NOT_SUPPORTED"),
])
def test_refusals_name_the_reason(cloud, athena, sql, reason):
    csv_table(cloud.client("glue"), cloud.client("s3"), "t", "a,b\n1,x\n", [("a", "bigint"), ("b", "string")])
    assert reason in refusal(athena, sql)


def test_csv_is_read_as_lazy_simple_serde_reads_it(cloud, athena):
    s3, glue = cloud.client("s3"), cloud.client("glue")
    text = "id,price,day,flag,name\n1,1.255,2020-01-02,true,a\nx,,2020-13-02,YES,\n,9,2020-1-2,FALSE,\\N\n3\n4,1,2020-01-02,true,\"q\",more\r\n"
    columns = [("id", "int"), ("price", "decimal(10,2)"), ("day", "date"), ("flag", "boolean"), ("name", "string")]
    csv_table(glue, s3, "t", text, columns)
    expected = [
        ["1", "1.26", "2020-01-02", "true", "a"], [None, None, None, None, ""], [None, "9.00", "2020-01-02", "false", None],
        ["3", None, None, None, None], ["4", "1.00", "2020-01-02", "true", '"q"']]
    assert query(athena, "SELECT * FROM t") == expected
    csv_table(glue, s3, "z", gzip.compress(text.encode()), columns, key="z/data.csv.gz")
    assert query(athena, "SELECT * FROM z") == expected
    csv_table(glue, s3, "quoted", 'a,b\n"1","x, ""y"""\n"2",\n', [("a", "int"), ("b", "string")],
              serde="org.apache.hadoop.hive.serde2.OpenCSVSerde", parameters={"separatorChar": ",", "quoteChar": '"'})
    assert query(athena, "SELECT a, b FROM quoted ORDER BY a") == [["1", 'x, "y"'], ["2", ""]]
    s3.put_object(Bucket="lake-data", Key="raw/2m-Sales-Records.zip", Body=zipped("2m Sales Records.csv", HEADER + ROWS))
    glue.create_crawler(Name="c", Role=make_role(cloud), DatabaseName="lake", Targets={"S3Targets": [{"Path": "s3://lake-data/raw/"}]})
    crawl(glue, "c")
    assert query(athena, 'SELECT region, sum("total profit"), count(*) FROM raw GROUP BY 1 ORDER BY 1') == [
        ["Asia", "1168.1", "2"], ["Europe", "2657.7", "1"]]


def test_results_metadata_files_and_pages(cloud, athena):
    execution = execute(athena, "SELECT x, cast(x AS double) AS d, cast(x AS decimal(10,2)) AS p, 'a' AS s, x > 2, DATE '2020-01-01' "
                                "FROM UNNEST(array[1,2,3]) AS t(x) ORDER BY x")
    assert execution["Status"]["State"] == "SUCCEEDED" and execution["StatementType"] == "DML"
    assert execution["Status"]["CompletionDateTime"] >= execution["Status"]["SubmissionDateTime"]
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://results/{execution['QueryExecutionId']}.csv"
    body = cloud.client("s3").get_object(Bucket="results", Key=location.split("/")[-1])["Body"].read().decode()
    assert body == ('"x","d","p","s","_col4","_col5"\n"1","1.0","1.00","a","false","2020-01-01"\n'
                    '"2","2.0","2.00","a","false","2020-01-01"\n"3","3.0","3.00","a","true","2020-01-01"\n')
    assert cloud.client("s3").head_object(Bucket="results", Key=location.split("/")[-1] + ".metadata")
    result = athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert [values(r) for r in result["ResultSet"]["Rows"]][0] == ["x", "d", "p", "s", "_col4", "_col5"]
    info = [(c["Name"], c["Type"], c["Precision"], c["Scale"]) for c in result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    assert info == [("x", "integer", 10, 0), ("d", "double", 17, 0), ("p", "decimal", 10, 2), ("s", "varchar", 2147483647, 0),
                    ("_col4", "boolean", 0, 0), ("_col5", "date", 0, 0)]
    csv_table(cloud.client("glue"), cloud.client("s3"), "many", "".join(f"{i},n\n{''}" for i in range(2500)),
              [("i", "int"), ("n", "string")], skip=0)
    execution = execute(athena, "SELECT i FROM many ORDER BY i")
    pages = list(athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"]))
    assert [len(p["ResultSet"]["Rows"]) for p in pages] == [1000, 1000, 501]
    rows = [values(r)[0] for p in pages for r in p["ResultSet"]["Rows"]]
    assert rows == ["i"] + [str(i) for i in range(2500)]


def test_show_and_describe(gold):
    assert query(gold, "SHOW TABLES") == [["lake_data"]]
    assert query(gold, "SHOW TABLES IN lake 'x*'") == []
    assert ["lake"] in query(gold, "SHOW DATABASES")
    assert [r[0].strip() for r in query(gold, "SHOW COLUMNS IN lake_data")] == [
        "region", "units_sold", "total_profit", "partition_0", "country"]
    assert ["partition_0=2m-Sales-Records/country=Japan"] in query(gold, "SHOW PARTITIONS lake_data")
    lines = [r[0].split("\t") for r in query(gold, "DESCRIBE lake.lake_data")]
    assert [x.strip() for x in lines[2]] == ["total_profit", "decimal(12,2)", ""]
    assert "# Partition Information" in [line[0].strip() for line in lines]
    assert "table not found" in refusal(gold, "DESCRIBE nope")


def fails(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    assert e.value.response["Error"]["Code"] == "InvalidRequestException", e.value
    return e.value.response["Error"]["Message"]


def test_databases_are_made_and_dropped(cloud, athena):
    def run(sql):
        started = athena.start_query_execution(QueryString=sql, ResultConfiguration={"OutputLocation": "s3://results/"})
        return await_query(athena, started["QueryExecutionId"])

    def names():
        return [d["Name"] for d in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]

    done = run("CREATE DATABASE IF NOT EXISTS `Made` COMMENT 'by hand' LOCATION 's3://lake-data/made/' WITH DBPROPERTIES ('a'='1', 'b'='2');")
    assert (done["Status"]["State"], done["StatementType"]) == ("SUCCEEDED", "DDL")
    assert run("create schema if not exists made")["Status"]["State"] == "SUCCEEDED"
    assert athena.get_database(CatalogName="AwsDataCatalog", DatabaseName="MADE")["Database"] == {
        "Name": "made", "Description": "by hand", "Parameters": {"a": "1", "b": "2"}}
    assert names() == ["lake", "made"]
    csv_table(cloud.client("glue"), cloud.client("s3"), "t", "a\n1\n", [("a", "bigint")])
    table = athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="lake", TableName="t")["TableMetadata"]
    assert table["Columns"] == [{"Name": "a", "Type": "bigint"}] and table["Parameters"]["location"].startswith("s3://")
    listed = athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="lake", Expression="*")["TableMetadataList"]
    assert [t["Name"] for t in listed] == ["t"]
    with pytest.raises(athena.exceptions.MetadataException):
        athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="lake", TableName="none")
    for sql in ("DROP TABLE lake.t", "DROP TABLE IF EXISTS lake.t", "DROP DATABASE lake CASCADE", "DROP SCHEMA IF EXISTS none", "DROP DATABASE made"):
        assert run(sql)["Status"]["State"] == "SUCCEEDED", sql
    assert names() == []


def test_work_groups(cloud, athena, proxy):
    athena = cloud.client("athena", endpoint=proxy.endpoint)
    athena.create_work_group(Name="g", Configuration={"ResultConfiguration": {"OutputLocation": "s3://results/g"}},
                             Description="d", Tags=[{"Key": "a", "Value": "b"}])
    assert fails(athena.create_work_group, Name="g") == "WorkGroup is already created"
    group = athena.get_work_group(WorkGroup="g")["WorkGroup"]
    assert group["State"] == "ENABLED" and group["Description"] == "d"
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert group["Configuration"]["ResultConfiguration"] == {"OutputLocation": "s3://results/g"}
    assert {g["Name"] for g in athena.list_work_groups()["WorkGroups"]} == {"g", "primary"}
    arn = f"arn:aws:athena:{cloud.region}:{cloud.account}:workgroup/g"
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    athena.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    enforced = execute(athena, "SELECT 1", WorkGroup="g", ResultConfiguration={"OutputLocation": "s3://elsewhere/"})
    assert enforced["ResultConfiguration"]["OutputLocation"].startswith("s3://results/g/") and enforced["WorkGroup"] == "g"
    assert enforced["Status"]["State"] == "SUCCEEDED"
    assert athena.list_query_executions(WorkGroup="g")["QueryExecutionIds"] == [enforced["QueryExecutionId"]]
    assert fails(athena.delete_work_group, WorkGroup="g") == "WorkGroup g is not empty"
    athena.update_work_group(WorkGroup="g", State="DISABLED", ConfigurationUpdates={
        "EnforceWorkGroupConfiguration": False, "ResultConfigurationUpdates": {"RemoveOutputLocation": True}, "BytesScannedCutoffPerQuery": 10000000})
    configuration = athena.get_work_group(WorkGroup="g")["WorkGroup"]["Configuration"]
    assert "OutputLocation" not in configuration["ResultConfiguration"] and configuration["BytesScannedCutoffPerQuery"] == 10000000
    assert fails(athena.start_query_execution, QueryString="SELECT 1", WorkGroup="g") == "WorkGroup g is disabled."
    athena.delete_work_group(WorkGroup="g", RecursiveDeleteOption=True)
    assert fails(athena.get_work_group, WorkGroup="g") == "WorkGroup g is not found."
    assert "primary" in fails(athena.delete_work_group, WorkGroup="primary", RecursiveDeleteOption=True)
    assert "No output location provided" in fails(athena.start_query_execution, QueryString="SELECT 1")
    assert "not found" in fails(athena.get_query_execution, QueryExecutionId=enforced["QueryExecutionId"])


def test_tokens_and_batches(athena):
    token = "t" * 32
    where = {"ResultConfiguration": {"OutputLocation": "s3://results/"}, "ClientRequestToken": token}
    first = athena.start_query_execution(QueryString="SELECT 1", **where)["QueryExecutionId"]
    assert athena.start_query_execution(QueryString="SELECT 1", **where)["QueryExecutionId"] == first
    assert "Idempotent" in fails(athena.start_query_execution, QueryString="SELECT 2", **where)
    await_query(athena, first)
    got = athena.batch_get_query_execution(QueryExecutionIds=[first, "nope"])
    assert [q["QueryExecutionId"] for q in got["QueryExecutions"]] == [first]
    assert [q["QueryExecutionId"] for q in got["UnprocessedQueryExecutionIds"]] == ["nope"]
    named = athena.create_named_query(Name="n", Database="lake", QueryString="SELECT 1")["NamedQueryId"]
    assert athena.get_named_query(NamedQueryId=named)["NamedQuery"]["QueryString"] == "SELECT 1"
    assert athena.list_named_queries()["NamedQueryIds"] == [named]
    athena.delete_named_query(NamedQueryId=named)
    assert athena.list_named_queries()["NamedQueryIds"] == []


SLOW = "SELECT count(*) FROM big a CROSS JOIN big b CROSS JOIN big c WHERE a.i + b.i * c.i = -1"


@pytest.fixture
def slow(cloud, athena):
    csv_table(cloud.client("glue"), cloud.client("s3"), "big", "".join(f"{i},n\n" for i in range(5000)), [("i", "bigint"), ("n", "string")], skip=0)
    query_id = athena.start_query_execution(QueryString=SLOW, QueryExecutionContext={"Database": "lake"},
                                            ResultConfiguration={"OutputLocation": "s3://results/"})["QueryExecutionId"]
    until = time.monotonic() + 10
    while athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"] != "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.02)
    return query_id


def test_a_query_is_cancelled(athena, slow):
    assert "not yet finished" in fails(athena.get_query_results, QueryExecutionId=slow)
    athena.stop_query_execution(QueryExecutionId=slow)
    execution = await_query(athena, slow, timeout=5)
    assert execution["Status"]["State"] == "CANCELLED"
    assert "CANCELLED" in fails(athena.get_query_results, QueryExecutionId=slow)


def test_a_query_that_kill_9_cut_short_has_failed(cloud, slow):
    cloud.kill()
    cloud.start()
    status = cloud.client("athena").get_query_execution(QueryExecutionId=slow)["QueryExecution"]["Status"]
    assert status["State"] == "FAILED" and "during this query" in status["StateChangeReason"]


def test_the_server_stops_with_a_query_under_way(cloud, slow):
    begin = time.monotonic()
    cloud.stop().ok()
    assert time.monotonic() - begin < 10
    cloud.start()


def test_a_role_sees_only_what_it_may(cloud, athena):
    glue, s3 = cloud.client("glue"), cloud.client("s3")
    csv_table(glue, s3, "t", "a,b\n1,x\n", [("a", "bigint"), ("b", "string")])
    arn = make_role(cloud, "Reader", json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["athena:*", "glue:GetTable"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::results", "arn:aws:s3:::results/*"]}]}))
    iam = cloud.client("iam")
    iam.update_assume_role_policy(RoleName="Reader", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{cloud.account}:root"}, "Action": "sts:AssumeRole"}]}))
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"]
    reader = boto3.client("athena", endpoint_url=cloud.judged(), region_name=cloud.region, aws_access_key_id=keys["AccessKeyId"],
                          aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
    assert query(reader, "SELECT 1") == [["1"]]
    assert "PERMISSION_DENIED" in refusal(reader, "SELECT * FROM t")
