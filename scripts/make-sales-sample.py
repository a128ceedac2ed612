#!/usr/bin/env python3
"""Writes sales records like those of the sales lake's source: the same rows for the same --rows and --seed, byte for byte.

185 countries in 7 regions, both spellings of dates, rows that come twice (some only equal once their values have types),
and, about once in a hundred rows, a value as real files have them: blanks, empty, too many decimals, no date at all.
Rows are made and written one after the other, so that millions need no memory.
"""
import argparse
import os
import random
import sys
import zipfile

HEADER = (
    "Region,Country,Item Type,Sales Channel,Order Priority,Order Date,Order ID,Ship Date,"
    "Units Sold,Unit Price,Unit Cost,Total Revenue,Total Cost,Total Profit"
)
CSV_NAME = "2m Sales Records.csv"

REGIONS = {
    "Sub-Saharan Africa": """Angola|Benin|Botswana|Burkina Faso|Burundi|Cameroon|Cape Verde|Central African Republic|Chad|
        Comoros|Cote d'Ivoire|Democratic Republic of the Congo|Djibouti|Equatorial Guinea|Eritrea|Ethiopia|Gabon|Ghana|Guinea|
        Guinea-Bissau|Kenya|Lesotho|Liberia|Madagascar|Malawi|Mali|Mauritania|Mauritius|Mozambique|Namibia|Niger|Nigeria|
        Republic of the Congo|Rwanda|Sao Tome and Principe|Senegal|Seychelles|Sierra Leone|South Africa|South Sudan|Sudan|
        Swaziland|Tanzania|The Gambia|Togo|Uganda|Zambia|Zimbabwe""",
    "Europe": """Albania|Andorra|Armenia|Austria|Belarus|Belgium|Bosnia and Herzegovina|Bulgaria|Croatia|Cyprus|
        Czech Republic|Denmark|Estonia|Finland|France|Georgia|Germany|Greece|Hungary|Iceland|Ireland|Italy|Kosovo|Latvia|
        Liechtenstein|Lithuania|Luxembourg|Macedonia|Malta|Moldova|Monaco|Montenegro|Netherlands|Norway|Poland|Portugal|
        Romania|Russia|San Marino|Serbia|Slovakia|Slovenia|Spain|Sweden|Switzerland|Ukraine|United Kingdom|Vatican City""",
    "Asia": """Bangladesh|Bhutan|Brunei|Cambodia|China|India|Indonesia|Japan|Kazakhstan|Kyrgyzstan|Laos|Malaysia|Maldives|
        Mongolia|Myanmar|Nepal|North Korea|Philippines|Singapore|South Korea|Sri Lanka|Taiwan|Tajikistan|Thailand|
        Turkmenistan|Uzbekistan|Vietnam""",
    "Middle East and North Africa": """Afghanistan|Algeria|Azerbaijan|Bahrain|Egypt|Iran|Iraq|Israel|Jordan|Kuwait|Lebanon|
        Libya|Morocco|Oman|Pakistan|Qatar|Saudi Arabia|Somalia|Syria|Tunisia|Turkey|United Arab Emirates|Yemen""",
    "Central America and the Caribbean": """Antigua and Barbuda|Barbados|Belize|Costa Rica|Cuba|Dominica|
        Dominican Republic|El Salvador|Grenada|Guatemala|Haiti|Honduras|Jamaica|Nicaragua|Panama|Saint Kitts and Nevis|
        Saint Lucia|Saint Vincent and the Grenadines|The Bahamas|Trinidad and Tobago""",
    "Australia and Oceania": """Australia|East Timor|Federated States of Micronesia|Fiji|Kiribati|Marshall Islands|Nauru|
        New Zealand|Palau|Papua New Guinea|Samoa |Solomon Islands|Tonga|Tuvalu|Vanuatu""",
    "North America": "Canada|Greenland|Mexico|United States of America",
}
COUNTRIES = [(region, name.lstrip()) for region, names in REGIONS.items() for name in names.replace("\n", "").split("|")]

# Item type, unit price and unit cost in cents.
ITEMS = [
    ("Baby Food", 25528, 15942),
    ("Beverages", 4745, 3179),
    ("Cereal", 20570, 11711),
    ("Clothes", 10928, 3584),
    ("Cosmetics", 43720, 26333),
    ("Fruits", 933, 692),
    ("Household", 66827, 50254),
    ("Meat", 42189, 36469),
    ("Office Supplies", 65121, 52496),
    ("Personal Care", 8173, 5667),
    ("Snacks", 15258, 9744),
    ("Vegetables", 15406, 9093),
]
# Every day of these years.
FIRST_YEAR = 2010
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
CALENDAR = [
    (month + 1, day + 1, year)
    for year in range(FIRST_YEAR, FIRST_YEAR + 8)
    for month in range(12)
    for day in range(MONTH_DAYS[month] + (1 if month == 1 and year % 4 == 0 else 0))
]
PLAIN = ["%d/%d/%d" % date for date in CALENDAR]
PADDED = ["%02d/%02d/%d" % date for date in CALENDAR]
LONGEST_SHIPPING = 50

REGION, COUNTRY, ITEM, CHANNEL, PRIORITY, ORDERED, ORDER_ID, SHIPPED, UNITS, PRICE, COST, REVENUE, TOTAL_COST, PROFIT = range(14)

# (column, what becomes of its text): each is met once in every 97 * len(ODD) rows.
ODD = [
    (UNITS, lambda s: s + ".7"),
    (UNITS, lambda s: " " + s + " "),
    (UNITS, lambda s: ""),
    (UNITS, lambda s: "n/a"),
    (UNITS, lambda s: "99999999999"),
    (UNITS, lambda s: "-" + s),
    (PRICE, lambda s: s + "5"),
    (PRICE, lambda s: s + "49"),
    (PRICE, lambda s: "\t" + s),
    (PRICE, lambda s: ""),
    (COST, lambda s: "1.5e2"),
    (COST, lambda s: "-0.005"),
    (COST, lambda s: "$" + s),
    (REVENUE, lambda s: "99999999.99"),
    (REVENUE, lambda s: "99999999.995"),
    (REVENUE, lambda s: "123456789.00"),
    (TOTAL_COST, lambda s: "   "),
    (TOTAL_COST, lambda s: "0"),
    (PROFIT, lambda s: "-" + s),
    (PROFIT, lambda s: ""),
    (ORDERED, lambda s: "2/29/2015"),
    (ORDERED, lambda s: "13/1/2014"),
    (ORDERED, lambda s: "2014-01-31"),
    (ORDERED, lambda s: ""),
    (SHIPPED, lambda s: "unknown"),
    (SHIPPED, lambda s: s[:-4] + s[-2:]),
    (SHIPPED, lambda s: "2/29/2012"),
    (CHANNEL, lambda s: ""),
    (CHANNEL, lambda s: '"' + s + ', direct"'),
    (PRIORITY, lambda s: " "),
    (PRIORITY, lambda s: '""'),
    (ITEM, lambda s: s + " & m\u00e9lange \u2603"),
    (ORDER_ID, lambda s: "00" + s),
]
# Names that no country has, for trying partition folders (--odd-countries).
ODD_COUNTRIES = [
    ("Elsewhere", ""),
    ("Elsewhere", "A/B: 100%=?"),
    ("Elsewhere", "\u00c5land #1"),
    ("Elsewhere", '"Two, with a comma"'),
    ("Elsewhere", "[x]{y}^z*"),
]


def cents(n):
    return "%d.%02d" % divmod(n, 100)


def date(at, padded):
    return PADDED[at] if padded else PLAIN[at]


def fresh(pick, place):
    """A new order: its fields as text."""
    item, price, cost = ITEMS[int(pick() * len(ITEMS))]
    units = 1 + int(pick() * 10000)
    ordered = int(pick() * (len(CALENDAR) - LONGEST_SHIPPING))
    padded = pick() < 0.5
    return [
        *place,
        item,
        "Online" if pick() < 0.5 else "Offline",
        "CHLM"[int(pick() * 4)],
        date(ordered, padded),
        str(100000000 + int(pick() * 900000000)),
        date(ordered + int(pick() * LONGEST_SHIPPING), padded),
        str(units),
        cents(price),
        cents(cost),
        cents(price * units),
        cents(cost * units),
        cents((price - cost) * units),
    ]


def respelled(row):
    """The same order in other words: equal once dates and numbers are dates and numbers."""
    twin = list(row)
    for column in (ORDERED, SHIPPED):
        month, _, rest = twin[column].partition("/")
        day, _, year = rest.partition("/")
        if year and month.isdigit() and day.isdigit():
            wide = len(month) == 2 and len(day) == 2 and (month[0] == "0" or day[0] == "0")
            twin[column] = "%d/%d/%s" % (int(month), int(day), year) if wide else "%02d/%02d/%s" % (int(month), int(day), year)
    twin[UNITS] = twin[UNITS] + ".0" if twin[UNITS].isdigit() else twin[UNITS]
    twin[PRICE] = " " + twin[PRICE] if twin[PRICE] else twin[PRICE]
    return twin


def rows(count, seed, places):
    """Yields `count` lines. The first ones name every country once; every 200th row repeats one shortly before it."""
    pick = random.Random(seed).random
    last = []
    for i in range(count):
        place = places[i] if i < len(places) else places[int(pick() * len(places))]
        if i % 200 == 199 and last and i >= len(places):
            row = last if i % 400 == 199 else respelled(last)
        else:
            row = fresh(pick, place)
            if i % 97 == 96:
                column, change = ODD[i // 97 % len(ODD)]
                row[column] = change(row[column])
            last = row
        yield ",".join(row)


def write_csv(out, arguments):
    """Writes the CSV to a binary stream, a block of lines at a time."""
    end = "\r\n" if arguments.crlf else "\n"
    block = [HEADER]
    places = COUNTRIES + (ODD_COUNTRIES if arguments.odd_countries else [])
    for line in rows(arguments.rows, arguments.seed, places):
        block.append(line)
        if len(block) >= 10000:
            out.write((end.join(block) + end).encode())
            block.clear()
    if block:
        out.write((end.join(block) + end).encode())


def write_zip(path, arguments):
    info = zipfile.ZipInfo(CSV_NAME, (2020, 9, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open(info, "w", force_zip64=arguments.rows > 10000000) as out:
            write_csv(out, arguments)


def main():
    parser = argparse.ArgumentParser(description="Writes sales records for the sales lake.")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="a .zip that holds '%s', or with --csv that CSV" % CSV_NAME)
    parser.add_argument("--csv", action="store_true", help="write the CSV itself")
    parser.add_argument("--crlf", action="store_true", help="end lines as sheets do")
    parser.add_argument("--odd-countries", action="store_true", help="add countries whose names need escaping, and an empty one")
    arguments = parser.parse_args()
    if arguments.rows < 0:
        parser.error("--rows is not negative")
    part = "%s.part%d" % (arguments.out, os.getpid())
    try:
        if arguments.csv:
            with open(part, "wb") as out:
                write_csv(out, arguments)
        else:
            write_zip(part, arguments)
        os.replace(part, arguments.out)
    except OSError as e:
        sys.exit("make-sales-sample.py: %s" % e)
    finally:
        if os.path.exists(part):
            os.unlink(part)


if __name__ == "__main__":
    main()
