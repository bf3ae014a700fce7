#!/usr/bin/env python3
"""Plants one defect at a time in a good table and demands that check_tables names it.

Exit status 77 (skipped) where the Python package duckdb is missing.
"""
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from contextlib import redirect_stdout

try:
    import duckdb
except ImportError:
    print("skipped: the Python package duckdb is missing")
    sys.exit(77)

import check_tables

COLUMNS = [("id", "long"), ("price", "decimal(12,2)"), ("at", "timestamp"), ("name", "string"), ("date", "date")]
PARTS = {"date=2025-07-18/p1.parquet": 3, "date=__HIVE_DEFAULT_PARTITION__/p2.parquet": 2}


def write_part(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    duckdb.sql(
        f"COPY (SELECT i AS id, CAST(i * 1.25 AS DECIMAL(12,2)) AS price,"
        f" make_timestamptz(1752832800123456 + i) AS at, CASE WHEN i > 0 THEN 'n' END AS name"
        f" FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet)"
    )


def add(root, path, rows):
    date = path.split("/")[0][5:]
    stats = {
        "numRecords": rows,
        "minValues": {"id": 0, "price": 0.00, "at": "2025-07-18T10:00:00.123Z"},
        "maxValues": {"id": rows - 1, "price": round((rows - 1) * 1.25, 2), "at": "2025-07-18T10:00:00.124Z"},
        "nullCount": {"id": 0, "price": 0, "at": 0, "name": 1},
    }
    return {"add": {"path": path, "partitionValues": {"date": None if date.startswith("__") else date},
                    "size": os.path.getsize(os.path.join(root, path)), "modificationTime": 1, "dataChange": True,
                    "stats": json.dumps(stats)}}


def commit_info(number):
    return {"commitInfo": {"timestamp": 1, "operation": "WRITE", "operationParameters": {"mode": "Append"},
                           "isBlindAppend": True, "engineInfo": "test", "txnId": f"t:{number}"}}


def txn(number):
    return {"txn": {"appId": "t", "version": number, "lastUpdated": 1}}


def metadata(columns=None):
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in columns or COLUMNS]
    return {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}},
                         "schemaString": json.dumps({"type": "struct", "fields": fields}),
                         "partitionColumns": ["date"], "configuration": {}, "createdTime": 1}}


class CheckTables(unittest.TestCase):
    def setUp(self):
        self.project = tempfile.mkdtemp(prefix="ec-check-")
        self.addCleanup(shutil.rmtree, self.project)
        self.root = os.path.join(self.project, "data/processed/enriched/t")
        for path, rows in PARTS.items():
            write_part(os.path.join(self.root, path), rows)
        p1, p2 = PARTS
        self.log = [
            [commit_info(1), {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, metadata(), txn(1),
             add(self.root, p1, PARTS[p1])],
            [commit_info(2), txn(2), add(self.root, p2, PARTS[p2])],
        ]

    def write_log(self):
        os.makedirs(os.path.join(self.root, "_delta_log"), exist_ok=True)
        for version, lines in enumerate(self.log):
            with open(os.path.join(self.root, "_delta_log", f"{version:020d}.json"), "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)

    def check(self):
        out = io.StringIO()
        with redirect_stdout(out):
            code = check_tables.main([self.project])
        return code, out.getvalue()

    def expect(self, message):
        self.write_log()
        code, text = self.check()
        self.assertIn(message, text)
        self.assertEqual(code, 1)

    def test_a_good_table_is_right(self):
        self.write_log()
        code, text = self.check()
        self.assertEqual((code, text.splitlines()),
                         (0, ["ok   data/processed/enriched/t: version 1, 2 parts, 5 rows",
                              "verdict: right: 1 tables, 0 violations"]))
        con = duckdb.connect()
        rows = check_tables.read_table(con, self.root)
        self.assertEqual(rows.columns, [name for name, _ in COLUMNS])
        self.assertEqual(rows.aggregate("count(*), sum(id), count(date), min(date)::VARCHAR").fetchall(),
                         [(5, 4, 3, "2025-07-18")])
        self.assertEqual([value for _, value, _ in check_tables.active_files(self.root)], ["2025-07-18", None])

    def test_columns_may_be_added(self):
        self.log.append([commit_info(3), metadata([*COLUMNS, ("late", "double")]), txn(3)])
        self.write_log()
        self.assertEqual(self.check()[0], 0)
        con = duckdb.connect()
        rows = check_tables.read_table(con, self.root)
        self.assertEqual(rows.aggregate("count(*), count(late)").fetchall(), [(5, 0)])

    def test_a_removed_part_may_stay_or_go(self):
        old = self.log[1][2]["add"]
        remove = {key: old[key] for key in ("path", "partitionValues", "size", "dataChange")}
        self.log.append([commit_info(3), txn(3), {"remove": {**remove, "deletionTimestamp": 1, "extendedFileMetadata": True}}])
        self.write_log()
        self.assertEqual(self.check()[0], 0)
        shutil.rmtree(os.path.dirname(os.path.join(self.root, old["path"])))
        self.assertEqual(self.check()[0], 0)

    def test_the_order_of_the_log(self):
        self.log[1][0], self.log[1][1] = self.log[1][1], self.log[1][0]
        self.expect("the first line is txn, not commitInfo")

    def test_a_second_metadata(self):
        self.log[1] += [metadata(), metadata()]
        self.expect("a second metaData in one commit")

    def test_a_second_txn(self):
        self.log[1].append(txn(3))
        self.expect("a second txn of t in one commit")

    def test_a_repeated_run(self):
        self.log[1][1] = txn(1)
        self.expect("txn t went from 1 to 1")

    def test_a_repeated_txn_id(self):
        self.log[1][0] = commit_info(1)
        self.expect("was committed before, in version 0")

    def test_parameters_that_are_not_text(self):
        self.log[1][0]["commitInfo"]["operationParameters"]["n"] = 1
        self.expect("operationParameters.n is 1, not a string")

    def test_the_protocol(self):
        self.log[0][1]["protocol"]["writerFeatures"] = []
        self.expect("not reader 1 and writer 2")

    def test_a_missing_field(self):
        del self.log[1][1]["txn"]["lastUpdated"]
        self.expect("txn.lastUpdated is None, not of type int")

    def test_a_gap(self):
        self.write_log()
        os.rename(os.path.join(self.root, "_delta_log", f"{1:020d}.json"), os.path.join(self.root, "_delta_log", f"{2:020d}.json"))
        self.assertIn("not contiguous from 0: [0, 2]", self.check()[1])

    def test_half_a_line(self):
        self.write_log()
        with open(os.path.join(self.root, "_delta_log", f"{1:020d}.json"), "a", encoding="utf-8") as file:
            file.write('{"add":')
        self.assertIn("not JSON", self.check()[1])

    def test_a_missing_part(self):
        self.write_log()
        os.remove(os.path.join(self.root, next(iter(PARTS))))
        self.assertIn("the active part is not there", self.check()[1])

    def test_the_size(self):
        self.log[1][2]["add"]["size"] += 1
        self.expect("bytes, the log says")

    def change_stats(self, key, name, value):
        stats = json.loads(self.log[1][2]["add"]["stats"])
        if name:
            stats[key][name] = value
        else:
            stats[key] = value
        self.log[1][2]["add"]["stats"] = json.dumps(stats)

    def test_the_row_count(self):
        self.change_stats("numRecords", None, 3)
        self.expect("numRecords is 3, the part has 2 rows")

    def test_null_counts(self):
        self.change_stats("nullCount", "name", 0)
        self.expect("nullCount of name is 0, not 1")

    def test_bounds(self):
        self.change_stats("maxValues", "id", 2)
        self.expect("maxValues of id is 2, not 1")

    def test_bounds_of_timestamps(self):
        self.change_stats("maxValues", "at", "2025-07-18T10:00:00.123Z")
        self.expect("maxValues of at is 2025-07-18T10:00:00.123Z")

    def test_types(self):
        self.log[0][2] = metadata([("id", "double"), *COLUMNS[1:]])
        self.expect("the column id is BIGINT, the schema says double")

    def test_a_column_that_the_schema_does_not_have(self):
        self.log[0][2] = metadata(COLUMNS[1:])
        self.expect("the column id is not in the schema")

    def test_the_partition_column_in_a_part(self):
        path = os.path.join(self.root, next(iter(PARTS)))
        duckdb.sql(f"COPY (SELECT *, DATE '2025-07-18' AS date FROM read_parquet('{path}', hive_partitioning=false)) TO '{path}.new' (FORMAT parquet)")
        os.rename(path + ".new", path)
        self.log[0][4] = add(self.root, *next(iter(PARTS.items())))
        self.expect("the partition column date is inside the part")

    def test_the_partition_value(self):
        self.log[0][4]["add"]["partitionValues"]["date"] = "2025-07-19"
        self.expect("does not say '2025-07-19'")

    def test_an_orphan(self):
        shutil.copy(os.path.join(self.root, next(iter(PARTS))), os.path.join(self.root, "orphan.parquet"))
        self.expect("orphan.parquet: no commit names this file")

    def test_a_temporary_file(self):
        self.write_log()
        open(os.path.join(self.root, "_delta_log", ".00000000000000000002.json.1.1.tmp"), "w").close()
        self.assertIn("does not belong into a log", self.check()[1])

    def test_an_empty_folder(self):
        os.mkdir(os.path.join(self.root, "date=2025-07-20"))
        self.expect("date=2025-07-20: the folder is empty")

    def test_a_table_without_a_log(self):
        code, text = self.check()
        self.assertEqual(code, 1)
        self.assertIn("FAIL data/processed/enriched/t", text)

    def test_a_project_without_tables(self):
        shutil.rmtree(os.path.join(self.project, "data"))
        self.assertEqual(self.check()[0], 1)


if __name__ == "__main__":
    unittest.main()
