"""Keys in the course of time: renewed before they end and when AWS refuses them, tokens that are read again or written back, providers that fail,
MFA codes, and what is said when there is nothing. Against the stand-ins of tests/providers."""
import glob
import importlib.util
import json
import os
import pty
import re
import select
import stat
import sys
import time
from unittest import mock

import boto3
import botocore.credentials
import pytest

from helpers import ROOT
from model_proxy import Fault, ModelProxy

sys.path.insert(0, os.path.join(ROOT, "tests", "providers"))

from provider_place import keys, place, role  # noqa: E402, F401
from provider_standin import ACCOUNT, HOUR  # noqa: E402

SSO = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Analyst\n"
CORP = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
GITHUB = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "{ep}/github/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "gh-request-token",
    "AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/web",
}
MFA = f"arn:aws:iam::{ACCOUNT}:mfa/me"


def expired():
    """What STS says of keys that have ended."""
    return 403, "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>", "text/xml"


def test_whoami_says_whose_keys_and_until_when(place):  # noqa: F811
    place.given("[profile x]\n" + role("plain", source_profile="base"), "[base]\n" + keys("BASE"))
    result = place.whoami("x").ok().json
    assert result["credentials"] == f"profile 'x' (role arn:aws:iam::{ACCOUNT}:role/plain via profile 'base')"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", result["expires"]) and result["account"] == ACCOUNT
    assert result["arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/glueproj-")
    text = place.runner("whoami", "--profile", "x", env=place.environment).ok().stdout
    for label in ("account", "identity", "region", "credentials", "access key", "until", "endpoint"):
        assert re.search(rf"^{label} +\S", text, re.M), text
    assert "expires" not in place.whoami("base").ok().json


def test_github_mints_a_token_for_each_exchange(place):  # noqa: F811
    place.given(env=GITHUB).providers.serial = 0
    # The first keys are refused as expired: another token, other keys, the same call again.
    place.providers.faults["/"] = [None, expired()]
    result = place.whoami().ok().json
    assert result["credentials"] == f"GitHub Actions' OIDC (role arn:aws:iam::{ACCOUNT}:role/web)"
    assert result["arn"].endswith("/GitHubActions")
    asked = place.providers.asked("/github/token")
    assert len(asked) == 2 and asked[0][1] == "/github/token?api-version=2.0&audience=sts.amazonaws.com"
    assert len(place.providers.web_tokens) == 4
    # A token file is what was set up for AWS; keys in the environment beat both; without a role nobody is asked.
    place.given(files={"token": "token-1"})
    assert "web identity token" in place.whoami(AWS_WEB_IDENTITY_TOKEN_FILE=str(place.home / "token")).ok().json["credentials"]
    assert place.whoami(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="hush-ENV").ok().json["credentials"] == "environment"
    place.whoami(AWS_ROLE_ARN="").fails(2, "no AWS credentials")
    assert len(place.providers.asked("/github/token")) == 2
    place.whoami(ACTIONS_ID_TOKEN_REQUEST_TOKEN="gh-other").fails(1, "GitHub Actions' OIDC token: .*HTTP 401: bad bearer")


@pytest.mark.parametrize("provider", ["container", "instance", "process", "role", "sso", "file"])
def test_refused_as_expired_and_fetched_once_more(place, provider):  # noqa: F811
    """ExpiredToken although the keys said that they would last: other keys, once."""
    script = "import json\nn = len(open(__file__ + '.log', 'a+').write('x') and open(__file__ + '.log').read())\n" \
        "print(json.dumps({'Version': 1, 'AccessKeyId': ['AKIAPROCESS', 'AKIAOTHER'][n % 2], 'SecretAccessKey': ['hush-PROCESS', 'hush-OTHER'][n % 2]}))\n"
    setups = {
        "container": {"env": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/1"}},
        "instance": {"env": {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{ep}"}},
        "process": {"config": "[default]\ncredential_process = {python} {home}/keys.py\n", "files": {"keys.py": script}},
        "role": {"config": "[default]\n" + role("plain", source_profile="base"), "credentials": "[base]\n" + keys("BASE")},
        "sso": {"config": CORP + "[default]\n" + SSO},
        "file": {"credentials": "[default]\n" + keys("FILE")},
    }
    place.given(**setups[provider])
    place.sso_token("corp", HOUR)
    p = place.providers
    p.serial = 0
    p.faults["/"] = [None, expired()] if provider == "role" else [expired()]
    result = place.whoami()
    calls = [r for r in p.asked("/") if b"Action=GetCallerIdentity" in r[3]]
    if provider == "file":  # nothing else is in it
        result.fails(1, "ExpiredToken")
        assert len(calls) == 1
        return
    result.ok()
    used = [re.search(r"Credential=(\w+)", r[2]["Authorization"])[1] for r in calls]
    assert len(used) == 2 and used[0] != used[1] and result.json["access_key_id"] == used[1]
    # When they go on being refused, it is not for ever.
    p.faults["/"] = [None, expired()] * 4 if provider == "role" else [expired()] * 4
    place.whoami().fails(1, "ExpiredToken")


def test_a_run_longer_than_its_keys(place, cloud):  # noqa: F811
    """The keys end and end again while a stack is made; the command that gives them is run again, not once for each request."""
    place.given("[default]\ncredential_process = sh {home}/keys.sh\n", files={"keys.sh": (
        "date +%s >>'{home}/log'\n"
        f"echo '{{\"Version\": 1, \"AccessKeyId\": \"{cloud.access_key_id}\", \"SecretAccessKey\": \"{cloud.secret_access_key}\"'\n"
        "echo \", \\\"Expiration\\\": \\\"$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)\\\"}\"\n"
    )})
    template = place.write("t.yaml", "Resources:\n" + "".join(
        f"  Group{i}:\n    Type: AWS::Athena::WorkGroup\n    DependsOn: [{f'Group{i - 1}' if i else ''}]\n    Properties:\n      Name: wg{i}\n"
        for i in range(3)))
    with ModelProxy(cloud.endpoint, faults=[Fault.parse("delay:operation=CreateWorkGroup,ms=750")]) as proxy:
        environment = {k: v for k, v in place.environment.items() if not k.startswith("AWS_ENDPOINT_URL_")}
        place.runner("create", "s", "--template", template, env={**environment, "AWS_ENDPOINT_URL": proxy.endpoint}).ok()
        assert 2 <= len((place.home / "log").read_text().split()) < len(proxy.log)
    assert len(cloud.client("athena").list_work_groups()["WorkGroups"]) == 4


def test_sso_tokens_are_renewed_and_written_back(place):  # noqa: F811
    place.given(CORP + "[profile x]\n" + SSO)
    path = place.registered("corp", 60)
    path.chmod(0o644)
    before = json.loads(path.read_text())
    place.whoami("x").ok()
    after = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(path.parent) == [path.name]
    assert set(after) == {
        "startUrl", "region", "accessToken", "expiresAt", "clientId", "clientSecret", "registrationExpiresAt", "refreshToken",
    }
    assert after["accessToken"] != before["accessToken"] and after["refreshToken"] != before["refreshToken"]
    assert {k: after[k] for k in ("startUrl", "region", "clientId", "clientSecret", "registrationExpiresAt")} == {
        k: before[k] for k in ("startUrl", "region", "clientId", "clientSecret", "registrationExpiresAt")}
    # Good for an hour now: nobody asks; and the CLI's own code reads what was written.
    assert place.botocore_key("x") == place.whoami("x").ok().json["access_key_id"]
    assert len(place.providers.asked("/token")) == 1


@pytest.mark.parametrize("life,fault,ok", [
    (-60, None, True),                                   # ended, but it can be renewed
    (300, (400, {"error": "invalid_grant"}), True),      # cannot be renewed, lives
    (-60, (400, {"error": "invalid_grant"}), False),     # cannot be renewed, has ended
    (300, (200, {"accessToken": "x"}), True),            # half a reply
    (-60, (200, "no json"), False),
    (-60, (503, "{}"), True),                            # for a moment
])
def test_sso_tokens_at_their_end(place, life, fault, ok):  # noqa: F811
    place.given(CORP + "[profile x]\n" + SSO).registered("corp", life)
    if fault:
        place.providers.faults["/token"] = [fault]
    result = place.whoami("x")
    if ok:
        result.ok()
    else:
        result.fails(1, "has expired")
        assert result.json["errors"][0]["hint"] == "aws sso login --profile x"


def test_sso_without_a_way_to_renew(place):  # noqa: F811
    place.given(CORP + "[profile x]\n" + SSO)
    place.sso_token("corp", -1)
    result = place.whoami("x").fails(1, "profile 'x'.*has expired")
    assert result.json["errors"][0]["hint"] == "aws sso login --profile x"
    place.sso_token("corp", HOUR)
    place.providers.sso.clear()
    assert place.whoami("x").fails(1, "is refused").json["errors"][0]["hint"] == "aws sso login --profile x"
    assert not place.providers.asked("/token")


def test_container_tokens_are_read_each_time(place):  # noqa: F811
    token = place.write("token", "first")
    place.given(env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/1", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN": "never"})
    place.providers.container_token = "first"
    place.whoami().ok()
    place.write("token", "second\n")
    place.whoami().fails(2, "line end")
    os.unlink(token)
    place.whoami().fails(2, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    place.providers.container_token = "never"
    place.whoami(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="").ok()


@pytest.mark.parametrize("body", ["{}", "no json", '{"AccessKeyId": "AKIAHALF"', '{"AccessKeyId":"A","SecretAccessKey":"hush-1","Token":"x","Expiration":"soon"}'])
def test_half_a_reply_is_no_keys(place, body):  # noqa: F811
    place.given(env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/1"})
    place.providers.faults["/v2/credentials/1"] = [(200, body)]
    place.whoami().fails(2, "the container's credentials endpoint")


def test_instances_of_old_and_of_trouble(place):  # noqa: F811
    p = place.given(env={"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{ep}"}).providers
    p.imds_v1 = True
    assert place.whoami().ok().json["credentials"].startswith("the instance's role 'instance-role'")
    place.whoami(AWS_EC2_METADATA_V1_DISABLED="true").fails(2, "no token for IMDSv2")
    p.imds_v1 = False
    # Keys whose time is over are what AWS takes while it is in trouble.
    p.life = -60
    result = place.whoami()
    p.keys = {k: v for k, v in p.keys.items() if not k.startswith("ASIA")}
    result.fails(1, "ExpiredToken")  # this STS is not in trouble
    assert len(p.asked("/latest/api/token")) == 4
    p.life = HOUR
    name = "/latest/meta-data/iam/security-credentials/instance-role"
    p.faults[name] = [(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"})]
    place.whoami().fails(2, "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role")
    p.faults[name] = [(500, "")]
    place.whoami(AWS_METADATA_SERVICE_NUM_ATTEMPTS="2").ok()
    p.imds_role = None
    place.whoami().fails(2, "the instance has no role")
    began = time.time()
    place.whoami(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9").fails(2, "cannot connect")
    assert time.time() - began < 5


def on_terminal(place, *words, answer):  # noqa: F811
    """Runs glueproj with a terminal of its own and answers the prompt; (exit code, what the terminal showed)."""
    read_end, write_end = os.pipe()
    pid, terminal = pty.fork()
    if not pid:
        os.dup2(write_end, 1)
        os.execve(os.environ.get("GLUEPROJ_BIN", os.path.join(ROOT, "glueproj")), ["glueproj", *words], place.environment)
    os.close(write_end)
    shown, answered, end = b"", False, time.time() + 30
    while time.time() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        shown += piece
        if not piece:
            break
        if b"Enter MFA code for" in shown and not answered:
            answered = True
            time.sleep(0.05)  # the echo is off before the prompt is out
            os.write(terminal, answer.encode() + b"\n")
    stdout = os.read(read_end, 1 << 16).decode()
    os.close(read_end)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(), stdout


def test_mfa_is_asked_for_on_the_terminal_once(place):  # noqa: F811
    place.given("[profile x]\n" + role("mfa", source_profile="base", mfa_serial=MFA, duration_seconds="3600"), "[base]\n" + keys("BASE"))
    place.whoami("x").fails(1, f".aws/config:1?\\d*.*'x' needs a code of MFA device '{MFA}'")
    code, shown, _ = on_terminal(place, "whoami", "--profile", "x", answer="000000")
    assert code == 1 and "invalid MFA" in shown, shown
    code, shown, out = on_terminal(place, "whoami", "--profile", "x", "--output=json", answer="654321")
    assert code == 0 and shown.count(f"Enter MFA code for {MFA}: ") == 1 and "654321" not in shown, shown
    # From now on the keys lie where the AWS CLI keeps its own, under the name that it gives them, and nobody is asked.
    fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
        None, None, f"arn:aws:iam::{ACCOUNT}:role/mfa", extra_args={"SerialNumber": MFA, "DurationSeconds": 3600})
    path = place.home / ".aws" / "cli" / "cache" / f"{fetcher._cache_key}.json"
    assert glob.glob(str(path.parent / "*")) == [str(path)] and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert place.whoami("x").ok().json["access_key_id"] == json.loads(out)["access_key_id"]
    fetcher._cache = botocore.credentials.JSONFileCache(str(path.parent))
    assert fetcher.fetch_credentials()["access_key"] == json.loads(out)["access_key_id"]
    # And what the CLI wrote is read, in its own way of writing times.
    kept = json.loads(path.read_text())
    kept["Credentials"]["Expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SUTC", time.gmtime(time.time() + HOUR))
    path.write_text(json.dumps(kept), encoding="utf-8")
    place.whoami("x").ok()
    kept["Credentials"]["Expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SUTC", time.gmtime(time.time() + 60))
    path.write_text(json.dumps(kept), encoding="utf-8")
    place.whoami("x").fails(1, "needs a code")


@pytest.mark.parametrize("config,profile,text", [
    ("\n[profile x]\n" + role("second", source_profile="y") + "[profile y]\n" + role("plain", source_profile="x"), "x",
     r"config:7: source_profile goes round in a circle: x -> y -> x"),
    ("[profile x]\n" + role("plain", source_profile="nosuch"), "x", r"config:3: source_profile 'nosuch' of profile 'x' does not exist"),
    ("[profile x]\n" + role("plain"), "x", r"config:2: profile 'x' has a role_arn and neither source_profile nor credential_source"),
    ("[profile x]\n" + SSO, "x", r"config:2: there is no section \[sso-session corp\]"),
    ("[profile x]\nlogin_session = arn:x\n", "x", r"config:2: profile 'x' gets its keys by 'aws login', which is not built in"),
    ("[profile x]\naws_access_key_id = AKIA\n", "x", r"config:2: profile 'x' has no aws_secret_access_key"),
    ("", "x", r"profile 'x' is in neither '.*/.aws/credentials' nor '.*/.aws/config'"),
    ("", None, r"looked, in order, at the environment \(AWS_ACCESS_KEY_ID not set\), AWS_WEB_IDENTITY_TOKEN_FILE \(not set\), profile 'default' in "
     r".*\(is in neither\), AWS_CONTAINER.*\(off by AWS_EC2_METADATA_DISABLED\)"),
])
def test_what_is_wrong_is_named(place, config, profile, text):  # noqa: F811
    errors = place.given(config).whoami(profile).fails(2, None).json["errors"]
    assert re.search(text, errors[0]["message"]) and errors[0]["hint"], errors


def test_a_command_that_fails_says_why_and_no_secret(place):  # noqa: F811
    secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"
    place.given(f"[default]\ncredential_process = sh -c 'echo first >&2; echo \"vault: sealed {secret}\" >&2; exit 7'\n")
    result = place.whoami().fails(1, r"config:2: credential_process of profile 'default': 'sh' ended with 7: vault: sealed \*\*\*\*")
    assert secret not in result.stdout + result.stderr


def test_the_local_cloud_looks_at_none_of_it(place, cloud):  # noqa: F811
    place.given("[default]\ncredential_process = {home}/never\nregion = xx\n", env={
        "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{ep}", "AWS_ACCESS_KEY_ID": "AKIAENV",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nosuch", "AWS_PROFILE": "nosuch", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/1",
    })
    result = place.runner(f"--local={cloud.dir}", "whoami", "--output=json", env=place.environment).ok()
    assert result.json["credentials"] == "the local cloud" and not place.providers.requests


@pytest.mark.parametrize("source", ["container", "instance", "environment"])
def test_a_job_program_renews_its_own_keys(place, tmp_path, source):  # noqa: F811
    """The launcher hands over keys only where the program could not get new ones from the same place."""
    place.given(env={
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/1"},
        "instance": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{ep}"},
        "environment": {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "hush-ENV"},
    }[source])
    spec = importlib.util.spec_from_file_location("launcher", os.path.join(ROOT, "provision", "package", "launcher.py"))
    launcher = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launcher)
    with mock.patch.dict(os.environ, place.environment, clear=True):
        environment = launcher.environment(boto3.session.Session(), str(tmp_path / "bundle" / "root"))
    assert environment.get("AWS_ACCESS_KEY_ID") == ("AKIAENV" if source == "environment" else None)
    del environment["SSL_CERT_FILE"]  # of a bundle that is not there
    place.environment = environment
    assert source in place.whoami().ok().json["credentials"]
