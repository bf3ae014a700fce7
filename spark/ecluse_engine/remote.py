"""What runs on the executors, around `ecluse worker`. Shipped with the job; only the standard library and PySpark.

A task may run twice: an executor is lost, or Spark races a slow one. So each attempt writes into a folder of its own,
`<out>.<number of the attempt>`, and its answer says which: the driver takes the folder of the attempt whose answer Spark
gave it, and nobody looks at the others.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator

from pyspark import TaskContext

from .failure import marked


def attempt() -> int:
    """Unique among all attempts of all stages of this job; the same for all that one attempt does."""
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
