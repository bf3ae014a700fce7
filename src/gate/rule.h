/* Business rules over a batch: each rule marks the rows that break it.
 *
 * A rule is bound once to the batch's columns: its bounds and values are parsed in the column's
 * type, its pattern is compiled. Evaluation then is one loop over one column, and a range is first asked of
 * all rows at once, as mostly none leaves it; where texts come coded (base/coder.h) a value is judged when
 * it is met first, and rows are looked at where some value breaks the rule. A null passes every rule but
 * not_null. Rules of kind `expression` are DuckDB's (sql/derive.h) and not bound here.
 */
#ifndef EC_GATE_RULE_H
#define EC_GATE_RULE_H

#include "base/batch.h"
#include "config/config.h"

struct ec_rule_value {
    int64_t i;
    double d;
    struct ec_str text;
};

struct ec_bound_rule {
    const struct ec_rule *rule;
    size_t column;
    enum ec_type type;
    bool has_min, has_max;
    size_t min_column, max_column; /* SIZE_MAX: a constant */
    struct ec_rule_value min, max;
    struct ec_rule_value *value; /* in the arena that was given */
    size_t value_count;
    /* Of a text column that comes coded: what the rule says of each value. */
    bool *breaks; /* EC_CODED_MAX, in the arena; NULL where the rule does not look at texts */
    uint64_t judged_id;
    uint32_t judged;   /* values of the dictionary that were judged */
    uint32_t breaking; /* of them, those past place 0 that break the rule */
    void *pattern;     /* pcre2_code, owned */
    void *match;   /* pcre2_match_data, owned */
    void *context; /* pcre2_match_context, owned */
};

/* Binds to the columns of `batch` (declared and derived). EC_CONFIG at the rule's file and line
 * where a bound is not of the column's type or the pattern does not compile. */
enum ec_status ec_rule_bind(const struct ec_rule *rule, const struct ec_batch *batch, struct ec_arena *arena,
                            struct ec_bound_rule *bound, struct ec_err *err) EC_MUST_USE;
void ec_rule_unbind(struct ec_bound_rule *bound);

/* Sets the bit of each row that breaks the rule; `failed` holds EC_BATCH_ROWS bits, zeroed. */
void ec_rule_eval(struct ec_bound_rule *bound, const struct ec_batch *batch, uint64_t *failed);

#endif
