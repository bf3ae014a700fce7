"""Inputs in moto's S3, which shares no code with the program nor with the servers of tests/e2e/."""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import kit  # noqa: E402
import stores  # noqa: E402
from remotekit import orders, project, sales  # noqa: E402


class OverS3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = stores.Moto(tempfile.mkdtemp(dir=kit.scratch))
        cls.addClassCleanup(cls.moto.close)
        cls.boto = cls.moto.client()

    def run_project(self, p, *arguments, code=0):
        return p.run(*arguments, code=code, env=kit.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1",
                                                                AWS_ENDPOINT_URL=self.moto.url))

    def test_objects_once(self):
        self.boto.put("once", {"in/sales_1.csv": sales(1).decode(), "in/sales_2.csv": sales(4).decode(), "in/deep/sales_3.csv": sales(7).decode()})
        p = project("s3://once/in/*.csv")
        self.run_project(p)
        self.assertEqual({file for _, file in orders(p)}, {"s3://once/in/sales_1.csv", "s3://once/in/sales_2.csv"})
        first = orders(p)
        self.run_project(p)
        self.assertEqual(orders(p), first)
        self.boto.put("once", {"in/sales_2.csv": sales(4, 4).decode(), "in/sales_4.csv": sales(20).decode()})
        self.run_project(p, code=None)
        self.assertEqual(len(orders(p)), 10)

    def test_keys_of_every_kind(self):
        keys = ["a b/sales 1.csv", "plus+/sales+2.csv", "per%cent/sales%203.csv", "Köln/sales_ü.csv", "日本/売上.csv", "q&y/sales=4.csv", "p'q(r)!/sales;5,$@.csv"]
        self.boto.put("kinds", {key: sales(10 * i + 1, 1).decode() for i, key in enumerate(keys)})
        p = project("s3://kinds/**")
        self.run_project(p)
        self.assertEqual(orders(p), sorted((f"o-{10 * i + 1}", f"s3://kinds/{key}") for i, key in enumerate(keys)))

    def test_more_than_a_page(self):
        self.boto.put("pages", {f"many/sales_{i:04}.csv": sales(i, 1).decode() if i % 350 == 0 else "" for i in range(1050)})
        p = project("s3://pages/many/*.csv")
        self.run_project(p, code=1)
        self.assertEqual({order for order, _ in orders(p)}, {"o-0", "o-350", "o-700"})

    def test_an_object_that_was_uploaded_in_parts(self):
        rows = sales(1, 240000)
        self.boto.put("parts", {"none": ""})
        with tempfile.NamedTemporaryFile(dir=kit.scratch) as file:
            file.write(rows)
            file.flush()
            self.boto.put_in_parts("parts", "sales_1.csv", file.name)
        p = project("s3://parts/*.csv")
        self.run_project(p)
        self.assertEqual(len(orders(p)), 240000)
        self.assertRegex(p.read("data/runs/objects.json").decode(), r'"tag":\s*"\\"[0-9a-f]{32}-4\\""')

    def test_tables_that_delta_rs_reads(self):
        self.boto.put("lake", {"other": "stays"})
        p = kit.new_project(**{"sales_1.csv": sales(1), "sales_2.csv": sales(10, 60000)})
        p.run()
        copy = lambda: p.call("tables", "--copy-to", "s3://lake/shop", env=kit.environment(  # noqa: E731
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_ENDPOINT_URL=self.moto.url))
        copy()
        query = "SELECT order_id, _file, _line FROM t ORDER BY order_id, _line"
        rows = lambda: kit.table_rows(p, "sales", "order_id, _file, _line")  # noqa: E731
        version, found = self.boto.query("s3://lake/shop/enriched/sales", query)
        self.assertEqual((version, sorted(found), len(found)), (0, rows(), 60003))
        p.write("data/raw/sales_3.csv", sales(200000))
        p.run()
        copy()
        version, found = self.boto.query("s3://lake/shop/enriched/sales", query)
        self.assertEqual((version, sorted(found), len(found)), (1, rows(), 60006))
        version, found = self.boto.query("s3://lake/shop/kpi/sales_kpi", "SELECT orders FROM t ORDER BY orders")
        self.assertEqual(found, kit.table_rows(p, "sales_kpi", "orders"))
        self.assertIn("other", self.boto.keys("lake", ""))

    def test_put_if_absent(self):
        """Two projects for one address: the second is refused, and the first's table stays."""
        self.boto.put("taken", {"none": ""})
        one, two = (kit.new_project(**{"sales_1.csv": sales(n)}) for n in (1, 100))
        settings = kit.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_ENDPOINT_URL=self.moto.url)
        for p, code in ((one, 0), (two, 3), (one, 0)):
            p.run()
            p.call("tables", "--copy-to", "s3://taken/shop", code=code, env=settings)
        _, found = self.boto.query("s3://taken/shop/enriched/sales", "SELECT order_id FROM t ORDER BY order_id")
        self.assertEqual(found, [("o-1",), ("o-2",), ("o-3",)])

    def following(self, address, first=1):
        p = kit.new_project(**{"sales_1.csv": sales(first), "sales_2.csv": sales(first + 10, 60000)})
        p.edit("config/pipeline_config.yaml", "sources:\n", f"tables: {{store: {address}}}\n\nsources:\n")
        return p

    def check_following(self, p, address, version):
        """What delta-rs and Polars read there is what DuckDB reads here, row for row."""
        found, rows = self.boto.query(f"{address}/enriched/sales", "SELECT order_id, _file, _line, net_amount FROM t")
        self.assertEqual((found, sorted(rows)), (version, sorted(kit.table_rows(p, "sales", "order_id, _file, _line, net_amount"))))
        rows = self.boto.polars(f"{address}/enriched/sales", ["order_id", "_file", "_line", "net_amount"])
        self.assertEqual(sorted(rows), sorted(kit.table_rows(p, "sales", "order_id, _file, _line, net_amount")))
        _, rows = self.boto.query(f"{address}/kpi/sales_kpi", "SELECT category, payment_method, orders, units FROM t")
        self.assertEqual(sorted(rows), sorted(kit.table_rows(p, "sales_kpi", "category, payment_method, orders, units")))

    def test_tables_that_follow(self):
        self.boto.put("second", {"other": "stays"})
        p = self.following("s3://second/shop")
        self.run_project(p)
        self.check_following(p, "s3://second/shop", 0)
        keys = self.boto.keys("second", "")
        self.run_project(p)
        self.assertEqual(self.boto.keys("second", ""), keys)
        p.write("data/raw/sales_3.csv", sales(200000))
        self.run_project(p)
        self.check_following(p, "s3://second/shop", 1)
        self.run_project(p, "--force")
        self.check_following(p, "s3://second/shop", 2)
        self.assertEqual(self.boto.txn("s3://second/shop/enriched/sales", "ecluse"), 3)

    def test_a_store_that_dies_half_way(self):
        """Its connections break off after three objects; when it is back, the next run brings the rest and nothing twice."""
        self.boto.put("half", {"other": "stays"})
        p = self.following("s3://half/shop")
        proxy = stores.Proxy(self.moto.url, puts=3)
        self.addCleanup(proxy.close)
        env = kit.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=proxy.url, AWS_MAX_ATTEMPTS="2")
        self.assertIn("not delivered", p.run(code=4, env=env).out)
        self.assertEqual(len(kit.table_rows(p, "sales")), 60003)
        self.assertEqual(len(proxy.put), 3)
        proxy.puts = 1000
        self.assertIn("nothing to do", p.run(env=env).out)
        self.check_following(p, "s3://half/shop", 0)
        self.assertEqual(len(proxy.put), len(set(proxy.put)))

    def test_delta_rs_writes_there_too(self):
        """By its own conditional put: one version, one writer. What is not ours is named, and stays."""
        self.boto.put("shared", {"other": "stays"})
        p = self.following("s3://shared/shop")
        self.run_project(p)
        self.boto.append("s3://shared/shop/enriched/sales")
        before = self.boto.keys("shared", "shop/enriched/sales/_delta_log/")
        p.write("data/raw/sales_3.csv", sales(200000))
        result = self.run_project(p, code=4)
        self.assertIn("shop/enriched/sales: version 1 there is not that of", result.out)
        self.assertEqual(self.boto.keys("shared", "shop/enriched/sales/_delta_log/"), before)
        version, rows = self.boto.query("s3://shared/shop/enriched/sales", "SELECT order_id FROM t")
        self.assertEqual((version, len(rows)), (1, 60003 + 1))
        self.assertEqual(len(kit.table_rows(p, "sales")), 60006)

    def test_delta_rs_commits_at_the_same_moment(self):
        """It takes the version between our look and our put: the put is refused, and nothing of its commit is lost."""
        self.boto.put("race", {"other": "stays"})
        p = self.following("s3://race/shop")
        self.run_project(p)
        proxy = stores.Proxy(self.moto.url, puts=1000)
        self.addCleanup(proxy.close)
        proxy.before = lambda path: self.boto.append("s3://race/shop/enriched/sales") if path.endswith(f"enriched/sales/_delta_log/{1:020}.json") else None
        p.write("data/raw/sales_3.csv", sales(200000))
        result = p.run(code=4, env=kit.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=proxy.url))
        self.assertIn("shop/enriched/sales: version 1 there is not that of", result.out)
        version, rows = self.boto.query("s3://race/shop/enriched/sales", "SELECT order_id FROM t")
        self.assertEqual((version, len(rows)), (1, 60003 + 1))

    def test_why_delta_rs_does_not_commit_for_us(self):
        """What docs/remote.md says of it: where this fails, the package can do more by now."""
        found = json.loads(self.boto.delta(
            "from deltalake.schema import Field, PrimitiveType, Schema\n"
            "from deltalake.transaction import AddAction, CommitProperties, Transaction, create_table_with_add_actions\n"
            "narrow = Schema([Field('a', PrimitiveType('long'))])\n"
            "wide = Schema([Field('a', PrimitiveType('long')), Field('b', PrimitiveType('string'))])\n"
            "part = lambda n: [AddAction(f'{n}.parquet', 1, {}, 1, True, '{\"numRecords\":1}')]\n"
            "run = lambda n: CommitProperties(app_transactions=[Transaction('ecluse', n)])\n"
            "create_table_with_add_actions(v['table'], narrow, part(1), commit_properties=run(1))\n"
            "DeltaTable(v['table']).create_write_transaction(part(2), 'append', wide, commit_properties=run(2))\n"
            "DeltaTable(v['table']).create_write_transaction(part(3), 'append', narrow, commit_properties=run(2))\n"
            "d = DeltaTable(v['table'])\n"
            "print(json.dumps([d.version(), [field.name for field in d.schema().fields]]))\n", table=tempfile.mkdtemp(dir=kit.scratch)))
        self.assertEqual(found, [2, ["a"]])  # the new column is not there, and the txn of version 1 was taken again

    def test_delta_rs_reads_by_versions(self):
        """Every version that was ever committed here can be read there: also where the store was away for two of them."""
        p = self.following("s3://late/shop")
        counts = []
        for n in range(3):
            p.write(f"data/raw/sales_{n + 3}.csv", sales(200000 + 10 * n))
            self.run_project(p, *(["--force"] if n == 1 else []), code=4)
            counts.append(len(kit.table_rows(p, "sales")))
        self.boto.put("late", {"other": "stays"})
        self.run_project(p)
        for version, count in enumerate(counts):
            self.assertEqual(self.boto.count("s3://late/shop/enriched/sales", version), count)

    def test_checkpoints_follow(self):
        """So that delta-rs reads the table without the versions before it."""
        self.boto.put("points", {"other": "stays"})
        p = self.following("s3://points/shop")
        self.run_project(p)
        self.boto.delta("DeltaTable(v['table']).create_checkpoint()", table=p.table_folder("sales"))
        p.write("data/raw/sales_3.csv", sales(200000))
        self.run_project(p)
        log = "shop/enriched/sales/_delta_log/"
        keys = {key.removeprefix(log) for key in self.boto.keys("points", log)}
        self.assertEqual(keys, {f"{0:020}.json", f"{1:020}.json", f"{0:020}.checkpoint.parquet", "_last_checkpoint"})
        self.boto.call("s3.delete_object(Bucket='points', Key=v['key'])", key=f"{log}{0:020}.json")
        self.check_following(p, "s3://points/shop", 1)

    def test_a_bucket_that_is_not_there(self):
        result = self.run_project(project("s3://nowhere/*.csv"), code=3)
        self.assertIn("[remote]", result.err)
        self.assertIn("no such bucket", result.err)


if __name__ == "__main__":
    sys.exit(unittest.main())
