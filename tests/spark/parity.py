"""Two projects side by side: every table row for row, every report, quarantine and export.

Doubles may differ by 1e-9 of their size: Spark's quantiles interpolate, and its plain sums add up, in another order.
All else is equal. Each function gives what differs, as sentences.
"""
import csv
import glob
import json
import math
import os
import re
import sys

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "tools"), os.path.join(HERE, "..", "e2e")]
import check_tables  # noqa: E402  (the independent reader of the tables)

TOLERANCE = 1e-9
RUN = re.compile(r"\d{8}_\d{6}-(?=\d{8})")  # when a run was, in the names of what a later one set aside; its number stays
SHOWN_MAX = 3
# What a run says of itself: when, how long, by whom.
OF_THE_RUN = {"run", "validated_at", "timing"}


def same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=0.0)
    return left == right and type(left) is type(right)


def _key(row):
    """Doubles last: they decide only between rows that are equal otherwise."""
    exact = tuple((value is None, str(value)) for value in row if not isinstance(value, float))
    return exact, tuple((math.isnan(value), value) for value in row if isinstance(value, float))


def rows_of(folder):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    rows = check_tables.read_table(con, folder)
    types = list(zip(rows.columns, map(str, rows.types)))
    columns = ", ".join(f"\"{name}\" AT TIME ZONE 'UTC'" if "TIME ZONE" in kind else f'"{name}"' for name, kind in types)
    return types, sorted(con.execute(f"SELECT {columns} FROM rows").fetchall(), key=_key)


def compare_table(name, left, right):
    (columns, one), (others, two) = rows_of(left), rows_of(right)
    if columns != others:
        return [f"{name}: columns {columns} and {others}"]
    if len(one) != len(two):
        return [f"{name}: {len(one)} and {len(two)} rows"]
    found = [f"{name}: {a} and {b}" for a, b in zip(one, two) if not all(map(same, a, b))]
    return found[:SHOWN_MAX]


def compare_tables(left, right):
    def tables(project):
        return {os.path.relpath(path, project): path for path in check_tables.find_tables(project)}

    one, two = tables(left), tables(right)
    found = [f"only one has {name}" for name in sorted(one.keys() ^ two.keys())]
    for name in sorted(one.keys() & two.keys()):
        found += compare_table(name, one[name], two[name])
    return found, len(one)


def _without_run(value):
    if isinstance(value, dict):
        return {key: _without_run(inner) for key, inner in value.items() if key not in OF_THE_RUN}
    return [_without_run(inner) for inner in value] if isinstance(value, list) else value


def _differences(path, left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(left.keys() | right.keys())
        return [line for key in keys for line in _differences(f"{path}.{key}", left.get(key), right.get(key))]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [line for i, pair in enumerate(zip(left, right)) for line in _differences(f"{path}[{i}]", *pair)]
    return [] if same(left, right) else [f"{path}: {left!r} and {right!r}"]


def _files(project, pattern):
    return {RUN.sub("<run>", os.path.relpath(path, project)): path for path in glob.glob(os.path.join(project, pattern), recursive=True)}


def _read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def _compare_files(left, right, pattern, read):
    one, two = _files(left, pattern), _files(right, pattern)
    found = [f"only one has {name}" for name in sorted(one.keys() ^ two.keys())]
    for name in sorted(one.keys() & two.keys()):
        found += _differences(name, read(one[name]), read(two[name]))[:SHOWN_MAX]
    return found, len(one)


def compare_reports(left, right):
    """Count for count, score for score."""
    return _compare_files(left, right, "data/quality/validation_report_*.json", lambda path: _without_run(json.loads(_read(path))))


def compare_quarantine(left, right):
    """Line for line; in their order."""
    def read(path):
        return [_without_run(json.loads(line)) for line in _read(path).splitlines()]

    return _compare_files(left, right, "data/quality/quarantine/**/*.jsonl", read)


def _cell(text):
    try:
        return float(text)
    except ValueError:
        return text


def compare_exports(left, right):
    def read(path):
        rows = [[_cell(cell) for cell in row] for row in csv.reader(_read(path).splitlines())]
        return rows[:1] + sorted(rows[1:], key=_key)

    return _compare_files(left, right, "data/processed/**/*.csv", read)


def compare(left, right):
    """({what: how many were compared}, [what differs])."""
    counts, found = {}, []
    for name, act in (("tables", compare_tables), ("reports", compare_reports), ("quarantines", compare_quarantine),
                      ("exports", compare_exports)):
        differs, counts[name] = act(left, right)
        found += differs
    return counts, found


if __name__ == "__main__":
    how_many, what = compare(*sys.argv[1:3])
    print(how_many)
    print("\n".join(what) or "equal")
