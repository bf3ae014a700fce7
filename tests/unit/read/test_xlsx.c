/* Workbooks: made by hand, each with one oddity, and calamine's collection. */
#include "base/calendar.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
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
static void make(const char *properties, const char *header, const char *rows) {
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
static enum ec_status open_made(void) {
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

static void finish(void) {
    ec_reader_close(reader);
    ec_batch_deinit(&batch);
}

/* Opens and reads the first batch. */
static void read_made(size_t rows) {
    enum ec_status status = open_made();
    if (status != EC_OK) fail_msg("%s", err.message);
    status = ec_reader_next(reader, &batch, &err);
    if (status != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(batch.rows, rows);
}

/* The verdict over the whole workbook. */
static enum ec_status verdict(void) {
    enum ec_status status = open_made();
    if (status != EC_OK) return status;
    do {
        status = ec_reader_next(reader, &batch, &err);
    } while (status == EC_OK && batch.rows > 0);
    finish();
    return status;
}

static void expect_cell(size_t column, size_t row, const char *text) {
    struct ec_str s = ec_batch_cell_text(&batch, column, row);
    if (!ec_str_is(s, text)) fail_msg("column %zu, row %zu: \"%.*s\", not \"%s\"", column, row, (int)s.n, s.p, text);
    assert_int_equal(ec_bit(batch.column[column].valid, row), text[0] != 0);
}

static void expect_fault(size_t i, uint32_t row, uint32_t column, enum ec_reason reason, const char *value) {
    assert_true(i < batch.faults);
    assert_int_equal(batch.fault[i].row, row);
    assert_int_equal(batch.fault[i].column, column);
    assert_int_equal(batch.fault[i].reason, reason);
    if (!ec_str_is(batch.fault[i].value, value)) fail_msg("%.*s", (int)batch.fault[i].value.n, batch.fault[i].value.p);
    assert_true(ec_bit(batch.rejected, row));
}

static void cells_become_typed_values(void **state) {
    (void)state;
    make("", HEADER,
         "<row r='2'><c r='A2' t='s'><v>0</v></c><c r='B2'><v>12</v></c><c r='C2'><v>4.7000000000000002</v></c>"
         "<c r='D2'><v>19.989999999999998</v></c><c r='E2' t='b'><v>1</v></c><c r='F2' s='1'><v>45856</v></c>"
         "<c r='G2' s='2'><v>45856.4375</v></c></row>"
         "<row r='3'><c r='A3'><v>17</v></c><c r='B3' t='str'><f>A1</f><v>-3</v></c><c r='C3' t='str'><v>.5</v></c><c "
         "r='D3'><v>5</v></c>"
         "<c r='E3'><v>0</v></c><c r='F3' t='d'><v>2025-07-18</v></c><c r='G3' "
         "t='d'><v>2025-07-18T10:30:00.25</v></c></row>"
         "<row r='4'><c r='A4' s='2'><v>45856.5</v></c><c r='B4'><v>1E3</v></c><c r='F4' "
         "t='inlineStr'><is><t>2025-07-18</t></is></c>"
         "<c r='G4' s='1'><v>45856</v></c></row>"
         "<row r='5'><c r='A5' t='s'><v>1</v></c><c r='B5'><v>9007199254740993</v></c></row>");
    read_made(4);
    assert_int_equal(batch.faults, 0);
    expect_cell(ID, 0, "P-1");
    assert_int_equal(ec_column_int(&batch.column[STOCK])[0], 12);
    assert_true(ec_column_double(&batch.column[RATING])[0] == 4.7);
    assert_int_equal(ec_column_int(&batch.column[PRICE])[0], 1999);
    assert_int_equal(ec_column_bool(&batch.column[ACTIVE])[0], 1);
    assert_int_equal(ec_column_days(&batch.column[DAY])[0], ec_days_from_civil(2025, 7, 18));
    int64_t midnight = ec_days_from_civil(2025, 7, 18) * EC_MICROS_PER_DAY;
    assert_int_equal(ec_column_int(&batch.column[AT])[0], midnight + 37800 * EC_MICROS_PER_SECOND);
    expect_cell(ID, 1, "17");
    assert_int_equal(ec_column_int(&batch.column[STOCK])[1], -3);
    assert_true(ec_column_double(&batch.column[RATING])[1] == 0.5);
    assert_int_equal(ec_column_int(&batch.column[PRICE])[1], 500);
    assert_int_equal(ec_column_int(&batch.column[AT])[1], midnight + 37800250000);
    expect_cell(ID, 2, "2025-07-18T12:00:00");
    assert_int_equal(ec_column_int(&batch.column[STOCK])[2], 1000);
    assert_int_equal(ec_column_int(&batch.column[AT])[2], midnight);
    expect_cell(PRICE, 2, "");
    expect_cell(ID, 3, "a long name in two runs"); /* Excel drops the space that no xml:space keeps */
    assert_int_equal(ec_column_int(&batch.column[STOCK])[3], 9007199254740993); /* beyond a double */
    for (size_t i = 0; i < DECLARED; i++) assert_true(reader->present[i]);
    assert_string_equal(reader->layout, "sheet Products");
    assert_true(reader->header_first);
    finish();
}

static void wrong_cells_are_faults(void **state) {
    (void)state;
    make("", HEADER,
         "<row r='2'><c r='B2'><v>2.5</v></c><c r='D2'><v>1.005</v></c><c r='E2'><v>2</v></c><c "
         "r='F2'><v>45856</v></c></row>"
         "<row r='3'><c r='B3' t='e'><v>#DIV/0!</v></c><c r='F3' s='1'><v>45856.5</v></c><c r='G3' "
         "s='3'><v>1.5</v></c></row>"
         "<row r='4'><c r='A4' t='e'><v>#N/A</v></c><c r='F4' s='1'><v>60</v></c><c r='G4' s='1'><v>-1</v></c></row>"
         "<row r='5'><c r='A5' t='s'><v>99</v></c><c r='B5'><v>1</v></c></row>"
         "<row r='6'><c r='B6'><v>1</v></c><c r='J6'><v>7</v></c></row>"
         "<row r='7'><c r='B7'><v>1e400</v></c><c r='C7'><v>NaN</v></c></row>");
    read_made(6);
    size_t i = 0;
    expect_fault(i++, 0, STOCK, EC_REASON_TYPE, "2.5");
    expect_fault(i++, 0, PRICE, EC_REASON_TYPE, "1.005");
    expect_fault(i++, 0, ACTIVE, EC_REASON_TYPE, "2");
    expect_fault(i++, 0, DAY, EC_REASON_TYPE, "45856"); /* no format says that it is a day */
    expect_fault(i++, 1, STOCK, EC_REASON_TYPE, "#DIV/0!");
    expect_fault(i++, 1, DAY, EC_REASON_TYPE, "2025-07-18T12:00:00");
    expect_fault(i++, 1, AT, EC_REASON_TYPE, "36:00:00");
    expect_fault(i++, 2, DAY, EC_REASON_TYPE, "1900-02-29");
    expect_fault(i++, 2, AT, EC_REASON_TYPE, "-1");
    expect_cell(ID, 2, "#N/A");
    expect_fault(i++, 3, ID, EC_REASON_PARSE, "a shared string that does not exist");
    expect_cell(STOCK, 3, ""); /* the whole record is void */
    expect_fault(i++, 4, EC_NO_COLUMN, EC_REASON_EXTRA_CELL, "7");
    expect_cell(STOCK, 4, "");
    expect_fault(i++, 5, STOCK, EC_REASON_TYPE, "1e400");
    expect_fault(i++, 5, RATING, EC_REASON_TYPE, "NaN");
    assert_int_equal(batch.faults, i);
    finish();
}

static void places_name_the_row(void **state) {
    (void)state;
    make("", HEADER,
         "<row r='2'/><row r='3'><c r='A3'/></row><row r='7'><c r='C7'><v>0.10</v></c><c r='A7' "
         "t='inlineStr'><is><t>q\"</t></is></c></row>"
         "<row><c><v>1</v></c><c><v>2</v></c></row><row r='5'><c r='B5' t='b'><v>0</v></c><c r='B5' "
         "t='s'><v>2</v></c></row>"
         "<row r='9'><c r='A9' t='s'><v>2</v></c></row>");
    read_made(3);
    assert_int_equal(batch.place[0].line, 7);
    assert_int_equal(batch.place[0].offset, 0);
    assert_memory_equal(batch.place[0].raw, "[\"q\\\"\",null,\"0.1\"]", batch.place[0].length);
    expect_cell(ID, 0, "q\"");
    assert_int_equal(batch.place[1].line, 8); /* one behind the row before */
    assert_int_equal(batch.place[1].offset, 1);
    expect_cell(ID, 1, "1");
    expect_cell(STOCK, 1, "2");
    assert_int_equal(batch.place[2].line, 5);
    finish();
}

static void headers_are_mapped(void **state) {
    (void)state;
    make("", "",
         "<row r='3'><c r='B3' t='inlineStr'><is><t> stock </t></is></c><c r='D3' t='inlineStr'><is><t>free "
         "text;</t></is></c>"
         "<c r='E3' t='inlineStr'><is><t>STOCK</t></is></c><c r='F3' s='1'><v>45856</v></c></row>"
         "<row r='4'><c r='B4'><v>1</v></c><c r='D4' s='1'><v>45857</v></c><c r='E4'><v>0.30000000000000004</v></c><c "
         "r='F4' t='b'><v>1</v></c></row>"
         "<row r='5'><c r='C5'><v>1</v></c></row>");
    read_made(2);
    assert_int_equal(reader->undeclared, 3);
    assert_false(reader->present[ID]);
    assert_true(reader->present[STOCK]);
    assert_string_equal(batch.column[DECLARED].name, "free_text_");
    assert_string_equal(batch.column[DECLARED + 1].name, "STOCK_2");
    assert_string_equal(batch.column[DECLARED + 2].name, "2025-07-18");
    expect_cell(DECLARED, 0, "2025-07-19");
    expect_cell(DECLARED + 1, 0, "0.30000000000000004");
    expect_cell(DECLARED + 2, 0, "TRUE");
    expect_fault(0, 1, EC_NO_COLUMN, EC_REASON_EXTRA_CELL, "1"); /* under no name */
    finish();

    make("", "", "<row><c><v>1</v></c><c><v>1</v></c></row>");
    assert_int_equal(verdict(), EC_BAD_HEADER);
    assert_non_null(strstr(err.message, "occurs twice"));
    make("", "", "<row r='1'/><row r='2'><c t='s'><v>2</v></c></row>");
    assert_int_equal(verdict(), EC_EMPTY_FILE);
    for (unsigned limit = EC_UNDECLARED_MAX; limit <= EC_COLUMNS_MAX; limit += EC_COLUMNS_MAX - EC_UNDECLARED_MAX) {
        struct ec_buf many = ec_buf_make(EC_MIB);
        ec_buf_addz(&many, "<row>");
        for (unsigned i = 0; i <= limit; i++) ec_buf_printf(&many, "<c><v>%u</v></c>", i);
        ec_buf_addz(&many, "</row>");
        make("", "", many.p);
        ec_buf_free(&many);
        assert_int_equal(verdict(), EC_TOO_MANY_COLUMNS);
        char number[16];
        snprintf(number, sizeof number, "%u", limit);
        assert_non_null(strstr(err.message, number));
    }
}

static void sheets_are_chosen(void **state) {
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        struct workbook w = {0};
        wb_frame(
            &w, "",
            variant < 3
                ? "<sheet name='Chart' sheetId='9' r:id='s3'/><sheet name='Old' sheetId='1' state='hidden' r:id='s1'/>"
                  "<sheet name='New &amp; good' sheetId='2' r:id='s2'/>"
                : "<sheet name='Old' sheetId='1' state='veryHidden' r:id='s1'/>");
        wb_addz(&w, "xl/worksheets/sheet1.xml",
                "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>");
        /* a prefix and the strict dialect's namespace are as good as any */
        wb_addz(&w, "xl/worksheets/sheet2.xml",
                "<x:worksheet xmlns:x='http://purl.oclc.org/ooxml/spreadsheetml/main'><x:sheetData><x:row><x:c "
                "t='str'><x:v>id</x:v></x:c></x:row>"
                "<x:row><x:c><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>");
        assert_int_equal(wb_save(&w, path), 0);
        source.sheet = variant == 1 ? "old" : variant == 2 ? "Elsewhere" : NULL;
        enum ec_status status = open_made();
        if (variant < 2) {
            assert_int_equal(status, EC_OK);
            assert_string_equal(reader->layout, variant == 0 ? "sheet New & good" : "sheet Old");
            assert_int_equal(reader->present[ID], variant == 0);
            finish();
        } else {
            assert_int_equal(status, variant == 2 ? EC_UNKNOWN_FORMAT : EC_XLSX_DAMAGED);
            assert_non_null(strstr(err.message, variant == 2 ? "Old, New & good" : "no visible sheet"));
        }
    }
    source.sheet = NULL;
}

static void the_1904_epoch_shifts_dates(void **state) {
    (void)state;
    make("<workbookPr date1904='1'/>", HEADER,
         "<row><c r='F2' s='1'><v>44394</v></c><c r='G2' s='2'><v>0.5</v></c></row>");
    read_made(1);
    expect_cell(DAY, 0, "2025-07-18");
    assert_int_equal(ec_column_int(&batch.column[AT])[0],
                     ec_days_from_civil(1904, 1, 1) * EC_MICROS_PER_DAY + EC_MICROS_PER_DAY / 2);
    finish();
}

static void serials_are_exact(void **state) {
    (void)state;
    static const struct {
        double serial;
        bool epoch_1904;
        enum ec_xlsx_format format;
        const char *text;
    } cases[] = {
        {0, false, EC_XLSX_DATE, "00:00:00"},
        {0.75, false, EC_XLSX_DATETIME, "18:00:00"},
        {1, false, EC_XLSX_DATE, "1900-01-01"},
        {59, false, EC_XLSX_DATE, "1900-02-28"},
        {60, false, EC_XLSX_DATE, "1900-02-29"},
        {60.5, false, EC_XLSX_DATETIME, "1900-02-29T12:00:00"},
        {61, false, EC_XLSX_DATE, "1900-03-01"},
        {36526, false, EC_XLSX_DATE, "2000-01-01"},
        {45856.42361111111, false, EC_XLSX_DATETIME, "2025-07-18T10:10:00"},
        {45856.999999999, false, EC_XLSX_DATETIME, "2025-07-19T00:00:00"},
        {45856.00000579, false, EC_XLSX_DATETIME, "2025-07-18T00:00:00.500"},
        {2958465, false, EC_XLSX_DATE, "9999-12-31"},
        {2958466, false, EC_XLSX_DATE, ""},
        {-1, false, EC_XLSX_DATE, ""},
        {1e300, false, EC_XLSX_DATE, ""},
        {0, true, EC_XLSX_DATE, "1904-01-01"},
        {0.25, true, EC_XLSX_TIME, "06:00:00"},
        {60, true, EC_XLSX_DATE, "1904-03-01"},
        {2957003, true, EC_XLSX_DATE, "9999-12-31"},
        {2957004, true, EC_XLSX_DATE, ""},
        {10.6320601851852, false, EC_XLSX_ELAPSED, "255:10:10"},
        {1.5, false, EC_XLSX_TIME, "1900-01-01T12:00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64] = "";
        size_t n = ec_xlsx_date_text(cases[i].serial, cases[i].epoch_1904, cases[i].format, text);
        text[n] = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static void formats_tell_dates_from_numbers(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum ec_xlsx_format format;
    } cases[] = {
        {"General", EC_XLSX_NUMBER},
        {"0.00", EC_XLSX_NUMBER},
        {"#,##0.00\\ [$\xe2\x82\xac-40C]", EC_XLSX_NUMBER},
        {"[Red]#,##0;[Blue]-0", EC_XLSX_NUMBER},
        {"0.0 \"days\"", EC_XLSX_NUMBER},
        {"0\\d\\a\\y", EC_XLSX_NUMBER},
        {"0.00E+00", EC_XLSX_NUMBER},
        {"_-* #,##0_-", EC_XLSX_NUMBER},
        {"@", EC_XLSX_NUMBER},
        {"0;yyyy", EC_XLSX_NUMBER},
        {"\"unclosed yyyy", EC_XLSX_NUMBER},
        {"yyyy-mm-dd", EC_XLSX_DATE},
        {"YYYY/MM/DD", EC_XLSX_DATE},
        {"mmm", EC_XLSX_DATE},
        {"[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", EC_XLSX_DATE},
        {"[Red]m/d/yy;@", EC_XLSX_DATE},
        {"h:mm AM/PM", EC_XLSX_TIME},
        {"mm:ss.0", EC_XLSX_TIME},
        {"dd/mm/yyyy hh:mm", EC_XLSX_DATETIME},
        {"[h]:mm:ss", EC_XLSX_ELAPSED},
        {"[mm]:ss", EC_XLSX_ELAPSED},
        {"", EC_XLSX_NUMBER},
        {"\\", EC_XLSX_NUMBER},
        {"[", EC_XLSX_NUMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ec_xlsx_format_of(cases[i].code) != cases[i].format) fail_msg("%s", cases[i].code);
}

static void escapes_are_decoded(void **state) {
    (void)state;
    make("", "",
         "<row><c t='inlineStr'><is><t>id</t></is></c></row>"
         "<row><c t='inlineStr'><is><t>a_x000D_\nb</t></is></c></row><row><c "
         "t='inlineStr'><is><t>_x005F_x000D_</t></is></c></row>"
         "<row><c t='inlineStr'><is><t>_xD83D__xDE00_!</t></is></c></row><row><c t='inlineStr'><is><t>_xD83D_ _xZZZZ_ "
         "_x0000_ _x00e9_</t></is></c></row>"
         "<row><c t='inlineStr'><is><t xml:space='preserve'> kept </t></is></c></row><row><c "
         "t='inlineStr'><is><t><![CDATA[<b>&amp;]]></t></is></c></row>"
         "<row><c t='inlineStr'><v>1.0</v><is><r><t>instead</t></r><rPh><t>no</t></rPh></is></c></row>");
    read_made(7);
    expect_cell(ID, 0, "a\r\nb");
    expect_cell(ID, 1, "_x000D_");
    expect_cell(ID, 2, "\xf0\x9f\x98\x80!");
    expect_cell(ID, 3, "_xD83D_ _xZZZZ_ _x0000_ \xc3\xa9");
    expect_cell(ID, 4, " kept ");
    expect_cell(ID, 5, "<b>&amp;");
    expect_cell(ID, 6, "instead");
    finish();
}

static void entities_and_depth_are_refused(void **state) {
    (void)state;
    static const char laughs[] = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>";
    static const char external[] = "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>";
    static const char *parts[] = {"_rels/.rels", "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml",
                                  "xl/worksheets/sheet1.xml"};
    for (size_t i = 0; i < 2 * sizeof parts / sizeof *parts; i++) {
        struct workbook w = {0}, framed = {0};
        char text[512];
        snprintf(text, sizeof text, "%s<x>&b;</x>", i % 2 ? laughs : external);
        wb_frame(&framed, "", WB_ONE_SHEET);
        free(framed.p);
        const char *bad = parts[i / 2];
        if (i / 2 == 0) {
            wb_addz(&w, bad, text);
            wb_addz(&w, "xl/workbook.xml", "<workbook/>");
        } else if (i / 2 == 1) {
            wb_addz(&w, bad, text);
        } else {
            wb_frame(&w, "", WB_ONE_SHEET);
            for (size_t k = 2; k < 5; k++) wb_addz(&w, parts[k], k == i / 2 ? text : "<x/>");
        }
        assert_int_equal(wb_save(&w, path), 0);
        enum ec_status status = verdict();
        if (status != EC_XLSX_UNSAFE) fail_msg("%s: %s", bad, err.message);
        assert_non_null(strstr(err.message, bad));
    }

    for (unsigned more = 0; more < 2; more++) { /* worksheet, sheetData and thirty within them */
        struct ec_buf deep = ec_buf_make(EC_MIB);
        for (unsigned i = 0; i < EC_XML_DEPTH_MAX - 2 + more; i++) ec_buf_addz(&deep, "<x>");
        for (unsigned i = 0; i < EC_XML_DEPTH_MAX - 2 + more; i++) ec_buf_addz(&deep, "</x>");
        make("", HEADER, deep.p);
        ec_buf_free(&deep);
        assert_int_equal(verdict(), more ? EC_XLSX_UNSAFE : EC_OK);
    }
    assert_non_null(strstr(err.message, "deeper than 32"));
}

/* A cell of n letters. */
static void add_text(struct ec_buf *b, size_t n) {
    ec_buf_addz(b, "<c t='str'><v>");
    char *p = ec_buf_reserve(b, n);
    assert_non_null(p);
    memset(p, 'x', n);
    b->n += n;
    ec_buf_addz(b, "</v></c>");
}

static void long_texts_cost_their_row(void **state) {
    (void)state;
    struct ec_buf rows = ec_buf_make(EC_MIB);
    ec_buf_addz(&rows, "<row>");
    add_text(&rows, EC_XLSX_TEXT_MAX);
    ec_buf_addz(&rows, "</row><row>");
    add_text(&rows, EC_XLSX_TEXT_MAX + 1);
    ec_buf_addz(&rows, "<c><v>5</v></c></row><row><c t='str'><v>short</v></c></row>");
    make("", HEADER, rows.p);
    ec_buf_free(&rows);
    read_made(3);
    assert_int_equal(ec_column_text(&batch.column[ID])[0].n, EC_XLSX_TEXT_MAX);
    expect_fault(0, 1, ID, EC_REASON_TOO_LONG, "");
    expect_cell(STOCK, 1, "");
    expect_cell(ID, 2, "short");
    assert_int_equal(batch.faults, 1);
    finish();
}

/* A row of more text than a record may have is void; the next one is whole. */
static void wide_rows_cost_themselves(void **state) {
    (void)state;
    struct ec_buf rows = ec_buf_make(16 * EC_MIB);
    ec_buf_addz(&rows, "<row>");
    for (size_t n = 0; n <= EC_RECORD_MAX; n += 30000) add_text(&rows, 30000);
    ec_buf_addz(&rows, "</row><row><c t='str'><v>next</v></c></row>");
    make("", HEADER, rows.p);
    ec_buf_free(&rows);
    read_made(2);
    expect_fault(0, 0, EC_NO_COLUMN, EC_REASON_TOO_LONG, "");
    assert_null(batch.place[0].raw);
    expect_cell(ID, 1, "next");
    finish();
}

static void counts_are_bounded(void **state) {
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct ec_buf rows = ec_buf_make(32 * EC_MIB);
        for (size_t i = 0; i < EC_XLSX_CELLS_MAX - DECLARED + more; i++)
            ec_buf_addz(&rows, i == 0 ? "<row><c/>" : i % 10000 == 0 ? "</row><row><c/>" : "<c/>");
        ec_buf_addz(&rows, "</row>");
        make("", HEADER, rows.p);
        ec_buf_free(&rows);
        assert_int_equal(verdict(), more ? EC_XLSX_TOO_LARGE : EC_OK);
    }
    assert_non_null(strstr(err.message, "5000000 cells"));

    struct workbook w = {0};
    struct ec_buf sst = ec_buf_make(32 * EC_MIB);
    ec_buf_addz(&sst, "<sst>");
    for (size_t i = 0; i <= EC_XLSX_STRINGS_MAX; i++) ec_buf_add(&sst, "<si/>", 5);
    ec_buf_addz(&sst, "</sst>");
    wb_frame(&w, "", WB_ONE_SHEET);
    wb_addz(&w, "xl/sharedStrings.xml", sst.p);
    wb_addz(&w, "xl/worksheets/sheet1.xml", "<worksheet><sheetData>" HEADER "</sheetData></worksheet>");
    ec_buf_free(&sst);
    assert_int_equal(wb_save(&w, path), 0);
    assert_int_equal(verdict(), EC_XLSX_TOO_LARGE);
    assert_non_null(strstr(err.message, "1000000 shared strings"));
}

static void damaged_workbooks_are_named(void **state) {
    (void)state;
    static const struct {
        const char *rows, *word;
    } cases[] = {
        {"<row r='2'><c r='A2'><v>1</v></c>", "mismatched tag"},
        {"<row r='x'/>", "number"},
        {"<row r='0'/>", "number"},
        {"<row><c r='12'/></row>", "\"12\""},
        {"<row><c r='XFE1'/></row>", "XFE1"},
        {"<row><c r='ZZZZZZZZZZ1'/></row>", "ZZZZ"},
        {"<row><c t='zz'><v>1</v></c></row>", "unknown type"},
        {"<row>&undefined;</row>", "undefined entity"},
        {"<row>\x01</row>", "invalid token"},
        {"<row>\xff\xff</row>", "invalid token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make("", HEADER, cases[i].rows);
        assert_int_equal(verdict(), EC_XLSX_DAMAGED);
        if (!strstr(err.message, cases[i].word)) fail_msg("%s", err.message);
        assert_non_null(strstr(err.message, "xl/worksheets/sheet1.xml"));
    }
    struct workbook w = {0};
    wb_frame(&w, "", WB_ONE_SHEET);
    assert_int_equal(wb_save(&w, path), 0);
    assert_int_equal(verdict(), EC_XLSX_DAMAGED);
    assert_non_null(strstr(err.message, "sheet1.xml is missing"));
    wb_addz(&w, "hello.txt", "hello");
    assert_int_equal(wb_save(&w, path), 0);
    assert_int_equal(verdict(), EC_UNKNOWN_FORMAT);

    static const struct {
        const char *bytes;
        size_t n;
        enum ec_status status;
    } files[] = {
        {"", 0, EC_EMPTY_FILE},
        {"id,stock\n1,2\n", 13, EC_UNKNOWN_FORMAT},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", 18, EC_XLSX_ENCRYPTED},
        {"PK\3\4 and no more", 16, EC_ZIP_DAMAGED},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *f = fopen(path, "wb");
        fwrite(files[i].bytes, 1, files[i].n, f);
        fclose(f);
        assert_int_equal(verdict(), files[i].status);
    }
    remove(path);
    assert_int_equal(verdict(), EC_UNREADABLE);
}

static void rows_pass_over_batches(void **state) {
    (void)state;
    size_t count = 2 * EC_BATCH_ROWS + 5;
    struct ec_buf rows = ec_buf_make(EC_MIB);
    for (size_t i = 0; i < count; i++)
        ec_buf_printf(&rows,
                      "<row r='%zu'><c t='str'><v>a text that is not inlined, %zu</v></c><c><v>%zu</v></c></row>",
                      i + 2, i, i);
    make("", HEADER, rows.p);
    ec_buf_free(&rows);
    assert_int_equal(open_made(), EC_OK);
    size_t seen = 0;
    for (;;) {
        assert_int_equal(ec_reader_next(reader, &batch, &err), EC_OK);
        if (batch.rows == 0) break;
        for (size_t i = 0; i < batch.rows; i++, seen++) {
            char text[64];
            snprintf(text, sizeof text, "a text that is not inlined, %zu", seen);
            expect_cell(ID, i, text);
            assert_int_equal(ec_column_int(&batch.column[STOCK])[i], seen);
            assert_int_equal(batch.place[i].line, seen + 2);
            assert_int_equal(batch.place[i].offset, seen);
        }
    }
    assert_int_equal(seen, count);
    assert_int_equal(ec_reader_next(reader, &batch, &err), EC_OK); /* the end stays the end */
    assert_int_equal(batch.rows, 0);
    finish();
}

/* Whatever one byte of the sheet becomes, the answer is rows or a named error. */
static void changed_sheets_are_survived(void **state) {
    (void)state;
    static const char sheet[] =
        HEADER "<row r='2' spans='1:7'><c r='A2' t='s'><v>1</v></c><c r='B2' s='1'><v>45.5</v></c>"
               "<c r='C2' t='inlineStr'><is><r><t xml:space='preserve'>x_x000D_</t></r><rPh><t>y</t></rPh></is></c>"
               "<c r='D2' t='b'><v>1</v></c><c t='d'><v>2025-01-01</v></c></row>";
    static const char with[] = {'<', '>', '/', 's', '9', 0x7f};
    char changed[sizeof sheet];
    size_t good = 0;
    for (size_t i = 0; i < sizeof sheet - 1; i++) {
        memcpy(changed, sheet, sizeof sheet);
        changed[i] = with[i % sizeof with];
        make("", "", changed);
        enum ec_status status = verdict();
        if (status == EC_OK)
            good++;
        else if (status != EC_XLSX_DAMAGED && status != EC_BAD_HEADER && status != EC_TOO_MANY_COLUMNS &&
                 status != EC_EMPTY_FILE)
            fail_msg("byte %zu: %s", i, err.message);
    }
    assert_true(good > 50 && good < sizeof sheet - 50);
}

/* Each workbook's rows as JSON text, without the rules of a header. */
static void corpus_is_pinned(void **state) {
    (void)state;
    const char *root = getenv("EC_CORPORA");
    char file[700], found[256], line[256];
    snprintf(file, sizeof file, "%s/xlsx/date.xlsx", root ? root : "../shared/corpora");
    if (access(file, R_OK) != 0) {
        print_message("no corpora here: skipped\n");
        skip();
    }
    FILE *pins = fopen(EC_TEST_DATA "/read/xlsx_corpus.txt", "r");
    assert_non_null(pins);
    size_t count = 0, wrong = 0;
    while (fgets(line, sizeof line, pins)) {
        if (line[0] == '#') continue;
        line[strcspn(line, "\n")] = 0;
        int name_n = (int)strcspn(line, " ");
        snprintf(file, sizeof file, "%s/xlsx/%.*s", root ? root : "../shared/corpora", name_n, line);
        struct ec_xlsx_workbook wb;
        struct ec_xlsx_strings strings = {0};
        struct ec_xlsx_sheet *sheet = NULL;
        const struct ec_xlsx_row *row = NULL;
        struct ec_buf out = ec_buf_make(64 * EC_MIB);
        size_t row_count = 0, cell_count = 0;
        enum ec_status status = ec_xlsx_workbook_open(file, NULL, &wb, NULL);
        if (status == EC_OK) status = ec_xlsx_strings_read(&wb, &strings, NULL);
        if (status == EC_OK) status = ec_xlsx_sheet_open(&wb, &strings, &sheet, NULL);
        while (status == EC_OK && (status = ec_xlsx_sheet_next(sheet, &row, NULL)) == EC_OK && row) {
            size_t column = 0;
            ec_buf_printf(&out, "%llu [", (unsigned long long)row->number);
            for (size_t i = 0; i < row->cells; i++) {
                char text[64];
                for (; column < row->cell[i].column; column++) ec_buf_addz(&out, "null,");
                struct ec_str s = ec_xlsx_cell_text(&wb, &row->cell[i], text);
                ec_json_quote(&out, s.p, s.n);
                ec_buf_addc(&out, i + 1 < row->cells ? ',' : ']');
                column++;
                cell_count++;
            }
            ec_buf_addc(&out, '\n');
            row_count++;
        }
        struct ec_str all = ec_buf_str(&out);
        snprintf(found, sizeof found, "%.*s %s %zu %zu %016llx", name_n, line, ec_status_text(status)->slug, row_count,
                 cell_count, (unsigned long long)ec_hash64(all.p, all.n));
        if (strcmp(found, line) != 0) wrong++, print_error("expected %s\nfound    %s\n", line, found);
        ec_buf_free(&out);
        ec_xlsx_sheet_close(sheet);
        ec_xlsx_strings_free(&strings);
        ec_xlsx_workbook_close(&wb);
        count++;
    }
    fclose(pins);
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 65);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/test.xlsx", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return ec_dir_remove(folder, true, NULL) == EC_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_typed_values), cmocka_unit_test(wrong_cells_are_faults),
        cmocka_unit_test(places_name_the_row),       cmocka_unit_test(headers_are_mapped),
        cmocka_unit_test(sheets_are_chosen),         cmocka_unit_test(the_1904_epoch_shifts_dates),
        cmocka_unit_test(serials_are_exact),         cmocka_unit_test(formats_tell_dates_from_numbers),
        cmocka_unit_test(escapes_are_decoded),       cmocka_unit_test(entities_and_depth_are_refused),
        cmocka_unit_test(long_texts_cost_their_row), cmocka_unit_test(wide_rows_cost_themselves),
        cmocka_unit_test(counts_are_bounded),        cmocka_unit_test(damaged_workbooks_are_named),
        cmocka_unit_test(rows_pass_over_batches),    cmocka_unit_test(changed_sheets_are_survived),
        cmocka_unit_test(corpus_is_pinned),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
