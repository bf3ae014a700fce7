/* What doctor says about the project: configuration, models, folders, runs, lock. */
#include "base/calendar.h"
#include "base/io.h"
#include "cli/doctor.h"
#include "cli/project.h"
#include "remote/curl_load.h"
#include "deliver/secret.h"
#include "run/manifest.h"
#include "run/models.h"
#include "run/paths.h"
#include "run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void say_error(struct ec_doctor *d, const char *check, const struct ec_err *err) {
    char place[320] = "";
    if (err->file[0]) (void)snprintf(place, sizeof place, "%s:%u:%u: ", err->file, err->line, err->column);
    ec_doctor_say(d, check, EC_FINDING_FAIL, ec_status_text(err->status)->remedy, "%s%s", place, err->message);
}

static void check_configuration(struct ec_doctor *d) {
    struct ec_err err = {0};
    if (ec_cli_load(d->cli, &d->config, &err) != EC_OK) {
        say_error(d, "configuration", &err);
        return;
    }
    size_t rules = 0;
    for (size_t i = 0; i < d->config->source_count; i++) rules += d->config->source[i].rule_count;
    ec_doctor_say(d, "configuration", EC_FINDING_OK, NULL, "%zu sources, %zu rules", d->config->source_count, rules);
}

static void check_models(struct ec_doctor *d) {
    if (!d->config) return;
    struct ec_err err = {0};
    struct ec_sql *sql = NULL;
    struct ec_project_models models = {0};
    struct ec_sql_options options = {
        .threads = 1, .memory_bytes = d->config->memory_bytes, .run_date = ec_days_from_micros(ec_now_micros())};
    enum ec_status status = ec_sql_open(&options, &sql, &err);
    if (status == EC_OK) status = ec_project_models_load(d->config, sql, NULL, &models, &err);
    if (status == EC_OK)
        ec_doctor_say(d, "models", EC_FINDING_OK, NULL, "%zu models, all prepared", models.models->count);
    else
        say_error(d, "models", &err);
    ec_project_models_deinit(&models);
    ec_sql_close(sql);
}

/* Whether a file can be made there. The folder itself, or the nearest above it that exists. */
static bool can_write(const char *path, struct ec_err *err) {
    char at[EC_PATH_MAX], probe[EC_PATH_MAX], name[64];
    if (ec_path_join(at, sizeof at, "", path, err) != EC_OK) return false;
    while (!ec_path_exists(at)) {
        char *slash = strrchr(at, '/');
        if (!slash || slash == at) break;
        *slash = '\0';
    }
    int fd;
    (void)snprintf(name, sizeof name, ".doctor-%ld", (long)getpid());
    if (ec_path_join(probe, sizeof probe, ec_path_exists(at) ? at : ".", name, err) != EC_OK ||
        ec_file_create(probe, &fd, err) != EC_OK)
        return false;
    ec_file_abandon(fd, probe);
    return true;
}

static void check_folders(struct ec_doctor *d) {
    static const char *const written[] = {EC_DIR_STAGING, EC_DIR_PROCESSED, EC_DIR_QUALITY, EC_DIR_ARCHIVE,
                                          EC_DIR_RUNS,    EC_DIR_LOGS,      EC_DIR_RAW /* .done marks */};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        char path[EC_PATH_MAX];
        struct ec_err err = {0};
        if (ec_project_path(path, d->cli->dir, written[i], NULL, &err) == EC_OK && can_write(path, &err)) continue;
        ec_doctor_say(d, "folders", EC_FINDING_FAIL,
                      _("give the user who runs ecluse the right to write there (chown, chmod)"), "%s", err.message);
        return;
    }
    char raw[EC_PATH_MAX], words[96];
    if (ec_project_path(raw, d->cli->dir, EC_DIR_RAW, NULL, NULL) == EC_OK && access(raw, R_OK | X_OK) != 0)
        ec_doctor_say(d, "folders", EC_FINDING_FAIL, _("make the folder, or mount it: `ecluse init` makes all of them"),
                      "%s cannot be read: %s", raw, ec_language_errno(errno, words, sizeof words));
    else
        ec_doctor_say(d, "folders", EC_FINDING_OK, NULL, "all can be written");
}

static void check_runs(struct ec_doctor *d) {
    struct ec_manifest_list list;
    struct ec_err err = {0};
    size_t unfinished = 0;
    if (ec_manifest_list(d->cli->dir, &list, &err) != EC_OK) {
        say_error(d, "runs", &err);
    } else {
        for (size_t i = 0; i < list.count; i++) unfinished += !list.finished[i];
        if (unfinished)
            ec_doctor_say(d, "runs", EC_FINDING_WARN, _("run `ecluse run`: it finishes them first"),
                          "%zu of %zu runs were interrupted", unfinished, list.count);
        else
            ec_doctor_say(d, "runs", EC_FINDING_OK, NULL, "%zu, all finished", list.count);
    }
    ec_manifest_list_deinit(&list);
}

static void check_lock(struct ec_doctor *d) {
    struct ec_err err = {0};
    int fd;
    enum ec_status status = ec_lock_take(d->cli->dir, &fd, &err);
    if (status == EC_OK) {
        ec_lock_release(fd);
        ec_doctor_say(d, "lock", EC_FINDING_OK, NULL, "no run is under way");
    } else if (status == EC_LOCKED) {
        ec_doctor_say(d, "lock", EC_FINDING_WARN, ec_status_text(EC_LOCKED)->remedy, "%s", err.message);
    } else {
        say_error(d, "lock", &err);
    }
}

static bool can_read_key(const struct ec_doctor *d, struct ec_err *err) {
    struct ec_secrets secrets = {0};
    const char *key;
    enum ec_status status = ec_secrets_read(&secrets, d->config->dir, &d->config->lineage.key, "api_key", &key, err);
    ec_secrets_deinit(&secrets);
    return status == EC_OK;
}

static bool can_write_for(struct ec_doctor *d, const char *path, struct ec_err *err) {
    char full[EC_PATH_MAX];
    if (ec_path_below(full, sizeof full, d->config->dir, path, err) != EC_OK) return false;
    char *slash = strrchr(full, '/');
    if (slash && slash != full) *slash = '\0';
    return can_write(full, err);
}

/* Where other programs learn of a run; no address is contacted. */
static void check_outputs(struct ec_doctor *d) {
    if (!d->config) return;
    const struct ec_lineage *lineage = &d->config->lineage;
    const char *const files[] = {d->config->metrics_textfile, lineage->file};
    size_t count = (files[0] ? 1u : 0u) + (files[1] ? 1u : 0u) + (lineage->url ? 1u : 0u);
    struct ec_err err = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!files[i] || can_write_for(d, files[i], &err)) continue;
        ec_doctor_say(d, "outputs", EC_FINDING_FAIL, _("make the folder of `metrics:` or `lineage:` writable for the user who runs ecluse"),
                      "%s", err.message);
        return;
    }
    const struct ec_curl *curl;
    if (!can_read_key(d, &err))
        ec_doctor_say(d, "outputs", EC_FINDING_FAIL, _("set the variable where ecluse is started, or write the file: one line, chmod 600"), "lineage: %s",
                      err.message);
    else if (lineage->url && ec_curl_load(&curl, &err) != EC_OK)
        ec_doctor_say(d, "outputs", EC_FINDING_FAIL, _("install libcurl4: scripts/install-dependencies"), "%s", err.message);
    else if (count)
        ec_doctor_say(d, "outputs", EC_FINDING_OK, NULL, "%zu for other programs, all can be written", count);
}

void ec_doctor_project(struct ec_doctor *d) {
    check_configuration(d);
    struct ec_err err = {0};
    if (!d->config && ec_cli_project(d->cli, &err) != EC_OK) return; /* no project, no folders */
    check_models(d);
    check_folders(d);
    check_outputs(d);
    check_runs(d);
    check_lock(d);
}
