#!/usr/bin/env python3
"""Runs duckdb_job.sql: unpacks what DuckDB does not read, and gives the CSV files their names.

    duckdb_job.py RAW OUT [--threads N] [--as-of DAY] [--timing]

--timing prints the seconds and processor seconds of each step to standard error.
"""
import argparse
import csv
import itertools
import os
import re
import resource
import sys
import time
import zipfile

import duckdb
import openpyxl

HERE = os.path.dirname(os.path.abspath(__file__))
CSV_NAMES = {"api_logs": "kpi", "sessions": "aggregated", "users": "summary", "sales": "kpi"}


def unpack(raw, out):
    with zipfile.ZipFile(os.path.join(raw, "api_logs.zip")) as archive:
        archive.extractall(os.path.join(out, "logs"))


def cell_text(value):
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def convert_workbook(raw, out):
    """The workbook as CSV. (DuckDB's excel extension would be downloaded when first used.)"""
    sheet = openpyxl.load_workbook(os.path.join(raw, "products_catalog.xlsx"), read_only=True).worksheets[0]
    with open(os.path.join(out, "products_catalog.xlsx.csv"), "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(map(cell_text, row) for row in sheet.iter_rows(values_only=True))


def steps_of(sql):
    """(name, statements) of each `-- step:`."""
    parts = re.split(r"^-- step: (.*)\n", sql, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2]))


def execute(con, name, statements):
    """A step whose name ends in "for each date of <table>" once for each, with its folder made."""
    table = name.partition(", for each date of ")[2]
    if not table:
        con.execute(statements)
        return
    for (date,) in con.execute(f"SELECT DISTINCT date FROM {table} ORDER BY date").fetchall():
        of_date = statements.replace("${DATE}", str(date))
        os.makedirs(os.path.dirname(re.search(r"TO '(.*?)'", of_date).group(1)))
        con.execute(of_date)


def rename_csv_files(out):
    """csv/sales/date=2025-07-18/data_0.csv becomes sales/2025-07-18/sales_2025-07-18_kpi.csv."""
    for source, word in CSV_NAMES.items():
        top = os.path.join(out, "csv", source)
        for folder in os.listdir(top):
            value = folder.partition("=")[2]
            target = os.path.join(out, source, value, f"{source}_{value}_{word}.csv")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            first, *others = sorted(os.listdir(os.path.join(top, folder)))
            os.rename(os.path.join(top, folder, first), target)
            for name in others:  # of another thread, with a header of its own
                with open(os.path.join(top, folder, name), encoding="utf-8") as file, open(target, "a", encoding="utf-8") as all_of_it:
                    file.readline()
                    all_of_it.write(file.read())


def write_products_csv(con, out):
    rows = con.execute("SELECT * REPLACE (CAST(is_active AS VARCHAR) AS is_active) FROM products_kpi ORDER BY date")
    header = [column[0] for column in rows.description]
    for date, of_date in itertools.groupby(rows.fetchall(), key=lambda row: row[0]):
        folder = os.path.join(out, "products", str(date))
        os.makedirs(folder)
        with open(os.path.join(folder, f"products_{date}_summary.csv"), "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *of_date])


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Clock:
    def __init__(self, shown):
        self.shown = shown
        self.wall, self.cpu = time.monotonic(), cpu_seconds()

    def tell(self, name):
        wall, cpu = time.monotonic(), cpu_seconds()
        if self.shown:
            print(f"{wall - self.wall:7.2f} s {cpu - self.cpu:7.2f} s CPU  {name}", file=sys.stderr, flush=True)
        self.wall, self.cpu = wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--as-of", default="2025-07-19")
    parser.add_argument("--timing", action="store_true")
    parser.add_argument("--sql", default=os.path.join(HERE, "duckdb_job.sql"))
    given = parser.parse_args()
    clock = Clock(given.timing)
    for folder in ("enriched", "joined", "kpi", "csv", "quarantine"):
        os.makedirs(os.path.join(given.out, folder))
    unpack(given.raw, given.out)
    clock.tell("unzip")
    convert_workbook(given.raw, given.out)
    clock.tell("workbook to CSV")
    with open(given.sql, encoding="utf-8") as file:
        sql = file.read()
    for name, value in {"RAW": given.raw, "OUT": given.out, "THREADS": str(given.threads), "AS_OF": given.as_of}.items():
        sql = sql.replace("${" + name + "}", value)
    con = duckdb.connect()
    for name, statements in steps_of(sql):
        execute(con, name, statements)
        clock.tell(name)
    rename_csv_files(given.out)
    write_products_csv(con, given.out)
    clock.tell("names of the CSV files, those of the products")


if __name__ == "__main__":
    main()
