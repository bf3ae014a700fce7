/* Each system call and allocation fails in turn: an error is given, nothing is left behind. */
#include "parquet_table.h"

#include <errno.h>

static struct ec_io real;
static size_t calls;   /* so far, of what is made to fail */
static size_t fail_at; /* from this call on */

static bool failing(int error) {
    if (++calls < fail_at) return false;
    errno = error;
    return true;
}
static ssize_t full_write(int fd, const void *p, size_t n) {
    return failing(ENOSPC) ? -1 : real.write(fd, p, n);
}
/* Takes half, then nothing: a disk that fills up within a write. */
static ssize_t short_write(int fd, const void *p, size_t n) {
    return failing(EDQUOT) ? -1 : real.write(fd, p, n > 1 ? n / 2 : n);
}
static int no_fsync(int fd) {
    return failing(EIO) ? -1 : real.fsync(fd);
}
static int no_close(int fd) {
    return real.close(fd) || failing(EIO) ? -1 : 0;
}
static int no_open(const char *path, int flags, mode_t mode) {
    return failing(EACCES) ? -1 : real.open(path, flags, mode);
}
static void *no_malloc(size_t n) {
    return failing(ENOMEM) ? NULL : real.malloc(n);
}
static void *no_realloc(void *p, size_t n) {
    return failing(ENOMEM) ? NULL : real.realloc(p, n);
}

static enum ec_status write_part(const struct table *t, const char *path, struct ec_err *err) {
    struct ec_parquet *pq;
    struct ec_parquet_options options = {t->column, t->columns - 1, 700, EC_CODEC_ZSTD};
    struct ec_part_stats stats = {0};
    enum ec_status status = ec_parquet_create(path, &options, &pq, err);
    if (status != EC_OK) {
        assert_null(pq);
        return status;
    }
    status = table_append(t, pq, 0, 1000, (struct batching){.rows = 300}, err);
    if (status == EC_OK) status = ec_parquet_add_column(pq, &t->column[t->columns - 1], err);
    if (status == EC_OK) status = table_append(t, pq, 1000, t->rows, (struct batching){.rows = 300}, err);
    enum ec_status last = ec_parquet_finish(pq, &stats, err);
    if (status != EC_OK && last == EC_OK) fail_msg("a file was finished after a failure");
    if (last != EC_OK) assert_null(stats.column);
    ec_part_stats_deinit(&stats);
    ec_parquet_destroy(pq);
    return status != EC_OK ? status : last;
}

static void init_table(struct table *t) {
    uint64_t seed = 5;
    table_init(t, 1500, ALL_TYPES);
    memcpy(t->column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t->columns; c++) table_fill(t, c, c + 1 == t->columns ? 0 : 20, 10, &seed);
    for (size_t r = 0; r < 1000; r++) *table_at(t, r, t->columns - 1) = (struct cell){0};
}

/* Fails the first call, then the second, until the file is written without reaching one. */
static size_t fail_in_turn(const struct table *t, const struct ec_io *broken, enum ec_status expected) {
    const char *path = table_path("failure.parquet");
    for (fail_at = 1; fail_at < 20000; fail_at++) {
        struct ec_err err = {0};
        calls = 0;
        ec_io = *broken;
        enum ec_status status = write_part(t, path, &err);
        ec_io = real;
        if (calls < fail_at) {
            assert_int_equal(status, EC_OK);
            table_check(t, path);
            assert_int_equal(unlink(path), 0);
            return fail_at - 1;
        }
        if (status != expected) fail_msg("call %zu: status %d, %s", fail_at, status, err.message);
        assert_true(err.message[0] != '\0');
        assert_false(ec_path_exists(path));
    }
    fail_msg("never succeeded");
    return 0;
}

static void check_failing(struct ec_io broken, enum ec_status expected, size_t calls_min) {
    struct table t;
    init_table(&t);
    assert_true(fail_in_turn(&t, &broken, expected) >= calls_min);
    table_deinit(&t);
}

static void test_a_full_disk(void **state) {
    (void)state;
    struct ec_io broken = real;
    broken.write = full_write;
    check_failing(broken, EC_DISK_FULL, 3 * ALL_TYPES);
    broken.write = short_write;
    check_failing(broken, EC_DISK_FULL, 3 * ALL_TYPES);
}

static void test_a_sync_close_or_create_that_fails(void **state) {
    (void)state;
    struct ec_io broken = real;
    broken.fsync = no_fsync;
    check_failing(broken, EC_IO, 1);
    broken = real;
    broken.close = no_close;
    check_failing(broken, EC_IO, 1);
    broken = real;
    broken.open = no_open;
    check_failing(broken, EC_IO, 1);
}

static void test_memory_that_runs_out(void **state) {
    (void)state;
    struct ec_io broken = real;
    broken.malloc = no_malloc;
    broken.realloc = no_realloc;
    check_failing(broken, EC_NO_MEMORY, 100);
}

/* The disk has room again, but the row group is not whole. */
static void test_nothing_can_follow_a_failed_append(void **state) {
    (void)state;
    struct table t;
    init_table(&t);
    const char *path = table_path("broken.parquet");
    struct ec_parquet *pq;
    struct ec_parquet_options options = {t.column, t.columns, 700, EC_CODEC_SNAPPY};
    struct ec_err err = {0};
    struct ec_part_stats stats;
    assert_int_equal(ec_parquet_create(path, &options, &pq, &err), EC_OK);
    calls = 0;
    fail_at = 8;
    ec_io.write = full_write;
    assert_int_equal(table_append(&t, pq, 0, 1000, (struct batching){.rows = 300}, &err), EC_DISK_FULL);
    ec_io = real;
    assert_int_equal(table_append(&t, pq, 1000, 1100, (struct batching){.rows = 100}, &err), EC_IO);
    assert_int_equal(ec_parquet_flush(pq, &err), EC_IO);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_IO);
    assert_null(stats.column);
    assert_int_equal(err.status, EC_DISK_FULL); /* the first cause is what is told */
    ec_parquet_destroy(pq);
    assert_false(ec_path_exists(path));
    table_deinit(&t);
}

static void test_a_file_that_exists_is_left_alone(void **state) {
    (void)state;
    struct table t;
    init_table(&t);
    const char *path = table_path("exists.parquet");
    struct ec_err err = {0};
    assert_int_equal(ec_file_replace(path, "mine", 4, &err), EC_OK);
    assert_int_equal(write_part(&t, path, &err), EC_IO);
    assert_non_null(strstr(err.message, "exists.parquet"));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4);
    table_deinit(&t);
}

static void test_a_file_that_is_not_finished_is_removed(void **state) {
    (void)state;
    struct table t;
    init_table(&t);
    const char *path = table_path("unfinished.parquet");
    struct ec_parquet *pq;
    struct ec_err err = {0};
    struct ec_parquet_options options = {t.column, t.columns, 700, EC_CODEC_SNAPPY};
    assert_int_equal(ec_parquet_create(path, &options, &pq, &err), EC_OK);
    assert_int_equal(table_append(&t, pq, 0, t.rows, (struct batching){.rows = 300}, &err), EC_OK);
    assert_true(ec_path_exists(path));
    ec_parquet_destroy(pq);
    assert_false(ec_path_exists(path));
    ec_parquet_destroy(NULL);
    table_deinit(&t);
}

int main(void) {
    real = ec_io;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_a_sync_close_or_create_that_fails),
        cmocka_unit_test(test_memory_that_runs_out),
        cmocka_unit_test(test_nothing_can_follow_a_failed_append),
        cmocka_unit_test(test_a_file_that_exists_is_left_alone),
        cmocka_unit_test(test_a_file_that_is_not_finished_is_removed),
    };
    return cmocka_run_group_tests_name("parquet_failure", tests, table_open, table_close);
}
