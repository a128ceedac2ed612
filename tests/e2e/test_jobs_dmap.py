"""fetch-dmap: feeds of the DMAP API's stand-in, a real PostgreSQL server, and folders or a bucket for the files."""
import contextlib
import gzip
import itertools
import json
import os
import signal
import threading
import time

import pytest

from dmap_standin import CONTROLLED_KEY, PUBLIC_KEY, Dmap, address, data_set
from exabel_jobs import Bucket, Folder
from jobs import Web, body, run_job, start_job
from transit import migrate

pytestmark = pytest.mark.long

KEYS = {"CUBIC_DMAP_CONTROLLED_USER_API_KEY": CONTROLLED_KEY, "CUBIC_DMAP_PUBLIC_USER_API_KEY": PUBLIC_KEY}
NAMES = (f"dmap_{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def standin():
    with Dmap() as api:
        yield api


@pytest.fixture
def dmap(standin):
    standin.reset()
    return standin


class Platform:
    """A database with the platform's tables, a place for the files, and runs in them."""

    def __init__(self, tmp, postgres, dmap):
        self.tmp, self.postgres, self.dmap, self.database = tmp, postgres, dmap, next(NAMES)
        postgres.psql(f"CREATE DATABASE {self.database}")
        self.incoming = Folder(tmp / "incoming")
        self.env = {**postgres.env, "PGDATABASE": self.database}
        migrate(tmp, postgres, self.database).ok()
        self.sql("DELETE FROM cubic_dmap_feeds")

    def sql(self, text):
        return self.postgres.psql(text, self.database)

    def add_feed(self, name, last_updated=None, dead=False):
        """The id of a feed, as text; of the stand-in, or anywhere."""
        relative = name if name.startswith("/") else address(name)
        when = f"'{last_updated}'" if last_updated else "NULL"
        deleted = "localtimestamp" if dead else "NULL"
        return self.sql(
            "INSERT INTO cubic_dmap_feeds (relative_url, last_updated_at, deleted_at, inserted_at, updated_at) "
            f"VALUES ('{relative}', {when}, {deleted}, '2022-01-01', '2022-01-01') RETURNING id"
        )[0][0]

    def words(self, **options):
        given = {"INCOMING": self.incoming.place, "POSTGRES": "env", "DMAP_URL": self.dmap.url, **options}
        return [w for k, v in given.items() if v is not None for w in (f"--{k}", str(v))]

    def fetch(self, env=None, **options):
        result = run_job(self.tmp, "fetch-dmap", *self.words(**options), env={**self.incoming.env, **self.env, **KEYS, **(env or {})})
        shown = repr(result)
        assert not any(k in shown for k in (CONTROLLED_KEY, PUBLIC_KEY, self.postgres.password, "controlled%2F9c41")), shown
        return result

    def mark(self, feed):
        return self.sql(f"SELECT last_updated_at FROM cubic_dmap_feeds WHERE id = {feed}")[0][0]

    def rows(self):
        return self.sql("SELECT feed_id, type, identifier, start_date, end_date, last_updated_at FROM cubic_dmap_datasets ORDER BY identifier")

    def texts(self):
        return {k: gzip.decompress(self.incoming.read(k)).decode() for k in self.incoming.keys()}


@pytest.fixture
def platform(tmp_path, postgres, dmap):
    return Platform(tmp_path, postgres, dmap)


def test_the_standin_is_strict(dmap):
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17")])
    path, header = f"{address('agg_sample')}?apikey={PUBLIC_KEY}", {"apikey": PUBLIC_KEY, "Accept": "application/json"}
    file = "/files/agg_sample_20220517.csv.gz"
    for want, where, headers, method in (
        (200, path, header, None), (200, f"{path}&last_updated=2022-05-17T10%3A00%3A00.123456", header, None), (405, path, header, "POST"),
        (401, path, {**header, "apikey": "x"}, None), (401, path, {"Accept": "application/json"}, None), (401, path.partition("?")[0], header, None),
        (401, f"{path}&apikey={PUBLIC_KEY}", header, None), (401, path.replace("datasetpublicusersapi", "datasetcontrolleduserapi"), header, None),
        (400, f"{path}&since=1", header, None), (400, f"{path}&last_updated=2022-05-17", header, None), (404, path.replace("sample", "none"), header, None),
        (200, f"{file}?sig=s%2Bg", {}, None), (403, file, {}, None), (400, f"{file}?sig=s%2Bg", header, None),
    ):
        assert dmap.open(where, None, method, headers)[0] == want, (where, headers)
    assert PUBLIC_KEY not in json.dumps(dmap.requests())
    since = f"{path}&last_updated=2022-05-17T10%3A00%3A00.123457"
    assert json.loads(dmap.open(since, headers=header)[1]) == {"success": True, "results": []}


def test_all_live_feeds(platform, dmap):
    """Files, rows and marks; each kind of feed by its own key; a second run asks from the mark on, and changes nothing."""
    agg, tap = platform.add_feed("agg_sample"), platform.add_feed("device_event")
    platform.add_feed("agg_dead", dead=True)
    later = data_set("agg_sample", "2022-05-18", "2022-05-19T01:02:03.000004")
    dmap.feeds(agg_sample=[later, data_set("agg_sample", "2022-05-17")], device_event=[data_set("device_event", "2022-05-17", "2022-05-18T10:00:00Z")])
    platform.fetch().ok()
    assert platform.texts() == {
        "cubic/dmap/agg_sample/agg_sample_20220517.csv.gz": "sample_id,sample_name\n1,agg_sample 2022-05-17\n",
        "cubic/dmap/agg_sample/agg_sample_20220518.csv.gz": "sample_id,sample_name\n1,agg_sample 2022-05-18\n",
        "cubic/dmap/device_event/device_event_20220517.csv.gz": "sample_id,sample_name\n1,device_event 2022-05-17\n",
    }
    rows = [
        [agg, "agg_sample", "agg_sample_20220517", "2022-05-17", "2022-05-17", "2022-05-17 10:00:00.123456"],
        [agg, "agg_sample", "agg_sample_20220518", "2022-05-18", "2022-05-18", "2022-05-19 01:02:03.000004"],
        [tap, "device_event", "device_event_20220517", "2022-05-17", "2022-05-17", "2022-05-18 10:00:00"],
    ]
    assert platform.rows() == rows
    assert (platform.mark(agg), platform.mark(tap)) == ("2022-05-19 01:02:03.000004", "2022-05-18 10:00:00")
    asked = [r["path"] for r in dmap.requests() if r["path"].startswith("/dataset")]
    assert asked == [f"{address('agg_sample')}?apikey=****", f"{address('device_event')}?apikey=****"]
    platform.fetch().ok()
    asked = [r["path"].partition("&")[2] for r in dmap.requests() if r["path"].startswith("/dataset")][2:]
    assert asked == ["last_updated=2022-05-19T01%3A02%3A03.000005", "last_updated=2022-05-18T10%3A00%3A00.000001"]
    assert platform.rows() == rows and platform.mark(agg) == "2022-05-19 01:02:03.000004"
    assert len([r for r in dmap.requests() if r["path"].startswith("/files/")]) == 3


def test_one_feed_from_a_time(platform, dmap):
    """A data set that is there gets a new date and nothing else; a prefix; the time with an offset; other feeds are left alone."""
    feed, other = platform.add_feed("agg_sample", "2023-01-01"), platform.add_feed("agg_other")
    dmap.feeds(agg_sample=[data_set("agg_sample", d) for d in ("2022-05-16", "2022-05-17", "2022-05-18")], agg_other=[data_set("agg_other", "2022-05-17")])
    platform.sql(
        "INSERT INTO cubic_dmap_datasets (feed_id, type, identifier, start_date, end_date, last_updated_at, inserted_at, updated_at) "
        "VALUES (99, 'old', 'agg_sample_20220518', '2000-01-01', '2000-01-01', '2000-01-01', '2000-01-01', '2000-01-01')"
    )
    platform.fetch(FEED_ID=feed, LAST_UPDATED="2022-05-17T06:00:00-04:00", PREFIX="dev/").ok()
    assert [r["path"].partition("&")[2] for r in dmap.requests()][0] == "last_updated=2022-05-17T10%3A00%3A00.000000"
    assert platform.incoming.keys() == [f"dev/cubic/dmap/agg_sample/agg_sample_202205{d}.csv.gz" for d in (17, 18)]
    assert platform.rows()[1] == ["99", "old", "agg_sample_20220518", "2000-01-01", "2000-01-01", "2022-05-18 10:00:00.123456"]
    assert platform.mark(feed) == "2022-05-18 10:00:00.123456" and platform.mark(other) == ""
    platform.fetch(FEED_ID=other + "00").fails(1, f"feed {other}00: there is no live feed of this id")


def test_invalid_items(platform, dmap):
    """Each is skipped with a line of the log that says why; the others are fetched. No name leads out of the folder."""
    good = data_set("agg_sample", "2022-05-17")
    told = {k: v for k, v in good.items() if k != "data"}
    url = "https://127.0.0.1:1/x.csv.gz"
    bad = {
        "it is no object": 7, "a member is missing": {**told}, "a member is no text": {**told, "url": url, "id": 5},
        "id cannot be part of a key": {**told, "url": url, "id": "../../x"}, "dataset_id cannot be part of a key": {**told, "url": url, "dataset_id": "a/b"},
        "start_date is no date": {**told, "url": url, "start_date": "2022-02-30"}, "end_date is no date": {**told, "url": url, "end_date": "20220517"},
        "last_updated is no date and time": {**told, "url": url, "last_updated": "2022-05-17"},
    }
    urls = ["http://example.com/x.csv.gz", "https://127.0.0.1:1", "ftp://127.0.0.1/x", "x.csv.gz", "file:///etc/passwd"]
    platform.add_feed("agg_sample")
    dmap.feeds(agg_sample=[*bad.values(), *({**told, "url": u} for u in urls), good])
    result = platform.fetch().ok()
    lines = [line for line in result.stderr.splitlines() if " skipped " in line]
    assert [line.partition('reason="')[2].rstrip('"') for line in lines] == [*bad, *["url is no https address with a path"] * len(urls)], result
    assert [r[2] for r in platform.rows()] == ["agg_sample_20220517"] and len(platform.incoming.keys()) == 1
    assert "data_sets=1 skipped=13" in result.stdout


def test_a_file_that_cannot_be_had(platform, dmap):
    """The status of a file counts. The other files are fetched; the mark stays, so that the next run has it all."""
    feed = platform.add_feed("agg_sample", "2022-01-01")
    dmap.feeds(agg_sample=[data_set("agg_sample", d) for d in ("2022-05-16", "2022-05-17", "2022-05-18")])
    dmap.fault("status", status=403, match="20220517", body="<Error>no</Error>")
    result = platform.fetch().fails(1, "1 of 3 data sets were not fetched", "agg_sample_20220517", "HTTP 403: <Error>no</Error>")
    assert "sig=" not in repr(result)
    assert [r[2] for r in platform.rows()] == ["agg_sample_20220516", "agg_sample_20220518"] and len(platform.incoming.keys()) == 2
    assert platform.mark(feed) == "2022-01-01 00:00:00"
    platform.fetch().ok()
    assert len(platform.rows()) == 3 and len(platform.incoming.keys()) == 3 and platform.mark(feed) == "2022-05-18 10:00:00.123456"
    platform.incoming.nothing_unfinished()


def test_what_passes(platform, dmap):
    """Throttling, a service that is down, connections that break: asked again, and nothing is half."""
    platform.add_feed("agg_sample")
    faults = [{"kind": "status", "status": 429, "retryAfter": 1}, {"kind": "status", "status": 503}, {"kind": "drop"}, {"kind": "cut"}]
    for n, (where, fault) in enumerate(itertools.product(("/dataset", "/files/"), faults)):
        dmap.feeds(agg_sample=[data_set("agg_sample", f"2022-05-{n + 10}", bytes=300_000)])
        dmap.fault(match=where, **fault)
        before = len(dmap.requests())
        platform.fetch().ok()
        asked = [r for r in dmap.requests()[before:] if r["path"].startswith(where)]
        assert [r.get("fault") for r in asked] == [fault["kind"], None]
        assert os.path.getsize(os.path.join(platform.incoming.path, platform.incoming.keys()[n])) == 300_000 and len(platform.rows()) == n + 1
    platform.incoming.nothing_unfinished()


def test_what_stays(platform, dmap):
    """Refusals and replies that are none end the feed, not the others; keys that a reply repeats are not shown."""
    one, two = platform.add_feed("agg_sample"), platform.add_feed("agg_other")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17")], agg_other=[data_set("agg_other", "2022-05-17")])
    for fault, text in (
        ({"kind": "garbage"}, "the answer is no list of results: '<html>Bad gateway</html>'"), ({"kind": "garbage", "body": '{"success": false}'}, "no list"),
        ({"kind": "garbage", "body": '{"success": true, "results": {}}'}, "no list of results"), ({"kind": "status", "status": 404}, "HTTP 404"),
        ({"kind": "garbage", "body": f'{{"success": true, "results": "{PUBLIC_KEY}'}, '"results": "****'),
    ):
        dmap.fault(match="agg_sample", **fault)
        platform.fetch().fails(1, "1 of 2 feeds failed", f"feed {one}: unable to fetch feed results: ", text)
        assert platform.mark(one) == "" and platform.mark(two) == "2022-05-17 10:00:00.123456"
    wrong = {"CUBIC_DMAP_PUBLIC_USER_API_KEY": "another-key"}
    result = platform.fetch(env=wrong, FEED_ID=one).fails(1, "HTTP 401", "Invalid ApiKey for given resource: ****")
    assert "another-key" not in repr(result)
    odd = platform.add_feed("/another/api")
    platform.fetch(FEED_ID=odd).fails(1, f"feed {odd}: '/another/api' is neither /datasetcontrolleduserapi… nor /datasetpublicusersapi…")


def test_redirections(platform, dmap):
    """A file may lie elsewhere on this machine or behind https; no other way, and no round about."""
    platform.add_feed("agg_sample")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17", data="a\n1\n", redirect=True)])
    platform.fetch().ok()
    assert list(platform.texts().values()) == ["a\n1\n"]
    for to in ("http://example.com/x", "file:///etc/passwd", "ftp://127.0.0.1/x"):
        dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-18", redirect=to)])
        platform.fetch().fails(1, "HTTP 302 leads to no https address")
    name = "/files/agg_sample_20220518.csv.gz?sig=s%2Bg"
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-18", redirect=name)])
    platform.fetch().fails(1, "more than 5 redirections")
    assert len(platform.rows()) == 1 and len(platform.incoming.keys()) == 1


def test_usage(platform):
    """What is missing or wrong is told before anything is asked for."""
    for env, options, text in (
        ({k: "" for k in KEYS}, {}, "the DMAP API's keys are missing"), ({"CUBIC_DMAP_PUBLIC_USER_API_KEY": ""}, {}, "the DMAP API's keys are missing"),
        ({}, {"DMAP_URL": None}, "the DMAP API's address is missing"), ({}, {"DMAP_URL": "http://example.com"}, "it would get the key in the clear"),
        ({}, {"DMAP_URL": "https://x.example/a?b=c"}, "has more than an address"), ({}, {"FEED_ID": "one"}, "--FEED_ID 'one'"),
        ({}, {"LAST_UPDATED": "yesterday"}, "--LAST_UPDATED 'yesterday'"), ({}, {"POSTGRES": None}, "--POSTGRES"),
        ({"CUBIC_DMAP_PUBLIC_USER_API_KEY": "a b"}, {}, "the DMAP API key of public users holds a character that no key has"),
    ):
        platform.fetch(env=env, **options).fails(2, text)
    platform.sql("DELETE FROM schema_migrations WHERE version > 1")
    platform.fetch().fails(1, "behind on migrations")


def test_two_runs_at_once(platform, dmap):
    """The second does not fetch what the first is at, and goes on with the other feeds."""
    one, two = platform.add_feed("agg_sample"), platform.add_feed("agg_other")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17")], agg_other=[data_set("agg_other", "2022-05-17")])
    session = platform.postgres.start_psql(platform.database)
    session.stdin.write(f"SELECT pg_advisory_lock(hashtextextended('cubic_dmap_feeds/{one}', 0)) IS NULL;\n")
    session.stdin.flush()
    assert session.stdout.readline() == "f\n"
    result = platform.fetch().ok()
    assert f"busy: feed={one}" in result.stderr or f"busy feed={one}" in result.stderr, result
    assert [r[1] for r in platform.rows()] == ["agg_other"] and platform.mark(two)
    platform.fetch(FEED_ID=one).fails(1, f"feed {one} is being fetched by another run")
    session.communicate(timeout=60)
    platform.fetch(FEED_ID=one).ok()
    assert len(platform.rows()) == 2


@pytest.mark.parametrize("how, silent", [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGKILL, False)])
def test_a_run_that_ends_in_the_middle(platform, dmap, how, silent):
    """The file does not show, the mark stays, and the next run has it all."""
    feed = platform.add_feed("agg_sample")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17")])
    hold, over = [], threading.Event()

    def stand_still(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 20))
        handler.end_headers()
        handler.wfile.write(b"x" * 70000)
        handler.wfile.flush()
        hold.append(True)
        if silent:
            over.wait(60)
        with contextlib.suppress(OSError):  # a byte now and then, until nobody is there
            while not handler.wfile.write(b"x") == 0:
                time.sleep(0.02)

    web = Web({"/slow.csv.gz": stand_still})
    item = {**data_set("agg_sample", "2022-05-18"), "url": f"{web.url}/slow.csv.gz"}
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17"), {k: v for k, v in item.items() if k != "data"}])
    process = start_job(platform.tmp, "fetch-dmap", *platform.words(), env={**platform.env, **KEYS})
    while not hold and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    stderr = process.communicate(timeout=30)[1]
    over.set()
    assert process.returncode in (1, -signal.SIGKILL), stderr
    assert [k for k in platform.incoming.keys() if "/." not in k] == ["cubic/dmap/agg_sample/agg_sample_20220517.csv.gz"]
    assert platform.mark(feed) == "" and len(platform.rows()) == 1
    web.routes["/slow.csv.gz"] = body(b"whole")
    for path in (platform.tmp / "scratch").iterdir():
        path.rmdir()
    platform.fetch().ok()
    web.close()
    assert platform.incoming.read("cubic/dmap/agg_sample/agg_sample_20220518.csv.gz") == b"whole"
    assert platform.mark(feed) == "2022-05-18 10:00:00.123456"


def test_a_large_file_is_a_stream(platform, dmap):
    platform.add_feed("agg_sample")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17", bytes=150 << 20)])
    result = platform.fetch().ok()
    assert os.path.getsize(os.path.join(platform.incoming.path, platform.incoming.keys()[0])) == 150 << 20
    if "ASAN_OPTIONS" not in os.environ:
        assert result.max_rss_mb < 60, result


def test_a_bucket_and_secrets(tmp_path, postgres, dmap, cloud):
    """Into a bucket of the local cloud, by secrets for the keys and the database; what is wrong in one is told without its text."""
    platform = Platform(tmp_path, postgres, dmap)
    platform.incoming = Bucket(cloud, "transit-incoming")
    feed = platform.add_feed("agg_sample")
    dmap.feeds(agg_sample=[data_set("agg_sample", "2022-05-17")])
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="db", SecretString=json.dumps(postgres.secret(dbname=platform.database)))
    secrets.create_secret(Name="keys", SecretString=json.dumps({"controlled": CONTROLLED_KEY, "public": PUBLIC_KEY}))
    secrets.create_secret(Name="half", SecretString=json.dumps({"controlled": CONTROLLED_KEY}))
    secrets.create_secret(Name="text", SecretString=PUBLIC_KEY)
    nothing = {k: "" for k in KEYS}
    given = {"POSTGRES": None, "POSTGRES_SECRET": "db"}
    for name, text in (("half", "no JSON object with both keys"), ("text", "no JSON object with both keys"), ("none", "ResourceNotFoundException")):
        platform.fetch(env=nothing, DMAP_KEYS_SECRET=name, **given).fails(1, f"the secret '{name}'", text)
    platform.fetch(env=nothing, DMAP_KEYS_SECRET="keys", **given).ok()
    assert platform.incoming.keys() == ["cubic/dmap/agg_sample/agg_sample_20220517.csv.gz"]
    body_of = cloud.client("s3").get_object(Bucket="transit-incoming", Key=platform.incoming.keys()[0])["Body"].read()
    assert gzip.decompress(body_of).startswith(b"sample_id") and platform.mark(feed) == "2022-05-17 10:00:00.123456"
