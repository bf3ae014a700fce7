"""The statistics of a table that Spark wrote, as Écluse's own tables have them.

Delta keeps the smallest and largest text of a column in the log, where e-mail addresses have no business, and where no
reader of ours looks. Counts of nulls are of all columns, bounds of numbers, dates and times alone.
"""
from __future__ import annotations

import glob
import json
import os
from typing import Any

from .translate import Columns


class _Number(str):
    """As it stands: a decimal of 38 digits is no double."""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_text(inner)}" for key, inner in value.items()) + "}"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


def without_texts(stats: str, columns: Columns) -> str:
    """A file's statistics without the bounds of its text columns."""
    kept = json.loads(stats, parse_float=_Number, parse_int=_Number)
    for bounds in ("minValues", "maxValues"):
        kept[bounds] = {name: value for name, value in kept.get(bounds, {}).items() if columns.get(name) != "string"}
    return _text(kept)


def make_plain(table: str, columns: Columns) -> None:
    """The log of a table in staging, which nobody else reads yet."""
    for path in glob.glob(os.path.join(table, "_delta_log", "*.json")):
        with open(path, encoding="utf-8") as file:
            actions = [json.loads(line) for line in file]
        for action in actions:
            if "stats" in action.get("add", {}):
                action["add"]["stats"] = without_texts(action["add"]["stats"], columns)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(action, ensure_ascii=False) + "\n" for action in actions)
