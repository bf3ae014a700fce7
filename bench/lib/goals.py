"""The goals besides the main comparison, each measured alone: (name, figure, goal, met) with how it was found."""
import glob
import os
import re
import shutil
import time
import zipfile

import contenders
import measure
from contenders import AS_OF

ROUNDS = 5


class Goal:
    """One line of the table; `met` is None where nothing is asked."""

    def __init__(self, name, figure, wanted="", met=None, how=""):
        self.name, self.figure, self.wanted, self.met, self.how = name, figure, wanted, met, how


def at_most(name, value, limit, unit, how):
    return Goal(name, f"{value:.3g} {unit}", f"≤ {limit:g} {unit}", value <= limit, how)


def at_least(name, value, limit, unit, how):
    return Goal(name, f"{value:.3g} {unit}", f"≥ {limit:g} {unit}", value >= limit, how)


# ---------------------------------------------------------------- log ingest against the floor


class LogIngest(contenders.Ecluse):
    """From the zip to a committed Delta table, without any model."""

    def prepare(self):
        super().prepare()
        models = os.path.join(self.out, "transformations")
        for name in os.listdir(models):
            os.unlink(os.path.join(models, name))

    def command(self):
        return [*super().command(), "--select", "api_logs"]


class LogFloor(contenders.Floor):
    def command(self):
        return [*super().command(), "--logs"]


def ingest(place, shop, rounds=ROUNDS):
    both = [LogIngest("ingest", "log ingest", place, shop), LogFloor("log-floor", "floor of logs", place, shop)]
    walls = [[contenders.timed(one).wall for one in both] for _ in range(rounds)]
    both[0].clean()
    ratio = measure.median([ours / floor for ours, floor in walls])
    mb = shop.sources["api_logs"]["bytes"] / 1e6 / measure.median([ours for ours, _ in walls])
    return [at_most("log ingest against the floor", ratio, 3.0, "×", f"`run --select api_logs` without models, wall; {mb:.0f} MB/s decoded")]


# ---------------------------------------------------------------- growth


def scaling(place, base_mb, rounds=3):
    """1, 2, 4, 8 times. The line through the first and the last point has a fixed cost and one per MB."""
    points, notes = [], []
    for times in (1, 2, 4, 8):
        shop = place.shop(f"{base_mb * times}MB")
        shop.warm()
        one = contenders.Ecluse("scaling", "écluse", place, shop)
        measured = [contenders.timed(one) for _ in range(rounds)]
        peak = contenders.timed(one, memory=True).peak_mb
        one.clean()
        wall = measure.median([m.wall for m in measured])
        points.append((shop.bytes / 1e6, wall, peak))
        notes.append(f"{shop.bytes / 1e6:.0f} MB {wall:.2f} s {peak:.0f} MB of memory")
    growth = points[-1][1] / points[0][1] / (points[-1][0] / points[0][0])
    return [at_most("time as the input grows 1, 2, 4, 8 times, against proportional", growth, 1.1, "×", "; ".join(notes)),
            Goal("memory as the input grows 8 times", f"{points[0][2]:.0f} to {points[-1][2]:.0f} MB", "≤ 450 MB", points[-1][2] <= 450, "peak of all processes at one moment")]


# ---------------------------------------------------------------- a day on top of a month


def copy_day(shop, project, days):
    """The shop's logs, sessions and sales of those days (YYYYMMDD), the members of the archive as single files."""
    raw = os.path.join(project, "data", "raw")
    os.makedirs(os.path.join(raw, "api_logs"), exist_ok=True)
    os.makedirs(os.path.join(raw, "user_sessions"), exist_ok=True)
    with zipfile.ZipFile(os.path.join(shop.raw, "api_logs.zip")) as archive:
        for name in archive.namelist():
            if name[9:17] in days:
                with open(os.path.join(raw, "api_logs", name), "wb") as file:
                    file.write(archive.read(name))
    for day in days:
        shutil.copyfile(os.path.join(shop.raw, "user_sessions", f"sessions_{day}.csv"), os.path.join(raw, "user_sessions", f"sessions_{day}.csv"))
        shutil.copyfile(os.path.join(shop.raw, f"sales_{day}.csv"), os.path.join(raw, f"sales_{day}.csv"))


def run_project(place, project, memory=False):
    contenders.sync()
    return measure.run([place.ecluse, "-C", project, "run", "--jobs", str(place.jobs), "--no-archive", "--fail-on", "never", "--as-of", AS_OF], place.log, memory)


def project_before(place, shop, name, days):
    """A project that has read the catalogue, the users and those days."""
    project = place.path(name)
    place.discard(project)
    place.call(place.ecluse, "init", project)
    for path in glob.glob(os.path.join(shop.raw, "users_*.csv")) + glob.glob(os.path.join(shop.raw, "products_catalog.*")):
        shutil.copyfile(path, os.path.join(project, "data", "raw", os.path.basename(path)))
    copy_day(shop, project, days)
    run_project(place, project)
    return project


def copy_project(place, project, to):
    """Raw files are linked, not copied: a file of another inode would be hashed anew, as no drop folder asks for."""
    place.discard(to)
    place.call("cp", "-a", "--reflink=auto", project, to)
    place.discard(os.path.join(to, "data", "raw"))
    place.call("cp", "-al", os.path.join(project, "data", "raw"), os.path.join(to, "data", "raw"))


def history(place, day_mb, rounds=5):
    """The same day on top of 30 days, on top of the 3 days before it, and on tables of users and products alone.

    A day belongs to its neighbours: rows that are dated a day earlier change that day's figures, and a session is
    joined with the log lines of the day before and after. So what the length of the history costs is the first against
    the second; what the neighbours cost is the second against the third."""
    shop = place.shop(f"{day_mb * 31}MB", 31)
    days = sorted(name[9:17] for name in os.listdir(os.path.join(shop.raw, "user_sessions")) if name.startswith("sessions_"))
    before = {"month": days[:30], "near": days[27:30], "empty": []}
    project = {name: project_before(place, shop, f"history-{name}", of) for name, of in before.items()}
    again = place.path("history-day")
    walls = {name: [] for name in before}
    for _ in range(rounds):
        for name in before:
            copy_project(place, project[name], again)
            copy_day(shop, again, days[30:])
            walls[name].append(run_project(place, again).wall)
    for path in (*project.values(), again):
        place.discard(path)
    month, near, empty = (measure.median(walls[name]) for name in before)
    note = f"a day of {day_mb} MB: {month:.2f} s after 30 days, {near:.2f} s after 3, {empty:.2f} s on empty tables"

    def ratio(one, other):
        return measure.median([a / b for a, b in zip(walls[one], walls[other])])
    return [at_most("a day on top of 30 days, against empty tables", ratio("month", "empty"), 1.1, "×", note),
            at_most("a day on top of 30 days, against the same on top of 3", ratio("month", "near"), 1.1, "×", "what the length of the history costs")]


# ---------------------------------------------------------------- small things


def small(place, rounds=ROUNDS):
    shop = place.shop("10MB")
    shop.warm()
    one = contenders.Ecluse("small", "écluse", place, shop)
    wall = measure.median([contenders.timed(one).wall for _ in range(rounds)])
    one.clean()
    return [at_most("a shop of 10 MB from start to end", wall, 0.5, "s", "`run`, wall, without the archive")]


def help_text(place, rounds=20):
    walls = sorted(measure.run([place.ecluse, "--help"], place.log).wall for _ in range(rounds))
    return [at_most("`ecluse --help`", 1000 * measure.median(walls), 20, "ms", f"median of {rounds}")]


def archive(place, shop, rounds=3):
    """Text alone: a project whose drop folder holds the shop's sessions and sales."""
    project = place.path("archive")
    place.discard(project)
    place.call(place.ecluse, "init", project)
    raw = os.path.join(project, "data", "raw")
    os.makedirs(os.path.join(raw, "user_sessions"), exist_ok=True)
    files = glob.glob(os.path.join(shop.raw, "user_sessions", "*.csv")) + glob.glob(os.path.join(shop.raw, "sales_*.csv"))
    for path in files:
        shutil.copyfile(path, os.path.join(raw, os.path.relpath(path, shop.raw)))
    total = sum(map(os.path.getsize, files))
    speeds = []
    for _ in range(rounds):
        place.discard(os.path.join(project, "data", "archive"))
        contenders.sync()
        used = measure.run([place.ecluse, "-C", project, "archive", "--include", "raw"], place.log)
        speeds.append(total / 1e6 / used.cpu)
    place.discard(project)
    return [at_least("archive (tar.gz, verified), per core", measure.median(speeds), 400, "MB/s", f"`archive` of {total / 1e6:.0f} MB of CSV, per processor second, reading back included")]


# ---------------------------------------------------------------- kernels

# name of the program's line, goal
KERNELS = {"json read+check": (1.2, "JSON reading and checking, one core", "GB/s", at_least),
           "csv read+type+check sessions": (0.8, "CSV reading, typing and checking, one core, sessions", "GB/s", at_least),
           "parquet encode logs": (0.12, "Parquet encoding, one core, all columns of the logs", "µs/value", at_most)}
LINE = re.compile(r"^(.{1,44}?)\s{2,}([0-9.]+) (GB/s|ns/\w+|µs/value)(?:\s+(.*))?$")


def kernels(place, shop):
    """Every program of bench/micro; (goals, all lines)."""
    goals, lines = [], []
    for program in sorted(glob.glob(os.path.join(place.build, "micro_*"))):
        if not os.access(program, os.X_OK) or os.path.isdir(program):
            continue
        for line in place.call(program, shop.raw).splitlines():
            lines.append(line)
            found = LINE.match(line)
            if found and found.group(1).strip() in KERNELS:
                limit, name, unit, judge = KERNELS[found.group(1).strip()]
                goals.append(judge(name, float(found.group(2)), limit, unit, f"`{os.path.basename(program)}`"))
    return goals, lines


def clock(what, found):
    start = time.monotonic()
    goals = found()
    print(f"  {what}: {time.monotonic() - start:.0f} s", flush=True)
    return goals
