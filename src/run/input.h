/* Opening a raw file with the reader that fits it. */
#ifndef EC_RUN_INPUT_H
#define EC_RUN_INPUT_H

#include "read/reader.h"

/* Looks at the first bytes, chooses the reader, and opens both. The batch holds the declared
 * columns. *stream is NULL for a workbook. `line` is that of a range's first byte. The caller
 * closes the reader, then the stream. */
enum ec_status ec_input_open(const struct ec_source *source, const struct ec_stream_args *args, uint64_t line,
                             struct ec_batch *batch, struct ec_stream **stream, struct ec_reader **reader,
                             struct ec_err *err) EC_MUST_USE;

#endif
