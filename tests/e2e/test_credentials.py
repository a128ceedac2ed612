"""The credential chain, judged by botocore: both are given the same environment, files and providers, and must come to the same keys or both
to none. The providers are stand-ins that speak the published protocols (tests/providers)."""
import os
import sys

import pytest

from helpers import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "providers"))

from provider_place import keys, place, role  # noqa: E402, F401
from provider_standin import ACCOUNT, HOUR  # noqa: E402

ENV = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "hush-ENV"}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/web"}
TOKEN = {"token": "token-1"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{ep}/v2/credentials/task-1"}
IMDS = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{ep}"}
SSO = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Analyst\n"
CORP = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
SCRIPT = """printf '{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "hush-PROCESS"%s}' "$1"
"""
PROCESS = "credential_process = sh '{home}/keys.sh' "
KEYS = {"keys.sh": SCRIPT}


def case(name, key, profile=None, **given):
    return pytest.param(key, profile, given, id=name)


# What is given, and the beginning of the access key that must come of it; None: no keys.
CASES = [
    case("environment", "AKIAENV", env=ENV),
    case("environment-before-files", "AKIAENV", env=ENV, credentials="[default]\n" + keys("FILE")),
    case("environment-before-AWS_PROFILE", "AKIAENV", env={**ENV, "AWS_PROFILE": "x"}, credentials="[x]\n" + keys("FILE")),
    case("option-before-environment", "AKIAFILE", "x", env=ENV, credentials="[x]\n" + keys("FILE")),
    case("half-an-environment", None, env={"AWS_ACCESS_KEY_ID": "AKIAENV"}, credentials="[default]\n" + keys("FILE")),
    case("a-secret-alone-is-none", "AKIAFILE", env={"AWS_SECRET_ACCESS_KEY": "x"}, credentials="[default]\n" + keys("FILE")),
    case("environment-that-has-ended", None, env={**ENV, "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}),
    case("environment-that-lasts", "AKIAENV", env={**ENV, "AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00+01:00"}),
    case("nothing", None),
    case("AWS_PROFILE", "AKIAOTHER", env={"AWS_PROFILE": "x"}, credentials="[default]\n" + keys("FILE") + "[x]\n" + keys("OTHER")),
    case("profile-that-is-not-there", None, env={**ENV, "AWS_PROFILE": "nosuch"}, credentials="[default]\n" + keys("FILE")),
    case("option-that-is-not-there", None, "nosuch", credentials="[default]\n" + keys("FILE")),
    case("credentials-file-before-config", "AKIAFILE", config="[default]\n" + keys("CONFIG"), credentials="[default]\n" + keys("FILE")),
    case("config-file", "AKIACONFIG", "x", config="[profile x]\n" + keys("CONFIG")),
    case("half-a-profile", None, credentials="[default]\naws_access_key_id = AKIAFILE\n"),
    case("the-files-own-paths", "AKIAOTHER", env={"AWS_SHARED_CREDENTIALS_FILE": "~/mine"}, files={"mine": "[default]\n" + keys("OTHER")}),
    case("role", "ASIAROLE", "x", config="[profile x]\n" + role("plain", source_profile="base"), credentials="[base]\n" + keys("BASE")),
    case("role-beside-keys-of-its-own", "ASIAROLE", "x", config="[profile x]\n" + role("plain", source_profile="x") + keys("BASE")),
    case("role-before-static-keys", "ASIAROLE", "x", config="[profile x]\n" + role("plain", source_profile="base") + keys("OTHER"),
         credentials="[base]\n" + keys("BASE")),
    case("role-whose-source-is-in-the-config-file", "ASIAROLE", "x", config="[profile x]\n" + role("plain", source_profile="base") +
         "[profile base]\n" + keys("CONFIG")),
    case("role-with-everything", "ASIAROLE", "x", credentials="[base]\n" + keys("BASE"), config="[profile x]\n" + role(
        "outside", source_profile="base", external_id="ext/1=2", role_session_name="me@work", duration_seconds="1800")),
    case("role-with-a-bad-duration", "ASIAROLE", "x", credentials="[base]\n" + keys("BASE"),
         config="[profile x]\n" + role("plain", source_profile="base", duration_seconds="long")),
    case("role-that-is-refused", None, "x", config="[profile x]\n" + role("outside", source_profile="base"), credentials="[base]\n" + keys("BASE")),
    case("chain-of-roles", "ASIAROLE", "x", credentials="[base]\n" + keys("BASE"), config="[profile x]\n" + role("second", source_profile="y") +
         "[profile y]\n" + role("plain", source_profile="base")),
    case("chain-that-is-a-circle", None, "x", config="[profile x]\n" + role("second", source_profile="y") + "[profile y]\n" +
         role("plain", source_profile="x")),
    case("role-of-itself-without-keys", None, "x", config="[profile x]\n" + role("plain", source_profile="x")),
    case("source-that-is-not-there", None, "x", config="[profile x]\n" + role("plain", source_profile="nosuch")),
    case("source-without-keys", None, "x", config="[profile x]\n" + role("plain", source_profile="y") + "[profile y]\nregion = eu-west-1\n"),
    case("role-without-a-source", None, "x", config="[profile x]\n" + role("plain") + keys("CONFIG")),
    case("role-with-two-sources", None, "x", env=ENV, config="[profile x]\n" + role("plain", source_profile="x", credential_source="Environment")),
    case("source-environment", "ASIAROLE", "x", env=ENV, config="[profile x]\n" + role("plain", credential_source="Environment")),
    case("source-environment-without-any", None, "x", config="[profile x]\n" + role("plain", credential_source="Environment")),
    case("source-container", "ASIAROLE", "x", env=CONTAINER, config="[profile x]\n" + role("plain", credential_source="EcsContainer")),
    case("source-instance", "ASIAROLE", "x", env=IMDS, config="[profile x]\n" + role("plain", credential_source="Ec2InstanceMetadata")),
    case("source-unknown", None, "x", env=ENV, config="[profile x]\n" + role("plain", credential_source="environment")),
    case("process", "AKIAPROCESS", files=KEYS, config="[default]\n" + PROCESS),
    case("process-after-the-credentials-file", "AKIAFILE", files=KEYS, config="[default]\n" + PROCESS,
         credentials="[default]\n" + keys("FILE")),
    case("process-before-the-config-file", "AKIAPROCESS", files=KEYS, config="[default]\n" + PROCESS + "\n" + keys("CONFIG")),
    case("process-words", "AKIAPROCESS", config='[default]\ncredential_process = "{home}/a b/keys" \', "SessionToken": ""\' \\# "$HOME;|&" # x\n',
         files={"a b/keys": "#!/bin/sh\n[ \"$2$3\" = '#$HOME;|&' ] && [ $# = 5 ] && exec sh '{home}/keys.sh' \"$1\"\nexit 3\n", **KEYS}),
    case("process-version", None, files=KEYS, config="[default]\n" + PROCESS + "', \"Version\": 2'"),
    case("process-whose-version-is-a-text", None, files=KEYS, config="[default]\n" + PROCESS + "', \"Version\": \"1\"'"),
    case("process-that-fails", None, config="[default]\ncredential_process = sh -c 'echo hush-1 >/dev/null; exit 4'\n" + keys("CONFIG")),
    case("process-that-is-not-there", None, config="[default]\ncredential_process = {home}/nosuch\n"),
    case("process-with-an-open-quote", None, config="[default]\ncredential_process = sh -c 'x\n"),
    case("process-that-prints-no-json", None, config="[default]\ncredential_process = echo hush-2\n"),
    case("process-with-keys-that-have-ended", None, files=KEYS, config="[default]\n" + PROCESS + "', \"Expiration\": \"2020-01-01T00:00:00Z\"'"),
    case("process-as-a-source", "ASIAROLE", "x", files=KEYS, config="[profile x]\n" + role("plain", source_profile="y") + "[profile y]\n" +
         PROCESS),
    case("web-identity", "ASIAWEBI", env=WEB, files=TOKEN),
    case("web-identity-before-files", "ASIAWEBI", env=WEB, files=TOKEN, credentials="[default]\n" + keys("FILE")),
    case("web-identity-after-the-environment", "AKIAENV", env={**WEB, **ENV}, files=TOKEN),
    case("web-identity-of-the-environment-not-with-the-option", "AKIAFILE", "x", env=WEB, files=TOKEN, credentials="[x]\n" + keys("FILE")),
    case("web-identity-of-a-profile", "ASIAWEBI", "x", files=TOKEN, config="[profile x]\n" + role("web", web_identity_token_file="{home}/token")),
    case("web-identity-as-a-source", "ASIAROLE", "x", files=TOKEN, config="[profile x]\n" + role("plain", source_profile="y") + "[profile y]\n" +
         role("web", web_identity_token_file="{home}/token", role_session_name="pod")),
    case("web-identity-without-a-role", None, env={"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token"}, files=TOKEN),
    case("web-identity-without-its-file", None, env=WEB, credentials="[default]\n" + keys("FILE")),
    case("web-identity-with-an-old-token", None, env=WEB, files={"token": "token-old"}),
    case("sso", "ASIASSOX", "x", config=CORP + "[profile x]\n" + SSO),
    case("sso-before-static-keys", "ASIASSOX", "x", config=CORP + "[profile x]\n" + SSO, credentials="[x]\n" + keys("FILE")),
    case("sso-as-a-source", "ASIAROLE", "x", config=CORP + "[profile x]\n" + role("plain", source_profile="y") + "[profile y]\n" + SSO),
    case("sso-of-old", "ASIASSOX", "x", config="[profile x]\nsso_start_url = legacy\nsso_region = eu-west-1\nsso_account_id = 111122223333\n"
         "sso_role_name = Analyst\n"),
    case("sso-without-a-session", None, "x", config="[profile x]\n" + SSO),
    case("sso-that-contradicts-itself", None, "x", config=CORP + "[profile x]\nsso_region = us-east-1\n" + SSO),
    case("sso-that-lacks-something", None, "x", config=CORP + "[profile x]\nsso_session = corp\nsso_role_name = Analyst\n" + keys("CONFIG")),
    case("sso-without-the-right", None, "x", config=CORP + "[profile x]\n" + SSO.replace("Analyst", "Admin")),
    case("sso-never-signed-in", None, "x", config=CORP.replace("corp]", "new]") + "[profile x]\n" + SSO.replace("corp", "new")),
    case("container", "ASIACONT", env=CONTAINER),
    case("container-after-files", "AKIAFILE", env=CONTAINER, credentials="[default]\n" + keys("FILE")),
    case("container-with-a-profile-of-nothing", "ASIACONT", "x", env=CONTAINER, config="[profile x]\nregion = eu-west-1\n"),
    case("container-before-the-instance", "ASIACONT", env={**IMDS, **CONTAINER}),
    case("container-on-a-strange-host", None, env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://198.51.100.1/v2/credentials/x"}),
    case("instance", "ASIAIMDS", env=IMDS),
    case("instance-by-the-profile", "ASIAIMDS", env={"AWS_EC2_METADATA_DISABLED": "false"},
         config="[default]\nec2_metadata_service_endpoint = {ep}/\nmetadata_service_num_attempts = 2\n"),
    case("instance-that-is-off", None, env={**IMDS, "AWS_EC2_METADATA_DISABLED": "TRUE"}),
    case("instance-in-a-strange-mode", None, env={**IMDS, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"}),
    case("nested-settings-and-comments", "AKIACONFIG", "two words", config="# x\n[profile 'two words']\ns3 =\n  aws_access_key_id = AKIANESTED\n"
         "  max = 1\n" + keys("CONFIG") + "; y\n"),
]


@pytest.mark.parametrize("key,profile,given", CASES)
def test_the_same_keys_as_botocore(place, key, profile, given):
    place.given(**given)
    for script in place.home.glob("a b/keys"):
        script.chmod(0o755)
    place.sso_token("corp", HOUR)
    place.sso_token("legacy", HOUR)
    judged = place.botocore_key(profile)
    result = place.whoami(profile)
    assert (judged or "").startswith(key or "") and (judged is None) == (key is None), judged
    if key is None:
        result.fails(result.code or 1)
    else:
        assert result.ok().json["access_key_id"] == judged and result.json["endpoint"] == place.providers.endpoint
