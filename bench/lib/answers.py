#!/usr/bin/env python3
"""What a contender answered, from its outputs alone: {name: number} as JSON.

    answers.py ecluse|duckdb|pandas OUT

Rows read, accepted, rejected and duplicate of every source, rows that fail each check, and of every table its rows
and a sum per column: numbers are added, times as microseconds, texts by their hash, so that one wrong value in any
row shows. Columns whose names begin with an underscore tell where a row came from in each contender's own way, and
are left out. Runs with the Python of build/bench, which has DuckDB.
"""
import glob
import json
import os
import sys

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = ("api_logs", "sessions", "sales", "users", "products")
# What the page needs besides, and the job that is compared does not have.
OURS_ALONE = {("funnel_daily", "bounced"), ("funnel_daily", "abandoned")}
KPIS = ("api_logs_kpi", "sessions_kpi", "sales_kpi", "users_kpi", "products_kpi", "funnel_daily")
CSVS = {"api_logs_kpi": "api_logs/*/*_kpi.csv", "sessions_kpi": "sessions/*/*_aggregated.csv", "sales_kpi": "sales/*/*_kpi.csv",
        "users_kpi": "users/*/*_summary.csv", "products_kpi": "products/*/*_summary.csv"}
COUNTS = {"api_logs_kpi": "count_requests", "sessions_kpi": "nb_sessions", "sales_kpi": "orders", "users_kpi": "nb_users",
          "products_kpi": "nb_products"}


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


# ---------------------------------------------------------------- where the contenders put what


def ecluse_table(out, name):
    sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "tools"))
    import check_tables  # the independent reader of Delta logs
    layer = "enriched" if name in SOURCES else "joined" if name == "combined_sessions" else "kpi"
    files = [path for path, _, _ in check_tables.active_files(os.path.join(out, "data/processed", layer, name))]
    return f"read_parquet([{', '.join(map(quoted, files))}], union_by_name = true, hive_partitioning = true)"


def ecluse_counts(out):
    for path in glob.glob(os.path.join(out, "data/quality/validation_report_*.json")):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        rows = report["rows_detail"]
        reasons = {("duplicate-key" if check["id"] == "key" else check["id"]): check["failed"] for check in report["checks"]}
        yield report["source"], rows["read"], rows["quarantined"], rows["duplicate"], reasons


def peer_files(out, name, ending):
    """A file, or a folder where the table is cut by date."""
    for layer in ("enriched", "joined", "kpi"):
        for rest in (f".{ending}", f"/*/*.{ending}"):
            files = sorted(glob.glob(os.path.join(out, layer, name + rest)))
            if files:
                return ", ".join(map(quoted, files))
    raise SystemExit(f"{out} has no table {name}")


def duckdb_table(out, name):
    return f"read_parquet([{peer_files(out, name, 'parquet')}], union_by_name = true, hive_partitioning = true)"


def pandas_table(out, name):
    return f"read_csv([{peer_files(out, name, 'csv')}], union_by_name = true, hive_partitioning = false, sample_size = -1)"


def peer_counts(out):
    with open(os.path.join(out, "quality.json"), encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            yield entry["source"], entry["read"], entry["rejected"], entry["duplicate"], entry["by_reason"] or {}


CONTENDERS = {"ecluse": (ecluse_table, ecluse_counts, "data/processed"), "duckdb": (duckdb_table, peer_counts, ""),
              "pandas": (pandas_table, peer_counts, "")}


# ---------------------------------------------------------------- the facts


def add_counts(facts, counts):
    for source, read, rejected, duplicate, reasons in counts:
        numbers = {"read": read, "rejected": rejected, "duplicate": duplicate}
        for name, value in numbers.items():
            facts[f"{source}: {name}"] = facts.get(f"{source}: {name}", 0) + value
        for reason, failed in reasons.items():
            if failed:
                facts[f"{source}: failed {reason}"] = facts.get(f"{source}: failed {reason}", 0) + failed


def column_sum(name, kind):
    column = '"' + name + '"'
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return f"sum(CAST({column} AS DOUBLE))"
    if kind == "BOOLEAN":
        return f"count(*) FILTER ({column}) + 1000000000000 * count({column})"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"sum(CAST(epoch_us(CAST({column} AS TIMESTAMPTZ)) AS HUGEINT))"
    if kind == "VARCHAR":
        return f"sum(CAST(hash({column}) AS HUGEINT))"
    return f"sum(CAST({column} AS HUGEINT))"


def add_table(con, facts, name, relation):
    """One pass over the table; a sum of nulls alone is 0."""
    columns = [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
               if not column.startswith("_") and (name, column) not in OURS_ALONE]
    sums = ", ".join(column_sum(column, kind) for column, kind in columns)
    rows, *values = con.execute(f"SELECT count(*), {sums} FROM {relation}").fetchone()
    facts[f"{name}: rows"] = rows
    for (column, _), value in zip(columns, values):
        facts[f"{name}: sum of {column}"] = 0 if value is None else value


def add_csv_files(con, facts, folder):
    for table, pattern in CSVS.items():
        files = glob.glob(os.path.join(folder, pattern))
        facts[f"{table}: CSV files"] = len(files)
        facts[f"{table}: rows in CSV files"], facts[f"{table}: {COUNTS[table]} in CSV files"] = con.execute(
            f"SELECT count(*), CAST(sum({COUNTS[table]}) AS BIGINT) FROM read_csv([{', '.join(map(quoted, files))}], union_by_name = true)").fetchone()


def answers(contender, out):
    table_of, counts_of, csv_folder = CONTENDERS[contender]
    con, facts = duckdb.connect(), {}
    con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    add_counts(facts, counts_of(out))
    for name in (*SOURCES, *KPIS, "combined_sessions"):
        add_table(con, facts, name, table_of(out, name))
    for source in SOURCES:
        facts[f"{source}: accepted"] = facts[f"{source}: rows"]
    facts["combined_sessions: with a log line"] = con.execute(
        f"SELECT count(request_id) FROM {table_of(out, 'combined_sessions')}").fetchone()[0]
    add_csv_files(con, facts, os.path.join(out, csv_folder))
    return facts


if __name__ == "__main__":
    json.dump(answers(sys.argv[1], sys.argv[2]), sys.stdout)
