"""What boto3 reads back after `setup`, property by property against what the templates say; the templates are evaluated here once more, in Python."""
import json
import os
import re

import pytest
import yaml

import contract
from helpers import ROOT
from shop import Shop

STACKS = ("basic-infra", "glue-jobs", "glue-catalog", "glue-workflow")
REF = {  # CloudFormation's Ref is the name, by this property
    "AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName", "AWS::Glue::Database": "DatabaseInput.Name", "AWS::Glue::Job": "Name",
    "AWS::Glue::Crawler": "Name", "AWS::Glue::Trigger": "Name", "AWS::Glue::Workflow": "Name", "AWS::Athena::WorkGroup": "Name",
}


class Loader(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """YAML whose scalars stay text, with CloudFormation's short tags."""


def short(loader, suffix, node):
    build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
             yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True)}[type(node)]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": build(node)}


Loader.add_multi_constructor("!", short)
Loader.yaml_implicit_resolvers = {}


class Stack:
    """One template with its parameters' values."""

    def __init__(self, folder, name, cloud, exports, given):
        with open(os.path.join(folder, f"{name}.yaml"), encoding="utf-8") as f:
            self.template = yaml.load(f, Loader)  # noqa: S506
        self.exports, self.resources = exports, self.template["Resources"]
        self.values = {"AWS::AccountId": cloud.account, "AWS::Region": cloud.region, "AWS::Partition": "aws"}
        for parameter, definition in self.template.get("Parameters", {}).items():
            self.values[parameter] = given.get(parameter, definition.get("Default"))
        for output in self.template.get("Outputs", {}).values():
            if "Export" in output:
                exports[self.value(output["Export"]["Name"])] = self.value(output["Value"])

    def properties(self, logical_id):
        return {k: self.value(v) for k, v in self.resources[logical_id]["Properties"].items()}

    def ref(self, name):
        if name in self.values:
            return self.values[name]
        value, kind = self.resources[name]["Properties"], self.resources[name]["Type"]
        for part in REF[kind].split("."):
            value = value[part]
        return self.value(value)

    def attribute(self, name, attribute):
        assert attribute == "Arn" and self.resources[name]["Type"] == "AWS::IAM::Role"
        return f"arn:aws:iam::{self.values['AWS::AccountId']}:role/{self.ref(name)}"

    def value(self, v):
        if isinstance(v, list):
            return [self.value(x) for x in v]
        if not isinstance(v, dict):
            return v
        if len(v) == 1:
            (fn, arg), = v.items()
            if fn == "Ref":
                return self.ref(arg)
            if fn == "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda m: self.ref(m.group(1)), arg)
            if fn == "Fn::GetAtt":
                return self.attribute(*arg.split("."))
            if fn == "Fn::Join":
                return self.value(arg[0]).join(self.value(arg[1]))
            if fn == "Fn::ImportValue":
                return self.exports[self.value(arg)]
        return {k: self.value(x) for k, x in v.items()}


def covers(found, wanted, where):
    """Everything wanted is found, numbers and truths by value."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), where
        for k, v in wanted.items():
            assert k in found, f"{where}: no '{k}' in {sorted(found)}"
            covers(found[k], v, f"{where}.{k}")
    elif isinstance(wanted, list):
        assert isinstance(found, list) and len(found) == len(wanted), f"{where}: {found}"
        for i, v in enumerate(wanted):
            covers(found[i], v, f"{where}[{i}]")
    elif isinstance(found, bool):
        assert str(found).lower() == wanted.lower(), where
    elif isinstance(found, (int, float)):
        assert found == float(wanted), f"{where}: {found}, not {wanted}"
    else:
        assert found == wanted, f"{where}: {found!r}, not {wanted!r}"


class Reader:
    """What is live of one resource, in the words of its CloudFormation properties; and its tags."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.s3, self.iam, self.glue, self.athena = (cloud.client(s) for s in ("s3", "iam", "glue", "athena"))

    def glue_tags(self, kind, name):
        return self.glue.get_tags(ResourceArn=f"arn:aws:glue:{self.cloud.region}:{self.cloud.account}:{kind}/{name}")["Tags"]

    def bucket(self, name):
        self.s3.head_bucket(Bucket=name)
        return {"BucketName": name}, {t["Key"]: t["Value"] for t in self.s3.get_bucket_tagging(Bucket=name)["TagSet"]}

    def role(self, name):
        role = self.iam.get_role(RoleName=name)["Role"]
        names = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        role["Policies"] = [
            {"PolicyName": p, "PolicyDocument": self.iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"]} for p in names]
        return role, {t["Key"]: t["Value"] for t in self.iam.list_role_tags(RoleName=name)["Tags"]}

    def database(self, name):
        database = self.glue.get_database(Name=name)["Database"]
        return {"CatalogId": database["CatalogId"], "DatabaseInput": database}, self.glue_tags("database", name)

    def job(self, name):
        return self.glue.get_job(JobName=name)["Job"], self.glue_tags("job", name)

    def crawler(self, name):
        crawler = self.glue.get_crawler(Name=name)["Crawler"]
        for target in crawler["Targets"]["S3Targets"]:
            target["Path"] = target["Path"].rstrip("/")
        crawler["Role"] = f"arn:aws:iam::{self.cloud.account}:role/{crawler['Role']}"  # GetCrawler gives the bare name
        return crawler, self.glue_tags("crawler", name)

    def trigger(self, name):
        trigger = self.glue.get_trigger(Name=name)["Trigger"]
        trigger["StartOnCreation"] = trigger["State"] == "ACTIVATED"
        return trigger, self.glue_tags("trigger", name)

    def workflow(self, name):
        return self.glue.get_workflow(Name=name)["Workflow"], self.glue_tags("workflow", name)

    def work_group(self, name):
        group = self.athena.get_work_group(WorkGroup=name)["WorkGroup"]
        arn = f"arn:aws:athena:{self.cloud.region}:{self.cloud.account}:workgroup/{name}"
        tags = self.athena.list_tags_for_resource(ResourceARN=arn)["Tags"]
        found = {**group, "WorkGroupConfiguration": group["Configuration"], "RecursiveDeleteOption": "true"}  # the last is of delete alone
        return found, {t["Key"]: t["Value"] for t in tags}

    def secret(self, name):
        secrets = self.cloud.client("secretsmanager")
        found = secrets.describe_secret(SecretId=name)
        found["SecretString"] = secrets.get_secret_value(SecretId=name)["SecretString"]
        return found, {t["Key"]: t["Value"] for t in found.pop("Tags")}

    def read(self, kind, name):
        return {
            "AWS::S3::Bucket": self.bucket, "AWS::IAM::Role": self.role, "AWS::Glue::Database": self.database, "AWS::Glue::Job": self.job,
            "AWS::Glue::Crawler": self.crawler, "AWS::Glue::Trigger": self.trigger, "AWS::Glue::Workflow": self.workflow,
            "AWS::Athena::WorkGroup": self.work_group, "AWS::SecretsManager::Secret": self.secret,
        }[kind](name)


def tags_of(properties):
    tags = properties.pop("Tags", {})
    return tags if isinstance(tags, dict) else {t["Key"]: t["Value"] for t in tags}


def test_a_secret_is_what_its_template_says(run_glueproj, cloud):
    properties = {"Name": "a/b", "Description": "d; 'quoted'", "KmsKeyId": "alias/k", "SecretString": 'lines\nand "quotes"',
                  "Tags": [{"Key": "k", "Value": "v"}]}
    template = {"Resources": {"Key": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}}}
    shop = Shop(run_glueproj, cloud, **{"glueproj.yaml": "Project: shop\nStacks: [safe]\n", "safe.yaml": json.dumps(template)})
    contract.check(shop("setup").ok())
    found, tags = Reader(cloud).read("AWS::SecretsManager::Secret", "a/b")
    covers(tags, {**tags_of(properties), "glueproj:project": "shop", "glueproj:stack": "safe", "glueproj:logical-id": "Key"}, "Tags")
    covers(found, properties, "Key")
    shop("teardown", "--yes").ok()


@pytest.mark.timeout(120)
def test_every_property_is_what_its_template_says(sales_lake, cloud):
    made = contract.check(sales_lake("setup").ok()).json
    given, exports, reader, seen = {"SourceUrl": sales_lake.environment["GLUEPROJ_PARAM_SourceUrl"]}, {}, Reader(cloud), 0
    ids = {(s["name"], r["logical_id"]): r["physical_id"] for s in made["stacks"] for r in s["resources"]}
    outputs = contract.check(sales_lake("outputs").ok()).json["outputs"]
    for name in STACKS:
        stack = Stack(os.path.join(ROOT, "stacks", "sales-lake"), name, cloud, exports, given)
        for logical_id, resource in stack.resources.items():
            wanted, where = stack.properties(logical_id), f"{name}.{logical_id}"
            assert ids[name, logical_id] == stack.ref(logical_id), f"{where}: the physical id is CloudFormation's Ref"
            found, tags = reader.read(resource["Type"], stack.ref(logical_id))
            covers(tags, {
                **tags_of(wanted), "glueproj:project": "sales-lake", "glueproj:stack": name, "glueproj:logical-id": logical_id}, f"{where}.Tags")
            assert {t for t in tags if not t.startswith("glueproj:")} == set(tags_of(stack.properties(logical_id)))
            assert tags["glueproj:digest"].startswith("v1:")
            program = wanted.get("Command", {}).pop("ScriptLocation", None)
            if program:
                assert found["DefaultArguments"].pop("--glueproj-program") == program
                bundle = found["DefaultArguments"].pop("--glueproj-bundle")
                for uri in (bundle, found["Command"]["ScriptLocation"]):
                    bucket, _, key = uri.removeprefix("s3://").partition("/")
                    cloud.client("s3").head_object(Bucket=bucket, Key=key)
                assert found["DefaultArguments"] == wanted["DefaultArguments"], where
            if "Configuration" in wanted and isinstance(wanted["Configuration"], str):
                assert json.loads(found.pop("Configuration")) == json.loads(wanted.pop("Configuration"))
            if resource["Type"] == "AWS::Glue::Trigger" and wanted["Type"] == "ON_DEMAND":
                assert found["State"] == "CREATED" and "StartOnCreation" not in wanted
            covers(found, wanted, where)
            seen += 1
        for output, definition in stack.template.get("Outputs", {}).items():
            assert outputs[name][output] == stack.value(definition["Value"]), f"{name}.{output}"
    assert seen == 21
