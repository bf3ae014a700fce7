#include "source/layer.h"

struct memory_stream {
    struct ec_stream base;
    const unsigned char *p;
    size_t n;
    size_t step;
};

static enum ec_status memory_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    struct memory_stream *m = (struct memory_stream *)stream;
    (void)err;
    if (n > m->n) n = m->n;
    if (n > m->step) n = m->step;
    memcpy(buf, m->p, n);
    m->p += n;
    m->n -= n;
    *got = n;
    return EC_OK;
}

static const struct ec_stream_ops memory_ops = {.compression = "none", .read = memory_read, .close = ec_layer_destroy};

enum ec_status ec_stream_memory(const void *p, size_t n, size_t step, struct ec_stream **stream, struct ec_err *err) {
    EC_TRY(ec_layer_create(sizeof(struct memory_stream), &memory_ops, "memory", stream, err));
    struct memory_stream *m = (struct memory_stream *)*stream;
    m->p = n ? p : (const void *)"";
    m->n = n;
    m->step = step ? step : SIZE_MAX;
    return EC_OK;
}
