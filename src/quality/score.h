/* Scores and verdicts: from a unit's facts to a decision that a person can check by hand.
 *
 *     completeness  100 * (1 - missing cells / cells)           of the declared columns
 *     validity      100 * (1 - invalid rows / rows)             error-level violations
 *     uniqueness    100 * (1 - duplicates / rows)               where the source has a key
 *     consistency   100 * (1 - inconsistent rows / rows)        where it has expression rules
 *     timeliness    100 * (1 - age of the newest row / freshness), at least 0, where configured
 *     overall       the weighted mean of those that are known
 *
 * Unknown is NAN here and null in JSON. Figures are shown rounded down to two decimals, so that
 * 100.00 means all of it, and what is under a threshold never looks as if it were not.
 * docs/quality.md tells users the same. Pure functions; any thread.
 */
#ifndef EC_QUALITY_SCORE_H
#define EC_QUALITY_SCORE_H

#include "quality/unit.h"

/* A figure that is 90 but for the last bits of its division is 90. */
#define EC_SCORE_ROUNDING 1e-9

enum ec_verdict {
    EC_VERDICT_PASSED,  /* no violation */
    EC_VERDICT_WARNED,  /* violations, above the thresholds */
    EC_VERDICT_FAILED,  /* score or completeness under the threshold, or a rule that fails the file */
    EC_VERDICT_ERRORED, /* not readable */
    EC_VERDICT_SKIPPED, /* already applied */
    EC_VERDICT_COUNT,
};

struct ec_score {
    double dim[EC_DIM_COUNT]; /* 0..100, NAN where unknown */
    double overall;
};

struct ec_judgement {
    struct ec_score score;
    enum ec_verdict verdict;
    const char *arithmetic; /* of the overall score, as a sentence; NULL where there is none */
    const char **failure;   /* sentences: why it failed or is errored */
    size_t failure_count;
    const char **violation; /* sentences: what else is wrong */
    size_t violation_count;
};

void ec_score_compute(const struct ec_unit *unit, struct ec_score *score);

/* Judges a unit; the texts are in `arena`. EC_NO_MEMORY only. */
enum ec_status ec_judge(const struct ec_unit *unit, struct ec_arena *arena, struct ec_judgement *out,
                        struct ec_err *err) EC_MUST_USE;

/* 99.996 is 99.99: what is shown. NAN stays NAN. */
double ec_percent(double value);
/* Appended with so many decimals, as the language writes figures: for sentences. */
void ec_fixed_add(struct ec_buf *out, double value, int decimals);
/* A percentage of ec_percent(), so with two decimals; "unknown" for NAN. */
void ec_percent_add(struct ec_buf *out, double value);
/* 1,234,567 appended, the same way. */
void ec_count_add(struct ec_buf *out, uint64_t value);

const char *ec_verdict_name(enum ec_verdict verdict); /* "warned" */
/* "passed", "noted" (info), "warned", "failed", or "skipped" where there was nothing to evaluate. */
const char *ec_check_status(const struct ec_check_facts *check);

#endif
