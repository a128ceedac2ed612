"""S3 clients that others wrote, beside boto3: each stores, lists, reads in pieces, copies and deletes what has an odd name and what is large."""
import io
import json
import os
import shutil
import subprocess
import urllib.parse

import pytest

from s3_cloud import cloud  # noqa: F401

NAMES = ["plain.txt", "a b+c.txt", "ü/漢字", "100%/x", "q?x=1&y=2", "deep/er/and/deeper"]
BIG = os.urandom(1 << 20) * 12
BUCKET = "client-bucket"


def need(name):
    """An installed program, or a skip that is read aloud (pytest -rs)."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    return found


def tool(cloud, *arguments, stdin=None, cwd=None, **env):  # noqa: F811
    r = subprocess.run(
        [str(a) for a in arguments], env={**cloud.runner.environment, **cloud.env(), **env}, cwd=cwd or cloud.runner.folder, input=stdin, capture_output=True,
        timeout=300, check=False,
    )
    assert r.returncode == 0, f"{arguments}: exit {r.returncode}\n{r.stdout!r}\n{r.stderr!r}"
    return r.stdout


def keys(s3):
    return sorted(o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))


def make_tree(folder):
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (folder / "big.bin").write_bytes(BIG)
    return folder


def same(a, b):
    read = lambda top: {os.path.relpath(os.path.join(d, f), top): open(os.path.join(d, f), "rb").read() for d, _, fs in os.walk(top) for f in fs}  # noqa: E731
    return read(a) == read(b)


def test_minio(cloud):  # noqa: F811
    minio = pytest.importorskip("minio")
    client = minio.Minio(
        urllib.parse.urlsplit(cloud.endpoint).netloc, access_key=cloud.access_key_id, secret_key=cloud.secret_access_key, secure=False, region=cloud.region
    )
    client.make_bucket(bucket_name=BUCKET)
    assert client.bucket_exists(bucket_name=BUCKET) and [b.name for b in client.list_buckets()] == [BUCKET]
    for name in NAMES:
        client.put_object(bucket_name=BUCKET, object_name=name, data=io.BytesIO(name.encode()), length=len(name.encode()), metadata={"a": "b"})
    client.put_object(bucket_name=BUCKET, object_name="big", data=io.BytesIO(BIG), length=-1, part_size=5 << 20)
    assert sorted(o.object_name for o in client.list_objects(bucket_name=BUCKET, recursive=True)) == sorted([*NAMES, "big"])
    assert {o.object_name for o in client.list_objects(bucket_name=BUCKET) if o.is_dir} == {"ü/", "100%/", "deep/"}
    for name in NAMES:
        reply = client.get_object(bucket_name=BUCKET, object_name=name)
        assert reply.read() == name.encode()
        reply.close()
    assert client.get_object(bucket_name=BUCKET, object_name="big", offset=5 << 20, length=100).read() == BIG[5 << 20 : (5 << 20) + 100]
    assert client.stat_object(bucket_name=BUCKET, object_name="big").size == len(BIG)
    client.copy_object(bucket_name=BUCKET, object_name="copy", source=minio.commonconfig.CopySource(bucket_name=BUCKET, object_name=NAMES[2]))
    errors = list(client.remove_objects(bucket_name=BUCKET, delete_object_list=[minio.deleteobjects.DeleteObject(n) for n in [*NAMES, "big", "copy"]]))
    assert not errors
    with pytest.raises(minio.error.S3Error) as e:
        client.stat_object(bucket_name=BUCKET, object_name="big")
    assert e.value.code == "NoSuchKey"
    client.remove_bucket(bucket_name=BUCKET)


def test_s3fs(cloud):  # noqa: F811
    s3fs = pytest.importorskip("s3fs")
    fs = s3fs.S3FileSystem(
        key=cloud.access_key_id, secret=cloud.secret_access_key, endpoint_url=cloud.endpoint, client_kwargs={"region_name": cloud.region}, use_listings_cache=False
    )
    cloud.client("s3").create_bucket(Bucket=BUCKET)  # s3fs names us-east-1 in the body, which S3 refuses
    for name in NAMES:
        fs.pipe(f"{BUCKET}/{name}", name.encode())
    with fs.open(f"{BUCKET}/big", "wb", block_size=5 << 20) as f:
        for at in range(0, len(BIG), 1 << 20):
            f.write(BIG[at : at + (1 << 20)])
    assert sorted(fs.find(BUCKET)) == sorted(f"{BUCKET}/{n}" for n in [*NAMES, "big"])
    with fs.open(f"{BUCKET}/big", "rb", block_size=1 << 20) as f:
        f.seek(7 << 20)
        assert f.read(1000) == BIG[7 << 20 : (7 << 20) + 1000]
    assert fs.cat_file(f"{BUCKET}/big") == BIG and fs.isdir(f"{BUCKET}/deep/er") and fs.size(f"{BUCKET}/big") == len(BIG)
    fs.mv(f"{BUCKET}/plain.txt", f"{BUCKET}/moved.txt")
    assert fs.exists(f"{BUCKET}/moved.txt") and not fs.exists(f"{BUCKET}/plain.txt")
    with pytest.raises(FileNotFoundError):
        fs.cat_file(f"{BUCKET}/none")
    fs.rm(BUCKET, recursive=True)
    assert not fs.exists(BUCKET)


def test_smart_open(cloud):  # noqa: F811
    smart_open = pytest.importorskip("smart_open")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    options = {"transport_params": {"client": s3, "min_part_size": 5 << 20}}
    with smart_open.open(f"s3://{BUCKET}/big", "wb", **options) as f:
        f.write(BIG)
    with smart_open.open(f"s3://{BUCKET}/big", "rb", **options) as f:
        f.seek(-100, os.SEEK_END)
        assert f.read() == BIG[-100:]
    with smart_open.open(f"s3://{BUCKET}/lines.txt.gz", "w", encoding="utf-8", **options) as f:
        f.write("eins\nzwei\n")
    assert list(smart_open.open(f"s3://{BUCKET}/lines.txt.gz", encoding="utf-8", **options)) == ["eins\n", "zwei\n"]
    with pytest.raises(ValueError), smart_open.open(f"s3://{BUCKET}/broken", "wb", **options) as f:
        f.write(BIG)
        raise ValueError("half way")
    assert keys(s3) == ["big", "lines.txt.gz"] and "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_obstore(cloud):  # noqa: F811
    """The Rust object_store, which DataFusion, delta-rs and Polars use; conditional writes included."""
    obstore = pytest.importorskip("obstore")
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    store = obstore.store.S3Store(
        BUCKET, endpoint=cloud.endpoint, access_key_id=cloud.access_key_id, secret_access_key=cloud.secret_access_key, region=cloud.region,
        client_options={"allow_http": True},
    )
    for name in NAMES:
        obstore.put(store, name, name.encode())
    obstore.put(store, "big", BIG, chunk_size=5 << 20, use_multipart=True)
    assert sorted(o["path"] for page in obstore.list(store) for o in page) == sorted([*NAMES, "big"])
    assert bytes(obstore.get_range(store, "big", start=6 << 20, length=100)) == BIG[6 << 20 : (6 << 20) + 100]
    assert [bytes(b) for b in obstore.get_ranges(store, "big", starts=[0, 11 << 20], lengths=[10, 10])] == [BIG[:10], BIG[11 << 20 : (11 << 20) + 10]]
    obstore.put(store, "once", b"1", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(store, "once", b"2", mode="create")
    obstore.copy(store, NAMES[2], "copy")
    assert set(obstore.list_with_delimiter(store)["common_prefixes"]) == {"ü", "100%", "deep"}
    obstore.delete(store, [*NAMES, "big", "once", "copy"])
    assert keys(cloud.client("s3")) == []


def test_rclone(cloud, tmp_path):  # noqa: F811
    rclone, source = need("rclone"), make_tree(tmp_path / "source")
    env = {
        "RCLONE_CONFIG_L_TYPE": "s3", "RCLONE_CONFIG_L_PROVIDER": "Other", "RCLONE_CONFIG_L_ENV_AUTH": "true", "RCLONE_CONFIG_L_ENDPOINT": cloud.endpoint,
        "RCLONE_CONFIG_L_REGION": cloud.region, "RCLONE_CONFIG_L_FORCE_PATH_STYLE": "true", "RCLONE_CONFIG": str(tmp_path / "none"),
    }
    tool(cloud, rclone, "mkdir", f"L:{BUCKET}", **env)
    tool(cloud, rclone, "sync", source, f"L:{BUCKET}/in", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", **env)
    tool(cloud, rclone, "check", source, f"L:{BUCKET}/in", "--download", **env)
    tool(cloud, rclone, "sync", f"L:{BUCKET}/in", tmp_path / "back", **env)
    assert same(source, tmp_path / "back")
    (source / "plain.txt").unlink()
    tool(cloud, rclone, "sync", source, f"L:{BUCKET}/in", **env)
    assert "in/plain.txt" not in keys(cloud.client("s3"))
    tool(cloud, rclone, "moveto", f"L:{BUCKET}/in/big.bin", f"L:{BUCKET}/moved", **env)
    assert len(json.loads(tool(cloud, rclone, "lsjson", "-R", f"L:{BUCKET}", **env))) > len(NAMES)
    tool(cloud, rclone, "purge", f"L:{BUCKET}", **env)
    assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_s3cmd(cloud, tmp_path):  # noqa: F811
    s3cmd, source = need("s3cmd"), make_tree(tmp_path / "source")
    host = urllib.parse.urlsplit(cloud.endpoint).netloc
    (tmp_path / "s3cfg").write_text(
        f"[default]\naccess_key = {cloud.access_key_id}\nsecret_key = {cloud.secret_access_key}\nhost_base = {host}\nhost_bucket = {host}\n"
        "use_https = False\nmultipart_chunk_size_mb = 5\n"
    )
    run = lambda *a: tool(cloud, s3cmd, "-c", tmp_path / "s3cfg", "--no-progress", *a)  # noqa: E731
    run("mb", f"s3://{BUCKET}")
    run("sync", f"{source}/", f"s3://{BUCKET}/in/")
    assert keys(cloud.client("s3")) == sorted(f"in/{n}" for n in [*NAMES, "big.bin"])
    (tmp_path / "back").mkdir()
    run("sync", f"s3://{BUCKET}/in/", f"{tmp_path}/back/")
    assert same(source, tmp_path / "back")
    # s3cmd copies with an ACL, which buckets do not allow by default
    cloud.client("s3").put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    run("cp", f"s3://{BUCKET}/in/plain.txt", f"s3://{BUCKET}/copy")
    run("mv", f"s3://{BUCKET}/copy", f"s3://{BUCKET}/moved")
    assert "deep/" in run("ls", f"s3://{BUCKET}/in/").decode()
    run("info", f"s3://{BUCKET}/moved")
    run("rb", "--recursive", "--force", f"s3://{BUCKET}")


def test_javascript_sdk(cloud, tmp_path):  # noqa: F811
    """The AWS SDK for JavaScript, from npm, when node is there and the registry answers."""
    node, npm = need("node"), need("npm")
    r = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "@aws-sdk/client-s3", "@aws-sdk/lib-storage", "@aws-sdk/s3-request-presigner"], cwd=tmp_path,
        capture_output=True, timeout=240, check=False,
    )
    if r.returncode:
        pytest.skip("npm cannot install @aws-sdk/client-s3")
    (tmp_path / "run.mjs").write_text(JAVASCRIPT)
    out = tool(cloud, node, "run.mjs", json.dumps({"endpoint": cloud.endpoint, "bucket": BUCKET, "names": NAMES}), cwd=tmp_path)
    assert out.decode().strip() == "done"


JAVASCRIPT = """
import * as S3 from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import assert from 'node:assert';
const { endpoint, bucket: Bucket, names } = JSON.parse(process.argv[2]);
const client = new S3.S3Client({ endpoint, forcePathStyle: true });
await client.send(new S3.CreateBucketCommand({ Bucket }));
for (const Key of names) await client.send(new S3.PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { a: 'b' } }));
const big = Buffer.alloc(12 << 20, 'big');
await new Upload({ client, params: { Bucket, Key: 'big', Body: big }, partSize: 5 << 20 }).done();
for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
  await client.send(new S3.PutObjectCommand({ Bucket, Key: 'sum', Body: 'x', ChecksumAlgorithm }));
  const got = await client.send(new S3.GetObjectCommand({ Bucket, Key: 'sum', ChecksumMode: 'ENABLED' }));
  assert(got['Checksum' + ChecksumAlgorithm]);
  assert.equal(await got.Body.transformToString(), 'x');
}
const got = await client.send(new S3.GetObjectCommand({ Bucket, Key: 'big' }));
assert(big.equals(Buffer.from(await got.Body.transformToByteArray())));
const seen = [];
for await (const page of S3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) seen.push(...page.Contents.map(o => o.Key));
assert.deepEqual(seen.sort(), [...names, 'big', 'sum'].sort());
const url = await getSignedUrl(client, new S3.GetObjectCommand({ Bucket, Key: names[2] }), { expiresIn: 60 });
assert.equal(await (await fetch(url)).text(), names[2]);
await assert.rejects(client.send(new S3.GetObjectCommand({ Bucket, Key: 'none' })), { name: 'NoSuchKey' });
await S3.waitUntilObjectNotExists({ client, maxWaitTime: 20 }, { Bucket, Key: 'none' });
const gone = await client.send(new S3.DeleteObjectsCommand({ Bucket, Delete: { Objects: seen.map(Key => ({ Key })) } }));
assert.equal(gone.Deleted.length, seen.length);
await client.send(new S3.DeleteBucketCommand({ Bucket }));
console.log('done');
"""
