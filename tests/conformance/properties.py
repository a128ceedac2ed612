"""Templates that use every property of CloudFormation's resource schemas that the types have: for each resource its properties, and the same changed."""
import copy

ACCOUNT, REGION = "000000000000", "us-east-1"
KMS, OTHER_KMS = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
OTHER_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["glue.amazonaws.com", "lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
CREATED = "s3:ObjectCreated:*"


def policy(action):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def sqs(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def tags(*values):
    return [{"Key": f"tag{i}", "Value": v} for i, v in enumerate(values)]


def key_filter(kind, prefix, suffix):
    """A part of a notification configuration, with its filter."""
    return {**kind, "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}, {"Name": "suffix", "Value": suffix}]}}}


# --- buckets ---
BUCKET = {
    "BucketName": "all-properties-a", "AccessControl": "Private",
    "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
        "BucketKeyEnabled": True, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS}}]},
    "CorsConfiguration": {"CorsRules": [{
        "Id": "cors-one", "AllowedHeaders": ["x-one"], "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://one.example"], "ExposedHeaders": ["x-shown"],
        "MaxAge": 1801}]},
    "LifecycleConfiguration": {"Rules": [
        {"Id": "by-days", "Status": "Enabled", "Prefix": "days/", "ExpirationInDays": 401, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 11},
         "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 61}, {"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 181}],
         "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 4, "NoncurrentDays": 91},
         "NoncurrentVersionTransitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 31, "NewerNoncurrentVersions": 5}]},
        {"Id": "by-date", "Status": "Enabled", "Prefix": "date/", "ExpirationDate": "2031-01-01T00:00:00Z",
         "Transitions": [{"StorageClass": "GLACIER", "TransitionDate": "2030-01-01T00:00:00Z"}]},
        {"Id": "by-size", "Status": "Disabled", "ObjectSizeGreaterThan": "501", "ObjectSizeLessThan": "70001", "ExpirationInDays": 31,
         "TagFilters": [{"Key": "kind", "Value": "small"}]},
        {"Id": "markers", "Status": "Enabled", "Prefix": "markers/", "ExpiredObjectDeleteMarker": True},
    ]},
    "LoggingConfiguration": {"DestinationBucketName": "all-properties-logs", "LogFilePrefix": "log-one/",
                             "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}},
    "NotificationConfiguration": {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True},
        "LambdaConfigurations": [key_filter({"Event": CREATED, "Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:one"}, "lambda/", ".one")],
        "QueueConfigurations": [key_filter({"Event": CREATED, "Queue": sqs("one")}, "queue/", ".two")],
        "TopicConfigurations": [key_filter({"Event": "s3:ObjectRemoved:*", "Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:one"}, "topic/", ".three")]},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": False},
    "Tags": tags("one", "two"),
    "VersioningConfiguration": {"Status": "Enabled"},
    "WebsiteConfiguration": {"IndexDocument": "index-one.html", "ErrorDocument": "error-one.html", "RoutingRules": [
        {"RoutingRuleCondition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "old/"},
         "RedirectRule": {"HostName": "one.example", "HttpRedirectCode": "302", "Protocol": "https", "ReplaceKeyPrefixWith": "new/"}},
        {"RoutingRuleCondition": {"KeyPrefixEquals": "gone/"}, "RedirectRule": {"ReplaceKeyWith": "sorry-one.html"}}]},
}
OTHER_BUCKET = copy.deepcopy(BUCKET)
OTHER_BUCKET.update({
    "AccessControl": "BucketOwnerFullControl", "AccelerateConfiguration": {"AccelerationStatus": "Suspended"},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
        "BucketKeyEnabled": False, "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": OTHER_KMS}}]},
    "CorsConfiguration": {"CorsRules": [{
        "Id": "cors-two", "AllowedHeaders": ["x-two"], "AllowedMethods": ["HEAD"], "AllowedOrigins": ["https://two.example"], "ExposedHeaders": ["x-told"],
        "MaxAge": 1802}]},
    "LifecycleConfiguration": {"Rules": [
        {"Id": "old-forms", "Status": "Enabled", "Prefix": "old/", "ExpirationInDays": 402, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 12},
         "Transition": {"StorageClass": "GLACIER", "TransitionInDays": 62}, "NoncurrentVersionExpirationInDays": 92,
         "NoncurrentVersionTransition": {"StorageClass": "ONEZONE_IA", "TransitionInDays": 32, "NewerNoncurrentVersions": 6}},
        {"Id": "old-date", "Status": "Enabled", "Prefix": "older/", "Transition": {"StorageClass": "GLACIER", "TransitionDate": "2032-01-01T00:00:00Z"}},
    ]},
    "LoggingConfiguration": {"DestinationBucketName": "all-properties-logs", "LogFilePrefix": "log-two/", "TargetObjectKeyFormat": {"SimplePrefix": {}}},
    "NotificationConfiguration": {
        "LambdaConfigurations": [key_filter({"Event": "s3:ObjectRestore:*", "Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:two"}, "lambda2/", ".eins")],
        "QueueConfigurations": [key_filter({"Event": "s3:ObjectTagging:*", "Queue": sqs("two")}, "queue2/", ".zwei")],
        "TopicConfigurations": [key_filter({"Event": "s3:ObjectAcl:Put", "Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:two"}, "topic2/", ".drei")]},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": False, "BlockPublicPolicy": False, "IgnorePublicAcls": False, "RestrictPublicBuckets": True},
    "Tags": tags("one more", "two", "three"),
    "VersioningConfiguration": {"Status": "Suspended"},
    "WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "two.example", "Protocol": "http"}},
})
LOCKED = {
    "BucketName": "all-properties-locked", "ObjectLockEnabled": True, "VersioningConfiguration": {"Status": "Enabled"},
    "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 13, "DefaultEventHold": {"Days": 14}}}},
}
OTHER_LOCKED = {**LOCKED, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 2, "DefaultEventHold": {"Years": 3}}}}}

# --- IAM ---
ROLE = {
    "RoleName": "AllProperties", "AssumeRolePolicyDocument": TRUST, "Description": "role one", "MaxSessionDuration": 7201, "Path": "/all/properties/",
    "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"], "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
    "Policies": [{"PolicyName": "inline-one", "PolicyDocument": policy("s3:GetObject")}, {"PolicyName": "inline-two", "PolicyDocument": policy("s3:PutObject")}],
    "Tags": tags("one", "two"),
}
OTHER_ROLE = {
    **ROLE, "AssumeRolePolicyDocument": OTHER_TRUST, "Description": "role two", "MaxSessionDuration": 7202, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess", "Tags": tags("one more"),
    "Policies": [{"PolicyName": "inline-one", "PolicyDocument": policy("s3:DeleteObject")}, {"PolicyName": "inline-three", "PolicyDocument": policy("s3:ListBucket")}],
}
MANAGED = {"ManagedPolicyName": "AllPropertiesManaged", "Description": "policy one", "Path": "/managed/", "PolicyDocument": policy("glue:GetTable"), "Roles": [{"Ref": "Role"}]}
INLINE = {"PolicyName": "all-properties-inline", "PolicyDocument": policy("glue:GetJob"), "Roles": [{"Ref": "Role"}]}

# --- Glue ---
DATABASE = {
    "CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {
        "Name": "all_properties", "Description": "database one", "LocationUri": "s3://all-properties-a/one/", "Parameters": {"kind": "one"},
        "CreateTableDefaultPermissions": [{"Permissions": ["SELECT"], "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}}]},
}
LINKED = {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseName": "all_properties_link", "DatabaseInput": {
    "Name": "all_properties_link", "TargetDatabase": {"CatalogId": "123456789012", "DatabaseName": "theirs_one", "Region": "eu-west-1"}}}
FEDERATED = {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {
    "Name": "all_properties_federated", "FederatedDatabase": {"ConnectionName": "connection-one", "Identifier": f"arn:aws:redshift:{REGION}:{ACCOUNT}:datashare:one"}}}


def crawler(n, **more):
    word = "one" if n == 1 else "two"
    return {
        "Name": "all-properties", "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "DatabaseName": {"Ref": "Database"}, "Description": f"crawler {word}", "TablePrefix": f"{word}_",
        "Classifiers": [f"classifier-{word}"], "CrawlerSecurityConfiguration": f"security-{word}", "Schedule": {"ScheduleExpression": f"cron({n} 2 * * ? *)"},
        "Configuration": '{"Version":1.0,"Grouping":{"TableLevelConfiguration":%d}}' % (n + 1),
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": n == 2, "AccountId": f"12345678901{n}"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"}, "Tags": {"kind": word},
        "SchemaChangePolicy": {"DeleteBehavior": "LOG" if n == 1 else "DEPRECATE_IN_DATABASE", "UpdateBehavior": "LOG" if n == 1 else "UPDATE_IN_DATABASE"},
        "Targets": {
            "S3Targets": [{"Path": f"s3://all-properties-a/{word}", "Exclusions": [f"**.{word}"], "ConnectionName": f"network-{word}", "SampleSize": 10 + n,
                           "EventQueueArn": sqs(f"events-{word}"), "DlqEventQueueArn": sqs(f"dead-{word}")}],
            "JdbcTargets": [{"ConnectionName": f"jdbc-{word}", "Path": f"db/{word}/%", "Exclusions": [f"db/{word}/no"], "EnableAdditionalMetadata": ["COMMENTS" if n == 1 else "RAWTYPES"]}],
            "DynamoDBTargets": [{"Path": f"table-{word}", "ScanAll": n == 2, "ScanRate": 0.5 + n / 10}],
            "MongoDBTargets": [{"ConnectionName": f"mongo-{word}", "Path": f"docs/{word}"}],
            "DeltaTargets": [{"ConnectionName": f"delta-{word}", "DeltaTables": [f"s3://all-properties-a/delta-{word}/"], "WriteManifest": n == 2, "CreateNativeDeltaTable": n == 1}],
            "HudiTargets": [{"ConnectionName": f"hudi-{word}", "Paths": [f"s3://all-properties-a/hudi-{word}/"], "Exclusions": [f"h.{word}"], "MaximumTraversalDepth": 11 + n}],
            "IcebergTargets": [{"ConnectionName": f"iceberg-{word}", "Paths": [f"s3://all-properties-a/iceberg-{word}/"], "Exclusions": [f"i.{word}"], "MaximumTraversalDepth": 13 + n}],
        }, **more,
    }


CATALOG_CRAWLER = {
    "Name": "all-properties-catalog", "Role": {"Ref": "Role"}, "SchemaChangePolicy": {"DeleteBehavior": "LOG", "UpdateBehavior": "LOG"},
    "Targets": {"CatalogTargets": [{"DatabaseName": {"Ref": "Database"}, "Tables": ["table_one"], "ConnectionName": "catalog-one", "EventQueueArn": sqs("catalog-one"),
                                    "DlqEventQueueArn": sqs("catalog-dead-one")}]},
}
OTHER_CATALOG_CRAWLER = {**CATALOG_CRAWLER, "Targets": {"CatalogTargets": [{"DatabaseName": {"Ref": "Database"}, "Tables": ["table_two"], "ConnectionName": "catalog-two",
                                                                          "EventQueueArn": sqs("catalog-two"), "DlqEventQueueArn": sqs("catalog-dead-two")}]}}


def job(n):
    word = "one" if n == 1 else "two"
    return {
        "Name": "all-properties-spark", "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Description": f"job {word}",
        "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": f"s3://all-properties-a/{word}.py"}, "Connections": {"Connections": [f"connection-{word}"]},
        "DefaultArguments": {"--kind": word}, "NonOverridableArguments": {"--fixed": f"fixed {word}"}, "ExecutionClass": "FLEX" if n == 1 else "STANDARD",
        "ExecutionProperty": {"MaxConcurrentRuns": 2 + n}, "GlueVersion": "5.0" if n == 1 else "4.0", "JobMode": "SCRIPT" if n == 1 else "VISUAL",
        "JobRunQueuingEnabled": n == 2, "LogUri": f"s3://all-properties-a/logs-{word}/", "MaintenanceWindow": f"Sun:{9 + n}", "MaxRetries": 1 + n,
        "NotificationProperty": {"NotifyDelayAfter": 20 + n}, "NumberOfWorkers": 30 + n, "WorkerType": f"G.{n}X", "SecurityConfiguration": f"security-{word}", "Tags": {"kind": word},
        "Timeout": 40 + n,
    }


SHELL_JOB = {"Name": "all-properties-shell", "Role": {"Ref": "Role"}, "Command": {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://all-properties-a/s.py"}, "MaxCapacity": 0.0625}
RAY_JOB = {"Name": "all-properties-ray", "Role": {"Ref": "Role"}, "GlueVersion": "4.0", "WorkerType": "Z.2X", "NumberOfWorkers": 5,
           "Command": {"Name": "glueray", "Runtime": "Ray2.4", "PythonVersion": "3.9", "ScriptLocation": "s3://all-properties-a/r.py"}}
ALLOCATED_JOB = {"Name": "all-properties-allocated", "Role": {"Ref": "Role"}, "AllocatedCapacity": 4, "GlueVersion": "1.0",
                 "Command": {"Name": "glueetl", "ScriptLocation": "s3://all-properties-a/a.py", "PythonVersion": "3"}}
WORKFLOW = {"Name": "all-properties", "Description": "workflow one", "DefaultRunProperties": {"kind": "one"}, "MaxConcurrentRuns": 3, "Tags": {"kind": "one"}}


def trigger(n):
    word = "one" if n == 1 else "two"
    return {
        "Name": "all-properties-conditional", "Type": "CONDITIONAL", "WorkflowName": {"Ref": "Workflow"}, "Description": f"trigger {word}", "StartOnCreation": False, "Tags": {"kind": word},
        "Predicate": {"Logical": "AND" if n == 1 else "ANY", "Conditions": [
            {"LogicalOperator": "EQUALS", "JobName": {"Ref": "ShellJob"}, "State": "SUCCEEDED" if n == 1 else "FAILED"},
            {"LogicalOperator": "EQUALS", "CrawlerName": {"Ref": "CatalogCrawler"}, "CrawlState": "SUCCEEDED" if n == 1 else "FAILED"}]},
        "Actions": [{"JobName": {"Ref": "SparkJob"}, "Arguments": {"--kind": word}, "NotificationProperty": {"NotifyDelayAfter": 50 + n}, "SecurityConfiguration": f"security-{word}",
                     "Timeout": 60 + n}, {"CrawlerName": {"Ref": "Crawler"}}],
    }


SCHEDULED = {"Name": "all-properties-scheduled", "Type": "SCHEDULED", "Schedule": "cron(11 3 * * ? *)", "StartOnCreation": True, "Actions": [{"JobName": {"Ref": "ShellJob"}}]}
EVENT = {"Name": "all-properties-event", "Type": "EVENT", "WorkflowName": {"Ref": "Workflow"}, "EventBatchingCondition": {"BatchSize": 7, "BatchWindow": 71},
         "Actions": [{"JobName": {"Ref": "ShellJob"}}, {"CrawlerName": {"Ref": "CatalogCrawler"}}]}


# --- Athena ---
def workgroup(n):
    word = "one" if n == 1 else "two"
    key = KMS if n == 1 else OTHER_KMS
    return {
        "Name": "all-properties", "Description": f"group {word}", "State": "ENABLED" if n == 1 else "DISABLED", "RecursiveDeleteOption": True, "Tags": tags(word),
        "WorkGroupConfiguration": {
            "BytesScannedCutoffPerQuery": 20000000 + n, "EnforceWorkGroupConfiguration": n == 1, "PublishCloudWatchMetricsEnabled": n == 1, "RequesterPaysEnabled": n == 1,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3" if n == 1 else "AUTO"},
            "ResultConfiguration": {"OutputLocation": f"s3://all-properties-a/results-{word}/", "ExpectedBucketOwner": f"12345678901{n}",
                                    "AclConfiguration": {"S3AclOption": "BUCKET_OWNER_FULL_CONTROL"},
                                    "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS" if n == 1 else "CSE_KMS", "KmsKey": key}},
        },
    }


def spark_group(n):
    word = "one" if n == 1 else "two"
    key = KMS if n == 1 else OTHER_KMS
    return {
        "Name": "all-properties-spark", "WorkGroupConfiguration": {
            "AdditionalConfiguration": '{"NotebookVersion": "Athena notebook version %d"}' % n, "ExecutionRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "CustomerContentEncryptionConfiguration": {"KmsKey": key}, "EngineVersion": {"SelectedEngineVersion": "PySpark engine version 3"},
            "EngineConfiguration": {"CoordinatorDpuSize": 1, "MaxConcurrentDpus": 20 + n, "DefaultExecutorDpuSize": 1, "AdditionalConfigs": {"config": word},
                                    "SparkProperties": {"spark.kind": word}, "Classifications": [{"Name": f"class-{word}", "Properties": {"kind": word}}]},
            "MonitoringConfiguration": {
                "CloudWatchLoggingConfiguration": {"Enabled": n == 1, "LogGroup": f"/all/{word}", "LogStreamNamePrefix": f"stream-{word}", "LogTypes": {"SPARK_DRIVER": [f"STD{'OUT' if n == 1 else 'ERR'}"]}},
                "ManagedLoggingConfiguration": {"Enabled": n == 1, "KmsKey": key},
                "S3LoggingConfiguration": {"Enabled": n == 1, "KmsKey": key, "LogLocation": f"s3://all-properties-a/spark-{word}/"}},
            "ResultConfiguration": {"OutputLocation": f"s3://all-properties-a/spark-results-{word}/"},
        },
    }


def managed_group(n):
    return {"Name": "all-properties-managed", "WorkGroupConfiguration": {
        "EnforceWorkGroupConfiguration": True, "ManagedQueryResultsConfiguration": {"Enabled": True, "EncryptionConfiguration": {"KmsKey": KMS if n == 1 else OTHER_KMS}}}}


# --- secrets ---
SECRET = {"Name": "all/properties", "Description": "secret one", "KmsKeyId": KMS, "SecretString": "the value", "Tags": tags("one")}
GENERATED = {"Name": "all/generated", "GenerateSecretString": {
    "SecretStringTemplate": '{"user": "me"}', "GenerateStringKey": "word", "PasswordLength": 41, "ExcludeCharacters": "abc", "ExcludeLowercase": False, "ExcludeNumbers": True,
    "ExcludePunctuation": True, "ExcludeUppercase": False, "IncludeSpace": False, "RequireEachIncludedType": True}}


# --- state machines, and what watches them ---
MACHINE_ROLE = {
    "RoleName": "AllPropertiesMachine", "Policies": [{"PolicyName": "logs", "PolicyDocument": policy("logs:*")}],
    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}


def machine(n, **more):
    word = "one" if n == 1 else "two"
    return {
        "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]}, "StateMachineType": "STANDARD", "DefinitionSubstitutions": {"Word": word}, "Tags": tags(word),
        "EncryptionConfiguration": {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KMS if n == 1 else OTHER_KMS, "KmsDataKeyReusePeriodSeconds": 300 + n},
        "LoggingConfiguration": {"Level": "ALL" if n == 1 else "ERROR", "IncludeExecutionData": n == 1, "Destinations": [
            {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["LogGroup", "Arn"]}}}]},
        "TracingConfiguration": {"Enabled": n == 1}, **more,
    }


def states(n):
    return {"StartAt": "${Word}", "States": {"${Word}": {"Type": "Pass", "Result": {"share": 0.5 + n}, "End": True}}}


ACTIVITY = {"Name": "all-properties", "EncryptionConfiguration": {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KMS, "KmsDataKeyReusePeriodSeconds": 301}, "Tags": tags("one")}
LOG_GROUP = {"LogGroupName": "/all/properties", "RetentionInDays": 14, "KmsKeyId": KMS, "LogGroupClass": "INFREQUENT_ACCESS", "DeletionProtectionEnabled": True, "Tags": tags("one")}


def alarm(n):
    word = "one" if n == 1 else "two"
    return {
        "AlarmName": "all-properties", "AlarmDescription": f"alarm {word}", "ActionsEnabled": n == 2, "Namespace": f"space-{word}", "MetricName": f"metric-{word}",
        "Dimensions": [{"Name": f"name-{word}", "Value": f"value-{word}"}], "Statistic": "Sum" if n == 1 else "Average", "Period": 60 * n, "EvaluationPeriods": 3 + n,
        "DatapointsToAlarm": 1 + n, "Threshold": 1.5 + n, "ComparisonOperator": "GreaterThanThreshold" if n == 1 else "LessThanThreshold", "Unit": "Count" if n == 1 else "Bytes",
        "TreatMissingData": "ignore" if n == 1 else "breaching", "AlarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:bad-{word}"], "OKActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:good-{word}"],
        "InsufficientDataActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:none-{word}"], "Tags": tags(word),
    }


def percentile_alarm(n):
    found = {k: v for k, v in alarm(n).items() if k != "Statistic"}
    return {**found, "AlarmName": "all-properties-percentile", "ExtendedStatistic": f"p9{n}", "EvaluateLowSampleCountPercentile": "ignore" if n == 1 else "evaluate"}


def metric_query(word, n):
    return {"Id": f"m{n}", "Label": f"label {word}", "AccountId": ACCOUNT, "ReturnData": n != 1, "MetricStat": {
        "Metric": {"Namespace": f"space-{word}", "MetricName": f"metric-{word}", "Dimensions": [{"Name": f"name-{word}", "Value": f"value-{word}"}]},
        "Period": 120, "Stat": "Maximum", "Unit": "Percent"}}


def math_alarm(n):
    word = "one" if n == 1 else "two"
    return {"AlarmName": "all-properties-math", "EvaluationPeriods": n, "Threshold": n, "ComparisonOperator": "GreaterThanThreshold", "Metrics": [
        metric_query(word, 1), {"Id": "e", "Expression": f"m1 * {n}", "Label": f"sum {word}", "Period": 60 * n, "ReturnData": True}]}


def band_alarm(n):
    return {"AlarmName": "all-properties-band", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanUpperThreshold", "ThresholdMetricId": f"band{n}", "Metrics": [
        metric_query("band", 3), {"Id": f"band{n}", "Expression": "ANOMALY_DETECTION_BAND(m3, 2)"}]}


def connection(n):
    word = "one" if n == 1 else "two"
    return {"CatalogId": {"Ref": "AWS::AccountId"}, "Tags": {"kind": word}, "ConnectionInput": {
        "Name": "all-properties", "ConnectionType": "JDBC" if n == 1 else "KAFKA", "Description": f"connection {word}", "MatchCriteria": [f"match-{word}"],
        "ConnectionProperties": {"JDBC_CONNECTION_URL": "jdbc:one", "USERNAME": "one", "PASSWORD": "sesame"} if n == 1 else {
            "KAFKA_BOOTSTRAP_SERVERS": "two:9092", "KAFKA_SASL_PLAIN_PASSWORD": "sesame two"},
        "AthenaProperties": {"athena": word}, "PythonProperties": {"python": word}, "SparkProperties": {"spark": word}, "ValidateCredentials": n == 1,
        "ValidateForComputeEnvironments": ["SPARK" if n == 1 else "PYTHON"],
        "PhysicalConnectionRequirements": {"AvailabilityZone": f"{REGION}{'ab'[n - 1]}", "SecurityGroupIdList": [f"sg-{word}"], "SubnetId": f"subnet-{word}"},
        "AuthenticationConfiguration": {
            "AuthenticationType": "BASIC" if n == 1 else "CUSTOM", "KmsKeyArn": KMS if n == 1 else OTHER_KMS, "SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{word}-abcdef",
            **({"BasicAuthenticationCredentials": {"Username": "me", "Password": "sesame"}} if n == 1 else {"CustomAuthenticationCredentials": {"token": "sesame"}})},
    }}


def oauth_connection(n):
    word = "one" if n == 1 else "two"
    return {"CatalogId": {"Ref": "AWS::AccountId"}, "ConnectionInput": {
        "Name": "all-properties-oauth", "ConnectionType": "SALESFORCE", "ConnectionProperties": {"ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{word}"}, "AuthenticationConfiguration": {
            "AuthenticationType": "OAUTH2", "OAuth2Properties": {
                "OAuth2GrantType": "AUTHORIZATION_CODE" if n == 1 else "JWT_BEARER", "TokenUrl": f"https://{word}.example/token", "TokenUrlParametersMap": {"kind": word},
                "OAuth2ClientApplication": {"UserManagedClientApplicationClientId": f"client-{word}", "AWSManagedClientApplicationReference": f"reference-{word}"},
                "AuthorizationCodeProperties": {"AuthorizationCode": "sesame", "RedirectUri": "https://one.example/back"},
                "OAuth2Credentials": {"AccessToken": "sesame", "JwtToken": "a.b.c", "RefreshToken": "sesame", "UserManagedClientApplicationClientSecret": "sesame"}}}}}


# --- the warehouse ---
def warehouse(n):
    word = "one" if n == 1 else "two"
    return {
        "NamespaceName": "all-properties", "DbName": "everything", "AdminUsername": f"boss{word}", "AdminUserPassword": f"Secret123{word}", "KmsKeyId": KMS if n == 1 else OTHER_KMS,
        "IamRoles": [{"Fn::GetAtt": ["Role", "Arn"]}], "DefaultIamRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "LogExports": ["userlog"] if n == 1 else ["userlog", "connectionlog"],
        "FinalSnapshotName": f"final-{word}", "FinalSnapshotRetentionPeriod": n, "RedshiftIdcApplicationArn": f"arn:aws:redshift:{REGION}:{ACCOUNT}:redshiftidcapplication:x", "Tags": tags(word)}


def managed_warehouse(n):
    return {"NamespaceName": "all-properties-managed", "ManageAdminPassword": True, "AdminPasswordSecretKmsKeyId": KMS if n == 1 else OTHER_KMS}


def warehouse_group(n):
    word = "one" if n == 1 else "two"
    return {
        "WorkgroupName": "all-properties", "NamespaceName": {"Ref": "Warehouse"}, "BaseCapacity": 8 * n, "MaxCapacity": 64 * n, "EnhancedVpcRouting": n == 1, "PubliclyAccessible": n == 1,
        "Port": 5439 + n, "SecurityGroupIds": [f"sg-1234567{n}"], "SubnetIds": [f"subnet-1234567{n}", f"subnet-2234567{n}"], "TrackName": "current" if n == 1 else "trailing",
        "ConfigParameters": [{"ParameterKey": "query_group", "ParameterValue": word}, {"ParameterKey": "max_query_execution_time", "ParameterValue": str(1000 * n)}],
        "PricePerformanceTarget": {"Level": 50 + n, "Status": "ENABLED" if n == 1 else "DISABLED"}, "Tags": tags(word)}


# --- classifiers, one of each kind ---
def csv_classifier(n):
    word = "one" if n == 1 else "two"
    return {"CsvClassifier": {
        "Name": "all-properties-csv", "Delimiter": "#^"[n - 1], "QuoteSymbol": "'`"[n - 1], "ContainsHeader": "PRESENT" if n == 1 else "ABSENT", "Header": [f"column-{word}", "b"],
        "DisableValueTrimming": n == 2, "AllowSingleColumn": n == 1, "CustomDatatypeConfigured": n == 1, "ContainsCustomDatatype": ["INT", "DATE" if n == 1 else "LONG"]}}


def grok_classifier(n):
    word = "one" if n == 1 else "two"
    return {"GrokClassifier": {"Name": "all-properties-grok", "Classification": f"grok-{word}", "GrokPattern": "%{WORD:" + word + "}", "CustomPatterns": f"WORD_{word} [a-z]+"}}


def json_classifier(n):
    return {"JsonClassifier": {"Name": "all-properties-json", "JsonPath": f"$.items[{n}]"}}


def xml_classifier(n):
    word = "one" if n == 1 else "two"
    return {"XMLClassifier": {"Name": "all-properties-xml", "Classification": f"xml-{word}", "RowTag": f"row-{word}"}}


# --- messages ---
def queue(n):
    word = "one" if n == 1 else "two"
    return {
        "QueueName": "all-properties.fifo", "FifoQueue": True, "ContentBasedDeduplication": n == 1, "DeduplicationScope": "messageGroup" if n == 1 else "queue",
        "FifoThroughputLimit": "perMessageGroupId" if n == 1 else "perQueue", "DelaySeconds": 10 + n, "KmsMasterKeyId": KMS if n == 1 else OTHER_KMS,
        "KmsDataKeyReusePeriodSeconds": 300 + n, "MaximumMessageSize": 2048 * n, "MessageRetentionPeriod": 1000 + n, "ReceiveMessageWaitTimeSeconds": 4 + n, "VisibilityTimeout": 50 + n,
        "RedriveAllowPolicy": {"redrivePermission": "allowAll" if n == 1 else "denyAll"}, "Tags": tags(word),
        "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadQueue", "Arn"]}, "maxReceiveCount": 7 + n}}


def topic(n):
    word = "one" if n == 1 else "two"
    return {
        "TopicName": "all-properties.fifo", "FifoTopic": True, "ContentBasedDeduplication": n == 1, "ArchivePolicy": {"MessageRetentionPeriod": f"3{n}"},
        "FifoThroughputScope": "Topic" if n == 1 else "MessageGroup", "DisplayName": f"topic {word}", "KmsMasterKeyId": KMS if n == 1 else OTHER_KMS, "SignatureVersion": f"{n}",
        "TracingConfig": "Active" if n == 1 else "PassThrough", "Subscription": [{"Endpoint": sqs(f"all-properties-{word}.fifo"), "Protocol": "sqs"}], "Tags": tags(word)}


def subscription(n):
    word = "one" if n == 1 else "two"
    return {
        "TopicArn": {"Ref": "PlainTopic"}, "Protocol": "sqs", "Endpoint": sqs("all-properties"), "RawMessageDelivery": n == 1, "FilterPolicyScope": "MessageBody" if n == 1 else "MessageAttributes",
        "FilterPolicy": {"kind": [f"filter-{word}"]}, "RedrivePolicy": {"deadLetterTargetArn": sqs(f"dead-{word}")}, "DeliveryPolicy": {"healthyRetryPolicy": {"numRetries": 10 + n}},
        "SubscriptionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{word}"}


def resource_policy(word, resource):
    return {"Version": "2012-10-17", "Statement": [{"Sid": word, "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": ["sqs:SendMessage", "sns:Publish"], "Resource": resource}]}


def queue_policy(n):
    return {"Queues": [{"Ref": "PlainQueue"}], "PolicyDocument": resource_policy("one" if n == 1 else "two", sqs("all-properties"))}


def topic_policy(n):
    return {"Topics": [{"Ref": "PlainTopic"}], "PolicyDocument": resource_policy("one" if n == 1 else "two", f"arn:aws:sns:{REGION}:{ACCOUNT}:all-properties")}


def rule(n):
    word = "one" if n == 1 else "two"
    return {
        "Name": "all-properties", "Description": f"rule {word}", "EventBusName": "default", "EventPattern": {"source": [f"app.{word}"]}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "ScheduleExpression": f"rate({10 + n} hours)", "State": "ENABLED" if n == 1 else "DISABLED", "Tags": tags(word), "Targets": [
            {"Id": "fifo", "Arn": sqs("all-properties.fifo"), "SqsParameters": {"MessageGroupId": f"group-{word}"}, "Input": f'"{word}"'},
            {"Id": f"plain-{word}", "Arn": sqs("all-properties"), "InputPath": f"$.detail.{word}", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{word}",
             "RetryPolicy": {"MaximumRetryAttempts": 20 + n, "MaximumEventAgeInSeconds": 70 + n}, "DeadLetterConfig": {"Arn": sqs(f"dead-{word}")}},
            {"Id": "made", "Arn": sqs("all-properties"), "InputTransformer": {"InputPathsMap": {"kind": f"$.{word}"}, "InputTemplate": f'"{word} <kind>"'}}]}


# --- a table of each kind: of files, a link to another's, a view ---
def table(n):
    word = "one" if n == 1 else "two"
    return {"CatalogId": ACCOUNT, "DatabaseName": {"Ref": "Database"}, "Name": "all_properties_table", "TableInput": {
        "Name": "all_properties_table", "Description": f"table {word}", "Owner": f"owner-{word}", "Parameters": {"classification": "json", "kind": word}, "Retention": 10 + n,
        "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "day", "Type": "date" if n == 1 else "string", "Comment": f"day {word}"}],
        "StorageDescriptor": {
            "BucketColumns": [f"bucket_{word}"], "Columns": [{"Name": "id", "Type": "bigint" if n == 1 else "string", "Comment": f"id {word}"}, {"Name": word, "Type": "double"}],
            "Compressed": n == 1, "InputFormat": f"in.{word}", "OutputFormat": f"out.{word}", "Location": f"s3://all-properties-a/{word}/", "NumberOfBuckets": 20 + n,
            "Parameters": {"storage": word}, "SerdeInfo": {"Name": f"serde-{word}", "SerializationLibrary": f"library.{word}", "Parameters": {"paths": word}},
            "SchemaReference": {"SchemaVersionId": f"00000000-0000-0000-0000-00000000000{n}", "SchemaVersionNumber": 30 + n},
            "SkewedInfo": {"SkewedColumnNames": [f"skewed_{word}"], "SkewedColumnValues": [f"value-{word}"], "SkewedColumnValueLocationMaps": {"value": word}},
            "SortColumns": [{"Column": f"sort_{word}", "SortOrder": n - 1}], "StoredAsSubDirectories": n == 2}}}


def view(n):
    word = "one" if n == 1 else "two"
    definition = {"Definer": f"arn:aws:iam::{ACCOUNT}:role/{word}", "IsProtected": n == 1, "SubObjects": [f"arn:aws:glue:{REGION}:{ACCOUNT}:table/a/{word}"], "Representations": [
        {"Dialect": "ATHENA" if n == 1 else "SPARK", "DialectVersion": f"{n}.5", "ViewOriginalText": f"select '{word}'", "ViewExpandedText": f"select ('{word}')",
         "ValidationConnection": f"connection-{word}"}]}
    return {"CatalogId": ACCOUNT, "DatabaseName": {"Ref": "Database"}, "TableInput": {
        "Name": "all_properties_view", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": f"/* {word} */", "ViewExpandedText": f"/* expanded {word} */", "ViewDefinition": definition,
        "StorageDescriptor": {"SchemaReference": {"SchemaVersionNumber": 40 + n, "SchemaId": {"SchemaName": f"schema-{word}", "RegistryName": f"registry-{word}",
                                                                                               "SchemaArn": f"arn:aws:glue:{REGION}:{ACCOUNT}:schema/r/{word}"}}}}}


def table_link(n):
    word = "one" if n == 1 else "two"
    return {"CatalogId": ACCOUNT, "DatabaseName": {"Ref": "Database"}, "TableInput": {
        "Name": "all_properties_table_link", "TargetTable": {"CatalogId": f"12345678901{n}", "DatabaseName": f"theirs_{word}", "Name": f"table_{word}", "Region": f"eu-west-{n}"}}}


def changed(value, **members):
    return {**copy.deepcopy(value), **members}


# logical id: (type, properties, the same changed)
RESOURCES = {
    "Logs": ("AWS::S3::Bucket", {"BucketName": "all-properties-logs"}, {"BucketName": "all-properties-logs"}),
    "Bucket": ("AWS::S3::Bucket", BUCKET, OTHER_BUCKET),
    "Locked": ("AWS::S3::Bucket", LOCKED, OTHER_LOCKED),
    "Role": ("AWS::IAM::Role", ROLE, OTHER_ROLE),
    "Managed": ("AWS::IAM::ManagedPolicy", MANAGED, changed(MANAGED, PolicyDocument=policy("glue:GetTables"), Roles=[])),
    "Inline": ("AWS::IAM::Policy", INLINE, changed(INLINE, PolicyDocument=policy("glue:GetJobs"))),
    "Database": ("AWS::Glue::Database", DATABASE, changed(DATABASE, DatabaseInput={
        **DATABASE["DatabaseInput"], "Description": "database two", "LocationUri": "s3://all-properties-a/two/", "Parameters": {"kind": "two"},
        "CreateTableDefaultPermissions": [{"Permissions": ["ALTER"], "Principal": {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/two"}}]})),
    "Linked": ("AWS::Glue::Database", LINKED, changed(LINKED, DatabaseInput={"Name": "all_properties_link", "TargetDatabase": {"CatalogId": "123456789013", "DatabaseName": "theirs_two", "Region": "eu-west-2"}})),
    "Federated": ("AWS::Glue::Database", FEDERATED, changed(FEDERATED, DatabaseInput={"Name": "all_properties_federated", "FederatedDatabase": {
        "ConnectionName": "connection-two", "Identifier": f"arn:aws:redshift:{REGION}:{ACCOUNT}:datashare:two"}})),
    "Table": ("AWS::Glue::Table", table(1), table(2)),
    "View": ("AWS::Glue::Table", view(1), view(2)),
    "TableLink": ("AWS::Glue::Table", table_link(1), table_link(2)),
    "Crawler": ("AWS::Glue::Crawler", crawler(1), crawler(2)),
    "CatalogCrawler": ("AWS::Glue::Crawler", CATALOG_CRAWLER, OTHER_CATALOG_CRAWLER),
    "SparkJob": ("AWS::Glue::Job", job(1), job(2)),
    "ShellJob": ("AWS::Glue::Job", SHELL_JOB, changed(SHELL_JOB, MaxCapacity=1)),
    "RayJob": ("AWS::Glue::Job", RAY_JOB, changed(RAY_JOB, NumberOfWorkers=6)),
    "AllocatedJob": ("AWS::Glue::Job", ALLOCATED_JOB, changed(ALLOCATED_JOB, AllocatedCapacity=5)),
    "Workflow": ("AWS::Glue::Workflow", WORKFLOW, changed(WORKFLOW, Description="workflow two", DefaultRunProperties={"kind": "two"}, MaxConcurrentRuns=4, Tags={"kind": "two"})),
    "Conditional": ("AWS::Glue::Trigger", trigger(1), trigger(2)),
    "Scheduled": ("AWS::Glue::Trigger", SCHEDULED, changed(SCHEDULED, Schedule="cron(12 3 * * ? *)", StartOnCreation=False)),
    "Event": ("AWS::Glue::Trigger", EVENT, changed(EVENT, EventBatchingCondition={"BatchSize": 8, "BatchWindow": 72})),
    "Group": ("AWS::Athena::WorkGroup", workgroup(1), workgroup(2)),
    "SparkGroup": ("AWS::Athena::WorkGroup", spark_group(1), spark_group(2)),
    "ManagedGroup": ("AWS::Athena::WorkGroup", managed_group(1), managed_group(2)),
    "Warehouse": ("AWS::RedshiftServerless::Namespace", warehouse(1), warehouse(2)),
    "ManagedWarehouse": ("AWS::RedshiftServerless::Namespace", managed_warehouse(1), managed_warehouse(2)),
    "WarehouseGroup": ("AWS::RedshiftServerless::Workgroup", warehouse_group(1), warehouse_group(2)),
    "Secret": ("AWS::SecretsManager::Secret", SECRET, changed(SECRET, Description="secret two", KmsKeyId=OTHER_KMS, SecretString="another value", Tags=tags("two", "three"))),
    "Generated": ("AWS::SecretsManager::Secret", GENERATED, GENERATED),
    "MachineRole": ("AWS::IAM::Role", MACHINE_ROLE, MACHINE_ROLE),
    "Machine": ("AWS::StepFunctions::StateMachine", machine(1, StateMachineName="all-properties", Definition=states(1)), machine(2, StateMachineName="all-properties", Definition=states(2))),
    "TextMachine": ("AWS::StepFunctions::StateMachine", machine(1, StateMachineName="all-properties-text", DefinitionString='{"StartAt":"${Word}","States":{"${Word}":{"Type":"Succeed"}}}'),
                    machine(2, StateMachineName="all-properties-text", DefinitionString='{"StartAt":"${Word}","States":{"${Word}":{"Type":"Fail"}}}')),
    "Activity": ("AWS::StepFunctions::Activity", ACTIVITY, changed(ACTIVITY, Tags=tags("two"))),
    "LogGroup": ("AWS::Logs::LogGroup", LOG_GROUP, changed(LOG_GROUP, RetentionInDays=30, KmsKeyId=OTHER_KMS, DeletionProtectionEnabled=False, Tags=tags("two"))),
    "Alarm": ("AWS::CloudWatch::Alarm", alarm(1), alarm(2)),
    "PercentileAlarm": ("AWS::CloudWatch::Alarm", percentile_alarm(1), percentile_alarm(2)),
    "MathAlarm": ("AWS::CloudWatch::Alarm", math_alarm(1), math_alarm(2)),
    "BandAlarm": ("AWS::CloudWatch::Alarm", band_alarm(1), band_alarm(2)),
    "CsvClassifier": ("AWS::Glue::Classifier", csv_classifier(1), csv_classifier(2)),
    "GrokClassifier": ("AWS::Glue::Classifier", grok_classifier(1), grok_classifier(2)),
    "JsonClassifier": ("AWS::Glue::Classifier", json_classifier(1), json_classifier(2)),
    "XMLClassifier": ("AWS::Glue::Classifier", xml_classifier(1), xml_classifier(2)),
    "Connection": ("AWS::Glue::Connection", connection(1), connection(2)),
    "OAuthConnection": ("AWS::Glue::Connection", oauth_connection(1), oauth_connection(2)),
    "Queue": ("AWS::SQS::Queue", queue(1), queue(2)),
    "DeadQueue": ("AWS::SQS::Queue", {"QueueName": "all-properties-dead.fifo", "FifoQueue": True}, {"QueueName": "all-properties-dead.fifo", "FifoQueue": True}),
    "PlainQueue": ("AWS::SQS::Queue", {"QueueName": "all-properties", "SqsManagedSseEnabled": True}, {"QueueName": "all-properties", "SqsManagedSseEnabled": False}),
    "QueuePolicy": ("AWS::SQS::QueuePolicy", queue_policy(1), queue_policy(2)),
    "Topic": ("AWS::SNS::Topic", topic(1), topic(2)),
    "PlainTopic": ("AWS::SNS::Topic", {"TopicName": "all-properties"}, {"TopicName": "all-properties"}),
    "TopicPolicy": ("AWS::SNS::TopicPolicy", topic_policy(1), topic_policy(2)),
    "Subscription": ("AWS::SNS::Subscription", subscription(1), subscription(2)),
    "Rule": ("AWS::Events::Rule", rule(1), rule(2)),
}


def template(n, **other):
    """The template of variant 1 or 2; `other` has properties to set in single resources."""
    found = {name: {"Type": kind, "Properties": {**copy.deepcopy((one, two)[n - 1]), **other.get(name, {})}} for name, (kind, one, two) in RESOURCES.items()}
    return {"Resources": found}


def used(type_name):
    """The paths of all properties that the templates use."""
    found = set()

    def walk(value, path):
        for v in value if isinstance(value, list) else [value]:
            if isinstance(v, dict) and not any(k == "Ref" or k.startswith("Fn::") for k in v):
                for name, inner in v.items():
                    found.add(f"{path}.{name}")
                    walk(inner, f"{path}.{name}")

    for kind, *variants in RESOURCES.values():
        for properties in variants if kind == type_name else ():
            walk(properties, type_name)
    return found
