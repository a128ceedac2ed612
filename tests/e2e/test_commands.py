"""Every command and option through the program, each document held against CONTRACT member by member."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import contract
from helpers import Cloud, everything
from model_proxy import Fault, ModelProxy
from shop import PASSWORD, RESOURCES, Shop

COMMANDS = (
    "setup", "teardown", "create", "delete", "deploy", "plan", "status", "outputs", "graph", "validate", "run", "crawl", "logs", "tables", "query",
    "config", "whoami", "local", "upload", "package", "init",
)
HOME = "glueproj-000000000000-us-east-1"
READS = re.compile(r"(Get|List|Head|Describe|Batch(Get)|Lookup|Search|Query).*|GetCallerIdentity")


@pytest.fixture
def shop(run_glueproj, cloud):
    return Shop(run_glueproj, cloud)


@pytest.fixture
def alone(run_glueproj):
    """The project without any cloud: every call would fail."""
    return Shop(run_glueproj, None)


def doc(result, kind=None):
    return contract.check(result, kind).json


# --- the command line ---

@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(run_glueproj, command):
    result = run_glueproj(command, "--help").ok()
    assert result.stdout.startswith(f"usage: glueproj {command}") and "--endpoint-url" in result.stdout and not result.stderr
    assert run_glueproj("help", command).ok().stdout == result.stdout
    assert run_glueproj("--help", command).ok().stdout == result.stdout


def test_help_names_all_commands_and_the_manual_page_too(run_glueproj):
    text, page = run_glueproj("--help").ok().stdout, run_glueproj("help", "--man").ok().stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.M) and f'.SS "glueproj {command}' in page
    assert page.startswith(".TH GLUEPROJ 1") and "\\-\\-allow\\-data\\-loss" in page
    assert re.fullmatch(r"glueproj \d+\.\d+\.\d+\n", run_glueproj("--version").ok().stdout)
    run_glueproj("help", "setpu").fails(2, "did you mean 'setup'")


@pytest.mark.parametrize("arguments, text", [
    ((), "no command is given"),
    (("setpu",), "unknown command 'setpu'.*did you mean 'setup'"),
    (("nonsense",), "unknown command 'nonsense'"),
    (("setup", "--paralel", "3"), "unknown option '--paralel'.*did you mean '--parallel'"),
    (("setup", "-Z"), "unknown option '-Z'"),
    (("setup", "--parallel", "0"), "from 1 to 256"),
    (("setup", "--parallel"), "needs a value"),
    (("setup", "--quiet=yes"), "takes no value"),
    (("setup", "--output", "xml"), "not text or json"),
    (("setup", "now"), "setup takes no operand"),
    (("run",), "run takes NAME"),
    (("local", "restart"), "start \\| stop \\| status"),
    (("config", "get"), "config takes"),
    (("create", "x", "--parameters", "p.json"), "--parameters goes with --template"),
])
def test_wrong_command_lines(alone, arguments, text):
    run = alone.runner
    words = ("-p", alone.folder, *arguments) if arguments and arguments[0] != "create" else arguments
    plain = run(*words, env=alone.environment)
    assert plain.code == 2 and not plain.stdout and re.search(text, plain.stderr, re.S), repr(plain)
    if "--output" not in arguments:
        document = run(*words, env={**alone.environment, "GLUEPROJ_OUTPUT": "json"})
        value = json.loads(document.stdout)
        assert document.code == value["exit"] == 2 and value["errors"] and not value["ok"]


def test_options_before_and_after_the_command_word(shop):
    for words in (
        ("-p", shop.folder, "--output", "json", "config", "list"), ("config", "-p", shop.folder, "list", "--output=json"),
        ("config", "list", f"--project={shop.folder}", "--output", "json"), ("--output=json", f"-p{shop.folder}", "config", "list"),
        ("--timeout", "5", "-p", shop.folder, "--output=json", "config", "list"),
    ):
        result = shop.runner(*words, env=shop.environment)
        if "--timeout" in words:
            result.fails(2, "unknown option '--timeout'")  # of another command: still the word after its value is the command
        else:
            assert result.ok().json["config"]["Stage"] == "test"


def test_the_project_is_found_upwards_by_file_and_by_environment(shop):
    def names(cwd=None, **more):
        return shop.runner("config", "get", "BucketName", cwd=cwd, env={**shop.environment, **more}).ok().stdout

    os.makedirs(shop.path("deep/er"))
    assert names(cwd=shop.path("deep/er")) == names(GLUEPROJ_PROJECT=shop.folder) == "shop-data\n"
    assert names(GLUEPROJ_PROJECT=shop.path("glueproj.yaml")) == "shop-data\n"
    shop.runner("setup").fails(2, "there is no glueproj.yaml")


# --- values of parameters ---

def minutes(shop, *options, **environment):
    """What the job's time-out would become."""
    plan = shop("plan", *options, env=environment).ok()
    changes = {c["logical_id"]: c for c in doc(plan)["changes"]}
    if "Job" not in changes:
        return 7
    (after,) = [p["after"] for p in changes["Job"]["properties"] if p["path"] == "Timeout"]
    return after


def test_values_come_from_the_strongest_place(shop):
    shop("setup").ok()
    assert minutes(shop) == 7  # the parameter file's; the template says 5
    shop.write("config.yaml", shop.read("config.yaml") + "Minutes: 11\n")
    assert minutes(shop) == 11
    assert minutes(shop, GLUEPROJ_PARAM_Minutes="13") == 13
    assert minutes(shop, "--set", "Minutes=17", GLUEPROJ_PARAM_Minutes="13") == 17
    assert minutes(shop, "--set", "Minutes=17", "--set", "Minutes=19") == 19
    shop.write("other.yaml", shop.read("config.yaml").replace("11", "23"))
    assert minutes(shop, "--config", shop.path("other.yaml")) == 23
    assert minutes(shop, GLUEPROJ_CONFIG=shop.path("other.yaml")) == 23
    shop.write("minutes.txt", "29\n")
    assert minutes(shop, "--set", f"Minutes=@{shop.path('minutes.txt')}") == 29
    piped = shop.runner("-p", shop.folder, "plan", "--set", "Minutes=@-", "--output=json", env=shop.environment, stdin="31").ok()
    assert [p["after"] for c in piped.json["changes"] for p in c["properties"]] == [31]
    shop.write("config.yaml", shop.read("config.yaml").replace("Minutes: 11\n", ""))
    shop.write("work-params.json", "[]")
    assert minutes(shop) == 5  # the template's


def test_settings_from_the_environment(shop, tmp_path):
    with ModelProxy(shop.cloud.endpoint) as proxy:
        keys = {k: v for k, v in shop.environment.items() if "ENDPOINT" not in k}
        shop.runner("-p", shop.folder, "whoami", env={**keys, "GLUEPROJ_ENDPOINT_URL": proxy.endpoint}).ok()
        assert len(proxy.log) == 1
        shop.runner("-p", shop.folder, "whoami", "--endpoint-url", proxy.endpoint, env={**keys, "GLUEPROJ_ENDPOINT_URL": "http://127.0.0.1:9"}).ok()
        assert len(proxy.log) == 2
        shop.runner("-p", shop.folder, "whoami", env={**keys, "AWS_ENDPOINT_URL": proxy.endpoint}).ok()
        assert len(proxy.log) == 3
    shop.runner("-p", shop.folder, "whoami", env={**shop.environment, "GLUEPROJ_PARALLEL": "none"}).fails(2, "GLUEPROJ_PARALLEL")
    shop.runner("-p", shop.folder, "whoami", env={**shop.environment, "GLUEPROJ_PARALLEL": "1"}).ok()
    elsewhere = tmp_path / "elsewhere"
    mine = {"GLUEPROJ_LOCAL": str(elsewhere), "SHOP_PASSWORD": PASSWORD, "AWS_ACCESS_KEY_ID": "not-looked-at", "AWS_SECRET_ACCESS_KEY": "x"}
    try:
        result = shop.runner("-p", shop.folder, "whoami", "--output=json", env={**mine, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}).ok()
        assert doc(result)["credentials"] == "the local cloud" and (elsewhere / "server.lock").exists()
    finally:
        shop.runner("local", "stop", "--dir", elsewhere).ok()


# --- set-up and what follows ---

def test_the_life_of_a_project(shop):
    dry = doc(shop("setup", "--dry-run").ok())
    assert {r["status"] for s in dry["stacks"] for r in s["resources"]} == {"planned"} and everything(shop.cloud)["buckets"] == []
    first = doc(shop("setup").ok())
    assert [s["name"] for s in first["stacks"]] == ["base", "work"] and first["project"] == "shop"
    assert first["stacks"][0]["outputs"]["RoleArn"] == "arn:aws:iam::000000000000:role/ShopRole"
    assert first["summary"]["created"] == RESOURCES + 3 and first["summary"]["requests"] > 20
    again = doc(shop("setup").ok())
    assert again["summary"]["unchanged"] == RESOURCES + 3 and again["summary"]["created"] == 0

    status = doc(shop("status").ok())
    assert {r["state"] for s in status["stacks"] for r in s["resources"]} == {"present"}
    assert [s["name"] for s in doc(shop("status", "work").ok())["stacks"]] == ["work"]
    shop("status", "nowork").fails(2, "has no stack 'nowork'")
    outputs = doc(shop("outputs").ok())["outputs"]
    assert outputs == {
        "base": {"Bucket": "shop-data", "BucketArn": "arn:aws:s3:::shop-data", "RoleArn": "arn:aws:iam::000000000000:role/ShopRole",
                 "Database": "shop_db"},
        "work": {"Job": "shop_job", "Secret": "****"}}
    assert "base.Bucket=shop-data\n" in shop("outputs", "base", json_output=False).ok().stdout
    assert "work." not in shop("outputs", "base", json_output=False).stdout
    assert doc(shop("validate").ok())["ok"] and '"work/Job" -> "base/Role"' in doc(shop("graph").ok())["dot"]
    me = doc(shop("whoami").ok())
    assert me["account"] == "000000000000" and me["region"] == "us-east-1" and me["credentials"] == "environment"
    assert doc(shop("deploy").ok())["summary"]["unchanged"] == 3
    shop.write("data/c.csv", "id\n3\n")
    assert doc(shop("deploy").ok())["summary"]["created"] == 1

    shop("teardown").fails(2, "--yes")
    assert everything(shop.cloud)["buckets"] == [HOME, "shop-data"]
    down = doc(shop("teardown", "--yes").ok())
    assert down["left"] == [] and down["summary"]["deleted"] == RESOURCES + 4
    left = everything(shop.cloud)
    assert left["buckets"] == [HOME] and left["roles"] == left["jobs"] == left["workflows"] == left["databases"] == []
    assert doc(shop("teardown", "--yes").ok())["summary"]["deleted"] == 0


def test_text_output_is_for_people(shop):
    first = shop("setup", json_output=False).ok()
    assert re.search(r"^setup: 11 created in [\d.]+ s \(\d+ requests\)$", first.stdout, re.M) and "work/Job (shop_job)" in first.stderr
    quiet = shop("setup", "--quiet", json_output=False).ok()
    assert quiet.stderr == "" and quiet.stdout.count("\n") == 1
    assert shop("plan", json_output=False).ok().stdout == "plan: nothing to do\n"
    assert "Timeout: 7 -> 9" in shop("plan", "--set", "Minutes=9", json_output=False).ok().stdout
    assert re.search(r"^base +Bucket +AWS::S3::Bucket +present +shop-data$", shop("status", json_output=False).ok().stdout, re.M)
    down = shop("teardown", "--yes", json_output=False).ok().stdout
    assert "teardown: 11 deleted" in down and "nothing is left" in down


def test_plan_names_each_property(shop):
    fresh = doc(shop("plan", "--detailed-exitcode"))
    assert fresh["exit"] == 3 and {c["action"] for c in fresh["changes"]} == {"create", "upload"}
    shop("setup").ok()
    assert doc(shop("plan", "--detailed-exitcode").ok())["changes"] == []
    shop.edit("work.yaml", "says what it was given", "says more")
    shop.edit("base.yaml", "RoleName: ShopRole", "RoleName: ShopRole2")
    shop.edit("base.yaml", "Tags: [{Key: stage,", "Tags: [{Key: level,")
    plan = shop("plan", "--detailed-exitcode", "--set", "Minutes=9").fails(3)
    changes = {c["logical_id"]: c for c in doc(plan)["changes"] if c["action"] != "delete"}
    job = {p["path"]: (p.get("before"), p["after"], p["effect"]) for p in changes["Job"]["properties"]}
    assert job["Timeout"] == (7, 9, "update") and job["Description"] == ("says what it was given", "says more", "update")
    assert job["Role"][1:] == ({"unknown": True}, "update") and changes["Job"]["action"] == "update"
    assert changes["Role"]["action"] == "replace" and changes["Bucket"]["action"] == "update"
    assert not any(c["data_loss"] for c in changes.values())
    before = everything(shop.cloud)
    shop.edit("base.yaml", "ShopRole2", "ShopRole")
    assert everything(shop.cloud) == before  # a plan changes nothing


def test_drift(shop):
    shop("setup").ok()
    glue = shop.cloud.client("glue")
    job = glue.get_job(JobName="shop_job")["Job"]
    glue.update_job(JobName="shop_job", JobUpdate={"Role": job["Role"], "Command": job["Command"], "Timeout": 99, "MaxCapacity": 0.0625})
    assert doc(shop("plan").ok())["changes"] == []
    drift = doc(shop("plan", "--drift").ok())["drift"]
    assert {(c["logical_id"], p["path"]) for c in drift for p in c["properties"]} >= {("Job", "Timeout"), ("Job", "Description")}
    assert PASSWORD not in json.dumps(drift)


def test_a_change_touches_only_what_changed_and_every_request_is_sound(shop, proxy):
    shop.through(proxy.endpoint)
    shop("setup").ok()
    proxy.reset_counts()
    shop("setup").ok()
    writes = [r["operation"] for r in proxy.log if not READS.fullmatch(r["operation"]) and "/lease.json" not in r["target"]]
    assert writes == [] and len(proxy.log) < 40
    proxy.reset_counts()
    changed = doc(shop("setup", "--set", "Minutes=9").ok())
    acted = {r["logical_id"]: r["action"] for s in changed["stacks"] for r in s["resources"] if r["action"] != "none"}
    assert acted == {"Job": "update"}
    writes = [r["operation"] for r in proxy.log if r["service"] == "glue" and not READS.fullmatch(r["operation"])]
    assert sorted(writes) == ["TagResource", "UpdateJob"]
    shop("teardown", "--yes").ok()


def test_what_left_the_template_is_removed_and_names_change(shop):
    shop("setup").ok()
    text = shop.read("work.yaml")
    start, end = text.index("  Second:"), text.index("  Workflow:")
    second, then = text[start:end], text[text.index("  Then:"):text.index("Outputs:")]
    shop.write("work.yaml", text.replace(second, "").replace(then, ""))
    gone = doc(shop("setup").ok())
    acted = {r["logical_id"]: (r["action"], r["status"]) for s in gone["stacks"] for r in s["resources"] if r["action"] != "none"}
    assert acted == {"Second": ("delete", "done"), "Then": ("delete", "done")}
    assert everything(shop.cloud)["jobs"] == ["shop_job"] and everything(shop.cloud)["triggers"] == ["shop_start"]
    shop.edit("work.yaml", "Name: shop_job", "Name: shop_renamed")
    renamed = doc(shop("setup").ok())
    assert everything(shop.cloud)["jobs"] == ["shop_renamed"] and renamed["summary"]["failed"] == 0
    shop.write("glueproj.yaml", shop.read("glueproj.yaml").replace("  - {Name: work, Template: work.yaml, Parameters: work-params.json}\n", ""))
    shop.write("config.yaml", "BucketName: shop-data\n")
    doc(shop("setup").ok())
    left = everything(shop.cloud)
    assert left["jobs"] == left["workflows"] == left["triggers"] == [] and left["roles"] == ["ShopRole"]


def test_a_lost_record_is_made_again(shop):
    shop("setup").ok()
    s3 = shop.cloud.client("s3")
    for key in ("base", "work"):
        s3.delete_object(Bucket=HOME, Key=f"glueproj/v1/shop/stacks/{key}.json")
    again = doc(shop("setup").ok())
    assert again["summary"]["created"] == again["summary"]["failed"] == 0
    record = json.loads(s3.get_object(Bucket=HOME, Key="glueproj/v1/shop/stacks/work.json")["Body"].read())
    assert {"version", "project", "stack", "account", "region", "serial", "resources", "outputs", "runs"} <= set(record)
    assert {r["state"] for r in record["resources"]} == {"done"}
    # Without the tags that finish it, it is taken up again.
    glue, arn = shop.cloud.client("glue"), "arn:aws:glue:us-east-1:000000000000:job/shop_job"
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["glueproj:digest"])
    adopted = doc(shop("setup").ok())
    assert adopted["summary"]["adopted"] == 1 and "glueproj:digest" in glue.get_tags(ResourceArn=arn)["Tags"]
    for key in ("base", "work"):
        s3.delete_object(Bucket=HOME, Key=f"glueproj/v1/shop/stacks/{key}.json")
    assert doc(shop("teardown", "--yes").ok())["left"] == [] and everything(shop.cloud)["jobs"] == []


def test_data_is_never_lost_by_setup(shop):
    shop("setup").ok()
    lost = shop("setup", "--set", "BucketName=shop-data-2").fails(1, "DataLoss")
    (error,) = doc(lost)["errors"]
    assert error["logical_id"] == "Bucket" and "--allow-data-loss Bucket" in error["hint"] and "shop-data" in error["message"]
    assert everything(shop.cloud)["buckets"] == [HOME, "shop-data"]
    assert any(c["data_loss"] for c in doc(shop("plan", "--set", "BucketName=shop-data-2").ok())["changes"])
    doc(shop("setup", "--set", "BucketName=shop-data-2", "--allow-data-loss", "Bucket").ok())
    assert everything(shop.cloud)["buckets"] == [HOME, "shop-data-2"]


def test_retain_and_keep_data(shop):
    shop.edit("base.yaml", "  Bucket:\n    Type", "  Bucket:\n    DeletionPolicy: Retain\n    Type")
    shop("setup").ok()
    down = doc(shop("teardown", "--yes").ok())
    assert down["summary"]["retained"] >= 1 and everything(shop.cloud)["buckets"] == [HOME, "shop-data"]
    assert {r["logical_id"] for s in down["stacks"] for r in s["resources"] if r["action"] == "retain"} >= {"Bucket"}
    shop.edit("base.yaml", "    DeletionPolicy: Retain\n", "")
    doc(shop("setup").ok())
    doc(shop("teardown", "--yes", "--keep-data").ok())
    kept = everything(shop.cloud)
    assert kept["buckets"] == [HOME, "shop-data"] and kept["databases"] == ["shop_db"] and kept["jobs"] == kept["roles"] == []
    doc(shop("setup").ok())
    doc(shop("teardown", "--yes").ok())
    assert everything(shop.cloud)["buckets"] == [HOME]


def test_one_stack_at_a_time(shop):
    early = shop("create", "work").fails(1, "which does not exist")
    assert "glueproj create base" in json.dumps(doc(early)["errors"]) and everything(shop.cloud)["jobs"] == []
    assert {s["name"] for s in doc(shop("create", "base").ok())["stacks"]} == {"base"}
    assert everything(shop.cloud)["jobs"] == []
    doc(shop("create", "work").ok())
    used = doc(shop("delete", "base", "--yes").fails(1, "still needs it"))
    assert used["errors"][0]["code"] == "InUse" and everything(shop.cloud)["buckets"] == [HOME, "shop-data"]
    doc(shop("delete", "work", "--yes").ok())
    doc(shop("delete", "base", "--yes").ok())
    assert everything(shop.cloud)["buckets"] == [HOME]
    shop("create", "nowork").fails(2, "has no stack 'nowork'")
    shop("delete", "nowork", "--yes").fails(2, "has no stack 'nowork'")


# --- secrets ---

def test_noecho_values_are_nowhere_in_the_clear(shop, proxy):
    shop.through(proxy.endpoint)
    seen = []
    for words in (("plan",), ("setup", "--verbose"), ("setup",), ("status",), ("outputs",), ("plan", "--drift"), ("graph",), ("config", "list"),
                  ("plan", "--drift", "--set", "Password=another-s3cret"), ("setup", "--set", "Password=another-s3cret"), ("validate",)):
        for form in (True, False):
            result = shop(*words, json_output=form).ok()
            seen.append(result.stdout + result.stderr)
    text = "\n".join(seen)
    assert PASSWORD not in text and "another-s3cret" not in text and "****" in text
    glue = shop.cloud.client("glue")
    assert glue.get_job(JobName="shop_job")["Job"]["DefaultArguments"]["--password"] == "another-s3cret"
    tags = json.dumps(glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:job/shop_job")["Tags"])
    s3 = shop.cloud.client("s3")
    records = "".join(
        s3.get_object(Bucket=HOME, Key=o["Key"])["Body"].read().decode()
        for o in s3.list_objects_v2(Bucket=HOME, Prefix="glueproj/v1/shop/stacks/")["Contents"])
    with open(os.path.join(shop.cloud.dir, "server.log"), encoding="utf-8") as f:
        log = f.read()
    for place in (tags, records, log):
        assert PASSWORD not in place and "another-s3cret" not in place
    # A plain hash of it would tell, too: the digest of the same properties differs from project to project.
    changed = doc(shop("plan", "--set", "Password=third").ok())["changes"]
    assert [(p["path"], p["before"], p["after"]) for c in changes_of(changed, "Job") for p in c["properties"]] == [
        ("DefaultArguments", "****", "****")]


def changes_of(changes, logical_id):
    return [c for c in changes if c["logical_id"] == logical_id]


# --- runs ---

def test_runs_and_logs(shop):
    shop("setup").ok()
    shop("logs", "shop_job").fails(1, "has not run yet")
    started = doc(shop("run", "shop_job").ok())["run"]
    assert started["type"] == "job" and re.fullmatch("jr_[0-9a-f]{64}", started["id"])
    glue = shop.cloud.client("glue")
    wait_for(lambda: glue.get_job_run(JobName="shop_job", RunId=started["id"])["JobRun"]["JobRunState"] == "SUCCEEDED")
    run = doc(shop("run", "shop_job", "--follow", "--arg", "who=me").ok())["run"]
    assert run["state"] == "SUCCEEDED" and [n["name"] for n in run["nodes"]] == ["shop_job"]
    events = doc(shop("logs", "shop_job").ok())["events"]
    assert [e["message"] for e in events] == ["hello me", "bye"] and {e["run_id"] for e in events} == {run["id"]}
    assert doc(shop("logs", "Job", "--run-id", started["id"]).ok())["events"][0]["message"] == "hello nobody"
    flow = doc(shop("run", "Workflow", "-f").ok())["run"]  # by logical id
    assert flow["type"] == "workflow" and re.fullmatch("wr_[0-9a-f]{64}", flow["id"]) and flow["state"] == "COMPLETED"
    assert {n["name"]: n["state"] for n in flow["nodes"]} == {"shop_job": "SUCCEEDED", "shop_second": "SUCCEEDED"}
    events = doc(shop("logs", "shop_flow").ok())["events"]
    assert [e["node"] for e in events] == ["shop_job"] * 2 + ["shop_second"] * 2 and events == sorted(events, key=lambda e: e["time"])
    text = shop("run", "shop_flow", "--follow", json_output=False).ok().stdout
    assert "shop_job | hello nobody" in text and re.search(r"^workflow shop_flow COMPLETED wr_", text, re.M)
    nothing = shop("run", "shop_nothing").fails(1, "no workflow, job or crawler named 'shop_nothing'")
    assert "shop_flow" in doc(nothing)["errors"][0]["hint"]
    shop("run", 'odd "name"\\').fails(1, "no workflow, job or crawler")
    shop("run", "shop_job", "--arg", "nothing").fails(2, "is not K=V")


def test_a_failing_run_is_exit_1_and_a_slow_one_is_left(shop):
    shop("setup", "--set", "Seconds=30").ok()
    failed = shop("run", "shop_job", "--follow", "--arg", "fail=because", "--arg", "seconds=0").fails(1, "asked to fail: because")
    assert doc(failed)["run"]["state"] == "FAILED" and doc(failed)["errors"][0]["code"] == "RunFailed"
    slow = shop("run", "shop_flow", "--follow", "--timeout", "1").fails(1, "still runs after 1 s")
    run = doc(slow)["run"]
    glue = shop.cloud.client("glue")
    assert glue.get_workflow_run(Name="shop_flow", RunId=run["id"])["Run"]["Status"] == "RUNNING"
    glue.stop_workflow_run(Name="shop_flow", RunId=run["id"])


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_detaches_and_the_run_goes_on(shop, number, code):
    shop("setup", "--set", "Seconds=30").ok()
    process = shop.start("run", "shop_job", "--follow", "--output", "json")
    glue = shop.cloud.client("glue")
    wait_for(lambda: any(r["JobRunState"] == "RUNNING" for r in glue.get_job_runs(JobName="shop_job")["JobRuns"]))
    time.sleep(0.2)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=20)
    document = json.loads(stdout)
    assert process.returncode == document["exit"] == code, stdout + stderr
    assert "the run goes on" in document["errors"][0]["message"]
    (run,) = glue.get_job_runs(JobName="shop_job")["JobRuns"]
    assert run["JobRunState"] == "RUNNING" and run["Id"] == document["run"]["id"]
    glue.batch_stop_job_run(JobName="shop_job", JobRunIds=[run["Id"]])


def test_two_setups_at_once(shop):
    with ModelProxy(shop.cloud.endpoint, faults=[Fault.parse("delay:operation=CreateJob,ms=1500")]) as proxy:
        first = shop.start("setup", "--endpoint-url", proxy.endpoint)
        wait_for(lambda: any(r["operation"] == "CreateJob" for r in proxy.log))
        held = shop("setup").fails(4, "is being changed by another run: setup on ")
        assert doc(held)["errors"][0]["code"] == "LeaseHeld" and str(first.pid) in doc(held)["errors"][0]["message"]
        shop("teardown", "--yes").fails(4, "another run")
        shop("plan").ok()  # reading needs no lease
        stdout, stderr = first.communicate(timeout=30)
        assert first.returncode == 0, stdout + stderr
    shop("setup").ok()


def test_an_interrupted_setup_goes_on_from_there(shop):
    with ModelProxy(shop.cloud.endpoint, faults=[Fault.parse("delay:operation=CreateBucket,ms=700")]) as proxy:
        first = shop.start("setup", "--endpoint-url", proxy.endpoint, "--output=json", "--parallel", "1")
        wait_for(lambda: any("shop-data" in r["target"] and r["operation"] == "CreateBucket" for r in proxy.log))
        first.send_signal(signal.SIGINT)
        stdout, stderr = first.communicate(timeout=30)
    document = json.loads(stdout)
    assert first.returncode == document["exit"] == 130 and document["errors"] and document["summary"]["skipped"], stdout + stderr
    rest = doc(shop("setup").ok())
    assert rest["summary"]["failed"] == 0 and doc(shop("setup").ok())["summary"]["unchanged"] == RESOURCES + 3


# --- the catalog ---

def test_tables_and_queries(shop):
    shop("setup").ok()
    assert doc(shop("tables").ok())["tables"] == []
    assert shop("tables", json_output=False).ok().stdout == "no tables\n"
    shop.cloud.client("glue").create_table(DatabaseName="shop_db", TableInput={
        "Name": "incoming", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}], "Location": "s3://shop-data/incoming/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})
    (table,) = doc(shop("tables").ok())["tables"]
    assert table["columns"] == [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]
    assert table["partition_keys"] == [{"name": "day", "type": "string"}] and table["partitions"] == 0 and table["classification"] == "csv"
    assert doc(shop("tables", "INCOMING", "--database", "shop_db").ok())["tables"] == [table]
    shop("tables", "nothing").fails(1, "there is no table 'nothing'")
    shop("tables", "--database", "nothing").fails(1, "nothing")
    text = shop("tables", json_output=False).ok().stdout
    assert "shop_db.incoming  csv  s3://shop-data/incoming/" in text and "(partition)" in text

    shop.cloud.client("athena").create_work_group(Name="asks", Configuration={
        "ResultConfiguration": {"OutputLocation": "s3://shop-data/results/"}, "EnforceWorkGroupConfiguration": True})
    asked = doc(shop("query", "SELECT 'a,\"b' AS x, 7 AS n, NULL AS nothing", "--workgroup", "asks", "--database", "shop_db").ok())
    assert [c["name"] for c in asked["columns"]] == ["x", "n", "nothing"] and asked["rows"] == [['a,"b', "7", None]]
    csv = shop("query", "SELECT 'a,\"b' AS x, 7 AS n, '' AS e, NULL AS nothing", "--workgroup", "asks", "--csv", json_output=False).ok()
    assert csv.stdout == 'x,n,e,nothing\n"a,""b",7,"",\n'
    shown = shop("query", "SELECT 'ä' AS x, 7 AS n", "--workgroup", "asks", json_output=False).ok().stdout
    assert shown.splitlines()[-1].split() == ["ä", "7"]
    wrong = shop("query", "SELEKT 1", "--workgroup", "asks").fails(1)
    assert wrong.json["rows"] == [] and wrong.json["errors"]


# --- config ---

def test_config_keeps_comments_and_order(shop):
    assert doc(shop("config", "list").ok(), "config list")["config"] == {
        "BucketName": "shop-data", "Stage": "test", "Password": "!Env SHOP_PASSWORD"}
    assert doc(shop("config", "get", "Stage").ok(), "config get")["value"] == "test"
    assert shop("config", "get", "Password", json_output=False).ok().stdout == "!Env SHOP_PASSWORD\n"
    shop("config", "get", "Stagge").fails(1, "has no 'Stagge'")
    before = shop.read("config.yaml")
    doc(shop("config", "set", "Stage", "live").ok(), "config set")
    assert shop.read("config.yaml") == before.replace("Stage: test", "Stage: live")
    doc(shop("config", "set", "BucketName", "yes").ok(), "config set")
    assert shop("config", "get", "BucketName", json_output=False).ok().stdout == "yes\n"
    assert "# where the data goes" in shop.read("config.yaml") and "# globally unique" in shop.read("config.yaml")
    doc(shop("config", "set", "Minutes", "3").ok(), "config set")
    assert shop.read("config.yaml").endswith("Minutes: 3\n")
    assert doc(shop("config", "list").ok(), "config list")["config"]["Minutes"] == "3"


def test_config_leaves_maps_alone(shop):
    shop.write("config.yaml", before := shop.read("config.yaml") + "Rates:\n  Gold: {Fee: 3}\n")
    shop("config", "set", "Rates", "3").fails(2, "'Rates' is a map.*change its entries")
    for name in ("Rates.Gold.Fee", "", "a b", "-x"):
        shop("config", "set", "--", name, "3", json_output=False).fails(2, "no parameter's name")
    assert shop.read("config.yaml") == before


# --- the local cloud as a server ---

def test_local_start_stop_status(run_glueproj, tmp_path):
    where = ("--dir", tmp_path / "c")
    stopped = run_glueproj("local", "status", *where, "--output=json").fails(1, "NotRunning")
    assert doc(stopped, "local status")["running"] is False
    assert run_glueproj("local", "status", *where).fails(1).stdout == "not running\n"
    start = doc(run_glueproj("local", "start", *where, "--port", "0", "--account", "123456789012", "--output=json").ok(), "local start")
    try:
        assert start["account"] == "123456789012" and start["access_key_id"] != "test" and start["dir"] == str(tmp_path / "c")
        again = doc(run_glueproj("local", "start", *where, "--port", "0", "--output=json").ok(), "local start")
        assert again["pid"] == start["pid"] and again["endpoint"] == start["endpoint"]
        status = doc(run_glueproj("local", "status", *where, "--output=json").ok(), "local status")
        assert status["running"] and status["endpoint"] == start["endpoint"] and "secret_access_key" not in status
        shell = run_glueproj("local", "start", *where).ok().stdout
        out = subprocess.run(
            ["bash", "-c", 'eval "$1"; echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_REGION $AWS_DEFAULT_REGION"', "sh", shell],
            capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}).stdout.split()
        assert out == [start["endpoint"], start["access_key_id"], start["secret_access_key"], start["region"], start["region"]]
    finally:
        assert doc(run_glueproj("local", "stop", *where, "--output=json").ok(), "local stop")["stopped"] is True
    assert doc(run_glueproj("local", "stop", *where, "--output=json").ok(), "local stop")["stopped"] is False
    run_glueproj("local", "status", *where).fails(1)


def test_local_foreground(run_glueproj, tmp_path):
    server = run_glueproj.start("local", "start", "--dir", tmp_path / "c", "--port", "0", "--foreground", "--well-known-keys", "--output=json")
    try:
        document = json.loads(server.stdout.readline())
        assert contract.mismatch(document, {**contract.COMMON, **contract.DOCUMENTS["local start"]}, "$") is None
        assert document["pid"] == server.pid and document["access_key_id"] == document["secret_access_key"] == "test" and document["ok"]
        run_glueproj("local", "status", "--dir", tmp_path / "c").ok()
    finally:
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=20)
    assert rest == "" and server.returncode in (0, 143), errors


def test_local_ends_when_idle(run_glueproj, tmp_path):
    cloud = Cloud(run_glueproj, tmp_path / "c", "--idle", "1")
    wait_for(lambda: run_glueproj("local", "status", "--dir", cloud.dir).code == 1, 15)


def test_local_folder_is_beside_the_project(alone):
    status = alone("--local", "whoami").ok()
    try:
        assert doc(status)["account"] == "000000000000"
        assert os.path.exists(alone.path(".glueproj/local/server.lock"))
        assert doc(alone("local", "status").ok(), "local status")["dir"] == os.path.realpath(alone.path(".glueproj/local"))
    finally:
        alone("local", "stop").ok()


# --- templates without a project ---

ORDER = ("basic-infra", "glue-jobs", "glue-catalog", "glue-workflow")


def test_plain_cloudformation_templates_one_by_one(run_glueproj, cloud, tmp_path):
    from helpers import ROOT  # pylint: disable=import-outside-toplevel
    shutil.copytree(os.path.join(ROOT, "stacks", "sales-lake"), tmp_path / "t", ignore=shutil.ignore_patterns(".glueproj", "glueproj.yaml"))

    def run(*words):
        return run_glueproj(*words, "--output=json", env=cloud.checked_env(), cwd=tmp_path / "t")

    early = run("create", "glue-catalog", "--template", "glue-catalog.yaml", "--parameters", "glue-catalog-params.json").fails(2)
    assert {"file", "line", "column", "path", "hint"} <= set(doc(early)["errors"][0]) and own(cloud) == set()
    for name in ORDER:
        made = doc(run("create", name, "--template", f"{name}.yaml", "--parameters", f"{name}-params.json").ok())
        assert made["project"] == name and made["summary"]["failed"] == 0
        again = doc(run("create", name, "--template", f"{name}.yaml", "--parameters", f"{name}-params.json").ok())
        assert again["summary"]["unchanged"] == sum(len(s["resources"]) for s in again["stacks"])
    args = cloud.client("glue").get_job(JobName="gluejobclean")["Job"]["DefaultArguments"]
    assert args["--source_bucket"] == "etl-poc-data-raw" and args["--target_bucket"] == "etl-poc-data-silver"
    assert doc(run("validate", "--template", "glue-workflow.yaml").ok())["ok"]
    run("create", "x").fails(2, "--template")
    assert doc(run("delete", "glue-workflow", "--template", "glue-workflow.yaml", "--yes").ok())["left"] == []
    for name in ("glue-catalog", "glue-jobs", "basic-infra"):  # by their records alone
        down = doc(run("delete", name, "--yes").ok())
        assert down["left"] == [] and down["summary"]["deleted"] > 0
    assert own(cloud) == set()
    nothing = doc(run("delete", "glue-catalogue", "--yes").ok())
    assert "no record of a stack 'glue-catalogue'" in nothing["warnings"][0]["message"]


def own(cloud):
    return {n for k, names in everything(cloud).items() for n in names} - {"primary", HOME}
