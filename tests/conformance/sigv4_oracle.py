"""Requests to sign, out of seeds, and how others sign them: botocore's signers, and for chunked bodies, which botocore sends
unsigned only, the S3 API Reference ("Signature calculations for the Authorization header: Transferring payload in multiple
chunks") in plain Python over botocore's key."""
import base64
import datetime
import hashlib
import hmac
import random
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 11, 21, 9, 26, 5, tzinfo=datetime.timezone.utc)
NOW_MS = int(NOW.timestamp() * 1000)
ALPHABET = "abcXYZ019 -_.~/!*'()&=+%?#@:,;$[]<>\\^`{|}\"äßé漢字🙂"
UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def fix_time(monkeypatch):
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


# --- requests ---
def word(rng, lo=0, hi=12):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(lo, hi)))


def random_path(rng):
    path = "/" + word(rng, 0, 20)
    if rng.random() < 0.3:
        path += rng.choice(["/../x", "//y//", "/./", "/..", "/a/b/../../..", "/.", "//", "/%2F%25", "/...", "/.a/..b"])
    return urllib.parse.quote(path, safe="/~")


def random_query(rng):
    """Pairs in any order, names that repeat, empty values, and names alone."""
    names = [word(rng, 1, 6) for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    names += rng.sample(names, rng.randint(0, len(names)) // 2)
    pairs = []
    for name in names:
        text = urllib.parse.quote(name, safe="-_.~")
        kind = rng.random()
        if kind > 0.15:
            text += "=" + ("" if kind < 0.3 else urllib.parse.quote(word(rng, 1, 12), safe="-_.~"))
        pairs.append(text)
    return "&".join(pairs)


def random_headers(rng):
    """[(name, value)]: names in any case and more than once, values with runs of blanks and with other scripts."""
    headers = []
    for i in range(rng.choice([0, 0, 1, 3])):
        name = rng.choice(["X-Custom-%d", "x-custom-%d", "X-CUSTOM-%d", "x-amz-meta-K%d"]) % i
        blanks = rng.choice([" ", "  ", "   "])
        headers.append((name, blanks.join(word(rng, 1, 8).split()) or "v"))
        if rng.random() < 0.3:
            headers.append((name, word(rng, 1, 5).strip() or "second"))
    if rng.random() < 0.5:
        headers.append(("Content-Type", "application/x-amz-json-1.1"))
        headers.append(("User-Agent", "agent " + word(rng).strip()))
    return headers


def random_request(rng, s3, presign=False):
    return {
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]),
        "host": rng.choice(["example.amazonaws.com", "localhost:4566", "b.s3.eu-west-1.amazonaws.com"]),
        "path": random_path(rng), "query": random_query(rng), "headers": random_headers(rng),
        "body": b"" if presign else rng.randbytes(rng.choice([0, 1, 200])), "token": rng.choice([None, "token/+=="]), "s3": s3,
        "service": "s3" if s3 else rng.choice(["glue", "iam", "sts", "logs"]),
        "region": rng.choice(["us-east-1", "eu-west-1", "cn-north-1"]),
        "payload": rng.choice([None, None, UNSIGNED, UNSIGNED_TRAILER]) if s3 and not presign else None,
    }


def requests(count, seed, **options):
    rng = random.Random(seed)
    return [random_request(rng, s3=i % 2 == 0, **options) for i in range(count)]


def presignable(count, seed):
    """botocore keeps one value a name, drops the content type from what it presigns, and sends no header twice."""
    for r in requests(count, seed, presign=True):
        names = [p.partition("=")[0] for p in r["query"].split("&")]
        r["headers"] = list({k.lower(): (k, v) for k, v in r["headers"] if k != "Content-Type"}.values())
        if len(set(names)) == len(names) and all(p.partition("=")[2] for p in r["query"].split("&") if p):
            yield r


# --- botocore's signatures ---
def credentials(r):
    return botocore.credentials.Credentials(ACCESS, SECRET, r["token"])


def botocore_request(r, scheme="https"):
    url = f"{scheme}://{r['host']}{r['path']}" + ("?" + r["query"] if r["query"] else "")
    request = botocore.awsrequest.AWSRequest(method=r["method"], url=url, data=r["body"])
    for name, value in [*r["headers"], ("Host", r["host"])]:
        request.headers.add_header(name, value)
    return request


class StreamingS3Auth(botocore.auth.S3SigV4Auth):
    """botocore's, for the kinds of payload that it does not send itself."""

    def __init__(self, kind, *arguments):
        super().__init__(*arguments)
        self.kind = kind

    def payload(self, request):
        return self.kind


def sign(r, scheme="https"):
    """[(name, value)] of the signed request's headers."""
    request, payload = botocore_request(r, scheme), r.get("payload")
    arguments = credentials(r), r["service"], r["region"]
    if payload in (STREAMING, STREAMING_TRAILER):
        StreamingS3Auth(payload, *arguments).add_auth(request)
        return list(request.headers.items())
    if payload == UNSIGNED:
        request.context["client_config"] = botocore.config.Config(s3={"payload_signing_enabled": False})
    elif payload == UNSIGNED_TRAILER:
        request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32", "name": "x-amz-checksum-crc32"}}
    (botocore.auth.S3SigV4Auth if r["s3"] else botocore.auth.SigV4Auth)(*arguments).add_auth(request)
    return list(request.headers.items())


def presign(r, expires=900, scheme="https"):
    """The presigned query."""
    kind = botocore.auth.S3SigV4QueryAuth if r["s3"] else botocore.auth.SigV4QueryAuth
    request = botocore_request(r, scheme)
    kind(credentials(r), r["service"], r["region"], expires=expires).add_auth(request)
    return urllib.parse.urlsplit(request.url).query


# --- jobs of sigv4_tool ---
def job_of(r, op, headers, query=None):
    return {
        "op": op, "method": r["method"], "path": r["path"], "query": r["query"] if query is None else query,
        "headers": [[k, v] for k, v in headers], "payload_hash": r.get("payload") or hashlib.sha256(r["body"]).hexdigest(), "s3": r["s3"],
        "region": r["region"], "service": r["service"], "now_ms": NOW_MS, "access_key": ACCESS, "secret": SECRET, "token": r["token"],
    }


def verify_job(r, headers=None):
    return job_of(r, "verify", sign(r) if headers is None else headers)


def presigned_job(r, **options):
    job = job_of(r, "verify", [*r["headers"], ("Host", r["host"])], presign(r, **options))
    if r["s3"]:
        job["payload_hash"] = UNSIGNED
    return job


# --- chunked bodies, as the S3 API Reference has them ---
class Chunker:
    """Signs the chunks that follow a request's own signature."""

    def __init__(self, headers, region, datetime_text, secret=SECRET):
        self.previous = dict(headers)["Authorization"].rpartition("Signature=")[2]
        self.datetime, self.scope = datetime_text, f"{datetime_text[:8]}/{region}/s3/aws4_request"
        self.key = ("AWS4" + secret).encode()
        for part in self.scope.split("/"):
            self.key = hmac.new(self.key, part.encode(), hashlib.sha256).digest()

    def sign(self, kind, *hashes):
        text = "\n".join([kind, self.datetime, self.scope, self.previous, *hashes])
        self.previous = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        return self.previous

    def chunk(self, data):
        signature = self.sign("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256, hashlib.sha256(data).hexdigest())
        return b"%x;chunk-signature=%s\r\n" % (len(data), signature.encode()) + data + (b"\r\n" if data else b"")

    def trailer(self, pairs):
        lines = "".join(f"{k}:{v}\n" for k, v in pairs)
        signature = self.sign("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines.encode()).hexdigest())
        return (lines.replace("\n", "\r\n") + f"x-amz-trailer-signature:{signature}\r\n\r\n").encode()

    def body(self, data, size, trailer=None):
        chunks = [self.chunk(data[i:i + size]) for i in range(0, len(data), size)] + [self.chunk(b"")]
        return b"".join(chunks) + (self.trailer(trailer) if trailer else b"\r\n")


def sha256_trailer(body):
    return [("x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(body).digest()).decode())]
