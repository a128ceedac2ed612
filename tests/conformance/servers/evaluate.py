"""A small reader of projects and templates, independent of glueproj: what CloudFormation would make of them, in Python."""
import base64
import json
import os
import re

import yaml

REF = {  # Ref is the name, by this property
    "AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName", "AWS::Glue::Database": "DatabaseInput.Name", "AWS::Glue::Table": "TableInput.Name", "AWS::Glue::Job": "Name",
    "AWS::Glue::Crawler": "Name", "AWS::Glue::Trigger": "Name", "AWS::Glue::Workflow": "Name",
    "AWS::RedshiftServerless::Namespace": "NamespaceName", "AWS::RedshiftServerless::Workgroup": "WorkgroupName",
    "AWS::Athena::WorkGroup": "Name",
    "AWS::IAM::Policy": "PolicyName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::CloudWatch::Alarm": "AlarmName", "AWS::Glue::Connection": "ConnectionInput.Name",
    "AWS::Events::Rule": "Name",
}
NO_VALUE = object()


class Loader(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """YAML whose scalars stay text, with CloudFormation's short tags (and the project file's !Env and !File) in their long form."""


def short(loader, suffix, node):
    build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
             yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True)}[type(node)]
    value = build(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition", "Env", "File") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", short)
Loader.yaml_implicit_resolvers = {}


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, Loader)  # noqa: S506


class Stack:
    """One template with its parameters' values. `ids` and `attributes` fill in what only the cloud knows."""

    def __init__(self, project, name, path, given):
        self.project, self.name, self.path = project, name, path
        self.template = load(path)
        self.resources = self.template["Resources"]
        self.parameters = {}
        for parameter, definition in self.template.get("Parameters", {}).items():
            self.parameters[parameter] = given.get(parameter, definition.get("Default"))
        self.ids = {}

    def types(self):
        return {r["Type"] for r in self.live().values()}

    def live(self):
        """The resources whose condition holds."""
        return {k: r for k, r in self.resources.items() if "Condition" not in r or self.condition(r["Condition"])}

    def properties(self, logical_id):
        return self.value(self.resources[logical_id].get("Properties", {}))

    def outputs(self):
        return {
            k: self.value(o["Value"]) for k, o in self.template.get("Outputs", {}).items()
            if "Condition" not in o or self.condition(o["Condition"])}

    def condition(self, name):
        return self.truth(self.template["Conditions"][name])

    def truth(self, c):
        (fn, arg), = c.items()
        if fn == "Condition":
            return self.condition(arg)
        if fn == "Fn::Equals":
            return self.value(arg[0]) == self.value(arg[1])
        return {"Fn::And": all, "Fn::Or": any, "Fn::Not": lambda x: not any(x)}[fn](self.truth(a) for a in arg)

    def ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.project.pseudo:
            return self.project.pseudo[name]
        if name == "AWS::StackName":
            return self.name
        if name in self.parameters:
            value, kind = self.parameters[name], self.template["Parameters"][name]["Type"]
            is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
            return [x.strip() for x in value.split(",")] if is_list and isinstance(value, str) else value
        if name in self.ids:
            return self.ids[name]
        value, kind = self.resources[name]["Properties"], self.resources[name]["Type"]
        for part in REF[kind].split("."):
            value = value[part]
        return self.value(value)

    def attribute(self, name, attribute):
        kind, p = self.resources[name]["Type"], self.project.pseudo
        properties = self.resources[name].get("Properties", {})
        if (kind, attribute) == ("AWS::SQS::Queue", "Arn"):  # its Ref is an address, which only the cloud knows
            return f"arn:aws:sqs:{p['AWS::Region']}:{p['AWS::AccountId']}:{self.value(properties['QueueName'])}"
        ref = self.ref(name)
        if (kind, attribute) == ("AWS::IAM::Role", "Arn"):
            return f"arn:aws:iam::{p['AWS::AccountId']}:role{self.value(properties.get('Path', '/'))}{ref}"
        if (kind, attribute) == ("AWS::S3::Bucket", "Arn"):
            return f"arn:aws:s3:::{ref}"
        if (kind, attribute) in (("AWS::SecretsManager::Secret", "Id"), ("AWS::IAM::ManagedPolicy", "PolicyArn")):
            return ref
        if (kind, attribute) == ("AWS::Logs::LogGroup", "Arn"):
            return f"arn:aws:logs:{p['AWS::Region']}:{p['AWS::AccountId']}:log-group:{ref}:*"
        raise AssertionError(f"evaluate.py knows no attribute {attribute} of {kind}")

    def substitute(self, arg):
        text, names = arg if isinstance(arg, list) else (arg, {})

        def one(m):
            name = m.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in names:
                return self.value(names[name])
            return self.attribute(*name.split(".", 1)) if "." in name else self.ref(name)

        return re.sub(r"\$\{([^}]+)\}", one, text)

    def value(self, v):
        if isinstance(v, list):
            return [x for x in map(self.value, v) if x is not NO_VALUE]
        if not isinstance(v, dict):
            return v
        if len(v) == 1:
            (fn, arg), = v.items()
            if fn == "Ref":
                return self.ref(arg)
            if fn.startswith("Fn::"):
                return self.function(fn[4:], arg)
        return {k: x for k, x in ((k, self.value(x)) for k, x in v.items()) if x is not NO_VALUE}

    def function(self, fn, arg):
        if fn == "If":
            return self.value(arg[1] if self.condition(arg[0]) else arg[2])
        if fn == "Sub":
            return self.substitute(arg)
        if fn == "GetAtt":
            return self.attribute(*(arg.split(".", 1) if isinstance(arg, str) else arg))
        arg = self.value(arg)
        if fn == "Join":
            return arg[0].join(arg[1])
        if fn == "Select":
            return arg[1][int(arg[0])]
        if fn == "Split":
            return arg[1].split(arg[0])
        if fn == "ImportValue":
            return self.project.exports()[arg]
        if fn == "FindInMap":
            return self.template["Mappings"][arg[0]][arg[1]][arg[2]]
        if fn == "Base64":
            return base64.b64encode(arg.encode()).decode()
        raise AssertionError(f"evaluate.py knows no Fn::{fn}")


class ProjectFile:
    """A glueproj.yaml with its stacks. `environment` gives the values of !Env."""

    def __init__(self, folder, account, default_region, environment):
        self.folder = folder
        self.file = load(os.path.join(folder, "glueproj.yaml"))
        self.name = self.file["Project"]
        self.config = self.read_config(environment)
        self.stacks = []
        for entry in self.file["Stacks"]:
            entry = {"Name": entry} if isinstance(entry, str) else entry
            given = {}
            if entry.get("Parameters"):
                with open(os.path.join(folder, entry["Parameters"]), encoding="utf-8") as f:
                    given = {p["ParameterKey"]: p["ParameterValue"] for p in json.load(f)}
            path = os.path.join(folder, entry.get("Template", entry["Name"] + ".yaml"))
            self.stacks.append(Stack(self, entry["Name"], path, {**given, **self.config}))
        region = self.resolve(self.file.get("Region", "")) or default_region
        self.region, self.account = region, account
        self.pseudo = {
            "AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}

    def read_config(self, environment):
        if not self.file.get("Config"):
            return {}
        values = load(os.path.join(self.folder, self.file["Config"]))
        return {
            k: environment[v["Env"]] if isinstance(v, dict) else ",".join(v) if isinstance(v, list) else v for k, v in values.items()}

    def resolve(self, text):
        """${Name} of parameters and configuration."""
        names = {**{k: v for s in self.stacks for k, v in s.parameters.items()}, **self.config}
        return re.sub(r"\$\{(\w+)\}", lambda m: names[m.group(1)], text)

    def exports(self):
        return {
            s.value(o["Export"]["Name"]): s.value(o["Value"]) for s in self.stacks for o in s.template.get("Outputs", {}).values() if "Export" in o}

    def resources(self):
        """(stack, logical id, type) of all that stands after a set-up."""
        return [(s, k, r["Type"]) for s in self.stacks for k, r in s.live().items()]


def environment_names(folder):
    """What !Env of the configuration asks for."""
    file = load(os.path.join(folder, "glueproj.yaml"))
    values = load(os.path.join(folder, file["Config"])) if file.get("Config") else {}
    return [v["Env"] for v in values.values() if isinstance(v, dict) and "Env" in v]


def scalar(value):
    return isinstance(value, (str, bool, int, float))


def text_of(value):
    """A number or a truth as a template may write it."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return repr(float(value))
    except ValueError:
        return value


def typed(value):
    """Scalars that read like numbers and truths as such, as YAML and JSON would have given them."""
    if isinstance(value, dict):
        return {k: typed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [typed(v) for v in value]
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d{0,10})(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value


def differences(found, wanted, path=""):
    """Where what is found is not what is wanted: [(path, found, wanted)]; members that nobody wanted do not count, numbers and truths do by value."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [d for k, v in wanted.items() for d in differences(found.get(k), v, f"{path}.{k}" if path else k)]
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        return [d for i, v in enumerate(wanted) for d in differences(found[i], v, f"{path}[{i}]")]
    same = found == wanted or (scalar(found) and scalar(wanted) and text_of(found) == text_of(wanted))
    return [] if same else [(path, found, wanted)]
