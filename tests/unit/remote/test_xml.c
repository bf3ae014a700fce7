#include "base/limits.h"
#include "remote/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum ec_status keep(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    (void)err;
    ec_buf_printf(user, "%s>%s=%.*s;", around, name, (int)text.n, text.p);
    return EC_OK;
}

static enum ec_status read_text(const char *text, struct ec_buf *seen, struct ec_err *err) {
    struct ec_remote_xml reading = {keep, seen, "the store"};
    ec_buf_clear(seen);
    return ec_remote_xml_read(&reading, ec_str_of(text), err);
}

static void test_elements(void **state) {
    (void)state;
    struct ec_buf seen = ec_buf_make(4096);
    assert_int_equal(read_text("<?xml version=\"1.0\"?><a xmlns=\"urn:x\"> <b>1 &amp; 2</b><c/><b><d>&quot;x&quot;</d> </b></a>", &seen, NULL), EC_OK);
    assert_string_equal(seen.p, "a>b=1 & 2;a>c=;b>d=\"x\";a>b=;>a=;");
    ec_buf_free(&seen);
}

static void test_hostile(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "no xml", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", "<a>\x01</a>", "<a>\xff</a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<!DOCTYPE a SYSTEM \"http://127.0.0.1/x\"><a/>",
        "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
    };
    struct ec_buf seen = ec_buf_make(4096);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ec_err err = {0};
        if (read_text(texts[i], &seen, &err) != EC_REMOTE) fail_msg("%s", texts[i]);
        assert_non_null(strstr(err.message, "the store answers with XML that"));
    }
    struct ec_buf large = ec_buf_make(64 * EC_KIB);
    ec_buf_addz(&large, "<a>");
    for (size_t i = 0; i < EC_REMOTE_TEXT_MAX + 1; i++) ec_buf_addc(&large, 'x');
    ec_buf_addz(&large, "</a>");
    struct ec_err err = {0};
    assert_int_equal(read_text(large.p, &seen, &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "too long"));
    ec_buf_free(&large);
    ec_buf_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements), cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
