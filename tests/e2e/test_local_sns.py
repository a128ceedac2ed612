"""SNS in the local cloud, through boto3 and the AWS CLI: topics, subscriptions, filters, what arrives in queues."""
import json

import pytest

from test_local_glue_jobs import fails
from test_local_iam import allow, iam, session  # noqa: F401
from test_local_sqs import advance, bodies, receive, sqs  # noqa: F401

TEXT = {"DataType": "String", "StringValue": "v"}


@pytest.fixture
def sns(cloud):
    return cloud.client("sns")


def allowing(queue_arn, topic_arn="*", service="sns.amazonaws.com", action="sqs:SendMessage"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action,
                                                              "Resource": queue_arn, "Condition": {"ArnLike": {"aws:SourceArn": topic_arn}}}]})


class Wire:
    """A queue that is subscribed to a topic."""

    def __init__(self, cloud, name, topic, attributes=None, policy=True, **queue):
        self.sqs, sns = cloud.client("sqs"), cloud.client("sns")
        self.arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:{name}"
        self.url = self.sqs.create_queue(QueueName=name, Attributes={**({"Policy": allowing(self.arn, topic)} if policy else {}), **queue})["QueueUrl"]
        self.subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn, Attributes=attributes or {})["SubscriptionArn"]

    def take(self, **more):
        return receive(self.sqs, self.url, VisibilityTimeout=3600, **more)


def test_topics(sns, cloud):
    arn = sns.create_topic(Name="news", Attributes={"DisplayName": "News"}, Tags=[{"Key": "team", "Value": "x"}])["TopicArn"]
    assert arn == f"arn:aws:sns:{cloud.region}:{cloud.account}:news"
    assert sns.create_topic(Name="news")["TopicArn"] == arn == sns.create_topic(Name="news", Attributes={"DisplayName": "News"})["TopicArn"]
    assert "different attributes" in fails("InvalidParameter", sns.create_topic, Name="news", Attributes={"DisplayName": "Other"})
    assert "different tags" in fails("InvalidParameter", sns.create_topic, Name="news", Tags=[{"Key": "team", "Value": "y"}])
    got = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (got["DisplayName"], got["Owner"], got["TopicArn"], got["SubscriptionsConfirmed"]) == ("News", cloud.account, arn, "0")
    assert json.loads(got["Policy"])["Id"] == "__default_policy_ID" and json.loads(got["EffectiveDeliveryPolicy"])["http"]
    policy = allowing(arn, "*", "events.amazonaws.com", "sns:Publish")
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"] == policy
    fails("InvalidParameter", sns.set_topic_attributes, TopicArn=arn, AttributeName="Policy", AttributeValue="{")
    fails("InvalidParameter", sns.set_topic_attributes, TopicArn=arn, AttributeName="Colour", AttributeValue="red")
    fails("InvalidParameter", sns.set_topic_attributes, TopicArn=arn, AttributeName="DisplayName", AttributeValue="x" * 101)
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    for name in ("", "a b", "x" * 257, "x.fifo"):
        fails("InvalidParameter", sns.create_topic, Name=name)
    fails("InvalidParameter", sns.create_topic, Name="x", Attributes={"FifoTopic": "true"})
    for i in range(101):
        sns.create_topic(Name=f"t{i:03}")
    pages = [p["Topics"] for p in sns.get_paginator("list_topics").paginate()]
    assert [len(p) for p in pages] == [100, 2]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    fails("NotFound", sns.get_topic_attributes, TopicArn=arn)
    fails("NotFound", sns.publish, TopicArn=arn, Message="m")
    fails("ResourceNotFound", sns.tag_resource, ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    fails("InvalidParameter", sns.get_topic_attributes, TopicArn="news")


def test_to_queues(sns, cloud):
    topic = sns.create_topic(Name="t")["TopicArn"]
    plain, raw = Wire(cloud, "plain", topic), Wire(cloud, "raw", topic, {"RawMessageDelivery": "true"})
    deaf = Wire(cloud, "deaf", topic, policy=False)
    sent = sns.publish(TopicArn=topic, Subject="S", Message="h\u00e4", MessageAttributes={"k": TEXT, "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})
    [m] = plain.take(MessageAttributeNames=["All"])
    envelope = json.loads(m["Body"])
    assert {k: envelope[k] for k in ("Type", "MessageId", "TopicArn", "Subject", "Message")} == {
        "Type": "Notification", "MessageId": sent["MessageId"], "TopicArn": topic, "Subject": "S", "Message": "h\u00e4"}
    assert envelope["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}, "b": {"Type": "Binary", "Value": "AAE="}}
    assert {"Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"} <= set(envelope) and "MessageAttributes" not in m
    [m] = raw.take(MessageAttributeNames=["All"])
    assert m["Body"] == "h\u00e4" and m["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\x01"
    assert not deaf.take()  # its policy lets nobody in
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "all", "sqs": "queues", "email": "people"}))
    assert bodies(raw.take()) == ["queues"] and json.loads(plain.take()[0]["Body"])["Message"] == "queues"
    reply = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "1"}, {"Id": "b", "Message": ""}])
    assert [e["Id"] for e in reply["Successful"]] == ["a"] and [(e["Id"], e["Code"]) for e in reply["Failed"]] == [("b", "InvalidParameter")]
    assert bodies(raw.take()) == ["1"]
    for bad, code in [({"Message": ""}, "InvalidParameter"), ({"Message": "x" * 262145}, "InvalidParameter"), ({"Message": "m", "Subject": "x" * 101}, "InvalidParameter"),
                      ({"Message": "m", "Subject": "a\nb"}, "InvalidParameter"), ({"Message": "m", "MessageStructure": "json"}, "InvalidParameter"),
                      ({"Message": '{"sqs":"x"}', "MessageStructure": "json"}, "InvalidParameter"), ({"Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}, "InvalidParameter"),
                      ({"Message": "m", "MessageAttributes": {"k": {"DataType": "Words", "StringValue": "v"}}}, "ParameterValueInvalid")]:
        fails(code, sns.publish, TopicArn=topic, **bad)
    fails("EmptyBatchRequest", sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[])
    fails("BatchEntryIdsNotDistinct", sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "1"}] * 2)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_subscriptions(sns, cloud):
    topic = sns.create_topic(Name="t")["TopicArn"]
    wire = Wire(cloud, "q", topic)
    same = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=wire.arn)
    assert same["SubscriptionArn"] == wire.subscription and wire.subscription.startswith(topic + ":")
    fails("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=wire.arn, Attributes={"RawMessageDelivery": "true"})
    mail = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.example")
    assert mail["SubscriptionArn"] == "pending confirmation"
    full = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.example", ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=full)["Attributes"]["PendingConfirmation"] == "true"
    listed = {s["Endpoint"]: s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]}
    assert listed == {wire.arn: wire.subscription, "a@b.example": "PendingConfirmation"}
    got = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (got["SubscriptionsConfirmed"], got["SubscriptionsPending"]) == ("1", "1")
    fails("InvalidParameter", sns.confirm_subscription, TopicArn=topic, Token="0" * 128)
    with open(cloud.dir + "/server.log", encoding="utf-8") as f:
        token = f.read().rpartition("with token ")[2].split()[0]
    assert sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == full
    got = sns.get_subscription_attributes(SubscriptionArn=wire.subscription)["Attributes"]
    assert (got["RawMessageDelivery"], got["Endpoint"], got["Protocol"], got["PendingConfirmation"]) == ("false", wire.arn, "sqs", "false")
    sns.set_subscription_attributes(SubscriptionArn=wire.subscription, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=topic, Message="raw")
    assert bodies(wire.take()) == ["raw"]
    for name, value in [("RawMessageDelivery", "maybe"), ("FilterPolicy", "["), ("FilterPolicy", '{"a":"x"}'), ("FilterPolicy", '{"a":[{"like":"x"}]}'),
                        ("FilterPolicyScope", "Headers"), ("RedrivePolicy", "{}"), ("Colour", "red")]:
        fails("InvalidParameter", sns.set_subscription_attributes, SubscriptionArn=wire.subscription, AttributeName=name, AttributeValue=value)
    for protocol, endpoint in [("https", "https://example.com"), ("lambda", "arn:aws:lambda:us-east-1:1:function:f"), ("sqs", "q"), ("email", "nobody"),
                               ("pigeon", "x"), ("sqs", wire.arn + ".fifo")]:
        fails("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    sns.unsubscribe(SubscriptionArn=wire.subscription)
    sns.unsubscribe(SubscriptionArn=wire.subscription)
    fails("NotFound", sns.get_subscription_attributes, SubscriptionArn=wire.subscription)
    fails("InvalidParameter", sns.unsubscribe, SubscriptionArn="pending confirmation")


FILTERS = [
    ({"k": ["v", "w"]}, {"k": TEXT}, {"k": {"DataType": "String", "StringValue": "x"}}),
    ({"k": [{"prefix": "ab"}], "n": [{"numeric": [">", 1, "<=", 5]}]}, {"k": {"DataType": "String", "StringValue": "abc"}, "n": {"DataType": "Number", "StringValue": "5"}},
     {"k": {"DataType": "String", "StringValue": "abc"}, "n": {"DataType": "Number", "StringValue": "6"}}),
    ({"k": [{"anything-but": ["v"]}]}, {"k": {"DataType": "String", "StringValue": "x"}}, {"k": TEXT}),
    ({"k": [{"exists": False}]}, {}, {"k": TEXT}),
    ({"k": ["b"]}, {"k": {"DataType": "String.Array", "StringValue": '["a","b"]'}}, {"k": {"DataType": "String.Array", "StringValue": '["a"]'}}),
    ({"$or": [{"k": ["v"]}, {"n": [1]}]}, {"n": {"DataType": "Number", "StringValue": "1"}}, {"n": {"DataType": "Number", "StringValue": "2"}}),
]


def test_filters(sns, cloud):
    for i, (filter_policy, fits, misses) in enumerate(FILTERS):
        topic = sns.create_topic(Name=f"t{i}")["TopicArn"]
        wire = Wire(cloud, f"q{i}", topic, {"FilterPolicy": json.dumps(filter_policy), "RawMessageDelivery": "true"})
        sns.publish(TopicArn=topic, Message="no", MessageAttributes=misses)
        sns.publish(TopicArn=topic, Message="yes", MessageAttributes=fits)
        assert bodies(wire.take()) == ["yes"], filter_policy


def test_filter_by_body_and_dead_letters(sns, cloud, sqs):  # noqa: F811
    topic = sns.create_topic(Name="t")["TopicArn"]
    dead = Wire(cloud, "dead", sns.create_topic(Name="other")["TopicArn"])
    sqs.set_queue_attributes(QueueUrl=dead.url, Attributes={"Policy": allowing(dead.arn, topic)})
    wire = Wire(cloud, "q", topic, {"FilterPolicy": json.dumps({"d": {"state": ["FAILED"]}}), "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true",
                                    "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead.arn})})
    for message in ("no json", '{"d":{"state":"OK"}}', '{"d":{"state":["x","FAILED"]}}'):
        sns.publish(TopicArn=topic, Message=message)
    assert bodies(wire.take()) == ['{"d":{"state":["x","FAILED"]}}']
    sqs.delete_queue(QueueUrl=wire.url)
    sns.publish(TopicArn=topic, Message='{"d":{"state":"FAILED"}}')
    assert bodies(dead.take()) == ['{"d":{"state":"FAILED"}}']


def test_fifo(sns, cloud):
    topic = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    wire = Wire(cloud, "q.fifo", topic, {"RawMessageDelivery": "true"}, FifoQueue="true")
    first = sns.publish(TopicArn=topic, Message="1", MessageGroupId="g")
    assert sns.publish(TopicArn=topic, Message="1", MessageGroupId="g")["MessageId"] == first["MessageId"]
    assert int(sns.publish(TopicArn=topic, Message="2", MessageGroupId="g")["SequenceNumber"]) > int(first["SequenceNumber"])
    assert bodies(wire.take()) == ["1", "2"]
    fails("InvalidParameter", sns.publish, TopicArn=topic, Message="3")
    fails("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@b.example")


def test_rights_and_cli(sns, cloud, session):  # noqa: F811
    topic = sns.create_topic(Name="t")["TopicArn"]
    mine = session("sns", allow("sns:Publish", topic))
    mine.publish(TopicArn=topic, Message="m")
    mine.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "m"}])
    fails("AuthorizationError", mine.get_topic_attributes, TopicArn=topic)
    assert cloud.aws("sns", "publish", "--topic-arn", topic, "--message", "m")["MessageId"]
    found = cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sns"])["ResourceTagMappingList"]
    assert found == []
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}])
    cloud.client("resourcegroupstaggingapi").tag_resources(ResourceARNList=[topic], Tags={"b": "2"})
    found = cloud.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sns"])["ResourceTagMappingList"]
    assert [(f["ResourceARN"], len(f["Tags"])) for f in found] == [(topic, 2)]
