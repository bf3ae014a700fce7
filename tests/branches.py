"""Which branches of src/ the tests have taken: the report of tests/deep.py coverage.

    python tests/branches.py        once more from the counts that lie in build-coverage/profile

A branch is one outcome of a condition as it stands in the source (clang's source-based coverage): `if (a && b)` has four,
a case of a switch one, and EC_TRY two at each of its uses. Not counted: conditions that are constant, and those of
assert(), whose other outcome is a defect. A function of a header counts once, however many files include it. Every
process counts: also one that the fault layer kills, and workers in their sandbox.

Written are build-coverage/report/index.html (every line with its branches), branches.txt (a line per file) and
missed.txt (a line per branch that was not taken)."""
import collections
import glob
import json
import os
import re
import subprocess
import sys

PROGRAMS = ("ecluse", "src/ecluse-docs")  # between them they have every function of src/

# What must be taken, in percent: of all, and of what the guarantees stand on. Of that it is every branch, and by the unit
# programs alone (`python tests/deep.py coverage units`): they choose each failure themselves, so nothing is left to the
# sample of the sweeps. Of all it is lower than what was reached by as much as that sample may miss; to be raised, never
# lowered.
OVERALL_MIN = 85.0
COMMIT = ("src/run/commit.c", "src/run/finish.c", "src/run/place.c", "src/run/recover.c", "src/run/manifest.c", "src/run/manifest_read.c",
          "src/store/delta_write.c", "src/store/delta_behind.c", "src/store/delta_sweep.c", "src/store/delta_replay.c",
          "src/base/durable.c", "src/base/io.c", "src/base/dir.c")
ESCAPING = ("src/base/inert.c", "src/base/json.c", "src/publish/html.c", "src/publish/visible.c", "src/store/csv_out.c")
COMMIT_MIN, ESCAPING_MIN, LIMITS_MIN = 100.0, 100.0, 100.0
HERE = "-compilation-dir=."  # the programs know their sources by names below the root, wherever they were built
LIMITS = "src/base/limits.h"  # of which conditions are limits: those that name one of its maxima


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


def export(root, build):
    """The counts of all programs, as clang's tool tells them."""
    folder = os.path.join(root, build)
    merged = os.path.join(folder, "profile", "all.profdata")
    run("llvm-profdata", "merge", "-sparse", *glob.glob(os.path.join(folder, "profile", "*.profraw")), "-o", merged)
    programs = [os.path.join(folder, PROGRAMS[0])]
    for name in PROGRAMS[1:]:
        programs += ["-object", os.path.join(folder, name)]
    told = run("llvm-cov", "export", "-format=text", *programs, f"-instr-profile={merged}", HERE, cwd=root, stdout=subprocess.PIPE).stdout
    return programs, merged, json.loads(told)["data"][0]


class Sources:
    """Lines of sources, to tell an assert() by."""

    def __init__(self, root):
        self.root, self.lines = root, {}

    def inside(self, name):
        """The path below src/, or None."""
        path = os.path.relpath(os.path.join(self.root, name), self.root)
        return path if path.startswith("src/") and os.path.isfile(os.path.join(self.root, path)) else None

    def limits(self):
        """A pattern of the names."""
        with open(os.path.join(self.root, LIMITS), encoding="utf-8") as file:
            return re.compile(r"\b(?:" + "|".join(re.findall(r"#define (EC_\w+_MAX)\b", file.read())) + r")\b")

    def text(self, path, line, column, end=None):
        if path not in self.lines:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                self.lines[path] = file.read().split("\n")
        return self.lines[path][line - 1][column - 1 : end]


def uses_of_macros(function):
    """For the number of each file of a function: where it is used (file, line, column); its own file is used nowhere."""
    return {region[6]: (region[5], region[0], region[1]) for region in function["regions"] if region[7] == 1}


def place(function, uses, branch):
    """Where the condition stands: the outermost place first, then those inside the macros that stand there."""
    number, chain = branch[6], [(branch[0], branch[1])]
    while number in uses:
        number, line, column = uses[number]
        chain.append((line, column))
    return function["filenames"][number], tuple(reversed(chain))


def is_constant(sources, function, branch):
    """As in `while (0)`; clang's export does not tell it from one that was never reached."""
    return branch[0] == branch[2] and sources.text(function["filenames"][branch[6]], branch[0], branch[1], branch[3] - 1) in ("0", "1", "true", "false")


def names_limit(sources, limits, function, branch):
    path, (first, start, last, end) = function["filenames"][branch[6]], branch[:4]
    lines = [sources.text(path, line, start if line == first else 1, end - 1 if line == last else None) for line in range(first, last + 1)]
    return limits.search("\n".join(lines)) is not None


def count(sources, functions):
    """{file: {(place, outcome): how often}}, and those of conditions that name a limit: {(file, place, outcome): how often}"""
    found, limited, limits = collections.defaultdict(collections.Counter), collections.Counter(), sources.limits()
    for function in functions:
        uses = uses_of_macros(function)
        for branch in function["branches"]:
            name, chain = place(function, uses, branch)
            path = sources.inside(name)
            if path is None or sources.text(path, *chain[0]).startswith("assert(") or is_constant(sources, function, branch):
                continue
            limit = len(chain) == 1 and names_limit(sources, limits, function, branch)
            for outcome, number in ((True, branch[4]), (False, branch[5])):
                found[path][chain, outcome] += number
                if limit:
                    limited[path, chain, outcome] += number
    return found, limited


def taken(counts):
    return sum(number > 0 for number in counts.values())


def percent(some, of):
    return 100.0 * some / of if of else 0.0  # where nothing was counted, nothing was taken


def tell(tally, build, name, counts, least):
    """`counts`: how often each branch was taken."""
    some, of = sum(number > 0 for number in counts), len(counts)
    print(f"{name}: {some} of {of} branches taken, {percent(some, of):.1f} %")
    tally.take(name, percent(some, of) < least, f"{name}: fewer than {least} % of the branches were taken ({build}/missed.txt)")


def write_lists(folder, found, limited):
    with open(os.path.join(folder, "branches.txt"), "w", encoding="utf-8") as file:
        for path, counts in sorted(found.items(), key=lambda item: percent(taken(item[1]), len(item[1]))):
            file.write(f"{percent(taken(counts), len(counts)):6.1f} %  {len(counts) - taken(counts):4} of {len(counts):4} not taken  {path}\n")
    with open(os.path.join(folder, "missed.txt"), "w", encoding="utf-8") as file:
        for path, counts in sorted(found.items()):
            for (chain, outcome), number in sorted(counts.items()):
                if not number:
                    kind = " in its macro" if len(chain) > 1 else " of a limit" if (path, chain, outcome) in limited else ""
                    file.write(f"{path}:{chain[0][0]}:{chain[0][1]}: never {str(outcome).lower()}{kind}\n")


def report(tally, root, build, overall=True):
    programs, merged, told = export(root, build)
    found, limited = count(Sources(root), told["functions"])
    folder = os.path.join(root, build)
    write_lists(folder, found, limited)
    run("llvm-cov", "show", "-format=html", f"-output-dir={os.path.join(folder, 'report')}", "-show-branches=count", *programs,
        f"-instr-profile={merged}", HERE, cwd=root, stdout=subprocess.DEVNULL)
    tell(tally, build, "commit", [number for path in COMMIT for number in found[path].values()], COMMIT_MIN)
    tell(tally, build, "escaping", [number for path in ESCAPING for number in found[path].values()], ESCAPING_MIN)
    tell(tally, build, "limits", list(limited.values()), LIMITS_MIN)
    if overall:
        tell(tally, build, "overall", [number for counts in found.values() for number in counts.values()], OVERALL_MIN)


class Plain:
    """For a report by itself."""

    def take(self, name, failed, out):
        if failed:
            print(f"--- {name}: {out}")


if __name__ == "__main__":
    report(Plain(), os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")), "build-coverage")
    sys.exit(0)
