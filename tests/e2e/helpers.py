"""Running glueproj and its local cloud from tests: what CONTRACT promises callers is all that these rely on."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import boto3
import botocore.config

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTRACT_KEYS = {"schema": int, "command": str, "ok": bool, "exit": int, "errors": list, "warnings": list}
ERROR_KEYS = {
    "code", "rule", "message", "hint", "file", "line", "column", "path", "stack", "logical_id", "operation", "aws_code", "http_status", "request_id",
}
SUMMARY_KEYS = {
    "created", "updated", "replaced", "unchanged", "deleted", "adopted", "retained", "failed", "skipped", "requests", "seconds",
}


def glueproj_bin():
    return os.path.abspath(os.environ.get("GLUEPROJ_BIN", os.path.join(ROOT, "glueproj")))


class Result:
    """What one run of glueproj gave. `json` is stdout's one document, when --output json was asked for."""

    def __init__(self, arguments, code, stdout, stderr):
        self.arguments, self.code, self.stdout, self.stderr = arguments, code, stdout, stderr
        self.json = None
        if "json" in arguments and "--output" in arguments or "--output=json" in arguments:
            self.json = check_document(stdout, code, self)

    def __repr__(self):
        return f"glueproj {' '.join(self.arguments)}\nexit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    def ok(self):
        assert self.code == 0, repr(self)
        return self

    def fails(self, code, text=None):
        """Expects this exit code, and on stderr (or in the document's errors) a text that matches."""
        assert self.code == code, repr(self)
        if text is not None:
            assert re.search(text, self.stderr + json.dumps((self.json or {}).get("errors", []))), repr(self)
        return self

    def resources(self):
        """{(stack, logical id): resource} of a document with stacks."""
        return {(s["name"], r["logical_id"]): r for s in self.json["stacks"] for r in s["resources"]}

    def actions(self):
        return {k: r["action"] for k, r in self.resources().items()}


def check_document(stdout, code, result):
    """One document and a newline, with the members that every command has."""
    assert stdout.endswith("\n"), repr(result)
    try:
        value = json.loads(stdout)
    except ValueError as e:
        raise AssertionError(f"stdout is not one JSON document: {e}\n{result!r}") from None
    for key, kind in CONTRACT_KEYS.items():
        assert isinstance(value.get(key), kind), f"'{key}' is no {kind.__name__}\n{result!r}"
    assert value["schema"] == 1 and value["exit"] == code and value["ok"] == (code in (0, 3)), repr(result)
    for error in value["errors"] + value["warnings"]:
        assert set(error) <= ERROR_KEYS and error.get("code") and error.get("message"), f"{error}\n{result!r}"
        assert None not in error.values(), f"unknown keys are left out: {error}"
    assert value["ok"] or value["errors"], f"a failure names an error\n{result!r}"
    if "summary" in value and "uploads" not in value:
        assert SUMMARY_KEYS <= set(value["summary"]), repr(result)
    return value


class Runner:
    """Runs glueproj in a folder of the test's own, with an environment of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "NO_COLOR": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        # What a sanitizer or coverage build needs to find.
        self.environment.update({k: v for k, v in os.environ.items() if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH")})

    def words(self, arguments):
        return [str(a) for a in arguments]

    def start(self, *arguments, env=None, cwd=None, stdin=subprocess.DEVNULL):
        """A process that runs on; the caller waits for it."""
        return subprocess.Popen(
            [glueproj_bin(), *self.words(arguments)], cwd=cwd or self.folder, env={**self.environment, **(env or {})}, stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def __call__(self, *arguments, env=None, cwd=None, stdin=None, timeout=120):
        process = self.start(*arguments, env=env, cwd=cwd, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"no end in {timeout} s: {Result(['(killed)'], process.returncode, stdout, stderr)!r}") from None
        return Result(self.words(arguments), process.returncode, stdout, stderr)


class Cloud:
    """A local cloud in a folder, as `local start` says it is."""

    def __init__(self, runner, folder, *options):
        self.runner, self.dir, self.options, self.clients = runner, str(folder), options, {}
        self.checker = self.judge = None
        self.start()

    def start(self):
        document = self.runner(
            "local", "start", "--dir", self.dir, "--port", "0", "--output", "json", "--well-known-keys", *self.options
        ).ok().json
        for key in ("endpoint", "pid", "dir", "region", "access_key_id", "secret_access_key", "account"):
            assert key in document, f"local start gives no '{key}'"
        self.endpoint, self.pid, self.region, self.account = (document[k] for k in ("endpoint", "pid", "region", "account"))
        self.access_key_id, self.secret_access_key = document["access_key_id"], document["secret_access_key"]
        for proxy in (self.checker, self.judge):
            if proxy:
                proxy.lead_to(self.endpoint)

    def stop(self):
        return self.runner("local", "stop", "--dir", self.dir)

    def kill(self):
        """As a power cut would: no warning, nothing written after it."""
        os.kill(self.pid, signal.SIGKILL)
        for _ in range(500):
            try:
                with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
                    if f.read().rpartition(")")[2].split()[0] == "Z":
                        return
            except FileNotFoundError:
                return
            time.sleep(0.01)
        raise AssertionError(f"process {self.pid} outlives SIGKILL")

    def checked_env(self):
        """For glueproj: every request goes by way of the proxy that checks it against AWS's models."""
        return self.env(self.checker.endpoint if self.checker else None)

    def judged(self):
        """For boto3 and the AWS CLI: every reply is checked against AWS's models."""
        return self.judge.endpoint if self.judge else self.endpoint

    def env(self, endpoint=None):
        """For glueproj, boto3 and the AWS CLI; `endpoint` puts a proxy in between."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key, "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region, "AWS_ENDPOINT_URL": endpoint or self.endpoint, "GLUEPROJ_ENDPOINT_URL": endpoint or self.endpoint,
        }

    def client(self, service, endpoint=None, **config):
        """Kept, because making one costs more than what most tests ask of it."""
        endpoint = endpoint or self.judged()
        key = (service, endpoint, self.access_key_id, repr(sorted(config.items())))
        if key not in self.clients:
            self.clients[key] = boto3.client(
                service, endpoint_url=endpoint, region_name=self.region, aws_access_key_id=self.access_key_id,
                aws_secret_access_key=self.secret_access_key, config=botocore.config.Config(retries={"max_attempts": 1}, **config),
            )
        return self.clients[key]

    def aws(self, *arguments, endpoint=None, cwd=None, stdin=None):
        """The AWS CLI; returns stdout's JSON, or its text."""
        tool = os.path.join(os.path.dirname(sys.executable), "aws")
        r = subprocess.run(
            [tool, *map(str, arguments)], env={**self.runner.environment, **self.env(endpoint or self.judged()), "AWS_PAGER": ""}, cwd=cwd or self.runner.folder,
            input=stdin, capture_output=True, text=True, timeout=120, check=False,
        )
        assert r.returncode == 0, f"aws {' '.join(map(str, arguments))}: exit {r.returncode}\n{r.stdout}{r.stderr}"
        try:
            return json.loads(r.stdout)
        except ValueError:
            return r.stdout


def share_bundles(folder):
    """Bundles are named by their content: all tests may use one cache, and DuckDB is packed once."""
    shared = os.path.join(ROOT, "build", "test-bundles")
    os.makedirs(shared, exist_ok=True)
    os.makedirs(os.path.join(folder, ".glueproj"), exist_ok=True)
    os.symlink(shared, os.path.join(folder, ".glueproj", "bundles"))


class Project:
    """A copy of one of the project's stacks in the test's folder, bound to a cloud through the environment."""

    def __init__(self, runner, cloud, name, **parameters):
        self.runner, self.cloud = runner, cloud
        self.folder = os.path.join(runner.folder, "stacks", name)
        self.environment = {**cloud.checked_env(), **{f"GLUEPROJ_PARAM_{k}": str(v) for k, v in parameters.items()}}
        shutil.copytree(os.path.join(ROOT, "stacks", name), self.folder, ignore=shutil.ignore_patterns(".glueproj"))
        os.makedirs(os.path.join(runner.folder, "config"), exist_ok=True)
        shutil.copy(os.path.join(ROOT, "config", f"{name}.yaml"), os.path.join(runner.folder, "config"))
        share_bundles(self.folder)

    def through(self, endpoint):
        """From now on by way of a proxy."""
        self.environment.update(self.cloud.env(endpoint))

    def start(self, *arguments, env=None):
        return self.runner.start("-p", self.folder, *arguments, env={**self.environment, **(env or {})})

    def __call__(self, *arguments, env=None, json_output=True, timeout=120):
        form = ("--output", "json") if json_output else ()
        return self.runner("-p", self.folder, *arguments, *form, env={**self.environment, **(env or {})}, timeout=timeout)


def everything(cloud):
    """Names of all that stands in a cloud, service by service: for comparing states and for proving that nothing is left."""
    s3, iam, glue, athena, logs = (cloud.client(s) for s in ("s3", "iam", "glue", "athena", "logs"))
    found = {
        "buckets": sorted(b["Name"] for b in s3.list_buckets()["Buckets"]),
        "roles": sorted(r["RoleName"] for p in iam.get_paginator("list_roles").paginate() for r in p["Roles"]),
        "databases": sorted(d["Name"] for p in glue.get_paginator("get_databases").paginate() for d in p["DatabaseList"]),
        "jobs": sorted(j["Name"] for p in glue.get_paginator("get_jobs").paginate() for j in p["Jobs"]),
        "crawlers": sorted(c["Name"] for p in glue.get_paginator("get_crawlers").paginate() for c in p["Crawlers"]),
        "triggers": sorted(t["Name"] for p in glue.get_paginator("get_triggers").paginate() for t in p["Triggers"]),
        "workflows": sorted(glue.list_workflows()["Workflows"]),
        "workgroups": sorted(w["Name"] for w in athena.list_work_groups()["WorkGroups"]),
        "log streams": [],
    }
    for group in logs.describe_log_groups()["logGroups"]:
        streams = logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
        found["log streams"] += [f"{group['logGroupName']}:{s['logStreamName']}" for s in streams]
    found["tables"] = sorted(
        f"{d}.{t['Name']}" for d in found["databases"] for p in glue.get_paginator("get_tables").paginate(DatabaseName=d) for t in p["TableList"]
    )
    return found


def digest_of_objects(cloud, bucket, prefix=""):
    """{key: ETag} of a bucket."""
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {o["Key"]: o["ETag"] for p in pages for o in p.get("Contents", [])}


def without(value, *keys):
    return {k: v for k, v in value.items() if k not in keys and k != "ResponseMetadata"}


def definitions(cloud):
    """Every property of all that stands, without times, versions and ids that the cloud gives: equal means the same end state."""
    s3, iam, glue, athena = (cloud.client(s) for s in ("s3", "iam", "glue", "athena"))
    names, found = everything(cloud), {}
    arn = f"arn:aws:glue:{cloud.region}:{cloud.account}:"

    def tags(kind, name):
        return glue.get_tags(ResourceArn=f"{arn}{kind}/{name}")["Tags"]

    for bucket in names["buckets"]:
        try:
            found["bucket", bucket] = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
        except s3.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "NoSuchTagSet", e
            found["bucket", bucket] = {}
    for role in names["roles"]:
        value = without(iam.get_role(RoleName=role)["Role"], "CreateDate", "RoleId", "RoleLastUsed")
        value["Policies"] = {
            p: iam.get_role_policy(RoleName=role, PolicyName=p)["PolicyDocument"] for p in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        value["Attached"] = sorted(p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"])
        value["Tags"] = {t["Key"]: t["Value"] for t in iam.list_role_tags(RoleName=role)["Tags"]}
        found["role", role] = value
    for name in names["databases"]:
        found["database", name] = without(glue.get_database(Name=name)["Database"], "CreateTime"), tags("database", name)
    for name in names["jobs"]:
        found["job", name] = without(glue.get_job(JobName=name)["Job"], "CreatedOn", "LastModifiedOn"), tags("job", name)
    for name in names["crawlers"]:
        value = without(glue.get_crawler(Name=name)["Crawler"], "CreationTime", "LastUpdated", "Version", "LastCrawl", "CrawlElapsedTime")
        found["crawler", name] = value, tags("crawler", name)
    for name in names["triggers"]:
        found["trigger", name] = glue.get_trigger(Name=name)["Trigger"], tags("trigger", name)
    for name in names["workflows"]:
        value = without(glue.get_workflow(Name=name)["Workflow"], "CreatedOn", "LastModifiedOn", "LastRun")
        found["workflow", name] = value, tags("workflow", name)
    for name in names["workgroups"]:
        value = without(athena.get_work_group(WorkGroup=name)["WorkGroup"], "CreationTime")
        found["workgroup", name] = value
    return found
