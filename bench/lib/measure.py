"""Running a contender: its seconds, its processors' seconds, and what memory all its processes hold at one moment."""
import os
import subprocess
import threading
import time

SAMPLE_S = 0.02


class Failed(Exception):
    pass


class Measured:
    """Seconds of one call; peak_mb is None where memory was not looked at."""

    def __init__(self, wall, user, system, peak_mb=None):
        self.wall, self.user, self.system, self.peak_mb = wall, user, system, peak_mb

    @property
    def cpu(self):
        return self.user + self.system


def processes_below(pid):
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += processes_below(int(child))
    except OSError:  # it ended meanwhile
        pass
    return found


def pss_kb(pid):
    """What the process holds, pages that several share in equal parts."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def watch(pid, done, peak):
    while not done.is_set():
        peak[0] = max(peak[0], sum(map(pss_kb, processes_below(pid))))
        done.wait(SAMPLE_S)


def run(command, log, memory=False, environment=None):
    """Runs the command to its end. Its output goes to the file `log`, whose end is shown where it fails."""
    with open(log, "wb") as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment)
        done, peak = threading.Event(), [0]
        watcher = threading.Thread(target=watch, args=(process.pid, done, peak), daemon=True)
        if memory:
            watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    if memory:
        watcher.join()
    if process.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            raise Failed(f"{' '.join(command)} ended with status {process.returncode}\n{file.read()[-3000:]}")
    return Measured(wall, used.ru_utime, used.ru_stime, peak[0] / 1024 if memory else None)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
