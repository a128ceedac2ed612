"""Systems Manager's Parameter Store: the local service driven by boto3 and the AWS CLI, and templates that refer to it."""
import base64
import importlib
import json

import boto3
import pytest
from botocore.config import Config

import contract
from helpers import everything
from test_local_glue_jobs import fails
from test_local_iam import allow, iam, session  # noqa: F401
from test_templates import create, homes_text  # noqa: F401


@pytest.fixture
def ssm(cloud):
    return cloud.client("ssm")


def put(ssm, name, value="v", kind="String", **more):
    return ssm.put_parameter(Name=name, Value=value, Type=kind, **more)


def value(ssm, name, **how):
    return ssm.get_parameter(Name=name, **how)["Parameter"]["Value"]


def names(reply):
    return [p["Name"] for p in reply["Parameters"]]


# --- the service ---


def test_put_and_get(ssm, cloud):
    made = put(ssm, "/lake/zone", "raw", Description="d", AllowedPattern="[a-z]+")
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    arn = f"arn:aws:ssm:{cloud.region}:{cloud.account}:parameter/lake/zone"
    got = ssm.get_parameter(Name="/lake/zone")["Parameter"]
    assert (got["Name"], got["Type"], got["Value"], got["Version"], got["ARN"], got["DataType"]) == ("/lake/zone", "String", "raw", 1, arn, "text")
    assert "Selector" not in got
    fails("ParameterAlreadyExists", put, ssm, "/lake/zone", "other")
    assert ssm.put_parameter(Name="/lake/zone", Value="clean", Overwrite=True)["Version"] == 2  # its type stays
    assert [value(ssm, n) for n in ("/lake/zone", arn, "/lake/zone:1", arn + ":1", "/lake/zone:2")] == ["clean", "clean", "raw", "raw", "clean"]
    assert ssm.get_parameter(Name="/lake/zone:1")["Parameter"]["Selector"] == ":1"
    put(ssm, "plain", "a,b", "StringList")
    got = ssm.get_parameter(Name="plain")["Parameter"]
    assert got["ARN"].endswith(":parameter/plain") and (got["Type"], got["Value"]) == ("StringList", "a,b")
    assert value(ssm, "/plain") == "a,b" and names(ssm.get_parameters(Names=["/plain"])) == ["plain"]  # one ARN, one parameter
    fails("ParameterAlreadyExists", put, ssm, "/plain")
    fails("ParameterNotFound", ssm.get_parameter, Name="/lake")
    fails("ParameterNotFound", ssm.get_parameter, Name="/lake/zone:1:2")
    fails("ParameterNotFound", ssm.get_parameter, Name=arn.replace(cloud.region, "eu-west-3"))
    assert "version 3 of /lake/zone" in fails("ParameterVersionNotFound", ssm.get_parameter, Name="/lake/zone:3")
    fails("ParameterVersionNotFound", ssm.get_parameter, Name="/lake/zone:nobody")
    several = ssm.get_parameters(Names=["/lake/zone:1", "nobody", "plain", "plain:7"])
    assert names(several) == ["/lake/zone", "plain"] and several["InvalidParameters"] == ["nobody", "plain:7"]
    fails("ValidationException", ssm.get_parameters, Names=[f"n{i}" for i in range(11)])


def test_put_refused(ssm):
    for name, code in [
        ("aws-x", "ValidationException"), ("/ssm/x", "ValidationException"), ("/AWS/x", "AccessDeniedException"), ("a/b", "ValidationException"),
        ("/a//b", "ValidationException"), ("/a/", "ValidationException"), ("with blank", "ValidationException"), ("/" + "a" * 1000, "ValidationException"),
        ("/a" * 16, "HierarchyLevelLimitExceededException"),
    ]:
        fails(code, put, ssm, name)
    put(ssm, "/a" * 15)
    fails("ValidationException", ssm.put_parameter, Name="k", Value="v")  # no type
    fails("ValidationException", put, ssm, "k", kind="Text")
    fails("ValidationException", put, ssm, "k", DataType="number")
    fails("ValidationException", put, ssm, "k", Tier="Big")
    fails("ValidationException", put, ssm, "k", Overwrite=True, Tags=[{"Key": "a", "Value": "b"}])
    fails("ValidationException", put, ssm, "k", Tags=[{"Key": "aws:a", "Value": "b"}])
    fails("InvalidAllowedPatternException", put, ssm, "k", AllowedPattern="[a-z")
    assert "hush" not in fails("ParameterPatternMismatchException", put, ssm, "k", "hush", AllowedPattern=r"^\d+$")
    assert "hush" not in fails("ValidationException", put, ssm, "k", "hush" * 1025)
    fails("ValidationException", put, ssm, "k", "x" * 8193, Tier="Advanced")
    fails("ParameterNotFound", ssm.get_parameter, Name="k")
    put(ssm, "k", "12", AllowedPattern=r"^\d+$")
    fails("ParameterPatternMismatchException", ssm.put_parameter, Name="k", Value="abc", Overwrite=True)  # the pattern stays
    fails("HierarchyTypeMismatchException", put, ssm, "k", "12", "SecureString", Overwrite=True)
    assert put(ssm, "big", "x" * 8192, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    fails("ValidationException", put, ssm, "big", "x", Overwrite=True, Tier="Standard")
    assert put(ssm, "big", "x", Overwrite=True)["Tier"] == "Advanced"


def test_secure_strings(ssm):
    put(ssm, "/db/password", "hunter-22", "SecureString")
    put(ssm, "/db/other", "hunter-22", "SecureString", KeyId="alias/mine")
    closed, other = value(ssm, "/db/password"), value(ssm, "/db/other")
    assert closed != other and closed == value(ssm, "/db/password") and b"hunter" not in base64.b64decode(closed) and "hunter" not in closed
    assert value(ssm, "/db/password", WithDecryption=True) == "hunter-22"
    for reply in (ssm.get_parameters(Names=["/db/password"]), ssm.get_parameters_by_path(Path="/db"), ssm.get_parameter_history(Name="/db/password"),
                  ssm.describe_parameters()):
        assert "hunter" not in repr(reply)
    assert [p["Value"] for p in ssm.get_parameters_by_path(Path="/db", WithDecryption=True)["Parameters"]] == ["hunter-22"] * 2
    assert ssm.get_parameter_history(Name="/db/password", WithDecryption=True)["Parameters"][0]["Value"] == "hunter-22"
    assert [p["KeyId"] for p in ssm.describe_parameters()["Parameters"]] == ["alias/mine", "alias/aws/ssm"]


def test_versions_and_labels(ssm, cloud):
    for i in range(1, 4):
        put(ssm, "k", str(i), Overwrite=True)
    assert ssm.label_parameter_version(Name="k", Labels=["prod", "aws-x", "1st"])["InvalidLabels"] == ["aws-x", "1st"]
    assert ssm.label_parameter_version(Name="k", ParameterVersion=1, Labels=["test", "old"])["ParameterVersion"] == 1
    assert [value(ssm, f"k:{s}") for s in ("prod", "test")] == ["3", "1"]
    ssm.label_parameter_version(Name="k", ParameterVersion=2, Labels=["prod"])  # it moves
    assert ssm.get_parameter(Name="k:prod")["Parameter"]["Selector"] == ":prod" and value(ssm, "k:prod") == "2"
    history = ssm.get_parameter_history(Name="k")["Parameters"]
    assert [(p["Version"], p["Value"], p["Labels"]) for p in history] == [(1, "1", ["old", "test"]), (2, "2", ["prod"]), (3, "3", [])]
    assert history[0]["LastModifiedUser"] == f"arn:aws:iam::{cloud.account}:root"
    pages = list(ssm.get_paginator("get_parameter_history").paginate(Name="k", PaginationConfig={"PageSize": 2}))
    assert [p["Version"] for page in pages for p in page["Parameters"]] == [1, 2, 3] and len(pages) == 2
    gone = ssm.unlabel_parameter_version(Name="k", ParameterVersion=1, Labels=["old", "prod"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["old"], ["prod"])
    fails("ParameterVersionNotFound", ssm.get_parameter, Name="k:old")
    fails("ParameterVersionNotFound", ssm.label_parameter_version, Name="k", ParameterVersion=9, Labels=["x"])
    fails("ParameterNotFound", ssm.label_parameter_version, Name="none", Labels=["x"])
    ssm.label_parameter_version(Name="k", ParameterVersion=3, Labels=[f"l{i}" for i in range(10)])
    fails("ParameterVersionLabelLimitExceeded", ssm.label_parameter_version, Name="k", ParameterVersion=3, Labels=["more"])
    fails("ParameterVersionNotFound", ssm.get_parameter, Name="k:more")
    # A hundred versions are kept; one with a label does not go.
    for i in range(4, 101):
        put(ssm, "k", str(i), Overwrite=True)
    fails("ParameterMaxVersionLimitExceeded", put, ssm, "k", "101", Overwrite=True)
    ssm.unlabel_parameter_version(Name="k", ParameterVersion=1, Labels=["test"])
    assert put(ssm, "k", "101", Overwrite=True)["Version"] == 101
    fails("ParameterVersionNotFound", ssm.get_parameter, Name="k:1")


def test_lists_filters_and_pages(ssm):
    for name, kind in [("/a/1", "String"), ("/a/2", "StringList"), ("/a/b/3", "SecureString"), ("/ab/4", "String"), ("top", "String"), ("/top2", "String")]:
        put(ssm, name, "v", kind, Tags=[{"Key": "team", "Value": name[-1]}])

    def by_path(path, **how):
        return names(ssm.get_parameters_by_path(Path=path, **how))

    def described(*filters, **more):
        return names(ssm.describe_parameters(ParameterFilters=[dict(zip(("Key", "Option", "Values"), f)) for f in filters], **more))

    assert by_path("/a") == by_path("/a/") == ["/a/1", "/a/2"] and by_path("/a", Recursive=True) == ["/a/1", "/a/2", "/a/b/3"]
    assert by_path("/") == ["/top2", "top"] and len(by_path("/", Recursive=True)) == 6 and by_path("/none") == []
    kinds = [{"Key": "Type", "Values": ["StringList", "SecureString"]}]
    assert by_path("/a", Recursive=True, ParameterFilters=kinds) == ["/a/2", "/a/b/3"]
    put(ssm, "/a/1", "new", Overwrite=True)
    ssm.label_parameter_version(Name="/a/1", ParameterVersion=1, Labels=["was"])
    (was,) = ssm.get_parameters_by_path(Path="/a", ParameterFilters=[{"Key": "Label", "Values": ["was"]}])["Parameters"]
    assert (was["Name"], was["Version"], was["Value"]) == ("/a/1", 1, "v")
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True, PaginationConfig={"PageSize": 2}))
    assert [len(p["Parameters"]) for p in pages] == [2, 2, 2] and sum(map(names, pages), []) == by_path("/", Recursive=True)
    pages = list(ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 4}))
    assert [len(p["Parameters"]) for p in pages] == [4, 2]
    assert described(("Name", "BeginsWith", ["/a/"])) == ["/a/1", "/a/2", "/a/b/3"] and described(("Name", "Contains", ["op"])) == ["/top2", "top"]
    assert described(("Name", "Equals", ["/top"])) == described(("Name", "Equals", ["top"])) == ["top"]
    assert described(("Path", "OneLevel", ["/a"])) == ["/a/1", "/a/2"] and described(("Path", "Recursive", ["/a", "/ab"]))[-1] == "/ab/4"
    assert described(("Type", "Equals", ["SecureString"])) == ["/a/b/3"] and described(("tag:team", "Equals", ["4", "p"])) == ["/ab/4", "top"]
    assert described(("tag:team", "Equals", ["1"]), ("Type", "Equals", ["StringList"])) == [] and len(described(("DataType", "Equals", ["text"]))) == 6
    assert names(ssm.describe_parameters(ParameterFilters=[{"Key": "tag:team"}])) == described() and described(Shared=True) == []
    assert names(ssm.describe_parameters(Filters=[{"Key": "Name", "Values": ["/ab"]}])) == ["/ab/4"]
    fails("InvalidFilterKey", described, ("Label", "Equals", ["x"]))
    fails("InvalidFilterKey", described, ("Type", "Equals", ["String"]), ("Type", "Equals", ["StringList"]))
    fails("InvalidFilterOption", described, ("Name", "Like", ["x"]))
    fails("InvalidFilterValue", described, ("Type", "Equals", ["Text"]))
    fails("ValidationException", described, ("Path", "OneLevel", ["a"]))
    fails("ValidationException", described, ("Nothing", "Equals", ["a"]))
    fails("ValidationException", by_path, "a")
    fails("ValidationException", by_path, "/", MaxResults=11)
    fails("InvalidFilterKey", by_path, "/", ParameterFilters=[{"Key": "Name", "Values": ["x"]}])
    fails("InvalidNextToken", by_path, "/", NextToken="nonsense")
    fails("InvalidNextToken", ssm.describe_parameters, NextToken="nonsense")


def test_tags_and_deletion(ssm, cloud):
    put(ssm, "/k", Tags=[{"Key": "a", "Value": "1"}])
    which = {"ResourceType": "Parameter", "ResourceId": "/k"}
    ssm.add_tags_to_resource(Tags=[{"Key": "b", "Value": "2"}], **which)
    ssm.remove_tags_from_resource(TagKeys=["a"], **which)
    assert ssm.list_tags_for_resource(**which)["TagList"] == [{"Key": "b", "Value": "2"}]
    tagging = cloud.client("resourcegroupstaggingapi")
    found = tagging.get_resources(TagFilters=[{"Key": "b"}], ResourceTypeFilters=["ssm:parameter"])["ResourceTagMappingList"]
    assert [r["ResourceARN"] for r in found] == [f"arn:aws:ssm:{cloud.region}:{cloud.account}:parameter/k"]
    fails("TooManyTagsError", ssm.add_tags_to_resource, Tags=[{"Key": f"t{i}", "Value": ""} for i in range(50)], **which)
    fails("InvalidResourceId", ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="none")
    fails("InvalidResourceType", ssm.list_tags_for_resource, ResourceType="Document", ResourceId="/k")
    ssm.delete_parameter(Name="/k")
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    fails("ParameterNotFound", ssm.delete_parameter, Name="/k")
    put(ssm, "x")
    put(ssm, "y")
    gone = ssm.delete_parameters(Names=["x", "none"])
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == (["x"], ["none"])
    assert put(ssm, "x")["Version"] == 1 and names(ssm.describe_parameters()) == ["x", "y"]


def keys_of(client):
    keys = client._request_signer._credentials.get_frozen_credentials()
    return {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key, "aws_session_token": keys.token}


def name_beside_path(params, **_):
    """A member that the operation does not have, naming what the role may read."""
    params["body"] = json.dumps({**json.loads(params["body"]), "Name": "/mine/a"}).encode()


def test_a_role_reads_what_its_policy_names(ssm, cloud, session):  # noqa: F811
    for name in ("/mine/a", "/mine/b", "/theirs"):
        put(ssm, name, "hush")
    arn = f"arn:aws:ssm:{cloud.region}:{cloud.account}:parameter/mine/*"
    role = session("ssm", allow(["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"], [arn, arn[:-2]]))
    assert value(role, "/mine/a") == value(role, "/mine/a:1") == "hush"
    message = fails("AccessDeniedException", role.get_parameter, Name="/theirs")
    assert "ssm:GetParameter on resource: " + arn.replace("mine/*", "theirs") in message and "hush" not in message
    assert names(role.get_parameters(Names=["/mine/a", "/mine/b"])) == names(role.get_parameters_by_path(Path="/mine")) == ["/mine/a", "/mine/b"]
    assert "/theirs" in fails("AccessDeniedException", role.get_parameters, Names=["/mine/a", "/theirs"])
    fails("AccessDeniedException", role.get_parameters_by_path, Path="/")
    unchecked = boto3.client("ssm", endpoint_url=cloud.endpoint, region_name=cloud.region, config=Config(parameter_validation=False), **keys_of(role))
    unchecked.meta.events.register("before-call.ssm.GetParametersByPath", name_beside_path)
    fails("AccessDeniedException", unchecked.get_parameters_by_path, Path="/")
    fails("AccessDeniedException", role.describe_parameters)
    fails("AccessDeniedException", put, role, "/mine/c")
    fails("AccessDeniedException", role.delete_parameters, Names=["/mine/a"])


def test_the_aws_cli(cloud, tmp_path, monkeypatch, capsys):
    for name, text in {**cloud.env(cloud.judged()), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, text)
    cli = importlib.import_module("awscli.clidriver").create_clidriver()  # it loads much: for this test alone

    def aws(*arguments):
        """The CLI in this process: starting it takes a second each time."""
        assert cli.main(["ssm", *arguments]) == 0, capsys.readouterr()
        text = capsys.readouterr().out
        return json.loads(text) if text else ""

    assert aws("put-parameter", "--name", "/cli/k", "--value", "hush", "--type", "SecureString", "--tags", "Key=a,Value=b") == {"Version": 1, "Tier": "Standard"}
    assert cloud.aws("ssm", "get-parameter", "--name", "/cli/k", "--with-decryption", "--query", "Parameter.Value") == "hush"
    assert aws("put-parameter", "--name", "/cli/k", "--value", "new", "--overwrite")["Version"] == 2
    aws("label-parameter-version", "--name", "/cli/k", "--parameter-version", "1", "--labels", "was")
    assert [p["Labels"] for p in aws("get-parameter-history", "--name", "/cli/k", "--max-items", "5")["Parameters"]] == [["was"], []]
    aws("unlabel-parameter-version", "--name", "/cli/k", "--parameter-version", "1", "--labels", "was")
    assert aws("get-parameters", "--names", "/cli/k", "none", "--query", "InvalidParameters") == ["none"]
    assert names(aws("get-parameters-by-path", "--path", "/cli", "--recursive")) == ["/cli/k"]
    assert names(aws("describe-parameters", "--parameter-filters", "Key=Name,Option=BeginsWith,Values=/cli")) == ["/cli/k"]
    resource = ("--resource-type", "Parameter", "--resource-id", "/cli/k")
    aws("add-tags-to-resource", *resource, "--tags", "Key=c,Value=d")
    aws("remove-tags-from-resource", *resource, "--tag-keys", "a")
    assert aws("list-tags-for-resource", *resource)["TagList"] == [{"Key": "c", "Value": "d"}]
    aws("delete-parameter", "--name", "/cli/k")
    assert aws("delete-parameters", "--names", "/cli/k")["InvalidParameters"] == ["/cli/k"]


def test_a_crash_loses_nothing_that_was_answered(cloud):
    put(cloud.client("ssm"), "/k", "one")
    put(cloud.client("ssm"), "/k", "two", Overwrite=True)
    cloud.client("ssm").label_parameter_version(Name="/k", ParameterVersion=1, Labels=["was"])
    cloud.kill()
    cloud.start()
    assert [value(cloud.client("ssm"), n) for n in ("/k", "/k:was")] == ["two", "one"]


# --- templates that refer to it ---

PASSWORD = "hunter-22-of-the-store"

USER = """\
Parameters:
  Zones: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /lake/zones}
  Owner: {Type: "AWS::SSM::Parameter::Value<String>", Default: /lake/owner}
  Prefix: {Type: String, Default: lake}
Conditions:
  Ours: !Equals [!Ref Owner, us]
  Theirs: !Not [!Equals [!Ref Owner, us]]
Resources:
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: uses-job
      Description: "{{resolve:ssm:/lake/zone}} of {{resolve:ssm:/lake/zone:1}}"
      Role: arn:aws:iam::000000000000:role/etl
      Command: {Name: pythonshell, ScriptLocation: "s3://scripts-of-mine/a.py", PythonVersion: "3.9"}
      DefaultArguments:
        "--zone": !Sub "zone={{resolve:ssm:/${Prefix}/zone}}"
        "--all": !Join ["+", !Ref Zones]
        "--first": !Select [0, !Ref Zones]
        "--owner": !Sub "owner ${Owner}"
        "--whose": !If [Ours, !Ref OnlyOurs, !Ref OnlyTheirs]
  Other: {Type: "AWS::Glue::Workflow", Properties: {Name: uses-nothing}}
  OnlyOurs: {Type: "AWS::Glue::Workflow", Condition: Ours, Properties: {Name: ours}}
  OnlyTheirs: {Type: "AWS::Glue::Workflow", Condition: Theirs, Properties: {Name: theirs}}
"""


@pytest.fixture
def lake(ssm):
    for name, text, kind in [("/lake/zone", "raw", "String"), ("/lake/zones", "raw, clean,gold", "StringList"), ("/lake/owner", "us", "String")]:
        put(ssm, name, text, kind)


def job(cloud):
    found = cloud.client("glue").get_job(JobName="uses-job")["Job"]
    return found["Description"], {k: v for k, v in found["DefaultArguments"].items() if k in ("--zone", "--all", "--first", "--owner", "--whose")}


def test_templates_use_parameters(create, cloud, ssm, lake, run_glueproj):  # noqa: F811
    contract.check(create(USER).ok())
    arguments = {"--zone": "zone=raw", "--all": "raw+clean+gold", "--first": "raw", "--owner": "owner us", "--whose": "ours"}
    assert job(cloud) == ("raw of raw", arguments)
    assert set(create(USER).ok().actions().values()) == {"none"}

    put(ssm, "/lake/zone", "clean", Overwrite=True)
    put(ssm, "/lake/zones", "gold,raw", "StringList", Overwrite=True)
    assert {i: a for (_, i), a in create(USER).ok().actions().items()} == {"Job": "update", "Other": "none", "OnlyOurs": "none"}
    arguments.update({"--zone": "zone=clean", "--all": "gold+raw", "--first": "gold"})
    assert job(cloud) == ("clean of raw", arguments)  # a version that is named stays
    assert set(create(USER).ok().actions().values()) == {"none"}

    # Conditions are decided by the values.
    put(ssm, "/lake/owner", "them", Overwrite=True)
    actions = {i: a for (_, i), a in create(USER).ok().actions().items()}
    assert actions == {"Job": "update", "Other": "none", "OnlyOurs": "delete", "OnlyTheirs": "create"}
    assert job(cloud)[1] == {**arguments, "--owner": "owner them", "--whose": "theirs"}
    assert create(USER, "--set", "Owner=/lake/zone").ok().actions()["t", "Job"] == "update"  # the name is a parameter like others
    assert job(cloud)[1]["--owner"] == "owner clean"

    # What goes needs no values.
    ssm.delete_parameters(Names=["/lake/zone", "/lake/zones", "/lake/owner"])
    run_glueproj("delete", "t", "--yes", "--output", "json", env=cloud.checked_env()).ok()
    assert everything(cloud)["jobs"] == everything(cloud)["workflows"] == []


def test_what_is_not_there_changes_nothing(create, cloud, ssm, lake):  # noqa: F811
    before = everything(cloud)
    put(ssm, "/db/password", PASSWORD, "SecureString")
    texts = []
    for old, new, code, text in [
        ("/lake/zone:1", "/lake/nobody", 1, "Systems Manager's parameter '/lake/nobody'.*ParameterNotFound"),
        ("/lake/zone:1", "/lake/zone:7", 1, "Systems Manager's parameter '/lake/zone:7'.*ParameterVersionNotFound"),
        ("/lake/zone:1", "/db/password", 2, "Systems Manager's parameter '/db/password' is a secure string"),
        ("ssm:/lake/zone:1", "ssm-secure:/db/password", 2, "no property here takes a secure string"),
        ("Default: /lake/zones", "Default: /lake/nobody", 1, "Systems Manager's parameter '/lake/nobody'.*ParameterNotFound"),
        ("Default: /lake/owner", "Default: /lake/nobody", 1, "Systems Manager's parameter '/lake/nobody'.*ParameterNotFound"),
        ("Default: /lake/owner", "Default: /db/password", 2, "Systems Manager's parameter '/db/password' is a secure string"),
    ]:
        assert old in USER
        result = create(USER.replace(old, new)).fails(code, text)
        texts.append(result.stdout + result.stderr)
        assert everything(cloud) == before
    assert PASSWORD not in "".join(texts) + homes_text(cloud)
    with open(f"{cloud.dir}/server.log", encoding="utf-8", errors="replace") as log:
        assert PASSWORD not in log.read()


def test_a_project_goes_without_the_values(run_glueproj, cloud, ssm, lake, tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "t.yaml").write_text(USER)
    (folder / "glueproj.yaml").write_text("Project: p\nStacks:\n  - Name: t\n    Template: t.yaml\n")

    def glueproj(*arguments):
        return run_glueproj("-p", str(folder), *arguments, "--output", "json", env=cloud.checked_env())

    glueproj("setup").ok()
    ssm.delete_parameters(Names=["/lake/zone", "/lake/zones", "/lake/owner"])
    glueproj("setup").fails(1, "parameter 'Zones' of stack 't'.*ParameterNotFound")
    glueproj("teardown", "--yes").ok()
    assert everything(cloud)["jobs"] == everything(cloud)["workflows"] == []
