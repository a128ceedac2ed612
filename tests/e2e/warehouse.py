"""A warehouse in the local cloud: a namespace, its workgroup, a role for COPY, and statements that are waited for."""
import io
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

REDSHIFT_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
OVER = ("FINISHED", "FAILED", "ABORTED")


def allow(*actions, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]})


def role(cloud, name, policy=None, trust=REDSHIFT_TRUST):
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def until(what, timeout=60):
    """Asks until it says something true."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it does not come to pass")


def parquet(**columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def plain(field):
    if field.get("isNull"):
        return None
    (value,) = field.values()
    return value


class Warehouse:
    """Namespace `crypto`, database `crypto`, workgroup `wg-crypto`."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.copy_role = role(cloud, "CopyRole", allow("s3:*"))
        self.serverless, self.data, self.s3 = (cloud.client(s) for s in ("redshift-serverless", "redshift-data", "s3"))
        self.place = {"WorkgroupName": "wg-crypto", "Database": "crypto"}
        self.space = self.serverless.create_namespace(
            namespaceName="crypto", dbName="crypto", adminUsername="boss", adminUserPassword="Secret123word", iamRoles=[self.copy_role],
            defaultIamRoleArn=self.copy_role)["namespace"]
        self.group = self.serverless.create_workgroup(workgroupName="wg-crypto", namespaceName="crypto", baseCapacity=8)["workgroup"]
        self.s3.create_bucket(Bucket="gold")
        self.at_rest()

    def at_rest(self):
        until(lambda: self.serverless.get_workgroup(workgroupName="wg-crypto")["workgroup"]["status"] == "AVAILABLE")

    def end(self, statement):
        return until(lambda: (d := self.data.describe_statement(Id=statement))["Status"] in OVER and d)

    def start(self, sql, **more):
        return self.data.execute_statement(Sql=sql, **{**self.place, **more})["Id"]

    def run(self, sql, **more):
        return self.end(self.start(sql, **more))

    def batch(self, *sqls, **more):
        return self.end(self.data.batch_execute_statement(Sqls=list(sqls), **{**self.place, **more})["Id"])

    def ok(self, sql, **more):
        found = self.run(sql, **more)
        assert found["Status"] == "FINISHED", f"{sql}: {found.get('Error')}"
        return found

    def rows(self, sql, **more):
        """The result's rows as plain values."""
        found = self.ok(sql, **more)
        assert found["HasResultSet"], sql
        return self.result(found["Id"])

    def result(self, statement):
        out, token = [], {}
        while True:
            page = self.data.get_statement_result(Id=statement, **token)
            out += [[plain(f) for f in row] for row in page["Records"]]
            if "NextToken" not in page:
                return out
            token = {"NextToken": page["NextToken"]}

    def error(self, sql, **more):
        found = self.run(sql, **more)
        assert found["Status"] == "FAILED", f"{sql}: {found['Status']}"
        assert found["ResultRows"] == -1 and not found["HasResultSet"]
        return found["Error"]


@pytest.fixture
def warehouse(cloud):
    return Warehouse(cloud)
