"""A small lake for the tests of catalog, crawler and Athena: buckets, a role, Parquet written by a job program's own library."""
import io
import json
import time
import zipfile

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}]})
COMBINE = json.dumps({"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}})

HEADER = ("Region,Country,Item Type,Sales Channel,Order Priority,Order Date,Order ID,Ship Date,"
          "Units Sold,Unit Price,Unit Cost,Total Revenue,Total Cost,Total Profit\n")
ROWS = (
    "Asia,Japan,Fruits,Online,H,1/31/2014,1001,2/5/2014,10,9.33,6.92,93.30,69.20,24.10\n"
    "Asia,Tajikistan,Meat,Offline,M,10/8/2015,1002,10/9/2015,20,421.89,364.69,8437.80,7293.80,1144.00\n"
    "Europe,France,Cereal,Online,C,3/3/2016,1003,3/9/2016,30,205.70,117.11,6171.00,3513.30,2657.70\n"
)


def make_role(cloud, name="CrawlerRole", policy=ALL):
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return arn


def zipped(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, text)
    return out.getvalue()


def crawl(glue, name, timeout=60):
    """Starts a crawler and waits until it rests; returns LastCrawl."""
    glue.start_crawler(Name=name)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        crawler = glue.get_crawler(Name=name)["Crawler"]
        if crawler["State"] == "READY":
            return crawler["LastCrawl"]
        time.sleep(0.05)
    raise AssertionError(f"crawler {name} does not come to rest")


def await_query(athena, query_id, timeout=60):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        execution = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        time.sleep(0.02)
    raise AssertionError(f"query {query_id} does not come to rest")


def execute(athena, sql, database="lake", **more):
    more.setdefault("ResultConfiguration", {"OutputLocation": "s3://results/"})
    query_id = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": database}, **more)["QueryExecutionId"]
    return await_query(athena, query_id)


def values(row):
    return [cell.get("VarCharValue") for cell in row["Data"]]


def query(athena, sql, database="lake", **more):
    """The rows of a query that succeeds, without the header."""
    execution = execute(athena, sql, database, **more)
    assert execution["Status"]["State"] == "SUCCEEDED", f"{sql}: {execution['Status']}"
    rows = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"]):
        rows += [values(r) for r in page["ResultSet"]["Rows"]]
    return rows[1:] if execution["StatementType"] == "DML" else rows


def refusal(athena, sql, database="lake"):
    execution = execute(athena, sql, database)
    assert execution["Status"]["State"] == "FAILED", f"{sql}: {execution['Status']}"
    return execution["Status"]["StateChangeReason"]


def csv_table(glue, s3, name, text, columns, bucket="lake-data", skip=1, serde="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
              parameters=None, key=None):
    """A CSV object and its table, as one writes it by hand."""
    s3.put_object(Bucket=bucket, Key=key or f"{name}/data.csv", Body=text if isinstance(text, bytes) else text.encode())
    glue.create_table(DatabaseName="lake", TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv", "skip.header.line.count": str(skip)},
        "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t} for n, t in columns], "Location": f"s3://{bucket}/{name}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters or {"field.delim": ","}},
        },
    })
