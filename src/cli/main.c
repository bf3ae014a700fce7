/* ecluse: finds the command, sets up logging and signals, prints the error that ends it. */
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cli/cli.h"
#include "cli/huge_pages.h"
#include "sql/checkpoint.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const struct ec_command *find_command(const char *name) {
    for (size_t i = 0; i < ec_command_count; i++)
        if (strcmp(ec_commands[i]->name, name) == 0) return ec_commands[i];
    return NULL;
}

static int unknown_command(const char *word) {
    const char *names[32];
    for (size_t i = 0; i < ec_command_count; i++) names[i] = ec_commands[i]->name;
    const char *near = ec_nearest(word, names, ec_command_count);
    (void)fprintf(stderr, _("error [usage]: there is no command `%s`%s%s%s\n  what to do: ecluse --help lists them\n"), word,
                  near ? _("; did you mean `") : "", near ? near : "", near ? _("`?") : "");
    return EC_EXIT_USAGE;
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

/* The path that starts this very binary again, for the workers. */
static const char *own_path(const char *argv0) {
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return argv0;
    path[n] = '\0';
    return path;
}

static int run_command(struct ec_cli *cli, int argc, char **argv) {
    struct ec_err err = {0};
    enum ec_status status = ec_cli_parse(cli, argc, argv, &err);
    int code = ec_exit_of(status);
    struct ec_log_options log = {.level = cli->quiet ? EC_LOG_WARN : cli->verbose ? EC_LOG_DEBUG : EC_LOG_INFO,
                                 .json = cli->log_json,
                                 .color = ec_terminal_color(STDERR_FILENO, cli->color)};
    ec_log_init(&log);
    if (status == EC_OK) code = cli->command->run(cli, &err);
    if (err.status != EC_OK) ec_log_error(&err);
    if (err.status == EC_USAGE && !cli->log_json) (void)fprintf(stderr, _("  help: ecluse %s --help\n"), cli->command->name);
    for (size_t i = 0; i < cli->setting_count; i++) ec_free((char *)(uintptr_t)cli->setting[i].key);
    ec_free(cli->many);
    ec_free(cli->argument);
    ec_log_close();
    return code;
}

static bool pipe_is_closed(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* What was printed must have arrived: a full disk behind a redirection is an error. */
static int check_stdout(int code) {
    errno = 0;
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    int cause = errno;
    char words[96];
    /* Some file systems say only at the end that there was no room. */
    if (!lost && ec_io.close(STDOUT_FILENO) != 0 && errno != EBADF) {
        lost = true;
        cause = errno;
    }
    if (!lost) return code;
    /* A reader that has seen enough, such as head, is no news to anybody, and what was asked for was done. An error of
     * before the last flush is not known by its number any more: whether the pipe is closed can still be asked. */
    if (cause == EPIPE || pipe_is_closed(STDOUT_FILENO)) return code;
    (void)fprintf(stderr, _("error [%s]: the output could not be written%s%s\n"), cause == ENOSPC ? "disk-full" : "io", cause ? _(": ") : "",
                  cause ? ec_language_errno(cause, words, sizeof words) : "");
    return EC_EXIT_RUNTIME;
}

int main(int argc, char **argv) {
    ec_language_init(); /* and no setlocale(): nothing that is read or written for a program follows the locale */
    (void)signal(SIGPIPE, SIG_IGN);   /* a closed pipe is an error of that write */
    ec_delta_read_checkpoints(ec_checkpoint_read);
    struct ec_cli cli = {.dir = ".", .fail_on = "error", .color = true, .program = own_path(argv[0])};
    int at = 1;
    while (at < argc && strcmp(argv[at], "-C") == 0) {
        if (at + 1 >= argc) {
            (void)fprintf(stderr, _("error [usage]: -C needs a folder\n"));
            return EC_EXIT_USAGE;
        }
        cli.dir = argv[at + 1];
        at += 2;
    }
    if (at >= argc) {
        ec_cli_usage(stderr);
        return EC_EXIT_USAGE;
    }
    if (strcmp(argv[at], "--version") == 0) {
        (void)printf("ecluse %s\n", EC_VERSION);
        return check_stdout(EC_EXIT_DONE);
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "help") == 0) {
        ec_cli_usage(stdout);
        return check_stdout(EC_EXIT_DONE);
    }
    cli.command = find_command(argv[at]);
    if (!cli.command) return unknown_command(argv[at]);
    at++;
    if (asks_for_help(argc - at, argv + at)) {
        ec_cli_help(cli.command, stdout);
        return check_stdout(EC_EXIT_DONE);
    }
    if (strcmp(cli.command->name, "run") == 0) ec_huge_pages(cli.program, argv);
    return check_stdout(run_command(&cli, argc - at, argv + at));
}
