"""`make demo PROJECT=all` and the pages of stacks/: scripts/demo.sh over made-up projects, and the pages' pictures against `graph`."""
import glob
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from helpers import ROOT

# Notes what it was called with, and ends as the project's own file says: a line `COMMAND CODE`.
STANDIN = """#!/bin/sh
echo "$*" >>called
[ "$1" = -p ] || exit 0
while read -r command code; do
	[ "$4" != "$command" ] || exit "$code"
done <"$2/ends"
"""


@pytest.fixture
def demo(tmp_path):
    """demo(project, ends={project: lines}, **env) -> (result, [(project, command)]); a clone with nothing in it but made-up projects."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(os.path.join(ROOT, "scripts", "demo.sh"), tmp_path / "scripts")
    (tmp_path / "glueproj").write_text(STANDIN, encoding="utf-8")
    (tmp_path / "glueproj").chmod(0o755)
    for name in ("another", "crypto-prices", "exabel-timeseries", "sales-lake", "transit-platform"):
        folder = tmp_path / "stacks" / name
        folder.mkdir(parents=True)
        (folder / "glueproj.yaml").write_text(f"Project: {name}\n", encoding="utf-8")
        (folder / "demo.sh").write_text(f"demo_about='{name} is shown'\ndemo_workflow=w\n", encoding="utf-8")
    (tmp_path / "stacks" / "no-demo").mkdir()

    def run(project, ends=None, **env):
        (tmp_path / "called").write_text("", encoding="utf-8")
        for file in glob.glob(str(tmp_path / "stacks" / "*" / "glueproj.yaml")):
            folder = os.path.dirname(file)
            with open(os.path.join(folder, "ends"), "w", encoding="utf-8") as out:
                out.write((ends or {}).get(os.path.basename(folder), ""))
        result = subprocess.run(
            [str(tmp_path / "scripts" / "demo.sh")], env={"PATH": os.environ["PATH"], "PROJECT": project, **env}, cwd="/",
            capture_output=True, text=True, timeout=60, check=False,
        )
        called = (tmp_path / "called").read_text(encoding="utf-8")
        return result, re.findall(r"^-p stacks/(\S+) --local (\S+)", called, re.M)

    return run


ORDER = ["sales-lake", "exabel-timeseries", "crypto-prices", "transit-platform", "another"]


def last_lines(result):
    return [re.sub(r" +", " ", re.sub(r"\d+ s", "N s", line)) for line in result.stdout.rsplit("########", 1)[1].splitlines() if line]


def test_all_run_in_their_order(demo):
    result, called = demo("all")
    assert result.returncode == 0, result.stderr
    assert called == [(name, command) for name in ORDER for command in ("setup", "run", "tables", "teardown")]
    assert last_lines(result) == [" 5 of 5 pipelines done after N s"] + [f"{name} done N s" for name in ORDER]


def test_one_that_fails_leaves_the_others_and_names_the_code(demo):
    result, called = demo("all", {"exabel-timeseries": "run 1\n", "crypto-prices": "setup 4\nteardown 2\n"})
    assert result.returncode == 1
    assert [name for name, command in called if command == "teardown"] == ORDER
    assert ("crypto-prices", "run") not in called and ("exabel-timeseries", "tables") not in called
    assert last_lines(result) == [
        " 3 of 5 pipelines done after N s", "sales-lake done N s", "exabel-timeseries failed N s exit code 1",
        "crypto-prices failed N s exit code 4", "transit-platform done N s", "another done N s",
    ]


def test_an_interrupt_ends_it(demo):
    result, called = demo("all", {"sales-lake": "run 1\n", "exabel-timeseries": "run 130\n"})
    # The code is the first failure's; what was interrupted is torn down still.
    assert result.returncode == 1 and called[-1] == ("exabel-timeseries", "teardown")
    assert last_lines(result)[2:] == ["exabel-timeseries failed N s exit code 130"] + [f"{name} not run" for name in ORDER[2:]]


def test_some_and_none(demo):
    result, called = demo("another crypto-prices", KEEP="1")
    assert result.returncode == 0 and [name for name, command in called if command == "setup"] == ["another", "crypto-prices"]
    assert "teardown" not in {command for _, command in called}
    assert "./glueproj -p stacks/another --local teardown --yes" in result.stdout
    for project in ("no-demo", "another no-demo", "../stacks"):
        result, called = demo(project)
        assert result.returncode == 2 and not called, project
        assert "is not a project of stacks/ with a demo.sh; there are: sales-lake exabel-timeseries" in result.stderr
        assert result.stderr.endswith(" another (or all)\n")


SVG = "{http://www.w3.org/2000/svg}"
PAGES = sorted(os.path.dirname(page) for page in glob.glob(os.path.join(ROOT, "stacks", "*", "README.md")))


def drawn(text):
    """What a picture shows, wherever Graphviz's version puts it: {(kind, title): texts}."""
    found = {}
    for group in ET.fromstring(text).iter(SVG + "g"):
        texts = ["".join(t.itertext()).replace("\u00a0", " ").strip() for t in group.findall(SVG + "text")]
        if group.get("class") in ("node", "edge"):
            found.setdefault((group.get("class"), group.findtext(SVG + "title")), []).append(texts)
    return found


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize("folder", PAGES, ids=os.path.basename)
def test_a_page_shows_what_graph_draws_today(run_glueproj, folder):
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        page = file.read()
    made = re.findall(r"glueproj -p stacks/(\S+) graph (\S+) --format svg >(\S+\.svg)", page)
    assert made and {picture for *_, picture in made} == set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", page))
    for project, what, picture in made:
        assert project == os.path.basename(folder)
        with open(os.path.join(folder, os.path.basename(picture)), encoding="utf-8") as file:
            kept = drawn(file.read())
        assert kept and drawn(run_glueproj("-p", folder, "graph", what, "--format", "svg").ok().stdout) == kept, picture
