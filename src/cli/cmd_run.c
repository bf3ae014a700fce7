/* ecluse run: the whole pipeline. */
#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cli/cli.h"
#include "cli/engine.h"
#include "cli/plan_text.h"
#include "cli/project.h"
#include "cli/results_out.h"
#include "publish/summary.h"
#include "publish/visible.h"
#include "run/alerts.h"
#include "run/paths.h"
#include "run/run.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_signal(int number) { caught = number; }

static bool cancelled(void) { return caught != 0; }

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* logs/pipeline_YYYYMMDD_HHMMSS.log */
static enum ec_status open_log(const struct ec_cli *cli, int64_t now_us, struct ec_err *err) {
    char label[16], dir[EC_PATH_MAX], name[64], path[EC_PATH_MAX];
    ec_time_label(now_us, label);
    (void)snprintf(name, sizeof name, "pipeline_%s.log", label);
    EC_TRY(ec_project_path(dir, cli->dir, EC_DIR_LOGS, NULL, err));
    EC_TRY(ec_dir_make(dir, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, name, err));
    return ec_log_to_file(path, err);
}

static int exit_of_verdict(const struct ec_cli *cli, const struct ec_run_outcome *outcome, bool printed) {
    /* "4: data are fine" is not to be said of data that are not: the gate comes first. */
    const uint64_t *verdicts = outcome->facts.totals.verdicts;
    bool gates = strcmp(cli->fail_on, "never") != 0;
    if (gates && verdicts[EC_VERDICT_FAILED] + verdicts[EC_VERDICT_ERRORED] > 0) return EC_EXIT_GATE;
    if (strcmp(cli->fail_on, "warn") == 0 && verdicts[EC_VERDICT_WARNED] > 0) return EC_EXIT_GATE;
    return outcome->problems.n > 0 || !printed ? EC_EXIT_DELIVERY : EC_EXIT_DONE;
}

static void add_nothing(const struct ec_cli *cli, const struct ec_run_outcome *outcome, struct ec_buf *out) {
    if (cli->json)
        ec_buf_printf(out, "{\"status\":\"nothing-to-do\",\"applied_before\":%zu}\n", outcome->applied_before);
    else if (outcome->applied_before == 1)
        ec_buf_addz(out, _("✔ nothing to do: the one file is already applied\n"));
    else if (outcome->applied_before > 0)
        ec_buf_printf(out, _("✔ nothing to do: all %zu files are already applied\n"), outcome->applied_before);
    else
        ec_buf_addz(out, _("✔ nothing to do: no file in data/raw belongs to a source\n"));
}

/* They name files, and a name can hold what commands a terminal. */
static void add_problems(const struct ec_buf *problems, struct ec_buf *out) {
    const char *p = problems->p, *end = problems->p + problems->n;
    ec_buf_addz(out, _("✖ not delivered:\n"));
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        ec_visible_add(out, (struct ec_str){p, n});
        ec_buf_addc(out, '\n');
        p += n + (eol != NULL);
    }
}

static enum ec_status add_summary(const struct ec_cli *cli, const struct ec_run_outcome *outcome, const struct ec_timing *timing,
                                  struct ec_buf *out, struct ec_err *err) {
    if (cli->json) return ec_summary_write(&outcome->facts, timing, true, out, err);
    struct ec_screen screen = ec_terminal_screen(STDOUT_FILENO);
    struct ec_summary_style style = {.columns = screen.terminal ? screen.columns : 0,
                                     .lines = screen.lines,
                                     .color = ec_terminal_color(STDOUT_FILENO, cli->color)};
    return ec_summary_print(&outcome->facts, timing, &style, out, err);
}

static enum ec_status print_text(const struct ec_cli *cli, const struct ec_run_outcome *outcome, const struct ec_timing *timing,
                                 struct ec_err *err) {
    struct ec_buf text = ec_buf_make((size_t)16 * EC_MIB);
    enum ec_status status = EC_OK;
    if (outcome->nothing_to_do) {
        add_nothing(cli, outcome, &text);
    } else {
        if (outcome->applied_before > 0 && !cli->json)
            ec_buf_printf(&text, P_("⏭ %zu file is already applied\n", "⏭ %zu files are already applied\n", outcome->applied_before),
                          outcome->applied_before);
        status = add_summary(cli, outcome, timing, &text, err);
    }
    if (status == EC_OK && outcome->problems.n > 0 && !cli->json) add_problems(&outcome->problems, &text);
    if (status == EC_OK) status = ec_buf_check(&text, err);
    if (status == EC_OK) (void)fwrite(text.p, 1, text.n, stdout);
    ec_buf_free(&text);
    return status;
}

static void take_problems(struct ec_results *results, const struct ec_buf *problems) {
    for (const char *p = ec_buf_str(problems).p, *end = p + problems->n; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        ec_results_problem(results, (struct ec_str){p, n});
        p += n + 1;
    }
}

/* JUnit, Markdown, GitHub's annotations: paths are given from where the command was called. */
static enum ec_status print_results(const struct ec_cli *cli, const struct ec_run_outcome *outcome, bool *printed, struct ec_err *err) {
    const struct ec_run_facts *run = &outcome->facts;
    char root[EC_PATH_MAX] = "", name[128];
    if (strcmp(cli->dir, ".") != 0) EC_TRY(ec_path_join(root, sizeof root, cli->dir, "", err));
    (void)snprintf(name, sizeof name, "ecluse run%s%s", run->run ? " " : "", run->run ? run->run : "");
    struct ec_results *results;
    double seconds = run->finished_us > run->started_us ? (double)(run->finished_us - run->started_us) / 1e6 : 0;
    EC_TRY(ec_cli_results(cli, root, name, seconds, &results, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) status = ec_results_add(results, &run->unit[i], err);
    take_problems(results, &outcome->problems);
    if (status == EC_OK) status = ec_cli_results_print(cli, results, printed, err);
    ec_results_destroy(results);
    return status;
}

static enum ec_status print_outcome(const struct ec_cli *cli, const struct ec_run_outcome *outcome,
                                    const struct ec_timing *timing, bool *printed, struct ec_err *err) {
    *printed = true;
    return ec_cli_wants_results(cli) ? print_results(cli, outcome, printed, err) : print_text(cli, outcome, timing, err);
}

static enum ec_status take_options(struct ec_cli *cli, struct ec_config *config, struct ec_run_options *o, struct ec_err *err) {
    int64_t jobs = config->workers;
    EC_TRY(ec_cli_option_number(cli, "--jobs", 1, EC_JOBS_MAX, &jobs, err));
    config->workers = (unsigned)jobs;
    EC_TRY(ec_cli_as_of(cli, &o->as_of, err));
    for (size_t i = 0; i < cli->many_count; i++)
        if (!ec_config_source(config, cli->many[i])) return ec_fail(err, EC_USAGE, "--select: there is no source `%s`", cli->many[i]);
    o->config = config;
    o->select = cli->many;
    o->select_count = cli->many_count;
    o->force = ec_cli_value(cli, "--force") != NULL;
    o->no_archive = ec_cli_value(cli, "--no-archive") != NULL;
    o->progress = !cli->quiet && cli->format == EC_RESULT_TEXT;
    o->cancelled = cancelled;
    return ec_cli_engine(cli, o, err);
}

/* Where the time went stands in the log of every run. */
static void log_timing(const struct ec_timing *timing) {
    for (size_t i = 0; i < timing->count; i++) {
        const struct ec_timing_stage *stage = &timing->stage[i];
        const struct ec_time_spent *s = &stage->spent;
        bool within = stage->parent != SIZE_MAX;
        ec_log_keep(EC_LOG_DEBUG, "%s%s%s: %lld ms, processor: driver %lld ms, workers %lld ms; disk: %lld ms, %llu syncs",
                    within ? timing->stage[stage->parent].name : "", within ? ": " : "", stage->name,
                    (long long)(s->wall_ns / 1000000), (long long)(s->cpu_ns / 1000000),
                    (long long)(s->child_cpu_ns / 1000000), (long long)(s->sync_ns / 1000000),
                    (unsigned long long)s->syncs);
    }
}

static int run_pipeline(struct ec_cli *cli, const struct ec_run_options *options, struct ec_err *err) {
    struct ec_run_outcome outcome;
    bool printed = true;
    enum ec_status status = open_log(cli, options->now_us, err);
    ec_timing_end(options->timing);
    if (status != EC_OK) return ec_exit_of(status);
    catch_signals();
    status = ec_run(options, &outcome, err);
    if (status == EC_OK) {
        ec_alerts_deliver(options->config, cancelled, &outcome.problems); /* without the lock: a network may be slow */
        log_timing(options->timing);
        status = print_outcome(cli, &outcome, ec_cli_value(cli, "--timing") ? options->timing : NULL, &printed, err);
    }
    int code = status == EC_OK ? exit_of_verdict(cli, &outcome, printed) : ec_exit_of(status);
    if (status == EC_INTERRUPTED) code = 128 + (int)caught;
    if (status != EC_OK) ec_log_keep(EC_LOG_ERROR, "%s", err->message); /* main says it on stderr */
    ec_run_outcome_deinit(&outcome);
    return code;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_config *config = NULL;
    struct ec_timing timing;
    ec_timing_init(&timing);
    ec_timing_begin(&timing, N_("start"));
    struct ec_run_options options = {.now_us = ec_now_micros(), .timing = &timing};
    enum ec_status status = ec_cli_engine_start(cli, err);
    if (status == EC_OK) status = ec_cli_load(cli, &config, err);
    if (status == EC_OK) status = take_options(cli, config, &options, err);
    int code = ec_exit_of(status);
    if (status == EC_OK && ec_cli_value(cli, "--dry-run")) {
        code = ec_exit_of(ec_plan_print(cli, config, &options, err));
    } else if (status == EC_OK) {
        char workers[32];
        (void)snprintf(workers, sizeof workers, "data_workers=%u", config->workers);
        options.worker_argv = ec_cli_worker_argv(cli, workers);
        code = options.worker_argv ? run_pipeline(cli, &options, err)
                                   : ec_exit_of(ec_fail(err, EC_NO_MEMORY, "no memory for the run"));
        ec_free((void *)(uintptr_t)options.worker_argv);
    }
    ec_config_destroy(config);
    return code;
}

static const struct ec_option options[] = {
    {"--jobs", "N", N_("workers in parallel (default: data_workers; auto is CPUs - 1)"), false},
    {"--select", "SOURCE", N_("only these sources"), true},
    {"--dry-run", NULL, N_("say what would be done, like `ecluse plan`"), false},
    {"--force", NULL, N_("read files again that were applied; their rows are replaced"), false},
    {"--no-archive", NULL, N_("write no archive, whatever the configuration says"), false},
    {"--timing", NULL, N_("also print where the time went, per stage and per source"), false},
    {"--as-of", "YYYY-MM-DD", N_("the run's date, for derived columns (default: today)"), false},
    {"--engine", "ENGINE", N_("what reads and computes: duckdb (this machine, the default), spark, or fd:IN,OUT"), false},
    {"--master", "URL", N_("of --engine spark: spark://…, yarn, k8s://…, local-cluster[…] (default: as spark-submit has it)"), false},
};

const struct ec_command ec_cmd_run = {
    .name = "run",
    .summary = N_("the whole pipeline: read, check, commit, report, archive"),
    .arguments = "",
    .about = N_("Reads what is new in data/raw, checks every row, commits the accepted rows to the tables in\n"
             "data/processed, computes the models, and writes reports, dashboard, alert and archive. Rejected\n"
             "rows go to data/quality/quarantine with their reasons. A file is applied exactly once: run it as\n"
             "often as you like, also after a crash.\n\n"
             "  ecluse -C shop run --jobs 4\n"
             "  ecluse -C shop run --select sales --as-of 2025-07-18\n"
             "  ecluse -C /shared/shop run --engine spark --master spark://head:7077"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .results = true,
    .run = run,
};
