#!/usr/bin/env python3
"""Finds functions in src/ that the project does not use, and what to use instead.

    python3 tests/static/banned.py [ROOT]
"""
import re

import sources

BOUNDED = "a bounded copy: ec_buf_*, ec_arena_*, snprintf"
NUMBER = "the parsers of base/ and read/, which know ends and overflow"
CALENDAR = "base/calendar.h, which knows no locale and no time zone"
MEMORY = "base/: ec_malloc, ec_free, arenas; memory of a library goes back by the library's own call"
BANNED = {
    **dict.fromkeys("strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets".split(), BOUNDED),
    **dict.fromkeys("atoi atol atoll atof strtol strtoul strtoll strtoull strtoimax strtoumax".split(), NUMBER),
    **dict.fromkeys("sscanf vsscanf scanf fscanf".split(), NUMBER),
    **dict.fromkeys("strtod strtof strtold".split(), NUMBER),
    **dict.fromkeys("strtok strtok_r".split(), "memchr over pointer and length"),
    **dict.fromkeys("localtime localtime_r gmtime gmtime_r mktime strptime ctime asctime".split(), CALENDAR),
    **dict.fromkeys("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split(), MEMORY),
    **dict.fromkeys("alloca system popen tmpnam mktemp".split(), "nothing: none of them can be made safe"),
}
ALLOWED = {
    "base": set("malloc calloc realloc free strtod".split()),
    "read": {"strtod"},
}
# A call, or a function of memory that is handed on.
CALL = re.compile(r"(?<![\w.])(?:%s)\b(?=\s*\()|(?<![\w.])(?:malloc|calloc|realloc|free)\b(?=\s*[,;)])" % "|".join(BANNED))


def is_member(code, position):
    """p->free(p): a member of ours, not the library's function."""
    return code[max(0, position - 2) : position] == "->"


def check(root):
    files, findings = sources.source_files(root), []
    for path in files:
        code = sources.code_of(sources.read(root, path))
        allowed = ALLOWED.get(path.split("/")[1], set())
        for match in CALL.finditer(code):
            name = match.group(0)
            if name not in allowed and not is_member(code, match.start()):
                findings.append(f"{sources.place(path, code, match.start())}: {name} is not used here; use {BANNED[name]}")
    return files, findings


if __name__ == "__main__":
    sources.run("banned", check)
