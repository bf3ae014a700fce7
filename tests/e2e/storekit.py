"""Projects whose tables follow into a store, and the stores, for tests/e2e/test_store*.py."""
import collections
import json
import os
import tempfile
import threading
import time
import urllib.parse

import kit
import objectstore
from remotekit import sales
from test_remote_tables import local_files

LOG = "_delta_log/"


def project(address, *names):
    p = kit.new_project(**{name: sales(10 * i) for i, name in enumerate(names or ("sales_1.csv",))})
    p.edit("config/pipeline_config.yaml", "sources:\n", f"tables: {{store: {json.dumps(address)}}}\n\nsources:\n")
    return p


def tables(p):
    """(kind/name) of every table of the project."""
    found = []
    for kind in ("enriched", "kpi", "joined"):
        folder = p.path("data/processed", kind)
        found += [f"{kind}/{name}" for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
    return [name for name in found if os.path.isdir(p.path("data/processed", name, "_delta_log"))]


def files(p, table):
    folder = p.path("data/processed", table)
    return {path: data for path, data in local_files(p, os.path.basename(table)).items() if os.path.isfile(os.path.join(folder, path))}


class Following:
    """What is asked of every kind of store."""

    def run_project(self, p, *arguments, code=0, **more):
        result = p.run(*arguments, code=code, env=kit.environment(**self.environment(**more)))
        self.silent(p, result)
        return result

    def silent(self, p, result):
        """No secret is in what was said, nor in any file of the project."""
        self.assertNotIn(objectstore.SECRET, result.out + result.err)
        for folder, _, names in os.walk(p.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(objectstore.SECRET.encode(), file.read(), name)

    def equal(self, p):
        """Every table is there, file by file, and nothing besides; and an independent reader reads there what it reads here."""
        self.assertIn("enriched/sales", tables(p))
        self.assertIn("kpi/sales_kpi", tables(p))
        for table in tables(p):
            self.assertEqual(self.lies(table), files(p, table), table)
        other = kit.Project(tempfile.mkdtemp(dir=kit.scratch))
        for table in tables(p):
            for path, data in self.lies(table).items():
                other.write(os.path.join("data/processed", table, path), data)
        for name in ("sales", "sales_kpi"):
            self.assertEqual(kit.table_rows(other, name), kit.table_rows(p, name))
        self.assertEqual(kit.check_project(p), [])

    def no_part_without_its_commit(self, p):
        """Whatever lies there is named by a commit here."""
        for table in tables(p):
            self.assertLessEqual(set(self.lies(table)), set(files(p, table)))

    def whole(self, p):
        """At this moment a reader there finds every part that a version names."""
        for table in tables(p):
            there = self.lies(table)
            for path, data in there.items():
                if path.startswith(LOG) and path.endswith(".json"):
                    adds = [json.loads(line)["add"]["path"] for line in data.splitlines() if b'{"add":' in line]
                    self.assertLessEqual({urllib.parse.unquote(add) for add in adds}, set(there), f"{table} {path}")

    def is_there(self, p):
        for table in tables(p):
            for path, data in files(p, table).items():
                self.assertEqual(self.lies(table)[path], data)

    def checks(self, p):
        result = p.call("doctor", "--format", "json", code=None, env=kit.environment(**self.environment()))
        return [check for check in json.loads(result.out)["checks"] if check["check"] == "store"]


class S3(Following):
    def setUp(self):
        self.s3 = objectstore.S3()
        self.addCleanup(self.s3.close)
        self.address, self.environment = "s3://drops/lake/shop", self.s3.environment
        self.released = threading.Event()
        self.addCleanup(self.released.set)

    def lies(self, table):
        prefix = f"lake/shop/{table}/"
        return {key[len(prefix):]: data for key, data in self.s3.buckets["drops"].items() if key.startswith(prefix)}

    def lay(self, path, data):
        self.s3.buckets["drops"]["lake/shop/" + path] = data

    def everything(self):
        return dict(self.s3.buckets["drops"])

    def set_age(self, path, days):
        self.s3.times["drops", "lake/shop/" + path] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - days * 86400))

    def asked(self):
        return len(self.s3.requests) + len(self.s3.puts)

    def puts(self):
        return len(self.s3.puts)

    def once(self):
        """No key was put again after it was there."""
        done = collections.Counter(self.stored())
        self.assertEqual({key: n for key, n in done.items() if n > 1}, {})

    def stored(self):
        return [key for _, key, _ in self.s3.puts if key not in self.refused]

    refused = ()

    def stop(self, down):
        refuse = (lambda handler, *_: setattr(handler, "close_connection", True) or True) if down else None
        self.s3.before, self.s3.before_put = refuse, refuse

    def break_at(self, number):
        count = []

        def fail(handler, _bucket, key, _query, _body):
            count.append(1)
            if len(count) == number:
                self.s3.puts.remove(("PUT", key, {}))
                handler.refuse(403, "AccessDenied")
                return True
            return False
        self.s3.before_put = fail if number else None

    def hang_at(self, part):
        reached = threading.Event()

        def hang(_handler, _bucket, key, _query, _body):
            if part not in key or self.released.is_set():
                return False
            self.s3.puts.remove(("PUT", key, {}))
            reached.set()
            self.released.wait()
            return True
        self.s3.before_put = hang
        return reached

    def go(self):
        self.released.set()
        self.s3.before_put = None


class Hdfs(Following):
    def setUp(self):
        self.hdfs = objectstore.Hdfs()
        self.addCleanup(self.hdfs.close)
        self.address, self.environment = self.hdfs.address("/lake/shop"), self.hdfs.environment
        self.released = threading.Event()
        self.addCleanup(self.released.set)

    def lies(self, table):
        prefix = f"/lake/shop/{table}/"
        return {path[len(prefix):]: data for path, (data, _, _) in self.hdfs.files.items() if path.startswith(prefix) and not path.endswith("._COPYING_")}

    def lay(self, path, data):
        self.hdfs.put("/lake/shop/" + path, data)

    def everything(self):
        return {path: data for path, (data, _, _) in self.hdfs.files.items()}

    def set_age(self, path, days):
        data, number, _ = self.hdfs.files["/lake/shop/" + path]
        self.hdfs.files["/lake/shop/" + path] = (data, number, int((time.time() - days * 86400) * 1000))

    def asked(self):
        return len(self.hdfs.requests)

    def puts(self):
        return sum("op=CREATE" in path for path in self.hdfs.requests)

    def once(self):
        """No name was renamed to twice: HDFS would have refused the second."""
        done = collections.Counter(path.partition("destination=")[2].partition("&")[0] for path in self.hdfs.requests if "op=RENAME" in path)
        self.assertEqual({key: n for key, n in done.items() if n > 1}, {})

    def stop(self, down):
        self.hdfs.before = self.hdfs.before_write = (lambda handler, *_: setattr(handler, "close_connection", True) or True) if down else None

    def break_at(self, number):
        count = []

        def fail(handler, _path, query):
            count.append(query["op"])
            if query["op"] == "CREATE" and count.count("CREATE") == number:
                handler.exception(403, "AccessControlException")
                return True
            return False
        self.hdfs.before_write = fail if number else None

    def hang_at(self, part):
        reached = threading.Event()

        def hang(_handler, path, query):
            if part not in path or query["op"] == "MKDIRS" or self.released.is_set():
                return False
            self.hdfs.requests.pop()
            reached.set()
            self.released.wait()
            return True
        self.hdfs.before_write = hang
        return reached

    def go(self):
        self.released.set()
        self.hdfs.before_write = None
