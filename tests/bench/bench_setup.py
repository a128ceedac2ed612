"""Set-up of a project on the local cloud behind a slow network, beside the same resources made by other clients.

What glueproj made is read back and turned into the calls that make it; boto3 and the AWS CLI send these calls, and what they
made must be equal. The critical path is the heaviest chain of calls of which each needs the one before: no client can be
faster than that many replies.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import time

import botocore.session
from delay_proxy import DelayProxy
from helpers import Cloud, Project, Runner, definitions

LATENCY = 0.05
PARALLEL = 16
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


# --- what there is to make: calls, resource by resource ---
class Resource:
    def __init__(self, kind, name):
        self.kind, self.name, self.calls, self.needs = kind, name, [], set()

    def call(self, service, operation, parameters):
        """Only what the operation takes of `parameters`."""
        parameters = {k: v for k, v in parameters.items() if v not in ("", {})}
        self.calls.append((service, operation, prune(parameters, input_shape(service, operation))))


session = botocore.session.get_session()
models = {}


def input_shape(service, operation):
    if service not in models:
        models[service] = session.get_service_model(service)
    return models[service].operation_model(operation).input_shape


def prune(value, shape):
    if shape.type_name == "structure" and isinstance(value, dict):
        return {k: prune(v, shape.members[k]) for k, v in value.items() if k in shape.members and v is not None}
    if shape.type_name == "list":
        return [prune(v, shape.member) for v in value]
    return value


def tag_list(tags):
    return [{"Key": k, "Value": v} for k, v in sorted(tags.items())]


def bucket_calls(r, cloud, tags):
    where = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    r.call("s3", "CreateBucket", {"Bucket": r.name, **where})
    if tags:
        r.call("s3", "PutBucketTagging", {"Bucket": r.name, "Tagging": {"TagSet": tag_list(tags)}})


def role_calls(r, cloud, role):
    r.call("iam", "CreateRole", {**role, "AssumeRolePolicyDocument": json.dumps(role["AssumeRolePolicyDocument"]), "Tags": tag_list(role["Tags"])})
    for name, document in role["Policies"].items():
        r.call("iam", "PutRolePolicy", {"RoleName": r.name, "PolicyName": name, "PolicyDocument": json.dumps(document)})
    for arn in role["Attached"]:
        r.call("iam", "AttachRolePolicy", {"RoleName": r.name, "PolicyArn": arn})


def database_calls(r, cloud, found):
    value, tags = found
    r.call("glue", "CreateDatabase", {"DatabaseInput": value, "Tags": tags})


def trigger_calls(r, cloud, found):
    value, tags = found
    r.call("glue", "CreateTrigger", {**value, "Tags": tags, "StartOnCreation": value["State"] == "ACTIVATED" or None})


def job_calls(r, cloud, found):
    value, tags = found
    r.call("glue", "CreateJob", {k: v for k, v in {**value, "Tags": tags}.items() if k != "AllocatedCapacity"})


def workgroup_calls(r, cloud, value):
    arn = f"arn:aws:athena:{cloud.region}:{cloud.account}:workgroup/{r.name}"
    tags = cloud.client("athena").list_tags_for_resource(ResourceARN=arn)["Tags"]
    r.call("athena", "CreateWorkGroup", {**value, "Tags": tags})


def plain_calls(operation):
    def calls(r, cloud, found):
        value, tags = found
        r.call("glue", operation, {**value, "Tags": tags})

    return calls


KINDS = {
    "bucket": bucket_calls, "role": role_calls, "database": database_calls, "workgroup": workgroup_calls,
    "workflow": plain_calls("CreateWorkflow"), "job": job_calls, "crawler": plain_calls("CreateCrawler"), "trigger": trigger_calls,
}
# Which kinds a definition names: the names in it are what it needs.
NEEDS = {"workgroup": ("bucket",), "job": ("role", "bucket"), "crawler": ("role", "database", "bucket"), "trigger": ("workflow", "job", "crawler")}


def is_home(name):
    """glueproj's own bucket for its records; other clients need none."""
    return name.startswith("glueproj-")


def resources_of(cloud, folder, extra_needs):
    """What stands in a cloud as a list of Resource, each after what it needs. Objects are downloaded to `folder`."""
    found, s3 = {}, cloud.client("s3")
    for (kind, name), value in definitions(cloud).items():
        if not is_home(name) and (kind, name) != ("workgroup", "primary"):
            found[kind, name] = Resource(kind, name)
            KINDS[kind](found[kind, name], cloud, value)
            words = set(re.findall(r"[A-Za-z0-9_.-]+", json.dumps(value, default=str)))
            found[kind, name].needs = {(k, word) for k in NEEDS.get(kind, ()) for word in words}
            found[kind, name].needs |= extra_needs.get((kind, name), set())
    for bucket in [n for k, n in found if k == "bucket"]:
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            path = os.path.join(folder, f"{len(found)}.object")
            s3.download_file(bucket, item["Key"], path)
            r = found["object", item["Key"]] = Resource("object", item["Key"])
            r.call("s3", "PutObject", {"Bucket": bucket, "Key": item["Key"], "Body": path})
            r.needs = {("bucket", bucket)}
    for r in found.values():
        r.needs &= found.keys()
    queue_triggers(found)
    order = [*KINDS][:5] + ["object"] + [*KINDS][5:]
    return sorted(found.values(), key=lambda r: (order.index(r.kind), depth(r, found), r.name))


def queue_triggers(found):
    """Glue refuses to change a workflow twice at a time (ConcurrentModificationException): its triggers wait for each other."""
    last = {}
    for r in (found[k] for k in sorted(found) if k[0] == "trigger"):
        workflow = r.calls[0][2].get("WorkflowName")
        if workflow in last:
            r.needs.add(last[workflow])
        if workflow:
            last[workflow] = (r.kind, r.name)


def depth(r, found):
    """Calls from the start to the end of this resource, when nothing but what it needs makes it wait."""
    return len(r.calls) + max((depth(found[n], found) for n in r.needs), default=0)


def critical_path(resources):
    found = {(r.kind, r.name): r for r in resources}
    return max(depth(r, found) for r in resources)


# --- the other clients ---
def send(client, operation, parameters):
    method = getattr(client, botocore.xform_name(operation))
    if operation != "PutObject":
        return method(**parameters)
    with open(parameters["Body"], "rb") as body:
        return method(**{**parameters, "Body": body})


def boto3_script(clients, resources):
    """One call after the other, as scripts do."""
    for r in resources:
        for service, operation, parameters in r.calls:
            send(clients[service], operation, parameters)


def boto3_threads(clients, resources):
    """The best that one can do by hand: each resource as soon as what it needs is there."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        left, running, done = {(r.kind, r.name): r for r in resources}, {}, set()
        while left or running:
            for key in [k for k, r in left.items() if r.needs <= done]:
                running[pool.submit(boto3_script, clients, [left.pop(key)])] = key
            for future in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                future.result()
                done.add(running.pop(future))


def cli_script(resources, path):
    """A shell script, one `aws` a line; parameters in files, as nobody types them."""
    with open(path, "w", encoding="utf-8") as f:
        print("set -e", file=f)
        for i, (service, operation, parameters) in enumerate(c for r in resources for c in r.calls):
            words = [os.environ["AWS_CLI"], "s3api" if service == "s3" else service, botocore.xform_name(operation, "-")]
            if operation == "PutObject":
                words += ["--bucket", parameters["Bucket"], "--key", parameters["Key"], "--body", parameters["Body"]]
            else:
                with open(f"{path}.{i}.json", "w", encoding="utf-8") as p:
                    json.dump(parameters, p)
                words += ["--cli-input-json", f"file://{path}.{i}.json"]
            print(shlex.join(words), ">/dev/null", file=f)


def clients_of(cloud, endpoint, resources):
    """Made before the clock starts."""
    return {s: cloud.client(s, endpoint, max_pool_connections=PARALLEL) for s in {c[0] for r in resources for c in r.calls}}


def check_same(by, found, expected):
    for key in sorted(found.keys() | expected.keys()):
        one, other = found.get(key), expected.get(key)
        assert one == other, f"{by} made another {' '.join(key)}:\n{one}\n{other}"


# --- one project ---
class Bench:
    def __init__(self, table, folder, name, make_project, extra_needs=None):
        self.table, self.folder, self.name, self.make_project, self.extra_needs = table, folder, name, make_project, extra_needs or {}
        os.makedirs(folder)
        self.runner, self.ideal, self.base = Runner(folder), None, None

    def row(self, by, seconds, requests, note=""):
        self.table.add(
            self.name, by, seconds=f"{seconds:.2f}", requests=requests, path="%.1f" % (seconds / self.ideal), ratio=seconds / self.base, note=note,
        )

    def timed(self, cloud_name, make):
        """make(cloud, proxy) on a cloud of its own; (seconds, requests, definitions)."""
        cloud = Cloud(self.runner, os.path.join(self.folder, cloud_name))
        try:
            with DelayProxy(cloud.endpoint, LATENCY) as proxy:
                seconds = make(cloud, proxy)
                return seconds, proxy.calls, {k: v for k, v in definitions(cloud).items() if not is_home(k[1])}
        finally:
            cloud.stop()

    def learn(self):
        """A set-up without delay packs the programs, and shows what there is to make."""
        cloud = Cloud(self.runner, os.path.join(self.folder, "learn"))
        try:
            self.make_project(self.runner, cloud)("setup").ok()
            return resources_of(cloud, self.folder, self.extra_needs)
        finally:
            cloud.stop()

    def glueproj(self, cloud, proxy):
        project = self.make_project(self.runner, cloud)
        project.through(proxy.endpoint)
        begin = time.monotonic()
        project("setup").ok()
        seconds, self.first_calls = time.monotonic() - begin, proxy.calls
        proxy.reset()
        begin = time.monotonic()
        assert project("setup").ok().json["summary"]["created"] == 0
        self.again = time.monotonic() - begin, proxy.calls
        return seconds

    def run(self):
        resources = self.learn()
        calls = sum(len(r.calls) for r in resources)
        path = critical_path(resources)
        self.ideal = path * LATENCY
        self.base, _, made = self.timed("glueproj", self.glueproj)
        note = f"{len(resources)} resources, {calls} calls needed"
        self.row("critical path", self.ideal, path, note)
        self.row("glueproj setup", self.base, self.first_calls)
        self.row("glueproj setup, again", *self.again, "reads only")
        for by, make in (("boto3, 16 threads by hand", boto3_threads), ("boto3 script", boto3_script), ("shell script, AWS CLI", None)):
            seconds, requests, same = self.timed(f"cloud-{by[:8]}-{len(by)}", self.other(make, resources))
            check_same(by, same, made)
            self.row(by, seconds, requests)

    def other(self, make, resources):
        def by_script(cloud, proxy):
            path = os.path.join(self.folder, "make.sh")
            cli_script(resources, path)
            env = {**self.runner.environment, **cloud.env(proxy.endpoint), "AWS_PAGER": ""}
            begin = time.monotonic()
            subprocess.run(["bash", path], env=env, check=True, timeout=600)
            return time.monotonic() - begin

        def by_boto3(cloud, proxy):
            clients = clients_of(cloud, proxy.endpoint, resources)
            begin = time.monotonic()
            make(clients, resources)
            return time.monotonic() - begin

        return by_boto3 if make else by_script


# --- the generated project: buckets, roles that read them, databases in them, jobs in chains of five ---
CHAIN = 5


def generated_template(n):
    resources = {}
    for i in range(n // 4):
        resources[f"Bucket{i}"] = {
            "Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"bench-data-{i}", "Tags": [{"Key": "n", "Value": str(i)}]},
        }
        read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": f"${{Bucket{i}.Arn}}/*"}}
        policy = {"PolicyName": "read", "PolicyDocument": {"Version": "2012-10-17", "Statement": [read]}}
        resources[f"Role{i}"] = {
            "Type": "AWS::IAM::Role", "Properties": {"RoleName": f"BenchRole{i}", "AssumeRolePolicyDocument": TRUST, "Policies": [policy]},
        }
        resources[f"Database{i}"] = {
            "Type": "AWS::Glue::Database", "Properties": {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Name": f"bench_{i}"}},
        }
        resources[f"Job{i}"] = {
            "Type": "AWS::Glue::Job", **({"DependsOn": f"Job{i - 1}"} if i % CHAIN else {}),
            "Properties": {
                "Name": f"bench-job-{i}", "Role": {"Fn::GetAtt": [f"Role{i}", "Arn"]}, "GlueVersion": "3.0", "MaxCapacity": 1,
                "Command": {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": {"Fn::Sub": f"s3://${{Bucket{i}}}/job.py"}},
            },
        }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def generated_needs(n):
    """What the template says and the made resources do not show."""
    needs = {("role", f"BenchRole{i}"): {("bucket", f"bench-data-{i}")} for i in range(n // 4)}
    needs.update({("job", f"bench-job-{i}"): {("job", f"bench-job-{i - 1}")} for i in range(n // 4) if i % CHAIN})
    return needs


class Generated(Project):
    """A project with one template that is made here."""

    def __init__(self, runner, cloud, n):
        self.runner, self.cloud, self.environment = runner, cloud, cloud.env()
        self.folder = os.path.join(runner.folder, "generated")
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, "glueproj.yaml"), "w", encoding="utf-8") as f:
            f.write("Project: bench\nStacks:\n  - {Name: all, Template: all.yaml}\n")
        with open(os.path.join(self.folder, "all.yaml"), "w", encoding="utf-8") as f:
            json.dump(generated_template(n), f, indent=1)


class Lake(Project):
    """The sales lake; made again for every cloud, with the programs packed once."""

    def __init__(self, runner, cloud):
        folder = os.path.join(runner.folder, "stacks", "sales-lake")
        if not os.path.exists(folder):
            super().__init__(runner, cloud, "sales-lake", SourceUrl="file:///nowhere/2m-Sales-Records.zip")
        self.runner, self.cloud, self.folder = runner, cloud, folder
        self.environment = {**cloud.env(), "GLUEPROJ_PARAM_SourceUrl": "file:///nowhere/2m-Sales-Records.zip"}


def run(table, folder, arguments):
    Bench(table, os.path.join(folder, "lake"), "set up the sales lake", Lake).run()
    n = arguments.resources
    Bench(table, os.path.join(folder, "many"), f"set up {n} generated", lambda r, c: Generated(r, c, n), generated_needs(n)).run()
