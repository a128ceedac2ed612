"""Queues, topics, subscriptions, their policies and rules through glueproj: made, changed, replaced, torn down; and messages that do arrive."""
import json

import pytest

import contract
from shop import Shop
from test_local_sqs import bodies, receive

PROJECT = "Project: post\nConfig: config.yaml\nStacks: [office]\n"
CONFIG = "Wait: 20\n"
OFFICE = """\
Parameters:
  Wait: {Type: Number, Default: 20}
  Keep: {Type: Number, Default: 3600}
  Shown: {Type: String, Default: Post}
  QueueName: {Type: String, Default: post-in}
  Word: {Type: String, Default: FAILED}
  State: {Type: String, Default: ENABLED}
Conditions:
  Long: !Equals [!Ref Keep, "3600"]
Resources:
  Dead:
    Type: AWS::SQS::Queue
    Properties: {MessageRetentionPeriod: 1209600}
  In:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref QueueName
      VisibilityTimeout: !Ref Wait
      MessageRetentionPeriod: !If [Long, !Ref Keep, !Ref "AWS::NoValue"]
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
      Tags: [{Key: room, Value: hall}]
  InPolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref In]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: [sns.amazonaws.com, events.amazonaws.com]}, Action: sqs:SendMessage, Resource: !GetAtt In.Arn}
  News:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Ref Shown
      Subscription: [{Protocol: email, Endpoint: a@b.example}]
      Tags: [{Key: room, Value: hall}]
  NewsPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref News]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sns:Publish, Resource: !Ref News}]
  NewsToIn:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref News
      Protocol: sqs
      Endpoint: !GetAtt In.Arn
      RawMessageDelivery: true
      FilterPolicyScope: MessageBody
      FilterPolicy: {detail: {state: [!Ref Word]}}
  Failed:
    Type: AWS::Events::Rule
    Properties:
      Description: to the news
      EventPattern: {source: [my.app]}
      State: !Ref State
      Targets:
        - {Id: news, Arn: !Ref News}
        - {Id: queue, Arn: !GetAtt In.Arn, InputPath: $.detail, RetryPolicy: {MaximumRetryAttempts: 2}}
  Nightly:
    Type: AWS::Events::Rule
    Properties:
      Name: post-nightly
      ScheduleExpression: cron(0 2 * * ? *)
      State: DISABLED
  Fifo:
    Type: AWS::SQS::Queue
    Properties: {QueueName: post.fifo, FifoQueue: true, ContentBasedDeduplication: true}
Outputs:
  Url: {Value: !Ref In}
  UrlToo: {Value: !GetAtt In.QueueUrl}
  QueueArn: {Value: !GetAtt In.Arn}
  QueueName: {Value: !GetAtt In.QueueName}
  Topic: {Value: !Ref News}
  TopicName: {Value: !GetAtt News.TopicName}
  Subscription: {Value: !Ref NewsToIn}
  Rule: {Value: !Ref Nightly}
  RuleArn: {Value: !GetAtt Nightly.Arn}
"""


@pytest.fixture
def post(run_glueproj, cloud):
    return Shop(run_glueproj, cloud, **{"glueproj.yaml": PROJECT, "config.yaml": CONFIG, "office.yaml": OFFICE})


def actions(result):
    return {r["logical_id"]: r["action"] for s in result.json["stacks"] for r in s["resources"] if r["action"] != "none"}


def plan(post, *options):
    document = contract.check(post("plan", *options).ok()).json
    return {c["logical_id"]: (c["action"], {p["path"]: (p["before"], p["after"]) for p in c["properties"]}) for c in document["changes"] + document.get("drift", [])}


def left(cloud):
    sqs, sns, events = cloud.client("sqs"), cloud.client("sns"), cloud.client("events")
    return sqs.list_queues().get("QueueUrls", []), sns.list_topics()["Topics"], sns.list_subscriptions()["Subscriptions"], events.list_rules()["Rules"]


def test_set_up_change_and_tear_down(post, cloud):
    sqs, sns, events = cloud.client("sqs"), cloud.client("sns"), cloud.client("events")
    made = contract.check(post("setup").ok())
    assert len(actions(made)) == 9 and set(actions(made).values()) == {"create"}
    out = made.json["stacks"][0]["outputs"]
    arn = f"{cloud.region}:{cloud.account}:"
    assert out["Url"] == out["UrlToo"] and out["Url"].endswith(f"/{cloud.account}/post-in") and out["QueueArn"] == "arn:aws:sqs:" + arn + "post-in"
    assert out["QueueName"] == "post-in" and out["Topic"] == "arn:aws:sns:" + arn + out["TopicName"] and out["Subscription"].startswith(out["Topic"] + ":")
    assert (out["Rule"], out["RuleArn"]) == ("post-nightly", "arn:aws:events:" + arn + "rule/post-nightly")
    # what EventBridge takes goes through topic and queue
    event = {"Source": "my.app", "DetailType": "T", "Detail": '{"state":"FAILED"}'}
    events.put_events(Entries=[event, {**event, "Detail": '{"state":"OK"}'}])
    got = []
    while len(got) < 3:
        messages = receive(sqs, out["Url"], WaitTimeSeconds=10)
        got += bodies(messages)
        for m in messages:
            sqs.delete_message(QueueUrl=out["Url"], ReceiptHandle=m["ReceiptHandle"])
    assert sorted(g for g in got if len(g) < 30) == ['{"state":"FAILED"}', '{"state":"OK"}']
    assert [json.loads(g)["detail"] for g in got if len(g) > 30] == [{"state": "FAILED"}]
    # nothing to do, whatever way it is looked at
    assert actions(post("setup").ok()) == {} and plan(post) == {} and plan(post, "--drift") == {}
    # changes in place, one by one
    assert plan(post, "--set", "Wait=40") == {"In": ("update", {"VisibilityTimeout": (20, 40)})}
    changed = {"Wait": 40, "Keep": 60, "Shown": "Letters", "Word": "OK", "State": "DISABLED"}
    options = [x for k, v in changed.items() for x in ("--set", f"{k}={v}")]
    assert {k: v[0] for k, v in plan(post, *options).items()} == {"In": "update", "News": "update", "NewsToIn": "update", "Failed": "update"}
    assert set(actions(post("setup", *options).ok()).values()) == {"update"}
    texts = sqs.get_queue_attributes(QueueUrl=out["Url"], AttributeNames=["All"])["Attributes"]
    assert (texts["VisibilityTimeout"], texts["MessageRetentionPeriod"]) == ("40", "345600")  # what is gone from the template is AWS's own again
    assert sns.get_topic_attributes(TopicArn=out["Topic"])["Attributes"]["DisplayName"] == "Letters"
    assert "OK" in sns.get_subscription_attributes(SubscriptionArn=out["Subscription"])["Attributes"]["FilterPolicy"]
    assert [r["State"] for r in events.list_rules(NamePrefix="post-office-failed")["Rules"]] == ["DISABLED"]
    assert plan(post, *options) == {} and plan(post, "--drift", *options) == {}
    # drift: a target of somebody's, an attribute
    rule = events.list_rules(NamePrefix="post-office-failed")["Rules"][0]["Name"]
    events.remove_targets(Rule=rule, Ids=["queue"])
    sqs.set_queue_attributes(QueueUrl=out["Url"], Attributes={"DelaySeconds": "7", "Policy": ""})
    found = plan(post, "--drift", *options)
    assert set(found) == {"Failed", "In", "InPolicy"} and found["In"][1] == {"DelaySeconds": (7, None)}, found
    # another name: a queue with messages is not lost without being asked for
    sqs.send_message(QueueUrl=out["Url"], MessageBody="precious")
    refused = post("setup", *options, "--set", "QueueName=post-out")
    assert refused.code != 0 and "1 message" in refused.stdout + refused.stderr
    sqs.purge_queue(QueueUrl=out["Url"])
    post("teardown", "--yes").ok()
    assert left(cloud) == ([], [], [], [])


def test_replace_and_refuse(post, cloud):
    post("setup").ok()
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    done = contract.check(post("setup", "--set", "QueueName=post-out").ok())
    assert actions(done)["In"] == "replace"
    urls = [u.rpartition("/")[2] for u in sqs.list_queues()["QueueUrls"]]
    assert "post-out" in urls and "post-in" not in urls
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    endpoints = [s["Endpoint"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    assert sorted(endpoints) == ["a@b.example", f"arn:aws:sqs:{cloud.region}:{cloud.account}:post-out"]
    # at once under the same names: SQS lets a name rest, and set-up waits for it
    contract.check(post("teardown", "--yes").ok())
    assert left(cloud) == ([], [], [], [])
    post("setup", "--set", "QueueName=post-out").ok()
    # messages go with a teardown that was agreed to
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="post-out")["QueueUrl"], MessageBody="m")
    gone = contract.check(post("teardown", "--yes").ok())
    assert gone.json["left"] == [] and left(cloud) == ([], [], [], [])
