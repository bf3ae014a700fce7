"""Tables that follow into a store: each put disturbed once, and parts that another program's machines put."""
import json
import os
import signal
import subprocess
import threading
import unittest

import kit
import storekit
from storekit import files, project, tables
from test_engine import Engine


class EachPut(storekit.S3, unittest.TestCase):
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
            self.whole(p)
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
            count, reached, killed, kept = [], threading.Event(), threading.Event(), number % 2 == 0

            def hang(_handler, bucket, key, _query, body):
                count.append(key)
                if len(count) != (number + 1) // 2:
                    return False
                if kept:
                    self.s3.buckets[bucket][key] = body
                else:
                    self.s3.puts.remove(("PUT", key, {}))
                reached.set()
                killed.wait()
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
            killed.set()
            return True
        self.each_put(act)


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


class ByAnEngine(storekit.S3, unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
