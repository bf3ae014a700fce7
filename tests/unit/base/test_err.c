/* Messages of errors: the first cause stays, and no name stands in them twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/err.h"

#include <string.h>

static void the_first_cause_stays(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(ec_fail(&err, EC_EMPTY_FILE, "first"), EC_EMPTY_FILE);
    assert_int_equal(ec_fail(&err, EC_IO, "second"), EC_IO);
    ec_err_context(&err, "while reading %s", "a");
    assert_int_equal(err.status, EC_EMPTY_FILE);
    assert_string_equal(err.message, "while reading a: first");
}

static void a_name_is_taken_from_the_beginning(void **state) {
    (void)state;
    static const struct {
        const char *message, *name, *left;
    } cases[] = {
        {"./raw/a.gz: the data are damaged", "./raw/a.gz", "the data are damaged"},
        {"./raw/a.gz : les données", "./raw/a.gz", "les données"},
        {"./raw/a.gz\u00a0: les données", "./raw/a.gz", "les données"},
        {"./raw/a.gz\u202f: les données", "./raw/a.gz", "les données"},
        {"a.csv should be csv", "a.csv", "the file should be csv"},
        {"a.csv: member b.json: it ends", "a.csv", "member b.json: it ends"},
        {"a.csv.gz: damaged", "a.csv", "a.csv.gz: damaged"},
        {"a.csv:3: damaged", "a.csv", "a.csv:3: damaged"},
        {"cannot open a.csv: no such file", "a.csv", "cannot open a.csv: no such file"},
        {"a.csv", "a.csv", "a.csv"},
        {": text", "", ": text"},
        {"", "a.csv", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_err err = {0};
        (void)ec_fail(&err, EC_IO, "%s", cases[i].message);
        ec_err_unname(&err, cases[i].name);
        assert_string_equal(err.message, cases[i].left);
        assert_int_equal(err.status, EC_IO);
    }
    ec_err_unname(NULL, "a");
}

static void a_long_message_stays_whole(void **state) {
    (void)state;
    char text[sizeof(((struct ec_err *)0)->message)];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "a is", 4);
    struct ec_err err = {0};
    (void)ec_fail(&err, EC_IO, "%s", text);
    ec_err_unname(&err, "a");
    assert_int_equal(strncmp(err.message, "the file isxxx", 14), 0);
    assert_int_equal(strlen(err.message), sizeof err.message - 1); /* cut, never past its end */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_cause_stays), cmocka_unit_test(a_name_is_taken_from_the_beginning),
                                       cmocka_unit_test(a_long_message_stays_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
