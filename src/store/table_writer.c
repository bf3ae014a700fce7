#include "store/table_writer.h"

#include "base/calendar.h"
#include "base/durable.h"
#include "base/hash.h"
#include "base/io.h"
#include "store/delta.h"

#include <assert.h>
#include <inttypes.h>

/* What all open encoders of one writer may hold before the largest gives its row group away. */
#define ENCODER_BYTES_MAX ((size_t)96 * EC_MIB)
/* Open files of one writer; beyond it the part that was longest unused is finished. */
#define OPEN_PARTS_MAX EC_TABLE_WRITER_OPEN_MAX
#define OPEN_SLOTS     (4 * OPEN_PARTS_MAX)
/* A value becomes a folder's name, of which file systems take 255 bytes, escaped. */
#define PARTITION_TEXT_MAX 80u
#define DAYS_MIN           (-719162) /* 0001-01-01 */
#define DAYS_MAX           2932896   /* 9999-12-31 */

/* A row's partition: numbers are known by their key alone, texts by the hash of them and the text. */
struct value {
    bool null;
    uint64_t key;
    struct ec_str text; /* of a string column */
};

struct open_part {
    struct ec_parquet *pq;
    size_t part; /* place in writer->part */
    bool null;
    uint64_t key;
    uint64_t used;  /* the row for which it was last used */
    uint32_t *rows; /* of the batch at hand */
    size_t row_count;
    uint64_t routed; /* rows so far */
};

struct ec_table_writer {
    struct ec_table_writer_options options;
    struct ec_durable *own; /* where the caller gave none */
    struct ec_parquet_column *column; /* of the files */
    size_t column_count;
    size_t *map;   /* file column -> batch column */
    size_t mapped; /* batch columns that map was made for */
    struct open_part *open;
    size_t open_count;
    uint32_t *slot; /* OPEN_SLOTS: 1 + a place in open, by key; 0 is free */
    struct ec_part *part;
    size_t part_count, part_cap;
    size_t partition;           /* batch column, SIZE_MAX: none */
    uint64_t rows;              /* so far: decisions follow the rows, not the batches that they come in */
    struct ec_row_place *place; /* of the last append's rows; NULL: nobody asks */
    bool finished;
};

static enum ec_status no_memory(const struct ec_table_writer *w, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", w->options.dir);
}

enum ec_status ec_table_writer_create(const struct ec_table_writer_options *options, struct ec_table_writer **out,
                                      struct ec_err *err) {
    struct ec_table_writer *w = ec_calloc(1, sizeof *w);
    struct open_part *open = ec_calloc(OPEN_PARTS_MAX, sizeof *open);
    uint32_t *slot = ec_calloc(OPEN_SLOTS, sizeof *slot);
    if (!w || !open || !slot) {
        ec_free(w);
        ec_free(open);
        ec_free(slot);
        return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", options->dir);
    }
    w->options = *options;
    w->open = open;
    w->slot = slot;
    w->partition = SIZE_MAX;
    enum ec_status status = options->durable ? EC_OK : ec_durable_create(&w->own, err);
    if (!w->options.durable) w->options.durable = w->own;
    if (status == EC_OK)
        *out = w;
    else
        ec_table_writer_destroy(w);
    return status;
}

/* Values of other types are nearly all different, and no folder's name says them exactly. */
static enum ec_status check_partition_type(const struct ec_table_writer *w, const struct ec_column *c,
                                           struct ec_err *err) {
    enum ec_type type = c->type.type;
    if (type == EC_TYPE_DATE || type == EC_TYPE_STRING || type == EC_TYPE_INTEGER || type == EC_TYPE_BOOLEAN)
        return EC_OK;
    return ec_fail(err, EC_CONFIG, "%s cannot be partitioned by %s, which is %s: derive a date or a text of it",
                   w->options.dir, c->name, ec_type_name(type));
}

/* Extends the files' columns by those that the batch has beyond what was seen. */
static enum ec_status learn_columns(struct ec_table_writer *w, const struct ec_batch *batch, struct ec_err *err) {
    if (w->mapped == batch->columns) return EC_OK;
    struct ec_parquet_column *column = ec_realloc_array(w->column, batch->columns, sizeof *column);
    if (column) w->column = column;
    size_t *map = ec_realloc_array(w->map, batch->columns, sizeof *map);
    if (map) w->map = map;
    if (!column || !map) return no_memory(w, err);
    for (size_t i = w->mapped; i < batch->columns; i++) {
        const struct ec_column *c = &batch->column[i];
        if (w->options.partition_by && strcmp(c->name, w->options.partition_by) == 0) {
            EC_TRY(check_partition_type(w, c, err));
            w->partition = i;
            continue;
        }
        /* The batch may go before the writer does: its next one, of another query, has these names too. */
        struct ec_parquet_column added = {ec_strdup(c->name), c->type};
        if (!added.name) return no_memory(w, err);
        w->column[w->column_count] = added;
        w->map[w->column_count++] = i;
        for (size_t k = 0; k < w->open_count; k++) EC_TRY(ec_parquet_add_column(w->open[k].pq, &added, err));
    }
    w->mapped = batch->columns;
    if (w->options.partition_by && w->partition == SIZE_MAX)
        return ec_fail(err, EC_CONFIG, "the partition column %s is not among the columns of %s",
                       w->options.partition_by, w->options.dir);
    return EC_OK;
}

bool ec_partition_fits(const struct ec_column *c, size_t row) {
    if (!ec_bit(c->valid, row)) return true;
    if (c->type.type == EC_TYPE_STRING) return ec_column_text(c)[row].n <= PARTITION_TEXT_MAX;
    if (c->type.type != EC_TYPE_DATE) return true;
    return ec_column_days(c)[row] >= DAYS_MIN && ec_column_days(c)[row] <= DAYS_MAX;
}

static struct value value_of(const struct ec_table_writer *w, const struct ec_batch *batch, size_t row) {
    struct value v = {.null = true};
    if (w->partition == SIZE_MAX) return v;
    const struct ec_column *c = &batch->column[w->partition];
    if (!ec_bit(c->valid, row)) return v;
    switch (c->type.type) {
    case EC_TYPE_DATE: v.key = (uint64_t)ec_column_days(c)[row]; break;
    case EC_TYPE_BOOLEAN: v.key = ec_column_bool(c)[row]; break;
    case EC_TYPE_STRING:
        v.text = ec_text_str(&ec_column_text(c)[row]);
        if (v.text.n == 0) return v; /* Delta reads an empty partition value as null */
        v.key = ec_hash64(v.text.p, v.text.n);
        break;
    default: v.key = (uint64_t)ec_column_int(c)[row]; break;
    }
    v.null = false;
    return v;
}

/* As the log shows it. */
static void format_value(const struct ec_column *c, struct value v, char out[PARTITION_TEXT_MAX + 1]) {
    switch (c->type.type) {
    case EC_TYPE_DATE: out[ec_date_format((int32_t)v.key, out)] = '\0'; break;
    case EC_TYPE_BOOLEAN: (void)snprintf(out, PARTITION_TEXT_MAX + 1, "%s", v.key ? "true" : "false"); break;
    case EC_TYPE_STRING:
        memcpy(out, v.text.p, v.text.n);
        out[v.text.n] = '\0';
        break;
    default: (void)snprintf(out, PARTITION_TEXT_MAX + 1, "%" PRId64, (int64_t)v.key); break;
    }
}

/* ---- which parts are open ---- */

static size_t slot_of(struct value v) {
    uint64_t key = v.null ? 0 : v.key + 1;
    return (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % OPEN_SLOTS;
}

static bool is_of(const struct ec_table_writer *w, const struct open_part *open, struct value v) {
    if (open->null != v.null || open->key != v.key) return false;
    return !v.text.p || v.null || ec_str_is(v.text, w->part[open->part].partition);
}

/* The open part of the value; SIZE_MAX: none. `hint` is that of the row before. */
static size_t find_open(const struct ec_table_writer *w, struct value v, size_t hint) {
    if (hint < w->open_count && is_of(w, &w->open[hint], v)) return hint;
    for (size_t i = slot_of(v); w->slot[i] != 0; i = (i + 1) % OPEN_SLOTS)
        if (is_of(w, &w->open[w->slot[i] - 1], v)) return w->slot[i] - 1;
    return SIZE_MAX;
}

static void index_open(struct ec_table_writer *w, size_t at) {
    const struct open_part *open = &w->open[at];
    size_t i = slot_of((struct value){.null = open->null, .key = open->key});
    while (w->slot[i] != 0) i = (i + 1) % OPEN_SLOTS;
    w->slot[i] = (uint32_t)at + 1;
}

/* Beside what finishing a file costs, beginning the index anew is nothing. */
static void index_anew(struct ec_table_writer *w) {
    memset(w->slot, 0, OPEN_SLOTS * sizeof *w->slot);
    for (size_t i = 0; i < w->open_count; i++) index_open(w, i);
}

static enum ec_status close_part(struct ec_table_writer *w, size_t at, struct ec_err *err) {
    struct open_part *open = &w->open[at];
    enum ec_status status = ec_parquet_finish(open->pq, &w->part[open->part].stats, err);
    ec_parquet_destroy(open->pq);
    ec_free(open->rows);
    w->open[at] = w->open[--w->open_count];
    return status;
}

static enum ec_status close_oldest(struct ec_table_writer *w, struct ec_err *err) {
    size_t oldest = 0;
    for (size_t i = 1; i < w->open_count; i++)
        if (w->open[i].used < w->open[oldest].used) oldest = i;
    enum ec_status status = close_part(w, oldest, err);
    index_anew(w);
    return status;
}

/* ---- new parts ---- */

/* Composes the part's place: the partition's folder, made here, and the file's name. */
static enum ec_status place_part(struct ec_table_writer *w, const char *value, struct ec_part *part, char *path,
                                 size_t path_size, struct ec_err *err) {
    char folder[1024] = "";
    if (w->options.partition_by)
        EC_TRY(ec_delta_partition_dir(folder, sizeof folder, w->options.partition_by, value, err));
    char dir[4096], relative[1400];
    EC_TRY(ec_path_join(dir, sizeof dir, w->options.dir, folder, err));
    EC_TRY(ec_dir_make(dir, err));
    int n = snprintf(relative, sizeof relative, "%s%s%s-%03zu.parquet", folder, *folder ? "/" : "", w->options.name,
                     w->part_count);
    if (n < 0 || (size_t)n >= sizeof relative) return ec_fail(err, EC_IO, "the name of a part in %s is too long", dir);
    EC_TRY(ec_path_join(path, path_size, w->options.dir, relative, err));
    part->path = ec_strdup(relative);
    part->partition = value ? ec_strdup(value) : NULL;
    if (!part->path || (value && !part->partition)) return no_memory(w, err);
    return EC_OK;
}

/* Room for one more part; whether there may be one. */
static enum ec_status grow_parts(struct ec_table_writer *w, struct ec_err *err) {
    if (w->options.parts_max > 0 && w->part_count == w->options.parts_max)
        return ec_fail(err, EC_NO_MEMORY,
                       "its rows would make more than %zu parts by %s: bring the rows into that order, or partition by "
                       "something coarser",
                       w->options.parts_max, w->options.partition_by);
    if (w->part_count < w->part_cap) return EC_OK;
    size_t cap = w->part_cap ? w->part_cap * 2 : 16;
    struct ec_part *grown = ec_realloc_array(w->part, cap, sizeof *grown);
    if (!grown) return no_memory(w, err);
    w->part = grown;
    w->part_cap = cap;
    return EC_OK;
}

static enum ec_status open_new(struct ec_table_writer *w, const struct ec_batch *batch, struct value v, size_t *at,
                               struct ec_err *err) {
    char text[PARTITION_TEXT_MAX + 1], path[4096];
    if (!v.null) format_value(&batch->column[w->partition], v, text);
    EC_TRY(grow_parts(w, err));
    struct ec_part *part = &w->part[w->part_count];
    *part = (struct ec_part){0};
    enum ec_status status = place_part(w, v.null ? NULL : text, part, path, sizeof path, err);
    w->part_count++; /* from here on destroy frees it */
    if (status != EC_OK) return status;

    struct open_part *open = &w->open[w->open_count];
    *open = (struct open_part){.part = w->part_count - 1, .null = v.null, .key = v.key};
    open->rows = ec_calloc(EC_BATCH_ROWS, sizeof *open->rows);
    if (!open->rows) return no_memory(w, err);
    struct ec_parquet_options options = {w->column, w->column_count, w->options.rows_per_group, EC_CODEC_ZSTD};
    status = ec_parquet_create(path, &options, &open->pq, err);
    if (status != EC_OK) {
        ec_free(open->rows);
        return status;
    }
    ec_parquet_sync_with(open->pq, w->options.durable);
    *at = w->open_count++;
    index_open(w, *at);
    return EC_OK;
}

/* ---- rows ---- */

/* Gives the rows that were routed so far to their encoders, which copy them. */
static enum ec_status write_rows(struct ec_table_writer *w, const struct ec_batch *batch, struct ec_err *err) {
    for (size_t i = 0; i < w->open_count; i++) {
        struct open_part *open = &w->open[i];
        if (open->row_count > 0) EC_TRY(ec_parquet_append(open->pq, batch, w->map, open->rows, open->row_count, err));
        open->row_count = 0;
    }
    return EC_OK;
}

static enum ec_status bound_memory(struct ec_table_writer *w, struct ec_err *err) {
    size_t held = 0;
    for (size_t i = 0; i < w->open_count; i++) held += ec_parquet_memory(w->open[i].pq);
    while (held > ENCODER_BYTES_MAX) {
        size_t largest = 0, before = 0;
        for (size_t i = 0; i < w->open_count; i++) {
            size_t bytes = ec_parquet_memory(w->open[i].pq);
            if (bytes > before) before = bytes, largest = i;
        }
        EC_TRY(ec_parquet_flush(w->open[largest].pq, err));
        size_t after = ec_parquet_memory(w->open[largest].pq);
        if (after >= before) break; /* nothing left to give back */
        held -= before - after;
    }
    return EC_OK;
}

/* The open part for the row; `hint` is the one of the row before. */
static enum ec_status find_part(struct ec_table_writer *w, const struct ec_batch *batch, size_t row, size_t *hint,
                                struct ec_err *err) {
    if (w->partition != SIZE_MAX && !ec_partition_fits(&batch->column[w->partition], row))
        return ec_fail(err, EC_TABLE_FORMAT,
                       "a value of the partition column %s is longer than %u bytes, or a date past 9999",
                       w->options.partition_by, PARTITION_TEXT_MAX);
    struct value v = value_of(w, batch, row);
    size_t at = find_open(w, v, *hint);
    if (at == SIZE_MAX && (w->open_count == OPEN_PARTS_MAX || (w->open_count > 0 && w->options.one_by_one))) {
        EC_TRY(write_rows(w, batch, err)); /* closing a part moves another into its place */
        EC_TRY(close_oldest(w, err));
    }
    if (at == SIZE_MAX) return open_new(w, batch, v, hint, err);
    *hint = at;
    return EC_OK;
}

/* True where all rows belong to the partition of the first: dates compare as integers. */
static bool one_partition(const struct ec_table_writer *w, const struct ec_batch *batch, const uint32_t *rows,
                          size_t n) {
    if (w->partition == SIZE_MAX) return true;
    const struct ec_column *c = &batch->column[w->partition];
    if (c->type.type != EC_TYPE_DATE) return false;
    const int32_t *days = ec_column_days(c);
    size_t first = rows ? rows[0] : 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : i;
        if (days[row] != days[first] || !ec_bit(c->valid, row)) return false;
    }
    return true;
}

static struct ec_row_place place_of(const struct open_part *open) {
    uint32_t row = open->routed < UINT32_MAX ? (uint32_t)open->routed : UINT32_MAX;
    return (struct ec_row_place){(uint32_t)open->part, row};
}

enum ec_status ec_table_writer_append(struct ec_table_writer *w, const struct ec_batch *batch, const uint32_t *rows,
                                      size_t n, struct ec_err *err) {
    assert(!w->place || n <= EC_BATCH_ROWS);
    EC_TRY(learn_columns(w, batch, err));
    if (n == 0) return EC_OK;
    size_t hint = 0;
    bool whole = one_partition(w, batch, rows, n);
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : i;
        if (i == 0 || !whole) EC_TRY(find_part(w, batch, row, &hint, err));
        struct open_part *open = &w->open[hint];
        open->used = ++w->rows;
        open->rows[open->row_count++] = (uint32_t)row;
        if (w->place) w->place[i] = place_of(open);
        open->routed++;
        if (w->rows % EC_BATCH_ROWS != 0) continue;
        EC_TRY(write_rows(w, batch, err));
        EC_TRY(bound_memory(w, err));
    }
    return write_rows(w, batch, err);
}

enum ec_status ec_table_writer_keep_places(struct ec_table_writer *w, struct ec_err *err) {
    w->place = ec_calloc(EC_BATCH_ROWS, sizeof *w->place);
    return w->place ? EC_OK : no_memory(w, err);
}

const struct ec_row_place *ec_table_writer_places(const struct ec_table_writer *w) {
    return w->place;
}

enum ec_status ec_table_writer_finish(struct ec_table_writer *w, struct ec_err *err) {
    while (w->open_count > 0) EC_TRY(close_part(w, w->open_count - 1, err));
    if (w->own) EC_TRY(ec_durable_commit(w->own, err));
    w->finished = true;
    return EC_OK;
}

size_t ec_table_writer_parts(const struct ec_table_writer *w) {
    return w->part_count;
}

const struct ec_part *ec_table_writer_part(const struct ec_table_writer *w, size_t index) {
    return &w->part[index];
}

void ec_table_writer_destroy(struct ec_table_writer *w) {
    if (!w) return;
    ec_durable_destroy(w->own);
    for (size_t i = 0; i < w->open_count; i++) {
        ec_parquet_destroy(w->open[i].pq);
        ec_free(w->open[i].rows);
    }
    for (size_t i = 0; i < w->part_count; i++) {
        char path[4096];
        if (!w->finished && w->part[i].path &&
            ec_path_join(path, sizeof path, w->options.dir, w->part[i].path, NULL) == EC_OK)
            (void)ec_io.unlink(path);
        ec_free(w->part[i].path);
        ec_free(w->part[i].partition);
        ec_part_stats_deinit(&w->part[i].stats);
    }
    for (size_t i = 0; i < w->column_count; i++) ec_free((char *)(uintptr_t)w->column[i].name);
    ec_free(w->part);
    ec_free(w->open);
    ec_free(w->slot);
    ec_free(w->place);
    ec_free(w->column);
    ec_free(w->map);
    ec_free(w);
}
