/* The window of decoded bytes that a JSON reader looks at.
 *
 * It holds EC_WINDOW_BYTES, and more only while one record needs it. Text views point into it,
 * so that it moves only between batches. Behind its last byte are EC_JSON_PADDING zeros.
 *
 *      0         pos              n           cap
 *      +---------+----------------+-----------+
 *      | read    | not yet read   | free      |      `offset`: of byte 0 in the decoded file
 *      +---------+----------------+-----------+
 */
#ifndef EC_READ_JSON_WINDOW_H
#define EC_READ_JSON_WINDOW_H

#include "source/stream.h"

struct ec_json_window {
    struct ec_stream *stream;
    char *buf;
    size_t cap; /* without the padding */
    size_t n;
    size_t pos;
    size_t bytes_usual; /* what it holds unless a record needs more */
    uint64_t offset;
    bool eof;
};

/* Owns its buffer, borrows the stream. */
enum ec_status ec_json_window_init(struct ec_json_window *w, struct ec_stream *stream, size_t bytes, uint64_t offset,
                                   struct ec_err *err) EC_MUST_USE;
void ec_json_window_deinit(struct ec_json_window *w);

/* Drops the bytes before w->buf[keep] and reads on, at least one byte more than there are now
 * unless the stream ends. Positions and pointers into the window are dead, `pos` is moved. */
enum ec_status ec_json_window_fill(struct ec_json_window *w, size_t keep, struct ec_err *err) EC_MUST_USE;

#endif
