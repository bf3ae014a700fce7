/* Files among the tables of a store that no version names.
 *
 * Nothing is put there before the project's log names it, so they come from another writer whose commit was refused, or of
 * HDFS from a put that was killed under its temporary name. They cost room and disturb no reader. One is removed only when
 * it is so old that nobody can be about to name it. */
#ifndef EC_RUN_MIRROR_ORPHANS_H
#define EC_RUN_MIRROR_ORPHANS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define EC_ORPHAN_DAYS 7 /* old, until one may be removed: longer than any run */

struct ec_orphan {
    const char *address;
    uint64_t bytes;
    int64_t mtime_us;
    bool removed;
};

struct ec_orphans {
    struct ec_arena arena;
    struct ec_orphan *orphan;
    size_t count;
};

void ec_orphans_free(struct ec_orphans *orphans);

#endif
