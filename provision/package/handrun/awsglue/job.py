"""The job's own object. Bookmarks are not kept by hand: every run reads all of its input."""
import sys


class Job:
    """Job(glueContext); init(name, args); … ; commit()."""

    def __init__(self, glue_context):
        self.glue_context, self.name, self.args = glue_context, None, {}

    def init(self, job_name, args=None):
        self.name, self.args = job_name, dict(args or {})
        if self.args.get("job_bookmark_option") == "job-bookmark-enable":
            print("awsglue stand-in: bookmarks are not kept in a run by hand, all of the input is read", file=sys.stderr)

    def isInitialized(self):  # pylint: disable=invalid-name
        return self.name is not None

    def commit(self):
        if self.name is None:
            raise RuntimeError("Job.commit() before Job.init()")
