#!/usr/bin/env python3
"""The check of translations finds what is planted, and nothing in entries without it."""
import os
import tempfile
import unittest

import translations

POT = '''msgid ""
msgstr ""
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

#: src/a.c
#, c-format
msgid "cannot open %s of %zu bytes\\n"
msgstr ""

#, c-format
msgid "%llu row"
msgid_plural "%llu rows"
msgstr[0] ""
msgstr[1] ""

msgid ""
"Run `ecluse plan`,\\n"
"then look"
msgstr ""
'''
GOOD = (POT.replace('bytes\\n"\nmsgstr ""', 'bytes\\n"\nmsgstr "%2$zu octets de %1$s : illisible\\n"')
        .replace('msgstr[0] ""', 'msgstr[0] "%llu ligne"').replace('msgstr[1] ""', 'msgstr[1] "%llu lignes"')
        .replace('"then look"\nmsgstr ""', '"then look"\nmsgstr "Lancez `ecluse plan`, puis regardez"'))


class Planted(unittest.TestCase):
    def found(self, old, new, finding):
        self.assertIn(old, GOOD)
        findings = list(translations.judge(POT, GOOD.replace(old, new, 1), "po/xx.po"))
        self.assertEqual(len(findings), 1, findings)
        self.assertIn(finding, findings[0])

    def test_good_entries_pass(self):
        self.assertEqual(list(translations.judge(POT, GOOD, "po/xx.po")), [])

    def test_entries(self):
        self.assertEqual([entry.id for entry in translations.entries(POT)],
                         ["cannot open %s of %zu bytes\n", "%llu row", "Run `ecluse plan`,\nthen look"])

    def test_untranslated(self):
        self.found('msgstr[1] "%llu lignes"', 'msgstr[1] ""', "is not translated")

    def test_fuzzy(self):
        self.found('#, c-format\nmsgid "%llu row"', '#, fuzzy, c-format\nmsgid "%llu row"', "is fuzzy")

    def test_missing(self):
        self.found('msgid ""\n"Run `ecluse plan`,\\n"\n"then look"\nmsgstr "Lancez `ecluse plan`, puis regardez"', "", "is missing")

    def test_unused(self):
        findings = list(translations.judge(POT, GOOD + '\nmsgid "gone"\nmsgstr "parti"\n', "po/xx.po"))
        self.assertEqual(len(findings), 1, findings)
        self.assertIn("not in the sources any more", findings[0])

    def test_obsolete(self):
        findings = list(translations.judge(POT, GOOD + '\n#~ msgid "gone"\n#~ msgstr "parti"\n', "po/xx.po"))
        self.assertEqual(len(findings), 1, findings)
        self.assertIn("obsolete", findings[0])

    def test_twice(self):
        findings = list(translations.judge(POT, GOOD + '\n#, c-format\nmsgid "%llu row"\nmsgid_plural "%llu rows"\n'
                                           'msgstr[0] "%llu ligne"\nmsgstr[1] "%llu lignes"\n', "po/xx.po"))
        self.assertEqual(len(findings), 1, findings)
        self.assertIn("twice", findings[0])

    def test_conversions(self):
        self.found("%2$zu octets", "%2$d octets", "has the conversions")
        self.found("%2$zu octets de %1$s", "%1$zu octets de %2$s", "has the conversions")
        self.found("%llu lignes", "des lignes", "has the conversions")

    def test_line_end(self):
        self.found("illisible\\n", "illisible", "line ends")

    def test_words_to_be_typed(self):
        self.found("Lancez `ecluse plan`", "Lancez `ecluse planifier`", "backticks")


class Branches(unittest.TestCase):
    def test_only_the_first_of_two_formats_is_extracted(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "src/base"))
            with open(os.path.join(root, "src/base/a.c"), "w", encoding="utf-8") as file:
                file.write('void f(int a) {\n    ec_fail(0, 1, a ? "cannot open %s of %zu bytes\\n"\n'
                           '                        : "one that nobody " "finds", 2);\n    g(a ? "no sentence" : "of ours");\n}\n')
            findings = list(translations.branches(root, POT))
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith("src/base/a.c:3: 'one that nobody finds'"), findings)


if __name__ == "__main__":
    unittest.main()
