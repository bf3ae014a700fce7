/* The rows of a sheet, streamed (ECMA-376 part 1, 18.3.1): cells may be sparse, out of order, or say
 * nothing of where they are. */
#include "read/xlsx.h"

#include "base/io.h"

#include <stdlib.h>

#define ROW_NUMBER_MAX UINT64_C(10000000000)

/* Where the parser is; deeper elements that are none of these do not change it. */
enum where { OUTSIDE, IN_DATA, IN_ROW, IN_CELL, IN_VALUE, IN_INLINE, IN_INLINE_TEXT };

struct ec_xlsx_sheet {
    struct ec_xml *xml;
    const struct ec_xlsx_strings *strings;
    struct ec_xlsx_text text; /* of the cells of one row, one behind the other */
    struct ec_xlsx_row row;
    size_t cells_cap;
    uint64_t cells_seen;
    uint64_t shared_bytes; /* of the strings that cells have named */
    uint32_t next_column;
    bool ready; /* a row is complete */
    bool ended;
    enum where where;
    unsigned phonetic;
    char type; /* of the cell: n s t(ext) b e d */
    bool has_value;
    struct ec_xlsx_cell cell;
};

/* "AB12" or "AB" into 27; UINT32_MAX where it is no reference. */
static uint32_t column_of(const char *reference) {
    uint32_t column = 0;
    const char *p = reference;
    for (; (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'; p++) {
        column = column * 26 + (uint32_t)((*p | 0x20) - 'a') + 1;
        if (column > EC_XLSX_COLUMNS_MAX) return UINT32_MAX;
    }
    return column == 0 ? UINT32_MAX : column - 1;
}

static bool decimal(const char *p, uint64_t max, uint64_t *value) {
    uint64_t v = 0;
    if (!p || !*p) return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        v = v * 10 + (uint64_t)(*p - '0');
        if (v > max) return false;
    }
    *value = v;
    return true;
}

static void start_row(struct ec_xlsx_sheet *s, const char **attributes) {
    const char *r = ec_xml_attribute(attributes, "r");
    uint64_t number = s->row.number + 1;
    if (r && (!decimal(r, ROW_NUMBER_MAX, &number) || number == 0)) {
        ec_xml_fail(s->xml, EC_XLSX_DAMAGED, "a row has the number \"%.20s\"", r);
        return;
    }
    s->row.number = number;
    s->row.cells = 0;
    s->row.too_long = false;
    s->next_column = 0;
    ec_buf_clear(&s->text.buf);
    s->where = IN_ROW;
}

static char type_of(const char *t) {
    if (!t || strcmp(t, "n") == 0) return 'n';
    if (strcmp(t, "inlineStr") == 0 || strcmp(t, "str") == 0) return 't';
    return t[0] && !t[1] && strchr("sbed", t[0]) ? t[0] : '?';
}

static void start_cell(struct ec_xlsx_sheet *s, const char **attributes) {
    const char *r = ec_xml_attribute(attributes, "r");
    uint32_t column = r ? column_of(r) : s->next_column;
    uint64_t style = 0;
    if (column >= EC_XLSX_COLUMNS_MAX) {
        ec_xml_fail(s->xml, EC_XLSX_DAMAGED, "row %llu has a cell at \"%.20s\"", (unsigned long long)s->row.number,
                    r ? r : "");
        return;
    }
    if (++s->cells_seen > EC_XLSX_CELLS_MAX) {
        ec_xml_fail(s->xml, EC_XLSX_TOO_LARGE, "the sheet has more than %u cells", EC_XLSX_CELLS_MAX);
        return;
    }
    s->type = type_of(ec_xml_attribute(attributes, "t"));
    if (s->type == '?') {
        ec_xml_fail(s->xml, EC_XLSX_DAMAGED, "row %llu has a cell of an unknown type",
                    (unsigned long long)s->row.number);
        return;
    }
    (void)decimal(ec_xml_attribute(attributes, "s"), UINT32_MAX, &style); /* absent or empty: the default */
    s->next_column = column + 1;
    s->cell = (struct ec_xlsx_cell){.column = column, .style = (uint32_t)style};
    s->has_value = false;
    s->where = IN_CELL;
}

static void start_value(struct ec_xlsx_sheet *s, const char **attributes, enum where where) {
    if (where == IN_INLINE_TEXT) {
        ec_xlsx_text_open(&s->text, attributes);
    } else { /* an inline string takes the place of a value before it */
        ec_xlsx_text_begin(&s->text);
        s->cell.at = s->text.start;
        s->has_value = true;
        s->phonetic = 0; /* whatever the string before left open */
        if (where == IN_VALUE) ec_xlsx_text_open(&s->text, attributes);
    }
    s->where = where;
}

static void on_start(void *context, const char *name, const char **attributes) {
    struct ec_xlsx_sheet *s = context;
    switch (s->where) {
    case OUTSIDE:
        if (strcmp(name, "sheetData") == 0) s->where = IN_DATA;
        break;
    case IN_DATA:
        if (strcmp(name, "row") == 0) start_row(s, attributes);
        break;
    case IN_ROW:
        if (strcmp(name, "c") == 0) start_cell(s, attributes);
        break;
    case IN_CELL:
        if (strcmp(name, "v") == 0 && !s->has_value) start_value(s, attributes, IN_VALUE);
        if (strcmp(name, "is") == 0) start_value(s, attributes, IN_INLINE);
        break;
    case IN_INLINE:
        if (strcmp(name, "rPh") == 0) s->phonetic++;
        if (strcmp(name, "t") == 0 && s->phonetic == 0) start_value(s, attributes, IN_INLINE_TEXT);
        break;
    case IN_VALUE:
    case IN_INLINE_TEXT: break;
    }
}

static void resolve_shared(struct ec_xlsx_sheet *s, struct ec_xlsx_cell *c, const char *index) {
    uint64_t i;
    c->kind = EC_XLSX_CELL_SHARED;
    c->text = (struct ec_str){"", 0};
    if (!decimal(index, EC_XLSX_STRINGS_MAX, &i) || i >= s->strings->count) {
        c->broken = true;
        return;
    }
    c->text = s->strings->text[i];
    c->too_long = c->text.p == NULL;
    s->shared_bytes += c->text.n;
    if (s->shared_bytes > EC_XLSX_SHARED_MAX) /* a small file could stand for terabytes */
        ec_xml_fail(s->xml, EC_XLSX_TOO_LARGE, "the cells repeat shared strings of more than %llu bytes in all",
                    EC_XLSX_SHARED_MAX);
}

static void add_cell(struct ec_xlsx_sheet *s) {
    struct ec_xlsx_row *row = &s->row;
    if (row->cells == EC_XLSX_COLUMNS_MAX) {
        ec_xml_fail(s->xml, EC_XLSX_DAMAGED, "row %llu has more cells than there are columns",
                    (unsigned long long)row->number);
        return;
    }
    if (row->cells == s->cells_cap) {
        size_t cap = s->cells_cap ? s->cells_cap * 2 : 64;
        void *more = ec_realloc_array(row->cell, cap, sizeof *row->cell);
        if (!more) {
            ec_xml_fail(s->xml, EC_NO_MEMORY, "no memory for a row");
            return;
        }
        row->cell = more;
        s->cells_cap = cap;
    }
    row->cell[row->cells++] = s->cell;
}

static void end_cell(struct ec_xlsx_sheet *s) {
    struct ec_xlsx_cell *c = &s->cell;
    struct ec_buf *b = &s->text.buf;
    s->where = IN_ROW;
    if (!s->has_value) return;
    ec_xlsx_text_end(&s->text);
    c->too_long = s->text.too_long;
    c->text.n = b->n - c->at;
    if (c->text.n == 0 && !c->too_long) return;
    c->kind = s->type == 'n' ? EC_XLSX_CELL_NUMBER : s->type == 'b' ? EC_XLSX_CELL_BOOLEAN : EC_XLSX_CELL_TEXT;
    if (s->type == 's') {
        resolve_shared(s, c, b->p + c->at); /* a buffer ends in NUL */
        b->n = c->at;
        if (c->text.n == 0 && !c->too_long && !c->broken) return;
    }
    if (b->n > EC_RECORD_MAX) s->row.too_long = c->too_long = true;
    if (c->too_long) {
        b->n = c->at;
        c->text.n = 0;
    }
    add_cell(s);
}

static int by_column(const void *a, const void *b) {
    const struct ec_xlsx_cell *x = a, *y = b;
    if (x->column != y->column) return x->column < y->column ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void end_row(struct ec_xlsx_sheet *s) {
    struct ec_xlsx_row *row = &s->row;
    s->where = IN_DATA;
    if (row->cells == 0) return;
    if (s->text.buf.failed) {
        ec_xml_fail(s->xml, EC_NO_MEMORY, "no memory for a row");
        return;
    }
    bool ordered = true;
    for (size_t i = 1; i < row->cells; i++) ordered = ordered && row->cell[i - 1].column < row->cell[i].column;
    if (!ordered) {
        qsort(row->cell, row->cells, sizeof *row->cell, by_column);
        size_t n = 1; /* of a cell that is there twice, the later one */
        for (size_t i = 1; i < row->cells; i++) {
            if (row->cell[i].column != row->cell[n - 1].column) n++;
            row->cell[n - 1] = row->cell[i];
        }
        row->cells = n;
    }
    for (size_t i = 0; i < row->cells; i++)
        if (row->cell[i].kind != EC_XLSX_CELL_SHARED) row->cell[i].text.p = s->text.buf.p + row->cell[i].at;
    s->ready = true;
    ec_xml_pause(s->xml);
}

static void on_end(void *context, const char *name) {
    struct ec_xlsx_sheet *s = context;
    switch (s->where) {
    case IN_INLINE_TEXT:
        if (strcmp(name, "t") != 0) break;
        ec_xlsx_text_close(&s->text);
        s->where = IN_INLINE;
        break;
    case IN_INLINE:
        if (strcmp(name, "rPh") == 0 && s->phonetic > 0) s->phonetic--;
        if (strcmp(name, "is") == 0) s->where = IN_CELL;
        break;
    case IN_VALUE:
        if (strcmp(name, "v") != 0) break;
        ec_xlsx_text_close(&s->text);
        s->where = IN_CELL;
        break;
    case IN_CELL:
        if (strcmp(name, "c") == 0) end_cell(s);
        break;
    case IN_ROW:
        if (strcmp(name, "row") == 0) end_row(s);
        break;
    case IN_DATA:
        if (strcmp(name, "sheetData") == 0) s->where = OUTSIDE;
        break;
    case OUTSIDE: break;
    }
}

static void on_text(void *context, const char *p, size_t n) {
    struct ec_xlsx_sheet *s = context;
    if (s->where == IN_VALUE || s->where == IN_INLINE_TEXT) ec_xlsx_text_add(&s->text, p, n);
}

enum ec_status ec_xlsx_sheet_open(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_strings *strings,
                                  struct ec_xlsx_sheet **sheet, struct ec_err *err) {
    static const struct ec_xml_handlers handlers = {on_start, on_end, on_text};
    struct ec_xlsx_sheet *s = ec_calloc(1, sizeof *s);
    if (!s) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", wb->path);
    s->strings = strings;
    s->text.buf = ec_buf_make(EC_RECORD_MAX + EC_MIB); /* a row, and the longest string behind it */
    enum ec_status status = ec_xlsx_part_open(wb, wb->sheet_part, &handlers, s, &s->xml, err);
    if (status != EC_OK) {
        ec_xlsx_sheet_close(s);
        return status;
    }
    *sheet = s;
    return EC_OK;
}

enum ec_status ec_xlsx_sheet_next(struct ec_xlsx_sheet *sheet, const struct ec_xlsx_row **row, struct ec_err *err) {
    bool more = true;
    *row = NULL;
    sheet->ready = false;
    while (!sheet->ready && !sheet->ended) {
        EC_TRY(ec_xml_run(sheet->xml, &more, err));
        sheet->ended = !more;
    }
    if (sheet->ready) *row = &sheet->row;
    return EC_OK;
}

void ec_xlsx_sheet_close(struct ec_xlsx_sheet *sheet) {
    if (!sheet) return;
    ec_xml_destroy(sheet->xml);
    ec_buf_free(&sheet->text.buf);
    ec_free(sheet->row.cell);
    ec_free(sheet);
}
