#!/usr/bin/env python3
"""Writes tests/data/hostile/strings.jsonl: 500 texts that bite where an output does not escape them.

    python3 tests/tools/make_hostile.py > tests/data/hostile/strings.jsonl

Each line is {"kind": ..., "text": ...}. Every text is UTF-8 without NUL (a record with a NUL is rejected before any
output sees it) of at most 150 bytes, so that no output cuts it. Kinds:

    formula    what spreadsheets run: = + - @, tabs and line ends before them, DDE
    markup     HTML and XML: elements, attributes, comments, CDATA, entities, ends of script and style
    control    each of U+0001 to U+001F, U+007F to U+009F, alone, in front and inside
    line       ends of lines and records: CR LF, U+0085, U+2028, forged log lines and headers
    ansi       escape sequences of terminals, 7 and 8 bits wide
    direction  bidirectional controls, isolates, marks; invisible and ignorable characters, tags
    json       quotes, backslashes, escapes, ends of objects and lines
    mail       headers, encoded-words, boundaries, dots, quoted-printable, addresses
    chat       mentions, links and formats of Slack, Teams and Discord
    template   braces and dollars of template languages and shells
    path       what leaves a folder or names a device
    plain      accents, scripts, emoji: what must come through as it is
The list is made of the seeds below, alone and embedded in an ordinary word; the same every time.
"""
import json
import sys

WANTED = 500
SEEDS = {
    "formula": ["=1+1", "=cmd|'/C calc'!A0", "+1+cmd|' /C calc'!A0", "-1+1|cmd", "@SUM(1+1)", "\t=1+1", "\r=1+1", "=HYPERLINK(\"http://evil.example\",\"x\")",
                "=IMPORTXML(\"http://evil.example\",\"//a\")", "'=1+1", "\"=1+1\"", " =1+1", "=", "+", "-", "@", "＝1+1", ";=1+1", ",=1+1", "=A1,=B1"],
    "markup": ["<script>alert(1)</script>", "</script><script>alert(1)</script>", "</SCRIPT >", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
               "' onmouseover='alert(1)", "\" onfocus=\"alert(1)\" autofocus=\"", "<!--", "-->", "<!-- --!>", "<![CDATA[x]]>", "]]>", "&lt;b&gt;", "&#60;b&#62;", "&", "<b>bold</b>",
               "<a href=\"javascript:alert(1)\">x</a>", "<style>*{display:none}</style>", "</style><b>", "</td></tr></table>", "<iframe src=//evil.example>", "<base href=//evil.example>",
               "<meta http-equiv=refresh content=0>", "<form action=//evil.example><input>", "<?xml version=\"1.0\"?>", "<!DOCTYPE x>", "</title><b>", "</textarea><b>", "<plaintext>", "<math><mi>"],
    "line": ["a\r\nb", "a\nb", "a\rb", "\r\n", "\n", "a\u0085b", "a\u2028b", "a\u2029b", "x\n2026-01-01T00:00:00Z ERROR forged line", "x\r\n2026-01-01T00:00:00Z INFO  sales: 0 rows",
             "a\u000bb", "a\u000cb", "\n\n\n", "a\r\n\r\nb", "error [ok]: nothing\n", "a\n::error::x"],
    "ansi": ["\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1b[1A\x1b[2K", "\x9b31mred", "\x9d0;title\x9c", "\x1bP$q\"p\x1b\\",
             "\x1b[?1049h", "\x1b[6n", "\x1bc", "\x90x\x9c", "\x08\x08\x08over", "\x1b(0", "\x1b[200~paste\x1b[201~"],
    "direction": ["\u202efdp.exe", "a\u202eb\u202cc", "\u2066x\u2069", "\u2067x", "\u2068x", "\u200fx", "\u200ex", "\u061cx", "a\u200bb", "a\u200db", "\ufeffx", "a\u00adb", "a\u2060b", "\u202dx", "\u202ax",
                  "\u202bx", "a\u3164b", "a\u115fb", "a\ufffcb", "\U000e0041\U000e007f", "a\u180eb", "a\ufe0eb", "שלום עולם", "مرحبا"],
    "json": ["\"", "\\", "\\\"", "\"}", "\"},{\"admin\":true", "\\u0000", "\\n", "\\", "{\"a\":1}", "]", "null", "true", "NaN", "\",\"x\":\"", "//", "/*", "\\ud800", "\\x00", "'", "`"],
    "mail": [".", "..", ".\r\n", "a\r\n.\r\nMAIL FROM:<evil@evil.example>", "x\r\nBcc: evil@evil.example", "x\nBcc: evil@evil.example", "x\r\n\r\n<html>", "x\r\nSubject: forged", "=?utf-8?B?RXZpbA==?=", "=?utf-8?Q?=0D=0ABcc:_a@b.c?=",
             "--=_ecluse_0000000000000000--", "\r\n--=_ecluse_0000000000000000", "=0D=0A", "=3D", "=\r\n", "a=", "<evil@evil.example>", "\"evil\" <evil@evil.example>", "evil@evil.example, x@evil.example", "From x@y Thu Jan  1 00:00:00 1970", ">From x", "QUIT\r\n", "\r\nRSET\r\n", "x (comment) y"],
    "chat": ["<!channel>", "<!here>", "<@U12345>", "<http://evil.example|click>", "@everyone", "@here", "<@&1234>", "[click](http://evil.example)", "**bold**", "__u__", "~~s~~", "||spoiler||", "`code`", "```\ncode\n```", "> quote", "# head", "- item",
             "1. item", "<at>everyone</at>", "![x](http://evil.example/x.png)", ":skull:", "<:a:1>", "<t:0:R>", "&lt;!channel&gt;", "*b* _i_", "[x]: http://evil.example", "http://evil.example/?q=1"],
    "template": ["{{7*7}}", "{% if 1 %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{0}", "%s%n%x", "%(x)s", "{{constructor.constructor('alert(1)')()}}", "$(touch evil)", "`touch evil`", "; touch evil", "| touch evil", "&& touch evil", "$HOME", "%PATH%", "{{{", "}}}", "@{x}", "*{x}", "{date}"],
    "path": ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "a/../b", "~/x", "CON", "a%2fb", "a%00b", ".hidden", "-rf", "file:///etc/passwd", "\\\\evil\\share", "..", "/", "x.done", "__HIVE_DEFAULT_PARTITION__", "a=b/c=d"],
    "plain": ["Écluse", "naïve café", "Ελλάδα", "日本語", "🙂", "👩‍👩‍👧", "e\u0301", "O'Brien", "50 %", "a & b", "x < y", "1e3", "0012", "İstanbul", "straße", "ﬁ", "\u00a0x", "x\u00a0", "ǅ", "Ω"],
}


def seeds():
    for kind, texts in SEEDS.items():
        for text in texts:
            yield kind, text
    for code in [*range(1, 32), *range(127, 160)]:
        yield "control", f"a{chr(code)}b"
    for code in [*range(1, 32), *range(127, 160)]:
        yield "control", chr(code) + "x"


def embedded():
    for kind, texts in SEEDS.items():
        for text in texts:
            if kind not in ("plain", "formula"):
                yield kind, "Lyon " + text + " ville"


def main():
    found, seen = [], set()
    for kind, text in [*seeds(), *embedded()]:
        if text not in seen and len(found) < WANTED:
            assert len(text.encode()) <= 150 and "\0" not in text
            seen.add(text)
            found.append({"kind": kind, "text": text})
    assert len(found) == WANTED, len(found)
    for entry in found:
        sys.stdout.write(json.dumps(entry, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
