/* Printing what a run would do; shared by `plan` and `run --dry-run`. */
#ifndef EC_CLI_PLAN_PRINT_H
#define EC_CLI_PLAN_PRINT_H

#include "cli/cli.h"
#include "run/run.h"

enum ec_status ec_plan_print(const struct ec_cli *cli, const struct ec_config *config, const struct ec_run_options *options,
                             struct ec_err *err) EC_MUST_USE;

#endif
