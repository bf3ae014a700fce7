/* The parts of the YAML tree that yaml.c, yaml_parse.c and yaml_keys.c share. */
#ifndef EC_CONFIG_YAML_PRIVATE_H
#define EC_CONFIG_YAML_PRIVATE_H

#include "config/yaml.h"

/* The keys met so far, each with its mapping: one table for the whole text, so that a hostile
 * mapping of a hundred thousand keys costs no more than its bytes. */
struct ec_yaml_key {
    const struct ec_yaml_node *map; /* NULL: a free slot */
    const char *key;
    uint32_t line;
};

struct ec_yaml_key_set {
    struct ec_yaml_key *slot;
    size_t cap; /* a power of two, or 0 */
    size_t used;
};

/* Adds the key; *first is the one that stood there before, with the same mapping and text, or NULL. */
enum ec_status ec_yaml_key_add(struct ec_yaml_key_set *set, struct ec_yaml_key key, const struct ec_yaml_key **first,
                               struct ec_err *err) EC_MUST_USE;
void ec_yaml_key_set_deinit(struct ec_yaml_key_set *set);

/* The place of a byte of the text; of a line and a column counted in characters. */
struct ec_yaml_place ec_yaml_place_of(const struct ec_yaml_file *file, size_t offset);
struct ec_yaml_place ec_yaml_place_of_chars(const struct ec_yaml_file *file, uint32_t line, uint32_t column);

#endif
