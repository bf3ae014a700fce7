/* Numbers as texts write them, correctly rounded and without a locale.
 *
 * A double is exact in one step where its digits fit 53 bits and its power of ten is itself a
 * double without error, 10^0 to 10^22 (W. D. Clinger, "How to Read Floating Point Numbers
 * Accurately", 1990). Everything else goes to strtod_l() of the C locale.
 */
#include "read/cell.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define DIGITS_MAX   19u    /* of which every number fits a uint64_t */
#define EXPONENT_MAX 100000 /* far past every double; keeps the sum of exponents small */
#define POWER_MAX    18     /* of POWERS */

/* A number's text taken apart: (-1)^negative * digits * 10^exponent. */
struct number {
    uint64_t digits;
    int32_t exponent;
    bool negative;
    bool inexact; /* digits past the nineteenth were not all zero */
};

static const int64_t POWERS[POWER_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

static const double EXACT_POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define EXACT_POWER_MAX  22
#define EXACT_DIGITS_MAX (UINT64_C(1) << 53)

static unsigned digit(char c) {
    return (unsigned)(unsigned char)c - '0';
}

/* Digits at p..end into *number; returns the first byte that is none. */
static const char *scan_digits(const char *p, const char *end, unsigned *significant, bool fraction,
                               struct number *number) {
    for (; p < end && digit(*p) <= 9; p++) {
        unsigned d = digit(*p);
        if (*significant < DIGITS_MAX) {
            number->digits = number->digits * 10 + d;
            *significant += number->digits != 0;
            number->exponent -= fraction;
        } else {
            number->inexact |= d != 0;
            number->exponent += !fraction;
        }
    }
    return p;
}

/* The same where the whole text is short, so that no digit can be too many. */
static inline const char *scan_few_digits(const char *p, const char *end, struct number *number) {
    uint64_t v = number->digits;
    for (unsigned d; p < end && (d = digit(*p)) <= 9; p++) v = v * 10 + d;
    number->digits = v;
    return p;
}

/* What stands behind 'e'. */
static bool scan_exponent(const char *p, const char *end, int32_t *exponent) {
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    int32_t value = 0;
    for (; p < end; p++) {
        if (digit(*p) > 9) return false;
        if (value < EXPONENT_MAX) value = value * 10 + (int32_t)digit(*p);
    }
    *exponent += negative ? -value : value;
    return true;
}

static bool number_scan(const char *p, size_t n, struct number *number) {
    if (n == 0 || n > EC_NUMBER_MAX) return false;
    const char *end = p + n;
    bool few = n <= DIGITS_MAX;
    unsigned significant = 0;
    *number = (struct number){.negative = *p == '-'};
    if (*p == '-' || *p == '+') p++;
    const char *whole = p;
    p = few ? scan_few_digits(p, end, number) : scan_digits(p, end, &significant, false, number);
    size_t count = (size_t)(p - whole);
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = few ? scan_few_digits(p, end, number) : scan_digits(p, end, &significant, true, number);
        count += (size_t)(p - fraction);
        if (few) number->exponent = -(int32_t)(p - fraction);
    }
    if (count == 0) return false;
    if (p == end) return true;
    return (*p == 'e' || *p == 'E') && scan_exponent(p + 1, end, &number->exponent);
}

static bool only_zeros(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != '0') return false;
    return n > 0;
}

/* Digits from *p on; false where they exceed 64 bits. */
static bool scan_integer(const char **p, const char *end, uint64_t *value) {
    uint64_t v = 0;
    const char *q = *p;
    for (unsigned d; q < end && (d = digit(*q)) <= 9; q++)
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v)) return false;
    *p = q;
    *value = v;
    return true;
}

bool ec_integer_parse(const char *p, size_t n, int64_t *value) {
    if (n == 0 || n > EC_NUMBER_MAX) return false;
    const char *end = p + n;
    bool negative = *p == '-';
    if (negative || *p == '+') p++;
    const char *first = p;
    struct number few = {0};
    if (n < DIGITS_MAX)
        p = scan_few_digits(p, end, &few);
    else if (!scan_integer(&p, end, &few.digits))
        return false;
    if (p == first) return false;
    if (p < end && (*p != '.' || !only_zeros(p + 1, (size_t)(end - p) - 1))) return false;
    if (few.digits > (uint64_t)INT64_MAX + negative) return false;
    *value = negative ? (int64_t)(0 - few.digits) : (int64_t)few.digits;
    return true;
}

static locale_t c_locale;

/* glibc answers this one without allocating. */
static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The grammar has been checked: what remains is rounding. */
static bool double_slow(const char *p, size_t n, double *value) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char text[EC_NUMBER_MAX + 1];
    if (pthread_once(&once, make_c_locale) != 0 || c_locale == (locale_t)0) return false;
    memcpy(text, p, n);
    text[n] = '\0';
    double v = strtod_l(text, NULL, c_locale);
    if (!isfinite(v)) return false;
    *value = v;
    return true;
}

bool ec_double_parse(const char *p, size_t n, double *value) {
    struct number number;
    if (!number_scan(p, n, &number)) return false;
    if (number.inexact || number.digits > EXACT_DIGITS_MAX || number.exponent > EXACT_POWER_MAX ||
        number.exponent < -EXACT_POWER_MAX)
        return double_slow(p, n, value);
    double v = (double)number.digits;
    if (number.exponent < 0)
        v /= EXACT_POWERS[-number.exponent];
    else
        v *= EXACT_POWERS[number.exponent];
    *value = number.negative ? -v : v;
    return true;
}

/* digits * 10^shift where that is an integer below 10^precision. */
static bool shift_exact(uint64_t digits, int32_t shift, unsigned precision, int64_t *value) {
    while (shift < 0 && digits % 10 == 0) {
        digits /= 10;
        shift++;
    }
    if (shift < 0 || shift > POWER_MAX) return false;
    uint64_t v;
    if (__builtin_mul_overflow(digits, (uint64_t)POWERS[shift], &v)) return false;
    if (v >= (uint64_t)POWERS[precision]) return false;
    *value = (int64_t)v;
    return true;
}

bool ec_decimal_parse(const char *p, size_t n, unsigned precision, unsigned scale, int64_t *value) {
    struct number number;
    if (precision > POWER_MAX || scale > precision) return false;
    if (!number_scan(p, n, &number) || number.inexact) return false;
    int64_t v = 0;
    if (number.digits != 0 && !shift_exact(number.digits, number.exponent + (int32_t)scale, precision, &v))
        return false;
    *value = number.negative ? -v : v;
    return true;
}

/* A word's letters in lower case as one number, so that a switch compares them all. */
#define WORD1(a)             ((uint64_t)(a))
#define WORD2(a, b)          (WORD1(a) << 8 | (b))
#define WORD3(a, b, c)       (WORD2(a, b) << 8 | (c))
#define WORD4(a, b, c, d)    (WORD3(a, b, c) << 8 | (d))
#define WORD5(a, b, c, d, e) (WORD4(a, b, c, d) << 8 | (e))

bool ec_boolean_parse(const char *p, size_t n, uint8_t *value) {
    if (n == 0 || n > 5) return false;
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        word = word << 8 | (c >= 'A' && c <= 'Z' ? c | 0x20u : c);
    }
    switch (word) {
    case WORD1('1'):
    case WORD1('t'):
    case WORD1('y'):
    case WORD3('y', 'e', 's'):
    case WORD4('t', 'r', 'u', 'e'): *value = 1; return true;
    case WORD1('0'):
    case WORD1('f'):
    case WORD1('n'):
    case WORD2('n', 'o'):
    case WORD5('f', 'a', 'l', 's', 'e'): *value = 0; return true;
    default: return false;
    }
}
