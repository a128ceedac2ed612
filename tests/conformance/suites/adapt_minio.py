"""minio-py's functional tests, which are a program of their own, one by one under pytest.

Laid down as tests/functional/test_functional.py.
"""
import importlib.util
import inspect
import os

import plugin
import pytest
from minio import Minio
from minio.error import S3Error

_spec = importlib.util.spec_from_file_location("minio_functional", os.path.join(os.path.dirname(__file__), "tests.py"))
suite = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(suite)
NAMES = [name for name, value in vars(suite).items() if name.startswith("test_") and inspect.isfunction(value)]


@pytest.fixture(scope="session", autouse=True)
def _files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minio")
    for variable, megabytes in (("_test_file", 1), ("_large_file", 11)):
        path = folder / variable
        path.write_bytes(os.urandom(megabytes << 20))
        setattr(suite, variable, str(path))


@pytest.mark.parametrize("name", NAMES)
def test_functional(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    suite._is_aws = False
    suite._client = Minio(
        plugin.current_endpoint().removeprefix("http://"), os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], secure=False
    )
    function = getattr(suite, name)
    if "sse" in name:
        pytest.skip("customer's keys need TLS")
    try:
        function({"name": name, "status": "PASS"})
    except S3Error as e:
        if e.code == "NotImplemented":
            plugin.refusals.append(e.message)
        raise
