/* The pages of a chunk, walked by a reader of its own: sizes, counts, CRCs, encodings. */
#include "parquet_table.h"

#include "store/parquet_internal.h"

static const struct batching WHOLE = {.rows = EC_BATCH_ROWS};

/* CRC-32 bit by bit, so that it shares nothing with the one that wrote. */
static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static int64_t zigzag(const uint8_t **p) {
    uint64_t v = 0;
    unsigned shift = 0;
    do v |= (uint64_t)(**p & 0x7f) << shift, shift += 7;
    while (*(*p)++ & 0x80);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

struct page {
    int64_t type, raw, stored, crc, rows, encoding;
    const uint8_t *body;
};

/* A page header holds only i32 fields, and one struct of the same. */
static void read_ints(const uint8_t **p, int64_t *field, const uint8_t **inner, int *inner_id) {
    for (int id = 0; **p != 0;) {
        int type = **p & 15;
        id += *(*p)++ >> 4;
        assert_true(id < 16);
        if (type == 12) {
            assert_non_null(inner);
            int64_t skipped[16];
            *inner = *p;
            *inner_id = id;
            read_ints(p, skipped, NULL, NULL);
        } else {
            assert_int_equal(type, 5);
            field[id] = zigzag(p);
        }
    }
    ++*p;
}

static const uint8_t *read_page(const uint8_t *p, struct page *page) {
    int64_t field[16] = {0}, detail[16] = {0};
    const uint8_t *inner = NULL;
    int inner_id = 0;
    read_ints(&p, field, &inner, &inner_id);
    assert_non_null(inner);
    read_ints(&inner, detail, NULL, NULL);
    *page = (struct page){field[1], field[2], field[3], field[4], detail[1], detail[2], p};
    assert_int_equal(inner_id, page->type == 0 ? 5 : 7);
    if (page->type == 0) assert_int_equal(detail[3], PQ_RLE);
    assert_int_equal((uint32_t)page->crc, crc32_of(p, (size_t)page->stored));
    return p + page->stored;
}

struct pages {
    struct ec_buf file;
    struct page page[64];
    size_t count;
    size_t dict, coded, plain;
    int64_t rows;
};

/* All pages of column `column` in row group `group`. */
static void read_pages(struct pages *all, const char *path, int group, const char *column) {
    char sql[512];
    const char *what[] = {"coalesce(dictionary_page_offset, data_page_offset)", "total_compressed_size",
                          "row_group_num_rows"};
    int64_t value[3];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(
            sql, sizeof sql,
            "SELECT (%s)::BIGINT FROM parquet_metadata('%%s') WHERE row_group_id = %d AND path_in_schema = '%s'",
            what[i], group, column);
        value[i] = table_query_int(sql, path);
    }
    *all = (struct pages){.file = ec_buf_make(256 * EC_MIB)};
    struct ec_err err = {0};
    assert_int_equal(ec_file_load(path, &all->file, &err), EC_OK);
    const uint8_t *p = (const uint8_t *)all->file.p + value[0], *end = p + value[1];
    while (p < end) {
        assert_true(all->count < 64);
        struct page *page = &all->page[all->count++];
        p = read_page(p, page);
        if (page->type == 2) {
            all->dict++;
            continue;
        }
        all->rows += page->rows;
        if (page->encoding == PQ_PLAIN)
            all->plain++;
        else if (page->encoding == PQ_RLE_DICTIONARY)
            all->coded++;
    }
    assert_ptr_equal(p, end);
    assert_int_equal(all->rows, value[2]);
    assert_int_equal(all->count, all->dict + all->coded + all->plain);
}

static void check_pages(const char *path, int group, const char *column, size_t dict, size_t coded, size_t plain) {
    struct pages all;
    read_pages(&all, path, group, column);
    if (all.dict != dict || all.coded != coded || all.plain != plain)
        fail_msg("%s: %zu dictionary, %zu coded, %zu plain pages", column, all.dict, all.coded, all.plain);
    ec_buf_free(&all.file);
}

static void test_pages_end_at_a_mebibyte(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 9;
    table_init(&t, 300000, 2);
    t.column[0] = (struct ec_parquet_column){"real", {EC_TYPE_FLOAT, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"flag", {EC_TYPE_BOOLEAN, 0, 0}};
    table_fill(&t, 0, 0, 10, &seed);
    table_fill(&t, 1, 0, 10, &seed);
    const char *path = table_path("pages.parquet");
    table_write(&t, path, 300000, EC_CODEC_NONE, WHOLE, NULL);
    table_check(&t, path);
    check_pages(path, 0, "real", 0, 0, 3);
    check_pages(path, 0, "flag", 0, 0, 3);
    table_deinit(&t);
}

static void test_pages_of_text(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 10;
    table_init(&t, 60000, 1);
    t.column[0] = (struct ec_parquet_column){"id", {EC_TYPE_STRING, 0, 0}};
    table_fill(&t, 0, 0, 3, &seed);
    const char *path = table_path("texts.parquet");
    table_write(&t, path, 100000, EC_CODEC_SNAPPY, WHOLE, NULL);
    table_check(&t, path);
    struct pages all;
    read_pages(&all, path, 0, "id");
    assert_true(all.dict == 1 && all.coded == 1 && all.plain >= 2);
    for (size_t i = 0; i < all.count; i++) {
        assert_true(all.page[i].raw <= (int64_t)PQ_PAGE_BYTES + 16384); /* levels come on top */
        if (i > 1 && i + 1 < all.count) assert_true(all.page[i].raw > (int64_t)PQ_PAGE_BYTES - 16384);
    }
    ec_buf_free(&all.file);
    table_deinit(&t);
}

/* A unique column shows itself in the first row group, in its middle or at its end, and is not
 * coded in the later ones. */
static void check_unique(size_t rows_per_group, size_t plain_pages) {
    struct table t;
    uint64_t seed = 12;
    table_init(&t, rows_per_group * 2 + 500, 3);
    t.column[0] = (struct ec_parquet_column){"id", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"kind", {EC_TYPE_STRING, 0, 0}};
    t.column[2] = (struct ec_parquet_column){"product", {EC_TYPE_STRING, 0, 0}};
    table_fill(&t, 0, 0, 0, &seed);
    table_fill(&t, 1, 9, 0, &seed);
    table_fill(&t, 2, 3000, 0, &seed);
    const char *path = table_path("unique.parquet");
    table_write(&t, path, rows_per_group, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(&t, path);
    check_pages(path, 0, "id", 1, 1, plain_pages);
    check_pages(path, 1, "id", 0, 0, 1);
    check_pages(path, 2, "id", 0, 0, 1);
    for (int group = 0; group < 3; group++) {
        check_pages(path, group, "kind", 1, 1, 0);
        check_pages(path, group, "product", 1, 1, 0);
    }
    table_deinit(&t);
}

/* Drawn at random, 9,500 texts are worth a dictionary, and 12,500 are not; which shows after twice
 * as many values as there are entries, or a sixteenth more. */
static void test_texts_that_repeat_a_little(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 14;
    table_init(&t, 90000, 3);
    t.column[0] = (struct ec_parquet_column){"some", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"many", {EC_TYPE_STRING, 0, 0}};
    t.column[2] = (struct ec_parquet_column){"most", {EC_TYPE_STRING, 0, 0}};
    static const uint64_t spread[] = {9500, 12500, 60000};
    for (size_t c = 0; c < 3; c++)
        for (size_t r = 0; r < t.rows; r++) {
            char text[16];
            int n = snprintf(text, sizeof text, "%llu", (unsigned long long)(table_random(&seed) % spread[c]));
            table_text(&t, r, c, text, (size_t)n);
        }
    const char *path = table_path("repeat.parquet");
    table_write(&t, path, 100000, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(&t, path);
    check_pages(path, 0, "some", 1, 1, 0);
    static const struct {
        const char *name;
        int64_t entries;
    } given_up[] = {{"many", 8192}, {"most", 2048}};
    for (size_t i = 0; i < 2; i++) {
        struct pages all;
        read_pages(&all, path, 0, given_up[i].name);
        assert_true(all.dict == 1 && all.coded == 1 && all.plain > 0);
        assert_int_equal(all.page[0].rows, given_up[i].entries);
        ec_buf_free(&all.file);
    }
    table_deinit(&t);
}

static void test_unique_texts_are_coded_once(void **state) {
    (void)state;
    check_unique(12000, 1);
    check_unique(2000, 0);
}

static void test_numbers_are_coded_where_it_pays(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 13;
    static const struct ec_parquet_column columns[] = {
        {"few", {EC_TYPE_INTEGER, 0, 0}},     {"unique", {EC_TYPE_INTEGER, 0, 0}}, {"narrow", {EC_TYPE_INTEGER, 0, 0}},
        {"day", {EC_TYPE_DATE, 0, 0}},        {"ratio", {EC_TYPE_FLOAT, 0, 0}},    {"sparse", {EC_TYPE_INTEGER, 0, 0}},
        {"moment", {EC_TYPE_DATETIME, 0, 0}},
    };
    table_init(&t, 20000, 7);
    memcpy(t.column, columns, sizeof columns);
    table_fill(&t, 0, 5, 10, &seed);
    table_fill(&t, 1, 0, 0, &seed);
    table_fill(&t, 2, 1000, 0, &seed);
    table_fill(&t, 3, 300, 10, &seed);
    table_fill(&t, 4, 40, 10, &seed);
    table_fill(&t, 6, 0, 0, &seed);
    for (size_t r = 0; r < t.rows; r++) /* 2,000 values far apart: the table does, and must grow */
        *table_at(&t, r, 5) =
            (struct cell){.valid = true, .i = (int64_t)((r * 7919 % 2000) * UINT64_C(0x123456789abcdef))};
    const char *path = table_path("numbers.parquet");
    table_write(&t, path, 100000, EC_CODEC_ZSTD, WHOLE, NULL);
    table_check(&t, path);
    static const char *const coded[] = {"few", "narrow", "day", "ratio", "sparse"};
    for (size_t i = 0; i < sizeof coded / sizeof *coded; i++) check_pages(path, 0, coded[i], 1, 1, 0);
    check_pages(path, 0, "unique", 0, 0, 1);
    check_pages(path, 0, "moment", 0, 0, 1);
    table_deinit(&t);
}

/* Every width of a code from 1 to 16 bits, with runs between. */
static void test_codes_of_every_width(void **state) {
    (void)state;
    struct table t;
    for (uint64_t spread = 2; spread <= 65536; spread *= 2) {
        size_t rows = spread * 5 < 3000 ? 3000 : (size_t)spread * 5;
        if (rows > 100000) rows = 330000; /* 65,536 numbers pay from four rows each on */
        table_init(&t, rows, 1);
        t.column[0] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
        for (size_t r = 0; r < rows; r++) {
            uint64_t v = r % 500 < 40 ? r / 500 : r;
            *table_at(&t, r, 0) = (struct cell){.valid = true, .i = (int64_t)(v * 40503 % spread) - 7};
        }
        const char *path = table_path("width.parquet");
        table_write(&t, path, rows, EC_CODEC_SNAPPY, WHOLE, NULL);
        table_check(&t, path);
        struct pages all;
        read_pages(&all, path, 0, "n");
        assert_int_equal(all.dict, 1);
        assert_int_equal(all.page[0].rows, spread);
        ec_buf_free(&all.file);
        table_deinit(&t);
    }
}

/* A constant column: its codes are one run. */
static void test_a_constant_costs_next_to_nothing(void **state) {
    (void)state;
    struct table t;
    table_init(&t, 100000, 2);
    t.column[0] = (struct ec_parquet_column){"s", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        *table_at(&t, r, 0) = (struct cell){.valid = true, .s = EC_STR("the same in every row")};
        *table_at(&t, r, 1) = (struct cell){.valid = true, .i = 42};
    }
    const char *path = table_path("constant.parquet");
    table_write(&t, path, 100000, EC_CODEC_NONE, WHOLE, NULL);
    table_check(&t, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 1000);
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_end_at_a_mebibyte),          cmocka_unit_test(test_pages_of_text),
        cmocka_unit_test(test_unique_texts_are_coded_once),      cmocka_unit_test(test_texts_that_repeat_a_little),
        cmocka_unit_test(test_numbers_are_coded_where_it_pays),  cmocka_unit_test(test_codes_of_every_width),
        cmocka_unit_test(test_a_constant_costs_next_to_nothing),
    };
    return cmocka_run_group_tests_name("parquet_pages", tests, table_open, table_close);
}
