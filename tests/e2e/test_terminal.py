#!/usr/bin/env python3
"""What people see: the program on a pseudo-terminal of 80 × 24 and 40 × 10, read back by a small model of
a screen; colours and what switches them; pipes that close and disks that are full."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
import unittest

import kit

SECONDS_MAX = 300  # a guard against what hangs


class Screen:
    """Enough of a VT100 for what the program writes: text, CR, LF, cursor up, erase. Lines that are too long wrap."""

    def __init__(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.rows, self.row, self.column, self.wrapped, self.widest = [[]], 0, 0, 0, 0

    def put(self, text):
        for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\x1b.|.|\n", text, re.S):
            if token == "\r":
                self.column = 0
            elif token == "\n":
                self.row += 1
                self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]
            elif token.startswith("\x1b["):
                self.control(token)
            elif token.startswith("\x1b") or ord(token) < 0x20:
                raise AssertionError(f"a control character reached the terminal: {token!r}")
            else:
                self.character(token)

    def character(self, c):
        width = 0 if unicodedata.combining(c) or c == "\ufe0f" else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if self.column + width > self.columns:
            self.wrapped += 1
            self.row, self.column = self.row + 1, 0
            self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]
        row = self.rows[self.row]
        row += [" "] * (self.column - len(row))
        if width == 0:
            row[self.column - 1] += c
            return
        row[self.column:self.column + width] = [c] + [""] * (width - 1)
        self.column += width
        self.widest = max(self.widest, self.column)

    def control(self, token):
        number, kind = int(re.sub(r"\D.*", "", token[2:-1]) or 0), token[-1]
        if kind == "A":
            self.row = max(0, self.row - max(number, 1))
        elif kind == "K":
            del self.rows[self.row][self.column:]
        elif kind == "J":
            del self.rows[self.row][self.column:]
            del self.rows[self.row + 1:]
        elif kind != "m":
            raise AssertionError(f"unexpected {token!r}")

    def text(self):
        return ["".join(row).rstrip() for row in self.rows]


def set_size(fd, columns, lines):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def on_terminal(arguments, columns=80, lines=24, env=None, resize=None, cwd=None, err_only=False):
    """(exit code, all that was written, its screen). `resize` is (columns, lines) after the first bytes."""
    leader, follower = pty.openpty()
    set_size(follower, columns, lines)
    environment = kit.environment(**{"TERM": "xterm-256color", **(env or {})})
    process = subprocess.Popen([kit.ECLUSE, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if err_only else follower, stderr=follower,
                               env=environment, cwd=cwd or kit.scratch, start_new_session=True)
    os.close(follower)
    out, end = b"", time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        if not select.select([leader], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # the last holder is gone
            break
        if not chunk:
            break
        out += chunk
        if resize and b"[" in out:
            set_size(leader, *resize)
            process.send_signal(signal.SIGWINCH)
            resize = None
    os.close(leader)
    text = out.decode()
    screen = Screen(columns, lines)
    if resize is None:
        screen.put(text)
    return process.wait(SECONDS_MAX), text, screen


BAD = kit.csv_text(kit.SALES_HEADER, kit.sale(1), kit.sale(2, quantity="two"), kit.sale(3, quantity=0, total_amount="0.00"))


def bad_project():
    many = {f"users_{i}.csv": b"" for i in range(8)}
    return kit.new_project(**{"sales_1.csv": BAD, **many})


class Summary(unittest.TestCase):
    def test_it_fits_the_screen_and_names_what_could_not_be_read(self):
        for columns, lines in ((80, 24), (40, 10)):
            p = bad_project()
            code, text, screen = on_terminal(["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive"], columns, lines)
            self.assertEqual(code, 1)
            shown = [line for line in screen.text() if line]
            self.assertEqual(screen.wrapped, 0, shown)
            self.assertLessEqual(len(shown), 23)
            self.assertEqual(sum(line.startswith("❌ not read: data/raw/") for line in shown), 4)
            self.assertTrue(any("and 5 more" in line for line in shown))
            self.assertTrue(shown[-1].startswith("✔ done in"))
            self.assertNotIn("\x1b[31", re.sub(r"\x1b\[1;31m|\x1b\[0m", "", text))

    def test_the_bad_cell_is_marked(self):
        p = kit.new_project(**{"sales_1.csv": BAD})
        _, _, screen = on_terminal(["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive"])
        lines = screen.text()
        at = next(i for i, line in enumerate(lines) if line.strip().startswith("O2,") or "O2," in line)
        first, marks = lines[at], lines[at + 1]
        self.assertEqual(first[marks.index("^"):marks.rindex("^") + 1], "two")


class Caret(unittest.TestCase):
    """The columns under the marks hold the cell, as a terminal shows it."""

    def shown(self, value, columns=80, **more):
        row = kit.sale(2, quantity=value, **more)
        p = kit.new_project(**{"sales_1.csv": kit.csv_text(kit.SALES_HEADER, row)})
        code, _, screen = on_terminal(["-C", p.folder, "validate", p.path("data/raw/sales_1.csv")], columns)
        self.assertEqual(code, 1)
        lines = screen.text()
        at = next(i for i, line in enumerate(lines) if line.startswith("    quantity.type"))
        marks = next(i for i in range(at, len(lines)) if re.fullmatch(r" +\^+", lines[i]))
        first, last = lines[marks].index("^"), lines[marks].rindex("^") + 1  # only blanks and marks: columns
        return "".join(screen.rows[marks - 1][first:last]), lines[marks - 1]

    def test_plain_wide_combining_tab_and_control_characters(self):
        for value, expected in (("two", "two"), ("日本語", "日本語"), ("e\u0301e\u0301", "e\u0301e\u0301"), ("a\tb", "a\\tb"), ("\x1b[31mx", "\\x1B[31mx"), ("\u202ex", "\\u{202E}x")):
            cell, line = self.shown(value, user_id="ü日本", session_id="e\u0301")
            self.assertEqual(cell, expected)
            self.assertIn(f",P1,{expected},10.00", line)

    def test_writing_from_right_to_left_stands_in_brackets(self):
        cell, _ = self.shown("שלום", user_id="مرحبا")
        self.assertEqual(cell, "⟦שלום⟧")

    def test_long_lines_are_cut_around_the_cell(self):
        for columns in (80, 40):
            cell, line = self.shown("two", columns, user_id="x" * 5000, status="y" * 5000)
            self.assertEqual(cell, "two")
            self.assertIn("…", line)
            self.assertLessEqual(len(line), columns)
            cell, line = self.shown("z" * 5000, columns)
            self.assertTrue(cell.startswith("zzzz"))
            self.assertLessEqual(len(line), columns)


class Progress(unittest.TestCase):
    def test_each_source_has_a_line_and_nothing_is_left_of_it(self):
        p = kit.shop("8MB").copy()
        for columns, lines in ((80, 24), (40, 10)):
            code, text, screen = on_terminal(["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive", "--force"], columns, lines, err_only=True)
            self.assertIn(code, (0, 1))
            self.assertEqual([line for line in screen.text() if "%" in line or "█" in line], [])
            self.assertLess(screen.widest, columns)
            self.assertEqual(screen.wrapped, 0)
            for source in kit.SOURCES:
                if columns == 80:
                    self.assertRegex(text, rf"\n {source} +[█·]+ +\d+%")
            self.assertIn("100%", text)
            self.assertEqual("\n" in text.split("\x1b[J")[0], columns == 80)

    def test_a_terminal_that_is_resized_or_goes_away_does_not_end_the_run(self):
        p = kit.shop("8MB").copy()
        code, _, _ = on_terminal(["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive"], 120, 40, resize=(30, 8))
        self.assertIn(code, (0, 1))

    def test_a_dumb_terminal_is_not_drawn_on(self):
        p = kit.shop("8MB").copy()
        _, text, _ = on_terminal(["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive"], env={"TERM": "dumb"}, err_only=True)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("█", text)


class Colours(unittest.TestCase):
    def paints(self, terminal, *options, **env):
        p = self.project
        arguments = ["-C", p.folder, "validate", p.path("data/raw/sales_1.csv"), *options]
        if terminal:
            return "\x1b[" in on_terminal(arguments, env=env)[1]
        return "\x1b[" in kit.call(*arguments, env=kit.environment(**{"TERM": "xterm", **env})).out

    def test_the_first_that_says_something_decides(self):
        self.project = kit.new_project(**{"sales_1.csv": BAD})
        self.assertTrue(self.paints(True))
        self.assertFalse(self.paints(False))
        self.assertFalse(self.paints(True, "--no-color"))
        self.assertFalse(self.paints(True, NO_COLOR="1"))
        self.assertTrue(self.paints(True, NO_COLOR=""))  # no-color.org: when not empty
        self.assertFalse(self.paints(True, TERM="dumb"))
        self.assertTrue(self.paints(False, FORCE_COLOR="1"))
        self.assertTrue(self.paints(False, CLICOLOR_FORCE="1"))
        self.assertFalse(self.paints(False, FORCE_COLOR="0", CLICOLOR_FORCE="0"))
        self.assertFalse(self.paints(False, FORCE_COLOR="1", NO_COLOR="1"))
        self.assertFalse(self.paints(False, "--no-color", FORCE_COLOR="1"))

    def test_other_formats_are_never_coloured(self):
        self.project = kit.new_project(**{"sales_1.csv": BAD})
        for form in ("json", "junit", "markdown", "github"):
            self.assertFalse(self.paints(True, "--format", form, FORCE_COLOR="1"))


class Pipes(unittest.TestCase):
    def closed(self, *arguments):
        """The reader is gone before the first byte."""
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([kit.ECLUSE, *arguments], stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, env=kit.environment(), timeout=SECONDS_MAX, check=False)
        os.close(write)
        return done.returncode, done.stderr.decode()

    def test_a_pipe_that_closes_is_a_quiet_end_with_the_right_code(self):
        p = kit.new_project(**{"sales_1.csv": BAD, "sales_2.csv": kit.sales_csv(7, 8)})
        bad, good = p.path("data/raw/sales_1.csv"), p.path("data/raw/sales_2.csv")
        self.assertEqual(self.closed("explain"), (0, ""))
        self.assertEqual(self.closed("--help"), (0, ""))
        self.assertEqual(self.closed("-C", p.folder, "validate", good, "--format", "junit"), (0, ""))
        self.assertEqual(self.closed("-C", p.folder, "validate", bad), (1, ""))
        self.assertEqual(self.closed("-C", p.folder, "validate", good, good), (0, ""))
        code, err = self.closed("-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive", "--quiet")
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(len(kit.table_rows(p, "sales", "1")), 3)

    def test_a_full_disk_is_exit_code_3_with_a_message(self):
        p = kit.new_project(**{"sales_1.csv": kit.sales_csv(1)})
        for arguments in (["explain"], ["-C", p.folder, "validate", p.path("data/raw/sales_1.csv")], ["-C", p.folder, "plan"],
                          ["-C", p.folder, "validate", p.path("data/raw/sales_1.csv"), "--format", "github"], ["-C", p.folder, "run", "--as-of", kit.AS_OF, "--no-archive"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([kit.ECLUSE, *arguments], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, env=kit.environment(), timeout=SECONDS_MAX, check=False)
            self.assertEqual(done.returncode, 3, arguments)
            self.assertIn(b"the output could not be written", done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
