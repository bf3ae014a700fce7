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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_valid_and_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
