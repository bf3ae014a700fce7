#include "store/csv_out.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/json.h"

#include <inttypes.h>
#include <math.h>

#define BUFFER_BYTES ((size_t)64 * 1024)
#define PATH_BYTES   4096u

struct ec_csv_out {
    int fd;
    size_t columns;
    size_t n;       /* bytes in the buffer */
    uint64_t bytes; /* written to the file */
    bool finished;
    char path[PATH_BYTES];
    char tmp[PATH_BYTES];
    char buffer[BUFFER_BYTES];
};

static enum ec_status flush(struct ec_csv_out *out, struct ec_err *err) {
    size_t n = out->n;
    out->n = 0;
    out->bytes += n;
    return ec_file_write(out->fd, out->buffer, n, out->tmp, err);
}

/* Room for n bytes, n <= BUFFER_BYTES; what is put there is added to out->n. */
static inline enum ec_status reserve(struct ec_csv_out *out, size_t n, struct ec_err *err) {
    return BUFFER_BYTES - out->n >= n ? EC_OK : flush(out, err);
}

static enum ec_status put(struct ec_csv_out *out, const char *p, size_t n, struct ec_err *err) {
    while (n > 0) {
        EC_TRY(reserve(out, 1, err));
        size_t k = BUFFER_BYTES - out->n < n ? BUFFER_BYTES - out->n : n;
        memcpy(out->buffer + out->n, p, k);
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
    case EC_TYPE_INTEGER: return ec_decimal_format(ec_column_int(column)[row], 0, to);
    case EC_TYPE_DECIMAL: return ec_decimal_format(ec_column_int(column)[row], column->type.scale, to);
    case EC_TYPE_STRING: break; /* put_text's */
    }
    return 0;
}

static enum ec_status put_cell(struct ec_csv_out *out, const struct ec_column *column, size_t row, struct ec_err *err) {
    if (!column || !ec_bit(column->valid, row)) return out->columns == 1 ? put(out, "\"\"", 2, err) : EC_OK;
    if (column->type.type == EC_TYPE_STRING) {
        struct ec_str text = ec_text_str(&ec_column_text(column)[row]);
        return put_text(out, text.p, text.n, err);
    }
    EC_TRY(reserve(out, 40, err));
    out->n += format_value(column, row, out->buffer + out->n);
    return EC_OK;
}

static enum ec_status create(struct ec_csv_out *out, const char *path, const char *const *column, struct ec_err *err) {
    const char *slash = strrchr(path, '/');
    int dir_n = slash ? (int)(slash - path + 1) : 0;
    const char *name = slash ? slash + 1 : path;
    int path_n = snprintf(out->path, sizeof out->path, "%s", path);
    int tmp_n = snprintf(out->tmp, sizeof out->tmp, "%.*s.%s.tmp", dir_n, path, name);
    if (path_n < 0 || tmp_n < 0 || (size_t)tmp_n >= sizeof out->tmp)
        return ec_fail(err, EC_IO, "the path %s is too long", path);
    (void)ec_io.unlink(out->tmp); /* left by a crash; there is one writer per path */
    EC_TRY(ec_file_create(out->tmp, &out->fd, err));
    for (size_t i = 0; i < out->columns; i++) {
        if (i > 0) EC_TRY(put(out, ",", 1, err));
        EC_TRY(put_text(out, column[i], strlen(column[i]), err));
    }
    return put(out, "\n", 1, err);
}

enum ec_status ec_csv_out_open(const char *path, const char *const *column, size_t count, struct ec_csv_out **out,
                               struct ec_err *err) {
    *out = NULL;
    struct ec_csv_out *made = ec_malloc(sizeof *made);
    if (!made) return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", path);
    made->fd = -1;
    made->columns = count;
    made->n = 0;
    made->bytes = 0;
    made->finished = false;
    enum ec_status status = create(made, path, column, err);
    if (status == EC_OK)
        *out = made;
    else
        ec_csv_out_destroy(made);
    return status;
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

enum ec_status ec_csv_out_finish(struct ec_csv_out *out, uint64_t *bytes, struct ec_err *err) {
    EC_TRY(flush(out, err));
    int fd = out->fd;
    out->fd = -1; /* closed by the next call, whatever happens */
    EC_TRY(ec_file_finish(fd, out->tmp, err));
    if (ec_io.rename(out->tmp, out->path) != 0) return ec_fail_errno(err, EC_IO, "cannot put %s in place", out->path);
    out->finished = true;
    if (bytes) *bytes = out->bytes;
    return ec_dir_sync_parent(out->path, err);
}

void ec_csv_out_destroy(struct ec_csv_out *out) {
    if (!out) return;
    if (!out->finished) ec_file_abandon(out->fd, out->tmp);
    ec_free(out);
}
