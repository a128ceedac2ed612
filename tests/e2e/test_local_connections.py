"""Glue's connections in the local cloud, by boto3."""
import pytest

from test_local_glue_jobs import fails
from test_local_iam import allow, iam, session  # noqa: F401

PROPERTIES = {"JDBC_CONNECTION_URL": "jdbc:postgresql://localhost:5432/shop", "USERNAME": "shop", "PASSWORD": "open sesame"}


@pytest.fixture
def glue(cloud):
    return cloud.client("glue")


def connection(name, **more):
    return {"Name": name, "ConnectionType": "JDBC", "ConnectionProperties": PROPERTIES, **more}


def test_life(glue, cloud):
    network = {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1", "sg-2"], "AvailabilityZone": "us-east-1a"}
    given = connection("one", Description="d", MatchCriteria=["a", "b"], PhysicalConnectionRequirements=network)
    assert glue.create_connection(ConnectionInput=given, Tags={"k": "v"})["CreateConnectionStatus"] == "READY"
    found = glue.get_connection(Name="one")["Connection"]
    assert {k: found[k] for k in given} == given
    assert (found["Status"], found["ConnectionSchemaVersion"]) == ("READY", 1) and found["CreationTime"] == found["LastUpdatedTime"] and found["LastUpdatedBy"].endswith(":root")
    hidden = glue.get_connection(Name="one", HidePassword=True)["Connection"]
    assert hidden["ConnectionProperties"] == {k: v for k, v in PROPERTIES.items() if k != "PASSWORD"}
    arn = f"arn:aws:glue:{cloud.region}:{cloud.account}:connection/one"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"k": "v"}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"m": "n"})
    tagged = cloud.client("resourcegroupstaggingapi")
    assert [r["ResourceARN"] for r in tagged.get_resources(TagFilters=[{"Key": "m"}])["ResourceTagMappingList"]] == [arn]
    # an update replaces it whole
    glue.update_connection(Name="one", ConnectionInput={"Name": "one", "ConnectionType": "KAFKA", "ConnectionProperties": {
        "KAFKA_BOOTSTRAP_SERVERS": "b:9092", "KAFKA_SASL_PLAIN_PASSWORD": "p", "KAFKA_SASL_PLAIN_USERNAME": "u"}})
    found = glue.get_connection(Name="one", HidePassword=True)["Connection"]
    assert found["ConnectionProperties"] == {"KAFKA_BOOTSTRAP_SERVERS": "b:9092", "KAFKA_SASL_PLAIN_USERNAME": "u"} and "Description" not in found
    fails("AlreadyExistsException", glue.create_connection, ConnectionInput=given)
    fails("InvalidInputException", glue.update_connection, Name="one", ConnectionInput=connection("two"))
    fails("EntityNotFoundException", glue.update_connection, Name="two", ConnectionInput=connection("two"))
    glue.delete_connection(ConnectionName="one")
    fails("EntityNotFoundException", glue.get_connection, Name="one")
    fails("EntityNotFoundException", glue.delete_connection, ConnectionName="one")
    fails("EntityNotFoundException", glue.get_tags, ResourceArn=arn)
    assert tagged.get_resources()["ResourceTagMappingList"] == []


@pytest.mark.parametrize("wrong", [
    {"ConnectionProperties": {"USERNAME": "u", "PASSWORD": "p"}}, {"ConnectionProperties": {"JDBC_CONNECTION_URL": "x"}}, {"ConnectionType": "KAFKA"}, {"ConnectionType": "MONGODB"},
    {"Name": ""}, {"ConnectionProperties": {**PROPERTIES, "HOST": "x" * 1025}}])
def test_refused(glue, cloud, wrong):
    glue = cloud.client("glue", parameter_validation=False)
    message = fails("InvalidInputException", glue.create_connection, ConnectionInput=connection("one", **wrong))
    assert "open sesame" not in message
    assert glue.get_connections()["ConnectionList"] == []


def test_lists(glue):
    for i in range(7):
        glue.create_connection(ConnectionInput=connection(f"c{i}", MatchCriteria=["odd"] if i % 2 else ["even", "low"][: 1 + (i < 3)]))
    glue.create_connection(ConnectionInput={"Name": "net", "ConnectionType": "NETWORK", "ConnectionProperties": {}})
    pages = list(glue.get_paginator("get_connections").paginate(PaginationConfig={"PageSize": 3}, HidePassword=True))
    assert [[c["Name"] for c in p["ConnectionList"]] for p in pages] == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6", "net"]]
    assert all("PASSWORD" not in c["ConnectionProperties"] for p in pages for c in p["ConnectionList"])

    def names(**criteria):
        return [c["Name"] for c in glue.get_connections(Filter=criteria)["ConnectionList"]]

    assert names(ConnectionType="NETWORK") == ["net"] and names(MatchCriteria=["odd"]) == ["c1", "c3", "c5"] and names(MatchCriteria=["low", "even"]) == ["c0", "c2"]
    assert names(ConnectionSchemaVersion=2) == []
    gone = glue.batch_delete_connection(ConnectionNameList=["c0", "nobody", "net"])
    assert gone["Succeeded"] == ["c0", "net"] and gone["Errors"]["nobody"]["ErrorCode"] == "EntityNotFoundException"
    assert len(glue.get_connections()["ConnectionList"]) == 6


def test_authentication_shows_no_secrets(glue):
    glue.create_connection(ConnectionInput={"Name": "force", "ConnectionType": "SALESFORCE", "ConnectionProperties": {"HOST": "x.example"}, "AuthenticationConfiguration": {
        "AuthenticationType": "OAUTH2", "SecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-abcdef", "OAuth2Properties": {
            "OAuth2GrantType": "CLIENT_CREDENTIALS", "TokenUrl": "https://x.example/token", "OAuth2Credentials": {"UserManagedClientApplicationClientSecret": "sesame"}}}})
    found = glue.get_connection(Name="force")["Connection"]
    assert found["ConnectionSchemaVersion"] == 2 and "sesame" not in str(found)
    assert found["AuthenticationConfiguration"]["OAuth2Properties"] == {"OAuth2GrantType": "CLIENT_CREDENTIALS", "TokenUrl": "https://x.example/token"}


def test_a_job_needs_its_connections(glue, cloud):
    trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
    cloud.client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=trust)
    glue.create_job(Name="j", Role="R", Command={"Name": "pythonshell", "ScriptLocation": "s3://b/k.py"}, Connections={"Connections": ["one", "two"]})
    glue.create_connection(ConnectionInput=connection("one"))
    assert "two" in fails("EntityNotFoundException", glue.start_job_run, JobName="j")
    glue.create_connection(ConnectionInput=connection("two"))
    assert glue.start_job_run(JobName="j")["JobRunId"].startswith("jr_")


def test_rights(glue, cloud, session):  # noqa: F811
    for name in ("mine", "theirs"):
        glue.create_connection(ConnectionInput=connection(name))
    limited = session("glue", allow(["glue:GetConnection", "glue:DeleteConnection"], f"arn:aws:glue:{cloud.region}:{cloud.account}:connection/mine"))
    assert limited.get_connection(Name="mine")["Connection"]["Name"] == "mine"
    fails("AccessDeniedException", limited.get_connection, Name="theirs")
    fails("AccessDeniedException", limited.delete_connection, ConnectionName="theirs")
    fails("AccessDeniedException", limited.get_connections)
    limited.delete_connection(ConnectionName="mine")
