"""A round of tasks: `RDD.pipe` of `ecluse worker` over them, and the answers of the attempts that count."""
from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import remote
from .exchange import Exchange
from .failure import of_spark
from .session import Session

if TYPE_CHECKING:
    from pyspark import RDD

# How a store is reached, for executors that do not know it better. No secret among them: keys and tokens are in the
# executors' own environment, or in a file that a name here leads to.
SETTINGS = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
            "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "HADOOP_USER_NAME", "ECLUSE_WEBHDFS", "ECLUSE_WEBHDFS_TOKEN_FILE", "ECLUSE_REMOTE_TIMEOUT")
GROUP_BYTES = 64 << 20  # a worker's start costs about what reading so much of a small file does
PROGRESS_SECONDS = 0.5
PASSED_ON = ("ECLUSE_", "EC_", "TMPDIR", "LANG", "LC_")


def pack(tasks: list[dict[str, Any]], slots: int) -> list[list[str]]:
    """The tasks as partitions, in their order, which is from large to small: a large one alone, small ones together, but
    never so many that a processor has nothing to do."""
    total = sum(task["bytes"] for task in tasks)
    limit = min(GROUP_BYTES, total // (4 * slots) + 1)
    groups: list[list[str]] = []
    room = 0
    for task in tasks:
        if not groups or task["bytes"] > room:
            groups.append([])
            room = limit
        groups[-1].append(json.dumps(task["task"]))
        room -= task["bytes"]
    return groups


def _environment() -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **passed}


def passed_settings() -> dict[str, str]:
    return {name: os.environ[name] for name in SETTINGS if os.environ.get(name)}


class Progress:
    """Says how many partitions are done, until the block ends."""

    def __init__(self, session: Session, group: str, count: int, tell: Callable[[int, int], None]) -> None:
        self.session, self.group, self.count, self.tell = session, group, count, tell
        self.ended = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.ended.set()

    def _watch(self) -> None:
        tracker = self.session.get().sparkContext.statusTracker()
        while not self.ended.wait(PROGRESS_SECONDS):
            stages = [info for job in tracker.getJobIdsForGroup(self.group) if (known := tracker.getJobInfo(job))
                      for stage in known.stageIds if (info := tracker.getStageInfo(stage))]
            if stages and not self.ended.is_set():
                self.tell(stages[-1].numCompletedTasks, self.count)


def settle(out: str, number: int) -> None:
    """The attempt's folder gets the task's name. What an earlier round left under it is set aside: it is staging's."""
    own = remote.folder(out, number)
    if not os.path.isdir(own):
        return  # a file that could not be read has made none
    if os.path.isdir(out):
        os.rename(out, f"{out}.before-{number}")
    os.rename(own, out)


class Round:
    """Some tasks as a job of Spark's; `number` tells it from others of this session."""

    def __init__(self, session: Session, worker: list[str], tasks: list[dict[str, Any]], number: int, tell: Callable[[int, int], None]) -> None:
        self.session, self.worker, self.tasks, self.number, self.tell = session, worker, tasks, number, tell
        self.outs = {task["task"]["task"]: task["task"]["out"] for task in tasks}

    def _collect(self, tasks: list[dict[str, Any]], act: Callable[[RDD[list[str]]], RDD[Any]]) -> list[Any]:
        context = self.session.get().sparkContext
        groups = pack(tasks, max(1, context.defaultParallelism))
        group = f"ecluse-round-{self.number}"
        context.setJobGroup(group, f"{len(tasks)} tasks")
        try:
            with Progress(self.session, group, len(groups), self.tell):
                answers: list[Any] = act(context.parallelize(groups, len(groups))).collect()
        except Exception as error:
            raise of_spark(error, "Spark could not run the tasks") from error
        return answers

    def _piped(self, groups: RDD[list[str]]) -> RDD[Any]:
        piped = groups.mapPartitions(remote.prepare).pipe(self.session.worker_command(self.worker), _environment(), checkCode=True)
        return piped.mapPartitions(remote.tag)

    def run(self) -> Iterator[str]:
        """The results, a line each. Failure where a task failed for another reason than its file, on every machine that tried."""
        for attempt, line in self._collect(self.tasks, self._piped):
            settle(self.outs[json.loads(line)["task"]], attempt)
            yield line

    def run_over(self, exchange: Exchange) -> Iterator[str]:
        """The same on machines that do not see the project's folder."""
        tasks = exchange.with_inputs(self.tasks)
        worker = [remote.PROJECT if i > 0 and self.worker[i - 1] == "-C" else word for i, word in enumerate(self.worker)]
        words = {"--guarded": self.session.worker_words(worker, "--guarded"),
                 **{way: [*self.session.worker_words(worker, way), "--exchange", exchange.address] for way in ("--get", "--put")}}
        context = self.session.get().sparkContext
        work = remote.OverStore(exchange.address, words, context.broadcast(exchange.config()), _environment(), passed_settings())
        answers = self._collect(tasks, lambda groups: groups.mapPartitions(work))
        exchange.settle(answers, self.outs)
        yield from (line for _, line, _ in answers)
