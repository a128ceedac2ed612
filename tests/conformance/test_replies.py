"""reply_model.py: right replies of each protocol pass, and each way to be wrong is seen."""
import json
import re

import pytest

pytest.importorskip("botocore")

import reply_model
import request_model

S3 = request_model.S3_NAMESPACE
REQUEST_ID = ("x-amzn-RequestId", "1")
S3_ID = ("x-amz-request-id", "1")
JSON = [("Content-Type", "application/x-amz-json-1.1"), REQUEST_ID]
XML = [("Content-Type", "application/xml"), S3_ID]
TEXT = [("Content-Type", "text/xml"), REQUEST_ID]
IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


def judged(service, operation, status, headers, body, method="POST"):
    asked = request_model.Verdict()
    asked.service, asked.operation = service, operation
    return reply_model.check(request_model.Request(method, "/", []), asked, status, headers, body if isinstance(body, bytes) else body.encode())


def glue(value, status=200, headers=None, operation="GetJob"):
    return judged("glue", operation, status, JSON if headers is None else headers, json.dumps(value))


JOB = {"Job": {"Name": "j", "CreatedOn": 1795253165.5, "Command": {"Name": "pythonshell", "PythonVersion": "3.9"}, "Timeout": 5, "ExecutionClass": "STANDARD",
               "DefaultArguments": {"--a": "b"}, "Connections": {"Connections": ["c"]}}}


def test_right_json():
    assert glue(JOB) == glue({}, operation="UpdateWorkflow") == judged("glue", "TagResource", 200, JSON, "") == []
    assert glue({"Runs": []}, operation="GetWorkflowRuns") == []
    assert glue({"__type": "EntityNotFoundException", "Message": "no"}, 400) == []
    assert glue({"__type": "com.amazonaws.glue#ThrottlingException", "message": "slow"}, 400) == []


def changed(**members):
    return {"Job": {**JOB["Job"], **members}}


@pytest.mark.parametrize("value, text", [
    (changed(Colour="red"), "unknown member 'Colour'"), (changed(CreatedOn="2026-11-21T09:26:05Z"), "is no timestamp"), (changed(Timeout="5"), "is no integer"),
    (changed(Timeout=2**31), "does not fit"), (changed(Timeout=None), "null"), (changed(ExecutionClass="SLOW"), "is not one of"), (changed(Name=""), "length 0|does not match"),
    (changed(DefaultArguments=[]), "is no map"), (changed(Connections={"Connections": "c"}), "is no list"), (changed(DefaultArguments={"--a": 1}), "is no string"),
    ({"Job": []}, "is no structure"), ([], "no object"), ({"Jobs": []}, "unknown member 'Jobs'"),
])
def test_wrong_json(value, text):
    found = glue(value)
    assert found and all(f.startswith("reply: ") for f in found) and any(re.search(text, f) for f in found), found


@pytest.mark.parametrize("status, headers, body, text", [
    (201, JSON, "{}", "status 201"), (200, JSON[1:], "{}", "Content-Type"), (200, [("Content-Type", "application/json"), REQUEST_ID], "{}", "Content-Type"),
    (200, JSON[:1], "{}", "RequestId"), (200, JSON, "{", "no JSON"), (200, JSON, '{"Job":{},"Job":{}}', "comes twice"), (200, JSON, "", "no JSON"),
    (400, JSON, '{"__type":"NoSuchEntity","Message":"m"}', "is none of GetJob"), (404, JSON, '{"__type":"EntityNotFoundException","Message":"m"}', "has status 400, not 404"),
    (400, JSON, '{"__type":"EntityNotFoundException"}', "has no message"), (400, JSON, '{"__type":"EntityNotFoundException","Message":"m","Name":"j"}', "unknown member 'Name'"),
    (400, JSON, '{"Message":"m"}', "is none of"), (400, TEXT, '{"__type":"EntityNotFoundException","Message":"m"}', "Content-Type"),
])
def test_wrong_json_around(status, headers, body, text):
    found = judged("glue", "GetJob", status, headers, body)
    assert any(text in f for f in found), found


def role(inner="", name="GetRole", outer="", root="GetRoleResponse", namespace=IAM):
    member = ("<Path>/</Path><RoleName>r</RoleName><RoleId>AROAAAAAAAAAAAAAAAAAA</RoleId><Arn>arn:aws:iam::123456789012:role/r</Arn>"
              "<CreateDate>2026-11-21T09:26:05Z</CreateDate>" + inner)
    return (f'<{root} xmlns="{namespace}"><{name}Result><Role>{member}</Role></{name}Result>{outer}'
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{root}>")


def iam(body, status=200, headers=None, operation="GetRole"):
    return judged("iam", operation, status, TEXT if headers is None else headers, body)


def error(code, kind="Sender", extra="", namespace=IAM):
    return f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{code}</Code><Message>m</Message>{extra}</Error><RequestId>1</RequestId></ErrorResponse>'


def test_right_query():
    assert iam(role("<Tags><member><Key>a</Key><Value>b</Value></member></Tags>")) == []
    assert iam(f'<DeleteRoleResponse xmlns="{IAM}"><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DeleteRoleResponse>', operation="DeleteRole") == []
    assert iam(error("NoSuchEntity"), 404) == iam(error("Throttling"), 400) == []
    summary = "<SummaryMap><entry><key>Roles</key><value>1</value></entry></SummaryMap>"
    text = f'<GetAccountSummaryResponse xmlns="{IAM}"><GetAccountSummaryResult>%s</GetAccountSummaryResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetAccountSummaryResponse>'
    assert iam(text % summary, operation="GetAccountSummary") == []
    assert any("in an entry" in f for f in iam(text % summary.replace("value>", "val>"), operation="GetAccountSummary"))


@pytest.mark.parametrize("status, body, text", [
    (200, role("<Colour>red</Colour>"), "unknown element"), (200, role("<Tags><item/></Tags>"), "'item' in a list of 'member'"), (200, role(namespace="x"), "root element"),
    (200, role(root="GetRolesResponse"), "root element"), (200, role(name="Get"), "in GetRoleResponse"), (200, role(outer="<Extra/>"), "in GetRoleResponse"),
    (200, role().replace("2026-11-21T09:26:05Z", "1795253165"), "is no time in iso8601"), (200, role().replace("<Path>/</Path>", ""), "'Path' is missing"),
    (200, role("<MaxSessionDuration>1h</MaxSessionDuration>"), "is no integer"), (200, role("<RoleName>r</RoleName>"), "more than once"), (201, role(), "status 201"),
    (200, "<x", "no XML"), (404, error("NoSuchEntityException"), "is none of GetRole"), (400, error("NoSuchEntity"), "has status 404, not 400"),
    (404, error("NoSuchEntity", "Receiver"), "Type"), (404, error("NoSuchEntity", namespace="y"), "root element"), (404, "<Error><Code>NoSuchEntity</Code></Error>", "root element"),
])
def test_wrong_query(status, body, text):
    found = iam(body, status)
    assert any(text in f for f in found), found


def s3(operation, body="", status=200, headers=(), kind=None, method="GET"):
    return judged("s3", operation, status, [*(kind or XML), *headers], body, method)


LISTING = (f'<ListBucketResult xmlns="{S3}"><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>k</Key>'
           "<LastModified>2026-11-21T09:26:05.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>0</Size>"
           "<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>")
ETAG = ("ETag", '"d41d8cd98f00b204e9800998ecf8427e"')
MODIFIED = ("Last-Modified", "Sat, 21 Nov 2026 09:26:05 GMT")


def test_right_s3():
    assert s3("ListObjectsV2", LISTING) == s3("PutObject", "", headers=[ETAG], method="PUT") == s3("DeleteObject", "", 204, method="DELETE") == []
    assert s3("GetObject", b"\0any", headers=[ETAG, MODIFIED, ("x-amz-meta-a", "b"), ("Content-Length", "4")]) == []
    assert s3("GetObject", b"\0", 206, [ETAG, MODIFIED, ("Content-Range", "bytes 0-0/4")]) == s3("HeadObject", "", headers=[ETAG, MODIFIED], method="HEAD") == []
    assert s3("GetBucketLocation", f'<LocationConstraint xmlns="{S3}">eu-west-1</LocationConstraint>') == s3("GetBucketLocation", f'<LocationConstraint xmlns="{S3}"/>') == []
    assert s3("GetObject", "<Error><Code>NoSuchKey</Code><Message>m</Message><Key>k</Key><RequestId>1</RequestId></Error>", 404) == s3("HeadObject", "", 404, method="HEAD") == []


@pytest.mark.parametrize("operation, body, status, headers, text", [
    ("ListObjectsV2", LISTING.replace("ListBucketResult", "ListResult"), 200, [], "root element"), ("ListObjectsV2", LISTING.replace(S3, "x"), 200, [], "root element"),
    ("ListObjectsV2", LISTING.replace("Size>", "Length>"), 200, [], "unknown element"), ("ListObjectsV2", LISTING.replace("false", "no"), 200, [], "is no boolean"),
    ("ListObjectsV2", LISTING.replace("STANDARD", "COLD"), 200, [], "is not one of"), ("ListObjectsV2", LISTING.replace("2026-11-21T", "21.11.2026 "), 200, [], "is no time"),
    ("ListObjectsV2", LISTING, 201, [], "status 201"), ("PutObject", "<x/>", 200, [ETAG], "headers only"), ("PutObject", "", 200, [("ETag", "unquoted")], "is no ETag"),
    ("PutObject", "", 200, [ETAG, ("x-amz-colour", "red")], "unknown header"), ("GetObject", b"x", 200, [("Last-Modified", "2026-11-21T09:26:05Z")], "is no time in rfc822"),
    ("GetObject", b"x", 200, [("Content-Range", "bytes 0-0/4")], "status 200 is not 206"), ("GetObject", b"x", 200, [("x-amz-server-side-encryption", "AES")], "is not one of"),
    ("DeleteObject", "", 200, [], "status 200 is not 204"), ("GetBucketLocation", f'<LocationConstraint xmlns="{S3}"><LocationConstraint>a</LocationConstraint></LocationConstraint>', 200, [], "elements inside"),
    ("GetBucketTagging", f'<Tagging xmlns="{S3}"/>', 200, [], "'TagSet' is missing"), ("GetObject", "<Error><Code>NoSuchThing</Code><Message>m</Message><RequestId>1</RequestId></Error>", 404, [], "is none of"),
    ("GetObject", "<Error><Code>NoSuchKey</Code><Message>m</Message><RequestId>1</RequestId></Error>", 403, [], "has status 404, not 403"),
    ("GetObject", "<Error><Code>NoSuchKey</Code><RequestId>1</RequestId></Error>", 404, [], "has no Message"),
])
def test_wrong_s3(operation, body, status, headers, text):
    found = s3(operation, body, status, headers)
    assert any(text in f for f in found), found
    assert any("request-id" in f for f in s3(operation, body, status, headers, kind=XML[:1]))


def test_a_head_has_no_body():
    assert any("there is none" in f for f in s3("HeadObject", "x", 200, [ETAG], method="HEAD"))
    assert any("there is none" in f for f in s3("HeadObject", "x", 404, method="HEAD"))
