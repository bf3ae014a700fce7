/* Workbooks made by hand, each with one oddity that honest ones have, and calamine's collection. */
#include "base/calendar.h"
#include "base/hash.h"
#include "base/json.h"
#include "xlsx_fixture.h"

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

/* Each workbook's rows as JSON text, without the rules of a header. */
static void corpus_is_pinned(void **state) {
    (void)state;
    const char *root = getenv("EC_CORPORA");
    char file[700], found[256], line[256];
    FILE *pins = fopen(EC_TEST_DATA "/read/xlsx_corpus.txt", "r");
    assert_non_null(pins);
    size_t count = 0, wrong = 0;
    while (fgets(line, sizeof line, pins)) {
        if (line[0] == '#') continue;
        line[strcspn(line, "\n")] = 0;
        int name_n = (int)strcspn(line, " ");
        snprintf(file, sizeof file, "%s/xlsx/%.*s", root ? root : EC_TEST_DATA "/corpora", name_n, line);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_typed_values), cmocka_unit_test(wrong_cells_are_faults),
        cmocka_unit_test(places_name_the_row),       cmocka_unit_test(headers_are_mapped),
        cmocka_unit_test(sheets_are_chosen),         cmocka_unit_test(the_1904_epoch_shifts_dates),
        cmocka_unit_test(serials_are_exact),         cmocka_unit_test(formats_tell_dates_from_numbers),
        cmocka_unit_test(escapes_are_decoded),       cmocka_unit_test(rows_pass_over_batches),
        cmocka_unit_test(corpus_is_pinned),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
