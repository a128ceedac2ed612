"""Short words for tests of the local Step Functions: roles, machines, executions, time."""
import json
import time
import urllib.request

import botocore.exceptions
import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": ["states.amazonaws.com", "glue.amazonaws.com"]}, "Action": "sts:AssumeRole"}],
}
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def allow(*actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def one(state, **more):
    """A machine of one state."""
    return {"StartAt": "S", "States": {"S": {"End": True, **state}}, **more}


def task(resource, **more):
    return {"Type": "Task", "Resource": resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}", **more}


class Lab:
    def __init__(self, cloud):
        self.cloud, self.sfn, self.iam = cloud, cloud.client("stepfunctions"), cloud.client("iam")
        self.role = self.make_role("machine", "*")

    def make_role(self, name, *actions, trust=TRUST):
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if actions:
            self.iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=allow(*actions))
        return f"arn:aws:iam::{self.cloud.account}:role/{name}"

    def arn(self, kind, name):
        return f"arn:aws:states:{self.cloud.region}:{self.cloud.account}:{kind}:{name}"

    def machine(self, definition, name="m", **more):
        return self.sfn.create_state_machine(**{"name": name, "definition": json.dumps(definition), "roleArn": self.role, **more})["stateMachineArn"]

    def start(self, machine, given=None, **more):
        if given is not None:
            more["input"] = json.dumps(given)
        return self.sfn.start_execution(stateMachineArn=machine, **more)["executionArn"]

    def until(self, look, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("it does not come")

    def end(self, execution, seconds=30):
        def look():
            found = self.sfn.describe_execution(executionArn=execution)
            return found if found["status"] in ENDED else None
        return self.until(look, seconds)

    def run(self, definition, given=None, name="m", **more):
        return self.end(self.start(self.machine(definition, name=name, **more), given))

    def output(self, definition, given=None, name="m", **more):
        found = self.run(definition, given, name, **more)
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])

    def events(self, execution, **more):
        found, token = [], {}
        while True:
            page = self.sfn.get_execution_history(executionArn=execution, **more, **token)
            found += page["events"]
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    def types(self, execution):
        return [e["type"] for e in self.events(execution)]

    def happened(self, execution, kind):
        """Waits until the history has such an event, and gives it."""
        return self.until(lambda: next((e for e in self.events(execution) if e["type"] == kind), None))

    def advance(self, seconds):
        request = urllib.request.Request(f"{self.cloud.endpoint}/_glueproj/clock", data=json.dumps({"advance_seconds": seconds}).encode(), method="POST")
        urllib.request.urlopen(request).close()


def fails(code, call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **named)
    error = caught.value.response["Error"]
    assert error["Code"] == code, caught.value
    return error["Message"]
