#!/usr/bin/env python3
"""Spark writes to the tables of a shop between its runs: appends, merges, compacts, vacuums, cleans logs up, turns features on.

The next run carries on with every row once and every key known, or refuses by the feature's name and changes nothing.
"""
import json
import os
import shutil
import unittest
import urllib.parse
import uuid

import duckdb

from tablekit import Case, Delta, kit, sales_csv, users_csv

class Between(Case):
    """What another engine does between two runs."""

    def test_append_compact_vacuum(self):
        """The key that Spark appended is known, one that comes again is a duplicate, a corrected file finds its rows in what
        was compacted, and the model counts what is there."""
        project = self.shop(**{f"sales_{i}.csv": sales_csv("2025-07-18", *range(10 * i, 10 * i + 4)) for i in (1, 2, 3)})
        for i in (4, 5):
            project.write(f"data/raw/sales_{i}.csv", sales_csv("2025-07-18", *range(10 * i, 10 * i + 4)))
            self.run_of(project)
        sales = self.delta(project, "sales")
        self.append(sales, "order_id", "SPARK")
        metrics = sales.sql("OPTIMIZE {t}")[0].metrics
        self.assertGreater(metrics.numFilesRemoved, 4)
        before = self.orders(sales)
        sales.sql("VACUUM {t} RETAIN 0 HOURS")
        self.assertEqual(self.orders(sales), before)
        # One new order, one that Spark brought, one that a run brought: both lie in a file of Spark's.
        project.write("data/raw/sales_6.csv", kit.csv_text(kit.SALES_HEADER, kit.sale(60), kit.sale(0, order_id="SPARK"), kit.sale(20)))
        self.run_of(project)
        want = sorted(before + ["O60"])
        self.assertEqual(self.orders(sales), want)
        self.assertEqual(["duplicate" in json.dumps(line) for line in project.quarantine("sales", "sales_6.csv")], [True, True])
        self.assertEqual(self.delta(project, "per_day").rows(), sales.frame().groupBy("date").count().collect())
        # Every file is read again: its rows make room though their parts are gone, Spark's stays and its key is known.
        project.run("--no-archive", "--fail-on", "never", "--force")
        self.assertEqual(self.orders(sales), want)
        self.run_of(project)
        self.assertEqual(self.orders(sales), want)
        self.assertEqual(self.delta(project, "per_day").rows(), sales.frame().groupBy("date").count().collect())

    def test_merge_sources(self):
        """Spark updates, deletes and compacts users; the next drop wins by key, whatever file its key lies in."""
        project = self.shop(**{"users_1.csv": users_csv(1, 1, 2, 3), "users_2.csv": users_csv(1, 4, 5, 6)})
        users = self.delta(project, "users")
        users.sql("UPDATE {t} SET total_orders = 50 WHERE user_id IN ('U1', 'U4')")
        users.sql("DELETE FROM {t} WHERE user_id = 'U2'")
        changes = users.frame().where("user_id IN ('U3', 'U5')").selectExpr(
            "IF(user_id = 'U3', 'U3', 'NEW') AS user_id", "* EXCEPT (user_id, total_orders)", "77L AS total_orders")
        changes.createOrReplaceTempView("changes")
        users.sql("MERGE INTO {t} t USING changes c ON t.user_id = c.user_id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
        users.sql("OPTIMIZE {t}")
        users.sql("VACUUM {t} RETAIN 0 HOURS")
        kept = {row.user_id: row for row in users.frame().collect()}
        now = [("NEW", 77), ("U1", 50), ("U3", 77), ("U4", 50), ("U5", 1), ("U6", 1)]
        self.assertEqual(users.rows("user_id, total_orders"), now)
        project.write("data/raw/users_3.csv", users_csv(9, 1, 2, 7) + "NEW" + users_csv(9, 8).split("U8", 1)[1])
        project.run("--no-archive", "--fail-on", "never", env=kit.environment(TZ="America/New_York"))
        # What our encoder has written again of Spark's file, which holds times as INT96, is what it was.
        for row in users.frame().where("user_id IN ('U3', 'U4', 'U5', 'U6')").collect():
            self.assertEqual(row, kept[row.user_id])
        self.assertEqual(users.rows("user_id, total_orders"),
                         sorted([("NEW", 9), ("U1", 9), ("U2", 9), ("U3", 77), ("U4", 50), ("U5", 1), ("U6", 1), ("U7", 9)], key=str))
        self.run_of(project)
        self.assertEqual(users.frame().count(), 8)

    def test_a_column_that_spark_adds(self):
        project = self.shop(**{"sales_1.csv": sales_csv("2025-07-18", 1, 2)})
        sales = self.delta(project, "sales")
        sales.sql("ALTER TABLE {t} ADD COLUMNS (note STRING COMMENT 'by hand')")
        sales.sql("UPDATE {t} SET note = 'seen' WHERE order_id = 'O1'")
        project.write("data/raw/sales_2.csv", sales_csv("2025-07-18", 3))
        self.run_of(project)
        self.assertEqual(sales.rows("order_id, note"), [("O1", "seen"), ("O2", None), ("O3", None)])
        self.assertEqual(sales.frame().schema["note"].metadata.get("comment"), "by hand")

    def test_restored_to_an_earlier_run(self):
        project = self.shop(**{"sales_1.csv": sales_csv("2025-07-18", 1, 2)})
        project.write("data/raw/sales_2.csv", sales_csv("2025-07-18", 3))
        self.run_of(project)
        sales = self.delta(project, "sales")
        sales.sql("RESTORE TABLE {t} TO VERSION AS OF 0")
        project.write("data/raw/sales_3.csv", sales_csv("2025-07-18", 4))
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O4"])


class Interrupted(Case):
    """A run ended between its manifest and its commits, and Spark wrote before the next one finished it."""

    def interrupted(self, project):
        """The state that a kill at that moment leaves: the last run without its commits and its mark of an end."""
        seq = max(int(name[:8]) for name in os.listdir(project.path("data/runs")) if name.endswith(".finished"))
        os.unlink(project.path(f"data/runs/{seq:08d}.finished"))
        manifest = json.loads(project.read(f"data/runs/{seq:08d}.json"))
        for commit in manifest["commits"]:
            os.unlink(project.path(commit["table"], "_delta_log", f"{commit['base_version'] + 1:020d}.json"))
        for mark in manifest["marks"]:
            path = project.path("data/raw", mark["path"] + ".done")
            if os.path.exists(path):
                os.unlink(path)
        return manifest

    def begun(self):
        project = self.shop(**{"sales_1.csv": sales_csv("2025-07-18", 1, 2), "users_1.csv": users_csv(1, 1, 2)})
        project.write("data/raw/sales_2.csv", sales_csv("2025-07-18", 3))
        project.write("data/raw/users_2.csv", users_csv(5, 2))
        self.run_of(project)
        self.interrupted(project)
        return project, self.delta(project, "sales"), self.delta(project, "users")

    def test_appends_and_a_cleaned_log(self):
        project, sales, users = self.begun()
        for delta, key in ((sales, "order_id"), (users, "user_id")):
            self.append(delta, key, "S1")
            self.append(delta, key, "S2")
            self.checkpoint(delta)
            self.clear(delta)
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O3", "S1", "S2"])
        self.assertEqual(users.rows("user_id, total_orders"), [("S1", 1), ("S2", 1), ("U1", 1), ("U2", 5)])
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O3", "S1", "S2"])

    def test_compacted_meanwhile(self):
        """What the run replaces was rewritten: it says what to do, and that helps."""
        project, sales, users = self.begun()
        self.append(users, "user_id", "S1")
        at = users.version()
        users.sql("OPTIMIZE {t}")
        result = self.run_of(project, code=3)
        self.assertIn("[commit-conflict]", result.err)
        self.assertIn("replaces files that it removed; restore the table to version 0", result.err)
        self.assertEqual(self.run_of(project, code=3).code, 3)
        users.sql(f"RESTORE TABLE {{t}} TO VERSION AS OF {at}")
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O3"])
        self.assertEqual(users.rows("user_id, total_orders"), [("S1", 1), ("U1", 1), ("U2", 5)])

    def test_properties_changed_meanwhile(self):
        project, sales, users = self.begun()
        users.properties(logRetentionDuration="interval 1 days")
        result = self.run_of(project, code=3)
        self.assertIn("does not fit the schema or the properties that it changed; restore the table to version 0", result.err)
        users.sql("RESTORE TABLE {t} TO VERSION AS OF 0")
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O3"])
        self.assertEqual(users.rows("user_id, total_orders"), [("U1", 1), ("U2", 5)])


class Fifty(Case):
    def test_fifty_alternating_commits(self):
        """25 runs, and as many commits of Spark: appends, merges, deletes, compactions; a model of our own of what must be there."""
        project = self.shop(**{"sales_0.csv": sales_csv("2025-07-18", 0, 1)})
        sales = self.delta(project, "sales")
        want = {"O0", "O1"}
        self.spark.conf.set("spark.databricks.delta.optimize.minFileSize", str(1 << 30))
        for turn in range(1, 26):
            if turn % 5 == 0:
                sales.sql("OPTIMIZE {t}")
            elif turn % 5 == 3:
                gone, new = f"O{10 * (turn - 1)}", f"M{turn}"
                made = sales.frame().limit(1).selectExpr(f"'{new}' AS order_id", "* EXCEPT (order_id)")
                sales.frame().where(f"order_id = '{gone}'").unionByName(made).createOrReplaceTempView("changes")
                sales.sql("MERGE INTO {t} t USING changes c ON t.order_id = c.order_id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT *")
                want = want - {gone} | {new}
            else:
                self.append(sales, "order_id", f"S{turn}")
                want.add(f"S{turn}")
            # Two new orders, and one that is there already.
            known = sorted(want)[turn % len(want)]
            project.write(f"data/raw/sales_{turn}.csv", kit.csv_text(kit.SALES_HEADER, kit.sale(10 * turn), kit.sale(10 * turn + 1),
                                                                     kit.sale(0, order_id=known)))
            self.run_of(project)
            want |= {f"O{10 * turn}", f"O{10 * turn + 1}"}
            self.assertEqual(len(project.quarantine("sales", f"sales_{turn}.csv")), 1, turn)
            # By the log and DuckDB, sharing nothing with either engine.
            self.assertEqual(self.counted(sales), {order: 1 for order in want}, f"turn {turn}")
        self.assertEqual(sales.version(), 50)
        self.assertEqual(self.orders(sales), sorted(want))
        self.assertEqual(sorted(want), sorted(row[0] for row in kit.table_rows(project, "sales", "order_id")))
        history = sales.sql("DESCRIBE HISTORY {t}")
        self.assertEqual(sum(row.engineInfo.startswith("Ecluse/") for row in history), 26)
        self.assertGreaterEqual(len([name for name in sales.log() if name.endswith(".checkpoint.parquet")]), 2)
        # Each version is what it was: the count of rows of a version follows from its commit.
        for version in (7, 20, 33):
            self.assertEqual(sales.frame(version).count(), len({row[0] for row in sales.frame(version).select("order_id").collect()}))

    def counted(self, delta):
        files = [os.path.join(delta.path, urllib.parse.unquote(path)) for path in self.replayed(delta)]
        with duckdb.connect() as db:
            return dict(db.execute("SELECT order_id, count(*) FROM read_parquet($1, union_by_name = true) GROUP BY ALL", [files]).fetchall())


class Logs(Case):
    """Checkpoints and cleaned logs that Spark made."""

    def long_shop(self, runs=4):
        project = self.shop(**{"sales_0.csv": sales_csv("2025-07-18", 0)})
        for turn in range(1, runs):
            project.write(f"data/raw/sales_{turn}.csv", sales_csv("2025-07-18", turn))
            self.run_of(project)
        return project, self.delta(project, "sales")

    def age(self, delta, days=60):
        """The clean-up goes by the files' times."""
        for name in delta.log():
            path = os.path.join(delta.path, "_delta_log", name)
            at = os.stat(path).st_mtime - days * 86400
            os.utime(path, (at, at))

    def told(self, project):
        one = project.json("tables", "--table", "sales")["tables"][0]
        return {key: one[key] for key in ("version", "files", "rows", "bytes", "columns", "partition_by")}

    def carries_on(self, project, delta, want):
        """Before and behind the change our reader, the log and Spark agree, and the next run adds its row once."""
        told = self.told(project)
        detail = delta.sql("DESCRIBE DETAIL {t}")[0]
        self.assertEqual((told["version"], told["files"], told["rows"], told["bytes"]), (delta.version(), detail.numFiles, len(want), detail.sizeInBytes))
        self.assertEqual(len(self.replayed(delta)), told["files"])
        project.write("data/raw/sales_next.csv", kit.csv_text(kit.SALES_HEADER, kit.sale(900), kit.sale(0)))
        self.run_of(project)
        self.assertEqual(self.orders(delta), sorted(want + ["O900"]))
        self.run_of(project)
        self.assertEqual(self.orders(delta), sorted(want + ["O900"]))

    def test_cleaned_up_by_spark(self):
        project, sales = self.long_shop(6)
        sales.sql("DELETE FROM {t} WHERE order_id = 'O3'")
        before = self.told(project)
        self.age(sales)
        self.checkpoint(sales)
        self.assertEqual(self.told(project), before)
        sales.snapshot().deltaLog().doLogCleanup(sales.snapshot())
        self.assertNotIn(f"{0:020d}.json", sales.log())
        self.assertEqual(self.told(project), before)
        self.carries_on(project, sales, ["O0", "O1", "O2", "O4", "O5"])

    def test_of_several_parts(self):
        project, sales = self.long_shop(5)
        before = self.told(project)
        self.spark.conf.set("spark.databricks.delta.checkpoint.partSize", "3")
        try:
            self.checkpoint(sales)
        finally:
            self.spark.conf.unset("spark.databricks.delta.checkpoint.partSize")
        parts = [name for name in sales.log() if ".checkpoint.0000000001." in name and name[0] != "."]
        self.assertEqual(len(parts), 1, sales.log())
        self.clear(sales)
        self.assertEqual(self.told(project), before)
        # A part is missing: nothing is left to read.
        moved = os.path.join(sales.path, "_delta_log", parts[0])
        os.rename(moved, moved + ".away")
        self.assertIn("holds no whole checkpoint", project.call("tables", code=3).err)
        os.rename(moved + ".away", moved)
        self.assertEqual(self.told(project), before)

    def test_stats_as_a_struct(self):
        """Checkpoints may hold statistics and partition values parsed, and no text of them."""
        project, sales = self.long_shop(3)
        before = self.told(project)
        sales.properties(checkpoint__writeStatsAsStruct="true")
        self.checkpoint(sales)
        self.clear(sales)
        self.assertEqual({**self.told(project), "version": 0}, {**before, "version": 0})
        sales.properties(checkpoint__writeStatsAsJson="false")
        self.checkpoint(sales)
        self.clear(sales)
        self.assertEqual({**self.told(project), "version": 0, "rows": None}, {**before, "version": 0, "rows": None})
        project.write("data/raw/sales_next.csv", kit.csv_text(kit.SALES_HEADER, kit.sale(900), kit.sale(0)))
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O0", "O1", "O2", "O900"])

    def test_ours_read_by_spark(self):
        """Our checkpoint alone is what Spark needs, and it goes on behind it."""
        project, sales = self.long_shop(21)
        name = f"{20:020d}.checkpoint.parquet"
        self.assertIn(name, sales.log())
        alone = os.path.join(kit.scratch, uuid.uuid4().hex, "sales")
        shutil.copytree(sales.path, alone)
        copy = Delta(self.spark, alone)
        for file in copy.log():
            if file.endswith(".json") and file != f"{20:020d}.json":
                os.unlink(os.path.join(alone, "_delta_log", file))
        self.assertEqual(copy.rows(), sales.rows())
        self.assertEqual(sorted(map(str, copy.files())), sorted(str(row) for row in sales.files()))
        copy.frame().limit(1).write.format("delta").mode("append").save(alone)
        self.assertEqual((copy.version(), copy.frame().count()), (21, 22))


class Features(Case):
    """Each feature is switched on by Spark itself; then a run refuses by its name, and has changed nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = None

    def copy(self):
        if Features.base is None:
            Features.base = self.shop(**{"sales_1.csv": sales_csv("2025-07-18", 1, 2, 3), "users_1.csv": users_csv(1, 1)})
        return Features.base.copy()

    def refused(self, name, *statements, table="sales", reads=False, anew=False):
        """`reads`: what can be read, and not written. `anew`: a statement, or a call, makes the table in the place of ours."""
        project = self.copy()
        changed = self.delta(project, table)
        if anew:
            shutil.rmtree(changed.path)
        if callable(anew):
            anew(changed.path)
        for statement in statements:
            changed.sql(statement)
        project.write("data/raw/sales_2.csv", sales_csv("2025-07-18", 4))
        project.write("data/raw/users_2.csv", users_csv(1, 2))
        before = kit.tree(project.path("data/processed"))
        result = self.run_of(project, code=3)
        self.assertIn("[table-format]", result.err)
        self.assertIn(name, result.err)
        self.assertEqual(kit.tree(project.path("data/processed")), before)
        listed = project.call("tables", "--table", table, code=0 if reads else 3)
        if not reads:
            self.assertIn(name, listed.err)
        return project, changed

    def made_anew(self, column, kind, *more):
        """The statement that makes such a table with a column that is declared otherwise."""
        fields = [f"`{field.name}` {field.dataType.simpleString()}" for field in self.delta(self.copy(), "sales").frame().schema]
        fields = [f"`{column}` {kind}" if field.startswith(f"`{column}` ") else field for field in fields]
        return f"CREATE TABLE {{t}} ({', '.join([*fields, *more])}) USING delta PARTITIONED BY (date)"

    def built_anew(self, column, **how):
        fields = self.delta(self.copy(), "sales").frame().schema

        def build(path):
            from delta.tables import DeltaTable

            table = DeltaTable.create(self.spark).location(path).partitionedBy("date")
            for field in fields:
                table = table.addColumn(field.name, field.dataType, **(how if field.name == column else {}))
            table.execute()

        return build

    PROPERTY = "ALTER TABLE {{t}} SET TBLPROPERTIES ('{}' = '{}')"

    def property_refused(self, feature, key, value, *more, **reads):
        return self.refused(feature, self.PROPERTY.format(key, value), *more, **reads)

    def test_deletion_vectors(self):
        project, sales = self.property_refused("deletionVectors", "delta.enableDeletionVectors", "true", "DELETE FROM {t} WHERE order_id = 'O2'")
        self.assertTrue(any(file.deletionVector for file in sales.files()))

    def test_the_way_back(self):
        """What Spark takes away again is not held against the table, though the log tells of it."""
        for feature, on, off in (
                ("typeWidening", self.PROPERTY.format("delta.enableTypeWidening", "true"), None),
                ("v2Checkpoint", self.PROPERTY.format("delta.checkpointPolicy", "v2"), None),
                ("inCommitTimestamp", self.PROPERTY.format("delta.enableInCommitTimestamps", "true"), None),
                ("vacuumProtocolCheck", self.PROPERTY.format("delta.feature.vacuumProtocolCheck", "supported"), None),
                ("checkConstraints", "ALTER TABLE {t} ADD CONSTRAINT many CHECK (quantity > 0)", "ALTER TABLE {t} DROP CONSTRAINT many")):
            project, sales = self.refused(feature, on)
            if off:
                sales.sql(off)
            sales.sql(f"ALTER TABLE {{t}} DROP FEATURE {feature}")
            self.run_of(project)
            self.assertEqual(self.orders(sales), ["O1", "O2", "O3", "O4"], feature)
            self.assertEqual(self.delta(project, "users").frame().count(), 2)
            self.run_of(project)
            self.assertEqual(self.orders(sales), ["O1", "O2", "O3", "O4"], feature)

    def test_column_mapping(self):
        self.property_refused("columnMapping", "delta.columnMapping.mode", "name", "ALTER TABLE {t} RENAME COLUMN status TO state")

    def test_type_widening(self):
        self.property_refused("typeWidening", "delta.enableTypeWidening", "true")

    def test_row_tracking(self):
        self.property_refused("rowTracking", "delta.enableRowTracking", "true")

    def test_in_commit_timestamps(self):
        self.property_refused("inCommitTimestamp", "delta.enableInCommitTimestamps", "true")

    def test_change_data_feed(self):
        self.property_refused("changeDataFeed", "delta.enableChangeDataFeed", "true", "UPDATE {t} SET quantity = 9 WHERE order_id = 'O1'")

    def test_v2_checkpoints(self):
        project, sales = self.property_refused("v2Checkpoint", "delta.checkpointPolicy", "v2")
        self.checkpoint(sales)
        self.assertTrue(any(name.count("-") == 4 and ".checkpoint." in name for name in sales.log()), sales.log())
        self.clear(sales)
        self.assertIn("v2Checkpoint", self.run_of(project, code=3).err)

    def test_check_constraints(self):
        self.refused("checkConstraints", "ALTER TABLE {t} ADD CONSTRAINT many CHECK (quantity > 0)")

    def test_not_null(self):
        self.refused("order_id is declared not null", self.made_anew("order_id", "STRING NOT NULL"), reads=True, anew=True)

    def test_generated_columns(self):
        self.refused("generatedColumns", anew=self.built_anew("date", generatedAlwaysAs="CAST(order_date AS DATE)"))

    def test_identity_columns(self):
        from delta.tables import IdentityGenerator

        self.refused("identityColumns", anew=self.built_anew("_line", generatedByDefaultAs=IdentityGenerator()))

    def test_two_partition_columns(self):
        self.refused("partitioned by 2 columns", self.made_anew("_line", "BIGINT").replace("BY (date)", "BY (date, status)"), anew=True)

    def test_column_defaults(self):
        self.refused("allowColumnDefaults", self.PROPERTY.format("delta.feature.allowColumnDefaults", "supported"),
                     "ALTER TABLE {t} ALTER COLUMN quantity SET DEFAULT 1")

    def test_timestamp_without_zone(self):
        self.refused("timestampNtz", self.PROPERTY.format("delta.feature.timestampNtz", "supported"), "ALTER TABLE {t} ADD COLUMNS (local TIMESTAMP_NTZ)")

    def test_variant(self):
        self.refused("variantType", self.PROPERTY.format("delta.feature.variantType-preview", "supported"), "ALTER TABLE {t} ADD COLUMNS (v VARIANT)")

    def test_nested(self):
        self.refused("of type array", "ALTER TABLE {t} ADD COLUMNS (tags ARRAY<STRING>)")

    def test_narrower(self):
        self.refused("narrower type", "ALTER TABLE {t} ADD COLUMNS (small INT)", reads=True)

    def test_vacuum_protocol_check(self):
        self.refused("vacuumProtocolCheck", self.PROPERTY.format("delta.feature.vacuumProtocolCheck", "supported"))

    def test_clustering(self):
        self.refused("clustering", "ALTER TABLE {t} CLUSTER BY (user_id)", table="users")

    def test_append_only(self):
        """Known: rows are added; what would take rows away is refused."""
        project = self.copy()
        sales, users = self.delta(project, "sales"), self.delta(project, "users")
        sales.properties(appendOnly="true")
        project.write("data/raw/sales_2.csv", sales_csv("2025-07-18", 4))
        self.run_of(project)
        self.assertEqual(self.orders(sales), ["O1", "O2", "O3", "O4"])
        users.properties(appendOnly="true")
        project.write("data/raw/users_2.csv", users_csv(2, 1))
        before = kit.tree(project.path("data/processed"))
        self.assertIn("delta.appendOnly", self.run_of(project, code=3).err)
        self.assertEqual(kit.tree(project.path("data/processed")), before)
        # And it is not stuck: the property goes, the run comes.
        users.properties(appendOnly="false")
        self.run_of(project)
        self.assertEqual(users.rows("user_id, total_orders"), [("U1", 2)])


if __name__ == "__main__":
    unittest.main()
