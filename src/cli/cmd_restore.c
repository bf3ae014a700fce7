/* ecluse restore: proves that an archive is whole, and restores it. */
#include "base/inert.h"
#include "cli/cli.h"
#include "cli/project.h"
#include "cli/show.h"
#include "publish/archive.h"
#include "run/paths.h"
#include "run/run.h"

static enum ec_status print_json(const struct ec_archive_made *made, const char *archive, const char *into,
                                 struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_str(&doc.json, "archive", archive);
    ec_json_bool(&doc.json, "whole", true);
    ec_json_uint(&doc.json, "files", made->files);
    ec_json_uint(&doc.json, "bytes", made->bytes);
    ec_json_str(&doc.json, "restored_into", into);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static void print_text(const struct ec_archive_made *made, const char *archive, const char *into) {
    char count[EC_FIGURE_MAX], bytes[EC_FIGURE_MAX];
    ec_inert_print(archive, strlen(archive), stdout);
    (void)printf(_(" is whole: %s files, %s"), ec_figure_count(made->files, count), ec_figure_bytes(made->bytes, bytes));
    if (into) {
        (void)printf(_("; restored into "));
        ec_inert_print(into, strlen(into), stdout);
    }
    (void)printf("\n");
}

/* Where a project lies, no run may be under way while its files come back. */
static enum ec_status restore(const char *archive, const char *into, bool overwrite, struct ec_archive_made *made,
                              struct ec_err *err) {
    int lock = -1;
    char data[EC_PATH_MAX];
    EC_TRY(ec_project_path(data, into, "data", NULL, err));
    if (ec_path_exists(data)) EC_TRY(ec_lock_take(into, &lock, err));
    enum ec_status status = ec_archive_restore(archive, into, overwrite, made, err);
    ec_lock_release(lock);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    const char *archive = cli->argument[0], *into = ec_cli_value(cli, "--into");
    bool only_verify = ec_cli_value(cli, "--verify") != NULL;
    struct ec_archive_made made = {0};
    if (only_verify && (into || ec_cli_value(cli, "--overwrite")))
        return ec_cli_exit(ec_fail(err, EC_USAGE, "--verify restores nothing: leave --into and --overwrite away"));
    if (!into && !only_verify) into = cli->dir;
    enum ec_status status = only_verify ? ec_archive_verify(archive, &made, err)
                                        : restore(archive, into, ec_cli_value(cli, "--overwrite") != NULL, &made, err);
    if (status == EC_OK && cli->json) status = print_json(&made, archive, into, err);
    if (status == EC_OK && !cli->json) print_text(&made, archive, into);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--verify", NULL, N_("prove that the archive is whole; restore nothing"), false},
    {"--into", "DIR", N_("restore into this folder (default: the project folder)"), false},
    {"--overwrite", NULL, N_("replace files that exist"), false},
};

const struct ec_command ec_cmd_restore = {
    .name = "restore",
    .summary = N_("prove that an archive is whole, and restore it"),
    .arguments = "FILE",
    .about = N_("Reads the whole archive and compares every file with the size and SHA-256 that the archive\n"
             "lists. Only if all of them are right, the files are restored; with --verify, none is. Nothing\n"
             "is restored where one of them exists already, unless --overwrite is given.\n"
             "\n"
             "Examples:\n"
             "  ecluse restore --verify shop/data/archive/archive_20250718_1334.tar.gz\n"
             "  ecluse restore shop/data/archive/archive_20250718_1334.tar.gz --into /tmp/look"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
