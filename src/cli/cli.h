/* The command line: one table per command says its options, and is what parses them, prints
 * --help, and what man pages and completions are made of (docs.h).
 */
#ifndef EC_CLI_CLI_H
#define EC_CLI_CLI_H

#include "config/config.h"
#include "publish/results.h"

#define EC_SETTINGS_MAX 64u
#define EC_OPTIONS_MAX 32u

struct ec_option {
    const char *name;  /* "--jobs" */
    const char *value; /* "N"; NULL: a flag */
    const char *help;
    bool repeats; /* takes several values: "--select a b --select c" */
};

struct ec_cli {
    const char *program; /* path of this binary, to start workers with */
    const char *dir;     /* -C: the project folder */
    struct ec_setting setting[EC_SETTINGS_MAX];
    size_t setting_count;
    bool json, quiet, verbose, color, log_json; /* color: not forbidden; base/terminal.h decides */
    enum ec_result_format format;               /* json: it is EC_RESULT_JSON */
    const char *fail_on; /* "error", "warn", "never" */
    const struct ec_command *command;
    int argc; /* the words behind the command's name, as they came */
    char **argv;
    const char *value[EC_OPTIONS_MAX]; /* per option of the command; "" for a flag that is set */
    const char **many;                 /* values of the one option that repeats */
    size_t many_count;
    const char **argument; /* what is no option */
    size_t argument_count;
};

struct ec_command {
    const char *name;
    const char *summary;   /* one line */
    const char *arguments; /* "FILE…" or "" */
    const char *about;     /* what it does, in a paragraph or two, with an example */
    const struct ec_option *option;
    size_t option_count;
    size_t arguments_min, arguments_max;
    bool results; /* --format also takes the formats for programs: junit, markdown, github */
    /* Returns the exit code. *err is printed by main where it holds an error. */
    int (*run)(struct ec_cli *cli, struct ec_err *err);
};

extern const struct ec_command ec_cmd_tables, ec_cmd_init, ec_cmd_generate, ec_cmd_run, ec_cmd_plan, ec_cmd_validate, ec_cmd_quarantine,
    ec_cmd_report, ec_cmd_dashboard, ec_cmd_history, ec_cmd_archive, ec_cmd_restore, ec_cmd_doctor, ec_cmd_explain,
    ec_cmd_worker, ec_cmd_watch, ec_cmd_alerts;

/* What every command takes. */
extern const struct ec_option ec_common_options[];
extern const size_t ec_common_option_count;

extern const struct ec_command *const ec_commands[];
extern const size_t ec_command_count;

/* Parses argv behind the command's name. EC_USAGE names the wrong word and the nearest right one. */
enum ec_status ec_cli_parse(struct ec_cli *cli, int argc, char **argv, struct ec_err *err) EC_MUST_USE;
void ec_cli_help(const struct ec_command *command, FILE *out);
void ec_cli_usage(FILE *out); /* of the program: all commands */

/* The value of an option of the command, NULL where it was not given. */
const char *ec_cli_value(const struct ec_cli *cli, const char *name);

/* Loads the project's configuration with the --set values. */
enum ec_status ec_cli_config(const struct ec_cli *cli, struct ec_config **config, struct ec_err *err) EC_MUST_USE;

/* --as-of YYYY-MM-DD, or today (UTC). */
enum ec_status ec_cli_as_of(const struct ec_cli *cli, int32_t *as_of, struct ec_err *err) EC_MUST_USE;

/* A size as people write it: 200, 64KB, 1.5GB (powers of 1000), 1GiB (of 1024). */
enum ec_status ec_cli_bytes(const char *text, uint64_t *bytes, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_cli_number(const char *text, int64_t min, int64_t max, int64_t *value, struct ec_err *err) EC_MUST_USE;

static inline int ec_exit_of(enum ec_status status) { return ec_status_text(status)->exit_code; }

#endif
