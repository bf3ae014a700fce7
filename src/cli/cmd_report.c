/* ecluse report: the validation reports of a run again, and an overview of them. */
#include "cli/last_run.h"
#include "cli/project.h"
#include "cli/show.h"
#include "base/io.h"
#include "quality/report.h"
#include "run/paths.h"

#define JUDGE_ARENA_MAX ((size_t)16 * EC_MIB)

struct overview {
    struct ec_grid grid;
    struct ec_doc doc;
};

static void add_line(struct ec_grid *grid, const struct ec_unit *u, const struct ec_judgement *j, const char *path) {
    struct ec_buf score = ec_buf_make(64);
    ec_percent_add(&score, j->score.overall);
    ec_grid_str(grid, _(ec_verdict_name(j->verdict)));
    ec_grid_text(grid, ec_unit_known(u) ? ec_buf_str(&score) : EC_STR("-"));
    ec_grid_str(grid, u->source_name);
    if (ec_unit_known(u)) {
        ec_grid_count(grid, u->facts.read);
        ec_grid_count(grid, u->facts.quarantined + u->facts.duplicate);
    } else {
        ec_grid_str(grid, NULL);
        ec_grid_str(grid, NULL);
    }
    ec_grid_str(grid, path);
    ec_buf_free(&score);
}

static void write_line(struct ec_json_writer *w, const struct ec_unit *u, const struct ec_judgement *j,
                       const char *path) {
    ec_json_object(w, NULL);
    ec_json_str(w, "path", u->path);
    ec_json_str(w, "member", u->member);
    ec_json_str(w, "source", u->source_name);
    ec_json_str(w, "status", ec_verdict_name(j->verdict));
    ec_json_double(w, "score", ec_percent(j->score.overall));
    ec_json_str(w, "report", path);
    ec_json_end(w);
}

static enum ec_status save(struct overview *o, const char *dir, const struct ec_unit *unit, struct ec_err *err) {
    char name[EC_REPORT_NAME_MAX], path[EC_PATH_MAX];
    struct ec_arena arena;
    struct ec_judgement judgement;
    ec_report_name(unit->label, name);
    EC_TRY(ec_path_join(path, sizeof path, dir, name, err));
    EC_TRY(ec_report_save(dir, unit, NULL, err));
    ec_arena_init(&arena, JUDGE_ARENA_MAX);
    enum ec_status status = ec_judge(unit, &arena, &judgement, err);
    if (status == EC_OK) {
        add_line(&o->grid, unit, &judgement, path);
        write_line(&o->doc.json, unit, &judgement, path);
    }
    ec_arena_deinit(&arena);
    return status;
}

static enum ec_status save_all(const struct ec_cli *cli, const struct ec_last_run *run, struct overview *o,
                               struct ec_err *err) {
    char dir[EC_PATH_MAX];
    EC_TRY(ec_cli_out_dir(cli, dir, err));
    ec_json_object(&o->doc.json, NULL);
    ec_json_str(&o->doc.json, "run", run->facts.run);
    ec_json_array(&o->doc.json, "reports");
    for (size_t i = 0; i < run->facts.unit_count; i++) EC_TRY(save(o, dir, &run->facts.unit[i], err));
    ec_json_end_array(&o->doc.json);
    ec_json_end(&o->doc.json);
    if (cli->json) return ec_doc_print(&o->doc, err);
    EC_TRY(ec_grid_print(&o->grid, stdout, err));
    (void)printf(P_("\n%zu report of run %s written again.\n", "\n%zu reports of run %s written again.\n", run->facts.unit_count),
                 run->facts.unit_count, run->facts.run);
    return EC_OK;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {{N_("STATUS"), false}, {N_("SCORE"), true},    {N_("SOURCE"), false},
                                                    {N_("ROWS"), true},    {N_("REJECTED"), true}, {N_("REPORT"), false}};
    struct ec_config *config;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status != EC_OK) return ec_cli_exit(status);
    struct ec_last_run last;
    struct overview overview;
    ec_grid_init(&overview.grid, columns, sizeof columns / sizeof *columns);
    ec_doc_init(&overview.doc);
    status = ec_last_run_open(cli, config, &last, err);
    if (status == EC_OK) status = save_all(cli, &last, &overview, err);
    ec_last_run_close(&last);
    ec_grid_deinit(&overview.grid);
    ec_doc_deinit(&overview.doc);
    ec_config_destroy(config);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--run", "ID", N_("of this run, by number or name (default: the last)"), false},
    {"--out", "DIR", N_("write them there (default: data/quality)"), false},
};

const struct ec_command ec_cmd_report = {
    .name = "report",
    .summary = N_("write the validation reports again, from the last run's facts"),
    .arguments = "",
    .about = N_("Writes validation_report_<file>.json of every file of the last run again, byte for byte, and\n"
             "lists them. No data are read: the facts were kept with the run.\n"
             "\n"
             "Example:\n"
             "  ecluse -C shop report --run 3 --out /tmp/reports"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
