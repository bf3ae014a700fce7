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

/* The last component of a path. */
const char *ec_cli_base_name(const char *path);

#endif
