/* Rows of an export in order, and rows that are kept as a temporary table: both against what DuckDB says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "run/export_order.h"
#include "sql/session.h"

#include <math.h>
#include <stdlib.h>

#define ROWS    5000u
#define COLUMNS 7u

static const struct ec_column_type types[COLUMNS] = {{.type = EC_TYPE_DATE},    {.type = EC_TYPE_STRING},  {.type = EC_TYPE_INTEGER}, {.type = EC_TYPE_FLOAT},
                                                     {.type = EC_TYPE_BOOLEAN}, {EC_TYPE_DECIMAL, 12, 2}, {.type = EC_TYPE_DATETIME}};
static const char *const names[COLUMNS] = {"day", "kind", "n", "x", "flag", "money", "moment"};
static unsigned seed = 7;

static unsigned dice(unsigned n) {
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % n;
}

static const char *const words[] = {"", "a", "A", "ab", "abcdefghijkl", "abcdefghijklm", "abcdefghijklmnop", "\xC3\xA9t\xC3\xA9", "z", "\xF0\x9F\x92\xA9", "a b", "a-b"};
static const double numbers[] = {0, -0.0, 1.5, -1.5, 1e300, -1e300, 0.1};

static void set(struct ec_column *c, size_t row) {
    size_t word = dice(sizeof words / sizeof *words);
    switch (c->type.type) {
    case EC_TYPE_DATE: ec_column_days(c)[row] = (int32_t)dice(40) - 20; break;
    case EC_TYPE_STRING: ec_column_text(c)[row] = ec_text_of(words[word], strlen(words[word])); break;
    case EC_TYPE_FLOAT: ec_column_double(c)[row] = dice(9) == 0 ? (double)NAN : dice(9) == 0 ? -(double)INFINITY : numbers[dice(7)]; break;
    case EC_TYPE_BOOLEAN: ec_column_bool(c)[row] = (uint8_t)dice(2); break;
    default: ec_column_int(c)[row] = (int64_t)dice(100) * (dice(3) == 0 ? -1000003 : 1); break;
    }
}

static void fill(struct ec_batch *batch, struct ec_arena *arena) {
    *batch = (struct ec_batch){.rows = ROWS, .columns = COLUMNS, .column = ec_arena_calloc(arena, COLUMNS, sizeof *batch->column)};
    for (size_t i = 0; i < COLUMNS; i++) {
        struct ec_column *c = &batch->column[i];
        *c = (struct ec_column){.name = names[i], .type = types[i], .valid = ec_arena_calloc(arena, ROWS / 64 + 1, sizeof *c->valid),
                                .values = ec_arena_calloc(arena, ROWS, ec_type_width(types[i].type))};
        for (size_t row = 0; row < ROWS; row++) {
            if (i != 2 && dice(8) == 0) continue; /* null */
            ec_bit_set(c->valid, row);
            set(c, row);
        }
    }
    for (size_t row = 0; row < ROWS; row++) ec_column_int(&batch->column[2])[row] = (int64_t)dice(50); /* ties, broken by the rest */
}

static bool same(const struct ec_column *a, size_t row, const struct ec_column *b, size_t at) {
    bool known = ec_bit(a->valid, row);
    if (known != ec_bit(b->valid, at)) return false;
    if (!known) return true;
    if (a->type.type == EC_TYPE_STRING) return ec_str_eq(ec_text_str(&ec_column_text(a)[row]), ec_text_str(&ec_column_text(b)[at]));
    if (a->type.type == EC_TYPE_FLOAT) {
        double x = ec_column_double(a)[row], y = ec_column_double(b)[at];
        return isnan(x) ? isnan(y) : x == y; /* 0 and -0 are equal in order */
    }
    size_t width = ec_type_width(a->type.type);
    return memcmp((const char *)a->values + row * width, (const char *)b->values + at * width, width) == 0;
}

/* DuckDB is given the rows as they are, and asked for them in the order of the statement of export.c. */
static void rows_come_as_duckdb_orders_them(void **state) {
    (void)state;
    static const char *const in_path[] = {"kind", "day"};
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB};
    struct ec_sql *sql;
    struct ec_arena arena;
    struct ec_batch batch;
    struct ec_err err = {0};
    assert_int_equal(ec_sql_open(&options, &sql, NULL), EC_OK);
    ec_arena_init(&arena, 64 * EC_MIB);
    for (int round = 0; round < 3; round++) {
        fill(&batch, &arena);
        if (ec_sql_keep(sql, "kept rows", &batch, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(ec_export_add_texts(&batch, in_path, 2, &arena, &err), EC_OK);
        assert_int_equal(batch.columns, COLUMNS + 2);
        uint32_t *order = ec_arena_calloc(&arena, ROWS, sizeof *order);
        ec_export_order(&batch, COLUMNS, order);
        struct ec_sql_rows *rows;
        struct ec_batch *got;
        size_t at = 0;
        if (ec_sql_query(sql, "SELECT *, CAST(kind AS VARCHAR) AS a, CAST(day AS VARCHAR) AS b FROM temp.\"kept rows\" ORDER BY a, b, day, kind, n, x, flag, money, moment", &rows, &err) != EC_OK) fail_msg("%s", err.message);
        for (;;) {
            assert_int_equal(ec_sql_next(rows, &got, &err), EC_OK);
            if (got->rows == 0) break;
            for (size_t row = 0; row < got->rows; row++, at++)
                for (size_t i = 0; i < batch.columns; i++)
                    if (!same(&batch.column[i], order[at], &got->column[i], row)) fail_msg("row %zu, column %s", at, got->column[i].name);
        }
        assert_int_equal(at, ROWS);
        ec_sql_rows_close(rows);
        ec_arena_reset(&arena);
    }
    ec_arena_deinit(&arena);
    ec_sql_close(sql);
}

static void what_is_not_ours_to_say_is_refused(void **state) {
    (void)state;
    static const char *const numbers_in_path[] = {"x"}, *const none[] = {"nothing"};
    struct ec_arena arena;
    struct ec_batch batch;
    ec_arena_init(&arena, 64 * EC_MIB);
    fill(&batch, &arena);
    assert_int_equal(ec_export_add_texts(&batch, numbers_in_path, 1, &arena, NULL), EC_TABLE_FORMAT);
    fill(&batch, &arena);
    assert_int_equal(ec_export_add_texts(&batch, none, 1, &arena, NULL), EC_TABLE_FORMAT);
    fill(&batch, &arena);
    for (size_t row = 0; row < ROWS; row++) ec_bit_set(batch.column[0].valid, row);
    ec_column_days(&batch.column[0])[77] = 5000000; /* the year 15659 */
    assert_int_equal(ec_export_add_texts(&batch, names, 1, &arena, NULL), EC_TABLE_FORMAT);
    ec_arena_deinit(&arena);
}

static void a_batch_that_is_too_wide(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB};
    struct ec_batch wide = {.columns = EC_COLUMNS_MAX + 1};
    struct ec_err err = {0};
    struct ec_sql *sql;
    assert_int_equal(ec_sql_open(&options, &sql, NULL), EC_OK);
    assert_int_equal(ec_sql_keep(sql, "wide", &wide, &err), EC_ENGINE);
    assert_string_equal(err.message, "wide has more than 2048 columns");
    ec_sql_close(sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_as_duckdb_orders_them),
        cmocka_unit_test(a_batch_that_is_too_wide),
        cmocka_unit_test(what_is_not_ours_to_say_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
