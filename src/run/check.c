/* Rules, derived columns and models are checked before the first byte is read. */
#include "run/models.h"

#include "config/config.h"
#include "gate/gate.h"
#include "read/reader.h"
#include "run/paths.h"
#include "sql/derive.h"

#define MODELS_ARENA_MAX ((size_t)64 * EC_MIB)

/* The columns of a source's table as configured, in its parts' order. */
static enum ec_status source_columns(struct ec_project_models *m, const struct ec_batch *batch, struct ec_model_table *table,
                                     struct ec_err *err) {
    struct ec_delta_column *column = ec_arena_calloc(&m->arena, batch->columns + 2, sizeof *column);
    if (!column) return ec_fail(err, EC_NO_MEMORY, "no memory for the columns of %s", table->name);
    size_t n = 0;
    for (; n < batch->columns; n++) column[n] = (struct ec_delta_column){batch->column[n].name, batch->column[n].type};
    column[n++] = (struct ec_delta_column){"_file", {.type = EC_TYPE_STRING}};
    column[n++] = (struct ec_delta_column){"_line", {.type = EC_TYPE_INTEGER}};
    table->column = column;
    table->column_count = n;
    return EC_OK;
}

static enum ec_status check_source(struct ec_project_models *m, const struct ec_source *source, struct ec_sql *sql,
                                   const struct ec_derivation *made, struct ec_batch *batch, struct ec_model_table *table,
                                   struct ec_err *err) {
    struct ec_derivation *own = NULL;
    struct ec_gate *gate = NULL;
    enum ec_status status = ec_reader_columns(source, batch, err);
    size_t first = batch->columns, at;
    if (status == EC_OK && !made) status = ec_derive_create(sql, source, &own, err);
    const struct ec_derivation *derivation = made ? made : own;
    for (size_t i = 0; i < source->derive_count && status == EC_OK; i++)
        status = ec_batch_add_column(batch, source->derive[i].name, ec_derive_types(derivation)[i], &at, err);
    if (status == EC_OK) status = ec_gate_create(source, batch, first, source->derive_count, &gate, err);
    if (status == EC_OK) status = source_columns(m, batch, table, err);
    ec_gate_destroy(gate);
    ec_derive_destroy(own);
    return status;
}

enum ec_status ec_project_models_load(const struct ec_config *config, struct ec_sql *sql,
                                      struct ec_derivation *const *derivation, struct ec_project_models *m,
                                      struct ec_err *err) {
    *m = (struct ec_project_models){0};
    ec_arena_init(&m->arena, MODELS_ARENA_MAX);
    m->source = ec_arena_calloc(&m->arena, config->source_count, sizeof *m->source);
    if (!m->source) return ec_fail(err, EC_NO_MEMORY, "no memory for the models");
    for (size_t i = 0; i < config->source_count; i++) {
        const struct ec_source *source = &config->source[i];
        struct ec_batch batch;
        m->source[i] = (struct ec_model_table){.name = source->name, .partition_by = source->partition_by};
        EC_TRY(ec_batch_init(&batch, err));
        enum ec_status status = check_source(m, source, sql, derivation ? derivation[i] : NULL, &batch, &m->source[i], err);
        ec_batch_deinit(&batch);
        EC_TRY(status);
    }
    char dir[EC_PATH_MAX];
    EC_TRY(ec_project_path(dir, config->dir, EC_DIR_MODELS, NULL, err));
    EC_TRY(ec_models_load(sql, dir, m->source, config->source_count, &m->models, err));
    return ec_models_check(sql, m->models, err);
}

void ec_project_models_deinit(struct ec_project_models *m) {
    ec_models_destroy(m->models);
    ec_arena_deinit(&m->arena);
}

enum ec_status ec_model_dir(char *out, const struct ec_model *model, struct ec_err *err) {
    return ec_project_path(out, EC_DIR_PROCESSED, ec_layer_name(model->layer), model->table.name, err);
}
