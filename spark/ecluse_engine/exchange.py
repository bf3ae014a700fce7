"""Files handed on through a store, where the executors do not see the project's folder (docs/spark.md).

Below the exchange, which the driver notes, and removes when the run has ended:

    in/<n>                       files of this machine that a task reads: raw files, lists of rows to drop, parts
    out/<task>.<attempt>/…       what an attempt of a task has made
    next/<n>/<table>/_delta_log  the tables as models see them, by the store's addresses
    model/<n>/…                  what Spark makes of a model

Everything here is written once, under a name of its own. What comes back is held against the hashes that its maker told.
"""
from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable
from typing import Any

from .failure import Failure
from .session import Session

FILES = ("pipeline_config.yaml", "data_schemas.json", "business_rules.yaml", "quality_thresholds.yaml")  # of config/
# What a task looks at of a file besides its own range: its first line, which ends within a record's greatest length, and the
# beginning by which its kind is told.
HEAD_BYTES = 8 << 20
FIRST = "00000000000000000000.json"
SCHEMES = re.compile(r"(s3|hdfs|webhdfs|swebhdfs)://[^/]+/")
HADOOP_AWS = "org.apache.hadoop:hadoop-aws"


def _url(address: str) -> str:
    """The address as Spark has it."""
    scheme, rest = address.split("://", 1)
    return f"{'s3a' if scheme == 's3' else scheme}://{rest}"


def _encoded(address: str) -> str:
    """The same in a Delta log, which holds URIs."""
    scheme, rest = _url(address).split("://", 1)
    return f"{scheme}://{urllib.parse.quote(rest, safe='/=:@')}"


class Exchange:
    def __init__(self, base: str, begin: dict[str, Any], session: Session) -> None:
        if not SCHEMES.match(base):
            raise Failure("config", f"spark.ecluse.exchange: {base} is no address of a store, such as s3://lake/shop")
        self.address = f"{base.rstrip('/')}/_ecluse/{begin['run']}.{secrets.token_hex(8)}"
        self.project, self.staging, self.store = begin["project"], begin["staging"], begin.get("store")
        self.session, self.worker = session, begin["worker"]
        self.lies: dict[str, str] = {}  # files of this machine, and where they lie there, too
        self.made: dict[str, list[dict[str, Any]]] = {}  # by task: the files of the attempt that counts
        self.count = 0

    # ------------------------------------------------------------ this machine's files

    def _worker(self, way: str, lines: list[dict[str, Any]], key: str) -> None:
        """`ecluse worker --put` or `--get` here. Failure where one of them was not to be had."""
        if not lines:
            return
        command = [self.session.program, *self.worker, way, "--exchange", self.address]
        done = subprocess.run(command, input="".join(json.dumps(line) + "\n" for line in lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        for answer in answers:
            if answer["status"] != "ok":
                raise Failure(answer["error"]["code"], answer["error"]["message"])
        if done.returncode != 0 or {answer[key] for answer in answers} != {line["address" if key == "put" else "path"] for line in lines}:
            raise Failure("engine", f"ecluse worker {way}: {done.stderr.strip()[-300:] or f'it ended with {done.returncode}'}")

    def put(self, files: dict[str, str]) -> None:
        """{path: address}."""
        self._worker("--put", [{"path": path, "address": address, "bytes": os.path.getsize(path)} for path, address in files.items()], "put")
        self.lies.update(files)

    def get(self, wanted: list[dict[str, Any]]) -> None:
        self._worker("--get", wanted, "get")
        self.lies.update({one["path"]: one["address"] for one in wanted})

    def _next(self) -> int:
        self.count += 1
        return self.count

    def offer(self, paths: Iterable[str]) -> None:
        """Files of this machine that do not lie there yet."""
        missing = dict.fromkeys(path for path in paths if path not in self.lies)
        self.put({path: f"{self.address}/in/{self._next()}" for path in missing})

    # ------------------------------------------------------------ tasks

    @staticmethod
    def _read(task: dict[str, Any]) -> str:
        return os.path.join(task["root"], task["path"])

    def with_inputs(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Tasks, each with what is to be got for it: `reads` of the file that it reads, `drop` and `kept`."""
        local = [self._read(line["task"]) for line in lines if "object" not in line]
        self.offer([*local, *(line["task"]["drop"] for line in lines if line["task"].get("drop"))])
        return [{**line, "task": self._with_inputs(line)} for line in lines]

    def _with_inputs(self, line: dict[str, Any]) -> dict[str, Any]:
        task = line["task"]
        path = self._read(task)
        reads = {"address": task["path"], "object": True, **line["object"]} if "object" in line else {
            "address": self.lies[path], "object": False, "bytes": os.path.getsize(path)}
        if task.get("range"):
            reads |= {"range": task["range"], "head": HEAD_BYTES}
        gets: dict[str, Any] = {"reads": reads}
        if task.get("drop"):
            gets["drop"] = {"address": self.lies[task["drop"]], "bytes": os.path.getsize(task["drop"])}
        if task.get("kept"):
            gets["kept"] = self.made.get(task["task"], [])
        return {**task, "gets": gets}

    def settle(self, answers: list[tuple[int, str, list[dict[str, Any]]]], outs: dict[str, str]) -> None:
        """Brings the folders of the attempts that count. What an earlier round left is set aside: it is staging's."""
        wanted = []
        for attempt, line, files in answers:
            name = json.loads(line)["task"]
            out = outs[name]
            if not files:
                continue  # a file that could not be read has made none
            if os.path.isdir(out):
                os.rename(out, f"{out}.before-{attempt}")
            for file in self.made.get(name, ()):
                self.lies.pop(os.path.join(out, file["name"]), None)
            self.made[name] = files
            wanted += [{"address": file["address"], "path": os.path.join(out, file["name"]), "bytes": file["bytes"], "sha256": file["sha256"],
                        "durable": True} for file in files]
        self.get(wanted)

    def config(self) -> dict[str, bytes]:
        """What a worker reads of the project's configuration."""
        found = {}
        for name in FILES:
            try:
                with open(os.path.join(self.project, "config", name), "rb") as file:
                    found[name] = file.read()
            except FileNotFoundError:
                pass
        return found

    # ------------------------------------------------------------ models

    def check_models(self) -> None:
        """Spark reads and writes HDFS as it is; for S3 it needs a library that it does not bring."""
        if not self.address.startswith("s3://"):
            return
        spark = self.session.get()
        jvm: Any = spark.sparkContext._jvm
        try:
            jvm.java.lang.Class.forName("org.apache.hadoop.fs.s3a.S3AFileSystem", True, jvm.java.lang.Thread.currentThread().getContextClassLoader())
        except Exception as error:
            version = jvm.org.apache.hadoop.util.VersionInfo.getVersion()
            raise Failure("config", f"Spark cannot read S3, by which models would be computed: it needs {HADOOP_AWS}:{version} "
                                    f"(--packages {HADOOP_AWS}:{version}, or --jars)") from error
        self._tell_s3a(spark)

    @staticmethod
    def _tell_s3a(spark: Any) -> None:
        """Where the store is, unless somebody has told it. No secret: those are Spark's to find."""
        conf = spark.sparkContext._jsc.hadoopConfiguration()
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        settings = {"fs.s3a.endpoint.region": region}
        if endpoint:
            settings |= {"fs.s3a.endpoint": endpoint, "fs.s3a.path.style.access": "true"}
        given = {key for key, _ in spark.sparkContext.getConf().getAll()}
        for key, value in settings.items():
            if f"spark.hadoop.{key}" not in given:
                conf.set(key, value)

    def _needs(self, given: dict[str, Any], add: dict[str, Any]) -> bool:
        return given["needed"] is None or add["partitionValues"].get(given["partition_by"]) in given["needed"]

    def _committed(self, given: dict[str, Any], path: str) -> str | None:
        """The part's address in the store of the tables, where all of the table is known to be."""
        if not given.get("store"):
            return None
        kind = given["store"].removeprefix(f"{self.store}/")
        folder = os.path.join(self.project, "data/processed", kind, "")
        return f"{given['store']}/{path.removeprefix(folder)}" if path.startswith(folder) else None

    def _addressed(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The log of a table that the driver has laid down, its parts by addresses of the store."""
        with open(os.path.join(given["path"], "_delta_log", FIRST), encoding="utf-8") as file:
            actions = [json.loads(line) for line in file]
        adds = [action["add"] for action in actions if "add" in action and self._needs(given, action["add"])]
        paths = {add["path"]: urllib.parse.unquote(add["path"].removeprefix("file://")) for add in adds}
        there = {path: self._committed(given, path) for path in paths.values()}
        self.offer(path for path, address in there.items() if address is None)
        for add in adds:
            path = paths[add["path"]]
            add["path"] = _encoded(there[path] or self.lies[path])
        return [action for action in actions if "add" not in action] + [{"add": add} for add in adds]

    def _laid_down(self, given: dict[str, Any]) -> dict[str, Any]:
        number = self._next()
        path = os.path.join(self.staging, "exchange", str(number))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(action, ensure_ascii=False) + "\n" for action in self._addressed(given))
        table = f"{self.address}/next/{number}/{given['table']}"
        self.put({path: f"{table}/_delta_log/{FIRST}"})
        return {**given, "path": _url(table)}

    def with_tables(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Requests for models over tables of the store, which write into it."""
        return [{**request, "out": _url(f"{self.address}/model/{self._next()}"), "inputs": [self._laid_down(given) for given in request["inputs"]]}
                for request in requests]

    def bring_model(self, written: str, out: str) -> None:
        """The table that Spark has written there as the driver expects it here: one commit, and its parts."""
        address = written.replace("s3a://", "s3://", 1)
        shutil.rmtree(out, ignore_errors=True)
        log = os.path.join("_delta_log", FIRST)
        self.get([{"address": f"{address}/{log}", "path": os.path.join(out, log)}])
        with open(os.path.join(out, log), encoding="utf-8") as file:
            adds = [action["add"] for action in map(json.loads, file) if "add" in action]
        names = {urllib.parse.unquote(add["path"]): add["size"] for add in adds}
        self.get([{"address": f"{address}/{name}", "path": os.path.join(out, name), "bytes": size} for name, size in names.items()])


def find_exchange(session: Session, begin: dict[str, Any]) -> Exchange | None:
    """None where the executors see the project's folder, and nobody asks for another way."""
    asked = session.get().sparkContext.getConf().get("spark.ecluse.exchange")
    if asked:
        return Exchange(asked, begin, session)
    if session.is_local() or session.is_shared(begin["staging"]):
        return None
    if begin.get("store"):
        return Exchange(begin["store"], begin, session)
    raise Failure("config", f"the executors do not see the project's folder {begin['project']}, or may not write there: mount it on all "
                            "machines under that path, or have files handed on through a store (--conf spark.ecluse.exchange="
                            "s3://BUCKET/FOLDER, or `tables: {store: …}`)")
