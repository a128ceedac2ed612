"""The crypto pipeline's jobs over many currencies: a process a file, as they run in the cloud, beside bare DuckDB SQL (the library that the jobs
link, and DuckDB's own shell, which is one static file: a process a file too; and one process for all), pandas and PySpark's local mode; then the
warehouse. Results must be equal."""
import json
import os
import subprocess
import sys
import time

import duckdb
from bench_jobs import measure
from crypto_other import SQL
from helpers import ROOT, Cloud, Runner, glueproj_bin
from jobs import jobs_dir
from postgres import Postgres, binaries
from spark_session import NO_SPARK, has_spark

HERE = os.path.dirname(os.path.abspath(__file__))
OTHER = os.path.join(HERE, "crypto_other.py")
# Spark takes about a second a file, in the steady state too.
SPARK_FILES = 20
BUCKET, WORKGROUP, NAMESPACE, ROLE = "bench-crypto", "bench", "bench", "bench-copy"


def shell():
    """DuckDB's own, from PyPI; its file comes without the right to be run."""
    path = os.path.join(os.path.dirname(sys.executable), "duckdb")
    if os.path.exists(path):
        os.chmod(path, 0o755)
    return path


def library():
    return os.path.join(os.path.dirname(glueproj_bin()), "bench", "bare_duckdb")


class Step:
    def __init__(self, table, name, listed):
        self.table, self.name, self.listed, self.base = table, name, listed, None

    def add(self, by, seconds, files=None, note="", **more):
        files = files or len(self.listed)
        each = seconds / files
        self.base = self.base or each
        self.table.add(f"{self.name}, {len(self.listed)} files", by, f"{each * 1000:.1f} ms a file{note}", seconds=f"{seconds:.2f}", rate=f"{files / seconds:.1f}",
                       ratio=each / self.base, **more)

    def each(self, by, words_of, environment=None):
        """One process after the other."""
        commands = [[str(w) for w in words_of(c)] for c in self.listed]
        begin = time.monotonic()
        for words in commands:
            r = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, check=False)
            assert r.returncode == 0, f"{' '.join(words)}: exit {r.returncode}\n{r.stderr.decode(errors='replace')}"
        self.add(by, time.monotonic() - begin)

    def one(self, by, step, list_file, source, target, files=None):
        os.makedirs(target)
        seconds, peak = measure([sys.executable, OTHER, by, step, list_file, source, target])
        shown = {"duckdb": "bare DuckDB, one process", "pandas": "pandas, one process", "spark": "PySpark, one session"}[by]
        self.add(shown, seconds, files, f"; {files} of them" if files else "", peak=peak)


def same(listed, mine, other):
    """Means may differ in their last digits, nothing else may."""
    for c in listed:
        a, b = (f"read_parquet('{folder}/{c['ticker']}/*.parquet')" for folder in (mine, other))
        exact = 'SELECT "Date", "Price", g_trend FROM '
        for one, two in ((a, b), (b, a)):
            assert duckdb.sql(f"SELECT count(*) FROM ({exact}{one} EXCEPT ALL {exact}{two})").fetchone()[0] == 0, f"{one} has rows that {two} has not"
        means = " OR ".join(f'(x."{m}" IS NULL) <> (y."{m}" IS NULL) OR abs(x."{m}" - y."{m}") > 1e-9 * abs(x."{m}")' for m in ("PriceMA", "TrendMA"))
        assert duckdb.sql(f'SELECT count(*) FROM {a} x JOIN {b} y USING ("Date") WHERE {means}').fetchone()[0] == 0, f"means of {c['ticker']}"


def job(name, **options):
    return [os.path.join(jobs_dir(), name), *(w for k, v in options.items() for w in (f"--{k}", v))]


def to_gold(table, folder, listed, environment):
    """Silver and gold by all; gives the folder of glueproj's gold."""
    raw, list_file, short = (os.path.join(folder, n) for n in ("raw", "raw/list.json", "short.json"))
    with open(short, "w", encoding="utf-8") as f:
        json.dump(listed[:SPARK_FILES], f)
    everyone = ("glueproj", "library", "shell", "duckdb", "pandas", "spark")
    place = {(by, step): os.path.join(folder, by, step) for by in everyone for step in ("silver", "gold")}
    for by in ("glueproj", "library", "shell"):
        for step in ("silver", "gold"):
            os.makedirs(place[by, step])
    spark = has_spark()
    for step, name in (("silver", "bronze2silver"), ("gold", "silver2gold")):
        row = Step(table, name, listed)
        mine = {"silver": lambda c: job("bronze2silver", RAW=raw, SILVER=place["glueproj", "silver"], HIST_FILE=c["hist_file"],
                                        TREND_FILE=c["trend_file"], TICKER=c["ticker"], DROP="N"),
                "gold": lambda c: job("silver2gold", SILVER=place["glueproj", "silver"], GOLD=place["glueproj", "gold"], TICKER=c["ticker"])}[step]
        row.each("glueproj job, a process a file", mine, environment)
        source = {by: raw if step == "silver" else place[by, "silver"] for by in ("library", "shell", "duckdb", "pandas", "spark")}
        row.each("bare DuckDB, a process a file", lambda c: [library(), SQL[step](source["library"], place["library", step], c)])
        row.each("DuckDB's shell, a process a file", lambda c: [shell(), "-c", SQL[step](source["shell"], place["shell", step], c)])
        row.one("duckdb", step, list_file, source["duckdb"], place["duckdb", step])
        row.one("pandas", step, list_file, source["pandas"], place["pandas", step])
        if spark:
            row.one("spark", step, short, source["spark"], place["spark", step], min(SPARK_FILES, len(listed)))
        else:
            table.add(f"{name}, {len(listed)} files", "PySpark", NO_SPARK)
    for by in ("library", "shell", "duckdb", "pandas"):
        same(listed, place["glueproj", "gold"], place[by, "gold"])
    if spark:
        same(listed[:SPARK_FILES], place["glueproj", "gold"], place["spark", "gold"])
    return place["glueproj", "gold"]


def to_postgres(table, folder, listed, gold, environment):
    server = Postgres()
    try:
        server.psql("CREATE SCHEMA market_data; CREATE SCHEMA other")
        step = Step(table, "redshift-upload to PostgreSQL", listed)
        step.each("glueproj job, a process a file", lambda c: job("redshift-upload", GOLD=gold, TICKER=c["ticker"], SCHEMA="market_data", POSTGRES="env"),
                  {**environment, **server.env})

        def by_hand(c):
            """DuckDB's rows as CSV into psql: what one would write in a shell, in one transaction too."""
            name = c["ticker"].lower()
            columns = "date DATE, price REAL, trend INTEGER, pricema DOUBLE PRECISION, trend_i DOUBLE PRECISION"
            rows = f"COPY (FROM read_parquet('{gold}/{c['ticker']}/*')) TO '/dev/stdout' (FORMAT csv, HEADER false)"
            load = f'BEGIN; DROP TABLE IF EXISTS other."{name}"; CREATE TABLE other."{name}" ({columns}); COPY other."{name}" FROM STDIN (FORMAT csv); COMMIT'
            psql = " ".join(f'-c "{part.strip()}"' for part in load.replace('"', '\\"').split(";"))
            return ["/bin/sh", "-c", f"'{shell()}' -c \"{rows}\" | '{os.path.join(server.bin, 'psql')}' -X -q -v ON_ERROR_STOP=1 {psql}"]

        step.each("bare DuckDB shell into psql", by_hand, {**environment, **server.env})
        for c in listed[:3]:
            name = c["ticker"].lower()
            count = "SELECT count(*) FROM (SELECT * FROM {a}.\"{n}\" EXCEPT SELECT * FROM {b}.\"{n}\")"
            assert server.psql((count + " x").format(a="market_data", b="other", n=name)) == [["0"]], f"{name} differs"
            assert server.psql(f'SELECT count(*) > 0 FROM market_data."{name}"') == [["t"]]
    finally:
        server.remove()


def make_warehouse(cloud):
    """Bucket, role and workgroup, by boto3."""
    s3, iam, redshift = (cloud.client(s) for s in ("s3", "iam", "redshift-serverless"))
    s3.create_bucket(Bucket=BUCKET, **({} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}))
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]}
    iam.put_role_policy(RoleName=ROLE, PolicyName="read", PolicyDocument=json.dumps(rights))
    redshift.create_namespace(namespaceName=NAMESPACE, dbName="crypto", iamRoles=[role])
    redshift.create_workgroup(workgroupName=WORKGROUP, namespaceName=NAMESPACE, baseCapacity=8)
    while redshift.get_workgroup(workgroupName=WORKGROUP)["workgroup"]["status"] != "AVAILABLE":
        time.sleep(0.05)
    return role


def to_redshift(table, folder, listed, gold, environment):
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        role = make_warehouse(cloud)
        for c in listed:
            for name in os.listdir(os.path.join(gold, c["ticker"])):
                cloud.client("s3").upload_file(os.path.join(gold, c["ticker"], name), BUCKET, f"{c['ticker']}/{name}")
        step = Step(table, "redshift-upload to the local Data API", listed)
        step.each("glueproj job, a process a file", lambda c: job(
            "redshift-upload", GOLD=f"s3://{BUCKET}/", TICKER=c["ticker"], SCHEMA="market_data", CREATE_SCHEMA="Y", WORKGROUP=WORKGROUP, DATABASE="crypto",
            COPY_ROLE=role), {**environment, **cloud.env()})
    finally:
        cloud.stop()


def run(table, folder, arguments):
    raw, scratch = os.path.join(folder, "raw"), os.path.join(folder, "scratch")
    os.makedirs(scratch)
    make = [sys.executable, os.path.join(ROOT, "scripts", "make-crypto-sample.py"), "--out", raw, "--list", os.path.join(raw, "list.json")]
    subprocess.run([*make, "--currencies", str(arguments.currencies), "--years", "10"], check=True)
    with open(os.path.join(raw, "list.json"), encoding="utf-8") as f:
        listed = json.load(f)
    environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"}
    gold = to_gold(table, folder, listed, environment)
    if binaries():
        to_postgres(table, folder, listed, gold, environment)
    to_redshift(table, folder, listed, gold, environment)
