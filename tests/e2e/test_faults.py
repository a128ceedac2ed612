"""Set-up and teardown of the sales lake on a bad day: the same end state, nothing twice, nothing left.

One short run per family of faults; the long matrix is tests/conformance/slow/test_faults_matrix.py.
"""
import pytest

from fault_proxy import KINDS, FaultProxy
from helpers import Cloud, Project, definitions


@pytest.fixture(scope="module")
def lake(tmp_path_factory, sales_zip):
    """A cloud without faults, a project bound to it, and what stands before, with and after a set-up."""
    from helpers import Runner

    runner = Runner(tmp_path_factory.mktemp("faults"))
    runner.environment["GLUEPROJ_LOCAL_PAUSE_MS"] = "10"
    cloud = Cloud(runner, runner.folder / "cloud")
    project = Project(runner, cloud, "sales-lake", SourceUrl=f"file://{sales_zip}")
    project("setup").ok()
    standing = definitions(cloud)
    project("teardown", "--yes").ok()
    with FaultProxy(cloud.endpoint) as proxy:
        project.through(proxy.endpoint)
        yield Day(cloud, project, proxy, standing, definitions(cloud))
    cloud.stop().ok()


class Day:
    def __init__(self, cloud, project, proxy, standing, gone):
        self.cloud, self.project, self.proxy, self.standing, self.gone = cloud, project, proxy, standing, gone

    def run(self, kinds, percent, seed):
        """Set up, set up again, tear down; every one of them with faults. A day that failed leaves nothing to the next."""
        try:
            return self.try_run(kinds, percent, seed)
        except AssertionError:
            self.proxy.faults((), 0, 0)
            self.project("teardown", "--yes")
            raise

    def try_run(self, kinds, percent, seed):
        happened = 0
        for arguments, check in ((("setup",), self.check_standing), (("setup",), self.check_unchanged), (("teardown", "--yes"), self.check_gone)):
            self.proxy.faults(kinds, percent, seed)
            result = self.project(*arguments, timeout=600)
            done = self.proxy.done
            happened += sum(done.values())
            self.proxy.faults((), 0, 0)
            assert result.code == 0, f"{done}\n{result!r}"
            check(result)
        return happened

    def check_standing(self, _result):
        assert definitions(self.cloud) == self.standing

    def check_unchanged(self, result):
        summary = result.json["summary"]
        changed = [r for s in result.json["stacks"] for r in s["resources"] if r["action"] not in ("none", "retain")]
        assert not changed and summary["failed"] == 0, f"{changed}\n{result!r}"
        assert definitions(self.cloud) == self.standing

    def check_gone(self, result):
        assert result.json["left"] == [], repr(result)
        assert definitions(self.cloud) == self.gone


FAMILIES = (
    ("delay", "throttle", "busy", "failed-after"),
    ("reset-before", "reset-middle", "reset-after", "duplicate"),
    ("half-reply", "long-length", "garbage", "garbage-after", "portal"),
)


def test_a_bad_day(lake):
    """One project for all of it: making it takes as long as a day."""
    assert sorted(k for f in FAMILIES for k in f) == sorted(KINDS)
    for kinds in FAMILIES:
        assert lake.run(kinds, 3, seed=7) > 3
