"""What was signed and then changed is refused, whatever was changed, with the code that AWS has for it."""
import json
import random
import re
import urllib.parse

import pytest

pytest.importorskip("botocore")
import botocore.utils

import sigv4_oracle
import sigv4_tool
from sigv4_oracle import ACCESS, NOW_MS, SECRET, presignable, presigned_job, requests, verify_job

MISMATCH, SKEWED, DENIED = {"SignatureDoesNotMatch"}, {"RequestTimeTooSkewed"}, {"AccessDenied"}
MINUTE = 60 * 1000


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    sigv4_oracle.fix_time(monkeypatch)


def malformed(job):
    if not job["s3"]:
        return {"IncompleteSignature"}
    return {"AuthorizationQueryParametersError"} if "X-Amz-Algorithm=" in job["query"] else {"AuthorizationHeaderMalformed"}


def misplaced(job):
    """A scope or a list of names that is well-formed, but cannot be right."""
    return malformed(job) if job["s3"] else MISMATCH


def with_(job, **changes):
    return dict(json.loads(json.dumps(job)), **changes)


def other(c):
    """A character that means something else: never the same letter in the other case, which an escape may have."""
    if c.isdigit():
        return "0" if c != "0" else "1"
    if c.isalpha() and c.isascii():
        return "b" if c.lower() != "b" else "c"
    return "y"


def spots(text):
    """One place for each kind of character in the text."""
    kinds = {"upper": r"[A-Z]", "lower": r"[a-z]", "digit": r"\d", "escape": r"(?<=%)[0-9A-F]", "escape's end": r"(?<=%[0-9A-F])[0-9A-F]",
             "percent": "%", "slash": r"(?<=.)/", "dot": r"\.", "mark": r"[-_~=&;:,]", "wide": r"[^\x00-\x7f]"}
    for kind, pattern in kinds.items():
        found = list(re.finditer(pattern, text, re.ASCII))
        if found:
            yield kind, found[len(found) // 2].start()


def changed_texts(text):
    for kind, at in spots(text):
        yield kind, text[:at] + other(text[at]) + text[at + 1:]


def same_path(job, path):
    if job["s3"]:
        return urllib.parse.unquote_to_bytes(path) == urllib.parse.unquote_to_bytes(job["path"])
    return botocore.utils.normalize_url_path(path) == botocore.utils.normalize_url_path(job["path"])


def of_request(job):
    """Changes that fit both kinds of signing: (what, job, codes)."""
    yield "method", with_(job, method="PATCH"), MISMATCH
    yield "secret", with_(job, secret=SECRET[:-1] + "Z"), MISMATCH
    yield "payload hash", with_(job, payload_hash="0" * 64), MISMATCH
    yield "longer path", with_(job, path=job["path"] + "x"), MISMATCH
    for kind, path in changed_texts(job["path"]):
        if path[:1] == "/" and not same_path(job, path):
            yield f"{kind} of the path", with_(job, path=path), MISMATCH
    yield "one more parameter", with_(job, query=(job["query"] + "&" if job["query"] else "") + "extra=1"), MISMATCH
    yield "a header of AWS more", with_(job, headers=job["headers"] + [["x-amz-acl", "public-read"]]), DENIED
    own = [p for p in job["query"].split("&") if p and not p.startswith("X-Amz-")]
    for i, pair in enumerate(own[:2]):
        rest = job["query"].split("&")
        rest.remove(pair)
        yield "a parameter gone", with_(job, query="&".join(rest)), MISMATCH
        yield "a parameter twice", with_(job, query=job["query"] + "&" + pair), MISMATCH
        name, _, value = pair.partition("=")
        for kind, text in changed_texts(value):
            yield f"{kind} of a value", with_(job, query="&".join([*rest, f"{name}={text}"])), MISMATCH
        for kind, text in changed_texts(name):
            if kind not in ("mark", "percent"):
                yield f"{kind} of a name", with_(job, query="&".join([*rest, f"{text}={value}"])), MISMATCH


def of_headers(job):
    for i, (name, value) in enumerate(job["headers"]):
        if name in ("User-Agent", "Authorization"):
            continue
        is_date, is_amz = name == "X-Amz-Date", name.lower().startswith("x-amz-")
        rest = job["headers"][:i] + job["headers"][i + 1:]
        last = name.lower() not in [n.lower() for n, _ in rest]
        for kind, text in changed_texts(value):
            codes = MISMATCH | (malformed(job) | DENIED if is_date else set())
            yield f"{kind} of {name}", with_(job, headers=[*rest, [name, text]] if last else
                                            job["headers"][:i] + [[name, text]] + job["headers"][i + 1:]), codes
        yield f"no {name}", with_(job, headers=rest), MISMATCH | (malformed(job) | DENIED if is_date else set())
        yield f"{name} twice", with_(job, headers=[*job["headers"], [name, value]]), MISMATCH
        yield f"{name} renamed", with_(job, headers=[*rest, [name + "x", value]]), MISMATCH | (DENIED if is_amz or is_date else set()) | (
            malformed(job) if is_date else set())


def of_authorization(job):
    at = [n for n, _ in job["headers"]].index("Authorization")
    text = job["headers"][at][1]
    scope = re.search(r"Credential=[^,]+", text).group()
    signed = re.search(r"SignedHeaders=([^,]+)", text).group(1)
    day = scope.split("/")[1]

    def changed(old, new):
        assert old in text
        value = with_(job)
        value["headers"][at][1] = text.replace(old, new, 1)
        return value

    bad = malformed(job)
    for kind, value in changed_texts(text.rpartition("Signature=")[2]):
        yield f"{kind} of the signature", changed(text.rpartition("Signature=")[2], value), MISMATCH | bad
    yield "short signature", with_(job, headers=[[n, v[:-1] if n == "Authorization" else v] for n, v in job["headers"]]), bad
    yield "day of the scope", changed(f"/{day}/", "/20261122/"), misplaced(job)
    yield "no day", changed(f"/{day}/", "/2026112/"), bad
    yield "region", changed(f"/{job['region']}/", "/eu-west-9/"), MISMATCH
    yield "service", changed(f"/{job['service']}/", "/athena/"), MISMATCH
    yield "terminator", changed("/aws4_request", "/aws5_request"), bad
    yield "a part of the scope gone", changed(f"/{job['region']}/", "/"), bad
    yield "algorithm", changed("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), {"InvalidArgument", "IncompleteSignature"}
    yield "host not signed", changed("host;", ""), misplaced(job)
    yield "order of names", changed(signed, ";".join(reversed(signed.split(";")))), MISMATCH
    yield "name twice", changed("host;", "host;host;"), MISMATCH
    for name in signed.split(";"):
        if name != "host":
            yield f"{name} not signed", changed(signed, ";".join(n for n in signed.split(";") if n != name)), (
                DENIED if name.startswith("x-amz-") else MISMATCH)
    for word in ("Credential", "SignedHeaders", "Signature"):
        yield f"no {word}", changed(word + "=", "x" + word + "="), bad
    yield "unknown word", changed("Signature=", "Colour=1, Signature="), bad
    yield "a second mechanism", with_(job, headers=[*job["headers"], job["headers"][at]]), {"InvalidArgument"}
    yield "16 minutes late", with_(job, now_ms=NOW_MS + 15 * MINUTE + 1001), SKEWED
    yield "16 minutes early", with_(job, now_ms=NOW_MS - 15 * MINUTE - 1001), SKEWED


def of_presigned(job):
    pairs = dict(p.partition("=")[::2] for p in job["query"].split("&"))
    bad, query = malformed(job), job["query"]

    def parameter(name, value):
        return with_(job, query=query.replace(f"{name}={pairs[name]}", f"{name}={value}", 1))

    for name in ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"):
        yield f"no {name}", with_(job, query="&".join(p for p in query.split("&") if not p.startswith(name + "="))), bad
        yield f"{name} twice", with_(job, query=f"{query}&{name}={pairs[name]}"), bad
        yield f"{name} empty", parameter(name, ""), misplaced(job) if name == "X-Amz-SignedHeaders" else bad
    yield "algorithm", parameter("X-Amz-Algorithm", "AWS4-HMAC-SHA1"), bad
    if "X-Amz-Security-Token" in pairs:
        yield "token", parameter("X-Amz-Security-Token", "other"), MISMATCH
        yield "no token", with_(job, query=query.replace("X-Amz-Security-Token=" + pairs["X-Amz-Security-Token"] + "&", "")), MISMATCH
    yield "date", parameter("X-Amz-Date", "20261121T092606Z"), MISMATCH
    yield "other day", parameter("X-Amz-Date", "20261122T092605Z"), misplaced(job)
    yield "date's form", parameter("X-Amz-Date", "2026-11-21T09:26:05Z"), bad
    for text, codes in (("901", MISMATCH), ("0", bad), ("-1", bad), ("604801", bad), ("604800", MISMATCH), ("1.5", bad), ("ten", bad), ("9" * 30, bad)):
        yield f"expires {text}", parameter("X-Amz-Expires", text), codes
    for what, old, new, codes in (("day", "20261121", "20261122", misplaced(job)), ("region", job["region"], "eu-west-9", MISMATCH), (
            "service", f"%2F{job['service']}%2F", "%2Fathena%2F", MISMATCH), ("terminator", "aws4_request", "aws5_request", bad)):
        yield f"{what} of the scope", parameter("X-Amz-Credential", pairs["X-Amz-Credential"].replace(old, new)), codes
    yield "host not signed", parameter("X-Amz-SignedHeaders", "x-amz-date"), misplaced(job)
    yield "more is signed than there", parameter("X-Amz-SignedHeaders", pairs["X-Amz-SignedHeaders"] + "%3Bx-other"), MISMATCH
    for kind, text in changed_texts(pairs["X-Amz-Signature"]):
        yield f"{kind} of the signature", parameter("X-Amz-Signature", text), MISMATCH | bad
    yield "expired", with_(job, now_ms=NOW_MS + 901 * 1000), DENIED
    yield "not yet valid", with_(job, now_ms=NOW_MS - 16 * MINUTE), DENIED
    yield "a second mechanism", with_(job, headers=job["headers"] + [["Authorization", "AWS4-HMAC-SHA256 Credential=a"]]), {"InvalidArgument"}


def check(cases, least):
    """Each case is refused with one of its codes; what is changed is met at least once by every kind."""
    assert len(cases) > least
    for (what, job, codes), reply in zip(cases, sigv4_tool.run([job for _, job, _ in cases])):
        assert not reply.get("ok") and reply.get("error") in codes, (what, codes, job, reply)


def test_every_change_of_a_signed_request_is_refused():
    jobs = [verify_job(r) for r in requests(120, 5)]
    check([case for job in jobs for part in (of_request, of_headers, of_authorization) for case in part(job)], 6000)


def test_every_change_of_a_presigned_request_is_refused():
    jobs = [presigned_job(r) for r in presignable(150, 6)]
    check([case for job in jobs for part in (of_request, of_headers, of_presigned) for case in part(job)], 4000)


def test_what_is_unchanged_in_meaning_passes():
    """The clock within 15 minutes, headers in another order and case, blanks around values, parameters in another order."""
    rng, jobs = random.Random(11), []
    for r in requests(200, 12):
        job = verify_job(r)
        jobs += [with_(job, now_ms=NOW_MS + 15 * MINUTE - 1), with_(job, now_ms=NOW_MS - 15 * MINUTE + 1)]
        jobs.append(with_(job, query="&".join(rng.sample(job["query"].split("&"), len(job["query"].split("&"))))))
        names = sorted(job["headers"], key=lambda h: h[0].lower(), reverse=True)
        jobs.append(with_(job, headers=[[n.upper(), f"  {v} \t"] if n not in ("Authorization", "X-Amz-Date") else [n, v] for n, v in names]))
    for r in presignable(150, 13):
        job = presigned_job(r)
        jobs += [with_(job, now_ms=NOW_MS + 899 * 1000), with_(job, now_ms=NOW_MS - 14 * MINUTE)]
        jobs += [with_(presigned_job(r, expires=604800), now_ms=NOW_MS + 604799 * 1000), presigned_job(r, expires=1)]
    for job, reply in zip(jobs, sigv4_tool.run(jobs)):
        assert reply.get("ok"), (job, reply)


def test_another_access_key_is_the_callers_to_look_up():
    """The id is not part of what is signed in the header: who verifies finds no secret for it. In a query it is signed."""
    r = requests(2, 14)[0]
    job = verify_job(r)
    job["headers"] = [[n, v.replace(ACCESS, "AKIDOTHER")] for n, v in job["headers"]]
    query = presigned_job(next(iter(presignable(10, 15))))
    query["query"] = query["query"].replace(ACCESS, "AKIDOTHER")
    header, presigned = sigv4_tool.run([job, query])
    assert header["access_key"] == presigned["access_key"] == "AKIDOTHER" and presigned["error"] == "SignatureDoesNotMatch"
