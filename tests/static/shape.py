#!/usr/bin/env python3
"""Looks at the form of the sources: their length, words of unfinished work, paths of a machine.

    python3 tests/static/shape.py [ROOT]
"""
import os
import re

import sources

LINES_MAX = 600
FOLDERS = ("src", "tests", "bench", "scripts", "orchestration", "cmake", "config", "transformations", "docs")
EXTENSIONS = (".c", ".h", ".py", ".sh", ".sql", ".yaml", ".json", ".cmake", ".txt", ".md")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|(?i:stubs?|not (?:yet )?implemented|unimplemented|for now))\b")
# A home, and the places where machines keep a checkout; not /tmp and /etc, which are everybody's.
MACHINE = re.compile(r"(?<![\w.%:/*~-])/(?:root|work|workspace|builds|mnt)/\w|(?<![\w.%:/*~-])/(?:home|Users)/[a-z]\w*/")
CODE = (".c", ".h")


def lines_and_words(path, text):
    lines = text.count("\n")
    if lines > LINES_MAX:
        yield f"{path}: {lines} lines, more than {LINES_MAX}: split it by concept"
    if path.startswith("src"):
        for match in UNFINISHED.finditer(text):
            yield f"{sources.place(path, text, match.start())}: unfinished: {match.group(0)}"


def check(root):
    files, findings = sources.source_files(root, FOLDERS, EXTENSIONS), []
    data = tuple(os.path.join("tests", *folder, "") for folder in (["data"], ["fuzz", "seeds"], ["fuzz", "found"]))
    for path in files:
        if path.startswith(data):
            continue
        text = sources.read(root, path)
        if path.endswith(CODE) or path.endswith(".py"):
            findings += lines_and_words(path, text)
        for match in MACHINE.finditer(text):
            findings.append(f"{sources.place(path, text, match.start())}: the path of one machine: {match.group(0)}…")
    return files, findings


if __name__ == "__main__":
    sources.run("shape", check)
