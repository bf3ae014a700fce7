/* From a run that is read and computed to its manifest, the point of no return. */
#include "run/driver.h"

#include "base/io.h"
#include "run/facts.h"
#include "run/paths.h"

#define ACTIONS_MAX ((size_t)512 * EC_MIB)

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the manifest");
}

/* The unit's parts as the log names them. */
static enum ec_status list_parts(struct ec_driver *d, size_t u, struct ec_manifest_input *in, struct ec_err *err) {
    const struct ec_plan_unit *unit = &d->plan.unit[u];
    size_t count = 0;
    for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) count += d->result[t].part_count;
    in->part = ec_arena_calloc(&d->arena, count, sizeof *in->part);
    if (!in->part) return no_memory(err);
    for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) {
        for (size_t i = 0; i < d->result[t].part_count; i++) {
            struct ec_buf uri = ec_buf_make(3 * EC_PATH_MAX);
            ec_delta_path_encode(&uri, d->result[t].part[i].path);
            const char *path = ec_arena_copy(&d->arena, ec_buf_str(&uri).p, uri.n);
            enum ec_status status = ec_buf_check(&uri, err);
            ec_buf_free(&uri);
            EC_TRY(status);
            if (!path) return no_memory(err);
            in->part[in->part_count++] = path;
        }
    }
    return EC_OK;
}

static enum ec_status list_inputs(struct ec_driver *d, struct ec_err *err) {
    struct ec_manifest *m = &d->manifest;
    m->input = ec_arena_calloc(&d->arena, d->plan.unit_count, sizeof *m->input);
    if (!m->input) return no_memory(err);
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (!ec_unit_pending(d, u)) continue;
        struct ec_manifest_input *in = &m->input[m->input_count++];
        *in = (struct ec_manifest_input){.source = unit->input->source->name,
                                         .path = unit->input->path,
                                         .member = unit->input->member,
                                         .bytes = unit->input->bytes,
                                         .mtime_us = unit->input->mtime_us,
                                         .inode = unit->input->inode,
                                         .tag = unit->input->tag,
                                         .sha256 = unit->sha256[0] ? unit->sha256 : NULL,
                                         .rules = unit->input->source->fingerprint,
                                         .drop = unit->drop,
                                         .state = d->state[u].unit->status != EC_OK ? EC_INPUT_ERRORED
                                                  : d->state[u].rejected            ? EC_INPUT_REJECTED
                                                                                    : EC_INPUT_APPLIED};
        if (in->state != EC_INPUT_APPLIED) continue;
        in->rows = d->state[u].unit->facts.accepted;
        EC_TRY(list_parts(d, u, in, err));
    }
    return EC_OK;
}

/* Found here it costs this run; found when it is committed, the run could never be finished. */
static enum ec_status check_append_only(const struct ec_table *table, struct ec_err *err) {
    if (!table->delta->append_only || strcmp(ec_table_operation(table), "MERGE") != 0) return EC_OK;
    return ec_fail(err, EC_TABLE_FORMAT, "the table %s is append-only (delta.appendOnly), and this run would take rows away from it", table->dir);
}

static enum ec_status fingerprint_of(struct ec_driver *d, const struct ec_delta *delta, const char **out, struct ec_err *err) {
    char hex[EC_SHA256_HEX];
    if (delta->version < 0) return EC_OK;
    EC_TRY(ec_delta_fingerprint(delta->metadata, hex, err));
    *out = ec_arena_strdup(&d->arena, hex);
    return *out ? EC_OK : no_memory(err);
}

static enum ec_status list_commits(struct ec_driver *d, struct ec_err *err) {
    struct ec_manifest *m = &d->manifest;
    int64_t now_ms = d->options->now_us / 1000;
    m->commit = ec_arena_calloc(&d->arena, d->table_count, sizeof *m->commit);
    if (!m->commit) return no_memory(err);
    for (size_t i = 0; i < d->table_count; i++) {
        const struct ec_table *table = &d->table[i];
        bool fresh = table->delta->version < 0 && table->column_count > 0;
        if (!ec_table_changed(table) && !table->schema_changed && !fresh) continue;
        EC_TRY(check_append_only(table, err));
        struct ec_buf actions = ec_buf_make(ACTIONS_MAX);
        enum ec_status status = ec_table_actions(table, d->plan.run, now_ms, &actions, err);
        char *text = status == EC_OK ? ec_arena_copy(&d->arena, ec_buf_str(&actions).p, actions.n) : NULL;
        struct ec_str kept = {text, actions.n};
        ec_buf_free(&actions);
        if (status != EC_OK) return status;
        if (!text) return no_memory(err);
        const char *base = NULL;
        EC_TRY(fingerprint_of(d, table->delta, &base, err));
        m->commit[m->commit_count++] = (struct ec_manifest_commit){.table = table->dir,
                                                                   .operation = ec_table_operation(table),
                                                                   .base_version = table->delta->version,
                                                                   .base_metadata = base,
                                                                   .timestamp_ms = now_ms,
                                                                   .actions = kept};
    }
    return EC_OK;
}

static enum ec_status list_quarantine(struct ec_driver *d, struct ec_err *err) {
    struct ec_manifest *m = &d->manifest;
    m->quarantine = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *m->quarantine);
    if (!m->quarantine) return no_memory(err);
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (!ec_unit_pending(d, u) || d->state[u].unit->status != EC_OK) continue;
        for (size_t k = 0; k < unit->task_count; k++) {
            const struct ec_task_result *r = &d->result[unit->task_first + k];
            if (!r->quarantine) continue;
            const char *id = d->plan.task[unit->task_first + k].id;
            char *from = ec_arena_printf(&d->arena, "%s/%s/%s/%s", EC_DIR_STAGING, d->plan.run, id, r->quarantine);
            char *to = ec_arena_printf(&d->arena, "%s/%s/%s.jsonl", EC_DIR_QUARANTINE, unit->input->source->name,
                                       d->state[u].unit->label);
            if (!from || !to) return no_memory(err);
            m->quarantine[m->quarantine_count++] = (struct ec_manifest_move){from, to};
        }
    }
    return EC_OK;
}

/* The units of one raw file follow each other: first..end-1. */
static size_t end_of_file(const struct ec_driver *d, size_t first) {
    size_t end = first + 1;
    while (end < d->plan.unit_count && strcmp(d->plan.unit[end].input->path, d->plan.unit[first].input->path) == 0)
        end++;
    return end;
}

/* A raw file is marked once everything in it is applied. */
static enum ec_status mark_file(struct ec_driver *d, size_t first, size_t end, struct ec_err *err) {
    const struct ec_input *in = d->plan.unit[first].input;
    struct ec_manifest_mark mark = {.path = in->path, .mtime_us = in->mtime_us, .inode = in->inode};
    for (size_t u = first; u < end; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (ec_unit_pending(d, u) && !ec_unit_loaded(d, u)) return EC_OK;
        if (ec_unit_pending(d, u))
            mark.rows += d->state[u].unit->facts.accepted;
        else if (unit->replaces)
            mark.rows += unit->replaces->rows;
        mark.members += unit->input->member != NULL;
        if (!unit->input->member) mark.sha256 = unit->sha256;
    }
    for (size_t i = 0; i < d->plan.archive_count && !mark.sha256; i++)
        if (strcmp(d->plan.archive[i].path, in->path) == 0) mark.sha256 = d->plan.archive[i].sha256;
    if (!mark.sha256) { /* an archive whose members were all known */
        char full[EC_PATH_MAX], hex[EC_SHA256_HEX];
        uint64_t bytes;
        EC_TRY(ec_path_join(full, sizeof full, in->root, in->path, err));
        EC_TRY(ec_sha256_file(full, hex, &bytes, err));
        mark.sha256 = ec_arena_strdup(&d->arena, hex);
        if (!mark.sha256) return no_memory(err);
    }
    d->manifest.mark[d->manifest.mark_count++] = mark;
    return EC_OK;
}

static enum ec_status list_marks(struct ec_driver *d, struct ec_err *err) {
    d->manifest.mark = ec_arena_calloc(&d->arena, d->plan.unit_count, sizeof *d->manifest.mark);
    if (!d->manifest.mark) return no_memory(err);
    for (size_t first = 0, end; first < d->plan.unit_count; first = end) {
        end = end_of_file(d, first);
        bool pending = false;
        if (d->plan.unit[first].input->tag) continue; /* nothing is written into the store that it came from */
        for (size_t u = first; u < end; u++) pending = pending || ec_unit_pending(d, u);
        if (pending) EC_TRY(mark_file(d, first, end, err));
    }
    return EC_OK;
}

static enum ec_status add_archived(struct ec_driver *d, size_t *cap, const char *path, struct ec_err *err) {
    struct ec_manifest *m = &d->manifest;
    if (m->archived_count == *cap) {
        size_t grown = *cap ? *cap * 2 : 64;
        const char **list = ec_arena_calloc(&d->arena, grown, sizeof *list);
        if (!list) return no_memory(err);
        if (m->archived_count) memcpy(list, m->archived, m->archived_count * sizeof *list);
        m->archived = list;
        *cap = grown;
    }
    m->archived[m->archived_count] = ec_arena_strdup(&d->arena, path);
    return m->archived[m->archived_count++] ? EC_OK : no_memory(err);
}

static enum ec_status archive_parts(struct ec_driver *d, size_t *cap, struct ec_err *err) {
    char path[EC_PATH_MAX];
    for (size_t i = 0; i < d->table_count; i++)
        for (size_t k = 0; k < d->table[i].added_count; k++) {
            EC_TRY(ec_path_join(path, sizeof path, d->table[i].dir, d->table[i].added[k].path, err));
            EC_TRY(add_archived(d, cap, path, err));
        }
    return EC_OK;
}

/* What this run read and wrote, not the history: an archive's cost follows the day. Reports, KPI
 * files and the manifest itself are known by name when it is written (finish.c). */
static enum ec_status list_archived(struct ec_driver *d, struct ec_err *err) {
    const struct ec_config *c = d->config;
    if (!c->archive_enabled || d->options->no_archive) return EC_OK;
    char label[16], path[EC_PATH_MAX];
    ec_time_label(d->options->now_us, label);
    label[13] = '\0'; /* YYYYMMDD_HHMM */
    d->manifest.archive = ec_arena_printf(&d->arena, "%s/archive_%s.tar.gz", EC_DIR_ARCHIVE, label);
    if (!d->manifest.archive) return no_memory(err);
    size_t cap = 0;
    for (size_t first = 0, end; first < d->plan.unit_count && (c->archive_include & EC_AREA_RAW); first = end) {
        end = end_of_file(d, first);
        bool read = false; /* any of its members */
        if (d->plan.unit[first].input->tag) continue; /* its store has it */
        for (size_t u = first; u < end && !read; u++)
            read = ec_unit_pending(d, u) && d->state[u].unit->status != EC_UNREADABLE;
        if (!read) continue;
        EC_TRY(ec_path_join(path, sizeof path, EC_DIR_RAW, d->plan.unit[first].input->path, err));
        EC_TRY(add_archived(d, &cap, path, err));
    }
    if (c->archive_include & EC_AREA_PROCESSED) EC_TRY(archive_parts(d, &cap, err));
    return EC_OK;
}

/* A writer that came between our snapshot and now makes what we would take away stale. Found
 * before the manifest it costs this run; found after it, recovery could not go on. */
static enum ec_status check_nobody_else(const struct ec_driver *d, struct ec_err *err) {
    for (size_t i = 0; i < d->table_count; i++) {
        const struct ec_table *table = &d->table[i];
        char log[EC_PATH_MAX], name[64], next[EC_PATH_MAX];
        if (!ec_table_changed(table)) continue;
        (void)snprintf(name, sizeof name, "%020lld.json", (long long)table->delta->version + 1);
        EC_TRY(ec_path_join(log, sizeof log, table->full, "_delta_log", err));
        EC_TRY(ec_path_join(next, sizeof next, log, name, err));
        if (ec_path_exists(next))
            return ec_fail(err, EC_COMMIT_CONFLICT, "another program wrote to %s while this run was under way",
                           table->dir);
    }
    return EC_OK;
}

/* The quarantine is placed behind the manifest, perhaps by the run that recovers: until then its staged files are all that
 * there is of the rejected rows (C1). Their bytes are on the disk since the workers wrote them, their names are not. */
static enum ec_status hold_quarantine(const struct ec_driver *d, struct ec_durable *durable, struct ec_err *err) {
    const struct ec_manifest *m = &d->manifest;
    char path[EC_PATH_MAX];
    for (size_t i = 0; i < m->quarantine_count; i++) {
        EC_TRY(ec_path_join(path, sizeof path, d->config->dir, m->quarantine[i].from, err));
        EC_TRY(ec_durable_folder_of(durable, path, err));
    }
    if (m->quarantine_count == 0) return EC_OK;
    EC_TRY(ec_durable_folder(durable, d->staging, err));
    EC_TRY(ec_durable_folder_of(durable, d->staging, err));
    memcpy(path, d->staging, strlen(d->staging) + 1); /* "…/data/staging/<run>" */
    *strrchr(path, '/') = '\0';
    return ec_durable_folder_of(durable, path, err);
}

/* The parts are on the disk since they were written; their names are after this (C1). */
static enum ec_status place_parts(const struct ec_driver *d, struct ec_err *err) {
    struct ec_durable *durable;
    EC_TRY(ec_durable_create(&durable, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < d->table_count && status == EC_OK; i++) status = ec_table_place(&d->table[i], durable, err);
    if (status == EC_OK) status = hold_quarantine(d, durable, err);
    if (status == EC_OK) status = ec_durable_commit(durable, err);
    ec_durable_destroy(durable);
    return status;
}

enum ec_status ec_driver_commit(struct ec_driver *d, struct ec_err *err) {
    struct ec_manifest *m = &d->manifest;
    m->seq = d->plan.seq;
    m->run = d->plan.run;
    m->program = EC_VERSION;
    m->config = d->config->fingerprint;
    m->started_us = d->options->now_us;
    m->as_of = d->options->as_of;
    ec_timing_begin(d->timing, N_("manifest"));
    EC_TRY(list_inputs(d, err));
    EC_TRY(list_commits(d, err));
    EC_TRY(list_quarantine(d, err));
    EC_TRY(list_marks(d, err));
    EC_TRY(list_archived(d, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("place"));
    EC_TRY(place_parts(d, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("manifest"));
    EC_TRY(ec_facts_publish(d, err));
    if (d->options->cancelled && d->options->cancelled())
        return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
    EC_TRY(check_nobody_else(d, err));
    EC_TRY(ec_manifest_publish(d->config->dir, m, err));
    ec_timing_end(d->timing);
    return EC_OK;
}
