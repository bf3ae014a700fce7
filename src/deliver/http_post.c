#include "deliver/http_post.h"

#include "base/buf.h"
#include "deliver/curl_load.h"

#include <string.h>

#define HEADER_MAX ((size_t)16384)

struct post {
    const struct ec_curl *lib;
    CURL *curl;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
    bool failed;
};

#define SET(p, option, value) ((p)->failed |= (p)->lib->easy_setopt((p)->curl, (option), (value)) != CURLE_OK)

static size_t discard(char *data, size_t size, size_t n, void *user) {
    (void)data;
    (void)user;
    return size * n;
}

/* "https://host:port", without what may be secret. */
static void shown(const char *url, char *out, size_t size) {
    const char *host = strstr(url, "://");
    size_t n = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
    (void)snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), url);
}

static void add_line(struct post *p, const char *line) {
    struct curl_slist *grown = p->lib->slist_append(p->headers, line);
    if (grown) p->headers = grown;
    p->failed |= !grown;
}

static void add_header(struct post *p, const char *name, const char *value) {
    struct ec_buf line = ec_buf_make(HEADER_MAX);
    ec_buf_printf(&line, "%s: %s", name, value);
    /* A line end would begin a header of somebody else's. */
    if (line.failed || strpbrk(value, "\r\n"))
        p->failed = true;
    else
        add_line(p, line.p);
    if (line.p) explicit_bzero(line.p, line.n);
    ec_buf_free(&line);
}

static void set_options(struct post *p, const struct ec_http_post *r) {
    SET(p, CURLOPT_URL, r->url);
    SET(p, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(p, CURLOPT_NOSIGNAL, 1L);
    SET(p, CURLOPT_TIMEOUT_MS, (long)r->timeout_s * 1000);
    SET(p, CURLOPT_FOLLOWLOCATION, 0L);
    SET(p, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(p, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(p, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(p, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(p, CURLOPT_WRITEFUNCTION, discard);
    SET(p, CURLOPT_ERRORBUFFER, p->why);
    SET(p, CURLOPT_POST, 1L);
    SET(p, CURLOPT_POSTFIELDS, r->body.p);
    SET(p, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    SET(p, CURLOPT_USERAGENT, "ecluse/" EC_VERSION);
    add_header(p, "Content-Type", r->content_type);
    add_line(p, "Expect:"); /* no round trip before the body */
    if (r->bearer) {
        struct ec_buf value = ec_buf_make(HEADER_MAX);
        ec_buf_printf(&value, "Bearer %s", r->bearer);
        add_header(p, "Authorization", value.failed ? "\n" : value.p);
        if (value.p) explicit_bzero(value.p, value.n);
        ec_buf_free(&value);
    }
    SET(p, CURLOPT_HTTPHEADER, p->headers);
}

static enum ec_status perform(struct post *p, const struct ec_http_post *r, struct ec_err *err) {
    char to[256];
    long code = 0;
    shown(r->url, to, sizeof to);
    if (p->failed) return ec_fail(err, EC_DELIVERY, "the request to %s cannot be made: its address or key is wrong, or libcurl too old", to);
    CURLcode result = p->lib->easy_perform(p->curl);
    if (result != CURLE_OK) return ec_fail(err, EC_DELIVERY, "%s did not take it: %s", to, p->lib->easy_strerror(result));
    if (p->lib->easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK) code = 0;
    if (code >= 200 && code < 300) return EC_OK;
    return ec_fail(err, EC_DELIVERY, "%s did not take it: HTTP %ld", to, code);
}

enum ec_status ec_http_post(const struct ec_http_post *request, struct ec_err *err) {
    struct post p = {0};
    enum ec_status status = ec_curl_load(&p.lib, err);
    if (status != EC_OK) return status;
    p.curl = p.lib->easy_init();
    if (!p.curl) return ec_fail(err, EC_NO_MEMORY, "no memory for a request");
    set_options(&p, request);
    status = perform(&p, request, err);
    p.lib->slist_free_all(p.headers);
    p.lib->easy_cleanup(p.curl);
    return status;
}

enum ec_status ec_http_ready(struct ec_err *err) {
    const struct ec_curl *lib;
    return ec_curl_load(&lib, err);
}
