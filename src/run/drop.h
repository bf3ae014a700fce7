/* Drop lists: rows of a file that repeat a key of an earlier file or a loaded partition.
 *
 * The driver finds them after all files were read once, and has the file's task run again with
 * the list. One JSON object a line, in order of offset:
 *     {"offset":1234,"file":"user_sessions/sessions_1.csv","line":17}
 * where offset is that of the row and file and line are those of the first occurrence.
 */
#ifndef EC_RUN_DROP_H
#define EC_RUN_DROP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct ec_drop {
    uint64_t offset;
    const char *first_file;
    uint64_t first_line;
};

struct ec_drop_list {
    struct ec_arena arena;
    struct ec_drop *drop; /* in order of offset */
    size_t count;
};

void ec_drop_write(struct ec_buf *out, const struct ec_drop *drop);
enum ec_status ec_drop_list_load(const char *path, struct ec_drop_list *list, struct ec_err *err) EC_MUST_USE;
void ec_drop_list_deinit(struct ec_drop_list *list);
/* The entry for a row's offset, or NULL. */
const struct ec_drop *ec_drop_find(const struct ec_drop_list *list, uint64_t offset);

#endif
