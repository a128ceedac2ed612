"""What tests of the transit platform's jobs share: a database of their own, migrations, places as folders, and an oracle of the rules."""
import os

from helpers import ROOT
from jobs import run_job

MIGRATIONS = os.path.join(ROOT, "stacks", "transit-platform", "migrations")


def make_database(postgres, request):
    name = "db_" + "".join(c if c.isalnum() else "_" for c in request.node.name.lower())[:50].rstrip("_")
    postgres.psql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
    return name


def migrate(tmp_path, postgres, database, migrations=MIGRATIONS, action="up", env=None, **more):
    os.makedirs(tmp_path, exist_ok=True)
    options = {"MIGRATIONS": migrations, "ACTION": action, "POSTGRES": "env", **more}
    words = [str(w) for k, v in options.items() for w in (f"--{k}", v)]
    return run_job(tmp_path, "migrate", *words, env={**postgres.env, "PGDATABASE": database, **(env or {})})
