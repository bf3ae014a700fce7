/* What lies among the tables of a store and is named by no version: of another writer who lost, or of a put that was killed. */
#include "run/mirror_orphans.h"

#include "base/io.h"
#include "base/limits.h"
#include "remote/put.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#include <jansson.h>
#include <stdlib.h>

struct finding {
    struct ec_mirroring *mi;
    struct ec_mirror_table *table;
    struct ec_orphans *out;
    struct ec_arena arena;
    const char **name; /* of every file that a version names, in order */
    size_t names, cap;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the tables of a store"); }

static enum ec_status note_name(void *user, const char *name, uint64_t bytes, bool added, struct ec_err *err) {
    struct finding *f = user;
    (void)bytes;
    (void)added;
    if (f->names == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 1024;
        const char **more = ec_realloc_array(f->name, cap, sizeof *more);
        if (!more) return no_memory(err);
        f->name = more;
        f->cap = cap;
    }
    f->name[f->names] = ec_arena_strdup(&f->arena, name);
    return f->name[f->names++] ? EC_OK : no_memory(err);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A part, or a file of HDFS under its temporary name; whatever else lies there is nobody's guess. */
static bool is_ours_by_kind(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (name[0] == '.' && ends_with(name, "._COPYING_")) return true;
    return strncmp(path, "_delta_log/", 11) != 0 && ends_with(name, ".parquet");
}

static enum ec_status visit(void *user, const struct ec_object *object, struct ec_err *err) {
    struct finding *f = user;
    struct ec_orphans *out = f->out;
    const char *path = object->address + strlen(f->table->to) + 1;
    if (!is_ours_by_kind(path) || (f->names && bsearch(&path, f->name, f->names, sizeof *f->name, by_name))) return EC_OK;
    struct ec_orphan *more = out->count % 64 ? out->orphan : ec_realloc_array(out->orphan, out->count + 64, sizeof *more);
    if (!more) return no_memory(err);
    out->orphan = more;
    struct ec_orphan *o = &out->orphan[out->count];
    *o = (struct ec_orphan){ec_arena_strdup(&out->arena, object->address), object->bytes, object->mtime_us, false};
    if (!o->address) return no_memory(err);
    out->count++;
    return EC_OK;
}

/* Every name of the log here, of which the store's is a beginning: what a version here names may be on its way. */
static enum ec_status read_names(struct finding *f, struct ec_err *err) {
    for (int64_t version = 0; version <= f->table->version; version++)
        EC_TRY(ec_mirror_each_file(f->table, version, note_name, f, err));
    if (f->names > 1) qsort(f->name, f->names, sizeof *f->name, by_name);
    return EC_OK;
}

static enum ec_status list(struct finding *f, struct ec_err *err) {
    char folder[EC_PATH_MAX];
    struct ec_address prefix;
    EC_TRY(ec_path_join(folder, sizeof folder, f->table->to, "", err));
    EC_TRY(ec_address_parse(folder, &prefix, err));
    return ec_store_list(f->mi->store, &prefix, true, visit, f, err);
}

enum ec_status ec_mirror_find_orphans(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_orphans *out, struct ec_err *err) {
    struct finding f = {.mi = mi, .table = t, .out = out};
    if (t->there < 0) return EC_OK; /* no table yet: what lies there may be on its way */
    ec_arena_init(&f.arena, (size_t)1024 * EC_MIB);
    enum ec_status status = read_names(&f, err);
    if (status == EC_OK) status = list(&f, err);
    ec_free(f.name);
    ec_arena_deinit(&f.arena);
    return status;
}

enum ec_status ec_mirror_remove_orphans(struct ec_mirroring *mi, struct ec_orphans *out, int64_t before_us, struct ec_err *err) {
    for (size_t i = 0; i < out->count; i++) {
        if (out->orphan[i].mtime_us >= before_us) continue;
        EC_TRY(ec_store_remove(mi->store, out->orphan[i].address, err));
        out->orphan[i].removed = true;
    }
    return EC_OK;
}

void ec_orphans_free(struct ec_orphans *out) {
    ec_free(out->orphan);
    ec_arena_deinit(&out->arena);
}
