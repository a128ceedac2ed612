"""Every property of CloudFormation's resource schemas, through the program and the local cloud: either it arrives and is changed, or it is refused by name."""
import json
import os
import re
import sys

import pytest

pytest.importorskip("cfnlint")

import properties
import type_rows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from conftest import assert_sound  # noqa: E402
from helpers import Cloud, Runner  # noqa: E402
from model_proxy import ModelProxy  # noqa: E402
from shop import Shop  # noqa: E402

TYPES = sorted({kind for kind, *_ in properties.RESOURCES.values()})
# The local cloud has no users and groups: see test_policies_of_users_and_groups.
ELSEWHERE = {"AWS::IAM::Policy.Users", "AWS::IAM::Policy.Groups"} | {
    # Definitions that lie in S3: see test_definition_in_a_file and test_definition_in_s3 of test_more_types.py.
    f"AWS::StepFunctions::StateMachine.DefinitionS3Location{p}" for p in ("", ".Bucket", ".Key", ".Version")}
ELSEWHERE |= {"AWS::SNS::Subscription.ReplayPolicy"}  # the local cloud keeps no archive of a topic's messages, and says so
PROJECT = "Project: all\nStacks: [all]\n"


@pytest.mark.parametrize("type_name", TYPES)
def test_every_property_is_used_or_refused(type_name):
    """No path is forgotten, and none is in both."""
    skip = type_rows.listed(type_name, "readOnlyProperties") | type_rows.unsupported(type_name)
    wanted = {p for p in type_rows.properties(type_name) if not type_rows.within(p, skip)}
    used = properties.used(type_name) | ELSEWHERE
    assert wanted - used == set()
    assert not {p for p in used - ELSEWHERE if type_rows.within(p, type_rows.unsupported(type_name))}


@pytest.fixture(scope="module")
def all_types(tmp_path_factory):
    """The project, set up with the first variant; what stands is judged at the end."""
    runner = Runner(tmp_path_factory.mktemp("properties"))
    cloud = Cloud(runner, runner.folder / "cloud", "--account", properties.ACCOUNT)
    with ModelProxy(cloud.endpoint) as cloud.checker, ModelProxy(cloud.endpoint) as cloud.judge:
        shop = Shop(runner, cloud, **{"glueproj.yaml": PROJECT})
        yield shop
    cloud.stop().ok()
    assert_sound(cloud.checker)
    assert_sound(cloud.judge)




# --- what stands, by boto3 ---
BUCKET_PARTS = (
    "accelerate_configuration", "cors", "encryption", "lifecycle_configuration", "logging", "notification_configuration", "ownership_controls", "tagging", "versioning",
    "website",
)


def read_bucket(cloud, name):
    s3, found = cloud.client("s3"), {}
    for part in BUCKET_PARTS:
        try:
            found[part] = getattr(s3, f"get_bucket_{part}")(Bucket=name)
        except s3.exceptions.ClientError as e:
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 404, e
    found["block"] = s3.get_public_access_block(Bucket=name)
    try:
        found["lock"] = s3.get_object_lock_configuration(Bucket=name)
    except s3.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError"
    return found


def read_role(cloud, name):
    iam = cloud.client("iam")
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {"role": iam.get_role(RoleName=name), "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            "inline": [iam.get_role_policy(RoleName=name, PolicyName=p) for p in names]}


def read_managed(cloud, name):
    iam, arn = cloud.client("iam"), f"arn:aws:iam::{cloud.account}:policy/managed/{name}"
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    return {"policy": found, "version": iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"]), "roles": iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]}


def read_glue(operation, key, kind):
    def read(cloud, name):
        glue, arn = cloud.client("glue"), f"arn:aws:glue:{cloud.region}:{cloud.account}:{kind}/{name}"
        return {"it": getattr(glue, operation)(**{key: name}), "tags": glue.get_tags(ResourceArn=arn)["Tags"]}

    return read


def read_group(cloud, name):
    athena = cloud.client("athena")
    arn = f"arn:aws:athena:{cloud.region}:{cloud.account}:workgroup/{name}"
    return {"it": athena.get_work_group(WorkGroup=name), "tags": athena.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def read_secret(cloud, name):
    secrets = cloud.client("secretsmanager")
    return {"it": secrets.describe_secret(SecretId=name), "value": secrets.get_secret_value(SecretId=name)["SecretString"]}


def read_machine(cloud, name):
    sfn, arn = cloud.client("stepfunctions"), f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:{name}"
    found = sfn.describe_state_machine(stateMachineArn=arn)
    # as it stood in the template, before the substitutions
    text = found["definition"].replace('"one"', '"${Word}"').replace('"two"', '"${Word}"')
    return {"it": found, "Definition": json.loads(text), "DefinitionString": text, "Word": [w for w in ("one", "two") if w in found["definition"]],
            "tags": [{"Key": t["key"], "Value": t["value"]} for t in sfn.list_tags_for_resource(resourceArn=arn)["tags"]]}


def read_activity(cloud, name):
    sfn, arn = cloud.client("stepfunctions"), f"arn:aws:states:{cloud.region}:{cloud.account}:activity:{name}"
    return {"it": sfn.describe_activity(activityArn=arn), "Name": name, "tags": [{"Key": t["key"], "Value": t["value"]} for t in sfn.list_tags_for_resource(resourceArn=arn)["tags"]]}


def read_log_group(cloud, name):
    logs = cloud.client("logs")
    tags = logs.list_tags_for_resource(resourceArn=f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:{name}")["tags"]
    return {"it": logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0], "tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def read_alarm(cloud, name):
    watch = cloud.client("cloudwatch")
    (found,) = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return {"it": found, "tags": watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]}


def read_warehouse(kind):
    def read(cloud, name):
        api = cloud.client("redshift-serverless")
        found = getattr(api, f"get_{kind}")(**{f"{kind}Name": name})[kind]
        return {"it": found, "tags": [{"Key": t["key"], "Value": t["value"]} for t in api.list_tags_for_resource(resourceArn=found[f"{kind}Arn"])["tags"]]}

    return read


def opened(attributes):
    return {k: json.loads(v) if v[:1] == "{" else v for k, v in attributes.items()}


def read_queue(cloud, name):
    client = cloud.client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    tags = client.list_queue_tags(QueueUrl=url).get("Tags", {})
    return {"it": opened(client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]), "QueueName": name, "tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def read_topic(cloud, name):
    client, arn = cloud.client("sns"), f"arn:aws:sns:{cloud.region}:{cloud.account}:{name}"
    return {"it": opened(client.get_topic_attributes(TopicArn=arn)["Attributes"]), "TopicName": name, "tags": client.list_tags_for_resource(ResourceArn=arn)["Tags"],
            "subscriptions": client.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]}


def read_subscription(cloud, endpoint):
    client = cloud.client("sns")
    (found,) = [s for s in client.list_subscriptions()["Subscriptions"] if s["Endpoint"] == endpoint]
    return opened(client.get_subscription_attributes(SubscriptionArn=found["SubscriptionArn"])["Attributes"])


def read_rule(cloud, name):
    client = cloud.client("events")
    found = client.describe_rule(Name=name)
    return {"it": {**found, "EventPattern": json.loads(found["EventPattern"])}, "targets": client.list_targets_by_rule(Rule=name)["Targets"],
            "tags": client.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]}


def policy_of(read):
    return lambda cloud, _: {"PolicyDocument": read(cloud, "all-properties")["it"]["Policy"]}


READERS = {
    "AWS::SQS::Queue": ("QueueName", read_queue), "AWS::SNS::Topic": ("TopicName", read_topic), "AWS::SNS::Subscription": ("Endpoint", read_subscription),
    "AWS::Events::Rule": ("Name", read_rule), "AWS::SQS::QueuePolicy": ("PolicyDocument", policy_of(read_queue)), "AWS::SNS::TopicPolicy": ("PolicyDocument", policy_of(read_topic)),
    "AWS::RedshiftServerless::Namespace": ("NamespaceName", read_warehouse("namespace")), "AWS::RedshiftServerless::Workgroup": ("WorkgroupName", read_warehouse("workgroup")),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", read_machine), "AWS::StepFunctions::Activity": ("Name", read_activity), "AWS::Logs::LogGroup": ("LogGroupName", read_log_group),
    "AWS::Glue::Classifier": ("CsvClassifier.Name|GrokClassifier.Name|JsonClassifier.Name|XMLClassifier.Name", lambda cloud, name: cloud.client("glue").get_classifier(Name=name)),
    "AWS::CloudWatch::Alarm": ("AlarmName", read_alarm), "AWS::Glue::Connection": ("ConnectionInput.Name", read_glue("get_connection", "Name", "connection")),
    "AWS::S3::Bucket": ("BucketName", read_bucket), "AWS::IAM::Role": ("RoleName", read_role), "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", read_managed),
    "AWS::IAM::Policy": ("PolicyName", lambda cloud, name: cloud.client("iam").get_role_policy(RoleName="AllProperties", PolicyName=name)),
    "AWS::Glue::Database": ("DatabaseInput.Name", read_glue("get_database", "Name", "database")), "AWS::Glue::Crawler": ("Name", read_glue("get_crawler", "Name", "crawler")),
    "AWS::Glue::Table": ("TableInput.Name", lambda cloud, name: cloud.client("glue").get_table(DatabaseName="all_properties", Name=name)),
    "AWS::Glue::Job": ("Name", read_glue("get_job", "JobName", "job")), "AWS::Glue::Workflow": ("Name", read_glue("get_workflow", "Name", "workflow")),
    "AWS::Glue::Trigger": ("Name", read_glue("get_trigger", "Name", "trigger")), "AWS::Athena::WorkGroup": ("Name", read_group),
    "AWS::SecretsManager::Secret": ("Name", read_secret),
}


def leaves(value, path=()):
    """[(names on the way, value)]; documents of policies and texts that hold JSON are one value."""
    if isinstance(value, dict) and "Statement" not in value and not is_function(value):
        return [leaf for k, v in value.items() for leaf in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [leaf for v in value for leaf in leaves(v, path)]
    return [(path, plain(value))]


def is_function(value):
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def plain(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(float(value))
    if hasattr(value, "isoformat"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str):
        try:
            return json.dumps(json.loads(value), sort_keys=True) if value[:1] in "{[" else repr(float(value))
        except ValueError:
            return value
    return json.dumps(value, sort_keys=True)


# What has another name when it is read back than in CloudFormation and in the rows.
ALIASES = {
    "Function": {"LambdaFunctionArn"}, "Queue": {"QueueArn"}, "Topic": {"TopicArn"}, "Event": {"Events"}, "ManagedPolicyArns": {"PolicyArn"},
    "PermissionsBoundary": {"PermissionsBoundaryArn"}, "PolicyDocument": {"Document"}, "ScanAll": {"scanAll"}, "ScanRate": {"scanRate"}, "ManagedPolicyName": {"PolicyName"},
    "WorkGroupConfiguration": {"Configuration"}, "SecretString": {"value"}, "DestinationBucketName": {"TargetBucket"}, "Tags": {"tags", "TagSet"}, "AllocatedCapacity": {"MaxCapacity"},
    "EncryptionType": {"EncryptionType"}, "StateMachineName": {"name"}, "LogGroupName": {"logGroupName"},
}
# What cannot be read back, and why.
UNREADABLE = {
    "AWS::S3::Bucket.AccessControl": "ACLs are off", "AWS::S3::Bucket.BucketName": "it is what is asked with", "AWS::S3::Bucket.ObjectLockEnabled": "it is what the lock stands on",
    "AWS::Athena::WorkGroup.RecursiveDeleteOption": "of the delete", "AWS::Glue::Trigger.StartOnCreation": "the trigger's state shows it",
    "AWS::Glue::Database.DatabaseName": "the same as DatabaseInput.Name", "AWS::Glue::Table.Name": "the same as TableInput.Name",
    "AWS::S3::Bucket.NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled": "an empty element",
}
AUTHENTICATION = "AWS::Glue::Connection.ConnectionInput.AuthenticationConfiguration"
UNREADABLE.update(dict.fromkeys([
    f"{AUTHENTICATION}.BasicAuthenticationCredentials.Username", f"{AUTHENTICATION}.BasicAuthenticationCredentials.Password", f"{AUTHENTICATION}.CustomAuthenticationCredentials.token",
    *(f"{AUTHENTICATION}.OAuth2Properties.AuthorizationCodeProperties.{p}" for p in ("AuthorizationCode", "RedirectUri")),
    *(f"{AUTHENTICATION}.OAuth2Properties.OAuth2Credentials.{p}" for p in ("AccessToken", "JwtToken", "RefreshToken", "UserManagedClientApplicationClientSecret")),
    "AWS::Glue::Connection.ConnectionInput.ValidateCredentials", "AWS::Glue::Connection.ConnectionInput.ValidateForComputeEnvironments"], "Glue takes it and never shows it"))
UNREADABLE["AWS::Glue::Connection.CatalogId"] = "it is what is asked with"
UNREADABLE.update({
    "AWS::RedshiftServerless::Namespace.AdminUserPassword": "a password", "AWS::RedshiftServerless::Namespace.ManageAdminPassword": "the secret's ARN shows it",
    "AWS::RedshiftServerless::Namespace.FinalSnapshotName": "of the delete", "AWS::RedshiftServerless::Namespace.FinalSnapshotRetentionPeriod": "of the delete",
    "AWS::RedshiftServerless::Namespace.RedshiftIdcApplicationArn": "CreateNamespace takes it and never shows it",
})
OBJECT_LEAVES = ("SparkProperties", "AdditionalConfigs", "Properties", "LogTypes")


def names_of(kind, path):
    rows, _ = type_rows.dumped()
    row = rows.get(".".join((kind, *path)))
    found = {path[-1]} | ALIASES.get(path[-1], set())
    if row:
        last = row["wire"].rsplit("/", 1)[1]
        found |= {last, last + "s", last[0].upper() + last[1:]}
    return found


def not_found(kind, wanted, live):
    """The leaves of `wanted` that are not in `live` under a name that they may have there."""
    there, missing = {}, []
    for path, value in leaves(live):
        there.setdefault(value, set()).add(path[-1] if path else "value")
    for path, value in leaves(wanted):
        full = ".".join((kind, *path))
        if full in UNREADABLE or '"Ref"' in value or '"Fn::' in value or path[0] == "GenerateSecretString":
            continue
        if not names_of(kind, path) & there.get(value, set()):
            missing.append((full, value, sorted(there.get(value, set()))))
    return missing


def name_of(kind, wanted):
    path = next(p for p in READERS[kind][0].split("|") if p.partition(".")[0] in wanted)
    for part in path.split("."):
        wanted = wanted[part]
    return wanted


def setup(project, n, expected):
    project.write("all.yaml", json.dumps(properties.template(n), indent=1))
    found = project("setup").ok().actions()
    assert {name: found["all", name] for name in properties.RESOURCES} == expected
    # Once more: nothing is left to do, and what is live differs in nothing.
    assert set(project("setup").ok().actions().values()) == {"none"}
    document = project("plan", "--drift").ok().json
    assert (document["changes"], document["drift"]) == ([], [])
    live = {}
    for name, (kind, *variants) in properties.RESOURCES.items():
        live[name] = READERS[kind][1](project.cloud, name_of(kind, variants[n - 1]))
    return live


@pytest.fixture(scope="module")
def first(all_types):
    return setup(all_types, 1, {name: "create" for name in properties.RESOURCES})


@pytest.fixture(scope="module")
def second(all_types, first):
    return setup(all_types, 2, {name: "none" if one == two else "update" for name, (_, one, two) in properties.RESOURCES.items()})


@pytest.mark.parametrize("name", properties.RESOURCES)
def test_every_value_arrives(first, name):
    kind, wanted, _ = properties.RESOURCES[name]
    assert not_found(kind, wanted, first[name]) == []


@pytest.mark.parametrize("name", properties.RESOURCES)
def test_every_change_arrives(second, name):
    kind, _, wanted = properties.RESOURCES[name]
    assert not_found(kind, wanted, second[name]) == []


def test_what_has_no_leaf_of_its_own(first, second, all_types):
    assert first["Bucket"]["notification_configuration"]["EventBridgeConfiguration"] == {} and "EventBridgeConfiguration" not in second["Bucket"]["notification_configuration"]
    assert second["Bucket"]["logging"]["LoggingEnabled"]["TargetObjectKeyFormat"] == {"SimplePrefix": {}}
    assert first["Scheduled"]["it"]["Trigger"]["State"] == "ACTIVATED"
    value = json.loads(first["Generated"]["value"])
    assert value["user"] == "me" and len(value["word"]) == 41 and value["word"].isalpha() and not set("abc") & set(value["word"])
    role = f"arn:aws:iam::{all_types.cloud.account}:role/all/properties/AllProperties"
    assert first["SparkJob"]["it"]["Job"]["Role"] == role and first["SparkGroup"]["it"]["WorkGroup"]["Configuration"]["ExecutionRole"] == role
    assert [r["RoleName"] for r in first["Managed"]["roles"]] == ["AllProperties"] and second["Managed"]["roles"] == []


# --- what replaces ---
GONE = {"Ref": "AWS::NoValue"}
OTHER_VALUES = {
    "AWS::S3::Bucket.BucketName": "all-properties-other", "AWS::IAM::Role.RoleName": "Other", "AWS::IAM::Role.Path": "/other/", "AWS::IAM::Policy.PolicyName": "other",
    "AWS::IAM::ManagedPolicy.ManagedPolicyName": "Other", "AWS::IAM::ManagedPolicy.Path": "/other/", "AWS::IAM::ManagedPolicy.Description": "other",
    "AWS::Glue::Trigger.Type": {"Type": "ON_DEMAND", "Schedule": GONE}, "AWS::Glue::Trigger.WorkflowName": {"WorkflowName": "another"},
    "AWS::Glue::Table.CatalogId": None, "AWS::Glue::Table.Name": None, "AWS::Glue::Table.TableInput.Name": None,  # see test_a_table_of_another_name
    "AWS::Glue::Database.CatalogId": None,  # another account's is no place for a project
    "AWS::S3::Bucket.BucketNamePrefix": None, "AWS::S3::Bucket.BucketNamespace": None,  # refused
    "AWS::Glue::Database.DatabaseName": {"DatabaseName": "other", "DatabaseInput": {"Name": "other"}}, "AWS::Glue::Database.DatabaseInput.Name": {"DatabaseInput": {"Name": "other"}},
}
OTHER_VALUES.update({
    "AWS::SQS::Queue.FifoQueue": {"FifoQueue": True, "QueueName": "other.fifo"}, "AWS::SNS::Topic.FifoTopic": {"FifoTopic": True, "TopicName": "other.fifo"},
    "AWS::RedshiftServerless::Workgroup.NamespaceName": "all-properties-managed",
    "AWS::Glue::Connection.CatalogId": None, "AWS::Glue::Connection.ConnectionInput.Name": {"ConnectionInput": {**properties.connection(2)["ConnectionInput"], "Name": "other"}},
    "AWS::StepFunctions::StateMachine.StateMachineType": "EXPRESS", "AWS::StepFunctions::Activity.EncryptionConfiguration": {"EncryptionConfiguration": {"Type": "AWS_OWNED_KEY"}},
})
SUBJECTS = {"AWS::SQS::Queue": "PlainQueue", "AWS::SNS::Topic": "PlainTopic", "AWS::Events::Rule": "Rule", "AWS::RedshiftServerless::Namespace": "Warehouse", "AWS::RedshiftServerless::Workgroup": "WarehouseGroup", "AWS::StepFunctions::StateMachine": "Machine", "AWS::StepFunctions::Activity": "Activity", "AWS::Logs::LogGroup": "LogGroup", "AWS::CloudWatch::Alarm": "Alarm",
            "AWS::Glue::Connection": "Connection", "AWS::S3::Bucket": "Bucket", "AWS::IAM::Role": "Role", "AWS::IAM::Policy": "Inline", "AWS::IAM::ManagedPolicy": "Managed", "AWS::Glue::Database": "Database", "AWS::Glue::Table": "Table",
            "AWS::Glue::Crawler": "Crawler", "AWS::Glue::Job": "SparkJob", "AWS::Glue::Workflow": "Workflow", "AWS::Glue::Trigger": "Conditional", "AWS::Athena::WorkGroup": "Group",
            "AWS::SecretsManager::Secret": "Secret"}


def replacing():
    for kind, name in SUBJECTS.items():
        for path in sorted(type_rows.listed(kind, "createOnlyProperties")):
            value = OTHER_VALUES.get(path, "other")
            if value is not None:
                subject = "Scheduled" if path == "AWS::Glue::Trigger.Type" else name
                yield pytest.param(subject, value if isinstance(value, dict) else {path.rsplit(".", 1)[1]: value}, id=path)
    yield pytest.param("Database", {"DatabaseInput": {"Name": "other"}}, id="AWS::Glue::Database.DatabaseInput.Name")
    for path, name in (("AWS::IAM::Role.Path", "Role"), ("AWS::IAM::ManagedPolicy.Path", "Managed"), ("AWS::IAM::ManagedPolicy.Description", "Managed"),
                       ("AWS::Glue::Trigger.WorkflowName", "Conditional")):
        yield pytest.param(name, {path.rsplit(".", 1)[1]: GONE}, id=f"no {path}")


@pytest.mark.parametrize("name, changes", list(replacing()))
def test_create_only_properties_replace(second, all_types, name, changes):
    all_types.write("all.yaml", json.dumps(properties.template(2, **{name: changes}), indent=1))
    found = {c["logical_id"]: c["action"] for c in all_types("plan").ok().json["changes"]}
    assert found.get(name) == "replace", found


def test_a_table_of_another_name(second, all_types):
    """It has no tags that would show it to be the same: a new one is made and the recorded one goes."""
    wanted = {"Name": "other", "TableInput": {**properties.table(2)["TableInput"], "Name": "other"}}
    all_types.write("all.yaml", json.dumps(properties.template(2, Table=wanted), indent=1))
    found = {(c["physical_id"], c["action"]) for c in all_types("plan").ok().json["changes"] if c["logical_id"] == "Table"}
    assert found == {("other", "create"), ("all_properties_table", "delete")}


def test_a_table_moves_to_another_database(second, all_types):
    """Found where the record has it, taken away there, made where it is wanted; nothing stays behind."""
    glue = all_types.cloud.client("glue")
    for name in ("all_properties_federated", "all_properties"):
        all_types.write("all.yaml", json.dumps(properties.template(2, TableLink={"DatabaseName": name}), indent=1))
        if name == "all_properties_federated":
            assert all_types("setup").ok().actions()["all", "TableLink"] == "replace"
            assert [t["Name"] for t in glue.get_tables(DatabaseName=name)["TableList"]] == ["all_properties_table_link"]
            assert "all_properties_table_link" not in [t["Name"] for t in glue.get_tables(DatabaseName="all_properties")["TableList"]]
    assert all_types("setup").ok().actions()["all", "TableLink"] == "replace"
    assert set(all_types("setup").ok().actions().values()) == {"none"}
    assert not glue.get_tables(DatabaseName="all_properties_federated")["TableList"]


def test_a_table_with_partitions_is_not_lost(second, all_types):
    """A change that would make it anew stops before the first call that changes anything."""
    glue = all_types.cloud.client("glue")
    where = {"DatabaseName": "all_properties", "TableName": "all_properties_table"}
    glue.batch_create_partition(**where, PartitionInputList=[{"Values": [f"d{n}"], "StorageDescriptor": {"Location": f"s3://all-properties-a/{n}/"}} for n in range(30)])
    moved = json.dumps(properties.template(2, Table={"DatabaseName": "all_properties_federated"}), indent=1)
    all_types.write("all.yaml", moved)
    all_types("setup").fails(1, "30 partitions")
    all_types.write("all.yaml", json.dumps(properties.template(2), indent=1))
    assert set(all_types("setup").ok().actions().values()) == {"none"}
    assert len(glue.get_partitions(**where)["Partitions"]) == 30
    glue.batch_delete_partition(**where, PartitionsToDelete=[{"Values": [f"d{n}"]} for n in range(25)])
    glue.batch_delete_partition(**where, PartitionsToDelete=[{"Values": [f"d{n}"]} for n in range(25, 30)])


def test_a_policy_moves_to_another_path(second, all_types):
    """Its name is free only once the old one is gone; nothing stays behind."""
    all_types.write("all.yaml", json.dumps(properties.template(2, Managed={"Path": "/moved/"}), indent=1))
    assert all_types("setup").ok().actions()["all", "Managed"] == "replace"
    found = [p["Arn"] for p in all_types.cloud.client("iam").list_policies(Scope="Local")["Policies"]]
    assert found == [f"arn:aws:iam::{all_types.cloud.account}:policy/moved/AllPropertiesManaged"]
    assert set(all_types("setup").ok().actions().values()) == {"none"}


def test_policies_of_users_and_groups(all_types):
    """The requests are sound, and what the local cloud says of users that it does not have comes through."""
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": properties.policy("s3:GetObject"), "Users": ["anna"], "Groups": ["all"]}}
    folder = all_types.folder
    try:
        all_types.folder = folder + "-users"
        all_types.write("glueproj.yaml", "Project: users\nStacks: [users]\n")
        all_types.write("users.yaml", json.dumps({"Resources": {"Policy": policy}}))
        all_types("setup").fails(1, "anna|all")
    finally:
        all_types.folder = folder
    asked = {r["operation"] for r in all_types.cloud.checker.log}
    assert asked & {"PutUserPolicy", "GetUserPolicy"} and asked & {"PutGroupPolicy", "GetGroupPolicy", "PutUserPolicy"}


# --- what is refused ---
def sample(node):
    """Any value of the schema's type."""
    kind = node.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    return node["enum"][0] if "enum" in node else {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}[kind]


def placed(kind, path, value):
    """Properties that have just this."""
    rows, _ = type_rows.dumped()
    *above, last = path.split(".")
    found = {last: value}
    for n in range(len(above), 0, -1):
        row = rows.get(".".join([kind, *above[:n]]))
        found = {above[n - 1]: [found] if row and row["kind"] == type_rows.LIST else found}
    return found


def test_what_is_not_supported_is_refused_by_name(all_types, run_once):
    """Each of the properties that no row does: an error with its line and column, and no request."""
    wanted = [(kind, path) for kind in TYPES for path in sorted(type_rows.unsupported(kind))]
    assert len(wanted) > 10
    resources = {f"R{i}": {"Type": kind, "Properties": placed(kind, path.removeprefix(kind + "."), sample(type_rows.properties(kind)[path].node))} for i, (kind, path) in enumerate(wanted)}
    lines, errors = run_once(resources)
    for i, (kind, path) in enumerate(wanted):
        name = path.rsplit(".", 1)[1]
        found = [e for e in errors if e.get("logical_id") == f"R{i}" and e["message"] == f"property '{name}' is not supported yet"]
        assert len(found) == 1, (path, [e for e in errors if e.get("logical_id") == f"R{i}"])
        assert lines[found[0]["line"] - 1].index(f'"{name}"') == found[0]["column"] - 1


@pytest.fixture
def run_once(all_types):
    """run_once(resources) -> (the template's lines, the errors of `validate`)"""
    folder = all_types.folder

    def run(resources):
        all_types.folder = folder + "-wrong"
        all_types.write("glueproj.yaml", "Project: wrong\nStacks: [wrong]\n")
        text = json.dumps({"Resources": resources}, indent=1)
        all_types.write("wrong.yaml", text)
        return text.split("\n"), all_types("validate").fails(2).json["errors"]

    yield run
    all_types.folder = folder


def wrong_values():
    """(what, type, path, value): one for each limit, list of values, and type that a schema has."""
    for kind in TYPES:
        skip = type_rows.listed(kind, "readOnlyProperties") | type_rows.unsupported(kind)
        for path, found in type_rows.properties(kind).items():
            row = type_rows.dumped()[0].get(path)
            if type_rows.within(path, skip) or row is None:
                continue
            least, most = found.limits()
            if row.get("values"):
                yield "no such value", kind, path, "no-such-value"
            elif found.types == {"string"} and row["kind"] == type_rows.STRING:
                if most and most < 1000000:  # no template may be as long as that
                    # names in several places must not be one name
                    yield "too long", kind, path, path.split(".")[1][0].lower() * (most + 1)
                if least:
                    yield "too short", kind, path, "x" * (least - 1)
                if "pattern" in found.node:
                    yield "no match", kind, path, "\u6f22 %"
            elif row["kind"] in (type_rows.INTEGER, type_rows.NUMBER):
                yield "no number", kind, path, "many"
                if least:
                    yield "too little", kind, path, least - 1
                if most:
                    yield "too much", kind, path, most + 1
            elif row["kind"] == type_rows.BOOL:
                yield "no truth", kind, path, "perhaps"
            elif row["kind"] in (type_rows.OBJECT, type_rows.MAP):
                yield "no object", kind, path, ["x"]
            elif row["kind"] == type_rows.LIST:
                yield "no list", kind, path, {"x": "y"}


# Looked at when nothing is missing: see test_wrong_names_and_paths.
LATER = {"AWS::IAM::ManagedPolicy.Path", "AWS::IAM::Policy.PolicyName", "AWS::IAM::Role.Description", "AWS::IAM::Role.Path", "AWS::IAM::Role.RoleName"}
# Their pattern refuses a colon at the beginning, and no more.
LATER |= {"AWS::CloudWatch::Alarm.Namespace", "AWS::CloudWatch::Alarm.Metrics.MetricStat.Metric.Namespace"}


def has_error_at(errors, name, path):
    short = f"Resources.{name}.Properties.{path}"
    found = [e for e in errors if re.sub(r"\.\d+(?=\.|$)|\[\d+\]", "", e.get("path", "")) == short]
    return found and all(e.get("line") and e.get("column") for e in found)


@pytest.mark.parametrize("type_name", TYPES)
def test_wrong_values_are_refused_where_they_stand(run_once, type_name):
    rows, _ = type_rows.dumped()
    wanted, resources = [w for w in wrong_values() if w[1] == type_name and not (w[0] == "no match" and w[2] in LATER)], {}
    assert wanted
    for i, (_, kind, path, value) in enumerate(wanted):
        *above, last = path.removeprefix(kind + ".").split(".")
        inner = {last: [value] if rows[path]["kind"] == type_rows.LIST and "values" in rows[path] else value}
        for n in range(len(above), 0, -1):
            row = rows[".".join([kind, *above[:n]])]
            inner = {above[n - 1]: [inner] if row["kind"] == type_rows.LIST else inner}
        resources[f"R{i}"] = {"Type": kind, "Properties": inner}
    # no template may be longer than a megabyte
    errors, some, size = [], {}, 0
    for name, resource in resources.items():
        length = len(json.dumps(resource))
        if size + length > 900000:
            errors += run_once(some)[1]
            some, size = {}, 0
        some[name] = resource
        size += length
    errors += run_once(some)[1]
    assert [(what, path) for i, (what, kind, path, _) in enumerate(wanted) if not has_error_at(errors, f"R{i}", path.removeprefix(kind + "."))] == []


def test_wrong_names_and_paths(run_once):
    bad, document = "\u6f22 %", properties.policy("s3:GetObject")
    wrong = {
        "A": ("AWS::IAM::Role", {"RoleName": bad}), "B": ("AWS::IAM::Role", {"Path": bad}), "C": ("AWS::IAM::Role", {"Path": "/no-end"}), "D": ("AWS::IAM::Role", {"Description": bad}),
        "E": ("AWS::IAM::ManagedPolicy", {"Path": bad}), "F": ("AWS::IAM::ManagedPolicy", {"ManagedPolicyName": bad}), "G": ("AWS::IAM::Policy", {"PolicyName": bad}),
        "H": ("AWS::S3::Bucket", {"BucketName": bad}), "I": ("AWS::Athena::WorkGroup", {"Name": bad}), "J": ("AWS::SecretsManager::Secret", {"Name": bad}),
    }
    needed = {"AWS::IAM::Role": {"AssumeRolePolicyDocument": properties.TRUST}, "AWS::IAM::ManagedPolicy": {"PolicyDocument": document},
              "AWS::IAM::Policy": {"PolicyDocument": document, "PolicyName": "p", "Roles": ["r"]}}
    _, errors = run_once({name: {"Type": kind, "Properties": {**needed.get(kind, {}), **given}} for name, (kind, given) in wrong.items()})
    assert [name for name, (_, given) in wrong.items() if not has_error_at(errors, name, next(iter(given)))] == []
