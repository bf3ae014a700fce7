/* A message by SMTP (RFC 5321). The payload is the whole message of RFC 5322, with CR LF; libcurl doubles the dots at
 * the start of lines. */
#include "deliver/send.h"

struct upload {
    struct ec_str left;
};

static size_t give(char *to, size_t size, size_t n, void *user) {
    struct upload *u = user;
    size_t room = size * n, k = u->left.n < room ? u->left.n : room;
    memcpy(to, u->left.p, k);
    u->left.p += k;
    u->left.n -= k;
    return k;
}

static void url_of(const struct ec_alert *a, struct ec_buf *out) {
    bool v6 = strchr(a->host, ':') != NULL;
    const char *at = strchr(a->from, '@');
    /* What stands behind the slash is how we greet: the domain that the message is from. */
    ec_buf_printf(out, "%s://%s%s%s:%u/%s", a->tls == EC_TLS_IMPLICIT ? "smtps" : "smtp", v6 ? "[" : "", a->host, v6 ? "]" : "", a->port, at + 1);
}

static enum ec_status log_in(struct ec_transport *t, struct ec_sending *s, struct ec_err *err) {
    const char *user, *password;
    if (s->alert->password.kind == EC_SECRET_NONE) return EC_OK;
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->password, "password", &password, err));
    EC_TRY(ec_secrets_read(&s->secrets, s->project, &s->alert->user, "user", &user, err));
    EC_TRANSPORT_SET(t, CURLOPT_USERNAME, user);
    EC_TRANSPORT_SET(t, CURLOPT_PASSWORD, password);
    return EC_OK;
}

static struct curl_slist *recipients(const struct ec_curl *lib, const struct ec_alert *a) {
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < a->to_count; i++) {
        struct curl_slist *grown = lib->slist_append(list, a->to[i]);
        if (!grown) {
            lib->slist_free_all(list);
            return NULL;
        }
        list = grown;
    }
    return list;
}

enum ec_status ec_send_smtp(struct ec_sending *s, struct ec_err *err) {
    const struct ec_alert *a = s->alert;
    struct ec_buf url = ec_buf_make(1024);
    struct upload upload = {s->message->payload};
    struct ec_transport_options options = ec_sending_options(s);
    struct ec_transport t = {0};
    struct curl_slist *to = NULL;
    long code = 0;
    url_of(a, &url);
    enum ec_status status = ec_buf_check(&url, err);
    if (status == EC_OK) status = ec_transport_open(&t, &options, url.p, "smtp,smtps", err);
    if (status == EC_OK) status = log_in(&t, s, err);
    if (status == EC_OK && !(to = recipients(t.lib, a))) status = ec_fail(err, EC_NO_MEMORY, "no memory to send an alert");
    if (status == EC_OK) {
        EC_TRANSPORT_SET(&t, CURLOPT_USE_SSL, a->tls == EC_TLS_NONE ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
        EC_TRANSPORT_SET(&t, CURLOPT_MAIL_FROM, a->from);
        EC_TRANSPORT_SET(&t, CURLOPT_MAIL_RCPT, to);
        EC_TRANSPORT_SET(&t, CURLOPT_UPLOAD, 1L);
        EC_TRANSPORT_SET(&t, CURLOPT_READFUNCTION, give);
        EC_TRANSPORT_SET(&t, CURLOPT_READDATA, &upload);
        status = ec_transport_perform(&t, &code, err);
    }
    if (to) t.lib->slist_free_all(to);
    ec_transport_close(&t);
    ec_buf_free(&url);
    return status;
}
