#!/usr/bin/env python3
"""The counting of tests/run: nothing that failed may pass, and no test counts twice."""
import importlib.machinery
import importlib.util
import os
import sys
import unittest

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
LOADER = importlib.machinery.SourceFileLoader("check_run", PATH)
SPEC = importlib.util.spec_from_loader("check_run", LOADER)
run = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(run)

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
        status, out, _ = run.run_process(command, seconds_max=1)
        self.assertEqual(status, -9)
        self.assertIn("here", out)
        self.assertIn("ended after 1 seconds", out)


if __name__ == "__main__":
    unittest.main()
