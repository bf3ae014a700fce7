"""The page's facts (`ecluse dashboard --facts`) after three runs of a generated shop: days are added, one file is corrected.

Each figure is computed again from elsewhere: the answer key, the reports, the quarantine files, and the tables through an
independent reader and DuckDB."""
import collections
import csv
import io
import json
import os
import shutil
import statistics
import unittest

import duckdb
import kit

LATE = "20250718"  # the day that arrives with the second run
CORRECTED = "sales_20250716.csv"


def facts(project, *arguments):
    return json.loads(project.call("dashboard", "--facts", *arguments).out)


def reports(project):
    folder = project.path("data/quality")
    return [json.loads(project.read(f"data/quality/{name}")) for name in sorted(os.listdir(folder)) if name.startswith("validation_report_")]


class PageFacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = kit.shop(days=4).copy()
        cls.truth = kit.truth(cls.project)
        held = cls.project.path("held")
        os.makedirs(held)
        for folder in ("data/raw", "data/raw/user_sessions"):
            for name in os.listdir(cls.project.path(folder)):
                if LATE in name:
                    shutil.move(cls.project.path(folder, name), held)
        cls.project.run("--no-archive", code=None)
        cls.first = facts(cls.project)
        for name in os.listdir(held):
            shutil.move(os.path.join(held, name), cls.project.path("data/raw", "user_sessions" if name.startswith("sessions") else "", name))
        cls.project.run("--no-archive", code=None)
        cls.second = facts(cls.project)
        lines = cls.project.read(f"data/raw/{CORRECTED}").splitlines(keepends=True)
        cls.project.write(f"data/raw/{CORRECTED}", b"".join(lines[:200]))
        cls.project.run(code=None)
        cls.third = facts(cls.project)
        cls.runs = (cls.first, cls.second, cls.third)
        cls.con = duckdb.connect()
        for name in ("api_logs", "sessions", "products", "users", "sales"):
            kit.load(cls.con, cls.project, name, name)

    def sql(self, text):
        return self.con.execute(text).fetchall()

    # ---- quality

    def test_first_run_against_the_answer_key(self):
        wanted = [file for file in self.truth["files"] if LATE not in (file["path"] if not file.get("member") else "")]
        self.assertEqual(self.first["run"]["files"], len(wanted))
        for figure in ("read", "accepted", "quarantined", "duplicate"):
            self.assertEqual(self.first["run"][figure], sum(file[figure] for file in wanted), figure)

    def test_sources_files_and_checks_are_sums_of_the_reports(self):
        have = [report for report in reports(self.project) if report["run"] == self.third["run"]["id"]]
        self.assertEqual({file["label"] for file in self.third["files"]}, {report["filename"] for report in have})
        for source in self.third["sources"]:
            own = [report for report in have if report["source"] == source["name"]]
            self.assertEqual(source["files"], len(own))
            for figure in ("read", "accepted", "quarantined", "duplicate"):
                self.assertEqual(source[figure], sum(report["rows_detail"][figure] for report in own))
        sums = collections.Counter()
        for report in have:
            for check in report["checks"]:
                sums[report["source"], check["id"], "failed"] += check["failed"]
                sums[report["source"], check["id"], "evaluated"] += check["evaluated"]
        for check in self.third["checks"]:
            key = check["source"], check["id"]
            self.assertEqual((check["failed"], check["evaluated"]), (sums[*key, "failed"], sums[*key, "evaluated"]))
        for column in self.third["columns"]:
            profiles = [p for r in have if r["source"] == column["source"] for p in r["column_profiles"] if p["name"] == column["name"]]
            self.assertEqual((column["nulls"], column["values"]), (sum(p["nulls"] for p in profiles), sum(p["values"] for p in profiles)))

    def test_failed_checks_come_first(self):
        for run in self.runs:
            failed = [check["failed"] > 0 for check in run["checks"]]
            self.assertEqual(failed, sorted(failed, reverse=True))

    def test_runs_and_trends(self):
        for number, run in enumerate(self.runs, 1):
            self.assertEqual(run["runs"]["total"], number)
            self.assertEqual(len({len(values) for values in run["runs"].values() if isinstance(values, list)}), 1)
            self.assertEqual(run["runs"]["id"], [other["run"]["id"] for other in self.runs[:number]])
            self.assertEqual(run["runs"]["quarantined"], [other["run"]["quarantined"] for other in self.runs[:number]])
            self.assertEqual(run["runs"]["money_affected"], [other["run"]["money_affected"] for other in self.runs[:number]])
            self.assertEqual(run["quarantine"]["trend"]["rows"], run["runs"]["quarantined"])
            self.assertGreater(run["run"]["peak_memory_bytes"], 1 << 20)
            self.assertIn("models", [stage["name"] for stage in run["run"]["stages"]])
        by_check = [{(c["source"], c["id"]): c for c in run["checks"]} for run in self.runs]
        for key, check in by_check[2].items():
            self.assertEqual(check["history"]["run"], [i for i in range(3) if key in by_check[i]])
            self.assertEqual(check["history"]["failed"], [by_check[i][key]["failed"] for i in check["history"]["run"]])
            self.assertEqual(check["history"]["evaluated"], [by_check[i][key]["evaluated"] for i in check["history"]["run"]])

    def test_an_older_run_is_as_it_was(self):
        again = facts(self.project, "--run", "2")
        for part in ("run", "runs", "sources", "files", "checks", "columns", "issues", "anomalies"):
            with self.subTest(part):
                self.assertEqual(again[part], self.second[part])

    def test_changes(self):
        before = {(c["source"], c["id"]): c["failed"] for c in self.second["checks"]}
        now = {(c["source"], c["id"]): c for c in self.third["checks"]}
        said = {(c["source"], c["name"]) for c in self.third["run"]["changes"] if c["kind"] in ("new_check", "fixed_check")}
        wanted = {key for key, c in now.items() if key in before and c["evaluated"] and (before[key] > 0) != (c["failed"] > 0)}
        self.assertEqual(said, wanted)
        rows = next(c for c in self.third["run"]["changes"] if c["kind"] == "rows")
        self.assertEqual((rows["before"], rows["after"]), (self.second["run"]["read"], self.third["run"]["read"]))
        missing = {c["source"] for c in self.third["run"]["changes"] if c["kind"] == "missing_file"}
        self.assertEqual(missing, {s["name"] for s in self.second["sources"] if s["files"]} - {"sales"})

    def test_anomalies_are_cold_at_first(self):
        self.assertEqual({a["status"] for run in self.runs for a in run["anomalies"]}, {"cold"})
        volume = next(a for a in self.third["anomalies"] if a["source"] == "sales" and a["measure"] == "volume")
        past = [next(s["read"] for s in run["sources"] if s["name"] == "sales") for run in self.runs[:2]]
        self.assertEqual((volume["runs"], volume["median"]), (2, statistics.median(past)))
        self.assertEqual(volume["mad"], statistics.median(abs(v - statistics.median(past)) for v in past))

    def test_what_is_new_and_what_is_fixed_over_runs(self):
        """A check fails, is mended while another begins to fail, and so on; a run in between reads another source."""
        project = kit.new_project()
        rows = {1: [kit.sale(1, quantity=-1), kit.sale(2)], 2: [kit.sale(3, unit_price="-1.00"), kit.sale(4, quantity=-5), kit.sale(5)],
                3: [kit.sale(6, unit_price="-1.00"), kit.sale(7)], 5: [kit.sale(8), kit.sale(9, quantity=-1)]}
        found = {}
        for run in range(1, 6):
            if run == 4:
                project.write("data/raw/users_4.csv", "user_id,email,first_name,last_name,age,gender,country,city,registration_date,is_premium,total_orders,total_spent,last_login\n"
                              "u1,a@b.example,A,B,30,F,FR,Lyon,2024-01-01,true,1,10.0,2025-07-01\n")
            else:
                project.write(f"data/raw/sales_{run}.csv", kit.csv_text(kit.SALES_HEADER, *rows[run]))
            project.run("--no-archive", code=None)
            found[run] = facts(project)
        said = {run: {(c["kind"], c["name"], c["before"], c["after"]) for c in found[run]["run"]["changes"] if c["kind"] in ("new_check", "fixed_check")} for run in found}
        marks = {run: {(c["id"], c["change"]) for c in found[run]["checks"] if c["change"]} for run in found}
        quantity, price = "quantity.min_value", "unit_price.min_value"
        self.assertEqual((said[1], marks[1]), (set(), set()))  # nothing to compare with
        self.assertIn(("new_check", price, 0, 1), said[2])
        self.assertNotIn(quantity, {name for _, name, _, _ in said[2]})  # it failed, and fails
        self.assertIn((price, "new"), marks[2])
        self.assertEqual({one for one in said[3] if one[1] in (quantity, price)}, {("fixed_check", quantity, 1, 0)})
        self.assertIn((quantity, "fixed"), marks[3])
        self.assertEqual((said[4], marks[4]), (set(), set()))  # no file of sales came: none of its checks is mended
        self.assertEqual({(c["kind"], c["source"]) for c in found[4]["run"]["changes"] if c["kind"].endswith("_file")}, {("missing_file", "sales"), ("new_file", "users")})
        self.assertEqual({one for one in said[5] if one[1] in (quantity, price)}, {("new_check", quantity, 0, 1), ("fixed_check", price, 1, 0)})
        since = {c["since"] for c in found[5]["run"]["changes"] if c["kind"] in ("new_check", "fixed_check")}
        self.assertEqual(since, {found[3]["run"]["started"]})  # compared with the last run that read the source, and said so
        self.assertEqual({c["since"] for run in (2, 3) for c in found[run]["run"]["changes"]}, {None})
        issue = next(issue for issue in found[3]["issues"] if issue["check"] == price)
        self.assertEqual(issue["first_seen"], found[2]["run"]["started"])

    # ---- quarantine

    def test_money_is_the_sum_over_quarantined_rows(self):
        """The amounts that can be read, of rows that are not damaged and no duplicates, from their original bytes."""
        header = self.project.read(f"data/raw/{CORRECTED}").splitlines()[0].decode().split(",")
        place, cents = header.index("total_amount"), 0
        for line in self.project.quarantine("sales", CORRECTED):
            codes = {reason["code"] for reason in line["reasons"]}
            cells = next(csv.reader(io.StringIO(line["raw"])), []) if line.get("raw") else []
            if codes & {"parse-error", "missing-cell", "extra-cell", "encoding-error", "too-long", "duplicate-key"}:
                continue
            if any(r["code"] == "type-error" and r["column"] == "total_amount" for r in line["reasons"]) or not cells[place]:
                continue
            cents += round(float(cells[place]) * 100)
        self.assertEqual(round(self.third["run"]["money_affected"] * 100), cents)

    def test_rejected_rows_are_those_of_quarantine(self):
        lines = {(source, name): {line["offset"]: line for line in self.project.quarantine(source, name)}
                 for source, name in {(row["source"], row["file"]) for row in self.third["quarantine"]["rows"]}}
        self.assertTrue(self.third["quarantine"]["rows"])
        for row in self.third["quarantine"]["rows"]:
            line = lines[row["source"], row["file"]][row["offset"]]
            self.assertEqual((row["line"], row["raw"]), (line["line"], line["raw"][:500]))
            self.assertEqual([r["code"] for r in row["reasons"]], [r["code"] for r in line["reasons"]])
            self.assertEqual({c["column"] for c in row["cells"] if c["bad"]},
                             {r["column"] for r in line["reasons"] if r["column"]} & {c["column"] for c in row["cells"]})
            cells = next(csv.reader(io.StringIO(line["raw"])))
            if len(cells) == len(row["cells"]):
                self.assertEqual([c["value"] or "" for c in row["cells"]], cells)

    def test_personal_data_are_masked(self):
        personal = {str(value) for row in self.sql("SELECT email, last_name FROM users") for value in row if value and len(str(value)) > 6}
        text = json.dumps(self.first, ensure_ascii=False)
        self.assertEqual([value for value in personal if "@" in value and value in text], [])
        shown = [c["value"] for row in self.first["quarantine"]["rows"] for c in row["cells"] if c["column"] in ("email", "first_name", "ip_address") and c["value"]]
        self.assertTrue(shown)
        self.assertTrue(all(value.endswith("not shown)") for value in shown))

    # ---- business

    def columns(self, part, *names):
        return list(zip(*(self.third["business"][part][name] for name in names)))

    def test_sales(self):
        self.assertEqual(self.columns("sales", "day", "orders", "units", "revenue"), self.sql("""
            SELECT CAST(date AS VARCHAR), count(*), sum(quantity), CAST(sum(CAST(total_amount AS DECIMAL(18, 2))) AS DOUBLE)
            FROM sales GROUP BY 1 ORDER BY 1"""))
        self.assertEqual(sorted(self.columns("sales_by_category", "category", "orders", "revenue", "margin")), self.sql("""
            SELECT coalesce(p.category, 'unknown'), count(*), CAST(sum(CAST(total_amount AS DECIMAL(18, 2))) AS DOUBLE),
                coalesce(CAST(round(sum(CAST(total_amount AS DECIMAL(18, 4)) - quantity * CAST(cost AS DECIMAL(18, 4))), 2) AS DOUBLE), 0)
            FROM sales s LEFT JOIN products p USING (product_id) GROUP BY 1 ORDER BY 1"""))

    def test_sessions(self):
        self.assertEqual(tuple(self.third["business"]["funnel"].values()), self.sql("""
            SELECT count(*), count_if(products_viewed > 0), count_if(products_added_to_cart > 0), count_if(conversion) FROM sessions""")[0])
        self.assertEqual(sorted(self.columns("by_device", "name", "sessions", "conversion", "bounce", "abandonment")), self.sql("""
            SELECT coalesce(device_type, 'unknown'), count(*), round(100.0 * count_if(conversion) / count(*), 4),
                round(100.0 * count_if(bounce_rate) / count(*), 4),
                round(100.0 * count_if(products_added_to_cart > 0 AND NOT conversion) / nullif(count_if(products_added_to_cart > 0), 0), 4)
            FROM sessions GROUP BY 1 ORDER BY 1"""))
        self.assertEqual(self.columns("hours", "weekday", "hour", "sessions", "converted"), self.sql("""
            SELECT isodow(start_time), hour(start_time), count(*), count_if(conversion) FROM sessions GROUP BY 1, 2 ORDER BY 1, 2"""))

    def test_customers_and_products(self):
        self.assertEqual(sorted((t, c, u) for t, c, u in self.columns("customers", "type", "country", "users")), self.sql("""
            SELECT customer_type, coalesce(country, 'unknown'), count(*) FROM users GROUP BY 1, 2 ORDER BY 1, 2"""))
        self.assertEqual(sorted(self.columns("products", "category", "products", "stock_outs", "low", "negative_margins")), self.sql("""
            SELECT coalesce(category, 'unknown'), count(*), count_if(stock <= 0), count_if(stock <= 10), count_if(price < cost)
            FROM products GROUP BY 1 ORDER BY 1"""))

    def test_requests(self):
        self.assertEqual(self.columns("api_daily", "day", "requests", "errors_4xx", "errors_5xx", "cache_hits"), self.sql("""
            SELECT CAST(date AS VARCHAR), count(*), count_if(status_code // 100 = 4), count_if(status_code // 100 = 5), count_if(cache_hit)
            FROM api_logs GROUP BY 1 ORDER BY 1"""))
        day = self.third["business"]["api_day"]
        for category, requests, *quantiles in self.columns("api_by_category", "category", "requests", "p50", "p95", "p99"):
            values = sorted(row[0] for row in self.sql(f"""SELECT response_time_ms FROM api_logs
                WHERE date = '{day}' AND category = '{category}' AND response_time_ms IS NOT NULL"""))
            for p, quantile in zip((0.5, 0.95, 0.99), quantiles):
                at = p * (len(values) - 1)
                low = values[int(at)]
                self.assertAlmostEqual(quantile, low + (values[min(int(at) + 1, len(values) - 1)] - low) * (at - int(at)), places=6)
            self.assertGreaterEqual(requests, len(values))

    def test_strip(self):
        strip = {figure["name"]: figure for figure in self.third["business"]["strip"]}
        (day, orders, revenue), = self.sql("""SELECT CAST(date AS VARCHAR), count(*), round(sum(total_amount), 2) FROM sales
            GROUP BY date ORDER BY date DESC LIMIT 1""")
        self.assertEqual((strip["revenue"]["day"], strip["orders"]["value"], strip["revenue"]["value"]), (day, orders, revenue))
        self.assertEqual(strip["average_order"]["value"], round(revenue / orders, 2))
        for figure in strip.values():
            self.assertEqual((len(figure["series"]), figure["series"][-1]), (30, figure["value"]))
        for place in strip["revenue"]["touched"]:
            check = self.third["checks"][place]
            self.assertIn(check["source"], ("sales", "products"))
            self.assertGreater(check["failed"], 0)
        failed = [i for i, c in enumerate(self.first["checks"]) if c["status"] in ("failed", "warned") and c["source"] == "api_logs"]
        self.assertEqual(next(f for f in self.first["business"]["strip"] if f["name"] == "p95_latency")["touched"], failed)

    def test_lineage(self):
        nodes, edges = self.third["lineage"]["nodes"], self.third["lineage"]["edges"]
        named = {(nodes[a]["id"], nodes[b]["id"]) for a, b in edges}
        self.assertIn((CORRECTED, "sales"), named)
        self.assertIn(("sales", "sales_kpi"), named)
        self.assertIn(("products", "sales_kpi"), named)
        self.assertIn(("api_logs", "combined_sessions"), named)

    # ---- what is not there

    def test_without_a_model_its_figures_say_why(self):
        project = self.project.copy()
        os.unlink(project.path("transformations/sessions_hourly.sql"))
        shutil.rmtree(project.path("data/processed/kpi/sessions_hourly"))
        project.edit("transformations/sales_kpi.sql", "exact_sum(s.total_amount - s.quantity * p.cost) AS margin", "1 AS profit")
        shutil.rmtree(project.path("data/processed/kpi/funnel_daily/_delta_log"))
        business = facts(project)["business"]
        self.assertIsNone(business["hours"])
        self.assertEqual(business["reasons"]["hours"], "there is no table sessions_hourly")
        self.assertIsNone(business["funnel"])
        self.assertIsNone(next(f for f in business["strip"] if f["name"] == "conversion")["value"])
        self.assertIsNotNone(business["sales"])

    def test_alerts_of_the_outbox(self):
        project = self.project.copy()
        project.write("data/quality/alerts.jsonl", "".join(json.dumps(line) + "\n" for line in (
            {"at": "2025-07-19T00:00:00Z", "type": "smtp", "target": "a@b.example", "status": "pending", "message": None, "id": "1"},
            {"at": "2025-07-19T00:00:01Z", "type": "file", "target": "f", "status": "sent", "message": None, "id": "1"},
            {"at": "2025-07-19T00:01:00Z", "type": "smtp", "target": "a@b.example", "status": "sent", "message": "<ok>", "id": "1"})) + "torn")
        result = project.call("dashboard", "--facts").out
        self.assertNotIn("<ok>", result)
        self.assertEqual([(a["type"], a["status"], a["message"]) for a in json.loads(result)["alerts"]],
                         [("smtp", "sent", "<ok>"), ("file", "sent", None)])

    def test_the_page_of_a_run_shows_rows_of_files_that_were_read_in_ranges(self):
        """Their quarantine is put together when the files of a run are put in place: the page is drawn after that."""
        project = kit.new_project()
        rows = [kit.sale(i) for i in range(40000)]
        for i in (10, 20000, 39990):
            rows[i] = kit.sale(i, quantity="two")
        project.write("data/raw/sales_1.csv", kit.csv_text(kit.SALES_HEADER, *rows))
        project.run("--no-archive", "--set", "chunk_size_mb=1", "--as-of", kit.AS_OF, code=None)
        page = project.read("data/quality/dashboard.html").decode()
        found = json.loads(page[page.index('id="facts">') + len('id="facts">'):].split("</script>")[0])
        self.assertEqual([(row["line"], row["reasons"][0]["value"]) for row in found["quarantine"]["rows"]], [(12, "two"), (20002, "two"), (39992, "two")])

    def test_hostile_names_stay_json(self):
        name = "sales_<img src=x>&'\".csv"
        header = "order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status"
        row = "o1,2025-07-18 10:00:00,u,s,<script>alert(1)</script>,two,1.00,0,1.00,card,paid"
        project = kit.new_project(**{name: f"{header}\n{row}\n"})
        project.run("--no-archive", code=None)
        text = project.call("dashboard", "--facts").out
        self.assertEqual([sign for sign in "<>&\u2028\u2029" if sign in text], [])
        shown = json.loads(text)
        self.assertEqual(shown["files"][0]["label"], name)
        cells = {cell["column"]: cell for cell in shown["quarantine"]["rows"][0]["cells"]}
        self.assertEqual(cells["product_id"]["value"], "<script>alert(1)</script>")
        self.assertTrue(cells["quantity"]["bad"])

    def test_an_anomaly_is_found_after_eight_runs(self):
        header = "order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status"
        project = kit.new_project()
        for run in range(1, 10):
            rows = 40 if run < 9 else 4
            lines = [f"o{run}-{i},2025-07-{run:02d} 10:00:00,u,s,p,1,1.00,0,1.00,card,paid" for i in range(rows)]
            project.write(f"data/raw/sales_{run}.csv", "\n".join([header, *lines]) + "\n")
            result = project.run("--no-archive", code=None)
            self.assertEqual("unlike earlier runs" in result.out, run == 9, result.out)
        found = [a for a in facts(project)["anomalies"] if a["status"] == "anomalous"]
        self.assertEqual([(a["source"], a["measure"], a["value"], a["median"], a["runs"]) for a in found], [("sales", "volume", 4, 40, 8)])
        report = project.report("sales_9.csv")
        self.assertEqual(report["status"], "warned")
        self.assertEqual([a["measure"] for a in report["anomalies"] if a["status"] == "anomalous"], ["volume"])
        project.write("config/quality_thresholds.yaml", "anomalies: {severity: error}\n")
        lines = [f"p{i},2025-07-10 10:00:00,u,s,p,1,1.00,0,1.00,card,paid" for i in range(4)]
        project.write("data/raw/sales_10.csv", "\n".join([header, *lines]) + "\n")
        self.assertEqual(project.run("--no-archive", code=None).code, 1)
        self.assertIn("unlike earlier runs", project.report("sales_10.csv")["errors"][0])


if __name__ == "__main__":
    unittest.main()
