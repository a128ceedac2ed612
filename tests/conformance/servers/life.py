"""A project's life against one server, step by step: set-up, reading back, changes, teardown; and the same templates through the server's CloudFormation."""
import copy
import json
import os
import shutil
import time

import evaluate
import gaps
import readers
import shim
from helpers import ROOT, Runner, share_bundles

HERE = os.path.dirname(os.path.abspath(__file__))
REGION = "us-east-1"
OWNED = ("glueproj:project", "glueproj:stack", "glueproj:logical-id")
NO_TAGS = ("AWS::IAM::Policy",)
# A property of each type that can change in place, and what it becomes; None takes the tags.
CHANGES = {
    "AWS::Athena::WorkGroup": "Description", "AWS::Glue::Crawler": "Description", "AWS::Glue::Database": "DatabaseInput.Description",
    "AWS::Glue::Job": "Description", "AWS::Glue::Trigger": "Description", "AWS::Glue::Workflow": "Description",
    "AWS::IAM::ManagedPolicy": "PolicyDocument.Statement", "AWS::IAM::Policy": "PolicyDocument.Statement", "AWS::IAM::Role": "Description",
    "AWS::S3::Bucket": "Tags", "AWS::SecretsManager::Secret": "Description",
}
STATEMENT = {"Sid": "Added", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}


def projects():
    """{name: folder}: the stacks of the tree, whichever there are, and the projects of this folder."""
    found = {}
    for parent in (os.path.join(ROOT, "stacks"), os.path.join(HERE, "projects")):
        for name in sorted(os.listdir(parent)):
            if os.path.exists(os.path.join(parent, name, "glueproj.yaml")):
                found[name] = os.path.join(parent, name)
    return found


class Lacks(AssertionError):
    """The server could not, and gaps.py does not name it."""


class Life:
    """What the steps share. Steps that need an earlier one ask `done`."""

    def __init__(self, server, name, folder):
        self.server, self.name, self.done, self.lacks = server, name, set(), set()
        self.gaps = gaps.of_server(server.name)
        self.shim = shim.Shim(server, self.gaps)
        self.shim.__enter__()
        self.scratch = os.path.join(server.folder, f"project-{name}")
        self.folder = os.path.join(self.scratch, "stacks", name)
        shutil.copytree(folder, self.folder, ignore=shutil.ignore_patterns(".glueproj"))
        config = os.path.join(ROOT, "config", f"{name}.yaml")
        if os.path.exists(config):
            os.makedirs(os.path.join(self.scratch, "config"))
            shutil.copy(config, os.path.join(self.scratch, "config"))
        share_bundles(self.folder)
        self.secrets = {n: f"not-a-real-{n.lower()}" for n in evaluate.environment_names(self.folder)}
        self.load()
        self.runner = Runner(self.scratch)
        self.reader = readers.Reader(server, self.project.region)
        self.before, self.ids, self.seconds = None, {}, {}

    def load(self):
        self.project = evaluate.ProjectFile(self.folder, self.server.account, REGION, self.secrets)

    def close(self):
        self.shim.stop()

    def __call__(self, *words):
        environment = {
            **self.secrets, "AWS_ACCESS_KEY_ID": self.server.key, "AWS_SECRET_ACCESS_KEY": self.server.secret, "AWS_REGION": REGION,
        }
        began = time.monotonic()
        result = self.runner("-p", self.folder, "--endpoint-url", self.shim.endpoint, "--output", "json", *words, env=environment)
        self.seconds[words[0]] = time.monotonic() - began
        self.judge(result)
        return result

    def judge(self, result):
        """No request may be wrong; what the server could not do must be known."""
        wrong = {f"{r['service']}:{r['operation']}: {v}" for r in self.shim.log for v in r["violations"] if not v.startswith("reply")}
        assert not wrong and not self.shim.broken, "\n".join(sorted(wrong) + self.shim.broken)
        lacking = self.shim.take_lacking()
        known = {g.operation for g in self.gaps if not g.kind}
        self.lacks |= {o for o, _, _ in lacking}
        unknown = [f"lacks {o} ({why}) {words}" for o, why, words in lacking if o not in known]
        if unknown:
            raise Lacks("\n".join([f"{self.server.name} {self.server.version}", *unknown, repr(result)]))

    # --- what should stand ---
    def take_ids(self, document):
        """Physical ids as glueproj tells them; those that the template decides must be the template's."""
        for stack in document["stacks"]:
            for resource in stack["resources"]:
                if resource["type"].startswith("AWS::"):
                    self.ids[stack["name"], resource["logical_id"]] = resource["physical_id"]
        self.bind_ids()

    def bind_ids(self):
        for stack in self.project.stacks:
            for logical_id, resource in stack.live().items():
                found = self.ids[stack.name, logical_id]
                path = evaluate.REF.get(resource["Type"])
                node = resource.get("Properties", {})
                for part in (path or "").split("."):
                    node = node.get(part) if isinstance(node, dict) else None
                if path and node is not None:
                    assert found == stack.ref(logical_id), f"{stack.name}/{logical_id}: the physical id is CloudFormation's Ref"
                else:
                    stack.ids[logical_id] = found

    def handle(self, stack, logical_id):
        """What the reader takes: an inline policy is found by its role."""
        if stack.resources[logical_id]["Type"] == "AWS::IAM::Policy":
            properties = stack.properties(logical_id)
            return f"{properties['Roles'][0]}/{properties['PolicyName']}"
        return self.ids[stack.name, logical_id]

    def wanted(self, stack, logical_id):
        """Properties and tags as the template says them, in the reader's words."""
        properties = copy.deepcopy(stack.properties(logical_id))
        kind = stack.resources[logical_id]["Type"]
        tags = properties.pop("Tags", {})
        tags = tags if isinstance(tags, dict) else readers.pairs(tags)
        command = properties.get("Command", {})
        if kind == "AWS::Glue::Job" and not command["ScriptLocation"].startswith("s3://"):
            del command["ScriptLocation"]  # glueproj's convenience; looked at by itself
        if kind == "AWS::IAM::Role":
            properties["Policies"] = sorted(properties.get("Policies", []), key=lambda p: p["PolicyName"])
            # what policies of the same project attach to it
            own = properties.get("ManagedPolicyArns", [])
            for other, name, type_name in self.project.resources():
                if type_name == "AWS::IAM::ManagedPolicy" and self.ids[stack.name, logical_id] in other.properties(name).get("Roles", []):
                    own = own + [self.ids[other.name, name]]
            properties["ManagedPolicyArns"] = sorted(own)
            inline = [
                {k: p[k] for k in ("PolicyName", "PolicyDocument")} for o, n, t in self.project.resources() if t == "AWS::IAM::Policy"
                for p in [o.properties(n)] if self.ids[stack.name, logical_id] in p["Roles"]]
            properties["Policies"] = sorted(properties["Policies"] + inline, key=lambda p: p["PolicyName"])
        if kind == "AWS::Glue::Trigger":
            properties.setdefault("StartOnCreation", False)
            properties["StartOnCreation"] = str(properties["StartOnCreation"]).lower()
            if properties["Type"] == "ON_DEMAND":
                del properties["StartOnCreation"]
        if kind == "AWS::Glue::Crawler":
            properties["Role"] = properties["Role"].rpartition(":role/")[2]
            if "Schedule" in properties:
                properties["Schedule"] = properties["Schedule"]
            for target in properties["Targets"].get("S3Targets", []):
                target["Path"] = target["Path"].rstrip("/")
        for only_of_glueproj in ("RecursiveDeleteOption", "GenerateSecretString"):
            properties.pop(only_of_glueproj, None)
        return properties, tags

    # --- steps ---
    def read_back(self):
        """Every resource against the template; returns what stands, for comparisons."""
        problems, standing, excused = [], {}, {}
        for stack, logical_id, kind in self.project.resources():
            where, live = f"{stack.name}/{logical_id}", self.reader.read(kind, self.handle(stack, logical_id))
            if live is None:
                problems.append(f"{where}: {kind} {self.handle(stack, logical_id)} is not there")
                continue
            found, tags = live
            standing[stack.name, logical_id] = (kind, found, tags)
            wanted, wanted_tags = self.wanted(stack, logical_id)
            if kind == "AWS::Glue::Crawler" and "Schedule" in wanted and isinstance(found.get("Schedule"), dict):
                found["Schedule"] = {"ScheduleExpression": found["Schedule"].get("ScheduleExpression")}
            differing = evaluate.differences(found, wanted)
            if kind not in NO_TAGS:
                wanted_tags = {**wanted_tags, **dict(zip(OWNED, (self.project.name, stack.name, logical_id)))}
                rest = {k: v for k, v in tags.items() if not k.startswith("glueproj:") or k in OWNED}
                if rest != wanted_tags:
                    differing.append(("Tags", rest, wanted_tags))
            self.meet(kind, wanted)
            for path, is_, should in differing:
                gap = next((g for g in self.gaps if not g.compare and g.excuses(kind, path)), None)
                if gap:
                    excused[gap] = True
                    self.lacks.add(f"{gap.operation} ({gap.kind.split('::')[-1]}.{path})")
                else:
                    problems.append(f"{where}.{path}: {is_!r}, not {should!r}")
            problems += self.look_at_script(where, kind, found)
        for gap in excused:
            gap.needed += 1
        assert not problems, f"{self.server.name} {self.server.version}\n" + "\n".join(problems)
        return standing

    def meet(self, kind, wanted):
        for gap in self.gaps:
            if gap.kind == kind and not gap.compare and gap.path.split(r"\.")[0].split(".")[0].split("[")[0].rstrip("\\") in [*wanted, "Tags"]:
                gap.met += 1

    def look_at_script(self, where, kind, found):
        """A job's program lies where the job says."""
        if kind != "AWS::Glue::Job":
            return []
        bucket, _, key = found["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
        size = self.reader.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"]
        return [] if size > 0 else [f"{where}: s3://{bucket}/{key} is empty"]

    def long_form(self):
        """The templates written again as JSON in the long form: nothing else changes."""
        for stack in self.project.stacks:
            with open(stack.path, "w", encoding="utf-8") as f:
                json.dump(stack.template, f, indent=1)

    def change(self):
        """Changes one resource of each type; returns {(stack, logical id): path}."""
        left_out = {g.leaves_out: g for g in self.gaps if g.leaves_out}
        changed, types = {}, set()
        for stack, logical_id, kind in self.project.resources():
            if kind in types:
                continue
            types.add(kind)
            if kind in left_out:
                self.lacks.add(left_out[kind].operation)
                continue
            path = CHANGES.get(kind)
            assert path, f"life.py has no change of {kind}: add one to CHANGES"
            node = stack.resources[logical_id].setdefault("Properties", {})
            *parents, last = path.split(".")
            for part in parents:
                node = node.setdefault(part, {})
            if last == "Tags":
                node["Tags"] = [*node.get("Tags", []), {"Key": "changed", "Value": "by the test"}]
            elif last == "Statement":
                node[last] = [*node[last], STATEMENT]
            else:
                node[last] = f"changed by the test, was {len(str(node.get(last, '')))} long"
            changed[stack.name, logical_id] = path
        self.long_form()
        return changed

    def left(self):
        """What glueproj or its run left on the server, besides its home."""
        home = f"glueproj-{self.server.account}-"
        names = {str(i).rsplit("/", 1)[-1].rsplit(":", 1)[-1] for i in self.ids.values()}
        found = []
        for kind, standing in readers.standing(self.reader).items():
            found += [f"{kind}: {n}" for n in standing if not n.startswith(home) and n not in ("primary", "default") and
                      (n in names or n.rsplit("/", 1)[-1] in names or "glueproj" in n)]
        for stack, logical_id, kind in self.project.resources():
            live = self.reader.read(kind, self.handle(stack, logical_id))
            if live is not None:
                found.append(f"{stack.name}/{logical_id}: {kind} {self.handle(stack, logical_id)}")
        return found
