/* Text that reaches a terminal cannot command it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/inert.h"

#include <stdlib.h>

static void assert_shown(const char *p, size_t n, const char *expected) {
    struct ec_buf buf = ec_buf_make(4096);
    ec_inert_add(&buf, p, n);
    assert_int_equal(ec_buf_check(&buf, NULL), EC_OK);
    assert_string_equal(buf.p ? buf.p : "", expected);
    ec_buf_free(&buf);
}

#define SHOWN(text, expected) assert_shown(text, sizeof(text) - 1, expected)

static void text_stays(void **state) {
    (void)state;
    SHOWN("", "");
    SHOWN("a \\ b \"c\" 1,5 %", "a \\ b \"c\" 1,5 %");
    SHOWN("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    SHOWN("\xC2\xA0", "\xC2\xA0"); /* the first behind the C1 controls */
}

static void controls_are_escaped(void **state) {
    (void)state;
    SHOWN("a\nb\tc\rd", "a\\nb\\tc\\rd");
    SHOWN("\033[31mred\007", "\\x1B[31mred\\x07");
    SHOWN("a\0b", "a\\x00b");
    SHOWN("\x7F", "\\x7F");
    SHOWN("\xC2\x9B"
          "31m",
          "\\u{009B}31m"); /* CSI as one character */
}

static void directions_and_separators_are_escaped(void **state) {
    (void)state;
    SHOWN("\xE2\x80\xAEtxt.exe", "\\u{202E}txt.exe");
    SHOWN("\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\x8D", "\\u{200E}\\u{200F}\xE2\x80\x8D"); /* a joiner is text */
    SHOWN("\xE2\x81\xA6x\xE2\x81\xA9", "\\u{2066}x\\u{2069}");
    SHOWN("\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xD8\x9C", "\\u{2028}\\u{2029}\\u{FEFF}\\u{061C}");
}

static void bytes_that_are_no_text_are_escaped(void **state) {
    (void)state;
    SHOWN("\xFF\xC3", "\\xFF\\xC3");
    SHOWN("\xC0\xAF", "\\xC0\\xAF");          /* overlong */
    SHOWN("\xED\xA0\x80", "\\xED\\xA0\\x80"); /* a surrogate */
    SHOWN("\x9B", "\\x9B");
    SHOWN("\xE2\x82", "\\xE2\\x82"); /* cut */
}

/* What an error says may quote a file. */
static void errors_are_printed_inert(void **state) {
    (void)state;
    struct ec_err err = {0};
    (void)ec_fail(&err, EC_UNREADABLE, "cannot open a\033]0;title\007.csv\nerror [ok]: forged");
    ec_err_at(&err, "b\033[2J.csv", 3, 7);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    ec_err_print(&err, out);
    assert_int_equal(fclose(out), 0);
    assert_null(memchr(text, '\033', n));
    assert_non_null(strstr(text, "b\\x1B[2J.csv:3:7: error [unreadable]: cannot open a\\x1B]0;title\\x07.csv\n"
                                 "    error [ok]: forged\n  what to do: "));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays),
        cmocka_unit_test(controls_are_escaped),
        cmocka_unit_test(directions_and_separators_are_escaped),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(errors_are_printed_inert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
