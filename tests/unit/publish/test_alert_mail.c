/* A mail's headers and bodies, by the letter of RFC 2045 and 2047. Whole messages are parsed by Python's email package
 * in tests/e2e/test_alerts.py and test_inert.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "publish/alert_hook.h"
#include "publish/alert_mail.h"

#include <stdlib.h>

static void quoted(const char *text, size_t n, const char *expected) {
    struct ec_buf out = ec_buf_make(EC_MIB);
    ec_mail_quoted(&out, (struct ec_str){text, n});
    assert_string_equal(ec_buf_str(&out).p, expected);
    ec_buf_free(&out);
}

static void quoted_printable(void **state) {
    (void)state;
    quoted("a=b\n", 4, "a=3Db\r\n");
    quoted("caf\xC3\xA9", 5, "caf=C3=A9\r\n");
    quoted("end \nend\t\n", 10, "end=20\r\nend=09\r\n");
    quoted("\r\0\x7F", 3, "=0D=00=7F\r\n");
    quoted("\n\n", 2, "\r\n\r\n");
    quoted("", 0, "");
    quoted("..\n.\n", 5, "..\r\n.\r\n"); /* dots are doubled on the way */
    char text[400];
    for (size_t n = 60; n < 200; n++) { /* no line is longer than 76, wherever the last sign falls */
        memset(text, 'x', n);
        memcpy(text + n, "\xC3\xA9", 2);
        struct ec_buf out = ec_buf_make(EC_MIB);
        ec_mail_quoted(&out, (struct ec_str){text, n + 2});
        size_t column = 0;
        for (size_t i = 0; i < out.n; i++) {
            column = out.p[i] == '\n' ? 0 : column + (out.p[i] != '\r');
            assert_true(column <= 76);
        }
        assert_memory_equal(out.p + out.n - 5, "=A9\r\n", 5);
        ec_buf_free(&out);
    }
}

static void header(const char *text, const char *expected) {
    struct ec_buf out = ec_buf_make(EC_MIB);
    ec_mail_header(&out, "Subject", text);
    assert_string_equal(out.p, expected);
    ec_buf_free(&out);
}

static void encoded_words(void **state) {
    (void)state;
    header("plain", "Subject: plain\r\n");
    header("\xC3\x89" "cluse", "Subject: =?utf-8?B?w4ljbHVzZQ==?=\r\n");
    header("a\r\nBcc: x@y.z", "Subject: =?utf-8?B?YQ0KQmNjOiB4QHkueg==?=\r\n"); /* nothing is a header but what we write */
    header("=?utf-8?B?YQ==?=", "Subject: =?utf-8?B?PT91dGYtOD9CP1lRPT0/PQ==?=\r\n");
    for (size_t n = 1; n < 120; n++) { /* no character is cut by a fold, no word longer than 75 */
        char text[600] = "";
        for (size_t i = 0; i < n; i++) memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
        struct ec_buf out = ec_buf_make(EC_MIB);
        ec_mail_header(&out, "Subject", text);
        size_t column = 0;
        for (size_t i = 0; i < out.n; i++) {
            column = out.p[i] == '\n' ? 0 : column + (out.p[i] != '\r');
            assert_true(column <= 76);
        }
        assert_null(strstr(out.p, "=?=\r\n =?utf-8?B?\r\n"));
        for (const char *at = out.p; (at = strstr(at, "?B?")); at += 3) assert_int_equal(strcspn(at + 3, "?=") % 4, 0); /* of three bytes each */
        ec_buf_free(&out);
    }
}

static void make_note(struct ec_alert_note *note, const char *title) {
    *note = (struct ec_alert_note){.kind = EC_NOTE_PROBLEM, .severity = EC_SEVERITY_ERROR, .project = "p", .run = "r1", .title = title,
                                   .started = "2025-08-18T13:34:05Z", .at_us = INT64_C(1755524045000000)};
    ec_arena_init(&note->arena, EC_MIB);
}

static void the_same_note_makes_the_same_mail(void **state) {
    (void)state;
    const char *to[] = {"a@b.fr"};
    struct ec_alert alert = {.type = EC_ALERT_SMTP, .from = "e@b.fr", .to = to, .to_count = 1, .from_name = "a \"b\" \\c"};
    struct ec_alert_note note;
    struct ec_buf one = ec_buf_make(EC_MIB), two = ec_buf_make(EC_MIB);
    make_note(&note, "p: 1 file failed");
    assert_int_equal(ec_alert_mail(&note, &alert, "r1.smtp", &one, NULL), EC_OK);
    assert_int_equal(ec_alert_mail(&note, &alert, "r1.smtp", &two, NULL), EC_OK);
    assert_string_equal(one.p, two.p);
    assert_non_null(strstr(one.p, "Date: Mon, 18 Aug 2025 13:34:05 +0000\r\nFrom: \"a \\\"b\\\" \\\\c\"\r\n <e@b.fr>\r\nTo: <a@b.fr>\r\n"));
    assert_non_null(strstr(one.p, "Message-ID: <r1.smtp@b.fr>\r\n"));
    ec_buf_free(&one);
    ec_buf_free(&two);
    ec_alert_note_deinit(&note);
}

static void hook(const char *title, enum ec_alert_format format, const char *expected) {
    struct ec_alert_note note;
    struct ec_buf out = ec_buf_make(EC_MIB);
    make_note(&note, title);
    assert_int_equal(ec_alert_hook(&note, format, "id", NULL, &out, NULL), EC_OK);
    if (!strstr(out.p, expected)) fail_msg("%s\nis not in\n%s", expected, out.p);
    ec_buf_free(&out);
    ec_alert_note_deinit(&note);
}

static void chats_show_markup_as_it_is_written(void **state) {
    (void)state;
    hook("<!channel> &", EC_HOOK_SLACK, "\"text\":\"\\u0026lt;!channel\\u0026gt; \\u0026amp;\"");
    hook("@everyone [a](b)", EC_HOOK_DISCORD, "\\\\@everyone \\\\[a\\\\]\\\\(b\\\\)");
    hook("[a](b)", EC_HOOK_TEAMS, "{\"type\":\"TextRun\",\"text\":\"[a](b)\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_printable), cmocka_unit_test(encoded_words), cmocka_unit_test(the_same_note_makes_the_same_mail),
        cmocka_unit_test(chats_show_markup_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
