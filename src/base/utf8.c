#include "base/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* The first byte of the word, in memory, that has a bit. */
static inline size_t first_byte(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(word) / 8;
#else
    return (size_t)__builtin_clzll(word) / 8;
#endif
}

static size_t ascii_prefix(const unsigned char *p, size_t n) {
    size_t i = 0;
    while (n - i >= 32) {
        uint64_t word[4];
        memcpy(word, p + i, 32);
        if ((word[0] | word[1] | word[2] | word[3]) & HIGH_BITS) break;
        i += 32;
    }
    while (n - i >= 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (word & HIGH_BITS) return i + first_byte(word & HIGH_BITS);
        i += 8;
    }
    while (i < n && p[i] < 0x80) i++;
    return i;
}

static bool is_tail(unsigned char c) { return (c & 0xC0) == 0x80; }

/* The length of the multi-byte character at p, 0 where it is invalid. The bounds of the second
 * byte are those of RFC 3629's table: they exclude overlong forms, surrogates and > U+10FFFF. */
static size_t character(const unsigned char *p, size_t n) {
    unsigned char lead = p[0];
    if (lead >= 0xC2 && lead <= 0xDF) return n >= 2 && is_tail(p[1]) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (n < 3 || !is_tail(p[1]) || !is_tail(p[2])) return 0;
        if (lead == 0xE0 && p[1] < 0xA0) return 0;
        if (lead == 0xED && p[1] > 0x9F) return 0;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (n < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) return 0;
        if (lead == 0xF0 && p[1] < 0x90) return 0;
        if (lead == 0xF4 && p[1] > 0x8F) return 0;
        return 4;
    }
    return 0;
}

/* How many of eight bytes are ASCII and whole characters of two bytes, as Latin, Greek and Cyrillic texts
 * are: 8, or 7 where the last begins one; 0 where they are not all such. */
static size_t pairs(const unsigned char *p) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word, each = HIGH_BITS >> 7;
    memcpy(&word, p, 8);
    uint64_t high = word & HIGH_BITS, tail = high & ~(word << 1);           /* 10...... */
    uint64_t lead = high & (word << 1) & ~(word << 2);                      /* 110..... */
    uint64_t low = ((word & (each * 0x1E)) + each * 0x7E) & HIGH_BITS;      /* not C0 or C1, the overlong ones */
    if ((lead | tail) != high || lead << 8 != tail || (lead & ~low)) return 0;
    return 8 - (lead >> 63);
#else
    (void)p;
    return 0;
#endif
}

size_t ec_utf8_prefix(const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0;
    for (;;) {
        i += ascii_prefix(p + i, n - i);
        if (i == n) return n;
        size_t whole = n - i >= 8 ? pairs(p + i) : 0;
        if (whole) {
            i += whole;
            continue;
        }
        size_t k = character(p + i, n - i);
        if (k == 0) return i;
        i += k;
    }
}

bool ec_utf8_valid(const char *p, size_t n) { return ec_utf8_prefix(p, n) == n; }

size_t ec_utf8_length(const char *p, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += !is_tail((unsigned char)p[i]);
    return count;
}

size_t ec_utf8_encode(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t ec_utf8_truncate(const char *p, size_t n, size_t n_max) {
    if (n <= n_max) return n;
    while (n_max > 0 && is_tail((unsigned char)p[n_max])) n_max--;
    return n_max;
}
