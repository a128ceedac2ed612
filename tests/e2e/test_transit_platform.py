"""The transit platform from setup to teardown: files that come, by schedule and by events, against the oracle and a real PostgreSQL; and what goes wrong."""
import csv
import datetime
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time

import oracle_ingest as oracle
import pyarrow.parquet
import pytest
from dmap_standin import CONTROLLED_KEY, PUBLIC_KEY, Dmap, data_set
from helpers import ROOT, Project, definitions, digest_of_objects, everything
from postgres import SUPERUSER
from test_local_sqs import advance, counts, receive
from transit import make_database

PREFIX = "yourprefix-transit"
INCOMING, ARCHIVE, ERROR, SPRINGBOARD = (f"{PREFIX}-{n}" for n in ("incoming", "archive", "error", "springboard"))
ODS, CT, DMAP, TAPS = "cubic/ods_qlik/EDW.SAMPLE", "cubic/ods_qlik/EDW.SAMPLE__ct", "cubic/dmap/agg_sample", "kafka/taps"
SNAPSHOT_KEY = f"{ODS}/LOAD1.csv.gz"
ODS_TABLE, DMAP_TABLE = "cubic_ods_qlik__edw_sample", "cubic_dmap__agg_sample"
COLUMNS = [(n, "string") for n in ("sample_id", "sample_name", "edw_inserted_dtm", "edw_updated_dtm")]
HEADERS = [(n, "string") for n in ("header__change_seq", "header__change_oper", "header__timestamp")]
AGG = [(n, "string") for n in ("sample_id", "sample_name", "sample_count")]
KEYS = json.dumps({"controlled": CONTROLLED_KEY, "public": PUBLIC_KEY})
ROUND = ("transit-migrate", "transit-process-incoming", "transit-validate-incoming", "transit-process-ingestion")
BATCH_WINDOW = "1"


class Transit(Project):
    """The project on a database of its own. What it prints never has a secret in it."""

    def __init__(self, runner, cloud, postgres, database, **parameters):
        values = {"DmapUrl": "http://127.0.0.1:9", "DmapKeys": KEYS, "BatchWindow": BATCH_WINDOW, "Region": cloud.region, **parameters}
        super().__init__(runner, cloud, "transit-platform", **values)
        self.postgres, self.database, self.s3, self.glue = postgres, database, cloud.client("s3"), cloud.client("glue")
        self.secrets = (postgres.password, CONTROLLED_KEY, PUBLIC_KEY)
        self.environment["TRANSIT_POSTGRES"] = f"host=127.0.0.1 port={postgres.port} dbname={database} user={SUPERUSER} password={postgres.password}"

    def __call__(self, *arguments, **more):
        result = super().__call__(*arguments, **more)
        assert not any(s in result.stdout + result.stderr for s in self.secrets), f"a secret shows: {arguments}"
        return result

    # --- files ---
    def put(self, key, data, bucket=INCOMING):
        self.s3.put_object(Bucket=bucket, Key=key, Body=data if isinstance(data, bytes) else gzip.compress(data.encode()))
        return key

    def put_all(self, folder, *names):
        """Those whose names have one of these in them, in the order of these; the keys of the data."""
        found = []
        for name in names:
            for path in sorted(p for p in folder.rglob("*") if p.is_file() and name in str(p)):
                key = self.put(str(path.relative_to(folder)), path.read_bytes())
                if not key.endswith(".dfm"):
                    found.append(key)
        return found

    def keys(self, bucket, prefix=""):
        return sorted(digest_of_objects(self.cloud, bucket, prefix))

    def rows(self, prefix):
        """Of the one file of a partition."""
        (key,) = self.keys(SPRINGBOARD, prefix)
        table = pyarrow.parquet.read_table(io.BytesIO(self.s3.get_object(Bucket=SPRINGBOARD, Key=key)["Body"].read()))
        return [tuple(r.values()) for r in table.to_pylist()]

    def stamp(self, key):
        """When the load's file came, in the form of partitions."""
        (at,) = self.sql(f"SELECT to_char(s3_modified, 'YYYYMMDD\"T\"HH24MISS\"Z\"') FROM cubic_loads WHERE s3_key = '{key}' ORDER BY id DESC LIMIT 1")
        return at[0]

    # --- the database ---
    def sql(self, text):
        return self.postgres.psql(text, self.database)

    def statuses(self):
        return {r[0]: r[1] for r in self.sql("SELECT s3_key, status FROM cubic_loads ORDER BY id")}

    def await_statuses(self, **wanted):
        """`key=status` for loads that are to come; nobody is asked to do anything."""
        await_that(lambda: all(self.statuses().get(k) == s for k, s in wanted.items()), lambda: f"{self.statuses()}\n{self.log('transit-ingest')}")

    # --- runs ---
    def round(self, code=0, **more):
        result = self("run", "transit-platform", "--follow", timeout=240, **more)
        assert result.code == code, repr(result)
        return result.json["run"]

    def events_run(self, least):
        """Waits until as many runs of transit-events have ended, and none goes on."""
        def ended():
            runs = self.glue.get_workflow_runs(Name="transit-events", IncludeGraph=False)["Runs"]
            return len(runs) >= least and all(r["Status"] != "RUNNING" for r in runs)
        await_that(ended)

    def log(self, job):
        logs = self.cloud.client("logs")
        streams = {g["logGroupName"]: logs.describe_log_streams(logGroupName=g["logGroupName"])["logStreams"] for g in logs.describe_log_groups()["logGroups"]}
        runs = {r["Id"] for r in self.glue.get_job_runs(JobName=job)["JobRuns"]}
        return "\n".join(
            e["message"] for group, found in streams.items() for s in found if s["logStreamName"].split("-")[0] in runs or s["logStreamName"] in runs
            for e in logs.get_log_events(logGroupName=group, logStreamName=s["logStreamName"], startFromHead=True)["events"])

    def queue(self, name="transit-objects"):
        return self.cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]

    def query(self, sql):
        return [tuple(r) for r in self("query", sql).ok().json["rows"]]

    def current(self):
        """The rows as they are now, by the view that ingest writes; the catalog knows the key."""
        path = os.path.join(self.runner.folder, "current.sql")
        self("local", "run", "transit-ingest", f"--local={self.cloud.dir}", "--arg", f"VIEW_FILE={path}", "--arg", "QUERY_ONLY=true", "--arg", f"TABLE=raw_{ODS_TABLE}").ok()
        with open(path, encoding="utf-8") as f:
            return self.query(f"SELECT * FROM ({f.read()}) ORDER BY CAST(sample_id AS bigint)")


def await_that(condition, told=lambda: "", seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, told()
        time.sleep(0.05)


def make_sample(folder, *options):
    words = [sys.executable, os.path.join(ROOT, "scripts", "make-transit-sample.py"), "--out", str(folder), "--current", f"{folder}.json", *options]
    subprocess.run(words, check=True)
    return folder


def wanted_now(folder):
    with open(f"{folder}.json", encoding="utf-8") as f:
        lines = [",".join(row) for row in json.load(f)]
    rows = csv.reader(io.StringIO("\n".join(lines), newline=""))
    return sorted((tuple(oracle.as_string(c) for c in row) for row in rows), key=lambda row: int(row[0]))


@pytest.fixture
def transit(run_glueproj, cloud, postgres, request):
    return Transit(run_glueproj, cloud, postgres, make_database(postgres, request))


@pytest.fixture
def ready(transit):
    """Set up and migrated."""
    transit("setup").ok()
    transit.round()
    return transit


@pytest.fixture
def batch(transit):
    """Set up; events tell nobody."""
    transit("setup").ok()
    transit.cloud.client("events").disable_rule(Name="transit-object-created")
    return transit


def changed(result):
    return {k[1] for k, a in result.actions().items() if a not in ("none", "start")}


def nothing_left(cloud):
    left = everything(cloud)
    assert not any(n for k in left if k not in ("buckets", "workgroups") for n in left[k]), left
    assert [b for b in left["buckets"] if not b.startswith("glueproj-")] == [] and left["workgroups"] == ["primary"]
    assert cloud.client("events").list_rules()["Rules"] == [] and not cloud.client("sqs").list_queues().get("QueueUrls")
    assert cloud.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


def check_partitions(transit, folder, keys, snapshot):
    """Each file's rows are in the partition of its own, as the oracle reads them; the catalog knows all of them."""
    for key in keys:
        dated = f"snapshot={snapshot}/" if key.startswith("cubic/ods_qlik/") else ""
        columns = HEADERS + COLUMNS if key.startswith(CT) else COLUMNS if key.startswith(ODS) else AGG
        found = transit.rows(f"raw/{os.path.dirname(key)}/{dated}identifier={os.path.basename(key)}/")
        assert found == oracle.rows(folder / key, columns), key
    for table, prefix in ((ODS_TABLE, f"{ODS}/"), (f"{ODS_TABLE}__ct", f"{CT}/"), (DMAP_TABLE, f"{DMAP}/")):
        known = [tuple(p["Values"]) for p in transit.glue.get_partitions(DatabaseName="transit_springboard", TableName=f"raw_{table}")["Partitions"]]
        names = [os.path.basename(k) for k in keys if k.startswith(prefix)]
        assert sorted(known) == sorted((n,) if table == DMAP_TABLE else (snapshot, n) for n in names)


def test_setup_files_that_come_teardown(transit, cloud, tmp_path):
    first = transit("setup").ok()
    assert first.json["warnings"] == [] and {r["status"] for r in first.resources().values()} == {"done"}
    again = transit("setup").ok()
    assert set(again.actions().values()) == {"none"} and again.json["summary"]["unchanged"] == len(again.resources())
    assert {n["name"]: n["state"] for n in transit.round()["nodes"]} == dict.fromkeys(ROUND, "SUCCEEDED")

    # They come, and a round is started beside the events.
    folder = make_sample(tmp_path / "sample", "--rows", "20", "--taps", "9")
    keys = transit.put_all(folder, "LOAD1", "LOAD2", "__ct", "agg_sample", "taps")
    transit.round()
    transit.await_statuses(**dict.fromkeys(keys, "archived"))
    assert transit.keys(INCOMING) == [] and len(transit.sql("SELECT 1 FROM cubic_loads")) == len(keys)
    check_partitions(transit, folder, [k for k in keys if k.startswith("cubic/")], transit.stamp(SNAPSHOT_KEY))
    assert transit.current() == wanted_now(folder)
    assert transit.query("SELECT count(*), count(DISTINCT tapid) FROM transit_springboard.raw_kafka__taps") == [("9", "9")]

    assert transit("plan", "--detailed-exitcode").ok().json["changes"] == []
    assert transit("teardown", "--yes").ok().json["left"] == []
    nothing_left(cloud)
