/* Numbers as text: the fast way against printf and strtod, on what is random, tied, and at the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/number_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20250718;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void same(double value) {
    char fast[32], slow[32];
    if (!isfinite(value)) return;
    size_t n = ec_double_format(value, fast), want = ec_double_format_slow(value, slow);
    if (n != want || memcmp(fast, slow, n + 1) != 0) fail_msg("%a: %s, not %s", value, fast, slow);
}

static void with_neighbours(double value) {
    double below = value, above = value;
    for (int i = 0; i < 4; i++) {
        same(below);
        same(-below);
        same(above);
        same(-above);
        below = nextafter(below, 0);
        above = nextafter(above, (double)INFINITY);
    }
}

static void any_bits(void **state) {
    (void)state;
    for (int i = 0; i < 50000; i++) same(of_bits(next()));
    /* Of the size that the fast way is for: exponents of two from -15 to 51. */
    for (int i = 0; i < 250000; i++) {
        uint64_t exponent = 1023 - 15 + next() % 67;
        same(of_bits((next() >> 12) | exponent << 52 | (next() & UINT64_C(1) << 63)));
    }
}

/* What tables hold: decimals, means, shares. */
static void figures_of_a_shop(void **state) {
    (void)state;
    for (int i = 0; i < 120000; i++) {
        int64_t number = (int64_t)(next() >> (next() % 64)) / 2;
        double scale = pow(10, (double)(next() % 12));
        same((double)number / scale);
        same((double)(number % 1000000) / (double)(1 + next() % 5000));
        same((double)(number % 100000) * 0.01 * (double)(next() % 100));
    }
}

static void few_bits_and_ties(void **state) {
    (void)state;
    /* Sums of a few powers of two end in 5: they are ties at some number of digits. */
    for (int i = 0; i < 100000; i++) {
        double value = 0;
        for (int k = 0; k < 3; k++) value += ldexp((double)(next() % 1024), (int)(next() % 60) - 30);
        same(value);
    }
    for (int i = -1074; i < 1024; i++) with_neighbours(ldexp(1, i));
}

static void edges(void **state) {
    (void)state;
    for (int i = -30; i <= 30; i++) {
        with_neighbours(pow(10, i));
        with_neighbours(5 * pow(10, i));
        with_neighbours(9.999999999999995 * pow(10, i));
        with_neighbours(9.99999999999999 * pow(10, i));
    }
    static const double values[] = {0, -0.0, 0.1, 0.3, 2.5, 1e-4, 1e-5, 1e15, 999999999999999.9, 9007199254740993.0, 5e-324,
                                    1.7976931348623157e308, 0.30000000000000004, 123456789012345678.0, 1.0 / 3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) with_neighbours(values[i]);
}

static void known_texts(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0, "0"}, {-0.0, "-0"}, {1, "1"}, {-17, "-17"}, {0.1, "0.1"}, {0.30000000000000004, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"}, {2.0 / 3, "0.6666666666666666"}, {100.5, "100.5"}, {0.0001, "0.0001"},
                 {0.00012345, "0.00012345"}, {0.00001, "1e-05"}, {1e15, "1e+15"}, {999999999999999, "999999999999999"},
                 {1e300, "1e+300"}, {-12345.678, "-12345.678"}, {4035.0000000000005, "4035.0000000000005"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[32];
        assert_int_equal(ec_double_format(known[i].value, text), strlen(known[i].text));
        assert_string_equal(text, known[i].text);
        assert_true(strtod(text, NULL) == known[i].value);
    }
}

static void decimals(void **state) {
    (void)state;
    char text[EC_FIXED_TEXT];
    assert_int_equal(ec_decimal_format(INT64_MIN, 0, text), 20);
    assert_string_equal(text, "-9223372036854775808");
    (void)ec_decimal_format(-5, 2, text);
    assert_string_equal(text, "-0.05");
    (void)ec_decimal_format(INT64_MAX, 18, text);
    assert_string_equal(text, "9.223372036854775807");
    assert_int_equal(ec_double_fixed(2.5, 0, text), 1);
    assert_string_equal(text, "2");
    assert_int_equal(ec_double_fixed(-1e308, 2, text), 313);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bits), cmocka_unit_test(figures_of_a_shop), cmocka_unit_test(few_bits_and_ties),
        cmocka_unit_test(edges),    cmocka_unit_test(known_texts),       cmocka_unit_test(decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
