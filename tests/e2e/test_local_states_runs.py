"""Executions in the local cloud: histories, time, tokens, activities, jobs that really run, ends of all kinds, crashes."""
import json
import threading

import pytest
from states_lab import PASS, WAIT, Lab, fails, one, task


@pytest.fixture
def lab(cloud):
    return Lab(cloud)


def make_job(lab, name, text="print('hello')", **more):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key=f"{name}.py", Body=text.encode())
    lab.cloud.client("glue").create_job(
        Name=name, Role="machine", Command={"Name": "pythonshell", "ScriptLocation": f"s3://code/{name}.py", "PythonVersion": "3.9"}, **more,
    )


# --- histories ---

def test_the_history_of_a_parallel_with_a_caught_failure(lab):
    branch = {"StartAt": "Bad", "States": {
        "Bad": {"Type": "Fail", "Error": "Broken", "Cause": "it is"}}}
    good = {"StartAt": "Good", "States": {"Good": {"Type": "Pass", "End": True}}}
    arn = lab.machine({"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "Branches": [good, branch], "Catch": [{"ErrorEquals": ["Broken"], "ResultPath": "$.why", "Next": "Mend"}], "End": True},
        "Mend": {"Type": "Pass", "End": True}}})
    execution = lab.start(arn, {"a": 1})
    assert json.loads(lab.end(execution)["output"]) == {"a": 1, "why": {"Error": "Broken", "Cause": "it is"}}
    events = lab.events(execution)
    assert [e["id"] for e in events] == list(range(1, len(events) + 1))
    types = [e["type"] for e in events]
    assert types[:3] == ["ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted"]
    assert types[-5:] == ["ParallelStateFailed", "ParallelStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert {"FailStateEntered", "PassStateExited"} <= set(types[3:-5])
    assert events[0]["executionStartedEventDetails"]["roleArn"] == lab.role
    assert [e["id"] for e in lab.events(execution, reverseOrder=True, maxResults=3)] == list(range(len(events), 0, -1))
    assert [e["id"] for e in lab.events(execution, maxResults=4)] == list(range(1, len(events) + 1))
    hidden = lab.events(execution, includeExecutionData=False)
    assert "input" not in hidden[0]["executionStartedEventDetails"] and hidden[1]["stateEnteredEventDetails"]["name"] == "Both"


def test_names_are_ideas_of_their_callers(lab):
    arn = lab.machine(WAIT)
    first = lab.sfn.start_execution(stateMachineArn=arn, name="once", input='{"a": 1}')
    again = lab.sfn.start_execution(stateMachineArn=arn, name="once", input='{"a": 1}')
    assert (first["executionArn"], first["startDate"]) == (again["executionArn"], again["startDate"])
    assert first["executionArn"] == lab.arn("execution", "m:once")
    message = fails("ExecutionAlreadyExists", lab.sfn.start_execution, stateMachineArn=arn, name="once", input='{"a": 2}')
    assert message == f"Execution Already Exists: '{first['executionArn']}'"
    lab.sfn.stop_execution(executionArn=first["executionArn"])
    fails("ExecutionAlreadyExists", lab.sfn.start_execution, stateMachineArn=arn, name="once", input='{"a": 1}')
    fails("InvalidName", lab.sfn.start_execution, stateMachineArn=arn, name="a b")
    fails("InvalidExecutionInput", lab.sfn.start_execution, stateMachineArn=arn, input="{")
    fails("ValidationException", lab.sfn.start_execution, stateMachineArn=arn, input=json.dumps("x" * 262143))
    lab.advance(91 * 86400)
    lab.sfn.start_execution(stateMachineArn=arn, name="once", input='{"a": 2}')


def test_lists_of_executions(lab):
    arn = lab.machine(one({"Type": "Wait", "SecondsPath": "$.s"}))
    ended = [lab.start(arn, {"s": 0}) for _ in range(3)]
    for e in ended:
        lab.end(e)
    running = lab.start(arn, {"s": 60})
    listed = lab.sfn.list_executions
    pages = list(lab.sfn.get_paginator("list_executions").paginate(stateMachineArn=arn, PaginationConfig={"PageSize": 3}))
    assert [e["executionArn"] for p in pages for e in p["executions"]] == [running, *reversed(ended)]
    assert [e["executionArn"] for e in listed(stateMachineArn=arn, statusFilter="RUNNING")["executions"]] == [running]
    assert listed(stateMachineArn=arn, redriveFilter="REDRIVEN")["executions"] == []
    assert len(listed(stateMachineArn=arn, redriveFilter="NOT_REDRIVEN")["executions"]) == 4
    fails("StateMachineTypeNotSupported", listed, stateMachineArn=lab.machine(PASS, name="x", type="EXPRESS"))
    lab.sfn.stop_execution(executionArn=running)


def test_limits_of_events_and_payloads(lab):
    loop = {"Type": "Choice", "Choices": [{"Variable": "$.out", "IsPresent": True, "Next": "Out"}], "Default": "A"}
    endless = lab.run({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": loop, "Out": {"Type": "Succeed"}}}, {}, name="endless")
    assert (endless["status"], endless["error"]) == ("FAILED", "States.Runtime") and "25000" in endless["cause"]
    last = lab.sfn.get_execution_history(executionArn=endless["executionArn"], reverseOrder=True, maxResults=1)["events"]
    assert (last[0]["id"], last[0]["type"]) == (25000, "ExecutionFailed")
    big = lab.run(one({"Type": "Pass", "Parameters": {"a.$": "$.x", "b.$": "$.x"}}), {"x": "x" * 200000}, name="big")
    assert (big["status"], big["error"]) == ("FAILED", "States.DataLimitExceeded")


# --- time ---

def test_retries_wait_by_the_clouds_clock(lab):
    retry = [{"ErrorEquals": ["Glue.EntityNotFoundException"], "IntervalSeconds": 600, "BackoffRate": 2, "MaxAttempts": 2}]
    execution = lab.start(lab.machine(one(task("aws-sdk:glue:getJob", Parameters={"JobName": "later"}, Retry=retry))))
    for pause in (600, 1200):
        lab.until(lambda: lab.types(execution)[-1] == "TaskFailed")
        lab.advance(pause - 60)
        assert lab.types(execution)[-1] == "TaskFailed"
        if pause == 1200:
            make_job(lab, "later")
        lab.advance(60)
        lab.until(lambda: lab.types(execution)[-1] != "TaskFailed" or lab.types(execution).count("TaskFailed") == 2)
    assert json.loads(lab.end(execution)["output"])["Job"]["Name"] == "later"
    assert lab.types(execution).count("TaskScheduled") == 3


def test_a_machines_own_time_is_over(lab):
    execution = lab.start(lab.machine({**WAIT, "TimeoutSeconds": 100}))
    lab.happened(execution, "WaitStateEntered")
    lab.advance(101)
    found = lab.end(execution)
    assert found["status"] == "TIMED_OUT" and lab.types(execution)[-1] == "ExecutionTimedOut"


# --- tokens and activities ---

def test_a_task_that_waits_for_a_token(lab):
    queue = lab.cloud.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    ask = task("sqs:sendMessage.waitForTaskToken", HeartbeatSeconds=600, Parameters={
        "QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "n.$": "$.n"}})
    machine = lab.machine(one(ask))

    def start():
        execution = lab.start(machine, {"n": 7})
        got = lab.until(lambda: lab.cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]
        lab.cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
        body = json.loads(got["Body"])
        assert body["n"] == 7
        lab.happened(execution, "TaskSubmitted")
        return execution, body["token"]

    execution, token = start()
    fails("InvalidToken", lab.sfn.send_task_success, taskToken="nonsense", output="1")
    fails("InvalidOutput", lab.sfn.send_task_success, taskToken=token, output="{")
    lab.advance(500)
    lab.sfn.send_task_heartbeat(taskToken=token)
    lab.advance(500)
    lab.sfn.send_task_success(taskToken=token, output='{"done": true}')
    assert json.loads(lab.end(execution)["output"]) == {"done": True}
    assert fails("TaskTimedOut", lab.sfn.send_task_success, taskToken=token, output="1") == "Task Timed Out: 'Provided task does not exist anymore'"
    assert lab.types(execution)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]

    execution, token = start()
    lab.sfn.send_task_failure(taskToken=token, error="Refused", cause="no")
    found = lab.end(execution)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Refused", "no")

    execution, token = start()
    lab.advance(601)
    assert lab.end(execution)["error"] == "States.HeartbeatTimeout"
    fails("TaskTimedOut", lab.sfn.send_task_heartbeat, taskToken=token)


def test_activities_and_their_workers(lab):
    activity = lab.sfn.create_activity(name="hands", tags=[{"key": "a", "value": "b"}])
    arn = activity["activityArn"]
    assert lab.sfn.create_activity(name="hands")["creationDate"] == activity["creationDate"]
    assert lab.sfn.describe_activity(activityArn=arn)["name"] == "hands"
    assert [a["activityArn"] for a in lab.sfn.list_activities()["activities"]] == [arn]
    got = []
    worker = threading.Thread(target=lambda: got.append(lab.sfn.get_activity_task(activityArn=arn, workerName="bob")))
    worker.start()
    execution = lab.start(lab.machine(one(task(arn))), {"n": 1})
    worker.join(20)
    assert json.loads(got[0]["input"]) == {"n": 1}
    lab.sfn.send_task_success(taskToken=got[0]["taskToken"], output="[1]")
    assert json.loads(lab.end(execution)["output"]) == [1]
    events = lab.events(execution)
    assert [e["type"] for e in events][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert events[3]["activityStartedEventDetails"] == {"workerName": "bob"}
    lab.sfn.delete_activity(activityArn=arn)
    fails("ActivityDoesNotExist", lab.sfn.describe_activity, activityArn=arn)
    fails("ActivityDoesNotExist", lab.sfn.get_activity_task, activityArn=arn)
    assert lab.end(lab.start(lab.arn("stateMachine", "m")))["error"] == "StepFunctions.ActivityDoesNotExistException"


# --- integrations ---

def test_a_job_is_followed_to_its_end(lab):
    make_job(lab, "fine", "import sys; print(sys.argv)")
    make_job(lab, "bad", "raise SystemExit(3)")
    run = task("glue:startJobRun.sync", Parameters={"JobName.$": "$.job", "Arguments": {"--TICKER": "BTC"}})
    machine = lab.machine(one(run))
    execution = lab.start(machine, {"job": "fine"})
    done = json.loads(lab.end(execution)["output"])
    assert (done["JobName"], done["JobRunState"], done["Arguments"]) == ("fine", "SUCCEEDED", {"--TICKER": "BTC"})
    assert done["StartedOn"] > 1e12 and done["Id"].startswith("jr_")
    assert lab.types(execution)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    failed = lab.end(lab.start(machine, {"job": "bad"}))
    assert failed["error"] == "States.TaskFailed"
    cause = json.loads(failed["cause"])
    assert cause["JobRunState"] == "FAILED" and cause["ErrorMessage"]
    missing = lab.end(lab.start(machine, {"job": "missing"}))
    assert missing["error"] == "Glue.EntityNotFoundException" and "Error Code: EntityNotFoundException" in missing["cause"]


def test_stopping_stops_the_job(lab):
    make_job(lab, "long", "import time; time.sleep(600)")
    execution = lab.start(lab.machine(one(task("glue:startJobRun.sync", Parameters={"JobName": "long"}))))
    lab.happened(execution, "TaskSubmitted")
    stopped = lab.sfn.stop_execution(executionArn=execution, error="Enough", cause="said so")
    found = lab.sfn.describe_execution(executionArn=execution)
    assert (found["status"], found["error"], found["cause"], found["stopDate"]) == ("ABORTED", "Enough", "said so", stopped["stopDate"])
    assert lab.types(execution)[-1] == "ExecutionAborted"
    glue = lab.cloud.client("glue")
    lab.until(lambda: glue.get_job_runs(JobName="long")["JobRuns"][0]["JobRunState"] == "STOPPED")
    assert lab.sfn.stop_execution(executionArn=execution)["stopDate"] == stopped["stopDate"]


def test_what_the_role_may_not(lab):
    make_job(lab, "fine")
    poor = lab.make_role("poor", "glue:StartJobRun")
    run = one(task("glue:startJobRun.sync", Parameters={"JobName": "fine"}))
    none = lab.make_role("none")
    found = lab.run(run, name="none", roleArn=none)
    assert found["error"] == "Glue.AccessDeniedException" and "glue:StartJobRun" in found["cause"]
    found = lab.run(run, name="poor", roleArn=poor)
    assert found["error"] == "Glue.AccessDeniedException" and "glue:GetJobRun" in found["cause"]
    found = lab.run(one(task("aws-sdk:s3:getObject", Parameters={"Bucket": "code", "Key": "fine.py"})), name="s3", roleArn=none)
    assert found["error"] == "S3.S3Exception" and "Status Code: 403" in found["cause"]


def test_executions_within_executions(lab):
    child = lab.machine(one({"Type": "Pass", "Parameters": {"got.$": "$"}}), name="child")
    bad = lab.machine({"StartAt": "S", "States": {"S": {"Type": "Fail", "Error": "E", "Cause": "c"}}}, name="bad")
    given = {"StateMachineArn.$": "$.arn", "Input": {"n": 1}}
    done = lab.run(one(task("states:startExecution.sync:2", Parameters=given)), {"arn": child}, name="json")
    scheduled = lab.happened(done["executionArn"], "TaskScheduled")["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("states", "startExecution.sync:2")
    done = json.loads(done["output"])
    assert (done["Status"], done["Output"]) == ("SUCCEEDED", {"got": {"n": 1}})
    done = lab.output(one(task("states:startExecution.sync", Parameters=given)), {"arn": child}, name="text")
    assert json.loads(done["Output"]) == {"got": {"n": 1}}
    done = lab.output(one(task("states:startExecution", Parameters=given)), {"arn": child}, name="plain")
    assert done["ExecutionArn"].startswith(lab.arn("execution", "child:"))
    failed = lab.end(lab.start(lab.arn("stateMachine", "json"), {"arn": bad}))
    assert failed["error"] == "States.TaskFailed" and json.loads(failed["cause"])["Error"] == "E"
    missing = lab.end(lab.start(lab.arn("stateMachine", "json"), {"arn": lab.arn("stateMachine", "gone")}))
    assert missing["error"] == "StepFunctions.StateMachineDoesNotExistException"
    slow = lab.machine(WAIT, name="slow")
    parent = lab.start(lab.arn("stateMachine", "json"), {"arn": slow})
    lab.happened(parent, "TaskSubmitted")
    lab.sfn.stop_execution(executionArn=parent)
    lab.until(lambda: lab.sfn.list_executions(stateMachineArn=slow)["executions"][0]["status"] == "ABORTED")


def test_objects(lab):
    lab.cloud.client("s3").create_bucket(Bucket="box")
    put = task("aws-sdk:s3:putObject", Parameters={"Bucket": "box", "Key": "a/1", "Body": {"v.$": "$.v"}}, ResultPath=None, Next="Copy")
    copy = task("aws-sdk:s3:copyObject", Parameters={"Bucket": "box", "Key": "b", "CopySource": "box/a/1"}, ResultPath=None, Next="Get")
    get = task("aws-sdk:s3:getObject", Parameters={"Bucket": "box", "Key": "b"}, ResultSelector={"body.$": "States.StringToJson($.Body)"}, Next="List")
    lists = task("aws-sdk:s3:listObjectsV2", Parameters={"Bucket": "box", "Delimiter": "/"}, ResultPath="$.list", Next="Delete")
    delete = task("aws-sdk:s3:deleteObject", Parameters={"Bucket": "box", "Key": "b"}, ResultPath=None, Next="Gone")
    catch = [{"ErrorEquals": ["S3.NoSuchKeyException"], "ResultPath": "$.e", "Next": "End"}]
    gone = task("aws-sdk:s3:headObject", Parameters={"Bucket": "box", "Key": "b"}, Catch=catch, End=True)
    out = lab.output({"StartAt": "Put", "States": {
        "Put": put, "Copy": copy, "Get": get, "List": lists, "Delete": delete, "Gone": gone, "End": {"Type": "Succeed"}}}, {"v": [1, "ü"]})
    assert out["body"] == {"v": [1, "ü"]}
    assert [o["Key"] for o in out["list"]["Contents"]] == ["b"] and out["list"]["CommonPrefixes"] == [{"Prefix": "a/"}]


def test_messages_and_what_is_not_served(lab):
    sqs, sns = lab.cloud.client("sqs"), lab.cloud.client("sns")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sent = lab.output(one(task("sqs:sendMessage", Parameters={"QueueUrl": queue, "MessageBody": {"a": 1}})), name="sqs")
    assert sent["MessageId"] and json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]) == {"a": 1}
    assert lab.output(one(task("sns:publish", Parameters={"TopicArn": topic, "Message": {"a": 1}, "Subject": "s"})), name="sns")["MessageId"]
    failed = lab.run(one(task("lambda:invoke", Parameters={"FunctionName": "f"})), name="lambda")
    assert failed["error"] == "Lambda.ResourceNotFoundException" and "not served" in failed["cause"]
    named = lab.output(one(task("aws-sdk:sfn:describeStateMachine", Parameters={"StateMachineArn": lab.arn("stateMachine", "sqs")})), name="sdk")
    assert named["Name"] == "sqs" and named["CreationDate"].endswith("Z")
    failed = lab.run(one(task("aws-sdk:sfn:describeStateMachine", Parameters={"StateMachineArn": lab.arn("stateMachine", "gone")})), name="sdk2")
    assert failed["error"] == "Sfn.StateMachineDoesNotExistException"


def test_express(lab):
    sfn = lab.cloud.client("stepfunctions", inject_host_prefix=False)
    arn = lab.machine(one({"Type": "Pass", "Parameters": {"got.$": "$.a"}}), name="e", type="EXPRESS")
    done = sfn.start_sync_execution(stateMachineArn=arn, input='{"a": 1}', name="n")
    assert (done["status"], json.loads(done["output"]), done["name"]) == ("SUCCEEDED", {"got": 1}, "n")
    assert done["executionArn"].startswith(lab.arn("express", "e:n:")) and done["billingDetails"]["billedDurationInMilliseconds"] >= 100
    assert sfn.start_sync_execution(stateMachineArn=arn, input="{}")["error"] == "States.Runtime"
    fails("StateMachineTypeNotSupported", sfn.start_sync_execution, stateMachineArn=lab.machine(PASS))
    fails("InvalidArn", sfn.describe_execution, executionArn=done["executionArn"])


def test_the_log_of_a_machine(lab):
    logs = lab.cloud.client("logs")
    logs.create_log_group(logGroupName="/states/m")
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:{lab.cloud.region}:{lab.cloud.account}:log-group:/states/m:*"}}
    for level, count in (("ALL", 5), ("ERROR", 1), ("FATAL", 1)):
        fail = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "F"}, "F": {"Type": "Fail", "Error": "E"}}}
        config = {"level": level, "includeExecutionData": level == "ALL", "destinations": [destination]}
        found = lab.run(fail, {"secret": "x"}, name=level, loggingConfiguration=config)
        assert found["status"] == "FAILED"

        def lines(arn=found["executionArn"]):
            events = logs.filter_log_events(logGroupName="/states/m")["events"]
            return [json.loads(e["message"]) for e in events if json.loads(e["message"])["execution_arn"] == arn]
        got = lab.until(lambda: len(lines()) >= count and lines())
        assert len(got) == count and got[-1]["type"] == "ExecutionFailed"
        assert ("secret" in json.dumps(got)) == (level == "ALL")
    assert logs.describe_log_streams(logGroupName="/states/m")["logStreams"][0]["logStreamName"].startswith("states/")
    poor = lab.make_role("poor", "glue:*")
    fails("AccessDeniedException", lab.machine, PASS, name="poor", roleArn=poor, loggingConfiguration=config)


# --- ends that are none ---

def test_a_failed_execution_is_redriven(lab):
    get = task("aws-sdk:s3:getObject", Parameters={"Bucket": "box", "Key": "late"}, ResultSelector={"body.$": "$.Body"})
    both = {"Type": "Parallel", "Branches": [{"StartAt": "One", "States": {"One": {"Type": "Pass", "Result": 1, "End": True}}}, one(get)], "End": True}
    lab.cloud.client("s3").create_bucket(Bucket="box")
    execution = lab.start(lab.machine({"StartAt": "Both", "States": {"Both": both}}))
    found = lab.end(execution)
    assert (found["status"], found["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    lab.cloud.client("s3").put_object(Bucket="box", Key="late", Body=b"here")
    lab.sfn.redrive_execution(executionArn=execution, clientToken="t")
    done = lab.end(execution)
    assert json.loads(done["output"]) == [1, {"body": "here"}] and done["redriveCount"] == 1
    types = lab.types(execution)
    assert types.count("ExecutionRedriven") == 1 and types.count("PassStateEntered") == 1
    assert [e["redriveCount"] for e in lab.sfn.list_executions(stateMachineArn=lab.arn("stateMachine", "m"), redriveFilter="REDRIVEN")["executions"]] == [1]
    lab.sfn.redrive_execution(executionArn=execution, clientToken="t")
    message = fails("ExecutionNotRedrivable", lab.sfn.redrive_execution, executionArn=execution)
    assert message == "Execution is SUCCEEDED and cannot be redriven"


def test_executions_survive_a_crash(lab):
    make_job(lab, "long", "import time; time.sleep(600)")
    activity = lab.sfn.create_activity(name="hands")["activityArn"]
    child = lab.machine(one({"Type": "Wait", "Seconds": 1000}), name="child")
    branches = [{"StartAt": f"S{i}", "States": {f"S{i}": {"End": True, **s}}} for i, s in enumerate((
        {"Type": "Wait", "Seconds": 500}, task(activity), task("states:startExecution.sync:2", Parameters={"StateMachineArn": child}),
        task("glue:startJobRun.sync", Parameters={"JobName": "long"}, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Lost"}])))]
    branches[3]["States"]["Lost"] = {"Type": "Pass", "End": True}
    given = json.loads("[" * 120 + "]" * 120)
    execution = lab.start(lab.machine({"StartAt": "All", "States": {"All": {"Type": "Parallel", "Branches": branches, "End": True}}}), given)
    lab.until(lambda: lab.types(execution).count("TaskSubmitted") == 2)
    before = lab.events(execution)
    lab.cloud.kill()
    lab.cloud.start()
    # the run died with its program, as job runs do; Step Functions is told so
    lab.until(lambda: "TaskFailed" in lab.types(execution))
    assert lab.events(execution)[:len(before)] == before
    assert lab.types(execution).count("TaskScheduled") == 2 and len(lab.cloud.client("glue").get_job_runs(JobName="long")["JobRuns"]) == 1
    got = lab.sfn.get_activity_task(activityArn=activity)
    lab.sfn.send_task_success(taskToken=got["taskToken"], output='"by hand"')
    lab.advance(500)
    lab.advance(500)
    out = json.loads(lab.end(execution)["output"])
    assert (out[0], out[1], out[2]["Status"], out[3]["Error"]) == (given, "by hand", "SUCCEEDED", "States.TaskFailed")
    assert len(lab.sfn.list_executions(stateMachineArn=child)["executions"]) == 1


def test_crashes_at_any_point(lab):
    """Every execution ends as it would have, and what is called once is called once."""
    queue = lab.cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    each = {"StartAt": "Send", "States": {
        "Send": task("sqs:sendMessage", Parameters={"QueueUrl": queue, "MessageBody.$": "States.JsonToString($)"},
                     Catch=[{"ErrorEquals": ["SQS.SdkClientException"], "Next": "Unknown"}], End=True),
        "Unknown": {"Type": "Pass", "End": True}}}
    machine = lab.machine(one({"Type": "Map", "ItemProcessor": each}))
    executions = []
    for _ in range(3):
        executions += [lab.start(machine, list(range(40))) for _ in range(2)]
        lab.cloud.kill()
        lab.cloud.start()
    for e in executions:
        assert lab.end(e)["status"] == "SUCCEEDED"
        ids = [x["id"] for x in lab.events(e, maxResults=1000)]
        assert ids == list(range(1, len(ids) + 1))
    attributes = lab.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    unknown = sum(lab.types(e).count("PassStateEntered") for e in executions)
    assert 240 - unknown <= int(attributes["ApproximateNumberOfMessages"]) <= 240


# --- what is told ---

def test_events_and_metrics_of_executions(lab):
    sqs, events, cloudwatch = (lab.cloud.client(s) for s in ("sqs", "events", "cloudwatch"))
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{lab.cloud.region}:{lab.cloud.account}:told"
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue_arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    events.put_rule(Name="failed", EventPattern=json.dumps({"source": ["aws.states"], "detail": {"status": ["FAILED"]}}))
    events.put_targets(Rule="failed", Targets=[{"Id": "q", "Arn": queue_arn}])
    found = lab.run({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}})
    got = json.loads(lab.until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))[0]["Body"])
    assert (got["detail-type"], got["resources"]) == ("Step Functions Execution Status Change", [found["executionArn"]])
    assert (got["detail"]["status"], got["detail"]["error"], got["detail"]["cause"], got["detail"]["output"]) == ("FAILED", "E", "c", None)
    metrics = {m["MetricName"]: m["Dimensions"] for m in cloudwatch.list_metrics(Namespace="AWS/States")["Metrics"]}
    assert set(metrics) == {"ExecutionsStarted", "ExecutionsFailed", "ExecutionTime"}
    assert metrics["ExecutionsFailed"] == [{"Name": "StateMachineArn", "Value": found["stateMachineArn"]}]
