/* Options from the tables. */
#include "cli/cli.h"

#include "base/calendar.h"
#include "base/io.h"
#include "read/cell.h"

#include <errno.h>

#include <strings.h>

const struct ec_option ec_common_options[] = {
    {"--format", "text|json", N_("how results are printed on stdout (default: text)"), false},
    {"--quiet", NULL, N_("only warnings and errors on stderr, no progress"), false},
    {"--verbose", NULL, N_("also what happens inside, on stderr"), false},
    {"--no-color", NULL, N_("no colours (also: NO_COLOR in the environment)"), false},
    {"--fail-on", "error|warn|never", N_("what makes the exit code 1 (default: error)"), false},
    {"--log-format", "text|json", N_("how log lines are written on stderr"), false},
    {"--set", "KEY=VALUE", N_("a setting of pipeline_config.yaml for this call, such as data_workers=4"), true},
    {"--help", NULL, N_("this text"), false},
};
#define COMMON_COUNT (sizeof ec_common_options / sizeof *ec_common_options)
const size_t ec_common_option_count = COMMON_COUNT;

static enum ec_status choose(const char *option, const char *value, const char *a, const char *b, const char *c,
                             struct ec_err *err) {
    if (strcmp(value, a) == 0 || strcmp(value, b) == 0 || (c && strcmp(value, c) == 0)) return EC_OK;
    return ec_fail(err, EC_USAGE, "%s takes %s%s%s%s%s, not `%s`", option, a, c ? ", " : _(" or "), b, c ? _(" or ") : "", c ? c : "",
                   value);
}

static enum ec_status add_setting(struct ec_cli *cli, const char *text, struct ec_err *err) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) return ec_fail(err, EC_USAGE, "--set takes KEY=VALUE, not `%s`", text);
    if (cli->setting_count == EC_SETTINGS_MAX) return ec_fail(err, EC_USAGE, "more than %u --set", EC_SETTINGS_MAX);
    char *key = ec_strdup(text);
    if (!key) return ec_fail(err, EC_NO_MEMORY, "no memory for the command line");
    key[equals - text] = '\0';
    cli->setting[cli->setting_count++] = (struct ec_setting){key, key + (equals - text) + 1};
    return EC_OK;
}

static enum ec_status set_format(struct ec_cli *cli, const char *value, struct ec_err *err) {
    unsigned known = 0;
    while (known < EC_RESULT_COUNT && strcmp(value, ec_result_format_name((enum ec_result_format)known)) != 0) known++;
    cli->format = (enum ec_result_format)known;
    cli->json = cli->format == EC_RESULT_JSON;
    if (cli->format <= EC_RESULT_JSON || (known < EC_RESULT_COUNT && cli->command->results)) return EC_OK;
    if (known < EC_RESULT_COUNT)
        return ec_fail(err, EC_USAGE, "--format %s is of `ecluse run` and `ecluse validate`; `ecluse %s` takes text or json", value,
                       cli->command->name);
    if (cli->command->results)
        return ec_fail(err, EC_USAGE, "--format takes text, json, junit, markdown or github, not `%s`", value);
    return ec_fail(err, EC_USAGE, "--format takes text or json, not `%s`", value);
}

static enum ec_status set_common(struct ec_cli *cli, const char *name, const char *value, struct ec_err *err) {
    if (strcmp(name, "--quiet") == 0) cli->quiet = true;
    if (strcmp(name, "--verbose") == 0) cli->verbose = true;
    if (strcmp(name, "--no-color") == 0) cli->color = false;
    if (strcmp(name, "--set") == 0) return add_setting(cli, value, err);
    if (strcmp(name, "--fail-on") == 0) {
        cli->fail_on = value;
        return choose(name, value, "error", "warn", "never", err);
    }
    if (strcmp(name, "--format") == 0) return set_format(cli, value, err);
    if (strcmp(name, "--log-format") == 0) {
        cli->log_json = strcmp(value, "json") == 0;
        return choose(name, value, "text", "json", NULL, err);
    }
    return EC_OK;
}

static const struct ec_option *find(const struct ec_option *option, size_t count, const char *word, size_t n) {
    for (size_t i = 0; i < count; i++)
        if (strlen(option[i].name) == n && strncmp(option[i].name, word, n) == 0) return &option[i];
    return NULL;
}

static enum ec_status unknown_option(const struct ec_cli *cli, const char *word, struct ec_err *err) {
    const char *names[EC_OPTIONS_MAX + COMMON_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < cli->command->option_count; i++) names[n++] = cli->command->option[i].name;
    for (size_t i = 0; i < COMMON_COUNT; i++) names[n++] = ec_common_options[i].name;
    const char *near = ec_nearest(word, names, n);
    return ec_fail(err, EC_USAGE, "`ecluse %s` has no option `%s`%s%s%s", cli->command->name, word,
                   near ? _("; did you mean `") : "", near ? near : "", near ? _("`?") : "");
}

/* argv[*i] is an option; takes its value from the same or the next word. */
static enum ec_status parse_option(struct ec_cli *cli, int argc, char **argv, int *i, struct ec_err *err) {
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    bool own = true;
    const struct ec_option *option = find(cli->command->option, cli->command->option_count, word, n);
    if (!option) {
        own = false;
        option = find(ec_common_options, COMMON_COUNT, word, n);
    }
    if (!option) return unknown_option(cli, word, err);
    const char *value = equals ? equals + 1 : "";
    if (!option->value && equals) return ec_fail(err, EC_USAGE, "%s takes no value", option->name);
    if (option->value && !equals) {
        if (*i + 1 >= argc) return ec_fail(err, EC_USAGE, "%s needs a value: %s", option->name, option->value);
        value = argv[++*i];
    }
    if (!own) return set_common(cli, option->name, value, err);
    if (option->repeats) {
        cli->many[cli->many_count++] = value;
        while (*i + 1 < argc && argv[*i + 1][0] != '-') cli->many[cli->many_count++] = argv[++*i];
    }
    cli->value[option - cli->command->option] = value;
    return EC_OK;
}

enum ec_status ec_cli_parse(struct ec_cli *cli, int argc, char **argv, struct ec_err *err) {
    cli->argc = argc;
    cli->argv = argv;
    cli->many = ec_calloc((size_t)argc + 1, sizeof *cli->many);
    cli->argument = ec_calloc((size_t)argc + 1, sizeof *cli->argument);
    if (!cli->many || !cli->argument) return ec_fail(err, EC_NO_MEMORY, "no memory for the command line");
    bool options = true;
    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
            EC_TRY(parse_option(cli, argc, argv, &i, err));
        else
            cli->argument[cli->argument_count++] = argv[i];
    }
    const struct ec_command *c = cli->command;
    if (cli->argument_count < c->arguments_min)
        return ec_fail(err, EC_USAGE, "`ecluse %s` needs %s", c->name, c->arguments);
    if (cli->argument_count > c->arguments_max)
        return ec_fail(err, EC_USAGE, "`ecluse %s` does not take `%s`", c->name, cli->argument[c->arguments_max]);
    return EC_OK;
}

const char *ec_cli_value(const struct ec_cli *cli, const char *name) {
    const struct ec_option *option = find(cli->command->option, cli->command->option_count, name, strlen(name));
    return option ? cli->value[option - cli->command->option] : NULL;
}

static void print_options(const struct ec_option *option, size_t count, FILE *out) {
    for (size_t i = 0; i < count; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%s%s%s", option[i].name, option[i].value ? " " : "",
                       option[i].value ? option[i].value : "", option[i].repeats ? "…" : "");
        (void)fprintf(out, "  %-28s %s\n", left, _(option[i].help));
    }
}

void ec_cli_help(const struct ec_command *c, FILE *out) {
    (void)fprintf(out, _("ecluse %s - %s\n\nUsage: ecluse [-C DIR] %s%s%s [options]\n\n%s\n"), c->name, _(c->summary), c->name,
                  *c->arguments ? " " : "", c->arguments, _(c->about));
    if (c->option_count > 0) {
        (void)fprintf(out, _("\nOptions:\n"));
        print_options(c->option, c->option_count, out);
    }
    (void)fprintf(out, _("\nCommon options:\n"));
    print_options(ec_common_options, COMMON_COUNT, out);
    if (c->results)
        (void)fprintf(out, _("\n--format also takes junit (XML for CI servers), markdown, and github (annotations, and a summary\n"
                           "appended to the file that GITHUB_STEP_SUMMARY names).\n"));
    (void)fprintf(out, _("\nExit codes: 0 done, 1 a quality gate failed, 2 bad usage or configuration, 3 runtime or I/O error,\n"
                       "4 data are fine but a delivery failed, 5 another run holds the lock, 130/143 interrupted.\n"));
}

void ec_cli_usage(FILE *out) {
    (void)fprintf(out, _("ecluse %s - checks the files that shops drop, row by row, and turns them into tables to trust\n\n"
                       "Usage: ecluse [-C DIR] COMMAND [options]      DIR: the project folder (default: the current one)\n\n"
                       "Commands:\n"),
                  EC_VERSION);
    for (size_t i = 0; i < ec_command_count; i++)
        (void)fprintf(out, "  %-12s %s\n", ec_commands[i]->name, _(ec_commands[i]->summary));
    (void)fprintf(out, _("\nFirst steps:\n"
                       "  ecluse init shop && ecluse generate shop/data/raw && ecluse -C shop run\n\n"
                       "`ecluse COMMAND --help` says more, `ecluse explain CODE` what an error or a reason means.\n"));
}

enum ec_status ec_cli_config(const struct ec_cli *cli, struct ec_config **config, struct ec_err *err) {
    enum ec_status status = ec_config_load(cli->dir, cli->setting, cli->setting_count, config, err);
    if (status == EC_OK && (*config)->language != EC_LANGUAGE_COUNT) ec_language_set((*config)->language);
    if (status == EC_OK || !err || err->sys_errno != ENOENT) return status;
    err->status = EC_CONFIG; /* a file that is not there is for the user to write, not for the disk */
    return EC_CONFIG;
}

enum ec_status ec_cli_as_of(const struct ec_cli *cli, int32_t *as_of, struct ec_err *err) {
    const char *text = ec_cli_value(cli, "--as-of");
    *as_of = ec_days_from_micros(ec_now_micros());
    if (!text || ec_date_parse(text, strlen(text), as_of)) return EC_OK;
    return ec_fail(err, EC_USAGE, "--as-of takes a day as YYYY-MM-DD, not `%s`", text);
}

enum ec_status ec_cli_bytes(const char *text, uint64_t *bytes, struct ec_err *err) {
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},       {"B", 1},       {"K", 1e3},           {"KB", 1e3},          {"KiB", 1024}, {"M", 1e6}, {"MB", 1e6},
                 {"MiB", 1048576}, {"G", 1e9}, {"GB", 1e9}, {"GiB", 1073741824.0}, {"T", 1e12}, {"TB", 1e12}};
    size_t n = strspn(text, "0123456789.");
    double value;
    for (size_t i = 0; n > 0 && i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(text + n, units[i].unit) != 0) continue; /* kB, KB and kb mean the same */
        if (!ec_double_parse(text, n, &value) || value * units[i].factor > 1e15) break;
        *bytes = (uint64_t)(value * units[i].factor);
        return EC_OK;
    }
    return ec_fail(err, EC_USAGE, "`%s` is not a size such as 500MB, 1.5GB or 2GiB", text);
}

enum ec_status ec_cli_number(const char *text, int64_t min, int64_t max, int64_t *value, struct ec_err *err) {
    if (ec_integer_parse(text, strlen(text), value) && *value >= min && *value <= max) return EC_OK;
    return ec_fail(err, EC_USAGE, "`%s` is not a whole number from %lld to %lld", text, (long long)min, (long long)max);
}
