"""AWS::RedshiftServerless::Namespace and Workgroup through the program: set-up, change, replacement, loss of data, teardown."""
import json

import pytest

from shop import Shop
from warehouse import until

PROJECT = "Project: house\nStacks: [house]\n"
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "CopyRole", "AssumeRolePolicyDocument": {
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}


def template(space=None, group=None, **more):
    arn = {"Fn::GetAtt": ["Role", "Arn"]}
    return json.dumps({"Resources": {
        "Role": ROLE,
        "Space": {"Type": "AWS::RedshiftServerless::Namespace", "Properties": {
            "NamespaceName": "house", "DbName": "crypto", "ManageAdminPassword": True, "IamRoles": [arn], "DefaultIamRoleArn": arn, **(space or {})}},
        "Group": {"Type": "AWS::RedshiftServerless::Workgroup", "Properties": {
            "WorkgroupName": "house-wg", "NamespaceName": {"Ref": "Space"}, "BaseCapacity": 8, **(group or {})}},
        **more},
        "Outputs": {"Host": {"Value": {"Fn::GetAtt": ["Group", "Workgroup.Endpoint.Address"]}}, "Secret": {"Value": {"Fn::GetAtt": ["Space", "Namespace.AdminPasswordSecretArn"]}},
                    "Db": {"Value": {"Fn::GetAtt": ["Space", "Namespace.DbName"]}}, "Name": {"Value": {"Ref": "Group"}}, "Arn": {"Value": {"Fn::GetAtt": ["Group", "Workgroup.WorkgroupArn"]}}}})


@pytest.fixture
def house(run_glueproj, cloud):
    return Shop(run_glueproj, cloud, **{"glueproj.yaml": PROJECT, "house.yaml": template()})


def run_sql(cloud, *sqls, workgroup="house-wg"):
    data = cloud.client("redshift-data")
    found = data.batch_execute_statement(Sqls=list(sqls), WorkgroupName=workgroup, Database="crypto", WaitTimeSeconds=20)
    assert found["Status"] == "FINISHED", data.describe_statement(Id=found["Id"]).get("Error")


def test_life_of_a_warehouse(house, cloud):
    api = cloud.client("redshift-serverless")
    done = house("setup").ok()
    assert set(done.actions().values()) == {"create"}
    outputs = house("outputs").ok().json["outputs"]["house"]
    assert outputs["Host"].startswith("house-wg.") and outputs["Db"] == "crypto" and outputs["Name"] == "house-wg"
    assert outputs["Arn"] == api.get_workgroup(workgroupName="house-wg")["workgroup"]["workgroupArn"]
    assert cloud.client("secretsmanager").get_secret_value(SecretId=outputs["Secret"])["SecretString"]
    assert set(house("setup").ok().actions().values()) == {"none"}
    run_sql(cloud, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")

    # several settings at once: AWS takes one a call
    house.write("house.yaml", template({"LogExports": ["userlog"], "Tags": [{"Key": "k", "Value": "v"}]}, {
        "BaseCapacity": 16, "MaxCapacity": 32, "Port": 5440, "ConfigParameters": [{"ParameterKey": "max_query_execution_time", "ParameterValue": "60"}]}))
    assert house("setup").ok().actions() == {("house", "Role"): "none", ("house", "Space"): "update", ("house", "Group"): "update"}
    group = api.get_workgroup(workgroupName="house-wg")["workgroup"]
    assert (group["baseCapacity"], group["maxCapacity"], group["port"], group["status"]) == (16, 32, 5440, "AVAILABLE")
    assert {p["parameterKey"]: p["parameterValue"] for p in group["configParameters"]}["max_query_execution_time"] == "60"
    assert api.get_namespace(namespaceName="house")["namespace"]["logExports"] == ["userlog"]
    house.write("house.yaml", template())
    house("setup").ok()
    group = api.get_workgroup(workgroupName="house-wg")["workgroup"]
    assert (group["baseCapacity"], group["port"]) == (8, 5439) and api.get_namespace(namespaceName="house")["namespace"]["logExports"] == []
    assert house("plan", "--drift").ok().json["drift"] == []

    # a database that goes takes its tables along: not without being told
    house.write("house.yaml", template({"DbName": "other"}))
    refused = house("setup").fails(1)
    assert "1 tables" in str(refused) and "--allow-data-loss" in str(refused)
    assert api.get_namespace(namespaceName="house")["namespace"]["dbName"] == "crypto"

    # a statement under way does not hold its workgroup
    slow = cloud.client("redshift-data").execute_statement(
        Sql="SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b", WorkgroupName="house-wg", Database="crypto")["Id"]
    until(lambda: cloud.client("redshift-data").describe_statement(Id=slow)["Status"] == "STARTED")
    house.write("house.yaml", template())
    gone = house("teardown", "--yes").ok()
    assert gone.json["left"] == []
    assert cloud.client("redshift-data").describe_statement(Id=slow)["Status"] == "ABORTED"
    assert api.list_namespaces()["namespaces"] == [] and api.list_workgroups()["workgroups"] == []
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_final_snapshot_is_left_behind(house, cloud):
    api = cloud.client("redshift-serverless")
    house.write("house.yaml", template({"FinalSnapshotName": "the-end", "FinalSnapshotRetentionPeriod": 7}))
    house("setup").ok()
    house("teardown", "--yes").ok()
    (kept,) = api.list_snapshots()["snapshots"]
    assert (kept["snapshotName"], kept["snapshotRetentionPeriod"], kept["namespaceName"]) == ("the-end", 7, "house")
    assert api.get_snapshot(snapshotName="the-end")["snapshot"]["status"] == "AVAILABLE"
    api.delete_snapshot(snapshotName="the-end")
    assert api.list_snapshots()["snapshots"] == []


def test_what_is_refused_before_any_call(house):
    for space, group, text in (
            ({"AdminUserPassword": "Secret123word"}, {}, "does not go with ManageAdminPassword"), ({}, {"Port": 80}, "Port is 5431"),
            ({}, {"BaseCapacity": 16, "MaxCapacity": 8}, "smaller than BaseCapacity"), ({"NamespaceResourcePolicy": {}}, {}, "NamespaceResourcePolicy"),
            ({}, {"SnapshotName": "x"}, "SnapshotName"), ({"NamespaceName": "No"}, {}, "NamespaceName")):
        house.write("house.yaml", template(space, group))
        assert text in str(house("validate").fails(2))


def test_foreign_ones_are_not_taken(house, cloud):
    cloud.client("redshift-serverless").create_namespace(namespaceName="house")
    assert "NotOwned" in str(house("setup").fails(1))


def test_what_carries_the_projects_tags_is_found_at_the_end(house, cloud):
    """Its ARN has an id, not a name."""
    api = cloud.client("redshift-serverless")
    house("setup").ok()
    api.create_namespace(namespaceName="left-over", tags=[{"key": "glueproj:project", "value": "house"}])
    left = house("teardown", "--yes").fails(1).json["left"]
    assert [(x["type"], x["physical_id"]) for x in left] == [("AWS::RedshiftServerless::Namespace", "left-over")]
    api.delete_namespace(namespaceName="left-over")
