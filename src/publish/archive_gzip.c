#include "publish/archive_gzip.h"

#include "base/io.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#define CHUNK ((size_t)256 * EC_KIB)
/* Of a stored block: RFC 1951, 3.2.4. */
#define STORED_MAX ((size_t)65535)

/* Noise is told by the bytes of strips of a chunk: a Parquet file, a zip, a picture. */
#define STRIP      ((size_t)256)
#define STRIPS_MAX ((size_t)32)
#define NOISE_MIN  ((size_t)4 * EC_KIB)

struct ec_gzip_writer {
    int fd;
    const char *path;
    uint64_t written;
    uint32_t crc, bytes; /* of what went in, for the trailer */
    bool squeezed;       /* ISA-L holds bytes since its last flush */
    struct isal_zstream z;
    uint8_t level[ISAL_DEF_LVL1_DEFAULT];
    size_t out_n;
    uint8_t out[CHUNK];
};

static enum ec_status write_out(struct ec_gzip_writer *w, struct ec_err *err) {
    size_t n = w->out_n;
    w->written += n;
    w->out_n = 0;
    return ec_file_write(w->fd, w->out, n, w->path, err);
}

static enum ec_status put(struct ec_gzip_writer *w, const void *p, size_t n, struct ec_err *err) {
    for (const uint8_t *from = p; n > 0;) {
        if (w->out_n == CHUNK) EC_TRY(write_out(w, err));
        size_t part = n < CHUNK - w->out_n ? n : CHUNK - w->out_n;
        memcpy(w->out + w->out_n, from, part);
        w->out_n += part;
        from += part;
        n -= part;
    }
    return EC_OK;
}

enum ec_status ec_gzip_writer_create(int fd, const char *path, struct ec_gzip_writer **out, struct ec_err *err) {
    static const uint8_t header[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 0xFF}; /* no name, no time, fast, no system */
    struct ec_gzip_writer *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory to write %s", path);
    w->fd = fd;
    w->path = path;
    isal_deflate_init(&w->z);
    w->z.level = 1;
    w->z.level_buf = w->level;
    w->z.level_buf_size = sizeof w->level;
    w->z.gzip_flag = IGZIP_DEFLATE; /* header and trailer are ours: not all goes through ISA-L */
    w->z.flush = NO_FLUSH;
    memcpy(w->out, header, sizeof header);
    w->out_n = sizeof header;
    *out = w;
    return EC_OK;
}

static enum ec_status deflate_some(struct ec_gzip_writer *w, struct ec_err *err) {
    if (w->out_n == CHUNK) EC_TRY(write_out(w, err));
    w->z.next_out = w->out + w->out_n;
    w->z.avail_out = (uint32_t)(CHUNK - w->out_n);
    if (isal_deflate(&w->z) != COMP_OK) return ec_fail(err, EC_DELIVERY, "ISA-L could not compress into %s", w->path);
    w->out_n = CHUNK - w->z.avail_out;
    return EC_OK;
}

static enum ec_status squeeze(struct ec_gzip_writer *w, const uint8_t *p, size_t n, struct ec_err *err) {
    w->squeezed = true;
    w->z.next_in = (uint8_t *)(uintptr_t)p; /* not written to */
    w->z.avail_in = (uint32_t)n;
    while (w->z.avail_in > 0) EC_TRY(deflate_some(w, err));
    return EC_OK;
}

/* Stored blocks begin at a whole byte, and what ISA-L does not see it must not count distances over: its
 * block is ended, and its history. */
static enum ec_status flush(struct ec_gzip_writer *w, struct ec_err *err) {
    if (!w->squeezed) return EC_OK;
    w->squeezed = false;
    w->z.flush = FULL_FLUSH;
    w->z.next_in = NULL;
    w->z.avail_in = 0;
    do EC_TRY(deflate_some(w, err));
    while (w->z.avail_out == 0);
    w->z.flush = NO_FLUSH;
    return EC_OK;
}

static enum ec_status store(struct ec_gzip_writer *w, const uint8_t *p, size_t n, struct ec_err *err) {
    EC_TRY(flush(w, err));
    while (n > 0) {
        size_t part = n < STORED_MAX ? n : STORED_MAX;
        uint8_t low = (uint8_t)part, high = (uint8_t)(part >> 8);
        const uint8_t header[] = {0, low, high, (uint8_t)~low, (uint8_t)~high};
        EC_TRY(put(w, header, sizeof header, err));
        EC_TRY(put(w, p, part, err));
        p += part;
        n -= part;
    }
    return EC_OK;
}

/* Whether all 256 bytes are about as frequent: more than 7.7 bits a byte (Rényi's entropy of the second order).
 * Squeezing such bytes takes as long as squeezing text; of a zip it saves nothing, of a Parquet file 3.5 %. */
static bool is_noise(const uint8_t *p, size_t n) {
    uint32_t count[256] = {0};
    uint64_t squares = 0;
    if (n < NOISE_MIN) return false;
    size_t strips = n / STRIP < STRIPS_MAX ? n / STRIP : STRIPS_MAX;
    for (size_t i = 0; i < strips; i++) {
        const uint8_t *strip = p + (n - STRIP) / strips * i;
        for (size_t k = 0; k < STRIP; k++) count[strip[k]]++;
    }
    for (size_t i = 0; i < 256; i++) squares += (uint64_t)count[i] * count[i];
    uint64_t m = strips * STRIP;
    return (squares - m) * 208 < m * m; /* 2^7.7 = 208; m is what chance adds */
}

enum ec_status ec_gzip_write(struct ec_gzip_writer *w, const void *p, size_t n, struct ec_err *err) {
    for (const uint8_t *from = p; n > 0;) {
        size_t part = n < CHUNK ? n : CHUNK; /* ISA-L's counters have 32 bits */
        w->crc = crc32_gzip_refl(w->crc, from, part);
        w->bytes += (uint32_t)part;
        EC_TRY(is_noise(from, part) ? store(w, from, part, err) : squeeze(w, from, part, err));
        from += part;
        n -= part;
    }
    return EC_OK;
}

static void little_endian(uint8_t *p, uint32_t v) {
    for (size_t i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

enum ec_status ec_gzip_finish(struct ec_gzip_writer *w, struct ec_err *err) {
    uint8_t trailer[8];
    w->z.end_of_stream = 1;
    w->z.next_in = NULL;
    w->z.avail_in = 0;
    while (w->z.internal_state.state != ZSTATE_END) EC_TRY(deflate_some(w, err));
    little_endian(trailer, w->crc);
    little_endian(trailer + 4, w->bytes);
    EC_TRY(put(w, trailer, sizeof trailer, err));
    return write_out(w, err);
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
