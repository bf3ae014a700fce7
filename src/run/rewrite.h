/* Taking rows out of a table: the files that hold any are written anew without them. */
#ifndef EC_RUN_REWRITE_H
#define EC_RUN_REWRITE_H

#include "run/table.h"

/* Removes the rows for which the SQL predicate over the alias `o` is true, such as
 * "o._file = 'x'" or "EXISTS (SELECT 1 FROM …)". Files without such rows are left as they are.
 * New parts are written below `staging` under names that start with `name`. */
enum ec_status ec_rewrite_without(struct ec_sql *sql, struct ec_table *table, const char *predicate,
                                  const char *staging, const char *name, size_t chunk_rows,
                                  struct ec_err *err) EC_MUST_USE;

/* Adds a finished table writer's parts, written below `dir`, to the table. */
struct ec_table_writer;
enum ec_status ec_table_add_written(struct ec_table *table, const struct ec_table_writer *writer, const char *dir,
                                    struct ec_err *err) EC_MUST_USE;

/* "(SELECT … FROM read_parquet(['…'], …))" over at least one file: every column of the table after this
 * run, the partition column included; with_name adds "# file", the path. */
void ec_scan_sql(struct ec_buf *sql, const struct ec_table *table, const struct ec_table_file *file, size_t count,
                 bool with_name);

#endif
