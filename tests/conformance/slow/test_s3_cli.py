"""The AWS CLI's high-level commands: sync both ways with names that hurt, cp, mv, rm, ls, mb, rb, presign, website."""
import os
import subprocess
import sys
import time

import pytest
import requests

from s3_cloud import cloud  # noqa: F401

ODD = ["a b.txt", "ü/ñ漢字.txt", "plus+sign", "100%.txt", "%41%2F.txt", "q?x=1&y=2", "#hash", "quote'\"<>&", "deep/er/and/deeper/x", "~tilde", "=eq;semi,comma", "-dash",
       "x" * 200 + "/" + "y" * 200 + "/" + "z" * 200 + "/" + "w" * 200 + "/" + "v" * 216]  # the last, behind "in/", has 1023 bytes


def cli(cloud, *arguments, code=0, stdin=None, **env):  # noqa: F811
    """(stdout, stderr) as bytes. A refusal is 254 in the CLI's second version, 255 in its first."""
    r = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "aws"), *map(str, arguments)], env={**cloud.runner.environment, **cloud.env(), "AWS_PAGER": "", **env},
        cwd=cloud.runner.folder, input=stdin, capture_output=True, timeout=300, check=False,
    )
    assert r.returncode == code or (code == 254 and r.returncode == 255), f"aws {arguments}: exit {r.returncode}\n{r.stdout!r}\n{r.stderr!r}"
    return r.stdout, r.stderr


def keys(cloud, bucket, prefix=""):  # noqa: F811
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(o["Key"] for p in pages for o in p.get("Contents", []))


def tree(folder):
    return {os.path.relpath(os.path.join(d, f), folder): open(os.path.join(d, f), "rb").read() for d, _, files in os.walk(folder) for f in files}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    for i, name in enumerate(ODD):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"{i} {name}".encode())
    (folder / "big.bin").write_bytes(os.urandom(20 << 20))
    (folder / "empty").write_bytes(b"")
    return folder


def test_sync_both_ways(cloud, source, tmp_path):  # noqa: F811
    cli(cloud, "s3", "mb", "s3://cli-bucket")
    cli(cloud, "s3", "sync", source, "s3://cli-bucket/in/")
    assert keys(cloud, "cli-bucket") == sorted("in/" + n for n in tree(source))
    assert cli(cloud, "s3", "sync", source, "s3://cli-bucket/in/")[0] == b""  # nothing is left to do
    back = tmp_path / "back"
    cli(cloud, "s3", "sync", "s3://cli-bucket/in/", back)
    assert tree(back) == tree(source)
    assert cli(cloud, "s3", "sync", "s3://cli-bucket/in/", back, "--exact-timestamps")[0] == b""

    # a file that changed without growing is seen by its time, and not with --size-only
    time.sleep(1.1)
    (source / "plus+sign").write_bytes(b"X" * len(tree(source)["plus+sign"]))
    assert cli(cloud, "s3", "sync", source, "s3://cli-bucket/in/", "--size-only")[0] == b""
    assert b"plus+sign" in cli(cloud, "s3", "sync", source, "s3://cli-bucket/in/")[0]
    assert b"plus+sign" in cli(cloud, "s3", "sync", "s3://cli-bucket/in/", back, "--exact-timestamps")[0]
    assert tree(back) == tree(source)

    # --delete takes what is gone, but for what is excluded
    (source / "#hash").unlink()
    (source / "a b.txt").unlink()
    cli(cloud, "s3", "sync", source, "s3://cli-bucket/in/", "--delete", "--exclude", "*.txt", "--include", "100%.txt")
    assert "in/#hash" not in keys(cloud, "cli-bucket") and "in/a b.txt" in keys(cloud, "cli-bucket")
    cli(cloud, "s3", "sync", "s3://cli-bucket/in/", back, "--delete")
    assert set(tree(back)) == set(tree(source)) | {"a b.txt"}

    # between buckets
    cli(cloud, "s3", "mb", "s3://other-bucket")
    cli(cloud, "s3", "sync", "s3://cli-bucket/in/", "s3://other-bucket/to/")
    assert [k[3:] for k in keys(cloud, "other-bucket")] == [k[3:] for k in keys(cloud, "cli-bucket")]
    assert cli(cloud, "s3", "sync", "s3://cli-bucket/in/", "s3://other-bucket/to/")[0] == b""
    cli(cloud, "s3", "rb", "--force", "s3://other-bucket")
    assert b"BucketNotEmpty" in cli(cloud, "s3", "rb", "s3://cli-bucket", code=1)[1]


def test_keys_that_no_file_can_have(cloud):  # noqa: F811
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="cli-bucket")
    names = ["a//b", "//", "trail/", "/lead", "dot/./x", "tab\there", "line\nend", "k" * 1024, "ü" * 512]
    for name in names:
        s3.put_object(Bucket="cli-bucket", Key=name, Body=name.encode())
    assert keys(cloud, "cli-bucket") == sorted(names)
    cli(cloud, "s3", "mb", "s3://other-bucket")
    cli(cloud, "s3", "cp", "--recursive", "s3://cli-bucket", "s3://other-bucket")
    assert keys(cloud, "other-bucket") == sorted(names)
    assert b"PRE a/" in cli(cloud, "s3", "ls", "s3://cli-bucket")[0] and b"PRE /" in cli(cloud, "s3", "ls", "s3://cli-bucket/a/")[0]
    for name in names:
        assert s3.get_object(Bucket="other-bucket", Key=name)["Body"].read() == name.encode()
    cli(cloud, "s3", "rm", "--recursive", "s3://other-bucket")
    assert keys(cloud, "other-bucket") == []


def test_copies_moves_and_streams(cloud, source, tmp_path):  # noqa: F811
    cli(cloud, "s3", "mb", "s3://cli-bucket")
    cli(cloud, "s3", "cp", "--recursive", source, "s3://cli-bucket/in", "--exclude", "*", "--include", "*.txt", "--metadata", "a=b,c=d", "--storage-class", "STANDARD_IA",
        "--content-type", "text/x", "--sse", "AES256", "--checksum-algorithm", "SHA256")
    assert keys(cloud, "cli-bucket") == sorted("in/" + n for n in tree(source) if n.endswith(".txt"))
    head = cloud.client("s3").head_object(Bucket="cli-bucket", Key="in/100%.txt", ChecksumMode="ENABLED")
    assert (head["Metadata"], head["StorageClass"], head["ContentType"]) == ({"a": "b", "c": "d"}, "STANDARD_IA", "text/x") and "ChecksumSHA256" in head
    big = tree(source)["big.bin"]
    cli(cloud, "s3", "cp", "-", "s3://cli-bucket/stream", stdin=big)
    assert cli(cloud, "s3", "cp", "s3://cli-bucket/stream", "-")[0] == big
    cli(cloud, "s3", "mv", "s3://cli-bucket/stream", "s3://cli-bucket/moved", "--metadata-directive", "REPLACE", "--content-type", "text/m")
    assert cloud.client("s3").head_object(Bucket="cli-bucket", Key="moved")["ContentType"] == "text/m"
    cli(cloud, "s3", "mv", "s3://cli-bucket/moved", tmp_path / "moved")
    assert (tmp_path / "moved").read_bytes() == big and "moved" not in keys(cloud, "cli-bucket")
    cli(cloud, "s3", "mv", "--recursive", "s3://cli-bucket/in/", "s3://cli-bucket/out/")
    assert keys(cloud, "cli-bucket", "in/") == [] and len(keys(cloud, "cli-bucket", "out/")) == 4
    listing = cli(cloud, "s3", "ls", "--recursive", "--summarize", "--page-size", "2", "s3://cli-bucket/")[0].decode()
    assert "Total Objects: 4" in listing
    assert b"404" in cli(cloud, "s3", "cp", "s3://cli-bucket/none", tmp_path / "none", code=1)[1]
    assert b"NoSuchBucket" in cli(cloud, "s3", "ls", "s3://no-such-bucket", code=254)[1]
    assert b"AccessControlListNotSupported" in cli(cloud, "s3", "cp", "-", "s3://cli-bucket/k", "--acl", "public-read", code=1, stdin=b"x")[1]


def test_presign_and_website(cloud):  # noqa: F811
    cli(cloud, "s3", "mb", "s3://cli-bucket")
    cli(cloud, "s3", "cp", "-", "s3://cli-bucket/a b", stdin=b"hello")
    url = cli(cloud, "s3", "presign", "s3://cli-bucket/a b", "--expires-in", "60")[0].decode().strip()
    if "X-Amz-Signature" not in url:  # the CLI's first version signs these the old way unless it is told
        config = os.path.join(cloud.runner.folder, "config")
        with open(config, "w", encoding="ascii") as f:
            f.write("[default]\ns3 =\n  signature_version = s3v4\n")
        url = cli(cloud, "s3", "presign", "s3://cli-bucket/a b", "--expires-in", "60", AWS_CONFIG_FILE=config)[0].decode().strip()
    assert requests.get(url, timeout=10).text == "hello"
    cli(cloud, "s3", "website", "s3://cli-bucket", "--index-document", "index.html")
    assert cloud.client("s3").get_bucket_website(Bucket="cli-bucket")["IndexDocument"] == {"Suffix": "index.html"}
