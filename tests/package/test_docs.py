#!/usr/bin/env python3
"""Man pages and completions that the build has written: every command and option is in them, and the programs that read
them have nothing to complain about. What a program is not there for is skipped."""
import glob
import os
import pty
import re
import select
import shutil
import subprocess
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ECLUSE = os.environ.get("ECLUSE") or os.path.join(ROOT, "build", "ecluse")
DOCS = os.path.join(ROOT, "build", "docs")


def said(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, text=True, **more).stdout


def commands():
    text = said(ECLUSE, "--help")
    return re.findall(r"^  ([a-z]+) {2,}\S", text.split("Commands:")[1].split("First steps")[0], re.M)


def options(command):
    """As `--help` prints them, which is another reader of the tables."""
    return re.findall(r"^  (--[a-z-]+)", said(ECLUSE, command, "--help").split("\nOptions:" if "\nOptions:" in said(ECLUSE, command, "--help") else "\nCommon options:")[1], re.M)


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


def wants(program):
    return unittest.skipUnless(shutil.which(program), f"there is no {program}")


class Pages(unittest.TestCase):
    def test_every_command_has_a_page_with_its_options(self):
        self.assertGreater(len(commands()), 10)
        for command in commands():
            page = read(f"ecluse-{command}.1").replace("\\-", "-")
            self.assertEqual([name for name in options(command) if f"\\fB{name}\\fR" not in page], [], command)
            self.assertIn(f"ecluse-{command} (1)", read("ecluse.1").replace("\\-", "-"))

    def test_no_page_of_a_command_that_is_gone(self):
        pages = {os.path.basename(path) for path in glob.glob(os.path.join(DOCS, "*.1"))}
        self.assertEqual(pages, {"ecluse.1"} | {f"ecluse-{command}.1" for command in commands()})

    @wants("mandoc")
    def test_mandoc_has_no_warning(self):
        for page in glob.glob(os.path.join(DOCS, "*.1")) + glob.glob(os.path.join(DOCS, "fr", "*.1")):
            done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), page)

    def test_every_page_is_there_in_french(self):
        for page in ["ecluse.1"] + [f"ecluse-{command}.1" for command in commands()]:
            english, french = read(page), read(f"fr/{page}")
            self.assertIn(".SH NOM\n", french)
            parts = [len(re.findall(r"^\.(?:TP|SH|PP|nf)|^\\fB.*", text, re.M)) for text in (english, french)]
            self.assertEqual(parts[0], parts[1], page)

    @wants("mandoc")
    def test_a_french_page_as_a_reader_sees_it(self):
        page = re.sub(".\b", "", said("mandoc", "-Tutf8", os.path.join(DOCS, "fr", "ecluse-quarantine.1")))
        self.assertIn("les lignes rejetées", page)
        self.assertNotRegex(page, r"\b(rows|the default|What|exit status)\b")

    @wants("mandoc")
    def test_what_a_reader_sees(self):
        page = re.sub(".\b", "", said("mandoc", "-Tutf8", os.path.join(DOCS, "ecluse-quarantine.1")))
        self.assertIn("--as csv|jsonl", page)
        self.assertIn("export: as CSV (the default) or one JSON object a line", page)
        self.assertNotIn("\\", page)


class Bash(unittest.TestCase):
    def complete(self, *words):
        """As readline does: the words so far, the last one to be completed."""
        script = f"source {DOCS}/ecluse.bash; compopt() {{ :; }}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _ecluse; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return said("bash", "--norc", "-c", script, "bash", *words).split()

    def test_commands(self):
        self.assertEqual(self.complete("ecluse", "wa"), ["watch"])
        self.assertEqual(sorted(self.complete("ecluse", "")), sorted(commands() + ["-C", "--help", "--version", "help"]))

    def test_behind_the_project(self):
        self.assertEqual(self.complete("ecluse", "-C", "shop", "valid"), ["validate"])
        self.assertEqual(self.complete("ecluse", "-C", os.path.join(ROOT, "tests/conta")), [os.path.join(ROOT, "tests/container")])

    def test_every_option_of_every_command(self):
        for command in commands():
            self.assertEqual(self.complete("ecluse", command, "--"), options(command), command)

    def test_values(self):
        self.assertEqual(self.complete("ecluse", "run", "--format", ""), ["text", "json"])
        self.assertEqual(self.complete("ecluse", "run", "--fail-on", "=", "w"), ["warn"])
        self.assertEqual(self.complete("ecluse", "run", "--fail-on", "="), ["error", "warn", "never"])
        self.assertEqual(self.complete("ecluse", "quarantine", "s"), ["show"])
        self.assertEqual(self.complete("ecluse", "explain", "gzip-tru"), ["gzip-truncated"])
        self.assertEqual(self.complete("ecluse", "validate", os.path.join(ROOT, "LICEN")), [os.path.join(ROOT, "LICENSE")])
        self.assertEqual(self.complete("ecluse", "run", "--jobs", ""), [])

    @wants("shellcheck")
    def test_shellcheck(self):
        said("shellcheck", os.path.join(DOCS, "ecluse.bash"))


class Fish(unittest.TestCase):
    def complete(self, line):
        script = f"source {DOCS}/ecluse.fish; complete -C '{line}'"
        return [entry.split("\t")[0] for entry in said("fish", "--no-config", "-c", script, env={**os.environ, "HOME": "/nonexistent"}).splitlines()]

    @wants("fish")
    def test_commands_options_and_values(self):
        self.assertEqual(self.complete("ecluse wat"), ["watch"])
        for command in commands():
            found = self.complete(f"ecluse {command} --")
            self.assertEqual([name for name in options(command) if name not in found and name + "=" not in found], [], command)
        self.assertEqual(sorted(self.complete("ecluse run --fail-on ")), ["error", "never", "warn"])
        self.assertEqual(self.complete("ecluse explain gzip-tru"), ["gzip-truncated"])


class Zsh(unittest.TestCase):
    """A shell on a terminal of its own; what the line looks like behind the tabulator."""

    def setUp(self):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="dumb", HOME="/nonexistent", PS1="", LC_ALL="C.UTF-8")
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.text = ""
        self.send(f"fpath=({DOCS} $fpath); autoload -Uz compinit; compinit -u -D; PS1=; unsetopt zle_bracketed_paste; setopt no_list_beep; print rea''dy\n")
        self.wait("ready")

    def tearDown(self):
        os.close(self.terminal)
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)

    def send(self, text):
        os.write(self.terminal, text.encode())

    def wait(self, wanted):
        while wanted not in self.text:
            ready, _, _ = select.select([self.terminal], [], [], 60)
            if not ready:
                self.fail(f"zsh says nothing more; no {wanted!r} in {self.text!r}")
            self.text += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def completes(self, line, wanted):
        """The whole line is printed by a widget, so that what the terminal redraws does not matter."""
        self.text = ""
        self.send("show() { print -r \"<$BUFFER>\"; BUFFER=; }; zle -N show; bindkey '^X' show\n")
        self.send(f"{line}\t\x18")
        self.wait(f"<{wanted}")

    @wants("zsh")
    def test_commands(self):
        self.completes("ecluse wat", "ecluse watch")

    @wants("zsh")
    def test_options(self):
        self.completes("ecluse -C shop run --no-arch", "ecluse -C shop run --no-archive")

    @wants("zsh")
    def test_values(self):
        self.completes("ecluse run --fail-on nev", "ecluse run --fail-on never")
        self.completes("ecluse explain gzip-tru", "ecluse explain gzip-truncated")


if not shutil.which("zsh"):
    Zsh.setUp = Zsh.tearDown = lambda self: None

if __name__ == "__main__":
    unittest.main()
