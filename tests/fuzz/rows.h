/* Every row that a reader gives, as text, to compare readings: a line a row with its place, the cells that are not
 * null, its faults and its bytes. What is written hangs on the rows alone, not on the order in which a reader met
 * columns that nobody declared: those stand sorted by name. */
#ifndef TEST_FUZZ_ROWS_H
#define TEST_FUZZ_ROWS_H

#include "kit.h"
#include "read/reader.h"

struct fuzz_read {
    const struct ec_source *source;
    const char *p; /* NULL: from `path` */
    size_t n;
    size_t step; /* bytes that the stream gives at a time; 0: all */
    const char *path;
    uint64_t first_offset, first_line;
    const struct ec_str *header;
    size_t header_count;
    /* Opens the reader with the limits of the caller; NULL: ec_reader_open() with `type`. */
    enum ec_status (*open)(const void *limits, const struct ec_reader_args *args, struct ec_batch *batch,
                           struct ec_reader **reader, struct ec_err *err);
    const void *limits;
    const struct ec_reader_type *type;
    /* Looks at a row; NULL allowed. */
    void (*look)(struct ec_batch *batch, size_t row);
};

/* Appends the rows; the status of the reading is the last line where it is not EC_OK, and returned. Checks on the
 * way what holds for every reading: rows in order that do not overlap, bytes of a row as they are in the text,
 * valid UTF-8 in texts, nothing under a null. */
enum ec_status fuzz_rows(const struct fuzz_read *read, struct ec_buf *out);

#endif
