"""A round of tasks: `RDD.pipe` of `ecluse worker` over them, and the answers of the attempts that count."""
from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from . import remote
from .failure import of_spark
from .session import Session

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


def run_round(session: Session, worker: list[str], tasks: list[dict[str, Any]], number: int,
              tell: Callable[[int, int], None]) -> Iterator[str]:
    """The results, a line each. Failure where a task failed for another reason than its file, on every machine that tried."""
    context = session.get().sparkContext
    groups = pack(tasks, max(1, context.defaultParallelism))
    group = f"ecluse-round-{number}"
    context.setJobGroup(group, f"{len(tasks)} tasks")
    lines = context.parallelize(groups, len(groups)).mapPartitions(remote.prepare)
    piped = lines.pipe(session.worker_command(worker), _environment(), checkCode=True)
    try:
        with Progress(session, group, len(groups), tell):
            answers = piped.mapPartitions(remote.tag).collect()
    except Exception as error:
        raise of_spark(error, "Spark could not run the tasks") from error
    outs = {task["task"]["task"]: task["task"]["out"] for task in tasks}
    for attempt, line in answers:
        settle(outs[json.loads(line)["task"]], attempt)
        yield line
