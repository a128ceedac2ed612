"""load-timeseries, run by hand on folders and on the local S3 against the API's stand-in, whose store is read back."""
import gzip
import random

import pytest
from exabel_jobs import PREPARED, Bucket, Folder, load, put_series
from exabel_standin import KEY, Standin

COMPANY = "entityTypes/company/entities"
SMALL = f"entity;date;signal1\n{COMPANY}/A;2020-06-12;448\n{COMPANY}/A;2020-06-13;4736\n{COMPANY}/B;2020-06-12;-5\n"
SMALL_LOADED = {f"{COMPANY}/A/signals/ns.dwell": {"2020-06-12": 448, "2020-06-13": 4736}, f"{COMPANY}/B/signals/ns.dwell": {"2020-06-12": -5}}


@pytest.fixture
def standin(tmp_path):
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", "--signal", "ns.score", "--namespace", "ns") as standin:
        yield standin


@pytest.fixture
def store(tmp_path):
    return Folder(tmp_path / "store")


def imports(standin):
    return standin.requests("ImportTimeSeries")


# --- what is loaded ---
@pytest.mark.parametrize("signals", ["ns.dwell", "signals/ns.dwell", " ns.dwell "])
def test_loaded(tmp_path, store, standin, signals):
    put_series(store, SMALL)
    load(tmp_path, store, standin, signals=signals).ok()
    assert standin.loaded() == SMALL_LOADED
    # Again, with a change: dates that are there are overwritten, others stay.
    put_series(store, f"entity;date;signal1\n{COMPANY}/A;2020-06-13;1\n{COMPANY}/A;2020-06-14;2\n", "2026-11-21_18:00:00")
    load(tmp_path, store, standin, signals=signals).ok()
    assert standin.loaded()[f"{COMPANY}/A/signals/ns.dwell"] == {"2020-06-12": 448, "2020-06-13": 1, "2020-06-14": 2}


def test_on_s3(tmp_path, cloud, standin):
    store = Bucket(cloud)
    put_series(store, SMALL)
    store.put(PREPARED + "2026-11-21_18:00:00/", b"")
    load(tmp_path, store, standin).ok()
    assert standin.loaded() == SMALL_LOADED


def test_replies_with_defaults(tmp_path, store):
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", "--emit-defaults") as standin:
        put_series(store, SMALL)
        load(tmp_path, store, standin).ok()
        assert standin.loaded() == SMALL_LOADED


def test_several_signals(tmp_path, store, standin):
    put_series(store, f"entity;date;signal1;signal2\n{COMPANY}/A;2020-06-12;448;0.25\n{COMPANY}/A;2020-06-13;;1e-3\n{COMPANY}/B;2020-06-12;7;\n")
    load(tmp_path, store, standin, signals="ns.dwell,signals/ns.score").ok()
    assert standin.loaded() == {
        f"{COMPANY}/A/signals/ns.dwell": {"2020-06-12": 448}, f"{COMPANY}/A/signals/ns.score": {"2020-06-12": 0.25, "2020-06-13": 0.001},
        f"{COMPANY}/B/signals/ns.dwell": {"2020-06-12": 7},
    }


@pytest.mark.parametrize("signals", ["ns.dwell,ns.score", "ns.dwell,ns.dwell"])
def test_as_many_signals_as_columns(tmp_path, store, standin, signals):
    put_series(store, SMALL)
    result = load(tmp_path, store, standin, signals=signals)
    assert result.code in (1, 2), repr(result)
    assert standin.loaded() == {} and not imports(standin)


def test_two_columns_one_signal(tmp_path, store, standin):
    put_series(store, f"entity;date;signal1;signal2\n{COMPANY}/A;2020-06-12;448;1\n")
    result = load(tmp_path, store, standin)
    assert result.code in (1, 2) and "2" in result.stderr, repr(result)
    assert standin.loaded() == {} and not imports(standin)


def test_dates_and_values(tmp_path, store, standin):
    """All forms of a date; whole numbers beyond a double's, fractions, exponents; rows in any order; NaN is no value."""
    rows = [("2020/06/03", "1e3"), ("20200601", "9007199254740993"), ("2020-06-02T00:00:00Z", "-0.1"), ("2020-06-04 00:00", "NaN"),
            ("2020-06-05T00:00:00.000+00:00", "+5"), ("2000-02-29", "1.7976931348623157e308")]
    put_series(store, "entity;date;signal1\n" + "".join(f"{COMPANY}/A;{d};{v}\n" for d, v in rows))
    load(tmp_path, store, standin).ok()
    (points,) = standin.loaded().values()
    assert points == {
        "2000-02-29": 1.7976931348623157e308, "2020-06-01": 9007199254740992, "2020-06-02": -0.1, "2020-06-03": 1000,
        "2020-06-05": 5,
    }


def test_batches(tmp_path, store, standin):
    """Many series in requests of bounded size, several at a time; every point comes as it was, whatever its digits."""
    pick, want, lines = random.Random(5), {}, []
    for i in range(2500):
        name = f"{COMPANY}/F_{i:05}-E"
        points = {f"2020-{1 + d // 28:02}-{1 + d % 28:02}": round(pick.uniform(-1e6, 1e6), pick.randrange(9)) for d in range(pick.randrange(1, 80))}
        want[f"{name}/signals/ns.dwell"] = points
        lines += [f"{name};{day};{value!r}" for day, value in points.items()]
    put_series(store, "entity;date;signal1\n" + "\n".join(lines) + "\n")
    standin.fault("slow", seconds=0.3, count=2, match="import")  # so long that the next one comes meanwhile
    load(tmp_path, store, standin).ok()
    assert standin.loaded() == want
    sent = imports(standin)
    assert len(sent) > 1 and max(r["bytes"] for r in sent) < 4 << 20
    assert 1 < standin.counts()["max_in_flight"] <= 4
    assert standin.counts()["repeated_points"] == 0 and standin.counts()["points"] == len(lines), "each point is sent once"


def test_a_series_longer_than_a_batch(tmp_path, store, standin):
    days = [f"{y}-{m:02}-{d:02}" for y in range(1700, 2020) for m in range(1, 13) for d in range(1, 29)]
    put_series(store, "entity;date;signal1\n" + "".join(f"{COMPANY}/A;{day};{i}\n" for i, day in enumerate(days)))
    load(tmp_path, store, standin).ok()
    assert standin.loaded() == {f"{COMPANY}/A/signals/ns.dwell": {day: i for i, day in enumerate(days)}}
    assert len(imports(standin)) > 1


# --- bad input ---
def refused(tmp_path, store, standin, *texts, **more):
    result = load(tmp_path, store, standin, **more).fails(1, *texts)
    assert standin.loaded() == {} and not imports(standin), "nothing is sent of what is wrong"
    return result


def test_no_input(tmp_path, store, standin):
    refused(tmp_path, store, standin, "Could not find any input files to process")
    put_series(store, SMALL, filename="other.csv.gz")
    refused(tmp_path, store, standin, "Could not find any input files to process")


@pytest.mark.parametrize("row, texts", [
    ("{e};06/02/2020;1", ["row 3", "06/02/2020"]), ("{e};2020-06-31;1", ["row 3", "2020-06-31"]), ("{e};;1", ["row 3"]),
    ("{e};2020-06-14T10:00:00Z;1", ["row 3", "2020-06-14T10:00:00Z"]), ("{e};2020-06-14;x1", ["row 3", "x1"]), ("{e};2020-06-14;1,5", ["row 3", "1,5"]),
    ("{e};2020-06-14", ["row 3"]), ("{e};2020-06-14;1;2", ["row 3"]), (";2020-06-14;1", ["row 3"]), ("C;2020-06-14;1", ["row 3", "C"]),
    ("{e};2020-06-12;449", [COMPANY + "/A", "2020-06-12"]), ("{e};2020-06-14;inf", ["row 3", "inf"]), ("{e};2020-06-14;1e400", ["row 3", "1e400"]),
])
def test_bad_row(tmp_path, store, standin, row, texts):
    put_series(store, f"entity;date;signal1\n{COMPANY}/A;2020-06-12;448\n" + row.format(e=COMPANY + "/A") + f"\n{COMPANY}/B;2020-06-12;1\n")
    refused(tmp_path, store, standin, "timeseries.csv.gz", *texts)


def test_same_row_twice(tmp_path, store, standin):
    """Rows that say the same are one point; with --skip-validation two values of a day go as they are."""
    put_series(store, SMALL + f"{COMPANY}/A;2020-06-12;448\n")
    load(tmp_path, store, standin).ok()
    assert standin.loaded() == SMALL_LOADED
    put_series(store, SMALL + f"{COMPANY}/A;2020-06-12;449\n", "2026-11-21_18:00:00")
    load(tmp_path, store, standin, "--skip-validation", "true").ok()
    assert standin.loaded()[f"{COMPANY}/A/signals/ns.dwell"]["2020-06-12"] in (448, 449)


@pytest.mark.parametrize("text", ["", "entity;date\n", 'entity;date;signal1\n"x;2020-06-12;1\n'])
def test_no_table(tmp_path, store, standin, text):
    put_series(store, text)
    result = load(tmp_path, store, standin)
    assert result.code in (1, 2) and "timeseries.csv.gz" in result.stderr, repr(result)
    assert not imports(standin)


@pytest.mark.parametrize("cut", [10, 4000])
def test_a_gzip_cut_short(tmp_path, store, standin, cut):
    data = gzip.compress(("entity;date;signal1\n" + "".join(f"{COMPANY}/F_{i * 7919};2020-06-12;{i}\n" for i in range(9000))).encode())
    put_series(store, data[:-cut])
    refused(tmp_path, store, standin, "timeseries.csv.gz")


# --- signals ---
def test_unknown_signal(tmp_path, store, standin):
    put_series(store, SMALL)
    refused(tmp_path, store, standin, "ns.nope", signals="ns.nope")


@pytest.mark.parametrize("name", ["ns.9a", "ns.", "a b.c", "ns.a;b", "ns.a/b", ",", ""])
def test_no_signals_name(tmp_path, store, standin, name):
    put_series(store, SMALL)
    result = load(tmp_path, store, standin, signals=name)
    assert result.code in (1, 2) and " ERROR " in result.stderr, repr(result)
    assert standin.loaded() == {} and not imports(standin)


def test_create_missing_signals(tmp_path, store, standin):
    put_series(store, f"entity;date;signal1;signal2\n{COMPANY}/A;2020-06-12;1;2\n")
    load(tmp_path, store, standin, "--create-missing-signals", "false", signals="ns.new,ns.dwell").fails(1, "ns.new")
    assert "signals/ns.new" not in standin.ask("signals")["signals"]
    load(tmp_path, store, standin, "--create-missing-signals", "true", signals="ns.new,ns.dwell").ok()
    assert "signals/ns.new" in standin.ask("signals")["signals"]
    assert len(standin.requests("CreateSignal")) == 1
    assert standin.loaded() == {f"{COMPANY}/A/signals/ns.dwell": {"2020-06-12": 2}, f"{COMPANY}/A/signals/ns.new": {"2020-06-12": 1}}
    load(tmp_path, store, standin, "--create-missing-signals", "true", signals="other.new,ns.dwell").fails(1, "other.new")


def test_dry_run(tmp_path, store, standin):
    """Checks, tells what would be, sends nothing; a bad row fails here too."""
    put_series(store, SMALL)
    result = load(tmp_path, store, standin, "--dry-run", "true", "--create-missing-signals", "true", signals="ns.new").ok()
    assert "adding timeseries for signal signals/ns.new" in result.stdout and "series=2 points=3" in result.stdout, repr(result)
    assert {r["method"] for r in standin.requests()} <= {"GET"}, "it only reads"
    put_series(store, SMALL + f"{COMPANY}/A;never;1\n", "2026-11-21_18:00:00")
    load(tmp_path, store, standin, "--dry-run", "true").fails(1, "never", "row 5")


# --- keys ---
@pytest.mark.parametrize("key", [(), ("--exabel-api-key", ""), ("--exabel-api-key", KEY, "--exabel-api-key-secret", "s")])
def test_no_key_or_two(tmp_path, store, standin, key):
    put_series(store, SMALL)
    load(tmp_path, store, standin, key=key).fails(2, "exabel_api_key")
    assert standin.requests() == []


def test_wrong_key(tmp_path, store, standin):
    put_series(store, SMALL)
    result = load(tmp_path, store, standin, key=("--exabel-api-key", "wrong-key-5512")).fails(1, "403")
    assert "wrong-key-5512" not in result.stdout + result.stderr
    standin.fault("status", status=401, count=-1)
    load(tmp_path, store, standin).fails(1, "401")
    assert standin.loaded() == {}


def test_key_in_a_secret(tmp_path, cloud, standin):
    store = Bucket(cloud)
    cloud.client("secretsmanager").create_secret(Name="exabel-key", SecretString=KEY + "\n")
    put_series(store, SMALL)
    load(tmp_path, store, standin, key=("--exabel-api-key-secret", "exabel-key")).ok()
    assert standin.loaded() == SMALL_LOADED


# --- a service that fails ---
def many(count=300):
    return "entity;date;signal1\n" + "".join(f"{COMPANY}/F_{i:03};2020-06-{1 + d:02};{i + d}\n" for i in range(count) for d in range(3))


def all_loaded(count=300):
    return {f"{COMPANY}/F_{i:03}/signals/ns.dwell": {f"2020-06-{1 + d:02}": i + d for d in range(3)} for i in range(count)}


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 429, "count": 3}, {"kind": "status", "status": 429, "retryAfter": 1}, {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "count": 2}, {"kind": "status", "status": 504}, {"kind": "drop", "count": 2}, {"kind": "drop_after"},
    {"kind": "cut"}, {"kind": "garbage", "status": 502}, {"kind": "slow", "seconds": 2},
])
def test_tried_again(tmp_path, store, standin, fault):
    put_series(store, many())
    standin.ask("faults", {**fault, "match": "import"})
    result = load(tmp_path, store, standin).ok()
    assert standin.loaded() == all_loaded()
    if "retryAfter" in fault:
        assert result.seconds >= 1


@pytest.mark.parametrize("code", [8, 13, 14])
def test_series_tried_again(tmp_path, store, standin, code):
    """A status that may pass: that series is sent again, and no other."""
    put_series(store, many())
    names = [f"{COMPANY}/F_{i:03}/signals/ns.dwell" for i in (0, 150, 299)]
    standin.ask("faults", [{"kind": "series", "name": n, "code": code, "message": "busy", "count": 2} for n in names])
    load(tmp_path, store, standin).ok()
    assert standin.loaded() == all_loaded()
    assert standin.counts()["series_imported"] == 306


def test_some_series_fail(tmp_path, store, standin):
    """The others are loaded; the run fails and says which, and why."""
    put_series(store, many())
    names = [f"{COMPANY}/F_{i:03}/signals/ns.dwell" for i in (7, 200)]
    standin.ask("faults", [{"kind": "series", "name": n, "code": 3, "message": "no good here", "count": -1} for n in names])
    result = load(tmp_path, store, standin)
    assert result.code == 1 and all(n in result.stderr for n in names) and "no good here" in result.stderr, repr(result)
    assert f"{COMPANY}/F_008/" not in result.stderr
    assert standin.loaded() == {k: v for k, v in all_loaded().items() if k not in names}
    assert standin.counts()["series_imported"] == 300, "what is refused for good is not sent again"


def test_unknown_entity(tmp_path, store):
    entities = tmp_path / "entities.csv"
    entities.write_text(f"name\n{COMPANY}/A\n")
    with Standin(tmp_path, "--entities", entities, "--signal", "ns.dwell") as standin:
        put_series(store, SMALL + f"{COMPANY}/A;2020-07-01;5\n")
        result = load(tmp_path, store, standin)
        assert result.code == 1 and f"{COMPANY}/B/signals/ns.dwell" in result.stderr, repr(result)
        assert standin.loaded() == {f"{COMPANY}/A/signals/ns.dwell": {"2020-06-12": 448, "2020-06-13": 4736, "2020-07-01": 5}}


def test_most_series_fail(tmp_path, store, standin):
    put_series(store, many())
    standin.ask("faults", [
        {"kind": "series", "name": f"{COMPANY}/F_{i:03}/signals/ns.dwell", "code": 3, "message": "no good", "count": -1} for i in range(250)
    ])
    load(tmp_path, store, standin).fails(1, "no good")


@pytest.mark.parametrize("fault, text", [
    ({"kind": "status", "status": 503}, "503"), ({"kind": "status", "status": 400, "message": "no such thing"}, "no such thing"),
    ({"kind": "garbage", "status": 200}, "JSON"), ({"kind": "garbage", "status": 200, "body": '{"responses":[]}'}, ""), ({"kind": "drop"}, ""),
])
def test_given_up(tmp_path, store, standin, fault, text):
    put_series(store, SMALL)
    standin.ask("faults", {**fault, "count": -1, "match": "import"})
    load(tmp_path, store, standin, "--retries", "1").fails(1, text)


def test_memory_is_bounded(tmp_path, store):
    """A file of which a tenth would fill the run's memory, if it were kept."""
    with Standin(tmp_path, "--any-entity", "--signal", "ns.dwell", record=False) as standin:
        days = [f"2020-{1 + d // 28:02}-{1 + d % 28:02}" for d in range(100)]
        text = "".join("".join(f"{COMPANY}/F_{i:06};{day};{i * 100 + d}\n" for d, day in enumerate(days)) for i in range(5000))
        put_series(store, gzip.compress(("entity;date;signal1\n" + text).encode(), 1))
        result = load(tmp_path, store, standin, env={"GLUEPROJ_MEMORY_MB": "128", "GLUEPROJ_CPUS": "2"}, timeout=150).ok()
        assert standin.counts()["points"] == 500000 and standin.counts()["series"] == 5000
        assert result.max_rss_mb < 128, repr(result)
