/* gzip (RFC 1952), any number of members one behind the other.
 *
 * ISA-L reads the trailer and compares CRC-32 and length; what it leaves to its caller is the
 * header, and the end: another member, the end of the input, or bytes that are neither. */
#include "base/io.h"
#include "source/gzip_header.h"

struct gzip_stream {
    struct ec_stream base;
    bool in_member;
    uint64_t members;
    struct ec_inflate z;
};

static const unsigned char gzip_magic[] = {0x1f, 0x8b};

/* What stops a member short of its end. */
static enum ec_status check_state(const struct gzip_stream *g, enum ec_inflate_state state, struct ec_err *err) {
    if (state == EC_INFLATE_BAD)
        return ec_fail(err, EC_GZIP_DAMAGED,
                       "%s: the gzip data are damaged near offset %llu, %llu bytes into their content", g->base.name,
                       (unsigned long long)g->z.consumed, (unsigned long long)g->z.produced);
    if (state == EC_INFLATE_SHORT)
        return ec_fail(err, EC_GZIP_TRUNCATED, "%s ends after %llu bytes, within a gzip member", g->base.name,
                       (unsigned long long)g->z.consumed);
    return EC_OK;
}

/* Starts the next member, or finds the verified end. */
static enum ec_status next_member(struct gzip_stream *g, bool *end, struct ec_err *err) {
    *end = false;
    EC_TRY(ec_inflate_fill(&g->z, sizeof gzip_magic, err));
    const struct inflate_state *s = &g->z.state;
    if (s->avail_in == 0) {
        *end = true;
        return EC_OK;
    }
    size_t n = s->avail_in < sizeof gzip_magic ? s->avail_in : sizeof gzip_magic;
    if (memcmp(s->next_in, gzip_magic, n) != 0)
        return ec_fail(err, g->members ? EC_GZIP_TRAILING : EC_GZIP_NOT,
                       g->members ? N_("%s: bytes that are not gzip follow at offset %llu")
                                  : N_("%s is not gzip (offset %llu)"),
                       g->base.name, (unsigned long long)g->z.consumed);
    enum ec_inflate_state header;
    EC_TRY(ec_gzip_header_skip(&g->z, &header, err));
    EC_TRY(check_state(g, header, err));
    ec_inflate_restart(&g->z, ISAL_GZIP_NO_HDR_VER);
    g->in_member = true;
    g->members++;
    return EC_OK;
}

static enum ec_status gzip_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    struct gzip_stream *g = (struct gzip_stream *)stream;
    *got = 0;
    while (*got < n) {
        if (!g->in_member) {
            bool end;
            EC_TRY(next_member(g, &end, err));
            if (end) break;
        }
        size_t made;
        enum ec_inflate_state state;
        EC_TRY(ec_inflate_step(&g->z, (char *)buf + *got, n - *got, &made, &state, err));
        *got += made;
        EC_TRY(check_state(g, state, err));
        if (state == EC_INFLATE_END) g->in_member = false;
    }
    return EC_OK;
}

static const struct ec_stream_ops gzip_ops = {.compression = "gzip", .read = gzip_read, .close = ec_layer_destroy};

enum ec_status ec_stream_gzip(struct ec_stream *below, uint64_t bytes_max, struct ec_stream **stream,
                              struct ec_err *err) {
    struct ec_stream *base;
    enum ec_status status = ec_layer_create(sizeof(struct gzip_stream), &gzip_ops, below->name, &base, err);
    if (status != EC_OK) {
        ec_stream_close(below);
        return status;
    }
    struct gzip_stream *g = (struct gzip_stream *)base;
    base->below = below;
    if (strcmp(below->compression, "none") != 0) base->compression = "zip+gzip";
    ec_inflate_init(&g->z, below, base->name, bytes_max ? bytes_max : EC_INFLATE_MEMBER_MAX, ISAL_GZIP_NO_HDR_VER);
    *stream = base;
    return EC_OK;
}
