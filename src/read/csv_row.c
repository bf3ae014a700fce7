/* A CSV record into a row of the batch. Nothing here allocates but for cells that hold doubled quotes. */
#include "read/csv_reader.h"

#include "base/utf8.h"
#include "read/cell.h"
#include "read/csv_header.h"

/* The text of a cell, its doubled quotes undone. */
static enum ec_status cell_text(const struct ec_csv_reader *reader, const struct ec_csv_cell *cell,
                                struct ec_batch *batch, struct ec_str *text, struct ec_err *err) {
    const char *p = reader->input->window.p + cell->at;
    *text = (struct ec_str){p, cell->n};
    if (!(cell->quotes & EC_CSV_DOUBLED)) return EC_OK;
    char *copy = ec_arena_alloc(&batch->scratch, cell->n);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for a quoted cell of %u bytes", cell->n);
    *text = (struct ec_str){copy, ec_csv_unquote(p, cell->n, copy)};
    return EC_OK;
}

enum ec_status ec_csv_cell_add(struct ec_csv_reader *reader, const struct ec_csv_cell *cell, size_t column, bool whole,
                               struct ec_batch *batch, size_t row, struct ec_err *err) {
    const struct ec_csv_column *to = &reader->column[column];
    struct ec_str text;
    if (cell->n == 0 && !cell->quotes) return EC_OK;
    EC_TRY(cell_text(reader, cell, batch, &text, err));
    enum ec_cell found = ec_cell_parse(to->schema, &batch->column[to->column], row, text.p, text.n, cell->quotes != 0);
    if (found != EC_CELL_BAD || !whole) return EC_OK;
    struct ec_fault fault = {.row = (uint32_t)row, .column = to->column, .reason = EC_REASON_TYPE, .value = text};
    return ec_batch_fault(batch, fault, err);
}

/* Parses the cells of a row that has too few or too many. One that is not of its type is null without a
 * fault of its own: it may have been meant for another column. */
static enum ec_status add_cells(struct ec_csv_reader *reader, size_t cells, struct ec_batch *batch,
                                struct ec_err *err) {
    for (size_t i = 0; i < cells && i < reader->columns; i++)
        EC_TRY(ec_csv_cell_add(reader, &reader->input->scanner.cell[i], i, false, batch, batch->rows, err));
    return EC_OK;
}

/* What one sees of a damaged field: its text up to the line's end, shortened for a report. */
static struct ec_str excerpt(const char *window, const struct ec_csv_record *r) {
    if (r->reason == EC_REASON_TOO_LONG || r->bad_at >= r->end) return EC_STR("");
    const char *p = window + r->bad_at;
    size_t n = r->end - r->bad_at;
    return (struct ec_str){p, ec_utf8_truncate(p, n, EC_SAMPLE_TEXT_MAX)};
}

static enum ec_status add_damaged(const struct ec_csv_reader *reader, const struct ec_csv_record *r, bool kept,
                                  struct ec_batch *batch, struct ec_err *err) {
    struct ec_fault fault = {.row = (uint32_t)batch->rows, .column = EC_NO_COLUMN, .reason = r->reason};
    bool extra = r->reason == EC_REASON_EXTRA_CELL;
    if (r->bad_cell < reader->columns && !extra) fault.column = reader->column[r->bad_cell].column;
    fault.value = kept ? excerpt(reader->input->window.p, r) : EC_STR("");
    return ec_batch_fault(batch, fault, err);
}

static enum ec_status add_wrong_count(const struct ec_csv_reader *reader, const struct ec_csv_record *r,
                                      struct ec_batch *batch, struct ec_err *err) {
    struct ec_fault fault = {.row = (uint32_t)batch->rows, .column = EC_NO_COLUMN, .value = EC_STR("")};
    if (r->cells < reader->columns) {
        fault.reason = EC_REASON_MISSING_CELL;
        fault.column = reader->column[r->cells].column;
    } else {
        const struct ec_csv_cell *extra = &reader->input->scanner.cell[reader->columns];
        const char *p = reader->input->window.p + extra->at;
        fault.reason = EC_REASON_EXTRA_CELL;
        fault.value = (struct ec_str){p, ec_utf8_truncate(p, extra->n, EC_SAMPLE_TEXT_MAX)};
    }
    return ec_batch_fault(batch, fault, err);
}

static enum ec_status add_unreadable(struct ec_batch *batch, struct ec_err *err) {
    struct ec_fault fault = {
        .row = (uint32_t)batch->rows, .column = EC_NO_COLUMN, .reason = EC_REASON_ENCODING, .value = EC_STR("")};
    return ec_batch_fault(batch, fault, err);
}

/* What lies before the first suspect and behind the last is ASCII, and begins and ends no character of several bytes. */
static bool is_readable(const char *window, const struct ec_csv_record *r) {
    size_t n = r->suspect_to - r->suspect_from;
    return n == 0 || (!memchr(window + r->suspect_from, '\0', n) && ec_utf8_valid(window + r->suspect_from, n));
}

void ec_csv_row_begin(struct ec_csv_reader *reader, const struct ec_batch *batch) {
    reader->input->scanner.cell = reader->block + batch->rows % EC_CSV_BLOCK_ROWS * reader->stride;
}

enum ec_status ec_csv_row_add(struct ec_csv_reader *reader, const struct ec_csv_record *r, bool overlong,
                              struct ec_batch *batch, struct ec_err *err) {
    const struct ec_csv_input *in = reader->input;
    const char *raw = in->window.p + r->start;
    bool kept = !overlong && in->bytes <= in->scanner.record_max;
    batch->place[batch->rows] = (struct ec_place){.offset = in->offset,
                                                  .line = r->line,
                                                  .length = in->bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)in->bytes,
                                                  .raw = kept ? raw : NULL};
    enum ec_status status = EC_OK;
    if (r->damaged) {
        status = add_damaged(reader, r, kept, batch, err);
    } else {
        bool readable = is_readable(in->window.p, r);
        bool whole = r->cells == reader->columns;
        if (!readable) status = add_unreadable(batch, err);
        if (status == EC_OK && !whole) status = add_wrong_count(reader, r, batch, err);
        if (readable && whole)
            reader->waiting |= UINT64_C(1) << batch->rows % EC_CSV_BLOCK_ROWS;
        else if (status == EC_OK && readable)
            status = add_cells(reader, r->cells, batch, err);
    }
    batch->rows++;
    return status;
}
