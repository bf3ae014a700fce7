/* Which rows of a task repeat which: pairs of offsets, in the order of the repetitions.
 *
 * Should the first row of a key turn out to be a repetition itself, of another file's row, its own
 * repetitions are that row's: their lines in quarantine say so. A binary file below the task's
 * folder, made with the first pair; it lives as long as the run.
 */
#ifndef EC_RUN_REPEATS_H
#define EC_RUN_REPEATS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_REPEATS_BUFFER 512u

struct ec_repeat {
    uint64_t offset; /* of the row */
    uint64_t first;  /* offset of the row that it repeats */
};

/* A file that is written, or one that is read. */
struct ec_repeats {
    const char *path; /* borrowed */
    int fd;           /* -1: none */
    size_t at, n;     /* in the buffer */
    struct ec_repeat pair[EC_REPEATS_BUFFER];
};

void ec_repeats_init(struct ec_repeats *repeats, const char *path);
enum ec_status ec_repeats_add(struct ec_repeats *repeats, struct ec_repeat pair, struct ec_err *err) EC_MUST_USE;
/* *any: whether there is a file. */
enum ec_status ec_repeats_finish(struct ec_repeats *repeats, bool *any, struct ec_err *err) EC_MUST_USE;

/* After ec_repeats_init(), for a file that there is. */
enum ec_status ec_repeats_open(struct ec_repeats *repeats, struct ec_err *err) EC_MUST_USE;
/* The next pair, or NULL behind the last one, or where no file is open. */
enum ec_status ec_repeats_peek(struct ec_repeats *repeats, const struct ec_repeat **pair,
                               struct ec_err *err) EC_MUST_USE;
void ec_repeats_pass(struct ec_repeats *repeats); /* goes on behind it */

void ec_repeats_close(struct ec_repeats *repeats);

#endif
