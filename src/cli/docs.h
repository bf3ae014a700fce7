/* Man pages and completions of shells, made of the option tables when the program is built, so that
 * they say what the program does. Used by docs_main.c alone.
 */
#ifndef EC_CLI_DOCS_H
#define EC_CLI_DOCS_H

#include "base/buf.h"
#include "cli/cli.h"

/* ecluse(1), and ecluse-COMMAND(1), in the macros of man(7); `date` as YYYY-MM-DD. */
void ec_docs_man_program(const char *date, struct ec_buf *out);
void ec_docs_man_command(const struct ec_command *command, const char *date, struct ec_buf *out);

void ec_docs_bash(struct ec_buf *out);
void ec_docs_zsh(struct ec_buf *out);
void ec_docs_fish(struct ec_buf *out);

/* What a value or an argument is, by what its table calls it. */
enum ec_value_kind {
    EC_VALUE_OTHER,
    EC_VALUE_WORDS,  /* "text|json": one of them */
    EC_VALUE_FILE,   /* FILE, FILE... */
    EC_VALUE_FOLDER, /* DIR */
    EC_VALUE_CODE,   /* CODE: of an error or a reason */
};
enum ec_value_kind ec_docs_value_kind(const char *value);

/* The words of a value, or the codes, with `between` between them. */
void ec_docs_words(const char *value, const char *between, struct ec_buf *out);
/* Every option of the command and the common ones, in their order; NULL behind the last. */
const struct ec_option *ec_docs_option(const struct ec_command *command, size_t i);

#endif
