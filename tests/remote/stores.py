"""Stores of others on loopback: moto's S3 server, and a namenode with a datanode of Hadoop's. Both end with their tests."""
import getpass
import glob
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
VENV = os.path.join(ROOT, "build", "venv-remote")
JARS = os.path.join(ROOT, "build", "hdfs-jars")
SECONDS_MAX = 180  # until a server answers, on a machine that does much else


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


def ask(method, url, data=None):
    """(code, headers, body); a redirect is an answer."""
    try:
        with opener.open(urllib.request.Request(url, data=data, method=method), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def wait_for(good, process, log):
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end and process.poll() is None:
        try:
            if good():
                return
        except OSError:
            pass
        time.sleep(0.2)
    with open(log, encoding="utf-8", errors="replace") as file:
        raise RuntimeError(f"{process.args[0]} does not answer:\n{file.read()[-3000:]}")


class Server:
    def __init__(self, folder):
        self.folder, self.processes = folder, []

    def start(self, name, command, **environment):
        log = os.path.join(self.folder, f"{name}.log")
        with open(log, "wb") as file:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file,  # pylint: disable=consider-using-with
                                       env={**os.environ, **environment}, start_new_session=True)
        self.processes.append(process)
        return process, log

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Moto(Server):
    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        process, log = self.start("moto", [os.path.join(VENV, "bin", "python"), "-c", "import sys; from moto.server import main; main(sys.argv[1:])",
                                           "-H", "127.0.0.1", "-p", str(self.port)])
        wait_for(lambda: ask("GET", f"{self.url}/moto-api/")[0] == 200, process, log)

    def client(self):
        """boto3's, in the tests' own process: it is not installed beside them. Calls are lines for a helper."""
        return Boto(self.url)


class Forward(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        writes = self.command in ("PUT", "POST")
        if writes and len(proxy.put) >= proxy.puts:
            self.close_connection = True
            return
        if writes and proxy.before:
            proxy.before(self.path)
        onward = http.client.HTTPConnection(proxy.to)
        onward.request(self.command, self.path, body, dict(self.headers))
        answer = onward.getresponse()
        data = answer.read()
        if writes:
            proxy.put.append(self.path)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        onward.close()

    do_PUT = do_POST = do_DELETE = do_GET


class Proxy:
    """In front of a server: after so many writes it breaks every other off."""

    def __init__(self, url, puts):
        self.to, self.puts, self.put, self.before = url.removeprefix("http://"), puts, [], None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.server.daemon_threads, self.server.proxy = True, self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Boto:
    """A few calls of boto3, which lives in the environment of moto."""

    def __init__(self, url):
        self.url = url

    def call(self, code, **values):
        script = ("import boto3, json, sys\nv = json.load(sys.stdin)\n"
                  "s3 = boto3.client('s3', endpoint_url=v['url'], region_name='us-east-1', aws_access_key_id='test', aws_secret_access_key='test')\n" + code)
        done = subprocess.run([os.path.join(VENV, "bin", "python"), "-c", script], input=json.dumps({"url": self.url, **values}), text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def put(self, bucket, objects):
        """Objects of text; the bucket is made where it is not there."""
        self.call("s3.create_bucket(Bucket=v['bucket'])\nfor k, t in v['objects'].items(): s3.put_object(Bucket=v['bucket'], Key=k, Body=t.encode())",
                  bucket=bucket, objects=objects)

    def keys(self, bucket, prefix):
        return self.call("for p in s3.get_paginator('list_objects_v2').paginate(Bucket=v['bucket'], Prefix=v['prefix']):\n"
                         "    for o in p.get('Contents', []): print(o['Key'])", bucket=bucket, prefix=prefix).split("\n")[:-1]

    def query(self, table, sql):
        """What delta-rs reads of a table in the store, as (version, rows)."""
        out = self.call("from deltalake import DeltaTable, QueryBuilder\n"
                        "d = DeltaTable(v['table'], storage_options={'AWS_ENDPOINT_URL': v['url'], 'AWS_ACCESS_KEY_ID': 'test', 'AWS_SECRET_ACCESS_KEY': 'test',\n"
                        "  'AWS_REGION': 'us-east-1', 'AWS_ALLOW_HTTP': 'true'})\n"
                        "t = QueryBuilder().register('t', d).execute(v['sql']).read_all()\n"
                        "print(json.dumps([d.version(), [[c[i].as_py() for c in t.columns] for i in range(t.num_rows)]]))", table=table, sql=sql)
        version, rows = json.loads(out)
        return version, [tuple(row) for row in rows]

    def delta(self, code, **values):
        return self.call("from deltalake import DeltaTable, QueryBuilder, write_deltalake\n"
                         "options = {'AWS_ENDPOINT_URL': v['url'], 'AWS_ACCESS_KEY_ID': 'test', 'AWS_SECRET_ACCESS_KEY': 'test',\n"
                         "  'AWS_REGION': 'us-east-1', 'AWS_ALLOW_HTTP': 'true'}\n" + code, **values)

    def txn(self, table, app):
        """The newest version of that application in the table's log."""
        return int(self.delta("print(DeltaTable(v['table'], storage_options=options).transaction_version(v['app']))", table=table, app=app))

    def count(self, table, version):
        return int(self.delta("d = DeltaTable(v['table'], version=v['version'], storage_options=options)\n"
                              "print(QueryBuilder().register('t', d).execute('SELECT * FROM t').read_all().num_rows)", table=table, version=version))

    def polars(self, table, columns):
        """The rows as Polars reads them, with its own reader of Parquet in S3."""
        return [tuple(row) for row in json.loads(self.delta(
            "import polars\nprint(json.dumps(polars.scan_delta(v['table'], storage_options=options).select(v['columns']).collect().rows()))",
            table=table, columns=columns))]

    def append(self, table):
        """A row of the table again, by delta-rs."""
        self.delta("d = DeltaTable(v['table'], storage_options=options)\n"
                   "row = QueryBuilder().register('t', d).execute('SELECT * FROM t LIMIT 1').read_all()\n"
                   "write_deltalake(d, row, mode='append')", table=table)

    def put_in_parts(self, bucket, key, path):
        self.call("from boto3.s3.transfer import TransferConfig\n"
                  "s3.upload_file(v['path'], v['bucket'], v['key'], Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))",
                  bucket=bucket, key=key, path=path)


SITE = "<configuration>{}</configuration>"
PROPERTY = "<property><name>{}</name><value>{}</value></property>"


class Hdfs(Server):
    def __init__(self, folder):
        super().__init__(folder)
        self.rpc, self.http = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        settings = {
            "fs.defaultFS": f"hdfs://127.0.0.1:{self.rpc}", "hadoop.tmp.dir": os.path.join(folder, "data"), "dfs.replication": "1",
            "dfs.namenode.http-address": f"127.0.0.1:{self.http}", "dfs.datanode.address": "127.0.0.1:0", "dfs.datanode.http.address": "127.0.0.1:0",
            "dfs.datanode.ipc.address": "127.0.0.1:0", "dfs.datanode.hostname": "localhost", "dfs.namenode.safemode.extension": "0",
            "dfs.blocksize": "1048576", "dfs.namenode.fs-limits.min-block-size": "1048576", "dfs.heartbeat.interval": "1",
        }
        for name in ("core-site.xml", "hdfs-site.xml"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(SITE.format("".join(PROPERTY.format(key, value) for key, value in settings.items())))
        for name in ("hdfs", "datanode", "static"):  # of pages for people, which are in no jar
            os.makedirs(os.path.join(folder, "webapps", name))
        with open(os.path.join(folder, "log4j.properties"), "w", encoding="ascii") as file:
            file.write("log4j.rootLogger=WARN,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.SimpleLayout\n")
        java = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED", "-cp", os.pathsep.join([folder, *sorted(glob.glob(os.path.join(JARS, "*.jar")))])]
        names = [f"org.apache.hadoop.hdfs.server.{part}" for part in ("namenode.NameNode", "datanode.DataNode")]
        with open(os.path.join(folder, "format.log"), "wb") as log:
            subprocess.run([*java, names[0], "-format", "-nonInteractive"], cwd=folder, stdout=log, stderr=log, check=True)
        name, log = self.start("namenode", [*java, names[0]])
        wait_for(lambda: self.call("GET", "/", "LISTSTATUS")[0] == 200, name, log)
        data, log = self.start("datanode", [*java, names[1]])
        wait_for(lambda: self.put("/probe", b"x", missing_ok=True), data, log)
        self.call("DELETE", "/probe", "DELETE")

    def call(self, method, path, op, data=None, user=None, **more):
        query = urllib.parse.urlencode({"op": op, "user.name": user or superuser(), **more})
        return ask(method, f"{self.url}/webhdfs/v1{urllib.parse.quote(path)}?{query}", data)

    def tree(self, folder):
        """(path below it, bytes) of every file."""
        for entry in json.loads(self.call("GET", folder, "LISTSTATUS")[2])["FileStatuses"]["FileStatus"]:
            path = f"{folder}/{entry['pathSuffix']}"
            if entry["type"] == "DIRECTORY":
                yield from ((f"/{entry['pathSuffix']}{below}", data) for below, data in self.tree(path))
            else:
                _, headers, _ = self.call("GET", path, "OPEN")
                yield f"/{entry['pathSuffix']}", ask("GET", headers["Location"])[2]

    def put(self, path, data, missing_ok=False):
        """By the protocol's two steps; the super user is whoever runs the namenode, and root of HDFS belongs to it."""
        code, headers, body = self.call("PUT", path, "CREATE", overwrite="true")
        if code == 307:
            code, _, body = ask("PUT", headers["Location"], data)
        if code != 201 and not missing_ok:
            raise RuntimeError(f"{path}: {code} {body[:500]}")
        return code == 201


def superuser():
    return getpass.getuser()
