"""package: plain CloudFormation in a folder, that makes what set-up makes. What cfn-lint says of all projects' templates is long."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from helpers import ROOT, Project, glueproj_bin, share_bundles

JOB = """
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: my-job
      Role: arn:aws:iam::000000000000:role/x
      Command: {Name: pythonshell, PythonVersion: 3.9, ScriptLocation: etl/load.py}
"""


def tree(folder):
    found = {}
    for d, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(d, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = hashlib.sha256(f.read()).hexdigest()
    return found


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return json.load(f)


class Small:
    """A project of one's own texts."""

    def __init__(self, runner, project="", **templates):
        self.runner, self.folder = runner, os.path.join(runner.folder, "small")
        os.makedirs(os.path.join(self.folder, "etl"))
        names = ", ".join(templates)
        self.write("glueproj.yaml", f"Project: small\nStacks: [{names}]\n{project}")
        self.write("etl/load.py", "print('loaded')\n")
        for name, text in templates.items():
            self.write(f"{name}.yaml", text)
        share_bundles(self.folder)

    def write(self, path, text):
        os.makedirs(os.path.dirname(os.path.join(self.folder, path)), exist_ok=True)
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as f:
            f.write(text)

    def __call__(self, *words, **more):
        return self.runner("-p", self.folder, "package", *words, "--output", "json", **more)

    def template(self, name):
        return read(self.folder, "package", f"{name}.json")

    def resource(self, stack, logical_id):
        return self.template(stack)["Resources"][logical_id]


@pytest.fixture
def small(run_glueproj):
    return lambda *a, **k: Small(run_glueproj, *a, **k)


@pytest.fixture
def nowhere():
    """Whoever calls anything fails: the one endpoint answers nothing."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{s.getsockname()[1]}", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}


def test_same_input_same_bytes_and_no_call(sales_lake, run_glueproj, tmp_path, nowhere):
    def package(*words):
        return run_glueproj("-p", sales_lake.folder, "package", *words, "--output", "json", env={"GLUEPROJ_PARAM_SourceUrl": "https://a.example/b.zip", **nowhere})

    first = package().ok().json
    folder = os.path.join(sales_lake.folder, "package")
    assert first["dir"] == folder and first["warnings"] == []
    assert [s["name"] for s in first["package"]["stacks"]] == ["basic-infra", "glue-jobs", "glue-catalog", "glue-workflow"]
    one = tree(folder)
    manifest = read(folder, "manifest.json")
    assert {f["path"]: f["sha256"] for f in manifest["files"]} == {k: v for k, v in one.items() if k != "manifest.json"}
    for a in manifest["artifacts"]:
        assert a["to"] == "s3://etl-poc-artifacts/glueproj/" + a["from"][len("artifacts/"):] and a["after"] == "basic-infra" and one[a["from"]] in a["from"]
    assert {"ParameterKey": "SourceUrl", "ParameterValue": "https://a.example/b.zip"} in read(folder, "glue-jobs-params.json")
    assert all("Glueproj" not in open(os.path.join(folder, s["template"]), encoding="utf-8").read() for s in manifest["stacks"])
    package("--out", tmp_path / "new" / "folder" / "").ok()
    assert tree(tmp_path / "new" / "folder") == one
    package().ok()
    assert tree(folder) == one and not [f for f in os.listdir(sales_lake.folder) if ".glueproj-" in f]


def assert_same_resources(project, run_glueproj, name, secrets=None):
    """What set-up made of the project is what the plain templates ask for, property by property."""
    project("setup").ok()
    run_glueproj("-p", project.folder, "package", env=project.environment).ok()
    folder = os.path.join(project.folder, "package")
    manifest = read(folder, "manifest.json")
    stacks = [{"Name": s["name"], "Template": s["template"], "Parameters": s["parameters"]} for s in manifest["stacks"]]
    with open(os.path.join(folder, "glueproj.yaml"), "w", encoding="ascii") as f:
        json.dump({"Project": name, "Stacks": stacks}, f)
    known = {p for s in stacks for p in read(folder, s["Template"])["Parameters"]}
    env = {k: v for k, v in project.environment.items() if not k.startswith("GLUEPROJ_PARAM_") or k[len("GLUEPROJ_PARAM_"):] in known}
    env.update(secrets or {})
    plan = run_glueproj("-p", folder, "plan", "--output", "json", env=env).ok().json["changes"]
    # Programs and data that the project uploaded are not resources of a template.
    assert {(c["type"].split("::")[0], c["action"]) for c in plan} == {("Glueproj", "delete")}, plan
    project("teardown", "--yes").ok()


@pytest.mark.long
def test_set_up_of_it_changes_nothing(sales_lake, run_glueproj):
    assert_same_resources(sales_lake, run_glueproj, "sales-lake")


@pytest.mark.long
@pytest.mark.parametrize("name, more", [
    ("crypto-prices", {}), ("crypto-prices", {"Form": "map"}), ("format-conversion", {}), ("exabel-timeseries", {"ApiHost": "https://127.0.0.1:1"}),
    ("transit-platform", {"DmapKeys": "none"}),
], ids=["crypto-prices", "crypto-prices-map", "format-conversion", "exabel-timeseries", "transit-platform"])
def test_set_up_of_each_project_changes_nothing(run_glueproj, cloud, name, more):
    sample = os.path.join(ROOT, "stacks", name, "sample-data")
    if name != "transit-platform":
        more = {"DataFolder": sample, **more}
    project = Project(run_glueproj, cloud, name, Region=cloud.region, **more)
    project.environment.update(EXABEL_API_KEY="no-such-key", TRANSIT_POSTGRES="host=127.0.0.1 port=1")
    secrets = {"exabel-timeseries": {"GLUEPROJ_PARAM_ApiKey": "no-such-key"}, "transit-platform": {"GLUEPROJ_PARAM_PostgresConnection": "host=127.0.0.1 port=1"}}
    assert_same_resources(project, run_glueproj, name, secrets.get(name))


@pytest.mark.long
def test_cfn_lint_has_nothing_to_say(run_glueproj, tmp_path):
    found = []
    for name in sorted(os.listdir(os.path.join(ROOT, "stacks"))):
        if os.path.exists(os.path.join(ROOT, "stacks", name, "glueproj.yaml")):
            out = tmp_path / name
            run_glueproj("-p", os.path.join(ROOT, "stacks", name), "package", "--out", out, env={"EXABEL_API_KEY": "x"}).ok()
            found += [str(out / s["template"]) for s in read(out, "manifest.json")["stacks"]]
    run_glueproj("init", "my-lake").ok()
    run_glueproj("-p", "my-lake", "package").ok()
    found.append(str(tmp_path / "my-lake" / "package" / "lake.json"))
    lint = os.path.join(os.path.dirname(sys.executable), "cfn-lint")
    r = subprocess.run([lint, "--regions", "us-east-1", "--ignore-checks", "W", "--", *found], capture_output=True, text=True, check=False)
    assert len(found) >= 14 and r.returncode == 0 and not r.stdout, r.stdout + r.stderr


def test_what_is_not_its_own_stays(small):
    project = small(a="Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n" + JOB)
    out = os.path.join(project.folder, "package")
    os.mkdir(out, 0o700)
    for _ in "new", "over it":
        project().ok()
        assert os.stat(out).st_mode & 0o777 == 0o700
    before = tree(out)
    project.write("package/mine.txt", "mine")
    assert project().fails(1, "mine.txt' is not glueproj's").json["errors"][0]["code"] == "Exists"
    os.remove(os.path.join(out, "mine.txt"))
    for make, remove in ((lambda p: os.symlink("/nowhere", p), os.remove), (os.mkdir, os.rmdir), (os.mkfifo, os.remove)):
        make(os.path.join(out, "mine"))
        project().fails(1, "mine' is not glueproj's")
        remove(os.path.join(out, "mine"))
    project.write("package/a.json", "{}")
    project().fails(1, "a.json' was changed by somebody else")
    shutil.rmtree(out)
    project.write("package/manifest.json", '{"glueproj": "nothing"}')
    project().fails(1, "not empty")
    shutil.rmtree(out)
    project.write("package", "a file")
    project().fails(1, "no folder")
    os.remove(out)
    project("--out", "").fails(2, "names no folder")
    project("--out", "/proc/x").fails(1, "cannot make folder")
    project().ok()
    assert tree(out) == before


def test_interrupted_it_writes_nothing(small):
    project = small(a="Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n")
    template = os.path.join(project.folder, "a.yaml")
    with open(template, encoding="ascii") as f:
        text = f.read()
    os.remove(template)
    os.mkfifo(template)
    with subprocess.Popen([glueproj_bin(), "-p", project.folder, "package", "--output", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        with open(template, "w", encoding="ascii") as f:  # it reads: the signal comes before the rest
            p.send_signal(signal.SIGINT)
            f.write(text)
        out, _ = p.communicate(timeout=30)
    doc = json.loads(out)
    assert p.returncode == doc["exit"] == 130 and not doc["ok"] and doc["errors"][0]["code"] == "Interrupted"
    assert not [n for n in os.listdir(project.folder) if "package" in n]


def test_a_disk_that_is_full_keeps_what_was_there(small):
    project = small(a="Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n" + JOB)
    project().ok()
    before = tree(project.folder)
    project.write("etl/load.py", "#" * 9000)
    shell = ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', glueproj_bin(), "-p", project.folder, "package", "--output", "json"]
    r = subprocess.run(shell, cwd=project.folder, env=project.runner.environment, capture_output=True, text=True, check=False)
    assert r.returncode == 1 and "load.py" in json.loads(r.stdout)["errors"][0]["message"], r
    project.write("etl/load.py", "print('loaded')\n")
    assert tree(project.folder) == before


def test_scripts_definitions_and_names(small):
    """A script, a machine's local file, and what needs another resource by its name alone."""
    project = small(a="Metadata: {Glueproj: {Ignore: [GL001]}, Other: kept}\nResources:" + JOB + """
    Metadata: {Glueproj: {Ignore: [GL002]}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties: {RoleArn: !GetAtt Role.Arn, DefinitionS3Location: machine.asl.yaml}
  Flow: {Type: AWS::Glue::Workflow, Properties: {Name: flow}}
  Start:
    Type: AWS::Glue::Trigger
    DependsOn: Role
    Properties: {Name: start, WorkflowName: flow, Type: ON_DEMAND, Actions: [{JobName: my-job}]}
""")
    project.write("machine.asl.yaml", "StartAt: Done\nStates:\n  Done: {Type: Wait, Seconds: 3, End: true}\n")
    made = project().ok().json["package"]
    sha = hashlib.sha256(b"print('loaded')\n").hexdigest()
    place = "glueproj-${AWS::AccountId}-${AWS::Region}/glueproj/v1/small/artifacts/scripts/" + sha + "/load.py"
    assert [(a["from"], a["to"]) for a in made["artifacts"]] == [(f"artifacts/scripts/{sha}/load.py", "s3://" + place)]
    job, machine = project.resource("a", "Job"), project.resource("a", "Machine")
    assert job["Properties"]["Command"]["ScriptLocation"] == {"Fn::Sub": "s3://" + place} and "Metadata" not in job
    assert job["Properties"]["Command"]["PythonVersion"] == "3.9"
    assert json.loads(machine["Properties"]["DefinitionString"]) == {"StartAt": "Done", "States": {"Done": {"Type": "Wait", "Seconds": 3, "End": True}}}
    assert "DefinitionS3Location" not in machine["Properties"] and machine["Properties"]["RoleArn"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert sorted(project.resource("a", "Start")["DependsOn"]) == ["Flow", "Job", "Role"]
    assert project.template("a")["Metadata"] == {"Other": "kept"}
    assert made["stacks"][0]["capabilities"] == ["CAPABILITY_NAMED_IAM"] and "parameters" not in made["stacks"][0]
    readme = open(os.path.join(project.folder, "package", "README.md"), encoding="utf-8").read()
    assert 'aws s3 mb "s3://glueproj-$ACCOUNT-$REGION"' in readme
    assert "package again" not in readme
    subprocess.run(["sh", "-n"], input=readme.split("```sh\n")[1].split("```")[0], text=True, check=True)


def test_programs_behind_functions_loops_and_conditions(small):
    project = small(a="""
Transform: AWS::LanguageExtensions
Parameters: {Stage: {Type: String, Default: test}, Names: {Type: CommaDelimitedList, Default: "clean,extract"}}
Conditions: {IsProd: !Equals [!Ref Stage, prod]}
Resources:
  Fn::ForEach::Jobs:
    - Program
    - !Ref Names
    - "Job${Program}":
        Type: AWS::Glue::Job
        Properties:
          Role: arn:aws:iam::000000000000:role/x
          Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: !Ref Program}
  Fn::ForEach::Buckets:
    - Name
    - !Ref Names
    - "Bucket${Name}": {Type: AWS::S3::Bucket}
  Later:
    Type: AWS::Glue::Job
    Condition: IsProd
    Properties:
      Role: arn:aws:iam::000000000000:role/x
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: repartition}
      DefaultArguments: !If [IsProd, {"--a": "1"}, !Ref AWS::NoValue]
""")
    project().ok()
    resources = project.template("a")["Resources"]
    # Loops whose resources need no change would stay; one of them has to go, so all are written out.
    assert set(resources) == {"Jobclean", "Jobextract", "Bucketclean", "Bucketextract", "Later"}
    assert resources["Jobclean"]["Properties"]["DefaultArguments"]["--glueproj-program"] == "clean"
    branches = resources["Later"]["Properties"]["DefaultArguments"]["Fn::If"]
    assert branches[0] == "IsProd" and [b["--glueproj-program"] for b in branches[1:]] == ["repartition"] * 2 and branches[1]["--a"] == "1"
    bundle = resources["Later"]["Properties"]["DefaultArguments"]["Fn::If"][2]["--glueproj-bundle"]
    assert bundle == resources["Jobclean"]["Properties"]["DefaultArguments"]["--glueproj-bundle"]


def test_loops_of_cloudformation_stay(small):
    project = small(a="""
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "one,two"}}
Resources:
  Fn::ForEach::Buckets: [Name, !Ref Names, {"Bucket${Name}": {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "x-${Name}"}}}]
""")
    project().ok()
    assert project.template("a")["Resources"] == {"Fn::ForEach::Buckets": [
        "Name", {"Ref": "Names"}, {"Bucket${Name}": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "x-${Name}"}}}}]}


def test_branches_of_a_loop_are_written_out(small):
    """CloudFormation has no way to say this: the list is that of the values at hand, and the README says so."""
    project = small(a="""
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::000000000000:role/x
      Definition:
        StartAt: All
        States:
          All:
            Type: Parallel
            Branches: {"Fn::ForEach::B": [Name, !Ref Names, {"${Name}": {StartAt: !Ref Name, States: {"${Name}": {Type: Succeed}}}}]}
            End: true
  Fn::ForEach::Buckets: [Name, !Ref Names, {"Bucket${Name}": {Type: AWS::S3::Bucket}}]
""")
    made = project("--set", "Names=one,two").ok().json["package"]["stacks"][0]
    resources = project.template("a")["Resources"]
    branches = resources["Machine"]["Properties"]["Definition"]["States"]["All"]["Branches"]
    assert branches == [{"StartAt": n, "States": {n: {"Type": "Succeed"}}} for n in ("one", "two")] and "Fn::ForEach::Buckets" in resources
    assert made["capabilities"] == ["CAPABILITY_AUTO_EXPAND"]
    assert read(project.folder, "package", made["parameters"]) == [{"ParameterKey": "Names", "ParameterValue": "one,two"}]
    with open(os.path.join(project.folder, "package", "README.md"), encoding="utf-8") as f:
        assert "package again" in f.read()


def test_a_large_template_goes_by_way_of_the_bucket(small):
    buckets = "".join(f"  Bucket{i}: {{Type: AWS::S3::Bucket, Properties: {{Tags: [{{Key: what, Value: {'x' * 200}}}]}}}}\n" for i in range(200))
    project = small(a="Resources:\n" + buckets)
    assert project().ok().json["package"]["stacks"][0]["size"] > 51200
    with open(os.path.join(project.folder, "package", "README.md"), encoding="utf-8") as f:
        assert ' --s3-bucket "glueproj-$ACCOUNT-$REGION"' in f.read()


def test_secrets_stay_out_and_names_of_other_stacks_are_imported(small):
    project = small(
        'Artifacts: "s3://${Store}/x/"\n',
        base="Parameters: {Password: {Type: String, NoEcho: true}}\n"
        "Resources: {Bucket: {Type: AWS::S3::Bucket}, Secret: {Type: AWS::SecretsManager::Secret, Properties: {SecretString: !Ref Password}}}\n"
        "Outputs: {Store: {Value: !Ref Bucket}}\n",
        jobs="Resources:" + JOB,
    )
    made = project(env={"GLUEPROJ_PARAM_Password": "hunter2-hunter2"}).ok()
    assert project().ok().json["package"] == made.json["package"]  # it does without the value
    assert made.json["package"]["stacks"][0]["no_echo"] == ["Password"] and made.json["package"]["artifacts"][0]["after"] == "base"
    everything = "".join(open(os.path.join(d, f), encoding="utf-8").read() for d, _, n in os.walk(os.path.join(project.folder, "package")) for f in n)
    assert "hunter2" not in everything + made.stdout + made.stderr and "- stack base: Password" in everything
    assert project.template("base")["Outputs"]["Store"]["Export"] == {"Name": "small-base-Store"}
    text, names = project.resource("jobs", "Job")["Properties"]["Command"]["ScriptLocation"]["Fn::Sub"]
    assert text.startswith("s3://${Store}/x/scripts/") and names == {"Store": {"Fn::ImportValue": "small-base-Store"}}


def test_a_place_that_only_the_cloud_knows(small):
    text = "Resources:\n  Bucket: {Type: AWS::S3::Bucket}\nOutputs: {Url: {Value: !Sub \"s3://${Bucket}/\"}}\n"
    error = small('Artifacts: "${Url}"\n', a=text)().fails(2).json["errors"][0]
    assert error["path"] == "Artifacts" and error["line"] == 3 and "s3://" in error["hint"]


def test_what_cannot_be_packaged_is_said_at_its_place(small):
    project = small(a="Resources:" + JOB.replace("etl/load.py", "etl/missing.py"))
    error = project().fails(2).json["errors"][0]
    assert error["line"] and error["path"] == "Resources.Job.Properties.Command.ScriptLocation" and "missing.py" in error["message"]
    assert not os.path.exists(os.path.join(project.folder, "package"))
    project.runner("package").fails(2, "there is no glueproj.yaml")
    project.runner("-p", project.folder, "package", "now").fails(2, "no operand")
