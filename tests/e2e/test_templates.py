"""The template language through the binary: what loops, blocks of addresses and dynamic references give in a cloud, against other people's answers."""
import ipaddress
import json
import os

import cfnlint.decode
import cfnlint.template
import pytest

import contract
from helpers import ROOT, everything

TEMPLATES = os.path.join(ROOT, "tests", "conformance", "templates", "good")
PASSWORD, LATER = "hunter-22-of-main", "hunter-23-of-main"

COPIES = """\
Parameters:
  Source: {Type: String, Default: db/main}
Resources:
  Copy:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: copies/one
      Description: "signs in as {{resolve:secretsmanager:db/main:SecretString:user}}"
      SecretString: !Sub "postgres://{{resolve:secretsmanager:${Source}:SecretString:password}}@host"
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: copies-job
      Role: arn:aws:iam::000000000000:role/etl
      Command: {Name: pythonshell, ScriptLocation: "s3://scripts-of-mine/a.py", PythonVersion: "3.9"}
      DefaultArguments: {"--password": "{{resolve:secretsmanager:db/main:SecretString:password:AWSCURRENT}}"}
Outputs:
  Job: {Value: !Ref Job}
"""
CHAIN = """\
Resources:
  Reader:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: chain/b, SecretString: "{{resolve:secretsmanager:chain/a:SecretString:key}}"}
  Source:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: chain/a, SecretString: '{"key": "of the chain"}'}
"""


@pytest.fixture
def create(run_glueproj, cloud, tmp_path):
    """create(text or path): the command on that template, as stack `t`."""

    def run(template, *arguments, command="create", stack="t"):
        path = template
        if "\n" in template:
            path = str(tmp_path / "t.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(template)
        return run_glueproj(command, stack, "--template", path, "--output", "json", *arguments, env=cloud.checked_env())

    return run


def put_secret(cloud, value):
    secrets, text = cloud.client("secretsmanager"), json.dumps({"user": "admin", "password": value})
    try:
        secrets.put_secret_value(SecretId="db/main", SecretString=text)
    except secrets.exceptions.ResourceNotFoundException:
        secrets.create_secret(Name="db/main", SecretString=text)


def value_of(cloud, name):
    return cloud.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]


def homes_text(cloud):
    """Everything that glueproj wrote into its home."""
    s3, text = cloud.client("s3"), b""
    for bucket in s3.list_buckets()["Buckets"]:
        for entry in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            text += s3.get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read()
    return text.decode("utf-8", "replace")


def test_secrets_by_reference(create, cloud):
    put_secret(cloud, PASSWORD)
    runs = [contract.check(create(COPIES).ok())]
    assert value_of(cloud, "copies/one") == f"postgres://{PASSWORD}@host"
    job = cloud.client("glue").get_job(JobName="copies-job")["Job"]
    assert job["DefaultArguments"]["--password"] == PASSWORD
    assert cloud.client("secretsmanager").describe_secret(SecretId="copies/one")["Description"] == "signs in as admin"

    runs.append(create(COPIES).ok())
    assert set(runs[-1].actions().values()) == {"none"}, runs[-1]

    put_secret(cloud, LATER)
    runs.append(create(COPIES).ok())
    assert set(runs[-1].actions().values()) == {"update"}, runs[-1]
    assert value_of(cloud, "copies/one") == f"postgres://{LATER}@host"
    assert cloud.client("glue").get_job(JobName="copies-job")["Job"]["DefaultArguments"]["--password"] == LATER

    text = "".join(r.stdout + r.stderr for r in runs) + homes_text(cloud)
    assert "copies-job" in text and PASSWORD not in text and LATER not in text


def test_a_secret_of_the_same_stack_is_waited_for(create, cloud, run_glueproj):
    create(CHAIN).ok()
    assert value_of(cloud, "chain/b") == "of the chain"
    assert set(create(CHAIN).ok().actions().values()) == {"none"}
    run_glueproj("delete", "t", "--yes", "--output", "json", env=cloud.checked_env()).ok()


def test_what_is_not_there_changes_nothing(create, cloud):
    put_secret(cloud, PASSWORD)
    before = everything(cloud)
    for reference, code, text in [
        ("{{resolve:secretsmanager:nobody}}", 1, "dynamic reference to secret 'nobody'"),
        ("{{resolve:secretsmanager:db/main:SecretString:nokey}}", 2, "secret 'db/main' has no key 'nokey'"),
        ("{{resolve:ssm:/lake/zone}}", 1, "Systems Manager's parameter '/lake/zone'"),
    ]:
        result = create(COPIES.replace("{{resolve:secretsmanager:db/main:SecretString:user}}", reference)).fails(code, text)
        assert everything(cloud) == before and PASSWORD not in result.stdout + result.stderr
    # Zones belong to an account, and glueproj does not ask EC2.
    create(os.path.join(TEMPLATES, "availability-zones.yaml")).fails(2, "Fn::GetAZs: glueproj does not ask EC2 for zones")
    assert everything(cloud) == before


NAMED = """\
Parameters:
  Place: {Type: "AWS::SSM::Parameter::Value<String>", Default: /names/place}
  Kind: {Type: "AWS::SSM::Parameter::Value<String>", Default: /names/kind}
Resources:
  Bucket: {Type: "AWS::S3::Bucket", Properties: {BucketName: !Ref Place}}
"""
NAMED_PROJECT = """\
Project: named
Home: ${Place}-home
Stacks: [{Name: one, Template: one.yaml}]
Uploads: [{From: "data/${Kind}/*.csv", To: "s3://${Place}/${Kind}/in/"}]
"""


def test_names_of_a_project_come_from_systems_manager(run_glueproj, cloud, tmp_path):
    ssm, s3 = cloud.client("ssm"), cloud.client("s3")
    for name, text in {"glueproj.yaml": NAMED_PROJECT, "one.yaml": NAMED, "data/sales/a.csv": "a\n", "data/other/b.csv": "b\n"}.items():
        path = tmp_path / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = ["--project", str(tmp_path / "p"), "--output", "json"]
    offline = run_glueproj("validate", *project).ok()
    assert "'data/${Kind}/*.csv' is not looked for" in offline.stdout + offline.stderr
    run_glueproj("setup", *project, env=cloud.checked_env()).fails(1, "/names/")
    for name, text in [("/names/place", "named-by-ssm"), ("/names/kind", "sales")]:
        ssm.put_parameter(Name=name, Value=text, Type="String")
    run_glueproj("setup", *project, env=cloud.checked_env()).ok()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="named-by-ssm")["Contents"]] == ["sales/in/a.csv"]
    assert "named-by-ssm-home" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    run_glueproj("teardown", "--yes", *project, env=cloud.checked_env()).ok()
    assert "named-by-ssm" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def expanded(path):
    """The template as cfn-lint's transform of AWS::LanguageExtensions leaves it."""
    template, matches = cfnlint.decode.decode(path)
    assert not matches, matches
    cfn = cfnlint.template.Template(path, template, ["us-east-1"])
    assert not cfn.transform()
    return cfn.template


def jobs_of(cloud):
    glue = cloud.client("glue")
    return {name: glue.get_job(JobName=name)["Job"] for name in glue.list_jobs()["JobNames"]}


def test_loops_give_what_another_expands(create, cloud):
    for name in ("foreach-nested", "foreach-properties", "foreach-with-references"):
        path = os.path.join(TEMPLATES, name + ".yaml")
        theirs = expanded(path)["Resources"]
        ours = create(path, stack=name).ok().resources()
        assert {i for _, i in ours} == set(theirs)
        jobs = jobs_of(cloud)
        for (_, logical_id), resource in ours.items():
            if resource["type"] != "AWS::Glue::Job":
                continue
            properties, job = theirs[logical_id]["Properties"], jobs[resource["physical_id"]]
            assert properties.get("Name", job["Name"]) == job["Name"]
            assert properties["Command"]["ScriptLocation"] == job["Command"]["ScriptLocation"]
            assert properties.get("DefaultArguments", {}) == job.get("DefaultArguments", {})

    # Blocks of addresses, as Python cuts them.
    create(os.path.join(TEMPLATES, "cidr.yaml"), "--set", "Network=172.16.0.0/12", stack="cidr").ok()
    (arguments,) = (j["DefaultArguments"] for j in jobs_of(cloud).values() if "--first" in j.get("DefaultArguments", {}))
    assert arguments["--first"] == str(next(ipaddress.ip_network("172.16.0.0/12").subnets(new_prefix=24)))
    blocks = ipaddress.ip_network("10.0.0.0/16").subnets(new_prefix=22)
    assert arguments["--all"] == ",".join(str(next(blocks)) for _ in range(3))
