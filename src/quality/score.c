#include "quality/score.h"

#include <math.h>

static double share_of(uint64_t part, uint64_t whole) {
    if (whole == 0 || part > whole) return (double)NAN;
    return 100.0 * (double)(whole - part) / (double)whole;
}

static bool has_check(const struct ec_facts *facts, const char *rule) {
    for (size_t i = 0; i < facts->check_count; i++)
        if (strcmp(facts->check[i].rule, rule) == 0) return true;
    return false;
}

static double timeliness(const struct ec_unit *unit) {
    const struct ec_facts *facts = &unit->facts;
    if (unit->terms.freshness_s <= 0 || !facts->newest_known) return (double)NAN;
    double age_s = ((double)unit->terms.as_of_us - (double)facts->newest_us) / 1e6;
    double score = 100.0 * (1.0 - age_s / (double)unit->terms.freshness_s);
    return score < 0 ? 0 : score > 100 ? 100 : score; /* a row of the future is fresh */
}

static double weighted_mean(const double *dim, const double *weight) {
    double sum = 0, weights = 0;
    for (size_t i = 0; i < EC_DIM_COUNT; i++) {
        if (isnan(dim[i]) || !(weight[i] > 0)) continue;
        sum += weight[i] * dim[i];
        weights += weight[i];
    }
    return weights > 0 ? sum / weights : (double)NAN;
}

void ec_score_compute(const struct ec_unit *unit, struct ec_score *score) {
    for (size_t i = 0; i < EC_DIM_COUNT; i++) score->dim[i] = (double)NAN;
    score->overall = (double)NAN;
    if (!ec_unit_known(unit)) return;
    const struct ec_facts *f = &unit->facts;
    score->dim[EC_DIM_COMPLETENESS] = share_of(f->cells_missing, f->cells);
    score->dim[EC_DIM_VALIDITY] = share_of(f->rows_invalid, f->read);
    if (has_check(f, "unique")) score->dim[EC_DIM_UNIQUENESS] = share_of(f->duplicate, f->read);
    if (has_check(f, "expression")) score->dim[EC_DIM_CONSISTENCY] = share_of(f->rows_inconsistent, f->read);
    score->dim[EC_DIM_TIMELINESS] = timeliness(unit);
    score->overall = weighted_mean(score->dim, unit->terms.weight);
}

double ec_percent(double value) {
    return isnan(value) ? value : floor((value + EC_SCORE_ROUNDING) * 100) / 100;
}

void ec_percent_add(struct ec_buf *out, double value) {
    if (isnan(value)) {
        ec_buf_addz(out, _("unknown"));
        return;
    }
    ec_fixed_add(out, ec_percent(value), 2);
}

void ec_fixed_add(struct ec_buf *out, double value, int decimals) {
    char text[EC_FIXED_TEXT], figure[2 * EC_FIXED_TEXT];
    text[isfinite(value) ? ec_double_fixed(value, decimals, text) : 0] = '\0';
    ec_buf_addz(out, ec_language_figure(text, figure, sizeof figure));
}

void ec_count_add(struct ec_buf *out, uint64_t value) {
    char digits[24], grouped[32], figure[64];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    ec_buf_addz(out, ec_language_figure(grouped, figure, sizeof figure));
}

const char *ec_verdict_name(enum ec_verdict verdict) {
    switch (verdict) {
    case EC_VERDICT_PASSED: return N_("passed");
    case EC_VERDICT_WARNED: return N_("warned");
    case EC_VERDICT_FAILED: return N_("failed");
    case EC_VERDICT_ERRORED: return N_("errored");
    case EC_VERDICT_SKIPPED: return N_("skipped");
    case EC_VERDICT_COUNT: break;
    }
    return "unknown";
}

const char *ec_check_status(const struct ec_check_facts *check) {
    if (check->failed == 0) return check->evaluated > 0 ? "passed" : "skipped";
    if (strcmp(check->severity, "info") == 0) return "noted";
    return strcmp(check->severity, "warn") == 0 ? "warned" : "failed";
}
