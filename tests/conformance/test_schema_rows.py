"""Every row of the resource types stands where it says in botocore's model of the call that takes it, with that kind; and is as
CloudFormation's resource schemas have it: required, replacing, allowed values, limits, attributes."""
import botocore.session
import pytest

import type_rows
from type_rows import BOOL, F_LOCAL, F_REPLACES, F_REQUIRED, F_UNSUPPORTED, INTEGER, JSON, LIST, MAP, NUMBER, OBJECT, STRING, TAG_MAP, TAGS

SHAPES = {
    STRING: {"string"},
    INTEGER: {"integer", "long"},
    NUMBER: {"double", "float"},
    BOOL: {"boolean"},
    OBJECT: {"structure"},
    LIST: {"list"},
    MAP: {"map"},
}
CALLS = {
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm"),
    "AWS::Glue::Classifier": ("glue", "CreateClassifier"),
    "AWS::Glue::Connection": ("glue", "CreateConnection"),
    "AWS::Logs::LogGroup": ("logs", "CreateLogGroup"),
    "AWS::StepFunctions::Activity": ("stepfunctions", "CreateActivity"),
    "AWS::StepFunctions::StateMachine": ("stepfunctions", "CreateStateMachine"),
    "AWS::Athena::WorkGroup": ("athena", "CreateWorkGroup"),
    "AWS::Glue::Crawler": ("glue", "CreateCrawler"),
    "AWS::Glue::Database": ("glue", "CreateDatabase"),
    "AWS::Glue::Job": ("glue", "CreateJob"),
    "AWS::Glue::Table": ("glue", "CreateTable"),
    "AWS::Glue::Trigger": ("glue", "CreateTrigger"),
    "AWS::Glue::Workflow": ("glue", "CreateWorkflow"),
    "AWS::IAM::ManagedPolicy": ("iam", "CreatePolicy"),
    "AWS::IAM::Role": ("iam", "CreateRole"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "CreateSecret"),
    "AWS::RedshiftServerless::Namespace": ("redshift-serverless", "CreateNamespace"),
    "AWS::RedshiftServerless::Workgroup": ("redshift-serverless", "CreateWorkgroup"),
}
# A value that AWS makes by another call.
GENERATED = ("secretsmanager", "GetRandomPassword")
# What a hook sends elsewhere or in another shape; each must really differ.
ODD = {
    "AWS::Logs::LogGroup.RetentionInDays",  # of PutRetentionPolicy
    "AWS::Athena::WorkGroup.State",  # of UpdateWorkGroup
    "AWS::Glue::Crawler.Schedule",  # text in the request
    "AWS::Glue::Crawler.Schedule.ScheduleExpression",
}
# Sub-resources of a bucket: the call, and the member of its input that is the document.
BUCKET = {
    "AccelerateConfiguration": "PutBucketAccelerateConfiguration",
    "BucketEncryption": "PutBucketEncryption",
    "CorsConfiguration": "PutBucketCors",
    "LifecycleConfiguration": "PutBucketLifecycleConfiguration",
    "LoggingConfiguration": "PutBucketLogging",
    "NotificationConfiguration": "PutBucketNotificationConfiguration",
    "ObjectLockConfiguration": "PutObjectLockConfiguration",
    "OwnershipControls": "PutBucketOwnershipControls",
    "PublicAccessBlockConfiguration": "PutPublicAccessBlock",
    "VersioningConfiguration": "PutBucketVersioning",
    "WebsiteConfiguration": "PutBucketWebsite",
}
# Members of a lifecycle rule that a hook moves into Filter; EventBridge is an empty element there.
BUCKET_ODD = {"ObjectSizeGreaterThan", "ObjectSizeLessThan", "TagFilters", "EventBridgeEnabled"}


@pytest.fixture(scope="module")
def rows():
    return {cfn: (r["wire"], r["kind"], r["flags"]) for cfn, r in type_rows.dumped()[0].items()}


def model(service, operation):
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def shape_at(shape, path, xml=False):
    """The shape at a path of member names (of XML names), through lists; None when there is none."""
    for part in path:
        while shape.type_name == "list":
            shape = shape.member
        if shape.type_name != "structure":
            return None
        names = shape.members
        if xml:
            names = {m.serialization.get("name", n): m for n, m in names.items()}
            # a flat list without a name of its own takes its member's name
            names.update({m.member.serialization.get("name"): m for m in names.values() if m.type_name == "list"})
        if part in names:
            shape = names[part]
        elif xml and len(path) > 1 and shape.type_name == "structure" and part == "RoutingRule":
            continue
        else:
            return None
    return shape


@pytest.mark.parametrize("type_name", sorted(CALLS))
def test_rows_are_members(rows, type_name):
    root = model(*CALLS[type_name])
    seen = 0
    for cfn, (wire, kind, flags) in rows.items():
        inside_local = any(cfn.startswith(o + ".") and f & (F_LOCAL | F_UNSUPPORTED) for o, (_, _, f) in rows.items())
        if not cfn.startswith(type_name + ".") or flags & (F_LOCAL | F_UNSUPPORTED) or inside_local or kind in (TAGS, TAG_MAP):
            continue
        shape = shape_at(root, wire.strip("/").split("/"))
        fits = shape is not None and shape.type_name in SHAPES.get(kind, {shape.type_name})
        assert fits == (cfn not in ODD), f"{cfn} at {wire}: {shape.type_name if shape else 'no such member'}"
        seen += 1
    assert seen


def test_rows_of_generated_values(rows):
    prefix = "AWS::SecretsManager::Secret.GenerateSecretString."
    members = {cfn.removeprefix(prefix): kind for cfn, (_, kind, flags) in rows.items() if cfn.startswith(prefix) and not flags & F_LOCAL}
    wanted = model(*GENERATED).members
    assert set(members) == set(wanted)
    for name, kind in members.items():
        assert wanted[name].type_name in SHAPES[kind], name


@pytest.mark.parametrize("part", sorted(BUCKET))
def test_bucket_rows_are_elements(rows, part):
    operation = model("s3", BUCKET[part])
    root = operation.members[operation.serialization["payload"]]
    prefix = f"AWS::S3::Bucket.{part}"
    seen = 0
    for cfn, (wire, _, flags) in rows.items():
        if not cfn.startswith(prefix + ".") or flags & F_UNSUPPORTED:
            continue
        if cfn.rsplit(".", 1)[1] in BUCKET_ODD or ".TagFilters." in cfn:
            continue
        path = wire.strip("/").split("/")[1:]
        assert shape_at(root, path, xml=True) is not None, f"{cfn} at {'/'.join(path)}"
        seen += 1
    assert seen


# --- CloudFormation's schemas ---
TYPES = [
    "AWS::CloudWatch::Alarm", "AWS::Glue::Classifier", "AWS::Glue::Connection", "AWS::Logs::LogGroup", "AWS::StepFunctions::Activity", "AWS::StepFunctions::StateMachine",
    "AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
    "AWS::Athena::WorkGroup", "AWS::Glue::Crawler", "AWS::Glue::Database", "AWS::Glue::Job", "AWS::Glue::Table", "AWS::Glue::Trigger", "AWS::Glue::Workflow",
    "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::RedshiftServerless::Namespace", "AWS::RedshiftServerless::Workgroup", "AWS::S3::Bucket", "AWS::SecretsManager::Secret",
]
# Where a row differs from the schema on purpose, and why.
REPLACES_TOO = {
    "AWS::RedshiftServerless::Namespace.DbName": "UpdateNamespace takes no database",
    "AWS::Logs::LogGroup.LogGroupClass": "a log group stays in the class that it was made in",
    "AWS::Glue::Database.CatalogId": "a database cannot move to another catalog",
    "AWS::Glue::Database.DatabaseInput.Name": "UpdateDatabase cannot rename",
    "AWS::Events::Rule.EventBusName": "a rule stays on its bus",
    "AWS::IAM::Policy.PolicyName": "there is no call that renames an inline policy",
}
OPEN = {
    "AWS::Glue::Job.WorkerType": "Glue gets new ones faster than any list",
    "AWS::Glue::Table.TableInput.TableType": "Glue keeps any text; GOVERNED and others of Lake Formation come and go",
}
VALUES = {
    "AWS::Glue::Classifier.CsvClassifier.ContainsCustomDatatype": (
        ["BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "LONG", "SHORT", "STRING", "TIMESTAMP"], "the documentation of the API lists them"),
    "AWS::SNS::Subscription.FilterPolicyScope": (["MessageAttributes", "MessageBody"], "the API's reference"),
    "AWS::SNS::Topic.FifoThroughputScope": (["Topic", "MessageGroup"], "the API's reference"),
    "AWS::SNS::Topic.SignatureVersion": (["1", "2"], "the API's reference"),
    "AWS::SNS::Topic.TracingConfig": (["PassThrough", "Active"], "the API's reference"),
    "AWS::SQS::Queue.DeduplicationScope": (["queue", "messageGroup"], "the API's reference"),
    "AWS::SQS::Queue.FifoThroughputLimit": (["perQueue", "perMessageGroupId"], "the API's reference"),
    "AWS::Glue::Job.Command.PythonVersion": (["2", "3", "3.9", "3.11"], "the schema has a pattern"),
    "AWS::S3::Bucket.AccessControl": (["Private", "BucketOwnerFullControl"], "ACLs are off on new buckets; these two mean the same then"),
}
# Limits: ours, where the schema has none or another.
LIMITS = {
    "AWS::SNS::Topic.DisplayName": (0, 100), "AWS::SNS::Topic.KmsMasterKeyId": (0, 2048), "AWS::SNS::Topic.TopicName": (1, 256),
    "AWS::SQS::Queue.QueueName": (1, 80), "AWS::SQS::Queue.DelaySeconds": (0, 900), "AWS::SQS::Queue.KmsDataKeyReusePeriodSeconds": (60, 86400),
    "AWS::SQS::Queue.MaximumMessageSize": (1024, 1048576), "AWS::SQS::Queue.MessageRetentionPeriod": (60, 1209600),
    "AWS::SQS::Queue.ReceiveMessageWaitTimeSeconds": (0, 20), "AWS::SQS::Queue.VisibilityTimeout": (0, 43200), "AWS::Events::Rule.Name": (1, 64),
    "AWS::Events::Rule.Description": (0, 512), "AWS::Events::Rule.RoleArn": (1, 1600), "AWS::Events::Rule.ScheduleExpression": (0, 256),
    "AWS::Events::Rule.EventBusName": (1, 256), "AWS::Events::Rule.Targets.Input": (0, 8192), "AWS::Events::Rule.Targets.InputPath": (0, 256),
    "AWS::Events::Rule.Targets.Arn": (1, 1600), "AWS::Events::Rule.Targets.Id": (1, 64), "AWS::Events::Rule.Targets.RoleArn": (1, 1600),
    "AWS::Events::Rule.Targets.InputTransformer.InputTemplate": (1, 8192), "AWS::Events::Rule.Targets.RetryPolicy.MaximumEventAgeInSeconds": (60, 86400),
    "AWS::Events::Rule.Targets.RetryPolicy.MaximumRetryAttempts": (0, 185),
    "AWS::CloudWatch::Alarm.AlarmName": (1, 255),
    "AWS::Athena::WorkGroup.Name": (1, 128), "AWS::Glue::Database.DatabaseName": (1, 255), "AWS::IAM::ManagedPolicy.ManagedPolicyName": (1, 128),
    "AWS::IAM::Role.Policies.PolicyName": (1, 128), "AWS::S3::Bucket.BucketName": (3, 63),
    "AWS::SecretsManager::Secret.Name": (1, 512), "AWS::SecretsManager::Secret.GenerateSecretString.ExcludeCharacters": (0, 4096),
    "AWS::SecretsManager::Secret.GenerateSecretString.GenerateStringKey": (0, 10240),
    "AWS::SecretsManager::Secret.GenerateSecretString.PasswordLength": (1, 4096),
    "AWS::SecretsManager::Secret.GenerateSecretString.SecretStringTemplate": (0, 10240),
}
# Attributes that lie inside of a list, which GetAtt cannot name.
INSIDE_LISTS = {"AWS::RedshiftServerless::Workgroup": ["Workgroup.Endpoint.VpcEndpoints"]}
UNLIMITED = {2**31, 2**63 - 1}  # "no limit" of a row that has a least


def supported(type_name):
    """[(path, property, row)] of what the type's rows do."""
    rows, _ = type_rows.dumped()
    skip = type_rows.listed(type_name, "readOnlyProperties") | type_rows.unsupported(type_name)
    for path, found in type_rows.properties(type_name).items():
        # The items of tags have no rows.
        if not type_rows.within(path, skip) and not path.startswith(f"{type_name}.Tags."):
            yield path, found, rows.get(path)


def test_all_types_are_compared():
    pseudo = {"Glueproj::Crawl", "Glueproj::Upload"}
    assert set(TYPES) == set(type_rows.dumped()[1]) - pseudo


@pytest.mark.parametrize("type_name", TYPES)
def test_rows_are_the_schemas_properties(type_name):
    rows, _ = type_rows.dumped()
    missing = [p for p, _, row in supported(type_name) if row is None]
    extra = [p for p in rows if p.startswith(type_name + ".") and p not in type_rows.properties(type_name)]
    assert (missing, extra) == ([], [])
    for path, found, row in supported(type_name):
        assert not found.types or found.types & type_rows.KINDS[row["kind"]], f"{path}: {found.types}"


@pytest.mark.parametrize("type_name", TYPES)
def test_required_and_replacing_rows(type_name):
    create_only = type_rows.listed(type_name, "createOnlyProperties")
    for path, found, row in supported(type_name):
        assert bool(row["flags"] & F_REQUIRED) == found.required, path
        assert bool(row["flags"] & F_REPLACES) == (path in create_only or path in REPLACES_TOO), path


@pytest.mark.parametrize("type_name", TYPES)
def test_values_and_limits_of_rows(type_name):
    for path, found, row in supported(type_name):
        values = found.node.get("enum") or type_rows.resolved(type_rows.schema(type_name), found.node.get("items", {})).get("enum")
        if path in VALUES:
            values = VALUES[path][0]
        if path in OPEN:
            assert values and "values" not in row, path
        else:
            assert sorted(row.get("values") or []) == sorted(map(str, values or [])), path
        if row["kind"] in (STRING, INTEGER, NUMBER):
            least, most = LIMITS.get(path, found.limits())
            assert row["min"] == (least or 0), path
            assert row["max"] == (most or 0) or (most is None and row["max"] in UNLIMITED), path


# What the documentation of GetAtt has beside them.
MORE_ATTRIBUTES = {
    "AWS::SNS::Topic": {"TopicName"}, "AWS::SQS::Queue": {"QueueName"}, "AWS::Events::Rule": {"Id"},  # Id is what Ref gives
    "AWS::RedshiftServerless::Namespace": {"Namespace.AdminPasswordSecretArn", "Namespace.AdminPasswordSecretKmsKeyId"},"AWS::StepFunctions::Activity": {"Name"}}


@pytest.mark.parametrize("type_name", TYPES)
def test_attributes_are_the_schemas(type_name):
    wanted = MORE_ATTRIBUTES.get(type_name, set()) | {p.removeprefix(type_name + ".") for p in type_rows.listed(type_name, "readOnlyProperties") if not type_rows.within(p, type_rows.unsupported(type_name))}
    lists = INSIDE_LISTS.get(type_name, ())
    assert set(type_rows.dumped()[1][type_name]) == {w for w in wanted if not type_rows.within(w, lists) and f"{type_name}.{w}" not in type_rows.READ_ONLY.get(type_name, ())}
