#include "deliver/http_post.h"

#include "base/buf.h"
#include "base/limits.h"

#include <string.h>

#define HEADER_MAX ((size_t)128 * EC_KIB)

struct headers {
    const struct ec_curl *lib;
    struct curl_slist *list;
};

/* A line end in a value would begin a header of somebody else's. */
static enum ec_status add(struct headers *h, const char *name, const char *value, struct ec_err *err) {
    if (strpbrk(value, "\r\n")) return ec_fail(err, EC_DELIVERY, "its header %s holds more than one line", name);
    struct ec_buf line = ec_buf_make(HEADER_MAX);
    ec_buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *grown = line.failed ? NULL : h->lib->slist_append(h->list, line.p);
    if (grown) h->list = grown;
    if (line.p) explicit_bzero(line.p, line.n);
    ec_buf_free(&line);
    return grown ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for a request");
}

static enum ec_status add_all(struct headers *h, const struct ec_http_post *r, struct ec_err *err) {
    EC_TRY(add(h, "Content-Type", "application/json", err));
    EC_TRY(add(h, "User-Agent", "ecluse/" EC_VERSION, err));
    EC_TRY(add(h, "Expect", "", err)); /* no round trip before the body */
    for (size_t i = 0; i < r->header_count; i++) EC_TRY(add(h, r->header[i].name, r->header[i].value, err));
    return EC_OK;
}

static enum ec_status perform(struct ec_transport *t, const struct headers *h, const struct ec_http_post *r, struct ec_err *err) {
    long code;
    EC_TRANSPORT_SET(t, CURLOPT_POST, 1L);
    EC_TRANSPORT_SET(t, CURLOPT_POSTFIELDS, r->body.p);
    EC_TRANSPORT_SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    EC_TRANSPORT_SET(t, CURLOPT_HTTPHEADER, h->list);
    EC_TRY(ec_transport_perform(t, &code, err));
    if (code >= 200 && code <= 299) return EC_OK;
    return ec_fail(err, EC_DELIVERY, "the server answered %ld%s", code, code >= 300 && code < 400 ? _(": redirects are not followed") : "");
}

enum ec_status ec_http_post(const struct ec_http_post *request, struct ec_err *err) {
    struct ec_transport t;
    struct headers h = {0};
    enum ec_status status = ec_transport_open(&t, request->options, request->url, request->protocols, err);
    h.lib = t.lib;
    if (status == EC_OK) status = add_all(&h, request, err);
    if (status == EC_OK) status = perform(&t, &h, request, err);
    if (h.list) h.lib->slist_free_all(h.list);
    ec_transport_close(&t);
    return status;
}
