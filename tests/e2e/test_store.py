"""Tables that follow into a store by themselves (`tables: {store: …}`): each version once, whatever ends a run."""
import json
import os
import signal
import subprocess
import unittest

import kit
import storekit
from remotekit import sales
from storekit import LOG, files, project


class Follows:
    """What holds for every kind of store."""

    def test_each_run_is_there(self):
        p = project(self.address)
        out = self.run_project(p)
        self.assertRegex(out.err, "tables: [0-9]+, versions: [0-9]+, parts: [0-9]+ ")
        self.equal(p)
        for n in (2, 3):
            p.write(f"data/raw/sales_{n}.csv", sales(10 * n))
            self.run_project(p)
            self.equal(p)
        self.assertEqual(len(kit.table_rows(p, "sales")), 9)
        self.once()

    def test_what_is_removed_here_is_removed_there(self):
        p = project(self.address)
        self.run_project(p)
        self.run_project(p, "--force")
        logs = [data for path, data in self.lies("enriched/sales").items() if path.startswith(LOG)]
        self.assertTrue(any(b'{"remove":' in data for data in logs))
        self.equal(p)
        self.assertEqual(len(kit.table_rows(p, "sales")), 3)

    def test_a_run_with_nothing_new_asks_nobody(self):
        p = project(self.address)
        self.run_project(p)
        before = self.asked()
        self.assertIn("nothing to do", self.run_project(p).out)
        self.assertEqual(self.asked(), before)

    def test_a_store_that_is_not_there_costs_its_delivery(self):
        p = project(self.address)
        self.stop(True)
        for code in (4, 4):  # the second has nothing new, and tries again
            result = self.run_project(p, code=code, AWS_MAX_ATTEMPTS="1")
            self.assertIn("not delivered", result.out)
        self.assertEqual(len(kit.table_rows(p, "sales")), 3)
        p.write("data/raw/sales_2.csv", sales(10))
        self.run_project(p, code=4, AWS_MAX_ATTEMPTS="1")
        self.assertEqual(self.lies("enriched/sales"), {})
        self.stop(False)
        self.assertIn("nothing to do", self.run_project(p).out)
        self.equal(p)
        self.once()
        before = self.asked()
        self.run_project(p)
        self.assertEqual(self.asked(), before)

    def test_what_broke_off_goes_on(self):
        p = project(self.address)
        for broken in (1, 2, 4, 7):
            self.break_at(broken)
            self.run_project(p, code=4)
            self.no_part_without_its_commit(p)
        self.break_at(0)
        self.run_project(p)
        self.equal(p)
        self.once()

    def test_killed_between_two_commits(self):
        p = project(self.address)
        reached = self.hang_at("kpi/sales_kpi/" + LOG)
        command = [kit.ECLUSE, "-C", p.folder, "run", "--as-of", kit.AS_OF]
        with subprocess.Popen(command, env=kit.environment(**self.environment(ECLUSE_REMOTE_TIMEOUT="60")), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            self.assertTrue(reached.wait(kit.SECONDS_MAX))
            process.send_signal(signal.SIGKILL)
        self.go()
        self.assertEqual(self.lies("enriched/sales"), files(p, "enriched/sales"))
        self.assertFalse([path for path in self.lies("kpi/sales_kpi") if path.startswith(LOG)])
        self.assertIn("nothing to do", self.run_project(p).out)
        self.equal(p)
        self.once()

    def test_the_note_is_lost(self):
        """It saves asking: without it, and where it is nonsense, the store is asked and nothing is put."""
        p = project(self.address)
        self.run_project(p)
        puts = self.puts()
        for text in (None, b"{\"store\": 7}", b"\0"):
            if text is None:
                os.unlink(p.path("data/runs/store.json"))
            else:
                p.write("data/runs/store.json", text)
            self.run_project(p)
            self.assertEqual(self.puts(), puts)
        self.assertEqual(json.loads(p.read("data/runs/store.json"))["store"], self.address)

    def test_another_writer_is_not_written_over(self):
        p = project(self.address)
        self.run_project(p)
        foreign = b'{"commitInfo":{"engineInfo":"another"}}\n'
        self.lay("kpi/sales_kpi/" + LOG + f"{1:020}.json", foreign)
        p.write("data/raw/sales_2.csv", sales(10))
        result = self.run_project(p, code=4)
        self.assertIn("kpi/sales_kpi: version 1 there is not that of", result.out)
        self.assertEqual(self.lies("kpi/sales_kpi")[LOG + f"{1:020}.json"], foreign)
        self.assertEqual(self.lies("enriched/sales"), files(p, "enriched/sales"))  # the other tables have come
        self.run_project(p, code=4)
        found, = self.checks(p)
        self.assertEqual(found["status"], "fail")
        self.assertIn("kpi/sales_kpi: version 1 there is not that of", found["message"])
        self.assertIn("an address of its own", found["fix"])

    def test_checkpoints_follow(self):
        """Here any bytes do: what is no checkpoint is passed over by who reads the project's log."""
        p = project(self.address)
        self.run_project(p)
        for version in (0, 1):
            last = json.dumps({"version": version, "size": 7}).encode()
            p.write(f"data/processed/enriched/sales/{LOG}{version:020}.checkpoint.parquet", b"no. %d" % version)
            p.write(f"data/processed/enriched/sales/{LOG}_last_checkpoint", last)
            p.write(f"data/raw/sales_{version + 2}.csv", sales(10 * version + 10))
            self.run_project(p)
            there = self.lies("enriched/sales")
            self.assertEqual(there.pop(LOG + "_last_checkpoint"), last)
            self.assertEqual(there, files(p, "enriched/sales"))

    def test_another_writer_of_as_many_bytes(self):
        """Of the newest version there, and of the first."""
        for foreign in (1, 0):
            p = project(f"{self.address}/{foreign}")
            self.run_project(p)
            p.write("data/raw/sales_2.csv", sales(10))
            if foreign == 0:
                self.run_project(p)
                p.write("data/raw/sales_3.csv", sales(20))
            self.stop(True)
            self.run_project(p, code=4, AWS_MAX_ATTEMPTS="1")
            self.stop(False)
            path = f"enriched/sales/{LOG}{foreign:020}.json"
            ours = p.read("data/processed/" + path)
            theirs = ours.replace(b'"operation"', b'"0peration"', 1)
            self.assertEqual((len(ours), ours == theirs), (len(theirs), False))
            self.lay(f"{foreign}/{path}", theirs)
            result = self.run_project(p, code=4)
            self.assertIn(f"enriched/sales: version {foreign} there is not that of", result.out)
            self.assertEqual(self.lies(f"{foreign}/enriched/sales")[f"{LOG}{foreign:020}.json"], theirs)

    def test_what_no_version_names(self):
        """Is said, and removed when it is old; whatever else lies there is nobody's guess."""
        p = project(self.address)
        self.run_project(p)
        env = {"env": kit.environment(**self.environment())}
        self.assertIn("No file there", p.call("tables", "--orphans", **env).out)
        before = self.everything()
        left = ["enriched/sales/date=2025-07-18/part-of-another.parquet", "kpi/sales_kpi/.part-1.parquet.7.7._COPYING_", "kpi/sales_kpi/old.parquet"]
        for path in (*left, "enriched/sales/README", "enriched/sales/_delta_log/x.checkpoint.parquet", "other/x.parquet"):
            self.lay(path, b"left")
            self.set_age(path, 8 if path.endswith("old.parquet") else 1)
        orphans = lambda *more: {o["address"].removeprefix(self.address + "/"): o["removed"]  # noqa: E731
                                 for o in json.loads(p.call("tables", *more, "--format", "json", **env).out)["orphans"]}
        self.assertEqual(orphans("--orphans"), dict.fromkeys(left, False))
        self.assertEqual(orphans("--remove-orphans"), {path: path.endswith("old.parquet") for path in left})
        self.assertEqual(orphans("--orphans"), dict.fromkeys(left[:2], False))
        self.assertEqual({path: data for path, data in self.everything().items() if data != b"left"}, before)
        self.is_there(p)
        self.lay("enriched/sales/" + LOG + f"{1:020}.json", b"{}")  # whose table it is, is not known any more: nothing is said of its files
        result = p.call("tables", "--remove-orphans", code=3, **env)
        self.assertIn("version 1 there is not that of", result.err)
        self.assertNotIn("part-of-another", result.out)

    def test_two_projects_for_one_address(self):
        one, two = project(self.address), project(self.address, "sales_7.csv", "sales_8.csv")
        self.run_project(one)
        self.run_project(two, code=4)
        self.equal(one)

    def test_how_far_it_is_behind(self):
        p = project(self.address)
        env = {"env": kit.environment(**self.environment())}
        versions = lambda: {t["table"]: t["store"]["version"] for t in json.loads(p.call("tables", "--format", "json", **env).out)["tables"]}  # noqa: E731
        self.stop(True)
        self.run_project(p, code=4, AWS_MAX_ATTEMPTS="1")
        self.assertEqual(versions()["sales"], None)
        self.stop(False)
        found, = self.checks(p)
        self.assertEqual(found["status"], "warn")
        self.assertRegex(found["message"], r"(\d+) of \1 tables are behind; .* lacks 1 of its 1 versions")
        self.assertEqual(self.puts(), 0)
        self.run_project(p)
        self.assertEqual(self.checks(p)[0]["status"], "ok")
        self.assertEqual(versions()["sales"], 0)
        self.assertIn("IN STORE", p.call("tables", **env).out)


class IntoS3(Follows, storekit.S3, unittest.TestCase):
    def test_the_answer_of_a_commit_is_lost(self):
        p, lost = project(self.address), []

        def lose(handler, bucket, key, _query, body):
            if LOG not in key or len(lost) > 1 or key in lost:
                return False
            lost.append(key)
            self.s3.buckets[bucket][key] = body
            handler.close_connection = True
            return True
        self.s3.before_put = lose
        self.run_project(p)
        self.assertEqual(len(lost), 2)
        self.equal(p)

    def test_a_part_of_another_size_is_not_written_over(self):
        p = project(self.address)
        self.stop(True)
        self.run_project(p, code=4, AWS_MAX_ATTEMPTS="1")
        self.stop(False)
        part, = [path for path in files(p, "enriched/sales") if path.endswith(".parquet")]
        self.lay("enriched/sales/" + part, b"short")
        result = self.run_project(p, code=4)
        self.assertIn("is another file than ours", result.out)
        self.assertEqual(self.lies("enriched/sales"), {part: b"short"})
        self.assertEqual(self.lies("kpi/sales_kpi"), files(p, "kpi/sales_kpi"))

    def test_interrupted(self):
        p = project(self.address)
        reached = self.hang_at("enriched/sales/" + LOG)
        command = [kit.ECLUSE, "-C", p.folder, "run", "--as-of", kit.AS_OF]
        with subprocess.Popen(command, env=kit.environment(**self.environment(ECLUSE_REMOTE_TIMEOUT="60")), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            self.assertTrue(reached.wait(kit.SECONDS_MAX))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=kit.SECONDS_MAX)
        self.assertEqual(process.returncode, 130, err)
        self.go()
        self.run_project(p)
        self.equal(p)

    def test_without_credentials(self):
        p = project(self.address)
        result = self.run_project(p, code=4, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        self.assertIn("there are no credentials", result.out)
        self.assertEqual(len(kit.table_rows(p, "sales")), 3)

    def test_configuration(self):
        for store, words in (("lake/shop", "`store` is an address"), ("s3://drops/lake/", "no slash at its end"), ("s3://drops/*/x", "without `*`"),
                             ("s3://-/x", "`store`: ")):
            result = self.run_project(project(store), code=2)
            self.assertIn(words, result.err)
            self.assertIn("pipeline_config.yaml:", result.err)


class IntoHdfs(Follows, storekit.Hdfs, unittest.TestCase):
    def test_a_part_that_another_puts_at_the_same_time(self):
        """As an executor does that Spark has given up: its file has the name when ours is to get it."""
        p, first = project(self.address), []

        def win(_handler, path, query):
            if query["op"] == "RENAME" and query["destination"].endswith(".parquet"):
                self.hdfs.put(query["destination"], self.hdfs.files[path][0])
                first.append(path)
            return False
        self.hdfs.before_write = win
        self.run_project(p)
        self.assertGreater(len(first), 1)
        self.equal(p)


if __name__ == "__main__":
    unittest.main()
