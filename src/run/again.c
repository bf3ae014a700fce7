#include "run/again.h"

#include "base/io.h"
#include "gate/keys.h"
#include "read/csv_header.h"
#include "read/reader.h"
#include "run/fetch.h"

/* Records that are read as one file: so many bytes, or one record more. */
#define GROUP_BYTES      ((size_t)4 * EC_MIB)
#define HEADER_BYTES_MAX ((size_t)EC_RECORD_MAX)
#define HEADER_ARENA_MAX ((size_t)16 * EC_MIB)

struct ec_again {
    struct ec_again_args args;
    struct ec_source source; /* the same, but in UTF-8: bytes are decoded when they are fetched */
    struct ec_fetch *fetch;
    struct ec_buf header; /* of a CSV file, as it stands */
    struct ec_arena arena;
    const struct ec_str *name; /* of a CSV range: the columns of the file's header */
    size_t name_count;
    size_t key_column[EC_KEY_COLUMNS_MAX];
    struct ec_key key[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
    size_t gathered, read; /* records, of args.count */
    /* The group at hand. */
    struct ec_buf text;
    uint64_t next_at; /* where the next record lies in it */
    struct ec_stream *stream;
    struct ec_reader *reader;
    struct ec_batch batch;
};

static bool is_csv(const struct ec_again *a) {
    return a->args.kept->format == EC_FORMAT_CSV;
}

static enum ec_status changed(const struct ec_again *a, struct ec_err *err) {
    return ec_fail(err, EC_FILE_CHANGED, "a record of %s is not what it was", a->args.path);
}

/* ---- the header ---- */

static enum ec_status read_header(struct ec_again *a, struct ec_err *err) {
    const struct ec_task *task = a->args.task;
    if (!is_csv(a)) return EC_OK;
    if (task->range_start > 0)
        return ec_csv_header(a->args.path, a->args.source, &a->arena, &a->name, &a->name_count, err);
    uint64_t n = a->args.kept->records_at;
    if (n > HEADER_BYTES_MAX) return changed(a, err); /* blank lines without end */
    char *to = ec_buf_reserve(&a->header, (size_t)n);
    if (!to) return ec_buf_check(&a->header, err);
    a->header.n = (size_t)n;
    return ec_fetch_read(a->fetch, 0, to, (size_t)n, err);
}

/* ---- groups of records ---- */

/* Records of CSV stand in lines, of JSON in an array, in which they may take several lines. */
static enum ec_status gather(struct ec_again *a, struct ec_err *err) {
    ec_buf_clear(&a->text);
    if (is_csv(a))
        ec_buf_add(&a->text, a->header.p, a->header.n);
    else
        ec_buf_addc(&a->text, '[');
    a->next_at = a->text.n;
    for (size_t n = 0; a->gathered < a->args.count && n < EC_BATCH_ROWS && a->text.n - a->next_at < GROUP_BYTES; n++) {
        const struct ec_key *key = &a->args.drop[a->gathered++].key;
        char *to = ec_buf_reserve(&a->text, key->length);
        if (!to) return ec_buf_check(&a->text, err);
        EC_TRY(ec_fetch_read(a->fetch, key->offset, to, key->length, err));
        a->text.n += key->length;
        ec_buf_addc(&a->text, is_csv(a) ? '\n' : ',');
    }
    EC_TRY(ec_buf_check(&a->text, err));
    if (!is_csv(a)) a->text.p[a->text.n - 1] = ']';
    return EC_OK;
}

static void close_group(struct ec_again *a) {
    ec_reader_close(a->reader);
    ec_stream_close(a->stream);
    ec_batch_deinit(&a->batch);
    a->reader = NULL;
    a->stream = NULL;
}

static enum ec_status open_group(struct ec_again *a, struct ec_err *err) {
    EC_TRY(gather(a, err));
    EC_TRY(ec_batch_init(&a->batch, err));
    EC_TRY(ec_reader_columns(&a->source, &a->batch, err));
    EC_TRY(ec_stream_memory(a->text.p, a->text.n, 0, &a->stream, err));
    struct ec_reader_args args = {.source = &a->source,
                                  .stream = a->stream,
                                  .path = a->args.path,
                                  .first_line = a->name ? 2 : 1, /* no byte order mark but at a file's start */
                                  .header = a->name,
                                  .header_count = a->name_count};
    return ec_reader_open(is_csv(a) ? &ec_reader_csv : &ec_reader_json, &args, &a->batch, &a->reader, err);
}

/* ---- rows ---- */

static bool is_same(const struct ec_key *read, const struct ec_key *known) {
    return read->hash.hi == known->hash.hi && read->hash.lo == known->hash.lo;
}

/* Whether the batch's rows are the records that are due; then they get the places that these had. */
static enum ec_status check_rows(struct ec_again *a, struct ec_err *err) {
    struct ec_batch *b = &a->batch;
    const struct ec_drop *drop = &a->args.drop[a->read];
    if (b->faults > 0 || b->rows > a->gathered - a->read) return changed(a, err);
    if (ec_key_hash(b, a->key_column, a->source.key_count, a->key, a->row) != b->rows) return changed(a, err);
    for (size_t i = 0; i < b->rows; i++) {
        struct ec_place *place = &b->place[i];
        const struct ec_key *known = &drop[i].key;
        if (place->offset != a->next_at || place->length != known->length || !place->raw) return changed(a, err);
        if (!is_same(&a->key[i], known)) return changed(a, err);
        a->next_at += known->length + 1;
        place->offset = known->offset;
        place->line = known->line;
    }
    return EC_OK;
}

enum ec_status ec_again_next(struct ec_again *a, struct ec_batch **batch, const struct ec_drop **drop,
                             struct ec_err *err) {
    *batch = &a->batch;
    for (;;) {
        *drop = &a->args.drop[a->read];
        if (!a->reader && a->read == a->args.count) return EC_OK;
        if (!a->reader) EC_TRY(open_group(a, err));
        EC_TRY(ec_reader_next(a->reader, &a->batch, err));
        EC_TRY(check_rows(a, err));
        a->read += a->batch.rows;
        if (a->batch.rows > 0) return EC_OK;
        if (a->read != a->gathered) return changed(a, err);
        close_group(a);
    }
}

/* ---- all ---- */

enum ec_status ec_again_open(const struct ec_again_args *args, struct ec_again **out, struct ec_err *err) {
    struct ec_again *a = ec_calloc(1, sizeof *a);
    if (!a) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s again", args->path);
    a->args = *args;
    a->source = *args->source;
    a->source.encoding = NULL;
    a->header = ec_buf_make(HEADER_BYTES_MAX + 1);
    a->text = ec_buf_make(GROUP_BYTES + HEADER_BYTES_MAX + EC_RECORD_MAX + 2);
    ec_arena_init(&a->arena, HEADER_ARENA_MAX);
    for (size_t i = 0; i < args->source->key_count; i++)
        a->key_column[i] = ec_source_column(args->source, args->source->key[i]);
    enum ec_status status = ec_fetch_open(args->source, args->path, args->task->member, &a->fetch, err);
    if (status == EC_OK) status = read_header(a, err);
    if (status != EC_OK) {
        ec_again_close(a);
        return status;
    }
    *out = a;
    return EC_OK;
}

const uint32_t *ec_again_cells(const struct ec_again *a, size_t *count) {
    *count = a->reader ? a->reader->cell_of_count : 0;
    return a->reader ? a->reader->cell_of : NULL;
}

void ec_again_close(struct ec_again *a) {
    if (!a) return;
    close_group(a);
    ec_fetch_close(a->fetch);
    ec_buf_free(&a->header);
    ec_buf_free(&a->text);
    ec_arena_deinit(&a->arena);
    ec_free(a);
}
