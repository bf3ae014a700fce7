/* ecluse-docs DIR DATE: writes man pages, in each language, and completions below DIR, when the program is built. Not installed. */
#include "base/io.h"
#include "base/limits.h"
#include "cli/docs.h"

static enum ec_status write_out(const char *dir, const char *name, struct ec_buf *text, struct ec_err *err) {
    char path[4096];
    EC_TRY(ec_buf_check(text, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, name, err));
    EC_TRY(ec_file_replace(path, text->p, text->n, err));
    ec_buf_clear(text);
    return EC_OK;
}

/* In the language that is set. */
static enum ec_status write_pages(const char *dir, const char *date, struct ec_buf *text, struct ec_err *err) {
    char name[128];
    EC_TRY(ec_dir_make(dir, err));
    ec_docs_man_program(date, text);
    EC_TRY(write_out(dir, "ecluse.1", text, err));
    for (size_t i = 0; i < ec_command_count; i++) {
        ec_docs_man_command(ec_commands[i], date, text);
        (void)snprintf(name, sizeof name, "ecluse-%s.1", ec_commands[i]->name);
        EC_TRY(write_out(dir, name, text, err));
    }
    return EC_OK;
}

static enum ec_status write_all(const char *dir, const char *date, struct ec_buf *text, struct ec_err *err) {
    EC_TRY(write_pages(dir, date, text, err));
    for (unsigned i = EC_LANGUAGE_EN + 1; i < EC_LANGUAGE_COUNT; i++) {
        char folder[4096];
        ec_language_set((enum ec_language)i);
        EC_TRY(ec_path_join(folder, sizeof folder, dir, ec_language_name((enum ec_language)i), err));
        EC_TRY(write_pages(folder, date, text, err));
    }
    ec_language_set(EC_LANGUAGE_EN);
    ec_docs_bash(text);
    EC_TRY(write_out(dir, "ecluse.bash", text, err));
    ec_docs_zsh(text);
    EC_TRY(write_out(dir, "_ecluse", text, err));
    ec_docs_fish(text);
    return write_out(dir, "ecluse.fish", text, err);
}

int main(int argc, char **argv) {
    struct ec_err err = {0};
    struct ec_buf text = ec_buf_make(EC_MIB);
    if (argc != 3) {
        (void)fprintf(stderr, "usage: ecluse-docs DIR DATE\n");
        return EC_EXIT_USAGE;
    }
    enum ec_status status = write_all(argv[1], argv[2], &text, &err);
    if (status != EC_OK) ec_err_print(&err, stderr);
    ec_buf_free(&text);
    return ec_exit_of(status);
}
