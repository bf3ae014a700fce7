#include "remote/s3.h"

#include "base/calendar.h"
#include "base/hash.h"
#include "base/limits.h"
#include "remote/encode.h"
#include "remote/sigv4.h"
#include "remote/xml.h"

#define URL_MAX   (16 * EC_KIB)
#define HEADER_MAX ((size_t)8 * EC_KIB)
#define SIGNED    7u
#define CODE_MAX  64u

/* A bucket whose name can stand in a host's: then it does, as Amazon asks for. */
static bool fits_host(struct ec_str bucket) {
    for (size_t i = 0; i < bucket.n; i++) {
        char c = bucket.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return bucket.n <= 63;
}

/* Base ("https://host") and path of the request. */
static void address_request(const struct ec_remote_settings *s, const struct ec_s3_request *r, struct ec_buf *base, struct ec_buf *path) {
    bool in_path = s->endpoint[0] || !fits_host(r->bucket);
    const char *domain = strncmp(s->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    if (s->endpoint[0])
        ec_buf_addz(base, s->endpoint);
    else if (in_path)
        ec_buf_printf(base, "https://s3.%s.%s", s->region, domain);
    else
        ec_buf_printf(base, "https://%.*s.s3.%s.%s", (int)r->bucket.n, r->bucket.p, s->region, domain);
    if (in_path) {
        ec_buf_addc(path, '/');
        ec_percent_encode(path, r->bucket.p, r->bucket.n, false);
    }
    if (r->key.n > 0 || !in_path) ec_buf_addc(path, '/');
    ec_percent_encode(path, r->key.p ? r->key.p : "", r->key.n, true);
}

/* The headers, those that are signed in order of their names. */
struct head {
    struct ec_sigv4_header signed_[SIGNED];
    size_t count;
    struct ec_buf line[SIGNED + 2];
    const char *lines[SIGNED + 2];
    size_t lines_count;
};

static void add_signed(struct head *h, const char *name, const char *value) {
    if (value && *value) h->signed_[h->count++] = (struct ec_sigv4_header){name, value};
}

static void add_line(struct head *h, const char *name, const char *value) {
    struct ec_buf *line = &h->line[h->lines_count];
    *line = ec_buf_make(HEADER_MAX);
    ec_buf_printf(line, "%s: %s", name, value);
    h->lines[h->lines_count++] = line->failed ? NULL : line->p;
}

static enum ec_status finish_head(struct head *h, const char *authorization, struct ec_err *err) {
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->signed_[i].name, "host") != 0) add_line(h, h->signed_[i].name, h->signed_[i].value);
    add_line(h, "Authorization", authorization);
    add_line(h, "Content-Type", "application/octet-stream");
    for (size_t i = 0; i < h->lines_count; i++)
        if (!h->lines[i]) return ec_fail(err, EC_NO_MEMORY, "no memory for a request");
    return EC_OK;
}

static void free_head(struct head *h) {
    for (size_t i = 0; i < h->lines_count; i++) {
        if (h->line[i].p) explicit_bzero(h->line[i].p, h->line[i].cap);
        ec_buf_free(&h->line[i]);
    }
}

static enum ec_status sign(const struct ec_remote_settings *s, const struct ec_s3_request *r, const char *host, const char *path, struct head *h,
                           struct ec_err *err) {
    char time[EC_SIGV4_TIME], payload[EC_SHA256_HEX];
    struct ec_buf authorization = ec_buf_make(HEADER_MAX);
    EC_TRY(ec_sha256_bytes(r->body ? r->body : "", r->body_n, payload, err));
    ec_sigv4_time(ec_now_micros(), time);
    add_signed(h, "host", host);
    add_signed(h, "if-match", r->if_match);
    add_signed(h, "if-none-match", r->if_none_match);
    add_signed(h, "range", r->range);
    add_signed(h, "x-amz-content-sha256", payload);
    add_signed(h, "x-amz-date", time);
    add_signed(h, "x-amz-security-token", s->token);
    const struct ec_sigv4 request = {.access_key = s->access_key, .secret_key = s->secret_key, .region = s->region, .service = "s3",
                                     .time = time, .method = r->method, .path = path, .query = r->query, .header = h->signed_,
                                     .header_count = h->count, .payload = payload};
    enum ec_status status = ec_sigv4_authorize(&request, &authorization, err);
    if (status == EC_OK) status = finish_head(h, authorization.p, err);
    if (authorization.p) explicit_bzero(authorization.p, authorization.cap);
    ec_buf_free(&authorization);
    return status;
}

static enum ec_status send_signed(struct ec_store *store, const struct ec_s3_request *r, const struct ec_buf *base, const struct ec_buf *path,
                                  struct ec_http_answer *answer, struct ec_err *err) {
    struct head head = {0};
    struct ec_buf url = ec_buf_make(URL_MAX);
    ec_buf_printf(&url, "%s%s%s%s", base->p, path->p, r->query[0] ? "?" : "", r->query);
    enum ec_status status = ec_buf_check(&url, err);
    if (status == EC_OK) status = sign(store->settings, r, strstr(base->p, "://") + 3, path->p, &head, err);
    const struct ec_http_call call = {.method = r->method, .url = url.p, .line = head.lines, .lines = head.lines_count, .body = r->body,
                                      .body_n = r->body_n, .sink = r->sink, .user = r->user};
    if (status == EC_OK) status = ec_http_perform(store->http, &call, answer, err);
    free_head(&head);
    ec_buf_free(&url);
    return status;
}

enum ec_status ec_s3_send(struct ec_store *store, const struct ec_s3_request *r, struct ec_http_answer *answer, struct ec_err *err) {
    memset(answer, 0, sizeof *answer);
    if (!store->settings->access_key[0])
        return ec_fail(err, EC_REMOTE_DENIED, "there are no credentials for s3://%.*s: neither in the environment nor in ~/.aws/credentials",
                       (int)r->bucket.n, r->bucket.p);
    struct ec_buf base = ec_buf_make(URL_MAX), path = ec_buf_make(URL_MAX);
    address_request(store->settings, r, &base, &path);
    enum ec_status status = ec_buf_check(&base, err);
    if (status == EC_OK) status = ec_buf_check(&path, err);
    if (status == EC_OK) status = send_signed(store, r, &base, &path, answer, err);
    ec_buf_free(&base);
    ec_buf_free(&path);
    return status;
}

/* ---- refusals */

static enum ec_status take_code(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    char *code = user;
    (void)err;
    if (strcmp(around, "Error") != 0 || strcmp(name, "Code") != 0 || text.n >= CODE_MAX || code[0]) return EC_OK;
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= 'A' && text.p[i] <= 'Z') || (text.p[i] >= 'a' && text.p[i] <= 'z'))) return EC_OK;
    memcpy(code, text.p, text.n);
    code[text.n] = '\0';
    return EC_OK;
}

/* What a store says in words may repeat what it was told; its code does not. */
static const struct {
    const char *code;
    enum ec_status status;
    bool again;
    const char *means;
} refusals[] = {
    {"AccessDenied", EC_REMOTE_DENIED, false, N_("the store does not allow it to these credentials")},
    {"AllAccessDisabled", EC_REMOTE_DENIED, false, N_("the store does not allow it to anybody")},
    {"InvalidAccessKeyId", EC_REMOTE_DENIED, false, N_("the store does not know the access key")},
    {"SignatureDoesNotMatch", EC_REMOTE_DENIED, false, N_("the secret key does not fit the access key")},
    {"ExpiredToken", EC_REMOTE_DENIED, false, N_("the session token has expired")},
    {"TokenRefreshRequired", EC_REMOTE_DENIED, false, N_("the session token has expired")},
    {"InvalidToken", EC_REMOTE_DENIED, false, N_("the store does not know the session token")},
    {"RequestTimeTooSkewed", EC_REMOTE_DENIED, false, N_("this machine's clock is wrong: signatures are good for minutes")},
    {"RequestExpired", EC_REMOTE_DENIED, false, N_("this machine's clock is wrong: signatures are good for minutes")},
    {"NoSuchBucket", EC_REMOTE, false, N_("there is no such bucket")},
    {"NoSuchKey", EC_FILE_CHANGED, false, N_("the object is gone since it was listed")},
    {"PreconditionFailed", EC_FILE_CHANGED, false, N_("it changed while it was being read")},
    {"InvalidRange", EC_FILE_CHANGED, false, N_("it changed while it was being read")},
    {"InvalidObjectState", EC_REMOTE, false, N_("the object is in an archive of the store, and must be restored there first")},
    {"RequestTimeout", EC_REMOTE, true, N_("the store waited too long for the request")},
    {"SlowDown", EC_REMOTE, true, N_("the store asks for fewer requests")},
    {"InternalError", EC_REMOTE, true, N_("the store failed")},
    {"ServiceUnavailable", EC_REMOTE, true, N_("the store is not available")},
};

static enum ec_status refused_by_code(const struct ec_http_answer *a, const char *what, bool *again, struct ec_err *err) {
    *again = ec_http_may_pass(a->code);
    if (a->code == 404) return ec_fail(err, EC_FILE_CHANGED, "%.500s: the object is gone since it was listed", what);
    if (a->code == 412 || a->code == 416) return ec_fail(err, EC_FILE_CHANGED, "%.500s changed while it was being read", what);
    if (a->code == 401 || a->code == 403) return ec_fail(err, EC_REMOTE_DENIED, "%.500s: the store refuses the credentials (HTTP %ld)", what, a->code);
    return ec_fail(err, EC_REMOTE, "%.500s: %s answers with HTTP %ld", what, a->host, a->code);
}

enum ec_status ec_s3_refused(const struct ec_http_answer *a, const char *what, bool *again, struct ec_err *err) {
    char code[CODE_MAX] = "";
    const struct ec_remote_xml reading = {take_code, code, a->host};
    *again = false;
    if (a->body.n > 0 && ec_remote_xml_read(&reading, ec_buf_str(&a->body), NULL) != EC_OK) code[0] = '\0';
    bool elsewhere = (a->code >= 300 && a->code <= 399) || strcmp(code, "AuthorizationHeaderMalformed") == 0;
    if (elsewhere && a->region[0])
        return ec_fail(err, EC_REMOTE, "%.500s: the bucket is in the region %s: set AWS_REGION", what, a->region);
    if (elsewhere)
        return ec_fail(err, EC_REMOTE, "%.500s: %s sends elsewhere (HTTP %ld), where credentials do not go: check AWS_ENDPOINT_URL and AWS_REGION",
                       what, a->host, a->code);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strcmp(code, refusals[i].code) != 0) continue;
        *again = refusals[i].again;
        return ec_fail(err, refusals[i].status, "%.500s: %s (%s)", what, _(refusals[i].means), code);
    }
    return refused_by_code(a, what, again, err);
}

/* ---- reading */

/* "bytes 0-9/443" */
static bool is_range(const char *text, uint64_t first, uint64_t last, uint64_t size) {
    char wanted[96];
    (void)snprintf(wanted, sizeof wanted, "bytes %llu-%llu/%llu", (unsigned long long)first, (unsigned long long)last, (unsigned long long)size);
    return strcmp(text, wanted) == 0;
}

/* What comes is looked at before the first byte of it is taken. */
struct guarded {
    struct ec_reading *reading;
    const struct ec_http_answer *answer;
    uint64_t first;
    bool checked;
};

/* Some stores list an ETag without its quotes. */
static struct ec_str without_quotes(const char *tag) {
    size_t n = strlen(tag);
    return n >= 2 && tag[0] == '"' && tag[n - 1] == '"' ? (struct ec_str){tag + 1, n - 2} : (struct ec_str){tag, n};
}

static enum ec_status check_head(const struct guarded *g, struct ec_err *err) {
    const struct ec_reading *r = g->reading;
    if (r->object->tag[0] && !ec_str_eq(without_quotes(g->answer->etag), without_quotes(r->object->tag))) return ec_object_changed(r->object, err);
    if (is_range(g->answer->content_range, g->first, r->offset + r->n - 1, r->object->bytes)) return EC_OK;
    if (!g->answer->content_range[0] && g->first == 0 && r->n == r->object->bytes) return EC_OK; /* the whole, without ado */
    return ec_fail(err, EC_REMOTE, "%.500s: the store sends another range than it was asked for", r->object->address);
}

static enum ec_status take_guarded(void *user, const char *p, size_t n, struct ec_err *err) {
    struct guarded *g = user;
    if (!g->checked) EC_TRY(check_head(g, err));
    g->checked = true;
    return ec_reading_take(g->reading, p, n, err);
}

enum ec_status ec_s3_read(void *reading, bool *again, struct ec_err *err) {
    struct ec_reading *r = reading;
    struct ec_http_answer answer;
    struct guarded guarded = {.reading = r, .answer = &answer, .first = r->offset + r->got};
    char range[64], tag[EC_TAG_MAX + 2];
    struct ec_str plain = without_quotes(r->object->tag);
    (void)snprintf(tag, sizeof tag, "\"%.*s\"", (int)plain.n, plain.p);
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)guarded.first, (unsigned long long)(r->offset + r->n - 1));
    const struct ec_s3_request request = {.method = "GET", .bucket = r->address.authority, .key = ec_str_of(r->address.key), .query = "",
                                          .range = range, .if_match = plain.n > 0 ? tag : NULL, .sink = take_guarded, .user = &guarded};
    enum ec_status status = ec_s3_send(r->store, &request, &answer, err);
    *again = status == EC_REMOTE;
    if (status == EC_OK && (answer.code < 200 || answer.code > 299)) status = ec_s3_refused(&answer, r->object->address, again, err);
    else if (status == EC_OK) {
        status = ec_reading_check(r, err);
        *again = status != EC_OK;
    }
    ec_http_answer_free(&answer);
    return status;
}
