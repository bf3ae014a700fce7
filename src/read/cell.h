/* The text of a cell into the typed value of a column; shared by all readers.
 *
 *     integer   optional sign, digits; "12.0" is 12; out of 64 bits is a type-error
 *     float     JSON's number grammar, also ".5", "5.", leading '+' and zeros; no NaN or infinity
 *     decimal   the same grammar, digits past the scale only where they are zero
 *     boolean   true false 1 0 yes no t f y n, in any case
 *     date      the column's formats in order; without any, YYYY-MM-DD (or a datetime at midnight)
 *     datetime  the column's formats in order; without any, ec_datetime_parse(); a text that names no
 *               zone is of the column's `timezone`
 *     string    as it is
 *
 * Surrounding spaces are dropped for every type but string. The empty text and the column's
 * null_values are null for every type, unless a CSV cell was quoted and the column is a string:
 * "" in quotes is the empty string. Numbers are correctly rounded. No locale is consulted.
 */
#ifndef EC_READ_CELL_H
#define EC_READ_CELL_H

#include "base/batch.h"
#include "config/config.h"

enum ec_cell { EC_CELL_VALUE, EC_CELL_NULL, EC_CELL_BAD };

/* Parses into column->values[row] and sets its validity bit where it is a value. A string is
 * a view of p: it must live as long as the batch's rows. Never allocates. */
enum ec_cell ec_cell_parse(const struct ec_schema_column *schema, struct ec_column *column, size_t row,
                           const char *p, size_t n, bool quoted);

/* The pieces, for readers that know the type already. */
bool ec_integer_parse(const char *p, size_t n, int64_t *value);
bool ec_double_parse(const char *p, size_t n, double *value); /* exact fast path, else strtod in the C locale */
bool ec_decimal_parse(const char *p, size_t n, unsigned precision, unsigned scale, int64_t *value);
bool ec_boolean_parse(const char *p, size_t n, uint8_t *value);
/* By a strftime-like format; *date_only says that it names no time of day. A text without zone
 * is UTC. Known: %Y %y %m %d %e %j %b %B %a %A %H %I %M %S %f %p %z %Z %s %F %T %R %D %%; numbers
 * but %Y may have fewer digits, names are English in any case, a space matches one or more. */
bool ec_format_parse(const char *format, const char *p, size_t n, int64_t *micros, bool *date_only);
/* The text of a datetime or date column, without the surrounding spaces. */
bool ec_datetime_cell(const struct ec_schema_column *schema, const char *p, size_t n, int64_t *micros);
bool ec_date_cell(const struct ec_schema_column *schema, const char *p, size_t n, int32_t *days);

#endif
