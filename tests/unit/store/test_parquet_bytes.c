/* The bytes of a file depend on its rows and options, not on how rows came; late columns, early
 * row groups, and what append refuses. */
#include "parquet_table.h"

static const struct batching WHOLE = {.rows = EC_BATCH_ROWS};
static const struct batching BATCHINGS[] = {
    {.rows = 1},
    {.rows = 61},
    {.rows = EC_BATCH_ROWS, .random = true},
    {.rows = 90, .random = true, .scattered = true},
    {.rows = EC_BATCH_ROWS / 2, .scattered = true},
};
enum { BATCHING_COUNT = sizeof BATCHINGS / sizeof *BATCHINGS };

static void load(const char *path, struct ec_buf *out) {
    *out = ec_buf_make(256 * EC_MIB);
    struct ec_err err = {0};
    assert_int_equal(ec_file_load(path, out, &err), EC_OK);
}

static void check_same_file(const struct ec_buf *expected, const char *path) {
    struct ec_buf got;
    load(path, &got);
    assert_int_equal(got.n, expected->n);
    assert_memory_equal(got.p, expected->p, expected->n);
    ec_buf_free(&got);
}

static void check_batchings(const struct table *t, size_t rows_per_group) {
    const char *path = table_path("batching.parquet");
    table_write(t, path, rows_per_group, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(t, path);
    struct ec_buf first;
    load(path, &first);
    for (size_t i = 0; i < BATCHING_COUNT; i++) {
        table_write(t, path, rows_per_group, EC_CODEC_ZSTD, BATCHINGS[i], NULL);
        check_same_file(&first, path);
    }
    ec_buf_free(&first);
}

static void init_all_types(struct table *t, size_t rows, uint64_t spread, unsigned null_percent) {
    uint64_t seed = rows + spread + null_percent;
    table_init(t, rows, ALL_TYPES);
    memcpy(t->column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t->columns; c++) table_fill(t, c, c + 1 == t->columns ? 0 : spread, null_percent, &seed);
}

static void test_bytes_do_not_depend_on_batches(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 6000, 40, 15);
    check_batchings(&t, 2500);
    table_deinit(&t);
    init_all_types(&t, 5000, 0, 0);
    check_batchings(&t, 100000);
    table_deinit(&t);
}

/* Dictionaries that give up: by ratio in the first row group, by bytes in the middle of one. */
static void test_bytes_do_not_depend_on_batches_where_a_dictionary_gives_up(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 11;
    table_init(&t, 14000, 2);
    t.column[0] = (struct ec_parquet_column){"unique", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"long", {EC_TYPE_STRING, 0, 0}};
    table_fill(&t, 0, 0, 5, &seed);
    char *text = ec_arena_calloc(&t.arena, 1, 4096);
    assert_non_null(text);
    for (size_t r = 0; r < t.rows; r++) { /* 700 texts of 4 KiB, each twenty times: 2.8 MB */
        memset(text, 'a' + (int)(r / 20 % 26), 4096);
        (void)snprintf(text, 4096, "%zu", r / 20);
        table_text(&t, r, 1, text, 4096);
    }
    check_batchings(&t, 12000);
    table_deinit(&t);
}

static void test_a_row_group_ends_by_its_bytes(void **state) {
    (void)state;
    struct table t;
    table_init(&t, 200, 2);
    t.column[0] = (struct ec_parquet_column){"big", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        size_t n = (size_t)500000 + r * 1000;
        char *text = ec_arena_alloc(&t.arena, n);
        assert_non_null(text);
        memset(text, 'a' + (int)(r % 26), n);
        memcpy(text, &r, 1);
        text[0] &= 0x7f;
        *table_at(&t, r, 0) = (struct cell){.valid = true, .s = {text, n}};
        *table_at(&t, r, 1) = (struct cell){.valid = true, .i = (int64_t)r};
    }
    const char *path = table_path("big.parquet");
    table_write(&t, path, 100000, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(&t, path);
    int64_t groups = table_query_int("SELECT num_row_groups FROM parquet_file_metadata('%s')", path);
    assert_int_equal(groups, 2); /* 120 MB at 64 MiB each */
    struct ec_buf first;
    load(path, &first);
    table_write(&t, path, 100000, EC_CODEC_ZSTD, (struct batching){.rows = 7}, NULL);
    check_same_file(&first, path);
    ec_buf_free(&first);
    table_deinit(&t);
}

static struct ec_parquet *create(const char *path, const struct table *t, size_t columns, size_t rows_per_group) {
    struct ec_err err = {0};
    struct ec_parquet *pq;
    struct ec_parquet_options options = {t->column, columns, rows_per_group, EC_CODEC_SNAPPY};
    (void)unlink(path);
    assert_int_equal(ec_parquet_create(path, &options, &pq, &err), EC_OK);
    return pq;
}

/* Columns that come after 0, 2.5 and all row groups; the cells before are null in the oracle. */
static void test_late_columns(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 4000, 30, 10);
    const size_t from[ALL_TYPES] = {0, 0, 0, 2500, 2500, 2500, 2500, 2500, 2500, 2500};
    for (size_t r = 0; r < t.rows; r++)
        for (size_t c = 0; c < t.columns; c++)
            if (r < from[c]) *table_at(&t, r, c) = (struct cell){0};
    const char *path = table_path("late.parquet");
    struct ec_parquet *pq = create(path, &t, 3, 1000);
    struct ec_err err = {0};
    struct ec_part_stats stats;
    struct table early = t;
    early.rows = t.rows;
    assert_int_equal(table_append(&early, pq, 0, 2500, WHOLE, &err), EC_OK);
    for (size_t c = 3; c < t.columns; c++) assert_int_equal(ec_parquet_add_column(pq, &t.column[c], &err), EC_OK);
    assert_int_equal(table_append(&t, pq, 2500, 4000, WHOLE, &err), EC_OK);
    struct ec_parquet_column never = {"never", {EC_TYPE_DATE, 0, 0}};
    assert_int_equal(ec_parquet_add_column(pq, &never, &err), EC_OK);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    ec_parquet_destroy(pq);
    assert_int_equal(stats.column_count, ALL_TYPES + 1);
    assert_int_equal(stats.column[ALL_TYPES].nulls, 4000);
    assert_true(stats.column[4].nulls >= 2500 && stats.column[4].bounded);
    assert_int_equal(table_query_int("SELECT count(*) FROM '%s' WHERE never IS NULL", path), 4000);
    assert_int_equal(table_query_int("SELECT sum(stats_null_count)::BIGINT FROM parquet_metadata('%s') "
                                     "WHERE path_in_schema = 'moment'",
                                     path),
                     stats.column[4].nulls);
    ec_part_stats_deinit(&stats);

    struct table wide; /* the same with the column that was never filled */
    table_init(&wide, t.rows, t.columns + 1);
    memcpy(wide.column, t.column, sizeof wide.column);
    wide.column[t.columns] = never;
    for (size_t r = 0; r < t.rows; r++) memcpy(table_at(&wide, r, 0), table_at(&t, r, 0), t.columns * sizeof *t.cell);
    table_check(&wide, path);
    table_deinit(&wide);
    table_deinit(&t);
}

static void test_flush_ends_a_row_group_and_gives_memory_back(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 3000, 0, 10);
    const char *path = table_path("flush.parquet");
    struct ec_parquet *pq = create(path, &t, t.columns, 100000);
    struct ec_err err = {0};
    struct ec_part_stats stats;
    size_t before = ec_parquet_memory(pq);
    assert_int_equal(ec_parquet_flush(pq, &err), EC_OK); /* no rows: no row group */
    assert_int_equal(table_append(&t, pq, 0, 1700, WHOLE, &err), EC_OK);
    size_t full = ec_parquet_memory(pq);
    assert_true(full > before + (size_t)1700 * 8 * 6);
    assert_int_equal(ec_parquet_flush(pq, &err), EC_OK);
    assert_true(ec_parquet_memory(pq) < before + 4096);
    assert_int_equal(table_append(&t, pq, 1700, 3000, WHOLE, &err), EC_OK);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    ec_parquet_destroy(pq);
    ec_part_stats_deinit(&stats);
    table_check(&t, path);
    assert_int_equal(table_query_int("SELECT num_row_groups FROM parquet_file_metadata('%s')", path), 2);
    table_deinit(&t);
}

static void test_a_column_mapped_to_none_is_null(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 100, 10, 0);
    const char *path = table_path("none.parquet");
    struct ec_parquet *pq = create(path, &t, t.columns, 64);
    struct ec_err err = {0};
    struct ec_batch b;
    struct ec_part_stats stats;
    assert_int_equal(ec_batch_init(&b, &err), EC_OK);
    b.rows = 100;
    size_t map[ALL_TYPES];
    for (size_t i = 0; i < ALL_TYPES; i++) map[i] = SIZE_MAX;
    assert_int_equal(ec_parquet_append(pq, &b, map, NULL, 100, &err), EC_OK);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    ec_parquet_destroy(pq);
    ec_batch_deinit(&b);
    for (size_t i = 0; i < ALL_TYPES; i++) assert_int_equal(stats.column[i].nulls, 100);
    ec_part_stats_deinit(&stats);
    memset(t.cell, 0, t.rows * t.columns * sizeof *t.cell);
    table_check(&t, path);
    table_deinit(&t);
}

static void check_refused(enum ec_status status, const struct ec_err *err, const char *part) {
    assert_int_equal(status, EC_TABLE_FORMAT);
    if (!strstr(err->message, part)) fail_msg("'%s' does not say '%s'", err->message, part);
}

static void test_what_append_refuses(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 10, 10, 0);
    const char *path = table_path("refused.parquet");
    struct ec_parquet *pq = create(path, &t, 2, 100); /* text, number */
    struct ec_batch b;
    size_t text;
    struct ec_err err = {0};
    assert_int_equal(ec_batch_init(&b, &err), EC_OK);
    assert_int_equal(ec_batch_add_column(&b, "text", (struct ec_column_type){EC_TYPE_STRING, 0, 0}, &text, &err),
                     EC_OK);
    b.rows = 3;
    const uint32_t behind[] = {0, 3};
    check_refused(ec_parquet_append(pq, &b, (size_t[]){text, SIZE_MAX}, behind, 2, &err), &err, "row 4 for");
    ec_err_clear(&err);
    check_refused(ec_parquet_append(pq, &b, (size_t[]){text, SIZE_MAX}, NULL, 4, &err), &err, "row 4 for");
    ec_err_clear(&err);
    check_refused(ec_parquet_append(pq, &b, (size_t[]){text, 7}, NULL, 3, &err), &err, "mapped to column 7");
    ec_err_clear(&err);
    check_refused(ec_parquet_append(pq, &b, (size_t[]){SIZE_MAX, text}, NULL, 3, &err), &err,
                  "holds integer and is given string");
    ec_err_clear(&err);
    check_refused(ec_parquet_add_column(pq, &t.column[1], &err), &err, "two columns named number");
    ec_err_clear(&err);
    struct ec_parquet_column decimal = {"d", {EC_TYPE_DECIMAL, 19, 2}};
    check_refused(ec_parquet_add_column(pq, &decimal, &err), &err, "decimal(19,2)");
    ec_err_clear(&err);
    struct ec_part_stats stats; /* refusals leave it usable */
    assert_int_equal(ec_parquet_append(pq, &b, (size_t[]){text, SIZE_MAX}, NULL, 3, &err), EC_OK);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    assert_int_equal(stats.rows, 3);
    ec_part_stats_deinit(&stats);
    assert_int_equal(ec_parquet_append(pq, &b, (size_t[]){text, SIZE_MAX}, NULL, 3, &err), EC_IO);
    ec_parquet_destroy(pq);
    assert_true(ec_path_exists(path));
    struct ec_parquet_options none = {t.column, 0, 100, EC_CODEC_NONE};
    ec_err_clear(&err);
    check_refused(ec_parquet_create(table_path("no_columns.parquet"), &none, &pq, &err), &err, "no columns");
    ec_batch_deinit(&b);
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_do_not_depend_on_batches),
        cmocka_unit_test(test_bytes_do_not_depend_on_batches_where_a_dictionary_gives_up),
        cmocka_unit_test(test_a_row_group_ends_by_its_bytes),
        cmocka_unit_test(test_late_columns),
        cmocka_unit_test(test_flush_ends_a_row_group_and_gives_memory_back),
        cmocka_unit_test(test_a_column_mapped_to_none_is_null),
        cmocka_unit_test(test_what_append_refuses),
    };
    return cmocka_run_group_tests_name("parquet_bytes", tests, table_open, table_close);
}
