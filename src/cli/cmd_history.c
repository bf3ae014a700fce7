/* ecluse history: the runs and their figures. */
#include "base/inert.h"
#include "base/log.h"
#include "cli/project.h"
#include "cli/show.h"
#include "quality/history.h"
#include "run/paths.h"

#include <math.h>

#define SHOWN_DEFAULT 20

static void add_run(struct ec_grid *grid, const struct ec_history_run *r) {
    char score[64];
    struct ec_buf text = ec_buf_make(sizeof score);
    ec_percent_add(&text, r->score);
    ec_grid_printf(grid, "%llu", (unsigned long long)r->seq);
    ec_grid_printf(grid, "%.*s", (int)strcspn(r->started, "."), r->started); /* to the second, in UTC */
    char took[32], figure[64];
    (void)snprintf(took, sizeof took, "%.1f", r->seconds);
    ec_grid_printf(grid, "%s s", ec_language_figure(took, figure, sizeof figure));
    ec_grid_str(grid, _(ec_verdict_name(r->status)));
    ec_grid_text(grid, isnan(r->score) ? EC_STR("-") : ec_buf_str(&text));
    ec_grid_count(grid, r->files);
    ec_grid_count(grid, r->read);
    ec_grid_count(grid, r->accepted);
    ec_grid_count(grid, r->quarantined);
    ec_grid_count(grid, r->duplicate);
    ec_buf_free(&text);
}

static enum ec_status print_text(const struct ec_history *h, size_t first, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {
        {N_("RUN"), true},   {N_("STARTED"), false}, {N_("TIME"), true},     {N_("STATUS"), false},     {N_("SCORE"), true},
        {N_("FILES"), true}, {N_("ROWS"), true},     {N_("ACCEPTED"), true}, {N_("QUARANTINED"), true}, {N_("DUPLICATE"), true}};
    if (h->run_count == 0) {
        (void)printf(_("No run yet.\n"));
        return EC_OK;
    }
    struct ec_grid grid;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (size_t i = first; i < h->run_count; i++) add_run(&grid, &h->run[i]);
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    if (status == EC_OK && first > 0)
        (void)printf(P_("\n%zu older run: --limit 0 shows all.\n", "\n%zu older runs: --limit 0 shows all.\n", first), first);
    return status;
}

static void write_run(struct ec_json_writer *w, const struct ec_history_run *r) {
    ec_json_object(w, NULL);
    ec_json_str(w, "run", r->run);
    ec_json_uint(w, "seq", r->seq);
    ec_json_str(w, "started", r->started);
    ec_json_double(w, "seconds", r->seconds);
    ec_json_str(w, "status", ec_verdict_name(r->status));
    ec_json_double(w, "score", ec_percent(r->score));
    ec_json_uint(w, "files", r->files);
    ec_json_uint(w, "read", r->read);
    ec_json_uint(w, "accepted", r->accepted);
    ec_json_uint(w, "quarantined", r->quarantined);
    ec_json_uint(w, "duplicate", r->duplicate);
    ec_json_end(w);
}

static enum ec_status print_json(const struct ec_history *h, size_t first, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_uint(&doc.json, "total", h->run_count);
    ec_json_uint(&doc.json, "damaged_lines", h->damaged);
    ec_json_array(&doc.json, "runs");
    for (size_t i = first; i < h->run_count; i++) write_run(&doc.json, &h->run[i]);
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static enum ec_status history(const struct ec_cli *cli, struct ec_err *err) {
    int64_t limit = SHOWN_DEFAULT;
    char path[EC_PATH_MAX];
    EC_TRY(ec_cli_option_number(cli, "--limit", 0, INT64_MAX, &limit, err));
    EC_TRY(ec_cli_project(cli, err));
    EC_TRY(ec_project_path(path, cli->dir, EC_DIR_QUALITY, "history.jsonl", err));
    struct ec_history h;
    enum ec_status status = ec_history_read(path, EC_HISTORY_FIGURES, &h, err);
    size_t first = limit > 0 && h.run_count > (uint64_t)limit ? h.run_count - (size_t)limit : 0;
    if (status == EC_OK && h.damaged > 0)
        ec_log(EC_LOG_WARN, "%s: %zu damaged lines were passed over", path, h.damaged);
    if (status == EC_OK) status = cli->json ? print_json(&h, first, err) : print_text(&h, first, err);
    ec_history_deinit(&h);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    return ec_cli_exit(history(cli, err));
}

static const struct ec_option options[] = {
    {"--limit", "N", N_("the newest N runs, 0 for all (default: 20)"), false},
};

const struct ec_command ec_cmd_history = {
    .name = "history",
    .summary = N_("the runs and their figures"),
    .arguments = "",
    .about = N_("One line for each run that read something, the newest last: when, how long, its verdict (the\n"
             "worst of its files), its score (the mean of its files', weighted by their rows), and its rows.\n"
             "The figures of every file are in data/quality/history.jsonl.\n"
             "\n"
             "Example:\n"
             "  ecluse -C shop history --limit 5"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
