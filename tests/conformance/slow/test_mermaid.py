"""graph's mermaid, read by mermaid itself: the npm package, under a DOM without a browser. It must see what the test of `make check` reads."""
import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "e2e")]

import test_graph  # noqa: E402
from helpers import ROOT, Runner  # noqa: E402
from test_graph import graph  # noqa: E402,F401

PACKAGES = ("mermaid@11.17.2", "jsdom@29.1.1")


@pytest.fixture
def run_glueproj(tmp_path):
    return Runner(tmp_path)


@pytest.fixture(scope="module")
def packages():
    """A folder with the packages; kept for the next time."""
    folder = os.path.join(ROOT, "build", "deps", "mermaid")
    stamp = os.path.join(folder, ".packages")
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    if not os.path.exists(stamp):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES], check=True, timeout=600)
        with open(stamp, "w", encoding="ascii") as f:
            f.write(" ".join(PACKAGES))
    return folder


def read(packages, texts, folder):  # pylint: disable=redefined-outer-name
    files = []
    for i, text in enumerate(texts):
        files.append(os.path.join(folder, f"{i}.mmd"))
        with open(files[-1], "w", encoding="utf-8") as f:
            f.write(text)
    out = subprocess.run(
        ["node", os.path.join(HERE, "mermaid_read.mjs"), *files], cwd=packages, capture_output=True, text=True, timeout=300, check=False,
    )
    assert out.returncode == 0, out.stderr
    return [json.loads(line) for line in out.stdout.splitlines()]


def test_mermaid_reads_what_is_meant(graph, packages, tmp_path):  # noqa: F811  # pylint: disable=redefined-outer-name
    whats = ["odd", "text", "file", "yaml", "flow", "machines", None]
    texts = [graph(*((w,) if w else ()), "--format", "mermaid").ok().stdout for w in whats]
    for text, seen in zip(texts, read(packages, texts, tmp_path)):
        nodes, edges, boxes = test_graph.read_mermaid(text)

        def flat(lines):
            return [line.strip() for line in lines]

        assert {k: flat(v) for k, v in seen["nodes"].items()} == {k: flat(v) for k, v in nodes.items()}
        assert sorted(map(tuple, seen["edges"])) == sorted(edges)
        assert sorted(flat(t) for t, _ in seen["boxes"]) == sorted(flat(t) for t in boxes)
    # An inner box is its parent's node; the branch's states are in it, what they lead to is not.
    odd = read(packages, texts[:1], tmp_path)[0]
    names = {"\n".join(v).strip(): k for k, v in odd["nodes"].items()}
    inside = {n: i for i, (_, nodes) in enumerate(odd["boxes"]) for n in nodes}
    assert inside[names["Left"]] != inside[names["Right\nwait 7 s"]] and names["Done"] not in inside
