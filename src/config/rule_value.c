#include "config/rule_value.h"

#include "base/calendar.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* [+-] digits [. digits] [e [+-] digits], with at least one digit before the exponent. */
static bool is_number(const char *p, bool whole) {
    if (*p == '-' || *p == '+') p++;
    const char *start = p;
    while (is_digit(*p)) p++;
    size_t digits = (size_t)(p - start);
    if (whole) return digits > 0 && *p == '\0';
    if (*p == '.') {
        start = ++p;
        while (is_digit(*p)) p++;
        digits += (size_t)(p - start);
    }
    if (digits > 0 && (*p == 'e' || *p == 'E')) {
        p++;
        if (*p == '-' || *p == '+') p++;
        start = p;
        while (is_digit(*p)) p++;
        if (p == start) return false;
    }
    return digits > 0 && *p == '\0';
}

static bool is_boolean(const char *text) {
    static const char *const words[] = {"true", "false", "1", "0", "yes", "no", "t", "f", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ec_same_name(text, words[i])) return true;
    return false;
}

/* Whether the text is a value of the type; the gate reads it again when it binds the rule. */
static bool fits(enum ec_type type, const char *text, bool exact) {
    int64_t micros;
    int32_t days;
    switch (type) {
    case EC_TYPE_STRING: return true;
    case EC_TYPE_INTEGER: return is_number(text, exact);
    case EC_TYPE_FLOAT:
    case EC_TYPE_DECIMAL: return is_number(text, false);
    case EC_TYPE_BOOLEAN: return is_boolean(text);
    case EC_TYPE_DATETIME: return ec_datetime_parse(text, strlen(text), &micros);
    case EC_TYPE_DATE: return ec_date_parse(text, strlen(text), &days);
    }
    return false;
}

static enum ec_status keep(const struct ec_rule_column *at, const char *text, const char **out, struct ec_err *err) {
    *out = ec_arena_strdup(&at->loader->config->arena, text);
    return *out ? EC_OK : ec_load_no_memory(err);
}

/* The bound names another column: both must be of one type where both are known. */
static enum ec_status check_other(const struct ec_rule_column *at, const struct ec_yaml_node *node,
                                  struct ec_err *err) {
    if (strcmp(node->text, at->name) == 0)
        return ec_yaml_fail(node->at, err, "the column `%s` would be compared with itself", at->name);
    size_t other = ec_source_column(at->source, node->text);
    if (!at->declared || other == SIZE_MAX) return EC_OK;
    struct ec_column_type a = at->declared->type, b = at->source->column[other].type;
    if (a.type == b.type && a.scale == b.scale) return EC_OK;
    return ec_yaml_fail(node->at, err, "`%s` is %s and `%s` is %s; a column can be compared with one of its own type",
                        at->name, ec_type_name(a.type), node->text, ec_type_name(b.type));
}

enum ec_status ec_rule_bound(const struct ec_rule_column *at, const struct ec_yaml_node *node, const char **bound,
                             struct ec_err *err) {
    if (node->kind != EC_YAML_SCALAR || !node->text[0])
        return ec_yaml_fail(node->at, err, "`%s` must be a single value or the name of a column", node->name);
    if (ec_source_has(at->source, node->text)) {
        EC_TRY(check_other(at, node, err));
        return keep(at, node->text, bound, err);
    }
    if (!at->declared) { /* derived: the type comes from DuckDB, later */
        if (fits(EC_TYPE_FLOAT, node->text, false) || fits(EC_TYPE_DATETIME, node->text, false))
            return keep(at, node->text, bound, err);
        return ec_yaml_fail(node->at, err, "`%.80s` is neither a number, nor a date, nor the name of a column",
                            node->text);
    }
    enum ec_type type = at->declared->type.type;
    if (type == EC_TYPE_STRING || type == EC_TYPE_BOOLEAN)
        return ec_yaml_fail(node->at, err, "`%s` is %s and has no order; use allowed_values, regex or min_length",
                            at->name, ec_type_name(type));
    if (fits(type, node->text, false)) return keep(at, node->text, bound, err);
    return ec_yaml_fail(node->at, err, "`%.80s` is not a value of the column `%s` (%s), nor the name of a column",
                        node->text, at->name, ec_type_name(type));
}

/* Whether low is above high, where both are numbers or both are times. */
static bool is_reversed(const char *low, const char *high) {
    double a, b;
    if (ec_decimal_text(low, &a) && ec_decimal_text(high, &b)) return a > b;
    int64_t s, t;
    return ec_datetime_parse(low, strlen(low), &s) && ec_datetime_parse(high, strlen(high), &t) && s > t;
}

enum ec_status ec_rule_range(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                             struct ec_err *err) {
    if (node->kind != EC_YAML_LIST || node->count != 2)
        return ec_yaml_fail(node->at, err, "`allowed_range` is a list of two values, such as [0, 100]");
    const struct ec_yaml_node *low = node->child, *high = low->next;
    if (ec_yaml_is_null(low) && ec_yaml_is_null(high))
        return ec_yaml_fail(node->at, err, "a range that is open on both sides allows everything");
    if (!ec_yaml_is_null(low)) EC_TRY(ec_rule_bound(at, low, &rule->min, err));
    if (!ec_yaml_is_null(high)) EC_TRY(ec_rule_bound(at, high, &rule->max, err));
    if (rule->min && rule->max && is_reversed(rule->min, rule->max))
        return ec_yaml_fail(node->at, err, "the range is empty: %s is above %s", rule->min, rule->max);
    return EC_OK;
}

enum ec_status ec_rule_values(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                              struct ec_err *err) {
    EC_TRY(ec_yaml_want_list(node, err));
    rule->values = ec_arena_calloc(&at->loader->config->arena, node->count, sizeof *rule->values);
    if (!rule->values) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *item = node->child; item; item = item->next) {
        if (item->kind != EC_YAML_SCALAR)
            return ec_yaml_fail(item->at, err, "`%s` is a list of single values", node->name);
        if (ec_yaml_is_null(item)) {
            if (rule->kind == EC_RULE_ALLOWED) continue; /* a null passes anyway */
            return ec_yaml_fail(item->at, err, "a null passes every rule but not_null; write `not_null: true`");
        }
        if (at->declared && !fits(at->declared->type.type, item->text, true))
            return ec_yaml_fail(item->at, err, "`%.80s` is not a value of the column `%s` (%s)", item->text, at->name,
                                ec_type_name(at->declared->type.type));
        const char *text;
        EC_TRY(keep(at, item->text, &text, err));
        rule->values[rule->value_count++] = ec_str_of(text);
    }
    if (rule->value_count > 0) return EC_OK;
    return ec_yaml_fail(node->at, err, "`%s` names no value", node->name);
}

static enum ec_status want_string(const struct ec_rule_column *at, const struct ec_yaml_node *node, const char *key,
                                  struct ec_err *err) {
    if (!at->declared || at->declared->type.type == EC_TYPE_STRING) return EC_OK;
    return ec_yaml_fail(node->key_at, err, "`%s` is for a column of type string; `%s` is %s", key, at->name,
                        ec_type_name(at->declared->type.type));
}

enum ec_status ec_rule_pattern(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                               struct ec_err *err) {
    EC_TRY(want_string(at, node, rule->key, err));
    if (node->kind != EC_YAML_SCALAR || !node->text[0])
        return ec_yaml_fail(node->at, err, "`regex` must be a pattern; an empty one would match everything");
    return keep(at, node->text, &rule->text, err);
}

enum ec_status ec_rule_length(const struct ec_rule_column *at, const struct ec_yaml_node *node, bool is_min,
                              struct ec_rule *rule, struct ec_err *err) {
    EC_TRY(want_string(at, node, rule->key, err));
    uint64_t value;
    EC_TRY(ec_yaml_uint(node, 0, EC_FIELD_MAX, &value, err));
    *(is_min ? &rule->length_min : &rule->length_max) = (size_t)value;
    return EC_OK;
}

static const struct ec_yaml_node *bare_value(const struct ec_yaml_node *column, const char *key) {
    const struct ec_yaml_node *node = ec_yaml_set(column, key);
    return node && node->kind == EC_YAML_MAP ? ec_yaml_set(node, "value") : node;
}

enum ec_status ec_rule_check_pairs(const struct ec_yaml_node *column, struct ec_err *err) {
    static const char *const pairs[][2] = {{"min_value", "max_value"}, {"min_length", "max_length"}};
    for (size_t i = 0; i < 2; i++) {
        const struct ec_yaml_node *low = bare_value(column, pairs[i][0]), *high = bare_value(column, pairs[i][1]);
        if (low && high && is_reversed(low->text, high->text))
            return ec_yaml_fail(high->at, err, "`%s` (%s) is above `%s` (%s): nothing would pass", pairs[i][0],
                                low->text, pairs[i][1], high->text);
    }
    return EC_OK;
}
