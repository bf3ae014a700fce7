/* Workbooks: a whole file (it begins with PK), or parts as parts.h says, of which a minimal workbook's are there
 * where the input has none of that name. Two readings give the same rows; a cell's text keeps its bound; a workbook
 * that is refused is refused by a code of its own. */
#include "parts.h"
#include "rows.h"

#include "base/utf8.h"
#include "source/zip.h"

#include <stdlib.h>

#define PARTS_MAX 24

static struct ec_schema_column columns[] = {
    {.name = "id", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "name"},
    {.name = "price", .type = {.type = EC_TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "rating", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "active", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "created", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "day", .type = {.type = EC_TYPE_DATE}},
};
static const struct ec_source source = {
    .name = "fuzz", .format = EC_FORMAT_XLSX, .column = columns, .column_count = sizeof columns / sizeof *columns};

#define MAIN     "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATION "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE  "http://schemas.openxmlformats.org/package/2006/relationships"

static const struct fuzz_member minimal[] = {
    {EC_STR("_rels/.rels"), EC_STR("<Relationships xmlns=\"" PACKAGE "\"><Relationship Id=\"r1\" Type=\"" RELATION
                                   "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>")},
    {EC_STR("xl/workbook.xml"), EC_STR("<workbook xmlns=\"" MAIN "\" xmlns:r=\"" RELATION
                                       "\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>")},
    {EC_STR("xl/_rels/workbook.xml.rels"),
     EC_STR("<Relationships xmlns=\"" PACKAGE "\"><Relationship Id=\"r1\" Type=\"" RELATION
            "/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"" RELATION
            "/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"r3\" Type=\"" RELATION
            "/styles\" Target=\"styles.xml\"/></Relationships>")},
    {EC_STR("xl/sharedStrings.xml"),
     EC_STR("<sst xmlns=\"" MAIN "\"><si><t>id</t></si><si><t>name</t></si><si><t>price</t></si></sst>")},
    {EC_STR("xl/styles.xml"), EC_STR("<styleSheet xmlns=\"" MAIN "\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/>"
                                     "<xf numFmtId=\"22\"/><xf numFmtId=\"46\"/></cellXfs></styleSheet>")},
    {EC_STR("xl/worksheets/sheet1.xml"),
     EC_STR("<worksheet xmlns=\"" MAIN
            "\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row><row r=\"2\"><c "
            "r=\"A2\"><v>1</v></c></row></sheetData></worksheet>")},
};

static bool has(const struct fuzz_member *member, size_t count, struct ec_str name) {
    for (size_t i = 0; i < count; i++)
        if (ec_str_eq(member[i].name, name)) return true;
    return false;
}

/* The first part without a mark is the sheet. */
static void make_workbook(struct ec_str rest, struct ec_buf *out) {
    struct fuzz_member member[PARTS_MAX];
    size_t count = 0;
    struct ec_str name, part;
    while (count < PARTS_MAX - 6 && fuzz_next_part(&rest, "@@", &name, &part)) {
        if (name.n == 0) name = minimal[5].name;
        if (!has(member, count, name)) member[count++] = (struct fuzz_member){name, part};
    }
    for (size_t i = 0; i < sizeof minimal / sizeof *minimal; i++)
        if (!has(member, count, minimal[i].name)) member[count++] = minimal[i];
    fuzz_zip(member, count, out);
}

static void look(struct ec_batch *batch, size_t row) {
    for (size_t c = 0; c < batch->columns; c++) {
        if (batch->column[c].type.type != EC_TYPE_STRING || !ec_bit(batch->column[c].valid, row)) continue;
        struct ec_str text = ec_text_str(&ec_column_text(&batch->column[c])[row]);
        FUZZ_CHECK(ec_utf8_length(text.p, text.n) <= EC_XLSX_TEXT_MAX, "a cell of %zu bytes", text.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    struct ec_buf workbook = ec_buf_make(16 * EC_MIB), rows = ec_buf_make(64 * EC_MIB),
                  again = ec_buf_make(64 * EC_MIB);
    if (n >= 2 && memcmp(bytes, "PK", 2) == 0)
        ec_buf_add(&workbook, bytes, n);
    else
        make_workbook((struct ec_str){(const char *)bytes, n}, &workbook);
    struct fuzz_read read = {
        .source = &source, .path = fuzz_file(0, workbook.p, workbook.n), .type = &ec_reader_xlsx, .look = look};
    (void)fuzz_rows(&read, &rows);
    (void)fuzz_rows(&read, &again);
    fuzz_same(&rows, &again, "two readings");
    ec_zip_forget();
    ec_buf_free(&workbook);
    ec_buf_free(&rows);
    ec_buf_free(&again);
    return 0;
}
