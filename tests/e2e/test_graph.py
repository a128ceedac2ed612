"""graph: what it draws is read back.

dot's by Graphviz, out of its SVG, where each text stands as it shows; mermaid's by a strict reader here, and by mermaid itself in
tests/conformance/slow.
"""
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

import contract

ODD = [
    'say "hi"', "back\\slash\\", "a & b < c > d", "&lt; is no <", "1. first", "- dash", "# hash;", "`code` *bold* _em_",
    "tab\there", "ünï→漢字", "end", "style:#x;", "{}[]()|", "x" * 79,
]
SECRET = "hunter-22-of-graph"


def odd_machine():
    """One Pass after the other, each with an odd name; a Choice with odd rules; everything that has branches, with a Catch."""
    states = {name: {"Type": "Pass", "Next": after} for name, after in zip(ODD, ODD[1:])}
    states[ODD[-1]] = {"Type": "Pass", "Next": "Which?"}
    states["Which?"] = {
        "Type": "Choice", "Default": "Both", "Choices": [
            {"Variable": "$.a", "StringEquals": 'x"y', "Next": "Done"},
            {"And": [{"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.m"}, {"Not": {"Variable": "$.b", "IsPresent": True}}], "Next": "Broken"},
        ],
    }
    states["Both"] = {
        "Type": "Parallel", "Next": "Each", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Broken"}], "Branches": [
            {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
            {"StartAt": "Right", "States": {"Right": {"Type": "Wait", "Seconds": 7, "Next": "Right end"}, "Right end": {"Type": "Succeed"}}},
        ],
    }
    states["Each"] = {
        "Type": "Map", "MaxConcurrency": 4, "Next": "Done", "ItemProcessor": {
            "StartAt": "Load", "States": {"Load": {
                "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "load_job"}, "End": True,
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
            }},
        },
    }
    states["Done"] = {"Type": "Succeed"}
    states["Broken"] = {"Type": "Fail", "Error": "My.Error", "Cause": "because"}
    return {"StartAt": ODD[0], "States": states}


TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Password: {Type: String, NoEcho: true}
  Prefix: {Type: String, Default: my-}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: machine-role
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]
  Odd:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: odd
      RoleArn: !GetAtt Role.Arn
      Definition: %(odd)s
  Text:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: text
      RoleArn: !GetAtt Role.Arn
      DefinitionSubstitutions: {Job: !Sub "${Prefix}job", Secret: !Ref Password}
      DefinitionString: !Sub |
        {"StartAt": "Of ${AWS::AccountId}", "States": {"Of ${AWS::AccountId}": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
         "Parameters": {"JobName": "${!Job}", "Arguments": {"--password": "${!Secret}"}}, "End": true}}}
  File:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: file
      RoleArn: !GetAtt Role.Arn
      DefinitionSubstitutions: {Next: "Two \\"quoted\\""}
      DefinitionS3Location: machine.asl.json
  Yaml:
    Type: AWS::StepFunctions::StateMachine
    Properties: {StateMachineName: yaml, RoleArn: !GetAtt Role.Arn, DefinitionS3Location: machine.asl.yaml}
  Hidden:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: hidden
      RoleArn: !GetAtt Role.Arn
      DefinitionString: !Sub '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Password}", "End": true}}}'
"""
FLOW = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Job:
    Type: AWS::Glue::Job
    Properties:
      Name: load_job
      Role: !Sub "arn:aws:iam::${AWS::AccountId}:role/machine-role"
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: "s3://b/k.py"}
  Crawler:
    Type: AWS::Glue::Crawler
    Properties: {Name: crawl_it, Role: machine-role, DatabaseName: db, Targets: {S3Targets: [{Path: "s3://b/"}]}}
  Flow:
    Type: AWS::Glue::Workflow
    Properties: {Name: flow}
  Nightly:
    Type: AWS::Glue::Trigger
    Properties: {Name: nightly, Type: SCHEDULED, Schedule: "cron(0 2 * * ? *)", WorkflowName: !Ref Flow, Actions: [{JobName: load_job}]}
  Then:
    Type: AWS::Glue::Trigger
    Properties:
      Name: then
      Type: CONDITIONAL
      WorkflowName: !Ref Flow
      Predicate:
        Logical: ANY
        Conditions:
          - {LogicalOperator: EQUALS, JobName: load_job, State: SUCCEEDED}
          - {LogicalOperator: EQUALS, JobName: load_job, State: FAILED}
      Actions: [{CrawlerName: crawl_it}]
"""
FILE = '{"StartAt": "One", "States": {"One": {"Type": "Pass", "Next": "${Next}"}, "${Next}": {"Type": "Succeed"}}}'


@pytest.fixture
def graph(run_glueproj, tmp_path):
    """graph(*options) -> result; in a project with a workflow and machines of all kinds. No cloud is there to be asked."""
    for name, text in {
        "glueproj.yaml": "Project: drawn\nStacks: [machines, flow-stack]\n", "machines.yaml": TEMPLATE % {"odd": json.dumps(odd_machine())},
        "flow-stack.yaml": FLOW, "machine.asl.json": FILE,
        "machine.asl.yaml": "StartAt: In YAML\nStates:\n  In YAML: {Type: Wait, Seconds: 3, End: true}\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def run(*options, env=None):
        return run_glueproj("graph", *options, env={"GLUEPROJ_PARAM_Password": SECRET, **(env or {})})

    return run


SVG = "{http://www.w3.org/2000/svg}"


def shown(text):
    """{id: lines} of nodes, [(from, to, dashed, label)], titles of boxes: out of an SVG as Graphviz draws it."""
    nodes, edges, boxes = {}, [], []
    for group in ET.fromstring(text).iter(SVG + "g"):
        title = group.findtext(SVG + "title")
        lines = ["".join(t.itertext()).replace("\u00a0", " ") for t in group.findall(SVG + "text")]
        if group.get("class") == "node":
            nodes[title] = lines
        elif group.get("class") == "edge":
            dashed = any(p.get("stroke-dasharray") for p in group.iter(SVG + "path"))
            label = " ".join(lines).strip()
            edges.append((*title.split("->"), dashed, label) if title.count("->") == 1 else (title, None, dashed, label))
        elif group.get("class") == "cluster":
            boxes.append(lines)
    return nodes, edges, boxes


MERMAID_NODE = re.compile(r'(n\d+)(\["|\("|\{"|\(\["|\(\(")([^"]*)("\]|"\)|"\}|"\]\)|"\)\))(?::::(good|bad|faint))?')
MERMAID_EDGE = re.compile(r'(n\d+) (-->|-\.->)(?:\|"([^"]*)"\|)? (n\d+)')


def mermaid_label(text):
    assert not re.search(r"[<>#\\`*|{}\[\];]", re.sub(r"#\d+;|<br/>", "", text)), f"{text} is not escaped"
    return re.sub(r"#(\d+);", lambda m: chr(int(m[1])), text).split("<br/>")


def read_mermaid(text):
    """The same out of mermaid's words; every line must be one that this knows."""
    lines = text.splitlines()
    assert lines[0] in ("flowchart LR", "flowchart TB") and text.endswith("\n")
    nodes, edges, boxes, depth, ended = {}, [], [], 0, False
    for line in map(str.strip, lines[1:]):
        if m := MERMAID_NODE.fullmatch(line):
            assert m[1] not in nodes
            nodes[m[1]] = mermaid_label(m[3])
        elif m := MERMAID_EDGE.fullmatch(line):
            edges.append((m[1], m[4], m[2] == "-.->", " ".join(mermaid_label(m[3])) if m[3] else ""))
        elif m := re.fullmatch(r'subgraph box\d+\["([^"]+)"\]', line):
            boxes.append(mermaid_label(m[1]))
            depth += 1
        elif line == "end":
            depth -= 1
        else:
            assert re.fullmatch(r"classDef (good|bad|faint) [a-z-]+:[#0-9a-f]+", line), line
            ended = True
        assert depth >= 0 and (not ended or line.startswith("classDef"))
    assert not depth and all(end in nodes for e in edges for end in e[:2])
    return nodes, edges, boxes


def by_text(drawing):
    """Nodes and edges by what they show instead of their ids."""
    nodes, edges, _ = drawing
    return (
        sorted("\n".join(lines).strip() for lines in nodes.values()),
        sorted(("\n".join(nodes[a]).strip(), "\n".join(nodes[b]).strip(), dashed, label) for a, b, dashed, label in edges),
    )


needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")


def printable(name):
    return (name if len(name) <= 60 else name[:60] + "…").replace("\t", " ")


@needs_dot
def test_odd_names_show_as_they_are(graph):
    nodes, edges, boxes = shown(graph("odd", "--format", "svg").ok().stdout)
    first = {lines[0] if lines else "" for lines in nodes.values()}
    assert {printable(n) for n in ODD} <= first and {"Which?", "Both", "Left", "Right", "Each", "Load", "Done", "Broken", ""} <= first
    texts = {lines[0]: lines[1:] for lines in nodes.values() if lines}
    assert texts["Load"] == ["glue:startJobRun.sync", "load_job", "retried up to 2 times"] and texts["Each"] == ["Map, 4 at a time"]
    assert texts["Right"] == ["wait 7 s"] and texts["Broken"] == ["My.Error"] and texts["Both"] == ["Parallel"]
    assert len(boxes) == 4 and ["for each item"] in boxes
    labels = {label for *_, label in edges}
    assert labels == {"", r'$.a = "x\"y"', "$.n >= $.m and not $.b is present", "otherwise", "States.ALL"}
    assert [(a, b) for a, b, dashed, label in edges if dashed] == [("state Both/end", "state Broken")]
    named = {(a, b) for a, b, *_ in edges}
    assert {("start", "state " + ODD[0])} <= {(a, b) for a, b in named if b}
    assert ("state Both", "state Both/0/Left") in named and ("state Both/1/Right end", "state Both/end") in named
    assert ("state Each", "state Each/Load") in named and ("state Each/end", "state Done") in named
    assert not [a for a, _ in named if a in ("state Done", "state Broken")]
    assert len(edges) == 1 + len(ODD) + 3 + 5 + 2 + 2 + 1


@needs_dot
@pytest.mark.parametrize("what", ["odd", "Odd", "machines/Odd", "text", "file", "flow", "machines", "flow-stack/", None])
def test_mermaid_shows_what_dot_shows(graph, what):
    words = (what,) if what else ()
    svg, mermaid = (graph(*words, "--format", f).ok().stdout for f in ("svg", "mermaid"))
    # Graphviz cuts ids with "->" in two: such edges are compared by mermaid alone.
    assert by_text(shown(svg)) == by_text(read_mermaid(mermaid))
    both = contract.check(graph(*words, "--format", "mermaid", "--output", "json").ok()).json
    assert both["mermaid"] == mermaid and both["dot"] == graph(*words).ok().stdout == graph(*words, "--format", "dot").ok().stdout
    assert SECRET not in svg + mermaid + both["dot"]


def test_definitions_of_each_kind(graph):
    nodes, _, _ = read_mermaid(graph("text", "--format", "mermaid").ok().stdout)
    assert ["Of 000000000000", "glue:startJobRun.sync", "my-job"] in nodes.values()
    nodes, edges, _ = read_mermaid(graph("file", "--format", "mermaid").ok().stdout)
    assert {tuple(n) for n in nodes.values()} == {(" ",), ("One",), ('Two "quoted"',)} and len(edges) == 2
    nodes, edges, _ = read_mermaid(graph("yaml", "--format", "mermaid").ok().stdout)
    assert ["In YAML", "wait 3 s"] in nodes.values() and len(edges) == 2
    graph("hidden").fails(1, "state machine 'hidden': its definition hangs on a secret")
    assert SECRET not in repr(graph("hidden", "--output", "json").fails(1))


@needs_dot
def test_a_workflow(graph):
    nodes, edges, _ = shown(graph("flow", "--format", "svg").ok().stdout)
    assert nodes == {
        "trigger nightly": ["nightly", "cron(0 2 * * ? *)"], "job load_job": ["load_job", "job"], "trigger then": ["then", "when any"],
        "crawler crawl_it": ["crawl_it", "crawler"],
    }
    assert sorted(edges) == [
        ("job load_job", "trigger then", False, "SUCCEEDED"), ("job load_job", "trigger then", True, "FAILED"),
        ("trigger nightly", "job load_job", False, ""), ("trigger then", "crawler crawl_it", False, ""),
    ]


def test_the_whole_is_as_it_always_was(graph):
    text = graph().ok().stdout
    assert text.startswith("digraph glueproj {\n\trankdir=LR;\n\tnode [shape=box];\n") and text.endswith("}\n")
    assert '\t"machines/Odd" [label="Odd\\nAWS::StepFunctions::StateMachine"];\n\t"machines/Odd" -> "machines/Role";\n' in text
    assert graph("drawn").ok().stdout == text
    part = graph("flow-stack").ok().stdout
    assert '"flow-stack/Then"' in part and '"machines/Odd"' not in part and '"machines/Role" [label=' in part


def test_what_cannot_be_drawn(graph, tmp_path):
    result = graph("nothing", "--output", "json").fails(1, "no stack, workflow or state machine 'nothing'")
    assert {"machines", "flow", "odd"} <= set(re.split("[ ,]+", result.json["errors"][0]["hint"]))
    graph("--format", "png").fails(2, "none of dot, mermaid, svg")
    result = graph("--format", "svg", "--output", "json", env={"PATH": str(tmp_path)}).fails(1, "no 'dot' on PATH")
    assert result.json["errors"][0]["code"] == "NoGraphviz" and "apt-get install graphviz" in result.json["errors"][0]["hint"]
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho 'it will not' >&2\nexit 3\n", encoding="utf-8")
    fake.chmod(0o755)
    graph("--format", "svg", env={"PATH": f"{tmp_path}:/bin:/usr/bin"}).fails(1, "'dot' failed: it will not")
    (tmp_path / "machine.asl.json").unlink()
    graph("file").fails(2, "does not exist")


@needs_dot
def test_a_big_one(run_glueproj, tmp_path):
    """More text than a pipe holds, in both directions."""
    names = [f"State number {i} of many" for i in range(800)]
    states = {n: {"Type": "Pass", "Next": after} for n, after in zip(names, names[1:])}
    states[names[-1]] = {"Type": "Succeed"}
    (tmp_path / "glueproj.yaml").write_text("Project: big\nStacks: [m]\n", encoding="utf-8")
    template = {"Resources": {"Big": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
        "StateMachineName": "big", "RoleArn": "arn:aws:iam::000000000000:role/r", "Definition": {"StartAt": names[0], "States": states},
    }}}}
    (tmp_path / "m.yaml").write_text(json.dumps(template), encoding="utf-8")
    # dot's ranking of a chain is quick; what is tested is the pipe.
    dot = run_glueproj("graph", "big").ok().stdout
    assert len(dot) > 65536
    read = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True, check=True).stdout
    assert len(shown(run_glueproj("graph", "big", "--format", "svg").ok().stdout)[0]) == len(shown(read)[0]) == 801
