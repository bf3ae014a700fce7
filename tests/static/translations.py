#!/usr/bin/env python3
"""Holds the translations in po/ against the sources (docs/translating.md).

    python3 tests/static/translations.py [ROOT]

po/ecluse.pot is what xgettext finds in src/ now (`make po` writes it). Every LANG.po has each of its sentences, translated
and not fuzzy, and none that is gone; a translation has the conversions of its English text, of the same type, each argument
once; line ends and blanks at both ends are kept, because sentences are put together; so are words in backticks, which are to
be typed. Needs gettext; the exit status is 77, skipped, where it is not installed.
"""
import collections
import os
import re
import shutil
import subprocess
import sys

import sources

ENTRY = re.compile(r"^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?) (\"(?:[^\"\\]|\\.)*\"(?:\n\"(?:[^\"\\]|\\.)*\")*)", re.M)
CONVERSION = re.compile(r"%(?:(\d+)\$)?([-+ #0']*)(\*|\d+)?(?:\.(\*|\d+))?(hh|h|ll|l|j|z|t|L)?([diouxXeEfFgGaAcspn%])")
CALL = re.compile(r"\b(?:ec_fail|ec_fail_errno|ec_err_context|ec_log|ec_log_keep|ec_yaml_fail|ec_xml_fail|ec_delta_damaged|ec_doctor_say|printf)\(")
CODE = re.compile(r"`([^`\n]+)`")
# In backticks, and not to be typed: what the program prints itself, an example of a form.
SHOWN = {"error", "key: value"}
TEXT = re.compile(r"\s*(?:\"(?:[^\"\\\n]|\\.)*\"\s*)+")
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

Entry = collections.namedtuple("Entry", "line flags id plural texts")


def unquote(text):
    joined = "".join(re.findall(r"\"((?:[^\"\\]|\\.)*)\"", text))
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[0]), joined)


def entries(text):
    """The entries of a .po or .pot, without its header; obsolete ones (#~) are not among them."""
    found, at = [], 1
    for block in re.split(r"\n{2,}", text):
        parts = {name: unquote(value) for name, value in ENTRY.findall(block)}
        if parts.get("msgid"):
            flags = [flag.strip() for line in re.findall(r"^#, (.*)$", block, re.M) for flag in line.split(",")]
            line = at + block[: block.index("msgid")].count("\n")
            texts = [value for name, value in parts.items() if name.startswith("msgstr")]
            found.append(Entry(line, flags, parts["msgid"], parts.get("msgid_plural"), texts))
        at += block.count("\n") + 2
    return found


def conversions(text):
    """{argument: type} of a format, with what `*` takes; None where it is no format that printf knows."""
    found, next_one = {}, 1
    for match in CONVERSION.finditer(text):
        number, _, width, precision, size, kind = match.groups()
        if kind == "%":
            continue
        for star in (width, precision):
            if star == "*":
                found[next_one] = "*"
                next_one += 1
        found[int(number) if number else next_one] = f"{size or ''}{'d' if kind == 'i' else kind}"
        next_one += not number
    return found


def edges(text):
    """Line ends and blanks before and behind: fragments of a sentence depend on them. French puts a blank before : and ;"""
    return re.match(r"\n*", text)[0], re.search(r"[ \n]*$", text)[0]


def faults(entry):
    """What is wrong with one entry: sentences."""
    if "fuzzy" in entry.flags:
        yield "is fuzzy"
    if not entry.texts or not all(entry.texts):
        yield "is not translated"
        return
    if entry.plural is not None and len(entry.texts) < 2:
        yield "lacks a plural"
    for k, text in enumerate(entry.texts):
        english = entry.plural if k and entry.plural is not None else entry.id
        if "c-format" in entry.flags and conversions(text) != conversions(english):
            yield f"has the conversions {conversions(text)} where English has {conversions(english)}"
        if edges(text) != edges(english):
            yield "begins or ends with other blanks or line ends"
        lost = set(CODE.findall(english)) - set(CODE.findall(text)) - SHOWN
        if lost:
            yield "lacks words that stand in backticks: " + ", ".join(sorted(lost))


def judge(template, text, path):
    """Findings of one language's file."""
    wanted, have = {entry.id: entry for entry in entries(template)}, {}
    for entry in entries(text):
        if entry.id in have:
            yield f"{path}:{entry.line}: {entry.id[:60]!r} stands there twice"
        have[entry.id] = entry
        if entry.id not in wanted:
            yield f"{path}:{entry.line}: {entry.id[:60]!r} is not in the sources any more; `make po` drops it"
            continue
        for fault in faults(entry):
            yield f"{path}:{entry.line}: {entry.id[:60]!r} {fault}"
    for entry in wanted.values():
        if entry.id not in have:
            yield f"{path}: {entry.id[:60]!r} is missing; `make po` adds it"
    for match in re.finditer(r"^#~", text, re.M):
        yield f"{sources.place(path, text, match.start())}: an obsolete entry; `make po` drops it"
        break


def text_at(source, at):
    """The text (its pieces joined) that begins at `at`."""
    found = TEXT.match(source, at)
    return unquote(found[0]) if found else ""


def branches(root, template):
    """Of `condition ? "one" : "other"` as a format xgettext sees the first alone."""
    known = {text for entry in entries(template) for text in (entry.id, entry.plural)}
    for path in sources.source_files(root):
        source = sources.without_comments(sources.read(root, path))
        for call in CALL.finditer(source):
            end = source.find(";", call.end())
            for branch in re.finditer(r"[?:](?=\s*\")", source[call.end() : end]):
                text = text_at(source, call.end() + branch.end())
                if re.search(r"[a-z]{2,} [a-z]{2,}", text) and text not in known:
                    yield f"{sources.place(path, source, call.end() + branch.start())}: {text[:60]!r} is not extracted; mark it with N_()"


def check(root):
    extracted = subprocess.run([os.path.join(root, "po/update"), "--print"], stdout=subprocess.PIPE, check=True).stdout.decode()
    template = sources.read(root, "po/ecluse.pot")
    findings = [] if extracted == template else ["po/ecluse.pot: is not what the sources say; `make po` writes it"]
    findings += branches(root, template)
    paths = [f"po/{name}" for name in sorted(os.listdir(os.path.join(root, "po"))) if name.endswith(".po") and name != "ignore.po"]
    for path in paths:
        findings += judge(template, sources.read(root, path), path)
    if not entries(template):
        findings.append("po/ecluse.pot: holds no sentence")
    return [*paths, "po/ecluse.pot"], findings


if __name__ == "__main__":
    if not shutil.which("xgettext"):
        print("translations: skipped, gettext is not installed")
        sys.exit(77)
    sources.run("translations", check)
