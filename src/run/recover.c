/* After a crash: finish what has a manifest, remove what has none (docs/commit.md). */
#include "base/io.h"
#include "base/log.h"
#include "deliver/outbox.h"
#include "publish/page_file.h"
#include "run/facts.h"
#include "run/finish.h"
#include "run/paths.h"
#include "store/delta.h"

#include <errno.h>

static enum ec_status finish_one(const struct ec_config *config, uint32_t seq, struct ec_buf *problems,
                                 struct ec_err *err) {
    struct ec_manifest manifest;
    struct ec_run_facts facts;
    enum ec_status status = ec_manifest_read(config->dir, seq, &manifest, err);
    if (status == EC_OK) {
        status = ec_facts_load(config, seq, &facts, err);
        struct ec_finish_options options = {
            .config = config, .manifest = &manifest, .facts = &facts, .problems = problems, .again = true};
        if (status == EC_OK) status = ec_finish(&options, err);
        ec_run_facts_deinit(&facts);
    }
    ec_manifest_deinit(&manifest);
    return status;
}

static enum ec_status sweep_table(void *user, const char *table, struct ec_err *err) {
    (void)user;
    size_t removed = 0;
    enum ec_status status = ec_delta_sweep(table, &removed, err);
    if (removed > 0) ec_log(EC_LOG_INFO, "%s: removed %zu files that no commit names", table, removed);
    return status;
}

/* A crash while a manifest, a mark of a run or an archive was written: under the lock nobody else writes there. */
static enum ec_status sweep_temporaries(const char *dir, struct ec_err *err) {
    char path[EC_PATH_MAX];
    DIR *folder = opendir(dir);
    if (!folder) return errno == ENOENT || errno == ENOTDIR ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", dir);
    enum ec_status status = EC_OK;
    struct dirent *entry;
    while (status == EC_OK && (entry = readdir(folder)) != NULL) {
        size_t n = strlen(entry->d_name);
        if (entry->d_name[0] != '.' || n < 5 || strcmp(entry->d_name + n - 4, ".tmp") != 0) continue;
        status = ec_path_join(path, sizeof path, dir, entry->d_name, err);
        if (status == EC_OK && ec_io.unlink(path) != 0 && errno != ENOENT)
            status = ec_fail_errno(err, EC_IO, "cannot remove %s", path);
    }
    (void)closedir(folder);
    return status;
}

/* The page is written once more when alerts have been delivered, by a run that is finished: none finishes it again. */
static enum ec_status sweep_page(const char *path, struct ec_err *err) {
    if (ec_io.unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return EC_OK;
    return ec_fail_errno(err, EC_IO, "cannot remove %s", path);
}

/* A manifest or a mark of an end that is found may stand in memory alone: its run may have ended between link() and
 * sync. What follows is built on it (C7). */
static enum ec_status confirm_runs(const char *dir, struct ec_err *err) {
    return ec_path_exists(dir) ? ec_dir_sync_up(dir, 1, err) : EC_OK;
}

enum ec_status ec_recover(const struct ec_config *config, size_t *finished, struct ec_buf *problems,
                          struct ec_err *err) {
    enum { RUNS, ARCHIVE, STAGING, PAGE, PATHS };
    static const char *const names[PATHS] = {EC_DIR_RUNS, EC_DIR_ARCHIVE, EC_DIR_STAGING, EC_DIR_QUALITY "/." EC_PAGE_NAME ".tmp"};
    char path[PATHS][EC_PATH_MAX];
    struct ec_manifest_list list;
    *finished = 0;
    for (size_t i = 0; i < PATHS; i++) EC_TRY(ec_project_path(path[i], config->dir, names[i], NULL, err));
    EC_TRY(sweep_temporaries(path[RUNS], err));
    EC_TRY(sweep_temporaries(path[ARCHIVE], err));
    EC_TRY(sweep_page(path[PAGE], err));
    ec_outbox_sweep(config->dir);
    EC_TRY(confirm_runs(path[RUNS], err));
    enum ec_status status = ec_manifest_list(config->dir, &list, err);
    for (size_t i = 0; i < list.count && status == EC_OK; i++) {
        if (list.finished[i]) continue;
        ec_log(EC_LOG_INFO, "finishing run %08u, which was interrupted", list.seq[i]);
        status = finish_one(config, list.seq[i], problems, err);
        if (status == EC_OK) (*finished)++;
    }
    ec_manifest_list_deinit(&list);
    EC_TRY(status);
    /* A run that could not be delivered may still have its quarantine there. */
    if (problems->n == 0) EC_TRY(ec_dir_remove(path[STAGING], false, err));
    return ec_each_table(config->dir, sweep_table, NULL, err);
}
