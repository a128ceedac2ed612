"""Every row of gaps.py is still needed; one that is not is told (and skipped, since it is good news). Runs after test_servers.py in one process."""
import json

import pytest

import gaps
import others
import readers


@pytest.mark.parametrize("server", [s for s in others.SERVERS if s != "local"])
def test_gaps_are_still_there(server, server_of):
    running = server_of(server)
    reader, gone, unmet = readers.Reader(running, "us-east-1"), [], []
    for gap in gaps.of_server(server):
        if gap.probe:
            gap.met, gap.needed = 1, int(gap.probe(reader))
        if gap.leaves_out and gap.compare and gap.met == 0:
            gap.met, gap.needed = 1, int(makes_nothing(reader, gap.leaves_out))
        if gap.gone():
            gone.append(repr(gap))
        elif gap.met == 0:
            unmet.append(repr(gap))
    if gone:
        pytest.skip(f"{server} {running.version} can more than gaps.py says; take out: " + "; ".join(gone))
    if unmet:
        pytest.skip("not met in this run (were tests left out?): " + "; ".join(unmet))


# The least that makes one of each type.
LEAST = {
    "AWS::Athena::WorkGroup": {"Name": "probe-least"},
    "AWS::Glue::Crawler": {"Name": "probe-least", "Role": "probe", "DatabaseName": "probe", "Targets": {"S3Targets": [{"Path": "s3://probe/"}]}},
    "AWS::Glue::Database": {"CatalogId": "123456789012", "DatabaseInput": {"Name": "probe_least"}},
    "AWS::Glue::Job": {"Name": "probe-least", "Role": "probe", "Command": {"Name": "glueetl", "ScriptLocation": "s3://probe/x.py"}},
    "AWS::Glue::Table": {"CatalogId": "123456789012", "DatabaseName": "probe_of_tables", "TableInput": {"Name": "probe_least"}},
    "AWS::SQS::QueuePolicy": {"Queues": ["probe-of-policies"], "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}},
    "AWS::Glue::Trigger": {"Name": "probe-least", "Type": "ON_DEMAND", "Actions": [{"JobName": "probe"}]},
    "AWS::CloudWatch::Alarm": {"AlarmName": "probe-least", "MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum", "EvaluationPeriods": 1,
                               "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"},
    "AWS::Glue::Workflow": {"Name": "probe-least"},
    "AWS::SecretsManager::Secret": {"Name": "probe-least", "SecretString": "x"},
    "AWS::StepFunctions::Activity": {"Name": "probe-least"},
}


def handle_of(reader, kind):
    """What the reader of that kind goes by."""
    if kind == "AWS::StepFunctions::Activity":
        return f"arn:aws:states:{reader.region}:{reader.server.account}:activity:probe-least"
    if kind == "AWS::SQS::QueuePolicy":
        return reader.client("sqs").create_queue(QueueName="probe-of-policies")["QueueUrl"]
    return "probe_least" if kind in ("AWS::Glue::Database", "AWS::Glue::Table") else "probe-least"


def makes_nothing(reader, kind):
    """The server's CloudFormation, asked for one such resource, leaves nothing that can be read."""
    if kind == "AWS::Glue::Table":
        reader.client("glue").create_database(DatabaseInput={"Name": "probe_of_tables"})
    if kind == "AWS::SQS::QueuePolicy":
        LEAST[kind]["Queues"] = [handle_of(reader, kind)]
    cfn, name = reader.client("cloudformation"), "probe-" + kind.rsplit(":", maxsplit=1)[-1].lower()
    template = {"Resources": {"One": {"Type": kind, "Properties": LEAST[kind]}}}
    try:
        cfn.create_stack(StackName=name, TemplateBody=json.dumps(template))
        nothing = reader.read(kind, handle_of(reader, kind)) is None
        cfn.delete_stack(StackName=name)
        return nothing
    except cfn.exceptions.ClientError:
        return True
