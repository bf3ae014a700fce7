"""Inputs in HDFS; and the commands that know of addresses."""
import io
import json
import os
import signal
import subprocess
import sys
import threading
import unittest
import zipfile

import kit
import objectstore
from remotekit import Remote, orders, project, sales
from test_engine import Engine


class OneAttempt(Engine):
    def tasks(self, _, lines):
        return reversed(self.work([line["task"] for line in lines]))


class Commands(Remote):
    def call(self, p, *arguments, code=0, **more):
        result = p.call(*arguments, code=code, env=kit.environment(**self.s3.environment(**more)))
        self.silent(result)
        return result

    def test_validate(self):
        p = project("s3://drops/in/*.csv")
        self.put("in/sales_1.csv", sales(1))
        self.put("in/sales_2.csv", sales(4, text="") + b"o-9,x\n")
        self.assertIn("3 read, 3 accepted", self.call(p, "validate", "s3://drops/in/sales_1.csv").out)
        reports = json.loads(self.call(p, "validate", "s3://drops/in/*.csv", "--format", "json", code=None).out)
        text = json.dumps(reports)
        self.assertIn("s3://drops/in/sales_2.csv", text)
        self.assertNotIn("/proc/self/fd", text)
        self.assertIn("there is no object", self.call(p, "validate", "s3://drops/in/none.csv", code=2).err)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as z:
            z.writestr("sales_1.csv", sales(1))
        self.put("else/sales.zip", archive.getvalue())
        self.assertIn("3 read, 3 accepted", self.call(p, "validate", "--source", "sales", "s3://drops/else/sales.zip").out)
        self.assertEqual(orders(p), [])

    def doctor(self, p, code, **more):
        checks = json.loads(self.call(p, "doctor", "--format", "json", code=code, **more).out)["checks"]
        return [(c["status"], c["message"]) for c in checks if c["check"] == "objects"]

    def test_doctor(self):
        p = project("s3://drops/in/*.csv", "s3://drops/in/*.gz")
        self.assertEqual(self.doctor(p, 0), [("ok", "s3://drops/in/: can be listed, and holds nothing yet, as the environment")])
        self.put("in/sales_1.csv", sales(1))
        (status, message), = self.doctor(p, 0)
        self.assertEqual((status, message), ("ok", "s3://drops/in/: can be listed, as the environment"))
        (status, message), = self.doctor(p, 3, AWS_SECRET_ACCESS_KEY="wrong-secret-hush")
        self.assertEqual((status, "SignatureDoesNotMatch" in message, "hush" in message), ("fail", True, False))
        path = p.write("credentials", f"[default]\naws_access_key_id = {objectstore.ACCESS}\naws_secret_access_key = {objectstore.SECRET}\n")
        os.chmod(path, 0o644)
        found = self.doctor(p, None, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SHARED_CREDENTIALS_FILE=path)
        self.assertEqual([status for status, _ in found], ["ok", "warn"])
        self.assertEqual(self.doctor(kit.new_project(), 0), [])

    def test_another_engine_reads_the_same_copies(self):
        """As on Spark: the driver has fetched them, tasks name them, also for a second round."""
        self.put("sales_1.csv", sales(1))
        self.put("sales_2.csv", sales(3))
        here, there = project("s3://drops/*.csv"), project("s3://drops/*.csv")
        self.run_project(here, code=None)
        engine = OneAttempt(there)
        result = engine.run("--fail-on", "never", **self.s3.environment())
        self.assertEqual(result.code, 0, result.err)
        self.silent(result)
        self.assertEqual((orders(there), len(orders(here))), (orders(here), 5))
        self.assertEqual([len(lines) for ask, lines in engine.asked if ask == "tasks"], [2, 1])
        self.assertEqual(os.listdir(there.path("data/staging")), [])

    def test_an_interrupted_fetch_leaves_nothing(self):
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        arrived, ended = threading.Event(), threading.Event()

        def slow(_handler, _bucket, key, _query):
            if key:
                arrived.set()
                ended.wait()
            return False
        self.s3.before = slow
        with subprocess.Popen([kit.ECLUSE, "-C", p.folder, "run"], env=kit.environment(**self.s3.environment()), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            self.assertTrue(arrived.wait(kit.SECONDS_MAX))
            process.send_signal(signal.SIGTERM)
            process.communicate()
        ended.set()
        self.assertEqual(process.returncode, 143)
        self.assertEqual(os.listdir(p.path("data/staging")), [])
        self.s3.before = None
        self.run_project(p)
        self.assertEqual(len(orders(p)), 3)


class OverWebHdfs(unittest.TestCase):
    def setUp(self):
        self.hdfs = objectstore.Hdfs()
        self.addCleanup(self.hdfs.close)
        self.hdfs.put("/drop/sales_1.csv", sales(1))

    def project(self, glob="/drop/*.csv"):
        return project(self.hdfs.address(glob))

    def run_project(self, p, code=0, **more):
        return p.run(code=code, env=kit.environment(**self.hdfs.environment(**more)))

    def test_files_of_a_folder(self):
        self.hdfs.put("/drop/sales 2+%ü.csv", sales(4), 2)
        self.hdfs.put("/drop/deep/sales_3.csv", sales(7), 3)
        self.hdfs.put("/drop/sales_4.csv._COPYING_", sales(9), 4)
        p = self.project()
        self.run_project(p)
        self.assertEqual({file for _, file in orders(p)}, {self.hdfs.address("/drop/sales_1.csv"), self.hdfs.address("/drop/sales 2+%ü.csv")})
        self.hdfs.data_requests.clear()
        self.run_project(p)
        self.assertEqual((len(orders(p)), self.hdfs.data_requests), (6, []))

    def test_folders_below(self):
        self.hdfs.put("/drop/2025/07/sales_3.csv", sales(7), 3)
        self.hdfs.put("/other/sales_5.csv", sales(70), 5)
        p = self.project("/drop/**")
        self.run_project(p)
        self.assertEqual(len(orders(p)), 6)

    def test_an_hdfs_address_needs_the_namenodes_http_address(self):
        p = project("hdfs://namenode/drop/*.csv")
        self.run_project(p, ECLUSE_WEBHDFS=self.hdfs.name.url)
        self.assertEqual({file for _, file in orders(p)}, {"hdfs://namenode/drop/sales_1.csv"})

    def test_another_user(self):
        p = self.project()
        self.assertIn("[remote-denied]", self.run_project(p, code=3, HADOOP_USER_NAME="nobody").err)

    def test_a_delegation_token_from_a_file(self):
        p = self.project()
        self.hdfs.token = "HAAEc2hvcA-hush_token"
        path = p.write("token", self.hdfs.token + "\n")
        self.run_project(p, ECLUSE_WEBHDFS_TOKEN_FILE=path)
        self.assertEqual(len(orders(p)), 3)
        p = self.project()
        path = p.write("token", "another-hush_token")
        result = self.run_project(p, code=3, ECLUSE_WEBHDFS_TOKEN_FILE=path)
        self.assertIn("[remote-denied]", result.err)
        logs = b"".join(p.read(os.path.join("logs", name)) for name in os.listdir(p.path("logs"))).decode()
        self.assertNotIn("hush", result.out + result.err + logs)

    def test_a_folder_that_is_not_there(self):
        self.assertIn("no such folder", self.run_project(self.project("/drip/*.csv"), code=3).err)

    def test_a_datanode_that_breaks_off(self):
        tries = []

        def cut(h, query):
            tries.append(int(query["offset"]))
            if len(tries) > 2:
                return False
            h.send_response(200)
            h.send_header("Content-Length", query["length"])
            h.end_headers()
            h.wfile.write(sales(1)[tries[-1]:tries[-1] + 40])
            h.close_connection = True
            return True
        self.hdfs.data_before = cut
        p = self.project()
        self.run_project(p)
        self.assertEqual((tries, len(orders(p))), ([0, 40, 80], 3))

    def test_a_file_that_is_written_while_it_is_read(self):
        def change(_h, _query):
            self.hdfs.put("/drop/sales_1.csv", sales(1), 1, 1700000009999)
            return False
        self.hdfs.data_before = change
        p = self.project()
        self.run_project(p, code=1)
        self.assertIn("changed while it was being read", " ".join(p.report("sales_1.csv")["errors"]))
        self.assertEqual(orders(p), [])

    def test_a_namenode_that_lies(self):
        def listing(*entries):
            return json.dumps({"FileStatuses": {"FileStatus": list(entries)}}).encode()
        good = {"pathSuffix": "sales_1.csv", "type": "FILE", "length": 5, "modificationTime": 5, "fileId": 5}
        for body, words in ((b"", "no listing"), (b"[]", "no listing"), (b"{" * 5000, "no listing"), (listing({**good, "pathSuffix": "../x.csv"}), "a name that is none"),
                            (listing({**good, "pathSuffix": ".."}), "a name that is none"), (listing({**good, "length": -1}), "without length"),
                            (listing({**good, "length": "5"}), "without length")):
            self.hdfs.before = lambda h, *_, body=body: h.answer(200, body) or True
            self.assertIn(words, self.run_project(self.project(), code=3).err)

    def test_a_redirect_to_what_is_no_http(self):
        def away(h, _path, query):
            return query["op"] == "OPEN" and (h.answer(307, Location="file:///etc/passwd") or True)
        self.hdfs.before = away
        p = self.project()
        self.run_project(p, code=1)
        self.assertIn("not http", " ".join(p.report("sales_1.csv")["errors"]))


if __name__ == "__main__":
    sys.exit(unittest.main())
