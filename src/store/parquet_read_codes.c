/* Hybrid runs of codes, unpacked eight at a time: parquet_page.c packs them. */
#include "store/parquet_read_internal.h"

/* Eight codes of `width` bits from p, where ten bytes more than they take can be read. With a
 * constant width this is two loads, and a shift and a mask a code. */
static inline void unpack8(uint32_t *to, const uint8_t *p, uint32_t width) {
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    if (width <= 16) {
        uint64_t low, high;
        memcpy(&low, p, 8);
        memcpy(&high, p + width / 2, 8); /* the fifth code starts 4 * width bits in: on a byte, or half of one */
        high >>= width % 2 * 4;
        for (uint32_t k = 0; k < 4; k++) to[k] = (uint32_t)(low >> k * width & mask);
        for (uint32_t k = 0; k < 4; k++) to[4 + k] = (uint32_t)(high >> k * width & mask);
        return;
    }
    for (uint32_t k = 0; k < 8; k++) {
        uint64_t v;
        memcpy(&v, p + k * width / 8, 8);
        to[k] = (uint32_t)(v >> k * width % 8 & mask);
    }
}

#define WIDTH(w)                                                                                                       \
    case w:                                                                                                            \
        for (size_t g = 0; g < groups; g++) unpack8(to + g * 8, p + g * w, w);                                         \
        break;

static void unpack(uint32_t *to, const uint8_t *p, size_t groups, uint32_t width) {
    /* clang-format off */
    switch (width) {
        WIDTH(1) WIDTH(2) WIDTH(3) WIDTH(4) WIDTH(5) WIDTH(6) WIDTH(7) WIDTH(8)
        WIDTH(9) WIDTH(10) WIDTH(11) WIDTH(12) WIDTH(13) WIDTH(14) WIDTH(15) WIDTH(16)
    default:
        for (size_t g = 0; g < groups; g++) unpack8(to + g * 8, p + g * width, width);
    }
    /* clang-format on */
}

/* Whether all are below count (which is below 2^31): a sign bit in the sum of all says no. */
static bool all_below(const uint32_t *code, size_t n, uint32_t count) {
    uint32_t past[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++) past[k] |= (count - 1 - code[i + k]) | code[i + k];
    for (; i < n; i++) past[0] |= (count - 1 - code[i]) | code[i];
    return (past[0] | past[1] | past[2] | past[3]) >> 31 == 0;
}

bool pq_codes_read(const uint8_t *p, size_t bytes, uint32_t *to, size_t n, uint32_t count) {
    if (bytes == 0 || *p > PQ_READ_CODE_BITS) return false;
    uint32_t width = *p;
    struct pq_in in = {.p = p + 1, .end = p + bytes};
    for (size_t at = 0; at < n;) {
        uint64_t run = pq_in_varint(&in), length = run >> 1;
        if (length == 0) return false;
        if (run & 1) {
            size_t groups = (n - at + 7) / 8;
            if (length > groups) return false;
            const uint8_t *from = pq_in_take(&in, length * width);
            if (!from) return false;
            unpack(to + at, from, length, width);
            size_t whole = length * 8 < n - at ? length * 8 : n - at;
            if (!all_below(to + at, whole, count)) return false;
            at += whole;
        } else {
            const uint8_t *from = pq_in_take(&in, (width + 7) / 8);
            uint32_t code = 0;
            if (!from || length > n - at) return false;
            memcpy(&code, from, (width + 7) / 8);
            if (code >= count) return false;
            for (size_t k = 0; k < length; k++) to[at + k] = code;
            at += length;
        }
    }
    return in.p == in.end;
}
