#include "run/rounds.h"

#include "base/log.h"
#include "run/engine.h"
#include "run/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum ec_status task_done(void *user, size_t i, struct ec_task_result *result, struct ec_err *err) {
    struct ec_round *round = user;
    struct ec_driver *d = round->driver;
    struct ec_task_result *kept = &d->result[round->index[i]];
    (void)err;
    ec_task_result_deinit(kept);
    *kept = *result;
    ec_progress_task(d->progress, &round->task[i], kept);
    return EC_OK;
}

static void tick(void *user) {
    struct ec_round *round = user;
    ec_progress_draw(round->driver->progress);
}

struct sized {
    size_t index; /* in plan.task */
    uint64_t bytes;
};

static int largest_first(const void *a, const void *b) {
    const struct sized *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Large tasks first, so that no worker is left with the largest at the end. */
static enum ec_status order_by_size(struct ec_round *round, struct ec_err *err) {
    struct ec_driver *d = round->driver;
    struct sized *list = ec_arena_calloc(&d->arena, round->count, sizeof *list);
    uint64_t *bytes = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *bytes);
    if (!list || !bytes) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu tasks", d->plan.task_count);
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        uint64_t whole = unit->input->bytes_decoded ? unit->input->bytes_decoded : unit->input->bytes;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) {
            const struct ec_task *task = &d->plan.task[t];
            bytes[t] = task->range_end ? task->range_end - task->range_start : whole;
        }
    }
    for (size_t i = 0; i < round->count; i++) list[i] = (struct sized){round->index[i], bytes[round->index[i]]};
    qsort(list, round->count, sizeof *list, largest_first);
    for (size_t i = 0; i < round->count; i++) {
        round->index[i] = list[i].index;
        round->bytes[i] = list[i].bytes;
    }
    return EC_OK;
}

/* ---- rounds ---- */

enum ec_status ec_round_make(struct ec_driver *d, struct ec_round *round, struct ec_err *err) {
    *round = (struct ec_round){.driver = d};
    round->task = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *round->task);
    round->index = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *round->index);
    round->bytes = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *round->bytes);
    if (!round->task || !round->index || !round->bytes) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu tasks", d->plan.task_count);
    return EC_OK;
}

static enum ec_status prepare_round(struct ec_round *round, struct ec_err *err) {
    EC_TRY(order_by_size(round, err));
    for (size_t i = 0; i < round->count; i++) round->task[i] = round->driver->plan.task[round->index[i]];
    return EC_OK;
}

static enum ec_status begin_round(struct ec_round *round, struct ec_err *err) {
    struct ec_driver *d = round->driver;
    EC_TRY(prepare_round(round, err));
    return ec_pool_begin(d->pool, round->task, round->count, round, err);
}

enum ec_status ec_round_run(struct ec_round *round, struct ec_err *err) {
    if (round->count == 0) return EC_OK;
    if (round->driver->engine) {
        EC_TRY(prepare_round(round, err));
        return ec_engine_round(round, err);
    }
    EC_TRY(begin_round(round, err));
    return ec_pool_finish(round->driver->pool, err);
}

/* ---- workers ---- */

struct ec_sql_options ec_worker_sql_options(const struct ec_driver *d) {
    return (struct ec_sql_options){
        .threads = 1, .memory_bytes = d->worker.memory_bytes / 2, .run_date = d->options->as_of};
}

/* What a copy of the driver does in the place of `ecluse worker`. */
static void work(void *context) {
    struct ec_driver *d = context;
    struct ec_log_options plain = {.level = EC_LOG_INFO};
    struct ec_err err = {0};
    ec_log_hook(NULL);
    ec_log_close();
    ec_log_init(&plain);
    struct ec_sql_options options = ec_worker_sql_options(d);
    enum ec_status status = ec_sql_settle(d->worker.sql, &options, &err);
    if (status == EC_OK) status = ec_worker_confine(&d->worker, &err);
    if (status == EC_OK) status = ec_worker_serve(&d->worker, STDIN_FILENO, STDOUT_FILENO, &err);
    if (status == EC_OK) return;
    ec_err_print(&err, stderr);
    _exit(ec_status_text(status)->exit_code);
}

/* The expressions of all sources, which are checked by that; the copies have them without making them again. */
static enum ec_status prepare_worker(struct ec_driver *d, struct ec_err *err) {
    EC_TRY(ec_early_end(d, err));
    return ec_task_context_prepare(&d->worker, err);
}

enum ec_status ec_workers_start(struct ec_driver *d, struct ec_err *err) {
    struct ec_pool_options options = {.argv = d->options->worker_argv,
                                      .fork = work,
                                      .worker = d,
                                      .workers = d->config->workers,
                                      .timeout_s = d->config->timeout_s,
                                      .memory_bytes = d->config->memory_bytes,
                                      .done = task_done,
                                      .tick = tick,
                                      .cancelled = d->options->cancelled,
                                      .timing = d->timing};
    EC_TRY(prepare_worker(d, err));
    if (!d->engine) EC_TRY(ec_pool_create(&options, &d->pool, err));
    d->first = ec_arena_calloc(&d->arena, 1, sizeof *d->first);
    if (!d->first) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    EC_TRY(ec_round_make(d, d->first, err));
    for (size_t t = 0; t < d->plan.task_count; t++) d->first->index[d->first->count++] = t;
    return d->engine ? EC_OK : begin_round(d->first, err);
}

enum ec_status ec_workers_finish_first(struct ec_driver *d, struct ec_err *err) {
    if (d->engine) return d->first ? ec_round_run(d->first, err) : EC_OK;
    return d->pool ? ec_pool_finish(d->pool, err) : EC_OK;
}

void ec_workers_end(struct ec_driver *d) {
    ec_pool_destroy(d->pool);
    d->pool = NULL;
    ec_task_context_deinit(&d->worker);
}
