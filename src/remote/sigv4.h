/* AWS signature version 4, in the Authorization header
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 *
 *     canonical request   method, path, query, headers in order, their names, the body's SHA-256
 *     text to sign        "AWS4-HMAC-SHA256", time, scope, SHA-256 of the canonical request
 *     key                 HMAC over day, region, service and "aws4_request", each with the one before
 *
 * What is signed is what is sent: the caller gives path and query encoded as they stand in the request.
 */
#ifndef EC_REMOTE_SIGV4_H
#define EC_REMOTE_SIGV4_H

#include "base/buf.h"

#define EC_SIGV4_TIME 17u /* "20130524T000000Z" with its NUL */

struct ec_sigv4_header {
    const char *name; /* in small letters; in order of the names */
    const char *value;
};

struct ec_sigv4 {
    const char *access_key, *secret_key;
    const char *region, *service; /* "us-east-1", "s3" */
    const char *time;             /* "20130524T000000Z" */
    const char *method;
    const char *path;  /* "/test.txt", encoded */
    const char *query; /* "max-keys=2&prefix=J", encoded and in order; "" for none */
    const struct ec_sigv4_header *header;
    size_t header_count;
    const char *payload; /* SHA-256 of the body in hexadecimal */
};

/* "AWS4-HMAC-SHA256 Credential=…" appended to `out`, which then holds what is to be kept to oneself. */
enum ec_status ec_sigv4_authorize(const struct ec_sigv4 *request, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* The canonical request, appended: for tests, and the first thing to look at where a store refuses a signature. */
void ec_sigv4_canonical(const struct ec_sigv4 *request, struct ec_buf *out);
/* A time of the wall clock as it is signed. */
void ec_sigv4_time(int64_t micros, char out[EC_SIGV4_TIME]);

#endif
