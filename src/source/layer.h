/* What a byte stream is made of, for the files of this folder alone.
 *
 *     file range | standard input | memory      the bottom
 *       zip member (store or deflate)           at most one
 *         gzip                                  at most one
 *
 * A layer owns the one below it and pulls from it. Reading goes through
 * ec_stream_read(), which hands out peeked bytes first, keeps the first error and counts.
 */
#ifndef EC_SOURCE_LAYER_H
#define EC_SOURCE_LAYER_H

#include "source/stream.h"

#include <string.h>
#include <sys/stat.h>

#define EC_PEEK_MAX 8u

struct ec_stream_ops {
    const char *compression;
    /* Up to n bytes (n > 0) into buf; *got is 0 only at the verified end. */
    enum ec_status (*read)(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err);
    void (*close)(struct ec_stream *stream); /* frees the stream and what is below it */
};

/* The head of every layer's own struct. */
struct ec_stream {
    const struct ec_stream_ops *ops;
    struct ec_stream *below; /* owned; NULL at the bottom */
    const char *compression; /* of the whole chain */
    char *name;              /* for messages; owned */
    uint64_t bytes_out;      /* handed out through ec_stream_read() */
    struct ec_err failure;   /* the first error, given again by every later read */
    unsigned char peek[EC_PEEK_MAX];
    size_t peeked;
    size_t peek_at;
    bool ended;
};

/* Zeroed memory of `size` bytes that starts with a struct ec_stream. */
enum ec_status ec_layer_create(size_t size, const struct ec_stream_ops *ops, const char *name,
                               struct ec_stream **stream, struct ec_err *err) EC_MUST_USE;
/* Frees what ec_layer_create() made and closes what is below. */
void ec_layer_destroy(struct ec_stream *stream);

/* The first bytes, up to EC_PEEK_MAX, without consuming them; only before the first read. */
enum ec_status ec_stream_peek(struct ec_stream *stream, struct ec_err *err) EC_MUST_USE;
static inline bool ec_stream_starts(const struct ec_stream *stream, const void *magic, size_t n) {
    return stream->peeked >= n && memcmp(stream->peek, magic, n) == 0;
}

/* Bytes start..end of a regular file (end 0: to its end). `st`, if not NULL, receives its state. */
enum ec_status ec_stream_file(const char *path, uint64_t start, uint64_t end, struct ec_stream **stream,
                              struct stat *st, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_stream_stdin(struct ec_stream **stream, struct ec_err *err) EC_MUST_USE;

/* Takes `below` over, also where it fails. bytes_max 0: EC_INFLATE_MEMBER_MAX. EC_GZIP_*, EC_BOMB. */
enum ec_status ec_stream_gzip(struct ec_stream *below, uint64_t bytes_max, struct ec_stream **stream,
                              struct ec_err *err) EC_MUST_USE;

#endif
