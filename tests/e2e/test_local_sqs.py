"""SQS in the local cloud, through boto3 and the AWS CLI. boto3 checks the digests of bodies and attributes itself."""
import json
import threading
import urllib.request

import pytest

from test_local_glue_jobs import fails
from test_local_iam import allow, iam, session  # noqa: F401


@pytest.fixture
def sqs(cloud):
    return cloud.client("sqs")


def advance(cloud, seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(cloud.endpoint + "/_glueproj/clock", data=body, method="POST")).read()


def receive(sqs, url, most=10, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **more).get("Messages", [])


def bodies(messages):
    return [m["Body"] for m in messages]


def counts(sqs, url):
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(a["ApproximateNumberOfMessages" + x]) for x in ("", "NotVisible", "Delayed"))


def test_queues(sqs, cloud):
    url = sqs.create_queue(QueueName="plain", Attributes={"VisibilityTimeout": "45"}, tags={"team": "x"})["QueueUrl"]
    assert url == f"{cloud.endpoint}/{cloud.account}/plain" or url.endswith(f"/{cloud.account}/plain")
    assert sqs.create_queue(QueueName="plain")["QueueUrl"] == url == sqs.get_queue_url(QueueName="plain")["QueueUrl"]
    assert sqs.create_queue(QueueName="plain", Attributes={"VisibilityTimeout": "45", "DelaySeconds": "0"})["QueueUrl"] == url
    assert "VisibilityTimeout" in fails("QueueAlreadyExists", sqs.create_queue, QueueName="plain", Attributes={"VisibilityTimeout": "46"})
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert got["QueueArn"] == f"arn:aws:sqs:{cloud.region}:{cloud.account}:plain"
    assert {k: got[k] for k in ("VisibilityTimeout", "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "SqsManagedSseEnabled")} == {
        "VisibilityTimeout": "45", "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "SqsManagedSseEnabled": "true"}
    assert "FifoQueue" not in got and "RedrivePolicy" not in got
    assert list(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds", "Policy"])["Attributes"]) == ["DelaySeconds"]
    fails("InvalidAttributeName", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"])
    for bad in ({"VisibilityTimeout": "43201"}, {"DelaySeconds": "-1"}, {"MessageRetentionPeriod": "x"}, {"Policy": "{}"}):
        fails("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=url, Attributes=bad)
    fails("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=url, Attributes={"Colour": "red"})
    fails("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=url, Attributes={"ContentBasedDeduplication": "true"})
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
    for name in ("b1", "b2", "b3"):
        sqs.create_queue(QueueName=name)
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix="b", PaginationConfig={"PageSize": 2}))
    assert [len(p["QueueUrls"]) for p in pages] == [2, 1]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="zz")
    for name in ("", "a b", "x" * 81, "x.fifo", "ü"):
        fails("InvalidParameterValue", sqs.create_queue, QueueName=name)
    fails("InvalidParameterValue", sqs.create_queue, QueueName="x", Attributes={"FifoQueue": "true"})
    sqs.delete_queue(QueueUrl=url)
    gone = fails("AWS.SimpleQueueService.NonExistentQueue", sqs.send_message, QueueUrl=url, MessageBody="x")
    assert "does not exist" in gone
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName="plain")
    advance(cloud, 60)
    sqs.create_queue(QueueName="plain")


def test_messages(sqs, cloud):
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    attributes = {"n": {"DataType": "Number.int", "StringValue": "7"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="h\u00e4llo \U0001f600", MessageAttributes=attributes)  # boto3 checks the MD5s
    [m] = receive(sqs, url, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert m["MessageId"] == sent["MessageId"] and m["Body"] == "h\u00e4llo \U0001f600"
    assert m["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\xff" and m["MessageAttributes"]["n"]["StringValue"] == "7"
    assert m["Attributes"]["ApproximateReceiveCount"] == "1" and m["Attributes"]["SenderId"]
    assert counts(sqs, url) == (0, 1, 0) and not receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    [again] = receive(sqs, url, MessageSystemAttributeNames=["ApproximateReceiveCount"], MessageAttributeNames=["n.*", "n"])
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"} and list(again["MessageAttributes"]) == ["n"]
    advance(cloud, 31)
    [third] = receive(sqs, url)
    assert "Attributes" not in third and "MessageAttributes" not in third
    sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])  # an old handle of a standard queue deletes as well
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])  # gone is fine
    assert counts(sqs, url) == (0, 0, 0)
    fails("ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="what")
    fails("InvalidParameterValue", sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=1)
    for bad, code in [({"MessageBody": "a\x01"}, "InvalidMessageContents"), ({"MessageBody": "x" * 1048577}, "InvalidParameterValue"),
                      ({"MessageBody": ""}, "MissingParameter"), ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
                      ({"MessageBody": "x", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
                      ({"MessageBody": "x", "MessageAttributes": {"a b": {"DataType": "String", "StringValue": "v"}}}, "InvalidParameterValue"),
                      ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "v"}}}, "InvalidParameterValue")]:
        fails(code, sqs.send_message, QueueUrl=url, **bad)
    fails("InvalidParameterValue", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    fails("InvalidParameterValue", sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21)


def test_batches(sqs):
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    reply = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 1000},
                                                          {"Id": "c", "MessageBody": "3"}])
    assert [e["Id"] for e in reply["Successful"]] == ["a", "c"] and [(e["Id"], e["Code"], e["SenderFault"]) for e in reply["Failed"]] == [
        ("b", "InvalidParameterValue", True)]
    messages = receive(sqs, url)
    assert bodies(messages) == ["1", "3"]
    sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": messages[0]["ReceiptHandle"], "VisibilityTimeout": 0}])
    assert bodies(receive(sqs, url)) == ["1"]
    reply = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": messages[1]["ReceiptHandle"]}, {"Id": "1", "ReceiptHandle": "?"}])
    assert reply["Failed"][0]["Code"] == "ReceiptHandleIsInvalid" and reply["Successful"] == [{"Id": "0"}]
    fails("AWS.SimpleQueueService.EmptyBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=[])
    many = [{"Id": str(i), "MessageBody": "x"} for i in range(11)]
    fails("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=many)
    fails("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", sqs.send_message_batch, QueueUrl=url, Entries=[many[0], many[0]])
    fails("AWS.SimpleQueueService.InvalidBatchEntryId", sqs.send_message_batch, QueueUrl=url, Entries=[{"Id": "a b", "MessageBody": "x"}])


def test_fifo(sqs, cloud):
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="f.fifo", Attributes=fifo)["QueueUrl"]
    fails("MissingParameter", sqs.send_message, QueueUrl=url, MessageBody="x")
    first = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="a")
    same = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="a")
    assert (same["MessageId"], same["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    for body, group in (("2", "a"), ("3", "b"), ("4", "a")):
        assert int(sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)["SequenceNumber"]) > int(first["SequenceNumber"])
    [one] = receive(sqs, url, 1, AttributeNames=["MessageGroupId", "SequenceNumber"])
    assert one["Body"] == "1" and one["Attributes"] == {"MessageGroupId": "a", "SequenceNumber": first["SequenceNumber"]}
    assert bodies(receive(sqs, url)) == ["3"]  # group a waits for its first
    sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    batch = receive(sqs, url)
    assert bodies(batch) == ["2", "4"]
    advance(cloud, 31)
    fails("InvalidParameterValue", sqs.delete_message, QueueUrl=url, ReceiptHandle=batch[0]["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["2", "3", "4"]
    advance(cloud, 300)
    assert sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="a")["MessageId"] != first["MessageId"]
    fails("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=url, Attributes={"FifoQueue": "false"})
    strict = sqs.create_queue(QueueName="s.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    fails("InvalidParameterValue", sqs.send_message, QueueUrl=strict, MessageBody="x", MessageGroupId="g")
    sqs.send_message(QueueUrl=strict, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")


def test_dead_letters(sqs, cloud):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:"
    policy = json.dumps({"deadLetterTargetArn": arn + "dead", "maxReceiveCount": 2})
    url = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="poison", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    assert [bodies(receive(sqs, url)) for _ in range(3)] == [["poison"], ["poison"], []]
    [m] = receive(sqs, dead, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert m["Body"] == "poison" and m["Attributes"]["DeadLetterQueueSourceArn"] == arn + "q" and m["MessageAttributes"]["k"]["StringValue"] == "v"
    for bad in ("{}", json.dumps({"deadLetterTargetArn": arn + "nobody", "maxReceiveCount": 2}),
                json.dumps({"deadLetterTargetArn": arn + "dead", "maxReceiveCount": 1001})):
        fails("InvalidParameterValue", sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": bad})
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})})
    fails("InvalidParameterValue", sqs.create_queue, QueueName="r", Attributes={"RedrivePolicy": policy})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


def test_time(sqs, cloud):
    url = sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "60", "MessageRetentionPeriod": "120"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late")
    sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
    assert counts(sqs, url) == (1, 0, 1) and bodies(receive(sqs, url)) == ["now"]
    advance(cloud, 61)
    assert bodies(receive(sqs, url)) == ["late", "now"]  # 30 s of visibility are over as well
    advance(cloud, 120)
    assert counts(sqs, url) == (0, 0, 0)
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0)
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    fails("AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, QueueUrl=url)


def test_long_poll(sqs, cloud):
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    got = []
    waiting = threading.Thread(target=lambda: got.extend(receive(cloud.client("sqs"), url, WaitTimeSeconds=20)))
    waiting.start()
    sqs.send_message(QueueUrl=url, MessageBody="there")
    waiting.join(15)
    assert bodies(got) == ["there"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    waiting = threading.Thread(target=lambda: got.extend(receive(cloud.client("sqs"), url, WaitTimeSeconds=20)))
    waiting.start()
    advance(cloud, 10)  # the wait is over by the cloud's clock
    advance(cloud, 11)
    waiting.join(10)
    assert not waiting.is_alive()


def test_survives_a_crash(sqs, cloud):
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    cloud.kill()
    cloud.start()
    again = cloud.client("sqs")
    assert bodies(receive(again, again.get_queue_url(QueueName="q")["QueueUrl"])) == ["kept"]


def test_rights_and_cli(sqs, cloud, session):  # noqa: F811
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:"
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    sqs.create_queue(QueueName="theirs")
    mine = session("sqs", allow("sqs:SendMessage", arn + "mine"))
    mine.send_message(QueueUrl=url, MessageBody="x")
    mine.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "y"}])
    assert "sqs:ReceiveMessage" in fails("AccessDenied", mine.receive_message, QueueUrl=url)
    fails("AccessDenied", mine.send_message, QueueUrl=url.replace("mine", "theirs"), MessageBody="x")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn + "mine"}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(deny)})
    fails("AccessDenied", mine.send_message, QueueUrl=url, MessageBody="x")
    # without the option, this tool takes another address for SQS in us-east-1, whatever the environment says
    assert len(cloud.aws("--endpoint-url", cloud.judged(), "sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10")["Messages"]) == 2
