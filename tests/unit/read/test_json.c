/* JSON files as the reader gives them: layouts, places, types, columns, limits. */
#include "json_kit.h"

#include "scan/scan.h"

#include "base/io.h"

static const struct {
    const char *json;
    const char *rows;
} cases[] = {
    /* Layouts. */
    {"[]", ""},
    {" [ \n ] ", ""},
    {"{}", "1@0+2\n"},
    {"{\"a\":1}", "1@0+7 a=1\n"},
    {"[{\"a\":1},{\"a\":2}]", "1@1+7 a=1\n1@9+7 a=2\n"},
    {"[\n{\"a\":1},\n{\"a\":2}\n]\n", "2@2+7 a=1\n3@11+7 a=2\n"},
    {"[ {\"a\":1}\n,\r\n {\"a\":2} ]", "1@2+7 a=1\n3@14+7 a=2\n"},
    {"{\"a\":1}\n{\"a\":2}\n\n\r\n{\"a\":3}", "1@0+7 a=1\n2@8+7 a=2\n5@19+7 a=3\n"},
    {"{\"a\":1}{\"a\":2} {\"a\":3}", "1@0+7 a=1\n1@7+7 a=2\n1@15+7 a=3\n"},
    {"\xEF\xBB\xBF{\"a\":1}", "1@3+7 a=1\n"},
    {"\xEF\xBB\xBF[{}]", "1@4+2\n"},
    {"{\n  \"a\": 1,\n  \"s\": \"x\"\n}\n{\n  \"a\": 2\n}\n", "1@0+24 a=1 s=\"x\"\n5@25+12 a=2\n"},
    {"[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]", "2@4+16 a=1\n5@24+16 a=2\n"},
    {"{\"a\":1}\n{\n \"a\":2,\n \"s\":[\n {}]}\n{\"a\":3}\n", "1@0+7 a=1\n2@8+22 a=2 s=\"[\\n {}]\"\n6@31+7 a=3\n"},
    {"{\"s\":\n{\"a\":1}}\n{\"a\":2}", "1@0+14 s=\"{\\\"a\\\":1}\"\n3@15+7 a=2\n"},
    {"", "error empty-file\n"},
    {" \n\t\n", "error empty-file\n"},
    {"\xEF\xBB\xBF", "error empty-file\n"},
    {"a,s\n1,2\n", "error unknown-format\n"},
    {"<html>{</html>", "error unknown-format\n"},
    {"17", "error unknown-format\n"},
    /* Strings. */
    {"{\"s\":\"\"}", "1@0+8 s=\"\"\n"},
    {"{\"s\":\"twelve bytes\"}", "1@0+20 s=\"twelve bytes\"\n"},
    {"{\"s\":\"thirteen byte\"}", "1@0+21 s=\"thirteen byte\"\n"},
    {"{\"s\":\"a\\nb\\u00e9\\/\"}", "1@0+20 s=\"a\\nb\xC3\xA9/\"\n"},
    {"{\"s\":\"\xC3\xA9 and more than twelve\"}", "1@0+31 s=\"\xC3\xA9 and more than twelve\"\n"},
    {"{\"s\":200}\n{\"s\":-1.50E+3}\n{\"s\":true}\n{\"s\":null}",
     "1@0+9 s=\"200\"\n2@10+14 s=\"-1.50E+3\"\n3@25+10 s=\"true\"\n4@36+10\n"},
    {"{\"s\":{\"x\" : [1, \"\\n\"]}}\n{\"s\":[]}", "1@0+23 s=\"{\\\"x\\\" : [1, \\\"\\\\n\\\"]}\"\n2@24+8 s=\"[]\"\n"},
    /* Typed columns. */
    {"{\"a\":\"12\"}\n{\"a\":\"\"}\n{\"a\":12.0}\n{\"a\":-0}", "1@0+10 a=12\n2@11+8\n3@20+10 a=12\n4@31+8 a=0\n"},
    {"{\"a\":9223372036854775807}\n{\"a\":-9223372036854775808}\n{\"a\":9223372036854775808}",
     "1@0+25 a=9223372036854775807\n2@26+26 a=-9223372036854775808\n"
     "3@53+25 !type-error(a:\"9223372036854775808\")\n"},
    {"{\"a\":1.5}\n{\"a\":true}\n{\"a\":[1]}\n{\"a\":\"x\",\"s\":\"y\"}",
     "1@0+9 !type-error(a:\"1.5\")\n2@10+10 !type-error(a:\"true\")\n3@21+9 !type-error(a:\"[1]\")\n"
     "4@31+17 s=\"y\" !type-error(a:\"x\")\n"},
    {"{\"f\":0.1,\"b\":true,\"m\":12.34}\n{\"f\":\"1e3\",\"b\":0,\"m\":\"5\"}\n{\"f\":1e999,\"b\":1,\"m\":0.005}",
     "1@0+28 f=0.1 b=true m=12.34\n2@29+25 f=1000 b=false m=5.00\n"
     "3@55+27 b=true !type-error(f:\"1e999\") !type-error(m:\"0.005\")\n"},
    {"{\"t\":\"2025-07-18T01:02:03.5Z\",\"d\":\"2025-07-18\"}\n{\"t\":\"2025-07-18\\u002001:02\",\"d\":{}}",
     "1@0+47 t=2025-07-18T01:02:03.500000Z d=2025-07-18\n2@48+36 t=2025-07-18T01:02:00Z !type-error(d:\"{}\")\n"},
    /* Keys: exact after unescaping, others behind, under names that a table can bear. */
    {"{\"\\u0061\":1,\"A\":2,\"a \":3}", "1@0+25 a=1 A_2=\"2\" a_=\"3\"\n"},
    {"{\"x,y;z\":1,\"_line\":3,\"day\":4,\"\":5}", "1@0+34 x_y_z=\"1\" _line_2=\"3\" day_2=\"4\" _=\"5\"\n"},
    /* Keys of one name are one column, and come once in a record. */
    {"{\"x,y\":1}\n{\"x y\":2,\"s\":\"t\"}\n{\"x_y\":3}\n{\"_\":4}\n{\"\":5}",
     "1@0+9 x_y=\"1\"\n2@10+17 s=\"t\" x_y=\"2\"\n3@28+9 x_y=\"3\"\n4@38+7 _=\"4\"\n5@46+6 _=\"5\"\n"},
    {"{\"x,y\":1,\"x y\":2}\n{\"x_y\":3}\n{\"x_y\":4,\"x,y\":5}\n{\"x y\":6,\"z\":7,\"x;y\":8}",
     "1@0+17 !parse-error(\"x y\")\n2@18+9 x_y=\"3\"\n3@28+17 !parse-error(\"x,y\")\n4@46+23 !parse-error(\"x;y\")\n"},
    {"{\"k\":null}\n{\"a\":1}\n{\"k\":\"v\",\"\\n\":{}}", "1@0+10\n2@11+7 a=1\n3@19+17 k=\"v\" _=\"{}\"\n"},
    {"{\"n\\u0000\":1}", "1@0+13 n_=\"1\"\n"},
};

static void check(const char *json, const char *rows, const struct kit_run *run) {
    struct ec_buf got = kit_text(run, json, strlen(json));
    if (strcmp(got.p ? got.p : "", rows) != 0)
        fail_msg("window %zu step %zu strict %d of\n%s\n--- expected\n%s--- got\n%s", run->options.window_bytes,
                 run->step, run->options.strict, json, rows, got.p);
    ec_buf_free(&got);
}

static void table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i].json, cases[i].rows, &(struct kit_run){0});
        check(cases[i].json, cases[i].rows, &(struct kit_run){.options.strict = true});
        if (strstr(cases[i].rows, "unknown")) continue; /* which depends on what the window shows */
        for (size_t window = 16; window < 40; window += 3)
            check(cases[i].json, cases[i].rows, &(struct kit_run){.options.window_bytes = window, .step = window % 5});
    }
}

static void utf16(void **state) {
    (void)state;
    static const struct ec_str texts[] = {{"\xFF\xFE{\0}\0", 6}, {"\xFE\xFF\0{\0}", 6}, {"{\0}\0", 4}, {"\0{\0}", 4}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ec_buf got = kit_text(&(struct kit_run){0}, texts[i].p, texts[i].n);
        assert_string_equal(got.p, "error encoding\n");
        ec_buf_free(&got);
    }
}

static void declared_encoding(void **state) {
    (void)state;
    struct ec_source source = kit_source;
    source.encoding = "latin-1";
    struct ec_buf got = kit_text(&(struct kit_run){.source = &source}, "{}", 2);
    assert_string_equal(got.p, "error encoding\n");
    source.encoding = "utf-8";
    ec_buf_clear(&got);
    assert_int_equal(kit_read(&(struct kit_run){.source = &source}, "{}", 2, &got), EC_OK);
    ec_buf_free(&got);
}

static void null_values(void **state) {
    (void)state;
    struct ec_str nulls[] = {EC_STR("N/A"), EC_STR("-1"), EC_STR("false")};
    struct ec_schema_column columns[] = {
        {.name = "a", .type = {.type = EC_TYPE_INTEGER}, .null_values = nulls, .null_value_count = 3},
        {.name = "s", .type = {.type = EC_TYPE_STRING}, .null_values = nulls, .null_value_count = 3}};
    struct ec_source source = {.name = "n", .column = columns, .column_count = 2};
    static const char json[] =
        "{\"a\":\"N/A\",\"s\":\"N\\/A\"}\n{\"a\":-1,\"s\":-1}\n{\"a\":false,\"s\":false}\n{\"a\":1,\"s\":\"n/a\"}\n";
    for (int strict = 0; strict < 2; strict++) {
        struct ec_buf got =
            kit_text(&(struct kit_run){.source = &source, .options.strict = strict}, json, sizeof json - 1);
        assert_string_equal(got.p, "1@0+22\n2@23+15\n3@39+21\n4@61+17 a=1 s=\"n/a\"\n");
        ec_buf_free(&got);
    }
}

/* n records with a key of their own each. */
static struct ec_buf many_keys(unsigned n) {
    struct ec_buf json = ec_buf_make(EC_MIB);
    for (unsigned i = 0; i < n; i++) ec_buf_printf(&json, "{\"k%u\":1}\n", i);
    return json;
}

static void undeclared_max(void **state) {
    (void)state;
    for (unsigned n = EC_UNDECLARED_MAX; n <= EC_UNDECLARED_MAX + 1; n++) {
        struct ec_buf json = many_keys(n), rows = ec_buf_make(EC_MIB);
        assert_int_equal(kit_read(&(struct kit_run){0}, json.p, json.n, &rows),
                         n > EC_UNDECLARED_MAX ? EC_TOO_MANY_COLUMNS : EC_OK);
        ec_buf_free(&json);
        ec_buf_free(&rows);
    }
}

/* What the reader says of the file, beside its rows. */
static void facts(void **state) {
    (void)state;
    static const char json[] = "\xEF\xBB\xBF[{\"a\":1,\"x\":1},{\"s\":null},{\"b\":true,\"b\":false},{\"f\":bad}]";
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *r;
    assert_int_equal(ec_batch_init(&batch, &err), EC_OK);
    kit_columns_add(&kit_source, &batch);
    assert_int_equal(ec_stream_memory(json, sizeof json - 1, 0, &stream, &err), EC_OK);
    struct ec_reader_args args = {.source = &kit_source, .stream = stream};
    assert_int_equal(ec_reader_open(&ec_reader_json, &args, &batch, &r, &err), EC_OK);
    assert_ptr_equal(r->type, &ec_reader_json);
    assert_false(r->header_first);
    assert_int_equal(ec_reader_next(r, &batch, &err), EC_OK);
    assert_int_equal(batch.rows, 4);
    assert_int_equal(ec_reader_next(r, &batch, &err), EC_OK);
    assert_int_equal(batch.rows, 0);
    static const bool present[] = {true, true, false, false, false, false, false};
    for (size_t i = 0; i < kit_source.column_count; i++) assert_int_equal(r->present[i], present[i]);
    assert_int_equal(r->undeclared, 1);
    assert_string_equal(r->layout, "array");
    assert_string_equal(r->encoding, "utf-8-bom");
    ec_reader_close(r);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
}

/* Batches end at EC_BATCH_ROWS and at the window's end; none is empty before the end. */
static void many_rows(void **state) {
    (void)state;
    struct ec_buf json = ec_buf_make(16 * EC_MIB), rows = ec_buf_make(16 * EC_MIB);
    struct ec_buf expected = ec_buf_make(16 * EC_MIB);
    for (unsigned i = 0; i < 3 * EC_BATCH_ROWS; i++) {
        size_t at = json.n;
        ec_buf_printf(&json, "{\"a\":%u,\"s\":\"row number %u\"}", i, i);
        ec_buf_printf(&expected, "%u@%zu+%zu a=%u s=\"row number %u\"\n", i + 1, at, json.n - at, i, i);
        ec_buf_addc(&json, '\n');
    }
    for (size_t window = 64; window <= EC_MIB; window *= 8) {
        ec_buf_clear(&rows);
        assert_int_equal(kit_read(&(struct kit_run){.options.window_bytes = window}, json.p, json.n, &rows), EC_OK);
        assert_string_equal(rows.p, expected.p);
    }
    ec_buf_free(&json);
    ec_buf_free(&rows);
    ec_buf_free(&expected);
}

static int mallocs_left;

static void *failing_malloc(size_t n) {
    return mallocs_left-- > 0 ? malloc(n) : NULL;
}
static void *failing_realloc(void *p, size_t n) {
    return mallocs_left-- > 0 ? realloc(p, n) : NULL;
}

/* Every allocation fails in turn: a status, nothing lost and nothing freed twice. */
static void out_of_memory(void **state) {
    (void)state;
    static const char json[] = "{\"a\":1,\"s\":\"\\u00e9\",\"new\":[]}\n{\"a\":bad}\n{\"a\":\"x\",\"other\":\"\\n\"}\n";
    const struct ec_io saved = ec_io;
    enum ec_status status = EC_NO_MEMORY;
    int allowed = 0;
    for (; status != EC_OK; allowed++) {
        struct ec_err err = {0};
        struct ec_batch batch;
        struct ec_stream *stream;
        struct ec_reader *reader = NULL;
        assert_int_equal(ec_batch_init(&batch, &err), EC_OK);
        kit_columns_add(&kit_source, &batch);
        assert_int_equal(ec_stream_memory(json, sizeof json - 1, 0, &stream, &err), EC_OK);
        mallocs_left = allowed;
        ec_io.malloc = failing_malloc;
        ec_io.realloc = failing_realloc;
        struct ec_reader_args args = {.source = &kit_source, .stream = stream};
        status = ec_json_open(&args, &(struct ec_json_options){.window_bytes = 16}, &reader, &err);
        for (size_t rows = 1; status == EC_OK && rows > 0; rows = batch.rows)
            status = ec_reader_next(reader, &batch, &err);
        ec_io = saved;
        if (status != EC_OK) assert_int_equal(status, EC_NO_MEMORY);
        assert_int_equal(err.status, status);
        ec_reader_close(reader);
        ec_stream_close(stream);
        ec_batch_deinit(&batch);
        assert_true(allowed < 1000);
    }
    assert_true(allowed > 8);
}

/* One record of more keys than a file may add. */
static void undeclared_at_once(void **state) {
    (void)state;
    for (unsigned n = EC_UNDECLARED_MAX; n <= EC_UNDECLARED_MAX + 1; n++) {
        struct ec_buf json = ec_buf_make(EC_MIB);
        for (unsigned i = 0; i < n; i++) ec_buf_printf(&json, "%s\"k%u\":1", i ? "," : "{", i);
        ec_buf_addz(&json, "}");
        struct kit_run run = {0};
        struct ec_buf rows = kit_text(&run, json.p, json.n);
        if (n > EC_UNDECLARED_MAX)
            assert_string_equal(rows.p, "error too-many-columns\n");
        else
            assert_non_null(strstr(rows.p, " k255=\"1\"\n"));
        ec_buf_free(&rows);
        ec_buf_free(&json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),       cmocka_unit_test(utf16),          cmocka_unit_test(declared_encoding),
        cmocka_unit_test(null_values), cmocka_unit_test(undeclared_max), cmocka_unit_test(facts),
        cmocka_unit_test(undeclared_at_once),
        cmocka_unit_test(many_rows),   cmocka_unit_test(out_of_memory),
    };
    /* Byte by byte, and as widely as the machine can. */
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    int failed = 0;
    for (size_t v = 0; v < count; v += count > 1 ? count - 1 : 1) {
        assert_true(ec_scan_use(variant[v]->name));
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
