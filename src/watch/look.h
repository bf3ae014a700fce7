/* What lies in the drop folder, at one moment, and what is different from another.
 *
 * Names are told apart as discovery does: hidden files and marks (`.done`) are nothing, transfers
 * under a name of their own (`.part`, `.tmp`) are no data yet, symbolic links are passed over. A
 * folder that cannot be read is passed over too: the run will name it.
 *
 *     struct ec_look before, after;
 *     EC_TRY(ec_look_take("data/raw", &before, err));
 *     …
 *     const char *name = ec_look_news(&before, &after);   // a data file that is new or changed
 *     ec_look_deinit(&before);
 */
#ifndef EC_WATCH_LOOK_H
#define EC_WATCH_LOOK_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

enum ec_name_kind {
    EC_NAME_NOTHING, /* hidden, or a mark of ours */
    EC_NAME_PART,    /* a transfer under way; no data before it is renamed */
    EC_NAME_DATA,
};

enum ec_name_kind ec_name_kind(const char *name);

struct ec_look_file {
    const char *path; /* below the folder */
    uint64_t bytes, inode;
    int64_t mtime_ns;
    bool data; /* else a transfer under way */
};

struct ec_look {
    struct ec_arena arena;
    struct ec_look_file *file; /* sorted by path, bytewise */
    size_t count, cap;
};

/* EC_IO where the folder itself cannot be read. The caller calls ec_look_deinit in any case. */
enum ec_status ec_look_take(const char *dir, struct ec_look *look, struct ec_err *err) EC_MUST_USE;
void ec_look_deinit(struct ec_look *look);

/* The first data file of `after` that `before` has not, or has with another size, time or inode;
 * NULL where there is none. Borrowed from `after`. Its number in *count, unless that is NULL. */
const char *ec_look_news(const struct ec_look *before, const struct ec_look *after, size_t *count);
/* Whether anything is different, transfers under way and removals too. */
bool ec_look_differs(const struct ec_look *before, const struct ec_look *after);

#endif
