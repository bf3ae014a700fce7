/* The header line of a CSV file: its column names.
 *
 * Surrounding spaces and a byte order mark are dropped, doubled quotes undone. An empty or repeated
 * name, a name past EC_COLUMN_NAME_MAX bytes, a stray quote, invalid UTF-8 or a NUL is
 * EC_BAD_HEADER; more than EC_COLUMNS_MAX names are EC_TOO_MANY_COLUMNS; no line at all is
 * EC_EMPTY_FILE. Every error names file, line and byte.
 */
#ifndef EC_READ_CSV_HEADER_H
#define EC_READ_CSV_HEADER_H

#include "read/csv_input.h"

/* Reads the first record of `input`. The names are owned by the arena; path is for messages. */
enum ec_status ec_csv_header_read(struct ec_csv_input *input, const char *path, struct ec_arena *arena,
                                  const struct ec_str **names, size_t *count, struct ec_err *err) EC_MUST_USE;

/* The names of a file's header, for ranges that do not hold it. */
enum ec_status ec_csv_header(const char *path, const struct ec_source *source, struct ec_arena *arena,
                             const struct ec_str **names, size_t *count, struct ec_err *err) EC_MUST_USE;

/* Undoes the doubled quotes of n bytes at p into out (n bytes); returns the length. */
size_t ec_csv_unquote(const char *p, size_t n, char *out);

#endif
