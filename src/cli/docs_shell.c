/* What shells complete. Names of the tables hold nothing that a shell would read as more than a word; texts are quoted. */
#include "cli/docs.h"

#define MADE "Made from the option tables of the program."

/* Between single quotes; `also` are characters that get a backslash, for what reads the text behind the shell. */
static void add_quoted(const char *text, const char *also, struct ec_buf *out) {
    for (; *text; text++) {
        if (*text == '\'')
            ec_buf_addz(out, "'\\''");
        else if (strchr(also, *text))
            ec_buf_printf(out, "\\%c", *text);
        else
            ec_buf_addc(out, *text);
    }
}

static void add_names(struct ec_buf *out) {
    for (size_t i = 0; i < ec_command_count; i++) ec_buf_printf(out, "%s%s", i > 0 ? " " : "", ec_commands[i]->name);
}

/* ---- bash ---- */

static void add_bash_value(const char *value, struct ec_buf *out) {
    switch (ec_docs_value_kind(value)) {
    case EC_VALUE_WORDS:
    case EC_VALUE_CODE:
        ec_buf_addz(out, "COMPREPLY=($(compgen -W '");
        ec_docs_words(value, " ", out);
        ec_buf_addz(out, "' -- \"$cur\"))");
        break;
    case EC_VALUE_FILE: ec_buf_addz(out, "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))"); break;
    case EC_VALUE_FOLDER: ec_buf_addz(out, "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))"); break;
    case EC_VALUE_OTHER: ec_buf_addz(out, ":"); break;
    }
}

static void add_bash_command(const struct ec_command *command, struct ec_buf *out) {
    const struct ec_option *option;
    ec_buf_printf(out, "    %s)\n        case $prev in\n", command->name);
    for (size_t i = 0; (option = ec_docs_option(command, i)) != NULL; i++) {
        if (!option->value) continue;
        ec_buf_printf(out, "        %s) ", option->name);
        add_bash_value(option->value, out);
        ec_buf_addz(out, "; return ;;\n");
    }
    ec_buf_addz(out, "        esac\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '");
    for (size_t i = 0; (option = ec_docs_option(command, i)) != NULL; i++) ec_buf_printf(out, "%s%s", i > 0 ? " " : "", option->name);
    ec_buf_addz(out, "' -- \"$cur\"))\n        else\n            ");
    add_bash_value(command->arguments, out);
    ec_buf_addz(out, "\n        fi\n        ;;\n");
}

void ec_docs_bash(struct ec_buf *out) {
    ec_buf_addz(out, "# bash completion for ecluse. " MADE "\n# shellcheck shell=bash disable=SC2207\n"
                     "_ecluse() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} at=1\n"
                     "    COMPREPLY=()\n"
                     "    if [[ $cur == = ]]; then # readline takes --option=value for three words\n"
                     "        cur=''\n"
                     "    elif [[ $prev == = ]]; then\n"
                     "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                     "    fi\n"
                     "    while [[ ${COMP_WORDS[at]} == -C ]] && ((at + 1 < COMP_CWORD)); do ((at += 2)); done\n"
                     "    if [[ ${COMP_WORDS[at]} == -C ]] && ((at + 1 == COMP_CWORD)); then\n"
                     "        compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))\n"
                     "        return\n"
                     "    fi\n"
                     "    if ((at == COMP_CWORD)); then\n"
                     "        COMPREPLY=($(compgen -W '-C --help --version help ");
    add_names(out);
    ec_buf_addz(out, "' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[at]} in\n");
    for (size_t i = 0; i < ec_command_count; i++) add_bash_command(ec_commands[i], out);
    ec_buf_addz(out, "    esac\n}\ncomplete -F _ecluse ecluse\n");
}

/* ---- zsh ---- */

static void add_zsh_value(const char *value, struct ec_buf *out) {
    switch (ec_docs_value_kind(value)) {
    case EC_VALUE_WORDS:
    case EC_VALUE_CODE:
        ec_buf_addc(out, '(');
        ec_docs_words(value, " ", out);
        ec_buf_addc(out, ')');
        break;
    case EC_VALUE_FILE: ec_buf_addz(out, "_files"); break;
    case EC_VALUE_FOLDER: ec_buf_addz(out, "_files -/"); break;
    case EC_VALUE_OTHER: ec_buf_addc(out, ' '); break;
    }
}

static void add_zsh_command(const struct ec_command *command, struct ec_buf *out) {
    const struct ec_option *option;
    ec_buf_printf(out, "        %s)\n            _arguments", command->name);
    for (size_t i = 0; (option = ec_docs_option(command, i)) != NULL; i++) {
        ec_buf_printf(out, " \\\n                '%s%s[", option->repeats ? "*" : "", option->name);
        add_quoted(option->help, "[]\\", out);
        ec_buf_addc(out, ']');
        if (option->value) {
            ec_buf_addz(out, ":value:");
            add_zsh_value(option->value, out);
        }
        ec_buf_addc(out, '\'');
    }
    if (*command->arguments) {
        ec_buf_addz(out, " \\\n                '*:argument:");
        add_zsh_value(command->arguments, out);
        ec_buf_addc(out, '\'');
    }
    ec_buf_addz(out, "\n            ;;\n");
}

void ec_docs_zsh(struct ec_buf *out) {
    ec_buf_addz(out, "#compdef ecluse\n# " MADE "\n"
                     "_ecluse() {\n    local curcontext=$curcontext state line\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < ec_command_count; i++) {
        ec_buf_printf(out, "        '%s:", ec_commands[i]->name);
        add_quoted(ec_commands[i]->summary, ":\\", out);
        ec_buf_addz(out, "'\n");
    }
    ec_buf_addz(out, "    )\n"
                     "    _arguments -C '*-C[the project folder]:folder:_files -/' '(- *)--help[the commands]' "
                     "'(- *)--version[the version]' \\\n"
                     "        '1:command:->command' '*::argument:->argument'\n"
                     "    case $state in\n    command) _describe command commands ;;\n    argument)\n        case $words[1] in\n");
    for (size_t i = 0; i < ec_command_count; i++) add_zsh_command(ec_commands[i], out);
    ec_buf_addz(out, "        esac\n        ;;\n    esac\n}\n_ecluse \"$@\"\n");
}

/* ---- fish ---- */

static void add_fish_value(const char *value, struct ec_buf *out) {
    switch (ec_docs_value_kind(value)) {
    case EC_VALUE_WORDS:
    case EC_VALUE_CODE:
        ec_buf_addz(out, " -xa '");
        ec_docs_words(value, " ", out);
        ec_buf_addc(out, '\'');
        break;
    case EC_VALUE_FILE: ec_buf_addz(out, " -rF"); break;
    case EC_VALUE_FOLDER: ec_buf_addz(out, " -xa '(__fish_complete_directories)'"); break;
    case EC_VALUE_OTHER: ec_buf_addz(out, " -x"); break;
    }
}

/* fish has its own escapes between single quotes. */
static void add_fish_text(const char *text, struct ec_buf *out) {
    ec_buf_addz(out, " -d '");
    for (; *text; text++) ec_buf_printf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    ec_buf_addz(out, "'\n");
}

static void add_fish_command(const struct ec_command *command, struct ec_buf *out) {
    const struct ec_option *option;
    for (size_t i = 0; (option = ec_docs_option(command, i)) != NULL; i++) {
        ec_buf_printf(out, "complete -c ecluse -n '__fish_seen_subcommand_from %s' -l %s", command->name, option->name + 2);
        if (option->value) add_fish_value(option->value, out);
        add_fish_text(option->help, out);
    }
    if (!*command->arguments) return;
    ec_buf_printf(out, "complete -c ecluse -n '__fish_seen_subcommand_from %s'", command->name);
    add_fish_value(command->arguments, out);
    ec_buf_addc(out, '\n');
}

void ec_docs_fish(struct ec_buf *out) {
    ec_buf_addz(out, "# fish completion for ecluse. " MADE "\ncomplete -c ecluse -f\n"
                     "complete -c ecluse -s C -xa '(__fish_complete_directories)' -d 'the project folder'\n");
    for (size_t i = 0; i < ec_command_count; i++) {
        ec_buf_addz(out, "complete -c ecluse -n 'not __fish_seen_subcommand_from ");
        add_names(out);
        ec_buf_printf(out, "' -a %s", ec_commands[i]->name);
        add_fish_text(ec_commands[i]->summary, out);
    }
    for (size_t i = 0; i < ec_command_count; i++) add_fish_command(ec_commands[i], out);
}
