/* The page's facts: JSON whatever the names and values are, bounded whatever there is, masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../quality/sample.h"
#include "publish/page_data.h"

#include <jansson.h>

#define HOSTILE "</script><b>&\xE2\x80\xA8\"\\\x01"

static void make_run(struct ec_run_facts *run, size_t units) {
    ec_run_facts_init(run);
    run->run = "r2";
    run->seq = 2;
    run->started_us = 1755524045000000;
    run->finished_us = 1755524046000000;
    run->unit = ec_arena_calloc(&run->arena, units, sizeof *run->unit);
    run->unit_count = units;
    for (size_t i = 0; i < units; i++) {
        sample_unit(&run->unit[i], ec_arena_printf(&run->arena, "data/raw/users_%zu.csv", i), NULL);
        sample_facts(&run->unit[i].facts);
    }
}

static json_t *facts_of(struct ec_page_data *data, struct ec_buf *text) {
    struct ec_err err = {0};
    assert_int_equal(ec_run_totals((struct ec_run_facts *)(uintptr_t)data->run, NULL), EC_OK);
    ec_buf_clear(text);
    if (ec_page_data_write(data, text, &err) != EC_OK) fail_msg("%s", err.message);
    json_error_t cause;
    json_t *object = json_loadb(text->p, text->n, JSON_REJECT_DUPLICATES, &cause);
    if (!object) fail_msg("%s at %d", cause.text, cause.position);
    return object;
}

static const json_t *at(const json_t *object, const char *key, size_t index) { return json_array_get(json_object_get(object, key), index); }
static const char *text_at(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

static void hostile_names_and_values_stay_json(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf text = ec_buf_make(16 * EC_MIB);
    make_run(&run, 2);
    run.unit[0].label = run.unit[0].path = HOSTILE;
    run.unit[0].facts.check[2].id = run.unit[1].facts.check[2].id = HOSTILE ".rule";
    run.unit[0].facts.check[2].sample[0].value = HOSTILE;
    run.unit[0].facts.column[4].name = run.unit[1].facts.column[4].name = HOSTILE;
    struct ec_page_reason reason = {"rule:" HOSTILE, HOSTILE, HOSTILE};
    struct ec_page_cell cell[] = {{HOSTILE, HOSTILE}, {"email", "mail@of.somebody"}};
    struct ec_page_reject reject[] = {
        {.source = "other", .file = HOSTILE, .line = 3, .reason = &reason, .reason_count = 1, .cell = cell, .cell_count = 1, .raw = HOSTILE},
        {.source = "other", .file = "f", .reason = &reason, .reason_count = 1, .cell = cell, .cell_count = 2, .raw = "mail@of.somebody"}};
    struct ec_page_alert alert = {HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE};
    struct ec_page_data data = {.run = &run, .reject = reject, .reject_count = 2, .alert = &alert, .alert_count = 1, .no_business = HOSTILE};
    json_t *facts = facts_of(&data, &text);
    assert_null(strpbrk(text.p, "<>&"));
    assert_null(strstr(text.p, "\xE2\x80\xA8"));
    assert_non_null(strstr(text.p, "\\u003c/script\\u003e"));
    assert_null(strstr(text.p, "mail@of.somebody"));
    assert_null(strstr(text.p, "admin@example.com")); /* a sample of a personal column */
    const json_t *quarantine = json_object_get(facts, "quarantine");
    const json_t *first = at(quarantine, "rows", 0), *second = at(quarantine, "rows", 1);
    assert_string_equal(text_at(first, "raw"), HOSTILE);
    assert_true(json_is_true(json_object_get(at(first, "cells", 0), "bad")));
    assert_true(json_is_null(json_object_get(second, "raw")));
    assert_string_equal(text_at(at(second, "cells", 1), "value"), "(16 characters, not shown)");
    assert_string_equal(text_at(json_object_get(json_object_get(facts, "business"), "reasons"), "sales"), HOSTILE);
    json_decref(facts);
    ec_buf_free(&text);
    ec_run_facts_deinit(&run);
}

static void figures_are_sums_of_the_files(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf text = ec_buf_make(16 * EC_MIB);
    make_run(&run, 3);
    run.unit[2].status = EC_ZIP_DAMAGED;
    for (size_t i = 0; i < 2; i++) {
        run.unit[i].facts.money_known = true;
        run.unit[i].facts.money_e4 = 123456;
    }
    struct ec_page_data data = {.run = &run};
    json_t *facts = facts_of(&data, &text);
    const json_t *r = json_object_get(facts, "run"), *source = at(facts, "sources", 0);
    assert_string_equal(text_at(r, "verdict"), "errored");
    assert_int_equal(json_integer_value(json_object_get(r, "read")), 400);
    assert_true(json_real_value(json_object_get(r, "money_affected")) == 24.6912);
    assert_true(json_is_null(json_object_get(r, "cpu_seconds")));
    assert_int_equal(json_integer_value(json_object_get(source, "quarantined")), 24);
    assert_int_equal(json_array_size(json_object_get(facts, "files")), 3);
    assert_string_equal(text_at(at(facts, "files", 0), "verdict"), "errored"); /* worst first */
    assert_true(json_is_null(json_object_get(at(facts, "files", 0), "rows")));
    assert_string_equal(text_at(at(facts, "issues", 0), "kind"), "errored");
    assert_string_equal(text_at(at(facts, "issues", 1), "text"), "users: 20 of 398 rows break spent_adds_up (5.03 %).");
    assert_string_equal(text_at(at(facts, "issues", 1), "fr"), "users : 20 sur 398 lignes ne respectent pas spent_adds_up (5,03\xC2\xA0%).");
    json_decref(facts);
    ec_buf_free(&text);
    ec_run_facts_deinit(&run);
}

/* 4,000 checks, 1,100 files, 2,000 older runs: what is too much is cut and counted. */
static void everything_is_bounded(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf text = ec_buf_make(64 * EC_MIB);
    struct ec_history history = {0};
    make_run(&run, 1100);
    struct ec_facts *f = &run.unit[0].facts;
    f->check = ec_arena_calloc(&f->arena, 4000, sizeof *f->check);
    f->check_count = 4000;
    for (size_t i = 0; i < 4000; i++)
        f->check[i] = (struct ec_check_facts){ec_arena_printf(&f->arena, "c%04zu.max_value", i), "max_value", "age", "validity", "error",
                                              "quarantine", (double)NAN, 200, i % 3 == 0, {{0}}, 0};
    ec_arena_init(&history.arena, 16 * EC_MIB);
    history.run = ec_arena_calloc(&history.arena, 2000, sizeof *history.run);
    for (size_t i = 0; i < 2000; i++)
        history.run[history.run_count++] = (struct ec_history_run){.run = "old", .started = "2025-01-01T00:00:00Z", .score = 99};
    struct ec_page_data data = {.run = &run, .history = &history};
    json_t *facts = facts_of(&data, &text);
    assert_int_equal(json_array_size(json_object_get(facts, "checks")), 3000);
    assert_int_equal(json_integer_value(json_object_get(facts, "checks_cut")), 1005);
    assert_string_equal(text_at(at(facts, "checks", 0), "status"), "failed");
    assert_int_equal(json_array_size(json_object_get(facts, "files")), 1000);
    assert_int_equal(json_integer_value(json_object_get(facts, "files_cut")), 100);
    const json_t *runs = json_object_get(facts, "runs");
    assert_int_equal(json_array_size(json_object_get(runs, "id")), 1200);
    assert_string_equal(json_string_value(at(runs, "id", 1199)), "r2");
    assert_int_equal(json_integer_value(json_object_get(runs, "total")), 2001);
    assert_int_equal(json_array_size(json_object_get(facts, "issues")), 10);
    json_decref(facts);
    ec_history_deinit(&history);
    ec_buf_free(&text);
    ec_run_facts_deinit(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_names_and_values_stay_json),
        cmocka_unit_test(figures_are_sums_of_the_files),
        cmocka_unit_test(everything_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
