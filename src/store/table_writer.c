#include "store/table_writer.h"

#include "base/calendar.h"
#include "base/io.h"
#include "store/delta.h"

#include <inttypes.h>

/* What all open encoders of one writer may hold before the largest gives its row group away. */
#define ENCODER_BYTES_MAX ((size_t)96 * EC_MIB)
/* Open files of one writer; beyond it the part that was longest unused is finished. */
#define OPEN_PARTS_MAX 256u
/* A value becomes a folder's name, of which file systems take 255 bytes, escaped. */
#define PARTITION_TEXT_MAX 80u

struct open_part {
    struct ec_parquet *pq;
    size_t part;       /* place in writer->part */
    uint64_t used;     /* the batch in which it was last used */
    uint32_t *rows;    /* of the batch at hand */
    size_t row_count;
};

struct ec_table_writer {
    struct ec_table_writer_options options;
    struct ec_parquet_column *column; /* of the files */
    size_t column_count;
    size_t *map;                      /* file column -> batch column */
    size_t mapped;                    /* batch columns that map was made for */
    struct open_part *open;
    size_t open_count;
    struct ec_part *part;
    size_t part_count, part_cap;
    size_t partition; /* batch column, SIZE_MAX: none */
    uint64_t batches;
    bool finished;
};

static enum ec_status no_memory(const struct ec_table_writer *w, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", w->options.dir);
}

enum ec_status ec_table_writer_create(const struct ec_table_writer_options *options, struct ec_table_writer **out,
                                      struct ec_err *err) {
    struct ec_table_writer *w = ec_calloc(1, sizeof *w);
    struct open_part *open = ec_calloc(OPEN_PARTS_MAX, sizeof *open);
    if (!w || !open) {
        ec_free(w);
        ec_free(open);
        return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", options->dir);
    }
    w->options = *options;
    w->open = open;
    w->partition = SIZE_MAX;
    *out = w;
    return EC_OK;
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
        return ec_fail(err, EC_CONFIG, "the partition column %s is not among the columns of %s", w->options.partition_by,
                       w->options.dir);
    return EC_OK;
}

/* The partition's value as the log shows it; false for null. */
static bool partition_text(const struct ec_table_writer *w, const struct ec_batch *batch, size_t row, char *out,
                           size_t size) {
    const struct ec_column *c = &batch->column[w->partition];
    if (!ec_bit(c->valid, row)) return false;
    struct ec_str text;
    switch (c->type.type) {
    case EC_TYPE_DATE: out[ec_date_format(ec_column_days(c)[row], out)] = '\0'; return true;
    case EC_TYPE_BOOLEAN: (void)snprintf(out, size, "%s", ec_column_bool(c)[row] ? "true" : "false"); return true;
    case EC_TYPE_STRING:
        text = ec_text_str(&ec_column_text(c)[row]);
        /* Delta reads an empty partition value as null. */
        if (text.n == 0 || text.n >= size) return false;
        memcpy(out, text.p, text.n);
        out[text.n] = '\0';
        return true;
    default: (void)snprintf(out, size, "%" PRId64, ec_column_int(c)[row]); return true;
    }
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
    return close_part(w, oldest, err);
}

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

static enum ec_status open_new(struct ec_table_writer *w, const char *value, size_t *at, struct ec_err *err) {
    if (w->open_count == OPEN_PARTS_MAX) EC_TRY(close_oldest(w, err));
    if (w->part_count == w->part_cap) {
        size_t cap = w->part_cap ? w->part_cap * 2 : 16;
        struct ec_part *grown = ec_realloc_array(w->part, cap, sizeof *grown);
        if (!grown) return no_memory(w, err);
        w->part = grown;
        w->part_cap = cap;
    }
    struct ec_part *part = &w->part[w->part_count];
    *part = (struct ec_part){0};
    char path[4096];
    enum ec_status status = place_part(w, value, part, path, sizeof path, err);
    w->part_count++; /* from here on destroy frees it */
    if (status != EC_OK) return status;

    struct open_part *open = &w->open[w->open_count];
    *open = (struct open_part){.part = w->part_count - 1, .rows = ec_calloc(EC_BATCH_ROWS, sizeof(uint32_t))};
    if (!open->rows) return no_memory(w, err);
    struct ec_parquet_options options = {w->column, w->column_count, w->options.rows_per_group, EC_CODEC_ZSTD};
    status = ec_parquet_create(path, &options, &open->pq, err);
    if (status != EC_OK) {
        ec_free(open->rows);
        return status;
    }
    *at = w->open_count++;
    return EC_OK;
}

static bool is_partition(const struct ec_part *part, const char *value) {
    if (!value || !part->partition) return value == part->partition;
    return strcmp(part->partition, value) == 0;
}

/* The open part for the row; `hint` is the one of the row before. */
static enum ec_status find_part(struct ec_table_writer *w, const struct ec_batch *batch, size_t row, size_t *hint,
                                struct ec_err *err) {
    char text[PARTITION_TEXT_MAX + 1];
    const char *value = NULL;
    const struct ec_column *c = w->partition == SIZE_MAX ? NULL : &batch->column[w->partition];
    if (c && c->type.type == EC_TYPE_STRING && ec_column_text(c)[row].n > PARTITION_TEXT_MAX)
        return ec_fail(err, EC_TABLE_FORMAT, "a value of the partition column %s is longer than %u bytes",
                       w->options.partition_by, PARTITION_TEXT_MAX);
    if (w->partition != SIZE_MAX && partition_text(w, batch, row, text, sizeof text)) value = text;
    if (*hint < w->open_count && is_partition(&w->part[w->open[*hint].part], value)) return EC_OK;
    for (size_t i = 0; i < w->open_count; i++) {
        if (!is_partition(&w->part[w->open[i].part], value)) continue;
        *hint = i;
        return EC_OK;
    }
    return open_new(w, value, hint, err);
}

static enum ec_status write_rows(struct ec_table_writer *w, const struct ec_batch *batch, struct ec_err *err) {
    size_t held = 0;
    for (size_t i = 0; i < w->open_count; i++) {
        struct open_part *open = &w->open[i];
        if (open->row_count > 0) EC_TRY(ec_parquet_append(open->pq, batch, w->map, open->rows, open->row_count, err));
        open->row_count = 0;
        held += ec_parquet_memory(open->pq);
    }
    while (held > ENCODER_BYTES_MAX) {
        size_t largest = 0;
        for (size_t i = 1; i < w->open_count; i++)
            if (ec_parquet_memory(w->open[i].pq) > ec_parquet_memory(w->open[largest].pq)) largest = i;
        size_t before = ec_parquet_memory(w->open[largest].pq);
        EC_TRY(ec_parquet_flush(w->open[largest].pq, err));
        size_t after = ec_parquet_memory(w->open[largest].pq);
        if (after >= before) break; /* nothing left to give back */
        held -= before - after;
    }
    return EC_OK;
}

/* True where all rows belong to the partition of the first: dates compare as integers. */
static bool one_partition(const struct ec_table_writer *w, const struct ec_batch *batch, const uint32_t *rows, size_t n) {
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

enum ec_status ec_table_writer_append(struct ec_table_writer *w, const struct ec_batch *batch, const uint32_t *rows,
                                      size_t n, struct ec_err *err) {
    EC_TRY(learn_columns(w, batch, err));
    if (n == 0) return EC_OK;
    w->batches++;
    size_t hint = 0;
    bool whole = one_partition(w, batch, rows, n);
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : i;
        if (i == 0 || !whole) {
            size_t open_before = w->open_count;
            /* Closing a part moves another into its place: give its rows away first. */
            if (open_before == OPEN_PARTS_MAX) EC_TRY(write_rows(w, batch, err));
            EC_TRY(find_part(w, batch, row, &hint, err));
        }
        struct open_part *open = &w->open[hint];
        open->used = w->batches;
        open->rows[open->row_count++] = (uint32_t)row;
    }
    return write_rows(w, batch, err);
}

enum ec_status ec_table_writer_finish(struct ec_table_writer *w, struct ec_err *err) {
    while (w->open_count > 0) EC_TRY(close_part(w, w->open_count - 1, err));
    w->finished = true;
    return EC_OK;
}

size_t ec_table_writer_parts(const struct ec_table_writer *w) { return w->part_count; }

const struct ec_part *ec_table_writer_part(const struct ec_table_writer *w, size_t index) { return &w->part[index]; }

void ec_table_writer_destroy(struct ec_table_writer *w) {
    if (!w) return;
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
    ec_free(w->column);
    ec_free(w->map);
    ec_free(w);
}
