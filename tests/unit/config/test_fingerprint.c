/* A fingerprint changes with what decides rows and verdicts, and with nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "project.h"

static const char pipeline[] = "chunk_rows: 1000\n"
                               "data_workers: 2\n"
                               "sources:\n"
                               "  orders:\n"
                               "    files: [\"orders_*.csv\"]\n"
                               "    format: csv\n"
                               "    key: [id]\n"
                               "    partition_by: day\n"
                               "    freshness: 2d\n"
                               "    derive:\n"
                               "      day: CAST(placed AS DATE)\n"
                               "  other:\n"
                               "    schema: orders\n"
                               "    files: [\"other\"]\n"
                               "    load: replace\n";

static const char rules[] = "orders:\n"
                            "  count:\n"
                            "    min_value: 0\n"
                            "    max_value: {value: 10, severity: warn, max_failed: 1%}\n"
                            "  id: {allowed_values: [a, b]}\n"
                            "  _rows:\n"
                            "    - {id: r, expression: count > 0}\n";

static const char thresholds[] = "global_threshold: 90\nthresholds: {orders: 95}\nweights: {validity: 2}\n";

struct prints {
    char orders[EC_SHA256_HEX], other[EC_SHA256_HEX], config[EC_SHA256_HEX];
};

static struct project project;

static int setup(void **state) {
    (void)state;
    project_make(&project);
    project_put(&project, PIPELINE, pipeline, strlen(pipeline));
    project_put(&project, RULES, rules, strlen(rules));
    project_put(&project, THRESHOLDS, thresholds, strlen(thresholds));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    project_remove(&project);
    return 0;
}

static struct prints prints_now(void) {
    struct prints prints;
    struct ec_config *config = NULL;
    struct ec_err err = {0};
    if (ec_config_load(project.dir, NULL, 0, &config, &err) != EC_OK) {
        ec_err_print(&err, stderr);
        fail();
    }
    memcpy(prints.orders, ec_config_source(config, "orders")->fingerprint, EC_SHA256_HEX);
    memcpy(prints.other, ec_config_source(config, "other")->fingerprint, EC_SHA256_HEX);
    memcpy(prints.config, config->fingerprint, EC_SHA256_HEX);
    ec_config_destroy(config);
    return prints;
}

static const char *const base[] = {pipeline, NULL, rules, thresholds};

/* The fingerprints with `from` replaced by `to` in a file. */
static struct prints prints_with(int file, const char *from, const char *to) {
    const char *text = base[file] ? base[file] : project_texts[file];
    const char *at = strstr(text, from);
    if (!at) fail_msg("%s is not in the file", from);
    struct ec_buf changed = ec_buf_make(65536);
    ec_buf_add(&changed, text, (size_t)(at - text));
    ec_buf_addz(&changed, to);
    ec_buf_addz(&changed, at + strlen(from));
    project_put(&project, file, changed.p, changed.n);
    struct prints prints = prints_now();
    project_put(&project, file, text, strlen(text));
    ec_buf_free(&changed);
    return prints;
}

enum { ORDERS = 1, OTHER = 2, CONFIG = 4, ALL = 7 };

static const struct {
    int file;
    const char *from, *to;
    int changes;
} changes[] = {
    /* nothing of it decides a row */
    {PIPELINE, "data_workers: 2\n",
     "memory_limit_mb: 99\nprocessing_timeout: 3\nalerts: []\narchive: {enabled: false}\n", 0},
    {PIPELINE, "chunk_rows: 1000\ndata_workers: 2\n", "# moved\ndata_workers: 2\n\nchunk_rows:   1000 # same\n", 0},
    {PIPELINE, "    files: [\"orders_*.csv\"]\n    format: csv\n",
     "    format: 'csv'\n    files:\n    - orders_*.csv\n", 0},
    {PIPELINE, "day: CAST(placed AS DATE)", "day: >\n        CAST(placed AS\n        DATE)\n", 0},
    {PIPELINE, "freshness: 2d", "freshness: {max_age: 48h, column: placed}", 0},
    {PIPELINE, "    format: csv\n", "    format: csv\n    delimiter: \",\"\n    encoding: UTF-8\n    load: append\n",
     0},
    {RULES, "    min_value: 0\n    max_value: {value: 10, severity: warn, max_failed: 1%}\n",
     "    max_value: {max_failed: 0.01, severity: warn, action: keep, value: 10}\n    min_value: {value: 0}\n", 0},
    {RULES, "  id: {allowed_values: [a, b]}\n",
     "  id:\n    allowed_values:\n      - \"a\"\n      - b\n    not_null: false\n", 0},
    {SCHEMAS, "\"id\": \"string\"", "\"id\": {\"not_null\": false, \"type\": \"string\"}", 0},
    {THRESHOLDS, "global_threshold: 90", "global_threshold: 80", 0}, /* both have their own */
    /* how parts are cut, and what is read, is the configuration's alone */
    {PIPELINE, "chunk_rows: 1000", "chunk_rows: 1001", CONFIG},
    {PIPELINE, "orders_*.csv", "order_*.csv", CONFIG},
    /* one source */
    {PIPELINE, "format: csv", "format: auto", ORDERS | CONFIG},
    {PIPELINE, "format: csv", "format: csv\n    delimiter: \";\"", ORDERS | CONFIG},
    {PIPELINE, "format: csv", "format: csv\n    encoding: latin-1", ORDERS | CONFIG},
    {PIPELINE, "format: csv", "format: csv\n    on_failed: reject", ORDERS | CONFIG},
    {PIPELINE, "key: [id]", "key: [id, count]", ORDERS | CONFIG},
    {PIPELINE, "freshness: 2d", "freshness: 3d", ORDERS | CONFIG},
    {PIPELINE, "partition_by: day", "partition_by: due", ORDERS | CONFIG},
    {PIPELINE, "AS DATE)", "AS DATE) + 1", ORDERS | CONFIG},
    {PIPELINE, "load: replace", "load: append", OTHER | CONFIG},
    /* what both share */
    {SCHEMAS, "\"count\": \"integer\"", "\"count\": \"float\"", ALL},
    {SCHEMAS, "\"id\": \"string\"", "\"id\": {\"type\": \"string\", \"not_null\": true}", ALL},
    {SCHEMAS, "\"due\": \"date\"", "\"due\": {\"type\": \"date\", \"null_values\": [\"-\"]}", ALL},
    {SCHEMAS, "\"due\": \"date\"", "\"due\": {\"type\": \"date\", \"formats\": [\"%d.%m.%Y\"]}", ALL},
    {SCHEMAS, "decimal(10,2)", "decimal(10,3)", ALL},
    {SCHEMAS, "\"placed\": \"datetime\"", "\"placed\": {\"type\": \"datetime\", \"timezone\": \"+01:00\"}", ALL},
    {RULES, "min_value: 0", "min_value: 1", ALL},
    {RULES, "severity: warn", "severity: info", ALL},
    {RULES, "max_failed: 1%", "max_failed: 2%", ALL},
    {RULES, "[a, b]", "[a, b, c]", ALL},
    {RULES, "count > 0", "count > 1", ALL},
    {RULES, "id: r,", "id: s,", ALL},
    {THRESHOLDS, "orders: 95", "orders: 96", ALL},
    {THRESHOLDS, "validity: 2", "validity: 3", ALL},
};

static void fingerprints_change_with_what_decides_and_nothing_else(void **state) {
    (void)state;
    struct prints before = prints_now();
    assert_string_not_equal(before.orders, before.other);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct prints now = prints_with(changes[i].file, changes[i].from, changes[i].to);
        int changed = (strcmp(now.orders, before.orders) != 0 ? ORDERS : 0) |
                      (strcmp(now.other, before.other) != 0 ? OTHER : 0) |
                      (strcmp(now.config, before.config) != 0 ? CONFIG : 0);
        if (changed != changes[i].changes)
            fail_msg("`%s` to `%s`: changed %d, expected %d", changes[i].from, changes[i].to, changed,
                     changes[i].changes);
    }
}

static void fingerprints_do_not_depend_on_the_folder(void **state) {
    (void)state;
    struct prints before = prints_now();
    struct project elsewhere = project;
    project_make(&project);
    project_put(&project, PIPELINE, pipeline, strlen(pipeline));
    project_put(&project, RULES, rules, strlen(rules));
    project_put(&project, THRESHOLDS, thresholds, strlen(thresholds));
    struct prints now = prints_now();
    assert_memory_equal(&before, &now, sizeof now);
    project_remove(&project);
    project = elsewhere;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_change_with_what_decides_and_nothing_else),
        cmocka_unit_test(fingerprints_do_not_depend_on_the_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
