"""Spark beside Ecluse, on the same tables: a session, a table as Spark sees it, and a shop whose tables both write."""
import json
import os
import sys
import time
import unittest

import duckdb

import sparkkit
from sparkkit import kit


def session():
    """A session of this process with Delta Lake, of two threads; the only one that a file of tests starts."""
    os.environ.update({"TZ": "UTC", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable})
    time.tzset()
    from pyspark.sql import SparkSession

    conf = {**sparkkit.CONF, "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog", "spark.sql.session.timeZone": "UTC",
            "spark.sql.warehouse.dir": os.path.join(kit.scratch, "warehouse"), "spark.ui.showConsoleProgress": "false",
            # Of tables of some rows, which are sooner read than code for reading them is made and compiled.
            "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.shuffle.partitions": "1", "spark.databricks.delta.snapshotPartitions": "1",
            "spark.log.level": "ERROR", "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
            "spark.databricks.delta.retentionDurationCheck.enabled": "false"}
    builder = SparkSession.builder.master("local[2]").appName("ecluse-tests")
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


class Delta:
    """A table as Spark sees it."""

    def __init__(self, spark, path):
        self.spark, self.path = spark, path
        self.name = f"delta.`{path}`"

    def sql(self, text):
        """`{t}` is the table."""
        return self.spark.sql(text.replace("{t}", self.name)).collect()

    def frame(self, version=None):
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self.path)

    def rows(self, columns="*", version=None):
        return sorted((tuple(row) for row in self.frame(version).selectExpr(*columns.split(", ")).collect()), key=str)

    def properties(self, **conf):
        settings = ", ".join(f"'delta.{key.replace('__', '.')}' = '{value}'" for key, value in conf.items())
        self.sql(f"ALTER TABLE {{t}} SET TBLPROPERTIES ({settings})")

    def snapshot(self):
        none = self.spark._jvm.scala.Option.empty()
        return self.spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.path).update(False, none, none)

    def files(self):
        """Its active files with their statistics, as Spark parses them."""
        from pyspark.sql import DataFrame

        return DataFrame(self.snapshot().withStats(), self.spark).collect()

    def version(self):
        return self.snapshot().version()

    def log(self):
        return sorted(os.listdir(os.path.join(self.path, "_delta_log")))


# ---------------------------------------------------------------- a shop for both

USERS = "user_id email first_name last_name age gender country city registration_date is_premium total_orders total_spent last_login"


def user(number, orders):
    return (f"U{number}", f"a{number}@b.fr", "A", "B", 20 + number % 50, "F", "FR", "Paris", "2024-01-02", "true", orders, 1.5, "2025-07-01 10:00:00.123456")


def users_csv(orders, *numbers):
    return kit.csv_text(USERS, *(user(number, orders) for number in numbers))


def sales_csv(day, *numbers):
    return kit.csv_text(kit.SALES_HEADER, *(kit.sale(number, order_date=f"{day} 10:00:00") for number in numbers))


class Case(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.spark = session()

    def shop(self, **files):
        """A shop of sales (append) and users (merge), with one model; a first run has been made."""
        project = kit.new_project(**files)
        for name in os.listdir(project.path("transformations")):
            os.unlink(project.path("transformations", name))
        project.write("transformations/per_day.sql", "-- partition_by: date\nSELECT date, count(*) AS orders FROM sales GROUP BY date\n")
        self.run_of(project)
        return project

    def run_of(self, project, code=0):
        return project.run("--no-archive", "--fail-on", "never", code=code)

    def delta(self, project, name):
        return Delta(self.spark, project.path("data/processed/kpi/per_day") if name == "per_day" else project.table_folder(name))

    def append(self, delta, key, value):
        """A row of Spark's own: it is of no file."""
        delta.frame().limit(1).selectExpr(f"'{value}' AS {key}", f"* EXCEPT ({key}, _file, _line)").write.format("delta").mode("append").save(delta.path)

    def checkpoint(self, delta):
        delta.snapshot().deltaLog().checkpoint(delta.snapshot(), self.spark._jvm.scala.Option.empty())

    def clear(self, delta):
        """What a clean-up leaves at most: the newest commit."""
        for name in delta.log():
            if len(name) == 25 and name < f"{delta.version():020d}.json":
                os.unlink(os.path.join(delta.path, "_delta_log", name))

    def orders(self, delta):
        return sorted(row[0] for row in delta.frame().select("order_id").collect())

    def replayed(self, delta):
        """The active files by the log's JSON and, where the first commits are gone, the newest classic checkpoint: by DuckDB."""
        log = os.path.join(delta.path, "_delta_log")
        names = sorted(os.listdir(log))
        commits = [name for name in names if name.endswith(".json") and len(name) == 25]
        active = set()
        if commits[0] != f"{0:020d}.json":
            newest = max(name[:20] for name in names if ".checkpoint." in name and name[0] != ".")
            commits = [name for name in commits if name[:20] > newest]
            with duckdb.connect() as db:
                active = {path for (path,) in db.execute("SELECT add.path FROM read_parquet(?) WHERE add IS NOT NULL",
                                                         [os.path.join(log, newest + ".checkpoint*.parquet")]).fetchall()}
        for name in commits:
            with open(os.path.join(log, name), encoding="utf-8") as file:
                for action in map(json.loads, file):
                    if "add" in action:
                        active.add(action["add"]["path"])
                    elif "remove" in action:
                        active.discard(action["remove"]["path"])
        return active
