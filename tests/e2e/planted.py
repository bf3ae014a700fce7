"""Moments that are planted: a process of a run that comes to a place stops there, or is killed, by the fault layer
(tests/faults/layer.c), so that no test races the run that it watches. The clock of such a run can be put forward."""
import mmap
import os
import struct
import subprocess
import tempfile
import time

import kit

SECONDS_MAX = 300  # a guard against what hangs
FAULTS = os.environ.get("ECLUSE_FAULTS") or os.path.join(os.path.dirname(kit.ECLUSE), "ecluse-faults")


def start(project, *arguments, program=kit.ECLUSE, **environment):
    return subprocess.Popen([program, "-C", project.folder, "run", "--as-of", kit.AS_OF, "--quiet", *arguments],
                            env=kit.environment(**environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def await_true(ready, process):
    """Waits until `ready()` is true, and tells its value; None where the process ended before."""
    limit = time.monotonic() + SECONDS_MAX
    while process.poll() is None:
        value = ready()
        if value:
            return value
        if time.monotonic() > limit:
            process.kill()
            raise AssertionError("the moment did not come")
        time.sleep(0.005)
    return None


def end(process, number):
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS_MAX)
    return process.returncode, err.decode()


def is_worker(pid):
    """Whether it runs the worker already, be it a copy of the driver or a program of its own."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as name, open(f"/proc/{pid}/cmdline", "rb") as line:
            return name.read() == b"ecluse-worker\n" or b"worker" in line.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers(process):
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split() if is_worker(int(pid))]
    except FileNotFoundError:
        return []


def state_of(pid):
    """As ps tells it: R, S, T (stopped), Z; X where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def is_alive(pid):
    return state_of(pid) not in "ZX"


class Layer:
    """What the fault layer of the processes with this environment reads and counts: places where they get signals
    (ECLUSE_FAULT_MEET), and the time that has passed besides that of the clock."""

    PASSED_AT = 64  # of its state (struct shared)

    def __init__(self, meet=None):
        handle, path = tempfile.mkstemp(dir=kit.scratch)
        os.write(handle, bytes(4096))
        self.state, self.passed = mmap.mmap(handle, 4096), 0
        os.close(handle)
        self.environment = {"ECLUSE_FAULT_STATE": path, **({"ECLUSE_FAULT_MEET": meet} if meet else {})}

    def pass_time(self, seconds):
        self.passed += seconds
        self.state[self.PASSED_AT : self.PASSED_AT + 8] = struct.pack("<q", self.passed)


class Planted:
    """A run in which the first `times` processes that come to a place get a signal there: `who` is any, driver or worker.
    SIGSTOP is how they hang."""

    def __init__(self, project, who, place, number, times, *arguments, **environment):
        self.layer, self.seen = Layer(f"{who}:{place}:{int(number)}:{times}"), set()
        self.pass_time = self.layer.pass_time
        self.process = start(project, *arguments, program=FAULTS, **self.layer.environment, **environment)

    def await_hanging(self):
        """The next process that has stopped itself: what it was to do is under way."""
        def stopped():
            pids = [self.process.pid, *workers(self.process)]
            return next((pid for pid in pids if pid not in self.seen and state_of(pid) == "T"), None)
        pid = await_true(stopped, self.process)
        if pid is None:
            raise AssertionError(f"it ended before it came there: {self.end()}")
        self.seen.add(pid)
        return pid

    def end(self):
        """(exit code, standard error)"""
        _, err = self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode, err.decode()
