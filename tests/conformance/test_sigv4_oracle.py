"""Our SigV4 against botocore's: the same requests, the same signatures; what botocore signs passes our verifier,
and no mutation of it does."""
import base64
import datetime
import hashlib
import io
import json
import os
import random
import urllib.parse

import pytest

botocore = pytest.importorskip("botocore")
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.httpchecksum

import sigv4_tool

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 11, 21, 9, 26, 5, tzinfo=datetime.timezone.utc)
NOW_MS = int(NOW.timestamp() * 1000)
ALPHABET = "abcXYZ019 -_.~/!*'()&=+%?#@:,;$[]<>\\^`{|}\"äßé漢字🙂"


@pytest.fixture(scope="module")
def tool():
    return sigv4_tool.run


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    """botocore asks for the time in one of two ways, by version."""

    class Fixed(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return NOW.replace(tzinfo=None)

        @classmethod
        def now(cls, tz=None):
            return NOW if tz else NOW.replace(tzinfo=None)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: NOW.replace(
            tzinfo=None) if remove_tzinfo else NOW)
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Fixed)


def word(rng, lo=0, hi=12):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(lo, hi)))


def random_request(rng, s3, presign=False):
    path = "/" + word(rng, 0, 20)
    if rng.random() < 0.2:
        path += rng.choice(["/../x", "//y//", "/./", "/..", "/a/b/../../..", "/."])
    raw = urllib.parse.quote(path, safe="/~")
    pairs = [(word(rng, 1, 6), word(rng)) for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    query = "&".join(urllib.parse.quote(k, safe="-_.~") + "=" + urllib.parse.quote(v, safe="-_.~") for k, v in pairs)
    headers = {"X-Custom-" + str(i): "  ".join(word(rng, 1, 8).split()) or "v"
               for i in range(rng.choice([0, 0, 1, 3]))}
    if rng.random() < 0.5:
        headers["Content-Type"] = "application/x-amz-json-1.1"
        headers["User-Agent"] = "agent " + word(rng).strip()
    body = os.urandom(rng.choice([0, 1, 200])) if not presign else b""
    host = rng.choice(["example.amazonaws.com", "localhost:4566", "b.s3.eu-west-1.amazonaws.com"])
    return {"method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]), "host": host, "path": raw, "query": query,
            "headers": headers, "body": body, "token": rng.choice([None, "token/+=="]), "s3": s3,
            "service": "s3" if s3 else rng.choice(["glue", "iam", "sts", "logs"]),
            "region": rng.choice(["us-east-1", "eu-west-1", "cn-north-1"])}


def botocore_request(r):
    url = f"https://{r['host']}{r['path']}" + ("?" + r["query"] if r["query"] else "")
    return botocore.awsrequest.AWSRequest(method=r["method"], url=url, headers=dict(r["headers"], Host=r["host"]),
                                          data=r["body"])


def job_of(r, op, headers, query=None):
    sha = hashlib.sha256(r["body"]).hexdigest()
    return {"op": op, "method": r["method"], "path": r["path"], "query": r["query"] if query is None else query,
            "headers": [[k, v] for k, v in headers], "payload_hash": sha, "s3": r["s3"], "region": r["region"],
            "service": r["service"], "now_ms": NOW_MS, "access_key": ACCESS, "secret": SECRET, "token": r["token"]}


def credentials(r):
    return botocore.credentials.Credentials(ACCESS, SECRET, r["token"])


def sign_with_botocore(r):
    kind = botocore.auth.S3SigV4Auth if r["s3"] else botocore.auth.SigV4Auth
    request = botocore_request(r)
    kind(credentials(r), r["service"], r["region"]).add_auth(request)
    return list(request.headers.items())


def requests(count, seed, **kw):
    rng = random.Random(seed)
    return [random_request(rng, s3=i % 2 == 0, **kw) for i in range(count)]


def test_header_signatures_are_botocores(tool):
    todo = requests(3000, 1)
    signed = [sign_with_botocore(r) for r in todo]
    jobs = [job_of(r, "sign", [(k, v) for k, v in h if k != "Authorization"]) for r, h in zip(todo, signed)]
    for r, h, reply in zip(todo, signed, tool(jobs)):
        assert reply["authorization"] == dict(h)["Authorization"], (r, reply)


def presign_with_botocore(r):
    kind = botocore.auth.S3SigV4QueryAuth if r["s3"] else botocore.auth.SigV4QueryAuth
    request = botocore_request(r)
    kind(credentials(r), r["service"], r["region"], expires=900).add_auth(request)
    return urllib.parse.urlsplit(request.url).query


def parameters(query):
    return sorted(tuple(p.partition("=")[::2]) for p in query.split("&"))


def presignable(count, seed):
    """botocore keeps one value a name, and drops the content type from what it presigns."""
    for r in requests(count, seed, presign=True):
        names = [p.partition("=")[0] for p in r["query"].split("&")]
        r["headers"].pop("Content-Type", None)
        if len(set(names)) == len(names) and "=&" not in r["query"] + "&":
            yield r


def test_presigned_queries_are_botocores(tool):
    todo = list(presignable(1500, 2))
    assert len(todo) > 1000
    wanted = [presign_with_botocore(r) for r in todo]
    jobs = []
    for r in todo:
        job = job_of(r, "presign", list(r["headers"].items()) + [("Host", r["host"])])
        job["expires"] = 900
        if r["s3"]:
            job["payload_hash"] = "UNSIGNED-PAYLOAD"
        jobs.append(job)
    for r, query, reply in zip(todo, wanted, tool(jobs)):
        assert parameters(reply["query"]) == parameters(query), (r, reply)


def verify_job(r, headers, query=None):
    job = job_of(r, "verify", headers, query)
    if query is not None and r["s3"]:
        job["payload_hash"] = "UNSIGNED-PAYLOAD"
    return job


def test_what_botocore_signs_passes(tool):
    todo = requests(1000, 3)
    jobs = [verify_job(r, sign_with_botocore(r)) for r in todo]
    late = list(presignable(500, 4))
    jobs += [verify_job(r, list(r["headers"].items()) + [("Host", r["host"])], presign_with_botocore(r)) for r in late]
    for r, reply in zip(todo + late, tool(jobs)):
        assert reply.get("ok") and reply["access_key"] == ACCESS and reply.get("token") == r["token"], (r, reply)


def change(text):
    """One character changed into another that means something else."""
    i = len(text) // 2
    return text[:i] + ("0" if text[i] != "0" else "1") + text[i + 1:]


def mutations(job):
    def with_(**kw):
        return dict(json.loads(json.dumps(job)), **kw)

    yield with_(method="PATCH")
    yield with_(path=job["path"] + "x")
    yield with_(query=(job["query"] + "&" if job["query"] else "") + "extra=1")
    yield with_(payload_hash="0" * 64)
    yield with_(secret=change(SECRET))
    yield with_(headers=job["headers"] + [["x-amz-acl", "public-read"]])
    for i, (name, value) in enumerate(job["headers"]):
        if name.lower() in ("user-agent", "content-type"):
            continue
        m = with_()
        m["headers"][i][1] = change(value)
        yield m
        m = with_()
        del m["headers"][i]
        if name != "Authorization":
            yield m
    authorization = dict(job["headers"]).get("Authorization")
    if authorization:
        at = [n for n, _ in job["headers"]].index("Authorization")
        for old, new in (("/glue/", "/iam/"), ("/s3/", "/glue/"), ("/aws4_request", "/aws4"), ("host;", ""),
                         ("SignedHeaders=", "Signed="), (ACCESS + "/20261121", ACCESS + "/20261122")):
            if old in authorization:
                m = with_()
                m["headers"][at][1] = authorization.replace(old, new)
                yield m
        yield with_(now_ms=NOW_MS + 16 * 60 * 1000)
        yield with_(now_ms=NOW_MS - 16 * 60 * 1000)
    else:
        yield with_(now_ms=NOW_MS + 901 * 1000)
        yield with_(query=job["query"].replace("X-Amz-Expires=900", "X-Amz-Expires=901"))
        yield with_(query=job["query"].replace(ACCESS, "AKIDOTHER"))


def test_every_mutation_fails(tool):
    todo = requests(150, 5)
    jobs = [m for r in todo for m in mutations(verify_job(r, sign_with_botocore(r)))]
    for r in list(presignable(100, 6)):
        if r["s3"]:
            headers = list(r["headers"].items()) + [("Host", r["host"])]
            jobs += [m for m in mutations(verify_job(r, headers, presign_with_botocore(r)))
                     if m["payload_hash"] != "0" * 64]
    assert len(jobs) > 2000
    for job, reply in zip(jobs, tool(jobs)):
        # A changed access key id inside the header is the caller's to look up: the signature itself stays right.
        if reply.get("claim") == 1 and reply.get("access_key") != ACCESS:
            continue
        assert not reply.get("ok"), (job, reply)
        assert reply.get("error") or reply["claim"] == 0


def test_an_expired_presigned_request_says_so(tool):
    r = next(x for x in presignable(20, 7) if x["s3"])
    headers = list(r["headers"].items()) + [("Host", r["host"])]
    job = verify_job(r, headers, presign_with_botocore(r))
    job["now_ms"] += 901 * 1000
    assert tool([job])[0]["error"] == "AccessDenied"
    job["now_ms"] -= 2 * 901 * 1000
    assert tool([job])[0]["error"] == "AccessDenied"


def test_chunked_bodies_of_botocore_decode(tool):
    rng = random.Random(8)
    jobs, wanted = [], []
    for _ in range(100):
        body = os.urandom(rng.choice([0, 1, 17, 1000, 70000]))
        wrapped = botocore.httpchecksum.AwsChunkedWrapper(
            io.BytesIO(body), checksum_cls=botocore.httpchecksum.Crc32Checksum, checksum_name="x-amz-checksum-crc32",
            chunk_size=rng.choice([1024, 8192, 1 << 20]))
        raw = wrapped.read()
        jobs.append({"op": "chunks", "body": base64.b64encode(raw).decode(), "piece": rng.choice([1, 7, 4096, 1 << 20])})
        checksum = botocore.httpchecksum.Crc32Checksum()
        checksum.update(body)
        wanted.append((body, f"x-amz-checksum-crc32:{checksum.b64digest()}\n"))
        jobs.append(dict(jobs[-1], body=base64.b64encode(raw[:-1]).decode()))
        wanted.append(None)
    for want, reply in zip(wanted, tool(jobs)):
        if want is None:
            assert reply["error"] == "IncompleteBody"
        else:
            assert (base64.b64decode(reply["body"]), reply["trailers"]) == want
