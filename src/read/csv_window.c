#include "read/csv_window.h"

#include "base/io.h"

#include <string.h>

#define PADDING ((size_t)64)

enum ec_status ec_csv_window_init(struct ec_csv_window *window, struct ec_stream *stream, const char *encoding,
                                  size_t bytes, size_t bytes_max, struct ec_err *err) {
    *window = (struct ec_csv_window){.stream = stream, .cap = bytes, .cap_max = bytes_max};
    window->p = ec_malloc(bytes + PADDING);
    if (!window->p) return ec_fail(err, EC_NO_MEMORY, "no memory for a window of %zu bytes", bytes);
    return ec_transcode_create(encoding, stream, &window->transcode, err);
}

void ec_csv_window_deinit(struct ec_csv_window *window) {
    ec_transcode_destroy(window->transcode);
    ec_free(window->p);
    *window = (struct ec_csv_window){0};
}

static enum ec_status grow(struct ec_csv_window *window, struct ec_err *err) {
    size_t cap = window->cap > window->cap_max / 2 ? window->cap_max : window->cap * 2;
    char *p = ec_realloc_array(window->p, cap + PADDING, 1);
    if (!p) return ec_fail(err, EC_NO_MEMORY, "no memory for a window of %zu bytes", cap);
    window->p = p;
    window->cap = cap;
    return EC_OK;
}

static enum ec_status read_some(struct ec_csv_window *window, size_t *got, struct ec_err *err) {
    char *to = window->p + window->end;
    size_t room = window->cap - window->end;
    if (window->transcode) return ec_transcode_read(window->transcode, to, room, got, err);
    return ec_stream_read(window->stream, to, room, got, err);
}

enum ec_status ec_csv_window_fill(struct ec_csv_window *window, size_t keep, struct ec_err *err) {
    size_t rest = window->end - keep;
    memmove(window->p, window->p + keep, rest);
    window->offset += keep;
    window->end = rest;
    if (rest > window->cap / 2 && window->cap < window->cap_max) EC_TRY(grow(window, err));
    while (!window->last && window->cap - window->end >= EC_TRANSCODE_ROOM) {
        size_t got;
        EC_TRY(read_some(window, &got, err));
        window->end += got;
        window->last = got == 0;
    }
    memset(window->p + window->end, 0, PADDING);
    return EC_OK;
}
