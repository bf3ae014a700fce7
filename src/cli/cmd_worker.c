/* ecluse worker: tasks on stdin, results on stdout. */
#include "base/io.h"
#include "cli/cli.h"
#include "cli/engine.h"
#include "run/get_worker.h"
#include "run/guard.h"
#include "run/put_worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The same program without the option, under guard. */
static enum ec_status guard(struct ec_cli *cli, const struct ec_config *config, struct ec_err *err) {
    char workers[32];
    (void)snprintf(workers, sizeof workers, "data_workers=%u", config->workers);
    const char **argv = ec_cli_worker_argv(cli, workers);
    if (!argv) return ec_fail(err, EC_NO_MEMORY, "no memory for a worker");
    struct ec_guard_options options = {.argv = argv, .timeout_s = config->timeout_s, .memory_bytes = config->memory_bytes};
    enum ec_status status = ec_guard_run(&options, STDIN_FILENO, STDOUT_FILENO, err);
    ec_free((void *)(uintptr_t)argv);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    bool tied = ec_cli_value(cli, "--tied") != NULL; /* to a driver of this project: its tasks lie in the project's folders */
    if (tied) {
        /* A driver that is killed must not leave workers writing into the next run's staging. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == 1) return EC_EXIT_RUNTIME;
    }
    struct ec_config *config = NULL;
    enum ec_status status = ec_cli_config(cli, &config, err);
    const char *exchange = ec_cli_value(cli, "--exchange");
    if (status == EC_OK && ec_cli_value(cli, "--get"))
        status = ec_get_worker_run(config, exchange, STDIN_FILENO, STDOUT_FILENO, err);
    else if (status == EC_OK && ec_cli_value(cli, "--put"))
        status = ec_put_worker_run(config, exchange, STDIN_FILENO, STDOUT_FILENO, err);
    else if (status == EC_OK && ec_cli_value(cli, "--guarded"))
        status = guard(cli, config, err);
    else if (status == EC_OK)
        status = ec_worker_run(config, tied, STDIN_FILENO, STDOUT_FILENO, err);
    ec_config_destroy(config);
    return ec_exit_of(status);
}

static const struct ec_option options[] = {
    {"--tied", NULL, N_("end when the process that started this one ends, and give up what is not needed"), false},
    {"--guarded", NULL, N_("work in a process that may die: a file that kills it twice is `errored`, and the next one is read"), false},
    {"--put", NULL, N_("put parts of the tables into their store, as lines on stdin say, instead of reading files"), false},
    {"--get", NULL, N_("get what tasks read from stores into staging, as lines on stdin say, instead of reading files"), false},
    {"--exchange", "ADDRESS", N_("of --put and --get: the folder of a store through which machines exchange files"), false},
};

const struct ec_command ec_cmd_worker = {
    .name = "worker",
    .summary = N_("read tasks on stdin and answer results on stdout (for drivers, not for people)"),
    .arguments = "",
    .about = N_("Speaks the worker protocol, version 1: one task per line as JSON on stdin, one result per\n"
             "line as JSON on stdout, until the end of input. `ecluse run` starts its workers this way;\n"
             "Spark's pipe() or a batch scheduler can too. docs/protocol.md describes the lines.\n\n"
             "  ecluse plan --json | …your scheduler… | ecluse -C /shared/shop worker"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
