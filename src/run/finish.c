#include "run/finish.h"

#include "base/io.h"
#include "base/log.h"
#include "base/threads.h"
#include "quality/report.h"
#include "run/announce.h"
#include "run/deliver.h"
#include "run/export.h"
#include "run/lineage.h"
#include "run/paths.h"
#include "run/place.h"
#include "run/resources.h"
#include "sql/checkpoint.h"
#include "sql/session.h"
#include "store/delta.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

/* Staging on its way out, beside the drawing of the page: removing some hundred folders waits for the disk. */
struct removal {
    pthread_t thread;
    bool running;
    char dir[EC_PATH_MAX];
    enum ec_status status;
    struct ec_err err;
};

struct finishing {
    const struct ec_finish_options *o;
    const char *dir;
    const char *raw;             /* data/raw, with the project's folder */
    struct ec_page_facts **page; /* gathered by its first drawing */
    struct removal *removal;
};

/* The commits of a run under way: each is of another table, and waits for the disk by itself. */
struct committing {
    const struct finishing *f;
    struct {
        enum ec_status status;
        struct ec_err err;
        int64_t version;
    } *result; /* per commit */
    _Atomic size_t next;
};

static enum ec_status commit_table(const struct finishing *f, const struct ec_manifest_commit *c, int64_t *version,
                                   struct ec_err *err) {
    struct ec_delta_commit commit = {.app_id = EC_APP_ID,
                                     .txn_version = f->o->manifest->seq,
                                     .operation = c->operation,
                                     .run = f->o->manifest->run,
                                     .timestamp_ms = c->timestamp_ms,
                                     .base_version = c->base_version,
                                     .base_metadata = c->base_metadata,
                                     .actions = c->actions};
    char table[EC_PATH_MAX];
    EC_TRY(ec_path_join(table, sizeof table, f->dir, c->table, err));
    return ec_delta_write(table, &commit, version, err);
}

static void *commit_some(void *context) {
    struct committing *c = context;
    const struct ec_manifest *m = c->f->o->manifest;
    for (;;) {
        size_t i = atomic_fetch_add(&c->next, 1);
        if (i >= m->commit_count) return NULL;
        c->result[i].status = commit_table(c->f, &m->commit[i], &c->result[i].version, &c->result[i].err);
    }
}

static enum ec_status commit_tables(const struct finishing *f, struct ec_err *err) {
    const struct ec_manifest *m = f->o->manifest;
    struct committing c = {.f = f};
    c.result = ec_calloc(m->commit_count, sizeof *c.result);
    if (!c.result) return ec_fail(err, EC_NO_MEMORY, "no memory for the commits");
    ec_side_by_side(commit_some, &c, m->commit_count);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < m->commit_count; i++) {
        if (c.result[i].status == EC_OK)
            ec_log(EC_LOG_DEBUG, "%s: version %lld", m->commit[i].table, (long long)c.result[i].version);
        if (c.result[i].status == EC_OK || status != EC_OK) continue;
        status = c.result[i].status;
        if (err) *err = c.result[i].err;
    }
    ec_free(c.result);
    return status;
}

/* So that nobody has to replay a log of thousands of commits. A checkpoint says nothing that the log does not: one that
 * cannot be written is tried again after the next commit. */
static void write_checkpoints(const struct finishing *f) {
    for (size_t i = 0; i < f->o->manifest->commit_count; i++) {
        char table[EC_PATH_MAX];
        bool due = false;
        int64_t version;
        struct ec_err problem = {0};
        (void)snprintf(table, sizeof table, "%s/%s", f->dir, f->o->manifest->commit[i].table); /* commit_table() had room for it */
        enum ec_status status = ec_delta_checkpoint_due(table, &due, &problem);
        if (status == EC_OK && due) status = ec_checkpoint_write(table, &version, &problem);
        if (status != EC_OK) ec_log(EC_LOG_WARN, "no checkpoint was written: %s", problem.message);
    }
}

static enum ec_status place_quarantine(const struct finishing *f, struct ec_err *err) {
    return ec_place_quarantine(f->dir, f->o->manifest, f->o->facts, f->o->durable, err);
}

static enum ec_status write_reports(const struct finishing *f, struct ec_err *err) {
    char dir[EC_PATH_MAX], history[EC_PATH_MAX];
    EC_TRY(ec_project_path(dir, f->dir, EC_DIR_QUALITY, NULL, err));
    EC_TRY(ec_path_join(history, sizeof history, dir, "history.jsonl", err));
    EC_TRY(ec_durable_make_dir(f->o->durable, dir, err));
    for (size_t i = 0; i < f->o->facts->unit_count; i++)
        EC_TRY(ec_report_save(dir, &f->o->facts->unit[i], f->o->durable, err));
    EC_TRY(ec_run_note_resources(f->o->facts, f->o->timing, err));
    return ec_history_append(history, f->o->facts, f->o->history, f->o->durable, err);
}

static enum ec_status export_all(const struct finishing *f, struct ec_sql *sql, struct ec_err *err) {
    const struct ec_manifest *m = f->o->manifest;
    for (size_t i = 0; i < m->export_count; i++) {
        enum ec_status status = ec_export_write(f->dir, &m->export[i], sql, f->o->durable, f->o->exported, err);
        if (status == EC_OK) continue;
        ec_err_context(err, "the CSV export of %s", m->export[i].model);
        return status;
    }
    return EC_OK;
}

static enum ec_status write_exports(const struct finishing *f, struct ec_err *err) {
    if (f->o->manifest->export_count == 0) return EC_OK;
    if (f->o->sql) return export_all(f, f->o->sql, err);
    char data[EC_PATH_MAX];
    memcpy(data, f->raw, strlen(f->raw) + 1);
    *strrchr(data, '/') = '\0';
    struct ec_sql_options options = {.threads = f->o->config->workers,
                                     .memory_bytes = f->o->config->memory_bytes / 2,
                                     .files_dir = data,
                                     .run_date = f->o->manifest->as_of};
    struct ec_sql *sql;
    EC_TRY(ec_sql_open(&options, &sql, err));
    enum ec_status status = export_all(f, sql, err);
    ec_sql_close(sql);
    return status;
}

static enum ec_status mark_files(const struct finishing *f, struct ec_err *err) {
    const struct ec_manifest *m = f->o->manifest;
    char path[EC_PATH_MAX];
    for (size_t i = 0; i < m->mark_count; i++) {
        struct ec_buf text = ec_buf_make(8192);
        struct ec_json_writer w;
        ec_json_init(&w, &text);
        ec_json_object(&w, NULL);
        ec_json_str(&w, "sha256", m->mark[i].sha256);
        ec_json_str(&w, "run", m->run);
        ec_json_uint(&w, "rows", m->mark[i].rows);
        if (m->mark[i].members > 0) ec_json_uint(&w, "members", m->mark[i].members);
        ec_json_end(&w);
        ec_buf_addc(&text, '\n');
        char name[EC_PATH_MAX];
        int n = snprintf(name, sizeof name, "%s.done", m->mark[i].path);
        enum ec_status status = ec_buf_check(&text, err);
        if (status == EC_OK && (size_t)n >= sizeof name) status = ec_fail(err, EC_DELIVERY, "%s is too long", name);
        if (status == EC_OK) status = ec_path_join(path, sizeof path, f->raw, name, err);
        if (status == EC_OK) status = ec_durable_put(f->o->durable, path, text.p, text.n, err);
        ec_buf_free(&text);
        EC_TRY(status);
    }
    return EC_OK;
}

static enum ec_status remove_file(const char *path, struct ec_err *err) {
    if (ec_io.unlink(path) == 0 || errno == ENOENT) return EC_OK;
    return ec_fail_errno(err, EC_DELIVERY, "cannot remove %s", path);
}

/* Whether the raw file is the one that was read, or gone: another of that name may have come since. */
static bool may_go(const char *path, const struct ec_manifest_mark *mark) {
    struct stat st;
    if (stat(path, &st) != 0) return errno == ENOENT; /* its mark may be left of a clean-up that was interrupted */
    int64_t mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return mtime_us == mark->mtime_us && (uint64_t)st.st_ino == mark->inode;
}

static void *remove_dir(void *context) {
    struct removal *r = context;
    r->status = ec_dir_remove(r->dir, true, &r->err);
    return NULL;
}

/* Everything of staging has its place, and is on the disk there. An archive still reads what was fetched into it. */
static void begin_removal(const struct finishing *f) {
    struct removal *r = f->removal;
    if (f->o->manifest->archive || ec_project_path(r->dir, f->dir, EC_DIR_STAGING, f->o->manifest->run, NULL) != EC_OK) return;
    r->running = ec_thread_start(&r->thread, remove_dir, r) == 0;
}

static void await_removal(struct removal *r) {
    if (r->running) (void)pthread_join(r->thread, NULL);
    r->running = false;
}

static enum ec_status end_removal(const struct finishing *f, struct ec_err *err) {
    struct removal *r = f->removal;
    if (!r->running) {
        EC_TRY(ec_project_path(r->dir, f->dir, EC_DIR_STAGING, f->o->manifest->run, err));
        (void)remove_dir(r);
    }
    await_removal(r);
    *err = r->err;
    return r->status;
}

/* Only after the archive is verified: the raw files that are in it and applied go. One that came
 * under the same name since was not read yet and stays, for the next run. */
static enum ec_status clean_up(const struct finishing *f, struct ec_err *err) {
    const struct ec_manifest *m = f->o->manifest;
    char path[EC_PATH_MAX], done[EC_PATH_MAX + 8];
    bool empties_raw = (f->o->config->archive_cleanup & EC_AREA_RAW) && (f->o->config->archive_include & EC_AREA_RAW) && m->archive;
    for (size_t i = 0; i < m->mark_count && empties_raw; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", f->raw, m->mark[i].path);
        assert((size_t)n < sizeof path); /* its mark has a longer one, and was written */
        (void)n;
        (void)snprintf(done, sizeof done, "%s.done", path);
        if (!may_go(path, &m->mark[i])) continue;
        EC_TRY(remove_file(path, err));
        EC_TRY(remove_file(done, err));
        EC_TRY(ec_durable_folder_of(f->o->durable, path, err));
    }
    EC_TRY(ec_durable_commit(f->o->durable, err)); /* what came back would never be cleaned up: its run is finished */
    return end_removal(f, err);
}

/* Runs one delivery; a failure is noted and does not keep the others from being tried. */
static bool deliver(const struct finishing *f, const char *what,
                    enum ec_status (*step)(const struct finishing *f, struct ec_err *err)) {
    struct ec_err cause = {0};
    ec_progress_stage(f->o->progress, what);
    ec_timing_begin(f->o->timing, what);
    enum ec_status status = step(f, &cause);
    ec_timing_end(f->o->timing);
    if (status == EC_OK) return true;
    ec_log(EC_LOG_ERROR, "%s: %s", _(what), cause.message);
    ec_buf_printf(f->o->problems, _("%s: %s\n"), _(what), cause.message);
    return false;
}

static enum ec_status write_alert(const struct finishing *f, struct ec_err *err) { return ec_deliver_alert(f->o, err); }
static enum ec_status write_page(const struct finishing *f, struct ec_err *err) { return ec_deliver_page(f->o, f->page, err); }
static enum ec_status write_archive(const struct finishing *f, struct ec_err *err) { return ec_deliver_archive(f->o, err); }
static enum ec_status send_lineage(const struct finishing *f, struct ec_err *err) { return ec_lineage_complete(f->o, err); }

static enum ec_status write_metrics(const struct finishing *f, struct ec_err *err) {
    struct ec_announce_options options = {.config = f->o->config, .facts = f->o->facts, .ended_us = f->o->facts->finished_us,
                                          .history = f->o->history ? &f->o->history->history : NULL};
    return ec_announce_metrics(&options, err);
}
static enum ec_status put_in_place(const struct finishing *f, struct ec_err *err) { return ec_durable_commit(f->o->durable, err); }

/* Behind the sync that puts quarantine in its place, of which it shows rows. The archive holds reports and page, the
 * page names the archive: where there is one it is drawn again, from what was gathered for the first. */
static bool draw_page(const struct finishing *f) {
    return f->o->facts->unit_count == 0 || (deliver(f, N_("dashboard"), write_page) && deliver(f, N_("sync"), put_in_place));
}

/* The files of all other deliveries wait for the disk once, together. What one could not write does not keep the
 * others' from being put in place. */
static bool write_files(const struct finishing *f) {
    /* A run that only computed changed models leaves the verdicts on the last files as they are. */
    bool files = f->o->facts->unit_count > 0;
    bool all = deliver(f, N_("quarantine"), place_quarantine);
    if (files) all &= deliver(f, N_("reports"), write_reports);
    all &= deliver(f, N_("exports"), write_exports);
    if (files) all &= deliver(f, N_("alert"), write_alert);
    all &= deliver(f, N_("marks"), mark_files);
    if (!deliver(f, N_("sync"), put_in_place)) return false;
    if (all) begin_removal(f);
    return draw_page(f) && all;
}

static bool archive(const struct finishing *f) {
    if (!f->o->manifest->archive) return true;
    return deliver(f, N_("archive"), write_archive) && draw_page(f);
}

/* Other programs are told last, of what is there: also where a file could not be delivered. */
static bool announce(const struct finishing *f) {
    bool all = true;
    if (f->o->config->metrics_textfile) all = deliver(f, N_("metrics"), write_metrics);
    if (f->o->config->lineage.file || f->o->config->lineage.url) all &= deliver(f, N_("lineage"), send_lineage);
    return all;
}

static enum ec_status deliver_all(const struct finishing *f, struct ec_err *err) {
    bool all = write_files(f) && archive(f) && deliver(f, N_("clean-up"), clean_up);
    all &= announce(f);
    return all ? ec_manifest_finish(f->dir, f->o->manifest->seq, err) : EC_OK;
}

enum ec_status ec_finish(const struct ec_finish_options *options, struct ec_err *err) {
    struct ec_buf exported = ec_buf_make((size_t)256 * EC_MIB);
    struct ec_finish_options with_lists = *options;
    with_lists.exported = &exported;
    struct removal removal = {0};
    char raw[EC_PATH_MAX];
    EC_TRY(ec_project_path(raw, options->config->dir, EC_DIR_RAW, NULL, err));
    EC_TRY(ec_durable_create(&with_lists.durable, err));
    if (options->again) ec_durable_doubt(with_lists.durable);
    struct ec_page_facts *page = NULL;
    struct finishing f = {.o = &with_lists, .dir = options->config->dir, .raw = raw, .page = &page, .removal = &removal};
    ec_timing_begin(options->timing, N_("commits"));
    enum ec_status status = commit_tables(&f, err);
    if (status == EC_OK) write_checkpoints(&f);
    ec_timing_end(options->timing);
    if (status == EC_OK) status = deliver_all(&f, err);
    await_removal(&removal);
    ec_page_facts_release(page);
    ec_durable_destroy(with_lists.durable);
    ec_buf_free(&exported);
    return status;
}
