"""Our checker of state machines beside asl-validator, which others wrote (npm): both say the same of every machine of the corpus, but for the
differences on purpose below."""
import json
import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "conformance"))
from asl_corpus import CASES, EXPRESS  # noqa: E402
from asl_tool import judge, text_of  # noqa: E402

PACKAGE, VERSION = "asl-validator", "4.0.0"
FOLDER = os.path.join(ROOT, "build", "deps", "asl-validator")

SPEC = "the specification forbids it ({}), which the validator's schemas do not say"
AWS = "Step Functions refuses it when the machine is made; the validator knows no list of integrations and no types of machines"
DIFFERENT = {
    "another version": SPEC.format("Version is 1.0"),
    "result path out of the input": SPEC.format("ResultPath is a reference path, which begins with $"),
    "all is not last": SPEC.format("States.ALL stands in the last retrier"),
    "all is not alone": SPEC.format("States.ALL stands alone"),
    "no errors": SPEC.format("ErrorEquals is a nonempty array"),
    "half a back-off": SPEC.format("BackoffRate is at least 1.0"),
    "interval of none": SPEC.format("IntervalSeconds is positive"),
    "unknown jitter": SPEC.format("JitterStrategy is FULL or NONE"),
    "heartbeat too slow": SPEC.format("HeartbeatSeconds is smaller than TimeoutSeconds"),
    "choice goes on": SPEC.format("a Choice State has no End"),
    "next within and": SPEC.format("only top-level rules have Next"),
    "variable of a bad name": SPEC.format("a variable's name is an identifier"),
    "reader of an inline map": "items are read in mode DISTRIBUTED only; an inline Map that seemed to read them would fail on AWS",
    "CSV of no columns": "Step Functions wants CSVHeaderLocation with InputType CSV",
    "batches of any size": "Step Functions wants one of the two limits of a batch",
    "integration that is none": AWS,
    "pattern that is none": AWS,
    "express waits for a job": AWS,
}

JUDGE = """
const found = require("asl-validator"), validate = found.default || found;
(async () => {
	const out = [];
	for (const text of JSON.parse(require("fs").readFileSync(0))) {
		try {
			const r = await validate(JSON.parse(text));
			out.push([r.isValid, JSON.stringify(r.errors)]);
		} catch (e) {
			out.push([false, String(e)]);
		}
	}
	console.log(JSON.stringify(out));
})();
"""


@pytest.fixture(scope="module")
def node():
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node and npm are missing")
    if not os.path.isdir(os.path.join(FOLDER, "node_modules", PACKAGE)):
        os.makedirs(FOLDER, exist_ok=True)
        done = subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, f"{PACKAGE}@{VERSION}"], cwd=FOLDER, timeout=300)
        if done.returncode:
            pytest.skip(f"npm cannot install {PACKAGE}")
    return node


def test_both_say_the_same(node):
    assert len(CASES) >= 60
    theirs = json.loads(subprocess.run([node, "-e", JUDGE], cwd=FOLDER, input=json.dumps([text_of(c[2]) for c in CASES]), text=True,
                                       stdout=subprocess.PIPE, check=True, timeout=300).stdout)
    ours = judge([(c[2], c[0] in EXPRESS) for c in CASES])
    differ = {}
    for case, (ok, why), diagnostics in zip(CASES, theirs, ours):
        errors = [d for d in diagnostics if d["severity"] == "ERROR"]
        if ok != (not errors):
            differ[case[0]] = (errors, why)
    # neither an unknown difference nor one that is none any more
    assert set(differ) == set(DIFFERENT), {n: differ.get(n) for n in set(differ) ^ set(DIFFERENT)}
    # where they differ, ours is the stricter one
    assert all(errors for errors, _ in differ.values())
