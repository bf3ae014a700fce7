#!/usr/bin/env python3
"""What the sweeps stand on: the fault layer fails what it is told to, the model of a disk drops what was not synced, the
looker sees what is wrong. And the program that users get has none of it."""
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calls  # noqa: E402
import disk  # noqa: E402
import lab  # noqa: E402
import look  # noqa: E402
import shop  # noqa: E402
import slices  # noqa: E402

RELEASE = os.environ.get("ECLUSE") or os.path.join(os.path.dirname(lab.ECLUSE), "ecluse")
bases = lab.Bases()


def setUpModule():
    bases.make()


def tearDownModule():
    bases.remove()


class Release(unittest.TestCase):
    def test_has_no_fault_layer(self):
        with open(RELEASE, "rb") as release, open(lab.ECLUSE, "rb") as faulty:
            self.assertNotIn(b"ECLUSE_FAULT", release.read())
            self.assertIn(b"ECLUSE_FAULT", faulty.read())

    def test_no_environment_disturbs_it(self):
        one = lab.Lab(bases, RELEASE)
        project = one.project("first")
        self.assertEqual(one.run(project, fault=lab.Fault("driver", "io", 5, "EIO", "ever"), quota=0), (0, ""))
        self.assertEqual((one.fired(), one.recorded()), (0, []))


class Layer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.one = lab.Lab(bases)

    def disturbed(self, op, what, when="once", role="driver", name=""):
        """(exit code, how often the fault came) of a run whose first such call is disturbed."""
        record = next(record for record in bases.calls["first"]
                      if (record.op, record.role) == (op, role) and name in record.path and (op not in lab.CHANGING or lab.changes(record)))
        kind = "memory" if op in ("malloc", "realloc") else "io"
        code, self.said = self.one.run(self.one.project("first"), fault=lab.Fault(role, kind, record.index, what, when))
        return code, self.one.fired()

    def test_fails_once_and_for_ever(self):
        self.assertEqual(self.disturbed("fsync", "EIO"), (3, 1))
        code, fired = self.disturbed("fsync", "EIO", "ever")
        self.assertEqual(code, 3)
        self.assertGreater(fired, 1)

    def test_what_can_be_tried_again_is(self):
        self.assertEqual(self.disturbed("write", "EINTR"), (0, 1))
        self.assertEqual(self.disturbed("write", "short"), (0, 1))
        self.assertEqual(self.disturbed("write", "short", role="worker"), (0, 1))

    def test_kills(self):
        self.assertEqual(self.disturbed("link", "kill-before"), (-9, 1))
        self.assertEqual(self.disturbed("link", "kill-after"), (-9, 1))
        for what in ("kill-before", "kill-after"):
            self.assertEqual(self.disturbed("fsync", what, role="worker"), (0, 1))  # the driver tries the task again
            self.assertIn("the worker died of signal 9 (attempt 1 of 2)", self.said)

    def test_memory(self):
        self.assertEqual(self.disturbed("malloc", "ENOMEM", "ever")[0], 3)

    def test_a_disk_without_room(self):
        code, err = self.one.run(self.one.project("first"), quota=0)
        self.assertEqual(code, 3)
        self.assertIn("No space left", err)

    def test_records_every_call(self):
        records = bases.calls["first"]
        self.assertEqual({record.role for record in records}, set(calls.ROLES))
        self.assertEqual(set(calls.OPS) - {record.op for record in records}, {"ftruncate"})
        for role in calls.ROLES:
            for memory in (False, True):
                indexes = sorted(r.index for r in records if r.role == role and (r.op in ("malloc", "realloc")) == memory)
                self.assertEqual(indexes, list(range(1, len(indexes) + 1)))
        manifest = next(r for r in records if r.op == "link" and r.other.endswith("data/runs/00000001.json"))
        self.assertTrue(manifest.path.endswith(".tmp"))


class Same(unittest.TestCase):
    """A verdict is asked for once for each state of a project: runs that do the same have to leave the same bytes."""

    def left(self, one, stage, *faults):
        """(exit codes, the project's state, what is pending) after runs with these faults."""
        project = one.project(stage)
        model, codes = one.disk(project), []
        for fault in faults:
            codes.append(one.run(project, fault=fault, recorded=True)[0])
            for record in one.recorded():
                model.apply(record)
        return codes, disk.key_of_folder(project), model.key(ordered=False)

    def test_runs_that_do_the_same_leave_the_same(self):
        one, other = lab.Lab(bases), lab.Lab(bases)
        for stage in ("first", "other"):
            for faults in ((None,), (lab.points_of_no_return(bases, stage)[0], None)):
                with self.subTest(stage=stage, faults=faults):
                    self.assertEqual(self.left(one, stage, *faults), self.left(other, stage, *faults))

    def test_runs_that_do_otherwise_do_not(self):
        one = lab.Lab(bases)
        link = next(r for r in bases.calls["first"] if r.op == "link" and r.role == "driver")
        found = [self.left(one, "first", lab.Fault("driver", "io", link.index, what, "once")) for what in ("kill-before", "kill-after", "EIO", "EINTR")]
        self.assertEqual(len({state for _, state, _ in found[:3]}), 3)

    def test_a_verdict_is_asked_for_once_for_each_state(self):
        one, asked = lab.Lab(bases), []

        def verdict(change=None, *rest):
            project = one.project("first")
            if change:
                shop.write(project, *change)
            return one.known(project, None, *rest, judge=lambda: asked.append(change) or [str(change)])

        self.assertEqual([verdict(), verdict(), verdict()], [["None"]] * 3)
        self.assertEqual((len(asked), one.repeated), (1, 2))
        for change in (("data/raw/sales_1.csv.done", b""), ("data/raw/sales_1.csv.done", b"x"), ("data/.x.77.0.tmp", b"")):
            self.assertEqual(verdict(change), [str(change)])
        verdict(("data/.x.78.0.tmp", b""))  # of another process
        verdict(("logs/other.log", b"text"))
        self.assertEqual(len(asked), 4)
        verdict(None, 3)
        self.assertEqual(len(asked), 5)

    def test_a_fault_that_stays_and_comes_once_is_both(self):
        for op, what in (("fsync", "EIO"), ("link", "ENOSPC"), ("mkdir", "EIO")):
            with self.subTest(op):
                one, tried = lab.Lab(bases), []
                once = one.try_fault

                def try_fault(stage, fault, one=one, once=once, tried=tried):
                    found = once(stage, fault)
                    tried.append((fault.when, one.fired_at_first))
                    return found

                one.try_fault = try_fault
                record = next(r for r in bases.calls["first"] if r.op == op and r.role == "driver")
                found = one.try_both("first", lab.Fault("driver", "io", record.index, what, "once"))
                self.assertEqual([(fault.when, verdict, came) for fault, verdict, came in found], [("ever", [], True), ("once", [], True)])
                self.assertEqual([when for when, _ in tried], ["ever"] if tried[0][1] == 1 else ["ever", "once"])

    def test_the_clock_stands_still(self):
        project = lab.Lab(bases).project("second")
        with open(os.path.join(project, "data/runs/00000001.json"), encoding="utf-8") as file:
            self.assertIn("20250720_0826", file.read())


class Found(unittest.TestCase):
    """Points of which a sweep of everything found that they were violations."""

    def test_the_page_that_a_kill_cut_behind_the_alerts(self):
        """The run had finished, so the next found nothing to do and left the temporary file."""
        written = [r for r in bases.calls["other"] if r.op == "rename" and r.other.endswith("/dashboard.html")]
        self.assertEqual(len(written), 2)  # before and behind the delivery
        for record in written:
            found = lab.Lab(bases).try_fault("other", lab.Fault(record.role, "io", record.index, "kill-before", "once"))
            self.assertEqual(found, ([], True))


class Slices(unittest.TestCase):
    def test_each_point_is_in_one_slice(self):
        points = [(f"first: driver io {i} EIO once", i) for i in range(1000)]
        parts = [slices.part((k, 7))(points) for k in range(1, 8)]
        self.assertEqual(sorted(point for part in parts for point in part), sorted(points))
        self.assertTrue(all(len(part) > 50 for part in parts))
        self.assertEqual(slices.part(None)(points), points)
        self.assertEqual([point for point in slices.part((3, 7))(points[500:])], [point for point in parts[2] if point[1] >= 500])

    def test_what_is_no_slice_is_refused(self):
        self.assertEqual(slices.parse("3/40"), (3, 40))
        for text in ("0/4", "5/4", "4", "a/b"):
            with self.assertRaises(ValueError):
                slices.parse(text)

    def test_slices_of_a_commit_add_up(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "faults.jsonl")

        def report():
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = slices.report(path, ("calls", "power"))
            return status, out.getvalue()

        def add(k, sweep, tried, wrong=0):
            tally = types.SimpleNamespace(tried=tried, came=tried, wrong=wrong, repeated=1, seconds=2.0)
            slices.add(path, (k, 2), sweep, tally)

        self.assertEqual(report()[0], 1)
        add(1, "calls", 10)
        add(2, "calls", 20)
        add(2, "calls", 21)  # again: the last counts
        add(1, "power", 5)
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"commit": "another", "slice": 2, "of": 2, "sweep": "power"}\n')
        status, text = report()
        self.assertEqual(status, 1)
        self.assertRegex(text, r"calls +2 of +2 slices, +31 points tried")
        self.assertRegex(text, r"power +1 of +2 slices")
        self.assertIn("36 points tried, 0 violations, 6 s; 3 left what another had left; 1 sweeps are not complete", text)
        add(2, "power", 6)
        self.assertEqual(report()[0], 0)
        add(2, "power", 6, wrong=1)
        self.assertEqual(report()[0], 1)


def record(op, path="", other="", ino=0, data=b"", offset=0, **more):
    return calls.Record("driver", op, more.get("created", False), True, 1, more.get("result", 0), more.get("cause", 0), 3,
                        more.get("flags", os.O_CREAT), 1, ino, 0, offset, path, other, data)


class Disk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(os.path.join(self.folder, "p", "d"))
        with open(os.path.join(self.folder, "p", "old"), "wb") as file:
            file.write(b"old")
        self.disk = disk.Disk(os.path.join(self.folder, "p"), os.path.join(self.folder, "keep"))

    def make(self, path, ino, data, synced):
        self.disk.apply(record("open", path, ino=ino, created=True))
        self.disk.apply(record("write", path, ino=ino, data=data))
        if synced:
            self.disk.apply(record("fsync", path, ino=ino))

    def sync(self, path):
        self.disk.apply(record("fsync", os.path.join(self.folder, path)))

    def dropped(self):
        return {path: data for path, data in self.disk.state("drop", "drop").items() if path != "old"}

    def test_name_and_bytes_need_a_sync_each(self):
        self.make("p/d/a", 900001, b"abcd", synced=True)
        self.assertEqual(self.dropped(), {"d": None})
        self.sync("p/d")
        self.assertEqual(self.dropped(), {"d": None, "d/a": b"abcd"})
        self.make("p/d/b", 900002, b"abcd", synced=False)
        self.sync("p/d")
        self.assertEqual(self.dropped()["d/b"], b"")
        self.assertEqual(self.disk.state("drop", "torn")["d/b"], b"ab")
        self.assertEqual(self.disk.state("drop", "zeros")["d/b"], bytes(4))
        self.assertEqual(self.disk.state("keep", "keep")["d/b"], b"abcd")

    def test_a_folder_needs_the_sync_of_the_one_above(self):
        self.disk.apply(record("mkdir", "p/d/new"))
        self.make("p/d/new/a", 900001, b"a", synced=True)
        self.sync("p/d/new")
        self.assertEqual(self.dropped(), {"d": None})
        self.sync("p/d")
        self.assertEqual(self.dropped(), {"d": None, "d/new": None, "d/new/a": b"a"})

    def test_rename_is_one_step_and_removal_needs_a_sync(self):
        self.make("p/d/a", 900001, b"a", synced=True)
        self.sync("p/d")
        self.disk.apply(record("rename", "p/d/a", "p/d/b"))
        self.assertEqual(self.dropped(), {"d": None, "d/a": b"a"})
        self.assertNotIn("d/a", self.disk.state("keep", "keep"))
        self.sync("p/d")
        self.disk.apply(record("unlink", "p/d/b"))
        self.assertEqual(self.dropped(), {"d": None, "d/b": b"a"})
        self.sync("p/d")
        self.assertEqual(self.dropped(), {"d": None})

    def test_a_failed_sync_loses_the_bytes_for_good(self):
        self.make("p/d/a", 900001, b"a", synced=False)
        self.disk.apply(record("fsync", "p/d/a", ino=900001, result=-1, cause=5))
        self.disk.apply(record("fsync", "p/d/a", ino=900001))
        self.sync("p/d")
        self.assertEqual(self.dropped()["d/a"], b"")

    def test_the_key_knows_what_is_pending(self):
        keys = [self.disk.key()]
        steps = (lambda: self.make("p/d/a", 900001, b"a", synced=False), lambda: self.disk.apply(record("fsync", "p/d/a", ino=900001)),
                 lambda: self.sync("p/d"), lambda: self.disk.apply(record("rename", "p/d/a", "p/d/b")), lambda: self.sync("p/d"),
                 lambda: self.disk.apply(record("link", "p/d/b", "p/d/c")), lambda: self.disk.apply(record("unlink", "p/old")))
        for step in steps:
            step()
            keys.append(self.disk.key())
        self.assertEqual(len(set(keys)), len(steps) + 1)
        self.disk.apply(record("link", "p/none", "p/d/e", result=-1, cause=2))
        self.assertEqual(self.disk.key(), keys[-1])

    def test_what_was_there_stays_as_it_was(self):
        self.disk.apply(record("unlink", "p/old"))
        path = os.path.join(self.folder, "made")
        disk.write(self.disk.state("drop", "drop"), path)
        with open(os.path.join(path, "old"), "rb") as file:
            self.assertEqual(file.read(), b"old")
        self.sync("p")
        self.assertNotIn("old", self.disk.state("drop", "drop"))


class Looker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.one = lab.Lab(bases)

    def after(self, damage):
        """What is found in a finished project that was damaged."""
        project = self.one.path("damaged")
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(os.path.join(bases.folder, "done"), project)
        damage(project)
        return " ".join(self.one.looker.compare(project, bases.wanted["second"], lab.DROPS["second"]))

    def test_finds_what_is_planted(self):
        logs = "data/processed/enriched/sales/_delta_log"

        def edit(name, old, new):
            def change(project):
                with open(os.path.join(project, name), "r+", encoding="utf-8") as file:
                    text = file.read()
                    self.assertIn(old, text)
                    file.seek(0)
                    file.write(text.replace(old, new))
                    file.truncate()
            return change

        def remove(name):
            return lambda project: os.remove(os.path.join(project, name))

        def add(name):
            return lambda project: shop.write(project, name, b"x")

        def part(project):
            return os.path.relpath(look.check_tables.active_files(os.path.join(project, "data/processed/enriched/users"))[0][0], project)

        self.assertEqual(self.after(lambda project: None), "")
        for what, damage in {"not contiguous": remove(f"{logs}/{0:020d}.json"), "active part is not there": lambda p: remove(part(p))(p),
                             "no commit names": add("data/processed/enriched/users/part-x.parquet"),
                             "was not committed": remove(f"{logs}/{1:020d}.json"), "not finished": remove("data/runs/00000002.finished"),
                             "staging holds": add("data/staging/x"), "is left": add("data/runs/.x.tmp"), "raw": add("data/raw/x.csv"),
                             "in 0 archives": lambda p: shutil.rmtree(os.path.join(p, "data/archive")),
                             "cannot be read": lambda p: add("data/archive/archive_2.tar.gz")(p),
                             "quarantine": remove("data/quality/quarantine/sales/sales_3.csv.jsonl"),
                             "exports": edit("data/processed/users/users_summary.csv", "ES", "PT")}.items():
            with self.subTest(what):
                self.assertIn(what, self.after(damage))

    def test_truth_is_not_what_the_program_says(self):
        wanted = look.truth(*lab.DROPS["second"])
        self.assertEqual(sorted(wanted["users"].items()), [("U0", "FR"), ("U1", "ES"), ("U2", "DE"), ("U4", "IT"), ("U5", "ES")])
        self.assertEqual(len(wanted["sales"]), 8 + 4 + 4)
        wanted["logs"]["R77"] = "/cart"
        self.assertIn("logs", " ".join(self.one.looker.against_truth(os.path.join(bases.folder, "done"), wanted)))


if __name__ == "__main__":
    unittest.main()
