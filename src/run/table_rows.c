#include "run/table_rows.h"

#include "base/calendar.h"
#include "base/column_type.h"
#include "base/io.h"
#include "store/parquet_read.h"

#include <stdlib.h>

#define ROWS_MEMORY_MAX ((size_t)256 * EC_MIB)

struct reading {
    const struct ec_table *table;
    const struct ec_table_file *file;
    struct ec_parquet_file **open; /* per file */
    size_t count;
    struct ec_table_rows *out;
    struct ec_parquet_chunk chunk;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the rows of a table"); }

static enum ec_status refuse(const struct reading *r, struct ec_err *err) {
    return ec_fail(err, EC_TABLE_FORMAT, "the rows of %s are left to DuckDB", r->table->name);
}

static enum ec_status open_files(struct reading *r, size_t most, struct ec_err *err) {
    uint64_t rows = 0;
    for (size_t i = 0; i < r->count; i++) {
        EC_TRY(ec_parquet_open(r->file[i].path, &r->open[i], err));
        rows += ec_parquet_rows(r->open[i]);
        if (rows > most) return refuse(r, err);
    }
    r->out->batch.rows = rows;
    return EC_OK;
}

static enum ec_status make_columns(struct reading *r, struct ec_err *err) {
    struct ec_batch *batch = &r->out->batch;
    struct ec_arena *arena = &r->out->arena;
    batch->columns = r->table->column_count;
    batch->column = ec_arena_calloc(arena, batch->columns, sizeof *batch->column);
    if (!batch->column) return no_memory(err);
    for (size_t i = 0; i < batch->columns; i++) {
        struct ec_column *c = &batch->column[i];
        c->name = r->table->column[i].name;
        c->type = r->table->column[i].type;
        c->valid = ec_arena_calloc(arena, batch->rows / 64 + 1, sizeof *c->valid);
        c->values = ec_arena_calloc(arena, batch->rows, ec_type_width(c->type.type));
        if (!c->valid || !c->values) return no_memory(err);
    }
    return EC_OK;
}

/* What the chunk's memory holds of a text is gone with the next chunk. */
static enum ec_status keep_texts(struct reading *r, struct ec_column *c, size_t first, size_t n, struct ec_err *err) {
    for (size_t row = first; row < first + n; row++) {
        struct ec_text *text = &ec_column_text(c)[row];
        if (!ec_bit(c->valid, row) || text->n <= EC_TEXT_INLINE) continue;
        const char *copy = ec_arena_copy(&r->out->arena, ec_text_bytes(text), text->n);
        if (!copy) return no_memory(err);
        text->p = copy;
    }
    return EC_OK;
}

static enum ec_status read_chunk(struct reading *r, size_t file, size_t group, size_t at, struct ec_column *c, size_t first, struct ec_err *err) {
    size_t n = ec_parquet_group_rows(r->open[file], group);
    struct ec_parquet_rows to = {.valid = c->valid, .values = c->values, .first = first, .arena = &r->out->arena};
    EC_TRY(ec_parquet_chunk_open(&r->chunk, r->open[file], group, at, err));
    EC_TRY(ec_parquet_chunk_range(&r->chunk, 0, n, &to, err));
    return c->type.type == EC_TYPE_STRING ? keep_texts(r, c, first, n, err) : EC_OK;
}

static enum ec_status read_column(struct reading *r, size_t file, struct ec_column *c, size_t first, struct ec_err *err) {
    struct ec_parquet_file *open = r->open[file];
    size_t at = ec_parquet_find(open, c->name);
    if (at == SIZE_MAX) return EC_OK; /* the file lacks it: null */
    if (!ec_column_type_same(ec_parquet_file_column(open, at)->type, c->type)) return refuse(r, err);
    for (size_t group = 0; group < ec_parquet_groups(open); group++)
        EC_TRY(read_chunk(r, file, group, at, c, first + ec_parquet_group_first(open, group), err));
    return EC_OK;
}

/* The partition's value, which lies in no file. */
static enum ec_status fill_partition(struct reading *r, const char *value, struct ec_column *c, size_t first, size_t n, struct ec_err *err) {
    int32_t day = 0;
    if (!value) return EC_OK;
    if (c->type.type != EC_TYPE_STRING && (c->type.type != EC_TYPE_DATE || !ec_date_parse(value, strlen(value), &day))) return refuse(r, err);
    for (size_t row = first; row < first + n; row++) {
        ec_bit_set(c->valid, row);
        if (c->type.type == EC_TYPE_DATE) ec_column_days(c)[row] = day;
        else ec_column_text(c)[row] = ec_text_of(value, strlen(value));
    }
    return EC_OK;
}

static enum ec_status read_files(struct reading *r, struct ec_err *err) {
    const char *by = r->table->partition_by;
    size_t first = 0;
    for (size_t f = 0; f < r->count; f++) {
        size_t n = ec_parquet_rows(r->open[f]);
        for (size_t i = 0; i < r->out->batch.columns; i++) {
            struct ec_column *c = &r->out->batch.column[i];
            if (by && strcmp(c->name, by) == 0) EC_TRY(fill_partition(r, r->file[f].partition, c, first, n, err));
            else EC_TRY(read_column(r, f, c, first, err));
        }
        first += n;
    }
    return EC_OK;
}

enum ec_status ec_table_rows_read(const struct ec_table *table, const struct ec_table_file *file, size_t count, size_t most,
                                  struct ec_table_rows *rows, struct ec_err *err) {
    struct reading r = {.table = table, .file = file, .count = count, .out = rows};
    *rows = (struct ec_table_rows){0};
    ec_arena_init(&rows->arena, ROWS_MEMORY_MAX);
    r.open = ec_calloc(count, sizeof(struct ec_parquet_file *));
    enum ec_status status = r.open ? open_files(&r, most, err) : no_memory(err);
    if (status == EC_OK) status = make_columns(&r, err);
    if (status == EC_OK) status = read_files(&r, err);
    ec_parquet_chunk_deinit(&r.chunk);
    for (size_t i = 0; r.open && i < count; i++) ec_parquet_close(r.open[i]);
    ec_free(r.open);
    return status;
}

void ec_table_rows_deinit(struct ec_table_rows *rows) { ec_arena_deinit(&rows->arena); }
