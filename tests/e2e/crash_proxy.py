"""A thin proxy that counts requests and kills on the n-th; it looks at nothing else, so that hundreds of runs take seconds."""
import socket
import socketserver
import threading
from urllib.parse import urlsplit

CHUNK = 1 << 18


def read_head(stream):
    """A message's first lines with the blank one, and the length of its body; None at the end of the connection."""
    head, length = [], 0
    while True:
        line = stream.readline()
        if not line:
            return None
        head.append(line)
        if line in (b"\r\n", b"\n"):
            return b"".join(head), length
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        assert name.lower() != b"transfer-encoding", "neither side sends chunks"


def copy(source, sink, length):
    while length:
        data = source.read(min(length, CHUNK))
        if not data:
            raise ConnectionError("cut short")
        sink.sendall(data)
        length -= len(data)


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            with socket.create_connection(self.server.upstream) as up, up.makefile("rb") as replies:
                up.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self.exchange(up, replies):
                    pass
        except (ConnectionError, ValueError, OSError):
            pass  # the client was killed, which is what this is for

    def exchange(self, up, replies):
        request = read_head(self.rfile)
        if not request:
            return False
        head, length = request
        up.sendall(head)
        if b"\nexpect: 100-continue" in head.lower():
            self.connection.sendall(read_head(replies)[0])
        copy(self.rfile, up, length)
        reply = read_head(replies)
        if not reply:
            return False
        kill = self.server.proxy.count()
        if kill == "before":
            self.server.proxy.kill()
        self.connection.sendall(reply[0])
        has_body = not head.startswith(b"HEAD ") and reply[0].split(b" ", 2)[1][:3] not in (b"204", b"304")
        copy(replies, self.connection, reply[1] if has_body else 0)
        if kill == "after":
            self.server.proxy.kill()
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 64


class CrashProxy:
    """`calls` counts requests that were carried out. kill_after(n, kill, when): with the n-th, "before" or "after" its reply is passed on."""

    def __init__(self, upstream):
        parts = urlsplit(upstream)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.proxy, self.server.upstream = self, (parts.hostname, parts.port)
        self.endpoint = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.lock, self.calls, self.plan = threading.Lock(), 0, None

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()

    def reset(self):
        with self.lock:
            self.calls, self.plan = 0, None

    def kill_after(self, n, kill, when):
        with self.lock:
            self.plan = (n, kill, when)

    def count(self):
        with self.lock:
            self.calls += 1
            return self.plan[2] if self.plan and self.plan[0] == self.calls else None

    def kill(self):
        self.plan[1]()
