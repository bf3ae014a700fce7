#include "read/json_window.h"

#include "base/io.h"
#include "scan/json_scan.h"

#include <assert.h>
#include <string.h>

static enum ec_status reserve(struct ec_json_window *w, size_t cap, struct ec_err *err) {
    if (cap <= w->cap) return EC_OK;
    char *buf = ec_realloc_array(w->buf, cap + EC_JSON_PADDING, 1);
    if (!buf) return ec_fail(err, EC_NO_MEMORY, "no memory for a window of %zu bytes", cap);
    w->buf = buf;
    w->cap = cap;
    return EC_OK;
}

enum ec_status ec_json_window_init(struct ec_json_window *w, struct ec_stream *stream, size_t bytes, uint64_t offset,
                                   struct ec_err *err) {
    *w = (struct ec_json_window){.stream = stream, .bytes_usual = bytes, .offset = offset};
    EC_TRY(reserve(w, bytes, err));
    memset(w->buf, 0, EC_JSON_PADDING);
    return EC_OK;
}

void ec_json_window_deinit(struct ec_json_window *w) {
    ec_free(w->buf);
    *w = (struct ec_json_window){0};
}

enum ec_status ec_json_window_fill(struct ec_json_window *w, size_t keep, struct ec_err *err) {
    assert(keep <= w->pos && w->pos <= w->n);
    if (keep) memmove(w->buf, w->buf + keep, w->n - keep);
    w->n -= keep;
    w->pos -= keep;
    w->offset += keep;
    size_t target = w->bytes_usual;
    while (target <= w->n) target *= 2;
    enum ec_status status = reserve(w, target, err);
    while (status == EC_OK && !w->eof && w->n < target) {
        size_t got = 0;
        status = ec_stream_read(w->stream, w->buf + w->n, target - w->n, &got, err);
        w->n += got;
        w->eof = status == EC_OK && got == 0;
    }
    memset(w->buf + w->n, 0, EC_JSON_PADDING);
    return status;
}
