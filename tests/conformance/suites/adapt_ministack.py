"""The fixtures that ministack's tests take from a conftest.py which its package leaves out; its own modules are not to be had.

Laid down as tests/conftest.py. A test that reaches into the emulator's modules is skipped as soon as it touches one.
"""
import importlib.abc
import importlib.machinery
import os
import sys

import boto3
import made_roles
import plugin
import pytest
from botocore.config import Config

made_roles.register()
ENDPOINT = plugin.current_endpoint() if plugin.clouds else "http://127.0.0.1:1"
GATEWAY_PORT = ENDPOINT.rsplit(":", 1)[-1]
REGION = "us-east-1"
os.environ["MINISTACK_ENDPOINT"] = ENDPOINT
# The name of a fixture where it is not its service's.
SERVICES = {
    "sm": "secretsmanager", "tagging": "resourcegroupstaggingapi", "eb": "events", "lam": "lambda", "ddb": "dynamodb", "sfn": "stepfunctions",
    "kms_client": "kms", "ec": "elasticache", "cfn": "cloudformation", "cognito_idp": "cognito-idp", "cognito_identity": "cognito-identity",
}
for name in ("glue", "iam", "sts", "athena", "s3", "logs", "sqs", "sns", "efs", "ecs", "ecr", "scheduler", "cloudfront", "appsync"):
    SERVICES[name] = name


def make_client(service, additional_config_kwargs=None, region=REGION, **_):
    config = {"region_name": region, "retries": {"mode": "standard"}, **(additional_config_kwargs or {})}
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=region, config=Config(**config))


def _client_fixture(service):
    return pytest.fixture(scope="session")(lambda: make_client(service))


globals().update({name: _client_fixture(service) for name, service in SERVICES.items()})


@pytest.fixture(scope="session")
def sfn_sync():
    """Its own host would be sync-127.0.0.1."""
    return make_client("stepfunctions", {"inject_host_prefix": False})


# Fixtures that every test of a file goes through, needed or not: in them the emulator's modules may be touched, to no effect.
_EVERYWHERE = {"_reset", "_s3control_dns", "_enable_persistence"}
_fixture = None


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef):
    global _fixture
    before, _fixture = _fixture, fixturedef.argname
    yield
    _fixture = before


def _in_scope():
    """Is a test, or a fixture that it asked for, on its way?"""
    return os.environ.get("PYTEST_CURRENT_TEST", "").endswith(("(call)", "(setup)")) and _fixture not in _EVERYWHERE


class _Inside:
    """Stands for anything inside the emulator: importing it is fine, using it in a test is out of scope."""

    def __init__(self, name):
        object.__setattr__(self, "_name", name)

    def _refuse(self):
        if _in_scope():
            pytest.skip("reaches into the emulator's own modules")

    def __enter__(self):
        self._refuse()
        return self

    def __exit__(self, *_):
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()
        return _Inside(f"{self._name}.{name}")

    def __setattr__(self, name, value):
        if name.startswith("__"):
            object.__setattr__(self, name, value)
        else:
            self._refuse()

    def __delattr__(self, name):
        self._refuse()

    def __call__(self, *_, **__):
        self._refuse()
        return self

    def __iter__(self):
        self._refuse()
        return iter(())

    def __getitem__(self, key):
        self._refuse()
        return self


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    ABSENT = ("ministack", "duckdb", "asyncpg", "hypercorn")

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] in self.ABSENT:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Inside(spec.name)

    def exec_module(self, module):
        if _in_scope():
            del sys.modules[module.__spec__.name]
            pytest.skip("reaches into the emulator's own modules")


sys.meta_path.insert(0, _Finder())


def __getattr__(name):
    """Helpers of the missing conftest.py that work inside the emulator's process."""
    if name.startswith(("__", "pytest", "setup_", "teardown_")):
        raise AttributeError(name)
    return _Inside(f"conftest.{name}")


@pytest.fixture
def auth_enabled():
    pytest.skip("switches the emulator's own sign-in")
