/* ecluse dashboard: the page of a run again. */
#include "base/inert.h"
#include "base/io.h"
#include "base/log.h"
#include "cli/last_run.h"
#include "cli/project.h"
#include "cli/show.h"
#include "publish/page_file.h"
#include "run/deliver.h"
#include "run/page_facts.h"
#include "run/paths.h"

/* The run's archive, if it made one: the page names it once it is proved to be whole still. */
static enum ec_status add_archive(const struct ec_config *config, struct ec_last_run *last, struct ec_err *err) {
    char mark[EC_PATH_MAX];
    EC_TRY(ec_manifest_path(mark, config->dir, last->manifest.seq, ".archived", err));
    if (!ec_path_exists(mark)) return EC_OK;
    struct ec_finish_options options = {.config = config, .manifest = &last->manifest, .facts = &last->facts};
    struct ec_err cause = {0};
    if (ec_deliver_archive(&options, &cause) != EC_OK)
        ec_log(EC_LOG_WARN, "the page does not name the run's archive: %s", cause.message);
    return EC_OK;
}

static enum ec_status draw(const struct ec_cli *cli, const struct ec_page_facts *page, const struct ec_last_run *last,
                           struct ec_err *err) {
    char dir[EC_PATH_MAX], path[EC_PATH_MAX];
    EC_TRY(ec_cli_out_dir(cli, dir, err));
    EC_TRY(ec_page_facts_publish(page, dir, NULL, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, EC_PAGE_NAME, err));
    if (!cli->json) {
        ec_inert_print(path, strlen(path), stdout);
        (void)printf("\n");
        return EC_OK;
    }
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_str(&doc.json, "run", last->facts.run);
    ec_json_str(&doc.json, "dashboard", path);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

/* The page's facts as one JSON object on stdout; writes no file. */
static enum ec_status print_facts(const struct ec_page_facts *page, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_PAGE_FACTS_MAX);
    enum ec_status status = ec_page_facts_write(page, &text, err);
    ec_buf_addc(&text, '\n');
    if (status == EC_OK) status = ec_buf_check(&text, err);
    if (status == EC_OK && fwrite(text.p, 1, text.n, stdout) != text.n)
        status = ec_fail_errno(err, EC_IO, "cannot write to standard output");
    ec_buf_free(&text);
    return status;
}

static enum ec_status show(const struct ec_cli *cli, const struct ec_config *config, struct ec_last_run *last, struct ec_err *err) {
    struct ec_page_facts *page;
    struct ec_page_facts_options options = {.config = config, .manifest = &last->manifest, .facts = &last->facts};
    EC_TRY(add_archive(config, last, err));
    EC_TRY(ec_page_facts_gather(&options, &page, err));
    enum ec_status status = ec_cli_value(cli, "--facts") ? print_facts(page, err) : draw(cli, page, last, err);
    ec_page_facts_release(page);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_config *config;
    struct ec_last_run last;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status != EC_OK) return ec_cli_exit(status);
    status = ec_last_run_open(cli, config, &last, err);
    if (status == EC_OK) status = show(cli, config, &last, err);
    ec_last_run_close(&last);
    ec_config_destroy(config);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--run", "ID", N_("of this run, by number or name (default: the last)"), false},
    {"--out", "DIR", N_("write it there (default: data/quality)"), false},
    {"--facts", NULL, N_("print what the page shows, as JSON, and write nothing"), false},
};

const struct ec_command ec_cmd_dashboard = {
    .name = "dashboard",
    .summary = N_("draw the page again, from the last run's facts"),
    .arguments = "",
    .about = N_("Writes dashboard.html of the last run again and prints its path: one file that needs no\n"
             "network. The run's archive is verified before the page names it.\n"
             "\n"
             "Example:\n"
             "  xdg-open \"$(ecluse -C shop dashboard)\""),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
