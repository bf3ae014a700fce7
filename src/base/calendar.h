/* Dates and times without the C library's locale and time zone.
 *
 * A date is days since 1970-01-01, a datetime microseconds since 1970-01-01T00:00Z,
 * both in the proleptic Gregorian calendar. The algorithms are those of Howard
 * Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
#ifndef EC_BASE_CALENDAR_H
#define EC_BASE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_MICROS_PER_SECOND INT64_C(1000000)
#define EC_MICROS_PER_DAY (INT64_C(86400) * EC_MICROS_PER_SECOND)

int32_t ec_days_from_civil(int32_t year, unsigned month, unsigned day);
void ec_civil_from_days(int32_t days, int32_t *year, unsigned *month, unsigned *day);
/* Whether the calendar has that day; years 0001 to 9999. */
bool ec_civil_valid(int32_t year, unsigned month, unsigned day);

/* Floor of micros to days, right for negative times too. */
int32_t ec_days_from_micros(int64_t micros);

/* YYYY-MM-DD; out holds at least 11 bytes. Returns the length. */
size_t ec_date_format(int32_t days, char *out);
/* YYYY-MM-DDTHH:MM:SS[.ffffff]Z; out holds at least 32 bytes. Returns the length. */
size_t ec_datetime_format(int64_t micros, char *out);

/* Exactly YYYY-MM-DD of an existing day. */
bool ec_date_parse(const char *p, size_t n, int32_t *days);
/* RFC 3339 and ISO 8601 as met in files: date, then 'T', 't' or ' ', HH:MM[:SS[.f{1,9}]],
 * then nothing (UTC), 'Z', 'z' or +HH:MM, +HHMM, +HH. A date alone is its midnight.
 * Hour 24 and second 60 are refused. Digits past the sixth are cut. */
bool ec_datetime_parse(const char *p, size_t n, int64_t *micros);

/* The wall clock (UTC), in microseconds; and a monotonic clock for durations. */
int64_t ec_now_micros(void);
int64_t ec_monotonic_micros(void);

#endif
