/* ListObjectsV2, page by page (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
#include "base/calendar.h"
#include "base/limits.h"
#include "remote/encode.h"
#include "remote/s3.h"
#include "remote/xml.h"

#define QUERY_MAX (16 * EC_KIB)
#define TOKEN_MAX ((size_t)4096)

struct paging {
    struct ec_store *store;
    struct ec_listing *listing;
    struct ec_buf token; /* of the page to come */
    struct ec_http_answer answer;
    /* of the page at hand */
    bool listed, truncated, encoded;
    struct ec_buf next;
    /* of the object at hand */
    struct ec_buf key;
    char tag[EC_TAG_MAX];
    uint64_t bytes;
    int64_t mtime_us;
    unsigned seen; /* bits: key, size, time, tag */
};

enum { KEY = 1, SIZE = 2, TIME = 4, TAG = 8 };

static enum ec_status wrong(const struct paging *p, const char *what, struct ec_err *err) {
    return ec_fail(err, EC_REMOTE, "%s lists s3://%.*s/%.300s with %s", p->answer.host, (int)p->listing->prefix->authority.n,
                   p->listing->prefix->authority.p, p->listing->prefix->key, what);
}

static void make_query(const struct paging *p, struct ec_buf *query) {
    const char *prefix = p->listing->prefix->key;
    if (p->token.n > 0) {
        ec_buf_addz(query, "continuation-token=");
        ec_percent_encode(query, p->token.p, p->token.n, false);
        ec_buf_addc(query, '&');
    }
    ec_buf_printf(query, "%sencoding-type=url&list-type=2&max-keys=1000&prefix=", p->listing->deep ? "" : "delimiter=%2F&");
    ec_percent_encode(query, prefix, strlen(prefix), false);
}

/* One try at one page; its objects are visited when it is there as a whole. */
static enum ec_status ask(void *context, bool *again, struct ec_err *err) {
    struct paging *p = context;
    const struct ec_address *prefix = p->listing->prefix;
    struct ec_buf query = ec_buf_make(QUERY_MAX);
    make_query(p, &query);
    const struct ec_s3_request request = {.method = "GET", .bucket = prefix->authority, .query = ec_buf_str(&query).p};
    enum ec_status status = ec_buf_check(&query, err);
    ec_http_answer_free(&p->answer);
    if (status == EC_OK) status = ec_s3_send(p->store, &request, &p->answer, err);
    *again = status == EC_REMOTE;
    if (status == EC_OK && (p->answer.code < 200 || p->answer.code > 299)) {
        char what[400];
        (void)snprintf(what, sizeof what, "s3://%.*s/%.120s", (int)prefix->authority.n, prefix->authority.p, prefix->key);
        status = ec_s3_refused(&p->answer, what, again, err);
        if (status == EC_FILE_CHANGED) { /* that is for objects */
            if (err) ec_err_clear(err);
            status = ec_fail(err, EC_REMOTE, "%s: %s answers with HTTP %ld", what, p->answer.host, p->answer.code);
        }
    }
    ec_buf_free(&query);
    return status;
}

static bool number(struct ec_str text, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') return false;
        *out = *out * 10 + (uint64_t)(text.p[i] - '0');
    }
    return text.n > 0 && text.n <= 18;
}

static bool take_tag(struct paging *p, struct ec_str text) {
    if (text.n == 0 || text.n >= sizeof p->tag) return false;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= 0x20 || (unsigned char)text.p[i] >= 0x7F) return false;
    memcpy(p->tag, text.p, text.n);
    p->tag[text.n] = '\0';
    return true;
}

/* "true" or "false"; anything else is no answer to go on with. */
static bool take_flag(struct ec_str text, bool *out) {
    *out = ec_str_is(text, "true");
    return *out || ec_str_is(text, "false");
}

static enum ec_status end_object(struct paging *p, struct ec_err *err) {
    struct ec_buf plain = ec_buf_make(EC_ADDRESS_MAX);
    const char *prefix = p->listing->prefix->key;
    size_t n = strlen(prefix);
    enum ec_status status = EC_OK;
    if (p->seen != (KEY | SIZE | TIME | TAG)) return wrong(p, _("an object that lacks its key, size, time or ETag"), err);
    if (!p->encoded)
        ec_buf_add(&plain, p->key.p, p->key.n);
    else if (!ec_percent_decode(&plain, p->key.p, p->key.n, true))
        status = wrong(p, _("a key that is not encoded as it says"), err);
    if (status == EC_OK && plain.failed) status = wrong(p, _("a key that is too long"), err);
    if (status == EC_OK && (plain.n < n || memcmp(plain.p, prefix, n) != 0)) status = wrong(p, _("a key that it was not asked for"), err);
    struct ec_object object = {.bytes = p->bytes, .mtime_us = p->mtime_us, .tag = p->tag};
    bool folder = plain.n > 0 && plain.p[plain.n - 1] == '/' && p->bytes == 0; /* what consoles make to show a folder */
    if (status == EC_OK && (!folder || p->listing->folders)) status = ec_listing_visit(p->listing, ec_buf_str(&plain), &object, err);
    ec_buf_free(&plain);
    return status;
}

static enum ec_status on_content(struct paging *p, const char *name, struct ec_str text, struct ec_err *err) {
    unsigned seen = 0;
    bool good = true;
    if (strcmp(name, "Key") == 0) {
        seen = KEY;
        ec_buf_clear(&p->key);
        ec_buf_add(&p->key, text.p, text.n);
    } else if (strcmp(name, "Size") == 0) {
        seen = SIZE;
        good = number(text, &p->bytes);
    } else if (strcmp(name, "LastModified") == 0) {
        seen = TIME;
        good = ec_datetime_parse(text.p, text.n, &p->mtime_us);
    } else if (strcmp(name, "ETag") == 0) {
        seen = TAG;
        good = take_tag(p, text);
    }
    if (!good || (p->seen & seen)) return wrong(p, _("a size, time or ETag that is none"), err);
    p->seen |= seen;
    return EC_OK;
}

/* What a page says of itself. */
static enum ec_status on_page(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    struct paging *p = user;
    if (strcmp(around, "") == 0) p->listed = strcmp(name, "ListBucketResult") == 0;
    if (strcmp(around, "ListBucketResult") != 0) return EC_OK;
    if (strcmp(name, "EncodingType") == 0) {
        p->encoded = ec_str_is(text, "url");
    } else if (strcmp(name, "IsTruncated") == 0) {
        if (!take_flag(text, &p->truncated)) return wrong(p, _("an IsTruncated that is neither true nor false"), err);
    } else if (strcmp(name, "NextContinuationToken") == 0) {
        ec_buf_clear(&p->next);
        ec_buf_add(&p->next, text.p, text.n);
    }
    return EC_OK;
}

static enum ec_status on_object(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    struct paging *p = user;
    if (strcmp(around, "Contents") == 0) return on_content(p, name, text, err);
    if (strcmp(around, "ListBucketResult") != 0 || strcmp(name, "Contents") != 0) return EC_OK;
    enum ec_status status = end_object(p, err);
    p->seen = 0;
    return status;
}

/* Twice over the text: how keys are encoded may be said behind them. */
static enum ec_status read_page(struct paging *p, struct ec_err *err) {
    struct ec_remote_xml reading = {on_page, p, p->answer.host};
    p->listed = p->truncated = p->encoded = false;
    p->seen = 0;
    ec_buf_clear(&p->next);
    struct ec_str text = ec_buf_str(&p->answer.body);
    EC_TRY(ec_remote_xml_read(&reading, text, err));
    if (!p->listed) return wrong(p, _("something that is no listing"), err);
    reading.element = on_object;
    EC_TRY(ec_remote_xml_read(&reading, text, err));
    if (p->truncated && (p->next.n == 0 || p->next.failed)) return wrong(p, _("a page that says there are more, but not where"), err);
    if (p->truncated && p->next.n == p->token.n && memcmp(p->next.p, p->token.p, p->token.n) == 0)
        return wrong(p, _("the same page again and again"), err);
    return EC_OK;
}

static enum ec_status list(struct paging *p, struct ec_err *err) {
    for (unsigned page = 0; page < EC_REMOTE_PAGES_MAX; page++) {
        EC_TRY(ec_http_retry(p->store->http, ask, p, err));
        EC_TRY(read_page(p, err));
        if (!p->truncated) return EC_OK;
        ec_buf_clear(&p->token);
        ec_buf_add(&p->token, p->next.p, p->next.n);
        EC_TRY(ec_buf_check(&p->token, err));
    }
    return wrong(p, _("more pages than can be"), err);
}

enum ec_status ec_s3_list(struct ec_store *store, struct ec_listing *listing, struct ec_err *err) {
    struct paging p = {.store = store, .listing = listing, .token = ec_buf_make(TOKEN_MAX), .next = ec_buf_make(TOKEN_MAX),
                       .key = ec_buf_make(EC_REMOTE_TEXT_MAX)};
    enum ec_status status = list(&p, err);
    ec_http_answer_free(&p.answer);
    ec_buf_free(&p.token);
    ec_buf_free(&p.next);
    ec_buf_free(&p.key);
    return status;
}
