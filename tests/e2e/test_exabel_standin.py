"""The Exabel stand-in as a tool of tests: how it starts, what goes wrong on demand, what can be read back. Its API: tests/conformance."""
import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error

import pytest
from exabel_standin import KEY, PROGRAM, Standin

COMPANY = "entityTypes/company/entities"
SERIES = f"{COMPANY}/F_1/signals/ns.dwell"
IMPORT = "/v1/signals/-/timeSeries:import"


@pytest.fixture
def standin(tmp_path):
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell") as standin:
        yield standin


def body(*names, points=1):
    listed = [{"name": n, "points": [{"time": f"2020-06-{d + 1:02}T00:00:00Z", "value": d} for d in range(points)]} for n in names]
    return {"statusInResponse": True, "updateOptions": {"allowMissing": True}, "timeSeries": listed}


def send(standin, *names):
    return standin.call("POST", IMPORT, body(*names))


def test_statuses_on_demand(standin):
    standin.ask("faults", [{"kind": "status", "count": 2, "retryAfter": 7}, {"kind": "status", "status": 503, "message": "later"}])
    connection = http.client.HTTPConnection(standin.url.removeprefix("http://"))
    for status, code, after in ((429, 8, "7"), (429, 8, "7"), (503, 14, None), (200, None, None)):
        connection.request("GET", "/v1/signals", headers={"x-api-key": KEY})
        reply = connection.getresponse()  # on the same connection each time
        value = json.loads(reply.read())
        assert (reply.status, value.get("code"), reply.headers["Retry-After"]) == (status, code, after)
    connection.close()
    assert [r["status"] for r in standin.requests()] == [429, 429, 503, 200]


def test_which_requests_fail(standin):
    standin.fault("status", status=500, match="import", skip=1, count=1)
    assert [send(standin, SERIES)[0], standin.call("GET", "/v1/signals")[0], send(standin, SERIES)[0], send(standin, SERIES)[0]] == [200, 200, 500, 200]
    standin.fault("status", status=500, count=-1)
    assert [send(standin, SERIES)[0] for _ in range(3)] == [500] * 3
    standin.reset()
    assert standin.loaded() == {} and send(standin, SERIES)[0] == 200


@pytest.mark.parametrize("kind, loaded", [("drop", False), ("drop_after", True)])
def test_broken_connections(standin, kind, loaded):
    standin.fault(kind)
    with pytest.raises((OSError, urllib.error.URLError, http.client.HTTPException)):
        send(standin, SERIES)
    assert (SERIES in standin.loaded()) == loaded
    assert send(standin, SERIES)[0] == 200


def test_cut_slow_and_garbage(standin):
    standin.fault("cut")
    with pytest.raises(http.client.IncompleteRead):
        standin.call("GET", "/v1/signals")
    standin.fault("slow", seconds=0.4)
    begin = time.monotonic()
    assert standin.call("GET", "/v1/signals")[0] == 200 and time.monotonic() - begin >= 0.4
    standin.fault("garbage", status=502)
    status, text = standin.open("/v1/signals", headers={"x-api-key": KEY})
    assert status == 502 and text.startswith(b"<html>")


def test_series_that_fail(standin):
    other = SERIES.replace("F_1", "F_2")
    standin.fault("series", name=SERIES, code=14, message="busy", count=1)
    status, reply = send(standin, SERIES, other)
    assert status == 200 and reply["responses"][0]["status"] == {"code": 14, "message": "busy"} and reply["responses"][1]["status"] == {}
    assert list(standin.loaded()) == [other]
    assert send(standin, SERIES)[1]["responses"][0]["status"] == {}


def test_wrong_controls_are_refused(standin):
    for value in ({"kind": "nothing"}, {"kind": "drop", "often": 1}, {"kind": "drop", "match": "("}, {"kind": "series"}, [7], 7):
        status, text = standin.open("/_standin/faults", value)
        assert status == 400 and b"error" in text, value
    assert standin.open("/_standin/nothing")[0] == 400


def test_read_back(standin):
    assert standin.call("POST", IMPORT, body(SERIES, points=2))[0] == 200
    assert standin.loaded() == {SERIES: {"2020-06-01": 0, "2020-06-02": 1}}
    status, text = standin.open("/_standin/series?format=csv")
    assert status == 200 and text.decode() == f"series;date;value\n{SERIES};2020-06-01;0\n{SERIES};2020-06-02;1\n"
    counts = standin.counts()
    assert (counts["points"], counts["series"], counts["requests"], counts["max_in_flight"]) == (2, 1, 1, 1)


def test_a_body_that_is_too_long(tmp_path):
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", "--max-request-bytes", "1000") as standin:
        assert send(standin, SERIES)[0] == 200
        connection = http.client.HTTPConnection(standin.url.removeprefix("http://"))
        connection.putrequest("POST", IMPORT)
        for name, value in (("x-api-key", KEY), ("Content-Type", "application/json"), ("Content-Length", "1001"), ("Expect", "100-continue")):
            connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        assert reply.status == 413 and json.loads(reply.read())["code"] == 8
        connection.close()


def test_many_at_once(standin):
    """Threads on one series lose no point."""
    def work(n):
        for day in range(5):
            point = {"time": f"2020-{n + 1:02}-{day + 1:02}T00:00:00Z", "value": n}
            assert standin.call("POST", IMPORT, {**body(), "timeSeries": [{"name": SERIES, "points": [point]}]})[0] == 200

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(standin.loaded()[SERIES]) == 40


def test_speed(tmp_path):
    """200,000 points must not be what a bench of the loader measures: two million take seconds."""
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", record=False) as standin:
        data = [json.dumps(body(*(f"{COMPANY}/F_{b}_{i}/signals/ns.dwell" for i in range(2500)), points=20)).encode() for b in range(4)]
        begin = time.monotonic()
        for one in data:
            assert standin.call("POST", IMPORT, one)[0] == 200
        assert time.monotonic() - begin < 10
        assert standin.counts()["points"] == 200000


def start(*words, env=None):
    return subprocess.run([sys.executable, PROGRAM, *words], env={"PATH": "/usr/bin:/bin", **(env or {})}, capture_output=True, text=True, timeout=30)


def test_how_it_starts(tmp_path):
    assert start().returncode == 2 and "no API key" in start().stderr
    key = {"EXABEL_STANDIN_KEY": KEY}
    assert start("--signal", "a-b.c", env=key).returncode == 2
    assert start("--entities", tmp_path / "none", env=key).returncode == 1
    (tmp_path / "bad.csv").write_text("name\nnobody\n")
    assert "nobody" in start("--entities", tmp_path / "bad.csv", env=key).stderr
    (tmp_path / "key").write_text(KEY + "\n")
    ready = tmp_path / "ready"
    process = subprocess.Popen([sys.executable, PROGRAM, "--key-file", tmp_path / "key", "--ready-file", ready], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        while not ready.exists():
            time.sleep(0.01)
        assert ready.read_text().strip() == url and url.startswith("http://127.0.0.1:")
        with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as f:
            assert KEY not in f.read()
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()
    assert os.listdir(tmp_path) and not [n for n in os.listdir(tmp_path) if n.endswith(".part")]
