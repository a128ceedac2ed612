"""The published SigV4 vectors, when they lie beside the checkout."""
import datetime
import hashlib
import json
import os
import urllib.parse

import pytest

import sigv4_tool

VECTORS = os.path.join(sigv4_tool.ROOT, "..", "shared", "vectors", "sigv4")
CASES = sorted(os.listdir(VECTORS)) if os.path.isdir(VECTORS) else []
if not CASES:
    pytest.skip("no vectors beside the checkout", allow_module_level=True)


def text(case, name):
    with open(os.path.join(VECTORS, case, name), encoding="utf-8", newline="") as f:
        return f.read()


def read_request(case, name="request.txt"):
    head, _, body = text(case, name).replace("\r\n", "\n").partition("\n\n")
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


def signed_request(case, kind):
    """The vector's: method, path, the query's pairs, headers, body."""
    method, path, query, headers, body = read_request(case, f"{kind}-signed-request.txt")
    return method, path, sorted(filter(None, query.split("&"))), sorted((k.lower(), v) for k, v in headers), body


def our_signed_request(case, op, job, reply):
    """What a client sends that signs as sigv4_tool does."""
    method, path, query, headers, body = read_request(case)
    context = json.loads(text(case, "context.json"))
    token = context["credentials"].get("token")
    if op == "sign":
        headers = job["headers"] + [["Authorization", reply["authorization"]]]
    else:
        query = reply["query"]
    if context.get("omit_session_token"):  # it goes along, but is not signed
        if op == "sign":
            headers.append(["X-Amz-Security-Token", token])
        else:
            query += "&X-Amz-Security-Token=" + urllib.parse.quote(token, safe="-_.~")
    return method, path, sorted(filter(None, query.split("&"))), sorted((k.lower(), v) for k, v in headers), body


def same_pairs(pairs):
    """The vectors leave a request's own parameters as they came; a signer may send them encoded."""
    return sorted(tuple(urllib.parse.unquote(x) for x in p.partition("=")[::2]) for p in pairs)


@pytest.mark.parametrize("case", CASES)
def test_vector(case):
    jobs = [job_of(case, op) for op in ("sign", "presign")]
    for job, kind, reply in zip(jobs, ("header", "query"), sigv4_tool.run(jobs)):
        assert reply["canonical_request"] == text(case, f"{kind}-canonical-request.txt")
        assert reply["string_to_sign"] == text(case, f"{kind}-string-to-sign.txt")
        assert reply["signature"] == text(case, f"{kind}-signature.txt")
        method, path, query, headers, body = our_signed_request(case, job["op"], job, reply)
        wanted = signed_request(case, kind)
        assert (method, path, headers, body) == (wanted[0], wanted[1], wanted[3], wanted[4])
        assert same_pairs(query) == same_pairs(wanted[2])


def test_the_vectors_are_verified():
    """Every signed request of the vectors passes the verifier, at its time and with its secret."""
    jobs = []
    for case in CASES:
        context = json.loads(text(case, "context.json"))
        for kind, op in (("header", "sign"), ("query", "presign")):
            method, path, query, headers, body = read_request(case, f"{kind}-signed-request.txt")
            jobs.append(dict(job_of(case, op), op="verify", method=method, path=path, query=query, headers=headers, case=case,
                             omitted=bool(context.get("omit_session_token"))))
    replies = sigv4_tool.run(jobs)
    for job, reply in zip(jobs, replies):
        # A token beside what is signed is what some services take; ours, as S3, wants all x-amz-… signed.
        if job["omitted"]:
            assert reply["error"] in ("AccessDenied", "SignatureDoesNotMatch"), (job, reply)
        else:
            assert reply.get("ok"), (job, reply)
