#!/usr/bin/env python3
"""Writes price histories and search trends like those of the crypto pipeline's source, made up.

For each currency DIR/<TICKER>_EUR_Historical_Data.csv (daily, newest first, every field quoted, thousands with ',', -1 where a price is
missing) and DIR/google_trend_<name>.csv (weekly, on Sundays). The same files for the same options, byte for byte. Some days are missing;
--odd adds what real files have and programs trip over, and says nothing of it in the files' names.

    scripts/make-crypto-sample.py --out DIR [--currencies 2] [--years 5] [--seed 1] [--list FILE]
"""
import argparse
import datetime
import json
import os
import random
import string
import sys

HIST_HEADER = '"Date","Price","Open","High","Low","Vol.","Change %"'
LAST_DAY = datetime.date(2024, 3, 12)
# ticker, name, price on the first day, decimals
KNOWN = [
    ("BTC", "bitcoin", 4500, 1), ("XMR", "monero", 60, 3), ("ETH", "ethereum", 120, 2), ("LTC", "litecoin", 70, 2), ("XRP", "ripple", 0.28, 5),
    ("ADA", "cardano", 0.07, 6), ("SOL", "solana", 1.5, 3), ("DOGE", "dogecoin", 0.002, 6), ("DOT", "polkadot", 4, 4), ("BCH", "bitcoin_cash", 260, 2),
]


def currencies(count, seed):
    """Those that everybody knows, then made-up ones of four letters."""
    pick = random.Random("currencies %d" % seed)
    known = KNOWN[:count]
    taken = {c[0] for c in known}
    while len(known) < count:
        number = len(known)
        ticker = "".join(string.ascii_uppercase[number * 7919 // 26**i % 26] for i in range(3)) + "QXZJ"[number % 4]
        if ticker in taken:
            ticker += str(number)
        taken.add(ticker)
        known.append((ticker, ticker.lower(), 10 ** pick.uniform(-2, 3.5), pick.choice([1, 2, 3, 4])))
    return known


def amount(value, decimals):
    return "{:,.{}f}".format(value, decimals)


def volume(value):
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= unit or letter == "K":
            return "%.2f%s" % (value / unit, letter)
    return ""


def hist_lines(ticker, first_price, decimals, days, seed, odd):
    """From the first day on; the file has them newest first."""
    draw = random.Random("hist %s %d" % (ticker, seed))
    close, lines = float(first_price), []
    # A gap longer than the ten rows that are looked back, once, where there is room for it.
    gap = draw.randrange(20, len(days) - 20) if len(days) > 60 else len(days)
    for at, day in enumerate(days):
        opened, change = close, draw.gauss(0.0004, 0.03)
        close = max(opened * (1 + change), 10.0**-decimals)
        high, low = max(opened, close) * (1 + abs(draw.gauss(0, 0.01))), min(opened, close) * (1 - abs(draw.gauss(0, 0.01)))
        missing, absent, sold = draw.random() < 0.01, draw.random() < 0.005, draw.lognormvariate(8, 2)
        if absent and 0 < at < len(days) - 1:
            continue
        price = "-1" if missing or gap <= at < gap + 13 else amount(close, decimals)
        cells = [day.strftime("%m/%d/%Y"), price, *(amount(v, decimals) for v in (opened, high, low)), volume(sold), "%.2f%%" % (change * 100)]
        lines.append('"' + '","'.join(cells) + '"')
    if odd and len(lines) > 8:
        lines[2] = lines[2].replace('"', "")[:10] + ',"7.5","1","1","1","",""'  # unquoted date, empty cells
        lines.insert(5, lines[4])  # a date that comes twice
        lines.append(lines.pop(6))  # out of order
        lines.append("")  # a blank line in between
    return lines[::-1]


def trend_lines(name, days, seed, odd):
    draw = random.Random("trend %s %d" % (name, seed))
    level, lines = 15.0, ['"Settimana","interesse %s"' % name.replace("_", " ")]
    for day in days:
        if day.weekday() == 6:
            level = min(100.0, max(0.0, level + draw.gauss(0, 4)))
            lines.append("%s,%d" % (day.isoformat(), round(level)))
    if odd and len(lines) > 5:
        lines[3] = lines[3].rpartition(",")[0] + ",<1"  # as Google writes what is below 1
        lines.insert(5, lines[4])
    return lines


def write(path, lines, odd):
    """The file whole, or not at all. There is a blank line at the end, as in the real ones."""
    part = "%s.part%d" % (path, os.getpid())
    text = ("\r\n" if odd else "\n").join([*lines, "", ""])
    try:
        with open(part, "wb") as out:
            out.write(b"\xef\xbb\xbf" * odd + text.encode())
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def arguments():
    parser = argparse.ArgumentParser(description="Writes price histories and search trends for the crypto pipeline, made up.")
    parser.add_argument("--out", required=True, help="a folder; it is made")
    parser.add_argument("--currencies", type=int, default=2, metavar="N", help="BTC, XMR, then others (default: 2)")
    parser.add_argument("--years", type=float, default=5, metavar="Y", help="of daily rows (default: 5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odd", action="store_true", help="byte order mark, CRLF, dates that come twice or out of order, values that are none")
    parser.add_argument("--list", metavar="FILE", help="also the currencies as JSON: ticker, hist_file, trend_file")
    a = parser.parse_args()
    if a.currencies < 1 or a.years <= 0 or a.years > 100:
        parser.error("--currencies is at least 1, --years above 0 and at most 100")
    return a


def main():
    a = arguments()
    count = max(1, round(a.years * 365.25))
    days = [LAST_DAY - datetime.timedelta(i) for i in range(count)][::-1]
    weeks = [days[0] - datetime.timedelta(i) for i in range(7, 0, -1)] + days
    listed = []
    try:
        os.makedirs(a.out, exist_ok=True)
        for ticker, name, price, decimals in currencies(a.currencies, a.seed):
            hist, trend = "%s_EUR_Historical_Data.csv" % ticker, "google_trend_%s.csv" % name
            write(os.path.join(a.out, hist), [HIST_HEADER, *hist_lines(ticker, price, decimals, days, a.seed, a.odd)], a.odd)
            write(os.path.join(a.out, trend), trend_lines(name, weeks, a.seed, a.odd), a.odd)
            listed.append({"ticker": ticker, "hist_file": hist, "trend_file": trend})
        if a.list:
            with open(a.list, "w", encoding="utf-8") as out:
                json.dump(listed, out, indent=1)
                out.write("\n")
    except OSError as e:
        sys.exit("make-crypto-sample.py: %s" % e)


if __name__ == "__main__":
    main()
