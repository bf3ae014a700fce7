/* A message to a webhook: POST of JSON, over https, signed where a secret is configured. */
#include "base/calendar.h"
#include "config/config.h"
#include "deliver/sign.h"
#include "deliver/transport.h"

struct headers {
    const struct ec_curl *lib;
    struct curl_slist *list;
    struct ec_buf line;
    bool failed;
};

static void add(struct headers *h, const char *name, const char *value) {
    ec_buf_clear(&h->line);
    ec_buf_printf(&h->line, "%s: %s", name, value);
    struct curl_slist *grown = h->line.failed ? NULL : h->lib->slist_append(h->list, h->line.p);
    if (grown)
        h->list = grown;
    else
        h->failed = true;
}

static enum ec_status add_signature(struct headers *h, struct ec_sending *s, struct ec_err *err) {
    const char *secret;
    char when[32];
    int64_t now_s = ec_now_micros() / EC_MICROS_PER_SECOND;
    (void)snprintf(when, sizeof when, "%lld", (long long)now_s);
    add(h, "webhook-id", s->message->id);
    add(h, "webhook-timestamp", when);
    if (s->alert->secret.kind == EC_SECRET_NONE) return EC_OK;
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->secret, "secret", &secret, err));
    struct ec_buf signature = ec_buf_make(256);
    enum ec_status status = ec_sign(&signature, secret, s->message->id, now_s, s->message->payload, err);
    if (status == EC_OK) add(h, "webhook-signature", ec_buf_str(&signature).p);
    ec_buf_free(&signature);
    return status;
}

static enum ec_status make_headers(struct headers *h, struct ec_sending *s, struct ec_err *err) {
    add(h, "Content-Type", "application/json");
    add(h, "User-Agent", "ecluse/" EC_VERSION);
    add(h, "Expect", ""); /* the body is small: not asked for first */
    for (size_t i = 0; i < s->alert->header_count; i++) {
        const char *value;
        EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->header[i].value, s->alert->header[i].name, &value, err));
        add(h, s->alert->header[i].name, value);
    }
    EC_TRY(add_signature(h, s, err));
    return h->failed ? ec_fail(err, EC_NO_MEMORY, "no memory to send an alert") : EC_OK;
}

/* The whole address is a secret, and each of its parts that says more than whom it belongs to. */
static enum ec_status read_url(struct ec_sending *s, const char **url, struct ec_err *err) {
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->url, "url", url, err));
    bool https = strncasecmp(*url, "https://", 8) == 0, http = strncasecmp(*url, "http://", 7) == 0;
    if (!https && !(http && s->alert->tls == EC_TLS_NONE))
        return ec_fail(err, EC_DELIVERY, "its `url` does not begin with https://%s", http ? "; `tls: none` allows http" : "");
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
    const char *url;
    struct ec_transport t = {0};
    struct headers h = {.line = ec_buf_make(EC_SECRET_BYTES_MAX + 256)};
    long code = 0;
    enum ec_status status = read_url(s, &url, err);
    if (status == EC_OK) status = ec_transport_open(&t, s, url, s->alert->tls == EC_TLS_NONE ? "http,https" : "https", err);
    if (status == EC_OK) {
        h.lib = t.lib;
        status = make_headers(&h, s, err);
    }
    if (status == EC_OK) {
        EC_TRANSPORT_SET(&t, CURLOPT_POST, 1L);
        EC_TRANSPORT_SET(&t, CURLOPT_POSTFIELDS, s->message->payload.p);
        EC_TRANSPORT_SET(&t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->message->payload.n);
        EC_TRANSPORT_SET(&t, CURLOPT_HTTPHEADER, h.list);
        status = ec_transport_perform(&t, &code, err);
    }
    if (status == EC_OK && (code < 200 || code > 299))
        status = ec_fail(err, EC_DELIVERY, "the server answered %ld%s", code, code >= 300 && code < 400 ? ": redirects are not followed" : "");
    if (h.list) h.lib->slist_free_all(h.list);
    if (h.line.p) explicit_bzero(h.line.p, h.line.cap);
    ec_buf_free(&h.line);
    ec_transport_close(&t);
    return status;
}
