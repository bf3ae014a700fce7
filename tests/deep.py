"""The stages that only `make check-all` passes: what takes longer than anybody waits for before a commit.

    clang      the release preset by clang: unit programs and golden cases
    variants   the unit programs, golden cases and a whole checked run once for each variant of the byte scanners
    threads    the unit programs under ThreadSanitizer
    valgrind   the unit programs under valgrind, but for those that load DuckDB
    tidy       clang-tidy over src/, as .clang-tidy says
    coverage   branches taken by the unit programs, golden cases, end-to-end tests and a sample of the fault sweeps
               (tests/branches.py: how they are counted, and how many there must be); the report is build-coverage/report/.
               `coverage units`, for who changes what must be covered whole, runs the unit programs alone, over a build
               that is there (cmake --preset coverage && cmake --build build-coverage)
    interop    delta-rs, PyArrow, Polars and DuckDB read and write the tables (tests/interop/, a venv of its own)
    sweep      every point of the fault sweeps

Each says what it skips, and why: what is not there to be tested (a processor's instructions, valgrind) is no failure.
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

import branches

STAGES = ("clang", "variants", "threads", "valgrind", "tidy", "coverage", "interop", "sweep")
PRESETS = {"clang": "clang", "threads": "tsan", "coverage": "coverage"}  # that a stage builds
SECONDS_MAX = 6 * 3600  # of a stage: a guard against what hangs

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
VARIANTS = ("scalar", "avx2", "avx512", "neon")
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--suppressions=tests/valgrind.supp")
NOT_UNDER_VALGRIND = {"base_test_sandbox": "a filter of system calls holds for valgrind, too, which dies of it"}
MODELLED = ("src/base/io.c", "src/base/err.c")  # what tests/tidy.h replaces is written there


def unit_programs(build):
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return [(test["name"], test["command"]) for test in json.loads(listed)["tests"] if not test["name"].startswith("tools_")]


def loads_duckdb(program):
    """Whether it would load the library: its own name stands among what the program needs, or it opens a session."""
    out = subprocess.run(["nm", "--defined-only", program], stdout=subprocess.PIPE, check=True, text=True).stdout
    needed = subprocess.run(["readelf", "-d", program], stdout=subprocess.PIPE, check=True, text=True).stdout
    return "libduckdb" in needed or " T ec_sql_open" in out


def variants_here(build):
    """Those that the program chooses when it is asked to: it warns of the others, once it has something to scan."""
    program, found = os.path.join(ROOT, build, "ecluse"), []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "init", folder], stdout=subprocess.DEVNULL, check=True)
        for name in (*VARIANTS, "none"):
            said = subprocess.run([program, "-C", folder, "validate", "--source", "sales", "-"], input=b"a,b\n1,2\n", stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, env={**os.environ, "ECLUSE_CPU": name}, check=False).stdout
            if b"is not a variant" not in said:
                found.append(name)
    if "none" in found:
        raise SystemExit("the program does not say which variants this processor has")
    return found


# ---------------------------------------------------------------- programs of their own


class Tally:
    """Runs commands side by side and counts them; the output of what failed is shown."""

    def __init__(self, jobs):
        self.jobs, self.passed, self.failed, self.skipped = jobs, 0, 0, 0

    def run(self, name, command, environment=None):
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return name, done.returncode, done.stdout.decode("utf-8", "replace")

    def take(self, name, status, out):
        self.passed += status == 0
        self.failed += status != 0
        if status != 0:
            print(f"--- {name} ended with status {status}\n{out[-6000:]}", flush=True)

    def all(self, calls):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for outcome in pool.map(lambda call: self.run(*call), calls):
                self.take(*outcome)

    def close(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}")
        return 1 if self.failed or not self.passed + self.skipped else 0


def variants(tally):
    here = variants_here("build")
    for name in (name for name in VARIANTS if name not in here):
        print(f"skipped: this processor has no {name}")
        tally.skipped += 1
    for name in here:
        environment = {"ECLUSE_CPU": name, "ECLUSE": os.path.join(ROOT, "build", "ecluse")}
        tally.all([(f"{name}: {program}", command, environment) for program, command in unit_programs("build") if program != "scan_test_scan"])
        tally.all([(f"{name}: golden", ["tests/golden/run", "build/ecluse"], environment),
                   (f"{name}: e2e/test_truth.py", ["build/venv/bin/python", "-B", "tests/e2e/test_truth.py"], environment)])


def threads(tally):
    environment = {"TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.supp:halt_on_error=0:exitcode=66"}
    tally.all([(name, command, environment) for name, command in unit_programs("build-tsan")])


def valgrind(tally):
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        tally.skipped += 1
        return
    calls = []
    for name, command in unit_programs("build"):
        why = NOT_UNDER_VALGRIND.get(name) or (loads_duckdb(command[0]) and "it loads DuckDB")
        if why:
            print(f"skipped: {name}: {why}")
            tally.skipped += 1
        else:
            calls.append((name, [*VALGRIND, *command]))
    tally.all(calls)


def tidy(tally):
    if not shutil.which("clang-tidy"):
        print("skipped: clang-tidy is not installed")
        tally.skipped += 1
        return
    tracked = subprocess.run(["git", "ls-files", "src/*.c"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    with open(os.path.join(ROOT, "build-clang", "compile_commands.json"), encoding="utf-8") as file:
        built = {entry["file"] for entry in json.load(file)}
    calls = []
    for path in (path for path in tracked if os.path.join(ROOT, path) in built):
        model = [] if path in MODELLED else ["--extra-arg=-include", f"--extra-arg={ROOT}/tests/tidy.h"]
        calls.append((path, ["clang-tidy", "-p", "build-clang", "--quiet", "--extra-arg=-UNDEBUG", *model, path]))
    tally.all(calls)


# ---------------------------------------------------------------- coverage

BUILD = "build-coverage"
FAULTS = (("--unjudged", "--sample", "1000", "calls", "memory"), ("--unjudged", "paths"), ("--sample", "150", "recovery"))


def coverage(tally, units=False):
    """Calls that failed count here, too: a report over tests that did not pass tells nothing."""
    shutil.rmtree(os.path.join(ROOT, BUILD, "profile"), ignore_errors=True)
    environment = {"ECLUSE": os.path.join(ROOT, BUILD, "ecluse"), "ECLUSE_FAULTS": os.path.join(ROOT, BUILD, "ecluse-faults")}
    python = ["build/venv/bin/python", "-B"]
    tests = [path for path in sorted(glob.glob(os.path.join(ROOT, "tests", "e2e", "test_*.py"))) if not path.endswith("test_bench.py")]
    calls = [(name, command, environment) for name, command in unit_programs(BUILD)]
    if units:
        tally.all(calls)
        branches.report(tally, ROOT, BUILD, overall=False)
        return
    calls += [("docs", [f"{BUILD}/src/ecluse-docs", f"{BUILD}/profile/docs", "2025-01-01"], environment)]
    calls += [("golden", ["tests/golden/run", f"{BUILD}/ecluse"], environment)]
    calls += [(os.path.basename(path), [*python, path], environment) for path in tests]
    tally.all(calls)
    for words in FAULTS:
        tally.take(*tally.run(f"faults {' '.join(words)}", [*python, "tests/faults/sweep", "--jobs", str(tally.jobs), *words], environment))
    branches.report(tally, ROOT, BUILD)


def interop(tally):
    """Skipped where the packages cannot be had."""
    venv = os.path.join("build", "venv-interop")
    made = tally.run("venv", ["sh", "-ec", f"python3 -m venv {venv} && {venv}/bin/pip install --quiet --disable-pip-version-check -r tests/interop/requirements.txt"])
    if made[1] != 0:
        print(f"skipped: tests/interop/requirements.txt cannot be installed\n{made[2][-500:]}")
        tally.skipped += 1
        return
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "interop", "test_*.py"))):
        tally.take(*tally.run(os.path.basename(path), [f"{venv}/bin/python", "-B", path]))


def main(stage, *words):
    """For tests/run, which starts each stage as a process of its own: python tests/deep.py STAGE."""
    tally = Tally(int(os.environ.get("CHECK_JOBS") or os.cpu_count() or 1))
    if not re.fullmatch("variants|threads|valgrind|tidy|coverage|interop", stage):
        raise SystemExit(__doc__)
    if words and (stage, words) != ("coverage", ("units",)):
        raise SystemExit(__doc__)
    globals()[stage](tally, *(word == "units" for word in words))
    return tally.close()


if __name__ == "__main__":
    import sys
    sys.exit(main(*(sys.argv[1:] or [""])))
