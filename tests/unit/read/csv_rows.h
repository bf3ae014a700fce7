/* What a CSV reader makes of some bytes, as text: one line per row with its place, cells and faults.
 * And the same by an oracle that is as plain as the grammar: byte by byte over the whole text, no
 * window, no marks. For the tests of this folder. */
#ifndef EC_TEST_CSV_ROWS_H
#define EC_TEST_CSV_ROWS_H

#include "read/csv_reader.h"

static inline void rows_quote(struct ec_buf *out, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c > 0x7e)
            ec_buf_printf(out, "\\x%02x", c);
        else
            ec_buf_addc(out, (char)c);
    }
}

static inline void rows_place(struct ec_buf *out, uint64_t line, uint64_t offset, uint64_t length, const char *raw) {
    ec_buf_printf(out, "%llu@%llu+%llu <", (unsigned long long)line, (unsigned long long)offset,
                  (unsigned long long)length);
    if (raw)
        rows_quote(out, raw, length);
    else
        ec_buf_addz(out, "no raw");
    ec_buf_addz(out, ">");
}

static inline void rows_fault(struct ec_buf *out, enum ec_reason reason, const char *column, struct ec_str value) {
    ec_buf_printf(out, " !%s:%s:", ec_reason_text(reason)->slug, column);
    rows_quote(out, value.p, value.n);
}

/* Cells first, then the faults in the order of their columns, those without one last. */
static inline void rows_dump_row(struct ec_buf *out, struct ec_batch *batch, size_t row) {
    const struct ec_place *place = &batch->place[row];
    rows_place(out, place->line, place->offset, place->length, place->raw);
    for (size_t c = 0; c < batch->columns; c++) {
        if (!ec_bit(batch->column[c].valid, row)) {
            ec_buf_addz(out, " -");
            continue;
        }
        struct ec_str text = batch->column[c].type.type == EC_TYPE_STRING
                                 ? ec_text_str(&ec_column_text(&batch->column[c])[row])
                                 : ec_batch_cell_text(batch, c, row);
        ec_buf_addz(out, " [");
        rows_quote(out, text.p, text.n);
        ec_buf_addz(out, "]");
    }
    for (size_t f = 0; f < batch->faults; f++) {
        const struct ec_fault *fault = &batch->fault[f];
        if (fault->row != row) continue;
        rows_fault(out, fault->reason, fault->column == EC_NO_COLUMN ? "" : batch->column[fault->column].name,
                   fault->value);
    }
    ec_buf_addz(out, ec_bit(batch->rejected, row) ? " rejected\n" : "\n");
}

static inline enum ec_status rows_dump(struct ec_reader *reader, struct ec_batch *batch, struct ec_buf *out,
                                       struct ec_err *err) {
    do {
        enum ec_status status = ec_reader_next(reader, batch, err);
        if (status != EC_OK) return status;
        for (size_t row = 0; row < batch->rows; row++) rows_dump_row(out, batch, row);
    } while (batch->rows > 0);
    return EC_OK;
}

struct rows_args {
    const struct ec_source *source;
    struct ec_csv_limits limits;
    size_t step; /* bytes that the stream gives at a time; 0: all */
    uint64_t first_offset;
    uint64_t first_line;
    const struct ec_str *header;
    size_t header_count;
};

/* Reads n bytes into `batch` (of the source's columns, or fresh) and appends the rows to `out`. */
static inline enum ec_status rows_read(const struct rows_args *args, const char *p, size_t n, struct ec_batch *batch,
                                       struct ec_buf *out, struct ec_err *err) {
    struct ec_stream *stream;
    struct ec_reader *reader = NULL;
    enum ec_status status = ec_stream_memory(p, n, args->step, &stream, err);
    if (status != EC_OK) return status;
    struct ec_reader_args open = {.source = args->source,
                                  .stream = stream,
                                  .path = "test.csv",
                                  .first_offset = args->first_offset,
                                  .first_line = args->first_line,
                                  .header = args->header,
                                  .header_count = args->header_count};
    status = ec_csv_reader_open(&open, &args->limits, batch, &reader, err);
    if (status == EC_OK) status = rows_dump(reader, batch, out, err);
    ec_reader_close(reader);
    ec_stream_close(stream);
    return status;
}

#endif
