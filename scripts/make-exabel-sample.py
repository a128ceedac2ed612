#!/usr/bin/env python3
"""Writes visits to shops like those of the Exabel pipeline's source: chain_tickers.csv, chain_venues.csv, rvf_sample.csv.

';' separates, UTF-8, no newline at the end: the same files for the same options, byte for byte. All of it is made up.
Most venues belong to chains, most chains to companies with a ticker, so that the three tables join well; some venues of
the visits are unknown, and some chains have no ticker. --odd adds what real files have and programs trip over.

    scripts/make-exabel-sample.py --out DIR [--entities-out FILE]
    scripts/make-exabel-sample.py --out DIR --big 20000000 --tickers 2000 --chains 5000 --venues 50000
"""
import argparse
import datetime
import hashlib
import json
import multiprocessing
import os
import random
import string
import sys

TICKERS, VENUES, VISITS = "chain_tickers.csv", "chain_venues.csv", "rvf_sample.csv"
HEADERS = {
    TICKERS: "last_updated_dt;chainid;chainname;ticker;data",
    VENUES: "venueid;chainid;chainname;data",
    VISITS: "venueid;utc_date;gender;age;score;dwell",
}
FIRST_DAY = datetime.date(2020, 6, 1)
GENDERS = ["Male", "Female", "Unknown"]
AGES = ["Age_13_to_17", "Age_18_to_24", "Age_25_to_29", "Age_30_to_34", "Age_35_to_39", "Age_40_to_44", "Age_45_to_54", "Age_55_to_64", "Age_65_plus"]
FIRST = "Amber Birch Cedar Delta Ember Falcon Granite Harbor Indigo Juniper Kestrel Lantern Maple Nimbus Onyx Prairie Quartz Raven".split()
SECOND = "Bakery Books Burger Cafe Cinema Diner Fitness Fuel Garden Grocery Hotel Outfitters Pharmacy Pizza Shoes Sport Toys Wear".split()
# How many of each hundred tickers are found on a market, are found twice there, or are nowhere.
FOUND, TWICE = 84, 6
MARKETS = ["XNAS", "XNYS", "XASE"]
BLOCK_ROWS = 200000

# (ticker, chain's name as it stands in the file)
ODD_TICKERS = [
    ("NA", "North Atlantic Foods"),
    ("NULL", "Null Island Surf"),
    ("TRUE", "True Hardware"),
    ("007", "Seven & Sons"),
    ("1E5", "Hundred Thousand Things"),
    ("HM-B", "Hammar M\u00f6bler"),
    ("BRK-B", "Brookside"),
    ("ATD.B", "Attic & Door"),
    ("\u00c5SA", "\u00c5sa Caf\u00e9 \u2603"),
    ("SEMI", '"Cut; Paste; Print"'),
    ("QUOT", '"The ""Quoted"" Grill"'),
    ('"IN;T"', "Semicolon in the ticker"),
    ('"Q""T"', "Quote in the ticker"),
    ("a/b=c", "Slash and equals"),
    ("50%", "Half Price"),
    ("SP CE", "Blank inside"),
]


def ticker_names(count):
    """Distinct codes of one to five letters, and now and then a class of shares after a sign."""
    names, length = [], 1
    while len(names) < count:
        for i in range(26**length if length < 3 else 26**length // 7):
            n, letters = i * 7919 % 26**length if length > 1 else i, []
            for _ in range(length):
                n, at = divmod(n, 26)
                letters.append(string.ascii_uppercase[at])
            name = "".join(reversed(letters))
            names.append(name + ("-B" if i % 41 == 40 else ".A" if i % 53 == 52 else "") if length > 1 else name)
            if len(names) == count:
                break
        length += 1
    # "NA" is one of the odd ones.
    return [n if n not in ("NA", "NULL", "TRUE") else n + "X" for n in names]


def hex_id(kind, seed, number):
    return hashlib.md5(b"%s %d %d" % (kind, seed, number)).hexdigest()[:24]


class World:
    """Chains, tickers and venues, the same for the same arguments."""

    def __init__(self, a):
        pick = random.Random("world %d" % a.seed).random
        tickers = ticker_names(a.tickers)
        self.a, self.tickers = a, []
        chains = []
        for i in range(a.chains):
            name = "%s %s%s" % (FIRST[i % 18], SECOND[i // 18 % 18], " %d" % (i // 324 + 1) if i >= 324 else "")
            # Each ticker has one chain, then some have more; a tenth of the rest has none.
            ticker = tickers[i] if i < a.tickers else tickers[int(pick() ** 2 * a.tickers)] if pick() < 0.9 else None
            chains.append((hex_id(b"chain", a.seed, i), name, ticker))
        if a.odd:
            chains += [(hex_id(b"odd", a.seed, i), name, ticker) for i, (ticker, name) in enumerate(ODD_TICKERS)]
        self.chains = chains
        if len(chains) > 2:
            quoted = chains[len(chains) // 2]
            chains[len(chains) // 2] = (quoted[0], '"%s, Inc"' % quoted[1].strip('"').replace('"', '""'), quoted[2])
        self.venues = []
        for i in range(a.venues):
            # The first chains have a venue each, the others fall to chains with a leaning to the first ones.
            chain = chains[i if i < len(chains) else int(pick() ** 2 * len(chains))]
            self.venues.append((hex_id(b"venue", a.seed, i), chain))
        self.unknown = [hex_id(b"unknown", a.seed, i) for i in range(a.venues // 20 + 1)]
        self.days = [(FIRST_DAY + datetime.timedelta(i)).isoformat() for i in range(a.days)]

    def ticker_lines(self):
        lines = []
        for i, (chain, name, ticker) in enumerate(self.chains):
            if ticker is not None:
                lines.append("%s;%s;%s;%s;1" % (self.days[i % len(self.days)], chain, name, ticker))
        if self.a.odd:
            chain, name, _ = self.chains[0]
            lines += [
                lines[1],  # twice the same
                "2020-06-23;%s;%s;%s;1" % (chain, name, self.chains[1][2]),  # a second ticker of one chain
                "2020-06-23;%s;Chain without ticker;;1" % hex_id(b"empty", self.a.seed, 0),
            ]
        return lines

    def venue_lines(self):
        lines = ["%s;%s;%s;1" % (venue, chain, name) for venue, (chain, name, _) in self.venues]
        if self.a.odd:
            lines += [lines[0], "%s;;No chain;1" % hex_id(b"empty", self.a.seed, 1)]
        return lines

    def visit_block(self, number, rows):
        """Rows of one block: a block's rows depend on its number only, so that processes can share the work."""
        draw = random.Random("visits %d %d" % (self.a.seed, number))
        known = [venue for venue, _ in self.venues]
        venues = draw.choices(known + self.unknown if known else self.unknown, k=rows)
        days, genders, ages = draw.choices(self.days, k=rows), draw.choices(GENDERS, k=rows), draw.choices(AGES, k=rows)
        dwells = draw.choices(range(1, 6000), k=rows)
        scores = [repr(x * 300) for x in (draw.random() for _ in range(rows))]
        return ["%s;%s;%s;%s;%s;%d" % row for row in zip(venues, days, genders, ages, scores, dwells)]

    def odd_visits(self):
        """Dates in all forms that are taken, rows that come twice, empty values, a join that multiplies, each odd ticker once."""
        venue, day = self.venues[0][0], self.days[0]
        forms = [day, day.replace("-", "/"), day.replace("-", ""), day + "T00:00:00Z", day + " 00:00:00", day + " 00:00", day + "T00:00:00.000+00:00"]
        lines = ["%s;%s;Male;Age_18_to_24;1.5;%d" % (venue, form, 10**i) for i, form in enumerate(forms)]
        lines += [lines[0], "%s;%s;;;;7" % (venue, day), "%s;%s;Female;Age_25_to_29;2;" % (venue, day), ";%s;Male;Age_25_to_29;1;5" % day]
        lines.append("%s;%s;Male;Age_25_to_29;1;-12" % (venue, day))
        odd = {chain for chain, _, _ in self.chains[-len(ODD_TICKERS) :]}
        places = {chain[0]: place for place, chain in self.venues if chain[0] in odd}
        return lines + ["%s;%s;Female;Age_65_plus;0.5;%d" % (place, self.days[-1], 100 + i) for i, place in enumerate(places.values())]

    def entities(self):
        """What a search finds: most tickers once, some twice on one market, some nowhere."""
        listed = []
        names = sorted({t for _, _, t in self.chains if t is not None})
        for i, raw in enumerate(names):
            ticker = raw[1:-1].replace('""', '"') if raw.startswith('"') else raw
            fate = i * 37 % 100
            market = MARKETS[i % 3]
            odd = self.a.odd and raw in dict(ODD_TICKERS)
            for copy in range(0 if fate >= FOUND + TWICE and not odd else 2 if fate >= FOUND and not odd else 1):
                number = "%06d" % i + "AB"[copy]
                listed.append({
                    "name": "entityTypes/company/entities/F_%s-E" % number, "displayName": "%s Corporation" % ticker, "readOnly": True,
                    "properties": {"country": "United States"},
                    "identifiers": [
                        {"mic": market, "ticker": ticker}, {"isin": "US%s0" % number}, {"factset_identifier": "%s-E" % number},
                        {"bloomberg_ticker": "%s US" % ticker}, {"figi": "BBG%s00" % number}, {"cusip": "%s0" % number},
                    ],
                })
        return listed


world = None


def make_block(job):
    number, rows = job
    return ("\n" + "\n".join(world.visit_block(number, rows))).encode()


def blocks(rows, processes):
    jobs = [(i, min(BLOCK_ROWS, rows - begin)) for i, begin in enumerate(range(0, rows, BLOCK_ROWS))]
    if processes < 2 or len(jobs) < 2:
        yield from map(make_block, jobs)
        return
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield from pool.imap(make_block, jobs)


def write(path, parts):
    """The file whole, or not at all."""
    part = "%s.part%d" % (path, os.getpid())
    try:
        with open(part, "wb") as out:
            for data in parts:
                out.write(data)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def visit_parts(a):
    yield HEADERS[VISITS].encode()
    yield from blocks(a.big or a.rows, a.processes)
    if a.odd:
        yield ("\n" + "\n".join(world.odd_visits())).encode()


def write_series(a):
    """Series that are ready to be loaded: entity;date;signal1, ordered, gzip'd by whoever wants that."""
    count, per = a.series, a.days
    days = [(FIRST_DAY + datetime.timedelta(i)).isoformat() for i in range(per)]

    def parts():
        yield b"entity;date;signal1"
        for begin in range(0, count, 10000):
            lines = []
            for i in range(begin, min(begin + 10000, count)):
                entity = "entityTypes/company/entities/F_%07d-E" % i
                lines += ["\n%s;%s;%d" % (entity, day, (i * 31 + at * 7 + a.seed) % 100000) for at, day in enumerate(days)]
            yield "".join(lines).encode()
        yield b"\n"

    write(os.path.join(a.out, "timeseries.csv"), parts())


def arguments():
    parser = argparse.ArgumentParser(description="Writes the three tables of the Exabel pipeline's source, made up.")
    parser.add_argument("--out", required=True, help="a folder; it is made")
    parser.add_argument("--tickers", type=int, default=60)
    parser.add_argument("--chains", type=int, default=90)
    parser.add_argument("--venues", type=int, default=600)
    parser.add_argument("--rows", type=int, default=4000, help="visits")
    parser.add_argument("--days", type=int, default=30, help="of the visits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odd", action="store_true", help="add odd tickers, quotes, double rows, dates in several forms")
    parser.add_argument("--big", type=int, metavar="ROWS", help="so many visits instead of --rows")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--entities-out", metavar="FILE", help="also what tests/exabel/standin.py --entities wants")
    parser.add_argument("--series", type=int, metavar="N", help="instead: timeseries.csv with N series of --days points, for trying the load")
    a = parser.parse_args()
    for name in ("tickers", "chains", "venues", "days"):
        if getattr(a, name) < 1:
            parser.error("--%s is at least 1" % name)
    if a.tickers > a.chains:
        parser.error("each ticker needs a chain: --tickers is at most --chains")
    if a.rows < 0 or (a.big or 0) < 0 or (a.series or 0) < 0:
        parser.error("a number of rows is not negative")
    if a.odd and a.venues < a.chains + len(ODD_TICKERS):
        parser.error("--odd needs --venues of at least --chains + %d" % len(ODD_TICKERS))
    return a


def main():
    global world
    a = arguments()
    try:
        os.makedirs(a.out, exist_ok=True)
        if a.series:
            write_series(a)
            return
        world = World(a)
        write(os.path.join(a.out, TICKERS), ["\n".join([HEADERS[TICKERS], *world.ticker_lines()]).encode()])
        write(os.path.join(a.out, VENUES), ["\n".join([HEADERS[VENUES], *world.venue_lines()]).encode()])
        write(os.path.join(a.out, VISITS), visit_parts(a))
        if a.entities_out:
            write(a.entities_out, [json.dumps(world.entities(), ensure_ascii=False, indent=0).encode(), b"\n"])
    except OSError as e:
        sys.exit("make-exabel-sample.py: %s" % e)


if __name__ == "__main__":
    main()
