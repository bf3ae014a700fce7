#!/usr/bin/env python3
"""Run after run: what is applied stays, what is corrected is replaced, and how a run is cut changes nothing."""
import glob
import gzip
import json
import locale
import os
import re
import subprocess
import tarfile
import unittest
import zipfile

import kit
from kit import check_tables


def csv(*rows):
    return kit.csv_text(kit.SALES_HEADER, *rows)


def orders(project, columns="order_id"):
    return kit.table_rows(project, "sales", columns)


def causes(project, *arguments):
    return {file["path"]: file["cause"] for file in project.json("plan", "--as-of", kit.AS_OF, *arguments)["files"]}


def parts(project):
    return {path: digest for path, digest in kit.tree(project.path("data/processed")).items() if path.endswith(".parquet")}


class Again(unittest.TestCase):
    def test_corrected_file_is_applied_as_new(self):
        """Its new keys are added; what is loaded already is a duplicate, which a merge would replace."""
        first, second = csv(kit.sale(1), kit.sale(2)), csv(kit.sale(2, quantity=4, total_amount="40.00"), kit.sale(4))
        for load, units in (("append", {"O1": 2, "O2": 2, "O3": 2, "O4": 2}), ("merge", {"O1": 2, "O2": 4, "O3": 2, "O4": 2})):
            with self.subTest(load):
                project = kit.new_project(**{"sales_1.csv": first, "sales_2.csv": csv(kit.sale(3))})
                project.edit("config/pipeline_config.yaml", "key: [order_id]\n    load: append", f"key: [order_id]\n    load: {load}")
                project.run("--no-archive")
                project.write("data/raw/sales_1.csv", second)
                self.assertEqual(causes(project), {"sales_1.csv": "changed-file", "sales_2.csv": "applied"})
                project.run("--no-archive", code=None)
                self.assertEqual(dict(orders(project, "order_id, quantity")), units)
                self.assertEqual(kit.table_rows(project, "sales_kpi", "units"), [(sum(units.values()),)])
                self.assertEqual(len(orders(project)), 4)
                self.assertEqual(kit.check_project(project), [])
                self.assertIn("already applied", project.run("--no-archive").out)

    def test_changed_rule_replaces_exactly_its_rows(self):
        project = kit.finished(kit.small_shop).copy()
        before = {path: kit.tree(path) for path in check_tables.find_tables(project.folder)}
        project.edit("config/business_rules.yaml", "  quantity:\n    min_value: 1", "  quantity:\n    min_value: 2")
        plan = project.json("plan", "--as-of", kit.AS_OF)
        again = {file["path"] for file in plan["files"] if file["cause"] == "changed-rule"}
        self.assertEqual(again, {os.path.basename(path) for path in glob.glob(project.path("data/raw/sales_*.csv"))})
        self.assertEqual({file["cause"] for file in plan["files"]}, {"changed-rule", "applied"})
        self.assertIn("rule", next(line for line in project.call("plan").out.splitlines() if "sales_2025" in line))
        project.run("--no-archive", code=None)
        fresh = kit.small_shop().copy()
        fresh.edit("config/business_rules.yaml", "  quantity:\n    min_value: 1", "  quantity:\n    min_value: 2")
        fresh.run("--no-archive", code=None)
        self.assertEqual(kit.digests(project), kit.digests(fresh))
        self.assertEqual(kit.check_project(project), [])
        touched = {os.path.basename(path) for path in before if kit.tree(path) != before[path]}
        self.assertEqual(touched, {"sales", "sales_kpi"})

    def test_force_replaces_and_adds_nothing(self):
        project = kit.finished(kit.small_shop).copy()
        before = kit.digests(project)
        self.assertEqual(set(causes(project, "--force").values()), {"forced"})
        project.run("--force", "--no-archive")
        self.assertEqual(kit.digests(project), before)
        self.assertEqual(kit.check_project(project), [])

    def test_key_of_a_loaded_partition_is_a_duplicate(self):
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1), kit.sale(2))})
        project.run("--no-archive")
        project.write("data/raw/sales_0.csv", csv(kit.sale(2, status="returned"), kit.sale(3)))
        project.run("--no-archive", code=None)
        self.assertEqual(orders(project, "order_id, status"), [("O1", "delivered"), ("O2", "delivered"), ("O3", "delivered")])
        (entry,) = project.quarantine("sales", "sales_0.csv")
        self.assertEqual((entry["line"], entry["reasons"][0]["code"]), (2, "duplicate-key"))
        self.assertEqual(entry["reasons"][0]["first"], {"file": "sales_1.csv", "line": 3})
        self.assertEqual(kit.check_project(project), [])

    def test_same_file_under_two_names_is_read_once(self):
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1)), "sales_2.csv": csv(kit.sale(1))})
        project.run("--no-archive")
        self.assertEqual(orders(project), [("O1",)])

    def test_merge_takes_the_newest_drop(self):
        header = "user_id email first_name last_name age gender country city registration_date is_premium total_orders total_spent last_login"

        def user(number, city):
            return (f"U{number}", f"u{number}@example.net", "A", "B", 30, "F", "FR", city, "2024-01-01", "true", 1, "2.50", "2025-07-01")

        project = kit.new_project(**{"users_1.csv": kit.csv_text(header, user(1, "Lyon"), user(2, "Nice"))})
        project.run("--no-archive")
        project.write("data/raw/users_2.csv", kit.csv_text(header, user(2, "Lille"), user(3, "Metz")))
        project.run("--no-archive")
        self.assertEqual(kit.table_rows(project, "users", "user_id, city"), [("U1", "Lyon"), ("U2", "Lille"), ("U3", "Metz")])
        ((count,),) = kit.table_rows(project, "users_kpi", "sum(nb_users)")
        self.assertEqual(count, 3)
        self.assertEqual(kit.check_project(project), [])

    def test_replace_is_the_newest_drop(self):
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1), kit.sale(2))})
        project.edit("config/pipeline_config.yaml", "key: [order_id]\n    load: append", "key: [order_id]\n    load: replace")
        project.run("--no-archive")
        project.write("data/raw/sales_2.csv", csv(kit.sale(2), kit.sale(9)))
        project.run("--no-archive")
        self.assertEqual(orders(project), [("O2",), ("O9",)])
        self.assertEqual(kit.check_project(project), [])

    def test_day_by_day_equals_all_at_once(self):
        """What a run recomputes is enough: the tables do not tell in how many drops the files came."""
        whole = kit.finished(kit.small_shop)
        project = kit.new_project()
        project.write("config/quality_thresholds.yaml", whole.read("config/quality_thresholds.yaml"))
        with zipfile.ZipFile(whole.path("data/raw/api_logs.zip")) as archive:
            drops = [[(f"api_logs/{name}", archive.read(name))] for name in sorted(archive.namelist())]
        names = sorted(os.path.relpath(path, whole.path("data/raw")) for path in glob.glob(whole.path("data/raw/**/*.[cx]*"), recursive=True))
        daily = [name for name in names if re.search(r"_2025\d{4}\.csv$", name)]
        for drop in drops:
            day = re.search(r"\d{8}", drop[0][0]).group(0)
            drop += [(name, whole.read(os.path.join("data/raw", name))) for name in daily if day in name]
        drops[0] += [(name, whole.read(os.path.join("data/raw", name))) for name in names if name not in daily and ".done" not in name]
        for drop in drops:
            for name, data in drop:
                project.write(os.path.join("data/raw", name), data)
            project.run("--no-archive", code=None)
            self.assertEqual(kit.check_project(project), [])
        ignore = ("_file", "_file_log")  # the logs' members lie loose here
        self.assertEqual(kit.digests(project, ignore), kit.digests(whole, ignore))

    def test_untouched_partitions_keep_their_parts(self):
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1, order_date="2025-07-01 10:00:00"))})
        project.run("--no-archive")
        before = parts(project)
        project.write("data/raw/sales_2.csv", csv(kit.sale(2, order_date="2025-07-05 10:00:00")))
        project.run("--no-archive")
        for path, digest in before.items():
            self.assertEqual(parts(project)[path], digest)
        active = {os.path.relpath(path, project.path("data/processed")) for name in ("sales", "sales_kpi")
                  for path, _, _ in check_tables.active_files(project.table_folder(name))}
        self.assertLessEqual({path for path in before if "/sales" in path}, active)


class Cut(unittest.TestCase):
    """How the work is cut does not show in what comes out."""

    def test_one_and_three_workers_write_the_same_bytes(self):
        one, three = (kit.shop().copy() for _ in range(2))
        one.run("--jobs", "1", "--no-archive")
        three.run("--jobs", "3", "--no-archive")
        self.assertGreater(len(parts(one)), 50)
        self.assertEqual(parts(one), parts(three))

    def test_split_file_gives_the_same_rows(self):
        rows, good = [], kit.sale("{}")
        for number in range(34000):
            row = list(good)
            row[0] = f"O{number}"
            if number % 7 == 0:
                row[10] = '"deli, ""vered""\nlate"'
            if number % 501 == 0:
                row[5] = "two"
            if number % 1009 == 0:
                row[9] = 'ca"rd'
            if number % 2003 == 0:
                row = row[:8]
            if number % 3001 == 0:
                row[0] = "O1"
            rows.append(row)
        whole = kit.new_project(**{"sales_1.csv": csv(*rows)})
        split = whole.copy()
        whole.run("--no-archive", code=None)
        split.run("--no-archive", "--jobs", "2", "--set", "chunk_size_mb=1", code=None)
        tasks = kit.new_project(**{"sales_1.csv": csv(*rows)}).json("plan", "--set", "chunk_size_mb=1")["files"][0]["tasks"]
        self.assertGreaterEqual(tasks, 2)
        self.assertEqual(kit.digests(split), kit.digests(whole))
        self.assertEqual(self.quarantine(split), self.quarantine(whole))
        first, second = (self.figures(project) for project in (whole, split))
        self.assertEqual(first, second)
        self.assertEqual(kit.check_project(split), [])

    def test_split_lines_of_json_give_the_same_rows(self):
        record = dict(timestamp="2025-07-18T10:00:00Z", user_id="U1", session_id="S1", endpoint="/cart", method="GET", status_code=200,
                      response_time_ms=1.25, payload_size_bytes=7, cache_hit=True, country_code="FR", ip_address="192.0.2.1", user_agent="a \\ \"b\" é")
        lines = [json.dumps({**record, "request_id": f"r{number}"}, ensure_ascii=number % 2 == 0) for number in range(11000)]
        lines[500] = lines[500][:-9]
        lines[7000] = lines[7000].replace("200", '"x"')
        whole = kit.new_project(**{"api_logs_1.json": "\n".join(lines) + "\n"})
        split = whole.copy()
        whole.run("--no-archive")
        split.run("--no-archive", "--jobs", "2", "--set", "chunk_size_mb=1")
        self.assertEqual(kit.digests(split), kit.digests(whole))
        self.assertEqual(self.quarantine(split), self.quarantine(whole))

    @staticmethod
    def quarantine(project):
        found = []
        for path in glob.glob(project.path("data/quality/quarantine/*/*.jsonl")):
            with open(path, "rb") as file:
                found += [{**json.loads(line), "run": None} for line in file]
        return sorted(found, key=lambda entry: entry["offset"])

    @staticmethod
    def figures(project):
        report = project.report("sales_1.csv")
        return {key: value for key, value in report.items() if key not in ("run", "validated_at", "timing")}

    def test_formats_tell_the_same(self):
        """A member of a zip, a loose file, an array, lines, gzip in one piece or two: the same rows."""
        whole = kit.shop("200KB", 2)
        with zipfile.ZipFile(whole.path("data/raw/api_logs.zip")) as archive:
            data = gzip.decompress(archive.read(sorted(archive.namelist())[0]))
        found = re.findall(rb'\{"timestamp"[^\n]*?"\}', data)[:60]
        lines, array = b"\n".join(found) + b"\n", b"[" + b",\n ".join(found) + b"]"
        half = lines.index(b"\n", len(lines) // 2) + 1
        forms = {"api_logs_a.json": lines, "api_logs_b.json": array, "api_logs/x/c.json": b"\n \n" + lines.replace(b"\n", b"\r\n"),
                 "api_logs_d.json.gz": gzip.compress(array), "api_logs_e.json.gz": gzip.compress(lines[:half]) + gzip.compress(lines[half:])}
        digests = []
        for name, content in forms.items():
            project = kit.new_project(**{name: content})
            project.run("--no-archive", code=None)
            digests.append(kit.digests(project, ("_file", "_line", "_file_log", "_line_log"))["api_logs"])
        self.assertGreater(digests[0][0], 50)
        self.assertEqual(digests, digests[:1] * len(digests))

    def test_other_folder_and_relative_path(self):
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1))})
        name = os.path.basename(project.folder)
        result = kit.call("-C", name, "run", "--as-of", kit.AS_OF, cwd=os.path.dirname(project.folder))
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(kit.call("run", cwd=project.folder).code, 0)
        self.assertEqual(orders(project), [("O1",)])
        self.assertEqual(kit.check_project(project), [])

    def test_another_locale_gives_the_same(self):
        name = next((name for name in ("fr_FR.UTF-8", "fr_FR.utf8", "de_DE.UTF-8") if self.has_locale(name)), None)
        if not name:
            self.skipTest("no locale with a decimal comma is installed")
        project = kit.small_shop().copy()
        project.run("--no-archive", env=kit.environment(LC_ALL=name, LANG=name))
        whole = kit.finished(kit.small_shop)
        self.assertEqual(parts(project), parts(whole))
        for path in glob.glob(project.path("data/processed/**/*.csv"), recursive=True):
            self.assertEqual(project.read(path), whole.read(os.path.relpath(path, project.folder)))

    @staticmethod
    def has_locale(name):
        before = locale.setlocale(locale.LC_NUMERIC)
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
            return True
        except locale.Error:
            return False
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)


class Around(unittest.TestCase):
    def test_clean_up_empties_the_drop_folder(self):
        project = kit.small_shop().copy()
        raw = {path: digest for path, digest in kit.tree(project.path("data/raw")).items() if "truth" not in path}
        project.run("--set", "archive.cleanup=[raw, staging]")
        self.assertEqual([path for path in kit.tree(project.path("data/raw")) if "truth" not in path and not path.endswith(".done")], [])
        self.assertEqual(glob.glob(project.path("data/staging/*")), [])
        self.assertEqual(kit.digests(project), kit.digests(kit.finished(kit.small_shop)))
        (archive,) = glob.glob(project.path("data/archive/*.tar.gz"))
        folder = os.path.join(kit.scratch, "unpacked")
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") else file.extractall(folder)
        self.assertEqual(kit.tree(os.path.join(folder, "data/raw")), raw)
        for path in raw:  # dropped once more, they are known by their content
            project.write(os.path.join("data/raw", path), kit.small_shop().read(os.path.join("data/raw", path)))
        self.assertIn("already applied", project.run("--no-archive").out)

    def test_source_by_configuration_alone(self):
        project = kit.new_project(**{"returns_1.csv": "return_id;order_id;returned_at;refund\nR1;O1;2025-07-18T10:00:00+02:00;12,50\n"
                                                     "R2;O2;2025-07-18T23:30:00-01:00;7.25\nR3;O3;;1.00\nR4;O4;2025-07-17;-3.00\n"})
        project.edit("config/pipeline_config.yaml", "\n  sales:", """
  returns:
    files: ["returns_*.csv"]
    format: csv
    delimiter: ";"
    key: [return_id]
    partition_by: date
    derive:
      date: CAST(returned_at AS DATE)
\n  sales:""")
        project.edit("config/data_schemas.json", '"sales": {', '''"returns": {"required_columns": {
            "return_id": {"type": "string", "not_null": true}, "order_id": "string",
            "returned_at": {"type": "datetime", "not_null": true}, "refund": "decimal(10,2)"}},
  "sales": {''')
        project.edit("config/business_rules.yaml", "\nsales:\n", "\nreturns:\n  refund:\n    min_value: 0\n\nsales:\n")
        project.write("transformations/returns_daily.sql", "-- partition_by: date\nSELECT date, count(*) AS returns, sum(refund) AS refunded FROM returns GROUP BY date\n")
        project.run("--no-archive", code=1)
        self.assertEqual([(key, str(date), str(refund)) for key, date, refund in kit.table_rows(project, "returns", "return_id, date, refund")],
                         [("R2", "2025-07-19", "7.25")])
        self.assertEqual([entry["reasons"][0]["code"] for entry in project.quarantine("returns", "returns_1.csv")],
                         ["type-error", "null-value", "rule:refund.min_value"])
        self.assertEqual(dict(check_tables.replay(project.table_folder("returns")).columns)["refund"], "decimal(10,2)")
        self.assertEqual(kit.check_project(project), [])
        self.assertTrue(os.path.isdir(project.path("data/processed/kpi/returns_daily")))

    def test_select_and_dry_run(self):
        project = kit.small_shop().copy()
        before = kit.tree(project.folder)
        project.run("--dry-run")
        after = kit.tree(project.folder)
        self.assertEqual({path for path in after if not path.startswith("logs/")}, set(before))
        project.run("--select", "users", "--no-archive")
        self.assertEqual(os.listdir(project.path("data/processed/enriched")), ["users"])
        self.assertEqual({path for path, cause in causes(project).items() if cause == "applied"},
                         {os.path.basename(path) for path in glob.glob(project.path("data/raw/users_*.csv"))})
        project.run("--no-archive")
        self.assertEqual(kit.digests(project), kit.digests(kit.finished(kit.small_shop)))

    def test_validate_writes_no_table(self):
        project = kit.small_shop().copy()
        path = glob.glob(project.path("data/raw/sales_*.csv"))[0]
        self.assertIn(project.call("validate", path, "--source", "sales", code=None).code, (0, 1))
        self.assertFalse(os.path.exists(project.path("data/processed")) and check_tables.find_tables(project.folder))

    def test_worker_answers_the_protocol(self):
        """One task a line in, one result a line out; out of the task's own folder nothing is written."""
        project = kit.new_project(**{"sales_1.csv": csv(kit.sale(1), kit.sale(2, quantity="x"))})
        task = {"v": 1, "task": "t000001", "source": "sales", "root": project.path("data/raw"), "path": "sales_1.csv", "out": project.path("out")}
        lines = "".join(json.dumps({**task, "task": f"t00000{number}", "out": project.path(f"out{number}")}) + "\n" for number in (1, 2))
        result = project.call("worker", stdin=lines.encode())
        answers = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([(answer["v"], answer["task"], answer["status"]) for answer in answers], [(1, "t000001", "ok"), (1, "t000002", "ok")])
        self.assertEqual(sum(part["rows"] for part in answers[0]["parts"]), 1)
        broken = project.call("worker", stdin=b'{"v": 1, "task": 7}\n', code=None)
        self.assertEqual(broken.code, 3)


class ExitCodes(unittest.TestCase):
    def project(self):
        return kit.new_project(**{"sales_1.csv": csv(kit.sale(1), kit.sale(2), kit.sale(3, quantity=0, total_amount="0.00"))})

    def test_gate(self):
        """One bad row of three: under the threshold; and what --fail-on makes of it."""
        self.project().run("--no-archive", code=1)
        self.project().run("--no-archive", "--fail-on", "never", code=0)
        warned = kit.new_project(**{"sales_1.csv": kit.sales_csv(*range(200), 0)})
        warned.copy().run("--no-archive", code=0)
        warned.copy().run("--no-archive", "--fail-on", "warn", code=1)

    def test_usage_and_configuration(self):
        project = self.project()
        self.assertIn("--help", project.run("--no-such-option", code=2).err)
        project.call("no-such-command", code=2)
        project.run("--set", "data_workers=many", code=2)
        project.edit("config/business_rules.yaml", "    max_value: 10000", "    max_vlaue: 10000")
        result = project.run(code=2)
        self.assertRegex(result.err, r"config/business_rules\.yaml:\d+:\d+: .*did you mean `max_value`")
        self.assertEqual(kit.call("-C", os.path.join(kit.scratch, "nowhere"), "run").code, 2)

    def test_engine(self):
        project = self.project()
        project.write("transformations/broken.sql", "SELECT no_such_column FROM sales\n")
        result = project.run(code=None)
        self.assertIn(result.code, (2, 3))
        self.assertIn("broken.sql", result.err)
        self.assertFalse(os.path.exists(project.path("data/runs/00000001.json")))

    def test_runtime(self):
        project = self.project()
        os.rmdir(project.path("data/processed"))
        project.write("data/processed", b"a file where a folder should be")
        self.assertIn("data/processed", project.run(code=3).err)
        os.remove(project.path("data/processed"))
        project.run("--no-archive", code=1)
        self.assertEqual(kit.check_project(project), [])

    def test_delivery_that_fails_is_made_up_for(self):
        """The data are committed, the archive could not be written: 4, and the next run writes it."""
        project = kit.new_project(**{"sales_1.csv": kit.sales_csv(1, 2)})
        os.rmdir(project.path("data/archive"))
        project.write("data/archive", b"a file where a folder should be")
        self.assertIn("data/archive", project.run(code=4).out)
        self.assertEqual(len(orders(project)), 2)
        self.assertEqual(kit.check_project(project), [])
        os.remove(project.path("data/archive"))
        project.run()
        (archive,) = glob.glob(project.path("data/archive/*.tar.gz"))
        project.call("restore", "--verify", archive)

    def test_nothing_to_do_is_done(self):
        self.assertIn("nothing to do", kit.new_project().run().out)


class Workbook(unittest.TestCase):
    """A workbook as other programs write it, made by hand: it gives the rows of the CSV beside it."""

    HEADER = "product_id name category price cost stock brand created_at is_active rating review_count".split()

    @staticmethod
    def reference(row, column):
        return f"{chr(65 + column)}{row}"

    def sheet(self, rows, epoch_days):
        out = []
        for number, row in enumerate((self.HEADER, *rows), 1):
            cells = []
            for column, value in enumerate(row):
                place = self.reference(number, column)
                if value is None:
                    continue  # a sparse row
                if isinstance(value, bool):
                    cells.append(f'<c r="{place}" t="b"><v>{int(value)}</v></c>')
                elif column == 7 and number > 1:
                    cells.append(f'<c r="{place}" s="1"><v>{value - epoch_days}</v></c>')
                elif isinstance(value, str) and column == 1:
                    cells.append(f'<c r="{place}" t="s"><v>{number - 1}</v></c>')
                elif isinstance(value, str):
                    cells.append(f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>')
                else:
                    cells.append(f'<c r="{place}"><v>{value}</v></c>')
            out.append(f'<row r="{number}">{"".join(cells)}</row>')
        return "".join(out)

    def workbook(self, rows, date1904):
        main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006"
        names = "".join(f"<si><r><t>{row[1][:2]}</t></r><r><t>{row[1][2:]}</t></r></si>" for row in (self.HEADER, *rows))
        files = {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook {main} xmlns:r="{relations}"><workbookPr date1904="{int(date1904)}"/><sheets><sheet name="P" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
                                          f'<Relationship Id="r2" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="r3" Type="{relations}/styles" Target="styles.xml"/></Relationships>',
            "xl/sharedStrings.xml": f"<sst {main}>{names}</sst>",
            "xl/styles.xml": f'<styleSheet {main}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
            "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{self.sheet(rows, 1462 if date1904 else 0)}</sheetData></worksheet>",
        }
        path = os.path.join(kit.scratch, "book.xlsx")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in files.items():
                file.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
        with open(path, "rb") as file:
            return file.read()

    def test_gives_the_rows_of_its_csv(self):
        rows = [("P1", "Chaise é", "jardin", 10.5, 4, 3, "A", 45838.5, True, 4.5, 12), ("P2", "Table", None, 99, 50.25, 200, None, 45839, False, None, 0)]
        dates = {45838.5: "2025-06-30 12:00:00", 45839: "2025-07-01"}
        text = [["" if cell is None else str(cell).lower() if isinstance(cell, bool) else dates.get(cell, cell) if column == 7 else cell
                 for column, cell in enumerate(row)] for row in rows]
        ignore = ("_file", "_line")
        expected = kit.new_project(**{"products_catalog.csv": kit.csv_text(" ".join(self.HEADER), *text)})
        expected.run("--no-archive", code=1)  # two cells of so few are missing
        self.assertEqual(len(kit.table_rows(expected, "products")), 2)
        for date1904 in (False, True):
            with self.subTest(date1904=date1904):
                project = kit.new_project(**{"products_catalog.xlsx": self.workbook(rows, date1904)})
                project.run("--no-archive", code=1)
                self.assertEqual(kit.table_rows(project, "products", "* EXCLUDE (_file, _line)"), kit.table_rows(expected, "products", "* EXCLUDE (_file, _line)"))
                self.assertEqual(kit.digests(project, ignore), kit.digests(expected, ignore))
                self.assertEqual(project.report("products_catalog.xlsx")["input"]["layout"], "sheet P")


if __name__ == "__main__":
    unittest.main()
