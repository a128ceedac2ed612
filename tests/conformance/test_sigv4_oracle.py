"""Our SigV4 against botocore's: the same requests, the same signatures; what botocore signs passes our verifier."""
import base64
import io
import random

import pytest

botocore = pytest.importorskip("botocore")
import botocore.httpchecksum

import sigv4_oracle
import sigv4_tool
from sigv4_oracle import ACCESS, UNSIGNED, job_of, presign, presignable, presigned_job, requests, sign, verify_job


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    sigv4_oracle.fix_time(monkeypatch)


def test_header_signatures_are_botocores():
    todo = requests(3000, 1)
    assert {r["payload"] for r in todo} == {None, UNSIGNED, sigv4_oracle.UNSIGNED_TRAILER}
    signed = [sign(r) for r in todo]
    jobs = [job_of(r, "sign", [(k, v) for k, v in h if k != "Authorization"]) for r, h in zip(todo, signed)]
    for r, h, reply in zip(todo, signed, sigv4_tool.run(jobs)):
        assert reply["authorization"] == dict(h)["Authorization"], (r, reply)


def test_canonical_requests_and_strings_to_sign_are_botocores(monkeypatch):
    """The stages one by one, so that a difference is seen where it starts."""
    stages = []
    kind = botocore.auth.SigV4Auth
    for stage in ("canonical_request", "string_to_sign"):
        real = getattr(kind, stage)
        monkeypatch.setattr(kind, stage, lambda *a, real=real: stages.append(real(*a)) or stages[-1])
    todo = requests(300, 9)
    signed = [sign(r) for r in todo]
    jobs = [job_of(r, "sign", [(k, v) for k, v in h if k != "Authorization"]) for r, h in zip(todo, signed)]
    assert len(stages) == 2 * len(jobs)
    for i, reply in enumerate(sigv4_tool.run(jobs)):
        assert [reply["canonical_request"], reply["string_to_sign"]] == stages[2 * i:2 * i + 2]


def parameters(query):
    return sorted(tuple(p.partition("=")[::2]) for p in query.split("&"))


def test_presigned_queries_are_botocores():
    todo = list(presignable(2500, 2))
    assert len(todo) > 1000
    wanted = [presign(r) for r in todo]
    jobs = []
    for r in todo:
        job = job_of(r, "presign", [*r["headers"], ("Host", r["host"])])
        job["expires"] = 900
        if r["s3"]:
            job["payload_hash"] = UNSIGNED
        jobs.append(job)
    for r, query, reply in zip(todo, wanted, sigv4_tool.run(jobs)):
        assert parameters(reply["query"]) == parameters(query), (r, reply)


def test_what_botocore_signs_passes():
    todo, late = requests(1000, 3), list(presignable(800, 4))
    jobs = [verify_job(r) for r in todo] + [presigned_job(r) for r in late]
    for r, reply in zip(todo + late, sigv4_tool.run(jobs)):
        assert reply.get("ok") and reply["access_key"] == ACCESS and reply.get("token") == r["token"], (r, reply)


def test_chunked_bodies_of_botocore_decode():
    rng = random.Random(8)
    jobs, wanted = [], []
    for _ in range(100):
        body = rng.randbytes(rng.choice([0, 1, 17, 1000, 70000]))
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
    for want, reply in zip(wanted, sigv4_tool.run(jobs)):
        if want is None:
            assert reply["error"] == "IncompleteBody"
        else:
            assert (base64.b64decode(reply["body"]), reply["trailers"]) == want
