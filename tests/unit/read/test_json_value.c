/* The strict walk over JSON text: JSONTestSuite's verdicts, escapes, and the searches it uses. */
#include "json_kit.h"

#include "base/io.h"
#include "read/json_value.h"
#include "scan/json_scan.h"

#include <dirent.h>

/* Our verdicts on what RFC 8259 leaves free: numbers are text here, so any size is accepted; what
 * cannot be UTF-8 is not, nor what is deeper than EC_JSON_DEPTH_MAX. */
static const struct {
    const char *name;
    bool accepted;
} pinned[] = {
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", false}, /* more than EC_NUMBER_MAX characters */
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    {"i_object_key_lone_2nd_surrogate.json", false},
    {"i_string_1st_surrogate_but_2nd_missing.json", false},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", false},
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_incomplete_surrogate_and_escape_valid.json", false},
    {"i_string_incomplete_surrogate_pair.json", false},
    {"i_string_incomplete_surrogates_escape_valid.json", false},
    {"i_string_invalid_lonely_surrogate.json", false},
    {"i_string_invalid_surrogate.json", false},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_inverted_surrogates_U+1D11E.json", false},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_second_surrogate.json", false},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_500_nested_arrays.json", false},
    {"i_structure_UTF-8_BOM_empty_object.json", false}, /* the reader strips a file's mark, not a value's */
};

/* A copy with the padding that the walk asks for. */
static char *padded(const char *p, size_t n) {
    char *copy = calloc(1, n + EC_JSON_PADDING);
    assert_non_null(copy);
    if (n) memcpy(copy, p, n);
    return copy;
}

static bool rest_is_space(const struct ec_json_cursor *c) {
    for (const char *p = c->p; p < c->end; p++)
        if (!strchr(" \t\r\n", *p) || !*p) return false;
    return true;
}

static bool accepts(const char *text, size_t n) {
    char *copy = padded(text, n);
    struct ec_json_cursor c = {.p = copy, .end = copy + n, .final = true};
    struct ec_json_value value;
    bool accepted = ec_json_space(&c) && ec_json_value(&c, 0, &value) && !c.flawed && rest_is_space(&c);
    free(copy);
    return accepted;
}

/* The same text as the value of a string column, read by the whole reader. */
static bool reads(const char *text, size_t n) {
    struct ec_buf file = ec_buf_make(16 * EC_MIB);
    ec_buf_addz(&file, "{\n\"s\":");
    ec_buf_add(&file, text, n);
    ec_buf_addz(&file, "}\n");
    struct ec_buf rows = kit_text(&(struct kit_run){0}, file.p, file.n);
    bool clean =
        !strstr(rows.p, " !parse-error(") && !strstr(rows.p, " !encoding-error(") && !strstr(rows.p, " !too-long(");
    ec_buf_free(&file);
    ec_buf_free(&rows);
    return clean;
}

static bool verdict(const char *name) {
    if (name[0] != 'i') return name[0] == 'y';
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (strcmp(pinned[i].name, name) == 0) return pinned[i].accepted;
    fail_msg("%s has no pinned verdict", name);
    return false;
}

static void suite(void **state) {
    (void)state;
    const char *root = getenv("EC_CORPORA");
    char dir[512], path[1024];
    (void)snprintf(dir, sizeof dir, "%s/json", root ? root : EC_TEST_DATA "/corpora");
    DIR *d = opendir(dir);
    assert_non_null(d);
    size_t files = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".json")) continue;
        struct ec_buf text = ec_buf_make(EC_MIB);
        struct ec_err err = {0};
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        assert_int_equal(ec_file_load(path, &text, &err), EC_OK);
        bool expected = verdict(e->d_name);
        if (accepts(text.p, text.n) != expected) fail_msg("%s: expected %d of the value", e->d_name, expected);
        if (reads(text.p ? text.p : "", text.n) != expected)
            fail_msg("%s: expected %d of the record", e->d_name, expected);
        ec_buf_free(&text);
        files++;
    }
    closedir(d);
    assert_true(files > 300);
}

static void depth(void **state) {
    (void)state;
    char text[2 * EC_JSON_DEPTH_MAX + 8];
    for (size_t n = EC_JSON_DEPTH_MAX - 1; n <= EC_JSON_DEPTH_MAX + 1; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        assert_int_equal(accepts(text, 2 * n), n <= EC_JSON_DEPTH_MAX);
        assert_int_equal(reads(text, 2 * n), n < EC_JSON_DEPTH_MAX); /* the record is one level */
    }
}

static void number_length(void **state) {
    (void)state;
    char text[EC_NUMBER_MAX + 1];
    memset(text, '7', sizeof text);
    assert_true(accepts(text, EC_NUMBER_MAX));
    assert_false(accepts(text, EC_NUMBER_MAX + 1));
}

static void unescape(void **state) {
    (void)state;
    static const struct {
        const char *json;
        struct ec_str text;
    } cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", {"\"\\/\b\f\n\r\t", 8}},
        {"\"a\\u0041\\u00e9\\u20AC\\ud834\\uDD1Ez\"", {"aA\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9Ez", 12}},
        {"\"\\u0000\"", {"\0", 1}},
        {"\"\xC3\xA9\\n\xC3\xA9\"", {"\xC3\xA9\n\xC3\xA9", 5}},
        {"\"\\uDBFF\\uDFFF\"", {"\xF4\x8F\xBF\xBF", 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64], *copy = padded(cases[i].json, strlen(cases[i].json));
        struct ec_json_cursor c = {.p = copy, .end = copy + strlen(copy), .final = true};
        struct ec_json_value value;
        assert_true(ec_json_value(&c, 0, &value) && value.escaped && !c.flawed);
        size_t n = ec_json_unescape(&value, out);
        assert_int_equal(n, cases[i].text.n);
        assert_memory_equal(out, cases[i].text.p, n);
        free(copy);
    }
}

/* A text cut anywhere either wants more bytes or is complete: it is never called damaged. */
static void prefixes(void **state) {
    (void)state;
    static const char text[] =
        "{\"k\\u00e9\\ud834\\udd1e\" : [ -1.5e+7 , true,false ,null,{},[], \"\xC3\xA9\\n\"\n, {\"a\":0.0}] }";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *copy = padded(text, n);
        struct ec_json_cursor c = {.p = copy, .end = copy + n};
        struct ec_json_value value;
        assert_false(ec_json_value(&c, 0, &value));
        assert_true(c.ended);
        free(copy);
    }
    assert_true(accepts(text, sizeof text - 1));
}

static void line_records(void **state) {
    (void)state;
    char *copy = padded("{\"a\":\n{\"b\":1}}", 14);
    struct ec_json_cursor c = {.p = copy, .end = copy + 14, .final = true, .line_records = true};
    struct ec_json_value value;
    assert_false(ec_json_value(&c, 0, &value));
    assert_false(c.ended);
    assert_ptr_equal(c.p, copy + 5);
    free(copy);
}

static void searches(void **state) {
    (void)state;
    static const char alphabet[] = "ab\"\\\x1f\x20\x7f\x80\xff\n\t ";
    uint64_t seed = 1;
    char text[200 + EC_JSON_PADDING] = {0};
    for (int turn = 0; turn < 20000; turn++) {
        size_t n = kit_random(&seed) % 200;
        for (size_t i = 0; i < n; i++)
            text[i] = kit_random(&seed) % 24 ? 'x' : alphabet[kit_random(&seed) % (sizeof alphabet - 1)];
        memset(text + n, 0, EC_JSON_PADDING);
        size_t from = n ? kit_random(&seed) % n : 0;
        assert_ptr_equal(ec_scan_json_plain(text + from), ec_scan_json_plain_scalar(text + from));
        assert_ptr_equal(ec_scan_json_text(text + from), ec_scan_json_text_scalar(text + from));
        assert_int_equal(ec_scan_newlines(text + from, n - from), ec_scan_newlines_scalar(text + from, n - from));
    }
    char *lines = malloc(20000);
    assert_non_null(lines);
    memset(lines, '\n', 20000);
    assert_int_equal(ec_scan_newlines(lines, 20000), 20000);
    free(lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suite),    cmocka_unit_test(depth),    cmocka_unit_test(number_length),
        cmocka_unit_test(unescape), cmocka_unit_test(prefixes), cmocka_unit_test(line_records),
        cmocka_unit_test(searches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
