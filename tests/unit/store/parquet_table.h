/* A table held as plain cells, the oracle of the encoder's tests: written through
 * ec_parquet_append() in any batching, read back through DuckDB, compared cell by cell. */
#ifndef TEST_STORE_PARQUET_TABLE_H
#define TEST_STORE_PARQUET_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "store/parquet.h"

#include <duckdb.h>
#include <stdlib.h>
#include <unistd.h>

struct cell {
    bool valid;
    union {
        int64_t i;
        double d;
        struct ec_str s;
    };
};

struct table {
    struct ec_arena arena;
    struct ec_parquet_column column[16];
    size_t columns;
    size_t rows;
    struct cell *cell; /* rows * columns, row by row */
};

/* xorshift64: the same rows in every run. */
static inline uint64_t table_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void table_init(struct table *t, size_t rows, size_t columns) {
    *t = (struct table){.columns = columns, .rows = rows};
    ec_arena_init(&t->arena, 512 * EC_MIB);
    t->cell = ec_arena_calloc(&t->arena, rows * columns + 1, sizeof *t->cell);
    assert_non_null(t->cell);
}

static inline void table_deinit(struct table *t) {
    ec_arena_deinit(&t->arena);
}

static inline struct cell *table_at(const struct table *t, size_t row, size_t column) {
    return &t->cell[row * t->columns + column];
}

static inline void table_text(struct table *t, size_t row, size_t column, const char *p, size_t n) {
    char *copy = ec_arena_copy(&t->arena, p, n);
    assert_non_null(copy);
    *table_at(t, row, column) = (struct cell){.valid = true, .s = {copy, n}};
}

static const struct ec_parquet_column table_all_types[] = {
    {"text", {EC_TYPE_STRING, 0, 0}},   {"number", {EC_TYPE_INTEGER, 0, 0}},  {"real", {EC_TYPE_FLOAT, 0, 0}},
    {"flag", {EC_TYPE_BOOLEAN, 0, 0}},  {"moment", {EC_TYPE_DATETIME, 0, 0}}, {"day", {EC_TYPE_DATE, 0, 0}},
    {"small", {EC_TYPE_DECIMAL, 4, 2}}, {"price", {EC_TYPE_DECIMAL, 9, 2}},   {"amount", {EC_TYPE_DECIMAL, 18, 4}},
    {"id", {EC_TYPE_STRING, 0, 0}},
};
enum { ALL_TYPES = sizeof table_all_types / sizeof *table_all_types };

/* `spread` is how many different values a column draws from; 0: all that there are. */
static inline void table_fill(struct table *t, size_t column, uint64_t spread, unsigned null_percent, uint64_t *seed) {
    for (size_t r = 0; r < t->rows; r++) {
        struct cell *c = table_at(t, r, column);
        uint64_t v = table_random(seed);
        if (table_random(seed) % 100 < null_percent) continue;
        if (spread) v %= spread;
        c->valid = true;
        switch (t->column[column].type.type) {
        case EC_TYPE_STRING: {
            char text[128] = "";
            int n = spread && v % 7 == 0 ? 0 : snprintf(text, sizeof text, "%llx", (unsigned long long)v);
            for (uint64_t k = v % 40; n > 0 && k > 0; k--) text[n++] = (char)('a' + (v + k) % 26);
            table_text(t, r, column, text, (size_t)n);
            break;
        }
        case EC_TYPE_INTEGER: c->i = (int64_t)v - (spread ? 50 : 0); break;
        case EC_TYPE_FLOAT: c->d = spread ? (double)v / 4 : (double)(int64_t)v / 1e6; break;
        case EC_TYPE_BOOLEAN: c->i = v & 1; break;
        case EC_TYPE_DATETIME: c->i = (int64_t)(v % 4000000000000000) - 2000000000000000; break;
        case EC_TYPE_DATE: c->i = (int64_t)(v % 100000) - 50000; break;
        case EC_TYPE_DECIMAL: {
            int64_t limit = 1;
            for (unsigned k = 0; k < t->column[column].type.precision; k++) limit *= 10;
            c->i = (int64_t)(v % (2 * (uint64_t)limit - 1)) - limit + 1;
            break;
        }
        }
    }
}

static inline void table_batch_set(struct ec_batch *b, size_t column, size_t row, const struct cell *c) {
    struct ec_column *to = &b->column[column];
    if (!c->valid) return;
    ec_bit_set(to->valid, row);
    switch (to->type.type) {
    case EC_TYPE_STRING: ec_column_text(to)[row] = ec_text_of(c->s.p, c->s.n); break;
    case EC_TYPE_FLOAT: ec_column_double(to)[row] = c->d; break;
    case EC_TYPE_BOOLEAN: ec_column_bool(to)[row] = (uint8_t)c->i; break;
    case EC_TYPE_DATE: ec_column_days(to)[row] = (int32_t)c->i; break;
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: ec_column_int(to)[row] = c->i; break;
    }
}

/* How rows are cut into batches: `rows` each, or of random sizes up to it; scattered between
 * junk that a row list passes over. */
struct batching {
    size_t rows;
    bool random;
    bool scattered;
};

/* Appends the table's rows [from, to). Stops at the first failure and returns it. */
static inline enum ec_status table_append(const struct table *t, struct ec_parquet *pq, size_t from, size_t to,
                                          struct batching how, struct ec_err *err) {
    struct ec_batch b;
    enum ec_status status = ec_batch_init(&b, err);
    if (status != EC_OK) return status;
    size_t map[16];
    for (size_t i = 0; i < t->columns && status == EC_OK; i++)
        status = ec_batch_add_column(&b, t->column[i].name, t->column[i].type, &map[i], err);
    uint64_t seed = 7;
    uint32_t list[EC_BATCH_ROWS];
    while (from < to && status == EC_OK) {
        size_t n = how.random ? 1 + table_random(&seed) % how.rows : how.rows, row = 0;
        if (n > to - from) n = to - from;
        ec_batch_reset(&b);
        for (size_t i = 0; i < n; i++) {
            if (how.scattered && row + n - i < EC_BATCH_ROWS && table_random(&seed) % 2) {
                struct cell junk = {.valid = true};
                for (size_t c = 0; c < t->columns; c++)
                    if (t->column[c].type.type != EC_TYPE_STRING) table_batch_set(&b, c, row, &junk);
                row++;
            }
            for (size_t c = 0; c < t->columns; c++) table_batch_set(&b, c, row, table_at(t, from + i, c));
            list[i] = (uint32_t)row++;
        }
        b.rows = row;
        status = ec_parquet_append(pq, &b, map, how.scattered ? list : NULL, n, err);
        from += n;
    }
    ec_batch_deinit(&b);
    return status;
}

static inline void table_write(const struct table *t, const char *path, size_t rows_per_group, enum ec_codec codec,
                               struct batching how, struct ec_part_stats *stats) {
    struct ec_err err = {0};
    struct ec_parquet *pq;
    struct ec_parquet_options options = {t->column, t->columns, rows_per_group, codec};
    struct ec_part_stats local;
    (void)unlink(path);
    if (ec_parquet_create(path, &options, &pq, &err) != EC_OK || table_append(t, pq, 0, t->rows, how, &err) != EC_OK ||
        ec_parquet_finish(pq, stats ? stats : &local, &err) != EC_OK)
        fail_msg("%s", err.message);
    ec_parquet_destroy(pq);
    if (!stats) ec_part_stats_deinit(&local);
}

/* One DuckDB and one folder per program. */
static duckdb_database table_db;
static duckdb_connection table_connection;
static char table_dir[] = "/tmp/ec_test_parquet_XXXXXX";

static inline int table_open(void **state) {
    (void)state;
    assert_non_null(mkdtemp(table_dir));
    assert_int_equal(duckdb_open(NULL, &table_db), DuckDBSuccess);
    assert_int_equal(duckdb_connect(table_db, &table_connection), DuckDBSuccess);
    duckdb_query(table_connection, "SET threads=1", NULL);
    return 0;
}

static inline int table_close(void **state) {
    (void)state;
    duckdb_disconnect(&table_connection);
    duckdb_close(&table_db);
    struct ec_err err = {0};
    assert_int_equal(ec_dir_remove(table_dir, true, &err), EC_OK);
    return 0;
}

static inline const char *table_path(const char *name) {
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, name);
    return path;
}

/* A query whose %s is the file. */
static inline void table_query(const char *format, const char *path, duckdb_result *result) {
    char sql[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(sql, sizeof sql, format, path);
#pragma GCC diagnostic pop
    if (duckdb_query(table_connection, sql, result) != DuckDBSuccess) fail_msg("%s", duckdb_result_error(result));
}

/* The first cell of a query that gives one BIGINT (cast it). */
static inline int64_t table_query_int(const char *format, const char *path) {
    duckdb_result result;
    table_query(format, path, &result);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    assert_non_null(chunk);
    assert_int_equal(duckdb_column_type(&result, 0), DUCKDB_TYPE_BIGINT);
    int64_t v = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return v;
}

static inline void table_query_text(const char *format, const char *path, char *out, size_t out_size) {
    duckdb_result result;
    table_query(format, path, &result);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    assert_non_null(chunk);
    assert_int_equal(duckdb_column_type(&result, 0), DUCKDB_TYPE_VARCHAR);
    duckdb_string_t *s = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    (void)snprintf(out, out_size, "%.*s", (int)duckdb_string_t_length(*s), duckdb_string_t_data(s));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
}

static inline duckdb_type table_duckdb_type(enum ec_type type) {
    switch (type) {
    case EC_TYPE_STRING: return DUCKDB_TYPE_VARCHAR;
    case EC_TYPE_INTEGER: return DUCKDB_TYPE_BIGINT;
    case EC_TYPE_FLOAT: return DUCKDB_TYPE_DOUBLE;
    case EC_TYPE_BOOLEAN: return DUCKDB_TYPE_BOOLEAN;
    case EC_TYPE_DATETIME: return DUCKDB_TYPE_TIMESTAMP_TZ;
    case EC_TYPE_DATE: return DUCKDB_TYPE_DATE;
    case EC_TYPE_DECIMAL: return DUCKDB_TYPE_DECIMAL;
    }
    return DUCKDB_TYPE_INVALID;
}

static inline void table_check_cell(duckdb_vector vector, struct ec_column_type type, const struct cell *c, idx_t i) {
    uint64_t *valid = duckdb_vector_get_validity(vector);
    assert_int_equal(!valid || duckdb_validity_row_is_valid(valid, i), c->valid);
    if (!c->valid) return;
    void *data = duckdb_vector_get_data(vector);
    if (type.type == EC_TYPE_STRING) {
        duckdb_string_t *s = (duckdb_string_t *)data + i;
        assert_int_equal(duckdb_string_t_length(*s), c->s.n);
        assert_memory_equal(duckdb_string_t_data(s), c->s.p, c->s.n);
    } else if (type.type == EC_TYPE_FLOAT) {
        assert_memory_equal((double *)data + i, &c->d, 8); /* bits: NaN and the sign of zero too */
    } else if (type.type == EC_TYPE_BOOLEAN) {
        assert_int_equal(((bool *)data)[i], c->i);
    } else if (type.type == EC_TYPE_DATE ||
               (type.type == EC_TYPE_DECIMAL && type.precision > 4 && type.precision <= 9)) {
        assert_int_equal(((int32_t *)data)[i], c->i);
    } else if (type.type == EC_TYPE_DECIMAL && type.precision <= 4) {
        assert_int_equal(((int16_t *)data)[i], c->i);
    } else {
        assert_int_equal(((int64_t *)data)[i], c->i);
    }
}

static inline void table_check_type(duckdb_result *result, idx_t i, const struct ec_parquet_column *column) {
    assert_string_equal(duckdb_column_name(result, i), column->name);
    assert_int_equal(duckdb_column_type(result, i), table_duckdb_type(column->type.type));
    if (column->type.type != EC_TYPE_DECIMAL) return;
    duckdb_logical_type type = duckdb_column_logical_type(result, i);
    assert_int_equal(duckdb_decimal_width(type), column->type.precision);
    assert_int_equal(duckdb_decimal_scale(type), column->type.scale);
    duckdb_destroy_logical_type(&type);
}

/* Reads the file with DuckDB and compares names, types, and every cell in order. */
static inline void table_check(const struct table *t, const char *path) {
    duckdb_result result;
    table_query("SELECT * FROM read_parquet('%s')", path, &result);
    assert_int_equal(duckdb_column_count(&result), t->columns);
    for (idx_t i = 0; i < t->columns; i++) table_check_type(&result, i, &t->column[i]);
    size_t row = 0;
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result)) != NULL; duckdb_destroy_data_chunk(&chunk)) {
        idx_t n = duckdb_data_chunk_get_size(chunk);
        assert_true(row + n <= t->rows);
        for (idx_t c = 0; c < t->columns; c++) {
            duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);
            for (idx_t i = 0; i < n; i++) table_check_cell(vector, t->column[c].type, table_at(t, row + i, c), i);
        }
        row += n;
    }
    assert_int_equal(row, t->rows);
    duckdb_destroy_result(&result);
}

#endif
