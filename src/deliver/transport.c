#include "deliver/transport.h"

#include "base/io.h"

static int on_progress(void *user, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow) {
    const struct ec_transport *t = user;
    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return t->cancelled && t->cancelled();
}

/* What the other side says is of no use to us, but for its code. */
static size_t discard(char *p, size_t size, size_t n, void *user) {
    (void)p;
    (void)user;
    return size * n;
}

static void set_limits(struct ec_transport *t, const struct ec_transport_options *o) {
    EC_TRANSPORT_SET(t, CURLOPT_NOSIGNAL, 1L);
    EC_TRANSPORT_SET(t, CURLOPT_TIMEOUT_MS, (long)o->timeout_s * 1000);
    EC_TRANSPORT_SET(t, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_s * 1000);
    EC_TRANSPORT_SET(t, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)o->timeout_s);
    EC_TRANSPORT_SET(t, CURLOPT_FOLLOWLOCATION, 0L);
    EC_TRANSPORT_SET(t, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    EC_TRANSPORT_SET(t, CURLOPT_NOPROGRESS, 0L);
    EC_TRANSPORT_SET(t, CURLOPT_XFERINFODATA, t);
    EC_TRANSPORT_SET(t, CURLOPT_XFERINFOFUNCTION, on_progress);
    EC_TRANSPORT_SET(t, CURLOPT_WRITEFUNCTION, discard);
    EC_TRANSPORT_SET(t, CURLOPT_HEADERFUNCTION, discard);
    EC_TRANSPORT_SET(t, CURLOPT_ERRORBUFFER, t->why);
}

static enum ec_status set_tls(struct ec_transport *t, const struct ec_transport_options *o, struct ec_err *err) {
    EC_TRANSPORT_SET(t, CURLOPT_SSL_VERIFYPEER, 1L);
    EC_TRANSPORT_SET(t, CURLOPT_SSL_VERIFYHOST, 2L);
    EC_TRANSPORT_SET(t, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!o->ca_file) return EC_OK;
    EC_TRY(ec_path_below(t->ca_path, sizeof t->ca_path, o->project, o->ca_file, err));
    if (!ec_path_exists(t->ca_path)) return ec_fail(err, EC_DELIVERY, "its `ca_file` %s is not there", o->ca_file);
    EC_TRANSPORT_SET(t, CURLOPT_CAINFO, t->ca_path);
    return EC_OK;
}

enum ec_status ec_transport_open(struct ec_transport *t, const struct ec_transport_options *options, const char *url,
                                 const char *protocols, struct ec_err *err) {
    *t = (struct ec_transport){.cancelled = options->cancelled};
    EC_TRY(ec_curl_load(&t->lib, err));
    t->curl = t->lib->easy_init();
    if (!t->curl) return ec_fail(err, EC_NO_MEMORY, "no memory to send a message");
    set_limits(t, options);
    EC_TRY(set_tls(t, options, err));
    EC_TRANSPORT_SET(t, CURLOPT_PROTOCOLS_STR, protocols);
    EC_TRANSPORT_SET(t, CURLOPT_URL, url);
    return EC_OK;
}

enum ec_status ec_transport_perform(struct ec_transport *t, long *code, struct ec_err *err) {
    *code = 0;
    if (t->failed) return ec_fail(err, EC_DELIVERY, "libcurl refused an option: it is too old, or the address is wrong");
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
