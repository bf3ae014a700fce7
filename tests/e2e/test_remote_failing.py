"""Objects in S3 that cannot be had, or not whole, or not as they were listed: each fails alone, and says why."""
import os
import subprocess
import sys
import threading
import unittest

import kit
import objectstore
from remotekit import Remote, orders, project, sales


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
        self.waits = {"ECLUSE_REMOTE_TIMEOUT": "5", "AWS_MAX_ATTEMPTS": "2"}  # what answers does so in less
        over = threading.Event()
        self.addCleanup(over.set)
        self.fails(lambda h: over.wait(), "remote-read", "imeout")

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
        arrived, killed = threading.Event(), threading.Event()

        def slow(_handler, _bucket, key, _query):
            if key:
                arrived.set()
                killed.wait()
            return False
        self.s3.before = slow
        with subprocess.Popen([kit.ECLUSE, "-C", self.p.folder, "run"], env=kit.environment(**self.s3.environment()), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            self.assertTrue(arrived.wait(kit.SECONDS_MAX))
            process.kill()
        killed.set()
        self.assertNotEqual(os.listdir(self.p.path("data/staging")), [])
        self.s3.before = None
        self.run_project(self.p)
        self.assertEqual((len(orders(self.p)), os.listdir(self.p.path("data/staging"))), (3, []))


if __name__ == "__main__":
    sys.exit(unittest.main())
