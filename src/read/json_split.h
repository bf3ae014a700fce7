/* Ranges of a large file of JSON lines, to be read in parallel.
 *
 * A range starts at a '{' that is the first byte of a line, where a record always starts once
 * the file's first record has bound records to lines (json_layout.h): reading the ranges one by
 * one gives the rows of reading the whole. The file is read once, for its line numbers.
 *
 *     struct ec_range *range;
 *     EC_TRY(ec_json_split(path, source, config->chunk_bytes, &arena, &range, &count, err));
 */
#ifndef EC_READ_JSON_SPLIT_H
#define EC_READ_JSON_SPLIT_H

#include "base/arena.h"
#include "config/config.h"
#include "read/range.h"

/* Ranges of at least chunk_bytes (but the last), in the file's order, covering every byte; *ranges
 * is the arena's. One range for an array, for records that span lines, for a file that starts with
 * garbage, for a compressed file, for a file that reading will refuse, and where the file is no
 * longer than chunk_bytes. EC_UNREADABLE, EC_IO, EC_NO_MEMORY, EC_FILE_CHANGED. */
enum ec_status ec_json_split(const char *path, const struct ec_source *source, uint64_t chunk_bytes,
                             struct ec_arena *arena, struct ec_range **ranges, size_t *count,
                             struct ec_err *err) EC_MUST_USE;

#endif
