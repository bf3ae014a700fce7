/* business_rules.yaml: the rules of a source, per column and per row. */
#include "config/rule_value.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    ALLOWED_RANGE,
    MIN_VALUE,
    MAX_VALUE,
    ALLOWED_VALUES,
    NOT_ALLOWED_VALUES,
    NOT_NULL,
    REGEX,
    MIN_LENGTH,
    MAX_LENGTH
};

/* In the order of the enum: the key of a rule, its kind, and what its value is called in the object form. */
static const char *const rule_keys[] = {"allowed_range",  "min_value",          "max_value",
                                        "allowed_values", "not_allowed_values", "not_null",
                                        "regex",          "min_length",         "max_length"};
static const enum ec_rule_kind rule_kinds[] = {EC_RULE_RANGE,   EC_RULE_RANGE,       EC_RULE_RANGE,
                                               EC_RULE_ALLOWED, EC_RULE_NOT_ALLOWED, EC_RULE_NOT_NULL,
                                               EC_RULE_REGEX,   EC_RULE_LENGTH,      EC_RULE_LENGTH};
static const char *const value_keys[] = {"values", "value",   "value", "values", "values",
                                         "value",  "pattern", "value", "value"};

const char *ec_rule_key(size_t i) {
    return i < COUNT(rule_keys) ? rule_keys[i] : i == COUNT(rule_keys) ? "expression" : NULL;
}

enum ec_rule_kind ec_rule_key_kind(size_t i) { return i < COUNT(rule_kinds) ? rule_kinds[i] : EC_RULE_EXPRESSION; }

/* severity, action, max_failed of an object; the defaults where map is NULL. */
static enum ec_status load_verdict(const struct ec_yaml_node *map, struct ec_rule *rule, struct ec_err *err) {
    static const char *const severities[] = {"info", "warn", "error", "critical"};
    static const char *const actions[] = {"keep", "quarantine", "reject_file"};
    static const enum ec_action default_of[] = {EC_ACTION_KEEP, EC_ACTION_KEEP, EC_ACTION_QUARANTINE,
                                                EC_ACTION_REJECT_FILE};
    unsigned index = EC_SEVERITY_ERROR;
    const struct ec_yaml_node *node = ec_yaml_set(map, "severity");
    if (node) EC_TRY(ec_yaml_word(node, severities, COUNT(severities), &index, err));
    rule->severity = (enum ec_severity)index;
    index = default_of[index];
    node = ec_yaml_set(map, "action");
    if (node) EC_TRY(ec_yaml_word(node, actions, COUNT(actions), &index, err));
    rule->action = (enum ec_action)index;
    rule->max_failed = NAN;
    node = ec_yaml_set(map, "max_failed");
    return node ? ec_yaml_share(node, &rule->max_failed, err) : EC_OK;
}

/* The value of a rule: the node itself, or `value:` of its object form. *value is NULL where an
 * object gives none. */
static enum ec_status take_value(const struct ec_yaml_node *node, unsigned key, const struct ec_yaml_node **value,
                                 struct ec_err *err) {
    *value = node;
    if (node->kind != EC_YAML_MAP) return EC_OK;
    const char *const keys[] = {value_keys[key], "severity", "action", "max_failed", "value"};
    bool plain = strcmp(value_keys[key], "value") == 0; /* otherwise `value` is understood too */
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys) - (plain ? 1 : 0), err));
    *value = ec_yaml_set(node, value_keys[key]);
    const struct ec_yaml_node *other = plain ? NULL : ec_yaml_set(node, "value");
    if (*value && other)
        return ec_yaml_fail(other->key_at, err, "`value` and `%s` are the same; give one", value_keys[key]);
    if (other) *value = other;
    return EC_OK;
}

static enum ec_status load_value(const struct ec_rule_column *at, unsigned key, const struct ec_yaml_node *value,
                                 struct ec_rule *rule, struct ec_err *err) {
    switch (key) {
    case ALLOWED_RANGE: return ec_rule_range(at, value, rule, err);
    case MIN_VALUE: return ec_rule_bound(at, value, &rule->min, err);
    case MAX_VALUE: return ec_rule_bound(at, value, &rule->max, err);
    case ALLOWED_VALUES:
    case NOT_ALLOWED_VALUES: return ec_rule_values(at, value, rule, err);
    case REGEX: return ec_rule_pattern(at, value, rule, err);
    default: return ec_rule_length(at, value, key == MIN_LENGTH, rule, err);
    }
}

/* not_null: false is no rule. */
static enum ec_status is_wanted(const struct ec_yaml_node *value, bool *wanted, struct ec_err *err) {
    *wanted = true;
    return value ? ec_yaml_bool(value, wanted, err) : EC_OK;
}

static enum ec_status no_value(const struct ec_yaml_node *node, unsigned key, struct ec_err *err) {
    if (node->kind != EC_YAML_MAP) return ec_yaml_fail(node->at, err, "`%s` has no value", node->name);
    return ec_yaml_fail(node->key_at, err, "the rule `%s` needs `%s`", node->name, value_keys[key]);
}

static enum ec_status load_column_rule(struct ec_loader *loader, struct ec_source *source,
                                       const struct ec_rule_column *at, const struct ec_yaml_node *node,
                                       struct ec_err *err) {
    unsigned key = 0;
    while (key < COUNT(rule_keys) && strcmp(rule_keys[key], node->name) != 0) key++;
    if (key == COUNT(rule_keys))
        return ec_yaml_unknown(node->key_at, _("rule"), node->name, rule_keys, COUNT(rule_keys), err);

    struct ec_rule rule = {.key = rule_keys[key],
                           .column = at->name,
                           .kind = rule_kinds[key],
                           .length_max = SIZE_MAX,
                           .file = node->key_at.file->path,
                           .line = node->key_at.line};
    const struct ec_yaml_node *value;
    EC_TRY(take_value(node, key, &value, err));
    EC_TRY(load_verdict(node->kind == EC_YAML_MAP ? node : NULL, &rule, err));
    bool wanted = true;
    if (key == NOT_NULL)
        EC_TRY(is_wanted(value, &wanted, err));
    else if (!value || ec_yaml_is_null(value))
        return no_value(node, key, err);
    else
        EC_TRY(load_value(at, key, value, &rule, err));
    if (!wanted) return EC_OK;
    rule.id = ec_arena_printf(&loader->config->arena, "%s.%s", at->name, rule.key);
    if (!rule.id) return ec_load_no_memory(err);
    source->rule[source->rule_count++] = rule;
    return EC_OK;
}

static enum ec_status load_column_rules(struct ec_loader *loader, struct ec_source *source,
                                        const struct ec_yaml_node *node, struct ec_err *err) {
    EC_TRY(ec_yaml_want_map(node, err));
    struct ec_rule_column at = {.loader = loader, .source = source};
    if (!ec_source_has(source, node->name)) {
        const char *const *names;
        size_t count;
        EC_TRY(ec_load_names(loader, source, &names, &count, err));
        return ec_yaml_unknown(node->key_at, _("column"), node->name, names, count, err);
    }
    at.name = ec_arena_strdup(&loader->config->arena, node->name);
    if (!at.name) return ec_load_no_memory(err);
    size_t i = ec_source_column(source, node->name);
    if (i != SIZE_MAX) at.declared = &source->column[i];
    for (const struct ec_yaml_node *n = node->child; n; n = n->next)
        EC_TRY(load_column_rule(loader, source, &at, n, err));
    return ec_rule_check_pairs(node, err);
}

static enum ec_status load_row_id(struct ec_loader *loader, const struct ec_source *source,
                                  const struct ec_yaml_node *node, struct ec_rule *rule, struct ec_err *err) {
    const struct ec_yaml_node *id = ec_yaml_set(node, "id");
    if (!id) return ec_yaml_fail(node->at, err, "a rule of `_rows` needs an `id`, by which reports name it");
    EC_TRY(ec_yaml_text(id, &loader->config->arena, &rule->id, err));
    size_t n = strspn(rule->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (rule->id[n] || n > EC_COLUMN_NAME_MAX || strcmp(rule->id, "key") == 0) /* the check of the key has that id */
        return ec_yaml_fail(id->at, err, "`%.80s` cannot be an id: use letters, digits, _ and -, and not `key`",
                            rule->id);
    for (size_t i = 0; i < source->rule_count; i++)
        if (strcmp(source->rule[i].id, rule->id) == 0)
            return ec_yaml_fail(id->at, err, "the id `%s` is used on line %u already", rule->id, source->rule[i].line);
    return EC_OK;
}

static enum ec_status load_row_rule(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *node,
                                    struct ec_err *err) {
    static const char *const keys[] = {"id", "expression", "severity", "action", "max_failed"};
    if (node->kind != EC_YAML_MAP)
        return ec_yaml_fail(node->at, err,
                            "a rule of `_rows` is written {id: NAME, expression: \"SQL that is true for a good row\"}");
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
    struct ec_rule rule = {.key = "expression",
                           .kind = EC_RULE_EXPRESSION,
                           .length_max = SIZE_MAX,
                           .file = node->at.file->path,
                           .line = node->at.line};
    EC_TRY(load_row_id(loader, source, node, &rule, err));
    const struct ec_yaml_node *expression = ec_yaml_set(node, "expression");
    if (!expression) return ec_yaml_fail(node->at, err, "the rule `%s` needs an `expression`", rule.id);
    EC_TRY(ec_yaml_text(expression, &loader->config->arena, &rule.text, err));
    if (rule.text[strspn(rule.text, " \n\t")] == '\0')
        return ec_yaml_fail(expression->at, err, "the expression of `%s` is empty", rule.id);
    rule.line = expression->at.line;
    EC_TRY(load_verdict(node, &rule, err));
    source->rule[source->rule_count++] = rule;
    return EC_OK;
}

static enum ec_status load_row_rules(struct ec_loader *loader, struct ec_source *source,
                                     const struct ec_yaml_node *rows, struct ec_err *err) {
    if (!rows) return EC_OK;
    EC_TRY(ec_yaml_want_list(rows, err));
    for (const struct ec_yaml_node *n = rows->child; n; n = n->next) EC_TRY(load_row_rule(loader, source, n, err));
    return EC_OK;
}

enum ec_status ec_load_rules(struct ec_loader *loader, struct ec_source *source, struct ec_err *err) {
    const struct ec_yaml_node *rules = ec_yaml_set(loader->rules, source->schema);
    if (!rules) return EC_OK;
    EC_TRY(ec_yaml_want_map(rules, err));
    const struct ec_yaml_node *rows = ec_yaml_set(rules, "_rows");
    size_t most = rows ? rows->count : 0;
    for (const struct ec_yaml_node *n = rules->child; n; n = n->next)
        if (n != rows) most += n->count;
    if (most > EC_RULES_MAX)
        return ec_yaml_fail(rules->key_at, err, "more than the limit of %u rules for `%s`", EC_RULES_MAX, source->name);
    source->rule = ec_arena_calloc(&loader->config->arena, most, sizeof *source->rule);
    if (!source->rule) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *n = rules->child; n; n = n->next)
        if (strcmp(n->name, "_rows") != 0) EC_TRY(load_column_rules(loader, source, n, err));
    return load_row_rules(loader, source, rows, err);
}
