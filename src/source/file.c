/* The bottom of most streams: a range of a regular file, or standard input.
 *
 * A file is read with pread(), so that its descriptor carries no state, and looked at
 * again at the end: a drop that grew or was rewritten meanwhile is no file that
 * anybody sent. */
#include "base/io.h"
#include "source/layer.h"

#include <fcntl.h>
#include <unistd.h>

struct file_stream {
    struct ec_stream base;
    int fd;
    uint64_t at;
    uint64_t end;
    struct stat opened;
};

static enum ec_status check_unchanged(const struct file_stream *f, struct ec_err *err) {
    struct stat now;
    if (fstat(f->fd, &now) != 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot look at %s again", f->base.name);
    bool same = now.st_size == f->opened.st_size && now.st_mtim.tv_sec == f->opened.st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == f->opened.st_mtim.tv_nsec;
    if (same) return EC_OK;
    return ec_fail(err, EC_FILE_CHANGED, "%s was %lld bytes when it was opened and has been written to since",
                   f->base.name, (long long)f->opened.st_size);
}

static enum ec_status file_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    struct file_stream *f = (struct file_stream *)stream;
    *got = 0;
    uint64_t left = f->end - f->at;
    if (n > left) n = (size_t)left;
    if (n > 0) {
        EC_TRY(ec_file_read_at(f->fd, buf, n, (off_t)f->at, got, f->base.name, err));
        f->at += *got;
    }
    if (*got < n) return ec_fail(err, EC_FILE_CHANGED, "%s became shorter while it was being read", f->base.name);
    return n == 0 ? check_unchanged(f, err) : EC_OK;
}

static void file_close(struct ec_stream *stream) {
    struct file_stream *f = (struct file_stream *)stream;
    if (f->fd >= 0) (void)ec_io.close(f->fd);
    ec_layer_destroy(stream);
}

static const struct ec_stream_ops file_ops = {.compression = "none", .read = file_read, .close = file_close};

enum ec_status ec_stream_file(const char *path, uint64_t start, uint64_t end, struct ec_stream **stream,
                              struct stat *st, struct ec_err *err) {
    struct ec_stream *base;
    EC_TRY(ec_layer_create(sizeof(struct file_stream), &file_ops, path, &base, err));
    struct file_stream *f = (struct file_stream *)base;
    f->fd = -1;
    enum ec_status status = ec_file_open(path, &f->fd, &f->opened, err);
    if (status != EC_OK) goto failed;
    uint64_t size = (uint64_t)f->opened.st_size;
    f->at = start;
    f->end = end ? end : size;
    if (start > f->end || f->end > size) {
        status = ec_fail(err, EC_FILE_CHANGED, "%s has %llu bytes; the range %llu to %llu is not in it", path,
                         (unsigned long long)size, (unsigned long long)start, (unsigned long long)f->end);
        goto failed;
    }
    (void)posix_fadvise(f->fd, (off_t)start, (off_t)(f->end - start), POSIX_FADV_SEQUENTIAL);
    if (st) *st = f->opened;
    *stream = base;
    return EC_OK;
failed:
    file_close(base);
    return status;
}

static enum ec_status stdin_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    (void)stream;
    return ec_file_read(STDIN_FILENO, buf, n, got, _("standard input"), err);
}

static const struct ec_stream_ops stdin_ops = {.compression = "none", .read = stdin_read, .close = ec_layer_destroy};

enum ec_status ec_stream_stdin(struct ec_stream **stream, struct ec_err *err) {
    return ec_layer_create(sizeof(struct ec_stream), &stdin_ops, _("standard input"), stream, err);
}
