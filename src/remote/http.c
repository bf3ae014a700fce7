#include "remote/http.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/limits.h"
#include "remote/curl_load.h"

#include <strings.h>
#include <time.h>

#define CONNECT_S    10L
#define WAIT_MS      200u
#define WAIT_MS_MAX  10000u
#define SLICE_MS     50u /* between two looks at whether the run was interrupted */
#define HEADERS_MAX  (64 * EC_KIB)

struct ec_http {
    const struct ec_remote_settings *settings;
    const struct ec_curl *lib;
    CURL *curl;
    uint64_t chance;
};

/* A request under way. */
struct flight {
    struct ec_http *http;
    const struct ec_http_call *call;
    struct ec_http_answer *answer;
    struct ec_err err; /* of the sink, or of a bound */
    size_t header_bytes;
};

enum ec_status ec_http_create(const struct ec_remote_settings *settings, struct ec_http **http, struct ec_err *err) {
    struct ec_err cause = {0};
    struct ec_http *h = ec_calloc(1, sizeof *h);
    *http = NULL;
    if (!h) return ec_fail(err, EC_NO_MEMORY, "no memory for a connection");
    h->settings = settings;
    enum ec_status status = ec_curl_load(&h->lib, &cause);
    if (status != EC_OK) status = ec_fail(err, EC_REMOTE, "%s", cause.message);
    if (status == EC_OK && !(h->curl = h->lib->easy_init())) status = ec_fail(err, EC_NO_MEMORY, "no memory for a connection");
    h->chance = (uint64_t)ec_monotonic_micros() ^ (uint64_t)(uintptr_t)h;
    if (status != EC_OK) {
        ec_free(h);
        return status;
    }
    *http = h;
    return EC_OK;
}

void ec_http_destroy(struct ec_http *h) {
    if (!h) return;
    h->lib->easy_cleanup(h->curl);
    ec_free(h);
}

void ec_http_answer_free(struct ec_http_answer *answer) { ec_buf_free(&answer->body); }

/* ---- what comes back */

static void keep(char *out, size_t size, const char *p, size_t n) {
    while (n > 0 && (*p == ' ' || *p == '\t')) p++, n--;
    while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == '\n' || p[n - 1] == ' ')) n--;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7F) return;
    if (n >= size) return;
    memcpy(out, p, n);
    out[n] = '\0';
}

static size_t on_header(char *p, size_t size, size_t count, void *user) {
    struct flight *f = user;
    struct ec_http_answer *a = f->answer;
    size_t n = size * count;
    f->header_bytes += n;
    if (f->header_bytes > HEADERS_MAX) {
        (void)ec_fail(&f->err, EC_REMOTE, "%s answers with more than %llu bytes of headers", a->host, HEADERS_MAX);
        return 0;
    }
    const struct {
        const char *name;
        char *out;
        size_t size;
    } known[] = {{"etag:", a->etag, sizeof a->etag},
                 {"content-range:", a->content_range, sizeof a->content_range},
                 {"location:", a->location, sizeof a->location},
                 {"x-amz-bucket-region:", a->region, sizeof a->region}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t m = strlen(known[i].name);
        if (n > 5 && strncasecmp(p, "HTTP/", 5) == 0) known[i].out[0] = '\0'; /* another answer begins */
        if (n > m && strncasecmp(p, known[i].name, m) == 0) keep(known[i].out, known[i].size, p + m, n - m);
    }
    return n;
}

static size_t on_body(char *p, size_t size, size_t count, void *user) {
    struct flight *f = user;
    struct ec_http *h = f->http;
    size_t n = size * count;
    long code = 0;
    if (h->lib->easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK) return 0;
    bool good = code >= 200 && code <= 299;
    if (good && f->call->sink) return f->call->sink(f->call->user, p, n, &f->err) == EC_OK ? n : 0;
    size_t max = good ? EC_REMOTE_ANSWER_MAX : EC_REMOTE_ERROR_MAX, room = max - f->answer->body.n;
    if (good && n > room) {
        (void)ec_fail(&f->err, EC_REMOTE, "%s answers with more than %zu bytes", f->answer->host, max);
        return 0;
    }
    ec_buf_add(&f->answer->body, p, n < room ? n : room);
    if (!good && n > room) return 0; /* enough of an error */
    return ec_buf_check(&f->answer->body, &f->err) == EC_OK ? n : 0;
}

static int on_progress(void *user, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow) {
    const struct flight *f = user;
    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return f->http->settings->cancelled && f->http->settings->cancelled();
}

/* ---- the request */

#define SET(option, value) (bad |= lib->easy_setopt(curl, (option), (value)) != CURLE_OK)

static bool set_up(struct flight *f, struct curl_slist *lines) {
    const struct ec_curl *lib = f->http->lib;
    const struct ec_remote_settings *s = f->http->settings;
    CURL *curl = f->http->curl;
    bool bad = false;
    lib->easy_reset(curl);
    SET(CURLOPT_URL, f->call->url);
    SET(CURLOPT_PATH_AS_IS, 1L); /* it is signed as it is written */
    SET(CURLOPT_PROTOCOLS_STR, strncmp(f->call->url, "http://", 7) == 0 ? "http" : "https");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (s->ca_file[0]) SET(CURLOPT_CAINFO, s->ca_file);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_S < (long)s->stall_s ? CONNECT_S : (long)s->stall_s);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)s->stall_s);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, f);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, f);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, f);
    SET(CURLOPT_HTTPHEADER, lines);
    if (f->call->body || strcmp(f->call->method, "GET") != 0) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->call->body_n);
        SET(CURLOPT_POSTFIELDS, f->call->body ? f->call->body : "");
        SET(CURLOPT_CUSTOMREQUEST, f->call->method);
    }
    return !bad;
}

static struct curl_slist *list_lines(const struct ec_curl *lib, const struct ec_http_call *call) {
    struct curl_slist *list = NULL;
    static const char agent[] = "User-Agent: ecluse/" EC_VERSION;
    static const char *const always[] = {agent, "Expect:", "Accept:"};
    for (size_t i = 0; i < 3 + call->lines; i++) {
        struct curl_slist *more = lib->slist_append(list, i < 3 ? always[i] : call->line[i - 3]);
        if (!more) {
            lib->slist_free_all(list);
            return NULL;
        }
        list = more;
    }
    return list;
}

static void name_host(char *out, size_t size, const char *url) {
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    (void)snprintf(out, size, "%.*s", (int)(strcspn(at, "/?#") % size), at);
}

static enum ec_status conclude(struct flight *f, CURLcode result, struct ec_err *err) {
    struct ec_http *h = f->http;
    if (h->lib->easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &f->answer->code) != CURLE_OK) f->answer->code = 0;
    if (f->err.status != EC_OK) {
        if (err) *err = f->err;
        return f->err.status;
    }
    if (result == CURLE_ABORTED_BY_CALLBACK) return ec_fail(err, EC_INTERRUPTED, "interrupted while a store was asked");
    bool refused = f->answer->code >= 300 && result == CURLE_WRITE_ERROR; /* the rest of an error was not wanted */
    if ((result == CURLE_OK || refused) && f->answer->code > 0) return EC_OK;
    return ec_fail(err, EC_REMOTE, "%s: %s", f->answer->host, result == CURLE_OK ? _("it gave no answer") : h->lib->easy_strerror(result));
}

enum ec_status ec_http_perform(struct ec_http *h, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err) {
    struct flight f = {.http = h, .call = call, .answer = answer};
    memset(answer, 0, sizeof *answer);
    answer->body = ec_buf_make(EC_REMOTE_ANSWER_MAX + 1);
    name_host(answer->host, sizeof answer->host, call->url);
    struct curl_slist *lines = list_lines(h->lib, call);
    if (!lines) return ec_fail(err, EC_NO_MEMORY, "no memory for a request");
    enum ec_status status = EC_OK;
    if (!set_up(&f, lines)) status = ec_fail(err, EC_REMOTE, "libcurl refused an option: it is too old, or the address of %s is wrong", answer->host);
    if (status == EC_OK) status = conclude(&f, h->lib->easy_perform(h->curl), err);
    h->lib->slist_free_all(lines);
    return status;
}

/* ---- trying again */

bool ec_http_may_pass(long code) { return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504; }

/* xorshift64: any chance will do. */
static unsigned chance_below(struct ec_http *h, unsigned n) {
    h->chance ^= h->chance << 13;
    h->chance ^= h->chance >> 7;
    h->chance ^= h->chance << 17;
    return (unsigned)(h->chance % n);
}

static bool wait_some(struct ec_http *h, unsigned tried) {
    unsigned most = tried < 6 ? WAIT_MS << tried : WAIT_MS_MAX, left = 1 + chance_below(h, most < WAIT_MS_MAX ? most : WAIT_MS_MAX);
    while (left > 0) {
        if (h->settings->cancelled && h->settings->cancelled()) return false;
        unsigned slice = left < SLICE_MS ? left : SLICE_MS;
        const struct timespec pause = {.tv_nsec = (long)slice * 1000000};
        (void)nanosleep(&pause, NULL);
        left -= slice;
    }
    return true;
}

enum ec_status ec_http_retry(struct ec_http *h, enum ec_status (*attempt)(void *context, bool *again, struct ec_err *err), void *context,
                             struct ec_err *err) {
    for (unsigned tried = 0;; tried++) {
        struct ec_err cause = {0};
        bool again = true;
        enum ec_status status = attempt(context, &again, &cause);
        if (status == EC_OK) return EC_OK;
        bool last = !again || tried + 1 >= h->settings->tries;
        if (last && again && tried > 0) ec_err_context(&cause, "tried %u times", tried + 1);
        if (last || !wait_some(h, tried)) {
            if (err) *err = cause;
            return status;
        }
    }
}
