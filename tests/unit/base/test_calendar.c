/* The calendar against the C library's own, day by day, and the grammar of datetimes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/calendar.h"

#include <string.h>
#include <time.h>

static void every_day_agrees_with_the_c_library(void **state) {
    (void)state;
    for (int32_t days = -719162; days < 2932897; days += 13) { /* 0001-01-01 to 9999-12-31 */
        time_t t = (time_t)days * 86400;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        int32_t year;
        unsigned month, day;
        ec_civil_from_days(days, &year, &month, &day);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
        assert_int_equal(day, tm.tm_mday);
        assert_true(ec_civil_valid(year, month, day));
        assert_int_equal(ec_days_from_civil(year, month, day), days);
    }
}

static void dates_that_do_not_exist_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"2025-02-29", "2100-02-29", "2025-13-01", "2025-00-10", "2025-04-31", "0000-01-01", "2025-1-01", "2025/01/01", " 2025-01-1"};
    int32_t days;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ec_date_parse(bad[i], strlen(bad[i]), &days));
    assert_true(ec_date_parse("2000-02-29", 10, &days));
    assert_int_equal(days, 11016);
}

static void datetimes_are_utc_micros(void **state) {
    (void)state;
    static const struct { const char *text; int64_t micros; } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-02", EC_MICROS_PER_DAY},
        {"1970-01-01 01:00", 3600 * EC_MICROS_PER_SECOND},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:30:00.5-0030", 500000},
        {"2025-07-18T12:34:56.123456789Z", INT64_C(1752842096123456)},
        {"1969-12-31T23:59:59.999999", -1},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t micros;
        assert_true(ec_datetime_parse(good[i].text, strlen(good[i].text), &micros));
        assert_int_equal(micros, good[i].micros);
        char text[32];
        text[ec_datetime_format(micros, text)] = '\0';
        int64_t again;
        assert_true(ec_datetime_parse(text, strlen(text), &again));
        assert_int_equal(again, micros);
    }
    static const char *const bad[] = {"2025-07-18T24:00:00", "2025-07-18T23:59:60Z", "2025-07-18T12:60", "2025-07-18T12:34:56.", "2025-07-18T12", "2025-07-18T12:34:56+25:00", "2025-07-18T12:34:56 Z", "2025-07-18T12:34:56.1234567890", "20250718"};
    int64_t micros;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ec_datetime_parse(bad[i], strlen(bad[i]), &micros));
    assert_int_equal(ec_days_from_micros(-1), -1);
    assert_int_equal(ec_days_from_micros(EC_MICROS_PER_DAY), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(datetimes_are_utc_micros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
