/* Names for columns that a file has and its schema does not declare.
 *
 * A table's column names are unique ignoring case and hold none of " ,;{}()\n\t=" (Delta
 * protocol). Those and control characters become '_'; a name that is taken, by a column of the
 * batch, a derived column, or `_file` and `_line` that every table has, gets _2, _3 ... behind it.
 */
#ifndef EC_READ_COLUMN_NAME_H
#define EC_READ_COLUMN_NAME_H

#include "base/batch.h"
#include "config/config.h"

/* A free, valid name made of `raw`; NUL-terminated, in batch->memory, where it lives as long as a
 * column of that name. NULL where memory is out. */
const char *ec_column_name(const struct ec_source *source, struct ec_batch *batch, struct ec_str raw);

#define EC_KEY_NAME_BYTES (EC_COLUMN_NAME_MAX + 16u)

/* The name for a key of JSON, of at most EC_COLUMN_NAME_MAX bytes. Which other keys a file has is not known when one is
 * met, and a file may be read in ranges: the name follows from the key alone and is free beside what is declared. */
void ec_column_name_of_key(const struct ec_source *source, struct ec_str key, char out[EC_KEY_NAME_BYTES]);

/* Ignoring case, as tables do. */
bool ec_column_name_same(const char *a, const char *b);

#endif
