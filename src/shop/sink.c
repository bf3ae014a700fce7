#include "shop/sink.h"

#include "base/io.h"

enum ec_status ec_shop_sink_file(struct ec_shop_sink *sink, char *buf, const char *path, struct ec_err *err) {
    *sink = (struct ec_shop_sink){.fd = -1, .path = path, .line = 1, .buf = buf};
    return ec_file_create(path, &sink->fd, err);
}

/* RFC 1952: no name, no time, an unknown system. */
static const unsigned char gzip_header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

void ec_shop_sink_gzip(struct ec_shop_sink *sink, char *buf, struct ec_shop_deflate *z, struct ec_buf *packed) {
    *sink = (struct ec_shop_sink){.fd = -1, .path = "", .z = z, .packed = packed, .line = 1, .buf = buf};
    ec_buf_clear(packed);
    ec_buf_add(packed, gzip_header, sizeof gzip_header);
    ec_shop_deflate_begin(z, packed);
}

enum ec_status ec_shop_sink_flush(struct ec_shop_sink *sink, struct ec_err *err) {
    size_t n = sink->n;
    sink->n = 0;
    sink->flushed += n;
    if (n == 0) return EC_OK;
    if (!sink->z) return ec_file_write(sink->fd, sink->buf, n, sink->path, err);
    ec_shop_deflate_feed(sink->z, sink->buf, n);
    return ec_buf_check(sink->packed, err);
}

static enum ec_status finish_gzip(struct ec_shop_sink *sink, struct ec_err *err) {
    ec_shop_deflate_end(sink->z);
    uint64_t trailer = (uint64_t)ec_shop_deflate_crc(sink->z) | ec_shop_deflate_bytes(sink->z) << 32;
    for (unsigned i = 0; i < 8; i++) ec_buf_addc(sink->packed, (char)(trailer >> 8 * i & 0xFF));
    return ec_buf_check(sink->packed, err);
}

enum ec_status ec_shop_sink_finish(struct ec_shop_sink *sink, struct ec_err *err) {
    EC_TRY(ec_shop_sink_flush(sink, err));
    if (sink->z) return finish_gzip(sink, err);
    int fd = sink->fd;
    sink->fd = -1;
    return ec_file_finish(fd, sink->path, err);
}

void ec_shop_sink_abandon(struct ec_shop_sink *sink) {
    if (sink->fd >= 0) ec_file_abandon(sink->fd, sink->path);
    sink->fd = -1;
}
