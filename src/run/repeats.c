#include "run/repeats.h"

#include "base/io.h"

void ec_repeats_init(struct ec_repeats *r, const char *path) {
    r->path = path;
    r->fd = -1;
    r->at = r->n = 0;
}

static enum ec_status flush(struct ec_repeats *r, struct ec_err *err) {
    if (r->n == 0) return EC_OK;
    if (r->fd < 0) EC_TRY(ec_file_create(r->path, &r->fd, err));
    EC_TRY(ec_file_write(r->fd, r->pair, r->n * sizeof *r->pair, r->path, err));
    r->n = 0;
    return EC_OK;
}

enum ec_status ec_repeats_add(struct ec_repeats *r, struct ec_repeat pair, struct ec_err *err) {
    if (r->n == EC_REPEATS_BUFFER) EC_TRY(flush(r, err));
    r->pair[r->n++] = pair;
    return EC_OK;
}

enum ec_status ec_repeats_finish(struct ec_repeats *r, bool *any, struct ec_err *err) {
    EC_TRY(flush(r, err));
    *any = r->fd >= 0;
    int fd = r->fd;
    r->fd = -1;
    if (fd >= 0 && ec_io.close(fd) != 0) return ec_fail_errno(err, EC_IO, "cannot close %s", r->path);
    return EC_OK;
}

enum ec_status ec_repeats_open(struct ec_repeats *r, struct ec_err *err) {
    return ec_file_open(r->path, &r->fd, NULL, err);
}

enum ec_status ec_repeats_peek(struct ec_repeats *r, const struct ec_repeat **pair, struct ec_err *err) {
    *pair = NULL;
    if (r->at == r->n && r->fd >= 0) {
        size_t got;
        EC_TRY(ec_file_read(r->fd, r->pair, sizeof r->pair, &got, r->path, err));
        if (got % sizeof *r->pair != 0) return ec_fail(err, EC_TABLE_FORMAT, "%s ends within a pair", r->path);
        r->at = 0;
        r->n = got / sizeof *r->pair;
    }
    if (r->at < r->n) *pair = &r->pair[r->at];
    return EC_OK;
}

void ec_repeats_pass(struct ec_repeats *r) {
    r->at++;
}

void ec_repeats_close(struct ec_repeats *r) {
    if (r->fd >= 0) (void)ec_io.close(r->fd);
    r->fd = -1;
}
