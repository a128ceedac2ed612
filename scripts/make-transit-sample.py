#!/usr/bin/env python3
"""Writes an incoming bucket's objects like those of the transit platform's sources, made up.

DIR/cubic/dmap/agg_sample/agg_sample_<day>.csv.gz; DIR/cubic/ods_qlik/EDW.SAMPLE/LOAD<n>.csv.gz (snapshot first, then a later, smaller load without a
final newline) and DIR/cubic/ods_qlik/EDW.SAMPLE__ct/<time>.csv.gz (changes), each of these two with its .dfm. The same files for the same
options, byte for byte. Without --rows the files are as small as the source's own samples. The changes are true to the snapshot: what is
inserted was not there, what is updated or deleted was.

    scripts/make-transit-sample.py --out DIR [--rows N] [--changes 2] [--days 2] [--seed 1] [--odd] [--bad] [--current FILE]
"""
import argparse
import datetime
import gzip
import io
import json
import os
import random
import sys

PREFIX = "cubic"
TABLE = "EDW.SAMPLE"
COLUMNS = [("SAMPLE_ID", "INT4", 4), ("SAMPLE_NAME", "STRING", 500), ("EDW_INSERTED_DTM", "DATETIME", 0), ("EDW_UPDATED_DTM", "DATETIME", 0)]
CHANGE_COLUMNS = [("header__change_seq", "STRING", 35), ("header__change_oper", "STRING", 1), ("header__timestamp", "DATETIME", 0)]
EMOJI = "🚇🚌🚋⛴🎫"
START = datetime.datetime(2021, 12, 1, 11, 20, 30)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def moment(seconds, fraction):
    """Seven digits behind the second, as the source writes them."""
    return "%s.%07d" % ((START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S"), fraction)


class Sample:
    def __init__(self, a):
        self.a = a
        self.draw = random.Random("transit %d" % a.seed)
        self.live = {}  # id: row, as after all that was written so far
        self.next_id = 1
        self.sequence = 0

    def name(self, number):
        if not self.a.rows:
            return "Sample %d %s" % (number, EMOJI[0])
        tail = self.draw.choice(["", " " + self.draw.choice(EMOJI), ', "quoted"', " Überland, 東京", "'s"])
        return "Sample %d%s" % (number, tail)

    def row(self, number, seconds):
        inserted, updated = (self.draw.randrange(10**7) for _ in range(2)) if self.a.rows else (4444444, 4444444)
        cells = [str(number), quoted(self.name(number)), moment(seconds, inserted), moment(seconds + 1, updated)]
        if self.a.odd:
            cells[0] = self.draw.choice([" %s", "%s ", "+%s", "%s", '"%s"']) % cells[0]
            cells[1] = self.draw.choice([cells[1], "", '""', '"  "', '"two\nlines"', '" padded "'])
            # Offsets, a T, a Z, fractions of all lengths, a date alone, blank.
            cells[2] = self.draw.choice([cells[2], cells[2] + "-04:00", cells[2].replace(" ", "T") + "Z", cells[2][:21], cells[2][:10], "", "   "])
            cells[3] = self.draw.choice([cells[3], cells[3][:19] + "+0530", cells[3][:16], cells[3][:10].replace("-", ""), '""'])
        return cells

    def snapshot(self, count):
        for _ in range(count):
            self.live[self.next_id] = self.row(self.next_id, self.next_id)
            self.next_id += 1
        return [self.live[i] for i in sorted(self.live)]

    def change(self, seconds, oper, number, cells):
        self.sequence += 1
        at = START + datetime.timedelta(seconds=seconds)
        seq = "%s%021d" % (at.strftime("%Y%m%d%H%M%S"), self.sequence)
        stamp = "%s.%06d" % (at.strftime("%Y-%m-%d %H:%M:%S"), self.sequence * 320000 % 1000000)
        if oper == "D":
            del self.live[number]
        else:
            self.live[number] = cells
        return [quoted(seq), oper, stamp, *cells]

    def changes(self, at, count):
        lines = []
        for i in range(count):
            seconds = 3600 * (at + 1) + i
            # The first files show one of each; then as it falls.
            oper = "IUDI"[at * count + i] if not self.a.rows and at * count + i < 4 else self.draw.choice("IUUD")
            number = self.draw.choice(list(self.live)) if self.live and self.a.rows else max(self.live, default=1)
            if oper == "I" or number not in self.live:
                oper, number = "I", self.next_id
                self.next_id += 1
            cells = self.live[number] if oper == "D" else self.row(number, seconds)
            lines.append(self.change(seconds, oper, number, cells))
        return lines


def packed(data):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as f:
        f.write(data)
    return out.getvalue()


def write(path, data):
    """The file whole, or not at all."""
    part = "%s.part%d" % (path, os.getpid())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(part, "wb") as out:
            out.write(data)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def csv(header, rows, final_newline=True, odd=False):
    end = "\r\n" if odd else "\n"
    text = end.join([",".join(header), *(",".join(r) for r in rows)])
    return packed((b"\xef\xbb\xbf" if odd else b"") + (text + (end if final_newline else "")).encode())


def dfm(table, name, columns, count):
    described = [{"ordinal": i + 1, "name": n, "type": t, "length": length, "precision": 0, "scale": 7 if t == "DATETIME" else 0,
                  "primaryKeyPos": 1 if n == "SAMPLE_ID" else 0} for i, (n, t, length) in enumerate(columns)]
    return json.dumps({
        "dfmVersion": "1.1",
        "taskInfo": {"name": "sample", "sourceEndpoint": "source", "sourceEndpointType": "Oracle", "sourceEndpointUser": "sample",
                     "replicationServer": "server", "operation": "dataProduced"},
        "fileInfo": {"name": name, "extension": "csv.gz", "location": "incoming/%s/%s" % (PREFIX, table), "startWriteTimestamp": "2021-12-01T11:20:30.444",
                     "endWriteTimestamp": "2021-12-01T11:20:31.444", "firstTransactionTimestamp": None, "lastTransactionTimestamp": None,
                     "content": "data", "recordCount": count, "errorCount": 0},
        "formatInfo": {"format": "delimited", "options": {"fieldDelimiter": ",", "recordDelimiter": "\n", "nullValue": "", "quoteChar": '"', "escapeChar": ""}},
        "dataInfo": {"sourceSchema": "EDW", "sourceTable": "SAMPLE", "targetSchema": "EDW", "targetTable": "SAMPLE", "tableVersion": 1,
                     "columns": described}}, indent=1).encode() + b"\n"


def write_ods(sample, folder, name, rows, changes, final_newline=True):
    a, table = sample.a, TABLE + ("__ct" if changes else "")
    columns = (CHANGE_COLUMNS if changes else []) + COLUMNS
    stem = os.path.join(folder, PREFIX, "ods_qlik", table, name)
    write(stem + ".csv.gz", csv([c[0] for c in columns], rows, final_newline, a.odd))
    write(stem + ".dfm", dfm(table, name, columns, len(rows)))


def write_dmap(sample, folder):
    a = sample.a
    for day in range(a.days):
        name = "agg_sample_%s" % (datetime.date(2022, 5, 17) + datetime.timedelta(day)).strftime("%Y%m%d")
        count = a.rows or 2
        rows = [[str(day * count + i + 1), quoted("Sample %d" % (day * count + i + 1)), str(sample.draw.randrange(1000) if a.rows else 5 * (i + 1))]
                for i in range(count)]
        if a.odd and len(rows) > 1:
            rows[1][2] = ""
        if a.bad and day == 0:
            rows[-1][2] = "five"
        write(os.path.join(folder, PREFIX, "dmap", "agg_sample", name + ".csv.gz"),
              csv(["sample_id", "sample_name", "sample_count"], rows, odd=a.odd))


def write_taps(sample, folder):
    """A minute of a Kafka topic: an object a line."""
    stops = ["place-%s" % name for name in ("alfcl", "davis", "pktrm", "sstat", "asmnl")]
    lines = [json.dumps({"tapId": i + 1, "tokenId": "%08x" % sample.draw.getrandbits(32), "stopId": sample.draw.choice(stops),
                         "deviceId": "gate-%02d" % sample.draw.randrange(40)}) for i in range(sample.a.taps)]
    write(os.path.join(folder, "kafka", "taps", "taps-20211201T1122.json"), ("\n".join(lines) + "\n").encode())


def write_all(a):
    sample = Sample(a)
    write_dmap(sample, a.out)
    rows = sample.snapshot(a.rows or 2)
    if a.bad:
        rows = [*rows[:-1], [*rows[-1][:3], "2021-13-01 00:00:00"]]
    write_ods(sample, a.out, "LOAD1", rows, False)
    # What came later: the rows as they are, the last of them alone, without a line's end.
    write_ods(sample, a.out, "LOAD2", rows[-1:], False, final_newline=False)
    for at in range(a.changes):
        stamp = (datetime.datetime(2021, 12, 1, 11, 22, 33) + datetime.timedelta(seconds=3720 * at)).strftime("%Y%m%d-%H%M%S444")
        write_ods(sample, a.out, stamp, sample.changes(at, a.rows or 2), True)
    if a.taps:
        write_taps(sample, a.out)
    if a.current:
        with open(a.current, "w", encoding="utf-8") as out:
            json.dump([sample.live[i] for i in sorted(sample.live)], out, indent=1, ensure_ascii=False)
            out.write("\n")


def arguments():
    parser = argparse.ArgumentParser(description="Writes an incoming bucket's objects for the transit platform, made up.")
    parser.add_argument("--out", required=True, help="a folder; it is made")
    parser.add_argument("--rows", type=int, default=0, metavar="N", help="of each file (default: as few as in the source's samples)")
    parser.add_argument("--changes", type=int, default=2, metavar="N", help="files with changes (default: 2)")
    parser.add_argument("--days", type=int, default=2, metavar="N", help="files of the aggregation (default: 2)")
    parser.add_argument("--taps", type=int, default=0, metavar="N", help="records of the Kafka topic, in one file (default: none)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odd", action="store_true", help="byte order mark, CRLF, blanks, offsets, fractions of all lengths: all of it readable")
    parser.add_argument("--bad", action="store_true", help="one value that is no number, and one that is no date")
    parser.add_argument("--current", metavar="FILE", help="the rows that are left after all changes, as JSON")
    a = parser.parse_args()
    if min(a.rows, a.changes, a.days, a.taps) < 0:
        parser.error("--rows, --changes, --days and --taps are not negative")
    return a


def main():
    try:
        write_all(arguments())
    except OSError as e:
        sys.exit("make-transit-sample.py: %s" % e)


if __name__ == "__main__":
    main()
