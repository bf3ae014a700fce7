#!/usr/bin/env python3
"""A damaged row costs that row, a damaged file that file; the run goes on and says so."""
import gzip
import io
import json
import os
import stat
import unittest
import zipfile

import kit

LOG = {"timestamp": "2025-07-18T10:00:00Z", "request_id": "r", "user_id": "U1", "session_id": "S1", "endpoint": "/api/v1/cart",
       "method": "GET", "status_code": 200, "response_time_ms": 12.5, "payload_size_bytes": 10, "cache_hit": False,
       "country_code": "FR", "ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0"}
HEADER = ",".join(kit.SALES_HEADER.split())


def log(number, **changes):
    return json.dumps({**LOG, "request_id": f"r{number}", **changes}).encode()


def logs(*numbers):
    return b"\n".join(log(number) for number in numbers) + b"\n"


def line(number, **changes):
    return ",".join(map(str, kit.sale(number, **changes)))


def csv(*lines):
    return "\n".join((HEADER, *lines)) + "\n"


def archive(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def broken_crc(data):
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


WHOLE = gzip.compress(logs(*range(900, 940)))
# What a file is, and why it cannot be read.
UNREADABLE = {
    "api_logs_truncated.json.gz": (WHOLE[: len(WHOLE) // 2], "gzip-truncated"),
    "api_logs_tail.json.gz": (WHOLE[:-3], "gzip-truncated"),
    "api_logs_crc.json.gz": (broken_crc(WHOLE), "gzip-damaged"),
    "api_logs_behind.json.gz": (WHOLE + b"garbage behind it", "gzip-trailing"),
    "api_logs_plain.json.gz": (logs(990), "gzip-not"),
    "api_logs_nothing.json": (b"", "empty-file"),
    "api_logs_blank.json": (b" \n\n", "empty-file"),
    "api_logs_table.json": (csv(line(990)).encode(), "unknown-format"),
    "api_logs.zip": (b"this is no zip archive, whatever its name", "zip-not"),
    "sales_nothing.csv": (b"", "empty-file"),
    "sales_column.csv": (csv(line(990)).replace("quantity", "amount").encode(), "missing-column"),
    "sales_packed.csv": (archive(a=b"x"), "unknown-format"),
    "sales_header.csv": (csv(line(990)).replace("user_id", "order_id", 1).encode(), "bad-header"),
    "sales_utf16.csv": (csv(line(990)).encode("utf-16"), "encoding"),
    "products_catalog.xlsx": (b"PK\x03\x04 no workbook either", None),
    "users_binary.csv": (bytes(range(256)) * 8, None),
}
# What a file holds, the orders or requests that are accepted, and the lines that are not, with their reasons.
ROWS = {
    "sales_ragged.csv": (csv(line(1), line(2) + ",more", line(3).rsplit(",", 2)[0], line(4)), {"O1", "O4"},
                         {3: "extra-cell", 4: "missing-cell"}),
    "sales_quote.csv": (csv(line(11), line(12, status='de"livered'), line(13, status='"open'), line(14), line(15, status='"shut"x'),
                            line(16)), {"O11", "O14", "O16"}, {3: "parse-error", 4: "parse-error", 6: "parse-error"}),
    "sales_utf8.csv": (csv(line(21), line(22, status="livr#"), line(23)).encode().replace(b"#", b"\xe9"), {"O21", "O23"}, {3: "encoding-error"}),
    "sales_type.csv": (csv(line(31), line(32, quantity="two"), line(33, order_date="yesterday"), line(34)), {"O31", "O34"},
                       {3: "type-error", 4: "type-error"}),
    "sales_null.csv": (csv(line(41), line(42, order_date=""), line(43)), {"O41", "O43"}, {3: "null-value"}),
    "sales_rule.csv": (csv(line(51), line(52, quantity=0, total_amount="0.00"), line(53, total_amount="19.50")), {"O51"},
                       {3: "rule:quantity.min_value", 4: "rule:total_matches"}),
    "sales_twice.csv": (csv(line(61), line(61), line(62), line(1)), {"O61", "O62"},
                        {3: "duplicate-key", 5: "duplicate-key"}),
    "sales_last.csv": (csv(line(71), line(72)) + line(73)[:30], {"O71", "O72"}, {4: "missing-cell"}),
    "sales_windows.csv": ("\ufeff" + csv(line(81), line(82, quantity="x"), line(83)).replace("\n", "\r\n"), {"O81", "O83"}, {3: "type-error"}),
    "api_logs_array.json": (b"[" + log(101) + b",\n" + log(102)[:-30] + b",\n" + log(103) + b",\n" + log(104, status_code="2xx") + b",\n" + log(105) + b"\n]",
                            {"r101", "r103", "r105"}, {2: "parse-error", 4: "type-error"}),
    "api_logs_lines.json": (logs(111) + log(112)[:-25] + b"\n" + logs(113) + log(114).replace(b"GET", b"G\xffT") + b"\n" + log(115)[:-40],
                            {"r111", "r113"}, {2: "parse-error", 4: "encoding-error", 5: "parse-error"}),
    "api_logs/deep/api.json.gz": (gzip.compress(logs(121)) + gzip.compress(log(122, session_id=None) + b"\n" + logs(123)), {"r121", "r123"},
                                  {2: "null-value"}),
}
GOOD = {"sales_z_good.csv": (csv(line(901), line(902)), {"O901", "O902"}), "api_logs_z_good.json": (logs(901), {"r901"})}


class Damaged(unittest.TestCase):
    """One drop of all of them, read by one run."""

    @classmethod
    def setUpClass(cls):
        files = {name: value[0] for group in (UNREADABLE, ROWS, GOOD) for name, value in group.items()}
        cls.project = kit.new_project(**files)
        cls.result = cls.project.run(code=1)
        cls.alert = cls.project.read("data/quality/quality_alert.txt").decode()
        cls.page = cls.project.read("data/quality/dashboard.html").decode()

    def test_files_that_cannot_be_read(self):
        for name, (_, slug) in UNREADABLE.items():
            with self.subTest(name):
                report = self.project.report(name)
                self.assertEqual(report["status"], "errored")
                self.assertEqual((report["rows"], report["completeness"], report["scores"]["overall"]), (None, None, None))
                if slug:
                    self.assertIn(f"[{slug}]", report["errors"][0])
                self.assertIn(name, self.alert)
                self.assertIn(name, self.page)
                self.assertFalse(os.path.exists(self.project.path("data/raw", f"{name}.done")))

    def test_rows_that_are_damaged(self):
        for name, (_, accepted, rejected) in ROWS.items():
            with self.subTest(name):
                report, base = self.project.report(os.path.basename(name)), os.path.basename(name)
                duplicates = sum(reason == "duplicate-key" for reason in rejected.values())
                self.assertEqual({key: report["rows_detail"][key] for key in ("read", "accepted", "quarantined", "duplicate")},
                                 {"read": len(accepted) + len(rejected), "accepted": len(accepted),
                                  "quarantined": len(rejected) - duplicates, "duplicate": duplicates})
                source = "sales" if base.startswith("sales") else "api_logs"
                lines = self.project.quarantine(source, base)
                self.assertEqual({entry["line"]: entry["reasons"][0]["code"] for entry in lines}, rejected)
                self.assertTrue(os.path.exists(self.project.path("data/raw", f"{name}.done")))

    def test_everything_good_is_loaded(self):
        for table, key, mark in (("sales", "order_id", "O"), ("api_logs", "request_id", "r")):
            expected = {row for group in (ROWS, GOOD) for value in group.values() for row in value[1] if row.startswith(mark)}
            rows = [row[0] for row in kit.table_rows(self.project, table, key)]
            self.assertEqual((len(rows), set(rows)), (len(expected), expected))
        self.assertEqual(kit.check_project(self.project), [])

    def test_duplicate_names_the_first(self):
        entry = next(entry for entry in self.project.quarantine("sales", "sales_twice.csv") if entry["line"] == 5)
        self.assertEqual(entry["reasons"][0]["value"], "O1")
        # O1 stands in two files: the first by name keeps it.
        self.assertEqual(entry["reasons"][0]["first"], {"file": "sales_ragged.csv", "line": 2})

    def test_quarantine_holds_the_bytes(self):
        for name, (data, _, rejected) in ROWS.items():
            if name.endswith(".gz"):
                data = gzip.decompress(data)
            data = data.encode() if isinstance(data, str) else data
            source = "sales" if name.startswith("sales") else "api_logs"
            for entry in self.project.quarantine(source, os.path.basename(name)):
                with self.subTest(name, line=entry["line"]):
                    raw = kit.raw_of(entry)
                    self.assertEqual(raw, data[entry["offset"] : entry["offset"] + entry["length"]])
                    self.assertIn(raw.split(b",")[0], data.splitlines()[entry["line"] - 1])
            self.assertGreater(len(rejected), 0)

    def test_next_run_tries_only_what_could_not_be_read(self):
        project = self.project.copy()
        before = kit.tree(project.path("data/processed"))
        plan = {file["path"]: file["cause"] for file in project.json("plan")["files"]}
        self.assertEqual({path for path, cause in plan.items() if cause != "applied"}, set(UNREADABLE))
        project.run(code=1)
        self.assertEqual(kit.tree(project.path("data/processed")), before)
        for name in UNREADABLE:
            os.remove(project.path("data/raw", name))
        project.write("data/raw/sales_column.csv", csv(line(991)))
        project.run("--no-archive")
        self.assertIn(("O991",), kit.table_rows(project, "sales", "order_id"))
        self.assertFalse(os.path.exists(project.path("data/quality/quality_alert.txt")))


class Apart(unittest.TestCase):
    def test_member_of_an_archive(self):
        """A damaged member costs that member; its neighbours are loaded."""
        project = kit.new_project(**{"api_logs.zip": archive(**{
            "api_logs_1.json.gz": gzip.compress(logs(1, 2)), "api_logs_2.json.gz": WHOLE[:-20], "api_logs_3.json.gz": gzip.compress(logs(3))})})
        project.run("--no-archive", code=1)
        self.assertEqual([row[0] for row in kit.table_rows(project, "api_logs", "request_id")], ["r1", "r2", "r3"])
        self.assertEqual(project.report("api_logs_2.json.gz")["status"], "errored")
        self.assertEqual(project.report("api_logs_1.json.gz")["status"], "passed")
        self.assertFalse(os.path.exists(project.path("data/raw/api_logs.zip.done")))
        self.assertEqual(kit.check_project(project), [])

    def test_archive_that_is_cut(self):
        whole = archive(**{"api_logs_1.json.gz": gzip.compress(logs(1, 2))})
        project = kit.new_project(**{"api_logs.zip": whole[:-30], "sales_1.csv": csv(line(1))})
        project.run("--no-archive", code=1)
        self.assertEqual(project.report("api_logs.zip")["status"], "errored")
        self.assertEqual(len(kit.table_rows(project, "sales")), 1)

    def test_names_that_are_no_files(self):
        """A folder, a pipe or a link that leads nowhere with a file's name neither hang nor end a run."""
        project = kit.new_project(**{"sales_1.csv": csv(line(1))})
        os.mkdir(project.path("data/raw/sales_folder.csv"))
        os.mkfifo(project.path("data/raw/sales_pipe.csv"))
        os.symlink("nowhere.csv", project.path("data/raw/sales_link.csv"))
        project.run("--no-archive", code=None)
        self.assertEqual(kit.table_rows(project, "sales", "order_id"), [("O1",)])

    @unittest.skipIf(os.geteuid() == 0, "root may read every file")
    def test_file_that_may_not_be_read(self):
        project = kit.new_project(**{"sales_1.csv": csv(line(1)), "sales_2.csv": csv(line(2))})
        os.chmod(project.path("data/raw/sales_2.csv"), 0)
        project.run("--no-archive", code=1)
        self.assertIn("[unreadable]", project.report("sales_2.csv")["errors"][0])
        os.chmod(project.path("data/raw/sales_2.csv"), stat.S_IRUSR)
        project.run("--no-archive")
        self.assertEqual(len(kit.table_rows(project, "sales")), 2)

    def test_critical_rule_rejects_its_file(self):
        project = kit.new_project(**{"sales_1.csv": csv(line(1), line(2, quantity=-5, total_amount="-50.00")), "sales_2.csv": csv(line(3))})
        project.edit("config/business_rules.yaml", "  quantity:\n    min_value: 1", "  quantity:\n    min_value: {value: 1, severity: critical}")
        project.run("--no-archive", code=1)
        self.assertEqual(kit.table_rows(project, "sales", "order_id"), [("O3",)])
        self.assertEqual(len(project.quarantine("sales", "sales_1.csv")), 2)
        report = project.report("sales_1.csv")
        self.assertEqual((report["status"], report["rows_detail"]["accepted"]), ("failed", 0))
        self.assertEqual(kit.check_project(project), [])

    def test_rules_of_every_kind_and_severity(self):
        """regex, lengths, not_null and expressions; info and warn keep the row, error does not."""
        project = kit.new_project(**{"sales_1.csv": csv(
            line(1), line(2, status="x"), line(3, payment_method="a card with a long name"), line(4, user_id="9"), line(5, session_id=""),
            line(6, discount="0.10", total_amount="18.00"), line(7, order_date="2024-01-01 00:00:00"))})
        project.edit("config/business_rules.yaml", "  discount:\n    allowed_range: [0, 1]", """  discount:
    allowed_range: [0, 1]
    max_value: {value: 0.05, severity: info}
  status:
    min_length: 2
  payment_method:
    max_length: {value: 10, severity: warn}
  user_id:
    regex: '^U\\d+$'
  session_id:
    not_null: true
  order_date:
    min_value: 2025-01-01""")
        project.run("--no-archive", code=1)
        self.assertEqual([row[0] for row in kit.table_rows(project, "sales", "order_id")], ["O1", "O3", "O6"])
        self.assertEqual({entry["line"]: entry["reasons"][0]["code"] for entry in project.quarantine("sales", "sales_1.csv")},
                         {3: "rule:status.min_length", 5: "rule:user_id.regex", 6: "null-value", 8: "rule:order_date.min_value"})
        checks = {check["id"]: check["status"] for check in project.report("sales_1.csv")["checks"] if check["failed"]}
        self.assertEqual((checks["discount.max_value"], checks["payment_method.max_length"], checks["user_id.regex"]), ("noted", "warned", "failed"))


if __name__ == "__main__":
    unittest.main()
