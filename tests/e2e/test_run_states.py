"""run and logs of state machines: what executions did is told by their events.

The service plays a script here; at the end it is the local cloud's own.
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

import contract
from helpers import glueproj_bin
from shop import Shop
from states_standin import MACHINE, Script, Standin

LOG = "/aws-glue/python-jobs/error"


def run_id(digit):
    return "jr_" + str(digit) * 64


@pytest.fixture
def play(run_glueproj):
    """play(script, *options) -> the finished run's result, and the service it ran against."""
    started = []

    def run(script, *options, set_up=None, json_output=True, command=("run", "flow"), env=None, **of_service):
        service = Standin(script, **of_service)
        started.append(service)
        if set_up:
            set_up(service)
        form = ("--output", "json") if json_output else ()
        return run_glueproj(*command, *options, *form, env={**service.env(), **(env or {})}), service

    yield run
    for service in started:
        service.__exit__()


def document(result):
    return contract.check(result).json["run"]


def job_run(job, digit, state="FAILED", error=None):
    value = {"JobName": job, "Id": run_id(digit), "JobRunState": state}
    return json.dumps({**value, "ErrorMessage": error} if error else value)


def succeed(script, last, name, kind="Task", output="{}"):
    if kind == "Task":
        last = script.add("TaskSucceeded", last, output=output)
    return script.add(kind + "StateExited", last, name=name)


def one_currency_fails():
    """C.7's picture: XMR's gold step fails and is caught, BTC is loaded, the execution succeeds."""
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    last = s.task("Clean S3 buckets", JobName="ClearBuckets", run=run_id(1))
    succeed(s, last, "Clean S3 buckets", output=job_run("ClearBuckets", 1, "SUCCEEDED"))
    s.add("ParallelStateEntered", name="Parallel")
    fork = s.add("ParallelStateStarted")
    b = s.task("BTC to silver", fork, JobName="bronze2silver", run=run_id(2))
    x = s.task("XMR to silver", fork, JobName="bronze2silver", run=run_id(3))
    b, x = succeed(s, b, "BTC to silver"), succeed(s, x, "XMR to silver")
    b = s.task("BTC to gold", b, JobName="silver2gold", run=run_id(4))
    x = s.task("XMR to gold", x, JobName="silver2gold", run=run_id(5))
    x = s.add("TaskFailed", x, later=2, error="States.TaskFailed", cause=job_run("silver2gold", 5, error="no prices in XMR_hist"))
    x = s.add("TaskStateExited", x, name="XMR to gold", output="{}")
    x = s.add("PassStateEntered", x, name="XMR wont stop BTC")
    x = s.add("PassStateExited", x, name="XMR wont stop BTC")
    b = succeed(s, b, "BTC to gold")
    b = s.add("ParallelStateSucceeded", b)
    s.add("ParallelStateExited", b, name="Parallel")
    s.add("SucceedStateEntered", name="SuccessState")
    s.add("SucceedStateExited", name="SuccessState")
    s.add("ExecutionSucceeded", output="[]")
    return s


def with_logs(service):
    service.jobs = {"silver2gold": "pythonshell"}
    service.logs = {
        (LOG, run_id(5)): [(1_700_000_000_000 + i, f"line {i}") for i in range(30)],
        (LOG.replace("error", "output"), run_id(5)): [(1_700_000_000_029, "between\n")],
    }


def test_a_caught_failure_is_told_though_the_execution_succeeds(play):
    result, service = play(one_currency_fails(), "--follow", set_up=with_logs)
    run = document(result.ok())
    assert run["type"] == "statemachine" and run["state"] == "SUCCEEDED" and run["error"] is None
    assert run["started"] == "2023-11-14T22:13:20.000Z" and run["seconds"] == pytest.approx(service.script.at - 1_700_000_000, abs=0.01)
    assert run["id"] == f"{MACHINE.replace('stateMachine', 'execution')}flow:{service.started['name']}"
    (caught,) = run["caught"]
    assert (caught["state"], caught["error"], caught["next"]) == ("XMR to gold", "States.TaskFailed", "XMR wont stop BTC")
    assert caught["cause"] == "job silver2gold FAILED: no prices in XMR_hist", "not the document: it has the run's arguments"
    assert (caught["job"], caught["id"]) == ("silver2gold", run_id(5))
    nodes = {n["name"]: n for n in run["nodes"]}
    assert list(nodes) == [
        "Clean S3 buckets", "Parallel", "BTC to silver", "XMR to silver", "BTC to gold", "XMR to gold", "XMR wont stop BTC", "SuccessState",
    ]
    assert {n: v["state"] for n, v in nodes.items() if v["state"] != "SUCCEEDED"} == {"XMR to gold": "FAILED"}
    assert {(v["parent"], v["branch"]) for n, v in nodes.items() if n.startswith("XMR")} == {("Parallel", 1)}
    assert nodes["BTC to gold"]["branch"] == 0 and nodes["SuccessState"]["parent"] is None
    assert nodes["BTC to gold"]["id"] == run_id(4) and nodes["BTC to gold"]["resource"] == "glue:startJobRun.sync"
    assert nodes["XMR to gold"]["error"] == "States.TaskFailed: job silver2gold FAILED: no prices in XMR_hist"


def test_lines_for_people(play):
    result, _ = play(one_currency_fails(), "--follow", set_up=with_logs, json_output=False)
    text = result.ok().stdout
    assert re.search(r"^ +\d\.\d s    2\. XMR to gold +FAILED +2\.\d s  States\.TaskFailed$", text, re.M)
    assert "job silver2gold FAILED: no prices in XMR_hist" in text
    tail = re.findall(r"^ +\| (.*)$", text, re.M)
    assert tail == [f"line {i}" for i in range(21, 29)] + ["between", "line 29"] or tail == [f"line {i}" for i in range(21, 30)] + ["between"]
    assert re.search(r"2\. XMR to gold +CAUGHT +-> XMR wont stop BTC", text)
    assert re.search(r"^statemachine flow SUCCEEDED \(\d+\.\d s\)$", text, re.M)
    assert text.splitlines()[-2:] == [
        "  caught: 'XMR to gold' States.TaskFailed -> XMR wont stop BTC", "          job silver2gold FAILED: no prices in XMR_hist",
    ]
    # What was over before the first look is told once; what holds other states, before these.
    assert text.count("BTC to silver") == 1 and re.findall(r"Parallel +(\S+)", text) == ["RUNNING", "SUCCEEDED"]
    wide = [line for line in text.splitlines() if len(line) > 100 and not line.startswith("  arn:")]
    assert not wide
    quiet, _ = play(one_currency_fails(), "--follow", "--quiet", json_output=False)
    assert [line.split(":")[0].split()[0] for line in quiet.ok().stdout.splitlines()] == ["statemachine", "arn", "caught", "job"]


def test_what_a_terminal_would_obey_is_not_printed(play):
    """Names, errors and causes are anybody's: escape sequences, also as U+009B, stay out of the lines, and whole in the document."""
    evil = "a\x1b[2J\x1b]0;b\x07\u009b31mc\nd"
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.task(evil, JobName=evil, run=run_id(1))
    s.add("TaskFailed", error=evil, cause=evil)
    last = s.add("TaskStateExited", name=evil, output="{}")
    s.add("FailStateEntered", last, name="after " + evil, input="{}")
    s.add("ExecutionFailed", error=evil, cause=evil)
    result, _ = play(s, "--follow", json_output=False)
    shown = result.fails(1).stdout + result.stderr
    assert shown.count("]0;b") > 5 and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown), repr(shown)
    result, _ = play(s, "--follow")
    assert result.json["run"]["nodes"][0]["name"] == evil


def test_without_follow_the_arn_is_printed_and_nothing_is_read(play):
    result, service = play(one_currency_fails(), json_output=False)
    assert service.started["name"] in result.ok().stdout and not service.asked("GetExecutionHistory")
    result, service = play(one_currency_fails())
    run = document(result.ok())
    assert run["state"] == "RUNNING" and run["ended"] is None and run["nodes"] == run["caught"] == []


def test_a_failure_is_exit_1_with_error_and_cause(play):
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("ParallelStateEntered", name="Both")
    fork = s.add("ParallelStateStarted")
    a = s.task("A", fork, JobName="first", run=run_id(1))
    s.task("B", fork, JobName="second", run=run_id(2))
    a = s.add("TaskFailed", a, error="States.TaskFailed", cause=job_run("first", 1, error='it said "no"'))
    a = s.add("ParallelStateFailed", a)
    s.add("ExecutionFailed", a, error="States.TaskFailed", cause=job_run("first", 1, error='it said "no"'))
    result, _ = play(s, "--follow")
    run = document(result.fails(1, 'ended FAILED: States.TaskFailed: job first FAILED: it said \\\\"no\\\\"'))
    (error,) = result.json["errors"]
    assert error["code"] == "RunFailed" and "state 'A'" in error["hint"] and run_id(1) in error["hint"]
    assert {n["name"]: n["state"] for n in run["nodes"]} == {"Both": "FAILED", "A": "FAILED", "B": "ABORTED"}
    assert run["state"] == "FAILED" and run["error"] == 'States.TaskFailed: job first FAILED: it said "no"' and run["caught"] == []
    text = play(s, "--follow", json_output=False)[0].fails(1).stdout
    assert text.count('it said "no"') == 1, "a container fails by the same: it is told once"
    long = "word " * 60 + "x" * 120
    s.events[-3]["taskFailedEventDetails"]["cause"] = long
    lines = play(s, "--follow", json_output=False)[0].fails(1).stdout.splitlines()
    told = [line for line in lines if "word" in line or "xxx" in line]
    assert " ".join(" ".join(told).split()) == long and sum(len(line) > 100 for line in told) == 1
    assert re.search(r"2\. B +ABORTED", text) and "ended FAILED" not in text


@pytest.mark.parametrize("end, state", [("ExecutionAborted", "ABORTED"), ("ExecutionTimedOut", "TIMED_OUT")])
def test_executions_that_end_otherwise(play, end, state):
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("WaitStateEntered", name="Wait")
    s.add(end, error="Mine", cause="stopped by hand")
    run = document(play(s, "--follow")[0].fails(1, f"ended {state}: Mine: stopped by hand"))
    assert run["state"] == state and [n["state"] for n in run["nodes"]] == [state]


def test_retries(play):
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    last = s.task("Flaky", JobName="j", run=run_id(1))
    last = s.add("TaskFailed", last, error="Glue.ConcurrentRunsExceededException", cause="too many")
    last = s.schedule(last, run=run_id(2), JobName="j")
    last = s.add("TaskFailed", last, error="Glue.ConcurrentRunsExceededException", cause="too many, again")
    last = s.schedule(last, run=run_id(3), JobName="j")
    succeed(s, last, "Flaky")
    s.add("ExecutionSucceeded", output="{}")
    (node,) = document(play(s, "--follow")[0].ok())["nodes"]
    assert node["state"] == "SUCCEEDED" and node["attempt"] == 2 and node["id"] == run_id(3) and node["error"] is None
    result, _ = play(s, "--follow", json_output=False)
    assert re.findall(r"attempt (\d)", result.ok().stdout) == ["2", "2", "3"] and "caught" not in result.stdout


def map_of(items, failing=()):
    """A Map whose items run side by side; the ones that fail are caught inside."""
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("MapStateEntered", name="Each")
    fork = s.add("MapStateStarted", length=items)
    lanes = [s.add("MapIterationStarted", fork, name="Each", index=i, later=0.001) for i in range(items)]
    lanes = [s.task("Load", lane, JobName="load", run="jr_" + f"{i:064x}") for i, lane in enumerate(lanes)]
    for i in reversed(range(items)):
        if i in failing:
            last = s.add("TaskFailed", lanes[i], error="Bad", cause=f"item {i}")
            last = s.add("TaskStateExited", last, name="Load")
            last = s.add("PassStateEntered", last, name="Skip")
            last = s.add("PassStateExited", last, name="Skip")
        else:
            last = succeed(s, lanes[i], "Load")
        s.add("MapIterationSucceeded", last, name="Each", index=i)
    s.add("MapStateSucceeded", fork)
    s.add("MapStateExited", name="Each")
    s.add("ExecutionSucceeded", output="{}")
    return s


def test_a_map_of_fifty(play):
    result, service = play(map_of(50, failing={7, 31}), "--follow", page=40)
    run = document(result.ok())
    loads = [n for n in run["nodes"] if n["name"] == "Load"]
    assert [n["iteration"] for n in loads] == list(range(50)) and {n["parent"] for n in loads} == {"Each"}
    assert [n["id"] for n in loads] == ["jr_" + f"{i:064x}" for i in range(50)]
    assert sorted((c["iteration"], c["cause"], c["next"]) for c in run["caught"]) == [(7, "item 7", "Skip"), (31, "item 31", "Skip")]
    pages = [a.get("nextToken") for a in service.asked("GetExecutionHistory")]
    last = str((len(service.script.events) - 1) // 40 * 40)
    assert pages == [None] + [str(i) for i in range(40, int(last) + 1, 40)] + [last], "the second look reads the last page alone"
    text = play(map_of(50, failing={7, 31}), "--follow", json_output=False)[0].ok().stdout
    assert re.search(r"Each +RUNNING +50 items$", text, re.M) and re.search(r"  \[31\] Load +CAUGHT +-> Skip$", text, re.M)


def test_an_iteration_that_fails_fails_the_map(play):
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("MapStateEntered", name="Each")
    fork = s.add("MapStateStarted", length=2)
    first, second = (s.add("MapIterationStarted", fork, name="Each", index=i) for i in range(2))
    first, second = s.task("Load", first, JobName="load"), s.task("Load", second, JobName="load")
    last = s.add("TaskFailed", second, error="Bad", cause="the second")
    last = s.add("MapIterationFailed", last, name="Each", index=1)
    s.add("MapIterationAborted", first, name="Each", index=0)
    last = s.add("MapStateFailed", last)
    last = s.add("MapStateExited", last, name="Each", output="{}")
    last = s.add("FailStateEntered", last, name="Give up")
    s.add("ExecutionFailed", last, error="Mine", cause="gave up")
    run = document(play(s, "--follow")[0].fails(1, "ended FAILED: Mine: gave up"))
    assert [(n["name"], n["iteration"], n["state"]) for n in run["nodes"]] == [
        ("Each", None, "FAILED"), ("Load", 0, "ABORTED"), ("Load", 1, "FAILED"), ("Give up", None, "FAILED"),
    ]
    (caught,) = run["caught"]
    assert (caught["state"], caught["error"], caught["cause"], caught["next"]) == ("Each", "Bad", "the second", "Give up")


def fails_in_a_branch(caught):
    """A Fail state says what it failed with nowhere but in what its Catch puts out, or in the execution's end."""
    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("ParallelStateEntered", name="Both", input=json.dumps({"Error": "Old", "Cause": "of before"}))
    fork = s.add("ParallelStateStarted")
    s.add("FailStateEntered", fork, name="Give up")
    s.add("ParallelStateFailed")
    if not caught:
        s.add("ExecutionFailed", error="In.Branch", cause="of the branch")
        return s
    s.add("ParallelStateExited", name="Both", output=json.dumps({
        "Error": "Old", "Cause": "of before", "deep": {"er": {"Error": "In.Branch", "Cause": "of the branch"}},
    }))
    s.add("SucceedStateEntered", name="Done")
    s.add("SucceedStateExited", name="Done")
    s.add("ExecutionSucceeded", output="{}")
    return s


def test_a_fail_state_in_a_branch(play):
    run = document(play(fails_in_a_branch(True), "--follow")[0].ok())
    assert [(c["state"], c["error"], c["cause"], c["next"]) for c in run["caught"]] == [("Both", "In.Branch", "of the branch", "Done")]
    assert [(n["name"], n["state"], n["error"]) for n in run["nodes"]] == [
        ("Both", "FAILED", "In.Branch: of the branch"), ("Give up", "FAILED", "In.Branch: of the branch"), ("Done", "SUCCEEDED", None),
    ]
    text = play(fails_in_a_branch(True), "--follow", json_output=False)[0].ok().stdout
    assert re.search(r"1\. Give up +FAILED", text) and re.search(r"Both +CAUGHT +-> Done  In\.Branch$", text, re.M)
    run = document(play(fails_in_a_branch(False), "--follow")[0].fails(1, "FAILED: In.Branch: of the branch"))
    assert [(n["name"], n["state"], n["error"]) for n in run["nodes"]] == [
        ("Both", "FAILED", "In.Branch: of the branch"), ("Give up", "FAILED", "In.Branch: of the branch"),
    ]


def test_input(play, tmp_path):
    def given(*options, **more):
        result, service = play(one_currency_fails(), *options, **more)
        assert result.ok()
        return json.loads(service.started["input"])

    assert given() == {}
    assert given("--arg", "K=V", "--arg", "empty=", "--arg", 'o"dd ü=1=2') == {"K": "V", "empty": "", 'o"dd ü': "1=2"}
    assert given("--input", '{"a": [1, 2.50], "b": "ü"}', "--arg", "a=x") == {"a": "x", "b": "ü"}
    assert given("--input", "[1]") == [1]
    file = tmp_path / "in put.json"
    file.write_text('{"from": "file"}', encoding="utf-8")
    assert given("--input", f"@{file}") == {"from": "file"}
    for options, text in (
        (("--input", "{"), "--input: "), (("--input", "@nowhere"), "nowhere"), (("--arg", "x"), "K=V"),
        (("--input", "[1]", "--arg", "a=b"), "is an object"),
    ):
        result, service = play(one_currency_fails(), *options)
        assert result.fails(2, text) and service.started is None


def test_names_are_new_each_time_and_sort_by_time(play):
    names = [play(one_currency_fails())[1].started["name"] for _ in range(3)]
    assert len(set(names)) == 3 and all(re.fullmatch(r"glueproj-\d{8}T\d{6}Z-[0-9a-f]{12}", n) for n in names)


def test_what_cannot_be_run(play):
    result, service = play(one_currency_fails(), "--follow", express=True)
    assert "is an Express state machine" in result.fails(1).stdout and service.started is None
    assert "without --follow" in result.json["errors"][0]["hint"]
    document(play(one_currency_fails(), express=True)[0].ok())
    for name in ("nothing", 'odd "name"\\', "ü"):
        play(one_currency_fails(), command=("run", name))[0].fails(1, "no workflow, job or crawler named .*, and no state machine")
    by_arn, service = play(one_currency_fails(), command=("run", MACHINE + "flow"))
    assert document(by_arn.ok())["state"] == "RUNNING" and service.started["stateMachineArn"] == MACHINE + "flow"


def test_what_is_late_or_forgotten(play):
    def late(service):
        service.unknown = 2

    document(play(one_currency_fails(), "--follow", set_up=late)[0].ok())

    def expires(service):
        service.expire = True

    result, service = play(map_of(30), "--follow", page=50, set_up=expires)
    assert len([n for n in document(result.ok())["nodes"] if n["name"] == "Load"]) == 30
    assert [a.get("nextToken") for a in service.asked("GetExecutionHistory")][:3] == [None, "50", None]

    def ended(service):
        service.status = "ABORTED"

    s = Script()
    s.add("ExecutionStarted", 0, input="{}")
    s.add("WaitStateEntered", name="Wait")
    run = document(play(s, "--follow", set_up=ended)[0].fails(1, "ended ABORTED"))
    assert [n["state"] for n in run["nodes"]] == ["ABORTED"], "the history never said so"


def waiting():
    s = Script(began=time.time())
    s.add("ExecutionStarted", 0, input="{}", later=0)
    s.add("WaitStateEntered", name='Wait "a bit" ü', later=0)
    return s


def test_a_slow_one_is_left(play):
    result, _ = play(waiting(), "--follow", "--timeout", "1")
    run = document(result.fails(1, "still runs after 1 s"))
    assert run["state"] == "RUNNING" and run["ended"] is None and [n["state"] for n in run["nodes"]] == ["RUNNING"]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_detaches(run_glueproj, number, code):
    with Standin(waiting()) as service:
        process = run_glueproj.start("run", "flow", "--follow", "--output", "json", env=service.env())
        while not service.asked("GetExecutionHistory"):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    value = json.loads(stdout)
    assert process.returncode == value["exit"] == code, stdout + stderr
    assert "the run goes on" in value["errors"][0]["message"] and value["run"]["id"].endswith(service.started["name"])
    assert not service.asked("StopExecution")


def test_the_live_view_on_a_terminal(run_glueproj):
    """What is under way is drawn below the lines and gone at the end."""
    s = waiting()
    with Standin(s) as service:
        master, slave = pty.openpty()
        environment = {k: v for k, v in run_glueproj.environment.items() if k != "NO_COLOR"}
        program = glueproj_bin()
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "run", "flow", "--follow"], stdin=slave, stdout=slave, stderr=slave, cwd=run_glueproj.folder,
            env={**environment, **service.env(), "TERM": "xterm"},
        )
        os.close(slave)
        seen, ended = b"", False
        while True:
            ready, _, _ = select.select([master], [], [], 20)
            assert ready, seen
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
            if b"under way" in seen and not ended:
                ended = True
                s.add("WaitStateExited", 2, name='Wait "a bit" ü')
                s.add("ExecutionSucceeded", output="{}")
        os.close(master)
        assert process.wait(20) == 0, seen
    text = seen.decode()
    assert "1 under way, 0 done" in text and 'Wait "a bit" ü' in text and "\033[2A\033[J" in text.replace("\r", "")
    assert "under way" not in text.rpartition("\033[J")[2] and "SUCCEEDED" in text.rpartition("\033[J")[2]


def test_logs_are_those_of_the_executions_jobs(play):
    def lines(service):
        service.started = {"name": "earlier"}
        service.jobs = {"ClearBuckets": "pythonshell", "bronze2silver": "glueetl", "silver2gold": "pythonshell"}
        service.logs = {
            (LOG, run_id(5)): [(1_700_000_003_000, "third")], (LOG, run_id(1)): [(1_700_000_001_000, "first")],
            ("/aws-glue/jobs/output", run_id(3)): [(1_700_000_002_000, "second")],
        }

    for options in ((), ("--run-id", "some-name"), ("--run-id", "arn:aws:states:eu-west-1:123456789012:execution:flow:x")):
        result, service = play(one_currency_fails(), *options, set_up=lines, command=("logs", "flow"))
        events = contract.check(result.ok()).json["events"]
        assert [(e["node"], e["message"], e["run_id"]) for e in events] == [
            ("ClearBuckets", "first", run_id(1)), ("bronze2silver", "second", run_id(3)), ("silver2gold", "third", run_id(5)),
        ]
    assert service.asked("DescribeExecution")[0]["executionArn"].endswith(":x")
    play(one_currency_fails(), command=("logs", "flow"))[0].fails(1, "has not run yet")


# --- the local cloud's own service ---

PROJECT = "Project: chain\nStacks: [work]\n"
SCRIPT = """\
import sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print("working on", options.get("--TICKER"), flush=True)
if options.get("--TICKER") == "XMR":
    sys.exit("no prices of XMR")
"""


def task(job, **more):
    parameters = {"JobName": job, "Arguments": {"--TICKER.$": "$.t"}}
    return {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": parameters, **more}


def branch(ticker):
    states = {
        f"{ticker}": {"Type": "Pass", "Result": {"t": ticker}, "Next": f"{ticker} to gold"},
        f"{ticker} to gold": task("chain_job", End=True, Catch=[{"ErrorEquals": ["States.ALL"], "Next": f'{ticker} wont "stop" ü'}]),
        f'{ticker} wont "stop" ü': {"Type": "Pass", "End": True},
    }
    return {"StartAt": ticker, "States": states}


MACHINES = {
    "Both": {
        "StartAt": "Parallel", "States": {
            "Parallel": {"Type": "Parallel", "Branches": [branch("BTC"), branch("XMR")], "Next": "Done"}, "Done": {"Type": "Succeed"},
        },
    },
    "Fails": {
        "StartAt": "Try", "States": {
            "Try": task("chain_job", End=True, Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]),
        },
    },
    "Many": {
        "StartAt": "List", "States": {
            "List": {"Type": "Pass", "Result": list(range(50)), "Next": "Each"},
            "Each": {"Type": "Map", "MaxConcurrency": 10, "End": True, "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Odd?", "States": {
                    "Odd?": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 13, "Next": "Bad luck"}], "Default": "Fine"},
                    "Fine": {"Type": "Pass", "End": True}, "Bad luck": {"Type": "Pass", "End": True},
                },
            }},
        },
    },
    "Slow": {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}},
}


def template():
    role = {"Type": "AWS::IAM::Role", "Properties": {
        "RoleName": "ChainRole", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["glue.amazonaws.com", "states.amazonaws.com"]}, "Action": "sts:AssumeRole"},
        ]},
        "Policies": [{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"},
        ]}}],
    }}
    arn = {"Fn::GetAtt": ["Role", "Arn"]}
    job = {"Type": "AWS::Glue::Job", "Properties": {
        "Name": "chain_job", "Role": arn, "Command": {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "work.py"},
        "MaxCapacity": 0.0625, "ExecutionProperty": {"MaxConcurrentRuns": 4},
    }}
    machines = {n: {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
        "StateMachineName": n.lower(), "RoleArn": arn, "Definition": d,
    }} for n, d in MACHINES.items()}
    return json.dumps({"Resources": {"Role": role, "Job": job, **machines}})


@pytest.fixture
def chain(run_glueproj, cloud):
    project = Shop(run_glueproj, cloud, **{"glueproj.yaml": PROJECT, "work.yaml": template(), "work.py": SCRIPT})
    project("setup").ok()
    return project


def test_in_the_local_cloud(chain):
    run = document(chain("run", "both", "--follow").ok())
    (caught,) = run["caught"]
    assert (caught["state"], caught["error"], caught["next"]) == ("XMR to gold", "States.TaskFailed", 'XMR wont "stop" ü')
    assert caught["cause"].startswith("job chain_job FAILED: ") and "no prices of XMR" in caught["cause"]
    states = {n["name"]: (n["state"], n["parent"], n["branch"]) for n in run["nodes"]}
    assert states == {
        "Parallel": ("SUCCEEDED", None, None), "BTC": ("SUCCEEDED", "Parallel", 0), "XMR": ("SUCCEEDED", "Parallel", 1),
        "BTC to gold": ("SUCCEEDED", "Parallel", 0), "XMR to gold": ("FAILED", "Parallel", 1), 'XMR wont "stop" ü': ("SUCCEEDED", "Parallel", 1),
        "Done": ("SUCCEEDED", None, None),
    }
    events = contract.check(chain("logs", "Both").ok()).json["events"]
    assert {e["message"] for e in events} >= {"working on BTC", "working on XMR"} and {e["node"] for e in events} == {"chain_job"}
    assert {e["run_id"] for e in events} == {n["id"] for n in run["nodes"] if n["id"]}
    text = chain("run", "fails", "--follow", "--arg", "t=XMR", json_output=False).fails(1, "run of 'fails' ended FAILED: States.TaskFailed").stdout
    assert "  | working on XMR" in text and text.count("(attempt 2)") == 1 and len(re.findall("Try +FAILED", text)) == 2
    assert document(chain("run", "Fails", "--follow", "--arg", "t=BTC").ok())["caught"] == []
    run = document(chain("run", "many", "--follow").ok())
    inside = [n for n in run["nodes"] if n["parent"] == "Each"]
    assert len(inside) == 100 and [n["iteration"] for n in inside if n["name"] == "Bad luck"] == [13]
    assert sorted(n["iteration"] for n in inside if n["name"] == "Odd?") == list(range(50))
    assert document(chain("run", "slow", "--follow", "--timeout", "1").fails(1, "still runs"))["state"] == "RUNNING"
    states = chain.cloud.client("stepfunctions")
    (slow,) = states.list_executions(stateMachineArn=f"arn:aws:states:{chain.cloud.region}:{chain.cloud.account}:stateMachine:slow")["executions"]
    assert slow["status"] == "RUNNING"
    states.stop_execution(executionArn=slow["executionArn"])
    result = chain("run", "chain").fails(2, "has 4 state machines: ")
    assert "by its name" in result.json["errors"][0]["hint"]
