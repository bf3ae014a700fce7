#include "remote/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_encoded(const char *plain, bool slashes, const char *wanted) {
    struct ec_buf out = ec_buf_make(4096), back = ec_buf_make(4096);
    ec_percent_encode(&out, plain, strlen(plain), slashes);
    assert_string_equal(out.p, wanted);
    assert_true(ec_percent_decode(&back, out.p, out.n, true));
    assert_string_equal(back.p, plain);
    ec_buf_free(&out);
    ec_buf_free(&back);
}

/* What a key may hold and an address may not. */
static void test_keys(void **state) {
    (void)state;
    assert_encoded("drop/sales_1.csv", true, "drop/sales_1.csv");
    assert_encoded("drop/sales_1.csv", false, "drop%2Fsales_1.csv");
    assert_encoded("a b+c%d~e.f-g", true, "a%20b%2Bc%25d~e.f-g");
    assert_encoded("Köln?x=1&y#z", true, "K%C3%B6ln%3Fx%3D1%26y%23z");
    assert_encoded("*'()!@$,:;=", true, "%2A%27%28%29%21%40%24%2C%3A%3B%3D");
}

static bool decodes(const char *text, bool plus, const char *wanted) {
    struct ec_buf out = ec_buf_make(4096);
    bool good = ec_percent_decode(&out, text, strlen(text), plus) && ec_str_is(ec_buf_str(&out), wanted);
    ec_buf_free(&out);
    return good;
}

static void test_decode(void **state) {
    (void)state;
    assert_true(decodes("a+b%2B", true, "a b+"));
    assert_true(decodes("a+b%2b", false, "a+b+"));
    assert_true(decodes("%41", false, "A"));
    assert_false(decodes("%4", false, ""));
    assert_false(decodes("a%", false, "a"));
    assert_false(decodes("%zz", false, ""));
    assert_false(decodes("%0g", false, ""));
    assert_false(decodes("a%00b", false, "a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_decode)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
