#include "run/fetch.h"

#include "base/io.h"
#include "read/transcode.h"

#include <assert.h>

#define WINDOW_BYTES ((size_t)256 << 10)

struct ec_fetch {
    const char *path; /* borrowed */
    int fd;           /* of a plain file; -1: the stream is read */
    struct ec_stream *stream;
    struct ec_transcode *transcode;
    uint64_t offset; /* of window[0] in the decoded file */
    size_t n;
    char window[WINDOW_BYTES];
};

static enum ec_status open_all(struct ec_fetch *f, const struct ec_source *source, const char *member,
                               struct ec_err *err) {
    struct ec_stream_args args = {.path = f->path, .member = member};
    EC_TRY(ec_stream_open(&args, &f->stream, err));
    EC_TRY(ec_transcode_create(source->encoding, f->stream, &f->transcode, err));
    if (f->transcode || strcmp(ec_stream_compression(f->stream), "none") != 0) return EC_OK;
    return ec_file_open(f->path, &f->fd, NULL, err);
}

enum ec_status ec_fetch_open(const struct ec_source *source, const char *path, const char *member,
                             struct ec_fetch **out, struct ec_err *err) {
    struct ec_fetch *f = ec_malloc(sizeof *f);
    if (!f) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s again", path);
    f->path = path;
    f->fd = -1;
    f->stream = NULL;
    f->transcode = NULL;
    f->offset = 0;
    f->n = 0;
    enum ec_status status = open_all(f, source, member, err);
    if (status != EC_OK) {
        ec_fetch_close(f);
        return status;
    }
    *out = f;
    return EC_OK;
}

static enum ec_status changed(const struct ec_fetch *f, struct ec_err *err) {
    return ec_fail(err, EC_FILE_CHANGED, "%s is shorter than it was", f->path);
}

/* The next window; what is in this one has been passed. */
static enum ec_status refill(struct ec_fetch *f, struct ec_err *err) {
    size_t got;
    if (f->transcode)
        EC_TRY(ec_transcode_read(f->transcode, f->window, sizeof f->window, &got, err));
    else
        EC_TRY(ec_stream_read(f->stream, f->window, sizeof f->window, &got, err));
    f->offset += f->n;
    f->n = got;
    return got > 0 ? EC_OK : changed(f, err);
}

enum ec_status ec_fetch_read(struct ec_fetch *f, uint64_t offset, void *to, size_t n, struct ec_err *err) {
    if (f->fd >= 0) {
        size_t got;
        EC_TRY(ec_file_read_at(f->fd, to, n, (off_t)offset, &got, f->path, err));
        return got == n ? EC_OK : changed(f, err);
    }
    assert(offset >= f->offset);
    while (n > 0) {
        while (offset - f->offset >= f->n) EC_TRY(refill(f, err));
        size_t at = (size_t)(offset - f->offset), part = f->n - at < n ? f->n - at : n;
        memcpy(to, f->window + at, part);
        to = (char *)to + part;
        offset += part;
        n -= part;
    }
    return EC_OK;
}

void ec_fetch_close(struct ec_fetch *f) {
    if (!f) return;
    if (f->fd >= 0) (void)ec_io.close(f->fd);
    ec_transcode_destroy(f->transcode);
    ec_stream_close(f->stream);
    ec_free(f);
}
