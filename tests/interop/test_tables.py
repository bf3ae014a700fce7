#!/usr/bin/env python3
"""Tables that others read, and write: delta-rs, PyArrow, Polars and DuckDB beside Ecluse.

A shop is run in three drops, the first of which is corrected by the last; then every reader must see the same rows,
types and nulls in every table, now and at every version before; delta-rs appends, compacts and vacuums between runs; its
checkpoints and cleaned logs are read by us, and ours by it. Spark does the same in tests/spark/.
"""
import datetime
import decimal
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import deltalake
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ECLUSE = os.environ.get("ECLUSE", os.path.join(ROOT, "build", "ecluse"))
USERS = "user_id,email,first_name,last_name,age,gender,country,city,registration_date,is_premium,total_orders,total_spent,last_login\n"
SALES = "order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status\n"


def ecluse(project, *arguments, status=0):
    done = subprocess.run([ECLUSE, "-C", project, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"ecluse {' '.join(arguments)} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-1500:]}")
    return done


def run(project, **more):
    return ecluse(project, "run", "--quiet", "--no-archive", "--fail-on", "never", "--as-of", "2025-07-19", **more)


def tables(project):
    return {t["table"]: os.path.join(project, t["path"]) for t in json.loads(ecluse(project, "tables", "--format", "json").stdout)["tables"]}


def normal(value):
    """One form of a value for all readers."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return float(value) if isinstance(value, decimal.Decimal) else value


def rows(names, columns):
    """Sorted rows; None sorts as a text of its own."""
    return sorted((tuple(map(normal, row)) for row in zip(*columns)), key=lambda row: tuple((value is None, str(value)) for value in row)), names


def by_delta_rs(path, version=None):
    table = deltalake.DeltaTable(path, version=version)
    data = pa.table(table.to_pyarrow_table())
    return rows(data.column_names, [column.to_pylist() for column in data.columns])


def adds_of(path):
    return pa.table(deltalake.DeltaTable(path).get_add_actions(flatten=True)).to_pylist()


def by_polars(path, version=None):
    frame = polars.scan_delta(path, version=version).collect()
    return rows(frame.columns, [frame[name].to_list() for name in frame.columns])


def files_at(path, version=None):
    """A replay of our own: the log's adds and removes, JSON alone."""
    active, last, metadata = {}, version, None
    names = sorted(name for name in os.listdir(os.path.join(path, "_delta_log")) if name.endswith(".json"))
    for name in names:
        if last is not None and int(name[:20]) > last:
            break
        with open(os.path.join(path, "_delta_log", name), encoding="utf-8") as file:
            for action in map(json.loads, file):
                if "add" in action:
                    active[action["add"]["path"]] = action["add"]
                elif "remove" in action:
                    active.pop(action["remove"]["path"], None)
                metadata = action.get("metaData", metadata)
    return active, metadata


def by_duckdb(path, version=None):
    """DuckDB's Parquet reader over the files of the log, partition values from the log."""
    from urllib.parse import unquote
    active, metadata = files_at(path, version)
    names = [field["name"] for field in json.loads(metadata["schemaString"])["fields"]]
    partition = metadata["partitionColumns"]
    out = []
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for add in active.values():
            file = os.path.join(path, unquote(add["path"])).replace("'", "''")
            select = ", ".join("CAST(? AS DATE)" if name in partition else f'"{name}"' for name in names)
            values = [add["partitionValues"][name] for name in names if name in partition]
            out += db.execute(f"SELECT {select} FROM read_parquet('{file}', hive_partitioning = false)", values).fetchall()
    return rows(names, list(zip(*out)) if out else [[] for _ in names])


class Tables(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ecluse-interop-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.project = os.path.join(self.folder, "shop")
        subprocess.run([ECLUSE, "init", self.project], stdout=subprocess.DEVNULL, check=True)

    def put(self, name, text):
        with open(os.path.join(self.project, "data", "raw", name), "w", encoding="utf-8") as file:
            file.write(text)

    def users(self, number, orders, count=3):
        self.put(f"users_{number:03d}.csv", USERS + "".join(f"u{number}_{i},a{i}@b.fr,A,,{20 + i},F,FR,Paris,2024-01-02,true,{orders},1.5,2025-07-01 10:00:00\n" for i in range(count)))

    def sales(self, number, days=("2025-07-18", "2025-07-19"), count=4):
        self.put(f"sales_{number:03d}.csv", SALES + "".join(
            f"o{number}_{i},{days[i % len(days)]} 10:0{i}:00.{i}5,u1_0,,p{i},2,3.5,0,7.0,card,paid\n" for i in range(count)))

    def assert_same(self, path, version=None):
        one, names = by_delta_rs(path, version)
        for reader in (by_polars, by_duckdb):
            other, other_names = reader(path, version)
            order = [other_names.index(name) for name in names]
            self.assertEqual(sorted(other_names), sorted(names), f"{reader.__name__} {path}")
            again = sorted((tuple(row[i] for i in order) for row in other), key=lambda row: tuple((v is None, str(v)) for v in row))
            self.assertEqual(one, again, f"{reader.__name__} {path} at {version}")
        return one

    def test_every_reader_sees_the_same_now_and_then(self):
        subprocess.run([ECLUSE, "generate", os.path.join(self.project, "data", "raw"), "--size", "1MB"], stdout=subprocess.DEVNULL, check=True)
        run(self.project)
        self.users(900, 1)
        self.sales(900)
        run(self.project)
        self.users(900, 7)  # corrected
        run(self.project)
        found = tables(self.project)
        self.assertGreaterEqual(len(found), 12)
        for path in found.values():
            newest = deltalake.DeltaTable(path).version()
            for version in range(newest + 1):
                self.assert_same(path, version)
            self.assertEqual(len(self.assert_same(path)), sum(add["num_records"] for add in adds_of(path)))

    def test_statistics_hold_for_the_rows(self):
        subprocess.run([ECLUSE, "generate", os.path.join(self.project, "data", "raw"), "--size", "1MB"], stdout=subprocess.DEVNULL, check=True)
        run(self.project)
        checked = 0
        for path in tables(self.project).values():
            for add in adds_of(path):
                data = pyarrow.parquet.read_table(os.path.join(path, add["path"]), partitioning=None)
                self.assertEqual(add["num_records"], data.num_rows)
                for name in data.column_names:
                    if f"null_count.{name}" in add and add[f"null_count.{name}"] is not None:
                        self.assertEqual(add[f"null_count.{name}"], data[name].null_count, name)
                        checked += 1
                    values = [normal(value) for value in data[name].to_pylist() if value is not None]
                    low, high = (normal(add.get(f"{bound}.{name}")) for bound in ("min", "max"))
                    if low is not None and values:
                        self.assertLessEqual(low, min(values), name)
                        self.assertGreaterEqual(high, max(values), name)
                        checked += 1
        self.assertGreater(checked, 200)

    def test_others_append_compact_and_vacuum(self):
        for number in range(1, 6):
            self.sales(number)
            run(self.project)
        path = tables(self.project)["sales"]
        table = deltalake.DeltaTable(path)
        before = self.assert_same(path)
        table.optimize.compact()
        self.assertEqual(self.assert_same(path), before)
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        extra = table.to_pyarrow_table().slice(0, 1)
        at = extra.column_names.index("order_id")
        extra = extra.set_column(at, "order_id", pa.array(["o_foreign"], extra.schema.field(at).type))
        deltalake.write_deltalake(path, extra, mode="append")
        self.sales(6)
        run(self.project)
        after = self.assert_same(path)
        self.assertEqual(len(after), len(before) + 1 + 4)
        self.assertEqual(sum("o_foreign" in row for row in after), 1)
        # What the models make of it: the row that another engine brought counts once its day is computed again.
        with open(os.path.join(self.project, "data", "raw", "sales_006.csv.done"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["rows"], 4)

    def test_fifty_alternating_commits(self):
        self.sales(1)
        run(self.project)
        path = tables(self.project)["sales"]
        row = deltalake.DeltaTable(path).to_pyarrow_table().slice(0, 1)
        at = row.column_names.index("order_id")
        for number in range(2, 27):
            foreign = row.set_column(at, "order_id", pa.array([f"x{number}"], row.schema.field(at).type))
            deltalake.write_deltalake(path, foreign, mode="append")
            self.sales(number)
            run(self.project)
        found = self.assert_same(path)
        self.assertEqual(deltalake.DeltaTable(path).version(), 50)
        self.assertEqual(len(found), 26 * 4 + 25)
        ids = [row[at] for row in found]
        self.assertEqual(len(set(ids)), len(ids))
        # Two checkpoints of ours came on the way, and each is what the log says.
        log = os.path.join(path, "_delta_log")
        checkpoints = sorted(name for name in os.listdir(log) if name.endswith(".checkpoint.parquet"))
        self.assertGreaterEqual(len(checkpoints), 2)
        for name in checkpoints:
            adds = [row["add"]["path"] for row in pyarrow.parquet.read_table(os.path.join(log, name)).to_pylist() if row["add"]]
            self.assertEqual(sorted(adds), sorted(files_at(path, int(name[:20]))[0]))

    def test_logs_that_others_checkpoint_and_clean_up(self):
        for number in range(1, 13):
            self.sales(number)
            run(self.project)
        path = tables(self.project)["sales"]
        before = self.assert_same(path)
        table = deltalake.DeltaTable(path)
        table.create_checkpoint()
        for version in range(table.version()):
            os.remove(os.path.join(path, "_delta_log", f"{version:020d}.json"))
        self.assertEqual(by_delta_rs(path)[0], before)
        self.sales(13)
        run(self.project)
        after, _ = by_delta_rs(path)
        self.assertEqual(len(after), len(before) + 4)
        run(self.project)  # nothing to do, and nothing twice
        self.assertEqual(by_delta_rs(path)[0], after)

    def test_what_is_not_known_is_refused_by_name(self):
        self.sales(1)
        run(self.project)
        path = tables(self.project)["sales"]
        table = deltalake.DeltaTable(path)
        table.alter.add_feature(deltalake.TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
        before = files_at(path)
        self.sales(2)
        done = run(self.project, status=3)
        self.assertIn("deletionVectors", done.stderr)
        self.assertEqual(files_at(path), before)

    def test_a_log_of_ten_thousand_commits(self):
        """The same table by the log alone and with a checkpoint; the processor times are printed."""
        self.sales(1)
        run(self.project)
        path = tables(self.project)["sales"]
        log = os.path.join(path, "_delta_log")
        with open(os.path.join(log, f"{0:020d}.json"), encoding="utf-8") as file:
            add = next(action["add"] for action in map(json.loads, file) if "add" in action)
        for version in range(1, 10000):
            with open(os.path.join(log, f"{version:020d}.json"), "w", encoding="utf-8") as file:
                file.write(json.dumps({"commitInfo": {"timestamp": 1, "operation": "WRITE"}}) + "\n" + json.dumps({"add": {**add, "path": f"{add['path'][:15]}/{version}.parquet"}}) + "\n")
        times = {}
        for what in ("log alone", "checkpoint"):
            start = os.times()
            told = json.loads(ecluse(self.project, "tables", "--table", "sales", "--format", "json").stdout)["tables"][0]
            end = os.times()
            times[what] = end.children_user + end.children_system - start.children_user - start.children_system
            self.assertEqual((told["version"], told["files"]), (9999, len(files_at(path)[0])))
            if what == "log alone":
                deltalake.DeltaTable(path).create_checkpoint()
        print(f"10,000 commits: {times['log alone']:.2f} s by the log alone, {times['checkpoint']:.2f} s with a checkpoint, of processor time", file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
