#!/usr/bin/env python3
"""500 hostile texts (tests/data/hostile) through every text column of every source, a workbook, and as names of files: inert in each
output. Parsers that share no code with ours read all of it; then the bytes are looked at."""
import csv
import email
import email.policy
import glob
import html.parser
import json
import os
import re
import unittest

import kit
import receivers
from test_alerts import quoted
from test_hostile import SHEET, STRING_LIST, workbook

with open(os.path.join(kit.HERE, "..", "data", "hostile", "strings.jsonl"), "rb") as file:
    TEXTS = [json.loads(line)["text"] for line in file]
WRONG = [text for text in TEXTS if text.strip() and not text.isdigit()]  # that are no values of another type
# Text that commands a terminal, ends a line where none ends, or reorders what stands around it.
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
INVISIBLE = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"
                       "\u0600-\u0605\u061c\u06dd\u070f\U000e0000-\U000e0fff\x80-\x9f]")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


def visible(text):
    """As people are shown it: what cannot be seen is named. Written from the description in publish/visible.h."""
    text = "".join(chr(0x2400 + ord(c)) if c < " " else "\u2421" if c == "\x7f" else c for c in text)
    return INVISIBLE.sub(lambda match: f"[U+{ord(match.group()):04X}]", text)


def cell(text):
    return '"' + str(text).replace('"', '""') + '"'


def table(header, rows):
    return "\n".join([header, *(",".join(map(cell, row)) for row in rows)]) + "\n"


def sales(rows):
    return table(kit.SALES_HEADER.replace(" ", ","), rows)


class Page(html.parser.HTMLParser):
    """What a page is made of: its elements with their attributes' names, its scripts, its addresses."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.shapes, self.scripts, self.data, self.urls, self.kind, self.text = set(), [], [], set(), None, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.shapes.add((tag, tuple(sorted(name for name, _ in attrs))))
        self.urls |= {value for name, value in attrs if name in ("href", "src", "action")}
        self.kind = (tag, dict(attrs).get("type")) if tag == "script" else None

    def handle_endtag(self, tag):
        self.kind = None

    def handle_data(self, data):
        if self.kind is None:
            self.text.append(data)
        else:
            (self.data if self.kind[1] == "application/json" else self.scripts).append(data)

    def handle_comment(self, data):
        self.shapes.add(("comment", data[:20]))


def names():
    """Texts that a file can be named after, the most of every kind."""
    return [text for text in TEXTS if "/" not in text and len(text.encode()) < 120][::5][:80]


class Tables(unittest.TestCase):
    """Accepted: every text column of every source that no rule restricts holds every text."""

    @classmethod
    def setUpClass(cls):
        log = {"user_id": "U1", "method": "GET", "status_code": 200, "response_time_ms": 1.5, "payload_size_bytes": 10, "cache_hit": False,
               "country_code": "FR", "timestamp": "2025-07-18T10:00:00Z"}
        many = list(enumerate(TEXTS))
        files = {
            "api_logs_1.json": "\n".join(json.dumps({**log, "request_id": f"{t}#{n}", "session_id": t, "endpoint": t, "ip_address": t, "user_agent": t, "user_id": t,
                                                     "country_code": t}) for n, t in many),
            "user_sessions/sessions_1.csv": table("session_id,user_id,start_time,end_time,pages_visited,products_viewed,products_added_to_cart,conversion,total_spent,"
                                                  "bounce_rate,device_type,browser,referrer,country,city",
                                                  [(f"{t}#{n}", t, "2025-07-18 10:00:00", "2025-07-18 10:05:00", "3", "2", "1", "false", "0.0", "false", t, t, t, t, t) for n, t in many]),
            "products_catalog.csv": table("product_id,name,category,price,cost,stock,brand,created_at,is_active,rating,review_count",
                                          [(f"{t}#{n}", t, t, "10.00", "5.00", "50", t, "2025-07-18 10:00:00", "true", "4.0", "3") for n, t in many]),
            "users_1.csv": table("user_id,email,first_name,last_name,age,gender,country,city,registration_date,is_premium,total_orders,total_spent,last_login",
                                 [(f"{t}#{n}", t, t, t, "30", "F", t, t, "2025-01-01", "true", "3", "10.50", "2025-07-01") for n, t in many]),
            "sales_1.csv": sales([(f"{t}#{n}", "2025-07-18 10:00:00", t, t, f"{t}#{n}", "2", "10.00", "0.00", "20.00", t, t) for n, t in many]),
        }
        cls.project = kit.new_project(**files)
        cls.result = cls.project.run("--no-archive", "--fail-on", "never", code=None)

    def test_all_rows_come_through_as_they_were(self):
        self.assertEqual(self.result.code, 0, self.result.err)
        for source, column in (("api_logs", "user_agent"), ("sessions", "browser"), ("products", "name"), ("users", "first_name"), ("sales", "status")):
            with self.subTest(source):
                self.assertEqual(sorted(row[0] for row in kit.table_rows(self.project, source, f'"{column}"')), sorted(TEXTS))
        self.assertEqual(kit.check_project(self.project), [])

    def test_csv_is_text_for_a_spreadsheet(self):
        found = {}
        paths = [path for path in glob.glob(self.project.path("data/processed/**/*.csv"), recursive=True)]
        self.assertTrue(paths)
        for path in paths:
            with open(path, newline="", encoding="utf-8") as text:
                header, *rows = csv.reader(text, strict=True)
            for row in rows:
                self.assertEqual(len(row), len(header), path)
                for name, value in zip(header, row):
                    found.setdefault((os.path.basename(path).split("_")[0], name), set()).add(value)
                    self.assertFalse(value.startswith(FORMULA) and not NUMBER.match(value), (path, name, value))
        guarded = {"'" + text if text.startswith(FORMULA) else text for text in TEXTS}
        for key in (("sessions", "browser"), ("sessions", "referrer"), ("sessions", "city"), ("products", "category"), ("sales", "payment_method"), ("sales", "status")):
            if key in found:
                with self.subTest(key):
                    self.assertEqual(guarded - found[key], set())
        self.assertIn(("sessions", "browser"), found)
        self.assertIn(("sales", "status"), found)

    def test_no_value_leads_out_of_its_folder(self):
        outside = [path for path in glob.glob(self.project.path("*")) if os.path.basename(path) not in
                   ("config", "transformations", "data", "logs", "README.md")]
        self.assertEqual(outside, [])
        for top, folders, files in os.walk(self.project.path("data")):
            for name in folders + files:
                self.assertNotRegex(name, "[\x00-\x1f\x7f]")  # ls and shells know what to do with the rest

    def test_what_is_printed_and_logged(self):
        Rejected.look_at_lines(self, self.project, self.result)

    def test_json_parses(self):
        Rejected.look_at_json(self, self.project)

    def test_commands(self):
        for words in (("history",), ("report",), ("quarantine", "list"), ("quarantine", "show"), ("alerts", "list"), ("plan",)):
            Rejected.look_at_output(self, self.project.call(*words, code=None))


def xml_text(text):
    """As spreadsheet programs write it: what XML cannot hold, and what looks like that, is _xHHHH_."""
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    text = re.sub("[\x00-\x08\x0b-\x1f\ufffe\uffff]", lambda match: f"_x{ord(match.group()):04X}_", text)
    return "<t xml:space='preserve'>" + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + "</t>"


class Workbook(unittest.TestCase):
    """The texts in the cells of a workbook, by turns shared strings and inline ones: the same rows as from CSV, as inert."""

    HEADER = ("product_id", "name", "category", "price", "cost", "stock", "brand", "created_at", "is_active", "rating", "review_count")

    @classmethod
    def setUpClass(cls):
        rows = [(f"{t}#{n}", t, t, 10, 5, 50, t, "2025-07-18 10:00:00", "true", 4, 3) for n, t in enumerate(TEXTS)]
        cls.project = kit.new_project(**{"products_catalog.xlsx": cls.book(rows)})
        cls.result = cls.project.run("--no-archive", "--fail-on", "never", code=None)
        cls.plain = kit.new_project(**{"products_catalog.csv": table(",".join(cls.HEADER), rows)})
        cls.plain.run("--no-archive", "--fail-on", "never")

    @classmethod
    def book(cls, rows):
        shared, lines = [], []
        for number, row in enumerate((cls.HEADER, *rows), 1):
            cells = ""
            for column, cell in enumerate(row):
                place = f"{'ABCDEFGHIJK'[column]}{number}"
                if not isinstance(cell, str):
                    cells += f"<c r='{place}'><v>{cell}</v></c>"
                elif (number + column) % 2:
                    cells += f"<c r='{place}' t='inlineStr'><is>{xml_text(cell)}</is></c>"
                else:
                    cells += f"<c r='{place}' t='s'><v>{len(shared)}</v></c>"
                    shared.append(f"<si>{xml_text(cell)}</si>")
            lines.append(f"<row r='{number}'>{cells}</row>")
        return workbook(SHEET % "".join(lines), STRING_LIST % "".join(shared))

    def test_all_rows_come_through_as_they_were(self):
        self.assertEqual(self.result.code, 0, self.result.err)
        for column in ("name", "category", "brand"):
            self.assertEqual(sorted(row[0] for row in kit.table_rows(self.project, "products", f'"{column}"')), sorted(TEXTS))
        ignore = ("_file", "_line")
        self.assertEqual(kit.digests(self.project, ignore), kit.digests(self.plain, ignore))
        self.assertEqual(kit.check_project(self.project), [])

    def test_csv_files_are_those_of_the_csv(self):
        paths = [glob.glob("data/processed/**/*.csv", root_dir=project.folder, recursive=True) for project in (self.project, self.plain)]
        self.assertTrue(paths[0])
        self.assertEqual(sorted(paths[0]), sorted(paths[1]))
        for path in paths[0]:
            self.assertEqual(self.project.read(path), self.plain.read(path))

    def test_outputs_are_inert(self):
        Rejected.look_at_lines(self, self.project, self.result)
        Rejected.look_at_json(self, self.project)


class Rejected(unittest.TestCase):
    """Rejected: texts in columns of other types, and names of files, through reports, page, logs, mails, webhooks."""

    PER_RUN, EXAMPLES = 20, 3

    @classmethod
    def setUpClass(cls):
        cls.web, cls.mail = receivers.Web(), receivers.Mail(tls=False)
        alerts = [{"type": "file"}, {"type": "smtp", "host": "127.0.0.1", "port": cls.mail.port, "tls": "none", "from": "e@shop.example", "to": "d@shop.example",
                                     "repeat_after": "0s"}]
        alerts += [{"type": "webhook", "name": shape, "format": shape, "url": f"{cls.web.url}/{shape}", "tls": "none", "repeat_after": "0s"}
                   for shape in ("json", "slack", "teams", "discord")]
        cls.benign = cls.shop(alerts)
        cls.benign.write("data/raw/sales_x.csv", cls.bad_file(0, ["two", "three", "four"]))
        cls.benign.run("--no-archive", "--fail-on", "never")
        cls.web.requests.clear()
        cls.mail.messages.clear()
        cls.project, cls.results = cls.shop(alerts), []
        called = names()
        for name in called:  # which belongs to no source: said in the log
            cls.project.write(os.path.join("data/raw", f"nobody{name}.txt"), "x")
        for first in range(0, len(TEXTS), cls.PER_RUN * cls.EXAMPLES):
            for n in range(cls.PER_RUN):
                texts = TEXTS[first + n * cls.EXAMPLES:first + (n + 1) * cls.EXAMPLES]
                if texts:
                    name = called[(first // cls.EXAMPLES + n) % len(called)]
                    cls.project.write(os.path.join("data/raw", f"sales_{first + n:04d}{name}.csv"), cls.bad_file(first + n, texts))
            cls.results.append(cls.project.run("--no-archive", "--fail-on", "never", code=None))

    @classmethod
    def tearDownClass(cls):
        cls.web.close()
        cls.mail.close()

    @staticmethod
    def shop(alerts):
        project = kit.new_project()
        text = project.read("config/pipeline_config.yaml").decode()
        project.write("config/pipeline_config.yaml", text[:text.index("\nalerts:")] + "\nalerts:\n" + "".join(f"  - {quoted(a)}\n" for a in alerts))
        return project

    @staticmethod
    def bad_file(number, texts):
        """A row for each text, in a column of another type: its sample is the text."""
        rows = [dict(zip(kit.SALES_HEADER.split(), kit.sale(f"{number}_{i}"))) for i in range(len(texts))]
        for row, column, text in zip(rows, ("quantity", "unit_price", "order_date"), texts):
            row[column] = text
        return sales([row.values() for row in rows])

    # ---- what holds of every output ----

    def look_at_output(self, result):
        for text in (result.out, result.err):
            self.assertIsNone(CONTROLS.search(text), repr(CONTROLS.search(text) and text[max(0, CONTROLS.search(text).start() - 40):][:100]))

    def look_at_lines(self, project, result):
        Rejected.look_at_output(self, result)
        for path in glob.glob(project.path("logs/*.log")):
            with open(path, "rb") as log:
                text = log.read().decode()
            Rejected.look_at_output(self, kit.Result(0, text, ""))
            for line in text.splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO |WARN |ERROR) ")
                self.assertNotIn("2026-01-01T00:00:00Z", line[:20])

    def look_at_json(self, project):
        paths = [path for path in glob.glob(project.path("data/**/*"), recursive=True) if path.endswith((".json", ".jsonl")) and os.path.isfile(path) and "/data/raw/" not in path]
        paths += glob.glob(glob.escape(project.path("data/raw")) + "/*.done")
        self.assertTrue(paths)
        for path in paths:
            with open(path, "rb") as text:
                data = text.read()
            self.assertIsNone(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data), path)
            for line in data.splitlines() if path.endswith(".jsonl") or "_delta_log" in path else [data]:
                json.loads(line)

    # ---- the outputs ----

    def test_runs_end_well(self):
        for result in self.results:
            self.assertEqual(result.code, 0, result.out + result.err)
            self.look_at_lines(self.project, result)

    def test_json(self):
        self.look_at_json(self.project)
        folder = self.project.path("data/quality/quarantine/sales")
        lines = [line for name in os.listdir(folder) for line in self.project.read(os.path.join(folder, name)).splitlines()]
        values = {reason["value"] for line in lines for reason in json.loads(line)["reasons"]}
        self.assertEqual(set(WRONG) - values, set())

    def test_page(self):
        text = self.project.read("data/quality/dashboard.html").decode()
        page, benign = Page(text), Page(self.benign.read("data/quality/dashboard.html").decode())
        self.assertIsNone(CONTROLS.search("".join(page.text).replace("\t", " ")))
        self.assertEqual(page.scripts, benign.scripts)  # nothing that runs comes from data
        self.assertEqual(len(page.data), len(benign.data))
        for data in page.data:
            json.loads(data)
            self.assertNotIn("<", data)
        for tag, attributes in page.shapes:
            self.assertIn(tag, {name for name, _ in benign.shapes} | {"bdi", "br", "li", "ul", "small", "td", "tr"})
            self.assertFalse([name for name in attributes if name.startswith("on")], tag)
        for url in page.urls:
            self.assertNotRegex(url, r"(?i)^\s*(javascript|data|vbscript|https?|file|//)")

    def test_alert_file(self):
        text = self.project.read("data/quality/quality_alert.txt").decode()
        self.assertIsNone(CONTROLS.search(text))

    def test_mails(self):
        self.assertEqual(len(self.mail.messages), len(self.results))
        told = ""
        for sender, to, content, _ in self.mail.messages:
            self.assertEqual((sender, to), ("e@shop.example", ["d@shop.example"]))
            self.assertIsNone(re.search(rb"[^\x20-\x7e\r\n]|\r(?!\n)|(?<!\r)\n", content))
            self.assertTrue(all(len(line) <= 998 for line in content.split(b"\r\n")))
            message = email.message_from_bytes(content, policy=email.policy.default)
            self.assertEqual(message.defects, [])
            self.assertEqual(message.keys(), ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Auto-Submitted", "X-Ecluse-Alert", "Content-Type"])
            parts = list(message.iter_parts())
            self.assertEqual([part.get_content_type() for part in parts], ["text/plain", "text/html"])
            told += parts[0].get_content()
            self.assertIsNone(CONTROLS.search(parts[0].get_content().replace("\r", "")))
            page = Page(parts[1].get_content())
            self.assertLessEqual({tag for tag, _ in page.shapes}, {"html", "head", "meta", "title", "body", "div", "h1", "p", "span", "b", "bdi", "ul", "li", "br"})
            self.assertEqual((page.scripts, page.urls), ([], set()))
            for example in re.findall(r"For example: (.*)", parts[0].get_content()):
                self.assertIn(example, "".join(page.text))
        missing = [text for text in WRONG if visible(text.strip(" ")) not in told]
        self.assertEqual(missing, [])

    def test_webhooks(self):
        shapes = {}
        for path, _, body in self.web.requests:
            self.assertIsNone(re.search(rb"[\x00-\x1f\x7f]", body))
            shapes.setdefault(path[1:], []).append(json.loads(body))
        self.assertEqual({name: len(bodies) for name, bodies in shapes.items()}, dict.fromkeys(("json", "slack", "teams", "discord"), len(self.results)))
        told = "".join(example for body in shapes["json"] for issue in body["issues"] for example in issue["examples"])
        self.assertEqual([text for text in WRONG if visible(text.strip(" ")) not in told], [])
        for bodies in shapes.values():
            for body in bodies:
                self.assertIsNone(CONTROLS.search(json.dumps(body, ensure_ascii=False).replace("\\n", "")))
        for body in shapes["slack"]:
            self.assertNotRegex(body["text"], "[<>]")
            self.assertEqual({block["text"]["type"] for block in body["blocks"]}, {"plain_text"})
        for body in shapes["teams"]:
            self.assertEqual({block["type"] for block in body["attachments"][0]["content"]["body"]}, {"RichTextBlock"})
        for body in shapes["discord"]:
            self.assertEqual(body["allowed_mentions"], {"parse": []})
            for text in [body["embeds"][0]["title"]] + [field[key] for field in body["embeds"][0]["fields"] for key in ("name", "value")]:
                self.assertNotRegex(text, r"(?<!\\)(?:\\\\)*[*_~`|<>@\[\]]")

    def test_commands(self):
        for words in (("history",), ("report",), ("quarantine", "list"), ("quarantine", "show"), ("alerts", "list"), ("plan",)):
            self.look_at_output(self.project.call(*words, code=None))


if __name__ == "__main__":
    unittest.main()
