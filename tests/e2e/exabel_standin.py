"""The Exabel Data API's stand-in for a test: started, told to misbehave, read back, and at the end its traffic checked."""
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

from helpers import ROOT

KEY = "standin-key-7f3a91c2"
PROGRAM = os.path.join(ROOT, "tests", "exabel", "standin.py")


class Standin:
    """record: every request and reply is kept, and checked against the package's messages by check()."""

    def __init__(self, folder, *options, key=KEY, record=True):
        self.folder, self.key = str(folder), key
        self.record = os.path.join(self.folder, "standin.jsonl") if record else None
        more = ["--record", self.record] if record else []
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "--until-stdin-ends", *more, *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "EXABEL_STANDIN_KEY": key},
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http"), f"the stand-in does not start: {self.process.wait()}"

    def open(self, path, value=None, method=None, headers=None):
        """(status, body) of a request; `value` is sent as JSON."""
        data = None if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method or ("GET" if data is None else "POST"))
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read()

    def call(self, method, path, value=None, headers=None):
        """(status, reply as JSON) of a call of the API, with the key."""
        headers = {"x-api-key": self.key, **({"Content-Type": "application/json"} if value is not None else {}), **(headers or {})}
        status, body = self.open(path, value, method, headers)
        return status, json.loads(body)

    def ask(self, what, value=None):
        status, body = self.open(f"/_standin/{what}", value)
        assert status == 200, body
        return json.loads(body)

    def fault(self, kind, **more):
        self.ask("faults", {"kind": kind, **more})

    def reset(self):
        self.ask("reset", {})

    def loaded(self):
        """{series: {day: value}}; NaN is 'NaN'."""
        return {name: dict(points) for name, points in self.ask("series")["series"].items()}

    def requests(self, call=None):
        return [r for r in self.ask("requests")["requests"] if call in (None, r.get("call"))]

    def counts(self):
        return self.ask("counts")

    def check(self):
        """Every request and reply so far is one of the published package's messages."""
        if self.record and os.path.exists(self.record):
            from exabel_package import check_record  # imports much

            _, found = check_record(self.record)
            assert not found, "\n".join(found[:20])

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            self.check()
