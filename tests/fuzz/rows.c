#include "rows.h"

#include "base/json.h"
#include "base/utf8.h"

#include <stdlib.h>

#define SHOWN_MAX (64 * EC_MIB)

static bool is_zero(const unsigned char *p, size_t n) {
    while (n > 0 && *p == 0) p++, n--;
    return n == 0;
}

static void show_cell(struct ec_batch *batch, size_t column, size_t row, struct ec_buf *out) {
    const struct ec_column *c = &batch->column[column];
    size_t width = ec_type_width(c->type.type);
    if (!ec_bit(c->valid, row)) {
        FUZZ_CHECK(is_zero((const unsigned char *)c->values + row * width, width), "column %s: something under a null",
                   c->name);
        return;
    }
    struct ec_str text;
    if (c->type.type == EC_TYPE_STRING) {
        const struct ec_text *cell = &ec_column_text(c)[row];
        text = ec_text_str(cell);
        struct ec_text again = ec_text_of(text.p, text.n);
        FUZZ_CHECK(memcmp(cell, &again, text.n <= EC_TEXT_INLINE ? sizeof again : 8) == 0,
                   "column %s: a malformed text", c->name);
        FUZZ_CHECK(ec_utf8_valid(text.p, text.n), "column %s: invalid UTF-8", c->name);
    } else {
        text = ec_batch_cell_text(batch, column, row);
    }
    ec_buf_printf(out, " %s=", c->name);
    ec_json_quote(out, text.p, text.n);
}

static int compare_columns(const void *a, const void *b, void *batch) {
    const struct ec_column *column = ((const struct ec_batch *)batch)->column;
    return strcmp(column[*(const size_t *)a].name, column[*(const size_t *)b].name);
}

static void show_faults(struct ec_batch *batch, size_t row, struct ec_buf *out) {
    bool faulty = false;
    for (size_t i = 0; i < batch->faults; i++) {
        const struct ec_fault *f = &batch->fault[i];
        if (f->row != row) continue;
        faulty = true;
        ec_buf_printf(out, " !%s(%s:", ec_reason_text(f->reason)->slug,
                      f->column == EC_NO_COLUMN ? "" : batch->column[f->column].name);
        ec_json_quote(out, f->value.p, f->value.n);
        ec_buf_addc(out, ')');
    }
    FUZZ_CHECK(faulty == ec_bit(batch->rejected, row), "row %zu: rejected and faulty differ", row);
}

struct reading {
    const struct fuzz_read *read;
    const char *copy;
    bool plain;    /* offsets are those of the bytes that were given */
    uint64_t next; /* no row begins before this offset */
    size_t *order; /* columns behind the declared ones, by name */
    size_t orders;
};

static void check_place(struct reading *r, const struct ec_place *place) {
    if (place->offset < r->next) fuzz_fail("a row at %llu begins in the one before", (unsigned long long)place->offset);
    r->next = place->offset + place->length;
    if (!r->plain) return;
    uint64_t at = place->offset - r->read->first_offset;
    if (at > r->read->n || place->length > r->read->n - at) fuzz_fail("a row lies outside of the text");
    if (place->raw && memcmp(place->raw, r->copy + at, place->length) != 0) fuzz_fail("the bytes of a row differ");
}

static void show_row(struct reading *r, struct ec_batch *batch, size_t row, struct ec_buf *out) {
    const struct ec_place *place = &batch->place[row];
    if (r->copy) check_place(r, place);
    ec_buf_printf(out, "%llu@%llu+%u", (unsigned long long)place->line, (unsigned long long)place->offset,
                  place->length);
    size_t declared = r->read->source->column_count;
    for (size_t i = 0; i < declared; i++) show_cell(batch, i, row, out);
    for (size_t i = 0; i < r->orders; i++) show_cell(batch, r->order[i], row, out);
    show_faults(batch, row, out);
    if (!place->raw) ec_buf_addz(out, " no-raw");
    ec_buf_addc(out, '\n');
    if (r->read->look) r->read->look(batch, row);
}

/* A batch may have more columns than the one before. */
static void order_columns(struct reading *r, struct ec_batch *batch) {
    size_t declared = r->read->source->column_count, n = batch->columns - declared;
    if (n == r->orders) return;
    r->order = realloc(r->order, n * sizeof *r->order);
    if (!r->order) fuzz_fail("no memory");
    for (size_t i = 0; i < n; i++) r->order[i] = declared + i;
    r->orders = n;
    qsort_r(r->order, n, sizeof *r->order, compare_columns, batch);
}

static enum ec_status open_reader(const struct fuzz_read *read, const struct ec_reader_args *args,
                                  struct ec_batch *batch, struct ec_reader **reader, struct ec_err *err) {
    if (read->open) return read->open(read->limits, args, batch, reader, err);
    return ec_reader_open(read->type, args, batch, reader, err);
}

static enum ec_status show_rows(struct reading *r, struct ec_reader *reader, struct ec_batch *batch, struct ec_buf *out,
                                struct ec_err *err) {
    do {
        enum ec_status status = ec_reader_next(reader, batch, err);
        if (status != EC_OK) return status;
        order_columns(r, batch);
        for (size_t row = 0; row < batch->rows; row++) show_row(r, batch, row, out);
    } while (batch->rows > 0 && out->n < SHOWN_MAX);
    return EC_OK;
}

enum ec_status fuzz_rows(const struct fuzz_read *read, struct ec_buf *out) {
    const char *encoding = read->source->encoding;
    struct reading r = {.read = read, .plain = !encoding || strcmp(encoding, "utf-8") == 0};
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream = NULL;
    struct ec_reader *reader = NULL;
    char *copy = read->p ? fuzz_copy(read->p, read->n) : NULL;
    r.copy = copy;
    r.next = read->first_offset;
    fuzz_need(ec_batch_init(&batch, &err), &err);
    fuzz_need(ec_reader_columns(read->source, &batch, &err), &err);
    if (copy) fuzz_need(ec_stream_memory(copy, read->n, read->step, &stream, &err), &err);
    struct ec_reader_args args = {.source = read->source,
                                  .stream = stream,
                                  .path = read->path ? read->path : "fuzz",
                                  .first_offset = read->first_offset,
                                  .first_line = read->first_line,
                                  .header = read->header,
                                  .header_count = read->header_count};
    enum ec_status status = open_reader(read, &args, &batch, &reader, &err);
    if (status == EC_OK) status = show_rows(&r, reader, &batch, out, &err);
    if (status != EC_OK) ec_buf_printf(out, "error %s\n", ec_status_text(status)->slug);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    free(r.order);
    free(copy);
    return status;
}
