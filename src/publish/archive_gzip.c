#include "publish/archive_gzip.h"

#include "base/io.h"

#include <isa-l/igzip_lib.h>

#define CHUNK ((size_t)256 * EC_KIB)

struct ec_gzip_writer {
    int fd;
    const char *path;
    uint64_t written;
    struct isal_zstream z;
    uint8_t level[ISAL_DEF_LVL1_DEFAULT];
    uint8_t out[CHUNK];
};

enum ec_status ec_gzip_writer_create(int fd, const char *path, struct ec_gzip_writer **out, struct ec_err *err) {
    struct ec_gzip_writer *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", path);
    w->fd = fd;
    w->path = path;
    isal_deflate_init(&w->z);
    w->z.level = 1;
    w->z.level_buf = w->level;
    w->z.level_buf_size = sizeof w->level;
    w->z.gzip_flag = IGZIP_GZIP;
    w->z.flush = NO_FLUSH;
    *out = w;
    return EC_OK;
}

static enum ec_status deflate_some(struct ec_gzip_writer *w, struct ec_err *err) {
    w->z.next_out = w->out;
    w->z.avail_out = CHUNK;
    if (isal_deflate(&w->z) != COMP_OK) return ec_fail(err, EC_DELIVERY, "ISA-L could not compress into %s", w->path);
    size_t made = CHUNK - w->z.avail_out;
    w->written += made;
    return ec_file_write(w->fd, w->out, made, w->path, err);
}

enum ec_status ec_gzip_write(struct ec_gzip_writer *w, const void *p, size_t n, struct ec_err *err) {
    const uint8_t *from = p;
    while (n > 0) {
        size_t part = n < CHUNK ? n : CHUNK;       /* its counters have 32 bits */
        w->z.next_in = (uint8_t *)(uintptr_t)from; /* not written to */
        w->z.avail_in = (uint32_t)part;
        while (w->z.avail_in > 0) EC_TRY(deflate_some(w, err));
        from += part;
        n -= part;
    }
    return EC_OK;
}

enum ec_status ec_gzip_finish(struct ec_gzip_writer *w, struct ec_err *err) {
    w->z.end_of_stream = 1;
    w->z.next_in = NULL;
    w->z.avail_in = 0;
    while (w->z.internal_state.state != ZSTATE_END) EC_TRY(deflate_some(w, err));
    return EC_OK;
}

uint64_t ec_gzip_written(const struct ec_gzip_writer *w) {
    return w->written;
}

void ec_gzip_writer_destroy(struct ec_gzip_writer *w) {
    ec_free(w);
}

struct ec_gzip_reader {
    int fd;
    bool begun, file_ended, ended;
    char *path; /* owned */
    uint64_t consumed;
    struct inflate_state z;
    uint8_t in[CHUNK];
    uint8_t out[CHUNK];
};

enum ec_status ec_gzip_reader_create(const char *path, struct ec_gzip_reader **out, struct ec_err *err) {
    struct ec_gzip_reader *r = ec_calloc(1, sizeof *r);
    if (!r) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", path);
    r->fd = -1;
    r->path = ec_strdup(path);
    enum ec_status status =
        r->path ? ec_file_open(path, &r->fd, NULL, err) : ec_fail(err, EC_NO_MEMORY, "no memory to read %s", path);
    if (status != EC_OK) {
        ec_gzip_reader_destroy(r);
        return status;
    }
    isal_inflate_init(&r->z);
    r->z.crc_flag = ISAL_GZIP;
    *out = r;
    return EC_OK;
}

static enum ec_status fill(struct ec_gzip_reader *r, struct ec_err *err) {
    if (r->z.avail_in > 0 || r->file_ended) return EC_OK;
    size_t got;
    EC_TRY(ec_file_read(r->fd, r->in, CHUNK, &got, r->path, err));
    r->file_ended = got < CHUNK;
    r->consumed += got;
    r->z.next_in = r->in;
    r->z.avail_in = (uint32_t)got;
    if (!r->begun && (got < 2 || r->in[0] != 0x1F || r->in[1] != 0x8B))
        return ec_fail(err, EC_GZIP_NOT, "%s is not gzip", r->path);
    r->begun = true;
    return EC_OK;
}

/* The stream is whole; nothing may follow it. */
static enum ec_status check_end(struct ec_gzip_reader *r, struct ec_err *err) {
    uint8_t one;
    size_t unused = r->z.avail_in + (r->z.read_in_length > 0 ? (size_t)r->z.read_in_length / 8 : 0), got = 0;
    if (!r->file_ended) EC_TRY(ec_file_read(r->fd, &one, 1, &got, r->path, err));
    if (unused + got > 0) return ec_fail(err, EC_GZIP_TRAILING, "bytes follow the gzip stream of %s", r->path);
    r->ended = true;
    return EC_OK;
}

enum ec_status ec_gzip_read(struct ec_gzip_reader *r, const void **p, size_t *n, struct ec_err *err) {
    *p = r->out;
    *n = 0;
    while (*n == 0 && !r->ended) {
        EC_TRY(fill(r, err));
        uint32_t before = r->z.avail_in;
        r->z.next_out = r->out;
        r->z.avail_out = CHUNK;
        int code = isal_inflate(&r->z);
        *n = CHUNK - r->z.avail_out;
        if (code < ISAL_DECOMP_OK || code == ISAL_NEED_DICT)
            return ec_fail(err, EC_GZIP_DAMAGED, "%s is damaged near byte %llu of the compressed stream", r->path,
                           (unsigned long long)(r->consumed - r->z.avail_in));
        if (r->z.block_state == ISAL_BLOCK_FINISH)
            EC_TRY(check_end(r, err));
        else if (*n == 0 && r->z.avail_in == 0 && r->file_ended)
            return ec_fail(err, EC_GZIP_TRUNCATED, "%s ends too early, after %llu bytes", r->path,
                           (unsigned long long)r->consumed);
        else if (*n == 0 && r->z.avail_in == before && before > 0)
            return ec_fail(err, EC_GZIP_DAMAGED, "%s is damaged: its compressed stream never ends", r->path);
    }
    return EC_OK;
}

uint64_t ec_gzip_consumed(const struct ec_gzip_reader *r) {
    return r->consumed;
}

void ec_gzip_reader_destroy(struct ec_gzip_reader *r) {
    if (!r) return;
    if (r->fd >= 0) (void)ec_io.close(r->fd);
    ec_free(r->path);
    ec_free(r);
}
