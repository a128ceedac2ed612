"""A real PostgreSQL server for tests: Debian's programs, in a folder and on a port of its own, stopped by its pid."""
import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SUPERUSER = "keeper"


def binaries():
    """The folder of initdb and postgres, the newest version's; None where there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: float(p.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    return os.path.dirname(os.path.realpath(path)) if path else None


def plain_user():
    """(uid, gid) to run as: the server refuses root. None where the tests are no root's."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise AssertionError("no user to run PostgreSQL as")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """Up from the start. `env` is what libpq's programs need; every connection needs the password."""

    def __init__(self):
        self.bin, self.user = binaries(), plain_user()
        assert self.bin, "PostgreSQL is not installed: scripts/install-deps.sh check"
        # A socket's path is short, and the folder another user's.
        self.dir = tempfile.mkdtemp(prefix="pg-", dir="/tmp")
        self.data, self.password, self.process = os.path.join(self.dir, "data"), secrets.token_urlsafe(12), None
        with open(os.path.join(self.dir, "password"), "w", encoding="ascii") as f:
            f.write(self.password)
        if self.user:
            for path in (self.dir, os.path.join(self.dir, "password")):
                os.chown(path, *self.user)
        self.run("initdb", "-D", self.data, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={self.dir}/password", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()

    def identity(self):
        return {"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {}

    def run(self, program, *words):
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.dir, "LC_ALL": "C"}
        r = subprocess.run(
            [os.path.join(self.bin, program), *words], cwd=self.dir, env=environment, capture_output=True, text=True, check=False, **self.identity()
        )
        assert r.returncode == 0, f"{program}: {r.stdout}{r.stderr}"

    def start(self):
        """A free port may be another's by the time it is wanted: then the next one."""
        for _ in range(5):
            self.port = free_port()
            self.log = open(os.path.join(self.dir, "log"), "ab")
            if self.launch():
                break
            self.log.close()
        else:
            raise AssertionError(self.messages())
        self.env = {
            "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": SUPERUSER, "PGPASSWORD": self.password, "PGDATABASE": "postgres",
        }

    def launch(self):
        """Whether it is up; False when it has ended by itself."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.dir, "fsync": "off", "shared_buffers": "16MB"}
        # A test run that is killed takes its server along.
        command = ["setpriv", "--pdeathsig", "INT", os.path.join(self.bin, "postgres"), "-D", self.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.dir, "LC_ALL": "C"}
        self.process = subprocess.Popen(command, cwd=self.dir, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, **self.identity())
        ready = [os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(1500):
            if self.process.poll() is not None:
                return False
            if subprocess.run(ready, check=False).returncode == 0:
                return True
            time.sleep(0.02)
        raise AssertionError(self.messages())

    def messages(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, how=signal.SIGINT):
        """SIGINT ends all sessions, SIGQUIT as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
        self.log.close()

    @contextlib.contextmanager
    def down(self):
        """Nobody listens on its port; after it, it is up there again."""
        self.stop()
        try:
            yield
        finally:
            self.log = open(os.path.join(self.dir, "log"), "ab")
            assert self.launch(), self.messages()

    def remove(self):
        """Without a last checkpoint: nobody reads it."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.dir)

    def psql(self, sql, database="postgres", **env):
        """Rows of text, as psql writes them without adornments; [] where a statement gives none."""
        r = self.start_psql(database, **env).communicate(sql, timeout=60)
        return [line.split("|") for line in r[0].splitlines()]

    def start_psql(self, database="postgres", **env):
        """A session that reads statements from its stdin, and prints each one's rows at once."""
        command = [os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return subprocess.Popen(
            command, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **self.env, "PGDATABASE": database, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )

    def secret(self, **changes):
        """As Amazon RDS writes its secrets."""
        return {
            "engine": "postgres", "host": "127.0.0.1", "port": self.port, "username": SUPERUSER, "password": self.password, "dbname": "postgres", **changes,
        }
