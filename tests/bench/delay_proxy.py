"""A network that is far away: every reply is held back for the same time, all of them at once."""
import time

from crash_proxy import CrashProxy


class DelayProxy(CrashProxy):
    """`calls` counts the requests that went through."""

    def __init__(self, upstream, seconds):
        super().__init__(upstream)
        self.seconds = seconds

    def count(self):
        time.sleep(self.seconds)
        return super().count()
