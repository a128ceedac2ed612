"""Triggers and workflows in the local cloud, driven by boto3: Glue's state machines, firing rules, graphs and statistics."""
import concurrent.futures
import time

import pytest

from test_local_glue_jobs import Lab, fails

WORK = "import sys, time\na = dict(zip(sys.argv[1::2], sys.argv[2::2]))\ntime.sleep(float(a.get('--sleep', 0)))\nprint(a)\nsys.exit(int(a.get('--exit', 0)))\n"


class Flow(Lab):
    """Jobs that sleep and exit as their arguments say, and words for triggers."""

    def jobs(self, *names, **more):
        for name in names:
            self.job(name, WORK, **more)

    def trigger(self, name, kind, actions, conditions=None, logical=None, **more):
        """Actions and conditions: names of jobs (and SUCCEEDED), or (job, state) pairs."""
        if conditions:
            parts = [(c, "SUCCEEDED") if isinstance(c, str) else c for c in conditions]
            predicate = {"Conditions": [{"LogicalOperator": "EQUALS", "JobName": j, "State": s} for j, s in parts]}
            if logical or len(parts) > 1:
                predicate["Logical"] = logical or "AND"
            more = {"Predicate": predicate, "StartOnCreation": True, **more}
        actions = [a if isinstance(a, dict) else {"JobName": a} for a in actions]
        self.glue.create_trigger(Name=name, Type=kind, Actions=actions, **more)

    def settled(self, name, state):
        end = time.monotonic() + 5
        while (found := self.glue.get_trigger(Name=name)["Trigger"]["State"]) != state:
            assert time.monotonic() < end, f"trigger '{name}' is {found}, not {state}"
            time.sleep(0.01)

    def chain(self, flow, *names, last_state="SUCCEEDED"):
        """A workflow that runs these jobs one after another."""
        self.glue.create_workflow(Name=flow)
        self.trigger(f"{flow}-0", "ON_DEMAND", [names[0]], WorkflowName=flow)
        for i, (before, name) in enumerate(zip(names, names[1:]), 1):
            self.trigger(f"{flow}-{i}", "CONDITIONAL", [name], [before], WorkflowName=flow)
            self.settled(f"{flow}-{i}", "ACTIVATED")

    def begin(self, flow, **properties):
        return self.glue.start_workflow_run(Name=flow, RunProperties=properties)["RunId"]

    def look(self, flow, run, graph=False):
        return self.glue.get_workflow_run(Name=flow, RunId=run, IncludeGraph=graph)["Run"]

    def end(self, flow, run, states=("COMPLETED", "STOPPED", "ERROR"), seconds=30):
        end = time.monotonic() + seconds
        while (found := self.look(flow, run))["Status"] not in states:
            assert time.monotonic() < end, f"still {found}"
            time.sleep(0.02)
        return self.look(flow, run, True)

    def runs(self, job):
        return self.glue.get_job_runs(JobName=job)["JobRuns"]

    def eventually_runs(self, job, count, seconds=10):
        end = time.monotonic() + seconds
        while len(self.runs(job)) < count:
            assert time.monotonic() < end, f"job '{job}' was not started"
            time.sleep(0.02)
        return [self.wait(job, r["Id"]) for r in self.runs(job)]


@pytest.fixture
def flow(cloud):
    return Flow(cloud)


def counts(run, **expected):
    """Only the given statistics are not 0."""
    zero = dict.fromkeys(
        ("TotalActions", "TimeoutActions", "FailedActions", "StoppedActions", "SucceededActions", "RunningActions", "ErroredActions", "WaitingActions"), 0
    )
    assert run["Statistics"] == {**zero, **{f"{k}Actions": v for k, v in expected.items()}}


def node(run, name):
    return next(n for n in run["Graph"]["Nodes"] if n["Name"] == name)


# --- triggers ---

def test_states_of_a_trigger(flow):
    flow.jobs("a", "b")
    flow.trigger("demand", "ON_DEMAND", ["a"])
    flow.settled("demand", "CREATED")
    flow.trigger("timed", "SCHEDULED", ["a"], Schedule="cron(0 12 * * ? *)")
    flow.settled("timed", "CREATED")
    fails("InvalidInputException", flow.glue.stop_trigger, Name="timed")
    fails("InvalidInputException", flow.glue.stop_trigger, Name="demand")
    flow.glue.start_trigger(Name="timed")
    assert flow.glue.get_trigger(Name="timed")["Trigger"]["State"] == "ACTIVATING"
    flow.settled("timed", "ACTIVATED")
    flow.glue.stop_trigger(Name="timed")
    assert flow.glue.get_trigger(Name="timed")["Trigger"]["State"] == "DEACTIVATING"
    flow.settled("timed", "DEACTIVATED")
    flow.glue.start_trigger(Name="timed")
    flow.settled("timed", "ACTIVATED")
    updated = flow.glue.update_trigger(Name="timed", TriggerUpdate={"Schedule": "cron(0 13 * * ? *)", "Actions": [{"JobName": "b"}]})["Trigger"]
    assert updated["State"] == "UPDATING" and updated["Type"] == "SCHEDULED"
    flow.settled("timed", "ACTIVATED")
    now = flow.glue.get_trigger(Name="timed")["Trigger"]
    assert now["Schedule"] == "cron(0 13 * * ? *)" and now["Actions"] == [{"JobName": "b"}]
    flow.glue.delete_trigger(Name="timed")
    assert flow.glue.get_trigger(Name="timed")["Trigger"]["State"] == "DELETING"
    time.sleep(0.15)
    fails("EntityNotFoundException", flow.glue.get_trigger, Name="timed")
    flow.glue.delete_trigger(Name="timed")
    fails("EntityNotFoundException", flow.glue.start_trigger, Name="timed")


def test_what_a_trigger_may_not_be(flow):
    flow.jobs("a", "b")
    create, job = flow.glue.create_trigger, [{"JobName": "b"}]

    def refused(expected="InvalidInputException", **definition):
        return fails(expected, create, **{"Name": "t", "Type": "CONDITIONAL", "Actions": job, **definition})

    def when(**condition):
        return {"Conditions": [condition]}

    assert "Logical operator cannot be null" in refused(Predicate=when(JobName="a", State="SUCCEEDED"))
    assert "State cannot be null" in refused(Predicate=when(LogicalOperator="EQUALS", JobName="a"))
    assert "State cannot be null" in refused(Predicate=when(LogicalOperator="EQUALS", CrawlerName="c", State="SUCCEEDED"))
    assert "Job cannot be a Predicate and Action" in refused(Predicate=when(LogicalOperator="EQUALS", JobName="b", State="SUCCEEDED"))
    refused(Predicate=when(LogicalOperator="EQUALS", State="SUCCEEDED"))
    refused(Predicate=when(LogicalOperator="EQUALS", JobName="a", State="RUNNING"))
    refused()
    two = [{"LogicalOperator": "EQUALS", "JobName": "a", "State": s} for s in ("FAILED", "TIMEOUT")]
    refused(Predicate={"Conditions": two})
    refused(Type="SCHEDULED")
    refused(Type="SCHEDULED", Schedule="cron(* *)")
    refused(Type="ON_DEMAND", StartOnCreation=True)
    refused(Type="ON_DEMAND", Actions=[])
    refused(Type="EVENT")
    refused(Type="WEEKLY")
    refused("EntityNotFoundException", Type="ON_DEMAND", Actions=[{"JobName": "nope"}])
    refused("EntityNotFoundException", Type="ON_DEMAND", Actions=[{"CrawlerName": "nope"}])
    refused("EntityNotFoundException", Type="ON_DEMAND", WorkflowName="nope")
    flow.glue.create_workflow(Name="w")
    flow.trigger("first", "ON_DEMAND", ["a"], WorkflowName="w")
    refused(Type="ON_DEMAND", WorkflowName="w")
    fails("AlreadyExistsException", flow.trigger, "first", "ON_DEMAND", ["a"], WorkflowName="w")
    fails("IdempotentParameterMismatchException", flow.trigger, "first", "ON_DEMAND", ["b"], WorkflowName="w")


def test_an_event_trigger_rests_in_created(flow):
    flow.jobs("a")
    flow.glue.create_workflow(Name="w")
    flow.trigger("e", "EVENT", ["a"], WorkflowName="w", EventBatchingCondition={"BatchSize": 5, "BatchWindow": 900})
    flow.settled("e", "CREATED")
    assert "cannot be started" in fails("InvalidInputException", flow.glue.start_trigger, Name="e")
    fails("InvalidInputException", flow.glue.stop_trigger, Name="e")


def test_writes_to_one_workflow_at_the_same_time_conflict(flow):
    flow.jobs("a", "b")
    flow.glue.create_workflow(Name="w")
    flow.trigger("w-0", "ON_DEMAND", ["a"], WorkflowName="w")

    def add(i):
        try:
            flow.trigger(f"t{i}", "CONDITIONAL", ["b"], ["a"], WorkflowName="w")
            return "done"
        except flow.glue.exceptions.ConcurrentModificationException:
            return "conflict"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(add, range(8)))
    assert "done" in results and "conflict" in results
    # One after another there is never a conflict.
    assert [add(i) for i in range(10, 15)] == ["done"] * 5


def test_triggers_are_listed_in_pages_and_by_job(flow):
    flow.jobs("a", "b")
    for i in range(5):
        flow.trigger(f"t{i}", "ON_DEMAND", ["a" if i % 2 else "b"], Tags={"n": str(i)})
    pages = list(flow.glue.get_paginator("get_triggers").paginate(PaginationConfig={"PageSize": 2}))
    assert [[t["Name"] for t in p["Triggers"]] for p in pages] == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    assert [t["Name"] for t in flow.glue.get_triggers(DependentJobName="a")["Triggers"]] == ["t1", "t3"]
    assert flow.glue.list_triggers(Tags={"n": "3"})["TriggerNames"] == ["t3"]
    found = flow.glue.batch_get_triggers(TriggerNames=["t1", "x"])
    assert [t["Name"] for t in found["Triggers"]] == ["t1"] and found["TriggersNotFound"] == ["x"]


def test_outside_of_workflows_only_triggered_runs_fire(flow):
    flow.jobs("a", "b")
    flow.trigger("first", "ON_DEMAND", [{"JobName": "a", "Arguments": {"--x": "1"}, "Timeout": 3}])
    flow.trigger("second", "CONDITIONAL", ["b"], ["a"])
    flow.settled("second", "ACTIVATED")
    flow.run("a")
    time.sleep(0.3)
    assert flow.runs("b") == []
    flow.glue.start_trigger(Name="first")
    after = flow.eventually_runs("b", 1)[0]
    before = next(r for r in flow.runs("a") if r.get("TriggerName"))
    assert (before["TriggerName"], before["Arguments"], before["Timeout"]) == ("first", {"--x": "1"}, 3)
    shown = flow.glue.get_job_run(JobName="b", RunId=after["Id"], PredecessorsIncluded=True)["JobRun"]
    assert shown["TriggerName"] == "second" and shown["PredecessorRuns"] == [{"JobName": "a", "RunId": before["Id"]}]
    flow.glue.stop_trigger(Name="second")
    flow.settled("second", "DEACTIVATED")
    flow.glue.start_trigger(Name="first")
    flow.eventually_runs("a", 3)
    time.sleep(0.3)
    assert len(flow.runs("b")) == 1


def test_and_waits_for_all_and_any_for_one(flow):
    flow.jobs("a", "b", "both", "either")
    flow.trigger("a", "ON_DEMAND", ["a"])
    flow.trigger("b", "ON_DEMAND", ["b"])
    flow.trigger("both", "CONDITIONAL", ["both"], ["a", "b"], "AND")
    flow.trigger("either", "CONDITIONAL", ["either"], ["a", ("b", "FAILED")], "ANY")
    flow.settled("both", "ACTIVATED")
    flow.settled("either", "ACTIVATED")
    flow.glue.start_trigger(Name="a")
    flow.eventually_runs("either", 1)
    assert flow.runs("both") == []
    flow.glue.start_trigger(Name="b")
    flow.eventually_runs("both", 1)
    assert len(flow.runs("either")) == 1
    # Having fired, it begins anew.
    flow.glue.start_trigger(Name="b")
    flow.eventually_runs("b", 2)
    time.sleep(0.3)
    assert len(flow.runs("both")) == 1


def test_a_schedule_fires_on_the_clouds_clock(flow):
    flow.jobs("a", "b")
    flow.trigger("hourly", "SCHEDULED", ["a"], Schedule="cron(0 * * * ? *)", StartOnCreation=True)
    flow.trigger("resting", "SCHEDULED", ["b"], Schedule="cron(0 * * * ? *)")
    flow.settled("hourly", "ACTIVATED")
    flow.advance(3600)
    assert flow.eventually_runs("a", 1)[0]["TriggerName"] == "hourly"
    flow.advance(3600)
    flow.eventually_runs("a", 2)
    assert flow.runs("b") == []


def test_a_job_that_is_full_leaves_an_error_run(flow):
    flow.jobs("a")
    flow.trigger("hourly", "SCHEDULED", [{"JobName": "a", "Arguments": {"--sleep": "60"}}], Schedule="cron(0 * * * ? *)", StartOnCreation=True)
    flow.settled("hourly", "ACTIVATED")
    flow.advance(3600)
    while not flow.runs("a"):
        time.sleep(0.02)
    flow.advance(3600)
    while len(flow.runs("a")) < 2:
        time.sleep(0.02)
    refused = flow.runs("a")[0]
    assert refused["JobRunState"] == "ERROR" and "ConcurrentRunsExceededException" in refused["ErrorMessage"]
    flow.trigger("demand", "ON_DEMAND", ["a"])
    fails("ConcurrentRunsExceededException", flow.glue.start_trigger, Name="demand")


# --- workflows ---

def test_a_workflow_is_read_back_as_it_was_made(flow):
    flow.glue.create_workflow(Name="w", Description="d", DefaultRunProperties={"k": "v"}, MaxConcurrentRuns=2, Tags={"a": "b"})
    fails("AlreadyExistsException", flow.glue.create_workflow, Name="w")
    w = flow.glue.get_workflow(Name="w", IncludeGraph=True)["Workflow"]
    assert (w["Description"], w["DefaultRunProperties"], w["MaxConcurrentRuns"], w["Graph"]) == ("d", {"k": "v"}, 2, {"Nodes": [], "Edges": []})
    assert "LastRun" not in w and flow.glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:workflow/w")["Tags"] == {"a": "b"}
    flow.glue.update_workflow(Name="w", Description="e")
    assert flow.glue.get_workflow(Name="w")["Workflow"]["Description"] == "e"
    fails("EntityNotFoundException", flow.glue.update_workflow, Name="v", Description="e")
    fails("EntityNotFoundException", flow.glue.get_workflow, Name="v")
    fails("EntityNotFoundException", flow.glue.start_workflow_run, Name="v")
    fails("InvalidInputException", flow.glue.start_workflow_run, Name="w")
    flow.glue.create_workflow(Name="x")
    assert flow.glue.list_workflows()["Workflows"] == ["w", "x"]
    first = flow.glue.list_workflows(MaxResults=1)
    assert flow.glue.list_workflows(MaxResults=1, NextToken=first["NextToken"]) ["Workflows"] == ["x"]
    found = flow.glue.batch_get_workflows(Names=["x", "y"])
    assert [w["Name"] for w in found["Workflows"]] == ["x"] and found["MissingWorkflows"] == ["y"]
    for _ in range(2):
        flow.glue.delete_workflow(Name="w")
    fails("EntityNotFoundException", flow.glue.get_workflow, Name="w")


def test_a_run_through_a_chain(flow):
    flow.jobs("a", "b", "c")
    flow.chain("w", "a", "b", "c")
    run = flow.begin("w", day="monday")
    assert run.startswith("wr_") and len(run) == 67
    done = flow.end("w", run)
    assert done["Status"] == "COMPLETED" and done["WorkflowRunProperties"] == {"day": "monday"} and done["CompletedOn"] >= done["StartedOn"]
    counts(done, Total=3, Succeeded=3)
    graph = done["Graph"]
    assert sorted((n["Type"], n["Name"]) for n in graph["Nodes"]) == [
        ("JOB", "a"), ("JOB", "b"), ("JOB", "c"), ("TRIGGER", "w-0"), ("TRIGGER", "w-1"), ("TRIGGER", "w-2"),
    ]
    names = {n["UniqueId"]: n["Name"] for n in graph["Nodes"]}
    assert sorted((names[e["SourceId"]], names[e["DestinationId"]]) for e in graph["Edges"]) == [
        ("a", "w-1"), ("b", "w-2"), ("w-0", "a"), ("w-1", "b"), ("w-2", "c"),
    ]
    b = node(done, "b")["JobDetails"]["JobRuns"]
    assert [r["JobRunState"] for r in b] == ["SUCCEEDED"] and b[0]["TriggerName"] == "w-1"
    assert node(done, "w-1")["TriggerDetails"]["Trigger"]["Type"] == "CONDITIONAL"
    printed = flow.lines(b[0]["Id"])[0]
    assert f"'--WORKFLOW_NAME': 'w', '--WORKFLOW_RUN_ID': '{run}'" in printed
    last = flow.glue.get_workflow(Name="w", IncludeGraph=True)["Workflow"]["LastRun"]
    assert last["WorkflowRunId"] == run and last["Graph"]["Nodes"]
    # What is started by hand counts for no run, and inner triggers do not hear of it.
    flow.run("a")
    time.sleep(0.3)
    assert len(flow.runs("b")) == 1


def test_a_failed_job_ends_the_run_and_what_follows_is_not_started(flow):
    flow.jobs("a", "b", "mop")
    flow.chain("w", "a", "b")
    flow.trigger("w-failed", "CONDITIONAL", ["mop"], [("a", "FAILED")], WorkflowName="w")
    flow.settled("w-failed", "ACTIVATED")
    flow.glue.update_trigger(Name="w-0", TriggerUpdate={"Actions": [{"JobName": "a", "Arguments": {"--exit": "1"}}]})
    done = flow.end("w", flow.begin("w"))
    assert done["Status"] == "COMPLETED"
    counts(done, Total=3, Failed=1, Succeeded=1)
    assert node(done, "b")["JobDetails"]["JobRuns"] == [] and len(node(done, "mop")["JobDetails"]["JobRuns"]) == 1


def test_retries_come_before_the_next_step(flow):
    flow.jobs("a", "b", MaxRetries=1)
    flow.chain("w", "a", "b")
    flow.glue.update_trigger(Name="w-0", TriggerUpdate={"Actions": [{"JobName": "a", "Arguments": {"--exit": "1"}}]})
    done = flow.end("w", flow.begin("w"))
    counts(done, Total=2, Failed=1)
    assert [r["Attempt"] for r in node(done, "a")["JobDetails"]["JobRuns"]] == [0, 1]


def test_branches_meet_and_fire_once(flow):
    flow.jobs("a", "b", "c", "d", "e")
    flow.glue.create_workflow(Name="w")
    flow.trigger("start", "ON_DEMAND", ["a"], WorkflowName="w")
    flow.trigger("fork", "CONDITIONAL", ["b", {"JobName": "c", "Arguments": {"--sleep": "0.5"}}], ["a"], WorkflowName="w")
    flow.trigger("join", "CONDITIONAL", ["d"], ["b", "c"], WorkflowName="w")
    flow.trigger("any", "CONDITIONAL", ["e"], ["b", "c"], "ANY", WorkflowName="w")
    for name in ("fork", "join", "any"):
        flow.settled(name, "ACTIVATED")
    done = flow.end("w", flow.begin("w"))
    counts(done, Total=5, Succeeded=5)
    d, c, e = (node(done, n)["JobDetails"]["JobRuns"] for n in "dce")
    assert len(e) == 1 and d[0]["StartedOn"] >= c[0]["CompletedOn"] and e[0]["StartedOn"] < c[0]["CompletedOn"]


def test_concurrent_runs_of_a_workflow(flow):
    flow.jobs("a", ExecutionProperty={"MaxConcurrentRuns": 5})
    flow.chain("w", "a")
    flow.glue.update_trigger(Name="w-0", TriggerUpdate={"Actions": [{"JobName": "a", "Arguments": {"--sleep": "60"}}]})
    flow.glue.update_workflow(Name="w", MaxConcurrentRuns=1)
    run = flow.begin("w")
    assert fails("ConcurrentRunsExceededException", flow.begin, "w") == "Concurrent runs exceeded for workflow: w"
    flow.glue.stop_workflow_run(Name="w", RunId=run)
    assert flow.end("w", run)["Status"] == "STOPPED"
    flow.glue.stop_workflow_run(Name="w", RunId=flow.begin("w"))


def test_a_schedule_starts_runs(flow):
    flow.jobs("a")
    flow.glue.create_workflow(Name="w", MaxConcurrentRuns=1)
    flow.trigger("t", "SCHEDULED", [{"JobName": "a", "Arguments": {"--sleep": "60"}}], WorkflowName="w", Schedule="cron(0 * * * ? *)", StartOnCreation=True)
    flow.settled("t", "ACTIVATED")
    flow.advance(3600)
    while not (runs := flow.glue.get_workflow_runs(Name="w")["Runs"]):
        time.sleep(0.02)
    flow.advance(3600)
    while len(runs := flow.glue.get_workflow_runs(Name="w")["Runs"]) < 2:
        time.sleep(0.02)
    assert [r["Status"] for r in runs] == ["ERROR", "RUNNING"] and runs[0]["ErrorMessage"] == "Concurrent runs exceeded for workflow: w"
    page = flow.glue.get_workflow_runs(Name="w", MaxResults=1)
    assert [r["Status"] for r in flow.glue.get_workflow_runs(Name="w", MaxResults=1, NextToken=page["NextToken"])["Runs"]] == ["RUNNING"]
    flow.glue.stop_workflow_run(Name="w", RunId=runs[1]["WorkflowRunId"])


def test_stopping_a_run(flow):
    flow.jobs("a", "b")
    flow.chain("w", "a", "b")
    flow.glue.update_trigger(Name="w-0", TriggerUpdate={"Actions": [{"JobName": "a", "Arguments": {"--sleep": "60"}}]})
    run = flow.begin("w")
    counts(flow.look("w", run), Total=2, Running=1)
    flow.wait("a", flow.runs("a")[0]["Id"], ("RUNNING",))
    flow.glue.stop_workflow_run(Name="w", RunId=run)
    done = flow.end("w", run)
    assert done["Status"] == "STOPPED"
    counts(done, Total=2, Stopped=1)
    assert flow.runs("b") == []
    fails("IllegalWorkflowStateException", flow.glue.stop_workflow_run, Name="w", RunId=run)
    fails("EntityNotFoundException", flow.glue.stop_workflow_run, Name="w", RunId="wr_nope")


def test_resuming_runs_what_failed_and_all_after_it(flow):
    flow.jobs("a", "b", "c")
    flow.chain("w", "a", "b", "c")
    flow.script("b.py", "raise SystemExit('broken')")
    run = flow.begin("w")
    failed = flow.end("w", run)
    counts(failed, Total=3, Succeeded=1, Failed=1)
    b, c = node(failed, "b")["UniqueId"], node(failed, "c")["UniqueId"]
    fails("InvalidInputException", flow.glue.resume_workflow_run, Name="w", RunId=run, NodeIds=[c])
    flow.script("b.py", "print('mended')")
    resumed = flow.glue.resume_workflow_run(Name="w", RunId=run, NodeIds=[b])
    assert resumed["NodeIds"] == [b] and resumed["RunId"] != run
    done = flow.end("w", resumed["RunId"])
    assert done["PreviousRunId"] == run and done["Status"] == "COMPLETED"
    counts(done, Total=3, Succeeded=3)
    assert [len(flow.runs(j)) for j in "abc"] == [1, 2, 1]
    assert [r["JobRunState"] for r in node(done, "a")["JobDetails"]["JobRuns"]] == ["SUCCEEDED"]
    counts(flow.look("w", run), Total=3, Succeeded=1, Failed=1)


def test_run_properties(flow):
    flow.jobs("a")
    flow.glue.create_workflow(Name="w", DefaultRunProperties={"a": "1", "b": "2"})
    flow.trigger("t", "ON_DEMAND", ["a"], WorkflowName="w")
    run = flow.begin("w", b="3")
    assert flow.glue.get_workflow_run_properties(Name="w", RunId=run)["RunProperties"] == {"a": "1", "b": "3"}
    flow.glue.put_workflow_run_properties(Name="w", RunId=run, RunProperties={"c": "4"})
    assert flow.glue.get_workflow_run_properties(Name="w", RunId=run)["RunProperties"] == {"a": "1", "b": "3", "c": "4"}
    flow.end("w", run)


def test_starting_the_start_trigger_starts_a_run(flow):
    flow.jobs("a", "b")
    flow.chain("w", "a", "b")
    flow.glue.start_trigger(Name="w-0")
    runs = flow.glue.get_workflow_runs(Name="w")["Runs"]
    assert len(runs) == 1
    counts(flow.end("w", runs[0]["WorkflowRunId"]), Total=2, Succeeded=2)


def test_an_inner_trigger_that_rests_does_not_fire(flow):
    flow.jobs("a", "b")
    flow.chain("w", "a", "b")
    flow.glue.stop_trigger(Name="w-1")
    flow.settled("w-1", "DEACTIVATED")
    counts(flow.end("w", flow.begin("w")), Total=2, Succeeded=1)


def test_kill_9_in_the_middle_of_a_run(flow):
    flow.jobs("a", "b", "mop")
    flow.chain("w", "a", "b")
    flow.trigger("w-failed", "CONDITIONAL", ["mop"], [("a", "FAILED")], WorkflowName="w")
    flow.settled("w-failed", "ACTIVATED")
    flow.glue.update_trigger(Name="w-0", TriggerUpdate={"Actions": [{"JobName": "a", "Arguments": {"--sleep": "60"}}]})
    run = flow.begin("w")
    flow.wait("a", flow.runs("a")[0]["Id"], ("RUNNING",))
    flow.cloud.kill()
    flow.cloud.start()
    flow.glue = flow.cloud.client("glue")
    done = flow.end("w", run)
    assert done["Status"] == "COMPLETED"
    counts(done, Total=3, Failed=1, Succeeded=1)
    assert "local cloud was ended" in node(done, "a")["JobDetails"]["JobRuns"][0]["ErrorMessage"]


def test_deleting_a_workflow_leaves_its_triggers(flow):
    flow.jobs("a", "b")
    flow.chain("w", "a", "b")
    flow.end("w", flow.begin("w"))
    flow.glue.delete_workflow(Name="w")
    assert flow.glue.get_trigger(Name="w-0")["Trigger"]["WorkflowName"] == "w"
    flow.glue.create_workflow(Name="w")
    assert flow.glue.get_workflow_runs(Name="w")["Runs"] == []


# --- crawlers in workflows ---

def crawler(flow, files):
    """A crawler over so many CSV files."""
    flow.iam.put_role_policy(RoleName="job", PolicyName="all", PolicyDocument=(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","glue:*","logs:*"],"Resource":"*"}]}'
    ))
    flow.s3.create_bucket(Bucket="data")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: flow.s3.put_object(Bucket="data", Key=f"t/{i}.csv", Body=b"id,name\n1,one\n2,two\n"), range(files)))
    flow.glue.create_database(DatabaseInput={"Name": "db"})
    flow.glue.create_crawler(Name="crawl", Role="job", DatabaseName="db", Targets={"S3Targets": [{"Path": "s3://data/t/"}]})


def test_crawls_are_actions_like_job_runs(flow):
    flow.jobs("a", "b")
    crawler(flow, 1)
    flow.glue.create_workflow(Name="w")
    flow.trigger("start", "ON_DEMAND", ["a"], WorkflowName="w")
    flow.trigger("look", "CONDITIONAL", [{"CrawlerName": "crawl"}], ["a"], WorkflowName="w")
    flow.trigger(
        "after", "CONDITIONAL", ["b"], WorkflowName="w", StartOnCreation=True,
        Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "CrawlerName": "crawl", "CrawlState": "SUCCEEDED"}]},
    )
    for name in ("look", "after"):
        flow.settled(name, "ACTIVATED")
    done = flow.end("w", flow.begin("w"))
    counts(done, Total=3, Succeeded=3)
    crawl = node(done, "crawl")["CrawlerDetails"]["Crawls"][0]
    assert crawl["State"] == "SUCCEEDED" and crawl["CompletedOn"] >= crawl["StartedOn"] and crawl["LogGroup"] == "/aws-glue/crawlers"
    assert [t["Name"] for t in flow.glue.get_tables(DatabaseName="db")["TableList"]] == ["t"]
    # A crawl that somebody starts by hand fires nothing in the workflow.
    flow.glue.start_crawler(Name="crawl")
    while flow.glue.get_crawler(Name="crawl")["Crawler"]["State"] != "READY":
        time.sleep(0.05)
    assert len(flow.runs("b")) == 1


def test_a_crawler_that_is_busy_is_an_error_of_the_action(flow):
    flow.jobs("a")
    crawler(flow, 1000)  # enough that the first crawl runs when the second is asked for
    flow.glue.create_workflow(Name="w")
    flow.trigger("start", "ON_DEMAND", [{"CrawlerName": "crawl"}, {"CrawlerName": "crawl"}, "a"], WorkflowName="w")
    done = flow.end("w", flow.begin("w"))
    assert done["Status"] == "COMPLETED" and done["Statistics"]["ErroredActions"] == 1 and done["Statistics"]["RunningActions"] == 0
    assert "CrawlerRunningException" in str(node(done, "crawl")["CrawlerDetails"]["Crawls"])
