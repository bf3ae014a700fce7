/* Rows taken out of what a task has made, against the same task reading again; and what closes that way. */
#include "project.h"

#include "../faulty_io.h"
#include "gate/keys.h"
#include "run/drop.h"
#include "run/kept.h"

static struct project project, *p = &project;
static struct ec_config *config;
static struct ec_task_context context;

static const char pipeline[] = "archive: {enabled: false}\n"
                               "sources:\n"
                               "  sales:\n"
                               "    files: [\"sales*\"]\n"
                               "    format: csv\n"
                               "    key: [id]\n"
                               "    partition_by: day\n";
static const char schema[] =
    "{\"sales\": {\"required_columns\": {\"id\": \"string\", \"n\": \"integer\", \"day\": \"date\"}}}\n";
static const char rules[] = "sales: {n: {min_value: 0}}\n";

/* Lines 2 and 7 are dropped by most tests: 4 repeats 2, 5 is rejected, 6 repeats 3. */
static const char raw[] = "id,n,day\n"
                          "a,1,2025-07-18\n"
                          "b,2,2025-07-19\n"
                          "a,3,2025-07-18\n"
                          "c,-4,2025-07-18\n"
                          "b,5,2025-07-18\n"
                          "\"d\",6,2025-07-18\n"
                          "e,7,2025-07-20\n"
                          "f,8,2025-07-18\n";

static int begin(void **state) {
    (void)state;
    struct ec_err err = {0};
    project_make(p);
    project_config(p, pipeline, schema, rules);
    project_drop(p, "sales.csv", raw);
    if (ec_config_load(p->dir, NULL, 0, &config, &err) != EC_OK) fail_msg("%s", err.message);
    context = (struct ec_task_context){.config = config, .memory_bytes = 64 * EC_MIB};
    return 0;
}

static int end(void **state) {
    (void)state;
    ec_task_context_deinit(&context);
    ec_config_destroy(config);
    project_remove(p);
    return 0;
}

/* ---- tasks ---- */

static struct ec_task task_of(const char *out) {
    return (struct ec_task){.id = "t000001",
                            .run = "20250718_133405-00000001",
                            .seq = 1,
                            .source = "sales",
                            .root = project_path(p, "data/raw"),
                            .path = "sales.csv",
                            .out = project_path(p, out)};
}

/* The first reading, as the worker does it. */
static void read_first(const char *out) {
    struct ec_task task = task_of(out);
    struct ec_task_result result;
    struct ec_err err = {0};
    struct ec_buf line = ec_buf_make(EC_MIB);
    if (ec_task_run(&context, &task, &result, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(result.status, EC_OK);
    assert_true(result.keep && !result.kept);
    ec_task_result_write(&line, &result);
    assert_int_equal(ec_kept_answer(task.out, ec_buf_str(&line), NULL), EC_OK);
    ec_buf_free(&line);
    ec_task_result_deinit(&result);
}

/* The key that the first reading wrote for the row of that line. */
static struct ec_key key_of_line(uint64_t line) {
    struct ec_buf text = ec_buf_make(EC_MIB);
    struct ec_key key, found = {0};
    assert_int_equal(ec_file_load(project_path(p, "first/keys"), &text, NULL), EC_OK);
    for (size_t at = 0; at + sizeof key <= text.n; at += sizeof key) {
        memcpy(&key, text.p + at, sizeof key);
        if (key.line == line) found = key;
    }
    ec_buf_free(&text);
    assert_int_equal(found.line, line);
    return found;
}

static struct ec_drop drop_of_line(uint64_t line) {
    return (struct ec_drop){key_of_line(line), true, "sales_0.csv", 100 + line};
}

static void write_drops(const struct ec_drop *drop, size_t n) {
    struct ec_buf text = ec_buf_make(EC_MIB);
    for (size_t i = 0; i < n; i++) ec_drop_write(&text, &drop[i]);
    assert_int_equal(ec_file_replace(project_path(p, "drop"), text.n ? text.p : "", text.n, NULL), EC_OK);
    ec_buf_free(&text);
}

/* The task with the drop list. */
static enum ec_status run_dropping(const char *out, bool kept, struct ec_task_result *result, struct ec_err *err) {
    struct ec_task task = task_of(out);
    task.drop = project_path(p, "drop");
    task.kept = kept;
    return ec_task_run(&context, &task, result, err);
}

/* ---- what comes out ---- */

static int by_partition(const void *a, const void *b) {
    return strcmp(((const struct ec_task_part *)a)->partition, ((const struct ec_task_part *)b)->partition);
}

/* All but where the bytes of parts and the time went. Parts come in the order of their first rows, of
 * which reading again never sees those that go. */
static void text_of_result(struct ec_task_result *r, struct ec_buf *out) {
    r->facts.elapsed_us = 0;
    r->facts.time = (struct ec_work_time){0};
    r->kept = false;
    if (r->part_count) qsort(r->part, r->part_count, sizeof *r->part, by_partition);
    for (size_t i = 0; i < r->part_count; i++) {
        assert_true(r->part[i].bytes > 0);
        r->part[i].path = "";
        r->part[i].bytes = 0;
    }
    ec_task_result_write(out, r);
}

static void text_of_quarantine(const char *out, struct ec_buf *text) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/quarantine.jsonl", project_path(p, out));
    if (ec_path_exists(path)) assert_int_equal(ec_file_load(path, text, NULL), EC_OK);
}

static void expect_same_outcome(struct ec_task_result *found) {
    struct ec_task_result expected;
    struct ec_err err = {0};
    struct ec_buf a = ec_buf_make(EC_MIB), b = ec_buf_make(EC_MIB);
    assert_int_equal(ec_dir_remove(project_path(p, "again"), true, NULL), EC_OK);
    if (run_dropping("again", false, &expected, &err) != EC_OK) fail_msg("%s", err.message);
    assert_false(expected.kept);
    text_of_result(found, &a);
    text_of_result(&expected, &b);
    assert_string_equal(a.p, b.p);
    ec_buf_clear(&a);
    ec_buf_clear(&b);
    text_of_quarantine("first", &a);
    text_of_quarantine("again", &b);
    assert_string_equal(a.n ? a.p : "", b.n ? b.p : "");
    ec_buf_free(&a);
    ec_buf_free(&b);
    ec_task_result_deinit(&expected);
}

/* With the list at hand: by the quick way or not, the outcome is that of reading again. */
static void drop_and_compare(bool quick) {
    struct ec_task_result result;
    struct ec_err err = {0};
    if (run_dropping("first", true, &result, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(result.status, EC_OK);
    assert_int_equal(result.kept, quick);
    expect_same_outcome(&result);
    ec_task_result_deinit(&result);
}

/* ---- tests ---- */

static void rows_are_taken_out(void **state) {
    (void)state;
    static const uint64_t lines[][4] = {{2}, {3}, {8}, {2, 7}, {2, 7, 9}, {2, 3, 7, 8}, {3, 8}, {0}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct ec_drop drop[4];
        size_t n = 0;
        assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
        read_first("first");
        for (; n < 4 && lines[i][n]; n++) drop[n] = drop_of_line(lines[i][n]);
        write_drops(drop, n);
        drop_and_compare(true);
    }
}

static void drop_two(void) {
    struct ec_drop drop[] = {drop_of_line(2), drop_of_line(7)};
    write_drops(drop, 2);
}

static void text_is(const char *name, const char *text) {
    project_write(p, name, text);
}

static void cut(const char *name) {
    struct stat st;
    assert_int_equal(stat(project_path(p, name), &st), 0);
    assert_int_equal(truncate(project_path(p, name), st.st_size - 1), 0);
}

static void gone(const char *name) {
    assert_int_equal(ec_io.unlink(project_path(p, name)), 0);
}

/* What was kept may be gone, cut, or another's. */
static void what_is_kept_is_not_trusted(void **state) {
    (void)state;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
        read_first("first");
        drop_two();
        switch (i) {
        case 0: gone("first/kept"); break;
        case 1: cut("first/kept"); break;
        case 2: text_is("first/kept", "{\"format\":\"xlsx\",\"records_at\":9,\"repeats\":true}"); break;
        case 3: text_is("first/kept", "{\"format\":\"csv\",\"records_at\":8,\"repeats\":true}"); break;
        case 4: text_is("first/kept", "{\"format\":\"csv\",\"records_at\":9,\"repeats\":false}"); break;
        case 5: text_is("first/kept", "{\"format\":\"json\",\"records_at\":9,\"repeats\":true}"); break;
        case 6: gone("first/result"); break;
        case 7: cut("first/result"); break;
        case 8: gone("first/repeats"); break;
        case 9: cut("first/repeats"); break;
        case 10: gone("first/quarantine.jsonl"); break;
        case 11: cut("first/quarantine.jsonl"); break;
        }
        drop_and_compare(false);
    }
    assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK); /* all of it */
    drop_and_compare(false);
}

static void parts_are_not_trusted(void **state) {
    (void)state;
    static const char part[] = "first/day=2025-07-18/part-00000001-t000001-000.parquet";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
        read_first("first");
        drop_two();
        if (i == 0) gone(part);
        if (i == 1) cut(part);
        drop_and_compare(false);
    }
}

/* A list that does not say where rows lie, or says it wrongly. */
static void lists_are_not_trusted(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
        read_first("first");
        struct ec_drop drop[] = {drop_of_line(2), drop_of_line(7)};
        switch (i) {
        case 0: drop[1].placed = false; break;
        case 1: drop[1].key.length--; break;
        case 2: drop[1].key.length = EC_KEY_LENGTH_MAX; break;
        case 3: drop[1].key.part = 3; break;
        case 4: drop[1].key.row = 3; break;
        case 5: drop[1].key.row = drop[0].key.row; break;
        case 6: drop[1].key.row = UINT32_MAX; break;
        case 7: drop[1].key.hash.lo++; break;
        }
        write_drops(drop, 2);
        drop_and_compare(false);
    }
}

/* A file that is not what it was is read as it is now; that it changed, the driver finds. */
static void a_file_that_changed_is_read_again(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[sizeof raw];
        project_drop(p, "sales.csv", raw);
        assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
        read_first("first");
        drop_two();
        memcpy(text, raw, sizeof raw);
        char *record = strstr(text, "\"d\"");
        if (i == 0) record[1] = 'x';  /* another key */
        if (i == 1) record[4] = '\n'; /* no record any more */
        if (i == 2) *record = '\0';   /* the file ends before */
        project_drop(p, "sales.csv", text);
        drop_and_compare(false);
    }
}

/* Whatever fails on the way, the outcome is right, or there is none. */
static void failures_are_no_outcomes(void **state) {
    (void)state;
    bool hit = true, failed = false;
    for (unsigned mode = FAULTY_BEFORE; mode <= FAULTY_AFTER; mode++) {
        hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_task_result result;
            struct ec_err err = {0};
            assert_int_equal(ec_dir_remove(project_path(p, "first"), true, NULL), EC_OK);
            read_first("first");
            drop_two();
            faulty_begin(mode, at);
            enum ec_status status = run_dropping("first", true, &result, &err);
            hit = faulty_end();
            failed |= status != EC_OK;
            if (status == EC_OK && result.status == EC_OK) expect_same_outcome(&result);
            ec_task_result_deinit(&result);
        }
    }
    assert_true(failed);
}

/* More rows are dropped, and more were rejected as duplicates before, than a check shows. */
static void more_than_is_shown(void **state) {
    (void)state;
    struct ec_buf text = ec_buf_make(EC_MIB);
    struct ec_drop drop[8];
    ec_buf_addz(&text, "id,n,day\n");
    for (unsigned i = 0; i < 8; i++) ec_buf_printf(&text, "k%u,%u,2025-07-18\n", i, i); /* lines 2 to 9 */
    for (unsigned i = 0; i < 8; i++) ec_buf_printf(&text, "k%u,%u,2025-07-18\n", i, 10 + i); /* each once more */
    project_drop(p, "sales.csv", text.p);
    read_first("first");
    for (uint64_t i = 0; i < 8; i++) drop[i] = drop_of_line(2 + i);
    write_drops(drop, 8);
    drop_and_compare(true);
    ec_buf_free(&text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(rows_are_taken_out),    TEST(what_is_kept_is_not_trusted),       TEST(parts_are_not_trusted),
        TEST(lists_are_not_trusted), TEST(a_file_that_changed_is_read_again), TEST(failures_are_no_outcomes),
        TEST(more_than_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
