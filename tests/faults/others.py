"""The sweeps that are not a list of points: each gives (name, verdict, whether the fault came)."""
import fcntl
import os
import shutil
import signal
import subprocess
import time

import lab
import mutants as builds
from look import check_tables

RACE = os.path.join(os.path.dirname(lab.ECLUSE), "ecluse-race")
RACERS, COMMITS = 16, 8
HALTS_MAX = 100


# ---------------------------------------------------------------- a full file system


def mount(*arguments):
    return subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL, check=False).returncode == 0


def try_on_tmpfs(one, folder, stage, room):
    """A run on a file system that has `room` bytes more than the project takes."""
    project = os.path.join(folder, "p")
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(one.bases.path(stage), project)
    space = os.statvfs(folder)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    mount("-o", f"remount,size={used + room}", folder)
    code, err = one.run(project)
    mount("-o", "remount,size=64m", folder)
    return one.after_fault(project, stage, None, code, err), code != 0


def tmpfs(bases, number, dice, mine):
    """Sizes from nothing to enough, by pages."""
    one = lab.Lab(bases)
    folder = one.path("disk")
    os.makedirs(folder)
    if not mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder):
        print("room      no tmpfs may be mounted here: the sizes were tried by the fault layer alone", flush=True)
        return
    try:
        sizes = [4096 * i for i in range(100)]
        if number is not None:
            sizes = sorted(dice.sample(sizes[:90], max(1, number // 4)))
        points = [(f"{stage}: a tmpfs with {room} bytes", stage, room) for stage in lab.STAGES for room in sizes]
        for name, stage, room in mine(points):
            yield (name, *try_on_tmpfs(one, folder, stage, room))
    finally:
        subprocess.run(["umount", folder], check=False)


# ---------------------------------------------------------------- processes


def children(process):
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def try_killed(one, stage, after_s, worker):
    project = one.project(stage)
    process = one.start(project)
    time.sleep(after_s)
    victims = children(process) if worker else [process.pid]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _, err = process.communicate(timeout=lab.SECONDS_MAX)
    return one.after_fault(project, stage, None, process.returncode, err.decode(), may_die=not worker), bool(victims)


def killed(bases, number, dice, mine):
    one = lab.Lab(bases)
    clock = time.monotonic()
    one.run(one.project("first"))
    lasts = time.monotonic() - clock
    tries = max(4, number // 12) if number else 200
    for i, share in mine([(str(i), dice.random()) for i in range(tries)]):
        i = int(i)
        stage, after_s, worker = lab.STAGES[i % 3], share * lasts * (0.6 if i % 4 < 2 else 1), i % 4 < 2
        yield (f"{stage}: {'workers' if worker else 'the driver'} killed after {after_s:.4f} s", *try_killed(one, stage, after_s, worker))


def is_held(project):
    """Whether a run holds the project's lock."""
    try:
        lock = os.open(os.path.join(project, "data", ".lock"), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(lock)


def halted(one, stage):
    """A driver that is halted while it holds the lock, and its project; a small run may end before the signal comes."""
    for _ in range(HALTS_MAX):
        project = one.project(stage)
        first = one.start(project)
        while first.poll() is None and not is_held(project):
            time.sleep(0.001)
        first.send_signal(signal.SIGSTOP)
        if first.poll() is None and is_held(project):
            return first, project
        first.send_signal(signal.SIGCONT)
        first.communicate(timeout=lab.SECONDS_MAX)
    raise SystemExit(f"no driver could be halted while it held the lock, {HALTS_MAX} times")


def try_refused(one, stage):
    """The second of two drivers, while the first one holds the lock for longer than it waits."""
    first, project = halted(one, stage)
    second = one.start(project)
    words = [second.communicate(timeout=lab.SECONDS_MAX)[1].decode()]
    first.send_signal(signal.SIGCONT)
    words.append(first.communicate(timeout=lab.SECONDS_MAX)[1].decode())
    if (first.returncode, second.returncode) != (0, 5):
        return [f"they ended with {first.returncode} and {second.returncode}, not 0 and 5: {words}"]
    return one.verdict_of_end(project, stage, None, True)


def try_together(one, stage):
    """Two that begin at once: one that finds the lock taken waits a moment, in which a small run may end."""
    project = one.project(stage)
    both = [one.start(project), one.start(project)]
    words = [process.communicate(timeout=lab.SECONDS_MAX)[1].decode() for process in both]
    codes = sorted(process.returncode for process in both)
    if codes not in ([0, 5], [0, 0]):
        return [f"they ended with {codes}: {words}"]
    return one.verdict_of_end(project, stage, None, True)


def drivers(bases, number, dice, mine):
    one = lab.Lab(bases)
    for _, i in mine([(str(i), i) for i in range(3 if number else 50)]):
        tried = try_together if i % 2 else try_refused
        yield f"two drivers, {i + 1}", tried(one, lab.STAGES[i % 3]), not i % 2
    del dice


def try_race(folder, race):
    """Sixteen processes, one table: as many versions as commits that were reported, each commit in one of them."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    racers = [subprocess.Popen([race, folder, f"racer{i}", str(COMMITS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(RACERS)]
    told, found = [], []
    for i, racer in enumerate(racers):
        out, err = racer.communicate(timeout=lab.SECONDS_MAX)
        told += out.decode().split()
        if racer.returncode != 0:
            found.append(f"racer {i} ended with {racer.returncode}: {err.decode().strip()}")
    if len(set(told)) != RACERS * COMMITS:
        found.append(f"{len(told)} commits were reported, in {len(set(told))} versions")
    try:
        table = check_tables.replay(folder)
    except check_tables.Violation as problem:
        return [*found, str(problem)]
    wanted = {f"part-racer{i}-{n + 1}.parquet" for i in range(RACERS) for n in range(COMMITS)}
    if table.version + 1 != RACERS * COMMITS or set(table.active) != wanted:
        found.append(f"{table.version + 1} versions, {len(table.active)} files, not {RACERS * COMMITS}: lost {sorted(wanted - set(table.active))[:4]}")
    return found + table.problems


def race(bases, number, dice, mine):
    for _, i in mine([(str(i), i) for i in range(1 if number else 20)]):
        yield f"{RACERS} processes, {COMMITS} commits each, {i + 1}", try_race(os.path.join(bases.folder, "race", "table"), RACE), True
    del dice


# ---------------------------------------------------------------- builds with a mistake


def first_violation(one, points):
    for stage, fault in points:
        found, _ = one.try_fault(stage, fault)
        if found:
            return found
    return []


def undisturbed(one):
    """A run that nothing disturbs, and a power cut behind its exit code."""
    for stage in lab.STAGES:
        project = one.project(stage)
        model = one.disk(project)
        code, err = one.run(project, recorded=True)
        for record in one.recorded():
            model.apply(record)
        found = one.after_fault(project, stage, model, code, err)
        if found:
            return found
    return []


def at(bases, op, what, name=""):
    """A fault at every call of that kind."""
    return [(stage, lab.Fault(record.role, "io", record.index, what, "once")) for stage in lab.STAGES for record in bases.calls[stage]
            if record.op == op and name in (record.path + record.other) and lab.changes(record)]


def find_mistake(bases, mutant, ecluse, race_program):
    one = lab.Lab(bases, ecluse)
    if mutant.sweep == "race":
        for _ in range(5):
            found = try_race(os.path.join(bases.folder, "race", "table"), race_program)
            if found:
                return found
        return []
    return undisturbed(one) if mutant.sweep == "undisturbed" else first_violation(one, at(bases, *mutant.sweep))


def mutants(bases, number, dice, mine):
    """A mistake that is not found is the violation."""
    for mutant in mine(builds.MUTANTS):
        if number is not None and not mutant.always:
            continue
        ecluse, race_program = builds.build(mutant, os.path.join(bases.folder, "mutants"))
        found = find_mistake(bases, mutant, ecluse, race_program)
        yield f"mutant {mutant.name}", [] if found else ["nothing found the mistake"], bool(found)
    del dice
