/* A byte stream in a declared encoding as UTF-8, piece by piece.
 *
 * latin-1 (ISO 8859-1), windows-1252 (as WHATWG's table, but its five undefined bytes stay
 * undefined), utf-16le and utf-16be (RFC 2781). What the encoding does not define, an unpaired
 * surrogate, half a unit at the end, becomes bytes that are not UTF-8, so that the row that holds
 * it gets an encoding-error and no other. A byte order mark becomes U+FEFF. One thread.
 *
 *     struct ec_transcode *t;
 *     EC_TRY(ec_transcode_create("utf-16le", stream, &t, err));
 *     do { EC_TRY(ec_transcode_read(t, buf, sizeof buf, &got, err)); } while (got > 0);
 *     ec_transcode_destroy(t);
 */
#ifndef EC_READ_TRANSCODE_H
#define EC_READ_TRANSCODE_H

#include "source/stream.h"

#define EC_TRANSCODE_ROOM 8u /* the least room that a read must offer */

struct ec_transcode;

/* *transcode is owned by the caller; `stream` is borrowed until it is destroyed. NULL is given for
 * "utf-8" (or a NULL encoding), which needs no change. EC_CONFIG for an unknown encoding. */
enum ec_status ec_transcode_create(const char *encoding, struct ec_stream *stream, struct ec_transcode **transcode,
                                   struct ec_err *err) EC_MUST_USE;

/* Up to n bytes (n >= EC_TRANSCODE_ROOM) of UTF-8; *got is 0 only at the end. EC_ENCODING where a byte
 * order mark contradicts the declared encoding, and the errors of the stream. */
enum ec_status ec_transcode_read(struct ec_transcode *transcode, char *buf, size_t n, size_t *got,
                                 struct ec_err *err) EC_MUST_USE;
void ec_transcode_destroy(struct ec_transcode *transcode); /* NULL allowed */

#endif
