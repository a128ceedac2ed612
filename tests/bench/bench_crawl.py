"""A crawl of many small objects in many partitions, on the local cloud: seconds, and the most memory its process holds meanwhile.

The aim is 20,000 objects in 500 partitions within 10 seconds and 200 MB, once when all is new and once when all is known.
"""
import json
import pathlib
import re
import time

import boto3
from bench_setup import TRUST
from helpers import Cloud, Runner

BUCKET, ROWS = "bench-crawl", 5
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}]}


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) / 1024


def make_files(folder, objects, partitions):
    """CSV and JSON lines by turns of partition, so that both classifiers work."""
    for kind in ("csv", "json"):
        for p in range(partitions // 2):
            here = folder / kind / f"day={p:04}"
            here.mkdir(parents=True)
            for i in range(objects // partitions):
                rows = [(p * 1000 + i, f"name {i}", i / 4, n) for n in range(ROWS)]
                text = "id,name,share,n\n" + "".join(f"{a},{b},{c},{d}\n" for a, b, c, d in rows) if kind == "csv" else "".join(
                    json.dumps({"id": a, "name": b, "inner": {"share": c, "list": [d, d]}}) + "\n" for a, b, c, d in rows)
                (here / f"part-{i:05}.{kind}").write_text(text)


def crawl(glue, pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")
    glue.start_crawler(Name=BUCKET)
    while (found := glue.get_crawler(Name=BUCKET)["Crawler"])["State"] != "READY":
        time.sleep(0.05)
    if found["LastCrawl"]["Status"] != "SUCCEEDED":
        raise RuntimeError(found["LastCrawl"])
    last = glue.list_crawls(CrawlerName=BUCKET, MaxResults=1)["Crawls"][0]
    return (last["EndTime"] - last["StartTime"]).total_seconds(), peak_mb(pid)


def check(glue, objects, partitions):
    tables = {t["Name"]: t for t in glue.get_tables(DatabaseName=BUCKET.replace("-", "_"))["TableList"]}
    for kind in ("csv", "json"):
        parameters = tables[kind]["Parameters"]
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=BUCKET.replace("-", "_"), TableName=kind, ExcludeColumnSchema=True)
        if parameters["objectCount"] != str(objects // 2) or sum(len(p["Partitions"]) for p in pages) != partitions // 2:
            raise RuntimeError(f"the crawl did not find all of {kind}: {parameters}")


def run(table, folder, arguments):
    objects, partitions, folder = arguments.crawl_objects, arguments.crawl_partitions, pathlib.Path(folder)
    make_files(folder / "data", objects, partitions)
    runner = Runner(folder)
    cloud = Cloud(runner, folder / "cloud")
    try:
        s3, glue, iam = (boto3.client(s, endpoint_url=cloud.endpoint, region_name=cloud.region, aws_access_key_id=cloud.access_key_id,
                                      aws_secret_access_key=cloud.secret_access_key) for s in ("s3", "glue", "iam"))
        where = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        s3.create_bucket(Bucket=BUCKET, **where)
        runner("upload", str(folder / "data"), "--to", f"s3://{BUCKET}/", "--quiet", env=cloud.env(), timeout=600).ok()
        role = iam.create_role(RoleName="BenchCrawl", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="BenchCrawl", PolicyName="all", PolicyDocument=json.dumps(POLICY))
        glue.create_database(DatabaseInput={"Name": BUCKET.replace("-", "_")})
        place = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1)["Contents"][0]["Key"].partition("csv/")[0]
        glue.create_crawler(Name=BUCKET, Role=role, DatabaseName=BUCKET.replace("-", "_"), Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/{place}"}]})
        for what in ("new", "known"):
            seconds, peak = crawl(glue, cloud.pid)
            check(glue, objects, partitions)
            table.add(f"crawl of {objects} objects", "local cloud", f"{partitions} partitions, all {what}", seconds="%.2f" % seconds, rate=round(objects / seconds),
                      peak=round(peak))
    finally:
        cloud.stop()
