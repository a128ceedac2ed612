"""The sales lake from setup to teardown, judged by boto3, pyarrow and the oracle."""
import collections
import io
import json

import pyarrow
import pyarrow.parquet
import pytest

import oracle_sales
from helpers import definitions, digest_of_objects, everything

BUCKETS = ["etl-poc-artifacts", "etl-poc-athena-queries", "etl-poc-data-gold", "etl-poc-data-raw", "etl-poc-data-silver"]
STEM = "2m-Sales-Records"
READS = ("Get", "List", "Head", "Describe", "BatchGet")
BY_REGION = """SELECT region, CAST(sum(total_profit) / 1000000000 AS int) AS profit FROM etl_poc_database.etl_poc_data_gold
GROUP BY region ORDER BY profit DESC, region"""
TOP_COUNTRIES = """SELECT region, country, profit, n FROM (
 SELECT region, country, CAST(sum(total_profit) / 1000000 AS int) AS profit,
 row_number() OVER (PARTITION BY region ORDER BY sum(total_profit) DESC) AS n
 FROM etl_poc_database.etl_poc_data_gold GROUP BY region, country) WHERE n <= 3 ORDER BY region, n"""


def own(names):
    """Without what every account has, and glueproj's home."""
    return {
        k: [n for n in v if n != "primary" and not n.startswith("glueproj-")] for k, v in names.items()
    }


@pytest.fixture(scope="module")
def oracle(sales_zip):
    return oracle_sales.Lake.of_zip(sales_zip)


def test_setup_reports_and_converges(sales_lake, proxy, cloud):
    sales_lake.through(proxy.endpoint)
    first = sales_lake("setup").ok()
    assert [s["name"] for s in first.json["stacks"]] == ["basic-infra", "glue-jobs", "glue-catalog", "glue-workflow"]
    created = {k: r for k, r in first.resources().items() if r["type"].startswith("AWS::")}
    assert len(created) == 6 + 5 + 5 + 5 and {r["action"] for r in created.values()} == {"create"}
    assert {r["status"] for r in first.resources().values()} == {"done"}
    assert created["basic-infra", "RawBucket"]["physical_id"] == "etl-poc-data-raw"
    assert first.json["summary"]["failed"] == 0 and first.json["summary"]["created"] >= len(created)
    assert own(everything(cloud))["buckets"] == BUCKETS
    before = definitions(cloud)

    proxy.reset_counts()
    second = sales_lake("setup").ok()
    assert set(second.actions().values()) == {"none"}
    assert second.json["summary"]["unchanged"] == len(second.resources()) and second.json["summary"]["created"] == 0
    writes = [r for r in proxy.log if not r["operation"].startswith(READS) and "/lease.json" not in r["target"]]
    assert writes == []
    assert definitions(cloud) == before
    assert sales_lake("plan", "--detailed-exitcode").ok().json["changes"] == []
    outputs = sales_lake("outputs").ok().json["outputs"]
    assert outputs["basic-infra"]["RawBucket"] == "etl-poc-data-raw" and outputs["glue-workflow"]["Workflow"] == "etl_workflow"


def test_one_changed_property_is_one_update(sales_lake, cloud):
    sales_lake("setup").ok()
    changed = sales_lake("setup", "--set", "JobTimeout=45").ok()
    assert {k for k, a in changed.actions().items() if a != "none"} == {
        ("glue-jobs", name) for name in ("GlueJobExtract", "GlueJobClean", "GlueJobRepartition")}
    assert set(changed.actions().values()) == {"none", "update"}
    assert cloud.client("glue").get_job(JobName="gluejobclean")["Job"]["Timeout"] == 45


def statements(document):
    document = json.loads(document) if isinstance(document, str) else document
    return {s["Sid"]: s for s in document["Statement"]}


def test_boto3_reads_back_every_resource(sales_lake, cloud):
    sales_lake("setup").ok()
    found = definitions(cloud)
    for name, stage in (("raw", "raw"), ("silver", "silver"), ("gold", "gold")):
        tags = found["bucket", f"etl-poc-data-{name}"]
        assert tags["stage"] == stage and tags["glueproj:project"] == "sales-lake" and tags["glueproj:stack"] == "basic-infra"
        assert tags["glueproj:digest"].startswith("v1:")
    group = found["workgroup", "etl-poc-athena-group"]
    assert group["State"] == "ENABLED"
    assert group["Configuration"]["ResultConfiguration"]["OutputLocation"] == "s3://etl-poc-athena-queries"

    for role in ("GluePythonJobRole", "GlueSparkJobRole", "CrawlerRole"):
        value = found["role", role]
        trust = value["AssumeRolePolicyDocument"]["Statement"]
        assert [s["Principal"] for s in trust] == [{"Service": ["glue.amazonaws.com"]}] and value["Attached"] == []
        assert value["Tags"]["glueproj:logical-id"] == role
    raw = statements(found["role", "GluePythonJobRole"]["Policies"]["GluePythonJobPolicy"])["WriteRaw"]
    assert raw["Resource"] == ["arn:aws:s3:::etl-poc-data-raw/*"]

    arguments = {
        "gluejobextract": {"--s3_destination_bucket": "etl-poc-data-raw", "--url": sales_lake.environment["GLUEPROJ_PARAM_SourceUrl"]},
        "gluejobclean": {"--raw_object_name": f"{STEM}.csv", "--source_bucket": "etl-poc-data-raw", "--target_bucket": "etl-poc-data-silver"},
        "gluejobrepartition": {"--raw_object_name": f"{STEM}.csv", "--source_bucket": "etl-poc-data-silver", "--target_bucket": "etl-poc-data-gold"},
    }
    for name, expected in arguments.items():
        job, tags = found["job", name]
        assert expected.items() <= job["DefaultArguments"].items()
        assert job["DefaultArguments"]["--glueproj-bundle"].startswith("s3://etl-poc-artifacts/glueproj/programs/")
        assert (job["Command"]["Name"], job["Command"]["PythonVersion"], job["GlueVersion"]) == ("pythonshell", "3.9", "3.0")
        assert job["Command"]["ScriptLocation"].startswith("s3://etl-poc-artifacts/glueproj/launcher/")
        assert (job["MaxCapacity"], job["MaxRetries"], job["Timeout"], job["ExecutionProperty"]) == (1.0, 0, 60, {"MaxConcurrentRuns": 1})
        role = "GluePythonJobRole" if name == "gluejobextract" else "GlueSparkJobRole"
        assert job["Role"] == f"arn:aws:iam::{cloud.account}:role/{role}" and tags["glueproj:stack"] == "glue-jobs"

    assert found["database", "etl_poc_database"][0]["Description"] == "Database for tables of the ETL POC"
    for name, tag in (("raw", "CrawlerRawData"), ("silver", "CrawlerSilverData"), ("gold", "CrawlerGoldData")):
        crawler, tags = found["crawler", f"crawler_{name}"]
        assert [t["Path"].rstrip("/") for t in crawler["Targets"]["S3Targets"]] == [f"s3://etl-poc-data-{name}"]
        assert crawler["Role"] == "CrawlerRole" and crawler["DatabaseName"] == "etl_poc_database" and crawler["State"] == "READY"
        assert crawler["SchemaChangePolicy"] == {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}
        assert crawler["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"} and tags["DataCrawler"] == tag
        assert json.loads(crawler["Configuration"]) == {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}

    triggers = {
        "etl_workflow_trigger": ("ON_DEMAND", "CREATED", None, [{"JobName": "gluejobextract"}]),
        "extract_job_trigger": ("CONDITIONAL", "ACTIVATED", "gluejobextract", [{"JobName": "gluejobclean"}, {"CrawlerName": "crawler_raw"}]),
        "clean_job_trigger": ("CONDITIONAL", "ACTIVATED", "gluejobclean", [{"JobName": "gluejobrepartition"}, {"CrawlerName": "crawler_silver"}]),
        "repartition_job_trigger": ("CONDITIONAL", "ACTIVATED", "gluejobrepartition", [{"CrawlerName": "crawler_gold"}]),
    }
    for name, (kind, state, after, actions) in triggers.items():
        trigger, _ = found["trigger", name]
        assert (trigger["Type"], trigger["State"], trigger["WorkflowName"], trigger["Actions"]) == (kind, state, "etl_workflow", actions)
        conditions = trigger.get("Predicate", {}).get("Conditions", [])
        assert conditions == ([] if after is None else [{"LogicalOperator": "EQUALS", "JobName": after, "State": "SUCCEEDED"}])
    assert ("workflow", "etl_workflow") in found


def read_parquet(cloud, bucket, key):
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    file = pyarrow.parquet.ParquetFile(io.BytesIO(body))
    for group in range(file.metadata.num_row_groups):
        for column in range(file.metadata.num_columns):
            assert file.metadata.row_group(group).column(column).compression == "SNAPPY"
    return file.read()


ARROW = {"int": pyarrow.int32(), "decimal(10,2)": pyarrow.decimal128(10, 2), "date": pyarrow.date32(), "string": pyarrow.string()}


def rows_of(table):
    return collections.Counter(zip(*(table.column(i).to_pylist() for i in range(table.num_columns))))


def check_silver(cloud, oracle):
    (key,) = digest_of_objects(cloud, "etl-poc-data-silver")
    assert key.startswith(f"{STEM}/part-00000-") and key.endswith(".snappy.parquet")
    table = read_parquet(cloud, "etl-poc-data-silver", key)
    assert table.schema.names == oracle.columns and table.schema.types == [ARROW[t] for t in oracle.types]
    assert rows_of(table) == collections.Counter(oracle.rows)


def check_gold(cloud, oracle):
    expected, found = oracle.partitions(), collections.defaultdict(collections.Counter)
    names = [c for c in oracle.columns if c != "country"]
    for key in digest_of_objects(cloud, "etl-poc-data-gold"):
        stem, folder, file = key.split("/")
        assert stem == STEM and file.endswith(".snappy.parquet")
        table = read_parquet(cloud, "etl-poc-data-gold", key)
        assert table.schema.names == names
        found[folder] += rows_of(table)
    assert set(found) == set(expected)
    for folder, rows in expected.items():
        assert found[folder] == collections.Counter(rows), folder


def check_tables(tables, oracle):
    tables = {t["name"]: t for t in tables}
    assert set(tables) == {"2m_sales_records_csv", "2m_sales_records_zip", "etl_poc_data_silver", "etl_poc_data_gold"}
    for name in ("2m_sales_records_csv", "2m_sales_records_zip"):
        assert tables[name]["classification"] == "csv" and len(tables[name]["columns"]) == len(oracle.columns)
    assert tables["2m_sales_records_csv"]["location"] == f"s3://etl-poc-data-raw/{STEM}.csv"
    gold = tables["etl_poc_data_gold"]
    assert gold["classification"] == "parquet" and gold["location"].rstrip("/") == "s3://etl-poc-data-gold"
    assert gold["columns"] == [{"name": n, "type": t} for n, t in zip(oracle.columns, oracle.types) if n != "country"]
    assert gold["partition_keys"] == [{"name": "partition_0", "type": "string"}, {"name": "country", "type": "string"}]
    assert gold["partitions"] == 185
    assert {"objectCount": "185", "compressionType": "none", "classification": "parquet", "typeOfData": "file",
            "UPDATED_BY_CRAWLER": "crawler_gold", "partition_filtering.enabled": "true"}.items() <= gold["parameters"].items()
    assert gold["parameters"]["recordCount"] == str(len(oracle.rows))


def test_workflow_tables_queries_teardown(sales_lake, proxy, cloud, oracle, sales_zip):
    sales_lake.through(proxy.endpoint)
    sales_lake("setup").ok()
    run = sales_lake("run", "etl_workflow", "--follow", timeout=240).ok().json["run"]
    assert run["state"] == "COMPLETED" and run["id"].startswith("wr_") and run["name"] == "etl_workflow"
    states = {n["name"]: n["state"] for n in run["nodes"]}
    assert {n: states[n] for n in ("gluejobextract", "gluejobclean", "gluejobrepartition")} == dict.fromkeys(
        ("gluejobextract", "gluejobclean", "gluejobrepartition"), "SUCCEEDED")
    assert {"crawler_raw", "crawler_silver", "crawler_gold"} <= set(states)

    raw = cloud.client("s3").get_object(Bucket="etl-poc-data-raw", Key=f"{STEM}.zip")["Body"].read()
    assert raw == sales_zip.read_bytes()
    text = cloud.client("s3").get_object(Bucket="etl-poc-data-raw", Key=f"{STEM}.csv")["Body"].read().decode()
    assert text == oracle_sales.read_zip(sales_zip)[0]
    check_silver(cloud, oracle)
    check_gold(cloud, oracle)
    check_tables(sales_lake("tables").ok().json["tables"], oracle)

    by_region = sales_lake("query", BY_REGION).ok().json
    assert by_region["columns"] == [{"name": "region", "type": "varchar"}, {"name": "profit", "type": "integer"}]
    assert by_region["rows"] == [[region, str(profit)] for region, profit in oracle.profit_by_region()]
    top = sales_lake("query", TOP_COUNTRIES).ok().json
    assert top["rows"] == [[r, c, str(p), str(n)] for r, c, p, n in oracle.top_countries()] and len(top["rows"]) == 21
    count = sales_lake("query", "SELECT count(*) FROM etl_poc_database.etl_poc_data_silver").ok().json
    assert count["rows"] == [[str(len(oracle.rows))]]
    assert sales_lake("logs", "gluejobclean").ok().json["events"]

    down = sales_lake("teardown", "--yes").ok()
    assert down.json["left"] == []
    assert all(not v for v in own(everything(cloud)).values()), own(everything(cloud))
    home = f"glueproj-{cloud.account}-{cloud.region}"
    if home in everything(cloud)["buckets"]:
        assert digest_of_objects(cloud, home, "glueproj/v1/sales-lake/") == {}
    again = sales_lake("teardown", "--yes").ok()
    assert again.json["summary"]["deleted"] == 0


def test_failing_job_ends_the_run_and_says_what_was_skipped(sales_lake, cloud, tmp_path):
    not_zip = tmp_path / "page.zip"
    not_zip.write_text("<html>gone</html>")
    sales_lake("setup", "--set", f"SourceUrl=file://{not_zip}").ok()
    run = sales_lake("run", "etl_workflow", "--follow", timeout=240).fails(1, "gluejobextract")
    states = {n["name"]: n["state"] for n in run.json["run"]["nodes"]}
    assert states["gluejobextract"] == "FAILED" and states.get("gluejobclean") not in ("SUCCEEDED", "RUNNING")
    assert digest_of_objects(cloud, "etl-poc-data-raw") == {}
    sales_lake("teardown", "--yes").ok()
