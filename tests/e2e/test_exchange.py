#!/usr/bin/env python3
"""What machines hand to each other through a store: `ecluse worker --get` and `--put` with `--exchange`, and what the driver
notes and removes of it."""
import hashlib
import json
import os
import signal
import unittest

import kit
import storekit
from remotekit import orders, sales
from remotekit import project as remote_project
from storekit import project
from test_engine import Engine

MIB = 1 << 20


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


class Worker:
    """Of every kind of store."""

    def setUp(self):
        super().setUp()
        self.p = kit.new_project()
        self.exchange = self.address + "/_ecluse/x"

    def call(self, way, *objects, code=0, **more):
        result = self.p.call("worker", way, "--exchange", self.exchange, stdin=lines(*objects), code=code, env=kit.environment(**self.environment(**more)))
        self.silent(self.p, result)
        return [json.loads(line) for line in result.out.splitlines()] if code == 0 else result

    def path(self, name):
        return self.p.path("data/staging", name)

    def want(self, name, to=None, **more):
        return {"address": f"{self.exchange}/{name}", "path": self.path(to or "in/" + name), **more}

    def put(self, name, data):
        self.p.write("data/staging/out/" + name, data)
        answer, = self.call("--put", {"path": self.path("out/" + name), "address": f"{self.exchange}/{name}", "bytes": len(data)})
        self.assertEqual(answer, {"put": f"{self.exchange}/{name}", "status": "ok"})

    def failed(self, code, *words, **want):
        answer, = self.call("--get", want)
        self.assertEqual((answer["status"], answer["error"]["code"]), ("failed", code), answer)
        for word in words:
            self.assertIn(word, answer["error"]["message"])
        self.assertFalse(os.path.exists(want["path"]))

    def test_there_and_back(self):
        """Names of any script, an empty file, one of several parts: byte by byte, in folders that are made for them."""
        files = {"a/b=ü 1%2F/part.parquet": os.urandom(1000), "keys": b"", "large": os.urandom(40 * MIB + 1)}
        for name, data in files.items():
            self.put(name, data)
        wanted = [self.want(name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), durable=True) for name, data in files.items()]
        for answer, (name, data) in zip(self.call("--get", *wanted), files.items(), strict=True):
            self.assertEqual(answer, {"get": self.path("in/" + name), "status": "ok", "bytes": len(data)})
            self.assertEqual(self.p.read("data/staging/in/" + name), data)
        self.assertEqual(self.call("--get"), [])

    def test_a_size_that_nobody_told(self):
        self.put("log.json", b"{}")
        answer, = self.call("--get", self.want("log.json"))
        self.assertEqual(answer, {"get": self.path("in/log.json"), "status": "ok", "bytes": 2})
        self.failed("file-changed", "is not there", **self.want("other.json"))

    def test_a_range(self):
        """The rest is a hole: nothing of it was asked for."""
        data = os.urandom(50 * MIB)
        self.put("raw.csv", data)
        for head, start, end in ((100, 20 * MIB, 37 * MIB + 5), (0, 5, 6), (10 * MIB, 9 * MIB, 11 * MIB), (9 * MIB, 3, MIB), (1, 50 * MIB - 1, 50 * MIB), (10 ** 12, 1, 2)):
            name = f"at/{head}-{start}"
            answer, = self.call("--get", self.want("raw.csv", name, bytes=len(data), head=head, range=[start, end]))
            self.assertEqual(answer["status"], "ok")
            head = min(head, len(data))
            hole = max(0, start - head)
            tail = len(data) - max(end, head)
            wanted = data[:head] + bytes(hole) + data[head + hole:max(end, head)] + bytes(tail)
            self.assertEqual(self.p.read("data/staging/" + name) == wanted, True, name)

    def test_what_is_not_as_it_was_told(self):
        self.put("part", b"x" * 100)
        good = {"bytes": 100, "sha256": hashlib.sha256(b"x" * 100).hexdigest()}
        self.failed("file-changed", "holds other bytes", **self.want("part", **{**good, "sha256": "0" * 64}))
        self.failed("file-changed", "changed while it was being read", **self.want("part", tag="other", **good))
        for size in (99, 101):
            answer, = self.call("--get", self.want("part", bytes=size))
            self.assertEqual(answer["status"], "failed")
        self.failed("file-changed", **self.want("gone", bytes=3))
        self.p.write("data/staging/in/taken", "")
        answer, = self.call("--get", self.want("part", "in/taken", **good))  # a file that is there is not replaced
        self.assertEqual((answer["status"], self.p.read("data/staging/in/taken")), ("failed", b""))

    def test_one_of_two(self):
        self.put("part", b"x" * 100)
        answers = self.call("--get", self.want("gone", bytes=3), self.want("part", bytes=100))
        self.assertEqual([answer["status"] for answer in answers], ["failed", "ok"])

    def test_what_is_refused(self):
        good = self.want("part", bytes=100)
        for name, value in (("path", self.p.path("data/raw/x.csv")), ("path", self.path("../raw/x.csv")), ("path", "/etc/x"), ("path", self.path("")),
                            ("address", self.address + "/other"), ("address", self.exchange), ("address", self.exchange + "x/part"),
                            ("address", self.exchange + "/../part"), ("address", None), ("path", None), ("range", [5, 5]), ("range", [-1, 5]),
                            ("range", [1, 101]), ("range", [1]), ("range", "1-5"), ("tag", "t" * 200), ("bytes", -1), ("bytes", "1"), ("durable", 1)):
            result = self.call("--get", {**good, name: value}, code=3)
            self.assertIn("error [protocol]", result.err, f"{name} {value}")
            self.assertEqual(result.out, "")
        self.assertIn("a range of a file whose size is told", self.call("--get", {**self.want("part"), "range": [1, 2]}, code=3).err)
        self.assertIn("a range of a file whose size is told", self.call("--get", {**good, "range": [1, 2], "sha256": "0" * 64}, code=3).err)
        self.call("--get", "no object", code=3)
        before = self.everything()
        part = {"path": self.p.write("data/raw/x.csv", "1"), "address": self.exchange + "/x", "bytes": 1}
        for name, value in (("path", self.p.path("config/pipeline_config.yaml")), ("path", self.p.path("data/../config/pipeline_config.yaml")),
                            ("address", self.address + "/x"), ("address", self.exchange)):
            self.assertIn("error [protocol]", self.call("--put", {**part, name: value}, code=3).err)
        self.assertEqual(self.everything(), before)

    def test_a_store_that_is_down(self):
        self.put("part", b"x" * 100)
        self.stop(True)
        for want in (self.want("part"), self.want("part", bytes=100)):
            answer, = self.call("--get", want, AWS_MAX_ATTEMPTS="1")
            self.assertEqual((answer["status"], os.path.exists(want["path"])), ("failed", False))
            self.assertIn(answer["error"]["code"], ("remote", "remote-read"))


class OverS3(Worker, storekit.S3, unittest.TestCase):
    def test_without_credentials(self):
        self.put("part", b"x" * 100)
        answer, = self.call("--get", self.want("part"), AWS_ACCESS_KEY_ID="")
        self.assertEqual(answer["error"]["code"], "remote-denied")
        answer, = self.call("--get", self.want("part", bytes=100), AWS_REGION="no region")
        self.assertEqual(answer["error"]["code"], "config")

    def test_a_sources_object(self):
        """By the version that a run has planned; an address that no source names is not fetched."""
        self.p = remote_project("s3://drops/sales/*.csv")
        self.s3.buckets["drops"].update({"sales/1.csv": b"abc", "other/1.csv": b"abc"})
        want = {"address": "s3://drops/sales/1.csv", "path": self.path("in/1.csv"), "bytes": 3, "tag": self.s3.etag_of(b"abc")}
        self.assertEqual(self.call("--get", want)[0]["status"], "ok")
        self.s3.buckets["drops"]["sales/1.csv"] = b"xyz"
        self.failed("file-changed", "s3://drops/sales/1.csv: it changed while it was being read", **{**want, "path": self.path("in/2.csv")})
        self.assertIn("is no source's", self.call("--get", {**want, "address": "s3://drops/other/1.csv"}, code=3).err)


class OverHdfs(Worker, storekit.Hdfs, unittest.TestCase):
    pass


# ---------------------------------------------------------------- the driver's part


class Exchanging(Engine):
    """Hands everything on through the store, as an engine of many machines does; `leave` is what it leaves there."""
    address = "s3://drops/lake/shop/_ecluse/{run}.{token}"
    leave = {"in/1": b"1", "out/t000001.7/part-1.parquet": b"2", "model-x/_delta_log/0.json": b"3",
             "model-x/_delta_log/_staged_commits/": b"", "large": bytes(100)}

    def __init__(self, project, s3):
        super().__init__(project)
        self.s3, self.exchange = s3, None

    def begin(self, request, _):
        self.begun = request
        self.exchange = self.address.format(run=request["run"], token=os.urandom(8).hex())
        return [json.dumps({"ready": True, "exchange": self.exchange})]

    def fill(self):
        notes = json.loads(self.project.read("data/runs/exchange.json"))
        assert self.exchange in notes["exchanges"], notes  # before anything is put
        for name, data in self.leave.items():
            self.s3.buckets["drops"][f"{self.exchange}/{name}".removeprefix("s3://drops/")] = data

    def tasks(self, request, given):
        self.fill()
        return super().tasks(request, given)


class Notes(storekit.S3, unittest.TestCase):
    def project(self):
        p = project(self.address)
        for name in os.listdir(p.path("transformations")):
            if name != "sales_kpi.sql":
                os.unlink(p.path("transformations", name))
        return p

    def exchanged(self):
        return [key for key in self.s3.buckets["drops"] if "/_ecluse/" in key]

    def noted(self, p):
        return json.loads(p.read("data/runs/exchange.json"))["exchanges"]

    def run_engine(self, p, kind=Exchanging, code=0, **more):
        engine = kind(p, self.s3)
        result = engine.run(**self.environment(**more))
        self.assertEqual(result.code, code, result.out + result.err)
        self.silent(p, result)
        return engine, result

    def test_removed_with_the_run(self):
        """The note stays for the next one, which looks once more: a machine that heard late of the end has put something."""
        p = self.project()
        engine, _ = self.run_engine(p)
        self.assertEqual((self.exchanged(), self.noted(p)), ([], [engine.exchange]))
        self.equal(p)
        engine.fill()
        self.s3.buckets["drops"]["lake/shop/_ecluse/other.0123456789abcdef/x"] = b"another project's"
        self.run_project(p)
        self.assertEqual((self.exchanged(), self.noted(p)), (["lake/shop/_ecluse/other.0123456789abcdef/x"], []))
        asked = self.asked()
        self.run_project(p)
        self.assertEqual(self.asked(), asked)
        self.assertEqual(json.loads(p.call("tables", "--orphans", "--format", "json", env=kit.environment(**self.environment())).out)["orphans"], [])

    def test_removed_when_the_run_fails(self):
        class Fails(Exchanging):
            def tasks(self, request, given):
                self.fill()
                return ['{"failed":{"code":"engine","message":"out of sorts"}}']

        class Ends(Exchanging):
            def tasks(self, request, given):
                self.fill()
                raise StopIteration
        for kind in (Fails, Ends):
            p = self.project()
            self.run_engine(p, kind, code=3)
            self.assertEqual(self.exchanged(), [])
            self.assertFalse(os.path.exists(p.table_folder("sales")))

    def test_a_driver_that_is_killed(self):
        class Kills(Exchanging):
            def tasks(self, request, given):
                self.fill()
                for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
                    try:
                        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                            words = file.read().split("\0")
                    except OSError:
                        continue
                    if self.project.folder in words and "--engine" in words:
                        os.kill(pid, signal.SIGKILL)
                raise StopIteration
        p = self.project()
        engine, _ = self.run_engine(p, Kills, code=-signal.SIGKILL)
        self.assertEqual((len(self.exchanged()), self.noted(p)), (len(engine.leave), [engine.exchange]))
        again, _ = self.run_engine(p)
        self.assertEqual((self.exchanged(), self.noted(p)), ([], [again.exchange]))
        self.equal(p)

    def test_a_store_that_is_down_at_the_end(self):
        class Down(Exchanging):
            def models(self, request, given):
                answers = super().models(request, given)
                self.s3.before_put = lambda handler, *_: setattr(handler, "close_connection", True) or True
                return answers
        p = self.project()
        engine, result = self.run_engine(p, Down, code=4, AWS_MAX_ATTEMPTS="1")
        self.assertIn("left for the next run to remove", result.err)
        self.assertEqual((len(self.exchanged()), self.noted(p)), (len(engine.leave), [engine.exchange]))
        self.s3.before_put = None
        self.run_project(p)
        self.assertEqual((self.exchanged(), self.noted(p)), ([], []))

    def test_what_is_no_exchange(self):
        for wrong in ("s3://drops/lake/shop", "s3://drops/lake/shop/_ecluse/{run}", "s3://drops/lake/shop/_ecluse/{run}.0123456789abcdeF",
                      "s3://drops/lake/shop/_ecluse/{run}.0123456789abcdef0", "s3://drops/_ecluse/x/{run}.0123456789abcdef",
                      "s3://drops/lake/shop/_ecluse/{run}x.0123456789abcdef", "s3://drops/lake/shop/_ecluse/.0123456789abcdef",
                      "s3://drops/lake/../_ecluse/{run}.0123456789abcdef", "/lake/_ecluse/{run}.0123456789abcdef", "s3://drops/{run}.0123456789abcdef"):
            p = self.project()
            _, result = self.run_engine(p, type("Wrong", (Exchanging,), {"address": wrong}), code=3)
            self.assertIn("is no folder for the exchange of the run", result.err, wrong)
            self.assertFalse(os.path.exists(p.path("data/runs/exchange.json")))

    def test_notes_that_are_damaged(self):
        """A run of this machine alone says it and goes on; nothing is removed by what cannot be read."""
        for text in ("{", "{}", '{"exchanges":[1]}', '{"exchanges":["s3://drops/lake/shop"]}', '{"exchanges":{}}'):
            p = self.project()
            p.write("data/runs/exchange.json", text)
            self.s3.buckets["drops"] = {"lake/shop/x": b"x"}
            result = self.run_project(p)
            self.assertEqual("left for the next run to remove" in result.err, text != "{}", text)
            self.assertIn("lake/shop/x", self.s3.buckets["drops"])
            p.write("data/raw/sales_2.csv", sales(40))
            if text != "{}":
                self.run_engine(p, code=3)

    def test_what_an_engine_is_told(self):
        """The store; the version of an object; a table's place in the store once all of it is there."""
        p = self.project()
        p.edit("config/pipeline_config.yaml", 'files: ["sales_*.csv"]', 'files: ["sales_*.csv", "s3://drops/in/*.csv"]')
        self.s3.buckets["drops"]["in/1.csv"] = sales(20)
        engine, _ = self.run_engine(p)
        self.assertEqual(engine.begun["store"], self.address)
        given = {line["task"]["path"]: line.get("object") for ask, told in engine.asked if ask == "tasks" for line in told}
        self.assertEqual(given, {"sales_1.csv": None, "s3://drops/in/1.csv": {"bytes": len(sales(20)), "tag": self.s3.etag_of(sales(20))}})
        inputs = lambda engine: [one.get("store") for ask, told in engine.asked if ask == "models" for line in told for one in line["inputs"]]  # noqa: E731
        self.assertEqual(inputs(engine), [None, None])  # tables that are not there yet
        p.write("data/raw/sales_2.csv", sales(40))
        engine, _ = self.run_engine(p)
        self.assertEqual(inputs(engine), [None, self.address + "/enriched/sales"])
        p.write("data/raw/sales_3.csv", sales(60))
        p.write("data/runs/store.json", "{}")
        engine, _ = self.run_engine(p)
        self.assertEqual(inputs(engine), [None, None])

    def test_a_file_that_cannot_be_brought(self):
        """It is errored, in the words of who was to bring it; the others are applied."""
        class Problem(Exchanging):
            def work(self, tasks):
                return super().work([{**task, "problem": {"code": "file-changed", "message": f"{task['path']} changed while it was being read"}}
                                     if task["path"] == "sales_2.csv" else task for task in tasks])
        p = self.project()
        p.write("data/raw/sales_2.csv", sales(40))
        self.run_engine(p, Problem, code=1)
        report = p.report("sales_2.csv")
        self.assertEqual((report["status"], len(orders(p))), ("errored", 3))
        self.assertIn("changed while it was being read", " ".join(report["errors"]))
        self.run_project(p)
        self.assertEqual(len(orders(p)), 6)

    def test_a_problem_that_is_none(self):
        p = self.project()
        task = {"v": 1, "task": "t1", "source": "sales", "path": "x.csv"}
        for wrong in ({"code": "disk-full", "message": "x"}, {"code": "unheard-of", "message": "x"}, {"code": "file-changed"}, {"message": "x"}, "x"):
            self.assertIn("[protocol]", p.call("worker", stdin=lines({**task, "problem": wrong}), code=3).err)
        result = json.loads(p.call("worker", stdin=lines({**task, "problem": {"code": "remote-read", "message": "x is away"}})).out)
        self.assertEqual((result["status"], result["error"]), ("errored", {"code": "remote-read", "message": "x is away"}))


if __name__ == "__main__":
    unittest.main()
