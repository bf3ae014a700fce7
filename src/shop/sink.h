/* Where a file's decoded bytes go: to the disk, or through gzip into a buffer. Counts bytes and
 * lines, because the answer key names a row by them. */
#ifndef EC_SHOP_SINK_H
#define EC_SHOP_SINK_H

#include "base/buf.h"
#include "base/limits.h"
#include "shop/deflate.h"

#define EC_SHOP_ROW_MAX  (8 * EC_KIB) /* bytes of one written row */
#define EC_SHOP_SINK_CAP (256 * EC_KIB)

struct ec_shop_sink {
    int fd;                    /* of a plain file, or -1 */
    const char *path;          /* borrowed */
    struct ec_shop_deflate *z; /* of a gzip member; borrowed */
    struct ec_buf *packed;     /* what it becomes; borrowed */
    uint64_t flushed;
    uint64_t line; /* of the byte that is written next, from 1 */
    size_t n;
    char *buf; /* EC_SHOP_SINK_CAP + EC_SHOP_ROW_MAX */
};

/* `buf` is borrowed. A plain file is created; a member begins with its gzip header. */
enum ec_status ec_shop_sink_file(struct ec_shop_sink *sink, char *buf, const char *path,
                                 struct ec_err *err) EC_MUST_USE;
void ec_shop_sink_gzip(struct ec_shop_sink *sink, char *buf, struct ec_shop_deflate *z, struct ec_buf *packed);

/* Room for one row at the returned place; give back its end. */
static inline char *ec_shop_sink_begin(struct ec_shop_sink *sink) {
    return sink->buf + sink->n;
}
static inline uint64_t ec_shop_sink_offset(const struct ec_shop_sink *sink) {
    return sink->flushed + sink->n;
}
enum ec_status ec_shop_sink_flush(struct ec_shop_sink *sink, struct ec_err *err) EC_MUST_USE;
static inline enum ec_status ec_shop_sink_end(struct ec_shop_sink *sink, const char *end, struct ec_err *err) {
    sink->n = (size_t)(end - sink->buf);
    return sink->n < EC_SHOP_SINK_CAP ? EC_OK : ec_shop_sink_flush(sink, err);
}

/* Writes what is left, and a member's trailer; closes the file. */
enum ec_status ec_shop_sink_finish(struct ec_shop_sink *sink, struct ec_err *err) EC_MUST_USE;
/* Removes a plain file that was not finished. */
void ec_shop_sink_abandon(struct ec_shop_sink *sink);

#endif
