#!/usr/bin/env python3
"""Each static check finds what is planted, and nothing in a tree without it."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest

import banned
import includes
import named
import shape
import sources

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKS = {"includes.py": includes, "named.py": named, "banned.py": banned, "shape.py": shape}
CLEAN = {
    "src/base/err.h": "#include <stdio.h>\nint ec_err(void);\n",
    "src/base/io.c": '#include "base/err.h"\nvoid *m(void) { return malloc(1); }\n',
    "src/read/cell.c": '#include "base/err.h"\ndouble f(const char *p) { return strtod(p, 0); }\n',
    "src/sql/duck.c": "#include <duckdb.h>\n",
    "src/run/run.h": '#include "base/err.h"\n',
    "src/base/code.h": 'X(EC_BOMB, "bomb")\n',
    "tests/unit/test_a.c": "static void one(void **state) {}\n",
    "docs/guarantees.md": "| hazard | error or reason | tests |\n|---|---|---|\n| a | `bomb` | `tests/unit/test_a.c`, `one()`; `tests/unit/` |\n",
    "src/cli/main.c": '#include "run/run.h"\n/* sprintf( in a comment */ const char *c = "strcpy(a, b)";\n'
                      "void f(struct s *s) { s->free(s); snprintf(0, 0, c); ec_free(s); }\n",
}


def plant(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def run_check(name, files):
    """Exit status and what is printed."""
    with tempfile.TemporaryDirectory() as root, io.StringIO() as out:
        plant(root, files)
        with contextlib.redirect_stdout(out):
            status = sources.finish(name, *CHECKS[name].check(root))
        return status, out.getvalue()


class Planted(unittest.TestCase):
    def found(self, check, path, text, finding):
        """The planted file costs exactly one finding, at its place."""
        status, out = run_check(check, {**CLEAN, path: text})
        self.assertEqual(status, 1, out)
        self.assertEqual(len(out.splitlines()), 2, out)
        self.assertIn(f"{path}:", out)
        self.assertIn(finding, out)

    def passed(self, check, path, text):
        status, out = run_check(check, {**CLEAN, path: text})
        self.assertEqual(status, 0, out)

    def test_clean_tree_passes(self):
        for check in CHECKS:
            with self.subTest(check):
                status, out = run_check(check, CLEAN)
                self.assertEqual((status, len(out.splitlines())), (0, 1), out)

    def test_empty_tree_fails(self):
        for check in ("includes.py", "banned.py", "shape.py"):
            with self.subTest(check):
                self.assertEqual(run_check(check, {"README.md": ""})[0], 1)

    def test_includes_against_the_law(self):
        for folder, header in (("base", "run/run.h"), ("store", "sql/x.h"), ("read", "run/run.h"), ("run", "cli/x.h"),
                               ("shop", "run/run.h"), ("scan", "read/x.h"), ("quality", "run/run.h")):
            with self.subTest(folder=folder, header=header):
                extra = {**CLEAN, f"src/{header}": "", f"src/{folder}/bad.c": f'int x;\n#include "{header}"\n'}
                status, out = run_check("includes.py", extra)
                self.assertEqual(status, 1, out)
                self.assertIn(f"src/{folder}/bad.c:2: src/{folder} may not depend on src/{header.split('/')[0]}", out)

    def test_includes_forms(self):
        self.found("includes.py", "src/run/a.c", "#include <duckdb.h>\n", "belongs to src/sql")
        self.found("includes.py", "src/run/a.c", "  #  include <duckdb.h>\n", "belongs to src/sql")
        self.found("includes.py", "src/run/a.c", '#include "duckdb.h"\n', "is a library's")
        self.found("includes.py", "src/run/a.c", "#include HEADER\n", "neither")
        self.found("includes.py", "src/run/a.c", '#include "run.h"\n', "from src/ on")
        self.found("includes.py", "src/run/a.c", '#include "../cli/x.h"\n', "from src/ on")
        self.found("includes.py", "src/other/a.c", "", "does not know this folder")
        self.found("includes.py", "src/run/deep/a.c", "", "does not know this folder")
        self.passed("includes.py", "src/run/a.c", '/* #include "cli/x.h" */\n// #include <duckdb.h>\n')

    def test_banned_calls(self):
        for call in ("strcpy(a, b)", "sprintf (a, b)", "atoi(a)", "strtol(a, 0, 10)", "sscanf(a, b)", "strtok(a, b)",
                     "gmtime(t)", "localtime(t)", "malloc(1)", "free(p)", "(void)free(p)", "g(free)", "h = malloc;",
                     "strtod(a, 0)", "gets(a)", "vsprintf(a, b, c)", "strdup(a)"):
            with self.subTest(call):
                self.found("banned.py", "src/run/a.c", f"void f(void) {{ {call}; }}\n", "is not used here")

    def test_banned_ways_around_the_table(self):
        for call in ("write(1, p, n)", "fsync(fd)", "rename(a, b)", "unlink(a)", "mkdir(a, 0)", "copy_file_range(a, b, c, d, e, f)",
                     "sendfile(a, b, c, d)", "truncate(a, 1)", "posix_fallocate(a, b, c)", "mmap(0, n, a, b, c, d)", "fopen(a, b)",
                     "fdopen(a, b)", "dprintf(fd, a)", "posix_memalign(&p, 16, n)", "json_dump_file(a, b, 0)",
                     "archive_write_open_filename(a, b)", "futimens(fd, t)", "x = open(a, 0)"):
            with self.subTest(call):
                self.found("banned.py", "src/run/a.c", f"void f(void) {{ {call}; }}\n", "is not used here")
        self.passed("banned.py", "src/run/a.c", "void f(void) { ec_io.write(1, p, n); s->link(a); ec_file_open(a); printf(b); }\n")

    def test_banned_by_folder(self):
        self.found("banned.py", "src/base/a.c", "int f(void) { return atoi(0); }\n", "atoi")
        self.found("banned.py", "src/read/a.c", "void f(void) { free(0); }\n", "free")
        self.found("banned.py", "src/base/a.c", "void f(void) { free(0); }\n", "free")
        self.passed("banned.py", "src/base/io.c", "void f(void) { free(realloc(malloc(1), 2)); unlink(0); }\n")
        self.passed("banned.py", "src/publish/archive_restore.c", "void f(void) { futimens(0, 0); }\n")
        self.passed("banned.py", "src/run/a.c", "void f(void) { ec_free(0); json_free(0); s.free(0); }\n")

    def test_shape(self):
        word = "TO" + "DO"
        self.found("shape.py", "src/run/a.c", f"int x; /* {word}: later */\n", word)
        self.found("shape.py", "src/run/a.c", "// a stub\n", "stub")
        self.found("shape.py", "src/run/a.c", "\n" * 601, "601 lines")
        self.passed("shape.py", "src/run/a.c", "\n" * 600)
        self.found("shape.py", "tests/run/a.py", "\n" * 601, "601 lines")
        for path in ("/wo" + "rk/main/src", "/ho" + "me/someone/src", "/ro" + "ot/x"):
            with self.subTest(path):
                self.found("shape.py", "docs/a.md", f"see {path} there\n", "the path of one machine")
        self.passed("shape.py", "docs/a.md", "see https://example.org/work/x, /home, data/work/x and ../work/x\n")

    def test_named(self):
        row = "| hazard | error or reason | tests |\n|---|---|---|\n| a | `%s` | %s |\n"
        for slug, tests, finding in (("bomb", "`tests/unit/test_b.c`", "tests/unit/test_b.c is not there"), ("boom", "`tests/unit/test_a.c`", "is called boom"),
                                     ("bomb", "`tests/unit/test_a.c`, `two()`", "tests/unit/test_a.c has no two"),
                                     ("bomb", "`tests/unit/`, `test_b.c`", "tests/unit/test_b.c is not there")):
            self.found("named.py", "docs/guarantees.md", row % (slug, tests), finding)

    def test_programs_end_with_a_status(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, {**CLEAN, "docs/guarantees.md": "| tests |\n|---|\n| `tests/none.c` |\n", "src/run/a.c": '#include "cli/main.h"\nvoid f(void) { gets(0); /* a stub */ }\n'})
            for check in CHECKS:
                done = subprocess.run([sys.executable, "-B", os.path.join(HERE, check), root], stdout=subprocess.PIPE, check=False)
                self.assertEqual((check, done.returncode), (check, 1))


if __name__ == "__main__":
    unittest.main()
