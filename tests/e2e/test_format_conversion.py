"""The format conversion from setup to teardown: crawl, tables, both jobs against the oracle, runs again, other formats by config alone."""
import io
import os
import shutil

import oracle_convert
import pyarrow.parquet
import pytest
from helpers import ROOT, Project, digest_of_objects, everything

BUCKET = "yourprefix-glue-demo-bucket"
SAMPLE = os.path.join(ROOT, "stacks", "format-conversion", "sample-data")
PARTS = [os.path.join(SAMPLE, f"weather-sample.csv-part{n}") for n in range(2)]
INCIDENTS = os.path.join(SAMPLE, "crash-incidents-sample.json")


class Conversion(Project):
    def __init__(self, runner, cloud, **parameters):
        super().__init__(runner, cloud, "format-conversion", Region=cloud.region, **{"DataFolder": SAMPLE, **parameters})

    def follow(self, code=0):
        result = self("run", "format-conversion", "--follow", timeout=240)
        assert result.code == code, repr(result)
        return result.json["run"]

    def outputs(self, kind):
        """{key: bytes}, sorted by key."""
        s3 = self.cloud.client("s3")
        keys = digest_of_objects(self.cloud, BUCKET, f"data/output/{kind}/")
        return {k: s3.get_object(Bucket=BUCKET, Key=k)["Body"].read() for k in sorted(keys)}


@pytest.fixture
def conversion(run_glueproj, cloud):
    return Conversion(run_glueproj, cloud)


def rows_of(outputs):
    return [oracle_convert.read_csv(b.decode()) for b in outputs.values()]


def test_setup_run_teardown(conversion, cloud):
    first = conversion("setup").ok()
    assert first.json["warnings"] == [] and {r["status"] for r in first.resources().values()} == {"done"}
    again = conversion("setup").ok()
    assert set(again.actions().values()) == {"none"} and again.json["summary"]["unchanged"] == len(again.resources())
    assert conversion("plan", "--detailed-exitcode").ok().json["changes"] == []
    folders = {k.rsplit("/", 1)[0] for k in digest_of_objects(cloud, BUCKET)}
    assert {"data/input/weather", "data/input/incidents", "data/output", "tmp"} <= folders and any(f.startswith("etl-scripts/") for f in folders)
    role = cloud.client("iam").get_role(RoleName="GlueDemoRole")["Role"]
    attached = cloud.client("iam").list_attached_role_policies(RoleName="GlueDemoRole")["AttachedPolicies"]
    assert role["Path"] == "/service-role/" and {p["PolicyName"] for p in attached} == {"AWSGlueServiceRole", "GlueDemoPolicy"}

    run = conversion.follow()
    assert run["state"] == "COMPLETED"
    assert {n["name"]: n["state"] for n in run["nodes"]} == dict.fromkeys(("demo-crawler", "demo_job_weather", "demo_job_incidents"), "SUCCEEDED")
    assert rows_of(conversion.outputs("weather")) == [oracle_convert.weather(p) for p in PARTS]
    assert rows_of(conversion.outputs("incidents")) == [oracle_convert.incidents(INCIDENTS)]

    # Runs are appended, each as many files as there are inputs.
    conversion.follow()
    weather = rows_of(conversion.outputs("weather"))
    assert len(weather) == 4 and len(conversion.outputs("incidents")) == 2
    assert sorted(weather) == sorted([oracle_convert.weather(p) for p in PARTS] * 2)

    assert conversion("teardown", "--yes").ok().json["left"] == []
    left = everything(cloud)
    assert not any(n for k, v in left.items() for n in v if n != "primary" and not n.startswith("glueproj-")), left
    assert cloud.client("iam").list_policies(Scope="Local")["Policies"] == []


def test_tables_are_described(conversion):
    conversion("setup").ok()
    conversion.follow()
    weather, incidents = sorted(conversion("tables").ok().json["tables"], key=lambda t: t["classification"])
    assert (weather["name"], weather["classification"], weather["serde"]["parameters"]) == ("demo_weather", "csv", {"field.delim": ","})
    assert (incidents["name"], incidents["classification"]) == ("demo_incidents", "json") and incidents["serde"]["library"].endswith(".JsonSerDe")
    assert incidents["records"] == 10 and weather["records"] >= 19 and weather["average_record_size"] > 100 and weather["updated"].startswith("20")
    types = {c["name"]: c["type"] for c in incidents["columns"]}
    assert types["geo_location"] == "struct<lat:double,lon:double>" and types["rdclass"] == "array<string>" and len(types) == 47
    want = oracle_convert.weather(PARTS[0])[0]
    assert [c["name"] for c in weather["columns"]] == want
    text = conversion("tables", "demo_weather", json_output=False).ok().stdout
    first, facts, serde, *columns = text.splitlines()
    assert first == f"demo.demo_weather  csv  s3://{BUCKET}/data/input/weather/" and serde == "  serde LazySimpleSerDe field.delim=,"
    assert facts.startswith(f"  records {weather['records']}, average size {weather['average_record_size']} bytes, updated 20")
    assert [c.split() for c in columns if c][:3] == [["rowid", "string"], ["datetime", "string"], ["tempout", "double"]]


def test_other_formats_by_config(run_glueproj, cloud):
    conversion = Conversion(run_glueproj, cloud, WeatherFormat="parquet", WriteMode="overwrite")
    conversion("setup").ok()
    for _ in range(2):
        conversion.follow()
        got = [pyarrow.parquet.read_table(io.BytesIO(b)) for b in conversion.outputs("weather").values()]
        assert [t.num_rows for t in got] == [9, 10] and str(got[0].schema.field("arcint").type) == "int16"
        assert len(conversion.outputs("incidents")) == 1


def test_a_wrong_mapping_is_one_error_before_any_call(run_glueproj, cloud):
    project = Conversion(run_glueproj, cloud)
    for mapping in ("rain:long:rain:lnog", "rain:long:rain", "a:int:b:int,rain"):
        (error,) = project("setup", "--set", f"WeatherMapping={mapping}").fails(2, "does not match AllowedPattern").json["errors"]
        assert mapping.split(",")[-1] in error["message"] and "WeatherMapping" in error["message"]
    assert not [b for b in cloud.client("s3").list_buckets()["Buckets"] if b["Name"] == BUCKET]
    project("validate", "--set", "WeatherMapping=a:decimal(10,2):b:decimal(5,1),x:array<string>:`y:z`:string").ok()


def test_data_that_does_not_fit_fails_the_one_job(run_glueproj, cloud, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(SAMPLE, data)
    path = data / "weather-sample.csv-part1"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ",70000"
    path.write_text("\n".join(lines) + "\n")
    conversion = Conversion(run_glueproj, cloud, DataFolder=data)
    conversion("setup").ok()
    run = conversion.follow(code=1)
    states = {n["name"]: (n["state"], n["error"]) for n in run["nodes"]}
    assert states["demo_job_incidents"][0] == "SUCCEEDED" and states["demo_job_weather"][0] == "FAILED"
    assert all(t in states["demo_job_weather"][1] for t in ("weather-sample.csv-part1' row 5", "column 'arcint': '70000'", "short"))
    assert conversion.outputs("weather") == {} and len(conversion.outputs("incidents")) == 1
