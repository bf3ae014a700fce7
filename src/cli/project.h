/* What commands ask of the project folder before they start. */
#ifndef EC_CLI_PROJECT_H
#define EC_CLI_PROJECT_H

#include "cli/cli.h"

/* That -C names a project: EC_USAGE says how to make one. For commands that need no
 * configuration, so that a wrong folder is not taken for an empty one. */
enum ec_status ec_cli_project(const struct ec_cli *cli, struct ec_err *err) EC_MUST_USE;

/* Such as ec_cli_config(), behind that check. */
enum ec_status ec_cli_load(const struct ec_cli *cli, struct ec_config **config, struct ec_err *err) EC_MUST_USE;

/* The configured source of that name; EC_USAGE names the nearest. */
enum ec_status ec_cli_source(const struct ec_config *config, const char *name, const struct ec_source **source,
                             struct ec_err *err) EC_MUST_USE;

/* The exit code of a command that passes no judgement on files: what makes a file fail its gate
 * elsewhere (a damaged archive, an unreadable file) is a plain error there. */
int ec_cli_exit(enum ec_status status);

/* A whole number as the value of an option; `value` is left as it is where it was not given. */
enum ec_status ec_cli_option_number(const struct ec_cli *cli, const char *option, int64_t min, int64_t max,
                                    int64_t *value, struct ec_err *err) EC_MUST_USE;

/* The last component of a path. */
const char *ec_cli_base_name(const char *path);

#endif
