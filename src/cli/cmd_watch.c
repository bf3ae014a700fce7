/* ecluse watch: a run for every drop, when it is complete. */
#include "base/io.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/project.h"
#include "run/paths.h"
#include "watch/watch.h"

/* Words of the run besides --set and its values. */
#define WORDS_MAX 16u

/* This binary again, for a run of the same project with the same options. */
static const char **run_argv(const struct ec_cli *cli) {
    const char **argv = ec_calloc(WORDS_MAX + 2 * cli->setting_count + 1, sizeof *argv);
    if (!argv) return NULL;
    size_t n = 0;
    argv[n++] = cli->program;
    argv[n++] = "-C";
    argv[n++] = cli->dir;
    argv[n++] = "run";
    if (cli->quiet) argv[n++] = "--quiet";
    if (cli->verbose) argv[n++] = "--verbose";
    if (!cli->color) argv[n++] = "--no-color";
    if (cli->json) argv[n++] = "--format=json";
    if (cli->log_json) argv[n++] = "--log-format=json";
    if (ec_cli_value(cli, "--no-archive")) argv[n++] = "--no-archive";
    argv[n++] = "--fail-on";
    argv[n++] = cli->fail_on;
    const char *jobs = ec_cli_value(cli, "--jobs");
    if (jobs) {
        argv[n++] = "--jobs";
        argv[n++] = jobs;
    }
    for (size_t i = 0; i < cli->setting_count; i++) {
        /* parse.c split KEY=VALUE in place: the value stands behind the key's NUL. */
        ((char *)(uintptr_t)cli->setting[i].value)[-1] = '=';
        argv[n++] = "--set";
        argv[n++] = cli->setting[i].key;
    }
    return argv;
}

static enum ec_status take_options(const struct ec_cli *cli, struct ec_watch_options *o, struct ec_err *err) {
    struct ec_config *config;
    int64_t jobs = 0, quiet;
    EC_TRY(ec_cli_load(cli, &config, err));
    quiet = config->watch_quiet_s;
    o->poll_s = config->watch_poll_s;
    o->retry_s = config->watch_retry_s;
    ec_config_destroy(config);
    EC_TRY(ec_cli_option_number(cli, "--quiet-seconds", 1, EC_WATCH_SECONDS_MAX, &quiet, err));
    EC_TRY(ec_cli_option_number(cli, "--jobs", 1, EC_JOBS_MAX, &jobs, err));
    o->quiet_s = (unsigned)quiet;
    o->events = ec_cli_value(cli, "--poll") == NULL;
    o->once = ec_cli_value(cli, "--once") != NULL;
    return EC_OK;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    struct ec_watch_options options = {.dir = dir};
    int code = EC_EXIT_DONE;
    enum ec_status status = take_options(cli, &options, err);
    if (status == EC_OK) status = ec_project_path(dir, cli->dir, EC_DIR_RAW, NULL, err);
    if (status != EC_OK) return ec_exit_of(status);
    const char **argv = run_argv(cli);
    if (!argv) return ec_exit_of(ec_fail(err, EC_NO_MEMORY, "no memory for the command line"));
    options.argv = argv;
    status = ec_watch(&options, &code, err);
    ec_free(argv);
    return status == EC_OK ? code : ec_exit_of(status);
}

static const struct ec_option options[] = {
    {"--quiet-seconds", "N", N_("a drop is complete when nothing has changed for N seconds (default: watch.quiet_seconds)"), false},
    {"--poll", NULL, N_("look at intervals (watch.poll_seconds) instead of asking the kernel"), false},
    {"--once", NULL, N_("end after one run, with its exit code"), false},
    {"--jobs", "N", N_("as `run --jobs`"), false},
    {"--no-archive", NULL, N_("as `run --no-archive`"), false},
};

const struct ec_command ec_cmd_watch = {
    .name = "watch",
    .summary = N_("wait for drops in data/raw, and run when one is complete"),
    .arguments = "",
    .about = N_("Runs once at the start, then whenever files have come into data/raw, nothing has changed there\n"
             "for a while (watch.quiet_seconds, 30) and nobody holds one of them open for writing. A run that\n"
             "fails is repeated later, with growing intervals; behind another run's lock it waits. SIGTERM and\n"
             "SIGINT end it, after the run that is under way has ended by the same signal.\n\n"
             "  ecluse -C shop watch\n"
             "  ecluse -C shop watch --quiet-seconds 120 --log-format json"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
