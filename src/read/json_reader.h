/* The JSON reader behind `ec_reader_json`, with what tests turn: small windows, a small record
 * limit, no prediction. Everyone else takes it through reader.h. */
#ifndef EC_READ_JSON_READER_H
#define EC_READ_JSON_READER_H

#include "read/reader.h"

struct ec_json_options {
    size_t window_bytes; /* 0: EC_WINDOW_BYTES */
    size_t record_max;   /* 0: EC_RECORD_MAX */
    bool strict;         /* no prediction, as with EC_JSON=strict */
};

/* As ec_reader_json.open. Besides the stream's errors: EC_EMPTY_FILE, EC_ENCODING and
 * EC_UNKNOWN_FORMAT by json_layout.h; ec_reader_json.next can fail with EC_TOO_MANY_COLUMNS. */
enum ec_status ec_json_open(const struct ec_reader_args *args, const struct ec_json_options *options,
                            struct ec_reader **reader, struct ec_err *err) EC_MUST_USE;

/* Whether the file is in lines, starts with a record, and a '{' that is a line's first byte always
 * starts a record: it may be split there. */
bool ec_json_splittable(const struct ec_reader *reader);

#endif
