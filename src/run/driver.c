/* A run from start to end, under the lock. */
#include "run/driver.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "run/announce.h"
#include "run/engine.h"
#include "run/exchange.h"
#include "run/facts.h"
#include "run/finish.h"
#include "run/paths.h"
#include "run/progress.h"
#include "run/rounds.h"

#include <malloc.h>

#define KEPT_BYTES (8 * 1024 * 1024) /* buffers below it stay with the process */
#define HEAP_BYTES (24 * 1024 * 1024) /* as much as a heap keeps of what is freed at its end */
#define RUN_ARENA_MAX ((size_t)2 * EC_GIB)

/* For each thread: DuckDB fails below some dozens of MiB where it could spill. */
#define SESSION_BYTES_MIN (uint64_t)(80 * EC_MIB)

/* A session of the driver's: a new one, or *sql where it is open and not settled. */
static enum ec_status open_sql(const struct ec_driver *d, const char *spill, unsigned threads, uint64_t memory_bytes,
                               struct ec_sql **sql, struct ec_err *err) {
    char data[EC_PATH_MAX], temp[EC_PATH_MAX];
    EC_TRY(ec_project_path(data, d->config->dir, "data", NULL, err));
    EC_TRY(ec_path_join(temp, sizeof temp, d->staging, spill, err));
    EC_TRY(ec_dir_make(temp, err));
    struct ec_sql_options options = {.threads = threads,
                                     .memory_bytes = memory_bytes,
                                     .temp_dir = temp,
                                     .files_dir = data,
                                     .run_date = d->options->as_of};
    return *sql ? ec_sql_settle(*sql, &options, err) : ec_sql_open(&options, sql, err);
}

enum ec_status ec_driver_sql(struct ec_driver *d, struct ec_sql **sql, struct ec_err *err) {
    enum ec_status status = ec_early_end(d, err);
    if (status == EC_OK && !d->sql) {
        uint64_t memory = d->config->memory_bytes / 4, least = d->config->workers * SESSION_BYTES_MIN;
        if (least > d->config->memory_bytes / 2) least = d->config->memory_bytes / 2;
        if (memory < least) memory = least;
        if (memory < SESSION_BYTES_MIN) memory = SESSION_BYTES_MIN;
        d->sql = d->worker.sql; /* the workers have copies of it */
        d->worker.sql = NULL;
        status = open_sql(d, "spill", 1, memory, &d->sql, err);
    }
    *sql = d->sql;
    return status;
}

enum ec_status ec_driver_strong_sql(struct ec_driver *d, struct ec_sql **sql, struct ec_err *err) {
    enum ec_status status = EC_OK;
    if (!d->strong_sql)
        status = open_sql(d, "spill-strong", d->config->workers, d->config->memory_bytes / 2, &d->strong_sql, err);
    *sql = d->strong_sql;
    return status;
}

static enum ec_status make_plan(struct ec_driver *d, struct ec_err *err) {
    struct ec_plan_options options = {.config = d->config,
                                      .select = d->options->select,
                                      .select_count = d->options->select_count,
                                      .force = d->options->force,
                                      .fetch = true,
                                      .cancelled = d->options->cancelled,
                                      .as_of = d->options->as_of,
                                      .now_us = d->options->now_us};
    EC_TRY(ec_plan_make(&options, &d->plan, err));
    for (size_t i = 0; i < d->plan.inputs.unclaimed_count; i++)
        ec_log(EC_LOG_WARN, "%s belongs to no source: add a glob for it under `files:`", d->plan.inputs.unclaimed[i]);
    return EC_OK;
}

static enum ec_status prepare(struct ec_driver *d, struct ec_err *err) {
    char staging[EC_PATH_MAX];
    EC_TRY(ec_project_path(staging, d->config->dir, EC_DIR_STAGING, d->plan.run, err));
    d->staging = ec_arena_strdup(&d->arena, staging);
    d->state = ec_arena_calloc(&d->arena, d->plan.unit_count, sizeof *d->state);
    d->result = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *d->result);
    if (!d->staging || !d->state || !d->result) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    for (size_t i = 0; i < d->plan.task_count; i++) ec_task_result_init(&d->result[i]);
    char runs[EC_PATH_MAX];
    EC_TRY(ec_project_path(runs, d->config->dir, EC_DIR_RUNS, NULL, err));
    EC_TRY(ec_dir_make(runs, err));
    EC_TRY(ec_dir_make(staging, err));
    return ec_facts_begin(d, err);
}

static enum ec_status check_models(struct ec_driver *d, struct ec_err *err) {
    struct ec_sql *sql;
    EC_TRY(ec_driver_sql(d, &sql, err));
    EC_TRY(ec_project_models_load(d->config, sql, d->worker.derivation, d->models, err));
    ec_task_context_deinit(&d->worker); /* the workers have theirs */
    d->idle = d->plan.pending == 0 && !ec_driver_models_changed(d);
    d->table = ec_arena_calloc(&d->arena, d->config->source_count + d->models->models->count, sizeof *d->table);
    return d->table ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the run");
}

static enum ec_status finish(struct ec_driver *d, struct ec_run_outcome *outcome, struct ec_err *err) {
    struct ec_finish_options options = {.config = d->config,
                                        .manifest = &d->manifest,
                                        .facts = &d->facts,
                                        .progress = d->progress,
                                        .sql = d->sql,
                                        .timing = d->timing,
                                        .problems = &outcome->problems,
                                        .models = d->models->models,
                                        .history = d->history_known ? &d->history : NULL,
                                        .lineage = d->lineage};
    EC_TRY(ec_finish(&options, err));
    outcome->delivered = outcome->problems.n == 0;
    d->facts.finished_us = d->facts.started_us + (ec_monotonic_micros() - d->start_us);
    return EC_OK;
}

/* That nothing was new is told, too: whoever watches the runs sees that there was one. */
static void announce_idle(struct ec_driver *d, struct ec_run_outcome *outcome) {
    struct ec_announce_options options = {.config = d->config, .facts = &d->facts, .ended_us = ec_now_micros()};
    struct ec_err cause = {0};
    if (ec_announce_metrics(&options, &cause) == EC_OK) return;
    ec_log(EC_LOG_ERROR, "metrics: %s", cause.message);
    ec_buf_printf(&outcome->problems, "metrics: %s\n", cause.message);
}

static enum ec_status run_all(struct ec_driver *d, struct ec_run_outcome *outcome, struct ec_err *err) {
    ec_early_begin(d);
    ec_timing_begin(d->timing, N_("recovery"));
    EC_TRY(ec_recover(d->config, &outcome->recovered, &outcome->problems, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("plan"));
    EC_TRY(make_plan(d, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("check of the sources"));
    EC_TRY(prepare(d, err));
    if (d->plan.pending > 0) EC_TRY(ec_workers_start(d, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("check of the models"));
    EC_TRY(check_models(d, err));
    ec_timing_end(d->timing);
    outcome->applied_before = d->plan.unit_count - d->plan.pending;
    outcome->nothing_to_do = d->idle;
    if (d->idle) {
        announce_idle(d, outcome);
        return ec_driver_mirror(d, outcome, err);
    }
    d->lineage = ec_lineage_start(d->config, &d->facts);
    if (d->engine) EC_TRY(ec_engine_begin(d, err));
    d->progress = ec_progress_create(&d->plan, d->config, d->options->progress);
    EC_TRY(ec_driver_read(d, err));
    ec_timing_begin(d->timing, N_("end of reading"));
    ec_workers_end(d);
    ec_timing_end(d->timing);
    ec_progress_stage(d->progress, N_("models"));
    ec_timing_begin(d->timing, N_("models"));
    EC_TRY(ec_driver_models(d, err));
    ec_timing_end(d->timing);
    ec_progress_stage(d->progress, N_("commit"));
    EC_TRY(ec_driver_commit(d, err));
    EC_TRY(finish(d, outcome, err));
    return ec_driver_mirror(d, outcome, err);
}

/* What a run that failed before its manifest leaves, the next one removes; but at once is kinder. */
static void discard(struct ec_driver *d) {
    struct ec_err cause = {0};
    if (d->staging && ec_dir_remove(d->staging, true, &cause) != EC_OK)
        ec_log(EC_LOG_WARN, "staging is left for the next run to remove: %s", cause.message);
}

static void close_driver(struct ec_driver *d) {
    ec_progress_destroy(d->progress);
    enum ec_status early = ec_early_end(d, NULL);
    (void)early; /* the run ended before it was asked for */
    ec_workers_end(d);
    const char *exchange = d->engine ? d->engine->exchange : NULL;
    ec_engine_close(d->engine);
    ec_exchange_clear(d->config->dir, exchange);
    ec_sql_close(d->strong_sql);
    ec_sql_close(d->sql);
    for (size_t i = 0; i < d->table_count; i++) ec_table_close(&d->table[i]);
    ec_project_models_deinit(d->models);
}

/* What is said of the run after its end lies in the tasks' results and in the plan. */
static void free_driver(struct ec_driver *d) {
    for (size_t i = 0; d->result && i < d->plan.task_count; i++) ec_task_result_deinit(&d->result[i]);
    ec_plan_deinit(&d->plan);
    ec_arena_deinit(&d->manifest.arena);
    ec_arena_deinit(&d->arena);
    ec_free(d);
}

/* Large buffers go back to the system when they are freed, and grow by moving pages: the stages of a run follow each
 * other in this process, and by its habit glibc would keep for the next what the last one needed. Smaller ones stay: a
 * part's buffers are the next one's, and a page that comes anew costs more than it holds is worth. */
static void set_allocator(void) {
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_BYTES);
}

enum ec_status ec_run(const struct ec_run_options *options, struct ec_run_outcome *outcome, struct ec_err *err) {
    *outcome = (struct ec_run_outcome){.problems = ec_buf_make(EC_MIB)};
    int lock;
    EC_TRY(ec_lock_take(options->config->dir, &lock, err));
    struct ec_driver *d = ec_calloc(1, sizeof *d);
    struct ec_project_models models = {0};
    if (!d) {
        ec_lock_release(lock);
        return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    }
    ec_files_raise(EC_OPEN_FILES);
    set_allocator();
    d->options = options;
    d->config = options->config;
    d->models = &models;
    d->start_us = ec_monotonic_micros();
    d->timing = options->timing;
    ec_arena_init(&d->arena, RUN_ARENA_MAX);
    ec_manifest_init(&d->manifest);
    ec_run_facts_init(&d->facts);
    enum ec_status status = options->engine ? ec_engine_open(options->engine_in, options->engine_out, &d->engine, err) : EC_OK;
    if (status == EC_OK) status = run_all(d, outcome, err);
    ec_timing_close(d->timing);
    ec_timing_begin(d->timing, N_("closing"));
    close_driver(d);
    ec_timing_end(d->timing);
    bool committed = d->manifest.seq > 0 && ec_manifest_exists(d->config->dir, d->manifest.seq);
    if (!committed) discard(d);
    if (!committed && status != EC_OK && err) ec_lineage_fail(d->config, &d->facts, d->lineage, err);
    ec_lineage_release(d->lineage);
    if (d->history_known) ec_history_close(&d->history);
    outcome->facts = d->facts;
    outcome->driver = d; /* its facts live in the driver's memory */
    ec_lock_release(lock);
    return status;
}

void ec_run_outcome_deinit(struct ec_run_outcome *outcome) {
    ec_run_facts_deinit(&outcome->facts);
    if (outcome->driver) free_driver(outcome->driver);
    ec_buf_free(&outcome->problems);
}
