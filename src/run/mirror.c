#include "run/mirror.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)1024 * EC_MIB)

enum ec_status ec_mirror_check_address(const char *address, struct ec_err *err) {
    char checked[EC_PATH_MAX];
    struct ec_address parsed;
    EC_TRY(ec_path_join(checked, sizeof checked, address, "x", err));
    EC_TRY(ec_address_parse(checked, &parsed, err));
    if (address[strlen(address) - 1] == '/') return ec_fail(err, EC_USAGE, "%.200s: the address is given without a slash behind it", address);
    return EC_OK;
}

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the tables of a store"); }

/* Of this table alone; the others are followed all the same. */
static bool is_of_table(enum ec_status status) {
    return status == EC_COMMIT_CONFLICT || status == EC_TABLE_FORMAT || status == EC_IO || status == EC_UNREADABLE || status == EC_FILE_CHANGED;
}

static enum ec_status note(struct ec_mirror_table *t, enum ec_status status, const char *message, const struct ec_err *cause, struct ec_err *err) {
    if (status == EC_OK) return EC_OK;
    if (is_of_table(status)) {
        t->status = status;
        (void)snprintf(t->message, sizeof t->message, "%.*s", (int)sizeof t->message - 1, message);
        return EC_OK;
    }
    if (err && cause) *err = *cause;
    return status;
}

/* ---- which tables */

static enum ec_status add_table(void *user, const char *dir, struct ec_err *err) {
    struct ec_mirroring *mi = user;
    struct ec_mirror *m = mi->m;
    const char *name = strrchr(dir, '/'), *kind = name;
    while (kind > dir && kind[-1] != '/') kind--; /* "enriched/sales" */
    if (mi->o->only && strcmp(mi->o->only, name + 1) != 0) return EC_OK;
    struct ec_mirror_table t = {.found = -1, .there = -1, .checkpoint = -1};
    struct ec_err cause = {0};
    char to[EC_PATH_MAX];
    enum ec_status status = ec_delta_newest(dir, &t.version, &cause);
    if (status == EC_OK && t.version < 0) return EC_OK;
    EC_TRY(ec_path_join(to, sizeof to, mi->o->address, kind, err));
    t.dir = ec_arena_strdup(&m->arena, dir);
    t.name = ec_arena_strdup(&m->arena, kind);
    t.to = ec_arena_strdup(&m->arena, to);
    struct ec_mirror_table *more = ec_realloc_array(m->table, m->count + 1, sizeof *more);
    if (more) m->table = more;
    if (!more || !t.dir || !t.name || !t.to) return no_memory(err);
    m->table[m->count++] = t;
    return note(&m->table[m->count - 1], status, cause.message, &cause, err);
}

static size_t behind(const struct ec_mirror *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) n += m->table[i].status == EC_OK && !m->table[i].believed;
    return n;
}

/* ---- the steps, for all tables one after the other */

typedef enum ec_status (*step)(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err);

static enum ec_status each(struct ec_mirroring *mi, step act, struct ec_err *err) {
    for (size_t i = 0; i < mi->m->count; i++) {
        struct ec_mirror_table *t = &mi->m->table[i];
        struct ec_err cause = {0};
        if (t->status != EC_OK || t->believed) continue;
        if (mi->o->cancelled && mi->o->cancelled()) return ec_fail(err, EC_INTERRUPTED, "interrupted; the next run brings what is missing in %s", mi->o->address);
        enum ec_status status = act(mi, t, &cause);
        EC_TRY(note(t, status, cause.message, &cause, err));
    }
    return EC_OK;
}

static int by_address(const void *a, const void *b) {
    return strcmp(((const struct ec_mirror_part *)a)->address, ((const struct ec_mirror_part *)b)->address);
}

/* Two versions may name one part. */
static void drop_repeated(struct ec_mirroring *mi) {
    if (mi->parts < 2) return;
    size_t kept = 1;
    qsort(mi->part, mi->parts, sizeof *mi->part, by_address);
    for (size_t i = 1; i < mi->parts; i++)
        if (strcmp(mi->part[i].address, mi->part[kept - 1].address) != 0) mi->part[kept++] = mi->part[i];
    mi->parts = kept;
}

static enum ec_status put_parts(struct ec_mirroring *mi, struct ec_err *err) {
    if (mi->parts == 0) return EC_OK;
    struct ec_remote_put *put = ec_calloc(mi->parts, sizeof *put);
    if (!put) return no_memory(err);
    for (size_t i = 0; i < mi->parts; i++)
        put[i] = (struct ec_remote_put){.path = mi->part[i].path, .address = mi->part[i].address, .bytes = mi->part[i].bytes};
    if (mi->o->put) mi->o->put(mi->o->user, put, mi->parts);
    enum ec_status status = ec_remote_put_many(&mi->settings, put, mi->parts, err);
    for (size_t i = 0; i < mi->parts && status == EC_OK; i++) {
        struct ec_mirror_table *t = mi->part[i].table;
        if (put[i].status == EC_OK && !put[i].there) {
            t->parts_put++;
            t->bytes += put[i].bytes;
        }
        if (t->status == EC_OK) status = note(t, put[i].status, put[i].message, NULL, err);
    }
    ec_free(put);
    return status;
}

static enum ec_status find_orphans(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err) {
    return ec_mirror_find_orphans(mi, t, mi->o->orphans, err);
}

static enum ec_status look_for_orphans(struct ec_mirroring *mi, struct ec_err *err) {
    if (!mi->o->orphans) return EC_OK;
    EC_TRY(each(mi, find_orphans, err));
    return ec_mirror_remove_orphans(mi, mi->o->orphans, mi->o->remove_before_us, err);
}

static enum ec_status follow(struct ec_mirroring *mi, struct ec_err *err) {
    EC_TRY(each(mi, ec_mirror_look, err));
    if (mi->o->look_only) return look_for_orphans(mi, err);
    EC_TRY(each(mi, ec_mirror_plan, err));
    drop_repeated(mi);
    EC_TRY(put_parts(mi, err));
    EC_TRY(each(mi, ec_mirror_commit, err));
    return each(mi, ec_mirror_checkpoint, err);
}

static enum ec_status connect_and_follow(struct ec_mirroring *mi, struct ec_err *err) {
    enum ec_status status = ec_remote_settings_load(&mi->settings, err);
    mi->settings.cancelled = mi->o->cancelled;
    if (mi->o->look_only && mi->settings.tries > 2) mi->settings.tries = 2; /* somebody waits for the answer */
    mi->m->asked = true;
    if (status == EC_OK) status = ec_store_open(&mi->settings, &mi->store, err);
    if (status == EC_OK) status = follow(mi, err);
    ec_store_close(mi->store);
    ec_remote_settings_wipe(&mi->settings);
    ec_free(mi->part);
    return status;
}

static void remember(const struct ec_mirror_options *o, const struct ec_mirror *m, const struct ec_mirror_state *before) {
    struct ec_err problem = {0};
    if (ec_mirror_state_save(o, m, before, &problem) != EC_OK) ec_log(EC_LOG_WARN, "the store will be asked again: %s", problem.message);
}

enum ec_status ec_mirror_tables(const struct ec_mirror_options *o, struct ec_mirror *m, struct ec_err *err) {
    struct ec_mirroring mi = {.o = o, .m = m};
    struct ec_mirror_state known = {0};
    *m = (struct ec_mirror){0};
    ec_arena_init(&m->arena, ARENA_MAX);
    if (o->orphans) ec_arena_init(&o->orphans->arena, ARENA_MAX);
    EC_TRY(ec_mirror_check_address(o->address, err));
    EC_TRY(ec_each_table(o->project, add_table, &mi, err));
    bool remembers = o->remember && !o->look_only;
    if (remembers) ec_mirror_state_load(o->project, o->address, &known);
    for (size_t i = 0; i < m->count && remembers; i++) {
        struct ec_mirror_table *t = &m->table[i];
        t->believed = t->status == EC_OK && ec_mirror_state_holds(ec_mirror_state_find(&known, t->name), t);
        if (t->believed) t->found = t->there = t->version;
    }
    enum ec_status status = behind(m) > 0 ? connect_and_follow(&mi, err) : EC_OK;
    if (remembers && m->asked) remember(o, m, &known);
    if (remembers) ec_mirror_state_free(&known);
    return status;
}

void ec_mirror_free(struct ec_mirror *m) {
    ec_free(m->table);
    ec_arena_deinit(&m->arena);
}
