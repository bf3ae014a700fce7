#!/usr/bin/env python3
"""Whatever ends a run, and whenever: the next one completes it, and every row is there once.

The project is small; what matters is the moment. A kill comes when something has just appeared in
the project's folders, so that every stage of a commit (docs/commit.md) is met, and at random times."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import kit
from kit import check_tables

SECONDS_MAX = 30


def start(project, *arguments):
    return subprocess.Popen([kit.ECLUSE, "-C", project.folder, "run", "--as-of", kit.AS_OF, "--quiet", *arguments],
                            env=kit.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def await_true(ready, process):
    """Waits until `ready()` is true, and tells its value; None where the process ended before."""
    limit = time.monotonic() + SECONDS_MAX
    while process.poll() is None:
        value = ready()
        if value:
            return value
        if time.monotonic() > limit:
            process.kill()
            raise AssertionError("the moment did not come")
        time.sleep(0.0005)
    return None


def end(process, number):
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS_MAX)
    return process.returncode, err.decode()


def is_worker(pid):
    """Whether it runs the worker already, be it a copy of the driver or a program of its own."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as name, open(f"/proc/{pid}/cmdline", "rb") as line:
            return name.read() == b"ecluse-worker\n" or b"worker" in line.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers(process):
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split() if is_worker(int(pid))]
    except FileNotFoundError:
        return []


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


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

    def kill(self, moment, ready):
        with self.subTest(moment):
            project = kit.small_shop().copy()
            process = start(project, "--no-archive")
            came = await_true(lambda: ready(project), process)
            code, err = end(process, signal.SIGKILL)
            self.assertTrue(came is not None or code == 0, f"the run failed by itself: {err}")
            self.check_completes(project)
            return came is not None
        return False

    def test_kill_at_every_stage(self):
        """Before and after the point of no return, between the commits, and while results are told."""
        stages = {
            "a part is in staging": "data/staging/*/*/**/*.parquet",
            "a model is in staging": "data/staging/*/model-*/**/*.parquet",
            "a part is in its table": "data/processed/enriched/*/**/*.parquet",
            "a part of the last table is there": "data/processed/kpi/users_kpi/*.parquet",
            "the manifest is there": "data/runs/00000001.json",
            "a table is committed": "data/processed/*/*/_delta_log/*.json",
            "many tables are committed": "data/processed/joined/*/_delta_log/*.json",
            "quarantine is in place": "data/quality/quarantine/*/*.jsonl",
            "a report is written": "data/quality/validation_report_*.json",
            "an export waits to be put in place": "data/processed/sales/*/.*.tmp",
            "an export is written": "data/processed/sales/*/*.csv",
            "a mark is written": "data/raw/*.done",
        }
        killed = sum(self.kill(moment, lambda project, pattern=pattern: glob.glob(project.path(pattern), recursive=True))
                     for moment, pattern in stages.items())
        self.assertGreater(killed, len(stages) // 2, "the runs ended before they could be killed")

    def test_kill_at_random_times(self):
        clock = time.monotonic()
        kit.small_shop().copy().run("--no-archive")
        lasts, dice = time.monotonic() - clock, random.Random(7)
        for number in range(4):
            limit = time.monotonic() + lasts * (number + dice.random()) / 4
            self.kill(f"after {number}/4 of the time", lambda project, limit=limit: time.monotonic() >= limit)

    def test_kill_while_archiving(self):
        project = kit.small_shop().copy()
        process = start(project)
        await_true(lambda: os.path.isdir(project.path("data/archive")) and os.listdir(project.path("data/archive")), process)
        end(process, signal.SIGKILL)
        project.run()
        self.check_equal(project)
        (archive,) = glob.glob(project.path("data/archive/*"))
        project.call("restore", "--verify", archive)

    def test_twice_killed(self):
        """The run that recovers is killed too."""
        project = kit.small_shop().copy()
        for pattern in ("data/runs/00000001.json", "data/processed/*/*/_delta_log/*.json"):
            process = start(project, "--no-archive")
            await_true(lambda pattern=pattern: glob.glob(project.path(pattern)), process)
            end(process, signal.SIGKILL)
        self.check_completes(project)
        self.check_nothing_is_left(project)

    def test_workers_end_with_their_driver(self):
        project = kit.small_shop().copy()
        process = start(project, "--jobs", "2")
        pids = await_true(lambda: len(workers(process)) == 2 and workers(process), process)
        end(process, signal.SIGKILL)
        limit = time.monotonic() + SECONDS_MAX
        while any(map(is_alive, pids)) and time.monotonic() < limit:
            time.sleep(0.01)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_a_dead_worker_is_replaced(self):
        """The first workers are copies of the driver, whoever takes the place of one a program of its own."""
        project = kit.small_shop().copy()
        process = start(project, "--jobs", "2", "--no-archive")
        pids = await_true(lambda: workers(process), process)
        os.kill(pids[0], signal.SIGKILL)
        _, err = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, err.decode())
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
                process = start(project, "--no-archive")
                await_true(lambda: workers(process), process)
                self.assertEqual(end(process, number)[0], code)
                self.assertEqual(glob.glob(project.path("data/runs/*.json")), [])
                self.check_completes(project)


class Workers(unittest.TestCase):
    """A worker that dies or hangs costs a try; the second time it costs its file, and no other."""

    @classmethod
    def setUpClass(cls):
        cls.files = {f"sales_{number}.csv": kit.sales_csv(number * 10, number * 10 + 1) for number in (1, 2, 3)}

    def run_against(self, number, times, *arguments):
        """A run whose first `times` workers get a signal as soon as they are there."""
        project = kit.new_project(**self.files)
        process = start(project, "--no-archive", "--jobs", "1", *arguments)
        seen = set()
        for _ in range(times):
            (pid,) = await_true(lambda: set(workers(process)) - seen, process)
            os.kill(pid, number)
            seen.add(pid)
        _, err = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(kit.check_project(project), [])
        return project, process.returncode, err.decode()

    def orders(self, project):
        return sorted(row[0] for row in kit.table_rows(project, "sales", "order_id"))

    def check_retried(self, number, message, *arguments):
        project, code, err = self.run_against(number, 1, *arguments)
        self.assertEqual(code, 0, err)
        self.assertIn(message, err)
        self.assertIn("attempt 1 of 2", err)
        self.assertEqual(self.orders(project), ["O10", "O11", "O20", "O21", "O30", "O31"])

    def check_given_up(self, number, slug, *arguments):
        project, code, err = self.run_against(number, 2, *arguments)
        self.assertEqual(code, 1, err)
        self.assertIn("attempt 2 of 2", err)
        self.assertEqual(self.orders(project), ["O20", "O21", "O30", "O31"])
        report = project.report("sales_1.csv")
        self.assertEqual((report["status"], report["rows"], report["completeness"]), ("errored", None, None))
        self.assertIn(slug, " ".join(report["errors"]))
        self.assertIn("sales_1.csv", project.read("data/quality/quality_alert.txt").decode())
        self.assertFalse(os.path.exists(project.path("data/raw/sales_1.csv.done")))
        project.run("--no-archive")  # it is tried again, and now it is read
        self.assertEqual(self.orders(project), ["O10", "O11", "O20", "O21", "O30", "O31"])
        self.assertEqual(kit.check_project(project), [])

    def test_killed_worker_is_retried(self):
        self.check_retried(signal.SIGKILL, "died of signal 9")

    def test_file_of_two_killed_workers_is_errored(self):
        self.check_given_up(signal.SIGKILL, "worker-died")

    def test_hanging_worker_is_retried(self):
        self.check_retried(signal.SIGSTOP, "took longer than 1 second", "--set", "processing_timeout=1")

    def test_worker_that_hangs_on_its_way_out_is_ended(self):
        """Stopped when the last part is there: its answer is late, or given and only its exit is late."""
        project = kit.new_project(**self.files)
        process = start(project, "--no-archive", "--jobs", "1", "--set", "processing_timeout=1")
        (pid,) = await_true(lambda: workers(process), process)
        await_true(lambda: len(glob.glob(project.path("data/staging/*/*/**/*.parquet"), recursive=True)) >= 3, process)
        os.kill(pid, signal.SIGSTOP)
        _, err = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertEqual(self.orders(project), ["O10", "O11", "O20", "O21", "O30", "O31"])

    def test_file_of_two_hanging_workers_is_errored(self):
        self.check_given_up(signal.SIGSTOP, "timeout", "--set", "processing_timeout=1")


class Lock(unittest.TestCase):
    def test_second_run_ends_with_its_own_code(self):
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1)})
        process = start(project, "--no-archive")
        await_true(lambda: workers(process), process)
        process.send_signal(signal.SIGSTOP)
        try:
            result = project.run(code=5)
            self.assertIn("another run", result.err)
        finally:
            process.send_signal(signal.SIGCONT)
        self.assertEqual((process.communicate(timeout=SECONDS_MAX), process.returncode)[1], 0)
        self.assertEqual(len(kit.table_rows(project, "sales")), 1)

    def test_a_lock_file_that_was_left_locks_nothing(self):
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1)})
        project.write("data/.lock", "12345\n")
        project.run("--no-archive")


if __name__ == "__main__":
    unittest.main()
