"""PySpark's local mode with all CPUs, quiet, for the benches that compare with it."""
import importlib.util
import shutil

NO_SPARK = "skipped: no pyspark or no java here"


def has_spark():
    return bool(importlib.util.find_spec("pyspark") and shutil.which("java"))


def session(options):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
