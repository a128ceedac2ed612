"""What a server says of a resource, by boto3, in the words of its CloudFormation properties."""
import ast
import json
import re

import boto3
import botocore.config
import botocore.exceptions

UNKNOWN = ("InvalidAction", "UnknownOperationException", "UnknownOperation", "NotImplemented", "NotImplementedError", "NotImplementedException")
GONE = {
    "404", "NoSuchBucket", "NoSuchEntity", "EntityNotFoundException", "ResourceNotFoundException", "NotFound", "NotFoundException",
    "StateMachineDoesNotExist", "ActivityDoesNotExist", "ResourceNotFound", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
}
UNSET = {
    "NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError",
    "NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration", "NoSuchWebsiteConfiguration", "NoSuchTagSet",
}
VOLATILE = {
    "CreateDate", "CreateTime", "CreationTime", "CreatedOn", "LastModifiedOn", "LastUpdated", "LastUpdatedTime", "LastRun", "LastCrawl", "Version",
    "VersionId", "RoleId", "PolicyId", "RoleLastUsed", "UpdateDate", "LastChangedDate", "CreatedDate", "LastAccessedDate", "VersionIdsToStages",
    "CrawlElapsedTime", "ARN", "ResponseMetadata", "AttachmentCount", "DefaultVersionId", "SecretVersionsToStages", "LastUpdateTime", "State",
    "PermissionsBoundaryUsageCount", "UpdateTime", "LastAccessTime",
}


def code_of(error):
    return error.response.get("Error", {}).get("Code", "")


def is_gone(error):
    text = error.response.get("Error", {}).get("Message", "").lower()
    return code_of(error) in GONE or code_of(error) == "InvalidRequestException" and ("not found" in text or "not exist" in text)


def document(value):
    """A policy document; moto's CloudFormation keeps some as Python writes a dict."""
    if not isinstance(value, str):
        return value
    return ast.literal_eval(value) if value.startswith("{'") else json.loads(value)


def pairs(tags):
    return {t["Key"]: t["Value"] for t in tags or []}


class Reader:
    """Reads from one server in one region. read() gives (properties, tags), tags None where the type has none; None when it is not there."""

    def __init__(self, server, region, endpoint=None):
        self.server, self.region, self.endpoint, self.clients = server, region, endpoint or server.endpoint, {}

    def client(self, service):
        if service not in self.clients:
            config = botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
            self.clients[service] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id=self.server.key,
                aws_secret_access_key=self.server.secret, config=config)
        return self.clients[service]

    def read(self, kind, name):
        reader = READERS.get(kind)
        assert reader, f"readers.py has no reader of {kind}"
        try:
            return reader(self, name)
        except botocore.exceptions.ClientError as e:
            if is_gone(e):
                return None
            raise

    def glue_tags(self, kind, name):
        return self.client("glue").get_tags(ResourceArn=f"arn:aws:glue:{self.region}:{self.server.account}:{kind}/{name}")["Tags"]

    def states_tags(self, arn):
        return {t["key"]: t["value"] for t in self.client("stepfunctions").list_tags_for_resource(resourceArn=arn)["tags"]}

    def part(self, call, name):
        try:
            return call(Bucket=name)
        except botocore.exceptions.ClientError as e:
            if code_of(e) in UNSET:
                return {}
            raise


def bucket(reader, name):
    s3 = reader.client("s3")
    s3.head_bucket(Bucket=name)
    found = {
        "BucketName": name,
        "VersioningConfiguration": {"Status": reader.part(s3.get_bucket_versioning, name).get("Status")},
        "PublicAccessBlockConfiguration": reader.part(s3.get_public_access_block, name).get("PublicAccessBlockConfiguration"),
        "OwnershipControls": reader.part(s3.get_bucket_ownership_controls, name).get("OwnershipControls"),
    }
    encryption = reader.part(s3.get_bucket_encryption, name).get("ServerSideEncryptionConfiguration")
    if encryption:
        found["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [
            {"BucketKeyEnabled": r.get("BucketKeyEnabled") or None, "ServerSideEncryptionByDefault": r["ApplyServerSideEncryptionByDefault"]}
            for r in encryption["Rules"]]}
    cors = reader.part(s3.get_bucket_cors, name).get("CORSRules")
    if cors:
        words = {"ID": "Id", "MaxAgeSeconds": "MaxAge", "ExposeHeaders": "ExposedHeaders"}
        found["CorsConfiguration"] = {"CorsRules": [{words.get(k, k): v for k, v in r.items()} for r in cors]}
    if "EventBridgeConfiguration" in reader.part(s3.get_bucket_notification_configuration, name):
        found["NotificationConfiguration"] = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rules = reader.part(s3.get_bucket_lifecycle_configuration, name).get("Rules")
    if rules:
        found["LifecycleConfiguration"] = {"Rules": [lifecycle_rule(r) for r in rules]}
    website = reader.part(s3.get_bucket_website, name)
    if website.get("IndexDocument"):
        found["WebsiteConfiguration"] = {
            "IndexDocument": website["IndexDocument"]["Suffix"], "ErrorDocument": website.get("ErrorDocument", {}).get("Key")}
    return found, pairs(reader.part(s3.get_bucket_tagging, name).get("TagSet"))


def lifecycle_rule(rule):
    found = {"Id": rule.get("ID"), "Status": rule["Status"]}
    found["Prefix"] = rule.get("Prefix", rule.get("Filter", {}).get("Prefix", rule.get("Filter", {}).get("And", {}).get("Prefix")))
    if "Days" in rule.get("Expiration", {}):
        found["ExpirationInDays"] = rule["Expiration"]["Days"]
    if "Transitions" in rule:
        found["Transitions"] = [{"StorageClass": t["StorageClass"], "TransitionInDays": t["Days"]} for t in rule["Transitions"]]
    for member in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if member in rule:
            found[member] = rule[member]
    return found


def role(reader, name):
    iam = reader.client("iam")
    found = iam.get_role(RoleName=name)["Role"]
    names = sorted(iam.list_role_policies(RoleName=name)["PolicyNames"])
    found["Policies"] = [
        {"PolicyName": p, "PolicyDocument": document(iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"])} for p in names]
    found["ManagedPolicyArns"] = sorted(p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"])
    found["AssumeRolePolicyDocument"] = document(found["AssumeRolePolicyDocument"])
    found.pop("Tags", None)
    return found, pairs(iam.list_role_tags(RoleName=name)["Tags"])


def managed_policy(reader, arn):
    iam = reader.client("iam")
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    found.pop("Tags", None)
    found.update({
        "ManagedPolicyName": found["PolicyName"], "PolicyDocument": document(version["Document"]), "Roles": sorted(r["RoleName"] for r in entities["PolicyRoles"]),
    })
    return found, pairs(iam.list_policy_tags(PolicyArn=arn)["Tags"])


def inline_policy(reader, name):
    """By "role/policy", since an inline policy has no name of its own in all of IAM."""
    role_name, _, policy = name.partition("/")
    found = reader.client("iam").get_role_policy(RoleName=role_name, PolicyName=policy)
    return {"PolicyName": policy, "PolicyDocument": document(found["PolicyDocument"]), "Roles": [role_name]}, None


def database(reader, name):
    found = reader.client("glue").get_database(Name=name)["Database"]
    return {"CatalogId": found.get("CatalogId"), "DatabaseInput": found}, reader.glue_tags("database", name)


def table(reader, name):
    """Of whichever database: names are told apart in the projects of this folder."""
    glue = reader.client("glue")
    for page in glue.get_paginator("get_databases").paginate():
        for d in page["DatabaseList"]:
            try:
                found = glue.get_table(DatabaseName=d["Name"], Name=name)["Table"]
            except glue.exceptions.EntityNotFoundException:
                continue
            return {"CatalogId": found.get("CatalogId") or d.get("CatalogId"), "DatabaseName": d["Name"], "TableInput": found}, None
    return None


def job(reader, name):
    return reader.client("glue").get_job(JobName=name)["Job"], reader.glue_tags("job", name)


def crawler(reader, name):
    found = reader.client("glue").get_crawler(Name=name)["Crawler"]
    found["Role"] = found["Role"].rpartition(":role/")[2]  # AWS gives the bare name, whichever was sent
    found["Targets"]["S3Targets"] = [{**t, "Path": t["Path"].rstrip("/")} for t in found["Targets"].get("S3Targets", [])]
    return found, reader.glue_tags("crawler", name)


def trigger(reader, name):
    found = reader.client("glue").get_trigger(Name=name)["Trigger"]
    found["StartOnCreation"] = found["State"] in ("ACTIVATED", "ACTIVATING")
    return found, reader.glue_tags("trigger", name)


def workflow(reader, name):
    return reader.client("glue").get_workflow(Name=name)["Workflow"], reader.glue_tags("workflow", name)


def work_group(reader, name):
    athena = reader.client("athena")
    found = athena.get_work_group(WorkGroup=name).get("WorkGroup")
    if not found:
        return None
    found["WorkGroupConfiguration"] = found.pop("Configuration", {})
    found["WorkGroupConfiguration"].pop("EngineVersion", None)
    arn = f"arn:aws:athena:{reader.region}:{reader.server.account}:workgroup/{name}"
    return found, pairs(athena.list_tags_for_resource(ResourceARN=arn)["Tags"])


def secret(reader, arn):
    secrets = reader.client("secretsmanager")
    found = secrets.describe_secret(SecretId=arn)
    if found.get("DeletedDate"):
        return None
    found["SecretString"] = secrets.get_secret_value(SecretId=arn).get("SecretString")
    return found, pairs(found.pop("Tags", None))


def state_machine(reader, arn):
    found = reader.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    if found["status"] == "DELETING":
        return None
    definition = json.loads(found["definition"])
    found = {k[0].upper() + k[1:]: v for k, v in found.items() if k not in ("definition", "revisionId", "creationDate", "status")}
    logging = found.get("LoggingConfiguration") or {}
    return {**found, "StateMachineName": found["Name"], "StateMachineType": found["Type"], "Definition": definition, "DefinitionString": json.dumps(definition), "LoggingConfiguration": {
        "Level": logging.get("level"), "IncludeExecutionData": logging.get("includeExecutionData"), "Destinations": [
            {"CloudWatchLogsLogGroup": {"LogGroupArn": d["cloudWatchLogsLogGroup"]["logGroupArn"]}} for d in logging.get("destinations", [])]},
        "TracingConfiguration": {"Enabled": (found.get("TracingConfiguration") or {}).get("enabled", False)}}, reader.states_tags(arn)


def activity(reader, arn):
    found = reader.client("stepfunctions").describe_activity(activityArn=arn)
    return {"Name": found["name"]}, reader.states_tags(arn)


def log_group(reader, name):
    logs = reader.client("logs")
    found = [g for g in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] if g["logGroupName"] == name]
    if not found:
        return None
    arn = f"arn:aws:logs:{reader.region}:{reader.server.account}:log-group:{name}"
    return {k[0].upper() + k[1:]: found[0].get(k) for k in ("logGroupName", "retentionInDays", "kmsKeyId", "logGroupClass")}, logs.list_tags_for_resource(resourceArn=arn)["tags"]


def alarm(reader, name):
    watch = reader.client("cloudwatch")
    found = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        return None
    shown = {k: v for k, v in found[0].items() if not k.startswith("State") and not k.endswith("Timestamp") and k != "AlarmArn"}
    return shown, pairs(watch.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"])


def connection(reader, name):
    found = reader.client("glue").get_connection(Name=name)["Connection"]
    return {"CatalogId": reader.server.account, "ConnectionInput": found}, reader.glue_tags("connection", name)


def queue(reader, url):
    api, wanted = reader.client("sqs"), ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "MaximumMessageSize", "ReceiveMessageWaitTimeSeconds")
    attributes = api.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    found = {k: int(attributes[k]) for k in wanted if k in attributes}
    found["QueueName"] = attributes["QueueArn"].rsplit(":", 1)[-1]
    if "SqsManagedSseEnabled" in attributes:
        found["SqsManagedSseEnabled"] = attributes["SqsManagedSseEnabled"] == "true"
    if "RedrivePolicy" in attributes:
        found["RedrivePolicy"] = json.loads(attributes["RedrivePolicy"])
    return found, api.list_queue_tags(QueueUrl=url).get("Tags", {})


def queue_policy(reader, url):
    """By its first queue."""
    found = reader.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {}).get("Policy")
    return ({"Queues": [url], "PolicyDocument": document(found)}, None) if found else None


def rule(reader, name):
    api = reader.client("events")
    found = api.describe_rule(Name=name)
    found["Targets"] = api.list_targets_by_rule(Rule=name)["Targets"]
    if found.get("EventPattern"):
        found["EventPattern"] = json.loads(found["EventPattern"])
    return found, pairs(api.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])


def warehouse(kind):
    def read(reader, name):
        api = reader.client("redshift-serverless")
        found = getattr(api, f"get_{kind}")(**{f"{kind}Name": name})[kind]
        if found["status"] == "DELETING":
            return None
        tags = {t["key"]: t["value"] for t in api.list_tags_for_resource(resourceArn=found[f"{kind}Arn"])["tags"]}
        found["iamRoles"] = [re.sub(r".*iamRoleArn=([^,)]*).*", r"\1", r) for r in found.get("iamRoles", [])]
        return {k[0].upper() + k[1:]: v for k, v in found.items() if k != "status"}, tags

    return read


READERS = {
    "AWS::SQS::Queue": queue, "AWS::SQS::QueuePolicy": queue_policy, "AWS::Events::Rule": rule,
    "AWS::RedshiftServerless::Namespace": warehouse("namespace"), "AWS::RedshiftServerless::Workgroup": warehouse("workgroup"),
    "AWS::CloudWatch::Alarm": alarm, "AWS::Glue::Connection": connection, "AWS::Logs::LogGroup": log_group, "AWS::StepFunctions::Activity": activity,
    "AWS::StepFunctions::StateMachine": state_machine,
    "AWS::Athena::WorkGroup": work_group, "AWS::Glue::Crawler": crawler, "AWS::Glue::Database": database, "AWS::Glue::Table": table, "AWS::Glue::Job": job,
    "AWS::Glue::Trigger": trigger, "AWS::Glue::Workflow": workflow, "AWS::IAM::ManagedPolicy": managed_policy, "AWS::IAM::Policy": inline_policy,
    "AWS::IAM::Role": role, "AWS::S3::Bucket": bucket, "AWS::SecretsManager::Secret": secret,
}


def lasting(value):
    """Without times, versions and ids that a server makes."""
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in VOLATILE and v not in (None, {}, [])}
    return [lasting(v) for v in value] if isinstance(value, list) else value


def workflows(glue):
    try:
        return glue.list_workflows()["Workflows"]
    except botocore.exceptions.ClientError as e:
        assert code_of(e) in UNKNOWN, e  # a row of gaps.py; what stands is read by name as well
        return []


def standing(reader):
    """The names of all that stands on a server, by kind."""
    s3, iam, glue = (reader.client(s) for s in ("s3", "iam", "glue"))
    found = {
        "buckets": [b["Name"] for b in s3.list_buckets()["Buckets"]],
        "roles": [r["RoleName"] for p in iam.get_paginator("list_roles").paginate() for r in p["Roles"]],
        "policies": [r["Arn"] for p in iam.get_paginator("list_policies").paginate(Scope="Local") for r in p["Policies"]],
        "databases": [d["Name"] for p in glue.get_paginator("get_databases").paginate() for d in p["DatabaseList"]],
        "jobs": [j["Name"] for p in glue.get_paginator("get_jobs").paginate() for j in p["Jobs"]],
        "crawlers": [c["Name"] for p in glue.get_paginator("get_crawlers").paginate() for c in p["Crawlers"]],
        "triggers": [t["Name"] for p in glue.get_paginator("get_triggers").paginate() for t in p["Triggers"]],
        "workflows": workflows(glue),
        "work groups": [w["Name"] for w in reader.client("athena").list_work_groups()["WorkGroups"]],
        "state machines": [m["stateMachineArn"] for p in reader.client("stepfunctions").get_paginator("list_state_machines").paginate() for m in p["stateMachines"]],
        "activities": [a["activityArn"] for p in reader.client("stepfunctions").get_paginator("list_activities").paginate() for a in p["activities"]],
        "alarms": [a["AlarmName"] for p in reader.client("cloudwatch").get_paginator("describe_alarms").paginate() for a in p["MetricAlarms"]],
        "connections": [c["Name"] for p in glue.get_paginator("get_connections").paginate() for c in p["ConnectionList"]],
        "queues": reader.client("sqs").list_queues().get("QueueUrls", []),
        "rules": [r["Name"] for r in reader.client("events").list_rules()["Rules"]],
        "secrets": [s["Name"] for s in reader.client("secretsmanager").list_secrets()["SecretList"] if "DeletedDate" not in s],
    }
    return {k: sorted(v) for k, v in found.items()}
