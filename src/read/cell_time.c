/* Dates and times as texts write them: by the column's formats, else ISO 8601. */
#include "read/cell.h"

#include "base/calendar.h"

/* The seconds of the years 1 to 9999. */
#define EPOCH_MIN INT64_C(-62135596800)
#define EPOCH_MAX INT64_C(253402300799)

struct moment {
    const char *p; /* what is left of the text */
    const char *end;
    int32_t year;
    int32_t month;
    int32_t day;
    int32_t day_of_year; /* 0: the format names none */
    int32_t hour;
    int32_t minute;
    int32_t second;
    int32_t micros;
    int32_t zone_s;
    int64_t epoch_s;
    bool has_year;
    bool has_time;
    bool has_zone;
    bool has_epoch;
    bool hour_of_12;
    bool afternoon;
};

/* An unsigned number of at least `least` and at most `most` digits. */
static bool take_number(struct moment *m, unsigned least, unsigned most, int32_t *value) {
    unsigned n = 0;
    int32_t v = 0;
    for (; n < most && m->p < m->end; n++, m->p++) {
        unsigned d = (unsigned)(unsigned char)*m->p - '0';
        if (d > 9) break;
        v = v * 10 + (int32_t)d;
    }
    *value = v;
    return n >= least;
}

static bool take_char(struct moment *m, char c) {
    if (m->p == m->end || *m->p != c) return false;
    m->p++;
    return true;
}

static bool take_word(struct moment *m, const char *word, size_t n) {
    if ((size_t)(m->end - m->p) < n) return false;
    for (size_t i = 0; i < n; i++)
        if ((m->p[i] | 0x20) != (word[i] | 0x20)) return false;
    m->p += n;
    return true;
}

/* One of the names, whole or its first three letters; *index counts from 0. */
static bool take_name(struct moment *m, const char *const *names, int32_t count, int32_t *index) {
    for (*index = 0; *index < count; ++*index) {
        const char *name = names[*index];
        if (take_word(m, name, strlen(name)) || take_word(m, name, 3)) return true;
    }
    return false;
}

static bool take_month(struct moment *m) {
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    bool found = take_name(m, names, 12, &m->month);
    m->month++;
    return found;
}

static bool take_weekday(struct moment *m) {
    static const char *const names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    int32_t ignored;
    return take_name(m, names, 7, &ignored);
}

/* .f: one to nine digits, of which six count. */
static bool take_fraction(struct moment *m) {
    int32_t scale = 100000;
    const char *from = m->p;
    for (; m->p < m->end && m->p - from < 9; m->p++) {
        unsigned d = (unsigned)(unsigned char)*m->p - '0';
        if (d > 9) break;
        m->micros += scale * (int32_t)d;
        scale /= 10;
    }
    return m->p > from;
}

/* Z, +HH, +HHMM or +HH:MM. */
static bool take_zone(struct moment *m) {
    m->has_zone = true;
    if (take_char(m, 'Z') || take_char(m, 'z')) return true;
    bool west = m->p < m->end && *m->p == '-';
    int32_t hours, minutes = 0;
    if (!take_char(m, '+') && !take_char(m, '-')) return false;
    if (!take_number(m, 2, 2, &hours)) return false;
    bool colon = take_char(m, ':');
    bool more = m->p < m->end && *m->p >= '0' && *m->p <= '9';
    if ((colon || more) && !take_number(m, 2, 2, &minutes)) return false;
    m->zone_s = (hours * 60 + minutes) * (west ? -60 : 60);
    return hours <= 23 && minutes <= 59;
}

static bool take_zone_name(struct moment *m) {
    m->has_zone = true;
    return take_word(m, "utc", 3) || take_word(m, "gmt", 3) || take_char(m, 'Z');
}

static bool take_epoch(struct moment *m) {
    bool negative = take_char(m, '-');
    const char *from = m->p;
    for (; m->p < m->end && m->p - from < 12; m->p++) {
        unsigned d = (unsigned)(unsigned char)*m->p - '0';
        if (d > 9) break;
        m->epoch_s = m->epoch_s * 10 + (int64_t)d;
    }
    if (negative) m->epoch_s = -m->epoch_s;
    m->has_epoch = m->has_time = m->has_zone = true;
    return m->p > from;
}

static bool take_half(struct moment *m) {
    m->afternoon = m->p < m->end && (*m->p | 0x20) == 'p';
    return take_word(m, "am", 2) || take_word(m, "pm", 2);
}

static bool take_short_year(struct moment *m) {
    m->has_year = true;
    if (!take_number(m, 2, 2, &m->year)) return false;
    m->year += m->year < 69 ? 2000 : 1900; /* as POSIX splits the century */
    return true;
}

static bool take_spaces(struct moment *m) {
    const char *from = m->p;
    while (m->p < m->end && (*m->p == ' ' || *m->p == '\t')) m->p++;
    return m->p > from;
}

static bool take_date(struct moment *m) {
    m->has_year = true;
    return take_number(m, 4, 4, &m->year) && take_char(m, '-') && take_number(m, 1, 2, &m->month) &&
           take_char(m, '-') && take_number(m, 1, 2, &m->day);
}

static bool take_american_date(struct moment *m) {
    return take_number(m, 1, 2, &m->month) && take_char(m, '/') && take_number(m, 1, 2, &m->day) && take_char(m, '/') &&
           take_short_year(m);
}

static bool take_clock(struct moment *m, bool seconds) {
    m->has_time = true;
    return take_number(m, 1, 2, &m->hour) && take_char(m, ':') && take_number(m, 1, 2, &m->minute) &&
           (!seconds || (take_char(m, ':') && take_number(m, 1, 2, &m->second)));
}

static bool take_time_part(struct moment *m, char directive) {
    m->has_time = true;
    switch (directive) {
    case 'I': m->hour_of_12 = true; return take_number(m, 1, 2, &m->hour) && m->hour >= 1 && m->hour <= 12;
    case 'H': return take_number(m, 1, 2, &m->hour);
    case 'M': return take_number(m, 1, 2, &m->minute);
    case 'S': return take_number(m, 1, 2, &m->second);
    case 'f': return take_fraction(m);
    case 'p': return take_half(m);
    default: return false;
    }
}

static bool take_directive(struct moment *m, char directive) {
    switch (directive) {
    case 'Y': m->has_year = true; return take_number(m, 4, 4, &m->year);
    case 'y': return take_short_year(m);
    case 'm': return take_number(m, 1, 2, &m->month);
    case 'e': (void)take_spaces(m); return take_number(m, 1, 2, &m->day);
    case 'd': return take_number(m, 1, 2, &m->day);
    case 'j': return take_number(m, 1, 3, &m->day_of_year) && m->day_of_year >= 1;
    case 'b':
    case 'B': return take_month(m);
    case 'a':
    case 'A': return take_weekday(m);
    case 'z': return take_zone(m);
    case 'Z': return take_zone_name(m);
    case 's': return take_epoch(m);
    case 'F': return take_date(m);
    case 'D': return take_american_date(m);
    case 'T': return take_clock(m, true);
    case 'R': return take_clock(m, false);
    case '%': return take_char(m, '%');
    default: return take_time_part(m, directive);
    }
}

static bool moment_scan(const char *format, const char *p, size_t n, struct moment *m) {
    *m = (struct moment){.p = p, .end = p + n, .month = 1, .day = 1};
    for (const char *f = format; *f; f++) {
        if (*f == '%') {
            if (f[1] == '\0' || !take_directive(m, *++f)) return false;
        } else if (*f == ' ') {
            if (!take_spaces(m)) return false;
        } else if (!take_char(m, *f)) {
            return false;
        }
    }
    return m->p == m->end;
}

/* The instant; where the text names no zone, that of `zone_s` seconds east of UTC. */
static bool moment_micros(const struct moment *m, int32_t zone_s, int64_t *micros) {
    if (m->has_epoch) {
        if (m->epoch_s < EPOCH_MIN || m->epoch_s > EPOCH_MAX) return false;
        *micros = m->epoch_s * EC_MICROS_PER_SECOND + m->micros;
        return true;
    }
    if (!m->has_year || !ec_civil_valid(m->year, (unsigned)m->month, (unsigned)m->day)) return false;
    int32_t hour = m->hour_of_12 ? m->hour % 12 + (m->afternoon ? 12 : 0) : m->hour;
    if (hour > 23 || m->minute > 59 || m->second > 59) return false;
    int32_t days = ec_days_from_civil(m->year, (unsigned)m->month, (unsigned)m->day);
    if (m->day_of_year) {
        days = ec_days_from_civil(m->year, 1, 1) + m->day_of_year - 1;
        if (days >= ec_days_from_civil(m->year + 1, 1, 1)) return false;
    }
    int64_t seconds = (int64_t)hour * 3600 + m->minute * 60 + m->second - (m->has_zone ? m->zone_s : zone_s);
    *micros = (int64_t)days * EC_MICROS_PER_DAY + seconds * EC_MICROS_PER_SECOND + m->micros;
    return true;
}

bool ec_format_parse(const char *format, const char *p, size_t n, int64_t *micros, bool *date_only) {
    struct moment m;
    if (!moment_scan(format, p, n, &m) || !moment_micros(&m, 0, micros)) return false;
    *date_only = !m.has_time;
    return true;
}

/* The column's offset from UTC in seconds; what is no offset was refused with the configuration. */
static int32_t column_zone(const struct ec_schema_column *schema) {
    if (!schema->timezone) return 0;
    struct moment m = {.p = schema->timezone, .end = schema->timezone + strlen(schema->timezone)};
    return take_zone(&m) && m.p == m.end ? m.zone_s : 0;
}

/* Whether a text that ec_datetime_parse() took names its zone: YYYY-MM-DDTHH:MM is 16 bytes. */
static bool names_zone(const char *p, size_t n) {
    for (size_t i = 16; i < n; i++)
        if (p[i] == 'Z' || p[i] == 'z' || p[i] == '+' || p[i] == '-') return true;
    return false;
}

bool ec_datetime_cell(const struct ec_schema_column *schema, const char *p, size_t n, int64_t *micros) {
    struct moment m;
    for (size_t i = 0; i < schema->format_count; i++)
        if (moment_scan(schema->formats[i], p, n, &m) && moment_micros(&m, column_zone(schema), micros)) return true;
    /* What is declared replaces ISO 8601: of 2025-01-13 under %Y-%d-%m nobody knows what was meant. */
    int64_t value;
    if (schema->format_count > 0 || !ec_datetime_parse(p, n, &value)) return false;
    if (schema->timezone && !names_zone(p, n)) value -= (int64_t)column_zone(schema) * EC_MICROS_PER_SECOND;
    *micros = value;
    return true;
}

bool ec_date_cell(const struct ec_schema_column *schema, const char *p, size_t n, int32_t *days) {
    int64_t micros;
    bool date_only;
    for (size_t i = 0; i < schema->format_count; i++) {
        if (!ec_format_parse(schema->formats[i], p, n, &micros, &date_only)) continue;
        if (!date_only && micros % EC_MICROS_PER_DAY != 0) return false;
        *days = ec_days_from_micros(micros);
        return true;
    }
    if (schema->format_count > 0) return false;
    if (ec_date_parse(p, n, days)) return true;
    if (!ec_datetime_parse(p, n, &micros) || micros % EC_MICROS_PER_DAY != 0) return false;
    *days = ec_days_from_micros(micros);
    return true;
}
