/* A table's new parts: rows routed by their partition into Parquet files.
 *
 *     struct ec_table_writer *w;
 *     EC_TRY(ec_table_writer_create(&options, &w, err));
 *     EC_TRY(ec_table_writer_append(w, &batch, rows, n, err));
 *     EC_TRY(ec_table_writer_finish(w, err));       // every part written and synced
 *     for (i...) ec_table_writer_part(w, i)
 *     ec_table_writer_destroy(w);
 *
 * Batch columns are matched to the file's by name; a column that a later batch adds is null in
 * the rows before. The partition column lies in the folder's name only. Memory is bounded by a
 * constant, not by what is free or how many workers there are: the parts' bytes depend on the
 * rows alone. One thread.
 */
#ifndef EC_STORE_TABLE_WRITER_H
#define EC_STORE_TABLE_WRITER_H

#include "store/parquet.h"

struct ec_table_writer_options {
    const char *dir;          /* where parts go; partition folders are made below it */
    const char *name;         /* of the parts: "<name>-000.parquet" */
    const char *partition_by; /* a column of the batches; NULL */
    size_t rows_per_group;
};

struct ec_part {
    char *path;      /* relative to dir, not URI-encoded: "date=2025-07-18/part-….parquet" */
    char *partition; /* its value as text; NULL for null or an unpartitioned table */
    struct ec_part_stats stats;
};

struct ec_table_writer;

enum ec_status ec_table_writer_create(const struct ec_table_writer_options *options, struct ec_table_writer **writer,
                                      struct ec_err *err) EC_MUST_USE;
/* Appends the n rows named by rows, or the first n where rows is NULL. */
enum ec_status ec_table_writer_append(struct ec_table_writer *writer, const struct ec_batch *batch, const uint32_t *rows,
                                      size_t n, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_table_writer_finish(struct ec_table_writer *writer, struct ec_err *err) EC_MUST_USE;
size_t ec_table_writer_parts(const struct ec_table_writer *writer);
const struct ec_part *ec_table_writer_part(const struct ec_table_writer *writer, size_t index);
/* Removes the files where it was not finished. NULL allowed. */
void ec_table_writer_destroy(struct ec_table_writer *writer);

#endif
