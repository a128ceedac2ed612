"""GlueContext: sources and sinks of dynamic frames."""
import logging
import os
import shutil
import tempfile
import time

from pyspark.sql import SparkSession, functions

from . import places
from .dynamicframe import DynamicFrame


def refuse(what, given, known):
    for name in given:
        if name not in known:
            raise ValueError(f"{what} '{name}' is not in the stand-in for awsglue")


def read_csv(reader, paths, options):
    refuse("CSV option", options, ("withHeader", "separator", "quoteChar", "escaper", "multiline", "multiLine", "optimizePerformance"))
    header = str(options.get("withHeader", False)).lower() == "true"
    quote = options.get("quoteChar", '"')
    frame = reader.csv(paths, header=header, sep=options.get("separator", ","), quote="" if quote in (-1, "-1") else quote,
                       escape=options.get("escaper", '"'), multiLine=str(options.get("multiline", options.get("multiLine", False))).lower() == "true")
    return frame if header else frame.toDF(*[f"col{n}" if name == f"_c{n}" else name for n, name in enumerate(frame.columns)])


def read_json(reader, paths, options):
    refuse("JSON option", options, ("multiline", "multiLine"))
    return reader.json(paths, multiLine=str(options.get("multiline", options.get("multiLine", False))).lower() == "true")


def read_plain(kind):
    return lambda reader, paths, options: getattr(reader, kind)(*paths)


READERS = {"csv": read_csv, "json": read_json, "parquet": read_plain("parquet"), "glueparquet": read_plain("parquet"), "orc": read_plain("orc")}


class Source:
    """create_dynamic_frame"""

    def __init__(self, context):
        self.context = context

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None,  # pylint: disable=redefined-builtin
                     transformation_ctx="", push_down_predicate="", **_):
        options = dict(connection_options or {})
        if connection_type not in ("s3", "file"):
            raise ValueError(f"connection type '{connection_type}' is not in the stand-in for awsglue: s3 and file are")
        if format not in READERS:
            raise ValueError(f"format '{format}' is not in the stand-in for awsglue: {', '.join(READERS)} are")
        paths = options.pop("paths", None) or [options.pop("path")]
        recurse = str(options.pop("recurse", False)).lower() == "true"
        refuse("connection option", options, ("compressionType", "groupFiles", "groupSize", "useS3ListImplementation"))
        reader = self.context.spark_session.read
        if recurse:
            reader = reader.option("recursiveFileLookup", "true")
        frame = READERS[format](reader, [places.fetch(p) for p in ([paths] if isinstance(paths, str) else paths)], format_options or {})
        if push_down_predicate:
            frame = frame.where(push_down_predicate)
        return DynamicFrame(frame, self.context, transformation_ctx)

    def from_catalog(self, database=None, table_name=None, transformation_ctx="", push_down_predicate="", name_space=None, **_):
        glue, where = places.client("glue"), {"DatabaseName": database or name_space}
        table = glue.get_table(Name=table_name, **where)["Table"]
        keys = table.get("PartitionKeys", [])
        parts = [(table["StorageDescriptor"]["Location"], [])]
        if keys:
            pages = glue.get_paginator("get_partitions").paginate(TableName=table_name, **where)
            parts = [(p["StorageDescriptor"]["Location"], p["Values"]) for page in pages for p in page["Partitions"]]
        frame = None
        for location, values in parts:
            one = self.read_table(table, location)
            for key, value in zip(keys, values):
                one = one.withColumn(key["Name"], functions.lit(value).cast(key["Type"]))
            frame = one if frame is None else frame.unionByName(one)
        if frame is None:
            fields = ", ".join(f"`{c['Name']}` {c['Type']}" for c in table["StorageDescriptor"]["Columns"] + keys)
            frame = self.context.spark_session.createDataFrame([], fields)
        if push_down_predicate:
            frame = frame.where(push_down_predicate)
        return DynamicFrame(frame, self.context, transformation_ctx)

    def read_table(self, table, location):
        storage, kind = table["StorageDescriptor"], table.get("Parameters", {}).get("classification", "")
        serde = storage.get("SerdeInfo", {}).get("Parameters", {})
        columns = storage["Columns"]
        reader = self.context.spark_session.read.option("recursiveFileLookup", "true")
        if kind in ("parquet", "orc"):
            frame = getattr(reader, kind)(places.fetch(location))
            there = {c.lower(): c for c in frame.columns}
            return frame.select(*[(functions.col(f"`{there[c['Name'].lower()]}`") if c["Name"].lower() in there else functions.lit(None))
                                  .cast(c["Type"]).alias(c["Name"]) for c in columns])
        schema = ", ".join(f"`{c['Name']}` {c['Type']}" for c in columns)
        if kind == "json":
            return reader.schema(schema).json(places.fetch(location))
        if kind == "csv":
            counts = (table.get("Parameters", {}).get("skip.header.line.count"), serde.get("skip.header.line.count"))
            return reader.schema(schema).csv(places.fetch(location), header="1" in counts, sep=serde.get("field.delim", serde.get("separatorChar", ",")),
                                             quote=serde.get("quoteChar", '"'), escape='"', enforceSchema=True)
        raise ValueError(f"table '{table['Name']}' is of classification '{kind}', which is not in the stand-in for awsglue")


class Sink:
    """write_dynamic_frame: appends files named as Glue names them."""

    def __init__(self, context):
        self.context = context

    def from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None,  # pylint: disable=redefined-builtin
                     transformation_ctx="", **_):  # pylint: disable=unused-argument
        options, more = dict(connection_options or {}), dict(format_options or {})
        if connection_type not in ("s3", "file"):
            raise ValueError(f"connection type '{connection_type}' is not in the stand-in for awsglue: s3 and file are")
        if format not in READERS:
            raise ValueError(f"format '{format}' is not in the stand-in for awsglue: {', '.join(READERS)} are")
        place, keys, compression = options.pop("path"), options.pop("partitionKeys", []), options.pop("compression", None) or more.pop("compression", None)
        refuse("connection option", options, ())
        writer = frame.toDF().write
        if keys:
            writer = writer.partitionBy(*keys)
        if compression:
            writer = writer.option("compression", compression)
        kind = "parquet" if format == "glueparquet" else format
        if kind == "csv":
            refuse("CSV option", more, ("writeHeader", "separator", "quoteChar", "escaper"))
            quote = more.get("quoteChar", '"')
            writer = writer.option("header", str(more.get("writeHeader", True)).lower()).option("sep", more.get("separator", ","))
            writer = writer.option("quote", "" if quote in (-1, "-1") else quote).option("escape", more.get("escaper", '"'))
            writer = writer.option("emptyValue", "").option("nullValue", "")
        folder = tempfile.mkdtemp(prefix="write-")
        getattr(writer, kind)(os.path.join(folder, "made"))
        self.name_files(os.path.join(folder, "made"))
        places.publish(os.path.join(folder, "made"), place)
        shutil.rmtree(folder, ignore_errors=True)
        return frame

    @staticmethod
    def name_files(folder):
        """run-<milliseconds>-part-r-<number>, and nothing of Spark's own."""
        stamp = int(time.time() * 1000)
        for above, _, names in os.walk(folder):
            for name in names:
                if name.startswith("part-"):
                    number = name.split("-")[1]
                    # "part-00000-<id>.c000.csv.gz": Glue keeps the compression, and the format where readers want it
                    rest = "".join(f".{e}" for e in name.split(".")[1:] if e not in ("c000", "csv", "json"))
                    os.rename(os.path.join(above, name), os.path.join(above, f"run-{stamp}-part-r-{number}{rest}"))
                else:
                    os.remove(os.path.join(above, name))


class GlueContext:
    """GlueContext(SparkContext)"""

    def __init__(self, sparkContext, **_):  # pylint: disable=invalid-name
        self._sc = sparkContext
        self.spark_session = SparkSession.builder.getOrCreate()
        self.create_dynamic_frame, self.write_dynamic_frame = Source(self), Sink(self)

    def create_dynamic_frame_from_options(self, *args, **more):
        return self.create_dynamic_frame.from_options(*args, **more)

    def create_dynamic_frame_from_catalog(self, *args, **more):
        return self.create_dynamic_frame.from_catalog(*args, **more)

    def write_dynamic_frame_from_options(self, *args, **more):
        return self.write_dynamic_frame.from_options(*args, **more)

    def get_logger(self):
        logging.basicConfig(level=logging.INFO)
        return logging.getLogger("GlueLogger")
