"""Where the sweeps work: projects to disturb, runs under a fault, and the verdict on what they left.

A point is one way to disturb a run. Its verdict is a list of sentences, empty where all is well: the exit code is honest,
what a reader sees at that moment is right, the next run completes it, every accepted row is there once, and what an exit
code of 0 promised is there after a power cut."""
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile

import disk
import look
import shop
import calls

HERE = os.path.dirname(os.path.abspath(__file__))
ECLUSE = os.environ.get("ECLUSE_FAULTS") or os.path.normpath(os.path.join(HERE, "..", "..", "build", "ecluse-faults"))
SECONDS_MAX = 300  # a guard against what hangs
CLOCK = 1753000000  # when the first run of a lab begins; each begins a minute later
# A first run; the one behind it; one that judges the first's files by a changed rule; the second of the other shop.
STAGES = ("first", "second", "again", "other")
DROPS = dict(zip(STAGES, (shop.drops()[:1], shop.drops(), shop.drops()[:1], shop.other_drops())))
# What a run may end with. 2 is bad configuration: what could not be read may look like that.
HONEST = {0, 1, 3, 4}

Fault = collections.namedtuple("Fault", "role kind at what when")


def memory_folder():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and "TMPDIR" not in os.environ else None


def link_or_copy(source, target, follow_symlinks=True):
    """What the program knows by its inode, and never writes to, is linked."""
    if source.endswith(disk.LINKED) or "/data/raw/" in source:
        os.link(source, target)
        return target
    return shutil.copy2(source, target, follow_symlinks=follow_symlinks)


class Lab:
    """One per process: a folder of its own, and the projects of the parent to copy."""

    judges = True  # without: a point is tried, and what it left is not looked at

    def __init__(self, bases, ecluse=None):
        self.folder = tempfile.mkdtemp(prefix="lab-", dir=bases.folder)
        self.bases, self.ecluse, self.looker = bases, ecluse or bases.ecluse, look.Looker()
        self.state, self.trace, self.runs = self.path("state"), self.path("trace"), 0
        self.verdicts, self.repeated = {}, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def project(self, stage):
        """The project before the run, as often as it is asked for: the same names, bytes, times, and for what may only be replaced
        or removed also the same files."""
        path, self.runs = self.path("p"), 10 * STAGES.index(stage)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.bases.path(stage), path, symlinks=True, copy_function=link_or_copy)
        return path

    def disk(self, project):
        keep = self.path("keep")
        shutil.rmtree(keep, ignore_errors=True)
        return disk.Disk(project, keep)

    def environment(self, fault=None, quota=None, recorded=False, memory=False):
        with open(self.state, "wb") as file:
            file.write(bytes(4096))
        if os.path.exists(self.trace):
            os.remove(self.trace)
        # Without huge pages, for which the program would start itself anew.
        made = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "ECLUSE_FAULT_STATE": self.state,
                "ECLUSE_FAULT_CLOCK": str(CLOCK + 60 * self.runs), "GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
        self.runs += 1
        if fault:
            made["ECLUSE_FAULT"] = ":".join(map(str, fault))
        if quota is not None:
            made["ECLUSE_FAULT_QUOTA"] = str(quota)
        if recorded or memory:
            made["ECLUSE_FAULT_TRACE"] = self.trace
        if memory or recorded:
            made["ECLUSE_FAULT_TRACE_MEMORY" if memory else "ECLUSE_FAULT_TRACE_CHANGES"] = "1"
        return made

    def start(self, project, slashes=0, words=(), **more):
        words = words or ("run", "--as-of", shop.AS_OF, "--quiet")
        return subprocess.Popen([self.ecluse, "-C", os.path.basename(project) + "/" * slashes, *words],
                                cwd=os.path.dirname(project), env=self.environment(**more), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, project, **more):
        """(exit code, standard error)"""
        process = self.start(project, **more)
        try:
            _, err = process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return "hangs", ""
        return process.returncode, err.decode("utf-8", "replace")

    def fired(self):
        """How often the fault came."""
        with open(self.state, "rb") as file:
            return int.from_bytes(file.read()[32:40], "little")

    def recorded(self):
        return calls.read(self.trace) if os.path.exists(self.trace) else []

    # ---- verdicts

    def known(self, project, model, *rest, judge):
        """What `judge` finds. It is asked once for each state of a project: the clock stands still and nothing chooses by chance,
        so the run behind it, too, does what it did before. The state is names and bytes; what is pending on the disk; and what
        the verdict asks for besides."""
        if not self.judges:
            return judge()
        key = (*rest, disk.key_of_folder(project), model.key() if model else None)
        if key not in self.verdicts:
            self.verdicts[key] = judge()
        else:
            self.repeated += 1
        return self.verdicts[key]

    def after_power_cut(self, model, stage, strict=True):
        """What is missing where nothing survived that was not synced."""
        path = self.path("cut")
        disk.write(model.state("drop", "drop"), path)
        found = self.looker.compare(path, self.bases.wanted[stage], DROPS[stage], strict, tidy=False)
        return [f"after a power cut behind exit code 0: {text}" for text in found]

    def verdict_of_end(self, project, stage, model, strict, tidy=True):
        found = self.looker.compare(project, self.bases.wanted[stage], DROPS[stage], strict, tidy)
        return found or (self.after_power_cut(model, stage, strict) if model else [])

    def after_fault(self, project, stage, model, code, err, may_die=False):
        """The verdict on a run that ended with `code`, and on the one behind it."""
        return self.known(project, model, stage, code, may_die, judge=lambda: self.judge_after_fault(project, stage, model, code, err, may_die))

    def judge_after_fault(self, project, stage, model, code, err, may_die):
        if not self.judges:
            if code not in (0, 3):
                self.run(project)
            return []
        found = [f"at that moment: {text}" for text in self.looker.tables(project, whole=False)]
        if code not in HONEST and not (may_die and code == -signal.SIGKILL):
            return found + [f"it ended with {code}: {err.strip()[-400:]}"]
        if code == 0:  # what could not be removed may be left, for the next run to remove
            found += [f"exit code 0: {text}" for text in self.verdict_of_end(project, stage, model, True, tidy=False)]
            left = not found and self.looker.leftovers(project)
            return found + (self.next_run(project, stage, model) if left else [])
        if code == 4:
            found += [f"exit code 4, and the tables are not whole: {text}" for text in self.whole_tables(project, stage)]
        return found + self.next_run(project, stage, model, strict=code != 1)

    def whole_tables(self, project, stage):
        have, wanted = self.looker.contents(project, True), self.bases.wanted[stage]["tables"]
        return [] if have == wanted else [look.difference(have, wanted)]

    def next_run(self, project, stage, model=None, strict=True):
        if not self.judges:
            self.run(project)
            return []
        for words in (), ("alerts", "retry"):
            code, err = self.run(project, words=words, recorded=model is not None)
            for record in self.recorded() if model else ():
                model.apply(record)
            if code != 4 or not os.listdir(os.path.join(project, "data/alerts")):
                break  # a message that could not be sent waits for a minute before it is tried again
        if code != 0:
            return [f"the next run ended with {code}: {err.strip()[-400:]}"]
        return [f"after the next run: {text}" for text in self.verdict_of_end(project, stage, model, strict)]

    # ---- points

    def try_fault(self, stage, fault):
        """(verdict, whether the fault came)"""
        project = self.project(stage)
        model = self.disk(project) if fault.kind == "io" and self.judges else None
        code, err = self.run(project, fault=fault, recorded=model is not None)
        self.fired_at_first = self.fired()
        fired = self.fired_at_first > 0
        for record in self.recorded() if model else ():
            model.apply(record)
        return self.after_fault(project, stage, model, code, err, fault.what.startswith("kill") and fault.role == "driver"), fired

    def try_both(self, stage, fault):
        """A fault that comes once, and one that stays: [(fault, verdict, whether it came)]. Where the one that stays came once, the
        other is the same."""
        ever, once = fault._replace(when="ever"), fault._replace(when="once")
        found = self.try_fault(stage, ever)
        if self.fired_at_first == 1:
            return [(ever, *found), (once, *found)]
        return [(ever, *found), (once, *self.try_fault(stage, once))]

    def try_twice(self, stage, first, second):
        """A fault, and another in the run that recovers."""
        project = self.project(stage)
        model, strict, fired = self.disk(project), True, False
        for fault in (first, second):
            code, err = self.run(project, fault=fault, recorded=True)
            fired = self.fired() > 0
            for record in self.recorded():
                model.apply(record)
            strict = strict and code != 1
            if code not in HONEST and code != -signal.SIGKILL:
                return [f"it ended with {code}: {err.strip()[-400:]}"], fired
            found = [f"at that moment: {text}" for text in self.looker.tables(project, whole=False)]
            if found:
                return found, fired
        return self.known(project, model, stage, "twice", strict, judge=lambda: self.next_run(project, stage, model, strict)), fired

    def try_disk(self, stage, state):
        """A disk as a power cut may have left it."""
        path, self.runs = self.path("p"), 10 * STAGES.index(stage) + 1
        disk.write(state, path)

        def judge():
            found = [f"on that disk: {text}" for text in self.looker.tables(path, whole=False)]
            # The copies of the raw files have the inode of the originals, which a clean-up asks for.
            return found + self.next_run(path, stage)

        return self.known(path, None, stage, "disk", judge=judge), True

    def try_path(self, stage, length):
        """The project has a name of that length: what is longer than the system takes, below it, cannot be named."""
        project = self.project(stage)
        code, err = self.run(project, slashes=length - len(os.path.basename(project)))
        if code == 2:  # the configuration itself
            return self.next_run(project, stage), True
        return self.after_fault(project, stage, None, code, err), code != 0

    def try_quota(self, stage, quota):
        project = self.project(stage)
        model = self.disk(project)
        code, err = self.run(project, quota=quota, recorded=True)
        for record in self.recorded():
            model.apply(record)
        return self.after_fault(project, stage, model, code, err), code != 0


class Bases:
    """Projects before a run, and what they are after it where nothing disturbs it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ecluse-faults-", dir=memory_folder())
        self.ecluse = shutil.copy(ECLUSE, self.folder)  # a build under way takes nothing away
        self.wanted = {}
        self.made = {}  # stage -> the key of the project before the run
        self.calls = {}  # stage -> the calls of an undisturbed run

    def path(self, stage):
        return os.path.join(self.folder, stage)

    def make(self):
        lab, done = Lab(self), os.path.join(self.folder, "done")
        shop.make(self.path("first"))
        shop.drop(self.path("first"), DROPS["first"][0])
        self._finish(lab, "first", done)
        shutil.copytree(done, self.path("second"))
        shop.drop(self.path("second"), DROPS["second"][1])
        self._finish(lab, "second", done)
        shop.make(self.path("again"), archive=False)
        shop.drop(self.path("again"), DROPS["again"][0])
        code, err = lab.run(self.path("again"))
        if code != 0:
            raise AssertionError(f"the run before a rule is changed ended with {code}: {err}")
        shop.tighten(self.path("again"))
        self._finish(lab, "again", os.path.join(self.folder, "done again"))
        shop.make_other(self.path("other"))
        shop.drop(self.path("other"), DROPS["other"][0])
        code, err = lab.run(self.path("other"))
        if code != 0:
            raise AssertionError(f"the first run of the other shop ended with {code}: {err}")
        shop.drop(self.path("other"), DROPS["other"][1])
        self._finish(lab, "other", os.path.join(self.folder, "done other"))

    def _finish(self, lab, stage, done):
        project = lab.project(stage)
        code, err = lab.run(project, memory=True)
        if code != 0:
            raise AssertionError(f"the undisturbed run ended with {code}: {err}")
        self.calls[stage] = lab.recorded()
        self.wanted[stage] = lab.looker.all_of(project)
        truth = look.truth(*DROPS[stage], quantity_min=shop.TIGHTENED if stage == "again" else 1)
        found = lab.looker.against_truth(project, truth) + lab.looker.compare(project, self.wanted[stage], DROPS[stage])
        if found:
            raise AssertionError(f"the undisturbed run is wrong: {found}")
        shutil.rmtree(done, ignore_errors=True)
        shutil.copytree(project, done)

        self.made[stage] = disk.key_of_folder(self.path(stage))

    def check_untouched(self):
        """The projects of all points share files with these."""
        disk.contents.clear()
        for stage, key in self.made.items():
            if disk.key_of_folder(self.path(stage)) != key:
                raise AssertionError(f"a run wrote to a file of {stage} that others share")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


# ---------------------------------------------------------------- the points of a sweep

CHANGING = {"open", "write", "ftruncate", "fsync", "link", "rename", "unlink", "mkdir", "rmdir"}
WAITS = {"open", "read", "pread", "write", "ftruncate", "fsync"}  # calls that a signal may interrupt
MOVES = {"read", "pread", "write"}
GROWS = {"open", "write", "fsync", "link", "rename", "mkdir"}


def changes(record):
    return record.op in CHANGING and (record.op != "open" or record.flags & os.O_CREAT) and (record.op != "write" or record.is_file)


def faults_of(record):
    """Every way in which one call is disturbed. Of two that take the same way through the program (ENOSPC and EDQUOT; once and
    for ever where it is only read or asked again) one call gets the one, the next the other."""
    odd = record.index % 2 == 1
    alternates = "once" if odd else "ever"
    if record.op in ("malloc", "realloc"):
        return [Fault(record.role, "memory", record.index, "ENOMEM", when) for when in (("once", "ever") if record.index % 4 == 1 else ("once",))]
    changing = changes(record)
    whats = [("EIO", "once"), ("EIO", "ever")] if changing else [("EIO", alternates)]
    if changing and record.op in GROWS:
        no_room = "ENOSPC" if odd else "EDQUOT"
        whats += [(no_room, "once"), (no_room, "ever")]
    if changing and record.op != "fsync":
        whats.append(("late", "once"))
    if record.op in WAITS:
        whats.append(("EINTR", alternates))
    if record.op in MOVES:
        whats.append(("short", alternates))
    if changing:
        whats += [("kill-before", "once"), ("kill-after", "once")]
    if changing and record.role == "worker" and odd:
        whats.append(("kill-before", "ever"))
    return [Fault(record.role, "io", record.index, what, when) for what, when in whats]


def worth_trying(records):
    """Every call that changes something. Of the others, and of allocations, those of the same callers do the same: the first
    and the last of each way through the program."""
    first, last = {}, {}
    for record in records:
        way = (record.role, record.index) if changes(record) else (record.role, record.op, record.stack)
        first.setdefault(way, record)
        last[way] = record
    return sorted({*first.values(), *last.values()}, key=lambda record: (record.role, record.index))


def all_faults(bases, memory):
    return [(stage, fault) for stage in STAGES
            for record in worth_trying([record for record in bases.calls[stage] if (record.op in ("malloc", "realloc")) == memory])
            for fault in faults_of(record)]


def plain_faults(bases, memory):
    """One for each call, of the sort that takes every way out that an error has."""
    return [(stage, fault) for stage, fault in all_faults(bases, memory) if fault.what in ("EIO", "ENOMEM") and fault.when == "once"]


def sample(points, number, dice):
    return points if number is None or number >= len(points) else dice.sample(points, number)


def points_of_no_return(bases, stage):
    """The driver killed where a name has just appeared that the next run builds on, and was not synced."""
    return [Fault("driver", "io", record.index, "kill-after", "once") for record in bases.calls[stage] if record.op in ("link", "rename")
            and record.role == "driver" and re.search(r"/data/runs/|/_delta_log/|/data/archive/|/validation_report_users", record.other)]


def all_disks(bases, stage, chances, seed, killed=None, share=1):
    """Every disk that a power cut may leave, once each: (name, state). Where the run was killed: that a cut in the run that
    recovers may leave. A share of them for who wants few: most of the work is in them."""
    lab, dice, seen = Lab(bases), random.Random(seed), set()
    project = lab.project(stage)
    model = lab.disk(project)
    if killed:
        lab.run(project, fault=killed, recorded=True)
        for record in lab.recorded():
            model.apply(record)
    code, err = lab.run(project, recorded=True)
    if code != 0:
        raise AssertionError(f"the undisturbed run ended with {code}: {err}")
    behind = f"{stage}, {' '.join(map(str, killed))}" if killed else stage
    for number, record in enumerate(lab.recorded()):
        if not model.apply(record):
            continue
        for variant in disk.variants(dice, chances):
            if killed and (variant.names == "keep" or isinstance(variant.names, random.Random) and number % 8):
                continue  # those were tried in a run that nothing had killed
            if share < 1 and dice.random() >= share:
                continue
            state = model.state(variant.names, variant.data)
            name = disk.key(state)
            if name not in seen:
                seen.add(name)
                yield f"{behind}: behind call {number}, {record.op} {os.path.basename(record.path)}: {variant.name}", state
