"""Names in the project file that are no template's parameters, the project's own name for `run`, and secrets that nobody gave."""
import base64
import json
import re
import signal
import time

import pytest

import contract
import model_proxy
from shop import CONFIG, PASSWORD, PROJECT, WORK, Shop

NAMED = PROJECT.replace("Project: shop\n", "Project: shop\nRegion: ${Where}\nArtifacts: ${Programs}\n").replace(
    'From: "data/*.csv", To: "s3://${BucketName}/incoming/"', 'From: "${DataFolder}/*.csv", To: "s3://${BucketName}/${Inbox}/"'
) + 'AfterSetup:\n  - {StartCrawler: "${CrawlerPrefix}_crawler"}\n'
VALUES = CONFIG + "Where: eu-west-3\nDataFolder: data\nInbox: incoming\nCrawlerPrefix: shop\nPrograms: s3://shop-data/programs/\n"
CRAWLER = """\
  Crawler:
    Type: AWS::Glue::Crawler
    Properties:
      Name: shop_crawler
      Role: !ImportValue shop-role
      DatabaseName: shop_db
      Targets: {S3Targets: [{Path: !Sub ["s3://${B}/incoming/", {B: !ImportValue shop-bucket}]}]}
"""
WITH_CRAWLER = WORK.replace("  Workflow:\n", CRAWLER + "  Workflow:\n", 1)
SECOND_FLOW = WORK.replace("  Workflow:\n", "  Another:\n    Type: AWS::Glue::Workflow\n    Properties: {Name: shop_other}\n  Workflow:\n", 1)


def make(run_glueproj, cloud, **files):
    return Shop(run_glueproj, cloud, **{"glueproj.yaml": NAMED, "config.yaml": VALUES, "work.yaml": WITH_CRAWLER, **files})


@pytest.fixture
def shop(run_glueproj, cloud):
    return make(run_glueproj, cloud)


def region_free(environment):
    return {k: v for k, v in environment.items() if k not in ("AWS_REGION", "AWS_DEFAULT_REGION")}


# --- names of the project file ---

def test_a_project_lives_on_its_own_names(shop):
    shop("setup").ok()
    s3, glue = shop.cloud.client("s3"), shop.cloud.client("glue")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="shop-data")["Contents"]]
    assert {"incoming/a.csv", "incoming/b.csv"} <= set(keys) and any(k.startswith("programs/scripts/") for k in keys)
    assert s3.list_objects_v2(Bucket="glueproj-000000000000-eu-west-3", Prefix="glueproj/")["KeyCount"]
    assert glue.get_crawler(Name="shop_crawler")["Crawler"]["LastCrawl"]["StartTime"]
    again = shop("setup").ok().json
    assert again["summary"]["created"] == again["summary"]["updated"] == 0
    shop("teardown", "--yes").ok()


def test_own_names_come_from_the_strongest_place_too(shop, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "c.csv").write_text("id,name\n3,c\n")
    shop("setup", "--set", f"DataFolder={other}", env={"GLUEPROJ_PARAM_Inbox": "letterbox"}).ok()
    keys = {o["Key"] for o in shop.cloud.client("s3").list_objects_v2(Bucket="shop-data")["Contents"]}
    assert "letterbox/c.csv" in keys and not any(k.startswith("incoming/") for k in keys)


@pytest.mark.parametrize("words, value, expected", [
    ((), "eu-west-3", "eu-west-3"), (("--set", "Where=eu-north-1"), "eu-west-3", "eu-north-1"), (("--region", "ap-south-1"), "eu-west-3", "ap-south-1"),
    ((), '""', "sa-east-1"), (("--region", "ap-south-1"), "!Env NOT_THERE", "ap-south-1"),
])
def test_the_region(shop, words, value, expected):
    shop.edit("config.yaml", "Where: eu-west-3", f"Where: {value}")
    environment = {**region_free({**shop.runner.environment, **shop.environment}), "AWS_REGION": "sa-east-1"}
    result = shop.runner("-p", shop.folder, "whoami", "--output=json", *words, env=environment).ok()
    assert result.json["region"] == expected


def test_own_keys_are_known_and_others_are_not(shop):
    assert shop("config", "get", "DataFolder").ok().json["value"] == "data"
    shop("config", "set", "DataFolder", "date").ok()
    error, = shop("plan").fails(2, "date/\\*.csv' matches no file").json["errors"]
    assert error["file"].endswith("glueproj.yaml") and error["line"] and error["column"] and "looked in" in error["hint"]
    shop("config", "set", "DataFolder", "data").ok()
    shop("config", "set", "DataFoldr", "data").ok()
    error, = shop("plan").fails(2, "unknown config key 'DataFoldr'").json["errors"]
    assert error["file"].endswith("config.yaml") and "DataFolder" in error["hint"]


def test_names_without_a_value_have_a_place(shop):
    for key, line in (("Where", "Region:"), ("DataFolder", "From:"), ("Inbox", "From:"), ("CrawlerPrefix", "StartCrawler"), ("Programs", "Artifacts:")):
        before = shop.read("config.yaml")
        shop.write("config.yaml", re.sub(rf"^{key}: .*\n", "", before, flags=re.M))
        error, = shop("plan").fails(2, rf"\$\{{{key}\}}").json["errors"]
        text = shop.read("glueproj.yaml").splitlines()[error["line"] - 1]
        assert error["file"].endswith("glueproj.yaml") and line in text and error["column"], error
        # The file can still be mended by the tool itself.
        shop("config", "list").ok()
        shop.write("config.yaml", before)


# --- run PROJECT ---

def ended(shop):
    glue = shop.cloud.client("glue")
    while any(r["Status"] == "RUNNING" for r in glue.get_workflow_runs(Name="shop_flow")["Runs"]):
        time.sleep(0.02)


def test_the_projects_name_runs_its_workflow(shop):
    shop("setup").ok()
    for words in (("--follow",), ()):
        run = contract.check(shop("run", "shop", *words).ok()).json["run"]
        assert (run["type"], run["name"]) == ("workflow", "shop_flow")
    ended(shop)
    shop.edit("work.yaml", "Name: shop_second", "Name: shop")
    shop("setup").ok()
    run = contract.check(shop("run", "shop", "--follow").ok()).json["run"]
    assert (run["type"], run["name"]) == ("job", "shop"), "a resource of that very name wins"


def test_several_workflows_or_none_are_told(run_glueproj, cloud):
    shop = Shop(run_glueproj, cloud, **{"work.yaml": SECOND_FLOW})
    shop("setup").ok()
    error, = shop("run", "shop").fails(2, "2 workflows").json["errors"]
    assert "shop_flow" in error["message"] and "shop_other" in error["message"]
    alone = WORK[:WORK.index("  Workflow:\n")] + WORK[WORK.index("Outputs:\n"):]
    shop.write("work.yaml", alone)
    shop("setup").ok()
    error, = shop("run", "shop").fails(1, "has no workflow").json["errors"]
    assert "shop_job" in error["hint"]
    shop("run", "shopp").fails(1, "no workflow, job or crawler named 'shopp'")


@pytest.fixture
def crawler_says(monkeypatch):
    """crawler_says({…}, …): what the next answers of GetCrawler hold instead; the last one stays. Everything else is the cloud's."""
    answers, real = [], model_proxy.Handler.forward

    def forward(self, body):
        reply, payload = real(self, body)
        if answers and self.headers.get("X-Amz-Target", "").endswith(".GetCrawler") and reply.status == 200:
            document = json.loads(payload)
            document["Crawler"].update(answers.pop(0) if len(answers) > 1 else answers[0])
            payload = json.dumps(document).encode()
        return reply, payload

    monkeypatch.setattr(model_proxy.Handler, "forward", forward)
    return answers.extend


def rests(shop):
    glue = shop.cloud.client("glue")
    while glue.get_crawler(Name="shop_crawler")["Crawler"]["State"] != "READY":
        time.sleep(0.02)
    return glue


def runs(glue):
    return glue.get_workflow_runs(Name="shop_flow")["Runs"]


def test_run_right_after_setup_waits_for_the_crawl(shop):
    for i in range(1000):
        shop.write(f"data/{i}.csv", "id,name\n1,one\n")
    shop("setup").ok()
    result = shop("run", "shop", json_output=False).ok()
    glue = shop.cloud.client("glue")
    crawler = glue.get_crawler(Name="shop_crawler")["Crawler"]
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "SUCCEEDED"), result
    assert glue.get_table(DatabaseName="shop_db", Name="incoming") and len(runs(glue)) == 1


@pytest.mark.parametrize("words", [(), ("--follow",), ("--follow", "--timeout", "60")])
def test_the_wait_is_told_once_and_ends(shop, crawler_says, words):
    shop("setup").ok()
    glue = rests(shop)
    crawler_says([{"State": "RUNNING"}, {"State": "RUNNING"}, {"State": "STOPPING"}, {}])
    result = shop("run", "shop_flow", *words, json_output=False).ok()
    assert result.stderr.count("waiting for crawler shop_crawler (started by setup)") == 1 and len(runs(glue)) == 1
    ended(shop)
    assert "waiting" not in shop("run", "shop_job", json_output=False).ok().stderr, "a job is no workflow"


def test_the_wait_is_bounded_and_starts_nothing(shop, crawler_says):
    shop("setup").ok()
    glue = rests(shop)
    crawler_says([{"State": "STOPPING"}])
    for words in ((), ("--follow",)):
        error, = contract.check(shop("run", "shop", "--timeout", "1", *words).fails(1, "still runs after 1 s")).json["errors"]
        assert "shop_crawler" in error["message"] and "nothing was started" in error["message"]
    process = shop.start("run", "shop", "--output", "json")
    while "waiting" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130 and "nothing was started" in stdout, stdout + stderr
    assert runs(glue) == []


def test_a_crawl_that_failed_is_a_warning(shop, crawler_says):
    shop("setup").ok()
    rests(shop)
    crawler_says([{"LastCrawl": {"Status": "FAILED", "ErrorMessage": "no rights"}}])
    warning, = contract.check(shop("run", "shop", "--follow").ok()).json["warnings"]
    assert warning["code"] == "CrawlFailed" and "shop_crawler" in warning["message"] and "no rights" in warning["message"]


# --- secrets that are not at hand ---

HIDDEN = WORK.replace("  Password: {Type: String, NoEcho: true}\n", """\
  Password: {Type: String, NoEcho: true, MinLength: 6}
  Plain: {Type: String, Default: "true", AllowedValues: ["true", "false"]}
Conditions:
  Plain: !Equals [!Ref Plain, "true"]
  Given: !Not [!Equals [!Ref Password, ""]]
""", 1).replace("--password: !Ref Password", "--password: !If [Plain, !Ref Password, !Ref AWS::NoValue]").replace(
    "  Second:\n    Type: AWS::Glue::Job\n", "  Second:\n    Type: AWS::Glue::Job\n    Condition: Given\n", 1)


@pytest.fixture
def vault(run_glueproj, cloud):
    return Shop(run_glueproj, cloud, **{"work.yaml": HIDDEN})


def without_password(shop):
    shop.environment.pop("SHOP_PASSWORD")
    return shop


def test_what_changes_nothing_needs_no_secret(vault):
    vault("setup").ok()
    known = vault("status").ok().json["stacks"]
    without_password(vault)
    for command in (("setup",), ("plan",), ("deploy",), ("create", "work"), ("validate",)):
        error, = vault(*command).fails(2, "'SHOP_PASSWORD' is not set").json["errors"]
        assert error["file"].endswith("config.yaml") and error["line"] == 5 and error["column"] == 11
        assert "export SHOP_PASSWORD" in error["hint"] and "--set Password=@FILE" in error["hint"]
    unknown = contract.check(vault("status").ok()).json["stacks"]
    for before, after in zip(known, unknown):
        for b, a in zip(before["resources"], after["resources"]):
            assert {**b, "state": "unknown"} == a if b["logical_id"] == "Job" else b == a, (b, a)
    outputs = contract.check(vault("outputs").ok()).json["outputs"]
    assert outputs["work"] == {"Job": "shop_job", "Secret": "****"}
    for command in (("run", "shop_flow", "--follow"), ("logs", "shop_job"), ("tables",), ("graph",), ("config", "list")):
        vault(*command).ok()
    vault("query", "select 1").fails(1, "No output location")  # Athena was asked
    done = contract.check(vault("teardown", "--yes").ok()).json
    assert done["left"] == [] and done["summary"]["failed"] == 0
    assert vault.cloud.client("glue").get_jobs()["Jobs"] == []


def test_one_stack_goes_without_its_secret_and_other_values_are_still_asked_for(vault):
    vault("setup").ok()
    without_password(vault)
    vault("delete", "work", "--yes").ok()
    assert vault.cloud.client("glue").get_jobs()["Jobs"] == []
    vault.edit("config.yaml", "Stage: test", "Stage: !Env NO_STAGE")
    error, = vault("teardown", "--yes").fails(2, "'NO_STAGE' is not set").json["errors"]
    assert error["line"] == 4
    vault("teardown", "--yes", "--set", "Stage=test").ok()


def test_a_secret_from_elsewhere_will_do(vault, tmp_path):
    without_password(vault)
    (tmp_path / "key").write_text(PASSWORD + "\n")
    assert vault("setup", "--set", f"Password=@{tmp_path / 'key'}").ok().json["summary"]["failed"] == 0
    again = vault("setup", env={"GLUEPROJ_PARAM_Password": PASSWORD}).ok().json
    assert again["summary"]["updated"] == again["summary"]["created"] == 0
    vault.edit("config.yaml", "Password: !Env SHOP_PASSWORD\n", "")
    vault("plan").fails(2, "parameter 'Password' of stack 'work' has no value")
    vault("teardown", "--yes").ok()


def test_a_secret_in_plain_arguments_is_a_warning(vault, run_glueproj):
    for command in (("validate",), ("plan",), ("setup",), ("setup",)):
        warning, = contract.check(vault(*command).ok()).json["warnings"]
        assert warning["code"] == "PlainSecret" and warning["file"].endswith("work.yaml") and warning["path"].endswith("DefaultArguments.--password")
        line = vault.read("work.yaml").splitlines()[warning["line"] - 1]
        assert "--password" in line and warning["column"] and "AWS::SecretsManager::Secret" in warning["hint"]
        assert PASSWORD not in json.dumps(warning)
    text = vault("plan", json_output=False).ok().stderr
    assert re.search(r"^glueproj: \S+work\.yaml:\d+:\d+: warning: Resources\.Job\..*NoEcho", text, re.M) and "give the job the secret's name" in text
    for command in (("status",), ("outputs",), ("teardown", "--yes")):
        assert vault(*command).ok().json["warnings"] == []
    assert vault("validate", "--set", "Plain=false").ok().json["warnings"] == []


def test_what_a_job_held_in_plain_is_not_shown_when_it_goes(vault):
    vault("setup").ok()
    changed = ("--set", "Plain=false", "--set", "Password=another-one")
    seen = []
    for command in (("plan",), ("plan", "--drift"), ("setup", "--dry-run"), ("setup",)):
        for form in (True, False):
            result = vault(*command, *changed, json_output=form).ok()
            seen.append(result.stdout + result.stderr)
    assert PASSWORD not in "".join(seen) and "another-one" not in "".join(seen)
    assert "****" in seen[0] and "****" in seen[1]
    assert "--password" not in vault.cloud.client("glue").get_job(JobName="shop_job")["Job"]["DefaultArguments"]


@pytest.mark.parametrize("value", ['!Sub "x-${Password}-y"', '!Join ["", [a, !Ref Password]]', '{Fn::Base64: !Ref Password}', '!Select [0, [!Ref Password]]'])
def test_a_secret_inside_a_longer_text_is_hidden_too(run_glueproj, cloud, value):
    shop = Shop(run_glueproj, cloud, **{"work.yaml": WORK.replace("--password: !Ref Password", f"--password: {value}")})
    shop("setup").ok()
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    for command in (("plan",), ("plan", "--drift"), ("setup", "--dry-run")):
        for form in (True, False):
            text = repr(shop(*command, "--set", "Password=another-one", json_output=form).ok())
            assert PASSWORD not in text and encoded not in text and "another-one" not in text.replace("Password=another-one", "")
    if "Base64" in value:
        return
    shop.edit("work.yaml", f"        --password: {value}\n", "        --nothing: more\n")  # the line is gone, the value still known
    for command in (("plan",), ("plan", "--drift"), ("status",)):
        assert PASSWORD not in repr(shop(*command).ok())


# --- a start trigger that waits for its hour ---

SCHEDULED = WORK.replace("Properties: {Name: shop_flow}", "Properties: {Name: shop_flow, MaxConcurrentRuns: 1}").replace(
    "      Type: ON_DEMAND\n      WorkflowName: !Ref Workflow\n      Actions: [{JobName: shop_job}]\n",
    "      Type: SCHEDULED\n      Schedule: cron(0 18 * * ? *)\n      StartOnCreation: false\n      WorkflowName: !Ref Workflow\n"
    "      Actions: [{JobName: shop_job, Timeout: 3, Arguments: {--who: the trigger, --seconds: !Ref Seconds}}]\n", 1)


def test_a_workflow_whose_start_trigger_is_scheduled_and_not_activated_runs_by_hand(run_glueproj, cloud):
    assert "SCHEDULED" in SCHEDULED
    shop = Shop(run_glueproj, cloud, **{"work.yaml": SCHEDULED})
    shop("setup").ok()
    glue = cloud.client("glue")
    assert glue.get_trigger(Name="shop_start")["Trigger"]["State"] == "CREATED"
    run = contract.check(shop("run", "shop", "--follow").ok()).json["run"]
    assert [(n["name"], n["state"]) for n in run["nodes"]] == [("shop_job", "SUCCEEDED"), ("shop_second", "SUCCEEDED")]
    started, = glue.get_job_runs(JobName="shop_job")["JobRuns"]
    assert (started["Timeout"], started["TriggerName"], started["Arguments"]["--who"]) == (3, "shop_start", "the trigger")
    second, = glue.get_job_runs(JobName="shop_second")["JobRuns"]
    assert second["Timeout"] == 5 and "--who" not in second.get("Arguments", {})
    messages = [e["message"] for e in shop("logs", "shop_job").ok().json["events"]]
    assert "hello the trigger" in messages
    assert glue.get_trigger(Name="shop_start")["Trigger"]["State"] == "CREATED", "a run by hand does not activate it"

    shop("setup", "--set", "Seconds=60").ok()
    slow = shop("run", "shop").ok().json["run"]
    shop("run", "shop").fails(1, "ConcurrentRunsExceededException")
    glue.stop_workflow_run(Name="shop_flow", RunId=slow["id"])
    ended(shop)
    assert shop("setup").ok().json["summary"]["updated"] == 2
    shop("run", "shop", "--follow").ok()
