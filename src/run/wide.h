/* The rows of a wide model: a narrow join by DuckDB, the columns fetched by row number.
 *
 * DuckDB says which rows of the tables belong together (sql/model.h, ec_model_wide). The rows are
 * put in the order of the tables' row numbers, from the leftmost table on, so that they do not
 * depend on threads; then every column is fetched from the parts, coded where the parts have it
 * coded, and given to the encoder. What DuckDB would spend on reading, hashing and copying forty
 * columns is spent on three numbers.
 *
 * Memory: up to WIDE_RUNS runs of WIDE_RUN_ROWS rows of numbers and values, while DuckDB joins; then,
 * without DuckDB's, WIDE_SLICE_ROWS rows of columns. A table of which a run needs rows from all over
 * (a lookup, such as users) is fetched once per run, the others once per slice. Where there are more
 * rows than the runs hold, both memories are needed at once.
 */
#ifndef EC_RUN_WIDE_H
#define EC_RUN_WIDE_H

#include "run/wide_hashes.h"
#include "sql/model.h"
#include "store/table_writer.h"

struct ec_wide_job {
    const struct ec_model *model;
    const struct ec_partitions *touched;
    const struct ec_model_files *files; /* as for ec_model_bind() */
    struct ec_table_writer *writer;
    struct ec_wide_hashes *hashes; /* shared by the model's jobs; NULL allowed */
    bool (*stopped)(void *);       /* asked now and then, NULL allowed; true gives EC_INTERRUPTED */
    void *context;
};

/* Appends the rows of the touched partitions to the writer. EC_TABLE_FORMAT where a part is not of our encoder: nothing
 * was appended then, and ec_model_query() does it. One thread; the session has one, too. */
enum ec_status ec_wide_write(struct ec_sql *sql, const struct ec_wide_job *job, struct ec_err *err) EC_MUST_USE;

#endif
