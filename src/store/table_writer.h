/* A table's new parts: rows routed by their partition into Parquet files.
 *
 *     struct ec_table_writer *w;
 *     EC_TRY(ec_table_writer_create(&options, &w, err));
 *     EC_TRY(ec_table_writer_append(w, &batch, rows, n, err));
 *     EC_TRY(ec_table_writer_finish(w, err));       // every part written, and synced
 *     for (i...) ec_table_writer_part(w, i)
 *     ec_table_writer_destroy(w);
 *
 * Batch columns are matched to the file's by name; a column that a later batch adds is null in
 * the rows before. The partition column (date, text, integer or boolean, else EC_CONFIG) lies in the
 * folder's name only; the empty text is null, as Delta has it. A partition may get several parts
 * where more are met than may be open. Memory is bounded by a constant, not by what is free or how many workers there
 * are: the parts' bytes depend on the rows alone. One thread.
 */
#ifndef EC_STORE_TABLE_WRITER_H
#define EC_STORE_TABLE_WRITER_H

#include "store/parquet.h"

struct ec_table_writer_options {
    const char *dir;          /* where parts go; partition folders are made below it */
    const char *name;         /* of the parts: "<name>-000.parquet" */
    const char *partition_by; /* a column of the batches; NULL */
    size_t rows_per_group;
    size_t parts_max; /* EC_NO_MEMORY past it: rows in no order of their partitions; 0: no limit */
    struct ec_durable *durable; /* is handed the parts: the caller commits, and removes them where that fails. NULL:
                                 * ec_table_writer_finish() syncs them together */
    bool one_by_one; /* rows come partition by partition: a part is finished when the next one begins */
};

/* Where a row lies: the part's index, and the row's number in it, from 0. */
struct ec_row_place {
    uint32_t part;
    uint32_t row; /* UINT32_MAX: it does not fit, nor does any behind it */
};

/* Files that a writer holds open: see ec_files_raise(). */
#define EC_TABLE_WRITER_OPEN_MAX 1024u

/* Whether the cell can be a partition's value: a text of at most 80 bytes, a date of the years 1 to
 * 9999, or null. Others fail ec_table_writer_append() with EC_TABLE_FORMAT. */
bool ec_partition_fits(const struct ec_column *column, size_t row);

struct ec_part {
    char *path;      /* relative to dir, not URI-encoded: "date=2025-07-18/part-….parquet" */
    char *partition; /* its value as text; NULL for null or an unpartitioned table */
    struct ec_part_stats stats;
};

struct ec_table_writer;

enum ec_status ec_table_writer_create(const struct ec_table_writer_options *options, struct ec_table_writer **writer,
                                      struct ec_err *err) EC_MUST_USE;
/* Appends the n rows named by rows, or the first n where rows is NULL. */
enum ec_status ec_table_writer_append(struct ec_table_writer *writer, const struct ec_batch *batch,
                                      const uint32_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;
/* From now on keeps where the rows of an append went; each has at most EC_BATCH_ROWS then. */
enum ec_status ec_table_writer_keep_places(struct ec_table_writer *writer, struct ec_err *err) EC_MUST_USE;
/* Of the last append's rows, in their order there. */
const struct ec_row_place *ec_table_writer_places(const struct ec_table_writer *writer);
enum ec_status ec_table_writer_finish(struct ec_table_writer *writer, struct ec_err *err) EC_MUST_USE;
size_t ec_table_writer_parts(const struct ec_table_writer *writer);
const struct ec_part *ec_table_writer_part(const struct ec_table_writer *writer, size_t index);
/* Removes the files where it was not finished. NULL allowed. */
void ec_table_writer_destroy(struct ec_table_writer *writer);

#endif
