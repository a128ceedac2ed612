"""clean and repartition as bare DuckDB SQL: python sales_duckdb.py clean|repartition SOURCE TARGET."""
import sys

import duckdb

TEXTS = ["Region", "Country", "Item Type", "Sales Channel", "Order Priority"]
BLANKS = "chr(32) || chr(9)"
WHOLE = "TRY_CAST(trunc(TRY_CAST(trim({0}, {1}) AS DECIMAL(18, 4))) AS INTEGER)"
AMOUNT = "TRY_CAST(trim({0}, {1}) AS DECIMAL(10, 2))"
DATE = "CASE WHEN regexp_full_match({0}, '\\d{{1,2}}/\\d{{1,2}}/\\d{{4}}') THEN try_strptime({0}, '%m/%d/%Y')::DATE END"
COLUMNS = [*((t, "{0}") for t in TEXTS), ("Order Date", DATE), ("Order ID", "{0}"), ("Ship Date", DATE), ("Units Sold", WHOLE)] + [
    (c, AMOUNT) for c in ("Unit Price", "Unit Cost", "Total Revenue", "Total Cost", "Total Profit")
]


def clean(source, target):
    columns = ", ".join(
        f'{sql.format(chr(34) + name + chr(34), BLANKS)} AS {name.replace(" ", "_").lower()}' for name, sql in COLUMNS
    )
    read = f"read_csv('{source}', all_varchar = true, allow_quoted_nulls = false, header = true, delim = ',', quote = '\"', escape = '\"')"
    duckdb.sql(f"COPY (SELECT DISTINCT {columns} FROM {read}) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")


def repartition(source, target):
    duckdb.sql(f"COPY (FROM '{source}') TO '{target}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (country))")


if __name__ == "__main__":
    {"clean": clean, "repartition": repartition}[sys.argv[1]](*sys.argv[2:])
