"""The Map in mode DISTRIBUTED in the local cloud: items out of S3, children as executions of their own, results written; what is asked of map
runs; restarts and redrives in the middle."""
import gzip
import json

import pytest
from states_lab import Lab, fails, one, task


@pytest.fixture
def lab(cloud):
    lab = Lab(cloud)
    lab.s3 = cloud.client("s3")
    lab.s3.create_bucket(Bucket="data")
    return lab


PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
HOLD = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
# Fails where the item says so.
PICKY = {"StartAt": "C", "States": {
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.bad", "IsPresent": True, "Next": "F"}], "Default": "P"},
    "F": {"Type": "Fail", "Error": "Bad", "Cause": "it is bad"}, "P": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "End": True}}}


def spread(processor=PASS, execution="STANDARD", **more):
    return one({"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution}, **processor}, **more})


def reader(call, key=None, prefix=None, **config):
    where = {"Bucket": "data", **({"Key": key} if key else {}), **({"Prefix": prefix} if prefix else {})}
    return {"Resource": f"arn:aws:states:::s3:{call}", "Parameters": where, **({"ReaderConfig": config} if config else {})}


def writer(prefix="out", **config):
    return {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "data", "Prefix": prefix}, **({"WriterConfig": config} if config else {})}


def read(lab, key):
    return json.loads(lab.s3.get_object(Bucket="data", Key=key)["Body"].read())


def map_run(lab, execution):
    runs = lab.sfn.list_map_runs(executionArn=execution)["mapRuns"]
    assert len(runs) == 1 and runs[0]["executionArn"] == execution
    return lab.sfn.describe_map_run(mapRunArn=runs[0]["mapRunArn"])


def hold(lab, execution, n):
    """Waits until so many children are in their Wait state, so that time may pass for them."""
    def look():
        run = map_run(lab, execution)
        children = lab.sfn.list_executions(mapRunArn=run["mapRunArn"], statusFilter="RUNNING")["executions"]
        return run if run["executionCounts"]["running"] == len(children) == n and all(
            "WaitStateEntered" in lab.types(c["executionArn"]) for c in children) else None
    return lab.until(look)


@pytest.mark.parametrize("execution", ["STANDARD", "EXPRESS"])
def test_items_of_the_input(lab, execution):
    machine = lab.machine(spread(PICKY, execution, Label="each", ItemsPath="$.l", ItemSelector={"n.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k"}))
    arn = lab.start(machine, {"l": list(range(25)), "k": 1})
    found = lab.end(arn)
    assert json.loads(found["output"]) == [{"n": n} for n in range(25)]
    assert lab.types(arn) == ["ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded", "MapStateExited",
                              "ExecutionSucceeded"]
    run = map_run(lab, arn)
    assert run["status"] == "SUCCEEDED" and run["mapRunArn"].startswith(lab.arn("mapRun", "m/each:")) and run["redriveCount"] == 0
    assert run["executionCounts"]["succeeded"] == run["executionCounts"]["total"] == run["itemCounts"]["succeeded"] == 25
    started = next(e for e in lab.events(arn) if e["type"] == "MapRunStarted")
    assert started["mapRunStartedEventDetails"] == {"mapRunArn": run["mapRunArn"]}
    pages = list(lab.sfn.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 10}))
    children = [c for p in pages for c in p["executions"]]
    assert [len(p["executions"]) for p in pages] == [10, 10, 5] and {c["mapRunArn"] for c in children} == {run["mapRunArn"]}
    assert all(c["status"] == "SUCCEEDED" and c["stateMachineArn"].startswith(machine) for c in children)
    # they are no executions of the machine
    assert [e["executionArn"] for e in lab.sfn.list_executions(stateMachineArn=machine)["executions"]] == [arn]
    if execution == "STANDARD":
        child = lab.sfn.describe_execution(executionArn=children[0]["executionArn"])
        assert child["mapRunArn"] == run["mapRunArn"] and json.loads(child["input"])["k"] == 1
        assert lab.types(children[0]["executionArn"])[0] == "ExecutionStarted"


def test_items_of_a_bucket_and_of_files(lab):
    for key in ("in/a.csv", "in/b ü.csv", "in/c.csv", "other/d"):
        lab.s3.put_object(Bucket="data", Key=key, Body=key.encode())
    found = lab.output(spread(ItemReader=reader("listObjectsV2", prefix="in/", MaxItems=2)), name="list")
    listed = lab.s3.list_objects_v2(Bucket="data", Prefix="in/")["Contents"]
    assert [(o["Key"], o["Size"], o["Etag"]) for o in found] == [(o["Key"], o["Size"], o["ETag"]) for o in listed[:2]]
    assert abs(found[0]["LastModified"] - listed[0]["LastModified"].timestamp()) < 1
    lab.s3.put_object(Bucket="data", Key="rows.csv", Body=b'name,n\r\n"A, B",1\r\nC,2\r\n')
    rows = [{"name": "A, B", "n": "1"}, {"name": "C", "n": "2"}]
    assert lab.output(spread(ItemReader=reader("getObject", "rows.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW")), name="csv") == rows
    lab.s3.put_object(Bucket="data", Key="rows.csv.gz", Body=gzip.compress(b'name,n\n"A, B",1\nC,2\n'))
    assert lab.output(spread(ItemReader=reader("getObject", "rows.csv.gz", InputType="CSV", CSVHeaderLocation="FIRST_ROW")), name="gzip") == rows
    given = reader("getObject", "rows.csv", InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["a", "b"], MaxItemsPath="$.most")
    assert lab.output(spread(ItemReader=given), {"most": 1}, name="given") == [{"a": "name", "b": "n"}]
    lab.s3.put_object(Bucket="data", Key="rows.json", Body=json.dumps({"rows": rows}).encode())
    assert lab.output(spread(ItemReader=reader("getObject", "rows.json", InputType="JSON", ItemsPointer="/rows")), name="json") == rows
    lab.s3.put_object(Bucket="data", Key="rows.jsonl", Body="\n".join(json.dumps(r) for r in rows).encode())
    sources = {"v.$": "$$.Map.Item.Value.n", "s.$": "$$.Map.Item.Source"}
    assert lab.output(spread(PASS, "EXPRESS", ItemReader=reader("getObject", "rows.jsonl", InputType="JSONL"), ItemSelector=sources), name="jsonl") == [
        {"v": "1", "s": "s3://data/rows.jsonl"}, {"v": "2", "s": "s3://data/rows.jsonl"}]


@pytest.mark.parametrize("what,given", [
    (reader("getObject", "nope.json", InputType="JSON"), "NoSuchKey"),
    (reader("getObject", "text", InputType="JSON"), "JSON"),
    (reader("getObject", "text", InputType="PARQUET"), "not read by the local cloud"),
    ({"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "data", "Key": "text", "VersionId": "v"}, "ReaderConfig": {"InputType": "JSON"}},
     "VersionId"),
], ids=["missing", "no JSON", "parquet", "version"])
def test_items_that_cannot_be_read(lab, what, given):
    lab.s3.put_object(Bucket="data", Key="text", Body=b"text")
    arn = lab.start(lab.machine(spread(ItemReader=what)))
    found = lab.end(arn)
    assert (found["status"], found["error"]) == ("FAILED", "States.ItemReaderFailed") and given in found["cause"], found
    assert lab.types(arn)[-5:] == ["MapStateStarted", "MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    assert map_run(lab, arn)["status"] == "FAILED"


def test_the_machines_role_reads_and_writes(lab):
    lab.s3.put_object(Bucket="data", Key="l.json", Body=b"[1]")
    nobody = lab.make_role("nobody", "logs:*")
    found = lab.run(spread(ItemReader=reader("getObject", "l.json", InputType="JSON")), roleArn=nobody)
    assert found["error"] == "States.ItemReaderFailed" and "AccessDenied" in found["cause"], found
    found = lab.run(spread(ResultWriter=writer()), [1], name="w", roleArn=nobody)
    assert found["error"] == "States.ResultWriterFailed", found


def test_batches_tolerance_and_results(lab):
    items = [{"n": n, **({"bad": True} if n in (1, 4) else {})} for n in range(6)]
    definition = spread(PICKY, ToleratedFailurePercentage=34, ResultWriter=writer())
    arn = lab.start(lab.machine(definition), items)
    output = json.loads(lab.end(arn)["output"])
    run = map_run(lab, arn)
    uuid = run["mapRunArn"].rsplit(":", 1)[1]
    assert output == {"MapRunArn": run["mapRunArn"], "ResultWriterDetails": {"Bucket": "data", "Key": f"out/{uuid}/manifest.json"}}
    assert (run["status"], run["executionCounts"]["failed"], run["itemCounts"]["failed"], run["executionCounts"]["resultsWritten"]) == ("SUCCEEDED", 2, 2, 6)
    manifest = read(lab, f"out/{uuid}/manifest.json")
    assert manifest["DestinationBucket"] == "data" and manifest["MapRunArn"] == run["mapRunArn"]
    files = manifest["ResultFiles"]
    assert files["PENDING"] == [] and [f["Key"] for f in files["SUCCEEDED"] + files["FAILED"]] == [f"out/{uuid}/SUCCEEDED_0.json", f"out/{uuid}/FAILED_0.json"]
    good, bad = read(lab, files["SUCCEEDED"][0]["Key"]), read(lab, files["FAILED"][0]["Key"])
    assert files["FAILED"][0]["Size"] == lab.s3.head_object(Bucket="data", Key=files["FAILED"][0]["Key"])["ContentLength"]
    assert [json.loads(g["Output"])["n"] for g in good] == [0, 2, 3, 5] and {g["Status"] for g in good} == {"SUCCEEDED"}
    assert [(b["Error"], b["Cause"], b["Status"], json.loads(b["Input"])["n"]) for b in bad] == [("Bad", "it is bad", "FAILED", 1), ("Bad", "it is bad", "FAILED", 4)]
    child = lab.sfn.describe_execution(executionArn=bad[0]["ExecutionArn"])
    assert (child["name"], child["status"], child["error"]) == (bad[0]["Name"], "FAILED", "Bad")
    # batches: what is told of items counts all in the batch
    batcher = {"MaxItemsPerBatch": 4, "BatchInput": {"k": 7}}
    arn = lab.start(lab.machine(spread(ItemBatcher=batcher), name="b"), [1, 2, 3, 4, 5])
    assert json.loads(lab.end(arn)["output"]) == [{"BatchInput": {"k": 7}, "Items": [1, 2, 3, 4]}, {"BatchInput": {"k": 7}, "Items": [5]}]
    run = map_run(lab, arn)
    assert (run["itemCounts"]["total"], run["executionCounts"]["total"]) == (5, 2)
    assert sorted(c["itemCount"] for c in lab.sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]) == [1, 4]
    # other shapes
    flat = spread(ResultWriter={"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}})
    assert lab.output(flat, [[1, 2], 3, []], name="flat") == [1, 2, 3]
    lines = lab.output(spread(ResultWriter=writer("l", Transformation="COMPACT", OutputType="JSONL")), [{"a": 1}, 2], name="lines")
    key = lines["ResultWriterDetails"]["Key"].replace("manifest.json", "SUCCEEDED_0.jsonl")
    assert lab.s3.get_object(Bucket="data", Key=key)["Body"].read() == b'{"a":1}\n2\n'


def test_too_many_failures_end_the_others(lab):
    item = {"Type": "Choice", "Choices": [{"Variable": "$.bad", "IsPresent": True, "Next": "F"}], "Default": "W"}
    processor = {"StartAt": "C", "States": {"C": item, "F": {"Type": "Fail", "Error": "Bad"}, "W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    arn = lab.start(lab.machine(spread(processor, MaxConcurrency=3)), [{}, {}, {"bad": 1}, {}, {}])
    found = lab.end(arn)
    assert (found["error"], found["cause"]) == ("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")
    run = map_run(lab, arn)
    counts = run["executionCounts"]
    assert run["status"] == "FAILED" and (counts["failed"], counts["aborted"], counts["pending"], counts["running"]) == (1, 2, 2, 0)
    children = lab.sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(c["status"] for c in children) == ["ABORTED", "ABORTED", "FAILED"]


def test_at_most_so_many_at_a_time_and_an_update(lab):
    arn = lab.start(lab.machine(spread(HOLD, MaxConcurrency=2)), [1, 2, 3, 4, 5])
    lab.happened(arn, "MapRunStarted")
    run = hold(lab, arn, 2)
    assert (run["status"], run["maxConcurrency"], run["executionCounts"]["pending"]) == ("RUNNING", 2, 3)
    fails("ValidationException", lab.sfn.update_map_run, mapRunArn=run["mapRunArn"])
    fails("ResourceNotFound", lab.sfn.update_map_run, mapRunArn=run["mapRunArn"] + "x", maxConcurrency=1)
    fails("ResourceNotFound", lab.sfn.describe_map_run, mapRunArn=run["mapRunArn"] + "x")
    fails("InvalidArn", lab.sfn.describe_map_run, mapRunArn=arn)
    fails("ExecutionDoesNotExist", lab.sfn.list_map_runs, executionArn=arn + "x")
    lab.sfn.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=4, toleratedFailureCount=1)
    run = hold(lab, arn, 4)
    assert (run["maxConcurrency"], run["toleratedFailureCount"]) == (4, 1)
    lab.advance(3600)
    assert hold(lab, arn, 1)["executionCounts"]["succeeded"] == 4
    lab.advance(3600)
    assert json.loads(lab.end(arn)["output"]) == [1, 2, 3, 4, 5]
    fails("ValidationException", lab.sfn.update_map_run, mapRunArn=run["mapRunArn"], maxConcurrency=4)


def test_stopping_the_parent_stops_its_children(lab):
    arn = lab.start(lab.machine(spread(HOLD, MaxConcurrency=2)), [1, 2, 3])
    lab.happened(arn, "MapRunStarted")
    hold(lab, arn, 2)
    lab.sfn.stop_execution(executionArn=arn)
    run = lab.until(lambda: next((r for r in [map_run(lab, arn)] if r["status"] == "ABORTED"), None))
    assert (run["executionCounts"]["aborted"], run["executionCounts"]["pending"]) == (2, 1)
    assert all(c["status"] == "ABORTED" for c in lab.sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"])


def test_a_restart_in_the_middle(lab, cloud):
    arn = lab.start(lab.machine(spread(HOLD, MaxConcurrency=3, ResultWriter=writer())), [1, 2, 3, 4])
    lab.happened(arn, "MapRunStarted")
    hold(lab, arn, 3)
    cloud.kill()
    cloud.start()
    lab = Lab.__new__(Lab)
    lab.cloud, lab.sfn, lab.s3 = cloud, cloud.client("stepfunctions"), cloud.client("s3")
    hold(lab, arn, 3)
    lab.advance(3600)
    assert hold(lab, arn, 1)["executionCounts"]["succeeded"] == 3
    lab.advance(3600)
    output = json.loads(lab.end(arn)["output"])
    assert len(read(lab, output["ResultWriterDetails"]["Key"].replace("manifest", "SUCCEEDED_0"))) == 4
    assert lab.types(arn).count("MapRunStarted") == 1
    assert len(lab.sfn.list_executions(mapRunArn=output["MapRunArn"])["executions"]) == 4


@pytest.mark.parametrize("execution", ["STANDARD", "EXPRESS"])
def test_a_redrive_goes_on_where_children_failed(lab, execution):
    read_it = task("aws-sdk:s3:getObject", Parameters={"Bucket": "data", "Key.$": "$.key"}, ResultSelector={"text.$": "$.Body"}, End=True)
    lab.s3.put_object(Bucket="data", Key="there", Body=b"1")
    arn = lab.start(lab.machine(spread({"StartAt": "G", "States": {"G": read_it}}, execution, ToleratedFailureCount=0)), [{"key": "there"}, {"key": "missing"}])
    found = lab.end(arn)
    assert found["status"] == "FAILED", found
    lab.s3.put_object(Bucket="data", Key="missing", Body=b"2")
    lab.sfn.redrive_execution(executionArn=arn)
    found = lab.end(arn)
    assert found["status"] == "SUCCEEDED", found
    assert json.loads(found["output"]) == [{"text": "1"}, {"text": "2"}]
    run = map_run(lab, arn)
    assert (run["redriveCount"], run["status"], run["executionCounts"]["succeeded"]) == (1, "SUCCEEDED", 2)
    assert "MapRunRedriven" in lab.types(arn) and lab.types(arn).count("MapRunStarted") == 1


def test_a_redrive_keeps_the_branches_and_items_that_succeeded(lab):
    def get(name):
        return {"StartAt": name, "States": {name: task("aws-sdk:s3:getObject", Parameters={"Bucket": "data", "Key.$": f"$.{name}"}, OutputPath="$.Body", End=True)}}
    items = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.keys", "MaxConcurrency": 1, "ItemSelector": {"i.$": "$$.Map.Item.Value"},
                                              "ItemProcessor": get("i"), "End": True}}}
    for key in ("a", "x", "z"):
        lab.s3.put_object(Bucket="data", Key=key, Body=key.encode())
    machine = lab.machine(one({"Type": "Parallel", "Branches": [get("a"), items]}))
    arn = lab.start(machine, {"a": "a", "keys": ["x", "y", "z"]})
    assert lab.end(arn)["status"] == "FAILED"
    before = len(lab.events(arn))
    lab.s3.put_object(Bucket="data", Key="y", Body=b"y")
    lab.sfn.redrive_execution(executionArn=arn)
    found = lab.end(arn)
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 1) and json.loads(found["output"]) == ["a", ["x", "y", "z"]]
    after = lab.events(arn)[before:]
    assert after[0]["type"] == "ExecutionRedriven" and after[0]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    scheduled = [json.loads(e["taskScheduledEventDetails"]["parameters"])["Key"] for e in after if e["type"] == "TaskScheduled"]
    assert [key for key in scheduled if key != "a"] == ["y", "z"], "what was read is not read again"
    assert "SUCCEEDED" in fails("ExecutionNotRedrivable", lab.sfn.redrive_execution, executionArn=arn)
