#!/usr/bin/env python3
"""Day after day: a wide model computes again what a new day reaches, no more and no less."""
import os
import re
import shutil
import unittest
import zipfile

import kit

DAYS = 5


def day_of(name):
    found = re.search(r"_(\d{8})", name)
    return found.group(1) if found else None


def take(project, source, wanted):
    """The shop's files of those days, the members of its archive as single files."""
    raw = project.path("data/raw")
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)
            target = os.path.join(raw, os.path.relpath(path, source))
            if name == "api_logs.zip":
                with zipfile.ZipFile(path) as archive:
                    for member in archive.namelist():
                        if day_of(member) in wanted:
                            project.write(os.path.join("data/raw/api_logs", os.path.basename(member)), archive.read(member))
            elif not name.startswith(".") and name != "truth.json" and (day_of(name) in wanted or (day_of(name) is None and None in wanted)):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)


def days_of(source):
    return sorted({day_of(name) for _, _, names in os.walk(source) for name in names if name.startswith("sessions_")})


def reached(project, *arguments):
    """How many partitions of combined_sessions a run computed again, and how many lie around what changed."""
    said = project.run("--no-archive", "--fail-on", "never", "--verbose", *arguments).err
    found = re.search(r"model combined_sessions: (\d+) of (\d+) partitions are reached", said)
    return tuple(map(int, found.groups())) if found else None


class Reach(unittest.TestCase):
    def test_day_by_day_is_all_at_once(self):
        source = kit.shop("2MB", DAYS).path("data/raw")
        days = days_of(source)
        self.assertEqual(len(days), DAYS)
        at_once, one_by_one = kit.new_project(), kit.new_project()
        take(at_once, source, [None, *days])
        at_once.run("--no-archive", "--fail-on", "never")
        seen = []
        for i, day in enumerate(days):
            take(one_by_one, source, [None, day] if i == 0 else [day])
            seen.append(reached(one_by_one))
        self.assertIsNone(seen[0])  # all of them
        for computed, around in seen[1:]:
            self.assertLess(computed, around)  # the day before that, and the day after, see nothing of it
            self.assertGreaterEqual(computed, 2)  # the day itself, and the one before it, whose sessions end in it
        self.assertEqual(kit.digests(at_once), kit.digests(one_by_one))
        self.assertEqual(kit.check_project(one_by_one), [])
        over_midnight = kit.table_rows(one_by_one, "combined_sessions", "count(*) FILTER (date_log > date), count(*) FILTER (date_log < date)")[0]
        self.assertGreater(over_midnight[0], 0)  # or nothing here was put to the test


if __name__ == "__main__":
    unittest.main()
