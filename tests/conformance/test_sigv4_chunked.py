"""Chunk signatures: what the S3 API Reference says to send is taken, whatever the pieces it comes in; every change is refused."""
import base64
import random
import re

import pytest

pytest.importorskip("botocore")

import sigv4_oracle
import sigv4_tool
from sigv4_oracle import NOW_MS, STREAMING, STREAMING_TRAILER, Chunker, sha256_trailer, verify_job

DATETIME = "20261121T092605Z"


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    sigv4_oracle.fix_time(monkeypatch)


def upload(rng, trailer, size=None, chunk=None):
    data = rng.randbytes(rng.choice([0, 1, 17, 8192, 70000]) if size is None else size)
    r = {
        "method": "PUT", "host": "b.s3.eu-west-1.amazonaws.com", "path": "/a%20key", "query": "",
        "headers": [("Content-Encoding", "aws-chunked"), ("x-amz-decoded-content-length", str(len(data)))], "body": b"",
        "token": rng.choice([None, "token/+=="]), "s3": True, "service": "s3", "region": "eu-west-1",
        "payload": STREAMING_TRAILER if trailer else STREAMING,
    }
    if trailer:
        r["headers"].append(("x-amz-trailer", "x-amz-checksum-sha256"))
    job = verify_job(r)
    raw = Chunker(job["headers"], "eu-west-1", DATETIME).body(data, chunk or rng.choice([8192, 65536]), sha256_trailer(data) if trailer else None)
    return data, raw, job


def with_body(job, raw, piece=4096):
    return dict(job, body=base64.b64encode(raw).decode(), piece=piece)


@pytest.mark.parametrize("trailer", [False, True])
def test_signed_chunks_pass(trailer):
    rng = random.Random(20)
    made = [upload(rng, trailer) for _ in range(150)]
    jobs = [with_body(job, raw, rng.choice([1, 7, 4096, 1 << 20])) for _, raw, job in made]
    for (data, _, _), reply in zip(made, sigv4_tool.run(jobs)):
        assert reply["ok"] and base64.b64decode(reply["body"]) == data
        assert reply["trailers"] == "".join(f"{k}:{v}\n" for k, v in (sha256_trailer(data) if trailer else []))


def flip(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]


def changed_bodies(raw, trailer):
    """(what, body, the codes that may be the answer)"""
    mismatch, broken = {"SignatureDoesNotMatch"}, {"IncompleteBody"}
    either = mismatch | broken
    heads = [m.span() for m in re.finditer(rb"(?:\A|(?<=\r\n))[0-9a-f]+;chunk-signature=[0-9a-f]{64}\r\n", raw)]
    assert len(heads) >= 3
    for start, end in heads:
        yield "chunk signature", flip(raw, end - 10), mismatch
        yield "chunk size", raw[:start] + b"1" + raw[start:], either
        yield "no chunk signature", raw[:start] + raw[start:end].partition(b";")[0] + b"\r\n" + raw[end:], mismatch
        yield "short signature", raw[:end - 3] + raw[end - 2:], mismatch
        yield "LF alone", raw[:end - 2] + b"\n" + raw[end:], either
    for start, end in heads[:-1]:
        yield "first byte", flip(raw, end), mismatch
        yield "byte more", raw[:end] + b"x" + raw[end:], either
        yield "byte less", raw[:end] + raw[end + 1:], either
    first, second, last = heads[0], heads[1], heads[-1]
    yield "chunks swapped", raw[second[0]:heads[2][0]] + raw[first[0]:second[0]] + raw[heads[2][0]:], mismatch
    yield "a chunk gone", raw[second[0]:], mismatch
    yield "a chunk twice", raw[:second[0]] + raw, mismatch
    yield "no last chunk", raw[:last[0]], broken
    yield "only the last chunk", raw[last[0]:], mismatch
    yield "cut", raw[:-1], either
    yield "cut in the data", raw[:first[1] + 5], broken
    yield "bytes after the end", raw + b"x", broken
    yield "nothing", b"", broken
    if trailer:
        value = raw.index(b"x-amz-checksum-sha256:") + len("x-amz-checksum-sha256:")
        sign = raw.index(b"x-amz-trailer-signature:")
        yield "trailer's value", flip(raw, value + 3), mismatch
        yield "trailer's name", raw.replace(b"checksum-sha256", b"checksum-sha1"), mismatch
        yield "trailer's signature", flip(raw, sign + 30), mismatch
        yield "no trailer's signature", raw[:sign] + b"\r\n", mismatch
        yield "no trailer", raw[:value - len("x-amz-checksum-sha256:")] + raw[sign:], mismatch
        yield "one trailer more", raw[:sign] + b"x-amz-meta-a:b\r\n" + raw[sign:], mismatch
        yield "trailer after its signature", raw[:-2] + b"x-amz-meta-a:b\r\n\r\n", broken
        yield "no trailers at all", raw[:last[1]] + b"\r\n", mismatch
    else:
        yield "a trailer that was not announced", raw[:-2] + b"x-amz-checksum-sha256:AAAA\r\n\r\n", broken


@pytest.mark.parametrize("trailer", [False, True])
def test_changed_chunks_fail(trailer):
    rng, jobs, labels = random.Random(21), [], []
    for size in (16385, 17000, 24576):
        data, raw, job = upload(rng, trailer, size, 8192)
        for what, body, codes in changed_bodies(raw, trailer):
            jobs.append(with_body(job, body, rng.choice([1000, 1 << 20])))
            labels.append((what, codes))
        # The seed: what was signed for another request does not go with this one.
        jobs.append(with_body(upload(rng, trailer, size=9)[2], raw))
        labels.append(("another request's seed", {"SignatureDoesNotMatch"}))
        unsigned = dict(job, payload_hash="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        jobs.append(with_body(unsigned, b"5\r\nhello\r\n0\r\n\r\n"))
        labels.append(("another kind of payload", {"SignatureDoesNotMatch"}))
    for (what, codes), reply in zip(labels, sigv4_tool.run(jobs)):
        assert "body" not in reply and reply["error"] in codes, (what, reply)


def test_an_empty_line_may_stand_before_the_trailers_signature():
    """As some clients have it: name:value LF, then CR LF, then the signature."""
    data, raw, job = upload(random.Random(22), True, size=70000)
    lax = re.sub(rb"(x-amz-checksum-sha256:[^\r]+)\r\n", rb"\1\n\r\n", raw)
    cut = lax[:lax.index(b"x-amz-trailer-signature:")]
    forged = lax.replace(b"\n\r\nx-amz-trailer", b"\n\r\nx-amz-meta-a:b\r\nx-amz-trailer")
    good, bad, more = sigv4_tool.run([with_body(job, lax), with_body(job, cut), with_body(job, forged)])
    assert base64.b64decode(good["body"]) == data and good["trailers"].startswith("x-amz-checksum-sha256:")
    assert bad["error"] == "SignatureDoesNotMatch" and more["error"] == "IncompleteBody"


def test_chunks_of_a_late_request_are_not_looked_at():
    _, raw, job = upload(random.Random(23), False, size=9)
    late = dict(with_body(job, raw), now_ms=NOW_MS + 16 * 60 * 1000)
    assert sigv4_tool.run([late])[0]["error"] == "RequestTimeTooSkewed"
