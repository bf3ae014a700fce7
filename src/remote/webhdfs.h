/* One request to a namenode; for the files of this folder alone. */
#ifndef EC_REMOTE_WEBHDFS_H
#define EC_REMOTE_WEBHDFS_H

#include "remote/store_private.h"

struct ec_webhdfs_request {
    const char *method;
    const struct ec_address *address; /* whose host is asked */
    struct ec_str path;               /* without a slash before it */
    const char *query;                /* "op=OPEN&offset=0" */
    const void *body;                 /* NULL: none */
    size_t body_n;
    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err);
    void *user;
};

/* EC_OK: there is an answer, whatever its code. */
enum ec_status ec_webhdfs_send(struct ec_store *store, const struct ec_webhdfs_request *request, struct ec_http_answer *answer,
                               struct ec_err *err) EC_MUST_USE;
/* What an answer other than 2xx means, said of `what`. *again: another try may succeed. Never EC_OK. */
enum ec_status ec_webhdfs_refused(const struct ec_http_answer *answer, const char *what, bool *again, struct ec_err *err) EC_MUST_USE;
/* Whether the address that a namenode sends to may be asked: http or https, and not unencrypted where it was asked encrypted. */
enum ec_status ec_webhdfs_location(const struct ec_remote_settings *settings, const struct ec_address *address,
                                   const struct ec_http_answer *answer, struct ec_err *err) EC_MUST_USE;

#endif
