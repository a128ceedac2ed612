"""A project's life against one server, step by step: set-up, reading back, changes, teardown; and the same templates through the server's CloudFormation."""
import copy
import json
import os
import re
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
NO_TAGS = ("AWS::IAM::Policy", "AWS::Glue::Table", "AWS::SQS::QueuePolicy")
# A property of each type that can change in place, and what it becomes; None takes the tags.
CHANGES = {
    "AWS::Athena::WorkGroup": "Description", "AWS::Glue::Crawler": "Description", "AWS::Glue::Database": "DatabaseInput.Description",
    "AWS::Glue::Table": "TableInput.Description",
    "AWS::Glue::Job": "Description", "AWS::Glue::Trigger": "Description", "AWS::Glue::Workflow": "Description",
    "AWS::IAM::ManagedPolicy": "PolicyDocument.Statement", "AWS::IAM::Policy": "PolicyDocument.Statement", "AWS::IAM::Role": "Description",
    "AWS::CloudWatch::Alarm": "AlarmDescription", "AWS::Glue::Connection": "ConnectionInput.Description", "AWS::Logs::LogGroup": "Tags", "AWS::StepFunctions::Activity": "Tags",
    "AWS::StepFunctions::StateMachine": "Tags",
    "AWS::RedshiftServerless::Namespace": "Tags", "AWS::RedshiftServerless::Workgroup": "Tags",
    "AWS::SQS::Queue": "Tags", "AWS::SQS::QueuePolicy": "PolicyDocument.Id", "AWS::Events::Rule": "Description",
    "AWS::S3::Bucket": "Tags", "AWS::SecretsManager::Secret": "Description",
}
STATEMENT = {"Sid": "Added", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}


def projects():
    """{name: folder}: the stacks of the tree, whichever there are, and the projects of this folder; but for those that gaps.py leaves out."""
    found = {}
    for parent in (os.path.join(ROOT, "stacks"), os.path.join(HERE, "projects")):
        for name in sorted(os.listdir(parent)):
            if name not in gaps.PROJECTS_LEFT_OUT and os.path.exists(os.path.join(parent, name, "glueproj.yaml")):
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
        self.seconds.setdefault(f"first {words[0].replace('setup', 'set-up')}", round(time.monotonic() - began, 2))
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
        if stack.resources[logical_id]["Type"] == "AWS::SQS::QueuePolicy":
            return stack.properties(logical_id)["Queues"][0]
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
                gap = next((g for g in self.gaps if not g.compare and g.excuses(kind, path, is_, should)), None)
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
        """Rows about a property that somebody wants here."""
        for gap in self.gaps:
            if gap.kind == kind and not gap.compare and re.match(r"\w+", gap.path).group(0) in wanted:
                gap.met += 1

    def excused(self, kind, path):
        return any(not g.compare and g.excuses(kind, path) for g in self.gaps)

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
        left_out = {g.leaves_out: g for g in self.gaps if g.leaves_out and not g.compare}
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

    # --- the same through the server's own CloudFormation ---
    def plain(self, stack, standing):
        """The template without glueproj's conveniences, as CloudFormation takes it: a job's program lies where set-up put it."""
        template = copy.deepcopy(stack.template)
        template.pop("Metadata", None)
        for logical_id, resource in template["Resources"].items():
            resource.pop("Metadata", None)
            if resource["Type"] == "AWS::Glue::Job" and not resource["Properties"]["Command"]["ScriptLocation"].startswith("s3://"):
                live = standing[stack.name, logical_id][1]
                resource["Properties"]["Command"]["ScriptLocation"] = live["Command"]["ScriptLocation"]
                arguments = resource["Properties"].setdefault("DefaultArguments", {})
                arguments.update({k: v for k, v in live.get("DefaultArguments", {}).items() if k.startswith("--glueproj-")})
        return template

    def without_types(self, template, types):
        """Leaves out what the server's CloudFormation does not know, and what hangs on it."""
        gone = {k for k, r in template["Resources"].items() if r["Type"] in types}
        while True:
            more = {k for k, r in template["Resources"].items() if k not in gone and mentions(r, gone)}
            if not more:
                break
            gone |= more
        template["Resources"] = {k: r for k, r in template["Resources"].items() if k not in gone}
        template["Outputs"] = {k: o for k, o in template.get("Outputs", {}).items() if not mentions(o, gone)}
        return template, gone

    def create_stacks(self, standing):
        """Returns {(stack, logical id): physical id} of what CloudFormation made, and what was left out."""
        cfn, made, missing = self.reader.client("cloudformation"), {}, set()
        types = {g.leaves_out for g in self.gaps if g.compare and g.leaves_out}
        for stack in self.project.stacks:
            template, gone = self.without_types(self.plain(stack, standing), types)
            missing |= {(stack.name, k) for k in gone}
            if not template["Resources"]:
                continue
            name = f"{self.project.name}-{stack.name}"
            parameters = [
                {"ParameterKey": k, "ParameterValue": ",".join(v) if isinstance(v, list) else str(v)} for k, v in stack.parameters.items()]
            cfn.create_stack(
                StackName=name, TemplateBody=json.dumps({**template, "Resources": evaluate.typed(template["Resources"])}), Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
            self.await_stack(name, "CREATE_COMPLETE")
            for resource in cfn.describe_stack_resources(StackName=name)["StackResources"]:
                made[stack.name, resource.get("LogicalResourceId")] = resource.get("PhysicalResourceId")
        return made, missing

    def leave_out_of_compare(self, stack, key, kind, missing, ours, theirs):
        """What cannot be equal: a password that was made up, and on a role the policies of resources that the server's CloudFormation lacks."""
        if "GenerateSecretString" in stack.resources[key[1]].get("Properties", {}):
            assert len(ours.pop("SecretString")) > 0 and len(theirs.pop("SecretString")) > 0
        if kind == "AWS::IAM::Role":
            gone = {
                s.properties(name)["PolicyName"] for s in self.project.stacks for other, name in missing
                if other == s.name and s.resources[name]["Type"] == "AWS::IAM::Policy"}
            ours["Policies"] = [p for p in ours["Policies"] if p["PolicyName"] not in gone]

    def await_stack(self, name, wanted):
        cfn, until = self.reader.client("cloudformation"), time.monotonic() + STACK_SECONDS
        while time.monotonic() < until:
            try:
                stacks = cfn.describe_stacks(StackName=name)["Stacks"]
            except cfn.exceptions.ClientError as e:
                if wanted == "DELETE_COMPLETE" and "does not exist" in str(e):
                    return
                raise
            status = stacks[0]["StackStatus"] if stacks else "DELETE_COMPLETE"
            if status == wanted:
                return
            if "FAILED" in status or "ROLLBACK" in status:
                events = cfn.describe_stack_events(StackName=name)["StackEvents"]
                why = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e.get("ResourceStatus", "")]
                raise AssertionError(f"stack {name}: {status}: {'; '.join(why)}")
            time.sleep(0.1)
        raise AssertionError(f"stack {name} does not get {wanted}")

    def delete_stacks(self):
        cfn = self.reader.client("cloudformation")
        for stack in reversed(self.project.stacks):
            name = f"{self.project.name}-{stack.name}"
            try:
                cfn.delete_stack(StackName=name)
            except cfn.exceptions.ClientError as e:
                if readers.code_of(e) != "DeleteConflict":
                    raise
                self.met_at_delete()
                self.detach_all()
                cfn.delete_stack(StackName=name)
            self.await_stack(name, "DELETE_COMPLETE")

    def met_at_delete(self):
        """A row of gaps.py must say that the server's CloudFormation leaves things."""
        gap = next((g for g in self.gaps if g.operation == "cloudformation:DeleteStack"), None)
        if not gap:
            raise Lacks(f"{self.server.name} {self.server.version}: a deleted stack leaves {readers.standing(self.reader)}")
        gap.met, gap.needed = gap.met + 1, gap.needed + 1
        self.lacks.add(gap.operation)

    def detach_all(self):
        iam = self.reader.client("iam")
        for role in readers.standing(self.reader)["roles"]:
            for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])

    def left_by_stacks(self, nothing):
        """What stands more than before; managed policies and roles are removed when a row of gaps.py says that the server leaves them."""
        iam, left = self.reader.client("iam"), {k: sorted(set(v) - set(nothing[k])) for k, v in readers.standing(self.reader).items()}
        left = {k: v for k, v in left.items() if v}
        if left and set(left) <= {"policies", "roles"}:
            self.met_at_delete()
            self.detach_all()
            for role in left.pop("roles", []):
                for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=role, PolicyName=name)
                iam.delete_role(RoleName=role)
            for policy in left.pop("policies", []):
                iam.delete_policy(PolicyArn=policy)
        return left

    def compare(self, standing, made, missing):
        """What glueproj made and what CloudFormation made, as boto3 reads both: equal, but for names that were generated."""
        problems, excused = [], set()
        names = {}
        for key, (kind, _, _) in standing.items():
            theirs, ours = made.get(key), self.ids[key]
            if theirs and kind != "AWS::IAM::Policy" and theirs not in ours:
                if kind == "AWS::SecretsManager::Secret" and not theirs.startswith("arn:"):
                    ours = re.sub(r"-\w{6}$", "", ours.rpartition(":secret:")[2])
                names[theirs] = ours
                names[theirs.rsplit("/", 1)[-1]] = ours.rsplit("/", 1)[-1]
        for key, (kind, ours, our_tags) in standing.items():
            where = "/".join(key)
            if key in missing:
                self.lacks.add(f"cloudformation:CreateStack ({kind})")
                continue
            stack = next(s for s in self.project.stacks if s.name == key[0])
            handle = self.handle(stack, key[1])
            if kind == "AWS::SQS::QueuePolicy":
                handle = handle if key in made else None  # the queue has the address that it had
            elif kind != "AWS::IAM::Policy":
                handle = made.get(key)
            elif key in made:
                role, _, policy = handle.partition("/")
                handle = f"{next((t for t, o in names.items() if o == role), role)}/{policy}"
            live = self.reader.read(kind, handle) if handle else None
            if live is None:
                problems.append(f"{where}: {kind} {handle} was not made by CloudFormation")
                continue
            theirs, their_tags = live
            self.leave_out_of_compare(stack, key, kind, missing, ours, theirs)
            differing = both_ways(renamed(readers.lasting(theirs), names), renamed(readers.lasting(ours), {}))
            if our_tags is not None:
                mine = {k: v for k, v in our_tags.items() if not k.startswith("glueproj:")}
                other = {k: v for k, v in renamed(their_tags, names).items() if not k.startswith(("aws:", "glueproj:"))}
                differing += both_ways(other, mine, "Tags")
            for gap in self.gaps:
                if gap.compare and gap.kind == kind:
                    gap.met += 1
            for path, is_, should in differing:
                gap = next((g for g in self.gaps if g.compare and g.excuses(kind, path, is_, should)), None)
                if gap:
                    excused.add(gap)
                    self.lacks.add(f"{gap.operation} ({gap.what})")
                else:
                    problems.append(f"{where}.{path} ({kind}): CloudFormation {is_!r}, glueproj {should!r}")
        for gap in excused:
            gap.needed += 1
        assert not problems, f"{self.server.name} {self.server.version}\n" + "\n".join(problems)


STACK_SECONDS = 60


def mentions(value, names):
    """Does it refer to one of these logical ids?"""
    if isinstance(value, dict):
        if value.get("Ref") in names if isinstance(value.get("Ref"), str) else False:
            return True
        get = value.get("Fn::GetAtt")
        if get and (get[0] if isinstance(get, list) else get.split(".")[0]) in names:
            return True
        sub = value.get("Fn::Sub")
        text = sub[0] if isinstance(sub, list) else sub
        if isinstance(text, str) and set(re.findall(r"\$\{(\w+)[^}]*\}", text)) & names:
            return True
        return any(mentions(v, names) for v in value.values())
    return isinstance(value, list) and any(mentions(v, names) for v in value)


def renamed(value, names):
    """With our names in the place of theirs, longest first."""
    if isinstance(value, dict):
        return {k: renamed(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(v, names) for v in value]
    if isinstance(value, str):
        for theirs in sorted(names, key=len, reverse=True):
            if theirs:
                value = value.replace(theirs, names[theirs])
        value = re.sub(r"(:secret:[^\s]+)-\w{6}$", r"\1", value)  # ends in six letters that the server made
    return value


def both_ways(theirs, ours, path=""):
    """As evaluate.differences(), but what only one has counts too."""
    found = evaluate.differences(theirs, ours, path)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for k in theirs:
            inner = f"{path}.{k}" if path else k
            if k not in ours:
                found.append((inner, theirs[k], None))
            elif isinstance(ours[k], (dict, list)):
                found += [d for d in both_ways(theirs[k], ours[k], inner) if d not in found]
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for i, v in enumerate(ours):
            found += [d for d in both_ways(theirs[i], v, f"{path}[{i}]") if d not in found]
    return found
