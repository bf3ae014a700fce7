"""Inputs in S3: the same tables as from data/raw, each object once, and stores that fail, lie and change."""
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time
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


class Failing(Remote):
    def setUp(self):
        super().setUp()
        self.p = project("s3://drops/*.csv")
        self.put("sales_1.csv", sales(1))
        self.calls, self.waits = 0, {}

    def before(self, times, do):
        """`do(handler)` answers the first so many requests for an object."""
        def hook(handler, _bucket, key, _query):
            if key != "sales_1.csv" or self.calls >= times:
                return False
            self.calls += 1
            do(handler)
            return True
        self.s3.before = hook

    def goes_on(self, times, do):
        self.before(times, do)
        self.silent(self.run_project(self.p))
        self.assertEqual((len(orders(self.p)), self.calls), (3, times))

    def fails(self, do, status, *words):
        """This object fails and says why; the other is read."""
        self.put("sales_2.csv", sales(50))
        self.before(99, do)
        result = self.run_project(self.p, code=1, **self.waits)
        self.silent(result)
        report = self.p.report("sales_1.csv")
        self.assertEqual(report["status"], "errored")
        said = " ".join(report["errors"]) + result.out + result.err
        for word in (status, *words):
            self.assertIn(word, said)
        self.assertEqual({order for order, _ in orders(self.p)}, {"o-50", "o-51", "o-52"})
        self.s3.before = None
        self.run_project(self.p)
        self.assertEqual(len(orders(self.p)), 6)

    def test_errors_that_pass(self):
        self.goes_on(2, lambda h: h.refuse(500, "InternalError"))

    def test_errors_that_stay(self):
        self.fails(lambda h: h.refuse(503, "SlowDown"), "remote-read", "tried 3 times", "asks for fewer requests")
        self.assertEqual(self.calls, 3)

    def test_a_connection_that_breaks_half_way_goes_on_where_it_was(self):
        def cut(h):
            h.send_response(206)
            h.send_header("ETag", self.s3.etag("drops", "sales_1.csv"))
            size = len(sales(1))
            first = int(h.headers["Range"][6:].split("-")[0])
            h.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
            h.send_header("Content-Length", str(size - first))
            h.end_headers()
            h.wfile.write(sales(1)[first:first + 50])
            h.close_connection = True
        self.goes_on(2, cut)
        self.assertEqual([seen["range"].split("-")[0] for seen in self.s3.seen if "range" in seen], ["bytes=0", "bytes=50", "bytes=100"])

    def test_a_body_that_ends_early(self):
        def short(h):
            h.send_response(206)
            h.send_header("ETag", self.s3.etag("drops", "sales_1.csv"))
            first = int(h.headers["Range"][6:].split("-")[0])
            h.send_header("Content-Range", f"bytes {first}-{len(sales(1)) - 1}/{len(sales(1))}")
            h.send_header("Connection", "close")
            h.end_headers()
            h.wfile.write(sales(1)[first:first + 10])
            h.close_connection = True
        self.fails(short, "remote-read", "bytes of")

    def test_a_body_without_end(self):
        def endless(h):
            h.send_response(206)
            h.send_header("ETag", self.s3.etag("drops", "sales_1.csv"))
            h.send_header("Content-Range", f"bytes 0-{len(sales(1)) - 1}/{len(sales(1))}")
            h.send_header("Connection", "close")
            h.end_headers()
            try:
                for _ in range(1000):
                    h.wfile.write(b"x" * 65536)
            except OSError:
                pass
            h.close_connection = True
        self.fails(endless, "remote-read")

    def test_a_store_that_says_nothing(self):
        self.waits = {"ECLUSE_REMOTE_TIMEOUT": "1", "AWS_MAX_ATTEMPTS": "2"}
        self.fails(lambda h: (time.sleep(4), h.answer(200)), "remote-read", "imeout")

    def test_another_range_than_asked_for(self):
        def other(h):
            h.answer(206, sales(1)[1:], ETag=self.s3.etag("drops", "sales_1.csv"), Content_Range=f"bytes 1-{len(sales(1)) - 1}/{len(sales(1))}")
        self.fails(other, "remote-read", "another range")

    def test_an_object_that_is_gone(self):
        self.fails(lambda h: h.refuse(404, "NoSuchKey"), "file-changed", "gone since it was listed")

    def test_an_object_that_may_not_be_read(self):
        self.fails(lambda h: h.refuse(403, "AccessDenied"), "remote-read", "does not allow it")
        self.assertEqual(self.calls, 1)

    def test_an_object_that_changes_between_list_and_read(self):
        self.fails(lambda h: h.refuse(412, "PreconditionFailed"), "file-changed", "changed while it was being read")

    def test_a_store_that_does_not_know_if_match(self):
        """It sends the new version: its ETag says so, and nothing of it is taken."""
        def newer(h):
            data = sales(70)
            h.answer(206, data, ETag=self.s3.etag_of(data), Content_Range=f"bytes 0-{len(data) - 1}/{len(data)}")
        self.fails(newer, "file-changed")

    def test_an_object_that_changes_between_two_ranges(self):
        rows = sales(1, 240000)
        self.put("sales_1.csv", rows)
        lock, seen = threading.Lock(), []

        def change(_handler, _bucket, key, _query):
            with lock:
                seen.append(key)
                if [k for k in seen if k] == ["sales_1.csv"] * 2:
                    self.s3.buckets["drops"]["sales_1.csv"] = rows.replace(b"card", b"cash")
            return False
        self.s3.before = change
        self.run_project(self.p, code=1)
        self.assertEqual((self.p.report("sales_1.csv")["status"], orders(self.p)), ("errored", []))
        self.s3.before = None
        self.run_project(self.p)
        self.assertEqual(len(orders(self.p)), 240000)

    def test_a_redirect_takes_no_credentials_elsewhere(self):
        other = objectstore.S3()
        self.addCleanup(other.close)
        self.fails(lambda h: h.refuse(307, "TemporaryRedirect", Location=f"{other.server.url}/drops/sales_1.csv"), "remote-read", "sends elsewhere")
        self.assertEqual((other.requests, other.seen), ([], []))


    def listed_as(self, size):
        """Whatever is asked for, the listing says that size of sales_1.csv."""
        def hook(handler, bucket, key, _query):
            if key:
                return False
            handler.answer(200, (f"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>sales_1.csv</Key><LastModified>2026-01-01T00:00:00Z"
                                 f"</LastModified><ETag>{self.s3.etag(bucket, 'sales_1.csv')}</ETag><Size>{size}</Size></Contents></ListBucketResult>").encode())
            return True
        self.s3.before = hook

    def test_more_than_there_is_room_for(self):
        self.listed_as(255 << 30)
        space = os.statvfs(self.p.folder)
        if space.f_bavail * space.f_frsize > 255 << 30:
            self.skipTest("there is room")
        self.assertIn("[disk-full]", self.run_project(self.p, code=3).err)
        self.assertEqual((self.s3.fetched(), os.listdir(self.p.path("data/staging"))), ([], []))

    def test_an_object_that_is_too_large_for_anybody(self):
        self.listed_as(257 << 30)
        self.run_project(self.p, code=1)
        self.assertIn("more than 256 GiB", " ".join(self.p.report("sales_1.csv")["errors"]))

    def test_another_size_than_the_store_listed(self):
        for size in (len(sales(1)) - 1, len(sales(1)) + 1):
            self.listed_as(size)
            self.run_project(self.p, code=1)
            self.assertEqual((self.p.report("sales_1.csv")["status"], orders(self.p)), ("errored", []))

    def test_a_kill_while_objects_are_fetched(self):
        arrived = threading.Event()

        def slow(_handler, _bucket, key, _query):
            if key:
                arrived.set()
                time.sleep(1)
            return False
        self.s3.before = slow
        with subprocess.Popen([kit.ECLUSE, "-C", self.p.folder, "run"], env=kit.environment(**self.s3.environment()), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            arrived.wait(30)
            process.kill()
        self.assertNotEqual(os.listdir(self.p.path("data/staging")), [])
        self.s3.before = None
        self.run_project(self.p)
        self.assertEqual((len(orders(self.p)), os.listdir(self.p.path("data/staging"))), (3, []))


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
