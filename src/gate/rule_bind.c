/* From a rule as written to one that can be evaluated. */
#include "gate/rule.h"

#include "base/calendar.h"
#include "read/cell.h"

#include <math.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A pattern that backtracks its way past these on one value fails that row: linear in practice,
 * and no value can hang a worker. */
#define REGEX_MATCH_MAX    100000u
#define REGEX_HEAP_KIB_MAX 16384u /* what as many steps back take */

static enum ec_status at_rule(const struct ec_rule *rule, struct ec_err *err) {
    ec_err_at(err, rule->file, rule->line, 0);
    return EC_CONFIG;
}

static size_t column_named(const struct ec_batch *batch, const char *name) {
    for (size_t i = 0; i < batch->columns; i++)
        if (strcmp(batch->column[i].name, name) == 0) return i;
    return SIZE_MAX;
}

enum side { EXACT, LOWER, UPPER };

static void saturate(double d, int64_t *value) {
    if (d < -9.2e18 || d > 9.2e18)
        *value = d < 0 ? INT64_MIN : INT64_MAX;
    else
        *value = (int64_t)d;
}

/* 0.5 as the lower bound of an integer is 1, as its upper bound 0. */
static bool integer_bound(struct ec_str text, enum side side, int64_t *value) {
    if (ec_integer_parse(text.p, text.n, value)) return true;
    double d;
    if (side == EXACT || !ec_double_parse(text.p, text.n, &d)) return false;
    saturate(side == LOWER ? ceil(d) : floor(d), value);
    return true;
}

/* A bound of finer scale than the column's is rounded to the inside, as an integer's is; one that no
 * value of the column can reach closes or opens the range. */
static bool decimal_bound(struct ec_str text, unsigned scale, enum side side, int64_t *value) {
    int64_t power = 1, fine;
    for (unsigned finer = scale; finer <= EC_DECIMAL_PRECISION_MAX; finer++) {
        if (finer > scale) power *= 10;
        if (!ec_decimal_parse(text.p, text.n, EC_DECIMAL_PRECISION_MAX, finer, &fine)) continue;
        *value = fine / power;
        if (fine % power > 0 && side == LOWER) *value += 1;
        if (fine % power < 0 && side == UPPER) *value -= 1;
        return true;
    }
    double d;
    if (!ec_double_parse(text.p, text.n, &d)) return false;
    d = d * pow(10, scale);
    saturate(side == LOWER ? ceil(d) : floor(d), value);
    return true;
}

/* A time of day rounds to the inside: a date from 12:00 on begins the next day. */
static bool date_bound(struct ec_str text, enum side side, int64_t *value) {
    int64_t micros;
    if (side == EXACT || !ec_datetime_parse(text.p, text.n, &micros)) return false;
    *value = ec_days_from_micros(micros);
    if (side == LOWER && micros != *value * EC_MICROS_PER_DAY) *value += 1;
    return true;
}

static bool parse_value(struct ec_column_type type, struct ec_str text, enum side side, struct ec_rule_value *out) {
    int32_t days;
    uint8_t flag;
    out->text = text;
    switch (type.type) {
    case EC_TYPE_STRING: return true;
    case EC_TYPE_INTEGER: return integer_bound(text, side, &out->i);
    case EC_TYPE_FLOAT: return ec_double_parse(text.p, text.n, &out->d);
    case EC_TYPE_DECIMAL:
        if (ec_decimal_parse(text.p, text.n, type.precision, type.scale, &out->i)) return true;
        return side != EXACT && decimal_bound(text, type.scale, side, &out->i);
    case EC_TYPE_DATETIME: return ec_datetime_parse(text.p, text.n, &out->i);
    case EC_TYPE_DATE:
        if (!ec_date_parse(text.p, text.n, &days)) return date_bound(text, side, &out->i);
        out->i = days;
        return true;
    case EC_TYPE_BOOLEAN:
        if (!ec_boolean_parse(text.p, text.n, &flag)) return false;
        out->i = flag;
        return true;
    }
    return false;
}

static enum ec_status bind_bound(const struct ec_rule *rule, const char *text, const struct ec_batch *batch,
                                 struct ec_bound_rule *b, bool lower, struct ec_err *err) {
    struct ec_column_type type = batch->column[b->column].type;
    size_t other = column_named(batch, text);
    *(lower ? &b->has_min : &b->has_max) = true;
    *(lower ? &b->min_column : &b->max_column) = other;
    if (other != SIZE_MAX) {
        if (batch->column[other].type.type == type.type && batch->column[other].type.scale == type.scale) return EC_OK;
        (void)ec_fail(err, EC_CONFIG, "rule %s compares %s (%s) with %s (%s); both must have one type", rule->id,
                      rule->column, ec_type_name(type.type), text, ec_type_name(batch->column[other].type.type));
        return at_rule(rule, err);
    }
    if (type.type != EC_TYPE_STRING &&
        parse_value(type, ec_str_of(text), lower ? LOWER : UPPER, lower ? &b->min : &b->max))
        return EC_OK;
    (void)ec_fail(err, EC_CONFIG, "rule %s: `%s` is not a bound for the column %s of type %s", rule->id, text,
                  rule->column, ec_type_name(type.type));
    return at_rule(rule, err);
}

static enum ec_status bind_values(const struct ec_rule *rule, const struct ec_batch *batch, struct ec_arena *arena,
                                  struct ec_bound_rule *b, struct ec_err *err) {
    b->value = ec_arena_calloc(arena, rule->value_count, sizeof *b->value);
    if (!b->value) return ec_fail(err, EC_NO_MEMORY, "no memory for the values of rule %s", rule->id);
    b->value_count = rule->value_count;
    struct ec_column_type type = batch->column[b->column].type;
    for (size_t i = 0; i < rule->value_count; i++) {
        if (parse_value(type, rule->values[i], EXACT, &b->value[i])) continue;
        (void)ec_fail(err, EC_CONFIG, "rule %s: `%.*s` is not a value of the column %s of type %s", rule->id,
                      (int)rule->values[i].n, rule->values[i].p, rule->column, ec_type_name(type.type));
        return at_rule(rule, err);
    }
    return EC_OK;
}

static enum ec_status bind_pattern(const struct ec_rule *rule, struct ec_bound_rule *b, struct ec_err *err) {
    int code;
    PCRE2_SIZE offset;
    pcre2_code *pattern = pcre2_compile((PCRE2_SPTR)rule->text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_NO_UTF_CHECK,
                                        &code, &offset, NULL);
    if (!pattern) {
        char text[128];
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        (void)ec_fail(err, EC_CONFIG, "rule %s: the pattern does not compile at character %zu: %s", rule->id,
                      offset + 1, text);
        return at_rule(rule, err);
    }
    b->pattern = pattern;
    (void)pcre2_jit_compile(pattern, PCRE2_JIT_COMPLETE); /* without JIT it is slower, not wrong */
    b->match = pcre2_match_data_create_from_pattern(pattern, NULL);
    b->context = pcre2_match_context_create(NULL);
    if (!b->match || !b->context) return ec_fail(err, EC_NO_MEMORY, "no memory for the pattern of rule %s", rule->id);
    (void)pcre2_set_match_limit(b->context, REGEX_MATCH_MAX);
    (void)pcre2_set_heap_limit(b->context, REGEX_HEAP_KIB_MAX);
    return EC_OK;
}

static enum ec_status need_text(const struct ec_rule *rule, enum ec_type type, struct ec_err *err) {
    if (type == EC_TYPE_STRING) return EC_OK;
    (void)ec_fail(err, EC_CONFIG, "rule %s needs a column of type string; %s is %s", rule->id, rule->column,
                  ec_type_name(type));
    return at_rule(rule, err);
}

static enum ec_status bind_kind(const struct ec_rule *rule, const struct ec_batch *batch, struct ec_arena *arena,
                                struct ec_bound_rule *b, struct ec_err *err) {
    switch (rule->kind) {
    case EC_RULE_RANGE:
        if (rule->min) EC_TRY(bind_bound(rule, rule->min, batch, b, true, err));
        if (rule->max) EC_TRY(bind_bound(rule, rule->max, batch, b, false, err));
        return EC_OK;
    case EC_RULE_ALLOWED:
    case EC_RULE_NOT_ALLOWED: return bind_values(rule, batch, arena, b, err);
    case EC_RULE_REGEX: EC_TRY(need_text(rule, b->type, err)); return bind_pattern(rule, b, err);
    case EC_RULE_LENGTH: return need_text(rule, b->type, err);
    case EC_RULE_NOT_NULL:
    case EC_RULE_EXPRESSION: break;
    }
    return EC_OK;
}

enum ec_status ec_rule_bind(const struct ec_rule *rule, const struct ec_batch *batch, struct ec_arena *arena,
                            struct ec_bound_rule *bound, struct ec_err *err) {
    *bound = (struct ec_bound_rule){.rule = rule, .column = SIZE_MAX, .min_column = SIZE_MAX, .max_column = SIZE_MAX};
    if (rule->kind == EC_RULE_EXPRESSION) return EC_OK;
    bound->column = column_named(batch, rule->column);
    if (bound->column == SIZE_MAX) {
        (void)ec_fail(err, EC_CONFIG, "rule %s names the column %s, which the source does not have", rule->id,
                      rule->column);
        return at_rule(rule, err);
    }
    bound->type = batch->column[bound->column].type.type;
    enum ec_status status = bind_kind(rule, batch, arena, bound, err);
    if (status == EC_OK && bound->type == EC_TYPE_STRING && rule->kind != EC_RULE_RANGE && rule->kind != EC_RULE_NOT_NULL) {
        bound->breaks = ec_arena_calloc(arena, EC_CODED_MAX, sizeof *bound->breaks);
        if (!bound->breaks) status = ec_fail(err, EC_NO_MEMORY, "no memory for the rule %s", rule->id);
    }
    if (status != EC_OK) ec_rule_unbind(bound);
    return status;
}

void ec_rule_unbind(struct ec_bound_rule *bound) {
    pcre2_match_context_free(bound->context);
    pcre2_match_data_free(bound->match);
    pcre2_code_free(bound->pattern);
    bound->context = bound->match = bound->pattern = NULL;
}
