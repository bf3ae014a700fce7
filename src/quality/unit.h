/* A unit is what gets a verdict and a report of its own: a file, or a member of an archive.
 *
 * It carries everything that its report, its line of the history and its row of the page show,
 * and goes into the run's manifest as JSON, so that after a crash they are written from the
 * manifest alone. That is why it repeats the terms (threshold, weights) that were in force.
 *
 *     struct ec_unit unit;
 *     ec_unit_init(&unit, config, source, as_of_us);
 *     unit.path = "data/raw/users_1.csv";       // texts are borrowed: they outlive the unit, or
 *     unit.run = ec_arena_strdup(&unit.arena, run);     // are copied into its arena
 *     EC_TRY(ec_facts_merge(&unit.facts, &range, err));
 *     ec_unit_deinit(&unit);
 */
#ifndef EC_QUALITY_UNIT_H
#define EC_QUALITY_UNIT_H

#include "base/facts.h"
#include "config/config.h"
#include "quality/anomaly.h"

/* What a verdict is measured by. */
struct ec_terms {
    double threshold; /* 0..100, of score and completeness */
    double weight[EC_DIM_COUNT];
    int64_t freshness_s; /* 0: none */
    int64_t as_of_us;    /* the run's date, from which the age of the newest row counts */
};

struct ec_unit {
    struct ec_arena arena;          /* of texts read back; free for the caller's use */
    const struct ec_source *source; /* borrowed; NULL where read back, until the caller sets it */
    const char *source_name;
    const char *label;          /* <file> of validation_report_<file>.json; see ec_report_label() */
    const char *path;           /* "data/raw/api_logs.zip" */
    const char *member;         /* "api_logs_20250718_0000.json.gz", or NULL */
    uint64_t bytes;             /* of the file or member as stored */
    char sha256[EC_SHA256_HEX]; /* of those bytes; "" where unknown */
    struct ec_facts facts;      /* counts only where status is EC_OK and not skipped */
    enum ec_status status;      /* other than EC_OK: not readable */
    bool skipped;               /* already applied */
    const char *message;        /* what went wrong, or why it was skipped; else NULL */
    const char **missing;       /* declared columns that the file lacks */
    size_t missing_count;
    const char **undeclared; /* columns that it has beyond the declared ones */
    size_t undeclared_count;
    const char **drift; /* sentences on what else differs from the schema */
    size_t drift_count;
    const struct ec_anomaly *anomaly; /* of its source in this run; borrowed from the run's facts */
    size_t anomaly_count;
    const char *run;
    const char *validated_at;  /* RFC 3339 */
    char rules[EC_SHA256_HEX]; /* fingerprint of the source's configuration */
    const char *program;       /* version of the program */
    struct ec_terms terms;
    int64_t elapsed_us; /* wall time of the unit */
};

/* Takes the terms, names and fingerprint from the configuration; the rest is empty. */
void ec_unit_init(struct ec_unit *unit, const struct ec_config *config, const struct ec_source *source,
                  int64_t as_of_us);
void ec_unit_deinit(struct ec_unit *unit);

/* Whether its facts hold: it was read to its end. */
static inline bool ec_unit_known(const struct ec_unit *unit) {
    return unit->status == EC_OK && !unit->skipped;
}

/* As compact JSON, and back; reading initialises *unit, with source NULL. EC_PROTOCOL names a
 * field that is wrong. */
void ec_unit_write(struct ec_json_writer *w, const char *key, const struct ec_unit *unit);
enum ec_status ec_unit_read(const json_t *object, struct ec_unit *unit, struct ec_err *err) EC_MUST_USE;

#endif
