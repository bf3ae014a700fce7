/* What the files of a derivation share. */
#ifndef EC_SQL_DERIVE_PRIVATE_H
#define EC_SQL_DERIVE_PRIVATE_H

#include "sql/derive.h"
#include "sql/duck.h"

#define EC_BATCH_WORDS (EC_BATCH_ROWS / 64u)

/* One expression: a derived column, or a rule where `name` is NULL. */
struct ec_expression {
    const char *name;
    const char *text;
    const char *file;
    uint32_t line;
    char cast[32]; /* SQL type that the result is cast to, "" where DuckDB's own is kept */
};

struct ec_derivation {
    struct ec_sql *sql;
    const struct ec_source *source;
    struct ec_arena arena;
    struct ec_expression *expression; /* the derived columns, then the rules */
    size_t expression_count;
    struct ec_column_type *type;    /* source->derive_count */
    struct ec_duck_type *duck_type; /* the same, as DuckDB gives them */
    duckdb_prepared_statement statement;
    /* For batches with a row that fails: a session without the optimizer that would lift a
     * common part of two expressions out of their TRY(). NULL until the first. */
    struct ec_sql *try_sql;
    duckdb_prepared_statement try_statement;
    struct ec_sql_options options;
    /* What the table function serves. */
    const struct ec_batch *batch;
    bool served;
    size_t *projected; /* batch columns, in the asked order */
    size_t projected_count;
};

/* Registers the table function that serves derivation->batch (derive_table.c). */
enum ec_status ec_derive_register(struct ec_derivation *derivation, struct ec_sql *sql, char *name, size_t name_size,
                                  struct ec_err *err) EC_MUST_USE;

/* Opens try_sql and prepares try_statement, once (derive.c). */
enum ec_status ec_derive_open_try(struct ec_derivation *derivation, struct ec_err *err) EC_MUST_USE;

#endif
