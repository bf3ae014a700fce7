#!/usr/bin/env python3
"""The translation of models: what it refuses, and that what it lets through means the same to DuckDB and to Spark."""
import json
import math
import os
import unittest

import duckdb
import parity
import sparkkit  # the path to spark/, too
from ecluse_engine.failure import Failure
from ecluse_engine.models import Models, spark_type
from ecluse_engine.statistics import without_texts
from ecluse_engine.tasks import pack
from ecluse_engine.translate import Model, translate

COLUMNS = {"d": "date", "x": "float", "y": "float", "i": "integer", "j": "integer", "s": "string", "b": "boolean", "m": "decimal(10,2)",
           "t": "datetime"}
TABLES = {"a": COLUMNS, "u": {"s": "string", "x": "float", "k": "integer"}}


def model(sql, **more):
    return Model("mine", "transformations/mine.sql", sql, {}, list(TABLES), **more)


class Refused(unittest.TestCase):
    """Each with the line, the column and the function as the model writes it."""

    def refusal(self, sql):
        with self.assertRaises(Failure) as caught:
            translate(model(sql), TABLES, "2025-07-19")
        self.assertEqual(caught.exception.code, "config")
        self.assertEqual(caught.exception.file, "transformations/mine.sql")
        return caught.exception

    def test_place_and_name(self):
        for sql, line, column, name in (
                ("-- a remark\nSELECT\n    d,\n    List_Sum(x) AS n\nFROM a", 4, 5, "List_Sum()"),
                ("SELECT strftime(d, '%Y') AS y FROM a", 1, 8, "strftime()"),
                ("SELECT d,\n regexp_extract(s, 'x') AS y FROM a", 2, 2, "regexp_extract()"),
                ("SELECT date_trunc('month', d) AS y FROM a", 1, 8, "date_trunc()"),
                ("SELECT string_agg(s, ',') AS y FROM a", 1, 8, "string_agg()"),
                ("SELECT random() AS y FROM a", 1, 8, "random()"),
                ("WITH q AS (\n SELECT minute(t) AS h FROM a)\nSELECT h FROM q", 2, 9, "minute()")):
            with self.subTest(sql):
                failure = self.refusal(sql)
                self.assertIn(f"cannot run on Spark: {name}", failure.message)
                self.assertIn("the model mine", failure.message)
                self.assertEqual((failure.line, failure.column), (line, column))

    def test_constructs(self):
        for sql in ("SELECT i // 2 AS y FROM a", "SELECT x ** 2 AS y FROM a", "SELECT i % j AS y FROM a", "SELECT [1, 2] AS y FROM a",
                    "SELECT {'p': 1} AS y FROM a", "SELECT DISTINCT ON (d) d, x FROM a", "SELECT a.d FROM a ASOF JOIN a AS c ON a.d >= c.d",
                    "SELECT s LIKE s AS y FROM a", "SELECT s LIKE 'a\\_%' AS y FROM a", "SELECT CAST(s AS INTEGER) AS y FROM a",
                    "SELECT CAST(x AS VARCHAR) AS y FROM a", "SELECT CAST(x AS DECIMAL(10,2)) AS y FROM a",
                    "WITH q AS (SELECT quantile_cont(x, [0.5]) AS list FROM a) SELECT list[1] AS y FROM q",
                    "SELECT quantile_cont(m, 0.5) AS y FROM a", "SELECT quantile_cont(x, [0.5])[1] AS y FROM a", "SELECT d + INTERVAL 1 DAY AS y FROM a",
                    "SELECT sum(i) AS y FROM a GROUP BY ROLLUP (d)", "SELECT x FROM a USING SAMPLE 10", "PIVOT a ON s USING sum(x)"):
            with self.subTest(sql):
                self.refusal(sql)

    def test_nothing_else_is_on_the_list(self):
        """A function that nobody has thought of is refused, whatever sqlglot makes of it."""
        for name in "levenshtein soundex epoch list histogram mode arg_max first approx_quantile stddev bit_count chr".split():
            with self.subTest(name):
                self.refusal(f"SELECT {name}(x) AS y FROM a")


class Statistics(unittest.TestCase):
    def test_no_texts_and_exact_numbers(self):
        stats = ('{"numRecords":2,"minValues":{"email":"a@example.net","m":12345678901234567890123456789.123456789,"d":"2025-07-18"},'
                 '"maxValues":{"email":"z@example.net"},"nullCount":{"email":0}}')
        columns = {"email": "string", "m": "decimal(38,9)", "d": "date"}
        self.assertEqual(without_texts(stats, columns),
                         '{"numRecords":2,"minValues":{"m":12345678901234567890123456789.123456789,"d":"2025-07-18"},'
                         '"maxValues":{},"nullCount":{"email":0}}')


class Packing(unittest.TestCase):
    def test_large_alone_small_together(self):
        sizes = [500 << 20, 200 << 20, *[1 << 20] * 130]
        groups = pack([{"bytes": size, "task": {"task": str(n)}} for n, size in enumerate(sizes)], 1)
        self.assertEqual([len(group) for group in groups], [1, 1, 64, 64, 2])
        self.assertEqual([json.loads(line)["task"] for group in groups for line in group], [str(n) for n in range(len(sizes))])

    def test_every_processor_has_some(self):
        groups = pack([{"bytes": 1000, "task": {}} for _ in range(80)], 4)
        self.assertGreaterEqual(len(groups), 16)
        self.assertEqual(len(pack([{"bytes": 0, "task": {}}], 8)), 1)


# Expressions over the rows below, and aggregates of them.
EXPRESSIONS = """
i / j; i / nullif(j, 0); m / 2; x / y; x / 0; round(x, 2); round(x); round(m, 1); floor(x); ceil(y); abs(x); -i
CAST(x AS BIGINT); CAST(m AS INTEGER); CAST(b AS INTEGER); CAST(i AS DOUBLE); CAST(m AS DOUBLE); CAST(t AS DATE); CAST(d AS TIMESTAMP)
CAST(i AS VARCHAR); CAST(d AS VARCHAR); TRY_CAST(x AS DOUBLE); d + 1; d - 2; d - DATE '2025-01-01'; year(d); month(d); day(d)
x > y; x = y; x IS DISTINCT FROM y; s IS NOT DISTINCT FROM 'b'; b IS TRUE; NOT b; b AND x > 1; i IN (1, 2, NULL); i BETWEEN 1 AND 3
coalesce(s, 'none'); nullif(s, 'b'); greatest(i, j); least(x, y); lower(s); upper(s); s || '!'; s LIKE 'a%'; s LIKE '_'; i % 3; i % -3
CASE WHEN x > 1 THEN 'much' WHEN x IS NULL THEN 'none' ELSE 'little' END; CASE s WHEN 'a' THEN 1 END; run_date(); run_date() - d; i * j; m * 2; m + i
""".replace("\n", ";")
AGGREGATES = """
count(*); count(x); count(DISTINCT s); count(*) FILTER (b); sum(i); sum(m); sum(x) FILTER (WHERE x < 1000); min(x); max(x); min(s); max(d)
avg(i); avg(m); avg(CAST(b AS INTEGER)); exact_sum(x); exact_avg(x); exact_avg(m); exact_sum(x * i); exact_avg(CAST(NULL AS DOUBLE))
quantile_cont(CAST(i AS DOUBLE), 0.95); quantile_cont(i, 0.5); median(i)
""".replace("\n", ";")
ROWS = """
(DATE '2025-07-18', 0.5, 1.5, 1, 2, 'a', true, 12.35, TIMESTAMP '2025-07-18 23:59:59.999999'),
(DATE '2025-07-18', 2.675, -2.5, -7, 3, 'b', false, -0.05, TIMESTAMP '2025-07-18 00:00:00'),
(DATE '2024-02-29', -1.5, 0.0, 5, 0, 'aé', NULL, 99999999.99, TIMESTAMP '1969-12-31 23:00:00'),
(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(DATE '2025-07-19', 1e15, 'NaN', 0, 0, '', true, 0.00, TIMESTAMP '2025-07-19 12:30:00.5'),
(DATE '2025-07-19', 0.1, 0.1, 3, -1, 'A', false, 1.25, NULL)
"""
STATEMENTS = (
    "SELECT a.i, u.k, u.x AS ux FROM a LEFT JOIN u ON u.s = a.s",
    "SELECT a.* EXCLUDE (t, m) RENAME (x AS y2), u.* EXCLUDE (s) RENAME (x AS x_user) FROM a JOIN u USING (s)",
    "WITH q AS (SELECT d, sum(i) AS n FROM a GROUP BY ALL) SELECT d, n FROM q UNION ALL SELECT d, j FROM a WHERE j > 0",
    "SELECT d, s, row_number() OVER (PARTITION BY d ORDER BY i) AS r FROM a QUALIFY r = 1",
    "SELECT s, d FROM a WHERE EXISTS (SELECT 1 FROM u WHERE u.s = a.s) AND d IS NOT NULL",
    "SELECT i FROM a EXCEPT SELECT k FROM u",
    "WITH q AS (SELECT d, quantile_cont(x, [0.1, 0.5, 0.95]) AS shares FROM a WHERE x < 1000 GROUP BY d) SELECT d, shares[1] AS p, shares[3] AS r FROM q",
)


def listed(text):
    return [part.strip() for part in text.split(";") if part.strip()]


def statements():
    plain = ", ".join(f"{expression} AS c{n}" for n, expression in enumerate(listed(EXPRESSIONS)))
    groups = ", ".join(f"{expression} AS c{n}" for n, expression in enumerate(listed(AGGREGATES)))
    return (f"SELECT {plain} FROM a", f"SELECT {groups} FROM a", f"SELECT d, {groups} FROM a GROUP BY d", *STATEMENTS)


def value(one):
    if isinstance(one, float):
        return one
    return one.replace(tzinfo=None) if hasattr(one, "tzinfo") and one.tzinfo else one


def order(row):
    return [(one is None, str(one)) if not isinstance(one, float) else (False, "" if math.isnan(one) else f"{one:.6g}") for one in row]


class Together(unittest.TestCase):
    """The same rows through DuckDB and through Spark."""

    @classmethod
    def setUpClass(cls):
        from ecluse_engine.session import Session

        for key, text in sparkkit.environment().items():
            os.environ[key] = text
        cls.session = Session("translate", "", "local[2]", {}, False)
        cls.spark = cls.session.get()
        cls.duckdb = duckdb.connect()
        cls.duckdb.execute("CREATE MACRO exact_sum(x) AS CAST(sum(TRY_CAST(x AS DECIMAL(38, 9))) AS DOUBLE)")
        cls.duckdb.execute("CREATE MACRO exact_avg(x) AS CAST(sum(TRY_CAST(x AS DECIMAL(38, 9))) AS DOUBLE) / count(TRY_CAST(x AS DECIMAL(38, 9)))")
        cls.duckdb.execute("CREATE MACRO run_date() AS DATE '2025-07-19'")
        cls.duckdb.execute("CREATE TABLE a (d DATE, x DOUBLE, y DOUBLE, i BIGINT, j BIGINT, s VARCHAR, b BOOLEAN, m DECIMAL(10,2), t TIMESTAMP)")
        cls.duckdb.execute(f"INSERT INTO a VALUES {ROWS}")
        cls.duckdb.execute("CREATE TABLE u AS SELECT * FROM (VALUES ('a', 1.5::DOUBLE, 1::BIGINT), ('b', NULL, 2), ('b', 2.5, -7)) AS v (s, x, k)")
        for table, columns in TABLES.items():
            schema = ", ".join(f"{name} {spark_type(kind)}" for name, kind in columns.items())
            rows = cls.duckdb.execute(f"FROM {table}").fetchall()
            cls.spark.createDataFrame(rows, schema).createOrReplaceTempView(model("").view(table))

    @classmethod
    def tearDownClass(cls):
        cls.session.stop()

    def test_same_values(self):
        for sql in statements():
            with self.subTest(sql[:60]):
                left = sorted(self.duckdb.execute(sql).fetchall(), key=order)
                rows = self.spark.sql(translate(model(sql), TABLES, "2025-07-19")).collect()
                right = sorted((tuple(map(value, row)) for row in rows), key=order)
                self.assertEqual(len(left), len(right))
                found = [f"column {n}: {a!r} in DuckDB, {b!r} in Spark" for one, two in zip(left, right)
                         for n, (a, b) in enumerate(zip(one, two, strict=True)) if not parity.same(a, b)]
                self.assertEqual(found, [])

    def test_types_that_differ_are_refused(self):
        """A text that both accept, and whose column is of another type on Spark: found before the run."""
        begin = {"run_date": "2025-07-19", "sources": [{"table": "a", "columns": [{"name": n, "type": k} for n, k in COLUMNS.items()]}],
                 "models": [{"model": "mine", "file": "mine.sql", "sql": "SELECT m * m AS y FROM a", "partition_by": None, "inputs": ["a"],
                             "columns": [{"name": "y", "type": "decimal(20,3)"}], "sorted": True, "order_by": []}]}
        models = Models(begin)
        models.translate()
        with self.assertRaises(Failure) as caught:
            models.check(self.spark)
        self.assertIn("its column y is decimal(21,4) there", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
