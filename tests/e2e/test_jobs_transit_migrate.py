"""migrate: the metadata's tables and indexes, up and down, and everything that must stop it."""
import json
import os
import shutil
import threading

import pytest
from jobs import run_job
from transit import MIGRATIONS, make_bucket, make_database, migrate

pytestmark = pytest.mark.long

COLUMNS = {
    "cubic_tables": "name:varchar(500)! s3_prefix:varchar(1000)! is_raw:bool is_active:bool",
    "cubic_loads": "table_id:int8! status:varchar(100)! s3_key:varchar(1000)! s3_modified:timestamp(0)! s3_size:int8! is_raw:bool",
    "cubic_ods_table_snapshots": "table_id:int8! snapshot:timestamp(0) snapshot_s3_key:varchar(1000)!",
    "cubic_ods_load_snapshots": "load_id:int8! snapshot:timestamp(0)",
    "cubic_dmap_feeds": "relative_url:varchar(1000)! last_updated_at:timestamp(6)",
    "cubic_dmap_datasets": "feed_id:int8! type:varchar(500)! identifier:varchar(500)! start_date:date! end_date:date! last_updated_at:timestamp(6)!",
}
INDEXES = {
    "cubic_tables (name) unique", "cubic_tables (s3_prefix) unique", "cubic_loads (status, deleted_at)", "cubic_loads (s3_key, s3_modified, deleted_at)",
    "cubic_loads (table_id, deleted_at)", "cubic_loads (status, table_id, deleted_at)", "cubic_loads (s3_modified DESC)",
    "cubic_ods_table_snapshots (table_id)", "cubic_ods_load_snapshots (load_id, deleted_at)", "cubic_dmap_feeds (relative_url) unique",
    "cubic_dmap_datasets (identifier) unique",
}


@pytest.fixture
def database(postgres, request):
    return make_database(postgres, request)


@pytest.fixture
def own(tmp_path):
    """A copy of the migrations that a test may change."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


def tables(postgres, database):
    return [r[0] for r in postgres.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", database)]


def versions(postgres, database):
    return [int(r[0]) for r in postgres.psql("SELECT version FROM schema_migrations ORDER BY 1", database)]


def column(name, kind, length, precision, nullable):
    precise = {"varchar": f"({length})", "timestamp": f"({precision})"}.get(kind, "")
    return f"{name}:{kind}{precise}{'' if nullable == 'YES' else '!'}"


def test_tables_and_indexes(tmp_path, postgres, database):
    migrate(tmp_path, postgres, database, TO=1).ok()
    assert tables(postgres, database) == sorted([*COLUMNS, "schema_migrations"])
    for table, own_columns in COLUMNS.items():
        rows = postgres.psql(
            f"SELECT column_name, udt_name, character_maximum_length, datetime_precision, is_nullable FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position", database,
        )
        got = [column(*r) for r in rows]
        assert got == ["id:int8!", *own_columns.split(), "deleted_at:timestamp(0)", "inserted_at:timestamp(0)!", "updated_at:timestamp(0)!"], table
        assert postgres.psql(f"SELECT pg_get_serial_sequence('{table}', 'id')", database) == [[f"public.{table}_id_seq"]]
    rows = postgres.psql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%pkey'", database)
    found = {r[0].split(" ON public.")[1].replace(" USING btree", "") + (" unique" if r[0].startswith("CREATE UNIQUE") else "") for r in rows}
    assert found == INDEXES
    assert postgres.psql("SELECT count(*) FROM pg_constraint WHERE contype = 'f'", database) == [["0"]]


def test_up_down_status(tmp_path, postgres, database, own):
    last = len([n for n in os.listdir(own) if n.endswith(".sql")])
    assert migrate(tmp_path, postgres, database, action="status").ok().stdout.count("state=pending") == last
    assert tables(postgres, database) == []
    migrate(tmp_path, postgres, database).ok()
    migrate(tmp_path, postgres, database).ok()
    assert versions(postgres, database) == list(range(1, last + 1))
    rows = postgres.psql("SELECT t.name, s3_prefix, is_raw, is_active, snapshot, snapshot_s3_key FROM cubic_tables t LEFT JOIN cubic_ods_table_snapshots s ON table_id = t.id ORDER BY t.name LIMIT 2", database)
    assert rows == [
        ["cubic_dmap__agg_sample", "cubic/dmap/agg_sample/", "t", "t", "", ""],
        ["cubic_ods_qlik__edw_sample", "cubic/ods_qlik/EDW.SAMPLE/", "t", "t", "", "cubic/ods_qlik/EDW.SAMPLE/LOAD1.csv.gz"],
    ]
    assert migrate(tmp_path, postgres, database, action="status").ok().stdout.count("state=applied") == last
    migrate(tmp_path, postgres, database, action="down").ok()
    assert versions(postgres, database) == list(range(1, last))
    migrate(tmp_path, postgres, database, action="down", TO=1).ok()
    assert versions(postgres, database) == [1] and "cubic_loads" in tables(postgres, database)
    migrate(tmp_path, postgres, database, action="down", TO=0).ok()
    migrate(tmp_path, postgres, database, action="down").ok()
    assert tables(postgres, database) == ["schema_migrations"] and versions(postgres, database) == []
    migrate(tmp_path, postgres, database, TO=last + 1).fails(2, f"the last migration is {last}")
    migrate(tmp_path, postgres, database, action="status", TO=1).fails(2, "--TO")
    migrate(tmp_path, postgres, database, action="sideways").fails(2, "none of up, down, status")


def test_a_changed_or_missing_migration_is_refused(tmp_path, postgres, database, own):
    migrate(tmp_path, postgres, database, own, TO=2).ok()
    first = own / "0001_metadata.sql"
    text = first.read_text()
    first.write_text(text + "\n")
    for action in ("up", "down"):
        migrate(tmp_path, postgres, database, own, action=action).fails(1, "'metadata' was applied at", "is changed since")
    result = migrate(tmp_path, postgres, database, own, action="status").fails(1, "state=changed")
    assert "version=2 name=ingest_chunks state=applied" in result.stdout
    first.write_text(text)
    (own / "0002_ingest_chunks.sql").rename(own / "second")
    (own / "0003_sample_tables.sql").unlink()
    for path in own.glob("000[4-9]*"):
        path.unlink()
    migrate(tmp_path, postgres, database, own).fails(1, "'ingest_chunks' was applied at", "is missing since")
    assert versions(postgres, database) == [1, 2]


def test_a_step_that_fails_leaves_nothing(tmp_path, postgres, database, own):
    for path in own.glob("000[3-9]*"):
        path.unlink()
    (own / "0003_odd.sql").write_text("-- up\nCREATE TABLE made (a int);\nINSERT INTO made VALUES ('x');\n-- down\nDROP TABLE made;\n")
    migrate(tmp_path, postgres, database, own).fails(1, "migration 3 'odd' up", "invalid input syntax")
    assert versions(postgres, database) == [1, 2] and "made" not in tables(postgres, database)
    (own / "0003_odd.sql").write_text("-- up\nCREATE TABLE made (a int); COMMIT;\n-- down\n")
    migrate(tmp_path, postgres, database, own).fails(1, "it ends its transaction by itself")
    assert versions(postgres, database) == [1, 2]


def test_a_side_without_statements(tmp_path, postgres, database, own):
    """What cannot be taken back, or was done by hand, is a migration too."""
    for path in own.glob("000[3-9]*"):
        path.unlink()
    (own / "0003_kept.sql").write_text("-- up\nCREATE TABLE kept (a int);\n-- down\n-- The table stays.\n")
    (own / "0004_nothing.sql").write_text("-- up\n-- down\n;\n")
    migrate(tmp_path, postgres, database, own).ok()
    assert versions(postgres, database) == [1, 2, 3, 4]
    migrate(tmp_path, postgres, database, own, action="down", TO=2).ok()
    assert versions(postgres, database) == [1, 2] and "kept" in tables(postgres, database)


@pytest.mark.parametrize("name, text, why", [
    ("0004_x.sql", "-- up\n-- down\n", "there is no migration of number 3"), ("0002_x.sql", "-- up\n-- down\n", "two migrations have the number 2"),
    ("x.sql", "-- up\n-- down\n", "is not named <number>_<name>.sql"), ("0003_.sql", "-- up\n-- down\n", "is not named"),
    ("0003_x.sql", "SELECT 1;\n", "'-- up' is missing"), ("0003_x.sql", "-- up\nSELECT 1;\n", "'-- down' is missing"),
    ("0003_x.sql", "-- up\n-- UP\n-- down\n", "stands twice"), ("0003_x.sql", "-- up\n\0-- down\n", "is no text"),
])
def test_files_that_are_none(tmp_path, postgres, database, own, name, text, why):
    for path in own.glob("000[3-9]*"):
        path.unlink()
    (own / name).write_text(text)
    migrate(tmp_path, postgres, database, own).fails(1, why)
    assert tables(postgres, database) == []


def test_two_at_once(tmp_path, postgres, database):
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(migrate(tmp_path / str(i), postgres, database))) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [r.ok().code for r in results] == [0, 0, 0]
    assert sorted(r.stdout.count(" applied ") for r in results)[:2] == [0, 0]


def test_migrations_in_a_bucket_and_a_secret(tmp_path, postgres, database, cloud):
    s3, secrets = cloud.client("s3"), cloud.client("secretsmanager")
    make_bucket(cloud, "operations")
    for name in os.listdir(MIGRATIONS):
        s3.upload_file(os.path.join(MIGRATIONS, name), "operations", f"x/migrations/{name}")
    secrets.create_secret(Name="metadata", SecretString=json.dumps(postgres.secret(dbname=database)))
    words = ["--MIGRATIONS", "s3://operations/x/migrations", "--ACTION", "up", "--POSTGRES_SECRET", "metadata"]
    result = run_job(tmp_path, "migrate", *words, env={**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}).ok()
    assert "version=1 name=metadata" in result.stdout and postgres.password not in repr(result)
    assert "cubic_loads" in tables(postgres, database)


def test_a_database_that_is_down(tmp_path, postgres, database):
    migrate(tmp_path, postgres, database, env={"PGPORT": "1"}).fails(1, "cannot connect")
    migrate(tmp_path, postgres, "nowhere").fails(1, "does not exist")
    words = ["--MIGRATIONS", MIGRATIONS, "--ACTION", "up"]
    run_job(tmp_path, "migrate", *words).fails(2, "none is given")
    run_job(tmp_path, "migrate", *words, "--POSTGRES", "env", "--POSTGRES_SECRET", "x").fails(2, "both are given")
    run_job(tmp_path, "migrate", "--MIGRATIONS", tmp_path, "--ACTION", "up", "--POSTGRES", "env", env=postgres.env).fails(1, "there is no migration")
