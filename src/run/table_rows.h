/* All rows of a small table, read by our own reader (store/parquet_read.h).
 *
 * DuckDB takes about a millisecond for each file that it opens, and a KPI table has one for each day: for the few
 * hundred rows of an export or of the page's figures that is most of the work.
 *
 *     struct ec_table_rows rows;
 *     EC_TRY(ec_table_rows_read(&table, file, count, 100000, &rows, err));  // EC_TABLE_FORMAT: take DuckDB
 *     rows.batch.column[i] is table.column[i], the partition column included; rows.batch.rows may be any number
 *     ec_table_rows_deinit(&rows);
 *
 * The rows come file by file, in the files' order. One thread.
 */
#ifndef EC_RUN_TABLE_ROWS_H
#define EC_RUN_TABLE_ROWS_H

#include "run/table.h"

struct ec_table_rows {
    struct ec_batch batch; /* rows, columns and their values alone; owned by the arena */
    struct ec_arena arena;
};

/* EC_TABLE_FORMAT where there are more rows than `most`, or the reader does not read them as the table's columns. *rows is
 * to be deinitialised in either case. */
enum ec_status ec_table_rows_read(const struct ec_table *table, const struct ec_table_file *file, size_t count, size_t most,
                                  struct ec_table_rows *rows, struct ec_err *err) EC_MUST_USE;
void ec_table_rows_deinit(struct ec_table_rows *rows);

#endif
