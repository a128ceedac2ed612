"""State machines in the local cloud, through boto3 and the AWS CLI: what Step Functions would answer."""
import json

import boto3
import pytest
from states_lab import PASS, TRUST, WAIT, Lab, fails, one


@pytest.fixture
def lab(cloud):
    return Lab(cloud)


def test_a_machine_is_read_back_as_it_was_made(lab):
    definition = json.dumps(PASS, indent=2)
    arn = lab.sfn.create_state_machine(
        name="all.of-it_1", definition=definition, roleArn=lab.role, type="STANDARD", tags=[{"key": "team", "value": "sales"}],
    )["stateMachineArn"]
    assert arn == lab.arn("stateMachine", "all.of-it_1")
    found = lab.sfn.describe_state_machine(stateMachineArn=arn)
    assert (found["name"], found["status"], found["definition"]) == ("all.of-it_1", "ACTIVE", definition)
    assert (found["roleArn"], found["type"]) == (lab.role, "STANDARD")
    assert found["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False} and found["tracingConfiguration"] == {"enabled": False}
    assert lab.sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "sales"}]
    lab.sfn.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": ""}])
    lab.sfn.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert lab.sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": ""}]
    tagged = lab.cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["states:stateMachine"])["ResourceTagMappingList"]
    assert tagged == [{"ResourceARN": arn, "Tags": [{"Key": "a", "Value": ""}]}]


def test_the_same_machine_again_is_no_other(lab):
    first = lab.sfn.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=lab.role)
    other = lab.make_role("other", "*")
    again = lab.sfn.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=other, tags=[{"key": "k", "value": "v"}])
    assert (again["stateMachineArn"], again["creationDate"]) == (first["stateMachineArn"], first["creationDate"])
    assert lab.sfn.describe_state_machine(stateMachineArn=first["stateMachineArn"])["roleArn"] == lab.role
    assert lab.sfn.list_tags_for_resource(resourceArn=first["stateMachineArn"])["tags"] == []
    for more in ({"definition": json.dumps(WAIT)}, {"type": "EXPRESS"}, {"tracingConfiguration": {"enabled": True}}):
        again = {"name": "m", "definition": json.dumps(PASS), "roleArn": lab.role, **more}
        message = fails("StateMachineAlreadyExists", lab.sfn.create_state_machine, **again)
        assert message == f"State Machine Already Exists: '{first['stateMachineArn']}'"


def test_what_no_machine_may_be(lab):
    create = lab.sfn.create_state_machine
    fine = {"name": "m", "definition": json.dumps(PASS), "roleArn": lab.role}
    for name in ("a b", "a/b", "a:b", "a\tb", "a*", "ü" * 79 + "\u0085", "a" * 79 + "#"):
        assert fails("InvalidName", create, **{**fine, "name": name}) == f"Invalid Name: '{name}'"
    message = fails("InvalidDefinition", create, **{**fine, "definition": json.dumps({**PASS, "StartAt": "Nowhere"})})
    assert message.startswith("Invalid State Machine Definition: '") and "MISSING_TRANSITION_TARGET" in message
    fails("InvalidDefinition", create, **{**fine, "definition": "{"})
    fails("InvalidArn", create, **{**fine, "roleArn": "machine"})
    other = {**TRUST["Statement"][0], "Principal": {"Service": "lambda.amazonaws.com"}}
    stranger = lab.make_role("stranger", "*", trust={**TRUST, "Statement": [other]})
    for role in (stranger, "arn:aws:iam::000000000000:role/nobody"):
        assert "is authorized to assume the provided role" in fails("AccessDeniedException", create, **{**fine, "roleArn": role})
    fails("TooManyTags", create, **fine, tags=[{"key": str(i), "value": "v"} for i in range(51)])
    fails("InvalidLoggingConfiguration", create, **fine, loggingConfiguration={"level": "ALL"})
    missing = {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:{lab.cloud.region}:{lab.cloud.account}:log-group:nope:*"}}
    fails("InvalidLoggingConfiguration", create, **fine, loggingConfiguration={"level": "ALL", "destinations": [missing]})
    assert lab.sfn.list_state_machines()["stateMachines"] == []


def test_arns_and_tokens_that_are_none(lab):
    arn = lab.machine(PASS)
    gone = lab.arn("stateMachine", "gone")
    assert fails("StateMachineDoesNotExist", lab.sfn.describe_state_machine, stateMachineArn=gone) == f"State Machine Does Not Exist: '{gone}'"
    fails("InvalidArn", lab.sfn.describe_state_machine, stateMachineArn="nonsense")
    fails("InvalidArn", lab.sfn.describe_state_machine, stateMachineArn=lab.arn("activity", "m"))
    fails("InvalidArn", lab.sfn.describe_execution, executionArn=arn)
    execution = lab.arn("execution", "m:gone")
    for call in ("describe_execution", "stop_execution", "get_execution_history", "describe_state_machine_for_execution", "redrive_execution"):
        assert fails("ExecutionDoesNotExist", getattr(lab.sfn, call), executionArn=execution) == f"Execution Does Not Exist: '{execution}'"
    fails("StateMachineDoesNotExist", lab.sfn.start_execution, stateMachineArn=gone)
    fails("StateMachineDoesNotExist", lab.sfn.list_executions, stateMachineArn=gone)
    fails("StateMachineDoesNotExist", lab.sfn.update_state_machine, stateMachineArn=gone, definition=json.dumps(PASS))
    for call in (lab.sfn.list_state_machines, lab.sfn.list_activities):
        fails("InvalidToken", call, nextToken="bm9uc2Vuc2U=")
    fails("ResourceNotFound", lab.sfn.list_tags_for_resource, resourceArn=gone)
    fails("ResourceNotFound", lab.sfn.tag_resource, resourceArn=gone, tags=[{"key": "a", "value": "b"}])
    fails("MissingRequiredParameter", lab.sfn.update_state_machine, stateMachineArn=arn)
    fails("ValidationException", lab.sfn.list_executions)
    lab.sfn.delete_state_machine(stateMachineArn=gone)


def test_pages_of_machines(lab):
    made = [lab.machine(PASS, name=f"m{i}") for i in range(5)]
    pages = list(lab.sfn.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(p["stateMachines"]) for p in pages] == [2, 2, 1]
    assert [m["stateMachineArn"] for p in pages for m in p["stateMachines"]] == made


def test_an_update_is_for_later_executions(lab):
    arn = lab.machine(one({"Type": "Wait", "SecondsPath": "$.s"}))
    before = lab.start(arn, {"s": 60})
    lab.happened(before, "WaitStateEntered")
    answer = lab.sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(one({"Type": "Pass", "Result": "new"})))
    found = lab.sfn.describe_state_machine(stateMachineArn=arn)
    assert found["revisionId"] == answer["revisionId"] and "new" in found["definition"]
    assert json.loads(lab.end(lab.start(arn))["output"]) == "new"
    assert "SecondsPath" in lab.sfn.describe_state_machine_for_execution(executionArn=before)["definition"]
    lab.advance(60)
    assert json.loads(lab.end(before)["output"]) == {"s": 60}
    fails("InvalidDefinition", lab.sfn.update_state_machine, stateMachineArn=arn, definition="{}")


def test_a_deleted_machine_ends_with_its_executions_next_step(lab):
    arn = lab.machine({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "End": True}}})
    execution = lab.start(arn)
    lab.happened(execution, "WaitStateEntered")
    lab.sfn.delete_state_machine(stateMachineArn=arn)
    assert lab.sfn.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    assert lab.sfn.describe_execution(executionArn=execution)["status"] == "RUNNING"
    fails("StateMachineDeleting", lab.sfn.start_execution, stateMachineArn=arn)
    fails("StateMachineDeleting", lab.machine, PASS)
    fails("StateMachineDeleting", lab.sfn.update_state_machine, stateMachineArn=arn, definition=json.dumps(PASS))
    lab.advance(60)
    lab.until(lambda: not lab.sfn.list_state_machines()["stateMachines"])
    fails("StateMachineDoesNotExist", lab.sfn.describe_state_machine, stateMachineArn=arn)
    lab.machine(PASS)


def test_validation_without_a_machine(lab):
    check = lab.sfn.validate_state_machine_definition
    fine = check(definition=json.dumps(PASS))
    assert (fine["result"], fine["diagnostics"], fine["truncated"]) == ("OK", [], False)
    bad = check(definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Nothing"}}}), maxResults=1)
    assert bad["result"] == "FAIL" and len(bad["diagnostics"]) == 1 and bad["truncated"]
    assert bad["diagnostics"][0]["severity"] == "ERROR" and bad["diagnostics"][0]["location"]


def test_versions(lab):
    made = lab.sfn.create_state_machine(name="m", definition=json.dumps(one({"Type": "Pass", "Result": 1})), roleArn=lab.role, publish=True)
    arn, first = made["stateMachineArn"], made["stateMachineVersionArn"]
    assert first == f"{arn}:1"
    assert lab.sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == first
    lab.sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(one({"Type": "Pass", "Result": 2})))
    assert lab.sfn.publish_state_machine_version(stateMachineArn=arn, description="second")["stateMachineVersionArn"] == f"{arn}:2"
    assert lab.sfn.describe_state_machine(stateMachineArn=f"{arn}:2")["description"] == "second"
    execution = lab.start(first)
    assert json.loads(lab.end(execution)["output"]) == 1
    assert lab.sfn.describe_execution(executionArn=execution)["stateMachineVersionArn"] == first
    versions = lab.sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [v["stateMachineVersionArn"] for v in versions] == [f"{arn}:2", first]
    assert [e["executionArn"] for e in lab.sfn.list_executions(stateMachineArn=first)["executions"]] == [execution]
    fails("ConflictException", lab.sfn.publish_state_machine_version, stateMachineArn=arn, revisionId="other")
    lab.sfn.delete_state_machine_version(stateMachineVersionArn=first)
    fails("StateMachineDoesNotExist", lab.sfn.start_execution, stateMachineArn=first)


def test_aliases(lab):
    make = lab.sfn.create_state_machine_alias
    made = lab.sfn.create_state_machine(name="m", definition=json.dumps(one({"Type": "Pass", "Result": 1})), roleArn=lab.role, publish=True)
    arn, first = made["stateMachineArn"], made["stateMachineVersionArn"]
    changed = lab.sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(one({"Type": "Pass", "Result": 2})), publish=True)
    second = changed["stateMachineVersionArn"]
    alias = make(name="prod", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])["stateMachineAliasArn"]
    again = make(name="prod", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])
    assert alias == again["stateMachineAliasArn"] == f"{arn}:prod"
    fails("ConflictException", make, name="prod", routingConfiguration=[{"stateMachineVersionArn": second, "weight": 100}])
    fails("InvalidName", make, name="12", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])
    fails("ValidationException", make, name="bad", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 99}])
    fails("ResourceNotFound", make, name="bad", routingConfiguration=[{"stateMachineVersionArn": f"{arn}:9", "weight": 100}])
    execution = lab.start(alias)
    assert json.loads(lab.end(execution)["output"]) == 1
    found = lab.sfn.describe_execution(executionArn=execution)
    assert (found["stateMachineAliasArn"], found["stateMachineVersionArn"], found["stateMachineArn"]) == (alias, first, arn)
    fails("ConflictException", lab.sfn.delete_state_machine_version, stateMachineVersionArn=first)
    split = [{"stateMachineVersionArn": second, "weight": 100}, {"stateMachineVersionArn": first, "weight": 0}]
    lab.sfn.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=split, description="d")
    described = lab.sfn.describe_state_machine_alias(stateMachineAliasArn=alias)
    assert (described["routingConfiguration"], described["description"]) == (split, "d")
    assert json.loads(lab.end(lab.start(alias))["output"]) == 2
    assert [a["stateMachineAliasArn"] for a in lab.sfn.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]] == [alias]
    lab.sfn.delete_state_machine_alias(stateMachineAliasArn=alias)
    fails("ResourceNotFound", lab.sfn.describe_state_machine_alias, stateMachineAliasArn=alias)
    fails("StateMachineDoesNotExist", lab.sfn.start_execution, stateMachineArn=alias)


def test_a_caller_without_the_right_is_refused(lab):
    caller = lab.make_role("caller", trust={**TRUST, "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
    mine = {"Effect": "Allow", "Action": "states:*", "Resource": lab.arn("stateMachine", "mine*")}
    lab.iam.put_role_policy(RoleName="caller", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [mine]}))
    keys = lab.cloud.client("sts").assume_role(RoleArn=caller, RoleSessionName="session")["Credentials"]
    sfn = boto3.client(
        "stepfunctions", endpoint_url=lab.cloud.judged(), region_name=lab.cloud.region, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )
    assert "iam:PassRole" in fails("AccessDeniedException", sfn.create_state_machine, name="mine", definition=json.dumps(PASS), roleArn=lab.role)
    mine, other = lab.machine(PASS, name="mine"), lab.machine(PASS, name="other")
    sfn.start_execution(stateMachineArn=mine)
    assert "states:StartExecution" in fails("AccessDeniedException", sfn.start_execution, stateMachineArn=other)


def test_the_aws_cli(lab, tmp_path):
    (tmp_path / "definition.json").write_text(json.dumps(PASS))
    aws = lab.cloud.aws
    given = f"file://{tmp_path}/definition.json"
    arn = aws("stepfunctions", "create-state-machine", "--name", "cli", "--role-arn", lab.role, "--definition", given)["stateMachineArn"]
    execution = aws("stepfunctions", "start-execution", "--state-machine-arn", arn, "--input", '{"a": [1, "ü"]}')["executionArn"]
    lab.end(execution)
    assert json.loads(aws("stepfunctions", "describe-execution", "--execution-arn", execution)["output"]) == {"a": [1, "ü"]}
