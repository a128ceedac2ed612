"""The local cloud as a server: one a folder, keys, health, clock, idleness, sign-in, crashes, full disks."""
import concurrent.futures
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time
import urllib.parse

import boto3
import botocore.config
import pytest

from helpers import Cloud
from test_local_s3 import code_of, request


def start(run_glueproj, folder, *options):
    return run_glueproj("local", "start", "--dir", folder, "--output", "json", *options)


def stop(run_glueproj, folder):
    return run_glueproj("local", "stop", "--dir", folder).ok()


def client(document, service, **keys):
    return boto3.client(
        service, endpoint_url=document["endpoint"], region_name="us-east-1",
        **{"aws_access_key_id": document["access_key_id"], "aws_secret_access_key": document["secret_access_key"], **keys},
        config=botocore.config.Config(retries={"max_attempts": 1}),
    )


def test_start_finds_the_running_one(run_glueproj, tmp_path):
    folder = tmp_path / "c"
    assert run_glueproj("local", "status", "--dir", folder).code == 1
    first = start(run_glueproj, folder, "--port", "0").ok().json
    try:
        again = start(run_glueproj, folder, "--port", "0").ok().json
        assert (again["pid"], again["endpoint"]) == (first["pid"], first["endpoint"])
        assert run_glueproj("local", "status", "--dir", folder).code == 0
        assert client(first, "sts").get_caller_identity()["Account"] == "000000000000"
        for name in ("server.json", "keys.json"):
            assert stat.S_IMODE(os.stat(folder / name).st_mode) == 0o600
        with open(f"/proc/{first['pid']}/cmdline", "rb") as f:
            assert first["secret_access_key"].encode() not in f.read()
        assert first["secret_access_key"] not in (folder / "server.log").read_text()
    finally:
        stop(run_glueproj, folder)
    assert run_glueproj("local", "status", "--dir", folder).code == 1
    assert not (folder / "server.json").exists()
    stop(run_glueproj, folder)  # fine when none runs
    third = start(run_glueproj, folder, "--port", "0").ok().json
    stop(run_glueproj, folder)
    assert third["access_key_id"] == first["access_key_id"] != "test"


def test_many_starts_give_one_server(run_glueproj, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: start(run_glueproj, tmp_path / "c", "--port", "0"), range(8)))
    stop(run_glueproj, tmp_path / "c")
    assert len({r.ok().json["pid"] for r in found}) == 1


def test_port_in_use(run_glueproj, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        r = start(run_glueproj, tmp_path / "c", "--port", port)
        assert r.code == 1 and f"port {port} is in use" in r.stdout + r.stderr
    # mended, it goes
    assert start(run_glueproj, tmp_path / "c", "--port", port).ok().json["endpoint"].endswith(f":{port}")
    stop(run_glueproj, tmp_path / "c")


def test_folder_that_cannot_be(run_glueproj, tmp_path):
    (tmp_path / "file").write_text("")
    r = start(run_glueproj, tmp_path / "file", "--port", "0")
    assert r.code != 0 and "file" in r.stdout + r.stderr


def test_account_stays(run_glueproj, tmp_path):
    folder = tmp_path / "c"
    assert start(run_glueproj, folder, "--port", "0", "--account", "123456789012").ok().json["account"] == "123456789012"
    stop(run_glueproj, folder)
    assert start(run_glueproj, folder, "--port", "0").ok().json["account"] == "123456789012"
    stop(run_glueproj, folder)
    r = start(run_glueproj, folder, "--port", "0", "--account", "999999999999")
    assert r.code != 0 and "belongs to account 123456789012" in r.stdout + r.stderr


def test_kill_loses_nothing(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="lake-test")
    for i in range(30):
        s3.put_object(Bucket="lake-test", Key=f"k{i}", Body=str(i).encode())
    cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument='{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}')
    up = s3.create_multipart_upload(Bucket="lake-test", Key="big")["UploadId"]
    etag = s3.upload_part(Bucket="lake-test", Key="big", UploadId=up, PartNumber=1, Body=b"part")["ETag"]
    cloud.kill()
    # what a crash leaves: half an upload, and a file that no row names
    objects = os.path.join(cloud.dir, "objects", "00")
    for path in (os.path.join(cloud.dir, "tmp", "half"), os.path.join(objects, "00" + "f" * 30)):
        with open(path, "w", encoding="ascii") as f:
            f.write("half")
    cloud.start()
    s3 = cloud.client("s3")
    for i in range(30):
        assert s3.get_object(Bucket="lake-test", Key=f"k{i}")["Body"].read() == str(i).encode()
    cloud.client("iam").get_role(RoleName="r")
    assert os.listdir(os.path.join(cloud.dir, "tmp")) == [] and "00" + "f" * 30 not in os.listdir(objects)
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket="lake-test", Key="big", UploadId=up, MultipartUpload=parts)
    assert s3.get_object(Bucket="lake-test", Key="big")["Body"].read() == b"part"


def test_files_go_with_their_objects(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="lake-test")
    files = lambda: sum(len(f) for _, _, f in os.walk(os.path.join(cloud.dir, "objects")))  # noqa: E731
    for _ in range(5):
        s3.put_object(Bucket="lake-test", Key="k", Body=b"again")
    s3.copy_object(Bucket="lake-test", Key="l", CopySource="lake-test/k")
    up = s3.create_multipart_upload(Bucket="lake-test", Key="m")["UploadId"]
    for _ in range(2):
        s3.upload_part(Bucket="lake-test", Key="m", UploadId=up, PartNumber=1, Body=b"part")
    assert files() == 3
    s3.abort_multipart_upload(Bucket="lake-test", Key="m", UploadId=up)
    s3.delete_objects(Bucket="lake-test", Delete={"Objects": [{"Key": "k"}, {"Key": "l"}]})
    assert files() == 0
    code_of(s3.put_object, Bucket="lake-test", Key="k", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    assert files() == 0 and os.listdir(os.path.join(cloud.dir, "tmp")) == []


def test_health(cloud):
    status, body, _ = request(cloud, "GET", "/_glueproj/health")
    doc = json.loads(body)
    assert status == 200 and doc["status"] == "ok" and doc["account"] == cloud.account and doc["version"]
    assert {"s3", "iam", "sts", "tagging"} <= set(doc["services"]) and len(doc["services"]) == len(set(doc["services"]))
    assert request(cloud, "GET", "/_glueproj/nothing")[0] == 404


def test_clock(cloud, run_glueproj):
    body = json.dumps({"advance_seconds": 86400})
    status, reply, _ = request(cloud, "POST", "/_glueproj/clock", body)
    assert status == 200 and json.loads(reply)["now"].endswith("Z")
    cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument='{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}')
    made = cloud.client("iam").get_role(RoleName="r")["Role"]["CreateDate"].timestamp()
    assert 86000 < made - time.time() < 87000
    cloud.stop().ok()
    cloud.start()
    status, reply, _ = request(cloud, "POST", "/_glueproj/clock", json.dumps({"advance_seconds": 0}))
    assert time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400)) in json.loads(reply)["now"]
    for bad in (b"", b"{}", b'{"advance_seconds":-1}', b"[]"):
        assert request(cloud, "POST", "/_glueproj/clock", bad)[0] == 400
    assert request(cloud, "POST", "/_glueproj/clock", body, {"Origin": "http://evil.example"})[0] == 403


def test_idle_server_ends(run_glueproj, tmp_path):
    document = start(run_glueproj, tmp_path / "c", "--port", "0", "--idle", "1").ok().json
    s3 = client(document, "s3")
    deadline = time.time() + 3
    while time.time() < deadline:  # requests keep it up
        s3.list_buckets()
        time.sleep(0.3)
    for _ in range(100):
        if run_glueproj("local", "status", "--dir", tmp_path / "c").code == 1:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("it runs on")


def test_sigterm_in_foreground(run_glueproj, tmp_path):
    process = run_glueproj.start("local", "start", "--foreground", "--dir", tmp_path / "c", "--port", "0")
    for _ in range(100):
        if run_glueproj("local", "status", "--dir", tmp_path / "c").code == 0:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert run_glueproj("local", "status", "--dir", tmp_path / "c").code == 1


# --- sign-in ---


@pytest.mark.parametrize(
    "service,call,unknown,wrong",
    [
        ("s3", "list_buckets", ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
        ("iam", "list_roles", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        ("sts", "get_caller_identity", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        ("resourcegroupstaggingapi", "get_resources", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ],
)
def test_wrong_keys(cloud, service, call, unknown, wrong):
    document = {"endpoint": cloud.endpoint, "access_key_id": cloud.access_key_id, "secret_access_key": cloud.secret_access_key}
    assert code_of(getattr(client(document, service, aws_access_key_id="AKIANOBODY0000000000"), call)) == unknown
    assert code_of(getattr(client(document, service, aws_secret_access_key="wrong"), call)) == wrong


def test_unsigned_and_unknown(cloud):
    status, body, _ = request(cloud, "GET", "/some-bucket/key")
    assert status == 403 and b"AccessDenied" in body
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body, _ = request(cloud, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", form)
    assert status == 403 and b"MissingAuthenticationToken" in body
    target = {"X-Amz-Target": "AWSGlue.GetJobs", "Content-Type": "application/x-amz-json-1.1"}
    status, body, _ = request(cloud, "POST", "/", "{}", target)
    assert status == 400 and json.loads(body)["__type"] == "MissingAuthenticationTokenException"
    code, status = code_of(cloud.client("resourcegroupstaggingapi").describe_report_creation)
    assert (code, status) == ("UnknownOperationException", 400)
    assert code_of(cloud.client("iam").list_mfa_devices) == ("InvalidAction", 400)
    assert code_of(cloud.client("lambda").list_functions) == ("NotImplemented", 501)


def test_nonsense_does_not_end_it(cloud):
    netloc = urllib.parse.urlsplit(cloud.endpoint).netloc
    host, port = netloc.split(":")
    for raw in (
        b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /%zz?%zz=%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=5) as s:
            s.sendall(raw)
            s.settimeout(1)
            try:
                s.recv(65536)
            except (TimeoutError, ConnectionError):
                pass
    # a client that goes away in the middle of its upload
    conn = http.client.HTTPConnection(netloc, timeout=5)
    conn.putrequest("PUT", "/b/k")
    conn.putheader("Content-Length", "1000000")
    conn.endheaders()
    conn.send(b"x" * 1000)
    conn.close()
    assert request(cloud, "GET", "/_glueproj/health")[0] == 200
    cloud.client("sts").get_caller_identity()


def test_many_at_once(cloud):
    s3 = cloud.client("s3", max_pool_connections=16)
    s3.create_bucket(Bucket="lake-test")

    def work(n):
        for i in range(10):
            s3.put_object(Bucket="lake-test", Key=f"{n}/{i}", Body=f"{n}/{i}".encode())
        return all(s3.get_object(Bucket="lake-test", Key=f"{n}/{i}")["Body"].read() == f"{n}/{i}".encode() for i in range(10))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))
    assert s3.list_objects_v2(Bucket="lake-test")["KeyCount"] == 160


def test_racing_writes_leave_one_object(cloud):
    s3 = cloud.client("s3", max_pool_connections=8)
    s3.create_bucket(Bucket="lake-test")

    def write(n):
        try:
            s3.put_object(Bucket="lake-test", Key="lease", Body=str(n).encode(), IfNoneMatch="*")
            return n
        except s3.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] == "PreconditionFailed"
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        won = [n for n in pool.map(write, range(24)) if n is not None]
    assert len(won) == 1
    assert s3.get_object(Bucket="lake-test", Key="lease")["Body"].read() == str(won[0]).encode()


def test_reads_during_overwrites_are_whole(cloud):
    s3 = cloud.client("s3", max_pool_connections=8)
    s3.create_bucket(Bucket="lake-test")
    bodies = [bytes([65 + n]) * 200_000 for n in range(4)]
    s3.put_object(Bucket="lake-test", Key="k", Body=bodies[0])

    def work(n):
        for i in range(25):
            if n < 3:
                s3.put_object(Bucket="lake-test", Key="k", Body=bodies[(n + i) % 4])
            else:
                assert s3.get_object(Bucket="lake-test", Key="k")["Body"].read() in bodies

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    files = [f for _, _, names in os.walk(os.path.join(cloud.dir, "objects")) for f in names]
    assert len(files) == 1


def test_memory_is_constant(cloud, tmp_path):
    """A body of 300 MB in and out: the server's peak stays far below it."""
    big = tmp_path / "big"
    with open(big, "wb") as f:
        f.truncate(300 << 20)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="lake-test")
    with open(big, "rb") as f:
        s3.put_object(Bucket="lake-test", Key="big", Body=f)
    got = s3.get_object(Bucket="lake-test", Key="big")["Body"]
    assert sum(len(c) for c in got.iter_chunks(1 << 20)) == 300 << 20
    with open(f"/proc/{cloud.pid}/status", encoding="ascii") as f:
        peak_kb = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    assert peak_kb < 120_000


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_full_disk(run_glueproj, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        (disk / "ballast").write_bytes(b"b" * (8 << 20))
        cloud = Cloud(run_glueproj, disk / "cloud")
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="lake-test")
        s3.put_object(Bucket="lake-test", Key="small", Body=b"small")
        with pytest.raises(s3.exceptions.ClientError, match="is full") as e:
            s3.put_object(Bucket="lake-test", Key="big", Body=b"x" * (20 << 20))
        assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
        # alive, nothing half written, and room again
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="lake-test")["Contents"]] == ["small"]
        assert os.listdir(disk / "cloud" / "tmp") == []
        s3.put_object(Bucket="lake-test", Key="more", Body=b"y" * (1 << 20))
        # the control plane too: no room for another row is said as such
        iam, trust = cloud.client("iam"), '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}'
        with pytest.raises(iam.exceptions.ClientError, match="is full") as e:
            for n in range(100_000):
                iam.create_role(RoleName=f"role-{n}", AssumeRolePolicyDocument=trust + " " * 100_000)
        assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
        assert s3.get_object(Bucket="lake-test", Key="small")["Body"].read() == b"small"
        cloud.stop().ok()
        start(run_glueproj, disk / "cloud", "--port", "0").fails(1, "disk is full|No space left")
        (disk / "ballast").unlink()
        cloud.start()
        assert cloud.client("s3").get_object(Bucket="lake-test", Key="small")["Body"].read() == b"small"
        cloud.stop().ok()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
