/* What a key asks of its node: a truth value, a number, a word of a list, texts.
 *
 * Every reader fails with EC_CONFIG at the node, saying what was asked and what is written.
 * A plain empty value, `~` or `null` is "not set": ec_yaml_is_null().
 *
 *     static const char *const keys[] = {"enabled", "include"};
 *     EC_TRY(ec_yaml_keys(map, keys, 2, err));
 *     const struct ec_yaml_node *enabled = ec_yaml_set(map, "enabled");
 *     if (enabled) EC_TRY(ec_yaml_bool(enabled, &config->archive_enabled, err));
 */
#ifndef EC_CONFIG_YAML_VALUE_H
#define EC_CONFIG_YAML_VALUE_H

#include "config/yaml.h"

bool ec_yaml_is_null(const struct ec_yaml_node *node);

/* The member, or NULL where it is absent or null. */
const struct ec_yaml_node *ec_yaml_set(const struct ec_yaml_node *map, const char *key);

/* The node must be a mapping (null is an empty one) with no other keys than these. */
enum ec_status ec_yaml_keys(const struct ec_yaml_node *map, const char *const *keys, size_t count,
                            struct ec_err *err) EC_MUST_USE;
enum ec_status ec_yaml_want_map(const struct ec_yaml_node *node, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_yaml_want_list(const struct ec_yaml_node *node, struct ec_err *err) EC_MUST_USE;

/* "unknown <what> `word`; did you mean `nearest`?" or the whole list, at the given place. */
enum ec_status ec_yaml_unknown(struct ec_yaml_place at, const char *what, const char *word, const char *const *words,
                               size_t count, struct ec_err *err);

enum ec_status ec_yaml_bool(const struct ec_yaml_node *node, bool *value, struct ec_err *err) EC_MUST_USE;
/* A whole number in decimal digits, min <= value <= max. */
enum ec_status ec_yaml_uint(const struct ec_yaml_node *node, uint64_t min, uint64_t max, uint64_t *value,
                            struct ec_err *err) EC_MUST_USE;
/* A decimal number such as 97 or 97.5, min <= value <= max; no exponent. */
enum ec_status ec_yaml_number(const struct ec_yaml_node *node, double min, double max, double *value,
                              struct ec_err *err) EC_MUST_USE;
/* A share: `1%` or a decimal from 0 to below 1. */
enum ec_status ec_yaml_share(const struct ec_yaml_node *node, double *value, struct ec_err *err) EC_MUST_USE;
/* A span of time: 45s, 90m, 36h, 2d, 1w. */
enum ec_status ec_yaml_duration(const struct ec_yaml_node *node, int64_t *seconds, struct ec_err *err) EC_MUST_USE;
/* One of the words; *index is its place. */
enum ec_status ec_yaml_word(const struct ec_yaml_node *node, const char *const *words, size_t count, unsigned *index,
                            struct ec_err *err) EC_MUST_USE;
/* A text that is not empty, copied into the arena. */
enum ec_status ec_yaml_text(const struct ec_yaml_node *node, struct ec_arena *arena, const char **text,
                            struct ec_err *err) EC_MUST_USE;
/* A list of such texts, or a single one. */
enum ec_status ec_yaml_texts(const struct ec_yaml_node *node, struct ec_arena *arena, const char ***texts,
                             size_t *count, struct ec_err *err) EC_MUST_USE;

/* digits[.digits] with an optional sign, at most 15 digits: exact, so without strtod. */
bool ec_decimal_text(const char *text, double *value);

#endif
