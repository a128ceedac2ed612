"""CloudWatch Logs in the local cloud, driven by boto3."""
import time

import pytest

from test_local_glue_jobs import fails


@pytest.fixture
def logs(cloud):
    return cloud.client("logs")


def now():
    return int(time.time() * 1000)


def put(logs, group, stream, *messages, at=None):
    at = at or now()
    return logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": at + i, "message": m} for i, m in enumerate(messages)]
    )


def test_groups(logs):
    for name in ("/a/one", "/a/two", "/a_x", "/b"):
        logs.create_log_group(logGroupName=name, tags={"n": name})
    fails("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/a/one")
    fails("InvalidParameterException", logs.create_log_group, logGroupName="with blank")
    found = logs.describe_log_groups(logGroupNamePrefix="/a/")["logGroups"]
    assert [g["logGroupName"] for g in found] == ["/a/one", "/a/two"]
    assert found[0]["arn"] == "arn:aws:logs:us-east-1:000000000000:log-group:/a/one:*" and abs(found[0]["creationTime"] - now()) < 60000
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/a_")["logGroups"]] == ["/a_x"]
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="wo")["logGroups"]] == ["/a/two"]
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(p["logGroups"]) for p in pages] == [3, 1]
    logs.delete_log_group(logGroupName="/a/one")
    fails("ResourceNotFoundException", logs.delete_log_group, logGroupName="/a/one")


def test_retention_and_tags(logs):
    logs.create_log_group(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    fails("InvalidParameterException", logs.put_retention_policy, logGroupName="g", retentionInDays=8)
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    fails("ResourceNotFoundException", logs.put_retention_policy, logGroupName="h", retentionInDays=7)
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"} == logs.list_tags_log_group(logGroupName="g")["tags"]


def test_streams(logs):
    logs.create_log_group(logGroupName="g")
    for name in ("s1", "s2", "t[1]"):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
    fails("ResourceAlreadyExistsException", logs.create_log_stream, logGroupName="g", logStreamName="s1")
    fails("ResourceNotFoundException", logs.create_log_stream, logGroupName="h", logStreamName="s1")
    fails("InvalidParameterException", logs.create_log_stream, logGroupName="g", logStreamName="a:b")
    put(logs, "g", "s2", "early", at=now() - 5000)
    put(logs, "g", "s1", "late")

    def names(**how):
        return [s["logStreamName"] for s in logs.describe_log_streams(logGroupName="g", **how)["logStreams"]]

    assert names() == ["s1", "s2", "t[1]"] and names(descending=True) == ["t[1]", "s2", "s1"]
    assert names(logStreamNamePrefix="s") == ["s1", "s2"]
    assert names(orderBy="LastEventTime", descending=True)[:2] == ["s1", "s2"]
    fails("InvalidParameterException", logs.describe_log_streams, logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="s")
    pages = list(logs.get_paginator("describe_log_streams").paginate(logGroupName="g", PaginationConfig={"PageSize": 2}))
    assert [len(p["logStreams"]) for p in pages] == [2, 1]
    logs.delete_log_stream(logGroupName="g", logStreamName="s1")
    assert names() == ["s2", "t[1]"]
    fails("ResourceNotFoundException", logs.get_log_events, logGroupName="g", logStreamName="s1")


def test_events_are_read_forwards_and_backwards(logs):
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    empty = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert empty["events"] == []
    at = now() - 1000
    put(logs, "g", "s", *[f"e{i}" for i in range(10)], at=at)

    def read(**how):
        page = logs.get_log_events(logGroupName="g", logStreamName="s", limit=4, **how)
        return [e["message"] for e in page["events"]], page

    # A reader that came too early goes on with its token.
    assert read(nextToken=empty["nextForwardToken"])[0] == ["e0", "e1", "e2", "e3"]
    words, page = read(startFromHead=True)
    assert words == ["e0", "e1", "e2", "e3"] and page["events"][0]["timestamp"] == at
    words, page = read(nextToken=page["nextForwardToken"])
    assert words == ["e4", "e5", "e6", "e7"]
    assert read(nextToken=page["nextBackwardToken"])[0] == ["e0", "e1", "e2", "e3"]
    words, page = read(nextToken=page["nextForwardToken"])
    assert words == ["e8", "e9"]
    words, last = read(nextToken=page["nextForwardToken"])
    assert words == [] and last["nextForwardToken"] == page["nextForwardToken"]
    # Without startFromHead: the newest ones.
    words, page = read()
    assert words == ["e6", "e7", "e8", "e9"]
    assert read(nextToken=page["nextBackwardToken"])[0] == ["e2", "e3", "e4", "e5"]
    assert read(startTime=at + 2, endTime=at + 4, startFromHead=True)[0] == ["e2", "e3"]
    fails("InvalidParameterException", logs.get_log_events, logGroupName="g", logStreamName="s", nextToken="x")


def test_events_of_one_instant_keep_their_order(logs):
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    at = now()
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": at, "message": str(i)} for i in range(25)])
    got, token = [], {}
    while len(got) < 25:
        page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, limit=10, **token)
        got += [e["message"] for e in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
    assert got == [str(i) for i in range(25)]


def test_what_cannot_be_put(logs):
    logs.create_log_group(logGroupName="g")
    fails("ResourceNotFoundException", put, logs, "g", "s", "x")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    at = now()
    assert "chronological" in fails(
        "InvalidParameterException", logs.put_log_events, logGroupName="g", logStreamName="s",
        logEvents=[{"timestamp": at, "message": "b"}, {"timestamp": at - 1, "message": "a"}],
    )
    fails("InvalidParameterException", logs.put_log_events, logGroupName="g", logStreamName="s", logEvents=[{"timestamp": at, "message": "x" * (1 << 20 | 1)}])
    day = 24 * 3600 * 1000
    rejected = logs.put_log_events(
        logGroupName="g", logStreamName="s",
        logEvents=[{"timestamp": t, "message": "m"} for t in (at - 20 * day, at, at + day)],
    )["rejectedLogEventsInfo"]
    assert rejected == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert len(logs.get_log_events(logGroupName="g", logStreamName="s")["events"]) == 1


def test_filtering(logs):
    logs.create_log_group(logGroupName="g")
    at = now() - 10000
    for i, stream in enumerate(("run-a", "run-b", "other")):
        logs.create_log_stream(logGroupName="g", logStreamName=stream)
        put(logs, "g", stream, *[f"{stream} {level} line {n}" for n, level in enumerate(("INFO", "WARN", "ERROR"))], at=at + i * 10)

    def find(**how):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="g", PaginationConfig={"PageSize": 2}, **how)
        return [e["message"] for p in pages for e in p["events"]]

    assert len(find()) == 9 and find()[0] == "run-a INFO line 0"
    assert find(filterPattern="ERROR") == ["run-a ERROR line 2", "run-b ERROR line 2", "other ERROR line 2"]
    assert find(filterPattern='"WARN line"', logStreamNamePrefix="run-") == ["run-a WARN line 1", "run-b WARN line 1"]
    assert find(filterPattern="?INFO ?WARN -run-b", logStreamNames=["run-a", "run-b"]) == ["run-a INFO line 0", "run-a WARN line 1"]
    assert find(filterPattern="line other ERROR") == ["other ERROR line 2"]
    assert find(startTime=at + 20, endTime=at + 21) == ["other INFO line 0", "other WARN line 1"]
    ids = [e["eventId"] for e in logs.filter_log_events(logGroupName="g")["events"]]
    assert len(set(ids)) == 9
    fails("InvalidParameterException", logs.filter_log_events, logGroupName="g", filterPattern="{ $.a = 1 }")
    fails("InvalidParameterException", logs.filter_log_events, logGroupName="g", filterPattern='"open')
    fails("ResourceNotFoundException", logs.filter_log_events, logGroupName="h")


def test_logs_survive_kill_9(cloud, logs):
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    put(logs, "g", "s", "kept")
    cloud.kill()
    cloud.start()
    assert cloud.client("logs").get_log_events(logGroupName="g", logStreamName="s")["events"][0]["message"] == "kept"
