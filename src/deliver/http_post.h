/* One HTTP POST: the certificate verified, no redirects, no .netrc, a time-out for the whole (deliver/transport.h).
 *
 *     struct ec_http_post request = {.options = &options, .url = url, .protocols = "https", .body = text};
 *     EC_TRY(ec_http_post(&request, err));
 *
 * Messages name neither the address nor a header: both may be secret.
 */
#ifndef EC_DELIVER_HTTP_POST_H
#define EC_DELIVER_HTTP_POST_H

#include "base/text.h"
#include "deliver/transport.h"

struct ec_http_header {
    const char *name, *value;
};

struct ec_http_post {
    const struct ec_transport_options *options;
    const char *url;
    const char *protocols; /* "https", "http,https" */
    const struct ec_http_header *header; /* besides Content-Type: application/json, User-Agent and Expect */
    size_t header_count;
    struct ec_str body;
};

/* EC_DELIVERY where it did not arrive: another answer than 2xx, no answer in time, no connection. */
enum ec_status ec_http_post(const struct ec_http_post *request, struct ec_err *err) EC_MUST_USE;

#endif
