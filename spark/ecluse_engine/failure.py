"""What ends a run, in words for people and with a code of `ecluse explain`."""
from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass

MARK = "ecluse-failed:"
_MARKED = re.compile(re.escape(MARK) + r"(\{.*?\})" + re.escape(":" + MARK))


@dataclass
class Failure(Exception):
    """An error for the driver to say: it prints it as one of its own, and leaves with the code's exit code."""

    code: str  # "config", "engine", …
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def as_json(self) -> dict[str, object]:
        said: dict[str, object] = {"code": self.code, "message": self.message[:700]}
        for name in ("file", "line", "column"):
            if getattr(self, name) is not None:
                said[name] = getattr(self, name)
        return said

    def __str__(self) -> str:
        return self.message


def marked(code: str, message: str) -> str:
    """The text of an exception on an executor, from which of_spark() finds both again, however Spark wraps it."""
    return f"{MARK}{json.dumps({'code': code, 'message': message})}:{MARK}"


def of_spark(error: BaseException, doing: str) -> Failure:
    """Spark's exceptions hold pages of stack; what a person needs is the cause's first line."""
    text = str(error)
    found = _MARKED.search(text)
    if found:
        said = json.loads(found.group(1))
        return Failure(said["code"], said["message"])
    if os.environ.get("ECLUSE_SPARK_DEBUG"):
        print(text, file=sys.stderr)
    # Of an exception in Python on an executor the last line of its traceback; else the first line.
    python = re.findall(r"^(\w[\w.]*(?:Error|Exception|Exit|Interrupt): .+)$", text, re.M)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line.removeprefix(": ") for line in lines[1:]] if len(lines) > 1 and lines[0].startswith("An error occurred while calling ") else lines
    cause = python[-1] if "Traceback" in text and python else lines[0] if lines else type(error).__name__
    return Failure("engine", f"{doing}: {cause}")
