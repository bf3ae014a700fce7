/* Models that an engine computes: from Delta tables as they will be after the run, into Delta tables that the run adopts.
 *
 *     data/staging/<run>/next/<table>/_delta_log/00000000000000000000.json   written here, read by the engine
 *     data/staging/<run>/model-<name>/                                       written by the engine, read here
 *
 * The first kind holds a log and no parts: it names the parts that stay and those that the run has staged, by absolute
 * paths, as shallow clones do. So an engine's own reader of Delta tables sees the run before it is committed. Of the
 * second kind the driver takes the parts that its log names: what a task that ran twice left beside them is nobody's.
 */
#include "run/engine.h"

#include "base/io.h"
#include "run/mirror.h"
#include "run/paths.h"

#define LOG_BYTES_MAX ((size_t)512 * EC_MIB)
#define ASK_BYTES_MAX ((size_t)64 * EC_MIB)

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the models"); }

/* ---- inputs ---- */

static enum ec_status next_path(const struct ec_driver *d, const char *table, char *out, struct ec_err *err) {
    char name[320];
    (void)snprintf(name, sizeof name, "next/%s", table);
    return ec_path_join(out, EC_PATH_MAX, d->staging, name, err);
}

/* One part of the table, by an absolute address. */
static enum ec_status add_part(struct ec_buf *log, const struct ec_table *table, const char *path, struct ec_delta_file file,
                               struct ec_err *err) {
    struct ec_buf uri = ec_buf_make(4 * EC_PATH_MAX);
    ec_buf_addz(&uri, "file://");
    ec_delta_path_encode(&uri, path);
    enum ec_status status = ec_buf_check(&uri, err);
    file.path = ec_buf_str(&uri).p;
    if (status == EC_OK) ec_delta_add_action(log, &file, table->partition_by);
    ec_buf_free(&uri);
    return status;
}

static enum ec_status add_parts(struct ec_buf *log, const struct ec_table *table, int64_t now_ms, struct ec_err *err) {
    char relative[EC_PATH_MAX], full[EC_PATH_MAX];
    for (size_t i = 0; i < table->delta->file_count; i++) {
        if (table->removed[i]) continue;
        EC_TRY(ec_delta_path_decode(table->delta->file[i].path, relative, sizeof relative, err));
        EC_TRY(ec_path_join(full, sizeof full, table->full, relative, err));
        EC_TRY(add_part(log, table, full, table->delta->file[i], err));
    }
    for (size_t i = 0; i < table->added_count; i++) {
        const struct ec_new_part *part = &table->added[i];
        struct ec_delta_file file = {
            .partition = part->partition, .bytes = part->bytes, .rows = part->rows, .modified_ms = now_ms, .stats = part->stats};
        EC_TRY(add_part(log, table, part->staged, file, err));
    }
    return EC_OK;
}

/* Not synced: it lives as long as the run. */
static enum ec_status write_log(const char *folder, const struct ec_buf *log, struct ec_err *err) {
    char dir[EC_PATH_MAX], path[EC_PATH_MAX];
    int fd;
    EC_TRY(ec_path_join(dir, sizeof dir, folder, "_delta_log", err));
    EC_TRY(ec_path_join(path, sizeof path, dir, "00000000000000000000.json", err));
    EC_TRY(ec_dir_make(dir, err));
    EC_TRY(ec_file_create(path, &fd, err));
    enum ec_status status = ec_file_write(fd, log->p, log->n, path, err);
    if (ec_io.close(fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot close %s", path);
    return status;
}

/* The table with the columns that models see: those of its declaration, whichever parts have them. */
static enum ec_status write_next(struct ec_driver *d, const struct ec_model_table *declared, struct ec_err *err) {
    const struct ec_table *table = ec_driver_table(d, declared->name);
    char folder[EC_PATH_MAX];
    EC_TRY(next_path(d, declared->name, folder, err));
    if (ec_path_exists(folder)) return EC_OK; /* another model has asked for it */
    if (!table) return ec_fail(err, EC_ENGINE, "the table %s is not open", declared->name);
    struct ec_buf log = ec_buf_make(LOG_BYTES_MAX);
    int64_t now_ms = d->options->now_us / 1000;
    ec_delta_protocol_action(&log);
    ec_delta_metadata_action(&log, "00000000-0000-4000-8000-000000000000", declared->column, declared->column_count,
                             table->partition_by, now_ms);
    enum ec_status status = add_parts(&log, table, now_ms, err);
    if (status == EC_OK) status = ec_buf_check(&log, err);
    if (status == EC_OK) status = write_log(folder, &log, err);
    ec_buf_free(&log);
    return status;
}

/* ---- the request ---- */

static void write_partitions(struct ec_json_writer *w, const char *key, const struct ec_partitions *p) {
    if (p->all) {
        ec_json_null(w, key);
        return;
    }
    ec_json_array(w, key);
    for (size_t i = 0; i < p->count; i++) ec_json_str(w, NULL, p->value[i]);
    ec_json_end_array(w);
}

/* The table's folder in the store of the tables, where an earlier run has found every part of it to be there. */
static enum ec_status write_store(struct ec_driver *d, struct ec_json_writer *w, const char *name, struct ec_err *err) {
    const struct ec_table *table = ec_driver_table(d, name);
    const char *store = d->config->tables_store, *kind = table->dir + sizeof EC_DIR_PROCESSED;
    char address[EC_PATH_MAX];
    if (!store || table->delta->version < 0 || ec_mirror_believed(d->config->dir, store, kind) != table->delta->version) return EC_OK;
    EC_TRY(ec_path_join(address, sizeof address, store, kind, err));
    ec_json_str(w, "store", address);
    return EC_OK;
}

static enum ec_status write_input(struct ec_driver *d, struct ec_json_writer *w, const struct ec_model_work *work, size_t i,
                                  struct ec_err *err) {
    const struct ec_model_table *table = work->model->input[i].table;
    struct ec_partitions needed;
    char folder[EC_PATH_MAX];
    EC_TRY(write_next(d, table, err));
    EC_TRY(next_path(d, table->name, folder, err));
    EC_TRY(ec_model_needs(work->model, i, &work->touched, &d->arena, &needed, err));
    ec_json_object(w, NULL);
    ec_json_str(w, "table", table->name);
    ec_json_str(w, "path", folder);
    ec_json_str(w, "partition_by", table->partition_by);
    EC_TRY(write_store(d, w, table->name, err));
    write_partitions(w, "needed", &needed);
    ec_json_end(w);
    return EC_OK;
}

static enum ec_status out_path(const struct ec_driver *d, const struct ec_model *model, char *out, struct ec_err *err) {
    char name[320];
    (void)snprintf(name, sizeof name, "model-%s", model->table.name);
    return ec_path_join(out, EC_PATH_MAX, d->staging, name, err);
}

static enum ec_status ask_model(struct ec_driver *d, const struct ec_model_work *work, struct ec_err *err) {
    char folder[EC_PATH_MAX];
    struct ec_buf line = ec_buf_make(ASK_BYTES_MAX);
    struct ec_json_writer w;
    enum ec_status status = out_path(d, work->model, folder, err);
    ec_json_init(&w, &line);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "model", work->model->table.name);
    ec_json_str(&w, "out", folder);
    write_partitions(&w, "touched", &work->touched);
    ec_json_array(&w, "inputs");
    for (size_t i = 0; i < work->model->input_count && status == EC_OK; i++) status = write_input(d, &w, work, i, err);
    ec_json_end_array(&w);
    ec_json_end(&w);
    if (status == EC_OK) status = ec_engine_say(d->engine, &line, err);
    ec_buf_free(&line);
    return status;
}

static bool is_touched(const struct ec_model_work *work) { return work->touched.all || work->touched.count > 0; }

/* The answers tell that all is written; what was written, the logs say. */
static enum ec_status hear_models(struct ec_driver *d, size_t count, struct ec_err *err) {
    while (count > 0) {
        const char *line;
        size_t n;
        json_t *object;
        EC_TRY(ec_engine_hear(d, &line, &n, &object, err));
        bool progress = json_object_get(object, "progress") != NULL, named = json_object_get(object, "model") != NULL;
        json_decref(object);
        if (!progress && !named) return ec_fail(err, EC_PROTOCOL, "the engine's answer names no model");
        count -= named;
    }
    return EC_OK;
}

enum ec_status ec_engine_compute(struct ec_driver *d, const struct ec_model_work *work, size_t count, struct ec_err *err) {
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) asked += is_touched(&work[i]);
    if (asked == 0) return EC_OK;
    struct ec_buf line = ec_buf_make(256);
    ec_buf_printf(&line, "{\"v\":%d,\"ask\":\"models\",\"count\":%zu}", EC_ENGINE_VERSION, asked);
    enum ec_status status = ec_engine_say(d->engine, &line, err);
    ec_buf_free(&line);
    for (size_t i = 0; i < count && status == EC_OK; i++)
        if (is_touched(&work[i])) status = ask_model(d, &work[i], err);
    return status == EC_OK ? hear_models(d, asked, err) : status;
}

/* ---- the result ---- */

static enum ec_status not_as_agreed(const struct ec_model *model, const char *what, struct ec_err *err) {
    return ec_fail(err, EC_ENGINE, "the engine's table of the model %s is not what was asked for: %s", model->table.name, what);
}

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static enum ec_status check_table(const struct ec_model *model, const struct ec_delta *made, struct ec_err *err) {
    if (made->version < 0) return not_as_agreed(model, _("there is none"), err);
    if (!same_text(made->partition_by, model->table.partition_by)) return not_as_agreed(model, _("its partition column"), err);
    if (made->column_count != model->table.column_count) return not_as_agreed(model, _("the number of its columns"), err);
    for (size_t i = 0; i < made->column_count; i++) {
        const struct ec_delta_column *is = &made->column[i], *want = &model->table.column[i];
        if (strcmp(is->name, want->name) != 0 || is->type.type != want->type.type ||
            is->type.precision != want->type.precision || is->type.scale != want->type.scale)
            return not_as_agreed(model, want->name, err);
    }
    return EC_OK;
}

/* Its bytes are in the system's memory at least; they are on the disk when `durable` is committed (C1). */
static enum ec_status hold_part(struct ec_durable *durable, const char *path, uint64_t bytes, struct ec_err *err) {
    int fd;
    struct stat st;
    struct ec_err cause = {0};
    if (ec_file_open(path, &fd, &st, &cause) != EC_OK)
        return ec_fail(err, EC_ENGINE, "a part that the engine's log names: %s", cause.message);
    if ((uint64_t)st.st_size == bytes) return ec_durable_add(durable, path, fd, err);
    (void)ec_io.close(fd);
    return ec_fail(err, EC_ENGINE, "%s is not as long as its table's log says", path);
}

static enum ec_status adopt_file(struct ec_driver *d, const struct ec_model_work *work, const char *folder,
                                 const struct ec_delta_file *file, struct ec_durable *durable, struct ec_err *err) {
    char relative[EC_PATH_MAX], full[EC_PATH_MAX];
    if (file->rows == UINT64_MAX) return not_as_agreed(work->model, _("a part without statistics"), err);
    if (file->rows == 0) return EC_OK;
    if (!work->touched.all && !ec_partitions_have(&work->touched, file->partition))
        return not_as_agreed(work->model, _("a partition that was not asked for"), err);
    EC_TRY(ec_delta_path_decode(file->path, relative, sizeof relative, err));
    EC_TRY(ec_path_join(full, sizeof full, folder, relative, err));
    EC_TRY(hold_part(durable, full, file->bytes, err));
    /* The snapshot of the engine's table is closed before the run ends. */
    struct ec_new_part part = {.staged = ec_arena_strdup(&d->arena, full),
                               .path = ec_arena_strdup(&d->arena, relative),
                               .partition = file->partition ? ec_arena_strdup(&d->arena, file->partition) : NULL,
                               .rows = file->rows,
                               .bytes = file->bytes,
                               .stats = file->stats ? ec_arena_strdup(&d->arena, file->stats) : NULL};
    if (!part.staged || !part.path || (file->partition && !part.partition)) return no_memory(err);
    return ec_table_add(work->table, part, err);
}

enum ec_status ec_engine_adopt(struct ec_driver *d, const struct ec_model_work *work, struct ec_sync_queue *syncs,
                               struct ec_err *err) {
    char folder[EC_PATH_MAX];
    struct ec_delta *made = NULL;
    struct ec_durable *durable = NULL;
    EC_TRY(out_path(d, work->model, folder, err));
    EC_TRY(ec_durable_create(&durable, err));
    enum ec_status status = ec_delta_open(folder, &made, err);
    if (status == EC_OK) status = check_table(work->model, made, err);
    for (size_t i = 0; status == EC_OK && i < made->file_count; i++)
        status = adopt_file(d, work, folder, &made->file[i], durable, err);
    ec_delta_close(made);
    if (status == EC_OK)
        ec_sync_queue_add(syncs, durable);
    else
        ec_durable_destroy(durable);
    return status;
}
