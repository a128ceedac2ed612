"""redshift-upload into a real PostgreSQL server: whole tables or none, readers that miss nothing, and everything that goes wrong."""
import contextlib
import datetime
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time

import pyarrow
import pyarrow.parquet
import pytest
from helpers import share_bundles
from jobs import run_job, start_job
from postgres import Postgres

DAY = datetime.date(2024, 1, 1)
COLUMNS = [("date", "date"), ("price", "real"), ("trend", "integer"), ("pricema", "double precision"), ("trend_i", "double precision")]


@pytest.fixture(scope="module")
def postgres():
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture
def database(postgres, request):
    """A database of the test's own, with the schema."""
    name = "db_" + request.node.name.replace("[", "_").replace("]", "").lower()[:40]
    postgres.psql(f"CREATE DATABASE {name}")
    postgres.psql("CREATE SCHEMA market_data", name)
    return name


def write_gold(folder, ticker, rows):
    """rows: (date, price, g_trend, PriceMA, TrendMA)"""
    names = ["Date", "Price", "g_trend", "PriceMA", "TrendMA"]
    types = [pyarrow.date32(), pyarrow.float32(), pyarrow.int32(), pyarrow.float64(), pyarrow.float64()]
    arrays = [pyarrow.array([r[i] for r in rows], t) for i, t in enumerate(types)]
    (folder / ticker).mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(arrays, names), folder / ticker / "part-00000.snappy.parquet", compression="snappy")


ROWS = [
    (datetime.date(1, 1, 1), None, 9, None, 9.0), (DAY, 65859.8984375, None, 65739.69921875, 78 / 7), (DAY, -0.1, -(2**31), 1e300, -1e-300),
    (datetime.date(9999, 12, 31), 3.4028234e38, 2**31 - 1, 0.1, 1 / 3),
]


@pytest.fixture
def gold(tmp_path):
    write_gold(tmp_path / "gold", "BTC", ROWS)
    return tmp_path / "gold"


def words(gold, ticker="BTC", **more):
    options = {"GOLD": gold, "TICKER": ticker, "SCHEMA": "market_data", "POSTGRES": "env", **more}
    return [w for k, v in options.items() for w in (f"--{k}", v)]


def upload(tmp_path, postgres, database, gold, ticker="BTC", env=None, **more):
    return run_job(tmp_path, "redshift-upload", *words(gold, ticker, **more), env={**postgres.env, "PGDATABASE": database, **(env or {})})


def tables(postgres, database):
    return [r[0] for r in postgres.psql("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'market_data' ORDER BY 1", database)]


def values(postgres, database, table="btc"):
    sql = f"SELECT date, price::float8, trend, pricema, trend_i FROM market_data.{table} ORDER BY date, pricema"
    return [tuple(None if v == "" else v for v in row) for row in postgres.psql(sql, database)]


def test_values_and_types(tmp_path, postgres, database, gold):
    result = upload(tmp_path, postgres, database, gold).ok()
    assert "loaded table=market_data.btc rows=4" in result.stdout and postgres.password not in repr(result)
    sql = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'btc' ORDER BY ordinal_position"
    assert [tuple(r) for r in postgres.psql(sql, database)] == COLUMNS
    for got, want in zip(values(postgres, database), [ROWS[0], ROWS[1], ROWS[2], ROWS[3]]):
        assert got[0] == want[0].isoformat()
        for g, w in zip(got[1:], want[1:]):
            assert (g is None) == (w is None) and (g is None or float(g) == pytest.approx(w, rel=1e-7 if w == want[1] else 0)), (got, want)
    assert tables(postgres, database) == ["btc"]


def test_a_table_is_replaced(tmp_path, postgres, database, gold):
    """Also one with other columns; names that are SQL's own words; many rows, all of them."""
    postgres.psql("CREATE TABLE market_data.btc (other text); CREATE TABLE market_data.\"BTC\" (mine int)", database)
    upload(tmp_path, postgres, database, gold).ok()
    assert len(values(postgres, database)) == 4 and tables(postgres, database) == ["BTC", "btc"]
    many = [(DAY + datetime.timedelta(i % 3000), i / 8, i, i / 3, None) for i in range(30000)]
    write_gold(gold, "SELECT", many)
    upload(tmp_path, postgres, database, gold, "SELECT").ok()
    sql = 'SELECT count(*), sum(trend), sum(price::float8 * 8)::bigint, count(trend_i) FROM market_data."select"'
    assert postgres.psql(sql, database) == [["30000", str(sum(range(30000))), str(sum(range(30000))), "0"]]
    write_gold(gold, "EMPTY", [])
    upload(tmp_path, postgres, database, gold, "EMPTY").ok()
    assert values(postgres, database, "empty") == []


def test_the_schema(tmp_path, postgres, database, gold):
    upload(tmp_path, postgres, database, gold, SCHEMA="other").fails(1, "there is no schema 'other'", "--CREATE_SCHEMA Y")
    upload(tmp_path, postgres, database, gold, SCHEMA="Other", CREATE_SCHEMA="Y").ok()
    assert postgres.psql("SELECT count(*) FROM other.btc", database) == [["4"]]


def test_arguments(tmp_path, gold):
    def fails(*texts, **more):
        options = {"GOLD": gold, "TICKER": "BTC", "SCHEMA": "market_data", "POSTGRES": "env", **more}
        given = [w for k, v in options.items() if v is not None for w in (f"--{k}", v)]
        run_job(tmp_path, "redshift-upload", *given, env={"PGPORT": "1", "PGHOST": "127.0.0.1"}).fails(2, *texts)

    for ticker in ('btc"; DROP TABLE x; --', "btc; drop", "1btc", "b" * 31):
        fails("--TICKER", TICKER=ticker)
    for schema in ('a"."b', "a.b", "1a", "a b", "s" * 64):
        fails("--SCHEMA", SCHEMA=schema)
    fails("none is given", POSTGRES=None)
    fails("several are given", WORKGROUP="w")
    fails("'env' is wanted", POSTGRES="host=x password=hunter2")
    fails("--LOCK_TIMEOUT", LOCK_TIMEOUT="0")
    fails("--DATABASE and --COPY_ROLE", POSTGRES=None, WORKGROUP="w", GOLD="s3://gold/")
    fails("neither the ARN of a role", POSTGRES=None, WORKGROUP="w", DATABASE="d", COPY_ROLE="x' x", GOLD="s3://gold/")
    fails("Redshift copies from S3 only", POSTGRES=None, WORKGROUP="w", DATABASE="d", COPY_ROLE="default")


def test_servers_that_refuse(tmp_path, postgres, database, gold):
    def refused(text, **env):
        result = upload(tmp_path, postgres, database, gold, env=env).fails(1, text)
        assert postgres.password not in repr(result) and "wr0ng" not in repr(result)

    refused("password authentication failed for user", PGPASSWORD="wr0ng")
    refused("no password supplied", PGPASSWORD="")
    refused('does not exist', PGDATABASE="nowhere")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        refused("Connection refused", PGPORT=str(s.getsockname()[1]))
        s.listen()
        refused("does not answer", PGPORT=str(s.getsockname()[1]), PGCONNECT_TIMEOUT="2")
    refused("translate host name", PGHOST="no.such.host.invalid")
    postgres.psql(f"CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT CONNECT ON DATABASE {database} TO reader")
    refused("permission denied for schema market_data", PGUSER="reader", PGPASSWORD="reader")
    assert tables(postgres, database) == []


def test_gold_that_cannot_be_loaded(tmp_path, postgres, database, gold):
    upload(tmp_path, postgres, database, gold, "XMR").fails(1, "no Parquet files below", "XMR", "silver2gold")
    (gold / "ETH").mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"Date": [DAY], "Price": [1.0]}), gold / "ETH" / "x.parquet")
    upload(tmp_path, postgres, database, gold, "ETH").fails(1, "gold/ETH/", "g_trend")
    (gold / "BTC" / "part-00000.snappy.parquet").write_bytes(b"PAR1")
    upload(tmp_path, postgres, database, gold).fails(1, "gold/BTC/")
    assert tables(postgres, database) == []


def test_locks_and_dependants(tmp_path, postgres, database, gold):
    upload(tmp_path, postgres, database, gold).ok()
    holder = postgres.start_psql(database)
    holder.stdin.write("BEGIN; SELECT count(*) FROM market_data.btc;\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "4\n"
    write_gold(gold, "BTC", ROWS[:1])
    upload(tmp_path, postgres, database, gold, LOCK_TIMEOUT="1").fails(1, "SQLSTATE 55P03", "lock timeout", "--LOCK_TIMEOUT")
    waiting = start_job(tmp_path, "redshift-upload", *words(gold), env={**postgres.env, "PGDATABASE": database})
    for _ in range(500):
        if postgres.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()", database) == [["1"]]:
            break
        time.sleep(0.02)
    waiting.terminate()
    assert "stopped by a signal" in waiting.communicate(timeout=30)[1] and waiting.returncode == 1
    holder.communicate("COMMIT;\n", timeout=60)
    assert len(values(postgres, database)) == 4 and tables(postgres, database) == ["btc"]
    postgres.psql("CREATE VIEW market_data.v AS SELECT * FROM market_data.btc", database)
    upload(tmp_path, postgres, database, gold).fails(1, "view market_data.v depends on table market_data.btc")
    postgres.psql("DROP VIEW market_data.v; DROP TABLE market_data.btc; CREATE VIEW market_data.btc AS SELECT 1", database)
    upload(tmp_path, postgres, database, gold).fails(1, "is not a table")
    assert tables(postgres, database) == ["btc"]


def test_readers_miss_nothing(tmp_path, postgres, database, gold):
    """While the table is replaced again and again, by several at a time, who reads sees all rows of one load or of the other."""
    upload(tmp_path, postgres, database, gold).ok()
    stop, seen, broken = threading.Event(), [], []

    def read():
        session = postgres.start_psql(database)
        while not stop.is_set():
            session.stdin.write("SELECT count(*) FROM market_data.btc;\n")
            session.stdin.flush()
            seen.append(session.stdout.readline())
        broken.append(session.communicate(timeout=60)[1])

    reader = threading.Thread(target=read)
    reader.start()
    runs = [start_job(tmp_path, "redshift-upload", *words(gold), env={**postgres.env, "PGDATABASE": database}) for _ in range(6)]
    codes = [(r.communicate(timeout=120)[1], r.returncode) for r in runs]
    stop.set()
    reader.join()
    assert codes == [("", 0)] * 6 and set(seen) == {"4\n"} and broken == [""], (codes, set(seen), broken)


def test_first_loads_at_once(tmp_path, postgres, database, gold):
    """Nothing is there: neither the schema nor the table."""
    postgres.psql("DROP SCHEMA market_data", database)
    given = words(gold, CREATE_SCHEMA="Y")
    runs = [start_job(tmp_path, "redshift-upload", *given, env={**postgres.env, "PGDATABASE": database}) for _ in range(5)]
    assert [(r.communicate(timeout=120)[1], r.returncode) for r in runs] == [("", 0)] * 5
    assert tables(postgres, database) == ["btc"] and len(values(postgres, database)) == 4


class Tap:
    """A proxy before the server: lets `hold_at` bytes of the client through, says so (`held`), and waits for `go`."""

    def __init__(self, port, hold_at):
        self.port_behind, self.hold_at, self.held, self.go = port, hold_at, threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.sockets = self.listener.getsockname()[1], []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.port_behind))
        self.sockets = [client, server]
        threading.Thread(target=self.pump, args=(server, client, None), daemon=True).start()
        self.pump(client, server, self.hold_at)

    def pump(self, source, target, hold_at):
        passed = 0
        try:
            while data := source.recv(16384):
                if hold_at is not None and passed < hold_at <= passed + len(data):
                    self.held.set()
                    self.go.wait(60)
                passed += len(data)
                target.sendall(data)
        except OSError:
            pass
        self.cut(source, target)

    @staticmethod
    def cut(*sockets):
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut(*self.sockets)
        self.go.set()
        for s in [self.listener, *self.sockets]:
            s.close()


@pytest.fixture
def loading(tmp_path, postgres, database, gold):
    """A run that stands still in the middle of its rows, over a table that is there."""
    upload(tmp_path, postgres, database, gold).ok()
    write_gold(gold, "BTC", [(DAY, i, i, i, i) for i in range(60000)])
    tap = Tap(postgres.port, 1 << 20)
    process = start_job(tmp_path, "redshift-upload", *words(gold), env={**postgres.env, "PGDATABASE": database, "PGPORT": str(tap.port)})
    assert tap.held.wait(60)
    yield tap, process
    tap.close()


def settled(postgres, database):
    """Waits until no session but ours is in the database."""
    for _ in range(500):
        if postgres.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", database) == [["0"]]:
            return
        time.sleep(0.02)
    raise AssertionError("a session is left")


@pytest.mark.parametrize("how", ["terminated", "killed", "cut"])
def test_a_run_that_ends_in_the_middle(tmp_path, postgres, database, gold, loading, how):
    """The old table stands, nothing is left that would block the next run."""
    tap, process = loading
    if how == "cut":
        tap.close()
    else:
        process.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
        tap.go.set()
    stderr = process.communicate(timeout=60)[1]
    if how == "killed":
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 1 and ("stopped by a signal" if how == "terminated" else "the connection broke") in stderr, stderr
        assert os.listdir(tmp_path / "scratch") == []
    settled(postgres, database)
    assert tables(postgres, database) == ["btc"] and len(values(postgres, database)) == 4
    for path in (tmp_path / "scratch").iterdir():
        shutil.rmtree(path)
    upload(tmp_path, postgres, database, gold).ok()
    assert postgres.psql("SELECT count(*) FROM market_data.btc", database) == [["60000"]]


def test_a_server_that_dies(tmp_path, postgres, database, gold, loading):
    """Told in one line; after its restart the old table is there, whole."""
    tap, process = loading
    postgres.stop(signal.SIGQUIT)
    tap.go.set()
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and stderr.count("\n") == 1 and ("the connection broke" in stderr or "terminating connection" in stderr), stderr
    postgres.start()
    assert tables(postgres, database) == ["btc"] and len(values(postgres, database)) == 4


# --- as a bundle ---
TEMPLATE = """\
Resources:
  Artifacts: {Type: AWS::S3::Bucket, Properties: {BucketName: upload-test-artifacts}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: upload-test-role
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: "sts:AssumeRole"}]
  Upload:
    Type: AWS::Glue::Job
    Properties:
      Name: upload
      Role: !GetAtt Role.Arn
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: redshift-upload}
"""


@pytest.mark.skipif(os.getuid() != 0, reason="chroot is root's")
@pytest.mark.long
def test_a_bundle_brings_libpq(tmp_path, run_glueproj, cloud, postgres, database, gold):
    """In a root folder that holds the bundle and nothing else, with an empty environment but for the server's address."""
    folder, root = tmp_path / "project", tmp_path / "root"
    folder.mkdir()
    share_bundles(folder)
    (folder / "main.yaml").write_text(TEMPLATE)
    (folder / "glueproj.yaml").write_text("Project: upload-test\nArtifacts: s3://upload-test-artifacts/\nStacks: [main]\n")
    run_glueproj("-p", folder, "setup", env=cloud.checked_env()).ok()
    s3 = cloud.client("s3")
    key, = (o["Key"] for o in s3.list_objects_v2(Bucket="upload-test-artifacts", Prefix="programs/")["Contents"])
    with tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket="upload-test-artifacts", Key=key)["Body"].read())) as tar:
        tar.extractall(root)
    (root / "tmp").mkdir()
    shutil.copytree(gold, root / "gold")
    command = ["/usr/sbin/chroot", root, "/lib/ld.so", "--library-path", "/lib", "--argv0", "redshift-upload", "/bin/redshift-upload", *words("/gold")]
    r = subprocess.run(command, env={**postgres.env, "PGDATABASE": database, "TMPDIR": "/tmp"}, capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 0, r
    assert len(values(postgres, database)) == 4 and os.path.exists(root / "lib" / "libpq.so.5")


# --- with a secret ---
def test_secrets(tmp_path, postgres, database, gold, cloud):
    """JSON as RDS writes it, a connection string, a URI; what is wrong in one is told without its text."""
    secrets, env = cloud.client("secretsmanager"), {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}
    port, password = postgres.port, postgres.password

    def load(text, number=iter(range(100))):
        name = f"warehouse/{next(number)}"
        secrets.create_secret(Name=name, SecretString=text)
        options = ["--GOLD", gold, "--TICKER", "BTC", "--SCHEMA", "market_data", "--POSTGRES_SECRET", name]
        result = run_job(tmp_path, "redshift-upload", *options, env=env)
        assert password not in repr(result)
        return result

    load(json.dumps(postgres.secret(dbname=database))).ok()
    load(f"host=127.0.0.1 port={port} user=keeper password={password} dbname={database}\n").ok()
    load(f"postgresql://keeper:{password}@127.0.0.1:{port}/{database}?connect_timeout=5").ok()
    load(json.dumps({"username": "keeper", "password": password})).fails(1, "names no host")
    load('{"host": "127.0.0.1", "password": "' + password).fails(1, "is no JSON")
    load(f"host=127.0.0.1 password={password} {password}").fails(1, "is no connection string")
    load(f"host=127.0.0.1 port={port} user=keeper password='{password}x' dbname={database}").fails(1, "password authentication failed")
    # Letters of a URI's own in the password, not written as %2F, %40…: libpq takes pieces of it for a port, a host, a database.
    for odd in ("/", "@", ":", "?", "#", "@a/", "/@", "//"):
        result = load(f"postgresql://keeper:{password}{odd}{password}@127.0.0.1:{port}/{database}")
        assert result.code == 1, repr(result)
    load(f"postgresql://keeper:x/{password}@127.0.0.1:{port}/{database}").fails(1, "is no connection string")
    options = ["--GOLD", gold, "--TICKER", "BTC", "--SCHEMA", "market_data", "--POSTGRES_SECRET", "none"]
    run_job(tmp_path, "redshift-upload", *options, env=env).fails(1, "the secret 'none'", "ResourceNotFoundException")
