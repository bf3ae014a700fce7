/* Finding what matters in JSON text, sixteen bytes at a time.
 *
 * SSE2 belongs to every x86-64 and NEON to every aarch64, so the wide form is inlined and nothing is
 * called; the scalar form is always built, is the oracle of the tests, and serves elsewhere and where
 * the environment asks for it (scan.h). The texts of log records are short (8 to 100 bytes): what
 * counts is the first step, not the width.
 *
 * The two searches stop at a byte below 0x20 and know no length: whoever calls keeps
 * EC_JSON_PADDING zero bytes behind the last byte of the buffer. They read at most that far.
 *
 *     const char *q = ec_scan_json_plain(p);   // *q is '"', '\\', a control or a non-ASCII byte
 */
#ifndef EC_SCAN_JSON_SCAN_H
#define EC_SCAN_JSON_SCAN_H

#include "scan/scan.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define EC_JSON_PADDING 64u

/* The first quote, backslash, control character or byte past ASCII at or behind p. */
static inline const char *ec_scan_json_plain_scalar(const char *p) {
    while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80) p++;
    return p;
}

/* The first quote, backslash or control character at or behind p. */
static inline const char *ec_scan_json_text_scalar(const char *p) {
    while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) p++;
    return p;
}

static inline size_t ec_scan_newlines_scalar(const char *p, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += p[i] == '\n';
    return count;
}

#if defined(__SSE2__)

static inline const char *ec_scan_json_plain_wide(const char *p) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    for (;; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Compared as signed numbers, bytes past ASCII are below the space too. */
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                    _mm_cmplt_epi8(v, space));
        unsigned bits = (unsigned)_mm_movemask_epi8(stop);
        if (bits) return p + __builtin_ctz(bits);
    }
}

static inline const char *ec_scan_json_text_wide(const char *p) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (;; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned bits = (unsigned)_mm_movemask_epi8(stop);
        if (bits) return p + __builtin_ctz(bits);
    }
}

static inline size_t ec_scan_newlines_wide(const char *p, size_t n) {
    const __m128i newline = _mm_set1_epi8('\n'), zero = _mm_setzero_si128();
    size_t count = 0, i = 0;
    while (n - i >= 16) {
        /* Up to 255 steps fit the byte counters. */
        size_t steps = (n - i) / 16 < 255 ? (n - i) / 16 : 255;
        __m128i sum = zero;
        for (size_t k = 0; k < steps; k++, i += 16)
            sum = _mm_sub_epi8(sum, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i)), newline));
        __m128i wide = _mm_sad_epu8(sum, zero);
        count += (size_t)_mm_cvtsi128_si64(wide) + (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(wide, wide));
    }
    return count + ec_scan_newlines_scalar(p + i, n - i);
}

#elif defined(__aarch64__)

/* NEON has no movemask: narrowed by four bits, a comparison leaves a nibble of each byte. */
static inline uint64_t ec_scan_nibbles(uint8x16_t stop) {
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(stop), 4)), 0);
}

static inline const char *ec_scan_json_plain_wide(const char *p) {
    for (;; p += 16) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p);
        uint8x16_t marks = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));
        /* As signed numbers, bytes past ASCII are below the space too. */
        uint8x16_t below = vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20));
        uint64_t bits = ec_scan_nibbles(vorrq_u8(marks, below));
        if (bits) return p + __builtin_ctzll(bits) / 4;
    }
}

static inline const char *ec_scan_json_text_wide(const char *p) {
    for (;; p += 16) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p);
        uint8x16_t marks = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));
        uint64_t bits = ec_scan_nibbles(vorrq_u8(marks, vcltq_u8(v, vdupq_n_u8(0x20))));
        if (bits) return p + __builtin_ctzll(bits) / 4;
    }
}

static inline size_t ec_scan_newlines_wide(const char *p, size_t n) {
    size_t count = 0, i = 0;
    for (; n - i >= 16; i += 16)
        count += vaddvq_u8(vandq_u8(vceqq_u8(vld1q_u8((const uint8_t *)(p + i)), vdupq_n_u8('\n')), vdupq_n_u8(1)));
    return count + ec_scan_newlines_scalar(p + i, n - i);
}

#else

#define ec_scan_json_plain_wide ec_scan_json_plain_scalar
#define ec_scan_json_text_wide  ec_scan_json_text_scalar
#define ec_scan_newlines_wide   ec_scan_newlines_scalar

#endif

static inline const char *ec_scan_json_plain(const char *p) {
    return ec_scan_bytewise ? ec_scan_json_plain_scalar(p) : ec_scan_json_plain_wide(p);
}

static inline const char *ec_scan_json_text(const char *p) {
    return ec_scan_bytewise ? ec_scan_json_text_scalar(p) : ec_scan_json_text_wide(p);
}

/* How many of the n bytes at p are line feeds. */
static inline size_t ec_scan_newlines(const char *p, size_t n) {
    return ec_scan_bytewise ? ec_scan_newlines_scalar(p, n) : ec_scan_newlines_wide(p, n);
}

#endif
