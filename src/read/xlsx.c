/* The reader of XLSX workbooks.
 *
 * The first row that holds a value is the header; every later one is a record, with its row number as
 * its line and a JSON array of its texts as its bytes, since there are no others to show (where cells
 * lie far apart an object by their columns: {"A":"P-1","XFD":"x"}). A cell that is not there is null; one beyond the header is a fault. Shared strings are kept whole (the format asks
 * for that), rows are not.
 */
#include "read/xlsx.h"

#include "base/io.h"
#include "base/json.h"
#include "read/column_name.h"
#include "read/reader.h"

/* A batch ends early where its copied texts would leave the caches far behind. */
#define BATCH_TEXT_MAX (16 * EC_MIB)
#define NO_COLUMN      SIZE_MAX

struct xlsx_reader {
    struct ec_reader base;
    struct ec_arena arena;
    struct ec_xlsx_workbook wb;
    struct ec_xlsx_strings strings;
    struct ec_xlsx_sheet *sheet;
    size_t *target; /* batch column by sheet column, NO_COLUMN under an empty header */
    size_t width;   /* sheet columns up to the header's last */
    struct ec_buf raw;
    uint64_t rows;
};

static size_t find_declared(const struct ec_source *source, struct ec_str name) {
    for (size_t i = 0; i < source->column_count; i++)
        if (ec_str_is(name, source->column[i].name)) return i;
    return NO_COLUMN;
}

static enum ec_status add_undeclared(struct xlsx_reader *r, struct ec_batch *batch, struct ec_str raw, size_t *index,
                                     struct ec_err *err) {
    if (r->base.undeclared == EC_UNDECLARED_MAX)
        return ec_fail(err, EC_TOO_MANY_COLUMNS, "%s has more than %u columns that the schema does not declare",
                       r->wb.path, EC_UNDECLARED_MAX);
    const char *name = ec_column_name(r->base.source, batch, raw);
    if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory for the columns of %s", r->wb.path);
    EC_TRY(ec_batch_add_column(batch, name, (struct ec_column_type){.type = EC_TYPE_STRING}, index, err));
    r->base.undeclared++;
    return EC_OK;
}

static enum ec_status bad_header(const struct xlsx_reader *r, const struct ec_xlsx_row *row, struct ec_str name,
                                 const char *what, struct ec_err *err) {
    enum ec_status status = ec_fail(err, EC_BAD_HEADER, "%s, sheet %s: the column name \"%.*s\" %s", r->wb.path,
                                    r->wb.sheet_name, name.n > 80 ? 80 : (int)name.n, name.p, what);
    ec_err_at(err, r->wb.path, (uint32_t)row->number, 0);
    return status;
}

/* Batch columns for the header's cells; an unnamed column in between is for looks alone. */
static enum ec_status map_header(struct xlsx_reader *r, const struct ec_xlsx_row *row, struct ec_batch *batch,
                                 struct ec_err *err) {
    r->width = row->cell[row->cells - 1].column + 1u;
    if (row->cells > EC_COLUMNS_MAX)
        return ec_fail(err, EC_TOO_MANY_COLUMNS, "%s has %zu columns; the limit is %u", r->wb.path, row->cells,
                       EC_COLUMNS_MAX);
    r->target = ec_arena_alloc(&r->arena, r->width * sizeof *r->target);
    struct ec_str *names = ec_arena_calloc(&r->arena, row->cells, sizeof *names);
    if (!r->target || !names) return ec_fail(err, EC_NO_MEMORY, "no memory for the header of %s", r->wb.path);
    for (size_t i = 0; i < r->width; i++) r->target[i] = NO_COLUMN;

    for (size_t i = 0; i < row->cells; i++) {
        char buf[64];
        const struct ec_xlsx_cell *cell = &row->cell[i];
        if (cell->broken || cell->too_long) return bad_header(r, row, EC_STR("?"), _("cannot be read"), err);
        struct ec_str name = ec_xlsx_cell_text(&r->wb, cell, buf);
        if (name.n > EC_COLUMN_NAME_MAX) return bad_header(r, row, name, _("is too long"), err);
        names[i] = (struct ec_str){ec_arena_copy(&r->arena, name.p, name.n), name.n};
        if (!names[i].p) return ec_fail(err, EC_NO_MEMORY, "no memory for the header of %s", r->wb.path);
        for (size_t k = 0; k < i; k++)
            if (ec_str_eq(names[k], name)) return bad_header(r, row, name, _("occurs twice"), err);
        size_t index = find_declared(r->base.source, name);
        if (index != NO_COLUMN)
            r->base.present[index] = true;
        else
            EC_TRY(add_undeclared(r, batch, names[i], &index, err));
        r->target[cell->column] = index;
    }
    return EC_OK;
}

static enum ec_status open_workbook(struct xlsx_reader *r, const struct ec_reader_args *args, struct ec_batch *batch,
                                    struct ec_err *err) {
    const struct ec_xlsx_row *row;
    r->base.present = ec_arena_calloc(&r->arena, args->source->column_count + 1, sizeof *r->base.present);
    EC_TRY(ec_xlsx_workbook_open(args->path, args->source->sheet, &r->wb, err));
    r->base.layout = ec_arena_printf(&r->arena, "sheet %s", r->wb.sheet_name);
    if (!r->base.present || !r->base.layout) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", args->path);
    EC_TRY(ec_xlsx_strings_read(&r->wb, &r->strings, err));
    EC_TRY(ec_xlsx_sheet_open(&r->wb, &r->strings, &r->sheet, err));
    EC_TRY(ec_xlsx_sheet_next(r->sheet, &row, err));
    if (!row) return ec_fail(err, EC_EMPTY_FILE, "%s: the sheet %s holds no header", args->path, r->wb.sheet_name);
    return map_header(r, row, batch, err);
}

static void xlsx_close(struct ec_reader *reader) {
    struct xlsx_reader *r = (struct xlsx_reader *)reader;
    ec_xlsx_sheet_close(r->sheet);
    ec_xlsx_strings_free(&r->strings);
    ec_xlsx_workbook_close(&r->wb);
    ec_buf_free(&r->raw);
    ec_arena_deinit(&r->arena);
    ec_free(r);
}

static enum ec_status xlsx_open(const struct ec_reader_args *args, struct ec_batch *batch, struct ec_reader **reader,
                                struct ec_err *err) {
    struct xlsx_reader *r = ec_calloc(1, sizeof *r);
    if (!r) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", args->path);
    r->base =
        (struct ec_reader){.type = &ec_reader_xlsx, .source = args->source, .header_first = true, .encoding = "utf-8"};
    ec_arena_init(&r->arena, 16 * EC_MIB);
    r->raw = ec_buf_make(EC_RECORD_MAX);
    enum ec_status status = open_workbook(r, args, batch, err);
    if (status != EC_OK) {
        xlsx_close(&r->base);
        return status;
    }
    *reader = &r->base;
    return EC_OK;
}

/* A row is sparse whose nulls would be most of its array: a cell in the last column alone takes 16,383. */
#define SPARSE_FROM  64u /* columns */
#define SPARSE_RATIO 16u /* columns per cell */

static bool is_sparse(const struct ec_xlsx_row *row) {
    size_t columns = row->cells ? row->cell[row->cells - 1].column + (size_t)1 : 0;
    return columns > SPARSE_FROM && columns / SPARSE_RATIO > row->cells;
}

/* "XFD": as a key. */
static void add_column_key(struct ec_buf *b, uint32_t column) {
    char name[8];
    size_t at = sizeof name;
    for (uint32_t n = column + 1; n > 0; n = (n - 1) / 26) name[--at] = (char)('A' + (n - 1) % 26);
    ec_json_quote(b, name + at, sizeof name - at);
    ec_buf_addc(b, ':');
}

/* The texts of the row as a JSON array, null for what is not there; of a sparse row as an object. */
static enum ec_status set_place(struct xlsx_reader *r, const struct ec_xlsx_row *row, struct ec_batch *batch,
                                struct ec_err *err) {
    struct ec_place *place = &batch->place[batch->rows];
    struct ec_buf *b = &r->raw;
    ec_buf_clear(b);
    bool sparse = is_sparse(row);
    ec_buf_addc(b, sparse ? '{' : '[');
    for (size_t i = 0, column = 0; i < row->cells; i++) {
        char text[64];
        if (sparse) add_column_key(b, row->cell[i].column);
        for (; !sparse && column < row->cell[i].column; column++) ec_buf_addz(b, "null,");
        struct ec_str s = ec_xlsx_cell_text(&r->wb, &row->cell[i], text);
        ec_json_quote(b, s.n ? s.p : "", s.n);
        ec_buf_addc(b, i + 1 < row->cells ? ',' : sparse ? '}' : ']');
        column++;
    }
    *place = (struct ec_place){.offset = r->rows, .line = row->number};
    if (b->failed || row->too_long) return EC_OK; /* too long to be shown */
    place->length = (uint32_t)b->n;
    place->raw = ec_arena_copy(&batch->scratch, b->p, b->n);
    return place->raw ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the texts of a batch");
}

/* What makes the record unusable as a whole: too much text, a cell under no header, a reference to nothing. */
static enum ec_status find_damage(struct xlsx_reader *r, const struct ec_xlsx_row *row, struct ec_batch *batch,
                                  bool *damaged, struct ec_err *err) {
    struct ec_fault fault = {
        .row = (uint32_t)batch->rows, .column = EC_NO_COLUMN, .reason = EC_REASON_TOO_LONG, .value = {"", 0}};
    *damaged = row->too_long;
    for (size_t i = 0; i < row->cells && !*damaged; i++) {
        const struct ec_xlsx_cell *cell = &row->cell[i];
        size_t column = cell->column < r->width ? r->target[cell->column] : NO_COLUMN;
        char text[64];
        *damaged = true;
        if (cell->broken) {
            fault.reason = EC_REASON_PARSE;
            fault.value = EC_STR("a shared string that does not exist");
        } else if (column == NO_COLUMN) {
            struct ec_str s = ec_xlsx_cell_text(&r->wb, cell, text);
            fault.reason = EC_REASON_EXTRA_CELL;
            fault.value = (struct ec_str){ec_arena_copy(&batch->scratch, s.n ? s.p : "", s.n), s.n};
            if (!fault.value.p) return ec_fail(err, EC_NO_MEMORY, "no memory for the texts of a batch");
        } else {
            *damaged = cell->too_long;
        }
        if (*damaged && column != NO_COLUMN) fault.column = (uint32_t)column;
    }
    return *damaged ? ec_batch_fault(batch, fault, err) : EC_OK;
}

static enum ec_status set_row(struct xlsx_reader *r, const struct ec_xlsx_row *row, struct ec_batch *batch,
                              struct ec_err *err) {
    const struct ec_source *source = r->base.source;
    bool damaged;
    EC_TRY(set_place(r, row, batch, err));
    EC_TRY(find_damage(r, row, batch, &damaged, err));
    if (damaged) return EC_OK;
    for (size_t i = 0; i < row->cells; i++) {
        size_t column = r->target[row->cell[i].column];
        const struct ec_schema_column *schema = column < source->column_count ? &source->column[column] : NULL;
        EC_TRY(ec_xlsx_cell_set(&r->wb, &row->cell[i], schema, column, batch, err));
    }
    return EC_OK;
}

static enum ec_status xlsx_next(struct ec_reader *reader, struct ec_batch *batch, struct ec_err *err) {
    struct xlsx_reader *r = (struct xlsx_reader *)reader;
    while (batch->rows < EC_BATCH_ROWS && batch->scratch.used < BATCH_TEXT_MAX) {
        const struct ec_xlsx_row *row;
        EC_TRY(ec_xlsx_sheet_next(r->sheet, &row, err));
        if (!row) break;
        EC_TRY(set_row(r, row, batch, err));
        batch->rows++;
        r->rows++;
    }
    return EC_OK;
}

const struct ec_reader_type ec_reader_xlsx = {
    .name = "xlsx", .format = EC_FORMAT_XLSX, .open = xlsx_open, .next = xlsx_next, .close = xlsx_close};
