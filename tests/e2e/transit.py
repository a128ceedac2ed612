"""What tests of the transit platform's jobs share: a database of their own, migrations, places as folders, and an oracle of the rules."""
import datetime
import os

from helpers import ROOT
from jobs import run_job, start_job

MIGRATIONS = os.path.join(ROOT, "stacks", "transit-platform", "migrations")


def make_database(postgres, request):
    name = "db_" + "".join(c if c.isalnum() else "_" for c in request.node.name.lower())[:50].rstrip("_")
    postgres.psql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
    return name


def make_bucket(cloud, name):
    where = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    cloud.client("s3").create_bucket(Bucket=name, **where)


def migrate(tmp_path, postgres, database, migrations=MIGRATIONS, action="up", env=None, **more):
    os.makedirs(tmp_path, exist_ok=True)
    options = {"MIGRATIONS": migrations, "ACTION": action, "POSTGRES": "env", **more}
    words = [str(w) for k, v in options.items() for w in (f"--{k}", v)]
    return run_job(tmp_path, "migrate", *words, env={**postgres.env, "PGDATABASE": database, **(env or {})})


def epoch(text):
    """Seconds of a timestamp as psql prints it."""
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp())


class Platform:
    """A migrated database, and folders (or prefixes of a bucket) for what comes, is archived, failed, and is written."""

    def __init__(self, tmp_path, postgres, database, env=None):
        self.tmp, self.postgres, self.database, self.more = tmp_path, postgres, database, env or {}
        for name in ("incoming", "archive", "error", "springboard"):
            (tmp_path / name).mkdir()
        self.places = {n.upper(): str(tmp_path / n) for n in ("incoming", "archive", "error", "springboard")}
        migrate(tmp_path, postgres, database).ok()

    def env(self):
        return {**self.postgres.env, "PGDATABASE": self.database, **self.more}

    def words(self, name, **more):
        options = {"INCOMING": self.places["INCOMING"], "POSTGRES": "env"}
        if name == "validate-incoming":
            options["INCOMING_DATABASE"] = "incoming"
        if name == "process-ingestion":
            options |= {**self.places, "INCOMING_DATABASE": "incoming", "SPRINGBOARD_DATABASE": "springboard", "INGEST_JOB": "ingest"}
            options |= {"RETRY_SECONDS": 0, "SNOOZE_SECONDS": 0, "POLL_SECONDS": 1}
        options |= more
        return [str(w) for k, v in options.items() if v is not None for w in (f"--{k}", v)]

    def run(self, name, env=None, **more):
        return run_job(self.tmp, name, *self.words(name, **more), env={**self.env(), **(env or {})})

    def start(self, name, scratch, **more):
        os.makedirs(scratch, exist_ok=True)
        return start_job(scratch, name, *self.words(name, **more), env=self.env())

    def sql(self, text):
        return self.postgres.psql(text, self.database)

    def put(self, key, data=b"x", at=None, place="incoming"):
        path = self.tmp / place / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if at is not None:
            os.utime(path, (at, at))
        return key

    def files(self, place):
        root = self.tmp / place
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())

    def add_load(self, key, status, table="cubic_dmap__agg_sample", modified="2022-01-03 04:05:06", size=1, raw="true", snapshot=None):
        number = self.sql(
            f"INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, s3_size, is_raw) SELECT id, '{status}', '{key}', '{modified}', {size}, {raw} "
            f"FROM cubic_tables WHERE name = '{table}' RETURNING id")[0][0]
        if snapshot:
            self.sql(f"INSERT INTO cubic_ods_load_snapshots (load_id, snapshot) VALUES ({number}, '{snapshot}')")
        return int(number)

    def loads(self):
        """(key, seconds, size, status, snapshot in seconds or None) by id."""
        rows = self.sql(
            "SELECT s3_key, s3_modified, s3_size, status, snapshot FROM cubic_loads l LEFT JOIN cubic_ods_load_snapshots s ON load_id = l.id ORDER BY l.id")
        return [(r[0], epoch(r[1]), int(r[2]), r[3], epoch(r[4]) if r[4] else None) for r in rows]

    def statuses(self):
        return {r[0]: r[3] for r in self.loads()}


class Oracle:
    """What process-incoming and validate-incoming make of files: the rules, over a state of its own."""

    def __init__(self, tables, limit=500, late=3600):
        """tables: {prefix: the snapshot's key, or None for those that are not ODS}"""
        self.tables, self.limit, self.late = tables, limit, late
        self.loads, self.snapshots = [], {}

    def incoming(self, files):
        """files: {key: (seconds, size)}"""
        for prefix, snapshot_key in self.tables.items():
            change = prefix[:-1] + "__ct/"
            mine = [load for load in self.loads if load["prefix"] == prefix]
            mark = max((load["modified"] for load in mine), default=0) - self.late
            known = {(load["key"], load["modified"]) for load in mine}
            new = [
                (at, key != snapshot_key, key, size) for key, (at, size) in files.items()
                if key.startswith((prefix, change)) and key.endswith(".csv.gz") and at >= mark and (key, at) not in known
            ]
            for at, _, key, size in sorted(new)[: self.limit]:
                if key == snapshot_key:
                    self.snapshots[prefix] = at
                snapshot = self.snapshots.get(prefix)
                ready = size > 0 and (snapshot_key is None or snapshot is not None)
                self.loads.append({
                    "prefix": prefix, "key": key, "modified": at, "size": size, "status": "ready" if ready else "ready_for_erroring", "snapshot": snapshot,
                })

    def validate(self, limit=100):
        for prefix, snapshot_key in self.tables.items():
            mine = [load for load in self.loads if load["prefix"] == prefix]
            since = 0 if snapshot_key is None else max((load["modified"] for load in mine if load["key"] == snapshot_key), default=None)
            ready = [load for load in mine if load["status"] == "ready" and since is not None and load["modified"] >= since]
            for load in sorted(ready, key=lambda load: (load["modified"], load["key"]))[:limit]:
                load["status"] = "ready_for_ingesting"

    def rows(self):
        return sorted((x["key"], x["modified"], x["size"], x["status"], x["snapshot"]) for x in self.loads)


def chunks(sizes):
    """Numbers of loads in each chunk, by the rule as it is told."""
    out, total = [], 0
    for size in sizes:
        if not out or out[-1] == 10 or total + size > 100_000_000:
            out, total = [*out, 0], 0
        out[-1] += 1
        total += size
    return out
