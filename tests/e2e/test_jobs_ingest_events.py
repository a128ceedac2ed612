"""ingest by an object's key, as an event starts it: registered once, ingested once, and told to a real PostgreSQL."""
import gzip
import json

import oracle_ingest as oracle
import pytest
from jobs import run_job, start_job
from test_jobs_ingest import CT, DMAP, INCOMING, ODS, SAMPLE, SPRINGBOARD, Platform, sample
from transit import make_database, migrate

pytestmark = pytest.mark.long

ODS_TABLE, DMAP_TABLE = "cubic_ods_qlik__edw_sample", "cubic_dmap__agg_sample"


class Events(Platform):
    def __init__(self, cloud, tmp_path, postgres, request):
        super().__init__(cloud, tmp_path)
        self.postgres, self.database = postgres, make_database(postgres, request)
        migrate(tmp_path, postgres, self.database).ok()
        self.env |= {**postgres.env, "PGDATABASE": self.database}
        for name in (ODS_TABLE, DMAP_TABLE):
            self.table(name, [(n, "string") for n, _ in (SAMPLE if name == ODS_TABLE else [("sample_id", ""), ("sample_name", ""), ("sample_count", "")])])
        self.table(f"{ODS_TABLE}__ct", [(n, "string") for n in ("header__change_seq", "header__change_oper", "header__timestamp", *(n for n, _ in SAMPLE))])

    def sql(self, text):
        return self.postgres.psql(text, self.database)

    def statuses(self):
        return {r[0]: r[1] for r in self.sql("SELECT s3_key, status FROM cubic_loads ORDER BY id")}

    def event_words(self, key, **more):
        options = {"OBJECT_KEY": key, "INCOMING": f"s3://{INCOMING}/", "SPRINGBOARD": f"s3://{SPRINGBOARD}/", "INCOMING_DATABASE": "incoming",
                   "SPRINGBOARD_DATABASE": "springboard", "POSTGRES": "env", **more}
        return [w for k, v in options.items() if v is not None for w in (f"--{k}", v)]

    def event(self, key, **more):
        return run_job(self.tmp, "ingest", *self.event_words(key, **more), env=self.env)

    def modified(self, key):
        return self.s3.head_object(Bucket=INCOMING, Key=key)["LastModified"]


@pytest.fixture
def platform(cloud, tmp_path, postgres, request):
    return Events(cloud, tmp_path, postgres, request)


def test_objects_in_any_order(platform, tmp_path):
    """A change before its snapshot's own event finds the snapshot; each is registered and ingested once, however often it is told."""
    folder = sample(tmp_path / "sample")
    # The snapshot first, as it is written first; its event comes last.
    for path in sorted(folder.rglob("*.*"), key=lambda p: "LOAD1" not in p.name):
        if path.is_file():
            platform.put(str(path.relative_to(folder)), path.read_bytes())
    keys = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.csv.gz"))
    for key in reversed(keys):
        platform.event(key).ok()
    assert platform.statuses() == dict.fromkeys(keys, "ready_for_archiving")
    stamp = platform.modified(f"{ODS}/LOAD1.csv.gz").strftime("%Y%m%dT%H%M%SZ")
    text = [(n, "string") for n, _ in SAMPLE]
    for name in ("LOAD1", "LOAD2"):
        rows, _ = platform.read(f"raw/{ODS}/snapshot={stamp}/identifier={name}.csv.gz/")
        assert rows == oracle.rows(folder / ODS / f"{name}.csv.gz", text)
    assert len(platform.keys(f"raw/{CT}/snapshot={stamp}/")) == 2 and len(platform.keys(f"raw/{DMAP}/identifier=")) == 2
    assert len(platform.partitions(f"raw_{ODS_TABLE}__ct")) == 2
    before = platform.sql("SELECT * FROM cubic_loads ORDER BY id")
    for key in keys:
        assert " known load=" in platform.event(key).ok().stdout
    assert platform.sql("SELECT * FROM cubic_loads ORDER BY id") == before
    assert " skipped key=" in platform.event(f"{ODS}/LOAD1.dfm").ok().stdout
    # The object again, later: another load, the same partition of the newer snapshot.
    platform.sql("UPDATE cubic_loads SET s3_modified = s3_modified - interval '1 hour'; UPDATE cubic_ods_table_snapshots SET snapshot = snapshot - interval '1 hour'")
    platform.event(f"{ODS}/LOAD1.csv.gz").ok()
    assert len(platform.sql("SELECT id FROM cubic_loads")) == len(keys) + 1


def test_what_cannot_be_ingested(platform):
    platform.sql("UPDATE cubic_tables SET is_raw = false")
    platform.table(DMAP_TABLE, [("sample_id", "bigint"), ("sample_count", "bigint")], "springboard", partitions=["identifier"])
    bad, good = (platform.put(f"{DMAP}/{n}.csv.gz", f"sample_id,sample_name,sample_count\n1,x,{v}\n") for n, v in (("bad", "five"), ("good", "5")))
    platform.event(bad).fails(1, "row 2: column 'sample_count': 'five', no integer")
    platform.event(good).ok()
    assert platform.read(f"{DMAP}/")[0] == [(1, 5)]
    empty = platform.put(f"{DMAP}/empty.csv.gz", b"")
    platform.event(empty).fails(1, "it is empty")
    early = platform.put(f"{CT}/1.csv.gz", "header__change_seq\n")
    platform.event(early).fails(1, "no snapshot is known")
    assert platform.statuses() == {bad: "ready_for_erroring", good: "ready_for_archiving", empty: "ready_for_erroring", early: "ready_for_erroring"}
    platform.put("cubic/dmap/other/1.csv.gz", "a\n1\n")
    platform.event("cubic/dmap/other/1.csv.gz").fails(1, "no active table has the prefix 'cubic/dmap/other/'")
    platform.event(f"{DMAP}/gone.csv.gz").fails(1, f"s3://{INCOMING}/{DMAP}/gone.csv.gz")
    platform.event(good, SPRINGBOARD=None).fails(2, "--OBJECT_KEY wants --SPRINGBOARD")
    platform.event(good, PREFIX="x/").fails(2, "does not begin with --PREFIX 'x/'")
    platform.event(good, POSTGRES=None).fails(2)
    assert len(platform.statuses()) == 4
    # By the payload, with a database: each load's status is told.
    for key in (bad, good):
        platform.sql(f"UPDATE cubic_loads SET status = 'ingesting' WHERE s3_key = '{key}'")
    ids = {r[0]: int(r[1]) for r in platform.sql("SELECT s3_key, id FROM cubic_loads")}
    platform.ingest(*(platform.load(ids[k], k, DMAP_TABLE, DMAP_TABLE) for k in (bad, good)), options=("--POSTGRES", "env")).fails(1, "1 of 2 loads failed")
    assert platform.statuses()[bad] == "ready_for_erroring" and platform.statuses()[good] == "ready_for_archiving"


def test_many_at_once_take_an_object_once(platform):
    key = platform.put(f"{DMAP}/1.csv.gz", "sample_id,sample_name,sample_count\n" + "1,x,5\n" * 50000)
    runs = []
    for i in range(5):
        (platform.tmp / str(i)).mkdir()
        runs.append(start_job(platform.tmp / str(i), "ingest", *platform.event_words(key), env=platform.env))
    out = [r.communicate(timeout=60) for r in runs]
    assert [r.returncode for r in runs] == [0] * 5, out
    assert sum("status=ingested" in o for o, _ in out) == 1 and sum(" known load=" in o for o, _ in out) == 4
    assert platform.statuses() == {key: "ready_for_archiving"} and len(platform.read(f"raw/{DMAP}/")[0]) == 50000


def test_a_run_that_died_leaves_its_load_to_the_next(platform):
    key = platform.put("env/cubic/dmap/agg_sample/1.csv.gz", gzip.compress(b"sample_id,sample_name,sample_count\n1,x,5\n"))
    own = key.removeprefix("env/")
    seconds = int(platform.modified(key).timestamp())
    platform.sql(f"INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, s3_size, is_raw) SELECT id, 'ingesting', '{own}', "
                 f"to_timestamp({seconds}) AT TIME ZONE 'UTC', 1, false FROM cubic_tables WHERE name = '{DMAP_TABLE}'")
    platform.sql("INSERT INTO cubic_ingest_chunks (state, load_ids, max_attempts) VALUES ('executing', '{1}', 3)")
    assert " known load=1 status=ingesting" in platform.event(key, PREFIX="env/").ok().stdout
    platform.sql("DELETE FROM cubic_ingest_chunks")
    platform.event(key, PREFIX="env/").ok()
    assert platform.statuses() == {own: "ready_for_archiving"} and platform.read("env/cubic/dmap/agg_sample/")[0] == [("1", "x", "5")]
    platform.sql("UPDATE cubic_loads SET status = 'ready'; DELETE FROM schema_migrations")
    platform.event(key, PREFIX="env/").fails(1, "behind on migrations")
    assert json.dumps(platform.statuses()) == json.dumps({own: "ready"})
