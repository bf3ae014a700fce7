/* The encoder's files, read back by DuckDB: every type, nulls, groups, late columns, bounds. */
#include "parquet_table.h"

#include <math.h>

static const struct batching WHOLE = {.rows = EC_BATCH_ROWS};

static void init_all_types(struct table *t, size_t rows, uint64_t spread, unsigned null_percent) {
    uint64_t seed = rows * 31 + spread * 7 + null_percent + 1;
    table_init(t, rows, ALL_TYPES);
    memcpy(t->column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t->columns; c++) table_fill(t, c, c + 1 == t->columns ? 0 : spread, null_percent, &seed);
}

static void check_all_types(size_t rows, uint64_t spread, unsigned null_percent, size_t rows_per_group,
                            enum ec_codec codec) {
    struct table t;
    init_all_types(&t, rows, spread, null_percent);
    const char *path = table_path("types.parquet");
    table_write(&t, path, rows_per_group, codec, WHOLE, NULL);
    table_check(&t, path);
    assert_int_equal(table_query_int("SELECT num_row_groups FROM parquet_file_metadata('%s')", path),
                     (rows + rows_per_group - 1) / rows_per_group);
    table_deinit(&t);
}

static void test_every_type_with_nulls(void **state) {
    (void)state;
    for (unsigned nulls = 0; nulls <= 100; nulls += 25) check_all_types(3000, 0, nulls, 100000, EC_CODEC_ZSTD);
}

static void test_few_different_values(void **state) {
    (void)state;
    static const uint64_t spread[] = {1, 2, 3, 17, 255, 256, 257, 1500};
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++)
        check_all_types(4000, spread[i], 20, 3000, EC_CODEC_ZSTD);
}

static void test_every_codec(void **state) {
    (void)state;
    static const char *const name[] = {
        [EC_CODEC_ZSTD] = "ZSTD", [EC_CODEC_SNAPPY] = "SNAPPY", [EC_CODEC_NONE] = "UNCOMPRESSED"};
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        check_all_types(2500, 100, 10, 1000, (enum ec_codec)codec);
        char used[64];
        table_query_text("SELECT string_agg(DISTINCT compression) FROM parquet_metadata('%s')",
                         table_path("types.parquet"), used, sizeof used);
        assert_string_equal(used, name[codec]);
    }
}

static void test_row_counts_around_words(void **state) {
    (void)state;
    static const size_t rows[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 2047, 2048, 2049};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_all_types(rows[i], 5, 30, 100000, EC_CODEC_SNAPPY);
        check_all_types(rows[i], 0, 30, 100, EC_CODEC_SNAPPY);
    }
}

static void test_runs_of_nulls(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 3;
    table_init(&t, 6000, 1);
    t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        bool run = r < 1000 || (r > 1500 && r < 4000) || (r > 4010 && table_random(&seed) % 3 == 0);
        if (!run) *table_at(&t, r, 0) = (struct cell){.valid = true, .i = (int64_t)r};
    }
    const char *path = table_path("runs.parquet");
    table_write(&t, path, 5000, EC_CODEC_NONE, WHOLE, NULL);
    table_check(&t, path);
    table_deinit(&t);
}

static void test_no_rows(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 0, 0, 0);
    const char *path = table_path("none.parquet");
    struct ec_part_stats stats;
    table_write(&t, path, 1000, EC_CODEC_ZSTD, WHOLE, &stats);
    table_check(&t, path);
    assert_int_equal(stats.rows, 0);
    assert_int_equal(stats.column_count, ALL_TYPES);
    for (size_t i = 0; i < stats.column_count; i++) assert_false(stats.column[i].bounded);
    assert_int_equal(table_query_int("SELECT num_row_groups FROM parquet_file_metadata('%s')", path), 0);
    ec_part_stats_deinit(&stats);
    table_deinit(&t);
}

static void test_empty_text_is_not_null(void **state) {
    (void)state;
    struct table t;
    table_init(&t, 4, 1);
    t.column[0] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    table_text(&t, 0, 0, "", 0);
    table_text(&t, 2, 0, "", 0);
    const char *path = table_path("empty.parquet");
    table_write(&t, path, 100, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(&t, path);
    assert_int_equal(table_query_int("SELECT count(*) FROM '%s' WHERE s = ''", path), 2);
    table_deinit(&t);
}

static void test_texts_of_every_length(void **state) {
    (void)state;
    struct table t;
    char text[300];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('!' + i % 90);
    table_init(&t, 600, 1);
    t.column[0] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) table_text(&t, r, 0, text + r % 7, r % 290);
    const char *path = table_path("lengths.parquet");
    table_write(&t, path, 1000, EC_CODEC_SNAPPY, WHOLE, NULL);
    table_check(&t, path);
    table_deinit(&t);
}

static void test_schema_says_what_columns_are(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 10, 3, 0);
    const char *path = table_path("schema.parquet");
    table_write(&t, path, 100, EC_CODEC_ZSTD, WHOLE, NULL);
    char got[1024];
    table_query_text("SELECT string_agg(concat_ws(' ', name, type, repetition_type, converted_type), ', ') "
                     "FROM parquet_schema('%s') WHERE name <> 'schema'",
                     path, got, sizeof got);
    assert_string_equal(got,
                        "text BYTE_ARRAY OPTIONAL UTF8, number INT64 OPTIONAL, real DOUBLE OPTIONAL, "
                        "flag BOOLEAN OPTIONAL, moment INT64 OPTIONAL TIMESTAMP_MICROS, day INT32 OPTIONAL DATE, "
                        "small INT64 OPTIONAL DECIMAL, price INT64 OPTIONAL DECIMAL, amount INT64 OPTIONAL DECIMAL, "
                        "id BYTE_ARRAY OPTIONAL UTF8");
    table_query_text("SELECT logical_type FROM parquet_schema('%s') WHERE name = 'moment'", path, got, sizeof got);
    assert_non_null(strstr(got, "isAdjustedToUTC=1"));
    table_query_text("SELECT created_by FROM parquet_file_metadata('%s')", path, got, sizeof got);
    assert_string_equal(got, "ecluse version " EC_VERSION);
    table_deinit(&t);
}

/* Readers use bounds only where the footer's last field gives every column its order; DuckDB
 * does not look, so the bytes are compared: a list of structs that hold an empty struct. */
static void test_footer_ends_with_an_order_per_column(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 10, 3, 0);
    const char *path = table_path("order.parquet");
    table_write(&t, path, 100, EC_CODEC_NONE, WHOLE, NULL);
    table_deinit(&t);
    static const char created_by[] = "ecluse version " EC_VERSION;
    struct ec_buf expected = ec_buf_make(4096), file = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    ec_buf_addz(&expected, created_by);
    ec_buf_addc(&expected, 0x19);
    ec_buf_addc(&expected, (char)(ALL_TYPES << 4 | 12));
    for (size_t i = 0; i < ALL_TYPES; i++) ec_buf_add(&expected, "\x1c\0\0", 3);
    ec_buf_addc(&expected, 0);
    assert_int_equal(ec_file_load(path, &file, &err), EC_OK);
    assert_true(file.n > expected.n + 8);
    assert_memory_equal(file.p + file.n - 8 - expected.n, expected.p, expected.n);
    assert_memory_equal(file.p + file.n - 4, "PAR1", 4);
    ec_buf_free(&expected);
    ec_buf_free(&file);
}

/* One column of the given cells. */
static void write_one(struct ec_column_type type, const struct cell *cell, size_t n, size_t rows_per_group,
                      struct ec_part_stats *stats) {
    struct table t;
    table_init(&t, n, 1);
    t.column[0] = (struct ec_parquet_column){"c", type};
    memcpy(t.cell, cell, n * sizeof *cell);
    table_write(&t, table_path("one.parquet"), rows_per_group, EC_CODEC_ZSTD, WHOLE, stats);
    table_check(&t, table_path("one.parquet"));
    table_deinit(&t);
}

static void check_footer_bounds(const char *expected) {
    char got[256];
    table_query_text("SELECT string_agg(concat_ws(' ', coalesce(stats_min_value, '-'), coalesce(stats_max_value, '-'), "
                     "stats_null_count), ', ' ORDER BY row_group_id) FROM parquet_metadata('%s')",
                     table_path("one.parquet"), got, sizeof got);
    assert_string_equal(got, expected);
}

static void test_integer_bounds(void **state) {
    (void)state;
    const struct cell cells[] = {
        {true, {.i = 5}}, {true, {.i = -7}}, {0}, {true, {.i = INT64_MAX}}, {true, {.i = INT64_MIN}}, {0}, {0}};
    struct ec_part_stats stats;
    write_one((struct ec_column_type){EC_TYPE_INTEGER, 0, 0}, cells, 7, 3, &stats);
    check_footer_bounds("-7 5 1, -9223372036854775808 9223372036854775807 1, - - 1");
    assert_int_equal(stats.rows, 7);
    assert_int_equal(stats.column[0].nulls, 3);
    assert_true(stats.column[0].bounded);
    assert_int_equal(stats.column[0].min.i, INT64_MIN);
    assert_int_equal(stats.column[0].max.i, INT64_MAX);
    assert_string_equal(stats.column[0].name, "c");
    struct stat st;
    assert_int_equal(stat(table_path("one.parquet"), &st), 0);
    assert_int_equal(stats.bytes, st.st_size);
    ec_part_stats_deinit(&stats);
}

static void test_date_moment_and_decimal_bounds(void **state) {
    (void)state;
    struct ec_part_stats stats;
    const struct cell days[] = {{true, {.i = 20287}}, {true, {.i = -1}}};
    write_one((struct ec_column_type){EC_TYPE_DATE, 0, 0}, days, 2, 10, &stats);
    check_footer_bounds("1969-12-31 2025-07-18 0");
    assert_int_equal(stats.column[0].min.i, -1);
    assert_int_equal(stats.column[0].max.i, 20287);
    ec_part_stats_deinit(&stats);
    const struct cell cents[] = {{true, {.i = 1999}}, {true, {.i = -1}}};
    write_one((struct ec_column_type){EC_TYPE_DECIMAL, 10, 2}, cents, 2, 10, &stats);
    check_footer_bounds("-0.01 19.99 0");
    assert_int_equal(stats.column[0].max.i, 1999);
    ec_part_stats_deinit(&stats);
    const struct cell moments[] = {{true, {.i = 1752796800000001}}, {true, {.i = 0}}};
    write_one((struct ec_column_type){EC_TYPE_DATETIME, 0, 0}, moments, 2, 10, &stats);
    check_footer_bounds("1970-01-01 00:00:00+00 2025-07-18 00:00:00.000001+00 0");
    ec_part_stats_deinit(&stats);
}

static void test_double_bounds(void **state) {
    (void)state;
    struct ec_part_stats stats;
    const struct cell zeros[] = {{true, {.d = 0.0}}, {true, {.d = -0.0}}, {0}};
    write_one((struct ec_column_type){EC_TYPE_FLOAT, 0, 0}, zeros, 3, 2, &stats);
    check_footer_bounds("-0.0 0.0 0, - - 1");
    assert_true(stats.column[0].bounded && stats.column[0].min.d == 0 && stats.column[0].max.d == 0);
    assert_true(signbit(stats.column[0].min.d) && !signbit(stats.column[0].max.d));
    assert_int_equal(table_query_int("SELECT count(*) FROM '%s' WHERE c = 0", table_path("one.parquet")), 2);
    ec_part_stats_deinit(&stats);
    const struct cell wide[] = {{true, {.d = INFINITY}}, {true, {.d = 1.5}}, {true, {.d = -INFINITY}}};
    write_one((struct ec_column_type){EC_TYPE_FLOAT, 0, 0}, wide, 3, 2, &stats);
    check_footer_bounds("1.5 - 0, - - 0"); /* DuckDB does not show infinities */
    assert_int_equal(table_query_int("SELECT count(*) FROM '%s' WHERE c > 1e300", table_path("one.parquet")), 1);
    assert_true(stats.column[0].min.d == -INFINITY && stats.column[0].max.d == INFINITY);
    ec_part_stats_deinit(&stats);
}

static void test_nan_leaves_no_bounds(void **state) {
    (void)state;
    struct ec_part_stats stats;
    const struct cell cells[] = {{true, {.d = 1}}, {true, {.d = NAN}}, {true, {.d = 2}}, {true, {.d = 3}}};
    write_one((struct ec_column_type){EC_TYPE_FLOAT, 0, 0}, cells, 4, 2, &stats);
    check_footer_bounds("- - 0, 2.0 3.0 0");
    assert_false(stats.column[0].bounded);
    ec_part_stats_deinit(&stats);
    write_one((struct ec_column_type){EC_TYPE_FLOAT, 0, 0}, (const struct cell[]){{true, {.d = NAN}}}, 1, 2, &stats);
    check_footer_bounds("- - 0");
    assert_false(stats.column[0].bounded);
    ec_part_stats_deinit(&stats);
}

static void test_boolean_and_text_are_unbounded_in_the_part(void **state) {
    (void)state;
    struct ec_part_stats stats;
    const struct cell flags[] = {{true, {.i = 1}}, {true, {.i = 0}}, {true, {.i = 1}}, {true, {.i = 1}}};
    write_one((struct ec_column_type){EC_TYPE_BOOLEAN, 0, 0}, flags, 4, 2, &stats);
    check_footer_bounds("false true 0, true true 0");
    assert_false(stats.column[0].bounded);
    ec_part_stats_deinit(&stats);
    const struct cell texts[] = {{true, {.s = {"b", 1}}}, {0}};
    write_one((struct ec_column_type){EC_TYPE_STRING, 0, 0}, texts, 2, 2, &stats);
    check_footer_bounds("- - 1");
    assert_false(stats.column[0].bounded);
    ec_part_stats_deinit(&stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_with_nulls),
        cmocka_unit_test(test_few_different_values),
        cmocka_unit_test(test_every_codec),
        cmocka_unit_test(test_row_counts_around_words),
        cmocka_unit_test(test_runs_of_nulls),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_empty_text_is_not_null),
        cmocka_unit_test(test_texts_of_every_length),
        cmocka_unit_test(test_schema_says_what_columns_are),
        cmocka_unit_test(test_footer_ends_with_an_order_per_column),
        cmocka_unit_test(test_integer_bounds),
        cmocka_unit_test(test_date_moment_and_decimal_bounds),
        cmocka_unit_test(test_double_bounds),
        cmocka_unit_test(test_nan_leaves_no_bounds),
        cmocka_unit_test(test_boolean_and_text_are_unbounded_in_the_part),
    };
    return cmocka_run_group_tests_name("parquet", tests, table_open, table_close);
}
