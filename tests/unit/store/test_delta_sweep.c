#include "delta_fixture.h"
#include "../faulty_io.h"

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

static const char *const rubbish[] = {"date=2025-07-20/orphan.parquet", "loose.parquet", "_delta_log/.00000000000000000002.json.123.63a1f0.tmp",
                                      "_delta_log/._last_checkpoint.7.0.tmp", "_delta_log/.00000000000000000001.checkpoint.lines.tmp",
                                      "_delta_log/.00000000000000000001.checkpoint.parquet.tmp"};
#define RUBBISH (sizeof rubbish / sizeof *rubbish)

static const char *table_with_rubbish(const char *name) {
    const char *dir = begun_table(name);
    for (size_t i = 0; i < RUBBISH; i++) put_file(below(dir, rubbish[i]), "x");
    return dir;
}

/* Each call, and in builds whose arenas are plain memory each allocation, fails in turn; the next sweep removes the rest. */
static void what_cannot_be_removed_is_removed_later(void **state) {
    (void)state;
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            const char *dir = table_with_rubbish("faulty");
            size_t removed = 0;
            struct ec_err err = {0};
            faulty_begin(mode, at);
            enum ec_status status = ec_delta_sweep(dir, &removed, &err);
            hit = faulty_end();
            assert_true(status == EC_OK || err.message[0] != '\0');
            if (!hit) assert_int_equal(removed, RUBBISH);
            assert_int_equal(ec_delta_sweep(dir, &removed, NULL), EC_OK);
            for (size_t i = 0; i < RUBBISH; i++) assert_false(ec_path_exists(below(dir, rubbish[i])));
            assert_true(at < 400);
        }
    }
}

/* Another program removed it first: that is no failure. */
static int gone_unlink(const char *path) {
    (void)faulty_real.unlink(path);
    errno = ENOENT;
    return -1;
}

static int full_rmdir(const char *path) {
    (void)path;
    errno = ENOTEMPTY;
    return -1;
}

static int refused_rmdir(const char *path) {
    (void)path;
    errno = EACCES;
    return -1;
}

static void others_may_be_quicker(void **state) {
    (void)state;
    const char *dir = table_with_rubbish("quick");
    size_t removed = 99;
    faulty_real = ec_io;
    ec_io.unlink = gone_unlink;
    ec_io.rmdir = full_rmdir;
    enum ec_status status = ec_delta_sweep(dir, &removed, NULL);
    ec_io.rmdir = refused_rmdir;
    enum ec_status refused = ec_delta_sweep(dir, &removed, NULL);
    ec_io = faulty_real;
    assert_int_equal(status, EC_OK);
    assert_int_equal(refused, EC_IO);
    assert_int_equal(removed, 0);
    sweep(dir, 0);
}

static void paths_that_are_too_long(void **state) {
    (void)state;
    char dir[4096];
    const char *table = table_with_rubbish("long");
    for (size_t room = 0; room < 64; room++) {
        size_t removed;
        memset(dir, '/', sizeof dir);
        memcpy(dir, table, strlen(table));
        dir[sizeof dir - 1 - room] = '\0';
        (void)!ec_delta_sweep(dir, &removed, NULL); /* what has no name is left */
        assert_true(ec_path_exists(below(table, "_delta_log/00000000000000000000.json")));
        for (size_t i = 0; i < RUBBISH; i++) put_file(below(table, rubbish[i]), "x");
    }
    sweep(table, RUBBISH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgotten_parts_go_and_named_ones_stay),
        cmocka_unit_test(parts_of_a_table_that_never_came_to_be_go),
        cmocka_unit_test(a_damaged_log_removes_nothing),
        cmocka_unit_test(what_cannot_be_removed_is_removed_later),
        cmocka_unit_test(others_may_be_quicker),
        cmocka_unit_test(paths_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
