"""The crypto pipeline from setup to teardown: every currency's table against the oracle, one that fails, more of them, another warehouse, bad input."""
import datetime
import json
import os
import shutil

import pytest
import yaml

import oracle_crypto
from helpers import ROOT, Project, everything

SHARED = os.environ.get("GLUEPROJ_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
PREFIX = "yourprefix.progettoaws"
JOBS = {"silver": "bronze2silver", "gold": "silver2gold", "redshift": "RedshiftUpload"}
SAMPLE = os.path.join(ROOT, "stacks", "crypto-prices", "sample-data")
FILES = {
    "BTC": ("BTC_EUR_Historical_Data.csv", "google_trend_bitcoin.csv"),
    "XMR": ("XMR_EUR Kraken Historical Data.csv", "google_trend_monero.csv"),
}


class Crypto(Project):
    def __init__(self, runner, cloud, data=SAMPLE, **parameters):
        super().__init__(runner, cloud, "crypto-prices", DataFolder=data, Region=cloud.region, **parameters)
        self.config = os.path.join(runner.folder, "config", "crypto-prices.yaml")

    def edit(self, change):
        """The config file, as a user's editor leaves it."""
        with open(self.config, encoding="utf-8") as f:
            values = yaml.safe_load(f)
        change(values)
        with open(self.config, "w", encoding="utf-8") as f:
            yaml.safe_dump(values, f, sort_keys=False, allow_unicode=True)

    def table(self, ticker):
        """The currency's table as (columns, rows of text)."""
        sql = f"SELECT date, price, trend, pricema, trend_i FROM market_data.{ticker.lower()} ORDER BY date"
        found = self("query", "--warehouse", sql).ok().json
        return [c["name"] for c in found["columns"]], found["rows"]


@pytest.fixture
def crypto(run_glueproj, cloud):
    return Crypto(run_glueproj, cloud)


def wanted(hist, trend, drop=False):
    return oracle_crypto.gold(oracle_crypto.history(hist, drop), oracle_crypto.trend(trend))


def of_sample(ticker):
    return wanted(*(os.path.join(SAMPLE, f) for f in FILES[ticker]))


def follow(crypto, code=0):
    result = crypto("run", "crypto-prices", "--follow", timeout=240)
    assert result.code == code, repr(result)
    return result.json["run"]


def states(run):
    return {n["name"]: n["state"] for n in run["nodes"]}


def result_of(cloud, run):
    """The execution's output: a currency each."""
    found = cloud.client("stepfunctions").describe_execution(executionArn=run["id"])
    assert found["status"] == "SUCCEEDED"
    return {c["Currency"]: c for c in json.loads(found["output"])}


def same(rows, want_rows):
    """Text of the warehouse against the oracle's values: dates and whole numbers to the letter, floats to their precision."""
    assert len(rows) == len(want_rows)
    for got, want in zip(rows, want_rows):
        assert got[0] == want[0].isoformat() and got[2] == (None if want[2] is None else str(want[2])), (got, want)
        for g, w, precision in ((got[1], want[1], 1e-6), (got[3], want[3], 1e-12), (got[4], want[4], 1e-12)):
            assert (g is None) == (w is None) and (g is None or abs(float(g) - w) <= precision * max(1, abs(w))), (got, want)


def changed(result):
    return {k for k, a in result.actions().items() if a not in ("none", "start")}


def test_setup_run_teardown(crypto, cloud):
    first = crypto("setup").ok()
    assert first.json["warnings"] == [] and {r["status"] for r in first.resources().values()} == {"done"}
    again = crypto("setup").ok()
    assert set(again.actions().values()) == {"none"} and again.json["summary"]["unchanged"] == len(again.resources())
    assert crypto("plan", "--detailed-exitcode").ok().json["changes"] == []

    run = follow(crypto)
    assert (run["type"], run["name"], run["state"], run["caught"]) == ("statemachine", "crypto-prices", "SUCCEEDED", [])
    every = {"Clean S3 buckets", "Parallel", "SuccessState"} | {f"{c} to {step}" for c in FILES for step in JOBS}
    assert states(run) == dict.fromkeys(every, "SUCCEEDED")
    assert {c: r["Loaded"] for c, r in result_of(cloud, run).items()} == {"BTC": True, "XMR": True}
    for ticker in FILES:
        columns, rows = crypto.table(ticker)
        assert columns == ["date", "price", "trend", "pricema", "trend_i"]
        same(rows, of_sample(ticker))
        assert len(rows) > 700

    # The buckets are cleared and the tables replaced: a second run gives the same.
    before = crypto.table("BTC")
    follow(crypto)
    assert crypto.table("BTC") == before

    assert crypto("teardown", "--yes").ok().json["left"] == []
    left = everything(cloud)
    assert not any(n for k in ("jobs", "roles", "log streams") for n in left[k]), left
    assert [b for b in left["buckets"] if not b.startswith("glueproj-")] == []
    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == []
    serverless = cloud.client("redshift-serverless")
    assert serverless.list_namespaces()["namespaces"] == [] and serverless.list_workgroups()["workgroups"] == []
    assert cloud.client("events").list_rules()["Rules"] == [] and cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


def test_the_machine_is_the_one_of_the_picture(crypto, cloud):
    crypto("setup").ok()
    machine = cloud.client("stepfunctions").list_state_machines()["stateMachines"][0]
    definition = json.loads(cloud.client("stepfunctions").describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"])
    top = definition["States"]
    assert definition["StartAt"] == "Clean S3 buckets" and {n: s["Type"] for n, s in top.items()} == {
        "Clean S3 buckets": "Task", "Parallel": "Parallel", "SuccessState": "Succeed", "Pipeline failure": "Fail", "S3 cleaning failure": "Fail"}
    assert top["Clean S3 buckets"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "S3 cleaning failure"}]
    assert top["Parallel"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Pipeline failure"}] and top["Parallel"]["Next"] == "SuccessState"
    for ticker, branch in zip(FILES, top["Parallel"]["Branches"], strict=True):
        assert branch["StartAt"] == f"{ticker} to silver"
        for step, following in zip(JOBS, ("to gold", "to redshift", None)):
            state = branch["States"][f"{ticker} to {step}"]
            assert state["Resource"] == "arn:aws:states:::glue:startJobRun.sync" and state["Parameters"]["JobName"] == JOBS[step]
            assert state["Parameters"]["Arguments"]["--TICKER"] == ticker
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": f"{ticker} wont stop the others"}]
            assert state.get("Next") == (f"{ticker} {following}" if following else None) and state.get("End", False) == (following is None)
        arguments = branch["States"][f"{ticker} to silver"]["Parameters"]["Arguments"]
        assert (arguments["--HIST_FILE"], arguments["--TREND_FILE"], arguments["--DROP"]) == (*FILES[ticker], "N")
        assert branch["States"][f"{ticker} wont stop the others"]["Type"] == "Pass"
    for name in JOBS.values():
        assert cloud.client("glue").get_job(JobName=name)["Job"]["ExecutionProperty"]["MaxConcurrentRuns"] >= len(FILES)


def test_one_currency_that_fails_leaves_the_other_alone(crypto, cloud):
    crypto("setup").ok()
    cloud.client("iam").put_role_policy(RoleName="crypto-jobs", PolicyName="NoGoldForMonero", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{PREFIX}.gold/XMR/*"}]}))
    run = follow(crypto)
    seen = states(run)
    assert run["state"] == "SUCCEEDED" and seen["XMR to gold"] == "FAILED" and "XMR to redshift" not in seen
    assert {seen[n] for n in seen if n != "XMR to gold"} == {"SUCCEEDED"} and "XMR wont stop the others" in seen and "BTC to redshift" in seen
    (caught,) = run["caught"]
    assert (caught["state"], caught["error"]) == ("XMR to gold", "States.TaskFailed") and "AccessDenied" in caught["cause"]
    results = result_of(cloud, run)
    assert results["BTC"]["Loaded"] is True and results["XMR"]["Loaded"] is False and results["XMR"]["Error"] == "States.TaskFailed"
    assert crypto.table("BTC")[1]
    assert "does not exist" in crypto("query", "--warehouse", "SELECT * FROM market_data.xmr").fails(1).stdout

    text = crypto("run", "crypto-prices", "--follow", json_output=False, timeout=240).ok()
    assert "XMR to gold" in text.stdout and "AccessDenied" in text.stdout + text.stderr


def test_another_currency_is_one_entry(crypto, cloud, tmp_path):
    data = shutil.copytree(SAMPLE, tmp_path / "data")
    shutil.copy(data / FILES["BTC"][0], data / "Ether – hist.csv")
    shutil.copy(data / FILES["BTC"][1], data / "ether.csv")
    crypto.environment["GLUEPROJ_PARAM_DataFolder"] = str(data)
    crypto("setup").ok()
    crypto.edit(lambda c: c["Currencies"].update(ETH={"HistFile": "Ether – hist.csv", "TrendFile": "ether.csv", "Drop": "Y"}))
    plan = crypto("plan").ok().json["changes"]
    assert {(c["logical_id"], c["action"]) for c in plan} == {("Machine", "update")}
    assert changed(crypto("setup").ok()) == {("machine", "Machine")}
    run = follow(crypto)
    assert states(run)["ETH to redshift"] == "SUCCEEDED" and set(result_of(cloud, run)) == {"BTC", "XMR", "ETH"}
    same(crypto.table("ETH")[1], wanted(data / "Ether – hist.csv", data / "ether.csv", drop=True))
    # only one of them, this once
    crypto("setup", "--set", "Currencies=ETH").ok()
    assert set(result_of(cloud, follow(crypto))) == {"ETH"}


def test_the_map_takes_many(run_glueproj, cloud):
    crypto = Crypto(run_glueproj, cloud, Form="map", MaxConcurrency=3)
    crypto.edit(lambda c: c.update(Currencies={
        **{f"C{n}": {"HistFile": FILES["BTC"][0], "TrendFile": FILES["BTC"][1], "Drop": "N"} for n in range(7)},
        "LOST": {"HistFile": "nowhere.csv", "TrendFile": FILES["XMR"][1], "Drop": "N"}}))
    crypto("setup").ok()
    run = follow(crypto)
    results = result_of(cloud, run)
    assert {c: r["Loaded"] for c, r in results.items()} == {**{f"C{n}": True for n in range(7)}, "LOST": False}
    (caught,) = run["caught"]
    assert "nowhere.csv" in caught["cause"]
    assert crypto.table("C0") == crypto.table("C6")


def test_golden_figures(run_glueproj, cloud):
    data = os.path.join(SHARED, "data", "crypto")
    if not os.path.isdir(data):
        pytest.skip("needs the original files beside the clone")
    crypto = Crypto(run_glueproj, cloud, data=data)
    crypto("setup").ok()
    follow(crypto)
    price = [None] * 4 + ["65859.8984375", "65619.5"]
    dates = ["2019-03-17", "2019-03-24", "2019-03-31", "2024-02-23", "2024-03-11", "2024-03-12"]
    rows = crypto.table("BTC")[1]
    assert [r[0] for r in rows] == dates and [r[2] for r in rows] == ["9", "9", "15", None, None, None]
    same([[r[0], r[1], None, None, r[4]] for r in rows], [
        (datetime.date.fromisoformat(d), p and float(p), None, None, t) for d, p, t in zip(dates, price, (9.0, 9.0, 11.0, 11.0, 11.0, 11.0))])
    assert [r[3] and float(r[3]) for r in rows] == [None] * 4 + [65859.8984375, 65739.69921875]
    crypto.edit(lambda c: c["Currencies"]["BTC"].update(Drop="Y"))
    crypto("setup").ok()
    follow(crypto)
    assert [r[0] for r in crypto.table("BTC")[1]] == [d for d in dates if d != "2024-02-23"]


def test_a_postgresql_server_is_a_warehouse_too(run_glueproj, cloud, postgres, tmp_path):
    secret = tmp_path / "connection"
    secret.write_text(json.dumps(postgres.secret()))
    crypto = Crypto(run_glueproj, cloud, Warehouse="postgres")
    made = crypto("setup", "--set", f"PostgresConnection=@{secret}").ok()
    assert {k[1] for k in made.resources()}.isdisjoint({"Namespace", "Workgroup"}) and postgres.password not in made.stdout
    assert follow(crypto)["caught"] == []
    for ticker in FILES:
        rows = postgres.psql(f"SELECT date, price, trend, pricema, trend_i FROM market_data.{ticker.lower()} ORDER BY date")
        same([[v or None for v in r] for r in rows], of_sample(ticker))


@pytest.mark.parametrize("change, text", [
    (lambda c: c["Currencies"].update({"B-C": c["Currencies"]["BTC"]}), "'B-C' does not match"),
    (lambda c: c["Currencies"].update({"1X": c["Currencies"]["BTC"]}), "'1X' does not match"),
    (lambda c: c["Currencies"].update({"x; DROP TABLE y": c["Currencies"]["BTC"]}), "'x; DROP TABLE y'"),
    (lambda c: c["Currencies"]["XMR"].pop("TrendFile"), "'TrendFile'"),
    (lambda c: c["Currencies"]["XMR"].update(Histfile="x"), "unknown name 'Histfile'"),
    (lambda c: c.update(Currencies={}), "a mapping needs keys"),
    (lambda c: c.update(Form="both"), "'both'"),
])
def test_bad_configs(crypto, change, text):
    crypto.edit(change)
    crypto("setup").fails(2, text)


def test_a_currency_twice(crypto):
    with open(crypto.config, encoding="utf-8") as f:
        text = f.read()
    with open(crypto.config, "w", encoding="utf-8") as f:
        f.write(text.replace("  XMR:", "  BTC:"))
    crypto("setup").fails(2, "'BTC' is there twice|duplicate key 'BTC'")
    with open(crypto.config, "w", encoding="utf-8") as f:
        f.write(text)
    crypto("validate", "--set", "Currencies=BTC,BTC").fails(2, "'BTC' twice")
