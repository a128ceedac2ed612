"""Every row of the resource types stands where it says in botocore's model of the call that takes it, with that kind."""
import os
import shlex
import subprocess

import botocore.session
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))
LAYERS = ["resource", "aws", "wire", "stack", "codec", "base"]
PACKAGES = ["libcurl", "openssl", "yaml-0.1", "libcjson", "libarchive", "libxml-2.0", "sqlite3", "zlib"]
SANITIZERS = {"san": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}

# enum field_kind and field_flags of schema.h
STRING, INTEGER, NUMBER, BOOL, JSON, OBJECT, LIST, MAP, TAGS, TAG_MAP = range(10)
F_LOCAL, F_UNSUPPORTED = 1 << 7, 1 << 9
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
    "AWS::Athena::WorkGroup": ("athena", "CreateWorkGroup"),
    "AWS::Glue::Crawler": ("glue", "CreateCrawler"),
    "AWS::Glue::Database": ("glue", "CreateDatabase"),
    "AWS::Glue::Job": ("glue", "CreateJob"),
    "AWS::Glue::Trigger": ("glue", "CreateTrigger"),
    "AWS::Glue::Workflow": ("glue", "CreateWorkflow"),
    "AWS::IAM::ManagedPolicy": ("iam", "CreatePolicy"),
    "AWS::IAM::Role": ("iam", "CreateRole"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "CreateSecret"),
}
# A value that AWS makes by another call.
GENERATED = ("secretsmanager", "GetRandomPassword")
# What a hook sends elsewhere or in another shape; each must really differ.
ODD = {
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
def rows(tmp_path_factory):
    subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", "libresource"], check=True)
    tool = str(tmp_path_factory.mktemp("rows") / "dump_rows")
    include = [f for layer in ("base", "codec", "stack", "resource") for f in ("-iquote", f"{ROOT}/provision/{layer}")]
    archives = [f"{BUILD}/lib{layer}.a" for layer in LAYERS]
    libs = shlex.split(subprocess.check_output(["pkg-config", "--libs", *PACKAGES], text=True))
    extra = SANITIZERS.get(os.path.basename(BUILD), [])
    source = os.path.join(ROOT, "tests", "conformance", "dump_rows.c")
    subprocess.run(["cc", "-D_GNU_SOURCE", *extra, *include, "-o", tool, source, *archives, *libs, "-lpthread", "-lm"], check=True)
    found = {}
    for line in subprocess.check_output([tool], text=True).splitlines():
        cfn, wire, kind, flags = line.split("\t")
        found[cfn] = (wire, int(kind), int(flags))
    assert len(found) > 300
    return found


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
