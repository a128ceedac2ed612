"""process-incoming and validate-incoming: which files become loads, with which status and snapshot, and what goes on to be ingested."""
import json
import os
import random
import threading

import pytest
from jobs import run_job
from transit import Oracle, Platform, make_bucket, make_database, migrate

pytestmark = pytest.mark.long

ODS, CT, DMAP = "cubic/ods_qlik/EDW.SAMPLE/", "cubic/ods_qlik/EDW.SAMPLE__ct/", "cubic/dmap/agg_sample/"
TABLES = {ODS: f"{ODS}LOAD1.csv.gz", DMAP: None}
DAY = 1_650_000_000


@pytest.fixture
def platform(tmp_path, postgres, request):
    return Platform(tmp_path, postgres, make_database(postgres, request))


def on_disk(platform):
    root = platform.tmp / "incoming"
    return {k: (int(os.stat(root / k).st_mtime), os.stat(root / k).st_size) for k in platform.files("incoming")}


def check(platform, oracle):
    assert sorted(platform.loads(), key=lambda r: r[:4]) == oracle.rows()


def test_what_is_registered(platform):
    """Only files of active tables; change data counts as the table's; empty ones and ones before the snapshot are errors."""
    oracle = Oracle(TABLES)
    platform.sql("INSERT INTO cubic_tables (name, s3_prefix, is_active, deleted_at) VALUES ('dead', 'cubic/dmap/dead/', true, now()), ('idle', 'cubic/dmap/idle/', false, NULL)")
    for at, key in enumerate((
        f"{CT}20211201-1.csv.gz", f"{ODS}LOAD1.csv.gz", f"{ODS}LOAD1.dfm", f"{ODS}LOAD2.csv.gz", f"{CT}20211201-2.csv.gz", f"{DMAP}a.csv.gz", f"{DMAP}deep/b.csv.gz",
        f"{DMAP}c.csv", "cubic/dmap/dead/x.csv.gz", "cubic/dmap/idle/x.csv.gz", "cubic/dmap/other/x.csv.gz", "cubic/ods_qlik/EDW.SAMPLE__ct__ct/x.csv.gz",
        "cubic/other/agg_sample/x.csv.gz",
    )):
        platform.put(key, at=DAY + at)
    platform.put(f"{ODS}LOAD3.csv.gz", b"", at=DAY + 50)
    platform.run("process-incoming").ok()
    oracle.incoming(on_disk(platform))
    check(platform, oracle)
    assert platform.statuses() == {
        f"{CT}20211201-1.csv.gz": "ready_for_erroring", f"{ODS}LOAD1.csv.gz": "ready", f"{ODS}LOAD2.csv.gz": "ready", f"{CT}20211201-2.csv.gz": "ready",
        f"{ODS}LOAD3.csv.gz": "ready_for_erroring", f"{DMAP}a.csv.gz": "ready", f"{DMAP}deep/b.csv.gz": "ready",
    }
    assert platform.sql("SELECT count(*) FROM cubic_loads WHERE is_raw AND inserted_at = updated_at") == [["7"]]
    assert platform.sql("SELECT extract(epoch FROM snapshot)::bigint FROM cubic_ods_table_snapshots") == [[str(DAY + 1)]]
    platform.run("process-incoming").ok()
    check(platform, oracle)


def test_equal_seconds_and_limits(platform):
    """More files in one second than a pass takes, more in the same second later, one that comes late: each once."""
    for i in range(12):
        platform.put(f"{DMAP}{i:02}.csv.gz", at=DAY)
    for i in range(4):
        platform.put(f"{CT}{i}.csv.gz", at=DAY - 5 - i)
        platform.put(f"{ODS}{i}.csv.gz", at=DAY + 5 - i)
    platform.put(f"{ODS}LOAD1.csv.gz", at=DAY - 100)
    oracle = Oracle(TABLES, limit=5)
    for step in range(5):
        platform.run("process-incoming", LIMIT=5).ok()
        oracle.incoming(on_disk(platform))
        check(platform, oracle)
        if step == 2:
            platform.put(f"{DMAP}again.csv.gz", at=DAY)
            platform.put(f"{DMAP}late.csv.gz", at=DAY - 3000)
            platform.put(f"{DMAP}too-late.csv.gz", at=DAY - 4000)
    keys = [r[0] for r in platform.loads()]
    assert len(keys) == len(set(keys)) == 12 + 9 + 2 and f"{DMAP}too-late.csv.gz" not in keys
    platform.put(f"{DMAP}00.csv.gz", b"another", at=DAY + 9)
    platform.run("process-incoming", LATE_SECONDS=0).ok()
    assert [r[0] for r in platform.loads()][-1] == f"{DMAP}00.csv.gz"
    # The stack has events beside it, which move the mark: nothing of a year is too late there.
    platform.run("process-incoming", LATE_SECONDS=31536000).ok()
    assert [r[0] for r in platform.loads()][-1] == f"{DMAP}too-late.csv.gz" and len(platform.loads()) == len(keys) + 2


def test_random_arrivals(platform):
    dice, oracle = random.Random(7), Oracle(TABLES, limit=40)
    for step in range(4):
        for i in range(60):
            folder = dice.choice((ODS, CT, DMAP))
            platform.put(f"{folder}{step}-{i}.csv.gz", b"x" * dice.choice((0, 1, 3)), at=DAY + step * 10 + dice.randrange(10))
        if dice.random() < 0.7:
            platform.put(f"{ODS}LOAD1.csv.gz", at=DAY + step * 10 + 5)
        platform.run("process-incoming", LIMIT=40).ok()
        oracle.incoming(on_disk(platform))
        check(platform, oracle)
        platform.run("validate-incoming", DFM="N", INCOMING_DATABASE=None, LIMIT=30).ok()
        oracle.validate(30)
        check(platform, oracle)


def test_several_at_once_register_each_file_once(platform):
    for i in range(300):
        platform.put(f"{DMAP}{i:03}.csv.gz", at=DAY + i // 50)
    workers = [platform.start("process-incoming", platform.tmp / f"w{i}", LIMIT=40) for i in range(6)]
    for w in workers:
        out = w.communicate(timeout=60)
        assert w.returncode == 0, out
    platform.run("process-incoming").ok()
    keys = [r[0] for r in platform.loads()]
    assert len(keys) == len(set(keys)) == 300


def test_a_bucket_with_a_prefix(tmp_path, postgres, request, cloud):
    """More objects than a page of a list."""
    s3 = cloud.client("s3", endpoint=cloud.endpoint)
    make_bucket(cloud, "incoming-test")
    platform = Platform(tmp_path, postgres, make_database(postgres, request), {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"})
    keys = [f"{DMAP}{i}.csv.gz" for i in range(1005)] + [f"{ODS}LOAD1.csv.gz"]

    def put(part):
        for key in part:
            s3.put_object(Bucket="incoming-test", Key=f"me/in/{key}", Body=b"x")

    threads = [threading.Thread(target=put, args=(keys[i::4],)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for _ in range(3):
        platform.run("process-incoming", INCOMING="s3://incoming-test/me", PREFIX="in/").ok()
    assert sorted(r[0] for r in platform.loads()) == sorted(keys)
    head = s3.head_object(Bucket="incoming-test", Key=f"me/in/{ODS}LOAD1.csv.gz")["LastModified"]
    assert {r[4] for r in platform.loads() if r[0].startswith(ODS)} == {int(head.timestamp())}
    platform.run("process-incoming", INCOMING="s3://no-such-bucket").fails(1, "no-such-bucket")


def test_a_database_that_is_behind(tmp_path, postgres, request):
    database = make_database(postgres, request)
    env = {**postgres.env, "PGDATABASE": database}
    (tmp_path / "in").mkdir()
    words = {"INCOMING": tmp_path / "in", "POSTGRES": "env"}
    words = [str(w) for k, v in words.items() for w in (f"--{k}", v)]
    run_job(tmp_path, "process-incoming", *words, env=env).fails(1, "is behind on migrations: it has none", "run the job migrate")
    migrate(tmp_path, postgres, database, TO=1).ok()
    run_job(tmp_path, "process-incoming", *words, env=env).fails(1, "is behind on migrations: it is at 1")
    run_job(tmp_path, "process-incoming", *words, env={**env, "PGPORT": "1"}).fails(1, "cannot connect")
    run_job(tmp_path, "process-incoming", *words, "--EVERY", "5", "--ONCE", env=env).fails(2, "--EVERY and --ONCE")
    run_job(tmp_path, "process-incoming", *words, "--LIMIT", "0", env=env).fails(2, "--LIMIT '0'")
    run_job(tmp_path, "validate-incoming", *words, env=env).fails(2, "--INCOMING_DATABASE is missing")


# --- descriptions ---


def dfm(*names):
    return json.dumps({"dfmVersion": "1.1", "dataInfo": {"columns": [{"ordinal": i + 1, "name": n} for i, n in enumerate(names)]}}).encode()


@pytest.fixture
def catalog(tmp_path, postgres, request, cloud):
    """A platform beside a cloud whose catalog has the table and its change data's."""
    platform = Platform(tmp_path, postgres, make_database(postgres, request), {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"})
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "incoming"})
    for name, columns in (("cubic_ods_qlik__edw_sample", "sample_id sample_name"), ("cubic_ods_qlik__edw_sample__ct", "header__change_seq sample_id sample_name")):
        descriptor = {"Columns": [{"Name": c, "Type": "string"} for c in columns.split()], "Location": "s3://x/"}
        glue.create_table(DatabaseName="incoming", TableInput={"Name": name, "StorageDescriptor": descriptor})
    platform.glue = glue
    return platform


def test_descriptions(catalog):
    good = {f"{ODS}LOAD1": dfm("SAMPLE_ID", "Sample_Name"), f"{CT}1": dfm("header__change_seq", "SAMPLE_ID", "SAMPLE_NAME")}
    bad = {
        f"{ODS}LOAD2": (dfm("SAMPLE_NAME", "SAMPLE_ID"), "its column 1 is 'sample_name', that of table 'cubic_ods_qlik__edw_sample' is 'sample_id'"),
        f"{ODS}LOAD3": (dfm("SAMPLE_ID"), "it has 1 columns, the table 'cubic_ods_qlik__edw_sample' has 2"),
        f"{ODS}LOAD4": (dfm("SAMPLE_ID", "SAMPLE_NAME", "MORE"), "it has 3 columns"), f"{ODS}LOAD5": (b"{\"dataInfo\": ", "it is no JSON"),
        f"{ODS}LOAD6": (b"[]", "it has no list dataInfo.columns"), f"{ODS}LOAD7": (b"{\"dataInfo\":{\"columns\":[{}]}}", "its column 1 has no name"),
        f"{ODS}LOAD8": (None, "it is missing"), f"{CT}2": (dfm("SAMPLE_ID", "SAMPLE_NAME"), "its column 1 is 'sample_id'"),
    }
    for i, key in enumerate([*good, *bad]):
        catalog.put(f"{key}.csv.gz", at=DAY + i)
        text = good.get(key) or bad[key][0]
        if text is not None:
            catalog.put(f"{key}.dfm", text)
    catalog.put(f"{DMAP}a.csv.gz", at=DAY)
    catalog.run("process-incoming").ok()
    result = catalog.run("validate-incoming").ok()
    want = {f"{k}.csv.gz": "ready_for_ingesting" for k in good} | {f"{k}.csv.gz": "ready_for_erroring" for k in bad}
    assert catalog.statuses() == want | {f"{DMAP}a.csv.gz": "ready_for_ingesting"}
    for key, (_, why) in bad.items():
        assert [line for line in result.stderr.splitlines() if f'key="{key}.csv.gz"' in line and why in line], (key, why, result)


def test_a_table_that_is_not_in_the_catalog_waits(catalog):
    catalog.glue.delete_table(DatabaseName="incoming", Name="cubic_ods_qlik__edw_sample")
    for key in (f"{ODS}LOAD1", f"{CT}1"):
        catalog.put(f"{key}.csv.gz", at=DAY)
    catalog.put(f"{DMAP}a.csv.gz", at=DAY)
    catalog.run("process-incoming").ok()
    catalog.run("validate-incoming").fails(1, "there is no table 'incoming.cubic_ods_qlik__edw_sample' in the catalog")
    assert catalog.statuses() == {f"{ODS}LOAD1.csv.gz": "ready", f"{CT}1.csv.gz": "ready", f"{DMAP}a.csv.gz": "ready_for_ingesting"}
    catalog.run("validate-incoming", DFM="N").ok()
    assert set(catalog.statuses().values()) == {"ready_for_ingesting"}
