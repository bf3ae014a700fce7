/* The life of a file: its columns, the row groups that appended rows fill, the footer.
 *
 * Whatever fails half way leaves the encoder `broken`: the row group is not whole, so nothing
 * can be finished any more, and destroy removes the file. */
#include "base/durable.h"
#include "base/io.h"
#include "store/parquet_page.h"

#include <unistd.h>

enum ec_status pq_no_memory(const struct ec_parquet *pq, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "memory ran out while writing %s", pq->path);
}

enum ec_status ec_parquet_create(const char *path, const struct ec_parquet_options *options, struct ec_parquet **out,
                                 struct ec_err *err) {
    *out = NULL;
    if (options->column_count == 0)
        return ec_fail(err, EC_TABLE_FORMAT, "%s would have no columns, which Parquet cannot hold", path);
    struct ec_parquet *pq = ec_calloc(1, sizeof *pq);
    if (!pq) return ec_fail(err, EC_NO_MEMORY, "memory ran out while creating %s", path);
    pq->fd = -1;
    pq->codec = options->codec;
    pq->rows_per_group = options->rows_per_group < 1                   ? 1
                         : options->rows_per_group > PQ_GROUP_ROWS_MAX ? PQ_GROUP_ROWS_MAX
                                                                       : options->rows_per_group;
    pq->finished = true; /* no file yet that destroy would have to remove */
    enum ec_status status = EC_OK;
    pq->path = ec_strdup(path);
    if (!pq->path) status = ec_fail(err, EC_NO_MEMORY, "memory ran out while creating %s", path);
    for (size_t i = 0; i < options->column_count && status == EC_OK; i++)
        status = ec_parquet_add_column(pq, &options->column[i], err);
    if (status == EC_OK) status = ec_file_create(path, &pq->fd, err);
    if (status == EC_OK) {
        pq->finished = false;
        status = ec_file_write(pq->fd, "PAR1", 4, path, err);
        pq->offset = 4;
    }
    if (status != EC_OK) {
        ec_parquet_destroy(pq);
        return status;
    }
    *out = pq;
    return EC_OK;
}

static enum ec_status columns_grow(struct ec_parquet *pq, struct ec_err *err) {
    if (pq->column_count < pq->column_cap) return EC_OK;
    size_t cap = pq->column_cap ? pq->column_cap * 2 : 16;
    struct pq_column *column = ec_realloc_array(pq->column, cap, sizeof *column);
    if (!column) return pq_no_memory(pq, err);
    pq->column = column;
    pq->column_cap = cap;
    return EC_OK;
}

static enum ec_status check_column(const struct ec_parquet *pq, const struct ec_parquet_column *column,
                                   struct ec_err *err) {
    struct ec_column_type type = column->type;
    if (type.type == EC_TYPE_DECIMAL &&
        (type.precision < 1 || type.precision > EC_DECIMAL_PRECISION_MAX || type.scale > type.precision))
        return ec_fail(err, EC_TABLE_FORMAT, "column %s of %s: decimal(%u,%u) does not exist; the precision ends at %u",
                       column->name, pq->path, type.precision, type.scale, EC_DECIMAL_PRECISION_MAX);
    for (size_t i = 0; i < pq->column_count; i++)
        if (strcmp(pq->column[i].name, column->name) == 0)
            return ec_fail(err, EC_TABLE_FORMAT, "%s would have two columns named %s; rename one", pq->path,
                           column->name);
    return EC_OK;
}

enum ec_status ec_parquet_add_column(struct ec_parquet *pq, const struct ec_parquet_column *column,
                                     struct ec_err *err) {
    EC_TRY(check_column(pq, column, err));
    EC_TRY(columns_grow(pq, err));
    struct pq_column *c = &pq->column[pq->column_count];
    EC_TRY(pq_column_init(c, column, err));
    c->framed = pq->codec == EC_CODEC_ZSTD && c->width == 8;
    pq->column_count++;
    return EC_OK;
}

static enum ec_status group_push(struct ec_parquet *pq, struct pq_group **group, struct ec_err *err) {
    if (pq->group_count == pq->group_cap) {
        size_t cap = pq->group_cap ? pq->group_cap * 2 : 4;
        struct pq_group *more = ec_realloc_array(pq->group, cap, sizeof *more);
        if (!more) return pq_no_memory(pq, err);
        pq->group = more;
        pq->group_cap = cap;
    }
    struct pq_chunk *chunk = ec_calloc(pq->column_count, sizeof *chunk);
    if (!chunk) return pq_no_memory(pq, err);
    *group = &pq->group[pq->group_count++];
    **group = (struct pq_group){.rows = pq->group_rows, .chunk = chunk, .chunk_count = pq->column_count};
    return EC_OK;
}

/* Writes the row group under way, and forgets its rows. */
static enum ec_status group_end(struct ec_parquet *pq, bool give_back, struct ec_err *err) {
    struct pq_scratch scratch = pq_scratch_make();
    struct pq_group *group = NULL;
    uint64_t from = pq->offset;
    enum ec_status status = group_push(pq, &group, err);
    for (size_t i = 0; i < pq->column_count && status == EC_OK; i++) {
        struct pq_column *c = &pq->column[i];
        status = pq_chunk_write(pq, &scratch, c, &group->chunk[i], err);
        c->nulls += group->chunk[i].nulls;
        pq_bounds_merge(&c->bounds, &group->chunk[i].bounds, c->type.type);
        pq_column_reset(c, give_back);
    }
    if (status == EC_OK) ec_file_write_back(pq->fd, from, pq->offset - from);
    pq->group_rows = 0;
    pq_scratch_deinit(&scratch);
    return status;
}

/* Row groups from before a column was added get a chunk of nulls for it. */
static enum ec_status late_columns(struct ec_parquet *pq, struct ec_err *err) {
    struct pq_scratch scratch = pq_scratch_make();
    enum ec_status status = EC_OK;
    for (size_t g = 0; g < pq->group_count && status == EC_OK; g++) {
        struct pq_group *group = &pq->group[g];
        if (group->chunk_count == pq->column_count) break; /* columns are never taken away */
        struct pq_chunk *chunk = ec_realloc_array(group->chunk, pq->column_count, sizeof *chunk);
        if (!chunk) {
            status = pq_no_memory(pq, err);
            break;
        }
        group->chunk = chunk;
        for (; group->chunk_count < pq->column_count && status == EC_OK; group->chunk_count++) {
            pq->column[group->chunk_count].nulls += group->rows;
            status = pq_chunk_write_null(pq, &scratch, group->rows, &chunk[group->chunk_count], err);
        }
    }
    pq_scratch_deinit(&scratch);
    return status;
}

/* Points every column at the batch's, after looking that it is what the file's column is. */
static enum ec_status bind(struct ec_parquet *pq, const struct ec_batch *batch, const size_t *map, struct ec_err *err) {
    for (size_t i = 0; i < pq->column_count; i++) {
        struct pq_column *c = &pq->column[i];
        pq_column_bind(c, NULL, 0);
        if (map[i] == SIZE_MAX) continue;
        if (map[i] >= batch->columns)
            return ec_fail(err, EC_TABLE_FORMAT, "column %s of %s is mapped to column %zu of a batch of %zu", c->name,
                           pq->path, map[i], batch->columns);
        const struct ec_column *source = &batch->column[map[i]];
        if (source->type.type != c->type.type || source->type.scale != c->type.scale ||
            source->type.precision > c->type.precision)
            return ec_fail(err, EC_TABLE_FORMAT, "column %s of %s holds %s and is given %s", c->name, pq->path,
                           ec_type_name(c->type.type), ec_type_name(source->type.type));
        pq_column_bind(c, source, batch->rows);
    }
    return EC_OK;
}

/* The rows to take as a slice: as a list, or where it names neighbours as those. */
static enum ec_status take_rows(const struct ec_parquet *pq, const struct ec_batch *batch, const uint32_t *rows,
                                size_t n, struct pq_slice *all, struct ec_err *err) {
    uint32_t last = 0, apart = 0;
    *all = (struct pq_slice){.rows = rows, .n = n};
    for (size_t i = 0; rows && i < n; i++) {
        last = rows[i] > last ? rows[i] : last;
        apart |= rows[i] - rows[0] - (uint32_t)i;
    }
    uint64_t end = rows && n > 0 ? (uint64_t)last + 1 : n;
    if (end > batch->rows)
        return ec_fail(err, EC_TABLE_FORMAT, "row %llu for %s is behind the batch's %zu", (unsigned long long)end,
                       pq->path, batch->rows);
    if (rows && n > 0 && apart == 0) *all = (struct pq_slice){.first = rows[0], .n = n};
    return EC_OK;
}

static size_t held(const struct ec_parquet *pq) {
    size_t sum = 0;
    for (size_t i = 0; i < pq->column_count; i++) sum += pq_column_held(&pq->column[i]);
    return sum;
}

/* Shortens the slice until it cannot take the row group past its bytes, or to one row, so that
 * the row at which a group ends does not hang on how rows were cut into batches. */
static void slice_fit(const struct ec_parquet *pq, struct pq_slice *s) {
    size_t room = PQ_GROUP_BYTES - held(pq); /* not below zero: else the group would have ended */
    bool roughly = true;
    for (;;) {
        size_t most = 0;
        for (size_t i = 0; i < pq->column_count; i++) {
            pq_column_measure(&pq->column[i], s, roughly);
            most += pq->column[i].slice_max;
        }
        if (most < room || s->n == 1) return;
        if (!roughly) s->n /= 2;
        roughly = false;
    }
}

enum ec_status ec_parquet_append(struct ec_parquet *pq, const struct ec_batch *batch, const size_t *map,
                                 const uint32_t *rows, size_t n, struct ec_err *err) {
    if (pq->broken || pq->fd < 0)
        return ec_fail(err, EC_IO, "%s cannot be appended to after a failure, or once finished", pq->path);
    struct pq_slice all;
    EC_TRY(take_rows(pq, batch, rows, n, &all, err));
    EC_TRY(bind(pq, batch, map, err));
    pq->broken = true; /* until all columns have the rows */
    for (size_t done = 0; done < n;) {
        struct pq_slice s = {.rows = all.rows, .first = all.first + done, .n = n - done};
        if (s.n > EC_BATCH_ROWS) s.n = EC_BATCH_ROWS;
        if (s.n > pq->rows_per_group - pq->group_rows) s.n = pq->rows_per_group - pq->group_rows;
        slice_fit(pq, &s);
        for (size_t i = 0; i < pq->column_count; i++) EC_TRY(pq_column_append(&pq->column[i], &s, pq->group_rows, err));
        pq->group_rows += s.n;
        pq->rows += s.n;
        done += s.n;
        if (pq->group_rows == pq->rows_per_group || held(pq) >= PQ_GROUP_BYTES) EC_TRY(group_end(pq, false, err));
    }
    pq->broken = false;
    return EC_OK;
}

size_t ec_parquet_memory(const struct ec_parquet *pq) {
    size_t sum = sizeof *pq + pq->column_cap * sizeof *pq->column + pq->group_cap * sizeof *pq->group;
    for (size_t i = 0; i < pq->column_count; i++) sum += pq_column_memory(&pq->column[i]);
    for (size_t g = 0; g < pq->group_count; g++) sum += pq->group[g].chunk_count * sizeof *pq->group[g].chunk;
    return sum;
}

enum ec_status ec_parquet_flush(struct ec_parquet *pq, struct ec_err *err) {
    if (pq->broken || pq->fd < 0)
        return ec_fail(err, EC_IO, "%s cannot be written after a failure, or once finished", pq->path);
    if (pq->group_rows == 0) {
        for (size_t i = 0; i < pq->column_count; i++) pq_column_reset(&pq->column[i], true);
        return EC_OK;
    }
    enum ec_status status = group_end(pq, true, err);
    pq->broken = status != EC_OK;
    return status;
}

static enum ec_status write_footer(struct ec_parquet *pq, struct ec_err *err) {
    struct ec_buf footer = ec_buf_make(INT32_MAX);
    pq_footer(&footer, pq);
    enum ec_status status = ec_buf_check(&footer, err);
    if (status == EC_OK) status = ec_file_write(pq->fd, footer.p, footer.n, pq->path, err);
    pq->offset += footer.n;
    ec_buf_free(&footer);
    return status;
}

void ec_parquet_sync_with(struct ec_parquet *pq, struct ec_durable *durable) {
    pq->durable = durable;
}

enum ec_status ec_parquet_finish(struct ec_parquet *pq, struct ec_part_stats *stats, struct ec_err *err) {
    *stats = (struct ec_part_stats){0};
    EC_TRY(ec_parquet_flush(pq, err));
    pq->broken = true; /* nothing may follow, whatever becomes of it */
    EC_TRY(late_columns(pq, err));
    EC_TRY(write_footer(pq, err));
    enum ec_status status = pq_part_stats(pq, stats, err);
    if (status == EC_OK) {
        int fd = pq->fd;
        pq->fd = -1;
        status = pq->durable ? ec_durable_add(pq->durable, pq->path, fd, err) : ec_file_finish(fd, pq->path, err);
    }
    pq->finished = status == EC_OK;
    if (status != EC_OK) ec_part_stats_deinit(stats);
    return status;
}

void ec_parquet_destroy(struct ec_parquet *pq) {
    if (!pq) return;
    if (!pq->finished) ec_file_abandon(pq->fd, pq->path);
    for (size_t i = 0; i < pq->column_count; i++) pq_column_deinit(&pq->column[i]);
    for (size_t g = 0; g < pq->group_count; g++) ec_free(pq->group[g].chunk);
    ec_free(pq->column);
    ec_free(pq->group);
    ec_free(pq->path);
    ec_free(pq);
}
