"""Servers for the tests, one of each for a session, and the table of what they could."""
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (HERE, os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "e2e")):
    sys.path.insert(0, folder)

import gaps  # noqa: E402
import others  # noqa: E402
from helpers import ROOT  # noqa: E402

CELLS, VERSIONS, TIMES = {}, {}, {}


def pytest_configure(config):
    config.addinivalue_line("markers", "step(name, after): a step of a project's life; the column of the table")


def pytest_collection_modifyitems(items):
    """The local cloud has no CloudFormation to compare with."""
    items[:] = [i for i in items if not i.name.startswith("test_cloudformation_makes_the_same[local-")]


@pytest.fixture(scope="session")
def server_of():
    running = {}

    def get(name):
        if name not in running:
            if not others.SERVERS[name].tool():
                pytest.skip(f"{name} is not installed")
            running[name] = others.SERVERS[name]()
            VERSIONS[name] = running[name].version
        return running[name]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture
def record(request):
    """record(life, column): this test's outcome, and what the server lacked in it, go into the table."""

    def note(life, column):
        request.node.cell = (life, life.server.name, life.name, column)

    return note


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    cell = getattr(item, "cell", None)
    if not cell or (report.when == "setup" and report.passed) or report.when == "teardown":
        return
    life, server, project, column = cell
    entry = CELLS.setdefault((server, project), {}).setdefault(column, {"failed": 0, "passed": 0, "skipped": 0, "lacks": [], "text": ""})
    entry[report.outcome] += 1
    entry["lacks"] = sorted(set(entry["lacks"]) | life.lacks)
    life.lacks = set()
    if report.failed:
        entry["text"] = str(call.excinfo.value).splitlines()[0][:200] if call.excinfo else ""
    TIMES.setdefault((server, project), {}).update(life.seconds)


def pytest_sessionfinish(session):
    """For run-conformance.py, which makes the table."""
    if not CELLS:
        return
    folder = os.path.join(ROOT, "build", "reports", "conformance")
    os.makedirs(folder, exist_ok=True)
    document = {
        "cells": [{"server": s, "project": p, "columns": c, "seconds": TIMES.get((s, p), {})} for (s, p), c in CELLS.items()], "versions": VERSIONS,
        "gaps": [{"gap": repr(g), "met": g.met, "needed": g.needed} for g in gaps.GAPS],
    }
    with open(os.path.join(folder, "servers.json"), "w", encoding="utf-8") as f:
        json.dump(document, f, indent=1)
