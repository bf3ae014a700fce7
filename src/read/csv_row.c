/* A CSV record into a row of the batch: this is where the time goes, so nothing here allocates but
 * for cells that hold doubled quotes. */
#include "read/csv_reader.h"

#include "base/calendar.h"
#include "base/utf8.h"
#include "read/cell.h"
#include "read/csv_header.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "text_view() puts its bytes together as numbers");

/* ec_text_of() for text in the window, behind which sixteen bytes may be read: without a call of
 * memcpy for a length that the processor cannot predict. */
static inline struct ec_text text_view(const char *p, size_t n) {
    struct ec_text t;
    uint64_t low;
    uint32_t high;
    if (n > EC_TEXT_INLINE) return ec_text_of(p, n);
    memcpy(&low, p, 8);
    memcpy(&high, p + 8, 4);
    uint64_t low_mask = n < 8 ? (UINT64_C(1) << 8 * n) - 1 : ~UINT64_C(0);
    uint32_t high_mask = n <= 8 ? 0 : UINT32_MAX >> 8 * (EC_TEXT_INLINE - n);
    low &= low_mask;
    high &= high_mask;
    t.n = (uint32_t)n;
    memcpy(t.inlined, &low, 8);
    memcpy(t.inlined + 8, &high, 4);
    return t;
}

/* A cell of a direct column as it nearly always is: a value without spaces around it. False says
 * that ec_cell_parse() must look. */
static inline bool parse_direct(struct ec_column *column, size_t row, const char *p, size_t n) {
    switch (column->type.type) {
    case EC_TYPE_STRING: ec_column_text(column)[row] = text_view(p, n); return true;
    case EC_TYPE_INTEGER: return ec_integer_parse(p, n, &ec_column_int(column)[row]);
    case EC_TYPE_FLOAT: return ec_double_parse(p, n, &ec_column_double(column)[row]);
    case EC_TYPE_BOOLEAN: return ec_boolean_parse(p, n, &ec_column_bool(column)[row]);
    case EC_TYPE_DATETIME: return ec_datetime_parse(p, n, &ec_column_int(column)[row]);
    case EC_TYPE_DATE: return ec_date_parse(p, n, &ec_column_days(column)[row]);
    case EC_TYPE_DECIMAL: break;
    }
    return ec_decimal_parse(p, n, column->type.precision, column->type.scale, &ec_column_int(column)[row]);
}

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

/* Parses the cells that the row has. Where their number is wrong, a cell that is not of its type is
 * null without a fault of its own: it may have been meant for another column. */
static enum ec_status add_cells(const struct ec_csv_reader *reader, size_t cells, bool whole, struct ec_batch *batch,
                                struct ec_err *err) {
    const struct ec_csv_cell *cell = reader->input->scanner.cell;
    const char *window = reader->input->window.p;
    size_t row = batch->rows;
    for (size_t i = 0; i < cells; i++, cell++) {
        const struct ec_csv_column *to = &reader->column[i];
        struct ec_column *column = &batch->column[to->column];
        if (cell->n == 0 && !cell->quotes) continue;
        if (to->direct && !(cell->quotes & EC_CSV_DOUBLED) && parse_direct(column, row, window + cell->at, cell->n)) {
            ec_bit_set(column->valid, row);
            continue;
        }
        struct ec_str text;
        EC_TRY(cell_text(reader, cell, batch, &text, err));
        if (ec_cell_parse(to->schema, column, row, text.p, text.n, cell->quotes != 0) != EC_CELL_BAD || !whole)
            continue;
        struct ec_fault fault = {.row = (uint32_t)row, .column = to->column, .reason = EC_REASON_TYPE, .value = text};
        EC_TRY(ec_batch_fault(batch, fault, err));
    }
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
        size_t n = r->end - r->start;
        bool readable = !r->suspect || (!memchr(raw, '\0', n) && ec_utf8_valid(raw, n));
        bool whole = r->cells == reader->columns;
        size_t cells = r->cells < reader->columns ? r->cells : reader->columns;
        if (!readable) status = add_unreadable(batch, err);
        if (status == EC_OK && !whole) status = add_wrong_count(reader, r, batch, err);
        if (status == EC_OK && readable) status = add_cells(reader, cells, whole, batch, err);
    }
    batch->rows++;
    return status;
}
