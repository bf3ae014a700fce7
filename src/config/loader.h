/* What the parts of ec_config_load() share: the four trees and the configuration that grows
 * out of them. Trees live until the load ends, texts that stay are copied to the
 * configuration's arena. Not for other folders. */
#ifndef EC_CONFIG_LOADER_H
#define EC_CONFIG_LOADER_H

#include "config/config.h"
#include "config/yaml_value.h"

#define EC_CONFIG_BYTES_MAX (256 * EC_MIB) /* of trees and structs; hostile files meet it */

struct ec_loader {
    struct ec_config *config;
    struct ec_arena trees;
    struct ec_yaml_node *pipeline;
    struct ec_yaml_node *schemas;
    struct ec_yaml_node *rules;
    struct ec_yaml_node *thresholds;
    /* Where pipeline_config.yaml names no sources: those of the sample project, with its
     * schemas, whose columns complete the user's. Else NULL. */
    struct ec_yaml_node *sample_schemas;
};

/* pipeline_config.yaml but for its sources. */
enum ec_status ec_load_pipeline(struct ec_loader *loader, struct ec_err *err) EC_MUST_USE;

/* {env: NAME} or {file: PATH}, where `plain` also a text; `key` is its name for messages. */
enum ec_status ec_load_secret(struct ec_arena *arena, const struct ec_yaml_node *node, const char *key, bool plain, struct ec_secret *secret,
                              struct ec_err *err) EC_MUST_USE;

/* `metrics:`, `lineage:` and `tables:`. */
enum ec_status ec_load_outputs(struct ec_loader *loader, struct ec_err *err) EC_MUST_USE;
/* `alerts:` into config->alert. */
enum ec_status ec_load_alerts(struct ec_config *config, const struct ec_yaml_node *alerts, struct ec_err *err) EC_MUST_USE;

/* `sources:` into config->source, but for columns, rules and thresholds. */
enum ec_status ec_load_sources(struct ec_loader *loader, struct ec_err *err) EC_MUST_USE;
/* The keys of a source that name columns: key, partition_by, freshness; after its schema. */
enum ec_status ec_load_references(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *node,
                                  struct ec_err *err) EC_MUST_USE;

/* source->column of data_schemas.json; ec_load_derive: source->derive. */
enum ec_status ec_load_schema(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *node,
                              struct ec_err *err) EC_MUST_USE;
enum ec_status ec_load_derive(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *derive,
                              struct ec_err *err) EC_MUST_USE;
/* A column's specification: its type's name, or an object. */
enum ec_status ec_load_column(struct ec_loader *loader, const struct ec_yaml_node *node,
                              struct ec_schema_column *column, struct ec_err *err) EC_MUST_USE;

/* source->rule of business_rules.yaml. */
enum ec_status ec_load_rules(struct ec_loader *loader, struct ec_source *source, struct ec_err *err) EC_MUST_USE;

/* config->weight and the threshold of every source. */
enum ec_status ec_load_thresholds(struct ec_loader *loader, struct ec_err *err) EC_MUST_USE;

/* Whether every key of the mapping is the name of a schema; `own` are further keys allowed. */
enum ec_status ec_load_check_schema_names(struct ec_loader *loader, const struct ec_yaml_node *map,
                                          struct ec_err *err) EC_MUST_USE;

/* source->fingerprint of every source, then config->fingerprint. */
enum ec_status ec_config_fingerprint(struct ec_config *config, struct ec_err *err) EC_MUST_USE;

/* A `--set` into the tree of pipeline_config.yaml. */
enum ec_status ec_setting_apply(struct ec_loader *loader, const struct ec_setting *setting,
                                struct ec_err *err) EC_MUST_USE;

/* The names of declared and derived columns, for messages; in loader->trees. */
enum ec_status ec_load_names(struct ec_loader *loader, const struct ec_source *source, const char *const **names,
                             size_t *count, struct ec_err *err) EC_MUST_USE;
bool ec_source_has(const struct ec_source *source, const char *name);

/* Whether Delta, our tables and DuckDB allow the name of a column; *why says what is wrong. */
bool ec_column_name_valid(const char *name, const char **why);

/* Ignoring the case of ASCII letters, as DuckDB and Delta compare names; no locale. */
static inline bool ec_same_name_n(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x = (char)(x - 'A' + 'a');
        if (y >= 'A' && y <= 'Z') y = (char)(y - 'A' + 'a');
        if (x != y) return false;
        if (x == '\0') return true;
    }
    return true;
}

static inline bool ec_same_name(const char *a, const char *b) {
    return ec_same_name_n(a, b, SIZE_MAX);
}

static inline enum ec_status ec_load_no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "the configuration is too large to be held in memory");
}

#endif
