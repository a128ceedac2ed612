"""Runs tests/conformance/sigv4_tool.c over a list of jobs."""
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))
TOOL = os.path.join(BUILD, "conformance", "sigv4_tool")


def run(jobs):
    if not os.path.exists(TOOL):
        subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", TOOL], check=True)
    text = "".join(json.dumps(j) + "\n" for j in jobs)
    out = subprocess.run([TOOL], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    replies = [json.loads(line) for line in out.decode().splitlines()]
    assert len(replies) == len(jobs)
    return replies
