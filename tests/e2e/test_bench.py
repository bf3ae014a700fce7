#!/usr/bin/env python3
"""The benchmark at a size that takes seconds: its contenders agree, it writes what it says, and it sees a wrong answer."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import kit

ROOT = os.path.normpath(os.path.join(kit.HERE, "..", ".."))
BUILD = os.path.dirname(kit.ECLUSE)
sys.path.insert(0, os.path.join(ROOT, "bench", "lib"))
import compare  # noqa: E402

WORK = os.path.join(kit.scratch, "bench")


def bench(*arguments, top=ROOT, results="results"):
    """One call on a small shop of its own; (exit status, what it printed, the folder of its results)."""
    folder = os.path.join(kit.scratch, results)
    done = subprocess.run([sys.executable, "-B", os.path.join(top, "bench", "run"), "--size", "3MB", "--rounds", "1", "--work", WORK, "--build", BUILD,
                           "--results", folder, "--chart", os.path.join(folder, "chart.svg"), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(), folder


def one_with(folder, ending):
    (name,) = [name for name in os.listdir(folder) if name.endswith(ending)]
    return os.path.join(folder, name)


class Whole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.status, cls.out, cls.folder = bench("--only", "main", "--only", "help")

    def test_every_contender_gives_the_same_answers(self):
        self.assertEqual(self.status, 0, self.out)
        tables = [part.split("### Time")[0] for part in self.out.split("### Answers")[1:]]
        self.assertEqual([re.findall(r"écluse|DuckDB|pandas", table.splitlines()[2]) for table in tables], [["écluse", "DuckDB"], ["écluse", "pandas"]])
        for table in tables:
            self.assertNotIn("differs", table)
            self.assertGreater(table.count("| same |"), 25)
            self.assertGreater(int(re.search(r"(\d+) further facts", table).group(1)), 200)
            self.assertRegex(table, r"sales: rejected \| [1-9]")  # the shop has defects

    def test_figures_of_every_contender_are_written(self):
        with open(one_with(self.folder, ".json"), encoding="utf-8") as file:
            figures = json.load(file)
        self.assertEqual([row["name"] for row in figures["contenders"]], ["ecluse", "duckdb", "pandas", "floor"])
        for row in figures["contenders"]:
            self.assertEqual(len(row["walls"]), 1)
            for key in ("wall", "cpu", "peak_mb", "ratio", "mb_s", "rows_s"):
                self.assertGreater(row[key], 0, (row["name"], key))
        with open(one_with(self.folder, ".md"), encoding="utf-8") as file:
            text = file.read()
        for part in ("### Answers", "### Time and memory", "## Goals", "| processor |", "`ecluse --help`"):
            self.assertIn(part, text)

    def test_chart_is_well_formed_and_shows_all(self):
        root = xml.etree.ElementTree.parse(os.path.join(self.folder, "chart.svg")).getroot()
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLessEqual({"écluse", "DuckDB", "pandas", "floor"}, set(texts))
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}rect"))), 7)


class Wrong(unittest.TestCase):
    def test_a_peer_with_another_rule_is_found_before_anything_is_timed(self):
        top = os.path.join(kit.scratch, "other")
        shutil.copytree(os.path.join(ROOT, "bench"), os.path.join(top, "bench"))
        os.symlink(os.path.join(ROOT, "tests"), os.path.join(top, "tests"))
        path = os.path.join(top, "bench", "peers", "duckdb_job.sql")
        with open(path, encoding="utf-8") as file:
            sql = file.read()
        self.assertIn("duration_min <= 360", sql)
        with open(path, "w", encoding="utf-8") as file:
            file.write(sql.replace("duration_min <= 360", "duration_min <= 36000"))
        status, out, folder = bench("--only", "main", "--peers", "duckdb", top=top, results="wrong")
        self.assertEqual(status, 1, out)
        self.assertIn("The contenders disagree, so nothing is timed: ", out)
        self.assertRegex(out, r"\| sessions: rejected \| [0-9,]+ \| [0-9,]+ \| \*\*differs\*\* \|")
        self.assertIn("sessions: failed duration_min.max_value", out)
        self.assertNotIn("round 1", out)
        self.assertFalse(os.path.exists(folder))


class Compare(unittest.TestCase):
    def test_whole_numbers_must_be_equal_and_doubles_nearly(self):
        self.assertTrue(compare.same(3, 3))
        self.assertFalse(compare.same(10**18, 10**18 + 1))
        self.assertTrue(compare.same(1e6, 1e6 + 1e-4))
        self.assertFalse(compare.same(1e6, 1e6 + 1e-2))
        self.assertTrue(compare.same(None, None))
        self.assertFalse(compare.same(None, 0))

    def test_a_fact_that_one_lacks_differs(self):
        table, wrong = compare.compare({"a": {"x: rows": 1, "y: rows": 2}, "b": {"x: rows": 1}})
        self.assertEqual(wrong, ["y: rows"])
        self.assertIn("| y: rows | 2 | – | **differs** |", table)
        self.assertEqual(compare.compare({"a": {}, "b": {"z": 1}})[1], ["z"])


class Kernels(unittest.TestCase):
    def test_each_program_measures_something(self):
        shop = os.path.join(WORK, "shop-3MB", "raw")
        if not os.path.isdir(shop):
            subprocess.run([kit.ECLUSE, "generate", shop, "--size", "3MB", "--kinds", "values"], check=True, stdout=subprocess.DEVNULL)
        names = sorted(name for name in os.listdir(BUILD) if name.startswith("micro_") and os.access(os.path.join(BUILD, name), os.X_OK))
        self.assertGreater(len(names), 5)
        lines = []
        for name in names:
            lines += subprocess.run([os.path.join(BUILD, name), shop], check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
        for line in lines:
            self.assertRegex(line, r"^.{1,48}?\s{2,}[0-9.]+ (GB/s|ns/\w+|µs/value)  ")
        for wanted in ("json read+check  ", "csv read+type+check sessions  ", "parquet encode logs  ", "csv scan, scalar  "):
            self.assertTrue(any(line.startswith(wanted) for line in lines), wanted)


if __name__ == "__main__":
    unittest.main()
