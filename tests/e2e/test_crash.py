"""Killing glueproj after each single API call of a project's setup and teardown, then running again: the same end state.

GLUEPROJ_CRASH_STRIDE=N takes every N-th call only (1: all; without it all of the sales lake's, and few of the crypto pipeline's, whose other types go
the same ways); every other call is killed before its reply is delivered, the rest after.
"""
import json
import os
import re

import pytest

from crash_proxy import CrashProxy
from helpers import ROOT, Cloud, Project, definitions, without

STRIDE = int(os.environ.get("GLUEPROJ_CRASH_STRIDE", "1"))
CRYPTO_STRIDE = int(os.environ.get("GLUEPROJ_CRASH_STRIDE", "31"))
SHARDS = 4
SAMPLE = os.path.join(ROOT, "stacks", "crypto-prices", "sample-data")


@pytest.fixture
def cloud(run_glueproj, tmp_path):
    """Triggers change state within a few milliseconds: still not at once, but hundreds of runs take less time."""
    run_glueproj.environment["GLUEPROJ_LOCAL_PAUSE_MS"] = "10"
    cloud = Cloud(run_glueproj, tmp_path / "cloud")
    yield cloud
    cloud.stop().ok()


class Crasher:
    def __init__(self, project, proxy):
        self.project, self.proxy, self.process = project, proxy, None
        project.through(proxy.endpoint)

    def calls(self, *arguments):
        """A whole run; returns how many calls it took."""
        self.proxy.reset()
        self.project(*arguments).ok()
        return self.proxy.calls

    def killed_at(self, n, when, *arguments):
        """A run that dies with its n-th call; False when it was done before that."""
        self.proxy.reset()
        self.proxy.kill_after(n, lambda: self.process.kill(), when)
        self.process = self.project.start(*arguments)
        self.process.communicate(timeout=120)
        self.proxy.reset()
        return self.process.returncode == -9


    def everywhere(self, calls, read):
        """Killed at each of these calls of a setup and of a teardown; read() gives what stands, which is the same after the next whole run."""
        self.calls("setup")
        standing = read()
        self.calls("teardown", "--yes")
        gone, died = read(), 0
        for i, n in enumerate(calls):
            when = "after" if i % 2 else "before"
            died += self.killed_at(n, when, "setup")
            self.project("setup").ok()
            assert read() == standing, f"setup killed at call {n}"
            died += self.killed_at(n, when, "teardown", "--yes")
            assert self.project("teardown", "--yes").ok().json["left"] == []
            assert read() == gone, f"teardown killed at call {n}"
        assert died > 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_after_each_call(run_glueproj, cloud, sales_zip, shard):
    with CrashProxy(cloud.endpoint) as proxy:
        crash = Crasher(Project(run_glueproj, cloud, "sales-lake", SourceUrl=f"file://{sales_zip}"), proxy)
        most = max(crash.calls("setup"), crash.calls("teardown", "--yes"))
        crash.everywhere(range(1 + shard * STRIDE, most + 1, SHARDS * STRIDE), lambda: definitions(cloud))


def what_stands(cloud):
    """definitions(), and the types that the crypto pipeline has besides; without times, ids and what is made up anew each time."""
    states, serverless, events, sns, watch, logs, secrets = (
        cloud.client(s) for s in ("stepfunctions", "redshift-serverless", "events", "sns", "cloudwatch", "logs", "secretsmanager"))
    found = definitions(cloud)

    def keep(kind, name, value, tags, *keys):
        assert (kind, name) not in found
        found[kind, name] = without(value, *keys), sorted((t.get("Key") or t["key"], t.get("Value") or t["value"]) for t in tags)

    for arn in (m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"]):
        keep("machine", arn, states.describe_state_machine(stateMachineArn=arn), states.list_tags_for_resource(resourceArn=arn)["tags"],
             "creationDate", "revisionId")
    for space in serverless.list_namespaces()["namespaces"]:
        keep("namespace", space["namespaceName"], space, serverless.list_tags_for_resource(resourceArn=space["namespaceArn"])["tags"],
             "creationDate", "namespaceArn", "namespaceId")
    for group in serverless.list_workgroups()["workgroups"]:
        keep("workgroup", group["workgroupName"], group, serverless.list_tags_for_resource(resourceArn=group["workgroupArn"])["tags"],
             "creationDate", "workgroupArn", "workgroupId", "endpoint")
    for rule in events.list_rules()["Rules"]:
        rule["Targets"] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        keep("rule", rule["Name"], rule, events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])
    for arn in (t["TopicArn"] for t in sns.list_topics()["Topics"]):
        keep("topic", arn, sns.get_topic_attributes(TopicArn=arn)["Attributes"], sns.list_tags_for_resource(ResourceArn=arn)["Tags"])
    found["subscriptions"] = sorted((s["TopicArn"], s["Protocol"], s["Endpoint"]) for s in sns.list_subscriptions()["Subscriptions"])
    for alarm in watch.describe_alarms()["MetricAlarms"]:
        keep("alarm", alarm["AlarmName"], alarm, watch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"],
             *(k for k in alarm if k.startswith("State") or k.endswith("Timestamp")))
    for group in logs.describe_log_groups()["logGroups"]:
        keep("log group", group["logGroupName"], group, [], "creationTime", "storedBytes")
    for secret in secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        keep("secret", secret["Name"], {"Description": secret.get("Description")}, secret["Tags"])
    return {str(k): same_each_time(v) for k, v in found.items()}


def same_each_time(value):
    """Six letters of a secret's ARN are new each time, and so are the digests of what has them; that there is one is what counts."""
    text = re.sub(r"(:secret:[^\s\"]+)-\w{6}", r"\1", json.dumps(value, default=str, sort_keys=True))
    return re.sub(r'("glueproj:digest"[,:] )"[^"]+"', r'\1"…"', text)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_crypto_pipeline_killed(run_glueproj, cloud):
    """State machine, warehouse, rule, topic, subscription, alarm, log group, secret."""
    with CrashProxy(cloud.endpoint) as proxy:
        crash = Crasher(Project(run_glueproj, cloud, "crypto-prices", Region=cloud.region, AlertEmail="a@b.example", DataFolder=SAMPLE), proxy)
        most = max(crash.calls("setup"), crash.calls("teardown", "--yes"))
        crash.everywhere(range(CRYPTO_STRIDE // 2 + 1, most + 1, CRYPTO_STRIDE), lambda: what_stands(cloud))
