/* A table of cells against a file of it, read by our own reader in every way that it has. */
#ifndef TEST_STORE_PARQUET_READ_TABLE_H
#define TEST_STORE_PARQUET_READ_TABLE_H

#include "parquet_table.h"

#include "store/parquet_read.h"

static inline void read_check_value(struct ec_column_type type, const void *values, size_t i, const struct cell *c) {
    switch (type.type) {
    case EC_TYPE_STRING: {
        const struct ec_text *t = (const struct ec_text *)values + i;
        assert_int_equal(t->n, c->s.n);
        assert_memory_equal(ec_text_bytes(t), c->s.p, c->s.n);
        struct ec_text same = ec_text_of(ec_text_bytes(t), t->n); /* padding and prefix too */
        assert_memory_equal(t, &same, sizeof same);
        break;
    }
    case EC_TYPE_FLOAT: assert_memory_equal((const double *)values + i, &c->d, 8); break;
    case EC_TYPE_BOOLEAN: assert_int_equal(((const uint8_t *)values)[i], c->i); break;
    case EC_TYPE_DATE: assert_int_equal(((const int32_t *)values)[i], c->i); break;
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: assert_int_equal(((const int64_t *)values)[i], c->i); break;
    }
}

static inline size_t read_width(struct ec_column_type type) {
    return type.type == EC_TYPE_STRING ? sizeof(struct ec_text) : ec_type_width(type.type);
}

static inline void read_check_zero(const void *values, size_t i, size_t width) {
    static const char zero[16];
    assert_memory_equal((const char *)values + i * width, zero, width);
}

static inline void read_check_all(const struct table *t, struct ec_parquet_chunk *chunk, size_t first, size_t column) {
    struct ec_err err = {0};
    if (ec_parquet_chunk_all(chunk, &err) != EC_OK) fail_msg("%s", err.message);
    size_t values = 0;
    for (uint32_t r = 0; r < chunk->rows; r++) {
        const struct cell *c = table_at(t, first + r, column);
        bool valid = !chunk->valid || ec_bit(chunk->valid, r);
        assert_int_equal(valid, c->valid);
        values += valid;
        if (r < chunk->coded_rows) {
            if (valid) {
                assert_true(chunk->code[r] < chunk->dictionary_count);
                read_check_value(chunk->type, chunk->dictionary, chunk->code[r], c);
            } else {
                assert_int_equal(chunk->code[r], 0);
            }
        } else if (valid) {
            read_check_value(chunk->type, chunk->plain, r - chunk->coded_rows, c);
        } else {
            read_check_zero(chunk->plain, r - chunk->coded_rows, read_width(chunk->type));
        }
    }
    assert_int_equal(values, chunk->values);
}

/* Arrays with a guard behind them. */
struct read_arrays {
    uint64_t *valid;
    uint32_t *code;
    char *values;
    struct ec_arena arena;
};

static inline void read_check_some(const struct table *t, const struct ec_parquet_chunk *chunk, size_t first,
                                   size_t column, const struct ec_parquet_rows *out, const uint32_t *rows,
                                   uint32_t from, size_t n) {
    size_t nulls = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = out->first + i;
        const struct cell *c = table_at(t, first + (rows ? rows[i] : from + i), column);
        assert_int_equal(ec_bit(out->valid, at), c->valid);
        nulls += !c->valid;
        if (i < out->coded) {
            assert_true(out->code[at] < chunk->dictionary_count);
            if (c->valid)
                read_check_value(chunk->type, chunk->dictionary, out->code[at], c);
            else
                assert_int_equal(out->code[at], 0);
        } else if (c->valid) {
            read_check_value(chunk->type, out->values, at, c);
        } else {
            read_check_zero(out->values, at, read_width(chunk->type));
        }
    }
    assert_int_equal(nulls, out->nulls);
}

/* Rows [from, from + n) or every so manieth of them, to the places from `place` on. */
static inline void read_check_rows(const struct table *t, struct ec_parquet_chunk *chunk, size_t first, size_t column,
                                   uint32_t from, uint32_t n, uint32_t step, bool codes, size_t place, uint64_t *seed) {
    struct ec_err err = {0};
    size_t width = read_width(chunk->type), room = place + n;
    struct read_arrays a = {
        .valid = malloc((room + 63) / 64 * 8), .code = malloc(room * 4 + 1), .values = malloc(room * width + 1)};
    uint32_t *rows = malloc(n * sizeof *rows + 1);
    assert_true(a.valid && a.code && a.values && rows);
    memset(a.valid, 0x5a, (room + 63) / 64 * 8);
    ec_arena_init(&a.arena, 512 * EC_MIB);
    size_t count = 0;
    for (uint32_t r = from; step && r < from + n; r += 1 + (uint32_t)(table_random(seed) % (2 * step - 1)))
        rows[count++] = r;
    struct ec_parquet_rows out = {
        .valid = a.valid, .code = codes ? a.code : NULL, .values = a.values, .first = place, .arena = &a.arena};
    enum ec_status status = step ? ec_parquet_chunk_rows(chunk, rows, count, &out, &err)
                                 : ec_parquet_chunk_range(chunk, from, n, &out, &err);
    if (status != EC_OK) fail_msg("%s", err.message);
    if (!step) count = n;
    if (!codes) assert_int_equal(out.coded, 0);
    for (size_t i = 0; i < place; i++) assert_int_equal(ec_bit(a.valid, i), 0x5a >> (i % 8) & 1);
    for (size_t i = place + count; i < (room + 63) / 64 * 64; i++)
        assert_int_equal(ec_bit(a.valid, i), 0x5a >> (i % 8) & 1);
    read_check_some(t, chunk, first, column, &out, step ? rows : NULL, from, count);
    free(a.valid);
    free(a.code);
    free(a.values);
    free(rows);
    ec_arena_deinit(&a.arena);
}

static inline void read_check_column(const struct table *t, struct ec_parquet_file *file,
                                     struct ec_parquet_chunk *chunk, size_t column) {
    struct ec_err err = {0};
    uint64_t seed = column + 1;
    size_t at = ec_parquet_find(file, t->column[column].name), rows = 0;
    assert_true(at < ec_parquet_columns(file));
    assert_memory_equal(&ec_parquet_file_column(file, at)->type, &t->column[column].type,
                        sizeof(struct ec_column_type));
    for (size_t g = 0; g < ec_parquet_groups(file); g++) {
        if (ec_parquet_chunk_open(chunk, file, g, at, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(chunk->rows, ec_parquet_group_rows(file, g));
        assert_int_equal(rows, ec_parquet_group_first(file, g));
        read_check_all(t, chunk, rows, column);
        for (uint32_t from = 0, n; from < chunk->rows; from += n) { /* a batch after the other, as a scan asks */
            n = 1 + (uint32_t)(table_random(&seed) % 4000);
            if (n > chunk->rows - from) n = chunk->rows - from;
            read_check_rows(t, chunk, rows, column, from, n, 0, from % 3 != 0, from % 100, &seed);
        }
        read_check_rows(t, chunk, rows, column, 0, chunk->rows, 0, true, 0, &seed);
        read_check_rows(t, chunk, rows, column, 0, chunk->rows, 0, false, 0, &seed);
        for (uint32_t step = 1; step < 3000; step *= 7) {
            uint32_t from = (uint32_t)(table_random(&seed) % chunk->rows);
            read_check_rows(t, chunk, rows, column, from, chunk->rows - from, step, step % 2, step % 70, &seed);
        }
        read_check_all(t, chunk, rows, column);
        rows += chunk->rows;
    }
    assert_int_equal(rows, t->rows);
}

/* The whole of a file against the table. */
static inline void read_check(const struct table *t, const char *path) {
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    if (ec_parquet_open(path, &file, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_parquet_columns(file), t->columns);
    assert_int_equal(ec_parquet_rows(file), t->rows);
    for (size_t c = 0; c < t->columns; c++) read_check_column(t, file, &chunk, c);
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
}

#endif
