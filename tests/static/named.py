#!/usr/bin/env python3
"""Checks the tests that docs/guarantees.md names: each is there.

    python3 tests/static/named.py [ROOT]

In the last column of its tables a path of a test is followed by names of what stands in that file: functions, classes, sweeps.
A name of a file without its folder lies in the folder that was named before it. In a column before the last that is called
"error or reason" are slugs of src/base/code.h."""
import os
import re

import sources

DOCUMENT = "docs/guarantees.md"
QUOTED = re.compile(r"`([^`]+)`")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def look(root, cell):
    """What the cell names and is not there. `tests/faults/sweep calls` is a file with words behind it."""
    folder, path, named = None, None, 0
    for quoted in QUOTED.findall(cell):
        first, *words = quoted.rstrip("/").split(" ")
        if first.startswith(("tests/", "docs/")) or first.endswith((".py", ".c", ".h")):
            path = first if "/" in first else os.path.join(folder or "", first)
            folder = path if quoted.endswith("/") else os.path.dirname(path)
            named += 1
            if not os.path.exists(os.path.join(root, path)):
                yield f"{path} is not there"
            if not os.path.isfile(os.path.join(root, path)):
                path = None
        else:
            words = [first]
        for word in (match.group() for text in words for match in [WORD.match(text)] if match):
            named += 1
            if path and not re.search(rf"\b{word}\b", sources.read(root, path)):
                yield f"{path} has no {word}"
    if named == 0:
        yield "no test is named"


def check(root):
    if not os.path.isfile(os.path.join(root, DOCUMENT)):
        return [], []
    findings, slugs, header = [], set(re.findall(r'"([a-z-]+)"', sources.read(root, "src/base/code.h"))), []
    for number, line in enumerate(sources.read(root, DOCUMENT).split("\n"), 1):
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif "`tests/" in cells[-1]:
            findings += [f"{DOCUMENT}:{number}: {what}" for what in look(root, cells[-1])]
            if "error or reason" in header:
                told = QUOTED.findall(cells[header.index("error or reason")])
                findings += [f"{DOCUMENT}:{number}: no error or reason is called {slug}" for slug in told if slug not in slugs]
    return [DOCUMENT], findings


if __name__ == "__main__":
    sources.run("named", check)
