"""What is installed finds the Spark job that is installed with it."""
import filecmp
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
# In the place of an interpreter: says what it was started with.
STAND_IN = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


class Installed(unittest.TestCase):
    def test_the_job_lies_where_the_program_looks_for_it(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix, python, project = (os.path.join(folder, name) for name in ("usr", "python", "project"))
            subprocess.run(["cmake", "--install", os.path.join(ROOT, "build"), "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "DESTDIR": folder})
            with open(python, "w", encoding="ascii") as file:
                file.write(STAND_IN)
            os.chmod(python, 0o755)
            program = os.path.join(prefix, "bin", "ecluse")
            subprocess.run([program, "init", project], check=True, stdout=subprocess.DEVNULL)
            words = subprocess.run([program, "-C", project, "run", "--engine", "spark"], check=True, stdout=subprocess.PIPE, text=True,
                                   env={**{name: value for name, value in os.environ.items() if name != "ECLUSE_SPARK"},
                                        "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python}).stdout.splitlines()
            job = os.path.join(prefix, "share", "ecluse", "spark")
            self.assertEqual(words[0], os.path.realpath(os.path.join(job, "ecluse_spark.py")))
            tracked = subprocess.run(["git", "ls-files", "spark"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
            for path in tracked:
                self.assertTrue(filecmp.cmp(os.path.join(ROOT, path), os.path.join(job, os.path.relpath(path, "spark")), shallow=False), path)


if __name__ == "__main__":
    unittest.main()
