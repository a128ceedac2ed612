"""The sales lake on worse days: every kind of fault, and all of them at once, at 1, 10 and 30 percent of all requests."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))

from conftest import make_sample  # noqa: E402
from fault_proxy import KINDS  # noqa: E402
from test_faults import lake  # noqa: E402, F401

SEEDS = [int(s) for s in os.environ.get("GLUEPROJ_FAULT_SEEDS", "1").split(",")]


@pytest.fixture(scope="session")
def sales_zip(tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp("sales") / "2m-Sales-Records.zip", "--rows", "400")


CASES = [("all", p) for p in (1, 10, 30)] + [(k, p) for k in KINDS for p in (10, 30)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kinds, percent", CASES)
def test_a_worse_day(lake, kinds, percent, seed):  # noqa: F811
    happened = lake.run(KINDS if kinds == "all" else [kinds], percent, seed)
    assert happened > 0 or percent == 1
