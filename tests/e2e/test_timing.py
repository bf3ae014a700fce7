#!/usr/bin/env python3
"""`ecluse run --timing`: the figures are there, and the parts of a whole are not more than the whole."""
import json
import subprocess
import unittest

import kit

PARTS = ["open", "read", "derive", "check", "keys", "quarantine", "encode", "sync", "again"]
STAGES = ["start", "recovery", "plan", "read", "keys", "second reading", "models", "place", "manifest", "commits", "quarantine",
          "reports", "exports", "alert", "marks", "dashboard", "archive", "clean-up"]
ROUNDING = 1e-5
JOBS = 2


class Timing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = kit.small_shop().copy()
        cls.result = json.loads(cls.project.run("--jobs", str(JOBS), "--timing", "--format", "json").out)
        cls.timing = cls.result["timing"]

    def test_stages(self):
        stages = {stage["stage"]: stage for stage in self.timing["stages"]}
        self.assertEqual([name for name in STAGES if name not in stages], [])
        self.assertEqual([name for name in kit.MODELS if stages.get(name, {}).get("within") != "models"], [])
        self.assertEqual(stages["read"]["rows"], self.result["rows"]["read"])
        self.assertGreater(stages["read"]["workers_cpu_seconds"], 0)
        self.assertGreater(stages["models"]["driver_cpu_seconds"], 0)
        self.assertGreater(stages["sales_kpi"]["rows"], 0)

    def test_stages_fit_into_the_whole(self):
        for field in ("seconds", "driver_cpu_seconds", "workers_cpu_seconds", "sync_seconds", "syncs"):
            inner = sum(stage[field] for stage in self.timing["stages"] if stage["within"] is None)
            self.assertLessEqual(inner, self.timing[field] + ROUNDING, field)
            for outer in self.timing["stages"]:
                within = sum(s[field] for s in self.timing["stages"] if s["within"] == outer["stage"])
                threads = JOBS if field == "seconds" and outer["stage"] == "models" else 1  # side by side
                self.assertLessEqual(within, outer[field] * threads + ROUNDING, (outer["stage"], field))

    def test_workers_time_counts_once(self):
        """What the stages say that the workers took is what the system says, also where files were read a second time."""
        project = kit.small_shop().copy()
        first = min(name for name in kit.tree(project.path("data/raw")) if name.startswith("sales_"))
        rows = project.read(f"data/raw/{first}").splitlines(keepends=True)
        project.write("data/raw/sales_20991231.csv", b"".join(rows[: len(rows) // 2]))
        timing = json.loads(project.run("--jobs", str(JOBS), "--timing", "--format", "json", "--fail-on", "never").out)["timing"]
        self.assertGreater(sum(source["parts"]["again"] for source in timing["sources"]), 0)
        stages = {stage["stage"]: stage["workers_cpu_seconds"] for stage in timing["stages"]}
        reading = stages["read"] + stages["rejected files"] + stages["second reading"]
        self.assertAlmostEqual(reading, sum(source["cpu_seconds"] for source in timing["sources"]), delta=1e-3)

    def test_sources(self):
        self.assertEqual(sorted(s["source"] for s in self.timing["sources"]), sorted(kit.SOURCES))
        self.assertEqual(sum(s["rows"] for s in self.timing["sources"]), self.result["rows"]["read"])
        for source in self.timing["sources"]:
            self.assertEqual(list(source["parts"]), PARTS)
            self.assertAlmostEqual(sum(source["parts"].values()), source["worker_seconds"], delta=ROUNDING)
            self.assertGreater(source["parts"]["encode"], 0)

    def test_reports(self):
        for unit in self.result["units"]:
            report = self.project.report((unit["member"] or unit["path"]).rsplit("/", 1)[-1])
            timing = report["timing"]
            self.assertEqual(list(timing["parts"]), PARTS)
            self.assertAlmostEqual(sum(timing["parts"].values()), timing["seconds"], delta=1e-4)
            self.assertAlmostEqual(timing["ns_per_row"] * report["rows"] / 1e9, timing["worker_seconds"], delta=1e-3)

    def test_text(self):
        text = self.project.run("--timing", "--force", "--no-archive").out
        self.assertRegex(text, r"(?m)^stage +wall s +driver s +workers s +disk s +syncs +rows +MB +MB/s$")
        self.assertRegex(text, r"(?m)^  sales_kpi +\d+\.\d{3} ")
        self.assertRegex(text, r"(?m)^in all +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d{3}")
        self.assertRegex(text, r"(?m)^sales +\d+ +\d")

    def test_the_log_keeps_it(self):
        log = kit.tree(self.project.path("logs"))
        text = "".join(self.project.read(f"logs/{name}").decode() for name in log)
        self.assertRegex(text, r"DEBUG models: sales_kpi: \d+ ms, processor: driver \d+ ms, workers \d+ ms; disk: \d+ ms, \d+ syncs")

    def test_help_does_not_wait_for_duckdb(self):
        """Its library takes 15 ms to load: it is not among those that the program starts with."""
        env = kit.environment(LD_TRACE_LOADED_OBJECTS="1")
        loaded = subprocess.run([kit.ECLUSE], env=env, stdout=subprocess.PIPE, check=False).stdout.decode()
        self.assertIn("libisal", loaded)
        self.assertNotIn("duckdb", loaded)

    def test_without_the_option(self):
        project = kit.finished(kit.small_shop)
        self.assertNotIn("timing", project.json("run", "--force", "--no-archive"))


if __name__ == "__main__":
    unittest.main()
