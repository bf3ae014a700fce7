"""Parts of the tables, put into their store by the executors: together they have more network than the driver's machine."""
from __future__ import annotations

import functools
import json
from typing import Any

from . import remote
from .session import Session
from .tasks import passed_settings

def pack(parts: list[dict[str, Any]], slots: int) -> list[list[str]]:
    """A partition for each processor, about as many bytes in each: the largest first, each to whom has least."""
    groups: list[list[str]] = [[] for _ in range(min(slots, len(parts)))]
    load = [0] * len(groups)
    for part in sorted(parts, key=lambda part: -part["bytes"]):
        least = load.index(min(load))
        groups[least].append(json.dumps(part))
        load[least] += part["bytes"] + (1 << 16)  # a request costs something, too
    return groups


def put(session: Session, worker: list[str], parts: list[dict[str, Any]]) -> list[str]:
    """An answer for each part, as `ecluse worker --put` gives them."""
    context = session.get().sparkContext
    groups = pack(parts, max(1, context.defaultParallelism))
    context.setJobGroup("ecluse-put", f"{len(parts)} parts")
    act = functools.partial(remote.put, command=session.worker_words(worker, "--put"), settings=passed_settings())
    answers: list[str] = context.parallelize(groups, len(groups)).mapPartitions(act).collect()
    return answers
