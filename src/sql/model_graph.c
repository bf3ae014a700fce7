/* Names into inputs, and models into an order in which each follows its inputs.
 *
 * Drafts come sorted by table name. `ready` takes the first model by name whose inputs are all
 * placed, so the order depends on the files alone.
 */
#include "sql/model_private.h"

#include "config/config.h"

#include <strings.h>

#define NOT_PLACED SIZE_MAX

struct graph {
    struct ec_models *models;
    struct ec_model_draft *draft; /* models->count */
    const struct ec_model_table *table;
    size_t table_count;
    size_t *place;    /* of a draft in models->model, or NOT_PLACED */
    size_t **depends; /* per draft and table named: the draft that makes it, or SIZE_MAX */
};

static size_t find_draft(const struct graph *g, const char *name) {
    for (size_t i = 0; i < g->models->count; i++)
        if (strcasecmp(g->draft[i].model.table.name, name) == 0) return i;
    return SIZE_MAX;
}

static const struct ec_model_table *find_source(const struct graph *g, const char *name) {
    for (size_t i = 0; i < g->table_count; i++)
        if (strcasecmp(g->table[i].name, name) == 0) return &g->table[i];
    return NULL;
}

static enum ec_status at(const struct ec_model_draft *draft, size_t position, struct ec_err *err) {
    return ec_model_at(err, EC_CONFIG, draft->model.file, draft->model.text, position);
}

static enum ec_status unknown_table(const struct graph *g, const struct ec_model_draft *draft, struct ec_name_at name,
                                    struct ec_err *err) {
    size_t count = g->models->count + g->table_count;
    const char **words = ec_arena_calloc(&g->models->arena, count, sizeof *words);
    if (!words) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    for (size_t i = 0; i < g->table_count; i++) words[i] = g->table[i].name;
    for (size_t i = 0; i < g->models->count; i++) words[g->table_count + i] = g->draft[i].model.table.name;
    const char *nearest = ec_nearest(name.name, words, count);
    (void)ec_fail(err, EC_CONFIG, "no source and no model is named `%s`%s%s%s", name.name, nearest ? _("; did you mean `") : "",
                  nearest ? nearest : "", nearest ? _("`?") : "");
    return at(draft, name.position, err);
}

static enum ec_status check_names(const struct graph *g, struct ec_err *err) {
    for (size_t i = 0; i < g->models->count; i++) {
        const struct ec_model *model = &g->draft[i].model;
        bool twice = i > 0 && strcmp(g->draft[i - 1].model.table.name, model->table.name) == 0;
        bool source = find_source(g, model->table.name) != NULL;
        if (!twice && !source) continue;
        (void)ec_fail(err, EC_CONFIG, "the table %s is made twice: also by %s", model->table.name,
                      source ? _("the source of that name") : g->draft[i - 1].model.file);
        ec_err_at(err, model->file, 0, 0);
        return EC_CONFIG;
    }
    return EC_OK;
}

static enum ec_status find_dependencies(struct graph *g, struct ec_err *err) {
    for (size_t i = 0; i < g->models->count; i++) {
        const struct ec_model_draft *draft = &g->draft[i];
        g->depends[i] = ec_arena_calloc(&g->models->arena, draft->table_count, sizeof **g->depends);
        if (!g->depends[i]) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
        for (size_t k = 0; k < draft->table_count; k++) {
            g->depends[i][k] = find_draft(g, draft->table[k].name);
            if (g->depends[i][k] == SIZE_MAX && !find_source(g, draft->table[k].name))
                return unknown_table(g, draft, draft->table[k], err);
        }
    }
    return EC_OK;
}

/* The first of a draft's names that is made by a model not yet placed; SIZE_MAX: none. */
static size_t first_open(const struct graph *g, size_t index) {
    for (size_t k = 0; k < g->draft[index].table_count; k++) {
        size_t other = g->depends[index][k];
        if (other != SIZE_MAX && g->place[other] == NOT_PLACED) return k;
    }
    return SIZE_MAX;
}

/* From any model that is left, each step to an input that is left too ends in a cycle. */
static enum ec_status name_cycle(const struct graph *g, size_t start, struct ec_err *err) {
    size_t index = start;
    for (size_t i = 0; i < g->models->count; i++) index = g->depends[index][first_open(g, index)];
    char path[512];
    size_t n = 0, first = index;
    do {
        if (n < sizeof path) n += (size_t)snprintf(path + n, sizeof path - n, "%s -> ", g->draft[index].model.table.name);
        index = g->depends[index][first_open(g, index)];
    } while (index != first);
    (void)ec_fail(err, EC_CONFIG, "models read each other in a circle: %s%s", n < sizeof path ? path : "... -> ",
                  g->draft[first].model.table.name);
    return at(&g->draft[first], g->draft[first].table[first_open(g, first)].position, err);
}

/* Where the header speaks of an input, its directive. */
static enum ec_status apply_directives(const struct graph *g, const struct ec_model_draft *draft, struct ec_model *model,
                                       struct ec_err *err) {
    for (size_t i = 0; i < draft->directive_count; i++) {
        const struct ec_model_directive *d = &draft->directive[i];
        size_t k = 0;
        while (k < model->input_count && strcasecmp(model->input[k].table->name, d->table.name) != 0) k++;
        if (k == model->input_count) {
            const char **words = ec_arena_calloc(&g->models->arena, model->input_count, sizeof *words);
            if (!words) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
            for (size_t j = 0; j < model->input_count; j++) words[j] = model->input[j].table->name;
            const char *nearest = ec_nearest(d->table.name, words, model->input_count);
            (void)ec_fail(err, EC_CONFIG, "the SQL does not read `%s`%s%s%s", d->table.name, nearest ? _("; did you mean `") : "",
                          nearest ? nearest : "", nearest ? _("`?") : "");
            return at(draft, d->table.position, err);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(draft->directive[j].table.name, d->table.name) != 0) continue;
            (void)ec_fail(err, EC_CONFIG, "the input %s stands here for the second time", d->table.name);
            return at(draft, d->table.position, err);
        }
        model->input[k].reach = d->reach;
        model->input[k].days = d->days;
    }
    return EC_OK;
}

static bool partitioned_by_day(const struct ec_model_table *table) {
    if (!table->partition_by) return false;
    const struct ec_delta_column *column = ec_model_column(table, table->partition_by);
    return !column || column->type.type == EC_TYPE_DATE; /* a model's columns are checked later */
}

/* `within N days` needs days on both sides. */
static enum ec_status check_reach(const struct ec_model_draft *draft, const struct ec_model *model, struct ec_err *err) {
    for (size_t i = 0; i < draft->directive_count; i++) {
        const struct ec_model_directive *d = &draft->directive[i];
        if (d->reach != EC_REACH_DAYS) continue;
        for (size_t k = 0; k < model->input_count; k++) {
            const struct ec_model_table *input = model->input[k].table;
            if (strcasecmp(input->name, d->table.name) != 0 || (model->table.partition_by && partitioned_by_day(input))) continue;
            (void)ec_fail(err, EC_CONFIG, "`within %u days` needs %s to be partitioned by a date", d->days,
                          model->table.partition_by ? input->name : _("this model"));
            return at(draft, d->table.position, err);
        }
    }
    return EC_OK;
}

static enum ec_status place(struct graph *g, size_t index, size_t position, struct ec_err *err) {
    const struct ec_model_draft *draft = &g->draft[index];
    struct ec_model *model = &g->models->model[position];
    *model = draft->model;
    model->input_count = draft->table_count;
    model->input = ec_arena_calloc(&g->models->arena, draft->table_count, sizeof *model->input);
    if (!model->input) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    for (size_t k = 0; k < draft->table_count; k++) {
        size_t other = g->depends[index][k];
        struct ec_model_input *input = &model->input[k];
        input->model = other == SIZE_MAX ? SIZE_MAX : g->place[other];
        input->table = other == SIZE_MAX ? find_source(g, draft->table[k].name) : &g->models->model[input->model].table;
    }
    EC_TRY(apply_directives(g, draft, model, err));
    EC_TRY(check_reach(draft, model, err));
    g->place[index] = position;
    return EC_OK;
}

static enum ec_status place_all(struct graph *g, struct ec_err *err) {
    for (size_t placed = 0; placed < g->models->count; placed++) {
        size_t next = SIZE_MAX, left = SIZE_MAX;
        for (size_t i = 0; i < g->models->count && next == SIZE_MAX; i++) {
            if (g->place[i] != NOT_PLACED) continue;
            left = i;
            if (first_open(g, i) == SIZE_MAX) next = i;
        }
        if (next == SIZE_MAX) return name_cycle(g, left, err);
        EC_TRY(place(g, next, placed, err));
    }
    return EC_OK;
}

enum ec_status ec_models_order(struct ec_models *models, struct ec_model_draft *draft, const struct ec_model_table *table,
                               size_t table_count, struct ec_err *err) {
    struct graph g = {.models = models, .draft = draft, .table = table, .table_count = table_count};
    g.place = ec_arena_calloc(&models->arena, models->count, sizeof *g.place);
    g.depends = ec_arena_calloc(&models->arena, models->count, sizeof *g.depends);
    if (!g.place || !g.depends) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    for (size_t i = 0; i < models->count; i++) g.place[i] = NOT_PLACED;
    EC_TRY(check_names(&g, err));
    EC_TRY(find_dependencies(&g, err));
    return place_all(&g, err);
}
