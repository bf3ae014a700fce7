/* Recognising wide models, from DuckDB's syntax tree.
 *
 *     SELECT s.*, u.* EXCLUDE (user_id) RENAME (city AS city_user), l.date - s.date AS lag
 *     FROM sessions AS s LEFT JOIN users AS u ON … LEFT JOIN api_logs AS l ON … WHERE …
 *
 * becomes the narrow
 *
 *     SELECT s."# row" AS "#0", u."# row" AS "#1", l."# row" AS "#2", s.date AS "#v0", (l.date - s.date) AS "#v1"
 *     FROM … the same … WHERE … the same …
 *
 * and every column of the result is a column of one of the tables, to be fetched by row number, or a value of
 * the narrow query. Whatever is not exactly of this form is left to DuckDB alone: grouping, DISTINCT, ORDER BY,
 * WITH, windows, subqueries in the list, USING, samples, REPLACE. The columns are compared with those that
 * DuckDB found for the whole statement; where they differ in name, type or number, the model is not wide.
 */
#include "sql/model_private.h"

#include "base/column_type.h"
#include "sql/model_tree.h"

#include <strings.h>

#define TABLES_MAX 16u
#define DEPTH_MAX 4096u

struct shape {
    const struct ec_model *model;
    struct ec_arena *arena;
    struct ec_model_wide *wide;
    const char *alias[TABLES_MAX];
    json_t *list; /* the narrow select list */
};

/* ---- FROM ---- */

static bool add_table(struct shape *s, const json_t *node) {
    struct ec_model_wide *wide = s->wide;
    if (wide->table_count == TABLES_MAX || !ec_tree_is_empty(json_object_get(node, "sample")) ||
        !ec_tree_is_empty(json_object_get(node, "column_name_alias")) || !ec_tree_is_empty(json_object_get(node, "at_clause")))
        return false;
    const char *name = ec_tree_text(node, "table_name"), *alias = ec_tree_text(node, "alias");
    size_t input = 0;
    while (input < s->model->input_count && strcasecmp(s->model->input[input].table->name, name) != 0) input++;
    if (input == s->model->input_count) return false;
    alias = *alias ? alias : name;
    for (size_t i = 0; i < wide->table_count; i++)
        if (strcasecmp(s->alias[i], alias) == 0) return false;
    s->alias[wide->table_count] = alias;
    wide->input[wide->table_count++] = input;
    return true;
}

static bool is_plain_join(const json_t *node) {
    return ec_tree_is(node, "type", "JOIN") && (ec_tree_is(node, "join_type", "LEFT") || ec_tree_is(node, "join_type", "INNER")) &&
           ec_tree_is(node, "ref_type", "REGULAR") && ec_tree_is_empty(json_object_get(node, "using_columns")) &&
           ec_tree_is_empty(json_object_get(node, "sample"));
}

/* The tables from left to right. */
static bool add_tables(struct shape *s, const json_t *from) {
    const json_t *stack[TABLES_MAX + 1];
    size_t depth = 0;
    stack[depth++] = from;
    while (depth > 0) {
        const json_t *node = stack[--depth];
        if (ec_tree_is(node, "type", "BASE_TABLE")) {
            if (!add_table(s, node)) return false;
            continue;
        }
        if (!is_plain_join(node) || depth + 2 > TABLES_MAX) return false;
        stack[depth++] = json_object_get(node, "right");
        stack[depth++] = json_object_get(node, "left");
    }
    return true;
}

/* ---- the select list ---- */

static json_t *column_ref(const char *table, const char *column, const char *alias) {
    return json_pack("{s:s, s:s, s:s, s:i, s:[s, s]}", "class", "COLUMN_REF", "type", "COLUMN_REF", "alias", alias, "query_location",
                     0, "column_names", table, column);
}

/* The next column of the result is the item's value; takes the item. `table`: whose partition it is, or SIZE_MAX. */
static bool add_value(struct shape *s, json_t *item, size_t table) {
    struct ec_model_wide *wide = s->wide;
    char alias[24];
    (void)snprintf(alias, sizeof alias, EC_WIDE_VALUE "%zu", wide->value_count);
    bool done = item && wide->column_count < s->model->table.column_count &&
                json_object_set_new(item, "alias", json_string(alias)) == 0 && json_array_append_new(s->list, json_incref(item)) == 0;
    json_decref(item);
    if (!done) return false;
    const char *name = s->model->table.column[wide->column_count].name, *by = s->model->table.partition_by;
    if (by && strcasecmp(name, by) == 0) wide->partition_value = wide->value_count;
    wide->partition_of[wide->value_count] = table;
    wide->column[wide->column_count++] = (struct ec_wide_column){.table = SIZE_MAX, .value = wide->value_count++};
    return true;
}

/* The next column of the result is the table's, as it is. Partition columns lie in no part: they are values. */
static bool add_column(struct shape *s, size_t table, const struct ec_delta_column *column, const char *name) {
    struct ec_model_wide *wide = s->wide;
    const struct ec_model_table *ours = &s->model->table, *theirs = s->model->input[wide->input[table]].table;
    if (wide->column_count == ours->column_count) return false;
    const struct ec_delta_column *result = &ours->column[wide->column_count];
    if (strcmp(result->name, name) != 0 || !ec_column_type_same(result->type, column->type)) return false;
    bool partition = theirs->partition_by && strcasecmp(theirs->partition_by, column->name) == 0;
    if (partition || (ours->partition_by && strcasecmp(ours->partition_by, name) == 0))
        return add_value(s, column_ref(s->alias[table], column->name, ""), partition ? table : SIZE_MAX);
    wide->column[wide->column_count++] = (struct ec_wide_column){.table = table, .name = column->name};
    return true;
}

static bool is_excluded(const json_t *list, const char *name) {
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)list, i, entry) {
        if (strcasecmp(json_string_value(entry), name) == 0) return true;
    }
    return false;
}

static const char *renamed(const json_t *list, const char *name) {
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)list, i, entry) {
        if (strcasecmp(ec_tree_text(json_object_get(entry, "key"), "column"), name) == 0) return ec_tree_text(entry, "value");
    }
    return name;
}

static bool is_simple_star(const json_t *item) {
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(item, "exclude_list"), i, entry) {
        if (!json_is_string(entry)) return false;
    }
    json_array_foreach(json_object_get(item, "rename_list"), i, entry) {
        if (*ec_tree_text(json_object_get(entry, "key"), "table")) return false;
    }
    return ec_tree_is_empty(json_object_get(item, "replace_list")) && ec_tree_is_empty(json_object_get(item, "qualified_exclude_list")) &&
           ec_tree_is_empty(json_object_get(item, "expr")) && json_is_false(json_object_get(item, "columns"));
}

static bool add_star(struct shape *s, const json_t *item) {
    const char *relation = ec_tree_text(item, "relation_name");
    const json_t *exclude = json_object_get(item, "exclude_list"), *rename = json_object_get(item, "rename_list");
    if (!is_simple_star(item)) return false;
    for (size_t t = 0; t < s->wide->table_count; t++) {
        if (*relation && strcasecmp(relation, s->alias[t]) != 0) continue;
        const struct ec_model_table *table = s->model->input[s->wide->input[t]].table;
        for (size_t i = 0; i < table->column_count; i++) {
            const struct ec_delta_column *column = &table->column[i];
            if (is_excluded(exclude, column->name)) continue;
            if (!add_column(s, t, column, renamed(rename, column->name))) return false;
        }
    }
    return true;
}

static bool add_reference(struct shape *s, json_t *item) {
    const json_t *names = json_object_get(item, "column_names");
    const char *alias = ec_tree_text(item, "alias");
    if (json_array_size(names) != 2) return add_value(s, json_incref(item), SIZE_MAX);
    const char *table = json_string_value(json_array_get(names, 0)), *name = json_string_value(json_array_get(names, 1));
    for (size_t t = 0; table && name && t < s->wide->table_count; t++) {
        if (strcasecmp(table, s->alias[t]) != 0) continue;
        const struct ec_delta_column *column = ec_model_column(s->model->input[s->wide->input[t]].table, name);
        if (column) return add_column(s, t, column, *alias ? alias : column->name);
    }
    return add_value(s, json_incref(item), SIZE_MAX); /* a field of a struct, or what else a name may be */
}

/* Whether the expression is made of values of its row alone. */
static bool is_row_wise(const json_t *item) {
    static const char *const classes[] = {"COLUMN_REF", "FUNCTION", "CASE", "CAST", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN"};
    const json_t *stack[DEPTH_MAX];
    size_t depth = 0;
    stack[depth++] = item;
    while (depth > 0) {
        json_t *node = (json_t *)(uintptr_t)stack[--depth];
        const char *kind = json_string_value(json_object_get(node, "class"));
        bool known = !kind;
        for (size_t i = 0; kind && i < sizeof classes / sizeof *classes; i++) known = known || strcmp(kind, classes[i]) == 0;
        if (!known) return false;
        const char *key;
        json_t *value;
        size_t i;
        json_object_foreach(node, key, value) {
            if (depth < DEPTH_MAX && (json_is_object(value) || json_is_array(value))) stack[depth++] = value;
        }
        json_array_foreach(node, i, value) {
            if (depth < DEPTH_MAX && json_is_object(value)) stack[depth++] = value;
        }
        if (depth == DEPTH_MAX) return false;
    }
    return true;
}

static bool add_item(struct shape *s, json_t *item) {
    if (ec_tree_is(item, "class", "STAR")) return add_star(s, item);
    if (ec_tree_is(item, "class", "COLUMN_REF")) return add_reference(s, item);
    return is_row_wise(item) && add_value(s, json_incref(item), SIZE_MAX);
}

/* ---- the whole ---- */

static bool is_plain_select(const json_t *node) {
    return ec_tree_is(node, "type", "SELECT_NODE") && ec_tree_is_empty(json_object_get(node, "modifiers")) &&
           ec_tree_is_empty(json_object_get(json_object_get(node, "cte_map"), "map")) &&
           ec_tree_is_empty(json_object_get(node, "group_expressions")) && ec_tree_is_empty(json_object_get(node, "group_sets")) &&
           ec_tree_is(node, "aggregate_handling", "STANDARD_HANDLING") && ec_tree_is_empty(json_object_get(node, "having")) &&
           ec_tree_is_empty(json_object_get(node, "sample")) && ec_tree_is_empty(json_object_get(node, "qualify"));
}

static bool add_row_numbers(struct shape *s) {
    for (size_t t = 0; t < s->wide->table_count; t++) {
        char alias[24];
        (void)snprintf(alias, sizeof alias, "#%zu", t);
        json_t *ref = column_ref(s->alias[t], EC_WIDE_ROW, alias);
        if (!ref || json_array_append_new(s->list, ref) != 0) return false;
    }
    return true;
}

/* Fills wide, and puts the narrow list into the tree. */
static bool read_shape(struct shape *s, json_t *node) {
    size_t i;
    json_t *item;
    if (!is_plain_select(node) || !add_tables(s, json_object_get(node, "from_table")) || !add_row_numbers(s)) return false;
    json_array_foreach(json_object_get(node, "select_list"), i, item) {
        if (!add_item(s, item)) return false;
    }
    const struct ec_model_wide *wide = s->wide;
    bool partitioned = !s->model->table.partition_by || wide->partition_value != SIZE_MAX;
    bool gathers = wide->column_count > wide->value_count;
    return wide->column_count == s->model->table.column_count && gathers && partitioned &&
           json_object_set(node, "select_list", s->list) == 0;
}

/* The tree's places that DuckDB does not know are 2^64 - 1, which jansson cannot hold. */
static void drop_unknown_places(struct ec_buf *tree) {
    static const char unknown[] = "18446744073709551615";
    for (char *p = tree->p; p && (p = memmem(p, tree->n - (size_t)(p - tree->p), unknown, sizeof unknown - 1)) != NULL;) {
        memset(p, ' ', sizeof unknown - 1);
        *p = '0';
    }
}

static int add_json(const char *p, size_t n, void *out) {
    ec_buf_add(out, p, n);
    return 0;
}

static enum ec_status deserialize(struct ec_sql *sql, const json_t *tree, struct ec_arena *arena, const char **text, struct ec_err *err) {
    struct ec_buf query = ec_buf_make(EC_SQL_TEXT_MAX), dump = ec_buf_make(EC_SQL_TREE_MAX), made = ec_buf_make(EC_SQL_TREE_MAX);
    (void)json_dump_callback(tree, add_json, &dump, JSON_COMPACT);
    ec_buf_addc(&dump, '\0');
    enum ec_status status = ec_buf_check(&dump, err);
    ec_buf_addz(&query, "SELECT CAST(json_deserialize_sql(CAST(");
    if (status == EC_OK) ec_sql_quote_text(&query, dump.p);
    ec_buf_addz(&query, " AS JSON)) AS VARCHAR)");
    if (status == EC_OK) status = ec_buf_check(&query, err);
    if (status == EC_OK) status = ec_duck_text(sql, query.p, &made, err);
    if (status == EC_OK && !(*text = ec_arena_copy(arena, made.p ? made.p : "", made.n))) status = ec_fail(err, EC_NO_MEMORY, "no memory for a model");
    ec_buf_free(&made);
    ec_buf_free(&dump);
    ec_buf_free(&query);
    return status;
}

static bool allocate(struct shape *s) {
    s->wide = ec_arena_calloc(s->arena, 1, sizeof *s->wide);
    if (!s->wide) return false;
    s->wide->partition_value = SIZE_MAX;
    s->wide->input = ec_arena_calloc(s->arena, TABLES_MAX, sizeof *s->wide->input);
    s->wide->column = ec_arena_calloc(s->arena, s->model->table.column_count, sizeof *s->wide->column);
    s->wide->partition_of = ec_arena_calloc(s->arena, s->model->table.column_count, sizeof *s->wide->partition_of);
    return s->wide->input && s->wide->column && s->wide->partition_of;
}

static enum ec_status rewrite(struct ec_sql *sql, struct shape *s, struct ec_buf *text, struct ec_err *err) {
    json_error_t error;
    drop_unknown_places(text);
    json_t *tree = json_loadb(text->p ? text->p : "", text->n, 0, &error);
    s->list = json_array();
    json_t *node = json_object_get(json_array_get(json_object_get(tree, "statements"), 0), "node");
    enum ec_status status = EC_OK;
    bool wide = tree && s->list && node && read_shape(s, node);
    if (wide) status = ec_model_find_joins(s->model, s->wide, s->alias, node, s->arena, err);
    if (wide && status == EC_OK) status = deserialize(sql, tree, s->arena, &s->wide->text, err);
    if (!wide) s->wide = NULL;
    json_decref(s->list);
    json_decref(tree);
    return status;
}

enum ec_status ec_model_find_wide(struct ec_sql *sql, struct ec_arena *arena, struct ec_model *model, struct ec_err *err) {
    model->wide = NULL;
    if (!model->unordered) return EC_OK;
    struct shape shape = {.model = model, .arena = arena};
    if (!allocate(&shape)) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    struct ec_buf text = ec_buf_make(EC_SQL_TREE_MAX);
    enum ec_status status = ec_duck_tree_text(sql, model->text, &text, err);
    if (status == EC_OK) status = rewrite(sql, &shape, &text, err);
    ec_buf_free(&text);
    if (status == EC_OK) model->wide = shape.wide;
    return status;
}
