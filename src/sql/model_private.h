/* What the files of the models share. */
#ifndef EC_SQL_MODEL_PRIVATE_H
#define EC_SQL_MODEL_PRIVATE_H

#include "sql/duck.h"
#include "sql/model.h"

#include <jansson.h>

/* A table's name as the SQL has it, and where. */
struct ec_name_at {
    const char *name;
    size_t position; /* byte of the text */
};

/* A model while it is being read: what the header says and which names the SQL holds. */
struct ec_model_draft {
    struct ec_model model;
    struct ec_arena *arena;
    struct ec_name_at *table; /* each once, in order of name */
    size_t table_count;
    struct ec_model_directive {
        struct ec_name_at table;
        enum ec_reach reach;
        unsigned days;
    } *directive; /* `-- input:` lines */
    size_t directive_count;
    size_t directive_cap;
};

/* Places the error at a byte of the text: file, line, column, and the line itself. */
enum ec_status ec_model_at(struct ec_err *err, enum ec_status status, const char *file, const char *text, size_t position);

/* Reads the lines of comment before the first of SQL. */
enum ec_status ec_model_header(struct ec_model_draft *draft, struct ec_err *err) EC_MUST_USE;

/* The tables that the SQL names, without those that it makes itself (WITH). EC_CONFIG where it is
 * not one SELECT, or reads what is no table. */
enum ec_status ec_model_tables(struct ec_sql *sql, struct ec_model_draft *draft, struct ec_err *err) EC_MUST_USE;

/* Sets model->wide where the model, whose columns are known, is a wide one; NULL where not. */
enum ec_status ec_model_find_wide(struct ec_sql *sql, struct ec_arena *arena, struct ec_model *model,
                                  struct ec_err *err) EC_MUST_USE;

/* Sets wide->join where the statement's joins, whose tables are known by alias, can be made without DuckDB. */
enum ec_status ec_model_find_joins(const struct ec_model *model, struct ec_model_wide *wide, const char *const *alias,
                                   const json_t *select, struct ec_arena *arena, struct ec_err *err) EC_MUST_USE;

/* Turns drafts into models whose inputs are resolved, in order. */
enum ec_status ec_models_order(struct ec_models *models, struct ec_model_draft *draft, const struct ec_model_table *table,
                               size_t table_count, struct ec_err *err) EC_MUST_USE;

/* The type of a table's column; NULL where it has none of this name (ignoring case). */
const struct ec_delta_column *ec_model_column(const struct ec_model_table *table, const char *name);

/* Makes a view of the table without rows, to check models that name it. */
enum ec_status ec_model_bind_empty(struct ec_sql *sql, const struct ec_model_table *table, struct ec_err *err) EC_MUST_USE;

#endif
