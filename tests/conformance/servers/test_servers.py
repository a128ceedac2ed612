"""All stacks against servers that others wrote: moto and ministack, and the local cloud beside them. One class of steps, in order, per server and project."""
import pytest

import life
import others
import readers

PROJECTS = life.projects()
CASES = [pytest.param(server, project, id=f"{server}-{project}") for server in others.SERVERS for project in PROJECTS]


@pytest.fixture(scope="module")
def lives(server_of):
    made = {}

    def get(server, project):
        if (server, project) not in made:
            made[server, project] = life.Life(server_of(server), project, PROJECTS[project])
        return made[server, project]

    yield get
    for one in made.values():
        one.close()


@pytest.fixture
def it(lives, request, server, project, record):
    """The life of this server and project; its steps go in order, and one that has failed ends it."""
    one = lives(server, project)
    step = request.node.get_closest_marker("step")
    record(one, step.args[0])
    missing = set(step.kwargs.get("after", ())) - one.done
    if missing:
        pytest.fail(f"not reached: {', '.join(sorted(missing))} failed", pytrace=False)
    yield one


def step(name, *after):
    return pytest.mark.step(name, after=after)


def resources(document):
    return [r for s in document["stacks"] for r in s["resources"]]


@pytest.mark.parametrize("server, project", CASES, scope="module")
class TestLife:
    @step("set-up")
    def test_set_up(self, it):
        made = it("setup").ok().json
        assert {r["status"] for r in resources(made)} == {"done"}
        assert {r["action"] for r in resources(made) if r["type"].startswith("AWS::")} == {"create"}
        it.take_ids(made)
        assert set(it.ids) == {(s.name, k) for s, k, _ in it.project.resources()}
        it.done.add("set-up")

    @step("read back", "set-up")
    def test_read_back(self, it):
        it.before = it.read_back()
        it.done.add("read back")

    @step("set-up", "set-up")
    def test_a_second_set_up_changes_nothing(self, it):
        it.long_form()
        again = it("setup").ok().json
        acted = {r["logical_id"]: r["action"] for r in resources(again) if r["action"] not in ("none", "start")}
        assert acted == {} and again["summary"]["created"] == 0
        assert it("plan", "--detailed-exitcode").ok().json["changes"] == []
        it.done.add("again")

    @step("read back", "set-up")
    def test_status_and_outputs(self, it):
        states = {(s["name"], r["logical_id"]): r["state"] for s in it("status").ok().json["stacks"] for r in s["resources"] if r["type"].startswith("AWS::")}
        assert states == {(s.name, k): "present" for s, k, _ in it.project.resources()}
        outputs = it("outputs").ok().json["outputs"]
        for stack in it.project.stacks:
            assert outputs.get(stack.name, {}) == stack.outputs(), stack.name

    @step("plan", "again")
    def test_a_change_is_planned_property_by_property(self, it):
        it.changed = it.change()
        planned = it("plan", "--detailed-exitcode")
        assert planned.code == (3 if it.changed else 0), repr(planned)
        found = {(c["stack"], c["logical_id"]): c for c in planned.json["changes"] if c["type"].startswith("AWS::")}
        assert set(found) == set(it.changed)
        for key, path in it.changed.items():
            assert found[key]["action"] == "update" and not found[key]["data_loss"], found[key]
            assert found[key]["properties"], found[key]
            paths = {p["path"] for p in found[key]["properties"]}
            paths = {p for p in paths if not it.excused(found[key]["type"], p)}
            assert paths and all(p.startswith(path) or path.startswith(p) for p in paths), f"{key}: {path}, and planned is {paths}"
        it.done.add("plan")

    @step("change", "plan")
    def test_the_change_is_made(self, it):
        made = it("setup").ok().json
        updated = {(s["name"], r["logical_id"]) for s in made["stacks"] for r in s["resources"] if r["action"] == "update"}
        assert updated == set(it.changed)
        it.load()
        it.bind_ids()
        it.standing = it.read_back()
        for key in set(it.before) - set(it.changed):
            kind, properties, _ = it.before[key]
            now = readers.lasting(it.standing[key][1])
            if kind == "AWS::IAM::Role":  # the documents of other resources' policies hang on it
                now.pop("Policies", None)
                properties = {k: v for k, v in properties.items() if k != "Policies"}
            assert now == readers.lasting(properties), f"{key} has changed too"
        it.done.add("change")

    @step("plan", "change")
    def test_nothing_is_planned_after_it(self, it):
        assert it("plan", "--detailed-exitcode").ok().json["changes"] == []

    @step("teardown", "set-up")
    def test_teardown_leaves_nothing(self, it):
        gone = it("teardown", "--yes").ok().json
        assert gone["left"] == []
        assert it.left() == []
        it.done.add("teardown")

    @step("teardown", "teardown")
    def test_a_second_teardown_finds_nothing(self, it):
        again = it("teardown", "--yes").ok().json
        assert again["left"] == [] and again["summary"]["deleted"] == 0

    @step("compare", "change", "teardown")
    def test_cloudformation_makes_the_same(self, it):
        nothing = readers.standing(it.reader)
        made, missing = it.create_stacks(it.standing)
        try:
            it.compare(it.standing, made, missing)
        finally:
            it.delete_stacks()
        assert it.left_by_stacks(nothing) == {}, "a deleted stack leaves what a teardown leaves: nothing"
