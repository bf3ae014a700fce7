/* Applying the versions of a log, line by line, to a state. */
#include "store/delta_log.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"

#include <stdarg.h>

void ec_delta_replay_init(struct ec_delta_replay *replay, const char *dir, struct ec_arena *arena) {
    *replay = (struct ec_delta_replay){.dir = dir,
                                       .arena = arena,
                                       .version = -1,
                                       .txn_version = -1,
                                       .txn_at = -1,
                                       .changed_at = -1,
                                       .added_at = -1,
                                       .base = INT64_MAX};
}

void ec_delta_replay_deinit(struct ec_delta_replay *replay) {
    ec_free(replay->entry);
    ec_free(replay->slot);
    ec_free(replay->txn);
    replay->entry = NULL;
    replay->slot = NULL;
    replay->txn = NULL;
}

enum ec_status ec_delta_damaged(const struct ec_delta_replay *replay, struct ec_err *err, const char *fmt, ...) {
    if (!err || err->status != EC_OK) return EC_TABLE_FORMAT;
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, _(fmt), args);
    va_end(args);
    enum ec_status status = ec_fail(err, EC_TABLE_FORMAT, "%s", text);
    ec_err_at(err, replay->path, replay->line, 0);
    return status;
}

static enum ec_status no_memory(const struct ec_delta_replay *replay, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY,
                   "no memory to replay the log of the table %s: its %zu files take more than %llu bytes", replay->dir,
                   replay->entry_count, EC_DELTA_SNAPSHOT_MAX);
}

/* The slot of a name: its entry's, or the free one where it would go. */
static size_t find_slot(const struct ec_delta_replay *replay, const char *name) {
    size_t mask = replay->slot_count - 1;
    size_t i = (size_t)ec_hash64(name, strlen(name)) & mask;
    while (replay->slot[i] && strcmp(replay->entry[replay->slot[i] - 1].name, name) != 0) i = (i + 1) & mask;
    return i;
}

const struct ec_delta_entry *ec_delta_replay_find(const struct ec_delta_replay *replay, const char *name) {
    if (replay->slot_count == 0) return NULL;
    size_t at = replay->slot[find_slot(replay, name)];
    return at ? &replay->entry[at - 1] : NULL;
}

static bool grow(struct ec_delta_replay *replay) {
    size_t cap = replay->entry_cap ? replay->entry_cap * 2 : 64;
    struct ec_delta_entry *entry = ec_realloc_array(replay->entry, cap, sizeof *entry);
    if (!entry) return false;
    replay->entry = entry;
    replay->entry_cap = cap;
    size_t *slot = ec_calloc(cap * 2, sizeof *slot); /* at most half full */
    if (!slot) return false;
    ec_free(replay->slot);
    replay->slot = slot;
    replay->slot_count = cap * 2;
    for (size_t i = 0; i < replay->entry_count; i++) slot[find_slot(replay, entry[i].name)] = i + 1;
    return true;
}

/* The entry of a decoded path, made where the log names it for the first time; NULL without memory. */
static struct ec_delta_entry *entry_of(struct ec_delta_replay *replay, const char *name) {
    if (replay->entry_count == replay->entry_cap && !grow(replay)) return NULL;
    size_t slot = find_slot(replay, name);
    if (replay->slot[slot] == 0) {
        const char *copy = ec_arena_strdup(replay->arena, name);
        if (!copy) return NULL;
        replay->entry[replay->entry_count++] = (struct ec_delta_entry){.name = copy};
        replay->slot[slot] = replay->entry_count;
    }
    return &replay->entry[replay->slot[slot] - 1];
}

static enum ec_status entry_of_action(struct ec_delta_replay *replay, const json_t *action, const char **path,
                                      struct ec_delta_entry **entry, struct ec_err *err) {
    char name[EC_DELTA_PATH_MAX];
    *path = json_string_value(json_object_get(action, "path"));
    if (!*path) return ec_delta_damaged(replay, err, "an add or remove action has no path");
    enum ec_status status = ec_delta_path_decode(*path, name, sizeof name, err);
    if (status != EC_OK) {
        ec_err_at(err, replay->path, replay->line, 0);
        return status;
    }
    *entry = entry_of(replay, name);
    return *entry ? EC_OK : no_memory(replay, err);
}

/* The value of the partition column; null and the empty text are null. */
static enum ec_status partition_of(struct ec_delta_replay *replay, const json_t *add, const char **value,
                                   struct ec_err *err) {
    *value = NULL;
    const json_t *values = json_object_get(add, "partitionValues");
    if (!json_is_object(values)) return ec_delta_damaged(replay, err, "an add action has no partitionValues");
    if (!replay->partition_by) return EC_OK;
    const json_t *found = json_object_get(values, replay->partition_by);
    if (!found || !(json_is_null(found) || json_is_string(found)))
        return ec_delta_damaged(replay, err, "an add action has no value for the partition column %s",
                                replay->partition_by);
    if (json_string_length(found) == 0) return EC_OK;
    *value = ec_arena_strdup(replay->arena, json_string_value(found));
    return *value ? EC_OK : no_memory(replay, err);
}

/* numRecords of the statistics; other writers may leave them out, and nothing depends on them. */
static uint64_t rows_of(const char *stats) {
    json_t *object = stats ? json_loads(stats, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    double rows = json_is_real(json_object_get(object, "numRecords"))
                      ? json_real_value(json_object_get(object, "numRecords"))
                      : -1;
    json_decref(object);
    return rows >= 0 && rows < 9e15 ? (uint64_t)rows : UINT64_MAX;
}

static enum ec_status apply_add(struct ec_delta_replay *replay, const json_t *add, struct ec_err *err) {
    const json_t *size = json_object_get(add, "size");
    const json_t *modified = json_object_get(add, "modificationTime");
    const char *stats = json_string_value(json_object_get(add, "stats")), *path = NULL;
    struct ec_delta_entry *entry = NULL;
    bool vector = json_is_object(json_object_get(add, "deletionVector"));
    if (vector) {
        replay->refused[EC_DELTA_VECTOR] = (struct ec_err){0};
        (void)ec_delta_damaged(replay, &replay->refused[EC_DELTA_VECTOR], "the table uses deletionVectors, which Ecluse does not know");
    }
    if (!json_is_integer(size) || json_integer_value(size) < 0 || !json_is_integer(modified))
        return ec_delta_damaged(replay, err, "an add action has no size or modificationTime");
    EC_TRY(entry_of_action(replay, add, &path, &entry, err));
    struct ec_delta_file file = {.bytes = (uint64_t)json_integer_value(size),
                                 .rows = rows_of(stats),
                                 .modified_ms = json_integer_value(modified)};
    EC_TRY(partition_of(replay, add, &file.partition, err));
    file.path = ec_arena_strdup(replay->arena, path);
    if (stats) file.stats = ec_arena_strdup(replay->arena, stats);
    if (!file.path || (stats && !file.stats)) return no_memory(replay, err);
    entry->file = file;
    entry->active = true;
    entry->vector = vector;
    replay->added_at = replay->version + 1;
    return EC_OK;
}

static enum ec_status apply_remove(struct ec_delta_replay *replay, const json_t *action, struct ec_err *err) {
    const char *path = NULL;
    struct ec_delta_entry *entry = NULL;
    EC_TRY(entry_of_action(replay, action, &path, &entry, err));
    /* A commit may take away a file with one vector and add it with another, in any order. */
    if (entry->active && entry->vector != json_is_object(json_object_get(action, "deletionVector"))) return EC_OK;
    entry->active = false;
    const json_t *deleted = json_object_get(action, "deletionTimestamp");
    entry->deleted_ms = json_is_integer(deleted) ? json_integer_value(deleted) : 0;
    if (entry->file.path) return EC_OK;
    entry->file.path = ec_arena_strdup(replay->arena, path); /* its add was before the checkpoint */
    return entry->file.path ? EC_OK : no_memory(replay, err);
}

/* Keeps the newest transaction of each application; there are few. */
static enum ec_status keep_txn(struct ec_delta_replay *replay, const char *app_id, const json_t *txn, struct ec_err *err) {
    const json_t *updated = json_object_get(txn, "lastUpdated");
    size_t i = 0;
    while (i < replay->txn_count && strcmp(replay->txn[i].app_id, app_id) != 0) i++;
    if (i == replay->txn_count) {
        struct ec_delta_txn_entry *grown = ec_realloc_array(replay->txn, i + 1, sizeof *grown);
        if (!grown) return no_memory(replay, err);
        replay->txn = grown;
        grown[i].app_id = ec_arena_strdup(replay->arena, app_id);
        if (!grown[i].app_id) return no_memory(replay, err);
        replay->txn_count++;
    }
    replay->txn[i].version = json_integer_value(json_object_get(txn, "version"));
    replay->txn[i].updated = json_is_integer(updated) ? json_integer_value(updated) : -1;
    return EC_OK;
}

static enum ec_status apply_txn(struct ec_delta_replay *replay, const json_t *txn, struct ec_err *err) {
    const char *app_id = json_string_value(json_object_get(txn, "appId"));
    const json_t *version = json_object_get(txn, "version");
    if (!app_id || !json_is_integer(version))
        return ec_delta_damaged(replay, err, "a txn action has no appId or version");
    if (replay->everything) EC_TRY(keep_txn(replay, app_id, txn, err));
    if (!replay->app_id || strcmp(app_id, replay->app_id) != 0) return EC_OK;
    replay->txn_version = json_integer_value(version);
    if (replay->txn_at < 0 && replay->txn_version >= replay->txn_wanted) replay->txn_at = replay->version + 1;
    return EC_OK;
}

enum ec_status ec_delta_apply(struct ec_delta_replay *replay, json_t *line, struct ec_err *err) {
    json_t *action;
    if ((action = json_object_get(line, "add"))) return replay->files ? apply_add(replay, action, err) : EC_OK;
    if ((action = json_object_get(line, "remove"))) return replay->files ? apply_remove(replay, action, err) : EC_OK;
    if ((action = json_object_get(line, "txn"))) return apply_txn(replay, action, err);
    bool protocol = (action = json_object_get(line, "protocol")) != NULL;
    if (!protocol && !(action = json_object_get(line, "metaData"))) return EC_OK;
    if (replay->version + 1 > replay->base) replay->changed_at = replay->version + 1;
    if (protocol) return ec_delta_apply_protocol(replay, action, err);
    /* Files are read with the partition column that was named before them. */
    if (replay->added_at == replay->version + 1)
        return ec_delta_damaged(replay, err, "a metaData action follows an add action");
    return ec_delta_apply_metadata(replay, action, err);
}

/* Lines that a replay without files need not parse: most of a log, by far. */
static bool may_skip(const struct ec_delta_replay *replay, const char *p, size_t n) {
    static const struct ec_str starts[] = {EC_STR("{\"add\":"), EC_STR("{\"remove\":"), EC_STR("{\"commitInfo\":")};
    if (replay->files) return false;
    for (size_t i = 0; i < 3; i++)
        if (n > starts[i].n && memcmp(p, starts[i].p, starts[i].n) == 0) return true;
    return false;
}

static enum ec_status apply_line(struct ec_delta_replay *replay, const char *p, size_t n, struct ec_err *err) {
    while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' ')) n--;
    if (n == 0 || may_skip(replay, p, n)) return EC_OK;
    json_error_t problem;
    json_t *line = json_loadb(p, n, JSON_REJECT_DUPLICATES, &problem);
    if (!line) return ec_delta_damaged(replay, err, "the line is not a JSON object: %s", problem.text);
    enum ec_status status = json_is_object(line) ? ec_delta_apply(replay, line, err)
                                                 : ec_delta_damaged(replay, err, "the line is not a JSON object");
    json_decref(line);
    return status;
}

static enum ec_status check_known(const struct ec_delta_replay *replay, struct ec_err *err) {
    const struct ec_err *found = NULL;
    for (size_t i = 0; i < EC_DELTA_VECTOR && !found; i++)
        if (replay->refused[i].status != EC_OK) found = &replay->refused[i];
    for (size_t i = 0; i < replay->entry_count && !found && replay->refused[EC_DELTA_VECTOR].status != EC_OK; i++)
        if (replay->entry[i].active && replay->entry[i].vector) /* start_again() leaves none: NOLINT(clang-analyzer-unix.Malloc) */
            found = &replay->refused[EC_DELTA_VECTOR];
    if (!found) return EC_OK;
    if (err && err->status == EC_OK) *err = *found;
    return found->status;
}

static enum ec_status apply_version(struct ec_delta_replay *replay, int64_t version, struct ec_buf *text,
                                    struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    EC_TRY(ec_delta_log_path(path, sizeof path, replay->dir, version, err));
    ec_buf_clear(text);
    EC_TRY(ec_file_load(path, text, err));
    replay->path = path;
    replay->line = 0;
    enum ec_status status = text->n > 0 ? EC_OK : ec_delta_damaged(replay, err, "the commit is empty");
    for (size_t at = 0; at < text->n && status == EC_OK;) {
        const char *end = memchr(text->p + at, '\n', text->n - at);
        size_t n = end ? (size_t)(end - text->p) - at : text->n - at;
        replay->line++;
        status = apply_line(replay, text->p + at, n, err);
        at += n + 1;
    }
    if (status == EC_OK && version == 0 && (!replay->has_protocol || !replay->id)) status = check_known(replay, err);
    if (status == EC_OK && version == 0 && (!replay->has_protocol || !replay->id))
        status =
            ec_delta_damaged(replay, err, "the first commit has no %s action", replay->id ? "protocol" : "metaData");
    replay->path = NULL;
    if (status == EC_OK) replay->version = version;
    return status;
}

/* What the caller wants to know stays, what was read goes. */
static void start_again(struct ec_delta_replay *replay) {
    struct ec_delta_replay wanted = *replay;
    ec_delta_replay_deinit(replay);
    ec_delta_replay_init(replay, wanted.dir, wanted.arena);
    replay->files = wanted.files;
    replay->app_id = wanted.app_id;
    replay->txn_wanted = wanted.txn_wanted;
    replay->base = wanted.base;
    replay->from_start = wanted.from_start;
    replay->everything = wanted.everything;
}

/* A checkpoint saves time where the log is whole, and is all there is where it is not. */
static enum ec_status begin(struct ec_delta_replay *replay, const struct ec_delta_range *range, struct ec_err *err) {
    if (range->checkpoint < 0 || (range->whole && replay->from_start)) return EC_OK;
    struct ec_err problem = {0};
    enum ec_status status = ec_delta_apply_checkpoint(replay, range, &problem);
    if (status == EC_OK) return EC_OK;
    if (!range->whole || status == EC_NO_MEMORY || status == EC_INTERRUPTED) {
        if (err && err->status == EC_OK) *err = problem;
        return status;
    }
    ec_log(EC_LOG_WARN, "a checkpoint of the table %s is not used, its log is read from the start: %s", replay->dir, problem.message);
    start_again(replay);
    return EC_OK;
}

enum ec_status ec_delta_replay_log(struct ec_delta_replay *replay, struct ec_err *err) {
    struct ec_delta_range range;
    EC_TRY(ec_delta_log_range(replay->dir, ec_delta_reads_checkpoints() ? replay->base : -1, &range, err));
    if (replay->version < 0) EC_TRY(begin(replay, &range, err));
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    enum ec_status status = EC_OK;
    while (replay->version < range.last && status == EC_OK) status = apply_version(replay, replay->version + 1, &text, err);
    ec_buf_free(&text);
    return status == EC_OK ? check_known(replay, err) : status;
}
