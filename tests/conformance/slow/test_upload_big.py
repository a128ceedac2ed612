"""`upload` of what is big: in bounded memory, killed again and again, on bad lines, and a terminal's progress."""
import hashlib
import os
import pty
import random
import re
import subprocess
import sys
import time

import pytest

from s3_cloud import cloud  # noqa: F401

from helpers import Runner, digest_of_objects, glueproj_bin  # noqa: E402
from model_proxy import Fault, ModelProxy  # noqa: E402

MIB = 1 << 20
PART = 8 * MIB
BUCKET = "raw"


@pytest.fixture
def raw(cloud):  # noqa: F811
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    return cloud


def make_file(path, size, seed=1):
    block = random.Random(seed).randbytes(MIB)
    with open(path, "wb") as f:
        for i in range(size // MIB):
            f.write(i.to_bytes(8, "big") + block[8:])
        f.write(block[:size % MIB])
    return path


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def read_back(cloud, key):  # noqa: F811
    digest = hashlib.sha256()
    for block in cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].iter_chunks(MIB):
        digest.update(block)
    return digest.hexdigest()


def test_memory_is_bounded(raw, tmp_path):
    """300 MB and 2000 small files with 32 threads: the peak has nothing to do with the sizes."""
    big = make_file(tmp_path / "big.bin", 300 * MIB + 12345)
    os.mkdir(tmp_path / "many")
    for i in range(2000):
        (tmp_path / "many" / f"{i}.csv").write_bytes(b"%d\n" % i * 100)
    code = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]).returncode; "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(r)"
    )
    began = time.time()
    r = subprocess.run(
        [sys.executable, "-c", code, glueproj_bin(), "upload", str(big), "many", "--to", f"s3://{BUCKET}/", "--parallel", "32", "--quiet"],
        env={**Runner(tmp_path).environment, **raw.env()}, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )
    assert r.returncode == 0, r.stderr
    peak = int(r.stderr.split()[-1]) / 1024
    print(f"{300 + 0.2:.0f} MB in {time.time() - began:.1f} s, peak {peak:.0f} MB")
    assert peak < 80
    assert read_back(raw, "big.bin") == sha256(big) and len(digest_of_objects(raw, BUCKET)) == 2001


def test_killed_until_it_is_through(raw, tmp_path):
    """A run that is killed after every third part gets there, and no part that has arrived goes twice."""
    big = make_file(tmp_path / "big.bin", 12 * PART + 1)
    words = ("upload", str(big), "--to", f"s3://{BUCKET}/", "--parallel", "2", "--output", "json")
    run, arrived, runs = Runner(tmp_path), set(), 0
    while True:
        runs += 1
        assert runs < 10
        with ModelProxy(raw.endpoint) as proxy:
            process = run.start(*words, env=raw.env(proxy.endpoint))

            def kill(process=process):
                process.kill()

            proxy.kill_after(7, kill, "after")
            process.communicate(timeout=120)
            numbers = [int(r["target"].split("partNumber=")[1].split("&")[0]) for r in proxy.log if r["operation"] == "UploadPart"]
        assert not arrived & set(numbers)
        uploads = raw.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        if process.returncode == 0:
            break
        assert len(uploads) == 1
        # What is under way when the process dies is the cloud's to finish.
        time.sleep(0.5)
        parts = raw.client("s3").list_parts(Bucket=BUCKET, Key="big.bin", UploadId=uploads[0]["UploadId"]).get("Parts", [])
        arrived = {p["PartNumber"] for p in parts}
    assert runs > 2 and not uploads and read_back(raw, "big.bin") == sha256(big)


@pytest.mark.parametrize("kind", ["reset", "lost", "throttle", "error"])
def test_a_bad_line(raw, tmp_path, kind):
    """A third of all requests goes wrong."""
    big = make_file(tmp_path / "big.bin", 6 * PART + 7)
    os.mkdir(tmp_path / "many")
    for i in range(60):
        (tmp_path / "many" / f"{i}.csv").write_bytes(b"%d" % i)
    with ModelProxy(raw.endpoint, faults=[Fault(kind, every=3)]) as proxy:
        result = Runner(tmp_path)("upload", str(big), "many", "--to", f"s3://{BUCKET}/", "--output", "json", env=raw.env(proxy.endpoint)).ok()
        assert not proxy.violations
    assert result.json["summary"]["uploaded"] == 61 and read_back(raw, "big.bin") == sha256(big)
    assert all(raw.client("s3").get_object(Bucket=BUCKET, Key=f"{i}.csv")["Body"].read() == b"%d" % i for i in range(60))


def test_a_terminal_shows_rate_and_time_left(raw, tmp_path):
    make_file(tmp_path / "big.bin", 12 * PART)
    ours, theirs = pty.openpty()
    environment = {**Runner(tmp_path).environment, **raw.env(), "TERM": "xterm"}
    del environment["NO_COLOR"]
    with ModelProxy(raw.endpoint, faults=[Fault("delay", operation="UploadPart", ms=150)]) as proxy:
        environment.update(raw.env(proxy.endpoint))
        process = subprocess.Popen(
            [glueproj_bin(), "upload", "big.bin", "--to", f"s3://{BUCKET}/", "--parallel", "2"], cwd=tmp_path, env=environment, stdin=theirs,
            stdout=subprocess.PIPE, stderr=theirs, text=True,
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                block = os.read(ours, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block
        os.close(ours)
        stdout = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert re.search(rb"0 of 1 files, \d+\.\d MB of 100\.7 MB, \d+\.\d MB/s, \d+:\d\d left", shown), shown
    assert stdout.startswith("1 uploaded; sent 100.7 MB")
