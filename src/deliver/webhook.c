/* A message to a webhook: POST of JSON, over https, signed where a secret is configured. */
#include "base/calendar.h"
#include "config/config.h"
#include "deliver/http_post.h"
#include "deliver/send.h"
#include "deliver/sign.h"

#define HEADERS_MAX (EC_ALERT_HEADERS_MAX + 3u)

struct headers {
    struct ec_http_header header[HEADERS_MAX];
    size_t count;
    char when[32];
    struct ec_buf signature;
};

static void add(struct headers *h, const char *name, const char *value) {
    h->header[h->count++] = (struct ec_http_header){name, value};
}

static enum ec_status add_signature(struct headers *h, struct ec_sending *s, struct ec_err *err) {
    const char *secret;
    int64_t now_s = ec_now_micros() / EC_MICROS_PER_SECOND;
    (void)snprintf(h->when, sizeof h->when, "%lld", (long long)now_s);
    add(h, "webhook-id", s->message->id);
    add(h, "webhook-timestamp", h->when);
    if (s->alert->secret.kind == EC_SECRET_NONE) return EC_OK;
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->secret, "secret", &secret, err));
    EC_TRY(ec_sign(&h->signature, secret, s->message->id, now_s, s->message->payload, err));
    EC_TRY(ec_buf_check(&h->signature, err));
    add(h, "webhook-signature", h->signature.p);
    return EC_OK;
}

static enum ec_status make_headers(struct headers *h, struct ec_sending *s, struct ec_err *err) {
    for (size_t i = 0; i < s->alert->header_count; i++) {
        const char *value;
        EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->header[i].value, s->alert->header[i].name, &value, err));
        add(h, s->alert->header[i].name, value);
    }
    return add_signature(h, s, err);
}

/* The whole address is a secret, and each of its parts that says more than whom it belongs to. */
static enum ec_status read_url(struct ec_sending *s, const char **url, struct ec_err *err) {
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->url, "url", url, err));
    bool https = strncasecmp(*url, "https://", 8) == 0, http = strncasecmp(*url, "http://", 7) == 0;
    if (!https && !(http && s->alert->tls == EC_TLS_NONE))
        return ec_fail(err, EC_DELIVERY, "its `url` does not begin with https://%s", http ? _("; `tls: none` allows http") : "");
    const char *host = strstr(*url, "://") + 3;
    const char *path = host + strcspn(host, "/?#");
    size_t user = 0;
    for (const char *p = host; p < path; p++)
        if (*p == '@') user = (size_t)(p - host);
    ec_secrets_add(&s->secrets, host, user);
    ec_secrets_add(&s->secrets, path, strlen(path));
    const char *query = strchr(path, '?');
    if (query) ec_secrets_add(&s->secrets, query + 1, strlen(query + 1));
    for (const char *p = path; *p; p += strcspn(p, "/?&=")) { /* each token of the path, whoever repeats it alone */
        p += strspn(p, "/?&=");
        size_t n = strcspn(p, "/?&=");
        if (n >= 8) ec_secrets_add(&s->secrets, p, n);
    }
    return EC_OK;
}

enum ec_status ec_send_webhook(struct ec_sending *s, struct ec_err *err) {
    struct ec_transport_options options = ec_sending_options(s);
    struct ec_http_post request = {.options = &options, .protocols = s->alert->tls == EC_TLS_NONE ? "http,https" : "https", .body = s->message->payload};
    struct headers h = {.signature = ec_buf_make(256)};
    enum ec_status status = read_url(s, &request.url, err);
    if (status == EC_OK) status = make_headers(&h, s, err);
    request.header = h.header;
    request.header_count = h.count;
    if (status == EC_OK) status = ec_http_post(&request, err);
    ec_buf_free(&h.signature);
    return status;
}
