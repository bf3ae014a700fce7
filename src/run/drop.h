/* Drop lists: rows of a file that repeat a key of an earlier file or a loaded partition.
 *
 * The driver finds them after all files were read once, and gives the file's tasks the list. One
 * JSON object a line, in order of offset:
 *     {"offset":1234,"file":"user_sessions/sessions_1.csv","line":17,
 *      "row":{"line":99,"length":210,"part":0,"row":80,"hash":"00112233445566778899aabbccddeeff"}}
 * where offset is that of the row; file and line are those of the first occurrence; `row` says where
 * the row itself lies, in the file and in the parts that its task has made, and the hash of its key.
 * Without `row` it can only be found by reading again.
 */
#ifndef EC_RUN_DROP_H
#define EC_RUN_DROP_H

#include "base/buf.h"
#include "gate/keys.h"

struct ec_drop {
    struct ec_key key; /* the row's; only its offset is known where not `placed` */
    bool placed;
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
