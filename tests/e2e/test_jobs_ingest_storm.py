"""
A storm of objects, and nobody who calls anything: EventBridge tells a queue and a workflow of each, the workflow's job empties the queue.
GLUEPROJ_STORM sets how many objects come (600; the platform's own measure is 10000).
"""
import collections
import concurrent.futures
import gzip
import json
import os
import signal
import sys
import time

import botocore.exceptions
import pytest
from jobs import jobs_dir, peak_mb
from lake import execute
from test_jobs_ingest import DMAP, INCOMING, SPRINGBOARD
from test_jobs_ingest_events import DMAP_TABLE, Events
from test_local_iam import allow, policy, trust
from test_local_sns import allowing
from test_local_sqs import counts

pytestmark = pytest.mark.long

OBJECTS = int(os.environ.get("GLUEPROJ_STORM", "600"))
ENDS = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


class Storm(Events):
    def __init__(self, cloud, tmp_path, postgres, request):
        super().__init__(cloud, tmp_path, postgres, request)
        self.setup()

    def client(self, service, **config):
        """Past the proxy that checks replies: the storm is to be a storm."""
        return self.cloud.client(service, endpoint=self.cloud.endpoint, **config)

    def setup(self):
        sqs, glue, events, iam = (self.client(s) for s in ("sqs", "glue", "events", "iam"))
        where = f"{self.cloud.region}:{self.cloud.account}"
        queue = f"arn:aws:sqs:{where}:objects"
        sqs.create_queue(QueueName="objects", Attributes={"VisibilityTimeout": "5", "Policy": allowing(queue, "*", "events.amazonaws.com")})
        role = iam.create_role(RoleName="all", AssumeRolePolicyDocument=trust(Service=["glue.amazonaws.com", "events.amazonaws.com"]))["Role"]["Arn"]
        iam.put_role_policy(RoleName="all", PolicyName="p", PolicyDocument=policy(allow("*")))
        self.client("secretsmanager").create_secret(Name="db", SecretString=json.dumps(self.postgres.secret(dbname=self.database)))
        program = os.path.join(jobs_dir(), "ingest")
        script = f"import os, sys\nos.execv({program!r}, [{program!r}, *sys.argv[1:]])\n"
        self.client("s3").put_object(Bucket=SPRINGBOARD, Key="code/ingest.py", Body=script.encode())
        words = dict(zip(*[iter(self.event_words(None, POSTGRES=None, POSTGRES_SECRET="db", QUEUE="objects", WAIT_SECONDS="2"))] * 2))
        glue.create_job(Name="ingest", Role=role, MaxCapacity=0.0625, MaxRetries=1, ExecutionProperty={"MaxConcurrentRuns": 3}, DefaultArguments=words,
                        Command={"Name": "pythonshell", "ScriptLocation": f"s3://{SPRINGBOARD}/code/ingest.py", "PythonVersion": "3.9"})
        glue.create_workflow(Name="came")
        glue.create_trigger(Name="came", Type="EVENT", WorkflowName="came", Actions=[{"JobName": "ingest"}], EventBatchingCondition={"BatchSize": 100, "BatchWindow": 3})
        pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [INCOMING]}}}
        events.put_rule(Name="came", EventPattern=json.dumps(pattern))
        reply = events.put_targets(Rule="came", Targets=[{"Id": "queue", "Arn": queue}, {"Id": "workflow", "Arn": f"arn:aws:glue:{where}:workflow/came", "RoleArn": role}])
        assert reply["FailedEntryCount"] == 0, reply
        self.client("s3").put_bucket_notification_configuration(Bucket=INCOMING, NotificationConfiguration={"EventBridgeConfiguration": {}})

    def pour(self, nr, threads=16, patient=False):
        """Objects 0 to nr - 1 with a row that tells which; `patient`: whoever put it tries again until it is there."""
        def put(i):
            body = gzip.compress(f"sample_id,sample_name,sample_count\n{i},x,{i % 7}\n".encode())
            while True:
                try:
                    return self.client("s3", max_pool_connections=threads).put_object(Bucket=INCOMING, Key=f"{DMAP}/{i:05}.csv.gz", Body=body)
                except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
                    if not patient:
                        raise
                    time.sleep(0.2)

        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(put, range(nr)))

    def done(self):
        return collections.Counter(r[0] for r in self.sql("SELECT status FROM cubic_loads"))

    def runs(self):
        pages = self.client("glue").get_paginator("get_job_runs").paginate(JobName="ingest")
        return [r for p in pages for r in p["JobRuns"]]

    def rest(self, nr, seconds):
        """Until all are ingested, the queue is empty and no run is under way; tells the figures."""
        begin, seen = time.monotonic(), 0
        until = begin + seconds
        while True:
            seen = max(seen, peak_mb(self.cloud.pid))
            queue = counts(self.client("sqs"), self.client("sqs").get_queue_url(QueueName="objects")["QueueUrl"])
            done = self.done()
            if done["ready_for_archiving"] == nr and queue == (0, 0, 0) and all(r["JobRunState"] in ENDS for r in self.runs()):
                return seen
            assert time.monotonic() < until, (done, queue, collections.Counter((r["JobRunState"], r.get("ErrorMessage")) for r in self.runs()))
            time.sleep(0.5)

    def check(self, nr):
        """Every object once: in the metadata, in the catalog, as a file, and in what a query counts."""
        assert self.done() == {"ready_for_archiving": nr}
        assert self.sql("SELECT count(*), count(DISTINCT s3_key) FROM cubic_loads") == [[str(nr)] * 2]
        keys = self.keys(f"raw/{DMAP}/")
        assert len(keys) == nr == len({k.split("/")[-2] for k in keys})
        query = f"SELECT count(*), count(DISTINCT sample_id), count(DISTINCT identifier), sum(cast(sample_count AS bigint)) FROM raw_{DMAP_TABLE}"
        athena = self.cloud.client("athena")
        asked = execute(athena, query, "springboard", ResultConfiguration={"OutputLocation": f"s3://{SPRINGBOARD}/results/"})
        assert asked["Status"]["State"] == "SUCCEEDED", asked
        row = athena.get_query_results(QueryExecutionId=asked["QueryExecutionId"])["ResultSet"]["Rows"][1]["Data"]
        assert [int(c["VarCharValue"]) for c in row] == [nr, nr, nr, sum(i % 7 for i in range(nr))]


@pytest.fixture
def storm(cloud, tmp_path, postgres, request):
    return Storm(cloud, tmp_path, postgres, request)


def test_storm(storm):
    begin = time.monotonic()
    storm.pour(OBJECTS)
    poured = time.monotonic()
    peak = storm.rest(OBJECTS, 60 + OBJECTS / 5)
    print(f"{OBJECTS} objects: put in {poured - begin:.1f} s, at rest after {time.monotonic() - begin:.1f} s, server {peak} MB, "
          f"{len(storm.runs())} runs", file=sys.stderr)
    storm.check(OBJECTS)
    ends = collections.Counter((r["JobRunState"], r.get("ErrorMessage")) for r in storm.runs())
    print(ends, file=sys.stderr)
    # Three at a time empty the queue; whoever came meanwhile found no room.
    assert {state for state, why in ends if "oncurrent" not in (why or "")} == {"SUCCEEDED"}


def programs(cloud):
    """Pids of the ingest programs that this cloud runs."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line, open(f"/proc/{pid}/environ", "rb") as environ:
                if line.read().split(b"\0")[0].endswith(b"/jobs/ingest") and cloud.endpoint.encode() in environ.read():
                    found.append(int(pid))
        except OSError:
            continue
    return sorted(found)


def test_storm_with_crashes(storm):
    """Killed in the middle: a run, and then the cloud's server. What was put is ingested, once, and nobody calls anything."""
    nr = OBJECTS // 2

    def ingested():
        return storm.done()["ready_for_archiving"]

    def wait_for(condition):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, (storm.done(), storm.runs())
            time.sleep(0.02)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        poured = pool.submit(storm.pour, nr, 4, True)
        wait_for(lambda: ingested() > nr // 10 and programs(storm.cloud))
        os.kill(programs(storm.cloud)[0], signal.SIGKILL)
        now = ingested()
        wait_for(lambda: ingested() > now + nr // 10 and programs(storm.cloud))
        storm.cloud.kill()
        storm.cloud.start()
        poured.result()
    peak = storm.rest(nr, 60 + nr / 5)
    storm.check(nr)
    print(f"{nr} objects with crashes: server {peak} MB, runs {collections.Counter((r['JobRunState'], r.get('ErrorMessage')) for r in storm.runs())}", file=sys.stderr)
