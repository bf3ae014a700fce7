"""What tests/run runs things with: jobs that wait for others and share the processors, their counts, and what is remembered of
them.

    board = Board(processors)
    queue = Queue(jobs, board, processors)
    queue.run()
    board.show()

A job is a build or a test: a process, or several one after the other. It starts once what it needs was made, the longest
first, and takes as many processors as it says it computes on; one that mostly waits (for a server that hangs, for files
to lie still) takes none. No more processes compute at a time than there are processors.
"""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time
import traceback

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
TEST_SECONDS_MAX = 600  # a guard against what hangs, far beyond what anything takes
WAITERS_MAX = 3  # jobs at a time that mostly wait
SKIPPED_STATUS = 77  # by convention of automake and CTest
SLOWEST = 8

# How test runners say what they counted: cmocka, Python's unittest, and the plain line of ours.
CMOCKA = re.compile(r"\[\s+(PASSED|FAILED|SKIPPED)\s+\] (?:\w+: )?(\d+) test\(s\)")  # its two streams mix: no ^
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", re.M)
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def total(self):
        return self.passed + self.failed + self.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count_cmocka(out):
    count = Count()
    for word, number in CMOCKA.findall(out):
        setattr(count, word.lower(), getattr(count, word.lower()) + int(number))
    return count


def count_unittest(out):
    count = Count()
    for number, detail in UNITTEST.findall(out):
        told = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", detail or "")}
        failed = min(int(number), told.get("failures", 0) + told.get("errors", 0))
        skipped = told.get("skipped", 0)
        count.add(Count(max(0, int(number) - failed - skipped), failed, skipped))
    return count


def count_plain(out):
    count = Count()
    for passed, failed, skipped in PLAIN.findall(out)[-1:]:
        count.add(Count(int(passed), int(failed), int(skipped or 0)))
    return count


def count_one(out):
    """A program that counts nothing is one case."""
    del out
    return Count(passed=1)


def count_none(out):
    """A build is no test: it counts where it fails."""
    del out
    return Count()


def judge(status, out, counted):
    """The exit status has the last word: what failed without a count is one failure."""
    if status == SKIPPED_STATUS:
        return Count(skipped=1)
    count = counted(out)
    if status != 0 and count.failed == 0:
        return Count(count.passed if counted is not count_one else 0, 1, count.skipped)
    if status == 0 and count.total() == 0 and counted is not count_none:
        return Count(failed=1)  # it ran no test, which is no success
    return count


Outcome = collections.namedtuple("Outcome", "status out seconds processor")


def run_process(command, folder=ROOT, seconds_max=TEST_SECONDS_MAX, environment=None):
    """What it ended with, said, and took: seconds, and those of a processor, with all of its children. What runs too long is killed
    with them."""
    start, late = time.monotonic(), threading.Event()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)

    def end():
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds_max, end)
    timer.start()
    with process.stdout:
        out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if late.is_set():
        out += f"\nended after {seconds_max} seconds\n".encode()
    return Outcome(process.returncode, out.decode("utf-8", "replace"), time.monotonic() - start, usage.ru_utime + usage.ru_stime)


class Job:
    def __init__(self, stage, name, *commands, counted=count_none, seconds=1.0, needs=(), makes=None, processors=1, folder=ROOT):
        self.stage, self.name, self.commands, self.counted, self.folder = stage, name, commands, counted, folder
        self.needs, self.makes = set(needs), makes
        self.seconds = seconds  # a guess: the long ones start first
        self.processors = processors  # that it computes on; 0: it mostly waits
        self.environment = None
        self.then = None  # what gives more jobs, once it is done: tests that only a build knows
        self.seconds_max = TEST_SECONDS_MAX
        self.shown = False  # its output, also where it passed

    def run(self):
        out, seconds, processor = "", 0.0, 0.0
        for command in self.commands:
            done = run_process(command, self.folder, self.seconds_max, self.environment)
            out, seconds, processor = out + done.out, seconds + done.seconds, processor + done.processor
            if done.status != 0:
                return Outcome(done.status, f"{' '.join(command)}\n{out}", seconds, processor)
        return Outcome(0, out, seconds, processor)


class Memory:
    """The outcome of each job, a line each, with the tree that it was of: what passed needs no second time (--resume)."""

    def __init__(self, path, tree, resumed):
        self.path, self.tree, self.before = path, tree, {}
        if tree and os.path.exists(path):
            with open(path, "r+", encoding="utf-8") as file:
                text = file.read()
                if text and not text.endswith("\n"):
                    file.write("\n")  # an interrupted run's last line
            for line in text.splitlines() if resumed else ():
                self._take(line)

    def _take(self, line):
        try:
            told = json.loads(line)
        except ValueError:
            return
        if told["tree"] == self.tree:
            self.before[told["stage"], told["name"]] = told

    def passed(self, job):
        told = self.before.get((job.stage, job.name))
        return told if told and not told["failed"] and told["passed"] else None

    def write(self, job, count, outcome):
        if self.tree:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"tree": self.tree, "stage": job.stage, "name": job.name, "passed": count.passed, "failed": count.failed,
                                       "skipped": count.skipped, "seconds": round(outcome.seconds, 1), "processor": round(outcome.processor, 1)}) + "\n")


class Board:
    """What has come out: failures as they come, then a table of the stages."""

    def __init__(self, stages, memory=None):
        self.stages, self.memory = stages, memory
        self.count, self.by_stage, self.times, self.start = Count(), {}, [], time.monotonic()

    def _add(self, job, count, seconds, processor):
        self.count.add(count)
        row = self.by_stage.setdefault(job.stage, [Count(), 0.0, 0.0])
        row[0].add(count)
        row[1] += seconds
        row[2] += processor

    def take(self, job, outcome):
        count = judge(outcome.status, outcome.out, job.counted)
        self._add(job, count, outcome.seconds, outcome.processor)
        self.times.append((outcome.seconds, outcome.processor, job.name))
        if count.failed:
            print(f"--- FAILED {job.name} (status {outcome.status}): {' '.join(job.commands[-1])}\n{outcome.out.rstrip()}\n", flush=True)
        elif job.shown:
            print(f"--- {job.name}\n{outcome.out.rstrip()}\n", flush=True)
        if self.memory and job.makes is None:
            self.memory.write(job, count, outcome)

    def passed_before(self, job):
        return self.memory.passed(job) if self.memory and job.makes is None else None

    def take_before(self, job, told):
        self._add(job, Count(told["passed"], 0, told["skipped"]), told["seconds"], told["processor"])

    def miss(self, job, lacking):
        """It could not run, which is a failure of its own."""
        self._add(job, Count(failed=1), 0.0, 0.0)
        print(f"--- NOT RUN {job.name}: it needs {lacking}, which could not be made\n", flush=True)

    def show(self):
        print(f"  {'stage':10} {'passed':>7} {'failed':>7} {'skipped':>7} {'seconds':>8} {'processor':>9}")
        for stage in sorted(self.by_stage, key=self.stages.index):
            count, seconds, processor = self.by_stage[stage]
            print(f"  {stage:10} {count.passed:7} {count.failed:7} {count.skipped:7} {seconds:8.0f} {processor:9.0f}")
        slowest = ", ".join(f"{name} {seconds:.0f} s ({processor:.0f} s)" for seconds, processor, name in sorted(self.times, reverse=True)[:SLOWEST])
        processor = sum(row[2] for row in self.by_stage.values())
        print(f"  {time.monotonic() - self.start:.0f} s, {processor:.0f} s of a processor; the longest: {slowest}")
        print(self.count, flush=True)


class Queue:
    def __init__(self, jobs, board, processors):
        self.pending = []
        self.board, self.processors, self.free, self.waiters = board, processors, processors, 0
        self.made, self.failed, self.running = set(), set(), 0
        self.news = threading.Condition()
        self._add(jobs)

    def _add(self, jobs):
        """In the order in which they start; those that passed before count as they did."""
        for job in jobs:
            told = self.board.passed_before(job)
            if told:
                self.board.take_before(job, told)
            else:
                self.pending.append(job)
        self.pending.sort(key=lambda job: -job.seconds)

    def _cores(self, job):
        return min(job.processors, self.processors)

    def _next(self):
        """What may start now; of what computes only the longest that is ready, so that one which takes all gets them."""
        held = False
        for job in self.pending:
            if not job.needs <= self.made:
                continue
            if job.processors == 0 and self.waiters < WAITERS_MAX:
                return job
            if job.processors and not held:
                if self._cores(job) <= self.free:
                    return job
                held = True
        return None

    def _drop_the_hopeless(self):
        """What needs a thing that could not be made, and what needs what that would have made."""
        for job in list(self.pending):
            lacking = job.needs & self.failed
            if lacking:
                self.pending.remove(job)
                self.board.miss(job, " and ".join(sorted(lacking)))
                if job.makes:
                    self.failed.add(job.makes)
                    return self._drop_the_hopeless()
        return None

    def _start(self, job):
        self.pending.remove(job)
        self.running += 1
        self.free -= self._cores(job)
        self.waiters += job.processors == 0
        threading.Thread(target=self._run, args=(job,)).start()

    def _run(self, job):
        try:
            outcome = job.run()
            found = job.then() if job.then and outcome.status == 0 else []
        except Exception:  # noqa: BLE001  (whatever it is, it is this job's failure, and the others go on)
            outcome, found = Outcome(1, traceback.format_exc(), 0.0, 0.0), []
        with self.news:
            self.running -= 1
            self.free += self._cores(job)
            self.waiters -= job.processors == 0
            self.board.take(job, outcome)
            if job.makes:
                (self.made if outcome.status == 0 else self.failed).add(job.makes)
            self._add(found)
            self._drop_the_hopeless()
            self.news.notify()

    def run(self):
        with self.news:
            while self.pending or self.running:
                job = self._next()
                if job:
                    self._start(job)
                elif not self.running:
                    raise ValueError(f"nothing makes what {self.pending[0].name} needs: {self.pending[0].needs - self.made}")
                else:
                    self.news.wait()
