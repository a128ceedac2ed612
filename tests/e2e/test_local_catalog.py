"""The local Glue Data Catalog, through boto3."""
import pytest
from botocore.exceptions import ClientError

COLUMNS = [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string"}]


@pytest.fixture
def glue(cloud):
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "Shop", "Description": "a shop"})
    return glue


def fails(code, call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    assert e.value.response["Error"]["Code"] == code, e.value
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return e.value.response["Error"]["Message"]


def table(name, **more):
    return {"Name": name, "StorageDescriptor": {"Columns": COLUMNS, "Location": f"s3://b/{name}/"}, **more}


def test_database_life(glue, proxy, cloud):
    glue = cloud.client("glue", endpoint=proxy.endpoint)
    got = glue.get_database(Name="SHOP")["Database"]
    assert got["Name"] == "shop" and got["Description"] == "a shop" and got["CatalogId"] == cloud.account
    assert got["CreateTableDefaultPermissions"][0]["Principal"]["DataLakePrincipalIdentifier"] == "IAM_ALLOWED_PRINCIPALS"
    assert fails("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": "shop"}) == "Database already exists."
    glue.update_database(Name="shop", DatabaseInput={"Name": "shop", "LocationUri": "s3://x/"})
    got = glue.get_database(Name="shop")["Database"]
    assert got["LocationUri"] == "s3://x/" and "Description" not in got
    glue.delete_database(Name="shop")
    assert "shop not found" in fails("EntityNotFoundException", glue.get_database, Name="shop")
    fails("EntityNotFoundException", glue.delete_database, Name="shop")


def test_databases_are_paged(glue):
    for i in range(7):
        glue.create_database(DatabaseInput={"Name": f"d{i}"})
    pages = list(glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(p["DatabaseList"]) for p in pages] == [3, 3, 2]
    assert [d["Name"] for p in pages for d in p["DatabaseList"]] == [f"d{i}" for i in range(7)] + ["shop"]
    fails("InvalidInputException", glue.get_databases, NextToken="nonsense")


def test_tables_have_versions(glue):
    glue.create_table(DatabaseName="shop", TableInput=table("Orders", Parameters={"a": "1"}))
    got = glue.get_table(DatabaseName="shop", Name="orders")["Table"]
    assert got["Name"] == "orders" and got["VersionId"] == "0" and got["StorageDescriptor"]["Columns"] == COLUMNS
    assert got["DatabaseName"] == "shop" and "CreateTime" in got and got["CreatedBy"].endswith(":root")
    fails("AlreadyExistsException", glue.create_table, DatabaseName="shop", TableInput=table("ORDERS"))
    fails("EntityNotFoundException", glue.create_table, DatabaseName="nope", TableInput=table("t"))
    glue.update_table(DatabaseName="shop", TableInput=table("orders", Parameters={"b": "2"}))
    got = glue.get_table(DatabaseName="shop", Name="orders")["Table"]
    assert got["Parameters"] == {"b": "2"} and got["VersionId"] == "1"
    versions = glue.get_table_versions(DatabaseName="shop", TableName="orders")["TableVersions"]
    assert [v["VersionId"] for v in versions] == ["1", "0"] and versions[1]["Table"]["Parameters"] == {"a": "1"}
    fails("EntityNotFoundException", glue.update_table, DatabaseName="shop", TableInput=table("other"))


def test_tables_are_listed_and_deleted(glue):
    for i in range(5):
        glue.create_table(DatabaseName="shop", TableInput=table(f"t{i}"))
    pages = list(glue.get_paginator("get_tables").paginate(DatabaseName="shop", PaginationConfig={"PageSize": 2}))
    assert [t["Name"] for p in pages for t in p["TableList"]] == [f"t{i}" for i in range(5)]
    assert [t["Name"] for t in glue.get_tables(DatabaseName="shop", Expression="t[13]")["TableList"]] == ["t1", "t3"]
    errors = glue.batch_delete_table(DatabaseName="shop", TablesToDelete=["t0", "nope"])["Errors"]
    assert [(e["TableName"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [("nope", "EntityNotFoundException")]
    glue.delete_table(DatabaseName="shop", Name="t1")
    fails("EntityNotFoundException", glue.delete_table, DatabaseName="shop", Name="t1")
    fails("EntityNotFoundException", glue.get_tables, DatabaseName="nope")
    glue.delete_database(Name="shop")
    glue.create_database(DatabaseInput={"Name": "shop"})
    assert glue.get_tables(DatabaseName="shop")["TableList"] == []


@pytest.fixture
def partitioned(glue):
    glue.create_table(DatabaseName="shop", TableInput=table("p", PartitionKeys=[
        {"Name": "country", "Type": "string"}, {"Name": "year", "Type": "int"}]))
    glue.batch_create_partition(DatabaseName="shop", TableName="p", PartitionInputList=[
        {"Values": [c, str(y)], "StorageDescriptor": {"Columns": COLUMNS, "Location": f"s3://b/p/country={c}/year={y}/"}}
        for c in ("Chad", "Japan", "Peru") for y in (9, 10, 2020)])
    return glue


@pytest.mark.parametrize("expression, count", [
    ("country = 'Japan'", 3), ("year > 9", 6), ("year >= 9 and country <> 'Peru'", 6), ("country in ('Chad','Peru') AND year=10", 2),
    ("country like 'J%'", 3), ("not (year between 10 and 3000)", 3), ("country='X' or (year = 9 and country = \"Chad\")", 1),
])
def test_partitions_are_filtered(partitioned, expression, count):
    found = partitioned.get_partitions(DatabaseName="shop", TableName="p", Expression=expression)["Partitions"]
    assert len(found) == count, [p["Values"] for p in found]


def test_partition_life(partitioned):
    glue, where = partitioned, {"DatabaseName": "shop", "TableName": "p"}
    assert len(glue.get_partitions(**where)["Partitions"]) == 9
    pages = list(glue.get_paginator("get_partitions").paginate(**where, PaginationConfig={"PageSize": 4}))
    assert [len(p["Partitions"]) for p in pages] == [4, 4, 1]
    for bad in ("nokey = 1", "country =", "country = 'x' garbage", "(country = 'x'"):
        fails("InvalidInputException", glue.get_partitions, **where, Expression=bad)
    got = glue.get_partition(**where, PartitionValues=["Japan", "10"])["Partition"]
    assert got["TableName"] == "p" and got["StorageDescriptor"]["Location"].endswith("country=Japan/year=10/")
    fails("AlreadyExistsException", glue.create_partition, **where, PartitionInput={"Values": ["Japan", "10"]})
    fails("InvalidInputException", glue.create_partition, **where, PartitionInput={"Values": ["Japan"]})
    glue.update_partition(**where, PartitionValueList=["Japan", "10"], PartitionInput={"Values": ["Japan", "11"], "Parameters": {"k": "v"}})
    assert glue.get_partition(**where, PartitionValues=["Japan", "11"])["Partition"]["Parameters"] == {"k": "v"}
    fails("EntityNotFoundException", glue.get_partition, **where, PartitionValues=["Japan", "10"])
    glue.delete_partition(**where, PartitionValues=["Japan", "11"])
    errors = glue.batch_delete_partition(**where, PartitionsToDelete=[{"Values": ["Chad", "9"]}, {"Values": ["x", "1"]}])["Errors"]
    assert len(errors) == 1 and errors[0]["PartitionValues"] == ["x", "1"]
    found = glue.batch_get_partition(**where, PartitionsToGet=[{"Values": ["Peru", "9"]}, {"Values": ["x", "1"]}])
    assert [p["Values"] for p in found["Partitions"]] == [["Peru", "9"]]
    brief = glue.get_partitions(**where, ExcludeColumnSchema=True)["Partitions"]
    assert all("Columns" not in p["StorageDescriptor"] for p in brief)


def test_the_catalog_survives_kill_9(cloud, glue):
    glue.create_table(DatabaseName="shop", TableInput=table("kept"))
    cloud.kill()
    cloud.start()
    assert cloud.client("glue").get_table(DatabaseName="shop", Name="kept")["Table"]["VersionId"] == "0"
