"""State machines in the shapes people write, good and bad: (name, rule of the Amazon States Language's specification or of the service, the
definition or its text, where the first error is; None: there is none). EXPRESS holds the names of those that are express machines."""

GLUE = "arn:aws:states:::glue:startJobRun.sync"
LAMBDA = "arn:aws:lambda:eu-central-1:111122223333:function:f"


def one(state, **more):
    """A machine of one state, X."""
    return {"StartAt": "X", "States": {"X": state}, **more}


def task(**more):
    return {"Type": "Task", "Resource": GLUE, "Parameters": {"JobName": "j"}, "End": True, **more}


def then(state, **others):
    """X, then Y, which succeeds."""
    return {"StartAt": "X", "States": {"X": state, "Y": {"Type": "Succeed"}, **others}}


def choice(*rules, **more):
    return then({"Type": "Choice", "Choices": [{"Next": "Y", **r} for r in rules], **more})


def inner(name="I", **state):
    return {"StartAt": name, "States": {name: state or {"Type": "Pass", "End": True}}}


def parallel(*branches, **more):
    return {"Type": "Parallel", "Branches": list(branches), "End": True, **more}


def map_of(processor=None, **more):
    return {"Type": "Map", "ItemProcessor": processor or inner(), "End": True, **more}


def spread(execution="STANDARD", **more):
    return map_of({"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution}, **inner()}, **more)


def reader(call, parameters, **config):
    return {"Resource": f"arn:aws:states:::s3:{call}", "Parameters": parameters, **({"ReaderConfig": config} if config else {})}


def currency(name):
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": f"{name} wont stop the others"}]

    def job(job_name, **more):
        return {"Type": "Task", "Resource": GLUE, "Parameters": {"JobName": job_name, "Arguments": {"--TICKER": name}}, "Catch": catch, **more}
    return {"StartAt": f"{name} to silver", "States": {
        f"{name} to silver": job("bronze2silver", Next=f"{name} to gold"),
        f"{name} to gold": job("silver2gold", Next=f"{name} to redshift"),
        f"{name} to redshift": job("RedshiftUpload", End=True),
        f"{name} wont stop the others": {"Type": "Pass", "End": True}}}


CRYPTO = {"Comment": "prices", "StartAt": "Clean S3 buckets", "States": {
    "Clean S3 buckets": {"Type": "Task", "Resource": GLUE, "Parameters": {"JobName": "ClearBuckets"}, "ResultPath": None, "Next": "Parallel",
                         "Retry": [{"ErrorEquals": ["Glue.ConcurrentRunsExceededException"], "IntervalSeconds": 5, "MaxAttempts": 3, "BackoffRate": 1.5}],
                         "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S3 cleaning failure"}]},
    "Parallel": {"Type": "Parallel", "Branches": [currency("BTC"), currency("XMR")], "Next": "SuccessState",
                 "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Pipeline failure"}]},
    "SuccessState": {"Type": "Succeed"}, "Pipeline failure": {"Type": "Fail"}, "S3 cleaning failure": {"Type": "Fail", "Error": "E", "Cause": "c"}}}

POLL = {"StartAt": "Start", "States": {
    "Start": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:startCrawler", "Parameters": {"Name.$": "$.crawler"}, "ResultPath": None, "Next": "Wait"},
    "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Get"},
    "Get": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:getCrawler", "Parameters": {"Name.$": "$.crawler"}, "ResultPath": "$.c", "Next": "Ready?"},
    "Ready?": {"Type": "Choice", "Choices": [{"Variable": "$.c.Crawler.State", "StringEquals": "READY", "Next": "Done"}], "Default": "Wait"},
    "Done": {"Type": "Succeed"}}}

TOP = "Top-level fields"
STATES = "States"
TRANSITIONS = "Transitions"
PATHS = "Paths"
TEMPLATES = "Payload Template"
ERRORS = "Errors"
CHOICE = "Choice State"
WAIT = "Wait State"
MAP = "Map State"
SERVICE = "the service"

CASES = [
    # good ones
    ("crypto", TOP, CRYPTO, None),
    ("poll a crawler", TOP, POLL, None),
    ("smallest", TOP, one({"Type": "Succeed"}), None),
    ("version and time-out", TOP, one({"Type": "Pass", "End": True}, Version="1.0", TimeoutSeconds=60, Comment="c"), None),
    ("pass with everything", PATHS, one({"Type": "Pass", "Comment": "c", "InputPath": "$.a", "Parameters": {"b.$": "$.c"}, "ResultPath": "$.r", "OutputPath": "$.r",
                                         "End": True}), None),
    ("null paths", PATHS, one({"Type": "Pass", "InputPath": None, "ResultPath": None, "OutputPath": None, "End": True}), None),
    ("context object", PATHS, one(task(Parameters={"JobName.$": "$$.Execution.Input.job", "Name.$": "$$.Execution.Name"})), None),
    ("intrinsics", TEMPLATES, one(task(Parameters={"JobName.$": "States.Format('{}-{}', $.a, 'b')", "A": {"--x.$": "States.JsonToString($.o)"}})), None),
    ("nested intrinsics", TEMPLATES, one(task(Parameters={"JobName.$": "States.ArrayGetItem(States.StringSplit($.s, ','), 0)"})), None),
    ("lists in templates", TEMPLATES, one({"Type": "Pass", "Parameters": {"l": [{"a.$": "$.b"}, 1, None, True]}, "End": True}), None),
    ("result selector", PATHS, one(task(ResultSelector={"id.$": "$.Id"}, ResultPath="$.run")), None),
    ("retry with all", ERRORS, one(task(Retry=[{"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "MaxAttempts": 0, "BackoffRate": 1.0, "MaxDelaySeconds": 5,
                                                "JitterStrategy": "FULL"}, {"ErrorEquals": ["States.ALL"]}])), None),
    ("catch with a result path", ERRORS, then(task(Catch=[{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.e", "Next": "Y"}])), None),
    ("heartbeat", STATES, one(task(TimeoutSeconds=60, HeartbeatSeconds=10)), None),
    ("heartbeat by path", STATES, one(task(TimeoutSecondsPath="$.t", HeartbeatSecondsPath="$.h")), None),
    ("lambda", STATES, one(task(Resource=LAMBDA)), None),
    ("activity", STATES, one(task(Resource="arn:aws:states:eu-central-1:111122223333:activity:a")), None),
    ("token", SERVICE, one(task(Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                                Parameters={"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}})), None),
    ("start an execution", SERVICE, one(task(Resource="arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": "a"})), None),
    ("credentials", SERVICE, one(task(Credentials={"RoleArn.$": "$.r"})), None),
    ("wait for a moment", WAIT, one({"Type": "Wait", "Timestamp": "2026-11-21T09:26:05Z", "End": True}), None),
    ("wait by path", WAIT, one({"Type": "Wait", "SecondsPath": "$.s", "End": True}), None),
    ("wait until a path", WAIT, one({"Type": "Wait", "TimestampPath": "$.s", "End": True}), None),
    ("wait not at all", WAIT, one({"Type": "Wait", "Seconds": 0, "End": True}), None),
    ("fail by paths", STATES, one({"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}', $.c)"}), None),
    ("choice of all kinds", CHOICE, choice({"Variable": "$.a", "StringMatches": "*.csv"}, {"Variable": "$.a", "NumericGreaterThanEqualsPath": "$.b"},
                                           {"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "BooleanEquals": False},
                                           {"Variable": "$.t", "TimestampLessThan": "2026-01-01T00:00:00Z"}), None),
    ("choice of rules", CHOICE, choice({"And": [{"Variable": "$.a", "IsNull": False}, {"Not": {"Variable": "$.a", "StringEquals": "x"}}]}, Default="Y"), None),
    ("branches", STATES, one(parallel(inner("A"), inner("B"), ResultSelector={"all.$": "$"}, ResultPath="$.p")), None),
    ("map", MAP, one(map_of(ItemsPath="$.l", MaxConcurrency=3, ItemSelector={"v.$": "$$.Map.Item.Value"})), None),
    ("map with an iterator", MAP, one({"Type": "Map", "Iterator": inner(), "Parameters": {"v.$": "$$.Map.Item.Value"}, "End": True}), None),
    ("map says inline", MAP, one(map_of({"ProcessorConfig": {"Mode": "INLINE"}, **inner()})), None),
    ("distributed over a bucket", MAP, one(spread(ItemReader=reader("listObjectsV2", {"Bucket": "b", "Prefix": "p"}), MaxConcurrency=10, Label="L")), None),
    ("distributed over CSV", MAP, one(spread(ItemReader=reader("getObject", {"Bucket": "b", "Key": "k"}, InputType="CSV", CSVHeaderLocation="FIRST_ROW"))), None),
    ("distributed over given columns", MAP, one(spread("EXPRESS", ItemReader=reader("getObject", {"Bucket": "b", "Key.$": "$.k"}, InputType="CSV", MaxItems=5,
                                                                                  CSVHeaderLocation="GIVEN", CSVHeaders=["a", "b"]))), None),
    ("distributed, batched, tolerant", MAP, one(spread(ItemBatcher={"MaxItemsPerBatch": 10, "BatchInput": {"a.$": "$.a"}}, ToleratedFailurePercentage=5)), None),
    ("distributed, results written", MAP, one(spread(ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}})), None),
    ("express", SERVICE, one(task(Resource="arn:aws:states:::sns:publish", Parameters={"TopicArn": "t", "Message.$": "$.m"})), None),
    ("variables", "Variables", one({"Type": "Pass", "Assign": {"a": 1, "b.$": "$.c"}, "End": True}), None),
    ("names with blanks and marks", STATES, {"StartAt": "Ready? (yes)", "States": {"Ready? (yes)": {"Type": "Succeed"}}}, None),
    ("filters in paths", PATHS, one({"Type": "Pass", "InputPath": "$.l[?(@.p > 3)]", "End": True}), None),
    ("slices in paths", PATHS, one({"Type": "Pass", "InputPath": "$.l[0:2]", "End": True}), None),
    # bad ones
    ("no JSON", TOP, "{\"StartAt\": ", ""),
    ("no object", TOP, "[]", ""),
    ("empty", TOP, {}, "/"),
    ("no start", TOP, {"States": {"X": {"Type": "Succeed"}}}, "/"),
    ("no states", TOP, {"StartAt": "X"}, "/"),
    ("states is empty", TOP, {"StartAt": "X", "States": {}}, "/States"),
    ("start is no state", TRANSITIONS, {"StartAt": "Z", "States": {"X": {"Type": "Succeed"}}}, "/StartAt"),
    ("unknown field above", TOP, one({"Type": "Succeed"}, Foo=1), "/"),
    ("another version", TOP, one({"Type": "Succeed"}, Version="2.0"), "/Version"),
    ("time-out is text", TOP, one({"Type": "Succeed"}, TimeoutSeconds="60"), "/TimeoutSeconds"),
    ("no type", STATES, one({"End": True}), "/States/X"),
    ("unknown type", STATES, one({"Type": "Job", "End": True}), "/States/X/Type"),
    ("small letters", STATES, one({"Type": "pass", "End": True}), "/States/X/Type"),
    ("unknown field", STATES, one({"Type": "Pass", "Result": 1, "Next ": "Y", "End": True}), "/States/X"),
    ("neither next nor end", TRANSITIONS, one({"Type": "Pass"}), "/States/X"),
    ("next and end", TRANSITIONS, then({"Type": "Pass", "Next": "Y", "End": True}), "/States/X"),
    ("next is nowhere", TRANSITIONS, one({"Type": "Pass", "Next": "Nope"}), "/States/X/Next"),
    ("not reachable", TRANSITIONS, {"StartAt": "X", "States": {"X": {"Type": "Succeed"}, "Lost": {"Type": "Succeed"}}}, "/States/Lost"),
    ("never ends", TRANSITIONS, one({"Type": "Pass", "Next": "X"}), "/"),
    ("out of a branch", TRANSITIONS, then(parallel(inner(Type="Pass", Next="Y"))), "/States/X/Branches[0]/States/I/Next"),
    ("one name twice", STATES, one(parallel(inner("A"), inner("A"))), "/States/X/Branches[1]/States/A"),
    ("long name", STATES, {"StartAt": "x" * 81, "States": {"x" * 81: {"Type": "Succeed"}}}, "/States/" + "x" * 81),
    ("task without resource", STATES, one({"Type": "Task", "End": True}), "/States/X"),
    ("resource is no ARN", SERVICE, one(task(Resource="startJobRun")), "/States/X/Resource"),
    ("succeed goes on", TRANSITIONS, then({"Type": "Succeed", "Next": "Y"}), "/States/X"),
    ("fail goes on", TRANSITIONS, then({"Type": "Fail", "Next": "Y"}), "/States/X"),
    ("fail with both", STATES, one({"Type": "Fail", "Cause": "a", "CausePath": "$.a"}), "/States/X"),
    ("end is text", TRANSITIONS, one({"Type": "Pass", "End": "true"}), "/States/X/End"),
    ("path without a dollar", PATHS, one({"Type": "Pass", "InputPath": "a", "End": True}), "/States/X/InputPath"),
    ("broken path", PATHS, one({"Type": "Pass", "InputPath": "$.a[", "End": True}), "/States/X/InputPath"),
    ("result path to many", PATHS, one({"Type": "Pass", "ResultPath": "$.a[*]", "End": True}), "/States/X/ResultPath"),
    ("result path out of the input", PATHS, one({"Type": "Pass", "ResultPath": "$$.a", "End": True}), "/States/X/ResultPath"),
    ("template with a plain text", TEMPLATES, one(task(Parameters={"JobName.$": "j"})), "/States/X/Parameters"),
    ("unknown intrinsic", TEMPLATES, one(task(Parameters={"JobName.$": "States.Upper($.a)"})), "/States/X/Parameters"),
    ("unclosed intrinsic", TEMPLATES, one(task(Parameters={"JobName.$": "States.Format('{}', $.a"})), "/States/X/Parameters"),
    ("catch goes nowhere", ERRORS, one(task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Nope"}])), "/States/X/Catch[0]/Next"),
    ("catch without next", ERRORS, one(task(Catch=[{"ErrorEquals": ["States.ALL"]}])), "/States/X/Catch[0]"),
    ("catch without errors", ERRORS, then(task(Catch=[{"Next": "Y"}])), "/States/X/Catch[0]"),
    ("all is not last", ERRORS, one(task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}])), "/States/X/Retry[0]"),
    ("all is not alone", ERRORS, one(task(Retry=[{"ErrorEquals": ["States.ALL", "A"]}])), "/States/X/Retry[0]"),
    ("no errors", ERRORS, one(task(Retry=[{"ErrorEquals": []}])), "/States/X/Retry[0]"),
    ("half a back-off", ERRORS, one(task(Retry=[{"ErrorEquals": ["A"], "BackoffRate": 0.5}])), "/States/X/Retry[0]"),
    ("interval of none", ERRORS, one(task(Retry=[{"ErrorEquals": ["A"], "IntervalSeconds": 0}])), "/States/X/Retry[0]"),
    ("retry of a pass", ERRORS, one({"Type": "Pass", "End": True, "Retry": [{"ErrorEquals": ["A"]}]}), "/States/X"),
    ("unknown jitter", ERRORS, one(task(Retry=[{"ErrorEquals": ["A"], "JitterStrategy": "HALF"}])), "/States/X/Retry[0]"),
    ("heartbeat too slow", STATES, one(task(TimeoutSeconds=10, HeartbeatSeconds=10)), "/States/X"),
    ("two time-outs", STATES, one(task(TimeoutSeconds=10, TimeoutSecondsPath="$.t")), "/States/X"),
    ("wait for nothing", WAIT, one({"Type": "Wait", "End": True}), "/States/X"),
    ("wait for two", WAIT, one({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.s", "End": True}), "/States/X"),
    ("wait is text", WAIT, one({"Type": "Wait", "Seconds": "5", "End": True}), "/States/X/Seconds"),
    ("wait less than none", WAIT, one({"Type": "Wait", "Seconds": -5, "End": True}), "/States/X/Seconds"),
    ("no such moment", WAIT, one({"Type": "Wait", "Timestamp": "tomorrow", "End": True}), "/States/X/Timestamp"),
    ("no choices", CHOICE, then({"Type": "Choice", "Default": "Y"}), "/States/X"),
    ("empty choices", CHOICE, then({"Type": "Choice", "Choices": [], "Default": "Y"}), "/States/X/Choices"),
    ("choice goes on", CHOICE, choice({"Variable": "$.a", "IsNull": True}, End=True), "/States/X"),
    ("rule without next", CHOICE, then({"Type": "Choice", "Default": "Y", "Choices": [{"Variable": "$.a", "IsNull": True}]}), "/States/X/Choices[0]"),
    ("rule without a variable", CHOICE, choice({"StringEquals": "a"}), "/States/X/Choices[0]"),
    ("rule without an operator", CHOICE, choice({"Variable": "$.a"}), "/States/X/Choices[0]"),
    ("two operators", CHOICE, choice({"Variable": "$.a", "IsNull": True, "IsString": True}), "/States/X/Choices[0]"),
    ("unknown operator", CHOICE, choice({"Variable": "$.a", "StringIs": "a"}), "/States/X/Choices[0]"),
    ("number is text", CHOICE, choice({"Variable": "$.a", "NumericEquals": "1"}), "/States/X/Choices[0]"),
    ("next within and", CHOICE, choice({"And": [{"Variable": "$.a", "IsNull": True, "Next": "Y"}]}), "/States/X/Choices[0]"),
    ("and of none", CHOICE, choice({"And": []}), "/States/X/Choices[0]"),
    ("default is nowhere", CHOICE, choice({"Variable": "$.a", "IsNull": True}, Default="Nope"), "/States/X/Default"),
    ("no branches", STATES, one({"Type": "Parallel", "End": True}), "/States/X"),
    ("branch without start", STATES, one(parallel({"States": {"I": {"Type": "Succeed"}}})), "/States/X/Branches[0]"),
    ("map of nothing", MAP, one({"Type": "Map", "End": True}), "/States/X"),
    ("map of two", MAP, one(map_of(Iterator=inner("J"))), "/States/X"),
    ("map at once is text", MAP, one(map_of(MaxConcurrency="3")), "/States/X/MaxConcurrency"),
    ("map in another mode", MAP, one(map_of({"ProcessorConfig": {"Mode": "SPREAD"}, **inner()})), "/States/X/ItemProcessor/ProcessorConfig"),
    ("distributed of no kind", MAP, one(map_of({"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **inner()})), "/States/X/ItemProcessor/ProcessorConfig"),
    ("reader of an inline map", MAP, one(map_of(ItemReader=reader("listObjectsV2", {"Bucket": "b"}))), "/States/X"),
    ("CSV of no columns", MAP, one(spread(ItemReader=reader("getObject", {"Bucket": "b", "Key": "k"}, InputType="CSV"))), "/States/X/ItemReader/ReaderConfig"),
    ("batches of any size", MAP, one(spread(ItemBatcher={})), "/States/X/ItemBatcher"),
    ("more than all failures", MAP, one(spread(ToleratedFailurePercentage=101)), "/States/X/ToleratedFailurePercentage"),
    ("integration that is none", SERVICE, one(task(Resource="arn:aws:states:::glue:startJob.sync")), "/States/X/Resource"),
    ("pattern that is none", SERVICE, one(task(Resource="arn:aws:states:::glue:startJobRun.sync:2")), "/States/X/Resource"),
    ("express waits for a job", SERVICE, one(task()), "/States/X/Resource"),
    ("variable of a bad name", "Variables", one({"Type": "Pass", "Assign": {"1a": 1}, "End": True}), "/States/X"),
    ("language of another world", SERVICE, one({"Type": "Succeed"}, QueryLanguage="XPath"), "/QueryLanguage"),
]
EXPRESS = {"express", "express waits for a job"}
