#!/usr/bin/env python3
"""Checks the project's documents: no dead link, and no file named that is not there.

    python3 tests/static/links.py [ROOT]

In every Markdown file: links and images lead to a file of the project, `#anchors` to a heading.
In those and in the sources: what looks like a path of the project (`docs/commit.md`,
`tests/unit/run/`, `src/read/csv*.c`) exists. Web addresses are not asked. One line per finding,
exit status 1 where there is one. Needs nothing but Python 3.
"""
import glob
import os
import re
import sys

SKIPPED = {".git", "node_modules", "build", "build-asan", "data", "logs", "__pycache__"}
SOURCES = (".c", ".h", ".py", ".sh", ".sql", ".yaml", ".cmake", ".txt", "")
# Not config/ and transformations/: documents name files there that a user would make.
FOLDERS = "src|docs|tests|scripts|orchestration|cmake|third_party"
FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1[`~]*[ \t]*$", re.M | re.S)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.M)
PATH_IN_DOCUMENT = re.compile(r"`((?:%s)/[A-Za-z0-9_.*/-]*)`" % FOLDERS)
# In a source, a page of the documents is worth checking; other paths may be those of a user's project.
PATH_IN_SOURCE = re.compile(r"\bdocs/[A-Za-z0-9_-]+\.md\b")


def files(root):
    for folder, names, found in os.walk(root):
        top = os.path.relpath(folder, root) == "."
        names[:] = sorted(n for n in names if n not in SKIPPED or (n == "data" and not top))
        for name in sorted(found):
            yield os.path.join(folder, name)


def slug(heading):
    """A heading's anchor, as GitHub makes it."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    text = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return text.replace(" ", "-")


def anchors(text):
    found, seen = set(), {}
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", FENCE.sub("", text), re.M):
        name = slug(heading)
        times = seen.get(name, 0)
        seen[name] = times + 1
        found.add(name if times == 0 else f"{name}-{times}")
    found.update(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    return found


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def blank(match):
    """Keeps the lines, drops what is written on them."""
    return "\n" * match.group(0).count("\n")


class Checker:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.links = self.paths = 0
        self.known = {}

    def anchors_of(self, path):
        if path not in self.known:
            with open(path, encoding="utf-8") as file:
                self.known[path] = anchors(file.read())
        return self.known[path]

    def report(self, path, text, position, sentence):
        self.findings.append(f"{os.path.relpath(path, self.root)}:{line_of(text, position)}: {sentence}")

    def link(self, path, text, position, target):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            return
        self.links += 1
        name, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(full):
            self.report(path, text, position, f"the link leads nowhere: {target}")
        elif os.path.relpath(full, self.root).startswith(".."):
            self.report(path, text, position, f"the link leaves the project: {target}")
        elif anchor and full.endswith(".md") and anchor not in self.anchors_of(full):
            self.report(path, text, position, f"there is no such heading: {target}")

    def path(self, path, text, position, named):
        self.paths += 1
        if not glob.glob(os.path.join(self.root, named)):
            self.report(path, text, position, f"there is no {named}")

    def document(self, path, text):
        prose = FENCE.sub(blank, text)
        inline = re.sub(r"`[^`\n]*`", lambda m: " " * len(m.group(0)), prose)
        for pattern in (LINK, REFERENCE):
            for match in pattern.finditer(inline):
                self.link(path, prose, match.start(), match.group(1))
        for match in PATH_IN_DOCUMENT.finditer(prose):
            self.path(path, prose, match.start(), match.group(1))

    def file(self, path):
        extension = os.path.splitext(path)[1]
        if extension != ".md" and extension not in SOURCES:
            return
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            return
        if extension == ".md":
            self.document(path, text)
            return
        if os.path.basename(path).startswith("test_") and extension == ".py":
            return  # names what is not there, to test that it is found
        for match in PATH_IN_SOURCE.finditer(text):
            self.path(path, text, match.start(), match.group(0))


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
    checker = Checker(root)
    for path in files(root):
        # The corpora's files are data, not documents.
        if not os.path.relpath(path, root).startswith(os.path.join("tests", "data")):
            checker.file(path)
    for finding in checker.findings:
        print(finding)
    print(f"links: {checker.links} links and {checker.paths} paths checked, {len(checker.findings)} findings")
    if checker.links == 0 or checker.paths == 0:
        print("links: nothing was found to check, which cannot be right")
        return 1
    return 1 if checker.findings else 0


if __name__ == "__main__":
    sys.exit(main())
