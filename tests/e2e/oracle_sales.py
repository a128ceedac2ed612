"""What the sales lake must hold for a given CSV: rules of the clean job, said again with Python's standard library only.

It shares nothing with the jobs in C, so that it can judge them. Rows are tuples in the CSV's column order; a value is
None, str, int, decimal.Decimal (two places) or datetime.date.
"""
import datetime
import io
import re
import zipfile
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, localcontext

INT_COLUMNS = {"units_sold"}
DECIMAL_COLUMNS = {"unit_price", "unit_cost", "total_revenue", "total_cost", "total_profit"}
DATE_COLUMNS = {"order_date", "ship_date"}
# What the jobs trim around numbers: blanks and control characters.
BLANKS = "".join(map(chr, range(0x21)))
# Hive escapes these in the names of partition folders, and control characters.
HIVE_ESCAPED = set("\"#%'*/:=?\\\x7f{[]^")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


# --- CSV ---
def parse_csv(text):
    """Yields rows of fields; an unquoted empty field is None, a quoted empty one is ''."""
    field, row, quoted, inside = [], [], False, False
    i, n = 0, len(text)

    def end_field():
        nonlocal quoted
        value = "".join(field)
        row.append(value if value or quoted else None)
        field.clear()
        quoted = False

    while i < n:
        c = text[i]
        if inside:
            if c == '"' and text[i + 1 : i + 2] == '"':
                field.append('"')
                i += 1
            elif c == '"':
                inside = False
            else:
                field.append(c)
        elif c == '"' and not field:
            inside = quoted = True
        elif c == ",":
            end_field()
        elif c == "\n" or (c == "\r" and text[i + 1 : i + 2] == "\n"):
            i += c == "\r"
            if row or field or quoted:
                end_field()
                yield row
            row = []
        else:
            field.append(c)
        i += 1
    if row or field or quoted:
        end_field()
        yield row


# --- values ---
def to_int(text):
    """Blanks around it go, a fraction is cut off; what is no number or beyond 32 bits is null."""
    m = re.fullmatch(r"([+-]?\d+)(?:\.\d*)?", text.strip(BLANKS), re.ASCII)
    if not m:
        return None
    n = int(m.group(1))
    return n if -(2**31) <= n < 2**31 else None


def to_decimal(text):
    """decimal(10,2): rounded half up (away from zero); ten digits or null."""
    text = text.strip(BLANKS)
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return None
    with localcontext() as context:
        context.prec = 400
        rounded = Decimal(text).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    if abs(rounded) >= Decimal(10) ** 8:
        return None
    return rounded if rounded else Decimal("0.00")


def to_date(text):
    """M/d/yyyy or MM/dd/yyyy, nothing around it; a day that the calendar has not is null."""
    m = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text, re.ASCII)
    if not m:
        return None
    try:
        return datetime.date(int(m.group(3)), int(m.group(1)), int(m.group(2)))
    except ValueError:
        return None


def column_name(name):
    return name.replace(" ", "_").lower()


def column_type(name):
    """As the catalog spells it."""
    if name in INT_COLUMNS:
        return "int"
    if name in DECIMAL_COLUMNS:
        return "decimal(10,2)"
    return "date" if name in DATE_COLUMNS else "string"


def convert(name, text):
    if text is None:
        return None
    if name in INT_COLUMNS:
        return to_int(text)
    if name in DECIMAL_COLUMNS:
        return to_decimal(text)
    return to_date(text) if name in DATE_COLUMNS else text


# --- the three stages ---
def read_zip(path):
    """The zip's CSV as text, and the name that it gets in the raw bucket."""
    with zipfile.ZipFile(path) as z:
        name = sorted(n for n in z.namelist() if n.endswith(".csv") and "/" not in n)[-1]
        return z.read(name).decode("utf-8"), name.replace(" ", "-")


class Lake:
    """The clean records of one CSV text."""

    def __init__(self, text):
        lines = parse_csv(text)
        self.columns = [column_name(c) for c in next(lines)]
        self.types = [column_type(c) for c in self.columns]
        self.raw_rows = 0
        seen = {}
        for line in lines:
            self.raw_rows += 1
            line += [None] * (len(self.columns) - len(line))
            seen[tuple(convert(c, v) for c, v in zip(self.columns, line))] = None
        self.rows = list(seen)

    @classmethod
    def of_zip(cls, path):
        return cls(read_zip(path)[0])

    @classmethod
    def of_csv(cls, path):
        with io.open(path, encoding="utf-8", newline="") as f:
            return cls(f.read())

    def column(self, name):
        return self.columns.index(name)

    def partitions(self):
        """Folder name ('country=...') -> rows without the country."""
        at, found = self.column("country"), defaultdict(list)
        for row in self.rows:
            found["country=" + hive_escape(row[at])].append(row[:at] + row[at + 1 :])
        return dict(found)

    # --- the two queries of the lake ---
    def profit_by_region(self):
        """[(region, billions)], most first. As Trino computes it: decimal division keeps two places, the cast rounds."""
        total = defaultdict(Decimal)
        region, profit = self.column("region"), self.column("total_profit")
        for row in self.rows:
            total[row[region]] += row[profit] or 0
        return sorted(((r, whole(t, 10**9)) for r, t in total.items()), key=lambda p: (-p[1], p[0]))

    def top_countries(self, n=3):
        """[(region, country, millions, place)] for the n countries with the most profit of each region."""
        total = defaultdict(lambda: defaultdict(Decimal))
        region, country, profit = (self.column(c) for c in ("region", "country", "total_profit"))
        for row in self.rows:
            total[row[region]][row[country]] += row[profit] or 0
        found = []
        for r in sorted(total):
            best = sorted(total[r].items(), key=lambda p: -p[1])[:n]
            found += [(r, c, whole(t, 10**6), place) for place, (c, t) in enumerate(best, 1)]
        return found


def whole(amount, unit):
    with localcontext() as context:
        context.prec = 60
        quotient = (amount / unit).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        return int(quotient.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def hive_escape(value):
    if value is None or value == "":
        return HIVE_NULL
    return "".join("%%%02X" % ord(c) if c in HIVE_ESCAPED or ord(c) < 0x20 else c for c in value)
