#!/usr/bin/env python3
"""Holds the #include lines of src/ against the law of dependencies (docs/architecture.md).

    python3 tests/static/includes.py [ROOT]

A folder may include its own headers and those of the folders that the table names. Paths are
written from src/ on ("base/err.h"), the header is there, and duckdb.h is included by src/sql alone.
"""
import os
import re

import sources

LAW = {
    "base": [],
    "scan": ["base"],
    "config": ["base"],
    "source": ["base", "config"],
    "read": ["source", "scan", "config", "base"],
    "gate": ["read", "config", "base"],
    "store": ["base"],
    "sql": ["base", "store", "config"],
    "quality": ["base", "config"],
    "publish": ["base", "config", "quality"],
    "remote": ["base"],
    "deliver": ["base", "config", "remote"],
    "shop": ["base"],
    "watch": ["base"],
}
LAW["run"] = sorted(LAW)
LAW["cli"] = sorted(LAW)
OWNER = {"duckdb.h": "sql", "curl.h": "remote"}
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include(?:_next)?\b[ \t]*(.*?)[ \t]*$", re.M)


def judge(root, folder, named):
    """What is wrong with an include of `named` (with its quotes) in src/folder, or None."""
    quoted = re.fullmatch(r'"([^"]+)"', named)
    angled = re.fullmatch(r"<([^>]+)>", named)
    if not quoted and not angled:
        return f"the include is neither \"…\" nor <…>: {named}"
    if angled:
        header = angled.group(1)
        owner = OWNER.get(os.path.basename(header))
        return f"<{header}> belongs to src/{owner} alone" if owner and owner != folder else None
    header = quoted.group(1)
    if os.path.basename(header) in OWNER:
        return f'"{header}" is a library\'s: <…>'
    if not os.path.isfile(os.path.join(root, "src", header)):
        return f'there is no src/{header}; write the path from src/ on'
    other = header.split("/")[0]
    if other != folder and other not in LAW[folder]:
        return f"src/{folder} may not depend on src/{other}"
    return None


def check(root):
    files, findings = sources.source_files(root), []
    for path in files:
        parts = path.split(os.sep)
        text = sources.without_comments(sources.read(root, path))
        if len(parts) != 3 or parts[1] not in LAW:
            findings.append(f"{path}: the table of tests/static/includes.py does not know this folder")
            continue
        for match in INCLUDE.finditer(text):
            wrong = judge(root, parts[1], match.group(1))
            if wrong:
                findings.append(f"{sources.place(path, text, match.start())}: {wrong}")
    return files, findings


if __name__ == "__main__":
    sources.run("includes", check)
