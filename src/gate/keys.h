/* Keys: which rows say the same thing twice.
 *
 * A row's identity is the 128-bit XXH3 of its key columns' values. Within a task a bounded set
 * finds repetitions as they come. Every accepted row's key also goes to a key file, in runs sorted
 * by hash, which the driver merges over all tasks and the loaded partitions: so files are compared
 * with files without sharing memory, the answer does not depend on scheduling, and what did not
 * fit the bounded set is still found. A row with a null in its key has no key.
 *
 *     keys.c       a batch's keys: their hashes
 *     key_set.c    those met so far in a task
 *     key_sort.c   many of them in order
 *     key_file.c   written in sorted runs
 *     key_merge.c  many files in one order
 *
 * Key file: `struct ec_key` as in memory, in sorted runs of EC_KEY_RUN records, the last one of what
 * is left.
 */
#ifndef EC_GATE_KEYS_H
#define EC_GATE_KEYS_H

#include "base/batch.h"
#include "base/hash.h"

#define EC_KEY_RUN         131072u /* records of a sorted run: they are sorted in a processor's cache */
#define EC_KEY_COLUMNS_MAX 32u

#define EC_KEY_LINE_BITS   40u
#define EC_KEY_LENGTH_BITS 24u
#define EC_KEY_LINE_MAX    ((UINT64_C(1) << EC_KEY_LINE_BITS) - 1)
#define EC_KEY_LENGTH_MAX  ((UINT64_C(1) << EC_KEY_LENGTH_BITS) - 1)

struct ec_key {
    struct ec_hash128 hash;
    uint64_t offset; /* of the record in its file: its identity there */
    uint64_t line : EC_KEY_LINE_BITS;
    uint64_t length : EC_KEY_LENGTH_BITS; /* of the record */
    /* Where the row lies: the part of its task, and the row there (struct ec_row_place). */
    uint32_t part, row;
};

_Static_assert(sizeof(struct ec_key) == 40, "keys are many: they are sorted, written and read");
_Static_assert(EC_RECORD_MAX < 1u << EC_KEY_LENGTH_BITS, "the length of every record that is accepted");

/* The keys of a batch, for its rows that are not rejected and have no null in their key, in their
 * order: key[i].hash is that of row[i], and its other fields are zero. Both have room for
 * EC_BATCH_ROWS; count, of the columns, is 1 to EC_KEY_COLUMNS_MAX. Returns how many there are.
 * Equal values of equal types give equal hashes, whether they come from a reader or from DuckDB. */
size_t ec_key_hash(const struct ec_batch *batch, const size_t *columns, size_t count, struct ec_key *key,
                   uint32_t *row);

/* Keys met so far in this task, up to a maximum. One set serves task after task: new memory costs more
 * than all that is done in it. */
struct ec_key_set;
enum ec_status ec_key_set_create(size_t bytes_max, struct ec_key_set **set, struct ec_err *err) EC_MUST_USE;
void ec_key_set_destroy(struct ec_key_set *set); /* NULL allowed */
void ec_key_set_clear(struct ec_key_set *set);
/* For each of n keys, in their order: first[i] is the one with its hash that was met first, which is
 * the set's until it is cleared; or NULL, and the set remembers it while there is room. */
void ec_key_set_meet(struct ec_key_set *set, const struct ec_key *key, size_t n, const struct ec_key **first);

/* Writes one file after the other, for the same reason. */
struct ec_key_writer;
enum ec_status ec_key_writer_create(struct ec_key_writer **writer, struct ec_err *err) EC_MUST_USE;
/* Creates the file, which must not exist. */
enum ec_status ec_key_writer_open(struct ec_key_writer *writer, const char *path, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_key_writer_add(struct ec_key_writer *writer, const struct ec_key *key, size_t n,
                                 struct ec_err *err) EC_MUST_USE;
/* *count records were written. The file is closed, not synced: it lives as long as the run. */
enum ec_status ec_key_writer_finish(struct ec_key_writer *writer, uint64_t *count, struct ec_err *err) EC_MUST_USE;
/* Removes the file if it was not finished. */
void ec_key_writer_close(struct ec_key_writer *writer);
void ec_key_writer_destroy(struct ec_key_writer *writer); /* closes; NULL allowed */

/* Merges key files and gives out the keys that have an equal, in order of (hash, rank, offset): the
 * file with the lowest rank comes first. A few that have none are among them. There may be thousands
 * of files: none is kept open, and their buffers share a fixed amount of memory. */
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
