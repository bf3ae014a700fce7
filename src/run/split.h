/* Splitting a large plain file into ranges that are read in parallel. */
#ifndef EC_RUN_SPLIT_H
#define EC_RUN_SPLIT_H

#include "read/range.h"
#include "source/discover.h"

/* The ranges of the input, at record boundaries; *count is 0 where the file is read whole: it
 * is not above chunk_bytes, or compressed, an archive member, a workbook, or a JSON array. A file
 * that cannot be read is left whole too: its task will say why. */
enum ec_status ec_split_input(const struct ec_input *input, uint64_t chunk_bytes, struct ec_arena *arena,
                              struct ec_range **range, size_t *count, struct ec_err *err) EC_MUST_USE;

#endif
