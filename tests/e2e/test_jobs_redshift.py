"""redshift-upload through the Redshift Data API: against the local one, and against one that answers what a test wants."""
import datetime
import http.server
import json
import signal
import threading
import time

import pytest
from jobs import run_job, start_job
from test_jobs_postgres import DAY, ROWS, write_gold

BUCKET = "gold-test"


class Warehouse:
    """A namespace with a role that may read the bucket, and a workgroup."""

    def __init__(self, cloud):
        self.cloud, self.env = cloud, {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}
        self.s3, iam, redshift = (cloud.client(s) for s in ("s3", "iam", "redshift-serverless"))
        self.data = cloud.client("redshift-data")
        self.s3.create_bucket(Bucket=BUCKET, **({} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}))
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
        self.role = iam.create_role(RoleName="copy", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))["Role"]["Arn"]
        rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]}
        iam.put_role_policy(RoleName="copy", PolicyName="read", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rights]}))
        self.iam = iam
        redshift.create_namespace(namespaceName="crypto", dbName="crypto", iamRoles=[self.role], manageAdminPassword=True)
        redshift.create_workgroup(workgroupName="etl", namespaceName="crypto", baseCapacity=8)
        for _ in range(1000):
            if redshift.get_workgroup(workgroupName="etl")["workgroup"]["status"] == "AVAILABLE":
                break
            time.sleep(0.02)
        self.secret = redshift.get_namespace(namespaceName="crypto")["namespace"]["adminPasswordSecretArn"]

    def put(self, tmp_path, ticker, rows):
        write_gold(tmp_path / "made", ticker, rows)
        self.s3.upload_file(str(tmp_path / "made" / ticker / "part-00000.snappy.parquet"), BUCKET, f"pre/{ticker}/part-00000.snappy.parquet")

    def words(self, ticker="BTC", **more):
        options = {
            "GOLD": f"s3://{BUCKET}/pre", "TICKER": ticker, "SCHEMA": "market_data", "WORKGROUP": "etl", "DATABASE": "crypto", "COPY_ROLE": self.role, **more,
        }
        return [str(w) for k, v in options.items() for w in (f"--{k}", v)]

    def upload(self, tmp_path, ticker="BTC", env=None, **more):
        return run_job(tmp_path, "redshift-upload", *self.words(ticker, **more), env={**self.env, **(env or {})})

    def sql(self, text):
        number = self.data.execute_statement(WorkgroupName="etl", Database="crypto", Sql=text)["Id"]
        for _ in range(1000):
            told = self.data.describe_statement(Id=number)
            if told["Status"] in ("FINISHED", "FAILED", "ABORTED"):
                break
            time.sleep(0.02)
        assert told["Status"] == "FINISHED", told
        if not told["HasResultSet"]:
            return []
        pages = self.data.get_paginator("get_statement_result").paginate(Id=number)
        return [[None if "isNull" in v else next(iter(v.values())) for v in row] for page in pages for row in page["Records"]]


@pytest.fixture
def warehouse(cloud):
    return Warehouse(cloud)


def test_loads(tmp_path, warehouse):
    """The values; a second load replaces the first; without the schema it is told which statement failed, or the schema is made."""
    warehouse.put(tmp_path, "BTC", ROWS)
    warehouse.upload(tmp_path).fails(1, "could not create the new table (statement 1 of 4)", "market_data", "--CREATE_SCHEMA Y")
    result = warehouse.upload(tmp_path, CREATE_SCHEMA="Y").ok()
    assert "loaded table=market_data.btc" in result.stdout
    rows = warehouse.sql("SELECT date, price, trend, pricema, trend_i FROM market_data.btc ORDER BY date, pricema")
    assert rows == [[r[0].isoformat(), pytest.approx(r[1], rel=1e-6) if r[1] is not None else None, *r[2:]] for r in ROWS]
    names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'market_data' ORDER BY 1"
    assert warehouse.sql(names) == [["btc"]]
    warehouse.put(tmp_path, "BTC", [(DAY + datetime.timedelta(i), i, i, i, None) for i in range(5000)])
    warehouse.upload(tmp_path, SECRET_ARN=warehouse.secret).ok()
    assert warehouse.sql("SELECT count(*), sum(trend), count(trend_i) FROM market_data.btc") == [[5000, sum(range(5000)), 0]]
    assert warehouse.sql(names) == [["btc"]]


def test_failures_leave_the_old_table(tmp_path, warehouse):
    warehouse.put(tmp_path, "BTC", ROWS)
    warehouse.upload(tmp_path, CREATE_SCHEMA="Y").ok()
    warehouse.upload(tmp_path, "XMR").fails(1, f"no Parquet files below 's3://{BUCKET}/pre/XMR/'", "silver2gold writes them")
    warehouse.upload(tmp_path, WORKGROUP="nope").fails(1, "workgroup 'nope'", "ValidationException")
    warehouse.upload(tmp_path, DATABASE="nope").fails(1, "nope")
    warehouse.upload(tmp_path, COPY_ROLE=warehouse.role + "x").fails(1, "could not copy the rows (statement 2 of 4)", "assume IAM Role")
    warehouse.upload(tmp_path, SECRET_ARN=warehouse.secret[:-3] + "xyz").fails(1, "workgroup 'etl'")
    warehouse.s3.put_object(Bucket=BUCKET, Key="pre/BTC/part-00001.snappy.parquet", Body=b"PAR1 damaged")
    warehouse.upload(tmp_path).fails(1, "could not copy the rows (statement 2 of 4)")
    warehouse.s3.delete_object(Bucket=BUCKET, Key="pre/BTC/part-00001.snappy.parquet")
    warehouse.iam.delete_role_policy(RoleName="copy", PolicyName="read")
    warehouse.upload(tmp_path).fails(1, "could not copy the rows (statement 2 of 4)")
    assert warehouse.sql("SELECT count(*) FROM market_data.btc") == [[4]]
    assert warehouse.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'market_data'") == [["btc"]]


def test_many_at_once(tmp_path, warehouse):
    """As the state machine's branches do it: each currency its own table, one of them twice, and the schema by whoever is first."""
    tickers = ["A", "B", "C", "D", "E", "A"]
    for ticker in set(tickers):
        warehouse.put(tmp_path, ticker, ROWS)
    runs = [start_job(tmp_path, "redshift-upload", *warehouse.words(t, CREATE_SCHEMA="Y"), env=warehouse.env) for t in tickers]
    ends = [(r.communicate(timeout=120), r.returncode) for r in runs]
    assert [code for _, code in ends] == [0] * 6, ends
    assert warehouse.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'market_data' ORDER BY 1") == [[t] for t in "abcde"]


# --- an API that says what is wanted ---
class Scripted:
    """answers: {operation: [reply or (status, error type, message)]}; the last of each goes on for ever."""

    def __init__(self, **answers):
        script = self
        self.answers, self.seen, self.changed = answers, [], threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.headers["X-Amz-Target"].split(".")[1]
                with script.changed:
                    script.seen.append((name, body))
                    replies = script.answers[name]
                    reply = replies.pop(0) if len(replies) > 1 else replies[0]
                    script.changed.notify_all()
                status, document = 200, reply
                if isinstance(reply, tuple):
                    status, document = reply[0], {"__type": reply[1], "Message": reply[2], "message": reply[2]}
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.env = {"AWS_ENDPOINT_URL_REDSHIFT_DATA": f"http://127.0.0.1:{self.server.server_port}"}

    def names(self):
        return [n for n, _ in self.seen]

    def wait_for(self, name, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.names().count(name) >= count, 60)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scripted():
    made = []

    def make(**answers):
        made.append(Scripted(**answers))
        return made[-1]

    yield make
    for s in made:
        s.close()


ID = {"Id": "11111111-2222-3333-4444-555555555555"}


@pytest.fixture
def bucket_only(cloud, tmp_path):
    """Gold in the local S3; the Data API is another."""
    w = Warehouse.__new__(Warehouse)
    w.cloud, w.env, w.s3, w.role = cloud, {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}, cloud.client("s3"), "arn:aws:iam::000000000000:role/it's"
    w.s3.create_bucket(Bucket=BUCKET, **({} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}))
    w.put(tmp_path, "BTC", ROWS)
    return w


def test_the_statements(tmp_path, bucket_only, scripted):
    """One batch (which is one transaction), a workgroup that is full for a time, and states on the way."""
    full = (400, "ActiveStatementsExceededException", "Active statements exceeded the allowed quota (500).")
    api = scripted(BatchExecuteStatement=[full, ID], DescribeStatement=[{**ID, "Status": s} for s in ("SUBMITTED", "PICKED", "STARTED", "FINISHED")])
    result = bucket_only.upload(tmp_path, env=api.env, SECRET_ARN="arn:aws:secretsmanager:us-east-1:000000000000:secret:x").ok()
    assert 'waiting reason="Active statements exceeded' in result.stdout
    assert api.names() == ["BatchExecuteStatement"] * 2 + ["DescribeStatement"] * 4
    asked = api.seen[1][1]
    assert asked["WorkgroupName"] == "etl" and asked["Database"] == "crypto" and asked["SecretArn"].endswith(":x") and asked["ClientToken"]
    create, copy, drop, rename = asked["Sqls"]
    staging = create.split('"')[3]
    assert create.startswith('CREATE TABLE "market_data"."btc__load_') and staging.startswith("btc__load_")
    assert create.endswith("(date DATE, price REAL, trend INTEGER, pricema DOUBLE PRECISION, trend_i DOUBLE PRECISION)")
    assert copy == f"COPY \"market_data\".\"{staging}\" FROM 's3://{BUCKET}/pre/BTC/' IAM_ROLE 'arn:aws:iam::000000000000:role/it''s' FORMAT AS PARQUET"
    assert drop == 'DROP TABLE IF EXISTS "market_data"."btc"' and rename == f'ALTER TABLE "market_data"."{staging}" RENAME TO "btc"'


def test_a_schema_is_made_apart(tmp_path, bucket_only, scripted):
    """Only where it is missing and that is asked for: in the load's own transaction two first runs would stand in each other's way."""
    missing = {**ID, "Status": "FAILED", "SubStatements": [{"Id": ID["Id"] + ":1", "Status": "FAILED", "Error": 'ERROR: schema "market_data" does not exist'}]}
    api = scripted(BatchExecuteStatement=[ID], DescribeStatement=[missing, {**ID, "Status": "FINISHED"}])
    bucket_only.upload(tmp_path, env=api.env, CREATE_SCHEMA="Y").ok()
    assert [len(asked["Sqls"]) for name, asked in api.seen if name == "BatchExecuteStatement"] == [4, 1, 4]
    assert api.seen[2][1]["Sqls"] == ['CREATE SCHEMA IF NOT EXISTS "market_data"']
    api = scripted(BatchExecuteStatement=[ID], DescribeStatement=[missing])
    bucket_only.upload(tmp_path, env=api.env).fails(1, "--CREATE_SCHEMA Y")
    assert api.names() == ["BatchExecuteStatement", "DescribeStatement"]


def test_a_signal_cancels(tmp_path, bucket_only, scripted):
    api = scripted(BatchExecuteStatement=[ID], DescribeStatement=[{**ID, "Status": "STARTED"}], CancelStatement=[{"Status": True}])
    process = start_job(tmp_path, "redshift-upload", *bucket_only.words(), env={**bucket_only.env, **api.env})
    api.wait_for("DescribeStatement", 2)
    process.send_signal(signal.SIGTERM)
    api.wait_for("CancelStatement", 1)
    with api.changed:
        api.answers["DescribeStatement"] = [{**ID, "Status": "ABORTED"}]
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and 'cancelled statement=11111111-2222-3333-4444-555555555555 status="ABORTED"' in stderr and "stopped by a signal" in stderr, stderr


def test_what_redshift_says(tmp_path, bucket_only, scripted):
    parts = [{"Id": f"{ID['Id']}:{i}", "Status": s} for i, s in enumerate(("FINISHED", "FINISHED", "FAILED", "ABORTED"), 1)]
    parts[2]["Error"] = 'ERROR: cannot drop table btc because other objects depend on it\n  Hint: Use DROP ... CASCADE'
    api = scripted(BatchExecuteStatement=[ID], DescribeStatement=[{**ID, "Status": "FAILED", "Error": "Query #3 failed", "SubStatements": parts}])
    bucket_only.upload(tmp_path, env=api.env).fails(1, "workgroup 'etl': Redshift could not drop the old table (statement 3 of 4): ERROR: cannot drop table btc")
    api = scripted(BatchExecuteStatement=[ID], DescribeStatement=[{**ID, "Status": "ABORTED"}])
    bucket_only.upload(tmp_path, env=api.env).fails(1, "Redshift: ABORTED")
    api = scripted(BatchExecuteStatement=[(400, "AccessDeniedException", "not authorized to perform: redshift-data:BatchExecuteStatement")])
    bucket_only.upload(tmp_path, env=api.env).fails(1, "AccessDeniedException", "redshift-data:BatchExecuteStatement")
