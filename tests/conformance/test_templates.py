"""`validate` against cfn-lint, on templates in the shapes that people write: what it accepts we accept, what it refuses we refuse, at that place.

templates/good/ holds what both accept. templates/bad/ holds one fault each; "# line N: what" on the first line says where.
templates/differ/ holds what only one of the two accepts, with the reason on the first line; each must still differ.
"""
import fcntl
import glob
import json
import os
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from helpers import ROOT, Runner  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")
STACKS = sorted(f for f in glob.glob(os.path.join(ROOT, "stacks", "*", "*.yaml")) if os.path.basename(f) != "glueproj.yaml")


def templates(kind):
    return sorted(glob.glob(os.path.join(HERE, kind, "*")))


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=[os.path.basename(p) for p in paths])


def run_cfn_lint():
    """{file: findings} of one run over everything; it takes seconds to start."""
    files = STACKS + [f for kind in ("good", "bad", "differ") for f in templates(kind)]
    lint = os.path.join(os.path.dirname(sys.executable), "cfn-lint")
    r = subprocess.run([lint, "--format", "json", "--regions", "us-east-1", "--", *files], capture_output=True, text=True, check=False)
    assert r.stdout.startswith("["), f"cfn-lint: exit {r.returncode}\n{r.stdout}{r.stderr}"
    found = {f: [] for f in files}
    for match in json.loads(r.stdout):
        place = match["Location"]
        found[match["Filename"]].append(
            {"id": match["Rule"]["Id"], "from": place["Start"]["LineNumber"], "to": place["End"]["LineNumber"], "message": match["Message"]}
        )
    return found


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Made by whichever worker comes first."""
    base = tmp_path_factory.getbasetemp()
    kept = (base if "PYTEST_XDIST_WORKER" not in os.environ else base.parent) / "cfn-lint.json"
    with open(f"{kept}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(run_cfn_lint()))
    return json.loads(kept.read_text())


def errors_of(findings, path):
    return [f for f in findings[path] if f["id"].startswith("E")]


def first_line(path):
    with open(path, encoding="utf-8") as f:
        return f.readline().rstrip("\n")


def line_of_fault(path):
    """None in JSON, which has no comments."""
    stated = re.match(r"# line (\d+): .", first_line(path))
    assert stated or path.endswith(".json"), f"{path} does not say where its fault is"
    return int(stated.group(1)) if stated else None


@pytest.fixture
def validate(tmp_path):
    return lambda path: Runner(tmp_path)("validate", "--template", path, "--output", "json")


def test_there_are_enough():
    assert len(templates("good")) >= 40 and len(templates("bad")) >= 80 and len(STACKS) >= 7
    text = "".join(open(p, encoding="utf-8").read() for p in templates("good"))
    for shape in ("Rules:", "Fn::ForEach::", "ToJsonString", "!Cidr", "{{resolve:ssm:", "{{resolve:secretsmanager:", "AWS::LanguageExtensions"):
        assert shape in text, f"no good template has {shape}"


@by_name(STACKS)
def test_stacks_give_cfn_lint_nothing_to_say(findings, path):
    assert findings[path] == []


@by_name(templates("good"))
def test_good(findings, validate, path):
    assert errors_of(findings, path) == []
    validate(path).ok()


@by_name(templates("bad"))
def test_bad(findings, validate, path):
    theirs, stated = errors_of(findings, path), line_of_fault(path)
    assert theirs, "cfn-lint finds nothing"
    ours = validate(path).fails(2).json["errors"]
    assert all(e["file"] == path and e["line"] >= 1 and e["column"] >= 1 for e in ours), ours
    assert any(e["line"] == stated or any(t["from"] <= e["line"] <= t["to"] for t in theirs) for e in ours), f"{ours}\n{theirs}"
    places = {(e["line"], e["column"]) for e in ours}
    assert len(places) == 1, f"one fault, but errors at {sorted(places)}: {ours}"


@by_name(templates("differ"))
def test_differ(findings, validate, path):
    theirs, result = errors_of(findings, path), validate(path)
    if first_line(path).startswith("# accepted: "):
        result.ok()
        assert theirs, "cfn-lint accepts it now: move it to good/"
    else:
        ours = result.fails(2).json["errors"]
        assert any(e["line"] == line_of_fault(path) for e in ours), ours
        assert not theirs, "cfn-lint refuses it now: move it to bad/"
