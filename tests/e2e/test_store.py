"""Tables that follow into a store by themselves (`tables: {store: …}`): each version once, whatever ends a run."""
import collections
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import kit
import objectstore
from remotekit import sales
from test_engine import Engine
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


class Follows:
    """What holds for every kind of store."""

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

    def is_there(self, p):
        for table in tables(p):
            for path, data in files(p, table).items():
                self.assertEqual(self.lies(table)[path], data)

    def test_two_projects_for_one_address(self):
        one, two = project(self.address), project(self.address, "sales_7.csv", "sales_8.csv")
        self.run_project(one)
        self.run_project(two, code=4)
        self.equal(one)

    def checks(self, p):
        result = p.call("doctor", "--format", "json", code=None, env=kit.environment(**self.environment()))
        return [check for check in json.loads(result.out)["checks"] if check["check"] == "store"]

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


class IntoS3(Follows, unittest.TestCase):
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

    def each_put(self, act):
        """A first run, of which one put after the other is disturbed: act(p, number, key of the put), until there is none of that number."""
        clean = project(self.address)
        for number in range(1, 100):
            self.s3.buckets["drops"].clear()
            self.s3.puts.clear()
            self.s3.before_put = None
            p = clean.copy()
            if not act(p, number):
                self.assertGreater(number, 4)  # two tables at least: a part and a version each
                return
            self.no_part_without_its_commit(p)
            self.s3.before_put = None
            self.run_project(p)
            self.equal(p)
            self.once()
        self.fail("there is no end of puts")

    def test_each_put_is_refused_once(self):
        def act(p, number):
            self.break_at(number)
            result = self.run_project(p, code=None)
            self.assertIn(result.code, (0, 4))
            return result.code == 4
        self.each_put(act)

    def test_killed_at_each_put(self):
        """Before it is there, and after."""
        def act(p, number):
            count, reached, kept = [], threading.Event(), number % 2 == 0

            def hang(_handler, bucket, key, _query, body):
                count.append(key)
                if len(count) != (number + 1) // 2:
                    return False
                if kept:
                    self.s3.buckets[bucket][key] = body
                else:
                    self.s3.puts.remove(("PUT", key, {}))
                reached.set()
                self.released.wait(1)
                return True
            self.s3.before_put = hang
            command = [kit.ECLUSE, "-C", p.folder, "run", "--as-of", kit.AS_OF]
            with subprocess.Popen(command, env=kit.environment(**self.environment(ECLUSE_REMOTE_TIMEOUT="60")), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while not reached.wait(0.02) and process.poll() is None:
                    pass
                if not reached.is_set():
                    return False
                process.send_signal(signal.SIGKILL)
            return True
        self.each_put(act)

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


class IntoHdfs(Follows, unittest.TestCase):
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


class Putting(Engine):
    """An engine that puts parts, by `ecluse worker --put`."""

    def __init__(self, p, env):
        super().__init__(p)
        self.env = env

    def begin(self, request, _):
        self.begun = request
        return ['{"ready":true,"puts":true}']

    def put(self, _, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = subprocess.run([kit.ECLUSE, *self.begun["worker"], "--put"], input=text, capture_output=True, text=True, check=True,
                              env=kit.environment(**self.env))
        return done.stdout.splitlines()


class ByAnEngine(IntoS3):
    """The same store, the parts put by another program's machines; what that says is not relied upon."""

    def project(self):
        p = project(self.address)
        for name in os.listdir(p.path("transformations")):
            if name != "sales_kpi.sql":
                os.unlink(p.path("transformations", name))
        return p

    def by(self, kind, *arguments, code=0):
        p = self.project()
        engine = kind(p, self.environment())
        result = engine.run(*arguments, **self.environment())
        self.assertEqual(result.code, code, result.out + result.err)
        self.silent(p, result)
        return p, engine, result

    def test_it_puts_all_parts(self):
        p, engine, result = self.by(Putting)
        self.equal(p)
        self.once()
        asked, = [lines for ask, lines in engine.asked if ask == "put"]
        parts = {f"{table}/{path}" for table in tables(p) for path in files(p, table) if path.endswith(".parquet")}
        self.assertEqual({line["address"] for line in asked}, {f"{self.address}/{part}" for part in parts})
        self.assertEqual({line["path"] for line in asked}, {p.path("data/processed", part) for part in parts})
        self.assertIn(f"parts: {len(parts)} (from here: 0, ", result.err)

    def test_what_it_does_not_put_is_put(self):
        class Lies(Putting):
            def put(self, _, lines):
                return [json.dumps({"put": line["address"], "status": "ok"}) for line in lines]

        class Cannot(Putting):
            def put(self, _, lines):
                return [json.dumps({"put": line["address"], "status": "failed", "error": {"code": "remote-denied", "message": "no key here"}}) for line in lines]

        class Fails(Putting):
            def put(self, _, lines):
                return ['{"failed":{"code":"engine","message":"out of sorts"}}']

        class Talks(Putting):
            def put(self, _, lines):
                return ["well"]

        class Ends(Putting):
            def put(self, _, lines):
                raise StopIteration

        class Half(Putting):
            def put(self, request, lines):
                return [*super().put(request, lines[:1]), *Lies.put(self, request, lines[1:])]

        for kind, words in ((Lies, ""), (Cannot, "no key here"), (Fails, "out of sorts"), (Talks, "is not JSON"), (Ends, "the engine ended"), (Half, "")):
            self.s3.buckets["drops"].clear()
            self.s3.puts.clear()
            p, _, result = self.by(kind)
            self.assertIn(words, result.err)
            self.equal(p)
            self.once()

    def test_it_has_no_credentials(self):
        class Without(Putting):
            def put(self, request, lines):
                self.env = {"AWS_ENDPOINT_URL": self.env["AWS_ENDPOINT_URL"]}
                return super().put(request, lines)
        p, _, result = self.by(Without)
        self.assertIn("there are no credentials", result.err)
        self.equal(p)

    def test_what_is_not_to_be_put(self):
        p = self.project()
        self.run_project(p)
        before = dict(self.s3.buckets["drops"])
        part = next(path for path in files(p, "enriched/sales") if path.endswith(".parquet"))
        good = {"path": p.path("data/processed/enriched/sales", part), "address": f"{self.address}/enriched/sales/{part}", "bytes": 1}
        for name, value in (("path", p.path("config/pipeline_config.yaml")), ("path", p.path("data/processed/../../config/pipeline_config.yaml")),
                            ("path", "/etc/passwd"), ("address", "s3://drops/other/x"), ("address", "s3://drops/lake/shopping/x"),
                            ("address", self.address + "/../x")):
            result = p.call("worker", "--put", stdin=json.dumps({**good, name: value}).encode(), code=None, env=kit.environment(**self.environment()))
            self.assertNotEqual(result.code, 0, value)
            self.assertEqual(result.out, "")
        result = p.call("worker", "--put", stdin=json.dumps(good).encode(), env=kit.environment(**self.environment()))
        self.assertEqual(json.loads(result.out)["error"]["code"], "commit-conflict")  # of another size
        self.assertEqual(self.s3.buckets["drops"], before)


# What IntoS3 says of a store is said once.
for inherited in [name for name in dir(IntoS3) if name.startswith("test_")]:
    setattr(ByAnEngine, inherited, None)


if __name__ == "__main__":
    unittest.main()
