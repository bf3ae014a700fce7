/* The bounded window of decoded bytes that CSV records are found in and texts point into.
 *
 *     p         keep           end        cap
 *     |  done    |  unfinished  |  free    | 64 bytes of padding, zero behind `end`
 *
 * A fill moves what is unfinished to the start and reads until the window is full, so that its
 * boundaries depend on the bytes alone, never on how a stream cuts them. It grows only where an
 * unfinished record takes more than half of it.
 */
#ifndef EC_READ_CSV_WINDOW_H
#define EC_READ_CSV_WINDOW_H

#include "read/transcode.h"

struct ec_csv_window {
    struct ec_stream *stream;       /* borrowed */
    struct ec_transcode *transcode; /* owned; NULL for UTF-8 */
    char *p;                        /* owned */
    size_t end;
    size_t cap;
    size_t cap_max;
    uint64_t offset; /* of p[0] in the decoded file */
    bool last;       /* nothing follows `end` */
};

/* ec_csv_window_deinit() may be called whatever this returns. */
enum ec_status ec_csv_window_init(struct ec_csv_window *window, struct ec_stream *stream, const char *encoding,
                                  size_t bytes, size_t bytes_max, struct ec_err *err) EC_MUST_USE;
void ec_csv_window_deinit(struct ec_csv_window *window);

/* Drops the first `keep` bytes and fills up; every pointer into the window is dead. At least one
 * byte comes, or `last` is set, unless an unfinished rest takes cap_max. */
enum ec_status ec_csv_window_fill(struct ec_csv_window *window, size_t keep, struct ec_err *err) EC_MUST_USE;

#endif
