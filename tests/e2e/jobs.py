"""Running job programs by hand, and a web server that misbehaves on demand: for the tests of jobs, bundles and launcher."""
import contextlib
import http.server
import os
import subprocess
import threading
import time

from helpers import glueproj_bin


def jobs_dir():
    return os.environ.get("GLUEPROJ_JOBS") or os.path.join(os.path.dirname(os.path.realpath(glueproj_bin())), "jobs")


class JobResult:
    def __init__(self, words, code, stdout, stderr, max_rss_mb, seconds):
        self.words, self.code, self.stdout, self.stderr, self.max_rss_mb, self.seconds = words, code, stdout, stderr, max_rss_mb, seconds

    def __repr__(self):
        return f"{' '.join(self.words)}\nexit {self.code}, {self.max_rss_mb} MB, {self.seconds:.2f} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    def ok(self):
        assert self.code == 0, repr(self)
        return self

    def fails(self, code, *texts):
        assert self.code == code, repr(self)
        for text in texts:
            assert text in self.stderr, repr(self)
        lines = self.stderr.splitlines()
        assert lines and " ERROR " in lines[-1], repr(self)
        return self


def start_job(tmp, name, *words, env=None):
    scratch = os.path.join(str(tmp), "scratch")
    os.makedirs(scratch, exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8", **(env or {})}
    for key in ("LD_LIBRARY_PATH", "ASAN_OPTIONS"):
        if key in os.environ:
            environment.setdefault(key, os.environ[key])
    command = [os.path.join(jobs_dir(), name), *map(str, words)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def peak_mb(pid):
    """What the process itself had at most; wait4's number would count the test's own memory, as it was before exec."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) >> 10
    except OSError:
        pass
    return 0


def run_job(tmp, name, *words, env=None, timeout=120):
    """Runs a job program to its end, checks that its scratch folder is empty again, and measures its peak of memory."""
    begin, peak = time.monotonic(), 0
    process = start_job(tmp, name, *words, env=env)
    out = {}
    readers = [threading.Thread(target=lambda p=p: out.update({p: p.read()})) for p in (process.stdout, process.stderr)]
    for r in readers:
        r.start()
    while process.poll() is None:
        peak = max(peak, peak_mb(process.pid))
        time.sleep(0.005)
        if time.monotonic() - begin > timeout:
            process.kill()
    for r in readers:
        r.join()
    stdout, stderr = out[process.stdout], out[process.stderr]
    process.stdout.close()
    process.stderr.close()
    assert os.listdir(os.path.join(str(tmp), "scratch")) == [], "scratch is left behind"
    return JobResult([name, *map(str, words)], process.returncode, stdout, stderr, peak, time.monotonic() - begin)


class Web:
    """What answers: {path: function(handler)}; requests are remembered."""

    def __init__(self, routes):
        web = self
        self.routes, self.seen = routes, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                web.seen.append((self.path, dict(self.headers)))
                route = web.routes.get(self.path.partition("?")[0])
                if route is None:
                    return self.send_error(404)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    route(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def body(data, status=200, length=None, headers=()):
    """A route that sends these bytes; `length` is what it claims."""

    def route(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
        handler.wfile.flush()
        if length is not None:
            handler.close_connection = True

    return route
