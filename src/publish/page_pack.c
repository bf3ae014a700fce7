#include "publish/page_pack.h"

#include "base/base64.h"
#include "base/io.h"
#include "base/limits.h"

#include <isa-l/igzip_lib.h>

/* What deflate may add to what it cannot squeeze, and the frame. */
#define ROOM(n) ((n) + (n) / 64 + (size_t)64 * EC_KIB)

enum ec_status ec_page_pack(struct ec_str text, struct ec_buf *out, struct ec_err *err) {
    struct isal_zstream z;
    size_t room = ROOM(text.n);
    /* Of zeros: the same text is to be the same bytes each time. */
    uint8_t *level = ec_calloc(ISAL_DEF_LVL3_DEFAULT, 1), *to = room <= UINT32_MAX ? ec_malloc(room) : NULL;
    enum ec_status status = level && to ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to squeeze the facts of the page");
    if (status == EC_OK) {
        isal_deflate_init(&z);
        z.level = 3;
        z.level_buf = level;
        z.level_buf_size = ISAL_DEF_LVL3_DEFAULT;
        z.gzip_flag = IGZIP_ZLIB;
        z.end_of_stream = 1;
        z.next_in = (uint8_t *)(uintptr_t)text.p;
        z.avail_in = (uint32_t)text.n;
        z.next_out = to;
        z.avail_out = (uint32_t)room;
        bool done = isal_deflate(&z) == COMP_OK && z.avail_in == 0 && z.internal_state.state == ZSTATE_END;
        if (done) ec_base64_add(out, to, z.total_out);
        else status = ec_fail(err, EC_DELIVERY, "ISA-L could not squeeze the facts of the page");
    }
    ec_free(level);
    ec_free(to);
    return status == EC_OK ? ec_buf_check(out, err) : status;
}
