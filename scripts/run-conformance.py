#!/usr/bin/env python3
"""Judges glueproj by what others wrote: their servers, their suites, and what takes too long for `make check`.

    scripts/run-conformance.py [FOLDER...]        of tests/conformance: servers, suites, slow; and long: the tests of tests/e2e that are marked so

The tools come from PyPI, as pip is configured, into environments of their own below build/deps: once a day the latest, else what is there. Where pip
reaches no index and nothing is installed, what cannot run is skipped, aloud, and that is no failure. The table of servers goes to stdout and, with the
versions, to build/reports/conformance.md. The last line is "N passed, M failed" (", K skipped" when any were); exit 0 only when nothing failed.
"""
import glob
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

DEPS = "build/deps"
REPORTS = "build/reports"
HERE = "tests/conformance"
RESULTS = f"{REPORTS}/conformance/servers.json"
MAIN = f"{DEPS}/conformance-venv"
INSTALL_SECONDS = 600
# Seconds that each may take in all and that one test may take. One after the other: what is measured in them wants the machine for itself.
FOLDERS = {"servers": (540, 180), "suites": (540, 420), "slow": (720, 420), "long": (540, 180)}
# What is not a folder of that name here: the end-to-end tests that take too long for `make check`.
PLACES = {"long": ("tests/e2e", "-m", "long", "-n", str((os.cpu_count() or 1) + 1))}
COLUMNS = ("set-up", "read back", "plan", "change", "teardown", "compare")
TODAY = time.strftime("%Y-%m-%d", time.gmtime())


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.notes, self.failures = [], []

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def skip(self, what, n=1):
        self.skipped += n
        self.notes.append(f"SKIPPED: {what}")


tally = Tally()


def say(text):
    print(text, flush=True)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


# --- environments ---
def pip(venv, *words, seconds=INSTALL_SECONDS):
    """Returns pip's exit code and what it said."""
    command = [f"{venv}/bin/python", "-m", "pip", "--disable-pip-version-check", *words]
    try:
        r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
        return r.returncode, r.stdout
    except subprocess.TimeoutExpired:
        return 1, f"pip has not ended in {seconds} seconds"


def index_reached(venv):
    """Does pip, as it is configured, get anything from its index?"""
    with tempfile.TemporaryDirectory() as folder:
        words = ["download", "--quiet", "--no-deps", "--no-cache-dir", "--retries", "1", "--timeout", "15", "--dest", folder, "iniconfig"]
        return pip(venv, *words, seconds=90)[0] == 0


def works(venv):
    return os.access(f"{venv}/bin/python", os.X_OK) and subprocess.run([f"{venv}/bin/python", "-c", ""], check=False).returncode == 0


def prepare(venv, files):
    """Brings an environment to the files' latest; True when it can be used. Each file is a step of its own: the second may move what the first pinned."""
    stamp, key = f"{venv}/.stamp", hashlib.sha256("\n".join(read(f) for f in files).encode()).hexdigest()
    old = read(stamp).split()
    usable = works(venv) and old[:1] == [key]
    if usable and old[1:] == [TODAY]:
        return True
    if not works(venv):
        say(f"conformance: making {venv}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    for path in files:
        say(f"conformance: pip install --upgrade -r {path}")
        code, text = pip(venv, "install", "--quiet", "--upgrade", "--retries", "2", "-r", path)
        if code != 0:
            return install_failed(venv, path, text, usable)
    write(stamp, f"{key} {TODAY}\n")
    return True


def install_failed(venv, path, text, usable):
    if index_reached(venv):
        say(text)
        tally.fail(f"pip could not install {path}")
    elif usable:
        tally.notes.append(f"PyPI is not reached: {venv} is used as it was installed on {read(venv + '/.stamp').split()[1]}")
        return True
    else:
        say(text)
        tally.skip(f"{path}: pip's index is not reached, and nothing is installed")
    return False


# --- pytest ---
def run_folder(name):
    limit, each = FOLDERS[name]
    report = f"{REPORTS}/conformance-{name}.xml"
    if os.path.exists(report):
        os.unlink(report)
    command = [
        f"{MAIN}/bin/python", "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", f"--junitxml={report}", f"--timeout={each}",
        *PLACES.get(name, (f"{HERE}/{name}",))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GLUEPROJ_PARAM_", "MAKE", "PYTEST_"))}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        end(process)
        tally.fail(f"{name}: no end in {limit} seconds")
        code = None
    except KeyboardInterrupt:
        end(process)
        raise
    failed = count_report(report) if os.path.exists(report) else 0
    if code not in (0, None) and not failed:
        tally.fail(f"pytest {name}: exit {code}")


def end(process):
    """First as Ctrl-C would, so that servers are stopped; then the whole group of processes."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def count_report(report):
    failed = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.conformance.')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            tally.fail(name)
        elif skipped is not None:
            tally.skip(f"{name}: {skipped.get('message', '')[:300]}")
        else:
            tally.passed += 1
    return failed


# --- the table ---
def results():
    """Of the servers' tests: {(server, project): entry}; versions; the rows of gaps."""
    document = json.loads(read(RESULTS) or "{}")
    return {(e["server"], e["project"]): e for e in document.get("cells", [])}, document.get("versions", {}), document.get("gaps", [])


def cell_text(cell):
    if not cell:
        return "–"
    if cell["failed"]:
        return f"FAILED: {cell['text']}".replace("|", "/")
    if not cell["passed"]:
        return "not run"
    return "ok; lacks " + ", ".join(cell["lacks"]) if cell["lacks"] else "ok"


def table():
    cells, versions, gaps = results()
    if not cells:
        return "", ""
    rows, lacks = [("server", "project", *COLUMNS, "set-up s")], {}
    for (server, project), entry in sorted(cells.items()):
        texts = []
        for column in COLUMNS:
            cell = entry["columns"].get(column)
            for operation in (cell or {}).get("lacks", []):
                lacks.setdefault(server, {}).setdefault(operation, set()).add(f"{project} {column}")
            texts.append(cell_text(cell))
        rows.append((f"{server} {versions.get(server, '')}", project, *texts, f"{entry['seconds'].get('first set-up', 0):.1f}"))
    shown = [[re.sub(r"ok; lacks .*", "ok (lacks)", t) for t in row] for row in rows]
    widths = [max(len(r[i][:40]) for r in shown) for i in range(len(shown[0]))]
    plain = "\n".join("  ".join(t[:40].ljust(w) for t, w in zip(row, widths)).rstrip() for row in shown)
    plain += "".join(f"\n{server} lacks {operation}: {', '.join(sorted(where))}" for server in sorted(lacks) for operation, where in sorted(lacks[server].items()))
    markdown = "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])
    known = "\n".join(f"- {g['gap']}{' **(not needed any more)**' if g['met'] and not g['needed'] else ''}" for g in gaps)
    return plain, f"{markdown}\n\nKnown gaps (tests/conformance/servers/gaps.py):\n\n{known}\n"


def report(seconds):
    plain, markdown = table()
    if plain:
        say("\n" + plain)
    versions = subprocess.run([f"{MAIN}/bin/python", "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze"], capture_output=True, text=True)
    named = [v for v in versions.stdout.split() if v.split("==")[0] in ("boto3", "botocore", "awscli", "pytest", "pyarrow", "pandas")]
    text = f"# Conformance\n\n{TODAY}, {seconds:.0f} s, with {', '.join(named) or 'nothing installed'}. Servers are as PyPI had them on that day.\n\n{markdown}"
    notes = tally.notes + [f"FAILED: {f}" for f in tally.failures]
    if notes:
        text += "\n" + "\n".join(f"- {n}" for n in notes) + "\n"
    write(f"{REPORTS}/conformance.md", f"{text}\n{last_line()}\n")
    for note in notes:
        say(note)


def last_line():
    return f"{tally.passed} passed, {tally.failed} failed" + (f", {tally.skipped} skipped" if tally.skipped else "")


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    names = sys.argv[1:] or [n for n in FOLDERS if n in PLACES or glob.glob(f"{HERE}/{n}/test_*.py")]
    unknown = [n for n in names if n not in FOLDERS]
    if unknown:
        print(f"run-conformance.py: unknown folder '{unknown[0]}'; known are {' '.join(FOLDERS)}", file=sys.stderr)
        return 2
    begin = time.monotonic()
    if os.path.exists(RESULTS):
        os.unlink(RESULTS)
    if prepare(MAIN, ["tests/requirements.txt", f"{HERE}/requirements.txt"]):
        if "servers" in names:
            for path in sorted(glob.glob(f"{HERE}/servers/*.txt")):
                prepare(f"{DEPS}/conformance-{os.path.basename(path).removesuffix('.txt')}", [path])
        for name in names:
            start = time.monotonic()
            say(f"=== {name}")
            run_folder(name)
            say(f"=== {name}: {time.monotonic() - start:.1f} s")
    else:
        tally.skip(f"all of {', '.join(names)}")
    report(time.monotonic() - begin)
    say(last_line())
    return 1 if tally.failed else 0


sys.exit(main())
