"""Jobs and their runs in the local cloud, read and driven by boto3: what Glue would answer, and programs that really run."""
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request

import botocore.exceptions
import pytest

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
READ_CODE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::code/*"}]}


class Lab:
    """A bucket for scripts, a role that may read it, and short words for the calls that tests repeat."""

    def __init__(self, cloud):
        self.cloud, self.glue, self.s3, self.iam, self.logs = cloud, cloud.client("glue"), cloud.client("s3"), cloud.client("iam"), cloud.client("logs")
        self.s3.create_bucket(Bucket="code")
        self.iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.iam.put_role_policy(RoleName="job", PolicyName="read", PolicyDocument=json.dumps(READ_CODE))

    def script(self, name, text):
        self.s3.put_object(Bucket="code", Key=name, Body=text.encode())
        return f"s3://code/{name}"

    def job(self, name, text="print('hello')", command="pythonshell", **more):
        location = more.pop("location", None) or self.script(f"{name}.py", text)
        self.glue.create_job(**{"Name": name, "Role": "job", "Command": {"Name": command, "ScriptLocation": location, "PythonVersion": "3.9"}, **more})

    def start(self, job, **more):
        return self.glue.start_job_run(JobName=job, **more)["JobRunId"]

    def state(self, job, run):
        return self.glue.get_job_run(JobName=job, RunId=run)["JobRun"]

    def wait(self, job, run, states=("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"), seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.state(job, run)
            if found["JobRunState"] in states:
                return found
            time.sleep(0.02)
        raise AssertionError(f"run {run} is still {found['JobRunState']}")

    def run(self, job, **more):
        return self.wait(job, self.start(job, **more))

    def lines(self, run, group="/aws-glue/python-jobs/output"):
        return [e["message"] for e in self.logs.get_log_events(logGroupName=group, logStreamName=run, startFromHead=True)["events"]]

    def advance(self, seconds):
        request = urllib.request.Request(f"{self.cloud.endpoint}/_glueproj/clock", data=json.dumps({"advance_seconds": seconds}).encode(), method="POST")
        urllib.request.urlopen(request).close()


@pytest.fixture
def lab(cloud):
    return Lab(cloud)


def code(caught):
    return caught.value.response["Error"]["Code"]


def fails(expected, call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **named)
    assert code(caught) == expected, caught.value
    return caught.value.response["Error"]["Message"]


def processes(marker):
    """Pids whose command line holds the marker."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if marker.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def gone(marker, seconds=5):
    end = time.monotonic() + seconds
    while processes(marker):
        assert time.monotonic() < end, f"still there: {processes(marker)}"
        time.sleep(0.02)
    return True


# --- definitions ---

def test_a_job_is_read_back_as_it_was_made(lab):
    lab.glue.create_job(
        Name="all of it", Role="arn:aws:iam::000000000000:role/job", Description="d", LogUri="s3://code/logs",
        Command={"Name": "glueetl", "ScriptLocation": "s3://code/x.py", "PythonVersion": "3"}, DefaultArguments={"--z": "1", "--a": "2"},
        NonOverridableArguments={"--fixed": "y"}, Connections={"Connections": ["c"]}, MaxRetries=2, Timeout=7, GlueVersion="4.0", WorkerType="G.2X",
        NumberOfWorkers=3, ExecutionProperty={"MaxConcurrentRuns": 4}, NotificationProperty={"NotifyDelayAfter": 5}, ExecutionClass="STANDARD",
        Tags={"team": "sales"},
    )
    job = lab.glue.get_job(JobName="all of it")["Job"]
    assert job["MaxCapacity"] == 6.0 and job["AllocatedCapacity"] == 6
    assert list(job["DefaultArguments"].items()) == [("--z", "1"), ("--a", "2")]
    assert (job["MaxRetries"], job["Timeout"], job["ExecutionProperty"]) == (2, 7, {"MaxConcurrentRuns": 4})
    assert job["CreatedOn"] == job["LastModifiedOn"] and abs(job["CreatedOn"].timestamp() - time.time()) < 60
    arn = "arn:aws:glue:us-east-1:000000000000:job/all of it"
    assert lab.glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "sales"}
    lab.glue.tag_resource(ResourceArn=arn, TagsToAdd={"a": "b"})
    lab.glue.untag_resource(ResourceArn=arn, TagsToRemove=["team"])
    assert lab.glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    fails("EntityNotFoundException", lab.glue.get_tags, ResourceArn=arn + "s")


def test_defaults_and_rules_of_capacity(lab):
    lab.job("py")
    job = lab.glue.get_job(JobName="py")["Job"]
    assert (job["MaxCapacity"], job["MaxRetries"], job["Timeout"], job["ExecutionProperty"]["MaxConcurrentRuns"]) == (0.0625, 0, 2880, 1)
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/x.py"}
    both = "Please do not set Max Capacity if using Worker Type and Number of Workers."
    assert fails("InvalidInputException", lab.glue.create_job, Name="x", Role="job", Command=command, MaxCapacity=2, WorkerType="G.1X", NumberOfWorkers=2) == both
    fails("InvalidInputException", lab.glue.create_job, Name="x", Role="job", Command=command, WorkerType="G.1X")
    fails("InvalidInputException", lab.glue.create_job, Name="x", Role="job", Command={**command, "Name": "pythonshell"}, MaxCapacity=2)
    fails("InvalidInputException", lab.glue.create_job, Name="x", Role="job", Command={"Name": "glueetl"})
    fails("InvalidInputException", lab.glue.create_job, Name="x" * 256, Role="job", Command=command)
    fails("EntityNotFoundException", lab.glue.get_job, JobName="x")


def test_update_overwrites_the_whole_definition(lab):
    lab.job("j", Description="old", DefaultArguments={"--a": "1"}, MaxRetries=1, Timeout=5)
    lab.glue.update_job(JobName="j", JobUpdate={"Role": "job", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://code/j.py"}, "Timeout": 9})
    job = lab.glue.get_job(JobName="j")["Job"]
    assert "Description" not in job and "DefaultArguments" not in job and (job["MaxRetries"], job["Timeout"]) == (0, 9)
    assert job["LastModifiedOn"] >= job["CreatedOn"]
    fails("InvalidInputException", lab.glue.update_job, JobName="j", JobUpdate={"Role": "job"})
    fails("EntityNotFoundException", lab.glue.update_job, JobName="k", JobUpdate={"Role": "job", "Command": {"Name": "glueetl", "ScriptLocation": "s3://a/b"}})


def test_the_same_name_again(lab):
    lab.job("j")
    fails("AlreadyExistsException", lab.job, "j")
    fails("IdempotentParameterMismatchException", lab.job, "j", Description="other")


def test_lists_come_in_pages(lab):
    for i in range(7):
        lab.job(f"j{i}", Tags={"odd": str(i % 2)})
    pages = list(lab.glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(p["Jobs"]) for p in pages] == [3, 3, 1]
    assert [j["Name"] for p in pages for j in p["Jobs"]] == [f"j{i}" for i in range(7)]
    first = lab.glue.list_jobs(MaxResults=2, Tags={"odd": "1"})
    assert first["JobNames"] == ["j1", "j3"]
    assert lab.glue.list_jobs(MaxResults=2, Tags={"odd": "1"}, NextToken=first["NextToken"])["JobNames"] == ["j5"]
    found = lab.glue.batch_get_jobs(JobNames=["j1", "nope", "j2"])
    assert [j["Name"] for j in found["Jobs"]] == ["j1", "j2"] and found["JobsNotFound"] == ["nope"]
    fails("InvalidInputException", lab.glue.get_jobs, NextToken="%%%")


def test_deleting_is_silent_about_what_is_not_there(lab):
    lab.job("j", Tags={"a": "b"})
    run = lab.run("j")["Id"]
    for _ in range(2):
        assert lab.glue.delete_job(JobName="j")["JobName"] == "j"
    fails("EntityNotFoundException", lab.glue.get_job_runs, JobName="j")
    fails("EntityNotFoundException", lab.glue.get_job_run, JobName="j", RunId=run)
    lab.job("j")
    assert lab.glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:job/j")["Tags"] == {}
    assert lab.glue.get_job_runs(JobName="j")["JobRuns"] == []


# --- runs ---

ECHO = "import sys, os, json\nprint(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), 'cwd': os.getcwd()}))\nprint('on stderr', file=sys.stderr)\n"


def test_a_run_has_glues_arguments_and_the_promised_environment(lab):
    lab.job("j", ECHO, DefaultArguments={"--url": "x", "--n": "1"}, NonOverridableArguments={"--fixed": "f"})
    run = lab.run("j", Arguments={"--n": "2", "--more": "with blanks", "--fixed": "no"})
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert run["Arguments"] == {"--url": "x", "--n": "2", "--more": "with blanks", "--fixed": "f"}
    assert run["Id"].startswith("jr_") and len(run["Id"]) == 67 and run["LogGroupName"] == "/aws-glue/python-jobs"
    seen = json.loads(lab.lines(run["Id"])[0])
    assert seen["argv"] == [
        "--url", "x", "--n", "2", "--more", "with blanks", "--fixed", "f", "--JOB_NAME", "j", "--JOB_RUN_ID", run["Id"],
    ]
    env = seen["env"]
    # Not given: what Python sets itself, and the shell of a python3 that is a wrapper script.
    for own in [k for k in env if k in ("LC_CTYPE", "__CF_USER_TEXT_ENCODING", "PWD", "OLDPWD", "SHLVL", "_") or "PYENV" in k]:
        env.pop(own)
    assert set(env) == {
        "PATH", "HOME", "TMPDIR", "LANG", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AWS_EC2_METADATA_DISABLED", "GLUEPROJ_MEMORY_MB", "GLUEPROJ_CPUS",
    }
    assert env["HOME"] == env["TMPDIR"] == seen["cwd"] and seen["cwd"].endswith(run["Id"]) and not os.path.exists(seen["cwd"])
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA") and env["GLUEPROJ_MEMORY_MB"] == "1024" and env["GLUEPROJ_CPUS"] == "1"
    assert lab.lines(run["Id"], "/aws-glue/python-jobs/error") == ["on stderr"]


def test_a_run_acts_as_its_role(lab):
    pytest.importorskip("boto3")
    lab.job("j", (
        "import sys\nsys.path[:0] = " + repr(sys.path) + "\nimport boto3\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\nboto3.client('s3').put_object(Bucket='code', Key='x', Body=b'')\n"
    ))
    run = lab.run("j")
    assert run["JobRunState"] == "FAILED" and "AccessDenied" in run["ErrorMessage"]
    assert lab.lines(run["Id"]) == ["arn:aws:sts::000000000000:assumed-role/job/GlueJobRunnerSession"]


def test_a_failure_shows_its_last_line(lab):
    lab.job("j", "import sys\nprint('fine so far')\nraise KeyError('missing column')\n")
    run = lab.run("j")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "KeyError: 'missing column'")
    lab.job("silent", "raise SystemExit(3)")
    assert lab.run("silent")["ErrorMessage"] == "Command failed with exit code 3"
    lab.job("killed", "import os\nos.kill(os.getpid(), 9)\n")
    assert "signal 9" in lab.run("killed")["ErrorMessage"]


def test_a_role_that_glue_may_not_assume_fails_the_run(lab):
    trust = json.dumps(TRUST).replace("glue.amazonaws.com", "lambda.amazonaws.com")
    lab.iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust)
    lab.iam.create_role(RoleName="blind", AssumeRolePolicyDocument=json.dumps(TRUST))
    for role in ("other", "nobody"):
        lab.job(role, Role=role)
        run = lab.run(role)
        assert run["JobRunState"] == "FAILED"
        assert run["ErrorMessage"] == f"Role arn:aws:iam::000000000000:role/{role} should be given assume role permissions for Glue Service."
    lab.job("blind", Role="blind")
    run = lab.run("blind")
    assert run["JobRunState"] == "FAILED" and "AccessDenied" in run["ErrorMessage"]
    lab.job("no script", location="s3://code/nothing.py")
    assert "AccessDenied" in lab.run("no script")["ErrorMessage"]
    may_list = json.dumps(READ_CODE).replace('["s3:GetObject"]', '["s3:*"]').replace("code/*", "code*")
    lab.iam.put_role_policy(RoleName="job", PolicyName="read", PolicyDocument=may_list)
    assert "NoSuchKey" in lab.run("no script")["ErrorMessage"]


def test_what_cannot_run_here_fails_and_says_why(lab):
    lab.job("stream", command="gluestreaming")
    run = lab.run("stream")
    assert run["JobRunState"] == "FAILED" and "gluestreaming" in run["ErrorMessage"]


def test_retries_are_attempts_with_ids_of_their_own(lab):
    lab.job("j", "raise SystemExit('no luck')", MaxRetries=2)
    first = lab.start("j")
    while len(lab.glue.get_job_runs(JobName="j")["JobRuns"]) < 3:
        time.sleep(0.02)
    last = lab.wait("j", f"{first}_attempt_2")
    assert last["Attempt"] == 2 and last["PreviousRunId"] == f"{first}_attempt_1" and last["ErrorMessage"] == "no luck"
    runs = lab.glue.get_job_runs(JobName="j")["JobRuns"]
    assert [r["Id"] for r in runs] == [f"{first}_attempt_2", f"{first}_attempt_1", first]
    assert [r["JobRunState"] for r in runs] == ["FAILED"] * 3


def test_concurrent_runs(lab):
    lab.job("j", "import time\ntime.sleep(60)")
    run = lab.start("j")
    fails("ConcurrentRunsExceededException", lab.start, "j")
    queued = lab.start("j", JobRunQueuingEnabled=True)
    assert lab.state("j", queued)["JobRunState"] == "WAITING"
    stopped = lab.glue.batch_stop_job_run(JobName="j", JobRunIds=[run, "jr_nope"])
    assert stopped["SuccessfulSubmissions"] == [{"JobName": "j", "JobRunId": run}]
    assert stopped["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert lab.wait("j", run)["JobRunState"] == "STOPPED"
    lab.wait("j", queued, ("RUNNING",))
    lab.glue.batch_stop_job_run(JobName="j", JobRunIds=[queued])
    assert lab.wait("j", queued)["JobRunState"] == "STOPPED"
    again = lab.glue.batch_stop_job_run(JobName="j", JobRunIds=[queued])
    assert not again["SuccessfulSubmissions"] and len(again["Errors"]) == 1


# Forks twice, leaves its session and its group, and lives on.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv('/bin/sleep', ['sleep', MARK])
    os._exit(0)
time.sleep(WAIT)
"""


def test_stopping_takes_all_descendants(lab):
    lab.job("j", DAEMON.replace("MARK", "'98761'").replace("WAIT", "60"))
    run = lab.start("j")
    while not processes("98761"):
        time.sleep(0.02)
    lab.glue.batch_stop_job_run(JobName="j", JobRunIds=[run])
    assert lab.wait("j", run)["JobRunState"] == "STOPPED"
    assert not processes("98761")


def test_a_run_that_ends_takes_its_descendants_along(lab):
    lab.job("j", DAEMON.replace("MARK", "'98762'").replace("WAIT", "0.3"))
    assert lab.run("j")["JobRunState"] == "SUCCEEDED"
    assert not processes("98762")


def test_time_out_is_on_the_clouds_clock(lab):
    lab.job("j", "import time\ntime.sleep(60)", Timeout=5)
    run = lab.start("j")
    lab.wait("j", run, ("RUNNING",))
    lab.advance(4 * 60)
    time.sleep(0.2)
    assert lab.state("j", run)["JobRunState"] == "RUNNING"
    lab.advance(70)
    assert lab.wait("j", run)["JobRunState"] == "TIMEOUT"


def test_memory_is_limited(lab):
    lab.job("j", "import time\nb = []\nwhile True:\n    b.append(bytearray(b'x' * (16 << 20)))\n    time.sleep(0.005)\n")
    run = lab.run("j")
    assert run["JobRunState"] == "FAILED" and "out of memory" in run["ErrorMessage"]


def test_a_big_mapping_is_no_memory(lab):
    lab.job("j", "import mmap\nm = mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\nprint(len(m))")
    assert lab.run("j")["JobRunState"] == "SUCCEEDED"


def test_a_chatty_run_keeps_all_of_its_lines(lab):
    lab.job("j", "for i in range(50000):\n    print('line', i)\nprint('x' * 500000)\nprint('no end', end='')\n")
    run = lab.run("j")
    assert run["JobRunState"] == "SUCCEEDED"
    events, token = [], None
    while True:
        page = lab.logs.get_log_events(
            logGroupName="/aws-glue/python-jobs/output", logStreamName=run["Id"], startFromHead=True, **({"nextToken": token} if token else {})
        )
        events += [e["message"] for e in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert events[:50000] == [f"line {i}" for i in range(50000)]
    assert "".join(events[50000:-1]) == "x" * 500000 and events[-1] == "no end"


def test_odd_bytes_in_the_output(lab):
    lab.job("j", "import sys\nsys.stdout.buffer.write(b'ok \\xff\\xfe \\x00 end\\r\\n\\n\\xf0\\x9f\\x98\\x80\\n')\n")
    run = lab.run("j")
    assert lab.lines(run["Id"]) == ["ok \ufffd\ufffd \ufffd end", "\U0001f600"]


# --- bundles ---

def make_bundle(lab, files, name=None):
    """A bundle of these files. Without lib/ld.so its programs are started as they are."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for path, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    key = name or f"glueproj/programs/{hashlib.sha256(raw.getvalue()).hexdigest()}.tar.gz"
    lab.s3.put_object(Bucket="code", Key=key, Body=raw.getvalue())
    return f"s3://code/{key}"


READS_ARGUMENTS = "#!/bin/sh\n[ \"$1\" = --glueproj-arguments-fd ] || exit 99\nset -- $(eval \"tr '\\0' ' ' <&$2\")\n"


def test_no_argument_of_a_bundled_program_is_on_a_command_line(lab):
    uri = make_bundle(lab, {"bin/slow": READS_ARGUMENTS + "echo \"$@\"\nls -l /proc/self/fd >&2\nexec sleep 60 42.5e1\n"})
    key = "tr0ub4dor-and-3"
    lab.job("j", DefaultArguments={"--glueproj-bundle": uri, "--glueproj-program": "slow", "--api-key": key, "--odd": "a b;'\""})
    run = lab.start("j", Arguments={"--more": key + "-more"})
    lab.wait("j", run, ("RUNNING",))
    end = time.monotonic() + 10
    while not processes("42.5e1"):
        assert time.monotonic() < end
        time.sleep(0.01)
    shown = processes(key), processes("a b;")
    pid, = processes("42.5e1")
    with open(f"/proc/{pid}/environ", "rb") as f:
        environment = f.read()
    descriptors = sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
    lab.glue.batch_stop_job_run(JobName="j", JobRunIds=[run])
    lab.wait("j", run)
    assert shown == ([], []), "an argument is there for all to see"
    assert key.encode() not in environment and descriptors == [0, 1, 2, 3]
    line, = lab.lines(run)
    assert line.startswith(f"--api-key {key} --odd a b;'\" --more {key}-more --JOB_NAME j --JOB_RUN_ID {run}")


def test_arguments_of_any_length_reach_a_bundled_program(lab):
    uri = make_bundle(lab, {"bin/count": "#!/bin/sh\neval \"tr -cd x <&$2\" | wc -c\n"})
    lab.job("j", DefaultArguments={"--glueproj-bundle": uri, "--glueproj-program": "count", "--long": "x" * 200000})
    run = lab.run("j")
    assert run["JobRunState"] == "SUCCEEDED" and lab.lines(run["Id"]) == ["200000"], run.get("ErrorMessage")


def test_a_bundled_program_runs_whatever_the_command(lab):
    uri = make_bundle(lab, {"bin/hello": READS_ARGUMENTS + "echo \"$@\"\nexit ${CODE:-0}\n", "bundle.json": "{}"})
    arguments = {"--glueproj-bundle": uri, "--glueproj-program": "hello", "--x": "1"}
    for command in ("glueetl", "pythonshell"):
        lab.job(command, "raise SystemExit('the launcher is for AWS')", command, DefaultArguments=arguments)
        run = lab.run(command)
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        group = "/aws-glue/jobs/output" if command == "glueetl" else "/aws-glue/python-jobs/output"
        assert lab.lines(run["Id"], group) == [f"--x 1 --JOB_NAME {command} --JOB_RUN_ID {run['Id']}"]


def test_a_bundled_binary_runs_through_the_bundles_loader(lab):
    tool = shutil.which("ls")
    files = {"bin/show": tool, "bin/list": tool}
    for name, arrow, path in re.findall(r"(\S+)( =>)? (/\S+) \(0x", subprocess.run(["ldd", tool], check=True, capture_output=True, text=True).stdout):
        files["lib/" + os.path.basename(name)] = path
    for path in re.findall(r"^\s(/\S+) \(0x", subprocess.run(["ldd", tool], check=True, capture_output=True, text=True).stdout, re.M):
        files["lib/ld.so"] = path
    read = {}
    for name, path in files.items():
        with open(path, "rb") as f:
            read[name] = f.read()
    arguments = {"--glueproj-bundle": make_bundle(lab, read), "--glueproj-program": "show", "--x": "1"}
    lab.job("j", DefaultArguments=arguments)
    run = lab.run("j")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Try 'show --help' for more information.")
    # The second run finds the bundle unpacked.
    assert lab.run("j")["ErrorMessage"] == run["ErrorMessage"]


def test_a_bundle_must_be_what_its_name_says(lab):
    good = make_bundle(lab, {"bin/hello": "#!/bin/sh\n"})
    forged = make_bundle(lab, {"bin/hello": "#!/bin/sh\n"}, f"p/{'0' * 64}.tar.gz")
    cases = {
        forged: "SHA-256", "s3://code/p/x.tar.gz": "SHA-256", f"s3://code/p/{'1' * 64}.tar.gz": "Error downloading",
        f"s3://other/p/{'1' * 64}.tar.gz": "Error downloading",
    }
    for i, (uri, text) in enumerate(cases.items()):
        lab.job(f"j{i}", DefaultArguments={"--glueproj-bundle": uri, "--glueproj-program": "hello"})
        run = lab.run(f"j{i}")
        assert run["JobRunState"] == "FAILED" and text in run["ErrorMessage"], run["ErrorMessage"]
    for i, program in enumerate(("nope", "../hello", "")):
        lab.job(f"k{i}", DefaultArguments={"--glueproj-bundle": good, "--glueproj-program": program})
        assert lab.run(f"k{i}")["JobRunState"] == "FAILED"


# --- kill -9 ---

def test_kill_9_ends_the_runs_and_says_so(lab):
    lab.job("j", DAEMON.replace("MARK", "'98763'").replace("WAIT", "60"))
    run = lab.start("j")
    while not processes("98763"):
        time.sleep(0.02)
    lab.cloud.kill()
    assert gone("98763")
    lab.cloud.start()
    lab.glue = lab.cloud.client("glue")
    ended = lab.state("j", run)
    assert ended["JobRunState"] == "FAILED" and "local cloud was ended while the run was under way" in ended["ErrorMessage"]
    lab.s3 = lab.cloud.client("s3")
    lab.s3.put_object(Bucket="code", Key="j.py", Body=b"print('again')")
    assert lab.run("j")["JobRunState"] == "SUCCEEDED"


def test_an_orderly_stop_ends_the_runs_too(lab):
    lab.job("j", DAEMON.replace("MARK", "'98764'").replace("WAIT", "60"))
    run = lab.start("j")
    while not processes("98764"):
        time.sleep(0.02)
    lab.cloud.stop().ok()
    assert gone("98764")
    lab.cloud.start()
    lab.glue = lab.cloud.client("glue")
    assert lab.state("j", run)["JobRunState"] == "FAILED"


def test_deleting_a_job_ends_its_runs(lab):
    lab.job("j", DAEMON.replace("MARK", "'98765'").replace("WAIT", "60"))
    lab.start("j")
    lab.start("j", JobRunQueuingEnabled=True)
    while not processes("98765"):
        time.sleep(0.02)
    lab.glue.delete_job(JobName="j")
    assert gone("98765")
    lab.job("j")
    assert lab.run("j")["JobRunState"] == "SUCCEEDED"
    assert len(lab.glue.get_job_runs(JobName="j")["JobRuns"]) == 1
