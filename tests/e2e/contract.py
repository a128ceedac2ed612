"""CONTRACT's documents, member by member: what each command prints with --output json."""
import re

STR, INT, NUM, BOOL = str, int, (int, float), bool
ACTIONS = {"create", "update", "replace", "delete", "adopt", "upload", "start", "retain", "none"}
STATUSES = {"done", "failed", "skipped", "planned"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Maybe:
    """A member that may be left out, or be null."""

    def __init__(self, of):
        self.of = of


class Map:
    """Any names, values of one kind."""

    def __init__(self, of):
        self.of = of


ERR = {
    "code": STR, "rule": Maybe(STR), "message": STR, "hint": Maybe(STR), "file": Maybe(STR), "line": Maybe(INT), "column": Maybe(INT), "path": Maybe(STR),
    "stack": Maybe(STR), "logical_id": Maybe(STR), "operation": Maybe(STR), "aws_code": Maybe(STR), "http_status": Maybe(INT),
    "request_id": Maybe(STR),
}
COMMON = {"schema": {1}, "command": STR, "project": Maybe(STR), "ok": BOOL, "exit": INT, "errors": [ERR], "warnings": [ERR]}
RESOURCE = {
    "logical_id": STR, "type": STR, "physical_id": Maybe(STR), "action": ACTIONS, "status": STATUSES, "seconds": NUM, "error": Maybe(ERR),
}
STACKS = [{"name": STR, "resources": [RESOURCE], "outputs": Map(STR)}]
SUMMARY = {k: INT for k in ("created", "updated", "replaced", "unchanged", "deleted", "adopted", "retained", "failed", "skipped", "requests")}
SUMMARY["seconds"] = NUM
LEFT = [{"type": STR, "physical_id": STR, "reason": STR, "stack": Maybe(STR), "logical_id": Maybe(STR)}]
VALUE = object()  # anything, but secrets
PROPERTY = {"path": STR, "before": Maybe(VALUE), "after": Maybe(VALUE), "effect": {"update", "replace"}}
CHANGE = {
    "stack": STR, "logical_id": STR, "type": STR, "physical_id": Maybe(STR), "action": ACTIONS, "data_loss": BOOL, "reason": STR,
    "properties": [PROPERTY],
}
STATE = {
    "logical_id": STR, "type": STR, "physical_id": Maybe(STR), "state": {"present", "absent", "changed", "foreign", "unknown"}, "error": Maybe(ERR),
}
NODE = {"type": STR, "name": STR, "id": Maybe(STR), "state": STR, "attempt": INT, "seconds": NUM, "error": Maybe(STR)}
# of executions: what a state lies in, and what it started
NODE.update({"parent": Maybe(STR), "branch": Maybe(INT), "iteration": Maybe(INT), "resource": Maybe(STR), "job": Maybe(STR)})
CAUGHT = {
    "state": STR, "error": STR, "cause": STR, "next": Maybe(STR), "iteration": Maybe(INT), "job": Maybe(STR), "id": Maybe(STR),
}
RUN = {
    "type": STR, "name": STR, "id": Maybe(STR), "state": STR, "started": Maybe(TIME), "ended": Maybe(TIME), "seconds": NUM, "error": Maybe(STR),
    "nodes": [NODE], "caught": Maybe([CAUGHT]),
}
CRAWL_PARTITIONS = {k: {"count": INT, "values": [[STR]]} for k in ("added", "changed", "deprecated", "removed")}
CRAWL_CHANGE = {
    "action": {"create", "update", "delete", "deprecate"}, "table": STR, "location": Maybe(STR), "classification": Maybe(STR), "partitions": Maybe(CRAWL_PARTITIONS),
    "columns": [{"action": {"add", "change", "remove"}, "name": STR, "before": Maybe(STR), "after": Maybe(STR)}],
}
COLUMN = {"name": STR, "type": STR}
TABLE = {
    "database": STR, "name": STR, "type": Maybe(STR), "classification": Maybe(STR), "location": Maybe(STR), "columns": [COLUMN],
    "partition_keys": [COLUMN], "partitions": INT, "parameters": Map(STR),
    "records": Maybe(INT), "average_record_size": Maybe(INT), "updated": Maybe(TIME), "serde": {"library": Maybe(STR), "parameters": Map(STR)},
}
EVENT = {"time": TIME, "stream": STR, "run_id": Maybe(STR), "node": STR, "message": STR}
CHANGING = {"stacks": STACKS, "summary": SUMMARY}
REMOVING = {**CHANGING, "left": LEFT, "swept": Maybe([VALUE])}
UPLOAD = {"from": STR, "to": STR, "bytes": INT, "status": {"uploaded", "skipped", "resumed", "failed", "planned"}, "seconds": NUM, "error": Maybe(ERR)}
UPLOADS = {k: INT for k in ("uploaded", "skipped", "resumed", "failed", "planned", "bytes", "sent_bytes", "requests")}
DOCUMENTS = {
    "upload": {"uploads": [UPLOAD], "summary": {**UPLOADS, "seconds": NUM}},
    "setup": CHANGING, "create": CHANGING, "deploy": CHANGING, "teardown": REMOVING, "delete": REMOVING,
    "plan": {"changes": [CHANGE], "drift": Maybe([CHANGE])},
    "status": {"stacks": [{"name": STR, "resources": [STATE], "outputs": Map(STR)}]},
    "outputs": {"outputs": Map(Map(STR))},
    "validate": {}, "graph": {"dot": STR, "mermaid": Maybe(STR), "svg": Maybe(STR)},
    "crawl": {"run": Maybe(RUN), "crawl": Maybe({"crawler": STR, "database": STR, "changes": [CRAWL_CHANGE], "log": [STR]})},
    "run": {"run": RUN}, "logs": {"events": [EVENT]}, "tables": {"tables": [TABLE]},
    "query": {"columns": [COLUMN], "rows": [[Maybe(STR)]], "query_execution_id": Maybe(STR), "scanned_bytes": INT},
    "config list": {"config": Map(STR), "file": STR}, "config get": {"name": STR, "value": STR}, "config set": {"name": STR, "file": STR},
    "whoami": {
        "account": STR, "arn": STR, "region": STR, "credentials": STR, "access_key_id": Maybe(STR), "expires": Maybe(STR),
        "endpoint": Maybe(STR),
    },
    "local start": {
        "endpoint": STR, "pid": INT, "dir": STR, "region": STR, "access_key_id": STR, "secret_access_key": STR, "account": STR,
    },
    "local status": {"running": BOOL, "endpoint": Maybe(STR), "pid": Maybe(INT), "dir": Maybe(STR), "region": Maybe(STR), "account": Maybe(STR)},
    "local stop": {"stopped": BOOL},
}


def mismatch(value, shape, where):
    """The first place where a value is not of its shape; None."""
    if shape is VALUE:
        return None
    if isinstance(shape, Maybe):
        return None if value is None else mismatch(value, shape.of, where)
    if isinstance(shape, Map):
        if not isinstance(value, dict):
            return f"{where} is no object"
        return next(filter(None, (mismatch(v, shape.of, f"{where}.{k}") for k, v in value.items())), None)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is no array"
        return next(filter(None, (mismatch(v, shape[0], f"{where}[{i}]") for i, v in enumerate(value))), None)
    if isinstance(shape, set):
        return None if value in shape else f"{where} is {value!r}, none of {sorted(map(str, shape))}"
    if isinstance(shape, re.Pattern):
        return None if isinstance(value, str) and shape.fullmatch(value) else f"{where} is {value!r}"
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{where} is no object"
        unknown = set(value) - set(shape)
        if unknown:
            return f"{where} has members that CONTRACT does not name: {unknown}"
        for name, of in shape.items():
            if name not in value and not isinstance(of, Maybe):
                return f"{where} has no '{name}'"
            if name in value and (found := mismatch(value[name], of, f"{where}.{name}")):
                return found
        return None
    good = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return None if good else f"{where} is {value!r}"


def check(result, kind=None):
    """The result's document is that of its command; of a failure, at least the common members. Returns the result."""
    document = result.json
    kind = kind or document["command"]
    shape = {**COMMON, **DOCUMENTS[kind]}
    if not document["ok"]:
        shape = {k: v if k in COMMON or isinstance(v, Maybe) else Maybe(v) for k, v in shape.items()}
    found = mismatch(document, shape, "$")
    assert not found, f"{found}\n{result!r}"
    assert document["command"] == kind.split()[0] and document["exit"] == result.code
    return result
