/* The verdict, and the sentences that say why. */
#include "quality/score.h"

#include <math.h>

#define SENTENCE_MAX ((size_t)64 * EC_KIB)

/* Sentences are composed in one buffer and copied into the arena. */
struct judge {
    const struct ec_unit *unit;
    struct ec_arena *arena;
    struct ec_judgement *out;
    struct ec_buf text;
    size_t cap;  /* of each list: every check once, and the few fixed ones */
    bool failed; /* memory ran out */
};

static const char *take(struct judge *j) {
    char *copy = j->text.failed ? NULL : ec_arena_copy(j->arena, ec_buf_str(&j->text).p, j->text.n);
    if (!copy) j->failed = true;
    ec_buf_clear(&j->text);
    return copy;
}

static void add_failure(struct judge *j) {
    const char *text = take(j);
    if (text && j->out->failure_count < j->cap) j->out->failure[j->out->failure_count++] = text;
}

static void add_violation(struct judge *j) {
    const char *text = take(j);
    if (text && j->out->violation_count < j->cap) j->out->violation[j->out->violation_count++] = text;
}

static const char *number_text(double value, char figure[64]) {
    char text[32];
    text[isfinite(value) ? ec_double_format(value, text) : 0] = '\0';
    return ec_language_figure(text, figure, 64);
}

static void number_add(struct ec_buf *out, double value) {
    char figure[64];
    ec_buf_addz(out, number_text(value, figure));
}

static void rows_add(struct ec_buf *out, uint64_t n) {
    ec_count_add(out, n);
    ec_buf_addz(out, P_(" row", " rows", n));
}

static bool is_under(double value, double threshold) {
    return !isnan(value) && value + EC_SCORE_ROUNDING < threshold;
}

static void judge_threshold(struct judge *j, const char *what, double value) {
    if (!is_under(value, j->unit->terms.threshold)) return;
    ec_buf_addz(&j->text, what);
    ec_buf_addc(&j->text, ' ');
    ec_percent_add(&j->text, value);
    ec_buf_addz(&j->text, _(" is under the threshold "));
    number_add(&j->text, j->unit->terms.threshold);
    add_failure(j);
}

/* "status_code.allowed_range: 987 of 100,000 values failed (0.98 %)" */
static void check_add(struct ec_buf *out, const struct ec_check_facts *c) {
    ec_buf_addz(out, c->id);
    ec_buf_addz(out, _(": "));
    ec_count_add(out, c->failed);
    ec_buf_addz(out, _(" of "));
    ec_count_add(out, c->evaluated);
    ec_buf_addz(out, c->column ? _(" values failed") : _(" rows failed"));
    if (c->evaluated) {
        ec_buf_addz(out, " (");
        ec_fixed_add(out, 100.0 * (double)c->failed / (double)c->evaluated, 2);
        ec_buf_addz(out, _(" %)"));
    }
}

static void judge_check(struct judge *j, const struct ec_check_facts *c) {
    if (c->failed == 0) return;
    uint64_t read = j->unit->facts.read;
    bool critical = strcmp(c->severity, "critical") == 0;
    bool too_many = !isnan(c->max_failed) && (double)c->failed > c->max_failed * (double)read * (1 + EC_SCORE_ROUNDING);
    check_add(&j->text, c);
    if (too_many) {
        char figure[64];
        ec_buf_printf(&j->text, _(", more than its max_failed of %s %% of the rows"), number_text(c->max_failed * 100, figure));
    }
    if (critical) ec_buf_addz(&j->text, _("; the rule is critical"));
    if (critical || too_many)
        add_failure(j);
    else if (strcmp(c->severity, "info") != 0)
        add_violation(j);
    else
        ec_buf_clear(&j->text); /* noted in the report's checks; no violation */
}

static void judge_rows(struct judge *j) {
    const struct ec_facts *f = &j->unit->facts;
    if (f->read == 0) {
        ec_buf_addz(&j->text, _("the file holds no rows"));
        add_violation(j);
    }
    if (f->quarantined) {
        rows_add(&j->text, f->quarantined);
        ec_buf_addz(&j->text, _(" quarantined"));
        add_violation(j);
    }
    if (f->duplicate) {
        rows_add(&j->text, f->duplicate);
        ec_buf_addz(&j->text, P_(" is a duplicate", " are duplicates", f->duplicate));
        add_violation(j);
    }
}

/* What is unlike earlier runs: of severity warn a violation, of error and above a failure. */
static void judge_anomalies(struct judge *j) {
    for (size_t i = 0; i < j->unit->anomaly_count; i++) {
        const struct ec_anomaly *a = &j->unit->anomaly[i];
        if (a->status != EC_ANOMALY_ANOMALOUS || strcmp(a->severity, "info") == 0) continue;
        ec_buf_addz(&j->text, _("unlike earlier runs: "));
        ec_anomaly_say(&j->text, a, ec_language() == EC_LANGUAGE_FR);
        if (j->text.n && j->text.p[j->text.n - 1] == '.') j->text.p[--j->text.n] = '\0';
        if (strcmp(a->severity, "warn") == 0)
            add_violation(j);
        else
            add_failure(j);
    }
}

static void judge_schema(struct judge *j) {
    const struct ec_unit *unit = j->unit;
    for (size_t i = 0; i < unit->undeclared_count; i++) {
        ec_buf_addz(&j->text, _("the column "));
        ec_buf_addz(&j->text, unit->undeclared[i]);
        ec_buf_addz(&j->text, _(" is not declared"));
        add_violation(j);
    }
    for (size_t i = 0; i < unit->drift_count; i++) {
        ec_buf_addz(&j->text, unit->drift[i]);
        add_violation(j);
    }
}

/* "(1 x 98.50 completeness + 2 x 99.01 validity) / 3 = 98.84; threshold 97" */
static void explain(struct judge *j) {
    const struct ec_score *score = &j->out->score;
    if (isnan(score->overall)) return;
    double weights = 0;
    for (size_t i = 0; i < EC_DIM_COUNT; i++) {
        double weight = j->unit->terms.weight[i];
        if (isnan(score->dim[i]) || !(weight > 0)) continue;
        ec_buf_addz(&j->text, weights > 0 ? " + " : "(");
        number_add(&j->text, weight);
        ec_buf_addz(&j->text, " × ");
        ec_percent_add(&j->text, score->dim[i]);
        ec_buf_addc(&j->text, ' ');
        ec_buf_addz(&j->text, _(ec_dimension_name((enum ec_dimension)i)));
        weights += weight;
    }
    ec_buf_addz(&j->text, ") ÷ ");
    number_add(&j->text, weights);
    ec_buf_addz(&j->text, " = ");
    ec_percent_add(&j->text, score->overall);
    ec_buf_addz(&j->text, _("; threshold "));
    number_add(&j->text, j->unit->terms.threshold);
    j->out->arithmetic = take(j);
}

static void judge_known(struct judge *j) {
    const struct ec_facts *f = &j->unit->facts;
    struct ec_judgement *out = j->out;
    explain(j);
    judge_threshold(j, _("the score"), out->score.overall);
    judge_threshold(j, _("the completeness"), out->score.dim[EC_DIM_COMPLETENESS]);
    judge_rows(j);
    for (size_t i = 0; i < f->check_count; i++) judge_check(j, &f->check[i]);
    if (f->rejected && out->failure_count == 0) {
        ec_buf_addz(&j->text, _("a rule rejected the whole file"));
        add_failure(j);
    }
    judge_schema(j);
    judge_anomalies(j);
    out->verdict = out->failure_count     ? EC_VERDICT_FAILED
                   : out->violation_count ? EC_VERDICT_WARNED
                                          : EC_VERDICT_PASSED;
}

static void judge_errored(struct judge *j) {
    const struct ec_code_text *code = ec_status_text(j->unit->status);
    j->out->verdict = EC_VERDICT_ERRORED;
    ec_buf_addz(&j->text, j->unit->message ? j->unit->message : _(code->meaning));
    ec_buf_printf(&j->text, " [%s]", code->slug);
    add_failure(j);
    for (size_t i = 0; i < j->unit->missing_count; i++) {
        ec_buf_addz(&j->text, _("the column "));
        ec_buf_addz(&j->text, j->unit->missing[i]);
        ec_buf_addz(&j->text, _(" is missing"));
        add_violation(j);
    }
}

enum ec_status ec_judge(const struct ec_unit *unit, struct ec_arena *arena, struct ec_judgement *out,
                        struct ec_err *err) {
    *out = (struct ec_judgement){0};
    struct judge j = {.unit = unit, .arena = arena, .out = out, .text = ec_buf_make(SENTENCE_MAX)};
    j.cap = unit->facts.check_count + unit->missing_count + unit->undeclared_count + unit->drift_count + unit->anomaly_count + 8;
    out->failure = ec_arena_calloc(arena, j.cap, sizeof *out->failure);
    out->violation = ec_arena_calloc(arena, j.cap, sizeof *out->violation);
    if (!out->failure || !out->violation) return ec_fail(err, EC_NO_MEMORY, "no memory to judge %s", unit->path);
    ec_score_compute(unit, &out->score);
    if (unit->skipped)
        out->verdict = EC_VERDICT_SKIPPED;
    else if (unit->status != EC_OK)
        judge_errored(&j);
    else
        judge_known(&j);
    ec_buf_free(&j.text);
    return j.failed ? ec_fail(err, EC_NO_MEMORY, "no memory to judge %s", unit->path) : EC_OK;
}
