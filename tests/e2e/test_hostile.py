#!/usr/bin/env python3
"""Files made to do harm: each costs a bounded amount of memory, gets the error that names it, leaves nothing of itself
in a table, and takes no other file with it. Their making stands here; none of them lies in the repository.

Memory is the sum over all processes of a run, looked at every 20 ms, and no more than 512 MB whatever the file holds.
Times are printed, not judged: the machine is everybody's."""
import glob
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
import unittest
import zipfile
import zlib

import kit

sys.path.insert(0, os.path.join(kit.HERE, "..", "..", "bench", "lib"))
import measure  # noqa: E402

MEMORY_MAX = 512 << 20
MIB = 1 << 20
HEADER = ",".join(kit.SALES_HEADER.split())
ROW = ",".join(map(str, kit.sale(1)))


def repeated(data, count, before=b""):
    """A gzip file of `count` times the bytes, whole but never held here: each time is the same block of the stream."""
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = press.compress(before) + press.flush(zlib.Z_FULL_FLUSH)
    block = press.compress(data) + press.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(before)
    for _ in range(count):
        crc = zlib.crc32(data, crc)
    size = (len(before) + count * len(data)) & 0xFFFFFFFF
    return bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255)) + head + block * count + press.flush() + struct.pack("<II", crc, size)


def members(*entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in entries:
            file.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def overlapping():
    """Two names in the directory for one member's bytes."""
    data = members(("api_logs_1.json.gz", gzip.compress(b"{}")))
    end = data.rindex(b"PK\x05\x06")
    at, size = struct.unpack("<I", data[end + 16:end + 20])[0], struct.unpack("<I", data[end + 12:end + 16])[0]
    entry = data[at:at + size]
    both = entry + entry.replace(b"api_logs_1", b"api_logs_2")
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(both), at, 0)
    return data[:at] + both + tail


def encrypted():
    data = bytearray(members(("api_logs_1.json.gz", gzip.compress(b"{}"))))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def named(name):
    """zipfile cleans names, so one of the same length is put in afterwards."""
    plain = "x" * len(name)
    return members((plain, gzip.compress(b"{}"))).replace(plain.encode(), name.encode("latin-1"))


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
BOOK = ('<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>')
RELATIONS = ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://'
             'schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/>%s</Relationships>')
STRINGS = ('<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
           'Target="sharedStrings.xml"/>')
TYPES = ('<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" '
         'ContentType="application/xml"/></Types>')


def workbook(sheet, strings=None):
    parts = [("[Content_Types].xml", TYPES), ("_rels/.rels", RELATIONS % ("officeDocument", "xl/workbook.xml", "")),
             ("xl/workbook.xml", BOOK), ("xl/_rels/workbook.xml.rels", RELATIONS % ("worksheet", "worksheets/sheet1.xml", STRINGS if strings else "")),
             ("xl/worksheets/sheet1.xml", sheet)]
    if strings:
        parts.append(("xl/sharedStrings.xml", strings))
    return members(*parts, method=zipfile.ZIP_DEFLATED)


LAUGHS = "<!DOCTYPE x [" + '<!ENTITY a "ha">' + "".join(f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi")) + "]>"
STRING_LIST = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</sst>'


LOG = ('{"timestamp": "2025-07-18T10:00:00Z", "request_id": "%s", "user_id": "U1", "session_id": "S1", "endpoint": "/api/v1/cart", "method": "GET", '
       '"status_code": %s, "response_time_ms": 12.5, "payload_size_bytes": 10, "cache_hit": false, "country_code": "FR", '
       '"ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0"}\n')
GOOD_LOG = (LOG % ("good", 200)).encode()

# (what it is, its name, how it is made, the error that names it)
FILES = (
    ("ratio", "api_logs_1.json.gz", lambda: repeated(b" " * MIB, 300, GOOD_LOG), "bomb"),
    ("zeros", "api_logs_1.json.gz", lambda: repeated(bytes(MIB), 600), "unknown-format"),
    ("gzip in gzip", "api_logs_1.json.gz", lambda: gzip.compress(gzip.compress(GOOD_LOG * 1000)), "unknown-format"),
    ("zip in zip", "api_logs.zip", lambda: members(("api_logs_1.json.gz", members(("api_logs_1.json.gz", gzip.compress(GOOD_LOG))))), "gzip-not"),
    ("two names for one member", "api_logs.zip", overlapping, "zip-damaged"),
    ("many members", "api_logs.zip", lambda: members(*((f"api_logs_{i}.json.gz", b"") for i in range(10001))), "zip-too-many"),
    ("name upwards", "api_logs.zip", lambda: named("../../api_logs_1.json.gz"), "zip-name"),
    ("name from the root", "api_logs.zip", lambda: named("/etc/api_logs_1.json.gz"), "zip-name"),
    ("name with backslash", "api_logs.zip", lambda: named("..\\api_logs_1.json.gz"), "zip-name"),
    ("name with NUL", "api_logs.zip", lambda: named("api_logs\0_1.json.gz"), "zip-name"),
    ("encrypted", "api_logs.zip", encrypted, "zip-encrypted"),
    ("cut gzip", "api_logs_1.json.gz", lambda: gzip.compress(GOOD_LOG * 200000, 1)[:-40], "gzip-truncated"),
    ("bytes behind gzip", "api_logs_1.json.gz", lambda: gzip.compress(GOOD_LOG) + b"x" * (50 * MIB), "gzip-trailing"),
    ("entities", "products_catalog.xlsx", lambda: workbook(LAUGHS + SHEET % "<row><c t='inlineStr'><is><t>&i;</t></is></c></row>"), "xlsx-unsafe"),
    ("depth", "products_catalog.xlsx", lambda: workbook(SHEET % ("<row>" * 100000)), "xlsx-unsafe"),
    ("sheet of spaces", "products_catalog.xlsx", lambda: workbook(SHEET % ("<row>" + " " * (300 * MIB) + "</row>")), "bomb"),
    ("strings", "products_catalog.xlsx", lambda: workbook(SHEET % "<row/>", STRING_LIST % ("<si><t>a</t></si>" * 1000001)), "xlsx-too-large"),
    ("columns", "sales_1.csv", lambda: b",".join(b"c%d" % i for i in range(100000)), "too-many-columns"),
    ("endless header", "sales_1.csv", lambda: b"a," * (50 * MIB), "record-too-long"),
    ("no line", "sales_1.csv", lambda: b"a" * (100 * MIB), "record-too-long"),
    ("nothing but NUL", "sales_1.csv", lambda: bytes(100 * MIB), "unknown-format"),
    ("UTF-16", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n".encode("utf-16"), "encoding"),
)
# (what it is, its name, how it is made, rows accepted, reasons of those that are not)
ROWS = (
    ("NUL in a row", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n".encode() + (ROW + "\n").encode() * 2000 + ROW.encode().replace(b"card", b"ca\0rd") + b"\n",
     1, {"encoding-error", "duplicate-key"}),
    ("another encoding", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n".encode() + ROW.replace("card", "carté").encode("latin-1") + b"\n", 1, {"encoding-error"}),
    ("long cell", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n{ROW.replace('card', 'c' * (2 * MIB))}\n".encode(), 1, {"too-long"}),
    ("long number", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n{ROW.replace(',2,', ',' + '9' * 1000 + ',')}\n".encode(), 1, {"type-error"}),
    ("line without end", "sales_1.csv", lambda: f"{HEADER}\n{ROW}\n".encode() + b"a" * (100 * MIB), 1, {"too-long"}),
    ("quote without end", "sales_1.csv", lambda: f'{HEADER}\n{ROW}\n"'.encode() + b"line\n" * 100000, 1, {"parse-error", "missing-cell"}),
    ("number of a log", "api_logs_1.json", lambda: GOOD_LOG + (LOG % ("a", "9" * 100000)).encode(), 1, {"too-long"}),
    ("nested value", "api_logs_1.json", lambda: GOOD_LOG + (LOG % ("a", "[" * 100000 + "]" * 100000)).encode(), 1, {"parse-error"}),
    ("key twice", "api_logs_1.json", lambda: GOOD_LOG + (LOG % ("a", '200, "status_code": 201')).encode(), 1, {"parse-error"}),
    ("record without end", "api_logs_1.json", lambda: GOOD_LOG + b'{"request_id":"' + b"x" * (100 * MIB), 1, {"too-long"}),
    ("brackets without end", "api_logs_1.json", lambda: GOOD_LOG + b"[" * (100 * MIB), 1, {"parse-error"}),
)


def run(project):
    """One run, watched: exit code, seconds, bytes at the peak."""
    start, done, peak = time.monotonic(), threading.Event(), [0]
    process = subprocess.Popen([kit.ECLUSE, "-C", project.folder, "run", "--as-of", kit.AS_OF, "--quiet", "--no-archive", "--jobs", "1"],
                               env=kit.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watcher = threading.Thread(target=measure.watch, args=(process.pid, done, peak))
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    return code, time.monotonic() - start, peak[0] << 10


class Hostile(unittest.TestCase):
    def drop(self, what, name, make):
        project = kit.new_project(**{"sales_good.csv": kit.csv_text(kit.SALES_HEADER, kit.sale(7001), kit.sale(7002))})
        project.write(os.path.join("data/raw", name), make())
        size = os.path.getsize(project.path("data/raw", name))
        code, seconds, peak = run(project)
        print(f"{what:24} {size / 1e6:8.1f} MB ended after {seconds:5.1f} s, {peak / 1e6:4.0f} MB of memory", flush=True)
        self.assertLess(peak, MEMORY_MAX)
        self.assertIn(("O7001",), kit.table_rows(project, "sales", "order_id"))
        self.assertEqual(kit.check_project(project), [])
        return project, code

    def test_files(self):
        for what, name, make, slug in FILES:
            with self.subTest(what):
                project, code = self.drop(what, name, make)
                errors = [error for path in glob.glob(project.path("data/quality/validation_report_*.json"))
                          for error in json.loads(project.read(path))["errors"] or ()]
                self.assertEqual(code, 1)
                self.assertIn(f"[{slug}]", " ".join(errors))
                self.assertFalse(os.path.exists(project.path("data/raw", f"{name}.done")))
                self.assertEqual(len(kit.table_rows(project, "sales", "order_id")), 2)

    def test_rows(self):
        for what, name, make, accepted, reasons in ROWS:
            with self.subTest(what):
                project, _ = self.drop(what, name, make)
                source = "sales" if name.startswith("sales") else "api_logs"
                found = {reason["code"] for line in project.quarantine(source, name) for reason in line["reasons"]}
                self.assertTrue(reasons <= found, found)
                good = 2 if source == "sales" else 0
                self.assertEqual(len(kit.table_rows(project, source, "_line")), accepted + good)

    def test_names_in_an_archive_stay_inside(self):
        project, _ = self.drop("name upwards", "api_logs.zip", lambda: named("../../api_logs_1.json.gz"))
        above = os.path.dirname(project.folder)
        self.assertEqual([name for name in os.listdir(above) if name.startswith("api_logs_1")], [])


if __name__ == "__main__":
    unittest.main()
