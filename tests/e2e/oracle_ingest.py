"""The transit platform's rules for values in plain Python: int(), float() and dateutil's isoparse(), as its first ingestion had them."""
import csv
import datetime
import gzip
import io
import random

from dateutil import parser

UTC = datetime.timezone.utc


def as_string(s):
    return None if not s or s.isspace() else s


def optional(function):
    return lambda s: None if not s or s.isspace() else function(s)


@optional
def as_long(s):
    n = int(s)
    if not -(2**63) <= n < 2**63:
        raise ValueError("out of range")
    return n


@optional
def as_double(s):
    return float(s)


@optional
def as_date(s):
    return parser.isoparse(s).date()


@optional
def as_timestamp(s):
    t = parser.isoparse(s)
    return t.astimezone(UTC).replace(tzinfo=None) if t.tzinfo else t


RULES = {"string": as_string, "bigint": as_long, "double": as_double, "date": as_date, "timestamp": as_timestamp}


def value(kind, text):
    """The value, or ValueError: what does not fit a date of Python's is refused too."""
    try:
        return RULES.get(kind, as_string)(text)
    except OverflowError as e:
        raise ValueError(str(e)) from e


def rows(path, columns):
    """Of a .csv.gz by its header, as [(name, kind)] wants them."""
    data = gzip.decompress(path.read_bytes()) if hasattr(path, "read_bytes") else path
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    names = [n.lower() for n in lines[0]]
    return [tuple(value(kind, line[names.index(name)]) for name, kind in columns) for line in lines[1:] if line]


# --- values to try ---
SPACES = [" ", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u3000", "\u200b"]
PLAIN = {
    "bigint": ["0", "7", "-1", "+42", "007", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1_000", "٣٤", "１２", "1.0", "1e3", "0x10", "--1",
               "12345678901234567890", "", "-", "NaN", "1__0", "_1", "1_"],
    "double": ["0", "-0.0", "1.5", ".5", "5.", "1e3", "1E-3", "1e999", "-1e999", "1e-999", "inf", "-Infinity", "nan", "+NaN", "1_0.0_1e1_0", "1e_5", "1._5", "infinit",
               "0x1p3", "1,5", "1d5", "4.9e-324", "2.2250738585072011e-308", "1.7976931348623159e308", "0.1", "9007199254740993", "123456789012345678901234567890",
               "٣.٤", "e5", ".", "1e", "1e+"],
    "date": ["2022-01-03", "20220102", "2022-01-03 23:34:56-04:00", "2022", "2022-05", "202205", "2022-W01", "2022W017", "2020-W53-7", "2022-W54", "2020-366", "2021366",
             "2021-02-29", "0001-01-01", "9999-12-31", "0000-01-01", "2022-1-3", "01/02/2022", "2022-01-03T24:00", "9999-12-31T24:00", "invalid", "2022-13-01", "20221301"],
    "timestamp": ["2022-01-01 12:34:56-04:00", "2022-01-01", "2021-12-01 11:20:30.4444444", "2021-12-01T11:20:30.1Z", "2021-12-01T11:20:30,123456789+0530", "20220102 12:34:56",
                  "2022-01-01 12", "2022-01-01 1234", "2022-01-01 123456", "2022-01-01 12:3456", "2022-01-01 12:34:5", "2022-01-01 25:00", "2022-01-01 24:00:00.000",
                  "2022-01-01 24:01", "2022-01-01 12:34:60", "2022-01-01 12:34:56.", "2022-01-01x12:34z", "2022-01-01 12:34:56+24:00", "2022-01-01 12:34:56-23:59",
                  "0001-01-01T00:00+00:01", "9999-12-31T23:59:59.999999-00:01", "2022-01-01T", "2022-01-01T1", "2022-01 12:00", "2022-01-01 12:34:56 +00:00", "1970-01-01T00:00:00-00:00"],
}


def texts(count, seed=1):
    """Values of all kinds, with letters changed, doubled, dropped and space put around."""
    draw = random.Random("values %d" % seed)
    seeds = [t for kind in PLAIN.values() for t in kind]
    out = list(seeds) + SPACES + [a + b for a in SPACES for b in SPACES]
    letters = "0123456789" * 3 + "+-_.:,TZzWeEinfa " + "".join(SPACES) + "٣\ufffdé\U0001f687"
    while len(out) < count:
        kind = draw.random()
        if kind < 0.2:
            text = str(draw.randrange(-(2**65), 2**65) >> draw.randrange(66))
        elif kind < 0.4:
            text = draw.choice([repr, "{:.3f}".format, "{:e}".format])(draw.uniform(-1, 1) * 10.0 ** draw.randrange(-320, 309))
        elif kind < 0.7:
            t = datetime.datetime(draw.randrange(1, 10000), draw.randrange(1, 13), draw.randrange(1, 29), draw.randrange(24), draw.randrange(60), draw.randrange(60))
            text = draw.choice([t.isoformat(), t.isoformat(" ")[: draw.randrange(4, 20)], t.strftime("%Y%m%d"), "%04d-%03d" % (t.year, draw.randrange(368)),
                                "%04d-W%02d-%d" % (t.year, draw.randrange(55), draw.randrange(9)), t.isoformat() + "." + str(draw.randrange(10**9))])
            text += draw.choice(["", "", "Z", "+0530", "-04:00", "+00", "-12:3", "+5"])
        else:
            text = draw.choice(seeds)
        for _ in range(draw.choice([0, 0, 1, 1, 2, 4])):
            at = draw.randrange(len(text) + 1)
            text = draw.choice([text[:at] + draw.choice(letters) + text[at:], text[:at] + draw.choice(letters) + text[at + 1:], text[:at] + text[at + 1:]])
        out.append(text)
    return out
