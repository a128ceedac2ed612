"""What the crypto pipeline must make of a price history and a trend: its rules, said again with Python's standard library only.

It shares nothing with the jobs in C. A price is None or a 32-bit float's value; dates are datetime.date.
"""
import csv
import datetime
import struct


def float32(text):
    """The nearest 32-bit float. Rounding twice, by way of a double, is the same for the few digits that prices have here."""
    return struct.unpack("f", struct.pack("f", float(text)))[0]


def to_price(text):
    try:
        return float32(text.replace(",", ""))
    except ValueError:
        return None


def to_int(text):
    try:
        return int(text)
    except ValueError:
        return None


def rows_of(path):
    """Below the header, without blank lines."""
    with open(path, encoding="utf-8-sig", newline="") as f:
        return [row for row in csv.reader(f) if any(cell.strip() for cell in row)][1:]


def raw_history(path):
    """[(date, price)] by date; what has one date stays in the file's order."""
    found = [(datetime.datetime.strptime(row[0], "%m/%d/%Y").date(), to_price(row[1])) for row in rows_of(path)]
    return sorted(found, key=lambda r: r[0])


def history(path, drop):
    rows = raw_history(path)
    if drop:
        return [(day, price) for day, price in rows if price is not None and price != -1]
    filled = []
    for at, (day, price) in enumerate(rows):
        if price is None or price == -1:
            before = [p for _, p in rows[max(0, at - 10) : at] if p is not None and p != -1]
            price = before[-1] if before else None
        filled.append((day, price))
    return filled


def trend(path):
    found = [(datetime.date.fromisoformat(row[0]), to_int(row[1])) for row in rows_of(path)]
    return sorted(found, key=lambda r: r[0])


def mean(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def gold(hist, trends):
    """[(date, price, g_trend, PriceMA, TrendMA)]; what comes in comes by date."""
    prices, interests = {}, {}
    for day, price in hist:
        prices.setdefault(day, []).append(price)
    for day, n in trends:
        interests.setdefault(day, []).append(n)
    joined = [
        (day, price, n) for day in sorted(set(prices) | set(interests)) for price in prices.get(day, [None]) for n in interests.get(day, [None])
    ]
    filled = []
    for at, (_, price, _) in enumerate(joined):
        before = [p for _, p, _ in joined[max(0, at - 2) : at] if p is not None]
        filled.append(price if price is not None else before[-1] if before else None)
    steps = []
    for at, (_, _, n) in enumerate(joined):
        behind = [v for _, _, v in joined[at + 1 : at + 7] if v is not None]
        steps.append(n if n is not None else behind[0] if behind else None)
    return [
        (day, filled[at], n, mean(filled[max(0, at - 13) : at + 1]), mean(steps[max(0, at - 6) : at + 1])) for at, (day, _, n) in enumerate(joined)
    ]
