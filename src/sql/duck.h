/* What the files of sql/ share: the session's insides, DuckDB's errors and types in ours.
 * Included by no other folder.
 */
#ifndef EC_SQL_DUCK_H
#define EC_SQL_DUCK_H

#include "base/buf.h"
#include "sql/duck_calls.h"
#include "sql/session.h"
#include "sql/text.h"

#include <jansson.h>
#include <stdatomic.h>

#define EC_SQL_TEXT_MAX ((size_t)64 * EC_MIB) /* of a statement: a view may name many parts */

struct ec_sql {
    duckdb_database database; /* NULL: another session's */
    duckdb_connection connection;
    atomic_bool interrupted; /* DuckDB forgets an interrupt that comes between two statements */
    struct ec_sql_options options; /* without the paths, which the caller owns */
    struct ec_buf inputs; /* of the model at hand: WITH …, which its query begins with (model_bind.c) */
};

/* Opens a session; `disabled_optimizers` is a list for DuckDB's setting of that name, or NULL. */
enum ec_status ec_sql_open_with(const struct ec_sql_options *options, const char *disabled_optimizers, struct ec_sql **sql,
                                struct ec_err *err) EC_MUST_USE;

/* Adds exact_decimal() to the session's database (exact.c). */
enum ec_status ec_duck_add_exact(struct ec_sql *sql, struct ec_err *err) EC_MUST_USE;

/* DuckDB's message as an error of ours: out of memory and interrupts have their own status,
 * everything else is `status`. *position, if not NULL, receives the byte of the statement that
 * the message is about, or SIZE_MAX. Returns the status. */
enum ec_status ec_duck_fail(struct ec_err *err, enum ec_status status, const char *message, size_t *position);

/* Prepares one statement. *position as above. The statement is the caller's to destroy. */
enum ec_status ec_duck_prepare(struct ec_sql *sql, const char *text, duckdb_prepared_statement *statement,
                               enum ec_status status, size_t *position, struct ec_err *err) EC_MUST_USE;

/* Drives a pending statement to its end (or, if it streams, to its first rows). The result is
 * the caller's to destroy, after failures too. */
enum ec_status ec_duck_finish(struct ec_sql *sql, duckdb_pending_result pending, duckdb_result *result,
                              struct ec_err *err) EC_MUST_USE;

#define EC_SQL_TREE_MAX ((size_t)256 * EC_MIB)

/* The text that a statement of one row and one column gives, appended. */
enum ec_status ec_duck_text(struct ec_sql *sql, const char *query, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* The tree below as JSON text, appended. */
enum ec_status ec_duck_tree_text(struct ec_sql *sql, const char *text, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* DuckDB's syntax tree of the statements, parsed and not bound: what json_serialize_sql() gives,
 * a statement that it cannot parse included ("error"). `what` names the text in messages. The tree
 * is the caller's. */
enum ec_status ec_duck_tree(struct ec_sql *sql, const char *text, const char *what, json_t **tree,
                            struct ec_err *err) EC_MUST_USE;

/* A column of a result: what DuckDB has and what it is for us. */
struct ec_duck_type {
    duckdb_type id;
    duckdb_type storage;        /* of a decimal or enum: the integer that holds it */
    struct ec_column_type type; /* ours */
    bool direct;                /* the vector's values are our column's as they are */
    struct ec_text *words;      /* of an enum; owned */
    char **word_memory;         /* owned, with the library's calls */
    size_t word_count;
};

/* Whether DuckDB's type has one of ours; *out is to be released in either case. */
bool ec_duck_type_of(duckdb_logical_type logical, struct ec_duck_type *out);
void ec_duck_type_release(struct ec_duck_type *type);
/* DuckDB's own type of a column, NULL where it failed; the caller's to destroy. */
duckdb_logical_type ec_duck_logical(struct ec_column_type type);
/* The type as SQL writes it: "DECIMAL(10,2)"; out holds at least 32 bytes. `instant` says that
 * a datetime is TIMESTAMPTZ, as our parts store it, else TIMESTAMP. */
void ec_duck_type_sql(struct ec_column_type type, bool instant, char *out);
/* As people read it, for messages: "INTERVAL", "LIST". */
const char *ec_duck_type_word(duckdb_type id);

/* Copies n values of the vector into column->values and ->valid from row `first`, zeros under
 * nulls. Texts stay views of DuckDB's memory, but for UUIDs, which go to `scratch`. EC_ENGINE
 * where a value does not fit our type, naming the column; EC_NO_MEMORY. */
enum ec_status ec_duck_read(const struct ec_duck_type *type, duckdb_vector vector, size_t n, struct ec_column *column,
                            size_t first, struct ec_arena *scratch, struct ec_err *err) EC_MUST_USE;

/* The other way: n rows of the column from `first` on, a multiple of 64, into a fresh vector. Texts stay views of the
 * column's memory. */
void ec_duck_write(const struct ec_column *column, size_t first, size_t n, duckdb_vector vector);

#endif
