"""DynamicFrame over one DataFrame: a column has one type here, so there is no choice to resolve but by a cast."""
from pyspark.sql import functions
from pyspark.sql.types import NullType

TYPES = {"long": "bigint", "short": "smallint", "byte": "tinyint", "integer": "int"}


def spark_type(name):
    return TYPES.get(name.strip().lower(), name)


def steps(path):
    """The names of a path: dots part them, but not between backquotes."""
    found, inside = [""], False
    for c in path:
        if c == "`":
            inside = not inside
        elif c == "." and not inside:
            found.append("")
        else:
            found[-1] += c
    return found


def column(names):
    return functions.col(".".join("`" + n.replace("`", "``") + "`" for n in names))


def has_path(schema, names):
    for name in names:
        if not hasattr(schema, "fieldNames"):
            return False
        match = [f for f in schema.fields if f.name.lower() == name.lower()]
        if not match:
            return False
        schema = match[0].dataType
    return True


def nested(tree):
    """Columns of {name: Column or such a tree}."""
    return [(functions.struct(*nested(v)) if isinstance(v, dict) else v).alias(name) for name, v in tree.items()]


class DynamicFrame:
    """A data frame with Glue's methods."""

    def __init__(self, df, glue_ctx, name=""):
        self._df, self.glue_ctx, self.name = df, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name=""):  # pylint: disable=invalid-name
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options=None):  # pylint: disable=invalid-name,unused-argument
        return self._df

    def _of(self, df):
        return DynamicFrame(df, self.glue_ctx, self.name)

    def schema(self):
        return self._df.schema

    def printSchema(self):  # pylint: disable=invalid-name
        self._df.printSchema()

    def show(self, num_rows=20):
        self._df.show(num_rows)

    def count(self):
        return self._df.count()

    def repartition(self, num_partitions, *_, **__):
        return self._of(self._df.repartition(num_partitions))

    def coalesce(self, num_partitions, *_, **__):
        return self._of(self._df.coalesce(num_partitions))

    def select_fields(self, paths, *_, **__):
        wanted = [steps(p) for p in ([paths] if isinstance(paths, str) else paths)]
        return self._of(self._df.select(*[column(p).alias(p[-1]) for p in wanted if has_path(self._df.schema, p)]))

    def drop_fields(self, paths, *_, **__):
        df = self._df
        for path in [paths] if isinstance(paths, str) else paths:
            names = steps(path)
            if len(names) == 1:
                df = df.drop(names[0])
            elif has_path(df.schema, names):
                df = df.withColumn(names[0], functions.col(f"`{names[0]}`").dropFields(".".join(f"`{n}`" for n in names[1:])))
        return self._of(df)

    def rename_field(self, oldName, newName, *_, **__):  # pylint: disable=invalid-name
        old, new = steps(oldName), steps(newName)
        if len(old) == 1 and len(new) == 1:
            return self._of(self._df.withColumnRenamed(old[0], new[0]))
        raise ValueError(f"'{oldName}' to '{newName}': fields inside of others are not renamed by the stand-in for awsglue")

    def apply_mapping(self, mappings, *_, **__):
        tree = {}
        for mapping in mappings:
            if len(mapping) not in (2, 4):
                raise ValueError(f"{mapping!r} is no mapping (source, type, target, type)")
            source, target = mapping[0], mapping[len(mapping) // 2]
            names = steps(source)
            if not has_path(self._df.schema, names):
                continue  # as on Glue: what is not there is not mapped
            value = column(names)
            if len(mapping) == 4:
                value = value.cast(spark_type(mapping[3]))
            at, path = tree, steps(target)
            for name in path[:-1]:
                at = at.setdefault(name, {})
            at[path[-1]] = value
        return self._of(self._df.select(*nested(tree)))

    def filter(self, f, *_, **__):
        df = self._df
        return self._of(df.sparkSession.createDataFrame(df.rdd.filter(lambda row: f(row.asDict(True))), df.schema))

    def map(self, f, *_, **__):
        df = self._df
        return self._of(df.sparkSession.createDataFrame(df.rdd.map(lambda row: f(row.asDict(True)))))

    def join(self, paths1, paths2, frame2, *_, **__):
        left, right = self._df, frame2.toDF()
        keys1, keys2 = ([p] if isinstance(p, str) else list(p) for p in (paths1, paths2))
        # Names that both have get a dot on the right side, as on Glue.
        both = {c.lower() for c in left.columns}
        renamed = right.toDF(*["." + c if c.lower() in both else c for c in right.columns])
        names = {c: "." + c if c.lower() in both else c for c in right.columns}
        on = [left[f"`{a}`"] == renamed[f"`{names[b]}`"] for a, b in zip(keys1, keys2)]
        return self._of(left.join(renamed, on))

    def resolveChoice(self, specs=None, choice="", *_, **__):  # pylint: disable=invalid-name,keyword-arg-before-vararg,unused-argument
        df = self._df
        for path, action in specs or []:
            kind, _, wanted = action.partition(":")
            if kind in ("cast", "project") and path in df.columns:
                df = df.withColumn(path, df[f"`{path}`"].cast(spark_type(wanted)))
        return self._of(df)

    def dropNullFields(self, *_, **__):  # pylint: disable=invalid-name
        return self._of(self._df.drop(*[f.name for f in self._df.schema.fields if isinstance(f.dataType, NullType)]))
