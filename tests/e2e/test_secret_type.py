"""AWS::SecretsManager::Secret through glueproj: made, changed, restored, torn down; and its value seen by nobody on the way."""
import os
import sqlite3
import subprocess

import pytest

import contract
from helpers import everything
from shop import Shop
from test_local_glue_jobs import fails

VALUE, OTHER, PLAIN = "k3y-of-the-house", "k3y-of-the-shed", "pl4in-for-all-to-read"
PROJECT = "Project: vault\nConfig: config.yaml\nStacks: [safe]\n"
CONFIG = "Value: !Env VAULT_VALUE\n"
SAFE = f"""\
Parameters:
  Value: {{Type: String, NoEcho: true}}
  About: {{Type: String, Default: of the house}}
  Length: {{Type: Number, Default: 24}}
Resources:
  Key:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: vault/key
      Description: !Ref About
      SecretString: !Ref Value
      Tags: [{{Key: room, Value: hall}}]
  Plain:
    Type: AWS::SecretsManager::Secret
    Properties:
      SecretString: {PLAIN}
  Made:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: vault/made
      GenerateSecretString:
        SecretStringTemplate: '{{"user":"me"}}'
        GenerateStringKey: password
        PasswordLength: !Ref Length
        ExcludePunctuation: true
  Reader:
    Type: AWS::IAM::Role
    Properties:
      RoleName: VaultReader
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: glue.amazonaws.com}}, Action: sts:AssumeRole}}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Key}}]
Outputs:
  Arn: {{Value: !Ref Key}}
  Id: {{Value: !GetAtt Key.Id}}
"""


class Vault(Shop):
    """Everything that it prints is kept, and looked through."""

    def __init__(self, runner, cloud):
        super().__init__(runner, cloud, **{"glueproj.yaml": PROJECT, "config.yaml": CONFIG, "safe.yaml": SAFE})
        self.environment["VAULT_VALUE"] = VALUE
        self.said = []

    def __call__(self, *arguments, **how):
        result = super().__call__(*arguments, **how)
        self.said.append(result.stdout + result.stderr)
        return result


@pytest.fixture
def vault(run_glueproj, cloud):
    return Vault(run_glueproj, cloud)


@pytest.fixture
def secrets(cloud):
    return cloud.client("secretsmanager")


def value(secrets, name):
    return secrets.get_secret_value(SecretId=name)["SecretString"]


def actions(result):
    return {r["logical_id"]: r["action"] for s in result.json["stacks"] for r in s["resources"] if r["action"] != "none"}


def plan(vault, *options):
    document = contract.check(vault("plan", *options).ok()).json
    return {c["logical_id"]: c for c in document["changes"]}


def shown(change):
    return {p["path"]: (p["before"], p["after"]) for p in change["properties"]}


def without_home(cloud):
    """All that stands, but for the account's bucket of records, which stays."""
    return {**everything(cloud), "buckets": [b for b in everything(cloud)["buckets"] if not b.startswith("glueproj-")]}


def calls(cloud, begin=0):
    return [f"{r['service']}:{r['operation']}" for r in cloud.checker.log[begin:]]


def test_set_up_change_and_tear_down(vault, cloud, secrets):
    empty = without_home(cloud)
    made = contract.check(vault("setup").ok())
    assert actions(made) == {"Key": "create", "Plain": "create", "Made": "create", "Reader": "create"}
    names = {r["logical_id"]: r["physical_id"] for r in made.json["stacks"][0]["resources"]}
    assert value(secrets, "vault/key") == VALUE and value(secrets, names["Plain"]) == PLAIN and ":secret:vault-safe-plain-" in names["Plain"]
    found = secrets.describe_secret(SecretId="vault/key")
    tags = {t["Key"]: t["Value"] for t in found["Tags"]}
    assert (tags["room"], tags["glueproj:project"], tags["glueproj:logical-id"], found["Description"]) == ("hall", "vault", "Key", "of the house")
    assert made.json["stacks"][0]["outputs"] == {"Arn": found["ARN"], "Id": found["ARN"]}
    statement = cloud.client("iam").get_role_policy(RoleName="VaultReader", PolicyName="read")["PolicyDocument"]["Statement"][0]
    assert statement["Resource"] == found["ARN"]
    # the second time: only reads, and nothing to do
    begin = len(cloud.checker.log)
    second = vault("setup").ok()
    assert actions(second) == {} and second.json["summary"]["unchanged"] == 4
    assert {c for c in calls(cloud, begin) if c.startswith("secretsmanager:")} == {"secretsmanager:DescribeSecret"}
    # another value: one secret, one call that changes it
    vault.environment["VAULT_VALUE"] = OTHER
    assert {k: (c["action"], shown(c)) for k, c in plan(vault).items()} == {"Key": ("update", {"SecretString": ("****", "****")})}
    assert "****" in vault("plan", json_output=False).ok().stdout
    begin = len(cloud.checker.log)
    changed = vault("setup").ok()
    assert actions(changed) == {"Key": "update"} and changed.json["summary"]["updated"] == 1
    assert calls(cloud, begin).count("secretsmanager:UpdateSecret") == 1 and "secretsmanager:PutSecretValue" not in calls(cloud)
    assert value(secrets, "vault/key") == OTHER and plan(vault) == {}
    # a description: named alone, and the value stays
    assert shown(plan(vault, "--set", "About=moved")["Key"]) == {"Description": ("of the house", "moved")}
    vault("setup", "--set", "About=moved").ok()
    assert value(secrets, "vault/key") == OTHER and secrets.describe_secret(SecretId="vault/key")["Description"] == "moved"
    vault("status").ok()
    vault("setup", "--verbose", json_output=False).ok()
    gone = contract.check(vault("teardown", "--yes").ok())
    assert gone.json["left"] == [] and without_home(cloud) == empty
    assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    # at once again, under the same names
    assert len(actions(vault("setup").ok())) == 4
    assert value(secrets, "vault/key") == OTHER
    vault("teardown", "--yes").ok()
    assert "secretsmanager:GetSecretValue" not in calls(cloud)


def test_no_value_is_told(vault, cloud, secrets):
    """Not in what is printed, kept, tagged or logged, nor in a process list; in the database only where secrets lie."""
    vault("setup", "--verbose", json_output=False).ok()
    vault.environment["VAULT_VALUE"] = OTHER
    for command in (("plan",), ("plan", "--drift"), ("setup", "--verbose"), ("status",), ("outputs",), ("validate",)):
        vault(*command)
        vault(*command, json_output=False)
    generated = value(secrets, "vault/made")
    hidden = [VALUE, OTHER, PLAIN, generated]
    for text in vault.said:
        assert not [v for v in hidden if v in text], text
    assert any("****" in text for text in vault.said)
    for entry in secrets.list_secrets()["SecretList"]:
        assert not [v for v in hidden if v in str(entry["Tags"])]
    # the record and all else that was kept
    where = subprocess.run(["grep", "-rlaE", "|".join(hidden[:3]), cloud.dir, vault.folder], capture_output=True, text=True, check=False).stdout.split()
    databases = [p for p in where if p.startswith(cloud.dir)]
    assert databases and {database_of(p) for p in databases} == {database_of(databases[0])}, where
    assert {p for p in where if p.startswith(vault.folder)} == {vault.path("safe.yaml")}, where
    database = database_of(databases[0])
    assert os.stat(database).st_mode & 0o077 == 0 or os.stat(cloud.dir).st_mode & 0o077 == 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        holding = {t for t in tables for row in db.execute(f'SELECT * FROM "{t}"') if any(v in str(row) for v in hidden)}
    assert holding == {"secret_version"}
    vault("teardown", "--yes").ok()


def database_of(path):
    """The database that a file is, or is the journal of."""
    path = path.removesuffix("-wal").removesuffix("-shm")
    with open(path, "rb") as f:
        assert f.read(15) == b"SQLite format 3", path
    return path


def test_a_generated_value_is_made_once(vault, secrets):
    vault("setup").ok()
    first = value(secrets, "vault/made")
    assert first.startswith('{"user":"me","password":"') and len(first) == len('{"user":"me","password":""}') + 24
    vault.edit("safe.yaml", "Name: vault/made\n", "Name: vault/made\n      Description: same value\n")
    assert actions(vault("setup").ok()) == {"Made": "update"} and value(secrets, "vault/made") == first
    planned = plan(vault, "--set", "Length=30")
    assert set(planned) == {"Made"} and list(shown(planned["Made"])) == ["GenerateSecretString"]
    assert actions(vault("setup", "--set", "Length=30").ok()) == {"Made": "update"}
    second = value(secrets, "vault/made")
    assert second != first and len(second) == len(first) + 6
    assert actions(vault("setup", "--set", "Length=30").ok()) == {} and value(secrets, "vault/made") == second


def test_set_up_restores_what_was_scheduled_for_deletion(vault, secrets):
    vault("setup").ok()
    first = value(secrets, "vault/made")
    for name in ("vault/key", "vault/made"):
        secrets.delete_secret(SecretId=name)
    assert {k: c["action"] for k, c in plan(vault).items()} == {"Key": "update", "Made": "update"}
    vault("setup").ok()
    assert value(secrets, "vault/key") == VALUE and value(secrets, "vault/made") == first  # it was not made anew
    assert plan(vault) == {}
    # and teardown does not leave the name behind for a month
    secrets.delete_secret(SecretId="vault/key")
    assert vault("teardown", "--yes").ok().json["left"] == []
    assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    # without a record, or in another project's hands
    secrets.create_secret(Name="vault/key", SecretString="theirs")
    vault("setup").fails(1, "NotOwned")
    secrets.delete_secret(SecretId="vault/key")
    vault("setup").fails(1, "NotOwned")
    secrets.restore_secret(SecretId="vault/key")
    assert value(secrets, "vault/key") == "theirs"


def test_a_lost_record_loses_no_value(vault, cloud, secrets):
    """The key under which digests hide values lies in the record: without it values are sent again, and none is made anew."""
    vault("setup").ok()
    first, s3 = value(secrets, "vault/made"), cloud.client("s3")
    home, = (b["Name"] for b in s3.list_buckets()["Buckets"])
    for found in s3.list_objects_v2(Bucket=home, Prefix="glueproj/v1/vault/stacks/")["Contents"]:
        s3.delete_object(Bucket=home, Key=found["Key"])
    assert actions(vault("setup").ok()) == {"Key": "update", "Plain": "update", "Made": "update"}
    assert value(secrets, "vault/made") == first and value(secrets, "vault/key") == VALUE
    assert actions(vault("setup").ok()) == {}
    vault("teardown", "--yes").ok()


def test_data_is_not_lost_by_the_way(vault, secrets):
    vault("setup").ok()
    vault.edit("safe.yaml", "Name: vault/made", "Name: vault/another")
    planned = plan(vault)["Made"]
    assert planned["action"] == "replace" and planned["data_loss"]
    vault("setup").fails(1, "allow-data-loss")
    assert value(secrets, "vault/made")
    assert actions(vault("setup", "--allow-data-loss", "Made").ok())["Made"] == "replace"
    fails("ResourceNotFoundException", secrets.describe_secret, SecretId="vault/made")
    assert value(secrets, "vault/another")
    kept = vault("teardown", "--yes", "--keep-data").ok()
    assert {r["logical_id"] for s in kept.json["stacks"] for r in s["resources"] if r["action"] == "retain"} == {"Key", "Plain", "Made"}
    assert value(secrets, "vault/key") == VALUE
    vault("setup").ok()
    vault("teardown", "--yes").ok()
    assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


@pytest.mark.parametrize("old, new, text", [
    ("      SecretString: " + PLAIN, "      SecretString: " + PLAIN + "\n      GenerateSecretString: {}", "exclude each other"),
    ("GenerateStringKey: password", "IncludeSpace: true", "given together"),
    ("""'{"user":"me"}'""", "'[1]'", "JSON object"),
    ("Name: vault/key", "Name: vault key", "not a name"),
    ("      SecretString: " + PLAIN, "      SecretString: " + PLAIN + "\n      ReplicaRegions: [{Region: eu-west-1}]", "ReplicaRegions"),
    ("      SecretString: " + PLAIN, f"      SecretString: {PLAIN}\n      Name: ' {PLAIN}'", r"\*\*\*\*"),
    ("ExcludePunctuation: true", "ExcludePunctuatoin: true", "ExcludePunctuation"),
], ids=range(7))
def test_templates_refused(vault, old, new, text):
    vault.edit("safe.yaml", old, new)
    vault("validate").fails(2, text)
    assert PLAIN not in vault.said[-1]
