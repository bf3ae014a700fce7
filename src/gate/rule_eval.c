/* One loop over one column per rule. */
#include "gate/rule.h"

#include "base/utf8.h"

#include <math.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Inlined with a constant type, so that each loop below has no switch in it. */
static inline __attribute__((always_inline)) int64_t int_at(const struct ec_column *c, enum ec_type type, size_t row) {
    if (type == EC_TYPE_BOOLEAN) return ec_column_bool(c)[row];
    if (type == EC_TYPE_DATE) return ec_column_days(c)[row];
    return ec_column_int(c)[row];
}

/* Up to 64 rows from `row` on: the bits of those for which `breaks`, an expression over `at`, is true. They are
 * gathered in a register: a bitmap in memory would be waited for at every row. */
#define WORD_OF(rows, breaks)                                                                                          \
    size_t end = (rows)-row < 64 ? (rows)-row : 64;                                                                    \
    uint64_t bits = 0;                                                                                                 \
    for (size_t k = 0, at = row; k < end; k++, at++) bits |= (uint64_t)(breaks) << k

#define EACH_WORD(rows, failed, breaks)                                                                                \
    for (size_t row = 0; row < (rows); row += 64) {                                                                    \
        WORD_OF(rows, breaks);                                                                                         \
        (failed)[row >> 6] |= bits;                                                                                    \
    }

/* A range is asked of 64 rows at once whether one of them leaves it, which mostly none does: in lanes, none of
 * which waits for another. Behind the last row a column holds whole words of something, which costs a closer look
 * at worst. */
#define LANES 4u

/* A bound, and all ones where there is one. */
struct limits {
    uint64_t min, has_min, max, has_max;
};

/* The sign of what is gathered. Where a difference leaves the range of integers it may say so wrongly, never the
 * reverse: v < min shows in v - min, or, where v is negative and min is not, in v itself; v > max likewise. */
static inline __attribute__((always_inline)) bool ints_leave(const struct ec_column *c, enum ec_type type, size_t row,
                                                             struct limits in) {
    uint64_t below[2] = {0}, above[2] = {0};
    for (size_t k = 0; k < 64; k += 2) {
        for (size_t lane = 0; lane < 2; lane++) {
            uint64_t v = (uint64_t)int_at(c, type, row + k + lane);
            below[lane] |= (v - in.min) | (v & ~in.min);
            above[lane] |= (in.max - v) | (in.max & ~v);
        }
    }
    return (((below[0] | below[1]) & in.has_min) | ((above[0] | above[1]) & in.has_max)) >> 63;
}

/* Comparisons alone: least and greatest of values among which is one that is no number would hang on their order. */
static inline __attribute__((always_inline)) bool doubles_leave(const double *v, double min, double max) {
    unsigned out[LANES] = {0};
    for (size_t k = 0; k < 64; k += LANES)
        for (size_t lane = 0; lane < LANES; lane++) out[lane] |= (unsigned)(v[k + lane] < min) | (unsigned)(v[k + lane] > max);
    return (out[0] | out[1] | out[2] | out[3]) != 0;
}

static inline __attribute__((always_inline)) void range_int(const struct ec_bound_rule *b, const struct ec_batch *batch,
                                                            enum ec_type type, uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column];
    int64_t min = b->has_min ? b->min.i : INT64_MIN, max = b->has_max ? b->max.i : INT64_MAX;
    struct limits in = {(uint64_t)min, b->has_min ? UINT64_MAX : 0, (uint64_t)max, b->has_max ? UINT64_MAX : 0};
    for (size_t row = 0; row < batch->rows; row += 64) {
        if (!ints_leave(c, type, row, in)) continue;
        WORD_OF(batch->rows, (unsigned)(int_at(c, type, at) < min) | (unsigned)(int_at(c, type, at) > max));
        failed[row >> 6] |= bits;
    }
}

static void range_double(const struct ec_bound_rule *b, const struct ec_batch *batch, uint64_t *failed) {
    const double *v = ec_column_double(&batch->column[b->column]);
    double min = b->has_min ? b->min.d : -(double)INFINITY, max = b->has_max ? b->max.d : (double)INFINITY;
    for (size_t row = 0; row < batch->rows; row += 64) {
        if (!doubles_leave(v + row, min, max)) continue;
        WORD_OF(batch->rows, (unsigned)(v[at] < min) | (unsigned)(v[at] > max));
        failed[row >> 6] |= bits;
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

/* Datetimes, integers and decimals. */
static void against_ints(const struct ec_column *c, const struct ec_column *o, size_t rows, bool lower,
                         uint64_t *failed) {
    const int64_t *low = ec_column_int(lower ? c : o), *high = ec_column_int(lower ? o : c);
    uint64_t out[EC_BATCH_ROWS / 64] = {0};
    EACH_WORD(rows, out, low[at] < high[at])
    for (size_t i = 0; i < (rows + 63) / 64; i++) failed[i] |= out[i] & o->valid[i];
}

static bool has_ints(enum ec_type type) {
    return type == EC_TYPE_INTEGER || type == EC_TYPE_DATETIME || type == EC_TYPE_DECIMAL;
}

/* A null on either side passes. */
static void against_column(const struct ec_bound_rule *b, const struct ec_batch *batch, size_t other, bool lower,
                           uint64_t *failed) {
    const struct ec_column *c = &batch->column[b->column], *o = &batch->column[other];
    if (has_ints(c->type.type) && has_ints(o->type.type)) {
        against_ints(c, o, batch->rows, lower, failed);
        return;
    }
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
    EACH_WORD(batch->rows, failed, is_among(b, c, at) != wanted)
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

/* Whether some row has place 0: a null, or the empty text of a derived column. */
static bool has_place_0(const uint32_t *code, size_t rows) {
    uint32_t found = 0;
    for (size_t row = 0; row < rows; row++) found |= code[row] == 0;
    return found;
}

static void eval_codes(struct ec_bound_rule *b, const struct ec_column *c, size_t rows, uint64_t *failed) {
    const struct ec_dictionary *d = c->dictionary;
    if (b->judged_id != d->id) b->judged = b->breaking = 0;
    b->judged_id = d->id;
    for (; b->judged < d->count; b->judged++) {
        bool breaks = text_breaks(b, ec_text_str((const struct ec_text *)d->values + b->judged));
        b->breaks[b->judged] = breaks;
        b->breaking += breaks && b->judged > 0;
    }
    if (b->breaking || (b->breaks[0] && has_place_0(c->code, rows))) EACH_WORD(rows, failed, b->breaks[c->code[at]])
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
