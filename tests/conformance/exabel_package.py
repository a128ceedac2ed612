"""What the published package `exabel` (9.1.0) says of the Data API: its messages, as JSON, and its routes.

check_record() judges the record of a stand-in (--record): every request that was taken and every reply must be the
package's own message, with no member that it does not know.
"""
import importlib
import json

from exabel.stubs.exabel.api.data.v1 import (
    entity_messages_pb2, entity_service_pb2, namespace_service_pb2, namespaces_messages_pb2, search_messages_pb2, signal_messages_pb2,
    signal_service_pb2, time_series_messages_pb2, time_series_service_pb2,
)
from exabel.stubs.exabel.api.time import time_range_pb2
from google.api import annotations_pb2
from google.protobuf import empty_pb2, json_format, symbol_database
from google.rpc import status_pb2
from google.type import decimal_pb2

# The kinds of details in an error are looked up in what has been imported.
importlib.import_module("google.rpc.error_details_pb2")

SERVICES = [entity_service_pb2, namespace_service_pb2, signal_service_pb2, time_series_service_pb2]
MODULES = SERVICES + [
    entity_messages_pb2, namespaces_messages_pb2, search_messages_pb2, signal_messages_pb2, time_series_messages_pb2, time_range_pb2,
    empty_pb2, status_pb2, decimal_pb2,
]


def descriptors():
    """{short name: descriptor}, nested ones too."""
    found, todo = {}, [d for m in MODULES for d in m.DESCRIPTOR.message_types_by_name.values()]
    while todo:
        d = todo.pop()
        found[d.name] = d
        todo += d.nested_types
    return found


DESCRIPTORS = descriptors()


def message(name):
    return symbol_database.Default().GetSymbol(DESCRIPTORS[name].full_name)() if name != "Empty" else empty_pb2.Empty()


def routes():
    """{(HTTP method, path, body, call, request, response)} of the services that the stand-in has."""
    found = set()
    for module in SERVICES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for m in service.methods:
                rule = m.GetOptions().Extensions[annotations_pb2.http]
                for r in [rule, *rule.additional_bindings]:
                    kind = r.WhichOneof("pattern")
                    found.add((kind.upper(), getattr(r, kind), r.body, m.name, m.input_type.name, m.output_type.name))
    return found


KINDS = {1: "double", 5: "int32", 17: "int32", 8: "bool", 9: "string"}
WELL_KNOWN = {
    "google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration", "google.protobuf.DoubleValue": "double",
    "google.protobuf.FieldMask": "mask", "google.protobuf.Struct": "struct", "google.protobuf.Any": "struct",
}


def kind_of(field):
    """A field's kind in the words of tests/exabel/shapes.py."""
    if field.enum_type:
        kind = " ".join(["enum", *(v.name for v in field.enum_type.values)])
    elif field.message_type:
        kind = WELL_KNOWN.get(field.message_type.full_name) or f"message {field.message_type.name}"
    else:
        kind = KINDS[field.type]
    return f"list {kind}" if field.is_repeated else kind


def schema(name):
    return {f.json_name: kind_of(f) for f in DESCRIPTORS[name].fields}


def oneofs(name):
    """Members of which one at most may be set; those of one member only mark it as optional."""
    return [tuple(f.json_name for f in o.fields) for o in DESCRIPTORS[name].oneofs if len(o.fields) > 1]


def parse(name, value):
    """The package's message of that JSON; ParseError when it is another."""
    return json_format.ParseDict(value, message(name), ignore_unknown_fields=False)


def violations(entry):
    """What is wrong with one line of a record."""
    found = []
    if entry.get("fault") in ("status", "garbage", "drop"):
        return found
    where = f"{entry['method']} {entry['path']}"
    # What was refused as invalid need not be a message.
    if "request" in entry and entry.get("code") != 3 and entry["request_type"] in DESCRIPTORS:
        try:
            parse(entry["request_type"], entry["request"])
        except json_format.ParseError as e:
            found.append(f"{where}: {entry['request_type']}: {e}")
    try:
        reply = json.loads(entry["reply"])
        if entry["status"] == 200:
            parse(entry["response_type"], reply)
        else:
            status = json_format.ParseDict(reply, status_pb2.Status())
            if status.code != entry["code"]:
                found.append(f"{where}: code {status.code} of the error is not {entry['code']}")
    except (json_format.ParseError, ValueError, KeyError) as e:
        found.append(f"{where}: reply: {e!r}")
    return found


def check_record(path):
    """(number of requests, violations) of a stand-in's record."""
    count, found = 0, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            count += 1
            found += violations(json.loads(line))
    return count, found
