#if defined(__x86_64__)

#include "base/sha256_lanes.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define SHA    __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE SHA static inline __attribute__((always_inline))

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The state as the instructions want it, and sixteen words of the message's schedule. */
struct registers {
    __m128i abef, cdgh;
    __m128i before_abef, before_cdgh;
    __m128i words[4];
};

INLINE __m128i load(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}

INLINE void enter(struct registers *r, const struct ec_sha256_lane *lane) {
    __m128i cdab = _mm_shuffle_epi32(load(lane->state), 0xB1);
    __m128i efgh = _mm_shuffle_epi32(load(lane->state + 4), 0x1B);
    r->abef = _mm_alignr_epi8(cdab, efgh, 8);
    r->cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
}

INLINE void leave(const struct registers *r, struct ec_sha256_lane *lane) {
    __m128i feba = _mm_shuffle_epi32(r->abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(r->cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)lane->state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(lane->state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

INLINE void begin_block(struct registers *r, const char *p) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    r->before_abef = r->abef;
    r->before_cdgh = r->cdgh;
    r->words[0] = _mm_shuffle_epi8(load(p), big_endian);
    r->words[1] = _mm_shuffle_epi8(load(p + 16), big_endian);
    r->words[2] = _mm_shuffle_epi8(load(p + 32), big_endian);
    r->words[3] = _mm_shuffle_epi8(load(p + 48), big_endian);
}

INLINE void end_block(struct registers *r) {
    r->abef = _mm_add_epi32(r->abef, r->before_abef);
    r->cdgh = _mm_add_epi32(r->cdgh, r->before_cdgh);
}

/* Four rounds with the words 4i to 4i+3, which then become those of sixteen rounds later. */
INLINE void four_rounds(struct registers *r, unsigned i) {
    __m128i *w = r->words;
    __m128i k = _mm_add_epi32(w[i % 4], load(constants + 4 * i));
    r->cdgh = _mm_sha256rnds2_epu32(r->cdgh, r->abef, k);
    r->abef = _mm_sha256rnds2_epu32(r->abef, r->cdgh, _mm_shuffle_epi32(k, 0x0E));
    if (i >= 12) return;
    __m128i sum = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
    sum = _mm_add_epi32(sum, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
    w[i % 4] = _mm_sha256msg2_epu32(sum, w[(i + 3) % 4]);
}

/* Written out sixteen times: what is indexed must be registers. */
#define SIXTEEN(STEP)                                                                             \
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11) \
    STEP(12) STEP(13) STEP(14) STEP(15)
#define ONE(I) four_rounds(&r, I);
#define TWO(I) four_rounds(&r, I); four_rounds(&s, I);

SHA void ec_sha256_lane_add(struct ec_sha256_lane *lane, const void *p, size_t blocks) {
    struct registers r;
    enter(&r, lane);
    for (const char *at = p, *end = at + blocks * EC_SHA256_BLOCK; at < end; at += EC_SHA256_BLOCK) {
        begin_block(&r, at);
        SIXTEEN(ONE)
        end_block(&r);
    }
    leave(&r, lane);
}

SHA void ec_sha256_lanes_add(struct ec_sha256_lane *a, const void *p, struct ec_sha256_lane *b, const void *q, size_t blocks) {
    struct registers r, s;
    const char *of_b = q;
    enter(&r, a);
    enter(&s, b);
    for (const char *at = p, *end = at + blocks * EC_SHA256_BLOCK; at < end; at += EC_SHA256_BLOCK) {
        begin_block(&r, at);
        begin_block(&s, of_b);
        SIXTEEN(TWO)
        end_block(&r);
        end_block(&s);
        of_b += EC_SHA256_BLOCK;
    }
    leave(&r, a);
    leave(&s, b);
}

void ec_sha256_lane_begin(struct ec_sha256_lane *lane) {
    static const struct ec_sha256_lane first = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                                 0x1f83d9ab, 0x5be0cd19}};
    *lane = first;
}

void ec_sha256_lane_end(struct ec_sha256_lane *lane, const void *rest, size_t n, uint64_t bytes, char hex[EC_SHA256_HEX]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char last[2 * EC_SHA256_BLOCK] = {0};
    size_t blocks = n + 9 > EC_SHA256_BLOCK ? 2 : 1;
    if (n > 0) memcpy(last, rest, n);
    last[n] = 0x80;
    uint64_t bits = __builtin_bswap64(bytes * 8);
    memcpy(last + blocks * EC_SHA256_BLOCK - 8, &bits, 8);
    ec_sha256_lane_add(lane, last, blocks);
    for (size_t i = 0; i < 64; i++) hex[i] = digits[lane->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}

bool ec_sha256_lanes_here(void) {
    unsigned a, b, c, d;
    const char *asked = getenv("ECLUSE_CPU");
    if (asked && strcmp(asked, "scalar") == 0) return false;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

#endif
