"""What goes wrong for a user: one clear error with its place, the right exit code, nothing changed, and the run after mending goes through."""
import json
import os
import re
import socket
import subprocess
import time
import urllib.request

import pytest

import contract
from helpers import Cloud, Result, everything
from shop import Shop

HOME = "glueproj-000000000000-us-east-1"


@pytest.fixture
def shop(run_glueproj, cloud):
    return Shop(run_glueproj, cloud)


def nothing_changed(shop):
    standing = everything(shop.cloud)
    return not any(n for kind, names in standing.items() for n in names if n not in ("primary", HOME))


def mended(shop):
    """The run after mending."""
    assert contract.check(shop("setup").ok()).json["summary"]["failed"] == 0


def refused(shop, file, line, text, column=None, path=None, code=2):
    """setup, plan and validate all say where and what, change nothing, and agree in text and document."""
    result = contract.check(shop("setup").fails(code, text))
    errors = [e for e in result.json["errors"] if os.path.basename(e.get("file", "")) == file]
    assert errors, repr(result)
    error = next((e for e in errors if re.search(text, e["message"])), None)
    assert error, repr(result)
    assert error["line"] == line and error["column"] >= 1 and (column is None or error["column"] == column), error
    assert path is None or error["path"] == path, error
    plain = shop("setup", json_output=False).fails(code)
    assert re.search(rf"^glueproj: \S*{re.escape(file)}:{line}:{error['column']}: error: .*{text}", plain.stderr, re.M), plain.stderr
    assert shop("validate").code == 2 and nothing_changed(shop)
    return result.json["errors"]


def line_of(shop, file, text):
    for number, line in enumerate(shop.read(file).splitlines(), 1):
        if text in line:
            return number
    raise AssertionError(f"{file} has no '{text}'")


# --- the user's files; all of these are found before the first call ---

CASES = {
    # name: (file, what stands there, what is put there, text of the line that is named, the error, its path)
    "wrong YAML": ("base.yaml", "  Bucket:\n    Type", "  Bucket: [\n    Type", "Properties:", "", None),
    "a tab in YAML": ("work.yaml", "  Workflow:\n", "\tWorkflow:\n", "\tWorkflow", "", None),
    "a key twice": ("work.yaml", "      Timeout: 5\n", "      Timeout: 5\n      Timeout: 6\n", "Timeout: 6", "Timeout", None),
    "unknown intrinsic": ("base.yaml", "BucketName: !Ref BucketName", "BucketName: !Reff BucketName", "!Reff", "Reff", None),
    "an intrinsic with wrong arguments": (
        "base.yaml", "Value: !GetAtt Bucket.Arn", "Value: !Select [0]", "!Select [0]", "Select", None),
    "reference to nothing": ("work.yaml", "--seconds: !Ref Seconds", "--seconds: !Ref Secnds", "!Ref Secnds", "Secnds", None),
    "unknown attribute": ("base.yaml", "!GetAtt Role.Arn", "!GetAtt Role.Arm", "Role.Arm", "Arm", None),
    "unknown type": ("base.yaml", "AWS::Glue::Database", "AWS::Glue::Databse", "AWS::Glue::Databse", "AWS::Glue::Databse", None),
    "unknown property": ("work.yaml", "Timeout: 5", "Timeot: 5", "Timeot", "Timeot", None),
    "missing property": ("work.yaml", "Name: shop_second\n      Role: !ImportValue shop-role\n", "Name: shop_second\n", None, "Role", None),
    "wrong kind of value": ("work.yaml", "Timeout: 5", "Timeout: soon", "Timeout: soon", "", "Resources.Second.Properties.Timeout"),
    "import of nothing": ("work.yaml", "--bucket: !ImportValue shop-bucket", "--bucket: !ImportValue shop-bucet", "shop-bucet", "shop-bucet", None),
    "a bucket name that AWS would refuse": ("config.yaml", "shop-data ", "Shop_Data! ", None, "", None),
    "unknown config key": ("config.yaml", "Stage: test", "Stagee: test", "Stagee", "Stagee", None),
    "value that is not allowed": ("config.yaml", "Stage: test", "Stage: prod", "Stage: prod", "Stage", None),
    "unset variable": ("config.yaml", "!Env SHOP_PASSWORD", "!Env SHOP_PASSWROD", "SHOP_PASSWROD", "SHOP_PASSWROD", None),
    "missing file of a value": ("config.yaml", "!Env SHOP_PASSWORD", "!File nothing.txt", "!File nothing.txt", "nothing.txt", None),
    "missing program": ("work.yaml", "ScriptLocation: hello.py}\n      MaxCapacity: 0.0625\n      Timeout: 5",
                        "ScriptLocation: helo}\n      MaxCapacity: 0.0625\n      Timeout: 5", "ScriptLocation: helo}", "helo", None),
    "missing script": ("work.yaml", "ScriptLocation: hello.py}\n      MaxCapacity: 0.0625\n      Timeout: 5",
                       "ScriptLocation: helo.py}\n      MaxCapacity: 0.0625\n      Timeout: 5", "ScriptLocation: helo.py}", "helo.py", None),
    "upload of nothing": ("glueproj.yaml", "data/*.csv", "date/*.csv", "date/", "date/", None),
    "unknown key of the project": ("glueproj.yaml", "Uploads:", "Upload:", "Upload:", "Upload", None),
    "missing template": ("glueproj.yaml", "Template: work.yaml", "Template: wrok.yaml", "wrok.yaml", "wrok.yaml", None),
    "cycle": ("base.yaml", "    Type: AWS::Glue::Database\n", "    Type: AWS::Glue::Database\n    DependsOn: Loop\n", None, "cycle|circle|circular",
              None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_named_with_its_place(shop, name):
    file, old, new, line, text, path = CASES[name]
    right = {f: shop.read(f) for f in ("glueproj.yaml", "config.yaml", "base.yaml", "work.yaml")}
    assert right[file].count(old) >= 1
    shop.write(file, right[file].replace(old, new, 1))
    if name == "cycle":
        shop.edit("base.yaml", "Outputs:\n", "  Loop:\n    Type: AWS::Glue::Workflow\n    DependsOn: Database\nOutputs:\n")
    if line:
        errors = refused(shop, file, line_of(shop, file, line), text, path=path)
    else:
        result = contract.check(shop("setup").fails(2, text))
        assert nothing_changed(shop)
        errors = result.json["errors"]
        plain = shop("setup", json_output=False).fails(2)
        assert re.match(r"glueproj: \S+:\d+:\d+: error: ", plain.stderr), plain.stderr
    assert len(errors) == 1, errors
    for f, content in right.items():
        shop.write(f, content)
    mended(shop)


def test_a_cycle_is_shown_whole(shop):
    shop.edit("base.yaml", "    Type: AWS::Glue::Database\n", "    Type: AWS::Glue::Database\n    DependsOn: Loop\n")
    shop.edit("base.yaml", "Outputs:\n", "  Loop:\n    Type: AWS::Glue::Workflow\n    DependsOn: Database\nOutputs:\n")
    (error,) = shop("setup").fails(2).json["errors"]
    assert error["message"].count("Database") >= 1 and error["message"].count("Loop") >= 1 and error["line"]


def test_unknown_and_missing_parameters(shop):
    shop("setup", "--set", "Minuts=5").fails(2, "Minuts")
    shop("setup", "--set", "Minutes").fails(2)
    shop.runner("-p", shop.folder, "setup", env={**shop.environment, "GLUEPROJ_PARAM_Minuts": "5"}).fails(2, "Minuts")
    shop.write("work-params.json", json.dumps([{"ParameterKey": "Minuts", "ParameterValue": "7"}]))
    shop("setup").fails(2, "Minuts")
    shop.write("work-params.json", '[{"ParameterKey": "Minutes" "ParameterValue": "7"}]')
    shop("setup").fails(2, "work-params.json")
    shop.write("work-params.json", "[]")
    shop("setup", "--set", "Minutes=soon").fails(2, "Minutes")
    shop("setup", "--set", f"Minutes=@{shop.path('nothing')}").fails(2, "nothing")
    shop.edit("config.yaml", "BucketName: shop-data", "# BucketName: shop-data")
    missing = contract.check(shop("setup").fails(2, "BucketName"))
    assert missing.json["errors"][0]["file"].endswith("base.yaml") and missing.json["errors"][0]["line"] == 3
    assert nothing_changed(shop)
    shop.edit("config.yaml", "# BucketName", "BucketName")
    mended(shop)


def test_one_name_twice(shop):
    shop.edit("work.yaml", "      Name: shop_second\n", "      Name: shop_job # again\n")
    (error,) = contract.check(shop("setup").fails(2, "shop_job")).json["errors"]
    assert error["code"] == "DuplicateName" and error["file"].endswith("work.yaml") and error["line"] and "Job" in error["message"]
    assert nothing_changed(shop)
    shop.edit("work.yaml", "Name: shop_job # again", "Name: shop_second")
    mended(shop)


# --- the cloud ---

def test_an_endpoint_that_does_not_answer(shop):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        result = contract.check(shop("setup", "--endpoint-url", f"http://127.0.0.1:{port}", timeout=60).fails(1, f"127.0.0.1:{port}"))
    assert len(result.json["errors"]) == 1
    shop("setup", "--endpoint-url", "not a url").fails(2)
    shop("setup", "--endpoint-url", "ftp://127.0.0.1").fails(2)
    mended(shop)


def test_wrong_and_missing_keys(shop):
    right = dict(shop.environment)
    shop.environment["AWS_SECRET_ACCESS_KEY"] = "wrong-but-not-shown"
    result = contract.check(shop("setup").fails(1, "SignatureDoesNotMatch"))
    assert len(result.json["errors"]) == 1 and "wrong-but-not-shown" not in result.stdout + result.stderr
    shop.environment["AWS_ACCESS_KEY_ID"] = "AKIANOBODY"
    assert len(contract.check(shop("setup").fails(1, "InvalidClientTokenId")).json["errors"]) == 1
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        shop.environment.pop(name)
    shop("setup").fails(2, "credentials")
    shop.environment.update(right)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        shop.environment.pop(name)
    shop("setup").fails(2, "region")
    shop.environment.update(right)
    shop("setup", "--profile", "nobody").fails(2, "nobody")
    mended(shop)


def test_what_is_someone_elses_is_refused(shop):
    s3, iam = shop.cloud.client("s3"), shop.cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    s3.create_bucket(Bucket="shop-data")
    s3.put_object(Bucket="shop-data", Key="theirs", Body=b"x")
    iam.create_role(RoleName="ShopRole", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "team", "Value": "other"}])
    result = contract.check(shop("setup").fails(1, "NotOwned"))
    assert {(e["code"], e["logical_id"]) for e in result.json["errors"]} == {("NotOwned", "Bucket"), ("NotOwned", "Role")}
    assert "exists" in result.json["errors"][0]["message"] and result.json["errors"][0]["hint"]
    plain = shop("setup", json_output=False).fails(1)
    assert re.search(r"^glueproj: base/Role: NotOwned: .*ShopRole", plain.stderr, re.M)
    states = {r["logical_id"]: r["state"] for s in contract.check(shop("status").ok()).json["stacks"] for r in s["resources"]}
    assert states["Bucket"] == states["Role"] == "foreign" and states["Job"] == "absent"
    # Nothing was changed, and nothing of it is taken down.
    assert everything(shop.cloud)["jobs"] == [] and iam.list_role_tags(RoleName="ShopRole")["Tags"] == [{"Key": "team", "Value": "other"}]
    contract.check(shop("teardown", "--yes"))
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="shop-data")["Contents"]] == ["theirs"]
    iam.delete_role(RoleName="ShopRole")
    s3.delete_object(Bucket="shop-data", Key="theirs")
    s3.delete_bucket(Bucket="shop-data")
    mended(shop)
    other = Shop(shop.runner, shop.cloud)
    other.write("glueproj.yaml", other.read("glueproj.yaml").replace("Project: shop", "Project: stall"))
    contract.check(other("setup").fails(1, "belongs to project shop"))
    assert contract.check(other("teardown", "--yes")).json["summary"]["deleted"] == 0
    assert everything(shop.cloud)["jobs"] == ["shop_job", "shop_second"]


def test_a_port_in_use(run_glueproj, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_glueproj("local", "start", "--dir", tmp_path / "c", "--port", port, "--output=json").fails(1, str(port))
        assert len(contract.check(result, "local start").json["errors"]) == 1
        run_glueproj("local", "start", "--dir", tmp_path / "c", "--port", port, "--foreground").fails(1, str(port))
        run_glueproj("local", "status", "--dir", tmp_path / "c").fails(1)
    run_glueproj("local", "start", "--dir", tmp_path / "c", "--port", port).ok()
    run_glueproj("local", "stop", "--dir", tmp_path / "c").ok()


def test_a_folder_that_cannot_be(run_glueproj, tmp_path):
    (tmp_path / "file").write_text("")
    run_glueproj("local", "start", "--dir", tmp_path / "file" / "c", "--port", "0").fails(1, "file")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 6 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_under_the_local_cloud(run_glueproj, small_disk):
    cloud = Cloud(run_glueproj, small_disk / "c")
    try:
        shop = Shop(run_glueproj, cloud)
        shop.write("data/big.csv", "id,name\n" + "1,aaaaaaaaaaaaaaaa\n" * 500_000)  # 9.5 MB
        result = contract.check(shop("setup", timeout=90).fails(1))
        (error,) = [e for e in result.json["errors"] if e["code"] != "Skipped"]
        assert error["logical_id"] == "Upload-incoming/big.csv" and re.search("disk|space|storage", error["message"], re.I), error
        os.remove(shop.path("data/big.csv"))
        mended(shop)
        assert contract.check(shop("teardown", "--yes").ok()).json["left"] == []
    finally:
        cloud.stop().ok()


# --- a workflow that breaks in the middle ---

def longer(shop):
    """The workflow with a third job behind the second."""
    text = shop.read("work.yaml")
    third = text[text.index("  Second:"):text.index("  Workflow:")].replace("Second", "Third").replace("shop_second", "shop_third")
    last = text[text.index("  Then:"):text.index("Outputs:")].replace("Then", "Last").replace("shop_then", "shop_last")
    last = last.replace("shop_second", "shop_third").replace("shop_job", "shop_second")
    return text.replace("Outputs:", third + last + "Outputs:")


def advance(cloud, seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{cloud.endpoint}/_glueproj/clock", data=body, method="POST")):
        pass


@pytest.mark.parametrize("how, state, text", [
    ('{"--fail": because}', "FAILED", "asked to fail: because"), ('{"--seconds": "300"}', "TIMEOUT", "timeout|timed out|time-out"),
])
def test_a_job_that_ends_badly_in_the_middle(shop, how, state, text):
    right = longer(shop)
    shop.write("work.yaml", right.replace("      Name: shop_second\n", f"      Name: shop_second\n      DefaultArguments: {how}\n", 1))
    shop("setup").ok()
    process = shop.start("run", "shop_flow", "--follow", "--output", "json")
    if state == "TIMEOUT":
        glue, end = shop.cloud.client("glue"), time.monotonic() + 20
        while not any(r["JobRunState"] == "RUNNING" for r in glue.get_job_runs(JobName="shop_second")["JobRuns"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        advance(shop.cloud, 5 * 60 + 5)
    stdout, stderr = process.communicate(timeout=60)
    result = contract.check(Result(["run", "--output", "json"], process.returncode, stdout, stderr).fails(1, f"(?i){text}"))
    states = {n["name"]: n["state"] for n in result.json["run"]["nodes"]}
    assert states == {"shop_job": "SUCCEEDED", "shop_second": state, "shop_third": "SKIPPED"}
    (error,) = result.json["errors"]
    assert "'shop_third' SKIPPED" in error["message"] and "'shop_job'" not in error["message"]
    shop.write("work.yaml", right)
    mended(shop)
    good = contract.check(shop("run", "shop_flow", "--follow", timeout=60).ok()).json["run"]
    assert [n["state"] for n in good["nodes"]] == ["SUCCEEDED"] * 3
