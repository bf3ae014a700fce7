/* What the two files of a model's origins share. */
#ifndef EC_SQL_MODEL_ORIGIN_PRIVATE_H
#define EC_SQL_MODEL_ORIGIN_PRIVATE_H

#include "sql/model_origin.h"

#include <jansson.h>

#define EC_ORIGIN_TABLES_MAX 64u
#define EC_ORIGIN_DEPTH_MAX  16u /* of queries within queries */

struct ec_origin_column {
    const char *name; /* "" where it has none that could be named */
    struct ec_column_origin *list;
    size_t count, cap;
    bool unknown;
    bool hidden; /* of a join's right side, by USING: neither in * nor meant by the bare name */
};

/* The columns of a query or of a table under its alias. */
struct ec_origin_relation {
    const char *alias;
    struct ec_origin_column *column;
    size_t count;
    bool unknown; /* which columns it has */
};

struct ec_origin_select {
    struct ec_origin_relation relation[EC_ORIGIN_TABLES_MAX];
    size_t relations;
    struct ec_origin_relation *result;
    size_t cap;
};

struct ec_origin_search {
    const struct ec_model *model;
    struct ec_arena *arena;
    bool failed; /* memory ran out */
};

const char *ec_origin_text(const json_t *object, const char *key);
/* One more column of the relation; NULL where memory ran out. */
struct ec_origin_column *ec_origin_add(struct ec_origin_search *x, struct ec_origin_relation *to, size_t *cap, const char *name);
/* Adds what `from` is made of, as of that kind. */
void ec_origin_join(struct ec_origin_search *x, struct ec_origin_column *to, const struct ec_origin_column *from, enum ec_origin_kind kind);
/* The columns of the select list, added to select->result. */
void ec_origin_items(struct ec_origin_search *x, struct ec_origin_select *select, const json_t *list);

#endif
