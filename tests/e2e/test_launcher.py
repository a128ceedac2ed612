"""The launcher as Glue starts it: a real Python with boto3, a bundle in the local S3, and what it makes of failures."""
import hashlib
import importlib.util
import io
import os
import signal
import subprocess
import sys
import tarfile
import time

import pytest
from helpers import ROOT

LAUNCHER = os.path.join(ROOT, "provision", "package", "launcher.py")
BUCKET = "launcher-test"
# A "program" without a loader: a bundle may hold one that is linked statically.
# Its arguments come as every bundled program's do: by a descriptor.
SCRIPT = r"""#!/bin/sh
test "$1" = --glueproj-arguments-fd || exit 99
words=$(eval "tr '\\0' ' ' <&$2")
eval "exec $2<&-"
set -- $words
echo "out: $*"
echo "2026-01-01T00:00:00.000Z INFO it: starts" >&2
env | sort > "$RESULT"
case "$1" in
fail) echo "2026-01-01T00:00:00.000Z ERROR it: failed error=\"no luck\"" >&2; echo "bye" >&2; exit 1;;
usage) echo "2026-01-01T00:00:00.000Z ERROR it: missing" >&2; exit 2;;
silent) exit 3;;
kill) kill -9 $$;;
wait) trap 'echo "2026-01-01T00:00:00.000Z ERROR it: stopped" >&2; exit 1' TERM; echo "ready $$"; while :; do sleep 0.05; done;;
esac
"""


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, (data, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def s3(cloud):
    s3 = cloud.client("s3")
    options = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    s3.create_bucket(Bucket=BUCKET, **options)
    return s3


@pytest.fixture
def put(s3):
    def put(data, name=None):
        key = f"pre/programs/{name or hashlib.sha256(data).hexdigest()}.tar.gz"
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        return f"s3://{BUCKET}/{key}"

    return put


@pytest.fixture
def launch(cloud, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def start(*words, env=None):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(scratch), "RESULT": str(tmp_path / "result"), **cloud.env(), **(env or {}),
        }
        return subprocess.Popen(
            [sys.executable, LAUNCHER, *map(str, words)], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def launch(*words, env=None):
        process = start(*words, env=env)
        stdout, stderr = process.communicate(timeout=120)
        assert os.listdir(scratch) == [], "the unpacked bundle is left behind"
        return process.returncode, stdout, stderr

    launch.start = start
    return launch


@pytest.fixture
def small(put):
    return put(tar_of({"bundle.json": (b"{}", 0o644), "bin/it": (SCRIPT.encode(), 0o755), "etc/ca.pem": (b"", 0o644)}))


def test_starts_the_program_with_its_arguments_and_keys(launch, small, tmp_path, cloud):
    code, stdout, stderr = launch(
        "--glueproj-program=it", "a b", "--glueproj_bundle", small, "--name", "value", env={"LD_PRELOAD": "", "AWS_PROFILE_X": "1"}
    )
    assert code == 0, stderr
    assert stdout == "out: a b --name value\n"
    assert "INFO it: starts" in stderr
    env = dict(line.split("=", 1) for line in (tmp_path / "result").read_text().splitlines() if "=" in line)
    assert env["AWS_ACCESS_KEY_ID"] == cloud.access_key_id and env["AWS_SECRET_ACCESS_KEY"] == cloud.secret_access_key
    assert env["AWS_REGION"] == cloud.region and "LD_PRELOAD" not in env
    assert env["SSL_CERT_FILE"].endswith("/etc/ca.pem") and env["TMPDIR"].startswith(str(tmp_path / "scratch"))


@pytest.mark.parametrize(
    "word, text",
    [
        ("fail", "'it' failed with exit code 1: 2026-01-01T00:00:00.000Z ERROR it: failed error=\"no luck\""),
        ("usage", "'it' failed with exit code 2: 2026-01-01T00:00:00.000Z ERROR it: missing"),
        ("kill", "'it' was ended by signal 9: 2026-01-01T00:00:00.000Z INFO it: starts"),
        ("silent", "'it' failed with exit code 3: 2026-01-01T00:00:00.000Z INFO it: starts"),
    ],
)
def test_a_failure_is_raised_with_the_last_error_line(launch, small, word, text):
    code, _, stderr = launch("--glueproj-bundle", small, "--glueproj-program", "it", word)
    assert code == 1
    assert stderr.splitlines()[-1].endswith(text), stderr


def test_signals_are_passed_on(launch, small):
    process = launch.start("--glueproj-bundle", small, "--glueproj-program", "it", "wait")
    assert process.stdout.readline() == "out: wait\n" and process.stdout.readline().startswith("ready ")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1 and "ERROR it: stopped" in stderr.splitlines()[-1]


@pytest.mark.parametrize("memfd", [True, False])
def test_no_argument_is_on_the_programs_command_line(launch, small, tmp_path, memfd):
    if not memfd:  # as in an older Python
        (tmp_path / "sitecustomize.py").write_text("import os\nif hasattr(os, 'memfd_create'):\n    del os.memfd_create\n")
    process = launch.start(
        "--glueproj-bundle", small, "--glueproj-program", "it", "wait", "--api-key", "tr0ub4dor", "--", "--x=tr0ub4dor", env={"PYTHONPATH": str(tmp_path)}
    )
    assert process.stdout.readline() == "out: wait --api-key tr0ub4dor -- --x=tr0ub4dor\n"
    pid = int(process.stdout.readline().split()[1])
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        line = f.read()
    with open(f"/proc/{pid}/environ", "rb") as f:
        environment = f.read()
    assert b"--glueproj-arguments-fd" in line and b"bin/it" in line
    assert b"tr0ub4dor" not in line + environment and b"wait" not in line
    assert not [n for n in os.listdir(f"/proc/{pid}/fd") if "arguments" in os.readlink(f"/proc/{pid}/fd/{n}")], "the program closed it"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_odd_arguments_arrive_as_they_are(module, tmp_path):
    program = tmp_path / "program"
    program.write_text(
        "#!" + sys.executable + "\nimport os, sys\nassert sys.argv[1] == '--glueproj-arguments-fd', sys.argv\n"
        "open(os.environ['RESULT'], 'wb').write(os.fdopen(int(sys.argv[2]), 'rb').read())\n"
    )
    program.chmod(0o755)
    words = ["", "two words", "line\nend", "\u00fc;'\"", "\udcff", "x" * 300000]
    module.run([str(program)], words, {**os.environ, "RESULT": str(tmp_path / "result")})
    assert (tmp_path / "result").read_bytes() == b"".join(os.fsencode(w) + b"\0" for w in words)
    module.run([str(program)], [], {**os.environ, "RESULT": str(tmp_path / "result")})
    assert (tmp_path / "result").read_bytes() == b""


@pytest.mark.parametrize(
    "words, text",
    [
        (["--glueproj-program", "it"], "--glueproj-bundle is missing"),
        (["--glueproj-bundle", "{small}"], "--glueproj-program is missing"),
        (["--glueproj-bundle", "{small}", "--glueproj-program", "other"], "no program 'other'; it has: it"),
        (["--glueproj-bundle", "{small}", "--glueproj-program", "../bin/it"], "no program '../bin/it'"),
        (["--glueproj-bundle", "s3://x/y.tar.gz", "--glueproj-program", "it"], "is no program bundle"),
        (["--glueproj-bundle", "s3://launcher-test/" + "0" * 64 + ".tar.gz", "--glueproj-program", "it"], "NoSuchKey"),
    ],
)
def test_what_cannot_start_says_why(launch, small, words, text):
    code, _, stderr = launch(*(w.format(small=small) for w in words))
    assert code == 1 and text in stderr.splitlines()[-1], stderr


def test_a_bundle_with_another_hash_is_not_run(launch, put, tmp_path):
    data = tar_of({"bin/it": (SCRIPT.encode(), 0o755)})
    code, _, stderr = launch("--glueproj-bundle", put(data, "0" * 64), "--glueproj-program", "it")
    assert code == 1 and f"has SHA-256 {hashlib.sha256(data).hexdigest()}, not that of its name" in stderr
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize("name", ["../it", "/tmp/it", "bin/../../it"])
def test_a_bundle_that_would_leave_its_folder_is_not_unpacked(launch, put, name):
    code, _, stderr = launch("--glueproj-bundle", put(tar_of({name: (b"x", 0o644)})), "--glueproj-program", "it")
    assert code == 1 and "no plain file inside it" in stderr


# --- folders, with the launcher as a module ---
@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("launcher_under_test", LAUNCHER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_folder_with_room_where_programs_run(module, monkeypatch, tmp_path):
    bad, full, good = (tmp_path / n for n in ("bad", "full", "good"))
    for folder in (bad, full, good):
        folder.mkdir()
    monkeypatch.setattr(module, "candidates", lambda: [str(tmp_path / "missing"), str(bad), str(full), str(good)])
    monkeypatch.setattr(module, "runs_programs", lambda folder: not folder.startswith(str(bad)))
    usage = module.shutil.disk_usage
    monkeypatch.setattr(
        module.shutil, "disk_usage", lambda p: usage(p)._replace(free=1 << 10) if str(p).startswith(str(full)) else usage(p)._replace(free=1 << 30)
    )
    assert module.make_folder(1 << 20).startswith(str(good))
    assert os.listdir(bad) == [] and os.listdir(full) == []
    with pytest.raises(module.LauncherError) as e:
        module.make_folder(1 << 40)
    for part in ("missing: No such file", "bad: less than", "full: less than", "good: less than"):
        assert part in str(e.value)


@pytest.mark.skipif(os.getuid() != 0, reason="mounting is root's")
def test_a_noexec_folder_is_seen(module, tmp_path):
    folder = tmp_path / "noexec"
    folder.mkdir()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "none", str(folder)], stderr=subprocess.DEVNULL) != 0:
        pytest.skip("cannot mount here")
    try:
        assert not module.runs_programs(str(folder))
    finally:
        subprocess.check_call(["umount", str(folder)])
    assert module.runs_programs(str(tmp_path))


# --- the real thing ---
def test_a_real_bundle_runs(launch, run_glueproj, cloud, tmp_path, sales_zip, s3):
    """The extract program, bundled by glueproj, started as Glue would: downloads from a file, stores in S3."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "glueproj.yaml").write_text(f"Project: launched\nArtifacts: s3://{BUCKET}/real/\nStacks: [main]\n")
    (folder / "main.yaml").write_text(
        "Resources:\n  Job:\n    Type: AWS::Glue::Job\n    Properties:\n      Name: launched\n"
        f"      Role: arn:aws:iam::{cloud.account}:role/any\n      Command: {{Name: pythonshell, PythonVersion: '3.9', ScriptLocation: extract}}\n"
    )
    run_glueproj("-p", folder, "deploy", env=cloud.env()).ok()
    found = {o["Key"]: o["Size"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="real/")["Contents"]}
    launcher, = (k for k in found if k.startswith("real/launcher/"))
    bundle, = (k for k in found if k.startswith("real/programs/"))
    with open(LAUNCHER, "rb") as f:
        assert s3.get_object(Bucket=BUCKET, Key=launcher)["Body"].read() == f.read()
    code, stdout, stderr = launch(
        "--glueproj-bundle", f"s3://{BUCKET}/{bundle}", "--glueproj-program", "extract", "--url", f"file://{sales_zip}",
        "--s3_destination_bucket", f"s3://{BUCKET}/raw",
    )
    assert code == 0, stderr
    assert " INFO extract: stored " in stdout
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="raw/")["Contents"]]
    assert keys == ["raw/2m-Sales-Records.csv", "raw/2m-Sales-Records.zip"]
    code, _, stderr = launch("--glueproj-bundle", f"s3://{BUCKET}/{bundle}", "--glueproj-program", "extract", "--url", "/no/such.zip")
    assert code == 1 and "exit code 2" in stderr.splitlines()[-1] and "--s3_destination_bucket" in stderr.splitlines()[-1]
