/* Columns that come coded make the same file as their values do: every type, mixed from batch to
 * batch, with dictionaries that grow and change, row lists, nulls, and dictionaries that give up. */
#include "parquet_table.h"

#include "base/hash.h"

/* A batch's dictionary as somebody else would keep it, and a code per row of the table. */
struct coder {
    struct ec_dictionary dictionary;
    uint32_t *code;
    uint32_t *seen; /* entries that rows 0..r need */
};

static size_t value_bytes(enum ec_type type) {
    return ec_type_width(type);
}

static void put_value(enum ec_type type, void *values, size_t at, const struct cell *c) {
    switch (type) {
    case EC_TYPE_STRING: ((struct ec_text *)values)[at] = ec_text_of(c->s.p, c->s.n); break;
    case EC_TYPE_FLOAT: ((double *)values)[at] = c->d; break;
    case EC_TYPE_BOOLEAN: ((uint8_t *)values)[at] = (uint8_t)c->i; break;
    case EC_TYPE_DATE: ((int32_t *)values)[at] = (int32_t)c->i; break;
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: ((int64_t *)values)[at] = c->i; break;
    }
}

static uint64_t cell_hash(enum ec_type type, const struct cell *c) {
    return type == EC_TYPE_STRING ? ec_hash64(c->s.p, c->s.n) : ec_hash64(&c->i, 8);
}

static bool same_cell(enum ec_type type, const struct cell *a, const struct cell *b) {
    return type == EC_TYPE_STRING ? ec_str_eq(a->s, b->s) : a->i == b->i;
}

/* Codes in order of first appearance, with entries between that no row has; or, `backwards`, from
 * the table's end, so that the first row needs the whole dictionary. */
static void coder_init(struct coder *k, struct table *t, size_t column, uint64_t id, bool backwards) {
    enum ec_type type = t->column[column].type.type;
    size_t slots = 1024, rows = t->rows;
    while (slots < rows * 2) slots *= 2;
    uint32_t *slot = calloc(slots, sizeof *slot);
    const struct cell **first = calloc(rows * 2 + 1, sizeof *first);
    void *values = ec_arena_calloc(&t->arena, rows * 2 + 1, value_bytes(type));
    *k = (struct coder){.code = ec_arena_calloc(&t->arena, rows + 1, 4),
                        .seen = ec_arena_calloc(&t->arena, rows + 1, 4)};
    assert_true(slot && first && values && k->code && k->seen);
    uint32_t count = 0;
    for (size_t r = 0; r < rows; r++) {
        size_t row = backwards ? rows - 1 - r : r;
        const struct cell *c = table_at(t, row, column);
        k->code[row] = UINT32_MAX; /* of a null: means nothing */
        if (c->valid) {
            size_t at = cell_hash(type, c) & (slots - 1);
            while (slot[at] && !same_cell(type, first[slot[at] - 1], c)) at = (at + 1) & (slots - 1);
            if (!slot[at]) {
                if (count % 5 == 3) count++;
                first[count] = c;
                put_value(type, values, count, c);
                slot[at] = ++count;
            }
            k->code[row] = slot[at] - 1;
        }
        k->seen[row] = count;
    }
    for (size_t r = 0; backwards && r < rows; r++) k->seen[r] = count;
    k->dictionary = (struct ec_dictionary){.id = id, .values = values};
    free(slot);
    free(first);
}

enum how { PLAIN, CODED, MIXED };

struct cut {
    enum how how;
    size_t rows; /* of a batch at most */
    bool scattered;
};

struct source {
    const struct table *t;
    struct coder *coder; /* two per column */
    struct ec_batch batch;
    uint32_t (*code)[EC_BATCH_ROWS];
    void *values[16];
    uint64_t seed;
};

/* Rows from..from+n-1 at places list[0..n-1] of the batch. */
static void fill_batch(struct source *s, size_t from, size_t n, const uint32_t *list, enum how how) {
    const struct table *t = s->t;
    for (size_t c = 0; c < t->columns; c++) s->batch.column[c].values = s->values[c];
    ec_batch_reset(&s->batch);
    for (size_t c = 0; c < t->columns; c++) {
        struct ec_column *to = &s->batch.column[c];
        struct coder *k = &s->coder[c * 2 + table_random(&s->seed) % 2];
        bool coded = how == CODED || (how == MIXED && table_random(&s->seed) % 3);
        to->dictionary = NULL;
        for (size_t i = 0; i < n; i++) {
            table_batch_set(&s->batch, c, list[i], table_at(t, from + i, c));
            s->code[c][list[i]] = k->code[from + i];
        }
        if (!coded) continue;
        k->dictionary.count = k->seen[from + n - 1];
        to->dictionary = &k->dictionary;
        to->code = s->code[c];
        to->values = NULL;
    }
}

static void write_rows(struct source *s, struct ec_parquet *pq, const size_t *map, struct cut cut) {
    struct ec_err err = {0};
    uint32_t list[EC_BATCH_ROWS];
    for (size_t from = 0, n; from < s->t->rows; from += n) {
        n = 1 + table_random(&s->seed) % cut.rows;
        if (n > s->t->rows - from) n = s->t->rows - from;
        uint32_t row = 0;
        for (size_t i = 0; i < n; i++) {
            if (cut.scattered && row + n - i < EC_BATCH_ROWS) row += (uint32_t)(table_random(&s->seed) % 2);
            list[i] = row++;
        }
        fill_batch(s, from, n, list, cut.how);
        s->batch.rows = row;
        if (ec_parquet_append(pq, &s->batch, map, cut.scattered ? list : NULL, n, &err) != EC_OK)
            fail_msg("%s", err.message);
    }
}

static void write_file(const struct table *t, struct coder *coder, const char *path, size_t rows_per_group,
                       struct cut cut, uint64_t seed, struct ec_buf *bytes) {
    struct source s = {.t = t, .coder = coder, .seed = seed, .code = calloc(t->columns, sizeof *s.code)};
    struct ec_err err = {0};
    struct ec_parquet *pq;
    struct ec_part_stats stats;
    struct ec_parquet_options options = {t->column, t->columns, rows_per_group, EC_CODEC_ZSTD};
    size_t map[16];
    (void)unlink(path);
    assert_non_null(s.code);
    assert_int_equal(ec_batch_init(&s.batch, &err), EC_OK);
    for (size_t c = 0; c < t->columns; c++) {
        assert_int_equal(ec_batch_add_column(&s.batch, t->column[c].name, t->column[c].type, &map[c], &err), EC_OK);
        s.values[c] = s.batch.column[c].values;
    }
    assert_int_equal(ec_parquet_create(path, &options, &pq, &err), EC_OK);
    write_rows(&s, pq, map, cut);
    assert_int_equal(ec_parquet_finish(pq, &stats, &err), EC_OK);
    ec_part_stats_deinit(&stats);
    ec_parquet_destroy(pq);
    ec_batch_deinit(&s.batch);
    free(s.code);
    *bytes = ec_buf_make(256 * EC_MIB);
    assert_int_equal(ec_file_load(path, bytes, &err), EC_OK);
}

static void check_same(struct table *t, size_t rows_per_group) {
    static const struct cut cuts[] = {
        {CODED, EC_BATCH_ROWS, false}, {CODED, 500, true},           {MIXED, EC_BATCH_ROWS, false},
        {MIXED, 300, false},           {MIXED, EC_BATCH_ROWS, true},
    };
    const char *path = table_path("coded.parquet");
    struct coder *coder = calloc(t->columns * 2, sizeof *coder);
    assert_non_null(coder);
    for (size_t c = 0; c < t->columns; c++) {
        coder_init(&coder[c * 2], t, c, c * 2, false);
        coder_init(&coder[c * 2 + 1], t, c, c * 2 + 1, true);
    }
    struct ec_buf expected, got;
    write_file(t, coder, path, rows_per_group, (struct cut){PLAIN, EC_BATCH_ROWS, false}, 1, &expected);
    table_check(t, path);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        write_file(t, coder, path, rows_per_group, cuts[i], i + 17, &got);
        if (got.n != expected.n || memcmp(got.p, expected.p, got.n) != 0) {
            table_check(t, path);
            fail_msg("cut %zu: other bytes, of the same rows", i);
        }
        ec_buf_free(&got);
    }
    ec_buf_free(&expected);
    free(coder);
}

static void check_all_types(size_t rows, uint64_t spread, unsigned null_percent, size_t rows_per_group) {
    struct table t;
    uint64_t seed = rows * 7 + spread + null_percent + 3;
    table_init(&t, rows, ALL_TYPES);
    memcpy(t.column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t.columns; c++) table_fill(&t, c, c + 1 == t.columns ? 0 : spread, null_percent, &seed);
    check_same(&t, rows_per_group);
    table_deinit(&t);
}

static void test_every_type(void **state) {
    (void)state;
    check_all_types(5000, 1, 0, 100000);
    check_all_types(5000, 40, 20, 1700);
    check_all_types(9000, 900, 5, 4000);
    check_all_types(6000, 0, 0, 2500);
    check_all_types(3000, 30, 100, 1000);
}

/* Row groups large enough for the sample of numbers; some columns pay for a dictionary, some not. */
static void test_many_values(void **state) {
    (void)state;
    check_all_types(40000, 2000, 3, 30000);
    check_all_types(40000, 0, 30, 35000);
}

static void test_texts_whose_dictionary_gives_up(void **state) {
    (void)state;
    struct table t;
    uint64_t seed = 5;
    table_init(&t, 26000, 3);
    t.column[0] = (struct ec_parquet_column){"unique", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"long", {EC_TYPE_STRING, 0, 0}};
    t.column[2] = (struct ec_parquet_column){"few", {EC_TYPE_STRING, 0, 0}};
    table_fill(&t, 0, 0, 5, &seed);
    table_fill(&t, 2, 20, 5, &seed);
    char text[512];
    for (size_t r = 0; r < t.rows; r++) { /* 2,600 texts of 512 bytes: past a dictionary's bytes */
        memset(text, 'a' + (int)(r / 10 % 26), sizeof text);
        (void)snprintf(text, sizeof text, "%zu", r / 10);
        if (r % 50 != 49) table_text(&t, r, 1, text, sizeof text);
    }
    check_same(&t, 24000);
    table_deinit(&t);
}

/* More numbers than a dictionary holds, and as many as do not pay for one. */
static void test_numbers_whose_dictionary_gives_up(void **state) {
    (void)state;
    struct table t;
    static const struct ec_parquet_column columns[] = {
        {"many", {EC_TYPE_INTEGER, 0, 0}}, {"most", {EC_TYPE_FLOAT, 0, 0}}, {"day", {EC_TYPE_DATE, 0, 0}},
        {"late", {EC_TYPE_INTEGER, 0, 0}}, {"half", {EC_TYPE_FLOAT, 0, 0}},
    };
    table_init(&t, 170000, 5);
    memcpy(t.column, columns, sizeof columns);
    for (size_t r = 0; r < t.rows; r++) {
        uint64_t v = r * UINT64_C(0x9E3779B97F4A7C15);
        *table_at(&t, r, 0) = (struct cell){.valid = true, .i = (int64_t)v};
        *table_at(&t, r, 1) = (struct cell){.valid = r % 11 != 0, .d = (double)(r % 90000) / 3};
        *table_at(&t, r, 2) = (struct cell){.valid = true, .i = (int64_t)(v >> 44) - 400000};
        *table_at(&t, r, 3) = (struct cell){.valid = true, .i = (int64_t)(r < 80000 ? v % 7 : v)};
        *table_at(&t, r, 4) = (struct cell){.valid = true, .d = (double)(v >> 20 & 32767) / 3};
    }
    check_same(&t, 160000);
    table_deinit(&t);
}

static void test_a_row_group_ends_by_its_bytes(void **state) {
    (void)state;
    struct table t;
    table_init(&t, 700, 2);
    t.column[0] = (struct ec_parquet_column){"big", {EC_TYPE_STRING, 0, 0}};
    t.column[1] = (struct ec_parquet_column){"n", {EC_TYPE_INTEGER, 0, 0}};
    for (size_t r = 0; r < t.rows; r++) {
        struct cell *c = table_at(&t, r, 0);
        if (r < 40) {
            size_t n = (size_t)100000 + r * 9000;
            char *text = ec_arena_alloc(&t.arena, n);
            assert_non_null(text);
            memset(text, 'a' + (int)(r % 26), n);
            *c = (struct cell){.valid = true, .s = {text, n}};
        } else {
            *c = *table_at(&t, r * 31 % 40, 0);
        }
        *table_at(&t, r, 1) = (struct cell){.valid = true, .i = (int64_t)(r % 9)};
    }
    check_same(&t, 100000);
    assert_true(table_query_int("SELECT num_row_groups FROM parquet_file_metadata('%s')", table_path("coded.parquet")) >
                2);
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_texts_whose_dictionary_gives_up),
        cmocka_unit_test(test_numbers_whose_dictionary_gives_up),
        cmocka_unit_test(test_a_row_group_ends_by_its_bytes),
    };
    return cmocka_run_group_tests_name("parquet_coded", tests, table_open, table_close);
}
