"""Inputs in Hadoop's HDFS: a namenode and a datanode of their own."""
import os
import signal
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import kit  # noqa: E402
import stores  # noqa: E402
from remotekit import orders, project, sales  # noqa: E402


class OverHdfs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hdfs = stores.Hdfs(tempfile.mkdtemp(dir=kit.scratch))
        cls.addClassCleanup(cls.hdfs.close)

    def address(self, path):
        return f"webhdfs://127.0.0.1:{self.hdfs.http}{path}"

    def run_project(self, p, *arguments, code=0, **more):
        return p.run(*arguments, code=code, env=kit.environment(HADOOP_USER_NAME="shop", **more))

    def errors(self, p, name):
        report = p.report(name)
        self.assertEqual(report["status"], "errored")
        return " ".join(report["errors"])

    def test_files_once(self):
        names = ["sales_1.csv", "sales 2+%ü.csv", "売上 (3).csv"]
        for i, name in enumerate(names):
            self.hdfs.put(f"/once/{name}", sales(10 * i))
        self.hdfs.put("/once/deep/sales_4.csv", sales(90))
        p = project(self.address("/once/*.csv"))
        self.run_project(p)
        self.assertEqual({file for _, file in orders(p)}, {self.address(f"/once/{name}") for name in names})
        first = orders(p)
        self.run_project(p)
        self.assertEqual((orders(p), len(first)), (first, 9))
        self.hdfs.put("/once/sales_1.csv", sales(0, 4))
        self.run_project(p, code=None)
        self.assertEqual({order for order, file in orders(p) if file.endswith("sales_1.csv")}, {"o-0", "o-1", "o-2", "o-3"})

    def test_folders_below_by_another_name_of_the_cluster(self):
        self.hdfs.put("/tree/2025/07/sales_1.csv", sales(1))
        self.hdfs.put("/tree/2025/08/sales_2.csv", sales(4))
        self.hdfs.put("/tree/2024/sales_3.csv", sales(7))
        p = project("hdfs://shop-cluster/tree/2025/**/*.csv")
        self.run_project(p, ECLUSE_WEBHDFS=self.hdfs.url)
        self.assertEqual({file for _, file in orders(p)}, {"hdfs://shop-cluster/tree/2025/07/sales_1.csv", "hdfs://shop-cluster/tree/2025/08/sales_2.csv"})

    def test_a_file_of_many_blocks_in_two_ranges(self):
        rows = sales(1, 240000)
        self.assertGreater(len(rows), 17 << 20)
        self.hdfs.put("/large/sales_1.csv", rows)
        p = project(self.address("/large/*.csv"))
        self.run_project(p)
        self.assertEqual(len(orders(p)), 240000)

    def test_what_may_not_be_read(self):
        self.hdfs.put("/closed/sales_1.csv", sales(1))
        self.hdfs.put("/closed/sales_2.csv", sales(4))
        self.assertEqual(self.hdfs.call("PUT", "/closed/sales_2.csv", "SETPERMISSION", permission="600")[0], 200)
        p = project(self.address("/closed/*.csv"))
        self.run_project(p, code=1)
        self.assertEqual(len(orders(p)), 3)
        self.assertIn("AccessControlException", self.errors(p, "sales_2.csv"))
        self.assertEqual(self.hdfs.call("PUT", "/closed", "SETPERMISSION", permission="700")[0], 200)
        self.assertIn("[remote-denied]", self.run_project(project(self.address("/closed/*.csv")), code=3).err)
        self.assertIn("no such folder", self.run_project(project(self.address("/nowhere/*.csv")), code=3).err)

    def test_tables(self):
        p = kit.new_project(**{"sales_1.csv": sales(1)})
        p.run()
        self.assertEqual(self.hdfs.call("PUT", "/lake", "MKDIRS", permission="777")[0], 200)
        copy = lambda: p.call("tables", "--copy-to", self.address("/lake/shop"), env=kit.environment(HADOOP_USER_NAME="shop"))  # noqa: E731
        copy()
        p.write("data/raw/sales_2.csv", sales(10))
        p.run()
        copy()
        other = kit.Project(tempfile.mkdtemp(dir=kit.scratch))
        for path, data in self.hdfs.tree("/lake/shop/enriched/sales"):
            other.write("data/processed/enriched/sales" + path, data)
        self.assertEqual(kit.table_rows(other, "sales"), kit.table_rows(p, "sales"))
        self.assertEqual(len(kit.table_rows(other, "sales")), 6)

    def test_tables_that_follow(self):
        """HDFS goes away with its namenode, and comes back; what is there is what is here, byte by byte."""
        for name in ("/follow", "/follow/shop"):
            self.hdfs.call("PUT", name, "MKDIRS", permission="777")
            self.hdfs.call("PUT", name, "SETPERMISSION", permission="777")
        p = kit.new_project(**{"sales_1.csv": sales(1)})
        p.edit("config/pipeline_config.yaml", "sources:\n", f"tables: {{store: \"{self.address('/follow/shop')}\"}}\n\nsources:\n")
        self.run_project(p)
        p.write("data/raw/sales_2.csv", sales(10))
        for process in self.hdfs.processes:
            process.send_signal(signal.SIGSTOP)
        result = self.run_project(p, code=4, AWS_MAX_ATTEMPTS="1", ECLUSE_REMOTE_TIMEOUT="2")
        for process in self.hdfs.processes:
            process.send_signal(signal.SIGCONT)
        self.assertIn("not delivered", result.out)
        self.assertEqual(len(kit.table_rows(p, "sales")), 6)
        self.assertIn("nothing to do", self.run_project(p).out)
        self.run_project(p, "--force")
        for table in ("enriched/sales", "kpi/sales_kpi"):
            there = dict(self.hdfs.tree(f"/follow/shop/{table}"))
            self.assertEqual(there, self.files_of(p, table))
        before = sorted(path for path, _ in self.hdfs.tree("/follow/shop"))
        self.run_project(p)
        self.assertEqual(sorted(path for path, _ in self.hdfs.tree("/follow/shop")), before)

    @staticmethod
    def files_of(p, table):
        folder, found = p.path("data/processed", table), {}
        for at, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    found["/" + os.path.relpath(os.path.join(at, name), folder)] = file.read()
        return found

    def test_a_large_part(self):
        """CREATE, then APPEND: a file of three pieces is the same when it is read."""
        p = kit.new_project(**{"sales_1.csv": sales(1)})
        p.run()
        folder = p.table_folder("sales")
        part, = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".parquet")]
        log = os.path.join(folder, "_delta_log", f"{0:020}.json")
        size, large = os.path.getsize(part), os.urandom(1 << 20) * 40
        with open(part, "wb") as file:
            file.write(large)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        with open(log, "w", encoding="utf-8") as file:
            file.write(text.replace(f'"size":{size}', f'"size":{len(large)}'))
        self.hdfs.call("PUT", "/large", "MKDIRS", permission="777")
        self.hdfs.call("PUT", "/large", "SETPERMISSION", permission="777")
        p.call("tables", "--table", "sales", "--copy-to", self.address("/large/shop"), env=kit.environment(HADOOP_USER_NAME="shop"))
        found = dict(self.hdfs.tree("/large/shop/enriched/sales"))
        self.assertEqual([data == large for path, data in found.items() if path.endswith(".parquet")], [True])
        self.assertEqual(len(found), 2)

    def test_zz_no_datanode_left(self):
        self.hdfs.put("/lost/sales_1.csv", sales(1))
        self.hdfs.processes[-1].send_signal(signal.SIGKILL)
        self.hdfs.processes[-1].wait()
        p = project(self.address("/lost/*.csv"))
        self.run_project(p, code=1, AWS_MAX_ATTEMPTS="2")
        self.assertIn("/lost/sales_1.csv", self.errors(p, "sales_1.csv") + p.report("sales_1.csv")["input"]["path"])
        self.assertEqual(orders(p), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
