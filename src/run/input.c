#include "run/input.h"

#include "base/io.h"
#include "read/csv_header.h"

#define HEAD_BYTES ((size_t)65536)
#define HEADER_ARENA_MAX ((size_t)16 * EC_MIB)

/* The file's first bytes as stored: enough to tell a workbook from the rest. */
static enum ec_status stored_head(const char *path, char *head, size_t *n, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_open(path, &fd, NULL, err));
    enum ec_status status = ec_file_read(fd, head, HEAD_BYTES, n, path, err);
    (void)ec_io.close(fd);
    return status;
}

static enum ec_status decoded_head(const struct ec_stream_args *args, char *head, size_t *n, struct ec_err *err) {
    struct ec_stream *stream;
    EC_TRY(ec_stream_open(args, &stream, err));
    enum ec_status status = EC_OK;
    size_t got = 1; /* a read may be short before the end */
    for (*n = 0; *n < HEAD_BYTES && got > 0 && status == EC_OK; *n += got)
        status = ec_stream_read(stream, head + *n, HEAD_BYTES - *n, &got, err);
    ec_stream_close(stream);
    return status;
}

static bool is_zip(const char *head, size_t n) { return n >= 4 && memcmp(head, "PK\x03\x04", 4) == 0; }

/* An encrypted or old workbook: its reader names it. */
static bool is_ole(const char *head, size_t n) { return n >= 4 && memcmp(head, "\xd0\xcf\x11\xe0", 4) == 0; }

static enum ec_status choose(const struct ec_source *source, const struct ec_stream_args *args,
                             const struct ec_reader_type **type, struct ec_err *err) {
    char *head = ec_malloc(HEAD_BYTES);
    if (!head) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", args->path);
    size_t n = 0;
    bool workbook = false;
    enum ec_status status = EC_OK;
    if (!args->member) {
        status = stored_head(args->path, head, &n, err);
        workbook = status == EC_OK && (is_zip(head, n) || is_ole(head, n));
    }
    if (status == EC_OK && !workbook) {
        /* Of a range too: what the file is, its beginning says. */
        struct ec_stream_args whole = *args;
        whole.range_start = whole.range_end = 0;
        status = decoded_head(&whole, head, &n, err);
    }
    const char *name = args->member ? args->member : args->path;
    if (status == EC_OK) status = ec_reader_choose(source, name, head, n, type, err);
    ec_free(head);
    return status;
}

/* Opens a range of a CSV file with the names of the file's first line. */
static enum ec_status open_with_header(const struct ec_reader_type *type, struct ec_reader_args *args, struct ec_batch *batch,
                                       struct ec_reader **reader, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, HEADER_ARENA_MAX);
    enum ec_status status = ec_csv_header(args->path, args->source, &arena, &args->header, &args->header_count, err);
    if (status == EC_OK) status = ec_reader_open(type, args, batch, reader, err);
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_input_open(const struct ec_source *source, const struct ec_stream_args *args, uint64_t line,
                             struct ec_batch *batch, struct ec_stream **stream, struct ec_reader **reader,
                             struct ec_err *err) {
    const struct ec_reader_type *type;
    EC_TRY(choose(source, args, &type, err));
    struct ec_reader_args reader_args = {.source = source, .path = args->path, .first_offset = args->range_start, .first_line = line};
    if (type->format != EC_FORMAT_XLSX) {
        EC_TRY(ec_stream_open(args, stream, err));
        reader_args.stream = *stream;
    }
    if (type->format == EC_FORMAT_CSV && args->range_start > 0)
        return open_with_header(type, &reader_args, batch, reader, err);
    return ec_reader_open(type, &reader_args, batch, reader, err);
}
