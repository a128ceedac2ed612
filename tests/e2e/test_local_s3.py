"""The local cloud's S3, with boto3 and the AWS CLI as clients."""
import base64
import datetime
import hashlib
import http.client
import io
import os
import urllib.parse
import zlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture
def s3(cloud):
    return cloud.client("s3")


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket="lake-test")
    return "lake-test"


def code_of(call, *args, **kwargs):
    """(code, status) of the error that a call must give."""
    with pytest.raises(ClientError) as e:
        call(*args, **kwargs)
    return e.value.response["Error"]["Code"], e.value.response["ResponseMetadata"]["HTTPStatusCode"]


def put(s3, bucket, *keys, body=b"x"):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def keys_of(page):
    return [o["Key"] for o in page.get("Contents", [])], [p["Prefix"] for p in page.get("CommonPrefixes", [])]


# --- buckets ---


def test_bucket_life(s3):
    s3.create_bucket(Bucket="one-bucket")
    s3.create_bucket(Bucket="one-bucket")  # us-east-1 says 200 again
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["one-bucket"]
    assert s3.head_bucket(Bucket="one-bucket")["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="one-bucket")["LocationConstraint"] is None
    put(s3, "one-bucket", "a")
    assert code_of(s3.delete_bucket, Bucket="one-bucket") == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket="one-bucket", Key="a")
    s3.delete_bucket(Bucket="one-bucket")
    assert code_of(s3.head_bucket, Bucket="one-bucket") == ("404", 404)
    assert code_of(s3.list_objects_v2, Bucket="one-bucket") == ("NoSuchBucket", 404)
    assert code_of(s3.put_object, Bucket="one-bucket", Key="k", Body=b"x") == ("NoSuchBucket", 404)


def test_bucket_regions(cloud, s3):
    ireland = boto3.client(
        "s3", endpoint_url=cloud.judged(), region_name="eu-west-1", aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key=cloud.secret_access_key,
    )
    where = lambda r: {"LocationConstraint": r}  # noqa: E731
    assert code_of(ireland.create_bucket, Bucket="eu-bucket")[0] == "IllegalLocationConstraintException"
    assert code_of(ireland.create_bucket, Bucket="eu-bucket", CreateBucketConfiguration=where("eu-central-1"))[0] == (
        "IllegalLocationConstraintException"
    )
    assert code_of(s3.create_bucket, Bucket="eu-bucket", CreateBucketConfiguration=where("us-east-1"))[0] == "InvalidLocationConstraint"
    ireland.create_bucket(Bucket="eu-bucket", CreateBucketConfiguration=where("eu-west-1"))
    assert ireland.get_bucket_location(Bucket="eu-bucket")["LocationConstraint"] == "eu-west-1"
    assert code_of(ireland.create_bucket, Bucket="eu-bucket", CreateBucketConfiguration=where("eu-west-1")) == (
        "BucketAlreadyOwnedByYou", 409,
    )


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "-ab", "ab-", "192.168.1.1", "a_b", "x" * 64, "xn--abc"])
def test_bucket_names(cloud, name):
    s3 = cloud.client("s3", parameter_validation=False)
    assert code_of(s3.create_bucket, Bucket=name) == ("InvalidBucketName", 400)


def test_expected_owner(cloud, s3, bucket):
    put(s3, bucket, "a")
    s3.get_object(Bucket=bucket, Key="a", ExpectedBucketOwner=cloud.account)
    assert code_of(s3.get_object, Bucket=bucket, Key="a", ExpectedBucketOwner="999999999999") == ("AccessDenied", 403)
    assert code_of(s3.delete_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999") == ("AccessDenied", 403)


def test_bucket_settings(s3, bucket):
    block = {k: True for k in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    block["BlockPublicPolicy"] = False
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    s3.delete_public_access_block(Bucket=bucket)
    assert code_of(s3.get_public_access_block, Bucket=bucket) == ("NoSuchPublicAccessBlockConfiguration", 404)

    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]

    life = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]}
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=life)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == life["Rules"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)[0] == "NoSuchLifecycleConfiguration"

    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    assert code_of(s3.get_bucket_cors, Bucket=bucket)[0] == "NoSuchCORSConfiguration"
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors["CORSRules"]

    assert code_of(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::lake-test/*"}]}'
    )
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy="{no") == ("MalformedPolicy", 400)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=bucket)

    assert s3.get_bucket_notification_configuration(Bucket=bucket).get("QueueConfigurations") is None
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    for call, code in (
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"), (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"), (s3.get_bucket_tagging, "NoSuchTagSet"),
    ):
        assert code_of(call, Bucket=bucket) == (code, 404)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)

    metrics = {"Id": "all"}
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="all", MetricsConfiguration=metrics)
    assert s3.get_bucket_metrics_configuration(Bucket=bucket, Id="all")["MetricsConfiguration"] == metrics
    assert s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"] == [metrics]
    assert code_of(s3.get_bucket_metrics_configuration, Bucket=bucket, Id="none") == ("NoSuchConfiguration", 404)


def test_bucket_tags(cloud, s3, bucket):
    tags = [{"Key": "glueproj:project", "Value": "lake"}, {"Key": "k", "Value": "ü & <v>"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    found = cloud.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "glueproj:project", "Values": ["lake"]}], ResourceTypeFilters=["s3"]
    )
    assert [r["ResourceARN"] for r in found["ResourceTagMappingList"]] == ["arn:aws:s3:::lake-test"]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert code_of(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": twice})[0] == "InvalidTag"
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code_of(s3.get_bucket_tagging, Bucket=bucket)[0] == "NoSuchTagSet"


# --- objects ---

ODD_KEYS = [
    "plain", "a b+c", "ü/ñ/漢字", "year=2024/month=01/part-0000.parquet", "a//b", "/lead", "..", "a/../b", "%41%2F", "q?x=1&y=2", "#h", "tab\there",
    "trail/", "quote'\"<>&", "~tilde", "x" * 1024,
]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys(s3, bucket, key):
    body = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert keys_of(s3.list_objects_v2(Bucket=bucket))[0] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "copy"}]})["Deleted"]
    assert sorted(d["Key"] for d in gone) == sorted([key, "copy"])
    assert code_of(s3.get_object, Bucket=bucket, Key=key) == ("NoSuchKey", 404)


def test_key_too_long(s3, bucket):
    assert code_of(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == ("KeyTooLongError", 400)


def test_object_headers(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="k", Body=b"{}", ContentType="application/json", CacheControl="no-cache", ContentDisposition="inline",
        ContentEncoding="gzip", ContentLanguage="de", Metadata={"Owner": "me", "n": "1"}, StorageClass="STANDARD_IA", Tagging="a=1&b=x%20y",
    )
    r = s3.head_object(Bucket=bucket, Key="k")
    assert (r["ContentType"], r["CacheControl"], r["ContentDisposition"], r["ContentEncoding"], r["ContentLanguage"]) == (
        "application/json", "no-cache", "inline", "gzip", "de",
    )
    assert r["Metadata"] == {"owner": "me", "n": "1"} and r["StorageClass"] == "STANDARD_IA" and r["ContentLength"] == 2
    assert r["ETag"] == f'"{hashlib.md5(b"{}").hexdigest()}"'
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": ""}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    r = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/x", ResponseContentDisposition="attachment")
    assert (r["ContentType"], r["ContentDisposition"]) == ("text/x", "attachment")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="NONE_SUCH") == ("InvalidStorageClass", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"x": "y" * 2100}) == ("MetadataTooLarge", 400)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"")
    assert s3.head_object(Bucket=bucket, Key="plain")["ContentType"] == "binary/octet-stream"
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == b""


@pytest.mark.parametrize(
    "header,expected,content_range",
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"), ("bytes=4-", b"456789", "bytes 4-9/10"), ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"), ("bytes=-100", b"0123456789", "bytes 0-9/10"), ("bytes=9-9", b"9", "bytes 9-9/10"),
    ],
)
def test_ranges(s3, bucket, header, expected, content_range):
    put(s3, bucket, "k", body=b"0123456789")
    r = s3.get_object(Bucket=bucket, Key="k", Range=header)
    assert (r["Body"].read(), r["ContentRange"], r["ResponseMetadata"]["HTTPStatusCode"]) == (expected, content_range, 206)


def test_ranges_that_are_none(s3, bucket):
    put(s3, bucket, "k", body=b"0123456789")
    put(s3, bucket, "empty", body=b"")
    for header in ("bytes=10-", "bytes=100-200", "bytes=-0"):
        assert code_of(s3.get_object, Bucket=bucket, Key="k", Range=header) == ("InvalidRange", 416)
    assert code_of(s3.get_object, Bucket=bucket, Key="empty", Range="bytes=0-") == ("InvalidRange", 416)
    for header in ("bytes=3-1", "lines=1-2", "bytes=0-1,3-4"):
        r = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert (r["Body"].read(), r["ResponseMetadata"]["HTTPStatusCode"]) == (b"0123456789", 200)


def test_read_conditions(s3, bucket):
    put(s3, bucket, "k")
    head = s3.head_object(Bucket=bucket, Key="k")
    etag, modified = head["ETag"], head["LastModified"]
    hour = datetime.timedelta(hours=1)
    s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"no"') == ("PreconditionFailed", 412)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"no"')
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=modified) == ("304", 304)
    s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=modified - hour)
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfUnmodifiedSince=modified - hour) == ("412", 412)
    s3.get_object(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=modified - hour)


def test_write_conditions(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=first) == ("PreconditionFailed", 412)
    assert code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"3", IfMatch=first) == ("NoSuchKey", 404)
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first) == ("PreconditionFailed", 412)
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)
    s3.put_object(Bucket=bucket, Key="k", Body=b"4", IfNoneMatch="*")


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    """Those that botocore computes itself; the others are below."""
    body = os.urandom(300_000)
    r = s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    value = r[f"Checksum{algorithm}"]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == value
    r = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert r["Body"].read() == body  # botocore checks it against the header
    parts = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ETag", "ObjectSize", "StorageClass"])
    assert parts["Checksum"][f"Checksum{algorithm}"] == value and parts["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert (parts["ObjectSize"], parts["StorageClass"], parts["ETag"]) == (len(body), "STANDARD", hashlib.md5(body).hexdigest())


@pytest.mark.parametrize(
    "algorithm,check_value",
    [("CRC32", "y/Q5Jg=="), ("CRC32C", "4waSgw=="), ("CRC64NVME", "rosUhgp5mIg="), ("SHA1", None), ("SHA256", None)],
)
def test_checksums_given(s3, bucket, algorithm, check_value):
    """The catalogued check values of "123456789"; a wrong one is refused and nothing is stored."""
    body = b"123456789"
    if check_value is None:
        check_value = base64.b64encode(hashlib.new(algorithm.lower(), body).digest()).decode()
    name = f"Checksum{algorithm}"
    r = s3.put_object(Bucket=bucket, Key="k", Body=body, **{name: check_value})
    assert r[name] == check_value
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=b"123456780", **{name: check_value}) == ("BadDigest", 400)
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=body, **{name: "AAAA"})[0] == "InvalidRequest"
    assert code_of(s3.head_object, Bucket=bucket, Key="bad") == ("404", 404)


def test_content_md5(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc", ContentMD5=base64.b64encode(hashlib.md5(b"abc").digest()).decode())
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"abd", ContentMD5=base64.b64encode(hashlib.md5(b"abc").digest()).decode()) == (
        "BadDigest", 400,
    )
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"abd", ContentMD5="nonsense")[0] == "InvalidDigest"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"abc"


def test_stream_in_chunks(cloud, s3, bucket):
    """What cannot be rewound goes out as aws-chunked with a trailer; the framing must not be stored."""
    body = os.urandom(5 * MIB + 17)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", Config=boto3.s3.transfer.TransferConfig(multipart_threshold=64 * MIB))
    r = s3.get_object(Bucket=bucket, Key="k")
    assert r["Body"].read() == body and "ContentEncoding" not in r
    signed = cloud.client("s3", s3={"payload_signing_enabled": True})
    signed.put_object(Bucket=bucket, Key="signed", Body=body)
    assert s3.get_object(Bucket=bucket, Key="signed")["Body"].read() == body


def test_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"abc", ContentType="text/a", Metadata={"m": "1"}, Tagging="t=1")
    r = s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    assert r["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"abc").hexdigest()}"'
    h = s3.head_object(Bucket=bucket, Key="b")
    assert (h["ContentType"], h["Metadata"]) == ("text/a", {"m": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a", MetadataDirective="REPLACE", ContentType="text/b", Metadata={"n": "2"})
    h = s3.head_object(Bucket=bucket, Key="b")
    assert (h["ContentType"], h["Metadata"]) == ("text/b", {"n": "2"})
    assert code_of(s3.copy_object, Bucket=bucket, Key="a", CopySource=f"{bucket}/a") == ("InvalidRequest", 400)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/none") == ("NoSuchKey", 404)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource="no-such-bucket/a") == ("NoSuchBucket", 404)
    assert code_of(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/a", CopySourceIfMatch='"no"') == ("PreconditionFailed", 412)


def test_delete_many(s3, bucket):
    names = [f"k{i:04}" for i in range(1000)]
    put(s3, bucket, *names[:20])
    r = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in names]})
    assert len(r["Deleted"]) == 1000 and "Errors" not in r
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "x"}], "Quiet": True}).get("Deleted") is None
    assert code_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": f"{i}"} for i in range(1001)]})[0] == "MalformedXML"
    assert code_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": []})[0] == "MalformedXML"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


# --- lists ---


def test_list_pages(s3, bucket):
    names = [f"d{i // 7}/k{i:03}" for i in range(50)]
    put(s3, bucket, *names)
    for size in (1, 3, 7, 49, 50, 1000):
        for call in ("list_objects_v2", "list_objects"):
            pages = s3.get_paginator(call).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
            assert [o["Key"] for p in pages for o in p.get("Contents", [])] == sorted(names)
            pages = list(s3.get_paginator(call).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}))
            assert [c["Prefix"] for p in pages for c in p.get("CommonPrefixes", [])] == [f"d{i}/" for i in range(8)]
            assert not any(p.get("Contents") for p in pages)


def test_list_prefix_and_delimiter(s3, bucket):
    put(s3, bucket, "a", "a/b", "a/b/c", "a/d", "b/x", "b/y/z", "c\xff", "cé/1")
    assert keys_of(s3.list_objects_v2(Bucket=bucket, Delimiter="/")) == (["a", "cÿ"], ["a/", "b/", "cé/"])
    assert keys_of(s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")) == (["a/b", "a/d"], ["a/b/"])
    assert keys_of(s3.list_objects_v2(Bucket=bucket, Prefix="a", Delimiter="/")) == (["a"], ["a/"])
    assert keys_of(s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="y")) == (["b/x"], ["b/y"])
    assert keys_of(s3.list_objects_v2(Bucket=bucket, StartAfter="a/b")) == (["a/b/c", "a/d", "b/x", "b/y/z", "cé/1", "cÿ"], [])
    assert keys_of(s3.list_objects_v2(Bucket=bucket, Prefix="zzz")) == ([], [])
    r = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert r["KeyCount"] == 0 and not r["IsTruncated"]
    assert "Owner" in s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert code_of(s3.list_objects_v2, Bucket=bucket, ContinuationToken="nonsense") == ("InvalidArgument", 400)
    r = s3.list_objects_v2(Bucket=bucket, MaxKeys=2, Delimiter="/")
    assert r["KeyCount"] == 2 and r["IsTruncated"] and keys_of(r) == (["a"], ["a/"])
    r = s3.list_objects_v2(Bucket=bucket, MaxKeys=2, Delimiter="/", ContinuationToken=r["NextContinuationToken"])
    assert keys_of(r) == ([], ["b/", "cé/"])


# --- versions ---


def test_versions(s3, bucket):
    put(s3, bucket, "k", body=b"0")  # before versioning: version "null"
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    read = lambda **v: s3.get_object(Bucket=bucket, Key="k", **v)["Body"].read()  # noqa: E731
    assert (read(), read(VersionId=one), read(VersionId="null")) == (b"2", b"1", b"0")

    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True
    with pytest.raises(ClientError) as e:
        s3.get_object(Bucket=bucket, Key="k")
    assert e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId=gone["VersionId"]) == ("MethodNotAllowed", 405)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    v = s3.list_object_versions(Bucket=bucket)
    assert [(x["VersionId"], x["IsLatest"]) for x in v["Versions"]] == [(two, False), (one, False), ("null", False)]
    assert [(x["VersionId"], x["IsLatest"]) for x in v["DeleteMarkers"]] == [(gone["VersionId"], True)]
    assert code_of(s3.delete_bucket, Bucket=bucket)[0] == "BucketNotEmpty"

    s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert read() == b"2" and s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    s3.delete_object(Bucket=bucket, Key="k", VersionId=two)
    assert read() == b"1"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"3")
    assert (read(), read(VersionId="null"), read(VersionId=one)) == (b"3", b"3", b"1")
    s3.delete_object(Bucket=bucket, Key="k")  # a null marker in place of the null version
    v = s3.list_object_versions(Bucket=bucket)
    assert [x["VersionId"] for x in v["Versions"]] == [one] and [x["VersionId"] for x in v["DeleteMarkers"]] == ["null"]
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId="0" * 32) == ("NoSuchVersion", 404)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId="bad") == ("InvalidArgument", 400)


def test_version_pages_and_emptying(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = []
    for i in range(5):
        for n in range(4):
            made.append((f"p/k{i}", s3.put_object(Bucket=bucket, Key=f"p/k{i}", Body=b"x")["VersionId"]))
        made.append((f"p/k{i}", s3.delete_object(Bucket=bucket, Key=f"p/k{i}")["VersionId"]))
    for size in (1, 2, 5, 7, 1000):
        seen = []
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": size}):
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            assert len(entries) <= size
            seen += [(x["Key"], x["VersionId"]) for x in entries]
        assert sorted(seen) == sorted(made)
    r = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in r["CommonPrefixes"]] == ["p/"] and "Versions" not in r
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in made]})
    s3.delete_bucket(Bucket=bucket)


# --- multipart ---


def start_upload(s3, bucket, **more):
    return {"Bucket": bucket, "Key": "big", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="big", **more)["UploadId"]}


def finish(s3, upload, parts, **more):
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **more)


def test_multipart(s3, bucket):
    up = start_upload(s3, bucket, ContentType="text/big", Metadata={"a": "b"})
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"tail"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(**up, PartNumber=n, Body=b)["ETag"]} for n, b in enumerate(bodies, 1)]
    listed = s3.list_parts(**up)["Parts"]
    assert [(p["PartNumber"], p["ETag"], p["Size"]) for p in listed] == [
        (p["PartNumber"], p["ETag"], len(b)) for p, b in zip(parts, bodies)
    ]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [up["UploadId"]]
    r = s3.list_parts(**up, MaxParts=2)
    assert r["IsTruncated"] and r["NextPartNumberMarker"] == 2
    assert [p["PartNumber"] for p in s3.list_parts(**up, PartNumberMarker=2)["Parts"]] == [3]
    assert code_of(s3.head_object, Bucket=bucket, Key="big")[1] == 404
    r = finish(s3, up, parts)
    expected = hashlib.md5(b"".join(hashlib.md5(b).digest() for b in bodies)).hexdigest() + "-3"
    assert r["ETag"] == f'"{expected}"'
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == b"".join(bodies) and (got["ContentType"], got["Metadata"]) == ("text/big", {"a": "b"})
    r = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert r["Body"].read() == bodies[1] and r["PartsCount"] == 3
    assert code_of(s3.get_object, Bucket=bucket, Key="big", PartNumber=4)[1] == 416
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert code_of(s3.list_parts, **up) == ("NoSuchUpload", 404)
    # a copy is one piece: its ETag is its MD5
    r = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/big")
    assert r["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"".join(bodies)).hexdigest()}"'


def test_multipart_refusals(s3, bucket):
    up = start_upload(s3, bucket)
    small = {"PartNumber": 1, "ETag": s3.upload_part(**up, PartNumber=1, Body=b"small")["ETag"]}
    last = {"PartNumber": 2, "ETag": s3.upload_part(**up, PartNumber=2, Body=b"last")["ETag"]}
    assert code_of(finish, s3, up, [small, last]) == ("EntityTooSmall", 400)
    assert code_of(finish, s3, up, [last, small]) == ("InvalidPartOrder", 400)
    assert code_of(finish, s3, up, [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]) == ("InvalidPart", 400)
    assert code_of(finish, s3, up, [small, {"PartNumber": 3, "ETag": small["ETag"]}])[0] == "InvalidPart"
    assert code_of(finish, s3, up, [])[0] == "MalformedXML"
    assert code_of(s3.upload_part, **up, PartNumber=10001, Body=b"") == ("InvalidArgument", 400)
    assert code_of(s3.upload_part, **{**up, "UploadId": "none"}, PartNumber=1, Body=b"") == ("NoSuchUpload", 404)
    finish(s3, up, [small])
    up = start_upload(s3, bucket)
    s3.upload_part(**up, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**up)
    assert code_of(s3.abort_multipart_upload, **up) == ("NoSuchUpload", 404)
    assert code_of(s3.upload_part, **up, PartNumber=1, Body=b"x") == ("NoSuchUpload", 404)
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"small"


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_multipart_checksums(s3, bucket, kind):
    up = start_upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    bodies = [os.urandom(5 * MIB), b"tail"]
    parts = []
    for n, b in enumerate(bodies, 1):
        r = s3.upload_part(**up, PartNumber=n, Body=b, ChecksumAlgorithm="CRC32")
        assert r["ChecksumCRC32"] == crc32(b)
        parts.append({"PartNumber": n, "ETag": r["ETag"], "ChecksumCRC32": r["ChecksumCRC32"]})
    whole = crc32(b"".join(bodies))
    composite = crc32(b"".join(zlib.crc32(b).to_bytes(4, "big") for b in bodies)) + "-2"
    if kind == "FULL_OBJECT":
        assert code_of(finish, s3, up, parts, ChecksumCRC32="AAAAAA==", ChecksumType=kind)[0] == "BadDigest"
    r = finish(s3, up, parts)
    assert (r["ChecksumCRC32"], r["ChecksumType"]) == (whole if kind == "FULL_OBJECT" else composite, kind)
    assert s3.get_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")["Body"].read() == b"".join(bodies)
    listed = s3.get_object_attributes(Bucket=bucket, Key="big", ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert listed["TotalPartsCount"] == 2 and [p["Size"] for p in listed["Parts"]] == [len(b) for b in bodies]


def test_part_copy(s3, bucket):
    body = os.urandom(6 * MIB)
    put(s3, bucket, "src", body=body)
    up = start_upload(s3, bucket)
    source = {"Bucket": bucket, "Key": "src"}
    one = s3.upload_part_copy(**up, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=0-{5 * MIB - 1}")["CopyPartResult"]
    two = s3.upload_part_copy(**up, PartNumber=2, CopySource=source, CopySourceRange=f"bytes={5 * MIB}-{6 * MIB - 1}")["CopyPartResult"]
    assert one["ETag"] == f'"{hashlib.md5(body[: 5 * MIB]).hexdigest()}"'
    assert code_of(s3.upload_part_copy, **up, PartNumber=3, CopySource=source, CopySourceRange="bytes=0-99999999")[0] == "InvalidArgument"
    finish(s3, up, [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == body


def test_transfer_manager(s3, bucket, tmp_path):
    body = os.urandom(20 * MIB + 1)
    (tmp_path / "f").write_bytes(body)
    s3.upload_file(str(tmp_path / "f"), bucket, "f")
    assert s3.head_object(Bucket=bucket, Key="f")["ETag"].endswith('-3"')
    s3.download_file(bucket, "f", str(tmp_path / "g"))
    assert (tmp_path / "g").read_bytes() == body


# --- other ways in ---


def request(cloud, method, path, body=None, headers=None):
    conn = http.client.HTTPConnection(urllib.parse.urlsplit(cloud.endpoint).netloc, timeout=20)
    conn.request(method, path, body, headers or {})
    r = conn.getresponse()
    return r.status, r.read(), dict((k.lower(), v) for k, v in r.getheaders())


def test_presigned(cloud, s3, bucket):
    put(s3, bucket, "k ü", body=b"hello")
    sign = lambda op, client=s3, seconds=60, **p: urllib.parse.urlsplit(  # noqa: E731
        client.generate_presigned_url(op, Params={"Bucket": bucket, "Key": "k ü", **p}, ExpiresIn=seconds)
    )
    v4 = cloud.client("s3", endpoint=cloud.endpoint, signature_version="s3v4")
    url = sign("get_object", v4)
    assert request(cloud, "GET", f"{url.path}?{url.query}")[:2] == (200, b"hello")
    status, body, _ = request(cloud, "GET", f"{url.path}?{url.query.replace('X-Amz-Expires=60', 'X-Amz-Expires=61')}")
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    url = sign("put_object", v4)
    assert request(cloud, "PUT", f"{url.path}?{url.query}", b"new")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="k ü")["Body"].read() == b"new"
    # a region that is younger than signature version 4 takes nothing else
    s3.create_bucket(Bucket="young", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    url = sign("get_object", cloud.client("s3", endpoint=cloud.endpoint, signature_version="s3"), Bucket="young")
    status, body, _ = request(cloud, "GET", f"{url.path}?{url.query}")
    assert status == 400 and b"<Code>InvalidRequest</Code>" in body and b"AWS4-HMAC-SHA256" in body
    status, body, _ = request(cloud, "GET", f"/{bucket}/k")
    assert status == 403 and b"<Code>AccessDenied</Code>" in body


def test_virtual_host(cloud, s3, bucket):
    put(s3, bucket, "dir/k", body=b"hello")
    v4 = cloud.client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
    v4.meta.events.register("before-send.s3", lambda request, **kw: None)
    port = urllib.parse.urlsplit(cloud.endpoint).port
    for host in ("localhost", "s3.localhost", "s3.us-east-1.amazonaws.com"):
        client = boto3.client(
            "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id=cloud.access_key_id,
            aws_secret_access_key=cloud.secret_access_key, config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
        )
        url = urllib.parse.urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "dir/k"}))
        assert url.hostname == f"{bucket}.{host}"
        assert request(cloud, "GET", f"{url.path}?{url.query}", headers={"Host": url.netloc})[:2] == (200, b"hello")


def test_unknown_operations_are_named(cloud, s3, bucket):
    put(s3, bucket, "k")
    with pytest.raises(ClientError, match="GetObjectTorrent"):
        s3.get_object_torrent(Bucket=bucket, Key="k")


def test_aws_cli(cloud, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub dir").mkdir(parents=True)
    (tree / "a.csv").write_text("a,b\n1,2\n")
    (tree / "sub dir" / "ü+1.csv").write_text("x")
    (tree / "big.bin").write_bytes(os.urandom(9 * MIB))
    cloud.aws("s3", "mb", "s3://cli-bucket")
    cloud.aws("s3", "sync", tree, "s3://cli-bucket/in/")
    assert cloud.aws("s3", "sync", tree, "s3://cli-bucket/in/") == ""  # nothing left to do
    listing = cloud.aws("s3", "ls", "--recursive", "s3://cli-bucket/")
    assert [line.split(None, 3)[3] for line in listing.splitlines()] == ["in/a.csv", "in/big.bin", "in/sub dir/ü+1.csv"]
    assert "PRE sub dir/" in cloud.aws("s3", "ls", "s3://cli-bucket/in/")
    cloud.aws("s3", "cp", "s3://cli-bucket/in/big.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == (tree / "big.bin").read_bytes()
    assert cloud.aws("s3", "cp", "s3://cli-bucket/in/a.csv", "-") == "a,b\n1,2\n"
    cloud.aws("s3", "cp", "-", "s3://cli-bucket/stdin", stdin="from stdin")
    cloud.aws("s3", "mv", "s3://cli-bucket/stdin", "s3://cli-bucket/moved")
    assert cloud.aws("s3", "cp", "s3://cli-bucket/moved", "-") == "from stdin"
    cloud.aws("s3", "rm", "--recursive", "s3://cli-bucket/in/")
    cloud.aws("s3", "rb", "--force", "s3://cli-bucket")
    assert cloud.aws("s3api", "list-buckets")["Buckets"] == []
