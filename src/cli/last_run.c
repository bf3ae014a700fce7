#include "cli/last_run.h"

#include "base/io.h"
#include "read/cell.h"
#include "run/facts.h"
#include "run/paths.h"
#include "run/run.h"

/* By number or id; without one, the newest that read files (and not only computed changed models). */
static bool is_wanted(const struct ec_config *config, uint32_t seq, const char *id) {
    int64_t number;
    if (id && ec_integer_parse(id, strlen(id), &number)) return number == (int64_t)seq;
    struct ec_manifest manifest;
    bool read = ec_manifest_read(config->dir, seq, &manifest, NULL) == EC_OK;
    bool wanted = read && (id ? strcmp(manifest.run, id) == 0 : manifest.input_count > 0);
    ec_manifest_deinit(&manifest);
    return wanted;
}

static enum ec_status find(const struct ec_cli *cli, const struct ec_config *config, uint32_t *seq,
                           struct ec_err *err) {
    const char *id = ec_cli_value(cli, "--run");
    struct ec_manifest_list list;
    enum ec_status status = ec_manifest_list(config->dir, &list, err);
    bool found = false;
    for (size_t i = list.count; i-- > 0 && status == EC_OK && !found;) {
        *seq = list.seq[i];
        found = is_wanted(config, *seq, id);
    }
    ec_manifest_list_deinit(&list);
    if (status != EC_OK || found) return status;
    if (id) return ec_fail(err, EC_USAGE, "--run: there is no run `%s`; `ecluse history` lists them", id);
    return ec_fail(err, EC_USAGE, "this project has had no run yet: `ecluse run` is the first step");
}

enum ec_status ec_last_run_open(const struct ec_cli *cli, const struct ec_config *config, struct ec_last_run *run,
                                struct ec_err *err) {
    uint32_t seq = 0;
    run->lock = -1;
    ec_manifest_init(&run->manifest);
    ec_run_facts_init(&run->facts);
    EC_TRY(find(cli, config, &seq, err));
    EC_TRY(ec_lock_take(config->dir, &run->lock, err));
    ec_manifest_deinit(&run->manifest);
    EC_TRY(ec_manifest_read(config->dir, seq, &run->manifest, err));
    ec_run_facts_deinit(&run->facts);
    return ec_facts_load(config, seq, &run->facts, err);
}

void ec_last_run_close(struct ec_last_run *run) {
    ec_manifest_deinit(&run->manifest);
    ec_run_facts_deinit(&run->facts);
    ec_lock_release(run->lock);
}

enum ec_status ec_cli_out_dir(const struct ec_cli *cli, char *out, struct ec_err *err) {
    const char *dir = ec_cli_value(cli, "--out");
    if (dir)
        EC_TRY(ec_path_join(out, EC_PATH_MAX, "", dir, err));
    else
        EC_TRY(ec_project_path(out, cli->dir, EC_DIR_QUALITY, NULL, err));
    return ec_dir_make(out, err);
}
