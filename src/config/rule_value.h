/* The value of a rule as its kind and its column's type ask for it. */
#ifndef EC_CONFIG_RULE_VALUE_H
#define EC_CONFIG_RULE_VALUE_H

#include "config/loader.h"

/* The column that a rule stands under. */
struct ec_rule_column {
    struct ec_loader *loader;
    const struct ec_source *source;
    const char *name;
    const struct ec_schema_column *declared; /* NULL: derived, its type is not known yet */
};

/* A bound: a value of the column's type, or the name of another column of that type. */
enum ec_status ec_rule_bound(const struct ec_rule_column *at, const struct ec_yaml_node *node, const char **bound,
                             struct ec_err *err) EC_MUST_USE;
/* [low, high]; one of them may be null. */
enum ec_status ec_rule_range(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                             struct ec_err *err) EC_MUST_USE;
/* A list of values of the column's type; "" is one. */
enum ec_status ec_rule_values(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                              struct ec_err *err) EC_MUST_USE;
enum ec_status ec_rule_pattern(const struct ec_rule_column *at, const struct ec_yaml_node *node, struct ec_rule *rule,
                               struct ec_err *err) EC_MUST_USE;
enum ec_status ec_rule_length(const struct ec_rule_column *at, const struct ec_yaml_node *node, bool is_min,
                              struct ec_rule *rule, struct ec_err *err) EC_MUST_USE;

/* min_value and max_value of a column, and min_length and max_length, must leave room. */
enum ec_status ec_rule_check_pairs(const struct ec_yaml_node *column, struct ec_err *err) EC_MUST_USE;

#endif
