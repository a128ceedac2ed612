"""process-new-table: a table of the incoming catalog, and what it needs in the database and the springboard's catalog."""
import gzip
import json

import pytest

from exabel_jobs import Bucket
from jobs import run_job
from transit import make_database, migrate

pytestmark = pytest.mark.long

NAME = "cubic_ods_qlik__edw_trip"
COLUMNS = ["trip_id", "trip_name", "edw_inserted_dtm"]
CHANGES = ["header__change_seq", "header__change_oper", "header__timestamp"]
DFM = {"dataInfo": {"columns": [
    {"name": "TRIP_ID", "type": "INT4", "primaryKeyPos": 1}, {"name": "TRIP_NAME", "type": "STRING", "primaryKeyPos": 0},
    {"name": "EDW_INSERTED_DTM", "type": "DATETIME", "primaryKeyPos": 0},
]}}


class Lake:
    """Two buckets, two databases, and the catalog as a crawl of the incoming bucket leaves it."""

    def __init__(self, tmp, cloud, postgres, database):
        self.tmp, self.postgres, self.database, self.glue = tmp, postgres, database, cloud.client("glue")
        self.incoming, self.springboard = Bucket(cloud, "t-incoming"), Bucket(cloud, "t-springboard")
        for name in ("t_incoming", "t_springboard"):
            self.glue.create_database(DatabaseInput={"Name": name})
        self.env = {**self.incoming.env, **postgres.env, "PGDATABASE": database}

    def crawled(self, name, location, columns):
        listed = [{"Name": c, "Type": "string"} for c in columns]
        self.glue.create_table(DatabaseName="t_incoming", TableInput={
            "Name": name, "StorageDescriptor": {"Columns": listed, "Location": location}, "Parameters": {"classification": "csv"},
        })

    def put(self, key, data):
        self.incoming.s3.put_object(Bucket="t-incoming", Key=key, Body=data)

    def run(self, table=NAME, **options):
        given = {
            "TABLE": table, "INCOMING": "s3://t-incoming", "SPRINGBOARD": "s3://t-springboard", "INCOMING_DATABASE": "t_incoming",
            "SPRINGBOARD_DATABASE": "t_springboard", **options,
        }
        return run_job(self.tmp, "process-new-table", *[w for k, v in given.items() for w in (f"--{k}", v)], env=self.env)

    def sql(self, text):
        return self.postgres.psql(text, self.database)

    def tables(self):
        return {t["Name"]: t for t in self.glue.get_tables(DatabaseName="t_springboard")["TableList"]}


@pytest.fixture
def lake(tmp_path, cloud, postgres, request):
    database = make_database(postgres, request)
    migrate(tmp_path, postgres, database).ok()
    lake = Lake(tmp_path, cloud, postgres, database)
    lake.crawled(NAME, "s3://t-incoming/cubic/ods_qlik/EDW.TRIP/", COLUMNS)
    lake.crawled(f"{NAME}__ct", "s3://t-incoming/cubic/ods_qlik/EDW.TRIP__ct/", [*CHANGES, *COLUMNS])
    lake.put("cubic/ods_qlik/EDW.TRIP/LOAD1.csv.gz", gzip.compress(b"TRIP_ID,TRIP_NAME,EDW_INSERTED_DTM\n1,a,2021-12-01 11:20:30.4444444\n"))
    lake.put("cubic/ods_qlik/EDW.TRIP/LOAD1.dfm", json.dumps(DFM).encode())
    return lake


def parts(result):
    """(migration, template, arguments) of what is printed."""
    text = result.stdout.partition("### migration\n")[2]
    migration, _, text = text.partition("\n### template of the catalog's tables\n")
    template, _, text = text.partition("\n### arguments of the first run of ingest\n")
    return migration, template, text[: text.rindex("}\n") + 1] if "}\n" in text else text


def test_dry_run(lake, tmp_path, run_glueproj, cloud):
    """Nothing is made; what is printed does it: the migration by migrate, the template by glueproj, the first run by ingest."""
    before = lake.sql("SELECT count(*) FROM cubic_tables")
    migration, template, arguments = parts(lake.run().ok())
    assert lake.tables() == {} and lake.sql("SELECT count(*) FROM cubic_tables") == before
    sql = migration.partition("-- up\n")[2]
    up, _, down = sql.partition("\n-- down\n")
    lake.sql(up)
    assert lake.sql(
        "SELECT t.name, s3_prefix, is_raw, is_active, snapshot, snapshot_s3_key FROM cubic_tables t JOIN cubic_ods_table_snapshots s ON s.table_id = t.id "
        f"WHERE t.name = '{NAME}'"
    ) == [[NAME, "cubic/ods_qlik/EDW.TRIP/", "t", "t", "", "cubic/ods_qlik/EDW.TRIP/LOAD1.csv.gz"]]
    lake.sql(down)
    assert lake.sql("SELECT count(*) FROM cubic_tables") == before
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tables.yaml").write_text(template)
    (folder / "glueproj.yaml").write_text("Project: new-table\nStacks: [tables]\n")
    run_glueproj("-p", folder, "setup", env=cloud.checked_env()).ok()
    made = lake.tables()
    assert sorted(made) == [f"raw_{NAME}", f"raw_{NAME}__ct"] and lake.springboard.keys() == []
    words = [w for k, v in json.loads(arguments).items() for w in (k, v)]
    run_job(tmp_path, "ingest", *words, env=lake.env).ok()
    assert [k.rpartition("/")[0].partition("snapshot=")[0] for k in lake.springboard.keys()] == ["raw/cubic/ods_qlik/EDW.TRIP/"]
    assert [t["StorageDescriptor"]["Columns"] for t in lake.tables().values()] == [t["StorageDescriptor"]["Columns"] for t in made.values()]


def test_apply(lake):
    """Rows and tables, once; typed columns by the snapshot's description; what is there stays as it is."""
    lake.run(APPLY="Y", POSTGRES="env").ok()
    made = lake.tables()
    assert sorted(made) == [f"raw_{NAME}", f"raw_{NAME}__ct"]
    changes = made[f"raw_{NAME}__ct"]
    assert [(c["Name"], c["Type"]) for c in changes["StorageDescriptor"]["Columns"]] == [(c, "string") for c in CHANGES + COLUMNS]
    assert changes["StorageDescriptor"]["Location"] == "s3://t-springboard/raw/cubic/ods_qlik/EDW.TRIP__ct/"
    assert [k["Name"] for k in changes["PartitionKeys"]] == ["snapshot", "identifier"]
    rows = lake.sql("SELECT id, name, is_raw, updated_at FROM cubic_tables ORDER BY id")
    result = lake.run(APPLY="Y", POSTGRES="env", RAW="N").ok()
    assert f"row table={NAME} state=there" in result.stdout
    assert lake.sql("SELECT id, name, is_raw, updated_at FROM cubic_tables ORDER BY id") == rows
    assert [c["Type"] for c in lake.tables()[NAME]["StorageDescriptor"]["Columns"]] == ["bigint", "string", "timestamp"]
    assert lake.sql("SELECT count(*) FROM cubic_ods_table_snapshots WHERE snapshot_s3_key LIKE '%TRIP%'") == [["1"]]


def test_other_tables(lake):
    """One of DMAP, below a prefix and without a file; unknown ones; one that lies elsewhere; wrong arguments."""
    lake.crawled("cubic_dmap__agg_x", "s3://t-incoming/dev/cubic/dmap/agg_x", ["a", "b"])
    result = lake.run("cubic_dmap__agg_x", PREFIX="dev/", APPLY="Y", POSTGRES="env").ok()
    assert "(none yet: 's3://t-incoming/dev/cubic/dmap/agg_x/' holds no file)" in result.stdout
    assert lake.sql("SELECT s3_prefix FROM cubic_tables WHERE name = 'cubic_dmap__agg_x'") == [["cubic/dmap/agg_x/"]]
    table = lake.tables()["raw_cubic_dmap__agg_x"]
    assert [k["Name"] for k in table["PartitionKeys"]] == ["identifier"]
    assert table["StorageDescriptor"]["Location"] == "s3://t-springboard/dev/raw/cubic/dmap/agg_x/"
    before = lake.sql("SELECT count(*) FROM cubic_tables")
    lake.run("nothing", APPLY="Y", POSTGRES="env").fails(1, "table not found: nothing: there is no table 't_incoming.nothing' in the catalog", "run the crawler")
    lake.run(INCOMING_DATABASE="other").fails(1, "there is no database 'other'")
    lake.run(PREFIX="dev/").fails(1, "which is not below 's3://t-incoming/dev/'")
    lake.run(f"{NAME}__ct").fails(2, "its changes come with it")
    lake.run(APPLY="yes").fails(2, "--APPLY")
    lake.run(APPLY="Y").fails(2, "--POSTGRES")
    assert lake.sql("SELECT count(*) FROM cubic_tables") == before
