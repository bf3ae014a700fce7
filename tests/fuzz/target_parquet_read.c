/* The reader of our own Parquet files on files of anybody: any bytes are read or refused as `table-format`; a row has
 * the same value whether a chunk is decoded as a whole or some of its rows are. */
#include "kit.h"

#include "base/utf8.h"
#include "store/parquet_read.h"

#include <stdlib.h>

#define ROWS_MAX 4000u

static bool refused(enum ec_status status, const struct ec_err *err) {
    FUZZ_CHECK(status == EC_OK || status == EC_TABLE_FORMAT || status == EC_NO_MEMORY, "refused as %s: %s",
               ec_status_text(status)->slug, err->message);
    return status != EC_OK;
}

static struct ec_str value_at(const struct ec_parquet_chunk *chunk, const void *values, size_t i) {
    size_t width = ec_type_width(chunk->type.type);
    if (chunk->type.type == EC_TYPE_STRING) return ec_text_str((const struct ec_text *)values + i);
    return (struct ec_str){(const char *)values + i * width, width};
}

/* Rows that were asked for one after the other against the whole chunk. */
static void check_rows(struct ec_parquet_chunk *chunk, struct ec_parquet_chunk *whole, struct fuzz_choice *choice) {
    uint32_t row[64];
    uint64_t valid = 0;
    struct ec_text values[64] = {0}; /* room for every type */
    struct ec_arena arena;
    struct ec_err err = {0};
    size_t n = 0;
    for (size_t at = 0; n < 64 && at < chunk->rows; at += 1 + fuzz_pick(choice, 40)) row[n++] = (uint32_t)at;
    ec_arena_init(&arena, 64 * EC_MIB);
    struct ec_parquet_rows out = {.valid = &valid, .values = values, .arena = &arena};
    if (!refused(ec_parquet_chunk_rows(chunk, row, n, &out, &err), &err)) {
        for (size_t i = 0; i < n; i++) {
            bool there = !whole->valid || ec_bit(whole->valid, row[i]), coded = row[i] < whole->coded_rows;
            FUZZ_CHECK(ec_bit(&valid, i) == there, "row %u is null, or not", row[i]);
            if (!there) continue;
            struct ec_str a = value_at(chunk, values, i),
                          b = coded ? value_at(whole, whole->dictionary, whole->code[row[i]])
                                    : value_at(whole, whole->plain, row[i] - whole->coded_rows);
            FUZZ_CHECK(ec_str_eq(a, b), "another value in row %u", row[i]);
        }
    }
    ec_arena_deinit(&arena);
}

static void check_chunk(struct ec_parquet_file *file, size_t group, size_t column, struct fuzz_choice *choice) {
    struct ec_parquet_chunk chunk = {0}, whole = {0};
    struct ec_err err = {0};
    if (!refused(ec_parquet_chunk_open(&whole, file, group, column, &err), &err) && whole.rows <= ROWS_MAX &&
        !refused(ec_parquet_chunk_all(&whole, &err), &err)) {
        for (uint32_t i = 0; i < whole.coded_rows; i++)
            FUZZ_CHECK((whole.valid && !ec_bit(whole.valid, i)) || whole.code[i] < whole.dictionary_count,
                       "code %u of %u", whole.code[i], whole.dictionary_count);
        if (!refused(ec_parquet_chunk_open(&chunk, file, group, column, &err), &err))
            check_rows(&chunk, &whole, choice);
    }
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_chunk_deinit(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    struct fuzz_choice choice = fuzz_choice_of(p, n);
    struct ec_parquet_file *file = NULL;
    struct ec_err err = {0};
    if (!refused(ec_parquet_open(fuzz_file(0, p, n), &file, &err), &err)) {
        for (size_t g = 0; g < ec_parquet_groups(file) && g < 4; g++)
            for (size_t c = 0; c < ec_parquet_columns(file) && c < 12; c++) check_chunk(file, g, c, &choice);
    }
    ec_parquet_close(file);
    return 0;
}
