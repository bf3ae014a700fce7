#!/usr/bin/env python3
"""Plants what links.py is to find, one thing at a time."""
import os
import subprocess
import sys
import tempfile
import unittest

LINKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "links.py")
GOOD = {
    "README.md": "# Top\n\n[page](docs/page.md#two-words), [top](#top), [web](https://example.org/x)\n",
    "docs/page.md": "# Page\n\n## Two words\n\n`docs/page.md`\n\n```\n[no link](nowhere.md) `src/nothing.c`\n```\n",
    "src/a.c": "/* docs/page.md */\n",
}


def run(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, "-B", LINKS, root], stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout


class Links(unittest.TestCase):
    def assert_found(self, name, text, sentence):
        status, out = run({**GOOD, name: GOOD[name] + text})
        self.assertIn(sentence, out)
        self.assertEqual(status, 1)

    def test_good_documents_pass(self):
        status, out = run(GOOD)
        self.assertEqual((status, out), (0, "links: 2 links and 2 paths checked, 0 findings\n"))

    def test_dead_link(self):
        self.assert_found("README.md", "[x](docs/none.md)\n", "README.md:4: the link leads nowhere: docs/none.md")

    def test_dead_image(self):
        self.assert_found("README.md", "![a [b] c](docs/none.png)\n", "the link leads nowhere: docs/none.png")

    def test_dead_heading(self):
        self.assert_found("README.md", "[x](docs/page.md#three)\n", "there is no such heading: docs/page.md#three")

    def test_link_out_of_the_project(self):
        self.assert_found("README.md", "[x](../../)\n", "the link leaves the project")

    def test_path_in_a_document(self):
        self.assert_found("docs/page.md", "`src/read/csv*.c`\n", "docs/page.md:10: there is no src/read/csv*.c")

    def test_page_in_a_source(self):
        self.assert_found("src/a.c", "\n// docs/none.md\n", "src/a.c:3: there is no docs/none.md")

    def test_nothing_to_check_is_no_success(self):
        self.assertEqual(run({"README.md": "# Top\n"})[0], 1)


if __name__ == "__main__":
    unittest.main()
