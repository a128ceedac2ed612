"""What a conversion is to give, from the sample's files alone: csv and json of Python's library, and Spark's rendering of doubles."""
import csv
import json

DOUBLES = set("tempout hitemp lowtemp dewpt windrun windchill heatindex thwindex bar heatdd intemp indew inheat inemc inairdensity".split())
LISTS = ("contributing_factor", "rdconfigur", "vehicle_type", "rdclass", "rdcharacter")


def weather(path):
    """One file as rows of text, the header in lower case first."""
    with open(path, encoding="ascii", newline="") as f:
        header, *rows = csv.reader(f)
    header = [h.lower() for h in header]
    return [header, *([str(float(v)) if n in DOUBLES else v for n, v in zip(header, row)] for row in rows)]


def incidents(path):
    rows = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            flat = {}
            for name, value in json.loads(line).items():
                if isinstance(value, dict):
                    flat.update({f"{name}.{k}": v for k, v in value.items()})
                else:
                    flat[name] = value
            rows.append(flat)
    return [list(rows[0]), *(["" if v is None else json.dumps(v, separators=(",", ":")) if isinstance(v, list) else str(v) for v in r.values()]
                             for r in rows)]


def read_csv(text):
    return list(csv.reader(text.splitlines(keepends=True)))
