"""Views in the local Athena: made, replaced, read, described and dropped by SQL, kept in the catalog as Athena keeps them."""
import base64
import json

from lake import execute
from test_local_athena_json import Lake, lake  # noqa: F401


def view_of(lake, name):  # noqa: F811
    table = lake.glue.get_table(DatabaseName="lake", Name=name)["Table"]
    text = table["ViewOriginalText"]
    assert table["TableType"] == "VIRTUAL_VIEW" and text.startswith("/* Presto View: ") and text.endswith(" */")
    return table, json.loads(base64.b64decode(text[len("/* Presto View: "):-len(" */")]))


def do(lake, sql, **more):  # noqa: F811
    execution = execute(lake.athena, sql, **more)
    assert execution["Status"]["State"] == "SUCCEEDED", (sql, execution["Status"])
    return execution


def test_views(lake):  # noqa: F811
    lake.table("orders", {"id": "int", "name": "string", "price": "decimal(10,2)", "tags": "array<string>"}, [
        {"id": 1, "name": "Ann", "price": 2.5, "tags": ["a"]}, {"id": 2, "name": "Bo", "price": 4}, {"id": 3, "name": "Ann", "price": 1}])
    made = do(lake, "-- sums\nCREATE VIEW sums AS\nSELECT name AS who, count(*) AS n, sum(price) AS total, array_agg(tags) AS tags FROM orders GROUP BY name ;\n")
    assert made["StatementType"] == "DDL" and made["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    assert lake.query("SELECT who, n, total FROM sums ORDER BY who") == [["Ann", "2", "3.50"], ["Bo", "1", "4.00"]]
    # As Athena keeps it: other tools read the columns, Athena its own text.
    table, view = view_of(lake, "sums")
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("who", "string"), ("n", "bigint"), ("total", "decimal(38,2)"), ("tags", "array<array<string>>")]
    assert view["originalSql"].startswith("SELECT name AS who") and view["originalSql"].endswith("GROUP BY name") and view["schema"] == "lake"
    assert view["columns"][:2] == [{"name": "who", "type": "varchar"}, {"name": "n", "type": "bigint"}]
    # With an alias, joined to itself, under WITH names of its own and the query's, in a view of a view, from another database.
    assert lake.query("SELECT a.who, b.n FROM sums a JOIN sums b ON a.who = b.who WHERE a.n > 1") == [["Ann", "2"]]
    do(lake, 'CREATE OR REPLACE VIEW "lake"."top" AS WITH orders AS (SELECT * FROM sums) SELECT who FROM orders ORDER BY n DESC LIMIT 1')
    assert lake.query("WITH sums AS (SELECT 1 AS x) SELECT top.who, x FROM top, sums") == [["Ann", "1"]]
    lake.glue.create_database(DatabaseInput={"Name": "other"})
    do(lake, "CREATE VIEW other.far AS SELECT who FROM top")
    assert lake.query('SELECT lake.top.who, far.who FROM lake.top JOIN "other"."far" ON true') == [["Ann", "Ann"]]
    assert [r[0] for r in lake.query("SHOW VIEWS")] == ["sums", "top"] and [r[0].split()[0] for r in lake.query("DESCRIBE top")] == ["who"]
    # What lies behind is read anew.
    lake.put("orders/more.json", [{"id": 4, "name": "Cy", "price": 9}] * 5)
    assert lake.query("SELECT who FROM top") == [["Cy"]]
    do(lake, "CREATE OR REPLACE VIEW sums AS SELECT name AS who, count(*) * 2 AS n FROM orders GROUP BY 1")
    assert lake.query("SELECT * FROM sums WHERE who = 'Cy'") == [["Cy", "10"]]
    do(lake, "DROP VIEW IF EXISTS other.far")
    do(lake, "DROP VIEW IF EXISTS other.far")
    assert "far" in lake.refusal("SELECT * FROM other.far")


def test_what_a_view_may_not_be(lake):  # noqa: F811
    lake.table("t", {"a": "int", "b": "string"}, [{"a": 1, "b": "x"}])
    do(lake, "CREATE VIEW v AS SELECT a, b FROM t")
    for sql, words in (
        ("CREATE VIEW v AS SELECT 1 AS a", "line 1:1: View already exists: 'awsdatacatalog.lake.v'"),
        ("CREATE OR REPLACE VIEW t AS SELECT 1 AS a", "Table already exists: 'awsdatacatalog.lake.t'"),
        ("CREATE VIEW w AS SELECT count(*) FROM t", "MISSING_COLUMN_NAME"),
        ("CREATE VIEW w AS SELECT a, a FROM t", "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a'"),
        ("CREATE VIEW w AS SELECT nope FROM t", "Column 'nope' cannot be resolved"),
        ("CREATE VIEW w AS DELETE FROM t", "NOT_SUPPORTED"),
        ("CREATE VIEW w SELECT 1", "mismatched input 'select'"),
        ("CREATE VIEW w AS", ""),
        ("CREATE VIEW nowhere.w AS SELECT 1 AS a", "nowhere"),
        ("DROP TABLE v", "Cannot drop a view with DROP TABLE"),
        ("DROP VIEW t", "Cannot drop a base table with DROP VIEW"),
        ("DROP VIEW w", "EntityNotFoundException"),
    ):
        assert words in lake.refusal(sql), sql
    assert [r[0] for r in lake.query("SHOW VIEWS")] == ["v"]
    # Its table has changed, or is gone; it names itself; it is no view of Athena's.
    change = lake.glue.get_table(DatabaseName="lake", Name="t")["Table"]
    change = {k: change[k] for k in ("Name", "TableType", "StorageDescriptor", "PartitionKeys")}
    change["StorageDescriptor"]["Columns"][0]["Type"] = "double"
    lake.glue.update_table(DatabaseName="lake", TableInput=change)
    assert "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.lake.v'" in lake.refusal("SELECT * FROM v")
    do(lake, "DROP TABLE t")
    assert "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.lake.v': TABLE_NOT_FOUND" in lake.refusal("SELECT * FROM v")
    do(lake, "CREATE OR REPLACE VIEW v AS SELECT 1 AS a")
    do(lake, "CREATE OR REPLACE VIEW w AS SELECT a FROM v")
    do(lake, "CREATE OR REPLACE VIEW v AS SELECT x.a FROM w x, w y")
    assert "VIEW_IS_RECURSIVE" in lake.refusal("SELECT * FROM v")
    lake.glue.create_table(DatabaseName="lake", TableInput={"Name": "hive", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select 1"})
    assert "none of Athena's" in lake.refusal("SELECT * FROM hive")
