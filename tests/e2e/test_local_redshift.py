"""The local Redshift Serverless and its Data API, through boto3 and the AWS CLI."""
import datetime
import json
import os
import signal
import threading

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from warehouse import allow, parquet, role, until, warehouse  # noqa: F401

TABLE = "CREATE TABLE market_data.{} (date DATE, price REAL, trend INTEGER, pricema DOUBLE PRECISION, trend_i DOUBLE PRECISION)"
DAY = datetime.date(2024, 3, 11)


def refusal(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def gold(warehouse, ticker, prices=(65859.8984375, None)):  # noqa: F811
    body = parquet(Date=pa.array([DAY] * len(prices)), Price=pa.array(prices, pa.float32()), g_trend=pa.array([9] * len(prices), pa.int32()),
                   PriceMA=pa.array([1.5] * len(prices)), TrendMA=pa.array([None] * len(prices), pa.float64()))
    warehouse.s3.put_object(Bucket="gold", Key=f"{ticker}/part-0.parquet", Body=body)
    warehouse.s3.put_object(Bucket="gold", Key=f"{ticker}/_SUCCESS", Body=b"")


def load(ticker, source=None):
    return [f"DROP TABLE IF EXISTS market_data.{ticker}", TABLE.format(ticker),
            f"COPY market_data.{ticker} FROM 's3://gold/{source or ticker}/' IAM_ROLE default FORMAT AS PARQUET"]


# --- the pipeline's way ---
def test_a_batch_replaces_a_table_and_readers_never_miss_it(warehouse):  # noqa: F811
    gold(warehouse, "BTC")
    warehouse.ok("CREATE SCHEMA IF NOT EXISTS market_data")
    found = warehouse.batch(*load("BTC"), "SELECT count(*) FROM market_data.btc")
    assert [s["Status"] for s in found["SubStatements"]] == ["FINISHED"] * 4 and found["Status"] == "FINISHED"
    assert [s["ResultRows"] for s in found["SubStatements"]] == [0, 0, 2, 1]
    assert warehouse.result(found["SubStatements"][3]["Id"]) == [[2]]
    assert sorted(warehouse.rows("SELECT * FROM market_data.btc"), key=str) == [
        ["2024-03-11", 65859.8984375, 9, 1.5, None], ["2024-03-11", None, 9, 1.5, None]]

    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            seen.append(warehouse.run("SELECT count(*) FROM market_data.btc"))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(12):
        gold(warehouse, "BTC", [1.0] * (n + 3))
        assert warehouse.batch(*load("BTC"))["Status"] == "FINISHED"
    done.set()
    reader.join()
    assert len(seen) > 3 and {s["Status"] for s in seen} == {"FINISHED"}
    assert {warehouse.result(s["Id"])[0][0] for s in seen} <= set(range(2, 15))


def test_a_batch_that_fails_leaves_all_as_it_was(warehouse):  # noqa: F811
    gold(warehouse, "BTC")
    warehouse.batch("CREATE SCHEMA market_data", *load("BTC"))
    found = warehouse.batch(*load("BTC", source="XMR"), "SELECT 1")
    assert found["Status"] == "FAILED" and found["Error"] == "Query #3 failed with ERROR: The specified S3 prefix 'XMR/' does not exist"
    assert [s["Status"] for s in found["SubStatements"]] == ["FINISHED", "FINISHED", "FAILED", "ABORTED"]
    assert warehouse.rows("SELECT count(*) FROM market_data.btc") == [[2]]
    # one after the other: what came before stays
    found = warehouse.batch("CREATE TABLE a (x INT)", "SELECT y FROM a", "CREATE TABLE b (x INT)", ExecutionMode="AUTO_COMMIT")
    assert found["Status"] == "FAILED" and 'column "y" does not exist' in found["Error"]
    assert warehouse.rows("SELECT count(*) FROM a") == [[0]]
    assert warehouse.error("SELECT * FROM b") == 'ERROR: relation "b" does not exist'


def test_loads_side_by_side_do_not_disturb_each_other(warehouse):  # noqa: F811
    warehouse.ok("CREATE SCHEMA market_data")
    tickers = [f"T{n}" for n in range(10)]
    for t in tickers:
        gold(warehouse, t)
    # the same table from two sides, too
    ids = [warehouse.data.batch_execute_statement(Sqls=load(t), **warehouse.place)["Id"] for t in tickers + tickers[:3]]
    assert [warehouse.end(i)["Status"] for i in ids] == ["FINISHED"] * 13
    tables = warehouse.data.list_tables(SchemaPattern="market%", TablePattern="t_", **warehouse.place)["Tables"]
    assert tables == [{"name": t.lower(), "schema": "market_data", "type": "TABLE"} for t in tickers]
    assert {warehouse.rows(f"SELECT count(*) FROM market_data.{t}")[0][0] for t in tickers} == {2}


# --- COPY and UNLOAD ---
def test_copy_says_what_is_wrong_as_redshift_does(warehouse):  # noqa: F811
    cloud, role_arn = warehouse.cloud, warehouse.copy_role
    warehouse.batch("CREATE TABLE t (a INT, b VARCHAR(3))", "CREATE TABLE d (a DOUBLE PRECISION, b VARCHAR(3))")
    put = lambda key, body: warehouse.s3.put_object(Bucket="gold", Key=key, Body=body)  # noqa: E731
    put("ok/1", parquet(a=pa.array([1], pa.int32()), b=["x"]))
    put("long/1", parquet(a=pa.array([1], pa.int32()), b=["xxxx"]))
    put("one/1", parquet(a=pa.array([1], pa.int32())))
    put("csv/1", b"a,b\n1,x\nfoo,y\n")
    put("junk/1", b"not parquet at all")
    copy = "COPY t FROM 's3://gold/{}' IAM_ROLE default FORMAT PARQUET"
    assert warehouse.error(copy.format("none/")) == "ERROR: The specified S3 prefix 'none/' does not exist"
    assert warehouse.error(copy.format("long/")) == "ERROR: Value too long for character type"
    assert "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1" in warehouse.error(copy.format("one/"))
    assert warehouse.error(copy.format("junk/")).startswith("ERROR: Spectrum Scan Error. File 's3://gold/junk/1'")
    error = warehouse.error("COPY d FROM 's3://gold/ok/' IAM_ROLE default FORMAT PARQUET")
    assert "has an incompatible Parquet schema for column 's3://gold/ok/1.a'. Column type: DOUBLE PRECISION, Parquet schema: optional int32 a" in error
    assert "Load into table 't' failed" in warehouse.error("COPY t FROM 's3://gold/csv/' IAM_ROLE default CSV IGNOREHEADER 1")
    assert "Cannot COPY into nonexistent table nope" in warehouse.error("COPY nope FROM 's3://gold/ok/' IAM_ROLE default PARQUET")
    assert "NoSuchBucket" in warehouse.error("COPY t FROM 's3://not-there/ok/' IAM_ROLE default PARQUET")
    assert warehouse.rows("SELECT count(*) FROM t") == [[0]]

    for arn, text in (
            (role(cloud, "Stranger", allow("s3:*")), "is not authorized to assume IAM Role"),
            ("arn:aws:iam::000000000000:role/nobody", "is not authorized to assume IAM Role")):
        assert text in warehouse.error(f"COPY t FROM 's3://gold/ok/' IAM_ROLE '{arn}' PARQUET")
    weak = role(cloud, "Weak", allow("s3:ListBucket"))
    other = role(cloud, "Other", allow("s3:*"), trust=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    warehouse.serverless.update_namespace(namespaceName="crypto", iamRoles=[role_arn, weak, other], defaultIamRoleArn=role_arn)
    assert warehouse.error(f"COPY t FROM 's3://gold/ok/' IAM_ROLE '{weak}' PARQUET").startswith("ERROR: S3ServiceException:Access Denied,Status 403")
    assert "is not authorized to assume IAM Role" in warehouse.error(f"COPY t FROM 's3://gold/ok/' IAM_ROLE '{other}' PARQUET")
    assert warehouse.ok(f"COPY t FROM 's3://gold/ok/' IAM_ROLE '{role_arn}' PARQUET")["ResultRows"] == 1


def test_copy_of_text_and_unload(warehouse):  # noqa: F811
    import gzip
    put = lambda key, body: warehouse.s3.put_object(Bucket="gold", Key=key, Body=body)  # noqa: E731
    warehouse.ok("CREATE TABLE t (a INT, b VARCHAR(20), c DATE)")
    put("c/1.csv", b'h1,h2,h3\n1,"x, ""y""",2020-01-02\n,,\n')
    put("z/1.gz", gzip.compress(b"3|a b|2020-01-03\n"))
    put("j/1.json", b'{"b": "j", "a": 5}\n{"a": 6, "other": 1}\n')
    put("m", json.dumps({"entries": [{"url": "s3://gold/z/1.gz", "mandatory": True}, {"url": "s3://gold/z/2.gz"}]}).encode())
    assert warehouse.ok("COPY t FROM 's3://gold/c/' IAM_ROLE default FORMAT CSV IGNOREHEADER 1")["ResultRows"] == 2
    warehouse.ok("COPY t FROM 's3://gold/m' IAM_ROLE default MANIFEST GZIP DELIMITER '|'")
    warehouse.ok("COPY t FROM 's3://gold/j/' IAM_ROLE default JSON 'auto'")
    assert warehouse.rows("SELECT a, b, c FROM t ORDER BY a") == [
        [1, 'x, "y"', "2020-01-02"], [3, "a b", "2020-01-03"], [5, "j", None], [6, None, None], [None, "", None]]
    assert warehouse.ok("UNLOAD ('SELECT a, b FROM t WHERE a < 4 ORDER BY a') TO 's3://gold/out/c_' IAM_ROLE default FORMAT CSV HEADER PARALLEL OFF")["ResultRows"] == 2
    assert warehouse.s3.get_object(Bucket="gold", Key="out/c_000")["Body"].read() == b'a,b\n1,"x, ""y"""\n3,a b\n'
    warehouse.ok("UNLOAD ('SELECT * FROM t') TO 's3://gold/out/p_' IAM_ROLE default FORMAT PARQUET")
    assert "is not empty" in warehouse.error("UNLOAD ('SELECT * FROM t') TO 's3://gold/out/p_' IAM_ROLE default FORMAT PARQUET")
    warehouse.batch("CREATE TABLE u (LIKE t)", "COPY u FROM 's3://gold/out/p_' IAM_ROLE default PARQUET")
    assert warehouse.rows("SELECT count(*), sum(a) FROM u") == [[5, 15]]


# --- SQL ---
ANSWERS = {
    "SELECT 7 / 2, 7 % 2, 7.0 / 2": None,
    "SELECT NVL(NULL, 2), LEN('abc'), 'a' || 'b', UPPER('x')": [[2, 3, "ab", "X"]],
    "SELECT DATEADD(month, 1, '2020-01-31'), DATEDIFF(day, '2020-01-01', '2020-02-01'), DATE_TRUNC('month', DATE '2020-02-03')":
        [["2020-02-29 00:00:00", 31, "2020-02-01 00:00:00"]],
    "SELECT LISTAGG(x, ',') WITHIN GROUP (ORDER BY x DESC) FROM (SELECT 'a' AS x UNION ALL SELECT 'b') q": [["b,a"]],
    "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) q ORDER BY x DESC": [[None], [1]],
    "SELECT CAST('abcdef' AS VARCHAR(3)), 2.5::DECIMAL, 'x' LIKE '_'": [["abc", "3", True]],
    "SELECT TOP 1 x FROM (SELECT 1 AS x UNION ALL SELECT 2) q ORDER BY x": [[1]],
    "SELECT AVG(x), AVG(x::FLOAT), AVG(y) FROM (SELECT 1 AS x, NULL::INT AS y UNION ALL SELECT 2, NULL) q": [[1, 1.5, None]],
    "SELECT x, AVG(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT 1 AS x UNION ALL SELECT 4) q ORDER BY x": [[1, 1], [4, 2]],
    "SELECT SUM(x), COUNT(*), MAX(x) FROM (SELECT 1 AS x UNION ALL SELECT 2) q": [[3, 2, 2]],
}


def test_answers_and_errors(warehouse):  # noqa: F811
    for sql, wanted in ANSWERS.items():
        found = warehouse.rows(sql)
        assert found == (wanted or [[3, 1, found[0][2]]]), sql
    warehouse.ok("CREATE TABLE T (Id INT IDENTITY(10, 5), Name VARCHAR(3) NOT NULL ENCODE lzo, N NUMERIC(10,2) DEFAULT 1.5, PRIMARY KEY (Id)) DISTSTYLE KEY DISTKEY (Id) SORTKEY (Id)")
    assert warehouse.ok("INSERT INTO t (NAME) VALUES ('a'), ('bcd')")["ResultRows"] == 2
    assert warehouse.rows('SELECT "ID", name, n FROM t ORDER BY id') == [[10, "a", "1.50"], [15, "bcd", "1.50"]]
    assert warehouse.ok("UPDATE t SET n = 2 WHERE id = 10")["ResultRows"] == 1
    warehouse.ok("MERGE INTO t USING (SELECT 15 AS id, 'z' AS name) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (name) VALUES (s.name)")
    assert warehouse.ok("DELETE t WHERE id = 10")["ResultRows"] == 1
    assert warehouse.rows("SELECT name FROM t") == [["z"]]
    warehouse.batch("CREATE TABLE s (LIKE t)", "INSERT INTO s SELECT * FROM t", "TRUNCATE t", "ALTER TABLE s RENAME TO s2", "CREATE VIEW v AS SELECT name FROM s2")
    assert warehouse.rows("SELECT (SELECT count(*) FROM t), name FROM v") == [[0, "z"]]
    for sql, error in {
        "SELECT * FROM nosuch.t": 'ERROR: relation "nosuch.t" does not exist',
        "SELEC 1": 'ERROR: syntax error at or near "selec"\n  Position: 1',
        "SELECT nope FROM t": 'ERROR: column "nope" does not exist',
        "CREATE TABLE t (a INT)": 'ERROR: Relation "t" already exists',
        "INSERT INTO t (name) VALUES ('abcd')": "ERROR: Value too long for character type",
        "INSERT INTO t (name) VALUES (NULL)": "ERROR: Cannot insert a NULL value into column t.name",
        "SELECT 'x'::INT": 'ERROR: invalid input syntax for integer: "x"',
        "SELECT 1 / 0": "ERROR: Division by zero",
        "SELECT x / (x - 1.0) FROM (SELECT 1 AS x) q": "ERROR: Division by zero",
        "SELECT 1; SELECT 2": "ERROR: cannot insert multiple commands into a prepared statement",
        "SELECT * FROM read_parquet('/etc/passwd')": None,
        "SELECT * FROM '/etc/passwd'": None,
    }.items():
        found = warehouse.error(sql)
        assert found.startswith("ERROR: ") and (error is None or found == error), f"{sql}: {found}"


def test_results_have_types(warehouse):  # noqa: F811
    found = warehouse.ok("SELECT 1::SMALLINT AS a, 2 AS b, 3::BIGINT AS c, 1.5::REAL AS d, 2.5::FLOAT AS e, 1.25::DECIMAL(10,2) AS f, 'x'::VARCHAR AS g, true AS h, "
                         "DATE '2020-01-02' AS i, TIMESTAMP '2020-01-02 03:04:05.600' AS j, NULL::INT AS k, count(*), 1 + 1")
    page = warehouse.data.get_statement_result(Id=found["Id"])
    assert page["Records"] == [[
        {"longValue": 1}, {"longValue": 2}, {"longValue": 3}, {"doubleValue": 1.5}, {"doubleValue": 2.5}, {"stringValue": "1.25"}, {"stringValue": "x"},
        {"booleanValue": True}, {"stringValue": "2020-01-02"}, {"stringValue": "2020-01-02 03:04:05.6"}, {"isNull": True}, {"longValue": 1}, {"longValue": 2}]]
    types = [(c["name"], c["typeName"], c["precision"], c["scale"]) for c in page["ColumnMetadata"]]
    assert types == [
        ("a", "int2", 5, 0), ("b", "int4", 10, 0), ("c", "int8", 19, 0), ("d", "float4", 8, 8), ("e", "float8", 17, 17), ("f", "numeric", 10, 2),
        ("g", "varchar", 65535, 0), ("h", "bool", 1, 0), ("i", "date", 13, 0), ("j", "timestamp", 29, 6), ("k", "int4", 10, 0), ("count", "int8", 19, 0), ("?column?", "int4", 10, 0)]
    assert page["TotalNumRows"] == 1 and found["ResultRows"] == 1 and found["ResultSize"] > 0
    warehouse.ok("CREATE TABLE many AS SELECT x AS a, 'text' || x AS b FROM (SELECT unnest(range(2500)) AS x) q")
    rows = warehouse.rows("SELECT a, b FROM many ORDER BY a")
    assert len(rows) == 2500 and rows[2499] == [2499, "text2499"]
    found = warehouse.ok("SELECT 1, NULL, 'a,\"b\"'", ResultFormat="CSV")
    assert warehouse.data.get_statement_result_v2(Id=found["Id"])["Records"] == [{"CSVRecords": '1,,"a,""b"""\r\n'}]
    assert refusal(warehouse.data.get_statement_result, Id=found["Id"])[0] == "ValidationException"


# --- the API ---
def test_requests_that_are_refused(warehouse):  # noqa: F811
    execute = warehouse.data.execute_statement
    assert refusal(execute, Sql="SELECT 1", Database="crypto") == ("ValidationException", "Either ClusterIdentifier or WorkgroupName needs to be specified.")
    assert refusal(execute, Sql="SELECT 1", Database="crypto", WorkgroupName="nope") == ("ValidationException", "Redshift endpoint doesn't exist in this region.")
    for more, text in (
            ({"Parameters": [{"name": "x", "value": "1"}]}, "unused parameters. Unused parameters: [x]"), ({"SessionKeepAliveSeconds": 5}, "SessionKeepAliveSeconds"),
            ({"SessionId": "1a2b3c4d-0000-0000-0000-000000000000"}, "SessionId")):
        code, message = refusal(execute, Sql="SELECT 1", **warehouse.place, **more)
        assert code == "ValidationException" and text in message
    assert refusal(warehouse.data.describe_statement, Id="1a2b3c4d-0000-0000-0000-000000000000") == ("ResourceNotFoundException", "Query does not exist.")
    assert warehouse.run("SELECT 1", Database="other")["Error"] == 'FATAL: database "other" does not exist'
    done = warehouse.ok("CREATE TABLE x (a INT)")["Id"]
    assert refusal(warehouse.data.get_statement_result, Id=done)[0] == "ResourceNotFoundException"
    assert refusal(warehouse.data.cancel_statement, Id=done) == ("ValidationException", f"Could not cancel a query that is already in FINISHED state with ID: {done}")


def test_tokens_names_lists_and_parameters(warehouse):  # noqa: F811
    first = warehouse.start("CREATE TABLE once (a INT)", ClientToken="token-1", StatementName="load-1")
    assert warehouse.start("CREATE TABLE once (a INT)", ClientToken="token-1", StatementName="load-1") == first
    assert refusal(warehouse.data.execute_statement, Sql="SELECT 2", ClientToken="token-1", **warehouse.place)[0] == "ValidationException"
    assert warehouse.end(first)["Status"] == "FINISHED"
    assert warehouse.rows("SELECT :a || :b, :n::INT + 1", Parameters=[{"name": n, "value": v} for n, v in (("a", "O'"), ("b", "'; DROP TABLE once; --"), ("n", "41"))]) == [
        ["O''; DROP TABLE once; --", 42]]
    warehouse.batch("SELECT 1", "SELECT 2", StatementName="load-2")
    warehouse.run("SELECT nope", StatementName="other")
    listed = warehouse.data.list_statements(StatementName="load-")["Statements"]
    assert [s["StatementName"] for s in listed] == ["load-2", "load-1"]
    assert listed[0]["IsBatchStatement"] and listed[0]["QueryStrings"] == ["SELECT 1", "SELECT 2"]
    assert [s["StatementName"] for s in warehouse.data.list_statements(Status="FAILED")["Statements"]] == ["other"]
    pages = [len(p["Statements"]) for p in warehouse.data.get_paginator("list_statements").paginate(Status="FINISHED", PaginationConfig={"PageSize": 2})]
    assert pages == [2, 1]
    waited = warehouse.data.execute_statement(Sql="SELECT 1", WaitTimeSeconds=10, **warehouse.place)
    assert waited["Status"] == "FINISHED" and waited["HasResultSet"]


def test_who_asks_for_it_is_told_the_end(warehouse, cloud):  # noqa: F811
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name="ends", EventPattern=json.dumps({"source": ["aws.redshift-data"], "detail": {"state": ["FINISHED", "FAILED"]}}))["RuleArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}]})})
    events.put_targets(Rule="ends", Targets=[{"Id": "q", "Arn": arn}])
    warehouse.ok("SELECT 1")  # did not ask
    asked = warehouse.ok("SELECT 1 UNION ALL SELECT 2", WithEvent=True, StatementName="told")["Id"]
    (message,) = until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Redshift Data Statement Status Change" and event["resources"] == [warehouse.group["workgroupArn"]]
    assert {k: event["detail"][k] for k in ("statementId", "statementName", "state", "rows")} == {"statementId": asked, "statementName": "told", "state": "FINISHED", "rows": 2}


def test_cancel(warehouse):  # noqa: F811
    slow = "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b"
    running = warehouse.start(slow)
    until(lambda: warehouse.data.describe_statement(Id=running)["Status"] == "STARTED")
    assert warehouse.rows("SELECT 1") == [[1]]  # beside it
    assert warehouse.data.cancel_statement(Id=running)["Status"] is True
    assert warehouse.end(running)["Status"] == "ABORTED"
    # a workgroup that goes takes its statements along
    running = warehouse.start(slow)
    until(lambda: warehouse.data.describe_statement(Id=running)["Status"] == "STARTED")
    assert warehouse.serverless.delete_workgroup(workgroupName="wg-crypto")["workgroup"]["status"] == "DELETING"
    assert warehouse.end(running)["Status"] == "ABORTED"


def test_what_the_catalog_says(warehouse):  # noqa: F811
    warehouse.batch("CREATE SCHEMA market_data", "CREATE TABLE market_data.btc (a VARCHAR(7) NOT NULL, b NUMERIC(12,3))", "CREATE VIEW v AS SELECT 1 AS one")
    place = warehouse.place
    assert warehouse.data.list_databases(**place)["Databases"] == ["crypto"]
    assert warehouse.data.list_schemas(SchemaPattern="market%", **place)["Schemas"] == ["market_data"]
    assert warehouse.data.list_tables(SchemaPattern="public", **place)["Tables"] == [{"name": "v", "schema": "public", "type": "VIEW"}]
    columns = warehouse.data.describe_table(Schema="market_data", Table="btc", **place)["ColumnList"]
    assert [(c["name"], c["typeName"], c["length"], c["nullable"]) for c in columns] == [("a", "varchar", 7, 0), ("b", "numeric", 12, 1)]
    assert warehouse.rows("SELECT table_schema, table_name FROM svv_tables ORDER BY 1, 2") == [["market_data", "btc"], ["public", "v"]]
    assert warehouse.rows("SELECT \"column\", type FROM pg_table_def WHERE tablename = 'btc'") == [["a", "character varying"], ["b", "decimal(12,3)"]]
    assert refusal(warehouse.data.list_tables, WorkgroupName="wg-crypto", Database="nope")[0] == "DatabaseConnectionException"
    found = warehouse.cloud.aws("redshift-data", "list-tables", "--workgroup-name", "wg-crypto", "--database", "crypto", "--schema-pattern", "market_data")
    assert found["Tables"][0]["name"] == "btc"


# --- rights and users ---
def test_rights(warehouse, cloud):  # noqa: F811
    import boto3
    user = role(cloud, "Analyst", allow("redshift-data:*"), trust=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))
    keys = cloud.client("sts").assume_role(RoleArn=user, RoleSessionName="session")["Credentials"]
    data = boto3.client("redshift-data", endpoint_url=cloud.judged(), region_name=cloud.region, aws_access_key_id=keys["AccessKeyId"],
                        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
    code, message = refusal(data.execute_statement, Sql="SELECT 1", **warehouse.place)
    assert code == "AccessDeniedException" and "redshift-serverless:GetCredentials on resource: " + warehouse.group["workgroupArn"] in message
    cloud.client("iam").put_role_policy(RoleName="Analyst", PolicyName="p", PolicyDocument=allow("redshift-data:*", "redshift-serverless:GetCredentials"))
    mine = data.execute_statement(Sql="SELECT 1", WaitTimeSeconds=10, **warehouse.place)
    assert mine["DbUser"] == "IAMR:Analyst" and mine["Status"] == "FINISHED"
    theirs = warehouse.ok("SELECT 1")["Id"]
    assert refusal(data.describe_statement, Id=theirs) == ("ResourceNotFoundException", "Query does not exist.")
    assert [s["Id"] for s in data.list_statements()["Statements"]] == [mine["Id"]]


def test_secrets_as_users(warehouse, cloud):  # noqa: F811
    secrets = cloud.client("secretsmanager")
    good = secrets.create_secret(Name="good", SecretString=json.dumps({"username": "boss", "password": "Secret123word"}))["ARN"]
    bad = secrets.create_secret(Name="bad", SecretString=json.dumps({"username": "boss", "password": "Wrong123word"}))["ARN"]
    assert warehouse.ok("SELECT 1", SecretArn=good)["DbUser"] == "boss"
    assert warehouse.error("SELECT 1", SecretArn=bad) == 'FATAL: password authentication failed for user "boss"'
    managed = warehouse.serverless.update_namespace(namespaceName="crypto", manageAdminPassword=True)["namespace"]["adminPasswordSecretArn"]
    assert warehouse.ok("SELECT 1", SecretArn=managed)["DbUser"] == "boss"
    assert warehouse.run("SELECT 1", SecretArn=good)["Status"] == "FAILED"


# --- crashes ---
def workers(cloud):
    """The processes of the cloud's warehouses."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                if int(f.read().rpartition(")")[2].split()[1]) == cloud.pid:
                    with open(f"/proc/{pid}/cmdline", encoding="ascii") as c:
                        found += [int(pid)] if "--resident" in c.read() else []
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def test_nothing_committed_is_lost_when_the_process_or_the_cloud_is_killed(warehouse, cloud):  # noqa: F811
    gold(warehouse, "BTC")
    warehouse.ok("CREATE SCHEMA market_data")
    old = warehouse.batch(*load("BTC"))["Id"]
    kept = warehouse.ok("SELECT price FROM market_data.btc WHERE price > 1")["Id"]
    (worker,) = workers(cloud)
    slow = warehouse.start("SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b")
    until(lambda: warehouse.data.describe_statement(Id=slow)["Status"] == "STARTED")
    os.kill(worker, signal.SIGKILL)
    found = warehouse.end(slow)
    assert found["Status"] == "FAILED" and found["Error"] == "ERROR: the warehouse's process ended"
    assert warehouse.rows("SELECT count(*) FROM market_data.btc") == [[2]]
    (worker,) = workers(cloud)
    slow = warehouse.start("SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b")
    until(lambda: warehouse.data.describe_statement(Id=slow)["Status"] == "STARTED")
    cloud.kill()
    until(lambda: not os.path.exists(f"/proc/{worker}") or open(f"/proc/{worker}/stat", encoding="ascii").read().rpartition(")")[2].split()[0] == "Z")
    cloud.start()
    again = type(warehouse).__new__(type(warehouse))
    again.__dict__.update(warehouse.__dict__, data=cloud.client("redshift-data"), serverless=cloud.client("redshift-serverless"))
    found = again.end(slow)
    assert found["Status"] == "FAILED" and "the local cloud ended" in found["Error"]
    assert again.result(kept) == [[65859.8984375]]
    assert again.end(old)["SubStatements"][2]["ResultRows"] == 2
    assert again.rows("SELECT count(*) FROM market_data.btc") == [[2]]


# --- namespaces and workgroups ---
def test_namespaces_and_workgroups(cloud):
    api = cloud.client("redshift-serverless")
    space = api.create_namespace(namespaceName="one", tags=[{"key": "k", "value": "v"}], logExports=["userlog"])["namespace"]
    assert (space["dbName"], space["adminUsername"], space["status"], space["iamRoles"]) == ("dev", "admin", "AVAILABLE", [])
    assert refusal(api.create_namespace, namespaceName="one") == ("ConflictException", "Namespace one already exists.")
    assert refusal(api.get_workgroup, workgroupName="none") == ("ResourceNotFoundException", "Serverless workgroup none not found.")
    assert refusal(api.create_workgroup, workgroupName="wg1", namespaceName="none")[0] == "ResourceNotFoundException"
    for more in ({"baseCapacity": 7}, {"port": 80}, {"baseCapacity": 16, "maxCapacity": 8}, {"configParameters": [{"parameterKey": "x", "parameterValue": "y"}]}):
        assert refusal(api.create_workgroup, workgroupName="wg1", namespaceName="one", **more)[0] == "ValidationException"
    group = api.create_workgroup(workgroupName="wg1", namespaceName="one", configParameters=[{"parameterKey": "search_path", "parameterValue": "a"}])["workgroup"]
    assert group["status"] == "CREATING" and group["baseCapacity"] == 128 and group["endpoint"]["port"] == 5439
    assert {p["parameterKey"]: p["parameterValue"] for p in group["configParameters"]}["search_path"] == "a"
    assert refusal(api.update_workgroup, workgroupName="wg1", port=5440)[0] == "ConflictException"
    rest = lambda: until(lambda: api.get_workgroup(workgroupName="wg1")["workgroup"]["status"] == "AVAILABLE")  # noqa: E731
    rest()
    code, message = refusal(api.update_workgroup, workgroupName="wg1", port=5440, baseCapacity=16)
    assert code == "ValidationException" and message.startswith("You can't update multiple parameters in one request.")
    assert api.update_workgroup(workgroupName="wg1", port=5440)["workgroup"]["status"] == "MODIFYING"
    rest()
    assert api.get_workgroup(workgroupName="wg1")["workgroup"]["endpoint"]["port"] == 5440
    assert refusal(api.delete_namespace, namespaceName="one")[0] == "ConflictException"
    assert api.get_credentials(workgroupName="wg1")["dbUser"] == "IAM:root"
    arn = space["namespaceArn"]
    api.tag_resource(resourceArn=arn, tags=[{"key": "k2", "value": "v2"}])
    api.untag_resource(resourceArn=arn, tagKeys=["k"])
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k2", "value": "v2"}]
    assert [r["ResourceARN"] for r in cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["redshift-serverless"])["ResourceTagMappingList"]] == [arn]
    api.delete_workgroup(workgroupName="wg1")
    until(lambda: not api.list_workgroups()["workgroups"])
    assert api.delete_namespace(namespaceName="one")["namespace"]["status"] == "DELETING"
    until(lambda: not api.list_namespaces()["namespaces"])
