/* HDFS over WebHDFS (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html).
 *
 *     GET /webhdfs/v1/drop?op=LISTSTATUS                          a folder, as JSON
 *     GET /webhdfs/v1/drop/a.csv?op=OPEN&offset=0&length=9        307 to the datanode that has the bytes
 *
 * The namenode's redirect is followed once, with the address that it gives and nothing of ours beside it. */
#include "remote/webhdfs.h"

#include "base/io.h"
#include "base/limits.h"
#include "remote/encode.h"

#include <jansson.h>

#define URL_MAX       (32 * EC_KIB)
#define EXCEPTION_MAX 64u

/* The namenode's HTTP address, "http://host:9870". */
static void add_base(struct ec_buf *url, const struct ec_remote_settings *s, const struct ec_address *a) {
    const char *colon = memchr(a->authority.p, ':', a->authority.n);
    int host = (int)(colon ? (size_t)(colon - a->authority.p) : a->authority.n);
    if (a->kind == EC_ADDRESS_HDFS && s->webhdfs[0])
        ec_buf_addz(url, s->webhdfs);
    else if (a->kind == EC_ADDRESS_HDFS) /* the port in it, if any, is that of another protocol */
        ec_buf_printf(url, "http://%.*s:9870", host, a->authority.p);
    else if (a->kind == EC_ADDRESS_WEBHDFS)
        ec_buf_printf(url, "http://%.*s%s", (int)a->authority.n, a->authority.p, colon ? "" : ":9870");
    else
        ec_buf_printf(url, "https://%.*s%s", (int)a->authority.n, a->authority.p, colon ? "" : ":9871");
}

enum ec_status ec_webhdfs_send(struct ec_store *store, const struct ec_webhdfs_request *r, struct ec_http_answer *answer, struct ec_err *err) {
    const struct ec_remote_settings *s = store->settings;
    struct ec_buf url = ec_buf_make(URL_MAX);
    memset(answer, 0, sizeof *answer);
    add_base(&url, s, r->address);
    ec_buf_addz(&url, "/webhdfs/v1/");
    ec_percent_encode(&url, r->path.p ? r->path.p : "", r->path.n, true);
    ec_buf_printf(&url, "?%s", r->query);
    if (s->hdfs_token[0]) {
        ec_buf_addz(&url, "&delegation=");
        ec_percent_encode(&url, s->hdfs_token, strlen(s->hdfs_token), false);
    } else if (s->hdfs_user[0]) {
        ec_buf_addz(&url, "&user.name=");
        ec_percent_encode(&url, s->hdfs_user, strlen(s->hdfs_user), false);
    }
    const struct ec_http_call call = {.method = r->method, .url = url.p, .body = r->body, .body_n = r->body_n, .sink = r->sink, .user = r->user};
    enum ec_status status = ec_buf_check(&url, err);
    if (status == EC_OK) status = ec_http_perform(store->http, &call, answer, err);
    if (url.p) explicit_bzero(url.p, url.cap);
    ec_buf_free(&url);
    return status;
}

/* ---- refusals */

static void take_exception(const struct ec_http_answer *a, char name[EXCEPTION_MAX]) {
    name[0] = '\0';
    json_t *root = a->body.n > 0 ? json_loadb(a->body.p, a->body.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *text = json_string_value(json_object_get(json_object_get(root, "RemoteException"), "exception"));
    if (text && strlen(text) < EXCEPTION_MAX && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == strlen(text))
        (void)snprintf(name, EXCEPTION_MAX, "%s", text);
    json_decref(root);
}

static const struct {
    const char *exception;
    enum ec_status status;
    bool again;
    const char *means;
} refusals[] = {
    {"FileNotFoundException", EC_FILE_CHANGED, false, N_("there is no such file or folder")},
    {"AccessControlException", EC_REMOTE_DENIED, false, N_("HDFS does not allow it to this user (HADOOP_USER_NAME)")},
    {"SecurityException", EC_REMOTE_DENIED, false, N_("HDFS does not know who asks: a token is missing (ECLUSE_WEBHDFS_TOKEN_FILE), or not good")},
    {"InvalidToken", EC_REMOTE_DENIED, false, N_("the delegation token is not good, or has expired")},
    {"AuthenticationException", EC_REMOTE_DENIED, false, N_("HDFS does not know who asks: it needs a delegation token (ECLUSE_WEBHDFS_TOKEN_FILE)")},
    {"StandbyException", EC_REMOTE, false, N_("this namenode is the standby: name the active one")},
    {"SafeModeException", EC_REMOTE, true, N_("HDFS is in safe mode")},
    {"RetriableException", EC_REMOTE, true, N_("HDFS asks to come again")},
    {"FileAlreadyExistsException", EC_REMOTE, false, N_("it exists already")},
};

enum ec_status ec_webhdfs_refused(const struct ec_http_answer *a, const char *what, bool *again, struct ec_err *err) {
    char exception[EXCEPTION_MAX];
    take_exception(a, exception);
    *again = ec_http_may_pass(a->code);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strcmp(exception, refusals[i].exception) != 0) continue;
        *again = refusals[i].again;
        return ec_fail(err, refusals[i].status, "%.500s: %s (%s)", what, _(refusals[i].means), exception);
    }
    if (a->code == 401 || a->code == 403)
        return ec_fail(err, EC_REMOTE_DENIED, "%.500s: HDFS refuses the credentials (HTTP %ld)", what, a->code);
    return ec_fail(err, EC_REMOTE, "%.500s: %s answers with HTTP %ld%s%s", what, a->host, a->code, exception[0] ? " " : "", exception);
}

/* ---- listing */

static enum ec_status wrong(const struct ec_http_answer *a, const char *what, struct ec_err *err) {
    return ec_fail(err, EC_REMOTE, "%s answers with %s", a->host, what);
}

/* A file's size, time and tag out of its FileStatus. */
static bool take_status(const json_t *status, struct ec_object *object, char tag[EC_TAG_MAX]) {
    const json_t *length = json_object_get(status, "length"), *time = json_object_get(status, "modificationTime"), *id = json_object_get(status, "fileId");
    if (!json_is_integer(length) || !json_is_integer(time) || (id && !json_is_integer(id))) return false;
    json_int_t n = json_integer_value(length), ms = json_integer_value(time);
    if (n < 0 || ms < 0 || ms > INT64_MAX / 1000) return false;
    object->bytes = (uint64_t)n;
    object->mtime_us = (int64_t)ms * 1000;
    (void)snprintf(tag, EC_TAG_MAX, "%lld-%lld", id ? (long long)json_integer_value(id) : 0LL, (long long)ms);
    object->tag = tag;
    return true;
}

/* The folders still to be looked into, each with a slash behind it; "" is the root. */
struct walk {
    struct ec_store *store;
    struct ec_listing *listing;
    char **folder;
    size_t folders, cap;
    size_t folders_seen;
    const char *at; /* the folder at hand */
    struct ec_http_answer answer;
};

static enum ec_status add_folder(struct walk *w, const char *p, size_t n, struct ec_err *err) {
    if (++w->folders_seen > EC_REMOTE_FOLDERS_MAX) return ec_fail(err, EC_REMOTE, "HDFS: more than %u folders below one address", EC_REMOTE_FOLDERS_MAX);
    if (w->folders == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        char **more = ec_realloc_array(w->folder, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory to list a store");
        w->folder = more;
        w->cap = cap;
    }
    char *name = ec_malloc(n + 1);
    if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory to list a store");
    memcpy(name, p, n);
    name[n] = '\0';
    w->folder[w->folders++] = name;
    return EC_OK;
}

static void describe(const struct ec_address *a, const char *path, char *out, size_t size) {
    (void)snprintf(out, size, "%s://%.*s/%.300s", ec_address_scheme(a->kind), (int)a->authority.n, a->authority.p, path);
}

static enum ec_status ask(void *context, bool *again, struct ec_err *err) {
    struct walk *w = context;
    size_t n = strlen(w->at);
    const struct ec_webhdfs_request request = {.method = "GET", .address = w->listing->prefix, .path = {w->at, n > 0 ? n - 1 : 0}, .query = "op=LISTSTATUS"};
    ec_http_answer_free(&w->answer);
    enum ec_status status = ec_webhdfs_send(w->store, &request, &w->answer, err);
    *again = status == EC_REMOTE;
    if (status != EC_OK || w->answer.code == 200) return status;
    char what[600];
    describe(w->listing->prefix, w->at, what, sizeof what);
    status = ec_webhdfs_refused(&w->answer, what, again, err);
    if (status != EC_FILE_CHANGED) return status;
    if (err) ec_err_clear(err);
    return ec_fail(err, EC_REMOTE, "%s: there is no such folder in HDFS", what);
}

/* A name in a folder may be no way out of it. */
static bool is_name(const char *name) {
    return name && name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum ec_status take_entry(struct walk *w, const json_t *entry, struct ec_err *err) {
    const char *name = json_string_value(json_object_get(entry, "pathSuffix")), *type = json_string_value(json_object_get(entry, "type"));
    char tag[EC_TAG_MAX];
    struct ec_object object = {0};
    if (!is_name(name) || !type) return wrong(&w->answer, _("a listing with a name that is none"), err);
    struct ec_buf path = ec_buf_make(2 * (size_t)EC_ADDRESS_MAX);
    ec_buf_printf(&path, "%s%s", w->at, name);
    enum ec_status status = ec_buf_check(&path, NULL) == EC_OK ? EC_OK : wrong(&w->answer, _("a path that is too long"), err);
    const char *prefix = w->listing->prefix->key;
    bool asked = status == EC_OK && strncmp(path.p, prefix, strlen(prefix)) == 0;
    if (status == EC_OK && strcmp(type, "DIRECTORY") == 0) {
        ec_buf_addc(&path, '/');
        bool wanted = w->listing->deep && (asked || strncmp(path.p, prefix, path.n) == 0);
        if (wanted) status = ec_buf_check(&path, err);
        if (wanted && status == EC_OK) status = add_folder(w, path.p, path.n, err);
    } else if (asked && strcmp(type, "FILE") == 0) {
        status = take_status(entry, &object, tag) ? ec_listing_visit(w->listing, ec_buf_str(&path), &object, err)
                                                   : wrong(&w->answer, _("a file without length and modificationTime"), err);
    }
    ec_buf_free(&path);
    return status;
}

static enum ec_status take_folder(struct walk *w, struct ec_err *err) {
    json_t *root = json_loadb(w->answer.body.p ? w->answer.body.p : "", w->answer.body.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(json_object_get(root, "FileStatuses"), "FileStatus");
    enum ec_status status = json_is_array(list) ? EC_OK : wrong(&w->answer, _("something that is no listing"), err);
    for (size_t i = 0; status == EC_OK && i < json_array_size(list); i++) status = take_entry(w, json_array_get(list, i), err);
    json_decref(root);
    return status;
}

enum ec_status ec_webhdfs_list(struct ec_store *store, struct ec_listing *listing, struct ec_err *err) {
    struct walk w = {.store = store, .listing = listing};
    const char *slash = strrchr(listing->prefix->key, '/');
    enum ec_status status = add_folder(&w, listing->prefix->key, slash ? (size_t)(slash - listing->prefix->key) + 1 : 0, err);
    while (status == EC_OK && w.folders > 0) {
        char *folder = w.folder[--w.folders];
        w.at = folder;
        status = ec_http_retry(store->http, ask, &w, err);
        if (status == EC_OK) status = take_folder(&w, err);
        ec_free(folder);
    }
    while (w.folders > 0) ec_free(w.folder[--w.folders]);
    ec_free(w.folder);
    ec_http_answer_free(&w.answer);
    return status;
}

/* ---- reading */

enum ec_status ec_webhdfs_location(const struct ec_remote_settings *s, const struct ec_address *a, const struct ec_http_answer *answer,
                                   struct ec_err *err) {
    bool https = strncmp(answer->location, "https://", 8) == 0, http = strncmp(answer->location, "http://", 7) == 0;
    bool secure = a->kind == EC_ADDRESS_SWEBHDFS || (a->kind == EC_ADDRESS_HDFS && strncmp(s->webhdfs, "https://", 8) == 0);
    if (https || (http && !secure)) return EC_OK;
    return ec_fail(err, EC_REMOTE, "%s sends to an address that is %s", answer->host, http ? _("unencrypted, and was asked encrypted") : _("not http"));
}

static enum ec_status open_range(struct ec_reading *r, struct ec_http_answer *answer, struct ec_err *err) {
    char query[128];
    unsigned long long from = r->offset + r->got, n = r->n - r->got;
    (void)snprintf(query, sizeof query, "op=OPEN&offset=%llu&length=%llu", from, n);
    const struct ec_webhdfs_request request = {.method = "GET", .address = &r->address, .path = ec_str_of(r->address.key), .query = query,
                                               .sink = ec_reading_take, .user = r};
    EC_TRY(ec_webhdfs_send(r->store, &request, answer, err));
    if (answer->code != 307) return EC_OK;
    EC_TRY(ec_webhdfs_location(r->store->settings, &r->address, answer, err));
    struct ec_buf url = ec_buf_make(sizeof answer->location);
    ec_buf_addz(&url, answer->location);
    ec_http_answer_free(answer);
    const struct ec_http_call call = {.method = "GET", .url = url.p, .sink = ec_reading_take, .user = r};
    enum ec_status status = ec_buf_check(&url, err);
    if (status == EC_OK) status = ec_http_perform(r->store->http, &call, answer, err);
    if (url.p) explicit_bzero(url.p, url.cap); /* a namenode puts tokens into it */
    ec_buf_free(&url);
    return status;
}

enum ec_status ec_webhdfs_read(void *reading, bool *again, struct ec_err *err) {
    struct ec_reading *r = reading;
    struct ec_http_answer answer = {0};
    enum ec_status status = open_range(r, &answer, err);
    *again = status == EC_REMOTE;
    if (status == EC_OK && (answer.code < 200 || answer.code > 299)) {
        status = ec_webhdfs_refused(&answer, r->object->address, again, err);
    } else if (status == EC_OK) {
        status = ec_reading_check(r, err);
        *again = status != EC_OK;
    }
    ec_http_answer_free(&answer);
    return status;
}

struct asking_status {
    struct ec_store *store;
    const char *what;
    const struct ec_address *address;
    struct ec_object *now;
    char *tag;
    bool there;
};

static enum ec_status ask_status(void *context, bool *again, struct ec_err *err) {
    struct asking_status *c = context;
    struct ec_http_answer answer;
    const struct ec_webhdfs_request request = {.method = "GET", .address = c->address, .path = ec_str_of(c->address->key), .query = "op=GETFILESTATUS"};
    enum ec_status status = ec_webhdfs_send(c->store, &request, &answer, err);
    *again = status == EC_REMOTE;
    c->there = status == EC_OK && answer.code == 200;
    if (c->there) {
        json_t *root = json_loadb(answer.body.p ? answer.body.p : "", answer.body.n, JSON_REJECT_DUPLICATES, NULL);
        if (!take_status(json_object_get(root, "FileStatus"), c->now, c->tag)) status = wrong(&answer, _("something that is no status of a file"), err);
        json_decref(root);
    } else if (status == EC_OK && answer.code != 404) {
        status = ec_webhdfs_refused(&answer, c->what, again, err);
    }
    ec_http_answer_free(&answer);
    return status;
}

enum ec_status ec_webhdfs_find(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_object *object,
                               char tag[EC_TAG_MAX], bool *there, struct ec_err *err) {
    struct asking_status c = {.store = store, .what = what, .address = address, .now = object, .tag = tag};
    EC_TRY(ec_http_retry(store->http, ask_status, &c, err));
    *there = c.there;
    return EC_OK;
}

enum ec_status ec_webhdfs_confirm(struct ec_store *store, const struct ec_address *address, const struct ec_object *object, struct ec_err *err) {
    char tag[EC_TAG_MAX];
    struct ec_object now = {0};
    bool there;
    EC_TRY(ec_webhdfs_find(store, object->address, address, &now, tag, &there, err));
    bool same = there && now.bytes == object->bytes && (!object->tag[0] || strcmp(tag, object->tag) == 0);
    return same ? EC_OK : ec_object_changed(object, err);
}
