"""CloudWatch in the local cloud, by boto3: metrics, metric math, alarms that are judged on the cloud's clock, what they start, history and tags."""
import datetime
import json
import math
import os
import sqlite3

import pytest

from test_bad_input import advance
from test_local_glue_jobs import fails
from test_local_iam import allow, iam, session  # noqa: F401

OF = {"Namespace": "shop", "MetricName": "failed"}
DIMENSIONS = [{"Name": "queue", "Value": "one"}]


@pytest.fixture
def watch(cloud):
    return cloud.client("cloudwatch")


def now(cloud):
    """The cloud's time, as it writes it; to the second."""
    watch = cloud.client("cloudwatch")
    watch.put_metric_alarm(**alarm("clock"))
    found = watch.describe_alarms(AlarmNames=["clock"])["MetricAlarms"][0]["AlarmConfigurationUpdatedTimestamp"]
    watch.delete_alarms(AlarmNames=["clock"])
    return found.astimezone(datetime.timezone.utc)


def alarm(name, **more):
    return {"AlarmName": name, **OF, "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", **more}


def put(watch, value, **more):
    watch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "failed", "Value": value, **more}])


def state(cloud, name, wanted):
    """Waits for the judge's thread, which is told of each value."""
    watch = cloud.client("cloudwatch")
    for _ in range(200):
        found = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        if found["StateValue"] == wanted:
            return found
        watch.list_metrics()  # the judge takes turns with requests
    raise AssertionError(found)


# --- metrics ---


def test_statistics(watch, cloud):
    base = now(cloud).replace(second=0, microsecond=0) - datetime.timedelta(minutes=10)
    for minute, values in enumerate(([1, 2, 3], [10], [])):
        for v in values:
            put(watch, v, Timestamp=base + datetime.timedelta(minutes=minute, seconds=v), Dimensions=DIMENSIONS, Unit="Count")
    watch.put_metric_data(Namespace="shop", MetricData=[
        {"MetricName": "failed", "Dimensions": DIMENSIONS, "Timestamp": base + datetime.timedelta(minutes=3), "Unit": "Count",
         "StatisticValues": {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 9}},
        {"MetricName": "failed", "Dimensions": DIMENSIONS, "Timestamp": base + datetime.timedelta(minutes=4), "Unit": "Count", "Values": [1, 5], "Counts": [9, 1]}])
    asked = dict(OF, Dimensions=DIMENSIONS, StartTime=base, EndTime=base + datetime.timedelta(minutes=5), Period=60)
    reply = watch.get_metric_statistics(**asked, Statistics=["Sum", "Average", "Minimum", "Maximum", "SampleCount"])
    points = sorted(reply["Datapoints"], key=lambda p: p["Timestamp"])
    assert reply["Label"] == "failed" and [p["Timestamp"] for p in points] == [base + datetime.timedelta(minutes=m) for m in (0, 1, 3, 4)]
    assert [tuple(p[k] for k in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "Unit")) for p in points] == [
        (3, 6, 2, 1, 3, "Count"), (1, 10, 10, 10, 10, "Count"), (4, 20, 5, 2, 9, "Count"), (10, 14, 1.4, 1, 5, "Count")]
    percent = watch.get_metric_statistics(**asked, ExtendedStatistics=["p50", "p95"])["Datapoints"]
    assert {"p50": 1, "p95": 5} in [p["ExtendedStatistics"] for p in percent]
    assert sum(p["Sum"] for p in watch.get_metric_statistics(**dict(asked, Period=300), Statistics=["Sum"])["Datapoints"]) == 50
    assert watch.get_metric_statistics(**asked, Statistics=["Sum"], Unit="Bytes")["Datapoints"] == []
    assert watch.get_metric_statistics(**dict(asked, Dimensions=[]), Statistics=["Sum"])["Datapoints"] == []
    fails("InvalidParameterCombination", watch.get_metric_statistics, **dict(asked, EndTime=base), Statistics=["Sum"])
    fails("InvalidParameterCombination", watch.get_metric_statistics, **dict(asked, StartTime=base - datetime.timedelta(days=3)), Statistics=["Sum"])
    fails("InvalidParameterValue", watch.get_metric_statistics, **dict(asked, Period=61), Statistics=["Sum"])
    fails("MissingParameter", watch.get_metric_statistics, **asked)


def test_what_data_is_refused(watch, cloud):
    time = now(cloud)
    for wrong in ({"Value": math.inf}, {"Value": math.nan}, {"Value": 1, "Timestamp": time + datetime.timedelta(hours=3)}, {"Value": 1, "Timestamp": time - datetime.timedelta(days=15)},
                  {"Value": 1, "Dimensions": [{"Name": f"d{i}", "Value": "v"} for i in range(31)]}, {"Values": [1] * 151}, {"Value": 1, "StorageResolution": 7}):
        fails("InvalidParameterValue", watch.put_metric_data, Namespace="shop", MetricData=[{"MetricName": "failed", **wrong}])
    fails("InvalidParameterCombination", watch.put_metric_data, Namespace="shop", MetricData=[{"MetricName": "failed", "Value": 1, "Values": [1]}])
    fails("MissingParameter", watch.put_metric_data, Namespace="shop", MetricData=[{"MetricName": "failed"}])
    assert "AWS/" in fails("InvalidParameterValue", watch.put_metric_data, Namespace="AWS/States", MetricData=[{"MetricName": "m", "Value": 1}])
    assert watch.list_metrics()["Metrics"] == []  # all of a request or nothing


def test_metrics_are_listed(watch):
    for i in range(3):
        for group in range(0, 400, 200):
            watch.put_metric_data(Namespace=f"shop{i}", MetricData=[{"MetricName": f"m{n}", "Dimensions": DIMENSIONS, "Value": 1} for n in range(group, group + 200)])
    found = [m for page in watch.get_paginator("list_metrics").paginate() for m in page["Metrics"]]
    assert len(found) == 1200 and len({(m["Namespace"], m["MetricName"]) for m in found}) == 1200
    assert len(watch.list_metrics()["Metrics"]) == 500
    assert [m["Namespace"] for m in watch.list_metrics(MetricName="m7")["Metrics"]] == ["shop0", "shop1", "shop2"]
    assert len(watch.list_metrics(Namespace="shop1", MetricName="m7", Dimensions=[{"Name": "queue"}], RecentlyActive="PT3H")["Metrics"]) == 1
    assert watch.list_metrics(MetricName="m7", Dimensions=[{"Name": "queue", "Value": "two"}])["Metrics"] == []


def query(id, expression=None, stat="Sum", name="failed", **more):
    if expression:
        return {"Id": id, "Expression": expression, **more}
    return {"Id": id, "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": name}, "Period": 60, "Stat": stat}, **more}


def test_metric_math(watch, cloud):
    base = now(cloud).replace(second=0, microsecond=0) - datetime.timedelta(minutes=10)
    for name, values in (("a", (1, 2, None, 4)), ("b", (2, 0, 3, 8))):
        for minute, v in enumerate(values):
            if v is not None:
                watch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": name, "Value": v, "Timestamp": base + datetime.timedelta(minutes=minute)}])

    def values(expression):
        reply = watch.get_metric_data(StartTime=base, EndTime=base + datetime.timedelta(minutes=4), ScanBy="TimestampAscending", MetricDataQueries=[
            query("a", name="a", ReturnData=False), query("b", name="b", ReturnData=False), query("e", expression)])
        (result,) = reply["MetricDataResults"]
        return {(t - base).total_seconds() // 60: v for t, v in zip(result["Timestamps"], result["Values"])}

    assert values("a") == {0: 1, 1: 2, 3: 4}
    assert values("a + b * 2") == {0: 5, 1: 2, 3: 20}
    assert values("-(a - 1) ^ 2") == {0: 0, 1: 1, 3: 9}
    assert values("100 * a / b") == {0: 50, 3: 50}  # nothing is divided by zero
    assert values("FILL(a, 0) + b") == {0: 3, 1: 2, 2: 3, 3: 12} and values("FILL(a, REPEAT)") == {0: 1, 1: 2, 2: 2, 3: 4}
    assert values("SUM([a, b])") == {0: 3, 1: 2, 2: 3, 3: 12} == values("SUM(METRICS())") and values("MAX([a, b])") == {0: 2, 1: 2, 2: 3, 3: 8}
    assert set(values("AVG(a)").values()) == {7 / 3} and set(values("a / MAX(a)").values()) == {0.25, 0.5, 1}
    assert values("IF(b > 2, b, 0)") == {0: 0, 1: 0, 2: 3, 3: 8} and values("a >= 2 AND b == 0") == {0: 0, 1: 1, 3: 0}
    for wrong in ("a +", "(a", "a b", "nothing", "e", "[a, b]", "ANOMALY_DETECTION_BAND(a)", "FILL(a)", "((((" * 40):
        fails("ValidationError", values, wrong)
    both = watch.get_metric_data(StartTime=base, EndTime=base + datetime.timedelta(minutes=4), MetricDataQueries=[query("a", name="a", Label="first"), query("b", name="b", stat="p99")])
    assert [(r["Id"], r["Label"], r["Values"], r["StatusCode"]) for r in both["MetricDataResults"]] == [
        ("a", "first", [4, 2, 1], "Complete"), ("b", "b", [8, 3, 0, 2], "Complete")]
    fails("ValidationError", watch.get_metric_data, StartTime=base, EndTime=now(cloud), MetricDataQueries=[query("a"), query("a")])


# --- alarms ---


def test_put_and_describe(watch, cloud):
    given = alarm("one", AlarmDescription="d", Dimensions=DIMENSIONS, AlarmActions=["arn:aws:sns:us-east-1:000000000000:t"], TreatMissingData="ignore", DatapointsToAlarm=1, Unit="Count",
                  ActionsEnabled=False)
    watch.put_metric_alarm(**given, Tags=[{"Key": "a", "Value": "b"}])
    found = watch.describe_alarms()["MetricAlarms"][0]
    assert {k: found[k] for k in given} == given
    assert found["AlarmArn"] == f"arn:aws:cloudwatch:{cloud.region}:{cloud.account}:alarm:one" and found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["OKActions"] == [] and found["StateReason"] == "Unchecked: Initial alarm creation"
    # the second put replaces all but the tags and the state
    watch.put_metric_alarm(**alarm("one", Threshold=5), Tags=[{"Key": "c", "Value": "d"}])
    found = watch.describe_alarms()["MetricAlarms"][0]
    assert found["Threshold"] == 5 and "AlarmDescription" not in found and found["ActionsEnabled"] and found["AlarmActions"] == []
    arn = found["AlarmArn"]
    assert watch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    watch.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    watch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert watch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    tagged = cloud.client("resourcegroupstaggingapi")
    assert [r["ResourceARN"] for r in tagged.get_resources(ResourceTypeFilters=["cloudwatch:alarm"])["ResourceTagMappingList"]] == [arn]
    assert tagged.tag_resources(ResourceARNList=[arn], Tags={"e": "f"})["FailedResourcesMap"] == {}
    fails("ResourceNotFoundException", watch.list_tags_for_resource, ResourceARN=arn + "x")
    watch.delete_alarms(AlarmNames=["one"])
    assert watch.describe_alarms()["MetricAlarms"] == [] and tagged.get_resources()["ResourceTagMappingList"] == []
    fails("ResourceNotFound", watch.delete_alarms, AlarmNames=["one"])


def test_pages_and_filters(watch):
    for i in range(7):
        watch.put_metric_alarm(**alarm(f"{'even' if i % 2 == 0 else 'odd'}-{i}", AlarmActions=[f"arn:aws:sns:us-east-1:000000000000:t{i % 3}"]))
    watch.set_alarm_state(AlarmName="even-2", StateValue="OK", StateReason="for now")
    pages = list(watch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(p["MetricAlarms"]) for p in pages] == [3, 3, 1]

    def names(**asked):
        return [a["AlarmName"] for a in watch.describe_alarms(**asked)["MetricAlarms"]]

    assert names(AlarmNamePrefix="odd") == ["odd-1", "odd-3", "odd-5"] and names(AlarmNames=["odd-3", "even-0", "no"]) == ["even-0", "odd-3"]
    assert names(StateValue="OK") == ["even-2"] and names(AlarmTypes=["CompositeAlarm"]) == [] and len(names(AlarmTypes=["MetricAlarm"])) == 7
    assert names(ActionPrefix="arn:aws:sns:us-east-1:000000000000:t2") == ["even-2", "odd-5"]
    assert [a["AlarmName"] for a in watch.describe_alarms_for_metric(**OF)["MetricAlarms"]] == names()
    assert watch.describe_alarms_for_metric(**OF, Dimensions=DIMENSIONS)["MetricAlarms"] == []
    fails("InvalidNextToken", watch.describe_alarms, NextToken="none")
    fails("ValidationError", watch.describe_alarms, AlarmNames=["a"], AlarmNamePrefix="b")


@pytest.mark.parametrize("wrong", [
    {"EvaluationPeriods": 1441}, {"Period": 2 ** 31 - 8}, {"DatapointsToAlarm": 2}, {"Period": 61}, {"TreatMissingData": "perhaps"}, {"ExtendedStatistic": "p9"}, {"AlarmActions": ["topic"]},
    {"Metrics": [query("m")]}, {"AlarmActions": [f"arn:aws:sns:us-east-1:000000000000:t{i}" for i in range(6)]}, {"Namespace": ":x"}])
def test_wrong_alarms(watch, wrong):
    try:
        fails("ValidationError", watch.put_metric_alarm, **alarm("one", **wrong))
    except Exception as e:  # what boto3 refuses itself never comes here
        raise AssertionError(wrong) from e
    assert watch.describe_alarms()["MetricAlarms"] == []


def test_a_value_raises_the_alarm_and_time_calms_it(watch, cloud):
    watch.put_metric_alarm(**alarm("one", TreatMissingData="notBreaching"))
    state(cloud, "one", "OK")
    put(watch, 1)
    found = state(cloud, "one", "ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [1.0 (") and "was greater than or equal to the threshold (1.0)" in found["StateReason"]
    assert json.loads(found["StateReasonData"])["recentDatapoints"] == [1]
    advance(cloud, 10 * 60)
    assert "no datapoints were received" in state(cloud, "one", "OK")["StateReason"]
    history = watch.describe_alarm_history(AlarmName="one", HistoryItemType="StateUpdate", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [h["HistorySummary"] for h in history] == [
        "Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"]
    assert json.loads(history[1]["HistoryData"])["newState"]["stateValue"] == "ALARM"
    assert len(watch.describe_alarm_history(MaxRecords=1)["AlarmHistoryItems"]) == 1
    pages = watch.get_paginator("describe_alarm_history").paginate(AlarmName="one", PaginationConfig={"PageSize": 1})
    assert len([i for p in pages for i in p["AlarmHistoryItems"]]) == 4


# The table of "Configuring how CloudWatch alarms treat missing data": values of five minutes, 1 breaches, and the state of "missing", "ignore", "breaching", "notBreaching";
# three of three, and two of three.
TABLE = [
    (3, "0-1-1", "OK OK OK OK"), (3, "0----", "OK OK OK OK"), (3, "-----", "INSUFFICIENT_DATA same ALARM OK"), (3, "011-1", "ALARM ALARM ALARM ALARM"),
    (3, "--1--", "ALARM same ALARM OK"),
    (2, "0-1-1", "ALARM ALARM ALARM ALARM"), (2, "001 01".replace(" ", ""), "ALARM ALARM ALARM ALARM"), (2, "0-1--", "OK OK ALARM OK"), (2, "----0", "OK OK ALARM OK"),
    (2, "----1", "ALARM same ALARM OK"),
]


def test_missing_data(watch, cloud):
    """All rows at once; then the clock goes on by a minute, so that the newest value lies in the last full period."""
    start = now(cloud).replace(second=0, microsecond=0)
    treats = ("missing", "ignore", "breaching", "notBreaching")
    for row, (needed, values, _) in enumerate(TABLE):
        for minute, value in enumerate(values):
            if value != "-":
                watch.put_metric_data(Namespace="table", MetricData=[
                    {"MetricName": f"m{row}", "Value": int(value), "Timestamp": start - datetime.timedelta(minutes=len(values) - minute)}])
    for row, (needed, _, _) in enumerate(TABLE):
        for treat in treats:
            watch.put_metric_alarm(**alarm(f"{row}-{treat}", Namespace="table", MetricName=f"m{row}", EvaluationPeriods=3, DatapointsToAlarm=needed, TreatMissingData=treat))
    watch.put_metric_alarm(**alarm("last", Namespace="table", MetricName="last", TreatMissingData="breaching"))
    state(cloud, "last", "ALARM")  # now all have been judged
    if now(cloud).replace(second=0, microsecond=0) != start:
        pytest.skip("the minute was over before all was said")
    found = {a["AlarmName"]: a["StateValue"] for p in watch.get_paginator("describe_alarms").paginate() for a in p["MetricAlarms"]}
    for row, (needed, values, states) in enumerate(TABLE):
        wanted = dict(zip(treats, (s.replace("same", "INSUFFICIENT_DATA") for s in states.split())))
        assert {t: found[f"{row}-{t}"] for t in treats} == wanted, (needed, values)


def test_math_and_percentiles_in_alarms(watch, cloud):
    watch.put_metric_alarm(AlarmName="share", EvaluationPeriods=1, Threshold=50, ComparisonOperator="GreaterThanThreshold", Metrics=[
        query("bad", name="bad", ReturnData=False), query("all", name="all", ReturnData=False), query("share", "100 * bad / all", Label="percent")])
    watch.put_metric_alarm(**dict({k: v for k, v in alarm("slow", MetricName="bad", Threshold=2.5).items() if k != "Statistic"}, ExtendedStatistic="p90"))
    found = watch.describe_alarms(AlarmNames=["share"])["MetricAlarms"][0]
    assert [m["Id"] for m in found["Metrics"]] == ["bad", "all", "share"] and "MetricName" not in found
    watch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "bad", "Value": 3}, {"MetricName": "all", "Value": 4}])
    assert "75.0" in state(cloud, "share", "ALARM")["StateReason"]
    state(cloud, "slow", "ALARM")
    fails("ValidationError", watch.put_metric_alarm, AlarmName="two", EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", Metrics=[query("a"), query("b")])
    watch.put_metric_alarm(AlarmName="share", EvaluationPeriods=1, Threshold=50, ComparisonOperator="GreaterThanThreshold", Metrics=[query("e", "ANOMALY(bad)", Period=60)])
    assert "not supported" in state(cloud, "share", "INSUFFICIENT_DATA")["StateReason"]


def test_states_set_by_hand_and_actions(watch, cloud):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="bells")["TopicArn"]
    queue = sqs.create_queue(QueueName="ears")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    watch.put_metric_alarm(**alarm("one", AlarmDescription="d", Dimensions=DIMENSIONS, AlarmActions=[topic], OKActions=["arn:aws:automate:us-east-1:ec2:stop"], TreatMissingData="ignore"))
    watch.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="a test", StateReasonData='{"why":1}')
    found = watch.describe_alarms()["MetricAlarms"][0]
    assert (found["StateValue"], found["StateReason"], found["StateReasonData"]) == ("ALARM", "a test", '{"why":1}')
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    envelope = json.loads(received["Body"])
    message = json.loads(envelope["Message"])
    assert envelope["Subject"].startswith('ALARM: "one" in') and envelope["TopicArn"] == topic
    assert (message["AlarmName"], message["NewStateValue"], message["OldStateValue"], message["NewStateReason"]) == ("one", "ALARM", "INSUFFICIENT_DATA", "a test")
    assert message["Trigger"]["Dimensions"] == [{"value": "one", "name": "queue"}] and message["Trigger"]["Statistic"] == "SUM" and message["AlarmArn"] == found["AlarmArn"]
    watch.disable_alarm_actions(AlarmNames=["one"])
    watch.set_alarm_state(AlarmName="one", StateValue="INSUFFICIENT_DATA", StateReason="x")
    watch.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="silent")
    watch.enable_alarm_actions(AlarmNames=["one"])
    watch.set_alarm_state(AlarmName="one", StateValue="OK", StateReason="y")
    done = watch.describe_alarm_history(AlarmName="one", HistoryItemType="Action", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [h["HistorySummary"].split(" action ")[0] for h in done] == ["Successfully executed", "Failed to execute"]
    fails("ResourceNotFound", watch.set_alarm_state, AlarmName="two", StateValue="OK", StateReason="x")
    fails("InvalidFormat", watch.set_alarm_state, AlarmName="one", StateValue="OK", StateReason="x", StateReasonData="{")


def test_it_all_outlives_the_server(watch, cloud):
    watch.put_metric_alarm(**alarm("one", TreatMissingData="notBreaching"))
    put(watch, 1)
    state(cloud, "one", "ALARM")
    cloud.kill()
    cloud.start()
    watch = cloud.client("cloudwatch")
    assert watch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "ALARM" and len(watch.list_metrics()["Metrics"]) == 1
    # An action that a server was killed before is the next one's: as the state's change left it in the database.
    cloud.kill()
    with sqlite3.connect(os.path.join(cloud.dir, "cloud.db")) as db:
        assert db.execute("SELECT count(*) FROM cw_action").fetchone() == (0,)
        db.execute("INSERT INTO cw_action (doc) VALUES (?)", [json.dumps(
            {"action": "arn:aws:sns:us-east-1:000000000000:gone", "name": "one", "region": "us-east-1", "message": {"NewStateValue": "ALARM"}})])
    db.close()
    cloud.start()
    items = []
    while not items:
        items = cloud.client("cloudwatch").describe_alarm_history(AlarmName="one", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [i["HistorySummary"] for i in items] == ["Failed to execute action arn:aws:sns:us-east-1:000000000000:gone"]


def test_rights(watch, cloud, session):  # noqa: F811
    watch.put_metric_alarm(**alarm("mine"))
    watch.put_metric_alarm(**alarm("theirs"))
    arn = f"arn:aws:cloudwatch:{cloud.region}:{cloud.account}:alarm:mine"
    limited = session("cloudwatch", allow(["cloudwatch:DeleteAlarms", "cloudwatch:SetAlarmState"], arn))
    limited.set_alarm_state(AlarmName="mine", StateValue="OK", StateReason="x")
    for call, asked in ((limited.set_alarm_state, {"AlarmName": "theirs", "StateValue": "OK", "StateReason": "x"}), (limited.delete_alarms, {"AlarmNames": ["mine", "theirs"]}),
                        (limited.describe_alarms, {}), (limited.put_metric_data, {"Namespace": "n", "MetricData": []})):
        assert fails("AccessDenied", call, **asked)
    limited.delete_alarms(AlarmNames=["mine"])
