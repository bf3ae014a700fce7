/* A small workbook of products, made and read, for the tests of the XLSX reader. */
#ifndef EC_TEST_XLSX_FIXTURE_H
#define EC_TEST_XLSX_FIXTURE_H

#include "base/io.h"
#include "read/reader.h"
#include "read/xlsx.h"
#include "workbook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ecluse-xlsx-XXXXXX";
static char path[256];

static struct ec_schema_column columns[] = {
    {.name = "id", .type = {.type = EC_TYPE_STRING}, .required = true},
    {.name = "stock", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "rating", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "price", .type = {.type = EC_TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "active", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "day", .type = {.type = EC_TYPE_DATE}},
    {.name = "at", .type = {.type = EC_TYPE_DATETIME}},
};
enum { ID, STOCK, RATING, PRICE, ACTIVE, DAY, AT, DECLARED };
static struct ec_source source = {
    .name = "products", .format = EC_FORMAT_XLSX, .column = columns, .column_count = DECLARED};

static const char styles[] =
    "<styleSheet xmlns='" WB_MAIN "'><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/>"
    "<numFmt numFmtId='165' formatCode='[h]:mm:ss'/></numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='22'/><xf numFmtId='165'/><xf "
    "numFmtId='21'/></cellXfs></styleSheet>";
#define HEADER                                                                                                         \
    "<row r='1'><c t='inlineStr'><is><t>id</t></is></c><c t='inlineStr'><is><t>stock</t></is></c><c "                  \
    "t='inlineStr'><is><t>rating</t></is></c>"                                                                         \
    "<c t='inlineStr'><is><t>price</t></is></c><c t='inlineStr'><is><t>active</t></is></c><c "                         \
    "t='inlineStr'><is><t>day</t></is></c>"                                                                            \
    "<c t='inlineStr'><is><t>at</t></is></c></row>"

/* A workbook of one sheet with these rows behind the header (or without one). */
static inline void make(const char *properties, const char *header, const char *rows) {
    struct workbook w = {0};
    size_t n = strlen(header) + strlen(rows) + 256;
    char *sheet = malloc(n);
    snprintf(sheet, n, "<worksheet xmlns='" WB_MAIN "'><sheetData>%s%s</sheetData></worksheet>", header, rows);
    wb_frame(&w, properties, WB_ONE_SHEET);
    wb_addz(&w, "xl/styles.xml", styles);
    wb_addz(&w, "xl/sharedStrings.xml",
            "<sst xmlns='" WB_MAIN
            "'><si><t>P-1</t></si><si><r><t>a long </t></r><r><t xml:space='preserve'> name in two runs</t></r>"
            "<rPh sb='0' eb='1'><t>not this</t></rPh><phoneticPr/></si><si/></sst>");
    wb_addz(&w, "xl/worksheets/sheet1.xml", sheet);
    free(sheet);
    assert_int_equal(wb_save(&w, path), 0);
}

static struct ec_batch batch;
static struct ec_reader *reader;
static struct ec_err err;

/* Opens what make() wrote. Nothing is left open where it fails. */
static inline enum ec_status open_made(void) {
    ec_err_clear(&err);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    enum ec_status status = ec_reader_columns(&source, &batch, NULL);
    assert_int_equal(status, EC_OK);
    reader = NULL;
    status = ec_reader_open(&ec_reader_xlsx, &(struct ec_reader_args){.source = &source, .path = path}, &batch, &reader,
                            &err);
    if (status != EC_OK) ec_batch_deinit(&batch);
    return status;
}

static inline void finish(void) {
    ec_reader_close(reader);
    ec_batch_deinit(&batch);
}

/* Opens and reads the first batch. */
static inline void read_made(size_t rows) {
    enum ec_status status = open_made();
    if (status != EC_OK) fail_msg("%s", err.message);
    status = ec_reader_next(reader, &batch, &err);
    if (status != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(batch.rows, rows);
}

/* The verdict over the whole workbook. */
static inline enum ec_status verdict(void) {
    enum ec_status status = open_made();
    if (status != EC_OK) return status;
    do {
        status = ec_reader_next(reader, &batch, &err);
    } while (status == EC_OK && batch.rows > 0);
    finish();
    return status;
}

static inline void expect_cell(size_t column, size_t row, const char *text) {
    struct ec_str s = ec_batch_cell_text(&batch, column, row);
    if (!ec_str_is(s, text)) fail_msg("column %zu, row %zu: \"%.*s\", not \"%s\"", column, row, (int)s.n, s.p, text);
    assert_int_equal(ec_bit(batch.column[column].valid, row), text[0] != 0);
}

static inline void expect_fault(size_t i, uint32_t row, uint32_t column, enum ec_reason reason, const char *value) {
    assert_true(i < batch.faults);
    assert_int_equal(batch.fault[i].row, row);
    assert_int_equal(batch.fault[i].column, column);
    assert_int_equal(batch.fault[i].reason, reason);
    if (!ec_str_is(batch.fault[i].value, value)) fail_msg("%.*s", (int)batch.fault[i].value.n, batch.fault[i].value.p);
    assert_true(ec_bit(batch.rejected, row));
}

static inline int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/test.xlsx", folder);
    return 0;
}

static inline int remove_folder(void **state) {
    (void)state;
    return ec_dir_remove(folder, true, NULL) == EC_OK ? 0 : -1;
}

#endif
