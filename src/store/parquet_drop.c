/* A part without some rows: row groups, column chunks, pages that are copied, and the footer. The
 * encoder writes all of it, so that the file is one of its own. */
#include "base/io.h"
#include "store/parquet_drop_internal.h"

/* A row group of the output, which the footer will list. */
static enum ec_status group_push(struct ec_parquet *pq, uint64_t rows, struct pq_group **group, struct ec_err *err) {
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
    **group = (struct pq_group){.rows = rows, .chunk = chunk, .chunk_count = pq->column_count};
    pq->rows += rows;
    return EC_OK;
}

/* The page as it lies, header and all. */
static enum ec_status page_copy(struct pq_drop *d, const struct pq_read_page *page, struct ec_err *err) {
    struct ec_parquet *pq = d->pq;
    const uint8_t *p;
    size_t n = (size_t)page->header + page->stored;
    EC_TRY(pq_read_bytes(d->reader->file, page->offset - page->header, n, n, &p, err));
    EC_TRY(pq_page_check(d->reader, page, p + page->header, err));
    if (page->dict)
        d->chunk->dict_offset = pq->offset;
    else if (d->chunk->data_offset == 0)
        d->chunk->data_offset = pq->offset;
    d->chunk->pages_coded += !page->dict && page->coded;
    d->chunk->pages_plain += !page->dict && !page->coded;
    EC_TRY(ec_file_write(pq->fd, p, n, pq->path, err));
    pq->offset += n;
    d->chunk->bytes_stored += n;
    d->chunk->bytes_raw += page->header + page->raw;
    return EC_OK;
}

/* How many of the group's dropped rows are below `row`. */
static size_t dropped_below(const struct pq_drop *d, uint32_t row) {
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (d->rows[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Takes rows [from, to) into the bounds; of codes it is only noted that they occur. */
static void bounds_take(struct pq_drop *d, const struct ec_parquet_chunk *in, uint32_t from, uint32_t to) {
    uint32_t coded_end = to < in->coded_rows ? to : in->coded_rows;
    for (; from < coded_end; from++) d->used[in->code[from]] |= !in->valid || ec_bit(in->valid, from);
    for (; from < to; from++) {
        if (in->valid && !ec_bit(in->valid, from)) continue;
        struct pq_bounds one = pq_bounds_of(in->type.type, in->plain, from - in->coded_rows);
        pq_bounds_merge(&d->chunk->bounds, &one, in->type.type);
    }
}

/* The bounds of the rows that stay. */
static enum ec_status bounds_anew(struct pq_drop *d, struct ec_parquet_chunk *in, struct ec_err *err) {
    d->chunk->bounds = (struct pq_bounds){0};
    EC_TRY(ec_parquet_chunk_all(in, err));
    EC_TRY(pq_room(&d->used, &d->used_cap, in->dictionary_count, err));
    if (in->dictionary_count > 0) memset(d->used, 0, in->dictionary_count);
    uint32_t row = 0;
    for (size_t i = 0; i < d->n; row = d->rows[i++] + 1) bounds_take(d, in, row, d->rows[i]);
    bounds_take(d, in, row, in->rows);
    for (uint32_t code = 0; code < in->dictionary_count; code++) {
        if (!d->used[code]) continue;
        struct pq_bounds one = pq_bounds_of(in->type.type, in->dictionary, code);
        pq_bounds_merge(&d->chunk->bounds, &one, in->type.type);
    }
    return EC_OK;
}

static enum ec_status chunk_drop(struct pq_drop *d, struct ec_parquet_chunk *in, struct ec_err *err) {
    const struct pq_reader *r = in->reader;
    const struct pq_stored *stored = r->stored;
    *d->chunk = (struct pq_chunk){.bounds = stored->bounds};
    /* Values without bounds are those of a column with a NaN, or of texts. */
    d->chunk->bounds.nan = !stored->bounds.known && in->type.type == EC_TYPE_FLOAT && stored->nulls < in->rows;
    d->nulls = 0;
    d->bound_gone = false;
    if (in->coded_rows > 0 && dropped_below(d, in->coded_rows) < in->coded_rows)
        EC_TRY(page_copy(d, &r->dict_page, err));
    for (size_t i = 0; i < r->page_count; i++) {
        const struct pq_read_page *page = &r->page[i];
        size_t from = dropped_below(d, page->first), to = dropped_below(d, page->first + page->rows);
        if (from == to)
            EC_TRY(page_copy(d, page, err));
        else
            EC_TRY(pq_page_drop(d, page, d->rows + from, to - from, err));
    }
    if (d->nulls > stored->nulls) return pq_reader_bad(r, err, "has more nulls than its footer counts");
    d->chunk->nulls = stored->nulls - d->nulls;
    return d->bound_gone ? bounds_anew(d, in, err) : EC_OK;
}

static enum ec_status group_drop(struct pq_drop *d, struct ec_parquet_file *file, size_t g, struct ec_parquet_chunk *in,
                                 struct ec_err *err) {
    struct pq_group *group = NULL;
    if (d->n == file->group[g].rows) return EC_OK;
    EC_TRY(group_push(d->pq, file->group[g].rows - d->n, &group, err));
    for (size_t i = 0; i < file->column_count; i++) {
        struct pq_column *c = &d->pq->column[i];
        EC_TRY(ec_parquet_chunk_open(in, file, g, i, err));
        d->reader = in->reader;
        d->chunk = &group->chunk[i];
        d->text_codec = &c->text_codec;
        EC_TRY(chunk_drop(d, in, err));
        c->nulls += d->chunk->nulls;
        pq_bounds_merge(&c->bounds, &d->chunk->bounds, c->type.type);
    }
    return EC_OK;
}

/* The dropped rows of each group in turn, as numbers within it. */
static enum ec_status groups_drop(struct pq_drop *d, struct ec_parquet_file *file, const uint64_t *rows, size_t n,
                                  struct ec_err *err) {
    struct ec_parquet_chunk in = {0};
    uint32_t *local = NULL;
    size_t local_cap = 0, at = 0;
    enum ec_status status = EC_OK;
    for (size_t g = 0; g < file->group_count && status == EC_OK; g++) {
        const struct pq_stored_group *group = &file->group[g];
        size_t end = at;
        while (end < n && rows[end] - group->first < group->rows) end++;
        status = pq_room(&local, &local_cap, (end - at) * sizeof *local, err);
        for (size_t i = at; i < end && status == EC_OK; i++) local[i - at] = (uint32_t)(rows[i] - group->first);
        d->rows = local;
        d->n = end - at;
        at = end;
        if (status == EC_OK) status = group_drop(d, file, g, &in, err);
    }
    ec_free(local);
    ec_parquet_chunk_deinit(&in);
    return status;
}

static enum ec_status check_rows(const struct ec_parquet_file *file, const uint64_t *rows, size_t n,
                                 struct ec_err *err) {
    uint64_t next = 0;
    for (size_t i = 0; i < n; next = rows[i++] + 1)
        if (rows[i] < next || rows[i] >= file->rows)
            return ec_fail(err, EC_TABLE_FORMAT, "row %llu is to be dropped from the %llu of %s, out of order",
                           (unsigned long long)rows[i], (unsigned long long)file->rows, file->path);
    return EC_OK;
}

/* The file has one codec; *codec is it. */
static enum ec_status one_codec(const struct ec_parquet_file *file, enum ec_codec *codec, struct ec_err *err) {
    *codec = file->group_count > 0 ? file->group[0].chunk[0].codec : EC_CODEC_ZSTD;
    for (size_t g = 0; g < file->group_count; g++)
        for (size_t i = 0; i < file->column_count; i++)
            if (file->group[g].chunk[i].codec != *codec) return pq_read_bad(file, err, "has chunks of several codecs");
    return EC_OK;
}

static enum ec_status drop_rows(struct ec_parquet_file *file, const char *out, const uint64_t *rows, size_t n,
                                struct ec_part_stats *stats, struct ec_err *err) {
    struct ec_parquet_options options = {file->column, file->column_count, PQ_GROUP_ROWS_MAX, EC_CODEC_ZSTD};
    struct pq_drop d = {.scratch = pq_scratch_make()};
    EC_TRY(one_codec(file, &options.codec, err));
    EC_TRY(ec_parquet_create(out, &options, &d.pq, err));
    enum ec_status status = groups_drop(&d, file, rows, n, err);
    if (status == EC_OK) status = ec_parquet_finish(d.pq, stats, err);
    ec_parquet_destroy(d.pq);
    pq_scratch_deinit(&d.scratch);
    ec_free(d.valid);
    ec_free(d.used);
    return status;
}

enum ec_status ec_parquet_drop_rows(const char *in, const char *out, const uint64_t *rows, size_t n,
                                    struct ec_part_stats *stats, struct ec_err *err) {
    struct ec_parquet_file *file;
    *stats = (struct ec_part_stats){0};
    EC_TRY(ec_parquet_open(in, &file, err));
    enum ec_status status = check_rows(file, rows, n, err);
    if (status == EC_OK && n < file->rows) status = drop_rows(file, out, rows, n, stats, err);
    ec_parquet_close(file);
    return status;
}
