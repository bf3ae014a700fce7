/* A workbook (ECMA-376): the least that spreadsheets open without a word, with what real ones have:
 * shared and inline strings, numbers, booleans, dates as styled serials, cells that are not there. */
#include "shop/sources.h"

#include "shop/archive.h"

#define MAIN_NS     "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATION_NS "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE_NS  "http://schemas.openxmlformats.org/package/2006/"
#define TYPE        "application/vnd.openxmlformats-officedocument.spreadsheetml."
#define XML         "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define EPOCH_DAYS  25569 /* serial of 1970-01-01 */
#define DAY_SECONDS 86400
#define STYLE_DATE  "1"

struct part {
    const char *name;
    const char *text; /* NULL: made at run time */
};

static const struct part parts[] = {
    {"[Content_Types].xml",
     XML "<Types xmlns=\"" PACKAGE_NS "content-types\">"
         "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
         "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
         "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" TYPE "sheet.main+xml\"/>"
         "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"" TYPE "worksheet+xml\"/>"
         "<Override PartName=\"/xl/styles.xml\" ContentType=\"" TYPE "styles+xml\"/>"
         "<Override PartName=\"/xl/sharedStrings.xml\" ContentType=\"" TYPE "sharedStrings+xml\"/></Types>"},
    {"_rels/.rels",
     XML "<Relationships xmlns=\"" PACKAGE_NS "relationships\"><Relationship Id=\"rId1\" Type=\"" RELATION_NS
         "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"},
    {"xl/workbook.xml", XML "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" RELATION_NS "\"><sheets>"
                            "<sheet name=\"Produits\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels", XML
     "<Relationships xmlns=\"" PACKAGE_NS "relationships\">"
     "<Relationship Id=\"rId1\" Type=\"" RELATION_NS "/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
     "<Relationship Id=\"rId2\" Type=\"" RELATION_NS "/styles\" Target=\"styles.xml\"/>"
     "<Relationship Id=\"rId3\" Type=\"" RELATION_NS "/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"},
    {"xl/styles.xml",
     XML "<styleSheet xmlns=\"" MAIN_NS "\"><numFmts count=\"1\">"
         "<numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>"
         "<fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>"
         "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill "
         "patternType=\"gray125\"/></fill></fills>"
         "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
         "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>"
         "<cellXfs count=\"2\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>"
         "<xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>"
         "<cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>"},
    {"xl/sharedStrings.xml", NULL},
    {"xl/worksheets/sheet1.xml", NULL},
};

/* Shared besides the column names; any other text is inline. */
static const char *const shared[] = {"mobilier", "luminaires", "textile",      "cuisine",
                                     "jardin",   "audio",      "informatique", "jouets"};
#define SHARED_COUNT (sizeof shared / sizeof *shared)

static void add_escaped(struct ec_buf *out, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '&': ec_buf_addz(out, "&amp;"); break;
        case '<': ec_buf_addz(out, "&lt;"); break;
        case '>': ec_buf_addz(out, "&gt;"); break;
        default: ec_buf_addc(out, p[i]);
        }
    }
}

static void add_uint(struct ec_buf *out, uint64_t value, unsigned digits) {
    char text[32];
    ec_buf_add(out, text, (size_t)(ec_shop_put_uint(text, value, digits) - text));
}

/* <c r="B12" and what follows. Columns are those of one letter. */
static void open_cell(struct ec_buf *out, size_t column, uint64_t number, const char *more) {
    ec_buf_addz(out, "<c r=\"");
    ec_buf_addc(out, (char)('A' + column));
    add_uint(out, number, 1);
    ec_buf_addc(out, '"');
    ec_buf_addz(out, more);
}

static void add_shared(struct ec_buf *out, size_t column, uint64_t number, size_t index) {
    open_cell(out, column, number, " t=\"s\"><v>");
    add_uint(out, index, 1);
    ec_buf_addz(out, "</v></c>");
}

static void add_text(const struct ec_shop_emit *e, size_t column, uint64_t number, const struct ec_shop_cell *c) {
    struct ec_buf *out = e->sheet;
    for (size_t i = 0; i < SHARED_COUNT; i++)
        if (ec_str_is((struct ec_str){c->p, c->n}, shared[i])) {
            add_shared(out, column, number, e->rows->columns + i);
            return;
        }
    open_cell(out, column, number, " t=\"inlineStr\"><is><t>");
    add_escaped(out, c->p, c->n);
    ec_buf_addz(out, "</t></is></c>");
}

/* To ten decimals, far below the millisecond that spreadsheets resolve. */
static void add_serial(struct ec_buf *out, int64_t seconds) {
    add_uint(out, (uint64_t)(seconds / DAY_SECONDS + EPOCH_DAYS), 1);
    ec_buf_addc(out, '.');
    add_uint(out, ((uint64_t)(seconds % DAY_SECONDS) * UINT64_C(10000000000) + DAY_SECONDS / 2) / DAY_SECONDS, 10);
}

static void add_raw(struct ec_buf *out, size_t column, uint64_t number, const struct ec_shop_cell *c) {
    struct ec_str text = {c->p, c->n};
    bool yes = ec_str_is(text, "true"), no = ec_str_is(text, "false");
    open_cell(out, column, number, yes || no ? " t=\"b\"><v>" : "><v>");
    if (yes || no)
        ec_buf_addc(out, yes ? '1' : '0');
    else
        ec_buf_add(out, c->p, c->n);
    ec_buf_addz(out, "</v></c>");
}

void ec_shop_sheet_row(struct ec_shop_emit *e, uint64_t number) {
    struct ec_buf *out = e->sheet;
    ec_buf_addz(out, "<row r=\"");
    add_uint(out, number, 1);
    ec_buf_addz(out, "\">");
    for (size_t i = 0; i < e->row.count; i++) {
        const struct ec_shop_cell *c = &e->row.cell[i];
        switch ((enum ec_shop_cell_kind)c->kind) {
        case EC_SHOP_NULL:
        case EC_SHOP_ABSENT: break;
        case EC_SHOP_TEXT: add_text(e, i, number, c); break;
        case EC_SHOP_RAW: add_raw(out, i, number, c); break;
        case EC_SHOP_TIME:
            open_cell(out, i, number, " s=\"" STYLE_DATE "\"><v>");
            add_serial(out, c->seconds);
            ec_buf_addz(out, "</v></c>");
            break;
        }
    }
    ec_buf_addz(out, "</row>");
}

void ec_shop_sheet_begin(struct ec_shop_emit *e, struct ec_buf *sheet) {
    e->sheet = sheet;
    ec_buf_addz(sheet, XML "<worksheet xmlns=\"" MAIN_NS "\"><sheetData><row r=\"1\">");
    for (size_t i = 0; i < e->rows->columns; i++) add_shared(sheet, i, 1, i);
    ec_buf_addz(sheet, "</row>");
}

void ec_shop_sheet_end(struct ec_shop_emit *e) {
    ec_buf_addz(e->sheet, "</sheetData></worksheet>");
}

static void make_strings(struct ec_buf *out, const struct ec_shop_rows *rows) {
    ec_buf_clear(out);
    ec_buf_addz(out, XML "<sst xmlns=\"" MAIN_NS "\">");
    for (size_t i = 0; i < rows->columns + SHARED_COUNT; i++) {
        ec_buf_addz(out, "<si><t>");
        ec_buf_addz(out, i < rows->columns ? rows->column[i] : shared[i - rows->columns]);
        ec_buf_addz(out, "</t></si>");
    }
    ec_buf_addz(out, "</sst>");
}

static enum ec_status add_part(struct ec_shop_workbook *w, struct ec_shop_archive *archive, const char *name,
                               struct ec_str text, struct ec_buf *packed, struct ec_err *err) {
    ec_buf_clear(packed);
    ec_shop_deflate_begin(w->z, packed);
    ec_shop_deflate_feed(w->z, text.p, text.n);
    ec_shop_deflate_end(w->z);
    EC_TRY(ec_buf_check(packed, err));
    w->bytes += text.n;
    struct ec_shop_member member = {.name = name,
                                    .data = ec_buf_str(packed),
                                    .deflated = true,
                                    .crc = ec_shop_deflate_crc(w->z),
                                    .bytes_decoded = text.n};
    return ec_shop_archive_add(archive, &member, err);
}

enum ec_status ec_shop_workbook_write(struct ec_shop_workbook *w, const struct ec_shop_rows *rows, struct ec_err *err) {
    struct ec_shop_archive archive;
    struct ec_buf strings = ec_buf_make(EC_MIB);
    make_strings(&strings, rows);
    enum ec_status status = ec_buf_check(&strings, err);
    if (status == EC_OK) status = ec_buf_check(w->sheet, err);
    bool opened = status == EC_OK;
    if (opened) status = ec_shop_archive_open(&archive, w->path, err);
    for (size_t i = 0; status == EC_OK && i < sizeof parts / sizeof *parts; i++) {
        bool is_sheet = i + 1 == sizeof parts / sizeof *parts;
        struct ec_str text = is_sheet ? ec_buf_str(w->sheet) : ec_buf_str(&strings);
        if (parts[i].text) text = ec_str_of(parts[i].text);
        status = add_part(w, &archive, parts[i].name, text, w->scratch, err);
    }
    if (status == EC_OK) status = ec_shop_archive_finish(&archive, err);
    if (status == EC_OK) w->bytes_written = archive.bytes;
    if (opened) ec_shop_archive_close(&archive);
    ec_buf_free(&strings);
    return status;
}
