/* One request to a store, over libcurl: its certificate verified, no redirects, no .netrc, a bound on every answer.
 *
 *     struct ec_http *http;
 *     EC_TRY(ec_http_create(&settings, &http, err));
 *     struct ec_http_call call = {.method = "GET", .url = url, .line = lines, .lines = n, .sink = sink, .user = &place};
 *     status = ec_http_perform(http, &call, &answer, err);
 *     ec_http_answer_free(&answer);
 *     ec_http_destroy(http);
 *
 * A connection is kept open for the next request. One thread each.
 */
#ifndef EC_REMOTE_HTTP_H
#define EC_REMOTE_HTTP_H

#include "base/buf.h"
#include "remote/settings.h"

struct ec_http;

struct ec_http_call {
    const char *method; /* "GET" "PUT" "POST" "DELETE" */
    const char *url;
    const char *const *line; /* headers, "Name: value" */
    size_t lines;
    const void *body; /* NULL: none */
    size_t body_n;
    /* Receives the body of an answer 2xx, piece by piece; what it fails with ends the request. NULL: it is kept in
     * answer->body, EC_REMOTE_ANSWER_MAX at most. The body of any other answer is kept there, cut at EC_REMOTE_ERROR_MAX. */
    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err);
    void *user;
};

struct ec_http_answer {
    long code;
    struct ec_buf body;
    char etag[256], content_range[96], location[4096], region[64]; /* "" where the answer has none */
    char host[300];                                                /* that was asked, for messages */
};

enum ec_status ec_http_create(const struct ec_remote_settings *settings, struct ec_http **http, struct ec_err *err) EC_MUST_USE;
void ec_http_destroy(struct ec_http *http); /* NULL allowed */

/* EC_OK: there was an answer, whatever its code, and it is whole. EC_REMOTE: there was none, or it broke off, which another
 * try may mend; EC_INTERRUPTED; or what the sink failed with. Messages name the host, and no more of the address. */
enum ec_status ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer,
                               struct ec_err *err) EC_MUST_USE;
void ec_http_answer_free(struct ec_http_answer *answer);

/* Calls `attempt` until it succeeds, sets *again to false, or has been called as often as the settings say, waiting
 * between: up to 0.2 s, 0.4 s, 0.8 s …, 10 s at most, by chance, so that many who were refused do not come back at once. */
enum ec_status ec_http_retry(struct ec_http *http, enum ec_status (*attempt)(void *context, bool *again, struct ec_err *err),
                             void *context, struct ec_err *err) EC_MUST_USE;
/* Whether an answer with that code may be another one next time. */
bool ec_http_may_pass(long code);

#endif
