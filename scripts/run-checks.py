#!/usr/bin/env python3
"""Runs the checks and tests and counts them; the last line is "N passed, M failed" (", K skipped" when any were).

    scripts/run-checks.py [STEP...]        all steps when none is named

A check counts as one, a unit test or a pytest test as one each; a test program that dies counts as failed. Tests that are marked `long` are
run by `make conformance`.
The exit code is 0 only when nothing failed.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

MAKE = os.environ.get("MAKE", "make")
JOBS = str(min(os.cpu_count() or 1, 8))
UNIT_SECONDS = 120
PYTEST_SECONDS = 540
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VARIANT", "BUILD", "V")


class Tally:
    """Counts, and the names of what failed, so that the end says it again."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.names = []

    def add(self, ok, name):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.names.append(name)


tally = Tally()
environment = {k: v for k, v in os.environ.items() if k not in MAKE_VARIABLES}


def say(text):
    print(text, flush=True)


def make(*words, variant="release"):
    command = [MAKE, "--no-print-directory", "-j", JOBS, f"VARIANT={variant}", *words]
    return subprocess.run(command, env=environment).returncode == 0


def make_list(target, variant):
    command = [MAKE, "--no-print-directory", "-s", f"VARIANT={variant}", target]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True).stdout.split()


def check(name, ok):
    say(f"{'ok' if ok else 'FAILED'}: {name}")
    tally.add(ok, name)
    return ok


def run_check(name, *command):
    return check(name, subprocess.run(command, env=environment).returncode == 0)


# --- unit tests: cmocka speaks TAP ---
def run_unit(binary):
    """Its output and exit code, or what happened instead."""
    env = dict(environment, CMOCKA_MESSAGE_OUTPUT="TAP", UBSAN_OPTIONS="print_stacktrace=1")
    if not os.access(binary, os.X_OK):
        return "", "not built"
    try:
        r = subprocess.run([binary], env=env, timeout=UNIT_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return r.stdout.decode(errors="replace"), r.returncode
    except subprocess.TimeoutExpired as e:
        return (e.stdout or b"").decode(errors="replace"), "no end in %d seconds" % UNIT_SECONDS


def count_unit(binary, variant, text, code):
    name = f"{variant} {os.path.basename(binary)}"
    passed = re.findall(r"^ok \d+ - (.*)", text, re.M)
    failed = re.findall(r"^not ok \d+ - (.*)", text, re.M)
    skipped = len(re.findall(r"^not ok \d+ # SKIP|^ok \d+ # SKIP", text, re.M))
    plan = re.search(r"^1\.\.(\d+)", text, re.M)
    left = int(plan.group(1)) - len(passed) - len(failed) - skipped if plan else 1
    for test in passed:
        tally.add(True, test)
    for test in failed:
        tally.add(False, f"{variant} {test}")
    tally.skipped += skipped
    if left > 0:
        tally.failed += left
        tally.names.append(f"{name}: died ({code}) with {left} tests to go")
    elif code != 0 and not failed:
        tally.add(False, f"{name}: exit {code}")
    bad = failed or left > 0 or code != 0
    say(f"{'FAILED' if bad else 'ok'}: {name}: {len(passed)} passed, {len(failed) + max(left, 0)} failed")
    if bad:
        say(text)


def run_units(variant):
    if not make("-k", "units", variant=variant):
        check(f"{variant} unit tests build", False)
    binaries = make_list("print-units", variant)
    with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
        for binary, (text, code) in zip(binaries, pool.map(run_unit, binaries)):
            count_unit(binary, variant, text, code)


# --- fuzzers over their corpora ---
def run_fuzzers(variant):
    if not make("-k", "fuzzers", variant=variant):
        check(f"{variant} fuzzers build", False)
    for binary in make_list("print-fuzzers", variant):
        parser = os.path.basename(binary).removeprefix("fuzz_")
        corpus = sorted(p for p in glob.glob(f"tests/fuzz/corpus/{parser}/*") if os.path.isfile(p))
        if not corpus:
            check(f"{parser}: tests/fuzz/corpus/{parser} holds the fuzzer's corpus", False)
        elif not os.access(binary, os.X_OK):
            tally.add(False, f"{binary}: not built")
        else:
            run_check(f"{parser}: {len(corpus)} inputs of the corpus", "timeout", "60", binary, *corpus)


# --- pytest ---
def run_pytest(folder, without=()):
    python = "build/deps/venv/bin/python"
    if not glob.glob(f"{folder}/**/test_*.py", recursive=True):
        check(f"{folder} holds tests", False)
        return
    os.makedirs("build/reports", exist_ok=True)
    report = f"build/reports/{folder.replace('/', '-')}.xml"
    if os.path.exists(report):
        os.unlink(report)
    command = [python, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", f"--junitxml={report}", "--timeout=180"]
    # One more than there are processors: tests wait for clouds to start, crawls and pauses.
    workers = os.environ.get("PYTEST_WORKERS", str(min(os.cpu_count() or 1, 8) + 1))
    if workers != "0":
        command += ["-n", workers]
    command += ["-m", "not long", *(f"--ignore={folder}/{name}" for name in without)]
    try:
        code = subprocess.run([*command, folder], env=environment, timeout=PYTEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        code = f"no end in {PYTEST_SECONDS} seconds"
    failed = count_report(report) if os.path.exists(report) else 0
    if code != 0 and not failed:
        tally.add(False, f"pytest {folder}: exit {code}")


def count_report(report):
    """Adds a junit report's cases; returns how many failed."""
    failed = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            tally.add(False, name)
        elif case.find("skipped") is not None:
            tally.skipped += 1
        else:
            tally.add(True, name)
    return failed


def check_scripts():
    shell = [p for p in glob.glob("scripts/*.sh") + [".ci/run"] + glob.glob("stacks/*/*.sh") if os.path.exists(p)]
    for path in sorted(shell):
        run_check(f"{path} parses", "bash", "-n", path)
    tools = ["scripts/check-layers", "scripts/check-style"] + glob.glob("scripts/*.py")
    program = "import sys\nfor p in sys.argv[1:]: compile(open(p).read(), p, 'exec')"
    run_check("scripts in Python parse", sys.executable, "-c", program, *sorted(tools))


STEPS = {
    "build": lambda: check("release build", make("all")),
    "headers": lambda: check("each header compiles alone", make("-k", "check-headers")),
    "layers": lambda: run_check("layers", "scripts/check-layers"),
    "style": lambda: run_check("style", "scripts/check-style"),
    "scripts": check_scripts,
    "unit": lambda: run_units("release"),
    "san": lambda: run_units("san"),
    "fuzz": lambda: run_fuzzers("san"),
    "clang": lambda: check("clang compiles all of it", make("-k", "check-clang")),
    "e2e": lambda: run_pytest("tests/e2e"),
    # What downloads or takes long is `make conformance`.
    "conformance": lambda: run_pytest("tests/conformance", without=("servers", "suites", "slow")),
}


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    steps = sys.argv[1:] or list(STEPS)
    unknown = [s for s in steps if s not in STEPS]
    if unknown:
        print(f"run-checks.py: unknown step '{unknown[0]}'; known are {' '.join(STEPS)}", file=sys.stderr)
        return 2
    for step in steps:
        begin = time.monotonic()
        say(f"=== {step}")
        STEPS[step]()
        say(f"=== {step}: {time.monotonic() - begin:.1f} s")
    for name in tally.names:
        say(f"FAILED: {name}")
    end = f", {tally.skipped} skipped" if tally.skipped else ""
    say(f"{tally.passed} passed, {tally.failed} failed{end}")
    return 1 if tally.failed or not tally.passed else 0


sys.exit(main())
