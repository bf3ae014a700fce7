#!/usr/bin/env python3
"""Executors that do not see the project's folder: inputs, parts and models go through a store, Hadoop's HDFS and moto's S3.

The cluster's processes are in a mount namespace of their own, in which an empty folder lies over all that the tests have
made: what an executor has, it has from the job or from the store."""
import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
import unittest
import unittest.mock

import pyspark

import parity
import sparkkit
from sparkkit import kit

import remotekit  # of tests/e2e, which sparkkit has put on the path
from ecluse_engine import remote
from test_spark import Case, without_spark

sys.path.append(os.path.join(sparkkit.ROOT, "tests", "remote"))
import stores  # noqa: E402

DELTA = glob.glob(os.path.join(os.path.dirname(pyspark.__file__), "jars", "delta-*.jar"))
S3A = glob.glob(os.path.join(sparkkit.ROOT, "build", "s3a-jars", "*.jar"))
MIB = 1 << 20
SECRET = "hush+hush/4711"
# Some rows are sooner read than code for reading them is made and compiled.
QUICK = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.shuffle.partitions": "2",
         "spark.databricks.delta.snapshotPartitions": "1"}
# A model over another's table, which is not committed yet when it is read.
BEST = ("-- partition_by: date\nSELECT date, max(revenue) AS best, count(*) AS n FROM sales_kpi WHERE status IS NOT NULL GROUP BY date\n")


class Apart(Case):
    @classmethod
    def setUpClass(cls):
        if not sparkkit.can_be_apart():
            raise unittest.SkipTest("no mount namespace can be made here")
        cls.folder = tempfile.mkdtemp(prefix="ecluse-apart-")  # beside kit.scratch, which the executors do not see
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def shop(self, store, *globs, models=("sales_kpi.sql",)):
        """A catalogue and visits in data/raw, sales there and in the store."""
        project = kit.shop("200KB", 2).copy()
        project.edit("config/quality_thresholds.yaml", "products: 95", "products: 80")
        for name in os.listdir(project.path("transformations")):
            if name not in models:
                os.unlink(project.path("transformations", name))
        project.edit("config/pipeline_config.yaml", "chunk_size_mb: 500", "chunk_size_mb: 8")
        project.edit("config/pipeline_config.yaml", 'files: ["sales_*.csv"]', f"files: {json.dumps(['sales_*.csv', *globs])}")
        if store:
            project.edit("config/pipeline_config.yaml", "sources:\n", f"tables: {{store: {json.dumps(store)}}}\n\nsources:\n")
        return project

    def raw_sales(self, project):
        """(name, bytes) of the sales in data/raw."""
        names = sorted(os.path.basename(path) for path in glob.glob(project.path("data/raw", "sales_*.csv")))
        return [(name, project.read(os.path.join("data/raw", name))) for name in names]

    def on_executors(self, pattern):
        return glob.glob(os.path.join(self.folder, "**", pattern), recursive=True)

    def nothing_left(self, project, tree):
        self.assertEqual([path for path in tree if "_ecluse/" in path], [])
        self.assertEqual(self.on_executors("ecluse-*/data") + self.on_executors("ecluse-kept-*"), [])
        self.assertEqual(os.listdir(project.path("data/staging")), [])


class Kept(unittest.TestCase):
    """Of the executor's side, what needs neither Spark nor a store."""

    def test_an_archive_is_fetched_once(self):
        fetched, fails = [], []

        class Fetching(remote.OverStore):
            def _over_store(self, project, way, lines):
                fetched.extend(line["address"] for line in lines)
                if fails:
                    return [{"get": line["path"], "status": "failed", "error": fails[0]} for line in lines]
                for line in lines:
                    with open(line["path"], "w", encoding="ascii") as file:
                        file.write(line["tag"])
                return [{"get": line["path"], "status": "ok"} for line in lines]
        with tempfile.TemporaryDirectory(dir=kit.scratch) as base:
            work = Fetching("s3://lake/_ecluse/x", {}, None, {}, {})

            def get(name, tag):
                project = os.path.join(base, name)
                os.makedirs(os.path.join(project, "data", "staging"))
                path = os.path.join(project, "data", "raw", "0", "a.zip")
                answer, = work._get(project, [{"path": path, "address": "s3://drops/a.zip", "bytes": 1, "tag": tag}])
                self.assertEqual(answer["get"], path)
                return answer, path
            with unittest.mock.patch.dict(os.environ, SPARK_LOCAL_DIRS=base):
                paths = [get(name, "1")[1] for name in ("one", "two")]
                self.assertEqual((fetched, len({os.stat(path).st_ino for path in paths})), (["s3://drops/a.zip"], 1))
                fails.append({"code": "file-changed", "message": "it changed"})
                self.assertEqual(get("three", "2")[0]["error"], fails[0])  # another version
                fails.clear()
                _, path = get("four", "2")
                with open(path, encoding="ascii") as file:
                    self.assertEqual((file.read(), len(fetched)), ("2", 3))

    def test_what_is_no_file_is_not_put(self):
        """A worker has read what strangers wrote; a link of its making leads nowhere."""
        with tempfile.TemporaryDirectory(dir=kit.scratch) as out:
            os.mkdir(os.path.join(out, "date=1"))
            with open(os.path.join(out, "date=1", "part"), "wb") as file:
                file.write(b"x")
            made = remote.OverStore._made("s3://lake/out/t1.7", out)
            self.assertEqual(made, [{"name": "date=1/part", "address": "s3://lake/out/t1.7/date=1/part", "bytes": 1,
                                     "sha256": hashlib.sha256(b"x").hexdigest()}])
            for make in (lambda path: os.symlink("/etc/passwd", path), lambda path: os.symlink("/etc", path), os.mkfifo):
                make(os.path.join(out, "other"))
                with self.assertRaisesRegex(RuntimeError, "neither a file nor a folder"):
                    remote.OverStore._made("s3://lake/out/t1.7", out)
                os.unlink(os.path.join(out, "other"))
            self.assertEqual(remote.OverStore._made("s3://lake/out/t1.8", os.path.join(out, "none")), [])


class OverHdfs(Apart):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not glob.glob(os.path.join(stores.JARS, "*.jar")):
            raise unittest.SkipTest("Hadoop's jars are not here")
        cls.hdfs = stores.Hdfs(tempfile.mkdtemp(dir=cls.folder))
        cls.addClassCleanup(cls.hdfs.close)
        for name in ("/lake", "/drop"):
            cls.hdfs.call("PUT", name, "MKDIRS", permission="777")
            cls.hdfs.call("PUT", name, "SETPERMISSION", permission="777")
        cls.env = {"HADOOP_USER_NAME": "shop", "ECLUSE_WEBHDFS": cls.hdfs.url}
        cls.cluster = sparkkit.Cluster(("127.0.0.1", "127.0.0.2"), cls.folder)
        cls.enterClassContext(cls.cluster)

    def address(self, path):
        return f"hdfs://127.0.0.1:{self.hdfs.rpc}{path}"

    def tree(self):
        return [path for path, _ in self.hdfs.tree("/lake")]

    def start(self, project, **conf):
        return sparkkit.start(project, env={**sparkkit.environment(**QUICK, **conf), **self.env}, master=self.cluster.url)

    def change(self, one, many):
        """The object has other rows under its old name, and one that a file of data/raw has, too; and a file comes."""
        for project in (one, many):
            rows = self.raw_sales(project)[0][1].splitlines(keepends=True)
            project.write("data/raw/sales_20250721.csv", rows[0] + b"".join(b"N" + row for row in rows[2:]) + rows[1])
        self.hdfs.put("/drop/sales_small.csv", remotekit.sales(400000, 40) + remotekit.sales(1001, 1).splitlines(keepends=True)[1])

    def test_as_on_one_machine(self):
        """Two runs. In the first an executor dies when a task of its has put all that it made and has not answered yet."""
        head, *rows = remotekit.sales(1000, 10000).splitlines()
        large = b"".join([head + b",note\n", *(row + b"," + b"%07d " % number * 280 + b"\n" for number, row in enumerate(rows))])
        self.assertGreater(len(large), 20 * MIB)  # three ranges, of which the last does not touch the beginning
        self.hdfs.put("/drop/sales_large.csv", large)
        self.hdfs.put("/drop/sales_small.csv", remotekit.sales(0, 30) + b"broken\n" + remotekit.sales(1000, 1).splitlines(keepends=True)[1])
        many = self.shop(self.address("/lake/shop"), self.address("/drop/*.csv"))
        many.write("transformations/best.sql", BEST)
        one = many.copy()
        one.edit("config/pipeline_config.yaml", "/lake/shop", "/lake/one")
        held = sparkkit.Held(os.path.join(self.folder, "held"), "lambda number: '--put' in sys.argv and number < 7", after=True)
        process = self.start(many, **{"spark.ecluse.program": held.path})
        try:
            _, pid = held.wait_for("waits", process)
            self.assertTrue(any("/_ecluse/" in path and "/out/" in path for path in self.tree()))
            executor = next(one for one in sparkkit.ancestors(int(pid)) if "CoarseGrainedExecutorBackend" in sparkkit._words(one))
            sparkkit.kill(executor)
            held.go()
            sparkkit.finish(process)
        finally:
            held.go()
            sparkkit.end(process)
        tasks = [task for names in held.given().values() for task in names]
        self.assertGreater(len(tasks), len(set(tasks)))
        self.assertTrue(any(line.get("kept") for lines in held.lines("task").values() for line in lines))  # a second round
        one.run("--no-archive", env=kit.environment(**self.env))
        self.same(one, many, 7)
        self.nothing_left(many, self.tree())
        self.change(one, many)
        sparkkit.finish(self.start(many))
        one.run("--no-archive", env=kit.environment(**self.env))
        self.same(one, many, 7)
        self.nothing_left(many, self.tree())
        result = sparkkit.run(many, env={**without_spark(), **self.env})
        self.assertIn("nothing to do", result.out)
        self.assertEqual(json.loads(many.read("data/runs/exchange.json")), {"exchanges": []})
        orphans = many.call("tables", "--orphans", "--format", "json", env=kit.environment(**self.env))
        self.assertEqual(json.loads(orphans.out)["orphans"], [])

    def test_no_exchange(self):
        """Neither the folder nor a store: it says both ways out, and has read nothing."""
        project = self.shop(None, models=())
        before = kit.tree(project.path("data"))
        result = sparkkit.finish(self.start(project), code=2)
        self.assertIn("the executors do not see the project's folder", result.err)
        self.assertIn("spark.ecluse.exchange", result.err)
        after = kit.tree(project.path("data"))
        self.assertEqual({name for name in after if name != ".lock"}, {name for name in before if name != ".lock"})


class OverS3(Apart):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.path.exists(stores.VENV):
            raise unittest.SkipTest("moto is not here")
        cls.s3 = stores.Moto(tempfile.mkdtemp(dir=cls.folder))
        cls.addClassCleanup(cls.s3.close)
        cls.boto = cls.s3.client()
        cls.proxy = stores.Proxy(cls.s3.url, 10 ** 9)
        cls.addClassCleanup(cls.proxy.close)
        cls.keys = {"AWS_ACCESS_KEY_ID": "AKIDNOBODY", "AWS_SECRET_ACCESS_KEY": SECRET}
        cls.env = {**cls.keys, "AWS_ENDPOINT_URL": cls.proxy.url, "AWS_REGION": "us-east-1"}

    def silent(self, project, result):
        """The secret is in no log of driver, master, workers and executors, which hold their command lines, and in no file of the project."""
        self.assertNotIn(SECRET, result.out + result.err)
        logs = [os.path.join(top, name) for top, _, names in os.walk(self.folder) for name in names if name in ("log", "stderr", "stdout")]
        self.assertGreater(len(logs), 3)
        for path in [*logs, *(os.path.join(top, name) for top, _, names in os.walk(project.folder) for name in names)]:
            with open(path, "rb") as file:
                self.assertNotIn(SECRET.encode(), file.read(), path)

    def conf(self):
        return {**QUICK, "spark.jars": ",".join([*DELTA, *S3A]), "spark.hadoop.fs.s3a.endpoint": self.s3.url}

    @unittest.skipUnless(S3A, "hadoop-aws is not here")
    def test_an_object_replaced_meanwhile(self):
        """After the plan and before its task: errored, by name, and all else applied. One machine goes on with these tables."""
        self.boto.put("drops", {"sales_a.csv": remotekit.sales(100, 20).decode(), "sales_b.csv": remotekit.sales(200, 20).decode()})
        self.boto.put("lake", {"other/_ecluse/x": "another project's"})
        many = self.shop(None, "s3://drops/sales_*.csv")

        def replace(path):
            if "/_ecluse/" in path and "/in/" in path:  # the planned files of data/raw go there first
                self.proxy.before = None
                self.boto.put("drops", {"sales_b.csv": remotekit.sales(300, 21).decode()})
        self.proxy.before = replace
        with sparkkit.Cluster(("127.0.0.1",), self.folder, **self.keys) as cluster:
            env = {**sparkkit.environment(**self.conf(), **{"spark.ecluse.exchange": "s3://lake/through/here/"}), **self.env}
            result = sparkkit.finish(sparkkit.start(many, env=env, master=cluster.url), code=1)
        report = many.report("sales_b.csv")
        self.assertEqual(report["status"], "errored")
        self.assertIn("changed while it was being read", " ".join(report["errors"]))
        self.assertEqual({order for order, file in remotekit.orders(many) if file.startswith("s3://")}, {f"o-{n}" for n in range(100, 120)})
        self.assertEqual(kit.check_project(many), [])
        self.nothing_left(many, self.boto.keys("lake", "through/"))
        self.assertEqual(self.boto.keys("lake", "other/"), ["other/_ecluse/x"])
        one = self.shop(None, "s3://drops/sales_*.csv")
        for project in (one, many):
            project.run("--no-archive", env=kit.environment(**self.env))
        self.assertEqual(parity.compare_tables(one.folder, many.folder), ([], 6))
        self.silent(many, result)

    def test_a_spark_that_cannot_read_s3(self):
        """Said before anything is read."""
        project = self.shop("s3://lake/shop")
        env = {**sparkkit.environment(**{"spark.ecluse.exchange": "s3://lake/shop"}), **self.env}
        result = sparkkit.finish(sparkkit.start(project, env=env, master="local[1]"), code=2)
        self.assertIn("org.apache.hadoop:hadoop-aws:3.4.1", result.err)
        self.assertEqual(kit.tree(project.path("data/processed")), {})
        self.assertEqual(self.boto.keys("lake", "shop/") if "lake" in self.buckets() else [], [])

    def test_a_store_that_goes_away(self):
        """It takes all inputs, and of what the tasks make not all: the run ends with that, and nothing is committed or left."""
        self.boto.put("lake", {"other": "x"})
        project = self.shop(None, models=())
        made = []

        def break_off(path):
            made.append("/out/" in path)
            if sum(made) == 5:
                self.proxy.puts = 0
        self.proxy.before = break_off
        env = {**sparkkit.environment(**{"spark.ecluse.exchange": "s3://lake/away"}), **self.env, "AWS_MAX_ATTEMPTS": "1"}
        result = sparkkit.finish(sparkkit.start(project, env=env, master="local[1]"), code=3)
        self.proxy.before, self.proxy.puts = None, 10 ** 9
        self.assertIn("error [remote]", result.err)
        self.assertEqual(sum(made), 5)
        self.assertEqual(kit.tree(project.path("data/processed")), {})
        self.assertFalse(glob.glob(project.path("data/runs", "*.finished")))
        self.nothing_left(project, self.boto.keys("lake", "away/"))

    def buckets(self):
        return self.boto.call("for b in s3.list_buckets()['Buckets']: print(b['Name'])").split()


if __name__ == "__main__":
    unittest.main()
