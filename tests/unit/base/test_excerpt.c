/* The place of a cell in its record, what is kept around it, and how wide characters are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/excerpt.h"
#include "base/utf8.h"
#include "base/width.h"

#include <stdlib.h>

static void expect_csv(const char *record, size_t number, char delimiter, const char *expected) {
    struct ec_span cell;
    bool found = ec_excerpt_csv(ec_str_of(record), number, delimiter, &cell);
    assert_int_equal(found, expected != NULL);
    if (!expected) return;
    assert_int_equal(cell.n, strlen(expected));
    assert_memory_equal(record + cell.at, expected, cell.n);
}

static void cells_of_csv(void **state) {
    (void)state;
    expect_csv("a,b,c", 0, ',', "a");
    expect_csv("a,b,c", 2, ',', "c");
    expect_csv("a,b,c", 3, ',', NULL);
    expect_csv("a,,c", 1, ',', "");
    expect_csv("a,b,", 2, ',', "");
    expect_csv("a;b,c", 1, ';', "b,c");
    expect_csv("\"a,b\",c", 0, ',', "a,b");
    expect_csv("\"a \"\"q\"\" ,\n\",c", 1, ',', "c");
    expect_csv("\"a \"\"q\"\"\",c", 0, ',', "a \"\"q\"\"");
    expect_csv("x,\"open,", 1, ',', "open,");
    expect_csv("", 0, ',', "");
    expect_csv("", 1, ',', NULL);
}

static void expect_json(const char *record, const char *key, const char *expected) {
    struct ec_span cell;
    bool found = ec_excerpt_json(ec_str_of(record), key, &cell);
    assert_int_equal(found, expected != NULL);
    if (!expected) return;
    assert_int_equal(cell.n, strlen(expected));
    assert_memory_equal(record + cell.at, expected, cell.n);
}

static void values_of_json(void **state) {
    (void)state;
    expect_json("{\"a\":1,\"b\":\"x\"}", "a", "1");
    expect_json("{\"a\":1,\"b\":\"x\"}", "b", "x");
    expect_json(" { \"a\" : 1 , \"b\" : null } ", "b", "null");
    expect_json("{\"a\":{\"b\":2},\"b\":3}", "b", "3");
    expect_json("{\"a\":[1,\"]\",{\"c\":\"}\"}],\"c\":4}", "c", "4");
    expect_json("{\"a\":\"\\\"b\\\":9,\",\"b\":5}", "b", "5");
    expect_json("{\"a\":1}", "b", NULL);
    expect_json("[1,2]", "a", NULL);
    expect_json("{\"a\":", "a", "");
    expect_json("{\"a", "a", NULL);
    expect_json("{\"a\\", "b", NULL);
    expect_json("", "a", NULL);
}

static void cut(const char *record, size_t n, struct ec_span cell, struct ec_excerpt *e, struct ec_buf *text) {
    *text = ec_buf_make(4096);
    ec_excerpt_cut((struct ec_str){record, n}, &cell, text, e);
    assert_non_null(e->text);
    assert_true(text->n <= EC_EXCERPT_MAX);
    assert_true(ec_utf8_valid(e->text, text->n));
    assert_int_equal(strlen(e->text), text->n);
    assert_true(e->cell.at + e->cell.n <= text->n);
}

static void what_is_kept(void **state) {
    (void)state;
    struct ec_excerpt e;
    struct ec_buf text;
    cut("a,two,c", 7, (struct ec_span){2, 3}, &e, &text);
    assert_string_equal(e.text, "a,two,c");
    assert_int_equal(e.column, 3);
    assert_false(e.cut_before || e.cut_after);
    ec_buf_free(&text);
    cut("\xC3\xA9,two", 6, (struct ec_span){3, 3}, &e, &text);
    assert_int_equal(e.column, 3); /* in characters */
    ec_buf_free(&text);
    cut("a\nb,two", 7, (struct ec_span){4, 3}, &e, &text);
    assert_int_equal(e.column, 0); /* not in the line that the record begins with */
    ec_buf_free(&text);
    cut("a\xFF,\0b", 5, (struct ec_span){0, 2}, &e, &text);
    assert_string_equal(e.text, "a\xEF\xBF\xBD,\xEF\xBF\xBD" "b");
    assert_int_equal(e.cell.n, 4);
    ec_buf_free(&text);
}

/* Of any bytes and any cell: valid text within the limit, and the cell's own beginning in its place. */
static void any_record_can_be_cut(void **state) {
    (void)state;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        char record[600];
        size_t n = (size_t)rand() % sizeof record;
        static const char *const pieces[] = {"a", ",", "\"", "\xC3\xA9", "\xE6\x97\xA5", "\xF0\x9F\x98\x80", "\xFF", "\x80", "\n"};
        size_t used = 0;
        while (used < n) {
            const char *piece = pieces[(size_t)rand() % 9];
            size_t k = strlen(piece);
            if (used + k > n) break;
            memcpy(record + used, piece, k);
            used += k;
        }
        struct ec_span cell = {used ? (size_t)rand() % used : 0, 0};
        while (cell.at > 0 && cell.at < used && ((unsigned char)record[cell.at] & 0xC0) == 0x80) cell.at--;
        cell.n = used > cell.at ? (size_t)rand() % (used - cell.at + 1) : 0;
        struct ec_excerpt e;
        struct ec_buf text;
        cut(record, used, cell, &e, &text);
        ec_buf_free(&text);
        (void)ec_excerpt_csv((struct ec_str){record, used}, (size_t)rand() % 9, ',', &cell);
        (void)ec_excerpt_json((struct ec_str){record, used}, "a", &cell);
    }
}

static void widths(void **state) {
    (void)state;
    assert_int_equal(ec_width("abc", 3), 3);
    assert_int_equal(ec_width("\xE6\x97\xA5\xE6\x9C\xAC", 6), 4);     /* two ideographs */
    assert_int_equal(ec_width("e\xCC\x81", 3), 1);                   /* with a combining acute */
    assert_int_equal(ec_width("\xF0\x9F\x98\x80", 4), 2);            /* an emoji */
    assert_int_equal(ec_width("\xD7\xA9\xD7\x9C", 4), 2);            /* Hebrew */
    assert_int_equal(ec_width("\xEF\xBD\xB1", 3), 1);                /* half-width katakana */
    assert_int_equal(ec_width_prefix("\xE6\x97\xA5\xE6\x9C\xAC", 6, 3), 3);
    assert_int_equal(ec_width_prefix("ae\xCC\x81z", 5, 2), 4); /* the mark stays with its letter */
    assert_true(ec_is_right_to_left(0x5E9));
    assert_true(ec_is_right_to_left(0x645));
    assert_false(ec_is_right_to_left('a'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_csv),          cmocka_unit_test(values_of_json), cmocka_unit_test(what_is_kept),
        cmocka_unit_test(any_record_can_be_cut), cmocka_unit_test(widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
