/* The rows of a wide model's tables that belong together, where their joins are nothing but equal columns and days
 * (ec_wide_join): by our own hash join, instead of DuckDB's narrow query.
 *
 * The first table's rows are taken a window at a time: as many of its row groups as have WIDE_WINDOW_ROWS together, or
 * half as many in a job of more than two windows.
 * For each joined table the window's keys are put into an index, the other's are read past it a row group at a time,
 * and the numbers of the rows that match are kept, in order. The window's rows then come one after the other with
 * their matches, so that nothing needs to be sorted. A hash finds, the values decide.
 *
 *     struct wide_join *join;
 *     EC_TRY(wide_join_open(&input, &join, err));
 *     do EC_TRY(wide_join_next(join, run, err)); while (run->rows > 0);
 *     wide_join_close(join);
 *
 * Memory: while a table is joined, the window's keys and some 40 bytes a row; then 8 bytes a match. It does not grow
 * with the tables; what grows is how often the others' keys are met, once a window (run/wide_hashes.h). A row group past
 * WIDE_GROUP_ROWS, and a window with more than WIDE_MATCHES, give EC_TABLE_FORMAT, as do parts that only DuckDB reads:
 * it can spill. One thread. Private to run/.
 */
#ifndef EC_RUN_WIDE_JOIN_H
#define EC_RUN_WIDE_JOIN_H

#include "run/wide_hashes.h"
#include "run/wide_rows.h"

#define WIDE_WINDOW_ROWS ((size_t)256 << 10) /* rows of the first table at a time, but for a row group that has more */
#define WIDE_WINDOW_MANY ((size_t)128 << 10) /* where the job has more than two such windows */
#define WIDE_GROUP_ROWS  ((size_t)4 << 20)   /* of one of its row groups */
#define WIDE_MATCHES     ((size_t)8 << 20)   /* of one joined table with a window */

struct wide_join_input {
    const struct ec_model *model; /* whose wide->join is known */
    const struct ec_partitions *touched;
    const struct ec_model_files *files; /* per input of the model: those that are needed, in their order */
    struct ec_wide_hashes *hashes;      /* of the joined tables, from other jobs and for them; NULL: none are kept */
    bool (*stopped)(void *);            /* asked for every row group; NULL allowed. True gives EC_INTERRUPTED */
    void *context;
};

struct wide_join;

/* What input points to is borrowed for the join's life. */
enum ec_status wide_join_open(const struct wide_join_input *input, struct wide_join **join, struct ec_err *err) EC_MUST_USE;
void wide_join_close(struct wide_join *join); /* NULL allowed */
/* Whether the next call begins with joining another window, which takes memory. */
bool wide_join_window_ends(const struct wide_join *join);
/* Fills the run, which is empty, with the next rows; it stays empty behind the last one. */
enum ec_status wide_join_next(struct wide_join *join, struct wide_values *run, struct ec_err *err) EC_MUST_USE;

/* Whether a row of that joined table matches one of the first table's; stops at the first. */
enum ec_status wide_join_any(const struct wide_join_input *input, size_t table, bool *any, struct ec_err *err) EC_MUST_USE;

#endif
