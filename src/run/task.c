/* One task from bytes to parts: read, derive, check, compare keys, quarantine, encode. */
#include "run/task.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "gate/gate.h"
#include "gate/keys.h"
#include "gate/quarantine.h"
#include "read/reader.h"
#include "run/drop.h"
#include "run/input.h"
#include "run/paths.h"
#include "sql/derive.h"
#include "store/delta.h"
#include "store/table_writer.h"

/* Of a worker's memory, what in-file keys may take; the rest is found by the driver's merge. */
#define KEY_SET_SHARE 4u
#define RESULT_ARENA_MAX ((size_t)64 * EC_MIB)

/* Columns that every table has behind the source's own. */
static const char file_column[] = "_file";
static const char line_column[] = "_line";

struct work {
    const struct ec_task *task;
    const struct ec_source *source;
    struct ec_task_result *result;
    struct ec_task_context *context;
    struct ec_stream *stream;
    struct ec_reader *reader;
    struct ec_batch batch;
    size_t derived_first, file_at, line_at;
    char path[EC_PATH_MAX];
    char origin[EC_PATH_MAX]; /* `_file`: the path below data/raw, and the member behind it */
    struct ec_derivation *derivation;
    uint64_t **expression_failed;
    size_t expression_count;
    struct ec_gate *gate;
    size_t key_column[EC_COLUMNS_MAX < 64 ? EC_COLUMNS_MAX : 64];
    struct ec_key_set *keys;
    struct ec_key_writer *key_file;
    struct ec_drop_list drops;
    struct ec_first *first; /* of the batch's duplicates */
    size_t first_count;
    struct ec_quarantine quarantine;
    struct ec_table_writer *writer;
    uint32_t *rows; /* accepted rows of the batch */
};

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
}

/* The session and prepared expressions are kept over tasks; opening costs 50 ms. */
static enum ec_status prepare_derivation(struct ec_task_context *c, const struct ec_source *source, int32_t as_of,
                                         struct ec_derivation **out, struct ec_err *err) {
    if (c->sql && c->sql_as_of != as_of) ec_task_context_deinit(c);
    if (!c->sql) {
        struct ec_sql_options options = {.threads = 1, .memory_bytes = c->memory_bytes / 2, .run_date = as_of};
        EC_TRY(ec_sql_open(&options, &c->sql, err));
        c->sql_as_of = as_of;
    }
    if (!c->derivation) c->derivation = ec_calloc(c->config->source_count, sizeof(struct ec_derivation *));
    if (!c->derivation) return ec_fail(err, EC_NO_MEMORY, "no memory for the derived columns");
    struct ec_derivation **slot = &c->derivation[source - c->config->source];
    if (!*slot) EC_TRY(ec_derive_create(c->sql, source, slot, err));
    *out = *slot;
    return EC_OK;
}

static enum ec_status open_input(struct work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    struct ec_stream_args stream_args = {
        .path = w->path, .member = t->member, .range_start = t->range_start, .range_end = t->range_end};
    EC_TRY(ec_reader_columns(w->source, &w->batch, err));
    return ec_input_open(w->source, &stream_args, t->line, &w->batch, &w->stream, &w->reader, err);
}

/* Behind the columns of the file: the derived ones, and where each row came from. */
static enum ec_status add_own_columns(struct work *w, struct ec_err *err) {
    w->derived_first = w->batch.columns;
    if (w->derivation) {
        const struct ec_column_type *types = ec_derive_types(w->derivation);
        for (size_t i = 0; i < w->source->derive_count; i++) {
            size_t at;
            EC_TRY(ec_batch_add_column(&w->batch, w->source->derive[i].name, types[i], &at, err));
        }
    }
    struct ec_column_type text = {.type = EC_TYPE_STRING}, number = {.type = EC_TYPE_INTEGER};
    EC_TRY(ec_batch_add_column(&w->batch, file_column, text, &w->file_at, err));
    return ec_batch_add_column(&w->batch, line_column, number, &w->line_at, err);
}

static enum ec_status open_checks(struct work *w, struct ec_err *err) {
    const struct ec_source *s = w->source;
    for (size_t i = 0; i < s->rule_count; i++) w->expression_count += s->rule[i].kind == EC_RULE_EXPRESSION;
    w->expression_failed = ec_calloc(w->expression_count, sizeof *w->expression_failed);
    w->rows = ec_calloc(EC_BATCH_ROWS, sizeof *w->rows);
    w->first = ec_calloc(EC_BATCH_ROWS, sizeof *w->first);
    if (!w->expression_failed || !w->rows || !w->first) return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    for (size_t i = 0; i < w->expression_count; i++) {
        w->expression_failed[i] = ec_calloc(EC_BATCH_ROWS / 64, sizeof(uint64_t));
        if (!w->expression_failed[i]) return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    }
    EC_TRY(ec_gate_create(s, &w->batch, w->derived_first, s->derive_count + 2, &w->gate, err));
    for (size_t i = 0; i < s->key_count; i++) w->key_column[i] = ec_source_column(s, s->key[i]);
    if (s->key_count > 0) EC_TRY(ec_key_set_create((size_t)w->context->memory_bytes / KEY_SET_SHARE, &w->keys, err));
    if (w->task->drop) EC_TRY(ec_drop_list_load(w->task->drop, &w->drops, err));
    return EC_OK;
}

static enum ec_status open_outputs(struct work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    char quarantine[EC_PATH_MAX] = "", keys[EC_PATH_MAX];
    if (t->out) {
        EC_TRY(ec_dir_make(t->out, err));
        EC_TRY(ec_path_join(quarantine, sizeof quarantine, t->out, "quarantine.jsonl", err));
        EC_TRY(ec_path_join(keys, sizeof keys, t->out, "keys", err));
        if (w->source->key_count > 0 && !t->drop && !t->reject) EC_TRY(ec_key_writer_create(keys, &w->key_file, err));
        char *name = ec_arena_printf(&w->result->arena, "part-%08u-%s", t->seq, t->id);
        char *path = ec_arena_strdup(&w->result->arena, quarantine);
        if (!name || !path) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", t->id);
        struct ec_table_writer_options parts = {t->out, name, w->source->partition_by, w->context->config->chunk_rows};
        EC_TRY(ec_table_writer_create(&parts, &w->writer, err));
        struct ec_quarantine_options options = {path, w->source, t->run, t->path, t->member};
        EC_TRY(ec_quarantine_init(&w->quarantine, &options, err));
        w->result->quarantine = "quarantine.jsonl";
    }
    return EC_OK;
}

static void fill_origin(struct work *w) {
    struct ec_column *file = &w->batch.column[w->file_at], *line = &w->batch.column[w->line_at];
    struct ec_text origin = ec_text_of(w->origin, strlen(w->origin));
    for (size_t row = 0; row < w->batch.rows; row++) {
        ec_column_text(file)[row] = origin;
        ec_column_int(line)[row] = (int64_t)w->batch.place[row].line;
        ec_bit_set(file->valid, row);
        ec_bit_set(line->valid, row);
    }
}

static enum ec_status reject_duplicate(struct work *w, size_t row, const char *file, uint64_t line, struct ec_err *err) {
    struct ec_fault fault = {.row = (uint32_t)row, .column = EC_NO_COLUMN, .reason = EC_REASON_DUPLICATE};
    if (w->source->key_count > 0) {
        fault.column = (uint32_t)w->key_column[0];
        fault.value = ec_batch_cell_text(&w->batch, w->key_column[0], row);
    }
    ec_bit_set(w->batch.duplicate, row);
    w->first[w->first_count++] = (struct ec_first){(uint32_t)row, file, line};
    return ec_batch_fault(&w->batch, fault, err);
}

/* Uniqueness among the rows that passed everything else. A row that is dropped keeps its key all the
 * same: what repeats it further down is a repetition of the same first. */
static enum ec_status compare_key(struct work *w, size_t row, struct ec_err *err) {
    struct ec_key key = {.offset = w->batch.place[row].offset, .line = w->batch.place[row].line}, first;
    if (!ec_key_hash(&w->batch, w->key_column, w->source->key_count, row, &key.hash)) return EC_OK;
    bool met = ec_key_set_meet(w->keys, &key, &first);
    const struct ec_drop *drop = w->drops.count ? ec_drop_find(&w->drops, key.offset) : NULL;
    if (!drop && met && w->drops.count) drop = ec_drop_find(&w->drops, first.offset);
    if (drop) return reject_duplicate(w, row, drop->first_file, drop->first_line, err);
    if (met) return reject_duplicate(w, row, w->origin, first.line, err);
    return w->key_file ? ec_key_writer_add(w->key_file, &key, err) : EC_OK;
}

static enum ec_status compare_keys(struct work *w, struct ec_err *err) {
    w->first_count = 0;
    for (size_t row = 0; w->keys && row < w->batch.rows; row++)
        if (!ec_bit(w->batch.rejected, row)) EC_TRY(compare_key(w, row, err));
    return EC_OK;
}

static enum ec_status reject_all(struct ec_batch *batch, struct ec_err *err) {
    for (size_t row = 0; row < batch->rows; row++) {
        if (ec_bit(batch->rejected, row)) continue;
        struct ec_fault fault = {.row = (uint32_t)row, .column = EC_NO_COLUMN, .reason = EC_REASON_FILE};
        EC_TRY(ec_batch_fault(batch, fault, err));
    }
    return EC_OK;
}

static enum ec_status write_accepted(struct work *w, struct ec_err *err) {
    size_t n = 0;
    for (size_t row = 0; row < w->batch.rows; row++) {
        w->rows[n] = (uint32_t)row;
        n += !ec_bit(w->batch.rejected, row);
    }
    return ec_table_writer_append(w->writer, &w->batch, w->rows, n, err);
}

static enum ec_status process_batch(struct work *w, struct ec_err *err) {
    for (size_t i = 0; i < w->expression_count; i++) memset(w->expression_failed[i], 0, EC_BATCH_ROWS / 8);
    if (w->derivation) EC_TRY(ec_derive_eval(w->derivation, &w->batch, w->derived_first, w->expression_failed, err));
    fill_origin(w);
    EC_TRY(ec_gate_check(w->gate, &w->batch, w->expression_failed, err));
    EC_TRY(compare_keys(w, err));
    if (w->task->reject) EC_TRY(reject_all(&w->batch, err));
    EC_TRY(ec_gate_count(w->gate, &w->batch, err));
    if (!w->task->out) return EC_OK;
    EC_TRY(ec_quarantine_write(&w->quarantine, &w->batch, w->first, w->first_count, err));
    return write_accepted(w, err);
}

/* Whether the failure is of the file (its report says so) or of this machine. */
static bool is_of_the_file(enum ec_status status) { return ec_status_text(status)->exit_code == EC_EXIT_GATE; }

static enum ec_status check_presence(struct work *w, struct ec_err *err) {
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

static enum ec_status read_all(struct work *w, struct ec_err *err) {
    /* A range of JSON lines need not show every column; its file as a whole must. */
    bool whole = w->task->range_end == 0;
    if (w->reader->header_first && whole) EC_TRY(check_presence(w, err));
    do {
        EC_TRY(ec_reader_next(w->reader, &w->batch, err));
        if (w->batch.rows > 0) EC_TRY(process_batch(w, err));
    } while (w->batch.rows > 0);
    /* An empty array or file of lines shows no columns, and has no row that lacks one. */
    if (!w->reader->header_first && whole && ec_gate_facts(w->gate)->read > 0) EC_TRY(check_presence(w, err));
    return EC_OK;
}

static enum ec_status collect_parts(struct work *w, struct ec_err *err) {
    struct ec_task_result *r = w->result;
    size_t count = ec_table_writer_parts(w->writer);
    r->part = ec_arena_calloc(&r->arena, count, sizeof *r->part);
    r->column = ec_arena_calloc(&r->arena, w->batch.columns, sizeof *r->column);
    if (!r->part || !r->column) return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", w->path);
    for (; r->part_count < count; r->part_count++) {
        const struct ec_part *from = ec_table_writer_part(w->writer, r->part_count);
        struct ec_buf stats = ec_buf_make(EC_MIB);
        ec_delta_stats_json(&stats, &from->stats);
        r->part[r->part_count] = (struct ec_task_part){
            .path = ec_arena_strdup(&r->arena, from->path),
            .partition = from->partition ? ec_arena_strdup(&r->arena, from->partition) : NULL,
            .rows = from->stats.rows,
            .bytes = from->stats.bytes,
            .stats = ec_arena_copy(&r->arena, ec_buf_str(&stats).p, stats.n)};
        enum ec_status status = ec_buf_check(&stats, err);
        ec_buf_free(&stats);
        EC_TRY(status);
    }
    for (; r->column_count < w->batch.columns; r->column_count++) {
        const struct ec_column *c = &w->batch.column[r->column_count];
        r->column[r->column_count] = (struct ec_table_column){ec_arena_strdup(&r->arena, c->name), c->type};
        if (!r->column[r->column_count].name) return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", w->path);
    }
    return EC_OK;
}

static enum ec_status finish_outputs(struct work *w, struct ec_err *err) {
    if (!w->task->out) return EC_OK;
    EC_TRY(ec_table_writer_finish(w->writer, err));
    EC_TRY(collect_parts(w, err));
    EC_TRY(ec_quarantine_finish(&w->quarantine, err));
    w->result->quarantined = w->quarantine.rows;
    if (w->quarantine.rows == 0) w->result->quarantine = NULL;
    if (!w->key_file) return EC_OK;
    w->result->keys = "keys";
    return ec_key_writer_finish(w->key_file, &w->result->key_count, err);
}

/* Columns that the file has beyond the declared ones: behind them before our own, and behind those. */
static enum ec_status note_undeclared(struct work *w, struct ec_err *err) {
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

static enum ec_status hand_over_facts(struct work *w, struct ec_err *err) {
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

static enum ec_status run_all(struct work *w, struct ec_err *err) {
    EC_TRY(ec_batch_init(&w->batch, err));
    EC_TRY(open_input(w, err));
    EC_TRY(add_own_columns(w, err));
    EC_TRY(open_checks(w, err));
    EC_TRY(open_outputs(w, err));
    EC_TRY(read_all(w, err));
    EC_TRY(finish_outputs(w, err));
    EC_TRY(note_undeclared(w, err));
    return hand_over_facts(w, err);
}

static void close_work(struct work *w) {
    ec_table_writer_destroy(w->writer);
    ec_quarantine_deinit(&w->quarantine);
    ec_key_writer_destroy(w->key_file);
    ec_key_set_destroy(w->keys);
    ec_drop_list_deinit(&w->drops);
    ec_gate_destroy(w->gate);
    for (size_t i = 0; w->expression_failed && i < w->expression_count; i++) ec_free(w->expression_failed[i]);
    ec_free(w->expression_failed);
    ec_free(w->rows);
    ec_free(w->first);
    ec_reader_close(w->reader);
    ec_stream_close(w->stream);
    ec_batch_deinit(&w->batch);
    ec_free(w);
}

static enum ec_status set_up(struct work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    const struct ec_config *config = w->context->config;
    if (t->config && strcmp(t->config, config->fingerprint) != 0)
        return ec_fail(err, EC_CONFIG, "the configuration changed while the run was under way");
    w->source = ec_config_source(config, t->source);
    if (!w->source) return ec_fail(err, EC_CONFIG, "there is no source %s", t->source);
    EC_TRY(ec_path_join(w->path, sizeof w->path, t->root ? t->root : "", t->path, err));
    if (t->member)
        EC_TRY(ec_path_join(w->origin, sizeof w->origin, t->path, t->member, err));
    else
        EC_TRY(ec_path_join(w->origin, sizeof w->origin, "", t->path, err));
    size_t expressions = w->source->derive_count;
    for (size_t i = 0; i < w->source->rule_count; i++) expressions += w->source->rule[i].kind == EC_RULE_EXPRESSION;
    if (expressions == 0) return EC_OK;
    return prepare_derivation(w->context, w->source, t->as_of, &w->derivation, err);
}

enum ec_status ec_task_run(struct ec_task_context *context, const struct ec_task *task, struct ec_task_result *result,
                           struct ec_err *err) {
    ec_task_result_init(result);
    int64_t start = ec_monotonic_micros();
    struct work *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    w->quarantine.fd = -1;
    w->task = task;
    w->result = result;
    w->context = context;
    struct ec_err local = {0};
    enum ec_status status = set_up(w, &local);
    if (status == EC_OK) status = run_all(w, &local);
    close_work(w);

    result->task = ec_arena_strdup(&result->arena, task->id);
    result->facts.elapsed_us = ec_monotonic_micros() - start;
    if (status == EC_OK) return EC_OK;
    result->part_count = 0;
    result->quarantine = result->keys = NULL;
    if (!is_of_the_file(status)) {
        if (err) *err = local;
        return status;
    }
    result->status = status;
    result->error = ec_arena_strdup(&result->arena, local.message);
    if (!result->error || !result->task) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    return EC_OK;
}
