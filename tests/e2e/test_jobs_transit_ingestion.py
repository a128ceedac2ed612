"""process-ingestion: chunks, runs of the ingest job, attempts, moves to the archive and to the errors; workers at once, and workers that die."""
import http.server
import json
import os
import signal
import threading
import time
import urllib.request

import pytest
from transit import Platform, chunks, make_bucket, make_database

pytestmark = pytest.mark.long

ODS, CT, DMAP = "cubic/ods_qlik/EDW.SAMPLE/", "cubic/ods_qlik/EDW.SAMPLE__ct/", "cubic/dmap/agg_sample/"
SAMPLE = "cubic_ods_qlik__edw_sample"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::code/*"]}]}
# Writes down what it was given; what `bad` in a key tells, it does: fails always, or the first two times, or runs until it is let go.
INGEST = """
import json, os, sys, time
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder, keys = {folder!r}, [l["s3_key"] for l in json.loads(given["--INPUT"])["loads"]]
path = os.path.join(folder, given["--ATTEMPT"])
with open(path, "w") as f:
    json.dump(given, f)
os.rename(path, path + ".json")
while any("slow" in k for k in keys) and not os.path.exists(os.path.join(folder, "go")):
    time.sleep(0.02)
attempt = int(given["--ATTEMPT"].split(".")[1])
if any("bad" in k or ("twice" in k and attempt < 3) for k in keys):
    sys.exit("no good")
"""


class Lab(Platform):
    """A platform whose Glue has the ingest job."""

    def __init__(self, tmp_path, postgres, database, cloud, runs=10, **more):
        super().__init__(tmp_path, postgres, database, {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"})
        self.glue, s3, iam = (cloud.client(s) for s in ("glue", "s3", "iam"))
        self.given = tmp_path / "given"
        self.given.mkdir()
        make_bucket(cloud, "code")
        s3.put_object(Bucket="code", Key="ingest.py", Body=INGEST.format(folder=str(self.given)).encode())
        role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="job", PolicyName="read", PolicyDocument=json.dumps(RIGHTS))
        command = {"Name": "pythonshell", "ScriptLocation": "s3://code/ingest.py", "PythonVersion": "3.9"}
        self.glue.create_job(Name="ingest", Role=role, Command=command, ExecutionProperty={"MaxConcurrentRuns": runs}, **more)

    def runs(self):
        return {p.stem: json.loads(p.read_text()) for p in self.given.glob("*.json")}

    def inputs(self):
        return [[load["s3_key"] for load in json.loads(r["--INPUT"])["loads"]] for _, r in sorted(self.runs().items(), key=lambda r: float(r[0]))]

    def load(self, key, status="ready_for_ingesting", data=b"x", **more):
        self.put(key, data)
        return self.add_load(key, status, size=more.pop("size", len(data)), **more)

    def ods(self, key, status="ready_for_ingesting", dfm=b"{}", **more):
        if dfm is not None:
            self.put(key.replace(".csv.gz", ".dfm"), dfm)
        return self.load(key, status, table=SAMPLE, snapshot="2022-01-02 03:04:05", **more)

    def chunks(self):
        return self.sql("SELECT state, cardinality(load_ids), attempts, max_attempts FROM cubic_ingest_chunks ORDER BY id")


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def platform(tmp_path, postgres, request):
    """Without a cloud: for moves."""
    return Platform(tmp_path, postgres, make_database(postgres, request), {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1"})


@pytest.fixture
def lab(tmp_path, postgres, request, cloud):
    return Lab(tmp_path, postgres, make_database(postgres, request), cloud)


def test_a_load_from_ready_to_archived(lab):
    """What ingest is given is the original's payload, to the letter."""
    ids = [lab.load(f"{DMAP}a.csv.gz"), lab.ods(f"{ODS}LOAD1.csv.gz"), lab.ods(f"{CT}1.csv.gz", raw="false")]
    lab.run("process-ingestion", ONCE="true").ok()
    (run,) = lab.runs().values()
    assert json.loads(run["--ENV"]) == {"GLUE_DATABASE_INCOMING": "incoming", "GLUE_DATABASE_SPRINGBOARD": "springboard"}
    incoming, spring, snapshot = lab.places["INCOMING"], lab.places["SPRINGBOARD"], {"name": "snapshot", "value": "20220102T030405Z"}

    def load(number, key, source, destination, folder, *partitions):
        return {
            "id": number, "s3_key": key, "source_table_name": source, "destination_table_name": destination, "source_s3_key": f"{incoming}/{key}",
            "destination_path": f"{spring}/{folder}", "partition_columns": [*partitions, {"name": "identifier", "value": os.path.basename(key)}],
        }

    assert json.loads(run["--INPUT"]) == {"loads": [
        load(ids[0], f"{DMAP}a.csv.gz", "cubic_dmap__agg_sample", "raw_cubic_dmap__agg_sample", "raw/cubic/dmap/agg_sample"),
        load(ids[1], f"{ODS}LOAD1.csv.gz", SAMPLE, f"raw_{SAMPLE}", "raw/cubic/ods_qlik/EDW.SAMPLE", snapshot),
        load(ids[2], f"{CT}1.csv.gz", f"{SAMPLE}__ct", f"{SAMPLE}__ct", "cubic/ods_qlik/EDW.SAMPLE__ct", snapshot),
    ]}
    assert set(lab.statuses().values()) == {"archived"} and lab.files("incoming") == [] == lab.files("error")
    assert lab.files("archive") == sorted([
        f"{DMAP}a.csv.gz", f"{ODS}snapshot=20220102T030405Z/LOAD1.csv.gz", f"{ODS}snapshot=20220102T030405Z/LOAD1.dfm",
        f"{CT}snapshot=20220102T030405Z/1.csv.gz", f"{CT}snapshot=20220102T030405Z/1.dfm",
    ])
    assert lab.chunks() == [["completed", "3", "1", "3"]]


def test_chunks(lab):
    sizes = [150_000_000, *[1] * 12, 60_000_000, 40_000_000, 30_000_000, 0, 69_999_000, 2000, 100_000_000]
    for i, size in enumerate(sizes):
        lab.load(f"{DMAP}{i:03}.csv.gz", size=size, modified=f"2022-01-01 00:00:{i:02}")
    lab.run("process-ingestion", AT_ONCE=4).ok()
    assert [len(k) for k in lab.inputs()] == chunks(sizes) and sum(lab.inputs(), []) == [f"{DMAP}{i:03}.csv.gz" for i in range(len(sizes))]
    assert set(lab.statuses().values()) == {"archived"}


def test_attempts(lab):
    """Three for a chunk; then each load by itself, and only the bad one is an error."""
    lab.load(f"{DMAP}twice.csv.gz", size=100_000_000)
    lab.load(f"{DMAP}bad1.csv.gz", size=100_000_000, modified="2022-01-03 04:05:07")
    for i in range(3):
        lab.load(f"{DMAP}{'bad' if i == 1 else 'fine'}-z{i}.csv.gz", modified="2022-01-03 04:05:08")
    result = lab.run("process-ingestion").ok()
    assert lab.statuses() == {
        f"{DMAP}twice.csv.gz": "archived", f"{DMAP}bad1.csv.gz": "errored", f"{DMAP}fine-z0.csv.gz": "archived", f"{DMAP}bad-z1.csv.gz": "errored",
        f"{DMAP}fine-z2.csv.gz": "archived",
    }
    assert sorted(lab.chunks()) == sorted([
        ["completed", "1", "3", "3"], ["discarded", "1", "3", "3"], ["discarded", "3", "3", "3"], ["completed", "1", "1", "1"], ["discarded", "1", "1", "1"],
        ["completed", "1", "1", "1"],
    ])
    assert lab.files("error") == [f"{DMAP}bad-z1.csv.gz", f"{DMAP}bad1.csv.gz"] and "the run is FAILED" in result.stderr
    assert len(lab.runs()) == 3 + 3 + 3 + 3


def test_a_glue_without_room_is_no_attempt(tmp_path, postgres, request, cloud):
    lab = Lab(tmp_path, postgres, make_database(postgres, request), cloud, runs=1)
    for i in range(3):
        lab.load(f"{DMAP}{'slow' if i == 0 else i}.csv.gz", size=100_000_000, modified=f"2022-01-03 04:05:0{i}")
    worker = lab.start("process-ingestion", tmp_path / "w")
    until(lambda: lab.runs())
    until(lambda: ["available", "1", "0", "3"] in lab.chunks())
    (lab.given / "go").touch()
    out = worker.communicate(timeout=60)
    assert worker.returncode == 0 and "snoozed" in out[0], out
    assert lab.chunks() == [["completed", "1", "1", "3"]] * 3 and set(lab.statuses().values()) == {"archived"}


def test_a_job_that_is_not_there(lab):
    lab.load(f"{DMAP}a.csv.gz")
    result = lab.run("process-ingestion", INGEST_JOB="nothing", ATTEMPTS=2).ok()
    assert lab.chunks() == [["discarded", "1", "2", "2"]] and lab.statuses() == {f"{DMAP}a.csv.gz": "errored"}
    assert "EntityNotFoundException" in result.stderr


def test_a_run_that_takes_too_long_is_stopped(lab):
    lab.load(f"{DMAP}slow.csv.gz")
    lab.run("process-ingestion", ATTEMPTS=1, RUN_TIMEOUT=1).ok()
    assert lab.statuses() == {f"{DMAP}slow.csv.gz": "errored"}
    until(lambda: lab.glue.get_job_runs(JobName="ingest")["JobRuns"][0]["JobRunState"] == "STOPPED")


def test_a_run_that_glue_has_queued_loses_no_time(tmp_path, postgres, request, cloud):
    """What counts is how long it runs: with the queue of Glue's own, a run waits for others to end."""
    lab = Lab(tmp_path, postgres, make_database(postgres, request), cloud, runs=1, JobRunQueuingEnabled=True)
    other = {"--INPUT": json.dumps({"loads": [{"s3_key": "slow"}]}), "--ATTEMPT": "0.1"}
    lab.glue.start_job_run(JobName="ingest", Arguments=other)
    until(lambda: lab.runs())
    lab.load(f"{DMAP}a.csv.gz")
    worker = lab.start("process-ingestion", tmp_path / "w", ATTEMPTS=1, RUN_TIMEOUT=2)
    until(lambda: lab.sql("SELECT run_id FROM cubic_ingest_chunks WHERE inserted_at < now() AT TIME ZONE 'UTC' - interval '5 s'") != [])
    assert lab.statuses() == {f"{DMAP}a.csv.gz": "ingesting"}
    (lab.given / "go").touch()
    out = worker.communicate(timeout=60)
    assert worker.returncode == 0, out
    assert lab.statuses() == {f"{DMAP}a.csv.gz": "archived"} and lab.chunks() == [["completed", "1", "1", "1"]]


def test_what_ingest_notes_itself_stays(lab):
    """Of a chunk that failed, only what is still to be ingested is tried again."""
    ids = [lab.load(f"{DMAP}{n}.csv.gz") for n in ("a", "slow-bad", "z")]
    worker = lab.start("process-ingestion", lab.tmp / "w", ATTEMPTS=2)
    until(lambda: lab.runs())
    lab.sql(f"UPDATE cubic_loads SET status = 'ready_for_archiving' WHERE id = {ids[0]}; UPDATE cubic_loads SET status = 'ready_for_erroring' WHERE id = {ids[1]}")
    (lab.given / "go").touch()
    out = worker.communicate(timeout=60)
    assert worker.returncode == 0, out
    assert list(lab.statuses().values()) == ["archived", "errored", "archived"]
    assert lab.inputs() == [[f"{DMAP}{n}.csv.gz" for n in ("a", "slow-bad", "z")], [f"{DMAP}z.csv.gz"]]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_dies_leaves_its_run_to_the_next(lab, how):
    lab.load(f"{DMAP}slow.csv.gz")
    first = lab.start("process-ingestion", lab.tmp / "w1")
    until(lambda: lab.runs() and lab.sql("SELECT run_id FROM cubic_ingest_chunks")[0][0])
    first.send_signal(how)
    first.communicate(timeout=30)
    assert first.returncode != 0 and lab.chunks() == [["executing", "1", "1", "3"]]
    second = lab.start("process-ingestion", lab.tmp / "w2")
    until(lambda: lab.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [["1"]])
    (lab.given / "go").touch()
    out = second.communicate(timeout=60)
    assert second.returncode == 0 and "adopted" in out[1], out
    assert lab.statuses() == {f"{DMAP}slow.csv.gz": "archived"} and list(lab.runs()) == ["1.1"]


def test_a_run_that_nobody_noted_is_found(lab):
    """The worker died between the start of the run and the note."""
    lab.load(f"{DMAP}a.csv.gz")
    lab.run("process-ingestion").ok()
    lab.sql("UPDATE cubic_ingest_chunks SET state = 'executing', run_id = NULL; UPDATE cubic_loads SET status = 'ingesting'")
    lab.run("process-ingestion").ok()
    assert len(lab.glue.get_job_runs(JobName="ingest")["JobRuns"]) == 1 and lab.chunks() == [["completed", "1", "1", "3"]]
    assert lab.statuses() == {f"{DMAP}a.csv.gz": "archived"}


def test_a_run_that_a_dead_worker_never_started_has_its_whole_time(lab):
    """The worker died before it started the run, and the next one comes long after."""
    lab.load(f"{DMAP}a.csv.gz", "ingesting")
    lab.sql("INSERT INTO cubic_ingest_chunks (state, load_ids, attempts, max_attempts, attempted_at) VALUES ('executing', '{1}', 1, 1, '2022-01-01')")
    lab.run("process-ingestion").ok()
    assert lab.statuses() == {f"{DMAP}a.csv.gz": "archived"} and lab.chunks() == [["completed", "1", "1", "1"]]


class Lossy:
    """Between a program and its cloud: starts a run and tells nobody, and refuses other calls, as often as it is given."""

    def __init__(self, url, **lost):
        lossy = self
        self.lost, self.asked = lost, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                call = self.headers["X-Amz-Target"].split(".")[1]
                lossy.asked.append(call)
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                request = urllib.request.Request(url, sent, dict(self.headers), method="POST")
                lost = lossy.lost.get(call, 0) > 0
                lossy.lost[call] = lossy.lost.get(call, 0) - 1
                if lost and call != "StartJobRun":
                    status, answer = 400, b'{"__type": "AccessDeniedException", "message": "not now"}'
                else:
                    with urllib.request.urlopen(request, timeout=30) as reply:
                        status, answer = reply.status, reply.read()
                if lost and call == "StartJobRun":
                    return self.connection.close()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                return self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_a_start_without_an_answer_is_no_second_run(lab, cloud):
    """Nor is one, when the list of runs cannot be had at once."""
    lossy = Lossy(cloud.env()["AWS_ENDPOINT_URL"], StartJobRun=1, GetJobRuns=2)
    lab.load(f"{DMAP}a.csv.gz")
    result = lab.run("process-ingestion", env={"AWS_ENDPOINT_URL": lossy.url}).ok()
    lossy.server.shutdown()
    assert lab.statuses() == {f"{DMAP}a.csv.gz": "archived"} and lab.chunks() == [["completed", "1", "1", "3"]]
    assert len(lab.glue.get_job_runs(JobName="ingest")["JobRuns"]) == 1 == lossy.asked.count("StartJobRun") and "unsure" in result.stderr


def test_a_retry_takes_up_what_nobody_ingests(lab):
    """Of an ingest job that died: not what another one holds, and not what is in an open chunk."""
    lost, held = lab.load(f"{DMAP}lost.csv.gz", "ingesting"), lab.load(f"{DMAP}held.csv.gz", "ingesting")
    holder = lab.postgres.start_psql(lab.database)
    holder.stdin.write(f"SELECT pg_advisory_lock(hashtext('ingest load'), {held}); SELECT 'held';\n")
    holder.stdin.flush()
    until(lambda: "held" in holder.stdout.readline())
    lab.run("process-ingestion").ok()
    assert set(lab.statuses().values()) == {"ingesting"} and lost < held
    lab.run("process-ingestion", RETRY="true").ok()
    assert lab.statuses() == {f"{DMAP}lost.csv.gz": "archived", f"{DMAP}held.csv.gz": "ingesting"} and lab.inputs() == [[f"{DMAP}lost.csv.gz"]]
    holder.communicate("")


# --- moves ---


def test_errors_go_where_errors_belong(platform):
    platform.put(f"{ODS}LOAD1.csv.gz")
    platform.put(f"{ODS}LOAD1.dfm")
    platform.put(f"{DMAP}a.csv.gz", b"")
    platform.add_load(f"{ODS}LOAD1.csv.gz", "ready_for_erroring", SAMPLE)
    platform.add_load(f"{DMAP}a.csv.gz", "ready_for_erroring")
    platform.run("process-ingestion").ok()
    assert set(platform.statuses().values()) == {"errored"} and platform.files("incoming") == []
    assert platform.files("error") == [f"{DMAP}a.csv.gz", f"{ODS}timestamp=20220103T040506Z/LOAD1.csv.gz", f"{ODS}timestamp=20220103T040506Z/LOAD1.dfm"]


def test_files_that_vanished_or_are_there(platform):
    """Gone: unknown. There already: done. Another file of that name: beside it; there too: both stay, unknown. A retry finds what came back."""
    for name in ("gone", "moved", "both", "again", "other"):
        platform.add_load(f"{DMAP}{name}.csv.gz", "ready_for_archiving")
    platform.put(f"{DMAP}moved.csv.gz", place="archive")
    for place in ("incoming", "archive"):
        platform.put(f"{DMAP}both.csv.gz", place=place)
        platform.put(f"{DMAP}again.csv.gz", place.encode(), place=place)
        platform.put(f"{DMAP}other.csv.gz", place.encode(), place=place)
    platform.put(f"{DMAP}timestamp=20220103T040506Z/other.csv.gz", b"and another", place="archive")
    platform.put(f"{ODS}LOAD2.csv.gz")
    platform.add_load(f"{ODS}LOAD2.csv.gz", "ready_for_erroring", SAMPLE)
    result = platform.run("process-ingestion").ok()
    want = {
        f"{DMAP}gone.csv.gz": "archived_unknown", f"{DMAP}moved.csv.gz": "archived", f"{DMAP}both.csv.gz": "archived",
        f"{DMAP}again.csv.gz": "archived", f"{DMAP}other.csv.gz": "archived_unknown", f"{ODS}LOAD2.csv.gz": "errored_unknown",
    }
    assert platform.statuses() == want and "gone.csv.gz' is gone" in result.stderr and "both stay" in result.stderr and "LOAD2.dfm' is gone" in result.stderr
    assert platform.files("incoming") == [f"{DMAP}other.csv.gz"]
    assert [(platform.tmp / "archive" / DMAP / n).read_bytes() for n in ("again.csv.gz", "timestamp=20220103T040506Z/again.csv.gz")] == [b"archive", b"incoming"]
    platform.run("process-ingestion").ok()
    assert platform.statuses() == want
    platform.put(f"{DMAP}gone.csv.gz")
    platform.put(f"{ODS}LOAD2.dfm")
    platform.add_load(f"{DMAP}left.csv.gz", "archiving")
    platform.put(f"{DMAP}left.csv.gz")
    platform.run("process-ingestion", RETRY="true").ok()
    assert platform.statuses() == {
        **want, f"{DMAP}gone.csv.gz": "archived", f"{ODS}LOAD2.csv.gz": "errored", f"{DMAP}left.csv.gz": "archived",
    }
    assert platform.files("error") == [f"{ODS}timestamp=20220103T040506Z/LOAD2.csv.gz", f"{ODS}timestamp=20220103T040506Z/LOAD2.dfm"]


def test_a_file_that_came_again_is_the_newer_loads(platform):
    """An older load of its key takes it along only when it is ingested."""
    platform.put(f"{DMAP}a.csv.gz")
    platform.add_load(f"{DMAP}a.csv.gz", "ready_for_archiving")
    platform.add_load(f"{DMAP}a.csv.gz", "ready", modified="2022-01-04 04:05:06")
    platform.run("process-ingestion").ok()
    assert [r[3] for r in platform.loads()] == ["ready_for_archiving", "ready"] and platform.files("incoming") == [f"{DMAP}a.csv.gz"]
    platform.sql("UPDATE cubic_loads SET status = 'ready_for_archiving'")
    platform.run("process-ingestion").ok()
    assert [r[3] for r in platform.loads()] == ["archived", "archived"] and platform.files("archive") == [f"{DMAP}a.csv.gz"]


def test_buckets(lab, cloud):
    """Moves by S3, below a prefix; what ingest is told is s3:// and s3a://."""
    s3 = cloud.client("s3")
    for name in ("incoming", "archive", "error", "springboard"):
        make_bucket(cloud, f"{name}-test")
        lab.places[name.upper()] = f"s3://{name}-test/root"
    for key in (f"{ODS}LOAD1.csv.gz", f"{ODS}LOAD1.dfm", f"{DMAP}a é+%.csv.gz"):
        s3.put_object(Bucket="incoming-test", Key=f"root/me/{key}", Body=b"x")
    lab.add_load(f"{ODS}LOAD1.csv.gz", "ready_for_ingesting", SAMPLE, snapshot="2022-01-02 03:04:05")
    lab.add_load(f"{DMAP}a é+%.csv.gz", "ready_for_erroring")
    lab.run("process-ingestion", PREFIX="me/").ok()
    (run,) = lab.runs().values()
    (load,) = json.loads(run["--INPUT"])["loads"]
    assert load["source_s3_key"] == f"s3://incoming-test/root/me/{ODS}LOAD1.csv.gz"
    assert load["destination_path"] == "s3a://springboard-test/root/me/raw/cubic/ods_qlik/EDW.SAMPLE"
    assert lab.statuses() == {f"{ODS}LOAD1.csv.gz": "archived", f"{DMAP}a é+%.csv.gz": "errored"}
    keys = {b: [o["Key"] for o in s3.list_objects_v2(Bucket=f"{b}-test").get("Contents", [])] for b in ("incoming", "archive", "error")}
    assert keys == {
        "incoming": [], "archive": [f"root/me/{ODS}snapshot=20220102T030405Z/LOAD1.{e}" for e in ("csv.gz", "dfm")], "error": [f"root/me/{DMAP}a é+%.csv.gz"],
    }


# --- workers at once ---


def test_workers_at_once_take_each_load_once(lab):
    """Five workers over 400 loads: every load is in one run, and moved by one worker."""
    for i in range(400):
        lab.put(f"{DMAP}{i:03}.csv.gz")
    lab.sql(
        "INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, s3_size, is_raw) SELECT id, CASE WHEN i < 200 THEN 'ready_for_ingesting' ELSE "
        f"'ready_for_erroring' END, '{DMAP}' || to_char(i, 'FM000') || '.csv.gz', '2022-01-01', 1, true FROM cubic_tables, generate_series(0, 399) i "
        "WHERE name = 'cubic_dmap__agg_sample'")
    workers = [lab.start("process-ingestion", lab.tmp / f"w{i}", AT_ONCE=2, RETRY="true" if i % 2 else "false") for i in range(5)]
    told = [w.communicate(timeout=120) for w in workers]
    assert [w.returncode for w in workers] == [0] * 5, told
    taken = sum(lab.inputs(), [])
    assert sorted(taken) == [f"{DMAP}{i:03}.csv.gz" for i in range(200)]
    assert len(lab.glue.get_job_runs(JobName="ingest")["JobRuns"]) == len(lab.chunks()) and sum(int(c[1]) for c in lab.chunks()) == 200
    moved = [n for out, _ in told for line in out.splitlines() if " errored " in line or " archived " in line for n in line.split('"')[1].strip("{}").split(",")]
    assert sorted(map(int, moved)) == [int(r[0]) for r in lab.sql("SELECT id FROM cubic_loads ORDER BY id")]
    counts = {s: list(lab.statuses().values()).count(s) for s in ("archived", "errored")}
    assert counts == {"archived": 200, "errored": 200} and lab.files("incoming") == []
    assert lab.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [["0"]]


def test_workers_at_once_take_up_each_load_once(lab):
    """What a dead worker left is in one chunk, however many retry at once."""
    for _ in range(4):
        lab.sql(
            "TRUNCATE cubic_loads, cubic_ingest_chunks; INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, s3_size, is_raw) SELECT id, 'ingesting', "
            f"'{DMAP}' || i || '.csv.gz', '2022-01-01', 1, true FROM cubic_tables, generate_series(1, 1000) i WHERE name = 'cubic_dmap__agg_sample'")
        workers = [lab.start("process-ingestion", lab.tmp / f"w{i}", RETRY="true", INGEST_JOB="nothing", RETRY_SECONDS=1000) for i in range(5)]
        until(lambda: len(lab.sql("SELECT 1 FROM cubic_ingest_chunks WHERE attempts > 0")) >= 25)
        for w in workers:
            w.terminate()
            w.communicate(timeout=30)
        assert lab.sql("SELECT count(*), count(DISTINCT load) FROM cubic_ingest_chunks, unnest(load_ids) load") == [["1000", "1000"]]


def test_arguments(platform):
    platform.run("process-ingestion", ARCHIVE=platform.places["ERROR"]).fails(2, "--ARCHIVE and --ERROR are one place")
    platform.run("process-ingestion", AT_ONCE=0).fails(2, "--AT_ONCE '0'")
    platform.run("process-ingestion", env={"PGPORT": "1"}).fails(1, "cannot connect")
    platform.run("process-ingestion", POSTGRES="host=x password=hunter2").fails(2, "'env' is wanted")


def test_a_loop_outlives_its_database(platform):
    """The database refuses and takes back: the loop tells, and goes on."""
    worker = platform.start("process-incoming", platform.tmp / "w", EVERY=1)
    until(lambda: "pass" in worker.stdout.readline())
    platform.postgres.psql(f"ALTER DATABASE {platform.database} ALLOW_CONNECTIONS false")
    until(lambda: "pass-failed" in worker.stderr.readline())
    platform.put(f"{DMAP}a.csv.gz")
    platform.postgres.psql(f"ALTER DATABASE {platform.database} ALLOW_CONNECTIONS true")
    until(platform.loads)
    worker.send_signal(signal.SIGTERM)
    out = worker.communicate(timeout=30)
    assert worker.returncode == 1 and "stopped by a signal" in out[1], out
