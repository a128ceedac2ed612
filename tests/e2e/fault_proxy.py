"""A network and services on a bad day: a proxy that delays, throttles, breaks and doubles requests, by a seed.

What happens to a request hangs on the seed, on what it asks for and on how often that was asked before, so that a run with
the same seed meets the same faults, whatever the order of its threads.
"""
import hashlib
import re
import socket
import struct
import time

from crash_proxy import CrashProxy, Handler, read_head

# How a fault is told: before it, the request goes nowhere; after it, it was carried out.
KINDS = ("delay", "throttle", "busy", "failed-after", "reset-before", "reset-middle", "reset-after", "half-reply", "long-length",
         "garbage", "garbage-after", "portal", "duplicate")

S3_THROTTLE = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
QUERY_THROTTLE = (b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
                  b"<RequestId>0</RequestId></ErrorResponse>")
JSON_THROTTLE = b'{"__type":"ThrottlingException","message":"Rate exceeded"}'


def reply_of(status, reason, body, kind=b"application/xml"):
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, reason, kind, len(body), body)


class FaultHandler(Handler):
    def exchange(self, up, replies):
        request = read_head(self.rfile)
        if not request:
            return False
        head, length = request
        early = self.server.proxy.resets_early(head)
        if early:
            self.rfile.read(length // 2 if early == "reset-middle" else 0)
            return self.reset()
        if b"\nexpect: 100-continue" in head.lower():
            raise ConnectionError("glueproj does not wait to be asked")
        body = self.rfile.read(length)
        kind = self.server.proxy.fault_of(head, body)
        return getattr(self, "do_" + kind.replace("-", "_"))(up, replies, head, body)

    # --- the ways of it ---

    def carry_out(self, up, replies, head, body):
        up.sendall(head)
        up.sendall(body)
        reply = read_head(replies)
        if not reply:
            raise ConnectionError("the cloud hung up")
        has_body = not head.startswith(b"HEAD ") and reply[0].split(b" ", 2)[1][:3] not in (b"204", b"304")
        return reply[0], replies.read(reply[1]) if has_body else b""

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return False

    def do_none(self, up, replies, head, body):
        self.connection.sendall(b"".join(self.carry_out(up, replies, head, body)))
        return True

    def do_delay(self, up, replies, head, body):
        time.sleep(0.15)
        return self.do_none(up, replies, head, body)

    def do_throttle(self, _up, _replies, head, body):
        if b"\nx-amz-target:" in head.lower():
            reply = reply_of(400, b"Bad Request", JSON_THROTTLE, b"application/x-amz-json-1.1")
        elif body.startswith(b"Action="):
            reply = reply_of(400, b"Bad Request", QUERY_THROTTLE)
        else:
            reply = reply_of(503, b"Slow Down", b"" if head.startswith(b"HEAD ") else S3_THROTTLE)
        self.connection.sendall(reply)
        return True

    def do_busy(self, *_ignored):
        self.connection.sendall(reply_of(503, b"Service Unavailable", b""))
        return True

    def do_failed_after(self, up, replies, head, body):
        self.carry_out(up, replies, head, body)
        self.connection.sendall(reply_of(500, b"Internal Server Error", b""))
        return True

    def do_reset_after(self, up, replies, head, body):
        self.carry_out(up, replies, head, body)
        return self.reset()

    def do_half_reply(self, up, replies, head, body):
        """Of a reply without a body, half the head."""
        first, rest = self.carry_out(up, replies, head, body)
        whole = first + rest if rest else first
        self.connection.sendall(first + rest[:len(rest) // 2] if rest else whole[:len(whole) // 2])
        return False

    def do_long_length(self, up, replies, head, body):
        """Fewer bytes come than the head promises."""
        first, rest = self.carry_out(up, replies, head, body)
        if head.startswith(b"HEAD ") or first.split(b" ", 2)[1][:3] in (b"204", b"304"):
            self.connection.sendall(first)
            return True
        first = re.sub(rb"(?i)(\ncontent-length: *)\d+", lambda m: m.group(1) + b"%d" % (len(rest) + 7), first)
        self.connection.sendall(first + rest)
        return False

    def do_garbage(self, *_ignored):
        self.connection.sendall(b"\x16\x03\x01 is no reply\r\n\r\n")
        return False

    def do_garbage_after(self, up, replies, head, body):
        self.carry_out(up, replies, head, body)
        return self.do_garbage()

    def do_portal(self, up, replies, head, body):
        """What stands between answers in AWS's stead; S3's replies are files and may be anything."""
        if b"\nx-amz-target:" not in head.lower() and not body.startswith(b"Action="):
            return self.do_none(up, replies, head, body)
        self.connection.sendall(reply_of(200, b"OK", b"<html><p>Log in to the hotel's network", b"text/html"))
        return True

    def do_duplicate(self, up, replies, head, body):
        """As a proxy does that loses the first answer and asks again: the second one is passed on."""
        self.carry_out(up, replies, head, body)
        return self.do_none(up, replies, head, body)


class FaultProxy(CrashProxy):
    """faults(kinds, percent, seed): from now on. `done` counts the faults by kind."""

    def __init__(self, upstream):
        super().__init__(upstream)
        self.server.RequestHandlerClass = FaultHandler
        self.faults((), 0, 0)

    def faults(self, kinds, percent, seed):
        with self.lock:
            self.kinds, self.percent, self.seed = tuple(kinds), percent, seed
            self.seen, self.done, self.calls = {}, {}, 0

    def draw(self, *what):
        """A number below 2**32 for this very request; how often it was asked counts."""
        key = hashlib.sha256(b"\0".join(what)).digest()
        with self.lock:
            again = self.seen[key] = self.seen.get(key, 0) + 1
        return int.from_bytes(hashlib.sha256(b"%d %d " % (self.seed, again) + key).digest()[:4], "big")

    def pick(self, kinds, number):
        if not kinds or number % 100 >= self.percent:
            return "none"
        kind = kinds[number // 100 % len(kinds)]
        with self.lock:
            self.done[kind] = self.done.get(kind, 0) + 1
        return kind

    def resets_early(self, head):
        """Before the body is read, or when half of it is: the rest is still on its way."""
        early = [k for k in self.kinds if k in ("reset-before", "reset-middle")]
        if not early:
            return None
        line = head.split(b"\r\n", 1)[0]
        number = self.draw(b"early", line, self.target(head))
        share = number // 100 % len(self.kinds) < len(early)
        kind = self.pick(early, number) if share else "none"
        return kind if kind != "none" else None

    def fault_of(self, head, body):
        with self.lock:
            self.calls += 1
        late = [k for k in self.kinds if k not in ("reset-before", "reset-middle")]
        return self.pick(late, self.draw(head.split(b"\r\n", 1)[0], self.target(head), body))

    @staticmethod
    def target(head):
        found = re.search(rb"(?im)^x-amz-target: *(\S+)", head)
        return found.group(1) if found else b""
