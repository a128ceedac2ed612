"""Programs and scripts on their way to the cloud: bundles, their reproducibility, and a root folder that holds nothing else."""
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

import pytest
from jobs import jobs_dir

TEMPLATE = """\
Parameters:
  Program: {Type: String, Default: clean}
Resources:
  Artifacts:
    Type: AWS::S3::Bucket
    Properties: {BucketName: bundle-test-artifacts}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: bundle-test-role
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: "sts:AssumeRole"}]
  Bundled:
    Type: AWS::Glue::Job
    Properties:
      Name: bundled
      Role: !GetAtt Role.Arn
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: !Ref Program}
      DefaultArguments: {"--url": "file:///nowhere.zip"}
  Again:
    Type: AWS::Glue::Job
    Properties:
      Name: again
      Role: !GetAtt Role.Arn
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: extract}
  Script:
    Type: AWS::Glue::Job
    Properties:
      Name: script
      Role: !GetAtt Role.Arn
      Command: {Name: glueetl, ScriptLocation: etl/load it.py}
  Elsewhere:
    Type: AWS::Glue::Job
    Properties:
      Name: elsewhere
      Role: !GetAtt Role.Arn
      Command: {Name: glueetl, ScriptLocation: s3://somewhere/else.py}
"""


@pytest.fixture
def project(tmp_path, run_glueproj, cloud):
    folder = tmp_path / "project"
    (folder / "etl").mkdir(parents=True)
    (folder / "main.yaml").write_text(TEMPLATE)
    (folder / "etl" / "load it.py").write_text("print('loaded')\n")
    (folder / "glueproj.yaml").write_text("Project: bundle-test\nArtifacts: s3://bundle-test-artifacts/pre/\nStacks: [main]\n")

    def run(*arguments, **options):
        return run_glueproj("-p", folder, *arguments, "--output", "json", env=cloud.checked_env(), **options)

    run.folder = folder
    return run


def job(cloud, name):
    return cloud.client("glue").get_job(JobName=name)["Job"]


def keys(cloud):
    s3 = cloud.client("s3")
    return {o["Key"]: s3.get_object(Bucket="bundle-test-artifacts", Key=o["Key"])["Body"].read()
            for o in s3.list_objects_v2(Bucket="bundle-test-artifacts").get("Contents", [])}


def test_places_and_arguments(project, cloud):
    project("setup").ok()
    found = keys(cloud)
    bundle, = (k for k in found if re.fullmatch(r"pre/programs/[0-9a-f]{64}\.tar\.gz", k))
    launcher, = (k for k in found if re.fullmatch(r"pre/launcher/[0-9a-f]{64}\.py", k))
    script, = (k for k in found if re.fullmatch(r"pre/scripts/[0-9a-f]{64}/load it\.py", k))
    assert len(found) == 3
    for key in found:
        assert hashlib.sha256(found[key]).hexdigest() in key
    for name, program in (("bundled", "clean"), ("again", "extract")):
        value = job(cloud, name)
        assert value["Command"]["ScriptLocation"] == f"s3://bundle-test-artifacts/{launcher}"
        assert value["DefaultArguments"]["--glueproj-bundle"] == f"s3://bundle-test-artifacts/{bundle}"
        assert value["DefaultArguments"]["--glueproj-program"] == program
    assert job(cloud, "bundled")["DefaultArguments"]["--url"] == "file:///nowhere.zip"
    assert job(cloud, "script")["Command"]["ScriptLocation"] == f"s3://bundle-test-artifacts/{script}"
    assert "--glueproj-bundle" not in job(cloud, "script").get("DefaultArguments", {})
    assert job(cloud, "elsewhere")["Command"]["ScriptLocation"] == "s3://somewhere/else.py"

    again = project("setup").ok()
    assert set(again.actions().values()) == {"none"}, again

    # A changed script changes its one job.
    (project.folder / "etl" / "load it.py").write_text("print('loaded better')\n")
    changed = project("setup").ok().actions()
    assert {k[1] for k, action in changed.items() if action == "update"} == {"Script"}, changed


def test_a_missing_program_names_those_there_are(project):
    result = project("setup", "--set", "Program=claen").fails(2)
    error, = result.json["errors"]
    assert error["path"] == "Resources.Bundled.Properties.Command.ScriptLocation"
    line = TEMPLATE[: TEMPLATE.index("!Ref Program")].count("\n") + 1
    assert error["file"].endswith("main.yaml") and error["line"] == line, error
    assert re.search(r"there are: (\S+, )*clean, (\S+, )*extract, (\S+, )*repartition\b", error["message"]) and "clean" in error["hint"]
    assert not result.json.get("stacks") or all(a in ("none", None) for a in result.actions().values())


def test_a_missing_script(project):
    os.unlink(project.folder / "etl" / "load it.py")
    error, = project("setup").fails(2).json["errors"]
    assert "load it.py" in error["message"] and error["path"] == "Resources.Script.Properties.Command.ScriptLocation"


# --- what is in a bundle ---
@pytest.fixture
def bundle(project, cloud):
    project("setup").ok()
    data, = (v for k, v in keys(cloud).items() if "/programs/" in k)
    return data


def test_members(bundle):
    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        members = {m.name: m for m in tar.getmembers()}
        assert {n for n in members if n.startswith("bin/")} == {"bin/clean", "bin/extract"}
        assert {"lib/ld.so", "lib/libduckdb.so", "lib/libc.so.6", "etc/ca.pem", "bundle.json"} <= set(members)
        for m in members.values():
            assert m.isfile() and m.mtime == 0 and (m.uid, m.gid, m.uname, m.gname) == (0, 0, "", ""), m.name
            assert m.mode == (0o755 if m.name.startswith(("bin/", "lib/")) else 0o644), m.name
        assert json.load(tar.extractfile("bundle.json")) == {"version": 1, "programs": ["clean", "extract"], "loader": "lib/ld.so"}
        assert b"BEGIN CERTIFICATE" in tar.extractfile("etc/ca.pem").read()


@pytest.mark.skipif(os.getuid() != 0, reason="chroot is root's")
def test_programs_run_where_there_is_nothing_else(bundle, tmp_path, sales_zip):
    root = tmp_path / "root"
    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        tar.extractall(root)
    for name in ("in", "raw", "silver", "tmp"):
        (root / name).mkdir()
    (root / "in" / "a.zip").write_bytes(sales_zip.read_bytes())

    def run(program, *words):
        command = ["/usr/sbin/chroot", str(root), "/lib/ld.so", "--library-path", "/lib", "--argv0", program, f"/bin/{program}", *words]
        return subprocess.run(command, env={"TMPDIR": "/tmp"}, capture_output=True, text=True, timeout=60, check=False)

    r = run("extract", "--url", "/in/a.zip", "--s3_destination_bucket", "/raw")
    assert r.returncode == 0, r
    r = run("clean", "--raw_object_name", "2m-Sales-Records.csv", "--source_bucket", "/raw", "--target_bucket", "/silver")
    assert r.returncode == 0, r
    assert len(os.listdir(root / "silver" / "2m-Sales-Records")) == 1
    assert os.listdir(root / "tmp") == []
    # TLS starts: it is the name that cannot be found, not the certificates.
    r = run("extract", "--url", "https://glueproj.invalid/a.zip", "--s3_destination_bucket", "/raw")
    assert r.returncode == 1 and "glueproj.invalid" in r.stderr and "ertificate" not in r.stderr, r


def test_programs_need_no_more_than_is_bundled():
    """What the bundle would miss is what these open at run time by name."""
    for name in ("extract", "clean", "repartition"):
        listed = subprocess.run(["ldd", os.path.join(jobs_dir(), name)], capture_output=True, text=True, check=True).stdout
        assert "not found" not in listed, listed
