#!/usr/bin/env python3
"""The service as systemd sees it, and the logs as logrotate does. Skipped where they are not there."""
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
UNITS = os.path.join(ROOT, "build", "systemd")
EXPOSURE_MAX = 25  # tenths; systemd calls up to 20 "OK", 100 is a service without any of it
SECURED = ("ecluse@.service", "ecluse-watch@.service")


def wants(program):
    return unittest.skipUnless(shutil.which(program), f"there is no {program}")


class Systemd(unittest.TestCase):
    def setUp(self):
        """Instances of the units, with a program that is there; the installed one may not be."""
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for name in os.listdir(UNITS):
            with open(os.path.join(UNITS, name), encoding="utf-8") as file:
                text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", file.read())
            with open(os.path.join(self.folder, name.replace("@", "@shop")), "w", encoding="utf-8") as file:
                # man pages are looked for where they are installed
                file.write(re.sub(r"(?m)^(Documentation=|User=|Group=).*\n", "", text))

    @wants("systemd-analyze")
    def test_systemd_finds_nothing_wrong(self):
        paths = [os.path.join(self.folder, name) for name in sorted(os.listdir(self.folder))]
        self.assertEqual(len(paths), 3)
        done = subprocess.run(["systemd-analyze", "verify", *paths], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        ours = [line for line in done.stdout.splitlines() if "ecluse" in line]
        self.assertEqual((ours, done.returncode), ([], 0), done.stdout)

    @wants("systemd-analyze")
    def test_they_are_hardened(self):
        for name in SECURED:
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager",
                                   os.path.join(UNITS, name)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            print(done.stdout.splitlines()[-1])

    def test_what_decides_what_runs_is_not_writable_for_it(self):
        for name in SECURED:
            with open(os.path.join(UNITS, name), encoding="utf-8") as file:
                text = file.read()
            for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "User=ecluse"):
                self.assertIn(line + "\n", text, name)
            self.assertRegex(text, r"ReadOnlyPaths=.*config.*transformations")


class Logrotate(unittest.TestCase):
    @wants("logrotate")
    def test_old_logs_are_compressed_very_old_ones_go_new_ones_stay(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        logs = os.path.join(folder, "shop", "logs")
        os.makedirs(logs)
        for name, days in (("pipeline_new.log", 0), ("pipeline_old.log", 10), ("pipeline_ancient.log", 100), ("other.log", 100)):
            path = os.path.join(logs, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("a line\n" * 100)
            then = time.time() - days * 86400
            os.utime(path, (then, then))
        with open(os.path.join(ROOT, "packaging/logrotate/ecluse"), encoding="utf-8") as file:
            text = file.read().replace("/var/lib/ecluse", folder).replace("    su ecluse ecluse\n", "")
        config = os.path.join(folder, "logrotate.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(config, 0o644)
        state = os.path.join(folder, "state")
        # A log that it does not know yet waits a day for its first rotation: it has known these.
        day = time.strftime("%Y-%-m-%-d", time.gmtime(time.time() - 5 * 86400))
        with open(state, "w", encoding="utf-8") as file:
            file.write("logrotate state -- version 2\n" + "".join(f'"{os.path.join(logs, name)}" {day}\n' for name in os.listdir(logs)))
        os.chmod(state, 0o600)
        done = subprocess.run(["logrotate", "--state", state, config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(sorted(os.listdir(logs)), ["other.log", "pipeline_new.log", "pipeline_old.log.1.gz"])


if __name__ == "__main__":
    unittest.main()
