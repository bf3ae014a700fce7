#include "deliver/secret.h"

#include "base/io.h"

#include <stdlib.h>

#define PATH_BYTES 4096u

static enum ec_status load_file(const char *project, const char *path, struct ec_buf *out, struct ec_err *err) {
    char full[PATH_BYTES];
    EC_TRY(ec_path_below(full, sizeof full, project, path, err));
    EC_TRY(ec_file_load(full, out, err));
    while (out->n > 0 && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r')) out->n--;
    return EC_OK;
}

/* A control character would end a header, a line of SMTP, an argument. */
static bool is_sound(const struct ec_buf *value) {
    for (size_t i = 0; i < value->n; i++)
        if ((unsigned char)value->p[i] < 0x20 || value->p[i] == 0x7F) return false;
    return value->n > 0 && !value->failed;
}

static enum ec_status fetch(struct ec_buf *value, const char *project, const struct ec_secret *secret, const char *what,
                            struct ec_err *err) {
    struct ec_err cause = {0};
    const char *from = secret->kind == EC_SECRET_ENV ? _("the environment variable") : _("the file");
    if (secret->kind == EC_SECRET_ENV) {
        const char *text = getenv(secret->text);
        if (!text) return ec_fail(err, EC_DELIVERY, "its `%s` is to come from the environment variable %s, which is not set", what, secret->text);
        ec_buf_addz(value, text);
    } else if (secret->kind == EC_SECRET_FILE) {
        if (load_file(project, secret->text, value, &cause) != EC_OK)
            return ec_fail(err, EC_DELIVERY, "its `%s` cannot be read: %s", what, cause.message);
    } else {
        ec_buf_addz(value, secret->text);
        from = _("the configuration");
    }
    if (!is_sound(value))
        return ec_fail(err, EC_DELIVERY, "its `%s` from %s %s is empty, too long, or holds more than one line", what, from,
                       secret->kind == EC_SECRET_TEXT ? "" : secret->text);
    ec_buf_addc(value, '\0');
    value->n--;
    return ec_buf_check(value, err);
}

enum ec_status ec_secrets_read(struct ec_secrets *secrets, const char *project, const struct ec_secret *secret,
                               const char *what, const char **text, struct ec_err *err) {
    *text = "";
    if (secret->kind == EC_SECRET_NONE) return EC_OK;
    if (secrets->count == EC_SECRETS_MAX) return ec_fail(err, EC_DELIVERY, "more than %u secrets", EC_SECRETS_MAX);
    struct ec_buf *value = &secrets->value[secrets->count++];
    *value = ec_buf_make(EC_SECRET_BYTES_MAX);
    EC_TRY(fetch(value, project, secret, what, err));
    *text = value->p;
    return EC_OK;
}

void ec_secrets_add(struct ec_secrets *secrets, const char *p, size_t n) {
    if (n < EC_SCRUB_MIN || secrets->count == EC_SECRETS_MAX) return;
    struct ec_buf *value = &secrets->value[secrets->count++];
    *value = ec_buf_make(EC_SECRET_BYTES_MAX);
    ec_buf_add(value, p, n);
}

/* In place, into the same room: what does not fit any more is cut off at the end. */
static void scrub_one(const struct ec_buf *value, char *text, size_t size) {
    static const char mark[] = "[secret]";
    size_t k = sizeof mark - 1;
    if (value->n < EC_SCRUB_MIN || value->failed) return;
    for (char *at = text; (at = memmem(at, strlen(at), value->p, value->n)) != NULL;) {
        size_t room = size - 1 - (size_t)(at - text), tail = strlen(at + value->n);
        size_t mark_n = k < room ? k : room;
        if (tail > room - mark_n) tail = room - mark_n;
        memmove(at + mark_n, at + value->n, tail);
        memcpy(at, mark, mark_n);
        at[mark_n + tail] = '\0';
        at += mark_n;
    }
}

void ec_secrets_scrub(const struct ec_secrets *secrets, char *text, size_t size) {
    for (size_t i = 0; i < secrets->count; i++) scrub_one(&secrets->value[i], text, size);
}

void ec_secrets_deinit(struct ec_secrets *secrets) {
    for (size_t i = 0; i < secrets->count; i++) {
        if (secrets->value[i].p) explicit_bzero(secrets->value[i].p, secrets->value[i].cap);
        ec_buf_free(&secrets->value[i]);
    }
    secrets->count = 0;
}

void ec_redact_url(struct ec_buf *out, const char *url) {
    const char *host = strstr(url, "://");
    if (!host) {
        ec_buf_addz(out, "…");
        return;
    }
    host += 3;
    size_t n = strcspn(host, "/?#\\");
    ec_buf_add(out, url, (size_t)(host - url));
    for (size_t i = n; i > 0; i--) { /* a user may hold an @ of its own: the last one counts */
        if (host[i - 1] != '@') continue;
        host += i;
        n -= i;
        break;
    }
    ec_buf_add(out, host, n);
    if (host[n]) ec_buf_addz(out, "/…");
}

static void redact_webhook(struct ec_buf *out, const struct ec_alert *alert, const char *project) {
    struct ec_secrets secrets = {0};
    const char *url;
    if (ec_secrets_read(&secrets, project, &alert->url, "url", &url, NULL) == EC_OK)
        ec_redact_url(out, url);
    else
        ec_buf_printf(out, "%s %s", alert->url.kind == EC_SECRET_ENV ? "env" : "file", alert->url.text);
    ec_secrets_deinit(&secrets);
}

void ec_redact_target(struct ec_buf *out, const struct ec_alert *alert, const char *project) {
    switch (alert->type) {
    case EC_ALERT_FILE: ec_buf_addz(out, "data/quality/quality_alert.txt"); break;
    case EC_ALERT_SMTP:
        ec_buf_printf(out, "smtp://%s:%u to ", alert->host, alert->port);
        for (size_t i = 0; i < alert->to_count; i++) ec_buf_printf(out, "%s%s", i ? ", " : "", alert->to[i]);
        break;
    case EC_ALERT_WEBHOOK: redact_webhook(out, alert, project); break;
    default: ec_buf_addz(out, alert->argv[0]); /* what follows may be a secret */
    }
}
