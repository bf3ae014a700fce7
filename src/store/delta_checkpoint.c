/* Checkpoints: reading one into a replay, and what one of the newest version has to say.
 *
 * The state of a version is a protocol, a metaData, the newest txn of each application, an add for each active file and
 * a remove for each file that went (PROTOCOL.md, "Action Reconciliation"), with dataChange false. */
#include "store/delta_log.h"

#include "base/io.h"

static ec_delta_checkpoint_reader reader; /* set before threads are */

void ec_delta_read_checkpoints(ec_delta_checkpoint_reader given) {
    reader = given;
}

bool ec_delta_reads_checkpoints(void) {
    return reader != NULL;
}

/* ---------------------------------------------------------------- reading */

/* A row is one action, the others are null; so may be fields of it that a commit would leave out. */
static enum ec_status apply_row(void *context, const char *p, size_t n, struct ec_err *err) {
    struct ec_delta_replay *replay = context;
    replay->line++;
    json_t *row = json_loadb(p, n, 0, NULL);
    if (!row) return ec_delta_damaged(replay, err, "a row of the checkpoint is no JSON object");
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(row, next, key, value) {
        if (!json_is_object(value)) (void)json_object_del(row, key);
    }
    json_t *vector = json_object_get(json_object_get(row, "add"), "stats_parsed");
    if (vector) (void)json_object_del(json_object_get(row, "add"), "stats_parsed");
    enum ec_status status = ec_delta_apply(replay, row, err);
    json_decref(row);
    return status;
}

static enum ec_status name_parts(const struct ec_delta_replay *replay, const struct ec_delta_range *range, const char **part,
                                 struct ec_err *err) {
    size_t count = range->parts ? range->parts : 1;
    for (size_t i = 0; i < count; i++) {
        char name[96];
        if (range->parts)
            (void)snprintf(name, sizeof name, "%020" PRId64 ".checkpoint.%010zu.%010u.parquet", range->checkpoint, i + 1, range->parts);
        else
            (void)snprintf(name, sizeof name, "%020" PRId64 ".checkpoint.parquet", range->checkpoint);
        part[i] = ec_arena_strdup(replay->arena, name);
        if (!part[i]) return ec_fail(err, EC_NO_MEMORY, "no memory to read a checkpoint");
    }
    return EC_OK;
}

static enum ec_status read_parts(struct ec_delta_replay *replay, const struct ec_delta_range *range, const char *const *part,
                                 struct ec_err *err) {
    char log[EC_DELTA_PATH_MAX];
    EC_TRY(ec_delta_log_dir(log, sizeof log, replay->dir, err));
    replay->version = range->checkpoint - 1;
    replay->path = part[0];
    replay->line = 0;
    enum ec_status status = reader(log, part, range->parts ? range->parts : 1, apply_row, replay, err);
    bool refused = replay->refused[EC_DELTA_METADATA].status != EC_OK; /* it is there then */
    if (status == EC_OK && (!replay->has_protocol || (!replay->id && !refused)))
        status = ec_delta_damaged(replay, err, "the checkpoint has no %s action", replay->id ? "protocol" : "metaData");
    replay->path = NULL;
    if (status != EC_OK) return status;
    replay->version = range->checkpoint;
    replay->added_at = -1; /* its rows are in no order */
    return EC_OK;
}

enum ec_status ec_delta_apply_checkpoint(struct ec_delta_replay *replay, const struct ec_delta_range *range, struct ec_err *err) {
    const char **part = ec_calloc(range->parts ? range->parts : 1, sizeof *part);
    if (!part) return ec_fail(err, EC_NO_MEMORY, "no memory to read a checkpoint");
    enum ec_status status = name_parts(replay, range, part, err);
    if (status == EC_OK) status = read_parts(replay, range, part, err);
    ec_free(part);
    return status;
}

/* ---------------------------------------------------------------- what one has to say */

enum ec_status ec_delta_checkpoint_due(const char *dir, bool *due, struct ec_err *err) {
    struct ec_delta_range range;
    *due = false;
    EC_TRY(ec_delta_log_range(dir, INT64_MAX, &range, err));
    int64_t since = range.checkpoint < 0 ? range.last : range.last - range.checkpoint;
    *due = since >= EC_DELTA_CHECKPOINT_EVERY;
    return EC_OK;
}

static void write_txn(struct ec_buf *out, const struct ec_delta_txn_entry *txn) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "txn");
    ec_json_str(&w, "appId", txn->app_id);
    ec_json_int(&w, "version", txn->version);
    if (txn->updated >= 0) ec_json_int(&w, "lastUpdated", txn->updated);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static void write_kept(struct ec_buf *out, const char *key, const char *action) {
    ec_buf_printf(out, "{\"%s\":", key);
    ec_buf_addz(out, action);
    ec_buf_addz(out, "}\n");
}

static void write_state(const struct ec_delta_replay *replay, struct ec_buf *out, size_t *actions) {
    write_kept(out, "protocol", replay->protocol);
    write_kept(out, "metaData", replay->metadata);
    for (size_t i = 0; i < replay->txn_count; i++) write_txn(out, &replay->txn[i]);
    for (size_t i = 0; i < replay->entry_count; i++) {
        const struct ec_delta_entry *entry = &replay->entry[i];
        if (entry->active)
            ec_delta_add_action(out, &entry->file, replay->partition_by);
        else
            ec_delta_remove_action(out, &entry->file, replay->partition_by, entry->deleted_ms);
    }
    *actions = 2 + replay->txn_count + replay->entry_count;
}

enum ec_status ec_delta_checkpoint_lines(const char *dir, int64_t *version, struct ec_buf *out, size_t *actions, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_delta_replay replay;
    ec_arena_init(&arena, EC_DELTA_SNAPSHOT_MAX);
    ec_delta_replay_init(&replay, dir, &arena);
    replay.files = true;
    replay.everything = true;
    enum ec_status status = ec_delta_replay_log(&replay, err);
    if (status == EC_OK && (replay.version < 0 || !replay.protocol || !replay.metadata))
        status = ec_fail(err, EC_TABLE_FORMAT, "the table %s has no version to make a checkpoint of", dir);
    if (status == EC_OK) {
        *version = replay.version;
        write_state(&replay, out, actions);
        status = ec_buf_check(out, err);
    }
    ec_delta_replay_deinit(&replay);
    ec_arena_deinit(&arena);
    return status;
}
