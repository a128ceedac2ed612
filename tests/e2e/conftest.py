"""Fixtures of the end-to-end tests: each test has a folder, a local cloud and an environment of its own.

GLUEPROJ_BIN names the program (default ./glueproj of this clone).
"""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))

from helpers import ROOT, Cloud, Project, Runner  # noqa: E402
from model_proxy import ModelProxy  # noqa: E402
from postgres import Postgres  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes long, so that `make conformance` runs it and `make check` does not")


@pytest.fixture
def run_glueproj(tmp_path):
    """run_glueproj(*arguments, env=…, cwd=…, stdin=…, timeout=…) -> Result; the environment is a short list of its own."""
    return Runner(tmp_path)


@pytest.fixture
def cloud(run_glueproj, tmp_path):
    """
    A local cloud that is up. What glueproj sends it in a test is checked against AWS's models, and so is what it answers to
    glueproj, boto3 and the AWS CLI; the test fails on a violation.
    """
    cloud = Cloud(run_glueproj, tmp_path / "cloud")
    with ModelProxy(cloud.endpoint) as cloud.checker, ModelProxy(cloud.endpoint, requests=False) as cloud.judge:
        yield cloud
    cloud.stop().ok()
    assert_sound(cloud.checker)
    assert_sound(cloud.judge)


def assert_sound(proxy):
    found = {f"{r['service']}:{r['operation']}: {v}" for r in proxy.log for v in r["violations"]}
    assert not found and not proxy.broken, "\n".join(sorted(found) + proxy.broken)


@pytest.fixture
def proxy(cloud):
    """A proxy before the cloud that checks every request; the test fails when one violates AWS's models or signer."""
    with ModelProxy(cloud.endpoint, secrets={cloud.access_key_id: cloud.secret_access_key}) as proxy:
        yield proxy
    assert_sound(proxy)


def make_sample(path, *options):
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make-sales-sample.py"), "--out", str(path), *options], check=True)
    return path


@pytest.fixture(scope="session")
def sales_zip(tmp_path_factory):
    """A zip of 4000 sales records with all odd values."""
    return make_sample(tmp_path_factory.mktemp("sales") / "2m-Sales-Records.zip", "--rows", "4000")


@pytest.fixture
def sales_lake(run_glueproj, cloud, sales_zip):
    """The sales lake's project, copied, with its source a small zip; every request goes straight to the cloud."""
    return Project(run_glueproj, cloud, "sales-lake", SourceUrl=f"file://{sales_zip}")


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, one for each worker; tests make databases or schemas of their own in it."""
    server = Postgres()
    yield server
    server.remove()
