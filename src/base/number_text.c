#include "base/number_text.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide; /* with -std=gnu17 -Wpedantic it is an extension */

static const uint64_t ten[] = {1ull,
                               10ull,
                               100ull,
                               1000ull,
                               10000ull,
                               100000ull,
                               1000000ull,
                               10000000ull,
                               100000000ull,
                               1000000000ull,
                               10000000000ull,
                               100000000000ull,
                               1000000000000ull,
                               10000000000000ull,
                               100000000000000ull,
                               1000000000000000ull,
                               10000000000000000ull,
                               100000000000000000ull,
                               1000000000000000000ull,
                               10000000000000000000ull};

/* ---- by the C library ---- */

static locale_t c_locale(void) {
    static _Atomic(locale_t) made;
    locale_t have = atomic_load(&made);
    if (have) return have;
    locale_t mine = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (atomic_compare_exchange_strong(&made, &have, mine)) return mine;
    freelocale(mine); /* another thread was first */
    return have;
}

/* printf's decimal point follows the locale; ours never does. */
static int format_c(char *out, size_t size, int precision, char kind, double value) {
    char format[8] = {'%', '.', '*', kind, 0};
    locale_t before = uselocale(c_locale());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(out, size, format, precision, value);
#pragma GCC diagnostic pop
    (void)uselocale(before);
    return n;
}

size_t ec_double_format_slow(double value, char *out) {
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = format_c(out, 32, precision, 'g', value);
        if (strtod_l(out, NULL, c_locale()) == value) break;
    }
    return n < 0 ? 0 : (size_t)n;
}

size_t ec_double_fixed(double value, int decimals, char *out) {
    int n = format_c(out, EC_FIXED_TEXT, decimals, 'f', value);
    return n < 0 ? 0 : (size_t)n;
}

/* ---- in 128 bits ---- */

/* value = m / 2^s, 2^52 <= m < 2^53 */
struct binary {
    uint64_t m;
    unsigned s;
};

#define LEAST_EXPONENT (-4) /* of ten: below, %g writes an exponent */
#define PAST_EXPONENT  15

static bool is_at_least(struct binary b, int exponent) {
    assert(exponent > -20 && exponent < 20);
    if (exponent >= 0) return b.m >= (wide)ten[exponent] << b.s;
    return (wide)b.m * ten[-exponent] >= (wide)1 << b.s;
}

/* The exponent of the first decimal digit. 1233/4096 is just below log10(2). */
static int first_digit(struct binary b) {
    int guess = ((52 - (int)b.s) * 1233) >> 12;
    while (is_at_least(b, guess + 1)) guess++;
    while (!is_at_least(b, guess)) guess--;
    return guess;
}

/* The value rounded to `precision` digits (half to even), as an integer of that many digits or, where it was
 * rounded up to the next power of ten, of one more. *same: it reads back to the same double. */
static uint64_t round_to(struct binary b, int exponent, int precision, bool *same) {
    int k = precision - 1 - exponent; /* 0..20 */
    wide power = k < 20 ? ten[k] : (wide)ten[19] * 10;
    wide product = b.m * power, unit = (wide)1 << b.s;
    uint64_t digits = (uint64_t)(product >> b.s);
    wide below = product & (unit - 1), off = below; /* how far the digits are off, in 1/(2^s * 10^k) */
    bool up = below > unit / 2 || (below == unit / 2 && (digits & 1));
    if (up) {
        digits++;
        off = unit - below;
    }
    /* Half the gap to the next double is 10^k/2 of these units. (Below a power of two it is half of that;
     * but those of this range have at most 15 digits, and are off by nothing.) */
    *same = off * 2 < power || (off * 2 == power && !(b.m & 1));
    return digits;
}

static char *put_digits(char *to, uint64_t digits, int n) {
    for (int i = n; i-- > 0; digits /= 10) to[i] = (char)('0' + digits % 10);
    return to + n;
}

/* digits * 10^(exponent - n + 1), n digits of which the last is no 0. */
static size_t place_point(uint64_t digits, int n, int exponent, char *out) {
    char *to = out;
    if (exponent < 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = -1; i > exponent; i--) *to++ = '0';
        to = put_digits(to, digits, n);
    } else if (n <= exponent + 1) {
        to = put_digits(to, digits, n);
        for (int i = n; i < exponent + 1; i++) *to++ = '0';
    } else {
        int behind = n - exponent - 1;
        to = put_digits(to, digits / ten[behind], exponent + 1);
        *to++ = '.';
        to = put_digits(to, digits % ten[behind], behind);
    }
    *to = '\0';
    return (size_t)(to - out);
}

static bool take_apart(double value, struct binary *b) {
    if (!(value >= 1e-5 && value < 1e15)) return false;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    b->m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    b->s = 1075u - (unsigned)(bits >> 52); /* 3..69 */
    return true;
}

static size_t format_positive(double value, char *out) {
    struct binary b;
    if (!take_apart(value, &b)) return 0;
    int exponent = first_digit(b);
    if (exponent < LEAST_EXPONENT || exponent >= PAST_EXPONENT) return 0;
    bool same = false;
    uint64_t digits = 0;
    int n = 15;
    for (; n <= 17; n++) {
        digits = round_to(b, exponent, n, &same);
        if (same || n == 17) break;
    }
    if (digits == ten[n]) {
        digits /= 10;
        if (++exponent == PAST_EXPONENT) return 0;
    }
    for (; n > 8 && digits % 100000000 == 0; n -= 8) digits /= 100000000;
    for (; n > 1 && digits % 10 == 0; n--) digits /= 10;
    return place_point(digits, n, exponent, out);
}

size_t ec_double_format(double value, char *out) {
    double size = fabs(value);
    if (size < 1e15 && size == (double)(int64_t)size) { /* NAN is not below */
        *out = '-';
        size_t minus = signbit(value) ? 1 : 0;
        return minus + ec_decimal_format((int64_t)size, 0, out + minus);
    }
    if (value < 0) *out = '-';
    size_t n = format_positive(size, out + (value < 0));
    return n > 0 ? n + (value < 0) : ec_double_format_slow(value, out);
}

size_t ec_decimal_format(int64_t value, unsigned scale, char *out) {
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char reversed[32];
    size_t n = 0, k = 0;
    do {
        if (n == scale && scale > 0) reversed[n++] = '.';
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0 || n <= scale + (scale > 0));
    if (value < 0) out[k++] = '-';
    while (n > 0) out[k++] = reversed[--n];
    out[k] = '\0';
    return k;
}
