"""For benches of long runs: glueproj, bare DuckDB, pandas and PySpark, their rows in the table, and whether they wrote the same."""
import os
import shutil

import duckdb
from bench_jobs import measure_all
from spark_session import NO_SPARK, has_spark


class Contender:
    """A way of doing it: a process of its own, which writes into the folder `target`."""

    def __init__(self, by, words, target, environment=None):
        self.by, self.words, self.target, self.environment, self.measured = by, words, target, environment, []

    def run(self):
        """False where there was no memory for it, which is a result as well."""
        shutil.rmtree(self.target, ignore_errors=True)
        os.makedirs(self.target)
        os.sync()  # what others have left to be written is none of its time
        try:
            self.measured.append(measure_all(self.words, self.environment))
        except AssertionError as e:
            if "exit -9\n" not in str(e) and "MemoryError" not in str(e):
                raise
            return False
        return True

    def middle(self):
        return sorted(self.measured)[len(self.measured) // 2]


class Contest:
    """Rows of the table about one thing; relation(folder) is what a contender wrote there, as a table of SQL."""

    def __init__(self, table, what, rows, relation, turns):
        self.table, self.what, self.rows, self.relation, self.turns, self.base, self.sum = table, what, rows, relation, turns, None, None

    def add(self, contender, note=""):
        seconds, peak, cpu = contender.middle()
        self.base = self.base or seconds
        cells = {"seconds": f"{seconds:.2f}", "cpu": f"{cpu:.1f}", "rate": f"{self.rows / seconds:.0f}", "peak": peak, "ratio": seconds / self.base}
        self.table.add(self.what, contender.by, note, **cells)

    def check(self, contender):
        """Rows are compared as sums over hashes, as they need not fit into memory, and need no order."""
        relation = self.relation(contender.target)
        types = [r[:2] for r in duckdb.sql(f"DESCRIBE FROM {relation}").fetchall()]
        rows = duckdb.sql(f"SELECT count(*), sum(hash(t)::HUGEINT) FROM {relation} t").fetchone()
        assert rows[0] == self.rows, f"{self.what}: {contender.by} wrote {rows[0]} of {self.rows} rows"
        self.sum = self.sum or (types, rows)
        assert self.sum == (types, rows), f"{self.what}: {contender.by} wrote other rows than glueproj: {self.sum}, {types, rows}"

    def close(self, close):
        """The first is what the others are compared with. All start as often, and every other turn begins with the last, as the machine has moods."""
        for turn in range(self.turns):
            for contender in close[:: -1 if turn % 2 else 1]:
                assert contender.run(), f"{self.what}: no memory for {contender.by}"
        for contender in close:
            self.add(contender, f"middle of {self.turns}" if self.turns > 1 else "")
            self.check(contender)
            shutil.rmtree(contender.target)

    def far(self, contender):
        """One that takes much longer runs once."""
        if contender.run():
            self.add(contender)
            self.check(contender)
        else:
            self.table.add(self.what, contender.by, "not enough memory here")
        shutil.rmtree(contender.target)

    def run(self, mine, other):
        """other(name, shown) gives the contender of that name."""
        self.close([mine, other("duckdb", "bare DuckDB")])
        self.far(other("pandas", "pandas"))
        if has_spark():
            self.far(other("spark", "PySpark"))
        else:
            self.table.add(self.what, "PySpark", NO_SPARK)
