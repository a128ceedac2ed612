"""Requests a second of the local cloud and of moto's server, asked by one client: boto3, and one that sends bytes signed before.

The local cloud checks signatures and keeps all on disk; moto's server does neither.
"""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import boto3
import botocore.config
from bench_setup import TRUST
from helpers import Cloud, Runner
from botocore.exceptions import EndpointConnectionError

BUCKET, KEY, JOB, BODY = "bench-cloud", "some/object.bin", "bench-job", bytes(range(256)) * 64
OPERATIONS = {"GetObject": "GetObject 16 KiB", "PutObject": "PutObject 16 KiB", "GetJob": "GetJob"}


class Server:
    """An endpoint, with a bucket, an object and a job in it."""

    def __init__(self, endpoint, region, key, secret):
        self.endpoint, self.prepared = endpoint, {}
        config = botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        self.s3, self.glue, self.iam = (
            boto3.client(s, endpoint_url=endpoint, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, config=config)
            for s in ("s3", "glue", "iam")
        )
        self.calls = {
            "GetJob": lambda: self.glue.get_job(JobName=JOB),
            "PutObject": lambda: self.s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY),
            "GetObject": lambda: self.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read(),
        }

    def fill(self):
        where = {} if self.s3.meta.region_name == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.s3.meta.region_name}}
        self.s3.create_bucket(Bucket=BUCKET, **where)
        role = self.iam.create_role(RoleName="BenchRole", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.glue.create_job(Name=JOB, Role=role, Command={"Name": "pythonshell", "ScriptLocation": f"s3://{BUCKET}/job.py"})
        self.calls["PutObject"]()
        for client in (self.s3, self.glue):
            client.meta.events.register("before-send", self.remember)
        for operation, call in self.calls.items():
            self.wanted = operation
            call()
        for client in (self.s3, self.glue):
            client.meta.events.unregister("before-send", self.remember)

    def remember(self, request, **_):
        """The signed request as it goes out; it holds for minutes, so that it can be sent again and again."""
        parts = urlsplit(request.url)
        body = request.body.read() if hasattr(request.body, "read") else request.body
        if hasattr(request.body, "seek"):
            request.body.seek(0)
        headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items() if k.lower() != "expect"}
        self.prepared[self.wanted] = request.method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers

    def per_second_boto3(self, operation, seconds):
        return rate(self.calls[operation], seconds)

    def per_second(self, operation, seconds):
        method, path, body, headers = self.prepared[operation]
        parts = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def call():
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            data = reply.read()
            assert reply.status == 200, (reply.status, data[:300])

        try:
            return rate(call, seconds)
        finally:
            connection.close()


def rate(call, seconds):
    for _ in range(20):
        call()
    n, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        call()
        n += 1
    return n / (time.monotonic() - begin)


@contextlib.contextmanager
def local_cloud(folder):
    cloud = Cloud(Runner(folder), os.path.join(folder, "cloud"))
    try:
        yield Server(cloud.endpoint, cloud.region, cloud.access_key_id, cloud.secret_access_key)
    finally:
        cloud.stop()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def moto_server(folder):
    port = free_port()
    with open(os.path.join(folder, "moto.log"), "wb") as log:
        process = subprocess.Popen([os.path.join(os.path.dirname(sys.executable), "moto_server"), "-p", str(port)], stdout=log, stderr=log)
    try:
        server = Server(f"http://127.0.0.1:{port}", "us-east-1", "test", "test")
        wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def wait_until_up(server, process):
    for _ in range(300):
        assert process.poll() is None, "moto_server ended"
        with contextlib.suppress(EndpointConnectionError):
            return server.s3.list_buckets()
        time.sleep(0.1)
    raise AssertionError("moto_server does not answer")


def run(table, folder, arguments):
    with local_cloud(folder) as ours, moto_server(folder) as moto:
        ours.fill()
        moto.fill()
        for operation, shown in OPERATIONS.items():
            base = None
            for client, way in (("signed before", "per_second"), ("boto3", "per_second_boto3")):
                for by, server in (("glueproj local", ours), ("moto server", moto)):
                    found = getattr(server, way)(operation, arguments.seconds)
                    base = found if server is ours else base
                    table.add(f"serve {shown}", f"{by}, {client}", rate=f"{found:.0f}", ratio=base / found)
