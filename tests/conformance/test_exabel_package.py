"""The stand-in of the Exabel Data API against the package `exabel` from PyPI: routes, messages, and what it really answers."""
import importlib.metadata
import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "exabel")]

import exabel_package  # noqa: E402
import shapes  # noqa: E402
from exabel.util import resource_name_normalization  # noqa: E402
from exabel_standin import Standin  # noqa: E402
from service import SIGNAL  # noqa: E402

# Calls of the package's services that the stand-in leaves out: no step of the pipeline has a use for them.
LEFT_OUT = {
    "ListEntityTypes", "GetEntityType", "CreateEntityType", "UpdateEntityType", "DeleteEntityType", "DeleteEntities", "CreateEntity",
    "UpdateEntity", "DeleteEntity", "ListDerivedSignals", "FilterDerivedSignals", "GetDerivedSignal",
}
COMPANY = "entityTypes/company/entities"
SERIES = f"{COMPANY}/F_1/signals/ns.dwell"


def test_release():
    assert importlib.metadata.version("exabel") == "9.1.0"


def test_routes():
    mine = set(shapes.ROUTES)
    theirs = {r for r in exabel_package.routes() if r[3] not in LEFT_OUT}
    assert mine == theirs
    assert LEFT_OUT == {r[3] for r in exabel_package.routes()} - {r[3] for r in mine}


@pytest.mark.parametrize("name", [n for n in shapes.SCHEMA if n != "BatchDeletePointsOfOneRequest"])
def test_messages(name):
    assert shapes.SCHEMA[name] == exabel_package.schema(name)
    given = shapes.ONEOFS.get(name)
    assert exabel_package.oneofs(name) == ([given] if given else [])


@pytest.mark.parametrize("name", ["a", "A9_z", "x" * 128, "x" * 129, "9a", "", "a-b", "a.b", "_a", "\u00e5"])
def test_signal_names(name):
    try:
        resource_name_normalization.validate_signal_name(name)
        theirs = name.isascii()  # the package's \w takes any letter, the API's own rule does not
    except ValueError:
        theirs = False
    assert bool(SIGNAL.fullmatch(f"signals/ns.{name}")) == theirs


@pytest.fixture
def standin(tmp_path):
    entities = tmp_path / "entities.csv"
    rows = [f"{COMPANY}/F_{i},Company {i},XNAS,T{i},US{i},{i}-E,T{i} US,BBG{i},{i}0" for i in range(5)]
    rows.append(f"{COMPANY}/F_9,Twin,XNAS,T1,,,,,")
    entities.write_text("name,displayName,mic,ticker,isin,factset_identifier,bloomberg_ticker,figi,cusip\n" + "\n".join(rows) + "\n")
    with Standin(tmp_path, "--entities", entities, "--signal", "ns.dwell", "--signal", "ns.score") as standin:
        yield standin


def point(day, value, **more):
    return {"time": f"{day}T00:00:00Z", "value": value, **more}


def series(name=SERIES, *points):
    return {"name": name, "points": list(points)}


def load(standin, *listed, status=200, **options):
    body = {"timeSeries": list(listed), "statusInResponse": True, "updateOptions": {"allowMissing": True}, **options}
    code, reply = standin.call("POST", "/v1/signals/-/timeSeries:import", body)
    assert code == status, reply
    return [r["status"].get("code", 0) for r in reply["responses"]] if "responses" in reply else reply


def test_every_call_is_the_packages(standin):
    """Each route once, well and badly; the fixture's end checks every message against the package's."""
    search = {"terms": [{"field": "MIC", "query": "XNAS"}, {"field": "ticker", "query": "T1"}, {"field": "isin", "query": "US2"}]}
    code, reply = standin.call("POST", "/v1/entityTypes/company/entities:search", search)
    assert code == 200 and [len(r["entities"]) for r in reply["results"]] == [2, 1] and len(reply["entities"]) == 3
    for field, query in (("figi", "BBG3"), ("cusip", "30"), ("factset_identifier", "3-E"), ("bloomberg_ticker", "T3 US")):
        _, reply = standin.call("POST", "/v1/entityTypes/company/entities:search", {"terms": [{"field": field, "query": query}]})
        assert [e["name"] for e in reply["entities"]] == [f"{COMPANY}/F_3"]
    assert standin.call("GET", "/v1/entityTypes/company/entities?pageSize=4")[1]["nextPageToken"]
    assert standin.call("GET", f"/v1/{COMPANY}/F_1")[1]["displayName"] == "Company 1"
    assert standin.call("GET", f"/v1/{COMPANY}/F_77") == (404, {"code": 5, "message": f"Entity not found: '{COMPANY}/F_77'", "details": []})

    assert standin.call("GET", "/v1/namespaces")[1] == {"namespaces": [{"name": "namespaces/ns", "writeable": True}]}
    assert standin.call("POST", "/v1/signals?createLibrarySignal=true", {"name": "signals/ns.new", "displayName": "new"})[0] == 200
    assert standin.call("POST", "/v1/signals", {"name": "signals/ns.new", "displayName": "new"})[0] == 409
    assert standin.call("POST", "/v1/signals", {"name": "signals/other.new", "displayName": "new"})[0] == 403
    assert standin.call("PATCH", "/v1/signals/ns.new?updateMask=description", {"name": "signals/ns.new", "description": "d"})[0] == 200
    assert standin.call("PATCH", "/v1/signals/ns.none", {"name": "signals/ns.none", "displayName": "n"})[0] == 404
    assert standin.call("GET", "/v1/signals/ns.new")[1] == {"name": "signals/ns.new", "displayName": "new", "description": "d"}
    assert [s["name"] for s in standin.call("GET", "/v1/signals")[1]["signals"]] == ["signals/ns.dwell", "signals/ns.new", "signals/ns.score"]
    assert standin.call("DELETE", "/v1/signals/ns.new") == (200, {})
    assert standin.call("GET", "/v1/signals/ns.new")[0] == 404

    assert standin.call("PATCH", f"/v1/{SERIES}", series(SERIES, point("2020-06-12", 1)))[0] == 404
    units = {"units": [{"dimension": "DIMENSION_TIME", "unit": "s", "exponent": -1}], "multiplier": {"value": "1e3"}}
    body = {**series(SERIES, point("2020-06-12", 448), point("2020-06-14", "NaN")), "units": units}
    assert standin.call("POST", f"/v1/{SERIES}?insertOptions.defaultKnownTime.currentTime=true", body) == (200, {"name": SERIES, "units": units})
    assert standin.call("POST", f"/v1/{SERIES}", body)[0] == 409
    backwards = f"signals/ns.dwell/{COMPANY}/F_1"
    code, reply = standin.call("PATCH", f"/v1/{backwards}?view.timeRange.includeTo=true", series(backwards, point("2020-06-13", 0.5)))
    assert code == 200 and reply["name"] == SERIES
    assert reply["points"] == [point("2020-06-12", 448), point("2020-06-13", 0.5), point("2020-06-14", "NaN")]
    some = "view.timeRange.fromTime=2020-06-13T00:00:00Z&view.timeRange.toTime=2020-06-14T00:00:00Z"
    assert standin.call("GET", f"/v1/{SERIES}?{some}")[1]["points"] == [point("2020-06-13", 0.5)]
    assert standin.call("GET", f"/v1/{backwards}")[1] == {"name": SERIES, "units": units}
    for parent in (f"{COMPANY}/F_1", "signals/ns.dwell"):
        assert standin.call("GET", f"/v1/{parent}/timeSeries")[1] == {"timeSeries": [{"name": SERIES}], "totalSize": 1}

    gone = {"statusInResponse": True, "timeSeries": [series(SERIES, point("2020-06-12", 0)), series(SERIES.replace("F_1", "F_2"))]}
    code, reply = standin.call("POST", "/v1/signals/-/timeSeries/points:batchDelete", gone)
    assert code == 200 and [r["status"].get("code", 0) for r in reply["responses"]] == [0, 5]
    assert standin.call("POST", f"/v1/{SERIES}/points:batchDelete", {"timeRanges": [{"fromTime": "2020-06-14T00:00:00Z"}]}) == (200, {})
    assert standin.loaded() == {SERIES: {"2020-06-13": 0.5}}
    assert standin.call("DELETE", f"/v1/{SERIES}") == (200, {})
    assert standin.call("DELETE", f"/v1/{SERIES}")[0] == 404


def test_import(standin):
    second, nowhere, unknown = SERIES.replace("F_1", "F_2"), SERIES.replace("F_1", "F_404"), SERIES.replace("dwell", "nope")
    listed = [series(SERIES, point("2020-06-12", 1)), series(nowhere, point("2020-06-12", 1)), series(unknown, point("2020-06-12", 1)),
              series(second, point("2020-06-12", 2, knownTime="2020-06-15T00:00:00Z"), {"time": "2020-06-13T00:00:00Z"})]
    assert load(standin, *listed, insertOptions={"defaultKnownTime": {"timeOffset": "86400s"}}) == [0, 5, 5, 0]
    assert standin.loaded() == {SERIES: {"2020-06-12": 1}, second: {"2020-06-12": 2}}
    # All or nothing without statuses, and the first failures are told.
    code, reply = standin.call("POST", "/v1/signals/-/timeSeries:import", {"timeSeries": [series(SERIES, point("2020-06-12", 9)), listed[2]]})
    assert code == 400 and reply["code"] == 9 and reply["details"][0]["violations"][0]["subject"] == "signals/ns.nope"
    assert standin.loaded()[SERIES] == {"2020-06-12": 1}
    # Below a parent only.
    code, reply = standin.call("POST", f"/v1/{COMPANY}/F_1/timeSeries:import", {"statusInResponse": True, "timeSeries": listed[:1] + listed[3:]})
    assert code == 200 and [r["status"].get("code", 0) for r in reply["responses"]] == [0, 3]
    # What is there stays, unless it is to be replaced.
    assert load(standin, series(SERIES, point("2020-06-13", 5))) == [0]
    assert standin.loaded()[SERIES] == {"2020-06-12": 1, "2020-06-13": 5}
    assert load(standin, series(SERIES, point("2020-06-14", 6)), updateOptions={"replaceExistingTimeSeries": True}) == [0]
    assert standin.loaded()[SERIES] == {"2020-06-14": 6}
    assert load(standin, series(SERIES.replace("F_1", "F_3")), updateOptions={}) == [5]
    assert standin.counts()["max_in_flight"] == 1


def test_known_times(standin):
    """What was known when: the newest counts, and one can ask for what was known before."""
    for known, value in (("2020-07-02", 2), ("2020-07-01", 1)):
        options = {"insertOptions": {"defaultKnownTime": {"knownTime": f"{known}T12:00:00Z"}}}
        assert load(standin, series(SERIES, point("2020-06-12", value)), **options) == [0]
    assert standin.loaded()[SERIES] == {"2020-06-12": 2}
    view = "view.timeRange.includeTo=true&view.knownTime="
    assert standin.call("GET", f"/v1/{SERIES}?{view}2020-07-01T13:00:00Z")[1]["points"] == [point("2020-06-12", 1)]
    assert "points" not in standin.call("GET", f"/v1/{SERIES}?{view}2020-06-30T00:00:00Z")[1]


GOOD = '{"statusInResponse":true,"updateOptions":{"allowMissing":true},"timeSeries":[{"name":"%s","points":[%s]}]}'


@pytest.mark.parametrize("text, what", [
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","value":1,"known":1}'), "unknown field"),
    (GOOD % (SERIES, '{"time":"2020-06-12","value":1}'), "RFC 3339"),
    (GOOD % (SERIES, '{"time":"2020-06-31T00:00:00Z","value":1}'), "RFC 3339"),
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","value":"1"}'), "neither a number"),
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","value":true}'), "neither a number"),
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","value":NaN}'), "no JSON"),
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","value":1e999}'), "beyond a double"),
    (GOOD % (SERIES, '{"time":"2020-06-12T00:00:00Z","time":"2020-06-12T00:00:00Z"}'), "duplicate member"),
    (GOOD % (SERIES, '{"value":1}'), "no time"),
    (GOOD % (SERIES, "7"), "no object"),
    (GOOD[:-1] % (SERIES, ""), "not JSON"),
    ('{"timeSeries":[],"statusInResponse":true}', "no time series"),
    ('{"timeSeries":[{"name":"%s"}],"updateOptions":{"replaceKnownTime":true,"replaceExistingTimeSeries":true}}' % SERIES, "only one of"),
    ('{"parent":"signals/ns.x","timeSeries":[{"name":"%s"}]}' % SERIES, "not what the path says"),
    ("[]", "no JSON object"),
    ("", "not JSON"),
    ("\udcff", "not UTF-8"),
])
def test_strict(standin, text, what):
    code, reply = standin.call("POST", "/v1/signals/-/timeSeries:import", text.encode("utf-8", "surrogateescape"))
    assert code == 400 and reply["code"] == 3 and what in reply["message"], reply
    assert standin.loaded() == {}


@pytest.mark.parametrize("name, code", [
    (SERIES.replace("ns.dwell", "dwell"), 7), (SERIES.replace("ns.", "other."), 7), (SERIES.replace("ns.dwell", "ns.9a"), 3),
    (SERIES + "/x", 3), (SERIES.replace("F_1", "a b"), 3), (SERIES.replace("F_1", "b.F_1"), 3), ("", 3),
])
def test_names(standin, name, code):
    assert load(standin, series(name, point("2020-06-12", 1))) == [code]


def test_midnight(standin):
    noon = series(SERIES, {"time": "2020-06-12T12:00:00Z", "value": 1})
    shifted = series(SERIES, {"time": "2020-06-12T02:00:00+02:00", "value": 1})
    assert load(standin, noon, shifted) == [3, 0]
    assert standin.loaded() == {SERIES: {"2020-06-12": 1}}


def test_key_and_paths(standin):
    assert standin.call("GET", "/v1/namespaces", headers={"x-api-key": ""})[0] == 401
    code, reply = standin.call("GET", "/v1/namespaces", headers={"x-api-key": standin.key + "x"})
    assert code == 403 and reply["code"] == 7
    assert standin.call("GET", "/v1/nothing")[0] == 404
    assert standin.call("PUT", "/v1/signals", {})[1]["code"] == 12
    assert standin.call("GET", "/v1/signals?pageSize=1001")[0] == 400
    assert standin.call("GET", "/v1/signals?pageSize=1&pageSize=1")[0] == 400
    assert standin.call("GET", "/v1/signals?nothing=1")[0] == 400
    assert standin.call("POST", "/v1/signals", b"{}", headers={"Content-Type": "text/plain"})[0] == 400
    for terms in ([], [{"field": "ticker", "query": "C"}], [{"field": "mic", "query": "XNAS"}], [{"field": "isin", "query": ""}],
                  [{"field": "color", "query": "red"}], [{"query": "x"}]):
        assert standin.call("POST", "/v1/entityTypes/company/entities:search", {"terms": terms})[0] == 400
    assert not any(standin.key in str(r) for r in standin.requests())
    with open(standin.record, encoding="utf-8") as f:
        assert standin.key not in f.read()


def test_pages(tmp_path):
    signals = [f"ns.s{i:04}" for i in range(25)]
    with Standin(tmp_path, *(w for s in signals for w in ("--signal", s))) as standin:
        found, token = [], ""
        while True:
            page = standin.call("GET", f"/v1/signals?pageSize=10&pageToken={token}")[1]
            assert page["totalSize"] == 25
            found += [s["name"] for s in page["signals"]]
            token = page.get("nextPageToken")
            if not token:
                break
        assert found == [f"signals/{s}" for s in signals]
        assert standin.call("GET", "/v1/signals?pageToken=mine")[0] == 400


def test_defaults_in_replies(tmp_path, standin):
    """A gateway may write the members that have their default too; a client must take both."""
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", "--emit-defaults") as other:
        for s in (standin, other):
            s.call("POST", "/v1/signals/-/timeSeries:import", {"timeSeries": [series()], "updateOptions": {"allowMissing": True}})
        short, long = (s.call("GET", "/v1/signals/ns.dwell/timeSeries")[1] for s in (standin, other))
        assert short == {"timeSeries": [{"name": SERIES}], "totalSize": 1}
        assert long == {"timeSeries": [{"name": SERIES, "points": [], "readOnly": False}], "nextPageToken": "", "totalSize": 1}
        assert exabel_package.parse("ListTimeSeriesResponse", short) == exabel_package.parse("ListTimeSeriesResponse", long)


def test_a_wrong_message_is_found(tmp_path):
    """The check itself: what the package does not know must not pass."""
    entry = {"method": "GET", "path": "/v1/signals", "status": 200, "response_type": "ListSignalsResponse", "reply": '{"signal":[]}'}
    assert re.search("no field named .signal", exabel_package.violations(entry)[0])
    entry = {**entry, "reply": "{}", "request_type": "ImportTimeSeriesRequest", "request": {"time_serie": []}}
    assert "time_serie" in exabel_package.violations(entry)[0]
    entry = {"method": "GET", "path": "/v1/signals", "status": 404, "code": 5, "reply": '{"code":4,"message":""}'}
    assert "is not 5" in exabel_package.violations(entry)[0]
