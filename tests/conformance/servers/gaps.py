"""What the servers that others wrote cannot do, found while testing against them; each row is still needed, or the report tells that it is not.

A row with `mend` is put right on the way (shim.py), so that what stands on it can be tested; one with `leaves_out` takes the changes of a type out
of the test; one with `property` excuses what is read back of a property; one with `compare` a property in the comparison with CloudFormation.
"""
import json
import re
import threading
import time

REST_SECONDS = 1.5


class Mend:
    """Nothing changes; each may override one."""

    def before(self, gap, shim, body):
        return body, False

    def after(self, gap, shim, body, status, payload):
        return payload


class TagsGetLost(Mend):
    """A create with tags that does not keep them: they are put on by TagResource."""

    def __init__(self, kind):
        self.kind = kind

    def after(self, gap, shim, body, status, payload):
        request = json.loads(body)
        if status == 200 and request.get("Tags"):
            gap.met += 1
            reader = shim.reader_of_region()
            arn = f"arn:aws:glue:{reader.region}:{reader.server.account}:{self.kind}/{request['Name']}"
            if reader.client("glue").get_tags(ResourceArn=arn)["Tags"] != request["Tags"]:
                gap.needed += 1
                reader.client("glue").tag_resource(ResourceArn=arn, TagsToAdd=request["Tags"])
        return payload


class LogicalIsWanted(Mend):
    """A predicate of one condition needs no Logical."""

    def before(self, gap, shim, body):
        request = json.loads(body)
        predicate = request.get("Predicate") or request.get("TriggerUpdate", {}).get("Predicate")
        if not predicate or "Logical" in predicate:
            return body, False
        gap.met += 1
        gap.needed += 1  # whether it still is, probe() finds
        predicate["Logical"] = "AND"
        return json.dumps(request).encode(), True


class NeverEnds(Mend):
    """A crawl that is said to run for ever: after a while it is at rest."""

    def __init__(self):
        self.began, self.lock = {}, threading.Lock()

    def after(self, gap, shim, body, status, payload):
        reply = json.loads(payload) if status == 200 else {}
        crawler = reply.get("Crawler")
        if not crawler or crawler.get("State") == "READY":
            return payload
        with self.lock:
            began = self.began.setdefault(crawler["Name"], time.monotonic())
        if time.monotonic() - began < REST_SECONDS:
            return payload
        gap.met += 1
        gap.needed += 1
        crawler["State"] = "READY"
        return json.dumps(reply).encode()


class Gap:
    def __init__(self, server, operation, what, mend=None, leaves_out=None, kind=None, path=None, compare=False, probe=None):
        self.server, self.operation, self.what = server, operation, what
        self.mend, self.leaves_out, self.kind, self.path, self.compare, self.probe = mend, leaves_out, kind, path, compare, probe
        self.met = self.needed = 0

    def excuses(self, kind, path):
        return self.kind == kind and self.path is not None and re.fullmatch(self.path, path)

    def gone(self):
        return self.met > 0 and self.needed == 0

    def __repr__(self):
        return f"{self.server}: {self.operation}: {self.what}"


GAPS = [
]


def of_server(name):
    return [g for g in GAPS if g.server == name]
