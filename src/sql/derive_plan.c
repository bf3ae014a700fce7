/* Which expressions need no statement for every row, told from DuckDB's syntax tree.
 *
 * A column as it is, a datetime's date and simple arithmetic are computed directly. What reads one text
 * column and nothing else is computed once for each value where the column comes coded. All else, and
 * what the tree does not tell, is DuckDB's over every row. Volatile functions (random) were refused before;
 * those that hang on the clock or the session are computed for every row.
 */
#include "sql/derive_number.h"

#include "base/column_type.h"
#include "base/io.h"

#include <strings.h>

#define STACK_MAX ((size_t)1 << 16) /* nodes of an expression that wait to be read; more: its inputs are many */

bool ec_derive_function_is_pure(const char *name) {
    static const char *const impure[] = {"now",          "today",          "ago",  "age",       "transaction_timestamp",
                                         "txid_current", "in_search_path", "user", "localtime", "localtimestamp",
                                         "version"};
    static const char *const families[] = {"current_", "get_current_", "session_", "pg_", "inet_", "has_"};
    for (size_t i = 0; i < sizeof impure / sizeof *impure; i++)
        if (strcasecmp(name, impure[i]) == 0) return false;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strncasecmp(name, families[i], strlen(families[i])) == 0) return false;
    return true;
}

static size_t words(const struct ec_derivation *d) {
    return (d->expression_count + 63) / 64;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The declared column of that name, as DuckDB finds it; SIZE_MAX: none, or several. */
static size_t declared(const struct ec_derivation *d, const char *name) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < d->source->column_count; i++) {
        if (strcasecmp(d->source->column[i].name, name) != 0) continue;
        if (found != SIZE_MAX) return SIZE_MAX;
        found = i;
    }
    return found;
}

/* The name that a COLUMN_REF is of; NULL where it is a part of something. */
static const char *referred(const struct ec_derivation *d, const json_t *node) {
    const json_t *names = json_object_get(node, "column_names");
    size_t n = json_array_size(names);
    if (n == 2) {
        const char *table = json_string_value(json_array_get(names, 0));
        if (!table || strcasecmp(table, d->source->name) != 0) return NULL;
    } else if (n != 1) {
        return NULL;
    }
    return json_string_value(json_array_get(names, n - 1));
}

static void add_input(struct ec_expression *e, size_t input) {
    if (input == EC_INPUT_NONE || input == e->input) return;
    e->input = e->input == EC_INPUT_NONE ? input : EC_INPUT_MANY;
}

/* The declared column that a COLUMN_REF is; SIZE_MAX: none. */
static size_t column_of(const struct ec_derivation *d, const json_t *node) {
    const char *name = referred(d, node);
    return name ? declared(d, name) : SIZE_MAX;
}

/* The expression before `index` that a COLUMN_REF is, which no column is; SIZE_MAX: none. */
static size_t earlier_of(const struct ec_derivation *d, size_t index, const json_t *node) {
    const char *name = json_array_size(json_object_get(node, "column_names")) == 1 ? referred(d, node) : NULL;
    for (size_t i = 0; name && i < index && i < d->source->derive_count; i++)
        if (strcasecmp(d->expression[i].name, name) == 0) return i;
    return SIZE_MAX;
}

/* A column comes before an earlier expression of its name; another name is one of DuckDB's own. */
static void read_column(struct ec_derivation *d, size_t index, const json_t *node) {
    struct ec_expression *e = &d->expression[index];
    size_t column = column_of(d, node), earlier = earlier_of(d, index, node);
    if (column != SIZE_MAX) {
        add_input(e, column);
    } else if (earlier != SIZE_MAX) {
        for (size_t w = 0; w < words(d); w++) e->needs[w] |= d->expression[earlier].needs[w];
        ec_bit_set(e->needs, earlier);
        add_input(e, d->expression[earlier].input);
    } else {
        e->input = EC_INPUT_MANY;
    }
}

static bool is_plain_class(const char *class) {
    static const char *const plain[] = {"CONSTANT",    "CAST",     "CASE",    "COMPARISON",
                                        "CONJUNCTION", "OPERATOR", "BETWEEN", "COLLATE"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(class, plain[i]) == 0) return true;
    return false;
}

static void read_node(struct ec_derivation *d, size_t index, const json_t *node) {
    const json_t *class_of = json_object_get(node, "class");
    if (!class_of) return; /* a type, an order: no expression */
    const char *class = text_of(node, "class");
    if (strcmp(class, "COLUMN_REF") == 0)
        read_column(d, index, node);
    else if (strcmp(class, "FUNCTION") == 0 ? !ec_derive_function_is_pure(text_of(node, "function_name"))
                                            : !is_plain_class(class))
        d->expression[index].input = EC_INPUT_MANY;
}

/* Walks the tree with a stack of our own. */
static void read_tree(struct ec_derivation *d, size_t index, const json_t *tree) {
    struct ec_expression *e = &d->expression[index];
    const json_t **stack = ec_malloc(STACK_MAX * sizeof *stack);
    size_t depth = 0;
    if (stack) stack[depth++] = tree;
    if (!stack) e->input = EC_INPUT_MANY;
    while (depth > 0) {
        const json_t *node = stack[--depth];
        const char *key;
        json_t *value;
        if (json_is_object(node)) read_node(d, index, node);
        if (depth + json_array_size(node) + json_object_size(node) > STACK_MAX) {
            e->input = EC_INPUT_MANY;
            break;
        }
        for (size_t i = 0; i < json_array_size(node); i++) stack[depth++] = json_array_get(node, i);
        json_object_foreach((json_t *)node, key, value) {
            if (json_is_object(value) || json_is_array(value)) stack[depth++] = value;
        }
    }
    ec_free(stack);
}

/* Whether the node is the declared column that the expression reads. */
static bool is_input(const struct ec_derivation *d, const struct ec_expression *e, const json_t *node) {
    return strcmp(text_of(node, "class"), "COLUMN_REF") == 0 && column_of(d, node) == e->input;
}

/* A datetime is of the years 1 to 9999, so that no date of it is one of DuckDB's infinities. */
static enum ec_way choose_way(const struct ec_derivation *d, size_t index, const json_t *tree) {
    const struct ec_expression *e = &d->expression[index];
    const struct ec_schema_column *column = d->source->column;
    if (e->input >= EC_INPUT_MANY) return EC_WAY_ROWS;
    bool derived = index < d->source->derive_count;
    if (derived && is_input(d, e, tree) && ec_column_type_same(d->type[index], column[e->input].type)) return EC_WAY_COPY;
    const json_t *child = json_object_get(tree, "child");
    if (derived && strcmp(text_of(tree, "class"), "CAST") == 0 && d->type[index].type == EC_TYPE_DATE &&
        is_input(d, e, child)) {
        if (column[e->input].type.type == EC_TYPE_DATETIME) return EC_WAY_DATE;
        if (column[e->input].type.type == EC_TYPE_DATE) return EC_WAY_COPY;
    }
    return column[e->input].type.type == EC_TYPE_STRING ? EC_WAY_VALUES : EC_WAY_ROWS;
}

static void read_expressions(struct ec_derivation *d, const json_t *tree) {
    const json_t *statement = json_array_get(json_object_get(tree, "statements"), 0);
    const json_t *list = json_object_get(json_object_get(statement, "node"), "select_list");
    if (json_array_size(list) != d->expression_count) return;
    for (size_t i = 0; i < d->expression_count; i++) {
        d->expression[i].input = EC_INPUT_NONE;
        read_tree(d, i, json_array_get(list, i));
        d->expression[i].way = choose_way(d, i, json_array_get(list, i));
    }
    struct ec_number_names names = {d, list, column_of, earlier_of};
    for (size_t i = 0; i < d->expression_count; i++) {
        struct ec_expression *e = &d->expression[i];
        if (e->way == EC_WAY_ROWS) e->number = ec_number_compile(d, &names, i);
        if (e->number) e->way = EC_WAY_NUMBER;
    }
}

enum ec_status ec_derive_note_type(struct ec_derivation *d, size_t index, duckdb_prepared_statement statement,
                                   size_t column, struct ec_err *err) {
    duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(statement, column);
    ec_duck_type_release(&d->duck_type[index]);
    bool known = ec_duck_type_of(logical, &d->duck_type[index]);
    duckdb_destroy_logical_type(&logical);
    if (!known) return ec_fail(err, EC_ENGINE, "DuckDB changed the type of %s", d->expression[index].name);
    return EC_OK;
}

static enum ec_status note_types(struct ec_derivation *d, const struct ec_part *part, struct ec_err *err) {
    for (size_t k = 0; k < part->count; k++) {
        size_t i = part->member[k];
        if (!part->wanted[k] || i >= d->source->derive_count) continue;
        EC_TRY(ec_derive_note_type(d, i, part->statement, k, err));
    }
    return EC_OK;
}

enum ec_status ec_part_prepare(struct ec_derivation *d, const uint64_t *wanted, struct ec_part *part,
                               struct ec_err *err) {
    size_t n = words(d);
    uint64_t *all = ec_calloc(n, sizeof *all);
    part->member = ec_calloc(d->expression_count, sizeof *part->member);
    part->wanted = ec_calloc(d->expression_count, sizeof *part->wanted);
    if (!all || !part->member || !part->wanted) {
        ec_free(all);
        return ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    }
    for (size_t i = 0; i < d->expression_count; i++) {
        if (!ec_bit(wanted, i)) continue;
        ec_bit_set(all, i);
        for (size_t w = 0; w < n; w++) all[w] |= d->expression[i].needs[w];
    }
    for (size_t i = 0; i < d->expression_count; i++) {
        if (!ec_bit(all, i)) continue;
        part->wanted[part->count] = ec_bit(wanted, i);
        part->member[part->count++] = i;
    }
    enum ec_status status = EC_OK;
    if (part->count > 0)
        status =
            ec_derive_prepare(d, d->sql, d->expression_count, all, EC_FORM_TYPED, d->function, &part->statement, err);
    ec_free(all);
    return status == EC_OK ? note_types(d, part, err) : status;
}

void ec_part_release(struct ec_part *part) {
    duckdb_destroy_prepare(&part->statement);
    ec_free(part->member);
    ec_free(part->wanted);
    *part = (struct ec_part){0};
}

static bool over_rows(const struct ec_derivation *d, const struct ec_expression *e) {
    if (e->way != EC_WAY_VALUES) return e->way == EC_WAY_ROWS;
    for (size_t i = 0; i < d->value_count; i++)
        if (d->values[i].input == e->input) return d->values[i].given_up;
    return true;
}

enum ec_status ec_derive_plan_rows(struct ec_derivation *d, struct ec_err *err) {
    uint64_t *wanted = ec_calloc(words(d), sizeof *wanted);
    if (!wanted) return ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    for (size_t i = 0; i < d->expression_count; i++)
        if (over_rows(d, &d->expression[i])) ec_bit_set(wanted, i);
    ec_part_release(&d->rows);
    enum ec_status status = ec_part_prepare(d, wanted, &d->rows, err);
    ec_free(wanted);
    return status;
}

static enum ec_status plan_values(struct ec_derivation *d, size_t input, struct ec_err *err) {
    struct ec_values *v = &d->values[d->value_count++];
    v->input = input;
    uint64_t *wanted = ec_calloc(words(d), sizeof *wanted);
    if (!wanted) return ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    for (size_t i = 0; i < d->expression_count; i++)
        if (d->expression[i].way == EC_WAY_VALUES && d->expression[i].input == input) ec_bit_set(wanted, i);
    enum ec_status status = ec_part_prepare(d, wanted, &v->part, err);
    if (status == EC_OK) status = ec_values_init(d, v, err);
    ec_free(wanted);
    return status;
}

enum ec_status ec_derive_plan(struct ec_derivation *d, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_derive_write(&text, d, d->expression_count, NULL, EC_FORM_PLAIN, d->function);
    json_t *tree = NULL;
    if (ec_buf_check(&text, NULL) == EC_OK && ec_duck_tree(d->sql, text.p, d->source->name, &tree, NULL) == EC_OK)
        read_expressions(d, tree);
    json_decref(tree);
    ec_buf_free(&text);
    d->values = ec_arena_calloc(&d->arena, d->source->column_count, sizeof *d->values);
    if (!d->values) return ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    for (size_t c = 0; c < d->source->column_count; c++) {
        bool any = false;
        for (size_t i = 0; i < d->expression_count; i++)
            any |= d->expression[i].way == EC_WAY_VALUES && d->expression[i].input == c;
        if (any) EC_TRY(plan_values(d, c, err));
    }
    EC_TRY(ec_derive_probe(d, err));
    return ec_derive_plan_rows(d, err);
}
