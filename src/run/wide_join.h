/* The rows of a wide model's tables that belong together, where their joins are nothing but equal columns and days
 * (ec_wide_join): by our own hash join, instead of DuckDB's narrow query.
 *
 * For each joined table the first table's keys are put into an index, the other's are read past it a row group at a
 * time, and the numbers of the rows that match are kept, in order. The first table's rows then come one after the
 * other with their matches, so that nothing needs to be sorted. A hash finds, the values decide.
 *
 *     struct wide_join *join;
 *     EC_TRY(wide_join_open(&input, &join, err));
 *     do wide_join_next(join, run); while (run->rows > 0);
 *     wide_join_close(join);
 *
 * Memory: while a table is joined, the first table's keys and some 20 bytes a row; then 8 bytes a match. Past
 * WIDE_FIRST_ROWS or WIDE_MATCHES open gives EC_TABLE_FORMAT, as for parts that only DuckDB reads: it can spill.
 * One thread. Private to run/.
 */
#ifndef EC_RUN_WIDE_JOIN_H
#define EC_RUN_WIDE_JOIN_H

#include "run/wide_rows.h"

#define WIDE_FIRST_ROWS ((size_t)4 << 20) /* rows of the first table */
#define WIDE_MATCHES    ((size_t)8 << 20) /* of one joined table */

struct wide_join_input {
    const struct ec_model *model; /* whose wide->join is known */
    const struct ec_partitions *touched;
    const struct ec_model_files *files; /* per input of the model: those that are needed, in their order */
    bool (*stopped)(void *);            /* asked for every row group; NULL allowed. True gives EC_INTERRUPTED */
    void *context;
};

struct wide_join;

/* What input points to is borrowed for the join's life. */
enum ec_status wide_join_open(const struct wide_join_input *input, struct wide_join **join, struct ec_err *err) EC_MUST_USE;
void wide_join_close(struct wide_join *join); /* NULL allowed */
/* Fills the run, which is empty, with the next rows; it stays empty behind the last one. */
void wide_join_next(struct wide_join *join, struct wide_values *run);

/* Whether a row of that joined table matches one of the first table's; stops at the first. */
enum ec_status wide_join_any(const struct wide_join_input *input, size_t table, bool *any, struct ec_err *err) EC_MUST_USE;

#endif
