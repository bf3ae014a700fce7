/* The queries of a model from the inside out, each a relation whose columns know their origins. */
#include "sql/model_origin.h"

#include "base/io.h"
#include "sql/duck.h"
#include "sql/model_origin_private.h"

#include <strings.h>

/* Queries that WITH has named, the newest first. */
struct scope {
    const char *name;
    const struct ec_origin_relation *relation;
    const struct scope *outer;
};

static struct ec_origin_relation *query(struct ec_origin_search *x, const json_t *node, const struct scope *scope, unsigned depth);

static bool is(const json_t *object, const char *key, const char *value) { return strcmp(ec_origin_text(object, key), value) == 0; }

static struct ec_origin_relation *new_relation(struct ec_origin_search *x) {
    struct ec_origin_relation *made = ec_arena_calloc(x->arena, 1, sizeof *made);
    if (!made) x->failed = true;
    return made;
}

/* ---- FROM ---- */

static void fill_table(struct ec_origin_search *x, const struct ec_model_table *table, struct ec_origin_relation *out) {
    size_t cap = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        struct ec_origin_column *column = ec_origin_add(x, out, &cap, table->column[i].name);
        if (!column) return;
        column->list = ec_arena_calloc(x->arena, 1, sizeof *column->list);
        if (!column->list) x->failed = true;
        else column->list[0] = (struct ec_column_origin){table, table->column[i].name, EC_ORIGIN_IDENTITY};
        column->count = column->cap = column->list != NULL;
    }
}

/* A copy, so that what a join hides is hidden there alone. */
static void fill_query(struct ec_origin_search *x, const struct ec_origin_relation *from, struct ec_origin_relation *out) {
    size_t cap = 0;
    out->unknown = from->unknown;
    for (size_t i = 0; i < from->count; i++) {
        struct ec_origin_column *column = ec_origin_add(x, out, &cap, from->column[i].name);
        if (!column) return;
        ec_origin_join(x, column, &from->column[i], EC_ORIGIN_IDENTITY);
    }
}

static void fill_named(struct ec_origin_search *x, const json_t *node, const struct scope *scope, struct ec_origin_relation *out) {
    const char *name = ec_origin_text(node, "table_name");
    for (const struct scope *s = *ec_origin_text(node, "schema_name") ? NULL : scope; s; s = s->outer) {
        if (strcasecmp(s->name, name) != 0) continue;
        fill_query(x, s->relation, out);
        return;
    }
    for (size_t i = 0; i < x->model->input_count; i++) {
        if (strcasecmp(x->model->input[i].table->name, name) != 0) continue;
        fill_table(x, x->model->input[i].table, out);
        return;
    }
    out->unknown = true;
}

/* FROM t AS u(a, b) */
static void rename_columns(struct ec_origin_search *x, const json_t *names, struct ec_origin_relation *out) {
    for (size_t i = 0; i < json_array_size(names) && i < out->count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        out->column[i].name = name ? ec_arena_strdup(x->arena, name) : "";
        if (!out->column[i].name) {
            out->column[i].name = "";
            x->failed = true;
        }
    }
}

static void add_relation(struct ec_origin_search *x, struct ec_origin_select *s, const json_t *node, const struct scope *scope, unsigned depth) {
    struct ec_origin_relation *out = &s->relation[s->relations++];
    const char *alias = ec_origin_text(node, "alias");
    *out = (struct ec_origin_relation){.alias = *alias ? alias : ec_origin_text(node, "table_name")};
    if (is(node, "type", "BASE_TABLE")) {
        fill_named(x, node, scope, out);
    } else if (is(node, "type", "SUBQUERY")) {
        const struct ec_origin_relation *made = query(x, json_object_get(json_object_get(node, "subquery"), "node"), scope, depth + 1);
        if (made) fill_query(x, made, out);
    } else {
        out->unknown = true;
    }
    rename_columns(x, json_object_get(node, "column_name_alias"), out);
}

/* The columns of USING are one: that of the left side where every row has one. */
static void hide(struct ec_origin_select *s, size_t left, size_t right, const json_t *join) {
    const json_t *names = json_object_get(join, "using_columns");
    bool from_left = is(join, "join_type", "INNER") || is(join, "join_type", "LEFT");
    for (size_t n = 0; n < json_array_size(names); n++) {
        const char *name = json_string_value(json_array_get(names, n));
        for (size_t r = left; name && r < s->relations; r++) {
            for (size_t i = 0; i < s->relation[r].count; i++) {
                struct ec_origin_column *c = &s->relation[r].column[i];
                if (strcasecmp(c->name, name) != 0) continue;
                if (r >= right) c->hidden = true;
                else if (!from_left) c->unknown = true;
            }
        }
    }
}

static void add_from(struct ec_origin_search *x, struct ec_origin_select *s, const json_t *node, const struct scope *scope, unsigned depth) {
    if (is(node, "type", "EMPTY") || x->failed) return;
    if (s->relations == EC_ORIGIN_TABLES_MAX || depth > EC_ORIGIN_DEPTH_MAX + EC_ORIGIN_TABLES_MAX) {
        s->relation[0].unknown = true;
        return;
    }
    if (!is(node, "type", "JOIN")) {
        add_relation(x, s, node, scope, depth);
        return;
    }
    size_t left = s->relations;
    add_from(x, s, json_object_get(node, "left"), scope, depth + 1);
    size_t right = s->relations;
    if (is(node, "join_type", "SEMI") || is(node, "join_type", "ANTI")) return; /* its columns are not seen */
    add_from(x, s, json_object_get(node, "right"), scope, depth + 1);
    hide(s, left, right, node);
    if (is(node, "ref_type", "NATURAL"))
        for (size_t r = left; r < s->relations; r++) s->relation[r].unknown = true;
}

/* ---- queries ---- */

static struct ec_origin_relation *select_query(struct ec_origin_search *x, const json_t *node, const struct scope *scope, unsigned depth) {
    struct ec_origin_select *s = ec_arena_calloc(x->arena, 1, sizeof *s);
    struct ec_origin_relation *result = new_relation(x);
    if (!s || !result) {
        x->failed = true;
        return result;
    }
    s->result = result;
    add_from(x, s, json_object_get(node, "from_table"), scope, depth);
    ec_origin_items(x, s, json_object_get(node, "select_list"));
    return result;
}

/* UNION: each column is made of what both sides' are; of EXCEPT the rows are the left side's. */
static struct ec_origin_relation *set_query(struct ec_origin_search *x, const json_t *node, const struct scope *scope, unsigned depth) {
    struct ec_origin_relation *left = query(x, json_object_get(node, "left"), scope, depth + 1);
    struct ec_origin_relation *right = query(x, json_object_get(node, "right"), scope, depth + 1);
    if (!left || !right) return left;
    if (is(node, "setop_type", "EXCEPT")) return left;
    bool by_place = is(node, "setop_type", "UNION") || is(node, "setop_type", "INTERSECT");
    if (!by_place || left->count != right->count || right->unknown) left->unknown = true;
    for (size_t i = 0; i < left->count && !left->unknown; i++) ec_origin_join(x, &left->column[i], &right->column[i], EC_ORIGIN_IDENTITY);
    return left;
}

static const struct scope *enter(struct ec_origin_search *x, const json_t *with, const struct scope *scope, unsigned depth) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(with, "map"), i, entry) {
        const json_t *value = json_object_get(entry, "value");
        struct scope *inner = ec_arena_calloc(x->arena, 1, sizeof *inner);
        struct ec_origin_relation *made = query(x, json_object_get(json_object_get(value, "query"), "node"), scope, depth + 1);
        if (!inner || !made) {
            x->failed = true;
            return scope;
        }
        rename_columns(x, json_object_get(value, "aliases"), made);
        *inner = (struct scope){ec_origin_text(entry, "key"), made, scope};
        scope = inner;
    }
    return scope;
}

/* A relation of unknown columns where the tree is not understood; NULL where memory ran out. Bounded by depth: it calls
 * itself for what stands in brackets. */
static struct ec_origin_relation *query(struct ec_origin_search *x, const json_t *node, const struct scope *scope, unsigned depth) {
    if (depth < EC_ORIGIN_DEPTH_MAX && !x->failed) {
        scope = enter(x, json_object_get(node, "cte_map"), scope, depth);
        if (is(node, "type", "SELECT_NODE")) return select_query(x, node, scope, depth);
        if (is(node, "type", "SET_OPERATION_NODE")) return set_query(x, node, scope, depth);
    }
    struct ec_origin_relation *unknown = new_relation(x);
    if (unknown) unknown->unknown = true;
    return unknown;
}

enum ec_status ec_model_origins(struct ec_sql *sql, const struct ec_model *model, struct ec_arena *arena,
                                struct ec_column_origins **out, struct ec_err *err) {
    struct ec_origin_search x = {.model = model, .arena = arena};
    json_t *tree = NULL;
    *out = ec_arena_calloc(arena, model->table.column_count, sizeof **out);
    if (!*out) return ec_fail(err, EC_NO_MEMORY, "no memory for the lineage");
    EC_TRY(ec_duck_tree(sql, model->text, model->file, &tree, err));
    const json_t *node = json_object_get(json_array_get(json_object_get(tree, "statements"), 0), "node");
    const struct ec_origin_relation *made = query(&x, node, NULL, 0);
    bool known = made && !made->unknown && made->count == model->table.column_count;
    for (size_t i = 0; known && i < made->count; i++)
        if (!made->column[i].unknown) (*out)[i] = (struct ec_column_origins){made->column[i].list, made->column[i].count};
    json_decref(tree);
    return x.failed ? ec_fail(err, EC_NO_MEMORY, "no memory for the lineage") : EC_OK;
}
