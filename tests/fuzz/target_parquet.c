/* The encoder: a table made of the input's bytes, written by store/parquet.h in some batching, coding, codec and group
 * size, is read back by DuckDB and by our own reader, cell by cell, equal.
 *
 * The input is consumed as: columns (a byte each for type and number, up to 8 behind a count), then for every cell
 * what its type takes. Where the bytes give out they are begun again, differently, up to the rows that were asked
 * for: pages, dictionaries and runs need many rows. */
#include "kit.h"

#include "base/coder.h"
#include "base/io.h"
#include "base/utf8.h"
#include "store/parquet_read.h"

#include <duckdb.h>
#include <stdlib.h>
#include <unistd.h>

#define COLUMNS_MAX 8u
#define ROWS_FEW    300u
#define ROWS_MAX    6000u

struct input {
    const uint8_t *p;
    size_t n, at;
    uint64_t lap; /* how often the bytes were begun again */
};

static uint8_t next(struct input *in) {
    if (in->n == 0) return 0;
    if (in->at == in->n) in->at = 0, in->lap += 0x9d;
    return (uint8_t)(in->p[in->at++] ^ (in->lap >> (in->at % 4)));
}

static uint64_t next_n(struct input *in, size_t n) {
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) value = value << 8 | next(in);
    return value;
}

struct cell {
    bool valid;
    int64_t i;
    double d;
    struct ec_str s;
};

struct table {
    struct ec_arena arena;
    struct ec_parquet_column column[COLUMNS_MAX];
    char name[COLUMNS_MAX][16];
    uint8_t habit[COLUMNS_MAX]; /* how its values are drawn */
    size_t columns, rows;
    struct cell *cell;
};

/* ---- a table of bytes ---- */

static int64_t power_of_ten(unsigned n) {
    int64_t power = 1;
    while (n-- > 0) power *= 10;
    return power;
}

static int64_t signed_of(struct input *in, uint8_t habit) {
    uint64_t bits = next_n(in, habit % 4 == 0 ? 8 : 1 + habit % 4);
    return habit & 8 ? -(int64_t)(bits >> 1) : (int64_t)bits;
}

static struct ec_str text_of(struct table *t, struct input *in, uint8_t habit) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz/-_ 0123456789";
    size_t n = habit & 16 ? next(in) % 64 : next(in) % 14;
    if (habit & 32) n = n % 3;
    char *text = ec_arena_alloc(&t->arena, n + 1);
    if (!text) fuzz_fail("no memory");
    for (size_t i = 0; i < n; i++)
        text[i] = habit & 64 ? (char)(next(in) & 0x7f) : letters[next(in) % (sizeof letters - 1)];
    if (habit & 128 && n >= 2) memcpy(text + n - 2, "\xc3\xa9", 2);
    return (struct ec_str){text, n};
}

static struct cell make_cell(struct table *t, size_t column, struct input *in) {
    struct cell c = {.valid = true};
    struct ec_column_type type = t->column[column].type;
    uint8_t habit = t->habit[column];
    if ((habit & 3) && next(in) % 8 < (habit & 3)) return (struct cell){0};
    switch (type.type) {
    case EC_TYPE_STRING: c.s = text_of(t, in, habit); break;
    case EC_TYPE_INTEGER: c.i = signed_of(in, habit); break;
    case EC_TYPE_FLOAT: {
        uint64_t bits = next_n(in, 8);
        memcpy(&c.d, &bits, 8);
        if (habit & 16) c.d = (double)signed_of(in, habit) / 100;
        break;
    }
    case EC_TYPE_BOOLEAN: c.i = next(in) & 1; break;
    case EC_TYPE_DATETIME:
        c.i = (int64_t)(next_n(in, habit & 16 ? 7 : 2) % 400000000000000000u) - 60000000000000000;
        break;
    case EC_TYPE_DATE: c.i = (int64_t)(next_n(in, habit & 16 ? 3 : 1) % 3652059) - 719162; break;
    case EC_TYPE_DECIMAL: c.i = signed_of(in, habit) % power_of_ten(type.precision); break;
    }
    return c;
}

static void make_table(struct table *t, struct input *in) {
    ec_arena_init(&t->arena, 64 * EC_MIB);
    t->columns = 1 + next(in) % COLUMNS_MAX;
    for (size_t i = 0; i < t->columns; i++) {
        uint8_t kind = next(in);
        (void)snprintf(t->name[i], sizeof t->name[i], "c%zu", i);
        t->column[i] = (struct ec_parquet_column){t->name[i], {.type = (enum ec_type)(kind % 7)}};
        if (kind % 7 == EC_TYPE_DECIMAL) {
            t->column[i].type.precision = (uint8_t)(1 + kind / 7 % 18);
            t->column[i].type.scale = (uint8_t)(kind / 7 % (t->column[i].type.precision + 1u));
        }
        t->habit[i] = next(in);
    }
    size_t most = next(in) % 8 ? ROWS_FEW : ROWS_MAX;
    t->rows = next_n(in, 2) % most;
    if (t->rows > 64 * in->n) t->rows = 64 * in->n;
    t->cell = ec_arena_calloc(&t->arena, t->rows * t->columns + 1, sizeof *t->cell);
    if (!t->cell) fuzz_fail("no memory");
    for (size_t i = 0; i < t->rows * t->columns; i++) t->cell[i] = make_cell(t, i % t->columns, in);
}

/* ---- writing ---- */

static void set(struct ec_batch *b, size_t column, size_t row, const struct cell *c) {
    struct ec_column *to = &b->column[column];
    if (!c->valid) return;
    ec_bit_set(to->valid, row);
    switch (to->type.type) {
    case EC_TYPE_STRING: ec_column_text(to)[row] = ec_text_of(c->s.p, c->s.n); break;
    case EC_TYPE_FLOAT: ec_column_double(to)[row] = c->d; break;
    case EC_TYPE_BOOLEAN: ec_column_bool(to)[row] = (uint8_t)c->i; break;
    case EC_TYPE_DATE: ec_column_days(to)[row] = (int32_t)c->i; break;
    default: ec_column_int(to)[row] = c->i; break;
    }
}

/* Batches of `most` rows, every `skip`-th place in them passed over by the list of rows. */
static void append(const struct table *t, struct ec_parquet *pq, size_t most, size_t skip, bool coded) {
    struct ec_batch b;
    struct ec_coder *coder = NULL;
    struct ec_err err = {0};
    size_t map[COLUMNS_MAX];
    static uint32_t list[EC_BATCH_ROWS];
    fuzz_need(ec_batch_init(&b, &err), &err);
    for (size_t i = 0; i < t->columns; i++)
        fuzz_need(ec_batch_add_column(&b, t->column[i].name, t->column[i].type, &map[i], &err), &err);
    if (coded) fuzz_need(ec_coder_create(&b, &coder, &err), &err);
    for (size_t from = 0; from < t->rows;) {
        size_t row = 0, n = 0;
        ec_batch_reset(&b);
        for (; row < most && from + n < t->rows; row++) {
            if (skip && row % skip == skip - 1) continue;
            for (size_t c = 0; c < t->columns; c++) set(&b, c, row, &t->cell[(from + n) * t->columns + c]);
            list[n++] = (uint32_t)row;
        }
        b.rows = row;
        if (coded) ec_coder_run(coder, &b);
        fuzz_need(ec_parquet_append(pq, &b, map, skip ? list : NULL, n, &err), &err);
        from += n;
    }
    ec_coder_destroy(coder);
    ec_batch_deinit(&b);
}

static void check_stats(const struct table *t, const struct ec_part_stats *stats) {
    FUZZ_CHECK(stats->rows == t->rows && stats->column_count == t->columns, "%llu rows in the statistics",
               (unsigned long long)stats->rows);
    for (size_t c = 0; c < t->columns; c++) {
        const struct ec_part_column *column = &stats->column[c];
        uint64_t nulls = 0;
        for (size_t r = 0; r < t->rows; r++) {
            const struct cell *cell = &t->cell[r * t->columns + c];
            nulls += !cell->valid;
            if (!cell->valid || !column->bounded) continue;
            bool inside = column->type.type == EC_TYPE_FLOAT ? cell->d >= column->min.d && cell->d <= column->max.d
                                                             : cell->i >= column->min.i && cell->i <= column->max.i;
            FUZZ_CHECK(inside, "row %zu of %s lies outside of its bounds", r, column->name);
        }
        FUZZ_CHECK(nulls == column->nulls, "%llu nulls in %s", (unsigned long long)column->nulls, column->name);
    }
}

static void encode(const struct table *t, const char *path, struct fuzz_choice *choice) {
    static const enum ec_codec codecs[] = {EC_CODEC_ZSTD, EC_CODEC_SNAPPY, EC_CODEC_NONE};
    struct ec_parquet_options options = {t->column, t->columns, 1 + fuzz_pick(choice, 3000),
                                         codecs[fuzz_pick(choice, 3)]};
    struct ec_parquet *pq = NULL;
    struct ec_part_stats stats;
    struct ec_err err = {0};
    (void)unlink(path);
    fuzz_need(ec_parquet_create(path, &options, &pq, &err), &err);
    append(t, pq, 1 + fuzz_pick(choice, EC_BATCH_ROWS), fuzz_pick(choice, 2) ? 2 + fuzz_pick(choice, 9) : 0,
           fuzz_pick(choice, 2));
    fuzz_need(ec_parquet_finish(pq, &stats, &err), &err);
    ec_parquet_destroy(pq);
    check_stats(t, &stats);
    ec_part_stats_deinit(&stats);
}

/* ---- reading back ---- */

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0; /* NaN and the sign of zero too */
}

static bool is_same(const void *data, uint64_t i, struct ec_column_type type, const struct cell *c, bool narrow) {
    switch (type.type) {
    case EC_TYPE_STRING: return false;
    case EC_TYPE_FLOAT: return same_bits(((const double *)data)[i], c->d);
    case EC_TYPE_BOOLEAN: return ((const uint8_t *)data)[i] == c->i;
    case EC_TYPE_DATE: return ((const int32_t *)data)[i] == c->i;
    case EC_TYPE_DECIMAL:
        if (narrow && type.precision <= 4) return ((const int16_t *)data)[i] == c->i;
        if (narrow && type.precision <= 9) return ((const int32_t *)data)[i] == c->i;
        return ((const int64_t *)data)[i] == c->i;
    default: return ((const int64_t *)data)[i] == c->i;
    }
}

static void compare_duckdb(const struct table *t, size_t column, size_t row, duckdb_vector vector, idx_t i) {
    const struct cell *c = &t->cell[row * t->columns + column];
    uint64_t *valid = duckdb_vector_get_validity(vector);
    FUZZ_CHECK((!valid || duckdb_validity_row_is_valid(valid, i)) == c->valid, "DuckDB: null in row %zu of c%zu", row,
               column);
    if (!c->valid) return;
    void *data = duckdb_vector_get_data(vector);
    bool same;
    if (t->column[column].type.type == EC_TYPE_STRING) {
        duckdb_string_t *s = (duckdb_string_t *)data + i;
        same = ec_str_eq((struct ec_str){duckdb_string_t_data(s), duckdb_string_t_length(*s)}, c->s);
    } else {
        same = is_same(data, i, t->column[column].type, c, true);
    }
    FUZZ_CHECK(same, "DuckDB: another value in row %zu of c%zu", row, column);
}

static duckdb_connection connection(void) {
    static duckdb_database db;
    static duckdb_connection c;
    if (!c) {
        if (duckdb_open(NULL, &db) != DuckDBSuccess || duckdb_connect(db, &c) != DuckDBSuccess) fuzz_fail("no DuckDB");
        (void)duckdb_query(c, "SET threads=1", NULL);
    }
    return c;
}

static void by_duckdb(const struct table *t, const char *path) {
    char sql[600];
    duckdb_result result;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s')", path);
    if (duckdb_query(connection(), sql, &result) != DuckDBSuccess)
        fuzz_fail("DuckDB: %s", duckdb_result_error(&result));
    FUZZ_CHECK(duckdb_column_count(&result) == t->columns, "DuckDB: %llu columns",
               (unsigned long long)duckdb_column_count(&result));
    size_t row = 0;
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result)) != NULL; duckdb_destroy_data_chunk(&chunk)) {
        idx_t n = duckdb_data_chunk_get_size(chunk);
        FUZZ_CHECK(row + n <= t->rows, "DuckDB: more rows than %zu", t->rows);
        for (size_t c = 0; c < t->columns; c++)
            for (idx_t i = 0; i < n; i++) compare_duckdb(t, c, row + i, duckdb_data_chunk_get_vector(chunk, c), i);
        row += n;
    }
    FUZZ_CHECK(row == t->rows, "DuckDB: %zu rows, not %zu", row, t->rows);
    duckdb_destroy_result(&result);
}

static void compare_chunk(const struct table *t, size_t column, uint64_t first, const struct ec_parquet_chunk *chunk) {
    struct ec_column_type type = t->column[column].type;
    for (uint32_t i = 0; i < chunk->rows; i++) {
        const struct cell *c = &t->cell[(first + i) * t->columns + column];
        FUZZ_CHECK((!chunk->valid || ec_bit(chunk->valid, i)) == c->valid, "null in row %u of c%zu", i, column);
        if (!c->valid) continue;
        bool coded = i < chunk->coded_rows;
        const void *data = coded ? chunk->dictionary : chunk->plain;
        uint32_t at = coded ? chunk->code[i] : i - chunk->coded_rows;
        if (coded) FUZZ_CHECK(at < chunk->dictionary_count, "code %u of %u", at, chunk->dictionary_count);
        bool same = type.type == EC_TYPE_STRING ? ec_str_eq(ec_text_str((const struct ec_text *)data + at), c->s)
                                                : is_same(data, at, type, c, false);
        FUZZ_CHECK(same, "another value in row %u of c%zu", i, column);
    }
}

static void by_our_reader(const struct table *t, const char *path) {
    struct ec_parquet_file *file = NULL;
    struct ec_parquet_chunk chunk = {0};
    struct ec_err err = {0};
    fuzz_need(ec_parquet_open(path, &file, &err), &err);
    FUZZ_CHECK(ec_parquet_rows(file) == t->rows && ec_parquet_columns(file) == t->columns, "another table");
    for (size_t g = 0; g < ec_parquet_groups(file); g++) {
        for (size_t c = 0; c < t->columns; c++) {
            fuzz_need(ec_parquet_chunk_open(&chunk, file, g, c, &err), &err);
            fuzz_need(ec_parquet_chunk_all(&chunk, &err), &err);
            compare_chunk(t, c, ec_parquet_group_first(file, g), &chunk);
        }
    }
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    struct input in = {.p = p, .n = n};
    struct fuzz_choice choice = fuzz_choice_of(p, n);
    struct table table = {.rows = 0};
    make_table(&table, &in);
    const char *path = fuzz_path(0, "table.parquet");
    encode(&table, path, &choice);
    by_duckdb(&table, path);
    by_our_reader(&table, path);
    (void)unlink(path);
    ec_arena_deinit(&table.arena);
    return 0;
}
