/* Lines of a protocol, as they come through a pipe.
 *
 *     struct ec_lines in = ec_lines_of(fd);
 *     while (!ec_lines_take(&in, &line, &n)) EC_TRY(ec_lines_fill(&in, &end, err));
 *     ec_lines_free(&in);
 *
 * A line is at most EC_PROTOCOL_LINE_MAX bytes. One thread.
 */
#ifndef EC_RUN_LINES_H
#define EC_RUN_LINES_H

#include "base/buf.h"

struct ec_lines {
    int fd;
    struct ec_buf buf;
    size_t at;      /* start of what was not handed out yet */
    size_t scanned; /* up to where no line end is */
    bool end;       /* of the input */
};

struct ec_lines ec_lines_of(int fd);
void ec_lines_free(struct ec_lines *in); /* the descriptor stays open */

/* The next line that is there, without its newline; the last of the input may lack one. Borrowed until the next
 * call of either function. False where more is to be read, or all was. */
bool ec_lines_take(struct ec_lines *in, const char **line, size_t *n);

/* Reads once, and waits for it; at the end of the input it sets in->end. EC_PROTOCOL where a line is too long. */
enum ec_status ec_lines_fill(struct ec_lines *in, struct ec_err *err) EC_MUST_USE;

/* The next line, waiting for it; *line is NULL at the end of the input. */
enum ec_status ec_lines_next(struct ec_lines *in, const char **line, size_t *n, struct ec_err *err) EC_MUST_USE;

/* Hands every line that is not empty to `take`, until one fails or the input ends. */
enum ec_status ec_lines_each(int fd, enum ec_status (*take)(void *user, const char *line, size_t n, struct ec_err *err), void *user,
                             struct ec_err *err) EC_MUST_USE;

#endif
