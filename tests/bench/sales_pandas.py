"""extract, clean and repartition as one would write them with pandas: python sales_pandas.py STEP SOURCE TARGET."""
import os
import shutil
import sys
import zipfile

BLANKS = " \t"


def extract(source, target):
    """The standard library: pandas has no part in it."""
    shutil.copy(source, target)
    with zipfile.ZipFile(source) as z:
        for name in z.namelist():
            with z.open(name) as member, open(os.path.join(target, name.replace(" ", "-")), "wb") as out:
                shutil.copyfileobj(member, out, 1 << 20)


def cents_of(column):
    """Half up at two places, in whole numbers; beyond ten digits null. The source has at most four places."""
    import numpy as np
    import pandas as pd

    number = pd.to_numeric(column.str.strip(BLANKS), errors="coerce")
    small = np.rint(number.abs() * 10000)
    cents = (small + 50) // 100 * np.sign(number)
    return cents.where(cents.abs() < 10**10)


def decimal_array(cents):
    """decimal(10,2) from cents: 16 bytes each, the upper half is the sign."""
    import numpy as np
    import pyarrow as pa

    low = cents.fillna(0).to_numpy().astype("int64")
    words = np.empty((len(low), 2), "int64")
    words[:, 0], words[:, 1] = low, low >> 63
    valid = pa.py_buffer(np.packbits(cents.notna().to_numpy(), bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.decimal128(10, 2), len(low), [valid, pa.py_buffer(words)])


def clean(source, target):
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet

    frame = pd.read_csv(source, dtype=str, keep_default_na=False, na_values=[""])
    frame.columns = [c.replace(" ", "_").lower() for c in frame.columns]
    for name in ("order_date", "ship_date"):
        text = frame[name].where(frame[name].str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", na=False))
        frame[name] = pd.to_datetime(text, format="%m/%d/%Y", errors="coerce")
    units = np.trunc(pd.to_numeric(frame["units_sold"].str.strip(BLANKS), errors="coerce"))
    frame["units_sold"] = units.where((units >= -(2**31)) & (units < 2**31))
    amounts = ["unit_price", "unit_cost", "total_revenue", "total_cost", "total_profit"]
    for name in amounts:
        frame[name] = cents_of(frame[name])
    frame = frame.drop_duplicates(ignore_index=True)
    arrays = {}
    for name in frame.columns:
        if name in amounts:
            arrays[name] = decimal_array(frame[name])
        elif name.endswith("_date"):
            arrays[name] = pa.array(frame[name], pa.timestamp("s")).cast(pa.date32())
        else:
            arrays[name] = pa.array(frame[name].astype("Int32") if name == "units_sold" else frame[name], from_pandas=True)
    pa.parquet.write_table(pa.table(arrays), target, compression="snappy")


def repartition(source, target):
    import pandas as pd

    pd.read_parquet(source, dtype_backend="pyarrow").to_parquet(target, partition_cols=["country"], compression="snappy", index=False)


if __name__ == "__main__":
    {"extract": extract, "clean": clean, "repartition": repartition}[sys.argv[1]](*sys.argv[2:])
