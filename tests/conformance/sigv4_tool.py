"""Runs tests/conformance/sigv4_tool.c over a list of jobs."""
import fcntl
import functools
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))


@functools.lru_cache(maxsize=None)
def tool():
    """The program, brought up to date; test processes side by side take turns."""
    path = os.path.join(os.path.relpath(BUILD, ROOT), "conformance", "sigv4_tool")
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, ".sigv4_tool.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", f"BUILD={os.path.relpath(BUILD, ROOT)}", path], cwd=ROOT, check=True)
    return os.path.join(ROOT, path)


def run(jobs):
    text = "".join(json.dumps(j) + "\n" for j in jobs)
    out = subprocess.run([tool()], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    replies = [json.loads(line) for line in out.decode().splitlines()]
    assert len(replies) == len(jobs)
    return replies
