#!/usr/bin/env python3
"""A proxy between a client and a cloud: forwards requests unchanged, checks each against botocore's service models
(request_model.py) and each reply against the operation's (reply_model.py), and can do harm: delays, errors, broken connections, and killing the client at its n-th call.

As a program:
    model_proxy.py --upstream http://127.0.0.1:4566 [--port N] [--violations FILE] [--log FILE] [--secret KEY:SECRET]
                   [--judge both|requests|replies] [--fault SPEC]... [--kill-after N --kill-pid PID|--kill-pid-file FILE|--hook COMMAND [--kill-when before|after]]
prints the endpoint on a line of its own and serves until SIGTERM. Violations and the log are JSON lines.

In a test: with ModelProxy(endpoint) as proxy: … proxy.endpoint, proxy.violations, proxy.log, proxy.faults.

A fault is KIND[:name=value,...]; KIND is delay (ms=), throttle, error (status=503), reset (the connection breaks and
nothing was done) or lost (it was done, but the answer is lost). Which requests: at=N (the N-th of those that match), times=N (the first
N), every=N; operation=REGEX and service=REGEX narrow them.
The client signs for the proxy's address: Host goes on as it came.
"""
import argparse
import http.client
import http.server
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reply_model  # noqa: E402
import request_model  # noqa: E402

UPSTREAM_SECONDS = 120
BLOCK = 1 << 16
MAX_JUDGED = 64 << 20  # longer bodies pass as they come, and only what is around them is looked at
THROTTLED = {"s3": ("SlowDown", 503), "iam": ("Throttling", 400), "sts": ("Throttling", 400)}


class Fault:
    """One kind of harm, and which of the matching requests it meets."""

    KINDS = ("delay", "throttle", "error", "reset", "lost")

    def __init__(self, kind, at=None, times=None, every=None, operation=None, service=None, ms=1000, status=503):
        if kind not in self.KINDS:
            raise ValueError(f"fault '{kind}' is not one of {', '.join(self.KINDS)}")
        self.kind, self.at, self.times, self.every = kind, at, times, every
        self.operation, self.service, self.ms, self.status = operation, service, ms, status
        self.seen = 0
        self.met = 0

    @classmethod
    def parse(cls, spec):
        kind, _, rest = spec.partition(":")
        values = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
        numbers = {k: int(v) for k, v in values.items() if k in ("at", "times", "every", "ms", "status")}
        return cls(kind, **{**values, **numbers})

    def meets(self, service, operation):
        """Counts the request; to be called under the proxy's lock."""
        if self.operation and not re.fullmatch(self.operation, operation or ""):
            return False
        if self.service and not re.fullmatch(self.service, service or ""):
            return False
        self.seen += 1
        if self.at is not None:
            hit = self.seen == self.at
        elif self.every is not None:
            hit = self.seen % self.every == 0
        else:
            hit = self.times is None or self.seen <= self.times
        self.met += hit
        return hit


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = UPSTREAM_SECONDS

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def log_message(self, *arguments):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstream = None

    def finish(self):
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return body
                body += self.rfile.read(size)
                self.rfile.readline()
        size = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(size) if size <= MAX_JUDGED else self.blocks(self.rfile, size)

    @staticmethod
    def blocks(source, size):
        while size:
            block = source.read(min(size, BLOCK))
            if not block:
                raise ConnectionError("the body ends before its time")
            size -= len(block)
            yield block

    def serve(self):
        proxy = self.server.proxy
        try:
            body = self.read_body()
            whole = isinstance(body, bytes)
            request = request_model.Request(self.command, self.path, self.headers.items(), body if whole else b"")
            number, verdict, faults = proxy.note(request, whole)
            for fault in faults:
                if fault.kind == "delay":
                    time.sleep(fault.ms / 1000)
            harm = next((f for f in faults if f.kind != "delay"), None)
            if harm and harm.kind == "reset":
                self.reset()
            elif harm and harm.kind in ("throttle", "error"):
                self.refuse(harm, verdict.service)
            else:
                reply, payload = self.forward(body)
                proxy.replied(number, reply.status, proxy.judge(request, verdict, reply, payload))
                if proxy.kill_now(number, "before") or (harm and harm.kind == "lost"):
                    self.reset()
                else:
                    self.answer(reply, payload)
                    proxy.kill_now(number, "after")
        except (ConnectionError, socket.timeout, http.client.HTTPException):
            self.close_connection = True

    def forward(self, body):
        """Sends the request on as it came; one upstream connection for each of the client's."""
        for attempt in (1, 2):
            fresh = self.upstream is None
            if fresh:
                host, port = self.server.proxy.upstream
                self.upstream = http.client.HTTPConnection(host, port, timeout=UPSTREAM_SECONDS)
            try:
                self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("transfer-encoding", "expect"):
                        self.upstream.putheader(name, value)
                if self.headers.get("Transfer-Encoding"):
                    self.upstream.putheader("Content-Length", str(len(body)))
                self.upstream.endheaders(body or None)
                reply = self.upstream.getresponse()
                if (reply.length or 0) > MAX_JUDGED:
                    return reply, self.blocks(reply, reply.length)
                return reply, reply.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # An idle connection that the server has closed; a fresh one that breaks is the server's doing.
                self.upstream.close()
                self.upstream = None
                if fresh or attempt == 2 or not isinstance(body, bytes):
                    raise

    def answer(self, reply, payload):
        self.send_response_only(reply.status, reply.reason)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        if self.command == "HEAD" or reply.status in (204, 304):
            if reply.getheader("Content-Length") is not None:
                self.send_header("Content-Length", reply.getheader("Content-Length"))
        else:
            self.send_header("Content-Length", str(len(payload)) if isinstance(payload, bytes) else reply.getheader("Content-Length"))
        if reply.getheader("Connection", "").lower() == "close":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            for block in [payload] if isinstance(payload, bytes) else payload:
                self.wfile.write(block)
        self.wfile.flush()

    def reset(self):
        """The connection breaks: the client sees a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def refuse(self, fault, service):
        code, status = THROTTLED.get(service, ("ThrottlingException", 400))
        if fault.kind == "error":
            code, status = ("ServiceUnavailable" if fault.status == 503 else "InternalFailure"), fault.status
        if service in THROTTLED:
            inner = f"<Code>{code}</Code><Message>Rate exceeded</Message>"
            text = f"<Error>{inner}</Error>" if service == "s3" else f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
            kind = "application/xml"
        else:
            text, kind = json.dumps({"__type": code, "message": "Rate exceeded"}), "application/x-amz-json-1.1"
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Length", "0" if self.command == "HEAD" else str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        """
        A client that went away between two requests (boto3 drops a connection with a body that nobody read) is no error of the
        proxy; what else goes wrong is kept, and fails the test that looks.
        """
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.proxy.broken.append(repr(sys.exc_info()[1]))


class ModelProxy:
    """
    Serves in a thread. `log` has one record for each request, in order; `violations` those with any. `requests` and `replies` say
    what is judged: where a test sends wrong requests on purpose, the replies are still to be right.
    """

    def __init__(self, upstream, port=0, secrets=None, faults=(), violations_file=None, log_file=None, requests=True, replies=True):
        self.lead_to(upstream)
        self.requests, self.replies = requests, replies
        self.secrets, self.faults = secrets or {}, list(faults)
        self.log, self.broken = [], []
        self.files = [open(p, "a", encoding="utf-8") if p else None for p in (log_file, violations_file)]
        self.lock = threading.Lock()
        self.kill_at = None
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.proxy = self
        self.endpoint = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def lead_to(self, upstream):
        """From the next connection on."""
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port or 80)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.stop()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for f in self.files:
            if f:
                f.close()

    @property
    def violations(self):
        return [r for r in self.log if r["violations"]]

    def reset_counts(self):
        """Forgets what was logged, and disarms kill_after."""
        with self.lock:
            self.log.clear()
            self.kill_at = None

    def kill_after(self, n, victim, when="before"):
        """
        Kills with SIGKILL once the n-th request (counted from the log's start) was carried out: "before" or "after" its reply goes
        to the client. `victim` is a pid or a function; a function is called instead.
        """
        if when not in ("before", "after"):
            raise ValueError(f"'{when}' is neither 'before' nor 'after'")
        self.kill_at = (n, victim, when)

    def kill_now(self, number, when):
        if self.kill_at is None or self.kill_at[0] != number or self.kill_at[2] != when:
            return False
        victim = self.kill_at[1]
        if callable(victim):
            victim()
        else:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return True

    def note(self, request, whole=True):
        """Checks and logs a request; returns its number, the verdict, and the faults that meet it."""
        try:
            verdict = request_model.check(request, self.secrets)
        except Exception as e:  # a request that breaks the checker is reported as one, not lost
            verdict = request_model.Verdict()
            verdict.add("", f"the checker failed: {e!r}")
        if not self.requests or not whole:
            verdict.violations = []
        with self.lock:
            record = {
                "number": len(self.log) + 1, "service": verdict.service, "operation": verdict.operation,
                "method": request.method, "target": request.target, "status": None, "violations": verdict.violations,
            }
            self.log.append(record)
            if self.files[1] and verdict.violations:
                self.files[1].write(json.dumps(record) + "\n")
                self.files[1].flush()
            faults = [f for f in self.faults if f.meets(verdict.service, verdict.operation)]
        return record["number"], verdict, faults

    def judge(self, request, verdict, reply, payload):
        """What is wrong with the reply, when it is known what was asked."""
        if not verdict.operation or not self.replies or not isinstance(payload, bytes):
            return []
        try:
            return reply_model.check(request, verdict, reply.status, reply.getheaders(), payload)
        except Exception as e:
            return [f"reply: the checker failed: {e!r}"]

    def replied(self, number, status, violations=()):
        with self.lock:
            if number > len(self.log):
                return
            self.log[number - 1]["status"] = status
            if violations:
                self.log[number - 1]["violations"] = self.log[number - 1]["violations"] + violations
                if self.files[1]:
                    self.files[1].write(json.dumps({**self.log[number - 1], "violations": violations}) + "\n")
                    self.files[1].flush()
            if self.files[0]:
                self.files[0].write(json.dumps(self.log[number - 1]) + "\n")
                self.files[0].flush()


def victim_of(arguments):
    if arguments.hook:
        return lambda: subprocess.run(arguments.hook, shell=True, check=False)
    if arguments.kill_pid_file:

        def kill():
            with open(arguments.kill_pid_file, encoding="ascii") as f:
                os.kill(int(f.read()), signal.SIGKILL)

        return kill
    return arguments.kill_pid


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--violations")
    parser.add_argument("--log")
    parser.add_argument("--secret", action="append", default=[], metavar="KEY:SECRET", help="check this key's signatures")
    parser.add_argument("--judge", choices=("both", "requests", "replies"), default="both")
    parser.add_argument("--fault", action="append", default=[], type=Fault.parse)
    parser.add_argument("--kill-after", type=int, metavar="N")
    parser.add_argument("--kill-pid", type=int)
    parser.add_argument("--kill-pid-file")
    parser.add_argument("--hook", help="a command to run instead of killing")
    parser.add_argument("--kill-when", choices=("before", "after"), default="before", help="the n-th reply goes to the client")
    arguments = parser.parse_args()
    secrets = dict(s.split(":", 1) for s in arguments.secret)
    proxy = ModelProxy(
        arguments.upstream, arguments.port, secrets, arguments.fault, arguments.violations, arguments.log,
        requests=arguments.judge != "replies", replies=arguments.judge != "requests",
    )
    if arguments.kill_after:
        if victim_of(arguments) is None:
            parser.error("--kill-after needs --kill-pid, --kill-pid-file or --hook")
        proxy.kill_after(arguments.kill_after, victim_of(arguments), arguments.kill_when)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *ignored: done.set())
    with proxy:
        print(proxy.endpoint, flush=True)
        done.wait()


if __name__ == "__main__":
    main()
