#!/usr/bin/env python3
"""Examples that do not do what they should, and whether tests/readme/run sees it."""
import os
import stat
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "readme", "run")


def block(mark, kind, body):
    return f"<!-- {mark} -->\n```{kind}\n{body}\n```\n"


def run(text):
    with tempfile.TemporaryDirectory() as folder:
        ecluse, document = os.path.join(folder, "ecluse"), os.path.join(folder, "README.md")
        with open(ecluse, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho ecluse \"$@\"\n")
        os.chmod(ecluse, os.stat(ecluse).st_mode | stat.S_IXUSR)
        with open(document, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, "-B", RUN, ecluse, document], stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout


class Readme(unittest.TestCase):
    def assert_fails(self, text, sentence):
        status, out = run(text)
        self.assertIn(sentence, out)
        self.assertEqual(status, 1)

    def test_good_examples_pass(self):
        text = (block("test: write a/b", "yaml", "x:") + block("test: insert a/b, behind x:", "yaml", "  z: 1")
                + block("test: append a/b", "yaml", "y: 2") + block("test: run", "sh", "cat a/b; ecluse is here 3 s")
                + block("test: prints", "text", "x:\n  z: …\ny: 2\necluse … here 1.5 s")
                + block("test: run, exit 3", "sh", "exit 3") + block("not tested: no", "sh", "exit 1"))
        self.assertEqual(run(text), (0, "README.md: 2 run, 3 changed, 0 passed over\n"))

    def test_status(self):
        self.assert_fails(block("test: run", "sh", "false; true"), "README.md:2: the example ended with status 1, not 0")
        self.assert_fails(block("test: run, exit 1", "sh", "true"), "ended with status 0, not 1")

    def test_output(self):
        shown = block("test: run", "sh", "echo a; echo b")
        self.assert_fails(shown + block("test: prints", "text", "b\na"), "is not printed:\na")
        self.assert_fails(shown + block("test: prints", "text", "a b"), "is not printed:\na b")

    def test_a_line_to_insert_behind(self):
        text = block("test: write f", "yaml", "x:") + block("test: insert f, behind y:", "yaml", "z:")
        self.assert_fails(text, "f has no line `y:`")

    def test_no_example_is_forgotten(self):
        self.assert_fails("```sh\ntrue\n```\n", "has no `test:` comment before it")
        self.assert_fails(block("test: tuns", "sh", "true"), "there is no test named `test: tuns`")
        self.assert_fails("text\n", "README.md: 0 run")

    def test_files_stay_in_the_folder(self):
        self.assert_fails(block("test: write ../f", "yaml", "x:"), "leaves the example's folder")


if __name__ == "__main__":
    unittest.main()
