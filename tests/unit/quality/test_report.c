/* Reports: the golden file, what is unknown, names of files, units and runs through JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "quality/report.h"
#include "sample.h"

#include <stdlib.h>
#include <unistd.h>

#define GOLDEN EC_TEST_DATA "/quality/validation_report_users_1.csv.json"

static const char *undeclared[] = {"note"};

static void fill(struct ec_unit *unit) {
    sample_unit(unit, "data/raw/users_1.csv", NULL);
    sample_facts(&unit->facts);
    unit->label = "users_1.csv";
    unit->undeclared = undeclared;
    unit->undeclared_count = 1;
}

/* EC_BLESS=1 rewrites the golden file. */
static void the_golden_report(void **state) {
    (void)state;
    struct ec_unit unit;
    fill(&unit);
    struct ec_buf made = ec_buf_make(EC_MIB), golden = ec_buf_make(EC_MIB);
    assert_int_equal(ec_report_write(&unit, &made, NULL), EC_OK);
    if (getenv("EC_BLESS")) assert_int_equal(ec_file_replace(GOLDEN, made.p, made.n, NULL), EC_OK);
    assert_int_equal(ec_file_load(GOLDEN, &golden, NULL), EC_OK);
    assert_string_equal(made.p, golden.p);
    ec_buf_free(&made);
    ec_buf_free(&golden);
    ec_unit_deinit(&unit);
}

static void what_is_unknown_is_null(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "data/raw/api_logs.zip", "in/api_logs_1.json.gz");
    sample_facts(&unit.facts); /* of the part before the damage: not shown */
    unit.status = EC_GZIP_DAMAGED;
    unit.sha256[0] = '\0';
    struct ec_buf text = ec_buf_make(EC_MIB);
    assert_int_equal(ec_report_write(&unit, &text, NULL), EC_OK);
    json_t *doc = json_loads(text.p, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(doc);
    static const char *const null[] = {"rows", "columns", "missing_values", "completeness"};
    for (size_t i = 0; i < sizeof null / sizeof *null; i++) assert_true(json_is_null(json_object_get(doc, null[i])));
    assert_string_equal(json_string_value(json_object_get(doc, "filename")), "api_logs_1.json.gz");
    assert_string_equal(json_string_value(json_object_get(doc, "status")), "errored");
    assert_true(json_is_null(json_object_get(json_object_get(doc, "rows_detail"), "read")));
    assert_true(json_is_null(json_object_get(json_object_get(doc, "input"), "sha256")));
    assert_true(json_is_null(json_object_get(json_object_get(doc, "scores"), "overall")));
    assert_int_equal(json_array_size(json_object_get(doc, "errors")), 1);
    json_decref(doc);
    ec_buf_free(&text);
    ec_unit_deinit(&unit);
}

static void a_clean_report_has_no_errors(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    unit.facts.read = unit.facts.accepted = unit.facts.cells = 5;
    struct ec_buf text = ec_buf_make(EC_MIB);
    assert_int_equal(ec_report_write(&unit, &text, NULL), EC_OK);
    assert_non_null(strstr(text.p, "\"errors\": null,"));
    assert_non_null(strstr(text.p, "\"completeness\": 100.00,"));
    ec_buf_free(&text);
    ec_unit_deinit(&unit);
}

static void names_of_reports_are_safe(void **state) {
    (void)state;
    char label[EC_REPORT_LABEL_MAX], name[EC_REPORT_NAME_MAX], other[EC_REPORT_LABEL_MAX];
    static const struct { const char *path, *member, *label; } cases[] = {
        {"data/raw/users_1.csv", NULL, "users_1.csv"},
        {"data/raw/api_logs.zip", "deep/er/logs.json.gz", "logs.json.gz"},
        {"data/raw/api_logs.zip", "..\\..\\evil", "evil"},
        {"data/raw/x\ny\x7F.csv", NULL, "x_y_.csv"},
        {"data/raw/caf\xC3\xA9 \xFF\xC3.csv", NULL, "caf\xC3\xA9 __.csv"},
        {"data/raw/..", NULL, ".."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ec_report_label(cases[i].path, cases[i].member, label);
        assert_string_equal(label, cases[i].label);
    }
    char longer[600];
    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ec_report_label(longer, NULL, label);
    assert_int_equal(strlen(label), EC_REPORT_LABEL_MAX - 1);
    longer[sizeof longer - 2] = 'm';
    ec_report_label(longer, NULL, other);
    assert_string_not_equal(label, other);
    ec_report_name(label, name);
    assert_true(strlen(name) + sizeof ".4194304.tmp" < 255);
}

static void files_of_one_name_get_reports_of_their_own(void **state) {
    (void)state;
    static const char *const paths[] = {"data/raw/a/s.csv", "data/raw/t.csv", "data/raw/b/s.csv"};
    struct ec_run_facts run;
    ec_run_facts_init(&run);
    run.unit = ec_arena_calloc(&run.arena, 3, sizeof *run.unit);
    run.unit_count = 3;
    for (size_t i = 0; i < 3; i++) sample_unit(&run.unit[i], paths[i], NULL);
    assert_int_equal(ec_run_label_units(&run, NULL), EC_OK);
    assert_string_equal(run.unit[1].label, "t.csv");
    assert_memory_equal(run.unit[0].label, "s.csv-", 6);
    assert_memory_equal(run.unit[2].label, "s.csv-", 6);
    assert_string_not_equal(run.unit[0].label, run.unit[2].label);
    ec_run_facts_deinit(&run);
}

static void to_json(const struct ec_run_facts *run, struct ec_buf *out) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_run_facts_write(&w, NULL, run);
    assert_int_equal(ec_buf_check(out, NULL), EC_OK);
}

static void a_run_reads_back_from_its_manifest(void **state) {
    (void)state;
    struct ec_table_facts tables[] = {{"users", 186, 4}};
    struct ec_run_facts run, back;
    ec_run_facts_init(&run);
    run.run = "20250818T133405Z-0001";
    run.seq = 7;
    run.started_us = 1755524045000000;
    run.finished_us = 1755524046400000;
    run.workers = 1;
    run.cpus = 2;
    run.sources = 1;
    run.table = tables;
    run.table_count = 1;
    run.unit = ec_arena_calloc(&run.arena, 2, sizeof *run.unit);
    run.unit_count = 2;
    fill(&run.unit[0]);
    sample_unit(&run.unit[1], "data/raw/api.zip", "m.json.gz");
    run.unit[1].status = EC_BOMB;
    run.unit[1].message = "expands to 17 GiB";
    assert_int_equal(ec_run_totals(&run, NULL), EC_OK);
    assert_int_equal(run.totals.read, 200);
    assert_int_equal(run.totals.verdicts[EC_VERDICT_WARNED], 1);
    assert_int_equal(run.totals.verdicts[EC_VERDICT_ERRORED], 1);
    assert_true(run.totals.score == 96.5);
    assert_int_equal(ec_run_verdict(&run), EC_VERDICT_ERRORED);

    struct ec_buf text = ec_buf_make(EC_MIB), again = ec_buf_make(EC_MIB), report = ec_buf_make(EC_MIB),
                  report_back = ec_buf_make(EC_MIB);
    to_json(&run, &text);
    json_t *doc = json_loads(text.p, 0, NULL);
    assert_int_equal(ec_run_facts_read(doc, &back, NULL), EC_OK);
    json_decref(doc);
    to_json(&back, &again);
    assert_string_equal(text.p, again.p);
    assert_int_equal(back.unit[1].status, EC_BOMB);
    assert_int_equal(back.totals.read, 200);
    /* Reports written from the manifest are those of the run, byte for byte. */
    assert_int_equal(ec_report_write(&run.unit[0], &report, NULL), EC_OK);
    assert_int_equal(ec_report_write(&back.unit[0], &report_back, NULL), EC_OK);
    assert_string_equal(report.p, report_back.p);

    doc = json_loads(text.p, 0, NULL);
    json_t *unit = json_array_get(json_object_get(doc, "units"), 0);
    assert_int_equal(json_object_set_new(unit, "status", json_string("no-such-code")), 0);
    struct ec_run_facts damaged;
    struct ec_err err = {0};
    assert_int_equal(ec_run_facts_read(doc, &damaged, &err), EC_PROTOCOL);
    assert_non_null(strstr(err.message, "\"status\""));
    json_decref(doc);
    ec_buf_free(&text);
    ec_buf_free(&again);
    ec_buf_free(&report);
    ec_buf_free(&report_back);
    ec_run_facts_deinit(&run);
    ec_run_facts_deinit(&back);
}

static void a_report_is_saved_under_its_name(void **state) {
    (void)state;
    char dir[] = "/tmp/ec-report-XXXXXX", path[256];
    assert_non_null(mkdtemp(dir));
    struct ec_unit unit;
    fill(&unit);
    assert_int_equal(ec_report_save(dir, &unit, NULL, NULL), EC_OK);
    (void)snprintf(path, sizeof path, "%s/validation_report_users_1.csv.json", dir);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
    ec_unit_deinit(&unit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_report),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(a_clean_report_has_no_errors),
        cmocka_unit_test(names_of_reports_are_safe),
        cmocka_unit_test(files_of_one_name_get_reports_of_their_own),
        cmocka_unit_test(a_run_reads_back_from_its_manifest),
        cmocka_unit_test(a_report_is_saved_under_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
