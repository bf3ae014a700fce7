#!/usr/bin/env python3
"""Whatever ends a run, and whenever: the next one completes it, and every row is there once.

The project is small; what matters is the moment. A kill comes when something has just appeared in
the project's folders, so that every stage of a commit (docs/commit.md) is met, and at random times.

The moments are planted: who comes to one stops there (tests/faults/layer.c), and waits for what is done to it here. The
clock of a run in which a worker hangs is put forward here: no limit of time is met because a machine is slow."""
import glob
import json
import os
import random
import shutil
import signal
import time
import unittest

import kit
from kit import check_tables
from planted import SECONDS_MAX, Planted, end, is_alive, start


def quarantine_of(project):
    """Everything in quarantine but the run's name."""
    found = {}
    for path in glob.glob(project.path("data/quality/quarantine/*/*.jsonl")):
        with open(path, "rb") as file:
            found[os.path.relpath(path, project.folder)] = [{**json.loads(line), "run": None} for line in file]
    return found


def exports_of(project):
    return {path: digest for path, digest in kit.tree(project.path("data/processed")).items() if path.endswith(".csv")}


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.undisturbed = kit.finished(kit.small_shop)
        cls.files = len(kit.truth(cls.undisturbed)["files"])
        cls.digests = kit.digests(cls.undisturbed)

    def check_equal(self, project):
        """The project is as if nothing had happened to it."""
        self.assertEqual(kit.check_project(project), [])
        self.assertEqual(kit.digests(project), self.digests)
        self.assertEqual(quarantine_of(project), quarantine_of(self.undisturbed))
        self.assertEqual(exports_of(project), exports_of(self.undisturbed))
        self.assertEqual(len(glob.glob(project.path("data/quality/validation_report_*.json"))), self.files)
        self.assertEqual(len(glob.glob(project.path("data/raw/**/*.done"), recursive=True)),
                         len(glob.glob(self.undisturbed.path("data/raw/**/*.done"), recursive=True)))
        lines = [json.loads(line) for line in project.read("data/quality/history.jsonl").splitlines()]
        self.assertEqual(len({(line["path"], line["member"]) for line in lines}), len(lines))
        self.assertEqual(len(lines), self.files)
        self.assertEqual(glob.glob(project.path("data/staging/*")), [])
        self.assertEqual([path for path in kit.tree(project.path("data")) if path.endswith(".tmp")], [])

    def check_completes(self, project):
        project.run("--no-archive")
        self.check_equal(project)

    def check_nothing_is_left(self, project):
        self.assertIn(f"all {self.files} files are already applied", project.run("--no-archive").out)
        self.check_equal(project)

    def kill_at(self, place, *arguments):
        """A run that is killed when it, or a worker of it, has come to a place."""
        project = kit.small_shop().copy()
        run = Planted(project, "any", place, signal.SIGSTOP, 1, *arguments)
        run.await_hanging()
        self.assertEqual(end(run.process, signal.SIGKILL)[0], -signal.SIGKILL)
        return project

    def test_kill_at_every_stage(self):
        """Before and after the point of no return, between the commits, and while results are told."""
        stages = {
            "a part is in staging": "*/data/staging/*/t*/*.parquet",
            "a model is in staging": "*/data/staging/*/model-*",
            "a part is in its table": "*/data/processed/enriched/*/*.parquet",
            "a part of the last table is there": "*/data/processed/kpi/users_kpi/*.parquet",
            "the manifest is there": "*/data/runs/00000001.json",
            "a table is committed": "*/data/processed/*/_delta_log/00000000000000000000.json",
            "a joined table is committed": "*/data/processed/joined/*/_delta_log/00000000000000000000.json",
            "quarantine is in place": "*/data/quality/quarantine/*/*.jsonl",
            "a report is written": "*/data/quality/*validation_report_*.json*",
            "an export waits to be put in place": "*/data/processed/sales/*/.*.tmp",
            "an export is written": "*/data/processed/sales/*.csv",
            "a mark is written": "*/data/raw/*.done",
            "the page is drawn": "*/data/quality/*dashboard.html*",
            "the run is finished": "*/data/runs/00000001.finished",
        }
        for moment, place in stages.items():
            with self.subTest(moment):
                self.check_completes(self.kill_at(place, "--no-archive"))

    def test_kill_at_random_times(self):
        clock = time.monotonic()
        kit.small_shop().copy().run("--no-archive")
        lasts, dice = time.monotonic() - clock, random.Random(7)
        for number in range(4):
            with self.subTest(f"after {number}/4 of the time"):
                project = kit.small_shop().copy()
                process = start(project, "--no-archive")
                time.sleep(lasts * (number + dice.random()) / 4)
                code, err = end(process, signal.SIGKILL)
                self.assertIn(code, (0, -signal.SIGKILL), err)
                self.check_completes(project)

    def test_kill_while_archiving(self):
        project = self.kill_at("*/data/archive/*")
        project.run()
        self.check_equal(project)
        (archive,) = glob.glob(project.path("data/archive/*"))
        project.call("restore", "--verify", archive)

    def test_twice_killed(self):
        """The run that recovers is killed too."""
        project = self.kill_at("*/data/runs/00000001.json", "--no-archive")
        run = Planted(project, "any", "*/data/processed/*/_delta_log/*.json", signal.SIGSTOP, 1, "--no-archive")
        run.await_hanging()
        end(run.process, signal.SIGKILL)
        self.check_completes(project)
        self.check_nothing_is_left(project)

    def test_workers_end_with_their_driver(self):
        run = Planted(kit.small_shop().copy(), "worker", "answer", signal.SIGSTOP, 2, "--jobs", "2")
        pids = [run.await_hanging(), run.await_hanging()]
        end(run.process, signal.SIGKILL)
        limit = time.monotonic() + SECONDS_MAX
        while any(map(is_alive, pids)) and time.monotonic() < limit:
            time.sleep(0.01)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_a_dead_worker_is_replaced(self):
        """The first workers are copies of the driver, whoever takes the place of one a program of its own."""
        project = kit.small_shop().copy()
        code, err = Planted(project, "worker", "answer", signal.SIGKILL, 1, "--jobs", "2", "--no-archive").end()
        self.assertEqual(code, 0, err)
        self.assertIn("died of signal 9", err)
        self.check_equal(project)

    def test_rolls_forward_from_the_manifest_alone(self):
        """As if the crash had come after the manifest: no commit, no report, no mark is there yet."""
        for kept in (0, 5, 11):
            with self.subTest(kept=kept):
                project = self.undisturbed.copy()
                os.remove(project.path("data/runs/00000001.finished"))
                for path in check_tables.find_tables(project.folder)[kept:]:
                    shutil.rmtree(os.path.join(path, "_delta_log"))
                for path in glob.glob(project.path("data/quality/validation_*")) + glob.glob(project.path("data/raw/**/*.done"), recursive=True):
                    os.remove(path)
                for path in exports_of(project):
                    os.remove(project.path("data/processed", path))
                self.check_nothing_is_left(project)

    def test_discards_what_no_manifest_names(self):
        project = self.undisturbed.copy()
        (part, _, _), *_ = check_tables.active_files(project.table_folder("sales"))
        for name in ("part-00000002-t000001-000.parquet", "../date=2031-01-01/part-00000002-t000002-000.parquet"):
            path = os.path.join(os.path.dirname(part), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(part, path)
        project.write("data/staging/20250101_000000-00000002/t000001/part-00000002-t000001-000.parquet", b"half")
        self.assertNotEqual(kit.check_project(project), [])
        project.run("--no-archive")
        self.check_equal(project)

    def test_interrupted(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(code=code):
                project = kit.small_shop().copy()
                run = Planted(project, "worker", "answer", signal.SIGSTOP, 1, "--no-archive")
                run.await_hanging()
                self.assertEqual(end(run.process, number)[0], code)
                self.assertEqual(glob.glob(project.path("data/runs/*.json")), [])
                self.check_completes(project)


class Workers(unittest.TestCase):
    """A worker that dies or hangs costs a try; the second time it costs its file, and no other."""

    ALL = ["O10", "O11", "O20", "O21", "O30", "O31"]
    HOUR = 3600  # processing_timeout: no file that is read meets it

    @classmethod
    def setUpClass(cls):
        cls.files = {f"sales_{number}.csv": kit.sales_csv(number * 10, number * 10 + 1) for number in (1, 2, 3)}

    def run_with(self, where, number, times):
        """A run that is disturbed; the time of each worker that hangs passes once it does."""
        project = kit.new_project(**self.files)
        run = Planted(project, "worker", where, number, times, "--no-archive", "--jobs", "1", "--set", f"processing_timeout={self.HOUR}")
        for _ in range(times if number == signal.SIGSTOP else 0):
            run.await_hanging()
            run.pass_time(self.HOUR)
        code, err = run.end()
        self.assertEqual(kit.check_project(project), [])
        return project, code, err

    def orders(self, project):
        return sorted(row[0] for row in kit.table_rows(project, "sales", "order_id"))

    def check_retried(self, where, number, message):
        project, code, err = self.run_with(where, number, 1)
        self.assertEqual(code, 0, err)
        self.assertIn(message, err)
        self.assertEqual((err.count("attempt 1 of 2"), err.count("attempt 2 of 2")), (1, 0), err)
        self.assertEqual(self.orders(project), self.ALL)

    def check_given_up(self, number, slug):
        project, code, err = self.run_with("*/sales_2.csv", number, 2)
        self.assertEqual(code, 1, err)
        self.assertEqual((err.count("attempt 1 of 2"), err.count("attempt 2 of 2")), (1, 1), err)
        self.assertEqual(self.orders(project), ["O10", "O11", "O30", "O31"])
        report = project.report("sales_2.csv")
        self.assertEqual((report["status"], report["rows"], report["completeness"]), ("errored", None, None))
        self.assertIn(slug, " ".join(report["errors"]))
        self.assertIn("sales_2.csv", project.read("data/quality/quality_alert.txt").decode())
        self.assertFalse(os.path.exists(project.path("data/raw/sales_2.csv.done")))
        project.run("--no-archive")  # it is tried again, and now it is read
        self.assertEqual(self.orders(project), self.ALL)
        self.assertEqual(kit.check_project(project), [])

    def test_killed_worker_is_retried(self):
        self.check_retried("*/sales_2.csv", signal.SIGKILL, "died of signal 9")

    def test_worker_that_is_killed_before_its_answer_is_retried(self):
        """The parts of its first try are there, and go."""
        self.check_retried("answer", signal.SIGKILL, "died of signal 9")

    def test_file_of_two_killed_workers_is_errored(self):
        self.check_given_up(signal.SIGKILL, "worker-died")

    def test_hanging_worker_is_retried(self):
        self.check_retried("*/sales_2.csv", signal.SIGSTOP, f"took longer than {self.HOUR} seconds")

    def test_worker_that_hangs_before_its_answer_is_retried(self):
        self.check_retried("answer", signal.SIGSTOP, f"took longer than {self.HOUR} seconds")

    def test_worker_that_hangs_on_its_way_out_is_ended(self):
        """All that it had to say it has said."""
        project = kit.new_project(**self.files)
        run = Planted(project, "worker", "end", signal.SIGSTOP, 1, "--no-archive", "--jobs", "1")
        run.await_hanging()
        code, err = run.end()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.orders(project), self.ALL)
        self.assertEqual(kit.check_project(project), [])

    def test_file_of_two_hanging_workers_is_errored(self):
        self.check_given_up(signal.SIGSTOP, "timeout")


class Lock(unittest.TestCase):
    def test_second_run_ends_with_its_own_code(self):
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1)})
        run = Planted(project, "driver", "*/data/runs/00000001.json", signal.SIGSTOP, 1, "--no-archive")
        run.await_hanging()
        try:
            result = project.run(code=5)
            self.assertIn("another run", result.err)
        finally:
            run.process.send_signal(signal.SIGCONT)
        self.assertEqual(run.end(), (0, ""))
        self.assertEqual(len(kit.table_rows(project, "sales")), 1)

    def test_a_lock_file_that_was_left_locks_nothing(self):
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1)})
        project.write("data/.lock", "12345\n")
        project.run("--no-archive")


if __name__ == "__main__":
    unittest.main()
