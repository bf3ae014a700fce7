/* A configuration of as much as there may be is taken; of one more, refused where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/limits.h"
#include "project.h"

#include <sched.h>

#define TEXT_MAX ((size_t)2 << 20)

static int processors; /* that the machine is to have; 0: those that it has */

int sched_getaffinity(pid_t pid, size_t n, cpu_set_t *set) {
    (void)pid;
    memset(set, 0, n);
    if (processors < 0) return -1;
    for (int i = 0; i < (processors ? processors : 4); i++) CPU_SET_S((size_t)i, n, set);
    return 0;
}

static struct project project;

static int set_up(void **state) {
    (void)state;
    project_make(&project);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    project_remove(&project);
    return 0;
}

/* The text is right, or gives that error. Freed. */
static void expect(int file, struct ec_buf *text, const char *error) {
    struct ec_config *config = NULL;
    struct ec_err err = {0};
    assert_int_equal(ec_buf_check(text, NULL), EC_OK);
    enum ec_status status = project_load_with(&project, file, text->p, NULL, 0, &config, &err);
    if (!error && status != EC_OK) fail_msg("%s", err.message);
    if (error) {
        assert_int_equal(status, EC_CONFIG);
        assert_non_null(strstr(err.message, error));
        assert_true(err.line > 0);
    }
    ec_config_destroy(config);
    ec_buf_free(text);
}

static void sources(void **state) {
    (void)state;
    for (unsigned n = EC_SOURCES_MAX; n <= EC_SOURCES_MAX + 1; n++) {
        struct ec_buf text = ec_buf_make(TEXT_MAX);
        ec_buf_addz(&text, "sources:\n");
        for (unsigned i = 0; i < n; i++) ec_buf_printf(&text, "  s%u: {files: [\"s%u_*.csv\"], schema: orders, key: [id]}\n", i, i);
        expect(PIPELINE, &text, n > EC_SOURCES_MAX ? "more than the limit of 256 sources" : NULL);
    }
}

static struct ec_buf schema(unsigned required, unsigned optional) {
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    ec_buf_addz(&text, "{\"orders\": {\"required_columns\": {\"id\": \"string\", \"placed\": \"datetime\"");
    for (unsigned i = 2; i < required; i++) ec_buf_printf(&text, ", \"r%u\": \"string\"", i);
    ec_buf_addz(&text, "}, \"optional_columns\": {");
    for (unsigned i = 0; i < optional; i++) ec_buf_printf(&text, "%s\"o%u\": \"string\"", i ? ", " : "", i);
    ec_buf_addz(&text, "}}}\n");
    return text;
}

static void columns(void **state) {
    (void)state;
    struct ec_buf text = schema(1000, EC_COLUMNS_MAX - 1001); /* and one that is derived */
    expect(SCHEMAS, &text, NULL);
    text = schema(1000, EC_COLUMNS_MAX - 1000);
    expect(SCHEMAS, &text, "more than the limit of 2048 columns, declared and derived");
    text = schema(1000, EC_COLUMNS_MAX - 999);
    expect(SCHEMAS, &text, "more than the limit of 2048 columns");
    text = schema(EC_COLUMNS_MAX + 1, 0);
    expect(SCHEMAS, &text, "more than the limit of 2048 columns");
}

static void names(void **state) {
    (void)state;
    for (unsigned n = EC_COLUMN_NAME_MAX; n <= EC_COLUMN_NAME_MAX + 1; n++) {
        struct ec_buf text = ec_buf_make(TEXT_MAX);
        ec_buf_addz(&text, "{\"orders\": {\"required_columns\": {\"id\": \"string\", \"placed\": \"datetime\", \"");
        for (unsigned i = 0; i < n; i++) ec_buf_addc(&text, 'n');
        ec_buf_addz(&text, "\": \"string\"}}}\n");
        expect(SCHEMAS, &text, n > EC_COLUMN_NAME_MAX ? "longer than the limit of 255 bytes" : NULL);
        text = ec_buf_make(TEXT_MAX);
        ec_buf_addz(&text, "orders:\n  _rows:\n    - {expression: count > 0, id: ");
        for (unsigned i = 0; i < n; i++) ec_buf_addc(&text, 'n');
        ec_buf_addz(&text, "}\n");
        expect(RULES, &text, n > EC_COLUMN_NAME_MAX ? "cannot be an id" : NULL);
    }
}

static void rules(void **state) {
    (void)state;
    for (unsigned n = EC_RULES_MAX; n <= EC_RULES_MAX + 1; n++) {
        struct ec_buf text = ec_buf_make(TEXT_MAX);
        ec_buf_addz(&text, "orders:\n  count: {min_value: 1}\n  _rows:\n");
        for (unsigned i = 1; i < n; i++) ec_buf_printf(&text, "    - {id: r%u, expression: count > %u}\n", i, i);
        expect(RULES, &text, n > EC_RULES_MAX ? "more than the limit of 1024 rules for `orders`" : NULL);
    }
}

/* One worker for each processor but one, as many as there may be. */
static void workers(void **state) {
    (void)state;
    static const struct {
        int processors;
        unsigned workers;
    } cases[] = {{1, 1}, {2, 1}, {8, 7}, {EC_JOBS_MAX, EC_JOBS_MAX - 1}, {EC_JOBS_MAX + 1, EC_JOBS_MAX}, {1000, EC_JOBS_MAX}, {-1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_config *config = NULL;
        struct ec_err err = {0};
        processors = cases[i].processors;
        enum ec_status status = project_load_with(&project, PIPELINE, NULL, NULL, 0, &config, &err);
        processors = 0;
        if (status != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(config->workers, cases[i].workers);
        ec_config_destroy(config);
    }
}

/* A schema of as many columns as there may be gets none of the sample's besides, nor one that is nearly as wide all of them. */
static void columns_of_the_sample(void **state) {
    (void)state;
    static const char pipeline[] = "data_workers: 1\n"; /* so that the sources are the sample's */
    for (unsigned n = EC_COLUMNS_MAX - 1; n <= EC_COLUMNS_MAX; n++) {
        struct ec_buf text = ec_buf_make(TEXT_MAX);
        struct ec_config *config = NULL;
        struct ec_err err = {0};
        ec_buf_addz(&text, "{\"sales\": {\"required_columns\": {\"order_id\": \"string\"");
        for (unsigned i = 1; i < n; i++) ec_buf_printf(&text, ", \"r%u\": \"string\"", i);
        ec_buf_addz(&text, "}}}\n");
        project_put(&project, PIPELINE, pipeline, strlen(pipeline));
        project_put(&project, RULES, "{}\n", 3);
        enum ec_status status = project_load_with(&project, SCHEMAS, text.p, NULL, 0, &config, &err);
        assert_int_equal(status, EC_CONFIG); /* those that the sample derives have no room either */
        assert_non_null(strstr(err.message, "more than the limit of 2048 columns, declared and derived"));
        ec_buf_free(&text);
    }
}

/* `--set` walks no deeper than a file may nest. */
static void depth_of_a_setting(void **state) {
    (void)state;
    for (unsigned n = EC_YAML_DEPTH_MAX; n <= EC_YAML_DEPTH_MAX + 1; n++) {
        char key[128] = "a";
        for (unsigned i = 1; i < n; i++) (void)snprintf(key + strlen(key), sizeof key - strlen(key), ".a");
        struct ec_config *config = NULL;
        struct ec_err err = {0};
        struct ec_setting setting = {key, "1"};
        assert_int_equal(project_load_with(&project, PIPELINE, NULL, &setting, 1, &config, &err), EC_CONFIG);
        assert_non_null(strstr(err.message, n > EC_YAML_DEPTH_MAX ? "the key of --set must be words between dots" : "unknown key `a`"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sources, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_of_the_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth_of_a_setting, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
