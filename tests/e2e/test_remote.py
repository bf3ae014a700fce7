"""Inputs in S3: the same tables as from data/raw, each object once, and stores that fail, lie and change."""
import gzip
import io
import json
import os
import sys
import unittest
import zipfile

import kit
import objectstore
import receivers
from remotekit import HEADER, Remote, orders, project, sales


class Reading(Remote):
    def test_the_same_as_from_the_drop_folder(self):
        p = project("s3://drops/in/sales_*.csv")
        self.put("in/sales_1.csv", sales(1))
        self.put("in/sales_2.csv", sales(4))
        self.put("in/other.csv", b"x")
        self.put("in/deep/sales_3.csv", sales(7))
        self.silent(self.run_project(p))
        one, two = "s3://drops/in/sales_1.csv", "s3://drops/in/sales_2.csv"
        self.assertEqual(orders(p), [("o-1", one), ("o-2", one), ("o-3", one), ("o-4", two), ("o-5", two), ("o-6", two)])
        report = p.report("sales_1.csv")
        self.assertEqual((report["status"], report["input"]["path"]), ("passed", one))
        manifest = json.loads(p.read("data/runs/00000001.json"))
        self.assertEqual([(i["path"], i["tag"]) for i in manifest["inputs"]], [(a, self.s3.etag("drops", a[11:])) for a in (one, two)])
        self.assertEqual(manifest["marks"], [])
        self.assertEqual([name for _, _, names in os.walk(p.path("data/raw")) for name in names], [])
        self.assertEqual(os.listdir(p.path("data/staging")), [])
        self.assertEqual(sorted(self.s3.buckets["drops"]), ["in/deep/sales_3.csv", "in/other.csv", "in/sales_1.csv", "in/sales_2.csv"])

    def test_what_was_applied_is_neither_fetched_nor_applied_again(self):
        p = project("s3://drops/**")
        self.put("a/sales_1.csv", sales(1))
        self.put("a/copy of it.csv", sales(1))
        self.run_project(p)
        first = orders(p)
        self.assertEqual(len(first), 3)
        self.assertEqual(sorted(self.s3.fetched()), ["a/copy of it.csv", "a/sales_1.csv"])
        self.s3.requests.clear()
        self.run_project(p)
        self.assertEqual((orders(p), self.s3.fetched()), (first, []))
        self.s3.times["drops", "a/sales_1.csv"] = "2026-02-02T00:00:00.000Z"  # written again, with the same bytes
        self.put("a/sales_2.csv", sales(9))
        self.run_project(p)
        self.assertEqual(self.s3.fetched(), ["a/sales_2.csv"])
        self.assertEqual(len(orders(p)), 6)

    def test_a_store_that_lists_tags_without_quotes(self):
        self.s3.quotes = False
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        self.run_project(p)
        self.assertEqual(len(orders(p)), 3)

    def test_a_lost_or_damaged_cache_costs_a_fetch_and_nothing_else(self):
        for text in (None, b"", b"{", b'{"version": 2, "objects": []}', b'{"version": 1, "objects": [{"address": 1}]}'):
            p = project("s3://drops/*.csv")
            self.put("sales_1.csv", sales(1))
            self.run_project(p)
            rows = orders(p)
            if text is None:
                os.unlink(p.path("data/runs/objects.json"))
            else:
                p.write("data/runs/objects.json", text)
            self.s3.requests.clear()
            self.run_project(p)
            self.assertEqual((orders(p), self.s3.fetched()), (rows, ["sales_1.csv"]))
            self.assertEqual(len(json.loads(p.read("data/runs/objects.json"))["objects"]), 1)

    def test_changed_objects_are_read_again(self):
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        self.run_project(p)
        self.put("sales_1.csv", sales(1) + sales(20)[len(HEADER):])
        self.s3.requests.clear()
        self.run_project(p, code=None)
        self.assertEqual(self.s3.fetched(), ["sales_1.csv"])
        self.assertEqual({order for order, _ in orders(p)}, {"o-1", "o-2", "o-3", "o-20", "o-21", "o-22"})

    def test_changed_rules_and_force_fetch_again(self):
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        self.run_project(p)
        self.s3.requests.clear()
        self.run_project(p, "--force")
        self.assertEqual((self.s3.fetched(), len(orders(p))), (["sales_1.csv"], 3))
        p.edit("config/business_rules.yaml", "  quantity:", "  status:\n    allowed_values: [completed, shipped]\n  quantity:")
        self.s3.requests.clear()
        self.run_project(p)
        self.assertEqual((self.s3.fetched(), len(orders(p))), (["sales_1.csv"], 3))

    def test_keys_of_every_kind(self):
        keys = ["a b/sales 1.csv", "plus+/sales+2.csv", "per%cent/sales%203.csv", "Köln/sales_ü.csv", "日本/売上.csv", "q?x=1&y/sales#4.csv",
                "p'q\"(r)!*~/sales;5,$@=:.csv", "a/b.csv", "a/b.csv/c.csv", "tab\\/sales_6.csv"]
        p = project("s3://drops/**")
        for i, key in enumerate(keys):
            self.put(key, sales(10 * i + 1, 1))
        self.run_project(p)
        self.assertEqual(orders(p), sorted((f"o-{10 * i + 1}", f"s3://drops/{key}") for i, key in enumerate(keys)))
        self.s3.requests.clear()
        self.run_project(p)
        self.assertEqual(self.s3.fetched(), [])

    def test_keys_that_can_be_no_files(self):
        p = project("s3://drops/**")
        bad = ["../sales_1.csv", "a/../../sales_2.csv", "a//sales_3.csv", "/sales_4.csv", "./sales_5.csv", "x" * 300 + "/sales_6.csv", "new\nline.csv"]
        for i, key in enumerate(bad):
            self.put(key, sales(10 * i))
        self.put("good.csv", sales(1000))
        result = self.run_project(p, code=1)
        self.assertEqual({order for order, _ in orders(p)}, {"o-1000", "o-1001", "o-1002"})
        self.assertEqual(self.s3.fetched(), ["good.csv"])
        self.assertIn("remote-name", result.out + result.err + json.dumps([json.loads(p.read(f"data/quality/{n}")) for n in os.listdir(p.path("data/quality"))
                                                                            if n.startswith("validation_report_")]))
        self.assertFalse(os.path.exists(p.path("data/sales_1.csv")) or os.path.exists(p.path("data/staging/sales_1.csv")))

    def test_archives_and_compressed_objects(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("sales_1.csv", sales(1))
            z.writestr("sales_2.csv", sales(4))
        p = project("s3://drops/*")
        self.put("sales.zip", archive.getvalue())
        self.put("sales_3.csv.gz", gzip.compress(sales(7)))
        self.run_project(p)
        self.assertEqual(len(orders(p)), 9)
        self.s3.requests.clear()
        self.run_project(p)
        self.assertEqual(self.s3.fetched(), [])

    def test_large_objects_in_ranges(self):
        rows = sales(1, 240000)
        self.assertGreater(len(rows), 17 << 20)
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", rows)
        self.run_project(p, "--set", "chunk_size_mb=8")
        self.assertEqual(len(orders(p)), 240000)
        ranges = [seen["range"] for seen in self.s3.seen if "range" in seen]
        self.assertEqual(sorted(ranges), [f"bytes=0-{(16 << 20) - 1}", f"bytes={16 << 20}-{len(rows) - 1}"])

    def test_three_thousand_objects_over_pages(self):
        self.s3.page = 700
        p = project("s3://drops/many/*.csv")
        for i in range(3000):
            self.put(f"many/sales_{i:04}.csv", b"")
        for i in range(0, 3000, 1000):
            self.put(f"many/sales_{i:04}.csv", sales(10 * i + 1, 1))
        plan = json.loads(p.call("plan", "--json", env=kit.environment(**self.s3.environment())).out)
        self.assertEqual((len(plan["files"]), self.s3.pages), (3000, 5))
        self.assertEqual({f["error"]["code"] for f in plan["files"] if f["error"]}, {"empty-file"})
        self.assertEqual(sum(1 for f in plan["files"] if not f["error"]), 3)

    def test_plan_fetches_and_writes_nothing(self):
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        before = sorted(os.walk(p.path("data")))
        plan = json.loads(p.call("plan", "--json", env=kit.environment(**self.s3.environment())).out)
        self.assertEqual([(f["path"], f["cause"], f["sha256"], f["tasks"]) for f in plan["files"]], [("s3://drops/sales_1.csv", "new", None, 1)])
        self.assertEqual((self.s3.fetched(), sorted(os.walk(p.path("data")))), ([], before))
        self.run_project(p)
        plan = json.loads(p.call("plan", "--json", env=kit.environment(**self.s3.environment())).out)
        self.assertEqual([(f["cause"], bool(f["sha256"])) for f in plan["files"]], [("applied", True)])

    def test_rejected_rows_name_the_address(self):
        p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1, 40) + b"o-x,2025-07-18T10:00:00,u-1,s-1,p-1,two,10.00,0.00,20.00,card,completed\n")
        self.run_project(p, code=None)
        line, = p.quarantine("sales", "sales_1.csv")
        self.assertEqual((line["file"], line["line"], line["raw"][:4]), ("s3://drops/sales_1.csv", 42, "o-x,"))

    def test_duplicates_between_a_store_and_the_drop_folder(self):
        p = project("s3://drops/*.csv", "sales_*.csv")
        self.put("sales_1.csv", sales(1))
        p.write("data/raw/sales_2.csv", sales(3))
        self.run_project(p, code=None)
        self.assertEqual(len(orders(p)), 5)
        self.assertTrue(os.path.exists(p.path("data/raw/sales_2.csv.done")))

    def test_the_archive_leaves_objects_where_they_are(self):
        p = project("s3://drops/*.csv", "sales_*.csv")
        self.put("sales_1.csv", sales(1))
        p.write("data/raw/sales_2.csv", sales(10))
        self.run_project(p, "--set", "archive.enabled=true", "--set", "archive.cleanup=[raw, staging]", code=None)
        self.assertEqual(list(self.s3.buckets["drops"]), ["sales_1.csv"])
        self.assertEqual(len(orders(p)), 6)


class Refusing(Remote):
    def setUp(self):
        super().setUp()
        self.p = project("s3://drops/in/*.csv")
        self.put("in/sales_1.csv", sales(1))

    def test_no_credentials(self):
        self.refused(self.p, "remote-denied", "no credentials for s3://drops", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    def test_wrong_credentials(self):
        self.refused(self.p, "remote-denied", "InvalidAccessKeyId", AWS_ACCESS_KEY_ID="SOMEBODYELSE")
        self.refused(self.p, "remote-denied", "SignatureDoesNotMatch", AWS_SECRET_ACCESS_KEY="another-secret-4711")

    def test_expired_credentials(self):
        self.s3.token = "session-token-hush"
        self.silent(self.run_project(self.p))
        p = project("s3://drops/in/*.csv")
        result = self.refused(p, "remote-denied", "session token has expired", AWS_SESSION_TOKEN="old-token-hush")
        self.assertNotIn("hush", result.err)

    def test_credentials_from_a_file(self):
        path = self.p.write("credentials", f"[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n[shop]\n"
                            f"aws_access_key_id = {objectstore.ACCESS}\naws_secret_access_key = {objectstore.SECRET}\n")
        none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": path}
        self.silent(self.run_project(self.p, AWS_PROFILE="shop", **none))
        self.assertEqual(len(orders(self.p)), 3)
        self.refused(project("s3://drops/in/*.csv"), "remote-denied", "[elsewhere]", AWS_PROFILE="elsewhere", **none)

    def test_a_bucket_that_is_not_there(self):
        self.refused(project("s3://drips/*.csv"), "remote", "s3://drips/", "no such bucket")

    def test_a_bucket_in_another_region(self):
        self.s3.before = lambda h, *_: h.refuse(301, "PermanentRedirect", x_amz_bucket_region="eu-west-3") or True
        self.refused(self.p, "remote", "is in the region eu-west-3", "AWS_REGION")

    def test_a_listing_that_sends_elsewhere(self):
        other = objectstore.S3()
        self.addCleanup(other.close)
        self.s3.before = lambda h, *_: h.refuse(302, "x", Location=other.server.url + "/") or True
        self.refused(self.p, "remote", "sends elsewhere")
        self.assertEqual(other.seen, [])

    def test_no_store_there(self):
        port = self.s3.server.server_address[1]
        self.s3.close()
        self.refused(self.p, "remote", f"127.0.0.1:{port}", AWS_MAX_ATTEMPTS="2")

    def test_tls_is_asked_for_unless_the_endpoint_says_http(self):
        self.refused(self.p, "remote", AWS_ENDPOINT_URL=self.s3.server.url.replace("http:", "https:"), AWS_MAX_ATTEMPTS="1")
        self.assertEqual(self.s3.seen, [])

    def test_tls_with_an_authority_of_ones_own(self):
        self.s3 = objectstore.S3(tls=receivers.tls_context())
        self.addCleanup(self.s3.close)
        self.put("in/sales_1.csv", sales(1))
        authority = receivers.certificates()[0]
        self.silent(self.run_project(self.p, AWS_CA_BUNDLE=authority))
        self.assertEqual(len(orders(self.p)), 3)
        self.s3.seen.clear()
        self.refused(project("s3://drops/in/*.csv"), "remote", "ertificate", AWS_MAX_ATTEMPTS="1")
        self.assertEqual(self.s3.seen, [])

    def test_listings_that_are_none(self):
        page = lambda inner: f"<ListBucketResult>{inner}</ListBucketResult>".encode()  # noqa: E731
        entry = "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>\"x\"</ETag><Size>{}</Size></Contents>"
        bodies = {
            b"": "not well-formed", b"<html>": "not well-formed", b"<html/>": "no listing", page("<IsTruncated>true</IsTruncated>"): "not where",
            page("<IsTruncated>maybe</IsTruncated>"): "neither true nor false", page(entry.format("elsewhere/x.csv", 1)): "not asked for",
            page(entry.format("in/x.csv", -1)): "size", page(entry.format("in/x.csv", "9" * 30)): "size", page("<Contents><Key>in/x.csv</Key></Contents>"): "lacks",
            page("<EncodingType>url</EncodingType>" + entry.format("in/%zz.csv", 1)): "encoded",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + page(entry.format("in/&b;.csv", 1)): "DOCTYPE",
            page("<a>" * 20 + "</a>" * 20): "nests too deep",
            page("<NextContinuationToken>t</NextContinuationToken><IsTruncated>true</IsTruncated>"): "again and again",
        }
        for body, words in bodies.items():
            with self.subTest(words):
                self.s3.before = lambda h, *_, body=body: h.answer(200, body) or True
                self.refused(self.p, "remote", words)

    def test_a_listing_without_end(self):
        def endless(h, *_):
            h.send_response(200)
            h.send_header("Connection", "close")
            h.end_headers()
            try:
                h.wfile.write(b"<ListBucketResult>")
                for _ in range(2000):
                    h.wfile.write(b" " * 65536)
            except OSError:
                pass
            h.close_connection = True
            return True
        self.s3.before = endless
        self.refused(self.p, "remote", "answers with more than", AWS_MAX_ATTEMPTS="1")

    def test_addresses_that_are_none(self):
        for glob, words in (("s3://drops", "a slash and a key are missing"), ("s3://dr*ps/x", "a slash and a key are missing"), ("s3://a/x", "bucket"),
                            ("s3://key:hush@drops/x", "no password")):
            result = self.run_project(project(glob), code=2)
            self.assertIn(words, result.err)
            self.assertNotIn("hush", result.err)


if __name__ == "__main__":
    sys.exit(unittest.main())
