"""Runs asl_tool.c: what our checker says of state machines."""
import fcntl
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))


def text_of(definition):
    return definition if isinstance(definition, str) else json.dumps(definition)


def tool():
    path = os.path.join(os.path.relpath(BUILD, ROOT), "conformance", "asl_tool")
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, ".asl_tool.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", f"BUILD={os.path.relpath(BUILD, ROOT)}", path], cwd=ROOT, check=True)
    return os.path.join(ROOT, path)


def judge(machines):
    """[(definition, express)] -> [[diagnostic]]"""
    text = json.dumps([[text_of(d), express] for d, express in machines])
    return json.loads(subprocess.run([tool()], input=text, stdout=subprocess.PIPE, check=True, text=True).stdout)
