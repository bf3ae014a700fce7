/* One HTTP POST by libcurl: https with its certificate verified (http where the caller allowed it), no redirects, no
 * .netrc, a time-out for the whole.
 *
 *     struct ec_http_post request = {.url = url, .body = text, .content_type = "application/json", .timeout_s = 10};
 *     EC_TRY(ec_http_post(&request, err));
 *
 * The secret goes with the request and is in no message: of the address messages show the host alone.
 */
#ifndef EC_DELIVER_HTTP_POST_H
#define EC_DELIVER_HTTP_POST_H

#include "base/err.h"
#include "base/text.h"

struct ec_http_post {
    const char *url;
    struct ec_str body;
    const char *content_type;
    const char *bearer; /* of `Authorization: Bearer …`; NULL: none */
    unsigned timeout_s;
};

/* EC_DELIVERY where it did not arrive: another answer than 2xx, no answer in time, no connection. */
enum ec_status ec_http_post(const struct ec_http_post *request, struct ec_err *err) EC_MUST_USE;
/* Whether the library is there; EC_DELIVERY says what is missing. */
enum ec_status ec_http_ready(struct ec_err *err) EC_MUST_USE;

#endif
