/* Cutting a large plain CSV file into ranges that are read apart.
 *
 * A newline may lie in a quoted field, so a file cannot be cut blindly. This goes through it once
 * with the reader's own scanner (at several times the speed of reading) and cuts only where a record
 * starts and where no verdict before it looked further, so that any split gives the same rows, line
 * numbers and faults as reading the whole.
 *
 *     EC_TRY(ec_csv_split(path, source, chunk_bytes, &arena, &range, &count, err));
 *     EC_TRY(ec_csv_header(path, source, &arena, &names, &names_count, err));
 */
#ifndef EC_READ_CSV_SPLIT_H
#define EC_READ_CSV_SPLIT_H

#include "read/csv_header.h"
#include "read/range.h"

/* At least one range, of at least chunk_bytes each but the last; the first holds the header. A file
 * that is compressed or not declared UTF-8 cannot be entered in the middle: one range with end 0,
 * which means to its end. The ranges are owned by the arena. The errors of a stream and of a header. */
enum ec_status ec_csv_split(const char *path, const struct ec_source *source, uint64_t chunk_bytes,
                            struct ec_arena *arena, const struct ec_range **ranges, size_t *count,
                            struct ec_err *err) EC_MUST_USE;

/* The same for an open input, so that tests can shrink its limits. */
enum ec_status ec_csv_split_input(struct ec_csv_input *input, const char *path, uint64_t chunk_bytes,
                                  struct ec_arena *arena, const struct ec_range **ranges, size_t *count,
                                  struct ec_err *err) EC_MUST_USE;

#endif
