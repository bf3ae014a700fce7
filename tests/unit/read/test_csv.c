/* The CSV reader as its users meet it: headers, types, faults, encodings, errors. */
#include "csv_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ec_schema_column shop[] = {
    {.name = "id", .type = {.type = EC_TYPE_STRING}, .required = true},
    {.name = "price", .type = {EC_TYPE_DECIMAL, 10, 2}},
    {.name = "stock", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "rating", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "active", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "created", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "day", .type = {.type = EC_TYPE_DATE}},
};
static struct ec_derive derive[] = {{.name = "margin"}};
static struct ec_source source = {
    .name = "products", .column = shop, .column_count = 7, .derive = derive, .derive_count = 1};
static struct ec_source bare = {.name = "bare"};

/* Reads `text` and returns the rows as text; "" and *err where it cannot be read. */
static struct ec_buf rows;
static char columns[2000];
static const char *read_as(const struct rows_args *args, const char *text, size_t n, struct ec_err *err) {
    struct ec_batch batch;
    ec_buf_free(&rows);
    rows = ec_buf_make(EC_MIB);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_reader_columns(args->source, &batch, NULL), EC_OK);
    ec_err_clear(err);
    enum ec_status status = rows_read(args, text, n, &batch, &rows, err);
    assert_int_equal(status, err->status);
    size_t used = 0;
    for (size_t c = 0; c < batch.columns; c++)
        used += (size_t)snprintf(columns + used, sizeof columns - used, "%s%s", c ? "," : "", batch.column[c].name);
    ec_batch_deinit(&batch);
    return status == EC_OK && rows.n ? rows.p : "";
}

static const char *read_text(const struct ec_source *of, const char *text) {
    struct ec_err err = {0};
    const char *got = read_as(&(struct rows_args){.source = of}, text, strlen(text), &err);
    if (err.status != EC_OK) fail_msg("%s", err.message);
    return got;
}

static void cells_have_their_types(void **state) {
    (void)state;
    assert_string_equal(read_text(&source, "id,price,stock,rating,active,created,day\n"
                                           "p1,12.5, 3 ,4.5,yes,2025-07-18T10:00:00Z,2025-07-18\n"
                                           "p2,,,,,,\n"
                                           "\"\",\"1\",\"2\",\"3\",\"no\",\"2025-07-18\",\"\"\n"),
                        "2@41+51 <p1,12.5, 3 ,4.5,yes,2025-07-18T10:00:00Z,2025-07-18> [p1] [12.50] [3] [4.5] [true] "
                        "[2025-07-18T10:00:00Z] [2025-07-18]\n"
                        "3@93+8 <p2,,,,,,> [p2] - - - - - -\n"
                        "4@102+35 <\"\",\"1\",\"2\",\"3\",\"no\",\"2025-07-18\",\"\"> [] [1.00] [2] [3] [false] "
                        "[2025-07-18T00:00:00Z] -\n");
}

static void a_bad_cell_is_a_fault_of_its_column(void **state) {
    (void)state;
    assert_string_equal(read_text(&source, "id,stock,day\np1,many,2025-02-30\np2,\"1\"\"2\",\n"),
                        "2@13+18 <p1,many,2025-02-30> [p1] - - - - - - !type-error:stock:many "
                        "!type-error:day:2025-02-30 rejected\n"
                        "3@32+10 <p2,\"1\"\"2\",> [p2] - - - - - - !type-error:stock:1\"2 rejected\n");
}

static void a_row_of_wrong_width_keeps_its_cells(void **state) {
    (void)state;
    assert_string_equal(read_text(&source, "id,stock,rating\np1,3\np2,4,x,6,7\n"),
                        "2@16+4 <p1,3> [p1] - [3] - - - - !missing-cell:rating: rejected\n"
                        "3@21+10 <p2,4,x,6,7> [p2] - [4] - - - - !extra-cell::6 rejected\n");
}

static void a_damaged_record_costs_one_line(void **state) {
    (void)state;
    assert_string_equal(
        read_text(&bare, "a,b\n1,\"open\n2,two\n3,\"three\n lines\"\n4,st\"ray\n5,five\n\"6\"x,six\n7,\"never"),
        "2@4+7 <1,\"open> - - !parse-error:b:open rejected\n"
        "3@12+5 <2,two> [2] [two]\n"
        "4@18+16 <3,\"three\\x0a lines\"> [3] [three\\x0a lines]\n"
        "6@35+8 <4,st\"ray> - - !parse-error:b:st\"ray rejected\n"
        "7@44+6 <5,five> [5] [five]\n"
        "8@51+8 <\"6\"x,six> - - !parse-error:a:6\"x,six rejected\n"
        "9@60+8 <7,\"never> - - !parse-error:b:never rejected\n");
}

static void bytes_that_are_not_text(void **state) {
    (void)state;
    struct ec_err err = {0};
    static const char text[] = "a,b\n1,\xff\n2,\0\n3,\xc3\xa9\n4,\xed\xa0\x80,5\n";
    assert_string_equal(read_as(&(struct rows_args){.source = &bare}, text, sizeof text - 1, &err),
                        "2@4+3 <1,\\xff> - - !encoding-error:: rejected\n"
                        "3@8+3 <2,\\x00> - - !encoding-error:: rejected\n"
                        "4@12+4 <3,\\xc3\\xa9> [3] [\\xc3\\xa9]\n"
                        "5@17+7 <4,\\xed\\xa0\\x80,5> - - !encoding-error:: !extra-cell::5 rejected\n");
}

static void line_ends_of_every_kind(void **state) {
    (void)state;
    assert_string_equal(read_text(&bare, "\r\n\na\r\r1\r\n\r\n2\n\n3\r4"),
                        "5@6+1 <1> [1]\n7@11+1 <2> [2]\n9@14+1 <3> [3]\n10@16+1 <4> [4]\n");
}

static void headers_name_columns(void **state) {
    (void)state;
    assert_string_equal(read_text(&source, "\xef\xbb\xbf stock ,\"x;y \",id,Margin\n"), "");
    assert_string_equal(columns, "id,price,stock,rating,active,created,day,x_y,Margin_2");
}

static void undeclared_columns_get_valid_names(void **state) {
    (void)state;
    read_text(&source, "id,unit price,unit=price,Stock,MARGIN,_line,caf\xc3\xa9\np,1,2,3,4,5,6\n");
    assert_string_equal(columns, "id,price,stock,rating,active,created,day,unit_price,unit_price_2,Stock_2,MARGIN_2,"
                                 "_line_2,caf\xc3\xa9");
    assert_non_null(strstr(rows.p, " [p] - - - - - - [1] [2] [3] [4] [5] [6]\n"));
}

static void quoted_names_and_other_delimiters(void **state) {
    (void)state;
    struct ec_source other = {.name = "other", .delimiter = ';'};
    assert_string_equal(read_text(&other, "\"a;b\";\"say \"\"hi\"\"\"\n1,5;\"2;3\"\n"),
                        "2@19+9 <1,5;\"2;3\"> [1,5] [2;3]\n");
    assert_string_equal(columns, "a_b,say_\"hi\"");
}

static void present_says_which_columns_are_there(void **state) {
    (void)state;
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_reader_columns(&source, &batch, NULL), EC_OK);
    assert_int_equal(ec_stream_memory("stock,extra,ID\n", 15, 0, &stream, NULL), EC_OK);
    struct ec_reader_args args = {.source = &source, .stream = stream, .path = "x.csv"};
    assert_int_equal(ec_reader_open(&ec_reader_csv, &args, &batch, &reader, NULL), EC_OK);
    assert_true(reader->header_first);
    for (size_t i = 0; i < source.column_count; i++) assert_int_equal(reader->present[i], i == 2);
    assert_int_equal(reader->undeclared, 2);
    assert_string_equal(reader->layout, "csv");
    assert_string_equal(reader->encoding, "utf-8");
    assert_int_equal(ec_reader_next(reader, &batch, NULL), EC_OK);
    assert_int_equal(batch.rows, 0);
    ec_reader_close(reader);
    assert_string_equal(batch.column[8].name, "ID_2"); /* lives with the batch */
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
}

static void refuse(const struct ec_source *of, const char *text, size_t n, enum ec_status status, const char *words) {
    struct ec_err err = {0};
    read_as(&(struct rows_args){.source = of}, text, n, &err);
    if (err.status != status || !strstr(err.message, words))
        fail_msg("%s: %s", ec_status_text(err.status)->slug, err.message);
}

static void damaged_headers_are_errors(void **state) {
    (void)state;
    struct ec_err err = {0};
    refuse(&bare, "", 0, EC_EMPTY_FILE, "no header");
    refuse(&bare, "\n\r\n", 3, EC_EMPTY_FILE, "no header");
    refuse(&bare, "\xef\xbb\xbf", 3, EC_EMPTY_FILE, "no header");
    refuse(&bare, "a,,b\n", 5, EC_BAD_HEADER, "column 2 of the header has no name");
    refuse(&bare, "a,b, \n", 6, EC_BAD_HEADER, "column 3 of the header has no name");
    refuse(&bare, "a,b,a \n", 7, EC_BAD_HEADER, "names the column a twice (columns 1 and 3)");
    refuse(&bare, "a,b\"c\n", 6, EC_BAD_HEADER, "quote in column 2");
    refuse(&bare, "a,\"b\n1,2\n", 9, EC_BAD_HEADER, "quote in column 2");
    refuse(&bare, "a,\xff\n", 4, EC_BAD_HEADER, "not UTF-8 (at its byte 3)");
    refuse(&bare, "a,b\0c\n", 6, EC_BAD_HEADER, "NUL");
    refuse(&bare,
           "\xff\xfe"
           "a\0",
           4, EC_ENCODING, "utf-16le");
    refuse(&bare, "\xfe\xff\0a", 4, EC_ENCODING, "utf-16be");
    read_as(&(struct rows_args){.source = &bare}, "\n\na,,b\n", 7, &err);
    assert_string_equal(err.file, "test.csv");
    assert_int_equal(err.line, 3);
    assert_int_equal(err.byte, 2);

    struct ec_source odd = {.name = "odd", .delimiter = '"'};
    refuse(&odd, "a\n", 2, EC_CONFIG, "delimiter");
    odd = (struct ec_source){.name = "odd", .encoding = "ebcdic"};
    refuse(&odd, "a\n", 2, EC_CONFIG, "unknown encoding ebcdic");
}

static size_t wide_header(char *out, size_t count, size_t from) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += (size_t)sprintf(out + n, "%sc%zu", i ? "," : "", from + i);
    out[n++] = '\n';
    return n;
}

static void widths_have_limits(void **state) {
    (void)state;
    static char text[40000];
    refuse(&bare, text, wide_header(text, EC_COLUMNS_MAX + 1, 0), EC_TOO_MANY_COLUMNS, "2049 columns");
    refuse(&bare, text, wide_header(text, EC_UNDECLARED_MAX + 1, 0), EC_TOO_MANY_COLUMNS, "more than 256 columns");
    memset(text, 'x', 300);
    refuse(&bare, text, 300, EC_BAD_HEADER, "longer than 255 bytes");

    struct ec_err err = {0};
    size_t n = wide_header(text, EC_UNDECLARED_MAX, 0);
    read_as(&(struct rows_args){.source = &bare}, text, n, &err);
    assert_int_equal(err.status, EC_OK);
}

static void declared_encodings_are_decoded(void **state) {
    (void)state;
    static const struct {
        const char *encoding, *text;
        size_t n;
        const char *rows;
    } cases[] = {
        {"latin-1", "a\n\xe9\x80\n", 5, "2@2+4 <\\xc3\\xa9\\xc2\\x80> [\\xc3\\xa9\\xc2\\x80]\n"},
        {"windows-1252", "a\n\x80\xe9\n\x81\n", 7,
         "2@2+5 <\\xe2\\x82\\xac\\xc3\\xa9> [\\xe2\\x82\\xac\\xc3\\xa9]\n3@8+1 <\\x81> - !encoding-error:: rejected\n"},
        {"utf-16le",
         "\xff\xfe"
         "a\0\n\0\xe9\0\x3d\xd8\x00\xde\n\0",
         14, "2@5+6 <\\xc3\\xa9\\xf0\\x9f\\x98\\x80> [\\xc3\\xa9\\xf0\\x9f\\x98\\x80]\n"},
        {"utf-16be", "\0a\0\n\xd8\x3d\0x\0\n\0y\0", 13,
         "2@2+4 <\\xed\\xa0\\xbdx> - !encoding-error:: rejected\n3@7+2 <y\\xff> - !encoding-error:: rejected\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 0; step < 4; step++) {
            struct ec_source encoded = {.name = "encoded", .encoding = cases[i].encoding};
            struct ec_err err = {0};
            struct rows_args args = {.source = &encoded, .step = step, .limits = {.window = 64}};
            assert_string_equal(read_as(&args, cases[i].text, cases[i].n, &err), cases[i].rows);
        }
    struct ec_source wrong = {.name = "wrong", .encoding = "utf-16be"};
    refuse(&wrong,
           "\xff\xfe"
           "a\0",
           4, EC_ENCODING, "declares utf-16be, but the file starts with the mark of utf-16le");
    wrong.encoding = "latin-1";
    refuse(&wrong,
           "\xff\xfe"
           "a\0",
           4, EC_ENCODING, "declares latin-1");
}

static int drop_rows(void **state) {
    (void)state;
    ec_buf_free(&rows);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_have_their_types),
        cmocka_unit_test(a_bad_cell_is_a_fault_of_its_column),
        cmocka_unit_test(a_row_of_wrong_width_keeps_its_cells),
        cmocka_unit_test(a_damaged_record_costs_one_line),
        cmocka_unit_test(bytes_that_are_not_text),
        cmocka_unit_test(line_ends_of_every_kind),
        cmocka_unit_test(headers_name_columns),
        cmocka_unit_test(undeclared_columns_get_valid_names),
        cmocka_unit_test(quoted_names_and_other_delimiters),
        cmocka_unit_test(present_says_which_columns_are_there),
        cmocka_unit_test(damaged_headers_are_errors),
        cmocka_unit_test(widths_have_limits),
        cmocka_unit_test(declared_encodings_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, drop_rows);
}
