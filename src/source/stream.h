/* Byte streams: a plain file or a range of it, a gzip file, a member of a zip archive.
 *
 * Layers are found by looking at the bytes, not the name, except that a name ending in
 * .gz or .zip whose bytes are something else is an error (an interrupted or mislabelled
 * transfer). Depth is exactly zip -> gz -> data. Inflate is ISA-L's, streaming; CRC and
 * length are verified, and bytes behind the end are an error, so that a truncated file
 * never looks complete.
 *
 *     struct ec_stream *s;
 *     EC_TRY(ec_stream_open(&(struct ec_stream_args){.path = path, .member = member}, &s, err));
 *     do { EC_TRY(ec_stream_read(s, buf, sizeof buf, &got, err)); } while (got > 0);
 *     ec_stream_close(s);
 */
#ifndef EC_SOURCE_STREAM_H
#define EC_SOURCE_STREAM_H

#include "base/err.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct ec_stream;

struct ec_stream_args {
    const char *path;     /* as opened; also for messages. "-" is standard input */
    const char *member;   /* of a zip archive, or NULL */
    uint64_t range_start; /* of a plain file, in bytes */
    uint64_t range_end;   /* 0: to the end */
    uint64_t member_max;  /* decoded bytes; 0: EC_INFLATE_MEMBER_MAX */
};

/* *stream is owned by the caller. EC_UNREADABLE, EC_EMPTY_FILE (no bytes at all, before or
 * after decoding), EC_GZIP_*, EC_ZIP_*, EC_BOMB. */
enum ec_status ec_stream_open(const struct ec_stream_args *args, struct ec_stream **stream,
                              struct ec_err *err) EC_MUST_USE;

/* Up to n decoded bytes (n > 0) into buf; *got is 0 at the end, after everything (CRC, length,
 * trailing bytes) has been verified, and may be less than n before it. An error is given
 * again by every later read. */
enum ec_status ec_stream_read(struct ec_stream *stream, void *buf, size_t n, size_t *got,
                              struct ec_err *err) EC_MUST_USE;
void ec_stream_close(struct ec_stream *stream); /* NULL allowed */

/* A stream over n bytes that the caller keeps until the close, at most `step` of them a read
 * (0: no limit), so that tests can put the boundary of a window anywhere. */
enum ec_status ec_stream_memory(const void *p, size_t n, size_t step, struct ec_stream **stream,
                                struct ec_err *err) EC_MUST_USE;

const char *ec_stream_compression(const struct ec_stream *stream); /* "none" "gzip" "zip" "zip+gzip" */
uint64_t ec_stream_bytes_in(const struct ec_stream *stream);       /* read from the file so far */
uint64_t ec_stream_bytes_out(const struct ec_stream *stream);      /* decoded so far */

#endif
