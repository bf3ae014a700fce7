#include "cli/copy_tables.h"

#include "base/io.h"
#include "remote/put.h"
#include "run/paths.h"

#include <stdlib.h>

#define LOG_NAME "_delta_log"

struct there {
    const char *path; /* below the table */
    struct ec_object object;
};

struct copying {
    struct ec_store *store;
    const char *dir, *to;
    const struct ec_delta *table;
    struct ec_copied *copied;
    struct ec_arena arena;
    struct there *there; /* in order of path */
    size_t count, cap;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory to copy a table"); }

static enum ec_status visit(void *user, const struct ec_object *object, struct ec_err *err) {
    struct copying *c = user;
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        struct there *more = ec_realloc_array(c->there, cap, sizeof *more);
        if (!more) return no_memory(err);
        c->there = more;
        c->cap = cap;
    }
    struct there *t = &c->there[c->count++];
    t->object = *object;
    t->object.address = ec_arena_strdup(&c->arena, object->address);
    t->object.tag = ec_arena_strdup(&c->arena, object->tag);
    t->path = t->object.address ? t->object.address + strlen(c->to) + 1 : NULL;
    return t->path && t->object.tag ? EC_OK : no_memory(err);
}

static int by_path(const void *a, const void *b) { return strcmp(((const struct there *)a)->path, ((const struct there *)b)->path); }

static enum ec_status list(struct copying *c, struct ec_err *err) {
    char folder[EC_PATH_MAX];
    struct ec_address prefix;
    int n = snprintf(folder, sizeof folder, "%s/", c->to);
    if (n < 0 || (size_t)n >= sizeof folder) return ec_fail(err, EC_USAGE, "the address is too long: %.80s…", c->to);
    EC_TRY(ec_address_parse(folder, &prefix, err));
    EC_TRY(ec_store_make_folder(c->store, folder, err));
    EC_TRY(ec_store_list(c->store, &prefix, true, visit, c, err));
    if (c->count > 1) qsort(c->there, c->count, sizeof *c->there, by_path);
    return EC_OK;
}

static const struct there *find(const struct copying *c, const char *path) {
    const struct there key = {.path = path};
    return c->count ? bsearch(&key, c->there, c->count, sizeof key, by_path) : NULL;
}

static void version_name(int64_t version, char out[64]) { (void)snprintf(out, 64, LOG_NAME "/%020lld.json", (long long)version); }

static enum ec_status add_text(void *user, const char *p, size_t n, struct ec_err *err) {
    ec_buf_add(user, p, n);
    return ec_buf_check(user, err);
}

static enum ec_status is_other(const struct copying *c, struct ec_err *err) {
    return ec_fail(err, EC_COMMIT_CONFLICT, "%s is no copy of %s, or another program wrote there: copy to an address that is empty", c->to, c->dir);
}

static enum ec_status load(const struct copying *c, const char *name, struct ec_buf *text, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, c->dir, name, err));
    return ec_file_load(path, text, err);
}

/* Whether that version is, byte by byte, ours. */
static enum ec_status compare(struct copying *c, const char *name, const struct ec_object *object, struct ec_err *err) {
    struct ec_buf ours = ec_buf_make(EC_DELTA_COMMIT_MAX), theirs = ec_buf_make(EC_DELTA_COMMIT_MAX);
    enum ec_status status = load(c, name, &ours, err);
    if (status == EC_OK && object->bytes != ours.n) status = is_other(c, err);
    if (status == EC_OK && object->bytes > 0) status = ec_store_read(c->store, object, 0, object->bytes, add_text, &theirs, err);
    if (status == EC_OK && !ec_str_eq(ec_buf_str(&ours), ec_buf_str(&theirs))) status = is_other(c, err);
    ec_buf_free(&ours);
    ec_buf_free(&theirs);
    return status;
}

/* The newest version of the copy, -1 for none; its first and its last are compared. */
static enum ec_status find_version(struct copying *c, int64_t *version, struct ec_err *err) {
    char name[64];
    const struct there *last = NULL;
    for (*version = -1;; ++*version) {
        version_name(*version + 1, name);
        const struct there *t = find(c, name);
        if (!t) break;
        if (*version + 1 > c->table->version) return is_other(c, err);
        if (*version < 0) EC_TRY(compare(c, name, &t->object, err));
        last = t;
    }
    version_name(*version, name);
    return last && *version > 0 ? compare(c, name, &last->object, err) : EC_OK;
}

static enum ec_status address_of(const struct copying *c, const char *path, char *out, struct ec_err *err) {
    return ec_path_join(out, EC_PATH_MAX, c->to, path, err);
}

static enum ec_status put_parts(struct copying *c, struct ec_err *err) {
    for (size_t i = 0; i < c->table->file_count; i++) {
        char name[EC_PATH_MAX], path[EC_PATH_MAX], address[EC_PATH_MAX];
        const struct ec_delta_file *file = &c->table->file[i];
        EC_TRY(ec_delta_path_decode(file->path, name, sizeof name, err));
        const struct there *t = find(c, name);
        if (t && t->object.bytes != file->bytes) return is_other(c, err);
        if (t) continue;
        EC_TRY(ec_path_join(path, sizeof path, c->dir, name, err));
        EC_TRY(address_of(c, name, address, err));
        EC_TRY(ec_store_put_file(c->store, address, path, err));
        c->copied->parts++;
        c->copied->bytes += file->bytes;
    }
    return EC_OK;
}

static enum ec_status put_version(struct copying *c, int64_t version, struct ec_err *err) {
    char name[64], address[EC_PATH_MAX];
    bool there = false;
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    version_name(version, name);
    enum ec_status status = load(c, name, &text, err);
    if (status == EC_OK) status = address_of(c, name, address, err);
    if (status == EC_OK) status = ec_store_put_new(c->store, address, ec_buf_str(&text), &there, err);
    ec_buf_free(&text);
    if (status != EC_OK || !there) return status;
    size_t before = c->count; /* ours, whose answer was lost, or another's: what is there tells */
    struct ec_address at;
    EC_TRY(ec_address_parse(address, &at, err));
    EC_TRY(ec_store_list(c->store, &at, false, visit, c, err));
    for (size_t i = before; i < c->count; i++)
        if (strcmp(c->there[i].path, name) == 0) return compare(c, name, &c->there[i].object, err);
    return is_other(c, err);
}

static enum ec_status copy(struct copying *c, struct ec_err *err) {
    int64_t version;
    EC_TRY(list(c, err));
    EC_TRY(find_version(c, &version, err));
    EC_TRY(put_parts(c, err));
    while (version < c->table->version) {
        EC_TRY(put_version(c, ++version, err));
        c->copied->versions++;
    }
    c->copied->version = version;
    return EC_OK;
}

enum ec_status ec_copy_table(struct ec_store *store, const char *dir, const struct ec_delta *table, const char *to, struct ec_copied *copied,
                             struct ec_err *err) {
    struct copying c = {.store = store, .dir = dir, .to = to, .table = table, .copied = copied};
    *copied = (struct ec_copied){0};
    ec_arena_init(&c.arena, (size_t)512 * EC_MIB);
    enum ec_status status = copy(&c, err);
    ec_arena_deinit(&c.arena);
    ec_free(c.there);
    return status;
}
