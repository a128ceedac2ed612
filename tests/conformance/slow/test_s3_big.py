"""Objects of gigabytes, up in parts and in one piece and down again, while the server's memory stays what it is."""
import hashlib
import http.client
import os
import shutil
import urllib.parse

import pytest
import requests
from boto3.s3.transfer import TransferConfig

from s3_cloud import cloud, memory_mb  # noqa: F401

MIB = 1 << 20
WANTED = int(os.environ.get("GLUEPROJ_TEST_BIG_GB", "5")) << 30
BLOCK = bytes(range(251)) * (MIB // 251 + 1)  # no power of two, so that no two blocks of the file are alike


class Source:
    """A file of so many bytes that lies nowhere; read once, from its start, or from anywhere."""

    def __init__(self, size):
        self.size, self.at = size, 0

    def __len__(self):
        return self.size

    def read(self, n=-1):
        n = self.size - self.at if n is None or n < 0 else min(n, self.size - self.at)
        out, at = [], self.at
        self.at += n
        while n:
            start = at % 251
            piece = BLOCK[start : start + min(n, MIB)]
            out.append(piece)
            at, n = at + len(piece), n - len(piece)
        return b"".join(out)

    def seek(self, to, whence=os.SEEK_SET):
        self.at = to + (self.size if whence == os.SEEK_END else self.at if whence == os.SEEK_CUR else 0)
        return self.at

    def tell(self):
        return self.at


def digest_of(blocks):
    digest = hashlib.blake2b()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def blocks_of(source):
    return iter(lambda: source.read(4 * MIB), b"")


@pytest.fixture(scope="module")
def size(tmp_path_factory):
    """Three times the object lies on the disk at most: what is there, its parts, and what they are joined to."""
    free = shutil.disk_usage(tmp_path_factory.getbasetemp()).free
    size = min(WANTED, (free - (2 << 30)) // 3)
    if size < WANTED:
        print(f"only {size >> 20} MiB of {WANTED >> 20}: the disk has {free >> 20} MiB free")
    if size < 64 * MIB:
        pytest.skip(f"the disk has only {free >> 20} MiB free")
    return size + 7


@pytest.fixture(scope="module")
def expected(size):
    return digest_of(blocks_of(Source(size)))


def down(cloud, s3, key):  # noqa: F811
    return digest_of(s3.get_object(Bucket="big-bucket", Key=key)["Body"].iter_chunks(4 * MIB))


def test_in_parts(cloud, size, expected):  # noqa: F811
    s3 = cloud.client("s3", read_timeout=600)
    s3.create_bucket(Bucket="big-bucket")
    config = TransferConfig(multipart_chunksize=64 * MIB, max_concurrency=2)
    s3.upload_fileobj(Source(size), "big-bucket", "parts", Config=config)
    head = s3.head_object(Bucket="big-bucket", Key="parts", ChecksumMode="ENABLED")
    assert head["ContentLength"] == size and "-" in head["ETag"]
    assert down(cloud, s3, "parts") == expected
    middle = s3.get_object(Bucket="big-bucket", Key="parts", Range=f"bytes={size // 2}-{size // 2 + 999}")["Body"].read()
    source = Source(size)
    source.seek(size // 2)
    assert middle == source.read(1000)
    assert memory_mb(cloud.pid) < 64, f"{memory_mb(cloud.pid):.0f} MB"
    print(f"{size >> 20} MiB in parts: the server's memory was {memory_mb(cloud.pid):.1f} MB at most")
    s3.delete_object(Bucket="big-bucket", Key="parts")
    left = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(os.path.join(cloud.dir, "objects")) for f in files)
    assert left == 0


def test_in_one_piece(cloud, size, expected):  # noqa: F811
    """5 GiB is the most that one PUT may have; one of them unless the environment asks for more."""
    most = 5 << 30 if "GLUEPROJ_TEST_BIG_GB" in os.environ else 1 << 30
    if size > most:
        size = most
        expected = digest_of(blocks_of(Source(size)))
    s3 = cloud.client("s3", read_timeout=600, signature_version="s3v4")
    s3.create_bucket(Bucket="big-bucket")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "big-bucket", "Key": "one"})
    r = requests.put(url, data=Source(size), timeout=600)
    assert r.status_code == 200, r.text
    assert down(cloud, s3, "one") == expected
    assert memory_mb(cloud.pid) < 64, f"{memory_mb(cloud.pid):.0f} MB"
    print(f"{size >> 20} MiB in one piece: the server's memory was {memory_mb(cloud.pid):.1f} MB at most")
    copied = s3.copy_object(Bucket="big-bucket", Key="copy", CopySource="big-bucket/one")["CopyObjectResult"]["ETag"]
    assert copied == r.headers["ETag"] and memory_mb(cloud.pid) < 64


def test_more_than_a_put_may_have(cloud):  # noqa: F811
    """Refused at its head: a client that waits for leave sends no byte of it."""
    s3 = cloud.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="big-bucket")
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": "big-bucket", "Key": "k"}))
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.putheader("Content-Length", str((5 << 30) + 1))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 400 and b"<Code>EntityTooLarge</Code>" in reply.read()
    connection.close()
