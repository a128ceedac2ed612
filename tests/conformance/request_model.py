"""Checks one AWS request, as bytes on the wire, against botocore's service models.

check(request) gives the operation and a list of violations: unknown or missing members, types, enums, patterns, lengths and
ranges, protocol headers, checksums; with a table of secret keys also the signature, computed by botocore's own signer.
"""
import base64
import binascii
import gzip
import hashlib
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.parsers
import botocore.session

# Signing name -> botocore's service name, where they are not the same.
SERVICES = {"states": "stepfunctions", "tagging": "resourcegroupstaggingapi", "monitoring": "cloudwatch"}
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# Headers of the protocol itself, that no S3 operation lists.
S3_GENERIC_HEADERS = {
    "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-decoded-content-length",
    "x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-te", "x-amz-s3session-token",
}
S3_GENERIC_QUERY = {"x-id"}
PRESIGNED = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"}
INTEGER_BITS = {"integer": 31, "long": 63}

session = botocore.session.get_session()
models = {}


class Request:
    """What was received: `target` is the request line's, `headers` pairs in their order, `body` bytes."""

    def __init__(self, method, target, headers, body=b""):
        self.method, self.target, self.body = method, target, body
        self.headers = [(n.lower(), v) for n, v in headers]
        self.header = dict(self.headers)
        parts = urlsplit(target)
        self.path, self.raw_query = parts.path, parts.query
        self.query = parse_qsl(parts.query, keep_blank_values=True)


class Verdict:
    def __init__(self, reply=False):
        self.service = self.operation = None
        self.reply = reply  # nothing found is an empty list there, whatever the member's least length
        self.violations = []

    def add(self, path, text):
        self.violations.append(f"{path}: {text}" if path else text)


def service_model(name):
    if name not in models:
        models[name] = session.get_service_model(name)
    return models[name]


# --- values ---
patterns = {}


def compiled(pattern):
    """A model's pattern (Java's dialect) as Python says it, for the whole text; None where it cannot."""
    if pattern not in patterns:
        text = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF").replace(r"[\w-_]", r"[\w\-_]")
        for java, python in ((r"\p{L}", r"\w"), (r"\p{Z}", r"\s"), (r"\p{N}", r"\d")):
            text = text.replace(java, python)
        try:
            patterns[pattern] = re.compile(text)
        except re.error:
            patterns[pattern] = None
    return patterns[pattern]


def check_text(shape, value, path, verdict):
    meta = shape.metadata
    if shape.enum and value not in shape.enum:
        verdict.add(path, f"{value!r} is not one of {shape.enum}")
    check_length(meta, len(value), path, verdict)
    pattern = compiled(meta["pattern"]) if meta.get("pattern") else None
    if pattern and not pattern.fullmatch(value):
        verdict.add(path, f"{value!r} does not match {meta['pattern']}")


def check_length(meta, length, path, verdict):
    if "min" in meta and length < meta["min"]:
        verdict.add(path, f"length {length} is less than {meta['min']}")
    if "max" in meta and length > meta["max"]:
        verdict.add(path, f"length {length} is more than {meta['max']}")


def check_number(shape, value, path, verdict):
    meta = shape.metadata
    bits = INTEGER_BITS.get(shape.type_name)
    if bits and not -(2**bits) <= value < 2**bits:
        verdict.add(path, f"{value} does not fit in {shape.type_name}")
    if "min" in meta and value < meta["min"]:
        verdict.add(path, f"{value} is less than {meta['min']}")
    if "max" in meta and value > meta["max"]:
        verdict.add(path, f"{value} is more than {meta['max']}")


def check_members(shape, present, path, verdict):
    """Required members that are missing, and unions."""
    for name in shape.required_members:
        if name not in present:
            verdict.add(path, f"required member '{name}' is missing")
    if shape.metadata.get("union") and len(present) != 1:
        verdict.add(path, f"a union has one member, not {len(present)}")


# --- text values: query parameters, headers, XML ---
def check_scalar_text(shape, text, path, verdict, timestamp="iso8601"):
    kind = shape.type_name
    if kind == "string":
        check_text(shape, text, path, verdict)
    elif kind in INTEGER_BITS:
        if re.fullmatch(r"-?\d+", text, re.ASCII):
            check_number(shape, int(text), path, verdict)
        else:
            verdict.add(path, f"{text!r} is no {kind}")
    elif kind in ("float", "double"):
        try:
            check_number(shape, float(text), path, verdict)
        except ValueError:
            verdict.add(path, f"{text!r} is no {kind}")
    elif kind == "boolean":
        if text not in ("true", "false"):
            verdict.add(path, f"{text!r} is no boolean")
    elif kind == "timestamp":
        check_time_text(shape, text, path, verdict, timestamp)
    elif kind == "blob":
        check_base64(text, path, verdict)
    else:
        verdict.add(path, f"a {kind} is no text")


def check_time_text(shape, text, path, verdict, default):
    form = shape.serialization.get("timestampFormat", default)
    known = {
        "iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "rfc822": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
        "unixTimestamp": r"\d+(\.\d+)?",
    }
    if not re.fullmatch(known[form], text, re.ASCII):
        verdict.add(path, f"{text!r} is no time in {form}")


def check_base64(text, path, verdict):
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        verdict.add(path, "no base64")


# --- JSON and CBOR values ---
def check_value(shape, value, path, verdict, flavor="json"):
    kind = shape.type_name
    if value is None:
        verdict.add(path, "null: leave the member out")
    elif kind == "structure":
        check_object(shape, value, path, verdict, flavor)
    elif kind == "list":
        if not isinstance(value, list):
            verdict.add(path, f"{type(value).__name__} is no list")
            return
        if value or not verdict.reply:
            check_length(shape.metadata, len(value), path, verdict)
        for i, item in enumerate(value):
            check_value(shape.member, item, f"{path}[{i}]", verdict, flavor)
    elif kind == "map":
        if not isinstance(value, dict):
            verdict.add(path, f"{type(value).__name__} is no map")
            return
        check_length(shape.metadata, len(value), path, verdict)
        for key, item in value.items():
            check_text(shape.key, key, f"{path} key {key!r}", verdict)
            check_value(shape.value, item, f"{path}.{key}", verdict, flavor)
    else:
        check_scalar_value(shape, value, path, verdict, flavor)


def check_object(shape, value, path, verdict, flavor):
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, dict):
        verdict.add(path, f"{type(value).__name__} is no structure")
        return
    names = {m.serialization.get("name", n) if flavor == "json" else n: n for n, m in shape.members.items()}
    for name, item in value.items():
        if name not in names:
            verdict.add(path, f"unknown member '{name}'")
        else:
            check_value(shape.members[names[name]], item, f"{path}.{name}".lstrip("."), verdict, flavor)
    check_members(shape, {names[n] for n in value if n in names}, path, verdict)


def check_scalar_value(shape, value, path, verdict, flavor):
    kind = shape.type_name
    expected = {
        "string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float),
        "blob": str if flavor == "json" else bytes, "timestamp": (int, float) if flavor == "json" else object,
    }[kind]
    if kind == "timestamp" and flavor == "json" and shape.serialization.get("timestampFormat", "unixTimestamp") != "unixTimestamp":
        expected = str
    if not isinstance(value, expected) or (isinstance(value, bool) and kind not in ("boolean", "timestamp")):
        verdict.add(path, f"{type(value).__name__} {value!r} is no {kind}")
    elif kind == "string":
        check_text(shape, value, path, verdict)
    elif kind in ("integer", "long", "float", "double"):
        check_number(shape, value, path, verdict)
    elif expected is str and kind == "timestamp":
        check_time_text(shape, value, path, verdict, "iso8601")
    elif kind == "blob" and flavor == "json":
        check_base64(value, path, verdict)
    elif kind == "blob":
        check_length(shape.metadata, len(value), path, verdict)


def no_twins(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member comes twice")
    return found


def check_json(request, model, target, verdict):
    prefix, _, name = target.rpartition(".")
    if prefix != model.metadata.get("targetPrefix"):
        verdict.add("X-Amz-Target", f"{prefix!r} is not {model.metadata.get('targetPrefix')!r}")
    if name not in model.operation_names:
        verdict.add("X-Amz-Target", f"'{name}' is no operation of {model.service_name}")
        return
    verdict.operation = name
    wanted = f"application/x-amz-json-{model.metadata['jsonVersion']}"
    if request.header.get("content-type") != wanted:
        verdict.add("Content-Type", f"{request.header.get('content-type')!r} is not {wanted!r}")
    if request.method != "POST" or request.path != "/" or request.raw_query:
        verdict.add("", f"{request.method} {request.target} is not POST /")
    try:
        plain = gzip.decompress(request.body) if request.header.get("content-encoding") == "gzip" else request.body
        value = json.loads(plain.decode("utf-8"), object_pairs_hook=no_twins)
    except (ValueError, OSError, EOFError) as e:
        verdict.add("body", f"no JSON: {e}")
        return
    shape = model.operation_model(name).input_shape
    if shape is not None:
        check_value(shape, value, "", verdict)
    elif value != {}:
        verdict.add("body", "the operation has no input")


def check_cbor(request, model, verdict):
    m = re.fullmatch(r"/service/([^/]+)/operation/([^/]+)", request.path)
    verdict.operation = m.group(2)
    if m.group(1) != model.metadata.get("targetPrefix") or m.group(2) not in model.operation_names:
        verdict.add("", f"{request.path} is no operation of {model.service_name}")
        return
    if request.method != "POST" or request.header.get("smithy-protocol") != "rpc-v2-cbor":
        verdict.add("", "RPC v2 is a POST with Smithy-Protocol: rpc-v2-cbor")
    shape = model.operation_model(m.group(2)).input_shape
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    value = parser.parse_data_item(io.BufferedReader(io.BytesIO(request.body))) if request.body else {}
    if shape is not None:
        check_value(shape, value, "", verdict, "cbor")


# --- query protocol ---
def check_query(request, model, verdict):
    kind = request.header.get("content-type", "").split(";")[0]
    if request.method == "POST":
        if kind != "application/x-www-form-urlencoded":
            verdict.add("Content-Type", f"{kind!r} is not 'application/x-www-form-urlencoded'")
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    else:
        pairs = [(k, v) for k, v in request.query if k not in PRESIGNED]
    left = dict(pairs)
    if len(left) != len(pairs):
        verdict.add("body", "a parameter comes twice")
    name, version = left.pop("Action", None), left.pop("Version", None)
    if version != model.api_version:
        verdict.add("Version", f"{version!r} is not {model.api_version!r}")
    if name not in model.operation_names:
        verdict.add("Action", f"{name!r} is no operation of {model.service_name}")
        return
    verdict.operation = name
    shape = model.operation_model(name).input_shape
    if shape is not None:
        check_query_value(shape, "", left, verdict)
    for key in left:
        verdict.add(key, "unknown parameter")


def check_query_value(shape, prefix, left, verdict):
    """Takes what belongs to the shape out of `left`; says whether there was anything."""
    kind = shape.type_name
    if kind == "structure":
        present = set()
        for name, member in shape.members.items():
            if check_query_value(member, joined(prefix, query_name(name, member)), left, verdict):
                present.add(name)
        if present or not prefix:
            check_members(shape, present, prefix, verdict)
        return bool(present)
    if kind == "list":
        return check_query_list(shape, prefix, left, verdict)
    if kind == "map":
        return check_query_map(shape, prefix, left, verdict)
    if prefix not in left:
        return False
    check_scalar_text(shape, left.pop(prefix), prefix, verdict)
    return True


def joined(prefix, name):
    return f"{prefix}.{name}" if prefix else name


def query_name(name, member):
    return member.serialization.get("name", name)


def check_query_list(shape, prefix, left, verdict):
    if left.get(prefix) == "":
        left.pop(prefix)
        check_length(shape.metadata, 0, prefix, verdict)
        return True
    flat = shape.serialization.get("flattened")
    stem = prefix if flat else joined(prefix, shape.member.serialization.get("name", "member"))
    n = 0
    while check_query_value(shape.member, f"{stem}.{n + 1}", left, verdict):
        n += 1
    if n:
        check_length(shape.metadata, n, prefix, verdict)
    return n > 0


def check_query_map(shape, prefix, left, verdict):
    stem = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
    key, value = (s.serialization.get("name", d) for s, d in ((shape.key, "key"), (shape.value, "value")))
    n = 0
    while check_query_value(shape.key, f"{stem}.{n + 1}.{key}", left, verdict):
        if not check_query_value(shape.value, f"{stem}.{n + 1}.{value}", left, verdict):
            verdict.add(f"{stem}.{n + 1}", "a key without a value")
        n += 1
    return n > 0


# --- REST with XML ---
def rest_routes(model):
    """[(method, pattern of the path, constants of the query, operation)]"""
    routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated:  # GetBucketLifecycle has the route of GetBucketLifecycleConfiguration
            continue
        path, _, query = operation.http["requestUri"].partition("?")
        pattern = "".join(
            part if not part.startswith("{") else f"(?P<{part[1:-1].rstrip('+')}>{'.+' if part.endswith('+}') else '[^/]+'})"
            for part in re.split(r"(\{[^}]+\})", path)
        )
        if pattern.endswith("(?P<Bucket>[^/]+)"):
            pattern += "/?"
        constants = dict(parse_qsl(query, keep_blank_values=True))
        routes.append((operation.http["method"], re.compile(pattern), constants, operation))
    return routes


def members_in(shape, location):
    if shape is None:
        return {}
    return {m.serialization.get("name", n): (n, m) for n, m in shape.members.items() if m.serialization.get("location") == location}


def find_rest_operation(request, model):
    """The operation with the most that the request has of it: constants, required query and header members."""
    if not hasattr(model, "rest_routes"):
        model.rest_routes = rest_routes(model)
    query, best = dict(request.query), None
    for method, pattern, constants, operation in model.rest_routes:
        m = pattern.fullmatch(request.path)
        if method != request.method or not m or any(query.get(k) != v for k, v in constants.items()):
            continue
        shape = operation.input_shape
        required = set(shape.required_members) if shape else set()
        needed = [k for k, (n, _) in members_in(shape, "querystring").items() if n in required]
        headers = [k.lower() for k, (n, _) in members_in(shape, "header").items() if n in required and k.lower() == "x-amz-copy-source"]
        if any(k not in query for k in needed) or any(k not in request.header for k in headers):
            continue
        score = 2 * len(constants) + 2 * len(needed) + len(headers) + (query.get("x-id") == operation.name)
        score -= 0.5 if operation.deprecated else 0  # PutBucketLifecycle has the route of its successor
        if best is None or score > best[0]:
            best = (score, operation, m.groupdict())
    return best


def check_rest_xml(request, model, verdict):
    if re.search(r"[^A-Za-z0-9._~!$&'()*+,;=:@/%-]", request.path) or re.search(r"%(?![0-9A-Fa-f]{2})", request.path):
        verdict.add("path", f"{request.path!r} is not percent-encoded")
    found = find_rest_operation(request, model)
    if not found:
        verdict.add("", f"{request.method} {request.target} is no operation of {model.service_name}")
        return
    _, operation, in_path = found
    verdict.operation = operation.name
    shape, present = operation.input_shape, set()
    if shape is None:
        check_no_body(request, verdict)
        return
    for wire, (name, member) in members_in(shape, "uri").items():
        if wire in in_path:
            present.add(name)
            check_scalar_text(member, unquote(in_path[wire]), wire, verdict)
    constants = dict(parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True))
    check_rest_query(request, shape, constants, present, verdict)
    check_rest_headers(request, shape, present, verdict)
    check_rest_body(request, operation, shape, present, verdict)
    check_members(shape, present, "", verdict)


def check_rest_query(request, shape, constants, present, verdict):
    known = members_in(shape, "querystring")
    for key, value in request.query:
        if key in known:
            name, member = known[key]
            present.add(name)
            member = member.member if member.type_name == "list" else member
            check_scalar_text(member, value, f"?{key}", verdict)
        elif key not in constants and key not in S3_GENERIC_QUERY and key not in PRESIGNED:
            verdict.add(f"?{key}", "unknown query parameter")


def check_rest_headers(request, shape, present, verdict):
    known = {k.lower(): v for k, v in members_in(shape, "header").items()}
    maps = {k.lower(): v for k, v in members_in(shape, "headers").items()}
    for key, value in request.headers:
        prefix = next((p for p in maps if p and key.startswith(p)), None)
        if key in known:
            name, member = known[key]
            present.add(name)
            if member.type_name == "list":
                for item in value.split(","):
                    check_scalar_text(member.member, item.strip(), key, verdict)
            else:
                check_scalar_text(member, value, key, verdict, "rfc822")
        elif prefix:
            present.add(maps[prefix][0])
        elif key.startswith("x-amz-") and key not in S3_GENERIC_HEADERS and not key.startswith("x-amz-checksum-"):
            verdict.add(key, "unknown header")


def check_no_body(request, verdict):
    if request.body:
        verdict.add("body", "the operation has no body")


def check_rest_body(request, operation, shape, present, verdict):
    payload = shape.serialization.get("payload")
    body_members = {n: m for n, m in shape.members.items() if "location" not in m.serialization}
    if payload and shape.members[payload].type_name != "structure":
        if request.body:
            present.add(payload)
    elif payload:
        member = shape.members[payload]
        if request.body:
            present.add(payload)
            check_document(request.body, member, member.serialization.get("name", payload), verdict)
    elif body_members and request.body:
        serialization = shape.serialization
        present.update(check_document(request.body, shape, serialization.get("name", operation.input_shape.name), verdict) or ())
    else:
        check_no_body(request, verdict)
    check_checksums(request, operation, verdict)


def check_document(body, shape, name, verdict):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as e:
        verdict.add("body", f"no XML: {e}")
        return None
    if root.tag != f"{{{S3_NAMESPACE}}}{name}":
        verdict.add("body", f"root element {root.tag!r} is not '{name}' of {S3_NAMESPACE}")
    return check_element(shape, root, name, verdict)


def local_name(tag):
    return tag.rpartition("}")[2]


def check_element(shape, element, path, verdict):
    """A structure's element; returns the members that are present."""
    found, present = {}, set()
    for child in element:
        found.setdefault(local_name(child.tag), []).append(child)
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue
        if member.serialization.get("xmlAttribute"):
            wire = member.serialization["name"].rpartition(":")[2]
            if any(local_name(k) == wire for k in element.attrib):
                present.add(name)
            continue
        flat = member.type_name in ("list", "map") and member.serialization.get("flattened")
        wire = member.serialization.get("name", name)
        children = found.pop(wire, [])
        if not children:
            continue
        present.add(name)
        if len(children) > 1 and not flat:
            verdict.add(f"{path}/{wire}", "comes more than once")
        check_xml_value(member, children, flat, f"{path}/{wire}", verdict)
    for wire in found:
        verdict.add(f"{path}/{wire}", "unknown element")
    if not any("location" in m.serialization for m in shape.members.values()):
        check_members(shape, present, path, verdict)
    return present


def check_xml_value(shape, elements, flat, path, verdict):
    if shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        items = elements if flat else [e for e in elements[0]]
        if items or not verdict.reply:
            check_length(shape.metadata, len(items), path, verdict)
        for i, e in enumerate(items):
            if not flat and local_name(e.tag) != item:
                verdict.add(path, f"'{local_name(e.tag)}' in a list of '{item}'")
            check_xml_value(shape.member, [e], False, f"{path}[{i}]", verdict)
    elif shape.type_name == "structure":
        check_element(shape, elements[0], path, verdict)
    elif shape.type_name == "map":
        check_xml_map(shape, elements if flat else list(elements[0]), path, verdict)
    else:
        if len(elements[0]):
            verdict.add(path, "elements inside a scalar")
        check_scalar_text(shape, elements[0].text or "", path, verdict)


def check_xml_map(shape, entries, path, verdict):
    key, value = (s.serialization.get("name", d) for s, d in ((shape.key, "key"), (shape.value, "value")))
    for i, entry in enumerate(entries):
        parts = {local_name(e.tag): e for e in entry}
        if set(parts) != {key, value}:
            verdict.add(f"{path}[{i}]", f"{sorted(parts)} in an entry of a map")
            continue
        check_scalar_text(shape.key, parts[key].text or "", f"{path}[{i}]", verdict)
        check_xml_value(shape.value, [parts[value]], False, f"{path}[{i}]", verdict)


def check_checksums(request, operation, verdict):
    md5 = request.header.get("content-md5")
    if md5 is not None and md5 != base64.b64encode(hashlib.md5(request.body).digest()).decode():
        verdict.add("content-md5", "is not that of the body")
    checksum = operation.http_checksum or {}
    needed = checksum.get("requestChecksumRequired") or operation.http_checksum_required
    if needed and md5 is None and not any(k.startswith("x-amz-checksum-") for k in request.header):
        verdict.add("", f"{operation.name} needs Content-MD5 or x-amz-checksum-*")


# --- signature ---
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


def check_signature(request, secrets, verdict):
    """Returns the signing name; compares the signature with botocore's when the key's secret is known."""
    text = request.header.get("authorization")
    if text is None:
        scope = dict(request.query).get("X-Amz-Credential", "").split("/")
        return scope[3] if len(scope) == 5 else None
    m = AUTHORIZATION.fullmatch(text)
    if not m:
        verdict.add("Authorization", "is not of the form that AWS documents")
        return None
    key, day, region, service, signed, signature = m.groups()
    names = signed.split(";")
    if names != sorted(set(names)) or "host" not in names:
        verdict.add("Authorization", "signed headers are sorted, each once, host among them")
    for name in request.header:
        if (name.startswith("x-amz-") or name == "content-type") and name not in names:
            verdict.add("Authorization", f"header '{name}' is not signed")
    if not request.header.get("x-amz-date", "").startswith(day):
        verdict.add("x-amz-date", "is not of the credential's day")
    check_payload_hash(request, service, verdict)
    if key in secrets and all(n in request.header for n in names):
        if expected_signature(request, names, secrets[key], key, region, service) != signature:
            verdict.add("Authorization", "the signature is not botocore's")
    return service


def check_payload_hash(request, service, verdict):
    stated = request.header.get("x-amz-content-sha256")
    if stated is None:
        if service == "s3":
            verdict.add("x-amz-content-sha256", "is missing")
    elif re.fullmatch("[0-9a-f]{64}", stated):
        if stated != hashlib.sha256(request.body).hexdigest():
            verdict.add("x-amz-content-sha256", "is not that of the body")
    elif not re.fullmatch("UNSIGNED-PAYLOAD|STREAMING-(UNSIGNED-PAYLOAD|AWS4-HMAC-SHA256-PAYLOAD)(-TRAILER)?", stated):
        verdict.add("x-amz-content-sha256", f"{stated!r} is not known")


def expected_signature(request, names, secret, key, region, service):
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    auth = signer(botocore.credentials.Credentials(key, secret), service, region)
    headers = {n: request.header[n] for n in names}
    url = f"http://{request.header.get('host', '')}{request.target}"
    copy = botocore.awsrequest.AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
    copy.context["timestamp"] = request.header.get("x-amz-date", "")
    text = auth.string_to_sign(copy, auth.canonical_request(copy))
    return auth.signature(text, copy)


def check(request, secrets=None):
    """The verdict on one request; `secrets` maps access keys to secret keys."""
    verdict = Verdict()
    name = check_signature(request, secrets or {}, verdict)
    if name is None:
        if "Action=AssumeRoleWithWebIdentity".encode() not in request.body:
            verdict.add("Authorization", "the request is not signed")
        name = "sts" if request.method == "POST" else "s3"
    verdict.service = SERVICES.get(name, name)
    try:
        model = service_model(verdict.service)
    except botocore.exceptions.UnknownServiceError:
        verdict.add("Authorization", f"'{name}' is no service")
        return verdict
    target = request.header.get("x-amz-target")
    if request.header.get("smithy-protocol"):
        check_cbor(request, model, verdict)
    elif target is not None:
        check_json(request, model, target, verdict)
    elif "query" in (model.metadata.get("protocols") or [model.protocol]):
        check_query(request, model, verdict)
    elif model.metadata["protocol"] == "rest-xml":
        check_rest_xml(request, model, verdict)
    else:
        verdict.add("", f"no known form of a request to {verdict.service}")
    return verdict
