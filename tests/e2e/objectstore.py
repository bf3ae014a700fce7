"""Stores of objects on loopback, for tests: an S3 server that checks every signature by itself, a namenode of HDFS with a
datanode beside it, and ways for both to fail. No code is shared with the program."""
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
import urllib.parse
import xml.sax.saxutils

ACCESS, SECRET = "AKIDTESTTESTTEST", "s3cr3t/Key+that=nobody-may-see"
REGION = "eu-test-1"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, owner, tls=None):
        self.owner, self.scheme = owner, "https" if tls else "http"
        super().__init__(("127.0.0.1", 0), handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that break off are what we want

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# ---- S3

def signature(secret, method, path, query, headers, signed, payload, when, region, service="s3"):
    """Signature version 4, by the book."""
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    quote = lambda text: urllib.parse.quote(text, safe="-_.~")  # noqa: E731
    canonical = "\n".join([method, urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~"), "&".join(f"{quote(k)}={quote(v)}" for k, v in pairs),
                           *(f"{name}:{' '.join(headers[name].split())}" for name in signed), "", ";".join(signed), payload])
    scope = f"{when[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for word in (when[:8], region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class S3Handler(Handler):
    def refuse(self, code, name, **headers):
        body = f"<?xml version='1.0'?><Error><Code>{name}</Code><Message>of {SECRET}</Message></Error>".encode()
        self.answer(code, body, **headers)

    def judge(self):
        """Why the request is refused, or None."""
        store = self.server.owner
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})",
                             self.headers.get("Authorization", ""))
        if not match:
            return 403, "AccessDenied"
        access, day, region, signed, given = match.groups()
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        when = headers.get("x-amz-date", "")
        missing = {"host", "x-amz-date", "x-amz-content-sha256"} | ({"range"} & headers.keys()) | ({"if-match"} & headers.keys())
        if access != ACCESS:
            return 403, "InvalidAccessKeyId"
        if store.token and headers.get("x-amz-security-token") != store.token:
            return 400, "ExpiredToken"
        if missing - set(signed.split(";")) or not when.startswith(day) or abs(time.time() - calendar_time(when)) > 900:
            return 403, "RequestTimeTooSkewed"
        wanted = signature(SECRET, self.command, path, query, headers, signed.split(";"), headers["x-amz-content-sha256"], when, region)
        if not hmac.compare_digest(given, wanted):
            return 403, "SignatureDoesNotMatch"
        return None

    def do_GET(self):
        store = self.server.owner
        store.requests.append(self.path)
        store.seen.append({name.lower(): value for name, value in self.headers.items()})
        wrong = self.judge()
        if wrong:
            return self.refuse(*wrong)
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path)[1:].partition("/")
        if store.before and store.before(self, bucket, key, dict(urllib.parse.parse_qsl(query))):
            return None
        if bucket not in store.buckets:
            return self.refuse(404, "NoSuchBucket")
        return self.get_object(store.buckets[bucket], key) if key else self.list_objects(bucket, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))

    def do_PUT(self):
        store = self.server.owner
        body = self.rfile.read(int(self.headers["Content-Length"]))
        wrong = self.judge() or (None if hashlib.sha256(body).hexdigest() == self.headers["x-amz-content-sha256"] else (400, "XAmzContentSHA256Mismatch"))
        if wrong:
            return self.refuse(*wrong)
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path)[1:].partition("/")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        store.puts.append((self.command, key, query))
        if store.before_put and store.before_put(self, bucket, key, query, body):
            return None
        if bucket not in store.buckets:
            return self.refuse(404, "NoSuchBucket")
        return getattr(self, f"answer_{self.command}")(store.buckets[bucket], key, query, body)

    do_POST = do_DELETE = do_PUT

    def answer_PUT(self, objects, key, query, body):
        store = self.server.owner
        if "uploadId" in query:
            store.uploads[query["uploadId"]][int(query["partNumber"])] = body
        elif self.headers.get("If-None-Match") == "*" and key in objects:
            return self.refuse(412, "PreconditionFailed")
        else:
            objects[key] = body
        return self.answer(200, ETag=store.etag_of(body))

    def answer_POST(self, objects, key, query, body):
        store = self.server.owner
        if "uploads" in query:
            upload = f"u/{len(store.puts)}+=&"
            store.uploads[upload] = {}
            return self.answer(200, f"<InitiateMultipartUploadResult><UploadId>{xml.sax.saxutils.escape(upload)}</UploadId></InitiateMultipartUploadResult>".encode())
        parts = store.uploads.pop(query["uploadId"])
        given = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;([0-9a-f]+)&quot;</ETag>", body.decode())
        assert given == [(str(n), store.etag_of(parts[n]).strip('"')) for n in sorted(parts)], given
        objects[key] = b"".join(parts[n] for n in sorted(parts))
        return self.answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def answer_DELETE(self, objects, key, query, _body):
        if "uploadId" in query:
            self.server.owner.uploads.pop(query["uploadId"])
        else:
            objects.pop(key, None)
        self.answer(204)

    def list_objects(self, bucket, query):
        store = self.server.owner
        assert query["list-type"] == "2" and query["encoding-type"] == "url", query
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = [key for key in sorted(store.buckets[bucket], key=str.encode) if key.startswith(prefix)]
        if query.get("delimiter"):
            keys = [key for key in keys if query["delimiter"] not in key[len(prefix):]]
        keys = [key for key in keys if not after or key > store.tokens[after]]
        page, more = keys[:store.page], len(keys) > store.page
        store.pages += 1
        token = ""
        if more:
            token = f"1/next+{len(store.tokens)}=="
            store.tokens[token] = page[-1]
        escape = xml.sax.saxutils.escape
        entries = "".join(
            f"<Contents><Key>{escape(urllib.parse.quote_plus(key, safe='/'))}</Key><LastModified>{store.time_of(bucket, key)}</LastModified>"
            f"<ETag>{escape(store.etag(bucket, key), {chr(34): '&quot;' if store.quotes else ''})}</ETag><Size>{len(store.buckets[bucket][key])}</Size>"
            "<Owner><ID>x</ID></Owner></Contents>" for key in page)
        body = (f"<?xml version='1.0' encoding='UTF-8'?>\n<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Name>{bucket}</Name>"
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{entries}"
                + (f"<NextContinuationToken>{token}</NextContinuationToken>" if more else "") + "<EncodingType>url</EncodingType></ListBucketResult>")
        self.answer(200, body.encode(), Content_Type="application/xml")

    def get_object(self, objects, key):
        store = self.server.owner
        if key not in objects:
            return self.refuse(404, "NoSuchKey")
        data, etag = objects[key], store.etag_of(objects[key])
        if self.headers.get("If-Match") not in (None, etag):
            return self.refuse(412, "PreconditionFailed")
        first, last = (int(n) for n in re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        part = data[first:last + 1]
        return self.answer(206, part, ETag=etag, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(data)}")


def calendar_time(text):
    return time.mktime(time.strptime(text, "%Y%m%dT%H%M%SZ")) - time.timezone


class S3:
    """`before(handler, bucket, key, query)` may answer in the store's place: true where it did."""

    def __init__(self, page=1000, token="", tls=None, **objects):
        self.buckets, self.page, self.token = {"drops": dict(objects)}, page, token
        self.requests, self.seen, self.tokens, self.pages, self.before, self.times, self.quotes = [], [], {}, 0, None, {}, True
        self.puts, self.uploads, self.before_put = [], {}, None
        self.server = Server(S3Handler, self, tls)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def etag_of(data):
        return f'"{hashlib.md5(data).hexdigest()}"'

    def etag(self, bucket, key):
        return self.etag_of(self.buckets[bucket][key])

    def time_of(self, bucket, key):
        return self.times.get((bucket, key), "2026-01-02T03:04:05.000Z")

    def environment(self, **more):
        return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.server.url,
                "AWS_MAX_ATTEMPTS": "3", "ECLUSE_REMOTE_TIMEOUT": "2", **({"AWS_SESSION_TOKEN": self.token} if self.token else {}), **more}

    def fetched(self):
        """The keys of objects that were asked for."""
        return [urllib.parse.unquote(path.partition("?")[0]).split("/", 2)[2] for path in self.requests if path.partition("?")[0].count("/") > 1]


# ---- HDFS

class NameHandler(Handler):
    def do_GET(self):
        hdfs = self.server.owner
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        hdfs.requests.append(self.path)
        path = urllib.parse.unquote(path).removeprefix("/webhdfs/v1")
        if hdfs.token and (query.get("delegation") != hdfs.token or "user.name" in query):
            return self.exception(401, "AuthenticationException")
        if not hdfs.token and query.get("user.name") != hdfs.user:
            return self.exception(403, "AccessControlException")
        if hdfs.before and hdfs.before(self, path, query):
            return None
        if query["op"] == "OPEN":
            if path not in hdfs.files:
                return self.exception(404, "FileNotFoundException")
            block = urllib.parse.urlencode({"op": "OPEN", "offset": query["offset"], "length": query["length"], "block": "b-1"})
            return self.answer(307, Location=f"{hdfs.data.url}/webhdfs/v1{urllib.parse.quote(path)}?{block}")
        if query["op"] == "GETFILESTATUS":
            if path in hdfs.folders:
                return self.answer(200, json.dumps({"FileStatus": {"pathSuffix": "", "type": "DIRECTORY", "length": 0, "modificationTime": 1}}).encode())
            if path not in hdfs.files:
                return self.exception(404, "FileNotFoundException")
            return self.answer(200, json.dumps({"FileStatus": hdfs.status(path, "")}).encode())
        assert query["op"] == "LISTSTATUS", query
        folder = path.rstrip("/") + "/"
        below = [name[len(folder):] for name in sorted(hdfs.files) if name.startswith(folder)]
        if not below and folder.rstrip("/") not in hdfs.folders:
            return self.exception(404, "FileNotFoundException")
        names = list(dict.fromkeys(name.split("/")[0] for name in below))
        entries = [hdfs.status(folder + name, name) if folder + name in hdfs.files else {"pathSuffix": name, "type": "DIRECTORY", "length": 0, "modificationTime": 1}
                   for name in names]
        return self.answer(200, json.dumps({"FileStatuses": {"FileStatus": entries}}).encode())

    def do_PUT(self):
        hdfs = self.server.owner
        path, _, query = self.path.partition("?")
        query, path = dict(urllib.parse.parse_qsl(query)), urllib.parse.unquote(path).removeprefix("/webhdfs/v1")
        hdfs.requests.append(self.path)
        assert self.rfile.read(int(self.headers.get("Content-Length", 0))) == b"", "bytes are for the datanode"
        if query.get("user.name") != hdfs.user:
            return self.exception(403, "AccessControlException")
        if hdfs.before_write and hdfs.before_write(self, path, query):
            return None
        if query["op"] in ("CREATE", "APPEND"):
            return self.answer(307, Location=f"{hdfs.data.url}/webhdfs/v1{urllib.parse.quote(path)}?op={query['op']}&block=b-1")
        good = True
        if query["op"] == "MKDIRS":
            hdfs.folders.add(path.rstrip("/"))
        elif query["op"] == "RENAME":
            good = query["destination"] not in hdfs.files
            if good:
                hdfs.files[query["destination"]] = hdfs.files.pop(path)
        else:
            assert query["op"] == "DELETE", query
            below = [name for name in hdfs.files if name == path or (query.get("recursive") == "true" and name.startswith(path + "/"))]
            good = bool([hdfs.files.pop(name) for name in below])
        return self.answer(200, json.dumps({"boolean": good}).encode())

    do_POST = do_DELETE = do_PUT

    def exception(self, code, name):
        self.answer(code, json.dumps({"RemoteException": {"exception": name, "javaClassName": "x." + name, "message": "no"}}).encode())


class DataHandler(Handler):
    def do_GET(self):
        hdfs = self.server.owner
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        hdfs.data_requests.append(self.path)
        assert query.get("block") == "b-1" and "user.name" not in query, self.path
        if hdfs.data_before and hdfs.data_before(self, query):
            return
        data = hdfs.files[urllib.parse.unquote(path).removeprefix("/webhdfs/v1")][0]
        offset = int(query["offset"])
        self.answer(200, data[offset:offset + int(query["length"])])


    def do_PUT(self):
        hdfs = self.server.owner
        path, _, query = self.path.partition("?")
        path, query = urllib.parse.unquote(path).removeprefix("/webhdfs/v1"), dict(urllib.parse.parse_qsl(query))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert query.get("block") == "b-1" and "user.name" not in query, self.path
        if hdfs.data_before and hdfs.data_before(self, query):
            return
        before = hdfs.files[path][0] if query["op"] == "APPEND" else b""
        hdfs.put(path, before + body, len(hdfs.requests))
        self.answer(200 if query["op"] == "APPEND" else 201)

    do_POST = do_PUT


class Hdfs:
    def __init__(self, user="shop"):
        self.files, self.user, self.before, self.before_write, self.data_before, self.token = {}, user, None, None, None, ""
        self.requests, self.data_requests, self.folders = [], [], set()
        self.name, self.data = Server(NameHandler, self), Server(DataHandler, self)

    def close(self):
        for server in (self.name, self.data):
            server.shutdown()
            server.server_close()

    def put(self, path, data, number=1, time_ms=1700000000000):
        self.files[path] = (data, number, time_ms)

    def status(self, path, suffix):
        data, number, time_ms = self.files[path]
        return {"pathSuffix": suffix, "type": "FILE", "length": len(data), "modificationTime": time_ms, "fileId": number}

    def environment(self, **more):
        return {"HADOOP_USER_NAME": self.user, "AWS_MAX_ATTEMPTS": "3", "ECLUSE_REMOTE_TIMEOUT": "2", **more}

    def address(self, path):
        return f"webhdfs://127.0.0.1:{self.name.server_address[1]}{path}"
