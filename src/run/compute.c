/* Computing the models that the run's changes reach, over the tables as they will be. */
#include "run/driver.h"

#include "base/column_type.h"
#include "base/io.h"
#include "base/log.h"
#include "run/engine.h"
#include "run/model_jobs.h"
#include "run/models.h"
#include "run/paths.h"
#include "run/rewrite.h"
#include "run/wide_hashes.h"
#include "run/wide_reach.h"

/* Parquet of the inputs that a job of an ordered model may be made of: its aggregates and its sorting take a few
 * times as much memory. */
#define JOB_BYTES (uint64_t)(64 * EC_MIB)
#define HASHES_FROM_BYTES (uint64_t)(16 * EC_MIB) /* of a joined model's inputs */

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

/* ---- jobs ---- */

/* The files of every input after this run. */
static enum ec_status list_inputs(struct ec_driver *d, const struct ec_model *model, struct ec_model_work *work, struct ec_err *err) {
    struct ec_model_files *files = ec_arena_calloc(&d->arena, model->input_count, sizeof *files);
    work->input = ec_arena_calloc(&d->arena, model->input_count, sizeof *work->input);
    work->input_count = ec_arena_calloc(&d->arena, model->input_count, sizeof *work->input_count);
    if (!files || !work->input || !work->input_count) return no_memory(err);
    for (size_t i = 0; i < model->input_count; i++) {
        size_t *count = &work->input_count[i];
        EC_TRY(ec_table_files(ec_driver_table(d, model->input[i].table->name), &work->input[i], count, err));
        struct ec_model_file *list = ec_arena_calloc(&d->arena, *count, sizeof *list);
        if (!list) return no_memory(err);
        for (size_t k = 0; k < *count; k++) list[k] = (struct ec_model_file){work->input[i][k].path, work->input[i][k].partition};
        files[i] = (struct ec_model_files){list, *count};
    }
    work->files = files;
    return EC_OK;
}

/* Bytes of the partition in the inputs that are read partition by partition. */
static uint64_t partition_bytes(const struct ec_model *model, const struct ec_model_work *work, const char *value) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->input_count; i++) {
        if (!model->input[i].table->partition_by || model->input[i].reach == EC_REACH_CURRENT) continue;
        for (size_t k = 0; k < work->input_count[i]; k++) {
            const struct ec_table_file *file = &work->input[i][k];
            bool same = file->partition && value ? strcmp(file->partition, value) == 0 : file->partition == value;
            if (same) bytes += file->bytes;
        }
    }
    return bytes;
}

static enum ec_status add_job(struct ec_driver *d, struct ec_model_jobs *jobs, const struct ec_model_work *work,
                              struct ec_partitions touched, uint64_t bytes, size_t number, struct ec_err *err) {
    char staging[EC_PATH_MAX], folder[300], name[340];
    const struct ec_model *model = work->model;
    (void)snprintf(folder, sizeof folder, "model-%s", model->table.name);
    (void)snprintf(name, sizeof name, "part-%08u-%s-%03zu", d->plan.seq, model->table.name, number);
    EC_TRY(ec_path_join(staging, sizeof staging, d->staging, folder, err));
    EC_TRY(ec_dir_make(staging, err));
    /* Every second day first: it reads the keys of the days beside it, which then find their neighbours' hashes kept. */
    struct ec_model_job job = {.work = work, .touched = touched, .bytes = bytes, .early = work->hashes && number % 2 == 0};
    job.options = (struct ec_table_writer_options){.dir = ec_arena_strdup(&d->arena, staging),
                                                   .name = ec_arena_strdup(&d->arena, name),
                                                   .partition_by = model->table.partition_by,
                                                   .one_by_one = model->wide || !model->unordered,
                                                   .rows_per_group = d->config->chunk_rows};
    if (!job.options.dir || !job.options.name) return no_memory(err);
    return ec_model_jobs_add(jobs, &job, err);
}

/* What little there is to join is read again sooner than its hashes are kept. */
static enum ec_status share_hashes(struct ec_driver *d, struct ec_model_work *work, uint64_t bytes, struct ec_err *err) {
    const struct ec_model *model = work->model;
    char name[300], path[EC_PATH_MAX];
    if (!model->wide || !model->wide->join || bytes < HASHES_FROM_BYTES) return EC_OK;
    (void)snprintf(name, sizeof name, "hashes-%s", model->table.name);
    EC_TRY(ec_path_join(path, sizeof path, d->staging, name, err));
    return ec_wide_hashes_create(path, &work->hashes, err);
}

/* One job, or one for every few partitions. It hangs on the data alone how rows are cut into jobs, so the parts
 * do, too. Rows that come as DuckDB finds them are in order of their partitions only a partition at a time. */
static enum ec_status add_jobs(struct ec_driver *d, struct ec_model_jobs *jobs, struct ec_model_work *work, struct ec_err *err) {
    const struct ec_model *model = work->model;
    struct ec_partitions each = work->touched;
    uint64_t all = 0;
    EC_TRY(list_inputs(d, model, work, err));
    if (each.all && model->table.partition_by) EC_TRY(every_partition(d, model, &each, err));
    for (size_t i = 0; i < model->input_count; i++)
        for (size_t k = 0; k < work->input_count[i]; k++) all += work->input[i][k].bytes;
    EC_TRY(share_hashes(d, work, all, err));
    bool one_by_one = model->unordered && !model->wide;
    if (each.all || (!model->unordered && all <= JOB_BYTES)) return add_job(d, jobs, work, work->touched, all, 0, err);
    size_t number = 0;
    for (size_t first = 0, end; first < each.count; first = end) {
        uint64_t bytes = partition_bytes(model, work, each.value[first]);
        for (end = first + 1; !one_by_one && end < each.count; end++) {
            uint64_t more = partition_bytes(model, work, each.value[end]);
            if (bytes + more > JOB_BYTES) break;
            bytes += more;
        }
        struct ec_partitions some = {.value = each.value + first, .count = end - first};
        EC_TRY(add_job(d, jobs, work, some, bytes, number++, err));
    }
    return EC_OK;
}

/* ---- results ---- */

static bool same_columns(const struct ec_delta *delta, const struct ec_model *model) {
    if (delta->column_count != model->table.column_count) return false;
    for (size_t i = 0; i < delta->column_count; i++) {
        const struct ec_delta_column *a = &delta->column[i], *b = &model->table.column[i];
        if (strcmp(a->name, b->name) != 0 || !ec_column_type_same(a->type, b->type)) return false;
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

/* ---- waves ---- */

/* What the changes touch, without what they cannot have changed. */
static enum ec_status find_touched(struct ec_driver *d, const struct ec_model *model, const struct ec_model_change *change, size_t changes,
                                   struct ec_partitions *touched, struct ec_err *err) {
    EC_TRY(ec_model_partitions(model, change, changes, &d->arena, touched, err));
    if (touched->all || !model->wide) return EC_OK;
    const struct ec_table **input = ec_arena_calloc(&d->arena, model->input_count, sizeof *input);
    if (!input) return no_memory(err);
    for (size_t i = 0; i < model->input_count; i++) input[i] = ec_driver_table(d, model->input[i].table->name);
    size_t before = touched->count;
    EC_TRY(ec_wide_reach(model, input, touched, err));
    ec_log(EC_LOG_DEBUG, "model %s: %zu of %zu partitions are reached by what changed around them", model->table.name, touched->count, before);
    return EC_OK;
}

/* Opens the model's table and finds what is to be computed. */
static enum ec_status begin(struct ec_driver *d, const struct ec_model *model, const struct ec_model_change *change, size_t changes,
                            struct ec_model_work *work, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    *work = (struct ec_model_work){.model = model, .touched = {.all = true}};
    EC_TRY(ec_model_dir(dir, model, err));
    work->table = &d->table[d->table_count];
    EC_TRY(ec_table_open(d->config->dir, dir, model->table.name, model->table.partition_by, &d->arena, work->table, err));
    d->table_count++;
    if (work->table->delta->version >= 0 && is_unchanged(d, model))
        EC_TRY(find_touched(d, model, change, changes, &work->touched, err));
    return EC_OK;
}

/* The model's jobs together: they ran beside each other, so all models may have taken longer than the stage. */
static void note_time(struct ec_driver *d, const struct ec_model_jobs *jobs, const struct ec_model_work *work) {
    struct ec_time_spent spent = {0};
    ec_timing_begin(d->timing, work->model->table.name);
    for (size_t i = 0; i < jobs->count; i++) {
        const struct ec_model_job *job = &jobs->job[i];
        if (job->work != work) continue;
        spent.wall_ns += job->wall_ns;
        spent.cpu_ns += job->cpu_ns;
        for (size_t k = 0; k < ec_table_writer_parts(job->writer); k++) {
            const struct ec_part *part = ec_table_writer_part(job->writer, k);
            ec_timing_count(d->timing, part->stats.rows, part->stats.bytes);
        }
    }
    ec_timing_end(d->timing);
    ec_timing_add(d->timing, work->model->table.name, &spent);
}

struct wave {
    struct ec_model_jobs jobs;
    struct ec_sync_queue *syncs; /* of all waves */
    struct ec_model_work *work;
    size_t count;
};

static enum ec_status take_results(struct ec_driver *d, struct wave *wave, const struct ec_model_work *work, struct ec_err *err) {
    struct ec_model_jobs *jobs = &wave->jobs;
    EC_TRY(replace_rows(work->table, work->model, &work->touched, err));
    if (d->engine) EC_TRY(ec_engine_adopt(d, work, wave->syncs, err));
    for (size_t i = 0; i < jobs->count; i++)
        if (jobs->job[i].work == work)
            EC_TRY(ec_table_add_written(work->table, jobs->job[i].writer, jobs->job[i].options.dir, err));
    return note_export(d, work->model, work->table, &work->touched, err);
}

/* Whether all models among its inputs are computed. */
static bool is_ready(const struct ec_model *model, const bool *done) {
    for (size_t i = 0; i < model->input_count; i++)
        if (model->input[i].model != SIZE_MAX && !done[model->input[i].model]) return false;
    return true;
}

static enum ec_status compute_wave(struct ec_driver *d, struct wave *wave, struct ec_model_change *change, size_t *changes,
                                   struct ec_err *err) {
    for (size_t i = 0; i < wave->count; i++) {
        struct ec_model_work *work = &wave->work[i];
        EC_TRY(begin(d, work->model, change, *changes, work, err));
        if (!work->touched.all && work->touched.count == 0) continue;
        ec_log(EC_LOG_DEBUG, "model %s: %s", work->model->table.name, work->touched.all ? _("all partitions") : _("the touched partitions"));
        if (!d->engine) EC_TRY(add_jobs(d, &wave->jobs, work, err));
    }
    EC_TRY(d->engine ? ec_engine_compute(d, wave->work, wave->count, err) : ec_model_jobs_run(d, &wave->jobs, wave->syncs, err));
    for (size_t i = 0; i < wave->count; i++) {
        struct ec_model_work *work = &wave->work[i];
        if (!work->touched.all && work->touched.count == 0) continue;
        if (!d->engine) note_time(d, &wave->jobs, work);
        EC_TRY(take_results(d, wave, work, err));
        EC_TRY(table_change(d, work->table, &change[(*changes)++], err));
    }
    return EC_OK;
}

static enum ec_status compute_waves(struct ec_driver *d, struct ec_model_change *change, size_t changes,
                                    struct ec_sync_queue *syncs, struct ec_err *err) {
    struct ec_models *models = d->models->models;
    bool *done = ec_arena_calloc(&d->arena, models->count, sizeof *done);
    struct wave wave = {.syncs = syncs, .work = ec_arena_calloc(&d->arena, models->count, sizeof *wave.work)};
    if (!done || !wave.work) return no_memory(err);
    for (size_t computed = 0; computed < models->count; computed += wave.count) {
        wave.count = 0;
        for (size_t i = 0; i < models->count; i++)
            if (!done[i] && is_ready(&models->model[i], done)) wave.work[wave.count++].model = &models->model[i];
        enum ec_status status = compute_wave(d, &wave, change, &changes, err);
        ec_model_jobs_deinit(&wave.jobs);
        for (size_t i = 0; i < wave.count; i++) {
            ec_wide_hashes_destroy(wave.work[i].hashes);
            wave.work[i].hashes = NULL;
        }
        if (status != EC_OK) return status;
        for (size_t i = 0; i < wave.count; i++) done[wave.work[i].model - models->model] = true;
    }
    return EC_OK;
}

/* Parts of one wave become durable while the next is computed. */
static enum ec_status compute_all(struct ec_driver *d, struct ec_model_change *change, size_t changes, struct ec_err *err) {
    struct ec_sync_queue *syncs;
    struct ec_err sync_err = {0};
    EC_TRY(ec_sync_queue_create(&syncs, err));
    enum ec_status status = compute_waves(d, change, changes, syncs, err);
    enum ec_status synced = ec_sync_queue_end(syncs, &sync_err);
    if (status == EC_OK && synced != EC_OK && err) *err = sync_err;
    return status != EC_OK ? status : synced;
}

enum ec_status ec_driver_models(struct ec_driver *d, struct ec_err *err) {
    struct ec_models *models = d->models->models;
    for (size_t i = 0; i < d->config->source_count; i++) EC_TRY(open_source(d, &d->config->source[i], err));
    struct ec_model_change *change = ec_arena_calloc(&d->arena, d->table_count + models->count, sizeof *change);
    d->manifest.export = ec_arena_calloc(&d->arena, models->count, sizeof *d->manifest.export);
    d->manifest.model = ec_arena_calloc(&d->arena, models->count, sizeof *d->manifest.model);
    if (!change || !d->manifest.export || !d->manifest.model) return no_memory(err);
    size_t changes = 0;
    for (size_t i = 0; i < d->table_count; i++)
        if (ec_table_changed(&d->table[i])) EC_TRY(table_change(d, &d->table[i], &change[changes++], err));
    EC_TRY(compute_all(d, change, changes, err));
    for (size_t i = 0; i < models->count; i++)
        d->manifest.model[d->manifest.model_count++] =
            (struct ec_manifest_model){models->model[i].table.name, models->model[i].fingerprint};
    return EC_OK;
}
