#!/usr/bin/env python3
"""A stand-in for the DMAP API, for tests and the demo: feeds of data sets, strictly, from memory, and the files that they tell of.

    DMAP_STANDIN_CONTROLLED_KEY=… DMAP_STANDIN_PUBLIC_KEY=… tests/transit/dmap_standin.py --port 0 --ready-file FILE --feeds FILE

Prints its URL when it is ready. It listens on loopback only. README.md tells of feeds, faults and what a test can read back.
"""
import argparse
import datetime
import gzip
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "exabel"))

from standin import Faults, Handler, Server, tell  # noqa: E402

CONTROLLED, PUBLIC = "/datasetcontrolleduserapi", "/datasetpublicusersapi"
SINCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
OWN = {"data", "plain", "bytes", "redirect"}  # of a data set's file; not told by the feed
BLOCK = 1 << 16


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def moment(text):
    """A time of the API's; one without an offset is UTC."""
    t = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return t if t.tzinfo else t.replace(tzinfo=datetime.timezone.utc)


def pattern(seed):
    """A block of bytes that do not shrink, the same for the same name."""
    return hashlib.shake_256(seed.encode()).digest(BLOCK)


class Service:
    """feeds: {path: [item]}; files: {name: item}. An item that is no object, or has a url of its own, is told as it is."""

    def __init__(self, keys, feeds):
        self.keys, self.lock, self.url = keys, threading.Lock(), ""
        self.faults, self.log, self.initial = Faults(), [], feeds
        self.reset()

    def reset(self):
        with self.lock:
            self.feeds, self.files = {}, {}
            self.log.clear()
        self.faults.listed.clear()
        self.set_feeds(self.initial)

    def set_feeds(self, feeds):
        for path, items in feeds.items():
            if not path.startswith((CONTROLLED + "/", PUBLIC + "/")) or not isinstance(items, list):
                raise ValueError(f"'{path}' is no feed, or has no list of data sets")
        with self.lock:
            for path, items in feeds.items():
                self.feeds[path] = items
                self.files.update({i["dataset_id"]: i for i in items if isinstance(i, dict) and OWN & set(i)})

    # --- feeds ---
    def check_key(self, path, given, headers):
        want = self.keys[0] if path.startswith(CONTROLLED) else self.keys[1]
        sent = headers.get_all("apikey") or []
        if len(given) != 1 or len(sent) != 1:
            raise Refusal(401, "Failed to resolve API Key variable request.queryparam.apikey")
        for key in (given[0], sent[0]):
            if not hmac.compare_digest(key.encode(), want.encode()):
                raise Refusal(401, f"Invalid ApiKey for given resource: {key}")

    def told(self, item):
        if not isinstance(item, dict) or not OWN & set(item):
            return item
        name = urllib.parse.quote(item["dataset_id"])
        return {"url": f"{self.url}/files/{name}.csv.gz?sig=s%2Bg", **{k: v for k, v in item.items() if k not in OWN}}

    def feed(self, path, query, headers):
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        self.check_key(path, [v for k, v in pairs if k == "apikey"], headers)
        since = [v for k, v in pairs if k == "last_updated"]
        unknown = [k for k, _ in pairs if k not in ("apikey", "last_updated")]
        if unknown or len(since) > 1:
            raise Refusal(400, f"unknown or repeated query parameter '{(unknown or ['last_updated'])[0]}'")
        if since and not SINCE.fullmatch(since[0]):
            raise Refusal(400, f"last_updated is no YYYY-MM-DDTHH:MM:SS.ffffff: '{since[0]}'")
        if headers.get("accept") != "application/json":
            raise Refusal(406, "only application/json is to be had")
        with self.lock:
            if path not in self.feeds:
                raise Refusal(404, "no such data set")
            items = list(self.feeds[path])
        if since:
            items = [i for i in items if not self.dated(i) or moment(i["last_updated"]) >= moment(since[0])]
        return {"success": True, "results": [self.told(i) for i in items]}

    @staticmethod
    def dated(item):
        try:
            return bool(moment(item["last_updated"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return False

    # --- files ---
    def file(self, path, query, headers):
        """(location to go to instead, iterator of blocks, size)"""
        if "apikey" in headers or "apikey" in query:
            raise Refusal(400, "a key was sent to where the files are")
        kind, _, rest = path[1:].partition("/")
        name = urllib.parse.unquote(rest).removesuffix(".csv.gz")
        if query != "sig=s%2Bg" or name not in self.files or not rest.endswith(".csv.gz"):
            raise Refusal(403 if query != "sig=s%2Bg" else 404, "no such blob, or no signature that fits")
        item = self.files[name]
        if kind == "files" and "redirect" in item:
            to = item["redirect"]
            return f"{self.url}/blobs/{rest}?{query}" if to is True else to, None, 0
        if "bytes" in item:
            block, n = pattern(name), item["bytes"]
            return None, (block[: min(BLOCK, n - at)] for at in range(0, n, BLOCK)), n
        data = item["plain"].encode() if "plain" in item else gzip.compress(item["data"].encode(), mtime=0)
        return None, [data], len(data)

    def note(self, entry):
        with self.lock:
            self.log.append(entry)

    def without_keys(self, text):
        for key in self.keys:
            text = text.replace(urllib.parse.quote(key, safe=""), "****").replace(key, "****")
        return text


class DmapHandler(Handler):
    server_version = "dmap-standin"

    def any_method(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path.startswith("/_standin/"):
            self.tell_and_be_told(url.path[len("/_standin/") :], body)
            return
        self.answer(self.server.standin, url, body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = any_method

    def answer(self, service, url, body):
        fault = service.faults.take(f"{self.command} {self.path}")
        kind = fault["kind"] if fault else None
        if kind == "slow":
            time.sleep(fault.get("seconds", 1))
        entry = {"method": self.command, "path": service.without_keys(self.path), "agent": self.headers.get("User-Agent", "")}
        headers, blocks, size = [("Content-Type", "application/json")], None, 0
        if kind in ("status", "garbage"):
            status = fault.get("status", 429 if kind == "status" else 200)
            blocks = [fault.get("body", '{"fault": "told to fail"}' if kind == "status" else "<html>Bad gateway</html>").encode()]
            size = len(blocks[0])
            headers += [("Retry-After", str(fault["retryAfter"]))] if "retryAfter" in fault else []
        else:
            status, headers, blocks, size = self.serve(service, url, body)
        service.note({**entry, "status": 0 if kind == "drop" else status, **({"fault": kind} if kind else {})})
        if kind == "drop":
            self.drop()
            return
        self.send_blocks(status, headers, blocks, size, cut=kind == "cut")

    def serve(self, service, url, body):
        try:
            if self.command != "GET" or body:
                raise Refusal(405, "only GET, without a body")
            if url.path.startswith(("/files/", "/blobs/")):
                location, blocks, size = service.file(url.path, url.query, self.headers)
                if location:
                    return 302, [("Location", location)], [], 0
                return 200, [("Content-Type", "application/octet-stream")], blocks, size
            reply, status = service.feed(url.path, url.query, self.headers), 200
        except Refusal as e:
            reply, status = {"fault": {"faultstring": str(e)}}, e.status
        except ValueError as e:
            reply, status = {"fault": {"faultstring": str(e)}}, 400
        data = json.dumps(reply).encode()
        return status, [("Content-Type", "application/json")], [data], len(data)

    def send_blocks(self, status, headers, blocks, size, cut=False):
        """cut: half of it, and the connection ends."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        left = size // 2 if cut else size
        for block in blocks:
            self.wfile.write(block[:left])
            left -= len(block)
            if left <= 0:
                break
        self.wfile.flush()
        if cut:
            self.close_connection = True

    def tell_and_be_told(self, what, body):
        service = self.server.standin
        try:
            if self.command == "POST":
                value = json.loads(body or b"null")
                if what == "faults":
                    for fault in value if isinstance(value, list) else [value]:
                        service.faults.add(fault)
                elif what == "feeds":
                    service.set_feeds(value)
                elif what == "reset":
                    service.reset()
                else:
                    raise ValueError("no such control")
                reply = {"ok": True}
            else:
                with service.lock:
                    reply = {"health": {"status": "ok"}, "requests": {"requests": list(service.log)}, "feeds": service.feeds}[what]
        except (ValueError, TypeError, KeyError, AttributeError, re.error) as e:
            self.send(400, json.dumps({"error": str(e)}).encode())
            return
        self.send(200, json.dumps(reply).encode())


def main():
    parser = argparse.ArgumentParser(description="A stand-in for the DMAP API, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument("--ready-file", help="written with the URL when it listens")
    parser.add_argument("--feeds", help="JSON: {path of a feed: [data sets]}")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when whoever started it does")
    arguments = parser.parse_args()
    keys = [os.environ.pop(f"DMAP_STANDIN_{kind}_KEY", "") for kind in ("CONTROLLED", "PUBLIC")]
    if not all(keys) or keys[0] == keys[1]:
        parser.error("two keys are wanted: DMAP_STANDIN_CONTROLLED_KEY and DMAP_STANDIN_PUBLIC_KEY")
    try:
        feeds = {}
        if arguments.feeds:
            with open(arguments.feeds, encoding="utf-8") as f:
                feeds = json.load(f)
        server = Server(("127.0.0.1", arguments.port), DmapHandler)
        server.standin, server.tls = Service(keys, feeds), None
    except (OSError, ValueError, KeyError) as e:
        sys.exit(f"dmap_standin.py: {e}")
    server.standin.url = f"http://127.0.0.1:{server.server_port}"
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if arguments.until_stdin_ends:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    tell(arguments, server.standin.url)
    server.serve_forever()


if __name__ == "__main__":
    main()
