"""extraction and timeseries-prepare, run by hand: tables of the local catalog in, data sets out, judged by the oracle."""
import csv
import gzip
import io
import os
import shutil

import pytest
from exabel_jobs import (
    ENTITY_MAPPING, EXTRACTED, IDENTITIES, PART, PREPARED, Bucket, Folder, entity_mapping, load, make_sample, mapping_prepare, only_key, output,
    put_mapping, run, timeseries_prepare,
)
from exabel_standin import Standin
from helpers import ROOT
from lake import crawl, make_role
from oracle_exabel import Pipeline
from oracle_sales import hive_escape

COMPANY = "entityTypes/company/entities"
DATABASE, SOURCE = "exabel", "exabel-source"
TABLES = {
    "chain_tickers": ["last_updated_dt", "chainid", "chainname", "ticker", "data:bigint"],
    "chain_venues": ["venueid", "chainid", "chainname", "data:bigint"],
    "data_set": ["venueid", "utc_date", "gender", "age", "score:double", "dwell:bigint"],
}
FILES = {"chain_tickers": "chain_tickers.csv", "chain_venues": "chain_venues.csv", "data_set": "rvf_sample.csv"}
TICKERS = "last_updated_dt;chainid;chainname;ticker;data\n2020-06-23;c1;One;C;1\n2020-06-23;c2;Two;M;1\n"
VENUES = "venueid;chainid;chainname;data\nv1;c1;One;1\nv2;c2;Two;1\n"
VISITS = "venueid;utc_date;gender;age;score;dwell\nv1;2020-06-02;Male;Age;1.5;10\nv2;2020-06-02;Male;Age;2.5;20\nv1;2020-06-02;Male;Age;0.25;5\n"


class Source:
    """The three tables of a catalog, over objects of a bucket."""

    def __init__(self, cloud):
        self.cloud, self.s3, self.glue = cloud, cloud.client("s3"), cloud.client("glue")
        self.bucket = Bucket(cloud, SOURCE)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})

    def key(self, table, name="data.csv"):
        return f"in/{table}/{name}"

    def put(self, table, data, name="data.csv"):
        self.s3.put_object(Bucket=SOURCE, Key=self.key(table, name), Body=data if isinstance(data, bytes) else data.encode())

    def define(self, table, columns=None, delimiter=";", name=None):
        columns = [c.partition(":") for c in columns or TABLES[table]]
        self.glue.create_table(DatabaseName=DATABASE, TableInput={
            "Name": f"sample_{name or table}", "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "csv", "delimiter": delimiter, "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Columns": [{"Name": n, "Type": t or "string"} for n, _, t in columns], "Location": f"s3://{SOURCE}/in/{table}/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                    "Parameters": {"separatorChar": delimiter, "quoteChar": '"', "escapeChar": '"'},
                },
            },
        })

    def fill(self, tickers=TICKERS, venues=VENUES, visits=VISITS):
        for table, data in zip(TABLES, (tickers, venues, visits)):
            self.define(table)
            if data is not None:
                self.put(table, data)
        return self

    def fill_from(self, folder):
        return self.fill(*((open(os.path.join(str(folder), FILES[t]), encoding="utf-8").read()) for t in TABLES))

    def crawl(self, folder):
        """As set-up does: the files under their folders, and a crawler."""
        for table, file in FILES.items():
            path = os.path.join(str(folder), file)
            self.s3.upload_file(path, SOURCE, f"data/sample-input/{table.replace('_', '-')}/{file}")
        self.glue.create_crawler(
            Name="c", Role=make_role(self.cloud), DatabaseName=DATABASE, TablePrefix="sample_",
            Targets={"S3Targets": [{"Path": f"s3://{SOURCE}/data/sample-input"}]},
        )
        assert crawl(self.glue, "c")["Status"] == "SUCCEEDED"
        return self


@pytest.fixture
def source(cloud):
    return Source(cloud)


@pytest.fixture
def store(tmp_path, source):
    """The output is a folder, the catalog that of the cloud."""
    store = Folder(tmp_path / "store")
    store.env = source.bucket.env
    return store


def extraction(tmp, store, *words, **more):
    return run(tmp, store, "extraction", "--database-name", DATABASE, "--database-table-prefix", "sample_", *words, **more)


def csv_rows(text, delimiter):
    return list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))


def identities(store):
    """The tickers, in whatever order, of however many parts."""
    found = []
    for key in store.keys(IDENTITIES):
        assert PART.fullmatch(key[len(IDENTITIES) :]), key
        head, *rows = csv_rows(gzip.decompress(store.read(key)).decode(), ",")
        assert head == ["ticker", "market"] and all(r[1] == "US" for r in rows)
        found += [r[0] for r in rows]
    return found


def extracted(store, number=1):
    """{(folder's ticker, date): [text…]}"""
    found = {}
    for key in store.keys(EXTRACTED + "/"):
        folder, name = key[len(EXTRACTED) + 1 :].split("/")
        assert folder.startswith("ticker=") and PART.fullmatch(name), key
        text = gzip.decompress(store.read(key)).decode()
        head, *rows = csv_rows(text, ",")
        assert head == ["date", *(f"signal{i + 1}" for i in range(number)), "market"]
        assert text.endswith("\n") and "\r" not in text
        for row in rows:
            assert row[-1] == "US" and (folder[7:], row[0]) not in found, row
            found[folder[7:], row[0]] = row[1:-1]
    return found


def check(store, want):
    assert sorted(t for t in identities(store) if t) == sorted(want.tickers)
    found = extracted(store, len(want.columns))
    assert set(found) == {(hive_escape(t), day) for t, day in want.extracted}
    for (ticker, day), sums in want.extracted.items():
        for text, value, column in zip(found[hive_escape(ticker), day], sums, want.columns):
            if value is None:
                assert text == ""
            elif column == "score":
                assert float(text) == pytest.approx(value, rel=1e-12)
            else:
                assert text == str(value)


def nothing_written(store):
    assert store.keys("data/") == []


# --- extraction ---
@pytest.mark.parametrize("columns", [["dwell"], ["dwell", "score"], ["score"]])
def test_extraction(tmp_path, store, source, columns):
    sample = make_sample(tmp_path / "sample", "--odd")
    source.fill_from(sample)
    words = [] if columns == ["dwell"] else ["--signal-columns", ",".join(columns)]
    extraction(tmp_path, store, *words).ok()
    check(store, Pipeline(sample, columns=columns))


def test_extraction_of_crawled_tables_on_s3(tmp_path, cloud, source):
    sample = make_sample(tmp_path / "sample")
    source.crawl(sample)
    store = Bucket(cloud)
    extraction(tmp_path, store).ok()
    check(store, Pipeline(sample))


def test_extraction_replaces(tmp_path, store, source):
    """The second run's data sets are all there is, however many parts the first had."""
    source.fill()
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-02"): ["15"], ("M", "2020-06-02"): ["20"]}
    source.put("data_set", "venueid;utc_date;gender;age;score;dwell\nv1;2020-06-03;Male;Age;1;7")
    source.put("chain_tickers", "last_updated_dt;chainid;chainname;ticker;data\n2020-06-23;c1;One;C;1")
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-03"): ["7"]} and identities(store) == ["C"]


def test_many_files_and_gzip(tmp_path, store, source):
    """A table is all objects below its location, each with its header; folder markers and empty ones do not count."""
    source.fill(visits=None)
    lines = VISITS.splitlines()
    source.put("data_set", "\n".join(lines[:2]), "a.csv")
    source.put("data_set", gzip.compress(("\r\n".join([lines[0], *lines[2:]]) + "\r\n").encode()), "deep/er/b.csv.gz")
    for name in ("", "empty.csv", "_SUCCESS", ".hidden"):
        source.put("data_set", b"" if name in ("", "empty.csv") else b"x", name)
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-02"): ["15"], ("M", "2020-06-02"): ["20"]}


def test_joins(tmp_path, store, source):
    """Many to many multiplies, null keys never match, an inner join keeps what has both sides, sums leave nulls out."""
    source.fill(
        TICKERS + "2020-06-24;c1;One;C2;1\n2020-06-24;c1;One;C;1\n2020-06-24;;None;X;1\n2020-06-24;c9;Nine;N;1\n",
        VENUES + "v1;c2;Two;1\nv3;;Three;1\n;c1;None;1\nv5;c5;Five;1\n",
        VISITS + ";2020-06-02;Male;Age;1;1000\nv3;2020-06-02;Male;Age;1;1000\nv4;2020-06-02;Male;Age;1;1000\nv2;2020-06-02;Male;Age;1;\n",
    )
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-02"): ["30"], ("C2", "2020-06-02"): ["15"], ("M", "2020-06-02"): ["35"]}
    assert sorted(identities(store)) == ["C", "C2", "M", "N", "X"]


def test_other_columns_and_delimiter(tmp_path, store, source):
    """Columns by name, in whatever order the catalog or a file has them, delimiters as the catalog says."""
    source.define("chain_tickers", ["ticker", "chainid"], ",")
    source.put("chain_tickers", "chainid,ticker\nc1,C\n")
    source.define("chain_venues", ["chainid", "venueid", "more"], "|")
    source.put("chain_venues", "chainid|venueid|more\nc1|v1|x\n")
    source.define("data_set", ["dwell:bigint", "utc_date", "venueid"], "\t")
    source.put("data_set", "dwell\tutc_date\tvenueid\n5\t2020/06/02\tv1\n6\t20200602\tv1\n")
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-02"): ["11"]}


def test_64_bits(tmp_path, store, source):
    most = 2**63 - 1
    source.fill(visits=f"venueid;utc_date;gender;age;score;dwell\nv1;2020-06-02;M;A;1;{most - 1}\nv1;2020-06-02;M;A;1;1\n")
    extraction(tmp_path, store).ok()
    assert extracted(store) == {("C", "2020-06-02"): [str(most)]}
    source.put("data_set", f"venueid;utc_date;gender;age;score;dwell\nv1;2020-06-02;M;A;1;{most}\nv1;2020-06-02;M;A;1;1\n")
    extraction(tmp_path, store).fails(1)
    assert extracted(store) == {("C", "2020-06-02"): [str(most)]}, "what was there stays when a run fails"


@pytest.mark.parametrize("table, data, texts", [
    ("data_set", VISITS + "v1;06/02/2020;M;A;1;1\n", ["data.csv", "row 5", "06/02/2020"]),
    ("data_set", VISITS + "v1;2020-06-31;M;A;1;1\n", ["data.csv", "row 5", "2020-06-31"]),
    ("data_set", VISITS + "v1;2020-06-02T10:00:00;M;A;1;1\n", ["data.csv", "row 5", "2020-06-02T10:00:00"]),
    ("data_set", VISITS + "v1;;M;A;1;1\n", ["data.csv", "row 5"]),
    ("data_set", VISITS + "v1;2020-06-02;M;A;1;1.5x\n", ["data.csv", "row 5", "1.5x"]),
    ("data_set", VISITS + "v1;2020-06-02;M;A;1;99999999999999999999\n", ["data.csv", "row 5", "99999999999999999999"]),
    ("data_set", None, ["sample_data_set"]),
    ("chain_tickers", None, ["sample_chain_tickers"]),
])
def test_bad_data(tmp_path, store, source, table, data, texts):
    source.fill()
    if data is None:
        source.bucket.delete("in/" + table)
        result = extraction(tmp_path, store)
        assert result.code == 1 and all(t in result.stderr for t in texts), repr(result)
    else:
        source.put(table, data)
        extraction(tmp_path, store).fails(1, *texts)
    nothing_written(store)


def test_a_table_with_a_header_only(tmp_path, store, source):
    source.fill(visits=VISITS.splitlines()[0] + "\n")
    result = extraction(tmp_path, store)
    assert result.code == 1 and "sample_data_set" in result.stderr, repr(result)
    nothing_written(store)


def test_nothing_joins(tmp_path, store, source):
    source.fill(venues="venueid;chainid;chainname;data\nv9;c9;Nine;1\n")
    result = extraction(tmp_path, store)
    assert result.code == 1 and " ERROR " in result.stderr, repr(result)
    nothing_written(store)


def test_no_table(tmp_path, store, source):
    for table in ("chain_tickers", "chain_venues"):
        source.define(table)
        source.put(table, {"chain_tickers": TICKERS, "chain_venues": VENUES}[table])
    extraction(tmp_path, store).fails(1, "sample_data_set")
    nothing_written(store)
    run(tmp_path, store, "extraction", "--database-name", "none-such", "--database-table-prefix", "sample_").fails(1, "none-such")


@pytest.mark.parametrize("table, column", [("chain_tickers", "ticker"), ("chain_venues", "chainid"), ("data_set", "utc_date"), ("data_set", "dwell")])
def test_no_column(tmp_path, store, source, table, column):
    for t, data in zip(TABLES, (TICKERS, VENUES, VISITS)):
        source.define(t, [c for c in TABLES[t] if t != table or c.partition(":")[0] != column])
        source.put(t, data)
    result = extraction(tmp_path, store)
    assert result.code in (1, 2) and column in result.stderr and table in result.stderr, repr(result)
    nothing_written(store)


def test_no_such_signal_column(tmp_path, store, source):
    source.fill()
    result = extraction(tmp_path, store, "--signal-columns", "dwell,nope")
    assert result.code in (1, 2) and "nope" in result.stderr, repr(result)
    nothing_written(store)


@pytest.mark.parametrize("cut", [6, 200])
def test_a_gzip_cut_short(tmp_path, store, source, cut):
    source.fill(visits=None)
    data = gzip.compress((VISITS + "".join(f"v1;2020-06-{1 + i % 28:02};M;A;{i * 0.77};{i * 7919 % 1000}\n" for i in range(5000))).encode())
    source.put("data_set", data[:-cut], "visits.csv.gz")
    extraction(tmp_path, store).fails(1, "visits.csv.gz")
    nothing_written(store)


def test_bookmark(tmp_path, store, source):
    """Nothing new is nothing to do; something new makes both data sets anew, whole."""
    source.fill()
    mark = ("--job-bookmark-option", "job-bookmark-enable", "--JOB_NAME", "extraction-job")
    extraction(tmp_path, store, *mark).ok()
    first = {k: store.read(k) for k in store.keys("data/etl-output/")}
    extraction(tmp_path, store, *mark).ok()
    assert {k: store.read(k) for k in store.keys("data/etl-output/")} == first
    source.put("data_set", "venueid;utc_date;gender;age;score;dwell\nv1;2020-06-03;Male;Age;1;7\n", "later.csv")
    extraction(tmp_path, store, *mark).ok()
    assert extracted(store) == {("C", "2020-06-02"): ["15"], ("C", "2020-06-03"): ["7"], ("M", "2020-06-02"): ["20"]}


# --- timeseries-prepare ---
MAPPING = f"ticker;market;entity\nC;US;{COMPANY}/C\nM;US;{COMPANY}/B\n"


def put_part(store, ticker, text, name="run-1605895200000-part-r-00000.gz"):
    store.put(f"{EXTRACTED}/ticker={ticker}/{name}", gzip.compress(text.encode()))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "store")


def prepared(store):
    return output(store, PREPARED, "timeseries.csv.gz")


def test_prepare_to_the_letter(tmp_path, folder):
    """Joined on ticker and market, ordered by entity and date; whole numbers stay whole."""
    put_part(folder, "C", "date,signal1,market\n2020-06-13,4736,US\n2020-06-12,448,US\n2020-06-12,1,XOSL\n")
    put_part(folder, "M", "date,signal1,market\n2020-06-06,9007199254740993,US\n", "run-1605895200000-part-r-00001.gz")
    put_part(folder, "Z", "date,signal1,market\n2020-06-06,1,US\n")
    put_mapping(folder, MAPPING + f"Y;US;{COMPANY}/Y\n")
    timeseries_prepare(tmp_path, folder).ok()
    assert prepared(folder) == (
        f"entity;date;signal1\n{COMPANY}/B;2020-06-06;9007199254740993\n{COMPANY}/C;2020-06-12;448\n{COMPANY}/C;2020-06-13;4736\n"
    )


def test_prepare_several_signals(tmp_path, folder):
    put_part(folder, "C", "date,signal1,signal2,market\n2020-06-13,4736,0.5,US\n2020-06-12,,1e-3,US\n")
    put_mapping(folder, MAPPING)
    timeseries_prepare(tmp_path, folder).ok()
    assert prepared(folder) == f"entity;date;signal1;signal2\n{COMPANY}/C;2020-06-12;;0.001\n{COMPANY}/C;2020-06-13;4736;0.5\n"


def test_prepare_odd_tickers(tmp_path, folder):
    """Tickers are text: NA is one, 007 is not 7, 1E5 not 100000; folder names are unescaped."""
    odd = ["NA", "007", "1E5", "NULL", 'Q"T', "IN;T", "a/b=c", "50%", "SP CE", "\u00c5SA \u2603", "true"]
    put_part(folder, "7", "date,signal1,market\n2020-06-13,1,US\n")
    for i, ticker in enumerate(odd):
        put_part(folder, hive_escape(ticker), f"date,signal1,market\n2020-06-12,{i},US\n")
    put_part(folder, "__HIVE_DEFAULT_PARTITION__", "date,signal1,market\n2020-06-13,1,US\n")
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\n").writerows(
        [("ticker", "market", "entity"), *((t, "US", f"{COMPANY}/{i:02}") for i, t in enumerate(odd))])
    put_mapping(folder, out.getvalue())
    timeseries_prepare(tmp_path, folder).ok()
    assert prepared(folder) == "entity;date;signal1\n" + "".join(f"{COMPANY}/{i:02};2020-06-12;{i}\n" for i in range(len(odd)))


def test_prepare_takes_the_newest_mapping(tmp_path, folder):
    put_part(folder, "C", "date,signal1,market\n2020-06-12,448,US\n")
    put_mapping(folder, f"ticker;market;entity\nC;US;{COMPANY}/old\n", "2026-11-19_18:00:00")
    put_mapping(folder, MAPPING, "2026-11-20_18:00:00")
    put_mapping(folder, "x", "2026-11-21_18:00:00", "other.csv")
    old = os.path.join(folder.path, ENTITY_MAPPING, "2026-11-19_18:00:00/entity_mapping.csv")
    os.utime(old, (1, 1))
    timeseries_prepare(tmp_path, folder).ok()
    assert prepared(folder) == f"entity;date;signal1\n{COMPANY}/C;2020-06-12;448\n"


def test_prepare_without_mapping(tmp_path, folder):
    put_part(folder, "C", "date,signal1,market\n2020-06-12,448,US\n")
    timeseries_prepare(tmp_path, folder).fails(2, "Could not find any mapping files to process")
    put_mapping(folder, MAPPING, filename="other.csv")
    timeseries_prepare(tmp_path, folder).fails(2, "Could not find any mapping files to process")
    assert folder.keys(PREPARED) == []


@pytest.mark.parametrize("mapping, part, texts", [
    (MAPPING, None, [EXTRACTED]),
    (f"ticker;market;entity\nZ;US;{COMPANY}/Z\n", "date,signal1,market\n2020-06-12,448,US\n", ["entity_mapping.csv"]),
    (f"ticker;market;entity\nC;XOSL;{COMPANY}/C\n", "date,signal1,market\n2020-06-12,448,US\n", ["entity_mapping.csv"]),
    ("ticker;market\nC;US\n", "date,signal1,market\n2020-06-12,448,US\n", ["entity_mapping.csv", "entity"]),
    (MAPPING, "date,signal1,market\n2020-06-12,448,US\n06/13/2020,1,US\n", ["part-r-00000.gz", "row 3", "06/13/2020"]),
    (MAPPING, "date,signal1,market\n2020-06-12,448,US\n,1,US\n", ["part-r-00000.gz", "row 3"]),
    (MAPPING, "date,market\n2020-06-12,US\n", [EXTRACTED, "no column of values"]),
    (MAPPING, "signal1,market\n448,US\n", ["date"]),
])
def test_prepare_of_bad_input(tmp_path, folder, mapping, part, texts):
    put_mapping(folder, mapping)
    if part is not None:
        put_part(folder, "C", part)
    result = timeseries_prepare(tmp_path, folder)
    assert result.code == 1 and all(t in result.stderr for t in texts), repr(result)
    assert folder.keys(PREPARED) == []


@pytest.mark.parametrize("cut", [5, 300])
def test_prepare_of_a_gzip_cut_short(tmp_path, folder, cut):
    put_mapping(folder, MAPPING)
    data = gzip.compress(("date,signal1,market\n" + "".join(f"2020-06-{1 + i % 28:02},{i * 7919},US\n" for i in range(3000))).encode())
    folder.put(f"{EXTRACTED}/ticker=C/run-1605895200000-part-r-00000.gz", data[:-cut])
    timeseries_prepare(tmp_path, folder).fails(1, "part-r-00000.gz")
    assert folder.keys(PREPARED) == []


# --- the whole chain ---
def whole_chain(tmp, store, standin, signals, columns):
    extraction(tmp, store, "--signal-columns", ",".join(columns)).ok()
    mapping_prepare(tmp, store).ok()
    entity_mapping(tmp, store, standin).ok()
    timeseries_prepare(tmp, store).ok()
    load(tmp, store, standin, signals=",".join(signals)).ok()


def same(found, want):
    """Equal, doubles nearly so: a sum of doubles depends on its order."""
    assert set(found) == set(want)
    for name, points in want.items():
        assert found[name] == pytest.approx(points, rel=1e-12), name


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_generated_sample_end_to_end(tmp_path, cloud, source, store, where):
    """What is loaded is what the oracle says, and one run after another ends with the same."""
    sample = make_sample(tmp_path / "sample", "--odd")
    source.fill_from(sample)
    signals, columns = ["ns.dwell", "ns.score"], ["dwell", "score"]
    want = Pipeline(sample, sample / "entities.json", columns)
    place = store if where == "folder" else Bucket(cloud)
    with Standin(tmp_path, "--entities", sample / "entities.json", "--signal", "ns.dwell", "--signal", "ns.score") as standin:
        whole_chain(tmp_path, place, standin, signals, columns)
        head, *rows = csv_rows(gzip.decompress(place.read(only_key(place, PREPARED, "timeseries.csv.gz"))).decode(), ";")
        assert head == ["entity", "date", "signal1", "signal2"]
        assert [tuple(r[:2]) for r in rows] == [r[:2] for r in want.prepared], "ordered by entity and date"
        same(standin.loaded(), want.loaded(signals))
        for prefix in (ENTITY_MAPPING, PREPARED, "data/etl-output/mapping/identities-prepared/"):
            place.delete(prefix)
        whole_chain(tmp_path, place, standin, signals, columns)
        same(standin.loaded(), want.loaded(signals))


GOLDEN = {
    "C": {"2020-06-12": 448, "2020-06-13": 4736, "2020-06-23": 8637, "2020-06-28": 117, "2020-06-29": 583},
    "FL": {"2020-06-05": 6972, "2020-06-30": 1968},
    "M": {"2020-06-06": 5251, "2020-06-13": 100851, "2020-06-30": 913},
}


def shared_data():
    """../shared/data/exabel beside the clone, or below GLUEPROJ_SHARED."""
    base = os.environ.get("GLUEPROJ_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
    folder = os.path.join(base, "data", "exabel")
    if not os.path.isdir(folder):
        pytest.skip("no real sample beside the clone")
    return folder


def test_golden_figures(tmp_path, source, store):
    """The original's sample, when it is there: crawled, and loaded to the figures that the original gives."""
    source.crawl(shared_data())
    entities = tmp_path / "entities.csv"
    entities.write_text("name,mic,ticker\n" + "".join(f"{COMPANY}/F_{t},XNYS,{t}\n" for t in GOLDEN))
    with Standin(tmp_path, "--entities", entities, "--signal", "ns.dwell") as standin:
        whole_chain(tmp_path, store, standin, ["ns.dwell"], ["dwell"])
        loaded = {name.split("/")[3][2:]: points for name, points in standin.loaded().items()}
    assert len(identities(store)) == 259 and {"HM-B", "ATD.B", "BRK-B"} <= set(identities(store))
    assert {t: len(p) for t, p in loaded.items()} == {"C": 5, "FL": 10, "M": 23}
    for ticker, points in GOLDEN.items():
        assert {day: loaded[ticker][day] for day in points} == points
    check(store, Pipeline(shared_data()))


def test_the_oracle_gives_the_golden_figures():
    pipeline = Pipeline(shared_data())
    assert len(pipeline.tickers) == 259 and pipeline.joined == 158 and len(pipeline.extracted) == 38
    for ticker, points in GOLDEN.items():
        assert {day: pipeline.extracted[ticker, day][0] for day in points} == points


def test_the_sample_is_made_the_same(tmp_path):
    """Byte for byte, however many processes make it; no newline at the end, one quoted line."""
    one, two = (make_sample(tmp_path / n, "--rows", "1000", "--processes", n) for n in ("1", "2"))
    for name in os.listdir(one):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    for name in FILES.values():
        assert not (one / name).read_bytes().endswith(b"\n")
    assert sum(b'"' in line for line in (one / "chain_tickers.csv").read_bytes().split(b"\n")) == 1
    shutil.rmtree(one)
