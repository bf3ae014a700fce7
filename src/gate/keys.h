/* Keys: which rows say the same thing twice.
 *
 * A row's identity is the 128-bit XXH3 of its key columns' values. Within a task a bounded set
 * finds repetitions as they come. Every accepted row's key also goes to a key file, in runs sorted
 * by hash, which the driver merges over all tasks and the loaded partitions: so files are compared
 * with files without sharing memory, the answer does not depend on scheduling, and what did not
 * fit the bounded set is still found. A row with a null in its key has no key.
 *
 * Key file: records of 32 bytes, little-endian as in memory, in sorted runs of at most
 * EC_KEY_RUN records.
 */
#ifndef EC_GATE_KEYS_H
#define EC_GATE_KEYS_H

#include "base/batch.h"
#include "base/hash.h"

#define EC_KEY_RUN         262144u /* records of a sorted run: 8 MiB */
#define EC_KEY_COLUMNS_MAX 32u

struct ec_key {
    struct ec_hash128 hash;
    uint64_t offset; /* of the record in its file: its identity there */
    uint64_t line;
};

/* The hash of the row's key columns, at most EC_KEY_COLUMNS_MAX; false where one is null. Equal values of equal types
 * give equal hashes, whether they come from a reader or from DuckDB. */
bool ec_key_hash(const struct ec_batch *batch, const size_t *columns, size_t count, size_t row,
                 struct ec_hash128 *hash);

/* Keys met so far in this task, up to a maximum. */
struct ec_key_set;
enum ec_status ec_key_set_create(size_t bytes_max, struct ec_key_set **set, struct ec_err *err) EC_MUST_USE;
void ec_key_set_destroy(struct ec_key_set *set);
/* True and *first where the key was met; else remembers it, while there is room. */
bool ec_key_set_meet(struct ec_key_set *set, const struct ec_key *key, struct ec_key *first);

struct ec_key_writer;
enum ec_status ec_key_writer_create(const char *path, struct ec_key_writer **writer, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_key_writer_add(struct ec_key_writer *writer, const struct ec_key *key,
                                 struct ec_err *err) EC_MUST_USE;
/* *count records were written. The file is closed, not synced: it lives as long as the run. */
enum ec_status ec_key_writer_finish(struct ec_key_writer *writer, uint64_t *count, struct ec_err *err) EC_MUST_USE;
void ec_key_writer_destroy(struct ec_key_writer *writer); /* NULL allowed; removes an unfinished file */

/* Merges key files in order of (hash, rank, offset). The file with the lowest rank comes first. There
 * may be thousands: none is kept open, and their buffers share a fixed amount of memory. */
struct ec_key_input {
    const char *path; /* borrowed until the merge is closed */
    uint32_t rank;
};
struct ec_key_merge;
enum ec_status ec_key_merge_open(const struct ec_key_input *input, size_t count, struct ec_key_merge **merge,
                                 struct ec_err *err) EC_MUST_USE;
/* *end at the end; else the next key and the rank of its file. */
enum ec_status ec_key_merge_next(struct ec_key_merge *merge, struct ec_key *key, uint32_t *rank, bool *end,
                                 struct ec_err *err) EC_MUST_USE;
void ec_key_merge_close(struct ec_key_merge *merge); /* NULL allowed */

#endif
