"""scripts/postgres-server.sh: the PostgreSQL server that the transit platform's page and demo tell people to start."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest
from helpers import ROOT

pytestmark = pytest.mark.long
SCRIPT = os.path.join(ROOT, "scripts", "postgres-server.sh")


def run(*words):
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=120, check=False, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL)


@pytest.fixture
def folder():
    """Where another user may go, too: the server refuses root."""
    path = tempfile.mkdtemp(prefix="pg-", dir="/tmp")
    os.chmod(path, 0o755)
    yield os.path.join(path, "server")
    run("stop", os.path.join(path, "server"))
    shutil.rmtree(path)


def test_start_psql_stop(folder):
    started = run("start", folder)
    assert started.returncode == 0, started.stderr
    connection = started.stdout.strip()
    assert connection == f"{folder}/connection" and os.stat(connection).st_mode & 0o77 == 0
    with open(connection, encoding="ascii") as f:
        password, = re.findall(r" password=(\S+)", f.read())
    assert password not in started.stdout + started.stderr
    assert run("psql", folder, "-A", "-t", "-c", "CREATE TABLE t AS SELECT current_database() AS d", "-c", "SELECT d FROM t").stdout.split() == [
        "SELECT", "1", "data_platform"]
    again = run("start", folder)
    assert again.returncode == 1 and "has a running server" in again.stderr
    # What it kept is there after the next start, on another port, maybe.
    assert run("stop", folder).returncode == 0 and run("stop", folder).returncode == 0
    assert run("psql", folder, "-c", "SELECT 1").returncode != 0
    assert run("start", folder).returncode == 0
    assert run("psql", folder, "-A", "-t", "-c", "SELECT d FROM t").stdout == "data_platform\n"


def test_what_it_refuses(folder):
    for words in ((), ("start",), ("dance", folder)):
        refused = run(*words)
        assert refused.returncode == 2 and "postgres-server.sh start DIR" in refused.stderr, words
    os.symlink("/tmp", folder)
    refused = run("start", folder)
    assert refused.returncode == 1 and "is a link" in refused.stderr
    os.unlink(folder)
