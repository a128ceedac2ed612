"""Servers that others wrote, and our local cloud beside them as the control: each is started on a free port of loopback and ended by its pid."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from helpers import ROOT, glueproj_bin

START_SECONDS = 60
DEPS = os.path.join(ROOT, "build", "deps")


def tool_of(name, program):
    """A program of the server's own environment, else of the one that runs the tests; None."""
    folders = [os.environ.get(f"CONFORMANCE_{name.upper()}_BIN", ""), os.path.join(DEPS, f"conformance-{name}", "bin"), os.path.dirname(sys.executable)]
    for folder in folders:
        if folder and os.access(os.path.join(folder, program), os.X_OK):
            return os.path.join(folder, program)
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def version_of(tool, package):
    """The package's version, as the environment of the tool has it."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([os.path.join(os.path.dirname(tool), "python"), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


class Server:
    """A server under way. `key` and `secret` are what it wants of a client; `account` is whose calls they are."""

    name = package = program = None
    account = "123456789012"
    key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    @classmethod
    def tool(cls):
        return tool_of(cls.name, cls.program)

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=f"conformance-{self.name}-")
        self.log_path = os.path.join(self.folder, "log")
        self.process = None
        self.begin()

    def begin(self):
        self.version = version_of(self.tool(), self.package)
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command(port), cwd=self.folder, env=self.environment(port), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        self.wait_until_up(port)

    def environment(self, port):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {**kept, "HOME": self.folder, "TMPDIR": self.folder, "AWS_EC2_METADATA_DISABLED": "true", **self.settings(port)}

    def settings(self, port):
        return {}

    def wait_until_up(self, port):
        until = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{self.name} does not start:\n{self.log()}")
            try:
                urllib.request.urlopen(self.endpoint + self.health, timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def last_words(self):
        """Of a server that broke down over a request: the exception, as its log has it."""
        lines = [x.strip() for x in self.log().splitlines()[-80:]]
        found = [x for x in lines if not x.startswith("File ") and ": " in x and x.split(":")[0].endswith(("Error", "Exception"))]
        return found[-1] if found else ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Moto(Server):
    name, package, program, health = "moto", "moto", "moto_server", "/moto-api/data.json"

    def command(self, port):
        return [self.tool(), "-H", "127.0.0.1", "-p", str(port)]

    def settings(self, port):
        """AWS's own policies are there; by itself it has none of them."""
        return {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}


class MiniStack(Server):
    name, package, program, health = "ministack", "ministack", "ministack", "/_ministack/health"
    account = "000000000000"

    def command(self, port):
        return [self.tool()]

    def settings(self, port):
        return {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "S3_PERSIST": "0", "S3_DATA_DIR": os.path.join(self.folder, "s3")}


class Local(Server):
    """glueproj's own: what the others are compared with."""

    name, account, key, secret = "local", "000000000000", "test", "test"

    @classmethod
    def tool(cls):
        return glueproj_bin()

    def run(self, *words):
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": self.folder, "TMPDIR": self.folder}
        return subprocess.run([self.tool(), *words], cwd=self.folder, env=environment, check=True, capture_output=True, text=True).stdout

    def begin(self):
        self.version = self.run("--version").split()[-1]
        started = self.run("local", "start", "--dir", os.path.join(self.folder, "cloud"), "--port", "0", "--well-known-keys", "--output", "json")
        self.endpoint = json.loads(started)["endpoint"]

    def log(self):
        return ""

    def stop(self):
        self.run("local", "stop", "--dir", os.path.join(self.folder, "cloud"))


SERVERS = {s.name: s for s in (Moto, MiniStack, Local)}
