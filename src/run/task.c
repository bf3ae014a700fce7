/* One task from its first batch to its result. */
#include "run/work.h"

#include "base/io.h"
#include "store/delta.h"

#include <stdlib.h>

#define RESULT_ARENA_MAX ((size_t)256 * EC_MIB)
#define STATS_MAX        ((size_t)4 * EC_MIB)

void ec_task_result_init(struct ec_task_result *result) {
    *result = (struct ec_task_result){0};
    ec_arena_init(&result->arena, RESULT_ARENA_MAX);
    ec_facts_init(&result->facts);
}

void ec_task_result_deinit(struct ec_task_result *result) {
    ec_facts_deinit(&result->facts);
    ec_arena_deinit(&result->arena);
}

void ec_task_context_deinit(struct ec_task_context *context) {
    for (size_t i = 0; context->derivation && i < context->config->source_count; i++)
        ec_derive_destroy(context->derivation[i]);
    ec_free(context->derivation);
    context->derivation = NULL;
    ec_sql_close(context->sql);
    context->sql = NULL;
    ec_key_set_destroy(context->keys);
    context->keys = NULL;
    ec_key_writer_destroy(context->key_file);
    context->key_file = NULL;
}

bool ec_status_is_of_the_file(enum ec_status status) {
    return ec_status_text(status)->exit_code == EC_EXIT_GATE;
}

static enum ec_status check_presence(struct ec_work *w, struct ec_err *err) {
    struct ec_task_result *r = w->result;
    const struct ec_source *s = w->source;
    r->missing = ec_arena_calloc(&r->arena, s->column_count, sizeof *r->missing);
    if (!r->missing) return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    r->missing_count = 0;
    const char *first = NULL;
    size_t required = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        if (w->reader->present[i]) continue;
        r->missing[r->missing_count++] = s->column[i].name;
        if (s->column[i].required && required++ == 0) first = s->column[i].name;
    }
    if (required == 0) return EC_OK;
    if (required == 1) return ec_fail(err, EC_MISSING_COLUMN, "the required column %s is missing", first);
    return ec_fail(err, EC_MISSING_COLUMN, "the required column %s and %zu more are missing", first, required - 1);
}

static enum ec_status read_all(struct ec_work *w, struct ec_err *err) {
    /* A range of JSON lines need not show every column; its file as a whole must. */
    bool whole = w->task->range_end == 0;
    if (w->reader->header_first && whole) EC_TRY(check_presence(w, err));
    do {
        EC_TRY(ec_reader_next(w->reader, &w->batch, err));
        ec_lap(&w->laps, EC_WORK_READ);
        if (w->batch.rows > 0) EC_TRY(ec_work_batch(w, err));
    } while (w->batch.rows > 0);
    /* An empty array or file of lines shows no columns, and has no row that lacks one. */
    if (!w->reader->header_first && whole && ec_gate_facts(w->gate)->read > 0) EC_TRY(check_presence(w, err));
    return EC_OK;
}

enum ec_status ec_work_part(struct ec_arena *arena, const struct ec_part_stats *stats, struct ec_task_part *part,
                            struct ec_err *err) {
    struct ec_buf text = ec_buf_make(STATS_MAX);
    ec_delta_stats_json(&text, stats);
    part->rows = stats->rows;
    part->bytes = stats->bytes;
    part->stats = ec_arena_copy(arena, ec_buf_str(&text).p, text.n);
    enum ec_status status = ec_buf_check(&text, err);
    ec_buf_free(&text);
    EC_TRY(status);
    return part->stats ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the parts of a file");
}

static enum ec_status collect_part(struct ec_task_result *r, const struct ec_part *from, struct ec_err *err) {
    struct ec_task_part part = {.path = ec_arena_strdup(&r->arena, from->path),
                                .partition = from->partition ? ec_arena_strdup(&r->arena, from->partition) : NULL};
    if (!part.path || (from->partition && !part.partition))
        return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of a file");
    EC_TRY(ec_work_part(&r->arena, &from->stats, &part, err));
    r->part[r->part_count++] = part;
    return EC_OK;
}

static enum ec_status collect_parts(struct ec_work *w, struct ec_err *err) {
    struct ec_task_result *r = w->result;
    size_t count = ec_table_writer_parts(w->writer);
    r->part = ec_arena_calloc(&r->arena, count, sizeof *r->part);
    r->column = ec_arena_calloc(&r->arena, w->batch.columns, sizeof *r->column);
    if (!r->part || !r->column) return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", w->path);
    for (size_t i = 0; i < count; i++) EC_TRY(collect_part(r, ec_table_writer_part(w->writer, i), err));
    for (; r->column_count < w->batch.columns; r->column_count++) {
        const struct ec_column *c = &w->batch.column[r->column_count];
        r->column[r->column_count] = (struct ec_table_column){ec_arena_strdup(&r->arena, c->name), c->type};
        if (!r->column[r->column_count].name)
            return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", w->path);
    }
    return EC_OK;
}

static enum ec_status finish_outputs(struct ec_work *w, struct ec_err *err) {
    if (!w->task->out) return EC_OK;
    EC_TRY(ec_table_writer_finish(w->writer, err));
    EC_TRY(collect_parts(w, err));
    ec_lap(&w->laps, EC_WORK_ENCODE);
    EC_TRY(ec_quarantine_finish(&w->quarantine, err));
    w->result->quarantined = w->quarantine.rows;
    if (w->quarantine.rows == 0) w->result->quarantine = NULL;
    ec_lap(&w->laps, EC_WORK_QUARANTINE);
    if (!w->key_file) return EC_OK;
    w->result->keys = "keys";
    EC_TRY(ec_key_writer_finish(w->key_file, &w->result->key_count, err));
    ec_lap(&w->laps, EC_WORK_KEYS);
    return EC_OK;
}

/* The manifest may name what the task answers, so it is on the disk before the answer (C1). */
static enum ec_status sync_outputs(struct ec_work *w, struct ec_err *err) {
    if (!w->durable) return EC_OK;
    EC_TRY(ec_durable_commit(w->durable, err));
    ec_lap(&w->laps, EC_WORK_SYNC);
    return EC_OK;
}

/* Columns that the file has beyond the declared ones: behind them before our own, and behind those. */
static enum ec_status note_undeclared(struct ec_work *w, struct ec_err *err) {
    struct ec_task_result *r = w->result;
    r->undeclared = ec_arena_calloc(&r->arena, w->batch.columns, sizeof *r->undeclared);
    if (!r->undeclared) return ec_fail(err, EC_NO_MEMORY, "no memory for the columns of %s", w->path);
    for (size_t i = w->source->column_count; i < w->batch.columns; i++) {
        if (i >= w->derived_first && i <= w->line_at) continue;
        r->undeclared[r->undeclared_count] = ec_arena_strdup(&r->arena, w->batch.column[i].name);
        if (!r->undeclared[r->undeclared_count++]) return ec_fail(err, EC_NO_MEMORY, "no memory for columns");
    }
    return EC_OK;
}

static enum ec_status hand_over_facts(struct ec_work *w, struct ec_err *err) {
    struct ec_facts *facts = ec_gate_facts(w->gate);
    facts->encoding = w->reader->encoding;
    facts->layout = w->reader->layout ? ec_arena_strdup(&w->result->arena, w->reader->layout) : NULL;
    facts->compression = w->stream ? ec_stream_compression(w->stream) : "none";
    facts->bytes_in = w->stream ? ec_stream_bytes_in(w->stream) : 0;
    facts->bytes_decoded = w->stream ? ec_stream_bytes_out(w->stream) : 0;
    ec_gate_present(w->gate, w->reader->present);
    /* The gate and all that its facts name end with this task: copy them as the protocol would. */
    return ec_facts_merge(&w->result->facts, facts, err);
}

/* For the task that may have to take rows out of this one's parts. A workbook is read again: its
 * records are no bytes that one could fetch. */
static enum ec_status keep(struct ec_work *w, struct ec_err *err) {
    struct ec_kept kept = {.format = w->reader->type->format, .records_at = w->records_at};
    if (!w->key_file || kept.format == EC_FORMAT_XLSX) return EC_OK;
    EC_TRY(ec_repeats_finish(&w->repeats, &kept.repeats, err));
    w->result->keep = true;
    return ec_kept_write(w->task->out, &kept, err);
}

static enum ec_status run_all(struct ec_work *w, struct ec_err *err) {
    EC_TRY(ec_work_open(w, err));
    ec_lap(&w->laps, EC_WORK_OPEN);
    EC_TRY(read_all(w, err));
    EC_TRY(finish_outputs(w, err));
    EC_TRY(sync_outputs(w, err));
    EC_TRY(note_undeclared(w, err));
    EC_TRY(hand_over_facts(w, err));
    return keep(w, err);
}

static enum ec_status read_file(struct ec_task_context *context, const struct ec_task *task, struct ec_laps *laps,
                                struct ec_task_result *result, struct ec_err *err) {
    struct ec_work *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    w->quarantine.fd = w->repeats.fd = -1;
    w->task = task;
    w->result = result;
    w->context = context;
    w->laps = *laps;
    enum ec_status status = run_all(w, err);
    *laps = w->laps;
    ec_work_close(w);
    ec_lap(laps, EC_WORK_OPEN);
    return status;
}

/* The quick way to the same result, where there is one. For tests EC_DROP=again closes it, and with
 * EC_DROP=quick it is an error that it is closed. */
static enum ec_status drop_rows(struct ec_task_context *context, const struct ec_task *task, struct ec_laps *laps,
                                struct ec_task_result *result, bool *done, struct ec_err *err) {
    const char *mode = getenv("EC_DROP");
    struct ec_err why = {0};
    *done = false;
    if (!task->drop || !task->kept || !task->out) return EC_OK;
    if (!mode || strcmp(mode, "again") != 0) EC_TRY(ec_work_drop(context->config, task, laps, result, done, &why, err));
    if (*done) return EC_OK;
    if (mode && strcmp(mode, "quick") == 0)
        return ec_fail(err, EC_PROTOCOL, "%s would have to be read again: %s", task->path, why.message);
    ec_task_result_deinit(result);
    ec_task_result_init(result);
    return ec_dir_remove(task->out, true, err);
}

enum ec_status ec_task_run(struct ec_task_context *context, const struct ec_task *task, struct ec_task_result *result,
                           struct ec_err *err) {
    struct ec_work_time time = {0};
    struct ec_laps laps;
    struct ec_err local = {0};
    bool done = false;
    ec_laps_start(&laps, &time);
    ec_task_result_init(result);
    enum ec_status status = task->problem == EC_OK ? drop_rows(context, task, &laps, result, &done, &local)
                                                   : ec_fail(&local, task->problem, "%s", task->message);
    if (status == EC_OK && !done) status = read_file(context, task, &laps, result, &local);
    int64_t elapsed_us = ec_laps_stop(&laps) / 1000;
    result->kept = done;
    result->facts.elapsed_us = done ? result->facts.elapsed_us + elapsed_us : elapsed_us;
    if (!done) result->facts.time = (struct ec_work_time){0};
    if (done) ec_work_time_set_aside(&time);
    ec_work_time_add(&result->facts.time, &time);

    result->task = ec_arena_strdup(&result->arena, task->id);
    if (status == EC_OK)
        return result->task ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    result->part_count = 0;
    result->quarantine = result->keys = NULL;
    if (!ec_status_is_of_the_file(status)) {
        if (err) *err = local;
        return status;
    }
    result->status = status;
    ec_err_unname(&local, task->path);
    result->error = ec_arena_strdup(&result->arena, local.message);
    if (!result->error || !result->task) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    return EC_OK;
}
