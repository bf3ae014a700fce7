#include "delta_fixture.h"

static void sweep(const char *dir, size_t expected) {
    size_t removed = 99;
    struct ec_err err = {0};
    if (ec_delta_sweep(dir, &removed, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(removed, expected);
}

/* C11 */
static void forgotten_parts_go_and_named_ones_stay(void **state) {
    (void)state;
    static const char *const kept[] = {
        "date=2025-07-18/a.parquet",      /* removed by version 1: an older version still needs it */
        "date=2025-07-18/b c%25.parquet", /* active, under an encoded path */
        "date=2025-07-18/notes.txt",
        "date=2025-07-18/.hidden.parquet",
        "_delta_log/.00000000000000000002.json.0b6c1a52-58f1-4b0e-a3f4-6d7d0c6b5f10.tmp", /* another writer's */
        "_delta_log/.00000000000000000001.json.crc",
        "_delta_log/00000000000000000001.checkpoint.parquet",
        "_change_data/x.parquet",
    };
    static const char *const gone[] = {
        "date=2025-07-18/orphan.parquet",
        "date=2025-07-20/orphan.parquet",
        "_d=1/orphan.parquet",
        "loose.parquet",
        "_delta_log/.00000000000000000002.json.123.63a1f0.tmp",
    };
    const char *dir = begun_table("sweep");
    struct ec_buf actions = ec_buf_make(4096);
    int64_t version;
    remove_file(&actions, "date=2025-07-18/a.parquet", "2025-07-18");
    add_file(&actions, "date=2025-07-18/b%20c%2525.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "app", 2, 0, &actions, &version, NULL), EC_OK);
    ec_buf_free(&actions);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) put_file(below(dir, kept[i]), "x");
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) put_file(below(dir, gone[i]), "x");
    assert_int_equal(symlink(below(root, "sweep/loose.parquet"), below(dir, "link.parquet")), 0);
    assert_int_equal(ec_dir_make(below(dir, "date=2025-07-21"), NULL), EC_OK);

    sweep(dir, sizeof gone / sizeof gone[0]);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (!ec_path_exists(below(dir, kept[i]))) fail_msg("%s was removed", kept[i]);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (ec_path_exists(below(dir, gone[i]))) fail_msg("%s was kept", gone[i]);
    assert_true(ec_path_exists(below(dir, "link.parquet")));
    assert_false(ec_path_exists(below(dir, "date=2025-07-20"))); /* left empty */
    assert_false(ec_path_exists(below(dir, "date=2025-07-21"))); /* found empty */
    assert_true(ec_path_exists(dir));
    sweep(dir, 0);
}

static void parts_of_a_table_that_never_came_to_be_go(void **state) {
    (void)state;
    const char *dir = new_table("unborn");
    put_file(below(dir, "date=2025-07-18/a.parquet"), "x");
    put_file(below(dir, "_delta_log/.00000000000000000000.json.9.1.tmp"), "{");
    sweep(dir, 2);
    assert_false(ec_path_exists(below(dir, "date=2025-07-18")));
    sweep(below(root, "no-such-folder"), 0);
}

static void a_damaged_log_removes_nothing(void **state) {
    (void)state;
    const char *dir = begun_table("damaged");
    put_version(dir, 1, "{");
    put_file(below(dir, "orphan.parquet"), "x");
    size_t removed = 99;
    struct ec_err err = {0};
    assert_int_equal(ec_delta_sweep(dir, &removed, &err), EC_TABLE_FORMAT);
    assert_int_equal(removed, 0);
    assert_true(ec_path_exists(below(dir, "orphan.parquet")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgotten_parts_go_and_named_ones_stay),
        cmocka_unit_test(parts_of_a_table_that_never_came_to_be_go),
        cmocka_unit_test(a_damaged_log_removes_nothing),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
