"""init: a new project, and what the program itself writes runs as it stands, away from the source tree."""
import filecmp
import json
import os
import shutil
import subprocess

import pytest

from helpers import ROOT, glueproj_bin

FILES = {
    "glueproj.yaml", "config.yaml", "lake.yaml", "README.md", ".gitignore", "data/orders/orders-2026-01.csv", "data/orders/orders-2026-02.csv",
}


def files_below(folder):
    return {os.path.relpath(os.path.join(d, f), folder) for d, _, names in os.walk(folder) for f in names}


def orders(folder):
    rows = []
    for name in ("orders-2026-01.csv", "orders-2026-02.csv"):
        with open(os.path.join(folder, "data", "orders", name), encoding="ascii") as f:
            rows += [line.rstrip("\n").split(",") for line in list(f)[1:]]
    return rows


@pytest.fixture
def installed(run_glueproj, monkeypatch):
    """The program in a folder of its own, with the one job program that init's project names; kept, because a bundle takes seconds."""
    folder, source = os.path.join(ROOT, "build", "test-installed"), os.path.dirname(os.path.realpath(glueproj_bin()))
    os.makedirs(os.path.join(folder, "jobs"), exist_ok=True)
    for name in ("glueproj", "glueproj-sqlworker", "jobs/convert"):
        old, new = os.path.join(folder, name), os.path.join(source, name)
        if not os.path.exists(old) or not filecmp.cmp(old, new):
            shutil.copy2(new, f"{old}.{os.getpid()}")
            os.replace(f"{old}.{os.getpid()}", old)
    monkeypatch.setenv("GLUEPROJ_BIN", os.path.join(folder, "glueproj"))
    return run_glueproj


def test_what_it_makes_runs_as_it_stands(installed, tmp_path):
    made = installed("init", "my-lake", "--output", "json").ok().json
    folder = tmp_path / "my-lake"
    assert made["name"] == "my-lake" and made["dir"] == str(folder) and set(made["files"]) == FILES == files_below(folder)
    assert sorted(os.listdir(tmp_path)) == ["my-lake"]

    def glueproj(*words, **more):
        return installed(*words, cwd=folder, **more).ok()

    try:
        assert glueproj("validate", "--output", "json").json["warnings"] == []
        first = glueproj("--local", "setup", "--output", "json").json
        assert first["warnings"] == [] and first["summary"]["created"] >= 11
        second = glueproj("--local", "setup", "--output", "json").json["summary"]
        assert second["created"] == second["updated"] == 0
        assert "COMPLETED" in glueproj("--local", "run", "my-lake", "--follow").stdout
        answer = glueproj(
            "--local", "query", "select country, round(sum(quantity * price), 2) from orders group by country order by country", "--output", "json"
        ).json["rows"]
        wanted = {}
        for _, _, country, _, quantity, price in orders(folder):
            wanted[country] = wanted.get(country, 0) + int(quantity) * float(price)
        assert [(c, float(v)) for c, v in answer] == [(c, round(v, 2)) for c, v in sorted(wanted.items())]
        assert glueproj("--local", "teardown", "--yes", "--output", "json").json["left"] == []
    finally:
        installed("local", "stop", cwd=folder)
    assert {f for f in files_below(folder) if not f.startswith(".glueproj")} == FILES


def test_names_that_are_none(run_glueproj, tmp_path):
    for name in ("", "a", "ab", "My-Lake", "my_lake", "my lake", "lake-", "a--b", "1lake", "my/lake", "..", ".", "/tmp/x", "lake\n", "lake\u00e9", "x" * 36):
        result = run_glueproj("init", name, "--output", "json").fails(2, "cannot be the name of a project")
        assert "lower case" in result.json["errors"][0]["hint"] and os.listdir(tmp_path) == []
    run_glueproj("init", "-x").fails(2, "unknown option")
    run_glueproj("init").fails(2, "init takes NAME")
    run_glueproj("init", "one", "two").fails(2, "init takes NAME")
    assert os.listdir(tmp_path) == []
    run_glueproj("init", "x" * 35).ok()
    assert run_glueproj("config", "get", "LakeName", cwd=tmp_path / ("x" * 35)).ok().stdout == "x" * 35 + "\n"


def test_what_stands_there_stays(run_glueproj, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    assert run_glueproj("init", "full", "--output", "json").fails(2, "not empty").json["errors"][0]["code"] == "Exists"
    run_glueproj("init", "file").fails(2, "no folder")
    assert files_below(tmp_path) == {"full/mine.txt", "file"}
    run_glueproj("init", "empty").ok()
    assert files_below(tmp_path / "empty") == FILES
    run_glueproj("init", "empty").fails(2, "not empty")


def test_a_disk_that_is_full_leaves_nothing(run_glueproj, tmp_path):
    """A file of lake.yaml's size does not fit."""
    words = ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', glueproj_bin(), "init", "my-lake", "--output", "json"]
    r = subprocess.run(words, cwd=tmp_path, env=run_glueproj.environment, capture_output=True, text=True, check=False)
    document = json.loads(r.stdout)
    assert r.returncode == 1 and "lake.yaml" in document["errors"][0]["message"], r
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written(run_glueproj, tmp_path):
    run_glueproj("init", "my-lake", cwd="/proc").fails(1, "cannot make folder")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_run_left_goes(run_glueproj, tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f".my-lake.glueproj-{gone.pid}").mkdir()
    (tmp_path / f".my-lake.glueproj-{os.getpid()}").mkdir()
    run_glueproj("init", "my-lake").ok()
    assert sorted(os.listdir(tmp_path)) == [f".my-lake.glueproj-{os.getpid()}", "my-lake"]
