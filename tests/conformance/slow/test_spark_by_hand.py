"""`local run` of glueetl scripts in PySpark (from PyPI) with the stand-in for `awsglue`: scripts of the kinds that people have on Glue, written anew: joins of
catalog tables into CSV (A), cleaning and partitioning of files (B), mappings that Glue's console generates (D)."""
import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "e2e")]

from helpers import ROOT, Cloud, Runner  # noqa: E402

PACKAGES = ("pyspark==3.5.3", "boto3==1.44.5")
DATABASE = "spark_db"

JOINS = """
import sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import DropFields, Join, RenameField, SelectFields
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "database-name"])
context = GlueContext(SparkContext.getOrCreate())
job = Job(context)
job.init(args["JOB_NAME"], args)
source = lambda name: context.create_dynamic_frame.from_catalog(database=args["database_name"], table_name=name, transformation_ctx=name)
tickers, venues, data = source("tickers"), source("venues"), source("data")
names = SelectFields.apply(frame=tickers, paths=["ticker"]).toDF().dropDuplicates(["ticker"]).withColumn("market", F.lit("US"))
sink = lambda frame, folder, **more: context.write_dynamic_frame.from_options(
    frame=frame, connection_type="s3", connection_options={"path": "s3://" + args["bucket"] + "/out/" + folder, **more},
    format="csv", format_options={"compression": "gzip"} if not more else {})
sink(DynamicFrame.fromDF(names, context, "names"), "identities/")
right = RenameField.apply(frame=SelectFields.apply(frame=tickers, paths=["chainid", "ticker"]), old_name="chainid", new_name="its_chain")
pairs = Join.apply(frame1=SelectFields.apply(frame=venues, paths=["venueid", "chainid"]).rename_field("venueid", "its_venue"), frame2=right, keys1=["chainid"], keys2=["its_chain"])
rows = data.apply_mapping([("venueid", "string", "venueid", "string"), ("utc_date", "string", "date", "string"), ("dwell", "long", "signal1", "long")])
joined = DropFields.apply(frame=Join.apply(frame1=rows, frame2=pairs, keys1=["venueid"], keys2=["its_venue"]), paths=["venueid", "its_venue", "chainid", "its_chain"])
sums = joined.toDF().groupBy("ticker", "date").agg(F.sum("signal1").alias("signal1")).withColumn("market", F.lit("US")).coalesce(1)
sink(DynamicFrame.fromDF(sums, context, "sums"), "series/", partitionKeys=["ticker"])
job.commit()
"""
CLEAN = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME", "source", "target"])
spark = GlueContext(SparkContext()).spark_session
job = Job(GlueContext(spark.sparkContext))
job.init(args["JOB_NAME"], args)
frame = spark.read.csv(args["source"], header=True)
frame = frame.toDF(*[c.replace(" ", "_").lower() for c in frame.columns])
frame = frame.withColumn("units_sold", F.col("units_sold").cast("int")).withColumn("unit_price", F.col("unit_price").cast("decimal(10,2)"))
frame = frame.withColumn("order_date", F.to_date("order_date", "M/d/yyyy"))
frame.dropDuplicates().coalesce(1).write.mode("overwrite").partitionBy("country").parquet(args["target"])
job.commit()
"""
MAPPING = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ['JOB_NAME', 'table', 'path', 'mapping'])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
datasource0 = glueContext.create_dynamic_frame.from_catalog(database="spark_db", table_name=args['table'], transformation_ctx="datasource0")
applymapping1 = ApplyMapping.apply(frame=datasource0, mappings=[tuple(m) for m in eval(args['mapping'])], transformation_ctx="applymapping1")
resolvechoice2 = ResolveChoice.apply(frame=applymapping1, choice="make_struct", transformation_ctx="resolvechoice2")
dropnullfields3 = DropNullFields.apply(frame=resolvechoice2, transformation_ctx="dropnullfields3")
glueContext.write_dynamic_frame.from_options(frame=dropnullfields3, connection_type="s3", connection_options={"path": args['path']}, format="csv", transformation_ctx="datasink4")
job.commit()
"""
SCRIPTS = {"joins": JOINS, "clean": CLEAN, "mapping": MAPPING, "wrong": "import sys\nfrom pyspark.context import SparkContext\nSparkContext().stop()\nraise ValueError('as it must')\n"}


@pytest.fixture(scope="module")
def python():
    """A Python that has Spark; kept for the next time."""
    if not shutil.which("java"):
        pytest.skip("java is not installed")
    folder = os.path.join(ROOT, "build", "deps", "spark-venv")
    stamp, found = os.path.join(folder, ".packages"), os.path.join(folder, "bin", "python")
    if not os.path.exists(stamp):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        done = subprocess.run([found, "-m", "pip", "install", "-q", *PACKAGES], check=False, timeout=900, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{PACKAGES[0]} is not to be had: {done.stderr.strip()[-200:]}")
        with open(stamp, "w", encoding="ascii") as f:
            f.write(" ".join(PACKAGES))
    return found


@pytest.fixture(scope="module")
def hand(python, tmp_path_factory):  # pylint: disable=redefined-outer-name
    """hand(job, arguments) -> Result; beside it a local cloud, in which nothing of the project is set up."""
    folder = tmp_path_factory.mktemp("spark")
    run, project = Runner(folder), folder / "project"
    (project / "etl").mkdir(parents=True)
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}}
    jobs = {name.title(): {"Type": "AWS::Glue::Job", "Properties": {"Name": name, "Role": {"Ref": "Role"}, "Command": {"Name": "glueetl", "ScriptLocation": f"etl/{name}.py"}}}
            for name in SCRIPTS}
    (project / "glueproj.yaml").write_text("Project: spark\nRegion: us-east-1\nStacks: [{Name: jobs, Template: jobs.json}]\n")
    (project / "jobs.json").write_text(json.dumps({"Resources": {"Role": role, **jobs}}))
    for name, text in SCRIPTS.items():
        (project / "etl" / f"{name}.py").write_text(text)
    cloud = Cloud(run, folder / "cloud")

    def by_hand(job, **arguments):
        words = [w for name, value in arguments.items() for w in ("--arg", f"{name.replace('_', '-')}={value}")]
        return run("local", "run", job, "--dir", cloud.dir, *words, cwd=project, env={"GLUEPROJ_PYTHON": python}, timeout=300)

    by_hand.cloud, by_hand.folder = cloud, project
    s3, glue = cloud.client("s3"), cloud.client("glue")
    s3.create_bucket(Bucket="sparks")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    yield by_hand
    cloud.stop().ok()


def make_table(cloud, name, columns, text, kind="csv", **serde):
    """A table and its one object, as a crawler makes them."""
    cloud.client("s3").put_object(Bucket="sparks", Key=f"in/{name}/part.{kind}", Body=text.encode())
    cloud.client("glue").create_table(DatabaseName=DATABASE, TableInput={
        "Name": name, "Parameters": {"classification": kind, **({"skip.header.line.count": "1"} if kind == "csv" else {})}, "StorageDescriptor": {
            "Location": f"s3://sparks/in/{name}/", "Columns": [{"Name": n, "Type": t} for n, t in columns], "SerdeInfo": {"Parameters": serde}}})


def objects(cloud, prefix):
    s3 = cloud.client("s3")
    return {o["Key"]: s3.get_object(Bucket="sparks", Key=o["Key"])["Body"].read() for o in s3.list_objects_v2(Bucket="sparks", Prefix=prefix).get("Contents", [])}


def test_joins_of_catalog_tables(hand):
    delimited = {"field.delim": ";"}
    make_table(hand.cloud, "tickers", [("chainid", "string"), ("chainname", "string"), ("ticker", "string")], "chainid;chainname;ticker\nc1;One;AA\nc2;Two;BB\nc3;Three;AA\n", **delimited)
    make_table(hand.cloud, "venues", [("venueid", "string"), ("chainid", "string")], "venueid;chainid\nv1;c1\nv2;c2\nv3;c3\nv4;\n", **delimited)
    make_table(hand.cloud, "data", [("venueid", "string"), ("utc_date", "string"), ("dwell", "bigint")],
               "venueid;utc_date;dwell\nv1;2020-06-01;5\nv3;2020-06-01;7\nv1;2020-06-02;1\nv2;2020-06-01;3000000000\nv9;2020-06-01;4\n;2020-06-01;4\n", **delimited)
    hand("joins", bucket="sparks", database_name=DATABASE).ok()
    found = objects(hand.cloud, "out/")
    identities = [gzip.decompress(v).decode() for k, v in found.items() if k.startswith("out/identities/run-") and k.endswith(".gz") and "-part-r-0000" in k]
    assert sorted(line for text in identities for line in text.splitlines() if line != "ticker,market") == ["AA,US", "BB,US"]
    series = {k.split("/")[2]: sorted(v.decode().splitlines()) for k, v in found.items() if k.startswith("out/series/")}
    assert series == {"ticker=AA": ["2020-06-01,12,US", "2020-06-02,1,US", "date,signal1,market"], "ticker=BB": ["2020-06-01,3000000000,US", "date,signal1,market"]}
    # the sink appends
    hand("joins", bucket="sparks", database_name=DATABASE).ok()
    assert set(found) < set(objects(hand.cloud, "out/"))


def test_cleaning_of_files(hand, python):
    os.makedirs(os.path.join(hand.folder, "raw"))
    with open(os.path.join(hand.folder, "raw", "sales.csv"), "w", encoding="utf-8") as f:
        f.write("Country,Units Sold,Unit Price,Order Date\nJapan,3,1.50,1/31/2014\nJapan,3,1.50,1/31/2014\nTonga,12.7,x,10/8/2015\n")
    hand("clean", source="raw/sales.csv", target="silver").ok()
    assert sorted(n for n in os.listdir(os.path.join(hand.folder, "silver")) if n[0] != ".") == ["_SUCCESS", "country=Japan", "country=Tonga"]
    read = "from pyspark.sql import SparkSession\nfor r in SparkSession.builder.getOrCreate().read.parquet('silver').orderBy('country').collect(): print(*r)"
    done = subprocess.run([python, "-c", read], cwd=hand.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["3 1.50 2014-01-31 Japan", "12 None 2015-10-08 Tonga"]


def test_generated_mappings(hand):
    make_table(hand.cloud, "weather", [("rowid", "string"), ("tempout", "double"), ("arcint", "bigint")], "RowID,TempOut,ArcInt\n2017-07-28T03:00:00,56.4,15\n2017-07-28T03:15:00,,70000\n")
    same = [("rowid", "string", "rowid", "string"), ("tempout", "double", "tempout", "double"), ("arcint", "long", "arcint", "short"), ("gone", "string", "gone", "string")]
    hand("mapping", table="weather", path="s3://sparks/weather-out", mapping=repr(same)).ok()
    (text,) = objects(hand.cloud, "weather-out/").values()
    assert text.decode().splitlines() == ["rowid,tempout,arcint", "2017-07-28T03:00:00,56.4,15", "2017-07-28T03:15:00,,4464"]
    crash = {"year": "2014", "geo": {"lat": 42.5, "lon": -78.5}, "causes": ["a", "b"], "records": 3}
    make_table(hand.cloud, "incidents", [("year", "string"), ("geo", "struct<lat:double,lon:double>"), ("causes", "array<string>"), ("records", "int")],
               json.dumps(crash) + "\n" + json.dumps({**crash, "geo": None, "causes": None}), "json")
    flat = [("records", "int", "records", "int"), ("geo.lat", "double", "`geo.lat`", "double"), ("geo.lon", "double", "`geo.lon`", "double"), ("causes", "array", "causes", "string"),
            ("year", "string", "year", "string")]
    hand("mapping", table="incidents", path="s3://sparks/incidents-out", mapping=repr(flat)).ok()
    (text,) = objects(hand.cloud, "incidents-out/").values()
    assert text.decode().splitlines() == ["records,geo.lat,geo.lon,causes,year", '3,42.5,-78.5,"[a, b]",2014', "3,,,,2014"]


def test_errors(hand):
    hand("wrong").fails(1, "ValueError: as it must(.|\n)*job 'wrong' ended with exit code 1")
    hand("mapping", table="none", path="s3://sparks/x", mapping="[]").fails(1, "EntityNotFoundException")
    hand("clean", source="nowhere.csv", target="x").fails(1, "PATH_NOT_FOUND|does not exist")
    hand("clean").fails(1, "GlueArgumentError: the following arguments are required: --source, --target")
