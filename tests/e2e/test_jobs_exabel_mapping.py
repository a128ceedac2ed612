"""mapping-prepare and entity-mapping, run by hand on folders and on the local S3 against the API's stand-in."""
import csv
import gzip
import io
import json
import subprocess
import time

import pytest
from exabel_jobs import (
    ENTITY_MAPPING, IDENTITIES, IDENTITIES_PREPARED, Bucket, Folder, entity_mapping, make_sample, mapping_prepare, only_key, output,
    put_identities,
)
from exabel_standin import KEY, Standin
from jobs import run_job
from oracle_exabel import Pipeline

COMPANY = "entityTypes/company/entities"
# What the stand-in finds: A on the first market, B on the second, C on the third, T twice on the first, Y once there and twice after.
ENTITIES = [
    {"name": f"{COMPANY}/F_A", "displayName": "A", "identifiers": [
        {"mic": "XNAS", "ticker": "A"}, {"isin": "US01"}, {"factset_identifier": "01-E"}, {"bloomberg_ticker": "A US"}, {"figi": "BBG01"},
        {"cusip": "0101"}]},
    {"name": f"{COMPANY}/F_B", "displayName": "B", "identifiers": [{"mic": "XNYS", "ticker": "B"}, {"isin": "US02"}]},
    {"name": f"{COMPANY}/F_C", "displayName": "C", "identifiers": [{"mic": "XASE", "ticker": "C"}]},
    {"name": f"{COMPANY}/F_T1", "displayName": "T1", "identifiers": [{"mic": "XNAS", "ticker": "T"}, {"isin": "US09"}]},
    {"name": f"{COMPANY}/F_T2", "displayName": "T2", "identifiers": [{"mic": "XNAS", "ticker": "T"}, {"isin": "US09"}]},
    {"name": f"{COMPANY}/F_T3", "displayName": "T3", "identifiers": [{"mic": "XNYS", "ticker": "T"}]},
    {"name": f"{COMPANY}/F_O", "displayName": "O", "identifiers": [{"mic": "XOSL", "ticker": "O"}]},
    {"name": f"{COMPANY}/F_NA", "displayName": "NA", "identifiers": [{"mic": "XNAS", "ticker": "NA"}]},
    {"name": f"{COMPANY}/F_7", "displayName": "007", "identifiers": [{"mic": "XNAS", "ticker": "007"}]},
    {"name": f"{COMPANY}/F_Q", "displayName": "Q", "identifiers": [{"mic": "XNAS", "ticker": 'Q"T'}]},
    {"name": f"{COMPANY}/F_S", "displayName": "S", "identifiers": [{"mic": "XNAS", "ticker": "IN;T"}]},
    {"name": f"{COMPANY}/F_U", "displayName": "U", "identifiers": [{"mic": "XNAS", "ticker": "\u00c5SA \u2603"}]},
]


@pytest.fixture
def entities(tmp_path):
    path = tmp_path / "entities.json"
    path.write_text(json.dumps(ENTITIES), encoding="utf-8")
    return path


@pytest.fixture
def standin(tmp_path, entities):
    with Standin(tmp_path, "--entities", entities, "--signal", "ns.dwell") as standin:
        yield standin


@pytest.fixture
def store(tmp_path):
    return Folder(tmp_path / "store")


def mapped(store):
    return output(store, ENTITY_MAPPING, "entity_mapping.csv")


def nothing_written(store, prefix):
    assert store.keys(prefix) == []


# --- mapping-prepare ---
def put_part(store, number, text, name=None):
    store.put(IDENTITIES + (name or f"run-1605895200000-part-r-{number:05}.gz"), gzip.compress(text.encode()))


def prepared(store):
    return output(store, IDENTITIES_PREPARED, "identities.csv.gz")


def test_prepare_to_the_letter(tmp_path, store):
    put_part(store, 0, 'ticker,market\nC,US\nHM-B,US\n"Q""T",US\nIN;T,US\n')
    put_part(store, 1, "ticker,market\n\u00c5SA \u2603,US\nNA,US\n007,US\n1E5,US\n\"A,B\",US\nC,US\n")
    mapping_prepare(tmp_path, store).ok()
    text = prepared(store)
    head, *lines = text.split("\n")
    assert head == "ticker;market" and lines.pop() == "", "one header, each line ends with \\n"
    # Separator ';', quotes only where they are needed, no line lost, none made one.
    assert sorted(lines) == sorted(
        ["C;US", "HM-B;US", '"Q""T";US', '"IN;T";US', "\u00c5SA \u2603;US", "NA;US", "007;US", "1E5;US", "A,B;US", "C;US"]
    )


def test_prepare_selects_by_name(tmp_path, store):
    put_part(store, 0, "market,x,ticker\nUS,1,C\nXOSL,2,O\n")
    mapping_prepare(tmp_path, store).ok()
    assert prepared(store) == "ticker;market\nC;US\nO;XOSL\n"


def test_prepare_on_s3(tmp_path, cloud):
    store = Bucket(cloud)
    for i in range(3):
        put_part(store, i, f"ticker,market\nT{i},US\n")
    store.put(IDENTITIES, b"")  # a folder's marker
    mapping_prepare(tmp_path, store).ok()
    assert sorted(prepared(store).split("\n")[1:-1]) == ["T0;US", "T1;US", "T2;US"]
    key = only_key(store, IDENTITIES_PREPARED, "identities.csv.gz")
    assert store.markers(IDENTITIES_PREPARED) == [key[: -len("identities.csv.gz")]]


def test_prepare_nulls(tmp_path, store):
    put_part(store, 0, "ticker,market\nC,\n,US\n")
    mapping_prepare(tmp_path, store).ok()
    assert sorted(prepared(store).split("\n")[1:-1]) in ([";US", "C;"], ["C;"])


def test_prepare_without_input(tmp_path, store):
    mapping_prepare(tmp_path, store).fails(1, IDENTITIES)
    nothing_written(store, IDENTITIES_PREPARED)


@pytest.mark.parametrize("data, texts", [
    (gzip.compress(b"ticker,market\n" + b"C,US\n" * 5000)[:-20], ["part-r-00001.gz"]),
    (gzip.compress(b"ticker,market\n" + b"C,US\n" * 5000)[:-3], ["part-r-00001.gz"]),
    (b"ticker,market\nC,US\n", ["part-r-00001.gz"]),
    (gzip.compress(b"name,market\nC,US\n"), ["ticker"]),
], ids=["half", "no end", "no gzip", "no ticker"])
def test_prepare_of_broken_input(tmp_path, store, data, texts):
    put_part(store, 0, "ticker,market\nC,US\n")
    store.put(IDENTITIES + "run-1605895200000-part-r-00001.gz", data)
    mapping_prepare(tmp_path, store).fails(1, *texts)
    nothing_written(store, IDENTITIES_PREPARED)


# --- entity-mapping ---
def test_tickers(tmp_path, store, standin):
    """Markets in their order, the first with a hit; each ticker is asked for once; rows in their order, what is dropped is told."""
    put_identities(store, "ticker;market\nC;US\nA;US\nT;US\nO;XOSL\nZ;US\nB;US\nA;US\nB;XNYS\nO;US\n")
    result = entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == (
        f"ticker;market;entity\nC;US;{COMPANY}/F_C\nA;US;{COMPANY}/F_A\nO;XOSL;{COMPANY}/F_O\nB;US;{COMPANY}/F_B\nB;XNYS;{COMPANY}/F_B\n"
    )
    said = result.stdout + result.stderr
    assert "Found 2 entities when searching for T on market XNAS - drop from mapping" in said, said
    for ticker in ("Z", "O"):
        assert f"Did not find entity for {ticker} in any market - dropping from mapping" in said, said
    # C 3, A 1, T 1, O 1, Z 3, B 2, B 1, O 3: a pair is never asked for twice within a market and ticker.
    assert 14 <= len(standin.requests("SearchEntities")) <= 15


def test_odd_tickers(tmp_path, store, standin):
    put_identities(store, 'ticker;market\nNA;US\n007;US\n"Q""T";US\n"IN;T";US\n\u00c5SA \u2603;US\n')
    entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == (
        f'ticker;market;entity\nNA;US;{COMPANY}/F_NA\n007;US;{COMPANY}/F_7\n"Q""T";US;{COMPANY}/F_Q\n"IN;T";US;{COMPANY}/F_S\n'
        f"\u00c5SA \u2603;US;{COMPANY}/F_U\n"
    )


@pytest.mark.parametrize("column, value", [
    ("isin", "US01"), ("factset_identifier", "01-E"), ("bloomberg_ticker", "A US"), ("figi", "BBG01"), ("cusip", "0101"),
])
def test_one_identifier(tmp_path, store, standin, column, value):
    put_identities(store, f"name;{column};ticker\nfirst;{value};x\nsecond;none;y\nthird;{value};z\n")
    result = entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == f"name;{column};ticker;entity\nfirst;{value};x;{COMPANY}/F_A\nthird;{value};z;{COMPANY}/F_A\n"
    assert f"Did not find entity for 'none' of type '{column}' - dropping from mapping" in result.stdout + result.stderr
    assert len(standin.requests("SearchEntities")) == 2, "each different identifier once"


def test_first_identifier_counts(tmp_path, store, standin):
    put_identities(store, "market;isin;cusip\nUS;US02;0101\nUS;US09;1\n")
    result = entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == f"market;isin;cusip;entity\nUS;US02;0101;{COMPANY}/F_B\n"
    assert "Found 2 entities when searching for 'US09' of type 'isin' - drop from mapping" in result.stdout + result.stderr


@pytest.mark.parametrize("defaults", [[], ["--emit-defaults"]])
def test_the_generated_sample(tmp_path, store, defaults):
    sample = make_sample(tmp_path / "sample", "--odd")
    want = Pipeline(sample, sample / "entities.json")
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\n").writerows([("ticker", "market"), *((t, "US") for t in sorted(want.tickers))])
    put_identities(store, out.getvalue())
    with Standin(tmp_path, "--entities", sample / "entities.json", *defaults) as standin:
        standin.fault("slow", seconds=0.3, count=6)  # so long that the next one comes meanwhile
        entity_mapping(tmp_path, store, standin).ok()
        assert 1 < standin.counts()["max_in_flight"] <= 100, "look-ups go in parallel"
    rows = list(csv.reader(io.StringIO(mapped(store)), delimiter=";"))
    assert rows[0] == ["ticker", "market", "entity"]
    assert [tuple(r) for r in rows[1:]] == [(t, "US", want.mapping[t]) for t in sorted(want.mapping)]


def test_newest_matching_file(tmp_path, cloud, standin):
    """The newest key that fits, over all pages; neither folder markers nor other files count."""
    store = Bucket(cloud)
    put_identities(store, "ticker;market\nB;US\n", "2026-11-19_18:00:00")
    time.sleep(1.1)  # S3 tells whole seconds
    put_identities(store, "ticker;market\nA;US\n", "2026-11-20_18:00:00")
    store.put(IDENTITIES_PREPARED + "2026-11-20_18:00:00/", b"")
    store.put(IDENTITIES_PREPARED + "2026-11-21_18:00:00/", b"")
    time.sleep(1.1)
    store.put(IDENTITIES_PREPARED + "2026-11-21_18:00:00/other.csv", b"x")
    entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == f"ticker;market;entity\nA;US;{COMPANY}/F_A\n"
    assert store.markers(ENTITY_MAPPING), "the run's folder is marked"


def test_newest_over_pages(tmp_path, cloud, standin):
    store = Bucket(cloud)
    put_identities(store, "ticker;market\nA;US\n", "2026-11-20_18:00:00")
    for i in range(1005):
        store.put(f"{IDENTITIES_PREPARED}0000-old/{i:04}", b"")
    entity_mapping(tmp_path, store, standin).ok()
    assert mapped(store) == f"ticker;market;entity\nA;US;{COMPANY}/F_A\n"


def test_no_input(tmp_path, store, standin):
    entity_mapping(tmp_path, store, standin).fails(1, "Could not find any input files to process")
    put_identities(store, "ticker;market\nA;US\n", filename="other.csv")
    entity_mapping(tmp_path, store, standin).fails(1, "Could not find any input files to process")
    nothing_written(store, ENTITY_MAPPING)
    assert standin.requests() == []


@pytest.mark.parametrize("text, texts", [
    ("name;market\nA;US\n", ["The input file does not have a valid id to map from.", "identities.csv.gz"]),
    ("ticker;market\nZ;US\nT;US\n", ["identities.csv.gz"]),
    ("ticker;market\n", ["identities.csv.gz"]),
    ("", ["identities.csv.gz"]),
    ("ticker;market\nA;US;x\n", ["identities.csv.gz", "row 2"]),
])
def test_nothing_to_map(tmp_path, store, standin, text, texts):
    put_identities(store, text)
    entity_mapping(tmp_path, store, standin).fails(1, *texts)
    nothing_written(store, ENTITY_MAPPING)


def test_a_gzip_cut_short(tmp_path, store, standin):
    data = gzip.compress(b"ticker;market\n" + b"".join(b"T%d;US\n" % i for i in range(3000)))
    store.put(f"{IDENTITIES_PREPARED}2026-11-20_18:00:00/identities.csv.gz", data[: len(data) // 2])
    entity_mapping(tmp_path, store, standin).fails(1, "identities.csv.gz")
    nothing_written(store, ENTITY_MAPPING)
    assert standin.requests() == []


# --- the key ---
@pytest.mark.parametrize("key, code", [((), 2), (("--exabel-api-key", ""), 2), (("--exabel-api-key", KEY, "--exabel-api-key-secret", "s"), 2)])
def test_no_key_or_two(tmp_path, store, standin, key, code):
    put_identities(store, "ticker;market\nA;US\n")
    entity_mapping(tmp_path, store, standin, key=key).fails(code, "exabel_api_key")
    assert standin.requests() == []


def test_wrong_key(tmp_path, store, standin):
    put_identities(store, "ticker;market\nA;US\nB;US\n")
    result = entity_mapping(tmp_path, store, standin, key=("--exabel-api-key", "wrong-key-5512")).fails(1, "403")
    assert "wrong-key-5512" not in result.stdout + result.stderr
    assert len(standin.requests()) <= 8, "a refusal is not tried again"
    nothing_written(store, ENTITY_MAPPING)
    standin.fault("status", status=401, count=-1)
    entity_mapping(tmp_path, store, standin).fails(1, "401")
    nothing_written(store, ENTITY_MAPPING)


def test_key_in_a_secret(tmp_path, cloud, standin):
    store = Bucket(cloud)
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="exabel-key", SecretString=KEY)
    secrets.create_secret(Name="binary", SecretBinary=b"\0\1")
    put_identities(store, "ticker;market\nA;US\n")
    entity_mapping(tmp_path, store, standin, key=("--exabel-api-key-secret", "exabel-key")).ok()
    assert mapped(store) == f"ticker;market;entity\nA;US;{COMPANY}/F_A\n"
    for name in ("none-such", "binary"):
        entity_mapping(tmp_path, store, standin, key=("--exabel-api-key-secret", name)).fails(1, name)


@pytest.mark.parametrize("host", ["http://data.api.example.com", "http://192.0.2.1:80", "ftp://127.0.0.1", "http://127.0.0.1.example.com"])
def test_the_key_never_goes_in_the_clear(tmp_path, store, host):
    put_identities(store, "ticker;market\nA;US\n")
    entity_mapping(tmp_path, store, host).fails(2, host)


# --- a service that fails ---
@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 429, "count": 3}, {"kind": "status", "status": 429, "retryAfter": 1}, {"kind": "status", "status": 500, "count": 2},
    {"kind": "status", "status": 503, "count": 2}, {"kind": "drop", "count": 2}, {"kind": "drop_after", "count": 1}, {"kind": "cut", "count": 1},
    {"kind": "garbage", "status": 502, "count": 1}, {"kind": "slow", "seconds": 2, "count": 1},
])
def test_tried_again(tmp_path, store, standin, fault):
    put_identities(store, "ticker;market\nA;US\nB;US\nC;US\n")
    standin.ask("faults", fault)
    result = entity_mapping(tmp_path, store, standin).ok()
    assert len(mapped(store).splitlines()) == 4
    if "retryAfter" in fault:
        assert result.seconds >= 1


@pytest.mark.parametrize("fault, text", [
    ({"kind": "status", "status": 503}, "503"), ({"kind": "status", "status": 400, "message": "no such thing"}, "no such thing"),
    ({"kind": "garbage", "status": 200}, "JSON"), ({"kind": "drop"}, ""),
])
def test_given_up(tmp_path, store, standin, fault, text):
    put_identities(store, "ticker;market\nA;US\nB;US\n")
    standin.ask("faults", {**fault, "count": -1})
    entity_mapping(tmp_path, store, standin).fails(1, text)
    nothing_written(store, ENTITY_MAPPING)


def test_nobody_listens(tmp_path, store, entities):
    put_identities(store, "ticker;market\nA;US\n")
    with Standin(tmp_path, "--entities", entities) as gone:
        url = gone.url
    entity_mapping(tmp_path, store, url).fails(1, url.rpartition("/")[2])
    nothing_written(store, ENTITY_MAPPING)


# --- https ---
def make_certificates(folder):
    """A test CA and a certificate for 127.0.0.1 that it signed."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=standin", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names",
            "-out", "server.pem")
    return "--tls-cert", folder / "server.pem", "--tls-key", folder / "server.key"


class Secure(Standin):
    """Over https only programs reach it; what it was asked stands in its record."""

    def recorded(self):
        try:
            with open(self.record, encoding="utf-8") as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_https(tmp_path, store, entities, variable):
    put_identities(store, "ticker;market\nA;US\n")
    with Secure(tmp_path, "--entities", entities, *make_certificates(tmp_path)) as standin:
        assert standin.url.startswith("https://")
        # Not without trust, and not under another's trust.
        entity_mapping(tmp_path, store, standin).fails(1, "ertificate")
        nothing_written(store, ENTITY_MAPPING)
        assert standin.recorded() == []
        # host:port without a scheme is https.
        entity_mapping(tmp_path, store, standin.url.removeprefix("https://"), env={variable: str(tmp_path / "ca.pem")}).ok()
        assert [r["status"] for r in standin.recorded()] == [200]
    assert mapped(store) == f"ticker;market;entity\nA;US;{COMPANY}/F_A\n"


def test_missing_arguments(tmp_path, store):
    for name in ("bucket", "input_key", "input_filename", "output_key", "output_filename"):
        words = {"bucket": store.place, "input_key": "a/", "input_filename": "b", "output_key": "c/", "output_filename": "d", "exabel_api_key": KEY}
        del words[name]
        run_job(tmp_path, "entity-mapping", *(w for k, v in words.items() for w in (f"--{k}", v))).fails(2, name)
