#!/usr/bin/env python3
"""A generated shop with planted defects: what a run finds, keeps, tells and archives is what is right.

The answers come from elsewhere: from the shop's own answer key, and from oracle.py."""
import csv
import datetime
import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
import unittest
import zipfile

import duckdb

import kit
import oracle
from kit import check_tables

LEGACY_FIELDS = ["filename", "source", "rows", "columns", "missing_values", "completeness", "threshold", "status", "validated_at", "errors"]
NUMBER = (int, float)


def raw_bytes(project, file):
    """The decoded bytes of a file of the answer key."""
    if file["member"]:
        with zipfile.ZipFile(project.path("data/raw", file["path"])) as archive:
            return gzip.decompress(archive.read(file["member"]))
    return project.read(os.path.join("data/raw", file["path"]))


def name_of(file):
    return os.path.basename(file["member"] or file["path"])


class Truth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = kit.shop().copy()
        cls.truth = kit.truth(cls.project)
        cls.result = cls.project.run()
        cls.con = duckdb.connect()
        oracle.compute(cls.con, cls.project.path("data/raw"), kit.AS_OF)

    def test_key_has_all_sources_and_many_kinds(self):
        """The other tests are worth something: every source has defects of many kinds."""
        kinds = {(file["source"], row["kind"]) for file in self.truth["files"] for row in file["rows"]}
        self.assertEqual({source for source, _ in kinds}, set(kit.SOURCES))
        self.assertGreater(len(kinds), 50)
        self.assertEqual({file["layout"].split()[0] for file in self.truth["files"]}, {"lines", "array", "csv", "sheet"})

    def test_counts_of_every_file(self):
        for file in self.truth["files"]:
            with self.subTest(name_of(file)):
                report = self.project.report(name_of(file))
                detail = report["rows_detail"]
                self.assertEqual({key: file[key] for key in ("read", "accepted", "quarantined", "duplicate")},
                                 {key: detail[key] for key in ("read", "accepted", "quarantined", "duplicate")})
                self.assertEqual(detail["read"], detail["accepted"] + detail["quarantined"] + detail["duplicate"])
                self.assertEqual(report["rows"], file["read"])
                self.assertEqual({check["id"]: check["failed"] for check in report["checks"] if check["failed"]}, file["checks"])
                decoded = None if file["layout"].startswith("sheet") else file["bytes"]
                self.assertEqual(report["input"]["bytes_decoded"], decoded)

    def test_counts_by_reason(self):
        for file in self.truth["files"]:
            with self.subTest(name_of(file)):
                expected = {}
                for row in file["rows"]:
                    for code in {reason["code"] for reason in row["reasons"]}:
                        expected[code] = expected.get(code, 0) + 1
                self.assertEqual(file["by_reason"], expected)
                self.assertEqual(self.project.report(name_of(file))["rows_detail"]["by_reason"], expected)

    def test_sums_of_the_run(self):
        facts = [json.loads(line) for line in self.project.read("data/quality/history.jsonl").splitlines()]
        for source, total in self.truth["totals"].items():
            rows = [fact for fact in facts if source in ("all", fact["source"])]
            for key in ("read", "accepted", "quarantined", "duplicate"):
                self.assertEqual(sum(fact[key] for fact in rows), total[key], (source, key))
            self.assertEqual(len(rows), total["files"])

    def test_quarantine_row_by_row(self):
        """Exactly the planted rows, each with all its reasons, its place, and its bytes."""
        for file in self.truth["files"]:
            with self.subTest(name_of(file)):
                data, lines = raw_bytes(self.project, file), self.project.quarantine(file["source"], name_of(file))
                self.assertEqual([line["line"] for line in lines], [row["line"] for row in file["rows"]])
                for line, row in zip(lines, file["rows"]):
                    self.check_quarantined(file, data, line, row)

    def check_quarantined(self, file, data, line, row):
        # The key names no column where the damage is the record's; Écluse may tell the cell.
        found = sorted((reason["code"], reason["column"] or "") for reason in line["reasons"])
        expected = sorted((reason["code"], reason["column"] or "") for reason in row["reasons"])
        self.assertEqual([code for code, _ in found], [code for code, _ in expected], row)
        self.assertEqual([pair for pair, want in zip(found, expected) if want[1]], [want for want in expected if want[1]], row)
        self.assertEqual((line["source"], line["file"], line["member"]), (file["source"], file["path"], file["member"]))
        if row["offset"] is None:
            return  # a workbook's row has no bytes of its own
        self.assertEqual(line["offset"], row["offset"])
        self.assertEqual(kit.raw_of(line), data[line["offset"] : line["offset"] + line["length"]])
        self.assertEqual(data.count(b"\n", 0, line["offset"]) + 1, line["line"])

    def test_tables_equal_independent_computation(self):
        for source in kit.SOURCES:
            with self.subTest(source):
                kit.load(self.con, self.project, source, "have")
                self.assertEqual(oracle.differences(self.con, f"want_{source}", "have", oracle.KEY[source]), [])

    def test_models_equal_independent_computation(self):
        for model in kit.MODELS:
            with self.subTest(model):
                kit.load(self.con, self.project, model, "have")
                self.assertEqual(oracle.differences(self.con, f"want_{model}", "have", oracle.MODEL_KEY[model]), [])

    def test_types_and_partitions(self):
        partitions = dict.fromkeys(("api_logs", "sessions", "sales", "api_logs_kpi", "sessions_kpi", "sales_kpi", "funnel_daily",
                                    "api_latency_daily", "sessions_hourly", "combined_sessions"), "date")
        for name in (*kit.SOURCES, *kit.MODELS):
            with self.subTest(name):
                table = check_tables.replay(self.project.table_folder(name))
                self.assertEqual(table.partition_by, partitions.get(name))
                if name in kit.SOURCES:
                    declared = {column: oracle.DELTA[kind] for column, kind in oracle.COLUMNS[name].items()}
                    kinds = dict(table.columns)
                    self.assertEqual({column: kinds[column] for column in declared}, declared)
                    self.assertEqual((kinds["_file"], kinds["_line"]), ("string", "long"))
                    self.assertEqual(kinds.get("date", "date"), "date")

    def test_tables_are_whole(self):
        self.assertEqual(kit.check_project(self.project), [])

    def test_csv_exports_hold_the_models_rows(self):
        """Every file of the documented layout, and together exactly the table's rows."""
        layout = {"api_logs_kpi": ("api_logs/{0}/api_logs_{0}_kpi.csv", "date"), "sessions_kpi": ("sessions/{0}/sessions_{0}_aggregated.csv", "date"),
                  "products_kpi": ("products/{0}/products_{0}_summary.csv", "date"), "users_kpi": ("users/{0}/users_{0}_summary.csv", "country"),
                  "sales_kpi": ("sales/{0}/sales_{0}_kpi.csv", "date")}
        for model, (pattern, column) in layout.items():
            with self.subTest(model):
                kit.load(self.con, self.project, model, "have")
                names = [row[0] for row in self.con.execute("DESCRIBE have").fetchall()]
                expected = {}
                for row in self.con.execute("SELECT * FROM have").fetchall():
                    expected.setdefault(row[names.index(column)], []).append(row)
                folder = pattern.split("/", maxsplit=1)[0]
                found = {os.path.join(folder, path) for path in kit.tree(self.project.path("data/processed", folder))}
                self.assertEqual(len(found), len(expected))
                for value, rows in expected.items():
                    if re.fullmatch(r"[A-Za-z0-9-]+", str(value)):
                        self.assertIn(pattern.format(value), found)
                shown = []
                for path in found:
                    with open(self.project.path("data/processed", path), encoding="utf-8", newline="") as file:
                        header, *rows = csv.reader(file)
                    self.assertEqual(header, names)
                    shown += rows
                self.assertEqual(sorted(map(self.as_shown, shown)), sorted(self.as_shown(row) for rows in expected.values() for row in rows))

    @staticmethod
    def as_shown(row):
        """A row without the differences that a text may have: numbers as such, null as the empty cell."""
        cells = []
        for cell in row:
            text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
            cells.append(f"{float(text):.15g}" if re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text) else text)
        return cells

    def test_reports_have_every_field(self):
        for file in self.truth["files"]:
            with self.subTest(name_of(file)):
                report = self.project.report(name_of(file))
                self.assertEqual(list(report)[:10], LEGACY_FIELDS)
                self.check_legacy(report, file)
                self.check_added(report, file)

    def check_legacy(self, report, file):
        self.assertEqual((report["filename"], report["source"]), (name_of(file), file["source"]))
        self.assertEqual(report["columns"], len(oracle.COLUMNS[file["source"]]))
        self.assertIsInstance(report["missing_values"], int)
        self.assertIsInstance(report["completeness"], NUMBER)
        self.assertTrue(0 <= report["completeness"] <= 100)
        self.assertEqual(report["threshold"], 97 if file["source"] == "api_logs" else 95)
        self.assertEqual(report["status"], "warned" if file["rows"] else "passed")
        self.assertEqual(datetime.datetime.fromisoformat(report["validated_at"].replace("Z", "+00:00")).utcoffset(), datetime.timedelta(0))
        self.assertTrue(report["errors"] is None if not file["rows"] else all(isinstance(text, str) for text in report["errors"]))

    def check_added(self, report, file):
        stored = self.project.read(os.path.join("data/raw", file["path"]))
        if file["member"]:
            with zipfile.ZipFile(self.project.path("data/raw", file["path"])) as archive:
                stored = archive.read(file["member"])
        given = report["input"]
        self.assertEqual((given["path"], given["member"], given["bytes"]), ("data/raw/" + file["path"], file["member"], len(stored)))
        self.assertEqual(given["sha256"], hashlib.sha256(stored).hexdigest())
        self.assertEqual(given["compression"], "zip+gzip" if file["member"] else given["compression"])
        self.assertEqual(report["schema"], {"missing": [], "undeclared": [], "drift": []})
        for column in report["column_profiles"]:
            if not column["derived"]:
                self.assertEqual(oracle.COLUMNS[file["source"]][column["name"]], column["type"])
            self.assertIsInstance(column["nulls"], int)
            self.assertIsInstance(column["distinct_approx"], int)
            self.assertTrue(column["top"] is None or all(set(top) == {"value", "count"} for top in column["top"]))
        for check in report["checks"]:
            self.assertIn(check["dimension"], ("completeness", "validity", "uniqueness", "consistency"))
            self.assertIn(check["severity"], ("info", "warn", "error", "critical"))
            self.assertEqual((type(check["evaluated"]), type(check["failed"])), (int, int))
            self.assertTrue(all(set(sample) == {"line", "value"} for sample in check["samples"]))
        self.assertEqual(list(report["scores"]), ["overall", "completeness", "validity", "uniqueness", "consistency", "timeliness"])
        self.assertIsNone(report["scores"]["timeliness"])  # no freshness is configured: unknown, not 0
        self.assertEqual(report["scores"]["consistency"] is None, file["source"] != "sales")
        self.assertEqual((report["gate"]["status"], report["gate"]["threshold"]), (report["status"], report["threshold"]))
        self.assertIn(f"{report['scores']['overall']:.2f}", report["gate"]["arithmetic"])
        self.assertEqual(report["fingerprints"]["input"], given["sha256"])
        self.assertRegex(report["fingerprints"]["rules"], "^[0-9a-f]{64}$")
        self.assertIsInstance(report["timing"]["seconds"], NUMBER)
        self.assertIsInstance(report["run"], str)

    def test_scores_by_hand(self):
        for file in self.truth["files"]:
            report = self.project.report(name_of(file))
            with self.subTest(name_of(file)):
                bad = sum(1 for row in file["rows"] if row["reasons"][0]["code"] != "duplicate-key")
                expected = {"validity": 100 * (1 - bad / file["read"]), "uniqueness": 100 * (1 - file["duplicate"] / file["read"])}
                for name, value in expected.items():
                    self.assertTrue(value - 0.0101 <= report["scores"][name] <= value + 1e-9, (name, value, report["scores"]))
                known = [value for name, value in report["scores"].items() if name != "overall" and value is not None]
                self.assertAlmostEqual(report["scores"]["overall"], sum(known) / len(known), delta=0.02)
                self.assertEqual(report["completeness"], report["scores"]["completeness"])

    def test_marks_name_content_run_and_rows(self):
        marks = {}
        for file in self.truth["files"]:
            mark = marks.setdefault(file["path"], [0, 0])
            mark[0] += file["accepted"]
            mark[1] += 1
        for path, (rows, members) in marks.items():
            mark = json.loads(self.project.read(f"data/raw/{path}.done"))
            self.assertEqual((mark["rows"], mark.get("members", 1)), (rows, members))
            self.assertEqual(mark["sha256"], hashlib.sha256(self.project.read(f"data/raw/{path}")).hexdigest())
            self.assertEqual(mark["run"], self.project.report(name_of(self.truth["files"][0]))["run"])

    def test_derived_columns_are_profiled_as_the_tables_have_them(self):
        """Of the accepted rows the tables tell the bounds and nulls; the profile is of all sound rows, so it is never narrower."""
        facts = json.loads(self.project.call("dashboard", "--facts").out)
        derived = [column for column in facts["columns"] if column["derived"]]
        self.assertEqual({(c["source"], c["name"]) for c in derived},
                         {(source, name) for source in kit.SOURCES for name in re.findall(r"AS (\w+)(?:,|$)", oracle.DERIVED[source].strip(), re.M)})
        con = duckdb.connect()
        for source in kit.SOURCES:
            kit.load(con, self.project, source, source)
        for column in derived:
            name = f'{column["source"]}."{column["name"]}"'
            values, nulls, low, high = con.execute(f"SELECT count({name}), count(*) - count({name}), min({name}), max({name}) FROM {column['source']}").fetchone()
            with self.subTest(name):
                self.assertGreaterEqual(column["values"], values)
                self.assertGreaterEqual(column["nulls"], nulls)
                if column["type"] in ("float", "integer") and values:
                    self.assertLessEqual(column["min"], float(low) + 1e-9)
                    self.assertGreaterEqual(column["max"], float(high) - 1e-9)
                if column["type"] == "string":
                    found = {value for value, in con.execute(f"SELECT DISTINCT {name} FROM {column['source']} WHERE {name} IS NOT NULL").fetchall()}
                    self.assertLessEqual(found, {top["value"] for top in column["top"]})
                    self.assertEqual(sum(top["count"] for top in column["top"]), column["values"])  # few values: all are there
                    self.assertEqual(len({top["value"] for top in column["top"]}), len(column["top"]))
                    self.assertLess(abs(column["distinct"] - len(column["top"])), 2)

    def test_page_lists_every_file_and_no_alert_is_written(self):
        page = self.project.read("data/quality/dashboard.html").decode()
        for file in self.truth["files"]:
            self.assertIn(name_of(file), page)
        self.assertEqual(re.findall(r"<script[^>]*>", page.lower()), ['<script type="application/json" id="facts">', '<script type="application/json" id="alerts">', '<script>'])
        self.assertFalse(os.path.exists(self.project.path("data/quality/quality_alert.txt")))
        self.assertEqual(os.listdir(self.project.path("data/staging")) if os.path.isdir(self.project.path("data/staging")) else [], [])

    def test_summary_tells_the_sums(self):
        total = self.truth["totals"]["sessions"]
        self.assertIn(f"{total['read']:,} rows, {total['accepted']:,} accepted, {total['quarantined']:,} quarantined", self.result.out)
        self.assertIn("28 validation reports", self.result.out)
        self.assertIn("(verified)", self.result.out)

    def archive(self):
        folder = self.project.path("data/archive")
        (name,) = [name for name in os.listdir(folder) if name.endswith(".tar.gz")]
        self.assertRegex(name, r"^archive_\d{8}_\d{4}\.tar\.gz$")
        return os.path.join(folder, name)

    def test_archive_is_what_it_says(self):
        with tarfile.open(self.archive(), "r:gz") as archive:
            members = {member.name: member for member in archive}
            self.assertTrue(all(member.isfile() for member in members.values()))
            listed = json.load(archive.extractfile("ARCHIVE.json"))["files"]
            self.assertEqual(sorted(entry["name"] for entry in listed), sorted(name for name in members if name != "ARCHIVE.json"))
            for entry in listed:
                data = archive.extractfile(entry["name"]).read()
                self.assertEqual((len(data), hashlib.sha256(data).hexdigest()), (entry["bytes"], entry["sha256"]), entry["name"])
                if entry["name"] != "data/quality/dashboard.html":  # written again when the archive is there
                    self.assertEqual(data, self.project.read(entry["name"]))
        names = set(members)
        self.assertLessEqual({"data/raw/" + file["path"] for file in self.truth["files"]}, names)
        self.assertLessEqual({f"data/quality/validation_report_{name_of(file)}.json" for file in self.truth["files"]}, names)
        parts = {os.path.relpath(path, self.project.folder) for name in (*kit.SOURCES, *kit.MODELS)
                 for path, _, _ in check_tables.active_files(self.project.table_folder(name))}
        self.assertLessEqual(parts, names)
        self.assertTrue(any(re.fullmatch(r"data/runs/0*1\.json", name) for name in names))

    def test_archive_restores(self):
        archive = self.archive()
        self.project.call("restore", "--verify", archive)
        damaged = os.path.join(kit.scratch, "damaged.tar.gz")
        with open(archive, "rb") as file, open(damaged, "wb") as out:
            data = bytearray(file.read())
            data[len(data) // 2] ^= 0x40
            out.write(data)
        self.assertNotEqual(self.project.call("restore", "--verify", damaged, code=None).code, 0)

    def test_second_run_changes_nothing(self):
        project = self.project.copy()
        before = kit.tree(project.path("data/processed")), kit.tree(project.path("data/runs"))
        result = project.run()
        self.assertIn("all 28 files are already applied", result.out)
        self.assertEqual((kit.tree(project.path("data/processed")), kit.tree(project.path("data/runs"))), before)
        plan = project.json("plan", "--as-of", kit.AS_OF)
        self.assertEqual((plan["pending"], {file["cause"] for file in plan["files"]}), (0, {"applied"}))

    def test_same_seed_same_bytes(self):
        again = os.path.join(kit.scratch, "again")
        subprocess.run([kit.ECLUSE, "generate", again, "--size", "3MB", "--seed", "7", "--defects", "0.01", "--days", "8"], check=True, stdout=subprocess.DEVNULL)
        first = {os.path.basename(path): digest for path, digest in kit.tree(kit.shop().path("data/raw")).items()}
        second = {os.path.basename(path): digest for path, digest in kit.tree(again).items()}
        first.pop(".truth.json", None)
        second.pop("truth.json", None)
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main()
