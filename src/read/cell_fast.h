/* The texts that cells nearly always hold, eight bytes at a time.
 *
 * False says nothing but that ec_cell_parse() must look; true gives what it would give. All of them
 * read EC_CELL_READABLE bytes at p, whatever n is, and take no branch that hangs on the length of a
 * number, which no processor could predict.
 *
 * A text of up to eight bytes lies in a word, its first byte lowest. Shifted up by the bytes that it
 * lacks, its digits stand where those of an eight-digit number would: three multiplications add them
 * up in pairs, fours and eights (D. Lemire, W. Mula, "Parsing numbers with SIMD instructions").
 */
#ifndef EC_READ_CELL_FAST_H
#define EC_READ_CELL_FAST_H

#include "base/calendar.h"
#include "base/text.h"

#define EC_CELL_READABLE 16u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read with their first byte lowest");

#define EC_EACH_BYTE(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))

static inline uint64_t ec_fast_load(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The first n bytes of the word, n from 1 to 8. */
static inline uint64_t ec_fast_keep(uint64_t word, size_t n) {
    return word & (~UINT64_C(0) >> (64 - 8 * n));
}

/* The number of eight digits, each a byte from 0 to 9. */
static inline uint64_t ec_fast_sum(uint64_t d) {
    const uint64_t each = UINT64_C(0x000000FF000000FF);
    d = d * 10 + (d >> 8);
    d = (d & each) * (100 + (UINT64_C(1000000) << 32)) + ((d >> 16) & each) * (1 + (UINT64_C(10000) << 32));
    return d >> 32;
}

/* The high bit of bytes past 9, and maybe of some behind the first of these. */
static inline uint64_t ec_fast_past_nine(uint64_t d) {
    /* Such a byte has a high bit, or gets one; a carry comes from such a byte alone. */
    return (d | (d + EC_EACH_BYTE(0x76))) & EC_EACH_BYTE(0x80);
}

/* The number that n characters make, of which those behind the first n are zero; n from 1 to 8. */
static inline bool ec_fast_digits(uint64_t text, size_t n, uint64_t *value) {
    uint64_t d = (text ^ ec_fast_keep(EC_EACH_BYTE('0'), n)) << (64 - 8 * n);
    *value = ec_fast_sum(d);
    return ec_fast_past_nine(d) == 0;
}

/* The digits at p, at most eight: how many, and the number that they make. */
static inline size_t ec_fast_run(const char *p, uint64_t *value) {
    uint64_t d = ec_fast_load(p) ^ EC_EACH_BYTE('0'), past = ec_fast_past_nine(d);
    size_t n = past ? (size_t)__builtin_ctzll(past) / 8 : 8;
    *value = n ? ec_fast_sum(d << (64 - 8 * n)) : 0;
    return n;
}

static inline bool ec_fast_integer(const char *p, size_t n, int64_t *value) {
    bool negative = *p == '-';
    uint64_t digits;
    p += negative;
    n -= negative;
    if (n - 1 > 7 || !ec_fast_digits(ec_fast_keep(ec_fast_load(p), n), n, &digits)) return false;
    *value = negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

/* Up to eight digits over a power of ten up to the seventh: exact in one division. */
static inline bool ec_fast_double(const char *p, size_t n, double *value) {
    static const double power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    bool negative = *p == '-';
    p += negative;
    n -= negative;
    if (n - 1 > 7) return false;
    uint64_t text = ec_fast_keep(ec_fast_load(p), n), x = text ^ EC_EACH_BYTE('.'), digits;
    uint64_t points = (x - EC_EACH_BYTE(1)) & ~x & EC_EACH_BYTE(0x80);
    size_t fraction = 0;
    if (points) { /* the lowest bit is that of the first point; what is behind it moves up */
        uint64_t before = (points & -points) / 0x80 - 1;
        text = (text & before) | ((text >> 8) & ~before);
        fraction = n - 1 - (size_t)__builtin_ctzll(points) / 8;
        if (--n == 0) return false;
    }
    if (!ec_fast_digits(text, n, &digits)) return false;
    double v = (double)digits / power[fraction];
    *value = negative ? -v : v;
    return true;
}

/* `true` and `false` in any case. A letter alone has the same bits but the sixth. */
static inline bool ec_fast_boolean(const char *p, size_t n, uint8_t *value) {
    if (n - 4 > 1) return false;
    uint64_t word = ec_fast_keep(ec_fast_load(p) | EC_EACH_BYTE(0x20), n);
    bool yes = word == UINT64_C(0x65757274), no = word == UINT64_C(0x65736c6166);
    *value = yes;
    return yes | no;
}

/* ec_text_of() without a call or a branch for a length that cannot be predicted. */
static inline struct ec_text ec_fast_text(const char *p, size_t n) {
    static const unsigned char keep[2 * EC_TEXT_INLINE] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct ec_text t;
    if (n > EC_TEXT_INLINE) return ec_text_of(p, n);
    const char *mask = (const char *)keep + EC_TEXT_INLINE - n;
    uint64_t low = ec_fast_load(p) & ec_fast_load(mask);
    uint32_t high, high_mask;
    memcpy(&high, p + 8, 4);
    memcpy(&high_mask, mask + 8, 4);
    high &= high_mask;
    t.n = (uint32_t)n;
    memcpy(t.inlined, &low, 8);
    memcpy(t.inlined + 8, &high, 4);
    return t;
}

/* The date that the last text began with: in a file they come in long runs. */
struct ec_day {
    bool known;
    uint16_t tail; /* YYYY-MM-DD as it stands, its last two bytes apart */
    uint64_t head;
    int32_t days;
};

static inline bool ec_fast_day(const char *p, struct ec_day *day) {
    uint64_t head = ec_fast_load(p);
    uint16_t tail;
    memcpy(&tail, p + 8, sizeof tail);
    if (day->known && head == day->head && tail == day->tail) return true;
    int32_t days;
    if (!ec_date_parse(p, 10, &days)) return false;
    *day = (struct ec_day){.known = true, .head = head, .tail = tail, .days = days};
    return true;
}

static inline bool ec_fast_date(const char *p, size_t n, struct ec_day *day, int32_t *days) {
    if (n != 10 || !ec_fast_day(p, day)) return false;
    *days = day->days;
    return true;
}

/* HH:MM:SS in seconds. */
static inline bool ec_fast_clock(const char *p, uint32_t *seconds) {
    uint64_t x = ec_fast_load(p) ^ UINT64_C(0x30303A30303A3030);
    if (((x | (x + EC_EACH_BYTE(6))) & EC_EACH_BYTE(0xF0)) != 0 || (x & UINT64_C(0x0000FF0000FF0000)) != 0)
        return false;
    x = x * 10 + (x >> 8); /* tens stand below ones; a pair is at most 99 */
    uint32_t hour = x & 0xFF, minute = x >> 24 & 0xFF, second = x >> 48 & 0xFF;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* Three digits at p, or at least 1000. */
static inline uint32_t ec_fast_thousandths(const char *p) {
    uint32_t a = (uint32_t)(unsigned char)p[0] - '0', b = (uint32_t)(unsigned char)p[1] - '0',
             c = (uint32_t)(unsigned char)p[2] - '0';
    return a > 9 || b > 9 || c > 9 ? 1000 : a * 100 + b * 10 + c;
}

/* YYYY-MM-DD, 'T' or a space, HH:MM:SS, then nothing or three or six digits, then nothing or 'Z'. */
static inline bool ec_fast_datetime(const char *p, size_t n, struct ec_day *day, int64_t *micros) {
    uint32_t seconds, fraction = 0;
    if (n < 19 || !ec_fast_day(p, day) || (p[10] != 'T' && p[10] != ' ') || !ec_fast_clock(p + 11, &seconds))
        return false;
    size_t end = 19;
    if (n >= 23 && p[19] == '.') {
        uint32_t millis = ec_fast_thousandths(p + 20), more = n >= 26 ? ec_fast_thousandths(p + 23) : 1000;
        end = more < 1000 ? 26 : 23;
        fraction = millis * 1000 + (more < 1000 ? more : 0);
        if (millis == 1000) return false;
    }
    if (n != end && (n != end + 1 || p[end] != 'Z')) return false;
    *micros = day->days * EC_MICROS_PER_DAY + (int64_t)seconds * EC_MICROS_PER_SECOND + fraction;
    return true;
}

#endif
