"""The Exabel pipeline's steps as bare DuckDB SQL and in pandas: python series_other.py duckdb|pandas extraction|timeseries-prepare|load WORDS…"""
import concurrent.futures
import glob
import json
import os
import sys
import urllib.request

BATCH_BYTES, THREADS = 1 << 20, 4
READ = "read_csv('{}', delim = ';', header = true, quote = '\"', all_varchar = {})"


def duckdb_extraction(source, target):
    import duckdb

    tickers, venues = (READ.format(os.path.join(source, f), "true") for f in ("chain_tickers.csv", "chain_venues.csv"))
    visits = READ.format(os.path.join(source, "rvf_sample.csv"), "false")
    duckdb.sql(f"""COPY (SELECT DISTINCT ticker, 'US' AS market FROM {tickers})
        TO '{target}/identities.csv.gz' (FORMAT csv, COMPRESSION gzip)""")
    duckdb.sql(f"""COPY (SELECT ticker, utc_date AS date, sum(dwell)::BIGINT AS signal1, 'US' AS market
        FROM {visits} d JOIN (SELECT venueid, ticker FROM {venues} v JOIN {tickers} t USING (chainid)) USING (venueid) GROUP BY ALL)
        TO '{target}/extracted' (FORMAT csv, COMPRESSION gzip, PARTITION_BY (ticker))""")


def duckdb_prepare(source, mapping, target):
    import duckdb

    duckdb.sql(f"""COPY (SELECT entity, date, signal1
        FROM read_csv('{source}/*/*.gz', hive_partitioning = true, hive_types = {{'ticker': VARCHAR}})
        JOIN {READ.format(mapping, "true")} USING (ticker, market) ORDER BY entity, date)
        TO '{target}/timeseries.csv.gz' (FORMAT csv, DELIMITER ';', COMPRESSION gzip)""")


def pandas_extraction(source, target):
    import pandas

    tickers, venues = (
        pandas.read_csv(os.path.join(source, f), sep=";", dtype=str, keep_default_na=False) for f in ("chain_tickers.csv", "chain_venues.csv"))
    visits = pandas.read_csv(os.path.join(source, "rvf_sample.csv"), sep=";", usecols=["venueid", "utc_date", "dwell"])
    tickers[["ticker"]].drop_duplicates().assign(market="US").to_csv(f"{target}/identities.csv.gz", index=False)
    places = venues[["venueid", "chainid"]].merge(tickers[["chainid", "ticker"]], on="chainid")[["venueid", "ticker"]]
    sums = visits.merge(places, on="venueid").groupby(["ticker", "utc_date"], as_index=False)["dwell"].sum()
    sums.columns = ["ticker", "date", "signal1"]
    for ticker, part in sums.assign(market="US").groupby("ticker"):
        os.makedirs(f"{target}/extracted/ticker={ticker}")
        part[["date", "signal1", "market"]].to_csv(f"{target}/extracted/ticker={ticker}/part.csv.gz", index=False)


def pandas_prepare(source, mapping, target):
    import pandas

    parts = []
    for path in glob.glob(f"{source}/*/*.gz"):
        parts.append(pandas.read_csv(path).assign(ticker=os.path.basename(os.path.dirname(path)).partition("=")[2]))
    names = pandas.read_csv(mapping, sep=";", dtype=str, keep_default_na=False)
    joined = pandas.concat(parts).merge(names, on=["ticker", "market"]).sort_values(["entity", "date"])
    joined[["entity", "date", "signal1"]].to_csv(f"{target}/timeseries.csv.gz", sep=";", index=False)


def pandas_load(source, url, key_file, signal):
    import pandas

    with open(key_file, encoding="ascii") as f:
        headers = {"x-api-key": f.read().strip(), "Content-Type": "application/json"}

    def send(batch):
        body = json.dumps({
            "parent": "signals/-", "timeSeries": batch, "statusInResponse": True, "updateOptions": {"allowMissing": True},
            "insertOptions": {"defaultKnownTime": {"currentTime": True}},
        }).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/signals/-/timeSeries:import", body, headers), timeout=300) as reply:
            assert all(not r.get("status", {}).get("code") for r in json.load(reply)["responses"])

    def batches():
        batch, size = [], 0
        for entity, part in pandas.read_csv(source, sep=";").groupby("entity", sort=False):
            name = f"{entity}/signals/{signal}"
            points = [{"time": f"{d}T00:00:00Z", "value": v} for d, v in zip(part.iloc[:, 1], part.iloc[:, 2].tolist())]
            bytes_ = len(name) + 7 + 19 * len(points)
            if batch and size + bytes_ > BATCH_BYTES:
                yield batch
                batch, size = [], 0
            batch.append({"name": name, "points": points})
            size += bytes_
        yield batch

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, batches()))


if __name__ == "__main__":
    {
        ("duckdb", "extraction"): duckdb_extraction, ("duckdb", "timeseries-prepare"): duckdb_prepare,
        ("pandas", "extraction"): pandas_extraction, ("pandas", "timeseries-prepare"): pandas_prepare,
        ("pandas", "load-timeseries"): pandas_load,
    }[sys.argv[1], sys.argv[2]](*sys.argv[3:])
