#include "remote/put.h"

#include "base/arena.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/threads.h"
#include "remote/store_private.h"

#include <stdatomic.h>

enum ec_status ec_putting_read(const struct ec_putting *p, uint64_t offset, size_t n, struct ec_str *bytes, struct ec_err *err) {
    if (!p->path) {
        *bytes = (struct ec_str){p->text.p + offset, n};
        return EC_OK;
    }
    size_t got;
    EC_TRY(ec_file_read_at(p->fd, p->piece, n, (off_t)offset, &got, p->path, err));
    *bytes = (struct ec_str){p->piece, got};
    return got == n ? EC_OK : ec_fail(err, EC_FILE_CHANGED, "%s became shorter while it was being read", p->path);
}

static enum ec_status put(struct ec_putting *p, struct ec_err *err) {
    EC_TRY(ec_address_parse(p->what, &p->address, err));
    return p->address.kind == EC_ADDRESS_S3 ? ec_s3_put(p, err) : ec_webhdfs_put(p, err);
}

enum ec_status ec_store_put_file(struct ec_store *store, const char *address, const char *path, struct ec_err *err) {
    struct ec_putting p = {.store = store, .what = address, .path = path, .fd = -1};
    struct stat st;
    EC_TRY(ec_file_open(path, &p.fd, &st, err));
    p.bytes = (uint64_t)st.st_size;
    p.piece = ec_malloc(EC_REMOTE_PART);
    enum ec_status status = p.piece ? put(&p, err) : ec_fail(err, EC_NO_MEMORY, "no memory to put %s", address);
    ec_free(p.piece);
    (void)ec_io.close(p.fd);
    return status;
}

enum ec_status ec_store_put_new(struct ec_store *store, const char *address, struct ec_str text, bool *there, struct ec_err *err) {
    struct ec_putting p = {.store = store, .what = address, .text = text, .bytes = text.n, .if_absent = true};
    *there = false;
    if (text.n > EC_REMOTE_ANSWER_MAX) return ec_fail(err, EC_REMOTE, "%s: more than %llu bytes are not put at once", address, EC_REMOTE_ANSWER_MAX);
    EC_TRY(put(&p, err));
    *there = p.there;
    return EC_OK;
}

enum ec_status ec_store_make_folder(struct ec_store *store, const char *address, struct ec_err *err) {
    struct ec_address a;
    EC_TRY(ec_address_parse(address, &a, err));
    return a.kind == EC_ADDRESS_S3 ? EC_OK : ec_webhdfs_make_folder(store, address, &a, err);
}

struct finding {
    const char *address;
    struct ec_object *object;
    char *tag;
    bool there;
};

static enum ec_status find(void *user, const struct ec_object *object, struct ec_err *err) {
    struct finding *f = user;
    (void)err;
    if (strcmp(object->address, f->address) != 0) return EC_OK; /* its name is the beginning of another's */
    *f->object = *object;
    f->object->address = f->address;
    f->object->tag = f->tag;
    (void)snprintf(f->tag, EC_TAG_MAX, "%s", object->tag);
    f->there = true;
    return EC_OK;
}

enum ec_status ec_store_find(struct ec_store *store, const char *address, struct ec_object *object, char tag[EC_TAG_MAX], bool *there,
                             struct ec_err *err) {
    struct ec_address a;
    struct finding finding = {.address = address, .object = object, .tag = tag};
    EC_TRY(ec_address_parse(address, &a, err));
    *there = false;
    *object = (struct ec_object){.address = address};
    if (a.kind != EC_ADDRESS_S3) return ec_webhdfs_find(store, address, &a, object, tag, there, err);
    EC_TRY(ec_store_list(store, &a, false, find, &finding, err));
    *there = finding.there;
    return EC_OK;
}

enum ec_status ec_store_remove(struct ec_store *store, const char *address, struct ec_err *err) {
    struct ec_address a;
    EC_TRY(ec_address_parse(address, &a, err));
    return a.kind == EC_ADDRESS_S3 ? ec_s3_remove(store, address, &a, err) : ec_webhdfs_remove(store, address, &a, err);
}

/* ---- a folder ---- */

/* Of S3, which knows none: all keys that begin so, removed by several who take them one by one. */
struct clearing {
    struct ec_store *store;
    struct ec_arena arena;
    const char **address;
    size_t count, cap;
    _Atomic size_t next;
    _Atomic bool stopped;
    pthread_mutex_t mutex; /* over `err` */
    struct ec_err err;
};

static enum ec_status note_address(void *user, const struct ec_object *object, struct ec_err *err) {
    struct clearing *c = user;
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        const char **more = ec_realloc_array(c->address, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory to remove objects");
        c->address = more;
        c->cap = cap;
    }
    c->address[c->count] = ec_arena_strdup(&c->arena, object->address);
    return c->address[c->count++] ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to remove objects");
}

static void *remove_some(void *context) {
    struct clearing *c = context;
    struct ec_store *store = NULL;
    struct ec_err cause = {0};
    enum ec_status status = ec_store_open(c->store->settings, &store, &cause);
    for (size_t i; status == EC_OK && !atomic_load(&c->stopped) && (i = atomic_fetch_add(&c->next, 1)) < c->count;)
        status = ec_store_remove(store, c->address[i], &cause);
    ec_store_close(store);
    if (status == EC_OK) return NULL;
    atomic_store(&c->stopped, true);
    (void)pthread_mutex_lock(&c->mutex);
    if (c->err.status == EC_OK) c->err = cause;
    (void)pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static enum ec_status remove_listed(struct clearing *c, struct ec_err *err) {
    (void)pthread_mutex_init(&c->mutex, NULL);
    ec_side_by_side(remove_some, c, c->count < EC_REMOTE_CONNECTIONS ? c->count : EC_REMOTE_CONNECTIONS);
    (void)pthread_mutex_destroy(&c->mutex);
    if (c->err.status != EC_OK && err) *err = c->err;
    return c->err.status;
}

enum ec_status ec_store_remove_folder(struct ec_store *store, const char *address, struct ec_err *err) {
    struct clearing c = {.store = store};
    struct ec_address a;
    char folder[EC_ADDRESS_MAX + 2];
    EC_TRY(ec_path_join(folder, sizeof folder, address, "", err));
    EC_TRY(ec_address_parse(folder, &a, err));
    if (a.kind != EC_ADDRESS_S3) return ec_webhdfs_remove_folder(store, address, &a, err);
    ec_arena_init(&c.arena, (size_t)1 * EC_GIB);
    struct ec_listing listing = {.prefix = &a, .deep = true, .folders = true, .visit = note_address, .user = &c};
    enum ec_status status = ec_s3_list(store, &listing, err);
    if (status == EC_OK && c.count > 0) status = remove_listed(&c, err);
    ec_free(c.address);
    ec_arena_deinit(&c.arena);
    return status;
}
