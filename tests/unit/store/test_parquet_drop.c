/* A part without some rows against the part that was encoded without them: cells as our reader and
 * DuckDB give them, counts and bounds of the file, of each column chunk, and of Delta's statistics. */
#include "parquet_read_table.h"

#include "store/parquet_drop.h"
#include "store/parquet_read_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>

static const struct batching WHOLE = {.rows = EC_BATCH_ROWS};

static char in_path[256], out_path[256];

/* A thousand files are written here, and none is to last. */
static int skip_fsync(int fd) {
    (void)fd;
    return 0;
}

static int open_folder(void **state) {
    int failed = table_open(state);
    /* Files of one name, size and second follow each other here, which DuckDB would take for one. */
    assert_int_equal(duckdb_query(table_connection, "SET enable_external_file_cache=false", NULL), DuckDBSuccess);
    ec_io.fsync = skip_fsync;
    (void)snprintf(in_path, sizeof in_path, "%s/in.parquet", table_dir);
    (void)snprintf(out_path, sizeof out_path, "%s/out.parquet", table_dir);
    return failed;
}

static void init_all_types(struct table *t, size_t rows, uint64_t spread, unsigned null_percent) {
    uint64_t seed = rows * 31 + spread * 7 + null_percent + 1;
    table_init(t, rows, ALL_TYPES);
    memcpy(t->column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t->columns; c++) table_fill(t, c, c + 1 == t->columns ? 0 : spread, null_percent, &seed);
}

/* The table's cells but for the rows; they share its texts. */
static void without(const struct table *t, const uint64_t *rows, size_t n, struct table *less) {
    table_init(less, t->rows - n, t->columns);
    memcpy(less->column, t->column, sizeof t->column);
    size_t at = 0, next = 0;
    for (size_t r = 0; r < t->rows; r++) {
        if (next < n && rows[next] == r) {
            next++;
            continue;
        }
        memcpy(table_at(less, at++, 0), table_at(t, r, 0), t->columns * sizeof *t->cell);
    }
    assert_int_equal(next, n);
}

static bool is_integer(enum ec_type type) {
    return type != EC_TYPE_STRING && type != EC_TYPE_FLOAT;
}

/* Nulls and bounds of rows [first, first + n) of a column, by another way than the encoder's. */
static void expect_chunk(const struct table *t, size_t column, size_t first, size_t n, uint64_t nulls,
                         const struct pq_bounds *bounds) {
    enum ec_type type = t->column[column].type.type;
    const struct cell *low = NULL, *high = NULL;
    uint64_t expected = 0;
    bool nan = false;
    for (size_t r = first; r < first + n; r++) {
        const struct cell *c = table_at(t, r, column);
        expected += !c->valid;
        if (!c->valid) continue;
        if (type == EC_TYPE_FLOAT && isnan(c->d)) nan = true;
        if (!low || (is_integer(type) ? c->i < low->i : c->d < low->d)) low = c;
        if (!high || (is_integer(type) ? c->i > high->i : c->d > high->d)) high = c;
    }
    assert_int_equal(nulls, expected);
    assert_int_equal(bounds->known, low && !nan && type != EC_TYPE_STRING);
    if (!bounds->known) return;
    if (is_integer(type)) {
        assert_int_equal(bounds->min.i, low->i);
        assert_int_equal(bounds->max.i, high->i);
    } else {
        assert_true(bounds->min.d == low->d && bounds->max.d == high->d);
        if (low->d == 0) assert_true(signbit(bounds->min.d));
        if (high->d == 0) assert_false(signbit(bounds->max.d));
    }
}

static void expect_chunks(const struct table *t, const char *path) {
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    if (ec_parquet_open(path, &file, &err) != EC_OK) fail_msg("%s", err.message);
    size_t row = 0;
    for (size_t g = 0; g < file->group_count; row += file->group[g++].rows)
        for (size_t c = 0; c < t->columns; c++)
            expect_chunk(t, c, row, file->group[g].rows, file->group[g].chunk[c].nulls,
                         &file->group[g].chunk[c].bounds);
    ec_parquet_close(file);
}

static void expect_stats(const struct ec_part_stats *stats, const struct ec_part_stats *whole, const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(stats->bytes, st.st_size);
    assert_int_equal(stats->rows, whole->rows);
    assert_int_equal(stats->column_count, whole->column_count);
    for (size_t i = 0; i < stats->column_count; i++) {
        const struct ec_part_column *a = &stats->column[i], *b = &whole->column[i];
        assert_string_equal(a->name, b->name);
        assert_memory_equal(&a->type, &b->type, sizeof a->type);
        assert_int_equal(a->nulls, b->nulls);
        assert_int_equal(a->bounded, b->bounded);
        if (!a->bounded) continue;
        assert_memory_equal(&a->min, &b->min, sizeof a->min);
        assert_memory_equal(&a->max, &b->max, sizeof a->max);
    }
}

/* Drops rows from in_path, a file of the table, and looks at everything. */
static void check_drop(const struct table *t, const uint64_t *rows, size_t n) {
    struct ec_err err = {0};
    struct ec_part_stats stats, whole;
    (void)unlink(out_path);
    if (ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err) != EC_OK) fail_msg("%s", err.message);
    if (n == t->rows) {
        assert_int_equal(stats.rows, 0);
        assert_null(stats.column);
        assert_int_equal(access(out_path, F_OK), -1);
        return;
    }
    struct table less;
    without(t, rows, n, &less);
    table_write(&less, table_path("fresh.parquet"), 1000000, EC_CODEC_ZSTD, WHOLE, &whole);
    expect_stats(&stats, &whole, out_path);
    ec_part_stats_deinit(&whole);
    ec_part_stats_deinit(&stats);
    expect_chunks(&less, out_path);
    read_check(&less, out_path);
    table_check(&less, out_path);
    table_deinit(&less);
}

static size_t every(uint64_t *rows, size_t from, size_t to, size_t step) {
    size_t n = 0;
    for (size_t r = from; r < to; r += step) rows[n++] = r;
    return n;
}

/* Each row with a chance of percent in a hundred. */
static size_t some(uint64_t *rows, size_t total, unsigned percent, uint64_t *seed) {
    size_t n = 0;
    for (size_t r = 0; r < total; r++)
        if (table_random(seed) % 100 < percent) rows[n++] = r;
    return n;
}

static void check_patterns(const struct table *t, size_t group) {
    uint64_t *rows = malloc((t->rows + 1) * sizeof *rows), seed = t->rows + 3;
    assert_non_null(rows);
    check_drop(t, rows, 0);
    check_drop(t, rows, every(rows, 0, t->rows, t->rows));
    check_drop(t, rows, every(rows, t->rows - 1, t->rows, 1));
    check_drop(t, rows, every(rows, 0, t->rows, 1));
    check_drop(t, rows, every(rows, 1, t->rows, 1));
    check_drop(t, rows, every(rows, 0, t->rows - 1, 1));
    check_drop(t, rows, every(rows, 0, t->rows, 2));
    if (2 * group < t->rows) {
        check_drop(t, rows, every(rows, 0, group, 1));                 /* the first group */
        check_drop(t, rows, every(rows, group, 2 * group, 1));         /* the second */
        check_drop(t, rows, every(rows, group - 1, 2 * group + 1, 1)); /* and its neighbours' edges */
    }
    for (unsigned percent = 1; percent < 100; percent += 32) check_drop(t, rows, some(rows, t->rows, percent, &seed));
    free(rows);
}

static void test_all_types(void **state) {
    (void)state;
    static const uint64_t spread[] = {0, 1, 3, 40};
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++) {
        for (unsigned nulls = 0; nulls <= 100; nulls += 50) {
            struct table t;
            init_all_types(&t, 1800, spread[i], nulls);
            table_write(&t, in_path, 700, (enum ec_codec)(i % 3), WHOLE, NULL);
            check_patterns(&t, 700);
            table_deinit(&t);
        }
    }
}

static void test_few_rows(void **state) {
    (void)state;
    for (size_t rows = 1; rows < 140; rows += 23) {
        struct table t;
        init_all_types(&t, rows, 4, 20);
        table_write(&t, in_path, 50, EC_CODEC_NONE, WHOLE, NULL);
        check_patterns(&t, 50);
        table_deinit(&t);
    }
}

/* Pages of codes, numbers and texts, several a chunk; the dictionary of some texts gives up. */
static void init_pages(struct table *t) {
    uint64_t seed = 5;
    table_init(t, 290000, 6);
    t->column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    t->column[1] = (struct ec_parquet_column){"few", {EC_TYPE_DATE, 0, 0}};
    t->column[2] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    t->column[3] = (struct ec_parquet_column){"word", {EC_TYPE_STRING, 0, 0}};
    t->column[4] = (struct ec_parquet_column){"b", {EC_TYPE_BOOLEAN, 0, 0}};
    t->column[5] = (struct ec_parquet_column){"gives_up", {EC_TYPE_STRING, 0, 0}};
    table_fill(t, 0, 0, 0, &seed);
    table_fill(t, 1, 90, 10, &seed);
    table_fill(t, 2, 0, 10, &seed);
    table_fill(t, 3, 50, 0, &seed);
    table_fill(t, 4, 0, 5, &seed);
    for (size_t r = 0; r < t->rows; r++) {
        char text[32];
        int n = snprintf(text, sizeof text, "value %zu", r < 150000 ? r % 77 : r);
        if (r % 11) table_text(t, r, 5, text, (size_t)n);
    }
}

static void test_pages(void **state) {
    (void)state;
    struct table t;
    uint64_t *rows = malloc(300000 * sizeof *rows), seed = 8;
    assert_non_null(rows);
    init_pages(&t);
    table_write(&t, in_path, 1000000, EC_CODEC_ZSTD, WHOLE, NULL);
    check_drop(&t, rows, 0);
    check_drop(&t, rows, every(rows, 5, t.rows, 100000)); /* a row here and there */
    check_drop(&t, rows, every(rows, 131072, 262144, 1)); /* a page of codes or numbers, whole */
    check_drop(&t, rows, every(rows, 0, 131072, 1));      /* the first */
    check_drop(&t, rows, every(rows, 131071, 262145, 1)); /* more than one */
    check_drop(&t, rows, every(rows, 0, 200000, 1));      /* all that is coded of the last column */
    check_drop(&t, rows, every(rows, 149000, t.rows, 1)); /* all that is plain */
    check_drop(&t, rows, some(rows, t.rows, 1, &seed));
    check_drop(&t, rows, some(rows, t.rows, 70, &seed));
    table_deinit(&t);
    free(rows);
}

/* A dictionary goes with the last page of its codes. */
static void test_dictionary_goes(void **state) {
    (void)state;
    struct table t;
    struct ec_err err = {0};
    struct ec_part_stats stats;
    struct ec_parquet_file *file;
    uint64_t *rows = malloc(300000 * sizeof *rows);
    assert_non_null(rows);
    init_pages(&t);
    table_write(&t, in_path, 1000000, EC_CODEC_ZSTD, WHOLE, NULL);
    for (int whole = 0; whole < 2; whole++) {
        size_t coded = 0;
        struct ec_parquet_chunk chunk = {0};
        assert_int_equal(ec_parquet_open(in_path, &file, &err), EC_OK);
        assert_int_equal(ec_parquet_chunk_open(&chunk, file, 0, 5, &err), EC_OK);
        coded = chunk.coded_rows;
        assert_true(coded > 150000 && coded < t.rows);
        ec_parquet_chunk_deinit(&chunk);
        ec_parquet_close(file);
        (void)unlink(out_path);
        size_t n = every(rows, 0, coded - !whole, 1);
        assert_int_equal(ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err), EC_OK);
        ec_part_stats_deinit(&stats);
        assert_int_equal(ec_parquet_open(out_path, &file, &err), EC_OK);
        assert_int_equal(file->group[0].chunk[5].dict, !whole);
        ec_parquet_close(file);
    }
    free(rows);
    table_deinit(&t);
}

/* Bounds stay while the value occurs, follow where it goes; NaN and zeros as the encoder has them. */
static void test_bounds(void **state) {
    (void)state;
    static const double real[] = {NAN, 1.5, -0.0, 0.0, 7, 7, -3, INFINITY};
    struct table t;
    table_init(&t, 16, 3);
    t.column[0] = (struct ec_parquet_column){"d", {EC_TYPE_FLOAT, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"i", {EC_TYPE_INTEGER, 0, 0}};
    t.column[2] = (struct ec_parquet_column){"b", {EC_TYPE_BOOLEAN, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        *table_at(&t, r, 0) = (struct cell){.valid = r < 12, .d = real[r % 8]};
        *table_at(&t, r, 1) =
            (struct cell){.valid = r != 3, .i = r < 8 ? INT64_MIN + (int64_t)r / 2 : INT64_MAX - (int64_t)r};
        *table_at(&t, r, 2) = (struct cell){.valid = r > 2, .i = r == 5};
    }
    for (size_t group = 4; group <= 16; group *= 4) {
        table_write(&t, in_path, group, EC_CODEC_SNAPPY, WHOLE, NULL);
        for (unsigned mask = 0; mask < 65536; mask += mask < 64 ? 1 : 1021) { /* rows as the bits of a number */
            uint64_t rows[16];
            size_t n = 0;
            for (unsigned k = 0; k < 16; k++)
                if (mask >> k & 1) rows[n++] = k;
            struct ec_err err = {0};
            struct ec_part_stats stats, whole;
            struct table less;
            if (n == 16) continue;
            (void)unlink(out_path);
            assert_int_equal(ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err), EC_OK);
            without(&t, rows, n, &less);
            table_write(&less, table_path("fresh.parquet"), group, EC_CODEC_NONE, WHOLE, &whole);
            expect_stats(&stats, &whole, out_path);
            expect_chunks(&less, out_path);
            ec_part_stats_deinit(&whole);
            ec_part_stats_deinit(&stats);
            table_deinit(&less);
        }
    }
    table_deinit(&t);
}

static void load(const char *path, struct ec_buf *bytes) {
    struct ec_err err = {0};
    *bytes = ec_buf_make(256 * EC_MIB);
    if (ec_file_load(path, bytes, &err) != EC_OK) fail_msg("%s", err.message);
}

/* Nothing dropped: the same bytes, footer too. The same drop twice: the same bytes. */
static void test_bytes(void **state) {
    (void)state;
    struct table t;
    struct ec_err err = {0};
    struct ec_part_stats stats;
    struct ec_buf a, b;
    init_pages(&t);
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        table_write(&t, in_path, 200000, (enum ec_codec)codec, WHOLE, NULL);
        (void)unlink(out_path);
        assert_int_equal(ec_parquet_drop_rows(in_path, out_path, NULL, 0, &stats, &err), EC_OK);
        ec_part_stats_deinit(&stats);
        load(in_path, &a);
        load(out_path, &b);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
        ec_buf_free(&a);
        ec_buf_free(&b);
        for (int k = 0; k < 2; k++) {
            (void)unlink(out_path);
            assert_int_equal(ec_parquet_drop_rows(in_path, out_path, (uint64_t[]){3, 4, 250000}, 3, &stats, &err),
                             EC_OK);
            ec_part_stats_deinit(&stats);
            load(out_path, k == 0 ? &a : &b);
        }
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
        ec_buf_free(&a);
        ec_buf_free(&b);
    }
    table_deinit(&t);
}

/* A file without rows is dropped from once more. */
static void test_twice(void **state) {
    (void)state;
    struct table t, less;
    struct ec_err err = {0};
    struct ec_part_stats stats;
    uint64_t rows[2000];
    init_all_types(&t, 2000, 9, 10);
    table_write(&t, in_path, 800, EC_CODEC_ZSTD, WHOLE, NULL);
    size_t n = every(rows, 0, 2000, 3);
    (void)unlink(out_path);
    assert_int_equal(ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err), EC_OK);
    ec_part_stats_deinit(&stats);
    without(&t, rows, n, &less);
    assert_int_equal(rename(out_path, in_path), 0);
    check_drop(&less, rows, every(rows, 1, less.rows, 5));
    table_deinit(&less);
    table_deinit(&t);
}

static void expect_failure(const uint64_t *rows, size_t n, enum ec_status expected, const char *part) {
    struct ec_err err = {0};
    struct ec_part_stats stats;
    assert_int_equal(ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err), expected);
    if (!strstr(err.message, part)) fail_msg("%s", err.message);
    assert_null(stats.column);
    assert_int_equal(stats.rows, 0);
}

static void test_asked_for_wrongly(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 100, 9, 10);
    table_write(&t, in_path, 60, EC_CODEC_ZSTD, WHOLE, NULL);
    (void)unlink(out_path);
    expect_failure((uint64_t[]){100}, 1, EC_TABLE_FORMAT, "row 100 is to be dropped from the 100 of");
    expect_failure((uint64_t[]){5, 5}, 2, EC_TABLE_FORMAT, "row 5 is");
    expect_failure((uint64_t[]){5, 4}, 2, EC_TABLE_FORMAT, "row 4 is");
    expect_failure((uint64_t[]){UINT64_MAX, 0}, 2, EC_TABLE_FORMAT, "out of order");
    assert_int_equal(access(out_path, F_OK), -1);
    int fd = open(out_path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    expect_failure((uint64_t[]){5}, 1, EC_IO, "cannot create");
    assert_int_equal(access(out_path, F_OK), 0); /* another's file is left */
    (void)unlink(out_path);
    assert_int_equal(unlink(in_path), 0);
    expect_failure((uint64_t[]){5}, 1, EC_UNREADABLE, "cannot open");
    table_deinit(&t);
}

/* Damage is told or does not matter; whatever happens, no half file stays. */
static void test_damaged(void **state) {
    (void)state;
    struct table t;
    struct ec_buf good;
    uint64_t seed = 31, rows[1500];
    size_t refused = 0;
    init_all_types(&t, 1500, 20, 10);
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        table_write(&t, in_path, 700, (enum ec_codec)codec, WHOLE, NULL);
        load(in_path, &good);
        for (int round = 0; round < 200; round++) {
            size_t at = table_random(&seed) % good.n, n = some(rows, 1500, 1 + (unsigned)round % 30, &seed);
            char saved = good.p[at];
            good.p[at] = (char)table_random(&seed);
            int fd = open(in_path, O_WRONLY);
            assert_true(fd >= 0 && write(fd, good.p, good.n) == (ssize_t)good.n);
            (void)close(fd);
            good.p[at] = saved;
            struct ec_err err = {0};
            struct ec_part_stats stats;
            (void)unlink(out_path);
            enum ec_status status = ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err);
            if (status == EC_OK) {
                assert_int_equal(stats.rows, 1500 - n);
            } else {
                refused++;
                assert_int_equal(status, EC_TABLE_FORMAT);
                assert_int_equal(access(out_path, F_OK), -1);
            }
            ec_part_stats_deinit(&stats);
        }
        ec_buf_free(&good);
    }
    assert_true(refused > 200);
    table_deinit(&t);
}

/* What is only copied is looked at too. */
static void test_damage_in_a_copied_page(void **state) {
    (void)state;
    struct table t;
    struct ec_buf bytes;
    struct ec_err err = {0};
    struct ec_part_stats stats;
    uint64_t seed = 3;
    table_init(&t, 1500, 1);
    t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    table_fill(&t, 0, 0, 0, &seed);
    table_write(&t, in_path, 700, EC_CODEC_NONE, WHOLE, NULL);
    load(in_path, &bytes);
    bytes.p[1000 * 8] ^= 1; /* in the second group's page of numbers; the row goes from the first */
    int fd = open(in_path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    (void)close(fd);
    (void)unlink(out_path);
    assert_int_equal(ec_parquet_drop_rows(in_path, out_path, (uint64_t[]){1}, 1, &stats, &err), EC_TABLE_FORMAT);
    if (!strstr(err.message, "has a page whose checksum is wrong")) fail_msg("%s", err.message);
    assert_int_equal(access(out_path, F_OK), -1);
    ec_buf_free(&bytes);
    table_deinit(&t);
}

static struct ec_io real;
static size_t calls, fail_at;
static bool failing(int error) {
    if (++calls < fail_at) return false;
    errno = error;
    return true;
}
static ssize_t no_write(int fd, const void *p, size_t n) {
    return failing(ENOSPC) ? -1 : real.write(fd, p, n);
}
static ssize_t no_pread(int fd, void *p, size_t n, off_t offset) {
    return failing(EIO) ? -1 : real.pread(fd, p, n, offset);
}
static int no_fsync(int fd) {
    return failing(EIO) ? -1 : real.fsync(fd);
}
static void *no_malloc(size_t n) {
    return failing(ENOMEM) ? NULL : real.malloc(n);
}
static void *no_realloc(void *p, size_t n) {
    return failing(ENOMEM) ? NULL : real.realloc(p, n);
}

static void test_calls_that_fail(void **state) {
    (void)state;
    struct table t;
    uint64_t rows[1500];
    init_all_types(&t, 1500, 20, 10);
    table_write(&t, in_path, 700, EC_CODEC_ZSTD, WHOLE, NULL);
    size_t n = every(rows, 0, 700, 7);
    real = ec_io;
    struct {
        struct ec_io io;
        enum ec_status status;
    } broken[] = {{real, EC_DISK_FULL}, {real, EC_UNREADABLE}, {real, EC_IO}, {real, EC_NO_MEMORY}};
    broken[0].io.write = no_write;
    broken[1].io.pread = no_pread;
    broken[2].io.fsync = no_fsync;
    broken[3].io.malloc = no_malloc;
    broken[3].io.realloc = no_realloc;
    for (size_t k = 0; k < 4; k++) {
        enum ec_status status = EC_IO;
        for (fail_at = 1; status != EC_OK; fail_at++) {
            struct ec_err err = {0};
            struct ec_part_stats stats;
            (void)unlink(out_path);
            calls = 0;
            ec_io = broken[k].io;
            status = ec_parquet_drop_rows(in_path, out_path, rows, n, &stats, &err);
            ec_io = real;
            if (status != EC_OK) {
                assert_int_equal(status, broken[k].status);
                assert_int_equal(access(out_path, F_OK), -1);
            }
            ec_part_stats_deinit(&stats);
        }
        assert_true(fail_at > (k == 2 ? 2 : 10));
    }
    check_drop(&t, rows, n);
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types),       cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_pages),           cmocka_unit_test(test_dictionary_goes),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_twice),           cmocka_unit_test(test_asked_for_wrongly),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_damage_in_a_copied_page),
        cmocka_unit_test(test_calls_that_fail),
    };
    return cmocka_run_group_tests(tests, open_folder, table_close);
}
