/* Looking at DuckDB's syntax trees, as json_serialize_sql() gives them. Private to sql/. */
#ifndef EC_SQL_MODEL_TREE_H
#define EC_SQL_MODEL_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* The member's text; "" where it has none. */
static inline const char *ec_tree_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static inline bool ec_tree_is(const json_t *object, const char *key, const char *value) {
    return strcmp(ec_tree_text(object, key), value) == 0;
}

/* Not there, null, or a list of nothing. */
static inline bool ec_tree_is_empty(const json_t *value) {
    if (json_is_array(value)) return json_array_size(value) == 0;
    return !value || json_is_null(value);
}

#endif
