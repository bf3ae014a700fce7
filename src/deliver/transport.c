#include "deliver/transport.h"

#include "base/io.h"

static int on_progress(void *user, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow) {
    const struct ec_transport *t = user;
    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return t->sending->cancelled && t->sending->cancelled();
}

/* What the other side says is of no use to us, but for its code. */
static size_t discard(char *p, size_t size, size_t n, void *user) {
    (void)p;
    (void)user;
    return size * n;
}

static void set_limits(struct ec_transport *t) {
    const struct ec_alert *a = t->sending->alert;
    EC_TRANSPORT_SET(t, CURLOPT_NOSIGNAL, 1L);
    EC_TRANSPORT_SET(t, CURLOPT_TIMEOUT_MS, (long)a->timeout_s * 1000);
    EC_TRANSPORT_SET(t, CURLOPT_CONNECTTIMEOUT_MS, (long)a->connect_timeout_s * 1000);
    EC_TRANSPORT_SET(t, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)a->timeout_s);
    EC_TRANSPORT_SET(t, CURLOPT_FOLLOWLOCATION, 0L);
    EC_TRANSPORT_SET(t, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    EC_TRANSPORT_SET(t, CURLOPT_NOPROGRESS, 0L);
    EC_TRANSPORT_SET(t, CURLOPT_XFERINFODATA, t);
    EC_TRANSPORT_SET(t, CURLOPT_XFERINFOFUNCTION, on_progress);
    EC_TRANSPORT_SET(t, CURLOPT_WRITEFUNCTION, discard);
    EC_TRANSPORT_SET(t, CURLOPT_HEADERFUNCTION, discard);
    EC_TRANSPORT_SET(t, CURLOPT_ERRORBUFFER, t->why);
}

static enum ec_status set_tls(struct ec_transport *t, struct ec_err *err) {
    const struct ec_sending *s = t->sending;
    EC_TRANSPORT_SET(t, CURLOPT_SSL_VERIFYPEER, 1L);
    EC_TRANSPORT_SET(t, CURLOPT_SSL_VERIFYHOST, 2L);
    EC_TRANSPORT_SET(t, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!s->alert->ca_file) return EC_OK;
    EC_TRY(ec_path_join(t->ca_path, sizeof t->ca_path, s->alert->ca_file[0] == '/' ? "" : s->project, s->alert->ca_file, err));
    const char *path = s->alert->ca_file[0] == '/' ? s->alert->ca_file : t->ca_path;
    if (!ec_path_exists(path)) return ec_fail(err, EC_DELIVERY, "its `ca_file` %s is not there", s->alert->ca_file);
    EC_TRANSPORT_SET(t, CURLOPT_CAINFO, path);
    return EC_OK;
}

enum ec_status ec_transport_open(struct ec_transport *t, const struct ec_sending *sending, const char *url,
                                 const char *protocols, struct ec_err *err) {
    *t = (struct ec_transport){.sending = sending};
    EC_TRY(ec_curl_load(&t->lib, err));
    t->curl = t->lib->easy_init();
    if (!t->curl) return ec_fail(err, EC_NO_MEMORY, "no memory to send an alert");
    set_limits(t);
    EC_TRY(set_tls(t, err));
    EC_TRANSPORT_SET(t, CURLOPT_PROTOCOLS_STR, protocols);
    EC_TRANSPORT_SET(t, CURLOPT_URL, url);
    return EC_OK;
}

enum ec_status ec_transport_perform(struct ec_transport *t, long *code, struct ec_err *err) {
    *code = 0;
    if (t->failed) return ec_fail(err, EC_DELIVERY, "the library that sends alerts refused an option: it is too old, or the address is wrong");
    CURLcode result = t->lib->easy_perform(t->curl);
    if (t->lib->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, code) != CURLE_OK) *code = 0;
    if (result == CURLE_OK) return EC_OK;
    if (result == CURLE_ABORTED_BY_CALLBACK) return ec_fail(err, EC_DELIVERY, "it was interrupted");
    size_t n = strlen(t->why);
    while (n > 0 && (t->why[n - 1] == '\n' || t->why[n - 1] == ' ')) t->why[--n] = '\0';
    const char *what = t->lib->easy_strerror(result);
    bool more = n > 0 && strcmp(t->why, what) != 0;
    return ec_fail(err, EC_DELIVERY, "%s%s%s", what, more ? ": " : "", more ? t->why : "");
}

void ec_transport_close(struct ec_transport *t) {
    if (t->curl) t->lib->easy_cleanup(t->curl);
    t->curl = NULL;
}
