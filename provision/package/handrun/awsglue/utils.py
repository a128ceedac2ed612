"""Arguments of a job."""
import argparse

# What Glue itself gives to a job and takes out of its arguments.
RESERVED = ("job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "encryption-type",
            "enable-data-lineage", "RedshiftTempDir", "TempDir")


class GlueArgumentError(Exception):
    """An argument is missing or wrong."""


class Parser(argparse.ArgumentParser):
    """Raises where argparse would end the program."""

    def error(self, message):
        raise GlueArgumentError(message)


def getResolvedOptions(args, options):  # pylint: disable=invalid-name
    """{name: value} of the options that args holds as `--name value` or `--name=value`; dashes of a name become underscores, as on Glue.
    Other arguments are left alone; a missing one is an error that names it."""
    parser = Parser(allow_abbrev=False, add_help=False)
    for name in options:
        if name in RESERVED[:3]:
            raise RuntimeError("Using reserved arguments " + name)
        parser.add_argument("--" + name, required=True)
    for name in RESERVED:
        if name not in options:
            parser.add_argument("--" + name, default=argparse.SUPPRESS)
    found, _ = parser.parse_known_args(args[1:])
    return vars(found)
