"""State machines, activities, log groups, alarms and connections through glueproj: made, changed, replaced, torn down; what names them waits for them."""
import json
import os
import time

import pytest

from helpers import everything, without
from shop import Shop
from test_local_glue_jobs import fails

PASSWORD, OTHER = "s3kret-0f-the-store", "s3kret-number-two"
STACK = """\
Parameters:
  Kind: {Type: String, Default: STANDARD}
  Days: {Type: Number, Default: 7}
  Threshold: {Type: Number, Default: 1}
  Url: {Type: String, Default: "jdbc:postgresql://localhost:5432/one"}
  StorePassword: {Type: String, NoEcho: true}
Resources:
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: shop-machine
      StateMachineType: !Ref Kind
      RoleArn: !GetAtt Role.Arn
      Definition:
        StartAt: Wait
        States:
          Wait: {Type: Wait, Seconds: 1, Next: "${Last}"}
          Done: {Type: Pass, Result: {share: 0.10, big: 12345678901234567890}, Next: Run}
          Run: {Type: Task, Resource: "arn:aws:states:::glue:startJobRun.sync", Parameters: {JobName: shop-loader}, End: true}
      DefinitionSubstitutions: {Last: Done}
      LoggingConfiguration:
        Level: ERROR
        IncludeExecutionData: true
        Destinations: [{CloudWatchLogsLogGroup: {LogGroupArn: !GetAtt Group.Arn}}]
      TracingConfiguration: {Enabled: true}
      Tags: [{Key: stage, Value: test}]
  Loader:
    Type: AWS::Glue::Job
    Properties:
      Name: shop-loader
      Role: !Ref Role
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: "s3://nowhere/x.py"}
      Connections: {Connections: [shop-store]}
  Store:
    Type: AWS::Glue::Connection
    Properties:
      CatalogId: !Ref AWS::AccountId
      ConnectionInput:
        Name: shop-store
        ConnectionType: JDBC
        Description: the store
        ConnectionProperties: {JDBC_CONNECTION_URL: !Ref Url, USERNAME: shop, PASSWORD: !Ref StorePassword}
        PhysicalConnectionRequirements: {AvailabilityZone: us-east-1a, SecurityGroupIdList: [sg-1], SubnetId: subnet-1}
      Tags: {stage: test}
  Worker:
    Type: AWS::StepFunctions::Activity
    Properties: {Name: shop-worker, Tags: [{Key: stage, Value: test}]}
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /shop/machine, RetentionInDays: !Ref Days, Tags: [{Key: stage, Value: test}]}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: shop-failed
      AlarmDescription: a run failed
      Namespace: AWS/States
      MetricName: ExecutionsFailed
      Dimensions: [{Name: StateMachineArn, Value: !Ref Machine}]
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: !Ref Threshold
      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching
      Tags: [{Key: stage, Value: test}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: ShopMachine
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: [states.amazonaws.com, glue.amazonaws.com]}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: all
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["glue:*", "logs:*"], Resource: "*"}]}
Outputs:
  Machine: {Value: !Ref Machine}
  MachineName: {Value: !GetAtt Machine.Name}
  Revision: {Value: !GetAtt Machine.StateMachineRevisionId}
  Worker: {Value: !Ref Worker}
  WorkerName: {Value: !GetAtt Worker.Name}
  Group: {Value: !Ref Group}
  GroupArn: {Value: !GetAtt Group.Arn}
  Alarm: {Value: !Ref Alarm}
  AlarmArn: {Value: !GetAtt Alarm.Arn}
  Store: {Value: !Ref Store}
"""
ALL = ("Machine", "Loader", "Store", "Worker", "Group", "Alarm", "Role")


class Machines(Shop):
    """All that it prints is kept."""

    def __init__(self, runner, cloud, stack=STACK):
        super().__init__(runner, cloud, **{"glueproj.yaml": "Project: shop\nConfig: config.yaml\nStacks: [all]\n", "config.yaml": "StorePassword: !Env STORE_PASSWORD\n",
                                           "all.yaml": stack})
        self.environment["STORE_PASSWORD"] = PASSWORD
        self.said = []

    def __call__(self, *arguments, **how):
        result = super().__call__(*arguments, **how)
        self.said.append(result.stdout + result.stderr)
        return result


@pytest.fixture
def shop(run_glueproj, cloud):
    return Machines(run_glueproj, cloud)


def named(found, *names):
    return {n: found["all", n] for n in names}


def machine(cloud, name="shop-machine"):
    sfn = cloud.client("stepfunctions")
    arn = next(m["stateMachineArn"] for m in sfn.list_state_machines()["stateMachines"] if m["name"] == name)
    return sfn.describe_state_machine(stateMachineArn=arn)


def test_life(shop, cloud):
    before = without(everything(cloud), "buckets")
    assert named(shop("setup").ok().actions(), *ALL) == dict.fromkeys(ALL, "create")
    outputs = shop("outputs").ok().json["outputs"]["all"]
    arn = f"arn:aws:states:{cloud.region}:{cloud.account}"
    group = f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:/shop/machine:*"
    assert outputs == {"Machine": f"{arn}:stateMachine:shop-machine", "MachineName": "shop-machine", "Revision": "INITIAL", "Worker": f"{arn}:activity:shop-worker",
                       "WorkerName": "shop-worker", "Group": "/shop/machine", "GroupArn": group, "Alarm": "shop-failed",
                       "AlarmArn": f"arn:aws:cloudwatch:{cloud.region}:{cloud.account}:alarm:shop-failed", "Store": "shop-store"}
    live = machine(cloud)
    assert json.loads(live["definition"])["States"]["Wait"] == {"Type": "Wait", "Seconds": 1, "Next": "Done"}
    assert '"share":0.10,"big":12345678901234567890' in live["definition"]  # as they are written
    assert live["loggingConfiguration"] == {"level": "ERROR", "includeExecutionData": True, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    assert live["tracingConfiguration"] == {"enabled": True} and live["type"] == "STANDARD"
    glue, logs, cloudwatch = cloud.client("glue"), cloud.client("logs"), cloud.client("cloudwatch")
    connection = glue.get_connection(Name="shop-store")["Connection"]
    assert connection["ConnectionProperties"] == {"JDBC_CONNECTION_URL": "jdbc:postgresql://localhost:5432/one", "USERNAME": "shop", "PASSWORD": PASSWORD}
    assert logs.describe_log_groups(logGroupNamePrefix="/shop/")["logGroups"][0]["retentionInDays"] == 7
    assert cloudwatch.describe_alarms(AlarmNames=["shop-failed"])["MetricAlarms"][0]["Dimensions"] == [{"Name": "StateMachineArn", "Value": outputs["Machine"]}]
    # a second time nothing is to do, and nothing has drifted
    assert set(shop("setup").ok().actions().values()) == {"none"}
    document = shop("plan", "--drift").ok().json
    assert (document["changes"], document["drift"]) == ([], [])

    # each of them changes in place
    shop.write("all.yaml", STACK.replace("Seconds: 1,", "Seconds: 2,"))
    changed = shop("setup", "--set", "Days=14", "--set", "Threshold=2.5", "--set", "Url=jdbc:postgresql://localhost:5432/two").ok().actions()
    assert {k[1] for k, v in changed.items() if v == "update"} == {"Machine", "Group", "Alarm", "Store"}
    assert json.loads(machine(cloud)["definition"])["States"]["Wait"]["Seconds"] == 2
    assert shop("outputs").ok().json["outputs"]["all"]["Revision"] != "INITIAL"
    assert logs.describe_log_groups(logGroupNamePrefix="/shop/")["logGroups"][0]["retentionInDays"] == 14
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["Threshold"] == 2.5
    assert glue.get_connection(Name="shop-store")["Connection"]["ConnectionProperties"]["JDBC_CONNECTION_URL"].endswith("/two")
    shop("teardown", "--yes").ok()
    assert without(everything(cloud), "buckets") == before
    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == [] and cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert not any(PASSWORD in text for text in shop.said)


def test_what_is_gone_from_the_template_goes(shop, cloud):
    shop("setup").ok()
    stack = STACK.replace("      TracingConfiguration: {Enabled: true}\n", "").replace("RetentionInDays: !Ref Days, ", "").replace("      TreatMissingData: notBreaching\n", "")
    start = stack.index("      LoggingConfiguration:")
    stack = stack[:start] + stack[stack.index("      Tags:", start):]
    shop.write("all.yaml", stack.replace("stage, Value: test", "stage, Value: live"))
    changed = shop("setup").ok().actions()
    assert {k[1] for k, v in changed.items() if v == "update"} == {"Machine", "Worker", "Group", "Alarm"}
    live = machine(cloud)
    assert live["loggingConfiguration"]["level"] == "OFF" and live["tracingConfiguration"] == {"enabled": False}
    assert "retentionInDays" not in cloud.client("logs").describe_log_groups(logGroupNamePrefix="/shop/")["logGroups"][0]
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"][0].get("TreatMissingData", "missing") == "missing"
    tags = cloud.client("stepfunctions").list_tags_for_resource(resourceArn=live["stateMachineArn"])["tags"]
    assert {"key": "stage", "value": "live"} in tags
    assert set(shop("setup").ok().actions().values()) == {"none"}


def test_a_secret_alone_changes(shop, cloud):
    shop("setup").ok()
    shop.environment["STORE_PASSWORD"] = OTHER
    changes = shop("plan").ok().json["changes"]
    assert [(c["logical_id"], c["action"]) for c in changes] == [("Store", "update")]
    assert [(p["path"], p["after"]) for p in changes[0]["properties"]] == [("ConnectionInput.ConnectionProperties.PASSWORD", "****")]
    shop("setup").ok()
    assert cloud.client("glue").get_connection(Name="shop-store")["Connection"]["ConnectionProperties"]["PASSWORD"] == OTHER
    assert not any(p in text for p in (PASSWORD, OTHER) for text in shop.said)


def test_replaced(shop, cloud):
    shop("setup").ok()
    shop.write("all.yaml", STACK.replace("shop-machine", "shop-other").replace("shop-worker", "shop-helper").replace("shop-failed", "shop-broken").replace("shop-store", "shop-shed"))
    assert named(shop("setup").ok().actions(), "Machine", "Worker", "Alarm", "Store") == dict.fromkeys(("Machine", "Worker", "Alarm", "Store"), "replace")
    sfn = cloud.client("stepfunctions")
    assert [m["name"] for m in sfn.list_state_machines()["stateMachines"]] == ["shop-other"] and [a["name"] for a in sfn.list_activities()["activities"]] == ["shop-helper"]
    assert [a["AlarmName"] for a in cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]] == ["shop-broken"]
    assert [c["Name"] for c in cloud.client("glue").get_connections()["ConnectionList"]] == ["shop-shed"]


def test_logs_are_data(shop, cloud):
    shop("setup").ok()
    logs = cloud.client("logs")
    logs.create_log_stream(logGroupName="/shop/machine", logStreamName="one")
    shop.write("all.yaml", STACK.replace("/shop/machine", "/shop/other"))
    logs.put_log_events(logGroupName="/shop/machine", logStreamName="one", logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}])
    shop("setup").fails(1, "1 log stream with events")
    assert shop("setup", "--allow-data-loss", "Group").ok().actions()["all", "Group"] == "replace"


def test_names_order_them(shop):
    """Torn down backwards: the machine before its job, the job before its connection, although only names bind them."""
    shop("setup").ok()
    asked = [r["operation"] for r in shop.cloud.checker.log]
    order = [asked.index(n) for n in ("CreateConnection", "CreateJob", "CreateStateMachine")]
    assert order == sorted(order)


DEFINITION = """\
StartAt: Wait
States:
  Wait: {Type: Wait, Seconds: 1, Next: "${Last}"}
  Done: {Type: Succeed}
"""


def from_file(name):
    start = STACK.index("      Definition:")
    return STACK[:start] + f"      DefinitionS3Location: {name}\n" + STACK[STACK.index("      DefinitionSubstitutions"):]


@pytest.mark.parametrize("name, text", [("machine.asl.yaml", DEFINITION), ("machine.asl.json", json.dumps({
    "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "${Last}"}, "Done": {"Type": "Succeed"}}}))])
def test_definition_in_a_file(shop, cloud, name, text):
    shop.write("all.yaml", from_file(name))
    shop("validate").fails(2, "does not exist")
    shop("setup").fails(2, "does not exist")
    shop.write(name, text)
    shop("setup").ok()
    assert json.loads(machine(cloud)["definition"]) == {
        "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Done"}, "Done": {"Type": "Succeed"}}}
    assert set(shop("setup").ok().actions().values()) == {"none"}
    shop.write(name, text.replace("Done: {", "Done: {Comment: new, ").replace('"Done": {', '"Done": {"Comment": "new", '))
    assert shop("setup").ok().actions()["all", "Machine"] == "update"
    assert json.loads(machine(cloud)["definition"])["States"]["Done"] == {"Type": "Succeed", "Comment": "new"}
    shop.write(name, "StartAt: [")
    assert os.path.basename(name) in shop("setup").fails(2).json["errors"][0].get("file", "") + shop("setup").fails(2).stderr


def test_wrong_definitions_are_told_where_they_stand(shop):
    shop.write("all.yaml", STACK.replace("LogGroupArn: !GetAtt Group.Arn", "LogGroupArn: arn:aws:logs:us-east-1:000000000000:log-group:x"))
    error = shop("validate").fails(2, "must end in ':[*]'").json["errors"][0]
    assert error["path"].endswith("LogGroupArn") and error["line"]
    shop.write("all.yaml", STACK.replace("      DefinitionSubstitutions", "      DefinitionString: '{}'\n      DefinitionSubstitutions"))
    shop("validate").fails(2, "exactly one of Definition")
    shop.write("all.yaml", STACK.replace("      Statistic: Sum\n", "      Statistic: Sum\n      ExtendedStatistic: p99\n"))
    shop("validate").fails(2, "exclude each other")
    shop.write("all.yaml", STACK.replace("JDBC_CONNECTION_URL: !Ref Url, ", ""))
    shop("validate").fails(2, "JDBC_CONNECTION_URL")


def test_runs_are_stopped_before_the_machine_goes(shop, cloud):
    shop.write("all.yaml", STACK.replace("Seconds: 1,", "Seconds: 3600,"))
    shop("setup").ok()
    sfn = cloud.client("stepfunctions")
    arn = machine(cloud)["stateMachineArn"]
    run = sfn.start_execution(stateMachineArn=arn)["executionArn"]
    shop.write("all.yaml", STACK.replace("Seconds: 1,", "Seconds: 3601,"))
    assert shop("setup").ok().actions()["all", "Machine"] == "update"  # it goes on with what it began with
    assert sfn.describe_execution(executionArn=run)["status"] == "RUNNING"
    shop("teardown", "--yes").ok()
    fails("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=arn)


def test_a_missing_connection_fails_the_run(shop, cloud):
    shop("setup").ok()
    glue = cloud.client("glue")
    glue.delete_connection(ConnectionName="shop-store")
    assert "shop-store" in fails("EntityNotFoundException", glue.start_job_run, JobName="shop-loader")


def test_somebody_elses_alarm_is_not_overwritten(shop, cloud):
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="shop-failed", Namespace="theirs", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
                                ComparisonOperator="GreaterThanThreshold")
    shop("setup").fails(1, "NotOwned|shop-failed")
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["Namespace"] == "theirs"


def test_a_failed_execution_raises_the_alarm(shop, cloud):
    stack = STACK.replace("Seconds: 1,", "Seconds: 0,")
    stack = stack[:stack.index("          Run: {")] + "          Run: {Type: Fail, Error: Nope, Cause: never}\n" + stack[stack.index("      DefinitionSubstitutions"):]
    shop.write("all.yaml", stack)
    shop("setup").ok()
    sfn, watch = cloud.client("stepfunctions"), cloud.client("cloudwatch")
    arn = machine(cloud)["stateMachineArn"]
    sfn.start_execution(stateMachineArn=arn)
    for _ in range(300):
        found = watch.describe_alarms()["MetricAlarms"][0]
        if found["StateValue"] == "ALARM":
            break
        sfn.list_executions(stateMachineArn=arn)
    assert found["StateValue"] == "ALARM" and "was greater than or equal to the threshold (1.0)" in found["StateReason"]
    names = {m["MetricName"] for m in watch.list_metrics(Namespace="AWS/States", Dimensions=[{"Name": "StateMachineArn", "Value": arn}])["Metrics"]}
    assert names == {"ExecutionsStarted", "ExecutionsFailed", "ExecutionTime"}


def test_definition_in_s3(shop, cloud):
    """An object of a bucket that is there, by version; what is uploaded later is taken when the template says so."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="definitions")
    s3.put_bucket_versioning(Bucket="definitions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="definitions", Key="m.yaml", Body=DEFINITION.encode())["VersionId"]
    second = s3.put_object(Bucket="definitions", Key="m.yaml", Body=DEFINITION.replace("Seconds: 1", "Seconds: 2").encode())["VersionId"]

    def given(version):
        return from_file("{Bucket: definitions, Key: m.yaml, Version: %s}" % json.dumps(version))

    shop.write("all.yaml", given(first))
    shop("setup").ok()
    assert json.loads(machine(cloud)["definition"])["States"]["Wait"] == {"Type": "Wait", "Seconds": 1, "Next": "Done"}
    shop.write("all.yaml", given(second))
    assert shop("setup").ok().actions()["all", "Machine"] == "update"
    assert json.loads(machine(cloud)["definition"])["States"]["Wait"]["Seconds"] == 2
    shop.write("all.yaml", from_file("{Bucket: definitions, Key: none.json}"))
    shop("setup").fails(1, "s3://definitions/none.json")
