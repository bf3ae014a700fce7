#!/usr/bin/env python3
"""tests/run: nothing that failed may pass, no test counts twice, nothing that fails stops what does not need it."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, TESTS)
import runner as run  # noqa: E402

CMOCKA_FAILED = """[==========] Running 3 test(s).
[ RUN      ] a
[       OK ] a
[ RUN      ] b
[  FAILED  ] b
[ RUN      ] c
[  SKIPPED ] c
[==========] 3 test(s) run.[  ERROR   ] --- 0x1 != 0x2
[   LINE   ] --- test_b.c:6: error: Failure!
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] c

 1 SKIPPED TEST(S)
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] b

 1 FAILED TEST(S)
"""
UNITTEST_FAILED = """.F.Es
----------------------------------------------------------------------
Ran 5 tests in 0.100s

FAILED (failures=1, errors=1, skipped=1)
"""


def counts(status, out, counted):
    count = run.judge(status, out, counted)
    return count.passed, count.failed, count.skipped


class Counting(unittest.TestCase):
    def test_cmocka(self):
        self.assertEqual(counts(1, CMOCKA_FAILED, run.count_cmocka), (1, 1, 1))
        self.assertEqual(counts(0, "[  PASSED  ] 7 test(s).\n[  PASSED  ] 2 test(s).\n", run.count_cmocka), (9, 0, 0))

    def test_unittest(self):
        self.assertEqual(counts(1, UNITTEST_FAILED, run.count_unittest), (2, 2, 1))
        self.assertEqual(counts(0, "..\n---\nRan 2 tests in 0.1s\n\nOK\n", run.count_unittest), (2, 0, 0))
        self.assertEqual(counts(0, "s.\n---\nRan 2 tests in 0.1s\n\nOK (skipped=1)\n", run.count_unittest), (1, 0, 1))

    def test_plain_line(self):
        self.assertEqual(counts(0, "ok a\n12 passed, 0 failed, 3 skipped\n", run.count_plain), (12, 0, 3))
        self.assertEqual(counts(1, "golden: 3 passed, 2 failed\n", run.count_plain), (3, 2, 0))

    def test_one(self):
        self.assertEqual(counts(0, "whatever", run.count_one), (1, 0, 0))
        self.assertEqual(counts(2, "whatever", run.count_one), (0, 1, 0))

    def test_status_has_the_last_word(self):
        for counted in (run.count_cmocka, run.count_unittest, run.count_plain, run.count_one):
            self.assertEqual(counts(-11, "", counted), (0, 1, 0))
        self.assertEqual(counts(-6, "[  PASSED  ] 7 test(s).\n==ERROR: LeakSanitizer\n", run.count_cmocka), (7, 1, 0))

    def test_no_test_is_no_success(self):
        for counted in (run.count_cmocka, run.count_unittest, run.count_plain):
            self.assertEqual(counts(0, "Ran 0 tests in 0.0s\n\nOK\n", counted), (0, 1, 0))

    def test_skipped_program(self):
        self.assertEqual(counts(77, "no duckdb", run.count_unittest), (0, 0, 1))

    def test_what_hangs_is_ended(self):
        command = [sys.executable, "-c", "import os, time; os.fork(); print('here', flush=True); time.sleep(60)"]
        done = run.run_process(command, seconds_max=1)
        self.assertEqual(done.status, -9)
        self.assertIn("here", done.out)
        self.assertIn("ended after 1 seconds", done.out)

    def test_computing_is_told_from_waiting(self):
        script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.5: pass']); {}"
        busy = run.run_process([sys.executable, "-c", script.format("")])
        self.assertGreaterEqual(busy.processor, 0.5)  # of a child's child
        idle = run.run_process(["sleep", "0.5"])
        self.assertGreaterEqual(idle.seconds, 0.5)
        self.assertLess(idle.processor, 0.5)


class Queues(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(lambda: subprocess.run(["rm", "-r", self.folder], check=True))
        self.log = os.path.join(self.folder, "log")

    def job(self, name, script="true", stage="one", **more):
        """Writes its name when it begins and when it ends, and says that it passed a test."""
        text = f"echo begin {name} >>{self.log}; {script}; status=$?; echo end {name} >>{self.log}; echo 1 passed, 0 failed; exit $status"
        return run.Job(stage, name, ["sh", "-c", text], **{"counted": run.count_plain, **more})

    def run_all(self, *jobs, processors=1, memory=None):
        board = run.Board(("build", "one", "two"), memory)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            run.Queue(jobs, board, processors).run()
            board.show()
        return board.count, out.getvalue()

    def events(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def begun(self):
        return [line[len("begin ") :] for line in self.events() if line.startswith("begin")]

    def test_the_longest_first_and_one_at_a_time(self):
        count, _ = self.run_all(self.job("short"), self.job("long", seconds=9), self.job("middle", seconds=3))
        self.assertEqual(self.events(), [f"{word} {name}" for name in ("long", "middle", "short") for word in ("begin", "end")])
        self.assertEqual((count.passed, count.failed), (3, 0))

    def test_what_waits_runs_beside_what_computes(self):
        """Each waits for the other: neither would end if they ran one after the other."""
        meet = "touch {0}/{1}; until [ -e {0}/{2} ]; do sleep 0.01; done"
        count, _ = self.run_all(self.job("a", meet.format(self.folder, "x", "y"), processors=0), self.job("b", meet.format(self.folder, "y", "x")))
        self.assertEqual(str(count), "2 passed, 0 failed")

    def test_one_that_takes_all_processors_is_alone_and_is_not_overtaken(self):
        self.run_all(self.job("a", "sleep 0.2", seconds=9), self.job("all", seconds=5, processors=2), self.job("b"), processors=2)
        self.assertEqual(self.events(), ["begin a", "end a", "begin all", "end all", "begin b", "end b"])

    def test_nothing_starts_before_what_it_needs(self):
        build = self.job("build", "sleep 0.1", stage="build", makes="it", counted=run.count_none)
        build.then = lambda: [self.job("found", needs=("it",))]
        count, _ = self.run_all(self.job("test", needs=("it",), seconds=99), build, processors=2)
        self.assertEqual(self.events()[:2], ["begin build", "end build"])
        self.assertEqual((sorted(self.begun()), str(count)), (["build", "found", "test"], "2 passed, 0 failed"))

    def test_a_failure_stops_only_what_needs_it(self):
        jobs = (self.job("build", "false", stage="build", makes="it", counted=run.count_none), self.job("inner", needs=("it",), makes="more"),
                self.job("outer", needs=("more",), stage="two"), self.job("wrong", "false"), self.job("other", stage="two"))
        count, out = self.run_all(*jobs)
        self.assertEqual(sorted(self.begun()), ["build", "other", "wrong"])
        self.assertEqual((count.passed, count.failed), (2, 4))
        self.assertIn("NOT RUN outer: it needs more, which could not be made", out)
        self.assertRegex(out, r"(?m)^  two +1 +1 +0 ")
        self.assertTrue(out.endswith("\n2 passed, 4 failed\n"))

    def test_a_skipped_stage_is_no_failure(self):
        count, out = self.run_all(self.job("none", "exit 77", stage="two"), self.job("test"))
        self.assertEqual(str(count), "1 passed, 0 failed, 1 skipped")
        self.assertRegex(out, r"(?m)^  two +0 +0 +1 ")

    def test_a_program_that_is_not_there_has_failed(self):
        count, _ = self.run_all(run.Job("one", "nothing", [os.path.join(self.folder, "nothing")], counted=run.count_one), self.job("test"))
        self.assertEqual((count.passed, count.failed), (1, 1))

    def test_tests_that_cannot_be_listed_have_failed(self):
        build = self.job("build", stage="build", makes="it", counted=run.count_none)
        build.then = lambda: [][0]
        count, out = self.run_all(build, self.job("test", needs=("it",)))
        self.assertEqual(str(count), "0 passed, 2 failed")
        self.assertIn("IndexError", out)

    def test_what_nothing_makes_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "nothing makes what test needs"):
            self.run_all(self.job("test", needs=("it",)))

    def test_what_passed_on_this_tree_is_not_passed_again(self):
        path = os.path.join(self.folder, "memory")

        def passing(tree, resumed):
            broken = os.path.join(self.folder, "broken")
            jobs = (self.job("good"), self.job("bad", f"[ ! -e {broken} ]"), self.job("skipped", "exit 77"), self.job("build", makes="it", counted=run.count_none))
            count, _ = self.run_all(*jobs, memory=run.Memory(path, tree, resumed))
            begun = self.begun()
            os.remove(self.log)
            return begun, str(count)

        with open(os.path.join(self.folder, "broken"), "w", encoding="ascii"):
            self.assertEqual(passing("a", False), (["good", "bad", "skipped", "build"], "2 passed, 1 failed, 1 skipped"))
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"tree": "a", "sta')  # it was interrupted there
        self.assertEqual(passing("a", True), (["bad", "skipped", "build"], "2 passed, 1 failed, 1 skipped"))
        os.remove(os.path.join(self.folder, "broken"))
        self.assertEqual(passing("b", True)[0], ["good", "bad", "skipped", "build"])
        self.assertEqual(passing("a", True), (["bad", "skipped", "build"], "2 passed, 0 failed, 1 skipped"))
        self.assertEqual(passing("a", True), (["skipped", "build"], "2 passed, 0 failed, 1 skipped"))
        self.assertEqual(passing("a", False)[0], ["good", "bad", "skipped", "build"])


class Plan(unittest.TestCase):
    """What tests/run makes of the names of stages."""

    @classmethod
    def setUpClass(cls):
        loader = importlib.machinery.SourceFileLoader("check_run", os.path.join(TESTS, "run"))
        cls.plan = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_run", loader))
        here = os.getcwd()
        cls.addClassCleanup(os.chdir, here)
        os.chdir(os.path.dirname(TESTS))
        loader.exec_module(cls.plan)
        cls.stages = (*cls.plan.STAGES, *cls.plan.LONG_STAGES, *cls.plan.deep.STAGES)

    def jobs(self, stages):
        return self.plan.build_jobs(stages) + self.plan.python_jobs(stages) + self.plan.tests_of(stages)

    def test_every_stage_has_its_jobs_and_what_they_need(self):
        for stage in self.stages:
            jobs = self.jobs([stage])
            self.assertTrue(any(job.stage == stage and job.makes is None for job in jobs), stage)
            self.assertLessEqual({need for job in jobs for need in job.needs}, {job.makes for job in jobs}, stage)

    def test_all_is_every_stage(self):
        jobs = self.jobs(self.stages)
        self.assertEqual({job.stage for job in jobs}, {"build", *self.stages})
        self.assertEqual(len({(job.stage, job.name) for job in jobs}), len(jobs))  # what is remembered has a name of its own
        order = [job for job in sorted(jobs, key=lambda job: -job.seconds) if job.makes is None]
        check = [job.stage in self.plan.STAGES for job in order]
        self.assertEqual(check, sorted(check, reverse=True))  # what takes hours comes behind what takes minutes
        self.assertEqual(order[-1].stage, "sweep")

    def test_what_is_said_of_programs_is_said_of_some_that_are_there(self):
        names = {job.name for job in self.jobs(self.stages)}
        self.assertLessEqual({name for name in {*self.plan.SECONDS, *self.plan.WAITS} if not name.startswith("build")}, names)


class Arguments(unittest.TestCase):
    def test_another_stage_shows_the_help(self):
        for word in ("nothing", "--nothing"):
            done = subprocess.run([sys.executable, "-B", os.path.join(TESTS, "run"), word], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("tests/run [--resume] [STAGE...]", done.stderr)


if __name__ == "__main__":
    unittest.main()
