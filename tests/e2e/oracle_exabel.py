"""What the Exabel pipeline must load for three given tables and a list of entities, said again with Python's standard library only.

It shares nothing with the jobs in C, so that it can judge them.
"""
import csv
import json
import re
from collections import defaultdict
from fractions import Fraction

MARKETS_OF_US = ["XNAS", "XNYS", "XASE"]
DATE = re.compile(r"(\d{4})([-/]?)(\d\d)\2(\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?", re.ASCII)


def read_table(path, delimiter=";"):
    """Rows as {column: text}; what is empty is None."""
    with open(path, encoding="utf-8", newline="") as f:
        rows = csv.reader(f, delimiter=delimiter, strict=True)
        header = next(rows)
        return [{c: v or None for c, v in zip(header, row)} for row in rows if row]


def date_of(text):
    m = DATE.fullmatch(text or "")
    assert m, f"no date: {text!r}"
    return f"{m[1]}-{m[3]}-{m[4]}"


def total(column, texts):
    """The sum of one group, nulls left out: of integers, or, for a column with fractions, of doubles (exact, then rounded once)."""
    given = [t for t in texts if t is not None]
    if not given:
        return None
    if column == "score":
        return float(sum(Fraction(float(t)) for t in given))
    return sum(int(t) for t in given)


class Pipeline:
    """Each step's result: .tickers, .extracted {(ticker, date): [sum…]}, .mapping {ticker: entity}, .prepared [(entity, date, value…)]."""

    def __init__(self, folder, entities=None, columns=("dwell",)):
        self.columns = list(columns)
        self.ticker_rows = read_table(f"{folder}/chain_tickers.csv")
        self.venue_rows = read_table(f"{folder}/chain_venues.csv")
        self.visit_rows = read_table(f"{folder}/rvf_sample.csv")
        self.tickers = {r["ticker"] for r in self.ticker_rows if r["ticker"] is not None}
        self.extracted = self.extract()
        if entities is not None:
            self.mapping, self.dropped = self.map(entities)
            self.prepared = self.prepare()

    def places(self):
        """{venue: [ticker…]}, each as often as the join gives it."""
        chains = defaultdict(list)
        for r in self.ticker_rows:
            chains[r["chainid"]].append(r["ticker"])
        found = defaultdict(list)
        for r in self.venue_rows:
            if r["chainid"] is not None and r["venueid"] is not None:
                found[r["venueid"]] += chains.get(r["chainid"], [])
        return found

    def extract(self):
        groups, places = defaultdict(lambda: [[] for _ in self.columns]), self.places()
        self.joined = 0
        for r in self.visit_rows:
            for ticker in places.get(r["venueid"], []):
                self.joined += 1
                for texts, column in zip(groups[ticker, date_of(r["utc_date"])], self.columns):
                    texts.append(r[column])
        return {key: [total(c, t) for c, t in zip(self.columns, texts)] for key, texts in groups.items()}

    def map(self, entities):
        """The entity of each ticker that one market knows once, before a market knows it twice; and why others have none."""
        index = defaultdict(set)
        with open(entities, encoding="utf-8") as f:
            for entity in json.load(f):
                for i in entity["identifiers"]:
                    if "ticker" in i:
                        index[i["mic"], i["ticker"]].add(entity["name"])
        mapping, dropped = {}, {}
        for ticker in self.tickers:
            hits = next((index[m, ticker] for m in MARKETS_OF_US if index.get((m, ticker))), set())
            if len(hits) == 1:
                mapping[ticker] = min(hits)
            else:
                dropped[ticker] = len(hits)
        return mapping, dropped

    def prepare(self):
        return sorted((self.mapping[t], day, *sums) for (t, day), sums in self.extracted.items() if t in self.mapping)

    def loaded(self, signals):
        """{series: {day: value}}"""
        found = defaultdict(dict)
        for entity, day, *values in self.prepared:
            for signal, value in zip(signals, values):
                name = f"{entity}/signals/{signal}"
                assert day not in found[name], "two values of one day"
                if value is not None:
                    found[name][day] = value
        return {k: v for k, v in found.items() if v}
