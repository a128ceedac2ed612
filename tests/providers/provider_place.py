"""A home folder with the AWS CLI's files and the providers beside it: what glueproj and botocore make of it."""
import hashlib
import json
import os
import sys
import time
from unittest import mock

import botocore.credentials
import botocore.loaders
import botocore.session
import botocore.tokens
import pytest

from provider_standin import ACCOUNT, HOUR, Providers, Role, iso

LOADER = botocore.loaders.create_loader()
SECRETS = ("hush-", "secret/", "token+", "sso-access", "sso-refresh", "client-secret", "gh-request-token")


class Place:
    """A home folder, the providers beside it, and an environment that has nothing else."""

    def __init__(self, folder, runner, providers):
        self.home, self.runner, self.providers = folder, runner, providers
        self.environment = {
            "HOME": str(folder), "PATH": os.environ["PATH"], "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "TMPDIR": str(folder),
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": providers.endpoint, "AWS_ENDPOINT_URL_SSO": providers.endpoint,
            "AWS_ENDPOINT_URL_SSO_OIDC": providers.endpoint,
        }
        os.makedirs(folder / ".aws" / "sso" / "cache")

    def fill(self, text):
        return text.replace("{ep}", self.providers.endpoint).replace("{home}", str(self.home)).replace("{python}", sys.executable)

    def write(self, name, text):
        path = self.home / name
        os.makedirs(path.parent, exist_ok=True)
        path.write_text(self.fill(text), encoding="utf-8")
        return str(path)

    def given(self, config="", credentials="", env=None, files=None):
        for name, text in {".aws/config": config, ".aws/credentials": credentials, **(files or {})}.items():
            if text:
                self.write(name, text)
        self.environment.update({k: self.fill(v) for k, v in (env or {}).items()})
        return self

    def sso_token(self, name, life, **more):
        """What `aws sso login` leaves."""
        token = {"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": f"sso-access-{name}",
                 "expiresAt": iso(time.time() + life), **more}
        self.providers.sso[token["accessToken"]] = time.time() + life
        path = self.home / ".aws" / "sso" / "cache" / f"{hashlib.sha1(name.encode()).hexdigest()}.json"
        path.write_text(json.dumps(token), encoding="utf-8")
        return path

    def registered(self, name, life):
        """A token that can be renewed."""
        self.providers.refresh_tokens[f"sso-refresh-{name}"] = ("client", "client-secret")
        return self.sso_token(
            name, life, refreshToken=f"sso-refresh-{name}", clientId="client", clientSecret="client-secret",
            registrationExpiresAt=iso(time.time() + 90 * 24 * HOUR),
        )

    def whoami(self, profile=None, **env):
        words = ("--profile", profile) if profile else ()
        result = self.runner("whoami", "--output=json", *words, env={**self.environment, **env})
        text = result.stdout + result.stderr
        assert not [s for s in SECRETS if s in text], result
        return result

    def botocore_key(self, profile=None):
        """The access key that botocore picks; None."""
        cache = str(self.home / ".aws" / "sso" / "cache")
        with mock.patch.dict(os.environ, self.environment, clear=True), \
                mock.patch.object(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache), \
                mock.patch.object(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache):
            session = botocore.session.Session(profile=profile)
            session.register_component("data_loader", LOADER)
            try:
                return session.get_credentials().get_frozen_credentials().access_key
            except Exception:  # whatever it says: there are no keys
                return None


@pytest.fixture
def place(tmp_path, run_glueproj):
    with Providers() as providers:
        for name in ("ENV", "FILE", "CONFIG", "BASE", "OTHER", "PROCESS"):
            providers.user(f"AKIA{name}", f"hush-{name}")
        user = f"arn:aws:iam::{ACCOUNT}:user/"
        providers.roles = {
            f"arn:aws:iam::{ACCOUNT}:role/{name}": role for name, role in {
                "plain": Role([user, f"arn:aws:sts::{ACCOUNT}:assumed-role/", "arn:aws:sts::111122223333:"]),
                "outside": Role([user], external_id="ext/1=2"), "second": Role([f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/"]),
                "web": Role(web=True), "mfa": Role([user], mfa=f"arn:aws:iam::{ACCOUNT}:mfa/me"),
            }.items()
        }
        providers.web_tokens = {"token-1": {"aud": "sts.amazonaws.com", "sub": "pod"}, "token-old": "expired"}
        providers.codes = {f"arn:aws:iam::{ACCOUNT}:mfa/me": "654321"}
        yield Place(tmp_path, run_glueproj, providers)


def keys(name):
    return f"aws_access_key_id = AKIA{name}\naws_secret_access_key = hush-{name}\n"


def role(name, **settings):
    lines = [f"role_arn = arn:aws:iam::{ACCOUNT}:role/{name}", *(f"{k} = {v}" for k, v in settings.items())]
    return "\n".join(lines) + "\n"
