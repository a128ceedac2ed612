"""For the tests of the Exabel pipeline's jobs: a folder and a bucket with one face, the stand-in's sample, and runs that keep the key."""
import gzip
import os
import re
import subprocess
import sys

from exabel_standin import KEY
from helpers import ROOT
from jobs import run_job

IDENTITIES = "data/etl-output/mapping/identities/"
IDENTITIES_PREPARED = "data/etl-output/mapping/identities-prepared/"
ENTITY_MAPPING = "data/etl-output/mapping/entity-mapping/"
EXTRACTED = "data/etl-output/time-series/extracted"
PREPARED = "data/etl-output/time-series/prepared/"
RUN = re.compile(r"\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d/")
PART = re.compile(r"run-\d{13}-part-r-\d{5}\.gz")


def make_sample(folder, *options):
    """The three tables and entities.json, made up."""
    words = [sys.executable, os.path.join(ROOT, "scripts", "make-exabel-sample.py"), "--out", str(folder)]
    subprocess.run([*words, "--entities-out", os.path.join(str(folder), "entities.json"), *map(str, options)], check=True)
    return folder


class Folder:
    """A place that is a folder: keys are paths below it."""

    env = {}

    def __init__(self, path):
        self.path = str(path)
        self.place = self.path
        os.makedirs(self.path, exist_ok=True)

    def keys(self, prefix=""):
        found = [os.path.relpath(os.path.join(d, f), self.path) for d, _, files in os.walk(self.path) for f in files]
        return sorted(k for k in found if k.startswith(prefix))

    def read(self, key):
        with open(os.path.join(self.path, key), "rb") as f:
            return f.read()

    def put(self, key, data):
        path = os.path.join(self.path, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def delete(self, prefix):
        for key in self.keys(prefix):
            os.unlink(os.path.join(self.path, key))

    def nothing_unfinished(self):
        """No temporary files, no uploads that were begun."""
        odd = [k for k in self.keys() if re.search(r"(^|/)[._]|\.part|\.tmp|~$", k)]
        assert not odd, odd


class Bucket:
    """A place that is a bucket of the local cloud; folder markers do not count as keys."""

    def __init__(self, cloud, name="exabel-test"):
        self.s3, self.name, self.place = cloud.client("s3"), name, name
        self.env = {**cloud.env(), "AWS_EC2_METADATA_DISABLED": "true"}
        where = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        self.s3.create_bucket(Bucket=name, **where)

    def objects(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [o for p in pages for o in p.get("Contents", [])]

    def keys(self, prefix=""):
        return sorted(o["Key"] for o in self.objects(prefix) if not o["Key"].endswith("/"))

    def markers(self, prefix=""):
        return sorted(o["Key"] for o in self.objects(prefix) if o["Key"].endswith("/") and o["Size"] == 0)

    def read(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key, data):
        self.s3.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, prefix):
        for o in self.objects(prefix):
            self.s3.delete_object(Bucket=self.name, Key=o["Key"])

    def nothing_unfinished(self):
        assert not self.s3.list_multipart_uploads(Bucket=self.name).get("Uploads")


def run(tmp, store, name, *words, env=None, **more):
    """A run at a place; whatever becomes of it, the key is in nothing that it says, and nothing is left half done."""
    result = run_job(tmp, name, "--bucket", store.place, *words, env={**store.env, **(env or {})}, **more)
    assert KEY not in result.stdout + result.stderr, "the key shows"
    store.nothing_unfinished()
    return result


def mapping_prepare(tmp, store, *words, **more):
    return run(tmp, store, "mapping-prepare", "--input-key", IDENTITIES, "--output-key", IDENTITIES_PREPARED,
               "--output-filename", "identities.csv.gz", *words, **more)


def entity_mapping(tmp, store, standin, *words, key=("--exabel-api-key", KEY), **more):
    return run(tmp, store, "entity-mapping", *key, "--exabel-api-host", standin if isinstance(standin, str) else standin.url,
               "--input-key", IDENTITIES_PREPARED, "--input-filename", "identities.csv.gz", "--output-key", ENTITY_MAPPING,
               "--output-filename", "entity_mapping.csv", *words, **more)


def timeseries_prepare(tmp, store, *words, **more):
    return run(tmp, store, "timeseries-prepare", "--data-key", EXTRACTED, "--mapping-key", ENTITY_MAPPING, "--mapping-filename",
               "entity_mapping.csv", "--output-key", PREPARED, "--output-filename", "timeseries.csv.gz", *words, **more)


def load(tmp, store, standin, *words, signals="ns.dwell", key=("--exabel-api-key", KEY), **more):
    return run(tmp, store, "load-timeseries", *key, "--exabel-api-host", standin if isinstance(standin, str) else standin.url,
               "--input-key", PREPARED, "--input-filename", "timeseries.csv.gz", "--signals", signals, *words, **more)


def only_key(store, prefix, filename):
    """The one output below a prefix: <prefix><time>/<filename>."""
    keys = store.keys(prefix)
    assert len(keys) == 1, keys
    run_name = keys[0][len(prefix) : -len(filename)]
    assert keys[0].endswith(filename) and RUN.fullmatch(run_name), keys[0]
    return keys[0]


def output(store, prefix, filename):
    data = store.read(only_key(store, prefix, filename))
    return (gzip.decompress(data) if filename.endswith(".gz") else data).decode("utf-8")


def put_identities(store, text, run_name="2026-11-20_18:00:00", filename="identities.csv.gz"):
    store.put(f"{IDENTITIES_PREPARED}{run_name}/{filename}", gzip.compress(text.encode()))


def put_mapping(store, text, run_name="2026-11-20_18:00:00", filename="entity_mapping.csv"):
    store.put(f"{ENTITY_MAPPING}{run_name}/{filename}", text.encode())


def put_series(store, text, run_name="2026-11-20_18:00:00", filename="timeseries.csv.gz"):
    data = text if isinstance(text, bytes) else gzip.compress(text.encode())
    store.put(f"{PREPARED}{run_name}/{filename}", data)
