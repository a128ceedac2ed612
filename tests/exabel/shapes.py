"""The messages of the Exabel Data API as JSON: which members they have, of which kinds; read strictly.

SCHEMA and ROUTES are checked against the descriptors of the published package by tests/conformance/test_exabel_package.py.
A kind is 'string', 'bool', 'int32', 'double', 'enum …', 'timestamp', 'duration', 'mask', 'struct', 'message NAME' or
'list KIND'; a double is a number or "NaN".
"""
import datetime
import json
import math
import re

INVALID_ARGUMENT = 3

UNIVERSE = "enum SEARCH_UNIVERSE_UNSPECIFIED EXABEL_COMPANIES ALL_COMPANIES"
AGGREGATION = "enum AGGREGATION_INVALID MEAN FIRST LAST SUM MIN MAX MEDIAN"
DIMENSION = "enum DIMENSION_UNKNOWN DIMENSION_CURRENCY DIMENSION_MASS DIMENSION_LENGTH DIMENSION_TIME DIMENSION_RATIO"
PAGE = {"pageSize": "int32", "pageToken": "string"}
INSERTING = {
    "insertOptions": "message InsertOptions", "defaultKnownTime": "message DefaultKnownTime", "createTag": "bool", "shouldOptimise": "bool",
}
STATUSES = {"timeSeriesName": "string", "status": "message Status"}

SCHEMA = {
    "SearchEntitiesRequest": {"parent": "string", "terms": "list message SearchTerm", "options": "message SearchOptions", **PAGE},
    "SearchEntitiesResponse": {
        "results": "list message SearchResult", "nextPageToken": "string", "entities": "list message Entity",
    },
    "SearchResult": {"terms": "list message SearchTerm", "entities": "list message Entity"},
    "SearchTerm": {"field": "string", "query": "string"},
    "SearchOptions": {"universe": UNIVERSE},
    "GetEntityRequest": {"name": "string"},
    "ListEntitiesRequest": {"parent": "string", **PAGE},
    "ListEntitiesResponse": {"entities": "list message Entity", "nextPageToken": "string", "totalSize": "int32"},
    "Entity": {"name": "string", "displayName": "string", "description": "string", "readOnly": "bool", "properties": "struct"},
    "ListSignalsRequest": PAGE,
    "ListSignalsResponse": {"signals": "list message Signal", "nextPageToken": "string", "totalSize": "int32"},
    "GetSignalRequest": {"name": "string"},
    "CreateSignalRequest": {"signal": "message Signal", "createLibrarySignal": "bool"},
    "UpdateSignalRequest": {"signal": "message Signal", "updateMask": "mask", "allowMissing": "bool", "createLibrarySignal": "bool"},
    "DeleteSignalRequest": {"name": "string"},
    "Signal": {
        "name": "string", "entityType": "string", "displayName": "string", "description": "string",
        "downsamplingMethod": AGGREGATION, "readOnly": "bool", "entityTypes": "list string",
    },
    "ListNamespacesRequest": {},
    "ListNamespacesResponse": {"namespaces": "list message Namespace"},
    "Namespace": {"name": "string", "writeable": "bool"},
    "ListTimeSeriesRequest": {"parent": "string", **PAGE},
    "ListTimeSeriesResponse": {"timeSeries": "list message TimeSeries", "nextPageToken": "string", "totalSize": "int32"},
    "GetTimeSeriesRequest": {"name": "string", "view": "message TimeSeriesView"},
    "CreateTimeSeriesRequest": {"timeSeries": "message TimeSeries", "view": "message TimeSeriesView", **INSERTING},
    "UpdateTimeSeriesRequest": {
        "timeSeries": "message TimeSeries", "view": "message TimeSeriesView", "updateOptions": "message UpdateOptions", **INSERTING,
        "allowMissing": "bool", "replaceKnownTime": "bool",
    },
    "ImportTimeSeriesRequest": {
        "parent": "string", "timeSeries": "list message TimeSeries", "statusInResponse": "bool", "updateOptions": "message UpdateOptions",
        **INSERTING, "allowMissing": "bool", "replaceExistingTimeSeries": "bool", "replaceKnownTime": "bool",
    },
    "ImportTimeSeriesResponse": {"responses": "list message SingleTimeSeriesResponse"},
    "SingleTimeSeriesResponse": STATUSES,
    "DeleteTimeSeriesRequest": {"name": "string"},
    "BatchDeleteTimeSeriesPointsRequest": {"parent": "string", "timeSeries": "list message TimeSeries", "statusInResponse": "bool"},
    "BatchDeleteTimeSeriesPointsResponse": {"responses": "list message BatchDeleteTimeSeriesResponse"},
    "BatchDeleteTimeSeriesResponse": STATUSES,
    "TimeSeries": {"name": "string", "points": "list message TimeSeriesPoint", "readOnly": "bool", "units": "message Units"},
    "TimeSeriesPoint": {"time": "timestamp", "value": "double", "knownTime": "timestamp"},
    "TimeSeriesView": {"timeRange": "message TimeRange", "knownTime": "timestamp"},
    "TimeRange": {"fromTime": "timestamp", "excludeFrom": "bool", "toTime": "timestamp", "includeTo": "bool"},
    "InsertOptions": {"defaultKnownTime": "message DefaultKnownTime", "createTag": "bool", "shouldOptimise": "bool"},
    "UpdateOptions": {
        "allowMissing": "bool", "replaceExistingTimeSeries": "bool", "replaceKnownTime": "bool", "replaceExistingDataPoints": "bool",
    },
    "DefaultKnownTime": {"currentTime": "bool", "knownTime": "timestamp", "timeOffset": "duration"},
    "Units": {"units": "list message Unit", "multiplier": "message Decimal", "description": "string"},
    "Unit": {"dimension": DIMENSION, "unit": "string", "exponent": "int32"},
    "Decimal": {"value": "string"},
    "Status": {"code": "int32", "message": "string", "details": "list struct"},
    "Empty": {},
}
# Of version 0.0.9, which later ones no longer have.
SCHEMA["BatchDeletePointsOfOneRequest"] = {"name": "string", "timeRanges": "list message TimeRange"}
ONEOFS = {
    "UpdateOptions": ("replaceExistingTimeSeries", "replaceKnownTime", "replaceExistingDataPoints"),
    "DefaultKnownTime": ("currentTime", "knownTime", "timeOffset"),
}

SERIES = ("entityTypes/*/entities/*/signals/*", "signals/*/entityTypes/*/entities/*")
PARENTS = ("entityTypes/*/entities/*", "signals/*")
# (HTTP method, path, body, call, request, response)
ROUTES = [
    ("POST", "/v1/{parent=entityTypes/*}/entities:search", "*", "SearchEntities", "SearchEntitiesRequest", "SearchEntitiesResponse"),
    ("GET", "/v1/{parent=entityTypes/*}/entities", "", "ListEntities", "ListEntitiesRequest", "ListEntitiesResponse"),
    ("GET", "/v1/{name=entityTypes/*/entities/*}", "", "GetEntity", "GetEntityRequest", "Entity"),
    ("GET", "/v1/signals", "", "ListSignals", "ListSignalsRequest", "ListSignalsResponse"),
    ("GET", "/v1/{name=signals/*}", "", "GetSignal", "GetSignalRequest", "Signal"),
    ("POST", "/v1/signals", "signal", "CreateSignal", "CreateSignalRequest", "Signal"),
    ("PATCH", "/v1/{signal.name=signals/*}", "signal", "UpdateSignal", "UpdateSignalRequest", "Signal"),
    ("DELETE", "/v1/{name=signals/*}", "", "DeleteSignal", "DeleteSignalRequest", "Empty"),
    ("GET", "/v1/namespaces", "", "ListNamespaces", "ListNamespacesRequest", "ListNamespacesResponse"),
]
for _p in PARENTS:
    ROUTES += [
        ("GET", f"/v1/{{parent={_p}}}/timeSeries", "", "ListTimeSeries", "ListTimeSeriesRequest", "ListTimeSeriesResponse"),
        ("POST", f"/v1/{{parent={_p}}}/timeSeries:import", "*", "ImportTimeSeries", "ImportTimeSeriesRequest", "ImportTimeSeriesResponse"),
        ("POST", f"/v1/{{parent={_p}}}/timeSeries/points:batchDelete", "*", "BatchDeleteTimeSeriesPoints",
         "BatchDeleteTimeSeriesPointsRequest", "BatchDeleteTimeSeriesPointsResponse"),
    ]
for _n in SERIES:
    ROUTES += [
        ("GET", f"/v1/{{name={_n}}}", "", "GetTimeSeries", "GetTimeSeriesRequest", "TimeSeries"),
        ("POST", f"/v1/{{time_series.name={_n}}}", "time_series", "CreateTimeSeries", "CreateTimeSeriesRequest", "TimeSeries"),
        ("PATCH", f"/v1/{{time_series.name={_n}}}", "time_series", "UpdateTimeSeries", "UpdateTimeSeriesRequest", "TimeSeries"),
        ("DELETE", f"/v1/{{name={_n}}}", "", "DeleteTimeSeries", "DeleteTimeSeriesRequest", "Empty"),
    ]
# What only version 0.0.9 had.
OLD_ROUTES = [
    ("POST", f"/v1/{{name={_n}}}/points:batchDelete", "*", "BatchDeletePointsOfOne", "BatchDeletePointsOfOneRequest", "Empty") for _n in SERIES
]


class ApiError(Exception):
    """What the API answers instead of a reply: a code of google.rpc, a text, and details."""

    def __init__(self, code, message, details=()):
        super().__init__(message)
        self.code, self.message, self.details = code, message, list(details)


def bad(path, text):
    return ApiError(INVALID_ARGUMENT, f"{path}: {text}" if path else text)


# --- JSON ---
def members(pairs):
    """An object: a point that is just time and value becomes a tuple, which is all that makes many points fast to read."""
    if len(pairs) == 2 and pairs[0][0] == "time" and pairs[1][0] == "value":
        return pairs[0][1], pairs[1][1]
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise bad("", f'duplicate member "{next(n for n in names if names.count(n) > 1)}"')
    return value


def no_constant(text):
    raise bad("", f"{text} is no JSON")


DECODER = json.JSONDecoder(object_pairs_hook=members, parse_constant=no_constant, strict=True)


def parse_json(body):
    try:
        return DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise bad("", f"the body is not UTF-8: {e.reason} at byte {e.start}") from None
    except (ValueError, RecursionError) as e:
        raise bad("", f"the body is not JSON: {e}") from None


def plain(value):
    """The same without points as tuples: for what is no point."""
    if isinstance(value, tuple):
        return {"time": plain(value[0]), "value": plain(value[1])}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


# --- times ---
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
EPOCH = datetime.datetime(1970, 1, 1)
DAY = 86400


class Times(dict):
    """Seconds since 1970 by text: the same days come again and again."""

    def __missing__(self, text):
        m = RFC3339.fullmatch(text) if isinstance(text, str) else None
        try:
            moment = datetime.datetime(*(int(g) for g in m.groups()[:6]))
            offset = (int(m[8]) * 60 + int(m[9])) * (-60 if m[7] == "-" else 60) if m[7] else 0
        except (TypeError, AttributeError, ValueError):
            raise ValueError(f"{json.dumps(text)} is no timestamp as RFC 3339 has it") from None
        value = int((moment - EPOCH).total_seconds()) - offset
        if len(self) > 200000:
            self.clear()
        self[text] = value
        return value


TIMES = Times()


def time_text(seconds):
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat() + "Z"


def day_text(seconds):
    return time_text(seconds)[:10]


# --- kinds ---
def read_double(value, path):
    if value == "NaN" and isinstance(value, str):
        return math.nan
    if type(value) not in (int, float):
        raise bad(path, f'{json.dumps(plain(value))} is neither a number nor "NaN"')
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise bad(path, "a number beyond a double")
    return number


def read_scalar(kind, value, path):
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int32" and type(value) is int and -(2**31) <= value < 2**31:
        return value
    if kind.startswith("enum ") and value in kind.split()[1:]:
        return value
    if kind == "timestamp":
        try:
            return TIMES[value]
        except (TypeError, ValueError) as e:
            raise bad(path, str(e)) from None
    if kind == "duration" and isinstance(value, str) and re.fullmatch(r"-?\d{1,12}s", value):
        return int(value[:-1])
    if kind == "mask" and isinstance(value, str) and re.fullmatch(r"[a-zA-Z.]+(,[a-zA-Z.]+)*", value):
        return value.split(",")
    if kind == "double":
        return read_double(value, path)
    raise bad(path, f"{json.dumps(plain(value))[:60]} is no {kind.split()[0]}")


def read_value(kind, value, path):
    form, _, rest = kind.partition(" ")
    if form == "list":
        if not isinstance(value, list):
            raise bad(path, "is no list")
        if rest == "message TimeSeriesPoint":
            return read_points(value, path)
        return [read_value(rest, v, f"{path}[{i}]") for i, v in enumerate(value)]
    if form == "message":
        return read_message(rest, value, path)
    if form == "struct":
        value = plain(value)
        if not isinstance(value, dict):
            raise bad(path, "is no object")
        return value
    return read_scalar(kind, value, path)


def read_message(name, value, path=""):
    """A message's members, each of its kind; what is null is not there. ApiError names the place of what is wrong."""
    if isinstance(value, tuple):
        value = {"time": value[0], "value": value[1]}
    if not isinstance(value, dict):
        raise bad(path, f"is no object ({name})")
    schema, out = SCHEMA[name], {}
    for member, v in value.items():
        if member not in schema:
            raise bad(path, f'unknown field "{member}" in {name}')
        if v is not None:
            out[member] = read_value(schema[member], v, f"{path}.{member}" if path else member)
    given = [m for m in ONEOFS.get(name, ()) if m in out]
    if len(given) > 1:
        raise bad(path, f"only one of {', '.join(given)} may be set")
    return out


class Points:
    """A series' points as columns: seconds, values (None deletes), and known times (None: none is given)."""

    def __init__(self, times, values, known):
        self.times, self.values, self.known = times, values, known


NUMBERS = {int, float}


def read_points(value, path):
    if set(map(type, value)) == {tuple}:
        times, values = zip(*value)
        try:
            times = list(map(TIMES.__getitem__, times))
        except (TypeError, ValueError) as e:
            raise bad(path, str(e)) from None
        if not set(map(type, values)) <= NUMBERS:
            values = [None if v is None else read_double(v, f"{path}[{i}].value") for i, v in enumerate(values)]
        try:
            values = [v if v is None else float(v) for v in values]
        except OverflowError:
            raise bad(path, "a number beyond a double") from None
        if math.inf in values or -math.inf in values:
            raise bad(path, "a number beyond a double")
        return Points(times, values, None)
    points = [read_message("TimeSeriesPoint", v, f"{path}[{i}]") for i, v in enumerate(value)]
    for i, p in enumerate(points):
        if "time" not in p:
            raise bad(f"{path}[{i}]", "has no time")
    known = [p.get("knownTime") for p in points]
    return Points([p["time"] for p in points], [p.get("value") for p in points], known if any(k is not None for k in known) else None)


# --- query strings ---
QUERY_BOOL = {"true": True, "false": False}


def read_query(request, pairs):
    """Members given as ?view.timeRange.fromTime=…: the message as JSON, to be read by read_message."""
    out = {}
    for name, text in pairs:
        schema, at, parts = SCHEMA[request], out, [camel(p) for p in name.split(".")]
        for i, part in enumerate(parts):
            kind = schema.get(part)
            last = i == len(parts) - 1
            if kind is None or last == kind.startswith("message ") or kind.startswith(("list message", "struct")):
                raise bad("", f'unknown query parameter "{name}"')
            if not last:
                schema, at = SCHEMA[kind.split()[1]], at.setdefault(part, {})
            elif kind == "list string":
                at.setdefault(part, []).append(text)
            elif part in at:
                raise bad("", f'query parameter "{name}" is given twice')
            else:
                at[part] = query_scalar(kind, name, text)
    return out


def query_scalar(kind, name, text):
    if kind == "bool":
        if text not in QUERY_BOOL:
            raise bad(name, f'"{text}" is no bool')
        return QUERY_BOOL[text]
    if kind == "int32":
        if not re.fullmatch(r"-?\d{1,10}", text):
            raise bad(name, f'"{text}" is no int32')
        return int(text)
    return text


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(r[:1].upper() + r[1:] for r in rest)


# --- replies ---
def with_defaults(name, value):
    """The reply as a gateway gives it that also writes members which have their default."""
    out = {}
    for member, kind in SCHEMA[name].items():
        form, _, rest = kind.partition(" ")
        given = value.get(member)
        if form == "message":
            out[member] = None if given is None else with_defaults(rest, given)
        elif form == "list" and rest.startswith("message "):
            out[member] = [with_defaults(rest.split()[1], v) for v in given or []]
        elif given is None and form in ("timestamp", "double", "struct"):
            out[member] = None
        elif given is None:
            out[member] = {"list": [], "bool": False, "int32": 0, "enum": rest.split(" ")[0]}.get(form, "")
        else:
            out[member] = given
    return {k: v for k, v in out.items() if v is not None}
