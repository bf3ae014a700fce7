#include "store/csv_out.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/json.h"

#include <math.h>

#define PATH_BYTES  4096u
#define FIRST_BYTES ((size_t)16 * 1024)

struct ec_csv_out {
    struct ec_durable *durable;
    size_t columns;
    char *header; /* with its line end */
    size_t header_n;
    char *text; /* of the file at hand; what of it was not written yet */
    size_t n, cap;
    int fd;         /* of its temporary file, once it outgrew EC_CSV_HELD; else -1 */
    uint64_t bytes; /* written there */
    char path[PATH_BYTES];
};

static enum ec_status flush(struct ec_csv_out *out, struct ec_err *err) {
    if (out->fd < 0) EC_TRY(ec_durable_open(out->durable, out->path, &out->fd, err));
    size_t n = out->n;
    out->n = 0;
    out->bytes += n;
    return ec_file_write(out->fd, out->text, n, out->path, err);
}

/* At least FIRST_BYTES more: twice what there was, or all of it once more. */
static enum ec_status make_room(struct ec_csv_out *out, struct ec_err *err) {
    size_t cap = out->cap ? out->cap * 2 : FIRST_BYTES;
    if (cap > EC_CSV_HELD) return flush(out, err);
    char *grown = ec_realloc_array(out->text, cap, 1);
    if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", out->path);
    out->text = grown;
    out->cap = cap;
    return EC_OK;
}

/* Room for n bytes, n <= FIRST_BYTES; what is put there is added to out->n. */
static inline enum ec_status reserve(struct ec_csv_out *out, size_t n, struct ec_err *err) {
    return out->cap - out->n >= n ? EC_OK : make_room(out, err);
}

static enum ec_status put(struct ec_csv_out *out, const char *p, size_t n, struct ec_err *err) {
    while (n > 0) {
        EC_TRY(reserve(out, 1, err));
        size_t k = out->cap - out->n < n ? out->cap - out->n : n;
        memcpy(out->text + out->n, p, k);
        out->n += k;
        p += k;
        n -= k;
    }
    return EC_OK;
}

static bool needs_quotes(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] == ',' || p[i] == '"' || p[i] == '\n' || p[i] == '\r') return true;
    return n == 0;
}

static bool is_formula(const char *p, size_t n) {
    return n > 0 && memchr("=+-@\t\r", p[0], 6) != NULL;
}

static enum ec_status put_quoted(struct ec_csv_out *out, const char *p, size_t n, struct ec_err *err) {
    EC_TRY(put(out, "\"", 1, err));
    if (is_formula(p, n)) EC_TRY(put(out, "'", 1, err));
    while (n > 0) {
        const char *quote = memchr(p, '"', n);
        size_t k = quote ? (size_t)(quote - p) + 1 : n;
        EC_TRY(put(out, p, k, err));
        if (quote) EC_TRY(put(out, "\"", 1, err));
        p += k;
        n -= k;
    }
    return put(out, "\"", 1, err);
}

static enum ec_status put_text(struct ec_csv_out *out, const char *p, size_t n, struct ec_err *err) {
    if (needs_quotes(p, n)) return put_quoted(out, p, n, err);
    if (is_formula(p, n)) EC_TRY(put(out, "'", 1, err));
    return put(out, p, n, err);
}

/* Into room for 40 bytes. */
static size_t format_value(const struct ec_column *column, size_t row, char *to) {
    switch (column->type.type) {
    case EC_TYPE_FLOAT: {
        double value = ec_column_double(column)[row];
        if (isfinite(value)) return ec_double_format(value, to);
        const char *name = isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
        memcpy(to, name, strlen(name));
        return strlen(name);
    }
    case EC_TYPE_BOOLEAN: {
        bool value = ec_column_bool(column)[row] != 0;
        memcpy(to, value ? "true" : "false", value ? 4 : 5);
        return value ? 4 : 5;
    }
    case EC_TYPE_DATETIME: return ec_datetime_format(ec_column_int(column)[row], to);
    case EC_TYPE_DATE: return ec_date_format(ec_column_days(column)[row], to);
    case EC_TYPE_DECIMAL: return ec_decimal_format(ec_column_int(column)[row], column->type.scale, to);
    default: return ec_decimal_format(ec_column_int(column)[row], 0, to); /* integers; texts are put_text's */
    }
}

static enum ec_status put_cell(struct ec_csv_out *out, const struct ec_column *column, size_t row, struct ec_err *err) {
    if (!column || !ec_bit(column->valid, row)) return out->columns == 1 ? put(out, "\"\"", 2, err) : EC_OK;
    if (column->type.type == EC_TYPE_STRING) {
        struct ec_str text = ec_text_str(&ec_column_text(column)[row]);
        return put_text(out, text.p, text.n, err);
    }
    EC_TRY(reserve(out, 40, err));
    out->n += format_value(column, row, out->text + out->n);
    return EC_OK;
}

/* The header is composed as a file's first line is, and kept. */
static enum ec_status make_header(struct ec_csv_out *out, const char *const *column, struct ec_err *err) {
    for (size_t i = 0; i < out->columns; i++) {
        if (i > 0) EC_TRY(put(out, ",", 1, err));
        EC_TRY(put_text(out, column[i], strlen(column[i]), err));
    }
    EC_TRY(put(out, "\n", 1, err));
    out->header = ec_malloc(out->n);
    if (!out->header) return ec_fail(err, EC_NO_MEMORY, "no memory for the header of a CSV file");
    memcpy(out->header, out->text, out->n);
    out->header_n = out->n;
    out->n = 0;
    return EC_OK;
}

enum ec_status ec_csv_out_create(const char *const *column, size_t count, struct ec_durable *durable,
                                 struct ec_csv_out **out, struct ec_err *err) {
    *out = NULL;
    struct ec_csv_out *made = ec_calloc(1, sizeof *made);
    if (!made) return ec_fail(err, EC_NO_MEMORY, "no memory for a CSV file");
    made->fd = -1;
    made->columns = count;
    made->durable = durable;
    enum ec_status status = make_header(made, column, err);
    if (status == EC_OK)
        *out = made;
    else
        ec_csv_out_destroy(made);
    return status;
}

enum ec_status ec_csv_out_begin(struct ec_csv_out *out, const char *path, struct ec_err *err) {
    int n = snprintf(out->path, sizeof out->path, "%s", path);
    if ((size_t)n >= sizeof out->path) return ec_fail(err, EC_IO, "the path %s is too long", path);
    out->n = 0;
    out->bytes = 0;
    return put(out, out->header, out->header_n, err);
}

enum ec_status ec_csv_out_append(struct ec_csv_out *out, const struct ec_batch *batch, const size_t *map,
                                 const uint32_t *rows, size_t n, struct ec_err *err) {
    for (size_t r = 0; r < n; r++) {
        size_t row = rows ? rows[r] : r;
        for (size_t i = 0; i < out->columns; i++) {
            size_t at = map ? map[i] : i;
            if (i > 0) EC_TRY(put(out, ",", 1, err));
            EC_TRY(put_cell(out, at == SIZE_MAX ? NULL : &batch->column[at], row, err));
        }
        EC_TRY(put(out, "\n", 1, err));
    }
    return EC_OK;
}

enum ec_status ec_csv_out_end(struct ec_csv_out *out, uint64_t *bytes, struct ec_err *err) {
    enum ec_status status = EC_OK;
    if (bytes) *bytes = out->bytes + out->n;
    if (out->fd < 0) {
        status = ec_durable_put(out->durable, out->path, out->text, out->n, err);
        out->n = 0;
        return status;
    }
    EC_TRY(flush(out, err));
    int fd = out->fd;
    out->fd = -1;
    return ec_durable_close(out->durable, out->path, fd, err);
}

void ec_csv_out_destroy(struct ec_csv_out *out) {
    if (!out) return;
    if (out->fd >= 0) ec_durable_abandon(out->durable, out->path, out->fd);
    ec_free(out->header);
    ec_free(out->text);
    ec_free(out);
}
