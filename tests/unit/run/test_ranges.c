/* A file of JSON lines that is read in ranges, whose undeclared keys only the driver sees together. */
#include "project.h"

static struct project project, *p = &project;

#define TABLE "data/processed/enriched/events"
#define LINES 3000u /* of some 400 bytes: more than one range of a megabyte */

static int begin(void **state) {
    (void)state;
    project_make(p);
    project_config(p,
                   "data_workers: 2\n"
                   "chunk_size_mb: 1\n"
                   "archive: {enabled: false}\n"
                   "sources:\n"
                   "  events:\n"
                   "    files: [\"events*.json\"]\n"
                   "    format: json\n"
                   "    key: [id]\n",
                   "{\"events\": {\"required_columns\": {\"id\": \"integer\"}, \"optional_columns\": {\"pad\": \"string\"}}}\n", "events: {}\n");
    return 0;
}

static int end(void **state) {
    (void)state;
    project_remove(p);
    return 0;
}

/* Lines with keys that begin so in the first range, and so in the second, `different` ones of each. */
static void drop(const char *first, const char *second, unsigned different) {
    struct ec_buf text = ec_buf_make(8 * EC_MIB);
    char key[64];
    for (unsigned i = 0; i < LINES; i++) {
        (void)snprintf(key, sizeof key, "%s%u", text.n < EC_MIB ? first : second, i % different);
        if (different == 1) key[strlen(key) - 1] = '\0';
        ec_buf_printf(&text, "{\"id\":%u,\"pad\":\"%0400u\",\"%s\":%u}\n", i, i, key, i);
    }
    ec_buf_addc(&text, '\0');
    assert_int_equal(ec_buf_check(&text, NULL), EC_OK);
    project_drop(p, "events_1.json", text.p);
    ec_buf_free(&text);
}

static void keys_of_one_name_are_one_column(void **state) {
    (void)state;
    drop("x y", "x_y", 1);
    project_run(p);
    assert_int_equal(project_last.verdicts[EC_VERDICT_ERRORED], 0);
    expect_rows(p, TABLE, "count(*), count(x_y), sum(CAST(x_y AS BIGINT) - id)", "", "3000|3000|0");
}

static void names_that_differ_in_case_cost_the_file(void **state) {
    (void)state;
    drop("color", "Color", 1);
    project_run(p);
    assert_int_equal(project_last.verdicts[EC_VERDICT_ERRORED], 1);
    assert_non_null(strstr(project_message, "in case alone"));
}

static void too_many_keys_together(void **state) {
    (void)state;
    drop("a", "b", EC_UNDECLARED_MAX / 2); /* as many as there may be */
    project_run(p);
    assert_int_equal(project_last.verdicts[EC_VERDICT_ERRORED], 0);
    expect_rows(p, TABLE, "count(*), count(a0) > 0, count(b127) > 0", "", "3000|true|true");
    drop("a", "b", EC_UNDECLARED_MAX / 2 + 1);
    project_run(p);
    assert_int_equal(project_last.verdicts[EC_VERDICT_ERRORED], 1);
    assert_non_null(strstr(project_message, "its ranges have more keys together"));
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_of_one_name_are_one_column, begin, end),
        cmocka_unit_test_setup_teardown(names_that_differ_in_case_cost_the_file, begin, end),
        cmocka_unit_test_setup_teardown(too_many_keys_together, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
