#!/usr/bin/env python3
"""Workers seen from outside: what the kernel says that they gave up, and that they still do their work."""
import json
import os
import signal
import subprocess
import unittest

import kit
import planted


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def see_worker(project, **environment):
    """Runs the project; the status of a worker that is to give its first answer, and the limits that it has."""
    run = planted.Planted(project, "worker", "answer", signal.SIGSTOP, 1, "--fail-on", "never", "--jobs", "1", **environment)
    pid = run.await_hanging()
    status = status_of(pid)
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        limits = file.read()
    os.kill(pid, signal.SIGCONT)
    return run.end()[0], status, limits


def offered():
    done = subprocess.run([kit.ECLUSE, "-C", kit.scratch, "doctor"], env=kit.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return next(line for line in done.stdout.decode().splitlines() if line.split()[1:2] == ["confinement"])


class Confined(unittest.TestCase):
    def test_a_worker_has_given_up_what_it_does_not_need(self):
        told = offered()
        code, status, limits = see_worker(kit.small_shop().copy())
        self.assertEqual(code, 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        if "seccomp" in told.split("lacks")[0]:
            self.assertEqual(status["Seccomp"], "2")
        if "memory" in told.split("lacks")[0]:
            space = next(line for line in limits.splitlines() if line.startswith("Max address space"))
            self.assertNotIn("unlimited", space)

    def test_a_worker_has_forgotten_the_keys_of_stores(self):
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1, 2)})
        task = {"v": 1, "task": "t000001", "run": "r", "seq": 1, "source": "sales", "root": project.path("data", "raw"), "path": "sales_1.csv",
                "out": None, "as_of": 20287}
        keys = {"AWS_ACCESS_KEY_ID": "AKIAKNOWN", "AWS_SECRET_ACCESS_KEY": "hush-hush-4711", "AWS_SESSION_TOKEN": "hush-token-4711"}
        with subprocess.Popen([kit.ECLUSE, "-C", project.folder, "worker", "--tied"], env=kit.environment(**keys), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as worker:
            worker.stdin.write(json.dumps(task).encode() + b"\n")
            worker.stdin.flush()
            self.assertEqual(json.loads(worker.stdout.readline())["status"], "ok")
            with open(f"/proc/{worker.pid}/environ", "rb") as file:
                environment = file.read()
            worker.stdin.close()
        self.assertIn(b"AKIAKNOWN", environment)
        self.assertNotIn(b"4711", environment)

    def test_it_can_be_turned_off(self):
        code, status, _ = see_worker(kit.small_shop().copy(), ECLUSE_SANDBOX="off")
        self.assertEqual(code, 0)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("0", "0"))

    def test_a_program_of_its_own_opens_duckdb(self):
        """As the one that takes the place of a dead worker does: DuckDB is opened behind the confinement."""
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1, 2)})
        out = project.path("data", "staging", "x")
        os.makedirs(out)
        task = {"v": 1, "task": "t000001", "run": "r", "seq": 1, "source": "sales", "root": project.path("data", "raw"),
                "path": "sales_1.csv", "out": os.path.join(out, "t000001"), "as_of": 20287}
        result = kit.call("-C", project.folder, "worker", "--tied", stdin=json.dumps(task).encode() + b"\n")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(json.loads(result.out)["status"], "ok")
        outside = kit.call("-C", project.folder, "worker", "--tied", stdin=json.dumps({**task, "out": os.path.join(kit.scratch, "outside")}).encode() + b"\n")
        if "files" in offered().split("lacks")[0]:
            self.assertNotEqual(outside.code, 0)
            self.assertFalse(os.path.exists(os.path.join(kit.scratch, "outside")))

    def test_data_raw_may_be_a_link(self):
        project = kit.shop("3MB").copy()
        away = os.path.join(kit.scratch, "away")
        os.rename(project.path("data", "raw"), away)
        os.symlink(away, project.path("data", "raw"))
        project.run("--fail-on", "never", "--jobs", "2")
        kit.check_project(project)


if __name__ == "__main__":
    unittest.main()
