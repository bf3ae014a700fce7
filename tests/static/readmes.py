#!/usr/bin/env python3
"""Holds README.fr.md against README.md: what is in one is in the other.

    python3 tests/static/readmes.py [ROOT]

The same headings (their levels), the same blocks of code in the same order and with the same marks for tests/readme/run, the
same pictures and links, as many paragraphs, items and rows of tables in each section. Code is the same to the byte, but for
remarks of a shell; what the program prints (`text`) is in the language of its page, as many lines. At the top of each stands a
link to the other.
"""
import re

import sources

PAIR = ("README.md", "README.fr.md")
FENCE = re.compile(r"(?:^<!-- *([^\n]*?) *-->\n)?^```([a-z]*)\n(.*?)^```$", re.M | re.S)
TARGET = re.compile(r"\]\(([^)\s]+)\)")


def code_of(kind, body):
    if kind == "text":
        return f"{len(body.splitlines())} lines"
    return re.sub(r" *#(?= ).*", "", body) if kind == "sh" else body


def sections(text):
    """What must be alike in each section, in order: (what it is, value)."""
    found = []
    for number, part in enumerate(re.split(r"^(?=#+ )", FENCE.sub("", text), flags=re.M)):
        level = re.match(r"#*", part)[0]
        found.append((f"the level of heading {number}", level))
        found.append((f"the links and pictures of section {number}", sorted(set(TARGET.findall(part)) - set(PAIR))))
        found.append((f"the paragraphs of section {number}", len(re.findall(r"^(?![-|#\n]).+$", part, re.M))))
        found.append((f"the items of section {number}", len(re.findall(r"^- ", part, re.M))))
        found.append((f"the rows of tables of section {number}", len(re.findall(r"^\|", part, re.M))))
    return found


def blocks(text):
    return [(f"the block of code {n}", (mark, kind, code_of(kind, body))) for n, (mark, kind, body) in enumerate(FENCE.findall(text), 1)]


def judge(english, french):
    """Findings; each names the first difference of its kind."""
    for name, text, other in (("README.md", english, "README.fr.md"), ("README.fr.md", french, "README.md")):
        if f"]({other})" not in "\n".join(text.splitlines()[:4]):
            yield f"{name}: has no link to {other} at its top"
    for one, two in ((blocks(english), blocks(french)), (sections(english), sections(french))):
        if len(one) != len(two):
            yield f"README.fr.md: has {len(two)} parts where README.md has {len(one)}: a block of code or a heading is missing"
            continue
        for (what, a), (_, b) in zip(one, two):
            if a != b:
                yield f"README.fr.md: {what} is not that of README.md: {str(b)[:160]!r} for {str(a)[:160]!r}"


def check(root):
    return list(PAIR), list(judge(*(sources.read(root, name) for name in PAIR)))


if __name__ == "__main__":
    sources.run("readmes", check)
