/* ecluse init: a working project to start from. */
#include "cli/cli.h"
#include "cli/project.h"
#include "cli/show.h"

#include "base/inert.h"

#define KEPT_MAX ((size_t)1 << 20)

static void print_kept(const char *kept) {
    for (const char *line = kept; *line;) {
        size_t n = strcspn(line, "\n");
        (void)printf(_("  kept as it was: "));
        ec_inert_print(line, n, stdout);
        (void)printf("\n");
        line += n + (line[n] == '\n');
    }
}

static void print_path(const char *before, const char *path, const char *after) {
    (void)printf("%s", before);
    ec_inert_print(path, strlen(path), stdout);
    (void)printf("%s", after);
}

static void print_text(const char *dir, const char *kept) {
    bool here = strcmp(dir, ".") == 0;
    print_path(_("A project is in "), here ? _("this folder") : dir, _(": config/ transformations/ data/ logs/\n"));
    print_kept(kept);
    print_path(_("\nNext:\n  drop files into data/raw, or make some:  ecluse generate "), here ? "data/raw" : dir,
               here ? " --size 50MB\n" : "/data/raw --size 50MB\n");
    print_path(_("  see what a run would do:                 ecluse "), here ? "plan" : "-C ", "");
    print_path("", here ? "" : dir, here ? "\n" : " plan\n");
    print_path(_("  run:                                     ecluse "), here ? "run" : "-C ", "");
    print_path("", here ? "" : dir, here ? "\n" : " run\n");
}

static enum ec_status print_json(const char *dir, const char *kept, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_str(&doc.json, "project", dir);
    ec_json_array(&doc.json, "kept");
    for (const char *line = kept; *line;) {
        size_t n = strcspn(line, "\n");
        ec_json_text(&doc.json, NULL, (struct ec_str){line, n});
        line += n + (line[n] == '\n');
    }
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    const char *dir = cli->argument_count ? cli->argument[0] : cli->dir;
    struct ec_buf kept = ec_buf_make(KEPT_MAX);
    enum ec_status status = ec_project_init(dir, &kept, err);
    if (status == EC_OK && cli->json) status = print_json(dir, ec_buf_str(&kept).p, err);
    if (status == EC_OK && !cli->json) print_text(dir, ec_buf_str(&kept).p);
    ec_buf_free(&kept);
    return ec_cli_exit(status);
}

const struct ec_command ec_cmd_init = {
    .name = "init",
    .summary = N_("write a working project: configuration, models, folders"),
    .arguments = "[DIR]",
    .about = N_("Writes the four configuration files, the models and the folders of the sample shop into\n"
             "DIR (default: the project folder). Files that exist are kept as they are, and named.\n"
             "\n"
             "Example:\n"
             "  ecluse init shop"),
    .arguments_max = 1,
    .run = run,
};
