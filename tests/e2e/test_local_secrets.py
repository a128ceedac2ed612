"""Secrets Manager: the local service driven by boto3 and the AWS CLI, and AWS::SecretsManager::Secret through glueproj."""
import glob
import json
import os
import stat
import string
import urllib.request
import uuid

import botocore.config
import pytest

import contract
from helpers import ROOT, Project
from test_local_glue_jobs import fails
from test_local_iam import allow, iam, policy, session  # noqa: F401

DAY = 86400


@pytest.fixture
def secrets(cloud):
    return cloud.client("secretsmanager")


def advance(cloud, seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(cloud.endpoint + "/_glueproj/clock", body, method="POST"), timeout=10).read()


def stages(secrets, name):
    return {v: sorted(s) for v, s in secrets.describe_secret(SecretId=name).get("VersionIdsToStages", {}).items()}


def value(secrets, name, **which):
    return secrets.get_secret_value(SecretId=name, **which)["SecretString"]


# --- the service ---


def test_create_and_read_by_every_id(secrets, cloud):
    made = secrets.create_secret(Name="app/key_1+=.@-x", Description="d", KmsKeyId="alias/k", SecretString="hüsh", Tags=[{"Key": "a", "Value": ""}])
    arn = made["ARN"]
    head, _, tail = arn.rpartition("-")
    assert head == f"arn:aws:secretsmanager:{cloud.region}:{cloud.account}:secret:app/key_1+=.@-x"
    assert len(tail) == 6 and set(tail) <= set(string.ascii_letters + string.digits)
    assert made["Name"] == "app/key_1+=.@-x" and len(made["VersionId"]) >= 32
    for name in ("app/key_1+=.@-x", arn, head):
        got = secrets.get_secret_value(SecretId=name)
        assert (got["SecretString"], got["ARN"], got["VersionStages"]) == ("hüsh", arn, ["AWSCURRENT"])
        assert got["VersionId"] == made["VersionId"] and "SecretBinary" not in got
    found = secrets.describe_secret(SecretId=arn)
    assert (found["Description"], found["KmsKeyId"], found["Tags"]) == ("d", "alias/k", [{"Key": "a", "Value": ""}])
    assert found["VersionIdsToStages"] == {made["VersionId"]: ["AWSCURRENT"]} and "DeletedDate" not in found and "SecretString" not in found
    assert found["LastAccessedDate"].timestamp() % DAY == 0  # a day, no time
    message = fails("ResourceNotFoundException", secrets.get_secret_value, SecretId="none")
    assert message == "Secrets Manager can't find the specified secret."
    fails("ResourceNotFoundException", secrets.get_secret_value, SecretId=arn.replace(cloud.region, "eu-west-3"))
    binary = secrets.create_secret(Name="binary", SecretBinary=b"\x00\xff")["ARN"]
    assert secrets.get_secret_value(SecretId=binary)["SecretBinary"] == b"\x00\xff"


def test_create_refused(secrets):
    secrets.create_secret(Name="key", SecretString="hush")
    assert "already exists" in fails("ResourceExistsException", secrets.create_secret, Name="key", SecretString="hush")
    fails("ValidationException", secrets.create_secret, Name="with blank", SecretString="x")
    fails("InvalidParameterException", secrets.create_secret, Name="k", SecretString="x", SecretBinary=b"x")
    fails("InvalidParameterException", secrets.create_secret, Name="k", Tags=[{"Key": "aws:x", "Value": "1"}])
    fails("InvalidParameterException", secrets.create_secret, Name="k", Tags=[{"Key": str(i), "Value": ""} for i in range(51)])
    assert "hush" * 9 not in fails("ValidationException", secrets.create_secret, Name="k", SecretString="hush" * 16385)
    fails("ResourceNotFoundException", secrets.describe_secret, SecretId="k")
    for call, more in (("rotate_secret", {}), ("cancel_rotate_secret", {}), ("stop_replication_to_replica", {}),
                       ("replicate_secret_to_regions", {"AddReplicaRegions": [{"Region": "eu-west-1"}]}),
                       ("remove_regions_from_replication", {"RemoveReplicaRegions": ["eu-west-1"]})):
        message = fails("InvalidRequestException", getattr(secrets, call), SecretId="key", **more)
        assert "not served" in message
    fails("InvalidRequestException", secrets.create_secret, Name="k", SecretString="x", AddReplicaRegions=[{"Region": "eu-west-1"}])


def test_one_token_is_one_version(secrets):
    token, second = str(uuid.uuid4()), str(uuid.uuid4())
    first = secrets.create_secret(Name="key", SecretString="one", ClientRequestToken=token)
    again = secrets.create_secret(Name="key", SecretString="one", ClientRequestToken=token)
    assert first["VersionId"] == again["VersionId"] == token and first["ARN"] == again["ARN"]
    fails("ResourceExistsException", secrets.create_secret, Name="key", SecretString="two", ClientRequestToken=token)
    message = fails("ResourceExistsException", secrets.put_secret_value, SecretId="key", SecretString="two", ClientRequestToken=token)
    assert token in message and "two" not in message
    for _ in range(2):
        assert secrets.put_secret_value(SecretId="key", SecretString="two", ClientRequestToken=second)["VersionStages"] == ["AWSCURRENT"]
    assert stages(secrets, "key") == {token: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}


def test_versions_and_labels(secrets):
    secrets.create_secret(Name="key")
    assert "VersionId" not in secrets.create_secret(Name="empty")
    assert "AWSCURRENT" in fails("ResourceNotFoundException", secrets.get_secret_value, SecretId="key")
    fails("InvalidRequestException", secrets.put_secret_value, SecretId="key")
    one = secrets.put_secret_value(SecretId="key", SecretString="one", VersionStages=["mine"])
    assert sorted(one["VersionStages"]) == ["AWSCURRENT", "mine"]  # the first version is the current one
    two = secrets.put_secret_value(SecretId="key", SecretString="two", VersionStages=["AWSPENDING"])["VersionId"]
    assert value(secrets, "key") == "one" and value(secrets, "key", VersionStage="AWSPENDING") == "two"
    three = secrets.update_secret(SecretId="key", SecretString="three", Description="new")["VersionId"]
    one = one["VersionId"]
    assert stages(secrets, "key") == {one: ["AWSPREVIOUS", "mine"], two: ["AWSPENDING"], three: ["AWSCURRENT"]}
    four = secrets.put_secret_value(SecretId="key", SecretString="four")["VersionId"]
    assert value(secrets, "key", VersionId=one) == "one" and value(secrets, "key", VersionStage="AWSPREVIOUS") == "three"
    assert value(secrets, "key", VersionId=four, VersionStage="AWSCURRENT") == "four"
    fails("InvalidRequestException", secrets.get_secret_value, SecretId="key", VersionId=one, VersionStage="AWSCURRENT")
    fails("ResourceNotFoundException", secrets.get_secret_value, SecretId="key", VersionStage="nobody")
    assert "VersionId" in fails("ResourceNotFoundException", secrets.get_secret_value, SecretId="key", VersionId="x" * 36)
    move = dict(SecretId="key", VersionStage="AWSCURRENT")
    assert four in fails("InvalidParameterException", secrets.update_secret_version_stage, MoveToVersionId=one, **move)
    fails("InvalidParameterException", secrets.update_secret_version_stage, MoveToVersionId=one, RemoveFromVersionId=two, **move)
    fails("InvalidParameterException", secrets.update_secret_version_stage, RemoveFromVersionId=four, **move)
    fails("ResourceNotFoundException", secrets.update_secret_version_stage, MoveToVersionId="y" * 36, RemoveFromVersionId=four, **move)
    secrets.update_secret_version_stage(MoveToVersionId=one, RemoveFromVersionId=four, **move)
    secrets.update_secret_version_stage(SecretId="key", VersionStage="AWSPENDING", RemoveFromVersionId=two)
    assert stages(secrets, "key") == {one: ["AWSCURRENT", "mine"], four: ["AWSPREVIOUS"]}
    shown = secrets.list_secret_version_ids(SecretId="key")["Versions"]
    assert [v["VersionId"] for v in shown] == [one, four]
    found, token = [], {}
    while True:
        page = secrets.list_secret_version_ids(SecretId="key", IncludeDeprecated=True, MaxResults=3, **token)
        found += [v["VersionId"] for v in page["Versions"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == [one, two, three, four]
    fails("InvalidNextTokenException", secrets.list_secret_version_ids, SecretId="key", NextToken="nonsense")
    secrets.update_secret(SecretId="key", Description="")
    assert "Description" not in secrets.describe_secret(SecretId="key")


def test_a_window_of_deletion(secrets, cloud):
    arn = secrets.create_secret(Name="key", SecretString="hush", Tags=[{"Key": "a", "Value": "b"}])["ARN"]
    for more in ({"RecoveryWindowInDays": 6}, {"RecoveryWindowInDays": 31}, {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}):
        fails("InvalidParameterException", secrets.delete_secret, SecretId="key", **more)
    gone = secrets.delete_secret(SecretId="key", RecoveryWindowInDays=7)
    found = secrets.describe_secret(SecretId="key")
    assert abs((gone["DeletionDate"] - found["DeletedDate"]).total_seconds() - 7 * DAY) < 1
    for call, more in (("get_secret_value", {}), ("put_secret_value", {"SecretString": "x"}), ("update_secret", {"Description": "x"}),
                       ("tag_resource", {"Tags": [{"Key": "x", "Value": "y"}]}), ("get_resource_policy", {})):
        message = fails("InvalidRequestException", getattr(secrets, call), SecretId=arn, **more)
        assert message == "You can't perform this operation on the secret because it was marked for deletion."
    assert "scheduled for deletion" in fails("InvalidRequestException", secrets.create_secret, Name="key", SecretString="x")
    fails("InvalidRequestException", secrets.delete_secret, SecretId="key")
    assert secrets.list_secrets()["SecretList"] == []
    assert [s["Name"] for s in secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]] == ["key"]
    back = secrets.restore_secret(SecretId="key")
    assert (back["ARN"], back["Name"]) == (arn, "key")
    assert value(secrets, "key") == "hush" and "DeletedDate" not in secrets.describe_secret(SecretId="key")
    secrets.delete_secret(SecretId="key")
    advance(cloud, 29 * DAY)
    assert secrets.describe_secret(SecretId="key")["ARN"] == arn
    advance(cloud, 2 * DAY)
    fails("ResourceNotFoundException", secrets.describe_secret, SecretId="key")
    tagged = cloud.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "a"}])["ResourceTagMappingList"]
    assert tagged == []


def test_deletion_without_recovery(secrets):
    arn = secrets.create_secret(Name="key", SecretString="hush")["ARN"]
    assert secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)["ARN"] == arn
    fails("ResourceNotFoundException", secrets.describe_secret, SecretId="key")
    secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)  # missing is fine
    fails("ResourceNotFoundException", secrets.delete_secret, SecretId="key")
    fails("ResourceNotFoundException", secrets.restore_secret, SecretId="key")
    assert secrets.create_secret(Name="key", SecretString="new")["ARN"] != arn
    assert value(secrets, "key") == "new"
    secrets.delete_secret(SecretId="key")
    secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    fails("ResourceNotFoundException", secrets.describe_secret, SecretId="key")


def test_lists_filters_and_pages(secrets):
    for i in range(7):
        secrets.create_secret(Name=f"{'ab'[i % 2]}/{i}", SecretString="x", Description=f"Number {i}", Tags=[{"Key": "parity", "Value": "eo"[i % 2]}])

    def names(**how):
        return [s["Name"] for s in secrets.list_secrets(**how)["SecretList"]]

    assert names() == [f"{'ab'[i % 2]}/{i}" for i in range(7)]
    assert names(SortBy="name", SortOrder="desc") == ["b/5", "b/3", "b/1", "a/6", "a/4", "a/2", "a/0"]
    assert names(Filters=[{"Key": "name", "Values": ["a"]}, {"Key": "description", "Values": ["number 4"]}]) == ["a/4"]
    assert names(Filters=[{"Key": "tag-value", "Values": ["!e"]}]) == ["b/1", "b/3", "b/5"]
    for order in ("asc", "desc"):
        pages = list(secrets.get_paginator("list_secrets").paginate(
            SortBy="name", SortOrder=order, Filters=[{"Key": "name", "Values": ["a"]}], PaginationConfig={"PageSize": 2}))
        assert [len(p["SecretList"]) for p in pages] == [2, 2]
        found = [s["Name"] for p in pages for s in p["SecretList"]]
        assert found == sorted(found, reverse=order == "desc") == names(SortBy="name", SortOrder=order, Filters=[{"Key": "name", "Values": ["a"]}])
    entry = secrets.list_secrets(Filters=[{"Key": "name", "Values": ["a/0"]}])["SecretList"][0]
    assert entry["Tags"] == [{"Key": "parity", "Value": "e"}] and list(entry["SecretVersionsToStages"].values()) == [["AWSCURRENT"]]
    fails("InvalidNextTokenException", secrets.list_secrets, NextToken="nonsense")
    batch = secrets.batch_get_secret_value(SecretIdList=["a/0", "none", "b/1"])
    assert [v["Name"] for v in batch["SecretValues"]] == ["a/0", "b/1"] and batch["SecretValues"][0]["SecretString"] == "x"
    assert [(e["SecretId"], e["ErrorCode"]) for e in batch["Errors"]] == [("none", "ResourceNotFoundException")]
    page = secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["b"]}], MaxResults=2)
    assert len(page["SecretValues"]) == 2
    page = secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["b"]}], MaxResults=2, NextToken=page["NextToken"])
    assert [v["Name"] for v in page["SecretValues"]] == ["b/5"] and "NextToken" not in page
    fails("InvalidParameterException", secrets.batch_get_secret_value)


def test_tags_and_the_tagging_service(secrets, cloud):
    arn = secrets.create_secret(Name="key", SecretString="x")["ARN"]
    secrets.tag_resource(SecretId="key", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    secrets.untag_resource(SecretId=arn, TagKeys=["a"])
    assert secrets.describe_secret(SecretId="key")["Tags"] == [{"Key": "b", "Value": "2"}]
    found = cloud.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "b", "Values": ["2"]}], ResourceTypeFilters=["secretsmanager:secret"])
    assert [r["ResourceARN"] for r in found["ResourceTagMappingList"]] == [arn]
    secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    assert cloud.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"] == []


def test_passwords(secrets):
    made = {secrets.get_random_password(PasswordLength=20, ExcludePunctuation=True)["RandomPassword"] for _ in range(20)}
    assert len(made) == 20 and all(len(p) == 20 and p.isalnum() for p in made)
    fails("InvalidParameterException", secrets.get_random_password, PasswordLength=3)


def test_policies(secrets, cloud, session):  # noqa: F811
    arn = secrets.create_secret(Name="key", SecretString="hush")["ARN"]
    deny = policy({"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{cloud.account}:root"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"})
    everybody = policy({"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"})
    fails("MalformedPolicyDocumentException", secrets.put_resource_policy, SecretId="key", ResourcePolicy="{")
    fails("PublicPolicyException", secrets.put_resource_policy, SecretId="key", ResourcePolicy=everybody, BlockPublicPolicy=True)
    assert not secrets.validate_resource_policy(ResourcePolicy=everybody)["PolicyValidationPassed"]
    assert secrets.validate_resource_policy(ResourcePolicy=deny)["PolicyValidationPassed"]
    role = session("secretsmanager", allow("secretsmanager:*"))
    assert value(role, "key") == "hush"
    secrets.put_resource_policy(SecretId="key", ResourcePolicy=deny)
    assert json.loads(secrets.get_resource_policy(SecretId=arn)["ResourcePolicy"]) == json.loads(deny)
    assert "explicit deny" in fails("AccessDeniedException", role.get_secret_value, SecretId="key")
    secrets.delete_resource_policy(SecretId="key")
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="key") and value(role, "key") == "hush"


def test_a_role_reads_what_its_policy_names(secrets, cloud, session):  # noqa: F811
    arn = secrets.create_secret(Name="mine", SecretString="hush")["ARN"]
    secrets.create_secret(Name="mine-too", SecretString="other")
    pattern = f"arn:aws:secretsmanager:{cloud.region}:{cloud.account}:secret:mine-??????"
    role = session("secretsmanager", allow("secretsmanager:GetSecretValue", pattern), allow("secretsmanager:BatchGetSecretValue"))
    for name in ("mine", arn, arn[:-7]):
        assert value(role, name) == "hush"
    message = fails("AccessDeniedException", role.get_secret_value, SecretId="mine-too")
    assert "secretsmanager:GetSecretValue" in message and "other" not in message
    fails("AccessDeniedException", role.put_secret_value, SecretId="mine", SecretString="x")
    fails("AccessDeniedException", role.create_secret, Name="new", SecretString="x")
    batch = role.batch_get_secret_value(SecretIdList=["mine", "mine-too"])
    assert [v["Name"] for v in batch["SecretValues"]] == ["mine"] and [e["ErrorCode"] for e in batch["Errors"]] == ["AccessDeniedException"]
    maker = session("secretsmanager", allow("secretsmanager:CreateSecret", pattern.replace("mine", "new")))
    maker.create_secret(Name="new", SecretString="x")


def test_the_aws_cli(cloud):
    made = cloud.aws("secretsmanager", "create-secret", "--name", "cli/key", "--secret-string", "hush")
    assert cloud.aws("secretsmanager", "get-secret-value", "--secret-id", made["ARN"], "--query", "SecretString") == "hush"
    cloud.aws("secretsmanager", "put-secret-value", "--secret-id", "cli/key", "--secret-string", "new")
    assert [s["Name"] for s in cloud.aws("secretsmanager", "list-secrets")["SecretList"]] == ["cli/key"]
    cloud.aws("secretsmanager", "delete-secret", "--secret-id", "cli/key", "--force-delete-without-recovery")
    assert cloud.aws("secretsmanager", "list-secrets")["SecretList"] == []


def test_a_crash_loses_nothing_that_was_answered(cloud):
    cloud.client("secretsmanager").create_secret(Name="key", SecretString="hush")
    cloud.kill()
    cloud.start()
    assert value(cloud.client("secretsmanager"), "key") == "hush"
    for path in glob.glob(os.path.join(cloud.dir, "*.db*")) + glob.glob(os.path.join(cloud.dir, "*.sqlite*")):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0 or stat.S_IMODE(os.stat(cloud.dir).st_mode) & 0o077 == 0, path


def test_a_filter_denied_a_million_times(cloud):
    client = cloud.client("secretsmanager")
    client.create_secret(Name="a", SecretString="x")
    for marks, found in (("!" * 400_000, ["a"]), ("!" * 400_001, [])):
        reply = client.list_secrets(Filters=[{"Key": "name", "Values": [marks + "a"]}])
        assert [s["Name"] for s in reply["SecretList"]] == found
