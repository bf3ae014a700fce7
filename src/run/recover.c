/* After a crash: finish what has a manifest, remove what has none (docs/commit.md). */
#include "base/io.h"
#include "base/log.h"
#include "run/facts.h"
#include "run/finish.h"
#include "run/paths.h"
#include "store/delta.h"

#include <errno.h>

static enum ec_status finish_one(const struct ec_config *config, uint32_t seq, struct ec_buf *problems, struct ec_err *err) {
    struct ec_manifest manifest;
    struct ec_run_facts facts;
    enum ec_status status = ec_manifest_read(config->dir, seq, &manifest, err);
    if (status == EC_OK) {
        status = ec_facts_load(config, seq, &facts, err);
        struct ec_finish_options options = {.config = config, .manifest = &manifest, .facts = &facts, .problems = problems};
        if (status == EC_OK) status = ec_finish(&options, err);
        ec_run_facts_deinit(&facts);
    }
    ec_manifest_deinit(&manifest);
    return status;
}

/* Every folder below DIR/a that holds a log. */
static enum ec_status sweep_tables(const char *dir, const char *below, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_project_path(path, dir, below, NULL, err));
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = EC_OK;
    struct dirent *entry;
    while (status == EC_OK && (entry = readdir(folder)) != NULL) {
        char table[EC_PATH_MAX];
        size_t removed = 0;
        struct stat st;
        if (entry->d_name[0] == '.') continue;
        status = ec_path_join(table, sizeof table, path, entry->d_name, err);
        if (status != EC_OK || lstat(table, &st) != 0 || !S_ISDIR(st.st_mode)) continue;
        status = ec_delta_sweep(table, &removed, err);
        if (removed > 0) ec_log(EC_LOG_INFO, "%s: removed %zu files that no commit names", table, removed);
    }
    (void)closedir(folder);
    return status;
}

enum ec_status ec_recover(const struct ec_config *config, size_t *finished, struct ec_buf *problems, struct ec_err *err) {
    struct ec_manifest_list list;
    *finished = 0;
    enum ec_status status = ec_manifest_list(config->dir, &list, err);
    for (size_t i = 0; i < list.count && status == EC_OK; i++) {
        if (list.finished[i]) continue;
        ec_log(EC_LOG_INFO, "finishing run %08u, which was interrupted", list.seq[i]);
        status = finish_one(config, list.seq[i], problems, err);
        if (status == EC_OK) (*finished)++;
    }
    ec_manifest_list_deinit(&list);
    EC_TRY(status);
    char staging[EC_PATH_MAX];
    EC_TRY(ec_project_path(staging, config->dir, EC_DIR_STAGING, NULL, err));
    /* A run that could not be delivered may still have its quarantine there. */
    if (problems->n == 0) EC_TRY(ec_dir_remove(staging, false, err));
    EC_TRY(sweep_tables(config->dir, EC_DIR_ENRICHED, err));
    EC_TRY(sweep_tables(config->dir, EC_DIR_PROCESSED "/kpi", err));
    return sweep_tables(config->dir, EC_DIR_PROCESSED "/joined", err);
}
