#include "read/csv_header.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/utf8.h"

#include <inttypes.h>

size_t ec_csv_unquote(const char *p, size_t n, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        out[used++] = p[i];
        i += p[i] == '"'; /* the second of the two */
    }
    return used;
}

static enum ec_status read_name(const struct ec_csv_input *in, const struct ec_csv_cell *cell, struct ec_arena *arena,
                                struct ec_str *name, struct ec_err *err) {
    const char *p = in->window.p + cell->at;
    size_t n = cell->n;
    while (n > 0 && (*p == ' ' || *p == '\t')) p++, n--;
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t')) n--;
    if (n > EC_COLUMN_NAME_MAX)
        return ec_fail(err, EC_BAD_HEADER, "a column name is longer than %u bytes; check the delimiter",
                       EC_COLUMN_NAME_MAX);
    char *copy = ec_arena_copy(arena, p, n);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for a column name");
    if (cell->quotes & EC_CSV_DOUBLED) n = ec_csv_unquote(p, n, copy);
    *name = (struct ec_str){copy, n};
    return EC_OK;
}

/* Two columns of one name could not be told apart. A table of hashes, as a header may be hostile. */
static enum ec_status check_repeated(const struct ec_str *name, size_t count, struct ec_err *err) {
    uint16_t slot[4 * EC_COLUMNS_MAX] = {0}; /* index + 1 */
    for (size_t i = 0; i < count; i++) {
        size_t at = ec_hash64(name[i].p, name[i].n) % (4 * EC_COLUMNS_MAX);
        for (; slot[at]; at = (at + 1) % (4 * EC_COLUMNS_MAX))
            if (ec_str_eq(name[slot[at] - 1], name[i]))
                return ec_fail(err, EC_BAD_HEADER, "the header names the column %.*s twice (columns %u and %zu)",
                               (int)name[i].n, name[i].p, (unsigned)slot[at], i + 1);
        slot[at] = (uint16_t)(i + 1);
    }
    return EC_OK;
}

static enum ec_status check_bytes(const char *p, size_t n, struct ec_err *err) {
    size_t valid = ec_utf8_prefix(p, n);
    if (valid < n)
        return ec_fail(err, EC_BAD_HEADER, "the header holds bytes that are not UTF-8 (at its byte %zu)", valid + 1);
    if (memchr(p, '\0', n)) return ec_fail(err, EC_BAD_HEADER, "the header holds a NUL byte: this is not a text file");
    return EC_OK;
}

static enum ec_status check_record(const struct ec_csv_input *in, const struct ec_csv_record *r, struct ec_err *err) {
    if (r->damaged && r->reason == EC_REASON_TOO_LONG)
        return ec_fail(err, EC_RECORD_TOO_LONG,
                       "the header, or a name in it, is longer than the limit (%zu and %zu bytes)",
                       in->scanner.record_max, in->scanner.field_max);
    if (r->damaged)
        return ec_fail(err, EC_BAD_HEADER, "the header has a stray or unclosed quote in column %zu", r->bad_cell + 1);
    if (r->cells > EC_COLUMNS_MAX)
        return ec_fail(err, EC_TOO_MANY_COLUMNS, "the header has %zu columns, the limit is %u; check the delimiter",
                       r->cells, EC_COLUMNS_MAX);
    return check_bytes(in->window.p + r->start, r->end - r->start, err);
}

static enum ec_status read_names(const struct ec_csv_input *in, const struct ec_csv_record *r, struct ec_arena *arena,
                                 const struct ec_str **names, size_t *count, struct ec_err *err) {
    EC_TRY(check_record(in, r, err));
    struct ec_str *name = ec_arena_calloc(arena, r->cells, sizeof *name);
    if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu column names", r->cells);
    for (size_t i = 0; i < r->cells; i++) {
        EC_TRY(read_name(in, &in->scanner.cell[i], arena, &name[i], err));
        if (name[i].n == 0) return ec_fail(err, EC_BAD_HEADER, "column %zu of the header has no name", i + 1);
    }
    EC_TRY(check_repeated(name, r->cells, err));
    *names = name;
    *count = r->cells;
    return EC_OK;
}

enum ec_status ec_csv_header_read(struct ec_csv_input *in, const char *path, struct ec_arena *arena,
                                  const struct ec_str **names, size_t *count, struct ec_err *err) {
    struct ec_csv_record record;
    enum ec_csv_found found;
    EC_TRY(ec_csv_input_next(in, true, &record, &found, err));
    if (found == EC_CSV_END) return ec_fail(err, EC_EMPTY_FILE, "%s holds no header line", path);
    enum ec_status status = read_names(in, &record, arena, names, count, err);
    if (status != EC_OK) {
        ec_err_at(err, path, (uint32_t)record.line, 1);
        if (err) err->byte = in->offset;
    }
    return status;
}

enum ec_status ec_csv_header(const char *path, const struct ec_source *source, struct ec_arena *arena,
                             const struct ec_str **names, size_t *count, struct ec_err *err) {
    struct ec_stream *stream = NULL;
    struct ec_csv_input *in = NULL;
    enum ec_status status = ec_stream_open(&(struct ec_stream_args){.path = path}, &stream, err);
    if (status != EC_OK) return status;
    status = ec_csv_input_open(&(struct ec_csv_input_args){.source = source, .stream = stream}, &in, err);
    if (status == EC_OK) status = ec_csv_header_read(in, path, arena, names, count, err);
    ec_csv_input_close(in);
    ec_stream_close(stream);
    return status;
}
