#!/usr/bin/env python3
"""One shop on one machine and on Spark: the answers are the same, also where executors die and tasks run twice."""
import os
import tempfile
import unittest

import parity
import sparkkit
from sparkkit import kit

import objectstore  # of tests/e2e, which sparkkit has put on the path
from test_remote_tables import local_files

# A Java that is none: what runs with it has started no Spark.
NO_JAVA = "/nowhere/java"


def without_spark():
    return {**sparkkit.environment(), "JAVA_HOME": NO_JAVA}


def one_model(project):
    """For what is about tasks: the models cost a minute."""
    for name in os.listdir(project.path("transformations")):
        if name != "sales_kpi.sql":
            os.unlink(project.path("transformations", name))
    return project


def shop():
    project = kit.shop("1MB", 3).copy()
    project.edit("config/quality_thresholds.yaml", "products: 95", "products: 80")
    return project


class Case(unittest.TestCase):
    def same(self, one, many, tables):
        counts, differs = parity.compare(one.folder, many.folder)
        self.assertEqual(differs, [])
        self.assertEqual(counts["tables"], tables)
        self.assertGreater(counts["reports"], 0)
        self.assertGreater(counts["quarantines"], 0)
        self.assertEqual(kit.check_project(many), [])  # the checker that shares nothing with the code
        self.assertEqual(os.listdir(many.path("data/staging")), [])


class Parity(Case):
    """A first run, then a corrected file and a new one, then nothing new."""

    BROKEN = "data/raw/sales_20250720.csv"

    def change(self, project):
        """Under its old name a file with other orders, and one that another file has; and one of which nothing can be read."""
        name = min(name for name in os.listdir(project.path("data/raw")) if name.startswith("sales_") and name.endswith(".csv"))
        lines = project.read(os.path.join("data/raw", name)).decode().splitlines(keepends=True)
        project.write(os.path.join("data/raw", name), "".join([lines[0], *("N" + line for line in lines[2:]), lines[1]]))
        project.write(self.BROKEN, "order_id,\"quite\nbroken")

    def test_three_runs(self):
        one, many = shop(), shop()
        one.run("--no-archive")
        sparkkit.run(many)
        self.same(one, many, 14)
        for project in (one, many):
            self.change(project)
        one.run("--no-archive", code=1)  # the file that cannot be read
        sparkkit.run(many, code=1)
        self.same(one, many, 14)
        os.unlink(many.path(self.BROKEN))  # what could not be read is tried again each time
        before = kit.tree(many.path("data/processed"))
        self.assertIn("nothing to do", sparkkit.run(many, env=without_spark()).out)
        self.assertEqual(before, kit.tree(many.path("data/processed")))


class Refused(Case):
    """Before anything is read, and before Spark is started."""

    def test_a_model_that_cannot_be_translated(self):
        project = kit.small_shop().copy()
        project.write("transformations/by_month.sql", "-- partition_by: date\nSELECT\n    date,\n    strftime(date, '%Y-%m') AS month,\n"
                                                      "    count(*) AS n\nFROM sales\nGROUP BY ALL\n")
        before = kit.tree(project.folder)
        result = sparkkit.run(project, code=2, env=without_spark())
        self.assertIn("transformations/by_month.sql:4:5: ", result.err)
        self.assertIn("the model by_month cannot run on Spark: strftime() has no translation", result.err)
        left = {name for name in kit.tree(project.folder) if not name.startswith("logs") and name != "data/.lock"}
        self.assertEqual(left, set(before))

    def test_no_spark(self):
        project = one_model(kit.small_shop().copy())
        result = sparkkit.run(project, code=3, env=without_spark())
        self.assertIn("Spark cannot be started", result.err)
        self.assertEqual(kit.tree(project.path("data/processed")), {})

    def test_options(self):
        project = kit.small_shop().copy()
        self.assertIn("--engine takes duckdb, spark or fd:IN,OUT, not `flink`", project.run("--engine", "flink", code=2).err)
        self.assertIn("--master is of --engine spark", project.run("--master", "local", code=2).err)
        self.assertIn("these descriptors are not open", project.run("--engine", "fd:77,78", code=2).err)
        result = project.call("run", "--engine", "spark", code=2, env=kit.environment(PYSPARK_PYTHON="/nowhere/python"))
        self.assertIn("PYSPARK_PYTHON names the interpreter", result.err)


class Twice(Case):
    """Tasks that run twice are applied once."""

    @classmethod
    def setUpClass(cls):
        cls.shop = one_model(kit.shop("200KB", 2).copy())
        cls.shop.edit("config/quality_thresholds.yaml", "products: 95", "products: 80")
        cls.one = cls.shop.copy()
        cls.one.run("--no-archive")

    def held(self, hold, **more):
        return sparkkit.Held(os.path.join(tempfile.mkdtemp(dir=kit.scratch), "held"), hold, **more)

    def check(self, many, held):
        self.same(self.one, many, 6)
        tasks = [task for names in held.given().values() for task in names]
        self.assertGreater(len(tasks), len(set(tasks)))  # one of them was given twice at least

    def test_an_executor_dies_half_way(self):
        many = self.shop.copy()
        held = self.held("lambda number: number > 2")
        process = sparkkit.start(many, env=sparkkit.environment(**{"spark.ecluse.program": held.path}))
        try:
            _, pid = held.wait_for("waits", process)
            executor = sparkkit.executor_of(int(pid), process.pid)
            self.assertIsNotNone(executor)
            sparkkit.kill(executor)
            held.go()
            sparkkit.finish(process)
        finally:
            held.go()
            sparkkit.end(process)
        self.check(many, held)

    def test_a_slow_task_is_raced(self):
        """The first attempt has written all of its parts when the second is started: one of the two counts. Spark starts
        no second one on the same host, so there are two."""
        many = self.shop.copy()
        held = self.held("lambda number: number == 1", after=True)
        with sparkkit.Cluster(("127.0.0.1", "127.0.0.2")) as cluster:
            env = sparkkit.environment(**{"spark.ecluse.program": held.path, "spark.speculation": "true",
                                          "spark.speculation.interval": "100ms", "spark.speculation.multiplier": "1.1",
                                          "spark.speculation.quantile": "0.1", "spark.speculation.minTaskRuntime": "100ms"})
            process = sparkkit.start(many, env=env, master=cluster.url)
            try:
                sparkkit.finish(process)  # it ends though the first call never answers
            finally:
                held.go()
                sparkkit.end(process)
        self.check(many, held)


class Store(Case):
    """The tables follow into a store: executors put the parts, with credentials of their own; one of them dies while it does."""

    def setUp(self):
        self.s3 = objectstore.S3()
        self.addCleanup(self.s3.close)

    def lies(self, table):
        prefix = f"lake/shop/{table}/"
        return {key[len(prefix):]: data for key, data in self.s3.buckets["drops"].items() if key.startswith(prefix)}

    def follows(self, project):
        """Every table is there, byte by byte; returns the addresses of its parts."""
        parts = set()
        for kind in ("enriched", "kpi"):
            for name in os.listdir(project.path("data/processed", kind)):
                here = {path: data for path, data in local_files(project, name).items() if not path.endswith(".checkpoint.parquet")}
                self.assertEqual(self.lies(f"{kind}/{name}"), here, name)
                parts |= {f"s3://drops/lake/shop/{kind}/{name}/{path}" for path in here if path.endswith(".parquet")}
        return parts

    def test_executors_put_the_parts(self):
        project = one_model(kit.shop("200KB", 2).copy())
        project.edit("config/quality_thresholds.yaml", "products: 95", "products: 80")
        project.edit("config/pipeline_config.yaml", "sources:\n", 'tables: {store: "s3://drops/lake/shop"}\n\nsources:\n')
        held = sparkkit.Held(os.path.join(tempfile.mkdtemp(dir=kit.scratch), "held"), "lambda number: '--put' in sys.argv")
        env = {**sparkkit.environment(**{"spark.ecluse.program": held.path}), **self.s3.environment()}
        process = sparkkit.start(project, env=env)
        try:
            _, pid = held.wait_for("waits", process)
            self.assertEqual(self.s3.buckets["drops"], {})  # nothing is put before it is committed
            self.assertTrue(os.path.exists(project.path("data/processed/kpi/sales_kpi/_delta_log", f"{0:020}.json")))
            executor = sparkkit.executor_of(int(pid), process.pid)
            self.assertIsNotNone(executor)
            sparkkit.kill(executor)
            held.go()
            result = sparkkit.finish(process)
        finally:
            held.go()
            sparkkit.end(process)
        parts = self.follows(project)
        given = [line["address"] for lines in held.lines("address").values() for line in lines]
        self.assertEqual(set(given), parts)
        self.assertGreater(len(given), len(parts))  # what the dead one was to put was given to another
        self.assertIn(f"parts: {len(parts)} (from here: 0, ", result.err)
        for folder, _, names in os.walk(project.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(objectstore.SECRET.encode(), file.read(), name)
        self.assertNotIn(objectstore.SECRET, result.out + result.err)
        self.assertEqual([call for call in held.words() if objectstore.SECRET in call or objectstore.ACCESS in call], [])
        before = dict(self.s3.buckets["drops"])
        self.assertIn("nothing to do", sparkkit.run(project, env={**without_spark(), **self.s3.environment()}).out)
        self.assertEqual(self.s3.buckets["drops"], before)


if __name__ == "__main__":
    unittest.main()
