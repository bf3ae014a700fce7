#include "gate/quarantine.h"

#include "base/durable.h"
#include "base/io.h"
#include "base/utf8.h"

#define FLUSH_BYTES ((size_t)256 << 10)
/* What a reason shows of its value: the row's bytes stand beside it. */
#define VALUE_MAX ((size_t)1024)
/* A row of EC_RECORD_MAX bytes, every one escaped; its cells once more, all of the wrong type; its
 * other reasons. */
#define BUFFER_MAX (16 * (size_t)EC_RECORD_MAX + FLUSH_BYTES)

enum ec_status ec_quarantine_init(struct ec_quarantine *q, const struct ec_quarantine_options *options,
                                  struct ec_err *err) {
    *q = (struct ec_quarantine){.options = *options, .fd = -1, .buf = ec_buf_make(BUFFER_MAX)};
    q->first_fault = ec_calloc(EC_BATCH_ROWS, sizeof *q->first_fault);
    q->beginning = ec_buf_make(BUFFER_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &q->beginning);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "run", options->run);
    ec_json_str(&w, "source", options->source->name);
    ec_json_str(&w, "file", options->file);
    ec_json_str(&w, "member", options->member);
    EC_TRY(ec_buf_check(&q->beginning, err));
    if (!q->first_fault) return ec_fail(err, EC_NO_MEMORY, "no memory for the quarantine of %s", options->file);
    return EC_OK;
}

static enum ec_status flush(struct ec_quarantine *q, struct ec_err *err) {
    EC_TRY(ec_buf_check(&q->buf, err));
    if (q->fd < 0) EC_TRY(ec_file_create(q->options.path, &q->fd, err));
    EC_TRY(ec_file_write(q->fd, q->buf.p, q->buf.n, q->options.path, err));
    ec_buf_clear(&q->buf);
    return EC_OK;
}

/* Chains the faults by row, in their order. */
static enum ec_status chain_faults(struct ec_quarantine *q, const struct ec_batch *batch, struct ec_err *err) {
    if (batch->faults > q->next_cap) {
        uint32_t *grown = ec_realloc_array(q->next_fault, batch->faults, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the quarantine of %s", q->options.file);
        q->next_fault = grown;
        q->next_cap = batch->faults;
    }
    memset(q->first_fault, 0, batch->rows * sizeof *q->first_fault);
    for (size_t i = batch->faults; i-- > 0;) {
        uint32_t row = batch->fault[i].row;
        q->next_fault[i] = q->first_fault[row];
        q->first_fault[row] = (uint32_t)i + 1;
    }
    return EC_OK;
}

static void write_base64(struct ec_json_writer *w, const char *raw, size_t n) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct ec_buf text = ec_buf_make(4 + n / 3 * 4 + 8);
    const unsigned char *p = (const unsigned char *)raw;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0u);
        char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], left > 1 ? alphabet[bits >> 6 & 63] : '=',
                        left > 2 ? alphabet[bits & 63] : '='};
        ec_buf_add(&text, four, sizeof four);
    }
    if (text.failed) w->out->failed = true;
    ec_json_text(w, "raw_base64", ec_buf_str(&text));
    ec_buf_free(&text);
}

void ec_quarantine_first(struct ec_json_writer *w, const struct ec_first *first) {
    ec_json_object(w, "first");
    ec_json_str(w, "file", first->file);
    ec_json_uint(w, "line", first->line);
    ec_json_end(w);
}

static void write_reason(struct ec_json_writer *w, const struct ec_quarantine *q, const struct ec_batch *batch,
                         const struct ec_fault *fault, const struct ec_first *first) {
    const char *slug = ec_reason_text(fault->reason)->slug;
    ec_json_object(w, NULL);
    if (fault->reason == EC_REASON_RULE) {
        char code[300];
        (void)snprintf(code, sizeof code, "%s:%s", slug, q->options.source->rule[fault->rule].id);
        ec_json_str(w, "code", code);
    } else {
        ec_json_str(w, "code", slug);
    }
    ec_json_str(w, "column", fault->column == EC_NO_COLUMN ? NULL : batch->column[fault->column].name);
    if (fault->value.p)
        ec_json_text(w, "value",
                     (struct ec_str){fault->value.p, ec_utf8_truncate(fault->value.p, fault->value.n, VALUE_MAX)});
    else
        ec_json_null(w, "value");
    if (fault->reason == EC_REASON_DUPLICATE && first) ec_quarantine_first(w, first);
    ec_json_end(w);
}

static void write_row(struct ec_quarantine *q, const struct ec_batch *batch, size_t row, const struct ec_first *first) {
    const struct ec_place *place = &batch->place[row];
    struct ec_json_writer w = {.out = &q->buf, .depth = 1};
    ec_buf_add(&q->buf, q->beginning.p, q->beginning.n);
    ec_json_uint(&w, "line", place->line);
    ec_json_uint(&w, "offset", place->offset);
    ec_json_uint(&w, "length", place->length);
    ec_json_array(&w, "reasons");
    for (uint32_t i = q->first_fault[row]; i != 0; i = q->next_fault[i - 1])
        write_reason(&w, q, batch, &batch->fault[i - 1], first);
    ec_json_end_array(&w);
    if (!place->raw)
        ec_json_null(&w, "raw"); /* longer than the limit: offset and length say where it lies */
    else if (ec_utf8_valid(place->raw, place->length))
        ec_json_text(&w, "raw", (struct ec_str){place->raw, place->length});
    else
        write_base64(&w, place->raw, place->length);
    ec_json_end(&w);
    ec_buf_addc(&q->buf, '\n');
    q->rows++;
}

enum ec_status ec_quarantine_write(struct ec_quarantine *q, const struct ec_batch *batch, const struct ec_first *first,
                                   size_t first_count, struct ec_err *err) {
    if (batch->faults == 0) return EC_OK;
    EC_TRY(chain_faults(q, batch, err));
    const struct ec_first *end = first_count ? first + first_count : first; /* in the order of rows, as the rows below */
    for (size_t row = 0; row < batch->rows; row++) {
        if (!ec_bit(batch->rejected, row)) continue;
        while (first < end && first->row < row) first++;
        write_row(q, batch, row, first < end && first->row == row ? first : NULL);
        if (q->buf.n >= FLUSH_BYTES || q->buf.failed) EC_TRY(flush(q, err));
    }
    return EC_OK;
}

enum ec_status ec_quarantine_finish(struct ec_quarantine *q, struct ec_err *err) {
    if (q->rows == 0) return EC_OK;
    EC_TRY(flush(q, err));
    int fd = q->fd;
    q->fd = -1;
    if (q->options.temporary)
        return ec_io.close(fd) == 0 ? EC_OK : ec_fail_errno(err, EC_IO, "cannot close %s", q->options.path);
    enum ec_status status =
        q->durable ? ec_durable_add(q->durable, q->options.path, fd, err) : ec_file_finish(fd, q->options.path, err);
    if (status != EC_OK) (void)ec_io.unlink(q->options.path);
    return status;
}

void ec_quarantine_deinit(struct ec_quarantine *q) {
    if (q->fd >= 0) ec_file_abandon(q->fd, q->options.path);
    ec_buf_free(&q->buf);
    ec_buf_free(&q->beginning);
    ec_free(q->first_fault);
    ec_free(q->next_fault);
    *q = (struct ec_quarantine){.fd = -1};
}
