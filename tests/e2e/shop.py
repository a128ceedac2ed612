"""A small project for tests of commands: a bucket, a role, a database, a job that is one Python file, a workflow; set up in a second."""
import json
import os

from helpers import Project

PASSWORD = "tr0ub4dor-and-3"

PROJECT = """\
# a comment that stays
Project: shop
Config: config.yaml
Stacks:
  - base
  - {Name: work, Template: work.yaml, Parameters: work-params.json}
Uploads:
  - {From: "data/*.csv", To: "s3://${BucketName}/incoming/"}
"""
CONFIG = """\
# where the data goes
BucketName: shop-data   # globally unique

Stage: test
Password: !Env SHOP_PASSWORD
"""
BASE = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  BucketName: {Type: String}
  Stage: {Type: String, Default: dev, AllowedValues: [dev, test, live]}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Ref BucketName
      Tags: [{Key: stage, Value: !Ref Stage}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: ShopRole
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: all
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: ["s3:*", "glue:*", "logs:*"], Resource: "*"}]
  Database:
    Type: AWS::Glue::Database
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseInput: {Name: shop_db}
Outputs:
  Bucket: {Value: !Ref Bucket, Export: {Name: shop-bucket}}
  BucketArn: {Value: !GetAtt Bucket.Arn}
  RoleArn: {Value: !GetAtt Role.Arn, Export: {Name: shop-role}}
  Database: {Value: !Ref Database}
"""
WORK = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Minutes: {Type: Number, Default: 5}
  Seconds: {Type: String, Default: "0"}
  Password: {Type: String, NoEcho: true}
Resources:
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: shop_job
      Description: says what it was given
      Role: !ImportValue shop-role
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: hello.py}
      MaxCapacity: 0.0625
      Timeout: !Ref Minutes
      DefaultArguments:
        --bucket: !ImportValue shop-bucket
        --seconds: !Ref Seconds
        --password: !Ref Password
  Second:
    Type: AWS::Glue::Job
    Properties:
      Name: shop_second
      Role: !ImportValue shop-role
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: hello.py}
      MaxCapacity: 0.0625
      Timeout: 5
  Workflow:
    Type: AWS::Glue::Workflow
    Properties: {Name: shop_flow}
  Start:
    Type: AWS::Glue::Trigger
    Properties:
      Name: shop_start
      Type: ON_DEMAND
      WorkflowName: !Ref Workflow
      Actions: [{JobName: shop_job}]
  Then:
    Type: AWS::Glue::Trigger
    Properties:
      Name: shop_then
      Type: CONDITIONAL
      StartOnCreation: true
      WorkflowName: !Ref Workflow
      Predicate: {Conditions: [{LogicalOperator: EQUALS, JobName: shop_job, State: SUCCEEDED}]}
      Actions: [{JobName: shop_second}]
Outputs:
  Job: {Value: !Ref Job}
  Secret: {Value: !Sub "x${Password}"}
"""
SCRIPT = """\
import sys, time
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print("hello", options.get("--who", "nobody"), flush=True)
time.sleep(float(options.get("--seconds", "0")))
if "--fail" in options:
    sys.exit("asked to fail: " + options["--fail"])
print("bye", flush=True)
"""
FILES = {
    "glueproj.yaml": PROJECT, "config.yaml": CONFIG, "base.yaml": BASE, "work.yaml": WORK, "hello.py": SCRIPT,
    "work-params.json": json.dumps([{"ParameterKey": "Minutes", "ParameterValue": "7"}]),
    "data/a.csv": "id,name\n1,a\n", "data/b.csv": "id,name\n2,b\n",
}
RESOURCES = 3 + 5


class Shop(Project):
    """The project in a folder of the test's own; `cloud` None: it names no endpoint."""

    def __init__(self, runner, cloud, **files):  # pylint: disable=super-init-not-called
        self.runner, self.cloud = runner, cloud
        self.folder = os.path.join(runner.folder, "shop")
        self.environment = {**(cloud.checked_env() if cloud else {}), "SHOP_PASSWORD": PASSWORD}
        for name, text in {**FILES, **files}.items():
            self.write(name, text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def edit(self, name, old, new):
        text = self.read(name)
        assert old in text, f"{name} has no '{old}'"
        self.write(name, text.replace(old, new))
