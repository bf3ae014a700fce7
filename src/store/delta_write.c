/* Commits. The numbered invariants are those of docs/commit.md. */
#include "store/delta_log.h"

#include "base/io.h"

#include <assert.h>

/* What a commit's actions are, found by reading them back. */
struct kind {
    size_t head_n; /* bytes of the leading protocol and metaData lines */
    unsigned protocols;
    unsigned metadatas;
    size_t adds;
    size_t removes;
};

static enum ec_status bad_action(const char *dir, size_t line, const char *why, struct ec_err *err) {
    return ec_fail(err, EC_TABLE_FORMAT, "line %zu of the commit to the table %s %s; nothing was written", line, dir,
                   why);
}

static enum ec_status check_file_action(const char *dir, size_t line, const json_t *action, struct ec_err *err) {
    char name[EC_DELTA_PATH_MAX];
    const char *path = json_string_value(json_object_get(action, "path"));
    if (!path) return bad_action(dir, line, _("has no path"), err);
    return ec_delta_path_decode(path, name, sizeof name, err);
}

/* A log must never hold a line that its readers would refuse (C13). */
static enum ec_status check_line(const char *dir, size_t number, const json_t *line, size_t line_n, struct kind *kind,
                                 struct ec_err *err) {
    const json_t *action;
    if (!json_is_object(line) || json_object_size(line) != 1) return bad_action(dir, number, _("is not one action"), err);
    bool protocol = json_object_get(line, "protocol") != NULL;
    if (protocol || json_object_get(line, "metaData")) {
        unsigned *count = protocol ? &kind->protocols : &kind->metadatas;
        if (++*count > 1) return bad_action(dir, number, _("is a second protocol or metaData action"), err);
        if (kind->adds + kind->removes > 0)
            return bad_action(dir, number, _("is a protocol or metaData action behind files"), err);
        kind->head_n += line_n;
        return EC_OK;
    }
    if ((action = json_object_get(line, "add")))
        kind->adds++;
    else if ((action = json_object_get(line, "remove")))
        kind->removes++;
    else
        return bad_action(dir, number, _("is none of protocol, metaData, add and remove"), err);
    return check_file_action(dir, number, action, err);
}

static enum ec_status check_actions(const char *dir, struct ec_str actions, struct kind *kind, struct ec_err *err) {
    *kind = (struct kind){0};
    size_t number = 0;
    for (size_t at = 0; at < actions.n;) {
        const char *end = memchr(actions.p + at, '\n', actions.n - at);
        number++;
        if (!end) return bad_action(dir, number, _("has no line end"), err);
        size_t n = (size_t)(end - actions.p) - at;
        json_t *line = json_loadb(actions.p + at, n, JSON_REJECT_DUPLICATES, NULL);
        enum ec_status status = check_line(dir, number, line, n + 1, kind, err);
        json_decref(line);
        if (status != EC_OK) return status;
        at += n + 1;
    }
    return EC_OK;
}

static void write_info(struct ec_buf *out, const struct ec_delta_commit *commit, const struct kind *kind) {
    struct ec_json_writer w;
    char txn_id[512]; /* of the application and its version alone, so that a second try is known as the first (C8) */
    (void)snprintf(txn_id, sizeof txn_id, "%s:%" PRId64, commit->app_id, commit->txn_version);
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "commitInfo");
    ec_json_int(&w, "timestamp", commit->timestamp_ms);
    ec_json_str(&w, "operation", commit->operation);
    ec_json_object(&w, "operationParameters"); /* Spark reads a map of text to text */
    if (strcmp(commit->operation, "WRITE") == 0) ec_json_str(&w, "mode", kind->removes ? "Overwrite" : "Append");
    ec_json_end(&w);
    if (commit->base_version >= 0) ec_json_int(&w, "readVersion", commit->base_version);
    ec_json_bool(&w, "isBlindAppend", kind->removes == 0);
    ec_json_str(&w, "engineInfo", "Ecluse/" EC_VERSION);
    ec_json_str(&w, "txnId", txn_id);
    if (commit->run) ec_json_str(&w, "run", commit->run);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static void write_txn(struct ec_buf *out, const struct ec_delta_commit *commit) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "txn");
    ec_json_str(&w, "appId", commit->app_id);
    ec_json_int(&w, "version", commit->txn_version);
    ec_json_int(&w, "lastUpdated", commit->timestamp_ms);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static enum ec_status write_body(struct ec_buf *out, const struct ec_delta_commit *commit, const struct kind *kind,
                                 struct ec_err *err) {
    write_info(out, commit, kind);
    ec_buf_add(out, commit->actions.p, kind->head_n);
    write_txn(out, commit);
    ec_buf_add(out, commit->actions.p + kind->head_n, commit->actions.n - kind->head_n);
    return ec_buf_check(out, err);
}

/* Whether the table, as it is now, may be written to at all (C13). */
static enum ec_status check_table(const struct ec_delta_replay *table, const struct kind *kind, struct ec_err *err) {
    if (table->version < 0 && (kind->protocols == 0 || kind->metadatas == 0))
        return ec_fail(err, EC_TABLE_FORMAT, "the first commit of the table %s lacks its protocol or metaData action",
                       table->dir);
    if (table->unwritable)
        return ec_fail(err, EC_TABLE_FORMAT, "Ecluse does not write to the table %s: %s", table->dir,
                       table->unwritable);
    if (table->append_only && kind->removes > 0)
        return ec_fail(err, EC_TABLE_FORMAT,
                       "the table %s is append-only (delta.appendOnly), and this commit removes %zu files", table->dir,
                       kind->removes);
    return EC_OK;
}

/* The log's folder: there is room for its path, as it was looked into. */
static void log_of(const struct ec_delta_replay *table, char log[EC_DELTA_PATH_MAX]) {
    enum ec_status status = ec_delta_log_dir(log, EC_DELTA_PATH_MAX, table->dir, NULL);
    assert(status == EC_OK);
    (void)status;
}

/* A new log folder is as durable as its entry in the folder above, and so on upwards (C6). */
static enum ec_status make_log(const struct ec_delta_replay *table, struct ec_err *err) {
    char log[EC_DELTA_PATH_MAX];
    log_of(table, log);
    EC_TRY(ec_dir_make(log, err));
    *strrchr(log, '/') = '\0';
    return ec_dir_sync_up(log, 2, err); /* the table, its kind (enriched, kpi), processed */
}

/* A version that was found, not made by this call, may stand in memory alone: its writer may
 * have ended before it synced the folder (C7). */
static enum ec_status confirm(const struct ec_delta_replay *table, int64_t *version, struct ec_err *err) {
    char log[EC_DELTA_PATH_MAX];
    log_of(table, log);
    EC_TRY(ec_dir_sync(log, err));
    *version = table->txn_at >= 0 ? table->txn_at : table->version;
    return EC_OK;
}

/* One attempt at the version behind the newest (C3, C4, C5 are ec_file_publish's); *done where
 * the commit stands in the log. */
static enum ec_status attempt(struct ec_delta_replay *table, const struct ec_buf *body, int64_t *version, bool *done,
                              struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    int64_t target = table->version + 1;
    bool exists = false;
    struct ec_err problem = {0};
    EC_TRY(ec_delta_log_path(path, sizeof path, table->dir, target, err));
    enum ec_status status = ec_file_publish(path, body->p, body->n, &exists, &problem);
    if (status == EC_OK) {
        *done = !exists;
        if (*done) *version = target;
        return EC_OK;
    }
    /* The link, its sync or the removal of the temporary file failed: what happened is what
     * the log says (C8). */
    if (ec_delta_replay_log(table, NULL) == EC_OK && table->txn_at >= 0) {
        *done = true;
        return confirm(table, version, err);
    }
    if (err && err->status == EC_OK) *err = problem;
    ec_err_context(err, "the commit of version %lld of the table %s failed", (long long)target, table->dir);
    return status;
}

static enum ec_status commit_loop(struct ec_delta_replay *table, const struct ec_delta_commit *commit,
                                  const struct kind *kind, const struct ec_buf *body, int64_t *version,
                                  struct ec_err *err) {
    for (unsigned tries = 0; tries < EC_DELTA_TRIES_MAX; tries++) {
        bool done = false;
        EC_TRY(ec_delta_replay_log(table, err));
        if (table->txn_at >= 0) return confirm(table, version, err);
        EC_TRY(check_table(table, kind, err));
        if (table->version != commit->base_version) EC_TRY(ec_delta_behind(table, commit, &done, err));
        if (done) return confirm(table, version, err);
        if (table->version < 0) EC_TRY(make_log(table, err));
        EC_TRY(attempt(table, body, version, &done, err));
        if (done) return EC_OK;
    }
    return ec_fail(err, EC_COMMIT_CONFLICT, "other writers took %u versions of the table %s before this commit",
                   EC_DELTA_TRIES_MAX, table->dir);
}

enum ec_status ec_delta_write(const char *dir, const struct ec_delta_commit *commit, int64_t *version,
                              struct ec_err *err) {
    struct kind kind;
    EC_TRY(check_actions(dir, commit->actions, &kind, err));

    struct ec_arena arena;
    struct ec_delta_replay table;
    struct ec_buf body = ec_buf_make(EC_DELTA_COMMIT_MAX);
    ec_arena_init(&arena, EC_DELTA_SNAPSHOT_MAX);
    ec_delta_replay_init(&table, dir, &arena);
    table.app_id = commit->app_id;
    table.txn_wanted = commit->txn_version;
    if (!commit->base_metadata) table.base = commit->base_version;
    enum ec_status status = write_body(&body, commit, &kind, err);
    if (status == EC_OK) status = commit_loop(&table, commit, &kind, &body, version, err);
    ec_buf_free(&body);
    ec_delta_replay_deinit(&table);
    ec_arena_deinit(&arena);
    return status;
}
