/* Workbooks that are damaged, too large, or made to harm. */
#include "xlsx_fixture.h"

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

/* Characters are counted as spreadsheet programs do, in UTF-16: of two bytes each, so many are within the limit. */
static void long_texts_are_counted_in_characters(void **state) {
    (void)state;
    struct ec_buf rows = ec_buf_make(EC_MIB);
    ec_buf_addz(&rows, "<row><c t='str'><v>");
    for (unsigned i = 0; i < EC_XLSX_TEXT_MAX; i++) ec_buf_addz(&rows, "\xC3\xA9");
    ec_buf_addz(&rows, "</v></c></row><row><c t='str'><v>");
    for (unsigned i = 0; i < EC_XLSX_TEXT_MAX / 2 + 1; i++) ec_buf_addz(&rows, "\xF0\x9F\x98\x80"); /* two units each */
    ec_buf_addz(&rows, "</v></c></row>");
    make("", HEADER, rows.p);
    ec_buf_free(&rows);
    read_made(2);
    assert_int_equal(ec_column_text(&batch.column[ID])[0].n, 2 * EC_XLSX_TEXT_MAX);
    expect_fault(0, 1, ID, EC_REASON_TOO_LONG, "");
    assert_int_equal(batch.faults, 1);
    finish();
}

static void long_names_of_columns(void **state) {
    (void)state;
    for (size_t n = EC_COLUMN_NAME_MAX; n <= EC_COLUMN_NAME_MAX + 1; n++) {
        struct ec_buf rows = ec_buf_make(EC_MIB);
        ec_buf_addz(&rows, "<row><c t='inlineStr'><is><t>id</t></is></c>");
        add_text(&rows, n);
        ec_buf_addz(&rows, "</row><row><c t='str'><v>1</v></c></row>");
        make("", "", rows.p);
        ec_buf_free(&rows);
        assert_int_equal(verdict(), n > EC_COLUMN_NAME_MAX ? EC_BAD_HEADER : EC_OK);
    }
    assert_non_null(strstr(err.message, "is too long"));
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

/* What a row shows of itself hangs on its cells, not on how far apart they lie. */
static void far_cells_stay_small(void **state) {
    (void)state;
    make("", HEADER,
         "<row r='2'><c r='A2'><v>7</v></c><c r='XFD2'><v>1</v></c></row><row r='3'><c r='BL3'><v>1</v></c></row>");
    read_made(2);
    assert_int_equal(batch.place[0].length, strlen("{\"A\":\"7\",\"XFD\":\"1\"}"));
    assert_memory_equal(batch.place[0].raw, "{\"A\":\"7\",\"XFD\":\"1\"}", batch.place[0].length);
    expect_fault(0, 0, EC_NO_COLUMN, EC_REASON_EXTRA_CELL, "1");
    assert_memory_equal(batch.place[1].raw, "[null,null,", 11);
    finish();
}

/* A string of 32,000 bytes and cells that name it: 700 KB for more than a gigabyte. */
static void repeated_strings_are_bounded(void **state) {
    (void)state;
    struct workbook w = {0};
    struct ec_buf sst = ec_buf_make(EC_MIB), sheet = ec_buf_make(4 * EC_MIB);
    ec_buf_addz(&sst, "<sst><si><t>");
    for (size_t i = 0; i < 32000; i++) ec_buf_addc(&sst, 'y');
    ec_buf_addz(&sst, "</t></si></sst>");
    ec_buf_addz(&sheet, "<worksheet><sheetData>" HEADER);
    for (size_t i = 0; i <= EC_XLSX_SHARED_MAX / 32000; i++) {
        /* beyond the header, so that the test spends no time on values */
        ec_buf_addz(&sheet, i % 5000 == 0 ? i ? "</row><row>" : "<row>" : "");
        ec_buf_addz(&sheet, "<c t='s'><v>0</v></c>");
    }
    ec_buf_addz(&sheet, "</row></sheetData></worksheet>");
    wb_frame(&w, "", WB_ONE_SHEET);
    wb_addz(&w, "xl/sharedStrings.xml", sst.p);
    wb_addz(&w, "xl/worksheets/sheet1.xml", sheet.p);
    ec_buf_free(&sst);
    ec_buf_free(&sheet);
    assert_int_equal(wb_save(&w, path), 0);
    assert_int_equal(verdict(), EC_XLSX_TOO_LARGE);
    assert_non_null(strstr(err.message, "shared strings"));
}

/* expat holds a token whole, and every name for good. */
static void the_parser_holds_little(void **state) {
    (void)state;
    struct ec_buf rows = ec_buf_make(64 * EC_MIB);
    for (int names = 0; names < 2; names++) {
        ec_buf_clear(&rows);
        ec_buf_addz(&rows, names ? "" : "<row r='");
        for (unsigned i = 0; rows.n < 17 * EC_MIB; i++) {
            if (names)
                ec_buf_printf(&rows, "<a%u/>", i);
            else
                ec_buf_addz(&rows, "0000000000000000");
        }
        ec_buf_addz(&rows, names ? "" : "'/>");
        make("", HEADER, rows.p);
        assert_int_equal(verdict(), EC_XLSX_TOO_LARGE);
        assert_non_null(strstr(err.message, "take more than"));
    }
    ec_buf_free(&rows);
    make("", HEADER, "<row><c><v>1</v></c></row>");
    assert_int_equal(verdict(), EC_OK); /* all of it was given back */
}

static void broken_phonetics_cost_their_cell(void **state) {
    (void)state;
    make("", HEADER,
         "<row><c t='inlineStr'><is><rPh><is></is></rPh></is></c></row>"
         "<row><c t='inlineStr'><is><t>kept</t></is></c></row>");
    read_made(1);
    expect_cell(ID, 0, "kept");
    finish();
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

static size_t allocations_left;

static void *limited_malloc(size_t n) {
    return allocations_left && allocations_left-- ? malloc(n) : NULL;
}

static void *limited_realloc(void *p, size_t n) {
    return allocations_left && allocations_left-- ? realloc(p, n) : NULL;
}

/* Memory that runs out anywhere is an error, and nothing leaks. */
static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    const struct ec_io kept = ec_io;
    make("", HEADER,
         "<row><c t='s'><v>1</v></c><c><v>x</v></c><c t='inlineStr'><is><t>a text that is not "
         "inlined</t></is></c></row>");
    enum ec_status status = EC_NO_MEMORY;
    size_t n = 0;
    for (; status != EC_OK && n < 2000; n++) {
        struct ec_batch b;
        struct ec_reader *r = NULL;
        const struct ec_reader_args args = {.source = &source, .path = path};
        ec_err_clear(&err);
        assert_int_equal(ec_batch_init(&b, NULL), EC_OK);
        status = ec_reader_columns(&source, &b, NULL);
        assert_int_equal(status, EC_OK);
        allocations_left = n;
        ec_io.malloc = limited_malloc;
        ec_io.realloc = limited_realloc;
        status = ec_reader_open(&ec_reader_xlsx, &args, &b, &r, &err);
        while (status == EC_OK && (status = ec_reader_next(r, &b, &err)) == EC_OK && b.rows > 0) {}
        ec_reader_close(r);
        ec_batch_deinit(&b);
        ec_io = kept;
        if (status != EC_OK && status != EC_NO_MEMORY && status != EC_XLSX_TOO_LARGE)
            fail_msg("allocation %zu: %s", n, err.message);
        if (status != EC_OK) assert_true(err.message[0] != 0);
    }
    assert_int_equal(status, EC_OK);
    assert_true(n > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_and_depth_are_refused),      cmocka_unit_test(long_texts_cost_their_row),
        cmocka_unit_test(long_texts_are_counted_in_characters), cmocka_unit_test(long_names_of_columns),
        cmocka_unit_test(wide_rows_cost_themselves),           cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(damaged_workbooks_are_named),         cmocka_unit_test(changed_sheets_are_survived),
        cmocka_unit_test(every_failed_allocation_is_survived), cmocka_unit_test(far_cells_stay_small),
        cmocka_unit_test(repeated_strings_are_bounded),        cmocka_unit_test(the_parser_holds_little),
        cmocka_unit_test(broken_phonetics_cost_their_cell),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
