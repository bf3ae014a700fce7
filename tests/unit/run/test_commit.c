/* The moment of the commit: another writer, a signal, and what lies in the way of the quarantine. */
#include "project.h"

#include <errno.h>

static struct project project, *p = &project;

#define TABLE "data/processed/enriched/sales"

static int begin(void **state) {
    (void)state;
    project_make(p);
    project_config(p,
                   "data_workers: 1\n"
                   "archive: {enabled: false}\n"
                   "sources:\n"
                   "  sales:\n"
                   "    files: [\"sales*\"]\n"
                   "    format: csv\n"
                   "    key: [id]\n",
                   "{\"sales\": {\"required_columns\": {\"id\": \"string\", \"n\": \"integer\"}}}\n", "sales: {n: {min_value: 0}}\n");
    return 0;
}

static int end(void **state) {
    (void)state;
    project_remove(p);
    return 0;
}

/* ---- between the facts of a run and its manifest ---- */

static const char *facts, *version; /* what shows that the moment has come; what the other writer writes then */

static bool is_the_moment(void) {
    return ec_path_exists(project_path(p, facts));
}

static bool another_writes(void) {
    if (is_the_moment() && !ec_path_exists(project_path(p, version))) project_write(p, version, "{}\n");
    return false;
}

static void expect_end(enum ec_status expected, bool (*cancelled)(void), const char *message) {
    struct ec_run_outcome outcome;
    struct ec_err err = {0};
    assert_int_equal(project_try(p, (struct project_options){.cancelled = cancelled}, &outcome, &err), expected);
    assert_non_null(strstr(err.message, message));
    ec_run_outcome_deinit(&outcome);
}

static void another_writer_costs_the_run(void **state) {
    (void)state;
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,-2\n");
    facts = "data/runs/00000001.facts.json";
    version = TABLE "/_delta_log/00000000000000000000.json";
    expect_end(EC_COMMIT_CONFLICT, another_writes, "another program wrote to " TABLE " while this run was under way");
    assert_false(ec_path_exists(project_path(p, "data/runs/00000001.json")));
    assert_int_equal(unlink(project_path(p, version)), 0);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "", "a|1");
    project_drop(p, "sales_2.csv", "id,n\nc,3\n");
    facts = "data/runs/00000002.facts.json";
    version = TABLE "/_delta_log/00000000000000000001.json";
    expect_end(EC_COMMIT_CONFLICT, another_writes, "another program wrote");
    assert_int_equal(unlink(project_path(p, version)), 0);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 c|3");
    assert_int_equal(project_rejects(p, "sales/sales_1.csv", "min_value"), 1);
}

static void a_signal_before_the_manifest(void **state) {
    (void)state;
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,-2\n");
    facts = "data/runs/00000001.facts.json";
    expect_end(EC_INTERRUPTED, is_the_moment, "nothing of this run was committed");
    assert_false(ec_path_exists(project_path(p, "data/runs/00000001.json")));
    project_run(p);
    expect_rows(p, TABLE, "id, n", "", "a|1");
    assert_int_equal(project_rejects(p, "sales/sales_1.csv", "min_value"), 1);
}

/* ---- what lies where quarantine is to be ---- */

/* A file that is none of ours, or damaged, is set aside: its name says of which run it is, or that nobody knows. */
static void what_lies_in_the_way_is_set_aside(void **state) {
    (void)state;
    static const struct {
        const char *text, *aside;
    } cases[] = {{"somebody's notes\n", "earlier"},
                 {"{\"run\":\"20250718_120000-000000", "earlier"}, /* torn */
                 {"{\"run\":\"\"}\n", "earlier"},
                 {"{\"run\":\"../../../config/x\"}\n", "earlier"},
                 {"{\"run\":\"0123456789012345678901234567890123456789012345678901234567890123\"}\n", "earlier"},
                 {"{\"run\":\"7\"}\n", "7"}, /* of no number */
                 {"{\"run\":\"20200101_000000-00000099\"}\n", "20200101_000000-00000099"}, /* of a run that is not known */
                 {"", "earlier"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64], aside[256];
        (void)snprintf(text, sizeof text, "id,n\na,1\nb%zu,-%zu\n", i, i + 1);
        project_drop(p, "sales_1.csv", text);
        project_write(p, "data/quality/quarantine/sales/sales_1.csv.jsonl", cases[i].text);
        project_run(p);
        (void)snprintf(text, sizeof text, "\"b%zu,-%zu\"", i, i + 1);
        assert_int_equal(project_rejects(p, "sales/sales_1.csv", text), 1);
        (void)snprintf(aside, sizeof aside, "data/quality/quarantine/sales/sales_1.csv.%s.jsonl", cases[i].aside);
        struct ec_buf kept = ec_buf_make(EC_MIB);
        assert_int_equal(ec_file_load(project_path(p, aside), &kept, NULL), EC_OK);
        assert_true(ec_str_is(ec_buf_str(&kept), cases[i].text));
        ec_buf_free(&kept);
        assert_int_equal(unlink(project_path(p, aside)), 0);
    }
}

/* ---- what recovery finds ---- */

static int refusing_unlink(const char *path) {
    if (!strstr(path, "stays.tmp")) return unlink(path);
    errno = EACCES;
    return -1;
}

static int quicker_unlink(const char *path) {
    int result = unlink(path);
    if (!strstr(path, "7.5af3.tmp")) return result;
    errno = ENOENT;
    return -1;
}

static void temporary_files_of_a_crash_go(void **state) {
    (void)state;
    static const char *const left[] = {"data/runs/.00000001.json.7.5af3.tmp", "data/archive/.archive.tar.gz.tmp"};
    static const char *const kept[] = {"data/runs/notes.tmp", "data/runs/.tmp", "data/runs/.hidden.txt", "data/archive/old.tar.gz"};
    project_drop(p, "sales_1.csv", "id,n\na,1\n");
    for (size_t i = 0; i < 2; i++) project_write(p, left[i], "x");
    for (size_t i = 0; i < 4; i++) project_write(p, kept[i], "x");
    ec_io.unlink = quicker_unlink; /* somebody else removes them at that moment */
    project_run(p);
    ec_io.unlink = unlink;
    for (size_t i = 0; i < 2; i++) assert_false(ec_path_exists(project_path(p, left[i])));
    for (size_t i = 0; i < 4; i++) assert_true(ec_path_exists(project_path(p, kept[i])));
    project_write(p, "data/runs/.stays.tmp", "x");
    ec_io.unlink = refusing_unlink;
    expect_end(EC_IO, NULL, "cannot remove ");
    ec_io.unlink = unlink;
    project_run(p);
    expect_rows(p, TABLE, "id, n", "", "a|1");
}

/* A run whose manifest or facts are damaged cannot be finished: nothing is read on top of it, and nothing is removed. */
static void a_run_that_cannot_be_finished(void **state) {
    (void)state;
    static const char *const names[] = {"data/runs/00000001.facts.json", "data/runs/00000001.json"};
    project_drop(p, "sales_1.csv", "id,n\na,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\nb,2\n");
    assert_int_equal(unlink(project_path(p, "data/runs/00000001.finished")), 0);
    for (size_t i = 0; i < 2; i++) {
        struct ec_buf text = ec_buf_make(EC_MIB);
        assert_int_equal(ec_file_load(project_path(p, names[i]), &text, NULL), EC_OK);
        project_write(p, names[i], "{\"v\":1,");
        struct ec_run_outcome outcome;
        struct ec_err err = {0};
        assert_int_not_equal(project_try(p, (struct project_options){0}, &outcome, &err), EC_OK);
        assert_non_null(strstr(err.message, "damaged"));
        ec_run_outcome_deinit(&outcome);
        expect_rows(p, TABLE, "id, n", "", "a|1");
        project_write(p, names[i], text.p);
        ec_buf_free(&text);
    }
    project_run(p);
    assert_true(ec_path_exists(project_path(p, "data/runs/00000001.finished")));
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 b|2");
}

/* ---- checkpoints ---- */

static void a_checkpoint_that_cannot_be_written_costs_nothing(void **state) {
    (void)state;
    char name[64], text[64];
    for (unsigned day = 0; day < 24; day++) {
        (void)snprintf(name, sizeof name, "sales_%u.csv", day);
        (void)snprintf(text, sizeof text, "id,n\nk%02u,%u\n", day, day);
        project_drop(p, name, text);
        if (day == 0) assert_int_equal(ec_dir_make(project_path(p, TABLE "/_delta_log/_last_checkpoint/in the way"), NULL), EC_OK);
        if (day == 12) assert_int_equal(ec_dir_remove(project_path(p, TABLE "/_delta_log/_last_checkpoint"), true, NULL), EC_OK);
        project_run(p);
    }
    assert_true(ec_path_exists(project_path(p, TABLE "/_delta_log/_last_checkpoint")));
    expect_rows(p, TABLE, "count(*), min(id), max(id)", "", "24|k00|k23");
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_writer_costs_the_run, begin, end),
        cmocka_unit_test_setup_teardown(a_signal_before_the_manifest, begin, end),
        cmocka_unit_test_setup_teardown(what_lies_in_the_way_is_set_aside, begin, end),
        cmocka_unit_test_setup_teardown(temporary_files_of_a_crash_go, begin, end),
        cmocka_unit_test_setup_teardown(a_run_that_cannot_be_finished, begin, end),
        cmocka_unit_test_setup_teardown(a_checkpoint_that_cannot_be_written_costs_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
