/* When a run is due, by a clock that only the tests turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/code.h"
#include "watch/quiet.h"

#define QUIET 30
#define RETRY 60

static struct ec_quiet idle(void) {
    struct ec_quiet q;
    ec_quiet_init(&q, QUIET, RETRY, 0);
    (void)ec_quiet_ran(&q, EC_EXIT_DONE, 100);
    return q;
}

static void what_was_there_before_is_run_once(void **state) {
    (void)state;
    struct ec_quiet q;
    ec_quiet_init(&q, QUIET, RETRY, 1000);
    assert_true(q.again);
    assert_int_equal(ec_quiet_due(&q, false, 1000), QUIET);
    assert_int_equal(ec_quiet_due(&q, false, 1029), 1);
    assert_int_equal(ec_quiet_due(&q, false, 1030), 0);
    assert_int_equal(ec_quiet_ran(&q, EC_EXIT_DONE, 1031), 0);
    assert_false(q.again);
    assert_int_equal(ec_quiet_due(&q, false, 5000), INT64_MAX);
}

static void a_file_that_grows_puts_the_run_off(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    for (int64_t now = 200; now < 2000; now += QUIET - 1) {
        ec_quiet_changed(&q, now);
        assert_int_equal(ec_quiet_due(&q, false, now + QUIET - 1), 1);
    }
    assert_int_equal(ec_quiet_due(&q, false, 9000), 0);
}

static void an_open_file_is_waited_for_longer_but_not_without_end(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    ec_quiet_changed(&q, 200);
    assert_int_equal(ec_quiet_due(&q, true, 200 + QUIET), QUIET * (EC_QUIET_PATIENCE - 1));
    assert_int_equal(ec_quiet_due(&q, true, 200 + QUIET * EC_QUIET_PATIENCE), 0);
    assert_int_equal(ec_quiet_due(&q, false, 200 + QUIET), 0); /* closed */
}

static void nothing_new_is_no_run(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    ec_quiet_changed(&q, 200);
    ec_quiet_nothing(&q);
    assert_int_equal(ec_quiet_due(&q, false, 9000), INT64_MAX);
}

static void a_failed_gate_is_not_repeated(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    assert_int_equal(ec_quiet_ran(&q, EC_EXIT_GATE, 200), 0);
    assert_int_equal(ec_quiet_due(&q, false, 9000), INT64_MAX);
}

static void failures_are_repeated_at_growing_intervals(void **state) {
    (void)state;
    static const int codes[] = {EC_EXIT_RUNTIME, EC_EXIT_USAGE, EC_EXIT_DELIVERY, 128 + 9, EC_EXIT_RUNTIME, EC_EXIT_RUNTIME, EC_EXIT_RUNTIME, EC_EXIT_RUNTIME, EC_EXIT_RUNTIME};
    static const int64_t waits[] = {60, 120, 240, 480, 960, 1920, 3840, 3840, 3840};
    struct ec_quiet q = idle();
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_equal(ec_quiet_ran(&q, codes[i], 1000), waits[i]);
        assert_true(q.again);
        assert_int_equal(ec_quiet_due(&q, false, 1000), waits[i]);
        assert_int_equal(ec_quiet_due(&q, false, 1000 + waits[i]), 0);
    }
    (void)ec_quiet_ran(&q, EC_EXIT_DONE, 9000);
    assert_int_equal(ec_quiet_ran(&q, EC_EXIT_RUNTIME, 9100), RETRY); /* as at first */
}

static void another_runs_lock_is_waited_for_at_one_pace(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    for (int i = 0; i < 9; i++) assert_int_equal(ec_quiet_ran(&q, EC_EXIT_LOCKED, 1000), RETRY);
    assert_int_equal(q.failures, 0);
}

static void a_new_file_ends_the_wait_for_a_repetition(void **state) {
    (void)state;
    struct ec_quiet q = idle();
    (void)ec_quiet_ran(&q, EC_EXIT_RUNTIME, 1000);
    ec_quiet_changed(&q, 1001);
    assert_int_equal(ec_quiet_due(&q, false, 1001), QUIET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_before_is_run_once),
        cmocka_unit_test(a_file_that_grows_puts_the_run_off),
        cmocka_unit_test(an_open_file_is_waited_for_longer_but_not_without_end),
        cmocka_unit_test(nothing_new_is_no_run),
        cmocka_unit_test(a_failed_gate_is_not_repeated),
        cmocka_unit_test(failures_are_repeated_at_growing_intervals),
        cmocka_unit_test(another_runs_lock_is_waited_for_at_one_pace),
        cmocka_unit_test(a_new_file_ends_the_wait_for_a_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
