#!/usr/bin/env python3
"""The driver with another program as its engine (`run --engine fd:IN,OUT`): what it asks, and what it believes.

The engine here is a few lines of Python over `ecluse worker --guarded` and DuckDB: no Spark is needed. It can answer
wrongly in every way; then nothing is committed.
"""
import json
import os
import shutil
import subprocess
import unittest

import duckdb
import kit
import planted

TYPES = {"string": "VARCHAR", "integer": "BIGINT", "float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMPTZ"}
DELTA = {"string": "string", "integer": "long", "float": "double", "boolean": "boolean", "date": "date", "datetime": "timestamp"}


class Engine:
    """Answers as asked; tests override what is to go wrong."""

    def __init__(self, project):
        self.project = project
        self.asked = []
        self.begun = None

    def run(self, *arguments, **more):
        from_driver, to_us = os.pipe()
        to_driver, from_us = os.pipe()
        command = [kit.ECLUSE, "-C", self.project.folder, "run", "--as-of", kit.AS_OF, "--no-archive", "--engine", f"fd:{to_driver},{to_us}"]
        process = subprocess.Popen([*command, *arguments], pass_fds=(to_driver, to_us), env=kit.environment(**more), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(to_us)
        os.close(to_driver)
        with os.fdopen(from_driver, encoding="utf-8") as requests, os.fdopen(from_us, "w", encoding="utf-8") as answers:
            for line in requests:
                request = json.loads(line)
                lines = [json.loads(requests.readline()) for _ in range(request.get("count", 0))]
                self.asked.append((request["ask"], lines))
                try:
                    for answer in getattr(self, request["ask"])(request, lines):
                        answers.write(answer + "\n")
                        answers.flush()
                except (BrokenPipeError, StopIteration):
                    break
        out, err = process.communicate(timeout=kit.SECONDS_MAX)
        return kit.Result(process.returncode, out.decode(), err.decode())

    def begin(self, request, _):
        self.begun = request
        return ['{"ready":true}']

    def work(self, tasks):
        text = "".join(json.dumps(task) + "\n" for task in tasks)
        done = subprocess.run([kit.ECLUSE, *self.begun["worker"], "--guarded"], input=text, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def tasks(self, _, lines):
        # Two attempts, of which the first is nobody's; and the answers in another order.
        tasks = [line["task"] for line in lines]
        self.work([{**task, "out": task["out"] + ".other", "kept": False} for task in tasks[:2]])
        return reversed(self.work(tasks))

    def models(self, _, lines):
        return [self.compute(line) for line in lines]

    def compute(self, line):
        """By DuckDB, from the logs that the driver laid down; written as a Delta table."""
        model = next(one for one in self.begun["models"] if one["model"] == line["model"])
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        con.execute("CREATE MACRO exact_sum(x) AS CAST(sum(TRY_CAST(x AS DECIMAL(38, 9))) AS DOUBLE)")
        con.execute("CREATE MACRO exact_avg(x) AS CAST(sum(TRY_CAST(x AS DECIMAL(38, 9))) AS DOUBLE) / count(TRY_CAST(x AS DECIMAL(38, 9)))")
        for given in line["inputs"]:
            self.load(con, given)
        columns = [(column["name"], TYPES.get(column["type"], column["type"])) for column in model["columns"]]
        selected = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns)
        con.execute(f"CREATE TABLE result AS SELECT {selected} FROM query($${model['sql']}$$)")
        return self.write(con, model, line)

    def load(self, con, given):
        with open(os.path.join(given["path"], "_delta_log", "00000000000000000000.json"), encoding="utf-8") as file:
            actions = [json.loads(text) for text in file]
        schema = json.loads(next(a["metaData"]["schemaString"] for a in actions if "metaData" in a))["fields"]
        duck = {name: TYPES[kind] for kind, name in DELTA.items()}
        columns = ", ".join(f'"{field["name"]}" {duck.get(field["type"], field["type"])}' for field in schema)
        con.execute(f'CREATE TABLE "{given["table"]}" ({columns})')
        for add in (a["add"] for a in actions if "add" in a):
            path = add["path"].removeprefix("file://").replace("%3D", "=")
            con.execute(f"INSERT INTO \"{given['table']}\" BY NAME SELECT * FROM read_parquet('{path}', hive_partitioning = true)")

    def write(self, con, model, line):
        by, out = model["partition_by"], line["out"]
        fields = [{"name": column["name"], "type": DELTA.get(column["type"], column["type"]), "nullable": True, "metadata": {}} for column in model["columns"]]
        log = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps({"type": "struct", "fields": fields}),
                             "partitionColumns": [by] if by else [], "configuration": {}, "createdTime": 0}}]
        os.makedirs(os.path.join(out, "_delta_log"))
        values = [row[0] for row in con.execute(f'SELECT DISTINCT CAST("{by}" AS VARCHAR) FROM result ORDER BY ALL').fetchall()] if by else [None]
        for number, value in enumerate(values):
            if by and line["touched"] is not None and value not in line["touched"]:
                continue
            where = "true" if not by else f'"{by}" IS NULL' if value is None else f"CAST(\"{by}\" AS VARCHAR) = '{value}'"
            folder = "" if not by else f"{by}={value or '__HIVE_DEFAULT_PARTITION__'}/"
            os.makedirs(os.path.join(out, folder), exist_ok=True)
            name = f"{folder}part-{os.path.basename(os.path.dirname(out))}-{number}.parquet"
            exclude = f'EXCLUDE ("{by}")' if by else ""
            rows = con.execute(f"COPY (SELECT * {exclude} FROM result WHERE {where}) TO '{os.path.join(out, name)}' (FORMAT parquet)").fetchone()[0]
            names = [column for column, _, *_ in con.execute("DESCRIBE result").fetchall() if column != by]
            nulls = con.execute("SELECT " + ", ".join(f'count(*) - count("{n}")' for n in names) + f" FROM result WHERE {where}").fetchone()
            stats = {"numRecords": rows, "nullCount": dict(zip(names, nulls))}
            log.append({"add": {"path": name, "partitionValues": {by: value} if by else {}, "size": os.path.getsize(os.path.join(out, name)),
                                "modificationTime": 0, "dataChange": True, "stats": json.dumps(stats)}})
        with open(os.path.join(out, "_delta_log", "00000000000000000000.json"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(action) + "\n" for action in log)
        return json.dumps({"model": line["model"]})


def project_with(*models):
    project = kit.small_shop().copy()
    for name in os.listdir(project.path("transformations")):
        if name.removesuffix(".sql") not in models:
            os.unlink(project.path("transformations", name))
    return project


class TheSame(unittest.TestCase):
    def test_as_on_one_machine(self):
        """Two runs, the second over a corrected file: tables to the row, reports but for their times."""
        one = project_with("sales_kpi", "users_kpi", "funnel_daily")
        many = one.copy()
        one.run("--no-archive")
        engine = Engine(many)
        result = engine.run()
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(kit.digests(one), kit.digests(many))
        self.assertEqual(kit.check_project(many), [])
        self.assertEqual([ask for ask, _ in engine.asked], ["begin", "tasks", "tasks", "models"])
        self.assertEqual(os.listdir(many.path("data/staging")), [])
        name = min(n for n in os.listdir(one.path("data/raw")) if n.startswith("sales_"))
        for project in (one, many):
            lines = project.read(os.path.join("data/raw", name)).splitlines(keepends=True)
            project.write(os.path.join("data/raw", name), lines[0] + b"".join(b"N" + line for line in lines[1:]))
        one.run("--no-archive")
        engine = Engine(many)
        self.assertEqual(engine.run().code, 0)
        self.assertEqual(kit.digests(one), kit.digests(many))
        asked = [line["model"] for ask, lines in engine.asked if ask == "models" for line in lines]
        self.assertEqual(asked, ["sales_kpi"])  # by partition, as on one machine
        touched = next(lines for ask, lines in engine.asked if ask == "models")[0]["touched"]
        self.assertGreater(len(touched), 0)
        engine = Engine(many)
        self.assertIn("nothing to do", engine.run().out)
        self.assertEqual(engine.asked, [])

    def test_a_guarded_worker(self):
        """Answers as a worker does, task by task; and says in a line why it ends."""
        project = project_with()
        project.write("data/raw/sales_20250101.csv", kit.sales_csv(1))
        task = {"v": 1, "task": "t1", "source": "sales", "root": project.path("data/raw"), "path": "sales_20250101.csv"}
        lines = "".join(json.dumps({**task, **more}) + "\n" for more in ({}, {"task": "t2", "path": "sales_none.csv"}, {"task": "t3"}))
        done = subprocess.run([kit.ECLUSE, "-C", project.folder, "worker", "--guarded"], input=lines, capture_output=True, text=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(a["task"], a["status"]) for a in answers], [("t1", "ok"), ("t2", "errored"), ("t3", "ok")])
        # What is not the file's fault ends it, and is said in a line.
        done = subprocess.run([kit.ECLUSE, "-C", project.folder, "worker", "--guarded"], input=json.dumps({**task, "config": "another"}),
                              capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(done.stdout)["status"], "failed")
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "config")
        self.assertEqual(done.returncode, 2)


    def test_a_guarded_worker_that_dies(self):
        """Its file is errored after a second try, and the next one is read."""
        project = project_with()
        for n in (1, 2):
            project.write(f"data/raw/sales_2025010{n}.csv", kit.sales_csv(n))
        task = {"v": 1, "source": "sales", "root": project.path("data/raw")}
        lines = "".join(json.dumps({**task, "task": f"t{n}", "path": f"sales_2025010{n}.csv"}) + "\n" for n in (1, 2))
        layer = planted.Layer("worker:*/sales_20250101.csv:9:2")
        done = subprocess.run([planted.FAULTS, "-C", project.folder, "worker", "--guarded"], input=lines, env=kit.environment(**layer.environment),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(a["task"], a["status"]) for a in answers], [("t1", "errored"), ("t2", "ok")])
        self.assertEqual(answers[0]["error"]["code"], "worker-died")


class Distrusted(unittest.TestCase):
    """Whatever is wrong with an engine, nothing is committed and nothing is left."""

    def refused(self, engine_type, code, *words):
        project = project_with("sales_kpi")
        result = engine_type(project).run()
        self.assertEqual(result.code, code, result.err)
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual([name for name in kit.tree(project.path("data/processed"))], [])
        self.assertEqual([name for name in os.listdir(project.path("data/runs")) if name.endswith(".json")], [])
        self.assertEqual(os.listdir(project.path("data/staging")), [])

    def test_it_says_that_it_failed(self):
        class Fails(Engine):
            def begin(self, request, _):
                return ['{"failed":{"code":"config","message":"no such word","file":"transformations/sales_kpi.sql","line":7,"column":3}}']

        self.refused(Fails, 2, "transformations/sales_kpi.sql:7:3: ", "no such word")

    def test_it_ends(self):
        class Ends(Engine):
            def tasks(self, _, lines):
                raise BrokenPipeError

        self.refused(Ends, 3, "the engine ended before the run did")

    def test_it_answers_what_is_no_answer(self):
        class Talks(Engine):
            def tasks(self, _, lines):
                return ["hello"]

        self.refused(Talks, 3, "the engine's answer is not JSON")

    def test_it_answers_twice(self):
        class Twice(Engine):
            def tasks(self, _, lines):
                answers = self.work([line["task"] for line in lines])
                return [answers[0], answers[0]]

        self.refused(Twice, 3, "or twice: t0000")

    def test_it_answers_another_task(self):
        class Another(Engine):
            def tasks(self, _, lines):
                answer = json.loads(self.work([lines[0]["task"]])[0])
                return [json.dumps({**answer, "task": "t999999"})]

        self.refused(Another, 3, "a task that it was not given, or twice: t999999")

    def test_rows_are_lost(self):
        class Loses(Engine):
            def tasks(self, _, lines):
                for answer in map(json.loads, self.work([line["task"] for line in lines])):
                    answer["parts"] = answer["parts"][1:]
                    yield json.dumps(answer)

        self.refused(Loses, 3, "rows in parts")

    def test_no_table(self):
        class Forgets(Engine):
            def compute(self, line):
                return json.dumps({"model": line["model"]})

        self.refused(Forgets, 3, "is not what was asked for: there is none")

    def test_another_column(self):
        class Renames(Engine):
            def write(self, con, model, line):
                answer = super().write(con, model, line)
                path = os.path.join(line["out"], "_delta_log", "00000000000000000000.json")
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text.replace('\\"units\\", \\"type\\": \\"long\\"', '\\"units\\", \\"type\\": \\"double\\"'))
                return answer

        self.refused(Renames, 3, "is not what was asked for: units")

    def test_a_part_that_is_cut_off(self):
        class Cuts(Engine):
            def write(self, con, model, line):
                answer = super().write(con, model, line)
                top = next(top for top, _, names in os.walk(line["out"]) if any(n.endswith(".parquet") for n in names))
                name = next(n for n in os.listdir(top) if n.endswith(".parquet"))
                os.truncate(os.path.join(top, name), 100)
                return answer

        self.refused(Cuts, 3, "is not as long as its table's log says")

    def test_a_part_that_is_gone(self):
        class Removes(Engine):
            def write(self, con, model, line):
                answer = super().write(con, model, line)
                for name in os.listdir(line["out"]):
                    if name != "_delta_log":
                        shutil.rmtree(os.path.join(line["out"], name))
                return answer

        self.refused(Removes, 3, "cannot open")


if __name__ == "__main__":
    unittest.main()
