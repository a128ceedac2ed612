"""The Exabel time series from setup to teardown: whole runs against the stand-in, judged by the oracle and the golden figures."""
import json
import os
import shutil

import pytest

import oracle_exabel
from exabel_jobs import make_sample
from exabel_standin import KEY, Standin
from helpers import ROOT, Project, definitions, digest_of_objects, everything

BUCKET, DATABASE, SIGNAL = "exabel-aws-test-bucket", "exabel-aws-test-db", "exabelsample.dwell"
JOBS = ("extraction-job", "mapping-prepare-job", "entity-mapping-job", "timeseries-prepare-job", "load-timeseries-job")
SHARED = os.environ.get("GLUEPROJ_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
GOLDEN = {
    "C": {"2020-06-12": 448, "2020-06-13": 4736, "2020-06-23": 8637, "2020-06-28": 117, "2020-06-29": 583},
    "FL": {"2020-06-05": 6972, "2020-06-30": 1968},
    "M": {"2020-06-06": 5251, "2020-06-13": 100851, "2020-06-30": 913},
}
POINTS = {"C": 5, "FL": 10, "M": 23}


class Exabel(Project):
    """The project with a stand-in for its API; the key comes from the environment, as the config file says."""

    def __init__(self, runner, cloud, standin, data, **parameters):
        super().__init__(runner, cloud, "exabel-timeseries", ApiHost=standin.url, DataFolder=data, Region=cloud.region, **parameters)
        self.environment["EXABEL_API_KEY"] = KEY

    def __call__(self, *arguments, **more):
        result = super().__call__(*arguments, **more)
        assert KEY not in result.stdout + result.stderr, "the key shows"
        return result


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp("exabel"))


@pytest.fixture
def standin(tmp_path, sample):
    with Standin(tmp_path, "--entities", sample / "entities.json", "--signal", SIGNAL) as standin:
        yield standin


@pytest.fixture
def exabel(run_glueproj, cloud, standin, sample):
    return Exabel(run_glueproj, cloud, standin, sample)


def changed(result):
    return {k for k, a in result.actions().items() if a not in ("none", "start")}


def states(run):
    return {n["name"]: n["state"] for n in run["nodes"]}


def own(names):
    return {k: [n for n in v if n != "primary" and not n.startswith("glueproj-")] for k, v in names.items()}


def test_setup_run_teardown(exabel, standin, cloud, sample):
    first = exabel("setup").ok()
    assert first.json["warnings"] == [] and {r["status"] for r in first.resources().values()} == {"done"}
    again = exabel("setup").ok()
    assert set(again.actions().values()) == {"none"} and again.json["summary"]["unchanged"] == len(again.resources())
    assert exabel("plan", "--detailed-exitcode").ok().json["changes"] == []

    run = exabel("run", "exabel-timeseries", "--follow", timeout=240).ok().json["run"]
    assert run["name"] == "exabel-aws-test-workflow" and run["state"] == "COMPLETED"
    assert states(run) == dict.fromkeys(JOBS, "SUCCEEDED") and [n["name"] for n in run["nodes"]] == list(JOBS)
    oracle = oracle_exabel.Pipeline(sample, sample / "entities.json")
    assert oracle.prepared and standin.loaded() == oracle.loaded([SIGNAL])
    assert {t["name"] for t in exabel("tables").ok().json["tables"]} == {"sample_chain_tickers", "sample_chain_venues", "sample_data_set"}

    # Nothing is new: the extraction has nothing to do, and what is loaded stays what it was.
    before = digest_of_objects(cloud, BUCKET, "data/etl-output/time-series/extracted/")
    second = exabel("run", "exabel-timeseries", "--follow", timeout=240).ok().json["run"]
    assert states(second) == dict.fromkeys(JOBS, "SUCCEEDED")
    assert digest_of_objects(cloud, BUCKET, "data/etl-output/time-series/extracted/") == before and before
    assert "nothing new" in json.dumps(exabel("logs", "extraction-job").ok().json)
    assert standin.loaded() == oracle.loaded([SIGNAL])

    assert exabel("teardown", "--yes", env={"EXABEL_API_KEY": ""}).ok().json["left"] == []
    left = own(everything(cloud))
    assert all(not v for v in left.values()), left
    assert cloud.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


def test_what_stands_is_what_the_original_made(exabel, standin, cloud):
    exabel("setup").ok()
    found = definitions(cloud)
    for name in JOBS:
        job, _ = found["job", name]
        assert (job["MaxRetries"], job["Timeout"], job["ExecutionProperty"]) == (0, 15, {"MaxConcurrentRuns": 1})
        assert job["Role"] == f"arn:aws:iam::{cloud.account}:role/exabel-aws-test-role"
        assert job["DefaultArguments"]["--bucket"] == BUCKET and "--exabel-api-key" not in job["DefaultArguments"]
    load = found["job", "load-timeseries-job"][0]["DefaultArguments"]
    assert load["--exabel-api-key-secret"] == "exabel-aws-test-api-key" and load["--signals"] == SIGNAL
    assert load["--exabel-api-host"] == standin.url and load["--input-filename"] == "timeseries.csv.gz"
    assert cloud.client("secretsmanager").get_secret_value(SecretId="exabel-aws-test-api-key")["SecretString"] == KEY
    start = found["trigger", "extraction-trigger"][0]
    assert (start["Type"], start["State"], start["Schedule"]) == ("SCHEDULED", "CREATED", "cron(0 18 * * ? *)")
    assert start["Actions"] == [{"JobName": JOBS[0], "Arguments": {"--job-bookmark-option": "job-bookmark-enable"}, "Timeout": 15}]
    for before, name in zip(JOBS, JOBS[1:]):
        trigger = found["trigger", name.replace("-job", "-trigger")][0]
        assert (trigger["Type"], trigger["State"], trigger["Actions"]) == ("CONDITIONAL", "ACTIVATED", [{"JobName": name}])
        assert trigger["Predicate"]["Conditions"] == [{"LogicalOperator": "EQUALS", "JobName": before, "State": "SUCCEEDED"}]
    assert found["workflow", "exabel-aws-test-workflow"][0]["MaxConcurrentRuns"] == 1
    crawler = found["crawler", "exabel-aws-test-crawler"][0]
    assert crawler["TablePrefix"] == "sample_" and crawler["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    assert crawler["SchemaChangePolicy"] == {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
    (grant,) = found["database", DATABASE][0]["CreateTableDefaultPermissions"]
    assert grant == {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}
    assert {k for k in digest_of_objects(cloud, BUCKET, "data/")} == {
        "data/sample-input/chain-tickers/chain_tickers.csv", "data/sample-input/chain-venues/chain_venues.csv",
        "data/sample-input/data-set/rvf_sample.csv"}


def test_a_changed_value_changes_what_uses_it(exabel, cloud):
    exabel("setup").ok()
    assert changed(exabel("setup", env={"GLUEPROJ_PARAM_Signals": "exabelsample.other"}).ok()) == {("jobs", "LoadTimeseries")}
    other = {"GLUEPROJ_PARAM_Signals": "exabelsample.other", "EXABEL_API_KEY": "another-key"}
    plan = exabel("plan", env=other).ok()
    assert [(c["logical_id"], c["action"]) for c in plan.json["changes"]] == [("ApiKeySecret", "update")]
    assert "another-key" not in plan.stdout
    assert changed(exabel("setup", env=other).ok()) == {("foundation", "ApiKeySecret")}
    secrets = cloud.client("secretsmanager")
    assert secrets.get_secret_value(SecretId="exabel-aws-test-api-key")["SecretString"] == "another-key"
    records = digest_of_objects(cloud, f"glueproj-{cloud.account}-{cloud.region}")
    for key in records:
        body = cloud.client("s3").get_object(Bucket=f"glueproj-{cloud.account}-{cloud.region}", Key=key)["Body"].read()
        assert KEY.encode() not in body and b"another-key" not in body, key


def test_plain_key_warns_and_works(run_glueproj, cloud, standin, sample):
    exabel = Exabel(run_glueproj, cloud, standin, sample, PlainKey="true")
    warnings = exabel("setup").ok().json["warnings"]
    assert {w["path"].split(".")[1] for w in warnings} == {"EntityMapping", "LoadTimeseries"}, warnings
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []
    job = cloud.client("glue").get_job(JobName="load-timeseries-job")["Job"]
    assert job["DefaultArguments"]["--exabel-api-key"] == KEY
    assert exabel("run", "exabel-timeseries", "--follow", timeout=240).ok().json["run"]["state"] == "COMPLETED"
    assert standin.loaded()


def test_a_role_of_ones_own(run_glueproj, cloud, standin, sample):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="mine", PolicyName="all", PolicyDocument=json.dumps(may))
    exabel = Exabel(run_glueproj, cloud, standin, sample, RoleArn=arn)
    assert not any(r["type"].startswith("AWS::IAM::") for r in exabel("setup").ok().resources().values())
    assert exabel("run", "exabel-timeseries", "--follow", timeout=240).ok().json["run"]["state"] == "COMPLETED"
    exabel("teardown", "--yes").ok()
    assert own(everything(cloud))["roles"] == ["mine"]


def test_wrong_key_fails_the_run_and_loads_nothing(exabel, standin):
    exabel("setup", env={"EXABEL_API_KEY": "wrong"}).ok()
    run = exabel("run", "exabel-timeseries", "--follow", env={"EXABEL_API_KEY": "wrong"}, timeout=240).fails(1, "entity-mapping-job").json["run"]
    assert states(run)["entity-mapping-job"] == "FAILED" and states(run)["load-timeseries-job"] != "SUCCEEDED"
    assert standin.loaded() == {}


def test_missing_key_is_told_before_any_call(exabel, cloud):
    del exabel.environment["EXABEL_API_KEY"]
    failed = exabel("setup").fails(2, "EXABEL_API_KEY")
    (error,) = failed.json["errors"]
    assert error["file"].endswith("exabel-timeseries.yaml") and error["line"] > 1 and error["column"] > 1
    assert everything(cloud)["buckets"] == []


def test_golden_figures(run_glueproj, cloud, tmp_path):
    data = os.path.join(SHARED, "data", "exabel")
    if not os.path.isdir(data):
        pytest.skip("no ../shared/data/exabel beside this clone")
    entities = [
        {"name": f"entityTypes/company/entities/{t}", "displayName": t, "identifiers": [{"mic": "XNYS", "ticker": t}]} for t in POINTS
    ]
    (tmp_path / "entities.json").write_text(json.dumps(entities))
    folder = tmp_path / "golden"
    shutil.copytree(data, folder)
    with Standin(tmp_path, "--entities", tmp_path / "entities.json", "--signal", SIGNAL) as standin:
        exabel = Exabel(run_glueproj, cloud, standin, folder)
        exabel("setup").ok()
        exabel("run", "exabel-timeseries", "--follow", timeout=240).ok()
        loaded = {name.split("/")[3]: points for name, points in standin.loaded().items()}
    assert {t: len(points) for t, points in loaded.items()} == POINTS
    for ticker, points in GOLDEN.items():
        assert points.items() <= loaded[ticker].items()
    identities = oracle_exabel.Pipeline(folder)
    assert len(identities.tickers) == 259 and identities.joined == 158
