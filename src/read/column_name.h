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

#endif
