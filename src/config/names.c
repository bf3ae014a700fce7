#include "config/config.h"

#include <assert.h>

const char *ec_severity_name(enum ec_severity severity) {
    static const char *const names[] = {N_("info"), N_("warn"), N_("error"), N_("critical")};
    assert(severity <= EC_SEVERITY_CRITICAL);
    return names[severity];
}

const char *ec_action_name(enum ec_action action) {
    static const char *const names[] = {"keep", "quarantine", "reject_file"};
    assert(action <= EC_ACTION_REJECT_FILE);
    return names[action];
}

const char *ec_dimension_name(enum ec_dimension dimension) {
    static const char *const names[] = {N_("completeness"), N_("validity"), N_("uniqueness"), N_("consistency"), N_("timeliness")};
    assert(dimension < EC_DIM_COUNT);
    return names[dimension];
}

const char *ec_format_name(enum ec_format format) {
    static const char *const names[] = {"auto", "json", "csv", "xlsx"};
    assert(format <= EC_FORMAT_XLSX);
    return names[format];
}

const char *ec_load_name(enum ec_load load) {
    static const char *const names[] = {"append", "merge", "replace"};
    assert(load <= EC_LOAD_REPLACE);
    return names[load];
}

enum ec_dimension ec_rule_dimension(const struct ec_rule *rule) {
    if (rule->kind == EC_RULE_NOT_NULL) return EC_DIM_COMPLETENESS;
    if (rule->kind == EC_RULE_EXPRESSION) return EC_DIM_CONSISTENCY;
    return EC_DIM_VALIDITY;
}

const struct ec_source *ec_config_source(const struct ec_config *config, const char *name) {
    for (size_t i = 0; i < config->source_count; i++)
        if (strcmp(config->source[i].name, name) == 0) return &config->source[i];
    return NULL;
}

size_t ec_source_column(const struct ec_source *source, const char *name) {
    for (size_t i = 0; i < source->column_count; i++)
        if (strcmp(source->column[i].name, name) == 0) return i;
    return SIZE_MAX;
}
