"""Roles that suites only make up for their state machines are made for them: as on AWS, they must be there and be trusted."""
import contextlib
import json

import boto3
import botocore.exceptions
import botocore.handlers
import plugin

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def make_role(params, **_):
    """Before CreateStateMachine; one that is there stays as it is."""
    name = str(params.get("roleArn", "")).rpartition("/")[2]
    iam = boto3.client("iam", region_name="us-east-1", endpoint_url=plugin.current_endpoint())
    with contextlib.suppress(botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(ALL))


def register():
    for operation in ("CreateStateMachine", "UpdateStateMachine"):
        botocore.handlers.BUILTIN_HANDLERS.append((f"before-parameter-build.sfn.{operation}", make_role))
