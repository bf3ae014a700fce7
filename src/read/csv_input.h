/* A stream's CSV records one after the other: the window and the scanner together.
 *
 *     struct ec_csv_input *in;
 *     EC_TRY(ec_csv_input_open(&args, &in, err));
 *     do { EC_TRY(ec_csv_input_next(in, true, &record, &found, err)); } while (found == EC_CSV_RECORD);
 *     ec_csv_input_close(in);
 */
#ifndef EC_READ_CSV_INPUT_H
#define EC_READ_CSV_INPUT_H

#include "config/config.h"
#include "read/csv_record.h"
#include "read/csv_window.h"

/* Smaller ones let tests put every boundary everywhere. 0 is the limit of limits.h. */
struct ec_csv_limits {
    size_t window; /* bytes, at least 64 */
    size_t field;
    size_t record;
};

struct ec_csv_input_args {
    const struct ec_source *source;
    struct ec_stream *stream; /* borrowed until the close */
    uint64_t first_offset;    /* of the stream's first byte in the file */
    uint64_t first_line;      /* 0 and 1: the file's start, where a byte order mark is passed over */
    struct ec_csv_limits limits;
};

struct ec_csv_input {
    struct ec_csv_window window;
    struct ec_csv_scanner scanner;
    bool starved;    /* the scanner has asked for more of the window */
    uint64_t offset; /* of the last record in the decoded file */
    uint64_t bytes;  /* of it, without the line end */
};

/* EC_CONFIG for a delimiter that cannot be one, EC_ENCODING for UTF-16 that is not declared. */
enum ec_status ec_csv_input_open(const struct ec_csv_input_args *args, struct ec_csv_input **input,
                                 struct ec_err *err) EC_MUST_USE;
void ec_csv_input_close(struct ec_csv_input *input); /* NULL allowed */

/* The next record. *found is EC_CSV_RECORD, EC_CSV_END, or EC_CSV_OVERLONG for a damaged record whose
 * line is longer than the limit and lies in the window no more. `offset` and `bytes` are those of the
 * record in the decoded file. Without `may_move` the window stays as it is, and EC_CSV_MORE says that
 * it holds no further record. */
enum ec_status ec_csv_input_next(struct ec_csv_input *input, bool may_move, struct ec_csv_record *record,
                                 enum ec_csv_found *found, struct ec_err *err) EC_MUST_USE;

#endif
