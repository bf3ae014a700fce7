#include "cli/project.h"

#include "base/io.h"
#include "run/paths.h"

enum ec_status ec_cli_project(const struct ec_cli *cli, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct stat st;
    EC_TRY(ec_project_path(path, cli->dir, "config", "pipeline_config.yaml", err));
    if (stat(path, &st) == 0) return EC_OK;
    return ec_fail(err, EC_USAGE,
                   "%s is no project: it holds no config/pipeline_config.yaml; `ecluse init` makes one, -C DIR names "
                   "another folder",
                   strcmp(cli->dir, ".") == 0 ? _("the current folder") : cli->dir);
}

enum ec_status ec_cli_load(const struct ec_cli *cli, struct ec_config **config, struct ec_err *err) {
    *config = NULL;
    EC_TRY(ec_cli_project(cli, err));
    return ec_cli_config(cli, config, err);
}

enum ec_status ec_cli_source(const struct ec_config *config, const char *name, const struct ec_source **source,
                             struct ec_err *err) {
    *source = ec_config_source(config, name);
    if (*source) return EC_OK;
    const char *names[EC_SOURCES_MAX];
    for (size_t i = 0; i < config->source_count; i++) names[i] = config->source[i].name;
    const char *near = ec_nearest(name, names, config->source_count);
    if (near) return ec_fail(err, EC_USAGE, "there is no source `%s`; did you mean `%s`?", name, near);
    return ec_fail(err, EC_USAGE, "there is no source `%s`; pipeline_config.yaml names the sources", name);
}

int ec_cli_exit(enum ec_status status) {
    int code = ec_exit_of(status);
    return code == EC_EXIT_GATE ? EC_EXIT_RUNTIME : code;
}

enum ec_status ec_cli_option_number(const struct ec_cli *cli, const char *option, int64_t min, int64_t max,
                                    int64_t *value, struct ec_err *err) {
    const char *text = ec_cli_value(cli, option);
    if (!text || ec_cli_number(text, min, max, value, err) == EC_OK) return EC_OK;
    ec_err_context(err, "%s", option);
    return EC_USAGE;
}

const char *ec_cli_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
