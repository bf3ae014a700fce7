/* One signed request to an S3-compatible store; for the files of this folder alone. */
#ifndef EC_REMOTE_S3_H
#define EC_REMOTE_S3_H

#include "remote/store_private.h"

struct ec_s3_request {
    const char *method;
    struct ec_str bucket;
    struct ec_str key; /* as it is, not encoded; empty: the bucket itself */
    const char *query; /* encoded and in order of its names; "" for none */
    const char *range, *if_match, *if_none_match; /* headers; NULL: without */
    const void *body;
    size_t body_n;
    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err);
    void *user;
};

/* Signs and sends. EC_OK: there is an answer, whatever its code. */
enum ec_status ec_s3_send(struct ec_store *store, const struct ec_s3_request *request, struct ec_http_answer *answer,
                          struct ec_err *err) EC_MUST_USE;
/* What an answer other than 2xx means, said of `what` (an address). *again: another try may succeed. Never EC_OK. */
enum ec_status ec_s3_refused(const struct ec_http_answer *answer, const char *what, bool *again, struct ec_err *err) EC_MUST_USE;

#endif
