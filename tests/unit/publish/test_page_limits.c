/* Lists of the page as long as they may be, and one longer: what is too much is left out, and the page stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../quality/sample.h"
#include "publish/page_data.h"

#include <jansson.h>

static struct ec_run_facts run;
static struct ec_history history;

static int begin(void **state) {
    (void)state;
    ec_run_facts_init(&run);
    history = (struct ec_history){0};
    ec_arena_init(&history.arena, 64 * EC_MIB);
    run.run = "now";
    run.seq = 1000;
    run.started_us = 1755524045000000; /* 2025-08-18 */
    run.finished_us = run.started_us + 1000000;
    run.unit = ec_arena_calloc(&run.arena, 1, sizeof *run.unit);
    run.unit_count = 1;
    sample_unit(&run.unit[0], "data/raw/users_1.csv", NULL);
    sample_facts(&run.unit[0].facts);
    return 0;
}

static int end(void **state) {
    (void)state;
    ec_run_facts_deinit(&run);
    ec_history_deinit(&history);
    return 0;
}

/* `n` checks, each of which failed in one row. */
static void checks(size_t n) {
    struct ec_facts *f = &run.unit[0].facts;
    f->check = ec_arena_calloc(&f->arena, n, sizeof *f->check);
    f->check_count = n;
    for (size_t i = 0; i < n; i++)
        f->check[i] = (struct ec_check_facts){ec_arena_printf(&f->arena, "c%04zu.max_value", i), "max_value", "age", "validity", "error",
                                              "quarantine", (double)NAN, 200, 1, {{0}}, 0};
}

/* `n` runs before, the oldest `days` days apart from the rest, in which `known` of the checks were evaluated and failed nowhere. */
static void runs_before(size_t n, int days, size_t known) {
    history.run = ec_arena_calloc(&history.arena, n, sizeof *history.run);
    history.point = ec_arena_calloc(&history.arena, n, sizeof *history.point);
    history.source = ec_arena_calloc(&history.arena, 1, sizeof *history.source);
    history.source[0] = "users";
    history.source_count = 1;
    for (size_t i = 0; i < n; i++) {
        history.run[i] = (struct ec_history_run){.run = ec_arena_printf(&history.arena, "run-%04zu", i), .seq = i + 1, .score = 99,
                                                 .started = i == 0 && days ? "2024-01-01T00:00:00Z" : "2025-08-17T00:00:00Z", .files = 1, .read = 200};
        struct ec_history_point *p = &history.point[i];
        *p = (struct ec_history_point){.run = i, .source = history.source[0], .files = 1, .read = 200, .score = 99, .detailed = true};
        for (size_t k = 0; k < known; k++) {
            char id[32];
            (void)snprintf(id, sizeof id, "c%04zu.max_value", k);
            assert_true(ec_history_count(&history.arena, &p->check, id, 0, 200));
        }
    }
    history.run_count = history.point_count = n;
}

static json_t *page(const struct ec_page_data *data) {
    struct ec_buf text = ec_buf_make(64 * EC_MIB);
    struct ec_err err = {0};
    assert_int_equal(ec_run_totals(&run, NULL), EC_OK);
    if (ec_page_data_write(data, &text, &err) != EC_OK) fail_msg("%s", err.message);
    json_t *object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    ec_buf_free(&text);
    return object;
}

static const json_t *in(const json_t *object, const char *key) { return json_object_get(object, key); }

/* A figure names the bad checks of its sources, of those that the page shows. */
static void checks_below_a_figure(void **state) {
    (void)state;
    size_t edge[][2] = {{0, 1}};
    struct ec_lineage_node node[] = {{.id = "users", .kind = EC_NODE_TABLE, .version = 1}, {.id = "kpi", .kind = EC_NODE_MODEL, .version = 1}};
    struct ec_page_lineage lineage = {.node = node, .node_count = 2, .edge = edge, .edge_count = 1};
    struct ec_business business = {.figure_count = 1};
    business.figure[0] = (struct ec_business_figure){.name = "revenue", .table = "kpi", .value = 1, .before = 1};
    checks(EC_PAGE_DATA_CHECKS_MAX + 1);
    struct ec_page_data data = {.run = &run, .lineage = &lineage, .business = &business};
    json_t *facts = page(&data);
    assert_int_equal(json_array_size(in(facts, "checks")), EC_PAGE_DATA_CHECKS_MAX);
    const json_t *touched = in(json_array_get(in(in(facts, "business"), "strip"), 0), "touched");
    assert_int_equal(json_array_size(touched), EC_PAGE_DATA_CHECKS_MAX);
    json_decref(facts);
}

/* The trend of a check has this run's point, and those of the newest runs before it. */
static void runs_behind_a_check(void **state) {
    (void)state;
    checks(1);
    for (size_t n = EC_PAGE_TREND_MAX - 1; n <= EC_PAGE_TREND_MAX + 10; n += 11) {
        runs_before(n, 0, 1);
        struct ec_page_data data = {.run = &run, .history = &history};
        json_t *facts = page(&data);
        const json_t *trend = in(in(json_array_get(in(facts, "checks"), 0), "history"), "run");
        assert_int_equal(json_array_size(trend), EC_PAGE_TREND_MAX);
        assert_int_equal(json_integer_value(json_array_get(trend, EC_PAGE_TREND_MAX - 1)), n);
        assert_int_equal(json_integer_value(json_array_get(trend, 0)), n - (EC_PAGE_TREND_MAX - 1));
        json_decref(facts);
    }
}

/* What was a year ago is no longer among the days. */
static void days_of_arrival(void **state) {
    (void)state;
    for (int old = 0; old < 2; old++) {
        runs_before(3, old, 0);
        struct ec_page_data data = {.run = &run, .history = &history};
        json_t *facts = page(&data);
        const json_t *arrival = in(json_array_get(in(facts, "sources"), 0), "arrival");
        assert_int_equal(json_array_size(in(arrival, "day")), 2);
        assert_int_equal(json_integer_value(json_array_get(in(arrival, "files"), 0)), old ? 2 : 3);
        json_decref(facts);
    }
}

static void changes_since_the_last_run(void **state) {
    (void)state;
    checks(EC_PAGE_CHANGES_MAX + 20);
    runs_before(2, 0, EC_PAGE_CHANGES_MAX + 20);
    struct ec_page_data data = {.run = &run, .history = &history};
    json_t *facts = page(&data);
    assert_int_equal(json_array_size(in(in(facts, "run"), "changes")), EC_PAGE_CHANGES_MAX);
    json_decref(facts);
}

/* Rejected rows, and of each the beginning: whole characters. */
static void rejected_rows(void **state) {
    (void)state;
    static struct ec_page_reject reject[EC_PAGE_REJECTS_MAX + 1];
    static char raw[2 * EC_PAGE_RAW_MAX + 3];
    struct ec_page_reason reason = {"type-error", "age", "x"};
    for (size_t i = 0; i + 2 < sizeof raw; i += 2) memcpy(raw + i, "\xC3\xA9", 2);
    for (size_t i = 0; i <= EC_PAGE_REJECTS_MAX; i++)
        reject[i] = (struct ec_page_reject){.source = "other", .file = "f", .line = i + 1, .reason = &reason, .reason_count = 1, .raw = i == 0 ? raw : "short"};
    struct ec_page_data data = {.run = &run, .reject = reject, .reject_count = EC_PAGE_REJECTS_MAX + 1};
    json_t *facts = page(&data);
    const json_t *rows = in(in(facts, "quarantine"), "rows");
    assert_int_equal(json_array_size(rows), EC_PAGE_REJECTS_MAX);
    const json_t *first = in(json_array_get(rows, 0), "raw");
    assert_int_equal(json_string_length(first), 2 * EC_PAGE_RAW_MAX);
    assert_memory_equal(json_string_value(first), raw, 2 * EC_PAGE_RAW_MAX);
    assert_string_equal(json_string_value(in(json_array_get(rows, 1), "raw")), "short");
    json_decref(facts);
}

static void alerts(void **state) {
    (void)state;
    static struct ec_page_alert alert[EC_PAGE_ALERTS_MAX + 1];
    struct ec_buf text = ec_buf_make(EC_MIB);
    for (size_t i = 0; i <= EC_PAGE_ALERTS_MAX; i++) alert[i] = (struct ec_page_alert){"2025-08-18T00:00:00Z", "email", "t", "sent", "m"};
    assert_int_equal(ec_page_alerts_write(0, alert, EC_PAGE_ALERTS_MAX + 1, &text, NULL), EC_OK);
    json_t *object = json_loadb(text.p, text.n, 0, NULL);
    assert_int_equal(json_array_size(in(object, "list")), EC_PAGE_ALERTS_MAX);
    json_decref(object);
    ec_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(checks_below_a_figure, begin, end),
        cmocka_unit_test_setup_teardown(runs_behind_a_check, begin, end),
        cmocka_unit_test_setup_teardown(days_of_arrival, begin, end),
        cmocka_unit_test_setup_teardown(changes_since_the_last_run, begin, end),
        cmocka_unit_test_setup_teardown(rejected_rows, begin, end),
        cmocka_unit_test_setup_teardown(alerts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
