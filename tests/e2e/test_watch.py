#!/usr/bin/env python3
"""`ecluse watch` from outside: what is dropped is run, what is unfinished is waited for, nothing ends it but a signal.

What is waited for here is a line of its log or an entry of the history, however long it takes; no sleep decides.
"""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import kit

SETTINGS = ("--set", "watch.quiet_seconds=1", "--set", "watch.poll_seconds=1", "--set", "watch.retry_seconds=1", "--set", "archive.enabled=false")
HEADER = "order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status\n"


def sale(number):
    return f"o{number},2025-07-18T10:00:00Z,u1,s1,p1,1,10.00,0,10.00,card,paid\n"


class Watch:
    """The process, and every line that it logs."""

    def __init__(self, project, *arguments, env=None):
        self.process = subprocess.Popen([kit.ECLUSE, "-C", project.folder, "watch", *SETTINGS, *arguments], env=kit.environment(**(env or {})),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.news = [], threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.drain = threading.Thread(target=self.process.stdout.read)
        self.drain.start()

    def read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append(None)
            self.news.notify_all()

    def count(self, text):
        return sum(text in line for line in self.lines if line)

    def wait(self, text, times=1):
        """Until the log has the text that many times; its end without it is a failure."""
        with self.news:
            self.news.wait_for(lambda: self.count(text) >= times or None in self.lines)
            if self.count(text) < times:
                raise kit.Unexpected(f"no {text!r} ({times}) in\n{''.join(line for line in self.lines if line)}")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait_end()

    def wait_end(self):
        code = self.process.wait()
        self.reader.join()
        self.drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.project = kit.new_project()
        self.watches = []

    def tearDown(self):
        for watch in self.watches:
            if watch.process.poll() is None:
                watch.end(signal.SIGKILL)

    def watch(self, *arguments, **more):
        watch = Watch(self.project, *arguments, **more)
        self.watches.append(watch)
        return watch

    def rows(self):
        import duckdb
        con = duckdb.connect()
        if not os.path.isdir(self.project.table_folder("sales")):
            return 0
        kit.load(con, self.project, "sales", "sales")
        return con.execute("SELECT count(*) FROM sales").fetchone()[0]

    def drop(self, name, *numbers):
        """Moved in from elsewhere on the same file system, as a careful sender does."""
        outside = self.project.write("data/" + os.path.basename(name), HEADER + "".join(sale(n) for n in numbers))
        target = self.project.path("data/raw", name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(outside, target)

    def each_drop_is_run(self, *arguments):
        self.drop("sales_1.csv", 1)
        watch = self.watch(*arguments)
        watch.wait("ended with exit code 0", 1)
        self.assertEqual(self.rows(), 1)
        self.drop("sales_2.csv", 2, 3)
        watch.wait("ended with exit code 0", 2)
        self.assertEqual(self.rows(), 3)
        self.assertEqual(watch.end(), 143)
        self.assertEqual(kit.check_project(self.project), [])

    def test_drops_told_by_the_kernel(self):
        self.each_drop_is_run()

    def test_drops_found_by_looking(self):
        self.each_drop_is_run("--poll")

    def test_a_file_that_is_open_is_waited_for(self):
        watch = self.watch("--quiet-seconds", "2")
        watch.wait("ended with exit code 0")
        with open(self.project.path("data/raw/sales_1.csv"), "w", encoding="utf-8") as file:
            file.write(HEADER)
            file.flush()
            watch.wait("waiting for sales_1.csv, which is still open for writing (at most 20 s)")
            self.assertEqual(watch.count("starting a run"), 1)
            file.write(sale(1))
        watch.wait("ended with exit code 0", 2)
        self.assertEqual(self.rows(), 1)
        self.assertEqual(watch.end(), 143)

    def test_a_transfer_under_another_name(self):
        watch = self.watch()
        watch.wait("ended with exit code 0")
        self.project.write("data/raw/sales_1.csv.part", HEADER + sale(1))
        self.drop("sales_2.csv", 2)
        watch.wait("ended with exit code 0", 2)
        self.assertEqual(self.rows(), 1)
        os.rename(self.project.path("data/raw/sales_1.csv.part"), self.project.path("data/raw/sales_1.csv"))
        watch.wait("ended with exit code 0", 3)
        self.assertEqual(self.rows(), 2)
        self.assertEqual(watch.end(), 143)

    def test_folders_that_come_later(self):
        self.project.edit("config/pipeline_config.yaml", '"sales_*.csv"', '"**/sales_*.csv"')
        watch = self.watch()
        watch.wait("ended with exit code 0")
        self.drop("new/deep/sales_1.csv", 1)
        watch.wait("ended with exit code 0", 2)
        self.drop("new/deep/sales_2.csv", 2)
        watch.wait("ended with exit code 0", 3)
        self.assertEqual(self.rows(), 2)
        self.assertEqual(watch.end(), 143)

    def test_the_folder_goes_and_comes(self):
        watch = self.watch()
        watch.wait("ended with exit code 0")
        raw = self.project.path("data/raw")
        shutil.move(raw, raw + "-away")
        watch.wait("waiting for it to come back")
        shutil.move(raw + "-away", raw)
        watch.wait("is there again")
        self.drop("sales_1.csv", 1)
        watch.wait("ended with exit code 0", 2)
        self.assertEqual(self.rows(), 1)
        self.assertEqual(watch.end(), 143)

    def test_a_failed_gate_is_survived(self):
        self.project.write("data/raw/sales_1.csv", "no,sale\n1,2\n")
        watch = self.watch()
        watch.wait("ended with exit code 1")
        self.drop("sales_2.csv", 2)
        watch.wait("ended with exit code", 2)
        self.assertEqual(self.rows(), 1)
        self.assertEqual(watch.end(), 143)

    def test_a_broken_configuration_is_tried_again(self):
        watch = self.watch()
        watch.wait("ended with exit code 0")
        self.project.edit("config/pipeline_config.yaml", "data_workers", "data_wrokers")
        self.drop("sales_1.csv", 1)
        watch.wait("ended with exit code 2, trying again in 1 s")
        watch.wait("ended with exit code 2, trying again in 2 s")
        self.project.edit("config/pipeline_config.yaml", "data_wrokers", "data_workers")
        watch.wait("ended with exit code 0", 2)
        self.assertEqual(self.rows(), 1)
        self.assertEqual(watch.end(), 143)

    def test_another_runs_lock(self):
        with open(self.project.path("data/.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.drop("sales_1.csv", 1)
            watch = self.watch()
            watch.wait("another run holds the lock, trying again in 1 s", 2)
            self.assertEqual(self.rows(), 0)
        watch.wait("ended with exit code 0")
        self.assertEqual(self.rows(), 1)
        self.assertEqual(watch.end(signal.SIGINT), 130)

    def test_once(self):
        self.drop("sales_1.csv", 1)
        self.assertEqual(self.watch("--once").wait_end(), 0)
        self.assertEqual(self.rows(), 1)
        self.project.write("data/raw/sales_2.csv", "no,sale\n1,2\n")
        self.assertEqual(self.watch("--once").wait_end(), 1)

    def test_the_service_manager_is_told(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(folder, "notify"))
            watch = self.watch(env={"NOTIFY_SOCKET": os.path.join(folder, "notify"), "WATCHDOG_USEC": "200000"})
            heard = []
            while not ("WATCHDOG=1" in heard and any(text.startswith("STATUS=a run") for text in heard)):
                heard.append(manager.recv(4096).decode())
            self.assertEqual(heard[0], "READY=1\nSTATUS=waiting for files")
            watch.process.send_signal(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(manager.recv(4096).decode())
            self.assertEqual(watch.wait_end(), 143)

    def test_a_signal_ends_the_run_that_is_under_way(self):
        """The watch ends when its run has: nothing is left at work, and what was begun can be finished."""
        self.project = shop = kit.shop().copy()
        watch = self.watch()
        watch.wait("starting a run")
        self.assertEqual(watch.end(), 143)
        # Nothing of it is left at work: the lock is free, and the next run finishes the job.
        self.assertIn(shop.run("--no-archive", code=None).code, (0, 1))
        self.assertEqual(kit.check_project(shop), [])


if __name__ == "__main__":
    unittest.main(verbosity=1 if len(sys.argv) < 2 else 2)
