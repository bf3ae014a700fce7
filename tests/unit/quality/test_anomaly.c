/* Anomalies: median and MAD as Python's statistics has them, the rule by hand, and the search in a history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "quality/history.h"
#include "sample.h"

#include <stdlib.h>

#define CASES  "tests/data/quality/anomalies.txt" /* of tests/tools/make_anomalies.py */
#define VALUES 64u

static bool is_near(double a, double b) { return fabs(a - b) <= 1e-9 * fmax(1, fabs(b)); }

static void median_and_mad_are_pythons(void **state) {
    (void)state;
    struct ec_buf text = ec_buf_make(EC_MIB);
    assert_int_equal(ec_file_load(CASES, &text, NULL), EC_OK);
    char *p = text.p;
    size_t cases = 0;
    while (*p) {
        double values[VALUES], median, mad;
        size_t n = (size_t)strtoull(p, &p, 10);
        assert_in_range(n, 1, VALUES);
        for (size_t i = 0; i < n; i++) values[i] = strtod(p, &p);
        double want_median = strtod(p, &p), want_mad = strtod(p, &p);
        ec_median_mad(values, n, &median, &mad);
        if (!is_near(median, want_median) || !is_near(mad, want_mad))
            fail_msg("case %zu: %g and %g, not %g and %g", cases, median, mad, want_median, want_mad);
        p += strspn(p, "\n");
        cases++;
    }
    assert_int_equal(cases, 300);
    double median, mad;
    ec_median_mad(NULL, 0, &median, &mad);
    assert_true(isnan(median) && isnan(mad));
    ec_buf_free(&text);
}

static struct ec_anomaly judged(enum ec_measure measure, double value, size_t n, const double *past) {
    struct ec_anomaly a = {.source = "s", .measure = measure, .value = value, .needed = 3, .severity = "warn"};
    double values[VALUES];
    memcpy(values, past, n * sizeof *values);
    ec_anomaly_judge(&a, values, n, 3.5);
    return a;
}

static void the_rule_by_hand(void **state) {
    (void)state;
    static const double alike[] = {100, 100, 100, 100}, spread[] = {80, 90, 100, 110, 120}, zero[] = {0, 0, 0};
    /* MAD 0: the floor is 10 % of the median; 136 is 3.6 of them away, 135 is 3.5. */
    assert_int_equal(judged(EC_MEASURE_VOLUME, 135, 4, alike).status, EC_ANOMALY_OK);
    struct ec_anomaly a = judged(EC_MEASURE_VOLUME, 136, 4, alike);
    assert_int_equal(a.status, EC_ANOMALY_ANOMALOUS);
    assert_true(is_near(a.distance, 3.6) && a.median == 100 && a.mad == 0 && a.runs == 4);
    assert_int_equal(judged(EC_MEASURE_VOLUME, 64, 4, alike).status, EC_ANOMALY_ANOMALOUS);
    /* MAD 10: its deviation, 14.826, is more than the floor. */
    a = judged(EC_MEASURE_VOLUME, 155, 5, spread);
    assert_int_equal(a.status, EC_ANOMALY_ANOMALOUS);
    assert_true(is_near(a.distance, 55 / 14.826));
    assert_int_equal(judged(EC_MEASURE_VOLUME, 151, 5, spread).status, EC_ANOMALY_OK);
    /* A median of 0: three rows are within a floor of one row each, four are not. */
    assert_int_equal(judged(EC_MEASURE_VOLUME, 3, 3, zero).status, EC_ANOMALY_OK);
    assert_int_equal(judged(EC_MEASURE_VOLUME, 4, 3, zero).status, EC_ANOMALY_ANOMALOUS);
    /* Fewer nulls and a better score are no anomaly. */
    assert_int_equal(judged(EC_MEASURE_NULL_RATE, 0.036, 3, zero).status, EC_ANOMALY_ANOMALOUS);
    assert_int_equal(judged(EC_MEASURE_NULL_RATE, 0.034, 3, zero).status, EC_ANOMALY_OK);
    static const double half[] = {0.5, 0.5, 0.5};
    assert_int_equal(judged(EC_MEASURE_NULL_RATE, 0, 3, half).status, EC_ANOMALY_OK);
    assert_int_equal(judged(EC_MEASURE_SCORE, 100, 5, spread).status, EC_ANOMALY_OK);
    assert_int_equal(judged(EC_MEASURE_SCORE, 98.2, 4, alike).status, EC_ANOMALY_ANOMALOUS);
    assert_int_equal(judged(EC_MEASURE_SCORE, 98.3, 4, alike).status, EC_ANOMALY_OK);
    /* Cold, and unknown. */
    a = judged(EC_MEASURE_VOLUME, 1e9, 2, alike);
    assert_int_equal(a.status, EC_ANOMALY_COLD);
    assert_true(isnan(a.distance) && a.runs == 2);
    assert_int_equal(judged(EC_MEASURE_SCORE, (double)NAN, 4, alike).status, EC_ANOMALY_OK);
}

static struct ec_config config = {.weight = {1, 1, 1, 1, 1},
                                  .anomaly = {.enabled = true, .severity = EC_SEVERITY_WARN, .runs = 30, .needed = 7, .threshold = 3.5}};

static void make_run(struct ec_run_facts *run, unsigned seq, uint64_t read) {
    ec_run_facts_init(run);
    run->run = ec_arena_printf(&run->arena, "run-%04u", seq);
    run->seq = seq;
    run->unit = ec_arena_calloc(&run->arena, 1, sizeof *run->unit);
    run->unit_count = 1;
    sample_unit(&run->unit[0], "data/raw/users.csv", NULL);
    sample_facts(&run->unit[0].facts);
    run->unit[0].facts.read = read;
    run->unit[0].facts.accepted = read - 14;
}

/* Ten runs of 200 rows, one of 1,000: it stands out, and not in its own baseline, whether its line is there yet or not. */
static void a_run_is_not_in_its_own_baseline(void **state) {
    (void)state;
    char dir[] = "/tmp/ec-anomaly-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/history.jsonl", dir);
    struct ec_run_facts run;
    for (unsigned i = 1; i <= 11; i++) {
        make_run(&run, i, i == 11 ? 1000 : 200);
        for (int twice = 0; twice < 2; twice++) {
            struct ec_history history;
            assert_int_equal(ec_history_read(path, EC_HISTORY_WHOLE, &history, NULL), EC_OK);
            assert_int_equal(ec_anomalies_find(&history, &config, &run, NULL), EC_OK);
            ec_history_deinit(&history);
            assert_int_equal(run.anomaly_count, 2);
            const struct ec_anomaly *volume = &run.anomaly[0];
            assert_int_equal(volume->runs, i - 1);
            assert_int_equal(volume->status, i <= 7 ? EC_ANOMALY_COLD : i == 11 ? EC_ANOMALY_ANOMALOUS : EC_ANOMALY_OK);
            assert_ptr_equal(run.unit[0].anomaly, run.anomaly);
            assert_int_equal(run.unit[0].anomaly_count, 2);
            if (twice == 0) assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
        }
        if (i < 11) ec_run_facts_deinit(&run);
    }
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_judgement j;
    assert_int_equal(ec_judge(&run.unit[0], &arena, &j, NULL), EC_OK);
    bool said = false;
    for (size_t i = 0; i < j.violation_count; i++)
        said |= strcmp(j.violation[i], "unlike earlier runs: users: rows read 1,000, the median of 10 runs is 200 (40.0 times the usual deviation)") == 0;
    assert_true(said);
    size_t failures = j.failure_count;
    run.anomaly[0].severity = "error";
    assert_int_equal(ec_judge(&run.unit[0], &arena, &j, NULL), EC_OK);
    assert_int_equal(j.failure_count, failures + 1);
    assert_int_equal(j.verdict, EC_VERDICT_FAILED);
    ec_arena_deinit(&arena);
    ec_run_facts_deinit(&run);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_and_mad_are_pythons),
        cmocka_unit_test(the_rule_by_hand),
        cmocka_unit_test(a_run_is_not_in_its_own_baseline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
