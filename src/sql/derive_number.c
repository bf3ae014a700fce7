/* From a tree to a program. */
#include "sql/derive_number.h"
#include "sql/derive_number_steps.h"

#include <math.h>
#include <strings.h>

#define DEPTH_MAX 32u /* of a tree: the walk is recursive */

struct builder {
    const struct ec_number_names *names;
    struct ec_number_step step[EC_NUMBER_STEPS_MAX];
    size_t count;
    size_t stack; /* vectors that are on it */
    size_t index; /* the expression at hand: it sees those before it */
    unsigned depth;
};

/* A constant with a point has no column's type: DECIMAL, which a float makes one of its own. */
enum { KIND_DECIMAL = EC_NUMBER_TIME + 1 };

static int compile(struct builder *b, const json_t *node);

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is(const json_t *node, const char *key, const char *value) {
    return strcmp(text_of(node, key), value) == 0;
}

static int emit(struct builder *b, struct ec_number_step step, size_t takes, int kind) {
    if (b->count == EC_NUMBER_STEPS_MAX) return EC_NUMBER_NONE;
    b->stack = b->stack - takes + 1;
    if (b->stack > EC_NUMBER_STACK_MAX) return EC_NUMBER_NONE;
    b->step[b->count++] = step;
    return kind;
}

/* An integer or decimal on the stack, `below` its top, becomes a double. */
static bool to_double(struct builder *b, int kind, unsigned below) {
    if (kind == EC_NUMBER_DOUBLE || kind == KIND_DECIMAL) return true; /* decimals are doubles already */
    if (kind != EC_NUMBER_INT || b->count == EC_NUMBER_STEPS_MAX) return false;
    b->step[b->count++] = (struct ec_number_step){.op = EC_STEP_TO_DOUBLE, .below = below};
    return true;
}

static int compile_column(struct builder *b, const json_t *node) {
    const struct ec_derivation *d = b->names->derivation;
    size_t column = b->names->column(d, node);
    if (column == SIZE_MAX) {
        size_t earlier = b->names->earlier(d, b->index, node), index = b->index;
        if (earlier == SIZE_MAX) return EC_NUMBER_NONE;
        b->index = earlier;
        int kind = compile(b, json_array_get(b->names->list, earlier));
        b->index = index;
        return kind == KIND_DECIMAL ? EC_NUMBER_NONE : kind;
    }
    struct ec_number_step step = {.column = column};
    switch (d->source->column[column].type.type) {
    case EC_TYPE_INTEGER: step.op = EC_STEP_INT; return emit(b, step, 0, EC_NUMBER_INT);
    case EC_TYPE_FLOAT: step.op = EC_STEP_DOUBLE; return emit(b, step, 0, EC_NUMBER_DOUBLE);
    case EC_TYPE_BOOLEAN: step.op = EC_STEP_BOOL; return emit(b, step, 0, EC_NUMBER_BOOL);
    case EC_TYPE_DATETIME: step.op = EC_STEP_TIME; return emit(b, step, 0, EC_NUMBER_TIME);
    default: return EC_NUMBER_NONE;
    }
}

/* The number of a constant; its kind. */
static int constant(const json_t *node, double *number) {
    const json_t *value = json_object_get(node, "value"), *type = json_object_get(value, "type");
    if (!is(node, "class", "CONSTANT") || !json_is_number(json_object_get(value, "value"))) return EC_NUMBER_NONE;
    double v = json_number_value(json_object_get(value, "value"));
    *number = v;
    if (is(type, "id", "DOUBLE")) return EC_NUMBER_DOUBLE;
    if (fabs(v) > 1e15) return EC_NUMBER_NONE;
    if (is(type, "id", "INTEGER") || is(type, "id", "BIGINT")) return EC_NUMBER_INT;
    if (!is(type, "id", "DECIMAL")) return EC_NUMBER_NONE;
    double scale = json_number_value(json_object_get(json_object_get(type, "type_info"), "scale"));
    if (scale < 0 || scale > 15) return EC_NUMBER_NONE;
    *number = v / ec_number_power((unsigned)scale);
    return KIND_DECIMAL;
}

static int compile_constant(struct builder *b, const json_t *node) {
    double number;
    int kind = constant(node, &number);
    if (kind == EC_NUMBER_NONE) return kind;
    struct ec_number_step step = {.op = EC_STEP_CONST_DOUBLE, .number = number};
    if (kind == EC_NUMBER_INT) step.op = EC_STEP_CONST_INT;
    return emit(b, step, 0, kind);
}

/* On two numbers of which one is a float, or by division always: DuckDB makes both floats. */
static int compile_arithmetic(struct builder *b, const json_t *children, enum ec_step_op op) {
    double divisor;
    if (op == EC_STEP_DIV && (constant(json_array_get(children, 1), &divisor) == EC_NUMBER_NONE || divisor == 0))
        return EC_NUMBER_NONE;
    int left = compile(b, json_array_get(children, 0));
    int right = left ? compile(b, json_array_get(children, 1)) : EC_NUMBER_NONE;
    if (!right || (op != EC_STEP_DIV && left != EC_NUMBER_DOUBLE && right != EC_NUMBER_DOUBLE)) return EC_NUMBER_NONE;
    if (!to_double(b, left, 1) || !to_double(b, right, 0)) return EC_NUMBER_NONE;
    return emit(b, (struct ec_number_step){.op = op}, 2, EC_NUMBER_DOUBLE);
}

static int compile_unary(struct builder *b, const json_t *child, enum ec_step_op op, int expected, int kind) {
    if (compile(b, child) != expected) return EC_NUMBER_NONE;
    return emit(b, (struct ec_number_step){.op = op}, 1, kind);
}

static int compile_round(struct builder *b, const json_t *children) {
    double digits;
    if (constant(json_array_get(children, 1), &digits) != EC_NUMBER_INT || digits < 0 || digits > 15)
        return EC_NUMBER_NONE;
    if (compile(b, json_array_get(children, 0)) != EC_NUMBER_DOUBLE) return EC_NUMBER_NONE;
    struct ec_number_step step = {.op = EC_STEP_ROUND, .number = ec_number_power((unsigned)digits)};
    return emit(b, step, 1, EC_NUMBER_DOUBLE);
}

/* Boundaries between two times: date_diff('second', from, to). */
static int compile_difference(struct builder *b, const json_t *children) {
    static const struct {
        const char *name;
        int64_t micros;
    } units[] = {
        {"second", 1000000}, {"minute", 60000000}, {"hour", INT64_C(3600000000)}, {"day", INT64_C(86400000000)}};
    const json_t *value = json_object_get(json_array_get(children, 0), "value");
    struct ec_number_step step = {.op = EC_STEP_DIFFERENCE};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (is(value, "value", units[i].name)) step.unit = units[i].micros;
    if (step.unit == 0) return EC_NUMBER_NONE;
    for (size_t i = 1; i < 3; i++)
        if (compile(b, json_array_get(children, i)) != EC_NUMBER_TIME) return EC_NUMBER_NONE;
    return emit(b, step, 2, EC_NUMBER_INT);
}

static int compile_function(struct builder *b, const json_t *node) {
    static const struct {
        const char *name;
        enum ec_step_op op;
    } arithmetic[] = {{"+", EC_STEP_ADD}, {"-", EC_STEP_SUB}, {"*", EC_STEP_MUL}, {"/", EC_STEP_DIV}};
    const char *name = text_of(node, "function_name");
    const json_t *children = json_object_get(node, "children");
    size_t n = json_array_size(children);
    for (size_t i = 0; n == 2 && i < sizeof arithmetic / sizeof *arithmetic; i++)
        if (strcmp(name, arithmetic[i].name) == 0) return compile_arithmetic(b, children, arithmetic[i].op);
    if (n == 1 && strcasecmp(name, "abs") == 0)
        return compile_unary(b, json_array_get(children, 0), EC_STEP_ABS, EC_NUMBER_DOUBLE, EC_NUMBER_DOUBLE);
    if (n == 2 && strcasecmp(name, "round") == 0) return compile_round(b, children);
    if (n == 3 && (strcasecmp(name, "date_diff") == 0 || strcasecmp(name, "datediff") == 0))
        return compile_difference(b, children);
    return EC_NUMBER_NONE;
}

/* Integers and times as such; floats with what becomes one. */
static int compile_comparison(struct builder *b, const json_t *node) {
    static const struct {
        const char *type;
        enum ec_step_op op;
        bool swap;
    } kinds[] = {{"COMPARE_LESSTHAN", EC_STEP_LESS, false},
                 {"COMPARE_GREATERTHAN", EC_STEP_LESS, true},
                 {"COMPARE_LESSTHANOREQUALTO", EC_STEP_NOT_MORE, false},
                 {"COMPARE_GREATERTHANOREQUALTO", EC_STEP_NOT_MORE, true},
                 {"COMPARE_EQUAL", EC_STEP_EQUAL, false},
                 {"COMPARE_NOTEQUAL", EC_STEP_NOT_EQUAL, false}};
    size_t k = 0, count = sizeof kinds / sizeof *kinds;
    while (k < count && !is(node, "type", kinds[k].type)) k++;
    if (k == count) return EC_NUMBER_NONE;
    int left = compile(b, json_object_get(node, kinds[k].swap ? "right" : "left"));
    int right = left ? compile(b, json_object_get(node, kinds[k].swap ? "left" : "right")) : EC_NUMBER_NONE;
    bool whole = left == right && (left == EC_NUMBER_INT || left == EC_NUMBER_TIME);
    if (!whole) {
        if (left != EC_NUMBER_DOUBLE && right != EC_NUMBER_DOUBLE) return EC_NUMBER_NONE;
        if (!right || !to_double(b, left, 1) || !to_double(b, right, 0)) return EC_NUMBER_NONE;
    }
    return emit(b, (struct ec_number_step){.op = kinds[k].op, .whole = whole}, 2, EC_NUMBER_BOOL);
}

static int compile_conjunction(struct builder *b, const json_t *node) {
    const json_t *children = json_object_get(node, "children");
    enum ec_step_op op = is(node, "type", "CONJUNCTION_AND") ? EC_STEP_AND : EC_STEP_OR;
    int kind = EC_NUMBER_NONE;
    for (size_t i = 0; i < json_array_size(children); i++) {
        kind = compile(b, json_array_get(children, i));
        if (kind != EC_NUMBER_BOOL) return EC_NUMBER_NONE;
        if (i > 0) kind = emit(b, (struct ec_number_step){.op = op}, 2, EC_NUMBER_BOOL);
    }
    return kind;
}

static int compile_coalesce(struct builder *b, const json_t *children) {
    if (json_array_size(children) != 2 || compile(b, json_array_get(children, 0)) != EC_NUMBER_DOUBLE)
        return EC_NUMBER_NONE;
    int otherwise = compile(b, json_array_get(children, 1));
    if (!otherwise || !to_double(b, otherwise, 0)) return EC_NUMBER_NONE;
    return emit(b, (struct ec_number_step){.op = EC_STEP_COALESCE}, 2, EC_NUMBER_DOUBLE);
}

static int compile_operator(struct builder *b, const json_t *node) {
    const json_t *children = json_object_get(node, "children"), *child = json_array_get(children, 0);
    if (is(node, "type", "OPERATOR_NOT")) return compile_unary(b, child, EC_STEP_NOT, EC_NUMBER_BOOL, EC_NUMBER_BOOL);
    if (is(node, "type", "OPERATOR_COALESCE")) return compile_coalesce(b, children);
    bool is_null = is(node, "type", "OPERATOR_IS_NULL");
    if (!is_null && !is(node, "type", "OPERATOR_IS_NOT_NULL")) return EC_NUMBER_NONE;
    int kind = compile(b, child);
    if (kind == EC_NUMBER_NONE || kind == KIND_DECIMAL) return EC_NUMBER_NONE;
    return emit(b, (struct ec_number_step){.op = is_null ? EC_STEP_IS_NULL : EC_STEP_IS_VALUE}, 1, EC_NUMBER_BOOL);
}

static int compile(struct builder *b, const json_t *node) {
    if (++b->depth > DEPTH_MAX) return EC_NUMBER_NONE;
    int kind = EC_NUMBER_NONE;
    if (is(node, "class", "COLUMN_REF"))
        kind = compile_column(b, node);
    else if (is(node, "class", "CONSTANT"))
        kind = compile_constant(b, node);
    else if (is(node, "class", "FUNCTION"))
        kind = compile_function(b, node);
    else if (is(node, "class", "COMPARISON"))
        kind = compile_comparison(b, node);
    else if (is(node, "class", "CONJUNCTION"))
        kind = compile_conjunction(b, node);
    else if (is(node, "class", "OPERATOR"))
        kind = compile_operator(b, node);
    b->depth--;
    return kind;
}

/* Of a derived column the type that DuckDB gives it, of a rule true or false. */
static bool is_of_type(const struct ec_derivation *d, size_t index, int kind) {
    if (d->expression[index].cast[0]) return false;
    if (index >= d->source->derive_count) return kind == EC_NUMBER_BOOL;
    switch (d->type[index].type) {
    case EC_TYPE_INTEGER: return kind == EC_NUMBER_INT;
    case EC_TYPE_FLOAT: return kind == EC_NUMBER_DOUBLE;
    case EC_TYPE_BOOLEAN: return kind == EC_NUMBER_BOOL;
    default: return false;
    }
}

struct ec_number *ec_number_compile(struct ec_derivation *d, const struct ec_number_names *names, size_t index) {
    struct builder b = {.names = names, .index = index};
    int kind = compile(&b, json_array_get(names->list, index));
    if (kind == EC_NUMBER_NONE || !is_of_type(d, index, kind)) return NULL;
    struct ec_number *program = ec_arena_calloc(&d->arena, 1, sizeof *program);
    if (program) program->step = ec_arena_calloc(&d->arena, b.count, sizeof *program->step);
    if (!program || !program->step) return NULL;
    memcpy(program->step, b.step, b.count * sizeof *b.step);
    program->count = b.count;
    program->kind = (enum ec_number_kind)kind;
    return program;
}
