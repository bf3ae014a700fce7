/* Computing the models that the run's changes reach, over the tables as they will be. */
#include "run/driver.h"

#include "base/io.h"
#include "base/log.h"
#include "run/models.h"
#include "run/paths.h"
#include "run/progress.h"
#include "run/rewrite.h"
#include "store/table_writer.h"

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the models"); }

static enum ec_status open_source(struct ec_driver *d, const struct ec_source *source, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    if (ec_driver_table(d, source->name)) return EC_OK;
    EC_TRY(ec_path_join(dir, sizeof dir, EC_DIR_ENRICHED, source->name, err));
    EC_TRY(ec_table_open(d->config->dir, dir, source->name, source->partition_by, &d->arena, &d->table[d->table_count], err));
    d->table_count++;
    return EC_OK;
}

static bool listed(const struct ec_partitions *p, const char *value) {
    for (size_t i = 0; i < p->count; i++)
        if (p->value[i] == value || (p->value[i] && value && strcmp(p->value[i], value) == 0)) return true;
    return false;
}

/* The partitions in which the table gains or loses files. */
static enum ec_status table_change(struct ec_driver *d, const struct ec_table *table, struct ec_model_change *change,
                                   struct ec_err *err) {
    *change = (struct ec_model_change){.table = table->name, .partitions.all = !table->partition_by};
    if (change->partitions.all) return EC_OK;
    size_t most = table->added_count + table->delta->file_count;
    struct ec_partitions *p = &change->partitions;
    p->value = ec_arena_calloc(&d->arena, most, sizeof *p->value);
    if (!p->value) return no_memory(err);
    for (size_t i = 0; i < table->added_count; i++)
        if (!listed(p, table->added[i].partition)) p->value[p->count++] = table->added[i].partition;
    for (size_t i = 0; i < table->delta->file_count; i++) {
        const char *value = table->delta->file[i].partition;
        if (table->removed[i] && !listed(p, value)) p->value[p->count++] = value;
    }
    return EC_OK;
}

/* Whether the model's text is the one that its table was made with. */
static bool is_unchanged(const struct ec_driver *d, const struct ec_model *model) {
    if (d->plan.manifest_count == 0) return false;
    const struct ec_manifest *last = &d->plan.manifest[d->plan.manifest_count - 1];
    for (size_t i = 0; i < last->model_count; i++)
        if (strcmp(last->model[i].name, model->table.name) == 0)
            return strcmp(last->model[i].fingerprint, model->fingerprint) == 0;
    return false;
}

bool ec_driver_models_changed(const struct ec_driver *d) {
    if (d->plan.manifest_count == 0) return false;
    for (size_t i = 0; i < d->models->models->count; i++)
        if (!is_unchanged(d, &d->models->models->model[i])) return true;
    return false;
}

static enum ec_status bind_inputs(struct ec_driver *d, struct ec_sql *sql, const struct ec_model *model,
                                  const struct ec_partitions *touched, struct ec_err *err) {
    struct ec_model_files *files = ec_arena_calloc(&d->arena, model->input_count, sizeof *files);
    if (!files) return no_memory(err);
    for (size_t i = 0; i < model->input_count; i++) {
        struct ec_table_file *have;
        EC_TRY(ec_table_files(ec_driver_table(d, model->input[i].table->name), &have, &files[i].count, err));
        struct ec_model_file *list = ec_arena_calloc(&d->arena, files[i].count, sizeof *list);
        if (!list) return no_memory(err);
        for (size_t k = 0; k < files[i].count; k++) list[k] = (struct ec_model_file){have[k].path, have[k].partition};
        files[i].file = list;
    }
    return ec_model_bind(sql, model, touched, files, err);
}

static enum ec_status write_rows(struct ec_driver *d, struct ec_sql *sql, const struct ec_model *model,
                                 const struct ec_partitions *touched, struct ec_table_writer *writer, struct ec_err *err) {
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    EC_TRY(bind_inputs(d, sql, model, touched, err));
    EC_TRY(ec_model_query(sql, model, touched, &rows, err));
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        if (d->options->cancelled && d->options->cancelled())
            status = ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        if (status == EC_OK) status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = ec_table_writer_append(writer, batch, NULL, batch->rows, err);
        ec_progress_draw(d->progress);
    }
    ec_sql_rows_close(rows);
    return status;
}

/* All partitions that the inputs reach. */
static enum ec_status every_partition(struct ec_driver *d, const struct ec_model *model, struct ec_partitions *touched,
                                      struct ec_err *err) {
    struct ec_model_change *change = ec_arena_calloc(&d->arena, model->input_count, sizeof *change);
    if (!change) return no_memory(err);
    size_t changes = 0;
    for (size_t i = 0; i < model->input_count; i++) {
        const struct ec_table *table = ec_driver_table(d, model->input[i].table->name);
        struct ec_table_file *file;
        size_t count;
        if (!table->partition_by || model->input[i].reach == EC_REACH_CURRENT) continue;
        EC_TRY(ec_table_files(table, &file, &count, err));
        struct ec_partitions *p = &change[changes].partitions;
        change[changes++].table = table->name;
        p->value = ec_arena_calloc(&d->arena, count, sizeof *p->value);
        if (!p->value) return no_memory(err);
        for (size_t k = 0; k < count; k++)
            if (!listed(p, file[k].partition)) p->value[p->count++] = file[k].partition;
    }
    return ec_model_partitions(model, change, changes, &d->arena, touched, err);
}

/* A model whose rows come as DuckDB finds them is computed on one thread and one partition at a
 * time: then the same inputs give the same rows in the same order, and memory follows a day. */
static enum ec_status write_one_by_one(struct ec_driver *d, const struct ec_model *model, const struct ec_partitions *touched,
                                       struct ec_table_writer *writer, struct ec_err *err) {
    struct ec_partitions each = *touched;
    if (touched->all && model->table.partition_by) EC_TRY(every_partition(d, model, &each, err));
    struct ec_sql *sql;
    EC_TRY(ec_driver_open_sql(d, 1, &sql, err));
    enum ec_status status = EC_OK;
    if (each.all) status = write_rows(d, sql, model, &each, writer, err);
    for (size_t i = 0; !each.all && i < each.count && status == EC_OK; i++) {
        struct ec_partitions one = {.value = &each.value[i], .count = 1};
        status = write_rows(d, sql, model, &one, writer, err);
    }
    ec_sql_close(sql);
    return status;
}

static bool same_columns(const struct ec_delta *delta, const struct ec_model *model) {
    if (delta->column_count != model->table.column_count) return false;
    for (size_t i = 0; i < delta->column_count; i++) {
        const struct ec_delta_column *a = &delta->column[i], *b = &model->table.column[i];
        if (strcmp(a->name, b->name) != 0 || memcmp(&a->type, &b->type, sizeof a->type) != 0) return false;
    }
    return true;
}

/* The touched partitions make room for what was computed. */
static enum ec_status replace_rows(struct ec_table *table, const struct ec_model *model, const struct ec_partitions *touched,
                                   struct ec_err *err) {
    if (touched->all) {
        ec_table_remove_all(table);
        table->column = ec_arena_calloc(table->arena, model->table.column_count, sizeof *table->column);
        if (!table->column) return no_memory(err);
        memcpy(table->column, model->table.column, model->table.column_count * sizeof *table->column);
        table->column_count = model->table.column_count;
        table->schema_changed = !same_columns(table->delta, model);
        return EC_OK;
    }
    for (size_t i = 0; i < touched->count; i++) ec_table_remove_partition(table, touched->value[i]);
    struct ec_table_column *column = ec_arena_calloc(table->arena, model->table.column_count, sizeof *column);
    if (!column) return no_memory(err);
    for (size_t i = 0; i < model->table.column_count; i++)
        column[i] = (struct ec_table_column){model->table.column[i].name, model->table.column[i].type};
    return ec_table_widen(table, column, model->table.column_count, err);
}

static enum ec_status compute(struct ec_driver *d, struct ec_sql *sql, const struct ec_model *model, struct ec_table *table,
                              const struct ec_partitions *touched, struct ec_err *err) {
    char staging[EC_PATH_MAX], folder[300], name[300];
    (void)snprintf(folder, sizeof folder, "model-%s", model->table.name);
    (void)snprintf(name, sizeof name, "part-%08u-%s", d->plan.seq, model->table.name);
    EC_TRY(ec_path_join(staging, sizeof staging, d->staging, folder, err));
    EC_TRY(ec_dir_make(staging, err));
    struct ec_table_writer_options options = {ec_arena_strdup(&d->arena, staging), ec_arena_strdup(&d->arena, name),
                                              model->table.partition_by, d->config->chunk_rows, 0};
    if (!options.dir || !options.name) return no_memory(err);
    struct ec_table_writer *writer;
    EC_TRY(ec_table_writer_create(&options, &writer, err));
    enum ec_status status = model->unordered ? write_one_by_one(d, model, touched, writer, err)
                                             : write_rows(d, sql, model, touched, writer, err);
    if (status == EC_OK) status = ec_table_writer_finish(writer, err);
    if (status == EC_OK) status = replace_rows(table, model, touched, err);
    if (status == EC_OK) status = ec_table_add_written(table, writer, options.dir, err);
    ec_table_writer_destroy(writer);
    return status;
}

static enum ec_status note_export(struct ec_driver *d, const struct ec_model *model, const struct ec_table *table,
                                  const struct ec_partitions *touched, struct ec_err *err) {
    if (!model->csv) return EC_OK;
    struct ec_manifest_export *e = &d->manifest.export[d->manifest.export_count++];
    *e = (struct ec_manifest_export){.model = model->table.name, .table = table->dir, .pattern = model->csv};
    e->all = touched->all || !table->partition_by;
    if (e->all) return EC_OK;
    e->partition = ec_arena_calloc(&d->arena, touched->count, sizeof *e->partition);
    if (!e->partition) return no_memory(err);
    for (size_t i = 0; i < touched->count; i++) e->partition[e->partition_count++] = touched->value[i];
    return EC_OK;
}

static enum ec_status refresh(struct ec_driver *d, struct ec_sql *sql, const struct ec_model *model,
                              struct ec_model_change *change, size_t *changes, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    EC_TRY(ec_model_dir(dir, model, err));
    struct ec_table *table = &d->table[d->table_count];
    EC_TRY(ec_table_open(d->config->dir, dir, model->table.name, model->table.partition_by, &d->arena, table, err));
    d->table_count++;
    struct ec_partitions touched = {.all = true};
    if (table->delta->version >= 0 && is_unchanged(d, model))
        EC_TRY(ec_model_partitions(model, change, *changes, &d->arena, &touched, err));
    if (!touched.all && touched.count == 0) return EC_OK;
    ec_log(EC_LOG_DEBUG, "model %s: %s", model->table.name, touched.all ? "all partitions" : "the touched partitions");
    ec_progress_stage(d->progress, model->table.name);
    EC_TRY(compute(d, sql, model, table, &touched, err));
    EC_TRY(note_export(d, model, table, &touched, err));
    return table_change(d, table, &change[(*changes)++], err);
}

enum ec_status ec_driver_models(struct ec_driver *d, struct ec_err *err) {
    struct ec_sql *sql;
    struct ec_models *models = d->models->models;
    EC_TRY(ec_driver_sql(d, &sql, err));
    for (size_t i = 0; i < d->config->source_count; i++) EC_TRY(open_source(d, &d->config->source[i], err));
    struct ec_model_change *change = ec_arena_calloc(&d->arena, d->table_count + models->count, sizeof *change);
    d->manifest.export = ec_arena_calloc(&d->arena, models->count, sizeof *d->manifest.export);
    d->manifest.model = ec_arena_calloc(&d->arena, models->count, sizeof *d->manifest.model);
    if (!change || !d->manifest.export || !d->manifest.model) return no_memory(err);
    size_t changes = 0;
    for (size_t i = 0; i < d->table_count; i++)
        if (ec_table_changed(&d->table[i])) EC_TRY(table_change(d, &d->table[i], &change[changes++], err));
    for (size_t i = 0; i < models->count; i++) {
        const struct ec_model *model = &models->model[i];
        EC_TRY(refresh(d, sql, model, change, &changes, err));
        d->manifest.model[d->manifest.model_count++] =
            (struct ec_manifest_model){model->table.name, model->fingerprint};
    }
    return EC_OK;
}
