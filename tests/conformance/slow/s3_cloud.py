"""What the slow tests of S3 share: a local cloud of their own, and what its process takes."""
import os
import sys

import pytest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]

from helpers import Cloud, Runner  # noqa: E402


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(Runner(tmp_path), tmp_path / "cloud")
    yield cloud
    cloud.stop().ok()


def memory_mb(pid, what="VmHWM"):
    """The most that a process has had in memory of its own: what it maps from files is the kernel's to take away."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        fields = dict(line.split(":", 1) for line in f)
    return int(fields[what].split()[0]) / 1024
