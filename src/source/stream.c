/* What all layers share, and which of them a file needs. */
#include "base/io.h"
#include "source/layer.h"
#include "source/zip.h"

#include <strings.h>

enum ec_status ec_layer_create(size_t size, const struct ec_stream_ops *ops, const char *name,
                               struct ec_stream **stream, struct ec_err *err) {
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

static const char gzip_magic[] = {0x1f, (char)0x8b};
static const char zip_magic[] = {'P', 'K', 3, 4};

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

static enum ec_status open_member(const struct ec_stream_args *args, struct ec_stream **stream, struct ec_err *err) {
    struct ec_zip_member member;
    EC_TRY(ec_zip_find(args->path, args->member, &member, err));
    return ec_stream_member(args->path, &member, args->member_max, stream, err);
}

static enum ec_status open_bottom(const struct ec_stream_args *args, struct ec_stream **stream, struct ec_err *err) {
    bool ranged = args->range_start > 0 || args->range_end > 0;
    bool standard_input = strcmp(args->path, "-") == 0;
    if (ranged && (args->member || standard_input))
        return ec_fail(err, EC_USAGE, "%s: only a plain file can be read in ranges", args->path);
    if (args->member) return open_member(args, stream, err);
    if (standard_input) return ec_stream_stdin(stream, err);
    return ec_stream_file(args->path, args->range_start, args->range_end, stream, NULL, err);
}

/* The first bytes, of which there must be some. */
static enum ec_status look(struct ec_stream *s, struct ec_err *err) {
    EC_TRY(ec_stream_peek(s, err));
    return s->peeked ? EC_OK : ec_fail(err, EC_EMPTY_FILE, "%s holds no bytes", s->name);
}

/* What is neither gzip nor read as a zip archive: its name and bytes must agree with that. */
static enum ec_status check_plain(const struct ec_stream_args *args, const struct ec_stream *s, struct ec_err *err) {
    const char *name = args->member ? args->member : args->path;
    bool zip = ec_stream_starts(s, zip_magic, sizeof zip_magic);
    if (ends_with(name, ".gz")) return ec_fail(err, EC_GZIP_NOT, "%s is named .gz but is not gzip", s->name);
    if (zip && args->member)
        return ec_fail(err, EC_UNKNOWN_FORMAT, "%s is an archive or workbook within an archive", s->name);
    if (!ends_with(name, ".zip")) return EC_OK;
    return zip ? ec_fail(err, EC_UNKNOWN_FORMAT, "%s is an archive: one of its members must be named", s->name)
               : ec_fail(err, EC_ZIP_NOT, "%s is named .zip but is not a zip archive", s->name);
}

static enum ec_status check_unpacked(const struct ec_stream *s, struct ec_err *err) {
    if (ec_stream_starts(s, gzip_magic, sizeof gzip_magic) || ec_stream_starts(s, zip_magic, sizeof zip_magic))
        return ec_fail(err, EC_UNKNOWN_FORMAT, "%s holds another compressed file within its gzip data", s->name);
    return EC_OK;
}

enum ec_status ec_stream_open(const struct ec_stream_args *args, struct ec_stream **stream, struct ec_err *err) {
    struct ec_stream *s = NULL;
    EC_TRY(open_bottom(args, &s, err));
    enum ec_status status = EC_OK;
    if (args->range_start > 0) goto done; /* the middle of a plain file looks like anything */
    status = look(s, err);
    if (status != EC_OK) goto done;
    if (!ec_stream_starts(s, gzip_magic, sizeof gzip_magic)) {
        status = check_plain(args, s, err);
        goto done;
    }
    if (args->range_end > 0) {
        status = ec_fail(err, EC_USAGE, "%s is gzip: only a plain file can be read in ranges", s->name);
        goto done;
    }
    struct ec_stream *packed = s;
    s = NULL;
    status = ec_stream_gzip(packed, args->member_max, &s, err);
    if (status == EC_OK) status = look(s, err);
    if (status == EC_OK) status = check_unpacked(s, err);
done:
    if (status != EC_OK)
        ec_stream_close(s);
    else
        *stream = s;
    return status;
}

const char *ec_stream_compression(const struct ec_stream *stream) {
    return stream->compression;
}

uint64_t ec_stream_bytes_in(const struct ec_stream *stream) {
    while (stream->below) stream = stream->below;
    return stream->bytes_out;
}

uint64_t ec_stream_bytes_out(const struct ec_stream *stream) {
    return stream->bytes_out;
}
