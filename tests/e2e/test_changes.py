"""A template that changes: plan says before what setup then does, boto3 sees it, and another setup has nothing left to do."""
import json

import pytest

import contract
from shop import BASE, Shop

MORE = """\
  Results:
    Type: AWS::S3::Bucket
    Properties: {BucketName: shop-results}
  Group:
    Type: AWS::Athena::WorkGroup
    Properties:
      Name: shop_group
      Description: asks
      WorkGroupConfiguration:
        ResultConfiguration:
          OutputLocation: !Sub s3://${Results}/out/
  Crawler:
    Type: AWS::Glue::Crawler
    Properties:
      Name: shop_crawler
      Role: !GetAtt Role.Arn
      DatabaseName: !Ref Database
      Targets: {S3Targets: [{Path: !Sub "s3://${Bucket}/incoming/"}]}
      Tags: {team: blue}
Outputs:
"""
ARN = "arn:aws:glue:us-east-1:000000000000:"


@pytest.fixture
def shop(run_glueproj, cloud):
    shop = Shop(run_glueproj, cloud, **{"base.yaml": BASE.replace("Outputs:\n", MORE)})
    shop("setup").ok()
    return shop


def changed(result):
    """{logical id: action} of what was, or would be, done."""
    return {r["logical_id"]: r["action"] for s in result.json["stacks"] for r in s["resources"] if r["action"] != "none"}


def change(shop, expected, *options, paths=None):
    """Plan and setup say the same; afterwards nothing is left to do. Returns plan's changes by logical id."""
    plan = contract.check(shop("plan", "--detailed-exitcode", *options).fails(3)).json
    planned = {c["logical_id"]: c for c in plan["changes"]}
    assert {i: c["action"] for i, c in planned.items()} == expected
    for logical_id, wanted in (paths or {}).items():
        assert {(p["path"], p["effect"]) for p in planned[logical_id]["properties"]} == wanted
    dry = shop("setup", "--dry-run", *options).ok()
    assert changed(dry) == expected
    assert changed(contract.check(shop("setup", *options).ok())) == expected
    settled(shop, *options)
    return planned


def settled(shop, *options):
    assert shop("plan", "--detailed-exitcode", *options).ok().json["changes"] == []
    second = shop("setup", *options).ok()
    assert changed(second) == {} and second.json["summary"]["unchanged"] == len(second.resources())


def test_a_job_s_number_changes_just_that(shop, cloud):
    glue = cloud.client("glue")
    before = glue.get_job(JobName="shop_job")["Job"]
    planned = change(shop, {"Job": "update"}, "--set", "Minutes=9", paths={"Job": {("Timeout", "update")}})
    assert (planned["Job"]["properties"][0]["before"], planned["Job"]["properties"][0]["after"]) == (7, 9)
    after = glue.get_job(JobName="shop_job")["Job"]
    assert after.pop("Timeout") == 9 and before.pop("Timeout") == 7
    assert before.pop("LastModifiedOn") < after.pop("LastModifiedOn") and before == after


def test_a_job_s_argument_goes_and_comes(shop, cloud):
    glue = cloud.client("glue")
    shop.edit("work.yaml", "        --seconds: !Ref Seconds\n", "        --minutes: !Ref Minutes\n")
    change(shop, {"Job": "update"})
    arguments = glue.get_job(JobName="shop_job")["Job"]["DefaultArguments"]
    assert "--seconds" not in arguments and arguments["--minutes"] == "7"


def test_a_renamed_bucket_with_objects_needs_a_word(shop, cloud):
    s3 = cloud.client("s3")
    s3.put_object(Bucket="shop-results", Key="out/1.csv", Body=b"x")
    shop.edit("base.yaml", "BucketName: shop-results", "BucketName: shop-answers")
    plan = contract.check(shop("plan", "--detailed-exitcode").fails(3)).json
    planned = {c["logical_id"]: c for c in plan["changes"]}
    assert {i: (c["action"], c["data_loss"]) for i, c in planned.items()} == {"Results": ("replace", True), "Group": ("update", False)}
    assert {(p["path"], p["effect"]) for p in planned["Results"]["properties"]} == {("BucketName", "replace")}

    refused = shop("setup").fails(1, "--allow-data-loss Results")
    assert {r["status"] for r in refused.resources().values() if r["action"] != "none"} == {"skipped"}
    assert refused.json["summary"]["replaced"] == refused.json["summary"]["updated"] == 0
    assert "shop-results" in json.dumps(refused.json["errors"])
    assert [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("shop-")] == ["shop-data", "shop-results"]
    assert s3.get_object(Bucket="shop-results", Key="out/1.csv")["Body"].read() == b"x"

    assert changed(shop("setup", "--allow-data-loss", "Results").ok()) == {"Results": "replace", "Group": "update"}
    assert [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("shop-")] == ["shop-answers", "shop-data"]
    group = cloud.client("athena").get_work_group(WorkGroup="shop_group")["WorkGroup"]["Configuration"]
    assert group["ResultConfiguration"]["OutputLocation"] == "s3://shop-answers/out/"
    settled(shop)


def test_a_renamed_bucket_without_objects_just_goes(shop, cloud):
    shop.edit("base.yaml", "BucketName: shop-results", "BucketName: shop-answers")
    planned = change(shop, {"Results": "replace", "Group": "update"})
    assert not planned["Results"]["data_loss"]
    assert "shop-results" not in [b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"]]


def test_a_trigger_that_is_taken_out_goes(shop, cloud):
    head, _, tail = shop.read("work.yaml").partition("  Then:\n")
    shop.write("work.yaml", head + tail[tail.index("Outputs:"):])
    change(shop, {"Then": "delete"})
    assert [t["Name"] for t in cloud.client("glue").get_triggers()["Triggers"]] == ["shop_start"]


def test_a_trigger_of_another_type_is_replaced(shop, cloud):
    shop.edit("work.yaml", "Type: ON_DEMAND\n", "Type: SCHEDULED\n      Schedule: cron(15 12 * * ? *)\n      StartOnCreation: false\n")
    planned = change(shop, {"Start": "replace"})
    assert ("Type", "replace") in {(p["path"], p["effect"]) for p in planned["Start"]["properties"]}
    trigger = cloud.client("glue").get_trigger(Name="shop_start")["Trigger"]
    assert (trigger["Type"], trigger["Schedule"], trigger["State"]) == ("SCHEDULED", "cron(15 12 * * ? *)", "CREATED")


def test_a_trigger_s_schedule_and_conditions_change_in_place(shop, cloud):
    glue = cloud.client("glue")
    shop.edit("work.yaml", "State: SUCCEEDED}]", "State: FAILED}]")
    change(shop, {"Then": "update"})
    trigger = glue.get_trigger(Name="shop_then")["Trigger"]
    assert trigger["Predicate"]["Conditions"][0]["State"] == "FAILED" and trigger["State"] == "ACTIVATED"


def test_a_work_group_gets_encryption_and_loses_it(shop, cloud):
    athena = cloud.client("athena")
    line = "          OutputLocation: !Sub s3://${Results}/out/\n"
    shop.edit("base.yaml", line, line + "          EncryptionConfiguration: {EncryptionOption: SSE_S3}\n")
    change(shop, {"Group": "update"})
    result = athena.get_work_group(WorkGroup="shop_group")["WorkGroup"]["Configuration"]["ResultConfiguration"]
    assert result == {"OutputLocation": "s3://shop-results/out/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    shop.edit("base.yaml", "          EncryptionConfiguration: {EncryptionOption: SSE_S3}\n", "")
    change(shop, {"Group": "update"})
    result = athena.get_work_group(WorkGroup="shop_group")["WorkGroup"]["Configuration"]["ResultConfiguration"]
    assert result == {"OutputLocation": "s3://shop-results/out/"}


def test_a_role_s_policies_come_and_go(shop, cloud):
    iam = cloud.client("iam")
    own = '        - PolicyName: all\n          PolicyDocument:\n            Version: "2012-10-17"\n            Statement: [{Effect: Allow, Action: '
    assert own in shop.read("base.yaml")
    more = own.replace("all", "more") + '"athena:*", Resource: "*"}]\n'
    shop.edit("base.yaml", own, more + own)
    change(shop, {"Role": "update"})
    assert iam.list_role_policies(RoleName="ShopRole")["PolicyNames"] == ["all", "more"]
    assert iam.get_role_policy(RoleName="ShopRole", PolicyName="more")["PolicyDocument"]["Statement"][0]["Action"] == "athena:*"
    shop.edit("base.yaml", "athena:*", "logs:*")
    change(shop, {"Role": "update"})
    assert iam.get_role_policy(RoleName="ShopRole", PolicyName="more")["PolicyDocument"]["Statement"][0]["Action"] == "logs:*"

    head, _, tail = shop.read("base.yaml").partition("      Policies:\n")
    managed = "      ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole]\n"
    shop.write("base.yaml", head + managed + tail[tail.index("  Database:\n"):])
    change(shop, {"Role": "update"})
    assert iam.list_role_policies(RoleName="ShopRole")["PolicyNames"] == []
    attached = iam.list_attached_role_policies(RoleName="ShopRole")["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["AWSGlueServiceRole"]
    shop.edit("base.yaml", managed, "")
    change(shop, {"Role": "update"})
    assert iam.list_attached_role_policies(RoleName="ShopRole")["AttachedPolicies"] == []


def tags_of(cloud):
    """{what: its tags}, without glueproj's own."""
    glue = cloud.client("glue")
    found = {
        "Bucket": {t["Key"]: t["Value"] for t in cloud.client("s3").get_bucket_tagging(Bucket="shop-data")["TagSet"]},
        "Role": {t["Key"]: t["Value"] for t in cloud.client("iam").list_role_tags(RoleName="ShopRole")["Tags"]},
        "Job": glue.get_tags(ResourceArn=ARN + "job/shop_job")["Tags"],
        "Crawler": glue.get_tags(ResourceArn=ARN + "crawler/shop_crawler")["Tags"],
    }
    for name, tags in found.items():
        assert {"glueproj:project", "glueproj:stack", "glueproj:logical-id", "glueproj:digest"} <= set(tags), name
    return {n: {k: v for k, v in tags.items() if not k.startswith("glueproj:")} for n, tags in found.items()}


def test_tags_come_change_and_go(shop, cloud):
    assert tags_of(cloud) == {"Bucket": {"stage": "test"}, "Role": {}, "Job": {}, "Crawler": {"team": "blue"}}
    all_four = {n: "update" for n in ("Bucket", "Role", "Job", "Crawler")}

    shop.edit("base.yaml", "Tags: [{Key: stage, Value: !Ref Stage}]", "Tags: [{Key: stage, Value: live}, {Key: 'a b', Value: 'ü +='}]")
    shop.edit("base.yaml", "      RoleName: ShopRole\n", "      RoleName: ShopRole\n      Tags: [{Key: team, Value: red}]\n")
    shop.edit("base.yaml", "Tags: {team: blue}", "Tags: {team: red, more: ''}")
    shop.edit("work.yaml", "      Name: shop_job\n", "      Name: shop_job\n      Tags: {team: red}\n")
    change(shop, all_four)
    assert tags_of(cloud) == {
        "Bucket": {"stage": "live", "a b": "ü +="}, "Role": {"team": "red"}, "Job": {"team": "red"},
        "Crawler": {"team": "red", "more": ""},
    }

    shop.edit("base.yaml", "      Tags: [{Key: stage, Value: live}, {Key: 'a b', Value: 'ü +='}]\n", "")
    shop.edit("base.yaml", "      Tags: [{Key: team, Value: red}]\n", "")
    shop.edit("base.yaml", "      Tags: {team: red, more: ''}\n", "")
    shop.edit("work.yaml", "      Tags: {team: red}\n", "")
    change(shop, all_four)
    assert tags_of(cloud) == {"Bucket": {}, "Role": {}, "Job": {}, "Crawler": {}}


def test_what_lost_its_tags_is_left_and_told(shop, cloud):
    glue = cloud.client("glue")
    marks = {k: v for k, v in glue.get_tags(ResourceArn=ARN + "job/shop_job")["Tags"].items() if k.startswith("glueproj:")}
    assert marks
    glue.untag_resource(ResourceArn=ARN + "job/shop_job", TagsToRemove=list(marks))
    for _ in range(2):
        down = contract.check(shop("teardown", "--yes").fails(1)).json
        assert [(r["type"], r["physical_id"]) for r in down["left"]] == [("AWS::Glue::Job", "shop_job")]
        assert "put its glueproj: tags back" in down["left"][0]["reason"] and [e["code"] for e in down["errors"]] == ["Left"]
    glue.tag_resource(ResourceArn=ARN + "job/shop_job", TagsToAdd=marks)
    assert shop("teardown", "--yes").ok().json["left"] == [] and glue.get_jobs()["Jobs"] == []
