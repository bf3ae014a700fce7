"""A sweep in slices: each is a process of its own, at whatever time, and those of one commit add up to the whole.

A point belongs to a slice by its name, so that it is in one of them whatever the others are. What a slice found is a line per
sweep in a file of JSON lines: the commit (with the changes to it that are not committed), the slice, points, violations, time.
"""
import collections
import hashlib
import json
import os
import subprocess
import zlib

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FILE = os.path.join(ROOT, "build", "faults.jsonl")


def parse(text):
    """(K, N) of "K/N"."""
    k, n = map(int, text.split("/"))
    if not 1 <= k <= n:
        raise ValueError(text)
    return k, n


def part(chosen):
    """What keeps the points of a slice; each begins with its name."""
    if not chosen:
        return list
    k, n = chosen
    return lambda points: [point for point in points if zlib.crc32(point[0].encode()) % n == k - 1]


def commit():
    """What is swept: the commit, and a hash of what was changed since in the program or the sweep."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    changes = git("diff", "HEAD", "--binary", "--", "src", "tests/faults", "tests/tools", "CMakeLists.txt")
    return git("rev-parse", "HEAD").decode().strip() + (f"+{hashlib.sha256(changes).hexdigest()[:8]}" if changes else "")


def add(path, chosen, sweep, tally):
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"commit": commit(), "slice": chosen[0], "of": chosen[1], "sweep": sweep, "tried": tally.tried, "came": tally.came,
                               "violations": tally.wrong, "repeated": tally.repeated, "seconds": round(tally.seconds, 1)}) + "\n")


def slices_of(path, name):
    """{(of, sweep): {slice: its last line}} of a commit."""
    found = collections.defaultdict(dict)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in map(json.loads, file):
                if line["commit"] == name:
                    found[line["of"], line["sweep"]][line["slice"]] = line
    return found


def report(path, sweeps):
    """Of this commit: how much of each sweep was tried. 1 where there is a violation, or where slices are missing."""
    name, missing = commit(), 0
    found, sums = slices_of(path, name), collections.Counter()
    print(f"commit {name}")
    for sweep in sweeps:
        parts = [(of, lines) for (of, other), lines in sorted(found.items()) if other == sweep]
        of, lines = max(parts, key=lambda one: len(one[1]) / one[0], default=(1, {}))  # of several ways to slice it the furthest
        missing += len(lines) < of
        row = {key: sum(line[key] for line in lines.values()) for key in ("tried", "came", "violations", "repeated", "seconds")}
        sums.update(row)
        print(f"{sweep:9} {len(lines):4} of {of:4} slices, {row['tried']:6} points tried, {row['came']:6} where the fault came, "
              f"{row['violations']} violations, {row['seconds']:.0f} s")
    print(f"{sums['tried']} points tried, {sums['violations']} violations, {sums['seconds']:.0f} s; {sums['repeated']} left what another had left"
          + (f"; {missing} sweeps are not complete" if missing else ""))
    return 1 if missing or sums["violations"] else 0
