#include "kit.h"

#include "gate/quarantine.h"

#include <jansson.h>

static char path[160];

static void begin(struct kit *k, struct ec_quarantine *q, const char *member) {
    kit_init(k);
    (void)kit_column(k, "id", KIT_TYPE(STRING));
    (void)kit_column(k, "n", KIT_TYPE(INTEGER));
    kit_rule(k, "n.min_value", "n", EC_RULE_RANGE)->min = "0";
    (void)snprintf(path, sizeof path, "%s/quarantine.jsonl", kit_dir);
    struct ec_quarantine_options options = {.path = path,
                                            .source = &k->source,
                                            .run = "20250718_133405-00000001",
                                            .file = "orders_1.csv",
                                            .member = member};
    assert_int_equal(ec_quarantine_init(q, &options, NULL), EC_OK);
}

/* The lines of the file, parsed; a JSON array to be decref'd. The file is removed. */
static json_t *lines_of(void) {
    struct ec_buf text = ec_buf_make((size_t)64 * EC_MIB);
    json_t *list = json_array();
    assert_int_equal(ec_file_load(path, &text, NULL), EC_OK);
    for (size_t at = 0; at < text.n;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        assert_non_null(end); /* every line is whole */
        size_t n = (size_t)(end - text.p) - at;
        json_error_t why;
        json_t *line = json_loadb(text.p + at, n, JSON_REJECT_DUPLICATES, &why);
        if (!line) fail_msg("%s: %.*s", why.text, (int)(n < 200 ? n : 200), text.p + at);
        assert_int_equal(json_array_append_new(list, line), 0);
        at += n + 1;
    }
    ec_buf_free(&text);
    assert_int_equal(ec_io.unlink(path), 0);
    return list;
}

static const char *text_at(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "(none)";
}

static void rejected_rows_stand_with_all_reasons_and_their_place(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, "a.json.gz");
    for (size_t i = 0; i < 4; i++) (void)kit_row(&k);
    k.batch.place[1] = (struct ec_place){.offset = 1234, .line = 17, .length = 8, .raw = "1,\"a\",\xC3\xA9"};
    kit_fault(&k, 3, EC_NO_COLUMN, EC_REASON_MISSING_CELL, NULL);
    kit_fault(&k, 1, 1, EC_REASON_TYPE, "abc");
    struct ec_fault rule = {.row = 1, .column = 1, .reason = EC_REASON_RULE, .rule = 0, .value = EC_STR("-1")};
    assert_int_equal(ec_batch_fault(&k.batch, rule, NULL), EC_OK);
    assert_int_equal(ec_quarantine_write(&q, &k.batch, NULL, 0, NULL), EC_OK);
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    assert_int_equal(q.rows, 2);
    ec_quarantine_deinit(&q);

    json_t *lines = lines_of();
    assert_int_equal(json_array_size(lines), 2);
    const json_t *line = json_array_get(lines, 0);
    assert_string_equal(text_at(line, "run"), "20250718_133405-00000001");
    assert_string_equal(text_at(line, "source"), "orders");
    assert_string_equal(text_at(line, "file"), "orders_1.csv");
    assert_string_equal(text_at(line, "member"), "a.json.gz");
    assert_int_equal(json_integer_value(json_object_get(line, "line")), 17);
    assert_int_equal(json_integer_value(json_object_get(line, "offset")), 1234);
    assert_int_equal(json_integer_value(json_object_get(line, "length")), 8);
    assert_string_equal(text_at(line, "raw"), "1,\"a\",\xC3\xA9");
    const json_t *reasons = json_object_get(line, "reasons");
    assert_int_equal(json_array_size(reasons), 2);
    assert_string_equal(text_at(json_array_get(reasons, 0), "code"), "type-error");
    assert_string_equal(text_at(json_array_get(reasons, 0), "column"), "n");
    assert_string_equal(text_at(json_array_get(reasons, 0), "value"), "abc");
    assert_string_equal(text_at(json_array_get(reasons, 1), "code"), "rule:n.min_value");
    reasons = json_object_get(json_array_get(lines, 1), "reasons");
    assert_true(json_is_null(json_object_get(json_array_get(reasons, 0), "column")));
    assert_true(json_is_null(json_object_get(json_array_get(reasons, 0), "value")));
    json_decref(lines);
    kit_deinit(&k);
}

static void a_duplicate_names_its_first(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    for (size_t i = 0; i < 3; i++) (void)kit_row(&k);
    struct ec_first first[] = {{0, "orders_0.csv", 5}, {2, "orders.zip/m.csv", 8}};
    for (uint32_t row = 0; row < 3; row += 2) {
        ec_bit_set(k.batch.duplicate, row);
        kit_fault(&k, row, 0, EC_REASON_DUPLICATE, "o-1");
    }
    kit_fault(&k, 1, EC_NO_COLUMN, EC_REASON_PARSE, "");
    assert_int_equal(ec_quarantine_write(&q, &k.batch, first, 2, NULL), EC_OK);
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    ec_quarantine_deinit(&q);
    json_t *lines = lines_of();
    assert_int_equal(json_array_size(lines), 3);
    assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "member")));
    const json_t *reason = json_array_get(json_object_get(json_array_get(lines, 2), "reasons"), 0);
    assert_string_equal(text_at(json_object_get(reason, "first"), "file"), "orders.zip/m.csv");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(reason, "first"), "line")), 8);
    reason = json_array_get(json_object_get(json_array_get(lines, 1), "reasons"), 0);
    assert_null(json_object_get(reason, "first"));
    json_decref(lines);
    kit_deinit(&k);
}

/* RFC 4648, section 10. */
static void bytes_that_are_not_text_are_base64(void **state) {
    (void)state;
    static const struct {
        const char *raw;
        uint32_t n;
        const char *base64;
    } cases[] = {
        {"\xFF", 1, "/w=="},
        {"\xFF\xFE", 2, "//4="},
        {"\xFF\xFE\x00", 3, "//4A"},
        {"foobar\xFF", 7, "Zm9vYmFy/w=="},
        {"a,b\xC3,\x80\n\"", 8, "YSxiwyyACiI="},
    };
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    for (size_t i = 0; i < 5; i++) {
        size_t row = kit_row(&k);
        k.batch.place[row].raw = cases[i].raw;
        k.batch.place[row].length = cases[i].n;
        kit_fault(&k, row, EC_NO_COLUMN, EC_REASON_ENCODING, cases[i].raw);
    }
    size_t long_row = kit_row(&k);
    k.batch.place[long_row].raw = NULL;
    k.batch.place[long_row].length = 5000000;
    kit_fault(&k, long_row, EC_NO_COLUMN, EC_REASON_TOO_LONG, "");
    assert_int_equal(ec_quarantine_write(&q, &k.batch, NULL, 0, NULL), EC_OK);
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    ec_quarantine_deinit(&q);
    json_t *lines = lines_of();
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(text_at(json_array_get(lines, i), "raw_base64"), cases[i].base64);
        assert_null(json_object_get(json_array_get(lines, i), "raw"));
    }
    assert_true(json_is_null(json_object_get(json_array_get(lines, 5), "raw")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 5), "length")), 5000000);
    json_decref(lines);
    kit_deinit(&k);
}

/* More than one flush, over several batches whose fault lists differ in length. */
static void many_rows_are_all_there(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    static char raw[1000];
    memset(raw, 'r', sizeof raw);
    size_t written = 0;
    for (size_t batch = 0; batch < 5; batch++) {
        ec_batch_reset(&k.batch);
        for (size_t i = 0; i < 100 + 100 * batch; i++) {
            size_t row = kit_row(&k);
            k.batch.place[row].raw = raw;
            k.batch.place[row].length = sizeof raw;
            k.batch.place[row].line = ++written;
            kit_fault(&k, row, 1, EC_REASON_TYPE, "x");
            if (i % 2) kit_fault(&k, row, 0, EC_REASON_NULL, "");
        }
        assert_int_equal(ec_quarantine_write(&q, &k.batch, NULL, 0, NULL), EC_OK);
    }
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    assert_int_equal(q.rows, written);
    ec_quarantine_deinit(&q);
    json_t *lines = lines_of();
    assert_int_equal(json_array_size(lines), written);
    for (size_t i = 0; i < written; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, i), "line")), i + 1);
    json_decref(lines);
    kit_deinit(&k);
}

/* A row of a few megabytes that breaks many rules must not cost more than itself. */
static void long_values_are_cut_in_their_reasons(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    size_t n = EC_RECORD_MAX;
    char *raw = ec_malloc(n);
    assert_non_null(raw);
    memset(raw, '\x01', n); /* six bytes each in JSON */
    size_t row = kit_row(&k);
    k.batch.place[row].raw = raw;
    k.batch.place[row].length = (uint32_t)n;
    for (size_t i = 0; i < 1000; i++) {
        struct ec_fault fault = {
            .row = (uint32_t)row, .column = 0, .reason = EC_REASON_RULE, .value = {raw, EC_FIELD_MAX}};
        assert_int_equal(ec_batch_fault(&k.batch, fault, NULL), EC_OK);
    }
    struct ec_err err = {0};
    if (ec_quarantine_write(&q, &k.batch, NULL, 0, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    ec_quarantine_deinit(&q);
    json_t *lines = lines_of();
    const json_t *line = json_array_get(lines, 0), *reasons = json_object_get(line, "reasons");
    assert_int_equal(json_string_length(json_object_get(line, "raw")), n);
    assert_int_equal(json_array_size(reasons), 1000);
    assert_int_equal(json_string_length(json_object_get(json_array_get(reasons, 999), "value")), 1024);
    json_decref(lines);
    ec_free(raw);
    kit_deinit(&k);
}

static void no_rejected_row_makes_no_file(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    (void)kit_row(&k);
    assert_int_equal(ec_quarantine_write(&q, &k.batch, NULL, 0, NULL), EC_OK);
    assert_int_equal(ec_quarantine_finish(&q, NULL), EC_OK);
    assert_int_equal(q.rows, 0);
    assert_false(ec_path_exists(path));
    ec_quarantine_deinit(&q);
    kit_deinit(&k);
}

static void an_unfinished_file_is_removed(void **state) {
    (void)state;
    struct kit k;
    struct ec_quarantine q;
    begin(&k, &q, NULL);
    static char raw[300000];
    memset(raw, 'r', sizeof raw);
    size_t row = kit_row(&k);
    k.batch.place[row].raw = raw;
    k.batch.place[row].length = sizeof raw;
    kit_fault(&k, row, 1, EC_REASON_TYPE, "x");
    assert_int_equal(ec_quarantine_write(&q, &k.batch, NULL, 0, NULL), EC_OK);
    assert_true(ec_path_exists(path)); /* it was more than a buffer */
    ec_quarantine_deinit(&q);
    assert_false(ec_path_exists(path));
    kit_deinit(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejected_rows_stand_with_all_reasons_and_their_place),
        cmocka_unit_test(a_duplicate_names_its_first),
        cmocka_unit_test(bytes_that_are_not_text_are_base64),
        cmocka_unit_test(many_rows_are_all_there),
        cmocka_unit_test(long_values_are_cut_in_their_reasons),
        cmocka_unit_test(no_rejected_row_makes_no_file),
        cmocka_unit_test(an_unfinished_file_is_removed),
    };
    return cmocka_run_group_tests(tests, kit_make_dir, kit_remove_dir);
}
