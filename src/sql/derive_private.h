/* What the files of a derivation share.
 *
 *     derive.c         create, destroy: the statements that find every mistake
 *     derive_text.c    how those statements, and the parts, are written
 *     derive_plan.c    from DuckDB's syntax tree: which expressions need no statement for every row
 *     derive_eval.c    a batch: parts, values, what is direct; rows that fail
 *     derive_value.c   expressions of one coded text column: once for each of its values
 *     derive_table.c   the table function that serves a batch
 *     derive_number.h  arithmetic without DuckDB
 */
#ifndef EC_SQL_DERIVE_PRIVATE_H
#define EC_SQL_DERIVE_PRIVATE_H

#include "base/lexicon.h"
#include "sql/derive.h"
#include "sql/duck.h"

#define EC_BATCH_WORDS (EC_BATCH_ROWS / 64u)

/* How an expression is computed. */
enum ec_way {
    EC_WAY_ROWS,   /* by DuckDB, over every row */
    EC_WAY_VALUES, /* by DuckDB, once for each value of the text column `input` */
    EC_WAY_COPY,   /* it is the column `input` */
    EC_WAY_DATE,   /* the date of the datetime column `input` */
    EC_WAY_NUMBER, /* arithmetic, by the program `number` */
};

/* The columns that an expression reads, be it through earlier expressions. */
#define EC_INPUT_NONE SIZE_MAX
#define EC_INPUT_MANY (SIZE_MAX - 1) /* several, or ones that are not known */

/* One expression: a derived column, or a rule where `name` is NULL. */
struct ec_expression {
    const char *name;
    const char *text;
    const char *file;
    uint32_t line;
    char cast[32]; /* SQL type that the result is cast to, "" where DuckDB's own is kept */
    enum ec_way way;
    size_t input;
    struct ec_number *number;
    uint64_t *needs; /* bitmap over expressions: the earlier ones that it names, directly or not */
};

/* A statement over some of the expressions, with those that they need. */
struct ec_part {
    duckdb_prepared_statement statement; /* NULL: it computes nothing */
    size_t *member;                      /* expressions, in the statement's order */
    bool *wanted;                        /* per member: its result is taken */
    size_t count;
};

/* Results by the values of a text column. Values are known for as long as the derivation lives,
 * however often a task brings them again. */
struct ec_values {
    size_t input;
    bool given_up; /* the column came uncoded: its expressions are computed over rows */
    struct ec_part part;
    struct ec_lexicon lexicon;
    struct ec_text null; /* place 0 of a lexicon without texts */
    uint32_t known;      /* places that were evaluated */
    uint64_t id;         /* of the column's dictionary at hand */
    uint32_t mapped;
    uint32_t *map;   /* EC_CODED_MAX: from its codes to places */
    uint32_t *place; /* EC_BATCH_ROWS: of the batch at hand */
    struct ec_batch inputs;
    struct ec_column *result;         /* per member; EC_CODED_MAX values */
    struct ec_dictionary *dictionary; /* per member, for texts */
    struct ec_arena texts;
};

struct ec_derivation {
    struct ec_sql *sql;
    struct ec_sql *own_sql; /* the same, where it is to be closed; NULL: the caller's */
    const struct ec_source *source;
    struct ec_arena arena;
    struct ec_expression *expression; /* the derived columns, then the rules */
    size_t expression_count;
    struct ec_column_type *type;    /* source->derive_count */
    struct ec_duck_type *duck_type; /* the same, as DuckDB gives them */
    char function[32];
    struct ec_part rows; /* the expressions of EC_WAY_ROWS, and of values that were given up */
    struct ec_values *values;
    size_t value_count;
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

/* derive_table.c: registers the table function that serves derivation->batch. */
enum ec_status ec_derive_register(struct ec_derivation *derivation, struct ec_sql *sql, char *name, size_t name_size,
                                  struct ec_err *err) EC_MUST_USE;

/* derive_text.c. The ways in which a statement is written. */
enum ec_derive_form {
    EC_FORM_PLAIN, /* SELECT (d1) AS "d1", (r1) */
    EC_FORM_TYPED, /* the same with the casts that types of ours need */
    EC_FORM_TRY,   /* TRY(d1), TRY((d1) IS NULL), ...: the second is null where d1 fails */
};
void ec_derive_add_expression(struct ec_buf *out, const struct ec_expression *e, enum ec_derive_form form);
/* The first `count` expressions; `only` (NULL: all) is a bitmap over them, not for EC_FORM_TRY. */
void ec_derive_write(struct ec_buf *out, const struct ec_derivation *d, size_t count, const uint64_t *only,
                     enum ec_derive_form form, const char *function);
enum ec_status ec_derive_prepare(struct ec_derivation *d, struct ec_sql *sql, size_t count, const uint64_t *only,
                                 enum ec_derive_form form, const char *function, duckdb_prepared_statement *statement,
                                 struct ec_err *err) EC_MUST_USE;

/* derive.c: opens try_sql and prepares try_statement, once. */
enum ec_status ec_derive_open_try(struct ec_derivation *derivation, struct ec_err *err) EC_MUST_USE;

/* derive_plan.c. Chooses each expression's way, and prepares d->rows and d->values. */
enum ec_status ec_derive_plan(struct ec_derivation *d, struct ec_err *err) EC_MUST_USE;
/* The expressions for every row anew, after values or numbers were given up. */
enum ec_status ec_derive_plan_rows(struct ec_derivation *d, struct ec_err *err) EC_MUST_USE;
/* The type of a derived column as the statement's column gives it. */
enum ec_status ec_derive_note_type(struct ec_derivation *d, size_t index, duckdb_prepared_statement statement,
                                   size_t column, struct ec_err *err) EC_MUST_USE;
void ec_part_release(struct ec_part *part);
/* Prepares the expressions of `wanted`, a bitmap, and what they need; notes the types of their results. */
enum ec_status ec_part_prepare(struct ec_derivation *d, const uint64_t *wanted, struct ec_part *part,
                               struct ec_err *err) EC_MUST_USE;
/* Whether a function's result hangs on its arguments alone. */
bool ec_derive_function_is_pure(const char *name);

/* derive_value.c */
enum ec_status ec_values_init(struct ec_derivation *d, struct ec_values *v, struct ec_err *err) EC_MUST_USE;
void ec_values_deinit(struct ec_values *v);
/* Evaluates what the batch's dictionary has and is not known. *failed: some value cannot be computed. */
enum ec_status ec_values_learn(struct ec_derivation *d, struct ec_values *v, const struct ec_batch *batch, bool *failed,
                               struct ec_err *err) EC_MUST_USE;
/* Gives each row the results of its value. */
void ec_values_spread(const struct ec_derivation *d, struct ec_values *v, struct ec_batch *batch, size_t first,
                      uint64_t **rule_failed);

/* derive_probe.c: gives up programs that do not give what DuckDB gives for made-up values. */
enum ec_status ec_derive_probe(struct ec_derivation *d, struct ec_err *err) EC_MUST_USE;

/* derive_eval.c: n values of a derived column from a vector; texts go to `texts`. */
enum ec_status ec_derive_take(const struct ec_derivation *d, size_t index, duckdb_vector vector, size_t n,
                              struct ec_column *column, size_t row, struct ec_arena *texts,
                              struct ec_err *err) EC_MUST_USE;
/* Sets the bits of rows for which a rule is false. */
void ec_derive_take_rule(duckdb_vector vector, size_t row, size_t n, uint64_t *failed);

#endif
