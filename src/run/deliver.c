#include "run/deliver.h"

#include "base/io.h"
#include "base/log.h"
#include "publish/alert.h"
#include "publish/archive.h"
#include "publish/page_file.h"
#include "quality/report.h"
#include "run/alerts.h"
#include "run/paths.h"
#include "run/resources.h"

#define LIST_ARENA_MAX ((size_t)256 * EC_MIB)

static enum ec_status quality_dir(char *dir, const struct ec_finish_options *o, struct ec_err *err) {
    EC_TRY(ec_project_path(dir, o->config->dir, EC_DIR_QUALITY, NULL, err));
    return ec_durable_make_dir(o->durable, dir, err);
}

enum ec_status ec_deliver_alert(const struct ec_finish_options *o, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    struct ec_alert_result result;
    EC_TRY(quality_dir(dir, o, err));
    EC_TRY(ec_alert_publish(dir, o->facts, o->durable, &result, err));
    return ec_alerts_queue(o->config, o->facts, err);
}

enum ec_status ec_deliver_page(const struct ec_finish_options *o, struct ec_page_facts **page, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    EC_TRY(quality_dir(dir, o, err));
    if (o->timing) EC_TRY(ec_run_note_resources(o->facts, o->timing, err)); /* of the stages so far */
    if (!*page) {
        struct ec_page_facts_options options = {.config = o->config, .manifest = o->manifest, .facts = o->facts, .sql = o->sql,
                                                .models = o->models, .history = o->history ? &o->history->history : NULL};
        EC_TRY(ec_page_facts_gather(&options, page, err));
    }
    return ec_page_facts_publish(*page, dir, o->durable, err);
}

/* What goes into the archive. */
struct listing {
    const struct ec_finish_options *o;
    struct ec_arena arena;
    struct ec_archive_file *file;
    size_t count, cap;
};

/* `name` lies below the project folder. A file that is gone, such as a raw file that somebody
 * took away meanwhile, is said and left out: the archive holds what there is. */
static enum ec_status add(struct listing *l, const char *name, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, l->o->config->dir, name, err));
    if (!ec_path_exists(path)) {
        ec_log(EC_LOG_WARN, "%s is not archived: it is no longer there", name);
        return EC_OK;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct ec_archive_file *grown = ec_arena_calloc(&l->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
        if (l->count) memcpy(grown, l->file, l->count * sizeof *grown);
        l->file = grown;
        l->cap = cap;
    }
    struct ec_archive_file *file = &l->file[l->count++];
    *file = (struct ec_archive_file){.path = ec_arena_strdup(&l->arena, path), .name = ec_arena_strdup(&l->arena, name)};
    return file->path && file->name ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
}

static enum ec_status add_if_there(struct listing *l, const char *name, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, l->o->config->dir, name, err));
    return ec_path_exists(path) ? add(l, name, err) : EC_OK;
}

static enum ec_status add_quality(struct listing *l, struct ec_err *err) {
    char name[EC_PATH_MAX], report[EC_REPORT_NAME_MAX];
    for (size_t i = 0; i < l->o->facts->unit_count; i++) {
        ec_report_name(l->o->facts->unit[i].label, report);
        EC_TRY(ec_path_join(name, sizeof name, EC_DIR_QUALITY, report, err));
        EC_TRY(add(l, name, err));
    }
    for (size_t i = 0; i < l->o->manifest->quarantine_count; i++) {
        /* The ranges of a file were joined into one. */
        const char *to = l->o->manifest->quarantine[i].to;
        bool again = i > 0 && strcmp(l->o->manifest->quarantine[i - 1].to, to) == 0;
        if (!again) EC_TRY(add(l, to, err));
    }
    EC_TRY(add_if_there(l, EC_DIR_QUALITY "/" EC_PAGE_NAME, err));
    return add_if_there(l, EC_DIR_QUALITY "/" EC_ALERT_FILE_NAME, err);
}

static enum ec_status add_exports(struct listing *l, struct ec_err *err) {
    const struct ec_buf *exported = l->o->exported;
    for (size_t at = 0; at < exported->n; at += strlen(exported->p + at) + 1) EC_TRY(add(l, exported->p + at, err));
    return EC_OK;
}

static enum ec_status add_all(struct listing *l, struct ec_err *err) {
    const struct ec_manifest *m = l->o->manifest;
    static const char *const suffixes[] = {".json", ".facts.json"};
    for (size_t i = 0; i < m->archived_count; i++) EC_TRY(add(l, m->archived[i], err));
    if (l->o->config->archive_include & EC_AREA_PROCESSED) EC_TRY(add_exports(l, err));
    if (l->o->config->archive_include & EC_AREA_QUALITY) EC_TRY(add_quality(l, err));
    for (size_t i = 0; i < 2; i++) {
        char name[EC_PATH_MAX];
        EC_TRY(ec_manifest_path(name, "", m->seq, suffixes[i], err));
        EC_TRY(add(l, name, err));
    }
    return EC_OK;
}

static const char *below_project(const struct ec_finish_options *o, const char *path) {
    size_t n = strlen(o->config->dir);
    return strncmp(path, o->config->dir, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static enum ec_status note_archive(const struct ec_finish_options *o, const struct ec_archive_made *made, struct ec_err *err) {
    struct ec_run_facts *facts = o->facts;
    struct ec_archive_facts *list = ec_arena_calloc(&facts->arena, facts->archive_count + 1, sizeof *list);
    char *path = ec_arena_strdup(&facts->arena, below_project(o, made->path));
    if (!list || !path) return ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
    if (facts->archive_count) memcpy(list, facts->archive, facts->archive_count * sizeof *list);
    list[facts->archive_count++] = (struct ec_archive_facts){path, made->files, made->bytes, made->bytes_stored, true};
    facts->archive = list;
    return EC_OK;
}

static enum ec_status create(const struct ec_finish_options *o, struct ec_archive_made *made, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    struct listing l = {.o = o};
    ec_arena_init(&l.arena, LIST_ARENA_MAX);
    enum ec_status status = add_all(&l, err);
    if (status == EC_OK) status = ec_project_path(dir, o->config->dir, EC_DIR_ARCHIVE, NULL, err);
    if (status == EC_OK)
        status = ec_archive_create(dir, o->manifest->started_us, o->manifest->run, l.file, l.count, made, err);
    ec_arena_deinit(&l.arena);
    return status;
}

/* After a crash there may be an archive of the run without its mark, and the raw files that are in it may be gone. */
static enum ec_status find_or_create(const struct ec_finish_options *o, struct ec_archive_made *made, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    bool found = false;
    if (o->again) {
        EC_TRY(ec_project_path(dir, o->config->dir, EC_DIR_ARCHIVE, NULL, err));
        EC_TRY(ec_archive_find(dir, o->manifest->started_us, o->manifest->run, made, &found, err));
    }
    return found ? EC_OK : create(o, made, err);
}

/* `<seq>.archived` names the archive that was made: a run that is finished after a crash must not
 * make a second one, of raw files that the clean-up may have taken already. */
enum ec_status ec_deliver_archive(const struct ec_finish_options *o, struct ec_err *err) {
    char mark[EC_PATH_MAX];
    struct ec_archive_made made = {0};
    EC_TRY(ec_manifest_path(mark, o->config->dir, o->manifest->seq, ".archived", err));
    if (ec_path_exists(mark)) {
        struct ec_buf name = ec_buf_make(EC_PATH_MAX);
        char path[EC_PATH_MAX];
        enum ec_status status = ec_file_load(mark, &name, err);
        if (status == EC_OK) status = ec_path_join(path, sizeof path, o->config->dir, ec_buf_str(&name).p, err);
        if (status == EC_OK) status = ec_archive_verify(path, &made, err);
        ec_buf_free(&name);
        EC_TRY(status);
        return note_archive(o, &made, err);
    }
    bool exists;
    EC_TRY(find_or_create(o, &made, err));
    const char *name = below_project(o, made.path);
    EC_TRY(ec_file_publish(mark, name, strlen(name), &exists, err));
    return note_archive(o, &made, err);
}
