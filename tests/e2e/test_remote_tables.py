"""Tables copied into stores: parts, then versions, each once and in order; what broke off goes on."""
import os
import sys
import tempfile
import unittest

import kit
import objectstore
from remotekit import sales


def local_files(p, name):
    """Of a table: parts and versions, by their paths below it."""
    folder = p.table_folder(name)
    found = {}
    for at, _, names in os.walk(folder):
        for one in names:
            path = os.path.relpath(os.path.join(at, one), folder)
            if path.endswith(".parquet") or path.endswith(".json"):
                with open(os.path.join(folder, path), "rb") as file:
                    found[path] = file.read()
    return found


class Copies:
    """What holds for every kind of store; subclasses say what lies there."""

    def copy(self, p, code=0, **more):
        return p.call("tables", "--copy-to", self.address, code=code, env=kit.environment(**self.environment(**more)))

    def project(self, first=1):
        p = kit.new_project(**{"sales_1.csv": sales(first)})
        p.run()
        return p

    def test_a_copy_is_the_table(self):
        p = self.project()
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))
        self.check(p, 3)
        self.assertIn("enriched/sales", self.copy(p).out)

    def test_each_run_copies_what_is_new(self):
        p = self.project()
        self.copy(p)
        before = self.writes()
        self.copy(p)
        self.assertEqual(self.writes(), before)
        p.write("data/raw/sales_2.csv", sales(10))
        p.run()
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))
        self.check(p, 6)

    def test_another_table_is_not_written_over(self):
        self.copy(self.project())
        before = self.lies("enriched/sales")
        self.assertIn("[commit-conflict]", self.copy(self.project(100), code=3).err)
        self.assertEqual(self.lies("enriched/sales"), before)

    def check(self, p, rows):
        """The copy, fetched, is a table for an independent reader."""
        folder = tempfile.mkdtemp(dir=kit.scratch)
        other = kit.Project(folder)
        for path, data in self.lies("enriched/sales").items():
            other.write(os.path.join("data/processed/enriched/sales", path), data)
        self.assertEqual(kit.table_rows(other, "sales"), kit.table_rows(p, "sales"))
        self.assertEqual(len(kit.table_rows(other, "sales")), rows)


class IntoS3(Copies, unittest.TestCase):
    def setUp(self):
        self.s3 = objectstore.S3()
        self.addCleanup(self.s3.close)
        self.address, self.environment = "s3://drops/lake/shop", self.s3.environment

    def lies(self, table):
        prefix = f"lake/shop/{table}/"
        return {key[len(prefix):]: data for key, data in self.s3.buckets["drops"].items() if key.startswith(prefix)}

    def writes(self):
        return len(self.s3.puts)

    def test_versions_come_behind_their_parts_and_in_order(self):
        p = self.project()
        p.write("data/raw/sales_2.csv", sales(10))
        p.run()
        self.copy(p)
        keys = [key.split("enriched/sales/")[1] for _, key, _ in self.s3.puts if "enriched/sales/" in key]
        self.assertEqual(keys[-2:], [f"_delta_log/{n:020}.json" for n in (0, 1)])
        self.assertEqual(sum(key.endswith(".parquet") for key in keys), len(keys) - 2)

    def test_what_broke_off_goes_on(self):
        p = self.project()
        for broken in range(1, 4):
            count = []

            def fail(handler, _bucket, _key, _query, _body, count=count, broken=broken):
                count.append(1)
                return len(count) == broken and (handler.refuse(403, "AccessDenied") or True)
            self.s3.before_put = fail
            self.copy(p, code=None)
        self.s3.before_put = None
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))
        self.check(p, 3)

    def test_an_answer_that_is_lost_is_no_other_writer(self):
        p = self.project()
        lost = []

        def lose(handler, bucket, key, _query, body):
            if not key.endswith("sales/_delta_log/00000000000000000000.json") or lost:
                return False
            lost.append(key)
            self.s3.buckets[bucket][key] = body
            handler.close_connection = True
            return True
        self.s3.before_put = lose
        self.copy(p)
        self.assertEqual((len(lost) > 0, self.lies("enriched/sales")), (True, local_files(p, "sales")))

    def test_another_writer_of_the_same_version(self):
        p = self.project()
        self.copy(p)
        p.write("data/raw/sales_2.csv", sales(10))
        p.run()

        def first(_handler, bucket, key, _query, _body):
            if key.endswith("sales/_delta_log/00000000000000000001.json"):
                self.s3.buckets[bucket][key] = b"{}"
            return False
        self.s3.before_put = first
        self.assertIn("[commit-conflict]", self.copy(p, code=3).err)
        self.assertEqual(self.s3.buckets["drops"]["lake/shop/enriched/sales/_delta_log/00000000000000000001.json"], b"{}")

    def large_project(self):
        p = self.project()
        part, = [name for name in local_files(p, "sales") if name.endswith(".parquet")]
        path = os.path.join(p.table_folder("sales"), part)
        log = os.path.join(p.table_folder("sales"), "_delta_log", f"{0:020}.json")
        size = os.path.getsize(path)
        os.truncate(path, 40 << 20)  # no Parquet any more, but a part is bytes here
        with open(log, encoding="utf-8") as file:
            text = file.read()
        with open(log, "w", encoding="utf-8") as file:
            file.write(text.replace(f'"size":{size}', f'"size":{40 << 20}'))
        return p

    def test_large_parts_go_up_in_pieces(self):
        p = self.large_project()
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))
        self.assertEqual((sorted(int(q["partNumber"]) for m, _, q in self.s3.puts if "partNumber" in q), self.s3.uploads), ([1, 2, 3], {}))

    def test_an_upload_that_fails_is_aborted(self):
        p = self.large_project()
        for broken in ("part", "complete", "complete with 200"):
            def fail(handler, _bucket, _key, query, _body, broken=broken):
                if broken == "part" and query.get("partNumber") == "2":
                    return handler.refuse(403, "AccessDenied") or True
                if broken != "part" and handler.command == "POST" and "uploadId" in query:
                    return handler.refuse(200 if "200" in broken else 403, "InternalError") or True
                return False
            self.s3.before_put = fail
            self.s3.puts.clear()
            self.assertNotEqual(self.copy(p, code=None).code, 0)
            self.assertEqual((self.s3.uploads, [m for m, _, _ in self.s3.puts if m == "DELETE"]), ({}, ["DELETE"]), broken)
            self.assertFalse([path for path in self.lies("enriched/sales") if path.startswith("_delta_log")])
        self.s3.before_put = None
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))

    def test_usage(self):
        p = self.project()
        for to, words in (("lake/shop", "no address"), ("s3://drops/lake/", "without a slash"), ("s3://key:hush@drops/x", "no password")):
            result = p.call("tables", "--copy-to", to, code=2, env=kit.environment(**self.environment()))
            self.assertIn(words, result.err)
            self.assertNotIn("hush", result.err)


class IntoHdfs(Copies, unittest.TestCase):
    def setUp(self):
        self.hdfs = objectstore.Hdfs()
        self.addCleanup(self.hdfs.close)
        self.address, self.environment = self.hdfs.address("/lake/shop"), self.hdfs.environment

    def lies(self, table):
        prefix = f"/lake/shop/{table}/"
        return {path[len(prefix):]: data for path, (data, _, _) in self.hdfs.files.items() if path.startswith(prefix)}

    def writes(self):
        return sum(path.partition("?")[2].startswith(("op=CREATE", "op=RENAME")) for path in self.hdfs.requests)

    def test_a_datanode_that_breaks_off_once(self):
        p, broken = self.project(), []

        def cut(handler, query):
            if broken:
                return False
            broken.append(query)
            handler.close_connection = True
            return True
        self.hdfs.data_before = cut
        self.copy(p)
        self.assertEqual((len(broken), self.lies("enriched/sales")), (1, local_files(p, "sales")))

    def test_a_datanode_that_breaks_off_leaves_nothing(self):
        p = self.project()

        def cut(handler, query):
            if query["op"] != "CREATE":
                return False
            handler.close_connection = True
            return True
        self.hdfs.data_before = cut
        self.assertIn("[remote]", self.copy(p, code=3).err)
        self.assertEqual(self.hdfs.files, {})
        self.hdfs.data_before = None
        self.copy(p)
        self.assertEqual(self.lies("enriched/sales"), local_files(p, "sales"))


if __name__ == "__main__":
    sys.exit(unittest.main())
