/* Damaged JSON: what a damaged record costs, where reading goes on, and that no boundary of the
 * window changes it. The rules are those of docs/reading-json.md. */
#include "json_kit.h"

#include "scan/scan.h"

static const struct {
    const char *json;
    const char *rows;
} cases[] = {
    /* Lines: up to the next line that starts a record. */
    {"{\"a\":1}\n{\"a\":bad}\n{\"a\":3}\n", "1@0+7 a=1\n2@8+9 !parse-error(\"{\\\"a\\\":b\")\n3@18+7 a=3\n"},
    {"{\"a\":1,\n{\"a\":2}\n", "1@0+7 !parse-error(\"{\\\"a\\\":1,\")\n2@8+7 a=2\n"},
    {"{\"a\":1,\"s\":\n{\"a\":2}\n{\"s\":\"cut\n{\"a\":4}", /* the first is well-formed up to its second line's end */
     "1@0+11 !parse-error(\"{\\\"a\\\":1,\\\"s\\\":\")\n2@12+7 a=2\n3@20+9 "
     "!parse-error(\"{\\\"s\\\":\\\"cut\")\n4@30+7 a=4\n"},
    {"{\"a\":1}\n{\"a\":2,\"s\":\n{\"a\":3}\n",
     "1@0+7 a=1\n2@8+11 !parse-error(\"{\\\"a\\\":2,\\\"s\\\":\")\n3@20+7 a=3\n"},
    {"{\"a\":1}\n{\"a\":2", "1@0+7 a=1\n2@8+6 !parse-error(\"{\\\"a\\\":2\")\n"},
    {"{\"a\":1} x\n{\"a\":2}\n", "1@0+7 a=1\n1@8+1 !parse-error(\"x\")\n2@10+7 a=2\n"},
    {"{\"a\":1},\n{\"a\":2}\n", "1@0+7 a=1\n1@7+1 !parse-error(\",\")\n2@9+7 a=2\n"},
    {"lost\nlines\n  {\"a\":2}\n", "1@0+10 !parse-error(\"l\")\n3@13+7 a=2\n"},
    {"{\"a\":1}\n\n--\n--\n\n{\"a\":2}\n", "1@0+7 a=1\n3@9+5 !parse-error(\"-\")\n6@16+7 a=2\n"},
    {" {\"a\":1}\n {\"a\":x}\n {\"a\":3}\n", "1@1+7 a=1\n2@10+7 !parse-error(\"{\\\"a\\\":x\")\n3@19+7 a=3\n"},
    {"{\n \"s\": [\n  {\"a\": 1},\n  bad\n ]\n}\n{\n \"a\": 2\n}\n",
     "1@0+32 !parse-error(\"{\\n \\\"s\\\": [\\n  {\\\"a\\\": 1},\\n  b\")\n7@33+11 a=2\n"},
    {"{\"a\":1}\n\x01\n{\"a\":2}", "1@0+7 a=1\n2@8+1 !parse-error(\"\\u0001\")\n3@10+7 a=2\n"},
    {"{\"a\":1}\n[{\"a\":2}]\n{\"a\":3}", "1@0+7 a=1\n2@8+9 !parse-error(\"[\")\n3@18+7 a=3\n"},
    {"{\"a\":1\n}\n{\"a\":\n2\n{\"a\":3}", "1@0+8 a=1\n3@9+7 !parse-error(\"{\\\"a\\\":\\n2\\n{\")\n5@17+7 a=3\n"},
    /* Arrays: behind the comma at which the damaged record's braces are closed. */
    {"[{\"a\":1},{\"a\":bad},{\"a\":3}]", "1@1+7 a=1\n1@9+9 !parse-error(\"{\\\"a\\\":b\")\n1@19+7 a=3\n"},
    {"[{\"s\":{\"x\":[}},{\"a\":2}, {\"a\":bad} ]\n", "1@1+13 !parse-error(\"{\\\"s\\\":{\\\"x\\\":[}\")\n1@15+7 a=2\n"
                                                      "1@24+9 !parse-error(\"{\\\"a\\\":b\")\n"},
    {"[{\"s\":\"},{\"x},{\"s\":2}]", "1@1+12 !parse-error(\"{\\\"s\\\":\\\"},{\\\"x\")\n1@14+7 s=\"2\"\n"},
    /* ... or where the first key comes again: a missing quote, a record cut off. */
    {"[{\"a\":1,\"s\":\"x},{\"a\":2,\"s\":\"y\"},{\"a\":3,\"s\":\"z\"}]",
     "1@1+14 !parse-error(\"{\\\"a\\\":1,\\\"s\\\":\\\"x},{\\\"a\")\n1@16+15 a=2 s=\"y\"\n1@32+15 a=3 s=\"z\"\n"},
    {"[{\"a\":1},{\"a\":2,\"s\":\"cu,{\"a\":3},{\"a\":4}]",
     "1@1+7 a=1\n1@9+14 !parse-error(\"{\\\"a\\\":2,\\\"s\\\":\\\"cu,{\\\"a\")\n1@24+7 a=3\n1@32+7 a=4\n"},
    {"[{\"a\":1},{\"a\":2,\"s\":{\"b\":3},{\"a\":4}]",
     "1@1+7 a=1\n1@9+18 !parse-error(\"{\\\"a\\\":2,\\\"s\\\":{\\\"b\\\":3},{\")\n1@28+7 a=4\n"},
    {"[{\"a\":1},{\"s\":[{\"b\":1},{\"b\":2}],bad},{\"a\":3}]",
     "1@1+7 a=1\n1@9+27 !parse-error(\"{\\\"s\\\":[{\\\"b\\\":1},{\\\"b\\\":2}],b\")\n1@37+7 a=3\n"},
    {"[{x\"y\":1},{\"a\":2}]", "1@1+8 !parse-error(\"{x\")\n1@10+7 a=2\n"},
    {"[{\"},{\"a\":2}]", "1@1+3 !parse-error(\"{\\\"},{\\\"a\")\n1@5+7 a=2\n"},
    /* ... or at a line that starts with a record. */
    {"[\n  {\"a\":1,\n  {\"a\":2}\n]", "2@4+6 !parse-error(\"{\\\"a\\\":1,\\n  {\")\n3@14+7 a=2\n"},
    {"[\n  {\n    \"s\": \"cut\n  {\n    \"a\": 2\n  }\n]",
     "2@4+15 !parse-error(\"{\\n    \\\"s\\\": \\\"cut\")\n4@22+16 a=2\n"},
    {"[\n  {\n    \"s\": [\n      {\"a\": 1},\n      {\"b\": 2}\n    ] oops\n  },\n  {\n    \"a\": 2\n  }\n]",
     "2@4+58 !parse-error(\"{\\\"a\\\": 1},\\n      {\\\"b\\\": 2}\\n    ] o\")\n8@66+16 a=2\n"},
    /* Separators. */
    {"[{\"a\":1} {\"a\":2},{\"a\":3}]", "1@1+7 a=1\n1@9+7 !parse-error(\"{\")\n1@17+7 a=3\n"},
    {"[{\"a\":1},,{\"a\":2}]", "1@1+7 a=1\n1@9+1 !parse-error(\",\")\n1@10+7 a=2\n"},
    {"[,{\"a\":1}, , ,{\"a\":2}]", "1@1+1 !parse-error(\",\")\n1@2+7 a=1\n1@11+3 !parse-error(\",\")\n1@14+7 a=2\n"},
    {"[{\"a\":1},]", "1@1+7 a=1\n1@9+1 !parse-error(\"]\")\n"},
    {"[{\"a\":1},,]", "1@1+7 a=1\n1@9+1 !parse-error(\",\")\n"},
    {"[{\"a\":1}},{\"a\":2}]", "1@1+7 a=1\n1@8+1 !parse-error(\"}\")\n1@10+7 a=2\n"},
    {"[{\"a\":1},5,\"x\",null,{\"a\":2}]", "1@1+7 a=1\n1@9+10 !parse-error(\"5\")\n1@20+7 a=2\n"},
    {"[{\"a\":1},[{\"a\":2}],{\"a\":3}]",
     "1@1+7 a=1\n1@9+1 !parse-error(\"[\")\n1@10+7 a=2\n1@18+1 !parse-error(\",\")\n1@19+7 a=3\n"},
    {"[1,2]", "1@1+3 !parse-error(\"1\")\n"},
    /* The array's end. */
    {"[{\"a\":1},{\"a\":2}", "1@1+7 a=1\n1@9+7 a=2\n1@16+0 !parse-error(\"\")\n"},
    {"[\n{\"a\":1},\n{\"a\":2},\n", "2@2+7 a=1\n3@11+7 a=2\n4@20+0 !parse-error(\"\")\n"},
    {"[", "1@1+0 !parse-error(\"\")\n"},
    {"[{\"a\":1},{\"a\":2", "1@1+7 a=1\n1@9+6 !parse-error(\"{\\\"a\\\":2\")\n"},
    {"[{\"a\":1},{\"s\":\"cut", "1@1+7 a=1\n1@9+9 !parse-error(\"{\\\"s\\\":\\\"cut\")\n"},
    {"[{\"a\":1}]x", "1@1+7 a=1\n1@9+1 !parse-error(\"x\")\n"},
    {"[{\"a\":1}]{\"a\":2}", "1@1+7 a=1\n1@9+7 !parse-error(\"{\")\n"},
    {"[{\"a\":1}]\n[{\"a\":2}]\n", "1@1+7 a=1\n2@10+1 !parse-error(\"[\")\n2@11+7 a=2\n"},
    {"[{\"a\":1}]]", "1@1+7 a=1\n1@9+1 !parse-error(\"]\")\n"},
    /* Well-formed, and not to be taken: the record's own end is known. */
    {"{\"a\":1,\"a\":2}\n{\"x\":1,\"a\":3,\"\\u0078\":2}\n{\"a\":4}",
     "1@0+13 !parse-error(a:\"a\")\n2@14+24 !parse-error(\"\\\\u0078\")\n3@39+7 a=4\n"},
    {"[{\"s\":\"\xE9\xE8\"},{\"s\":\"\\ud800\"},{\"\xFF\":1},{\"a\":2}]",
     "1@1+10 !encoding-error(s:\"\xEF\xBF\xBD\xEF\xBF\xBD\")\n1@12+14 !encoding-error(s:\"\\\\ud800\")\n"
     "1@27+7 !encoding-error(\"\xEF\xBF\xBD\")\n1@35+7 a=2\n"},
    {"{\"s\":\"\\ud834\\u0041\"}\n{\"s\":\"\\udd1e\"}",
     "1@0+20 !encoding-error(s:\"\\\\ud834\")\n2@21+14 !encoding-error(s:\"\\\\udd1e\")\n"},
    {"{\"s\":\"\xED\xA0\x80\"}\n{\"s\":\"\xC0\xAF\"} \xFF\n{\"a\":1}",
     "1@0+11 !encoding-error(s:\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\")\n2@12+10 "
     "!encoding-error(s:\"\xEF\xBF\xBD\xEF\xBF\xBD\")\n"
     "2@23+1 !parse-error(\"\xEF\xBF\xBD\")\n3@25+7 a=1\n"},
};

static void check(const char *json, const char *rows, const struct kit_run *run) {
    struct ec_buf got = kit_text(run, json, strlen(json));
    if (strcmp(got.p, rows) != 0)
        fail_msg("window %zu step %zu strict %d of\n%s\n--- expected\n%s--- got\n%s", run->options.window_bytes,
                 run->step, run->options.strict, json, rows, got.p);
    ec_buf_free(&got);
}

static void table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i].json, cases[i].rows, &(struct kit_run){0});
        check(cases[i].json, cases[i].rows, &(struct kit_run){.options.strict = true});
        for (size_t window = 16; window < 48; window++)
            check(cases[i].json, cases[i].rows, &(struct kit_run){.options.window_bytes = window, .step = window % 7});
    }
}

/* A file with a NUL in it is text like any other. */
static void zeros(void **state) {
    (void)state;
    static const char json[] = "{\"a\":1}\n{\"s\":\"\0\"}\n\0\0\0\n{\"a\":2}\n\0\0";
    struct ec_buf got = kit_text(&(struct kit_run){0}, json, sizeof json - 1);
    assert_string_equal(got.p, "1@0+7 a=1\n2@8+13 !parse-error(\"{\\\"s\\\":\\\"\\u0000\")\n4@22+7 a=2\n"
                               "5@30+2 !parse-error(\"\\u0000\")\n");
    ec_buf_free(&got);
}

static void too_long_number(void **state) {
    (void)state;
    for (size_t n = EC_NUMBER_MAX; n <= EC_NUMBER_MAX + 1; n++) {
        struct ec_buf json = ec_buf_make(1000);
        ec_buf_addz(&json, "{\"s\":");
        for (size_t i = 0; i < n; i++) ec_buf_addc(&json, '7');
        ec_buf_addz(&json, "}\n{\"s\":1}");
        struct ec_buf got = kit_text(&(struct kit_run){0}, json.p, json.n);
        assert_int_equal(strstr(got.p, "!too-long(s:\"777") != NULL, n > EC_NUMBER_MAX);
        assert_non_null(strstr(got.p, "2@"));
        ec_buf_free(&json);
        ec_buf_free(&got);
    }
}

static void too_long_field(void **state) {
    (void)state;
    for (int strict = 0; strict < 2; strict++)
        for (size_t n = EC_FIELD_MAX; n <= EC_FIELD_MAX + 1; n++) {
            struct ec_buf json = ec_buf_make(8 * EC_MIB);
            ec_buf_addz(&json, "{\"s\":\"x\"}\n{\"s\":\"");
            char *p = ec_buf_reserve(&json, n);
            memset(p, 'x', n);
            json.n += n;
            ec_buf_addz(&json, "\"}\n{\"a\":3}");
            struct ec_buf got = kit_text(&(struct kit_run){.options.strict = strict}, json.p, json.n);
            assert_int_equal(strstr(got.p, " !too-long(s:\"xxxx") != NULL, n > EC_FIELD_MAX);
            assert_non_null(strstr(got.p, "\n3@"));
            ec_buf_free(&json);
            ec_buf_free(&got);
        }
}

/* Read strictly, and looked for where the next record is sought. */
static void too_long_key(void **state) {
    (void)state;
    for (size_t n = EC_COLUMN_NAME_MAX; n <= EC_COLUMN_NAME_MAX + 1; n++) {
        struct ec_buf json = ec_buf_make(4 * EC_KIB);
        ec_buf_addz(&json, "{\"a\":1,\"");
        for (size_t i = 0; i < n; i++) ec_buf_addc(&json, 'k');
        ec_buf_addz(&json, "\":2}\n{\"a\":2}");
        struct ec_buf got = kit_text(&(struct kit_run){0}, json.p, json.n);
        assert_int_equal(strstr(got.p, " !too-long(\"kkk") != NULL, n > EC_COLUMN_NAME_MAX);
        assert_non_null(strstr(got.p, "\n2@"));
        ec_buf_free(&got);
        ec_buf_clear(&json);
        ec_buf_addz(&json, "[{\"a\":bad},{\"");
        for (size_t i = 0; i < n; i++) ec_buf_addc(&json, 'k');
        ec_buf_addz(&json, "\":2},{\"a\":3}]");
        got = kit_text(&(struct kit_run){0}, json.p, json.n);
        assert_non_null(strstr(got.p, "parse-error"));
        assert_non_null(strstr(got.p, " a=3\n"));
        ec_buf_free(&got);
        ec_buf_free(&json);
    }
}

/* A record of n bytes between two short ones of its shape, in both layouts, at a limit of 100 bytes. */
static void record_of(size_t n, bool array) {
    struct ec_buf json = ec_buf_make(EC_KIB), expected = ec_buf_make(EC_KIB);
    ec_buf_addz(&json, array ? "[{\"s\":1},{\"s\":\"" : "{\"s\":1}\n{\"s\":\"");
    size_t start = json.n - 6;
    while (json.n - start < n - 2) ec_buf_addc(&json, 'x');
    ec_buf_printf(&expected, "1@%d+7 s=\"1\"\n%d@%zu+%zu", array, array ? 1 : 2, start, n);
    if (n > 100)
        ec_buf_addz(&expected, " !too-long(\"\") raw-dropped");
    else
        ec_buf_printf(&expected, " s=\"%s\"", json.p + start + 6);
    ec_buf_addz(&json, array ? "\"},{\"s\":3}]" : "\"}\n{\"s\":3}\n");
    ec_buf_printf(&expected, "\n%d@%zu+7 s=\"3\"\n", array ? 1 : 3, start + n + 1);
    for (int strict = 0; strict < 2; strict++)
        for (size_t window = 16; window < 400; window += 13) {
            struct kit_run run = {.options = {.window_bytes = window, .record_max = 100, .strict = strict},
                                  .step = window % 5};
            struct ec_buf got = kit_text(&run, json.p, json.n);
            assert_string_equal(got.p, expected.p);
            ec_buf_free(&got);
        }
    ec_buf_free(&json);
    ec_buf_free(&expected);
}

static void too_long_record(void **state) {
    (void)state;
    for (int array = 0; array < 2; array++) {
        record_of(99, array);
        record_of(100, array);
        record_of(101, array);
        record_of(102, array);
        record_of(350, array);
    }
}

/* Garbage longer than any record costs one row, and no memory. */
static void endless_garbage(void **state) {
    (void)state;
    struct ec_buf json = ec_buf_make(32 * EC_MIB);
    ec_buf_addz(&json, "{\"a\":1}\n");
    for (int i = 0; i < 700000; i++) ec_buf_addz(&json, "garbage\n\t ");
    ec_buf_addz(&json, "\n{\"a\":2}\n");
    struct ec_buf got = kit_text(&(struct kit_run){0}, json.p, json.n);
    assert_string_equal(got.p, "1@0+7 a=1\n2@8+6999997 !parse-error(\"\") raw-dropped\n700003@7000009+7 a=2\n");
    ec_buf_free(&json);
    ec_buf_free(&got);
}

/* The first key of a damaged record is looked for no further than a key may be long; another one's is found behind. */
static void too_long_first_key(void **state) {
    (void)state;
    struct ec_buf json = ec_buf_make(EC_MIB);
    ec_buf_addz(&json, "[{\"");
    for (unsigned i = 0; i < 2 * EC_COLUMN_NAME_MAX; i++) ec_buf_addc(&json, 'k');
    ec_buf_addz(&json, "\":bad},{\"a\":2}]");
    struct kit_run run = {0};
    struct ec_buf rows = kit_text(&run, json.p, json.n);
    assert_non_null(strstr(rows.p, "!parse-error("));
    assert_non_null(strstr(rows.p, "+7 a=2\n"));
    ec_buf_free(&rows);
    ec_buf_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),          cmocka_unit_test(zeros),           cmocka_unit_test(too_long_number),
        cmocka_unit_test(too_long_field), cmocka_unit_test(too_long_record), cmocka_unit_test(endless_garbage),
        cmocka_unit_test(too_long_key),   cmocka_unit_test(too_long_first_key),
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
