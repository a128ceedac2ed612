"""The DMAP API's stand-in for a test: started, told to misbehave, read back."""
import os
import subprocess
import sys

from exabel_standin import Standin
from helpers import ROOT

CONTROLLED_KEY, PUBLIC_KEY = "controlled/9c41+f0=&x", "public-5e77a2"
CONTROLLED, PUBLIC = "/datasetcontrolleduserapi/transactional/", "/datasetpublicusersapi/aggregations/"
PROGRAM = os.path.join(ROOT, "tests", "transit", "dmap_standin.py")


class Dmap(Standin):
    def __init__(self):
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "DMAP_STANDIN_CONTROLLED_KEY": CONTROLLED_KEY, "DMAP_STANDIN_PUBLIC_KEY": PUBLIC_KEY}
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "--until-stdin-ends"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.record = None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http"), f"the stand-in does not start: {self.process.wait()}"

    def feeds(self, **feeds):
        """By their last names: agg_… are public, the others controlled."""
        self.ask("feeds", {address(name): items for name, items in feeds.items()})


def address(name):
    return (PUBLIC if name.startswith("agg_") else CONTROLLED) + name


def data_set(name, day, updated=None, **more):
    """One data set of a feed, for a day as YYYY-MM-DD."""
    item = {
        "id": name, "dataset_id": f"{name}_{day.replace('-', '')}", "start_date": day, "end_date": day,
        "last_updated": updated or f"{day}T10:00:00.123456", **more,
    }
    if not {"url", "plain", "bytes", "redirect"} & set(more):
        item.setdefault("data", f"sample_id,sample_name\n1,{name} {day}\n")
    return item
