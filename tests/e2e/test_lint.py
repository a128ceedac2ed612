"""Glue lint: each rule finds its fault at its line, is silent when switched off, and finds nothing in what is right."""
import json
import os
import re

import pytest

import contract
from helpers import ROOT
from shop import PASSWORD, Shop

HEAD = 'AWSTemplateFormatVersion: "2010-09-09"\n'
# What is right: a bucket, a role that may do all that is asked of it, a database, jobs, crawlers and a chain of triggers.
SOUND = """\
Parameters:
  Flow: {Type: String, Default: right_flow}
  Word: {Type: String, Default: opensesame, NoEcho: true}
Conditions:
  Never: !Equals [a, b]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: right-bucket}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: RightRole
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: [lambda.amazonaws.com, glue.amazonaws.com]}, Action: "sts:*"}]
      ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole]
      Policies:
        - PolicyName: data
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:*Object", Resource: !Sub "${Bucket.Arn}/*"}
              - {Effect: Allow, Action: "s3:*Object", Resource: "arn:aws:s3:::right-programs/*"}
              - {Effect: Deny, Action: "s3:*", Resource: "*", Condition: {Bool: {"aws:SecureTransport": "false"}}}
  Database:
    Type: AWS::Glue::Database
    Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: right_db}}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: right/secret, SecretString: !Ref Word}
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: right_job
      Role: !GetAtt Role.Arn
      Command: {Name: glueetl, PythonVersion: "3", ScriptLocation: s3://right-bucket/etl/job.py}
      GlueVersion: "4.0"
      WorkerType: G.1X
      NumberOfWorkers: 2
      Timeout: 10
      NotificationProperty: {NotifyDelayAfter: 5}
      DefaultArguments:
        --TempDir: s3://right-bucket/temp/
        --source_bucket: !Ref Bucket
        --output-path: s3://right-bucket/out
        --extra-py-files: s3://right-bucket/a.zip,s3://right-bucket/b.zip
        --db-password-secret: right/secret
        --api-key-secret: right/secret
        --secret-id: !Ref Secret
        --redshift-secret: prod/redshift-login
        --max-token: "512"
  Small:
    Type: AWS::Glue::Job
    Properties:
      Name: right_small
      Role: RightRole
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: extract}
      MaxCapacity: 0.0625
  Shell:
    Type: AWS::Glue::Job
    Properties:
      Name: right_shell
      Role: RightRole
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: clean}
      MaxCapacity: 1
  Crawler:
    Type: AWS::Glue::Crawler
    Properties:
      Name: right_crawler
      Role: !Ref Role
      DatabaseName: !Ref Database
      Configuration: '{"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2, "TableGroupingPolicy": "CombineCompatibleSchemas"}}'
      Targets: {S3Targets: [{Path: s3://right-bucket/out}]}
      RecrawlPolicy: {RecrawlBehavior: CRAWL_NEW_FOLDERS_ONLY}
      SchemaChangePolicy: {UpdateBehavior: LOG, DeleteBehavior: LOG}
  Scheduled:
    Type: AWS::Glue::Crawler
    Properties:
      Name: right_scheduled
      Role: !Ref Role
      DatabaseName: !Ref Database
      Targets: {S3Targets: [{Path: s3://right-bucket/other/}]}
      Schedule: {ScheduleExpression: cron(15 12 * * ? *)}
"""
# The workflow stands in another stack than its triggers' jobs; names come by Ref, import and text.
CHAIN = """\
Resources:
  Workflow:
    Type: AWS::Glue::Workflow
    Properties: {Name: right_flow}
  Start:
    Type: AWS::Glue::Trigger
    Properties: {Type: SCHEDULED, Schedule: cron(0 1 ? * MON-FRI *), StartOnCreation: false, WorkflowName: !Ref Workflow, Actions: [{JobName: right_job}]}
  Then:
    Type: AWS::Glue::Trigger
    Properties:
      Type: CONDITIONAL
      StartOnCreation: true
      WorkflowName: right_flow
      Predicate: {Conditions: [{LogicalOperator: EQUALS, JobName: !ImportValue right-job, State: SUCCEEDED}]}
      Actions: [{CrawlerName: right_crawler}, {JobName: right_shell}]
  Both:
    Type: AWS::Glue::Trigger
    Properties:
      Type: CONDITIONAL
      StartOnCreation: false
      WorkflowName: right_flow
      Predicate:
        Logical: ANY
        Conditions:
          - {LogicalOperator: EQUALS, CrawlerName: right_crawler, CrawlState: SUCCEEDED}
          - {LogicalOperator: EQUALS, JobName: right_shell, State: FAILED}
      Actions: [{JobName: right_small}]
  Retry:
    Type: AWS::Glue::Trigger
    Properties:
      Type: CONDITIONAL
      StartOnCreation: true
      WorkflowName: right_flow
      Predicate: {Conditions: [{LogicalOperator: EQUALS, JobName: right_shell, State: FAILED}]}
      Actions: [{JobName: right_job}]
"""
OUTPUTS = "Outputs:\n  Job: {Value: !Ref Job, Export: {Name: right-job}}\n"
PROJECT = "Project: lint\nRegion: eu-west-1\nArtifacts: s3://right-programs/glueproj/\nStacks: [sound, chain, faults]\n"


def job(name, *lines, role="RightRole", command="{Name: glueetl, ScriptLocation: s3://right-bucket/etl/job.py}"):
    return f"  {name}:\n    Type: AWS::Glue::Job\n    Properties:\n      Name: j_{name}\n      Role: {role}\n      Command: {command}\n" + "".join(
        f"      {line}\n" for line in lines)


def crawler(name, *lines, role="RightRole", path="s3://right-bucket/out/"):
    return (f"  {name}:\n    Type: AWS::Glue::Crawler\n    Properties:\n      Name: c_{name}\n      Role: {role}\n"
            f"      Targets: {{S3Targets: [{{Path: {path}}}]}}\n") + "".join(f"      {line}\n" for line in lines)


def trigger(name, *lines):
    return f"  {name}:\n    Type: AWS::Glue::Trigger\n    Properties:\n      Name: t_{name}\n" + "".join(f"      {line}\n" for line in lines)


def workflow(name, mark=""):
    return f"  {name}:\n    Type: AWS::Glue::Workflow\n    Properties: {{Name: w_{name}}}{mark}\n"


def role(name, statements, trust="glue.amazonaws.com", mark=""):
    return (f"  {name}:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: {name}{mark}\n"
            "      AssumeRolePolicyDocument:\n        Version: '2012-10-17'\n"
            f"        Statement: [{{Effect: Allow, Principal: {{Service: {trust}}}, Action: sts:AssumeRole}}]\n"
            f"      Policies: [{{PolicyName: p, PolicyDocument: {{Version: '2012-10-17', Statement: [{statements}]}}}}]\n")


def waits(job_name, state="State: SUCCEEDED", key="JobName"):
    return f"{{LogicalOperator: EQUALS, {key}: {job_name}, {state}}}"


def conditional(name, flow, condition, action, mark=""):
    return trigger(name, "Type: CONDITIONAL", "StartOnCreation: true", *([f"WorkflowName: {flow}"] if flow else []), "Predicate:", "  Conditions:",
                   f"    - {condition}{mark}", f"Actions: [{action}]")


def on_demand(name, flow, *actions, mark=""):
    return trigger(name, "Type: ON_DEMAND", f"WorkflowName: {flow}{mark}", f"Actions: [{', '.join(actions)}]")


def machine(name, *lines, properties=()):
    """A state machine of one state, X; its definition's lines."""
    return (f"  {name}:\n    Type: AWS::StepFunctions::StateMachine\n    Properties:\n      StateMachineName: m_{name}\n"
            "      RoleArn: arn:aws:iam::111122223333:role/machine\n") + "".join(f"      {line}\n" for line in (*lines, *properties))


def definition(*states):
    return ("Definition:", "  StartAt: X", "  States:", *(f"    {line}" for line in states))


def in_text(text, mark="", **substitutions):
    """DefinitionString; the marked line is the property's."""
    return ("DefinitionString: |" + mark, *(f"  {line}" for line in text.splitlines()), *(["DefinitionSubstitutions:"] if substitutions else []),
            *(f"  {k}: {v}" for k, v in substitutions.items()))


START = "Resource: 'arn:aws:states:::glue:startJobRun.sync', End: true"
LOGS = "{Effect: Allow, Action: 'logs:*', Resource: '*'}"
ALL_S3 = "{Effect: Allow, Action: 's3:*', Resource: '*'}"
SHELL = "{Name: pythonshell, PythonVersion: '3.9', ScriptLocation: %s}"
G1 = ("WorkerType: G.1X", "NumberOfWorkers: 2")

# Refused by AWS: found in definitions alone. A comment "<- RULE" marks the line that is named.
DEFINITIONS = {
    "GL006": [conditional("A6", "right_flow", waits("right_job"), "{JobName: right_job}").replace("Actions: [", "Actions:\n        - ").replace(
        "}]\n", "} # <- GL006\n")],
    "GL007": [trigger("A7", "Type: ON_DEMAND", "Actions: # <- GL007",
                      "  [{CrawlerName: right_crawler}, {CrawlerName: second}, {CrawlerName: third}]").replace(
        "Actions: # <- GL007\n        [", "Actions: [ # <- GL007\n        ")],
    "GL008": [
        trigger("A8", "Type: CONDITIONAL", "StartOnCreation: true", "Predicate:", "  Conditions:", "    - {JobName: right_job, State: SUCCEEDED} # <- GL008",
                "Actions: [{JobName: right_shell}]"),
        conditional("B8", None, waits("right_job", "CrawlState: SUCCEEDED"), "{JobName: right_shell}", " # <- GL008"),
        conditional("C8", None, waits("right_crawler", key="CrawlerName"), "{JobName: right_shell}", " # <- GL008"),
        trigger("D8", "Type: CONDITIONAL", "StartOnCreation: true", "Predicate:", f"  Conditions: [{waits('right_job')}, {waits('right_small')}] # <- GL008",
                "Actions: [{JobName: right_shell}]"),
    ],
    "GL009": [trigger("A9", "Type: ON_DEMAND", "Actions:", "  - {JobName: right_job, CrawlerName: right_crawler} # <- GL009"),
              trigger("B9", "Type: ON_DEMAND", "Actions:", "  - {Timeout: 5} # <- GL009")],
    "GL010": [trigger("A10", "Type: EVENT # <- GL010", "Schedule: cron(0 1 * * ? *) # <- GL010", "Actions: [{JobName: right_job}]"),
              trigger("B10", "Type: SCHEDULED # <- GL010", "Actions: [{JobName: right_job}]")],
    "GL011": [trigger("A11", "Type: SCHEDULED", "Schedule: cron(0 1 * * * *) # <- GL011", "Actions: [{JobName: right_job}]"),
              trigger("B11", "Type: SCHEDULED", "Schedule: rate(5 minutes) # <- GL011", "Actions: [{JobName: right_job}]"),
              trigger("C11", "Type: SCHEDULED", "Schedule: cron(0 1 * * ?) # <- GL011", "Actions: [{JobName: right_job}]")],
    "GL020": [job("A20", *G1, "MaxCapacity: 2 # <- GL020"), job("B20", "WorkerType: G.1X # <- GL020"),
              job("C20", *G1, "AllocatedCapacity: 2 # <- GL020"), job("D20", "MaxCapacity: 2", "AllocatedCapacity: 2 # <- GL020")],
    "GL021": [job("A21", "MaxCapacity: 2 # <- GL021", command=SHELL % "extract")],
    "GL022": [job("A22", *G1, command="{Name: glueetl} # <- GL022")],
    "GL060": [crawler("A60").replace("Targets: {S3Targets: [{Path: s3://right-bucket/out/}]}", "Targets: {S3Targets: []} # <- GL060")],
    "GL061": [crawler("A61", "Schedule: {ScheduleExpression: cron(1 2 3)} # <- GL061")],
    "GL062": [crawler("A62", "Configuration: '{\"Grouping\": {\"TableGroupingPolicy\": \"Combine\"}}' # <- GL062"),
              crawler("B62", "Configuration: '{\"Grouping\": {\"TableLevelConfiguration\": 0}}' # <- GL062")],
    "GL063": [crawler("A63", "RecrawlPolicy: {RecrawlBehavior: CRAWL_NEW_FOLDERS_ONLY}",
                      "SchemaChangePolicy: {UpdateBehavior: UPDATE_IN_DATABASE, DeleteBehavior: LOG} # <- GL063")],
}
# Found in all resources together.
PROJECTS = {
    "GL001": [workflow("F1"), on_demand("A1", "w_F1", "{JobName: right_job}"), on_demand("B1", "!Ref F1", "{JobName: right_job}", mark=" # <- GL001"),
              on_demand("C1", "w_F1", "{JobName: right_job}").replace("AWS::Glue::Trigger\n", "AWS::Glue::Trigger\n    Condition: Never\n")],
    "GL002": [workflow("F2", " # <- GL002"), conditional("A2", "w_F2", waits("right_job"), "{JobName: right_shell}")],
    "GL003": [workflow("F3"), on_demand("A3", "w_F3", "{JobName: right_job}"),
              conditional("B3", "!Ref F3", waits("nobody_starts"), "{JobName: right_shell}", " # <- GL003"),
              conditional("C3", "w_F3", waits("right_shell"), "{JobName: right_small}"),
              conditional("D3", None, waits("nobody_starts"), "{JobName: right_shell}", " # <- GL003")],
    "GL004": [workflow("F4"), workflow("G4"), on_demand("A4", "w_F4", "{JobName: right_job}"), on_demand("B4", "w_G4", "{JobName: only_there}"),
              conditional("C4", "w_F4", waits("right_scheduled", "CrawlState: SUCCEEDED", "CrawlerName"), "{JobName: right_shell}", " # <- GL004"),
              conditional("D4", "w_F4", waits("only_there"), "{JobName: right_small}", " # <- GL004")],
    "GL005": [workflow("F5"), on_demand("A5", "w_F5", "{JobName: right_job}"),
              conditional("B5", "w_F5", waits("round_two"), "{JobName: round_one}").replace("Conditions:", "Conditions: # <- GL005"),
              conditional("C5", "w_F5", waits("round_one"), "{JobName: round_two}")],
    "GL012": [trigger("A12", "Type: ON_DEMAND", "StartOnCreation: true # <- GL012", "Actions: [{JobName: right_job}]")],
    "GL013": [workflow("F13"), on_demand("A13", "w_F13", "{JobName: right_job}"),
              conditional("B13", "w_F13", waits("right_job"), "{JobName: right_shell}").replace("      StartOnCreation: true\n", "").replace(
                  "CONDITIONAL", "CONDITIONAL # <- GL013")],
    "GL014": [workflow("F14"), on_demand("A14", "w_F14", "{JobName: right_job}"),
              conditional("B14", "w_F14", waits("right_job"), "{JobName: right_shell}"),
              conditional("C14", "w_F14", waits("right_job"), "{JobName: right_shell} # <- GL014\n        ")],
    "GL015": [trigger("A15", "Type: ON_DEMAND", "Actions:", "  - CrawlerName: right_crawler", "    Timeout: 5 # <- GL015")],
    "GL016": [crawler("A16", "Schedule: {ScheduleExpression: cron(1 2 * * ? *)} # <- GL016"), on_demand("B16", "right_other", "{CrawlerName: c_A16}")],
    "GL023": [job("A23", *G1, "GlueVersion: 2.0 # <- GL023"), job("B23", *G1, "GlueVersion: '0.9' # <- GL023"), job("C23", *G1, "GlueVersion: 3.0")],
    "GL024": [job("A24", "MaxCapacity: 1", command="{Name: pythonshell, PythonVersion: '3', ScriptLocation: s3://right-bucket/a.py} # <- GL024"),
              job("B24", *G1, command="{Name: glueetl, PythonVersion: '2', ScriptLocation: s3://right-bucket/a.py} # <- GL024"),
              job("C24", *G1, command="{Name: glueetl, PythonVersion: '3', ScriptLocation: s3://right-bucket/a.py}")],
    "GL025": [job("A25", "MaxCapacity: 0.0625 # <- GL025", command=SHELL % "clean"), job("B25", command=SHELL % "clean" + " # <- GL025"),
              job("C25", "MaxCapacity: 0.0625", command=SHELL % "extract"), job("D25", "MaxCapacity: 0.0625", command=SHELL % "s3://right-bucket/clean.py")],
    "GL026": [job("A26", *G1, "DefaultArguments:", "  --db-password: hunter2-hunter2 # <- GL026", "  --apiKey: abcdef0123456789 # <- GL026",
                  "  --client_secret: s3cr3t-value # <- GL026", "  --secret: hunter2hunter2 # <- GL026", "  --log: keyed by AKIAIOSFODNN7EXAMPLE # <- GL026",
                  "  --url: postgres://me:pw@db.example/x # <- GL026", "  --word: !Ref Word # <- GL026"),
              trigger("B26", "Type: ON_DEMAND", "Actions:", "  - JobName: right_job", "    Arguments:", "      --auth-token: abcdefgh # <- GL026"),
              "  C26:\n    Type: AWS::Glue::Workflow\n    Properties:\n      Name: w_C26\n      DefaultRunProperties:\n"
              "        password: abcdefgh # <- GL026\n"],
    "GL027": [job("A27", *G1, "Timeout: 10081 # <- GL027"), job("B27", *G1, "Timeout: 10080")],
    "GL028": [job("A28", *G1, "Timeout: 5", "NotificationProperty: {NotifyDelayAfter: 5} # <- GL028")],
    "GL040": [role("R40", f"{LOGS}, {ALL_S3}", trust="lambda.amazonaws.com").replace("'2012-10-17'\n", "'2012-10-17' # <- GL040\n", 1),
              job("A40", *G1, role="!GetAtt R40.Arn"), job("B40", *G1, role="R40")],
    "GL041": [role("R41", f"{LOGS}, {{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::right-bucket/data/*'}}"),
              job("A41", *G1, role="R41", command="{Name: glueetl, ScriptLocation: s3://right-bucket/etl/job.py} # <- GL041"),
              job("B41", "MaxCapacity: 1", role="R41", command=SHELL % "clean" + " # <- GL041"),
              job("C41", *G1, role="R41", command="{Name: glueetl, ScriptLocation: s3://right-bucket/data/job.py}")],
    "GL042": [role("R42", f"{LOGS}, {ALL_S3.replace('s3:*', 's3:GetObject')}"),
              job("A42", *G1, "DefaultArguments:", "  --TempDir: s3://right-bucket/temp/ # <- GL042", "  --target_bucket: !Ref B42 # <- GL042",
                  "  --source_bucket: !Ref B42", "  --bucket: !Ref B42", role="R42"),
              "  B42:\n    Type: AWS::S3::Bucket\n    Properties: {BucketName: right-42}\n",
              role("S42", f"{LOGS}, {ALL_S3}"), crawler("C42", "DatabaseName: right_db # <- GL042", role="S42"),
              crawler("D42", role="T42", path="s3://right-bucket/closed/").replace("}]}\n", "}]} # <- GL042 # <- GL042\n"),
              role("T42", f"{LOGS}, {{Effect: Allow, Action: ['glue:*', 's3:*'], Resource: '*'}}, "
                   "{Effect: Deny, Action: 's3:*', Resource: ['arn:aws:s3:::right-bucket/closed/*', 'arn:aws:s3:::right-bucket']}")],
    "GL043": [role("R43", ALL_S3, mark=" # <- GL043"), job("A43", *G1, role="R43")],
    "GL044": [role("R44", "{Effect: Allow, Action: ['glue:CreateJob', 'glue:StartJobRun'], Resource: '*'}", trust="states.amazonaws.com",
                   mark=" # <- GL044"),
              role("S44", "{Effect: Allow, Action: ['glue:CreateJob'], Resource: '*'}, {Effect: Allow, Action: 'iam:PassRole', Resource: '*'}",
                   trust="states.amazonaws.com"),
              role("T44", "{Effect: Allow, Action: 'glue:UpdateCrawler', Resource: '*'}, {Effect: Allow, Action: 'iam:*', Resource: '*', "
                   "Condition: {StringEquals: {'iam:PassedToService': [lambda.amazonaws.com]}}}", trust="lambda.amazonaws.com", mark=" # <- GL044")],
    "GL064": [crawler("A64", "Configuration: '{\"Version\": 1.0, \"Grouping\": {\"TableLevelConfiguration\": 1}}' # <- GL064")],
    "GL080": [
        machine("A80", *definition("X:", "  Type: Pass", "  Next: Nowhere # <- GL080", "Y: {Type: Succeed} # <- GL080")),
        machine("B80", *definition("X: {Type: Task, End: true, Resource: 'arn:aws:states:::glue:startJobRun.sync:2'} # <- GL080")),
        machine("C80", *definition("X: {Type: Task, End: true, Resource: 'arn:aws:states:::glue:startJobRun.sync', Parameters: {JobName: right_job}} # <- GL080"),
                properties=["StateMachineType: EXPRESS"]),
        machine("D80", "DefinitionString: '{\"StartAt\": \"X\", }' # <- GL080"),
        machine("E80", *in_text('{"StartAt": "X", "States": {"X": {"Type": "Wait", "Seconds": -1, "End": true}}}', " # <- GL080")),
        machine("F80", *definition("X:", "  Type: Parallel", "  End: true", "  Branches:", "    - StartAt: I", "      States:",
                                   "        I:", "          Type: Task", "          Resource: !Ref B42 # <- GL080", "          End: true")),
    ],
    "GL081": [machine("A81", *definition("X: {Type: Fail, Cause: $.why} # <- GL081")),
              machine("B81", *definition("X:", "  Type: Pass", "  End: true", "  Parameters: {a: $.b} # <- GL081"))],
    "GL082": [machine("A82", *in_text('{"StartAt": "X", "States": {"X": {"Type": "Wait", "Seconds": ${Pause}, "Comment": "${Word}", "End": true}}}',
                                      " # <- GL082", Pause=5)),
              machine("B82", *in_text('{"StartAt": "X", "States": {"X": {"Type": "Wait", "Seconds": ${Pause}, "Next": "${Then}"}, "Y": {"Type": "Succeed"}}}',
                                      Pause=5, Then="Y"))],
    "GL083": [machine("A83", *definition("X: {Type: Task, %s, Parameters: {JobName: nobody_has_it}} # <- GL083" % START)),
              machine("B83", *definition("X: {Type: Task, %s, Parameters: {JobName: right_job}}" % START)),
              machine("C83", *definition("X: {Type: Map, End: true, ItemProcessor: {StartAt: I, States: {I: {Type: Task, %s, Parameters: {JobName: not_there}}}}}"
                                         " # <- GL083" % START))],
    "GL084": [machine("A84", "Definition: # <- GL084", "  QueryLanguage: JSONata", "  StartAt: X", "  States: {X: {Type: Pass, Output: '{% 1 %}', End: true}}"
                      ).replace("Definition: # <- GL084\n        QueryLanguage: JSONata", "Definition:\n        QueryLanguage: JSONata # <- GL084")],
    "GL065": [crawler("A65", path="s3://Wrong_Bucket/out/").replace("}]}\n", "}]} # <- GL065\n")],
    "GL066": [crawler("A66", "DatabaseName: Right_DB # <- GL066")],
}
RESOURCE = re.compile(r"^(    Type: AWS::\S+\n)", re.M)


def text_of(faults, ignore=False):
    parts = []
    for rule, fragments in faults.items():
        for fragment in fragments:
            parts.append(RESOURCE.sub(rf"\1    Metadata: {{Glueproj: {{Ignore: [{rule}]}}}}\n", fragment) if ignore else fragment)
    return HEAD + SOUND[:SOUND.index("Resources:")] + "Resources:\n" + "".join(parts)


@pytest.fixture
def lint(run_glueproj, tmp_path):
    """lint(faults.yaml, *words) -> the result of validate (or of another command)."""
    def run(text, *words, command="validate", output=("--output", "json"), **files):
        folder = tmp_path / "lint"
        folder.mkdir(exist_ok=True)
        for name, content in {"glueproj.yaml": PROJECT, "sound.yaml": HEAD + SOUND + OUTPUTS, "chain.yaml": HEAD + CHAIN, "faults.yaml": text, **files}.items():
            (folder / name).write_text(content, encoding="utf-8")
        return run_glueproj("-p", folder, command, *output, *words)
    return run


def marked(text):
    return sorted((rule, number) for number, line in enumerate(text.splitlines(), 1) for rule in re.findall(r"# <- (GL\d+)", line))


def found(result, file="faults.yaml"):
    findings = result.json["errors"] + result.json["warnings"]
    assert all(f["file"].endswith(file) and f["column"] and f["logical_id"] and f["stack"] for f in findings), findings
    return sorted((f.get("rule"), f["line"]) for f in findings)


def severities(run_glueproj):
    result = run_glueproj("validate", "--list-rules", "--output", "json").ok()
    return {r["rule"]: r["severity"] for r in result.json["rules"]}


def test_the_rules_are_listed_without_a_project(run_glueproj):
    rules = severities(run_glueproj)
    assert list(rules) == sorted(rules) and set(rules) == {"GL000", *DEFINITIONS, *PROJECTS}, "each rule has its fault in this file"
    text = run_glueproj("validate", "--list-rules").ok().stdout
    assert all(re.search(rf"^{rule} +{severity} +\S", text, re.M) for rule, severity in rules.items())


def test_what_is_right_has_no_findings(lint):
    result = lint(HEAD + "Resources:\n" + workflow("Empty")).ok()
    assert result.json["warnings"] == result.json["errors"] == []


@pytest.mark.parametrize("faults", [DEFINITIONS, PROJECTS], ids=["definitions", "projects"])
def test_each_fault_is_found_at_its_line(lint, run_glueproj, faults):
    text, rules = text_of(faults), severities(run_glueproj)
    result = contract.check(lint(text).fails(2))
    assert found(result) == marked(text), result
    assert all(rules[f["rule"]] == "error" for f in result.json["errors"]) and all(rules[f["rule"]] == "warning" for f in result.json["warnings"])
    assert {f["code"] for f in result.json["errors"] + result.json["warnings"]} <= {"Usage", "PlainSecret"}
    plain = lint(text, output=()).fails(2)
    for f in result.json["errors"] + result.json["warnings"]:
        severity = rules[f["rule"]]
        assert f"faults.yaml:{f['line']}:{f['column']}: {severity}: {f['path']}: {f['message']} [{f['rule']}]\n" in plain.stderr
    for secret in ("hunter2", "abcdef", "s3cr3t", "AKIAIOSF", "me:pw@", "opensesame"):
        assert secret not in result.stdout + plain.stdout + plain.stderr


@pytest.mark.parametrize("faults", [DEFINITIONS, PROJECTS], ids=["definitions", "projects"])
def test_each_rule_can_be_switched_off(lint, faults):
    assert found(lint(text_of(faults, ignore=True)).ok()) == []


def test_a_template_switches_off_too_and_slips_are_told(lint):
    text = text_of({"GL027": PROJECTS["GL027"]})
    assert found(lint(text + "Metadata: {Glueproj: {Ignore: GL027}}\n").ok()) == []
    slip = text.replace("Type: AWS::Glue::Job\n", "Type: AWS::Glue::Job\n    Metadata: {Glueproj: {Ignore: [GL27]}}\n", 1)
    warnings = lint(slip).ok().json["warnings"]
    assert [w["rule"] for w in warnings] == ["GL000", "GL027"] and "GL27" in warnings[0]["message"]


def test_names_and_rights_cross_stacks_and_conditions_count(lint):
    """A start trigger in another stack than its workflow, a policy of its own, a role that nobody here knows."""
    second = on_demand("More", "!Ref Flow", "{JobName: right_job}", mark=" # <- GL001")
    text = text_of({"GL001": [second]})
    result = lint(text).fails(2, "start trigger")
    assert found(result) == marked(text) and "chain" not in result.json["errors"][0]["file"]
    off = text.replace("AWS::Glue::Trigger\n", "AWS::Glue::Trigger\n    Condition: Never\n")
    assert found(lint(off).ok()) == []
    text = text_of({"": [
        role("R", LOGS), job("A", *G1, role="!Ref R"), job("B", *G1, role="arn:aws:iam::123456789012:role/unknown"),
        "  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: more\n      Roles: [!Ref R]\n"
        "      PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:Get*', Resource: 'arn:aws:s3:::right-bucket/*'}]}\n",
    ]})
    assert found(lint(text).ok()) == []
    denied = text.replace("Action: 's3:Get*'", "NotAction: 's3:Get*'")
    assert [f[0] for f in found(lint(denied).ok())] == ["GL041"]


def test_an_unknown_name_is_not_guessed_about(lint):
    """With a name that only set-up knows, no chain is judged."""
    text = text_of({"": [workflow("F"), on_demand("A", "w_F", "{JobName: right_job}"), on_demand("X", "w_F2", "{JobName: !Ref AWS::AccountId}"),
                         conditional("B", "w_F", waits("nobody_starts"), "{JobName: right_shell}")]})
    assert found(lint(text).ok()) == []


def test_errors_stop_setup_and_plan_before_any_call(lint):
    text = text_of({"GL001": PROJECTS["GL001"]})
    for command in ("setup", "plan"):
        result = lint(text, "--endpoint-url", "http://127.0.0.1:1", command=command).fails(2)
        assert [f["rule"] for f in result.json["errors"]] == ["GL001"], result


def test_setup_and_plan_tell_warnings_once(run_glueproj, cloud):
    shop = Shop(run_glueproj, cloud)
    shop.edit("work.yaml", "      StartOnCreation: true\n", "")
    shop.edit("work.yaml", "        --seconds: !Ref Seconds\n", "        --seconds: !Ref Seconds\n        --api-key: 0123456789abcdef\n")
    for command in (("validate",), ("plan",), ("setup",), ("setup",)):
        result = contract.check(shop(*command).ok())
        assert sorted(w["rule"] for w in result.json["warnings"]) == ["GL013", "GL026", "GL026"], result
        assert "0123456789abcdef" not in json.dumps(result.json["warnings"]) and PASSWORD not in result.stdout
    shop("status").ok()
    assert shop("teardown", "--yes").ok().json["warnings"] == []


def test_a_denied_pass_role_is_named(run_glueproj, cloud):
    iam, account = cloud.client("iam"), cloud.account
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}]}
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}]}
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="deployer", PolicyName="most", PolicyDocument=json.dumps(rights))
    keys = cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/deployer", RoleSessionName="ci")["Credentials"]
    shop = Shop(run_glueproj, cloud)
    owner = dict(shop.environment)
    shop.environment.update({"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                             "AWS_SESSION_TOKEN": keys["SessionToken"]})
    errors = contract.check(shop("setup").fails(1, "AccessDenied")).json["errors"]
    denied = [e for e in errors if "iam:PassRole" in e["message"]]
    assert denied and all("role/ShopRole" in e["message"] and "iam:PassedToService" in e["hint"] for e in denied), errors
    shop.environment = owner
    shop("teardown", "--yes").ok()


def test_no_findings_in_our_own_stacks(run_glueproj, tmp_path):
    for name, environment in (
        ("sales-lake", {}), ("exabel-timeseries", {"EXABEL_API_KEY": "k"}), ("crypto-prices", {}), ("crypto-prices", {"GLUEPROJ_PARAM_Form": "map"}),
        ("format-conversion", {}), ("transit-platform", {"TRANSIT_POSTGRES": "host=h"}),
        ("transit-platform", {"TRANSIT_POSTGRES": "host=h", "GLUEPROJ_PARAM_SubnetId": "subnet-1", "GLUEPROJ_PARAM_SecurityGroupId": "sg-1"}),
    ):
        result = run_glueproj("-p", os.path.join(ROOT, "stacks", name), "validate", "--output", "json", env=environment).ok()
        assert result.json["warnings"] == [], result


# What a review found: each of these once crashed, never ended, or showed a secret.
ROLE = "AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: 'sts:AssumeRole'}]}"
NAMELESS = f"""\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {{RoleName: !Sub "x-${{AWS::AccountId}}", {ROLE}}}
  Policy:
    Type: AWS::IAM::Policy
    Properties: {{PolicyName: p, Roles: [other], PolicyDocument: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: '*', Resource: '*'}}]}}}}
"""
ITSELF = """\
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !ImportValue exp}}
Outputs:
  A: {Value: !ImportValue exp, Export: {Name: exp}}
"""
HIDDEN = f"""\
Parameters:
  Place: {{Type: String, NoEcho: true, Default: "s3://hunter-bucket/hunter-key/x"}}
  Base: {{Type: String, NoEcho: true, Default: "HUNTER_base"}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {{RoleName: reader, {ROLE}}}
  Database: {{Type: AWS::Glue::Database, Properties: {{CatalogId: "000000000000", DatabaseInput: {{Name: !Ref Base}}}}}}
  Crawler:
    Type: AWS::Glue::Crawler
    Properties: {{Name: c, Role: !GetAtt Role.Arn, DatabaseName: !Ref Database, Schedule: {{ScheduleExpression: !Ref Place}}, Targets: {{S3Targets: [{{Path: !Ref Place}}]}}}}
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: j
      Role: !GetAtt Role.Arn
      Command: {{Name: pythonshell, PythonVersion: "3.9", ScriptLocation: !Ref Place}}
      DefaultArguments: {{"--out": !Ref Place, "--in": !Sub "${{Place}}/more"}}
"""
DOUBLING = """\
Transform: AWS::LanguageExtensions
Resources:
%s
"""


def doubling(loops):
    """Each loop's text is twice that of the one around it."""
    lines, indent = [], "  "
    for i in range(loops):
        text = f"${{L{i - 1}}}${{L{i - 1}}}" if i else "ab"
        lines += [f"{indent}Fn::ForEach::Loop{i}:", f"{indent}  - L{i}", f'{indent}  - ["{text}"]', f"{indent}  -"]
        indent += "    "
    lines.append(f'{indent}"B${{L{loops - 1}}}": {{Type: AWS::S3::Bucket}}')
    return DOUBLING % "\n".join(lines)


@pytest.mark.parametrize("name", ["nameless", "itself", "hidden", "doubling"])
def test_it_ends_and_keeps_what_is_hidden(run_glueproj, tmp_path, name):
    text = {"nameless": NAMELESS, "itself": ITSELF, "hidden": HIDDEN, "doubling": doubling(40)}[name]
    (tmp_path / "t.yaml").write_text(text)
    result = run_glueproj("validate", "--template", tmp_path / "t.yaml", "--output", "json")
    assert result.code in (0, 2), result
    assert "hunter" not in (result.stdout + result.stderr).lower()
    if name == "doubling":
        assert any("1 MiB" in e["message"] for e in result.fails(2).json["errors"])


CURRENCIES = """\
Parameters:
  Currencies: {Type: CommaDelimitedList, Default: "BTC,XMR"}
Resources:
  Function: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Function.Arn
      DefinitionS3Location: %s
      DefinitionSubstitutions: {Role: !GetAtt Function.Arn, Job: right_job, Pause: 5}
"""
IN_A_FILE = """\
{
  "StartAt": "Run it",
  "States": {
    "Run it": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Credentials": {"RoleArn": "${Role}"},
               "Parameters": {"JobName": "${Job}"}, "Next": "Wait"},
    "Wait": {"Type": "Wait", "Seconds": ${Pause}, "Next": "Then"},
    "Then": {"Type": "Succeed"}
  }
}
"""


@pytest.mark.parametrize("name,text", [("machine.json", IN_A_FILE), ("machine.asl.yaml", "# YAML\n" + IN_A_FILE.replace("${Pause}", "5"))])
def test_a_definition_in_a_file_is_checked_where_it_stands(lint, name, text):
    template = HEAD + CURRENCIES % name
    assert found(lint(template, **{name: text}).ok()) == []
    result = contract.check(lint(template, **{name: text.replace('"Next": "Then"', '"Next": "Than"')}).fails(2))
    lines = text.splitlines()
    assert [(e["rule"], e["line"], e["file"].endswith(name)) for e in result.json["errors"]] == [
        ("GL080", 1 + next(i for i, line in enumerate(lines) if '"Wait"' in line and "Seconds" in line), True),
        ("GL080", 1 + next(i for i, line in enumerate(lines) if '"Succeed"' in line), True)], result
    wrong = lint(template, **{name: text.replace("right_job", "j").replace("${Job}", "${Jobb}")}).ok()
    assert [w["rule"] for w in wrong.json["warnings"]] == ["GL082"] and "${Jobb}" in wrong.json["warnings"][0]["message"]
    broken = lint(template, **{name: text.replace('"States": {', '"States": {{', 1)}).fails(2)
    assert len(broken.json["errors"]) == 1 and name in json.dumps(broken.json["errors"]), broken


def test_a_definition_that_hangs_on_the_cloud_is_not_guessed_about(lint):
    template = HEAD + CURRENCIES.replace("      DefinitionS3Location: %s\n", """\
      DefinitionString: !Sub |
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Function.RoleId}", "Next": "Nowhere"}}}
""")
    lint(template).ok()
    objects = HEAD + CURRENCIES.replace("      DefinitionS3Location: %s\n", """\
      Definition:
        StartAt: A
        States:
          A: {Type: Task, Resource: !GetAtt Function.RoleId, TimeoutSeconds: !GetAtt Function.RoleId, End: true}
""")
    assert found(lint(objects).ok()) == []
