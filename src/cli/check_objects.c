/* Objects that are to be checked: fetched into files without a name, which go with their descriptors. */
#include "cli/check.h"

#include "base/address.h"
#include "base/io.h"
#include "cli/project.h"
#include "remote/store.h"
#include "run/objects.h"

struct listing {
    struct ec_check_targets *targets;
    const char *glob;
    struct ec_object *object;
    size_t count, cap;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the list of objects"); }

static enum ec_status visit(void *user, const struct ec_object *object, struct ec_err *err) {
    struct listing *l = user;
    if (!ec_glob_match(l->glob, object->address)) return EC_OK;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct ec_object *more = ec_realloc_array(l->object, cap, sizeof *more);
        if (!more) return no_memory(err);
        l->object = more;
        l->cap = cap;
    }
    struct ec_object *kept = &l->object[l->count];
    *kept = *object;
    kept->address = ec_arena_strdup(&l->targets->arena, object->address);
    kept->tag = ec_arena_strdup(&l->targets->arena, object->tag);
    l->count++;
    return kept->address && kept->tag ? EC_OK : no_memory(err);
}

struct copying {
    int fd;
    const char *name;
};

static enum ec_status write_some(void *user, const char *p, size_t n, struct ec_err *err) {
    const struct copying *c = user;
    return ec_file_write(c->fd, p, n, c->name, err);
}

/* A failure is the object's, unless it is this machine's. */
static bool is_of_object(enum ec_status status) { return status == EC_FILE_CHANGED || status == EC_REMOTE || status == EC_REMOTE_DENIED; }

static enum ec_status fetch(struct listing *l, struct ec_store *store, const struct ec_object *object, struct ec_check_target target, struct ec_err *err) {
    struct ec_check_targets *t = l->targets;
    struct copying copying = {.name = object->address};
    struct ec_err cause = {0};
    int *more = ec_realloc_array(t->copy, t->copies + 1, sizeof *more);
    if (!more) return no_memory(err);
    t->copy = more;
    EC_TRY(ec_check_spool(&copying.fd, err));
    t->copy[t->copies++] = copying.fd;
    target.shown = object->address;
    target.path = ec_arena_printf(&t->arena, "/proc/self/fd/%d", copying.fd);
    if (!target.path) return no_memory(err);
    if (object->bytes == 0) return ec_check_add(t, target, copying.fd, err);
    enum ec_status status = ec_store_read(store, object, 0, object->bytes, write_some, &copying, &cause);
    if (status == EC_OK) status = ec_store_confirm(store, object, &cause);
    if (status != EC_OK && !is_of_object(status)) {
        if (err) *err = cause;
        return status;
    }
    if (status != EC_OK) {
        target.status = status == EC_FILE_CHANGED ? status : EC_REMOTE_READ;
        target.problem = ec_arena_strdup(&t->arena, cause.message);
        if (!target.problem) return no_memory(err);
    }
    return ec_check_add(t, target, copying.fd, err);
}

static enum ec_status fetch_all(struct listing *l, struct ec_store *store, const struct ec_config *config, const struct ec_source *source,
                                struct ec_err *err) {
    struct ec_address prefix;
    bool deep;
    EC_TRY(ec_objects_prefix(l->glob, &l->targets->arena, &prefix, &deep, err));
    EC_TRY(ec_store_list(store, &prefix, deep, visit, l, err));
    if (l->count == 0) return ec_fail(err, EC_USAGE, "there is no object %s", l->glob);
    for (size_t i = 0; i < l->count; i++) {
        struct ec_check_target target = {.source = source};
        if (!source) EC_TRY(ec_check_source(config, l->object[i].address, &target.source, err));
        EC_TRY(fetch(l, store, &l->object[i], target, err));
    }
    return EC_OK;
}

enum ec_status ec_check_objects(const struct ec_config *config, const char *glob, const struct ec_source *source, struct ec_check_targets *targets,
                                struct ec_err *err) {
    struct listing l = {.targets = targets, .glob = glob};
    struct ec_remote_settings settings;
    struct ec_store *store = NULL;
    enum ec_status status = ec_remote_settings_load(&settings, err);
    if (status == EC_OK) status = ec_store_open(&settings, &store, err);
    if (status == EC_OK) status = fetch_all(&l, store, config, source, err);
    ec_store_close(store);
    ec_remote_settings_wipe(&settings);
    ec_free(l.object);
    return status;
}
