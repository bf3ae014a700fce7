/* What is wrong in a file is named with line, column and the nearest word: tests/data/config/
 * errors.golden holds each kind, its file and its error. EC_BLESS=1 rewrites the errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "project.h"

#define GOLDEN EC_TEST_DATA "/config/errors.golden"

static int file_named(struct ec_str name) {
    for (int i = 0; i < 4; i++)
        if (ec_str_is(name, project_names[i])) return i;
    fail_msg("no file %.*s", (int)name.n, name.p);
    return -1;
}

/* The next line without its end; *p moves behind it. */
static struct ec_str take_line(const char **p) {
    const char *start = *p;
    const char *end = start + strcspn(start, "\n");
    *p = *end ? end + 1 : end;
    return (struct ec_str){start, (size_t)(end - start)};
}

static bool starts_with(struct ec_str line, const char *mark) {
    return line.n >= strlen(mark) && memcmp(line.p, mark, strlen(mark)) == 0;
}

/* Runs one case: `header` is its "=== file" line, *p behind it; appends it with the error that
 * it gave. Returns whether that is the one that was written. */
static bool run_case(const struct project *project, struct ec_str header, const char **p, struct ec_buf *blessed) {
    char got[1400];
    const char *text_from = *p;
    struct ec_str line = take_line(p);
    while (!starts_with(line, "--- ") && **p) line = take_line(p);
    assert_true(starts_with(line, "--- "));
    char *text = strndup(text_from, (size_t)(line.p - text_from));
    project_error(project, file_named((struct ec_str){header.p + 4, header.n - 4}), text, got, sizeof got);
    ec_buf_printf(blessed, "%.*s\n%s--- %s\n", (int)header.n, header.p, text, got);
    bool same = ec_str_is((struct ec_str){line.p + 4, line.n - 4}, got);
    if (!same) print_error("%s  written: %.*s\n  got:     %s\n", text, (int)line.n - 4, line.p + 4, got);
    free(text);
    return same;
}

static void every_kind_of_error_has_its_place_and_words(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_buf golden = ec_buf_make(1 << 20), blessed = ec_buf_make(1 << 20);
    assert_int_equal(ec_file_load(GOLDEN, &golden, &err), EC_OK);
    struct project project;
    project_make(&project);
    size_t cases = 0, wrong = 0;
    for (const char *p = golden.p; *p;) {
        struct ec_str line = take_line(&p);
        if (!starts_with(line, "=== ")) {
            ec_buf_printf(&blessed, "%.*s\n", (int)line.n, line.p);
            continue;
        }
        cases++;
        if (!run_case(&project, line, &p, &blessed)) wrong++;
    }
    project_remove(&project);
    if (wrong > 0 && getenv("EC_BLESS")) {
        assert_int_equal(ec_file_replace(GOLDEN, blessed.p, blessed.n, &err), EC_OK);
        wrong = 0;
    }
    ec_buf_free(&golden);
    ec_buf_free(&blessed);
    assert_true(cases > 150);
    assert_int_equal(wrong, 0);
}

static void an_error_shows_its_line(void **state) {
    (void)state;
    struct project project;
    project_make(&project);
    struct ec_config *config;
    struct ec_err err = {0};
    assert_int_equal(
        project_load_with(&project, RULES, "orders:\n  id:\n    min_lenght: 3 # \033[31m\n", NULL, 0, &config, &err),
        EC_CONFIG); /* the escape is refused by YAML itself */
    assert_null(strchr(err.excerpt, '\033'));
    ec_err_clear(&err);
    assert_int_equal(
        project_load_with(&project, RULES, "orders:\n  id:\n    min_lenght: 3 # chars\n", NULL, 0, &config, &err),
        EC_CONFIG);
    assert_string_equal(err.excerpt, "    min_lenght: 3 # chars");
    assert_int_equal(err.column, 5);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/config/business_rules.yaml", project.dir);
    assert_string_equal(err.file, path);
    project_remove(&project);
}

static void columns_are_counted_in_bytes_after_any_line_end(void **state) {
    (void)state;
    struct project project;
    project_make(&project);
    char got[1400];
    project_error(&project, PIPELINE, "# é\r\n# ü\r\nchunk_rows: \"é\"\r\n", got, sizeof got);
    assert_string_equal(got, "3:13: `chunk_rows` must be a whole number from 1 to 100000000, not `é`");
    project_error(&project, PIPELINE, "# a\rarchive: {\"é\": 1}\r", got, sizeof got);
    assert_string_equal(got, "2:11: unknown key `é`; known are `enabled`, `include`, `cleanup`");
    project_error(&project, PIPELINE,
                  "\xEF\xBB\xBF"
                  "chunk_row: 1\n",
                  got, sizeof got); /* a BOM is no column */
    assert_string_equal(got, "1:1: unknown key `chunk_row`; did you mean `chunk_rows`?");
    project_error(&project, PIPELINE, "a: \"é\xFF\"\n", got, sizeof got);
    assert_string_equal(got, "1:7: this is not valid UTF-8");
    project_remove(&project);
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    struct project project;
    project_make(&project);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/config/business_rules.yaml", project.dir);
    assert_int_equal(ec_io.unlink(path), 0);
    struct ec_config *config;
    struct ec_err err = {0};
    assert_int_equal(ec_config_load(project.dir, NULL, 0, &config, &err), EC_IO);
    assert_non_null(strstr(err.message, "config/business_rules.yaml"));
    assert_non_null(strstr(err.message, "ecluse init"));
    project_remove(&project);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_error_has_its_place_and_words),
        cmocka_unit_test(an_error_shows_its_line),
        cmocka_unit_test(columns_are_counted_in_bytes_after_any_line_end),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
