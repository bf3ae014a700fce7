#include "source/gzip_header.h"

#include <isa-l/crc.h>

#define FIXED_BYTES   10u
#define METHOD        8u
#define FLAG_CRC      0x02u
#define FLAG_EXTRA    0x04u
#define FLAG_NAME     0x08u
#define FLAG_COMMENT  0x10u
#define FLAG_RESERVED 0xe0u

struct header {
    struct ec_inflate *z;
    uint32_t crc; /* over what has been passed */
    struct ec_err *err;
    enum ec_status status;
    enum ec_inflate_state state; /* EC_INFLATE_MORE: nothing is wrong yet */
};

/* Moves behind n bytes that are at hand. */
static void pass(struct header *h, uint32_t n) {
    struct inflate_state *s = &h->z->state;
    h->crc = crc32_gzip_refl(h->crc, s->next_in, n);
    s->next_in += n;
    s->avail_in -= n;
    h->z->consumed += n;
}

/* The next n bytes (n <= 16), or NULL. */
static const unsigned char *need(struct header *h, uint32_t n) {
    if (h->state != EC_INFLATE_MORE) return NULL;
    h->status = ec_inflate_fill(h->z, n, h->err);
    if (h->status == EC_OK && h->z->state.avail_in >= n) return h->z->state.next_in;
    h->state = EC_INFLATE_SHORT;
    return NULL;
}

static void skip_bytes(struct header *h, uint32_t n) {
    while (n > 0 && need(h, 1)) {
        uint32_t at_hand = h->z->state.avail_in < n ? h->z->state.avail_in : n;
        pass(h, at_hand);
        n -= at_hand;
    }
}

static void skip_text(struct header *h) {
    const unsigned char *p, *nul = NULL;
    while (!nul && (p = need(h, 1))) {
        uint32_t at_hand = h->z->state.avail_in;
        nul = memchr(p, 0, at_hand);
        pass(h, nul ? (uint32_t)(nul - p) + 1 : at_hand);
    }
}

static void skip_extra(struct header *h) {
    const unsigned char *p = need(h, 2);
    if (!p) return;
    uint32_t n = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    pass(h, 2);
    skip_bytes(h, n);
}

static void check_crc(struct header *h) {
    uint32_t crc = h->crc & 0xffff;
    const unsigned char *p = need(h, 2);
    if (!p) return;
    if (((uint32_t)p[0] | (uint32_t)p[1] << 8) != crc) h->state = EC_INFLATE_BAD;
    pass(h, 2);
}

enum ec_status ec_gzip_header_skip(struct ec_inflate *z, enum ec_inflate_state *state, struct ec_err *err) {
    struct header h = {.z = z, .err = err, .status = EC_OK, .state = EC_INFLATE_MORE};
    const unsigned char *p = need(&h, FIXED_BYTES);
    unsigned flags = p ? p[3] : 0;
    if (p && (p[0] != 0x1f || p[1] != 0x8b || p[2] != METHOD || (flags & FLAG_RESERVED))) h.state = EC_INFLATE_BAD;
    if (p) pass(&h, FIXED_BYTES);
    if (flags & FLAG_EXTRA) skip_extra(&h);
    if (flags & FLAG_NAME) skip_text(&h);
    if (flags & FLAG_COMMENT) skip_text(&h);
    if (flags & FLAG_CRC) check_crc(&h);
    *state = h.state == EC_INFLATE_MORE ? EC_INFLATE_END : h.state;
    return h.status;
}
