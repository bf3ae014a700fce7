#include "base/io.h"
#include "source/layer.h"

enum ec_status ec_layer_create(size_t size, const struct ec_stream_ops *ops, const char *name, struct ec_stream **stream,
                               struct ec_err *err) {
    struct ec_stream *s = ec_calloc(1, size);
    char *copy = ec_strdup(name);
    if (!s || !copy) {
        ec_free(s);
        ec_free(copy);
        return ec_fail(err, EC_NO_MEMORY, "no memory to open %s", name);
    }
    s->ops = ops;
    s->compression = ops->compression;
    s->name = copy;
    *stream = s;
    return EC_OK;
}

void ec_layer_destroy(struct ec_stream *stream) {
    ec_stream_close(stream->below);
    ec_free(stream->name);
    ec_free(stream);
}

enum ec_status ec_stream_peek(struct ec_stream *stream, struct ec_err *err) {
    while (stream->peeked < EC_PEEK_MAX && !stream->ended) {
        size_t got;
        EC_TRY(stream->ops->read(stream, stream->peek + stream->peeked, EC_PEEK_MAX - stream->peeked, &got, err));
        stream->peeked += got;
        stream->ended = got == 0;
    }
    return EC_OK;
}

enum ec_status ec_stream_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    *got = 0;
    if (stream->failure.status != EC_OK) return ec_fail(err, stream->failure.status, "%s", stream->failure.message);
    size_t kept = stream->peeked - stream->peek_at;
    if (kept > n) kept = n;
    memcpy(buf, stream->peek + stream->peek_at, kept);
    stream->peek_at += kept;
    if (kept < n && !stream->ended) {
        if (stream->ops->read(stream, (char *)buf + kept, n - kept, got, &stream->failure) != EC_OK) {
            *got = 0;
            return ec_fail(err, stream->failure.status, "%s", stream->failure.message);
        }
        stream->ended = *got == 0;
    }
    *got += kept;
    stream->bytes_out += *got;
    return EC_OK;
}

void ec_stream_close(struct ec_stream *stream) {
    if (stream) stream->ops->close(stream);
}

static enum ec_status open_plain(const struct ec_stream_args *args, struct ec_stream **stream, struct ec_err *err) {
    if (strcmp(args->path, "-") == 0) return ec_stream_stdin(stream, err);
    return ec_stream_file(args->path, args->range_start, args->range_end, stream, NULL, err);
}

enum ec_status ec_stream_open(const struct ec_stream_args *args, struct ec_stream **stream, struct ec_err *err) {
    struct ec_stream *s = NULL;
    EC_TRY(open_plain(args, &s, err));
    enum ec_status status = ec_stream_peek(s, err);
    if (status == EC_OK && s->peeked == 0) status = ec_fail(err, EC_EMPTY_FILE, "%s holds no bytes", s->name);
    if (status != EC_OK) {
        ec_stream_close(s);
        return status;
    }
    *stream = s;
    return EC_OK;
}

const char *ec_stream_compression(const struct ec_stream *stream) { return stream->compression; }

uint64_t ec_stream_bytes_in(const struct ec_stream *stream) {
    while (stream->below) stream = stream->below;
    return stream->bytes_out;
}

uint64_t ec_stream_bytes_out(const struct ec_stream *stream) { return stream->bytes_out; }
