#include "run/lineage_models.h"

#include "base/log.h"
#include "sql/model_origin.h"

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the lineage"); }

static struct ec_lineage_origin origin_of(const struct ec_column_origin *from) {
    static const char *const subtypes[] = {"IDENTITY", "TRANSFORMATION", "AGGREGATION", "FILTER"};
    return (struct ec_lineage_origin){.table = from->table->name, .column = from->column,
                                      .type = from->kind == EC_ORIGIN_FILTER ? "INDIRECT" : "DIRECT", .subtype = subtypes[from->kind]};
}

static enum ec_status fill_column(const struct ec_delta_column *column, const struct ec_column_origins *of, struct ec_arena *arena,
                                  struct ec_lineage_column *out, struct ec_err *err) {
    struct ec_lineage_origin *list = ec_arena_calloc(arena, of->count, sizeof *list);
    if (!list) return no_memory(err);
    for (size_t i = 0; i < of->count; i++) list[i] = origin_of(&of->origin[i]);
    *out = (struct ec_lineage_column){.name = column->name, .type = column->type, .origin = list, .origin_count = of->count};
    return EC_OK;
}

static enum ec_status fill_model(const struct ec_model *model, struct ec_sql *sql, struct ec_arena *arena, struct ec_lineage_model *out,
                                 struct ec_err *err) {
    const struct ec_model_table *table = &model->table;
    struct ec_lineage_column *column = ec_arena_calloc(arena, table->column_count, sizeof *column);
    struct ec_column_origins *origins = NULL;
    struct ec_err cause = {0};
    if (!column) return no_memory(err);
    if (ec_model_origins(sql, model, arena, &origins, &cause) != EC_OK) {
        ec_log(EC_LOG_WARN, "the lineage of %s is not told: %s", table->name, cause.message);
        origins = ec_arena_calloc(arena, table->column_count, sizeof *origins);
    }
    if (!origins) return no_memory(err);
    for (size_t i = 0; i < table->column_count; i++) EC_TRY(fill_column(&table->column[i], &origins[i], arena, &column[i], err));
    *out = (struct ec_lineage_model){.name = table->name,
                                     .folder = model->layer == EC_LAYER_JOINED ? "data/processed/joined" : "data/processed/kpi",
                                     .column = column,
                                     .column_count = table->column_count};
    return EC_OK;
}

enum ec_status ec_lineage_models(const struct ec_models *models, struct ec_sql *sql, struct ec_arena *arena,
                                 struct ec_lineage_options *options, struct ec_err *err) {
    struct ec_lineage_model *list = ec_arena_calloc(arena, models->count, sizeof *list);
    if (!list) return no_memory(err);
    for (size_t i = 0; i < models->count; i++) EC_TRY(fill_model(&models->model[i], sql, arena, &list[i], err));
    options->model = list;
    options->model_count = models->count;
    return EC_OK;
}
