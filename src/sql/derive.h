/* Derived columns and `expression` rules: row-wise SQL over a batch, in one statement.
 *
 * All expressions of a source are prepared once as
 *     SELECT (d1) AS "d1", ..., (r1), ... FROM <the batch>
 * so that a later derived column and every rule may name an earlier one. Only the columns that
 * are named are served. A row's result depends on that row alone: aggregates, windows,
 * subqueries and volatile functions (random) are refused when it is created.
 *
 * Not all of that statement is run for every batch. A column as it is and a datetime's date are taken
 * directly. What reads one text column alone (a category from an endpoint) is computed once for each
 * of its values, and kept, where the batch has it coded (base/coder.h). The rest is one statement.
 *
 * An expression that fails for a row (a cast, an overflow) costs that row: the batch is
 * evaluated again with every expression in TRY(), in a second session that is opened for the
 * first such batch. The row gets a derive-error fault with the column, or fails that rule. A
 * later expression sees the failed column as null.
 *
 * In SQL a datetime is a TIMESTAMP in UTC; TIMESTAMPTZ results are taken as their instant.
 * HUGEINT results become integers, decimals of more than 18 digits decimals of 18; a value that
 * does not fit is a derive-error. One session, one thread.
 */
#ifndef EC_SQL_DERIVE_H
#define EC_SQL_DERIVE_H

#include "base/batch.h"
#include "config/config.h"
#include "sql/session.h"

struct ec_derivation;

/* Prepares the expressions of the source against its declared columns. An error in one is
 * EC_CONFIG at its file and line, with DuckDB's message and the nearest column. The session and
 * the source are borrowed for the derivation's life. */
enum ec_status ec_derive_create(struct ec_sql *sql, const struct ec_source *source, struct ec_derivation **derivation,
                                struct ec_err *err) EC_MUST_USE;
void ec_derive_destroy(struct ec_derivation *derivation); /* NULL allowed */
/* Has it close its session when it is destroyed. */
void ec_derive_own(struct ec_derivation *derivation, struct ec_sql *sql);

/* The derived columns: as many as source->derive_count, with the types that DuckDB gave them. */
const struct ec_column_type *ec_derive_types(const struct ec_derivation *derivation);

/* Evaluates over all rows of the batch. The derived columns are batch columns
 * first..first+derive_count-1, added by the caller with ec_derive_types(); their texts and codes are
 * borrowed until the next batch. rule_failed[k] (a bitmap over rows, zeroed by the caller) gets the rows for
 * which the k-th expression rule of the source is false; null passes. Rows already rejected are
 * evaluated too (their bad cells are null). */
enum ec_status ec_derive_eval(struct ec_derivation *derivation, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                              struct ec_err *err) EC_MUST_USE;

#endif
