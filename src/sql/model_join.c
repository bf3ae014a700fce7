/* Joins of a wide model that are nothing but equal columns and days, from DuckDB's syntax tree.
 *
 *     FROM sessions AS s
 *     LEFT JOIN api_logs AS l ON l.session_id = s.session_id AND l.date BETWEEN s.date - 1 AND s.date + 1
 *
 * Every table joins the first one; `date` here is the partition column of both. Whatever says more than that,
 * such as WHERE, a condition on a third table or an expression, is DuckDB's to join.
 */
#include "sql/model_private.h"
#include "sql/model_tree.h"

#include <strings.h>

#define CONDITIONS_MAX 16u
#define DAYS_MAX       100000

struct joins {
    const struct ec_model *model;
    const struct ec_model_wide *wide;
    const char *const *alias;
    struct ec_arena *arena;
    struct ec_wide_join *join;
};

/* A column of a joined table, by its name in the statement. */
struct reference {
    size_t table;
    const struct ec_delta_column *column;
    bool partition;
};

static bool find_column(const struct joins *j, const json_t *node, struct reference *out) {
    const json_t *names = json_object_get(node, "column_names");
    if (!ec_tree_is(node, "class", "COLUMN_REF") || json_array_size(names) != 2) return false;
    const char *table = json_string_value(json_array_get(names, 0)), *name = json_string_value(json_array_get(names, 1));
    for (size_t t = 0; table && name && t < j->wide->table_count; t++) {
        if (strcasecmp(table, j->alias[t]) != 0) continue;
        const struct ec_model_table *its = j->model->input[j->wide->input[t]].table;
        *out = (struct reference){.table = t, .column = ec_model_column(its, name)};
        if (!out->column) return false;
        out->partition = its->partition_by && strcasecmp(its->partition_by, out->column->name) == 0;
        return true;
    }
    return false;
}

/* Both are of the table and the first one; the latter is made the second. */
static bool are_of(size_t table, struct reference *a, struct reference *b) {
    if (a->table == 0 && b->table == table) {
        struct reference first = *a;
        *a = *b;
        *b = first;
    }
    return a->table == table && b->table == 0;
}

/* Those whose equality is that of their bytes. */
static bool can_be_key(const struct reference *a, const struct reference *b) {
    enum ec_type type = a->column->type.type;
    bool exact = type == EC_TYPE_STRING || type == EC_TYPE_INTEGER || type == EC_TYPE_DATE || type == EC_TYPE_DATETIME;
    return exact && b->column->type.type == type && !a->partition && !b->partition;
}

static bool are_days(const struct reference *a, const struct reference *b) {
    return a->partition && b->partition && a->column->type.type == EC_TYPE_DATE && b->column->type.type == EC_TYPE_DATE;
}

/* Conditions on days hold together. */
static void add_days(struct ec_wide_join *join, int from, int to) {
    if (!join->near || from > join->days_from) join->days_from = from;
    if (!join->near || to < join->days_to) join->days_to = to;
    join->near = true;
}

static bool add_equality(struct joins *j, size_t table, const json_t *node) {
    struct ec_wide_join *join = &j->join[table];
    struct reference a, b;
    if (!find_column(j, json_object_get(node, "left"), &a) || !find_column(j, json_object_get(node, "right"), &b)) return false;
    if (!are_of(table, &a, &b)) return false;
    if (are_days(&a, &b)) {
        add_days(join, 0, 0);
        return true;
    }
    if (!can_be_key(&a, &b) || join->key_count == CONDITIONS_MAX) return false;
    join->key[join->key_count++] = (struct ec_wide_key){a.column->name, b.column->name, a.column->type.type};
    return true;
}

static bool whole_number(const json_t *node, int *out) {
    const json_t *value = json_object_get(node, "value"), *number = json_object_get(value, "value");
    if (!ec_tree_is(node, "class", "CONSTANT") || !json_is_integer(number)) return false;
    if (!ec_tree_is(json_object_get(value, "type"), "id", "INTEGER")) return false;
    json_int_t n = json_integer_value(number);
    if (n < -DAYS_MAX || n > DAYS_MAX) return false;
    *out = (int)n;
    return true;
}

/* `first.date`, or that and so many days. */
static bool day_bound(const struct joins *j, const json_t *node, struct reference *column, int *days) {
    *days = 0;
    if (find_column(j, node, column)) return true;
    const json_t *operand = json_object_get(node, "children");
    bool plus = ec_tree_is(node, "function_name", "+"), minus = ec_tree_is(node, "function_name", "-");
    if (!ec_tree_is(node, "class", "FUNCTION") || *ec_tree_text(node, "schema") || !(plus || minus) || json_array_size(operand) != 2)
        return false;
    if (!find_column(j, json_array_get(operand, 0), column) || !whole_number(json_array_get(operand, 1), days)) return false;
    if (minus) *days = -*days;
    return true;
}

static bool add_between(struct joins *j, size_t table, const json_t *node) {
    struct reference day, low, high;
    int from, to;
    if (!find_column(j, json_object_get(node, "input"), &day) || !day_bound(j, json_object_get(node, "lower"), &low, &from) ||
        !day_bound(j, json_object_get(node, "upper"), &high, &to))
        return false;
    if (day.table != table || low.table != 0 || high.table != 0 || !are_days(&day, &low) || !are_days(&day, &high)) return false;
    add_days(&j->join[table], from, to);
    return true;
}

static bool add_condition(struct joins *j, size_t table, const json_t *node) {
    if (ec_tree_is(node, "type", "COMPARE_EQUAL")) return add_equality(j, table, node);
    return ec_tree_is(node, "type", "COMPARE_BETWEEN") && add_between(j, table, node);
}

static bool add_conditions(struct joins *j, size_t table, const json_t *node) {
    if (!ec_tree_is(node, "type", "CONJUNCTION_AND")) return add_condition(j, table, node);
    size_t i;
    const json_t *child;
    json_array_foreach(json_object_get(node, "children"), i, child) {
        if (!add_condition(j, table, child)) return false;
    }
    return true;
}

/* ((first, second), third): each on the right is a table, the last one outermost. */
static bool add_joins(struct joins *j, const json_t *node) {
    for (size_t table = j->wide->table_count - 1; table > 0; table--, node = json_object_get(node, "left")) {
        struct ec_wide_join *join = &j->join[table];
        if (!ec_tree_is(node, "type", "JOIN") || !ec_tree_is(json_object_get(node, "right"), "type", "BASE_TABLE")) return false;
        join->required = ec_tree_is(node, "join_type", "INNER");
        join->key = ec_arena_calloc(j->arena, CONDITIONS_MAX, sizeof *join->key);
        if (!join->key || !add_conditions(j, table, json_object_get(node, "condition")) || join->key_count == 0) return false;
    }
    return ec_tree_is(node, "type", "BASE_TABLE");
}

/* Values can only be days by which tables are partitioned, the model's those of the first. */
static bool has_days_alone(const struct joins *j) {
    const struct ec_model_wide *wide = j->wide;
    for (size_t i = 0; i < wide->column_count; i++) {
        if (wide->column[i].table != SIZE_MAX) continue;
        if (wide->partition_of[wide->column[i].value] == SIZE_MAX || j->model->table.column[i].type.type != EC_TYPE_DATE) return false;
    }
    return wide->partition_value == SIZE_MAX || wide->partition_of[wide->partition_value] == 0;
}

enum ec_status ec_model_find_joins(const struct ec_model *model, struct ec_model_wide *wide, const char *const *alias,
                                   const json_t *select, struct ec_arena *arena, struct ec_err *err) {
    struct joins j = {.model = model, .wide = wide, .alias = alias, .arena = arena};
    j.join = ec_arena_calloc(arena, wide->table_count, sizeof *j.join);
    if (!j.join) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    bool found = ec_tree_is_empty(json_object_get(select, "where_clause")) && add_joins(&j, json_object_get(select, "from_table")) &&
                 has_days_alone(&j);
    wide->join = found ? j.join : NULL;
    return EC_OK;
}
