/* Texts into typed values: the grammar of each type, its limits, and numbers against strtod. */
#include "read/cell.h"

#include "base/calendar.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"12.0", true, 12},
        {"12.000", true, 12},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"000000000000000000000000000000009", true, 9},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+-1", false, 0},
        {"12.", false, 0},
        {"12.5", false, 0},
        {".0", false, 0},
        {"1e3", false, 0},
        {"1 2", false, 0},
        {"0x10", false, 0},
        {"1,000", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        if (ec_integer_parse(cases[i].text, strlen(cases[i].text), &value) != cases[i].good || value != cases[i].value)
            fail_msg("%s gives %" PRId64, cases[i].text, value);
    }
    char long_number[EC_NUMBER_MAX + 2];
    memset(long_number, '0', sizeof long_number);
    int64_t value;
    assert_true(ec_integer_parse(long_number, EC_NUMBER_MAX, &value));
    assert_false(ec_integer_parse(long_number, EC_NUMBER_MAX + 1, &value));
}

static void doubles(void **state) {
    (void)state;
    char long_number[EC_NUMBER_MAX + 2];
    double zero = 42;
    memset(long_number, '0', sizeof long_number);
    assert_true(ec_double_parse(long_number, EC_NUMBER_MAX, &zero) && zero == 0);
    assert_false(ec_double_parse(long_number, EC_NUMBER_MAX + 1, &zero));
    static const char *const good[] = {"0",
                                       "-0",
                                       "0.1",
                                       "1e22",
                                       "1e23",
                                       "123456789.123456789",
                                       ".5",
                                       "5.",
                                       "+1.5",
                                       "1E+2",
                                       "1e-5",
                                       "9007199254740993",
                                       "1e308",
                                       "5e-324",
                                       "1e-400",
                                       "00.25",
                                       "2.2250738585072011e-308",
                                       "17976931348623157e292",
                                       "0.000000000000000000000000000000000000000000001",
                                       "100000000000000000000000000000",
                                       "0e999999999",
                                       "123456789012345678901234567890e-20"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value, expected = strtod(good[i], NULL);
        if (!ec_double_parse(good[i], strlen(good[i]), &value)) fail_msg("%s is refused", good[i]);
        if (memcmp(&value, &expected, sizeof value) != 0) fail_msg("%s gives %.17g", good[i], value);
    }
    static const char *const bad[] = {"",      "-",      ".",   "e5",   "1e",       "1e+", "1.2.3",
                                      "nan",   "NaN",    "inf", "-inf", "0x1p3",    "1_0", "1,5",
                                      "1e999", "-1e309", " 1",  "1 ",   "infinity", "1f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 42;
        if (ec_double_parse(bad[i], strlen(bad[i]), &value)) fail_msg("%s is taken as %g", bad[i], value);
        assert_true(value == 42);
    }
}

static uint64_t seed = 88172645463325252u;
static uint64_t random64(void) { /* xorshift64 */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* The fast path and the C library's must agree to the last bit. */
static void random_doubles_equal_strtod(void **state) {
    (void)state;
    for (int i = 0; i < 40000; i++) {
        char text[64];
        uint64_t bits = random64();
        double d;
        memcpy(&d, &bits, sizeof d);
        if (i % 3 == 0)
            snprintf(text, sizeof text, "%" PRIu64 ".%0*u", random64() % 1000000, 1 + i % 5,
                     (unsigned)(random64() % 10));
        else if (i % 3 == 1)
            snprintf(text, sizeof text, "%" PRIu64 "e%d", random64() >> (random64() % 64), (int)(random64() % 60) - 30);
        else
            snprintf(text, sizeof text, "%.*g", 1 + (int)(random64() % 25), d);
        double value, expected = strtod(text, NULL);
        bool taken = ec_double_parse(text, strlen(text), &value);
        if (taken != isfinite(expected)) fail_msg("%s", text);
        if (taken && memcmp(&value, &expected, sizeof value) != 0)
            fail_msg("%s: %.17g, not %.17g", text, value, expected);
    }
}

static void decimals(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned precision, scale;
        bool good;
        int64_t value;
    } cases[] = {
        {"12.34", 10, 2, true, 1234},
        {"-12.3", 10, 2, true, -1230},
        {"12", 10, 2, true, 1200},
        {"12.340000000000000000000000000000", 10, 2, true, 1234},
        {"12.345", 10, 2, false, 0},
        {".5", 10, 2, true, 50},
        {"5.", 10, 2, true, 500},
        {"1e2", 10, 2, true, 10000},
        {"1200e-2", 10, 2, true, 1200},
        {"99999999.99", 10, 2, true, 9999999999},
        {"100000000.00", 10, 2, false, 0},
        {"999999999999999999", 18, 0, true, 999999999999999999},
        {"1000000000000000000", 18, 0, false, 0},
        {"1e17", 18, 0, true, 100000000000000000},
        {"1e999999", 18, 0, false, 0},
        {"0e999999", 18, 0, true, 0},
        {"1e-999999", 18, 18, false, 0},
        {"0.000000000000000001", 18, 18, true, 1},
        {"0.0000000000000000001", 18, 18, false, 0},
        {"123456789012345678901", 18, 0, false, 0},
        {"-0", 4, 2, true, 0},
        {"1.2.3", 10, 2, false, 0},
        {"abc", 10, 2, false, 0},
        {"", 10, 2, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        bool good = ec_decimal_parse(cases[i].text, strlen(cases[i].text), cases[i].precision, cases[i].scale, &value);
        if (good != cases[i].good || value != cases[i].value) fail_msg("%s gives %" PRId64, cases[i].text, value);
    }
}

static void booleans(void **state) {
    (void)state;
    static const char *const yes[] = {"true", "True", "TRUE", "1", "yes", "Y", "t", "T", "y"};
    static const char *const no[] = {"false", "False", "0", "no", "N", "f", "NO", "n"};
    static const char *const bad[] = {"", "2", "on", "truee", "tru", "\x11", "yess", "vrai", "10"};
    uint8_t value;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(ec_boolean_parse(yes[i], strlen(yes[i]), &value) && value == 1);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_true(ec_boolean_parse(no[i], strlen(no[i]), &value) && value == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ec_boolean_parse(bad[i], strlen(bad[i]), &value));
}

static void formats(void **state) {
    (void)state;
    static const struct {
        const char *format, *text;
        bool good;
        const char *expected; /* as ec_datetime_format() writes it */
        bool date_only;
    } cases[] = {
        {"%d/%m/%Y", "18/07/2025", true, "2025-07-18T00:00:00Z", true},
        {"%d/%m/%Y", "8/7/2025", true, "2025-07-08T00:00:00Z", true},
        {"%d/%m/%Y", "31/02/2025", false, "", false},
        {"%d/%m/%Y", "18/07/2025 ", false, "", false},
        {"%d/%m/%Y", "18/07/25", false, "", false},
        {"%d/%m/%Y %H:%M", "18/07/2025 09:05", true, "2025-07-18T09:05:00Z", false},
        {"%d/%m/%Y %H:%M", "18/07/2025  24:05", false, "", false},
        {"%Y-%m-%dT%H:%M:%S.%f%z", "2025-07-18T09:05:06.123+0230", true, "2025-07-18T06:35:06.123000Z", false},
        {"%Y-%m-%d %H:%M:%S %Z", "2025-07-18 09:05:06 UTC", true, "2025-07-18T09:05:06Z", false},
        {"%d %b %Y", "18 Jul 2025", true, "2025-07-18T00:00:00Z", true},
        {"%B %d, %Y", "july 8, 2025", true, "2025-07-08T00:00:00Z", true},
        {"%a, %d %b %Y %T", "Fri, 18 Jul 2025 09:05:06", true, "2025-07-18T09:05:06Z", false},
        {"%m/%d/%y %I:%M %p", "07/18/25 12:05 AM", true, "2025-07-18T00:05:00Z", false},
        {"%m/%d/%y %I:%M %p", "07/18/69 12:05 pm", true, "1969-07-18T12:05:00Z", false},
        {"%m/%d/%y %I:%M %p", "07/18/25 13:05 PM", false, "", false},
        {"%s", "1752829506", true, "2025-07-18T09:05:06Z", false},
        {"%s", "999999999999", false, "", false},
        {"%Y%j", "2024366", true, "2024-12-31T00:00:00Z", true},
        {"%Y%j", "2025366", false, "", false},
        {"%F %R", "2025-07-18 09:05", true, "2025-07-18T09:05:00Z", false},
        {"100%% %Y", "100% 2025", true, "2025-01-01T00:00:00Z", true},
        {"%H:%M", "09:05", false, "", false},
        {"%Y-%q", "2025-1", false, "", false},
        {"%Y-%", "2025-", false, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t micros = 0;
        bool date_only = false;
        char text[32] = "";
        bool good = ec_format_parse(cases[i].format, cases[i].text, strlen(cases[i].text), &micros, &date_only);
        if (good) ec_datetime_format(micros, text);
        if (good != cases[i].good || strcmp(text, cases[i].expected) != 0 || date_only != cases[i].date_only)
            fail_msg("%s by %s gives %s", cases[i].text, cases[i].format, text);
    }
}

static void zones_of_a_column(void **state) {
    (void)state;
    const char *format = "%d/%m/%Y %H:%M";
    struct ec_schema_column schema = {.timezone = "+02:00", .formats = &format, .format_count = 1};
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"2025-07-18T10:00:00", "2025-07-18T08:00:00Z"},
        {"2025-07-18 10:00", "2025-07-18T08:00:00Z"},
        {"2025-07-18", "2025-07-17T22:00:00Z"},
        {"2025-07-18T10:00:00Z", "2025-07-18T10:00:00Z"},
        {"2025-07-18T10:00:00.5-01:00", "2025-07-18T11:00:00.500000Z"},
        {"18/07/2025 10:00", "2025-07-18T08:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t micros;
        char text[32] = "";
        schema.format_count = strchr(cases[i].text, '/') != NULL;
        assert_true(ec_datetime_cell(&schema, cases[i].text, strlen(cases[i].text), &micros));
        ec_datetime_format(micros, text);
        assert_string_equal(text, cases[i].expected);
    }
}

/* ec_datetime_parse() has a short way for the common form; the formats are another way to the same. */
static void datetimes_agree_with_formats(void **state) {
    (void)state;
    static const char *const alphabet = "0123456789-T:Z+./;@AFn?";
    for (int i = 0; i < 20000; i++) {
        char text[32];
        snprintf(text, sizeof text, "%04u-%02u-%02u%c%02u:%02u:%02u%s", (unsigned)(random64() % 10000),
                 (unsigned)(random64() % 14), (unsigned)(random64() % 33), i % 2 ? 'T' : ' ',
                 (unsigned)(random64() % 25), (unsigned)(random64() % 61), (unsigned)(random64() % 61),
                 i % 3 ? "Z" : "");
        if (i % 5 == 0) text[random64() % strlen(text)] = alphabet[random64() % strlen(alphabet)];
        const char *format = text[10] == ' ' ? "%Y-%m-%d %H:%M:%SZ" : "%Y-%m-%dT%H:%M:%SZ";
        char plain[20];
        snprintf(plain, sizeof plain, "%.*s", (int)(strlen(format) - 1), format);
        bool zoned = text[strlen(text) - 1] == 'Z', ignored;
        int64_t a = 0, b = 0;
        bool good = ec_datetime_parse(text, strlen(text), &a);
        bool wanted = ec_format_parse(zoned ? format : plain, text, strlen(text), &b, &ignored);
        if (strlen(text) != (zoned ? 20 : 19) || text[16] != ':') continue; /* another zone, a number of one digit */
        if (good != wanted || a != b) fail_msg("%s: %d %" PRId64 ", not %d %" PRId64, text, good, a, wanted, b);
    }
}

static void dates(void **state) {
    (void)state;
    const char *format = "%d/%m/%Y";
    struct ec_schema_column schema = {.formats = &format, .format_count = 1};
    int32_t days = 0;
    assert_true(ec_date_cell(&schema, "18/07/2025", 10, &days));
    assert_int_equal(days, ec_days_from_civil(2025, 7, 18));
    assert_false(ec_date_cell(&schema, "2025-07-19", 10, &days)); /* what is declared replaces ISO 8601 */
    int64_t micros;
    assert_false(ec_datetime_cell(&schema, "2025-07-19", 10, &micros));
    schema.format_count = 0;
    assert_true(ec_date_cell(&schema, "2025-07-19", 10, &days));
    assert_int_equal(days, ec_days_from_civil(2025, 7, 19));
    assert_true(ec_date_cell(&schema, "2025-07-20T00:00:00", 19, &days));
    assert_int_equal(days, ec_days_from_civil(2025, 7, 20));
    assert_false(ec_date_cell(&schema, "2025-07-20T00:00:01", 19, &days));
    assert_false(ec_date_cell(&schema, "2025-02-30", 10, &days));
    assert_int_equal(days, ec_days_from_civil(2025, 7, 20));
}

static struct ec_batch batch;

static size_t add(enum ec_type type) {
    size_t index;
    assert_int_equal(ec_batch_add_column(&batch, "c", (struct ec_column_type){type, 10, 2}, &index, NULL), EC_OK);
    return index;
}

static enum ec_cell parse(const struct ec_schema_column *schema, size_t column, const char *text, bool quoted) {
    ec_bit_clear(batch.column[column].valid, 3);
    return ec_cell_parse(schema, &batch.column[column], 3, text, strlen(text), quoted);
}

static void cells_know_null_value_and_bad(void **state) {
    (void)state;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    struct ec_str nulls[] = {EC_STR("NA"), EC_STR("\\N")};
    struct ec_schema_column schema = {.null_values = nulls, .null_value_count = 2};
    size_t text = add(EC_TYPE_STRING), integer = add(EC_TYPE_INTEGER), day = add(EC_TYPE_DATE);

    assert_int_equal(parse(&schema, text, "", false), EC_CELL_NULL);
    assert_int_equal(parse(&schema, text, "NA", false), EC_CELL_NULL);
    assert_false(ec_bit(batch.column[text].valid, 3));
    assert_int_equal(parse(&schema, text, "", true), EC_CELL_VALUE);
    assert_true(ec_bit(batch.column[text].valid, 3));
    assert_int_equal(ec_column_text(&batch.column[text])[3].n, 0);
    assert_int_equal(parse(&schema, text, "NA", true), EC_CELL_VALUE);
    assert_int_equal(parse(&schema, text, " a ", false), EC_CELL_VALUE);
    assert_true(ec_str_is(ec_text_str(&ec_column_text(&batch.column[text])[3]), " a "));

    assert_int_equal(parse(&schema, integer, " \t", true), EC_CELL_NULL);
    assert_int_equal(parse(&schema, integer, " NA ", true), EC_CELL_NULL);
    assert_int_equal(parse(&schema, integer, "x", false), EC_CELL_BAD);
    assert_false(ec_bit(batch.column[integer].valid, 3));
    assert_int_equal(ec_column_int(&batch.column[integer])[3], 0);
    assert_int_equal(parse(&schema, integer, " 12 ", false), EC_CELL_VALUE);
    assert_true(ec_bit(batch.column[integer].valid, 3));
    assert_int_equal(ec_column_int(&batch.column[integer])[3], 12);
    char longest[EC_NUMBER_MAX + 2];
    memset(longest, '0', sizeof longest); /* 000…, as long as a number may be, and longer */
    longest[EC_NUMBER_MAX] = '\0';
    assert_int_equal(parse(&schema, integer, longest, false), EC_CELL_VALUE);
    longest[EC_NUMBER_MAX] = '0';
    longest[EC_NUMBER_MAX + 1] = '\0';
    assert_int_equal(parse(&schema, integer, longest, false), EC_CELL_BAD);
    assert_int_equal(parse(&schema, day, "2025-07-18", true), EC_CELL_VALUE);
    assert_int_equal(ec_column_days(&batch.column[day])[3], ec_days_from_civil(2025, 7, 18));
    ec_batch_deinit(&batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(random_doubles_equal_strtod),
        cmocka_unit_test(decimals),
        cmocka_unit_test(booleans),
        cmocka_unit_test(formats),
        cmocka_unit_test(zones_of_a_column),
        cmocka_unit_test(datetimes_agree_with_formats),
        cmocka_unit_test(dates),
        cmocka_unit_test(cells_know_null_value_and_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
