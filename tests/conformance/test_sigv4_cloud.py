"""The local cloud's door: what botocore signs goes in, every change of it is refused with that service's code and status."""
import datetime
import http.client
import json
import os
import re
import sys
import urllib.parse

import pytest

pytest.importorskip("botocore")
import botocore.auth
import botocore.awsrequest
import botocore.credentials

from sigv4_oracle import Chunker, sha256_trailer
import sigv4_oracle

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from helpers import Cloud, Runner  # noqa: E402

JSON = {"Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
# service: method, path, headers, body, of a request that is answered with 200
CALLS = {
    "s3": ("PUT", "/door/a%20key", {"x-amz-meta-a": "b"}, b"what was signed"),
    "glue": ("POST", "/", {**JSON, "X-Amz-Target": "AWSGlue.GetDatabases"}, b'{"MaxResults":7}'),
    "athena": ("POST", "/", {**JSON, "X-Amz-Target": "AmazonAthena.ListWorkGroups"}, b'{"MaxResults":7}'),
    "logs": ("POST", "/", {**JSON, "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b'{"limit":7}'),
    "secretsmanager": ("POST", "/", {**JSON, "X-Amz-Target": "secretsmanager.ListSecrets"}, b'{"MaxResults":7}'),
    "iam": ("POST", "/", FORM, b"Action=ListRoles&Version=2010-05-08&MaxItems=7"),
    "sts": ("POST", "/", FORM, b"Action=GetCallerIdentity&Version=2011-06-15"),
}
QUERY = ("iam", "sts")
# what went wrong: the answer of S3, of the JSON services, of the query services
ANSWERS = {
    "mismatch": ((403, "SignatureDoesNotMatch"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
    "body": ((400, "XAmzContentSHA256Mismatch"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
    "key": ((403, "InvalidAccessKeyId"), (400, "UnrecognizedClientException"), (403, "InvalidClientTokenId")),
    "token": ((400, "InvalidToken"), (400, "UnrecognizedClientException"), (403, "InvalidClientTokenId")),
    "skew": ((403, "RequestTimeTooSkewed"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
    "malformed": ((400, "AuthorizationHeaderMalformed"), (400, "IncompleteSignatureException"), (403, "IncompleteSignature")),
    "misplaced": ((400, "AuthorizationHeaderMalformed"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
    "presigned": ((400, "AuthorizationQueryParametersError"), None, (403, "IncompleteSignature")),
    "nobody": ((403, "AccessDenied"), (400, "MissingAuthenticationTokenException"), (403, "MissingAuthenticationToken")),
    "unsigned header": ((403, "AccessDenied"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    cloud = Cloud(Runner(folder), folder / "cloud")
    cloud.client("s3").create_bucket(Bucket="door")
    yield cloud
    cloud.stop().ok()


class Call:
    """One request, signed and then perhaps changed."""

    def __init__(self, cloud, service, at=None, expires=None, token=None, kind=None, path=None, body=None, headers=None):
        self.cloud, self.service = cloud, service
        method, own_path, own_headers, own_body = CALLS[service]
        self.host = urllib.parse.urlsplit(cloud.endpoint).netloc
        self.body = own_body if body is None else body
        url = f"http://{self.host}{path or own_path}"
        request = botocore.awsrequest.AWSRequest(method=method, url=url, data=self.body, headers={**own_headers, **(headers or {}), "Host": self.host})
        keys = botocore.credentials.Credentials(cloud.access_key_id, cloud.secret_access_key, token)
        if expires is not None:
            kind = kind or (botocore.auth.S3SigV4QueryAuth if service == "s3" else botocore.auth.SigV4QueryAuth)
            auth = kind(keys, service, cloud.region, expires=expires)
        else:
            kind = kind or (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)
            auth = kind(keys, service, cloud.region)
        with pytest.MonkeyPatch.context() as patch:
            if at is not None:
                moved = datetime.datetime.now(datetime.timezone.utc) + at
                patch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moved.replace(tzinfo=None) if remove_tzinfo else moved)
            auth.add_auth(request)
        self.method, self.url, self.headers = request.method, request.url, list(request.headers.items())

    def replaced(self, name, old, new):
        for i, (key, value) in enumerate(self.headers):
            if key.lower() == name.lower():
                assert re.search(old, value), value
                self.headers[i] = (key, re.sub(old, new, value, count=1))
                return self
        raise AssertionError(name)

    def without(self, name):
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        return self

    def moved(self, old, new):
        assert re.search(old, self.url), self.url
        self.url = re.sub(old, new, self.url, count=1)
        return self

    def set(self, **values):
        vars(self).update(values)
        return self

    def send(self):
        """(status, AWS's code or None)"""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.putrequest(self.method, self.url.partition(self.host)[2], skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers:
                if name.lower() != "content-length":
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(self.body)))
            connection.endheaders(self.body)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        if text.startswith("{") and "__type" in text:
            return reply.status, json.loads(text)["__type"].rpartition("#")[2]
        found = re.search("<Code>([^<]+)</Code>", text)
        return reply.status, found.group(1) if found else None


def answer(service, why):
    return ANSWERS[why][0 if service == "s3" else 2 if service in QUERY else 1]


@pytest.mark.parametrize("service", CALLS)
def test_signed_requests(cloud, service):
    def call(**options):
        return Call(cloud, service, **options)

    minutes = lambda n: datetime.timedelta(minutes=n)  # noqa: E731
    assert call().send() == call(at=minutes(14)).send() == call(at=minutes(-14)).send() == (200, None)
    cases = [
        ("skew", call(at=minutes(16))), ("skew", call(at=minutes(-16))),
        ("mismatch", call().set(method="GET" if service in QUERY else "DELETE" if service == "s3" else "PUT")),
        ("mismatch", call().moved("$", "?x=y")), ("mismatch", call().moved(r"/[^/]*$", "/other")),
        ("body", call().set(body=call().body[:-1] + b" ")), ("body", call().set(body=b"")),
        ("key", call().replaced("Authorization", "Credential=[^/]+", "Credential=AKIDNOBODYKNOWS0000")),
        ("token", call(token="of somebody else")),
        ("mismatch", call().replaced("Authorization", "[0-9a-f]{64}$", "0" * 64)),
        ("mismatch", call().replaced("Authorization", f"/{cloud.region}/", "/eu-west-9/")),
        ("misplaced", call().replaced("Authorization", r"/\d{8}/", "/20010101/")),
        ("malformed", call().replaced("Authorization", "aws4_request", "aws5_request")),
        ("misplaced", call().replaced("Authorization", "host;", "")),
        ("malformed", call().replaced("Authorization", ", Signature=.*", "")),
        ("malformed", call().replaced("Authorization", r"SignedHeaders=[^,]*, ?", "")),
        ("unsigned header", call().set(headers=[*call().headers, ("x-amz-date2", "a")])),
        ("nobody", call().without("Authorization")),
        ("mismatch", call().replaced("X-Amz-Date", r"\d\dZ$", "99Z")),
    ]
    other = "iam" if service in ("glue", "s3") else "sts" if service == "iam" else "glue"
    assert call().replaced("Authorization", f"/{service}/", f"/{other}/").send()[0] >= 400
    for number, (why, changed) in enumerate(cases):
        assert changed.send() == answer(service, why), (number, why)


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_presigned_requests(cloud, service):
    def call(expires=60, **options):
        r = Call(cloud, service, expires=expires, body=b"", path="/door/a%20key" if service == "s3" else "/?Action=GetCallerIdentity&Version=2011-06-15",
                 headers={"x-amz-meta-a": "b"} if service == "s3" else {}, **options)
        return r

    seconds = lambda n: datetime.timedelta(seconds=n)  # noqa: E731
    if service == "sts":
        assert call().send() == (200, None)
    else:
        assert call().send() == call(expires=604800, at=seconds(-604700)).send() == (200, None)
        assert call().set(body=b"any body will do").send() == (200, None)
    late = (403, "AccessDenied" if service == "s3" else "SignatureDoesNotMatch")
    misplaced = answer(service, "presigned") if service == "s3" else late
    for number, (why, changed) in enumerate([
        (late, call(at=seconds(-62))), (late, call(expires=604800, at=seconds(-604802))), (late, call(at=datetime.timedelta(minutes=16))),
        ("presigned", call(expires=0)), ("presigned", call(expires=604801)), ("presigned", call(expires=-1)), ("presigned", call(expires="ten")),
        ("mismatch", call().moved("X-Amz-Expires=60", "X-Amz-Expires=61")),
        ("presigned", call().moved("X-Amz-Expires=60&?", "")),
        ("presigned", call().moved("X-Amz-Date=[^&]*", "X-Amz-Date=now")),
        ("presigned", call().moved("aws4_request", "aws5_request")),
        (misplaced, call().moved("X-Amz-SignedHeaders=[^&]*", "X-Amz-SignedHeaders=x-amz-date")),
        ("mismatch", call().moved("Signature=[0-9a-f]{64}", "Signature=" + "1" * 64)),
        ("key", call().moved("Credential=[^%]+", "Credential=AKIDNOBODYKNOWS0000")),
        ("token", call(token="of somebody else")),
        ("mismatch", call().moved("X-Amz-Algorithm", "x=y&X-Amz-Algorithm")),
        ("mismatch", call().set(method="DELETE" if service == "s3" else "GET")),
    ]):
        wanted = why if isinstance(why, tuple) else answer(service, why)
        assert changed.send() == wanted, (number, changed.url)


class Streamed:
    """S3 uploads in signed chunks."""

    def __init__(self, cloud, trailer):
        self.cloud = cloud
        self.kind = sigv4_oracle.STREAMING_TRAILER if trailer else sigv4_oracle.STREAMING
        self.trailer = trailer

    def call(self, data, change=lambda raw: raw):
        kind = self.kind
        headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(data))}
        if self.trailer:
            headers["x-amz-trailer"] = "x-amz-checksum-sha256"
        r = Call(self.cloud, "s3", kind=lambda *a: sigv4_oracle.StreamingS3Auth(kind, *a), headers=headers)
        chunker = Chunker(r.headers, self.cloud.region, dict(r.headers)["X-Amz-Date"], self.cloud.secret_access_key)
        return r.set(body=change(chunker.body(data, 8192, sha256_trailer(data) if self.trailer else None)))


@pytest.mark.parametrize("trailer", [False, True])
def test_uploads_in_signed_chunks(cloud, trailer):
    streamed, data, s3 = Streamed(cloud, trailer), bytes(range(256)) * 100, cloud.client("s3")
    s3.put_object(Bucket="door", Key="a key", Body=b"what stood there before")
    for change, code in [
        (lambda raw: raw.replace(b"\x05\x06", b"\x05\x07", 1), (403, "SignatureDoesNotMatch")),
        (lambda raw: re.sub(b"chunk-signature=....", b"chunk-signature=0000", raw, count=1), (403, "SignatureDoesNotMatch")),
        (lambda raw: raw[:9000], (400, "IncompleteBody")),
        (lambda raw: raw[:raw.rindex(b"0;chunk")], (400, "IncompleteBody")),
        (lambda raw: re.sub(b"(sha256:..|0;chunk-signature=..)(.)", lambda m: m[1] + bytes([m[2][0] ^ 1]), raw, count=1), (403, "SignatureDoesNotMatch")),
    ]:
        assert streamed.call(data, change).send() == code
        assert s3.get_object(Bucket="door", Key="a key")["Body"].read() == b"what stood there before"
    assert streamed.call(data).send() == (200, None)
    found = s3.get_object(Bucket="door", Key="a key")
    assert found["Body"].read() == data and "aws-chunked" not in found.get("ContentEncoding", "")
    # A digest that does not fit what came, though its signature does.
    if trailer:
        bad = streamed.call(data)
        chunker = Chunker(bad.headers, cloud.region, dict(bad.headers)["X-Amz-Date"], cloud.secret_access_key)
        assert bad.set(body=chunker.body(data, 8192, sha256_trailer(b"other"))).send() == (400, "BadDigest")
