"""`local run JOB`: one job of a project by hand, on files or against the local cloud, without set-up of the rest."""
import json
import os
import signal
import stat

import pytest

pytestmark = pytest.mark.long

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}
SCRIPT = """\
import json, os, sys
from awsglue.utils import getResolvedOptions
from beside import NAME

with open("/proc/self/cmdline", encoding="utf-8") as f:
    words = f.read()
print(json.dumps({
    "options": getResolvedOptions(sys.argv, ["JOB_NAME", "kind", "data-base", "fixed"]), "argv": sys.argv[1:], "words": words, "beside": NAME,
    "environment": dict(os.environ), "cwd": os.getcwd(), "files": sorted(os.listdir(os.environ["TMPDIR"])), "home": os.environ["HOME"]}))
print("a word to stderr", file=sys.stderr)
if "--exit" in sys.argv:
    sys.exit(int(sys.argv[sys.argv.index("--exit") + 1]))
if "--wait" in sys.argv:
    print("waiting", flush=True)
    import signal
    signal.pause()
"""
LIST = {"PATH", "HOME", "TMPDIR", "LANG", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "GLUEPROJ_MEMORY_MB", "GLUEPROJ_CPUS"}
CLOUD = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# What a python3 that is a shell script (of pyenv) adds by itself.
OTHERS = ("PYENV", "_PYENV", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE")


def job(name, kind, script, **more):
    return {"Type": "AWS::Glue::Job", "Properties": {"Name": name, "Role": {"Ref": "Role"}, "Command": {"Name": kind, "ScriptLocation": script}, **more}}


@pytest.fixture
def hand(run_glueproj, tmp_path):
    """hand(*arguments) -> Result, in the folder of a project that was never set up."""
    template = {"Parameters": {"Word": {"Type": "String", "NoEcho": True, "Default": ""}}, "Resources": {
        "Role": ROLE,
        "Database": {"Type": "AWS::Glue::Database", "Properties": {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Name": "hand_db"}}},
        "Clean": job("cleaner", "glueetl", "clean", DefaultArguments={"--raw_object_name": "two.csv"}),
        "Shell": job("shell", "pythonshell", "etl/shell.py", DefaultArguments={"--kind": "usual", "--data-base": {"Ref": "Database"}, "--word": {"Ref": "Word"}},
                     NonOverridableArguments={"--fixed": "always"}),
        "Late": job("late", "pythonshell", "etl/shell.py", DefaultArguments={"--role": {"Fn::GetAtt": ["Role", "RoleId"]}}),
        "Spark": job("spark", "glueetl", "etl/shell.py"),
        "Scala": job("scala", "glueetl", "etl/main.scala"),
        "Away": job("away", "pythonshell", "s3://elsewhere/x.py"),
        "Lost": job("lost", "pythonshell", "etl/lost.py"),
        "Unbuilt": job("unbuilt", "glueetl", "no-such-program"),
        "Ray": job("ray", "glueray", "etl/shell.py"),
    }}
    folder = tmp_path / "project"
    (folder / "etl").mkdir(parents=True)
    (folder / "jobs.json").write_text(json.dumps(template))
    (folder / "glueproj.yaml").write_text("Project: hand\nRegion: eu-west-3\nStacks: [{Name: jobs, Template: jobs.json}]\n")
    (folder / "etl" / "shell.py").write_text(SCRIPT)
    (folder / "etl" / "beside.py").write_text("NAME = 'beside'\n")
    (folder / "etl" / "main.scala").write_text("object Main\n")
    def run(*arguments, env=None):
        result = run_glueproj("local", "run", *arguments, env=env, cwd=folder)
        assert not [n for n in os.listdir(tmp_path) if n.startswith("glueproj-run-")], "the run's own folder is gone"
        assert not (folder / "etl" / "__pycache__").exists()
        return result

    run.folder, run.runner = folder, run_glueproj
    return run


def test_a_program_on_files(hand):
    """`clean` of the sales lake, from one folder to another, the names relative to where we stand."""
    (hand.folder / "raw").mkdir()
    (hand.folder / "silver").mkdir()
    columns = ["Region", "Country", "Item Type", "Sales Channel", "Order Priority", "Order Date", "Order ID", "Ship Date", "Units Sold", "Unit Price", "Unit Cost",
               "Total Revenue", "Total Cost", "Total Profit"]
    row = "Asia,Japan,Food,Online,H,1/31/2014,7,2/1/2014,2,1.50,1.00,3.00,2.00,1.00"
    (hand.folder / "raw" / "two.csv").write_text("\n".join([",".join(columns), row, row]) + "\n")
    result = hand("cleaner", "--arg", "source_bucket=./raw", "--arg", "target_bucket=./silver").ok()
    assert "clean" in result.stderr + result.stdout
    (made,) = (hand.folder / "silver" / "two").glob("*.parquet")
    assert made.stat().st_size > 100
    hand("Clean", "--arg", "source_bucket=./raw", "--arg", "target_bucket=./silver").ok()  # by its logical id
    # the job's own exit code, its words and ours
    hand("cleaner").fails(2, "missing arguments: --source_bucket, --target_bucket(.|\n)*job 'cleaner' ended with exit code 2")
    hand("cleaner", "--arg", "source_bucket=./nowhere", "--arg", "target_bucket=./silver").fails(1, "nowhere(.|\n)*exit code 1")


def test_a_script_of_pythonshell(hand):
    result = hand("shell", "--arg", "kind=other", "--arg", "--fixed=never", "--arg", "more=two words", "--set", "Word=hush-hush").ok()
    found = json.loads(result.stdout)
    options = found["options"]
    assert options.pop("JOB_RUN_ID").startswith("jr_") and options == {"JOB_NAME": "shell", "kind": "other", "data_base": "hand_db", "fixed": "always"}
    assert dict(zip(found["argv"][::2], found["argv"][1::2]))["--more"] == "two words"
    assert "hush-hush" in found["argv"] and "hush-hush" not in found["words"] and "other" not in found["words"]
    assert found["beside"] == "beside" and found["cwd"] == str(hand.folder) and "a word to stderr" in result.stderr
    environment = {k: v for k, v in found["environment"].items() if not k.startswith(OTHERS)}
    assert set(environment) == LIST
    assert environment["HOME"] == environment["TMPDIR"] != os.environ.get("HOME") and environment["AWS_REGION"] == "eu-west-3"
    document = hand("shell", "--arg", "exit=5", "--output", "json").fails(5)
    assert document.json["run"].items() >= {"type": "job", "name": "shell", "state": "FAILED", "exit_code": 5}.items()
    assert document.json["errors"][0]["code"] == "JobFailed" and '"options"' in document.stderr


def test_against_the_local_cloud(hand, cloud):
    """One that runs is found in its folder; its keys are given, and go no further."""
    found = json.loads(hand("shell", "--dir", cloud.dir).ok().stdout)["environment"]
    assert {k for k in found if not k.startswith(OTHERS)} == LIST | CLOUD and found["AWS_ENDPOINT_URL"] == cloud.endpoint
    s3 = cloud.client("s3")
    for name in ("raw", "silver"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    columns = "Region,Country,Item Type,Sales Channel,Order Priority,Order Date,Order ID,Ship Date,Units Sold,Unit Price,Unit Cost,Total Revenue,Total Cost,Total Profit"
    s3.put_object(Bucket="raw", Key="two.csv", Body=f"{columns}\nAsia,Japan,Food,Online,H,1/31/2014,7,2/1/2014,2,1.50,1.00,3.00,2.00,1.00\n".encode())
    hand("cleaner", f"--local={cloud.dir}", "--arg", "source_bucket=s3://raw", "--arg", "target_bucket=s3://silver").ok()
    (made,) = s3.list_objects_v2(Bucket="silver")["Contents"]
    assert made["Key"].startswith("two/part-00000-") and made["Key"].endswith(".snappy.parquet")
    # none of the project was set up for it
    assert not cloud.client("glue").get_jobs()["Jobs"] and [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["raw", "silver"]


def test_what_cannot_be_run(hand):
    hand("nothing").fails(2, "NoSuchJob.*there is no job 'nothing' in the project; there are: .*cleaner.*shell")
    hand().fails(2, "local run takes the name of one job")
    hand("shell", "cleaner").fails(2, "local takes|name of one job")
    hand("shell", "--arg", "kind").fails(2, "--arg 'kind' is not K=V")
    hand("late").fails(2, "the value of '--role' of job 'late' is not known before set-up(.|\n)*--arg role=VALUE")
    hand("late", "--arg", "role=r", "--arg", "kind=k", "--arg", "data-base=d", "--arg", "fixed=f").ok()
    hand("scala").fails(2, "'etl/main.scala' of job 'scala' is not one in Python")
    hand("away").fails(2, "'s3://elsewhere/x.py', not in the project")
    hand("lost").fails(2, "lost.py' of job 'lost' does not exist")
    hand("unbuilt").fails(2, "the program 'no-such-program'.*`make` builds it")
    hand("ray").fails(2, "glueray script, which is not run by hand")
    hand("shell", env={"GLUEPROJ_PYTHON": "/no/such/python"}).fails(1, "'/no/such/python' cannot be started: No such file")
    # what the script itself says is missing
    hand("shell", "--arg", "kind=k", "--arg", "exit=0", env={"GLUEPROJ_PYTHON": "false"}).fails(1, "exit code 1")
    hand.runner("local", "status", "--arg", "a=b", cwd=hand.folder).fails(2, "--arg is for local run")
    hand.runner("local", "run", "shell", cwd=hand.folder.parent).fails(2, "NoProject")


def test_a_glueetl_script_wants_a_spark(hand):
    python = hand.folder / "bare-python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    hand("spark", env={"GLUEPROJ_PYTHON": str(python)}).fails(1, "NoSpark.*needs a Spark: '.*bare-python' has no module 'pyspark'")


def test_signals_go_on_to_the_job(hand):
    process = hand.runner.start("local", "run", "shell", "--arg", "wait=1", cwd=hand.folder)
    while process.stdout.readline() != "waiting\n":
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not [n for n in os.listdir(hand.folder.parent) if n.startswith("glueproj-run-")]
