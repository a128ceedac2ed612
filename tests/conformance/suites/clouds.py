"""Fresh local clouds for a suite's tests: one in use, one started ahead, so that a clean slate costs a test next to nothing."""
import json
import os
import shutil
import subprocess
import tempfile

KEYS = ("test", "test")
# A worker that dies without a word leaves its clouds to end by themselves.
IDLE_SECONDS = "120"


class _Started:
    """A local cloud that has been told to start; its first line says when it is there."""

    def __init__(self, program, account):
        memory = "/dev/shm"
        self.folder = tempfile.mkdtemp(prefix="glueproj-suite-", dir=memory if os.access(memory, os.W_OK) else None)
        # A group of its own: what its runs start goes with it.
        self.process = subprocess.Popen(
            [
                program, "local", "start", "--foreground", "--dir", os.path.join(self.folder, "cloud"), "--port", "0", "--well-known-keys",
                "--account", account, "--idle", IDLE_SECONDS, "--output", "json",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
        )

    def endpoint(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the local cloud does not start: exit {self.process.wait()}")
        return json.loads(line)["endpoint"]

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Clouds:
    """`endpoint` is where the cloud in use answers; renew() changes it when that cloud has been used."""

    def __init__(self, program, account, renewed):
        self.program, self.account = program, account
        self.current, self.used = self._start(), False
        self.spare = self._start() if renewed else None
        self.endpoint = self.current.endpoint()
        self.ending = []
        self.publish()

    def _start(self):
        return _Started(self.program, self.account)

    def publish(self):
        # What makes its clients without being told an endpoint reads this.
        os.environ["AWS_ENDPOINT_URL"] = self.endpoint

    def renew(self):
        if not self.used:
            return
        self.current.process.terminate()
        self.ending.append(self.current)
        self.current, self.used = self.spare, False
        self.endpoint = self.current.endpoint()
        self.spare = self._start()
        self.publish()
        while len(self.ending) > 1:
            self.ending.pop(0).end()

    def end(self):
        for cloud in filter(None, [*self.ending, self.current, self.spare]):
            cloud.end()
