#include "run/lines.h"

#include "base/io.h"
#include "base/limits.h"

#include <errno.h>

#define READ_BYTES ((size_t)65536)

struct ec_lines ec_lines_of(int fd) {
    return (struct ec_lines){.fd = fd, .buf = ec_buf_make(EC_PROTOCOL_LINE_MAX)};
}

void ec_lines_free(struct ec_lines *in) { ec_buf_free(&in->buf); }

bool ec_lines_take(struct ec_lines *in, const char **line, size_t *n) {
    if (in->scanned < in->at) in->scanned = in->at;
    char *end = in->buf.n > in->scanned ? memchr(in->buf.p + in->scanned, '\n', in->buf.n - in->scanned) : NULL;
    in->scanned = in->buf.n;
    if (!end && !(in->end && in->buf.n > in->at)) return false;
    *line = in->buf.p + in->at;
    *n = end ? (size_t)(end - *line) : in->buf.n - in->at;
    in->at += *n + (end != NULL);
    in->scanned = in->at;
    return true;
}

/* What was handed out goes, so that the buffer holds a line at most. */
static void move_up(struct ec_lines *in) {
    if (in->at == 0) return;
    memmove(in->buf.p, in->buf.p + in->at, in->buf.n - in->at);
    in->buf.n -= in->at;
    in->scanned -= in->at;
    in->at = 0;
}

enum ec_status ec_lines_fill(struct ec_lines *in, struct ec_err *err) {
    move_up(in);
    char *to = ec_buf_reserve(&in->buf, READ_BYTES);
    if (!to) return ec_fail(err, EC_PROTOCOL, "a line is longer than %llu bytes", (unsigned long long)EC_PROTOCOL_LINE_MAX);
    ssize_t got;
    do {
        got = ec_io.read(in->fd, to, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return ec_fail_errno(err, EC_IO, "cannot read a line of the protocol");
    in->end = got == 0;
    in->buf.n += (size_t)got;
    return EC_OK;
}

enum ec_status ec_lines_next(struct ec_lines *in, const char **line, size_t *n, struct ec_err *err) {
    *line = NULL;
    while (!ec_lines_take(in, line, n)) {
        if (in->end) return EC_OK;
        EC_TRY(ec_lines_fill(in, err));
    }
    return EC_OK;
}

enum ec_status ec_lines_each(int fd, enum ec_status (*take)(void *user, const char *line, size_t n, struct ec_err *err), void *user,
                             struct ec_err *err) {
    struct ec_lines in = ec_lines_of(fd);
    const char *line = "";
    size_t n;
    enum ec_status status = EC_OK;
    while (status == EC_OK && line) {
        status = ec_lines_next(&in, &line, &n, err);
        if (status == EC_OK && line && n > 0) status = take(user, line, n, err);
    }
    ec_lines_free(&in);
    return status;
}
