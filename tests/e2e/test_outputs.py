#!/usr/bin/env python3
"""What other programs read of a run, held against their own readers: JUnit's shape as Jenkins' schema
has it, prometheus_client's parser, OpenLineage's classes, a server on loopback that takes events."""
import http.server
import json
import os
import re
import socket
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

import attr
from openlineage.client.event_v2 import RunEvent, RunState
from openlineage.client.generated import (base, column_lineage_dataset, data_quality_assertions_dataset, data_quality_metrics_input_dataset,
                                          datasource_dataset, error_message_run, input_statistics_input_dataset, job_type_job,
                                          nominal_time_run, output_statistics_output_dataset, processing_engine_run, schema_dataset)
from prometheus_client.parser import text_string_to_metric_families

import kit

BAD = kit.csv_text(kit.SALES_HEADER, kit.sale(1), kit.sale(2, quantity="tw\u202eo]]>"), kit.sale(3, quantity=0),
                   kit.sale(4, user_id="<&\"'\x01"), kit.sale(1))


def project(**files):
    return kit.new_project(**(files or {"sales_1.csv": BAD, "sales_2.csv": kit.sales_csv(7, 8, 9), "users_1.csv": b""}))


# ---------------------------------------------------------------- JUnit

# The elements and attributes of Jenkins' junit-10.xsd; file and line are GitLab's and pytest's.
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time", "disabled", "skipped"}, ["testsuite"]),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package", "group", "file"},
                  ["properties", "testcase", "system-out", "system-err", "testsuite"]),
    "properties": (set(), ["property"]),
    "property": ({"name", "value"}, []),
    "testcase": ({"name", "classname", "time", "group", "file", "line"}, ["skipped", "error", "failure", "system-out", "system-err"]),
    "failure": ({"message", "type"}, []),
    "error": ({"message", "type"}, []),
    "skipped": ({"message", "type"}, []),
    "system-out": (set(), []),
    "system-err": (set(), []),
}
NEEDED = {"testsuite": {"name", "tests"}, "testcase": {"name", "classname"}, "property": {"name", "value"}}


def junit_problems(element, path=""):
    path += "/" + element.tag
    if element.tag not in JUNIT:
        return [f"{path}: unknown element"]
    attributes, children = JUNIT[element.tag]
    found = [f"{path}: attribute {name}" for name in set(element.attrib) - attributes]
    found += [f"{path}: lacks {name}" for name in NEEDED.get(element.tag, set()) - set(element.attrib)]
    found += [f"{path}: {name} is no number" for name in ("tests", "failures", "errors", "skipped") if not re.fullmatch(r"\d+", element.get(name, "0"))]
    if not re.fullmatch(r"\d+(\.\d+)?", element.get("time", "0")):
        found.append(f"{path}: time {element.get('time')}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp", "2025-01-01T00:00:00")):
        found.append(f"{path}: timestamp {element.get('timestamp')}")
    order = -1
    for child in element:
        if child.tag not in children:
            found.append(f"{path}: holds {child.tag}")
            continue
        if element.tag == "testsuite" and children.index(child.tag) < order:
            found.append(f"{path}: {child.tag} stands too late")
        order = children.index(child.tag)
        found += junit_problems(child, path)
    return found


def count(element, tag):
    return len(element.findall(f".//{tag}"))


class JUnit(unittest.TestCase):
    def check(self, text):
        root = ElementTree.fromstring(text)
        self.assertEqual(junit_problems(root), [])
        for part in [root, *root.findall("testsuite")]:
            self.assertEqual([part.get("tests"), part.get("failures"), part.get("errors"), part.get("skipped")],
                             [str(count(part, tag)) for tag in ("testcase", "failure", "error", "skipped")])
        return root

    def test_the_shape_is_that_of_the_schema_and_the_counts_are_right(self):
        p = project()
        for result in (p.run("--no-archive", "--format", "junit", code=1),
                       p.call("validate", *(p.path("data/raw", name) for name in ("sales_1.csv", "sales_2.csv", "users_1.csv")), "--format", "junit", code=1)):
            root = self.check(result.out)
            self.assertEqual([s.get("name") for s in root], ["users", "sales"] if root[0].get("name") == "users" else ["sales", "users"])
            self.assertEqual(count(root, "error"), 1)
            by_name = {(c.get("classname").split("/")[-1], c.get("name")): c for c in root.iter("testcase")}
            bad = by_name["sales_1.csv", "quantity.min_value"]
            self.assertIn("sales_1.csv:4:", bad.find("failure").text)
            self.assertEqual(bad.get("line"), "4")
            self.assertIsNone(by_name["sales_2.csv", "quantity.min_value"].find("failure"))

    def test_failures_are_there_exactly_where_the_exit_code_says_so(self):
        fine = kit.csv_text(kit.SALES_HEADER, *(kit.sale(n) for n in range(200)), kit.sale(900, quantity=0, total_amount="0.00"))
        p = project(**{"sales_1.csv": fine})
        root = self.check(p.call("validate", p.path("data/raw/sales_1.csv"), "--format", "junit", code=0).out)
        self.assertEqual(root.get("failures"), "0")
        self.assertIn("1 of 201", "".join(e.text for e in root.iter("system-out")))
        root = self.check(p.call("validate", p.path("data/raw/sales_1.csv"), "--format", "junit", "--fail-on", "warn", code=1).out)
        self.assertEqual(root.get("failures"), "2")

    def test_a_run_with_nothing_to_do_is_a_document(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1)})
        p.run("--no-archive")
        self.assertEqual(self.check(p.run("--format", "junit").out).get("tests"), "0")

    def test_text_of_others_stays_text_and_personal_data_are_masked(self):
        header = "user_id,email,first_name,last_name,age,gender,country,city,registration_date,is_premium,total_orders,total_spent,last_login"
        rows = b"\nu-1,admin@example.com,Ann,Lee,30,F,FR,\xef\xbf\xbe\xff,2024-01-01,true,1,10.0,2025-07-01\n"
        p = project(**{"users_1.csv": header.encode() + rows, "sales_1.csv": BAD})
        for form in ("junit", "markdown", "github"):
            out = p.call("validate", p.path("data/raw/users_1.csv"), p.path("data/raw/sales_1.csv"), "--format", form, code=1).out
            self.assertNotIn("admin@example.com", out)
            self.assertNotIn("\u202e", out)
            self.assertFalse(re.search("[\x00-\x08\x0b-\x1f\x7f]", out))
            if form == "junit":
                self.check(out)


# ---------------------------------------------------------------- GitHub


class GitHub(unittest.TestCase):
    def test_annotations_are_read_back_as_the_runner_does(self):
        p = project(**{"sales_1,2:3%.csv": BAD})
        out = p.call("validate", p.path("data/raw/sales_1,2:3%.csv"), "--format", "github", code=1).out
        lines = out.splitlines()
        parsed = [re.fullmatch(r"::(error|warning|notice) ([^:]*?)::(.*)", line) for line in lines]
        self.assertTrue(all(parsed), lines)
        undo = lambda text: text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")  # noqa: E731
        for match in parsed[:-1]:
            properties = dict(pair.split("=", 1) for pair in match.group(2).split(","))
            self.assertEqual(undo(properties["file"]), p.path("data/raw/sales_1,2:3%.csv"))
        at = next(m for m in parsed if "title=quantity.min_value" in m.group(2))
        self.assertIn("line=4,col=33", at.group(2))


# ---------------------------------------------------------------- Prometheus


class Prometheus(unittest.TestCase):
    def families(self, p):
        text = p.read("data/shop.prom").decode()
        names = re.findall(r"^# TYPE (\S+) gauge$", text, re.M)
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, re.findall(r"^# HELP (\S+) ", text, re.M))
        for name in names:
            self.assertRegex(name, r"^ecluse_[a-z_]+$")
            self.assertFalse(name.endswith(("_total", "_count", "_sum", "_bucket")), name)
        return {f.name: f for f in text_string_to_metric_families(text)}

    def value(self, families, name, **labels):
        return [s.value for s in families[name].samples if all(s.labels.get(k) == v for k, v in labels.items())]

    def test_the_figures_are_the_runs(self):
        p = project()
        p.run("--no-archive", "--set", "metrics.textfile=data/shop.prom", code=1)
        f = self.families(p)
        rows = {o: self.value(f, "ecluse_source_rows", source="sales", outcome=o)[0] for o in ("read", "accepted", "quarantined", "duplicate")}
        self.assertEqual(rows["read"], rows["accepted"] + rows["quarantined"] + rows["duplicate"])
        self.assertEqual(rows["read"], 8)
        self.assertEqual(self.value(f, "ecluse_run_verdict", verdict="errored"), [1])
        self.assertEqual(self.value(f, "ecluse_check_failed_rows", source="sales", check="quantity.min_value"), [1])
        self.assertNotIn("ecluse_run_last_success_timestamp_seconds", f)  # there never was one
        keys = [(s.name, tuple(sorted(s.labels.items()))) for family in f.values() for s in family.samples]
        self.assertEqual(len(keys), len(set(keys)))

    def test_a_run_that_finds_nothing_new_moves_its_time_and_nothing_else(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1, 2)})
        p.run("--no-archive", "--set", "metrics.textfile=data/shop.prom")
        first = self.families(p)
        self.assertEqual(self.value(first, "ecluse_last_run_idle"), [0])
        p.run("--no-archive", "--set", "metrics.textfile=data/shop.prom")
        second = self.families(p)
        self.assertEqual(self.value(second, "ecluse_last_run_idle"), [1])
        self.assertGreater(self.value(second, "ecluse_last_run_timestamp_seconds")[0], self.value(first, "ecluse_last_run_timestamp_seconds")[0])
        moved = {"ecluse_last_run_idle", "ecluse_last_run_timestamp_seconds"}
        as_text = lambda families: {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families.values() for s in f.samples if s.name not in moved and s.value == s.value}  # noqa: E731
        now, before = as_text(second), as_text(first)
        self.assertEqual(set(now), set(before))
        for key, value in before.items():  # the end of the run is written with the facts, before its deliveries
            self.assertAlmostEqual(now[key], value, delta=2 if "seconds" in key[0] else 0)

    def test_the_last_success_outlives_a_failure(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1, 2)})
        p.run("--no-archive", "--set", "metrics.textfile=data/shop.prom")
        good = self.value(self.families(p), "ecluse_run_last_success_timestamp_seconds")[0]
        p.write("data/raw/sales_2.csv", b"")
        p.run("--no-archive", "--set", "metrics.textfile=data/shop.prom", code=1)
        after = self.families(p)
        self.assertLess(abs(self.value(after, "ecluse_run_last_success_timestamp_seconds")[0] - good), 2)
        self.assertEqual(self.value(after, "ecluse_run_verdict", verdict="errored"), [1])


# ---------------------------------------------------------------- OpenLineage

FACETS = {"schema": schema_dataset.SchemaDatasetFacet, "dataSource": datasource_dataset.DatasourceDatasetFacet,
          "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
          "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet,
          "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
          "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
          "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
          "nominalTime": nominal_time_run.NominalTimeRunFacet, "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
          "errorMessage": error_message_run.ErrorMessageRunFacet, "jobType": job_type_job.JobTypeJobFacet}
PARTS = {("SchemaDatasetFacet", "fields"): schema_dataset.SchemaDatasetFacetFields,
         ("DataQualityAssertionsDatasetFacet", "assertions"): data_quality_assertions_dataset.Assertion,
         ("DataQualityMetricsInputDatasetFacet", "columnMetrics"): data_quality_metrics_input_dataset.ColumnMetrics,
         ("ColumnLineageDatasetFacet", "fields"): column_lineage_dataset.Fields,
         ("Fields", "inputFields"): column_lineage_dataset.InputField,
         ("InputField", "transformations"): column_lineage_dataset.Transformation}


def build(cls, value):
    """An object of the class that openlineage-python made of the published schema: an unknown or missing field raises, and so
    does a value of another kind than the annotation names."""
    value = dict(value)
    url = value.pop("_schemaURL", None)
    producer = value.pop("_producer", None)
    if issubclass(cls, base.BaseFacet):
        assert url == cls._get_schema(), f"{url} is not {cls._get_schema()}"
        assert producer and re.match(r"^[a-z]+:", producer)
    for key, part in list(value.items()):
        inner = PARTS.get((cls.__name__, key))
        if inner and isinstance(part, list):
            value[key] = [build(inner, item) for item in part]
        elif inner:
            value[key] = {name: build(inner, item) for name, item in part.items()}
    made = cls(**value)
    for field in attr.fields(cls):
        got, kind = getattr(made, field.name), str(field.type)
        if got is None or field.name.startswith("_"):
            continue
        plain = {"str": str, "int": int, "bool": bool, "float": (int, float)}.get(kind.split(" |")[0])
        assert plain is None or (isinstance(got, plain) and (plain is bool or not isinstance(got, bool))), f"{cls.__name__}.{field.name}: {got!r} is no {kind}"
    return made


def check_event(event):
    assert set(event) == {"eventType", "eventTime", "run", "job", "inputs", "outputs", "producer", "schemaURL"}
    facets = lambda holder, key: {name: build(FACETS[name], facet) for name, facet in holder.get(key, {}).items()}  # noqa: E731
    inputs = [base.InputDataset(d["namespace"], d["name"], facets=facets(d, "facets"), inputFacets=facets(d, "inputFacets")) for d in event["inputs"]]
    outputs = [base.OutputDataset(d["namespace"], d["name"], facets=facets(d, "facets"), outputFacets=facets(d, "outputFacets")) for d in event["outputs"]]
    run = base.Run(event["run"]["runId"], facets=facets(event["run"], "facets"))
    job = base.Job(event["job"]["namespace"], event["job"]["name"], facets=facets(event["job"], "facets"))
    made = RunEvent(eventTime=event["eventTime"], run=run, job=job, eventType=RunState(event["eventType"]), inputs=inputs, outputs=outputs, producer=event["producer"])
    assert event["schemaURL"] == made.schemaURL, (event["schemaURL"], made.schemaURL)
    return made


class Server:
    """Takes POSTs on loopback; `answer` is the status, or None: it never answers."""

    def __init__(self, answer=201, before=None):
        self.got, self.answer, self.open = [], answer, threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, dict(self.headers), body))
                if before:
                    before()
                if outer.answer is None:
                    outer.open.wait()
                    return
                self.send_response(outer.answer.pop(0) if isinstance(outer.answer, list) else outer.answer)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/v1/lineage"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


class OpenLineage(unittest.TestCase):
    def events(self, p):
        return [json.loads(line) for line in p.read("data/lineage.ndjson").splitlines()]

    def test_events_are_what_the_published_classes_take(self):
        p = kit.shop().copy()
        p.run("--no-archive", "--set", "lineage.file=data/lineage.ndjson", code=None)
        events = self.events(p)
        for event in events:
            check_event(event)
        self.assertEqual([e["eventType"] for e in events], ["START", "COMPLETE"])
        self.assertEqual(len({e["run"]["runId"] for e in events}), 1)
        self.assertRegex(events[0]["run"]["runId"], r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual({d["name"].split("/data/raw/")[1] for d in events[1]["inputs"]}, set(kit.SOURCES))
        tables = {d["name"].rsplit("/", 1)[1]: d for d in events[1]["outputs"]}
        self.assertEqual(set(tables), set(kit.SOURCES) | set(kit.MODELS))
        self.assertIn("/joined/", tables["combined_sessions"]["name"])
        for name in kit.SOURCES:  # as many rows as lie there
            self.assertEqual(tables[name]["outputFacets"]["outputStatistics"]["rowCount"], len(kit.table_rows(p, name, "1")))

    def test_columns_of_models_are_made_of_columns_that_are_there(self):
        p = kit.finished(kit.small_shop, "--set", "lineage.file=data/lineage.ndjson")
        end = self.events(p)[-1]
        fields = {d["name"]: {field["name"] for field in d["facets"]["schema"]["fields"]} for d in end["inputs"] + end["outputs"]}
        made = {}
        for d in end["outputs"]:
            table = d["name"].rsplit("/", 1)[1]
            made[table] = d["facets"]["columnLineage"]["fields"]
            for column, of in made[table].items():
                self.assertIn(column, fields[d["name"]])
                self.assertTrue(of["inputFields"] or table in kit.SOURCES, f"{table}.{column}")
                for one in of["inputFields"]:
                    self.assertIn(one["field"], fields[one["name"]], f"{table}.{column}")
        told = lambda table, column: {(one["name"].rsplit("/", 1)[1], one["field"], one["transformations"][0]["type"], one["transformations"][0]["subtype"])  # noqa: E731
                                      for one in made[table][column]["inputFields"]}
        self.assertEqual(told("sales_kpi", "date"), {("sales", "date", "DIRECT", "IDENTITY")})
        self.assertEqual(told("sales_kpi", "category"), {("products", "category", "DIRECT", "TRANSFORMATION")})
        self.assertEqual(told("sales_kpi", "margin"), {("sales", "total_amount", "DIRECT", "AGGREGATION"), ("sales", "quantity", "DIRECT", "AGGREGATION"), ("products", "cost", "DIRECT", "AGGREGATION")})
        self.assertNotIn("orders", made["sales_kpi"])  # count(*) is made of no column
        self.assertEqual(told("funnel_daily", "cart_rate"), {("sessions", "products_added_to_cart", "INDIRECT", "FILTER"), ("sessions", "products_viewed", "INDIRECT", "FILTER")})
        self.assertEqual(told("combined_sessions", "country_user"), {("users", "country", "DIRECT", "IDENTITY")})
        self.assertEqual(told("combined_sessions", "date_log"), {("api_logs", "date", "DIRECT", "IDENTITY")})
        self.assertEqual(told("api_latency_daily", "p95"), {("api_logs", "response_time_ms", "DIRECT", "AGGREGATION")})

    def test_the_start_is_told_when_the_run_starts_and_holds_nothing_up(self):
        """START is not answered until the run has committed: it came before that, and the run did not wait for it."""
        p = kit.shop().copy()
        manifest = p.path("data/runs/00000001.json")
        seen = []

        def hold():
            event = json.loads(server.got[-1][2])
            seen.append((event["eventType"], os.path.exists(manifest)))
            until = time.monotonic() + kit.SECONDS_MAX
            while event["eventType"] == "START" and not os.path.exists(manifest) and time.monotonic() < until:
                time.sleep(0.01)

        with Server(201, hold) as server:
            p.run("--no-archive", "--set", f"lineage.url={server.url}", "--set", "lineage.timeout=300s", "--set", "lineage.file=data/lineage.ndjson", code=None)
        self.assertEqual(seen, [("START", False), ("COMPLETE", True)])
        self.assertEqual([event["eventType"] for event in self.events(p)], ["START", "COMPLETE"])
        self.assertEqual(len({event["run"]["runId"] for event in self.events(p)}), 1)

    def test_a_start_that_cannot_be_told_changes_nothing_of_the_run(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1)})
        steps = [500, 201, 201]
        with Server(steps) as server:
            p.run("--no-archive", "--set", f"lineage.url={server.url}")
            self.assertEqual([json.loads(body)["eventType"] for _, _, body in server.got], ["START", "START", "COMPLETE"])
        self.assertEqual(len(kit.table_rows(p, "sales", "1")), 1)

    def test_a_run_that_fails_says_so(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1)})
        p.write("transformations/broken.sql", "SELECT CAST('x' || order_id AS INTEGER) AS n FROM sales\n")
        p.run("--no-archive", "--set", "lineage.file=data/lineage.ndjson", code=3)
        events = self.events(p)
        for event in events:
            check_event(event)
        self.assertEqual([e["eventType"] for e in events], ["START", "FAIL"])
        self.assertIn("message", events[1]["run"]["facets"]["errorMessage"])

    def test_http_takes_an_event_a_request_with_the_key(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1)})
        with Server() as server:
            p.run("--no-archive", "--set", f"lineage.url={server.url}", "--set", "lineage.api_key.env=MARQUEZ_KEY", env=kit.environment(MARQUEZ_KEY="s3cret-key"))
            self.assertEqual([json.loads(body)["eventType"] for _, _, body in server.got], ["START", "COMPLETE"])
            for path, headers, body in server.got:
                self.assertEqual((path, headers["Authorization"], headers["Content-Type"]), ("/api/v1/lineage", "Bearer s3cret-key", "application/json"))
                check_event(json.loads(body))
            p.write("key.txt", "from-a-file\n")
            p.write("data/raw/sales_2.csv", kit.sales_csv(2))
            p.run("--no-archive", "--set", f"lineage.url={server.url}", "--set", "lineage.api_key.file=key.txt")
            self.assertEqual(server.got[-1][1]["Authorization"], "Bearer from-a-file")

    def refused(self, result, p):
        self.assertIn("lineage:", result.out + result.err)
        self.assertNotIn("s3cret-key", result.out + result.err + "".join(p.read(f"logs/{n}").decode() for n in os.listdir(p.path("logs"))))
        self.assertEqual(len(kit.table_rows(p, "sales", "1")), 1)  # the data are fine

    def test_a_delivery_that_fails_is_exit_code_4_and_is_tried_again(self):
        p = project(**{"sales_1.csv": kit.sales_csv(1)})
        key = kit.environment(MARQUEZ_KEY="s3cret-key")
        for answer in (500, 302):  # a redirect is not followed
            with Server(answer) as server:
                self.refused(p.run("--no-archive", "--set", f"lineage.url={server.url}", "--set", "lineage.api_key.env=MARQUEZ_KEY", code=4, env=key), p)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            self.refused(p.run("--no-archive", "--set", f"lineage.url={url}", code=4), p)
        with Server(None) as server:
            self.refused(p.run("--no-archive", "--set", f"lineage.url={server.url}", "--set", "lineage.timeout=1s", code=4), p)
        self.refused(p.run("--no-archive", "--set", "lineage.url=http://127.0.0.1:1/", "--set", "lineage.api_key.env=NOT_SET", code=4), p)
        with Server() as server:
            p.run("--no-archive", "--set", f"lineage.url={server.url}")
            self.assertEqual([json.loads(body)["eventType"] for _, _, body in server.got], ["START", "COMPLETE"])


if __name__ == "__main__":
    unittest.main()
