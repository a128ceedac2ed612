"""Folders of files on this machine, or of objects in S3 by way of a copy on this machine: Spark from PyPI cannot read S3."""
import os
import shutil
import tempfile
from urllib.parse import urlparse


def client(service):
    """A boto3 client of the cloud that the environment names."""
    try:
        import boto3  # pylint: disable=import-outside-toplevel
    except ImportError as e:
        raise RuntimeError(f"boto3 is not installed for this Python, and {service} is asked for") from e
    if not os.environ.get("AWS_ACCESS_KEY_ID"):
        raise RuntimeError(f"{service} is asked for, and no local cloud of the project runs: `glueproj local start`, or --local")
    return boto3.client(service)


def is_s3(place):
    return urlparse(place).scheme in ("s3", "s3a", "s3n")


def local(place):
    """A plain path of a place on this machine."""
    parts = urlparse(place)
    if parts.scheme == "file":
        return parts.path
    if parts.scheme and len(parts.scheme) > 1:
        raise ValueError(f"'{place}' is no place that the stand-in can read or write")
    return place


def bucket_and_key(place):
    parts = urlparse(place, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/")


def fetch(place):
    """The place on this machine; of S3, a copy of all objects below it."""
    if not is_s3(place):
        path = local(place)
        if not os.path.exists(path):
            raise FileNotFoundError(f"'{place}' does not exist")
        return path
    s3, (bucket, prefix), folder = client("s3"), bucket_and_key(place), tempfile.mkdtemp(prefix="read-")
    found = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            rest = item["Key"][len(prefix):]
            # "a/b" stands for the object a/b and what is below a/b/, not for a/bc
            if item["Key"].endswith("/") or (rest and prefix and not prefix.endswith("/") and not rest.startswith("/")):
                continue
            path = os.path.join(folder, *[p for p in (rest or os.path.basename(prefix)).split("/") if p not in ("", ".", "..")])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            s3.download_file(bucket, item["Key"], path)
            found += 1
    if not found:
        raise FileNotFoundError(f"'{place}' holds no objects")
    return folder


def publish(folder, place):
    """Moves the files of a folder below a place, beside what is there."""
    s3 = client("s3") if is_s3(place) else None
    for above, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(above, name)
            relative = os.path.relpath(path, folder)
            if s3:
                bucket, prefix = bucket_and_key(place)
                s3.upload_file(path, bucket, "/".join([p for p in (prefix.rstrip("/"), relative) if p]))
                continue
            to = os.path.join(local(place), relative)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(path, to + ".part")
            os.replace(to + ".part", to)
