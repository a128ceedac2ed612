"""Runs a script of a job by hand, for `glueproj local run`: SCRIPT FD. Its arguments come through the open file FD, each ended by a NUL, so that
no other user of the machine sees them among the processes; sys.argv holds them as on Glue. The folder of this file has the stand-in for `awsglue`."""
import os
import runpy
import sys


def main():
    script, fd = sys.argv[1], int(sys.argv[2])
    with os.fdopen(fd, "rb") as f:
        words = f.read().split(b"\0")[:-1]
    here = os.path.dirname(os.path.abspath(__file__))
    # The script's own modules come first, the stand-in last: a real awsglue wins.
    sys.path[:] = [os.path.dirname(os.path.abspath(script))] + [p for p in sys.path if os.path.abspath(p or ".") != here] + [here]
    sys.argv[:] = [script] + [os.fsdecode(w) for w in words]
    runpy.run_path(script, run_name="__main__")


main()
