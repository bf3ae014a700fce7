#include "run/wide_reach.h"

#include "base/io.h"
#include "run/wide_join.h"

#define ARENA_MAX ((size_t)EC_GIB)

struct reach {
    const struct ec_model *model;
    const struct ec_table *const *table;
    struct ec_model_files *files; /* per input, for the join */
    struct ec_arena arena;        /* of the partition under way */
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the partitions of a wide model"); }

static size_t first_input(const struct ec_model *model) { return model->wide->input[0]; }

/* Partitions are the first table's, and no table joins itself: what changes there changes the rows themselves. */
static bool can_be_known(const struct ec_model *model) {
    const struct ec_model_wide *wide = model->wide;
    if (!wide || !wide->join || wide->partition_value == SIZE_MAX || model->input[first_input(model)].reach != EC_REACH_SAME) return false;
    for (size_t t = 1; t < wide->table_count; t++)
        if (wide->input[t] == wide->input[0]) return false;
    return true;
}

static bool loses_a_file(const struct ec_table *table, const struct ec_partitions *needed) {
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (table->removed[i] && ec_partitions_have(needed, table->delta->file[i].partition)) return true;
    return false;
}

static enum ec_status list_added(struct reach *r, size_t input, const struct ec_partitions *needed, struct ec_err *err) {
    const struct ec_table *table = r->table[input];
    struct ec_model_file *file = ec_arena_calloc(&r->arena, table->added_count + 1, sizeof *file);
    if (!file) return no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < table->added_count; i++)
        if (ec_partitions_have(needed, table->added[i].partition)) file[n++] = (struct ec_model_file){table->added[i].staged, table->added[i].partition};
    r->files[input] = (struct ec_model_files){file, n};
    return EC_OK;
}

static enum ec_status list_first(struct reach *r, const char *partition, struct ec_err *err) {
    const struct ec_table *table = r->table[first_input(r->model)];
    struct ec_model_file *file = ec_arena_calloc(&r->arena, table->delta->file_count + 1, sizeof *file);
    struct ec_table_file *all;
    size_t count, n = 0;
    if (!file) return no_memory(err);
    EC_TRY(ec_table_files(table, &all, &count, err));
    struct ec_partitions one = {.value = &partition, .count = 1};
    for (size_t i = 0; i < count && n < table->delta->file_count; i++)
        if (ec_partitions_have(&one, all[i].partition)) file[n++] = (struct ec_model_file){all[i].path, all[i].partition};
    r->files[first_input(r->model)] = (struct ec_model_files){file, n};
    return EC_OK;
}

/* Whether the table's change reaches the partition. */
static enum ec_status table_reaches(struct reach *r, size_t table, const char **partition, bool *reaches, struct ec_err *err) {
    size_t input = r->model->wide->input[table];
    struct ec_partitions one = {.value = partition, .count = 1}, needed;
    *reaches = false;
    if (r->model->input[input].reach == EC_REACH_CURRENT) return EC_OK;
    EC_TRY(ec_model_needs(r->model, input, &one, &r->arena, &needed, err));
    *reaches = loses_a_file(r->table[input], &needed);
    if (*reaches) return EC_OK;
    EC_TRY(list_added(r, input, &needed, err));
    if (r->files[input].count == 0) return EC_OK;
    struct wide_join_input join = {.model = r->model, .touched = &one, .files = r->files};
    return wide_join_any(&join, table, reaches, err);
}

static enum ec_status is_reached(struct reach *r, const char **partition, bool *reached, struct ec_err *err) {
    *reached = ec_table_partition_changed(r->table[first_input(r->model)], *partition);
    if (*reached) return EC_OK;
    EC_TRY(list_first(r, *partition, err));
    for (size_t t = 1; t < r->model->wide->table_count && !*reached; t++) EC_TRY(table_reaches(r, t, partition, reached, err));
    return EC_OK;
}

enum ec_status ec_wide_reach(const struct ec_model *model, const struct ec_table *const *table, struct ec_partitions *touched,
                             struct ec_err *err) {
    if (touched->all || !can_be_known(model)) return EC_OK;
    struct reach r = {.model = model, .table = table, .files = ec_calloc(model->input_count, sizeof *r.files)};
    if (!r.files) return no_memory(err);
    enum ec_status status = EC_OK;
    size_t kept = 0;
    for (size_t i = 0; i < touched->count && status == EC_OK; i++) {
        bool reached = true;
        struct ec_err cause = {0};
        ec_arena_init(&r.arena, ARENA_MAX);
        status = is_reached(&r, &touched->value[i], &reached, &cause);
        if (status == EC_TABLE_FORMAT) reached = true, status = EC_OK; /* DuckDB alone reads these */
        if (status != EC_OK && err) *err = cause;
        if (reached) touched->value[kept++] = touched->value[i];
        ec_arena_deinit(&r.arena);
    }
    touched->count = kept;
    ec_free(r.files);
    return status;
}
