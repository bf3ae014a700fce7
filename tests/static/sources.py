"""What the static checks share: the sources of a tree, and C without comments and texts."""
import os
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
COMMENT_OR_TEXT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
COMMENT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|(//[^\n]*|/\*.*?\*/)", re.S)


def root_of(arguments):
    return os.path.abspath(arguments[1]) if len(arguments) > 1 else ROOT


def source_files(root, folders=("src",), extensions=(".c", ".h")):
    """Paths below root, sorted; nothing of what a build leaves there."""
    found = []
    for top in folders:
        for folder, names, files in os.walk(os.path.join(root, top)):
            names[:] = [name for name in names if name != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, name), root) for name in files if name.endswith(extensions)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def blank(text):
    """Keeps the lines and columns, drops what is written there."""
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """C without comments, texts and character constants; lines and columns stay."""
    return COMMENT_OR_TEXT.sub(lambda match: blank(match.group(0)), text)


def without_comments(text):
    return COMMENT.sub(lambda match: blank(match.group(0)) if match.group(1) else match.group(0), text)


def place(path, text, position):
    return f"{path}:{text.count(chr(10), 0, position) + 1}"


def finish(name, files, findings):
    """Prints what was found; the exit status."""
    for finding in findings:
        print(finding)
    print(f"{name}: {len(files)} files checked, {len(findings)} findings")
    if not files:
        print(f"{name}: no file was found to check, which cannot be right")
    return 1 if findings or not files else 0


def run(name, check):
    """The main program of a check: `check(root)` gives files and findings."""
    sys.exit(finish(name, *check(root_of(sys.argv))))
