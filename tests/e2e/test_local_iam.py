"""The local cloud's IAM and STS: limits, conflicts, and what a role's session may do."""
import http.client
import json
import urllib.parse

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from test_local_s3 import code_of

SERVICE_ROLE = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"


def trust(**principal):
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    )


def allow(action, resource="*", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


GLUE = trust(Service="glue.amazonaws.com")


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


@pytest.fixture
def session(cloud, iam):
    """session(service, *statements, …): a client as a role with these inline statements."""
    made = []

    def make(service, *statements, boundary=None, role=None, **config):
        name = role or f"session-role-{len(made)}"
        if not role:
            made.append(name)
            extra = {"PermissionsBoundary": boundary} if boundary else {}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS="*"), **extra)
            if statements:
                iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        keys = cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{cloud.account}:role/{name}", RoleSessionName="me")["Credentials"]
        return boto3.client(
            service, endpoint_url=cloud.judged(), region_name=cloud.region, aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
            config=botocore.config.Config(retries={"max_attempts": 1}, **config),
        )

    return make


# --- roles ---


def test_role_life(iam, cloud):
    role = iam.create_role(
        RoleName="Glue_Role", Path="/glueproj/x/", AssumeRolePolicyDocument=GLUE, Description="d ü", MaxSessionDuration=7200,
        Tags=[{"Key": "k", "Value": "v"}],
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{cloud.account}:role/glueproj/x/Glue_Role" and role["RoleId"].startswith("AROA")
    got = iam.get_role(RoleName="glue_role")["Role"]  # names are one whatever the case
    assert got["AssumeRolePolicyDocument"] == json.loads(GLUE) and got["MaxSessionDuration"] == 7200 and got["Description"] == "d ü"
    assert got["Tags"] == [{"Key": "k", "Value": "v"}] and "PermissionsBoundary" not in got
    assert code_of(iam.create_role, RoleName="GLUE_ROLE", AssumeRolePolicyDocument=GLUE) == ("EntityAlreadyExists", 409)
    iam.update_role(RoleName="Glue_Role", Description="new")
    got = iam.get_role(RoleName="Glue_Role")["Role"]
    assert (got["Description"], got["MaxSessionDuration"]) == ("new", 7200)
    iam.update_assume_role_policy(RoleName="Glue_Role", PolicyDocument=trust(Service="states.amazonaws.com"))
    assert "states" in str(iam.get_role(RoleName="Glue_Role")["Role"]["AssumeRolePolicyDocument"])
    iam.tag_role(RoleName="Glue_Role", Tags=[{"Key": "k", "Value": "2"}, {"Key": "l", "Value": ""}])
    iam.untag_role(RoleName="Glue_Role", TagKeys=["k"])
    assert iam.list_role_tags(RoleName="Glue_Role")["Tags"] == [{"Key": "l", "Value": ""}]
    assert iam.list_instance_profiles_for_role(RoleName="Glue_Role")["InstanceProfiles"] == []
    iam.delete_role(RoleName="Glue_Role")
    assert code_of(iam.get_role, RoleName="Glue_Role") == ("NoSuchEntity", 404)
    assert code_of(iam.delete_role, RoleName="Glue_Role") == ("NoSuchEntity", 404)


def test_role_refusals(iam):
    create = lambda **kw: code_of(iam.create_role, **{"RoleName": "r", "AssumeRolePolicyDocument": GLUE, **kw})  # noqa: E731
    assert create(AssumeRolePolicyDocument="{no") == ("MalformedPolicyDocument", 400)
    assert create(AssumeRolePolicyDocument=policy(allow("s3:*"))) == ("MalformedPolicyDocument", 400)
    assert create(RoleName="AWSServiceRoleForX")[0] == "InvalidInput"
    assert create(RoleName="a b") == ("ValidationError", 400)
    assert create(RoleName="x" * 65) == ("ValidationError", 400)
    assert create(Path="no-slash") == ("ValidationError", 400)
    assert create(MaxSessionDuration=60000) == ("ValidationError", 400)
    assert create(PermissionsBoundary="arn:aws:iam::aws:policy/NoneSuch") == ("NoSuchEntity", 404)
    many = trust(AWS=[f"arn:aws:iam::{i:012}:root" for i in range(80)])
    assert create(AssumeRolePolicyDocument=many) == ("LimitExceeded", 409)
    assert create(Tags=[{"Key": f"k{i}", "Value": ""} for i in range(51)]) == ("ValidationError", 400)
    for key, value in (("k" * 129, ""), ("a", "v" * 257), ("a;b", ""), ("a", "b\\c")):
        assert create(Tags=[{"Key": key, "Value": value}]) == ("ValidationError", 400), (key, value)
    assert create(Tags=[{"Key": "Stage", "Value": ""}, {"Key": "stage", "Value": ""}])[0] == "InvalidInput"


def test_role_policies(iam):
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=GLUE)
    doc = policy(allow(["s3:GetObject"], "arn:aws:s3:::b/*", Sid="Read1"))
    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="p one", PolicyDocument=doc)[0] == "ValidationError"
    iam.put_role_policy(RoleName="r", PolicyName="p1", PolicyDocument=doc)
    assert iam.get_role_policy(RoleName="r", PolicyName="p1")["PolicyDocument"] == json.loads(doc)
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["p1"]
    iam.attach_role_policy(RoleName="r", PolicyArn=SERVICE_ROLE)
    iam.attach_role_policy(RoleName="r", PolicyArn=SERVICE_ROLE)
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "AWSGlueServiceRole", "PolicyArn": SERVICE_ROLE}
    ]
    assert code_of(iam.attach_role_policy, RoleName="r", PolicyArn="arn:aws:iam::aws:policy/NoneSuch") == ("NoSuchEntity", 404)
    assert code_of(iam.delete_role, RoleName="r") == ("DeleteConflict", 409)
    iam.detach_role_policy(RoleName="r", PolicyArn=SERVICE_ROLE)
    assert code_of(iam.detach_role_policy, RoleName="r", PolicyArn=SERVICE_ROLE) == ("NoSuchEntity", 404)
    assert code_of(iam.delete_role, RoleName="r") == ("DeleteConflict", 409)
    iam.delete_role_policy(RoleName="r", PolicyName="p1")
    assert code_of(iam.delete_role_policy, RoleName="r", PolicyName="p1") == ("NoSuchEntity", 404)
    assert code_of(iam.get_role_policy, RoleName="r", PolicyName="p1") == ("NoSuchEntity", 404)
    big = policy(*[allow("s3:GetObject", f"arn:aws:s3:::{'b' * 60}/{i}/*") for i in range(90)])
    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="big", PolicyDocument=big) == ("LimitExceeded", 409)
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == []
    iam.delete_role(RoleName="r")


@pytest.mark.parametrize(
    "document,text",
    [
        ("[]", "Syntax errors"), ("nope", "invalid Json"), (policy(), "Syntax errors"), (policy(allow("s3")), "vendor"),
        (policy({"Effect": "Allow", "Action": "s3:*"}), "must contain resources"),
        (policy({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (policy({"Action": "s3:*", "Resource": "*"}), "Syntax errors"),
        (policy(allow("s3:*", effect="Maybe")), "Syntax errors"), (policy(allow("s3:*", effect="allow")), "legacy parsing"), (policy(allow("s3:*", "bucket")), "ARN format"),
        (policy(allow("s3:*", Principal="*")), "should not specify a principal"), (policy(allow("s3:*", Sid="a b")), "alpha-numeric"),
        (policy(allow("s3:*", Sid="a"), allow("s3:*", Sid="a")), "must be unique"), (policy(allow("s3:*", Actoin="s3:*")), "Syntax errors"),
        (json.dumps({"Version": "2020-01-01", "Statement": [allow("s3:*")]}), "Syntax errors"),
        (policy(allow("s3:Get:Object")), "only one colon"), (policy(allow("s 3:*")), "Vendor s 3 is not valid"), (policy(allow([])), "actions"),
        (policy(allow("s3:*", "arn:aws:s3::bucket")), "legacy parsing"), (policy(allow("s3:*", "arn:nowhere:s3:::b")), "Partition .nowhere."),
        (policy(allow("s3:*", "arn:aws:s3:eu-west-1::b")), "region information"), (policy(allow("iam:*", "arn:aws:iam::1:all")), "resource path"),
        (policy(allow("s3:*", "arn:aws:*:::b")), "vendor must be fully qualified"), (policy(allow("s3:*", Condition={"Equals": {"a": "b"}})), "Syntax"),
        (policy(allow("s3:*", Condition={"DateLessThan": {"aws:CurrentTime": "soon"}})), "legacy parsing"),
    ],
)
def test_malformed_policies(iam, document, text):
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=GLUE)
    with pytest.raises(ClientError, match=text) as e:
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)
    assert e.value.response["Error"]["Code"] == "MalformedPolicyDocument"


def test_role_pages(iam):
    names = sorted(f"role-{i:02}" for i in range(25))
    for n in names:
        iam.create_role(RoleName=n, Path="/p/" if n < "role-10" else "/q/", AssumeRolePolicyDocument=GLUE)
    for size in (1, 7, 25, 100):
        pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": size})
        assert [r["RoleName"] for p in pages for r in p["Roles"]] == names
    assert len(iam.list_roles(PathPrefix="/p/")["Roles"]) == 10
    assert code_of(iam.list_roles, Marker="nonsense")[0] == "ValidationError"


# --- managed policies ---


def test_managed_policies(iam, cloud):
    doc = policy(allow("s3:GetObject"))
    made = iam.create_policy(PolicyName="P", PolicyDocument=doc, Description="d", Tags=[{"Key": "a", "Value": "b"}])["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{cloud.account}:policy/P" and made["DefaultVersionId"] == "v1"
    assert code_of(iam.create_policy, PolicyName="p", PolicyDocument=doc) == ("EntityAlreadyExists", 409)
    for n in range(2, 6):
        assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=doc)["PolicyVersion"]["VersionId"] == f"v{n}"
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=doc) == ("LimitExceeded", 409)
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v1") == ("DeleteConflict", 409)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v5")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    new = policy(allow("s3:PutObject"))
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=new, SetAsDefault=True)["PolicyVersion"]["VersionId"] == "v6"
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (got["DefaultVersionId"], got["AttachmentCount"], got["Tags"]) == ("v6", 0, [{"Key": "a", "Value": "b"}])
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v6")["PolicyVersion"]["Document"] == json.loads(new)
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v6", "v5", "v4", "v3", "v2"]
    assert code_of(iam.get_policy_version, PolicyArn=arn, VersionId="v1") == ("NoSuchEntity", 404)

    iam.create_role(RoleName="r", AssumeRolePolicyDocument=GLUE)
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [r["RoleName"] for r in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == ["r"]
    assert code_of(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    assert code_of(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)  # versions
    for v in ("v2", "v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=v)
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404)


def test_aws_managed(iam):
    got = iam.get_policy(PolicyArn=SERVICE_ROLE)["Policy"]
    assert (got["PolicyName"], got["Path"]) == ("AWSGlueServiceRole", "/service-role/")
    doc = iam.get_policy_version(PolicyArn=SERVICE_ROLE, VersionId=got["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert "glue:*" in doc["Statement"][0]["Action"]
    assert code_of(iam.delete_policy, PolicyArn=SERVICE_ROLE)[0] == "AccessDenied"
    names = [p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 5})
             for p in page["Policies"]]
    assert {"AmazonS3FullAccess", "AdministratorAccess", "CloudWatchLogsFullAccess"} <= set(names) and len(names) == len(set(names))
    for name in names:
        arn = next(p["Arn"] for p in iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"] if p["PolicyName"] == name)
        assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Version"] == "2012-10-17"


def test_users_and_groups(iam):
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    assert [u["UserName"] for u in iam.get_group(GroupName="g")["Users"]] == ["u"]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="u")["Groups"]] == ["g"]
    doc = policy(allow("s3:GetObject"))
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=doc)
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=doc)
    assert iam.get_user_policy(UserName="u", PolicyName="p")["PolicyDocument"] == json.loads(doc)
    assert iam.get_group_policy(GroupName="g", PolicyName="p")["GroupName"] == "g"
    assert code_of(iam.delete_group, GroupName="g") == ("DeleteConflict", 409)
    iam.delete_group_policy(GroupName="g", PolicyName="p")
    assert code_of(iam.delete_group, GroupName="g") == ("DeleteConflict", 409)
    iam.remove_user_from_group(GroupName="g", UserName="u")
    iam.delete_group(GroupName="g")
    iam.delete_user_policy(UserName="u", PolicyName="p")
    iam.delete_user(UserName="u")
    assert code_of(iam.get_user, UserName="u") == ("NoSuchEntity", 404)


# --- sessions ---


def test_identity(cloud, session):
    who = cloud.client("sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == (cloud.account, f"arn:aws:iam::{cloud.account}:root")
    who = session("sts").get_caller_identity()  # needs no permission
    assert who["Arn"] == f"arn:aws:sts::{cloud.account}:assumed-role/session-role-0/me" and who["UserId"].endswith(":me")


def test_assume_role_refusals(cloud, iam, session):
    sts = cloud.client("sts")
    arn = lambda n: f"arn:aws:iam::{cloud.account}:role/{n}"  # noqa: E731
    iam.create_role(RoleName="glue-only", AssumeRolePolicyDocument=GLUE)
    assume = lambda client, name, **kw: code_of(client.assume_role, RoleArn=arn(name), RoleSessionName="me", **kw)  # noqa: E731
    assert assume(sts, "glue-only") == ("AccessDenied", 403)
    assert assume(sts, "none-such") == ("AccessDenied", 403)
    iam.create_role(RoleName="account", AssumeRolePolicyDocument=trust(AWS=f"arn:aws:iam::{cloud.account}:root"))
    sts.assume_role(RoleArn=arn("account"), RoleSessionName="me")
    assert assume(sts, "account", DurationSeconds=7200) == ("ValidationError", 400)
    # a role's session also needs the permission
    assert assume(session("sts"), "account") == ("AccessDenied", 403)
    session("sts", allow("sts:AssumeRole")).assume_role(RoleArn=arn("account"), RoleSessionName="me")
    external = json.loads(trust(AWS="*"))
    external["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "secret"}}
    iam.create_role(RoleName="external", AssumeRolePolicyDocument=json.dumps(external))
    assert assume(sts, "external") == ("AccessDenied", 403)
    sts.assume_role(RoleArn=arn("external"), RoleSessionName="me", ExternalId="secret")


def test_session_expires(cloud, iam, session):
    client = session("sts")
    client.get_caller_identity()
    conn = http.client.HTTPConnection(urllib.parse.urlsplit(cloud.endpoint).netloc, timeout=10)
    conn.request("POST", "/_glueproj/clock", json.dumps({"advance_seconds": 3700}))
    assert conn.getresponse().status == 200
    assert code_of(client.get_caller_identity) == ("ExpiredToken", 403)
    cloud.client("sts").get_caller_identity()


def test_session_dies_with_role(iam, session):
    client = session("sts")
    iam.delete_role(RoleName="session-role-0")
    assert code_of(client.get_caller_identity) == ("InvalidClientTokenId", 403)


def test_nothing_is_allowed_by_default(cloud, session):
    cloud.client("s3").create_bucket(Bucket="lake-test")
    with pytest.raises(ClientError) as e:
        session("iam").list_roles()
    assert e.value.response["Error"]["Message"] == (
        f"User: arn:aws:sts::{cloud.account}:assumed-role/session-role-0/me is not authorized to perform: iam:ListRoles on resource: * "
        "because no identity-based policy allows the iam:ListRoles action"
    )
    assert code_of(session("s3").list_buckets) == ("AccessDenied", 403)
    assert code_of(session("s3").put_object, Bucket="lake-test", Key="k", Body=b"") == ("AccessDenied", 403)
    assert code_of(session("resourcegroupstaggingapi").get_resources) == ("AccessDeniedException", 400)


def test_s3_permissions(cloud, session):
    root = cloud.client("s3")
    root.create_bucket(Bucket="lake-test")
    root.put_object(Bucket="lake-test", Key="raw/a", Body=b"a")
    root.put_object(Bucket="lake-test", Key="secret/a", Body=b"s")
    s3 = session(
        "s3", allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::lake-test/*"),
        allow("s3:*", "arn:aws:s3:::lake-test/secret/*", effect="Deny"),
        allow("s3:ListBucket", "arn:aws:s3:::lake-test", Condition={"StringLike": {"s3:prefix": ["raw/*"]}}),
    )
    assert s3.get_object(Bucket="lake-test", Key="raw/a")["Body"].read() == b"a"
    s3.put_object(Bucket="lake-test", Key="raw/b", Body=b"b")
    assert code_of(s3.get_object, Bucket="lake-test", Key="secret/a") == ("AccessDenied", 403)
    assert code_of(s3.copy_object, Bucket="lake-test", Key="raw/c", CopySource="lake-test/secret/a") == ("AccessDenied", 403)
    assert s3.list_objects_v2(Bucket="lake-test", Prefix="raw/")["KeyCount"] == 2
    assert code_of(s3.list_objects_v2, Bucket="lake-test") == ("AccessDenied", 403)
    # without leave to list, what is missing looks forbidden
    assert code_of(s3.get_object, Bucket="lake-test", Key="raw/none") == ("AccessDenied", 403)
    r = s3.delete_objects(Bucket="lake-test", Delete={"Objects": [{"Key": "raw/b"}, {"Key": "secret/a"}]})
    assert [d["Key"] for d in r["Deleted"]] == ["raw/b"]
    assert [(e["Key"], e["Code"]) for e in r["Errors"]] == [("secret/a", "AccessDenied")]
    assert root.get_object(Bucket="lake-test", Key="secret/a")["Body"].read() == b"s"


def test_policies_take_effect_at_once(cloud, iam, session):
    cloud.client("s3").create_bucket(Bucket="lake-test")
    s3 = session("s3")
    assert code_of(s3.list_objects_v2, Bucket="lake-test") == ("AccessDenied", 403)
    iam.attach_role_policy(RoleName="session-role-0", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    s3.list_objects_v2(Bucket="lake-test")
    assert code_of(s3.put_object, Bucket="lake-test", Key="k", Body=b"") == ("AccessDenied", 403)
    own = iam.create_policy(PolicyName="w", PolicyDocument=policy(allow("s3:PutObject")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="session-role-0", PolicyArn=own)
    s3.put_object(Bucket="lake-test", Key="k", Body=b"")
    iam.create_policy_version(PolicyArn=own, PolicyDocument=policy(allow("s3:PutObject", effect="Deny")), SetAsDefault=True)
    assert code_of(s3.put_object, Bucket="lake-test", Key="k", Body=b"") == ("AccessDenied", 403)
    iam.put_role_permissions_boundary(RoleName="session-role-0", PermissionsBoundary="arn:aws:iam::aws:policy/CloudWatchLogsFullAccess")
    assert code_of(s3.list_objects_v2, Bucket="lake-test") == ("AccessDenied", 403)
    assert iam.get_role(RoleName="session-role-0")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("CloudWatchLogsFullAccess")
    iam.delete_role_permissions_boundary(RoleName="session-role-0")
    s3.list_objects_v2(Bucket="lake-test")


def test_session_token(cloud):
    keys = cloud.client("sts").get_session_token()["Credentials"]
    make = lambda token: boto3.client(  # noqa: E731
        "sts", endpoint_url=cloud.judged(), region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=token,
    )
    assert make(keys["SessionToken"]).get_caller_identity()["Arn"].endswith(":root")
    assert code_of(make("wrong").get_caller_identity) == ("InvalidClientTokenId", 403)
    assert code_of(make(None).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_a_key_that_is_no_text_is_refused(iam, cloud):  # noqa: F811
    """A member of a list that is an object: one request must not end the cloud."""
    iam.create_role(RoleName="r1", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))

    def reshape(params, **_):
        params["body"] = {"Action": "UntagRole", "Version": "2010-05-08", "RoleName": "r1", "TagKeys.member.1.Foo": "x"}

    client = cloud.client("iam", endpoint=cloud.endpoint)
    client.meta.events.register("before-call.iam.UntagRole", reshape)
    with pytest.raises(client.exceptions.ClientError):
        client.untag_role(RoleName="r1", TagKeys=["x"])
    assert [r["RoleName"] for r in iam.list_roles()["Roles"]] == ["r1"]
