"""`upload`: which files go where, what is sent and what is not, and how a run that was cut off goes on."""
import hashlib
import json
import os
import random
import signal
import threading
import time

import pytest

from conftest import assert_sound
from contract import check
from helpers import Cloud, Runner, digest_of_objects
from model_proxy import Fault, ModelProxy

MIB = 1 << 20
PART = 8 * MIB
BUCKET = "raw"


def bytes_of(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One cloud for all tests; what each leaves in the bucket is taken away."""
    folder = tmp_path_factory.mktemp("upload")
    cloud = Cloud(Runner(folder), folder / "cloud")
    with ModelProxy(cloud.endpoint) as cloud.checker, ModelProxy(cloud.endpoint, requests=False) as cloud.judge:
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        yield cloud
    cloud.stop().ok()


@pytest.fixture
def raw(shared):
    for proxy in (shared.checker, shared.judge):
        proxy.reset_counts()
    yield shared
    for proxy in (shared.checker, shared.judge):
        assert_sound(proxy)
    s3 = shared.client("s3", shared.endpoint)
    for upload in unfinished(shared):
        s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    keys = [{"Key": k} for k in digest_of_objects(shared, BUCKET)]
    if keys:
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})


@pytest.fixture
def proxy(raw):
    with ModelProxy(raw.endpoint, secrets={raw.access_key_id: raw.secret_access_key}) as proxy:
        yield proxy
    assert_sound(proxy)


@pytest.fixture
def upload(run_glueproj, raw):
    """upload(*arguments, to=…) as a document; the requests are judged on their way."""
    def run(*arguments, to=f"s3://{BUCKET}/", env=None, form=("--output", "json"), **kwargs):
        result = run_glueproj("upload", *arguments, "--to", to, *form, env={**raw.checked_env(), **(env or {})}, **kwargs)
        return check(result) if result.json else result

    return run


def statuses(result):
    return {u["to"].removeprefix(f"s3://{BUCKET}/"): u["status"] for u in result.json["uploads"]}


def sent(proxy, operation):
    return [r for r in proxy.log if r["operation"] == operation]


def parts_sent(proxy):
    return sorted(int(r["target"].split("partNumber=")[1].split("&")[0]) for r in sent(proxy, "UploadPart"))


def content(cloud, key):
    return cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def unfinished(cloud):
    return cloud.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


# --- what goes where ---


def test_names_folders_patterns(upload, raw, tmp_path):
    files = {
        "data/a b+c%25&d=e.csv": b"1", "data/sub/ä-日本.csv": b"22", "data/sub/deep/new\nline'\"<>.csv": b"333", "data/.hidden": b"", "more/x.csv": b"4",
        "more/y.txt": b"no", "more/[1].csv": b"55", "one?.bin": b"6",
    }
    for name, data in files.items():
        os.makedirs(os.path.dirname(tmp_path / name), exist_ok=True)
        (tmp_path / name).write_bytes(data)
    result = upload("data", "more/*.csv", "one?.bin", "./data/../one?.bin", to=f"s3://{BUCKET}/p/").ok()
    wanted = {
        "p/a b+c%25&d=e.csv": b"1", "p/sub/ä-日本.csv": b"22", "p/sub/deep/new\nline'\"<>.csv": b"333", "p/.hidden": b"", "p/x.csv": b"4",
        "p/[1].csv": b"55", "p/one?.bin": b"6",
    }
    assert statuses(result) == {k: "uploaded" for k in wanted}
    assert {k: content(raw, k) for k in digest_of_objects(raw, BUCKET)} == wanted
    assert result.json["summary"]["uploaded"] == 7 and result.json["summary"]["sent_bytes"] == sum(map(len, wanted.values()))
    # One file may be given its key; the text form ends with one line.
    text = upload("more/x.csv", to=f"s3://{BUCKET}/other.name", form=()).ok()
    assert text.stdout.startswith("1 uploaded; sent 1 B") and content(raw, "other.name") == b"4"
    assert "uploaded more/x.csv -> s3://raw/other.name" in text.stderr


def test_what_is_there_is_not_sent_again(upload, raw, tmp_path):
    (tmp_path / "small.csv").write_bytes(b"a,b\n")
    (tmp_path / "big.bin").write_bytes(bytes_of(2 * PART + 5))
    # What other clients have put there, with checksums of their own kinds.
    raw.client("s3").put_object(Bucket=BUCKET, Key="small.csv", Body=b"a,b\n", ChecksumAlgorithm="SHA1")
    raw.client("s3").upload_file(str(tmp_path / "big.bin"), BUCKET, "theirs.bin")
    assert statuses(upload("big.bin", to=f"s3://{BUCKET}/theirs.bin").ok()) == {"theirs.bin": "skipped"}
    assert statuses(upload("big.bin", "small.csv", "--dry-run").ok()) == {"big.bin": "planned", "small.csv": "skipped"}
    assert "big.bin" not in digest_of_objects(raw, BUCKET) and not unfinished(raw)
    assert statuses(upload("big.bin", "small.csv").ok()) == {"big.bin": "uploaded", "small.csv": "skipped"}
    assert hashlib.sha256(content(raw, "big.bin")).digest() == hashlib.sha256((tmp_path / "big.bin").read_bytes()).digest()
    assert raw.client("s3").head_object(Bucket=BUCKET, Key="big.bin", ChecksumMode="ENABLED")["ChecksumSHA256"].endswith("-3")
    before = len(sent(raw.checker, "PutObject") + sent(raw.checker, "UploadPart"))
    again = upload("big.bin", "small.csv").ok()
    assert set(statuses(again).values()) == {"skipped"} and again.json["summary"]["sent_bytes"] == 0
    assert len(sent(raw.checker, "PutObject") + sent(raw.checker, "UploadPart")) == before
    # Equal in size is not equal.
    (tmp_path / "small.csv").write_bytes(b"a;b\n")
    with open(tmp_path / "big.bin", "r+b") as f:
        f.seek(PART + 1)
        f.write(b"changed")
    assert set(statuses(upload("big.bin", "small.csv").ok()).values()) == {"uploaded"}
    assert content(raw, "small.csv") == b"a;b\n" and content(raw, "big.bin") == (tmp_path / "big.bin").read_bytes()
    assert statuses(upload("small.csv", "--force").ok()) == {"small.csv": "uploaded"}


def test_many_small_files(upload, raw, tmp_path):
    os.mkdir(tmp_path / "many")
    for i in range(200):
        (tmp_path / "many" / f"{i}.txt").write_text(str(i))
    result = upload("many", to=f"s3://{BUCKET}/m/", form=("--output", "json", "--parallel", "8")).ok()
    assert result.json["summary"]["uploaded"] == 200
    # One question for the bucket, one for each object, one to put it.
    assert result.json["summary"]["requests"] == len([r for r in raw.checker.log]) == 401
    assert digest_of_objects(raw, BUCKET, "m/") == {
        f"m/{i}.txt": '"%s"' % hashlib.md5(str(i).encode()).hexdigest() for i in range(200)
    }


# --- cut off ---


@pytest.fixture
def rough(raw):
    """A proxy whose client may go away in the middle of a request."""
    with ModelProxy(raw.endpoint, secrets={raw.access_key_id: raw.secret_access_key}) as proxy:
        yield proxy
    assert not proxy.violations


def test_killed_and_run_again(run_glueproj, raw, rough, tmp_path):
    """No part that had arrived is sent twice."""
    (tmp_path / "big.bin").write_bytes(bytes_of(3 * PART))
    words = ("upload", "big.bin", "--to", f"s3://{BUCKET}/", "--output", "json", "--parallel", "1")
    process = run_glueproj.start(*words, env=raw.env(rough.endpoint))
    # bucket, object, uploads, create, and two parts
    rough.kill_after(6, process.pid, "after")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert parts_sent(rough)[:2] == [1, 2] and len(unfinished(raw)) == 1
    assert "big.bin" not in digest_of_objects(raw, BUCKET)
    # The third may have been under way: whether it has arrived is the cloud's to say.
    upload_id = unfinished(raw)[0]["UploadId"]
    before = [p["PartNumber"] for p in raw.client("s3").list_parts(Bucket=BUCKET, Key="big.bin", UploadId=upload_id)["Parts"]]
    rough.reset_counts()
    result = run_glueproj(*words, env=raw.env(rough.endpoint)).ok()
    assert statuses(result) == {"big.bin": "resumed"}
    assert parts_sent(rough) == [n for n in (1, 2, 3) if n not in before] and not sent(rough, "CreateMultipartUpload")
    assert result.json["summary"]["sent_bytes"] == len(parts_sent(rough)) * PART
    assert content(raw, "big.bin") == (tmp_path / "big.bin").read_bytes() and not unfinished(raw)


def test_interrupted(run_glueproj, raw, rough, tmp_path):
    (tmp_path / "big.bin").write_bytes(bytes_of(2 * PART))
    (tmp_path / "later.csv").write_bytes(b"1")
    words = ("upload", "big.bin", "later.csv", "--to", f"s3://{BUCKET}/", "--output", "json", "--parallel", "1")
    process = run_glueproj.start(*words, env=raw.env(rough.endpoint))
    rough.kill_after(5, lambda: os.kill(process.pid, signal.SIGINT))
    stdout, _ = process.communicate(timeout=60)
    document = json.loads(stdout)
    assert process.returncode == document["exit"] == 130 and "goes on" in document["errors"][0]["hint"]
    assert [u["status"] for u in document["uploads"]] == ["failed", "failed"] and len(unfinished(raw)) == 1
    assert statuses(run_glueproj(*words, env=raw.env(rough.endpoint)).ok())["later.csv"] == "uploaded"
    assert content(raw, "big.bin") == (tmp_path / "big.bin").read_bytes() and not unfinished(raw)


def test_an_upload_of_other_content_is_left_alone(upload, raw, tmp_path):
    s3 = raw.client("s3")
    other = s3.create_multipart_upload(Bucket=BUCKET, Key="big.bin", ChecksumAlgorithm="SHA256")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="big.bin", UploadId=other, PartNumber=1, Body=bytes_of(PART, 2), ChecksumAlgorithm="SHA256")
    plain = s3.create_multipart_upload(Bucket=BUCKET, Key="big.bin")["UploadId"]
    s3.create_multipart_upload(Bucket=BUCKET, Key="big.bin.other", ChecksumAlgorithm="SHA256")
    (tmp_path / "big.bin").write_bytes(bytes_of(2 * PART + 1))
    result = upload("big.bin").ok()
    assert statuses(result) == {"big.bin": "uploaded"} and "left alone" in result.stderr
    assert content(raw, "big.bin") == bytes_of(2 * PART + 1)
    assert {u["UploadId"] for u in unfinished(raw) if u["Key"] == "big.bin"} == {other, plain}


@pytest.mark.parametrize("kind", ["reset", "error"])
def test_bad_lines(run_glueproj, raw, proxy, tmp_path, kind):
    (tmp_path / "big.bin").write_bytes(bytes_of(2 * PART + 77))
    for i in range(4):
        (tmp_path / f"{i}.csv").write_bytes(b"%d" % i)
    proxy.faults += [Fault(kind, every=3, operation="UploadPart|PutObject|HeadObject"), Fault(kind, at=1, operation="CompleteMultipartUpload")]
    result = run_glueproj("upload", "big.bin", "*.csv", "--to", f"s3://{BUCKET}/", "--output", "json", env=raw.env(proxy.endpoint)).ok()
    assert result.json["summary"]["uploaded"] == 5 and proxy.faults[0].met and proxy.faults[1].met
    assert content(raw, "big.bin") == (tmp_path / "big.bin").read_bytes() and not unfinished(raw)
    assert [content(raw, f"{i}.csv") for i in range(4)] == [b"0", b"1", b"2", b"3"]


def test_a_file_that_changes(run_glueproj, raw, proxy, tmp_path):
    """What would be a mixture of two contents is no object, and nothing is left of it."""
    (tmp_path / "log.bin").write_bytes(bytes_of(3 * PART))
    (tmp_path / "still.csv").write_bytes(b"1")
    proxy.faults.append(Fault("delay", at=2, operation="UploadPart", ms=300))

    def change():
        while not sent(proxy, "UploadPart"):
            time.sleep(0.005)
        with open(tmp_path / "log.bin", "r+b") as f:
            f.write(b"new")

    thread = threading.Thread(target=change)
    thread.start()
    result = run_glueproj(
        "upload", "log.bin", "still.csv", "--to", f"s3://{BUCKET}/", "--output", "json", "--parallel", "1", env=raw.env(proxy.endpoint)
    )
    thread.join()
    result.fails(1, "log.bin.*changes while it is read")
    assert statuses(result) == {"log.bin": "failed", "still.csv": "uploaded"} and result.json["errors"][0]["code"] == "FileChanged"
    assert list(digest_of_objects(raw, BUCKET)) == ["still.csv"] and not unfinished(raw)


# --- keys ---

ROWS = {
    "as downloaded": "\ufeffAccess key ID,Secret access key\r\n{id},{secret}\r\n",
    "no end of line": "Access key ID,Secret access key\n{id},{secret}",
    "quoted, of a new user": '"User name","Password","Access key ID","Secret access key","Console login link"\n"me","pw, ""x""","{id}","{secret}","https://x"\n\n',
    "older titles": "AccessKeyId,SecretAccessKey\n{id} , {secret}\n",
}


def test_access_key_files(upload, raw, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"1")
    no_keys = {k: "" for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    for name, text in ROWS.items():
        (tmp_path / "keys").write_text(text.format(id=raw.access_key_id, secret=raw.secret_access_key), encoding="utf-8", newline="")
        upload("x.csv", "--credentials", "keys", "--force", env=no_keys).ok()
    # Of two sets of keys the file's counts.
    (tmp_path / "keys").write_text("Access key ID,Secret access key\nAKIANOBODYATALL,hushhushhush\n")
    result = upload("x.csv", "--credentials", "keys", "--force")
    result.fails(1, "InvalidAccessKeyId")
    assert "hushhush" not in repr(result)


@pytest.mark.parametrize("text, error", [
    (None, r"keys:1: error: .*No such file"),
    ("", r"keys:1: error: the file is empty"),
    ("Access key ID,Secret access key\n", r"keys:1: error: no key follows"),
    ("Access key ID,Password\nAKIA,hushhush\n", r"keys:1: error: there is no column 'Secret access key'"),
    ("AKIAHUSH,hushhush\n", r"keys:1: error: there is no column 'Access key ID'"),
    ("Access key ID,Secret access key\nAKIA\n", r"keys:2: error: the column 'Secret access key' is empty"),
    ("Access key ID,Secret access key\nAKIA,hush hush\n", r"keys:2: error: .*a character that no key has"),
    ("Access key ID,Secret access key\nA,hushhush\nB,hushhush2\n", r"keys:3: error: there is more than one key"),
    ('Access key ID,Secret access key\n"A,hushhush\n', r"keys:2: error: a quote is not closed"),
], ids=["missing", "empty", "titles", "column", "no titles", "cell", "blank", "two", "quote"])
def test_wrong_access_key_files(run_glueproj, tmp_path, text, error):
    (tmp_path / "x.csv").write_bytes(b"1")
    if text is not None:
        (tmp_path / "keys").write_text(text)
    result = run_glueproj("upload", "x.csv", "--to", "s3://b/", "--credentials", "keys", "--region", "eu-west-1")
    result.fails(2, error)
    assert "hush" not in repr(result).lower()


def test_keys_that_may_only_put(run_glueproj, raw, tmp_path):
    iam, arn = raw.client("iam"), f"arn:aws:iam::{raw.account}:role/putter"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{raw.account}:root"}}
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/in/*"}
    iam.create_role(RoleName="putter", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))
    iam.put_role_policy(RoleName="putter", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    keys = raw.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    environment = {
        **raw.checked_env(), "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    (tmp_path / "x.csv").write_bytes(b"1")
    (tmp_path / "big.bin").write_bytes(bytes_of(2 * PART))
    words = ("--output", "json")
    result = run_glueproj("upload", "x.csv", "big.bin", "--to", f"s3://{BUCKET}/in/", *words, env=environment).ok()
    assert set(statuses(result).values()) == {"uploaded"} and content(raw, "in/big.bin") == bytes_of(2 * PART)
    result = run_glueproj("upload", "x.csv", "--to", f"s3://{BUCKET}/out/", *words, env=environment)
    result.fails(1, "x.csv.* is not uploaded")
    assert result.json["errors"][0]["aws_code"] == "AccessDenied" and result.json["uploads"][0]["error"]


# --- what is refused ---


@pytest.mark.parametrize("words, error", [
    (["x.csv"], "--to is missing"),
    (["x.csv", "--to", "raw/p/"], "--to is 'raw/p/', not s3://"),
    (["x.csv", "--to", "s3:///p"], "--to is 's3:///p', not s3://"),
    (["--to", "s3://raw/"], "upload takes FILE"),
    (["nope.csv", "nix.csv", "--to", "s3://raw/"], r"(?s)there is no file 'nope.csv'.*'nix.csv'"),
    (["*.nope", "--to", "s3://raw/"], r"'\*.nope' matches no file"),
    (["empty", "--to", "s3://raw/"], "'empty' has no files"),
    (["pipe", "--to", "s3://raw/"], "'pipe' is neither a file nor a folder"),
    (["x.csv", "data/x.csv", "--to", "s3://raw/p/"], "'x.csv' and 'data/x.csv' would both be 's3://raw/p/x.csv'"),
    (["data", "--to", "s3://raw/p"], "(?s)is one object.*end it with '/'"),
    (["x.csv", "data/x.csv", "--to", "s3://raw/p"], "is one object"),
    (["x.csv", "--to", "s3://raw/", "--credentials", "x.csv", "--profile", "p"], "two sets of keys"),
], ids=["to", "url", "bucket", "none", "files", "pattern", "folder", "pipe", "keys", "object", "objects", "credentials"])
def test_refused_before_the_first_call(run_glueproj, tmp_path, words, error):
    for folder in ("data", "empty"):
        os.mkdir(tmp_path / folder)
    for name in ("x.csv", "data/x.csv"):
        (tmp_path / name).write_bytes(b"1")
    os.mkfifo(tmp_path / "pipe")
    run_glueproj("upload", *words, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "eu-west-1"}).fails(2, error)


def test_one_that_fails_leaves_the_others_alone(upload, raw, tmp_path):
    os.mkdir(tmp_path / "d")
    (tmp_path / "d" / "x.csv").write_bytes(b"1")
    with open(os.fsencode(tmp_path / "d") + b"/odd\xff\x1b[2J.csv", "wb"):
        pass
    (tmp_path / "d" / "shut.csv").write_bytes(b"1")
    os.chmod(tmp_path / "d" / "shut.csv", 0)
    result = upload("d").fails(1, "not UTF-8")
    assert [u["status"] for u in result.json["uploads"] if "odd" in u["from"]] == ["failed"] and "\x1b" not in result.stderr
    assert content(raw, "x.csv") == b"1"
    if os.geteuid() != 0:
        result.fails(1, "cannot read 'd/shut.csv': Permission denied")
    missing = upload("d", to="s3://no-such-bucket-here/").fails(1, "there is no bucket 'no-such-bucket-here'")
    assert missing.json["errors"][0]["code"] == "NoSuchBucket" and len(missing.json["errors"]) == 1
    assert {u["status"] for u in missing.json["uploads"]} == {"failed"}


def test_the_local_cloud_without_a_project(run_glueproj, raw, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"1")
    result = run_glueproj("upload", "x.csv", "--to", f"s3://{BUCKET}/", f"--local={raw.dir}", "--output", "json").ok()
    assert statuses(result) == {"x.csv": "uploaded"} and result.json["project"] is None and content(raw, "x.csv") == b"1"
