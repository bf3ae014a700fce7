/* What the tests of the JSON reader share: a source, and reading a text into lines that show
 * every row, so that a test compares whole readings.
 *
 *     2@8+21 a=1 s="x" !type-error(n:"zz")
 *
 * is the row of line 2, byte 8, 21 bytes long. Null cells are left out. */
#ifndef JSON_KIT_H
#define JSON_KIT_H

#include "base/buf.h"
#include "base/json.h"
#include "read/json_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static struct ec_schema_column kit_columns[] = {
    {.name = "a", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "s", .type = {.type = EC_TYPE_STRING}},
    {.name = "f", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "d", .type = {.type = EC_TYPE_DATE}},
    {.name = "m", .type = {.type = EC_TYPE_DECIMAL, .precision = 10, .scale = 2}},
};
static struct ec_derive kit_derive[] = {{.name = "Day"}};
static const struct ec_source kit_source = {.name = "kit",
                                            .format = EC_FORMAT_JSON,
                                            .column = kit_columns,
                                            .column_count = sizeof kit_columns / sizeof kit_columns[0],
                                            .derive = kit_derive,
                                            .derive_count = 1};

struct kit_run {
    const struct ec_source *source; /* NULL: kit_source */
    struct ec_json_options options;
    size_t step; /* bytes a read; 0: no limit */
    uint64_t offset, line;
};

static inline void kit_columns_add(const struct ec_source *source, struct ec_batch *batch) {
    struct ec_err err = {0};
    if (ec_reader_columns(source, batch, &err) != EC_OK) fail_msg("%s", err.message);
}

static inline void kit_show_cell(struct ec_batch *batch, size_t column, size_t row, struct ec_buf *out) {
    const struct ec_column *c = &batch->column[column];
    if (!ec_bit(c->valid, row)) {
        const unsigned char *p = (const unsigned char *)c->values + row * ec_type_width(c->type.type);
        for (size_t i = 0; i < ec_type_width(c->type.type); i++)
            if (p[i]) fail_msg("column %s holds something under a null", c->name);
        return;
    }
    ec_buf_printf(out, " %s=", c->name);
    if (c->type.type == EC_TYPE_STRING) {
        struct ec_text cell = ec_column_text(c)[row];
        struct ec_str text = ec_text_str(&cell);
        struct ec_text again = ec_text_of(text.p, text.n);
        if (memcmp(&cell, &again, 8) != 0 || (text.n <= EC_TEXT_INLINE && memcmp(&cell, &again, sizeof cell) != 0))
            fail_msg("column %s holds a text that is not as ec_text_of() makes it", c->name);
        ec_json_quote(out, text.p, text.n);
    } else {
        struct ec_str text = ec_batch_cell_text(batch, column, row);
        ec_buf_add(out, text.p, text.n);
    }
}

static inline void kit_show_row(struct ec_batch *batch, size_t row, struct ec_buf *out) {
    const struct ec_place *place = &batch->place[row];
    ec_buf_printf(out, "%" PRIu64 "@%" PRIu64 "+%" PRIu32, place->line, place->offset, place->length);
    for (size_t i = 0; i < batch->columns; i++) kit_show_cell(batch, i, row, out);
    bool faulty = false;
    for (size_t i = 0; i < batch->faults; i++) {
        const struct ec_fault *f = &batch->fault[i];
        if (f->row != row) continue;
        faulty = true;
        ec_buf_printf(out, " !%s(", ec_reason_text(f->reason)->slug);
        if (f->column != EC_NO_COLUMN) ec_buf_printf(out, "%s:", batch->column[f->column].name);
        ec_json_quote(out, f->value.p, f->value.n);
        ec_buf_addc(out, ')');
    }
    if (faulty != ec_bit(batch->rejected, row)) fail_msg("row %zu: rejected and faulty differ", row);
    if (!place->raw) ec_buf_addz(out, " raw-dropped");
    ec_buf_addc(out, '\n');
}

/* The raw bytes of a row are those of the text. */
static inline void kit_check_raw(const struct ec_place *place, const char *p, size_t n, uint64_t offset) {
    uint64_t at = place->offset - offset;
    if (at > n || place->length > n - at) fail_msg("a row lies outside the text");
    if (place->raw && memcmp(place->raw, p + at, place->length) != 0) fail_msg("raw bytes differ at %" PRIu64, at);
}

/* Reads the text; the rows are appended to *out, an error as "error <slug>". */
static inline enum ec_status kit_read(const struct kit_run *run, const char *p, size_t n, struct ec_buf *out) {
    const struct ec_source *source = run->source ? run->source : &kit_source;
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream = NULL;
    struct ec_reader *reader = NULL;
    char *copy = malloc(n ? n : 1); /* exact, so that a sanitizer sees one byte too far */
    assert_non_null(copy);
    memcpy(copy, p, n);
    assert_int_equal(ec_batch_init(&batch, &err), EC_OK);
    kit_columns_add(source, &batch);
    enum ec_status status = ec_stream_memory(copy, n, run->step, &stream, &err);
    struct ec_reader_args args = {
        .source = source, .stream = stream, .first_offset = run->offset, .first_line = run->line};
    if (status == EC_OK) status = ec_json_open(&args, &run->options, &reader, &err);
    do {
        if (status == EC_OK) status = ec_reader_next(reader, &batch, &err);
        if (status != EC_OK) break;
        for (size_t row = 0; row < batch.rows; row++) {
            kit_check_raw(&batch.place[row], copy, n, run->offset);
            kit_show_row(&batch, row, out);
        }
    } while (batch.rows > 0);
    if (status != EC_OK) ec_buf_printf(out, "error %s\n", ec_status_text(status)->slug);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    free(copy);
    return status;
}

static inline struct ec_buf kit_text(const struct kit_run *run, const char *p, size_t n) {
    struct ec_buf out = ec_buf_make(64 * EC_MIB);
    (void)kit_read(run, p, n, &out);
    assert_false(out.failed);
    ec_buf_addz(&out, "");
    return out;
}

/* Fails with the first line in which the two differ. */
static inline void kit_equal(struct ec_buf *a, struct ec_buf *b, const char *what) {
    if (ec_str_eq(ec_buf_str(a), ec_buf_str(b))) return;
    size_t at = 0, line = 0;
    for (; at < a->n && at < b->n && a->p[at] == b->p[at]; at++)
        if (a->p[at] == '\n') line = at + 1;
    print_error("%s differ:\n%.*s\n%.*s\n", what, (int)strcspn(a->p + line, "\n"), a->p + line,
                (int)strcspn(b->p + line, "\n"), b->p + line);
    fail();
}

/* Both readings of one text must be the same. */
static inline void kit_same(const struct kit_run *one, const struct kit_run *other, const char *p, size_t n) {
    struct ec_buf a = kit_text(one, p, n), b = kit_text(other, p, n);
    if (!ec_str_eq(ec_buf_str(&a), ec_buf_str(&b)))
        print_error("window %zu step %zu strict %d and window %zu step %zu strict %d of\n%.*s\n",
                    one->options.window_bytes, one->step, one->options.strict, other->options.window_bytes, other->step,
                    other->options.strict, (int)(n < 900 ? n : 900), p);
    kit_equal(&a, &b, "the readings");
    ec_buf_free(&a);
    ec_buf_free(&b);
}

/* A small generator of its own, so that a failure can be repeated. */
static inline uint32_t kit_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t x = (uint32_t)(((*state >> 18) ^ *state) >> 27), turn = (uint32_t)(*state >> 59);
    return x >> turn | x << ((32 - turn) & 31);
}

#endif
