/* Opening and closing what a task needs. */
#include "run/work.h"

#include "base/io.h"
#include "run/input.h"

/* Of a worker's memory, what in-file keys may take; the rest is found by the driver's merge. */
#define KEY_SET_SHARE 4u

/* Columns that every table has behind the source's own. */
static const char file_column[] = "_file";
static const char line_column[] = "_line";

bool ec_source_has_expressions(const struct ec_source *source) {
    bool has = source->derive_count > 0;
    for (size_t i = 0; i < source->rule_count && !has; i++) has = source->rule[i].kind == EC_RULE_EXPRESSION;
    return has;
}

/* The session and prepared expressions are kept over tasks; opening costs 50 ms. */
enum ec_status ec_task_context_derivation(struct ec_task_context *c, const struct ec_source *source, int32_t as_of,
                                          struct ec_derivation **out, struct ec_err *err) {
    *out = NULL;
    if (!ec_source_has_expressions(source)) return EC_OK;
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

static enum ec_status open_input(struct ec_work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    struct ec_stream_args stream_args = {
        .path = w->path, .member = t->member, .range_start = t->range_start, .range_end = t->range_end};
    EC_TRY(ec_reader_columns(w->source, &w->batch, err));
    return ec_input_open(w->source, &stream_args, t->line, &w->batch, &w->stream, &w->reader, err);
}

/* Behind the columns of the file: the derived ones, and where each row came from. */
static enum ec_status add_own_columns(struct ec_work *w, struct ec_err *err) {
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
    EC_TRY(ec_batch_add_column(&w->batch, line_column, number, &w->line_at, err));
    w->partition = SIZE_MAX;
    for (size_t i = 0; w->source->partition_by && i < w->batch.columns; i++)
        if (strcmp(w->batch.column[i].name, w->source->partition_by) == 0) w->partition = i;
    return EC_OK;
}

static enum ec_status open_keys(struct ec_work *w, struct ec_err *err) {
    struct ec_task_context *c = w->context;
    w->batch_keys = ec_malloc(sizeof *w->batch_keys);
    if (!w->batch_keys) return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    if (!c->keys) EC_TRY(ec_key_set_create((size_t)c->memory_bytes / KEY_SET_SHARE, &c->keys, err));
    ec_key_set_clear(c->keys);
    w->keys = c->keys;
    return EC_OK;
}

/* A path below the task's folder, for as long as its result lives. */
static enum ec_status path_below_out(const struct ec_work *w, const char *name, const char **out, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, w->task->out, name, err));
    *out = ec_arena_strdup(&w->result->arena, path);
    return *out ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", w->task->id);
}

/* What the driver compares over files, and what lets rows be taken out of the parts then. */
static enum ec_status open_key_file(struct ec_work *w, struct ec_err *err) {
    struct ec_task_context *c = w->context;
    const char *keys, *repeats;
    EC_TRY(path_below_out(w, "keys", &keys, err));
    EC_TRY(path_below_out(w, EC_REPEATS_FILE, &repeats, err));
    ec_repeats_init(&w->repeats, repeats);
    if (!c->key_file) EC_TRY(ec_key_writer_create(&c->key_file, err));
    EC_TRY(ec_key_writer_open(c->key_file, keys, err));
    w->key_file = c->key_file;
    return EC_OK;
}

static enum ec_status open_checks(struct ec_work *w, struct ec_err *err) {
    const struct ec_source *s = w->source;
    for (size_t i = 0; i < s->rule_count; i++) w->expression_count += s->rule[i].kind == EC_RULE_EXPRESSION;
    w->expression_failed = ec_calloc(w->expression_count, sizeof *w->expression_failed);
    w->rows = ec_calloc(EC_BATCH_ROWS, sizeof *w->rows);
    w->first = ec_calloc(EC_BATCH_ROWS, sizeof *w->first);
    if (!w->expression_failed || !w->rows || !w->first)
        return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    for (size_t i = 0; i < w->expression_count; i++) {
        w->expression_failed[i] = ec_calloc(EC_BATCH_ROWS / 64, sizeof(uint64_t));
        if (!w->expression_failed[i]) return ec_fail(err, EC_NO_MEMORY, "no memory to check %s", w->path);
    }
    EC_TRY(ec_gate_create(s, &w->batch, w->derived_first, s->derive_count + 2, &w->gate, err));
    ec_gate_cells(w->gate, w->reader->cell_of, w->reader->cell_of_count);
    for (size_t i = 0; i < s->key_count; i++) w->key_column[i] = ec_source_column(s, s->key[i]);
    if (s->key_count > 0) EC_TRY(open_keys(w, err));
    if (w->task->drop) EC_TRY(ec_drop_list_load(w->task->drop, &w->drops, err));
    return EC_OK;
}

static enum ec_status open_outputs(struct ec_work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    const char *quarantine;
    if (!t->out) return EC_OK;
    EC_TRY(ec_dir_make(t->out, err));
    EC_TRY(path_below_out(w, EC_QUARANTINE_FILE, &quarantine, err));
    if (w->source->key_count > 0 && !t->drop && !t->reject) EC_TRY(open_key_file(w, err));
    char *name = ec_arena_printf(&w->result->arena, "part-%08u-%s", t->seq, t->id);
    if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", t->id);
    EC_TRY(ec_durable_create(&w->durable, err));
    struct ec_table_writer_options parts = {.dir = t->out,
                                            .name = name,
                                            .partition_by = w->source->partition_by,
                                            .rows_per_group = w->context->config->chunk_rows,
                                            .parts_max = EC_TASK_PARTS_MAX,
                                            .durable = w->durable};
    EC_TRY(ec_table_writer_create(&parts, &w->writer, err));
    if (w->key_file) EC_TRY(ec_table_writer_keep_places(w->writer, err));
    struct ec_quarantine_options options = {
        .path = quarantine, .source = w->source, .run = t->run, .file = t->path, .member = t->member};
    EC_TRY(ec_quarantine_init(&w->quarantine, &options, err));
    w->quarantine.durable = w->durable;
    w->result->quarantine = EC_QUARANTINE_FILE;
    return EC_OK;
}

enum ec_status ec_work_source(const struct ec_config *config, const struct ec_task *t, const struct ec_source **source,
                              char path[EC_PATH_MAX], struct ec_err *err) {
    if (t->config && strcmp(t->config, config->fingerprint) != 0)
        return ec_fail(err, EC_CONFIG, "the configuration changed while the run was under way");
    *source = ec_config_source(config, t->source);
    if (!*source) return ec_fail(err, EC_CONFIG, "there is no source %s", t->source);
    return ec_path_join(path, EC_PATH_MAX, t->root ? t->root : "", t->path, err);
}

static enum ec_status set_up(struct ec_work *w, struct ec_err *err) {
    const struct ec_task *t = w->task;
    EC_TRY(ec_work_source(w->context->config, t, &w->source, w->path, err));
    if (t->member)
        EC_TRY(ec_path_join(w->origin, sizeof w->origin, t->path, t->member, err));
    else
        EC_TRY(ec_path_join(w->origin, sizeof w->origin, "", t->path, err));
    w->origin_text = ec_text_of(w->origin, strlen(w->origin));
    w->origin_dictionary = (struct ec_dictionary){.id = ec_dictionary_id(), .count = 1, .values = &w->origin_text};
    return ec_task_context_derivation(w->context, w->source, t->as_of, &w->derivation, err);
}

enum ec_status ec_work_open(struct ec_work *w, struct ec_err *err) {
    EC_TRY(set_up(w, err));
    EC_TRY(ec_batch_init(&w->batch, err));
    EC_TRY(open_input(w, err));
    EC_TRY(ec_coder_create(&w->batch, &w->coder, err));
    EC_TRY(add_own_columns(w, err));
    EC_TRY(open_checks(w, err));
    return open_outputs(w, err);
}

void ec_work_close(struct ec_work *w) {
    ec_table_writer_destroy(w->writer);
    ec_durable_destroy(w->durable);
    ec_quarantine_deinit(&w->quarantine);
    if (w->key_file) ec_key_writer_close(w->key_file);
    ec_repeats_close(&w->repeats);
    ec_free(w->batch_keys);
    ec_drop_list_deinit(&w->drops);
    ec_gate_destroy(w->gate);
    for (size_t i = 0; w->expression_failed && i < w->expression_count; i++) ec_free(w->expression_failed[i]);
    ec_free(w->expression_failed);
    ec_free(w->rows);
    ec_free(w->first);
    ec_reader_close(w->reader);
    ec_stream_close(w->stream);
    ec_batch_deinit(&w->batch);
    ec_coder_destroy(w->coder);
    ec_free(w);
}
