/* What a source's table holds after its drops: append, merge and replace; keys; changed rules. */
#include "project.h"

static struct project project, *p = &project;

static const char schema[] = "{\"sales\": {\"required_columns\": {\"id\": \"string\", \"n\": \"integer\"}}}\n";
static const char no_rules[] = "sales: {}\n";
static const char other_rules[] = "sales: {n: {min_value: 0}}\n";

#define TABLE "data/processed/enriched/sales"

static void configure(const char *load, const char *more) {
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "data_workers: 2\n"
                   "archive: {enabled: false}\n"
                   "sources:\n"
                   "  sales:\n"
                   "    files: [\"sales*\"]\n"
                   "    format: csv\n"
                   "    load: %s\n%s",
                   load, more);
    project_config(p, text, schema, no_rules);
}

static void rules(const char *text) {
    project_write(p, "config/business_rules.yaml", text);
}

static int begin(void **state) {
    (void)state;
    project_make(p);
    return 0;
}

static int end(void **state) {
    (void)state;
    project_remove(p);
    return 0;
}

/* ---- append ---- */

static void the_first_of_a_key_stays(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,2\na,3\n");
    project_drop(p, "sales_2.csv", "id,n\nb,4\nc,5\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n, _file, _line", "ORDER BY id",
                "a|1|sales_1.csv|2 b|2|sales_1.csv|3 c|5|sales_2.csv|3");
    assert_int_equal(project_last.duplicate, 2);
    assert_int_equal(project_rejects(p, "sales/sales_2.csv", "\"first\":{\"file\":\"sales_1.csv\",\"line\":3}"), 1);
}

/* A key that an earlier file has and that comes twice in this one: both rows go. */
static void a_key_that_repeats_in_file_and_across_files(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\n");
    project_drop(p, "sales_2.csv", "id,n\na,2\nb,3\na,4\nb,5\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 b|3");
    assert_int_equal(project_last.duplicate, 3);
    assert_int_equal(project_rejects(p, "sales/sales_2.csv", "\"first\":{\"file\":\"sales_1.csv\",\"line\":2}"), 2);
    /* and the same against what is loaded */
    project_drop(p, "sales_3.csv", "id,n\nb,6\nb,7\nc,8\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 b|3 c|8");
    assert_int_equal(project_rejects(p, "sales/sales_3.csv", "\"first\":{\"file\":\"sales_2.csv\",\"line\":3}"), 2);
}

/* A file that is not loaded does not keep other files' rows away. */
static void a_file_that_is_not_loaded_has_no_keys(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    rules("sales: {n: {max_value: {value: 9, severity: critical}}}\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,99\n"); /* rejected as a whole */
    project_drop(p, "sales_2.csv", "id,n\na,2\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2");
    assert_int_equal(project_rejects(p, "sales/sales_1.csv", "file-rejected"), 1);
}

/* A key of several columns; a row with a null in it has none. */
static void a_key_of_two_columns_with_nulls(void **state) {
    (void)state;
    configure("append", "    key: [id, n]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\na,2\na,\na,\n,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,2\na,\na,3\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id, n", "a|1 a|2 a|3 a|- a|- a|- -|1");
}

static void the_partition_column_may_be_in_the_key(void **state) {
    (void)state;
    configure("append", "    key: [id, n]\n    partition_by: n\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\na,2\n,\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,1\nb,1\na,3\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id, n", "a|1 a|2 a|3 b|1 -|-");
    assert_int_equal(project_last.duplicate, 1);
}

/* ---- changed rules ---- */

static void a_changed_rule_replaces_the_rows_of_its_file(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,-1\nb,2\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|-1 b|2");
    rules(other_rules);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "b|2");
    project_run(p); /* and then there is nothing to do */
    assert_int_equal(project_last.files, 0);
    rules(no_rules);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|-1 b|2");
}

/* The parts that a file was loaded as are gone: somebody else compacted the table, or rows of
 * another file were taken out. Its rows are found by `_file`. */
static void a_changed_rule_finds_rows_in_rewritten_parts(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,2\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,3\n"); /* sales_1's part is rewritten without a */
    project_run(p);
    configure("append", "    key: [id]\n"); /* another load is another rule */
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 b|2"); /* now the first one counts */
}

/* Rules under which a file is rejected take its rows out; when they are taken back, it is loaded again. */
static void a_rejected_file_leaves_and_returns(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,99\n");
    project_drop(p, "sales_2.csv", "id,n\nb,1\n");
    project_run(p);
    rules("sales: {n: {max_value: {value: 9, severity: critical}}}\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "b|1");
    project_run(p); /* still rejected */
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "b|1");
    rules(no_rules);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|99 b|1");
}

/* ---- merge ---- */

static void the_newest_drop_wins(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_9.csv", "id,n\na,1\nb,1\nc,1\n");
    project_run(p);
    project_drop(p, "sales_1.csv", "id,n\na,2\nd,2\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 b|1 c|1 d|2");
    project_drop(p, "sales_2.csv", "id,n\nb,3\n,3\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 b|3 c|1 d|2 -|3");
}

/* When all drops are read again, the newest still wins, whatever their names. */
static void the_newest_drop_wins_after_a_changed_rule(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,2\nc,2\n");
    project_run(p);
    rules(other_rules);
    project_drop(p, "sales_0.csv", "id,n\nc,3\n"); /* new: newer than both */
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 b|1 c|3");
    project_run_with(p, (struct project_options){.force = true});
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 b|1 c|3");
}

/* The newer drop is no longer there to be read again: its rows stay, and still win. */
static void a_reread_drop_does_not_displace_a_newer_one(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,1\nb,9\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,2\n");
    project_run(p);
    assert_int_equal(unlink(project_path(p, "data/raw/sales_2.csv")), 0);
    rules(other_rules);
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 b|1");
}

/* Old parts lack a column that a later drop brought; they are rewritten all the same. */
static void rows_of_parts_that_lack_a_column_are_kept(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n,extra\nc,2,x\n");
    project_run(p);
    project_drop(p, "sales_3.csv", "id,n\na,3\n"); /* sales_1's part, which has no `extra`, is rewritten */
    project_run(p);
    expect_rows(p, TABLE, "id, n, extra", "ORDER BY id", "a|3|- b|1|- c|2|x");
}

static void merging_keeps_odd_partitions(void **state) {
    (void)state;
    configure("merge", "    key: [n]\n    partition_by: id\n");
    project_drop(p, "sales_1.csv",
                 "id,n\na b,1\nx=y,2\n,3\né/%,4\n\"it's\",5\nNULL,6\n__HIVE_DEFAULT_PARTITION__x,7\na "
                 "b,11\nx=y,12\n,13\né/%,14\n\"it's\",15\nNULL,16\n2025,17\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\nz,1\nz,2\nz,3\nz,4\nz,5\nz,6\nz,7\nz,17\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY n",
                "z|1 z|2 z|3 z|4 z|5 z|6 z|7 a b|11 x=y|12 -|13 é/%|14 it's|15 NULL|16 z|17");
}

static void a_column_may_be_called_filename(void **state) {
    (void)state;
    configure("merge", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n,filename\na,1,x\nb,1,y\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n,filename\na,2,z\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n, filename", "ORDER BY id", "a|2|z b|1|y");
}

/* ---- replace ---- */

static void the_newest_drop_is_the_table(void **state) {
    (void)state;
    configure("replace", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\na,2\nc,-2\n");
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2 c|-2");
    rules(other_rules); /* the older drop does not come back */
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|2");
    project_drop(p, "sales_0.csv", "id,n\na,3\n");
    rules(no_rules); /* a new drop, and the last one read again: the new one is the table */
    project_run(p);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|3");
    project_run_with(p, (struct project_options){.force = true});
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|3");
}

/* ---- columns ---- */

/* A column that a file brings along and that the table cannot have costs that file alone. */
static void an_undeclared_column_that_clashes_costs_its_file(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id,n,Note\na,1,x\n");
    project_drop(p, "sales_2.csv", "id,n,other,note\na,2,y,y\n");
    project_drop(p, "sales_3.csv", "id,n\nb,3\n");
    project_run(p);
    assert_non_null(strstr(project_message, "has a column Note, and note differs from it in case alone"));
    assert_int_equal(project_last.verdicts[EC_VERDICT_ERRORED], 1);
    expect_rows(p, TABLE, "* EXCLUDE (\"#\")", "ORDER BY id", "a|1|x|sales_1.csv|2 b|3|-|sales_3.csv|2");
}

/* ---- partitions ---- */

/* A value that cannot be a folder's name costs its row, not the run. */
static void a_value_too_long_for_a_partition_rejects_its_row(void **state) {
    (void)state;
    configure("append", "    key: [n]\n    partition_by: id\n");
    char text[512];
    (void)snprintf(text, sizeof text, "id,n\n%080d,1\n%081d,2\na,3\n", 0, 0);
    project_drop(p, "sales_1.csv", text);
    project_run(p);
    expect_rows(p, TABLE, "n, length(id)", "ORDER BY n", "1|80 3|1");
    assert_int_equal(project_rejects(p, "sales/sales_1.csv", "too-long"), 1);
    assert_int_equal(project_last.read, 3);
    assert_int_equal(project_last.quarantined, 1);
}

static void a_date_beyond_the_calendar_rejects_its_row(void **state) {
    (void)state;
    configure("append",
              "    key: [id]\n    partition_by: day\n    derive: {day: \"DATE '2025-07-18' + CAST(n AS INTEGER)\"}\n");
    project_drop(p, "sales_1.csv", "id,n\na,0\nb,4000000\nc,-800000\nd,1\n");
    project_run(p);
    expect_rows(p, TABLE, "id, day", "ORDER BY id", "a|2025-07-18 d|2025-07-19");
    assert_int_equal(project_last.quarantined, 2);
}

/* ---- files that cannot be read ---- */

static void what_is_said_of_a_file_outlives_the_run(void **state) {
    (void)state;
    configure("append", "    key: [id]\n");
    project_drop(p, "sales_1.csv", "id\na\n");
    project_drop(p, "sales_2.csv", "id,n,more\na,1,x\n");
    project_run(p);
    assert_string_equal(project_message, "the required column n is missing");
    expect_rows(p, TABLE, "id", "", "a");
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    (void)setenv("EC_DROP", "quick", 1); /* a file that would have to be read again fails its test */
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_first_of_a_key_stays),
        TEST(a_key_that_repeats_in_file_and_across_files),
        TEST(a_file_that_is_not_loaded_has_no_keys),
        TEST(a_key_of_two_columns_with_nulls),
        TEST(the_partition_column_may_be_in_the_key),
        TEST(a_changed_rule_replaces_the_rows_of_its_file),
        TEST(a_changed_rule_finds_rows_in_rewritten_parts),
        TEST(a_rejected_file_leaves_and_returns),
        TEST(the_newest_drop_wins),
        TEST(the_newest_drop_wins_after_a_changed_rule),
        TEST(a_reread_drop_does_not_displace_a_newer_one),
        TEST(rows_of_parts_that_lack_a_column_are_kept),
        TEST(merging_keeps_odd_partitions),
        TEST(a_column_may_be_called_filename),
        TEST(the_newest_drop_is_the_table),
        TEST(an_undeclared_column_that_clashes_costs_its_file),
        TEST(a_value_too_long_for_a_partition_rejects_its_row),
        TEST(a_date_beyond_the_calendar_rejects_its_row),
        TEST(what_is_said_of_a_file_outlives_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
