"""Answers of the local cloud that other projects' test suites (tests/conformance/suites) showed to differ from AWS's."""
import json

import pytest

from test_local_glue_jobs import fails

TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_secrets_are_found_by_words(cloud):
    secrets = cloud.client("secretsmanager")
    for name, text in (("words/AppBeta", "one two"), ("words-COMPANYthings", "One and two"), ("words", "twofold")):
        secrets.create_secret(Name=name, SecretString="s", Description=text)

    def found(key, *values):
        filters = [{"Key": key, "Values": list(values)}, {"Key": "name", "Values": ["words"]}]
        return {s["Name"] for s in secrets.list_secrets(Filters=filters)["SecretList"]}

    assert found("description", "tw on") == {"words/AppBeta", "words-COMPANYthings"}
    assert found("all", "beta") == {"words/AppBeta"}
    assert found("all", "Ythings") == {"words-COMPANYthings"}
    assert found("all", "things") == found("all", "+") == set()


def test_a_secret_has_a_list_of_tags_once_it_had_one(cloud):
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="tags-once")
    assert "Tags" not in secrets.describe_secret(SecretId="tags-once")
    secrets.tag_resource(SecretId="tags-once", Tags=[{"Key": "a", "Value": "b"}])
    secrets.untag_resource(SecretId="tags-once", TagKeys=["a"])
    assert secrets.describe_secret(SecretId="tags-once")["Tags"] == []


def test_only_what_is_there_is_tagged(cloud):
    tagging, logs = cloud.client("resourcegroupstaggingapi"), cloud.client("logs")
    logs.create_log_group(logGroupName="/answers/there")
    there = logs.describe_log_groups(logGroupNamePrefix="/answers/there")["logGroups"][0]["logGroupArn"]
    absent = there.replace("/there", "/absent")
    other = "arn:aws:nosuch:us-east-1:000000000000:thing"
    failed = tagging.tag_resources(ResourceARNList=[absent, there, other], Tags={"k": "v"})["FailedResourcesMap"]
    assert {arn: (f["StatusCode"], f["ErrorCode"]) for arn, f in failed.items()} == {
        absent: (400, "InvalidParameterException"), other: (400, "InvalidParameterException")
    }
    assert [r["ResourceARN"] for r in tagging.get_resources(ResourceARNList=[there, absent])["ResourceTagMappingList"]] == [there]
    assert list(tagging.untag_resources(ResourceARNList=[absent], TagKeys=["k"])["FailedResourcesMap"]) == [absent]
    fails("InvalidParameterException", tagging.tag_resources, ResourceARNList=["arn:nope"], Tags={"k": "v"})
    fails("InvalidParameterException", tagging.get_resources, ResourceARNList=[there], TagFilters=[{"Key": "k"}])


def test_log_groups_by_arn(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/answers/arn")
    logs.create_log_stream(logGroupName="/answers/arn", logStreamName="s")
    group = logs.describe_log_groups(logGroupNamePrefix="/answers/arn")["logGroups"][0]
    assert logs.get_log_events(logGroupIdentifier=group["logGroupArn"], logStreamName="s")["events"] == []
    fails("InvalidParameterException", logs.get_log_events, logGroupIdentifier=group["arn"], logStreamName="s")
    elsewhere = group["logGroupArn"].replace(":log-group:", ":delivery:")
    fails("ResourceNotFoundException", logs.get_log_events, logGroupIdentifier=elsewhere, logStreamName="s")
    fails("InvalidParameterException", logs.create_log_group, logGroupName="/answers/class", logGroupClass="ARCHIVE")


@pytest.mark.parametrize("kind, good, bad", [
    ("date", "c = '2022-02-01'", "c = '2022-02-30'"), ("int", "c in (1, '2')", "c = 2.5"), ("decimal(5,2)", "c > 1.5", "c like '1%'"),
    ("timestamp", "c = '2022-02-01 00:00:00.0'", "c = '2022-02-01'"),
])
def test_literals_of_a_partition_keys_type(cloud, kind, good, bad):
    glue = cloud.client("glue")
    database = "answers_" + kind.split("(")[0]
    value = {"date": "2022-02-01", "timestamp": "2022-02-01 00:00:00.000000"}.get(kind, "2")
    table = {"DatabaseName": database, "TableName": "t"}
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": [{"Name": "c", "Type": kind}]})
    glue.create_partition(**table, PartitionInput={"Values": [value]})
    for expression in (good, " "):
        assert [p["Values"] for p in glue.get_partitions(**table, Expression=expression)["Partitions"]] == [[value]]
    fails("InvalidInputException", glue.get_partitions, **table, Expression=bad)
    made = glue.get_partition(**table, PartitionValues=[value])["Partition"]["CreationTime"]
    glue.update_partition(**table, PartitionValueList=[value], PartitionInput={"Values": [value], "Parameters": {"a": "b"}})
    assert glue.get_partition(**table, PartitionValues=[value])["Partition"]["CreationTime"] == made


def test_tags_of_a_user_in_any_case(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="answers", Tags=[{"Key": "Department", "Value": "a"}])
    iam.tag_user(UserName="answers", Tags=[{"Key": "department", "Value": "b"}])
    assert iam.list_user_tags(UserName="answers")["Tags"] == [{"Key": "department", "Value": "b"}]
    iam.untag_user(UserName="answers", TagKeys=["DEPARTMENT"])
    assert iam.list_user_tags(UserName="answers")["Tags"] == []


def test_a_trust_policy_names_whom_it_trusts(cloud):
    iam = cloud.client("iam")
    negated = {**TRUST, "Effect": "Deny", "NotPrincipal": {"AWS": "*"}}
    del negated["Principal"]
    error = fails("MalformedPolicyDocument", iam.create_role, RoleName="answers", AssumeRolePolicyDocument=document(TRUST, negated))
    assert "must not contain NotPrincipal" in str(error)
    iam.create_role(RoleName="answers", AssumeRolePolicyDocument=document(TRUST))
    fails("EntityAlreadyExists", iam.create_role, RoleName="answers", AssumeRolePolicyDocument=document(negated))
    fails("NoSuchEntity", iam.update_assume_role_policy, RoleName="answers-none", PolicyDocument=document(negated))


def test_whose_key_it_is(cloud):
    sts = cloud.client("sts")
    own = sts.get_caller_identity()["Account"]
    issued = sts.get_session_token()["Credentials"]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=issued)["Account"] == own
    assert sts.get_access_key_info(AccessKeyId="AKIAQAAAAAABAAAAAAAA")["Account"] == "000000000002"
    fails("ValidationError", sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    fails("ValidationError", sts.assume_role, RoleArn="arn:aws:iam::000000000000:user/x", RoleSessionName="session")
