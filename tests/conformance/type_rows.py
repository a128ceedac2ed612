"""The rows and attributes of the resource types, as dump_rows.c prints them, and CloudFormation's own resource schemas, which come inside cfn-lint."""
import functools
import importlib.resources
import json
import os
import shlex
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GLUEPROJ_BUILD", os.path.join(ROOT, "build", "release"))
LAYERS = ["resource", "aws", "wire", "stack", "codec", "base"]
PACKAGES = ["libcurl", "openssl", "yaml-0.1", "libcjson", "libarchive", "libxml-2.0", "sqlite3", "zlib"]
SANITIZERS = {"san": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}

# enum field_kind and field_flags of schema.h
STRING, INTEGER, NUMBER, BOOL, JSON, OBJECT, LIST, MAP, TAGS, TAG_MAP = range(10)
F_REQUIRED, F_REPLACES, F_WRITE_ONLY, F_LOCAL, F_UNSUPPORTED = 1 << 0, 1 << 1, 1 << 5, 1 << 7, 1 << 9
# CloudFormation's type of each kind; numbers and truths may be written as text.
KINDS = {
    STRING: {"string"}, INTEGER: {"integer", "number"}, NUMBER: {"number", "integer"}, BOOL: {"boolean"}, JSON: {"object", "string"}, OBJECT: {"object"},
    LIST: {"array"}, MAP: {"object"}, TAGS: {"array"}, TAG_MAP: {"object", "array"},
}


@functools.lru_cache(maxsize=None)
def dumped():
    """({row: …}, {type: attributes})"""
    subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", "libresource"], check=True)
    include = [f for layer in ("base", "codec", "stack", "resource") for f in ("-iquote", f"{ROOT}/provision/{layer}")]
    archives = [f"{BUILD}/lib{layer}.a" for layer in LAYERS]
    libs = shlex.split(subprocess.check_output(["pkg-config", "--libs", *PACKAGES], text=True))
    extra = SANITIZERS.get(os.path.basename(BUILD), [])
    source = os.path.join(ROOT, "tests", "conformance", "dump_rows.c")
    with tempfile.TemporaryDirectory() as folder:
        tool = os.path.join(folder, "dump_rows")
        subprocess.run(["cc", "-D_GNU_SOURCE", *extra, *include, "-o", tool, source, *archives, *libs, "-lpthread", "-lm"], check=True)
        lines = [json.loads(line) for line in subprocess.check_output([tool], text=True).splitlines()]
    rows = {x["row"]: x for x in lines if "row" in x}
    assert len(rows) > 300
    return rows, {x["type"]: x["attributes"] for x in lines if "type" in x}


# --- CloudFormation's schemas ---
@functools.lru_cache(maxsize=None)
def schema(type_name):
    folder = importlib.resources.files("cfnlint") / "data" / "schemas"
    names = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    return json.loads((folder / "resources" / f"{names[type_name]}.json").read_text(encoding="utf-8"))


def resolved(root, node):
    while "$ref" in node:
        found = root
        for part in node["$ref"].lstrip("#/").split("/"):
            found = found[part]
        node = found
    return node


class Property:
    """One property path of a type: its schema node, and whether its object requires it."""

    def __init__(self, node, required):
        self.node, self.required = node, required

    @property
    def types(self):
        kind = self.node.get("type", [])
        return {kind} if isinstance(kind, str) else set(kind)

    def limits(self):
        """Least and most: of a number, of a text's length, of a list's items; None where there is none."""
        return tuple(next((self.node[k] for k in names if k in self.node), None) for names in (
            ("minLength", "minimum", "minItems"), ("maxLength", "maximum", "maxItems")))


@functools.lru_cache(maxsize=None)
def properties(type_name):
    """{path: Property}, paths with the type's name and dots, items of lists without an index."""
    root, found = schema(type_name), {}

    def walk(node, path, above):
        node = resolved(root, node)
        if id(node) in above:
            return
        parts = [node] + [resolved(root, p) for k in ("anyOf", "oneOf", "allOf") for p in node.get(k, [])]
        for part in parts:
            for name, child in part.get("properties", {}).items():
                child = resolved(root, child)
                found.setdefault(f"{path}.{name}", Property(child, name in node.get("required", [])))
                walk(child, f"{path}.{name}", above | {id(node)})
            if "items" in part:
                walk(part["items"], path, above | {id(node)})

    walk(root, type_name, frozenset())
    return found


# Read-only as a whole, where the schema lists single members.
READ_ONLY = {"AWS::RedshiftServerless::Workgroup": {"AWS::RedshiftServerless::Workgroup.Workgroup"}}


def listed(type_name, kind):
    """The paths under readOnlyProperties and the like, with the type's name."""
    whole = READ_ONLY.get(type_name, set()) if kind == "readOnlyProperties" else set()
    return whole | {f"{type_name}." + p.removeprefix("/properties/").replace("/*", "").replace("/", ".") for p in schema(type_name).get(kind, [])}


def within(path, paths):
    return any(path == p or path.startswith(p + ".") for p in paths)


def unsupported(type_name):
    rows, _ = dumped()
    return {p for p, r in rows.items() if p.startswith(type_name + ".") and r["flags"] & F_UNSUPPORTED}
