/* CSV export of batches (RFC 4180): a header, LF line ends, cells quoted where they must be.
 *
 * Null is an empty cell and the empty text is "". Numbers are the shortest text that reads back
 * to the same value, decimals have their fixed digits, dates and datetimes are ISO 8601 in UTC,
 * booleans true and false. A text that starts with = + - @, tab or CR gets a leading ' so that
 * a spreadsheet does not run it; numbers never do. A null in a table of one column is written as
 * "" because readers pass over empty lines. The bytes depend on the rows alone.
 *
 * Files of the same columns are written one after the other, and appear together when `durable`
 * (base/durable.h) is committed. A file of up to EC_CSV_HELD bytes is made in memory and not written
 * where it holds these bytes already; a larger one goes to its temporary file piece by piece. One
 * writer per path at a time; not thread-safe.
 *
 *     struct ec_csv_out *out;
 *     EC_TRY(ec_csv_out_create(column, count, durable, &out, err));
 *     EC_TRY(ec_csv_out_begin(out, path, err));                     // and so on for each file
 *     EC_TRY(ec_csv_out_append(out, &batch, map, NULL, batch.rows, err));
 *     EC_TRY(ec_csv_out_end(out, &bytes, err));
 *     ec_csv_out_destroy(out);               // abandons the file that was not ended
 *     EC_TRY(ec_durable_commit(durable, err));
 */
#ifndef EC_STORE_CSV_OUT_H
#define EC_STORE_CSV_OUT_H

#include "base/batch.h"
#include "base/durable.h"

#define EC_CSV_HELD ((size_t)8 << 20)

struct ec_csv_out;

/* A writer of files with a header of these names, which are copied. *out is owned by the caller;
 * `durable` is borrowed. EC_NO_MEMORY. */
enum ec_status ec_csv_out_create(const char *const *column, size_t count, struct ec_durable *durable,
                                 struct ec_csv_out **out, struct ec_err *err) EC_MUST_USE;

/* Begins the file at `path`, whose folder must exist. EC_IO where the path is too long. */
enum ec_status ec_csv_out_begin(struct ec_csv_out *out, const char *path, struct ec_err *err) EC_MUST_USE;

/* Appends n rows. map[i] is the batch column of the file's column i, or SIZE_MAX for all null;
 * NULL takes 0..count-1. rows[0..n-1] are the rows to take, in that order; NULL takes 0..n-1.
 * EC_IO, EC_DISK_FULL, EC_NO_MEMORY. */
enum ec_status ec_csv_out_append(struct ec_csv_out *out, const struct ec_batch *batch, const size_t *map,
                                 const uint32_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;

/* Hands the file to `durable`. *bytes (may be NULL) receives its size. */
enum ec_status ec_csv_out_end(struct ec_csv_out *out, uint64_t *bytes, struct ec_err *err) EC_MUST_USE;
void ec_csv_out_destroy(struct ec_csv_out *out); /* NULL allowed */

#endif
