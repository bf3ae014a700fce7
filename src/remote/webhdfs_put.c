/* CREATE and APPEND, each sent on to a datanode with the bytes, and RENAME. */
#include "base/calendar.h"
#include "base/limits.h"
#include "remote/encode.h"
#include "remote/webhdfs.h"

#include <jansson.h>
#include <unistd.h>

struct asking {
    struct ec_store *store;
    const char *what, *method, *query;
    const struct ec_address *address;
    struct ec_str path;
    struct ec_str body; /* to be sent on */
    bool to_datanode, once;
    struct ec_http_answer answer;
};

static enum ec_status send_on(struct asking *a, struct ec_err *err) {
    EC_TRY(ec_webhdfs_location(a->store->settings, a->address, &a->answer, err));
    struct ec_buf url = ec_buf_make(sizeof a->answer.location);
    ec_buf_addz(&url, a->answer.location);
    ec_http_answer_free(&a->answer);
    static const char *const line[] = {"Content-Type: application/octet-stream"};
    const struct ec_http_call call = {.method = a->method, .url = url.p, .line = line, .lines = 1, .body = a->body.p, .body_n = a->body.n};
    enum ec_status status = ec_buf_check(&url, err);
    if (status == EC_OK) status = ec_http_perform(a->store->http, &call, &a->answer, err);
    if (url.p) explicit_bzero(url.p, url.cap);
    ec_buf_free(&url);
    return status;
}

static enum ec_status ask_once(void *context, bool *again, struct ec_err *err) {
    struct asking *a = context;
    const struct ec_webhdfs_request request = {.method = a->method, .address = a->address, .path = a->path, .query = a->query};
    ec_http_answer_free(&a->answer);
    enum ec_status status = ec_webhdfs_send(a->store, &request, &a->answer, err);
    if (status == EC_OK && a->to_datanode && a->answer.code == 307) status = send_on(a, err);
    *again = status == EC_REMOTE && !a->once;
    if (status != EC_OK || (a->answer.code >= 200 && a->answer.code <= 299)) return status;
    status = ec_webhdfs_refused(&a->answer, a->what, again, err);
    if (a->once) *again = false;
    if (status != EC_FILE_CHANGED) return status;
    if (err) ec_err_clear(err);
    return ec_fail(err, EC_REMOTE, "%.500s: %s refuses it with HTTP %ld", a->what, a->answer.host, a->answer.code);
}

static enum ec_status ask(struct asking *a, struct ec_err *err) { return ec_http_retry(a->store->http, ask_once, a, err); }

static bool says_true(const struct ec_http_answer *answer) {
    json_t *root = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, JSON_REJECT_DUPLICATES, NULL);
    bool yes = json_is_true(json_object_get(root, "boolean"));
    json_decref(root);
    return yes;
}

/* ".name.pid.time._COPYING_" beside the file: a name that listings pass over. */
static void temporary_name(const char *key, struct ec_buf *out) {
    const char *slash = strrchr(key, '/');
    size_t folder = slash ? (size_t)(slash - key) + 1 : 0;
    ec_buf_add(out, key, folder);
    ec_buf_printf(out, ".%s.%ld.%lld._COPYING_", key + folder, (long)getpid(), (long long)ec_monotonic_micros());
}

static enum ec_status write_all(struct ec_putting *p, struct asking *a, struct ec_err *err) {
    uint64_t at = 0;
    do {
        size_t n = (size_t)(p->bytes - at < EC_REMOTE_PART ? p->bytes - at : EC_REMOTE_PART);
        EC_TRY(ec_putting_read(p, at, n, &a->body, err));
        a->method = at ? "POST" : "PUT";
        a->query = at ? "op=APPEND" : "op=CREATE&overwrite=true";
        a->to_datanode = true;
        a->once = at > 0; /* an APPEND whose answer was lost may have been done */
        EC_TRY(ask(a, err));
        at += n;
    } while (at < p->bytes);
    return EC_OK;
}

static enum ec_status rename_to(struct ec_putting *p, struct asking *a, struct ec_err *err) {
    struct ec_buf query = ec_buf_make(8 * EC_KIB);
    ec_buf_addz(&query, "op=RENAME&destination=/");
    ec_percent_encode(&query, p->address.key, strlen(p->address.key), true);
    a->method = "PUT";
    a->query = query.p;
    a->to_datanode = a->once = false;
    a->body = (struct ec_str){NULL, 0};
    enum ec_status status = ec_buf_check(&query, err);
    if (status == EC_OK) status = ask(a, err);
    bool renamed = status == EC_OK && says_true(&a->answer), there = false;
    ec_buf_free(&query);
    if (status != EC_OK || renamed) return status;
    char tag[EC_TAG_MAX];
    struct ec_object found = {0};
    EC_TRY(ec_webhdfs_find(p->store, p->what, &p->address, &found, tag, &there, err)); /* also where an earlier try's answer was lost: then it is what was put */
    if (!there) return ec_fail(err, EC_REMOTE, "%.500s: HDFS does not rename the file to its name", p->what);
    p->there = true;
    return p->if_absent ? EC_OK : ec_fail(err, EC_REMOTE, "%.500s: there is such a file already", p->what);
}

static void remove_temporary(struct asking *a) {
    a->method = "DELETE";
    a->query = "op=DELETE";
    a->to_datanode = a->once = false;
    a->body = (struct ec_str){NULL, 0};
    enum ec_status status = ask(a, NULL);
    (void)status; /* its name is passed over */
}

enum ec_status ec_webhdfs_put(struct ec_putting *p, struct ec_err *err) {
    struct ec_buf name = ec_buf_make(2 * (size_t)EC_ADDRESS_MAX);
    temporary_name(p->address.key, &name);
    struct asking a = {.store = p->store, .what = p->what, .address = &p->address, .path = ec_buf_str(&name)};
    enum ec_status status = ec_buf_check(&name, err);
    if (status == EC_OK) status = write_all(p, &a, err);
    if (status == EC_OK) status = rename_to(p, &a, err);
    if (status != EC_OK || p->there) remove_temporary(&a);
    ec_http_answer_free(&a.answer);
    ec_buf_free(&name);
    return status;
}

/* A folder's name has no slash behind it. */
static struct ec_str folder_of(const struct ec_address *address) {
    size_t n = strlen(address->key);
    while (n > 0 && address->key[n - 1] == '/') n--;
    return (struct ec_str){address->key, n};
}

enum ec_status ec_webhdfs_make_folder(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) {
    struct asking a = {.store = store, .what = what, .method = "PUT", .query = "op=MKDIRS", .address = address, .path = folder_of(address)};
    enum ec_status status = ask(&a, err);
    if (status == EC_OK && !says_true(&a.answer)) status = ec_fail(err, EC_REMOTE, "%.500s: HDFS makes no folder there", what);
    ec_http_answer_free(&a.answer);
    return status;
}

enum ec_status ec_webhdfs_remove(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) {
    struct asking a = {.store = store, .what = what, .method = "DELETE", .query = "op=DELETE", .address = address, .path = ec_str_of(address->key)};
    enum ec_status status = ask(&a, err); /* false where there was none */
    ec_http_answer_free(&a.answer);
    return status;
}

enum ec_status ec_webhdfs_remove_folder(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) {
    struct asking a = {.store = store, .what = what, .method = "DELETE", .query = "op=DELETE&recursive=true", .address = address, .path = folder_of(address)};
    enum ec_status status = ask(&a, err); /* false where there was none */
    ec_http_answer_free(&a.answer);
    return status;
}
