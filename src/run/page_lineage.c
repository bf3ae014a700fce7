/* The lineage of a run: file, the source's table, the models made of it. */
#include "run/page_gather.h"

#include "base/log.h"
#include "run/paths.h"
#include "sql/model.h"

#define FILES_MAX (EC_PAGE_LINEAGE_MAX / 2)

struct gathering {
    const struct ec_page_facts_options *o;
    struct ec_arena *arena;
    struct ec_page_lineage *g;
    size_t edge_cap;
    bool failed; /* memory ran out */
};

static size_t add_node(struct gathering *x, const char *id, enum ec_node_kind kind) {
    if (x->g->node_count == EC_PAGE_LINEAGE_MAX) return SIZE_MAX;
    const char *copy = ec_arena_strdup(x->arena, id);
    if (!copy) x->failed = true;
    struct ec_lineage_node *node = &x->g->node[x->g->node_count];
    *node = (struct ec_lineage_node){.id = copy ? copy : "", .kind = kind, .version = -1};
    const struct ec_run_facts *facts = x->o->facts;
    for (size_t i = 0; kind != EC_NODE_FILE && i < facts->table_count; i++) {
        if (strcmp(facts->table[i].name, id) != 0) continue;
        node->rows_known = true;
        node->rows = facts->table[i].rows;
        node->version = facts->table[i].version;
    }
    return x->g->node_count++;
}

static size_t find_table(const struct gathering *x, const char *id) {
    for (size_t i = 0; i < x->g->node_count; i++)
        if (x->g->node[i].kind != EC_NODE_FILE && strcmp(x->g->node[i].id, id) == 0) return i;
    return SIZE_MAX;
}

static void add_edge(struct gathering *x, size_t from, size_t to) {
    if (from == SIZE_MAX || to == SIZE_MAX || x->failed) return;
    if (x->g->edge_count == x->edge_cap) {
        size_t cap = x->edge_cap ? x->edge_cap * 2 : 64;
        size_t(*grown)[2] = ec_arena_calloc(x->arena, cap, sizeof *grown);
        if (!grown) {
            x->failed = true;
            return;
        }
        if (x->g->edge_count) memcpy(grown, x->g->edge, x->g->edge_count * sizeof *grown);
        x->g->edge = grown;
        x->edge_cap = cap;
    }
    x->g->edge[x->g->edge_count][0] = from;
    x->g->edge[x->g->edge_count++][1] = to;
}

static void add_files(struct gathering *x) {
    const struct ec_run_facts *facts = x->o->facts;
    for (size_t i = 0; i < facts->unit_count && i < FILES_MAX; i++) {
        const struct ec_unit *unit = &facts->unit[i];
        size_t at = add_node(x, unit->label, EC_NODE_FILE);
        if (at == SIZE_MAX) return;
        x->g->node[at].rows_known = ec_unit_known(unit);
        x->g->node[at].rows = unit->facts.accepted;
        add_edge(x, at, find_table(x, unit->source_name));
    }
}

static void add_models(struct gathering *x, const struct ec_models *models) {
    for (size_t i = 0; i < models->count; i++) (void)add_node(x, models->model[i].table.name, EC_NODE_MODEL);
    for (size_t i = 0; i < models->count; i++)
        for (size_t k = 0; k < models->model[i].input_count; k++)
            add_edge(x, find_table(x, models->model[i].input[k].table->name), find_table(x, models->model[i].table.name));
}

/* Their SQL is parsed, nothing is computed: names are all that is wanted. */
static enum ec_status load_models(struct gathering *x, struct ec_sql *sql, struct ec_err *err) {
    const struct ec_config *config = x->o->config;
    struct ec_model_table *table = ec_arena_calloc(x->arena, config->source_count, sizeof *table);
    struct ec_models *models = NULL;
    struct ec_err cause = {0};
    char dir[EC_PATH_MAX];
    if (x->o->models) {
        add_models(x, x->o->models);
        return EC_OK;
    }
    if (!table) return ec_fail(err, EC_NO_MEMORY, "no memory for the lineage");
    for (size_t i = 0; i < config->source_count; i++)
        table[i] = (struct ec_model_table){.name = config->source[i].name, .partition_by = config->source[i].partition_by};
    EC_TRY(ec_project_path(dir, config->dir, EC_DIR_MODELS, NULL, err));
    enum ec_status status = ec_models_load(sql, dir, table, config->source_count, &models, &cause);
    if (status == EC_OK)
        add_models(x, models);
    else
        ec_log(EC_LOG_WARN, "the lineage lacks the models: %s", cause.message);
    ec_models_destroy(models);
    return EC_OK;
}

enum ec_status ec_gather_lineage(const struct ec_page_facts_options *o, struct ec_sql *sql, struct ec_arena *arena,
                                 struct ec_page_lineage *g, struct ec_err *err) {
    struct gathering x = {.o = o, .arena = arena, .g = g};
    *g = (struct ec_page_lineage){.node = ec_arena_calloc(arena, EC_PAGE_LINEAGE_MAX, sizeof *g->node)};
    if (!g->node) return ec_fail(err, EC_NO_MEMORY, "no memory for the lineage");
    for (size_t i = 0; i < o->config->source_count; i++) (void)add_node(&x, o->config->source[i].name, EC_NODE_TABLE);
    if (sql || o->models) EC_TRY(load_models(&x, sql, err));
    add_files(&x);
    return x.failed ? ec_fail(err, EC_NO_MEMORY, "no memory for the lineage") : EC_OK;
}
