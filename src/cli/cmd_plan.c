/* ecluse plan: what a run would do, and why; nothing is written. */
#include "base/calendar.h"
#include "cli/plan_text.h"
#include "cli/project.h"

static enum ec_status take_options(const struct ec_cli *cli, const struct ec_config *config, struct ec_run_options *o,
                                   struct ec_err *err) {
    *o = (struct ec_run_options){.config = config,
                                 .select = cli->many,
                                 .select_count = cli->many_count,
                                 .force = ec_cli_value(cli, "--force") != NULL,
                                 .now_us = ec_now_micros()};
    for (size_t i = 0; i < cli->many_count; i++) {
        const struct ec_source *source;
        EC_TRY(ec_cli_source(config, cli->many[i], &source, err));
    }
    return ec_cli_as_of(cli, &o->as_of, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_config *config;
    struct ec_run_options plan;
    if (ec_cli_value(cli, "--json")) cli->json = true;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status == EC_OK) status = take_options(cli, config, &plan, err);
    if (status == EC_OK) status = ec_plan_print(cli, config, &plan, err);
    ec_config_destroy(config);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--select", "SOURCE", N_("only files of these sources"), true},
    {"--force", NULL, N_("as `run --force`: files that were applied are read again"), false},
    {"--as-of", "YYYY-MM-DD", N_("the run's date (default: today, UTC)"), false},
    {"--json", NULL, N_("the same as --format json"), false},
};

const struct ec_command ec_cmd_plan = {
    .name = "plan",
    .summary = N_("what a run would do: files, tasks and models, and why each"),
    .arguments = "",
    .about = N_("Checks the configuration and the models, looks at data/raw, and says which files a run would\n"
             "read and why (new, changed, its rules changed), as how many tasks, and which models would be\n"
             "computed, in their order. Nothing is written.\n"
             "\n"
             "Example:\n"
             "  ecluse -C shop plan --select sales"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
