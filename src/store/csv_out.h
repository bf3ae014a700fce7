/* CSV export of batches (RFC 4180): a header, LF line ends, cells quoted where they must be.
 *
 * Null is an empty cell and the empty text is "". Numbers are the shortest text that reads back
 * to the same value, decimals have their fixed digits, dates and datetimes are ISO 8601 in UTC,
 * booleans true and false. A text that starts with = + - @, tab or CR gets a leading ' so that
 * a spreadsheet does not run it; numbers never do. A null in a table of one column is written as
 * "" because readers pass over empty lines. The bytes depend on the rows alone.
 *
 * The file is written beside its place under a name that starts with '.', synced, and renamed
 * into place: a reader sees the old file or the new one, never half of one. One writer per path
 * at a time; not thread-safe.
 *
 *     struct ec_csv_out *out;
 *     EC_TRY(ec_csv_out_open(path, column, count, &out, err));
 *     EC_TRY(ec_csv_out_append(out, &batch, map, NULL, batch.rows, err));
 *     EC_TRY(ec_csv_out_finish(out, &bytes, err));
 *     ec_csv_out_destroy(out);               // removes the file where it was not finished
 */
#ifndef EC_STORE_CSV_OUT_H
#define EC_STORE_CSV_OUT_H

#include "base/batch.h"

struct ec_csv_out;

/* Begins the file at `path` (its folder must exist) with a header of these names, which are
 * copied. *out is owned by the caller. EC_IO, EC_DISK_FULL, EC_NO_MEMORY. */
enum ec_status ec_csv_out_open(const char *path, const char *const *column, size_t count, struct ec_csv_out **out,
                               struct ec_err *err) EC_MUST_USE;

/* Appends n rows. map[i] is the batch column of the file's column i, or SIZE_MAX for all null;
 * NULL takes 0..count-1. rows[0..n-1] are the rows to take, in that order; NULL takes 0..n-1. */
enum ec_status ec_csv_out_append(struct ec_csv_out *out, const struct ec_batch *batch, const size_t *map,
                                 const uint32_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;

/* Writes what is left, syncs, and puts the file in place. *bytes (may be NULL) receives its size. */
enum ec_status ec_csv_out_finish(struct ec_csv_out *out, uint64_t *bytes, struct ec_err *err) EC_MUST_USE;
void ec_csv_out_destroy(struct ec_csv_out *out); /* NULL allowed */

#endif
