"""What the local cloud's state machines cost: wall time of an execution, of which nothing is work, divided by its states."""
import json
import time

import boto3
import botocore.config
from bench_cloud import local_cloud
from bench_setup import TRUST

STATES, ITEMS, TASKS, PARALLEL = 1000, 1000, 1000, 50
STATES_TRUST = json.loads(json.dumps(TRUST).replace("glue.amazonaws.com", "states.amazonaws.com"))
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def chain(state):
    states = {f"S{i}": {**state, "Next": f"S{i + 1}"} for i in range(STATES)}
    return {"StartAt": "S0", "States": {**states, f"S{STATES}": {"Type": "Succeed"}}}


def fan_out(state):
    return {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": {"StartAt": "P", "States": {"P": {**state, "End": True}}}, "End": True}}}


CALL = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines", "Parameters": {"MaxResults": 1}, "ResultPath": None}
CASES = {
    f"{STATES} Pass states": (chain({"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}}), {"n": 0}, STATES, 1),
    f"Map of {ITEMS} items": (fan_out({"Type": "Pass"}), list(range(ITEMS)), ITEMS, 1),
    f"Map of {TASKS} calls": (fan_out(CALL), list(range(TASKS)), TASKS, 1),
    f"{PARALLEL} executions of 10 states": (
        {"StartAt": "S0", "States": {**{f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(9)}, "S9": {"Type": "Pass", "End": True}}},
        {}, PARALLEL * 10, PARALLEL),
}


class Machines:
    def __init__(self, server):
        config = botocore.config.Config(retries={"max_attempts": 1})
        keys = server.iam._request_signer._credentials  # noqa: SLF001
        self.sfn = boto3.client(
            "stepfunctions", endpoint_url=server.endpoint, region_name=server.s3.meta.region_name, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, config=config,
        )
        self.role = server.iam.create_role(RoleName="BenchMachine", AssumeRolePolicyDocument=json.dumps(STATES_TRUST))["Role"]["Arn"]
        server.iam.put_role_policy(RoleName="BenchMachine", PolicyName="all", PolicyDocument=json.dumps(ALL))

    def seconds(self, name, definition, given, times):
        arn = self.sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=self.role)["stateMachineArn"]
        begin = time.monotonic()
        left = [self.sfn.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"] for _ in range(times)]
        while left:
            found = self.sfn.describe_execution(executionArn=left[0])
            if found["status"] == "RUNNING":
                time.sleep(0.002)
                continue
            assert found["status"] == "SUCCEEDED", found
            left.pop(0)
        return time.monotonic() - begin


def run(table, folder, arguments):
    with local_cloud(folder) as server:
        machines = Machines(server)
        for i, (what, (definition, given, states, times)) in enumerate(CASES.items()):
            found = min(machines.seconds(f"bench{i}-{again}", definition, given, times) for again in range(3))
            table.add(f"states: {what}", "glueproj local", seconds=f"{found:.3f}", rate=f"{states / found:.0f}", note=f"{found / states * 1000:.3f} ms a state")
