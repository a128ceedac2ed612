"""ingest by a queue of events: every message in its forms, what may pass and what may not, two runs at once, and a run that died."""
import gzip
import io
import json
import os
import signal
import time
import urllib.parse

import pyarrow.parquet
import pytest
from jobs import run_job, start_job
from test_jobs_ingest import CT, DMAP, INCOMING, ODS, SPRINGBOARD
from test_jobs_ingest_events import DMAP_TABLE, Events
from test_local_iam import allow, policy, trust
from test_local_sqs import counts

pytestmark = pytest.mark.long

HEADER = "sample_id,sample_name,sample_count\n"


def bridge(key, bucket=INCOMING, kind="Object Created"):
    return {"version": "0", "source": "aws.s3", "detail-type": kind, "detail": {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}}}


def cloudtrail(key, bucket=INCOMING, call="PutObject", **more):
    detail = {"eventSource": "s3.amazonaws.com", "eventName": call, "requestParameters": {"bucketName": bucket, "key": key}, **more}
    return {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


def record(key, bucket=INCOMING, name="ObjectCreated:Put"):
    return {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": urllib.parse.quote_plus(key, safe="/")}}}


class Queue(Events):
    def __init__(self, cloud, tmp_path, postgres, request):
        super().__init__(cloud, tmp_path, postgres, request)
        self.sqs = cloud.client("sqs")
        self.url = self.sqs.create_queue(QueueName="objects", Attributes={"VisibilityTimeout": "3"})["QueueUrl"]

    def send(self, *events):
        for event in events:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=event if isinstance(event, str) else json.dumps(event))

    def queue_words(self, **more):
        return self.event_words(None, **{"QUEUE": self.url, "WAIT_SECONDS": "0", **more})

    def drain(self, env=None, **more):
        return run_job(self.tmp, "ingest", *self.queue_words(**more), env={**self.env, **(env or {})})

    def start(self, name, **more):
        (self.tmp / name).mkdir()
        return start_job(self.tmp / name, "ingest", *self.queue_words(**more), env=self.env)

    def dmap(self, name, text="1,x,5\n", prefix=""):
        return self.put(f"{prefix}{DMAP}/{name}", gzip.compress((HEADER + text).encode()) if text else b"")

    def left(self):
        return counts(self.sqs, self.url)

    def nr_rows(self, name):
        (key,) = self.keys(f"raw/{DMAP}/identifier={name}/")
        return pyarrow.parquet.read_metadata(io.BytesIO(self.s3.get_object(Bucket=SPRINGBOARD, Key=key)["Body"].read())).num_rows

    def rows(self, name, prefix="", raw="raw/"):
        return self.read(f"{prefix}{raw}{DMAP}/identifier={name}/")[0]


@pytest.fixture
def queue(cloud, tmp_path, postgres, request):
    return Queue(cloud, tmp_path, postgres, request)


def summary(result):
    line = next(line for line in (result.stdout + result.stderr).splitlines() if " ingest: queue " in line)
    return {k: int(v) for k, v in (word.split("=") for word in line.split(" ingest: queue ")[1].split())}


def test_messages_in_all_forms(queue):
    odd = "a b+c%é.csv.gz"
    names = ["1.csv.gz", "2.csv.gz", odd, "4.csv.gz", "5.csv.gz"]
    keys = [queue.dmap(n) for n in names]
    skipped = [bridge(keys[0], "another-bucket"), bridge(f"{ODS}/LOAD1.dfm"), bridge("cubic/dmap/other/1.csv.gz"), bridge(f"{DMAP}/"), bridge(f"{DMAP}/_temporary/0/x.csv.gz"),
               {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": INCOMING}, bridge(keys[0], kind="Object Deleted"), cloudtrail(keys[0], call="GetObject"),
               cloudtrail(keys[0], errorCode="AccessDenied"), {"Records": [record(keys[0], name="ObjectRemoved:Delete")]}]
    queue.put("cubic/dmap/other/1.csv.gz", "a\n1\n")
    queue.send(bridge(keys[0]), cloudtrail(keys[1]), {"Records": [record(keys[2]), record(keys[3])]}, *skipped, bridge(keys[4]), bridge(keys[4]), cloudtrail(keys[0]))
    result = queue.drain().ok()
    assert summary(result) == {"messages": 16, "ingested": 5, "errored": 0, "known": 2, "skipped": 10, "vanished": 0, "failed": 0, "unreadable": 0}
    assert queue.statuses() == dict.fromkeys(keys, "ready_for_archiving") and queue.left() == (0, 0, 0)
    assert [queue.rows(n.replace("%", "%25")) for n in names] == [[("1", "x", "5")]] * 5
    assert result.stdout.count(" ingest: skipped ") == 10 and 'reason="no active table has the prefix' in result.stdout
    assert summary(queue.drain(QUEUE="objects").ok())["messages"] == 0


def test_data_that_are_bad_and_objects_that_are_gone(queue):
    queue.sql("UPDATE cubic_tables SET is_raw = false")
    queue.table(DMAP_TABLE, [("sample_id", "bigint"), ("sample_count", "bigint")], "springboard", partitions=["identifier"])
    bad, empty, good = queue.dmap("bad.csv.gz", "1,x,five\n"), queue.dmap("empty.csv.gz", ""), queue.dmap("good.csv.gz")
    early = queue.put(f"{CT}/1.csv.gz", "header__change_seq\n")
    gone = {f"{DMAP}/gone-{s}.csv.gz": s for s in ("ready", "ready_for_ingesting", "ingesting", "archived")}
    for key, status in gone.items():
        queue.sql(f"INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, s3_size, is_raw) SELECT id, '{status}', '{key}', now(), 1, false "
                  f"FROM cubic_tables WHERE name = '{DMAP_TABLE}'")
    queue.send(*map(bridge, (bad, empty, early, *gone, f"{DMAP}/never.csv.gz", good)))
    result = queue.drain().ok()
    assert summary(result) == {"messages": 9, "ingested": 1, "errored": 6, "known": 1, "skipped": 0, "vanished": 4, "failed": 0, "unreadable": 0}
    assert "row 2: column 'sample_count': 'five', no integer" in result.stderr and "it is empty" in result.stderr and "no snapshot is known" in result.stderr
    assert f'vanished key="{DMAP}/never.csv.gz" loads=0' in result.stderr
    wanted = {k: "archived" if s == "archived" else "ready_for_erroring" for k, s in gone.items()}
    assert queue.statuses() == {bad: "ready_for_erroring", empty: "ready_for_erroring", early: "ready_for_erroring", good: "ready_for_archiving", **wanted}
    assert queue.rows("good.csv.gz", raw="") == [(1, 5)] and queue.left() == (0, 0, 0)


def test_what_cannot_be_read_is_left_to_the_dead_letters(queue):
    dead = queue.sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = queue.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "1"})
    bodies = ["{", '{"hello": "world"}', '{"Records": [{"s3": {}}]}', json.dumps(bridge(""))]
    good = queue.dmap("1.csv.gz")
    queue.send(*bodies, bridge(good))
    result = queue.drain().ok()
    assert summary(result)["unreadable"] == 4 and summary(result)["ingested"] == 1 and result.stderr.count(" ERROR ingest: unreadable message=") == 4
    while queue.left() != (0, 0, 0):
        queue.drain().ok()
        time.sleep(0.1)
    assert counts(queue.sqs, dead)[0] == 4 and queue.statuses() == {good: "ready_for_archiving"}


def test_what_may_pass_comes_again(queue):
    """A permission that is missing, a database that is behind, or away: the message stays, the others go on."""
    good, other = queue.dmap("1.csv.gz"), queue.put(f"{ODS}/LOAD1.csv.gz", "SAMPLE_ID,SAMPLE_NAME,EDW_INSERTED_DTM,EDW_UPDATED_DTM\n1,x,,\n")
    iam = queue.cloud.client("iam")
    iam.create_role(RoleName="limited", AssumeRolePolicyDocument=trust(AWS="*"))
    iam.put_role_policy(RoleName="limited", PolicyName="p", PolicyDocument=policy(
        allow("*"), allow("s3:GetObject", f"arn:aws:s3:::{INCOMING}/{ODS}/*", effect="Deny")))
    keys = queue.cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{queue.cloud.account}:role/limited", RoleSessionName="me")["Credentials"]
    limited = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["SessionToken"]}
    queue.send(bridge(other), bridge(good))
    result = queue.drain(env=limited).fails(1, "1 of 2 messages failed, and come again")
    assert summary(result)["failed"] == 1 and queue.statuses().get(good) == "ready_for_archiving" and queue.left()[0] + queue.left()[1] == 1
    away = queue.drain(env={"PGPORT": "1"})
    assert away.code == 1 and " ingest: queue " not in away.stdout + away.stderr
    assert summary(queue.drain().ok())["ingested"] == 1  # it waits for the message that nobody has, and comes
    assert queue.statuses() == dict.fromkeys((good, other), "ready_for_archiving") and queue.left() == (0, 0, 0)
    queue.drain(INCOMING=str(queue.tmp)).fails(2, "--QUEUE wants a bucket")
    queue.drain(OBJECT_KEY="x").fails(2, "one of the two")
    queue.drain(QUEUE=queue.url + "-not").fails(1, "objects-not")
    queue.drain(WAIT_SECONDS="21").fails(2, "--WAIT_SECONDS '21'")


def test_a_run_that_died_and_long_loads(queue):
    """The load of a run that was killed is taken up by another that waits for its message; a long one keeps its message however long it takes."""
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "1"})
    key, small = queue.dmap("1.csv.gz", "1,x,5\n" * 3_000_000), queue.dmap("2.csv.gz")
    queue.send(bridge(key))
    first = queue.start("first")
    while queue.statuses().get(key) != "ingesting":
        assert first.poll() is None
        time.sleep(0.01)
    queue.send(bridge(small), bridge(key))
    second = queue.start("second")
    while queue.statuses().get(small) != "ready_for_archiving":
        assert second.poll() is None
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)  # its session lives, its message comes again: nobody takes its load
    time.sleep(1.5)
    assert queue.statuses()[key] == "ingesting" and second.poll() is None
    first.kill()
    out = second.communicate(timeout=120)
    assert second.returncode == 0, out
    assert f" known load=1 status=ingesting key=\"{key}\"" in out[0] and out[0].count(" status=ingested ") == 2
    assert queue.statuses() == {key: "ready_for_archiving", small: "ready_for_archiving"} and queue.left() == (0, 0, 0)
    assert queue.nr_rows("1.csv.gz") == 3_000_000 and len(queue.sql("SELECT 1 FROM cubic_loads")) == 2
    first.communicate()


def test_a_signal_leaves_cleanly(queue):
    keys = [queue.dmap(f"{i}.csv.gz", "1,x,5\n" * 400_000) for i in range(6)]
    queue.send(*map(bridge, keys))
    run = queue.start("first")
    while "ready_for_archiving" not in queue.statuses().values():
        time.sleep(0.01)
    run.terminate()
    out = run.communicate(timeout=30)
    assert run.returncode == 1 and "stopped by a signal" in out[1] and os.listdir(queue.tmp / "first" / "scratch") == [], out
    done = list(queue.statuses().values()).count("ready_for_archiving")
    assert 1 <= done < 6
    result = queue.drain().ok()
    assert summary(result)["ingested"] == 6 - done and queue.statuses() == dict.fromkeys(keys, "ready_for_archiving") and queue.left() == (0, 0, 0)
    assert all(queue.nr_rows(f"{i}.csv.gz") == 400_000 for i in range(6))


def test_two_runs_share_a_queue(queue):
    keys = [queue.dmap(f"{i}.csv.gz", prefix="env/") for i in range(60)]
    queue.send(*(bridge(k) for k in keys for _ in range(2)))
    runs = [queue.start(str(i), PREFIX="env/") for i in range(3)]
    out = [r.communicate(timeout=120) for r in runs]
    assert [r.returncode for r in runs] == [0] * 3, out
    assert sum(o.count(" status=ingested ") for o, _ in out) == 60 and queue.left() == (0, 0, 0)
    own = [k.removeprefix("env/") for k in keys]
    assert sorted(queue.statuses().items()) == sorted(dict.fromkeys(own, "ready_for_archiving").items())
    assert all(queue.rows(f"{i}.csv.gz", "env/") == [("1", "x", "5")] for i in range(60)) and len(queue.partitions(f"raw_{DMAP_TABLE}")) == 60


def test_an_object_that_is_overwritten(queue):
    """What S3's times cannot tell apart, as they are in seconds, is not taken for what was ingested; two events of one state are one load."""
    for i in range(3):
        queue.send(bridge(queue.dmap("1.csv.gz", f"{i},x,5\n")))
        assert summary(queue.drain().ok())["ingested"] == 1
        assert queue.rows("1.csv.gz") == [(str(i), "x", "5")]
    assert len(queue.sql("SELECT DISTINCT s3_modified FROM cubic_loads")) == 3
    queue.send(*(bridge(queue.dmap("1.csv.gz", f"{i},x,5\n")) for i in (7, 8)))
    result = summary(queue.drain().ok())
    assert (result["ingested"], result["known"]) == (1, 1) and queue.rows("1.csv.gz") == [("8", "x", "5")]


def test_a_signal_ends_the_wait_for_messages(queue):
    run = queue.start("first", WAIT_SECONDS="20")
    mine = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{queue.database}' AND pid <> pg_backend_pid()"
    while not queue.sql(mine):
        assert run.poll() is None
        time.sleep(0.02)
    begin = time.monotonic()
    run.terminate()
    out = run.communicate(timeout=30)
    assert run.returncode == 1 and "stopped by a signal" in out[1] and time.monotonic() - begin < 10, out
