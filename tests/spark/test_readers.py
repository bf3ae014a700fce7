#!/usr/bin/env python3
"""Every table of a shop, at every version, read by Spark as by delta-rs, Polars, PyArrow and DuckDB; and by the names that
`ecluse tables --ddl` makes it known under.

The shop is run four times: a first drop, a correction of it with new days, a table that gains a column, products once more.
One more source has a column of each type, nulls, the ends of what a type holds, and partitions whose values a path must escape.
"""
import json
import os
import re
import subprocess
import unittest

import readers
import tablekit
from sparkkit import HERE, ROOT, kit

INTEROP = os.path.join(ROOT, "build", "venv-interop", "bin", "python")
DUCKDB = os.path.join(ROOT, "build", "venv-duckdb", "bin", "python")


def can(python, module):
    return os.path.exists(python) and subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


MADE = """
  odd:
    files: ["odd_*.csv"]
    format: csv
    key: [id]
    partition_by: place
  whole:
    files: ["whole_*.csv"]
    format: csv
    key: [id]
    partition_by: n
"""
ODD = {"id": {"type": "string", "not_null": True}, "place": "string", "text": "string", "whole": "integer", "money": "decimal(18,4)",
       "real": "float", "yes": "boolean", "day": "date", "at": "datetime"}
PLACES = ("Paris", "a b", "a/b", "a=b", "100%", "é", "a:b", "", "{x}", "it's", "a+b", "#1", "__HIVE_DEFAULT_PARTITION__x", "%20", "null")
ODD_ROWS = [
    ("x", -2**63, "99999999999999.9999", "1.7976931348623157e308", "true", "1900-01-01", "1900-01-01T00:00:00.000001Z"),
    ("\"quo\"\"ted, \n line\"", 2**63 - 1, "-99999999999999.9999", "-4.9e-324", "false", "2262-04-12", "2262-04-11T23:47:16.854776Z"),
    ("", "", "", "", "", "", ""),
    ("é\U0001f600 \\ ' `", 0, "0.0001", "-0.0", "true", "1969-12-31", "1969-12-31T23:59:59.999999Z"),
    ("z" * 200, 9007199254740993, "-0.5", "0.1", "false", "1582-10-15", "2025-07-18T10:00:00.123456Z"),
]


def odd_csv(first, count):
    lines = [",".join(ODD)]
    for i in range(first, first + count):
        place = PLACES[i % len(PLACES)]
        lines.append(",".join(map(str, (f"o{i}", f'"{place}"' if place else "", *ODD_ROWS[i % len(ODD_ROWS)]))))
    return "\n".join(lines) + "\n"


def make_shop():
    project = kit.small_shop().copy()
    project.edit("config/pipeline_config.yaml", "\n# What a run read and wrote", MADE + "\n# What a run read and wrote")
    schemas = json.loads(project.read("config/data_schemas.json"))
    schemas["odd"] = {"required_columns": ODD}
    schemas["whole"] = {"required_columns": {"id": "string", "n": "integer"}}
    project.write("config/data_schemas.json", json.dumps(schemas, indent=2))
    project.write("data/raw/odd_1.csv", odd_csv(0, 30))
    project.write("data/raw/whole_1.csv", "id,n\na,1\nb,-7\nc,\n")
    project.run("--no-archive", "--fail-on", "never")
    name = min(name for name in os.listdir(project.path("data/raw")) if name.startswith("sales_") and name.endswith(".csv"))
    lines = project.read(os.path.join("data/raw", name)).decode().splitlines(keepends=True)
    project.write(os.path.join("data/raw", name), "".join([lines[0], *("N" + line for line in lines[2:])]))
    project.write("data/raw/sales_20250720.csv", kit.sales_csv(*range(900, 910)))
    project.write("data/raw/odd_2.csv", odd_csv(30, 8))
    project.run("--no-archive", "--fail-on", "never")
    project.write("data/raw/odd_3.csv", "id,place,text,whole,money,real,yes,day,at,more\nnew,Paris,,,,,,,,column\n")
    project.run("--no-archive", "--fail-on", "never")
    project.write("data/raw/users_late.csv", project.read(os.path.join("data/raw", min(
        name for name in os.listdir(project.path("data/raw")) if name.startswith("users_") and name.endswith(".csv")))))
    project.run("--no-archive", "--fail-on", "never", "--force")
    return project


class Case(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.spark = tablekit.session()
        if "readers" not in kit.made:
            kit.made["readers"] = make_shop()
        cls.project = kit.made["readers"]
        cls.tables = {one["table"]: one for one in cls.project.json("tables")["tables"]}

    def delta(self, name):
        return tablekit.Delta(self.spark, self.project.path(self.tables[name]["path"]))


def spark_type(name):
    return {"bigint": "long"}.get(name, name)


class Readers(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.others = None

    @classmethod
    def tearDownClass(cls):
        if cls.others:
            cls.others.communicate()

    def ask(self, path, version):
        if not Readers.others:
            Readers.others = subprocess.Popen([INTEROP, "-B", os.path.join(HERE, "readers.py")], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True)
        self.others.stdin.write(json.dumps({"path": path, "version": version}) + "\n")
        self.others.stdin.flush()
        return json.loads(self.others.stdout.readline())

    def compare(self, name, version):
        """The rows of a version; every reader's are equal, with their types."""
        delta = self.delta(name)
        frame = delta.frame(version)
        columns = [[column, spark_type(kind)] for column, kind in frame.dtypes]
        rows = readers.ordered(frame.collect())
        for reader, answer in self.ask(delta.path, version).items():
            self.assertEqual(dict(answer["columns"]), dict(columns), f"{reader} {name} at {version}")
            order = [[column for column, _ in answer["columns"]].index(column) for column, _ in columns]
            again = sorted(([row[i] for i in order] for row in answer["rows"]), key=lambda row: [text or "" for text in row])
            self.assertEqual(again, rows, f"{reader} {name} at {version}")
        return columns, rows

    @unittest.skipUnless(can(INTEROP, "deltalake, duckdb, polars, pyarrow"), "tests/interop/requirements.txt cannot be had here")
    def test_every_table_at_every_version(self):
        self.assertGreaterEqual(len(self.tables), 16)
        compared = 0
        for name, told in self.tables.items():
            self.assertEqual(self.delta(name).version(), told["version"])
            for version in range(told["version"] + 1):
                columns, rows = self.compare(name, version)
                compared += 1
            # What we say of the newest version is what Spark finds.
            detail = self.delta(name).sql("DESCRIBE DETAIL {t}")[0]
            self.assertEqual((len(rows), detail.numFiles, detail.sizeInBytes, detail.minReaderVersion, detail.minWriterVersion),
                             (told["rows"], told["files"], told["bytes"], 1, 2), name)
            self.assertEqual(detail.partitionColumns, [told["partition_by"]] if told["partition_by"] else [])
            ours = {"string": "string", "integer": "long", "float": "double", "boolean": "boolean", "date": "date", "datetime": "timestamp"}
            self.assertEqual([[c["name"], ours.get(c["type"], f"decimal({c.get('precision')},{c.get('scale')})")] for c in told["columns"]], columns)
        self.assertGreater(compared, 30)

    def test_versions_are_runs(self):
        """Spark's history names the run of each version, and a time between two runs is the former."""
        delta = self.delta("sales")
        runs = [json.loads(self.project.read(f"data/runs/{seq:08d}.json")) for seq in range(1, 5)]
        counts = []
        for run in runs:
            path = os.path.relpath(delta.path, self.project.folder)
            mine = [commit for commit in run["commits"] if commit["table"] == path]
            adds = [json.loads(line)["add"] for line in (mine[0]["actions"] if mine else "").splitlines() if "\"add\"" in line]
            removes = [json.loads(line)["remove"] for line in (mine[0]["actions"] if mine else "").splitlines() if "\"remove\"" in line]
            if mine:
                counts.append((len(counts), len(adds), len(removes)))
        history = {row.version: row for row in delta.sql("DESCRIBE HISTORY {t}")}
        self.assertEqual(sorted(history), [version for version, _, _ in counts])
        for version, adds, removes in counts:
            before = set() if version == 0 else {os.path.basename(name) for name in delta.frame(version - 1).inputFiles()}
            now = {os.path.basename(name) for name in delta.frame(version).inputFiles()}
            self.assertEqual((len(now - before), len(before - now)), (adds, removes), version)
            self.assertTrue(history[version].engineInfo.startswith("Ecluse/"))
            self.assertEqual(history[version].isBlindAppend, removes == 0)
            at = history[version].timestamp
            if version + 1 in history and at < history[version + 1].timestamp:
                then = self.spark.read.format("delta").option("timestampAsOf", at.isoformat(" ")).load(delta.path)
                self.assertEqual(then.count(), delta.frame(version).count())

    def test_statistics(self):
        """As Spark parses them, against what lies in each file: counts are equal, bounds are bounds."""
        checked = 0
        for name in self.tables:
            by_file = {}
            for row in self.delta(name).frame().selectExpr("*", "_metadata.file_name AS `a file`").collect():
                by_file.setdefault(row["a file"], []).append(row)
            for file in self.delta(name).files():
                rows = by_file.pop(os.path.basename(file.path), [])
                self.assertEqual(file.stats.numRecords, len(rows))
                for column, count in file.stats.nullCount.asDict().items():
                    # A file from before the column has no statistics of it.
                    if count is not None:
                        self.assertEqual(count, sum(row[column] is None for row in rows), f"{name} {column}")
                        checked += 1
                low, high = file.stats.minValues.asDict(), file.stats.maxValues.asDict()
                for column in low:
                    values = [row[column] for row in rows if row[column] is not None]
                    if values and low[column] is not None:
                        self.assertTrue(low[column] <= min(values) and max(values) <= high[column], f"{name} {column}")
                        checked += 1
            self.assertEqual(by_file, {})
        self.assertGreater(checked, 500)

    def test_skipping_by_statistics_changes_no_answer(self):
        asked = [("sales", "order_date <= timestamp'2025-07-18 10:00:00'"), ("sales", "quantity > 3"), ("odd", "whole > 9007199254740992"),
                 ("odd", "at < timestamp'1970-01-01 00:00:00'"), ("odd", "money = 0.0001"), ("odd", "place = 'a/b'"), ("odd", "place IS NULL"),
                 ("odd", "place = '100%'"), ("odd", "day < date'1970-01-01'"), ("odd", "text IS NULL"), ("odd", "real < 0"), ("whole", "n = -7"),
                 ("whole", "n IS NULL"), ("odd", "at = timestamp'2025-07-18 10:00:00.123456'"), ("odd", "at = timestamp'2262-04-11 23:47:16.854776'")]
        for name, condition in asked:
            counts = []
            for skipping in ("true", "false"):
                self.spark.conf.set("spark.databricks.delta.stats.skipping", skipping)
                counts.append(self.delta(name).frame().where(condition).count())
            self.spark.conf.unset("spark.databricks.delta.stats.skipping")
            rows = self.delta(name).frame().selectExpr(f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)").collect()[0][0]
            self.assertEqual(counts, [rows, rows], f"{name}: {condition}")
            self.assertGreater(rows, 0, f"{name}: {condition}")
        for name in self.tables:  # a count without a condition comes from the log alone
            self.assertEqual(self.delta(name).sql("SELECT count(*) FROM {t}")[0][0], len(self.delta(name).frame().collect()))


class Statements(Case):
    """What --ddl prints, given to the engines. Hive and Trino are not here: their scripts are parsed, and their types compared."""

    def script(self, dialect, *more):
        return self.project.call("tables", "--ddl", dialect, *more).out

    @staticmethod
    def statements(text):
        return [one.strip() for one in re.sub(r"^--.*\n", "", text, flags=re.M).split(";\n") if one.strip()]

    def test_spark(self):
        for _ in range(2):  # a second time it changes nothing
            for statement in self.statements(self.script("spark")):
                self.spark.sql(statement)
        self.assertEqual({row.tableName for row in self.spark.sql("SHOW TABLES IN ecluse").collect()}, set(self.tables))
        for name, told in self.tables.items():
            table = self.spark.table(f"ecluse.`{name}`")
            self.assertEqual(table.count(), told["rows"])
            self.assertEqual(table.schema, self.delta(name).frame().schema)
        before = self.delta("whole").version()
        self.spark.sql("DROP DATABASE ecluse CASCADE")  # an external table: the files stay
        self.assertEqual(self.delta("whole").version(), before)

    def test_spark_where_the_path_is_odd(self):
        odd = kit.Project(os.path.join(self.project.folder + "-o", "it's a \\ path"))
        os.makedirs(odd.folder)
        subprocess.run(["cp", "-a", f"{self.project.folder}/.", odd.folder], check=True)
        for statement in self.statements(odd.call("tables", "--ddl", "spark", "--table", "sales").out):
            self.spark.sql(statement)
        self.assertEqual(self.spark.table("ecluse.sales").count(), self.tables["sales"]["rows"])
        self.spark.sql("DROP DATABASE ecluse CASCADE")

    @unittest.skipUnless(can(DUCKDB, "duckdb_ext"), "DuckDB's delta extension cannot be had here")
    def test_duckdb(self):
        done = subprocess.run([DUCKDB, "-B", os.path.join(HERE, "duckdb_views.py")], input=self.script("duckdb"), capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(set(found), set(self.tables))
        for name, answer in found.items():
            frame = self.delta(name).frame()
            self.assertEqual(answer["columns"], [[column, spark_type(kind)] for column, kind in frame.dtypes], name)
            self.assertEqual(answer["rows"], readers.ordered(frame.collect()), name)

    def test_hive_and_trino(self):
        import sqlglot
        from sqlglot import exp

        hive = [sqlglot.parse_one(one, dialect="hive") for one in self.statements(self.script("hive"))]
        self.assertEqual(hive[0].kind, "DATABASE")
        for create in hive[1:]:
            name = create.this.this.name
            columns = ", ".join(f"`{column.name}` {column.args['kind'].sql('spark')}" for column in create.find_all(exp.ColumnDef))
            made = self.spark.createDataFrame([], columns).schema
            self.assertEqual(made, self.delta(name).frame().schema)
            self.assertIn("io.delta.hive.DeltaStorageHandler", create.sql("hive"))
        calls = [one for one in self.statements(self.script("trino", "--location", "s3://lake/it's")) if one.startswith("CALL")]
        self.assertEqual(len(calls), len(self.tables))
        for call in calls:
            name, = re.fullmatch(r"CALL delta\.system\.register_table\(schema_name => 'ecluse', table_name => '(\w+)', "
                                 r"table_location => 's3://lake/it''s/[\w/]+'\)", call).groups()
            self.assertTrue(call.endswith(f"/{self.tables[name]['path']}')"))


if __name__ == "__main__":
    unittest.main()
