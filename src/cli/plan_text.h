/* What a run would do, printed on stdout: `ecluse plan` and `ecluse run --dry-run`. */
#ifndef EC_CLI_PLAN_TEXT_H
#define EC_CLI_PLAN_TEXT_H

#include "cli/cli.h"
#include "run/run.h"

/* Checks the models, makes the plan of a run with these options and prints it as cli->json says:
 * files and tasks with their cause, models in their order. Nothing is written. */
enum ec_status ec_plan_print(const struct ec_cli *cli, const struct ec_config *config, const struct ec_run_options *run,
                             struct ec_err *err) EC_MUST_USE;

#endif
