#include "run/wide.h"

#include "base/io.h"
#include "run/wide_join.h"

#define ARENA_MAX ((size_t)2 * EC_GIB)

struct wide {
    const struct ec_wide_job *job;
    const struct ec_model *model; /* the job's */
    const struct ec_model_wide *plan;
    struct ec_arena arena;
    struct wide_values run[WIDE_RUNS]; /* narrow rows; runs[0..runs-1] are in use, and made */
    size_t runs;
    struct wide_spare spare;
    struct wide_table *table;
    size_t *place;           /* of each column among those of its table */
    struct wide_column *out; /* of the slice, per column of the model */
    struct ec_batch batch;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for a wide model"); }

/* ---- preparing ---- */

static enum ec_status open_table(struct wide *w, size_t t, const struct ec_model_files *files, struct ec_err *err) {
    const struct ec_model_table *input = w->model->input[w->plan->input[t]].table;
    struct ec_parquet_column *column = ec_arena_calloc(&w->arena, w->plan->column_count, sizeof *column);
    const char **path = ec_arena_calloc(&w->arena, files->count, sizeof *path);
    if (!column || !path) return no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < w->plan->column_count; i++) {
        const struct ec_wide_column *c = &w->plan->column[i];
        if (c->table != t) continue;
        w->place[i] = n;
        for (size_t k = 0; k < input->column_count; k++)
            if (strcmp(input->column[k].name, c->name) == 0) column[n] = (struct ec_parquet_column){c->name, input->column[k].type};
        n++;
    }
    for (size_t i = 0; i < files->count; i++) path[i] = files->file[i].path;
    struct ec_gather_options options = {path, files->count, column, n};
    return wide_table_open(&w->table[t], &options, err);
}

static enum ec_status prepare(struct wide *w, const struct ec_model_files *files, struct ec_err *err) {
    const struct ec_model_table *table = &w->model->table;
    ec_arena_init(&w->arena, ARENA_MAX);
    w->table = ec_arena_calloc(&w->arena, w->plan->table_count, sizeof *w->table);
    w->place = ec_arena_calloc(&w->arena, table->column_count, sizeof *w->place);
    w->out = ec_arena_calloc(&w->arena, table->column_count, sizeof *w->out);
    w->batch.column = ec_arena_calloc(&w->arena, table->column_count, sizeof *w->batch.column);
    if (!w->table || !w->place || !w->out || !w->batch.column) return no_memory(err);
    w->batch.columns = table->column_count;
    for (size_t i = 0; i < table->column_count; i++) {
        w->batch.column[i] = (struct ec_column){.name = table->column[i].name, .type = table->column[i].type};
        EC_TRY(wide_column_init(&w->out[i], table->column[i].type, err));
    }
    for (size_t t = 0; t < w->plan->table_count; t++) EC_TRY(open_table(w, t, &files[w->plan->input[t]], err));
    return EC_OK;
}

/* Gives back what fetching holds, so that it does not lie beside what joining takes. */
static enum ec_status reopen_tables(struct wide *w, const struct ec_model_files *files, struct ec_err *err) {
    for (size_t t = 0; t < w->plan->table_count; t++) {
        wide_table_close(&w->table[t]);
        EC_TRY(open_table(w, t, &files[w->plan->input[t]], err));
    }
    return EC_OK;
}

static void finish(struct wide *w) {
    for (size_t t = 0; w->table && t < w->plan->table_count; t++) wide_table_close(&w->table[t]);
    for (size_t i = 0; w->out && i < w->plan->column_count; i++) wide_column_deinit(&w->out[i]);
    for (size_t i = 0; i < WIDE_RUNS; i++) wide_values_deinit(&w->run[i]);
    ec_arena_deinit(&w->arena);
}

/* ---- rows ---- */

/* The slice's columns, as batches to the writer. */
static enum ec_status append_slice(struct wide *w, size_t n, struct ec_err *err) {
    for (size_t first = 0; first < n; first += EC_BATCH_ROWS) {
        w->batch.rows = n - first < EC_BATCH_ROWS ? n - first : EC_BATCH_ROWS;
        for (size_t i = 0; i < w->batch.columns; i++) wide_column_show(&w->out[i], first, &w->batch.column[i]);
        EC_TRY(ec_table_writer_append(w->job->writer, &w->batch, NULL, w->batch.rows, err));
    }
    return EC_OK;
}

static enum ec_status write_slice(struct wide *w, const struct wide_values *run, size_t first, size_t n, struct ec_err *err) {
    for (size_t t = 0; t < w->plan->table_count; t++) EC_TRY(wide_table_slice(&w->table[t], run->id[t] + first, first, n, err));
    for (size_t i = 0; i < w->plan->column_count; i++) {
        const struct ec_wide_column *c = &w->plan->column[i];
        if (c->table == SIZE_MAX) wide_column_value(&w->out[i], run, c->value, first);
        else wide_column_gather(&w->out[i], &w->table[c->table], w->place[i], n);
    }
    return append_slice(w, n, err);
}

static enum ec_status check_stopped(const struct wide *w, struct ec_err *err) {
    if (!w->job->stopped || !w->job->stopped(w->job->context)) return EC_OK;
    return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
}

static enum ec_status write_run(struct wide *w, struct wide_values *run, struct ec_err *err) {
    for (size_t t = 0; t < w->plan->table_count; t++) EC_TRY(wide_table_run(&w->table[t], run->id[t], run->rows, err));
    for (size_t first = 0; first < run->rows; first += WIDE_SLICE_ROWS) {
        size_t n = run->rows - first;
        EC_TRY(check_stopped(w, err));
        EC_TRY(write_slice(w, run, first, n < WIDE_SLICE_ROWS ? n : WIDE_SLICE_ROWS, err));
    }
    return EC_OK;
}

/* Writes what is held. The memory of the runs goes one by one, as others need it. */
static enum ec_status write_runs(struct wide *w, struct ec_err *err) {
    if (!w->spare.order) {
        w->spare.order = ec_arena_alloc(&w->arena, WIDE_RUN_ROWS * sizeof *w->spare.order);
        w->spare.values = ec_arena_alloc(&w->arena, WIDE_RUN_ROWS * sizeof(struct ec_text));
        w->spare.valid = ec_arena_alloc(&w->arena, WIDE_RUN_ROWS / 8);
        if (!w->spare.order || !w->spare.values || !w->spare.valid) return no_memory(err);
    }
    for (size_t i = 0; i < w->runs; i++) {
        wide_values_sort(&w->run[i], &w->spare);
        EC_TRY(write_run(w, &w->run[i], err));
        wide_values_deinit(&w->run[i]);
    }
    w->runs = 0;
    return EC_OK;
}

static enum ec_status begin_run(struct wide *w, struct ec_err *err) {
    if (w->runs == WIDE_RUNS) EC_TRY(write_runs(w, err));
    return wide_values_init(&w->run[w->runs++], w->plan, &w->model->table, err);
}

static enum ec_status read_rows(struct wide *w, struct ec_sql_rows *rows, struct ec_err *err) {
    struct ec_batch *batch;
    for (;;) {
        EC_TRY(check_stopped(w, err));
        EC_TRY(ec_sql_next(rows, &batch, err));
        if (batch->rows == 0) return EC_OK;
        if (w->runs == 0 || w->run[w->runs - 1].rows + batch->rows > WIDE_RUN_ROWS) EC_TRY(begin_run(w, err));
        EC_TRY(wide_values_add(&w->run[w->runs - 1], batch, err));
    }
}

/* ---- by our own join ---- */

/* Rows come in order: one run is filled again and again. */
static enum ec_status write_joined(struct wide *w, struct wide_join *join, const struct ec_model_files *files, struct ec_err *err) {
    struct wide_values *run = &w->run[0];
    EC_TRY(begin_run(w, err));
    for (;; wide_values_clear(run)) {
        if (wide_join_window_ends(join)) EC_TRY(reopen_tables(w, files, err));
        EC_TRY(wide_join_next(join, run, err));
        if (run->rows == 0) return EC_OK;
        EC_TRY(write_run(w, run, err));
    }
}

/* *joined: whether this table's joins could be made; DuckDB can make all of them. */
static enum ec_status join_and_write(struct wide *w, const struct ec_model_files *files, bool *joined, struct ec_err *err) {
    const struct ec_wide_job *job = w->job;
    struct wide_join_input input = {.model = job->model, .touched = job->touched, .files = files,
                                    .hashes = job->hashes, .stopped = job->stopped, .context = job->context};
    struct wide_join *join;
    enum ec_status status = wide_join_open(&input, &join, err);
    *joined = status != EC_TABLE_FORMAT;
    if (status != EC_OK) return status;
    status = prepare(w, files, err);
    if (status == EC_OK) status = write_joined(w, join, files, err);
    wide_join_close(join);
    return status;
}

/* ---- by DuckDB's ---- */

static enum ec_status query_and_write(struct wide *w, struct ec_sql *sql, const struct ec_model_files *files, struct ec_err *err) {
    struct ec_sql_rows *rows = NULL;
    EC_TRY(ec_model_bind_rows(sql, w->model, files, err));
    EC_TRY(prepare(w, files, err));
    EC_TRY(ec_model_query_rows(sql, w->model, w->job->touched, &rows, err));
    enum ec_status status = read_rows(w, rows, err);
    ec_sql_rows_close(rows); /* the join's memory goes before the columns' comes */
    return status == EC_OK ? write_runs(w, err) : status;
}

enum ec_status ec_wide_write(struct ec_sql *sql, const struct ec_wide_job *job, struct ec_err *err) {
    const struct ec_model *model = job->model;
    struct wide w = {.job = job, .model = model, .plan = model->wide};
    struct ec_arena arena;
    ec_arena_init(&arena, ARENA_MAX);
    struct ec_model_files *needed = ec_arena_calloc(&arena, model->input_count, sizeof *needed);
    enum ec_status status = needed ? EC_OK : no_memory(err);
    if (needed && model->input_count) memcpy(needed, job->files, model->input_count * sizeof *needed);
    for (size_t i = 0; i < model->input_count && status == EC_OK; i++)
        status = ec_model_choose_files(model, i, job->touched, &needed[i], &arena, err);
    bool joined = false;
    if (status == EC_OK && model->wide->join) status = join_and_write(&w, needed, &joined, err);
    if (!joined && (status == EC_OK || status == EC_TABLE_FORMAT)) status = query_and_write(&w, sql, needed, err);
    finish(&w);
    ec_arena_deinit(&arena);
    return status;
}
