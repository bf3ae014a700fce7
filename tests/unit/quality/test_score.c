/* Scores and verdicts, each case computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sample.h"

#include <stdlib.h>

static struct ec_arena arena;

static struct ec_judgement judge(const struct ec_unit *unit) {
    struct ec_judgement j;
    assert_int_equal(ec_judge(unit, &arena, &j, NULL), EC_OK);
    return j;
}

static bool says(const char *const *list, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0) return true;
    return false;
}

static void assert_near(double a, double b) { assert_true(fabs(a - b) < 1e-9); }

static void scores_by_hand(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "data/raw/users_1.csv", NULL);
    sample_facts(&unit.facts);
    struct ec_judgement j = judge(&unit);
    assert_near(j.score.dim[EC_DIM_COMPLETENESS], 98);
    assert_near(j.score.dim[EC_DIM_VALIDITY], 94);
    assert_near(j.score.dim[EC_DIM_UNIQUENESS], 99);
    assert_near(j.score.dim[EC_DIM_CONSISTENCY], 95);
    assert_true(isnan(j.score.dim[EC_DIM_TIMELINESS]));
    assert_near(j.score.overall, 96.5);
    assert_int_equal(j.verdict, EC_VERDICT_WARNED);
    assert_string_equal(j.arithmetic, "(1 × 98.00 completeness + 1 × 94.00 validity + 1 × 99.00 uniqueness + "
                                      "1 × 95.00 consistency) ÷ 4 = 96.50; threshold 90");
    assert_int_equal(j.failure_count, 0);
    assert_true(says(j.violation, j.violation_count, "12 rows quarantined"));
    assert_true(says(j.violation, j.violation_count, "age.min_value: 1 of 184 values failed (0.54 %)"));
    ec_unit_deinit(&unit);
}

static void weights_and_freshness_count(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    unit.terms.freshness_s = 1000;
    unit.facts.newest_known = true;
    unit.facts.newest_us = unit.terms.as_of_us - 250 * 1000000; /* a quarter of its time: 75 */
    double weight[EC_DIM_COUNT] = {2, 0, 0, 0, 0.5};
    memcpy(unit.terms.weight, weight, sizeof weight);
    struct ec_judgement j = judge(&unit);
    assert_near(j.score.dim[EC_DIM_TIMELINESS], 75);
    assert_near(j.score.overall, (2 * 98 + 0.5 * 75) / 2.5); /* 93.4 */
    assert_string_equal(j.arithmetic, "(2 × 98.00 completeness + 0.5 × 75.00 timeliness) ÷ 2.5 = 93.40; threshold 90");
    unit.facts.newest_us = unit.terms.as_of_us - INT64_C(5000) * 1000000;
    assert_near(judge(&unit).score.dim[EC_DIM_TIMELINESS], 0);
    unit.facts.newest_us = unit.terms.as_of_us + 1;
    assert_near(judge(&unit).score.dim[EC_DIM_TIMELINESS], 100);
    unit.facts.newest_known = false;
    assert_true(isnan(judge(&unit).score.dim[EC_DIM_TIMELINESS]));
    ec_unit_deinit(&unit);
}

/* A file without a key or an expression rule has no such scores: they are unknown, not 100. */
static void unknown_is_not_a_hundred(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    unit.facts.check_count = 1;
    struct ec_judgement j = judge(&unit);
    assert_true(isnan(j.score.dim[EC_DIM_UNIQUENESS]));
    assert_true(isnan(j.score.dim[EC_DIM_CONSISTENCY]));
    assert_near(j.score.overall, 96);
    ec_unit_deinit(&unit);
}

static void thresholds_decide(void **state) {
    (void)state;
    static const struct { double threshold; enum ec_verdict verdict; size_t failures; } cases[] = {
        {96.5, EC_VERDICT_WARNED, 0},  /* not under it */
        {96.51, EC_VERDICT_FAILED, 1}, /* the score */
        {98, EC_VERDICT_FAILED, 1},
        {98.5, EC_VERDICT_FAILED, 2}, /* and the completeness */
        {0, EC_VERDICT_WARNED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_unit unit;
        sample_unit(&unit, "a.csv", NULL);
        sample_facts(&unit.facts);
        unit.terms.threshold = cases[i].threshold;
        struct ec_judgement j = judge(&unit);
        assert_int_equal(j.verdict, cases[i].verdict);
        assert_int_equal(j.failure_count, cases[i].failures);
        if (cases[i].failures == 2) assert_true(says(j.failure, 2, "the completeness 98.00 is under the threshold 98.5"));
        ec_unit_deinit(&unit);
    }
}

static void a_critical_rule_fails_the_file(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    unit.facts.check[2].severity = "critical";
    struct ec_judgement j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_FAILED);
    assert_true(says(j.failure, j.failure_count, "age.min_value: 1 of 184 values failed (0.54 %); the rule is critical"));
    unit.facts.check[2].failed = 0;
    assert_int_equal(judge(&unit).verdict, EC_VERDICT_WARNED);
    unit.facts.rejected = true;
    assert_int_equal(judge(&unit).verdict, EC_VERDICT_FAILED);
    ec_unit_deinit(&unit);
}

/* max_failed is a share of the rows: 20 of 200 rows are its 10 %, 21 are more. */
static void max_failed_is_a_share_of_the_rows(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    unit.facts.check[2].failed = 20;
    assert_int_equal(judge(&unit).verdict, EC_VERDICT_WARNED);
    unit.facts.check[2].failed = 21;
    struct ec_judgement j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_FAILED);
    assert_true(says(j.failure, j.failure_count,
                     "age.min_value: 21 of 184 values failed (11.41 %), more than its max_failed of 10 % of the rows"));
    ec_unit_deinit(&unit);
}

static void a_clean_file_passes(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    struct ec_facts *f = &unit.facts;
    f->read = f->accepted = 10;
    f->cells = 40;
    struct ec_judgement j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_PASSED);
    assert_near(j.score.overall, 100);
    static const char *undeclared[] = {"extra"};
    unit.undeclared = undeclared;
    unit.undeclared_count = 1;
    j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_WARNED);
    assert_string_equal(j.violation[0], "the column extra is not declared");
    ec_unit_deinit(&unit);
}

/* An info rule that fails is noted; it is no violation. */
static void info_does_not_warn(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    unit.facts.quarantined = unit.facts.duplicate = 0;
    for (size_t i = 0; i < 5; i++) unit.facts.check[i].severity = "info";
    struct ec_judgement j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_PASSED);
    assert_string_equal(ec_check_status(&unit.facts.check[1]), "noted");
    assert_string_equal(ec_check_status(&unit.facts.check[0]), "passed");
    ec_unit_deinit(&unit);
}

static void errored_skipped_and_empty(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv.gz", NULL);
    unit.status = EC_GZIP_TRUNCATED;
    unit.message = "a.csv.gz ends after 512 bytes";
    struct ec_judgement j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_ERRORED);
    assert_string_equal(j.failure[0], "a.csv.gz ends after 512 bytes [gzip-truncated]");
    assert_true(isnan(j.score.overall));
    assert_null(j.arithmetic);
    unit.skipped = true;
    assert_int_equal(judge(&unit).verdict, EC_VERDICT_SKIPPED);
    unit.skipped = false;
    unit.status = EC_OK;
    j = judge(&unit);
    assert_int_equal(j.verdict, EC_VERDICT_WARNED);
    assert_string_equal(j.violation[0], "the file holds no rows");
    ec_unit_deinit(&unit);
}

static void figures_round_down(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(1000);
    ec_percent_add(&b, 99.999);
    ec_buf_addc(&b, ' ');
    ec_percent_add(&b, 100);
    ec_buf_addc(&b, ' ');
    ec_percent_add(&b, 100.0 * 0.97);
    ec_buf_addc(&b, ' ');
    ec_percent_add(&b, (double)NAN);
    ec_buf_addc(&b, ' ');
    ec_count_add(&b, 1234567);
    ec_buf_addc(&b, ' ');
    ec_count_add(&b, 999);
    assert_string_equal(b.p, "99.99 100.00 97.00 unknown 1,234,567 999");
    ec_buf_free(&b);
    for (int i = 0; i <= 10000; i++) { /* no whole hundredth shows as the one below */
        double shown = ec_percent(100.0 * i / 10000);
        assert_near(shown, i / 100.0);
    }
}

static int setup(void **state) {
    (void)state;
    ec_arena_init(&arena, EC_MIB);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ec_arena_deinit(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_by_hand),
        cmocka_unit_test(weights_and_freshness_count),
        cmocka_unit_test(unknown_is_not_a_hundred),
        cmocka_unit_test(thresholds_decide),
        cmocka_unit_test(a_critical_rule_fails_the_file),
        cmocka_unit_test(max_failed_is_a_share_of_the_rows),
        cmocka_unit_test(a_clean_file_passes),
        cmocka_unit_test(info_does_not_warn),
        cmocka_unit_test(errored_skipped_and_empty),
        cmocka_unit_test(figures_round_down),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
