/* One loop over one column per rule. */
#include "gate/rule.h"

#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Inlined with a constant type, so that each loop below has no switch in it. */
static inline __attribute__((always_inline)) int64_t int_at(const struct ec_column *c, enum ec_type type, size_t row) {
    if (type == EC_TYPE_BOOLEAN) return ec_column_bool(c)[row];
    if (type == EC_TYPE_DATE) return ec_column_days(c)[row];
    return ec_column_int(c)[row];
}

static inline __attribute__((always_inline)) void range_int(const struct ec_bound_rule *b, const struct ec_batch *batch,
                                                            enum ec_type type, uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column];
    int64_t min = b->has_min ? b->min.i : INT64_MIN;
    int64_t max = b->has_max ? b->max.i : INT64_MAX;
    for (size_t row = 0; row < batch->rows; row++) {
        int64_t v = int_at(c, type, row);
        failed[row >> 6] |= (uint64_t)((v < min) | (v > max)) << (row & 63);
    }
}

static void range_double(const struct ec_bound_rule *b, const struct ec_batch *batch, uint64_t *failed) {
    const double *values = ec_column_double(&batch->column[b->column]);
    for (size_t row = 0; row < batch->rows; row++) {
        bool out = (b->has_min && values[row] < b->min.d) || (b->has_max && values[row] > b->max.d);
        failed[row >> 6] |= (uint64_t)out << (row & 63);
    }
}

/* -1, 0 or 1: a cell against a cell of another column of the same type. */
static int compare_cells(const struct ec_column *a, const struct ec_column *b, size_t row) {
    if (a->type.type == EC_TYPE_FLOAT) {
        double x = ec_column_double(a)[row], y = ec_column_double(b)[row];
        return (x > y) - (x < y);
    }
    if (a->type.type == EC_TYPE_STRING) {
        struct ec_str x = ec_text_str(&ec_column_text(a)[row]), y = ec_text_str(&ec_column_text(b)[row]);
        size_t n = x.n < y.n ? x.n : y.n;
        int order = n ? memcmp(x.p, y.p, n) : 0;
        return order ? order : (x.n > y.n) - (x.n < y.n);
    }
    int64_t x = int_at(a, a->type.type, row), y = int_at(b, b->type.type, row);
    return (x > y) - (x < y);
}

/* A null on either side passes. */
static void against_column(const struct ec_bound_rule *b, const struct ec_batch *batch, size_t other, bool lower,
                           uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column], *o = &batch->column[other];
    for (size_t row = 0; row < batch->rows; row++) {
        if (!ec_bit(o->valid, row)) continue;
        int order = compare_cells(c, o, row);
        if (lower ? order < 0 : order > 0) ec_bit_set(failed, row);
    }
}

static void eval_range(const struct ec_bound_rule *bound, const struct ec_batch *batch, uint64_t *failed) {
    struct ec_bound_rule constant = *bound;
    if (bound->has_min && bound->min_column != SIZE_MAX) {
        against_column(bound, batch, bound->min_column, true, failed);
        constant.has_min = false;
    }
    if (bound->has_max && bound->max_column != SIZE_MAX) {
        against_column(bound, batch, bound->max_column, false, failed);
        constant.has_max = false;
    }
    if (!constant.has_min && !constant.has_max) return;
    switch (bound->type) {
    case EC_TYPE_FLOAT: range_double(&constant, batch, failed); break;
    case EC_TYPE_DATE: range_int(&constant, batch, EC_TYPE_DATE, failed); break;
    case EC_TYPE_BOOLEAN: range_int(&constant, batch, EC_TYPE_BOOLEAN, failed); break;
    default: range_int(&constant, batch, EC_TYPE_INTEGER, failed); break;
    }
}

static bool is_among(const struct ec_bound_rule *b, const struct ec_column *c, size_t row) {
    if (b->type == EC_TYPE_FLOAT) {
        double v = ec_column_double(c)[row];
        for (size_t i = 0; i < b->value_count; i++)
            if (v >= b->value[i].d && v <= b->value[i].d) return true;
        return false;
    }
    int64_t v = int_at(c, b->type, row);
    for (size_t i = 0; i < b->value_count; i++)
        if (v == b->value[i].i) return true;
    return false;
}

static void eval_values(const struct ec_bound_rule *b, const struct ec_batch *batch, bool wanted, uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column];
    for (size_t row = 0; row < batch->rows; row++)
        failed[row >> 6] |= (uint64_t)(is_among(b, c, row) != wanted) << (row & 63);
}

static bool is_text_among(const struct ec_bound_rule *b, struct ec_str text) {
    for (size_t i = 0; i < b->value_count; i++)
        if (ec_str_eq(text, b->value[i].text)) return true;
    return false;
}

static bool matches(const struct ec_bound_rule *b, struct ec_str text) {
    int found = pcre2_match(b->pattern, (PCRE2_SPTR)text.p, text.n, 0, PCRE2_NO_UTF_CHECK, b->match, b->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) /* of a long text: what the machine's stack holds must not decide */
        found = pcre2_match(b->pattern, (PCRE2_SPTR)text.p, text.n, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, b->match,
                            b->context);
    return found >= 0; /* else no match, or a limit: it cannot be shown to match */
}

static bool text_breaks(const struct ec_bound_rule *b, struct ec_str text) {
    switch (b->rule->kind) {
    case EC_RULE_ALLOWED: return !is_text_among(b, text);
    case EC_RULE_NOT_ALLOWED: return is_text_among(b, text);
    case EC_RULE_REGEX: return !matches(b, text);
    case EC_RULE_LENGTH: {
        size_t n = ec_utf8_length(text.p, text.n);
        return n < b->rule->length_min || n > b->rule->length_max;
    }
    default: return false;
    }
}

static void eval_codes(struct ec_bound_rule *b, const struct ec_column *c, size_t rows, uint64_t *failed) {
    const struct ec_dictionary *d = c->dictionary;
    if (b->judged_id != d->id) b->judged = 0;
    b->judged_id = d->id;
    for (; b->judged < d->count; b->judged++)
        b->breaks[b->judged] = text_breaks(b, ec_text_str((const struct ec_text *)d->values + b->judged));
    for (size_t row = 0; row < rows; row++) failed[row >> 6] |= (uint64_t)b->breaks[c->code[row]] << (row & 63);
}

/* Where nulls have a code or a value it means nothing: they pass in the end. */
static void eval_texts(struct ec_bound_rule *b, const struct ec_batch *batch, uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column];
    if (c->dictionary && c->dictionary->count <= EC_CODED_MAX) {
        eval_codes(b, c, batch->rows, failed);
        return;
    }
    for (size_t row = 0; row < batch->rows; row++)
        if (ec_bit(c->valid, row) && text_breaks(b, ec_text_str(&ec_column_text(c)[row]))) ec_bit_set(failed, row);
}

void ec_rule_eval(struct ec_bound_rule *bound, const struct ec_batch *batch, uint64_t *failed) {
    size_t words = (batch->rows + 63) / 64;
    const uint64_t *valid = batch->column[bound->column].valid;
    if (bound->rule->kind == EC_RULE_EXPRESSION) return;
    if (bound->rule->kind == EC_RULE_NOT_NULL) {
        for (size_t i = 0; i < words; i++) failed[i] = ~valid[i];
        if (batch->rows % 64) failed[words - 1] &= (UINT64_C(1) << (batch->rows % 64)) - 1;
        return;
    }
    if (bound->rule->kind == EC_RULE_RANGE)
        eval_range(bound, batch, failed);
    else if (bound->breaks)
        eval_texts(bound, batch, failed);
    else
        eval_values(bound, batch, bound->rule->kind == EC_RULE_ALLOWED, failed);
    for (size_t i = 0; i < words; i++) failed[i] &= valid[i]; /* a null passes */
}
