/* One cell into one typed value. */
#include "read/xlsx.h"

#include "base/json.h"
#include "read/cell.h"

#include <math.h>

static enum ec_xlsx_format format_of(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell) {
    return cell->style < wb->styles ? (enum ec_xlsx_format)wb->style[cell->style] : EC_XLSX_NUMBER;
}

static bool is_integer_text(struct ec_str t) {
    size_t i = t.n > 0 && t.p[0] == '-';
    if (i == t.n) return false;
    for (; i < t.n; i++)
        if (t.p[i] < '0' || t.p[i] > '9') return false;
    return true;
}

/* A number as text: a date where its format says so, digits as they are, else the shortest text that
 * reads back to the same double. */
static struct ec_str number_text(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell, char *buf) {
    double value;
    enum ec_xlsx_format format = format_of(wb, cell);
    if (format == EC_XLSX_NUMBER && is_integer_text(cell->text)) return cell->text;
    if (!ec_double_parse(cell->text.p, cell->text.n, &value)) return cell->text;
    size_t n = format == EC_XLSX_NUMBER ? 0 : ec_xlsx_date_text(value, wb->epoch_1904, format, buf);
    if (n == 0) n = ec_double_format(value, buf);
    return (struct ec_str){buf, n};
}

struct ec_str ec_xlsx_cell_text(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell, char *buf) {
    if (cell->kind == EC_XLSX_CELL_NUMBER) return number_text(wb, cell, buf);
    if (cell->kind == EC_XLSX_CELL_BOOLEAN) {
        if (ec_str_is(cell->text, "1")) return EC_STR("TRUE");
        if (ec_str_is(cell->text, "0")) return EC_STR("FALSE");
    }
    return cell->text;
}

/* For a column that counts: the number itself, and where binary arithmetic left a tail behind the
 * fifteen digits that a spreadsheet shows (0.1 + 0.2), the number without it. */
static enum ec_cell set_number(const struct ec_schema_column *schema, struct ec_column *column, size_t row,
                               struct ec_str text) {
    enum ec_cell result = ec_cell_parse(schema, column, row, text.p, text.n, false);
    double value;
    if (result != EC_CELL_BAD || !ec_double_parse(text.p, text.n, &value) || !(fabs(value) < 1e15)) return result;
    double scale = value == 0 ? 1 : pow(10, 14 - floor(log10(fabs(value))));
    char shown[32];
    size_t n = ec_double_format(round(value * scale) / scale, shown);
    return ec_cell_parse(schema, column, row, shown, n, false);
}

static bool is_counting(enum ec_type type) {
    return type == EC_TYPE_INTEGER || type == EC_TYPE_FLOAT || type == EC_TYPE_DECIMAL || type == EC_TYPE_BOOLEAN;
}

/* Text that lives as long as the batch's rows. */
static bool keep(const struct ec_xlsx_cell *cell, struct ec_batch *batch, struct ec_str *text) {
    if (text->n == 0 || (cell->kind == EC_XLSX_CELL_SHARED && text->p == cell->text.p)) return true;
    text->p = ec_arena_copy(&batch->scratch, text->p, text->n);
    return text->p != NULL;
}

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the texts of a batch");
}

static enum ec_status fault(struct ec_batch *batch, size_t column, enum ec_reason reason, struct ec_str value,
                            struct ec_err *err) {
    return ec_batch_fault(batch, (struct ec_fault){(uint32_t)batch->rows, (uint32_t)column, reason, 0, value}, err);
}

enum ec_status ec_xlsx_cell_set(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell,
                                const struct ec_schema_column *schema, size_t column, struct ec_batch *batch,
                                struct ec_err *err) {
    char buf[64];
    struct ec_column *c = &batch->column[column];
    enum ec_cell result;
    struct ec_str text = cell->text;
    if (cell->kind == EC_XLSX_CELL_NUMBER && is_counting(c->type.type)) {
        result = set_number(schema, c, batch->rows, text);
    } else {
        text = ec_xlsx_cell_text(wb, cell, buf);
        if (c->type.type == EC_TYPE_STRING && text.n > EC_TEXT_INLINE && !keep(cell, batch, &text))
            return no_memory(err);
        static const struct ec_schema_column undeclared;
        result = ec_cell_parse(schema ? schema : &undeclared, c, batch->rows, text.p, text.n, false);
    }
    if (result != EC_CELL_BAD) return EC_OK;
    if (!keep(cell, batch, &text)) return no_memory(err);
    return fault(batch, column, EC_REASON_TYPE, text, err);
}
