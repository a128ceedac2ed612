"""The pytest plugin that the suites of others run with: it leads their clients to the local cloud and writes down how each test ended.

SUITES_PROGRAM is glueproj, SUITES_REPORT the file that takes a JSON line per test, SUITES_ACCOUNT the account that the suite expects,
SUITES_SCOPE how long a cloud lives: "test", or "file" where each file has a worker to itself.
"""
import json
import os
import re

import botocore.httpsession
import pytest
from clouds import KEYS, Clouds

# How the local cloud says that it does not offer something (provision/local/local_http.c and the services).
NOT_OFFERED = [
    (re.compile(r"the local cloud has no operation '([^']+)' of '([^']+)'"), "{1}:{0} is not offered"),
    (re.compile(r"Could not find operation (\S+) for version \S+ of '([^']+)' in the local cloud"), "{1}:{0} is not offered"),
    (re.compile(r"the local cloud's S3 has no operation '([^']+)'"), "s3:{0} is not offered"),
    (re.compile(r"the local cloud has no service (?:for )?'([^'.]+)[^']*'"), "the service {0} is not offered"),
    (re.compile(r"[Tt]he local cloud (?:has no|has one|does not)[^.<\"]*"), "{whole}"),
]

clouds = None
refusals = []


def current_endpoint(*_):
    return clouds.endpoint


def _note_refusal(response):
    """Reads a refusal's text; a body that is streamed is left alone unless it is an error."""
    text = response.content.decode("utf-8", "replace")
    for pattern, reason in NOT_OFFERED:
        found = pattern.search(text)
        if found:
            refusals.append(reason.format(*found.groups(), whole=found.group()))
            return


def _watch_sending():
    original = botocore.httpsession.URLLib3Session.send

    def send(self, request):
        clouds.used = True
        response = original(self, request)
        if response.status_code >= 400:
            _note_refusal(response)
        return response

    botocore.httpsession.URLLib3Session.send = send


def pytest_load_initial_conftests():
    """Before any conftest.py, which may want to know the endpoint; only where tests run, not where they are handed out."""
    global clouds
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    os.environ.update(
        AWS_ACCESS_KEY_ID=KEYS[0], AWS_SECRET_ACCESS_KEY=KEYS[1], AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    clouds = Clouds(os.environ["SUITES_PROGRAM"], os.environ["SUITES_ACCOUNT"], os.environ["SUITES_SCOPE"] == "test")
    _watch_sending()


def pytest_unconfigure():
    if clouds:
        clouds.end()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    refusals.clear()
    if os.environ["SUITES_SCOPE"] == "test":
        clouds.renew()


def _first_line(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return " ".join(text.split())[:300]


def _verdict(report):
    """(outcome, reason), or None where there is nothing to say yet."""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.wasxfail
        return "out", reason.removeprefix("Skipped: ")
    if report.failed:
        if refusals:
            return "out", refusals[-1]
        return "failed", _first_line(report)
    if report.when == "call":
        return "passed", ""
    return None


def _write(name, outcome, reason, seconds):
    line = json.dumps({"id": name, "outcome": outcome, "reason": reason, "seconds": round(seconds, 2)})
    with open(os.environ["SUITES_REPORT"], "a", encoding="utf-8") as f:
        f.write(line + "\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    verdict = _verdict(report)
    if verdict:
        _write(item.nodeid, *verdict, report.duration)


def pytest_collectreport(report):
    if report.failed and clouds:
        _write(report.nodeid, "failed", f"cannot be collected: {str(report.longrepr).splitlines()[-1]}", 0)
