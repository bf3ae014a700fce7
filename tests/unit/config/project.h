/* A small project in a folder of its own, for tests of the configuration: four sound files,
 * any of which a test replaces. */
#ifndef EC_TEST_PROJECT_H
#define EC_TEST_PROJECT_H

#include "base/io.h"
#include "config/config.h"

#include <stdlib.h>

enum { PIPELINE, SCHEMAS, RULES, THRESHOLDS };

static const char *const project_names[] = {"pipeline_config.yaml", "data_schemas.json", "business_rules.yaml",
                                            "quality_thresholds.yaml"};

static const char *const project_texts[] = {
    "sources:\n"
    "  orders:\n"
    "    files: [\"orders_*.csv\"]\n"
    "    key: [id]\n"
    "    partition_by: day\n"
    "    derive:\n"
    "      day: CAST(placed AS DATE)\n",
    "{\"orders\": {\"required_columns\": {\n"
    "  \"id\": \"string\", \"placed\": \"datetime\", \"paid\": \"datetime\", \"amount\": \"decimal(10,2)\",\n"
    "  \"count\": \"integer\", \"ratio\": \"float\", \"open\": \"boolean\", \"due\": \"date\"}}}\n",
    "orders: {}\n",
    "global_threshold: 90\n",
};

struct project {
    char dir[64];
};

static inline void project_put(const struct project *p, int file, const char *text, size_t n) {
    char path[128];
    struct ec_err err = {0};
    (void)snprintf(path, sizeof path, "%s/config/%s", p->dir, project_names[file]);
    assert_int_equal(ec_file_replace(path, text, n, &err), EC_OK);
}

static inline void project_make(struct project *p) {
    char path[128];
    struct ec_err err = {0};
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/ecluse-config-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(path, sizeof path, "%s/config", p->dir);
    assert_int_equal(ec_dir_make(path, &err), EC_OK);
    for (int i = 0; i < 4; i++) project_put(p, i, project_texts[i], strlen(project_texts[i]));
}

static inline void project_remove(struct project *p) {
    struct ec_err err = {0};
    assert_int_equal(ec_dir_remove(p->dir, true, &err), EC_OK);
}

/* Loads with the one file replaced (unless text is NULL), and puts it back. */
static inline enum ec_status project_load_with(const struct project *p, int file, const char *text,
                                               const struct ec_setting *settings, size_t setting_count,
                                               struct ec_config **config, struct ec_err *err) {
    if (text) project_put(p, file, text, strlen(text));
    enum ec_status status = ec_config_load(p->dir, settings, setting_count, config, err);
    if (text) project_put(p, file, project_texts[file], strlen(project_texts[file]));
    return status;
}

/* Loads a project that must be sound. */
static inline struct ec_config *project_load(const struct project *p, int file, const char *text) {
    struct ec_config *config = NULL;
    struct ec_err err = {0};
    if (project_load_with(p, file, text, NULL, 0, &config, &err) != EC_OK) {
        ec_err_print(&err, stderr);
        fail();
    }
    return config;
}

/* "line:column: message" of a project that must fail; the file's name before it where the fault
 * is in another than the one replaced. */
static inline void project_error(const struct project *p, int file, const char *text, char *out, size_t size) {
    struct ec_config *config = NULL;
    struct ec_err err = {0};
    enum ec_status status = project_load_with(p, file, text, NULL, 0, &config, &err);
    if (status == EC_OK) ec_config_destroy(config);
    const char *name = strrchr(err.file, '/');
    bool other = name && strcmp(name + 1, project_names[file]) != 0;
    (void)snprintf(out, size, "%s%s%s%u:%u: %s",
                   status == EC_CONFIG ? ""
                   : status == EC_OK   ? "loaded "
                                       : "not EC_CONFIG ",
                   other ? name + 1 : "", other ? ":" : "", err.line, err.column, err.message);
}

#endif
