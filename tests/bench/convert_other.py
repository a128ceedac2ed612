"""The weather conversion as bare DuckDB SQL, in pandas and in PySpark: python convert_other.py duckdb|pandas|spark csv|json|parquet SOURCE TARGET

DuckDB and pandas write a file for each of the source; Spark divides it by itself.
"""
import glob
import os
import sys

LONGS = "outhum windspeed hispeed rain rainrate cooldd inhum windsamp windtx issrecpt arcint".split()
TEXTS = "rowid datetime winddir hidir".split()
ENDING = {"csv": "csv", "json": "json", "parquet": "parquet"}


def types(header):
    return {n: "VARCHAR" if n.lower() in TEXTS else "BIGINT" if n.lower() in LONGS else "DOUBLE" for n in header}


def header_of(path):
    with open(path, encoding="ascii") as f:
        return f.readline().strip().split(",")


def outputs(source, target, form):
    for n, path in enumerate(sorted(glob.glob(os.path.join(source, "*")))):
        yield path, os.path.join(target, f"part-{n:05}.{ENDING[form]}")


def duckdb_convert(form, source, target):
    import duckdb

    option = {"csv": "FORMAT csv, HEADER true", "json": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION snappy"}[form]
    for path, out in outputs(source, target, form):
        names = types(header_of(path))
        columns = ", ".join(f"'{n}': '{t}'" for n, t in names.items())
        wanted = ", ".join(f'"{n}"' + ("::SMALLINT" if n.lower() == "arcint" else "") + f' AS "{n.lower()}"' for n in names)
        duckdb.sql(f"COPY (SELECT {wanted} FROM read_csv('{path}', header = true, columns = {{{columns}}})) TO '{out}' ({option})")


def pandas_convert(form, source, target):
    import pandas

    kinds = {"VARCHAR": str, "BIGINT": "int64", "DOUBLE": "float64"}
    for path, out in outputs(source, target, form):
        chunks = pandas.read_csv(path, dtype={n: kinds[t] for n, t in types(header_of(path)).items()}, chunksize=500000, keep_default_na=False)
        if form == "parquet":
            frame = pandas.concat(chunks)
            frame.rename(columns=str.lower).astype({"arcint": "int16"}).to_parquet(out, compression="snappy", index=False)
            continue
        for at, chunk in enumerate(chunks):
            chunk = chunk.rename(columns=str.lower).astype({"arcint": "int16"})
            if form == "csv":
                chunk.to_csv(out, mode="a", header=at == 0, index=False)
            else:
                chunk.to_json(out, orient="records", lines=True, mode="a")


def spark_convert(form, source, target):
    from pyspark.sql import functions as f
    from spark_session import session

    spark = session({"spark.driver.memory": "3g"})
    paths = sorted(glob.glob(os.path.join(source, "*")))
    kinds = types(header_of(paths[0]))
    schema = ", ".join(f"{n} {'STRING' if t == 'VARCHAR' else t}" for n, t in kinds.items())
    wanted = [f.col(n).cast("short").alias(n.lower()) if n.lower() == "arcint" else f.col(n).alias(n.lower()) for n in kinds]
    options = {"csv": {"header": True}, "json": {}, "parquet": {"compression": "snappy"}}[form]
    spark.read.csv(paths, header=True, schema=schema).select(wanted).write.format(form).options(**options).mode("overwrite").save(target)
    spark.stop()


if __name__ == "__main__":
    {"duckdb": duckdb_convert, "pandas": pandas_convert, "spark": spark_convert}[sys.argv[1]](*sys.argv[2:])
