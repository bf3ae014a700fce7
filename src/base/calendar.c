#include "base/calendar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int32_t ec_days_from_civil(int32_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    uint32_t yoe = (uint32_t)(year - era * 400);
    uint32_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int32_t)doe - 719468;
}

void ec_civil_from_days(int32_t days, int32_t *year, unsigned *month, unsigned *day) {
    int64_t z = (int64_t)days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int32_t)((int64_t)yoe + era * 400 + (*month <= 2));
}

bool ec_civil_valid(int32_t year, unsigned month, unsigned day) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (unsigned)(month == 2 && leap);
}

int32_t ec_days_from_micros(int64_t micros) {
    int64_t days = micros / EC_MICROS_PER_DAY;
    return (int32_t)(days - (micros % EC_MICROS_PER_DAY < 0));
}

size_t ec_date_format(int32_t days, char *out) {
    int32_t year;
    unsigned month, day;
    ec_civil_from_days(days, &year, &month, &day);
    int n = snprintf(out, 11, "%04d-%02u-%02u", year, month, day);
    return n < 0 ? 0 : n > 10 ? 10 : (size_t)n;
}

size_t ec_datetime_format(int64_t micros, char *out) {
    int32_t days = ec_days_from_micros(micros);
    int64_t rest = micros - (int64_t)days * EC_MICROS_PER_DAY;
    int32_t year;
    unsigned month, day;
    ec_civil_from_days(days, &year, &month, &day);
    unsigned second = (unsigned)(rest / EC_MICROS_PER_SECOND);
    unsigned fraction = (unsigned)(rest % EC_MICROS_PER_SECOND);
    int n = fraction ? snprintf(out, 32, "%04d-%02u-%02uT%02u:%02u:%02u.%06uZ", year, month, day, second / 3600,
                                second / 60 % 60, second % 60, fraction)
                     : snprintf(out, 32, "%04d-%02u-%02uT%02u:%02u:%02uZ", year, month, day, second / 3600,
                                second / 60 % 60, second % 60);
    return n < 0 ? 0 : n > 31 ? 31 : (size_t)n;
}

/* Reads exactly k digits; -1 where one is not a digit. */
static int32_t digits(const char *p, unsigned k) {
    int32_t value = 0;
    for (unsigned i = 0; i < k; i++) {
        unsigned d = (unsigned)(unsigned char)p[i] - '0';
        if (d > 9) return -1;
        value = value * 10 + (int32_t)d;
    }
    return value;
}

bool ec_date_parse(const char *p, size_t n, int32_t *days) {
    if (n != 10 || p[4] != '-' || p[7] != '-') return false;
    int32_t year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2);
    if (year < 0 || month < 0 || day < 0 || !ec_civil_valid(year, (unsigned)month, (unsigned)day)) return false;
    *days = ec_days_from_civil(year, (unsigned)month, (unsigned)day);
    return true;
}

/* [.f{1,9}] at p; micros and how many bytes it took. */
static bool fraction_parse(const char *p, size_t n, int64_t *micros, size_t *used) {
    *micros = 0;
    *used = 0;
    if (n == 0 || p[0] != '.') return true;
    int64_t scale = 100000;
    size_t i = 1;
    for (; i < n && (unsigned)(unsigned char)p[i] - '0' <= 9; i++) {
        if (i > 9) return false;
        *micros += scale * (p[i] - '0');
        scale /= 10;
    }
    *used = i;
    return i > 1;
}

/* Nothing, Z, +HH, +HHMM or +HH:MM; the offset in seconds. */
static bool zone_parse(const char *p, size_t n, int32_t *offset) {
    *offset = 0;
    if (n == 0 || (n == 1 && (p[0] == 'Z' || p[0] == 'z'))) return true;
    if (p[0] != '+' && p[0] != '-') return false;
    int32_t hours = -1, minutes = 0;
    if (n == 3 || n == 5 || n == 6) hours = digits(p + 1, 2);
    if (n == 5) minutes = digits(p + 3, 2);
    if (n == 6) minutes = p[3] == ':' ? digits(p + 4, 2) : -1;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    *offset = (hours * 60 + minutes) * 60;
    if (p[0] == '-') *offset = -*offset;
    return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Eight characters against a pattern whose digits are '0': their differences, each 0 to 9 where the
 * pattern has a digit and 0 elsewhere, or false. */
static bool match8(const char *p, const char pattern[8], uint64_t any, uint64_t digit_mask, uint64_t *difference) {
    uint64_t text, zero;
    memcpy(&text, p, 8);
    memcpy(&zero, pattern, 8);
    uint64_t x = (text ^ zero) & ~any;
    *difference = x;
    /* Adding 6 to a nibble above 9 reaches the next one; a carry out of a byte needs a high nibble. */
    return ((x | (x + UINT64_C(0x0606060606060606))) & UINT64_C(0xF0F0F0F0F0F0F0F0)) == 0 && (x & ~digit_mask) == 0;
}

static unsigned pair(uint64_t x, unsigned byte) {
    return (unsigned)(x >> 8 * byte & 0xF) * 10 + (unsigned)(x >> (8 * byte + 8) & 0xF);
}

/* YYYY-MM-DD, 'T', 't' or ' ', HH:MM:SS, as nearly every file has it: microseconds without fraction
 * and zone. False only says that the careful way must look. */
static bool common_parse(const char *p, int64_t *micros) {
    uint64_t a, b;
    if (!match8(p, "0000-00-", 0, UINT64_C(0x000F0F000F0F0F0F), &a)) return false;
    if (!match8(p + 8, "00T00:00", UINT64_C(0xFF0000), UINT64_C(0x0F0F000F0F000F0F), &b)) return false;
    unsigned tens = (unsigned)(unsigned char)p[17] - '0', ones = (unsigned)(unsigned char)p[18] - '0';
    if ((p[10] != 'T' && p[10] != ' ') || p[16] != ':' || tens > 5 || ones > 9) return false;
    int32_t year = (int32_t)(pair(a, 0) * 100 + pair(a, 2));
    unsigned month = pair(a, 5), day = pair(b, 0), hour = pair(b, 3), minute = pair(b, 6);
    if (hour > 23 || minute > 59 || !ec_civil_valid(year, month, day)) return false;
    int64_t seconds = (int64_t)ec_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + tens * 10 + ones;
    *micros = seconds * EC_MICROS_PER_SECOND;
    return true;
}
#else
static bool common_parse(const char *p, int64_t *micros) {
    (void)p;
    (void)micros;
    return false;
}
#endif

bool ec_datetime_parse(const char *p, size_t n, int64_t *micros) {
    int32_t days;
    if (n >= 19 && n <= 20 && common_parse(p, micros) && (n == 19 || p[19] == 'Z')) return true;
    if (n < 10 || !ec_date_parse(p, 10, &days)) return false;
    int64_t base = (int64_t)days * EC_MICROS_PER_DAY;
    if (n == 10) {
        *micros = base;
        return true;
    }
    if (n < 16 || (p[10] != 'T' && p[10] != 't' && p[10] != ' ') || p[13] != ':') return false;
    int32_t hour = digits(p + 11, 2), minute = digits(p + 14, 2), second = 0;
    size_t at = 16;
    int64_t fraction = 0;
    if (n > 16 && p[16] == ':') {
        if (n < 19) return false;
        second = digits(p + 17, 2);
        size_t used;
        if (!fraction_parse(p + 19, n - 19, &fraction, &used)) return false;
        at = 19 + used;
    }
    int32_t offset;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    if (!zone_parse(p + at, n - at, &offset)) return false;
    *micros = base + ((int64_t)(hour * 3600 + minute * 60 + second) - offset) * EC_MICROS_PER_SECOND + fraction;
    return true;
}

static int64_t clock_micros(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * EC_MICROS_PER_SECOND + t.tv_nsec / 1000;
}

int64_t ec_now_micros(void) { return clock_micros(CLOCK_REALTIME); }

int64_t ec_monotonic_micros(void) { return clock_micros(CLOCK_MONOTONIC); }
