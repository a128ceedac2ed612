"""Suites that others wrote must not pass less against the local cloud than results.json says (suites.py update writes it)."""
import concurrent.futures

import pytest
import suites

ALL = suites.load("suites.json")
# One suite keeps the processors busy; others mostly wait.
AT_A_TIME = 2


@pytest.fixture(scope="module")
def verdicts():
    """{name: future of judge()}, all under way."""
    try:
        suites.prepare()
    except suites.Unfetchable as e:
        pytest.skip(f"SKIPPED ALOUD: the suites' environment cannot be fetched: {e}")
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {suite["name"]: pool.submit(suites.judge, suite) for suite in ALL}


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite["name"])
def test_suite_gets_no_worse(suite, verdicts, capsys):
    try:
        text, worse, better = verdicts[suite["name"]].result()
    except suites.Unfetchable as e:
        pytest.skip(f"SKIPPED ALOUD: {suite['name']} {suite['version']} cannot be fetched: {e}")
    with capsys.disabled():
        print(f"\n{text}")
        if better:
            print(f"  {len(better)} tests pass that the table has as not passing: tests/conformance/suites/suites.py update {suite['name']}")
    assert not worse, "\n".join(worse)


def test_every_suite_has_its_row():
    table = suites.load("results.json")
    assert {s["name"]: s["version"] for s in ALL} == {name: row["version"] for name, row in table.items()}


def test_a_test_that_fails_anew_is_worse():
    suite = {"name": "x", "version": "1", "services": {"s3": ["t/"]}}
    table = suites.tabulate(suite, {"t/a": ("passed", ""), "t/b": ("failed", "why"), "t/c": ("out", "not offered")})
    assert table["services"]["s3"] == {"passed": 1, "failed": 1, "out_of_scope": 1}
    worse, better = suites.compare(suite, {"t/a": ("failed", "no"), "t/b": ("passed", ""), "t/c": ("out", "not offered")}, table)
    assert (worse, better) == (["t/a: no"], ["t/b"])
    worse, _ = suites.compare(suite, {"t/b": ("failed", "why"), "t/c": ("out", "not offered")}, table)
    assert worse == ["s3: 3 tests in the table, only 2 ran"]
