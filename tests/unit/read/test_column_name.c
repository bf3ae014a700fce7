/* Names that a table can bear, from names that files have. */
#include "read/column_name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void names_are_valid_and_free(void **state) {
    (void)state;
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    struct ec_derive derive = {.name = "margin"};
    struct ec_source source = {.derive = &derive, .derive_count = 1};
    size_t index;
    assert_int_equal(ec_batch_add_column(&batch, "Price", (struct ec_column_type){0}, &index, NULL), EC_OK);
    static const struct {
        const char *raw, *name;
    } cases[] = {
        {"stock", "stock"},
        {"price", "price_2"},
        {"PRICE", "PRICE_3"},
        {"Margin", "Margin_2"},
        {"_file", "_file_2"},
        {"_LINE", "_LINE_2"},
        {"", "_"},
        {"a b,c;d{e}f(g)h=i\nj\tk", "a_b_c_d_e_f_g_h_i_j_k"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"price_2", "price_2_2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = ec_column_name(&source, &batch, ec_str_of(cases[i].raw));
        assert_string_equal(name, cases[i].name);
        assert_int_equal(ec_batch_add_column(&batch, name, (struct ec_column_type){0}, &index, NULL), EC_OK);
    }
    ec_batch_deinit(&batch);
}

/* Of a key alone: what other keys there are changes nothing. */
static void names_of_keys(void **state) {
    (void)state;
    struct ec_derive derive = {.name = "margin"};
    struct ec_schema_column columns[] = {{.name = "Price"}, {.name = "price_3"}};
    struct ec_source source = {.column = columns, .column_count = 2, .derive = &derive, .derive_count = 1};
    static const struct {
        const char *raw, *name;
    } cases[] = {{"stock", "stock"}, {"price", "price_2"}, {"PRICE", "PRICE_2"}, {"PRICE_3", "PRICE_3_2"}, {"Margin", "Margin_2"},
                 {"_LINE", "_LINE_2"}, {"_file", "_file_2"}, {"", "_"}, {"a b;c", "a_b_c"}};
    char name[EC_KEY_NAME_BYTES], longest[EC_COLUMN_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ec_column_name_of_key(&source, ec_str_of(cases[i].raw), name);
        assert_string_equal(name, cases[i].name);
    }
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    columns[0].name = longest;
    ec_column_name_of_key(&source, ec_str_of(longest), name);
    assert_int_equal(strlen(name), EC_COLUMN_NAME_MAX + 2);
    assert_true(ec_column_name_same("aB_", "Ab_"));
    assert_false(ec_column_name_same("a", "ab"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_keys), cmocka_unit_test(names_are_valid_and_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
