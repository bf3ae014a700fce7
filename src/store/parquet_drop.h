/* A copy of a finished part without some of its rows.
 *
 * For duplicates that are found when the part is written already. Pages that lose no row are copied
 * as they lie, others decompressed, cut and compressed again, with the codes and the dictionary that
 * they have: nothing is hashed, and no value that stays is looked at but where a bound went away.
 * Pages do not grow together; a row group that loses all rows vanishes. What the footer counts and
 * bounds is exact. The bytes hang on the file and the rows alone.
 *
 *     EC_TRY(ec_parquet_drop_rows("part.parquet", "part.new", rows, n, &stats, err));
 *     if (stats.rows == 0) ...   // nothing was left, and no file made
 */
#ifndef EC_STORE_PARQUET_DROP_H
#define EC_STORE_PARQUET_DROP_H

#include "store/parquet.h"

/* `out` must not exist; it is synced, and removed on failure. rows[] rise strictly, numbered over the
 * whole file. Memory: some pages and, where a bound is to be found anew, a column of a row group.
 * *stats is the caller's to deinit, and empty on failure and where no row is left. EC_TABLE_FORMAT
 * where `in` is damaged or not of our encoder, or lacks such a row. */
enum ec_status ec_parquet_drop_rows(const char *in, const char *out, const uint64_t *rows, size_t n,
                                    struct ec_part_stats *stats, struct ec_err *err) EC_MUST_USE;

#endif
