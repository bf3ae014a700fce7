#!/usr/bin/env python3
"""Duplicates taken out of finished parts, against files that are read again: the outcome is the same to the byte.

EC_DROP=again has every file with duplicates of another read again; EC_DROP=quick ends the run where that would be
needed, so that a test knows which of the two ways it has seen.
"""
import collections
import gzip
import io
import json
import os
import random
import re
import unittest
import zipfile

import kit

# One source per layout that a record can lie in: (files, format, more of its configuration).
LAYOUTS = {
    "csv": ("csv_*.csv", "csv", ""),
    "latin": ("latin_*.csv", "csv", "encoding: latin-1"),
    "wide": ("wide_*.csv", "csv", "encoding: utf-16le"),
    "packed": ("packed_*.csv.gz", "csv", "delimiter: ';'"),
    "parts": ("parts_*.csv", "csv", "partition_by: day"),
    "merged": ("merged_*.csv", "csv", "load: merge"),
    "replaced": ("replaced_*.csv", "csv", "load: replace"),
    "array": ("array_*.json", "json", "partition_by: day"),
    "pretty": ("pretty_*.json", "json", ""),
    "lines": ("lines_*.json", "json", ""),
    "members": ("members.zip", "json", "partition_by: day"),
}
SCHEMA = {"id": "string", "n": "integer", "day": "date"}
FILES = 3


def configuration(keys):
    sources = "".join(f"  {name}:\n    files: [\"{files}\"]\n    format: {kind}\n    key: [{keys}]\n" + (f"    {more}\n" if more else "")
                      for name, (files, kind, more) in LAYOUTS.items())
    return "data_workers: 2\nchunk_rows: 500\narchive: {enabled: false}\nsources:\n" + sources


def layouts_project(keys="id"):
    project = kit.new_project()
    for name in os.listdir(project.path("transformations")):
        os.unlink(project.path("transformations", name))
    schemas = {name: {"required_columns": SCHEMA, "optional_columns": {"note": "string"}} for name in LAYOUTS}
    project.write("config/pipeline_config.yaml", configuration(keys))
    project.write("config/data_schemas.json", json.dumps(schemas))
    project.write("config/business_rules.yaml", "".join(f"{name}:\n  n: {{min_value: 0}}\n" for name in LAYOUTS))
    project.write("config/quality_thresholds.yaml", "global_threshold: 0\n")
    return project


# ---------------------------------------------------------------- random rows in every layout

NOTES = ("", "plain", "é à ü", "a, b; c", "said \"no\"", "two\nlines", "<b>&amp;</b>", "}],[{", "x" * 300, "\\", "first\":{\"file", "\t")


def random_row(dice, number):
    """Many keys that repeat, some rows that are rejected for something else."""
    key = f"k{dice.randrange(number)}" if dice.random() > 0.1 else "long-" * dice.choice((30, 260)) + str(dice.randrange(20))
    return {"id": key if dice.random() > 0.02 else None, "n": dice.choice((1, 2, 3, -1, "many")) if dice.random() < 0.2 else number,
            "day": f"2025-07-{dice.randrange(1, 5):02}", "note": dice.choice(NOTES)}


def csv_field(dice, value, separator):
    text = "" if value is None else str(value)
    if dice.random() < 0.3 or any(c in text for c in f'"\r\n{separator}'):
        text = '"' + text.replace('"', '""') + '"' if text else text
    return text


def as_csv(dice, rows, separator=","):
    end = dice.choice(("\n", "\r\n"))
    text = "\ufeff" * dice.randrange(2) + end * dice.randrange(3) + separator.join((*SCHEMA, "note")) + end * dice.randrange(1, 4)
    for row in rows:
        text += separator.join(csv_field(dice, value, separator) for value in row.values()) + end * dice.randrange(1, 3)
        if dice.random() < 0.02:
            text += dice.choice(('stray "quote', "too,few;cells", '"never closed')) + end
    return text


def as_object(dice, row, pretty):
    row = {key: value for key, value in row.items() if value is not None}
    if dice.random() < 0.05:
        row["more"] = dice.choice((1, "two", [3, {"four": 5}]))
    if dice.random() < 0.1:
        row = dict(reversed(row.items()))
    return json.dumps(row, indent=dice.choice((1, 4)) if pretty else None, ensure_ascii=dice.random() < 0.5)


def as_json(dice, rows, layout):
    records = [as_object(dice, row, layout == "pretty") for row in rows]
    records = [record[:-1] if dice.random() < 0.01 else record for record in records]  # damaged
    if layout == "lines":
        return "\n".join(records) + "\n"
    between = ",\n" if layout == "pretty" else dice.choice((",", ", ", ",\n"))
    return "[" + between.join(records) + "]"


def encode(name, text):
    if name == "latin":
        return text.replace("\ufeff", "").encode("latin-1")
    if name == "wide":
        return text.encode("utf-16le")
    return gzip.compress(text.encode()) if name == "packed" else text.encode()


def members_zip(texts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for number, text in enumerate(texts):
            data = gzip.compress(text.encode()) if number % 2 else text.encode()
            file.writestr(f"part_{number}.json" + (".gz" if number % 2 else ""), data)
    return out.getvalue()


def write_layouts(project, dice, count):
    for name, (files, kind, _) in LAYOUTS.items():
        texts = []
        for _ in range(FILES):
            rows = [random_row(dice, count) for _ in range(dice.randrange(1, count))]
            texts.append(as_csv(dice, rows, ";" if name == "packed" else ",") if kind == "csv" else as_json(dice, rows, name))
        if name == "members":
            project.write("data/raw/members.zip", members_zip(texts))
            continue
        for number, text in enumerate(texts):
            project.write("data/raw/" + files.replace("*", str(number)), encode(name, text))


# ---------------------------------------------------------------- both ways

def quality(project):
    """{path: what it says} of reports and quarantine, without the times of the run."""

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(part) for key, part in value.items() if key not in ("timing", "run", "validated_at")}
        return [timeless(part) for part in value] if isinstance(value, list) else value

    found = {}
    for top, _, names in os.walk(project.path("data/quality")):
        for name in names:
            path = os.path.relpath(os.path.join(top, name), project.folder)
            if name.startswith("validation_report_"):
                found[path] = timeless(json.loads(project.read(path)))
            elif "/quarantine/" in path:
                found[path] = re.sub(rb'^{"run":"[0-9_]{15}', b'{"run":"', project.read(path), flags=re.M)
    return found


def duplicates_of_others(project):
    """How many rows were found to repeat a row of another file, by their source."""
    found = collections.Counter()
    for path, text in quality(project).items():
        for line in text.splitlines() if path.endswith(".jsonl") else ():
            entry = json.loads(line)
            own = entry["file"] + (f"/{entry['member']}" if entry["member"] else "")
            found[entry["source"]] += any(reason["code"] == "duplicate-key" and reason["first"]["file"] != own for reason in entry["reasons"])
    return found


class Dropped(unittest.TestCase):
    maxDiff = 4000

    def both_ways(self, project, *arguments, quick="quick", code=0):
        """The project after a run that took rows out of parts, which did as one that read files again."""
        again = project.copy()
        again.run("--no-archive", *arguments, env=kit.environment(EC_DROP="again"), code=code)
        project.run("--no-archive", *arguments, env=kit.environment(EC_DROP=quick), code=code)
        found, expected = quality(project), quality(again)
        self.assertEqual(found.keys(), expected.keys())
        for path in found:
            self.assertEqual(found[path], expected[path], path)
        self.assertEqual(kit.digests(project), kit.digests(again))
        self.assertEqual(kit.check_project(project), [])
        self.assertEqual(os.listdir(project.path("data/staging")), [])
        return project

    def test_random_rows_in_every_layout(self):
        for seed, keys, count in ((1, "id", 30), (2, "id", 300), (3, "n, id", 200), (4, "day, n", 60)):
            with self.subTest(seed=seed, keys=keys):
                project = layouts_project(keys)
                write_layouts(project, random.Random(seed), count)
                self.both_ways(project, code=None)
                found = duplicates_of_others(project)
                for name in LAYOUTS:
                    self.assertGreater(found[name], 0, name)
                    self.assertGreater(len(kit.table_rows(project, name)), 0, name)

    def test_run_after_run(self):
        """Against loaded rows, and where the newest drop wins although older ones are read again."""
        project = layouts_project()
        dice = random.Random(5)
        write_layouts(project, dice, 80)
        self.both_ways(project, code=None)
        for name, (files, kind, _) in LAYOUTS.items():
            rows = [random_row(dice, 80) for _ in range(60)]
            text = as_csv(dice, rows, ";" if name == "packed" else ",") if kind == "csv" else as_json(dice, rows, name)
            if name != "members":
                project.write("data/raw/" + files.replace("*", "00"), encode(name, text))
        self.both_ways(project, code=None)
        rules = project.read("config/business_rules.yaml").decode()
        project.write("config/business_rules.yaml", rules.replace("min_value: 0", "min_value: -5"))
        self.both_ways(project, code=None)

    def test_shop(self):
        project = self.both_ways(kit.shop().copy(), "--select", "api_logs", "--select", "sessions", "--select", "sales", "--select", "users")
        self.assertGreater(duplicates_of_others(project).total(), 1)

    def test_workbook_is_read_again(self):
        """Its records are no bytes that could be fetched: the quick way is closed, and the outcome the same."""
        shop = kit.shop()
        products = shop.copy()
        failed = products.run("--no-archive", "--select", "products", env=kit.environment(EC_DROP="quick"), code=3)
        self.assertIn("products_catalog.xlsx would have to be read again", failed.err)
        self.assertGreater(duplicates_of_others(self.both_ways(shop.copy(), quick=""))["products"], 0)

    def test_ranges_of_large_files(self):
        """Rows that repeat those of another range of their own file, and of another file."""
        rows = [f"{number % 25000},{number},2025-07-1{number % 3},{'x' * (number % 40)}\n" for number in range(50000)]
        header = "id,n,day,note\n"
        project = layouts_project()
        project.write("config/pipeline_config.yaml", "chunk_size_mb: 1\n" + configuration("id"))
        project.write("data/raw/csv_1.csv", header + "".join(rows))
        project.write("data/raw/csv_2.csv", header + "".join(rows[24000:26000]) + "unique,1,2025-07-18,\n")
        lines = [json.dumps({"id": f"k{number % 9000}", "n": number, "day": "2025-07-18", "note": "x" * 40}) for number in range(20000)]
        project.write("data/raw/lines_1.json", "\n".join(lines) + "\n")
        self.both_ways(project, code=None)
        self.assertEqual(kit.table_rows(project, "csv", "count(*), count(DISTINCT id)"), [(25001, 25001)])
        self.assertEqual(kit.table_rows(project, "lines", "count(*), count(DISTINCT id)"), [(9000, 9000)])
        tasks = {re.search(r"t\d{6}", path)[0] for path in kit.tree(project.path("data/processed")) if path.endswith(".parquet")}
        self.assertGreater(len(tasks), 3, "the files were not split")

    def test_all_rows_go(self):
        """A part that loses every row goes too, and a file that loses every part is whole in quarantine."""
        project = layouts_project()
        project.write("data/raw/parts_1.csv", "id,n,day,note\n" + "".join(f"{i},{i},2025-07-1{i % 3},\n" for i in range(6000)))
        project.write("data/raw/parts_2.csv", "id,n,day,note\n" + "".join(f"{i},{i},2025-07-1{i % 3},again\n" for i in range(0, 6000, 3)))
        project.write("data/raw/parts_3.csv", "id,n,day,note\n" + "".join(f"{i},{i},2025-07-1{i % 3},again\n" for i in range(5999, -1, -1)))
        self.both_ways(project, code=None)
        self.assertEqual(kit.table_rows(project, "parts", "count(*), count(DISTINCT _file)"), [(6000, 1)])
        self.assertEqual(len(project.quarantine("parts", "parts_3.csv")), 6000)
        (report,) = [project.report("parts_3.csv")["rows_detail"]]
        self.assertEqual((report["read"], report["accepted"], report["duplicate"]), (6000, 0, 6000))

    def test_what_repeats_a_row_that_goes(self):
        """It names the row that stays, not one that is in no table."""
        project = layouts_project()
        project.write("data/raw/array_1.json", '[{"id":"a","n":1,"day":"2025-07-18"}]')
        project.write("data/raw/array_2.json", '[{"id":"b","n":1,"day":"2025-07-18"}, {"id":"a","n":2,"day":"2025-07-18"}, '
                      '{"id":"b","n":3,"day":"2025-07-18"}, {"id":"a","n":-4,"day":"2025-07-18"}, {"id":"a","n":5,"day":"2025-07-18"}]')
        self.both_ways(project, code=None)
        found = [(entry["offset"], reason["code"], reason.get("first")) for entry in project.quarantine("array", "array_2.json")
                 for reason in entry["reasons"]]
        first = {"file": "array_1.json", "line": 1}
        self.assertEqual([code for _, code, _ in found], ["duplicate-key", "duplicate-key", "rule:n.min_value", "duplicate-key"])
        self.assertEqual([place for _, _, place in found], [first, {"file": "array_2.json", "line": 1}, None, first])

    def test_more_keys_than_a_task_remembers(self):
        """Then a row may repeat one of its own file that the driver finds."""
        project = layouts_project()
        project.write("config/pipeline_config.yaml", "memory_limit_mb: 64\n" + configuration("id"))
        numbers = [*range(90000), *range(89000, 90000), *range(1000)]
        project.write("data/raw/csv_1.csv", "id,n,day,note\n" + "".join(f"{i},{i},2025-07-18,\n" for i in numbers))
        project.write("data/raw/csv_0.csv", "id,n,day,note\n500,1,2025-07-18,\n89500,1,2025-07-18,\n")
        self.both_ways(project, code=None)
        self.assertEqual(kit.table_rows(project, "csv", "count(*), count(DISTINCT id)"), [(90000, 90000)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
