/* A table of the project and its log in the store. */
#include "base/io.h"
#include "base/limits.h"
#include "remote/put.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the tables of a store"); }

/* ---- looking (M1) */

struct logged {
    int64_t version;
    struct ec_object object;
};

struct log {
    struct ec_arena *arena;
    struct ec_mirror_table *table;
    struct logged *entry;
    size_t count, cap;
};

static enum ec_status visit(void *user, const struct ec_object *object, struct ec_err *err) {
    struct log *log = user;
    const char *name = strrchr(object->address, '/') + 1;
    int64_t version = ec_delta_name_version(name, ".json"), checkpoint = ec_delta_name_version(name, ".checkpoint.parquet");
    if (checkpoint > log->table->checkpoint) log->table->checkpoint = checkpoint;
    if (version < 0) return EC_OK; /* a checkpoint, a file under way */
    if (log->count == log->cap) {
        size_t cap = log->cap ? log->cap * 2 : 256;
        struct logged *more = ec_realloc_array(log->entry, cap, sizeof *more);
        if (!more) return no_memory(err);
        log->entry = more;
        log->cap = cap;
    }
    struct logged *e = &log->entry[log->count];
    *e = (struct logged){version, *object};
    e->object.address = ec_arena_strdup(log->arena, object->address);
    e->object.tag = ec_arena_strdup(log->arena, object->tag);
    if (!e->object.address || !e->object.tag) return no_memory(err);
    log->count++;
    return EC_OK;
}

static int by_version(const void *a, const void *b) {
    int64_t x = ((const struct logged *)a)->version, y = ((const struct logged *)b)->version;
    return (x > y) - (x < y);
}

/* S3 lists what is not there as empty; in HDFS a folder is made, or looked for where nothing may be written. */
static enum ec_status be_listable(struct ec_mirroring *mi, const struct ec_mirror_table *t, const char *folder, bool *there, struct ec_err *err) {
    char name[EC_PATH_MAX], tag[EC_TAG_MAX];
    struct ec_object object;
    *there = true;
    if (!mi->o->look_only) return ec_store_make_folder(mi->store, folder, err);
    if (ec_address_is_s3(folder)) return EC_OK;
    EC_TRY(ec_path_join(name, sizeof name, t->to, "_delta_log", err));
    return ec_store_find(mi->store, name, &object, tag, there, err);
}

static enum ec_status list(struct ec_mirroring *mi, const struct ec_mirror_table *t, struct log *log, struct ec_err *err) {
    char folder[EC_PATH_MAX];
    struct ec_address prefix;
    bool there;
    EC_TRY(ec_path_join(folder, sizeof folder, t->to, "_delta_log/", err));
    EC_TRY(ec_address_parse(folder, &prefix, err));
    EC_TRY(be_listable(mi, t, folder, &there, err));
    if (!there) return EC_OK;
    EC_TRY(ec_store_list(mi->store, &prefix, false, visit, log, err));
    if (log->count > 1) qsort(log->entry, log->count, sizeof *log->entry, by_version);
    return EC_OK;
}

static enum ec_status is_other(const struct ec_mirror_table *t, int64_t version, struct ec_err *err) {
    return ec_fail(err, EC_COMMIT_CONFLICT,
                   "%s: version %lld there is not that of %s. Another program wrote there, or another project has this address: "
                   "nothing was written over; give the tables an address of their own",
                   t->to, (long long)version, t->dir);
}

static enum ec_status load(const struct ec_mirror_table *t, int64_t version, struct ec_buf *text, struct ec_err *err) {
    char name[64], path[EC_PATH_MAX];
    ec_delta_name(version, ".json", name);
    EC_TRY(ec_path_join(path, sizeof path, t->dir, name, err));
    if (!ec_path_exists(path))
        return ec_fail(err, EC_TABLE_FORMAT, "%s lacks version %lld of its log, which %s does not have either: the log was cleaned up before it was delivered",
                       t->dir, (long long)version, t->to);
    return ec_file_load(path, text, err);
}

static enum ec_status add_text(void *user, const char *p, size_t n, struct ec_err *err) {
    ec_buf_add(user, p, n);
    return ec_buf_check(user, err);
}

/* Whether that version is, byte by byte, ours. */
static enum ec_status compare(struct ec_mirroring *mi, const struct ec_mirror_table *t, int64_t version, const struct ec_object *object,
                              struct ec_err *err) {
    struct ec_buf ours = ec_buf_make(EC_DELTA_COMMIT_MAX), theirs = ec_buf_make(EC_DELTA_COMMIT_MAX);
    enum ec_status status = load(t, version, &ours, err);
    if (status == EC_OK && object->bytes != ours.n) status = is_other(t, version, err);
    if (status == EC_OK && object->bytes > 0) status = ec_store_read(mi->store, object, 0, object->bytes, add_text, &theirs, err);
    if (status == EC_OK && !ec_str_eq(ec_buf_str(&ours), ec_buf_str(&theirs))) status = is_other(t, version, err);
    ec_buf_free(&ours);
    ec_buf_free(&theirs);
    return status;
}

static bool is_here(const struct ec_mirror_table *t, int64_t version) {
    char name[64], path[EC_PATH_MAX];
    ec_delta_name(version, ".json", name);
    return ec_path_join(path, sizeof path, t->dir, name, NULL) == EC_OK && ec_path_exists(path);
}

static enum ec_status judge(struct ec_mirroring *mi, struct ec_mirror_table *t, const struct log *log, struct ec_err *err) {
    const struct logged *first = log->entry, *last = log->count ? &log->entry[log->count - 1] : NULL;
    t->found = t->there = last ? last->version : -1;
    if (!last) return EC_OK;
    if (last->version > t->version) return is_other(t, last->version, err);
    for (size_t i = 1; i < log->count; i++)
        if (log->entry[i].version != log->entry[i - 1].version + 1)
            return ec_fail(err, EC_COMMIT_CONFLICT, "%s: version %lld is missing there, and version %lld is there: somebody removed it", t->to,
                           (long long)log->entry[i - 1].version + 1, (long long)log->entry[i].version);
    if (first != last && is_here(t, first->version)) EC_TRY(compare(mi, t, first->version, &first->object, err));
    return compare(mi, t, last->version, &last->object, err);
}

enum ec_status ec_mirror_look(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err) {
    struct ec_arena arena;
    struct log log = {.arena = &arena, .table = t};
    ec_arena_init(&arena, (size_t)512 * EC_MIB);
    enum ec_status status = list(mi, t, &log, err);
    if (status == EC_OK) status = judge(mi, t, &log, err);
    ec_free(log.entry);
    ec_arena_deinit(&arena);
    return status;
}

/* ---- what a version names */

typedef enum ec_status (*file_visitor)(void *user, const char *name, uint64_t bytes, bool added, struct ec_err *err);

static enum ec_status take_action(const struct ec_mirror_table *t, int64_t version, const json_t *line, file_visitor visit_file, void *user,
                                  struct ec_err *err) {
    const json_t *add = json_object_get(line, "add"), *action = add ? add : json_object_get(line, "remove");
    char name[EC_PATH_MAX];
    const char *path = json_string_value(json_object_get(action, "path"));
    if (!action) return EC_OK;
    json_int_t bytes = json_integer_value(json_object_get(add, "size"));
    if (!path || bytes < 0) return ec_fail(err, EC_TABLE_FORMAT, "%s: version %lld of the log has a file without path or size", t->dir, (long long)version);
    EC_TRY(ec_delta_path_decode(path, name, sizeof name, err));
    return visit_file(user, name, (uint64_t)bytes, add != NULL, err);
}

static enum ec_status take_lines(const struct ec_mirror_table *t, int64_t version, const struct ec_buf *text, file_visitor visit_file, void *user,
                                 struct ec_err *err) {
    enum ec_status status = EC_OK;
    for (size_t at = 0; at < text->n && status == EC_OK;) {
        const char *end = memchr(text->p + at, '\n', text->n - at);
        size_t n = end ? (size_t)(end - text->p) - at : text->n - at;
        json_t *line = n ? json_loadb(text->p + at, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (n && !line) status = ec_fail(err, EC_TABLE_FORMAT, "%s: version %lld of the log is no JSON", t->dir, (long long)version);
        if (line) status = take_action(t, version, line, visit_file, user, err);
        json_decref(line);
        at += n + 1;
    }
    return status;
}

enum ec_status ec_mirror_each_file(const struct ec_mirror_table *t, int64_t version, file_visitor visit_file, void *user, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    enum ec_status status = load(t, version, &text, err);
    if (status == EC_OK) status = take_lines(t, version, &text, visit_file, user, err);
    ec_buf_free(&text);
    return status;
}

/* ---- parts (M2) */

struct planning {
    struct ec_mirroring *mi;
    struct ec_mirror_table *table;
    const char **gone; /* parts that are not here any more */
    size_t gone_count, gone_cap;
};

static enum ec_status note_gone(struct planning *p, const char *path, struct ec_err *err) {
    if (p->gone_count == p->gone_cap) {
        size_t cap = p->gone_cap ? p->gone_cap * 2 : 64;
        const char **more = ec_realloc_array(p->gone, cap, sizeof *more);
        if (!more) return no_memory(err);
        p->gone = more;
        p->gone_cap = cap;
    }
    p->gone[p->gone_count] = ec_arena_strdup(&p->mi->m->arena, path);
    return p->gone[p->gone_count++] ? EC_OK : no_memory(err);
}

static enum ec_status add_part(struct planning *p, const char *name, uint64_t bytes, struct ec_err *err) {
    struct ec_mirroring *mi = p->mi;
    char path[EC_PATH_MAX], address[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, p->table->dir, name, err));
    EC_TRY(ec_path_join(address, sizeof address, p->table->to, name, err));
    if (!ec_path_exists(path)) return note_gone(p, name, err);
    if (mi->parts == mi->part_cap) {
        size_t cap = mi->part_cap ? mi->part_cap * 2 : 256;
        struct ec_mirror_part *more = ec_realloc_array(mi->part, cap, sizeof *more);
        if (!more) return no_memory(err);
        mi->part = more;
        mi->part_cap = cap;
    }
    struct ec_mirror_part *part = &mi->part[mi->parts];
    *part = (struct ec_mirror_part){p->table, ec_arena_strdup(&mi->m->arena, path), ec_arena_strdup(&mi->m->arena, address), bytes};
    if (!part->path || !part->address) return no_memory(err);
    mi->parts++;
    return EC_OK;
}

/* A part that was vacuumed here has been removed by a version before; a reader of the newest one misses nothing. */
static void take_remove(struct planning *p, const char *name) {
    for (size_t i = 0; i < p->gone_count; i++)
        if (strcmp(p->gone[i], name) == 0) p->gone[i--] = p->gone[--p->gone_count];
}

static enum ec_status take_file(void *user, const char *name, uint64_t bytes, bool added, struct ec_err *err) {
    struct planning *p = user;
    if (added) return add_part(p, name, bytes, err);
    take_remove(p, name);
    return EC_OK;
}

enum ec_status ec_mirror_plan(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err) {
    struct planning p = {.mi = mi, .table = t};
    size_t first = mi->parts;
    enum ec_status status = EC_OK;
    for (int64_t version = t->there + 1; version <= t->version && status == EC_OK; version++)
        status = ec_mirror_each_file(t, version, take_file, &p, err);
    if (status == EC_OK && p.gone_count > 0) status = ec_fail(err, EC_TABLE_FORMAT, "%s lacks its part %s", t->dir, p.gone[0]);
    ec_free(p.gone);
    t->parts = mi->parts - first;
    if (status != EC_OK) mi->parts = first;
    return status;
}

/* ---- commits (M3) */

static enum ec_status put_version(struct ec_mirroring *mi, const struct ec_mirror_table *t, int64_t version, struct ec_err *err) {
    char name[64], address[EC_PATH_MAX], tag[EC_TAG_MAX];
    struct ec_object object;
    bool there = false;
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    ec_delta_name(version, ".json", name);
    enum ec_status status = load(t, version, &text, err);
    if (status == EC_OK) status = ec_path_join(address, sizeof address, t->to, name, err);
    if (status == EC_OK) status = ec_store_put_new(mi->store, address, ec_buf_str(&text), &there, err);
    ec_buf_free(&text);
    if (status != EC_OK || !there) return status;
    EC_TRY(ec_store_find(mi->store, address, &object, tag, &there, err)); /* ours, whose answer was lost, or another's: what is there tells */
    return there ? compare(mi, t, version, &object, err) : is_other(t, version, err);
}

enum ec_status ec_mirror_commit(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err) {
    while (t->there < t->version) {
        EC_TRY(put_version(mi, t, t->there + 1, err));
        t->there++;
    }
    return EC_OK;
}
