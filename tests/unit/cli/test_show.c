/* Tables line up, figures are rounded as people expect, cells are inert. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cli/show.h"

#include <stdlib.h>

static void assert_printed(const struct ec_grid *grid, const char *expected) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    assert_int_equal(ec_grid_print(grid, out, NULL), EC_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static const struct ec_grid_column columns[] = {{"NAME", false}, {"ROWS", true}, {"WHY", false}};

static void columns_line_up(void **state) {
    (void)state;
    struct ec_grid grid;
    ec_grid_init(&grid, columns, 3);
    ec_grid_str(&grid, "caf\xC3\xA9.csv"); /* eight characters, nine bytes */
    ec_grid_count(&grid, 1234567);
    ec_grid_str(&grid, "new");
    ec_grid_str(&grid, "b");
    ec_grid_count(&grid, 7);
    ec_grid_str(&grid, NULL);
    assert_printed(&grid, "NAME           ROWS  WHY\n"
                          "caf\xC3\xA9.csv  1,234,567  new\n"
                          "b                 7  -\n");
    ec_grid_deinit(&grid);
}

static void no_line_ends_with_blanks(void **state) {
    (void)state;
    struct ec_grid grid;
    ec_grid_init(&grid, columns, 3);
    ec_grid_str(&grid, "a");
    ec_grid_str(&grid, "");
    ec_grid_str(&grid, "");
    ec_grid_str(&grid, "");
    ec_grid_str(&grid, "");
    ec_grid_str(&grid, "x");
    assert_printed(&grid, "NAME  ROWS  WHY\na\n            x\n");
    ec_grid_deinit(&grid);
}

static void a_table_without_rows_has_its_titles(void **state) {
    (void)state;
    struct ec_grid grid;
    ec_grid_init(&grid, columns, 3);
    assert_printed(&grid, "NAME  ROWS  WHY\n");
    ec_grid_deinit(&grid);
}

static void cells_cannot_command_a_terminal(void **state) {
    (void)state;
    static const struct ec_grid_column one[] = {{"X", false}};
    struct ec_grid grid;
    ec_grid_init(&grid, one, 1);
    ec_grid_text(&grid, (struct ec_str){"a\0\033[2Jb\n", 8});
    assert_printed(&grid, "X\na\\x00\\x1B[2Jb\\n\n");
    ec_grid_deinit(&grid);
}

static void counts_are_grouped(void **state) {
    (void)state;
    char out[EC_FIGURE_MAX];
    assert_string_equal(ec_figure_count(0, out), "0");
    assert_string_equal(ec_figure_count(999, out), "999");
    assert_string_equal(ec_figure_count(1000, out), "1,000");
    assert_string_equal(ec_figure_count(123456, out), "123,456");
    assert_string_equal(ec_figure_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void sizes_are_rounded(void **state) {
    (void)state;
    char out[EC_FIGURE_MAX];
    assert_string_equal(ec_figure_bytes(0, out), "0 B");
    assert_string_equal(ec_figure_bytes(999, out), "999 B");
    assert_string_equal(ec_figure_bytes(1000, out), "1.0 kB");
    assert_string_equal(ec_figure_bytes(999949, out), "999.9 kB");
    assert_string_equal(ec_figure_bytes(999951, out), "1.0 MB"); /* never 1000.0 kB */
    assert_string_equal(ec_figure_bytes(1500000000, out), "1.5 GB");
    assert_string_equal(ec_figure_bytes(UINT64_MAX, out), "18.4 EB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(no_line_ends_with_blanks),
        cmocka_unit_test(a_table_without_rows_has_its_titles),
        cmocka_unit_test(cells_cannot_command_a_terminal),
        cmocka_unit_test(counts_are_grouped),
        cmocka_unit_test(sizes_are_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
