/* Whether a commit may go behind versions that came after the snapshot that it was made from (docs/commit.md, C9). */
#include "store/delta_log.h"

#include "base/hash.h"

#include <assert.h>

/* Fields that are null mean what fields mean that are not there: a checkpoint has all of them. */
static void drop_nulls(json_t *object) {
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key, value) {
        if (json_is_null(value)) (void)json_object_del(object, key);
    }
}

static int add_text(const char *p, size_t n, void *context) {
    struct ec_buf *out = context;
    ec_buf_add(out, p, n);
    return -(int)out->failed;
}

enum ec_status ec_delta_fingerprint(const char *metadata, char hex[EC_SHA256_HEX], struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    json_t *object = json_loads(metadata, 0, NULL);
    drop_nulls(object);
    bool good = object && json_dump_callback(object, add_text, &text, JSON_SORT_KEYS | JSON_COMPACT) == 0;
    enum ec_status status = good ? ec_sha256_bytes(text.p, text.n, hex, err) : ec_fail(err, EC_NO_MEMORY, "no memory for the schema of a table");
    json_decref(object);
    ec_buf_free(&text);
    return status;
}

static enum ec_status schema_changed(const struct ec_delta_replay *table, const struct ec_delta_commit *commit, bool *changed,
                                     struct ec_err *err) {
    char now[EC_SHA256_HEX];
    *changed = table->changed_at >= 0;
    if (!commit->base_metadata) return EC_OK;
    EC_TRY(ec_delta_fingerprint(table->metadata, now, err));
    *changed = strcmp(now, commit->base_metadata) != 0;
    return EC_OK;
}

/* The commit's files beside those of the log. */
struct beside {
    size_t gone; /* it removes them, and they are not active any more */
    size_t adds;
    size_t known; /* it adds them, and the log names them */
};

/* The line was checked before (ec_delta_write). */
static enum ec_status look_at(const struct ec_delta_replay *now, const char *p, size_t n, struct beside *found, struct ec_err *err) {
    json_t *line = json_loadb(p, n, 0, NULL);
    if (!line) return ec_fail(err, EC_NO_MEMORY, "no memory for the table %s", now->dir);
    const json_t *add = json_object_get(line, "add"), *action = add ? add : json_object_get(line, "remove");
    if (action) {
        char name[EC_DELTA_PATH_MAX];
        enum ec_status status = ec_delta_path_decode(json_string_value(json_object_get(action, "path")), name, sizeof name, NULL);
        assert(status == EC_OK);
        (void)status;
        const struct ec_delta_entry *entry = ec_delta_replay_find(now, name);
        found->adds += add != NULL;
        if (add && entry) found->known++;
        if (!add && (!entry || !entry->active)) found->gone++;
    }
    json_decref(line);
    return EC_OK;
}

static enum ec_status look(const char *dir, struct ec_str actions, struct beside *found, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_delta_replay now;
    *found = (struct beside){0};
    ec_arena_init(&arena, EC_DELTA_SNAPSHOT_MAX);
    ec_delta_replay_init(&now, dir, &arena);
    now.files = true;
    enum ec_status status = ec_delta_replay_log(&now, err);
    for (size_t at = 0; at < actions.n && status == EC_OK;) {
        const char *end = memchr(actions.p + at, '\n', actions.n - at);
        size_t n = (size_t)(end - actions.p) - at; /* every line has its end: they were checked */
        status = look_at(&now, actions.p + at, n, found, err);
        at += n + 1;
    }
    ec_delta_replay_deinit(&now);
    ec_arena_deinit(&arena);
    return status;
}

static enum ec_status conflict(const struct ec_delta_replay *table, const struct ec_delta_commit *commit, const char *why, struct ec_err *err) {
    return ec_fail(err, EC_COMMIT_CONFLICT,
                   "another writer brought the table %s to version %lld, and this commit, made from version %lld, %s; restore the "
                   "table to version %lld (RESTORE TABLE in Spark, restore() in delta-rs) and run again",
                   table->dir, (long long)table->version, (long long)commit->base_version, why, (long long)commit->base_version);
}

enum ec_status ec_delta_behind(const struct ec_delta_replay *table, const struct ec_delta_commit *commit, bool *made, struct ec_err *err) {
    bool changed;
    struct beside found;
    *made = false;
    if (table->version < commit->base_version)
        return ec_fail(err, EC_COMMIT_CONFLICT,
                       "the table %s ends at version %lld, and this commit was made from version %lld: its log was replaced meanwhile",
                       table->dir, (long long)table->version, (long long)commit->base_version);
    EC_TRY(look(table->dir, commit->actions, &found, err));
    if (found.adds > 0 && found.known == found.adds) {
        *made = true; /* its txn is gone: an application's are dropped after delta.setTransactionRetentionDuration */
        return EC_OK;
    }
    if (commit->base_version < 0)
        return ec_fail(err, EC_COMMIT_CONFLICT,
                       "another writer made the table %s while this run was under way; take that table away and run again", table->dir);
    EC_TRY(schema_changed(table, commit, &changed, err));
    if (changed) return conflict(table, commit, _("does not fit the schema or the properties that it changed"), err);
    return found.gone ? conflict(table, commit, _("replaces files that it removed"), err) : EC_OK;
}
