#!/usr/bin/env python3
"""The local cloud under test suites that others wrote: fetches them, runs them, and compares with the table that is kept here.

    suites.py [run|update|reread] [NAME…]

NAME is a suite (moto) or one of its services (moto:glue).
`run` says what got worse and what got better against results.json; `update` writes results.json anew (all, or what is named);
`reread` does so from what the last run left behind, when only out_of_scope.json has changed.
GLUEPROJ_BIN names the program (default ./glueproj of this clone). Nothing of the suites is kept in the repository: their packages are
fetched by pip into build/deps/suites.
"""
import collections
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
DEPS = os.path.join(ROOT, "build", "deps", "suites")
VENV = os.path.join(DEPS, "venv")
PYTHON = os.path.join(VENV, "bin", "python")
TABLE = os.path.join(HERE, "results.json")
TEST_SECONDS = 40
WORKERS = 3


class Unfetchable(Exception):
    """What a suite needs cannot be had here: a reason to skip, not to fail."""


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return json.load(f)


def _pip(python, *words):
    try:
        done = subprocess.run([python, "-m", "pip", *words, "-q", "--disable-pip-version-check"], capture_output=True, text=True, timeout=400)
    except subprocess.TimeoutExpired:
        raise Unfetchable(f"pip {' '.join(words)}: no end") from None
    if done.returncode:
        raise Unfetchable(done.stderr.strip()[-500:])


def _read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError:
        return None


def prepare():
    """A virtual environment with what requirements.txt names; made anew when that changes."""
    wanted = _read(os.path.join(HERE, "requirements.txt"))
    stamp = os.path.join(VENV, ".requirements")
    if _read(stamp) == wanted:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    os.makedirs(DEPS, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    _pip(PYTHON, "install", "-r", os.path.join(HERE, "requirements.txt"))
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(wanted)


def fetch(suite):
    """The suite's unpacked source package, as pip gives it, with our adapter laid into it."""
    folder = os.path.join(DEPS, f"{suite['name']}-{suite['version']}")
    if not os.path.isdir(folder):
        with tempfile.TemporaryDirectory(dir=DEPS) as scratch:
            _pip(
                PYTHON, "download", "--no-deps", "--no-binary", suite["package"], "-d", scratch, f"{suite['package']}=={suite['version']}"
            )
            (archive,) = os.listdir(scratch)
            with tarfile.open(os.path.join(scratch, archive)) as tar:
                tar.extractall(os.path.join(scratch, "x"), filter="data")
            (top,) = os.listdir(os.path.join(scratch, "x"))
            os.rename(os.path.join(scratch, "x", top), folder)
    for ours, theirs in suite.get("put", {}).items():
        shutil.copyfile(os.path.join(HERE, ours), os.path.join(folder, theirs))
    return folder


def _workers(suite, tests):
    """How pytest deals tests out. A suite whose tests share a cloud has a worker and so a cloud for each file: what a test finds there
    does not hang on which other files came before."""
    if suite["scope"] == "file":
        return ["-n", str(len({test.split("::")[0] for test in tests})), "--dist", "loadfile"]
    return ["-n", str(WORKERS), "--dist", "load"]


def _pytest(suite, folder, report, tests):
    words = [PYTHON, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "plugin", "--timeout", str(TEST_SECONDS)]
    words += [*_workers(suite, tests), "-o", "addopts="]
    for name in suite["plugins"]:
        words += ["-p", name]
    for pattern in suite.get("ignore", []):
        words += ["--ignore-glob", pattern]
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTEST_"))},
        **suite.get("environment", {}), "PYTHONPATH": os.pathsep.join([HERE, folder]), "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "127.0.0.1",
        "SUITES_PROGRAM": os.path.abspath(os.environ.get("GLUEPROJ_BIN", os.path.join(ROOT, "glueproj"))), "SUITES_REPORT": report,
        "SUITES_ACCOUNT": suite["account"], "SUITES_SCOPE": suite["scope"],
    }
    log = report + ".log"
    with open(log, "w", encoding="utf-8") as f:
        done = subprocess.run([*words, *tests], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{suite['name']}: pytest exits with {done.returncode}:\n{_read(log)[-3000:]}")


def _service(suite, test):
    for service, paths in suite["services"].items():
        if any(test.startswith(path) for path in paths):
            return service
    raise KeyError(test)


# What differs from run to run in the text of a failure.
_VOLATILE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8}-[0-9a-f]{4}[0-9a-f-]*|\b\d{4,}\b|\b(?=\w*\d)[0-9a-zA-Z]{10,}\b|datetime\.\w+\([^)]*\)")


def _report(suite):
    return os.path.join(DEPS, f"{suite.get('key', suite['name'])}.jsonl")


def run(suite, folder, only=None):
    """{test: (outcome, reason)}."""
    report = _report(suite)
    if os.path.exists(report):
        os.remove(report)
    _pytest(suite, folder, report, only or [path for paths in suite["services"].values() for path in paths])
    return read(suite)


def _ignored(suite, test):
    return any(fnmatch.fnmatchcase(test.split("::")[0], pattern) for pattern in suite.get("ignore", []))


def read(suite):
    """What the suite's last run left behind."""
    excluded = load("out_of_scope.json").get(suite["name"], [])
    order = ("passed", "out", "failed")
    results = {}
    with open(_report(suite), encoding="utf-8") as f:
        for line in f:
            entry = json.loads(line)
            outcome, reason = _classify(excluded, entry["id"], entry["outcome"], entry["reason"])
            # A failure in any phase beats a pass, and one that is in scope one that is not.
            before = results.get(entry["id"], ("passed",))[0]
            if not _ignored(suite, entry["id"]) and order.index(outcome) >= order.index(before):
                results[entry["id"]] = (outcome, _VOLATILE.sub("…", reason)[:160])
    return results


def _classify(excluded, test, outcome, reason):
    """A failure that out_of_scope.json explains is none of ours; nor is a test that passes by chance, even when it does."""
    for row in excluded:
        if (outcome == "failed" or row.get("chance")) and fnmatch.fnmatchcase(test, row.get("test", "*")) and re.search(row["failure"], reason):
            return "out", row["why"]
    return outcome, reason


def tabulate(suite, results):
    """What results.json keeps of a suite: counts by service, and each test that does not pass, by the reason why not."""
    counts = collections.defaultdict(lambda: {"passed": 0, "failed": 0, "out_of_scope": 0})
    reasons = {"failed": collections.defaultdict(list), "out_of_scope": collections.defaultdict(list)}
    for test, (outcome, reason) in sorted(results.items()):
        kind = "out_of_scope" if outcome == "out" else outcome
        counts[_service(suite, test)][kind] += 1
        if kind == "failed":
            reasons[kind][test] = reason
        elif kind == "out_of_scope":
            reasons[kind][reason].append(test)
    return {
        "version": suite["version"], "services": dict(sorted(counts.items())), "failed": reasons["failed"],
        "out_of_scope": dict(sorted(reasons["out_of_scope"].items())),
    }


def _not_passing(table):
    return set(table["failed"]) | {test for tests in table["out_of_scope"].values() for test in tests}


def _worse_tests(results, table):
    known_bad = _not_passing(table)
    return [test for test, (outcome, _) in sorted(results.items()) if outcome != "passed" and test not in known_bad]


def compare(suite, results, table):
    """(worse, better): tests that the table has as passing and that do not, and the other way round."""
    known_bad = _not_passing(table)
    worse = [f"{test}: {results[test][1]}" for test in _worse_tests(results, table)]
    better = [test for test, (outcome, _) in sorted(results.items()) if outcome == "passed" and test in known_bad]
    ran = collections.Counter(_service(suite, test) for test in results)
    for service, counts in table["services"].items():
        if service in suite["services"] and ran[service] < sum(counts.values()):
            worse.append(f"{service}: {sum(counts.values())} tests in the table, only {ran[service]} ran")
    return worse, better


def judge(suite):
    """Runs a suite against the table; what seems worse is run a second time, since a machine may be slow. Returns (summary, worse, better)."""
    folder = fetch(suite)
    table = load("results.json")[suite["name"]]
    results = run(suite, folder)
    worse, better = compare(suite, results, table)
    again = _worse_tests(results, table)
    if 0 < len(again) <= 30:
        if suite["scope"] == "file":
            again = sorted({test.split("::")[0] for test in again})
        results.update(run(suite, folder, again))
        worse, better = compare(suite, results, table)
    return summary(suite["name"], tabulate(suite, results)), worse, better


def summary(name, table):
    lines = [f"{name} {table['version']}"]
    for service, counts in table["services"].items():
        lines.append(f"  {service:15} passed {counts['passed']:4}  failed {counts['failed']:4}  out of scope {counts['out_of_scope']:4}")
    return "\n".join(lines)


def _merge(known, suite, old, new):
    """A suite's table with the rows of those services new that ran now; others stay as they are."""
    kept = {service for service in old.get("services", {}) if service in known["services"] and service not in suite["services"]}

    def stays(test):
        return any(test.startswith(path) for service in kept for path in known["services"][service])

    merged = {
        **new, "services": dict(sorted({**{service: old["services"][service] for service in kept}, **new["services"]}.items())),
        "failed": dict(sorted({**{test: why for test, why in old.get("failed", {}).items() if stays(test)}, **new["failed"]}.items())),
    }
    reasons = collections.defaultdict(list, {why: list(tests) for why, tests in new["out_of_scope"].items()})
    for why, tests in old.get("out_of_scope", {}).items():
        reasons[why] += [test for test in tests if stays(test)]
    merged["out_of_scope"] = {why: sorted(tests) for why, tests in sorted(reasons.items()) if tests}
    return merged


def update(suites, again):
    known = load("suites.json")
    for suite in suites:
        start = time.monotonic()
        new = tabulate(suite, run(suite, fetch(suite)) if again else read(suite))
        print(summary(suite["name"], new), f"  {time.monotonic() - start:.0f} s", sep="\n", flush=True)
        tables = load("results.json") if os.path.exists(TABLE) else {}
        (whole,) = [s for s in known if s["name"] == suite["name"]]
        tables[suite["name"]] = _merge(whole, suite, tables.get(suite["name"], {}), new)
        with open(TABLE, "w", encoding="utf-8") as f:
            json.dump({s["name"]: tables[s["name"]] for s in known if s["name"] in tables}, f, indent=1)
            f.write("\n")


def _named(known, names):
    """The suites that are meant, each with the services that are meant; None when a name is unknown."""
    chosen = []
    for suite in known:
        services = [name.partition(":")[2] for name in names if name.partition(":")[0] == suite["name"]]
        if not names or "" in services:
            chosen.append(suite)
        elif services:
            if set(services) - set(suite["services"]):
                return None
            key = "-".join([suite["name"], *sorted(services)])
            chosen.append({**suite, "key": key, "services": {service: suite["services"][service] for service in services}})
    return None if {name.partition(":")[0] for name in names} - {suite["name"] for suite in known} else chosen


def main(words):
    verb, names = (words or ["run"])[0], words[1:]
    suites = _named(load("suites.json"), names)
    if verb not in ("run", "update", "reread") or suites is None:
        sys.exit(__doc__)
    if verb == "reread":
        return update(suites, False)
    prepare()
    if verb == "update":
        return update(suites, True)
    bad = False
    for suite in suites:
        text, worse, better = judge(suite)
        print(text, *[f"  WORSE {line}" for line in worse], *[f"  better {line}" for line in better], sep="\n", flush=True)
        bad |= bool(worse)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
