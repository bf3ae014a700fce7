/* Dates as spreadsheets keep them: a number of days, and a format that says so
 * (ECMA-376 part 1, 18.17.4 and 18.8.30). */
#include "read/xlsx.h"

#include "base/calendar.h"

#include <math.h>

#define MS_PER_DAY      INT64_C(86400000)
#define SERIAL_MAX      2958466.0 /* behind 9999-12-31, in the 1900 epoch */
#define LEAP_DAY_SERIAL 60        /* 1900-02-29, which never was */

/* What stands at p that shows nothing of the number: a quoted or escaped literal, a padding, a bracket.
 * Returns its length, or 0. *elapsed is set by [h], [mm] or [s]. */
static size_t literal(const char *p, bool *elapsed) {
    if (*p == '\\' || *p == '_' || *p == '*') return p[1] ? 2 : 1;
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        return end ? (size_t)(end - p) + 1 : strlen(p);
    }
    if (*p != '[') return 0;
    const char *end = strchr(p, ']');
    size_t n = end ? (size_t)(end - p) + 1 : strlen(p);
    if (n > 2 && strspn(p + 1, "hHmMsS") == n - 2) *elapsed = true;
    return n;
}

enum ec_xlsx_format ec_xlsx_format_of(const char *code) {
    bool day = false, month = false, time = false, elapsed = false;
    while (*code && *code != ';') { /* the section for positive numbers */
        size_t skip = literal(code, &elapsed);
        if (skip == 0) {
            char c = *code;
            day = day || c == 'd' || c == 'D' || c == 'y' || c == 'Y';
            month = month || c == 'm' || c == 'M';
            time = time || c == 'h' || c == 'H' || c == 's' || c == 'S';
            skip = strncmp(code, "General", 7) == 0 ? 7 : strncmp(code, "AM/PM", 5) == 0 ? 5 : 1;
        }
        code += skip;
    }
    if (elapsed) return EC_XLSX_ELAPSED;
    if (day || (month && !time)) return time ? EC_XLSX_DATETIME : EC_XLSX_DATE; /* m beside h or s is minutes */
    return time ? EC_XLSX_TIME : EC_XLSX_NUMBER;
}

enum ec_xlsx_format ec_xlsx_format_builtin(unsigned id) {
    if (id == 46) return EC_XLSX_ELAPSED;
    if (id == 22) return EC_XLSX_DATETIME;
    if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47) return EC_XLSX_TIME;
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58)) return EC_XLSX_DATE;
    return EC_XLSX_NUMBER;
}

static size_t time_text(int64_t hours, int64_t ms, char *out) {
    int n = snprintf(out, 32, "%02lld:%02d:%02d", (long long)hours, (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
    if (ms % 1000) n += snprintf(out + n, 8, ".%03d", (int)(ms % 1000));
    return (size_t)n;
}

size_t ec_xlsx_date_text(double serial, bool epoch_1904, enum ec_xlsx_format format, char *out) {
    if (!(serial >= 0 && serial < SERIAL_MAX - (epoch_1904 ? 1462 : 0))) return 0;
    int64_t ms = llround(serial * (double)MS_PER_DAY);
    int64_t day = ms / MS_PER_DAY;
    ms %= MS_PER_DAY;
    if (format == EC_XLSX_ELAPSED) return time_text(day * 24 + ms / 3600000, ms, out);
    if (day == 0 && (format == EC_XLSX_TIME || !epoch_1904)) return time_text(ms / 3600000, ms, out);

    size_t n;
    if (!epoch_1904 && day == LEAP_DAY_SERIAL) {
        n = 10;
        memcpy(out, "1900-02-29", n + 1);
    } else {
        int32_t first = epoch_1904 ? ec_days_from_civil(1904, 1, 1) : ec_days_from_civil(1899, 12, 31);
        int32_t shift = !epoch_1904 && day > LEAP_DAY_SERIAL;
        n = ec_date_format(first + (int32_t)day - shift, out);
    }
    if (ms == 0 && format == EC_XLSX_DATE) return n;
    out[n++] = 'T';
    return n + time_text(ms / 3600000, ms, out + n);
}
