"""The local cloud's S3 as boto3 and HTTP clients use it: what AWS documents of checksums, conditions, forms, hosts, refusals."""
import base64
import datetime
import hashlib
import hmac
import io
import json
import socket
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from test_local_s3 import MIB, bucket, code_of, crc32, finish, put, s3  # noqa: F401  (fixtures)

FIVE = bytes(range(256)) * (5 * MIB // 256)


def message_of(call, **kwargs):
    with pytest.raises(ClientError) as e:
        call(**kwargs)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


# --- operations ---


def every_request(model, name, bucket):
    """The least that an operation's model asks for."""
    def value(shape, member):
        if getattr(shape, "is_tagged_union", False):
            first = next(iter(shape.members))
            return {first: value(shape.members[first], first)}
        if shape.type_name == "structure":
            return {m: value(shape.members[m], m) for m in shape.required_members}
        if shape.type_name == "list":
            return [value(shape.member, member)]
        known = {"Bucket": bucket, "Key": "key", "CopySource": f"{bucket}/key", "UploadId": "none", "PartNumber": 1, "RenameSource": f"/{bucket}/key"}
        if member in known:
            return known[member]
        if getattr(shape, "enum", None):
            return shape.enum[0]
        return {"string": "x" * 20, "integer": 1, "long": 1, "boolean": True, "blob": b"x", "timestamp": datetime.datetime(2030, 1, 1)}.get(shape.type_name, {})

    shape = model.operation_model(name).input_shape
    return {m: value(shape.members[m], m) for m in shape.required_members} if shape else {}


def test_every_operation_is_served_or_refused_by_its_name(s3, bucket):
    """No request of S3's model is taken for another one: PutObjectAnnotation must not write the object."""
    model = s3.meta.service_model
    skipped = {"DeleteBucket", "DeleteObject", "DeleteObjects", "CreateBucket", "ListDirectoryBuckets", "WriteGetObjectResponse", "CreateSession"}
    refused = set()
    for name in model.operation_names:
        if name in skipped:
            continue
        s3.put_object(Bucket=bucket, Key="key", Body=b"as it was")
        try:
            getattr(s3, botocore.xform_name(name))(**every_request(model, name, bucket))
        except ClientError as e:
            error, status = e.response["Error"], e.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status != 500, (name, error)
            if error["Code"] == "NotImplemented":
                assert f"'{name}'" in error["Message"] or "(header" in error["Message"], (name, error)
                refused.add(name)
        except botocore.exceptions.ParamValidationError as e:
            raise AssertionError(f"{name}: the test's own request is wrong: {e}") from None
        if name not in ("PutObject", "CopyObject", "RestoreObject"):
            assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"as it was", name
    assert {"SelectObjectContent", "PutObjectAnnotation", "GetBucketAbac", "UpdateObjectEncryption"} <= refused
    assert not refused & {"PutObject", "PutBucketLifecycleConfiguration", "GetObjectAttributes", "PutBucketWebsite", "ListParts"}


def test_refused_by_name(s3, bucket):
    for word, params in (
        ("customer-provided keys", {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}),
        ("appending", {"WriteOffsetBytes": 1}), ("XXHASH64", {"ChecksumXXHASH64": "AAAAAAAAAAA="}),
    ):
        code, message = message_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **params)
        assert code == "NotImplemented" and word in message, message
    mfa = {"Status": "Enabled", "MFADelete": "Enabled"}
    assert "MFA delete" in message_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=mfa, MFA="arn 123456")[1]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_acls(s3, bucket):
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="public-read") == ("AccessControlListNotSupported", 400)
    assert code_of(s3.create_bucket, Bucket="open-bucket", ACL="public-read") == ("InvalidBucketAclWithObjectOwnership", 400)
    assert code_of(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == ("AccessControlListNotSupported", 400)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.create_bucket(Bucket="old-bucket", ACL="public-read", ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket="old-bucket", Key="k", Body=b"x", ACL="public-read")
    assert code_of(s3.put_object, Bucket="old-bucket", Key="k", Body=b"x", GrantRead="id=1", ACL="none-such")[1] == 400


def test_acls_said_twice_or_by_a_document(s3, bucket):
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    grants = [{"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]
    assert code_of(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy={"Grants": grants, "Owner": owner}) == ("AccessControlListNotSupported", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="private", GrantRead='id="1"') == ("InvalidRequest", 400)


def test_a_bucket_made_twice(cloud, s3):
    there = {"Bucket": "abroad", "CreateBucketConfiguration": {"LocationConstraint": "eu-north-1"}}
    s3.create_bucket(**there)
    for again in (there, {"Bucket": "abroad"}):
        found = error_of(s3.create_bucket, **again)
        assert (found["Code"], found["BucketName"]) == ("BucketAlreadyOwnedByYou", "abroad")


def test_encryption_is_told_again(s3, bucket):
    key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    r = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key, BucketKeyEnabled=True)
    assert (r["ServerSideEncryption"], r["SSEKMSKeyId"], r["BucketKeyEnabled"]) == ("aws:kms", key, True)
    r = s3.head_object(Bucket=bucket, Key="k")
    assert (r["ServerSideEncryption"], r["SSEKMSKeyId"], r["BucketKeyEnabled"]) == ("aws:kms", key, True)
    # the copy has what the bucket gives it, not what its source had
    assert s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in s3.head_object(Bucket=bucket, Key="c")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "1234"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put(s3, bucket, "d")
    assert s3.head_object(Bucket=bucket, Key="d")["SSEKMSKeyId"].endswith(":key/1234")
    up = {"Bucket": bucket, "Key": "m"}
    r = s3.create_multipart_upload(**up)
    assert r["ServerSideEncryption"] == "aws:kms"
    up["UploadId"] = r["UploadId"]
    part = s3.upload_part(**up, PartNumber=1, Body=b"x")
    assert part["ServerSideEncryption"] == "aws:kms"
    assert finish(s3, up, [{"PartNumber": 1, "ETag": part["ETag"]}])["ServerSideEncryption"] == "aws:kms"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", SSEKMSKeyId=key) == ("InvalidArgument", 400)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256")
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"


# --- conditions ---


def test_conditions_by_precedence(s3, bucket):
    """The table of the user guide: If-Match before If-Unmodified-Since, If-None-Match before If-Modified-Since."""
    put(s3, bucket, "k")
    head = s3.head_object(Bucket=bucket, Key="k")
    etag, at, hour = head["ETag"], head["LastModified"], datetime.timedelta(hours=1)
    table = [
        ({"IfMatch": etag, "IfUnmodifiedSince": at - hour}, 200), ({"IfMatch": '"no"', "IfUnmodifiedSince": at + hour}, 412),
        ({"IfNoneMatch": etag, "IfModifiedSince": at - hour}, 304), ({"IfNoneMatch": '"no"', "IfModifiedSince": at + hour}, 200),
        ({"IfMatch": etag, "IfNoneMatch": etag}, 304), ({"IfMatch": '"no"', "IfNoneMatch": '"no"'}, 412),
        ({"IfMatch": "*"}, 200), ({"IfNoneMatch": "*"}, 304), ({"IfMatch": f'"no", {etag}'}, 200), ({"IfUnmodifiedSince": at}, 200),
        ({"IfModifiedSince": at}, 304), ({"IfMatch": etag, "Range": "bytes=0-0"}, 206), ({"IfNoneMatch": etag, "Range": "bytes=9-"}, 304),
        ({"IfMatch": '"no"', "Range": "bytes=9-"}, 412), ({"Range": "bytes=9-"}, 416),
    ]
    for call in (s3.get_object, s3.head_object):
        for params, want in table:
            try:
                got = call(Bucket=bucket, Key="k", **params)["ResponseMetadata"]["HTTPStatusCode"]
            except ClientError as e:
                got = e.response["ResponseMetadata"]["HTTPStatusCode"]
            assert got == want, (call.__name__, params)
    copy = lambda **c: s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k", **{f"CopySource{k}": v for k, v in c.items()})  # noqa: E731
    copy(IfMatch=etag, IfUnmodifiedSince=at - hour)
    for c in ({"IfNoneMatch": etag, "IfModifiedSince": at - hour}, {"IfNoneMatch": etag}, {"IfModifiedSince": at + hour}, {"IfMatch": '"no"'}):
        assert code_of(copy, **c) == ("PreconditionFailed", 412)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", IfNoneMatch="*") == ("PreconditionFailed", 412)


def test_conditions_of_the_end_of_an_upload(s3, bucket):
    up = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    parts = [{"PartNumber": 1, "ETag": s3.upload_part(**up, PartNumber=1, Body=b"new")["ETag"]}]
    put(s3, bucket, "k", body=b"old")
    assert code_of(finish, s3, up, parts, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert code_of(finish, s3, up, parts, IfMatch='"no"') == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old" and s3.list_parts(**up)["Parts"]
    finish(s3, up, parts, IfMatch=s3.head_object(Bucket=bucket, Key="k")["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_conditional_deletes(s3, bucket):
    put(s3, bucket, "k", "other")
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert code_of(s3.delete_object, Bucket=bucket, Key="none", IfMatch="*") == ("NoSuchKey", 404)
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"no"') == ("PreconditionFailed", 412)
    r = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": '"no"'}, {"Key": "other"}], "Quiet": True})
    assert [(e["Key"], e["Code"]) for e in r["Errors"]] == [("k", "PreconditionFailed")] and "Deleted" not in r
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, "k")
    s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", IfMatch="*") == ("PreconditionFailed", 412)


# --- checksums ---


def test_default_checksum_is_crc64nvme(cloud, s3, bucket):
    """Without one from the client (here: one that computes none), S3 keeps CRC64NVME of the whole object, parts or not."""
    plain = cloud.client("s3", request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    r = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (r["ChecksumCRC64NVME"], r["ChecksumType"]) == ("rosUhgp5mIg=", "FULL_OBJECT")
    up = {"Bucket": bucket, "Key": "m", "UploadId": plain.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]}
    parts = [{"PartNumber": n, "ETag": plain.upload_part(**up, PartNumber=n, Body=b)["ETag"]} for n, b in ((1, FIVE), (2, b"tail"))]
    joined = finish(plain, up, parts)
    plain.put_object(Bucket=bucket, Key="whole", Body=FIVE + b"tail")
    whole = s3.head_object(Bucket=bucket, Key="whole", ChecksumMode="ENABLED")["ChecksumCRC64NVME"]
    assert joined["ChecksumCRC64NVME"] == whole and joined["ChecksumType"] == "FULL_OBJECT"
    # what is asked for when the object is read is checked by botocore, where it can
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == FIVE + b"tail"


@pytest.mark.parametrize("algorithm", ["SHA512", "MD5"])
def test_newer_checksums(cloud, s3, bucket, algorithm):
    value = base64.b64encode(hashlib.new(algorithm.lower(), b"123456789").digest()).decode()
    plain, name = cloud.client("s3", request_checksum_calculation="when_required"), f"Checksum{algorithm}"
    plain.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{name: value})
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == value
    assert code_of(plain.put_object, Bucket=bucket, Key="k", Body=b"x", **{name: value}) == ("BadDigest", 400)


def test_checksums_of_parts(cloud, s3, bucket):
    plain = cloud.client("s3", request_checksum_calculation="when_required")
    up = {"Bucket": bucket, "Key": "k", "UploadId": plain.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]}
    code, message = message_of(plain.upload_part, **up, PartNumber=1, Body=b"x", ChecksumCRC32=crc32(b"x"))
    assert (code, "expected checksum Type: sha256, actual checksum Type: crc32" in message) == ("InvalidRequest", True)
    sums = {n: base64.b64encode(hashlib.sha256(b).digest()).decode() for n, b in ((1, FIVE), (2, b"tail"))}
    assert code_of(plain.upload_part, **up, PartNumber=1, Body=b"bad", ChecksumSHA256=sums[1]) == ("BadDigest", 400)
    assert "Parts" not in plain.list_parts(**up)
    parts = []
    for n, body in ((1, FIVE), (2, b"tail")):
        r = plain.upload_part(**up, PartNumber=n, Body=body, ChecksumSHA256=sums[n])
        parts.append({"PartNumber": n, "ETag": r["ETag"], "ChecksumSHA256": r["ChecksumSHA256"]})
    code, message = message_of(finish, s3=plain, upload=up, parts=[{k: v for k, v in p.items() if k != "ChecksumSHA256"} for p in parts])
    assert code == "InvalidRequest" and "missing for part 1" in message
    r = finish(plain, up, parts)
    assert r["ChecksumSHA256"].endswith("-2") and r["ChecksumType"] == "COMPOSITE"
    r = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (r["ChecksumSHA256"], r["Body"].read(), r["PartsCount"]) == (sums[2], b"tail", 2)
    page = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 1 and [p["PartNumber"] for p in page["Parts"]] == [1]
    page = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], PartNumberMarker=1)["ObjectParts"]
    assert not page["IsTruncated"] and [p["ChecksumSHA256"] for p in page["Parts"]] == [sums[2]]
    assert code_of(s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["Nothing"]) == ("InvalidArgument", 400)


class TrailerAuth(botocore.auth.S3SigV4Auth):
    def payload(self, request):
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def signed_put(cloud, path, headers, data, auth=botocore.auth.S3SigV4Auth):
    """A PUT as it stands here, signed by botocore; header values may be any text."""
    credentials = botocore.credentials.Credentials(cloud.access_key_id, cloud.secret_access_key)
    request = botocore.awsrequest.AWSRequest("PUT", cloud.endpoint + path, headers, data if auth is botocore.auth.S3SigV4Auth else b"")
    auth(credentials, "s3", cloud.region).add_auth(request)
    return requests.put(request.url, data=data, headers={k: str(v).encode() for k, v in request.headers.items()}, timeout=10)


def test_wrong_trailer(cloud, s3, bucket):
    """The framing of unsigned chunks with a checksum behind them; with a wrong one nothing is stored."""
    headers = {"x-amz-trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "5"}
    framed = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n"
    r = signed_put(cloud, f"/{bucket}/k", headers, framed % crc32(b"jello").encode(), TrailerAuth)
    assert r.status_code == 400 and "<Code>BadDigest</Code>" in r.text, r.text
    assert code_of(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)
    r = signed_put(cloud, f"/{bucket}/k", headers, framed % crc32(b"hello").encode(), TrailerAuth)
    assert r.status_code == 200, r.text
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


# --- forms, presigned, hosts ---


def post(form, data=b"hello", name="a b.txt", **fields):
    return requests.post(form["url"], data={**form["fields"], **fields}, files={"file": (name, data)}, allow_redirects=False, timeout=10)


def test_presigned_post(cloud, s3, bucket):
    client = cloud.client("s3", signature_version="s3v4")
    sign = lambda key="up/${filename}", fields=None, conditions=None, seconds=60: client.generate_presigned_post(  # noqa: E731
        bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=seconds
    )
    r = post(sign())
    assert r.status_code == 204 and r.headers["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key="up/a b.txt")["Body"].read() == b"hello"
    fields = {"Content-Type": "text/x", "x-amz-meta-a": "b", "acl": "private", "success_action_status": "201", "tagging":
              "<Tagging><TagSet><Tag><Key>t</Key><Value>ü &amp; v</Value></Tag></TagSet></Tagging>"}
    conditions = [{k: v} for k, v in fields.items()] + [["content-length-range", 1, 9 * MIB], ["starts-with", "$key", "d/"]]
    data = b"\r\n--" + FIVE + b"\r\n--x"  # what looks like a boundary is none
    r = post(sign("d/k", fields, conditions), data)
    assert r.status_code == 201, r.text
    assert "<PostResponse" in r.text and "<Key>d/k</Key>" in r.text
    got = s3.get_object(Bucket=bucket, Key="d/k")
    assert got["Body"].read() == data and (got["ContentType"], got["Metadata"]) == ("text/x", {"a": "b"})
    assert s3.get_object_tagging(Bucket=bucket, Key="d/k")["TagSet"] == [{"Key": "t", "Value": "ü & v"}]
    there = {"success_action_redirect": "http://localhost/done?x=1"}
    r = post(sign("r", there, [there]))
    assert r.status_code == 303 and r.headers["Location"].startswith(f"http://localhost/done?x=1&bucket={bucket}&key=r&etag=")


def policy_without_bucket(cloud, form):
    """The same form with a policy that does not say for which bucket, signed as it should be."""
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    policy["conditions"] = [c for c in policy["conditions"] if "bucket" not in c]
    text = base64.b64encode(json.dumps(policy).encode()).decode()
    key = ("AWS4" + cloud.secret_access_key).encode()
    for part in (*form["fields"]["x-amz-credential"].split("/")[1:], text):
        digest = hmac.new(key, part.encode(), hashlib.sha256)
        key = digest.digest()
    return {"url": form["url"], "fields": {**form["fields"], "policy": text, "x-amz-signature": digest.hexdigest()}}


def test_presigned_post_refusals(cloud, s3, bucket):
    client = cloud.client("s3", signature_version="s3v4")
    sign = lambda conditions=None, seconds=60: client.generate_presigned_post(bucket, "k", Conditions=conditions, ExpiresIn=seconds)  # noqa: E731

    def refused(r, code, status, text=""):
        assert r.status_code == status and f"<Code>{code}</Code>" in r.text and text in r.text, r.text

    refused(post(sign(seconds=-10)), "AccessDenied", 403, "Policy expired")
    refused(post(sign([["content-length-range", 1, 3]])), "EntityTooLarge", 400)
    refused(post(sign([["content-length-range", 9, 99]])), "EntityTooSmall", 400)
    refused(post(sign(), extra="1"), "AccessDenied", 403, "Extra input fields: extra")
    refused(post(sign([["starts-with", "$Content-Type", "image/"]]), **{"Content-Type": "text/x"}), "AccessDenied", 403, "Policy Condition failed")
    refused(post(sign(), key="other"), "AccessDenied", 403, "Policy Condition failed")
    refused(post(sign(), **{"x-amz-signature": "0" * 64}), "SignatureDoesNotMatch", 403)
    form = sign()
    form["fields"]["x-amz-credential"] = form["fields"]["x-amz-credential"].replace(cloud.access_key_id, "AKIANONE")
    refused(post(form), "InvalidAccessKeyId", 403)
    refused(requests.post(sign()["url"], files={"file": b"x"}, timeout=10), "InvalidArgument", 400)
    refused(requests.post(sign()["url"], data={"key": "k"}, files={"file": b"x"}, timeout=10), "AccessDenied", 403)
    form = sign()
    assert post(form, **{"x-ignore-me": "1"}).status_code == 204
    s3.delete_object(Bucket=bucket, Key="k")
    # a name that no list could show; a policy that is for no bucket
    any_name = client.generate_presigned_post(bucket, "up/${filename}", ExpiresIn=60)
    head = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in any_name["fields"].items()).encode()
    body = head + b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff\xfe\x01"\r\n\r\nhello\r\n--x--\r\n'
    refused(requests.post(any_name["url"], data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}, timeout=10), "InvalidURI", 400)
    refused(post(policy_without_bucket(cloud, any_name)), "AccessDenied", 403, "Extra input fields: bucket")
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    policy["conditions"].append({"acl": "public-read"})
    form["fields"]["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
    refused(post(form), "SignatureDoesNotMatch", 403)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_presigned_urls(cloud, s3, bucket):
    put(s3, bucket, "a b/ü", body=b"hello")
    client = cloud.client("s3", signature_version="s3v4")
    sign = lambda op, seconds=60, **p: client.generate_presigned_url(op, Params={"Bucket": bucket, "Key": "a b/ü", **p}, ExpiresIn=seconds)  # noqa: E731
    r = requests.get(sign("get_object", ResponseContentType="text/x", ResponseContentDisposition='attachment; filename="ü.txt"'), timeout=10)
    assert (r.text, r.headers["Content-Type"]) == ("hello", "text/x") and r.headers["Content-Disposition"].startswith("attachment")
    assert requests.get(sign("get_object"), headers={"Range": "bytes=1-2"}, timeout=10).text == "el"
    assert requests.head(sign("head_object"), timeout=10).headers["Content-Length"] == "5"
    r = requests.put(sign("put_object", ContentType="text/y", Metadata={"m": "1"}), data=b"new", headers={"Content-Type": "text/y", "x-amz-meta-m": "1"}, timeout=10)
    assert r.status_code == 200, r.text
    assert s3.head_object(Bucket=bucket, Key="a b/ü")["Metadata"] == {"m": "1"}
    assert "SignatureDoesNotMatch" in requests.put(sign("put_object", ContentType="text/y"), data=b"n", headers={"Content-Type": "text/z"}, timeout=10).text
    assert "SignatureDoesNotMatch" in requests.get(sign("put_object"), timeout=10).text
    r = requests.get(sign("get_object", seconds=-5).replace("X-Amz-Expires=-5", "X-Amz-Expires=1"), timeout=10)
    assert r.status_code in (400, 403)
    url = client.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "Prefix": "a b/"})
    assert requests.get(url, timeout=10).text.count("<Contents>") == 1
    url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert requests.put(url, data=b"", headers={"x-amz-meta-a": "not signed"}, timeout=10).status_code == 403
    assert requests.delete(sign("delete_object"), timeout=10).status_code == 204
    assert requests.get(sign("get_object"), timeout=10).status_code == 404


def test_signature_version_2(cloud, s3, bucket):
    """What boto3 makes in us-east-1 when it is not told a version: a query that S3 takes as headers, and forms."""
    client = cloud.client("s3", signature_version="s3-query")
    key = {"Bucket": bucket, "Key": "a b/ü+"}
    url = client.generate_presigned_url("put_object", Params={**key, "Metadata": {"venue": "1 2"}, "ContentType": "text/x"})
    assert "AWSAccessKeyId=" in url
    assert requests.put(url, data=b"hello", headers={"Content-Type": "text/y"}, timeout=10).status_code == 403
    assert requests.put(url, data=b"hello", headers={"Content-Type": "text/x"}, timeout=10).status_code == 200
    assert s3.head_object(**key)["Metadata"] == {"venue": "1 2"}
    url = client.generate_presigned_url("get_object", Params={**key, "ResponseContentType": "text/z"})
    r = requests.get(url, timeout=10)
    assert (r.text, r.headers["Content-Type"]) == ("hello", "text/z")
    assert "SignatureDoesNotMatch" in requests.get(url + "&versionId=null", timeout=10).text
    assert "SignatureDoesNotMatch" in requests.delete(url, timeout=10).text
    assert "Request has expired" in requests.get(client.generate_presigned_url("get_object", Params=key, ExpiresIn=-5), timeout=10).text
    other = boto3.client("s3", endpoint_url=cloud.endpoint, region_name="us-east-1", aws_access_key_id="AKIANONE", aws_secret_access_key="x",
                         config=Config(signature_version="s3-query"))
    assert "InvalidAccessKeyId" in requests.get(other.generate_presigned_url("get_object", Params=key), timeout=10).text
    form = cloud.client("s3", signature_version="s3").generate_presigned_post(bucket, "up", ExpiresIn=60)
    assert "AWSAccessKeyId" in form["fields"] and post(form).status_code == 204
    form["fields"]["signature"] = "AAAA" + form["fields"]["signature"][4:]
    assert post(form).status_code == 403
    # what is not signed is no header: in lower case it would be
    url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "up"})
    assert requests.put(url + f"&x-amz-copy-source=/{bucket}/a%20b/ü%2B", data=b"", timeout=10).status_code == 403
    assert requests.put(url + f"&X-Amz-Copy-Source=/{bucket}/a%20b/ü%2B", data=b"mine", timeout=10).status_code == 200
    assert s3.get_object(Bucket=bucket, Key="up")["Body"].read() == b"mine"


def test_what_looks_like_a_form_is_signed_all_the_same(cloud, s3, bucket):
    put(s3, bucket, "k", body=b"hello")
    for query in ("uploads", "restore", "uploadId=x"):
        r = requests.post(f"{cloud.endpoint}/{bucket}/k?{query}", headers={"Content-Type": "multipart/form-data; boundary=x"}, data=b"", timeout=10)
        assert (r.status_code, "AccessDenied" in r.text) == (403, True), query
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize("name", ["s3-logs.of.s3.mine", "plain-bucket"])
def test_virtual_hosts(cloud, monkeypatch, name):
    """Everything that boto3 does, with the bucket in the host's name; every name of *.localhost leads to loopback."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1" if str(host).endswith((".localhost", ".amazonaws.com")) else host, *a, **k))
    port = urllib.parse.urlsplit(cloud.endpoint).port
    for host in ("localhost", "s3.localhost", "s3.us-east-1.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com"):
        client = boto3.client(
            "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id=cloud.access_key_id,
            aws_secret_access_key=cloud.secret_access_key, config=Config(s3={"addressing_style": "virtual"}, retries={"max_attempts": 1}),
        )
        seen = []
        client.meta.events.register("before-send.s3", lambda request, **_: seen.append(urllib.parse.urlsplit(request.url).hostname))
        bucket = name if host != "localhost" or ".s3." not in name else "plain-bucket"
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="d/k ü", Body=b"hello")
        assert client.get_object(Bucket=bucket, Key="d/k ü")["Body"].read() == b"hello"
        assert client.list_objects_v2(Bucket=bucket, Prefix="d/")["KeyCount"] == 1
        client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "d/k ü"})
        client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "d/k ü"}]})
        assert client.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
        client.delete_bucket(Bucket=bucket)
        assert set(seen) - {host} == {f"{bucket}.{host}"} and seen.count(host) <= 1  # GetBucketLocation never has it


# --- metadata, copies, transfers ---


def test_metadata_in_other_letters(cloud, s3, bucket):
    """Bytes that are no ASCII come back in RFC 2047's words, as S3 gives them back."""
    r = signed_put(cloud, f"/{bucket}/k", {"x-amz-meta-name": "grün", "x-amz-meta-ascii": "plain"}, b"")
    assert r.status_code == 200, r.text
    metadata = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    assert metadata == {"name": "=?UTF-8?B?" + base64.b64encode("grün".encode()).decode() + "?=", "ascii": "plain"}


def test_copies_within(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentType="text/a", Metadata={"m": "1"}, WebsiteRedirectLocation="/x", Tagging="t=1")
    copy = lambda key="k", **p: s3.copy_object(Bucket=bucket, Key=key, **{"CopySource": f"{bucket}/k", **p})  # noqa: E731
    assert code_of(copy) == ("InvalidRequest", 400)
    assert code_of(copy, key="c", MetadataDirective="SOME") == ("InvalidArgument", 400)
    copy(MetadataDirective="REPLACE", Metadata={"m": "2"})
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["ContentType"]) == ({"m": "2"}, "binary/octet-stream") and "WebsiteRedirectLocation" not in head
    copy(StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"
    copy("c", TaggingDirective="REPLACE", Tagging="u=2&v=3")
    assert {t["Key"] for t in s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"]} == {"u", "v"}
    copy("c", ChecksumAlgorithm="SHA256")
    r = s3.head_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")
    assert r["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.head_object(Bucket=bucket, Key="k").get("VersionId", "null")
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    r = copy(CopySource={"Bucket": bucket, "Key": "k", "VersionId": old})  # an old version on top again
    assert r["VersionId"] not in (old, new) and s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert copy("c", CopySource={"Bucket": bucket, "Key": "k", "VersionId": new})["CopySourceVersionId"] == new
    s3.delete_object(Bucket=bucket, Key="k")
    assert code_of(copy, key="c") == ("NoSuchKey", 404)


def test_transfer_manager_leaves_nothing_behind(s3, bucket):
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=2)
    s3.upload_fileobj(io.BytesIO(FIVE * 2 + b"tail"), bucket, "k", Config=config, ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": {"a": "b"}})
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"].endswith('-3"')
    got = io.BytesIO()
    s3.download_fileobj(bucket, "k", got, Config=config)
    assert got.getvalue() == FIVE * 2 + b"tail"
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "c", Config=config)
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"a": "b"}

    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 6 * MIB:
                raise OSError("the source breaks")
            return super().read(size)

    with pytest.raises(OSError, match="the source breaks"):
        s3.upload_fileobj(Broken(FIVE * 3), bucket, "broken", Config=config)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert code_of(s3.head_object, Bucket=bucket, Key="broken") == ("404", 404)


def test_tag_limits(s3, bucket):
    put(s3, bucket, "k")
    tags = [{"Key": f"k{i}", "Value": "v"} for i in range(11)]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags[:10]})
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": tags}) == ("BadRequest", 400)
    for tag in ({"Key": "k" * 129, "Value": ""}, {"Key": "k", "Value": "v" * 257}, {"Key": "aws:x", "Value": ""}):
        assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": [tag]}) == ("InvalidTag", 400)
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "ü" * 128, "Value": "ü" * 256}]})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"2", Tagging="a=1")["VersionId"]
    assert len(s3.get_object_tagging(Bucket=bucket, Key="k", VersionId="null")["TagSet"][0]["Key"]) == 128
    assert s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=new, Tagging={"TagSet": []})["VersionId"] == new
    assert s3.delete_object_tagging(Bucket=bucket, Key="k")["VersionId"] == new
    assert len(s3.get_object_tagging(Bucket=bucket, Key="k", VersionId="null")["TagSet"]) == 1


def test_part_number_of_one_piece(s3, bucket):
    put(s3, bucket, "k", body=b"hello")
    put(s3, bucket, "empty", body=b"")
    r = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (r["Body"].read(), r["ContentRange"]) == (b"hello", "bytes 0-4/5")
    assert s3.get_object(Bucket=bucket, Key="empty", PartNumber=1)["Body"].read() == b""
    assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=2)[1] == 416
    assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1") == ("InvalidRequest", 400)


# --- what errors tell beside their code ---


def error_of(call, **kwargs):
    with pytest.raises(ClientError) as e:
        call(**kwargs)
    return e.value.response["Error"]


def test_errors_tell_what_they_are_about(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    assert error_of(s3.list_objects_v2, Bucket="no-such-bucket")["BucketName"] == "no-such-bucket"
    assert error_of(s3.get_bucket_policy, Bucket=bucket)["BucketName"] == bucket
    missing = {"Code": "NoSuchKey", "Message": "The specified key does not exist.", "Key": "none"}
    assert error_of(s3.get_object, Bucket=bucket, Key="none") == missing
    assert error_of(s3.copy_object, Bucket=bucket, Key="k2", CopySource=f"{bucket}/none") == missing
    assert error_of(s3.copy_object, Bucket=bucket, Key="k2", CopySource="no-such-bucket/k")["BucketName"] == "no-such-bucket"
    assert error_of(s3.list_parts, Bucket=bucket, Key="k", UploadId="u1")["UploadId"] == "u1"
    found = error_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-20")
    assert (found["Code"], found["RangeRequested"], found["ActualObjectSize"]) == ("InvalidRange", "bytes=10-20", "10")
    found = error_of(s3.list_parts, Bucket=bucket, Key="k", UploadId="u1", MaxParts=-42)
    assert (found["Message"], found["ArgumentValue"]) == ("Argument max-parts must be an integer between 0 and 2147483647", "-42")
    for call, kwargs, condition in (
        (s3.get_object, {"IfMatch": "x"}, "If-Match"), (s3.delete_object, {"IfMatch": "x"}, "If-Match"),
        (s3.put_object, {"IfNoneMatch": "*", "Body": b"x"}, "If-None-Match"),
        (s3.copy_object, {"CopySource": f"{bucket}/k", "CopySourceIfMatch": "x"}, "x-amz-copy-source-If-Match"),
    ):
        found = error_of(call, Bucket=bucket, Key="k", **kwargs)
        assert (found["Code"], found["Condition"]) == ("PreconditionFailed", condition)


def test_a_completion_sent_again_is_answered_again(s3, bucket):
    up = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    parts = [{"PartNumber": 1, "ETag": s3.upload_part(**up, PartNumber=1, Body=b"one")["ETag"]}]
    first, again = finish(s3, up, parts), finish(s3, up, parts, IfNoneMatch="*")
    assert first["ETag"] == again["ETag"] and first["Location"] == again["Location"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    with pytest.raises(ClientError, match="NoSuchUpload"):
        finish(s3, up, parts)


# --- configurations that S3 would not take, and what it adds to those that it takes ---


@pytest.mark.parametrize("call, name, value, code", [
    ("put_bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "On"}, "MalformedXML"),
    ("put_bucket_cors", "CORSConfiguration", {"CORSRules": []}, "MalformedXML"),
    ("put_bucket_cors", "CORSConfiguration", {"CORSRules": [{"AllowedMethods": ["GRAB"], "AllowedOrigins": ["*"]}]}, "InvalidRequest"),
    ("put_bucket_lifecycle_configuration", "LifecycleConfiguration", {"Rules": [{"Status": "Enabled", "Expiration": {"Days": 1}}]}, "MalformedXML"),
    ("put_bucket_lifecycle_configuration", "LifecycleConfiguration", {
        "Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}],
    }, "MalformedXML"),
    ("put_bucket_lifecycle_configuration", "LifecycleConfiguration", {
        "Rules": [{"ID": "a", "Status": "Enabled", "Prefix": str(n), "Expiration": {"Days": 1}} for n in range(2)],
    }, "InvalidArgument"),
    ("put_bucket_logging", "BucketLoggingStatus", {"LoggingEnabled": {"TargetBucket": "none-such", "TargetPrefix": ""}}, "InvalidTargetBucketForLogging"),
    ("put_bucket_notification_configuration", "NotificationConfiguration", {
        "QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:Nothing"]}],
    }, "InvalidArgument"),
    ("put_bucket_notification_configuration", "NotificationConfiguration", {
        "TopicConfigurations": [{"TopicArn": "arn:aws:sns:eu-west-1:000000000000:t", "Events": ["s3:ObjectCreated:*"]}],
    }, "InvalidArgument"),
    ("put_bucket_replication", "ReplicationConfiguration", {
        "Role": "r", "Rules": [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::b"}}],
    }, "InvalidRequest"),
    ("put_public_access_block", "PublicAccessBlockConfiguration", {}, "InvalidRequest"),
    ("put_object_lock_configuration", "ObjectLockConfiguration", {"ObjectLockEnabled": "Enabled"}, "InvalidBucketState"),
])
def test_wrong_configurations(s3, bucket, call, name, value, code):
    assert code_of(getattr(s3, call), Bucket=bucket, **{name: value})[0] == code


def test_configurations_are_completed(s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False,
    }
    rule = {"Status": "Enabled", "Filter": {"Prefix": "a&b/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule, rule]})
    kept = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert len({k.pop("ID") for k in kept}) == 2 and kept == [rule, rule]
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]})
    (kept,) = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert kept.pop("Id") and kept == queue


# --- object locks ---


@pytest.fixture
def locked(s3):
    s3.create_bucket(Bucket="locked-bucket", ObjectLockEnabledForBucket=True)
    return "locked-bucket"


def in_days(n):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=n)).replace(microsecond=0)


def test_locks_guard_versions(s3, locked):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert code_of(s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration={"Status": "Suspended"}) == ("InvalidBucketState", 409)
    version = s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(2))["VersionId"]
    one = {"Bucket": locked, "Key": "k", "VersionId": version}
    assert s3.get_object_retention(**one)["Retention"] == {
        "Mode": "GOVERNANCE", "RetainUntilDate": s3.head_object(**one)["ObjectLockRetainUntilDate"],
    }
    assert code_of(s3.get_object_legal_hold, **one) == ("NoSuchObjectLockConfiguration", 404)
    assert code_of(s3.delete_object, **one) == ("AccessDenied", 403)
    (error,) = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})["Errors"]
    assert (error["Code"], error["Message"]) == ("AccessDenied", "Access Denied because object protected by object lock.")
    assert s3.delete_object(Bucket=locked, Key="k")["DeleteMarker"] is True
    s3.put_object_legal_hold(**one, LegalHold={"Status": "ON"})
    assert code_of(s3.delete_object, **one, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    s3.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
    s3.delete_object(**one, BypassGovernanceRetention=True)
    assert code_of(s3.head_object, **one) == ("404", 404)


def test_retentions_grow_only(s3, locked):
    one = {"Bucket": locked, "Key": "k", "VersionId": s3.put_object(Bucket=locked, Key="k", Body=b"x")["VersionId"]}
    retain = lambda mode, days, **kw: s3.put_object_retention(**one, Retention={"Mode": mode, "RetainUntilDate": in_days(days)}, **kw)  # noqa: E731
    assert code_of(retain, "GOVERNANCE", -1) == ("InvalidArgument", 400)
    retain("GOVERNANCE", 2)
    retain("GOVERNANCE", 3)
    assert code_of(retain, "GOVERNANCE", 1) == ("AccessDenied", 403)
    retain("GOVERNANCE", 1, BypassGovernanceRetention=True)
    retain("COMPLIANCE", 2)
    assert code_of(retain, "COMPLIANCE", 1, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    assert code_of(retain, "GOVERNANCE", 5, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    assert code_of(s3.delete_object, **one, BypassGovernanceRetention=True) == ("AccessDenied", 403)


def test_default_retention_and_copies(s3, bucket, locked):
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    held = s3.put_object(Bucket=locked, Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.copy_object(Bucket=locked, Key="copy", CopySource=f"{locked}/held")
    assert s3.head_object(Bucket=locked, Key="held", VersionId=held["VersionId"])["ObjectLockLegalHoldStatus"] == "ON"
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(Bucket=locked, Key="copy")
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    s3.put_object(Bucket=locked, Key="k", Body=b"x")
    head = s3.head_object(Bucket=locked, Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE" and in_days(0) < head["ObjectLockRetainUntilDate"] <= in_days(1) + datetime.timedelta(seconds=1)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON") == ("InvalidRequest", 400)
    assert code_of(s3.get_object_retention, Bucket=bucket, Key="none") == ("NoSuchKey", 404)


def test_archived_objects_are_restored_first(s3, bucket):
    s3.put_object(Bucket=bucket, Key="cold", Body=b"cold", StorageClass="GLACIER")
    found = error_of(s3.get_object, Bucket=bucket, Key="cold")
    assert (found["Code"], found["StorageClass"]) == ("InvalidObjectState", "GLACIER")
    assert error_of(s3.copy_object, Bucket=bucket, Key="warm", CopySource=f"{bucket}/cold")["Code"] == "ObjectNotInActiveTierError"
    for status in (202, 200):
        assert s3.restore_object(Bucket=bucket, Key="cold", RestoreRequest={"Days": 2})["ResponseMetadata"]["HTTPStatusCode"] == status
    assert s3.get_object(Bucket=bucket, Key="cold")["Body"].read() == b"cold"
    assert 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key="cold")["Restore"]
    s3.copy_object(Bucket=bucket, Key="warm", CopySource=f"{bucket}/cold")
    warm = s3.head_object(Bucket=bucket, Key="warm")
    assert "Restore" not in warm and "StorageClass" not in warm
    assert error_of(s3.restore_object, Bucket=bucket, Key="warm", RestoreRequest={"Days": 1})["Code"] == "InvalidObjectState"
