/* The commands, in the order in which a user meets them. */
#include "cli/cli.h"

const struct ec_command *const ec_commands[] = {
    &ec_cmd_init,      &ec_cmd_generate, &ec_cmd_doctor,     &ec_cmd_plan,    &ec_cmd_run,
    &ec_cmd_watch,     &ec_cmd_validate, &ec_cmd_quarantine, &ec_cmd_history, &ec_cmd_report,
    &ec_cmd_dashboard, &ec_cmd_tables,   &ec_cmd_alerts,     &ec_cmd_archive, &ec_cmd_restore,
    &ec_cmd_explain,   &ec_cmd_worker,
};
const size_t ec_command_count = sizeof ec_commands / sizeof *ec_commands;
