/* ISA-L's streaming inflate over a stream below, with the bounds that make a bomb an error.
 *
 * ISA-L decodes straight into the caller's buffer once its history is filled; a caller that
 * asks for a large window (1 MiB) therefore pays for one copy of 32 to 64 KiB per window.
 */
#ifndef EC_SOURCE_INFLATE_H
#define EC_SOURCE_INFLATE_H

#include "source/layer.h"

#include <isa-l/igzip_lib.h>

/* One window of input gives ISA-L some 1 MiB of JSON to decode in one call. */
#define EC_INFLATE_INPUT (128 * EC_KIB)

enum ec_inflate_state {
    EC_INFLATE_MORE,
    EC_INFLATE_END,   /* the deflate data (and its gzip trailer) are complete and right */
    EC_INFLATE_SHORT, /* the input ended before them */
    EC_INFLATE_BAD,   /* invalid block, distance, header, CRC or length */
};

struct ec_inflate {
    struct ec_stream *below; /* borrowed */
    const char *name;        /* borrowed; for messages */
    uint64_t consumed;
    uint64_t produced;
    uint64_t produced_max;
    bool below_ended;
    struct inflate_state state;
    unsigned char input[EC_INFLATE_INPUT];
};

/* `wrapper` is ISAL_GZIP_NO_HDR_VER (behind a gzip header; ISA-L checks CRC and length of the
 * trailer) or ISAL_GZIP_NO_HDR (raw deflate with state.crc computed). */
void ec_inflate_init(struct ec_inflate *z, struct ec_stream *below, const char *name, uint64_t produced_max,
                     uint32_t wrapper);
/* Forgets the member that ended; unread input stays. */
void ec_inflate_restart(struct ec_inflate *z, uint32_t wrapper);

/* At least n bytes (n <= 16) at state.next_in, fewer only where the input ends. */
enum ec_status ec_inflate_fill(struct ec_inflate *z, size_t n, struct ec_err *err) EC_MUST_USE;

/* Decodes up to n > 0 bytes. EC_BOMB past a bound, or an error of the stream below. */
enum ec_status ec_inflate_step(struct ec_inflate *z, void *out, size_t n, size_t *made, enum ec_inflate_state *state,
                               struct ec_err *err) EC_MUST_USE;

/* Bytes that were read from below and do not belong to the deflate data that ended. */
size_t ec_inflate_unused(const struct ec_inflate *z);

#endif
