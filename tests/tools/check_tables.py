#!/usr/bin/env python3
"""Checks the Delta tables of a project, sharing nothing with the program that wrote them.

    python3 tests/tools/check_tables.py PROJECT_OR_TABLE...

For every table under data/processed (enriched/*, joined/*, kpi/*) the log is replayed here, line
by line, and every part is read with DuckDB: versions contiguous from 0, actions complete, sizes,
row counts and statistics as claimed, column types as in the schema, partition values as in the
folder's name, and nothing else in the folder. One line per table, one per violation, a verdict;
exit status 1 where anything is wrong, 2 where it could not be checked.

Needs Python 3.11 and the package duckdb. Other tests import active_files() and read_table().
"""
import datetime
import decimal
import hashlib
import itertools
import json
import os
import re
import sys
import urllib.parse

try:
    import duckdb
except ImportError:
    print("check_tables: the Python package duckdb is missing: pip install duckdb", file=sys.stderr)
    sys.exit(2)

LOG = "_delta_log"
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
numbered = itertools.count()


class Violation(Exception):
    """What makes further checks of the table pointless."""


class Table:
    """The state of a log at its newest version, with everything that is wrong in it."""

    def __init__(self, path):
        self.path = path
        self.version = -1
        self.metadata = None
        self.columns = []  # (name, type) in schema order, the partition column included
        self.first_columns = []  # those of the first schema
        self.partition_by = None
        self.active = {}  # decoded relative path -> add action
        self.named = set()  # every path that an add or remove ever named
        self.txn = {}  # appId -> version
        self.txn_ids = {}  # commitInfo.txnId -> version of the log
        self.problems = []

    def wrong(self, where, what):
        self.problems.append(f"{where}: {what}")


def duckdb_type(name):
    if re.fullmatch(r"decimal\(\d+,\d+\)", name):
        return name.upper()
    return DUCKDB_TYPES.get(name)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


# ---------------------------------------------------------------- the log


def log_versions(table):
    """The version files in order; anything else in the log folder is a violation."""
    folder = os.path.join(table.path, LOG)
    versions = []
    for name in sorted(os.listdir(folder)):
        if re.fullmatch(r"\d{20}\.json", name):
            versions.append(int(name[:20]))
        elif not (name == "_last_checkpoint" or re.fullmatch(r"\d{20}\.checkpoint\.parquet", name)):
            table.wrong(f"{LOG}/{name}", "does not belong into a log")
    if versions != list(range(len(versions))) or not versions:
        raise Violation(f"{LOG}: versions are not contiguous from 0: {versions}")
    return versions


def need(table, where, action, name, **fields):
    """Whether the action has these fields with these types."""
    good = True
    for field, kind in fields.items():
        value = action.get(field)
        if kind is int and isinstance(value, bool) or not isinstance(value, kind):
            table.wrong(where, f"{name}.{field} is {value!r}, not of type {kind.__name__}")
            good = False
    return good


def decoded_path(table, where, path):
    plain = urllib.parse.unquote(path, errors="strict")
    if not re.fullmatch(r"[A-Za-z0-9\-_.~/=%!*'()+,@&$;]+", path) or re.search(r"%(?![0-9A-Fa-f]{2})", path):
        table.wrong(where, f"path {path!r} is not URI-encoded")
    if plain.startswith("/") or ".." in plain.split("/") or ":" in path.split("/")[0]:
        raise Violation(f"{where}: path {path!r} leaves the table")
    return plain


def apply_commit_info(table, version, where, action):
    need(table, where, action, "commitInfo", timestamp=int, operation=str, operationParameters=dict,
         engineInfo=str, txnId=str, isBlindAppend=bool)
    for key, value in (action.get("operationParameters") or {}).items():
        if not isinstance(value, str):
            table.wrong(where, f"operationParameters.{key} is {value!r}, not a string")
    before = table.txn_ids.setdefault(action.get("txnId"), version)
    if before != version:
        table.wrong(where, f"txnId {action.get('txnId')!r} was committed before, in version {before}")


def apply_protocol(table, where, action):
    if action != {"minReaderVersion": 1, "minWriterVersion": 2}:
        table.wrong(where, f"protocol is {action}, not reader 1 and writer 2")


def apply_metadata(table, where, action):
    if not need(table, where, action, "metaData", id=str, format=dict, schemaString=str, partitionColumns=list,
                configuration=dict):
        raise Violation(f"{where}: metaData is not usable")
    if action["format"] != {"provider": "parquet", "options": {}}:
        table.wrong(where, f"format is {action['format']}")
    if table.metadata and table.metadata["id"] != action["id"]:
        table.wrong(where, "the table's id changed")
    schema = json.loads(action["schemaString"])
    columns = []
    for field in schema["fields"]:
        if set(field) != {"name", "type", "nullable", "metadata"} or schema.get("type") != "struct":
            table.wrong(where, f"schemaString has the field {field}")
        if field.get("nullable") is not True:
            table.wrong(where, f"column {field['name']} is not nullable")
        if not duckdb_type(field["type"]):
            raise Violation(f"{where}: column {field['name']} is of the unknown type {field['type']}")
        if re.search(r"[ ,;{}()\n\t=]", field["name"]) or not field["name"]:
            table.wrong(where, f"column name {field['name']!r} is not allowed")
        columns.append((field["name"], field["type"]))
    if len({name.lower() for name, _ in columns}) != len(columns):
        table.wrong(where, "column names are not unique ignoring case")
    old = table.columns
    if columns[: len(old)] != old:
        table.wrong(where, f"columns were not only added: {old} became {columns}")
    partition = action["partitionColumns"]
    if len(partition) > 1 or any(name not in dict(columns) for name in partition):
        table.wrong(where, f"partitionColumns is {partition}")
    table.metadata, table.columns = action, columns
    table.first_columns = table.first_columns or columns
    table.partition_by = partition[0] if partition else None


def check_partition(table, where, action, path):
    """partitionValues against the folder's name."""
    values = action["partitionValues"]
    expected = {table.partition_by} if table.partition_by else set()
    if set(values) != expected:
        table.wrong(where, f"partitionValues is {values}, the partition column {table.partition_by}")
        return
    folder = os.path.dirname(path)
    if not table.partition_by:
        if folder:
            table.wrong(where, f"{path} lies in a folder, and the table is not partitioned")
        return
    value = values[table.partition_by]
    if value is not None and (not isinstance(value, str) or value == ""):
        table.wrong(where, f"partition value {value!r} is neither null nor text")
    name, _, text = folder.partition("=")
    if urllib.parse.unquote(name) != table.partition_by or "/" in folder:
        table.wrong(where, f"{path} is not in a folder of {table.partition_by}")
    elif (None if text == HIVE_NULL else urllib.parse.unquote(text)) != value:
        table.wrong(where, f"the folder {folder} does not say {value!r}")
    if value and dict(table.columns)[table.partition_by] == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        table.wrong(where, f"partition value {value!r} is not a date")


def apply_add(table, where, action, touched):
    if not need(table, where, action, "add", path=str, partitionValues=dict, size=int, modificationTime=int,
                dataChange=bool, stats=str):
        return
    path = decoded_path(table, where, action["path"])
    if path in table.active:
        table.wrong(where, f"{path} is added a second time")
    if path in touched:
        table.wrong(where, f"{path} occurs twice in one commit")
    touched.add(path)
    check_partition(table, where, action, path)
    table.active[path] = action
    table.named.add(path)


def apply_remove(table, where, action, touched):
    if not need(table, where, action, "remove", path=str, deletionTimestamp=int, dataChange=bool,
                extendedFileMetadata=bool, partitionValues=dict, size=int):
        return
    path = decoded_path(table, where, action["path"])
    if path in touched:
        table.wrong(where, f"{path} occurs twice in one commit")
    touched.add(path)
    added = table.active.pop(path, None)
    if added is None:
        table.wrong(where, f"{path} is removed and was not there")
    elif (added["size"], added["partitionValues"]) != (action["size"], action["partitionValues"]):
        table.wrong(where, f"size or partitionValues of {path} are not those of its add action")
    table.named.add(path)


def apply_txn(table, where, action, apps):
    if not need(table, where, action, "txn", appId=str, version=int, lastUpdated=int):
        return
    app = action["appId"]
    if app in apps:
        table.wrong(where, f"a second txn of {app} in one commit")
    apps.add(app)
    if action["version"] <= table.txn.get(app, -1):
        table.wrong(where, f"txn {app} went from {table.txn[app]} to {action['version']}")
    table.txn[app] = action["version"]


def read_lines(table, where, path):
    with open(path, encoding="utf-8", newline="\n") as file:
        text = file.read()
    if not text.endswith("\n"):
        table.wrong(where, "the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        try:
            action = json.loads(line, object_pairs_hook=unique_keys)
        except ValueError as problem:
            raise Violation(f"{where}:{number}: not JSON: {problem}") from None
        if not isinstance(action, dict) or len(action) != 1:
            raise Violation(f"{where}:{number}: not one action: {line[:80]}")
        kind, body = next(iter(action.items()))
        yield f"{where}:{number}", kind, body


def unique_keys(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def apply_version(table, version):
    name = f"{LOG}/{version:020d}.json"
    kinds, touched, apps = [], set(), set()
    for where, kind, body in read_lines(table, name, os.path.join(table.path, name)):
        kinds.append(kind)
        if len(kinds) == 1 and kind != "commitInfo":
            table.wrong(where, f"the first line is {kind}, not commitInfo")
        if kind in ("commitInfo", "protocol", "metaData") and kinds.count(kind) > 1:
            table.wrong(where, f"a second {kind} in one commit")
        if kind == "commitInfo":
            apply_commit_info(table, version, where, body)
        elif kind == "protocol":
            apply_protocol(table, where, body)
        elif kind == "metaData":
            apply_metadata(table, where, body)
        elif kind == "txn":
            apply_txn(table, where, body, apps)
        elif table.metadata is None:
            raise Violation(f"{where}: {kind} before any metaData")
        elif kind == "add":
            apply_add(table, where, body, touched)
        elif kind == "remove":
            apply_remove(table, where, body, touched)
        else:
            table.wrong(where, f"the action {kind} is not one that is written")
    if version == 0 and not {"protocol", "metaData"} <= set(kinds):
        raise Violation(f"{name}: the first commit lacks protocol or metaData")
    if not apps:
        table.wrong(name, "the commit has no txn")
    table.version = version


def replay(path):
    """The Table at `path`; its problems say what is wrong in the log. Violation where it ends."""
    return replay_into(Table(path))


def replay_into(table):
    for version in log_versions(table):
        apply_version(table, version)
    return table


def files_of(table):
    return [(os.path.join(table.path, name), add["partitionValues"].get(table.partition_by), add)
            for name, add in sorted(table.active.items())]


def active_files(path):
    """The active parts of the table: [(path of the file, partition value or None, add action)]."""
    return files_of(replay(path))


def read_table(con, path):
    """The table as a DuckDB relation, columns in schema order with the partition column."""
    table = replay(path)
    files = files_of(table)
    names = [name for name, _ in table.columns if name != table.partition_by]
    if not files:
        empty = ", ".join(f"CAST(NULL AS {duckdb_type(kind)}) AS {quoted(name)}" for name, kind in table.columns)
        return con.sql(f"SELECT {empty} WHERE false")
    listed = f"check_parts_{next(numbered)}"
    con.execute(f"CREATE TEMP TABLE {listed} (filename VARCHAR, value VARCHAR)")
    con.executemany(f"INSERT INTO {listed} VALUES (?, ?)", [[file, value] for file, value, _ in files])
    source = ", ".join(literal(file) for file, _, _ in files)
    source = f"read_parquet([{source}], union_by_name=true, hive_partitioning=false, filename='part_of_check')"
    there = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    columns = []
    for name, kind in table.columns:
        value = f"p.{quoted(name)}" if name in names and name in there else "l.value" if name == table.partition_by else "NULL"
        columns.append(f"CAST({value} AS {duckdb_type(kind)}) AS {quoted(name)}")
    return con.sql(f"SELECT {', '.join(columns)} FROM {source} p JOIN {listed} l ON p.part_of_check = l.filename")


# ---------------------------------------------------------------- the parts


def claimed_micros(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def same_bound(kind, claimed, real, is_max):
    """Whether a bound of the statistics is the real one; timestamps are kept in milliseconds,
    the minimum rounded down and the maximum up."""
    if kind == "timestamp":
        off = claimed_micros(claimed) - real
        return 0 <= off < 1000 if is_max else -1000 < off <= 0
    if kind == "date":
        return claimed == real.isoformat()
    if kind == "double":
        return float(claimed) == real
    if kind.startswith("decimal"):
        return decimal.Decimal(claimed) == real
    return claimed == real


def bound_of(kind, name, function):
    column = quoted(name)
    value = f"epoch_us({column})" if kind == "timestamp" else column
    if kind == "double":  # infinities are no bounds that JSON can hold
        return f"{function}({value}) FILTER (NOT isnan({column}))"
    return f"{function}({value})"


def check_types(con, table, where, source):
    """The columns of the part that the schema knows, by name."""
    kinds = dict(table.columns)
    there = []
    for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall():
        if name == table.partition_by:
            table.wrong(where, f"the partition column {name} is inside the part")
        elif name not in kinds:
            table.wrong(where, f"the column {name} is not in the schema")
        elif duckdb_type(kinds[name]) != kind:
            table.wrong(where, f"the column {name} is {kind}, the schema says {kinds[name]}")
        else:
            there.append(name)
    # One that was added later stands where its file has it: readers go by names.
    first = [name for name, _ in table.first_columns]
    order, found = [name for name in first if name in there], [name for name in there if name in first]
    if found != order:
        table.wrong(where, f"the columns are in the order {found}, in the schema {order}")
    return there


def check_stats(con, table, where, source, there, stats):
    kinds = dict(table.columns)
    wanted = ["count(*)"]
    for name in there:
        wanted += [f"count({quoted(name)})"]
        if kinds[name] not in ("string", "boolean"):
            wanted += [bound_of(kinds[name], name, "min"), bound_of(kinds[name], name, "max")]
        else:
            wanted += ["NULL", "NULL"]
    row = con.execute(f"SELECT {', '.join(wanted)} FROM {source}").fetchone()
    if stats.get("numRecords") != row[0]:
        table.wrong(where, f"numRecords is {stats.get('numRecords')}, the part has {row[0]} rows")
    for i, name in enumerate(there):
        count, low, high = row[1 + 3 * i : 4 + 3 * i]
        if stats.get("nullCount", {}).get(name) != row[0] - count:
            table.wrong(where, f"nullCount of {name} is {stats.get('nullCount', {}).get(name)}, not {row[0] - count}")
        for key, real in (("minValues", low), ("maxValues", high)):
            claimed = stats.get(key, {}).get(name)
            if claimed is None:
                continue
            if real is None or not same_bound(kinds[name], claimed, real, key == "maxValues"):
                table.wrong(where, f"{key} of {name} is {claimed}, not {real}")
    for key in ("nullCount", "minValues", "maxValues"):
        for name in set(stats.get(key, {})) - set(there):
            table.wrong(where, f"{key} names {name}, which the part does not have")
    return row[0]


def check_part(con, table, path, add, known=None):
    """Returns the part's rows. What is in `known` already, by content, is not read again."""
    full = os.path.join(table.path, path)
    if not os.path.isfile(full) or os.path.islink(full):
        table.wrong(path, "the active part is not there")
        return 0
    if os.path.getsize(full) != add["size"]:
        table.wrong(path, f"the part has {os.path.getsize(full)} bytes, the log says {add['size']}")
    if known is None:
        return read_part(con, table, path, full, add)
    with open(full, "rb") as file:
        key = (hashlib.sha256(file.read()).digest(), add["stats"], tuple(table.columns), table.partition_by)
    if key not in known:
        before = len(table.problems)
        rows = read_part(con, table, path, full, add)
        known[key] = rows, table.problems[before:]
        return rows
    rows, problems = known[key]
    table.problems += problems
    return rows


def read_part(con, table, path, full, add):
    source = f"read_parquet([{literal(full)}], hive_partitioning=false)"
    try:
        there = check_types(con, table, path, source)
        return check_stats(con, table, path, source, there, json.loads(add["stats"], parse_float=decimal.Decimal))
    except (duckdb.Error, ValueError) as problem:
        table.wrong(path, f"cannot be read: {str(problem).splitlines()[0]}")
        return 0


def check_folder(table):
    """Nothing lies in the folder that the log does not name, and no folder is empty."""
    for folder, folders, files in os.walk(table.path):
        relative = os.path.relpath(folder, table.path)
        if relative == ".":
            folders.remove(LOG)
            relative = ""
        elif not folders and not files:
            table.wrong(relative, "the folder is empty")
        for name in files:
            path = os.path.join(relative, name)
            if path not in table.named:
                table.wrong(path, "no commit names this file")


def check_table(con, path, known=None, whole=True):
    """(violations, summary) of one table. `known` remembers the parts that were read, from call to call; without `whole`
    files that no commit names are passed over, as a reader does."""
    table = Table(path)
    rows = 0
    try:
        replay_into(table)
        rows = sum(check_part(con, table, name, add, known) for name, add in sorted(table.active.items()))
        if whole:
            check_folder(table)
    except Violation as problem:
        table.problems.append(str(problem))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        table.problems.append(f"{LOG}: cannot be read: {problem!r}")
    return table.problems, f"version {table.version}, {len(table.active)} parts, {rows} rows"


def find_tables(project):
    """The tables of a project: every folder of the three kinds, a log in it or not."""
    if os.path.isdir(os.path.join(project, LOG)):
        return [project]
    found = []
    for kind in ("enriched", "joined", "kpi"):
        folder = os.path.join(project, "data", "processed", kind)
        if os.path.isdir(folder):
            found += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    return found


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    con = duckdb.connect()
    tables = violations = 0
    for project in arguments:
        found = find_tables(project)
        if not found:
            print(f"FAIL {project}: no table under data/processed")
            violations += 1
        for path in found:
            problems, summary = check_table(con, path)
            print(f"{'FAIL' if problems else 'ok  '} {os.path.relpath(path, project)}: {summary}")
            for problem in problems:
                print(f"     {problem}")
            tables += 1
            violations += len(problems)
    print(f"verdict: {'wrong' if violations else 'right'}: {tables} tables, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
