"""What runs on the executors, around `ecluse worker`. Shipped with the job; only the standard library and PySpark.

A task may run twice: an executor is lost, or Spark races a slow one. So each attempt writes into a folder of its own,
`<out>.<number of the attempt>`, and its answer says which: the driver takes the folder of the attempt whose answer Spark
gave it, and nobody looks at the others.
"""
from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .failure import marked

if TYPE_CHECKING:
    from pyspark import Broadcast

PROJECT = "<project>"  # in a worker's words: the folder that is made for it here


def attempt() -> int:
    """Unique among all attempts of all stages of this job; the same for all that one attempt does."""
    from pyspark import TaskContext

    context = TaskContext.get()
    assert context is not None
    return context.taskAttemptId()


def folder(out: str, number: int) -> str:
    return f"{out}.{number}"


def take_along(out: str, own: str) -> None:
    """A task that takes rows out of what an earlier one made works on links to its parts: it replaces files, and changes
    none in place. Small files are copied."""
    os.mkdir(own)
    for top, _, names in os.walk(out):
        below = os.path.join(own, os.path.relpath(top, out))
        os.makedirs(below, exist_ok=True)
        for name in names:
            copy = os.link if name.endswith(".parquet") else shutil.copyfile
            copy(os.path.join(top, name), os.path.join(below, name))


def prepare(groups: Iterable[list[str]]) -> Iterator[str]:
    """The tasks of a partition, for this attempt's worker."""
    number = attempt()
    for group in groups:
        for line in group:
            task = json.loads(line)
            out = task.get("out")
            if out:
                own = folder(out, number)
                if task.get("kept") and os.path.isdir(out):
                    take_along(out, own)
                task["out"] = own
            yield json.dumps(task)


def tag(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The worker's answers. What is not a file's fault ends the attempt: Spark tries it elsewhere."""
    number = attempt()
    for line in lines:
        if '"status":"failed"' in line[:400]:
            error = json.loads(line)["error"]
            raise RuntimeError(marked(error["code"], f"a worker stopped: {error['message']}"))
        yield number, line


# ------------------------------------------------------------ without the project's folder


def sees(_numbers: Iterable[int], path: str, token: str) -> Iterator[bool]:
    """Whether a file of the driver's is here, too, in a folder that may be written to."""
    try:
        with open(path, encoding="ascii") as file:
            yield file.read() == token and os.access(os.path.dirname(path), os.W_OK)
    except OSError:
        yield False


def _scratch() -> str | None:
    """Where Spark keeps an executor's files, which go with it."""
    folders = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
    return next((folder for folder in folders if os.path.isdir(folder) and os.access(folder, os.W_OK)), None)


class OverStore:
    """The tasks of a partition, in a project's folder of their own: their inputs come from the store, what they make goes
    there. Three processes, one after the other: the first and the last have a network and credentials, and parse nothing;
    the one between, which reads what strangers wrote, has neither."""

    def __init__(self, address: str, words: dict[str, list[str]], config: Broadcast[dict[str, bytes]], environment: dict[str, str],
                 settings: dict[str, str]) -> None:
        self.address, self.words, self.config, self.environment, self.settings = address, words, config, environment, settings

    def __call__(self, groups: Iterable[list[str]]) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
        number = attempt()
        for group in groups:
            with tempfile.TemporaryDirectory(prefix="ecluse-", dir=_scratch()) as project:
                yield from self._work(project, number, [json.loads(line) for line in group])

    def _work(self, project: str, number: int, tasks: list[dict[str, Any]]) -> list[tuple[int, str, list[dict[str, Any]]]]:
        self._make(project)
        gets = [task.pop("gets") for task in tasks]
        outs = {task["task"]: os.path.join(project, "data/staging", str(i), "out") for i, task in enumerate(tasks)}
        self._bring(project, tasks, gets, outs)
        answers = self._run(project, tasks)
        made = {name: self._made(f"{self.address}/out/{name}.{number}", out) for name, out in outs.items()}
        self._put(project, [(file, os.path.join(outs[name], file["name"])) for name, files in made.items() for file in files])
        return [(number, line, made[json.loads(line)["task"]]) for line in answers]

    def _make(self, project: str) -> None:
        for folder in ("config", "data/raw", "data/staging"):
            os.makedirs(os.path.join(project, folder))
        for name, data in self.config.value.items():
            with open(os.path.join(project, "config", name), "wb") as file:
                file.write(data)

    def _over_store(self, project: str, way: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """`ecluse worker --get` or `--put` with this machine's credentials; its answers, one for each line."""
        if not lines:
            return []
        words = [project if word == PROJECT else word for word in self.words[way]]
        done = subprocess.run(words, input="".join(json.dumps(line) + "\n" for line in lines), env={**self.settings, **os.environ},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        answers: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(answers) != len(lines):
            why = done.stderr.strip()[-300:] or f"it ended with {done.returncode}"
            raise RuntimeError(marked("engine", f"ecluse worker {way} on an executor: {why}"))
        return answers

    def _bring(self, project: str, tasks: list[dict[str, Any]], gets: list[dict[str, Any]], outs: dict[str, str]) -> None:
        """What the tasks read: their files, lists of rows to drop, and what they have made before."""
        wanted: dict[str, dict[str, Any]] = {}
        copies: dict[str, str] = {}  # of a file, or of a range of it: tasks may share one
        of_object: dict[str, list[dict[str, Any]]] = {}
        for i, (task, get) in enumerate(zip(tasks, gets, strict=True)):
            folder = os.path.join(project, "data/staging", str(i))
            is_object, reads = get["reads"].pop("object"), get["reads"]
            root = os.path.join(project, "data/raw", str(i)) if task.get("member") else os.path.join(folder, "in")
            task.update(root=copies.setdefault(json.dumps(reads), root), out=outs[task["task"]])
            path = os.path.normpath(os.path.join(task["root"], task["path"]))
            wanted[path] = {**reads, "path": path}
            if is_object:
                of_object.setdefault(path, []).append(task)
            if "drop" in get:
                task["drop"] = os.path.join(folder, "drop")
                wanted[task["drop"]] = {**get["drop"], "path": task["drop"]}
            for file in get.get("kept", ()):
                path = os.path.join(task["out"], file["name"])
                wanted[path] = {"path": path, "address": file["address"], "bytes": file["bytes"], "sha256": file["sha256"]}
        for answer in self._get(project, list(wanted.values())):
            self._judge(answer, of_object)

    @staticmethod
    def _judge(answer: dict[str, Any], of_object: dict[str, list[dict[str, Any]]]) -> None:
        """An object that is not what was planned is its file's fault, as it is on one machine; all else is this machine's, and
        another one may do better."""
        if answer["status"] == "ok":
            return
        error = answer["error"]
        if error["code"] != "file-changed" or answer["get"] not in of_object:
            raise RuntimeError(marked(error["code"], error["message"]))
        for task in of_object[answer["get"]]:
            task["problem"] = error

    def _get(self, project: str, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Archives by themselves: their members are tasks of many groups."""
        raw = os.path.join(project, "data/raw", "")
        archives = [one for one in wanted if one["path"].startswith(raw)]
        others = [one for one in wanted if not one["path"].startswith(raw)]
        return [self._get_archive(project, one) for one in archives] + self._over_store(project, "--get", others)

    def _get_archive(self, project: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Fetched once by an executor, which keeps it as long as it lives. Linked where a worker may read and not write."""
        path = wanted["path"]
        name = hashlib.sha256(json.dumps([self.address, {**wanted, "path": None}], sort_keys=True).encode()).hexdigest()
        kept = os.path.join(_scratch() or project, f"ecluse-kept-{name}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{kept}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(kept):
                copy = os.path.join(project, "data/staging/archive")
                answer = self._over_store(project, "--get", [{**wanted, "path": copy}])[0]
                if answer["status"] != "ok":
                    return {**answer, "get": path}
                os.rename(copy, kept)
            os.link(kept, path)
        return {"get": path, "status": "ok"}

    def _run(self, project: str, tasks: list[dict[str, Any]]) -> list[str]:
        words = [project if word == PROJECT else word for word in self.words["--guarded"]]
        done = subprocess.run(words, input="".join(json.dumps(task) + "\n" for task in tasks), env=self.environment, stdout=subprocess.PIPE,
                              text=True, check=False)
        answers = [line for _, line in tag(done.stdout.splitlines())]
        if done.returncode != 0 or len(answers) != len(tasks):
            raise RuntimeError(marked("engine", f"a worker on an executor ended with {done.returncode}"))
        return answers

    @staticmethod
    def _made(address: str, out: str) -> list[dict[str, Any]]:
        """The files of an attempt. The worker has read what strangers wrote: a link of its making is followed nowhere."""
        files = []
        for top, folders, names in os.walk(out):
            for name in (*folders, *names):
                path = os.path.join(top, name)
                if os.path.islink(path) or not (os.path.isdir(path) or os.path.isfile(path)):
                    raise RuntimeError(marked("protocol", "a worker has left what is neither a file nor a folder"))
            for name in sorted(names):
                path = os.path.join(top, name)
                with open(path, "rb") as file:
                    digest = _digest(file)
                below = os.path.relpath(path, out)
                files.append({"name": below, "address": f"{address}/{below}", "bytes": os.path.getsize(path), "sha256": digest})
        return files

    def _put(self, project: str, files: list[tuple[dict[str, Any], str]]) -> None:
        lines = [{"path": path, "address": file["address"], "bytes": file["bytes"]} for file, path in files]
        for answer in self._over_store(project, "--put", lines):
            if answer["status"] != "ok":
                raise RuntimeError(marked(answer["error"]["code"], answer["error"]["message"]))


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while data := file.read(1 << 20):
        digest.update(data)
    return digest.hexdigest()


# ------------------------------------------------------------ parts into the store of the tables


def _answer(line: str, message: str) -> str:
    return json.dumps({"put": json.loads(line)["address"], "status": "failed", "error": {"code": "engine", "message": message}})


def put(groups: Iterable[list[str]], command: list[str], settings: dict[str, str]) -> Iterator[str]:
    """The answers of `ecluse worker --put` on this machine, with this machine's credentials. Whatever goes wrong is an answer:
    the driver looks for each part, and puts what is missing. Put twice, a part is the same bytes under the same name."""
    for group in groups:
        try:
            done = subprocess.run(command, input="".join(line + "\n" for line in group), env={**settings, **os.environ}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            answers, why = done.stdout.splitlines(), done.stderr.strip()[-300:] or f"it ended with {done.returncode}"
        except OSError as error:
            answers, why = [], str(error)
        yield from answers
        answered = {json.loads(answer)["put"] for answer in answers}
        yield from (_answer(line, why) for line in group if json.loads(line)["address"] not in answered)
