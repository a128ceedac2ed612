"""Killing glueproj after each single API call of the sales lake's setup and teardown, then running again: the same end state.

GLUEPROJ_CRASH_STRIDE=N takes every N-th call only (1: all); every other call is killed before its reply is delivered, the rest after.
"""
import os

import pytest

from crash_proxy import CrashProxy
from helpers import Cloud, Project, definitions

STRIDE = int(os.environ.get("GLUEPROJ_CRASH_STRIDE", "1"))
SHARDS = 4


@pytest.fixture
def cloud(run_glueproj, tmp_path):
    """Triggers change state within a few milliseconds: still not at once, but hundreds of runs take less time."""
    run_glueproj.environment["GLUEPROJ_LOCAL_PAUSE_MS"] = "10"
    cloud = Cloud(run_glueproj, tmp_path / "cloud")
    yield cloud
    cloud.stop().ok()


class Crasher:
    def __init__(self, project, proxy):
        self.project, self.proxy, self.process = project, proxy, None
        project.through(proxy.endpoint)

    def calls(self, *arguments):
        """A whole run; returns how many calls it took."""
        self.proxy.reset()
        self.project(*arguments).ok()
        return self.proxy.calls

    def killed_at(self, n, when, *arguments):
        """A run that dies with its n-th call; False when it was done before that."""
        self.proxy.reset()
        self.proxy.kill_after(n, lambda: self.process.kill(), when)
        self.process = self.project.start(*arguments)
        self.process.communicate(timeout=120)
        self.proxy.reset()
        return self.process.returncode == -9


@pytest.mark.timeout(400)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_after_each_call(run_glueproj, cloud, sales_zip, shard):
    with CrashProxy(cloud.endpoint) as proxy:
        crash = Crasher(Project(run_glueproj, cloud, "sales-lake", SourceUrl=f"file://{sales_zip}"), proxy)
        setup_calls = crash.calls("setup")
        standing = definitions(cloud)
        teardown_calls = crash.calls("teardown", "--yes")
        gone = definitions(cloud)
        died = 0
        for n in range(1 + shard * STRIDE, max(setup_calls, teardown_calls) + 1, SHARDS * STRIDE):
            when = "before" if (n // (SHARDS * STRIDE)) % 2 == 0 else "after"
            died += crash.killed_at(n, when, "setup")
            crash.project("setup").ok()
            assert definitions(cloud) == standing, f"setup killed at call {n}"
            died += crash.killed_at(n, when, "teardown", "--yes")
            crash.project("teardown", "--yes").ok()
            assert definitions(cloud) == gone, f"teardown killed at call {n}"
        assert died > 0
