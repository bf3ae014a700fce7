/* Which columns of its inputs a column of a model is made of, from DuckDB's syntax tree: for catalogues of lineage.
 *
 *     struct ec_column_origins *of;
 *     EC_TRY(ec_model_origins(sql, model, &arena, &of, err));
 *     for (size_t i = 0; i < of[3].count; i++) … of[3].origin[i].table->name, .column, .kind
 *
 * Names are followed through joins, subqueries, WITH and UNION. What the tree does not say for certain is left out, never
 * guessed: a subquery in an expression, a lambda, COLUMNS(), a recursive query, a join by NATURAL. Then the column has no
 * origins, as one that is made of none (count(*), a constant) has. What only decides which rows there are (WHERE, JOIN,
 * GROUP BY) is not told.
 */
#ifndef EC_SQL_MODEL_ORIGIN_H
#define EC_SQL_MODEL_ORIGIN_H

#include "sql/model.h"

enum ec_origin_kind {
    EC_ORIGIN_IDENTITY,       /* as it is */
    EC_ORIGIN_TRANSFORMATION, /* computed of it */
    EC_ORIGIN_AGGREGATION,    /* over several rows */
    EC_ORIGIN_FILTER,         /* it decides which rows an aggregate counts */
};

struct ec_column_origin {
    const struct ec_model_table *table;
    const char *column;
    enum ec_origin_kind kind;
};

struct ec_column_origins {
    const struct ec_column_origin *origin;
    size_t count; /* 0: none, or not known */
};

/* *origins: one for each column of the model, which was checked; in the arena. One session, one thread. */
enum ec_status ec_model_origins(struct ec_sql *sql, const struct ec_model *model, struct ec_arena *arena,
                                struct ec_column_origins **origins, struct ec_err *err) EC_MUST_USE;

#endif
