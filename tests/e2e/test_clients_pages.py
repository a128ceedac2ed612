"""Every paginator and every waiter that botocore has, for what the local cloud serves: whatever the size of a page, the result is the same."""
import json
import time

import boto3
import botocore
import jmespath
import pytest
from botocore.exceptions import ClientError, WaiterError

from test_clients_s3 import every_request

MANY = [f"n{i}" for i in range(5)]
SERVICES = ["s3", "glue", "athena", "iam", "logs", "secretsmanager", "resourcegroupstaggingapi"]
UNSERVED = {"UnknownOperationException", "InvalidAction", "NotImplemented"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
TAGS = [{"Key": k, "Value": "v"} for k in MANY]


def fill_s3(cloud):
    s3 = cloud.client("s3")
    for n in MANY:
        s3.create_bucket(Bucket=f"bucket-{n}")
    s3.put_bucket_versioning(Bucket="bucket-n0", VersioningConfiguration={"Status": "Enabled"})
    for n in MANY:
        for _ in range(2):
            s3.put_object(Bucket="bucket-n0", Key=f"{n}/k", Body=b"x")
        s3.delete_object(Bucket="bucket-n0", Key=n)
        up = {"Bucket": "bucket-n0", "Key": "up", "UploadId": s3.create_multipart_upload(Bucket="bucket-n0", Key="up")["UploadId"]}
    for i in range(1, 6):
        s3.upload_part(**up, PartNumber=i, Body=b"x")
    here = {"Bucket": "bucket-n0"}
    return {
        "ListBuckets": [{}, {"Prefix": "bucket-n"}], "ListParts": [up], "ListMultipartUploads": [here],
        "ListObjects": [here, {**here, "Delimiter": "/"}, {**here, "Prefix": "n"}], "ListObjectsV2": [here, {**here, "Delimiter": "/"}, {**here, "StartAfter": "n1/k"}],
        "ListObjectVersions": [here, {**here, "Delimiter": "/"}, {**here, "Prefix": "n2/"}],
    }


def fill_glue(cloud):
    glue, iam = cloud.client("glue"), cloud.client("iam")
    cloud.client("s3").create_bucket(Bucket="bucket-n0")
    role = iam.create_role(RoleName="JobRole", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    column = {"Name": "c", "Type": "string"}
    table = {"StorageDescriptor": {"Columns": [column], "Location": "s3://bucket-n0/t/"}, "PartitionKeys": [{"Name": p, "Type": "string"} for p in ("p", "q")]}
    for n in MANY:
        glue.create_database(DatabaseInput={"Name": n})
        glue.create_table(DatabaseName="n0", TableInput={"Name": n, **table})
        glue.create_job(
            Name=n, Role=role, Command={"Name": "pythonshell", "ScriptLocation": "s3://bucket-n0/none.py"}, ExecutionProperty={"MaxConcurrentRuns": 20}
        )
        glue.create_crawler(Name=n, Role=role, DatabaseName="n0", Targets={"S3Targets": [{"Path": "s3://bucket-n0/c/"}]})
        glue.create_workflow(Name=n)
        glue.create_classifier(CsvClassifier={"Name": n, "Delimiter": ";"})
        glue.create_connection(ConnectionInput={
            "Name": n, "ConnectionType": "JDBC",
            "ConnectionProperties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://h/d", "USERNAME": "u", "PASSWORD": "p"}})
    for n in MANY:
        glue.create_trigger(Name=n, Type="ON_DEMAND", Actions=[{"JobName": "n0"}], **({"WorkflowName": "n0"} if n == "n0" else {}))
        glue.update_table(DatabaseName="n0", TableInput={"Name": "n0", "Description": n, **table})
    values = [[p, q] for p in MANY for q in ("a", "b")]
    glue.batch_create_partition(
        DatabaseName="n0", TableName="n0", PartitionInputList=[{"Values": v, "StorageDescriptor": table["StorageDescriptor"]} for v in values]
    )
    for _ in range(3):
        glue.start_job_run(JobName="n1")
        glue.start_workflow_run(Name="n0")
    here = {"DatabaseName": "n0", "TableName": "n0"}
    return {
        "GetDatabases": [{}], "GetTables": [{"DatabaseName": "n0"}, {"DatabaseName": "n0", "Expression": "n[1-3]"}], "GetTableVersions": [here],
        "GetPartitions": [here, {**here, "Expression": "q = 'a'"}], "GetJobs": [{}], "ListJobs": [{}], "GetTriggers": [{}],
        "ListTriggers": [{}], "GetCrawlers": [{}], "GetCrawlerMetrics": [{}], "ListWorkflows": [{}], "GetJobRuns": [{"JobName": "n1"}],
        "GetWorkflowRuns": [{"Name": "n0"}], "GetClassifiers": [{}], "GetConnections": [{}, {"Filter": {"ConnectionType": "JDBC"}}],
    }


def fill_athena(cloud):
    athena = cloud.client("athena")
    cloud.client("s3").create_bucket(Bucket="athena-results")
    for n in MANY:
        athena.create_named_query(Name=n, Database="default", QueryString="SELECT 1")
        cloud.client("glue").create_database(DatabaseInput={"Name": n})
        cloud.client("glue").create_table(DatabaseName="n0", TableInput={"Name": n})
    athena.create_work_group(Name="group", Tags=TAGS, Configuration={"ResultConfiguration": {"OutputLocation": "s3://athena-results/"}})
    started = [
        athena.start_query_execution(QueryString="SELECT * FROM (VALUES (1), (2), (3), (4), (5)) AS t(x) ORDER BY x", WorkGroup="group")["QueryExecutionId"]
        for _ in range(3)
    ]
    for _ in range(600):
        state = athena.get_query_execution(QueryExecutionId=started[-1])["QueryExecution"]["Status"]["State"]
        if state not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.02)
    assert state == "SUCCEEDED"
    arn = f"arn:aws:athena:{cloud.region}:{cloud.account}:workgroup/group"
    return {
        "ListNamedQueries": [{}], "ListQueryExecutions": [{"WorkGroup": "group"}], "GetQueryResults": [{"QueryExecutionId": started[-1]}],
        "ListTagsForResource": [{"ResourceARN": arn}], "ListDatabases": [{"CatalogName": "AwsDataCatalog"}],
        "ListTableMetadata": [{"CatalogName": "AwsDataCatalog", "DatabaseName": "n0"}],
    }


def fill_iam(cloud):
    iam = cloud.client("iam")
    arns = [iam.create_policy(PolicyName=n, PolicyDocument=POLICY, Tags=TAGS)["Policy"]["Arn"] for n in MANY]
    for n in MANY:
        iam.create_user(UserName=n, Tags=TAGS)
        iam.create_group(GroupName=n)
        iam.create_role(RoleName=n, AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    for n, arn in zip(MANY, arns):
        iam.add_user_to_group(GroupName="n0", UserName=n)
        if n != "n0":
            iam.add_user_to_group(GroupName=n, UserName="n0")
            iam.create_policy_version(PolicyArn=arns[0], PolicyDocument=POLICY)
        for kind in ("user", "group", "role"):
            name = {f"{kind.title()}Name": "n0"}
            getattr(iam, f"put_{kind}_policy")(**name, PolicyName=n, PolicyDocument=POLICY)
            getattr(iam, f"attach_{kind}_policy")(**name, PolicyArn=arn)
            if n != "n0":
                getattr(iam, f"attach_{kind}_policy")(**{f"{kind.title()}Name": n}, PolicyArn=arns[0])
    user, group, role = {"UserName": "n0"}, {"GroupName": "n0"}, {"RoleName": "n0"}
    policy = {"PolicyArn": arns[0]}
    return {
        "GetGroup": [group], "ListAttachedGroupPolicies": [group], "ListAttachedRolePolicies": [role], "ListAttachedUserPolicies": [user],
        "ListEntitiesForPolicy": [policy], "ListGroupPolicies": [group], "ListGroups": [{}], "ListGroupsForUser": [user],
        "ListPolicies": [{"Scope": "Local"}], "ListPolicyTags": [policy], "ListPolicyVersions": [policy],
        "ListRolePolicies": [role], "ListRoleTags": [role], "ListRoles": [{}], "ListUserPolicies": [user], "ListUserTags": [user], "ListUsers": [{}],
    }


def fill_logs(cloud):
    logs = cloud.client("logs")
    now = int(time.time() * 1000) - 10000
    for n in MANY:
        logs.create_log_group(logGroupName=n)
        logs.create_log_stream(logGroupName="n0", logStreamName=n)
        logs.put_log_events(logGroupName="n0", logStreamName=n, logEvents=[{"timestamp": now + i, "message": f"{n} {i}"} for i in range(3)])
    return {
        "DescribeLogGroups": [{}], "DescribeLogStreams": [{"logGroupName": "n0"}],
        "FilterLogEvents": [{"logGroupName": "n0"}, {"logGroupName": "n0", "filterPattern": "n1"}],
    }


def fill_secretsmanager(cloud):
    for n in MANY:
        cloud.client("secretsmanager").create_secret(Name=n, SecretString="x", Tags=TAGS)
    return {"ListSecrets": [{}]}


def fill_resourcegroupstaggingapi(cloud):
    fill_secretsmanager(cloud)
    s3 = cloud.client("s3")
    for n in MANY:
        s3.create_bucket(Bucket=f"bucket-{n}")
        s3.put_bucket_tagging(Bucket=f"bucket-{n}", Tagging={"TagSet": [{"Key": "bucket", "Value": n}]})
    return {"GetResources": [{}, {"TagFilters": [{"Key": "bucket"}]}], "GetTagKeys": [{}], "GetTagValues": [{"Key": "bucket"}]}


# Served, so that what asks for them goes on; the local cloud has none of them to page through, or one.
TOO_FEW = {"GetPartitionIndexes", "ListInstanceProfilesForRole", "ListDirectoryBuckets", "ListDataCatalogs"}
# What changes by itself between two calls is left out.
MOVING = {"GetJobRuns": "[].Id", "GetWorkflowRuns": "[].WorkflowRunId", "ListQueryExecutions": "[]"}


def entries(result, config, operation):
    keys = config["result_key"] if isinstance(config["result_key"], list) else [config["result_key"]]
    found = {k: jmespath.search(k, result) or [] for k in keys}
    if operation in MOVING:
        found = {k: jmespath.search(MOVING[operation], v) for k, v in found.items()}
    return {k: [json.dumps(e, default=str, sort_keys=True) for e in v] for k, v in found.items()}


def check_pages(client, config, operation, params, sizes):
    paginator = client.get_paginator(botocore.xform_name(operation))
    method = getattr(client, botocore.xform_name(operation))
    unpaged = method(**params)
    more = [config["more_results"]] if "more_results" in config else config["output_token"] if isinstance(config["output_token"], list) else [config["output_token"]]
    assert not any(jmespath.search(t.split(" || ")[0], unpaged) for t in more), f"{operation}: what is one page for AWS is more than one here"
    wanted = entries(unpaged, config, operation)
    assert sum(map(len, wanted.values())) >= 2, f"{operation} {params}: too little to page through"
    for size in sizes if config.get("limit_key") else ():
        pages = list(paginator.paginate(**params, PaginationConfig={"PageSize": size}))
        for page in pages:
            assert sum(len(v) for v in entries(page, config, operation).values()) <= size, (operation, size)
        whole = paginator.paginate(**params, PaginationConfig={"PageSize": size}).build_full_result()
        assert {k: sorted(v) for k, v in entries(whole, config, operation).items()} == {k: sorted(v) for k, v in wanted.items()}, (operation, params, size)
    first = next(iter(wanted))
    token, seen, rounds = None, [], 0
    while rounds < 40 and len(wanted) == 1:
        part = paginator.paginate(
            **params, PaginationConfig={"MaxItems": 2, "StartingToken": token, **({"PageSize": max(3, sizes[0])} if config.get("limit_key") else {})}
        ).build_full_result()
        seen += entries(part, config, operation)[first]
        token, rounds = part.get("NextToken"), rounds + 1
        if not token:
            break
    assert len(wanted) > 1 or seen == wanted[first], (operation, params)


@pytest.mark.parametrize("service", SERVICES)
def test_every_paginator(cloud, service):
    scenes = globals()[f"fill_{service}"](cloud)
    client = cloud.client(service)
    model = boto3.session.Session()._session.get_paginator_model(service)
    for operation in sorted(model._paginator_config):
        if operation in scenes:
            limit = client.meta.service_model.operation_model(operation).input_shape.members.get(model.get_paginator(operation).get("limit_key"))
            least = max(1, limit.metadata.get("min", 1)) if limit else 1
            for params in scenes[operation]:
                check_pages(client, model.get_paginator(operation), operation, params, [least])
            continue
        if operation in TOO_FEW:
            continue
        # what is not served says so: a new operation needs a scene here
        with pytest.raises(ClientError) as e:
            getattr(cloud.client(service, parameter_validation=False), botocore.xform_name(operation))(**every_request(client.meta.service_model, operation, "b"))
        assert e.value.response["Error"]["Code"] in UNSERVED, operation


def test_every_waiter(cloud):
    """S3's and IAM's are all there are; each sees what is there, waits for what is not, and ends with an error in time."""
    s3, iam = cloud.client("s3"), cloud.client("iam")
    quick = {"WaiterConfig": {"Delay": 0, "MaxAttempts": 2}}
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    iam.create_user(UserName="there")
    iam.create_role(RoleName="there", AssumeRolePolicyDocument=TRUST)
    arn = iam.create_policy(PolicyName="there", PolicyDocument=POLICY)["Policy"]["Arn"]
    there = {
        ("s3", "bucket_exists"): {"Bucket": "bucket"}, ("s3", "bucket_not_exists"): {"Bucket": "no-bucket"}, ("s3", "object_exists"): {"Bucket": "bucket", "Key": "k"},
        ("s3", "object_not_exists"): {"Bucket": "bucket", "Key": "none"}, ("iam", "user_exists"): {"UserName": "there"},
        ("iam", "role_exists"): {"RoleName": "there"}, ("iam", "policy_exists"): {"PolicyArn": arn},
    }
    opposite = {
        ("s3", "bucket_exists"): {"Bucket": "no-bucket"}, ("s3", "bucket_not_exists"): {"Bucket": "bucket"}, ("s3", "object_exists"): {"Bucket": "bucket", "Key": "none"},
        ("s3", "object_not_exists"): {"Bucket": "bucket", "Key": "k"}, ("iam", "user_exists"): {"UserName": "none"},
        ("iam", "role_exists"): {"RoleName": "none"}, ("iam", "policy_exists"): {"PolicyArn": arn + "x"},
    }
    assert there.keys() == {(s, w) for s in [*SERVICES, "sts"] for w in cloud.client(s).waiter_names} - {("iam", "instance_profile_exists")}
    for (service, name), params in there.items():
        cloud.client(service).get_waiter(name).wait(**params, **quick)
        with pytest.raises(WaiterError, match="Max attempts"):
            cloud.client(service).get_waiter(name).wait(**opposite[service, name], **quick)
    with pytest.raises(ClientError) as e:
        iam.get_instance_profile(InstanceProfileName="none")
    assert e.value.response["Error"]["Code"] in {"NoSuchEntity", *UNSERVED}
