/* What the encoder writes comes back from the reader: whole chunks, ranges, scattered rows. */
#include "parquet_read_table.h"

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
    read_check(&t, path);
    table_deinit(&t);
}

static void test_every_type_with_nulls(void **state) {
    (void)state;
    for (unsigned nulls = 0; nulls <= 100; nulls += 25) check_all_types(3000, 0, nulls, 100000, EC_CODEC_ZSTD);
}

/* Each width of codes, up to the encoder's largest dictionary. */
static void test_dictionaries_of_every_size(void **state) {
    (void)state;
    static const uint64_t spread[] = {1, 2, 3, 5, 9, 17, 33, 65, 129, 255, 256, 257, 513, 1025, 1500};
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++) {
        check_all_types(4000, spread[i], 20, 3000, EC_CODEC_ZSTD);
        check_all_types(4000, spread[i], 0, 4000, EC_CODEC_NONE);
    }
    for (uint64_t many = 3000; many < 70000; many = many * 5 / 3) {
        struct table t;
        uint64_t seed = many;
        table_init(&t, many * 5, 2);
        t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
        t.column[1] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
        table_fill(&t, 0, many, 1, &seed);
        for (size_t r = 0; r < t.rows; r++) {
            char text[16];
            int n = snprintf(text, sizeof text, "%x", (unsigned)(table_random(&seed) % many));
            table_text(&t, r, 1, text, (size_t)n);
        }
        const char *path = table_path("dictionary.parquet");
        table_write(&t, path, 1000000, EC_CODEC_SNAPPY, WHOLE, NULL);
        read_check(&t, path);
        table_deinit(&t);
    }
}

static void test_every_codec(void **state) {
    (void)state;
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++)
        check_all_types(2500, 100, 10, 1000, (enum ec_codec)codec);
}

static void test_row_counts_around_words(void **state) {
    (void)state;
    static const size_t rows[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2047, 2048, 2049};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_all_types(rows[i], 5, 30, 100000, EC_CODEC_SNAPPY);
        check_all_types(rows[i], 0, 30, 100, EC_CODEC_SNAPPY);
    }
}

static void test_runs_of_nulls_and_values(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 3;
    table_init(&t, 150000, 3);
    t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    t.column[2] = (struct ec_parquet_column){"b", {EC_TYPE_BOOLEAN, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        bool run = r < 1000 || (r > 1500 && r < 4000) || (r > 4010 && r < 100000 && table_random(&seed) % 3 == 0);
        if (run) continue;
        *table_at(&t, r, 0) = (struct cell){.valid = true, .i = r % 5000 < 3000 ? 7 : (int64_t)(r % 100)};
        *table_at(&t, r, 2) = (struct cell){.valid = true, .i = r % 3 == 0};
        table_text(&t, r, 1, "equal and different", r % 900 < 500 ? 5 : r % 19);
    }
    const char *path = table_path("runs.parquet");
    for (size_t group = 5000; group < 200000; group *= 6) {
        table_write(&t, path, group, EC_CODEC_NONE, WHOLE, NULL);
        read_check(&t, path);
    }
    table_deinit(&t);
}

/* Several pages of each kind, more rows than a page of codes has. */
static void test_pages(void **state) {
    (void)state;
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        check_all_types(300000, 0, 5, 300000, (enum ec_codec)codec);
        check_all_types(300000, 40, 0, 300000, (enum ec_codec)codec);
    }
}

/* The dictionary gives up in the middle: codes, then texts, at a row that is no multiple of eight. */
static void test_dictionary_that_gives_up(void **state) {
    (void)state;
    for (unsigned nulls = 0; nulls < 60; nulls += 29) {
        struct table t;
        uint64_t seed = 11;
        table_init(&t, 120000, 2);
        t.column[0] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
        t.column[1] = (struct ec_parquet_column){"u", {EC_TYPE_STRING, 0, 0}};
        for (size_t r = 0; r < t.rows; r++) {
            char text[64];
            if (table_random(&seed) % 100 < nulls) continue;
            int n = snprintf(text, sizeof text, "%.*s%zu", (int)(r % 30), "some text to make it longer...",
                             r < 30011 ? r % 100 : r);
            table_text(&t, r, 0, text, (size_t)n);
            n = snprintf(text, sizeof text, "%zu-%llx", r, (unsigned long long)table_random(&seed));
            table_text(&t, r, 1, text, (size_t)n);
        }
        const char *path = table_path("giveup.parquet");
        table_write(&t, path, 100000, EC_CODEC_ZSTD, WHOLE, NULL);
        struct ec_err err = {0};
        struct ec_parquet_file *file;
        struct ec_parquet_chunk chunk = {0};
        assert_int_equal(ec_parquet_open(path, &file, &err), EC_OK);
        assert_int_equal(ec_parquet_chunk_open(&chunk, file, 0, 0, &err), EC_OK);
        assert_true(chunk.coded_rows > 30000 && chunk.coded_rows < 90000); /* else the test is of something else */
        assert_int_equal(ec_parquet_chunk_open(&chunk, file, 1, 0, &err), EC_OK);
        assert_int_equal(chunk.coded_rows, 0);
        ec_parquet_chunk_deinit(&chunk);
        ec_parquet_close(file);
        read_check(&t, path);
        table_deinit(&t);
    }
}

static void test_no_rows(void **state) {
    (void)state;
    check_all_types(0, 0, 0, 100, EC_CODEC_ZSTD);
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    assert_int_equal(ec_parquet_open(table_path("types.parquet"), &file, &err), EC_OK);
    assert_int_equal(ec_parquet_groups(file), 0);
    assert_int_equal(ec_parquet_find(file, "nobody"), SIZE_MAX);
    ec_parquet_close(file);
}

static void test_wide_texts(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 4;
    size_t long_n = 3 * EC_MIB;
    char *text = malloc(long_n);
    assert_non_null(text);
    for (size_t i = 0; i < long_n; i++) text[i] = (char)table_random(&seed);
    table_init(&t, 700, 1);
    t.column[0] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) table_text(&t, r, 0, text + r % 7, r % 100 == 50 ? long_n - 7 : r % 290);
    const char *path = table_path("wide.parquet");
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        table_write(&t, path, 1000, (enum ec_codec)codec, WHOLE, NULL);
        read_check(&t, path);
    }
    table_deinit(&t);
    free(text);
}

static void test_late_column_is_null_before(void **state) {
    (void)state;
    struct table t;
    init_all_types(&t, 3000, 20, 10);
    for (size_t r = 0; r < 1500; r++) *table_at(&t, r, t.columns - 1) = (struct cell){0};
    const char *path = table_path("late.parquet");
    struct ec_err err = {0};
    struct ec_parquet *pq;
    struct ec_parquet_options options = {t.column, t.columns - 1, 700, EC_CODEC_ZSTD};
    struct ec_part_stats stats;
    assert_int_equal(ec_parquet_create(path, &options, &pq, &err), EC_OK);
    struct table early = t;
    assert_int_equal(table_append(&early, pq, 0, 1500, WHOLE, &err), EC_OK);
    assert_int_equal(ec_parquet_add_column(pq, &t.column[t.columns - 1], &err), EC_OK);
    assert_int_equal(table_append(&t, pq, 1500, t.rows, WHOLE, &err), EC_OK);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    ec_parquet_destroy(pq);
    ec_part_stats_deinit(&stats);
    read_check(&t, path);
    table_deinit(&t);
}

static void expect_rows(struct ec_parquet_chunk *chunk, const uint32_t *rows, size_t n, enum ec_status expected) {
    struct ec_err err = {0};
    uint64_t valid[4];
    int64_t values[256];
    uint32_t code[256];
    struct ec_parquet_rows out = {.valid = valid, .code = code, .values = values};
    assert_int_equal(ec_parquet_chunk_rows(chunk, rows, n, &out, &err), expected);
    if (expected != EC_OK) assert_non_null(strstr(err.message, "do not ascend"));
}

static void test_rows_asked_for_wrongly(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 1;
    table_init(&t, 200, 1);
    t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    table_fill(&t, 0, 0, 0, &seed);
    const char *path = table_path("asked.parquet");
    table_write(&t, path, 1000, EC_CODEC_ZSTD, WHOLE, NULL);
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_OK);
    assert_int_equal(ec_parquet_chunk_open(&chunk, file, 0, 0, &err), EC_OK);
    expect_rows(&chunk, NULL, 0, EC_OK);
    expect_rows(&chunk, (uint32_t[]){0, 0, 199, 199}, 4, EC_OK);
    expect_rows(&chunk, (uint32_t[]){5, 200}, 2, EC_TABLE_FORMAT);
    expect_rows(&chunk, (uint32_t[]){UINT32_MAX}, 1, EC_TABLE_FORMAT);
    struct ec_parquet_rows out = {0};
    assert_int_equal(ec_parquet_chunk_range(&chunk, 200, 0, &out, &err), EC_OK);
    assert_int_equal(ec_parquet_chunk_range(&chunk, 200, 1, &out, &err), EC_TABLE_FORMAT);
    assert_int_equal(ec_parquet_chunk_range(&chunk, 0, SIZE_MAX, &out, &err), EC_TABLE_FORMAT);
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    table_deinit(&t);
}

/* Rows far apart cost the pages that hold them, and memory of one page. */
static void test_memory_is_of_one_page(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 21;
    table_init(&t, 1000000, 1);
    t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    table_fill(&t, 0, 0, 0, &seed);
    const char *path = table_path("memory.parquet");
    table_write(&t, path, 1000000, EC_CODEC_ZSTD, WHOLE, NULL);
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    uint64_t valid[1];
    int64_t values[3];
    struct ec_parquet_rows out = {.valid = valid, .values = values};
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_OK);
    assert_int_equal(ec_parquet_chunk_open(&chunk, file, 0, 0, &err), EC_OK);
    assert_int_equal(ec_parquet_chunk_rows(&chunk, (uint32_t[]){3, 400000, 999999}, 3, &out, &err), EC_OK);
    assert_int_equal(values[0], table_at(&t, 3, 0)->i);
    assert_int_equal(values[1], table_at(&t, 400000, 0)->i);
    assert_int_equal(values[2], table_at(&t, 999999, 0)->i);
    assert_true(ec_parquet_chunk_memory(&chunk) < 2 * EC_MIB);
    /* Backwards over pages: never another row's value. */
    assert_int_equal(ec_parquet_chunk_rows(&chunk, (uint32_t[]){400000, 3}, 2, &out, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "do not ascend"));
    assert_int_equal(ec_parquet_chunk_rows(&chunk, (uint32_t[]){4, 400001}, 2, &out, &err), EC_OK);
    assert_int_equal(values[0], table_at(&t, 4, 0)->i);
    assert_int_equal(values[1], table_at(&t, 400001, 0)->i);
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_with_nulls),
        cmocka_unit_test(test_dictionaries_of_every_size),
        cmocka_unit_test(test_every_codec),
        cmocka_unit_test(test_row_counts_around_words),
        cmocka_unit_test(test_runs_of_nulls_and_values),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_dictionary_that_gives_up),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_wide_texts),
        cmocka_unit_test(test_late_column_is_null_before),
        cmocka_unit_test(test_rows_asked_for_wrongly),
        cmocka_unit_test(test_memory_is_of_one_page),
    };
    return cmocka_run_group_tests(tests, table_open, table_close);
}
