"""Our checker of state machines against the rules of the Amazon States Language's published specification, and of Step Functions for what
the specification leaves to it: each case says by which rule it is good or bad, and where its first error is told."""
import json

import pytest

from asl_corpus import CASES, EXPRESS
from asl_tool import judge

FOUND = {}


@pytest.fixture(scope="module", autouse=True)
def found():
    FOUND.update(zip((c[0] for c in CASES), judge([(c[2], c[0] in EXPRESS) for c in CASES])))


def test_names_are_unique():
    assert len({c[0] for c in CASES}) == len(CASES) and EXPRESS <= {c[0] for c in CASES}


@pytest.mark.parametrize("name,rule,definition,where", CASES, ids=[c[0] for c in CASES])
def test_rule(name, rule, definition, where):
    errors = [d for d in FOUND[name] if d["severity"] == "ERROR"]
    assert (errors[0].get("location", "") if errors else None) == where, f"{rule}: {errors}"
    for d in FOUND[name]:
        assert d["message"] and d["code"]


def test_each_member_of_a_good_machine_matters():
    """Taking away what a state cannot be without makes each good machine a bad one."""
    needed = {"Resource", "Type", "Choices", "Branches", "Variable", "ErrorEquals", "StartAt", "States"}
    cut, names = [], []

    def walk(root, node, path):
        if isinstance(node, list):
            for i, e in enumerate(node):
                walk(root, e, path + [i])
        elif isinstance(node, dict):
            for k, v in node.items():
                if k in needed and not {"Parameters", "Result", "ItemReader", "ResultWriter"} & set(path):
                    copy = json.loads(json.dumps(root))
                    at = copy
                    for p in path:
                        at = at[p]
                    del at[k]
                    cut.append((copy, False))
                    names.append((path, k))
                walk(root, v, path + [k])
    for name, _, definition, where in CASES:
        if where is None:
            walk(definition, definition, [])
    assert len(cut) > 200
    for at, diagnostics in zip(names, judge(cut)):
        assert any(d["severity"] == "ERROR" for d in diagnostics), at
