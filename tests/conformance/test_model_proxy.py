"""The proxy itself: what boto3 sends passes unchanged and without a word; what is planted is reported; harm is done as told."""
import hashlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from urllib.parse import urlencode, urlsplit

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import pytest

from model_proxy import Fault, ModelProxy

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


class Upstream(http.server.BaseHTTPRequestHandler):
    """Says yes to everything in the protocol that it was asked in, and remembers what it got."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raise AssertionError("the proxy sends lengths")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.got.append((self.command, self.path, self.headers.items(), body))
        if self.headers.get("X-Amz-Target"):
            reply, kind = b"{}", "application/x-amz-json-1.1"
        elif self.headers.get("smithy-protocol"):
            reply, kind = b"\xa0", "application/cbor"
        elif b"Action=" in body:
            reply, kind = b"<R xmlns='x'><ResponseMetadata/></R>", "text/xml"
        else:
            reply, kind = (b"<R/>" if self.command in ("GET", "POST") else b""), "application/xml"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if self.headers.get("smithy-protocol"):
            self.send_header("smithy-protocol", "rpc-v2-cbor")
        self.send_header("ETag", '"00000000000000000000000000000000"')
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve

    def log_message(self, *arguments):
        pass


@pytest.fixture
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    server.got = []
    server.endpoint = "http://127.0.0.1:%d" % server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream):
    with ModelProxy(upstream.endpoint, secrets={KEY: SECRET}, replies=False) as proxy:
        yield proxy


def client(service, endpoint, **config):
    return boto3.client(
        service, endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        config=botocore.config.Config(retries={"max_attempts": 0}, **config),
    )


def call(client, operation, **parameters):
    """What the trivial upstream replies need not be a reply that boto3 likes."""
    try:
        return getattr(client, operation)(**parameters)
    except (KeyError, TypeError, botocore.exceptions.BotoCoreError):
        return None


GLUE = [
    ("create_database", dict(DatabaseInput={"Name": "d", "Description": "x", "CreateTableDefaultPermissions": []}, Tags={"a": "b"})),
    ("create_job", dict(Name="j", Role="r", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://b/k"},
                        MaxCapacity=1.0, MaxRetries=0, Timeout=60, ExecutionProperty={"MaxConcurrentRuns": 1}, DefaultArguments={"--a": "b"})),
    ("create_crawler", dict(Name="c", Role="r", DatabaseName="d", Targets={"S3Targets": [{"Path": "s3://b/"}]}, Configuration='{"Version":1.0}')),
    ("create_trigger", dict(Name="t", Type="CONDITIONAL", WorkflowName="w", StartOnCreation=True, Actions=[{"JobName": "j"}],
                            Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "JobName": "i", "State": "SUCCEEDED"}]})),
    ("get_tables", dict(DatabaseName="d", MaxResults=10)),
    ("start_workflow_run", dict(Name="w", RunProperties={"a": "b"})),
    ("delete_job", dict(JobName="j")),
]
IAM = [
    ("create_role", dict(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}])),
    ("put_role_policy", dict(RoleName="r", PolicyName="p", PolicyDocument=TRUST)),
    ("untag_role", dict(RoleName="r", TagKeys=["a", "b"])),
    ("list_roles", dict(PathPrefix="/", MaxItems=10)),
]
S3 = [
    ("create_bucket", dict(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})),
    ("put_bucket_tagging", dict(Bucket="bucket", Tagging={"TagSet": [{"Key": "stage", "Value": "raw"}]})),
    ("put_object", dict(Bucket="bucket", Key="country=Cote d%27Ivoire/a+b \u00e4.csv", Body=b"x" * 100000, Metadata={"a": "b"})),
    ("put_object", dict(Bucket="bucket", Key="empty", Body=b"", ExpectedBucketOwner="000000000000")),
    ("head_object", dict(Bucket="bucket", Key="k")),
    ("get_object", dict(Bucket="bucket", Key="k", Range="bytes=0-9")),
    ("copy_object", dict(Bucket="bucket", Key="k2", CopySource={"Bucket": "bucket", "Key": "k"})),
    ("delete_objects", dict(Bucket="bucket", Delete={"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "v"}], "Quiet": True})),
    ("list_objects_v2", dict(Bucket="bucket", Prefix="a/b c", Delimiter="/", MaxKeys=5)),
    ("list_object_versions", dict(Bucket="bucket")),
    ("list_multipart_uploads", dict(Bucket="bucket")),
    ("create_multipart_upload", dict(Bucket="bucket", Key="k")),
    ("upload_part", dict(Bucket="bucket", Key="k", UploadId="u", PartNumber=1, Body=b"y" * 1000)),
    ("complete_multipart_upload", dict(Bucket="bucket", Key="k", UploadId="u", MultipartUpload={"Parts": [{"ETag": "e", "PartNumber": 1}]})),
    ("abort_multipart_upload", dict(Bucket="bucket", Key="k", UploadId="u")),
    ("put_bucket_versioning", dict(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})),
    ("put_bucket_encryption", dict(Bucket="bucket", ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})),
    ("delete_object", dict(Bucket="bucket", Key="k")),
    ("head_bucket", dict(Bucket="bucket")),
    ("delete_bucket", dict(Bucket="bucket")),
    ("list_buckets", dict()),
]
OTHERS = [
    ("sts", "get_caller_identity", dict()),
    ("sts", "assume_role", dict(RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="name", DurationSeconds=900)),
    ("athena", "start_query_execution", dict(QueryString="SELECT 1", WorkGroup="w")),
    ("athena", "create_work_group", dict(Name="w", Configuration={"ResultConfiguration": {"OutputLocation": "s3://b/"}}, Tags=[{"Key": "a", "Value": "b"}])),
    ("secretsmanager", "create_secret", dict(Name="a/b", SecretString="x", ClientRequestToken="0" * 32, Tags=[{"Key": "a", "Value": "b"}])),
    ("secretsmanager", "delete_secret", dict(SecretId="a/b", ForceDeleteWithoutRecovery=True)),
    ("logs", "get_log_events", dict(logGroupName="/aws-glue/x", logStreamName="s", startFromHead=True)),
    ("logs", "put_log_events", dict(logGroupName="/aws-glue/x", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])),
    ("resourcegroupstaggingapi", "get_resources", dict(TagFilters=[{"Key": "glueproj:project", "Values": ["p"]}])),
    ("stepfunctions", "list_state_machines", dict()),
]
CALLS = [("glue", *c) for c in GLUE] + [("iam", *c) for c in IAM] + [("s3", *c) for c in S3] + OTHERS


@pytest.mark.parametrize("service, operation, parameters", CALLS, ids=[f"{c[0]}-{c[1]}-{i}" for i, c in enumerate(CALLS)])
def test_what_boto3_sends_passes(proxy, upstream, service, operation, parameters):
    c = client(service, proxy.endpoint)
    call(c, operation, **parameters)
    assert [r["violations"] for r in proxy.log] == [[]] and not proxy.broken
    assert proxy.log[0]["operation"] == c.meta.method_to_api_mapping[operation]
    assert proxy.log[0]["status"] == 200
    # The upstream got the host that the client signed for.
    assert dict(upstream.got[0][2])["Host"] == urlsplit(proxy.endpoint).netloc


def test_bytes_go_on_unchanged(proxy, upstream):
    body = os.urandom(300000)
    client("s3", proxy.endpoint, request_checksum_calculation="when_required").put_object(Bucket="bucket", Key="a b/%41", Body=body)
    method, path, _, got = upstream.got[0]
    assert (method, path, got) == ("PUT", "/bucket/a%20b/%2541", body)


def send(proxy, service, method, target, body, headers, secret=SECRET, region="eu-west-1", spoil=None):
    """A hand-made request, signed by botocore; `spoil` changes it after that."""
    host = urlsplit(proxy.endpoint).netloc
    request = botocore.awsrequest.AWSRequest(method=method, url=f"http://{host}{target}", data=body, headers={**headers, "Host": host})
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    request.context["payload_signing_enabled"] = True
    signer(botocore.credentials.Credentials(KEY, secret), service, region).add_auth(request)
    if spoil:
        spoil(request.headers)
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, target, body, dict(request.headers.items()))
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return proxy.log[-1]["violations"]


def glue(proxy, operation, value, **more):
    headers = {"X-Amz-Target": f"AWSGlue.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return send(proxy, "glue", "POST", "/", body, {**headers, **more})


JOB = {"Name": "j", "Role": "r", "Command": {"Name": "pythonshell"}}


@pytest.mark.parametrize(
    "value, expected",
    [
        (JOB, None),
        ({**JOB, "Colour": "red"}, "unknown member 'Colour'"),
        ({**JOB, "Command": {"Name": "x", "Scripts": 1}}, "Command: unknown member 'Scripts'"),
        ({"Name": "j", "Role": "r"}, "required member 'Command' is missing"),
        ({**JOB, "MaxCapacity": "1"}, "MaxCapacity: str '1' is no double"),
        ({**JOB, "Timeout": 1.5}, "Timeout: float 1.5 is no integer"),
        ({**JOB, "Timeout": True}, "Timeout: bool True is no integer"),
        ({**JOB, "Timeout": 0}, "Timeout: 0 is less than 1"),
        ({**JOB, "WorkerType": "G.9X"}, "is not one of"),
        ({**JOB, "Description": None}, "Description: null"),
        ({**JOB, "Name": ""}, "Name: length 0 is less than 1"),
        ({**JOB, "Name": "a\u0001b"}, "does not match"),
        ({**JOB, "Tags": {"k" * 129: "v"}}, "length 129 is more than 128"),
        ({**JOB, "Connections": []}, "list is no structure"),
        (b'{"Name": "a", "Name": "b", "Role": "r", "Command": {}}', "a member comes twice"),
        (b"{", "no JSON"),
    ],
)
def test_json_violations(proxy, value, expected):
    found = glue(proxy, "CreateJob", value)
    assert found == [] if expected is None else any(expected in v for v in found), found


def test_json_protocol_violations(proxy):
    assert any("is no operation of glue" in v for v in glue(proxy, "CreateJobs", {}))
    assert any("Content-Type" in v for v in glue(proxy, "GetJobs", {}, **{"Content-Type": "application/json"}))
    target = {"X-Amz-Target": "Glue.GetJobs", "Content-Type": "application/x-amz-json-1.1"}
    assert any("X-Amz-Target" in v for v in send(proxy, "glue", "POST", "/", b"{}", target))


def iam(proxy, **parameters):
    body = urlencode(parameters).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return send(proxy, "iam", "POST", "/", body, headers, region="us-east-1")


ROLE = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "r", "AssumeRolePolicyDocument": TRUST}


@pytest.mark.parametrize(
    "change, expected",
    [
        ({}, None),
        ({"Tags.member.1.Key": "k", "Tags.member.1.Value": "v"}, None),
        ({"Tags.member.2.Key": "k", "Tags.member.2.Value": "v"}, "Tags.member.2.Key: unknown parameter"),
        ({"Tags.member.1.Key": "k"}, "required member 'Value' is missing"),
        ({"Tags.1.Key": "k", "Tags.1.Value": "v"}, "Tags.1.Key: unknown parameter"),
        ({"Colour": "red"}, "Colour: unknown parameter"),
        ({"RoleName": "a b"}, "does not match"),
        ({"RoleName": "r" * 65}, "length 65 is more than 64"),
        ({"MaxSessionDuration": "60"}, "60 is less than 3600"),
        ({"MaxSessionDuration": "long"}, "'long' is no integer"),
        ({"Version": "2011-01-01"}, "Version: '2011-01-01'"),
        ({"Action": "MakeRole"}, "is no operation of iam"),
    ],
)
def test_query_violations(proxy, change, expected):
    found = iam(proxy, **{**ROLE, **change})
    assert found == [] if expected is None else any(expected in v for v in found), found


def test_query_required(proxy):
    assert iam(proxy, Action="GetRole", Version="2010-05-08") == ["required member 'RoleName' is missing"]


NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.mark.parametrize(
    "method, target, body, headers, expected",
    [
        ("GET", "/bucket?list-type=2&prefix=a", b"", {}, None),
        ("GET", "/bucket/?list-type=2&colour=red", b"", {}, "?colour: unknown query parameter"),
        ("GET", "/bucket?list-type=2&max-keys=many", b"", {}, "'many' is no integer"),
        ("GET", "/bucket?list-type=2&encoding-type=utf", b"", {}, "is not one of"),
        ("PUT", "/bucket/k", b"x", {"x-amz-storage-class": "CHEAP"}, "is not one of"),
        ("PUT", "/bucket/k", b"x", {"x-amz-colour": "red"}, "x-amz-colour: unknown header"),
        ("PUT", "/bucket/k", b"x", {"x-amz-meta-colour": "red"}, None),
        ("PUT", "/bucket/k", b"x", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "content-md5: is not that of the body"),
        ("PUT", "/bucket", f"<CreateBucketConfiguration {NS}><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>".encode(), {}, None),
        ("PUT", "/bucket", f"<CreateBucketConfiguration {NS}><LocationConstraint>moon</LocationConstraint></CreateBucketConfiguration>".encode(), {}, "is not one of"),
        ("PUT", "/bucket", b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>", {}, "root element"),
        ("POST", "/bucket?delete", f"<Delete {NS}><Object><Key>a</Key></Object></Delete>".encode(), {}, "needs Content-MD5"),
        ("POST", "/bucket?delete", f"<Delete {NS}><Object><Name>a</Name></Object></Delete>".encode(), {"x-amz-checksum-crc32": "x"}, "unknown element"),
        ("POST", "/bucket?delete", f"<Delete {NS}><Object></Object></Delete>".encode(), {"x-amz-checksum-crc32": "x"}, "required member 'Key'"),
        ("POST", "/bucket?delete", f"<Delete {NS}></Delete>".encode(), {"x-amz-checksum-crc32": "x"}, "required member 'Objects'"),
        ("POST", "/bucket?delete", b"<Delete", {"x-amz-checksum-crc32": "x"}, "no XML"),
        ("DELETE", "/bucket/k?uploadId=u", b"", {}, None),
        ("DELETE", "/bucket/k", b"x", {}, "the operation has no body"),
        ("PATCH", "/bucket", b"", {}, "is no operation of s3"),
    ],
)
def test_rest_violations(proxy, upstream, method, target, body, headers, expected):
    Upstream.do_PATCH = Upstream.serve
    found = send(proxy, "s3", method, target, body, headers)
    assert found == [] if expected is None else any(expected in v for v in found), found


def test_operations_of_one_path_are_told_apart(proxy):
    for method, target, headers, operation in [
        ("GET", "/b", {}, "ListObjects"), ("GET", "/b?list-type=2", {}, "ListObjectsV2"), ("GET", "/b?versions", {}, "ListObjectVersions"),
        ("GET", "/b/k", {}, "GetObject"), ("GET", "/b/k?uploadId=u", {}, "ListParts"), ("GET", "/b/k?tagging", {}, "GetObjectTagging"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart"), ("PUT", "/b/k", {"x-amz-copy-source": "/b/j"}, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x-amz-copy-source": "/b/j"}, "UploadPartCopy"), ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"), ("GET", "/b?location", {}, "GetBucketLocation"), ("GET", "/", {}, "ListBuckets"),
    ]:
        send(proxy, "s3", method, target, b"", headers)
        assert proxy.log[-1]["operation"] == operation, target


def test_signature_violations(proxy):
    def drop_date(headers):
        headers.replace_header("Authorization", headers["Authorization"].replace("x-amz-date", "x-amz-dato"))

    def other_body(headers):
        headers.replace_header("X-Amz-Content-SHA256", hashlib.sha256(b"other").hexdigest())

    assert send(proxy, "s3", "GET", "/b", b"", {}) == []
    assert send(proxy, "s3", "GET", "/b", b"", {}, secret="wrong") == ["Authorization: the signature is not botocore's"]
    assert any("is not signed" in v for v in send(proxy, "s3", "GET", "/b", b"", {}, spoil=drop_date))
    assert any("is not that of the body" in v for v in send(proxy, "s3", "PUT", "/b/k", b"x", {}, spoil=other_body))
    assert "Authorization: the request is not signed" in send(proxy, "s3", "GET", "/b", b"", {}, spoil=lambda h: h.__delitem__("Authorization"))


def test_violations_and_log_are_json_lines(upstream, tmp_path):
    with ModelProxy(upstream.endpoint, violations_file=tmp_path / "v", log_file=tmp_path / "l", replies=False) as proxy:
        glue(proxy, "CreateJob", JOB)
        glue(proxy, "CreateJob", {**JOB, "Colour": 1})
    lines = [json.loads(line) for line in (tmp_path / "v").read_text().splitlines()]
    assert [(r["number"], r["operation"], r["violations"]) for r in lines] == [(2, "CreateJob", ["unknown member 'Colour'"])]
    assert [json.loads(line)["status"] for line in (tmp_path / "l").read_text().splitlines()] == [200, 200]


def test_faults(proxy, upstream):
    c = client("glue", proxy.endpoint)
    proxy.faults = [Fault.parse("throttle:times=1,operation=GetJobs"), Fault.parse("error:status=503,at=2,operation=GetJobs"),
                    Fault.parse("reset:times=1,operation=GetCrawlers"), Fault.parse("lost:times=1,operation=GetTriggers"),
                    Fault.parse("delay:ms=300,times=1,operation=GetDatabases")]
    with pytest.raises(c.exceptions.ClientError, match="ThrottlingException"):
        c.get_jobs()
    with pytest.raises(c.exceptions.ClientError, match="ServiceUnavailable"):
        c.get_jobs()
    c.get_jobs()
    assert len(upstream.got) == 1
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        c.get_crawlers()
    assert len(upstream.got) == 1
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        c.get_triggers()
    assert len(upstream.got) == 2
    c.get_databases()
    c.get_triggers()
    s3 = client("s3", proxy.endpoint)
    proxy.faults = [Fault("throttle", times=2)]
    for _ in range(2):
        with pytest.raises(s3.exceptions.ClientError, match="SlowDown"):
            s3.list_buckets()
    s3.list_buckets()
    with pytest.raises(ValueError):
        Fault.parse("explode")


CHILD = """
import boto3, sys
c = boto3.client("glue", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="k", aws_secret_access_key="s")
for i in range(5):
    c.delete_job(JobName="job-%d" % i)
    print(i, flush=True)
"""


@pytest.mark.parametrize("when, answered", [("before", 2), ("after", None)])
def test_kill_after_the_nth_request(proxy, upstream, when, answered):
    child = subprocess.Popen([sys.executable, "-c", CHILD, proxy.endpoint], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    proxy.kill_after(3, child.pid, when)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    if answered is not None:
        assert len(out.split()) == answered and len(upstream.got) == 3
    assert [json.loads(b)["JobName"] for _, _, _, b in upstream.got[:3]] == ["job-0", "job-1", "job-2"]
    assert len(upstream.got) >= 3


def test_hook_instead_of_kill(proxy, upstream):
    called = []
    c = client("glue", proxy.endpoint)
    proxy.kill_after(2, lambda: called.append(len(upstream.got)), "after")
    c.delete_job(JobName="a")
    c.delete_job(JobName="b")
    c.delete_job(JobName="c")
    assert called == [2]
    proxy.reset_counts()
    c.delete_job(JobName="d")
    assert [r["number"] for r in proxy.log] == [1] and called == [2]


def test_as_a_program(upstream, tmp_path):
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model_proxy.py")
    arguments = ["--upstream", upstream.endpoint, "--violations", tmp_path / "v", "--secret", f"{KEY}:{SECRET}", "--judge", "requests", "--fault", "throttle:at=2",
                 "--kill-after", "3", "--hook", f"touch {tmp_path}/hook"]
    child = subprocess.Popen([sys.executable, program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        c = client("glue", child.stdout.readline().strip())
        c.delete_job(JobName="a")
        with pytest.raises(c.exceptions.ClientError, match="ThrottlingException"):
            c.delete_job(JobName="b")
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            c.delete_job(JobName="c")
        assert (tmp_path / "hook").exists() and (tmp_path / "v").read_text() == ""
    finally:
        child.terminate()
        assert child.wait(timeout=10) == 0
        child.stdout.close()
