/* What an item of a select list is made of. */
#include "sql/model_origin_private.h"

#include "base/io.h"
#include "sql/duck.h"

#include <strings.h>

#define STACK_MAX 4096u

const char *ec_origin_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

struct ec_origin_column *ec_origin_add(struct ec_origin_search *x, struct ec_origin_relation *to, size_t *cap, const char *name) {
    if (to->count == *cap) {
        size_t grown = *cap ? *cap * 2 : 32;
        struct ec_origin_column *list = ec_arena_calloc(x->arena, grown, sizeof *list);
        if (!list) {
            x->failed = true;
            return NULL;
        }
        if (to->count) memcpy(list, to->column, to->count * sizeof *list);
        to->column = list;
        *cap = grown;
    }
    const char *copy = ec_arena_strdup(x->arena, name);
    if (!copy) x->failed = true;
    to->column[to->count] = (struct ec_origin_column){.name = copy ? copy : ""};
    return &to->column[to->count++];
}

static void add_origin(struct ec_origin_search *x, struct ec_origin_column *to, struct ec_column_origin one) {
    for (size_t i = 0; i < to->count; i++) {
        struct ec_column_origin *have = &to->list[i];
        if (have->table != one.table || strcmp(have->column, one.column) != 0) continue;
        bool stronger = have->kind == EC_ORIGIN_FILTER || (one.kind != EC_ORIGIN_FILTER && one.kind > have->kind);
        if (stronger) have->kind = one.kind;
        return;
    }
    if (to->count == to->cap) {
        size_t grown = to->cap ? to->cap * 2 : 8;
        struct ec_column_origin *list = ec_arena_calloc(x->arena, grown, sizeof *list);
        if (!list) {
            x->failed = true;
            return;
        }
        if (to->count) memcpy(list, to->list, to->count * sizeof *list);
        to->list = list;
        to->cap = grown;
    }
    to->list[to->count++] = one;
}

void ec_origin_join(struct ec_origin_search *x, struct ec_origin_column *to, const struct ec_origin_column *from, enum ec_origin_kind kind) {
    to->unknown |= from->unknown;
    for (size_t i = 0; i < from->count; i++) {
        struct ec_column_origin one = from->list[i];
        if (kind > one.kind) one.kind = kind;
        add_origin(x, to, one);
    }
}

/* ---- names ---- */

static struct ec_origin_column *column_of(const struct ec_origin_relation *r, const char *name, bool bare) {
    for (size_t i = 0; i < r->count; i++)
        if (!(bare && r->column[i].hidden) && strcasecmp(r->column[i].name, name) == 0) return &r->column[i];
    return NULL;
}

/* The column that a name means; NULL: not known. DuckDB took the statement, so a name that is found is not ambiguous. */
static const struct ec_origin_column *bare(const struct ec_origin_select *s, const char *name) {
    bool unknown = false;
    for (size_t i = 0; i < s->relations; i++) {
        const struct ec_origin_column *found = column_of(&s->relation[i], name, true);
        if (found) return found;
        unknown |= s->relation[i].unknown;
    }
    return unknown ? NULL : column_of(s->result, name, false); /* an alias of an item further left */
}

/* column, table.column, main.table.column; behind it may be fields of a struct. */
static const struct ec_origin_column *resolve(const struct ec_origin_select *s, const json_t *names) {
    size_t n = json_array_size(names), at = 0;
    const char *first = json_string_value(json_array_get(names, 0));
    if (n > 2 && first && strcasecmp(first, "main") == 0) first = json_string_value(json_array_get(names, ++at));
    for (size_t i = 0; first && n > at + 1 && i < s->relations; i++) {
        if (strcasecmp(s->relation[i].alias, first) != 0) continue;
        const char *name = json_string_value(json_array_get(names, at + 1));
        return name ? column_of(&s->relation[i], name, false) : NULL;
    }
    return first ? bare(s, first) : NULL;
}

/* ---- expressions ---- */

static bool is_aggregate(const json_t *node) {
    static const char *const names[] = {"count", "count_star", "sum", "avg", "min", "max", "exact_sum", "exact_avg", "median", "mode",
                                        "quantile", "quantile_cont", "quantile_disc", "approx_quantile", "approx_count_distinct",
                                        "first", "last", "any_value", "arg_min", "arg_max", "min_by", "max_by", "string_agg", "list",
                                        "array_agg", "bool_and", "bool_or", "stddev", "stddev_samp", "stddev_pop", "variance",
                                        "var_samp", "var_pop", "histogram", "fsum", "favg", "product", "count_if"};
    const char *name = ec_origin_text(node, "function_name");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0) return true;
    return false;
}

struct part {
    const json_t *node;
    enum ec_origin_kind kind;
};

/* Whether what it holds can be told by walking it. */
static bool is_plain(const char *class) {
    static const char *const plain[] = {"FUNCTION", "CASE", "CAST", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "WINDOW", "COLLATE"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(class, plain[i]) == 0) return true;
    return false;
}

static void add_reference(struct ec_origin_search *x, struct ec_origin_column *to, const struct ec_origin_select *s, struct part part) {
    const json_t *names = json_object_get(part.node, "column_names");
    const struct ec_origin_column *found = resolve(s, names);
    if (found) ec_origin_join(x, to, found, part.kind);
    else to->unknown = true;
}

static void push(struct part *stack, size_t *depth, struct ec_origin_column *to, const json_t *node, enum ec_origin_kind kind) {
    if (!json_is_object(node) && !json_is_array(node)) return;
    if (*depth == STACK_MAX) {
        to->unknown = true;
        return;
    }
    stack[(*depth)++] = (struct part){node, kind};
}

/* Puts what lies within the part on the stack. */
static void open_part(struct part *stack, size_t *depth, struct ec_origin_column *to, struct part part) {
    const char *class = ec_origin_text(part.node, "class"), *key;
    json_t *value;
    size_t i;
    if (strcmp(class, "FUNCTION") == 0 && part.kind < EC_ORIGIN_AGGREGATION && is_aggregate(part.node)) part.kind = EC_ORIGIN_AGGREGATION;
    json_array_foreach((json_t *)(uintptr_t)part.node, i, value) push(stack, depth, to, value, part.kind);
    if (!json_is_object(part.node)) return;
    json_object_foreach((json_t *)(uintptr_t)part.node, key, value) {
        bool filter = strcmp(key, "filter") == 0 || strcmp(key, "filter_expr") == 0;
        push(stack, depth, to, value, filter ? EC_ORIGIN_FILTER : part.kind);
    }
}

static void add_expression(struct ec_origin_search *x, struct ec_origin_column *to, const struct ec_origin_select *s, const json_t *item) {
    struct part *stack = ec_calloc(STACK_MAX, sizeof *stack);
    size_t depth = 0;
    if (!stack) {
        x->failed = true;
        return;
    }
    push(stack, &depth, to, item, EC_ORIGIN_TRANSFORMATION);
    while (depth > 0 && !to->unknown) {
        struct part part = stack[--depth];
        const char *class = ec_origin_text(part.node, "class");
        if (strcmp(class, "CONSTANT") == 0) continue;
        if (strcmp(class, "COLUMN_REF") == 0)
            add_reference(x, to, s, part);
        else if (*class && !is_plain(class))
            to->unknown = true;
        else
            open_part(stack, &depth, to, part);
    }
    ec_free(stack);
}

/* ---- items ---- */

static bool is_listed(const json_t *list, const char *name) {
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry) {
        const char *text = json_is_string(entry) ? json_string_value(entry) : ec_origin_text(json_object_get(entry, "key"), "column");
        if (json_is_object(entry) && json_is_string(json_object_get(entry, "key"))) text = ec_origin_text(entry, "key");
        if (text && strcasecmp(text, name) == 0) return true;
    }
    return false;
}

static const char *renamed(const json_t *list, const char *name) {
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry) {
        if (strcasecmp(ec_origin_text(json_object_get(entry, "key"), "column"), name) == 0) return ec_origin_text(entry, "value");
    }
    return name;
}

static void add_star(struct ec_origin_search *x, struct ec_origin_select *s, const json_t *item) {
    const char *relation = ec_origin_text(item, "relation_name");
    const json_t *exclude = json_object_get(item, "exclude_list"), *replace = json_object_get(item, "replace_list");
    bool strange = json_is_true(json_object_get(item, "columns")) || json_array_size(json_object_get(item, "qualified_exclude_list")) > 0;
    for (size_t r = 0; r < s->relations; r++) {
        const struct ec_origin_relation *of = &s->relation[r];
        if (*relation && strcasecmp(of->alias, relation) != 0) continue;
        strange |= of->unknown;
        for (size_t i = 0; i < of->count; i++) {
            const struct ec_origin_column *c = &of->column[i];
            if ((c->hidden && !*relation) || is_listed(exclude, c->name)) continue;
            struct ec_origin_column *to = ec_origin_add(x, s->result, &s->cap, renamed(json_object_get(item, "rename_list"), c->name));
            if (!to) return;
            if (is_listed(replace, c->name)) to->unknown = true;
            else ec_origin_join(x, to, c, EC_ORIGIN_IDENTITY);
        }
    }
    if (strange) s->result->unknown = true; /* how many columns these are is not known */
}

static const char *name_of(const json_t *item) {
    const json_t *names = json_object_get(item, "column_names");
    const char *alias = ec_origin_text(item, "alias"), *last = json_string_value(json_array_get(names, json_array_size(names) - 1));
    return *alias ? alias : last ? last : "";
}

void ec_origin_items(struct ec_origin_search *x, struct ec_origin_select *s, const json_t *list) {
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        if (strcmp(ec_origin_text(item, "class"), "STAR") == 0) {
            add_star(x, s, item);
            continue;
        }
        /* The column is no name for itself while its own expression is looked at. */
        struct ec_origin_column made = {.name = ""};
        if (strcmp(ec_origin_text(item, "class"), "COLUMN_REF") == 0)
            add_reference(x, &made, s, (struct part){item, EC_ORIGIN_IDENTITY});
        else
            add_expression(x, &made, s, item);
        struct ec_origin_column *to = ec_origin_add(x, s->result, &s->cap, name_of(item));
        if (!to) return;
        made.name = to->name;
        *to = made;
    }
}
