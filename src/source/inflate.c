#include "source/inflate.h"

#include <assert.h>

void ec_inflate_init(struct ec_inflate *z, struct ec_stream *below, const char *name, uint64_t produced_max,
                     uint32_t wrapper) {
    z->below = below;
    z->name = name;
    z->consumed = 0;
    z->produced = 0;
    z->produced_max = produced_max;
    z->below_ended = false;
    isal_inflate_init(&z->state);
    z->state.crc_flag = wrapper;
    z->state.next_in = z->input;
    z->state.avail_in = 0;
}

void ec_inflate_restart(struct ec_inflate *z, uint32_t wrapper) {
    isal_inflate_reset(&z->state);
    z->state.crc_flag = wrapper;
}

enum ec_status ec_inflate_fill(struct ec_inflate *z, size_t n, struct ec_err *err) {
    struct inflate_state *s = &z->state;
    if (s->avail_in >= n || z->below_ended) return EC_OK;
    memmove(z->input, s->next_in, s->avail_in);
    s->next_in = z->input;
    while (s->avail_in < n && !z->below_ended) {
        size_t got;
        EC_TRY(ec_stream_read(z->below, z->input + s->avail_in, sizeof z->input - s->avail_in, &got, err));
        s->avail_in += (uint32_t)got;
        z->below_ended = got == 0;
    }
    return EC_OK;
}

static enum ec_status check_bounds(const struct ec_inflate *z, struct ec_err *err) {
    if (z->produced > z->produced_max)
        return ec_fail(err, EC_BOMB, "%s expands past %llu bytes, the limit of one member", z->name,
                       (unsigned long long)z->produced_max);
    if (z->produced > EC_INFLATE_RATIO_FROM && z->produced / EC_INFLATE_RATIO_MAX > z->consumed)
        return ec_fail(err, EC_BOMB, "%s expands more than %u times (%llu bytes gave %llu)", z->name,
                       EC_INFLATE_RATIO_MAX, (unsigned long long)z->consumed, (unsigned long long)z->produced);
    return EC_OK;
}

enum ec_status ec_inflate_step(struct ec_inflate *z, void *out, size_t n, size_t *made, enum ec_inflate_state *state,
                               struct ec_err *err) {
    struct inflate_state *s = &z->state;
    assert(n > 0);
    *made = 0;
    EC_TRY(ec_inflate_fill(z, 1, err));
    uint32_t offered = s->avail_in;
    uint32_t room = n > INT32_MAX ? INT32_MAX : (uint32_t)n;
    s->next_out = out;
    s->avail_out = room;
    int code = isal_inflate(s);
    uint32_t taken = offered - s->avail_in;
    *made = room - s->avail_out;
    z->consumed += taken;
    z->produced += *made;

    if (code < ISAL_DECOMP_OK || code == ISAL_NEED_DICT)
        *state = EC_INFLATE_BAD;
    else if (s->block_state == ISAL_BLOCK_FINISH)
        *state = EC_INFLATE_END;
    else if (*made > 0 || taken > 0)
        *state = EC_INFLATE_MORE;
    else /* no step forward: without input it is truncated, with input it never ends */
        *state = s->avail_in == 0 && z->below_ended ? EC_INFLATE_SHORT : EC_INFLATE_BAD;
    return check_bounds(z, err);
}

size_t ec_inflate_unused(const struct ec_inflate *z) {
    size_t buffered = z->state.read_in_length > 0 ? (size_t)z->state.read_in_length / 8 : 0;
    return z->state.avail_in + buffered;
}
