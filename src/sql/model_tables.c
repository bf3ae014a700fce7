/* The tables that a model's SQL names, from DuckDB's own syntax tree (json_serialize_sql).
 *
 * The tree is walked with a stack of our own. A name that a WITH clause defines is no table
 * inside that query; a scope is a list of such names, newest first, shared by what it encloses.
 */
#include "sql/model_private.h"

#include "base/io.h"
#include "config/config.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#define STACK_MAX ((size_t)1 << 20)

struct scope {
    const char *name;
    const struct scope *outer;
};

struct item {
    const json_t *value;
    const struct scope *scope;
};

struct walk {
    struct ec_model_draft *draft;
    struct item *stack;
    size_t depth, cap;
    size_t table_cap;
};

/* Functions that make rows out of nothing but their arguments. All others in FROM may read files
 * or the database, which no refresh rule would see. */
static const char *const table_functions[] = {"generate_series", "range", "unnest", "repeat", "json_each", "json_tree"};

static enum ec_status push(struct walk *w, const json_t *value, const struct scope *scope, struct ec_err *err) {
    if (!json_is_object(value) && !json_is_array(value)) return EC_OK;
    if (w->depth == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 256;
        struct item *stack = cap <= STACK_MAX ? ec_realloc_array(w->stack, cap, sizeof *stack) : NULL;
        if (!stack) return ec_fail(err, EC_NO_MEMORY, "the SQL of %s is too large", w->draft->model.file);
        w->stack = stack;
        w->cap = cap;
    }
    w->stack[w->depth++] = (struct item){value, scope};
    return EC_OK;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static size_t position_of(const json_t *object, size_t limit) {
    double position = json_number_value(json_object_get(object, "query_location"));
    return position >= 0 && position < (double)limit ? (size_t)position : 0;
}

static enum ec_status wrong(struct walk *w, const json_t *object, struct ec_err *err) {
    const struct ec_model *model = &w->draft->model;
    return ec_model_at(err, EC_CONFIG, model->file, model->text, position_of(object, strlen(model->text)));
}

static enum ec_status add_table(struct walk *w, const json_t *object, struct ec_err *err) {
    struct ec_model_draft *draft = w->draft;
    const char *name = text_of(object, "table_name");
    for (size_t i = 0; i < draft->table_count; i++)
        if (strcasecmp(draft->table[i].name, name) == 0) return EC_OK;
    if (draft->table_count == w->table_cap) {
        size_t cap = w->table_cap ? w->table_cap * 2 : 16;
        struct ec_name_at *list = ec_arena_calloc(draft->arena, cap, sizeof *list);
        if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
        if (draft->table_count) memcpy(list, draft->table, draft->table_count * sizeof *list);
        draft->table = list;
        w->table_cap = cap;
    }
    char *copy = ec_arena_strdup(draft->arena, name);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    draft->table[draft->table_count++] = (struct ec_name_at){copy, position_of(object, strlen(draft->model.text))};
    return EC_OK;
}

static enum ec_status visit_table(struct walk *w, struct item item, struct ec_err *err) {
    const char *name = text_of(item.value, "table_name");
    const char *schema = text_of(item.value, "schema_name");
    const char *catalog = text_of(item.value, "catalog_name");
    if (*catalog || (*schema && strcasecmp(schema, "main") != 0)) {
        (void)ec_fail(err, EC_CONFIG, "a model names tables without a schema: write `%s` for `%s%s%s.%s`", name, catalog,
                      *catalog ? "." : "", schema, name);
        return wrong(w, item.value, err);
    }
    if (*schema) w->draft->model.names_schema = true;
    for (const struct scope *s = *schema ? NULL : item.scope; s; s = s->outer)
        if (strcasecmp(s->name, name) == 0) return EC_OK;
    return add_table(w, item.value, err);
}

static enum ec_status visit_function(struct walk *w, struct item item, struct ec_err *err) {
    const char *name = text_of(json_object_get(item.value, "function"), "function_name");
    for (size_t i = 0; i < sizeof table_functions / sizeof *table_functions; i++)
        if (strcasecmp(table_functions[i], name) == 0) return EC_OK;
    (void)ec_fail(err, EC_CONFIG, "a model reads tables, not `%s()`: a refresh could not know when its rows change", name);
    return wrong(w, item.value, err);
}

static enum ec_status enter_scope(struct walk *w, const char *name, const struct scope **scope, struct ec_err *err) {
    struct scope *inner = ec_arena_calloc(w->draft->arena, 1, sizeof *inner);
    if (!inner) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    inner->outer = *scope;
    inner->name = ec_arena_strdup(w->draft->arena, name);
    if (!inner->name) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    *scope = inner;
    return EC_OK;
}

/* Each query of a WITH clause sees those before it, and itself where it is recursive. */
static enum ec_status visit_with(struct walk *w, const json_t *entries, const struct scope **scope, struct ec_err *err) {
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry) {
        const json_t *value = json_object_get(entry, "value");
        const json_t *node = json_object_get(json_object_get(value, "query"), "node");
        const struct scope *before = *scope;
        EC_TRY(enter_scope(w, text_of(entry, "key"), scope, err));
        bool recursive = strcmp(text_of(node, "type"), "RECURSIVE_CTE_NODE") == 0;
        EC_TRY(push(w, value, recursive ? *scope : before, err));
    }
    return EC_OK;
}

static enum ec_status visit(struct walk *w, struct item item, struct ec_err *err) {
    if (json_is_array(item.value)) {
        for (size_t i = 0; i < json_array_size(item.value); i++)
            EC_TRY(push(w, json_array_get(item.value, i), item.scope, err));
        return EC_OK;
    }
    const char *type = text_of(item.value, "type");
    if (strcmp(type, "BASE_TABLE") == 0) EC_TRY(visit_table(w, item, err));
    if (strcmp(type, "TABLE_FUNCTION") == 0) EC_TRY(visit_function(w, item, err));
    const json_t *with = json_object_get(item.value, "cte_map");
    EC_TRY(visit_with(w, json_object_get(with, "map"), &item.scope, err));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)item.value, key, value) {
        if (value != with) EC_TRY(push(w, value, item.scope, err));
    }
    return EC_OK;
}

static int by_name(const void *a, const void *b) {
    const struct ec_name_at *left = a, *right = b;
    return strcasecmp(left->name, right->name);
}

static enum ec_status walk_statement(struct ec_model_draft *draft, const json_t *statement, struct ec_err *err) {
    struct walk w = {.draft = draft};
    enum ec_status status = push(&w, statement, NULL, err);
    while (status == EC_OK && w.depth > 0) {
        struct item item = w.stack[--w.depth];
        status = visit(&w, item, err);
    }
    ec_free(w.stack);
    if (status == EC_OK && draft->table_count) qsort(draft->table, draft->table_count, sizeof *draft->table, by_name);
    return status;
}

static enum ec_status read_tree(struct ec_model_draft *draft, const json_t *tree, struct ec_err *err) {
    const struct ec_model *model = &draft->model;
    if (json_is_true(json_object_get(tree, "error"))) {
        (void)ec_fail(err, EC_CONFIG, "%s", text_of(tree, "error_message"));
        size_t position = 0;
        for (const char *p = text_of(tree, "position"); *p >= '0' && *p <= '9' && position < SIZE_MAX / 100; p++)
            position = position * 10 + (size_t)(*p - '0');
        return ec_model_at(err, EC_CONFIG, model->file, model->text, position);
    }
    const json_t *statements = json_object_get(tree, "statements");
    if (json_array_size(statements) != 1) {
        (void)ec_fail(err, EC_CONFIG, "a model is one SELECT; this file holds %zu", json_array_size(statements));
        return ec_model_at(err, EC_CONFIG, model->file, model->text, 0);
    }
    return walk_statement(draft, json_array_get(statements, 0), err);
}

enum ec_status ec_model_tables(struct ec_sql *sql, struct ec_model_draft *draft, struct ec_err *err) {
    json_t *tree = NULL;
    enum ec_status status = ec_duck_tree(sql, draft->model.text, draft->model.file, &tree, err);
    if (status == EC_OK) status = read_tree(draft, tree, err);
    json_decref(tree);
    return status;
}
