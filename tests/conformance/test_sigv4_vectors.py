"""The published SigV4 vectors, when they lie beside the checkout."""
import datetime
import hashlib
import json
import os

import pytest

import sigv4_tool

VECTORS = os.path.join(sigv4_tool.ROOT, "..", "shared", "vectors", "sigv4")
CASES = sorted(os.listdir(VECTORS)) if os.path.isdir(VECTORS) else []
if not CASES:
    pytest.skip("no vectors beside the checkout", allow_module_level=True)


def text(case, name):
    with open(os.path.join(VECTORS, case, name), encoding="utf-8", newline="") as f:
        return f.read()


def read_request(case):
    head, _, body = text(case, "request.txt").replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, rest = first.split(" ", 1)
    target = rest.rsplit(" ", 1)[0]
    headers = []
    for line in filter(None, lines):
        if line[0] == " ":
            headers[-1][1] += "\n" + line
        else:
            headers.append(list(line.partition(":")[::2]))
    path, _, query = target.partition("?")
    return method, path, query, headers, body


def job_of(case, op):
    context = json.loads(text(case, "context.json"))
    method, path, query, headers, body = read_request(case)
    at = datetime.datetime.strptime(context["timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    keys = context["credentials"]
    sha = hashlib.sha256(body.encode()).hexdigest()
    token = None if context.get("omit_session_token") else keys.get("token")
    if op == "sign":
        headers.append(["X-Amz-Date", at.strftime("%Y%m%dT%H%M%SZ")])
        if token:
            headers.append(["X-Amz-Security-Token", token])
        if context["sign_body"]:
            headers.append(["x-amz-content-sha256", sha])
    return {"op": op, "method": method, "path": path, "query": query, "headers": headers, "payload_hash": sha,
            "no_normalize": not context["normalize"], "region": context["region"], "service": context["service"],
            "now_ms": int(at.timestamp() * 1000), "access_key": keys["access_key_id"],
            "secret": keys["secret_access_key"], "token": token, "expires": context["expiration_in_seconds"]}


@pytest.mark.parametrize("case", CASES)
def test_vector(case):
    for op, kind in (("sign", "header"), ("presign", "query")):
        reply = sigv4_tool.run([job_of(case, op)])[0]
        assert reply["canonical_request"] == text(case, f"{kind}-canonical-request.txt")
        assert reply["string_to_sign"] == text(case, f"{kind}-string-to-sign.txt")
        assert reply["signature"] == text(case, f"{kind}-signature.txt")
