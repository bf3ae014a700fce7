/* Binding a source's checks to a batch. */
#include "gate/gate_private.h"

#include "base/io.h"
#include "gate/keys.h"

#include <math.h>

size_t ec_gate_add_check(struct ec_gate *gate, struct ec_check_facts check) {
    struct ec_facts *facts = &gate->facts;
    facts->check[facts->check_count] = check;
    return facts->check_count++;
}

static struct ec_check_facts make_check(const char *id, const char *rule, const char *column,
                                        enum ec_dimension dimension) {
    return (struct ec_check_facts){
        .id = id,
        .rule = rule,
        .column = column,
        .dimension = ec_dimension_name(dimension),
        .severity = ec_severity_name(EC_SEVERITY_ERROR),
        .action = ec_action_name(EC_ACTION_QUARANTINE),
        .max_failed = (double)NAN,
    };
}

static bool has_null_rule(const struct ec_source *source, const char *column) {
    for (size_t i = 0; i < source->rule_count; i++) {
        const struct ec_rule *rule = &source->rule[i];
        if (rule->kind == EC_RULE_NOT_NULL && strcmp(rule->column, column) == 0) return true;
    }
    return false;
}

static bool add_column_checks(struct ec_gate *gate) {
    const struct ec_source *source = gate->source;
    for (size_t i = 0; i < source->column_count; i++) {
        const struct ec_schema_column *c = &source->column[i];
        gate->check_type[i] = gate->check_null[i] = SIZE_MAX;
        if (c->type.type != EC_TYPE_STRING) {
            const char *id = ec_arena_printf(&gate->facts.arena, "%s.type", c->name);
            if (!id) return false;
            gate->check_type[i] = ec_gate_add_check(gate, make_check(id, "type", c->name, EC_DIM_VALIDITY));
        }
        if (c->not_null && !has_null_rule(source, c->name)) {
            const char *id = ec_arena_printf(&gate->facts.arena, "%s.not_null", c->name);
            if (!id) return false;
            gate->check_null[i] = ec_gate_add_check(gate, make_check(id, "not_null", c->name, EC_DIM_COMPLETENESS));
        }
    }
    return true;
}

static void add_rule_checks(struct ec_gate *gate) {
    const struct ec_source *source = gate->source;
    for (size_t i = 0; i < source->rule_count; i++) {
        const struct ec_rule *rule = &source->rule[i];
        struct ec_check_facts check = make_check(rule->id, rule->key, rule->column, ec_rule_dimension(rule));
        check.severity = ec_severity_name(rule->severity);
        check.action = ec_action_name(rule->action);
        check.max_failed = rule->max_failed;
        gate->check_rule[i] = ec_gate_add_check(gate, check);
    }
}

static enum ec_status allocate(struct ec_gate *gate, struct ec_err *err) {
    const struct ec_source *source = gate->source;
    size_t columns = source->column_count;
    gate->check_type = ec_arena_calloc(&gate->arena, columns, sizeof(size_t));
    gate->check_null = ec_arena_calloc(&gate->arena, columns, sizeof(size_t));
    gate->check_rule = ec_arena_calloc(&gate->arena, source->rule_count, sizeof(size_t));
    gate->rule = ec_arena_calloc(&gate->arena, source->rule_count, sizeof *gate->rule);
    gate->type_bad = ec_arena_calloc(&gate->arena, columns * EC_BATCH_WORDS, sizeof(uint64_t));
    gate->facts.check =
        ec_arena_calloc(&gate->facts.arena, 2 + 2 * columns + source->rule_count, sizeof *gate->facts.check);
    if (!gate->check_type || !gate->check_null || !gate->check_rule || !gate->rule || !gate->type_bad ||
        !gate->facts.check)
        return ec_fail(err, EC_NO_MEMORY, "no memory for the checks of %s", source->name);
    return EC_OK;
}

static size_t batch_column(const struct ec_batch *batch, const char *name) {
    for (size_t i = 0; name && i < batch->columns; i++) {
        enum ec_type type = batch->column[i].type.type;
        if (strcmp(batch->column[i].name, name) == 0 && (type == EC_TYPE_DATETIME || type == EC_TYPE_DATE)) return i;
    }
    return SIZE_MAX;
}

/* What is no number is passed over: a derived column's type is known only now. */
static bool find_money(struct ec_gate *gate, const struct ec_batch *batch) {
    const struct ec_source *source = gate->source;
    gate->facts.money_known = source->money_count > 0;
    gate->money = ec_arena_calloc(&gate->arena, source->money_count, sizeof *gate->money);
    for (size_t i = 0; gate->money && i < source->money_count; i++) {
        gate->money[i] = SIZE_MAX;
        for (size_t c = 0; c < batch->columns; c++) {
            enum ec_type type = batch->column[c].type.type;
            bool number = type == EC_TYPE_FLOAT || type == EC_TYPE_INTEGER || type == EC_TYPE_DECIMAL;
            if (number && strcmp(batch->column[c].name, source->money[i]) == 0) gate->money[i] = c;
        }
    }
    return gate->money != NULL;
}

enum ec_status ec_gate_create(const struct ec_source *source, const struct ec_batch *batch, size_t own_first,
                              size_t own_count, struct ec_gate **out, struct ec_err *err) {
    struct ec_gate *gate = ec_calloc(1, sizeof *gate);
    if (!gate) return ec_fail(err, EC_NO_MEMORY, "no memory for the checks of %s", source->name);
    if (source->key_count > EC_KEY_COLUMNS_MAX) {
        ec_free(gate);
        (void)ec_fail(err, EC_CONFIG, "the key of %s has %zu columns; the limit is %u", source->name, source->key_count,
                      EC_KEY_COLUMNS_MAX);
        ec_err_at(err, source->file, source->line, 0);
        return EC_CONFIG;
    }
    gate->source = source;
    gate->cells = (struct ec_gate_cells){.source = source, .own_first = own_first};
    gate->own_first = own_first;
    gate->own_count = own_count;
    gate->derived_count = source->derive_count < own_count ? source->derive_count : own_count;
    gate->freshness = batch_column(batch, source->freshness_column);
    ec_facts_init(&gate->facts);
    ec_arena_init(&gate->arena, EC_GATE_MEMORY_MAX);

    enum ec_status status = allocate(gate, err);
    if (status == EC_OK && !find_money(gate, batch))
        status = ec_fail(err, EC_NO_MEMORY, "no memory for the checks of %s", source->name);
    if (status != EC_OK) goto done;
    gate->check_parse = ec_gate_add_check(gate, make_check("rows.parse", "parse", NULL, EC_DIM_VALIDITY));
    gate->check_key = SIZE_MAX;
    if (source->key_count > 0)
        gate->check_key = ec_gate_add_check(gate, make_check("key", EC_GATE_UNIQUE, NULL, EC_DIM_UNIQUENESS));
    if (!add_column_checks(gate)) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory for the checks of %s", source->name);
        goto done;
    }
    add_rule_checks(gate);
    for (size_t i = 0; i < source->rule_count && status == EC_OK; i++)
        status = ec_rule_bind(&source->rule[i], batch, &gate->arena, &gate->rule[i], err);
done:
    if (status != EC_OK) {
        ec_gate_destroy(gate);
        return status;
    }
    *out = gate;
    return EC_OK;
}

void ec_gate_cells(struct ec_gate *gate, const uint32_t *cell_of, size_t count) {
    gate->cells.cell_of = cell_of;
    gate->cells.count = count;
}

void ec_gate_destroy(struct ec_gate *gate) {
    if (!gate) return;
    for (size_t i = 0; gate->rule && i < gate->source->rule_count; i++) ec_rule_unbind(&gate->rule[i]);
    ec_facts_deinit(&gate->facts);
    ec_arena_deinit(&gate->arena);
    ec_free(gate);
}

struct ec_facts *ec_gate_facts(struct ec_gate *gate) {
    ec_profile_settle(gate);
    return &gate->facts;
}
