/* PutObject and multipart uploads (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). */
#include "base/io.h"
#include "base/limits.h"
#include "remote/encode.h"
#include "remote/s3.h"
#include "remote/xml.h"

#define UPLOAD_ID_MAX 1024u
#define QUERY_MAX     ((size_t)4096)

/* One request of a put, tried until it is answered with 2xx. */
struct asking {
    struct ec_putting *putting;
    const char *method, *query;
    struct ec_str body;
    bool if_absent;
    struct ec_http_answer answer;
};

static enum ec_status ask_once(void *context, bool *again, struct ec_err *err) {
    struct asking *a = context;
    const struct ec_putting *p = a->putting;
    const struct ec_s3_request request = {.method = a->method, .bucket = p->address.authority, .key = ec_str_of(p->address.key), .query = a->query,
                                          .if_none_match = a->if_absent ? "*" : NULL, .body = a->body.p, .body_n = a->body.n};
    ec_http_answer_free(&a->answer);
    enum ec_status status = ec_s3_send(p->store, &request, &a->answer, err);
    *again = status == EC_REMOTE;
    if (status != EC_OK || (a->answer.code >= 200 && a->answer.code <= 299)) return status;
    if (a->if_absent && a->answer.code == 412) return EC_OK; /* the caller looks at the code */
    status = ec_s3_refused(&a->answer, p->what, again, err);
    if (a->if_absent && a->answer.code == 409) *again = true; /* two who put at once: one of them will have done it */
    if (status != EC_FILE_CHANGED) return status;
    if (err) ec_err_clear(err); /* that is for objects that are read */
    return ec_fail(err, EC_REMOTE, "%.500s: %s refuses it with HTTP %ld", p->what, a->answer.host, a->answer.code);
}

static enum ec_status ask(struct asking *a, struct ec_err *err) { return ec_http_retry(a->putting->store->http, ask_once, a, err); }

static enum ec_status put_whole(struct ec_putting *p, struct ec_err *err) {
    struct asking a = {.putting = p, .method = "PUT", .query = "", .if_absent = p->if_absent};
    EC_TRY(ec_putting_read(p, 0, (size_t)p->bytes, &a.body, err));
    enum ec_status status = ask(&a, err);
    p->there = status == EC_OK && a.answer.code == 412;
    ec_http_answer_free(&a.answer);
    return status;
}

static enum ec_status take_id(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    struct ec_buf *id = user;
    (void)err;
    if (strcmp(around, "InitiateMultipartUploadResult") == 0 && strcmp(name, "UploadId") == 0 && text.n <= UPLOAD_ID_MAX) ec_buf_add(id, text.p, text.n);
    return EC_OK;
}

static enum ec_status begin(struct ec_putting *p, struct ec_buf *id, struct ec_err *err) {
    struct asking a = {.putting = p, .method = "POST", .query = "uploads="};
    struct ec_remote_xml reading = {take_id, id, _("the store")};
    enum ec_status status = ask(&a, err);
    if (status == EC_OK) status = ec_remote_xml_read(&reading, ec_buf_str(&a.answer.body), err);
    if (status == EC_OK && (id->n == 0 || id->failed)) status = ec_fail(err, EC_REMOTE, "%.500s: the store begins no upload", p->what);
    ec_http_answer_free(&a.answer);
    return status;
}

static void add_escaped(struct ec_buf *out, const char *text) {
    for (; *text; text++) {
        if (*text == '"') ec_buf_addz(out, "&quot;");
        else if (*text == '&') ec_buf_addz(out, "&amp;");
        else if (*text == '<') ec_buf_addz(out, "&lt;");
        else ec_buf_addc(out, *text);
    }
}

static enum ec_status put_part(struct ec_putting *p, const struct ec_buf *id, unsigned number, uint64_t offset, size_t n, struct ec_buf *list,
                               struct ec_err *err) {
    struct ec_buf query = ec_buf_make(QUERY_MAX);
    struct asking a = {.putting = p, .method = "PUT"};
    ec_buf_printf(&query, "partNumber=%u&uploadId=", number);
    ec_percent_encode(&query, id->p, id->n, false);
    enum ec_status status = ec_buf_check(&query, err);
    a.query = query.p;
    if (status == EC_OK) status = ec_putting_read(p, offset, n, &a.body, err);
    if (status == EC_OK) status = ask(&a, err);
    if (status == EC_OK && !a.answer.etag[0]) status = ec_fail(err, EC_REMOTE, "%.500s: the store takes a part and gives no ETag", p->what);
    ec_buf_printf(list, "<Part><PartNumber>%u</PartNumber><ETag>", number);
    add_escaped(list, a.answer.etag);
    ec_buf_addz(list, "</ETag></Part>");
    ec_http_answer_free(&a.answer);
    ec_buf_free(&query);
    return status;
}

static enum ec_status take_root(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    (void)text;
    (void)err;
    if (!around[0]) *(bool *)user = strcmp(name, "CompleteMultipartUploadResult") == 0;
    return EC_OK;
}

/* A store may answer 200 at once, and say in the body that it failed after all. */
static enum ec_status complete(struct ec_putting *p, const char *query, const struct ec_buf *list, struct ec_err *err) {
    struct asking a = {.putting = p, .method = "POST", .query = query, .body = ec_buf_str(list)};
    bool done = false, again;
    struct ec_remote_xml reading = {take_root, &done, _("the store")};
    enum ec_status status = ask(&a, err);
    if (status == EC_OK) status = ec_remote_xml_read(&reading, ec_buf_str(&a.answer.body), err);
    if (status == EC_OK && !done) status = ec_s3_refused(&a.answer, p->what, &again, err);
    ec_http_answer_free(&a.answer);
    return status;
}

static enum ec_status put_parts(struct ec_putting *p, const struct ec_buf *id, const char *query, struct ec_err *err) {
    struct ec_buf list = ec_buf_make(4 * EC_MIB);
    unsigned number = 0;
    enum ec_status status = EC_OK;
    ec_buf_addz(&list, "<CompleteMultipartUpload>");
    for (uint64_t at = 0; at < p->bytes && status == EC_OK; at += EC_REMOTE_PART)
        status = put_part(p, id, ++number, at, (size_t)(p->bytes - at < EC_REMOTE_PART ? p->bytes - at : EC_REMOTE_PART), &list, err);
    ec_buf_addz(&list, "</CompleteMultipartUpload>");
    if (status == EC_OK) status = ec_buf_check(&list, err);
    if (status == EC_OK) status = complete(p, query, &list, err);
    ec_buf_free(&list);
    return status;
}

/* Parts of an upload that does not come to its end are paid for until somebody removes them. */
static void abort_upload(struct ec_putting *p, const char *query) {
    struct asking a = {.putting = p, .method = "DELETE", .query = query};
    enum ec_status status = ask(&a, NULL);
    (void)status; /* the first failure is what is told */
    ec_http_answer_free(&a.answer);
}

enum ec_status ec_s3_put(struct ec_putting *p, struct ec_err *err) {
    if (p->bytes <= EC_REMOTE_PART || !p->path) return put_whole(p, err);
    if (p->bytes > EC_REMOTE_PART * EC_REMOTE_PARTS_MAX)
        return ec_fail(err, EC_REMOTE, "%s is larger than an upload of %u parts", p->path, EC_REMOTE_PARTS_MAX);
    struct ec_buf id = ec_buf_make(UPLOAD_ID_MAX), query = ec_buf_make(QUERY_MAX);
    enum ec_status status = begin(p, &id, err);
    if (status == EC_OK) {
        ec_buf_addz(&query, "uploadId=");
        ec_percent_encode(&query, id.p, id.n, false);
        status = ec_buf_check(&query, err);
        if (status == EC_OK) status = put_parts(p, &id, query.p, err);
        if (status != EC_OK && !query.failed) abort_upload(p, query.p);
    }
    ec_buf_free(&id);
    ec_buf_free(&query);
    return status;
}

enum ec_status ec_s3_remove(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) {
    struct ec_putting p = {.store = store, .what = what, .address = *address};
    struct asking a = {.putting = &p, .method = "DELETE", .query = ""};
    enum ec_status status = ask(&a, err); /* 204 also where there was none */
    ec_http_answer_free(&a.answer);
    return status;
}
