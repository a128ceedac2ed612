"""The transit platform from setup to teardown on a real PostgreSQL: files that come by schedule and by events; what goes wrong."""
import concurrent.futures
import csv
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
ROUND = ("transit-migrate", "transit-ingest", "transit-process-incoming", "transit-validate-incoming", "transit-process-ingestion")
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
            # Descriptions first, so that no event finds a file without its own.
            for path in sorted((p for p in folder.rglob("*") if p.is_file() and name in str(p)), key=lambda p: (p.suffix != ".dfm", p)):
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
        form = 'YYYYMMDD"T"HH24MISS"Z"'
        return self.sql(f"SELECT to_char(s3_modified, '{form}') FROM cubic_loads WHERE s3_key = '{key}' ORDER BY id DESC LIMIT 1")[0][0]

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

    def events_run(self, least, seconds=120):
        """Waits until as many runs of transit-events have ended, and none goes on."""
        def ended():
            runs = self.glue.get_workflow_runs(Name="transit-events", IncludeGraph=False)["Runs"]
            return len(runs) >= least and all(r["Status"] != "RUNNING" for r in runs)
        await_that(ended, seconds=seconds)

    def log(self, job):
        """What all runs of a job have said."""
        logs, found = self.cloud.client("logs"), []
        runs = {r["Id"] for p in self.glue.get_paginator("get_job_runs").paginate(JobName=job) for r in p["JobRuns"]}
        for group in logs.describe_log_groups()["logGroups"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                found += [e["message"] for e in page["events"] if e["logStreamName"].split("-")[0] in runs]
        return "\n".join(found)

    def queue(self, name="transit-objects"):
        return self.cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]

    def query(self, sql):
        return [tuple(r) for r in self("query", sql).ok().json["rows"]]

    def current(self):
        """The rows as they are now, by the view that ingest writes; the catalog knows the key."""
        path = os.path.join(self.runner.folder, "current.sql")
        options = (f"VIEW_FILE={path}", "QUERY_ONLY=true", f"TABLE=raw_{ODS_TABLE}")
        self("local", "run", "transit-ingest", f"--local={self.cloud.dir}", *(word for o in options for word in ("--arg", o))).ok()
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


# --- set-up ---

@pytest.mark.long
def test_set_up_again_whatever_has_happened(transit, cloud, tmp_path):
    def unchanged():
        again = transit("setup").ok()
        assert set(again.actions().values()) == {"none"} and again.json["warnings"] == [], again
        assert transit("plan", "--detailed-exitcode").ok().json["changes"] == []

    transit("setup").ok()
    cloud.stop().ok()
    cloud.start()
    transit.environment |= cloud.checked_env()
    unchanged()
    transit.round()
    keys = transit.put_all(make_sample(tmp_path / "sample"), "LOAD1", "agg_sample")
    transit.round()
    transit.await_statuses(**dict.fromkeys(keys, "archived"))
    unchanged()
    cloud.kill()
    cloud.start()
    transit.environment |= cloud.checked_env()
    unchanged()
    assert transit("teardown", "--yes", env={"TRANSIT_POSTGRES": ""}).ok().json["left"] == []
    nothing_left(cloud)


@pytest.mark.long
def test_a_changed_value_changes_what_uses_it(transit, cloud):
    transit("setup").ok()
    jobs = {"Migrate", "ProcessIncoming", "ValidateIncoming", "ProcessIngestion", "Ingest", "FetchDmap", "ProcessNewTable"}
    changes = {
        "BatchWindow=7": {"ObjectsCame"}, "BatchSize=5": {"ObjectsCame"}, "IngestRuns=2": {"Ingest"}, "DmapUrl=https://api.example": {"FetchDmap"},
        "DmapState=ENABLED": {"DmapDaily"}, "DmapSchedule=cron(0 5 * * ? *)": {"DmapDaily"}, "Schedule=cron(0 6 * * ? *)": {"MigrateTrigger"},
        "JobTimeout=30": jobs, "DmapKeys={}": {"DmapSecret"}, "PostgresConnection=host=elsewhere": {"PostgresSecret"},
        "SubnetId=subnet-1": jobs | {"Network"},
    }
    for value, wanted in changes.items():
        found = transit("plan", "--set", value).ok().json["changes"]
        assert {c["logical_id"] for c in found} == wanted and not any(c["data_loss"] for c in found), value
    assert changed(transit("setup", "--set", "IngestRuns=2").ok()) == {"Ingest"}
    assert changed(transit("setup", "--set", "IngestRuns=2", "--set", "DmapKeys=another-key-of-dmap").ok()) == {"DmapSecret"}
    assert cloud.client("secretsmanager").get_secret_value(SecretId="transit-dmap")["SecretString"] == "another-key-of-dmap"
    del transit.environment["TRANSIT_POSTGRES"]
    (error,) = transit("setup").fails(2, "TRANSIT_POSTGRES").json["errors"]
    assert error["file"].endswith("transit-platform.yaml") and error["line"] > 1


def day(number):
    """A data set of the sample's feed, with the columns of its table."""
    return data_set("agg_sample", f"2022-05-{number}", data=f"sample_id,sample_name,sample_count\n1,of {number},5\n")


class CommandLines:
    """Words of all processes of this machine while it looks."""

    def __init__(self):
        self.seen, self.over = set(), threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as f:
                        self.seen.add(f.read())
                except OSError:
                    pass
            self.over.wait(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.mark.long
def test_secrets_show_nowhere(run_glueproj, cloud, postgres, request, tmp_path):
    with Dmap() as dmap, CommandLines() as lines:
        transit = Transit(run_glueproj, cloud, postgres, make_database(postgres, request), DmapUrl=dmap.url)
        dmap.feeds(agg_sample=[day(17)])
        transit("setup").ok()
        transit.round()
        transit("run", "transit-fetch-dmap", "--follow").ok()
        transit.await_statuses(**{f"{DMAP}/agg_sample_20220517.csv.gz": "archived"})
        for name in ("plan", "status", "outputs"):
            transit(name, json_output=False).ok()
        transit("setup", "--verbose", json_output=False).ok()
    secrets = [s.encode() for s in transit.secrets]
    assert any(b"process-ingestion" in line for line in lines.seen) and any(b"fetch-dmap" in line for line in lines.seen)
    found = {"command lines": b"\n".join(lines.seen), "definitions": repr(definitions(cloud)).encode()}
    found["tags"] = repr(cloud.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]).encode()
    for job in cloud.client("glue").get_jobs()["Jobs"]:
        found[job["Name"]] = repr([job, transit.glue.get_job_runs(JobName=job["Name"])["JobRuns"]]).encode()
    for bucket in everything(cloud)["buckets"]:
        for key in transit.keys(bucket):
            found[f"{bucket}/{key}"] = transit.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    logs = cloud.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        found[group["logGroupName"]] = repr(logs.filter_log_events(logGroupName=group["logGroupName"])["events"]).encode()
    assert b"fetch-dmap" in b"".join(v for k, v in found.items() if k.startswith("/aws-glue")), "the logs are read"
    assert [k for k, v in found.items() if any(s in v for s in secrets)] == []


# --- by schedule or by hand ---

@pytest.mark.long
def test_the_batch_route(batch, tmp_path):
    """Files that were there before the tables are: the first round migrates and takes all; the next finds nothing."""
    folder = make_sample(tmp_path / "sample", "--rows", "40", "--changes", "3", "--days", "3")
    keys = batch.put_all(folder, "LOAD1", "LOAD2", "__ct", "agg_sample")
    modified = batch.s3.head_object(Bucket=INCOMING, Key=SNAPSHOT_KEY)["LastModified"].strftime("%Y%m%dT%H%M%SZ")
    assert {n["name"]: n["state"] for n in batch.round()["nodes"]} == dict.fromkeys(ROUND, "SUCCEEDED")
    assert batch.statuses() == dict.fromkeys(keys, "archived") and batch.keys(INCOMING) == [] and batch.keys(ERROR) == []
    moved = []
    for key in keys:
        folder_of, name = os.path.split(key)
        if key.startswith(DMAP):
            moved.append(key)
        else:
            moved += [f"{folder_of}/snapshot={modified}/{name}", f"{folder_of}/snapshot={modified}/{name.removesuffix('.csv.gz')}.dfm"]
    assert batch.keys(ARCHIVE) == sorted(moved)
    check_partitions(batch, folder, keys, modified)
    assert batch.current() == wanted_now(folder)
    table = batch.glue.get_table(DatabaseName="transit_springboard", Name=f"raw_{ODS_TABLE}__ct")["Table"]
    assert [k["Name"] for k in table["PartitionKeys"]] == ["snapshot", "identifier"] and table["Parameters"]["primary_key"] == "sample_id"
    assert table["StorageDescriptor"]["Location"] == f"s3://{SPRINGBOARD}/raw/{CT}/"
    before = digest_of_objects(batch.cloud, SPRINGBOARD), batch.sql("SELECT * FROM cubic_loads ORDER BY id")
    batch.round()
    assert (digest_of_objects(batch.cloud, SPRINGBOARD), batch.sql("SELECT * FROM cubic_loads ORDER BY id")) == before
    # A newer snapshot begins anew: what was before it is no part of the rows as they are.
    time.sleep(1)
    newer = make_sample(tmp_path / "newer", "--rows", "5", "--changes", "1", "--seed", "2")
    batch.put_all(newer, "LOAD1", "__ct")
    batch.round()
    assert batch.current() == wanted_now(newer) and batch.stamp(SNAPSHOT_KEY) > modified


def described(folder, key, change):
    """The .dfm of a file, changed."""
    path = folder / (key.removesuffix(".csv.gz") + ".dfm")
    document = json.loads(path.read_text())
    path.write_text(change(document) or json.dumps(document))


RENAMED = f"its column 5 is 'sample_title', that of table '{ODS_TABLE}__ct' is 'sample_name'"


def rename(document):
    document["dataInfo"]["columns"][4]["name"] = "SAMPLE_TITLE"


@pytest.mark.long
def test_files_that_are_bad(batch, tmp_path):
    """Each goes to the errors with its reason in a log, and the others go on."""
    folder = make_sample(tmp_path / "sample", "--rows", "4", "--changes", "5", "--days", "2")
    changes = sorted(str(p.relative_to(folder)) for p in (folder / CT).glob("*.csv.gz"))
    no_json, disagrees, missing, empty, good = changes
    described(folder, no_json, lambda d: json.dumps(d)[:200])
    described(folder, disagrees, rename)
    os.unlink(folder / (missing.removesuffix(".csv.gz") + ".dfm"))
    (folder / empty).write_bytes(b"")
    keys = batch.put_all(folder, "LOAD1", "__ct", "agg_sample")
    batch.round()
    days = [k for k in keys if k.startswith(DMAP)]
    # Without its description a file's move is not whole: it says so, and is tried again with each round.
    wanted = {no_json: "errored", disagrees: "errored", missing: "errored_unknown", empty: "errored", good: "archived", SNAPSHOT_KEY: "archived"}
    assert batch.statuses() == {**wanted, **dict.fromkeys(days, "archived")}
    told = batch.log("transit-validate-incoming")
    for key, text in ((no_json, "it is no JSON"), (disagrees, RENAMED), (missing, ".dfm")):
        assert any(key in line and text in line for line in told.splitlines()), told
    assert f'key="{empty}" reason="it is empty"' in batch.log("transit-process-incoming")
    errors = {f"{CT}/timestamp={batch.stamp(k)}/{os.path.basename(k)}" for k in (no_json, disagrees, missing, empty)}
    assert {k for k in batch.keys(ERROR) if k.endswith(".csv.gz")} == errors and len(batch.keys(ERROR)) == 7 and batch.keys(INCOMING) == []
    assert len(batch.keys(SPRINGBOARD, f"raw/{CT}/")) == 1


@pytest.mark.long
def test_a_file_that_vanished(batch):
    batch("run", "transit-migrate", "--follow").ok()
    gone, good = (batch.put(f"{DMAP}/{n}.csv.gz", "sample_id,sample_name,sample_count\n1,x,5\n") for n in ("gone", "good"))
    for name in ("transit-process-incoming", "transit-validate-incoming"):
        batch("run", name, "--follow").ok()
    batch.s3.delete_object(Bucket=INCOMING, Key=gone)
    batch("run", "transit-process-ingestion", "--follow", timeout=240).ok()
    assert batch.statuses() == {gone: "errored_unknown", good: "archived"} and batch.rows(f"raw/{DMAP}/identifier=good.csv.gz/") == [("1", "x", "5")]
    assert any("status=failed" in line and gone in line for line in batch.log("transit-ingest").splitlines())
    assert f"'s3://{INCOMING}/{gone}' is gone" in batch.log("transit-process-ingestion")


@pytest.mark.long
def test_values_that_do_not_fit_typed_tables(batch, tmp_path):
    batch("run", "transit-migrate", "--follow").ok()
    batch.sql("UPDATE cubic_tables SET is_raw = false")
    typed = [("sample_id", "bigint"), ("sample_count", "bigint")]
    batch.glue.create_table(DatabaseName="transit_springboard", TableInput={
        "Name": DMAP_TABLE, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": "identifier", "Type": "string"}],
        "StorageDescriptor": {"Columns": [{"Name": n, "Type": t} for n, t in typed], "Location": f"s3://{SPRINGBOARD}/{DMAP}/"}})
    folder = make_sample(tmp_path / "sample", "--rows", "6", "--bad")
    keys = batch.put_all(folder, "LOAD1", "__ct", "agg_sample")
    batch.round()
    bad = {SNAPSHOT_KEY, f"{DMAP}/agg_sample_20220517.csv.gz"}
    assert batch.statuses() == {k: "errored" if k in bad else "archived" for k in keys}
    told = batch.log("transit-ingest")
    assert "row 7: column 'sample_count': 'five', no integer" in told and "row 7: column 'edw_updated_dtm': '2021-13-01 00:00:00'" in told
    (day,) = (k for k in keys if k.startswith(DMAP) and k not in bad)
    assert batch.rows(f"{DMAP}/identifier={os.path.basename(day)}/") == oracle.rows(folder / day, typed)
    moments = ("header__timestamp", "edw_inserted_dtm", "edw_updated_dtm")
    kinds = [(n, "timestamp" if n in moments else "bigint" if n == "sample_id" else "string") for n, _ in HEADERS + COLUMNS]
    for key in (k for k in keys if k.startswith(CT)):
        assert batch.rows(f"{CT}/snapshot={batch.stamp(SNAPSHOT_KEY)}/identifier={os.path.basename(key)}/") == oracle.rows(folder / key, kinds)


@pytest.mark.long
def test_a_database_that_is_down(batch):
    batch.round()
    key = batch.put(f"{DMAP}/1.csv.gz", "sample_id,sample_name,sample_count\n1,x,5\n")
    with batch.postgres.down():
        run = batch.round(1)
        assert [(n["name"], n["state"]) for n in run["nodes"] if n["state"] != "WAITING"][0] == ("transit-migrate", "FAILED")
        told = batch.log("transit-migrate")
        assert " ERROR migrate: failed " in told and "Connection refused" in told
        batch("run", "transit-process-incoming", "--follow").fails(1, "transit-process-incoming|JobFailed")
    assert batch.keys(INCOMING) == [key] and batch.statuses() == {}
    # Jobs that find fewer migrations than they need say so; the round makes up for it.
    batch("run", "transit-migrate", "--arg", "ACTION=down", "--arg", "TO=1", "--follow").ok()
    failed = batch("run", "transit-process-incoming", "--follow", json_output=False)
    assert failed.code == 1 and "behind on migrations: it is at 1, 2 is wanted" in failed.stdout + failed.stderr
    batch.round()
    assert batch.statuses() == {key: "archived"} and batch.rows(f"raw/{DMAP}/identifier=1.csv.gz/") == [("1", "x", "5")]


@pytest.mark.long
def test_a_load_that_fails_three_times(batch, tmp_path):
    """What may pass is tried again; what does not pass goes to the errors, and takes nothing along."""
    statement = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{SPRINGBOARD}/raw/{DMAP}/*"}
    deny = {"Version": "2012-10-17", "Statement": [statement]}
    batch.cloud.client("iam").put_role_policy(RoleName="transit-jobs", PolicyName="NoDmap", PolicyDocument=json.dumps(deny))
    folder = make_sample(tmp_path / "sample", "--rows", "4", "--days", "1")
    keys = batch.put_all(folder, "LOAD1", "agg_sample")
    run = batch.start("run", "transit-platform", "--follow")

    def over():
        # Nobody waits a quarter of a minute for the next attempt.
        batch.sql("UPDATE cubic_ingest_chunks SET scheduled_at = now() AT TIME ZONE 'UTC' WHERE state = 'available'")
        return run.poll() is not None

    try:
        batch("run", "transit-migrate", "--follow").ok()
        await_that(over, seconds=200)
    finally:
        out = run.communicate()
    assert run.returncode == 0, out
    assert batch.sql("SELECT attempts, state FROM cubic_ingest_chunks") == [["3", "discarded"]]
    assert batch.statuses() == {k: "errored" if k.startswith(DMAP) else "archived" for k in keys}
    told = batch.log("transit-process-ingestion")
    assert told.count("attempt-failed") == 3 and any("not-ingested" in line and keys[-1] in line for line in told.splitlines()), told
    assert batch.keys(ERROR) == [keys[-1]] and batch.keys(INCOMING) == [] and "AccessDenied" in batch.log("transit-ingest")


@pytest.mark.long
def test_both_routes_take_each_file_once(ready, tmp_path):
    folder = make_sample(tmp_path / "sample", "--rows", "30", "--changes", "12", "--days", "12")
    keys = ready.put_all(folder, "LOAD1", "LOAD2", "__ct", "agg_sample")
    for _ in range(2):
        ready.round()
    ready.await_statuses(**dict.fromkeys(keys, "archived"))
    assert len(ready.sql("SELECT 1 FROM cubic_loads")) == len(keys)
    check_partitions(ready, folder, keys, ready.stamp(SNAPSHOT_KEY))
    ingested = [line for line in ready.log("transit-ingest").splitlines() if " status=ingested " in line]
    assert len(ingested) == len(keys), "a load is ingested once"
    assert ready.current() == wanted_now(folder)


# --- with nobody calling anything ---

def taps(*numbers):
    return "".join(json.dumps({"tapId": n, "tokenId": f"t{n}", "stopId": "place-davis", "deviceId": "gate-01"}) + "\n" for n in numbers).encode()


@pytest.mark.long
def test_records_of_kafka_and_what_is_none(ready):
    files = {"good.json": taps(1, 2), "cut.json": taps(3, 4, 5)[:-20], "x.json.gz": gzip.compress(taps(6))}
    good, cut, packed = (ready.put(f"{TAPS}/{name}", data) for name, data in files.items())
    strange = ready.put("elsewhere/1.json", taps(7))
    ready.await_statuses(**{good: "archived", cut: "errored", packed: "archived"})
    ready.events_run(1)
    assert set(ready.statuses()) == {good, cut, packed}
    rows = ready.query("SELECT tapid, tokenid, stopid, deviceid, identifier FROM transit_springboard.raw_kafka__taps ORDER BY tapid")
    assert rows == [(str(n), f"t{n}", "place-davis", "gate-01", f) for n, f in ((1, "good.json"), (2, "good.json"), (6, "x.json.gz"))]
    told = ready.log("transit-ingest").splitlines()
    assert any("status=failed" in line and cut in line and "cut.json' row 3: " in line for line in told), "\n".join(told)
    assert any(" skipped " in line and strange in line and "no active table has the prefix 'elsewhere/'" in line for line in told), told
    assert ready.keys(INCOMING) == [strange] and ready.keys(ERROR) == [cut] and counts(ready.cloud.client("sqs"), ready.queue()) == (0, 0, 0)


@pytest.mark.long
def test_events_while_the_database_is_away(transit, cloud):
    """What no run could take waits in the queue for the next one; what a run took and died over comes again when its time is over."""
    transit("setup").ok()
    sqs = cloud.client("sqs")
    early = transit.put(f"{TAPS}/early.json", taps(1))
    transit.events_run(1)
    assert "behind on migrations" in transit.log("transit-ingest") and counts(sqs, transit.queue())[0] == 1
    transit.round()  # takes it, with no other event
    assert set(transit.statuses()) == {early} and counts(sqs, transit.queue()) == (0, 0, 0)
    with transit.postgres.down():
        away = transit.put(f"{TAPS}/away.json", taps(2))
        transit.events_run(2)
    assert "Connection refused" in transit.log("transit-ingest")
    (taken,) = receive(sqs, transit.queue(), most=1)
    assert json.loads(taken["Body"])["detail"]["object"]["key"] == away and counts(sqs, transit.queue()) == (0, 1, 0)
    third = transit.put(f"{TAPS}/third.json", taps(3))
    transit.await_statuses(**{third: "ready_for_archiving"})
    assert set(transit.statuses()) == {early, third}
    advance(cloud, 301)
    transit.await_statuses(**dict.fromkeys((early, away, third), "archived"))
    assert transit.query("SELECT tapid FROM transit_springboard.raw_kafka__taps ORDER BY 1") == [("1",), ("2",), ("3",)]
    assert counts(sqs, transit.queue()) == (0, 0, 0) and counts(sqs, transit.queue("transit-objects-dead")) == (0, 0, 0)


@pytest.mark.long
def test_a_server_that_dies_loses_no_event(run_glueproj, cloud, postgres, request):
    transit = Transit(run_glueproj, cloud, postgres, make_database(postgres, request), BatchWindow=3)
    transit("setup").ok()
    transit.round()
    keys = [transit.put(f"{TAPS}/{i}.json", taps(i)) for i in range(3)]
    cloud.kill()
    cloud.start()
    transit.environment |= cloud.checked_env()
    transit.s3, transit.glue = cloud.client("s3"), cloud.client("glue")
    transit.await_statuses(**dict.fromkeys(keys, "archived"))
    # And in the middle of a run: whoever comes next takes up what it left.
    late = transit.put(f"{TAPS}/late.json", taps(*range(100_000)))
    await_that(lambda: transit.statuses().get(late) == "ingesting", seconds=60)
    cloud.kill()
    cloud.start()
    transit.environment |= cloud.checked_env()
    advance(cloud, 301)
    last = transit.put(f"{TAPS}/last.json", taps(7))
    transit.await_statuses(**{late: "archived", last: "archived"})
    assert transit.query("SELECT count(*) FROM transit_springboard.raw_kafka__taps") == [(str(3 + 100_000 + 1),)]
    assert len(transit.sql("SELECT 1 FROM cubic_loads")) == 5


@pytest.mark.long
def test_an_object_that_is_written_again(ready):
    head = "sample_id,sample_name,sample_count\n"
    key = ready.put(f"{DMAP}/1.csv.gz", head + "1,first,1\n")
    ready.put(key, head + "2,second,22\n")
    partition = f"raw/{DMAP}/identifier=1.csv.gz/"
    ready.await_statuses(**{key: "archived"})
    ready.events_run(1)
    assert ready.rows(partition) == [("2", "second", "22")] and {s for _, s in ready.sql("SELECT id, status FROM cubic_loads")} == {"archived"}
    loads = len(ready.sql("SELECT id FROM cubic_loads"))
    time.sleep(1.1)
    ready.put(key, head + "3,the third is a longer one,333\n")
    await_that(lambda: len(ready.sql("SELECT id FROM cubic_loads")) == loads + 1, seconds=60)
    ready.events_run(2)
    # The archive has a file of that name already: neither is lost.
    assert ready.rows(partition) == [("3", "the third is a longer one", "333")]
    ready.await_statuses(**{key: "archived"})
    assert ready.keys(INCOMING) == [] and ready.keys(ARCHIVE) == sorted([key, f"{DMAP}/timestamp={ready.stamp(key)}/1.csv.gz"])


@pytest.mark.long
def test_descriptions_of_files_that_come(ready, tmp_path):
    """One that disagrees is an error by this route too; one that comes late is no matter but to the archive."""
    folder = make_sample(tmp_path / "sample", "--rows", "4", "--changes", "4")
    no_json, disagrees, late, good = sorted(str(p.relative_to(folder)) for p in (folder / CT).glob("*.csv.gz"))
    described(folder, no_json, lambda d: json.dumps(d)[:200])
    described(folder, disagrees, rename)
    keys = (SNAPSHOT_KEY, no_json, disagrees, late, good)
    for key in keys:
        for end in (".dfm", ".csv.gz"):
            name = key.removesuffix(".csv.gz") + end
            if name != late.removesuffix(".csv.gz") + ".dfm":
                ready.put(name, (folder / name).read_bytes())
    ready.await_statuses(**{SNAPSHOT_KEY: "archived", no_json: "errored", disagrees: "errored", late: "archived_unknown", good: "archived"})
    ready.events_run(1)
    told = ready.log("transit-ingest").splitlines()
    for key, text in ((no_json, "it is no JSON"), (disagrees, RENAMED)):
        assert any("status=failed" in line and key in line and text in line for line in told), "\n".join(told)
    ready.put(late.removesuffix(".csv.gz") + ".dfm", b"{}")
    ready.round()
    assert ready.statuses()[late] == "archived" and ready.keys(INCOMING) == []


@pytest.mark.long
def test_messages_that_nobody_can_read(ready, cloud):
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=ready.queue(), MessageBody="{no event")
    dead = ready.queue("transit-objects-dead")
    for tries in range(1, 8):
        if counts(sqs, dead)[0]:
            break
        ready("run", "transit-ingest", "--arg", "QUEUE=transit-objects", "--arg", "WAIT_SECONDS=0", "--follow").ok()
        advance(cloud, 301)
    assert counts(sqs, dead)[0] == 1 and tries == 7, "five of them are given it, the sixth is not"
    assert receive(sqs, dead)[0]["Body"] == "{no event" and counts(sqs, ready.queue()) == (0, 0, 0)
    assert ready.log("transit-ingest").count(" ERROR ingest: unreadable message=") == 5


STORM = int(os.environ.get("TRANSIT_STORM", "1000"))


@pytest.mark.long
def test_a_storm_of_events(ready):
    """Many at once, in runs that overlap: each is a load of its own, ingested once and archived."""
    body = gzip.compress(b"sample_id,sample_name,sample_count\n1,x,5\n")
    keys = [f"{DMAP}/{i:05}.csv.gz" for i in range(STORM)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: ready.put(key, body), keys))
    tally = "SELECT status, count(*) FROM cubic_loads GROUP BY 1"
    await_that(lambda: ready.sql(tally) == [["archived", str(STORM)]], lambda: str(ready.sql(tally)), 1200)
    ready.events_run(1, 300)
    assert ready.statuses() == dict.fromkeys(keys, "archived") and len(ready.sql("SELECT 1 FROM cubic_loads")) == STORM
    assert ready.keys(INCOMING) == [] and ready.keys(ARCHIVE) == keys
    assert ready.log("transit-ingest").count(" status=ingested ") == STORM
    assert [os.path.dirname(k) for k in ready.keys(SPRINGBOARD, f"raw/{DMAP}/")] == [f"raw/{DMAP}/identifier={os.path.basename(k)}" for k in keys]
    found = ready.query("SELECT count(*), count(DISTINCT identifier) FROM transit_springboard.raw_cubic_dmap__agg_sample")
    assert found == [(str(STORM), str(STORM))]
    sqs = ready.cloud.client("sqs")
    assert counts(sqs, ready.queue()) == counts(sqs, ready.queue("transit-objects-dead")) == (0, 0, 0)


# --- the API ---

@pytest.fixture
def dmap():
    with Dmap() as dmap:
        yield dmap


@pytest.mark.long
def test_the_api_is_asked_by_hand_and_by_schedule(run_glueproj, cloud, postgres, request, dmap):
    transit = Transit(run_glueproj, cloud, postgres, make_database(postgres, request), DmapUrl=dmap.url)
    transit("setup").ok()
    transit.round()
    dmap.feeds(agg_sample=[day(17)])
    first, second, third = (f"{DMAP}/agg_sample_2022051{n}.csv.gz" for n in (7, 8, 9))
    transit("setup", "--set", "DmapKeys=" + json.dumps({"controlled": CONTROLLED_KEY, "public": "a-wrong-one"})).ok()
    wrong = transit("run", "transit-fetch-dmap", "--follow", json_output=False)
    told = wrong.stdout + wrong.stderr + transit.log("transit-fetch-dmap")
    assert wrong.code == 1 and "401" in told and "a-wrong-one" not in told and transit.keys(INCOMING) == []
    transit("setup").ok()
    transit("run", "transit-fetch-dmap", "--follow").ok()
    transit.await_statuses(**{first: "archived"})
    assert transit.rows(f"raw/{DMAP}/identifier=agg_sample_20220517.csv.gz/")
    # DISABLED: a day goes by, and nobody asks.
    dmap.feeds(agg_sample=[day(17), day(18)])
    advance(cloud, 86400)
    transit("run", "transit-fetch-dmap", "--follow").ok()
    transit.await_statuses(**{second: "archived"})
    assert transit.glue.get_workflow_runs(Name="transit-dmap")["Runs"] == []
    dmap.feeds(agg_sample=[day(17), day(18), day(19)])
    assert changed(transit("setup", "--set", "DmapState=ENABLED").ok()) == {"DmapDaily"}
    advance(cloud, 86400)
    transit.await_statuses(**{third: "archived"})
    await_that(lambda: [r["Status"] for r in transit.glue.get_workflow_runs(Name="transit-dmap")["Runs"]] == ["COMPLETED"])
    assert transit.query("SELECT count(DISTINCT identifier) FROM transit_springboard.raw_cubic_dmap__agg_sample") == [("3",)]


# --- a new table ---

@pytest.mark.long
def test_a_table_that_is_new(ready, tmp_path):
    folder = make_sample(tmp_path / "sample", "--rows", "12", "--changes", "2")
    other, changes = "cubic/ods_qlik/EDW.OTHER", "cubic/ods_qlik/EDW.OTHER__ct"
    put = []
    for path in sorted(p for p in (folder / "cubic/ods_qlik").rglob("*") if p.is_file() and "LOAD2" not in p.name):
        key = str(path.relative_to(folder)).replace("EDW.SAMPLE", "EDW.OTHER").replace("LOAD1", "LOAD00000001")
        ready.put(key, path.read_bytes())
        put += [key] if key.endswith(".csv.gz") else []
    ready.events_run(1)
    assert "no active table has the prefix 'cubic/ods_qlik/EDW.OTHER/'" in ready.log("transit-ingest") and ready.statuses() == {}
    ready("run", "transit-ods", "--follow").ok()
    name = "cubic_ods_qlik__edw_other"
    found = {t["Name"]: t for t in ready.glue.get_tables(DatabaseName="transit_incoming")["TableList"]}
    assert {name, f"{name}__ct", ODS_TABLE, f"{ODS_TABLE}__ct"} <= set(found)
    assert [c["Name"] for c in found[name]["StorageDescriptor"]["Columns"]] == [n for n, _ in COLUMNS]

    words = ("run", "transit-process-new-table", "--arg", f"TABLE={name}")
    dry = ready(*words, "--follow", json_output=False).ok()
    told = dry.stdout + dry.stderr
    assert f"VALUES ('{name}', '{other}/', true, true)" in told and "Type: AWS::Glue::Table" in told and "LOAD00000001.csv.gz" in told
    assert ready.sql(f"SELECT 1 FROM cubic_tables WHERE name = '{name}'") == []
    assert ready.glue.get_tables(DatabaseName="transit_springboard")["TableList"] == []
    for _ in range(2):
        ready(*words, "--arg", "APPLY=Y", "--follow").ok()
    row = f"FROM cubic_tables t JOIN cubic_ods_table_snapshots s ON table_id = t.id WHERE name = '{name}'"
    assert ready.sql(f"SELECT s3_prefix, is_raw, is_active, snapshot_s3_key {row}") == [[f"{other}/", "t", "t", f"{other}/LOAD00000001.csv.gz"]]
    made = {t["Name"]: t for t in ready.glue.get_tables(DatabaseName="transit_springboard")["TableList"]}
    assert set(made) == {f"raw_{name}", f"raw_{name}__ct"} and made[f"raw_{name}"]["Parameters"]["primary_key"] == "sample_id"

    ready.round()
    assert ready.statuses() == dict.fromkeys(sorted(put, key=lambda k: "__ct" in k), "archived")
    stamp = ready.stamp(f"{other}/LOAD00000001.csv.gz")
    for key in put:
        original = folder / key.replace("EDW.OTHER", "EDW.SAMPLE").replace("LOAD00000001", "LOAD1")
        columns = HEADERS + COLUMNS if key.startswith(changes) else COLUMNS
        assert ready.rows(f"raw/{os.path.dirname(key)}/snapshot={stamp}/identifier={os.path.basename(key)}/") == oracle.rows(original, columns)
    ready("run", "transit-process-new-table", "--arg", "TABLE=nowhere", "--follow").fails(1)
