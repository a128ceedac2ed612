"""AWS::Glue::Table: a table whose schema the template says, over objects that no crawler sees."""
import json

import pytest
from shop import Shop

SERDE = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
COLUMNS = [{"Name": "tapid", "Type": "string"}, {"Name": "stopid", "Type": "int"}]


def template(columns=None, **table_input):
    table = {"Name": "Taps", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "json"}, "StorageDescriptor": {
        "Columns": columns or COLUMNS, "Location": "s3://taps-records/taps/", "SerdeInfo": SERDE,
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat", "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"}}
    return json.dumps({"Resources": {
        "Records": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taps-records"}},
        "Group": {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": "taps", "WorkGroupConfiguration": {
            "ResultConfiguration": {"OutputLocation": "s3://taps-records/results/"}}}},
        "Database": {"Type": "AWS::Glue::Database", "Properties": {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Name": "taps_db"}}},
        "Taps": {"Type": "AWS::Glue::Table", "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseName": {"Ref": "Database"}, "TableInput": {**table, **table_input}}},
    }})


@pytest.fixture
def taps(run_glueproj, cloud):
    return Shop(run_glueproj, cloud, **{"glueproj.yaml": "Project: taps\nStacks: [all]\n", "all.yaml": template()})


def test_life_of_a_table(taps, cloud):
    taps("setup").ok()
    cloud.client("s3").put_object(Bucket="taps-records", Key="taps/1.json", Body=b'{"tapid": "a", "stopid": 4}\n{"tapid": "b"}\n')
    assert taps("query", "select * from taps order by tapid").ok().json["rows"] == [["a", "4"], ["b", None]]
    glue, where = cloud.client("glue"), {"DatabaseName": "taps_db", "Name": "taps"}
    # One that others made a different table of is brought back, parameters of nobody's too.
    live = glue.get_table(**where)["Table"]
    definition = {k: live[k] for k in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    glue.update_table(DatabaseName="taps_db", TableInput={**definition, "Description": "not ours", "Parameters": {"classification": "csv", "more": "x"}})
    assert taps("setup").ok().actions()["all", "Taps"] == "update"
    found = glue.get_table(**where)["Table"]
    assert found["Parameters"] == {"classification": "json"} and "Description" not in found
    # What a crawler noted is its own.
    glue.update_table(DatabaseName="taps_db", TableInput={**definition, "Parameters": {"classification": "json", "UPDATED_BY_CRAWLER": "c", "recordCount": "2"}})
    assert set(taps("setup").ok().actions().values()) == {"none"}
    # Columns as in the template, one more or one less.
    for columns in (COLUMNS + [{"Name": "deviceid", "Type": "string"}], COLUMNS[:1]):
        taps.write("all.yaml", template(columns))
        assert taps("setup").ok().actions()["all", "Taps"] == "update"
        assert glue.get_table(**where)["Table"]["StorageDescriptor"]["Columns"] == columns
        assert set(taps("setup").ok().actions().values()) == {"none"}
    # Gone behind our back: made again. Gone from the template: taken away.
    glue.delete_table(**where)
    assert taps("setup").ok().actions()["all", "Taps"] == "create"
    without = json.loads(template())
    del without["Resources"]["Taps"]
    taps.write("all.yaml", json.dumps(without))
    taps("setup").ok()
    assert not glue.get_tables(DatabaseName="taps_db")["TableList"]
    taps.write("all.yaml", template())
    taps("setup").ok()
    taps("teardown", "--yes").ok()


def test_what_is_refused(taps):
    for change, wanted in (
        ({"OpenTableFormatInput": {"IcebergInput": {"MetadataOperation": "CREATE"}}}, "property 'OpenTableFormatInput' is not supported yet"),
        ({"TableInput": {"Ref": "AWS::NoValue"}}, "a table needs TableInput"),
        ({"Name": "other"}, "Name 'other' and TableInput.Name 'Taps' differ"),
        ({"DatabaseName": {"Ref": "AWS::NoValue"}}, "property 'DatabaseName' is missing"),
    ):
        text = json.loads(template())
        text["Resources"]["Taps"]["Properties"].update(change)
        taps.write("all.yaml", json.dumps(text))
        taps("validate").fails(2, wanted)
