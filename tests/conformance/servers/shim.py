"""Between a client and a server that somebody else wrote: every request is checked against AWS's models (model_proxy.py), what the server cannot do
is noted by name, and what gaps.py says of the server is mended, so that the rest can be tested."""
import json
import re
import threading

import model_proxy
import readers


class Answer:
    """A reply of the shim's own, in the place of the server's."""

    def __init__(self, status, kind):
        self.status, self.reason, self.headers = status, "", [("Content-Type", kind), ("x-amzn-RequestId", "shim")]

    def getheaders(self):
        return self.headers

    def getheader(self, name, default=None):
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)


def lacks(status, payload):
    """Why a reply means that the server lacks the operation, or breaks down over it; None."""
    text = payload[:2000].decode(errors="replace")
    if status in (500, 501):
        return f"HTTP {status}"
    if status in (400, 404):
        return next((f"{c}" for c in readers.UNKNOWN if f'"{c}"' in text or f"<Code>{c}</Code>" in text or f"#{c}" in text), None)
    return None


class Handler(model_proxy.Handler):
    def forward(self, body, *more):
        shim = self.server.proxy
        service, operation = shim.current.request
        gaps = [g for g in shim.gaps if g.mend and g.operation == f"{service}:{operation}"]
        send = super().forward
        try:
            for gap in gaps:
                body, changed = gap.mend.before(gap, shim, body)
                if changed:
                    self.headers.replace_header("Content-Length", str(len(body)))
            reply, payload = send(body, *more)
            why = lacks(reply.status, payload)
            if why:
                shim.lacking.append((f"{service}:{operation}", why, shim.server_words()))
                return self.refusal(service, operation)
            for gap in gaps:
                payload = gap.mend.after(gap, shim, body, reply.status, payload)
            return reply, payload
        except model_proxy.http.client.HTTPException:
            shim.lacking.append((f"{service}:{operation}", "the connection broke", shim.server_words()))
            raise

    def refusal(self, service, operation):
        """Told once and not as an error of the server's: a client would go on trying for long."""
        text = f"the server lacks {service}:{operation}"
        if service in model_proxy.THROTTLED:
            error = f"<Error><Code>ServerLacksOperation</Code><Message>{text}</Message></Error>"
            if service != "s3":
                error = f"<ErrorResponse>{error}</ErrorResponse>"
            return Answer(400, "application/xml"), error.encode()
        return Answer(400, "application/x-amz-json-1.1"), json.dumps({"__type": "ServerLacksOperation", "message": text}).encode()


class Shim(model_proxy.ModelProxy):
    """`lacking` has (service:Operation, why, the server's last words) of each request that the server could not serve."""

    def __init__(self, server, gaps):
        self.server_process, self.gaps, self.lacking, self.current = server, gaps, [], threading.local()
        secrets = {server.key: server.secret}
        super().__init__(server.endpoint, secrets=secrets)
        self.server.RequestHandlerClass = Handler

    def note(self, request, *more):
        noted = super().note(request, *more)
        verdict = noted[1]
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.header.get("authorization", ""))
        self.current.request, self.current.region = (verdict.service, verdict.operation), scope.group(1) if scope else None
        return noted

    def reader_of_region(self):
        """Straight to the server, in the region of the request under way."""
        return readers.Reader(self.server_process, self.current.region)

    def server_words(self):
        return self.server_process.last_words()

    def take_lacking(self):
        taken, self.lacking = self.lacking, []
        return sorted({(operation, why, words) for operation, why, words in taken})
