#!/usr/bin/env python3
"""A stand-in for the Exabel Data API, for tests and the demo: the calls of ROUTES in shapes.py, strictly, from memory.

    EXABEL_STANDIN_KEY=… tests/exabel/standin.py --port 0 --ready-file FILE --entities FILE --signal ns.dwell

Prints its URL when it is ready. It listens on loopback only. README.md tells of faults and of what a test can read back.
"""
import argparse
import collections
import csv
import gc
import hmac
import http.server
import io
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from service import SIGNAL, Service, read_entities  # noqa: E402
from shapes import OLD_ROUTES, ROUTES, ApiError, bad, camel, parse_json, plain, read_message, read_query, with_defaults  # noqa: E402

UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 16, 7, 5, 8, 12, 13
HTTP_STATUS = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}
CODE_OF_STATUS = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 413: 8, 429: 8, 501: 12, 503: 14, 504: 4}
MAX_LOG = 200000
FAULT_KINDS = {"status", "drop", "drop_after", "slow", "garbage", "cut", "series"}


class Route:
    def __init__(self, method, template, body, call, request, response):
        self.method, self.template, self.body, self.call, self.request, self.response = method, template, body, call, request, response
        field = re.search(r"\{([a-z_.]+)=([^}]*)\}", template)
        self.field = field and [camel(p) for p in field[1].split(".")]
        pattern = re.escape(template)
        if field:
            place = "(" + re.escape(field[2]).replace(r"\*", "[^/:]+") + ")"
            pattern = pattern.replace(re.escape(field[0]), place)
        self.pattern = re.compile(pattern)


TABLE = [Route(*row) for row in ROUTES + OLD_ROUTES]


class Faults:
    """What goes wrong on purpose: a list, the first that fits a request and is not used up is taken."""

    def __init__(self):
        self.lock, self.listed = threading.Lock(), []

    def add(self, fault):
        if not isinstance(fault, dict) or fault.get("kind") not in FAULT_KINDS:
            raise ValueError(f"a fault's kind is one of {', '.join(sorted(FAULT_KINDS))}")
        unknown = set(fault) - {"kind", "count", "skip", "match", "status", "retryAfter", "seconds", "body", "name", "code", "message"}
        if unknown:
            raise ValueError(f"a fault has no '{sorted(unknown)[0]}'")
        re.compile(fault.get("match", ""))
        with self.lock:
            self.listed.append({"count": 1, "skip": 0, **fault})

    def take(self, what):
        with self.lock:
            for fault in self.listed:
                if fault["count"] == 0 or not re.search(fault.get("match", ""), what):
                    continue
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["count"] -= fault["count"] > 0
                return fault
        return None


class Standin:
    """The service, and what is known of its requests."""

    def __init__(self, service, key, max_bytes, emit_defaults, record):
        self.service, self.key, self.max_bytes, self.emit_defaults = service, key.encode(), max_bytes, emit_defaults
        self.faults, self.lock = Faults(), threading.Lock()
        self.log = collections.deque(maxlen=MAX_LOG)
        self.in_flight = self.max_in_flight = self.numbered = 0
        self.record = open(record, "a", encoding="utf-8") if record else None

    def add_fault(self, fault):
        if fault.get("kind") == "series":
            if not fault.get("name"):
                raise ValueError("a fault of a series needs its name")
            self.service.failing[fault["name"]] = [
                fault.get("code", INTERNAL), fault.get("message", "Internal error"), None if fault.get("count", 1) < 0 else fault.get("count", 1),
            ]
        else:
            self.faults.add(fault)

    def reset(self):
        self.service.reset()
        with self.lock:
            self.log.clear()
            self.max_in_flight = self.in_flight
        self.faults.listed.clear()

    def authorize(self, given):
        if not given:
            raise ApiError(UNAUTHENTICATED, "Missing API key: the header x-api-key is not set")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.key):
            raise ApiError(PERMISSION_DENIED, "The API key is not valid")

    @staticmethod
    def route(method, path):
        known = False
        for route in TABLE:
            m = route.pattern.fullmatch(path)
            if m and route.method == method:
                return route, urllib.parse.unquote(m[1]) if route.field else None
            known = known or bool(m)
        raise ApiError(UNIMPLEMENTED, "Method Not Allowed") if known else ApiError(NOT_FOUND, "Not Found")

    @staticmethod
    def assemble(route, named, query, body):
        """The request's message as JSON, of path, query string and body."""
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        if route.body == "*" and pairs:
            raise bad("", f'unknown query parameter "{pairs[0][0]}"')
        if not route.body and body:
            raise bad("", f"{route.method} has no body")
        message = read_query(route.request, pairs)
        if route.body:
            value = parse_json(body)
            value = plain(value) if isinstance(value, tuple) else value
            if not isinstance(value, dict):
                raise bad("", "the body is no JSON object")
            if route.body == "*":
                message = value
            else:
                message[camel(route.body)] = value
        if named is not None:
            at = message
            for part in route.field[:-1]:
                at = at[part]
                if not isinstance(at, dict):
                    raise bad(part, "is no object")
            if at.get(route.field[-1], named) != named:
                raise bad(".".join(route.field), "is not what the path says")
            at[route.field[-1]] = named
        return message

    def answer(self, method, path, query, headers, body):
        """(status, reply as JSON, what happened: for log and record)"""
        told = {}
        try:
            self.authorize(headers.get("x-api-key"))
            route, named = self.route(method, path)
            told["call"] = route.call
            if body and headers.get_content_type() != "application/json":
                raise bad("", f"Content-Type is {headers.get_content_type()}, not application/json")
            message = self.assemble(route, named, query, body)
            if self.record:
                told.update(request_type=route.request, response_type=route.response, request=plain(message))
            request = read_message(route.request, message)
            with self.service.lock:
                reply = getattr(self.service, route.call)(request)
            return 200, with_defaults(route.response, reply) if self.emit_defaults else reply, told
        except ApiError as e:
            told["code"] = e.code
            return HTTP_STATUS[e.code], {"code": e.code, "message": e.message, "details": e.details}, told
        except ValueError as e:  # a query string that is none
            return 400, {"code": 3, "message": str(e), "details": []}, {**told, "code": 3}

    def note(self, entry, told, body, reply):
        with self.lock:
            self.numbered += 1
            self.log.append({"n": self.numbered, **entry, **{k: told[k] for k in ("call", "code", "fault") if k in told}})
            if self.record:
                text = {"body": body.decode("utf-8", "replace"), "reply": reply.decode("utf-8", "replace") if reply is not None else None}
                self.record.write(json.dumps({**entry, **told, **text}) + "\n")
                self.record.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "exabel-standin"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 75

    def setup(self):
        if self.server.tls:
            self.request.settimeout(self.timeout)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def send(self, status, body, headers=(), content_type="application/json", claim=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if claim is None else claim))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def drop(self):
        """Ends the connection as a broken network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def read_body(self):
        """The body, or None when there is no telling where it ends, or it is too long: then the error is sent."""
        text = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"\d{1,15}", text):
            return self.refuse(411, "Content-Length is needed")
        if int(text) > self.server.standin.max_bytes:
            return self.refuse(413, f"The request has {text} bytes, more than {self.server.standin.max_bytes}")
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            self.close_connection = True
            return None
        return body

    def refuse(self, status, text):
        self.close_connection = True
        code = CODE_OF_STATUS.get(status, 3)
        reply = json.dumps({"code": code, "message": text, "details": []}).encode()
        entry = {"method": self.command, "path": self.path, "status": status, "bytes": 0, "seconds": 0}
        self.server.standin.note(entry, {"code": code}, b"", reply)
        self.send(status, reply, [("Connection", "close")])

    def handle_expect_100(self):
        # One that is too long is refused before it is sent.
        if int(self.headers.get("Content-Length") or 0) > self.server.standin.max_bytes:
            return True
        return super().handle_expect_100()

    def any_method(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.read_body()
        if body is None:
            return
        if url.path.startswith("/_standin/"):
            self.control(url.path[len("/_standin/") :], url.query, body)
            return
        standin = self.server.standin
        # Until the reply goes out: who has it may come again before this thread has ended.
        with standin.lock:
            standin.in_flight += 1
            standin.max_in_flight = max(standin.max_in_flight, standin.in_flight)
        try:
            kind, reply = self.api(standin, url, body)
        finally:
            with standin.lock:
                standin.in_flight -= 1
        if kind in ("drop", "drop_after"):
            self.drop()
        else:
            self.send(*reply)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = any_method

    def api(self, standin, url, body):
        """What is wrong with the reply, and the reply as send takes it."""
        begin = time.monotonic()
        fault = standin.faults.take(f"{self.command} {self.path}")
        kind = fault["kind"] if fault else None
        if kind == "slow":
            time.sleep(fault.get("seconds", 1))
        headers, content_type, claim = [], "application/json", None
        if kind == "status":
            status = fault.get("status", 429)
            reply = json.dumps({"code": CODE_OF_STATUS.get(status, INTERNAL), "message": fault.get("message", "told to fail"), "details": []})
            reply, told = fault.get("body", reply).encode(), {}
            headers = [("Retry-After", str(fault["retryAfter"]))] if "retryAfter" in fault else []
        elif kind == "garbage":
            status, reply, told = fault.get("status", 200), fault.get("body", "<html><body>Bad gateway</body></html>").encode(), {}
            content_type = "text/html"
        elif kind == "drop":
            status, reply, told = 0, None, {}
        else:
            status, value, told = standin.answer(self.command, url.path, url.query, self.headers, body)
            reply = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        if fault:
            told["fault"] = kind
        entry = {"method": self.command, "path": self.path, "status": status, "bytes": len(body), "seconds": round(time.monotonic() - begin, 6),
                 "agent": self.headers.get("User-Agent", ""), "client": self.headers.get("x-client-name", "")}
        standin.note(entry, told, body, None if kind in ("status", "garbage", "drop") else reply)
        if kind == "cut":
            claim = len(reply) + 100
            self.close_connection = True
        return kind, (status, reply, headers, content_type, claim)

    # --- what tests ask and tell ---
    def control(self, what, query, body):
        standin = self.server.standin
        try:
            if self.command == "POST":
                value = json.loads(body or b"null")
                if what == "faults":
                    for fault in value if isinstance(value, list) else [value]:
                        standin.add_fault(fault)
                elif what == "reset":
                    standin.reset()
                else:
                    raise ValueError("no such control")
                reply = {"ok": True}
            elif what == "series" and query == "format=csv":
                self.send(200, self.as_csv(standin.service.dump()), content_type="text/csv")
                return
            else:
                reply = {
                    "health": lambda: {"status": "ok"},
                    "series": lambda: {"series": standin.service.dump()},
                    "signals": lambda: {"signals": standin.service.signals},
                    "requests": lambda: {"requests": list(standin.log)},
                    "counts": lambda: {
                        **standin.service.counts, "series": len(standin.service.series), "requests": standin.numbered,
                        "max_in_flight": standin.max_in_flight,
                    },
                }[what]()
        except (ValueError, TypeError, KeyError, AttributeError, re.error) as e:
            self.send(400, json.dumps({"error": str(e)}).encode())
            return
        self.send(200, json.dumps(reply).encode())

    @staticmethod
    def as_csv(series):
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(["series", "date", "value"])
        for name, points in series.items():
            writer.writerows((name, day, value) for day, value in points)
        return out.getvalue().encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):  # a client that went away, or no TLS
            super().handle_error(request, client_address)


def options():
    parser = argparse.ArgumentParser(description="A stand-in for the Exabel Data API, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument("--ready-file", help="written with the URL when it listens")
    parser.add_argument("--key-file", help="holds the API key; else the environment's EXABEL_STANDIN_KEY")
    parser.add_argument("--entities", help="what can be found: JSON or CSV")
    parser.add_argument("--any-entity", action="store_true", help="take series of entities that are not listed")
    parser.add_argument("--signal", action="append", default=[], metavar="NS.ID", help="a signal that is there from the start")
    parser.add_argument("--namespace", action="append", default=[], help="one that may be written (default: the signals')")
    parser.add_argument("--max-request-bytes", type=int, default=4 << 20)
    parser.add_argument("--emit-defaults", action="store_true", help="replies also have the members that have their default")
    parser.add_argument("--fault", action="append", default=[], metavar="JSON", help="as of POST /_standin/faults")
    parser.add_argument("--record", metavar="FILE", help="append every request and reply, one JSON a line")
    parser.add_argument("--tls-cert", help="PEM; serves https")
    parser.add_argument("--tls-key", help="PEM of the certificate's key")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when whoever started it does")
    return parser


def read_key(arguments, parser):
    if arguments.key_file:
        with open(arguments.key_file, encoding="utf-8") as f:
            key = f.read().strip()
    else:
        key = os.environ.pop("EXABEL_STANDIN_KEY", "")
    if not key:
        parser.error("no API key: --key-file or EXABEL_STANDIN_KEY")
    return key


def make_server(arguments, parser):
    key = read_key(arguments, parser)
    entities, index = read_entities(arguments.entities) if arguments.entities else ({}, {})
    for name in arguments.signal:
        if not SIGNAL.fullmatch(f"signals/{name}"):
            parser.error(f"'{name}' is no signal's name")
    service = Service(entities, index, arguments.signal, arguments.namespace, arguments.any_entity)
    server = Server(("127.0.0.1", arguments.port), Handler)
    server.standin = Standin(service, key, arguments.max_request_bytes, arguments.emit_defaults, arguments.record)
    for text in arguments.fault:
        server.standin.add_fault(json.loads(text))
    server.tls = None
    if arguments.tls_cert:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    return server


def tell(arguments, url):
    print(url, flush=True)
    if arguments.ready_file:
        part = f"{arguments.ready_file}.part"
        with open(part, "w", encoding="utf-8") as f:
            f.write(url + "\n")
        os.replace(part, arguments.ready_file)


def main():
    parser = options()
    arguments = parser.parse_args()
    gc.set_threshold(1000000, 50, 1000)  # points are many and hold no cycles
    try:
        server = make_server(arguments, parser)
    except (OSError, ValueError, KeyError) as e:
        sys.exit(f"standin.py: {e}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if arguments.until_stdin_ends:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    tell(arguments, f"{'https' if server.tls else 'http'}://127.0.0.1:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
