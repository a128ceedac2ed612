"""EventBridge in the local cloud, through boto3 and the AWS CLI: patterns, rules, schedules, what targets get, and what happens when they cannot."""
import json

import pytest

from test_local_glue_jobs import fails
from test_local_iam import allow, iam, policy, session, trust  # noqa: F401
from test_local_sns import allowing
from test_local_sqs import advance, receive

EVENT = {"id": "1", "detail-type": "T", "source": "my.app", "account": "000000000000", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
         "resources": ["arn:a", "arn:b"], "detail": {"state": "FAILED", "n": 3, "name": "Job-One.csv", "ip": "10.0.0.7", "tags": ["x", "y"], "none": None,
                                                     "deep": {"k": "v"}, "list": [{"a": 1}, {"a": 2}]}}


@pytest.fixture
def events(cloud):
    return cloud.client("events")


class Queue:
    def __init__(self, cloud, name, service="events.amazonaws.com", allowed=True):
        self.sqs, self.name = cloud.client("sqs"), name
        self.arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:{name}"
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"Policy": allowing(self.arn, "*", service)} if allowed else {})["QueueUrl"]

    def take(self, most=1):
        return [m["Body"] for m in receive(self.sqs, self.url, most, WaitTimeSeconds=10, VisibilityTimeout=43200)]


def put(events, detail=None, **more):
    entry = {"Source": "my.app", "DetailType": "T", "Detail": json.dumps(detail or {"state": "FAILED"}), **more}
    reply = events.put_events(Entries=[entry])
    assert reply["FailedEntryCount"] == 0, reply
    return reply["Entries"][0]["EventId"]


def rule(events, name, targets, pattern='{"source":["my.app"]}', **more):
    events.put_rule(Name=name, EventPattern=pattern, **more)
    reply = events.put_targets(Rule=name, Targets=targets, **{k: v for k, v in more.items() if k == "EventBusName"})
    assert reply["FailedEntryCount"] == 0


# --- patterns ---


PATTERNS = [
    ({"source": ["my.app"]}, True), ({"source": ["other"]}, False), ({"detail": {"state": ["OK", "FAILED"]}}, True), ({"detail": {"n": [3]}}, True),
    ({"detail": {"n": ["3"]}}, False), ({"detail": {"none": [None]}}, True), ({"detail": {"name": [{"prefix": "Job"}]}}, True),
    ({"detail": {"name": [{"prefix": {"equals-ignore-case": "jOB"}}]}}, True), ({"detail": {"name": [{"suffix": ".csv"}]}}, True),
    ({"detail": {"name": [{"equals-ignore-case": "job-one.CSV"}]}}, True), ({"detail": {"name": [{"wildcard": "Job-*.c*v"}]}}, True),
    ({"detail": {"name": [{"wildcard": "*One"}]}}, False), ({"detail": {"state": [{"anything-but": "FAILED"}]}}, False),
    ({"detail": {"state": [{"anything-but": ["OK", "x"]}]}}, True), ({"detail": {"name": [{"anything-but": {"prefix": "Job"}}]}}, False),
    ({"detail": {"name": [{"anything-but": {"suffix": [".txt", ".gz"]}}]}}, True), ({"detail": {"nobody": [{"anything-but": "x"}]}}, False),
    ({"detail": {"n": [{"numeric": [">", 2, "<=", 3]}]}}, True), ({"detail": {"n": [{"numeric": ["<", 3]}]}}, False), ({"detail": {"n": [{"numeric": ["=", 3.0]}]}}, True),
    ({"detail": {"nobody": [{"exists": False}]}}, True), ({"detail": {"n": [{"exists": False}]}}, False), ({"detail": {"n": [{"exists": True}]}}, True),
    ({"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}, True), ({"detail": {"ip": [{"cidr": "10.0.1.0/24"}]}}, False), ({"detail": {"tags": ["y", "z"]}}, True),
    ({"resources": [{"prefix": "arn:b"}]}, True), ({"detail": {"deep": {"k": ["v"]}}}, True), ({"detail": {"list": {"a": [2]}}}, True),
    ({"$or": [{"source": ["other"]}, {"detail": {"n": [3]}}]}, True), ({"detail": {"$or": [{"n": [4]}, {"state": ["OK"]}]}}, False),
    ({"source": ["my.app"], "detail": {"state": ["OK"]}}, False),
]
BAD_PATTERNS = [
    "{", "[]", "{}", '{"source":"x"}', '{"source":[]}', '{"source":{}}', '{"a":[["x"]]}', '{"a":[{"like":"x"}]}', '{"a":[{"prefix":1}]}', '{"a":[{"exists":"yes"}]}',
    '{"a":[{"numeric":["~",1]}]}', '{"a":[{"numeric":[">"]}]}', '{"a":[{"prefix":"x","suffix":"y"}]}', '{"a":[{"cidr":"10.0.0.0/33"}]}', '{"a":[{"wildcard":"a**b"}]}',
    '{"a":[{"anything-but":["x",1]}]}',
]


def test_patterns(events):
    for pattern, fits in PATTERNS:
        assert events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))["Result"] is fits, pattern
    for pattern in BAD_PATTERNS:
        assert fails("InvalidEventPatternException", events.put_rule, Name="r", EventPattern=pattern).startswith("Event pattern is not valid. Reason: ")


# --- rules, targets, buses ---


def test_rules(events, cloud):
    arn = events.put_rule(Name="r", EventPattern='{"source":["x"]}', Description="d", Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    assert arn == f"arn:aws:events:{cloud.region}:{cloud.account}:rule/r"
    got = events.describe_rule(Name="r")
    assert {k: got[k] for k in ("Name", "Arn", "State", "Description", "EventPattern", "EventBusName", "CreatedBy")} == {
        "Name": "r", "Arn": arn, "State": "ENABLED", "Description": "d", "EventPattern": '{"source":["x"]}', "EventBusName": "default", "CreatedBy": cloud.account}
    events.disable_rule(Name="r")
    assert events.describe_rule(Name="r")["State"] == "DISABLED"
    events.put_rule(Name="r", ScheduleExpression="rate(5 minutes)", State="DISABLED")  # all of it is replaced
    got = events.describe_rule(Name="r")
    assert (got["ScheduleExpression"], got["State"]) == ("rate(5 minutes)", "DISABLED") and "EventPattern" not in got and "Description" not in got
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    for bad in ({}, {"ScheduleExpression": "rate(1 minutes)"}, {"ScheduleExpression": "cron(* * * * * *)"}, {"ScheduleExpression": "sometimes"},
                {"EventPattern": '{"a":["b"]}', "Description": "x" * 513}):
        fails("ValidationException", events.put_rule, Name="bad", **bad)
    for name in ("a b", "x" * 65, "a/b"):
        fails("ValidationException", events.put_rule, Name=name, ScheduleExpression="rate(1 day)")
    queue = Queue(cloud, "q")
    events.put_targets(Rule="r", Targets=[{"Id": str(i), "Arn": queue.arn} for i in range(5)])
    fails("LimitExceededException", events.put_targets, Rule="r", Targets=[{"Id": "6", "Arn": queue.arn}])
    assert [t["Id"] for t in events.list_targets_by_rule(Rule="r")["Targets"]] == list("01234")
    page = events.list_targets_by_rule(Rule="r", Limit=3)
    assert len(events.list_targets_by_rule(Rule="r", NextToken=page["NextToken"])["Targets"]) == 2
    assert events.list_rule_names_by_target(TargetArn=queue.arn)["RuleNames"] == ["r"]
    assert "targets" in fails("ValidationException", events.delete_rule, Name="r")
    reply = events.remove_targets(Rule="r", Ids=["0", "1", "2", "3", "4", "nobody"])
    assert (reply["FailedEntryCount"], reply["FailedEntries"][0]["TargetId"]) == (1, "nobody")
    for target in ({"Id": "a", "Arn": "q"}, {"Id": "a", "Arn": "arn:aws:lambda:us-east-1:1:function:f"}, {"Id": "a b", "Arn": queue.arn},
                   {"Id": "a", "Arn": queue.arn, "Input": "{"}, {"Id": "a", "Arn": queue.arn, "Input": "1", "InputPath": "$.a"},
                   {"Id": "a", "Arn": queue.arn, "InputPath": "detail"}, {"Id": "a", "Arn": f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:m"},
                   {"Id": "a", "Arn": queue.arn + ".fifo"}, {"Id": "a", "Arn": queue.arn, "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 185},
                                                                     "DeadLetterConfig": {"Arn": queue.arn + ".fifo"}}):
        fails("ValidationException", events.put_targets, Rule="r", Targets=[target])
    events.delete_rule(Name="r")
    events.delete_rule(Name="r")
    assert "Rule r does not exist on EventBus default." in fails("ResourceNotFoundException", events.describe_rule, Name="r")
    fails("ResourceNotFoundException", events.put_targets, Rule="r", Targets=[{"Id": "a", "Arn": queue.arn}])
    for i in range(3):
        events.put_rule(Name=f"p{i}", ScheduleExpression="rate(1 day)", State="DISABLED")
    pages = [events.list_rules(NamePrefix="p", Limit=2)]
    pages.append(events.list_rules(NamePrefix="p", Limit=2, NextToken=pages[0]["NextToken"]))
    assert [[r["Name"] for r in p["Rules"]] for p in pages] == [["p0", "p1"], ["p2"]]


def test_buses(events, cloud):
    arn = events.create_event_bus(Name="own", Description="d")["EventBusArn"]
    assert arn.endswith(":event-bus/own") and [b["Name"] for b in events.list_event_buses()["EventBuses"]] == ["default", "own"]
    fails("ResourceAlreadyExistsException", events.create_event_bus, Name="own")
    fails("ResourceAlreadyExistsException", events.create_event_bus, Name="default")
    assert events.describe_event_bus(Name="own")["Description"] == "d" and events.describe_event_bus()["Name"] == "default"
    fails("ValidationException", events.put_rule, Name="r", EventBusName="own", ScheduleExpression="rate(1 day)")
    queue = Queue(cloud, "q")
    rule(events, "r", [{"Id": "q", "Arn": queue.arn, "InputPath": "$.detail"}], EventBusName="own")
    assert events.describe_rule(Name="r", EventBusName="own")["Arn"].endswith(":rule/own/r")
    put(events, {"n": 0})  # on the default bus
    put(events, {"n": 1}, EventBusName="own")
    rule(events, "on", [{"Id": "b", "Arn": arn}], pattern='{"detail":{"n":[2]}}')
    put(events, {"n": 2})
    assert sorted(queue.take() + queue.take()) == ['{"n":1}', '{"n":2}']
    fails("ValidationException", events.delete_event_bus, Name="own")
    fails("ValidationException", events.delete_event_bus, Name="default")
    events.remove_targets(Rule="r", EventBusName="own", Ids=["q"])
    events.delete_rule(Name="r", EventBusName="own")
    events.delete_event_bus(Name="own")
    fails("ResourceNotFoundException", events.describe_event_bus, Name="own")


# --- events ---


def test_put_events(events, cloud):
    good = {"Source": "my.app", "DetailType": "T", "Detail": "{}"}
    entries = [good, {**good, "Detail": "{"}, {**good, "Detail": "[]"}, {**good, "Source": "aws.glue"}, {"Source": "x", "DetailType": "T"}, {**good, "EventBusName": "no"}]
    reply = events.put_events(Entries=entries)
    assert reply["FailedEntryCount"] == 5 and "EventId" in reply["Entries"][0]
    assert [e.get("ErrorCode") for e in reply["Entries"]] == [
        None, "MalformedDetail", "MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument", "InvalidArgument"]
    fails("ValidationException", events.put_events, Entries=[good] * 11)
    cloud.aws("events", "put-events", "--entries", json.dumps([good]))


def test_what_targets_get(events, cloud):
    queues = {n: Queue(cloud, n) for n in ("whole", "fixed", "part", "made", "text")}
    template = '{"job": <job>, "state": "it <state>", "n": <n>, "all": <aws.events.event.json>, "rule": "<aws.events.rule-name>", "no": "<gone>"}'
    paths = {"job": "$.detail.job", "state": "$.detail.state", "n": "$.detail.list[1]", "gone": "$.detail.nobody"}
    rule(events, "r", [
        {"Id": "whole", "Arn": queues["whole"].arn}, {"Id": "fixed", "Arn": queues["fixed"].arn, "Input": '{"a":1}'},
        {"Id": "part", "Arn": queues["part"].arn, "InputPath": "$.detail"},
        {"Id": "made", "Arn": queues["made"].arn, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}},
        {"Id": "text", "Arn": queues["text"].arn, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": '"<job> is <state>"'}},
    ])
    detail = {"job": 'a "b"', "state": "FAILED", "list": [1, {"k": 2}]}
    event = put(events, detail, Resources=["arn:x"])
    whole = json.loads(queues["whole"].take()[0])
    assert {k: whole[k] for k in ("id", "source", "detail-type", "account", "region", "resources", "detail", "version")} == {
        "id": event, "source": "my.app", "detail-type": "T", "account": cloud.account, "region": cloud.region, "resources": ["arn:x"], "detail": detail, "version": "0"}
    assert queues["fixed"].take() == ['{"a":1}'] and json.loads(queues["part"].take()[0]) == detail
    assert json.loads(queues["made"].take()[0]) == {"job": 'a "b"', "state": "it FAILED", "n": {"k": 2}, "all": whole, "rule": "r", "no": ""}
    assert json.loads(queues["text"].take()[0]) == 'a "b" is FAILED'
    events.disable_rule(Name="r")
    put(events, {"job": "later"})
    events.enable_rule(Name="r")
    put(events, {"job": "last"})
    assert json.loads(queues["part"].take()[0]) == {"job": "last"}


def test_schedules(events, cloud):
    queue = Queue(cloud, "q")
    arn = events.put_rule(Name="hourly", ScheduleExpression="cron(0 * * * ? *)")["RuleArn"]
    events.put_targets(Rule="hourly", Targets=[{"Id": "q", "Arn": queue.arn}])
    advance(cloud, 3600)
    event = json.loads(queue.take()[0])
    assert (event["detail-type"], event["source"], event["resources"], event["detail"]) == ("Scheduled Event", "aws.events", [arn], {})
    cloud.kill()
    cloud.start()
    queue = Queue(cloud, "q")
    advance(cloud, 3600)
    assert len(queue.take()) == 1
    cloud.client("events").disable_rule(Name="hourly")
    advance(cloud, 7200)
    put(cloud.client("events"))  # and so does nobody else
    assert not receive(queue.sqs, queue.url)


def test_no_right_no_message(events, cloud, iam):  # noqa: F811
    shut, dead, opened = Queue(cloud, "shut", allowed=False), Queue(cloud, "dead"), Queue(cloud, "open")
    topic = cloud.client("sns").create_topic(Name="t")["TopicArn"]
    rule(events, "r", [{"Id": "a", "Arn": shut.arn, "DeadLetterConfig": {"Arn": dead.arn}}, {"Id": "b", "Arn": topic, "DeadLetterConfig": {"Arn": dead.arn}},
                       {"Id": "c", "Arn": shut.arn + "x", "DeadLetterConfig": {"Arn": dead.arn}}])
    put(events)
    lost = []
    while len(lost) < 3:
        lost += receive(dead.sqs, dead.url, WaitTimeSeconds=10, MessageAttributeNames=["All"], VisibilityTimeout=3600)
    codes = {m["MessageAttributes"]["TARGET_ARN"]["StringValue"]: m["MessageAttributes"]["ERROR_CODE"]["StringValue"] for m in lost}
    assert codes == {shut.arn: "NO_PERMISSIONS", topic: "NO_PERMISSIONS", shut.arn + "x": "NO_RESOURCE"}
    assert json.loads(lost[0]["Body"])["source"] == "my.app"
    # a topic whose policy lets EventBridge in, and a queue by a role's right
    sns = cloud.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=allowing(topic, "*", "events.amazonaws.com", "sns:Publish"))
    wired = Queue(cloud, "wired", "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=wired.arn, Attributes={"RawMessageDelivery": "true"})
    role = iam.create_role(RoleName="events", AssumeRolePolicyDocument=trust(Service="events.amazonaws.com"))["Role"]["Arn"]
    iam.put_role_policy(RoleName="events", PolicyName="p", PolicyDocument=policy(allow("sqs:SendMessage", shut.arn)))
    rule(events, "r", [{"Id": "a", "Arn": shut.arn, "RoleArn": role, "InputPath": "$.detail"}, {"Id": "b", "Arn": topic, "InputPath": "$.detail"}])
    events.remove_targets(Rule="r", Ids=["c"])
    put(events, {"n": 1})
    assert shut.take() == ['{"n":1}'] and wired.take() == ['{"n":1}']


def test_logs(events, cloud):
    group = f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:/aws/events/all"
    rule(events, "r", [{"Id": "l", "Arn": group}])
    event = put(events)
    found = []
    for _ in range(100):
        if found:
            break
        advance(cloud, 1)
        found = cloud.client("logs").filter_log_events(logGroupName="/aws/events/all")["events"] if cloud.client("logs").describe_log_groups(
            logGroupNamePrefix="/aws/events/all")["logGroups"] else []
    assert json.loads(found[0]["message"])["id"] == event


def test_rights(events, cloud, session):  # noqa: F811
    arn = f"arn:aws:events:{cloud.region}:{cloud.account}:"
    mine = session("events", allow("events:PutEvents", arn + "event-bus/default"), allow(["events:PutRule", "events:PutTargets"], arn + "rule/mine"))
    put(mine)
    fails("AccessDeniedException", mine.put_events, Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}", "EventBusName": "other"}])
    mine.put_rule(Name="mine", ScheduleExpression="rate(1 day)", State="DISABLED")
    fails("AccessDeniedException", mine.put_rule, Name="other", ScheduleExpression="rate(1 day)")
    machine = f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:m"
    role = f"arn:aws:iam::{cloud.account}:role/r"
    assert "iam:PassRole" in fails("AccessDeniedException", mine.put_targets, Rule="mine", Targets=[{"Id": "m", "Arn": machine, "RoleArn": role}])


# --- the cloud's own ---


def test_objects(events, cloud):
    s3, queue = cloud.client("s3"), Queue(cloud, "q")
    for name in ("loud", "mute"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket="loud", NotificationConfiguration={"EventBridgeConfiguration": {}})
    rule(events, "r", [{"Id": "q", "Arn": queue.arn}], pattern='{"source":["aws.s3"],"detail":{"object":{"key":[{"suffix":".csv"}]}}}')
    for bucket in ("mute", "loud"):
        for key in ("a.txt", "b\u00e4 c.csv"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    event = json.loads(queue.take()[0])
    assert (event["detail-type"], event["resources"], event["detail"]["bucket"], event["detail"]["reason"]) == ("Object Created", ["arn:aws:s3:::loud"], {"name": "loud"}, "PutObject")
    assert (event["detail"]["object"]["key"], event["detail"]["object"]["size"]) == ("b\u00e4 c.csv", 5)
    s3.delete_object(Bucket="loud", Key="b\u00e4 c.csv")
    assert json.loads(queue.take()[0])["detail"]["deletion-type"] == "Permanently Deleted"


def test_job_runs_and_workflows(events, cloud, iam):  # noqa: F811
    glue, s3, queue = cloud.client("glue"), cloud.client("s3"), Queue(cloud, "q")
    s3.create_bucket(Bucket="scripts")
    s3.put_object(Bucket="scripts", Key="job.py", Body=b"raise SystemExit(3)\n")
    role = iam.create_role(RoleName="g", AssumeRolePolicyDocument=trust(Service=["glue.amazonaws.com", "events.amazonaws.com"]))["Role"]["Arn"]
    iam.put_role_policy(RoleName="g", PolicyName="p", PolicyDocument=policy(allow("*")))
    glue.create_job(Name="j", Role=role, Command={"Name": "pythonshell", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3.9"}, MaxCapacity=0.0625)
    glue.create_workflow(Name="w")
    glue.create_trigger(Name="t", Type="EVENT", WorkflowName="w", Actions=[{"JobName": "j"}], EventBatchingCondition={"BatchSize": 2, "BatchWindow": 900})
    rule(events, "start", [{"Id": "w", "Arn": f"arn:aws:glue:{cloud.region}:{cloud.account}:workflow/w", "RoleArn": role}])
    rule(events, "told", [{"Id": "q", "Arn": queue.arn}], pattern='{"source":["aws.glue"],"detail-type":["Glue Job State Change"],"detail":{"state":["FAILED"]}}')
    ids = [put(events), put(events)]
    event = json.loads(queue.take()[0])
    run = glue.get_workflow_runs(Name="w")["Runs"]
    assert (event["detail"]["jobName"], event["detail"]["severity"], len(run)) == ("j", "ERROR", 1)
    assert json.loads(run[0]["WorkflowRunProperties"]["aws:eventIds"]) == ids
    assert glue.get_job_run(JobName="j", RunId=event["detail"]["jobRunId"])["JobRun"]["JobRunState"] == "FAILED"
    put(events)
    for _ in range(100):  # the batch's time is over, once the event is in it
        advance(cloud, 901)
        if len(glue.get_workflow_runs(Name="w")["Runs"]) == 2:
            break
    assert json.loads(queue.take()[0])["detail"]["jobName"] == "j"
